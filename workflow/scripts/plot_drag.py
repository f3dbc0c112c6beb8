"""Velocity of the dragged particles. inputs: runs (run.json of the drag runs), friction; outputs: [0] .png (and .svg, .csv)."""

from typing import TYPE_CHECKING, Any

from analysis.figures.drag import drag
from analysis.figures.style import save
from analysis.friction.drag import load_drag_runs
from analysis.friction.result import FrictionResult
from job import job

if TYPE_CHECKING:
    snakemake: Any

with job(snakemake):
    groups = load_drag_runs(file for file in snakemake.input.runs if file.endswith("run.json"))
    save(*drag(groups, FrictionResult.read(snakemake.input.friction)), snakemake.output[0])
