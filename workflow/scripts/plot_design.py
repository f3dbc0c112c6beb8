"""Cooling over power of designs. inputs: [0] design.csv; outputs: [0] .png (with .svg and .csv)."""

from typing import TYPE_CHECKING, Any

import pandas as pd

from analysis.figures.design import design
from analysis.figures.style import save
from job import job

if TYPE_CHECKING:
    snakemake: Any

with job(snakemake):
    save(*design(pd.read_csv(snakemake.input[0])), snakemake.output[0])
