"""Advance the small system with the Python demon and with LAMMPS's own forces; print by how much the particles differ.

Run as a program, so that it can also be started on several MPI ranks:
    python compare_demons.py START_RESTART WORK_FOLDER native|couple RANKS
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import numpy as np
import pandas as pd

from simulation.deck import render, render_segment, series_columns
from simulation.engine import Ranks, open_lammps, run_segment, tell
from simulation.plan import Run
from simulation.studyfile import check_study
from tests.md.conftest import SMALL

STEPS = 1000
COUPLE = "fix demon_cold particle_cold spring couple particle_hot {kappa} {distance} 0.0 0.0 0.0\n"


def main() -> None:
    """Run both and print the largest difference of position (Å) and of the cold side's energy (eV) over all samples."""
    restart, folder, rival, size = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], int(sys.argv[4])
    study = check_study("small", {**SMALL, "ranks": size})
    run = Run(study, "kH_4.80" if rival == "native" else "kH_1.0", 1)
    ranks = Ranks(size)
    for name in ("python", "rival"):
        if ranks.is_root:
            (folder / name).mkdir(parents=True)
    ranks.wait()
    run_segment(
        run,
        str(restart),
        folder / "python",
        ranks,
        index=0,
        steps=STEPS,
        on_sample=lambda step: None,
    )
    deck = re.sub(r" +v_work_\w+ &\n", "", render_segment(run, str(restart), 0))
    begin, end = deck.index("# --- demon:"), deck.index("# --- output:")
    native = render("parts/demon_native.lmp.j2", study=study, run=run)
    couple = COUPLE.format(kappa=run.coupling_hot_eV_per_A2, distance=study.edge_A)
    with open_lammps(study, folder / "rival", ranks) as lmp:
        tell(
            lmp,
            deck[:begin] + (native if rival == "native" else couple) + deck[end:] + f"\nrun {STEPS}\n",
            study,
        )
    if not ranks.is_root:
        return
    ours = pd.read_parquet(folder / "python" / "series.parquet")
    names = ["step", *series_columns(study.demon.coupling_axes, work=False)]
    theirs = pd.read_csv(folder / "rival" / "series.dat", sep=r"\s+", comment="#", header=None, names=names)
    position = [f"position_{side}_{axis}" for side in ("cold", "hot") for axis in "xyz"]
    difference = np.abs(ours[[f"{name}_A" for name in position]].to_numpy() - theirs[position].to_numpy())
    moved = np.ptp(theirs[position].to_numpy(), axis=0).min()
    energy = np.abs(ours["energy_cold_eV"] - theirs["energy_cold"]).max()
    print(f"samples {len(theirs)} moved_A {moved:.3g} position_A {difference.max():.3g} energy_eV {energy:.3g}")


if __name__ == "__main__":
    main()
