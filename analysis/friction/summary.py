"""Friction of each particle from equilibrium runs (κ_C = κ_H = 0): white friction and the dressed particle, side by side.

In equilibrium the three axes of the isotropic trap, and the replicas, are independent copies of one experiment; all enter.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from analysis.compare.theory import SHELL_KEYS
from analysis.data.runs import SIDES, Run
from analysis.errors import AnalysisError
from analysis.friction.fits import Curves, DressedFit, WhiteFit, fit_differences, fit_dressed, fit_white, noise_weights
from analysis.friction.likelihood import INTERVAL, Likelihood, compare, dressed_particle, white_particle
from analysis.model import BOLTZMANN, LinearLangevin
from analysis.statistics.correlation import Array, autocorrelation, cross_correlation, memory_time
from analysis.statistics.timeseries import (
    SQUARE_BLOCK_FACTOR,
    Blocks,
    Estimate,
    SeriesTooShortError,
    cut,
    known,
    memory_of_square,
    stationary_mean,
)
from analysis.units import FRICTION_SI, PER_NS

PAPER_FRICTION_KG_PER_S = 3.5e-12
"""What the paper fits to its equilibrium run, for both particles."""

FIT_WINDOW = 1.0
"""Fits reach over this many 1/e times of the position: beyond, the noise of the estimates outweighs what they say."""

POINTS = 60
"""Lags in each fitted curve: even for the position, growing geometrically for the velocity, whose decay has two scales."""

DIFFERENCE = 1.0
"""The paper's velocities are displacements over this many ps; over one sample where samples are farther apart."""

COPIES = 400
"""Resampled copies behind each error."""


@dataclass(frozen=True)
class Particle:
    """What equilibrium runs hold of one particle, as independent series (three axes × replicas).

    Attributes:
        position: (m, n), Å.
        velocity: (m, n), Å/ps.
        axis: (m,), 0 to 2, the axis of each series.
        interval: between samples, ps.
        mass: eV ps²/Å².
        trap: eV/Å².
    """

    position: Array
    velocity: Array
    axis: Array
    interval: float
    mass: float
    trap: float


def particle(runs: Sequence[Run], side: int) -> Particle:
    """The cold (0) or hot (1) particle of equilibrium runs."""
    parameters = runs[0].parameters
    return Particle(
        np.concatenate([run.position[:, side, :].T for run in runs]),
        np.concatenate([run.velocity[:, side, :].T for run in runs]),
        np.tile(np.arange(3.0), len(runs)),
        parameters.sample_interval,
        parameters.mass[side],
        parameters.trap,
    )


def equilibrium_blocks(runs: Sequence[Run]) -> Blocks:
    """Blocks long compared with the memory of X² of the slower particle, over three axes and all replicas.

    Raises:
        SeriesTooShortError: if the runs are too short for an error; says how long they must be.
    """
    interval = runs[0].parameters.sample_interval
    positions = [particle(runs, side).position for side in range(2)]
    series, samples = positions[0].shape
    remembered = max(memory_of_square(x, interval) for x in positions)
    return cut(remembered, samples - 1, interval, series, factor=SQUARE_BLOCK_FACTOR)


def correlation_curves(data: Particle, blocks: Blocks | None, seed: int, window: float = FIT_WINDOW) -> Curves:
    """Normalised correlations to fit, with resampled copies where blocks are given.

    Args:
        data: the particle.
        blocks: of the series, for the copies; None for none.
        seed: of the copies.
        window: how far the curves reach, in 1/e times of the position.
    """
    steps = data.position.shape[1] - 1
    # Beyond a third of the run hardly anything is averaged.
    reach = min(max(min(window * memory_time(data.position, data.interval) / data.interval, steps / 3), 2), steps)
    even = np.unique(np.linspace(0, reach, POINTS + 1).round().astype(int))
    growing = np.unique(np.concatenate([[0], np.geomspace(1, reach, POINTS).round().astype(int)]))
    count = blocks.count if blocks else 0
    # The same seed draws the same blocks for both curves, which keeps their errors together.
    position = autocorrelation(data.position, data.interval, even, count, COPIES, seed)
    velocity = autocorrelation(data.velocity, data.interval, growing, count, COPIES, seed)
    if blocks is None:
        return Curves(data.mass, data.trap, position, velocity)
    fast = blocks.widening_for(memory_of_square(data.velocity, data.interval))
    weights = noise_weights(position, velocity)
    return Curves(data.mass, data.trap, position, velocity, weights, blocks.slow_widening, fast)


