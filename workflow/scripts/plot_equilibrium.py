"""Figures of the particles without controller: correlations with their fits, distributions of X and V.

inputs: runs (run folders of the equilibrium replicas), friction (friction.json); outputs: .png of each (.svg, .csv beside).
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.data.runs import load_runs
from analysis.figures.equilibrium import equilibrium
from analysis.figures.friction import friction
from analysis.figures.style import save
from analysis.friction.result import FrictionResult
from job import job

if TYPE_CHECKING:
    snakemake: Any

with job(snakemake):
    folder = Path(snakemake.output[0]).parent
    save(*friction(FrictionResult.read(snakemake.input.friction)), folder / "friction")
    runs = load_runs(file for file in snakemake.input.runs if file.endswith("run.json"))
    save(*equilibrium(runs), folder / "equilibrium")
