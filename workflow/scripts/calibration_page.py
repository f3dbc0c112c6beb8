"""The page of the calibration. inputs: table (.csv), page (template); outputs: page (.md), figure (.png; .svg, .csv beside)."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import jinja2
import pandas as pd

from analysis.calibration import page as calibration_page
from analysis.figures.calibration import calibration
from analysis.figures.style import save
from job import job

if TYPE_CHECKING:
    snakemake: Any

with job(snakemake):
    table = pd.read_csv(snakemake.input.table)
    save(*calibration(table), snakemake.output.figure[0])
    template = jinja2.Environment(
        undefined=jinja2.StrictUndefined, trim_blocks=True, keep_trailing_newline=True
    ).from_string(Path(snakemake.input.page).read_text(encoding="utf-8"))
    Path(snakemake.output.page).write_text(template.render(tables=calibration_page, coverage=table), encoding="utf-8")
