"""What baths remember. inputs: frictions, responses, heats; params: names, counts; outputs: [0] .png (with .svg and .csv)."""

from itertools import islice
from typing import TYPE_CHECKING, Any

from analysis.compare.comparison import Comparison
from analysis.figures.memory import memory_figure
from analysis.figures.style import save
from job import job

if TYPE_CHECKING:
    snakemake: Any

with job(snakemake):
    rest = iter(snakemake.input.heats)
    files = zip(snakemake.params.counts, snakemake.input.frictions, snakemake.input.responses, strict=True)
    comparisons = [Comparison.read(islice(rest, count), *at_rest) for count, *at_rest in files]
    save(*memory_figure(dict(zip(snakemake.params.names, comparisons, strict=True))), snakemake.output[0])
