"""The exact distribution of ε = |Q|/W for heat and work accumulated over a short window (arXiv:2211.05502, Fig. 10).

Work and heat are quadratic forms of the Gaussian path of the pair: of its positions at many instants and its velocities at
both ends. The distribution of the direction of a vector of two quadratic forms follows from one-dimensional distributions.
With U_θ the component of the vector along the direction θ and ω(α) the density of the direction of the vector,

    P(U_θ > 0) = ∫ ω(α) 1[cos(θ - α) > 0] dα,   E log|U_θ| = ∫ ω(α) log|cos(θ - α)| dα + const,

two convolutions, of which the first gives the odd and the second the even Fourier coefficients of ω. Both left sides are
integrals over the characteristic function Π (1 - 2iλr)^(-1/2), λ the eigenvalues of the form of U_θ:

    P(U > 0) = 1/2 + (1/π) ∫ Im φ(r) d ln r,   E log|U| = const - ∫ (Re φ(r) - 1/(1 + r²)) d ln r.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from analysis.model.cop import LawOfRatio
from analysis.model.lyapunov import Array
from analysis.model.refrigerator import Refrigerator

_ANGLES = 256  # in half a turn

# Of the trapezoidal rule in ln r. The integrands are analytic within |Im ln r| < π/2, so the error is
# exp(-2π²/2/0.3), and at the ends they have decreased by exp(-36).
_LOG_R = np.arange(-36.0, 40.0, 0.3)

# Relative variance: separates forms that are equal within rounding.
_ROUNDING = 1e-14

STEPS = 16
"""Parts of a window at whose ends the path is known; with twice as many the cdf changes by less than 10⁻⁴ at 1 ps."""


@dataclass(frozen=True, eq=False)
class QuadraticRatioLaw(LawOfRatio):
    """Distribution of ε = |q|/w for two quadratic forms q = zᵀ Q z and w = zᵀ W z of independent standard normal z.

    Attributes:
        numerator: Q, symmetric, (d, d), eV.
        denominator: W, symmetric, (d, d), eV; not a multiple of Q.
    """

    numerator: Array
    denominator: Array

    @cached_property
    def _whitening(self) -> Array:
        """T, (2, 2): the components of T (q, w) have unit variance and no correlation, so that ω is smooth."""
        forms = np.stack([self.numerator, self.denominator])
        covariance = 2 * np.einsum("aij,bij->ab", forms, forms) * (1 + _ROUNDING * np.eye(2))
        return np.asarray(np.linalg.inv(np.linalg.cholesky(covariance)))

    @cached_property
    def _coefficients(self) -> Array:
        """∫ ω(α) e^(-inα) dα for n = 0 … m - 1, complex, (m,); m is the number of angles in half a turn."""
        first, second = np.einsum("ab,bij->aij", self._whitening, np.stack([self.numerator, self.denominator]))
        theta = np.pi * np.arange(_ANGLES) / _ANGLES
        forms = np.cos(theta)[:, None, None] * first + np.sin(theta)[:, None, None] * second
        weights = np.linalg.eigvalsh(forms)
        step, r = _LOG_R[1] - _LOG_R[0], np.exp(_LOG_R)
        characteristic = np.exp(-0.5 * sum(np.log(1 - 2j * np.outer(each, r)) for each in weights.T))
        above = 0.5 + step * characteristic.imag.sum(axis=1) / np.pi
        logs = -step * (characteristic.real - 1 / (1 + r**2)).sum(axis=1)
        # After half a turn the component has the opposite sign.
        even = np.fft.fft(np.concatenate([logs, logs]))[:_ANGLES] / (2 * _ANGLES)
        odd = np.fft.fft(np.concatenate([above, 1 - above]))[:_ANGLES] / (2 * _ANGLES)
        n = np.arange(_ANGLES)
        found = np.where(n % 2 == 0, -n * np.cos(np.pi * n / 2) * even, np.pi * n * np.sin(np.pi * n / 2) * odd)
        found[0] = 1.0
        return np.asarray(found)

    def _angle(self, direction: ArrayLike) -> float:
        across, along = self._whitening @ np.asarray(direction, dtype=float)
        return float(np.arctan2(along, across))

    def _sector(self, start: ArrayLike, end: ArrayLike) -> float:
        """Probability of a direction of (q, w) between two, less than half a turn apart, from ``start`` counterclockwise."""
        first, last = (
            self._angle(start),
            self._angle(end),
        )  # the whitening, triangular and positive, preserves the orientation
        width = (last - first) % (2 * np.pi)
        n = np.arange(1, _ANGLES)
        turns = (np.exp(1j * n * (first + width)) - np.exp(1j * n * first)) / (1j * n)
        return float((width + 2 * (self._coefficients[1:] * turns).real.sum()) / (2 * np.pi))

    def _beyond(self, ratio: float, side: float) -> float:
        """See ``LawOfRatio``."""
        if side > 0:
            return self._sector((1, 0), (ratio, 1)) + self._sector((-ratio, 1), (-1, 0))
        return self._sector((-1, 0), (-ratio, -1)) + self._sector((ratio, -1), (1, 0))

    def tail_amplitude(self) -> float:
        """A in p(ε) → A/ε² as ε → ±∞; P(|ε| > e) → 2A/e."""
        n = np.arange(1, _ANGLES)
        total = 0.0
        for direction in ((1.0, 0.0), (-1.0, 0.0)):
            turns = np.exp(1j * n * self._angle(direction))
            density = (1 + 2 * (self._coefficients[1:] * turns).real.sum()) / (2 * np.pi)
            stretch = np.linalg.det(self._whitening) / np.sum((self._whitening @ np.array(direction)) ** 2)
            total += density * stretch
        return float(total)


def heat_cop(machine: Refrigerator, window: float, side: int = 0, steps: int = STEPS) -> QuadraticRatioLaw:
    """Exact distribution of ε = |Q_j|/W for heat and work accumulated over a window, W of the whole force on both particles.

    Heat is released by a particle: work minus the change of its energy ½mV² + ½κX². The work is summed over mid-points of
    ``steps`` parts of the window, which is the only approximation.

    Args:
        machine: in its steady state, with a coupling.
        window: ps, positive.
        side: of the heat, 0 for the cold particle and 1 for the hot one.
        steps: parts of the window.

    Raises:
        ValueError: if the window is not positive, or there is no steady state.
    """
    if not window > 0:
        raise ValueError(f"window = {window} ps: must be positive")
    times = np.linspace(0.0, window, steps + 1)
    correlation = machine.correlation(times[:, None] - times[None, :])
    p = machine.coordinates
    # The path: positions (2) at all times, then velocities (2) at the first and at the last.
    where = [(i, j) for i in range(steps + 1) for j in (0, 1)] + [(i, p + j) for i in (0, steps) for j in (0, 1)]
    instant, element = np.array(where).T
    covariance = correlation[instant[:, None], instant[None, :], element[:, None], element[None, :]]
    force = machine.controller_force("full")
    masses = machine.masses
    works = np.zeros((2, len(where), len(where)))
    for i in range(steps):
        now, then = slice(2 * i, 2 * i + 2), slice(2 * i + 2, 2 * i + 4)
        for j in (0, 1):
            for place, sign in ((then.start + j, 0.5), (now.start + j, -0.5)):
                works[j, place, now] += sign * force[j]
                works[j, place, then] += sign * force[j]
    heat = works[side].copy()
    for place, sign in ((0, -1.0), (2 * steps, 1.0)):
        heat[place + side, place + side] -= sign * machine.trap / 2
    for place, sign in ((2 * steps + 2, -1.0), (2 * steps + 4, 1.0)):
        heat[place + side, place + side] -= sign * masses[side] / 2
    variances, directions = np.linalg.eigh(covariance)
    root = directions * np.sqrt(np.maximum(variances, 0.0))
    numerator, denominator = (root.T @ (form + form.T) @ root / 2 for form in (heat, works.sum(axis=0)))
    return QuadraticRatioLaw(numerator, denominator)
