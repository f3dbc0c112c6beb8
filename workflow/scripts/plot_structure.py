"""Argon and temperatures. inputs: structure, friction (.json); outputs: [0] .png (with .svg and .csv beside it)."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.figures.structure import structure
from analysis.figures.style import save

if TYPE_CHECKING:
    snakemake: Any

contents = [json.loads(Path(file).read_text()) for file in (snakemake.input.structure, snakemake.input.friction)]
save(*structure(*contents), snakemake.output[0])
