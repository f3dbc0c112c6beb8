"""One point under several thermostats, beside theory at the friction under each.

inputs: heats (heat.json of each), frictions (friction.json), responses; params: thermostats, own; outputs: [0] .csv.
"""

from typing import TYPE_CHECKING, Any

from analysis.compare.variants import thermostat_table
from analysis.friction.response import Responses
from job import job, read_json

if TYPE_CHECKING:
    snakemake: Any

with job(snakemake):
    points, frictions = ([read_json(file) for file in snakemake.input[kind]] for kind in ("heats", "frictions"))
    responses = [Responses.load(file) for file in snakemake.input.responses]
    table = thermostat_table(snakemake.params.thermostats, snakemake.params.own, points, frictions, responses)
    table.to_csv(snakemake.output[0], index=False, float_format="%.6g")
