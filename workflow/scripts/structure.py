"""Structure and its checks. inputs: runs (run folders, the first with a trajectory); outputs: [0] structure.json."""

from typing import TYPE_CHECKING, Any

from analysis.data.runs import load_runs
from analysis.structure.profiles import structure
from job import job, write_json

if TYPE_CHECKING:
    snakemake: Any

with job(snakemake):
    runs = load_runs(file for file in snakemake.input.runs if file.endswith("run.json"))
    write_json(structure(runs).to_json(), snakemake.output[0])