def difference_fit(
    data: Particle, curves: Curves, blocks: Blocks | None, seed: int, difference: float = DIFFERENCE
) -> WhiteFit:
    """White friction from velocities taken as displacement over a time, by their own exact correlation.

    Runs of no more than that time hold a single displacement, which tells none: then it is no number.

    Args:
        data: the particle.
        curves: from it, for their lags.
        blocks, seed: as for these curves.
        difference: the time, ps.
    """
    stride = _stride(difference, data.interval)
    interval = stride * data.interval
    left = data.position.shape[1] - stride
    if left < 2:
        return WhiteFit(Estimate(math.nan, scale="log"), math.nan)
    velocity = (data.position[:, stride:] - data.position[:, :-stride]) / interval
    lags = np.rint(curves.velocity.lag / data.interval).astype(int)
    lags = lags[lags < left]
    curve = autocorrelation(velocity, data.interval, lags, blocks.count if blocks else 0, COPIES, seed)
    return fit_differences(curve, interval, data.mass, data.trap, curves.velocity_widening)


def white_fits(data: Particle, curves: Curves, blocks: Blocks | None, seed: int) -> dict[str, WhiteFit]:
    """White friction by ``fit_white`` and, as ``difference``, by ``difference_fit``."""
    return fit_white(curves) | {"difference": difference_fit(data, curves, blocks, seed)}


def held_out_residuals(data: Particle, curves: Curves) -> dict[str, float]:
    """How well each model foretells the axis that it was not fitted to: rms over the three axes left out in turn.

    Residuals at neighbouring lags are correlated, which spoils information criteria on them (``information_criteria`` has
    those of the trajectory itself); data not seen cannot be fooled by an extra parameter either way. A dressed fit that
    fails counts as infinitely bad.

    Args:
        data: the particle.
        curves: from all its series, for lags and weights.

    Returns:
        ``white`` and ``dressed``, rms of normalised correlations weighted as in the joint fit.
    """
    lags = [np.rint(c.lag / data.interval).astype(int) for c in (curves.position, curves.velocity)]

    def subset(rows: Array) -> Curves:
        series = (data.position[rows], data.velocity[rows])
        position, velocity = (
            autocorrelation(s, data.interval, lag, 0, 0, 0) for s, lag in zip(series, lags, strict=True)
        )
        return Curves(data.mass, data.trap, position, velocity, curves.weights)

    squares: dict[str, list[float]] = {"white": [], "dressed": []}
    for axis in range(3):
        seen, unseen = subset(data.axis != axis), subset(data.axis == axis)
        white, dressed = fit_white(seen)["joint"].friction.value, fit_dressed(seen)
        squares["white"].append(unseen.residual(unseen.white(white)) ** 2)
        squares["dressed"].append(unseen.residual(unseen.dressed(dressed.values)) ** 2 if dressed else math.inf)
    return {model: math.sqrt(float(np.mean(values))) for model, values in squares.items()}


