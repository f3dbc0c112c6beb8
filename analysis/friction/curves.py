"""Correlations of equilibrium runs: resampled copies, fits by white friction, and curves for figures."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.data.runs import Run
from analysis.friction.fits import Curves, DressedFit, WhiteFit, fit_cross, fit_differences, fit_white, noise_weights
from analysis.friction.likelihood import dressed_particle
from analysis.friction.particle import DrawnCurve
from analysis.friction.result import POOLED
from analysis.statistics.correlation import (
    Array,
    Correlation,
    autocorrelation,
    cross_correlation,
    difference_correlation,
    memory_time,
    white_cross,
    white_difference,
    white_position,
    white_velocity,
)
from analysis.statistics.timeseries import SQUARE_BLOCK_FACTOR, Blocks, Estimate, cut, memory_of_square

FIT_WINDOW = 1.0
"""Range of the fits in 1/e times of the position; beyond it noise dominates the estimates."""

SHOWN_WINDOW = 3.0
"""Range of the figures in 1/e times of the position, beyond that of the fits."""

POINTS = 60
"""Lags in each fitted curve: even for the position, growing geometrically for the velocity, whose decay has two scales."""

DIFFERENCE = 1.0
"""Displacement time of the paper's velocities, ps; one sampling interval if that is longer."""

COPIES = 400
"""Resampled copies for each error."""


@dataclass(frozen=True)
class Particle:
    """Data of one particle in equilibrium runs along some axes, as independent series (axes × replicas).

    Attributes:
        position: (m, n), Å.
        velocity: (m, n), Å/ps.
        interval: between samples, ps.
        mass: eV ps²/Å².
        trap: eV/Å²; the mean if it differs between the axes.
    """

    position: Array
    velocity: Array
    interval: float
    mass: float
    trap: float


def particle(runs: Sequence[Run], side: int, axes: str = POOLED) -> Particle:
    """The cold (0) or hot (1) particle of equilibrium runs, along some axes; series of one run are neighbours."""
    parameters, along = runs[0].parameters, ["xyz".index(axis) for axis in axes]
    return Particle(
        np.concatenate([run.position[:, side, along].T for run in runs]),
        np.concatenate([run.velocity[:, side, along].T for run in runs]),
        parameters.sample_interval,
        parameters.mass[side],
        parameters.stiffness(axes),
    )


def equilibrium_blocks(runs: Sequence[Run], axes: str = POOLED) -> Blocks:
    """Blocks long compared with the memory of X² of the slower particle, over some axes and all replicas.

    Raises:
        SeriesTooShortError: if the runs are too short for an error; gives the required length.
    """
    interval = runs[0].parameters.sample_interval
    positions = [particle(runs, side, axes).position for side in range(2)]
    series, samples = positions[0].shape
    remembered = max(memory_of_square(x, interval) for x in positions)
    return cut(remembered, samples - 1, interval, series, factor=SQUARE_BLOCK_FACTOR)


def correlation_curves(data: Particle, blocks: Blocks | None, seed: int, window: float = FIT_WINDOW) -> Curves:
    """Normalised correlations to fit, with resampled copies where blocks are given.

    Args:
        data: the particle.
        blocks: of the series, for the copies; None for none.
        seed: of the copies.
        window: range of the curves, in 1/e times of the position.
    """
    steps = data.position.shape[1] - 1
    # Beyond a third of the run there are few pairs to average.
    reach = min(max(min(window * memory_time(data.position, data.interval) / data.interval, steps / 3), 2), steps)
    even = np.unique(np.linspace(0, reach, POINTS + 1).round().astype(int))
    growing = np.unique(np.concatenate([[0], np.geomspace(1, reach, POINTS).round().astype(int)]))
    count = blocks.count if blocks else 0
    # The same seed draws the same blocks for both curves, which preserves the correlation of their errors.
    position = autocorrelation(data.position, data.interval, even, count, COPIES, seed)
    velocity = autocorrelation(data.velocity, data.interval, growing, count, COPIES, seed)
    if blocks is None:
        return Curves(data.mass, data.trap, position, velocity)
    fast = blocks.widening_for(memory_of_square(data.velocity, data.interval))
    weights = noise_weights(position, velocity)
    return Curves(data.mass, data.trap, position, velocity, weights, blocks.slow_widening, fast)


def difference_curve(
    data: Particle, lags: NDArray[np.int_], blocks: Blocks | None, seed: int, difference: float = DIFFERENCE
) -> tuple[Correlation, float] | None:
    """Autocorrelation of velocities computed as displacement over a time, and that time, ps.

    Args:
        data: the particle.
        lags: in samples, from 0 on; lags beyond the displacements are left out.
        blocks, seed: as for ``correlation_curves``.
        difference: the time, ps.

    Returns:
        ``None`` for runs not longer than that time: a single displacement has no correlation.
    """
    stride = samples_in(difference, data.interval)
    left = data.position.shape[1] - stride
    if left < 2:
        return None
    velocity = (data.position[:, stride:] - data.position[:, :-stride]) / (stride * data.interval)
    count = blocks.count if blocks else 0
    return autocorrelation(velocity, data.interval, lags[lags < left], count, COPIES, seed), stride * data.interval


