"""Distributions of X and V. inputs: runs (run folders of the equilibrium replicas); outputs: [0] .png (.svg, .csv beside)."""

from typing import TYPE_CHECKING, Any

from analysis.figures.equilibrium import equilibrium
from analysis.figures.style import save
from analysis.runs import load_runs

if TYPE_CHECKING:
    snakemake: Any

runs = load_runs(file for file in snakemake.input.runs if file.endswith("run.json"))
save(*equilibrium(runs), snakemake.output[0])
