"""Heats of a study and its variants. inputs: runs (one run.json each), frictions, responses, heats; params: counts.

outputs: [0] .csv.
"""

from itertools import islice
from typing import TYPE_CHECKING, Any

from analysis.compare.variants import heat_by_variant
from analysis.data.runs import read_metadata
from analysis.friction.response import Responses
from job import job, read_json

if TYPE_CHECKING:
    snakemake: Any

with job(snakemake):
    runs = [read_metadata(file) for file in snakemake.input.runs]
    frictions, heats = ([read_json(file) for file in snakemake.input[kind]] for kind in ("frictions", "heats"))
    responses = [Responses.load(file) for file in snakemake.input.responses]
    rest = iter(heats)
    points = [list(islice(rest, count)) for count in snakemake.params.counts]
    table = heat_by_variant(runs, frictions, responses, points)
    table.to_csv(snakemake.output[0], index=False, float_format="%.6g")
