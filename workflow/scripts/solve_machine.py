"""A machine over its sweep. wildcards: study; outputs: table, text, and .png (.svg) of each figure beside them."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.figures.style import save
from analysis.mechanisms.figures import sweep
from analysis.mechanisms.sweep import sweep_table
from analysis.report.machine_page import summary_text
from job import job
from simulation.study.machines.files import load_machine_study

if TYPE_CHECKING:
    snakemake: Any

with job(snakemake):
    study = load_machine_study(snakemake.wildcards.study)
    table = sweep_table(study.sweep_points(), *study.parameters)
    table.to_csv(snakemake.output.table, index=False, float_format="%.8g")
    Path(snakemake.output.text).write_text(summary_text(study.name, table, study.parameters), encoding="utf-8")
    is_logarithmic = study.sweep.spacing == "logarithmic"
    for draw in (sweep.currents, sweep.performance):
        figure = draw(table, *study.parameters, logarithmic=is_logarithmic)
        save(figure, None, Path(snakemake.output[0]).with_name(draw.__name__))
