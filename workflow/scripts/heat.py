"""Heat rates of one point. inputs: runs (run.json of its replicas), friction (friction.json); outputs: [0] heat.json."""
# ruff: noqa: F821  `snakemake` is put there by the rule

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.heat import point_summary
from analysis.runs import load_runs
from analysis.theory import load_friction

if TYPE_CHECKING:
    snakemake: Any

runs = load_runs(file for file in snakemake.input.runs if file.endswith("run.json"))
summary = point_summary(runs, load_friction(snakemake.input.friction))
Path(snakemake.output[0]).write_text(json.dumps(summary, indent=1) + "\n")
