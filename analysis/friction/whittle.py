"""Periodograms of the positions of a trapped particle, and maximum of their likelihood (P. Whittle, 1953).

Each ordinate of a periodogram is an exponential random number with its expectation as mean, nearly independent of the
others. A periodogram of the unfiltered positions would be useless: their spectrum decreases as ω⁻⁴, whereas the leakage
from low frequencies, which contain nearly all power, decreases only as ω⁻² and is a single random number at all
frequencies. Positions are therefore filtered first, Y_k = X_k - b₁X_{k-1} - b₂X_{k-2}, which makes the motion of a particle
with white friction nearly white. The remaining range of powers is that of |γ(ω)|². b₁ and b₂ need not be exact if the
expectation is that of filtered samples.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtrc, digamma

from analysis.statistics.timeseries import SeriesTooShortError

Array = NDArray[np.float64]

FEWEST = 64
"""Smallest number of samples for a spectrum."""

# Ordinates are averaged over bands of this relative width, within which a model varies little, and over wider bands for
# tests of fit.
_BAND, WIDE = 0.05, 0.35

# Step of the numerical derivatives; a search ends when the gain in ln L is smaller than this.
_STEP, _ENOUGH, _ITERATIONS = 1e-4, 1e-4, 60


@dataclass(frozen=True)
class Bands:
    """Periodograms of filtered series, averaged over bands of frequency.

    Attributes:
        power: (m, bands), Å² (per sample, not per ps).
        frequency: mean of each band, radians per sample, (bands,).
        ordinates: independent exponential numbers in each band of one series, (bands,); a half for the frequency 0.
        samples: n of a series before the filter.
    """

    power: Array
    frequency: Array
    ordinates: Array
    samples: int

    def below(self, highest: float) -> Bands:
        """The bands up to a frequency, radians per sample."""
        return self._only(self.frequency <= highest)

    def without(self, series: int) -> Bands:
        """The bands of all series but one."""
        return Bands(np.delete(self.power, series, axis=0), self.frequency, self.ordinates, self.samples)

    def _only(self, kept: NDArray[np.bool_]) -> Bands:
        return Bands(self.power[:, kept], self.frequency[kept], self.ordinates[kept], self.samples)

    @property
    def weights(self) -> Array:
        """Independent exponential numbers in each band of all series together, (bands,)."""
        return self.ordinates * len(self.power)

    def log_likelihood(self, expected: Array) -> Array:
        """ln L for expectations (..., bands), up to a constant."""
        return np.asarray(-(self.weights * (np.log(expected) + self.power.mean(axis=0) / expected)).sum(axis=-1))

    def wide(self) -> NDArray[np.int_]:
        """Index of the wide band of each band, (bands,), from 0 on."""
        lowest = 2 * math.pi / self.samples
        place = np.log(np.maximum(self.frequency, lowest) / lowest) / WIDE
        return np.asarray(np.unique(place.astype(int), return_inverse=True)[1])

    def deviances(self, expected: Array) -> Array:
        """Deviance from expectations (bands,) in each wide band, of expectation 1 for correct expectations."""
        wide = self.wide()
        shape = np.bincount(wide, self.weights)
        ratio = np.bincount(wide, self.weights * self.power.mean(axis=0) / expected) / shape
        # 2K E(r - 1 - ln r) of the mean r of K exponential numbers, 1 + 1/6K or so.
        return np.asarray((ratio - 1 - np.log(ratio)) / (np.log(shape) - digamma(shape)))

    def goodness(self, expected: Array, parameters: int) -> float:
        """p-value of the total deviance with this number of fitted parameters, for correct expectations."""
        deviances = self.deviances(expected)
        return float(chdtrc(max(len(deviances) - parameters, 1), deviances.sum()))


def white_filter(mass: float, trap: float, friction: float, interval: float) -> Array:
    """Coefficients (1, -b₁, -b₂) that subtract from each position its prediction from the two before, for white friction."""
    rate = friction / (2 * mass)
    turn = np.sqrt(complex(rate**2 - trap / mass))
    poles = np.exp(-interval * np.array([rate + turn, rate - turn]))
    return np.array([1.0, -poles.sum().real, poles.prod().real])


def periodogram(position: Array, whitening: Array) -> Bands:
    """Periodograms of filtered positions (m, n) in bands: single ordinates first, then of constant relative width."""
    n = position.shape[1]
    filtered = sum((b * position[:, 2 - k : n - k] for k, b in enumerate(whitening)), np.zeros(()))
    power = np.abs(np.fft.rfft(filtered, axis=1)) ** 2 / (n - 2)
    last = (n - 3) // 2  # below the Nyquist frequency, which would count half
    starts = [0]
    while (following := starts[-1] + max(1, int(starts[-1] * _BAND))) <= last:
        starts.append(following)
    sizes = np.diff([*starts, last + 1])
    frequency = 2 * math.pi / (n - 2) * (np.array(starts) + (sizes - 1) / 2)
    ordinates = sizes.astype(float)
    ordinates[0] = 0.5
    return Bands(np.add.reduceat(power[:, : last + 1], starts, axis=1) / sizes, frequency, ordinates, n)


@dataclass(frozen=True)
class Optimum:
    """The maximum of a likelihood.

    Attributes:
        at: the parameters, (p,).
        log_likelihood: there.
        expected: power, (bands,), Å².
        information: Fisher's, (p, p).
        bound: whether each parameter is at an end of its range, (p,).
    """

    at: Array
    log_likelihood: float
    expected: Array
    information: Array
    bound: NDArray[np.bool_]


def maximise(expected: Callable[[Array], Array], bands: Bands, start: Array, low: Array, high: Array) -> Optimum:
    """Most likely parameters within bounds, by Fisher's scoring, damped as Levenberg's and Marquardt's.

    Args:
        expected: power of parameters (k, p), (k, bands), Å²; NaN or not positive if undefined.
        bands: the data.
        start, low, high: (p,), of parameters scaled to change by about one.
    """
    size = len(start)
    stencil = np.vstack([np.zeros(size), _STEP * np.eye(size), -_STEP * np.eye(size)])
    measured = bands.power.mean(axis=0)

    def look(at: Array) -> tuple[float, Array, Array, Array]:
        with np.errstate(all="ignore"):
            powers = expected(at + stencil)
            logs = np.log(powers)
            slopes = (logs[1 : size + 1] - logs[size + 1 :]) / (2 * _STEP)
            gradient = slopes @ (bands.weights * (measured / powers[0] - 1))
            return float(bands.log_likelihood(powers[0])), powers[0], gradient, (slopes * bands.weights) @ slopes.T

    at = np.clip(start, low, high)
    value, power, gradient, information = look(at)
    damping = 1e-2
    for _ in range(_ITERATIONS):
        free = ~(((at <= low) & (gradient < 0)) | ((at >= high) & (gradient > 0)))
        inner, gain = information[np.ix_(free, free)], 0.0
        while free.any() and damping < 1e8:
            ridge = damping * np.diag(np.diag(inner) + 1e-3)
            move = np.zeros(size)
            move[free] = np.clip(np.linalg.solve(inner + ridge, gradient[free]), -1.5, 1.5)
            trial = np.clip(at + move, low, high)
            found = look(trial)
            if found[0] >= value and np.isfinite(found[2]).all():
                gain = found[0] - value
                at, (value, power, gradient, information) = trial, found
                damping = max(damping / 10, 1e-6)
                break
            damping *= 10
        if gain < _ENOUGH:
            break
    return Optimum(at, value, power, information, (at <= low + 1e-9) | (at >= high - 1e-9))


def check_positions(position: Array, **quantities: float) -> None:
    """Reject invalid positions and quantities (``name_unit``) that are not positive.

    Raises:
        ValueError: names the quantity, or says that nothing moves.
        SeriesTooShortError: if there are fewer than ``FEWEST`` samples.
    """
    if position.ndim != 2 or not position.size or not np.isfinite(position).all():
        raise ValueError(f"position of shape {position.shape}: must be finite, (series, samples)")
    for name, value in quantities.items():
        if not (math.isfinite(value) and value > 0):
            raise ValueError(f"{name} = {value}: must be a positive finite number")
    if (np.ptp(position, axis=1) == 0).any():
        raise ValueError("position: a particle that never moves has no spectrum")
    if position.shape[1] < FEWEST:
        raise SeriesTooShortError(
            f"series of {position.shape[1]} samples are too short for a spectrum: each needs at least {FEWEST}"
        )
