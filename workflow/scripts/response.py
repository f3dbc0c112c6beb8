"""Heats from the measured response. inputs: runs (equilibrium), heats, friction; outputs: table (.csv), figure (.png, …)."""

from typing import TYPE_CHECKING, Any

from analysis.compare.response import heat_by_response, response
from analysis.compare.theory import Friction
from analysis.data.runs import load_runs
from analysis.figures.response import response_figure
from analysis.figures.style import save
from job import job, read_json

if TYPE_CHECKING:
    snakemake: Any

with job(snakemake):
    runs = load_runs(file for file in snakemake.input.runs if file.endswith("run.json"))
    points = [read_json(file) for file in snakemake.input.heats]
    friction = Friction.from_json(read_json(snakemake.input.friction))
    cold, hot = (response(runs, side) for side in range(2))
    heat_by_response(points, cold, hot).to_csv(snakemake.output.table, index=False, float_format="%.6g")
    save(*response_figure(points, friction, (cold, hot)), snakemake.output.figure[0])
