"""Heats over what a loop has. inputs: friction, response, heats; outputs: [0] .png (with .svg and .csv)."""

from typing import TYPE_CHECKING, Any

from analysis.figures.loops import loops
from analysis.figures.style import save
from analysis.friction.response import Responses
from analysis.friction.result import FrictionResult
from analysis.heat.point import HeatPoint
from job import job, read_json

if TYPE_CHECKING:
    snakemake: Any

with job(snakemake):
    heats = [HeatPoint.from_json(read_json(file)) for file in snakemake.input.heats]
    friction = FrictionResult.read(snakemake.input.friction).friction
    save(*loops(heats, friction, Responses.load(snakemake.input.response)), snakemake.output[0])
