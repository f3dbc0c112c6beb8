"""The measured friction of a study, the content of ``friction.json``: along each set of equivalent axes, by every method.

Attributes are in metal units. The file has ``null`` for what is unknown here, NaN, and frictions in kg/s, too.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.data.runs import SIDES
from analysis.errors import AnalysisError
from analysis.friction.drag import DragFriction
from analysis.statistics.timeseries import Estimate, Scale, entries, known, or_nan, read_estimate
from analysis.units import FRICTION_SI

Array = NDArray[np.float64]

POOLED = "xyz"
"""All three axes together, whether they are equivalent or not."""

SHELL_KEYS = ("core_friction_eV_ps_per_A2", "shell_friction_eV_ps_per_A2", "shell_mass_eV_ps2_per_A2")

WHITE: dict[str, Scale] = {
    "position": "reciprocal root",
    "velocity": "log",
    "cross": "log",
    "joint": "log",
    "difference": "log",
}
"""Methods that assume white friction, and the scale on which their errors are symmetric."""

METHODS = {
    "position": "position",
    "velocity": "velocity",
    "cross": "position and later velocity",
    "joint": "position and velocity together",
    "difference": "displacements over 1 ps",
    "zero_frequency": "dressed, zero frequency",
    "spectrum": "spectrum of the position near zero",
    "modes": "bodies of fluid, zero frequency",
}
"""Methods to determine a friction from equilibrium runs, and their names in text; the last three concern slow motion only."""

BY_AXIS_COLUMNS = ["particle", "axes", "method", "friction_kg_per_s", "se"]

_UNKNOWN = Estimate(math.nan, scale="log")
_AT_REST = "zero_frequency_friction"


@dataclass(frozen=True)
class Shell:
    """Dressed-particle parameters of one side.

    Attributes:
        values: g₁, g₂ (eV ps/Å²) and M (eV ps²/Å²).
        log_covariance: of their logarithms, (3, 3).
        at_rest: zero-frequency friction, eV ps/Å².
        residual: rms deviation of the normalised correlations from the fit.
    """

    values: tuple[float, float, float]
    log_covariance: Array
    at_rest: Estimate = _UNKNOWN
    residual: float = math.nan

    @property
    def mass(self) -> Estimate:
        """M with its standard error, eV ps²/Å²."""
        return Estimate(self.values[2], self.values[2] * math.sqrt(self.log_covariance[2, 2]), "log")

    def dissipation(self, frequency: Array) -> Array:
        """Re γ(ω) at frequencies in rad/ps, of their shape, eV ps/Å²."""
        core, shell, mass = self.values
        return np.asarray((core - core**2 / (core + shell - 1j * frequency * mass)).real)

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Shell:
        """From an entry of ``dressed``."""
        core, shell, mass = (content[key] for key in SHELL_KEYS)
        at_rest = _read_friction(content, _AT_REST)
        return cls((core, shell, mass), np.array(content["log_covariance"]), at_rest, content["residual"])

    def to_json(self) -> dict[str, Any]:
        """The entry of ``dressed``."""
        content: dict[str, Any] = {}
        for key, value, variance in zip(SHELL_KEYS, self.values, np.diag(self.log_covariance), strict=True):
            content[key] = float(value)
            content[key.split("_eV")[0] + "_se"] = float(value) * math.sqrt(variance)
        content |= _friction_entries(_AT_REST, self.at_rest)
        return content | {"residual": self.residual, "log_covariance": self.log_covariance.tolist()}


@dataclass(frozen=True)
class Bodies:
    """Particle with bodies of fluid, one side.

    Attributes:
        values: g₀ and c_i (eV ps/Å²), then τ_i (ps).
        log_covariance: of their logarithms, (2n + 1, 2n + 1) for n bodies.
        at_rest: zero-frequency friction over all numbers of bodies, eV ps/Å².
        limit: highest frequency of the fit, rad/ps.
        goodness: p-value of the deviance under the model.
        held_out: ln L of data left out, for each number of bodies.
    """

    values: tuple[float, ...]
    log_covariance: Array
    at_rest: Estimate = _UNKNOWN
    limit: float = math.nan
    goodness: float = math.nan
    held_out: tuple[float, ...] = ()

    @property
    def bodies(self) -> list[tuple[float, float]]:
        """Friction, eV ps/Å², and time, ps, of each."""
        frictions, times = np.split(np.array(self.values[1:]), 2)
        return list(zip(frictions.tolist(), times.tolist(), strict=True))

    def dissipation(self, frequency: Array) -> Array:
        """Re γ(ω) at frequencies (k,) in rad/ps, (k,), eV ps/Å²."""
        at_rest, *rest = self.values
        drags, times = np.split(np.array(rest), 2)
        lag = np.outer(frequency, times)
        return np.asarray(at_rest + (drags * lag**2 / (1 + lag**2)).sum(axis=1))

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Bodies:
        """From an entry of ``modes``."""
        return cls(
            (content["friction_eV_ps_per_A2"], *content["body_frictions_eV_ps_per_A2"], *content["body_times_ps"]),
            np.array(content["log_covariance"]),
            _read_friction(content, _AT_REST),
            content["highest_frequency_rad_per_ps"],
            or_nan(content["goodness"]),
            tuple(map(or_nan, content["held_out_log_likelihood"])),
        )

    def to_json(self) -> dict[str, Any]:
        """The entry of ``modes``."""
        return {
            "friction_eV_ps_per_A2": self.values[0],
            "body_frictions_eV_ps_per_A2": [friction for friction, _ in self.bodies],
            "body_times_ps": [time for _, time in self.bodies],
            "log_covariance": self.log_covariance.tolist(),
            "highest_frequency_rad_per_ps": self.limit,
            "goodness": known(self.goodness),
            "held_out_log_likelihood": list(map(known, self.held_out)),
        } | _friction_entries(_AT_REST, self.at_rest)


@dataclass(frozen=True)
class MostLikely:
    """A model at its most likely parameters.

    Attributes:
        values: (γ,) or (g₁, g₂, M); frictions in eV ps/Å², mass in eV ps²/Å².
        temperature: of the bath, fitted along with them, K.
        log_likelihood: natural logarithm.
        aic, bic: Akaike's and Schwarz's criteria.
        error_correlation: of prediction errors from one sample to the next.
    """

    values: tuple[float, ...]
    temperature: float
    log_likelihood: float
    aic: float
    bic: float
    error_correlation: float

    @classmethod
    def _from_json(cls, content: Mapping[str, Any], keys: Sequence[str]) -> MostLikely:
        numbers = ("temperature_K", "log_likelihood", "aic", "bic", "forecast_error_correlation")
        return cls(tuple(content[key] for key in keys), *(content[name] for name in numbers))

    def _to_json(self, keys: Sequence[str]) -> dict[str, float]:
        return dict(zip(keys, self.values, strict=True)) | {
            "temperature_K": self.temperature,
            "log_likelihood": self.log_likelihood,
            "aic": self.aic,
            "bic": self.bic,
            "forecast_error_correlation": self.error_correlation,
        }


@dataclass(frozen=True)
class ModelsCompared:
    """White friction and the dressed particle by the likelihood of one particle's samples.

    Attributes:
        interval: of the samples, ps.
        white, dressed: both models.
    """

    interval: float
    white: MostLikely
    dressed: MostLikely

    @property
    def aic_difference(self) -> float:
        """Criterion of white friction minus that of the dressed particle: positive if the dressed particle is favoured."""
        return self.white.aic - self.dressed.aic

    @property
    def bic_difference(self) -> float:
        """The same by Schwarz's criterion; decisive beyond 10."""
        return self.white.bic - self.dressed.bic

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> ModelsCompared:
        """From an entry ``likelihood_<side>``."""
        white = MostLikely._from_json(content["white"], ("friction_eV_ps_per_A2",))
        return cls(content["interval_ps"], white, MostLikely._from_json(content["dressed"], SHELL_KEYS))

    def to_json(self) -> dict[str, Any]:
        """The entry ``likelihood_<side>``."""
        return {
            "interval_ps": self.interval,
            "white": self.white._to_json(("friction_eV_ps_per_A2",)),
            "dressed": self.dressed._to_json(SHELL_KEYS),
            "aic_white_less_dressed": self.aic_difference,
            "bic_white_less_dressed": self.bic_difference,
        }


