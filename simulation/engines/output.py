"""What LAMMPS leaves of a segment: its log, its series and its topology, checked to be whole."""

from __future__ import annotations

import errno
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd


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
        "loop_time_s": round(sum(float(t) for t in re.findall(r"Loop time of ([\d.eE+-]+)", text)), 3),
    }


def read_series(file: Path, names: Sequence[str], timestep_ps: float, rows: int) -> pd.DataFrame:
    """The rows that LAMMPS's fix ave/time wrote, under the names of docs/run-folder.md. Counters start with the segment.

    Args:
        file: what the fix wrote.
        names: of its columns, with their units.
        timestep_ps: MD time step.
        rows: how many there must be.

    Raises:
        OSError: rows are missing: LAMMPS does not always notice when it cannot write.
    """
    series = pd.read_csv(file, sep=r"\s+", comment="#", header=None, names=["step", *names], dtype={"step": np.int64})
    if len(series) != rows:
        raise OSError(errno.ENOSPC, f"{len(series)} rows of {rows}", str(file))
    series.insert(1, "time_ps", series["step"] * timestep_ps)
    return series


def in_molecular_layout(data: str) -> str:
    """A LAMMPS data file of atom style `atomic` in the layout of `molecular`, the type standing for the molecule.

    MDAnalysis reads that layout unasked; of `atomic` it must be told.
    """
    head, found, rest = data.partition("\nAtoms # atomic\n")
    if not found:
        return data
    atoms, separator, tail = rest.partition("\n\nVelocities\n")
    lines = [re.sub(r"^(\d+) (\d+) ", r"\1 \2 \2 ", line) for line in atoms.split("\n")]
    return head + "\nAtoms # molecular\n" + "\n".join(lines) + separator + tail
