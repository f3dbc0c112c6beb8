"""Full counting statistics of the quanta transferred by a bosonic network to its baths.

K_b is the number of quanta given to bath b so far. With the weight exp(-Σ_b s_b K_b) the state stays Gaussian and grows as
exp(θ(s) t). With n_ij = <c_j† c_i> of the weighted state, the drift matrix A and the columns B_b of B,

    0 = A n + n A† + Σ_b N̄_b B_b B_b† + Σ_b [α_b n B_b B_b† n + β_b (n + 1) B_b B_b† (n + 1)]
    θ = Σ_b [α_b B_b† n B_b + β_b B_b† (n + 1) B_b],   α_b = (N̄_b + 1)(e^{-s_b} - 1),   β_b = N̄_b (e^{s_b} - 1)

This is the biased Riccati equation (D1) of Barzanjeh, Aquilina & Xuereb, corrected (docs/explanation/errata.md) and extended to
any number of baths.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.linalg import LinAlgError, solve_continuous_are

from analysis.mechanisms.bosons import ComplexArray, LinearBosons, quadratures
from analysis.model.lyapunov import Array, solve_lyapunov


@dataclass(frozen=True)
class Moments:
    """Long-time mean and covariance of the quanta K_b given to each bath.

    Attributes:
        mean: lim <K_b>/t, (b,), per time: the heat flows.
        covariance: lim <<K_b K_b'>>/t, (b, b), per time; its rows add up to 0, as no quantum is lost.
    """

    mean: Array
    covariance: Array


def moments(network: LinearBosons) -> Moments:
    """First two moments of the counts, from the slope of the biased state at s = 0 (D4, D5), exact."""
    b, n, m = network.couplings, network.correlations(), len(network.hamiltonian)
    bath = network.bath_occupations
    # Quanta absorbed and emitted by each bath. Normal and antinormal order of the operators keep both positive.
    absorbed = (bath + 1) * np.einsum("ib,ij,jb->b", b.conj(), n, b).real
    emitted = bath * np.einsum("ib,ij,jb->b", b.conj(), n + np.eye(m), b).real
    drift = quadratures(network.drift())
    covariance = np.diag(absorbed + emitted)
    for k, (column, occupation) in enumerate(zip(b.T, bath, strict=True)):
        taken, given = n @ column, (n + np.eye(m)) @ column
        source = occupation * np.outer(given, given.conj()) - (occupation + 1) * np.outer(taken, taken.conj())
        solution = solve_lyapunov(drift, quadratures(source))
        slope = solution[:m, :m] + 1j * solution[m:, :m]
        felt = np.einsum("ib,ij,jb->b", b.conj(), slope, b).real
        covariance[k] -= felt
        covariance[:, k] -= felt
    return Moments(network.heat_flows(), covariance)


def uncertainty_product(network: LinearBosons) -> Array:
    """Variance over squared mean of the quanta given to each bath, times the entropy produced in the same time in k_B, (b,).

    Thermodynamic uncertainty relations bound it from below by 2 if the dynamics is symmetric under time reversal. A
    nonreciprocal network may fall below 2. It is infinite where nothing flows on average.
    """
    found = moments(network)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.diag(found.covariance) * network.entropy_production() / found.mean**2)


def least_uncertainty_product(network: LinearBosons) -> Array:
    """Smallest ``uncertainty_product`` of each flow for small differences between the baths, (b,).

    Near equilibrium the result does not depend on N̄. With affinities x the flows are η = K x, where K_bb' = τ_bb' off the
    diagonal and each row adds up to 0. With -L the symmetric part of K, the entropy production is x·L x and the variance 2
    L_bb. Minimising over x gives 2 L_bb/(K L⁺ Kᵀ)_bb, which is 2 if K is symmetric and smaller otherwise.

    Args:
        network: all its baths must exchange quanta, directly or through others; its occupations do not matter.
    """
    tau = network.conductances()
    k = tau - np.diag(tau.sum(axis=1))
    pseudoinverse = np.linalg.pinv(-(k + k.T) / 2, rcond=1e-10, hermitian=True)
    return np.asarray(2 * tau.sum(axis=1) / np.einsum("bi,ij,bj->b", k, pseudoinverse, k))


def biased_correlations(network: LinearBosons, bias: ArrayLike) -> ComplexArray:
    """Stabilising solution n(s) of the biased Riccati equation, (m, m).

    Args:
        network: m modes and b baths.
        bias: s, (b,); 0 for a bath that is not counted.

    Raises:
        ValueError: if s does not have one entry for each bath, or is so large that the mean of the weight is infinite.
    """
    s = np.asarray(bias, dtype=float)
    b = network.couplings
    if s.shape != network.bath_occupations.shape or not np.isfinite(s).all():
        raise ValueError(f"bias = {s.tolist()}: give one finite number for each of {b.shape[1]} baths")
    alpha, beta = _weights(network, s)
    both = alpha + beta
    drift = network.drift() + (b * beta) @ b.conj().T
    source = (b * (network.bath_occupations * np.exp(s))) @ b.conj().T
    try:
        # The quadratic term is -X B R⁻¹ B† X. Signs go into R, so that a bath without weight drops out.
        n = solve_continuous_are(
            drift.conj().T,
            b * np.sqrt(np.abs(both)),
            (source + source.conj().T) / 2,
            np.diag(np.where(both > 0, -1.0, 1.0)),
        )
    except LinAlgError:
        raise ValueError(
            f"bias = {s.tolist()}: this bias has no finite weight in a thermal state; use a value closer to 0"
        ) from None
    return np.asarray((n + n.conj().T) / 2)


def cumulant_function(network: LinearBosons, bias: ArrayLike) -> float:
    """θ(s) = lim ln<exp(-Σ_b s_b K_b)>/t, the large-deviation function (D3), per time.

    Args:
        network: m modes and b baths.
        bias: s, (b,).

    Raises:
        ValueError: as ``biased_correlations``.
    """
    n, b = biased_correlations(network, bias), network.couplings
    alpha, beta = _weights(network, np.asarray(bias, dtype=float))
    seen = np.einsum("ib,ij,jb->b", b.conj(), n, b).real
    rates = np.sum(np.abs(b) ** 2, axis=0)
    return float(alpha @ seen + beta @ (seen + rates))


def _weights(network: LinearBosons, bias: Array) -> tuple[Array, Array]:
    """α and β, the factors by which the bias weights quanta absorbed and emitted by each bath, (b,) each."""
    bath = network.bath_occupations
    return (bath + 1) * np.expm1(-bias), bath * np.expm1(bias)
