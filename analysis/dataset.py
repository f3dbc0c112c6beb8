"""The runs of one point as a labelled multidimensional array; requires xarray."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from analysis.data.parameters import AXES, SIDES, Array
from analysis.data.runs import INTERNAL_TEMPERATURE, Run
from analysis.errors import AnalysisError

if TYPE_CHECKING:
    import xarray

DIMENSIONS = ("replica", "time_ps", "side", "axis")

_VECTORS = {
    "position_A": ("angstrom", "centre of mass of the particle minus its trap centre"),
    "velocity_A_per_ps": ("angstrom/ps", "centre-of-mass velocity"),
    "work_eV": (
        "eV",
        "work of the controller on the particle since the first row; not a number along axes without controller",
    ),
    "trap_work_eV": ("eV", "work of moving the trap since the first row; not a number along axes without controller"),
}
_SCALARS = {
    "thermostat_eV": ("eV", "energy that the fluid has given to its thermostat since the first row"),
    "energy_eV": ("eV", "energy of the side, without its trap"),
    "trap_eV": ("eV", "energy of the trap"),
    "temperature_K": ("K", "temperature of the fluid"),
    "pressure_bar": (
        "bar",
        "pressure of the fluid; between walls effective, of the accessible volume and not on the walls",
    ),
    "internal_temperature_K": ("K", "temperature of the particle's motion about its centre of mass"),
}
_COORDINATES = {
    "replica": ("1", "number of the run"),
    "time_ps": ("ps", "time since production began"),
    "side": ("1", "bath and particle"),
    "axis": ("1", "direction"),
}


def dataset(runs: Sequence[Run]) -> xarray.Dataset:
    """The series of the replicas of one point, (replica, time, side) and, for vectors, axis.

    Args:
        runs: replicas, as ``load_runs`` gives them; at least one.

    Returns:
        Variables named as the columns of ``series.parquet`` (docs/reference/run-folder.md) without side and axis:
        ``position_A``, ``velocity_A_per_ps``, ``work_eV`` (none without controller), ``trap_work_eV`` (of moving traps),
        ``thermostat_eV``, ``energy_eV``,
        ``trap_eV``, ``temperature_K``, ``pressure_bar``, and ``internal_temperature_K`` where all runs have it.
        ``attrs`` of each holds ``units`` and ``long_name``, the attributes of the dataset describe the simulation and its
        physical parameters. Shorter runs are padded with NaN, and so is work along axes without controller.

    Raises:
        AnalysisError: if xarray is not installed; the message says how to install it.
    """
    try:
        import xarray
    except ImportError:
        raise AnalysisError("xarray is not installed, and only this function needs it: pip install xarray") from None
    longest = max(runs, key=lambda run: len(run.series))
    told = all(column in run.series.columns for run in runs for column in INTERNAL_TEMPERATURE)
    kinds = {name: kind for name, kind in _SCALARS.items() if told or name != "internal_temperature_K"}
    variables: dict[str, tuple[tuple[str, ...], Array, dict[str, str]]] = {
        name: (DIMENSIONS[:3], _padded([_columns(run, name) for run in runs], len(longest.series)), _attributes(kind))
        for name, kind in kinds.items()
    }
    parameters = longest.parameters
    has = {"work_eV": bool(parameters.coupling_axes), "trap_work_eV": parameters.motion.moves}
    vectors = {name: kind for name, kind in _VECTORS.items() if has.get(name, True)}
    variables |= {
        name: (DIMENSIONS, _padded([_vectors(run, name) for run in runs], len(longest.series)), _attributes(kind))
        for name, kind in vectors.items()
    }
    at = {
        "replica": [run.metadata["replica"] for run in runs],
        "time_ps": longest.series["time_ps"].to_numpy(float),
        "side": list(SIDES),
        "axis": list(AXES),
    }
    coordinates = {name: (name, values, _attributes(_COORDINATES[name])) for name, values in at.items()}
    first = runs[0]
    said = {key: first.metadata.get(key) for key in ("study", "purpose", "point", "kappa_ratio", "engine")}
    # A NetCDF file can store neither nothing nor a list or mapping.
    whole = {
        key: json.dumps(value) if isinstance(value, (list, dict)) else value
        for key, value in (said | first.parameters.to_json()).items()
        if value is not None
    }
    return xarray.Dataset(variables, coordinates, whole)


def _attributes(kind: tuple[str, str]) -> dict[str, str]:
    return {"units": kind[0], "long_name": kind[1]}


def _columns(run: Run, name: str) -> Array:
    """A quantity of each side, (n, 2)."""
    stem, _, unit = name.rpartition("_")
    return run.series[[f"{stem}_{side}_{unit}" for side in SIDES]].to_numpy(float)


def _vectors(run: Run, name: str) -> Array:
    """A quantity of each side along each axis, (n, 2, 3); NaN where there is no column."""
    stem, unit = next(
        (name.removesuffix(f"_{unit}"), unit) for unit in ("A_per_ps", "A", "eV") if name.endswith(f"_{unit}")
    )
    columns = [f"{stem}_{side}_{axis}_{unit}" for side in SIDES for axis in AXES]
    return run.series.reindex(columns=columns).to_numpy(float).reshape(len(run.series), 2, 3)


def _padded(arrays: Sequence[Array], length: int) -> Array:
    """Arrays of (n, …), one above the other; shorter ones end in NaN."""
    whole = np.full((len(arrays), length, *arrays[0].shape[1:]), np.nan)
    for row, values in zip(whole, arrays, strict=True):
        row[: len(values)] = values
    return whole
