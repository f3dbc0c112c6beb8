"""Velocity of the dragged particles. inputs: runs (run.json of the drag runs), friction; outputs: [0] .png (and .svg, .csv)."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.drag import load_drag_runs
from analysis.figures.drag import drag
from analysis.figures.style import save

if TYPE_CHECKING:
    snakemake: Any

groups = load_drag_runs(file for file in snakemake.input.runs if file.endswith("run.json"))
save(*drag(groups, json.loads(Path(snakemake.input.friction).read_text())), snakemake.output[0])
