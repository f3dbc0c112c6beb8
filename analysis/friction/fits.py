"""Least-squares fits of the exact equilibrium correlations: white friction (one parameter), dressed particle (three)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.optimize import least_squares

from analysis.statistics.correlation import (
    Array,
    Correlation,
    dressed_correlations,
    white_cross,
    white_difference,
    white_position,
    white_velocity,
)
from analysis.statistics.timeseries import Estimate, Scale

# Friction is searched from a thousandth to a thousand times √(κm), far beyond any fluid.
_GRID = np.geomspace(1e-3, 1e3, 2001)

# Bounds of (g₁, g₂, M) in units of (γ, γ, m), and starts inside them, for the white friction γ of the same curves.
_LOWEST, _HIGHEST = (1e-2, 1e-2, 1e-2), (1e3, 1e2, 1e2)
_STARTS = ((1.5, 1.0, 0.3), (1.5, 1.0, 1.5), (5.0, 1.0, 0.3), (5.0, 1.0, 1.5))

_STEP = 1e-5  # of logarithms

# If the three parameters cannot be separated, the condition of the normal matrix exceeds this.
_WORST_CONDITION = 1e10


@dataclass(frozen=True)
class Curves:
    """Correlations of one particle for fits.

    Attributes:
        mass: eV ps²/Å².
        trap: eV/Å².
        position, velocity: normalised autocorrelations.
        weights: of the mean squared residuals (position, velocity) in a joint fit; they sum to 1.
        widening: factor from the scatter of resampled fits to a standard error; NaN without resampled copies.
        velocity_widening: the same for results from velocities alone, which decorrelate sooner.
    """

    mass: float
    trap: float
    position: Correlation
    velocity: Correlation
    weights: tuple[float, float] = (0.5, 0.5)
    widening: float = math.nan
    velocity_widening: float = math.nan

    def white(self, friction: float) -> tuple[Array, Array]:
        """Position and velocity correlation at these lags for white friction, eV ps/Å²."""
        return (
            white_position(self.position.lag, self.mass, self.trap, friction),
            white_velocity(self.velocity.lag, self.mass, self.trap, friction),
        )

    def dressed(self, values: Array) -> tuple[Array, Array]:
        """Position and velocity correlation at these lags for dressed particles (g₁, g₂, M), (..., 3), in metal units."""
        return dressed_correlations(self.position.lag, self.velocity.lag, self.mass, self.trap, values)

    def residual(self, model: tuple[Array, Array]) -> float:
        """Root of the weighted mean squared difference between these curves and those of a model."""
        squares = [
            float(((c.value - m) ** 2).mean()) for c, m in zip((self.position, self.velocity), model, strict=True)
        ]
        return math.sqrt(self.weights[0] * squares[0] + self.weights[1] * squares[1])


def noise_weights(position: Correlation, velocity: Correlation) -> tuple[float, float]:
    """Weights for ``Curves``, inverse to the noise of the curves: in a short run the slow position is much less precise."""
    noise = [float((curve.se**2).mean()) for curve in (position, velocity)]
    return noise[1] / sum(noise), noise[0] / sum(noise)


@dataclass(frozen=True)
class WhiteFit:
    """Friction from one or both curves, eV ps/Å², and the root mean square residual of the curves fitted."""

    friction: Estimate
    residual: float


def fit_white(curves: Curves) -> dict[str, WhiteFit]:
    """One-parameter fits of the exact underdamped forms (arXiv:2211.05502, eqs. A1-A2, corrected), at any damping.

    Returns:
        ``position``, ``velocity`` and ``joint`` (both curves, by their weights).
    """
    grid = _GRID * math.sqrt(curves.mass * curves.trap)
    costs = {
        name: _costs(curve, form(curve.lag, curves.mass, curves.trap, grid[:, None]))
        for name, curve, form in (
            ("position", curves.position, white_position),
            ("velocity", curves.velocity, white_velocity),
        )
    }
    position, velocity = (w * costs[name] for w, name in zip(curves.weights, ("position", "velocity"), strict=True))
    # Contribution of each curve to the variance of the joint fit, from resampling only that curve, widened as that curve.
    shares = [_spread(_minima(cost, grid)) ** 2 for cost in (position + velocity[:1], position[:1] + velocity)]
    widenings = np.array([curves.widening, curves.velocity_widening])
    joint = math.sqrt(np.average(widenings**2, weights=shares)) if sum(shares) > 0 else math.nan
    return {
        # The memory of the position grows with the friction.
        "position": _minimum(costs["position"], grid, curves.widening, "reciprocal root"),
        "velocity": _minimum(costs["velocity"], grid, curves.velocity_widening),
        "joint": _minimum(position + velocity, grid, joint),
    }


def fit_cross(curve: Correlation, mass: float, trap: float, widening: float) -> WhiteFit:
    """One-parameter fit to the cross correlation of position and later velocity (arXiv:2211.05502, Fig. 8e; A3, corrected).

    Args:
        curve: its cross correlation, normalised.
        mass: eV ps²/Å².
        trap: eV/Å².
        widening: as of ``Curves``.
    """
    grid = _GRID * math.sqrt(mass * trap)
    return _minimum(_costs(curve, white_cross(curve.lag, mass, trap, grid[:, None])), grid, widening)


def fit_differences(curve: Correlation, interval: float, mass: float, trap: float, widening: float) -> WhiteFit:
    """One-parameter fit to velocities computed as displacement over a sampling interval, as in the paper.

    Such velocities smooth out the fast decay and so give a smaller friction than instantaneous ones if the friction is not
    white; for white friction the expression is exact and both agree.

    Args:
        curve: autocorrelation of those velocities.
        interval: of the differences, ps.
        mass: eV ps²/Å².
        trap: eV/Å².
        widening: as of ``Curves``.
    """
    grid = _GRID * math.sqrt(mass * trap)
    models = white_difference(curve.lag, interval, mass, trap, grid[:, None])
    return _minimum(_costs(curve, models), grid, widening)


def _costs(curve: Correlation, models: Array) -> Array:
    """Mean squared differences between a curve (row 0) or its resampled copies, and each of k models (k, lags)."""
    measured = np.vstack([curve.value, curve.resampled])
    # |c - m|² = |c|² - 2 c·m + |m|²
    squares = (measured**2).sum(axis=1)[:, None] - 2 * measured @ models.T + (models**2).sum(axis=1)
    return np.asarray(squares / len(curve.lag))


def _minimum(cost: Array, grid: Array, widening: float, scale: Scale = "log") -> WhiteFit:
    """The fit of row 0 of a tabulated cost, with an error from the rows of its resampled copies.

    At an end of the search range the value is a bound with unknown error.
    """
    found = _minima(cost, grid)
    friction = float(found[0])
    at_end = cost[0].argmin() in (0, len(grid) - 1)
    error = math.nan if at_end else friction * _spread(found) * widening
    return WhiteFit(Estimate(friction, error, scale), math.sqrt(max(float(cost[0].min()), 0.0)))


def _minima(cost: Array, grid: Array) -> Array:
    """Minimum of each row of a cost tabulated on a logarithmic grid, refined by a parabola through the three best points."""
    best = np.clip(cost.argmin(axis=1), 1, len(grid) - 2)
    left, middle, right = (cost[np.arange(len(cost)), best + shift] for shift in (-1, 0, 1))
    curvature = left - 2 * middle + right
    shift = np.clip(np.divide(left - right, 2 * curvature, out=np.zeros_like(left), where=curvature > 0), -1, 1)
    return np.asarray(grid[best] * (grid[1] / grid[0]) ** shift)


def _spread(found: Array) -> float:
    """Relative scatter of the resampled copies of a fit (row 0); NaN without copies."""
    return float(np.log(found[1:]).std()) if len(found) > 1 else math.nan


@dataclass(frozen=True)
class DressedFit:
    """Core and shell: (g₁, g₂, M) in metal units, covariance of their logarithms, zero-frequency friction, rms residual."""

    values: Array
    log_covariance: Array
    zero_frequency: Estimate
    residual: float


def fit_dressed(curves: Curves, near: DressedFit | None = None) -> DressedFit | None:
    """Joint fit of the dressed particle to both curves; ``None`` if the curves do not determine its three parameters.

    Errors come from the resampled curves through the linearised fit; they are NaN without resampled curves.

    Args:
        curves: of one particle.
        near: a fit to more of the same data, as start of the search; without it, several starts are used.
    """
    both = (curves.position, curves.velocity)
    roots = np.concatenate(
        [np.full(len(c.lag), math.sqrt(w / len(c.lag))) for c, w in zip(both, curves.weights, strict=True)]
    )
    measured = np.concatenate([c.value for c in both])

    def residuals(logs: Array) -> Array:
        return np.asarray(roots * (np.concatenate(curves.dressed(np.exp(logs)), axis=-1) - measured))

    # All central differences together: one decomposition of a stack is much faster than separate ones.
    steps = _STEP * np.vstack([np.eye(3), -np.eye(3)])

    def slopes(logs: Array) -> Array:
        ahead, behind = np.split(residuals(logs + steps), 2)
        return np.asarray((ahead - behind).T / (2 * _STEP))

    white = fit_white(curves)["joint"].friction.value
    unit = np.array([white, white, curves.mass])
    bounds = (np.log(_LOWEST * unit), np.log(_HIGHEST * unit))
    starts = [np.log(start * unit) for start in _STARTS] if near is None else [np.clip(np.log(near.values), *bounds)]
    fits = [least_squares(residuals, start, slopes, bounds=bounds) for start in starts]
    best = min(fits, key=lambda fit: float(fit.cost))
    jacobian = np.asarray(best.jac)
    normal = jacobian.T @ jacobian
    if not best.success or best.active_mask.any() or np.linalg.cond(normal) > _WORST_CONDITION:
        return None
    covariance = np.full((3, 3), math.nan)
    if len(curves.position.resampled):
        differences = np.hstack([c.resampled for c in both]) - measured
        # The contribution of the position curve is widened as slow, that of the velocity curve as fast.
        widenings = np.repeat([curves.widening, curves.velocity_widening], [len(c.lag) for c in both])
        shifts = np.linalg.solve(normal, jacobian.T @ (roots * widenings * differences).T)
        covariance = np.cov(shifts)
    values = np.exp(best.x)
    # d ln g₀ = (g₀/g₁) d ln g₁ + (g₀/g₂) d ln g₂ for g₀ = g₁g₂/(g₁ + g₂)
    zero = float(values[0] * values[1] / (values[0] + values[1]))
    gradient = np.array([zero / values[0], zero / values[1], 0.0])
    error = zero * math.sqrt(float(gradient @ covariance @ gradient))
    return DressedFit(values, covariance, Estimate(zero, error, "log"), math.sqrt(2 * float(best.cost)))
