"""The report. inputs: friction_runs, sweep_runs, heats, performances, friction, response, structure, figures, page.

outputs: [0].
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.data.runs import read_metadata
from analysis.friction.response import Responses
from analysis.report.page import report_page
from job import job, read_json

if TYPE_CHECKING:
    snakemake: Any

with job(snakemake):
    files = [*snakemake.input.friction_runs, *snakemake.input.sweep_runs]
    runs = [read_metadata(file) for file in files if file.endswith("run.json")]
    points = [read_json(file) for file in snakemake.input.heats]
    performances = [read_json(file) for file in snakemake.input.performances]
    friction = read_json(snakemake.input.friction)
    responses = Responses.load(snakemake.input.response)
    structure = read_json(snakemake.input.structure[0]) if snakemake.input.structure else None
    design = Path(snakemake.input.page).parent
    page = report_page(runs, points, performances, friction, responses, structure, snakemake.input.figures, design)
    Path(snakemake.output[0]).write_text(page, encoding="utf-8")
