"""Structure and its checks. inputs: runs (run.json of replicas, the first with a trajectory); outputs: [0] structure.json."""

from typing import TYPE_CHECKING, Any

from analysis.data.runs import load_run
from analysis.structure.profiles import structure
from job import job, write_json

if TYPE_CHECKING:
    snakemake: Any

with job(snakemake):
    write_json(structure(list(map(load_run, snakemake.input.runs))), snakemake.output[0])
