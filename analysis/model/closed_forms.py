"""The paper's closed formulas (arXiv:2211.05502; equation numbers of that version), corrected and as printed.

They are valid for equal masses and equal frictions; the heat flows are extended here to any. ``printed=True`` gives the
published formula where it differs, only for comparison: docs/explanation/errata.md explains each error. Side j is
"cold" or "hot", l is the other side.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from analysis.model.lyapunov import Array
from analysis.units import BOLTZMANN

if TYPE_CHECKING:
    from analysis.model.pair import LangevinPair

Side = Literal["cold", "hot"]


def heat_rates(pair: LangevinPair, *, printed: bool = False) -> Array:
    """Mean heat into the baths (cold, hot), eV/ps: eqs. (3), (4), (B10); printed, (3) and (4) have the wrong sign.

    Unlike that of the paper, this formula is also valid for unequal masses and frictions.
    """
    drive = pair.coupling_cold * pair.temperature_hot - pair.coupling_hot * pair.temperature_cold
    flow = BOLTZMANN * drive / _resistance(pair) * np.array([pair.coupling_cold, -pair.coupling_hot])
    return -flow if printed else flow


def _resistance(pair: LangevinPair) -> float:
    """N, eV² ps/Å⁴: the denominator of every heat flow.

    For equal masses and frictions it is (m/2γ)(κ_C + κ_H)² + γ(2κ + κ_C + κ_H).
    """
    (mc, mh), kc, kh = pair.masses, pair.coupling_cold, pair.coupling_hot
    gc, gh = pair.friction_cold, pair.friction_hot
    stiff_cold, stiff_hot = pair.trap + kc, pair.trap + kh
    crossed = gc * mh + gh * mc
    detuning = (mh * stiff_cold - mc * stiff_hot) ** 2 / crossed
    return float(detuning + kc * kh * crossed / (gc * gh) + gc * stiff_hot + gh * stiff_cold)


def entropy_production(pair: LangevinPair) -> float:
    """Mean entropy production rate, eV/(K ps): eqs. (5), (B12); for any masses and frictions."""
    tc, th = pair.temperature_cold, pair.temperature_hot
    drive = pair.coupling_cold * th - pair.coupling_hot * tc
    return BOLTZMANN * drive**2 / (tc * th * _resistance(pair))


def coupling_hot_of_largest_cooling(pair: LangevinPair) -> float:
    """κ_H, eV/Å², with the largest heat from the bath named cold, for any masses and frictions.

    Q_C is linear over quadratic in κ_H; its extremum lies √(N(κ₀)/N₂) above the pseudo-equilibrium κ₀ = κ_C T_H/T_C, with N₂
    the coefficient of κ_H² in N.

    Raises:
        ValueError: if κ_C is not positive: no κ_H cools then without risk of instability.
    """
    if pair.coupling_cold <= 0:
        raise ValueError(f"coupling_cold = {pair.coupling_cold} eV/Å²: must be positive to cool")
    balance = pair.coupling_cold * pair.temperature_hot / pair.temperature_cold
    mc, mh = pair.masses
    curvature = mc**2 / (pair.friction_cold * mh + pair.friction_hot * mc)
    at_balance = _resistance(replace(pair, coupling_hot=balance))
    return balance + math.sqrt(at_balance / curvature)


def eigenvalues(pair: LangevinPair) -> NDArray[np.complex128]:
    """Eigenvalues of the drift, (4,), 1/ps: eqs. (F1), (F2).

    Raises:
        ValueError: if masses or frictions differ.
    """
    m, g = _common(pair)
    stiff = np.array([pair.trap, pair.trap + pair.coupling_cold + pair.coupling_hot])
    roots = np.emath.sqrt(g**2 - 4 * m * stiff)
    return np.concatenate([(-g + roots) / (2 * m), (-g - roots) / (2 * m)], dtype=complex)


def covariance(pair: LangevinPair, *, printed: bool = False) -> Array:
    """Stationary covariance of (X_C, X_H, V_C, V_H), (4, 4): eqs. (B8a)-(B8g); printed, (B8f) has a wrong sign.

    Raises:
        ValueError: if masses or frictions differ.
    """
    m, g = _common(pair)
    tc, th = BOLTZMANN * pair.temperature_cold, BOLTZMANN * pair.temperature_hot
    a0, k0, k1, a1 = _coupling_matrix(pair)
    common = m * ((a0 - a1) ** 2 + 4 * k0 * k1) - 2 * g**2 * (a0 + a1)
    det = a0 * a1 - k0 * k1
    drive = k1 * tc - k0 * th

    def position(a0: float, a1: float, k0: float, k1: float, own: float, other: float) -> float:
        inertial = m * own * (-((a0 - a1) ** 2) * a1 + (a0 - 3 * a1) * k0 * k1) - k0**2 * m * other * (a0 + a1)
        viscous = 2 * g**2 * (a1 * (a0 + a1) * own - k0 * k1 * own + k0**2 * other)
        return (inertial + viscous) / (det * common)

    sign = 1.0 if printed else -1.0
    inertial = m * tc * k1 * (-a0 * a1 + a1**2 + 2 * k0 * k1) + k0 * m * th * (a0**2 - a0 * a1 + 2 * k0 * k1)
    x_cross = (inertial + 2 * g**2 * (sign * a1 * k1 * tc - a0 * k0 * th)) / (det * common)
    x_cold, x_hot = position(a0, a1, k0, k1, tc, th), position(a1, a0, k1, k0, th, tc)
    v_cold = -2 * k0 * drive / common + tc / m
    v_hot = 2 * k1 * drive / common + th / m
    v_cross = (a0 - a1) * drive / common
    mixed = 2 * g * drive / common
    return np.array(
        [
            [x_cold, x_cross, 0.0, mixed],
            [x_cross, x_hot, -mixed, 0.0],
            [0.0, -mixed, v_cold, v_cross],
            [mixed, 0.0, v_cross, v_hot],
        ]
    )


def position_variance(pair: LangevinPair, side: Side, *, printed: bool = False) -> float:
    """<X_l²> of the *other* side l, Å²: eq. (27); printed, the denominator lacks γ² and has its brackets misplaced.

    Raises:
        ValueError: if masses or frictions differ.
    """
    m, g = _common(pair)
    k, kj, kl, tj, tl = _seen_from(pair, side)
    inertial = m * tl * (kj**2 * (kj + kl) + k * (kj**2 + kl**2)) + m * tj * kl**2 * (2 * k + kj + kl)
    viscous = 2 * g**2 * (kl**2 * tj + tl * (k + kj) * (2 * k + kj) + k * kl * tl)
    common = m * (kj + kl) ** 2 + 2 * g**2 * (2 * k + kj + kl)
    if printed:
        common = m * ((kj + kl) ** 2 + 2 * (2 * k + kj + kl))
    return (inertial + viscous) / (k * (k + kj + kl) * common)


def velocity_variance(pair: LangevinPair, side: Side) -> float:
    """<V_j²>, Å²/ps²: eqs. (28), (B9).

    Raises:
        ValueError: if masses or frictions differ.
    """
    m, g = _common(pair)
    k, kj, kl, tj, tl = _seen_from(pair, side)
    return kj * (kj * tl - kl * tj) / ((m / 2) * (kj + kl) ** 2 + g**2 * (2 * k + kj + kl)) + tj / m


def cross_covariance(pair: LangevinPair, side: Side, *, printed: bool = False) -> float:
    """<X_l V_j>, Å²/ps: eq. (29); printed, its denominator has κ_jκ_l instead of κ_j + κ_l.

    Raises:
        ValueError: if masses or frictions differ.
    """
    m, g = _common(pair)
    k, kj, kl, tj, tl = _seen_from(pair, side)
    couplings = kj * kl if printed else kj + kl
    return 2 * g * (kj * tl - kl * tj) / (m * (kj + kl) ** 2 + 2 * (2 * k + couplings) * g**2)


class PowerCoefficients(NamedTuple):
    """Coefficients of eqs. (9), (25), (26), (E4), (E5): the joint density of X_l and V_j is ∝ exp(-αx² + βxv - ζv²)."""

    alpha: float
    beta: float
    zeta: float
    psi: float


def power_coefficients(pair: LangevinPair, side: Side, *, printed: bool = False) -> PowerCoefficients:
    """α_j (1/Å²), β_j (ps/Å²), ζ_j (ps²/Å²), ψ_j: eq. (E5); printed, β has 1 - ψ² under the root instead of outside.

    Raises:
        ValueError: if masses or frictions differ.
    """
    x, v = position_variance(pair, side), velocity_variance(pair, side)
    psi = cross_covariance(pair, side) / math.sqrt(x * v)
    rest = 1 - psi**2
    beta = psi / (math.sqrt(x * v) * (math.sqrt(rest) if printed else rest))
    return PowerCoefficients(1 / (2 * x * rest), beta, 1 / (2 * v * rest), psi)


@dataclass(frozen=True)
class TwoSidedExponential:
    """Distribution whose density falls exponentially on both sides of zero, with the methods of a frozen one of SciPy.

    SciPy has it too, as `laplace_asymmetric`, but takes a second to load.

    Attributes:
        falling: decay rate of the density towards positive values, of the inverse unit of the variable.
        rising: the same towards negative values.
    """

    falling: float
    rising: float

    def mean(self) -> float:
        """Mean."""
        return 1 / self.falling - 1 / self.rising

    def var(self) -> float:
        """Variance."""
        return 1 / self.falling**2 + 1 / self.rising**2

    def pdf(self, x: ArrayLike) -> Array:
        """Density, of the shape of ``x``."""
        return np.asarray(self._decay(x) / (1 / self.falling + 1 / self.rising))

    def cdf(self, x: ArrayLike) -> Array:
        """Distribution function, of the shape of ``x``."""
        both, decay = self.falling + self.rising, self._decay(x)
        return np.where(np.asarray(x) < 0, self.falling / both * decay, 1 - self.rising / both * decay)

    def _decay(self, x: ArrayLike) -> Array:
        """The density over its maximum."""
        return np.asarray(np.exp(-np.where(np.asarray(x) < 0, -self.rising, self.falling) * x))


def published_power_law(pair: LangevinPair, side: Side) -> TwoSidedExponential:
    """Eq. (9), (E9), normalised: the distribution of the power κ_j X_l V_j in the paper, eV/ps.

    It lacks the Jacobian 1/|κ_j x_l|, so it is a two-sided exponential with twice the correct variance; compare
    ``LangevinPair.power_distribution``. Its coefficients are the corrected ones.

    Raises:
        ValueError: if masses or frictions differ, or the side has no coupling.
    """
    return TwoSidedExponential(*_published_rates(pair, side, power_coefficients(pair, side)))


def published_power_variance(pair: LangevinPair, side: Side) -> float:
    """Eqs. (30), (E10) as printed: neither the variance of eq. (9) nor of the power, and of mixed dimension.

    Raises:
        ValueError: if masses or frictions differ, or the side has no coupling.
    """
    falling, rising = _published_rates(pair, side, power_coefficients(pair, side, printed=True))
    norm = 1 / falling + 1 / rising
    return (2 / rising**3 + 2 / falling**3 - (1 / rising**2 + 2 / falling**2) ** 2) / norm


def _published_rates(pair: LangevinPair, side: Side, c: PowerCoefficients) -> tuple[float, float]:
    """Decay rates of eq. (9) towards positive and towards negative power, ps/eV."""
    kappa = pair.coupling_cold if side == "cold" else pair.coupling_hot
    if kappa == 0:
        raise ValueError(f"coupling_{side} = 0: without a coupling there is no power")
    even, odd = 2 * np.sqrt(c.alpha * c.zeta) / abs(kappa), c.beta / kappa
    return float(even - odd), float(even + odd)


def _common(pair: LangevinPair) -> tuple[float, float]:
    """The common mass and friction assumed in the paper."""
    mc, mh = pair.masses
    if mc != mh or pair.friction_cold != pair.friction_hot:
        raise ValueError(
            f"mass = {pair.mass}, friction_cold = {pair.friction_cold}, friction_hot = {pair.friction_hot}: the paper's "
            "formula needs equal masses and frictions; use the pair's own methods"
        )
    return float(mc), pair.friction_cold


def _coupling_matrix(pair: LangevinPair) -> tuple[float, float, float, float]:
    """a₀, k₀, k₁, a₁ of eq. (B5), eV/Å²."""
    kc, kh = pair.coupling_cold, pair.coupling_hot
    return -(pair.trap + kc), kc, kh, -(pair.trap + kh)


def _seen_from(pair: LangevinPair, side: Side) -> tuple[float, float, float, float, float]:
    """κ, κ_j, κ_l, k_B T_j, k_B T_l for side j."""
    couplings = (pair.coupling_cold, pair.coupling_hot)
    thermal = (BOLTZMANN * pair.temperature_cold, BOLTZMANN * pair.temperature_hot)
    own, other = (0, 1) if side == "cold" else (1, 0)
    return pair.trap, couplings[own], couplings[other], thermal[own], thermal[other]
