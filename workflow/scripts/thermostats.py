"""One point under several thermostats. inputs: heats (heat.json of each); params: thermostats; outputs: [0] .csv."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from analysis.summary import COLUMNS

if TYPE_CHECKING:
    snakemake: Any

measured = [column for column in COLUMNS if not column.startswith("theory")]
points = [json.loads(Path(file).read_text()) for file in snakemake.input.heats]
table = pd.DataFrame(points, columns=measured)
table.insert(0, "thermostat", list(snakemake.params.thermostats))
table.to_csv(snakemake.output[0], index=False, float_format="%.6g")
