"""Correlations with their fits. inputs: [0] friction.json; outputs: [0] .png (with .svg and .csv beside it)."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.figures.friction import friction
from analysis.figures.style import save

if TYPE_CHECKING:
    snakemake: Any

save(*friction(json.loads(Path(snakemake.input[0]).read_text())), snakemake.output[0])
