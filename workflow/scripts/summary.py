"""Table of a study. inputs: heats (heat.json of all points), friction (friction.json), response (.npz); outputs: csv, text."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.compare.comparison import Comparison
from analysis.compare.table import summary_table, summary_text
from job import job, read_json

if TYPE_CHECKING:
    snakemake: Any

with job(snakemake):
    comparison = Comparison.read(snakemake.input.heats, snakemake.input.friction, snakemake.input.response)
    summary_table(comparison).to_csv(snakemake.output.csv, index=False, float_format="%.6g")
    text = summary_text(comparison, read_json(snakemake.input.friction))
    Path(snakemake.output.text).write_text(text, encoding="utf-8")
