"""Work of each axis at every point. inputs: runs (run folders of all points), friction; outputs: [0] .csv."""

from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from analysis.compare.theory import Friction
from analysis.data.runs import load_runs
from analysis.heat.by_axis import work_by_axis
from job import job, read_json

if TYPE_CHECKING:
    snakemake: Any

with job(snakemake):
    friction = Friction.from_json(read_json(snakemake.input.friction))
    files = [file for file in snakemake.input.runs if file.endswith("run.json")]
    points = [load_runs(replicas) for _, replicas in groupby(files, key=lambda file: Path(file).parents[1])]
    table = pd.concat([work_by_axis(runs, friction) for runs in points], ignore_index=True)
    table.to_csv(snakemake.output[0], index=False, float_format="%.6g")
