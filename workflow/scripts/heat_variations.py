"""Heats of a study and its variants. inputs: runs (one run.json each), frictions, heats; params: counts; outputs: [0] .csv."""

import json
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.variations import heat_by_variant

if TYPE_CHECKING:
    snakemake: Any


def read(files: list[str]) -> list[dict[str, Any]]:
    """The content of JSON files."""
    return [json.loads(Path(file).read_text()) for file in files]


heats = iter(read(snakemake.input.heats))
points = [list(islice(heats, count)) for count in snakemake.params.counts]
table = heat_by_variant(read(snakemake.input.runs), read(snakemake.input.frictions), points)
table.to_csv(snakemake.output[0], index=False, float_format="%.6g")
