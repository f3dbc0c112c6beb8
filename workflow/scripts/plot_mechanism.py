"""Draw another mechanism from its own parameters. wildcards: mechanism; outputs: [0] .png (.svg, .csv beside)."""

from typing import TYPE_CHECKING, Any

from analysis.figures.style import save
from analysis.mechanisms import figures

if TYPE_CHECKING:
    snakemake: Any

figure, data = getattr(figures, snakemake.wildcards.mechanism)()
save(figure, data, snakemake.output[0])
