"""The fluctuating coefficient of performance ε = |Q_C|/W (arXiv:2211.05502, eqs. 10, 11): distribution and tail.

Whenever the density of (Q_C, W) does not vanish at W = 0, small denominators give ε a tail A/ε² on both sides, so ε has no
mean. The amplitude A = ∫|q| p(q, 0) dq determines the weight of the tail. Derivation: docs/explanation/theory.md.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from analysis.model.lyapunov import Array
from analysis.model.refrigerator import Refrigerator

# Directions and distances of the pair of positions for the average of the sampled distribution; cdf within 3e-5.
_ANGLES, _RADII = 1024, 12

# Relative rounding error of the standard deviation of a difference.
_ROUNDING = 4 * math.sqrt(np.finfo(float).eps)


class LawOfRatio(ABC):
    """Distribution of ε = |q|/w, from the probability that |q| exceeds a multiple of |w| on either side of w = 0."""

    def sf(self, ratio: ArrayLike) -> Array:
        """P(ε > ratio), any shape; at Carnot's value, the probability to exceed it temporarily."""
        flat = np.asarray(ratio, dtype=float).ravel()
        values = [self._beyond(e, 1.0) if e >= 0 else 1 - self._beyond(-e, -1.0) for e in flat]
        return np.reshape(values, np.shape(ratio))

    def cdf(self, ratio: ArrayLike) -> Array:
        """P(ε <= ratio), any shape."""
        return np.asarray(1 - self.sf(ratio))

    @abstractmethod
    def _beyond(self, ratio: float, side: float) -> float:
        """P(side·w > 0 and |q| > ratio·|w|), for a ratio >= 0."""


@dataclass(frozen=True, eq=False)
class RatioLaw(LawOfRatio):
    """Distribution of ε = |q|/w, with (q, w) from a weighted mixture of bivariate normal distributions.

    Attributes:
        means: of (q, w), (k, 2), eV.
        covariances: of (q, w), (k, 2, 2), eV², positive definite.
        weights: of the k components, sum 1.
    """

    means: Array
    covariances: Array
    weights: Array

    def pdf(self, ratio: ArrayLike) -> Array:
        """Density of ε at any real ratio, any shape."""
        flat = np.asarray(ratio, dtype=float).ravel()
        values = [sum(self._ray(np.array([q, math.copysign(1.0, e)])) for q in (e, -e)) for e in flat]
        return np.reshape(values, np.shape(ratio))

    @cached_property
    def _kept(self) -> Array:
        """The covariances, at most singular within rounding: one power may dominate the other."""
        return np.asarray(self.covariances * (1 + _ROUNDING**2 * np.eye(2)))

    @cached_property
    def _inverses(self) -> Array:
        return np.asarray(np.linalg.inv(self._kept))

    @cached_property
    def _heights(self) -> Array:
        """μᵀ Σ⁻¹ μ and the weight over 2π√det Σ, of every component: (2, k)."""
        squares = np.einsum("ki,kij,kj->k", self.means, self._inverses, self.means)
        return np.stack([squares, self.weights / (2 * np.pi * np.sqrt(np.linalg.det(self._kept)))])

    def _ray(self, direction: Array) -> float:
        """∫₀^∞ s p(s·direction) ds of the mixture's density p."""
        from scipy.special import erfcx, ndtr

        c, norm = self._heights
        along = self._inverses @ direction
        a = along @ direction
        t = np.einsum("ki,ki->k", along, self.means) / np.sqrt(a)
        # 1 + t √2π Φ(t) e^(t²/2), times e^(-c/2) with t² <= c: no overflow, and no cancellation at t << 0.
        below = np.exp(-c / 2) * (1 + np.minimum(t, 0) * np.sqrt(np.pi / 2) * erfcx(-np.minimum(t, 0) / np.sqrt(2)))
        above = np.exp(-c / 2) + t * np.sqrt(2 * np.pi) * ndtr(t) * np.exp((t**2 - c) / 2)
        return float(norm @ (np.where(t < 0, below, above) / a))

    def _beyond(self, ratio: float, side: float) -> float:
        """See ``LawOfRatio``."""
        total = 0.0
        (q, w), qq, qw, ww = self.means.T, *(self.covariances[:, i, j] for i, j in ((0, 0), (0, 1), (1, 1)))
        sd_q, sd_w = np.sqrt(qq), np.sqrt(ww)
        for sign in (1.0, -1.0):
            # Of side·w and of sign·q - ratio·side·w, element by element: thousands of small matrices take far longer.
            other = sign * q - ratio * side * w
            shared = side * sign * qw - ratio * ww
            square = qq - 2 * sign * side * ratio * qw + ratio**2 * ww
            # If the two are nearly equal, their difference is dominated by rounding.
            sd = np.maximum(np.sqrt(np.abs(square)), _ROUNDING * (sd_q + ratio * sd_w))
            total += float(np.sum(self.weights * _both_positive(side * w / sd_w, other / sd, shared / (sd_w * sd))))
        return total

    def tail_amplitude(self) -> float:
        """A in p(ε) → A/ε² as ε → ±∞; P(|ε| > e) → 2A/e."""
        return self._ray(np.array([1.0, 0.0])) + self._ray(np.array([-1.0, 0.0]))

    def tail_onset(self, tolerance: float = 0.1) -> float:
        """The ε beyond which p(ε) ε²/A stays within the tolerance of 1 on the positive side.

        Raises:
            ValueError: if the tail does not begin below ε = 10⁴, because the denominator is almost never near zero.
        """
        amplitude = self.tail_amplitude()
        grid = np.logspace(4, -2, 301)
        off = np.abs(self.pdf(grid) * grid**2 - amplitude) > tolerance * amplitude
        if off[0] or amplitude == 0.0:
            raise ValueError("the tail has not set in by a ratio of 1e4: the denominator is almost never near zero")
        return float(grid[np.argmax(off) - 1]) if off.any() else float(grid[-1])


