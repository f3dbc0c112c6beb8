"""Output of LAMMPS for a segment: log, series and topology, checked for completeness."""

from __future__ import annotations

import errno
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd


def read_log(log: Path) -> dict[str, Any]:
    """Neighbours per atom, dangerous builds and loop time, from a complete LAMMPS log.

    Raises:
        OSError: its end is missing: LAMMPS does not detect failed writes of its log.
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


def read_filling(log: Path) -> dict[str, list[float]]:
    """The bulk density or pressure of each side measured in the rounds of filling, from the log of a build; empty without."""
    text = log.read_text(encoding="utf-8", errors="replace")
    found: dict[str, list[float]] = {}
    for side, value in re.findall(r"^nanofridge, (\w+): bulk_\w+ (\S+), add", text, re.MULTILINE):
        found.setdefault(side, []).append(float(value))
    return found


def read_series(file: Path, names: Sequence[str], timestep_ps: float, rows: int) -> pd.DataFrame:
    """The rows written by fix ave/time, under the names of docs/reference/run-folder.md. Counters start with the segment.

    Args:
        file: output of the fix.
        names: names of its columns, with units.
        timestep_ps: MD time step.
        rows: expected number of rows.

    Raises:
        OSError: rows are missing: LAMMPS does not always detect failed writes.
    """
    series = pd.read_csv(file, sep=r"\s+", comment="#", header=None, names=["step", *names], dtype={"step": np.int64})
    if len(series) != rows:
        raise OSError(errno.ENOSPC, f"{len(series)} rows of {rows}", str(file))
    series.insert(1, "time_ps", series["step"] * timestep_ps)
    return series


def in_molecular_layout(data: str) -> str:
    """A LAMMPS data file of atom style `atomic` in the layout of `molecular`, with the type as molecule.

    MDAnalysis reads this layout by default; `atomic` needs an option.
    """
    head, found, rest = data.partition("\nAtoms # atomic\n")
    if not found:
        return data
    atoms, separator, tail = rest.partition("\n\nVelocities\n")
    lines = [re.sub(r"^(\d+) (\d+) ", r"\1 \2 \2 ", line) for line in atoms.split("\n")]
    return head + "\nAtoms # molecular\n" + "\n".join(lines) + separator + tail
