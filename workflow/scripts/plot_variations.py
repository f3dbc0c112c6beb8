"""Friction of a study and its variants. inputs: [0] friction_by_variant.csv; outputs: [0] .png (with .svg and .csv)."""

from typing import TYPE_CHECKING, Any

import pandas as pd

from analysis.figures.style import save
from analysis.figures.variations import variations
from job import job

if TYPE_CHECKING:
    snakemake: Any

with job(snakemake):
    save(*variations(pd.read_csv(snakemake.input[0])), snakemake.output[0])
