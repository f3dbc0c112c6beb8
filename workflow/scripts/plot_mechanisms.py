"""Draw other mechanisms from their own parameters. params: mechanisms (names); outputs: for each a .png, .svg and .csv."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.figures.style import save
from analysis.mechanisms import figures
from job import job

if TYPE_CHECKING:
    snakemake: Any

with job(snakemake):
    for mechanism in snakemake.params.mechanisms:
        figure, data = getattr(figures, mechanism)()
        save(figure, data, Path(snakemake.output[0]).with_name(mechanism))
