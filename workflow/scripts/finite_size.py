"""Friction over the bath's size. inputs: runs (drags of a study and its variants); outputs: [0] .png (with .svg and .csv)."""

from typing import TYPE_CHECKING, Any

from analysis.compare.finite_size import drags_by_size
from analysis.data.runs import read_metadata
from analysis.figures.finite_size import finite_size
from analysis.figures.style import save
from analysis.friction.drag import drag_summary, load_drag_runs
from job import job

if TYPE_CHECKING:
    snakemake: Any

with job(snakemake):
    edges: dict[str, float] = {}
    files: dict[str, list[str]] = {}
    for file in snakemake.input.runs:
        if file.endswith("run.json"):
            settings = read_metadata(file)["settings"]
            edges[settings["name"]] = settings["baths"]["edge_nm"]
            files.setdefault(settings["name"], []).append(file)
    drags = [drag_summary(load_drag_runs(each)) for each in files.values()]
    save(*finite_size(drags_by_size(list(edges.values()), drags)), snakemake.output[0])