def information_criteria(data: Particle, white: WhiteFit, dressed: DressedFit | None) -> dict[str, Any] | None:
    """Both models at their most likely parameters, and how much AIC and BIC prefer the dressed particle.

    Args:
        data: the particle.
        white, dressed: fits to its correlations, from which the search starts.

    Returns:
        ``interval_ps``, ``white`` and ``dressed`` (parameters, ``temperature_K``, ``log_likelihood``, ``aic``, ``bic`` and
        ``forecast_error_correlation``), and ``aic_white_less_dressed`` and ``bic_white_less_dressed``: positive where the
        dressed particle is preferred, decisively so beyond 10. ``None`` where the runs hold no three samples so far apart.
    """
    stride = _stride(INTERVAL, data.interval)
    interval = stride * data.interval
    states = np.stack([data.position, data.velocity], axis=2)[:, ::stride]
    if states.shape[1] < 3:
        return None
    shell = dressed.values if dressed else None
    models = compare(states, interval, data.mass, data.trap, white.friction.value, shell)
    return {
        "interval_ps": interval,
        "white": _likelihood_entries(("friction_eV_ps_per_A2",), models["white"]),
        "dressed": _likelihood_entries(SHELL_KEYS, models["dressed"]),
        "aic_white_less_dressed": models["white"].aic - models["dressed"].aic,
        "bic_white_less_dressed": models["white"].bic - models["dressed"].bic,
    }


def friction_summary(runs: Sequence[Run]) -> dict[str, Any]:
    """Everything the equilibrium runs say about friction, ready for ``friction.json``; unknown errors are ``None``.

    Raises:
        AnalysisError: if a run is not an equilibrium run, or the replicas differ in length.
    """
    if any(run.parameters.coupling != (0.0, 0.0) for run in runs):
        raise AnalysisError(f"{runs[0].folder}: couplings are not 0; friction is measured in equilibrium runs")
    if len({len(run.series) for run in runs}) > 1:
        raise AnalysisError(
            f"friction replicas have {[len(run.series) for run in runs]} samples: they must be equally long"
        )
    note: str | None = None
    blocks: Blocks | None = None
    try:
        blocks = equilibrium_blocks(runs)
    except SeriesTooShortError as problem:
        # A study may be meant to be short (tests): the values stand, without errors and without a dressed fit.
        note = str(problem)
    interval = runs[0].parameters.sample_interval
    result: dict[str, Any] = {
        "study": runs[0].metadata["study"],
        "replicas": len(runs),
        "older_protocol_runs": sum(run.older_protocol for run in runs),
        "time_ns": sum(run.duration for run in runs) / PER_NS,
        "sample_interval_ps": interval,
        "difference_ps": _stride(DIFFERENCE, interval) * interval,
        "block_ps": blocks.length if blocks else None,
        "blocks": blocks.total if blocks else None,
        "note": note,
    }
    shells: dict[str, dict[str, Any] | None] = {}
    drawn = {}
    for j, side in enumerate(SIDES):
        data = particle(runs, j)
        curves = correlation_curves(data, blocks, seed=j)
        white, dressed = white_fits(data, curves, blocks, seed=j), fit_dressed(curves) if blocks else None
        result |= white_entries(side, white) | variance_entries(side, data, blocks, runs[0].parameters.temperature[j])
        for model, residual in held_out_residuals(data, curves).items() if blocks else ():
            result[f"held_out_residual_{side}_{model}"] = known(residual)
        result[f"likelihood_{side}"] = information_criteria(data, white["joint"], dressed) if blocks else None
        shells[side] = _dressed_entries(dressed) if dressed else None
        drawn[side] = _curve_entries(curves, white["joint"].friction.value, dressed)
        drawn[side]["cross"] = _cross_entries(data, curves, blocks, white["joint"].friction.value, dressed, seed=j)
    # The dressed pair needs both particles.
    result["dressed"] = shells if all(shells.values()) else None
    result["curves"] = drawn
    return result


