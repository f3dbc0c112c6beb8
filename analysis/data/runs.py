"""Read run folders, and reject those that violate the format (docs/reference/run-folder.md).

Arrays follow one convention: time first, then side (cold, hot), then axis (x, y, z). Units are LAMMPS *metal*.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis.data.parameters import AXES, SIDES, Array, Parameters
from analysis.errors import AnalysisError

FORMAT = 2
INTERNAL_TEMPERATURE = tuple(f"internal_temperature_{side}_K" for side in SIDES)
"""Columns of runs with atoms that are missing in folders of the model."""

WITHOUT_THREADS: dict[str, Any] = {"use_threads": False, "pre_buffer": False}
"""How to read Parquet: where pyarrow has threads of its own, one that is left at the end of a process aborts it, after all work
is done (apache/arrow issues 34314 and 50482)."""

# Sample times are multiples of the time step written in decimal; rounding is far below this.
_SPACING_TOLERANCE = 1e-6

_CURE = "delete it and run the same command again, which writes it from the segments of the run"


class RunFolderError(AnalysisError):
    """A run folder violates the format; the message names the file, the problem and the cure."""


@dataclass(frozen=True)
class Run:
    """One run folder, checked: its ``run.json`` and its series."""

    folder: Path
    metadata: dict[str, Any]
    parameters: Parameters
    series: pd.DataFrame

    @property
    def kappa_ratio(self) -> str | None:
        """κ_H/κ_C as the study spells it; ``None`` for an equilibrium run."""
        ratio: str | None = self.metadata["kappa_ratio"]
        return ratio

    @property
    def equivalent_axes(self) -> tuple[str, ...]:
        """Sets of equivalent axes: ``("x", "yz")`` between walls normal to x, ``("xyz",)`` without walls.

        They follow from the boundaries of the box and the traps. The exact model has no box; its frictions and traps
        determine them.
        """
        if "equivalent_axes" in self.metadata:
            return tuple(self.metadata["equivalent_axes"])
        walls = (self.metadata.get("system") or {}).get("boundaries") or dict.fromkeys(AXES, "periodic")
        kinds = {axis: (walls[axis], trap) for axis, trap in zip(AXES, self.parameters.traps, strict=True)}
        return tuple("".join(axis for axis in AXES if kinds[axis] == kind) for kind in dict.fromkeys(kinds.values()))

    @property
    def duration(self) -> float:
        """Time between the first and the last sample, ps."""
        return float(self.series["time_ps"].iloc[-1])

    @cached_property
    def position(self) -> Array:
        """Displacement of the particles from their trap centres, shape (n, 2, 3), Å."""
        return self._stack("position_{side}_{axis}_A", AXES)

    @cached_property
    def velocity(self) -> Array:
        """Centre-of-mass velocities, shape (n, 2, 3), Å/ps."""
        return self._stack("velocity_{side}_{axis}_A_per_ps", AXES)

    @cached_property
    def work(self) -> Array:
        """Work on the particles since the first row, (n, 2, coupled axes), eV: of the controller, and of moving the traps.

        There are no coupled axes in a friction run.
        """
        return self._stack("work_{side}_{axis}_eV", tuple(self.parameters.coupling_axes)) + self.trap_work

    @cached_property
    def trap_work(self) -> Array:
        """Part of the work that moving the traps does, of that shape, eV; 0 for traps at rest."""
        axes = tuple(self.parameters.coupling_axes)
        if not self.parameters.motion.moves:
            return np.zeros((len(self.series), 2, len(axes)))
        return self._stack("trap_work_{side}_{axis}_eV", axes)

    @cached_property
    def centre(self) -> Array:
        """Displacement of both trap centres along each coupled axis, shape (n, 2), Å."""
        return self.parameters.motion.centre(self.series["time_ps"].to_numpy(float))

    @cached_property
    def particle_energy(self) -> Array:
        """½ m V² + ½ κ (X - λ)² of both particles along the coupled axes, shape (n, 2, coupled axes), eV."""
        along = [AXES.index(axis) for axis in self.parameters.coupling_axes]
        mass, traps = np.array(self.parameters.mass)[:, None], np.array(self.parameters.traps)[along]
        stretched = self.position[..., along] - self.centre[..., None]
        return np.asarray((mass * self.velocity[..., along] ** 2 + traps * stretched**2) / 2)

    @cached_property
    def thermostat(self) -> Array:
        """Energy given to the thermostats since the first row, shape (n, 2), eV."""
        return self._pair("thermostat_{side}_eV")

    @cached_property
    def side_energy(self) -> Array:
        """Energy of each side, without its trap, shape (n, 2), eV."""
        return self._pair("energy_{side}_eV")

    @cached_property
    def trap_energy(self) -> Array:
        """Energy of the traps, shape (n, 2), eV."""
        return self._pair("trap_{side}_eV")

    @property
    def internal_temperature(self) -> Array | None:
        """Internal temperature of each particle, about its centre of mass, shape (n, 2), K; ``None`` if not measured."""
        measured = all(column in self.series.columns for column in INTERNAL_TEMPERATURE)
        return self._pair("internal_temperature_{side}_K") if measured else None

    @cached_property
    def kinetic_energy(self) -> Array:
        """Kinetic energy of the centre-of-mass motion, ½ m V², shape (n, 2), eV."""
        return np.asarray(0.5 * np.array(self.parameters.mass) * (self.velocity**2).sum(axis=2))

    def _pair(self, name: str) -> Array:
        return self.series[[name.format(side=side) for side in SIDES]].to_numpy(float)

    def _stack(self, name: str, axes: tuple[str, ...]) -> Array:
        columns = [name.format(side=side, axis=axis) for side in SIDES for axis in axes]
        return self.series[columns].to_numpy(float).reshape(len(self.series), 2, len(axes))


def load_run(path: str | Path) -> Run:
    """Load one run folder.

    Args:
        path: the folder, or its ``run.json``.

    Raises:
        RunFolderError: if a file or column is missing, a value is not a number, or samples are not equally spaced.
    """
    folder, metadata, series = read_folder(path)
    parameters = _parameters(folder / "run.json", metadata)
    series_file = folder / "series.parquet"
    optional = [column for column in INTERNAL_TEMPERATURE if column in series.columns]
    columns = expected_columns(parameters.coupling_axes, parameters.motion.moves)
    check_series(series_file, series, columns + optional, parameters.sample_interval)
    return Run(folder, metadata, parameters, series)


def read_folder(path: str | Path) -> tuple[Path, dict[str, Any], pd.DataFrame]:
    """Content of ``run.json`` and series of a run folder, given by the folder or its ``run.json``.

    Raises:
        RunFolderError: if a file is missing or damaged, or the format is not known.
    """
    folder = folder_of(path)
    content = read_metadata(folder)
    series_file = folder / "series.parquet"
    if not series_file.is_file():
        raise RunFolderError(f"{series_file}: missing; run the simulation of this point again")
    data = series_file.read_bytes()
    # Parquet detects a truncated file, but not a flipped bit.
    if content.get("series_sha256", (own := hashlib.sha256(data).hexdigest())) != own:
        raise RunFolderError(f"{series_file}: damaged, its checksum does not match run.json; {_CURE}")
    try:
        series = pd.read_parquet(io.BytesIO(data), **WITHOUT_THREADS)
    except (ValueError, OSError):
        raise RunFolderError(f"{series_file}: damaged, not a Parquet file; {_CURE}") from None
    return folder, content, series


def read_metadata(path: str | Path) -> dict[str, Any]:
    """The content of the ``run.json`` of a run folder, given by the folder or that file.

    Raises:
        RunFolderError: if the file is missing or damaged, or the format is not known.
    """
    file = folder_of(path) / "run.json"
    if not file.is_file():
        raise RunFolderError(f"{file}: missing; run the simulation of this point again")
    try:
        content: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        found = content.get("format")
    except (ValueError, AttributeError):
        raise RunFolderError(f"{file}: damaged; {_CURE}") from None
    if found != FORMAT:
        raise RunFolderError(
            f"{file}: format = {found}, this analysis reads format {FORMAT}; run the simulation of this point again"
        )
    return content


def folder_of(path: str | Path) -> Path:
    """The run folder, given by itself or its ``run.json``."""
    return Path(path).parent if Path(path).name == "run.json" else Path(path)


def load_runs(paths: Iterable[str | Path]) -> list[Run]:
    """Load the replicas of one point, in the order given.

    Raises:
        RunFolderError: if a folder violates the format, or the folders differ in a physical parameter.
    """
    runs = [load_run(path) for path in paths]
    if not runs:
        raise RunFolderError("no run folder given: name at least one")
    for run in runs[1:]:
        if run.parameters != runs[0].parameters:
            raise RunFolderError(
                f"{run.folder} and {runs[0].folder}: physical parameters differ, so they are not replicas of one "
                f"point: {run.parameters} and {runs[0].parameters}"
            )
        if len({(each.metadata["controller"] or {}).get("source") for each in (run, runs[0])}) > 1:
            raise RunFolderError(
                f"{run.folder} and {runs[0].folder}: controller {run.parameters.controller} was edited between them, so they "
                "are not replicas of one point; run them again"
            )
    return runs


def expected_columns(coupling_axes: str, traps_move: bool = False) -> list[str]:
    """Required columns of ``series.parquet`` for a controller along ``coupling_axes``, which is empty in a friction run."""
    columns = ["step", "time_ps"]
    for side in SIDES:
        columns += [f"position_{side}_{axis}_A" for axis in AXES]
        columns += [f"velocity_{side}_{axis}_A_per_ps" for axis in AXES]
        columns += [f"work_{side}_{axis}_eV" for axis in coupling_axes]
        columns += [f"trap_work_{side}_{axis}_eV" for axis in coupling_axes if traps_move]
        columns += [f"thermostat_{side}_eV", f"energy_{side}_eV", f"trap_{side}_eV"]
        columns += [f"temperature_{side}_K", f"pressure_{side}_bar"]
    return columns


def _parameters(file: Path, metadata: dict[str, Any]) -> Parameters:
    try:
        for key in ("study", "purpose", "point", "kappa_ratio", "closure"):
            metadata[key]
        parameters = Parameters.of_run(metadata)
    except KeyError as missing:
        raise RunFolderError(f"{file}: key {missing} is missing; was it written by an older version?") from None
    axes, at_rest = parameters.coupling_axes, metadata["purpose"] == "friction"
    if at_rest and axes:
        raise RunFolderError(f"{file}: coupling_axes = {axes!r}, but a friction run has no controller along any axis")
    if not at_rest and (not axes or not set(axes) <= set(AXES)):
        raise RunFolderError(f"{file}: coupling_axes = {axes!r}, must consist of x, y, z")
    return parameters


def check_series(file: Path, series: pd.DataFrame, columns: Sequence[str], interval: float) -> None:
    """Reject a series with missing columns, values that are not numbers, or samples that are not ``interval`` ps apart.

    Raises:
        RunFolderError: names the file, the problem and the cure.
    """
    if missing := [column for column in columns if column not in series.columns]:
        raise RunFolderError(f"{file}: columns missing: {', '.join(missing)}")
    if len(series) < 2:
        raise RunFolderError(f"{file}: {len(series)} rows, at least 2 are needed; the run stopped before sampling")
    finite = np.isfinite(series[list(columns)].to_numpy(float))
    if not finite.all():
        row, column = np.argwhere(~finite)[0]
        raise RunFolderError(f"{file}: {columns[column]} is not a number in row {row}; the run is damaged")
    # Detects a repeated or lost segment before it can bias a rate.
    off = np.abs(np.diff(series["time_ps"]) / interval - 1)
    if off.max() > _SPACING_TOLERANCE:
        row = int(np.argmax(off > _SPACING_TOLERANCE))
        first, second = series["time_ps"].iloc[[row, row + 1]]
        raise RunFolderError(
            f"{file}: rows {row} and {row + 1} are at {first:g} and {second:g} ps, but samples are expected every "
            f"{interval:g} ps; a segment is missing or repeated"
        )
