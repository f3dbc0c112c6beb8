"""Runs of known truth, measured. wildcards: length, point, first, last (runs); outputs: [0] .parquet, one row per number."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from analysis.calibration.coverage import measure
from analysis.data.runs import Parameters, Run
from job import job
from simulation.experiments import experiment_at
from simulation.folder.run_folder import describe, judge
from simulation.study.files import load_study

if TYPE_CHECKING:
    snakemake: Any

with job(snakemake):
    length, point, first, last = (snakemake.wildcards[name] for name in ("length", "point", "first", "last"))
    study = load_study(f"calibration-{length}")
    tables = []
    for number in range(int(first), int(last) + 1):
        experiment = experiment_at(study, point, number)
        series = experiment.exact()
        metadata = describe(experiment, series) | {"closure": judge(experiment, series)}
        run = Run(Path(experiment.folder), metadata, Parameters.from_json(metadata["parameters"]), series)
        tables.append(measure(run, experiment.seed("bath_energy")).assign(run=number))
    pd.concat(tables, ignore_index=True).assign(length=length, point=point).to_parquet(snakemake.output[0], index=False)
