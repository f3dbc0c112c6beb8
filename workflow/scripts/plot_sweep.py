"""Figures over κ_H/κ_C. inputs: heats, powers, performances, reversals, flows (of all points), friction, response.

outputs: .png of each (.svg, .csv beside).
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.compare.comparison import Comparison
from analysis.compare.information import compared_information
from analysis.figures.cop import cop
from analysis.figures.cop_fluctuations import cop_fluctuations
from analysis.figures.detailed_balance import detailed_balance
from analysis.figures.fluxes import fluxes
from analysis.figures.heat_rates import heat_rates
from analysis.figures.information import information
from analysis.figures.power import power_histograms
from analysis.figures.power_moments import power_moments
from analysis.figures.style import save
from analysis.figures.uncertainty import uncertainty
from analysis.heat.results import InformationPoint, PerformancePoint, PowerPoint, ReversalPoint
from job import job, read_json

if TYPE_CHECKING:
    snakemake: Any

with job(snakemake):
    comparison = Comparison.read(snakemake.input.heats, snakemake.input.friction, snakemake.input.response)
    powers = [PowerPoint.from_json(read_json(file)) for file in snakemake.input.powers]
    performances = [PerformancePoint.from_json(read_json(file)) for file in snakemake.input.performances]
    reversals = [ReversalPoint.from_json(read_json(file)) for file in snakemake.input.reversals]
    flows = [InformationPoint.from_json(read_json(file)) for file in snakemake.input.flows]
    friction = comparison.friction
    folder = Path(snakemake.output[0]).parent
    save(*heat_rates(comparison), folder / "heat_rates")
    save(*fluxes(comparison), folder / "fluxes")
    save(*power_histograms(powers, friction), folder / "power")
    save(*power_moments(powers, friction), folder / "power_moments")
    save(*cop(performances), folder / "cop")
    save(*cop_fluctuations(performances, friction), folder / "cop_fluctuations")
    save(*uncertainty(performances, friction), folder / "uncertainty")
    save(*information(comparison, compared_information(comparison, flows)), folder / "information")
    save(*detailed_balance(comparison, reversals), folder / "detailed_balance")
