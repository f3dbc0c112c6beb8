"""Argon and temperatures. inputs: structure, friction (.json); outputs: [0] .png (with .svg and .csv beside it)."""

from typing import TYPE_CHECKING, Any

from analysis.figures.structure import structure
from analysis.figures.style import save
from analysis.friction.result import FrictionResult
from analysis.structure.result import Structure
from job import job, read_json

if TYPE_CHECKING:
    snakemake: Any

with job(snakemake):
    found = Structure.from_json(read_json(snakemake.input.structure))
    save(*structure(found, FrictionResult.read(snakemake.input.friction)), snakemake.output[0])