@dataclass(frozen=True)
class DrawnCurve:
    """A normalised correlation and the fits to it, for figures; all (lags,).

    Attributes:
        lag: ps.
        correlation, se: measured, and its standard error, NaN where unknown.
        own: white friction fitted to this curve alone.
        white: white friction fitted to position and velocity together.
        dressed: the dressed particle, NaN without a fit.
        fitted_to: end of the fitted range, ps.
    """

    lag: Array
    correlation: Array
    se: Array
    own: Array
    white: Array
    dressed: Array
    fitted_to: float

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> DrawnCurve:
        """From an entry of ``curves``."""
        unknown = np.full(len(content["lag_ps"]), math.nan)
        lag, correlation, se, own, white, dressed = (
            unknown if content[name] is None else np.array(content[name])
            for name in ("lag_ps", "correlation", "se", "own", "white", "dressed")
        )
        return cls(lag, correlation, se, own, white, dressed, content["fitted_to_ps"])

    def to_json(self) -> dict[str, Any]:
        """The entry of ``curves``."""
        return {
            "lag_ps": self.lag.tolist(),
            "correlation": self.correlation.tolist(),
            "se": None if np.isnan(self.se).all() else self.se.tolist(),
            "own": self.own.tolist(),
            "white": self.white.tolist(),
            "dressed": None if np.isnan(self.dressed).all() else self.dressed.tolist(),
            "fitted_to_ps": self.fitted_to,
        }


