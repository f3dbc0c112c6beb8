"""Friction and response of both particles. inputs: runs and drags (run folders of equilibrium and drag runs).

outputs: friction (.json), by_axis (.csv), response (.npz).
"""

from typing import TYPE_CHECKING, Any

from analysis.data.runs import load_runs
from analysis.friction.drag import drag_summary, load_drag_runs
from analysis.friction.response import responses
from analysis.friction.summary import friction_summary
from job import job, write_json

if TYPE_CHECKING:
    snakemake: Any

with job(snakemake):
    runs = load_runs(file for file in snakemake.input.runs if file.endswith("run.json"))
    drags = load_drag_runs(file for file in snakemake.input.drags if file.endswith("run.json"))
    found = friction_summary(runs, drag_summary(drags))
    found.by_axis().to_csv(snakemake.output.by_axis, index=False, float_format="%.6g")
    responses(runs).save(snakemake.output.response)
    write_json(found.to_json(), snakemake.output.friction)
