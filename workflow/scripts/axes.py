"""Work of each axis at every point. inputs: runs (run folders of all points), friction, response; outputs: [0] .csv."""

from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from analysis.compare.by_axis import COLUMNS, work_by_axis
from analysis.data.runs import load_runs
from analysis.friction.response import Responses
from analysis.friction.result import FrictionResult
from analysis.statistics.timeseries import SeriesTooShortError
from job import job

if TYPE_CHECKING:
    snakemake: Any

with job(snakemake):
    friction = FrictionResult.read(snakemake.input.friction).friction
    responses = Responses.load(snakemake.input.response)
    files = [file for file in snakemake.input.runs if file.endswith("run.json")]
    points = [load_runs(replicas) for _, replicas in groupby(files, key=lambda file: Path(file).parents[1])]
    tables = [pd.DataFrame(columns=COLUMNS)]
    for runs in points:
        try:
            tables.append(work_by_axis(runs, friction, responses))
        except SeriesTooShortError as problem:  # a point without errors has no rows
            print(f"κ_H/κ_C = {runs[0].kappa_ratio}: {problem}")
    table = pd.concat(tables, ignore_index=True) if len(tables) > 1 else tables[0]
    table.to_csv(snakemake.output[0], index=False, float_format="%.6g")
