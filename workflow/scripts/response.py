"""Figure of linear response. inputs: heats, friction, response; outputs: [0] .png (with .svg and .csv)."""

from typing import TYPE_CHECKING, Any

from analysis.figures.response import response_figure
from analysis.figures.style import save
from analysis.friction.response import Responses
from analysis.friction.result import Friction
from job import job, read_json

if TYPE_CHECKING:
    snakemake: Any

with job(snakemake):
    points = [read_json(file) for file in snakemake.input.heats]
    friction = Friction.from_json(read_json(snakemake.input.friction))
    save(*response_figure(points, friction, Responses.load(snakemake.input.response)), snakemake.output[0])
