"""The measured friction of one particle along one set of axes: every method, fits, and curves for figures.

Attributes are in metal units. The entries of ``friction.json`` have ``null`` for what is unknown here, NaN, and frictions in
kg/s, too.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.friction.modes import held_out_weights
from analysis.statistics.timeseries import Estimate, Scale, entries, known, or_nan, read_estimate
from analysis.units import FRICTION_SI

Array = NDArray[np.float64]

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

NEGLIGIBLE = 0.01
"""Weight below which a fit with another number of bodies is left out."""

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
        content |= friction_entries(_AT_REST, self.at_rest)
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
        by_number: the most likely ``values`` for each number of bodies, in the same order.
    """

    values: tuple[float, ...]
    log_covariance: Array
    at_rest: Estimate = _UNKNOWN
    limit: float = math.nan
    goodness: float = math.nan
    held_out: tuple[float, ...] = ()
    by_number: tuple[tuple[float, ...], ...] = ()

    @property
    def alternatives(self) -> list[tuple[float, tuple[float, ...]]]:
        """The fits with other numbers of bodies that are not negligible: their weight, by the data left out, and values."""
        return [
            (float(weight), values)
            for weight, values in zip(held_out_weights(self.held_out), self.by_number, strict=True)
            if weight > NEGLIGIBLE and len(values) != len(self.values)
        ]

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
            tuple(map(tuple, content["by_number_of_bodies"])),
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
            "by_number_of_bodies": [list(values) for values in self.by_number],
        } | friction_entries(_AT_REST, self.at_rest)


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
    def from_json(cls, content: Mapping[str, Any], side: str) -> ParticleFriction:
        """From an entry of ``axes`` of ``friction.json``.

        Raises:
            KeyError: if a key is missing.
        """
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
            content |= friction_entries(stem, friction) | {f"{stem}_residual": known(self.residual[method])}
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


def _stem(side: str, method: str) -> str:
    return f"friction_{side}" if method == "joint" else f"friction_{side}_{method}"


def friction_entries(stem: str, friction: Estimate) -> dict[str, float | None]:
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
