"""Coverage of every reported interval. inputs: tables of measured runs; outputs: [0] .csv."""

from typing import TYPE_CHECKING, Any

import pandas as pd

from analysis.calibration.coverage import coverage
from analysis.data.runs import WITHOUT_THREADS
from job import job

if TYPE_CHECKING:
    snakemake: Any

with job(snakemake):
    rows = pd.concat([pd.read_parquet(file, **WITHOUT_THREADS) for file in snakemake.input], ignore_index=True)
    coverage(rows).to_csv(snakemake.output[0], index=False, float_format="%.6g")
