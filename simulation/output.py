"""What LAMMPS leaves of a segment: its log and its series, checked to be whole."""

from __future__ import annotations

import errno
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from simulation.checkpoint import SERIES
from simulation.study import Study


def read_log(log: Path) -> dict[str, Any]:
    """Neighbours per atom, dangerous builds and time in LAMMPS's loop, from a whole LAMMPS log.

    Raises:
        OSError: its end is missing: LAMMPS does not notice when it cannot write its log.
    """
    text = log.read_text(encoding="utf-8", errors="replace")
    neighbours = re.findall(r"Ave neighs/atom = ([\d.]+)", text)
    dangerous = re.findall(r"Dangerous builds = (\d+)", text)
    if not (neighbours and dangerous):
        raise OSError(errno.ENOSPC, "its end is missing", str(log))
    return {
        "neighbours_per_atom": round(float(neighbours[-1]), 3),
        "dangerous_builds": sum(map(int, dangerous)),
        "loop_time_s": round(sum(float(t) for t in re.findall(r"Loop time of ([\d.]+)", text)), 3),
    }


def keep_series(folder: Path, names: list[str], study: Study, steps: int) -> None:
    """Turn the rows that LAMMPS wrote in `steps` steps into a segment's series, under the names of docs/run-folder.md.

    Counters still start with the segment.

    Raises:
        OSError: rows are missing: LAMMPS does not always notice when it cannot write.
    """
    units = {
        "displacement": "A",
        "position": "A",
        "velocity": "A_per_ps",
        "work": "eV",
        "thermostat": "eV",
        "energy": "eV",
        "trap": "eV",
        "temperature": "K",
        "pressure": "bar",
    }
    named = [f"{name}_{next(units[word] for word in name.split('_') if word in units)}" for name in names]
    file = folder / "series.dat"
    series = pd.read_csv(file, sep=r"\s+", comment="#", header=None, names=["step", *named], dtype={"step": np.int64})
    expected = steps // study.steps(study.schedule.sample_every_ps) + 1
    if len(series) != expected:
        raise OSError(errno.ENOSPC, f"{len(series)} rows of {expected}", str(file))
    series.insert(1, "time_ps", series["step"] * (study.integration.timestep_fs / 1000))
    series.to_parquet(folder / SERIES, index=False)
    file.unlink()
