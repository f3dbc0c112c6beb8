"""One point under several thermostats. inputs: heats (heat.json of each); params: thermostats, own; outputs: [0] .csv."""

from typing import TYPE_CHECKING, Any

from analysis.compare.variants import thermostat_table
from job import job, read_json

if TYPE_CHECKING:
    snakemake: Any

with job(snakemake):
    points = [read_json(file) for file in snakemake.input.heats]
    table = thermostat_table(dict(zip(snakemake.params.thermostats, points, strict=True)), snakemake.params.own)
    table.to_csv(snakemake.output[0], index=False, float_format="%.6g")
