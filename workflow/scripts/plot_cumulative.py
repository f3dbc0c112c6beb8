"""Heat and work over time. inputs: runs, heats and powers (.json) of the same points; outputs: [0] .png (.svg, .csv beside)."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.data.runs import load_runs
from analysis.figures.cumulative import cumulative_flows
from analysis.figures.style import save
from analysis.heat.point import HeatPoint
from analysis.heat.results import PowerPoint
from job import job, read_json

if TYPE_CHECKING:
    snakemake: Any

with job(snakemake):
    files = [Path(file) for file in snakemake.input.runs if file.endswith("run.json")]
    points = []
    for heat, power in zip(snakemake.input.heats, snakemake.input.powers, strict=True):
        runs = load_runs(file for file in files if Path(heat).parent in file.parents)
        points.append((runs, HeatPoint.from_json(read_json(heat)), PowerPoint.from_json(read_json(power))))
    save(*cumulative_flows(points), snakemake.output[0])
