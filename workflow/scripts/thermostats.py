"""One point under several thermostats, beside theory at the friction under each.

inputs: heats (heat.json of each), frictions (friction.json), responses; params: thermostats, own; outputs: [0] .csv.
"""

from typing import TYPE_CHECKING, Any

from analysis.compare.comparison import Comparison
from analysis.compare.variants import thermostat_table
from job import job

if TYPE_CHECKING:
    snakemake: Any

with job(snakemake):
    files = zip(*(snakemake.input[kind] for kind in ("heats", "frictions", "responses")), strict=True)
    comparisons = [Comparison.read([heat], friction, response) for heat, friction, response in files]
    table = thermostat_table(snakemake.params.thermostats, snakemake.params.own, comparisons)
    table.to_csv(snakemake.output[0], index=False, float_format="%.6g")
