"""Friction of a study and its variants. inputs: runs (one run.json each), frictions, own; outputs: by_variant, by_analysis."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.runs import load_runs
from analysis.variations import friction_by_analysis, friction_by_variant

if TYPE_CHECKING:
    snakemake: Any


def read(files: list[str]) -> list[dict[str, Any]]:
    """The content of JSON files."""
    return [json.loads(Path(file).read_text()) for file in files]


by_variant = friction_by_variant(read(snakemake.input.runs), read(snakemake.input.frictions))
by_variant.to_csv(snakemake.output.by_variant, index=False, float_format="%.4g")
runs = load_runs(file for file in snakemake.input.own if file.endswith("run.json"))
friction_by_analysis(runs).to_csv(snakemake.output.by_analysis, index=False, float_format="%.4g")