@dataclass(frozen=True)
class Equipartition:
    """A mean square at rest, and its value in equilibrium."""

    measured: Estimate
    expected: float

    @property
    def z(self) -> float:
        """Deviation from equilibrium in standard errors; NaN if the error is unknown."""
        return self.measured.z(self.expected)


@dataclass(frozen=True)
class ParticleFriction:
    """Friction of one particle along one set of axes.

    Attributes:
        white: friction by each method of ``WHITE``, eV ps/Å².
        residual: rms deviation of the normalised correlations from each of these fits.
        spectrum: zero-frequency friction from the spectrum of the position, eV ps/Å².
        position_variance: ⟨X²⟩, Å².
        temperature: m⟨V²⟩/k_B, K.
        dressed, modes: fits of a shell and of bodies of fluid; ``None`` for runs that are too short, or where one of the two
            particles has no such fit.
        held_out: rms prediction error of ``white`` and ``dressed`` for series left out; empty if unknown.
        likelihood: of both models; ``None`` if it was not computed.
        curves: ``position``, ``velocity``, ``cross`` and ``difference``, for figures.
    """

    white: Mapping[str, Estimate]
    residual: Mapping[str, float]
    spectrum: Estimate
    position_variance: Equipartition
    temperature: Equipartition
    dressed: Shell | None = None
    modes: Bodies | None = None
    held_out: Mapping[str, float] = field(default_factory=dict)
    likelihood: ModelsCompared | None = None
    curves: Mapping[str, DrawnCurve] = field(default_factory=dict)

    @classmethod
    def _from_json(cls, content: Mapping[str, Any], side: str) -> ParticleFriction:
        dressed, modes, likelihood = content["dressed"], content["modes"], content[f"likelihood_{side}"]
        held_out = {model: content[f"held_out_residual_{side}_{model}"] for model in ("white", "dressed")}
        variance, kinetic = f"position_variance_{side}", f"particle_temperature_{side}"
        return cls(
            white={method: _read_friction(content, _stem(side, method), scale) for method, scale in WHITE.items()},
            residual={method: or_nan(content[f"{_stem(side, method)}_residual"]) for method in WHITE},
            spectrum=_read_friction(content, f"friction_{side}_spectrum"),
            position_variance=_read_equipartition(content, variance, "A2"),
            temperature=_read_equipartition(content, kinetic, "K"),
            dressed=None if dressed is None else Shell.from_json(dressed[side]),
            modes=None if modes is None else Bodies.from_json(modes[side]),
            held_out={model: value for model, value in held_out.items() if value is not None},
            likelihood=None if likelihood is None else ModelsCompared.from_json(likelihood),
            curves={name: DrawnCurve.from_json(curve) for name, curve in content["curves"][side].items()},
        )

    def entries(self, side: str) -> dict[str, float | None]:
        """White friction and equipartition as entries of ``friction.json``."""
        content: dict[str, float | None] = {}
        for method, friction in self.white.items():
            stem = _stem(side, method)
            content |= _friction_entries(stem, friction) | {f"{stem}_residual": known(self.residual[method])}
        for stem, unit, found in (
            (f"position_variance_{side}", "A2", self.position_variance),
            (f"particle_temperature_{side}", "K", self.temperature),
        ):
            content |= entries(stem, found.measured, unit)
            content |= {f"{stem}_theory_{unit}": found.expected, f"{stem}_z": known(found.z)}
        return content

    def by_method(self) -> dict[str, Estimate]:
        """The friction by every available one of ``METHODS``, eV ps/Å²."""
        found = dict(self.white) | {"spectrum": self.spectrum}
        found |= {"zero_frequency": self.dressed.at_rest} if self.dressed else {}
        found |= {"modes": self.modes.at_rest} if self.modes else {}
        return {method: found[method] for method in METHODS if method in found}


