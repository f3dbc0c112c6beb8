"""One timed part of molecular dynamics in a separate process, so that none benefits from the caches of another.

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

from simulation.control.callback import FIX
from simulation.engines.external import call_at_every_step
from simulation.engines.lammps import open_lammps, tell
from simulation.engines.ranks import Ranks
from simulation.engines.site import USUAL, Site, set_threads
from simulation.experiments.decks import render
from simulation.experiments.machine import Machine
from simulation.segments.piece import attach, demon_of
from simulation.storage.files import LOG
from simulation.study.files import check_study

KINDS = ("none", "empty callback", "python", "compute com", "xcm()")
"""Demons: none, an empty callback, ours, and LAMMPS forces from `compute com` or `xcm()` variables."""

WITHOUT = {
    "": (),
    "series": (),
    "columns": (r" +v_(energy|pressure)_\w+ &",),
    "stress": (r" +v_pressure_\w+ &", r"compute +virial\w* .*", r"variable +pressure_.*"),
    "stress and energy": (
        r" +v_(energy|pressure)_\w+ &",
        r"compute +(virial|pair_)\w* .*",
        r"variable +(energy|pressure)_.*",
    ),
}
"""Parts of the deck that can be left out, with the lines that go: nothing; all samples and frames; the columns of energy and
pressure, but not their per-atom computes; the pressure with its compute; energy and pressure with theirs."""

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
    study: dict[str, Any],
    kind: str,
    restart: Path,
    steps: int,
    folder: Path,
    before: str = "",
    after: str = "",
    lammps: str = USUAL,
    threads: int = 1,
    without: str = "",
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
        lammps: LAMMPS's switches for accelerators.
        threads: of each rank.
        without: one of `WITHOUT`.
    """
    checked = check_study("benchmark", study)
    ranks = Ranks(checked.ranks, Site(lammps, threads))
    run = Machine(checked, 1, "4.80")
    if ranks.is_root:
        folder.mkdir(parents=True, exist_ok=True)
    ranks.wait()
    piece = next(piece for piece in run.pieces() if piece.is_measured)
    deck = before + run.deck(piece, str(restart)) + after
    if kind != "python":
        deck = re.sub(r" +v_work_\w+ &\n", "", deck)
        begin, end = deck.index("# --- demon:"), deck.index("# --- the series")
        demon = deck[begin:end] if kind == "empty callback" else _forces(run, kind)
        deck = deck[:begin] + demon + deck[end:]
    if without == "series":
        deck = deck[: deck.index("# --- the series")] + deck[deck.index("# --- the log") :]
    for lines in WITHOUT[without]:
        deck = re.sub(rf"^{lines}\n", "", deck, flags=re.MULTILINE)
    with open_lammps(folder, ranks) as lmp:
        tell(lmp, deck)
        if kind == "python":
            attach(lmp, demon_of(run, None, ranks), run, piece, int(lmp.extract_global("ntimestep")), ranks)
        elif kind == "empty callback":
            call_at_every_step(lmp, FIX, lambda *_: None)
        tell(lmp, f"run {steps}\n")
    return read_loop(folder / LOG)


def _forces(run: Machine, kind: str) -> str:
    """The lines of the deck for a demon without Python."""
    if kind == "none":
        return "\n"
    if kind == "compute com":
        return render("parts/demon_native.lmp.j2", study=run.study, axes=run.axes, **dict[str, Any](_kappas(run)))
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
    kappas = _kappas(run)
    return _XCM.format(kappa_C=kappas["kappa_cold"], kappa_H=kappas["kappa_hot"], variables="\n".join(variables))


def _kappas(run: Machine) -> dict[str, float]:
    assert run.couplings is not None
    return dict(zip(("kappa_cold", "kappa_hot"), run.couplings, strict=True))


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
    task = json.loads(sys.argv[1])
    set_threads(task.get("threads", 1))
    loop = measure(**task | {name: Path(task[name]) for name in ("restart", "folder")})
    if Ranks(int(task["study"].get("ranks", 1))).is_root:  # else the lines of several ranks run into each other
        print(json.dumps(vars(loop)), flush=True)
