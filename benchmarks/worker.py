"""One timed stretch of molecular dynamics in a process of its own, so that none warms another's caches.

    python -m benchmarks.worker '{"study": …, "kind": "python", "restart": …, "steps": …, "folder": …}'

takes the arguments of `measure` and prints one line of JSON. Several ranks: start it with mpiexec.
"""

from __future__ import annotations

import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simulation.callback import set_callback
from simulation.checkpoint import LOG
from simulation.deck import render, render_segment
from simulation.demon import LinearController
from simulation.engine import Ranks, advance, open_lammps, single_threaded, tell
from simulation.plan import Run
from simulation.studyfile import check_study

KINDS = ("none", "empty callback", "python", "compute com", "xcm()")
"""Demons: none at all, a callback that does nothing, ours, and LAMMPS's own forces from `compute com` or `xcm()` variables."""

_XCM = """
variable kappa_C equal {kappa_C}
variable kappa_H equal {kappa_H}
{variables}
fix demon_cold particle_cold addforce v_push_cold_x v_push_cold_y v_push_cold_z
fix demon_hot particle_hot addforce v_push_hot_x v_push_hot_y v_push_hot_z
"""


@dataclass(frozen=True)
class Loop:
    """LAMMPS's own account of its loop: wall time, the CPU time of one rank in it, its fixes' share, and what ran."""

    wall_s: float
    cpu_s: float
    fixes_share: float
    steps: int
    atoms: int
    neighbours_per_atom: float

    @property
    def ms_per_step(self) -> float:
        """CPU time of a step on each rank, ms: on a busy machine it says more than the wall's."""
        return 1000 * self.cpu_s / self.steps

    @property
    def fixes_ms_per_step(self) -> float:
        """What of it the fixes take: thermostats, integration, traps, and the demon."""
        return self.fixes_share * self.ms_per_step


def measure(
    study: dict[str, Any], kind: str, restart: Path, steps: int, folder: Path, before: str = "", after: str = ""
) -> Loop:
    """Advance a study's point 4.80 from a restart file by some steps.

    Args:
        study: plain data of a study.
        kind: one of `KINDS`.
        restart: where to start.
        steps: how many.
        folder: an empty folder for LAMMPS to work in.
        before: LAMMPS commands ahead of the deck's.
        after: LAMMPS commands behind the deck's.
    """
    checked = check_study("benchmark", study)
    ranks = Ranks(checked.ranks)
    run = Run(checked, "kH_4.80", 1)
    if ranks.is_root:
        folder.mkdir(parents=True, exist_ok=True)
    ranks.wait()
    deck = before + render_segment(run, str(restart), 0) + after
    if kind == "python":
        controller = LinearController(
            coupling_cold_eV_per_A2=run.coupling_cold_eV_per_A2, coupling_hot_eV_per_A2=run.coupling_hot_eV_per_A2
        )
        advance(checked, run.label, deck, folder, ranks, steps=steps, controller=controller)
    else:
        deck = re.sub(r" +v_work_\w+ &\n", "", deck)
        begin, end = deck.index("# --- demon:"), deck.index("# --- output:")
        demon = deck[begin:end] if kind == "empty callback" else _forces(run, kind)
        with open_lammps(checked, folder, ranks) as lmp:
            tell(lmp, deck[:begin] + demon + deck[end:], checked)
            if kind == "empty callback":
                set_callback(lmp, lambda *_: None)
            tell(lmp, f"run {steps}", checked)
    return read_loop(folder / LOG)


def _forces(run: Run, kind: str) -> str:
    """The deck's lines for a demon without Python."""
    if kind == "none":
        return "\n"
    if kind == "compute com":
        return render("parts/demon_native.lmp.j2", study=run.study, run=run)
    variables = []
    for axis_index, axis in enumerate("xyz"):
        cold, hot = (
            f"(xcm(particle_{side},{axis})-{run.study.trap_centre_A(side)[axis_index]})" for side in ("cold", "hot")
        )
        on = float(axis in run.study.demon.coupling_axes)
        for side, kappa, towards, own in (("cold", "C", hot, cold), ("hot", "H", cold, hot)):
            variables.append(
                f"variable push_{side}_{axis} equal {on}*v_kappa_{kappa}*({towards}-{own})/{run.study.nanoparticle.atoms}"
            )
    return _XCM.format(
        kappa_C=run.coupling_cold_eV_per_A2, kappa_H=run.coupling_hot_eV_per_A2, variables="\n".join(variables)
    )


def read_loop(log: Path) -> Loop:
    """The last loop in a LAMMPS log."""
    text = log.read_text(encoding="utf-8")
    wall, steps, atoms = re.findall(r"Loop time of (\S+) on \d+ procs for (\d+) steps with (\d+) atoms", text)[-1]
    share = re.findall(r"([\d.]+)% CPU use", text)[-1]
    fixes = re.findall(r"^Modify +\| *\S+ *\| *(\S+)", text, re.MULTILINE)[-1]
    neighbours = re.findall(r"Ave neighs/atom = (\S+)", text)[-1]
    return Loop(
        wall_s=float(wall),
        cpu_s=float(wall) * float(share) / 100,
        fixes_share=float(fixes) / float(wall),
        steps=int(steps),
        atoms=int(atoms),
        neighbours_per_atom=float(neighbours),
    )


if __name__ == "__main__":
    single_threaded()
    task = json.loads(sys.argv[1])
    loop = measure(**task | {name: Path(task[name]) for name in ("restart", "folder")})
    if Ranks(int(task["study"].get("ranks", 1))).is_root:  # else the lines of several ranks run into each other
        print(json.dumps(vars(loop)), flush=True)
