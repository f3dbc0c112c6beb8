"""Contestants timed alternately, so that other load on the machine affects all equally; results are ratios."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.worker import Loop
from simulation.engines.ranks import Ranks
from simulation.engines.site import USUAL
from simulation.experiments.baths import Baths
from simulation.perform import perform
from simulation.storage.files import RESTART
from simulation.study.files import check_study


@dataclass(frozen=True)
class Contestant:
    """A study's point 4.80 with one kind of demon, LAMMPS commands ahead of and behind its deck, and a site's settings.

    `without` is a part of the deck that is left out, one of `WITHOUT` of `benchmarks.worker`. `module` is a folder with
    another `lammps` module, used in place of the installed one.
    """

    study: dict[str, Any]
    kind: str = "python"
    before: str = ""
    after: str = ""
    lammps: str = USUAL
    threads: int = 1
    without: str = ""
    module: str = ""


CACHE = Path("results/benchmarks/starts")


def start(study: dict[str, Any], name: str) -> Path:
    """An initial state, created once, by one rank; restart files are independent of the number of ranks."""
    folder = CACHE / name
    if not (folder / RESTART).is_file():
        perform(Baths(check_study(name, study | {"ranks": 1}), 1), folder, Ranks(1))
    return (folder / RESTART).resolve()


def run(contestant: Contestant, restart: Path, steps: int) -> Loop:
    """One contestant, once, in a process of its own on the ranks of its study."""
    ranks = int(contestant.study.get("ranks", 1))
    with tempfile.TemporaryDirectory() as folder:
        task = vars(contestant) | {"restart": str(restart), "steps": steps, "folder": folder}
        module = task.pop("module")
        mpiexec = [str(Path(sys.executable).with_name("mpiexec")), "-n", str(ranks)] if ranks > 1 else []
        return timed([*mpiexec, sys.executable, "-m", "benchmarks.worker"], task, module)


def timed(command: Sequence[str], task: dict[str, Any], module: str = "") -> Loop:
    """Give a task to a program that prints the data of its loop; one thread per process.

    Args:
        command: the program.
        task: its last argument, as JSON.
        module: a folder with a `lammps` module for it to use.

    Raises:
        RuntimeError: it failed; with the end of its output.
    """
    return Loop(**json.loads(printed([*command, json.dumps(task)], module).splitlines()[-1]))


def printed(command: Sequence[str], module: str = "") -> str:
    """What a program prints, with one thread per process and the `lammps` module of a folder, if one is given.

    Raises:
        RuntimeError: it failed; with the end of its output.
    """
    environment = os.environ | {"OMP_NUM_THREADS": "1", "OPENMM_CPU_THREADS": "1"}
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, [module, environment.get("PYTHONPATH")]))
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed: {done.stderr.strip()[-500:]}")
    return done.stdout


def contest(contestants: Mapping[str, Contestant], restart: Path, steps: int, rounds: int) -> pd.DataFrame:
    """Time every contestant in every round, with the order reversed each time.

    Args:
        contestants: by name; the first is the reference of the comparison.
        restart: common initial state.
        steps: steps per measurement.
        rounds: number of rounds.

    Returns:
        One row per contestant: `contestant`, `ms_per_step` (median), `steps_per_s`, `ratio` to the first (median over the
        rounds of the ratio within a round) and `ratio_low`, `ratio_high` (the extremes); `fixes_added`, by what share of the
        first's step its fixes take longer than the first's (median over rounds: the noise of the pair forces has no part in
        it); `atoms`, `neighbours_per_atom`.
    """
    loops: dict[str, list[Loop]] = {name: [] for name in contestants}
    for number in range(rounds):
        for name in list(contestants)[:: -1 if number % 2 else 1]:
            loops[name].append(run(contestants[name], restart, steps))
            print(
                f"  round {number + 1}: {name}: {loops[name][-1].ms_per_step:.3f} ms/step", file=sys.stderr, flush=True
            )
    base = loops[next(iter(contestants))]
    first, first_fixes = _each(base, "ms_per_step"), _each(base, "fixes_ms_per_step")
    rows = []
    for name, each in loops.items():
        times = _each(each, "ms_per_step")
        ratios = times / first
        rows.append(
            {
                "contestant": name,
                "ms_per_step": float(np.median(times)),
                "steps_per_s": float(np.median([loop.steps / loop.wall_s for loop in each])),
                "ratio": float(np.median(ratios)),
                "ratio_low": float(ratios.min()),
                "ratio_high": float(ratios.max()),
                "fixes_added": float(np.median((_each(each, "fixes_ms_per_step") - first_fixes) / first)),
                "atoms": each[0].atoms,
                "neighbours_per_atom": each[0].neighbours_per_atom,
            }
        )
    return pd.DataFrame(rows)


def _each(loops: Sequence[Loop], quantity: str) -> NDArray[np.float64]:
    return np.array([getattr(loop, quantity) for loop in loops])
