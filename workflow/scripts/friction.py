"""Friction of both particles. inputs: runs and drags (run.json of equilibrium and drag runs); outputs: [0] friction.json."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.drag import drag_summary, load_drag_runs
from analysis.friction import friction_summary
from analysis.runs import load_runs

if TYPE_CHECKING:
    snakemake: Any

runs = load_runs(file for file in snakemake.input.runs if file.endswith("run.json"))
drags = load_drag_runs(file for file in snakemake.input.drags if file.endswith("run.json"))
content = friction_summary(runs) | {"drag": drag_summary(drags)}
Path(snakemake.output[0]).write_text(json.dumps(content, indent=1) + "\n")
