"""Friction over the bath's size. inputs: runs (one run.json each), frictions; outputs: [0] .png (with .svg and .csv)."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.figures.finite_size import finite_size
from analysis.figures.style import save
from analysis.finite_size import drags_by_size

if TYPE_CHECKING:
    snakemake: Any

edges = [json.loads(Path(file).read_text())["settings"]["baths"]["edge_nm"] for file in snakemake.input.runs]
drags = [json.loads(Path(file).read_text())["drag"] for file in snakemake.input.frictions]
save(*finite_size(drags_by_size(edges, drags)), snakemake.output[0])
