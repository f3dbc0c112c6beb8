"""Exact distributions of power: quadratic forms of Gaussian variables, used like a frozen SciPy distribution.

The power on one particle is a product of two correlated Gaussians (force and velocity), the total power a
sum of two such products. Diagonalised, either is w = Σ λ_j Z_j² with independent standard normal Z_j. Its
characteristic function is Π (1 - 2iλ_j k)^(-1/2); closing the inversion integral around the branch cut
between the one or two positive λ gives a real integral with a positive integrand, which the trapezoidal
rule evaluates to rounding error. Derivation: docs/explanation/theory.md.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike

from analysis.model.lyapunov import Array

# Nodes of the trapezoidal rule in u, where s(u) runs along the cut. The integrands decay like exp(-|u|) or
# faster and are analytic within |Im u| < π/4, so step and cut-off cause errors of exp(-39) and exp(-40).
_STEP = 0.125
_NODES = np.arange(-40.0, 40.0 + _STEP / 2, _STEP)
_CHUNK = 4096  # arguments at a time: a million samples at once would need gigabytes
_NEGLIGIBLE = 1e-13  # relative size below which an eigenvalue is rounding error


@dataclass(frozen=True)
class QuadraticFormLaw:
    """Distribution of w = Σ λ_j Z_j², with Z_j independent standard normal and at most two λ of each sign.

    Attributes:
        weights: the λ_j, none zero; for a power in eV/ps.
    """

    weights: tuple[float, ...]

    def __post_init__(self) -> None:
        """Check the weights.

        Raises:
            ValueError: if there is none, one is zero or not finite, or more than two share a sign.
        """
        w = np.array(self.weights)
        if w.size == 0 or not np.isfinite(w).all() or (w == 0).any():
            raise ValueError(f"weights = {self.weights}: need at least one, all finite and not zero")
        if max((w > 0).sum(), (w < 0).sum()) > 2:
            raise ValueError(f"weights = {self.weights}: at most two may share a sign")

    @classmethod
    def of(cls, form: Array, covariance: Array) -> Self:
        """Distribution of rᵀ F r for a Gaussian r of mean zero; form F (symmetric) and covariance both (d, d).

        Raises:
            ValueError: if the form vanishes, as the power does without a coupling.
        """
        from scipy.linalg import cholesky, eigvalsh

        root = cholesky(covariance, lower=True)
        weights = eigvalsh(root.T @ form @ root)
        kept = weights[np.abs(weights) > _NEGLIGIBLE * np.abs(weights).max()]
        if kept.size == 0:
            raise ValueError("the quadratic form is zero: without a coupling there is no power")
        return cls(tuple(float(x) for x in kept))

    def mean(self) -> float:
        """Mean, Σ λ."""
        return float(np.sum(self.weights))

    def var(self) -> float:
        """Variance, 2 Σ λ²."""
        return float(2 * np.sum(np.square(self.weights)))

    def std(self) -> float:
        """Standard deviation."""
        return float(np.sqrt(self.var()))

    def relative_variance(self) -> float:
        """Variance over the mean squared; infinite if the mean is zero or of the size of rounding errors."""
        nothing = abs(self.mean()) <= _NEGLIGIBLE * float(np.abs(self.weights).sum())
        return math.inf if nothing else self.var() / self.mean() ** 2

    def rvs(self, size: int | tuple[int, ...] = 1, *, rng: np.random.Generator) -> Array:
        """Random values of the given shape."""
        shape = (size,) if isinstance(size, int) else size
        return np.asarray(rng.chisquare(1.0, (*shape, len(self.weights))) @ np.array(self.weights))

    def pdf(self, w: ArrayLike) -> Array:
        """Probability density, any shape; infinite at w = 0 if there is only one weight of each sign.

        The distribution of one product is exp(ψw/(s(1-ψ²))) K₀(|w|/(s(1-ψ²)))/(π s √(1-ψ²)), s the product of both
        standard deviations with the coupling and ψ their correlation; this corrects eq. (9) of
        arXiv:2211.05502.
        """
        from scipy.special import k0e

        x = np.asarray(w, dtype=float)
        if len(self.weights) == 2 and np.prod(self.weights) < 0:
            up, down = max(self.weights), -min(self.weights)
            # K₀ without its exponential factor, for the tails: k0e(z) = e^z K₀(z).
            rate = np.where(x > 0, 1 / up, 1 / down) / 2
            with np.errstate(divide="ignore"):
                bessel = k0e(np.abs(x) * (1 / up + 1 / down) / 4)
            return np.asarray(bessel * np.exp(-np.abs(x) * rate) / (2 * np.pi * np.sqrt(up * down)))
        return np.where(x < 0, self._cut_integral(-x, sign=-1, power=0), self._cut_integral(x, sign=1, power=0))

    def sf(self, w: ArrayLike) -> Array:
        """Survival function P(W > w), any shape, with full relative accuracy in the upper tail."""
        x = np.asarray(w, dtype=float)
        return np.where(x < 0, 1 - self._cut_integral(-x, sign=-1, power=1), self._cut_integral(x, sign=1, power=1))

    def cdf(self, w: ArrayLike) -> Array:
        """Distribution function P(W <= w), any shape, with full relative accuracy in the lower tail."""
        x = np.asarray(w, dtype=float)
        return np.where(x < 0, self._cut_integral(-x, sign=-1, power=1), 1 - self._cut_integral(x, sign=1, power=1))

    def ppf(self, q: ArrayLike) -> Array:
        """Quantiles, any shape; nan outside 0 <= q <= 1."""
        probabilities = np.asarray(q, dtype=float)
        return np.asarray(np.vectorize(self._quantile, otypes=[float])(probabilities))

    def _quantile(self, q: float) -> float:
        from scipy.optimize import brentq

        low_end = -np.inf if min(self.weights) < 0 else 0.0
        high_end = np.inf if max(self.weights) > 0 else 0.0
        if q in (0.0, 1.0):
            return low_end if q == 0.0 else high_end
        if not 0 < q < 1:
            return np.nan
        reach = self.std()
        low, high = max(low_end, -reach), min(high_end, reach)
        while self.cdf(low) > q:
            low *= 2
        while self.cdf(high) < q:
            high *= 2
        return float(brentq(lambda x: float(self.cdf(x)) - q, low, high, xtol=1e-14 * reach, rtol=1e-14))

    def _cut_integral(self, w: Array, *, sign: int, power: int) -> Array:
        """The density (power 0) or the tail beyond w (power 1) at w >= 0 of sign·W; undefined at w < 0.

        (1/π) ∫ s^(-power) e^(-sw) Π |1 - 2 λ_j s|^(-1/2) ds along the cut s₁ < s < s₂, s_j = 1/(2λ_j), or
        to infinity.
        """
        weights = sign * np.array(self.weights)
        up, down = np.sort(weights[weights > 0])[::-1], -weights[weights < 0]
        if up.size == 0:
            return np.zeros_like(w)
        first = 1 / (2 * up[0])
        u = _NODES
        if up.size == 2:
            # s = s₁ + (s₂ - s₁)/(1 + e^(-2u)): ds over both roots is du sech(u), whatever the ratio of the
            # weights.
            s = first + (1 / (2 * up[1]) - first) / (1 + np.exp(-2 * u))
            measure = 1 / (2 * np.sqrt(up[0] * up[1]) * np.cosh(u))
        else:
            s = first * (1 + np.exp(2 * u))
            measure = 2 * first * np.exp(u)
        measure = measure / np.sqrt(np.prod(1 + 2 * down[:, None] * s, axis=0)) / s**power
        flat = np.maximum(w, 0.0).ravel()
        result = np.empty_like(flat)
        for start in range(0, flat.size, _CHUNK):
            piece = slice(start, start + _CHUNK)
            result[piece] = np.exp(-np.multiply.outer(flat[piece], s)) @ measure
        return result.reshape(w.shape) * (_STEP / np.pi)
