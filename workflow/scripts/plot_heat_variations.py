"""Heats of a study and its variants. inputs: [0] heat_by_variant.csv; params: study; outputs: [0] .png (with .svg and .csv)."""

from typing import TYPE_CHECKING, Any

import pandas as pd

from analysis.figures.heat_variations import heat_variations
from analysis.figures.style import save
from job import job

if TYPE_CHECKING:
    snakemake: Any

with job(snakemake):
    table = pd.read_csv(snakemake.input[0], dtype={"kappa_ratio": str})
    save(*heat_variations(table, snakemake.params.study), snakemake.output[0])
