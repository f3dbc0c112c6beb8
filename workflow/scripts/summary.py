"""Table of a study. inputs: heats (heat.json of all points), friction (friction.json); outputs: csv, text."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.compare.table import summary_table, summary_text
from job import job, read_json

if TYPE_CHECKING:
    snakemake: Any

with job(snakemake):
    points = [read_json(file) for file in snakemake.input.heats]
    friction = read_json(snakemake.input.friction)
    summary_table(points, friction).to_csv(snakemake.output.csv, index=False, float_format="%.6g")
    Path(snakemake.output.text).write_text(summary_text(points, friction), encoding="utf-8")
