"""Coefficients of performance and uncertainty of one point.

inputs: runs (run folders of its replicas); outputs: [0] performance.json.
"""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.performance import performance_summary
from analysis.runs import load_runs

if TYPE_CHECKING:
    snakemake: Any

runs = load_runs(file for file in snakemake.input.runs if file.endswith("run.json"))
Path(snakemake.output[0]).write_text(json.dumps(performance_summary(runs), indent=1) + "\n")
