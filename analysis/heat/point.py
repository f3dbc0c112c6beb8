"""One point of a sweep and its measured heats."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self, TypeVar, get_args

from analysis.data.parameters import SIDES, Parameters
from analysis.errors import AnalysisError
from analysis.statistics.timeseries import Estimate, known, or_nan

Estimator = Literal["heat", "thermostat", "work"]
ESTIMATORS: tuple[Estimator, ...] = get_args(Estimator)

Sides = tuple[Estimate, Estimate]
"""One quantity of the cold and of the hot side."""

_FLUXES = {"power": "eV_per_ns", "entropy_production": "kB_per_ns"}


@dataclass(frozen=True, kw_only=True)
class Point:
    """The common content of every file of a point.

    Attributes:
        name: such as ``kH_4.80``.
        kappa_ratio: κ_H/κ_C, spelled as in the study.
        parameters: of its runs.
        replicas: number of averaged runs.
        time: of all of them together, ns.
        note: why errors are missing; ``None`` if none are.
    """

    name: str
    kappa_ratio: str
    parameters: Parameters
    replicas: int
    time: float
    note: str | None

    @property
    def ratio(self) -> float:
        """κ_H/κ_C as a number."""
        return float(self.kappa_ratio)

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Self:
        """From the content of a file of the point.

        Raises:
            AnalysisError: if a key is missing, as in files of an older version; names it.
        """
        try:
            return cls(
                name=content["point"],
                kappa_ratio=content["kappa_ratio"],
                parameters=Parameters.from_json(content["parameters"]),
                replicas=content["replicas"],
                time=content["time_ns"],
                note=content["note"],
                **cls._measured(content),
            )
        except KeyError as missing:
            raise AnalysisError(
                f"{cls._FILE} of {content.get('point', 'a point')}: {missing} is missing; delete the file, and run the study "
                "again"
            ) from None

    _FILE = "a file"

    @classmethod
    def _measured(cls, content: Mapping[str, Any]) -> dict[str, Any]:
        """The additional entries of a kind of point."""
        return {}

    def to_json(self) -> dict[str, Any]:
        """The content of the file; unknown values are ``None``."""
        return {
            "point": self.name,
            "kappa_ratio": self.kappa_ratio,
            "replicas": self.replicas,
            "time_ns": self.time,
            "parameters": self.parameters.to_json(),
            "note": self.note,
        }


AnyPoint = TypeVar("AnyPoint", bound=Point)


def by_ratio(points: Iterable[AnyPoint]) -> list[AnyPoint]:
    """Points in the order of their κ_H/κ_C."""
    return sorted(points, key=lambda point: point.ratio)


@dataclass(frozen=True, kw_only=True)
class HeatPoint(Point):
    """The content of ``heat.json``: rates are per coupled axis, pairs are (cold, hot), and an unknown error is NaN.

    Attributes:
        block: length of the blocks for the errors of the rates, ps; ``None`` if the runs are too short.
        blocks: number of these blocks.
        mode: ``refrigerator``, ``heater`` or ``undecided`` (``rates.mode``).
        power: sum of both headline heats, eV/ns.
        entropy_production: of both baths, k_B/ns; NaN where one is active.
        rates: heat into each bath by each estimator, eV/ns; ``heat`` is the headline.
        trap_power: work of moving each trap per time, eV/ns; ``None`` for traps at rest.
        effective_temperature: m⟨V²⟩/k_B along the coupled axes, K.
        closure_drift: of the first law, of the run where it is largest, eV/ns of a whole side.
    """

    block: float | None
    blocks: int | None
    mode: str
    power: Estimate
    entropy_production: Estimate
    rates: dict[Estimator, Sides]
    effective_temperature: Sides
    closure_drift: Sides
    trap_power: Sides | None = None

    _FILE = "heat.json"

    @property
    def heat(self) -> Sides:
        """The headline, eV/ns."""
        return self.rates["heat"]

    @classmethod
    def _measured(cls, content: Mapping[str, Any]) -> dict[str, Any]:
        def told(value: str, se: str) -> Estimate:
            return Estimate(or_nan(content[value]), or_nan(content[se]))

        def sides(value: str, se: str) -> Sides:
            cold, hot = (told(value.format(side), se.format(side)) for side in SIDES)
            return cold, hot

        cold, hot = sides("effective_temperature_{}_K", "effective_temperature_{}_se")
        return {
            "block": content["block_ps"],
            "blocks": content["blocks"],
            "mode": content["mode"],
            **{flux: told(f"{flux}_{unit}", f"{flux}_se") for flux, unit in _FLUXES.items()},
            "rates": {name: sides(f"{name}_{{}}_eV_per_ns", f"{name}_{{}}_se") for name in ESTIMATORS},
            "trap_power": sides("trap_power_{}_eV_per_ns", "trap_power_{}_se")
            if "trap_power_cold_eV_per_ns" in content
            else None,
            "effective_temperature": (mean_square(cold), mean_square(hot)),
            "closure_drift": sides("closure_drift_{}_eV_per_ns", "closure_drift_{}_error_eV_per_ns"),
        }

    def to_json(self) -> dict[str, Any]:
        """The content of ``heat.json``; unknown values are ``None``."""
        content = super().to_json() | {
            "block_ps": self.block,
            "blocks": self.blocks,
            "mode": self.mode,
        }
        for (flux, unit), estimate in zip(_FLUXES.items(), (self.power, self.entropy_production), strict=True):
            content |= {f"{flux}_{unit}": known(estimate.value), f"{flux}_se": known(estimate.se)}
        for j, side in enumerate(SIDES):
            for name in ESTIMATORS:
                rate = self.rates[name][j]
                content |= {f"{name}_{side}_eV_per_ns": rate.value, f"{name}_{side}_se": known(rate.se)}
            if self.trap_power is not None:
                power = self.trap_power[j]
                content |= {f"trap_power_{side}_eV_per_ns": power.value, f"trap_power_{side}_se": known(power.se)}
            stem, temperature = f"effective_temperature_{side}", self.effective_temperature[j]
            low, high = temperature.interval()
            content |= {f"{stem}_K": temperature.value, f"{stem}_se": known(temperature.se)}
            content |= {f"{stem}_low": known(low), f"{stem}_high": known(high)}
            drift = self.closure_drift[j]
            content |= {f"closure_drift_{side}_eV_per_ns": drift.value}
            content |= {f"closure_drift_{side}_error_eV_per_ns": known(drift.se)}
        return content


def mean_square(estimate: Estimate) -> Estimate:
    """The same on the scale of a mean square (``Estimate.scale``), which the file does not store."""
    return Estimate(estimate.value, estimate.se, "reciprocal")
