"""A general linear Langevin network in its stationary state, solved exactly.

n velocities V, of which the first p belong to coordinates X that forces depend on, touch one or more baths::

    dX/dt = V[:p],    M dV/dt = -K X - sum_b (Γ_b V - ξ_b),    <ξ_b(t) ξ_b(t')ᵀ> = 2 k_B T_b Γ_b δ(t - t')

With the state r = (X, V) this is dr/dt = A r + noise, so the stationary law of r is a Gaussian whose covariance C solves the
Lyapunov equation A C + C Aᵀ = -D. Everything else follows from A, D and C. Units are LAMMPS *metal* (Å, ps, eV, K), masses in
eV ps²/Å²; heat is positive *into* a bath.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.constants import physical_constants
from scipy.linalg import expm, matrix_balance, solve_continuous_lyapunov

Array = NDArray[np.float64]
BOLTZMANN = float(physical_constants["Boltzmann constant in eV/K"][0])


@dataclass(frozen=True)
class Stability:
    """Whether a steady state exists, and if not, why.

    Attributes:
        is_stable: True if every eigenvalue of the drift has a negative real part.
        eigenvalues: of the drift matrix, complex, 1/ps.
        worst: the eigenvalue with the largest real part, 1/ps.
        reason: one sentence that names the parameter at fault; empty if stable.
    """

    is_stable: bool
    eigenvalues: NDArray[np.complex128]
    worst: complex
    reason: str


class LinearLangevin:
    """A linear Langevin network of n velocities, p ≤ n coordinates and any number of baths.

    The friction matrix of a bath acts on the whole velocity vector, so a bath may also sit *between* two bodies: a
    contact of friction g between i and j has ``Γ_ii = Γ_jj = g`` and ``Γ_ij = Γ_ji = -g``.
    """

    masses: Array
    stiffness: Array
    frictions: Array
    temperatures: Array

    def __init__(
        self, *, masses: ArrayLike, stiffness: ArrayLike, frictions: ArrayLike, temperatures: ArrayLike
    ) -> None:
        """Store and check the network.

        Args:
            masses: (n,), eV ps²/Å², positive.
            stiffness: (n, p), eV/Å²; the force on velocity i is ``-stiffness[i] @ X``. Need not be symmetric.
            frictions: (b, n, n), eV ps/Å²; one symmetric positive semidefinite matrix per bath.
            temperatures: (b,), K, positive.

        Raises:
            ValueError: if a shape does not fit or a value is not physical; the message names the argument.
        """
        m, k, g, t = (np.array(x, dtype=float) for x in (masses, stiffness, frictions, temperatures))
        if m.ndim != 1 or not (np.isfinite(m) & (m > 0)).all():
            raise ValueError(f"masses = {m.tolist()}: must be a list of positive finite numbers (eV ps²/Å²)")
        if k.ndim != 2 or k.shape[0] != m.size or k.shape[1] > m.size or not np.isfinite(k).all():
            raise ValueError(
                f"stiffness of shape {k.shape}: must be finite, (n, p) with n = {m.size} masses and p <= n"
            )
        if t.ndim != 1 or not (np.isfinite(t) & (t > 0)).all():
            raise ValueError(f"temperatures = {t.tolist()}: must be a list of positive finite numbers (K)")
        if g.shape != (t.size, m.size, m.size) or not np.isfinite(g).all():
            raise ValueError(
                f"frictions of shape {g.shape}: must be finite, (b, n, n) = {(t.size, m.size, m.size)}"
            )
        for bath, matrix in enumerate(g):
            spectrum = np.linalg.eigvalsh(matrix)
            if not np.array_equal(matrix, matrix.T) or spectrum[0] < -1e-12 * abs(spectrum[-1]):
                raise ValueError(f"frictions[{bath}]: must be symmetric and positive semidefinite (eV ps/Å²)")
        for array in (m, k, g, t):
            array.setflags(write=False)
        # Straight into __dict__: subclasses are frozen dataclasses, whose attributes cannot be assigned.
        vars(self).update(masses=m, stiffness=k, frictions=g, temperatures=t)

    @property
    def coordinates(self) -> int:
        """Number p of coordinates; the state has p coordinates followed by n velocities."""
        return int(self.stiffness.shape[1])

    def drift(self) -> Array:
        """A, shape (p + n, p + n), 1/ps (mixed units between coordinates and velocities)."""
        p, n = self.coordinates, self.masses.size
        a = np.zeros((p + n, p + n))
        a[:p, p : 2 * p] = np.eye(p)
        a[p:, :p] = -self.stiffness / self.masses[:, None]
        a[p:, p:] = -self.frictions.sum(axis=0) / self.masses[:, None]
        return a

    def noise_by_bath(self) -> Array:
        """Noise intensity of each bath, shape (b, p + n, p + n): 2 k_B T_b M⁻¹ Γ_b M⁻¹ in the velocity block, Å²/ps³."""
        p, n = self.coordinates, self.masses.size
        d = np.zeros((self.temperatures.size, p + n, p + n))
        mm = np.outer(self.masses, self.masses)
        d[:, p:, p:] = 2 * BOLTZMANN * self.temperatures[:, None, None] * self.frictions / mm
        return d

    def noise(self) -> Array:
        """D, the summed noise intensity of all baths, shape (p + n, p + n)."""
        return np.asarray(self.noise_by_bath().sum(axis=0))

    def stability(self) -> Stability:
        """Eigenvalues of the drift, and the reason if there is no steady state."""
        eigenvalues = np.linalg.eigvals(matrix_balance(self.drift(), permute=False)[0]).astype(complex)
        worst = complex(eigenvalues[np.argmax(eigenvalues.real)])
        stable = worst.real < 0
        reason = "" if stable else f"{self._blame()} (eigenvalue {worst:.3g} /ps): no steady state"
        return Stability(stable, eigenvalues, worst, reason)

    def _blame(self) -> str:
        """Name the parameter that makes the network unstable, with its value and the cure."""
        return "stiffness: gives a growing mode; stiffen what holds the coordinates"

    @property
    def is_stable(self) -> bool:
        """True if a steady state exists."""
        return self.stability().is_stable

    def _require_steady_state(self) -> None:
        stability = self.stability()
        if not stability.is_stable:
            raise ValueError(stability.reason)

    def local_temperatures(self) -> Array:
        """Friction-weighted bath temperature of each velocity, shape (n,), K: what it would have, left to its baths."""
        weights = np.diagonal(self.frictions, axis1=1, axis2=2)
        return np.asarray((weights * self.temperatures[:, None]).sum(axis=0) / weights.sum(axis=0))

    def _local_equilibrium(self) -> Array:
        """The covariance if no heat flowed: velocities at their local temperatures, coordinates in their potential."""
        p = self.coordinates
        kt = BOLTZMANN * self.local_temperatures()
        spatial = np.linalg.solve(self.stiffness[:p], np.diag(kt[:p]))
        c = np.zeros((p + self.masses.size,) * 2)
        c[:p, :p] = (spatial + spatial.T) / 2
        c[p:, p:] = np.diag(kt / self.masses)
        return c

    def _response(self) -> Array:
        """Covariance less its local equilibrium, shape (p + n, p + n).

        It is the part that carries heat. Solved for on its own, it keeps all its digits however small it is; as the
        difference of two large covariances it would lose them near equilibrium.
        """
        self._require_steady_state()
        local = self._local_equilibrium()
        a = self.drift()
        return solve_lyapunov(a, a @ local + local @ a.T + self.noise())

    def covariance(self) -> Array:
        """Stationary covariance <r rᵀ>, shape (p + n, p + n); Å², Å²/ps, Å²/ps².

        Raises:
            ValueError: if there is no steady state; names the parameter and the eigenvalue.
        """
        return self._local_equilibrium() + self._response()

    def correlation(self, tau: ArrayLike) -> Array:
        """Stationary time correlation <r(t + τ) r(t)ᵀ> = exp(A τ) C, shape (*tau.shape, p + n, p + n).

        Args:
            tau: lags, ps, of any shape and either sign; C(-τ) = C(τ)ᵀ.

        Raises:
            ValueError: if there is no steady state.
        """
        lags = np.asarray(tau, dtype=float)
        forward = expm(np.abs(lags)[..., None, None] * self.drift()) @ self.covariance()
        return np.where(lags[..., None, None] < 0, np.swapaxes(forward, -1, -2), forward)

    def heat_rates(self) -> Array:
        """Mean heat flow into each bath, shape (b,), eV/ps: Tr[Γ_b (<V Vᵀ> - k_B T_b M⁻¹)] (arXiv:2211.05502, eq. B2).

        Raises:
            ValueError: if there is no steady state.
        """
        p = self.coordinates
        excess = BOLTZMANN * (self.local_temperatures() - self.temperatures[:, None]) / self.masses
        local = np.einsum("bii,bi->b", self.frictions, excess)
        return np.asarray(np.einsum("bij,ij->b", self.frictions, self._response()[p:, p:]) + local)


def solve_lyapunov(a: Array, source: Array) -> Array:
    """The symmetric X with a X + X aᵀ + source = 0, both shape (d, d).

    In SI units, or with very unlike rates, the plain solver returns nonsense. Here the variables are balanced to like size,
    and the solution is refined against a residual taken in the longest float the machine has.
    """
    balanced, (scale, _) = matrix_balance(a, permute=False, separate=True)
    units = np.outer(scale, scale)
    target = source / units
    largest = np.abs(target).max()
    if largest == 0.0:
        return np.zeros_like(source)
    wide_a, wide_target = balanced.astype(np.longdouble), (target / largest).astype(np.longdouble)
    x = np.zeros_like(wide_target)
    for _ in range(4):
        residual = (wide_a @ x + x @ wide_a.T + wide_target).astype(float)
        x = x + solve_continuous_lyapunov(balanced, -residual)
    solution = x.astype(float) * units * largest
    return np.asarray((solution + solution.T) / 2)
