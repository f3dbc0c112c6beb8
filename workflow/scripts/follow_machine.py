"""A machine over time. wildcards: study; outputs: [0] .png (with .svg and .csv)."""

from typing import TYPE_CHECKING, Any

from analysis.errors import AnalysisError
from analysis.figures.style import save
from analysis.mechanisms.figures.sweep import course
from job import job
from simulation.study.machines.files import load_machine_study

if TYPE_CHECKING:
    snakemake: Any

with job(snakemake):
    try:
        found = load_machine_study(snakemake.wildcards.study).own.course()
    except ValueError as reason:
        raise AnalysisError(f"evolution: {reason}") from None
    assert found is not None, "the workflow asks for it of studies with an evolution only"
    save(course(found), found.table(), snakemake.output[0])
