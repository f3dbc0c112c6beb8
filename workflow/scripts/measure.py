"""All that is measured at one point.

inputs: runs (run folders of its replicas); outputs: heat, power, performance, reversal, information (.json).
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from analysis.data.runs import Run, load_runs
from analysis.heat.information import information_summary
from analysis.heat.performance import performance_summary
from analysis.heat.point import Point
from analysis.heat.power import power_summary
from analysis.heat.rates import point_summary
from analysis.heat.reversal import reversal_summary
from job import job, write_json

SUMMARIES: dict[str, Callable[[list[Run]], Point]] = {
    "heat": point_summary,
    "power": power_summary,
    "performance": performance_summary,
    "reversal": reversal_summary,
    "information": information_summary,
}

if TYPE_CHECKING:
    snakemake: Any

with job(snakemake):
    runs = load_runs(file for file in snakemake.input.runs if file.endswith("run.json"))
    for file, summarise in SUMMARIES.items():
        write_json(summarise(runs).to_json(), snakemake.output[file])
