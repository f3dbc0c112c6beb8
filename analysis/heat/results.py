"""The results at one point that are not heats.

Each is the content of one JSON file, which users read, too. Attributes are in the units of the file; the file has ``null``
for what is unknown here, NaN, and for an end of an interval that the data do not bound.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from analysis.data.runs import SIDES, Array
from analysis.heat.point import Point, Sides
from analysis.model.refrigerator import Target
from analysis.statistics.timeseries import Estimate, Scale, known, or_nan

TARGETS: tuple[Target, ...] = ("cold", "hot", "total")
"""The cold particle, the hot one, and both together."""


@dataclass(frozen=True)
class Histogram:
    """Density in bins and its standard error: edges (bins + 1,), density and error (bins,)."""

    edge: Array
    density: Array
    se: Array


@dataclass(frozen=True, kw_only=True)
class BlockedPoint(Point):
    """A point whose errors come from both kinds of blocks.

    Attributes:
        distribution_block: length of the blocks for distributions, ps; ``None`` if the runs are too short.
        distribution_blocks: their number.
        current_block: length of the blocks for mean currents, ps; ``None`` likewise.
        current_blocks: their number.
    """

    distribution_block: float | None
    distribution_blocks: int | None
    current_block: float | None
    current_blocks: int | None

    @classmethod
    def _measured(cls, content: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "distribution_block": content["distribution_block_ps"],
            "distribution_blocks": content["distribution_blocks"],
            "current_block": content["current_block_ps"],
            "current_blocks": content["current_blocks"],
        }

    def to_json(self) -> dict[str, Any]:
        """The content of the file; unknown values are ``None``."""
        return super().to_json() | {
            "distribution_block_ps": self.distribution_block,
            "distribution_blocks": self.distribution_blocks,
            "current_block_ps": self.current_block,
            "current_blocks": self.current_blocks,
        }


@dataclass(frozen=True, kw_only=True)
class PowerPoint(BlockedPoint):
    """The content of ``power.json``.

    Attributes:
        dt: sampling interval, ps.
        samples: number of sampled powers.
        force: whose power is sampled: ``cross``, or ``full`` if the controller is not linear.
        mean: of the sampled power, eV/ns.
        variance: of the sampled power, eV²/ns².
        work: mean power from the work at every step, eV/ns.
        sampling_error: sampled power minus that at every step, eV/ns; ``None`` if the controller is not linear.
        histograms: of the sampled power: edges in eV/ns, densities in ns/eV.
    """

    dt: float
    samples: int
    force: str
    mean: Mapping[Target, Estimate]
    variance: Mapping[Target, Estimate]
    work: Mapping[Target, Estimate]
    sampling_error: Mapping[Target, Estimate] | None
    histograms: Mapping[Target, Histogram]

    _FILE = "power.json"

    @classmethod
    def _measured(cls, content: Mapping[str, Any]) -> dict[str, Any]:
        def by_target(stem: str, unit: str, scale: Scale = "linear") -> dict[Target, Estimate]:
            return {target: _read(content, f"{stem}_{target}", unit, scale) for target in TARGETS}

        names = ("edge_eV_per_ns", "density_ns_per_eV", "se")
        has_errors = "sampling_error_total_se" in content
        return super()._measured(content) | {
            "dt": content["dt_ps"],
            "samples": content["samples"],
            "force": content["force"],
            "mean": by_target("power", "eV_per_ns"),
            "variance": by_target("power_variance", "eV2_per_ns2", "reciprocal"),
            "work": by_target("work", "eV_per_ns"),
            "sampling_error": by_target("sampling_error", "eV_per_ns") if has_errors else None,
            "histograms": {
                target: Histogram(*(np.array(content["histograms"][target][name], dtype=float) for name in names))
                for target in TARGETS
            },
        }

    def to_json(self) -> dict[str, Any]:
        """The content of ``power.json``."""
        content = super().to_json() | {"dt_ps": self.dt, "samples": self.samples, "force": self.force}
        for target in TARGETS:
            content |= _entries(f"power_{target}", self.mean[target], "eV_per_ns")
            content |= _entries(f"power_variance_{target}", self.variance[target], "eV2_per_ns2")
            content |= _entries(f"work_{target}", self.work[target], "eV_per_ns")
            if self.sampling_error:
                content |= _entries(f"sampling_error_{target}", self.sampling_error[target], "eV_per_ns")
        return content | {
            "histograms": {
                target: {
                    "edge_eV_per_ns": each.edge.tolist(),
                    "density_ns_per_eV": each.density.tolist(),
                    "se": _list(each.se),
                }
                for target, each in self.histograms.items()
            }
        }


@dataclass(frozen=True, kw_only=True)
class ReversalPoint(BlockedPoint):
    """The content of ``reversal.json``.

    Attributes:
        dt: interval between samples, ps.
        swept_area: per time and coupled axis, Å²/ns.
        lag: of the asymmetry, (lags,), ps.
        asymmetry: under time reversal (``statistics.correlation.reversal_asymmetry`` of X_C and X_H), (lags,).
        asymmetry_se: its standard error, (lags,).
    """

    dt: float
    swept_area: Estimate
    lag: Array
    asymmetry: Array
    asymmetry_se: Array

    _FILE = "reversal.json"

    @classmethod
    def _measured(cls, content: Mapping[str, Any]) -> dict[str, Any]:
        return super()._measured(content) | {
            "dt": content["dt_ps"],
            "swept_area": _read(content, "swept_area", "A2_per_ns"),
            "lag": np.array(content["lag_ps"], dtype=float),
            **{key: np.array(content[key], dtype=float) for key in ("asymmetry", "asymmetry_se")},
        }

    def to_json(self) -> dict[str, Any]:
        """The content of ``reversal.json``."""
        return super().to_json() | {
            "dt_ps": self.dt,
            **_entries("swept_area", self.swept_area, "A2_per_ns"),
            "lag_ps": self.lag.tolist(),
            "asymmetry": _list(self.asymmetry),
            "asymmetry_se": _list(self.asymmetry_se),
        }


@dataclass(frozen=True, kw_only=True)
class InformationPoint(BlockedPoint):
    """The content of ``information.json``, per coupled axis.

    Attributes:
        flow: of information into the cold particle; that into the hot one is its negative. k_B/ns.
        shared: mutual information of the particles, k_B.
        reading: mutual information of one reading and both positions, k_B; NaN for readings without noise.
        second_law: Q/T - k_B İ of each side, k_B/ns; NaN where a bath is active.
    """

    flow: Estimate
    shared: Estimate
    reading: Estimate
    second_law: Sides

    _FILE = "information.json"

    @classmethod
    def _measured(cls, content: Mapping[str, Any]) -> dict[str, Any]:
        return super()._measured(content) | {
            "flow": Estimate(or_nan(content["information_cold_kB_per_ns"]), or_nan(content["information_se"])),
            "shared": _read(content, "mutual_information", "kB"),
            "reading": _read(content, "reading_information", "kB"),
            "second_law": (
                _read(content, "second_law_cold", "kB_per_ns"),
                _read(content, "second_law_hot", "kB_per_ns"),
            ),
        }

    def to_json(self) -> dict[str, Any]:
        """The content of ``information.json``."""
        flows = zip(SIDES, (self.flow, self.flow * -1.0), strict=True)
        content = super().to_json() | {
            **{f"information_{side}_kB_per_ns": known(flow.value) for side, flow in flows},
            "information_se": known(self.flow.se),
            **_entries("mutual_information", self.shared, "kB"),
            **_entries("reading_information", self.reading, "kB"),
        }
        for side, balance in zip(SIDES, self.second_law, strict=True):
            content |= _entries(f"second_law_{side}", balance, "kB_per_ns")
        return content


def _entries(stem: str, estimate: Estimate, unit: str = "") -> dict[str, float | None]:
    """An estimate as two JSON entries; where its interval is asymmetric, its ends as two more."""
    entries = {f"{stem}_{unit}" if unit else stem: known(estimate.value), f"{stem}_se": known(estimate.se)}
    if estimate.scale == "linear":
        return entries
    low, high = estimate.interval()
    return entries | {f"{stem}_low": known(low), f"{stem}_high": known(high)}


def _read(content: Mapping[str, Any], stem: str, unit: str = "", scale: Scale = "linear") -> Estimate:
    """An estimate from its JSON entries."""
    return Estimate(or_nan(content[f"{stem}_{unit}" if unit else stem]), or_nan(content[f"{stem}_se"]), scale)


def _list(values: Array) -> list[float | None]:
    return [known(value) for value in values]
