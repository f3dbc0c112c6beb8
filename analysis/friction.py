"""Friction of each particle from equilibrium runs (κ_C = κ_H = 0): the paper's one-parameter fits and the dressed particle.

In equilibrium the three axes of the isotropic trap, and the replicas, are independent copies of one experiment; all enter.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import least_squares

from analysis.correlation import (
    Array,
    Correlation,
    autocorrelation,
    dressed_correlations,
    memory_time,
    white_position,
    white_velocity,
)
from analysis.model import BOLTZMANN
from analysis.runs import SIDES, Run
from analysis.theory import SHELL_KEYS
from analysis.timeseries import Blocks, Estimate, SeriesTooShortError, choose_blocks, stationary_mean
from analysis.units import FRICTION_SI, PER_NS

FIT_WINDOW = 1.0
"""Fits reach over this many 1/e times of the position: beyond, the noise of the estimates outweighs what they say."""

POINTS = 60
"""Lags in each fitted curve: even for the position, growing geometrically for the velocity, whose decay has two scales."""

COPIES = 400
"""Resampled copies behind each error."""

# Friction is sought from a thousandth to a thousand times √(κm), far beyond any fluid at either end.
_GRID = np.geomspace(1e-3, 1e3, 2001)


@dataclass(frozen=True)
class ParticleData:
    """What the equilibrium runs say about one particle: its correlations and variances."""

    mass: float
    trap: float
    position: Correlation
    velocity: Correlation
    position_variance: Estimate
    velocity_variance: Estimate
    blocks: Blocks | None


def equilibrium_blocks(runs: Sequence[Run]) -> Blocks:
    """Blocks long compared with the memory of X² of the slower particle, over three axes and all replicas.

    Raises:
        SeriesTooShortError: if the runs are too short for an error; says how long they must be.
    """
    squares = [_coordinates(runs, side, "position") ** 2 for side in range(2)]
    return choose_blocks(squares, runs[0].parameters.sample_interval, len(squares[0]))


def particle_data(runs: Sequence[Run], side: int, blocks: Blocks | None) -> ParticleData:
    """Correlations and variances of the cold (0) or hot (1) particle over three axes and all replicas."""
    interval = runs[0].parameters.sample_interval
    position, velocity = (_coordinates(runs, side, name) for name in ("position", "velocity"))
    steps = position.shape[1] - 1
    # Beyond a third of the run hardly anything is averaged.
    reach = max(min(FIT_WINDOW * memory_time(position, interval) / interval, steps / 3), 2)
    even = np.unique(np.linspace(0, reach, POINTS + 1).round().astype(int))
    growing = np.unique(np.concatenate([[0], np.geomspace(1, reach, POINTS).round().astype(int)]))
    count = blocks.count if blocks else 0
    return ParticleData(
        runs[0].parameters.mass[side],
        runs[0].parameters.trap,
        # The same seed draws the same blocks for both, which keeps their errors together.
        autocorrelation(position, interval, even, count, COPIES, seed=side),
        autocorrelation(velocity, interval, growing, count, COPIES, seed=side),
        stationary_mean(position**2, blocks),
        stationary_mean(velocity**2, blocks),
        blocks,
    )


@dataclass(frozen=True)
class WhiteFit:
    """Friction from one or both curves, eV ps/Å², and the root mean square residual of the curves fitted."""

    friction: Estimate
    residual: float


def fit_white(data: ParticleData) -> dict[str, WhiteFit]:
    """One-parameter least-squares fits of the exact underdamped forms, in all regimes of damping.

    Returns:
        ``position``, ``velocity`` and ``joint``; see ``_curve_weights`` for how the joint fit weighs the two curves.
    """
    grid = _GRID * math.sqrt(data.mass * data.trap)
    costs = {}
    for name, curve, form in (("position", data.position, white_position), ("velocity", data.velocity, white_velocity)):
        models = form(curve.lag, data.mass, data.trap, grid[:, None])
        # Row 0 is the measured curve, the rest are its resampled copies: |c - m|² = |c|² - 2 c·m + |m|².
        curves = np.vstack([curve.value, curve.resampled])
        squares = (curves**2).sum(axis=1)[:, None] - 2 * curves @ models.T + (models**2).sum(axis=1)
        costs[name] = squares / len(curve.lag)
    weight = _curve_weights(data)
    costs["joint"] = weight[0] * costs["position"] + weight[1] * costs["velocity"]
    return {name: _minimum(cost, grid, data.blocks) for name, cost in costs.items()}


def _curve_weights(data: ParticleData) -> tuple[float, float]:
    """Weights (position, velocity) of the mean squared residuals in a joint fit, summing to 1: inversely as their noise.

    A short run tells the slow position far less surely than the velocity.
    """
    if data.blocks is None:
        return 0.5, 0.5
    noise = [float((curve.se**2).mean()) for curve in (data.position, data.velocity)]
    return noise[1] / sum(noise), noise[0] / sum(noise)


def _minimum(cost: Array, grid: Array, blocks: Blocks | None) -> WhiteFit:
    """Minimum of each row of a cost tabulated on a logarithmic grid, refined by a parabola through the three best points."""
    best = np.clip(cost.argmin(axis=1), 1, len(grid) - 2)
    left, middle, right = (cost[np.arange(len(cost)), best + shift] for shift in (-1, 0, 1))
    curvature = left - 2 * middle + right
    shift = np.clip(np.divide(left - right, 2 * curvature, out=np.zeros_like(left), where=curvature > 0), -1, 1)
    found = grid[best] * (grid[1] / grid[0]) ** shift
    se = found[0] * float(np.log(found[1:]).std()) * blocks.slow_widening if blocks else math.nan
    return WhiteFit(Estimate(float(found[0]), float(se)), math.sqrt(max(float(cost[0].min()), 0.0)))


@dataclass(frozen=True)
class DressedFit:
    """Core and shell: (g₁, g₂, M) in metal units, covariance of their logarithms, zero-frequency friction, rms residual."""

    values: Array
    log_covariance: Array
    zero_frequency: Estimate
    residual: float


def fit_dressed(data: ParticleData) -> DressedFit | None:
    """Joint least-squares fit of the dressed particle to both curves; ``None`` where the data cannot tell its parameters.

    Errors come from the resampled curves through the linearised fit.
    """
    if data.blocks is None:
        return None
    lags = (data.position.lag, data.velocity.lag)
    weights = np.sqrt(
        np.concatenate([np.full(len(lag), w / len(lag)) for lag, w in zip(lags, _curve_weights(data), strict=True)])
    )
    measured = np.concatenate([data.position.value, data.velocity.value])
    copies = np.hstack([data.position.resampled, data.velocity.resampled])

    def curves(logs: Array) -> Array:
        core, shell, shell_mass = np.exp(logs)
        position, _ = dressed_correlations(lags[0], data.mass, data.trap, core, shell, shell_mass)
        _, velocity = dressed_correlations(lags[1], data.mass, data.trap, core, shell, shell_mass)
        return np.concatenate([position, velocity])

    white = fit_white(data)["joint"].friction.value
    starts = [np.log([white * core, white, data.mass * mass]) for core in (1.5, 5.0) for mass in (0.3, 1.5)]
    scale = np.array([white, white, data.mass])
    limits = (np.log(1e-2 * scale), np.log([1e3, 1e2, 1e2] * scale))

    def residuals(logs: Array) -> Array:
        return np.asarray(weights * (curves(logs) - measured))

    fits = [least_squares(residuals, start, bounds=limits) for start in starts]
    best = min(fits, key=lambda fit: float(fit.cost))
    if not best.success or best.active_mask.any():
        return None
    jacobian = np.asarray(best.jac)
    scaled = jacobian.T @ (weights * (copies - measured)).T
    normal = jacobian.T @ jacobian
    if np.linalg.cond(normal) > 1e10:
        return None
    shifts = np.linalg.solve(normal, scaled).T
    covariance = np.cov(shifts.T) * data.blocks.slow_widening**2
    core, shell, _ = np.exp(best.x)
    # d ln g₀ = (g₀/g₁) d ln g₁ + (g₀/g₂) d ln g₂ for g₀ = g₁g₂/(g₁ + g₂)
    zero = core * shell / (core + shell)
    gradient = np.array([zero / core, zero / shell, 0.0])
    error = zero * math.sqrt(float(gradient @ covariance @ gradient))
    return DressedFit(np.exp(best.x), covariance, Estimate(float(zero), error), math.sqrt(2 * float(best.cost)))


def friction_summary(runs: Sequence[Run]) -> dict[str, Any]:
    """Everything the equilibrium runs say about friction, ready for ``friction.json``; unknown errors are ``None``.

    Raises:
        ValueError: if a run is not an equilibrium run, or the replicas differ in length.
    """
    if any(run.parameters.coupling != (0.0, 0.0) for run in runs):
        raise ValueError(f"{runs[0].folder}: couplings are not 0; friction is measured in equilibrium runs")
    if len({len(run.series) for run in runs}) > 1:
        raise ValueError(
            f"friction replicas have {[len(run.series) for run in runs]} samples: they must be equally long"
        )
    note: str | None = None
    blocks: Blocks | None = None
    try:
        blocks = equilibrium_blocks(runs)
    except SeriesTooShortError as problem:
        note = str(problem)
    result: dict[str, Any] = {
        "study": runs[0].metadata["study"],
        "replicas": len(runs),
        "time_ns": sum(run.duration for run in runs) / PER_NS,
        "sample_interval_ps": runs[0].parameters.sample_interval,
        "block_ps": blocks.length if blocks else None,
        "blocks": blocks.total if blocks else None,
        "note": note,
    }
    shells, curves = {}, {}
    for j, side in enumerate(SIDES):
        data = particle_data(runs, j, blocks)
        white, dressed = fit_white(data), fit_dressed(data)
        result |= _white_entries(side, white) | _variance_entries(side, data, runs[0].parameters.temperature[j])
        shells[side] = _dressed_entries(dressed) if dressed else None
        curves[side] = _curve_entries(data, white["joint"].friction.value, dressed)
    # The dressed pair needs both particles.
    result["dressed"] = shells if all(shells.values()) else None
    result["curves"] = curves
    return result


def _white_entries(side: str, fits: dict[str, WhiteFit]) -> dict[str, float | None]:
    entries: dict[str, float | None] = {}
    for name, fit in fits.items():
        stem = f"friction_{side}" if name == "joint" else f"friction_{side}_{name}"
        entries[f"{stem}_eV_ps_per_A2"] = fit.friction.value
        entries[f"{stem}_se"] = _known(fit.friction.se)
        entries[f"{stem}_kg_per_s"] = fit.friction.value * FRICTION_SI
        entries[f"{stem}_kg_per_s_se"] = _known(fit.friction.se * FRICTION_SI)
        entries[f"{stem}_residual"] = fit.residual
    return entries


def _variance_entries(side: str, data: ParticleData, temperature: float) -> dict[str, float | None]:
    theory = BOLTZMANN * temperature / data.trap
    kinetic = data.velocity_variance * (data.mass / BOLTZMANN)
    return {
        f"position_variance_{side}_A2": data.position_variance.value,
        f"position_variance_{side}_se": _known(data.position_variance.se),
        f"position_variance_{side}_theory_A2": theory,
        f"position_variance_{side}_z": _known(data.position_variance.z(theory)),
        f"particle_temperature_{side}_K": kinetic.value,
        f"particle_temperature_{side}_se": _known(kinetic.se),
        f"particle_temperature_{side}_z": _known(kinetic.z(temperature)),
    }


def _dressed_entries(fit: DressedFit) -> dict[str, Any]:
    entries: dict[str, Any] = {}
    for key, value, variance in zip(SHELL_KEYS, fit.values, np.diag(fit.log_covariance), strict=True):
        entries[key] = float(value)
        entries[key.split("_eV")[0] + "_se"] = float(value) * math.sqrt(variance)
    return entries | {
        "zero_frequency_friction_eV_ps_per_A2": fit.zero_frequency.value,
        "zero_frequency_friction_se": fit.zero_frequency.se,
        "zero_frequency_friction_kg_per_s": fit.zero_frequency.value * FRICTION_SI,
        "zero_frequency_friction_kg_per_s_se": fit.zero_frequency.se * FRICTION_SI,
        "residual": fit.residual,
        "log_covariance": fit.log_covariance.tolist(),
    }


def _curve_entries(data: ParticleData, friction: float, dressed: DressedFit | None) -> dict[str, Any]:
    entries: dict[str, Any] = {}
    for i, (name, curve, form) in enumerate(
        (("position", data.position, white_position), ("velocity", data.velocity, white_velocity))
    ):
        shell = dressed_correlations(curve.lag, data.mass, data.trap, *dressed.values)[i].tolist() if dressed else None
        entries[name] = {
            "lag_ps": curve.lag.tolist(),
            "correlation": curve.value.tolist(),
            "se": curve.se.tolist() if data.blocks else None,
            "white": form(curve.lag, data.mass, data.trap, friction).tolist(),
            "dressed": shell,
        }
    return entries


def _coordinates(runs: Sequence[Run], side: int, name: str) -> Array:
    """``position`` or ``velocity`` of one particle as independent series, shape (3 × runs, n)."""
    return np.concatenate([getattr(run, name)[:, side, :].T for run in runs])


def _known(value: float) -> float | None:
    """JSON has no NaN."""
    return float(value) if math.isfinite(value) else None
