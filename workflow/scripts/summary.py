"""Table of a study. inputs: heats (heat.json of all points), friction (friction.json), response (.npz); outputs: csv, text."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.compare.table import summary_table, summary_text
from analysis.friction.response import Responses
from job import job, read_json

if TYPE_CHECKING:
    snakemake: Any

with job(snakemake):
    responses = Responses.load(snakemake.input.response)
    points = [read_json(file) for file in snakemake.input.heats]
    friction = read_json(snakemake.input.friction)
    summary_table(points, friction, responses).to_csv(snakemake.output.csv, index=False, float_format="%.6g")
    Path(snakemake.output.text).write_text(summary_text(points, friction, responses), encoding="utf-8")
