"""Contents of a reservoir of free fermions whose density of states is A V ε^(α-1): particles, energy and entropy.

``Sommerfeld`` is the expansion to second order in T/μ that Vovchenko et al. (arXiv:2412.15355) use; equation numbers refer to
their supplement. ``Exact`` evaluates the full Fermi integrals. Contents are per A V, with k_B = ħ = 1. Temperatures, chemical
potentials and energies have the same unit. All arguments are broadcast.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit

Array = NDArray[np.float64]


class Gas(Protocol):
    """An equation of state; α = D/d for D dimensions and an energy proportional to the d-th power of momentum.

    Attributes:
        least_ratio: smallest valid μ/T.
    """

    @property
    def least_ratio(self) -> float: ...  # noqa: D102

    def contents(self, temperature: ArrayLike, chemical_potential: ArrayLike, exponent: ArrayLike) -> Array:
        """Particles, energy and entropy, each of the broadcast shape: (3, ...)."""

    def slopes(self, temperature: ArrayLike, chemical_potential: ArrayLike, exponent: ArrayLike) -> Array:
        """[[∂N/∂T, ∂N/∂μ], [∂E/∂T, ∂E/∂μ]], (2, 2, ...)."""


class Sommerfeld:
    """Sommerfeld expansion to order (T/μ)².

    It derives from the grand potential -μ^(α+1)/α(α+1) - π²T²μ^(α-1)/6, so that dE = T dS + μ dN.
    """

    # Above this μ/T the neglected orders are below 0.2 % of the particles (α = 3/2).
    least_ratio = 5.0

    def contents(self, temperature: ArrayLike, chemical_potential: ArrayLike, exponent: ArrayLike) -> Array:
        """Particles, energy and entropy, (3, ...) (eqs. 20, 21)."""
        t, mu, a = map(np.asarray, (temperature, chemical_potential, exponent))
        q = np.pi**2 / 6 * t**2
        particles = mu**a / a + q * (a - 1) * mu ** (a - 2)
        energy = mu ** (a + 1) / (a + 1) + q * a * mu ** (a - 1)
        return np.stack(np.broadcast_arrays(particles, energy, np.pi**2 / 3 * t * mu ** (a - 1)))

    def slopes(self, temperature: ArrayLike, chemical_potential: ArrayLike, exponent: ArrayLike) -> Array:
        """[[∂N/∂T, ∂N/∂μ], [∂E/∂T, ∂E/∂μ]], (2, 2, ...) (eqs. 22, 23)."""
        t, mu, a = map(np.asarray, (temperature, chemical_potential, exponent))
        q, s = np.pi**2 / 6 * t**2, np.pi**2 / 3 * t
        return np.stack(
            [
                np.stack([s * (a - 1) * mu ** (a - 2), mu ** (a - 1) + q * (a - 1) * (a - 2) * mu ** (a - 3)]),
                np.stack([s * a * mu ** (a - 1), mu**a + q * a * (a - 1) * mu ** (a - 2)]),
            ]
        )


# Fermi's edge cosh⁻²((ε-μ)/2T)/4 has fallen to 1e-17 at 40 T. Poles at ±iπ T set how many nodes rounding needs.
_EDGE = 40.0
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(256)


class Exact:
    """Full Fermi integrals for any μ/T, to rounding for exponents that are multiples of 1/2."""

    least_ratio = -np.inf

    def contents(self, temperature: ArrayLike, chemical_potential: ArrayLike, exponent: ArrayLike) -> Array:
        """By parts, ∫ε^(α-1) n dε = ∫(ε^α/α)(-∂n/∂ε) dε; the grand potential E - TS - μN is -E/α for any power law."""
        t, mu, a = np.broadcast_arrays(temperature, chemical_potential, exponent)
        particles = _edge_average(t, mu, a, 0) / a
        energy = _edge_average(t, mu, a + 1, 0) / (a + 1)
        return np.stack([particles, energy, (energy * (1 + 1 / a) - mu * particles) / t])

    def slopes(self, temperature: ArrayLike, chemical_potential: ArrayLike, exponent: ArrayLike) -> Array:
        """[[∂N/∂T, ∂N/∂μ], [∂E/∂T, ∂E/∂μ]], (2, 2, ...), from averages of the density of states over the Fermi edge."""
        t, mu, a = np.broadcast_arrays(temperature, chemical_potential, exponent)
        return np.stack(
            [
                np.stack([_edge_average(t, mu, a - 1, 1), _edge_average(t, mu, a - 1, 0)]),
                np.stack([_edge_average(t, mu, a, 1), _edge_average(t, mu, a, 0)]),
            ]
        )


def _edge_average(temperature: Array, chemical_potential: Array, power: Array, order: int) -> Array:
    """∫₀^∞ ε^power [(ε-μ)/T]^order (-∂n/∂ε) dε."""
    t, x, p = temperature[..., None], (chemical_potential / temperature)[..., None], power[..., None]
    # In s = √(ε/T) half-integer powers are smooth at the bottom of the band.
    low, high = np.sqrt(np.maximum(x - _EDGE, 0)), np.sqrt(np.maximum(x, 0) + _EDGE)
    s = (low + high) / 2 + (high - low) / 2 * _NODES
    above = s**2 - x
    edge = expit(above) * expit(-above)
    return np.asarray(np.sum(_WEIGHTS * (high - low) * t**p * s ** (2 * p + 1) * above**order * edge, axis=-1))
