"""Figure of linear response. inputs: heats, friction, response; outputs: [0] .png (with .svg and .csv)."""

from typing import TYPE_CHECKING, Any

from analysis.compare.comparison import Comparison
from analysis.figures.response import response_figure
from analysis.figures.style import save
from job import job

if TYPE_CHECKING:
    snakemake: Any

with job(snakemake):
    comparison = Comparison.read(snakemake.input.heats, snakemake.input.friction, snakemake.input.response)
    save(*response_figure(comparison), snakemake.output[0])
