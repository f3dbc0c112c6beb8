"""Argon and temperatures. inputs: structure, friction (.json); outputs: [0] .png (with .svg and .csv beside it)."""

from typing import TYPE_CHECKING, Any

from analysis.figures.structure import structure
from analysis.figures.style import save
from job import job, read_json

if TYPE_CHECKING:
    snakemake: Any

with job(snakemake):
    contents = [read_json(file) for file in (snakemake.input.structure, snakemake.input.friction)]
    save(*structure(*contents), snakemake.output[0])
