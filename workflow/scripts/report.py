"""The report of a study. inputs: runs (run.json), heats, friction, structure (or none), figures, page; outputs: [0] .html."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.report import report_page

if TYPE_CHECKING:
    snakemake: Any


def read(file: str) -> Any:
    """The content of a JSON file."""
    return json.loads(Path(file).read_text())


runs = [read(file) for file in snakemake.input.runs]
points = [read(file) for file in snakemake.input.heats]
structure = read(snakemake.input.structure[0]) if snakemake.input.structure else None
design = Path(snakemake.input.page).parent
page = report_page(runs, points, read(snakemake.input.friction), structure, snakemake.input.figures, design)
Path(snakemake.output[0]).write_text(page)
