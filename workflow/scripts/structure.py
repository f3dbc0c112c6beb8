"""Structure and its checks. inputs: run (run.json of one LAMMPS run, with its trajectory); outputs: [0] structure.json."""

from typing import TYPE_CHECKING, Any

from analysis.data.runs import load_run
from analysis.structure.profiles import structure
from job import job, write_json

if TYPE_CHECKING:
    snakemake: Any

with job(snakemake):
    write_json(structure(load_run(snakemake.input.run)), snakemake.output[0])
