"""Full counting statistics of the quanta transferred by a bosonic network to its baths.

With the weight exp(-Σ_b s_b K_b), K_b the quanta given to bath b so far, the state stays Gaussian and grows as exp(θ(s) t).
In terms of n_ij = <c_j† c_i> of the weighted state, A the drift and B_b the columns of B,

    0 = A n + n A† + Σ_b N̄_b B_b B_b† + Σ_b [α_b n B_b B_b† n + β_b (n + 1) B_b B_b† (n + 1)]
    θ = Σ_b [α_b B_b† n B_b + β_b B_b† (n + 1) B_b],   α_b = (N̄_b + 1)(e^{-s_b} - 1),   β_b = N̄_b (e^{s_b} - 1)

the biased Riccati equation of Barzanjeh, Aquilina & Xuereb (D1), corrected (docs/explanation/errata.md) and for any set of
baths.
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
    """Of the quanta K_b given to each bath over a long time.

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
    # Quanta absorbed and emitted by each bath: of the right order of operators, so both are positive.
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
    """Variance/mean² of the quanta given to each bath, times the entropy produced meanwhile in k_B, (b,).

    Thermodynamic uncertainty relations put it at 2 or more where forward and reversed motion are alike; a nonreciprocal
    network may go below. inf where nothing flows on average.
    """
    found = moments(network)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.diag(found.covariance) * network.entropy_production() / found.mean**2)


def least_uncertainty_product(network: LinearBosons) -> Array:
    """The least ``uncertainty_product`` of each flow that small differences between the baths can reach, (b,).

    Near equilibrium N̄ falls out: with affinities x, η = K x with K_bb' = τ_bb' off the diagonal and rows that add up to 0,
    the entropy production is x·L x with -L the symmetric part of K, and the variance 2 L_bb. Minimising over x gives
    2 L_bb/(K L⁺ Kᵀ)_bb, which is 2 if K is symmetric and less if not.

    Args:
        network: whose baths are all linked to each other; its occupations do not matter.
    """
    tau = network.conductances()
    k = tau - np.diag(tau.sum(axis=1))
    pseudoinverse = np.linalg.pinv(-(k + k.T) / 2, rcond=1e-10, hermitian=True)
    return np.asarray(2 * tau.sum(axis=1) / np.einsum("bi,ij,bj->b", k, pseudoinverse, k))


def biased_correlations(network: LinearBosons, bias: ArrayLike) -> ComplexArray:
    """n(s), the stabilising solution of the biased Riccati equation, (m, m).

    Args:
        network: m modes and b baths.
        bias: s, (b,); 0 for what is not counted.

    Raises:
        ValueError: if s does not fit the baths, or is so large that the mean of the weight is infinite.
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
        # Its quadratic term is -X B R⁻¹ B† X: the signs go into R, so that a bath without weight leaves no trace.
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
    """α and β, what the bias adds to each quantum absorbed and emitted by the baths, (b,)."""
    bath = network.bath_occupations
    return (bath + 1) * np.expm1(-bias), bath * np.expm1(bias)