@dataclass(frozen=True)
class AxisFriction:
    """Friction of both particles (cold, hot) along one set of axes, as theories need it.

    Attributes:
        white: the one-parameter friction γ with its error, eV ps/Å².
        dressed: the core-and-shell parameters, or ``None`` if the study is too short to determine them.
        modes: white friction and bodies of fluid, their number chosen by cross-validation, or ``None`` if they were not fitted.
    """

    white: tuple[Estimate, Estimate]
    dressed: tuple[Shell, Shell] | None = None
    modes: tuple[Bodies, Bodies] | None = None

    def exchanged(self) -> AxisFriction:
        """The same with the names of the particles exchanged."""
        dressed = self.dressed[::-1] if self.dressed else None
        return AxisFriction(self.white[::-1], dressed, self.modes[::-1] if self.modes else None)


@dataclass(frozen=True)
class Friction:
    """Measured friction of both particles along all axes, as theories need it.

    Attributes:
        along: the friction of each set of equivalent axes, such as ``{"x": …, "yz": …}``.
        pooled: of all three axes together; in traps of different stiffness the mean of the white frictions along the axes.
    """

    along: Mapping[str, AxisFriction]
    pooled: AxisFriction

    @classmethod
    def same(cls, friction: AxisFriction) -> Friction:
        """One friction along all axes."""
        return cls({POOLED: friction}, friction)

    def shares(self, axes: str) -> dict[str, float]:
        """The share of some coupled axes in each set of axes of this friction; see ``shares_of``."""
        return shares_of(axes, self.along)

    def exchanged(self) -> Friction:
        """The same with the names of the particles exchanged."""
        return Friction({group: each.exchanged() for group, each in self.along.items()}, self.pooled.exchanged())


@dataclass(frozen=True)
class AxisResult:
    """Everything measured at rest along one set of axes.

    Attributes:
        particles: (cold, hot).
        block: length of the blocks, ps; ``None`` if the runs are too short for errors.
        blocks: their number.
        note: why there are no errors; ``None`` if there are.
    """

    particles: tuple[ParticleFriction, ParticleFriction]
    block: float | None = None
    blocks: int | None = None
    note: str | None = None

    @property
    def friction(self) -> AxisFriction:
        """What theories need of it."""
        cold, hot = self.particles
        return AxisFriction(
            (cold.white["joint"], hot.white["joint"]),
            (cold.dressed, hot.dressed) if cold.dressed and hot.dressed else None,
            (cold.modes, hot.modes) if cold.modes and hot.modes else None,
        )

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> AxisResult:
        """From an entry of ``axes`` of ``friction.json``.

        Raises:
            KeyError: if a key is missing.
        """
        cold, hot = (ParticleFriction._from_json(content, side) for side in SIDES)
        return cls((cold, hot), content["block_ps"], content["blocks"], content["note"])

    def to_json(self) -> dict[str, Any]:
        """The entry of ``axes``; unknown values are ``None``."""
        sides = dict(zip(SIDES, self.particles, strict=True))
        content: dict[str, Any] = {"block_ps": self.block, "blocks": self.blocks, "note": self.note}
        for side, particle in sides.items():
            for model in ("white", "dressed"):
                content[f"held_out_residual_{side}_{model}"] = known(particle.held_out.get(model))
            content[f"likelihood_{side}"] = particle.likelihood.to_json() if particle.likelihood else None
            content |= particle.entries(side) | _friction_entries(f"friction_{side}_spectrum", particle.spectrum)
        friction = self.friction
        for name, fits in (("dressed", friction.dressed), ("modes", friction.modes)):
            content[name] = dict(zip(SIDES, (fit.to_json() for fit in fits), strict=True)) if fits else None
        curves = {
            side: {name: curve.to_json() for name, curve in particle.curves.items()} for side, particle in sides.items()
        }
        return content | {"curves": curves}


