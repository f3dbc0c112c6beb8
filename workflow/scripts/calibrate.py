"""Runs of known truth, measured. wildcards: length, point, first, last (runs); outputs: [0] .parquet, one row per number."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from analysis.calibration import measure
from analysis.runs import Parameters, Run
from simulation import plan
from simulation.langevin import propagate, truth
from simulation.runfolder import describe, first_law
from simulation.studyfile import load_study

if TYPE_CHECKING:
    snakemake: Any

length, point, first, last = (snakemake.wildcards[name] for name in ("length", "point", "first", "last"))
study = load_study(f"calibration-{length}")
tables = []
for number in range(int(first), int(last) + 1):
    series = propagate(planned := plan.Run(study, point, number))
    balances = first_law(series, study.demon.coupling_axes).items()
    closure = {f"{side}_{key}": value for side, balance in balances for key, value in balance.items()}
    metadata = describe(planned, series) | truth(study) | {"closure": closure}
    run = Run(Path(planned.folder), metadata, Parameters.from_json(metadata["parameters"]), series)
    tables.append(measure(run, plan.seed(study, point, number, "bath_energy")).assign(run=number))
pd.concat(tables, ignore_index=True).assign(length=length, point=point).to_parquet(snakemake.output[0], index=False)
