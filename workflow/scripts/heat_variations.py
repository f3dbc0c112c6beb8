"""Heats of a study and its variants. inputs: runs (one run.json each), frictions, responses, heats; params: counts.

outputs: [0] .csv.
"""

from itertools import islice
from typing import TYPE_CHECKING, Any

from analysis.compare.comparison import Comparison
from analysis.compare.variants import heat_by_variant
from analysis.data.runs import read_metadata
from job import job

if TYPE_CHECKING:
    snakemake: Any

with job(snakemake):
    runs = [read_metadata(file) for file in snakemake.input.runs]
    rest = iter(snakemake.input.heats)
    files = zip(snakemake.params.counts, snakemake.input.frictions, snakemake.input.responses, strict=True)
    comparisons = [Comparison.read(islice(rest, count), *at_rest) for count, *at_rest in files]
    heat_by_variant(runs, comparisons).to_csv(snakemake.output[0], index=False, float_format="%.6g")
