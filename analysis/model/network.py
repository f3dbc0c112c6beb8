"""A general linear Langevin network in its stationary state, solved exactly.

n velocities V, of which the first p belong to coordinates X of the forces, are coupled to one or more baths b::

    dX/dt = V[:p],   M dV/dt = -K X - Σ_b (Γ_b V - ξ_b - Λ_b V),   <ξ_b(t) ξ_b(t')ᵀ> = 2 k_B T_b Γ_b δ(t - t')

Λ_b contains the forces of a bath besides friction: springs of the fluid (Λ_b antisymmetric), and active forces, each
represented by a velocity that exerts a force without reaction. With the state r = (X, V) this is dr/dt = A r + noise, so the
stationary distribution of r is a Gaussian. Its covariance C solves the Lyapunov equation A C + C Aᵀ = -D. Everything else
follows from A, D and C. Units are LAMMPS *metal* (Å, ps, eV, K), with masses in eV ps²/Å². Heat is positive *into* a bath.
Derivations: docs/explanation/theory.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from analysis.currents import Currents, thermal_entropy
from analysis.model.lyapunov import Array, expm, solve_lyapunov
from analysis.units import BOLTZMANN


@dataclass(frozen=True)
class Stability:
    """Whether a steady state exists, and if not, why.

    Attributes:
        is_stable: True if every eigenvalue of the drift has a negative real part.
        eigenvalues: of the drift, complex, shape (p + n,), 1/ps.
        worst: the eigenvalue with the largest real part, 1/ps.
        reason: one sentence with the responsible parameter, its value and the eigenvalue; empty if stable.
    """

    is_stable: bool
    eigenvalues: NDArray[np.complex128]
    worst: complex
    reason: str


class LinearLangevin:
    """A linear Langevin network of n velocities, p <= n coordinates and any number of baths.

    The friction matrix of a bath acts on the whole velocity vector, so a bath may also sit *between* two
    bodies: a contact of friction g between i and j has ``Γ_ii = Γ_jj = g`` and ``Γ_ij = Γ_ji = -g``.

    Attributes:
        masses: (n,), eV ps²/Å².
        stiffness: K, (n, p), eV/Å².
        frictions: Γ_b, (baths, n, n), eV ps/Å².
        temperatures: (baths,), K.
        links: Λ_b, (baths, n, n), eV ps/Å².
    """

    masses: Array
    stiffness: Array
    frictions: Array
    temperatures: Array
    links: Array

    def __init__(
        self,
        *,
        masses: ArrayLike,
        stiffness: ArrayLike,
        frictions: ArrayLike,
        temperatures: ArrayLike,
        links: ArrayLike | None = None,
    ) -> None:
        """Store and check the network.

        Args:
            masses: (n,), eV ps²/Å², positive.
            stiffness: (n, p), eV/Å²; the force on velocity i is ``-stiffness[i] @ X``. Need not be symmetric.
            frictions: (baths, n, n), eV ps/Å²; symmetric, positive semidefinite, and not zero for any velocity.
            temperatures: (baths,), K, positive.
            links: (baths, n, n), eV ps/Å², of zero diagonal; the force of bath b on velocity i is ``links[b, i] @ V``. None
                for baths with friction only.

        Raises:
            ValueError: if a shape does not fit or a value is not physical; the message names the argument.
        """
        m, k, g, t = (np.array(x, dtype=float) for x in (masses, stiffness, frictions, temperatures))
        for name, values, unit in (("masses", m, "eV ps²/Å²"), ("temperatures", t, "K")):
            if values.ndim != 1 or not (np.isfinite(values) & (values > 0)).all():
                raise ValueError(f"{name} = {values.tolist()} {unit}: must be a list of positive finite numbers")
        if k.ndim != 2 or k.shape[0] != m.size or k.shape[1] > m.size or not np.isfinite(k).all():
            raise ValueError(f"stiffness of shape {k.shape}: must be finite, (n, p) with p <= n = {m.size} masses")
        shape = (t.size, m.size, m.size)
        if g.shape != shape or not np.isfinite(g).all():
            raise ValueError(f"frictions of shape {g.shape}: must be finite, (baths, n, n) = {shape}")
        for bath, matrix in enumerate(g):
            spectrum = np.linalg.eigvalsh(matrix)
            if not np.array_equal(matrix, matrix.T) or spectrum[0] < -1e-12 * abs(spectrum[-1]):
                raise ValueError(f"frictions[{bath}]: must be symmetric and positive semidefinite")
        if not (np.diagonal(g.sum(axis=0)) > 0).all():
            raise ValueError("frictions: one velocity is coupled to no bath and would never relax")
        exchanges = np.zeros(shape) if links is None else np.array(links, dtype=float)
        if exchanges.shape != shape or not np.isfinite(exchanges).all():
            raise ValueError(f"links of shape {exchanges.shape}: must be finite, (baths, n, n) = {shape}")
        if np.diagonal(exchanges, axis1=1, axis2=2).any():
            raise ValueError("links: the diagonal must be zero; a force of a velocity on itself belongs to frictions")
        for array in (m, k, g, t, exchanges):
            array.setflags(write=False)
        # Straight into __dict__: subclasses are frozen dataclasses, whose attributes cannot be assigned.
        vars(self).update(masses=m, stiffness=k, frictions=g, temperatures=t, links=exchanges)

    @property
    def coordinates(self) -> int:
        """Number p of coordinates; the state has p coordinates followed by n velocities."""
        return int(self.stiffness.shape[1])

    def drift(self) -> Array:
        """A, shape (p + n, p + n), in 1/ps between like components."""
        p, n = self.coordinates, self.masses.size
        a = np.zeros((p + n, p + n))
        a[:p, p : 2 * p] = np.eye(p)
        a[p:, :p] = -self.stiffness / self.masses[:, None]
        a[p:, p:] = (self.links - self.frictions).sum(axis=0) / self.masses[:, None]
        return a

    @property
    def signals(self) -> NDArray[np.bool_]:
        """Which velocities represent active forces and not the motion of a body, (n,): no force acts on them.

        Their kinetic energy does not count.
        """
        acts = (self.links != 0).any(axis=0)
        return np.asarray(acts.any(axis=0) & ~acts.any(axis=1))

    @property
    def is_active(self) -> bool:
        """Whether a bath exerts active forces, so that its temperature depends on frequency."""
        return bool(self.signals.any())

    def noise_by_bath(self) -> Array:
        """Intensity 2 k_B T_b M⁻¹ Γ_b M⁻¹ of each bath's noise, shape (baths, p + n, p + n), Å²/ps³."""
        p, n = self.coordinates, self.masses.size
        d = np.zeros((self.temperatures.size, p + n, p + n))
        masses = np.outer(self.masses, self.masses)
        d[:, p:, p:] = 2 * BOLTZMANN * self.temperatures[:, None, None] * self.frictions / masses
        return d

    def noise(self) -> Array:
        """D, the noise intensity of all baths together, shape (p + n, p + n), Å²/ps³."""
        return np.asarray(self.noise_by_bath().sum(axis=0))

    def stability(self) -> Stability:
        """Eigenvalues of the drift, and the reason if there is no steady state."""
        eigenvalues = np.linalg.eigvals(self.drift()).astype(complex)  # LAPACK balances the matrix first
        worst = complex(eigenvalues[np.argmax(eigenvalues.real)])
        stable = worst.real < 0
        reason = "" if stable else f"{self._blame()}: no steady state (eigenvalue {worst:.3g} /ps)"
        return Stability(stable, eigenvalues, worst, reason)

    def _blame(self) -> str:
        """The cause of an instability: parameter, value, cure."""
        return f"stiffness = {self.stiffness.tolist()} eV/Å² makes a displacement grow"

    @property
    def is_stable(self) -> bool:
        """True if a steady state exists."""
        return self.stability().is_stable

    def require_steady_state(self) -> None:
        """Do nothing if a steady state exists.

        Raises:
            ValueError: if there is none; names the responsible parameter and the eigenvalue.
        """
        stability = self.stability()
        if not stability.is_stable:
            raise ValueError(stability.reason)

    def _local_temperatures(self) -> Array:
        """Friction-weighted bath temperature of each velocity, (n,), K: the temperature that its baths alone would give it."""
        weights = np.diagonal(self.frictions, axis1=1, axis2=2)
        return np.asarray(self.temperatures @ (weights / weights.sum(axis=0)))

    def _local_equilibrium(self) -> Array:
        """The covariance if no heat flowed: velocities at their local temperatures, coordinates in wells."""
        p = self.coordinates
        thermal = BOLTZMANN * self._local_temperatures()
        c = np.diag(np.concatenate([np.zeros(p), thermal / self.masses]))
        wells = np.linalg.solve(self.stiffness[:p], np.diag(thermal[:p]))
        c[:p, :p] = (wells + wells.T) / 2
        return c

    @cached_property
    def _response(self) -> Array:
        """The covariance minus its local equilibrium: the part that carries heat, driven by A C₀ + C₀ Aᵀ + D.

        A separate solution keeps full relative precision; the difference of two covariances would lose it near
        equilibrium. For the same reason the drive is written explicitly, without cancelling terms.
        """
        self.require_steady_state()
        p, n = self.coordinates, self.masses.size
        t = self._local_temperatures()
        wells = self._local_equilibrium()[:p, :p].astype(np.longdouble)
        drive = np.zeros((p + n, p + n))
        drive[:p, p:] = (BOLTZMANN * t * np.eye(p, n) - wells @ self.stiffness.T) / self.masses
        drive[p:, :p] = drive[:p, p:].T
        unlike = 2 * self.temperatures[:, None, None] - t[:, None] - t
        masses = np.outer(self.masses, self.masses)
        exchanged = self.links.sum(axis=0) * t
        drive[p:, p:] = (
            BOLTZMANN * (np.einsum("bij,bij->ij", self.frictions, unlike) + exchanged + exchanged.T) / masses
        )
        response = solve_lyapunov(self.drift(), drive)
        response.setflags(write=False)
        return response

    def covariance(self) -> Array:
        """Stationary covariance C = <r rᵀ>, shape (p + n, p + n); Å², Å²/ps and Å²/ps².

        Raises:
            ValueError: if there is no steady state; names the parameter and the eigenvalue.
        """
        return self._local_equilibrium() + self._response

    def correlation(self, tau: ArrayLike) -> Array:
        """Stationary time correlation C(τ) = <r(t + τ) r(t)ᵀ> = exp(A τ) C, (*tau.shape, p + n, p + n).

        Args:
            tau: lags, ps, of any shape and either sign; C(-τ) = C(τ)ᵀ.

        Raises:
            ValueError: if there is no steady state.
        """
        lags = np.asarray(tau, dtype=float)[..., None, None]
        forward = expm(np.abs(lags) * self.drift()) @ self.covariance()
        return np.where(lags < 0, np.swapaxes(forward, -1, -2), forward)

    def sampled_covariance(self, interval: float | None = None) -> Array:
        """Covariance of (mid-point positions, mean velocities) over a sampling interval, shape (2p, 2p).

        Of two samples one interval apart, the mid-point is (X(t) + X(t + dt))/2 and the mean velocity
        (X(t + dt) - X(t))/dt: as from a trajectory stored every dt. It is exact for any interval.

        Args:
            interval: dt, ps, positive; None for the instantaneous positions and velocities.

        Raises:
            ValueError: if the interval is not positive, or there is no steady state.
        """
        p = self.coordinates
        c = self.covariance()
        if interval is None:
            return c[: 2 * p, : 2 * p]
        if not interval > 0:
            raise ValueError(f"interval = {interval} ps: must be positive, or None for instantaneous values")
        # φ₁ = ∫₀¹ e^{A dt s} ds and φ₂ = ∫₀¹ (1-s) e^{A dt s} ds from one exponential: differences of
        # C(dt) and C would lose all precision at small intervals.
        d = len(c)
        a = self.drift() * interval
        zero, one = np.zeros((d, d)), np.eye(d)
        steps = expm(np.block([[a, one, zero], [zero, zero, one], [zero, zero, zero]]))[:d]
        ahead, phi_1, phi_2 = steps[:, :d] @ c, steps[:, d : 2 * d] @ c, steps[:, 2 * d :] @ c
        x, v = slice(0, p), slice(p, 2 * p)
        cross = (phi_1[v, x].T - phi_1[v, x]) / 2
        middle = (2 * c[x, x] + ahead[x, x] + ahead[x, x].T) / 4
        return np.block([[middle, cross], [cross.T, phi_2[v, v] + phi_2[v, v].T]])

    def _velocity_excess(self) -> Array:
        """<V rᵀ> minus its value in equilibrium with each bath, shape (baths, n, p + n): the flows are proportional to it."""
        p = self.coordinates
        excess = np.repeat(self._response[None, p:], self.temperatures.size, axis=0)
        mismatch = BOLTZMANN * (self._local_temperatures() - self.temperatures[:, None]) / self.masses
        excess[:, :, p:] += mismatch[:, :, None] * np.eye(self.masses.size)
        return excess

    def heat_rates(self) -> Array:
        """Mean heat flow into each bath, (baths,), eV/ps: the energy that all forces of the bath take from the bodies.

        These are friction, thermal noise and the active force of an active bath: ``dissipation`` minus the power of the links,
        Tr Λ_b <V Vᵀ>, to which springs do not contribute.

        Raises:
            ValueError: if there is no steady state.
        """
        one_way = (self.links + np.swapaxes(self.links, 1, 2)) / 2
        moving = self._response[self.coordinates :, self.coordinates :]
        return np.asarray(self.dissipation() - np.einsum("bij,ij->b", one_way, moving))

    def dissipation(self) -> Array:
        """Mean power given to each bath by friction and thermal noise alone, (baths,), eV/ps: Tr Γ_b (<V Vᵀ> - k_B T_b M⁻¹).

        (arXiv:2211.05502, eq. B2, for one contact per bath.) It is the heat of a bath without active forces.

        Raises:
            ValueError: if there is no steady state.
        """
        excess = self._velocity_excess()[:, :, self.coordinates :]
        return np.asarray(np.einsum("bij,bij->b", self.frictions, excess))

    def entropy_production(self) -> float:
        """Mean entropy production rate, Σ_b of ``dissipation`` over T_b, eV/(K ps), never negative (eq. B11, steady state).

        It is summed as squares of the probability currents, which keeps its sign and precision if the heats
        nearly cancel. Active forces act as an external drive whose own dissipation is not included.

        Raises:
            ValueError: if there is no steady state.
        """
        excess = self._velocity_excess()
        squares = excess @ np.linalg.solve(self.covariance(), np.swapaxes(excess, 1, 2))
        return float(np.einsum("bij,bij,b->", self.frictions, squares, 1 / self.temperatures))

    def _bath_names(self) -> tuple[str, ...]:
        return tuple(f"bath {b + 1}" for b in range(self.temperatures.size))

    def bath_currents(self, *, fluctuations: bool = True) -> Currents:
        """Heats into all baths as ``Currents``, in eV/ps; cold and hot are the coldest and the hottest bath.

        Args:
            fluctuations: whether to solve for the long-time covariance of the heats too, eV²/ps.

        Raises:
            ValueError: if there is no steady state.
        """
        from analysis.model.currents import heat_current, noise_rates

        heats = self.heat_rates()
        currents = [heat_current(self, bath) for bath in range(heats.size)] if fluctuations else []
        cold, hot = int(self.temperatures.argmin()), int(self.temperatures.argmax())
        return Currents(
            baths=self._bath_names(),
            energy=heats,
            entropy=thermal_entropy(self.dissipation(), self.temperatures, BOLTZMANN),
            temperatures=self.temperatures,
            cold=cold,
            # Of equal baths the last represents the environment.
            hot=hot if hot != cold else heats.size - 1,
            boltzmann=BOLTZMANN,
            unit="eV/ps",
            covariance=noise_rates(self, currents) if fluctuations else None,
        )

    def irreversible_drift(self) -> Array:
        """The probability current that each bath drives, u_b = U_b r; U_b of shape (baths, p + n, p + n), 1/ps.

        U_b = -M⁻¹Γ_b (on velocities) + D_b C⁻¹/2. Detailed balance holds if and only if every U_b vanishes. The
        reversible part of the current (motion along the forces) does not vanish even in equilibrium.

        Raises:
            ValueError: if there is no steady state.
        """
        p = self.coordinates
        excess = self._velocity_excess()
        u = np.zeros((self.temperatures.size, p + self.masses.size, p + self.masses.size))
        u[:, p:] = -self.frictions / self.masses[:, None] @ excess @ np.linalg.inv(self.covariance())
        return u
