"""All that is measured at one point. inputs: runs (run folders of its replicas); outputs: heat, power, performance (.json)."""

from typing import TYPE_CHECKING, Any

from analysis.data.runs import load_runs
from analysis.heat.performance import performance_summary
from analysis.heat.power import power_summary
from analysis.heat.rates import point_summary
from job import job, write_json

if TYPE_CHECKING:
    snakemake: Any

with job(snakemake):
    runs = load_runs(file for file in snakemake.input.runs if file.endswith("run.json"))
    for file, summarise in (("heat", point_summary), ("power", power_summary), ("performance", performance_summary)):
        write_json(summarise(runs), snakemake.output[file])
