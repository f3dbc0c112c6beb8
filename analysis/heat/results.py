"""The results at one point that are not heats.

Each is the content of one JSON file, which users read, too. Attributes are in the units of the file; the file has ``null``
for what is unknown here, NaN, and for an end of an interval that the data do not bound.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, get_args

import numpy as np

from analysis.data.parameters import SIDES, Array
from analysis.heat.point import Point, Sides
from analysis.model.refrigerator import Target
from analysis.statistics.timeseries import Estimate, Scale, entries, known, or_nan, read_estimate

TARGETS: tuple[Target, ...] = ("cold", "hot", "total")
"""The cold particle, the hot one, and both together."""


Cop = Literal["refrigeration", "pumping"]
COPS: tuple[Cop, ...] = get_args(Cop)

CopEstimator = Literal["heat", "thermostat"]

CopKind = Literal["heat", "sampled"]
"""Heat by the first law, or work in its place as in eq. (8) of arXiv:2211.05502."""

_ENDS = ("", "_low", "_high")
_COP_STEM: dict[CopEstimator, str] = {"heat": "cop_{}", "thermostat": "cop_{}_thermostat"}


class Interval(NamedTuple):
    """A number and both ends of its 95 % interval; NaN where unknown. Files do not distinguish unknown from unbounded."""

    value: float
    low: float
    high: float

    def in_file(self) -> Interval:
        """The same with NaN for what a file does not hold: infinities."""
        return Interval(*(each if math.isfinite(each) else math.nan for each in self))


@dataclass(frozen=True)
class Histogram:
    """Density in bins and its standard error: edges (bins + 1,), density and error (bins,)."""

    edge: Array
    density: Array
    se: Array


@dataclass(frozen=True)
class CopDistribution:
    """Distribution of a fluctuating coefficient ε.

    Attributes:
        positive: of ε.
        negative: of -ε, with the same edges.
        tail_exponent: of the density of ε in the tail; NaN if there are too few samples.
        tail_from: start of the tail, as a distance from the median; ``None`` if there are too few samples.
        beyond_carnot: share of samples above Carnot's value; ``None`` if both baths have one temperature.
    """

    positive: Histogram
    negative: Histogram
    tail_exponent: Estimate
    tail_from: float | None
    beyond_carnot: Estimate | None

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> CopDistribution:
        """From an entry of ``cop_fluctuations``."""
        edge = np.array(content["edge"])
        positive, negative = (
            Histogram(edge, np.array(content[f"density_{sign}"]), np.array(content[f"se_{sign}"], dtype=float))
            for sign in ("positive", "negative")
        )
        beyond = read_estimate(content, "beyond_carnot", scale="log") if "beyond_carnot" in content else None
        return cls(positive, negative, read_estimate(content, "tail_exponent"), content["tail_from"], beyond)

    def to_json(self) -> dict[str, Any]:
        """The entry of ``cop_fluctuations``."""
        # The density falls as y^-(1 + α), and errors of the decay α are symmetric in its logarithm.
        low, high = Estimate(-1 - self.tail_exponent.value, self.tail_exponent.se, "log").interval()
        return {
            "edge": self.positive.edge.tolist(),
            "density_positive": self.positive.density.tolist(),
            "se_positive": _list(self.positive.se),
            "density_negative": self.negative.density.tolist(),
            "se_negative": _list(self.negative.se),
            "tail_from": self.tail_from,
            **entries("tail_exponent", self.tail_exponent),
            "tail_exponent_low": known(-1 - high),
            "tail_exponent_high": known(-1 - low),
            **(entries("beyond_carnot", self.beyond_carnot) if self.beyond_carnot else {}),
        }


@dataclass(frozen=True)
class WindowRatios:
    """Var/mean² of a flow over each of the windows and its ratio to 2 k_B/ΔS with both ends of its interval, (windows,)."""

    uncertainty: Array
    over_bound: Array
    over_bound_low: Array
    over_bound_high: Array


@dataclass(frozen=True)
class Windows:
    """Uncertainty of accumulated flows.

    Attributes:
        length: of the windows, ps.
        flows: by the name of the flow (``model.uncertainty.GATHERED``).
    """

    length: Array
    flows: Mapping[str, WindowRatios]

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Windows:
        """From ``windows`` of ``performance.json``."""
        flows = {
            name: WindowRatios(**{key: np.array(values, dtype=float) for key, values in ratios.items()})
            for name, ratios in content.items()
            if name != "window_ps"
        }
        return cls(np.array(content["window_ps"], dtype=float), flows)

    def to_json(self) -> dict[str, Any]:
        """``windows`` of ``performance.json``."""
        flows = {
            name: {key: _list(values) for key, values in vars(ratios).items()} for name, ratios in self.flows.items()
        }
        return {"window_ps": self.length.tolist()} | flows


@dataclass(frozen=True, kw_only=True)
class BlockedPoint(Point):
    """A point whose errors come from both kinds of blocks.

    Attributes:
        distribution_block: length of the blocks for distributions, ps; ``None`` if the runs are too short.
        distribution_blocks: their number.
        current_block: length of the blocks for mean currents, ps; ``None`` if the runs are too short.
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
            return {target: read_estimate(content, f"{stem}_{target}", unit, scale) for target in TARGETS}

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
            content |= entries(f"power_{target}", self.mean[target], "eV_per_ns")
            content |= entries(f"power_variance_{target}", self.variance[target], "eV2_per_ns2")
            content |= entries(f"work_{target}", self.work[target], "eV_per_ns")
            if self.sampling_error:
                content |= entries(f"sampling_error_{target}", self.sampling_error[target], "eV_per_ns")
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
class PerformancePoint(BlockedPoint):
    """The content of ``performance.json``.

    Attributes:
        dt: interval of the fluctuating quantities, ps.
        windows: uncertainty of accumulated flows.
        cop: coefficients of the mean flows, by estimator of the heats; ``None`` where a coupling is 0.
        cop_fluctuations: distributions of the fluctuating coefficients over dt; ``None`` where a coupling is 0.
        entropy_production: of both baths, eV/(K ns).
        uncertainty: Var/mean² of the power over dt.
        bound: 2 k_B/ΔS over dt.
        over_bound: their ratio.
    """

    dt: float
    windows: Windows
    cop: Mapping[CopEstimator, Mapping[Cop, Interval]] | None
    cop_fluctuations: Mapping[CopKind, Mapping[Cop, CopDistribution]] | None
    entropy_production: Estimate
    uncertainty: Mapping[Target, Interval]
    bound: Interval
    over_bound: Mapping[Target, Interval]

    _FILE = "performance.json"

    @property
    def refrigeration(self) -> Interval | None:
        """Coefficient of refrigeration of the headline heats; ``None`` where a coupling is 0."""
        return None if self.cop is None else self.cop["heat"]["refrigeration"]

    @classmethod
    def _measured(cls, content: Mapping[str, Any]) -> dict[str, Any]:
        def by_target(stem: str) -> dict[Target, Interval]:
            return {target: _interval(content, f"{stem}_{target}") for target in TARGETS}

        cop, fluctuations = None, content["cop_fluctuations"]
        if fluctuations is not None:
            cop = {
                estimator: {name: _interval(content, stem.format(name)) for name in COPS}
                for estimator, stem in _COP_STEM.items()
            }
            fluctuations = {
                kind: {name: CopDistribution.from_json(each) for name, each in cops.items()}
                for kind, cops in fluctuations.items()
            }
        return super()._measured(content) | {
            "dt": content["dt_ps"],
            "windows": Windows.from_json(content["windows"]),
            "cop": cop,
            "cop_fluctuations": fluctuations,
            "entropy_production": read_estimate(content, "entropy_production", "eV_per_K_ns"),
            "uncertainty": by_target("uncertainty"),
            "bound": _interval(content, "bound"),
            "over_bound": by_target("uncertainty_over_bound"),
        }

    def to_json(self) -> dict[str, Any]:
        """The content of ``performance.json``."""
        content = super().to_json() | {"dt_ps": self.dt, "windows": self.windows.to_json()}
        for estimator, cops in (self.cop or {}).items():
            for name, interval in cops.items():
                content |= _ends(_COP_STEM[estimator].format(name), interval)
        content |= entries("entropy_production", self.entropy_production, "eV_per_K_ns") | _ends("bound", self.bound)
        for target in TARGETS:
            content |= _ends(f"uncertainty_{target}", self.uncertainty[target])
            content |= _ends(f"uncertainty_over_bound_{target}", self.over_bound[target])
        fluctuations = None
        if self.cop_fluctuations is not None:
            fluctuations = {
                kind: {name: found.to_json() for name, found in cops.items()}
                for kind, cops in self.cop_fluctuations.items()
            }
        return content | {"cop_fluctuations": fluctuations}


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
            "swept_area": read_estimate(content, "swept_area", "A2_per_ns"),
            "lag": np.array(content["lag_ps"], dtype=float),
            **{key: np.array(content[key], dtype=float) for key in ("asymmetry", "asymmetry_se")},
        }

    def to_json(self) -> dict[str, Any]:
        """The content of ``reversal.json``."""
        return super().to_json() | {
            "dt_ps": self.dt,
            **entries("swept_area", self.swept_area, "A2_per_ns"),
            "lag_ps": self.lag.tolist(),
            "asymmetry": _list(self.asymmetry),
            "asymmetry_se": _list(self.asymmetry_se),
        }


