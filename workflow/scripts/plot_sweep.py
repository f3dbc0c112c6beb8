"""Figures over κ_H/κ_C. inputs: heats, powers, performances, reversals, flows (of all points), friction, response.

outputs: .png of each (.svg, .csv beside).
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

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
from analysis.friction.response import Responses
from analysis.friction.result import Friction
from job import job, read_json

if TYPE_CHECKING:
    snakemake: Any

with job(snakemake):
    heats, powers, performances, reversals, flows = (
        [read_json(file) for file in snakemake.input[kind]]
        for kind in ("heats", "powers", "performances", "reversals", "flows")
    )
    friction = Friction.from_json(read_json(snakemake.input.friction))
    folder = Path(snakemake.output[0]).parent
    save(*heat_rates(heats, friction, Responses.load(snakemake.input.response)), folder / "heat_rates")
    save(*fluxes(heats, friction), folder / "fluxes")
    save(*power_histograms(powers, friction), folder / "power")
    save(*power_moments(powers, friction), folder / "power_moments")
    save(*cop(performances), folder / "cop")
    save(*cop_fluctuations(performances, friction), folder / "cop_fluctuations")
    save(*uncertainty(performances, friction), folder / "uncertainty")
    informed = [flow | heat for flow, heat in zip(flows, heats, strict=True)]
    save(*information(informed, friction), folder / "information")
    moving = [reversal | heat for reversal, heat in zip(reversals, heats, strict=True)]
    save(*detailed_balance(moving, friction), folder / "detailed_balance")