class Difference(NamedTuple):
    """Friction of one particle along one set of axes over that along another, by one method; ``None`` where unknown.

    Attributes:
        axes: both sets.
        particle: ``cold`` or ``hot``.
        method: one of ``METHODS``.
        ratio: of the frictions.
        z: logarithm of the ratio in its standard errors.
    """

    axes: tuple[str, str]
    particle: str
    method: str
    ratio: float | None
    z: float | None


@dataclass(frozen=True)
class FrictionResult:
    """The content of ``friction.json``.

    Attributes:
        study: its name.
        replicas: number of equilibrium runs.
        older_protocol_runs: how many of them are of an older protocol.
        time: of all runs together, ns.
        sample_interval: ps.
        traps: stiffness of the traps along each set of axes, eV/Å².
        masses: of the particles (cold, hot), eV ps²/Å².
        spacing: of the displacements of the method ``difference``, ps.
        equivalent: the sets of equivalent axes.
        axes: the results along each of these sets and, if all axes have the same traps, along all three together (``xyz``).
        drags: of dragged particles.
    """

    study: str
    replicas: int
    older_protocol_runs: int
    time: float
    sample_interval: float
    traps: Mapping[str, float]
    masses: tuple[float, float]
    spacing: float
    equivalent: tuple[str, ...]
    axes: Mapping[str, AxisResult]
    drags: tuple[DragFriction, ...] = ()

    @property
    def note(self) -> str | None:
        """Why a part of the results has no errors; ``None`` if all have."""
        return next((each.note for each in self.axes.values() if each.note), None)

    @property
    def friction(self) -> Friction:
        """What theories need of it."""
        along = {group: self.axes[group].friction for group in self.equivalent}
        return Friction(along, self.axes[POOLED].friction if POOLED in self.axes else _mean(along))

    @property
    def dressed(self) -> tuple[Shell, Shell] | None:
        """The dressed particles (cold, hot) fitted to all axes together; ``None`` without such a fit."""
        return self.axes[POOLED].friction.dressed if POOLED in self.axes else None

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> FrictionResult:
        """From the content of a ``friction.json``.

        Raises:
            AnalysisError: if a key is missing; names it.
        """
        try:
            cold, hot = (content[f"mass_{side}_eV_ps2_per_A2"] for side in SIDES)
            return cls(
                study=content["study"],
                replicas=content["replicas"],
                older_protocol_runs=content["older_protocol_runs"],
                time=content["time_ns"],
                sample_interval=content["sample_interval_ps"],
                traps=content["trap_stiffness_eV_per_A2"],
                masses=(cold, hot),
                spacing=content["difference_ps"],
                equivalent=tuple(content["equivalent_axes"]),
                axes={group: AxisResult.from_json(each) for group, each in content["axes"].items()},
                drags=tuple(map(DragFriction.from_json, content["drag"])),
            )
        except KeyError as missing:
            raise AnalysisError(f"friction.json: key {missing} is missing; run the friction analysis again") from None

    @classmethod
    def read(cls, file: str | Path) -> FrictionResult:
        """From a ``friction.json``.

        Raises:
            AnalysisError: as ``from_json``.
        """
        return cls.from_json(json.loads(Path(file).read_text(encoding="utf-8")))

    def to_json(self) -> dict[str, Any]:
        """The content of ``friction.json``; unknown values are ``None``."""
        return {
            "study": self.study,
            "replicas": self.replicas,
            "older_protocol_runs": self.older_protocol_runs,
            "time_ns": self.time,
            "sample_interval_ps": self.sample_interval,
            "trap_stiffness_eV_per_A2": dict(self.traps),
            **{f"mass_{side}_eV_ps2_per_A2": mass for side, mass in zip(SIDES, self.masses, strict=True)},
            "difference_ps": self.spacing,
            "note": self.note,
            "equivalent_axes": list(self.equivalent),
            "equivalence": [each._asdict() | {"axes": list(each.axes)} for each in self.equivalence()],
            "axes": {group: each.to_json() for group, each in self.axes.items()},
            "drag": [drag.to_json() for drag in self.drags],
        }

    def by_axis(self) -> pd.DataFrame:
        """The friction of each particle along each set of axes, by every method.

        Returns:
            ``BY_AXIS_COLUMNS``; unknown errors are NaN.
        """
        rows = [
            (side, group, method, found.value * FRICTION_SI, found.se * FRICTION_SI)
            for j, side in enumerate(SIDES)
            for group, each in self.axes.items()
            for method, found in each.particles[j].by_method().items()
        ]
        return pd.DataFrame(rows, columns=BY_AXIS_COLUMNS)

    def equivalence(self) -> list[Difference]:
        """Comparison of the friction along the sets of equivalent axes, pairwise."""
        return [
            Difference((one, other), side, method, *_apart(friction, others[method]))
            for one, other in combinations(self.equivalent, 2)
            for j, side in enumerate(SIDES)
            for others in (self.axes[other].particles[j].by_method(),)
            for method, friction in self.axes[one].particles[j].by_method().items()
            if method in others
        ]

    def apart(self) -> dict[str, float]:
        """Difference of the friction along the first two sets by each method, both particles together, in standard errors.

        Methods without a known difference are left out.
        """
        rows, found = self.equivalence(), {}
        for method in METHODS:
            z = [row.z for row in rows if row.method == method and row.axes == rows[0].axes]
            if z and None not in z:
                found[method] = sum(each for each in z if each is not None) / math.sqrt(len(z))
        return found