@dataclass(frozen=True, kw_only=True)
class InformationPoint(BlockedPoint):
    """The content of ``information.json``, per coupled axis.

    Attributes:
        flow: of information into the cold particle; that into the hot one is its negative. k_B/ns. NaN where samples are too
            far apart for it, as the note then says.
        shared: mutual information of the particles, k_B.
        reading: mutual information of one reading and both positions, k_B; NaN for readings without noise.
        second_law: Q/T - k_B İ of each side, k_B/ns; NaN where a bath is active or the flow NaN.
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
            "shared": read_estimate(content, "mutual_information", "kB"),
            "reading": read_estimate(content, "reading_information", "kB"),
            "second_law": (
                read_estimate(content, "second_law_cold", "kB_per_ns"),
                read_estimate(content, "second_law_hot", "kB_per_ns"),
            ),
        }

    def to_json(self) -> dict[str, Any]:
        """The content of ``information.json``."""
        flows = zip(SIDES, (self.flow, self.flow * -1.0), strict=True)
        content = super().to_json() | {
            **{f"information_{side}_kB_per_ns": known(flow.value) for side, flow in flows},
            "information_se": known(self.flow.se),
            **entries("mutual_information", self.shared, "kB"),
            **entries("reading_information", self.reading, "kB"),
        }
        for side, balance in zip(SIDES, self.second_law, strict=True):
            content |= entries(f"second_law_{side}", balance, "kB_per_ns")
        return content


def _ends(stem: str, interval: Interval) -> dict[str, float | None]:
    """An interval as three JSON entries."""
    return {f"{stem}{end}": known(number) for end, number in zip(_ENDS, interval, strict=True)}


def _interval(content: Mapping[str, Any], stem: str) -> Interval:
    """An interval from its JSON entries."""
    return Interval(*(or_nan(content[f"{stem}{end}"]) for end in _ENDS))


def _list(values: Array) -> list[float | None]:
    return [known(value) for value in values]