def difference_fit(
    data: Particle, curves: Curves, blocks: Blocks | None, seed: int, difference: float = DIFFERENCE
) -> WhiteFit:
    """White friction from velocities computed as displacement over a time, by their exact correlation.

    It is NaN for runs not longer than that time.

    Args:
        data: the particle.
        curves: of it, for their lags.
        blocks, seed: as for these curves.
        difference: the time, ps.
    """
    found = difference_curve(data, samples_of(curves.velocity, data), blocks, seed, difference)
    if found is None:
        return WhiteFit(Estimate(math.nan, scale="log"), math.nan)
    return fit_differences(*found, data.mass, data.trap, curves.velocity_widening)


def cross_curve(data: Particle, lags: NDArray[np.int_], blocks: Blocks | None, seed: int) -> Correlation:
    """Cross correlation ⟨X(0)V(τ)⟩ at lags in samples; blocks and seed as for ``correlation_curves``."""
    count = blocks.count if blocks else 0
    return cross_correlation(data.position, data.velocity, data.interval, lags, count, COPIES, seed)


def white_fits(data: Particle, curves: Curves, blocks: Blocks | None, seed: int) -> dict[str, WhiteFit]:
    """White friction by ``fit_white``, as ``difference`` by ``difference_fit``, and as ``cross`` by ``fit_cross``."""
    cross = cross_curve(data, samples_of(curves.position, data), blocks, seed)
    return fit_white(curves) | {
        "difference": difference_fit(data, curves, blocks, seed),
        "cross": fit_cross(cross, data.mass, data.trap, curves.widening),
    }


def drawn_curves(
    data: Particle,
    curves: Curves,
    blocks: Blocks | None,
    white: dict[str, WhiteFit],
    dressed: DressedFit | None,
    seed: int,
) -> dict[str, DrawnCurve]:
    """Correlations and fits for figures, beyond the fitted range.

    Args:
        data: the particle.
        curves: the fitted curves of it.
        blocks, seed: as for ``correlation_curves``.
        white: from ``white_fits``.
        dressed: the fit of a shell to position and velocity together.

    Returns:
        ``position``, ``velocity``, ``cross`` and ``difference`` (which runs of a single displacement lack).
    """
    shown = correlation_curves(data, blocks, seed, SHOWN_WINDOW)
    found = {
        "position": shown.position,
        "velocity": shown.velocity,
        "cross": cross_curve(data, samples_of(shown.position, data), blocks, seed),
    }
    spacing = samples_in(DIFFERENCE, data.interval) * data.interval
    if displaced := difference_curve(data, samples_of(shown.velocity, data), blocks, seed):
        found["difference"] = displaced[0]
    forms = white_forms(data.mass, data.trap, spacing)
    shells = dressed_forms(data.mass, data.trap, dressed.values, spacing) if dressed else {}
    return {
        name: DrawnCurve(
            lag=curve.lag,
            correlation=curve.value,
            se=curve.se if len(curve.resampled) else np.full(len(curve.lag), math.nan),
            own=forms[name](curve.lag, white[name].friction.value),
            white=forms[name](curve.lag, white["joint"].friction.value),
            dressed=shells[name](curve.lag) if dressed else np.full(len(curve.lag), math.nan),
            fitted_to=float(curves.position.lag[-1]),
        )
        for name, curve in found.items()
    }


def white_forms(mass: float, trap: float, spacing: float) -> dict[str, Callable[[Array, float], Array]]:
    """Normalised correlations of a particle with white friction, of lags (k,) in ps and of the friction, by name.

    Args:
        mass: eV ps²/Å².
        trap: eV/Å².
        spacing: of the displacements of ``difference``, ps.
    """
    return {
        "position": lambda lag, friction: white_position(lag, mass, trap, friction),
        "velocity": lambda lag, friction: white_velocity(lag, mass, trap, friction),
        "cross": lambda lag, friction: white_cross(lag, mass, trap, friction),
        "difference": lambda lag, friction: white_difference(lag, spacing, mass, trap, friction),
    }


def dressed_forms(
    mass: float, trap: float, values: Sequence[float] | Array, spacing: float
) -> dict[str, Callable[[Array], Array]]:
    """The same of a particle with a shell (g₁, g₂, M), metal units, by lags alone."""
    model = dressed_particle(mass, trap, *values)
    spread = np.sqrt(np.diag(model.covariance()))

    def element(later: int, first: int) -> Callable[[Array], Array]:
        return lambda lag: model.correlation(lag)[:, later, first] / (spread[later] * spread[first])

    position = element(0, 0)
    return {
        "position": position,
        "velocity": element(1, 1),
        "cross": element(1, 0),
        "difference": lambda lag: difference_correlation(position, lag, spacing),
    }


def samples_in(spacing: float, interval: float) -> int:
    """Number of samples in a spacing, at least one; both in ps."""
    return max(round(spacing / interval), 1)


def samples_of(curve: Correlation, data: Particle) -> NDArray[np.int_]:
    """The lags of a curve in samples."""
    return np.rint(curve.lag / data.interval).astype(int)