def _cross_entries(
    data: Particle, curves: Curves, blocks: Blocks | None, friction: float, dressed: DressedFit | None, seed: int
) -> dict[str, Any]:
    """Cross correlation ⟨X(0)V(τ)⟩ at the lags of the position; neither fit has seen it."""
    lags = np.rint(curves.position.lag / data.interval).astype(int)
    count = blocks.count if blocks else 0
    curve = cross_correlation(data.position, data.velocity, data.interval, lags, count, COPIES, seed)

    def exact(model: LinearLangevin) -> list[float]:
        correlation, variance = model.correlation(curve.lag), model.covariance()
        return list((correlation[:, 1, 0] / math.sqrt(variance[0, 0] * variance[1, 1])).tolist())

    return {
        "lag_ps": curve.lag.tolist(),
        "correlation": curve.value.tolist(),
        "se": curve.se.tolist() if count else None,
        "white": exact(white_particle(data.mass, data.trap, friction)),
        "dressed": exact(dressed_particle(data.mass, data.trap, *dressed.values)) if dressed else None,
    }


def _stride(spacing: float, interval: float) -> int:
    """How many samples make up a spacing, at least one; both in ps."""
    return max(round(spacing / interval), 1)


def white_entries(side: str, fits: dict[str, WhiteFit]) -> dict[str, float | None]:
    """White friction of one particle by every fit, as entries of ``friction.json``."""
    entries: dict[str, float | None] = {}
    for name, fit in fits.items():
        stem = f"friction_{side}" if name == "joint" else f"friction_{side}_{name}"
        entries |= _friction_entries(stem, fit.friction) | {f"{stem}_residual": known(fit.residual)}
    return entries


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


def variance_entries(side: str, data: Particle, blocks: Blocks | None, temperature: float) -> dict[str, float | None]:
    """Mean squares of position and velocity of one particle, as entries of ``friction.json``."""
    variance, kinetic = (
        stationary_mean(series**2, blocks, "reciprocal", memory_of_square(series, data.interval))
        for series in (data.position, data.velocity)
    )
    kinetic *= data.mass / BOLTZMANN
    theory = BOLTZMANN * temperature / data.trap
    ends = {f"position_variance_{side}": variance.interval(), f"particle_temperature_{side}": kinetic.interval()}
    intervals = {
        f"{stem}_{end}": known(value)
        for stem, pair in ends.items()
        for end, value in zip(("low", "high"), pair, strict=True)
    }
    return intervals | {
        f"position_variance_{side}_A2": variance.value,
        f"position_variance_{side}_se": known(variance.se),
        f"position_variance_{side}_theory_A2": theory,
        f"position_variance_{side}_z": known(variance.z(theory)),
        f"particle_temperature_{side}_K": kinetic.value,
        f"particle_temperature_{side}_se": known(kinetic.se),
        f"particle_temperature_{side}_z": known(kinetic.z(temperature)),
    }


def _dressed_entries(fit: DressedFit) -> dict[str, Any]:
    entries: dict[str, Any] = {}
    for key, value, variance in zip(SHELL_KEYS, fit.values, np.diag(fit.log_covariance), strict=True):
        entries[key] = float(value)
        entries[key.split("_eV")[0] + "_se"] = float(value) * math.sqrt(variance)
    return (
        entries
        | _friction_entries("zero_frequency_friction", fit.zero_frequency)
        | {"residual": fit.residual, "log_covariance": fit.log_covariance.tolist()}
    )


def _likelihood_entries(keys: Sequence[str], model: Likelihood) -> dict[str, float]:
    return dict(zip(keys, model.values.tolist(), strict=True)) | {
        "temperature_K": model.temperature,
        "log_likelihood": model.log_likelihood,
        "aic": model.aic,
        "bic": model.bic,
        "forecast_error_correlation": model.error_correlation,
    }


def _curve_entries(curves: Curves, friction: float, dressed: DressedFit | None) -> dict[str, Any]:
    white = curves.white(friction)
    shell = curves.dressed(dressed.values) if dressed else None
    return {
        name: {
            "lag_ps": curve.lag.tolist(),
            "correlation": curve.value.tolist(),
            "se": curve.se.tolist() if len(curve.resampled) else None,
            "white": white[i].tolist(),
            "dressed": shell[i].tolist() if shell else None,
        }
        for i, (name, curve) in enumerate((("position", curves.position), ("velocity", curves.velocity)))
    }
