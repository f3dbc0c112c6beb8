"""The nanodemon measured in molecular dynamics: the same ``Currents`` as for exact machines, with errors."""

from __future__ import annotations

import math
from collections.abc import Mapping
from numbers import Real
from typing import Any

import numpy as np

from analysis.currents import Currents, thermal_entropy
from analysis.units import BOLTZMANN

_NEEDED = ("heat_cold_eV_per_ns", "heat_cold_se", "heat_hot_eV_per_ns", "heat_hot_se")


def measured_currents(point: Mapping[str, Any]) -> Currents:
    """Heats of one measured point of a study, in eV/ns per coupled axis.

    The power is the sum of both heats, so its error determines the correlation of their errors. One circulation causes both
    heats: their errors are strongly correlated, and their ratio is known much better than either of them.

    Args:
        point: a ``heat.json`` of ``results/<study>/sweep/<point>``, or a row of a table with its ``heat_cold_eV_per_ns``,
            ``heat_cold_se``, ``heat_hot_eV_per_ns``, ``heat_hot_se``, ``power_se`` (without it errors count as independent) and
            ``temperature_cold_K``, ``temperature_hot_K`` (also under ``parameters``).

    Raises:
        ValueError: if a value is missing or not finite, or an error or temperature not positive; names all of them.
    """
    values = {**point.get("parameters", {}), **point}
    needed = (*_NEEDED, "temperature_cold_K", "temperature_hot_K")
    found = {name: values.get(name) for name in needed}
    wrong = [
        f"{name} = {value}: must be a finite number"
        for name, value in found.items()
        if not isinstance(value, Real) or not math.isfinite(value)
    ]
    wrong += [
        f"{name} = {value}: must be positive"
        for name, value in found.items()
        if name.startswith("temperature") or name.endswith("_se")
        if isinstance(value, Real) and value <= 0
    ]
    if wrong:
        raise ValueError("; ".join(wrong))
    number = {name: float(values[name]) for name in needed}
    cold, hot = number["heat_cold_se"], number["heat_hot_se"]
    power = values.get("power_se")
    shared = 0.0
    if power is not None and math.isfinite(power):
        # Estimated errors may imply a correlation beyond ±1.
        shared = float(np.clip((power**2 - cold**2 - hot**2) / 2, -cold * hot, cold * hot))
    heats = np.array([number["heat_cold_eV_per_ns"], number["heat_hot_eV_per_ns"]])
    temperatures = np.array([number["temperature_cold_K"], number["temperature_hot_K"]])
    colder = int(temperatures.argmin())
    return Currents(
        baths=("cold", "hot"),
        energy=heats,
        entropy=thermal_entropy(heats, temperatures, BOLTZMANN),
        temperatures=temperatures,
        cold=colder,
        hot=1 - colder,
        boltzmann=BOLTZMANN,
        unit="eV/ns",
        error=np.array([[cold**2, shared], [shared, hot**2]]),
    )
