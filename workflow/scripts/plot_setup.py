"""The simulated box, drawn from a frame. inputs: run (run.json of one LAMMPS run); outputs: .png, .svg."""

from typing import TYPE_CHECKING, Any

from analysis.figures.setup import draw_setup
from analysis.runs import load_run

if TYPE_CHECKING:
    snakemake: Any

figure = draw_setup(load_run(snakemake.input.run))
for file in snakemake.output:
    figure.savefig(file, dpi=150)
