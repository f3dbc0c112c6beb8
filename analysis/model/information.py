"""Information in the machine: between the sides, in the readings, and its role in the second law.

Information is in units of k_B, which are nats. ``Refrigerator.information_flow`` is the flow between the sides of the ideal
machine; here it is computed from measured covariances, without a model of friction. The information read by a loop
bounds the heat that it can take from the baths, Σ Q_b/T_b >= -k_B · rate. Derivation: docs/explanation/theory.md.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from analysis.model.lyapunov import Array


def _cross(covariance: Array, first: Sequence[int]) -> tuple[list[int], list[int]]:
    """Indices of the first and of the second side."""
    size = len(covariance)
    one = [int(i) for i in first]
    if covariance.shape != (size, size) or not one or len(set(one)) != len(one) or not set(one) < set(range(size)):
        raise ValueError(f"first = {one}: must name some, not all, of the {size} variables of a square covariance")
    return one, [i for i in range(size) if i not in one]


def mutual_information(covariance: Array, first: Sequence[int]) -> float:
    """Mutual information of two sets of Gaussian variables, k_B: -½ ln det(1 - ρρᵀ) with ρ their canonical correlations.

    Args:
        covariance: of all variables, (d, d), in any units.
        first: indices of the first set; the rest is the second.

    Raises:
        ValueError: if the indices are not a proper subset of the variables.
    """
    one, other = _cross(covariance, first)
    return _shared(covariance[np.ix_(one, one)], covariance[np.ix_(other, other)], covariance[np.ix_(one, other)])


def _shared(one: Array, other: Array, cross: Array) -> float:
    """Mutual information from both covariances and the cross covariance, k_B."""
    left = np.linalg.solve(np.linalg.cholesky(one), cross)
    correlations = np.linalg.svd(np.linalg.solve(np.linalg.cholesky(other), left.T), compute_uv=False)
    return float(-np.log1p(-(correlations**2)).sum() / 2)


def information_flow_from_rate(covariance: Array, rate: Array, first: Sequence[int]) -> float:
    """Information flow into one side from measured covariances, İ, k_B/ps; that into the other side is its negative.

    İ is the derivative, at τ = 0, of the mutual information of the first side at t + τ and the second at t. For Gaussian
    variables in a steady state it is Tr[(C₁₁ - C₁₂C₂₂⁻¹C₂₁)⁻¹ Ċ₁₂ C₂₂⁻¹ C₂₁] with Ċ₁₂ = <dz₁/dt z₂ᵀ>, for any noise and
    friction (from the definition of J. M. Horowitz & M. Esposito, Phys. Rev. X 4, 031015 (2014)).

    Args:
        covariance: <z zᵀ>, (d, d), for the white pair of (X_C, X_H, V_C, V_H); Å, ps.
        rate: <dz/dt zᵀ>, (d, d), of which only the block between the sides is used: rows of positions are covariances of
            velocities, and rows of velocities are covariances of the total force over the mass.
        first: indices of the first side; (0, 2) is the cold side in the order above.

    Raises:
        ValueError: if the indices are not a proper subset of the variables.
    """
    one, other = _cross(covariance, first)
    cross = covariance[np.ix_(one, other)]
    regression = np.linalg.solve(covariance[np.ix_(other, other)], cross.T)
    known = covariance[np.ix_(one, one)] - cross @ regression
    return float(np.trace(np.linalg.solve(known, rate[np.ix_(one, other)] @ regression)))


def information_flow_from_samples(covariance: Array, lagged: Array, lag: float, first: Sequence[int]) -> float:
    """Information flow into one side from samples one lag apart, k_B/ps.

    It is [I(z₁(t + lag); z₂(t)) - I(z₁(t - lag); z₂(t))]/(2 lag) and tends to ``information_flow_from_rate``, with an error
    linear in the lag: twice the value at a lag minus that at twice the lag has a quadratic error.

    Args:
        covariance: <z(t) z(t)ᵀ>, (d, d).
        lagged: <z(t + lag) z(t)ᵀ>, (d, d).
        lag: ps, positive.
        first: indices of the first side.

    Raises:
        ValueError: if the lag is not positive, or the indices are not a proper subset of the variables.
    """
    if not lag > 0:
        raise ValueError(f"lag = {lag} ps: must be positive")
    one, other = _cross(covariance, first)
    sides = covariance[np.ix_(one, one)], covariance[np.ix_(other, other)]
    ahead = _shared(*sides, lagged[np.ix_(one, other)])
    behind = _shared(*sides, lagged[np.ix_(other, one)].T)
    return (ahead - behind) / (2 * lag)


def information_of_reading(positions: Array, noise: float) -> float:
    """Mutual information of one noisy reading of Gaussian positions and the state, k_B: ½ ln det(1 + C/σ²).

    Args:
        positions: their covariance C, (p, p), Å².
        noise: standard deviation σ of the reading of each, Å; positive.

    Raises:
        ValueError: if the noise is not positive: without noise the information of a reading is infinite.
    """
    if not noise > 0:
        raise ValueError(f"noise = {noise} Å: must be positive; the information of a reading without noise is infinite")
    return float(np.log1p(np.linalg.eigvalsh(positions / noise**2)).sum() / 2)


def news_of_readings(step: Array, kicks: Array, positions: int, noise: float) -> float:
    """Information in each reading given all earlier ones, k_B: ½ ln det(1 + P/σ²), with P their remaining uncertainty.

    P is the error covariance of the positions in the Kalman filter before a reading, in its steady state (H. Sandberg,
    J.-C. Delvenne, N. J. Newton & S. K. Mitter, Phys. Rev. E 90, 042119 (2014)). Known forces do not change it.

    Args:
        step: of the state from one reading to the next, (d, d).
        kicks: covariance of the noise in this step, (d, d).
        positions: number of the first variables that are read.
        noise: standard deviation σ of one reading, Å; positive.

    Raises:
        ValueError: if the noise is not positive.
    """
    if not noise > 0:
        raise ValueError(f"noise = {noise} Å: must be positive; the information of a reading without noise is infinite")
    reads = np.eye(positions, len(step))
    from scipy.linalg import solve_discrete_are  # slow to load, and a plan does not need it

    unknown = solve_discrete_are(step.T, reads.T, kicks, noise**2 * np.eye(positions))
    return information_of_reading(np.asarray(unknown[:positions, :positions], dtype=float), noise)


def rate_of_reading(drift: Array, noise: Array, positions: int, density: float) -> float:
    """Information per time in continuous readings, k_B/ps: Tr P/2S, P as in ``news_of_readings``.

    Args:
        drift: of the state without the force of the loop, (d, d), 1/ps.
        noise: its noise intensity, (d, d).
        positions: number of the first variables that are read.
        density: S of the white noise of the reading, Å² ps; positive.

    Raises:
        ValueError: if the density is not positive.
    """
    if not density > 0:
        raise ValueError(
            f"noise_density = {density} Å² ps: must be positive; without noise the information is infinite"
        )
    reads = np.eye(positions, len(drift))
    from scipy.linalg import solve_continuous_are

    unknown = solve_continuous_are(drift.T, reads.T, noise, density * np.eye(positions))
    return float(np.trace(unknown[:positions, :positions]) / (2 * density))
