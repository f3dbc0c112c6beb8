"""Advance the small system with the Python demon and with LAMMPS's own forces; print by how much the particles differ.

Run as a program, so that it can also be started on several MPI ranks:
    python -m tests.md.compare_demons RESTART WORK_FOLDER native|couple RANKS
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import numpy as np
import pandas as pd

from simulation.engines.lammps import open_lammps, tell
from simulation.engines.ranks import Ranks
from simulation.engines.site import set_threads
from simulation.experiments.decks import render
from simulation.experiments.machine import Machine
from simulation.segments.piece import run_piece
from simulation.storage.files import SERIES, SERIES_TEXT
from tests.md.conftest import small_study

COUPLE = "fix demon_cold particle_cold spring couple particle_hot {kappa} {distance} 0.0 0.0 0.0\n"


def main() -> None:
    """Run both and print the largest difference of position (Å) and of the cold side's energy (eV) over all samples."""
    restart, folder, rival, size = sys.argv[1], Path(sys.argv[2]), sys.argv[3], int(sys.argv[4])
    set_threads()
    study = small_study(ranks=size, schedule={"segment_ps": 4})
    run = Machine(study, 1, "4.80" if rival == "native" else "1.0")
    couplings = run.couplings
    assert couplings is not None
    piece = next(piece for piece in run.pieces() if piece.is_measured)
    ranks = Ranks(size)
    for name in ("python", "rival"):
        if ranks.is_root:
            (folder / name).mkdir(parents=True)
    ranks.wait()
    run_piece(run, piece, restart, folder / "python", ranks)
    deck = re.sub(r" +v_work_\w+ &\n", "", run.deck(piece, restart))
    begin, end = deck.index("# --- demon:"), deck.index("# --- the series")
    kappa_cold, kappa_hot = couplings
    if rival == "native":
        forces = render(
            "parts/demon_native.lmp.j2", study=study, axes=run.axes, kappa_cold=kappa_cold, kappa_hot=kappa_hot
        )
    else:
        forces = COUPLE.format(kappa=kappa_hot, distance=study.edge_A)
    with open_lammps(folder / "rival", ranks) as lmp:
        tell(lmp, f"{deck[:begin]}{forces}\n{deck[end:]}\nrun {piece.steps}\n")
    if not ranks.is_root:
        return
    ours = pd.read_parquet(folder / "python" / SERIES)
    names = [column.series_name for column in run.columns() if not column.name.startswith("work")]
    theirs = pd.read_csv(folder / "rival" / SERIES_TEXT, sep=r"\s+", comment="#", header=None, names=["step", *names])
    position = [f"position_{side}_{axis}_A" for side in ("cold", "hot") for axis in "xyz"]
    difference = np.abs(ours[position].to_numpy() - theirs[position].to_numpy())
    moved = np.ptp(theirs[position].to_numpy(), axis=0).min()
    energy = np.abs(ours["energy_cold_eV"] - theirs["energy_cold_eV"]).max()
    print(f"samples {len(theirs)} moved_A {moved:.3g} position_A {difference.max():.3g} energy_eV {energy:.3g}")


if __name__ == "__main__":
    main()
