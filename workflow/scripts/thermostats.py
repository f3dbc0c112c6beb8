"""One point under several thermostats. inputs: heats (heat.json of each); params: thermostats, own; outputs: [0] .csv."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.variations import thermostat_table

if TYPE_CHECKING:
    snakemake: Any

points = [json.loads(Path(file).read_text()) for file in snakemake.input.heats]
table = thermostat_table(dict(zip(snakemake.params.thermostats, points, strict=True)), snakemake.params.own)
table.to_csv(snakemake.output[0], index=False, float_format="%.6g")
