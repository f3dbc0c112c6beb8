"""Autocorrelations of trapped particles: estimates with resampled copies, and the exact forms to fit to them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.fft import irfft, next_fast_len, rfft

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Correlation:
    """A normalised autocorrelation C(τ)/C(0) and resampled copies of it.

    Attributes:
        lag: (k,), ps.
        value: (k,).
        resampled: (b, k), recomputed from blocks drawn with replacement; b is 0 without blocks.
    """

    lag: Array
    value: Array
    resampled: Array

    @property
    def se(self) -> Array:
        """Standard error of each value, shape (k,); NaN without resampled copies."""
        if len(self.resampled) == 0:
            return np.full(self.value.shape, np.nan)
        return np.asarray(self.resampled.std(axis=0))


def lagged_products(series: Array) -> Array:
    """Mean of x(t) x(t + k) over all t and over m series of n samples, at every lag k from 0 to n - 1; shape (n,)."""
    n = series.shape[1]
    # Zero padding makes the correlation linear, and n - k pairs of samples contribute to lag k.
    padded = next_fast_len(2 * n, real=True)
    spectrum = (np.abs(rfft(series, padded, axis=1)) ** 2).mean(axis=0)
    return np.asarray(irfft(spectrum, padded)[:n] / (n - np.arange(n)))


def memory_time(series: Array, interval: float) -> float:
    """First lag at which the autocorrelation of (m, n) series, averaged, falls below 1/e; the whole length if none, ps."""
    products = lagged_products(series)
    below = np.flatnonzero(products < products[0] / np.e)
    return float(interval * (below[0] if below.size else series.shape[1] - 1))


def decay_time(position: Array, velocity: Array, interval: float) -> float:
    """First lag at which the envelope of the correlations of a trapped particle falls below 1/e, ps; the whole length if none.

    The envelope is √(⟨X(0)X(t)⟩²/⟨X²⟩² + ⟨X(0)V(t)⟩²/⟨X²⟩⟨V²⟩): e^(-γt/2m) of an underdamped particle, whose position alone
    oscillates, and the correlation of the position of an overdamped one.

    Args:
        position, velocity: (m, n).
        interval: between samples, ps.
    """
    n = position.shape[1]
    padded = next_fast_len(2 * n, real=True)
    own, later = rfft(position, padded, axis=1), rfft(velocity, padded, axis=1)
    pairs = n - np.arange(n)
    same, crossed = (irfft((np.conj(own) * each).mean(axis=0), padded)[:n] / pairs for each in (own, later))
    return interval * decay_index(same, crossed, float((velocity**2).mean()))


def decay_index(position: Array, crossed: Array, velocity_variance: float) -> int:
    """First index at which the envelope of ``decay_time`` falls below 1/e; the last one if none.

    Args:
        position, crossed: ⟨X(0)X(t)⟩ and ⟨X(0)V(t)⟩ at lags from 0 on, (lags,).
        velocity_variance: ⟨V²⟩.
    """
    envelope = position**2 / position[0] ** 2 + crossed**2 / (position[0] * velocity_variance)
    below = np.flatnonzero(envelope < np.exp(-2))
    return int(below[0]) if below.size else len(envelope) - 1


def autocorrelation(
    series: Array, interval: float, lags: NDArray[np.int_], blocks: int, copies: int, seed: int
) -> Correlation:
    """Normalised autocorrelation of m zero-mean series of n samples, and resampled copies.

    The mean is known to be zero (trap centre, fluid at rest) and is not subtracted.

    Args:
        series: (m, n).
        interval: between samples, ps.
        lags: (k,) in samples, from 0 on.
        blocks: number of blocks of start times in each series for resampling; 0 for no copies.
        copies: number of resampled copies.
        seed: for the resampling.
    """
    mean, resampled = _lagged(series, series, lags, blocks, copies, seed)
    squares = _kept_positive(resampled[:, :1], mean[0])
    return Correlation(np.asarray(lags * interval, dtype=float), mean / mean[0], resampled / squares)


def cross_correlation(
    position: Array, velocity: Array, interval: float, lags: NDArray[np.int_], blocks: int, copies: int, seed: int
) -> Correlation:
    """⟨X(t) V(t+τ)⟩/√(⟨X²⟩⟨V²⟩), and resampled copies; arguments as of ``autocorrelation``.

    In equilibrium it is odd in τ, so ⟨X(t) V(t+τ)⟩ and -⟨V(t) X(t+τ)⟩ are averaged.
    """
    odd = reversal_asymmetry(position, velocity, interval, lags, blocks, copies, seed)
    return Correlation(odd.lag, odd.value / 2, odd.resampled / 2)


def reversal_asymmetry(
    first: Array, second: Array, interval: float, lags: NDArray[np.int_], blocks: int, copies: int, seed: int
) -> Correlation:
    """[⟨x(t) y(t+τ)⟩ - ⟨y(t) x(t+τ)⟩]/√(⟨x²⟩⟨y²⟩), and resampled copies; arguments as of ``autocorrelation``.

    For two coordinates it is 0 at all lags if the time-reversed process is equally likely.
    """
    zero = np.zeros(1, dtype=int)
    # The same seed draws the same blocks each time.
    forward, backward, xx, yy = (
        _lagged(one, other, at, blocks, copies, seed)
        for one, other, at in (
            (first, second, lags),
            (second, first, lags),
            (first, first, zero),
            (second, second, zero),
        )
    )
    mean, resampled = (
        (f - b) / np.sqrt(_kept_positive(x, xx[0]) * _kept_positive(y, yy[0]))
        for f, b, x, y in zip(forward, backward, xx, yy, strict=True)
    )
    return Correlation(np.asarray(lags * interval, dtype=float), mean, resampled)


def _kept_positive(squares: Array, mean: ArrayLike) -> Array:
    """Mean squares of copies; with few blocks some may be unphysical, that is, not positive."""
    return np.asarray(np.maximum(squares, 0.01 * np.asarray(mean)))


def _lagged(
    first: Array, second: Array, lags: NDArray[np.int_], blocks: int, copies: int, seed: int
) -> tuple[Array, Array]:
    """Mean of first(t) second(t + lag) over all t and series, (k,), and resampled copies of it, (copies or 0, k)."""
    m, n = first.shape
    edges = np.linspace(0, n, max(blocks, 1) + 1).round().astype(int)
    sums = np.zeros((m, len(edges) - 1, len(lags)))
    counts = np.empty((len(edges) - 1, len(lags)))
    for i, lag in enumerate(lags):
        starts = edges[:-1][edges[:-1] < n - lag]  # the last blocks may start after the last pair
        sums[:, : len(starts), i] = np.add.reduceat(first[:, : n - lag] * second[:, lag:], starts, axis=1)
        counts[:, i] = np.diff(np.minimum(edges, n - lag))
    units = sums.reshape(-1, len(lags))
    unit_counts = np.tile(counts, (m, 1))
    chance = np.full(len(units), 1 / len(units))
    draws = np.random.default_rng(seed).multinomial(len(units), chance, size=copies if blocks else 0)
    # A copy may contain no block that reaches a long lag; such a lag has weight 0 and value 0.
    resampled = (draws @ units) / np.maximum(draws @ unit_counts, 1)
    # u blocks drawn from u have (u - 1)/u of the variance.
    mean = units.sum(axis=0) / unit_counts.sum(axis=0)
    return mean, np.asarray(mean + (resampled - mean) * np.sqrt(len(units) / max(len(units) - 1, 1)))


def white_position(lag: ArrayLike, mass: float, trap: float, friction: ArrayLike) -> Array:
    """⟨X(t+τ)X(t)⟩/⟨X²⟩ of a trapped particle with white friction, at any damping.

    (arXiv:2211.05502, eq. A1, with ω₁² = κ/m - γ²/4m²; the printed frequency is wrong, see docs/explanation/errata.md.)

    Args:
        lag: ps.
        mass: eV ps²/Å².
        trap: eV/Å².
        friction: eV ps/Å²; broadcast against ``lag``.
    """
    fast, slow = _rates(mass, trap, friction)
    lag = np.asarray(lag, dtype=float)
    return np.asarray(((fast * np.exp(-slow * lag) - slow * np.exp(-fast * lag)) / (fast - slow)).real)


def white_velocity(lag: ArrayLike, mass: float, trap: float, friction: ArrayLike) -> Array:
    """⟨V(t+τ)V(t)⟩/⟨V²⟩ of a trapped particle with white friction, at any damping (eq. A2); see ``white_position``."""
    fast, slow = _rates(mass, trap, friction)
    lag = np.asarray(lag, dtype=float)
    return np.asarray(((fast * np.exp(-fast * lag) - slow * np.exp(-slow * lag)) / (fast - slow)).real)


def white_cross(lag: ArrayLike, mass: float, trap: float, friction: ArrayLike) -> Array:
    """⟨X(t)V(t+τ)⟩/√(⟨X²⟩⟨V²⟩) of a trapped particle with white friction, at any damping; see ``white_position``.

    (arXiv:2211.05502, eq. A3, as docs/explanation/errata.md corrects it: the slope of A1 in units of √(κ/m).)
    """
    fast, slow = _rates(mass, trap, friction)
    lag = np.asarray(lag, dtype=float)
    return np.asarray((np.sqrt(trap / mass) * (np.exp(-fast * lag) - np.exp(-slow * lag)) / (fast - slow)).real)


def white_difference(lag: Array, interval: float, mass: float, trap: float, friction: ArrayLike) -> Array:
    """``difference_correlation`` for white friction; arguments as of ``white_position``."""
    return difference_correlation(lambda at: white_position(at, mass, trap, friction), lag, interval)


def difference_correlation(position: Callable[[Array], Array], lag: Array, interval: float) -> Array:
    """Normalised correlation of velocities taken as displacement over a time: a second difference of that of the position.

    Args:
        position: ⟨X(t+τ)X(t)⟩/⟨X²⟩ at lags (k,) in ps, (..., k).
        lag: (k,), ps.
        interval: of the displacements, ps.
    """
    here, ahead, behind = (position(np.abs(at)) for at in (lag, lag + interval, lag - interval))
    return np.asarray((2 * here - ahead - behind) / (2 * (1 - position(np.full(1, interval)))))


def _rates(mass: float, trap: float, friction: ArrayLike) -> tuple[NDArray[np.complex128], NDArray[np.complex128]]:
    """Both decay rates, 1/ps, complex below critical damping."""
    half = np.asarray(friction, dtype=float) / (2 * mass)
    square = trap / mass
    # Exactly at critical damping the two rates coincide and the expressions above are 0/0; a relative 10⁻⁶ apart they are exact
    # to 10⁻¹⁰.
    gap = np.sqrt(half**2 - square + 0j)
    gap = np.where(np.abs(gap) < 1e-6 * np.sqrt(square), 1e-6 * np.sqrt(square), gap)
    return half + gap, half - gap


def dressed_correlations(
    position_lag: Array, velocity_lag: Array, mass: float, trap: float, values: Array
) -> tuple[Array, Array]:
    """Normalised position and velocity autocorrelations of a core (mass, trap) in a shell, (..., lags) at the lags of each.

    m dV/dt = -κX - g₁(V - u) + ξ₁,  M du/dt = g₁(V - u) - g₂u - ξ₁ + ξ₂. In equilibrium X, V and u are independent, so
    the normalised correlations are the diagonal elements of exp(Aτ).

    Args:
        position_lag, velocity_lag: ps.
        mass: of the core, eV ps²/Å².
        trap: eV/Å².
        values: g₁ and g₂ (eV ps/Å²) and M (eV ps²/Å²), (..., 3).
    """
    core, shell, shell_mass = np.moveaxis(np.asarray(values, dtype=float), -1, 0)
    drift = np.zeros((*core.shape, 3, 3))
    drift[..., 0, 1] = 1.0
    drift[..., 1, 0] = -trap / mass
    drift[..., 1, 2] = core / mass
    drift[..., 1, 1] = -drift[..., 1, 2]
    drift[..., 2, 1] = core / shell_mass
    drift[..., 2, 2] = -(core + shell) / shell_mass
    rates, vectors = np.linalg.eig(drift)
    weights = vectors * np.swapaxes(np.linalg.inv(vectors), -1, -2)
    position, velocity = (
        (weights[..., row, None, :] @ np.exp(rates[..., :, None] * lag))[..., 0, :].real
        for row, lag in ((0, position_lag), (1, velocity_lag))
    )
    return position, velocity
