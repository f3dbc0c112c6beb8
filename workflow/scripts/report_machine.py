"""The report of a machine. wildcards: study; inputs: table, figures, page; outputs: [0]."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from analysis.report.machine_page import machine_page
from job import job
from simulation.study.machines.files import load_machine_study

if TYPE_CHECKING:
    snakemake: Any

with job(snakemake):
    study = load_machine_study(snakemake.wildcards.study)
    table = pd.read_csv(snakemake.input.table, keep_default_na=True).fillna({"note": ""})
    design = Path(snakemake.input.page).parent
    page = machine_page(
        study.name,
        study.kind,
        study.description,
        table,
        study.parameters,
        study.settings,
        snakemake.input.figures,
        design,
    )
    Path(snakemake.output[0]).write_text(page, encoding="utf-8")
