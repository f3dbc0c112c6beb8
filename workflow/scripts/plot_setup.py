"""The simulated box, drawn from a frame.

inputs: run (run.json of one LAMMPS run); params: controller, its name in the study; outputs: [0] .png (with .svg beside it).
"""

from typing import TYPE_CHECKING, Any

from analysis.data.runs import load_run
from analysis.figures.setup import draw_setup
from analysis.figures.style import save
from job import job

if TYPE_CHECKING:
    snakemake: Any

with job(snakemake):
    save(draw_setup(load_run(snakemake.input.run), snakemake.params.controller), None, snakemake.output[0])
