"""All that is measured at one point. inputs: runs (run folders of its replicas); outputs: heat, power, performance (.json)."""

from typing import TYPE_CHECKING, Any

from analysis.heat import point_summary
from analysis.performance import performance_summary
from analysis.power import power_summary
from analysis.runs import load_runs
from job import job, write_json

if TYPE_CHECKING:
    snakemake: Any

with job(snakemake):
    runs = load_runs(file for file in snakemake.input.runs if file.endswith("run.json"))
    for file, summarise in (("heat", point_summary), ("power", power_summary), ("performance", performance_summary)):
        write_json(summarise(runs), snakemake.output[file])
