"""The report.

inputs: friction_runs, sweep_runs, heats, performances, flows, friction, response, by_axis, structure, figures, page;
outputs: page, screen.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from analysis.compare.comparison import Comparison
from analysis.compare.information import compared_information
from analysis.data.runs import read_metadata
from analysis.friction.result import FrictionResult
from analysis.heat.results import InformationPoint, PerformancePoint
from analysis.report.explorer import explorer
from analysis.report.page import report_page
from analysis.report.screen import closing_text
from analysis.structure.result import Structure
from job import job, read_json

if TYPE_CHECKING:
    snakemake: Any

with job(snakemake):
    files = [*snakemake.input.friction_runs, *snakemake.input.sweep_runs]
    runs = [read_metadata(file) for file in files if file.endswith("run.json")]
    comparison = Comparison.read(snakemake.input.heats, snakemake.input.friction, snakemake.input.response)
    performances = [PerformancePoint.from_json(read_json(file)) for file in snakemake.input.performances]
    flows = [InformationPoint.from_json(read_json(file)) for file in snakemake.input.flows]
    friction = FrictionResult.read(snakemake.input.friction)
    structure = Structure.from_json(read_json(snakemake.input.structure[0])) if snakemake.input.structure else None
    design = Path(snakemake.input.page).parent
    by_axis = pd.read_csv(snakemake.input.by_axis, dtype={"kappa_ratio": str})
    page = report_page(
        runs,
        comparison,
        performances,
        friction,
        structure,
        snakemake.input.figures,
        design,
        explorer(comparison, by_axis),
        compared_information(comparison, flows),
    )
    Path(snakemake.output.page).write_text(page, encoding="utf-8")
    screen = closing_text(comparison, performances, friction, structure)
    Path(snakemake.output.screen).write_text(screen, encoding="utf-8")
