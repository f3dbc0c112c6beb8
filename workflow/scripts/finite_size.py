"""Friction over the bath's size. inputs: runs (one run.json each), frictions; outputs: [0] .png (with .svg and .csv)."""

from typing import TYPE_CHECKING, Any

from analysis.compare.finite_size import drags_by_size
from analysis.data.runs import read_metadata
from analysis.figures.finite_size import finite_size
from analysis.figures.style import save
from analysis.friction.result import FrictionResult
from job import job

if TYPE_CHECKING:
    snakemake: Any

with job(snakemake):
    edges = [read_metadata(file)["settings"]["baths"]["edge_nm"] for file in snakemake.input.runs]
    drags = [FrictionResult.read(file).drags for file in snakemake.input.frictions]
    save(*finite_size(drags_by_size(edges, drags)), snakemake.output[0])
