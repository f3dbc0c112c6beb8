"""Friction of both particles. inputs: runs (run.json of the equilibrium replicas); outputs: [0] friction.json."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.friction import friction_summary
from analysis.runs import load_runs

if TYPE_CHECKING:
    snakemake: Any

runs = load_runs(file for file in snakemake.input.runs if file.endswith("run.json"))
Path(snakemake.output[0]).write_text(json.dumps(friction_summary(runs), indent=1) + "\n")
