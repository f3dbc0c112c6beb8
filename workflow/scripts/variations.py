"""Friction of a study and its variants. inputs: runs (one run.json each), frictions, own; outputs: by_variant, by_analysis."""

from typing import TYPE_CHECKING, Any

from analysis.compare.variants import friction_by_analysis, friction_by_variant
from analysis.data.runs import load_runs, read_metadata
from analysis.friction.result import FrictionResult
from job import job

if TYPE_CHECKING:
    snakemake: Any

with job(snakemake):
    studies = [read_metadata(file) for file in snakemake.input.runs]
    by_variant = friction_by_variant(studies, list(map(FrictionResult.read, snakemake.input.frictions)))
    by_variant.to_csv(snakemake.output.by_variant, index=False, float_format="%.4g")
    runs = load_runs(file for file in snakemake.input.own if file.endswith("run.json"))
    friction_by_analysis(runs).to_csv(snakemake.output.by_analysis, index=False, float_format="%.4g")