def _mean(along: Mapping[str, AxisFriction]) -> AxisFriction:
    """White friction averaged over the axes; each set counts as many times as it has axes."""
    shares = shares_of(POOLED, along)
    cold, hot = (
        Estimate(
            sum(share * along[group].white[side].value for group, share in shares.items()),
            math.hypot(*(share * along[group].white[side].se for group, share in shares.items())),
        )
        for side in range(len(SIDES))
    )
    return AxisFriction((cold, hot))


def shares_of(axes: str, sets: Iterable[str]) -> dict[str, float]:
    """The share of some coupled axes in each set of axes; sets without a share are left out.

    Args:
        axes: coupled axes, such as ``xyz``; among ``x`` and ``yz`` the shares are then 1/3 and 2/3.
        sets: disjoint sets of axes.
    """
    counts = {group: sum(axis in group for axis in axes) for group in sets}
    return {group: count / len(axes) for group, count in counts.items() if count}


def _apart(one: Estimate, other: Estimate) -> tuple[float | None, float | None]:
    if not (one.value > 0 and other.value > 0):
        return None, None
    ratio, error = one.value / other.value, math.hypot(one.se / one.value, other.se / other.value)
    return ratio, math.log(ratio) / error if error > 0 else None


def _stem(side: str, method: str) -> str:
    return f"friction_{side}" if method == "joint" else f"friction_{side}_{method}"


def _friction_entries(stem: str, friction: Estimate) -> dict[str, float | None]:
    """A friction and its error in metal units and in kg/s."""
    si = friction * FRICTION_SI
    low, high = friction.interval()
    return {
        f"{stem}_eV_ps_per_A2": known(friction.value),
        f"{stem}_se": known(friction.se),
        f"{stem}_kg_per_s": known(si.value),
        f"{stem}_kg_per_s_se": known(si.se),
        f"{stem}_low": known(low),
        f"{stem}_high": known(high),
    }


def _read_friction(content: Mapping[str, Any], stem: str, scale: Scale = "log") -> Estimate:
    return read_estimate(content, stem, "eV_ps_per_A2", scale)


def _read_equipartition(content: Mapping[str, Any], stem: str, unit: str) -> Equipartition:
    return Equipartition(read_estimate(content, stem, unit, "reciprocal"), content[f"{stem}_theory_{unit}"])
