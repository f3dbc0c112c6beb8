"""Runs of known truth, measured. wildcards: length, point, first, last (runs or studies); outputs: [0] .parquet."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from analysis.calibration.coverage import measure
from analysis.calibration.page import STUDIES
from analysis.calibration.studies import REPLICAS, measure_study
from analysis.data.parameters import Parameters
from analysis.data.runs import Run
from job import job
from simulation.experiments import experiment_at, machine
from simulation.experiments.base import Experiment
from simulation.folder.run_folder import describe, judge
from simulation.study.files import load_study

if TYPE_CHECKING:
    snakemake: Any

with job(snakemake):

    def made(experiment: Experiment) -> Run:
        """A run of the exact engine, as if read from its folder."""
        series = experiment.exact()
        metadata = describe(experiment, series) | {"closure": judge(experiment, series)}
        return Run(Path(experiment.folder), metadata, Parameters.of_run(metadata), series)

    length, point, start, last = (snakemake.wildcards[name] for name in ("length", "point", "first", "last"))
    study = load_study(f"calibration-{length}")
    tables = []
    for number in range(int(start), int(last) + 1):
        if length in STUDIES:
            firsts = {name: experiment_at(study, name, 1) for name in machine.points(study)}
            points = {
                name: Parameters.of_run(first.describe() | {"controller": first.controller_identity()})
                for name, first in firsts.items()
            }
            replicas = range(REPLICAS * (number - 1) + 1, REPLICAS * number + 1)
            found = measure_study([made(experiment_at(study, point, replica)) for replica in replicas], points)
        else:
            experiment = experiment_at(study, point, number)
            found = measure(made(experiment), experiment.seed("bath_energy")).assign(point=point)
        tables.append(found.assign(run=number))
    pd.concat(tables, ignore_index=True).assign(length=length).to_parquet(snakemake.output[0], index=False)
