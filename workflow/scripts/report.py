"""The report. inputs: friction_runs, sweep_runs, heats, performances, friction, structure, figures, page; outputs: [0]."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.report import report_page

if TYPE_CHECKING:
    snakemake: Any


def read(file: str) -> Any:
    """The content of a JSON file."""
    return json.loads(Path(file).read_text())


files = [*snakemake.input.friction_runs, *snakemake.input.sweep_runs]
runs = [read(file) for file in files if file.endswith("run.json")]
points = [read(file) for file in snakemake.input.heats]
performances = [read(file) for file in snakemake.input.performances]
structure = read(snakemake.input.structure[0]) if snakemake.input.structure else None
design = Path(snakemake.input.page).parent
page = report_page(
    runs, points, performances, read(snakemake.input.friction), structure, snakemake.input.figures, design
)
Path(snakemake.output[0]).write_text(page)