def sampled_cop(machine: Refrigerator, dt: float | None = None) -> RatioLaw:
    """Exact distribution of ε = |P_C|/(P_C + P_H) with the powers of ``Refrigerator.power_distribution``, cross force.

    The work on the cold particle is used for the heat of its bath; they differ by the change of the energy of the particle.
    Given both positions the powers are jointly Gaussian, so the distribution is a mixture over positions.

    Args:
        machine: in its steady state, both couplings not zero.
        dt: sampling interval, ps; None for instantaneous powers.

    Raises:
        ValueError: if a coupling is zero, dt is not positive, or there is no steady state.
    """
    force = machine.controller_force("cross")
    if not (force[0, 1] and force[1, 0]):
        raise ValueError(f"coupling_cold = {force[0, 1]}, coupling_hot = {force[1, 0]}: both must differ from zero")
    c = machine.sampled_covariance(dt)
    x, v = slice(0, 2), slice(2, 4)
    regression = np.linalg.solve(c[x, x], c[x, v]).T
    left = c[v, v] - regression @ c[x, v]
    # Polar coordinates in the plane of whitened positions: half a turn, since (x, v) -> (-x, -v) changes no power.
    angles = (np.arange(_ANGLES) + 0.5) * np.pi / _ANGLES
    halves, radial_weights = np.polynomial.laguerre.laggauss(_RADII)
    white = np.sqrt(2 * halves)[:, None, None] * np.stack([np.cos(angles), np.sin(angles)], axis=-1)
    positions = (white @ np.linalg.cholesky(c[x, x]).T).reshape(-1, 2)
    pushes = positions @ force.T
    to_powers = np.zeros((len(positions), 2, 2))
    to_powers[:, 0, 0] = to_powers[:, 1, 0] = pushes[:, 0]
    to_powers[:, 1, 1] = pushes[:, 1]
    means = np.einsum("kij,kj->ki", to_powers, positions @ regression.T)
    covariances = to_powers @ left @ np.swapaxes(to_powers, 1, 2)
    return RatioLaw(means, covariances, np.repeat(radial_weights / _ANGLES, _ANGLES))


def window_cop(machine: Refrigerator, window: float) -> RatioLaw:
    """Distribution of ε = |Q_C|/W for heat and work accumulated over a window, in the Gaussian approximation.

    The means and covariances are exact at any window, the Gaussian shape is not: at the paper's parameters the cdf is off
    by up to 0.05 for windows of 2 to 50 ps. Over long windows heat and work become proportional and ε narrows to its mean
    value.

    Args:
        machine: in its steady state.
        window: ps, positive.

    Raises:
        ValueError: if the window is not positive, or there is no steady state.
    """
    pick = np.array([[0.0, 0.0, 1.0, 0.0], [1.0, 1.0, 0.0, 0.0]])  # heat_cold; work_cold + work_hot
    means = window * pick @ machine.flow_rates()
    covariances = pick @ machine.flow_covariance(window) @ pick.T
    return RatioLaw(means[None], covariances[None], np.ones(1))


def _both_positive(h: Array, k: Array, correlation: Array) -> Array:
    """P(Y₁ > 0, Y₂ > 0) for unit normals of means h, k: the bivariate normal integral by Owen's T function."""
    from scipy.special import ndtr, owens_t

    correlation = np.clip(correlation, -1.0, 1.0)  # rounding may exceed 1 for nearly parallel directions
    root = np.sqrt((1 - correlation) * (1 + correlation))
    with np.errstate(divide="ignore", invalid="ignore"):
        first = owens_t(h, np.where(h == 0, np.copysign(np.inf, k), (k / h - correlation) / root))
        second = owens_t(k, np.where(k == 0, np.copysign(np.inf, h), (h / k - correlation) / root))
    apart = np.where(h * k < 0, 0.5, np.where((h * k == 0) & (h + k < 0), 0.5, 0.0))
    both = (ndtr(h) + ndtr(k)) / 2 - first - second - apart
    return np.where((h == 0) & (k == 0), 0.25 + np.arcsin(correlation) / (2 * np.pi), both)
