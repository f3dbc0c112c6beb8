"""Density profile along x. inputs: [0] structure.json; outputs: [0] .png (with .svg and .csv beside it)."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.figures.structure import structure
from analysis.figures.style import save

if TYPE_CHECKING:
    snakemake: Any

save(*structure(json.loads(Path(snakemake.input[0]).read_text())), snakemake.output[0])
