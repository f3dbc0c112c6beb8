"""All that is measured at one point.

inputs: runs (run folders of its replicas); outputs: heat, power, performance, reversal, information (.json).
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from analysis.data.runs import Run, load_runs
from analysis.heat.information import information_summary
from analysis.heat.performance import performance_summary
from analysis.heat.power import power_summary
from analysis.heat.rates import point_summary
from analysis.heat.reversal import reversal_summary
from job import job, write_json

SUMMARIES: dict[str, Callable[[list[Run]], dict[str, Any]]] = {
    "heat": lambda runs: point_summary(runs).to_json(),
    "power": lambda runs: power_summary(runs).to_json(),
    "performance": performance_summary,
    "reversal": lambda runs: reversal_summary(runs).to_json(),
    "information": lambda runs: information_summary(runs).to_json(),
}

if TYPE_CHECKING:
    snakemake: Any

with job(snakemake):
    runs = load_runs(file for file in snakemake.input.runs if file.endswith("run.json"))
    for file, summarise in SUMMARIES.items():
        write_json(summarise(runs), snakemake.output[file])
