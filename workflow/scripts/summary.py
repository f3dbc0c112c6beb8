"""Table of a study.

inputs: heats, flows (heat.json and information.json of all points), friction, response; outputs: csv, text.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.compare.comparison import Comparison
from analysis.compare.information import compared_information
from analysis.compare.table import summary_table, summary_text
from analysis.friction.result import FrictionResult
from analysis.heat.results import InformationPoint
from job import job, read_json

if TYPE_CHECKING:
    snakemake: Any

with job(snakemake):
    comparison = Comparison.read(snakemake.input.heats, snakemake.input.friction, snakemake.input.response)
    flows = [InformationPoint.from_json(read_json(file)) for file in snakemake.input.flows]
    information = compared_information(comparison, flows)
    summary_table(comparison, information).to_csv(snakemake.output.csv, index=False, float_format="%.6g")
    text = summary_text(comparison, FrictionResult.read(snakemake.input.friction), information)
    Path(snakemake.output.text).write_text(text, encoding="utf-8")
