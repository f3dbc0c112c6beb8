"""The Lyapunov equation, solved to full precision for any range of rates and units.

SciPy is imported on call: its import takes as long as planning a study, which builds models without solving them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_REFINEMENTS = 4  # each step gains precision; four suffice for rates ten decades apart


def solve_lyapunov(drift: Array, source: Array) -> Array:
    """The symmetric X with A X + X Aᵀ + S = 0.

    In SI units, or with very different rates, the solver of SciPy alone fails. Here the variables are
    first balanced to similar size, and the solution is refined against a residual taken in the longest float
    of the machine. It is the method of R. H. Bartels & G. W. Stewart, Commun. ACM 15, 820 (1972), as in SciPy,
    with one Schur decomposition for all steps and sources.

    Args:
        drift: A, shape (d, d), every eigenvalue with a negative real part.
        source: S, shape (..., d, d), symmetric.

    Returns:
        X, shape (..., d, d), in the units of S over those of A.
    """
    from scipy.linalg import matrix_balance, schur
    from scipy.linalg.lapack import dtrsyl

    balanced, (scale, _) = matrix_balance(drift, permute=False, separate=True)
    units = np.outer(scale, scale)
    triangle, rotation = schur(balanced, output="real")
    wide_drift = balanced.astype(np.longdouble)

    def solved(source: Array) -> Array:
        largest = np.abs(source / units).max()
        if largest == 0.0:
            return np.zeros_like(source)
        wide_source = (source / units / largest).astype(np.longdouble)
        x = np.zeros_like(wide_source)
        for _ in range(_REFINEMENTS):
            residual = (wide_drift @ x + x @ wide_drift.T + wide_source).astype(float)
            step, shrunk, _ = dtrsyl(triangle, triangle, -rotation.T @ residual @ rotation, tranb="T")
            x = x + shrunk * rotation @ step @ rotation.T
        solution = x.astype(float) * units * largest
        return np.asarray((solution + solution.T) / 2)

    return np.reshape([solved(each) for each in source.reshape(-1, *drift.shape)], source.shape)


def expm(matrix: Array) -> Array:
    """The exponential of a square matrix, or of each of a stack, shape (..., d, d)."""
    from scipy.linalg import expm

    return np.asarray(expm(matrix))


def covariance_over_time(drift: Array, noise: Array, start: Array, time: Array) -> Array:
    """The X(t) with dX/dt = A X + X Aᵀ + D from X(0), exact at every time, whether A is stable or not.

    Stable: X(t) = X∞ + e^{At} (X(0) - X∞) e^{Aᵀt}. Else ∫ e^{As} D e^{Aᵀs} ds from one exponential (C. F. Van Loan, IEEE Trans.
    Autom. Control 23, 395 (1978)).

    Args:
        drift: A, shape (d, d).
        noise: D, shape (d, d), symmetric.
        start: X(0), shape (d, d), symmetric.
        time: shape (m,), not negative.

    Returns:
        Shape (m, d, d).

    Raises:
        ValueError: if X grows beyond the range of numbers.
    """
    d = len(drift)
    if np.linalg.eigvals(drift).real.max() < 0:
        rest = solve_lyapunov(drift, noise)
        ahead = expm(drift * time[:, None, None])
        return np.asarray(rest + ahead @ (start - rest) @ np.swapaxes(ahead, 1, 2))
    block = np.block([[-drift, noise], [np.zeros((d, d)), drift.T]])
    with np.errstate(over="ignore", invalid="ignore"):
        both = expm(block * time[:, None, None])
        ahead = np.swapaxes(both[:, d:, d:], 1, 2)
        found = np.asarray(ahead @ start @ np.swapaxes(ahead, 1, 2) + ahead @ both[:, :d, d:])
    is_finite = np.isfinite(found).all(axis=(1, 2))
    if not is_finite.all():
        raise ValueError(
            f"variances at time {time[~is_finite].min():g} are beyond the range of numbers: the system is unstable; shorten "
            "the duration"
        )
    return found


def solve_stein(step: Array, source: Array) -> Array:
    """The symmetric X with X = Φ X Φᵀ + S: the discrete Lyapunov equation.

    Sums Σ Φᵏ S Φᵏᵀ, doubling the number of terms each time (R. A. Smith, SIAM J. Appl. Math. 16, 198 (1968)). Singular Φ,
    as with queues, are allowed. Refinement has no benefit: residuals of slow steps are as inexact as the sum.

    Args:
        step: Φ, shape (d, d), every eigenvalue below 1 in magnitude.
        source: S, shape (..., d, d), symmetric.

    Returns:
        X, shape (..., d, d), in the units of S.
    """
    power = step
    while np.abs(power).max() > 0.0:
        more = power @ source @ power.T
        source = source + more
        # Both must be small: the first term may by chance not contain a slow motion.
        if np.linalg.norm(more) <= 1e-17 * np.linalg.norm(source) and np.linalg.norm(power) < 1e-8:
            break
        power = power @ power
    return np.asarray((source + np.swapaxes(source, -1, -2)) / 2)
