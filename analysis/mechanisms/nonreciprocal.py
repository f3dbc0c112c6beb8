"""Exact solution of nonreciprocal networks: n trapped particles in liquid baths, coupled by an arbitrary matrix.

The force on particle i is -κ_i X_i + Σ_j c_ij (X_j - X_i). c_ij and c_ji need not be equal: a controller does the work that the
difference takes. Two particles are the nanodemon. Units are LAMMPS *metal* (Å, ps, eV, K), with masses in eV ps²/Å². Heat is
positive *into* a bath, and work is positive if done on a particle. Derivations: docs/explanation/mechanisms/nonreciprocal.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from analysis.model.lyapunov import Array, covariance_over_time
from analysis.model.network import LinearLangevin
from analysis.units import BOLTZMANN


@dataclass(frozen=True, kw_only=True, eq=False)
class NonreciprocalNetwork(LinearLangevin):
    """n particles on one axis, each in one of the baths.

    Args:
        couplings: c, (n, n), eV/Å²; c_ij is the strength with which particle i is pulled towards j. The diagonal must be 0.
        mass: one for all particles, or (n,), eV ps²/Å².
        friction: one for all particles, or (n,), eV ps/Å².
        trap: stiffness κ_i, one for all particles, or (n,), eV/Å².
        temperature: of the baths, K.
        bath: index of the bath of each particle, counted from 0, (n,); if None, each particle has a bath of its own.

    Raises:
        ValueError: if a shape does not fit or a value is not physical; names all of them. An unstable network is no error: its
            ``stability()`` and its ``transient`` are defined.
    """

    couplings: ArrayLike
    mass: ArrayLike
    friction: ArrayLike
    trap: ArrayLike
    temperature: Sequence[float]
    bath: Sequence[int] | None = None

    def __post_init__(self) -> None:
        """Check the parameters and set up the matrices."""
        couplings = np.array(self.couplings, dtype=float)
        n = len(couplings) if couplings.ndim else 0
        wrong = []
        if couplings.shape != (n, n) or n < 1 or not np.isfinite(couplings).all():
            wrong.append(f"couplings of shape {couplings.shape}: must be finite, (n, n)")
        elif np.diagonal(couplings).any():
            wrong.append("couplings: no particle is coupled to itself; the diagonal must be 0")
        each = {}
        for name in ("mass", "friction", "trap"):
            value = np.array(getattr(self, name), dtype=float)
            if value.shape not in ((), (n,)):
                wrong.append(f"{name} of shape {value.shape}: give one number, or one for each of {n} particles")
            elif not np.isfinite(value).all() or (name != "trap" and (value <= 0).any()):
                wrong.append(f"{name} = {value.tolist()}: must be finite{'' if name == 'trap' else ' and positive'}")
            else:
                each[name] = np.broadcast_to(value, (n,))
        temperatures = np.array(self.temperature, dtype=float)
        if temperatures.ndim != 1 or not (np.isfinite(temperatures) & (temperatures > 0)).all():
            wrong.append(f"temperature = {temperatures.tolist()} K: must be a list of positive finite numbers")
        bath = list(range(n)) if self.bath is None else list(self.bath)
        if sorted(set(bath)) != list(range(temperatures.size)) or len(bath) != n:
            wrong.append(f"bath = {bath}: give one of {temperatures.size} baths for each of {n} particles, none empty")
        if wrong:
            raise ValueError("; ".join(wrong))
        frictions = np.zeros((temperatures.size, n, n))
        frictions[bath, range(n), range(n)] = each["friction"]
        super().__init__(
            masses=each["mass"],
            stiffness=np.diag(each["trap"] + couplings.sum(1)) - couplings,
            frictions=frictions,
            temperatures=temperatures,
        )

    def _matrix(self) -> Array:
        return np.array(self.couplings, dtype=float)

    def _blame(self) -> str:
        traps = np.array(self.trap).tolist()
        return f"couplings {self._matrix().tolist()} eV/Å² in traps of {traps} eV/Å²: too strong or too unlike"

    def in_balance(self) -> bool:
        """Whether c_ij T_j = c_ji T_i for every pair: then detailed balance holds and nothing flows, for any friction."""
        bath = range(len(self.masses)) if self.bath is None else self.bath
        pulled = self._matrix() * self.temperatures[list(bath)]
        return bool(np.allclose(pulled, pulled.T, rtol=1e-12, atol=0.0))

    def power_between(self, covariance: Array | None = None) -> Array:
        """Power P_ij = c_ij <(X_j - X_i) V_i> of the coupling of particle i to j on particle i, (n, n), eV/ps.

        Args:
            covariance: of the state, (..., 2n, 2n); the stationary one if None.

        Raises:
            ValueError: if there is no steady state and no covariance is given.
        """
        state = self.covariance() if covariance is None else covariance
        n = self.masses.size
        mixed = state[..., n:, :n]  # <V_i X_j>
        return np.asarray(self._matrix() * (mixed - np.diagonal(mixed, axis1=-2, axis2=-1)[..., None]))

    def work_rates(self) -> Array:
        """Power of the couplings on each particle in the steady state, (n,), eV/ps; each equals the heat of that particle."""
        return np.asarray(self.power_between().sum(1))

    def link_currents(self) -> Array:
        """Energy that passes from particle i to j per time, J_ij = (P_ji - P_ij)/2, (n, n), eV/ps, antisymmetric.

        With c_ij = c_ji it is the power transmitted by a spring. The controller adds P_ij + P_ji.
        """
        power = self.power_between()
        return np.asarray((power.T - power) / 2)

    def uncoupled_start(self, temperature: ArrayLike | None = None) -> Array:
        """Covariance of uncoupled particles, each in equilibrium in its own trap, (2n, 2n).

        Args:
            temperature: of the particles, (n,) or one, K; the temperature of each particle's bath if None.

        Raises:
            ValueError: if a trap is not confining.
        """
        n = self.masses.size
        bath = list(range(n)) if self.bath is None else list(self.bath)
        t = (
            self.temperatures[bath]
            if temperature is None
            else np.broadcast_to(np.array(temperature, dtype=float), (n,))
        )
        trap = np.broadcast_to(np.array(self.trap, dtype=float), (n,))
        if (trap <= 0).any():
            raise ValueError(
                f"traps of {trap.tolist()} eV/Å²: must be positive to confine each particle without coupling"
            )
        return np.diag(BOLTZMANN * np.concatenate([t / trap, t / self.masses]))


@dataclass(frozen=True, eq=False)
class Transient:
    """Time evolution of a network.

    Attributes:
        time: (m,), ps.
        covariance: <r rᵀ> of the state (X, V), (m, 2n, 2n).
        heat: into each bath per time, (m, baths), eV/ps.
        work: power of the couplings on each particle, (m, n), eV/ps.
        energy: kinetic energy plus that in the traps, (m,), eV; its rate is total work minus total heat.
    """

    time: Array
    covariance: Array
    heat: Array
    work: Array
    energy: Array

    def effective_temperatures(self, masses: Array) -> Array:
        """Effective temperature m <V²>/k_B of each particle, (m, n), K.

        Args:
            masses: (n,), eV ps²/Å².
        """
        n = masses.size
        return np.asarray(masses * np.diagonal(self.covariance, axis1=1, axis2=2)[:, n:] / BOLTZMANN)


def transient(network: NonreciprocalNetwork, time: ArrayLike, start: Array | None = None) -> Transient:
    """Solve d<r rᵀ>/dt = A<r rᵀ> + <r rᵀ>Aᵀ + D exactly, from the time at which the couplings are switched on.

    Args:
        network: stable or not.
        time: (m,), ps, not negative.
        start: <r rᵀ> at time 0, (2n, 2n), symmetric; ``uncoupled_start()`` if None.

    Raises:
        ValueError: if a time is negative, or the start has another shape or is not symmetric.
    """
    t = np.atleast_1d(np.array(time, dtype=float))
    if t.ndim != 1 or not (np.isfinite(t) & (t >= 0)).all():
        raise ValueError(f"time = {t.tolist()} ps: must be a list of finite numbers, none negative")
    first = network.uncoupled_start() if start is None else np.array(start, dtype=float)
    drift, noise, n = network.drift(), network.noise(), network.masses.size
    d = len(drift)
    if first.shape != (d, d) or not np.allclose(first, first.T):
        raise ValueError(f"start of shape {first.shape}: must be symmetric, {(d, d)}")
    found = covariance_over_time(drift, noise, first, t)
    velocities = found[:, n:, n:]
    thermal = BOLTZMANN * network.temperatures[:, None, None] * np.diag(1 / network.masses)
    heat = np.einsum("bij,mbij->mb", network.frictions, velocities[:, None] - thermal)
    work = network.power_between(found).sum(-1)
    squares = np.diagonal(found, axis1=1, axis2=2)
    trap = np.broadcast_to(np.array(network.trap, dtype=float), (n,))
    energy = (squares[:, :n] @ trap + squares[:, n:] @ network.masses) / 2
    return Transient(t, found, heat, work, energy)


def chain(
    temperatures: Sequence[float], coupling: float, ratio: float | Sequence[float], **particle: Any
) -> NonreciprocalNetwork:
    """A cascade of refrigerators: a row of particles, each coupled to its neighbours.

    Every link is a nanodemon with κ_C = coupling and κ_H = ratio · coupling. The row is in detailed balance if every
    temperature is ``ratio`` times the one before. If temperatures rise by less than that, it pumps heat towards its end.

    Args:
        temperatures: of the baths along the row, (n,), K.
        coupling: κ_C of every link, eV/Å².
        ratio: κ_H/κ_C, one for all links, or (n - 1,).
        particle: ``mass``, ``friction`` and ``trap`` of ``NonreciprocalNetwork``.
    """
    n = len(temperatures)
    ratios = np.broadcast_to(np.array(ratio, dtype=float), (n - 1,))
    couplings = np.diag(np.full(n - 1, float(coupling)), 1) + np.diag(coupling * ratios, -1)
    return NonreciprocalNetwork(couplings=couplings, temperature=temperatures, **particle)


def ring(particles: int, forward: float, backward: float, temperature: float, **particle: Any) -> NonreciprocalNetwork:
    """Particles in a ring at one temperature, each coupled to the one before and to the next.

    Args:
        particles: number of them, 3 or more.
        forward: coupling of each particle to the one before, eV/Å²; it passes motion forward.
        backward: coupling of each particle to the next, eV/Å².
        temperature: of all baths, K.
        particle: ``mass``, ``friction`` and ``trap`` of ``NonreciprocalNetwork``.

    Raises:
        ValueError: if there are fewer than 3 particles.
    """
    if particles < 3:
        raise ValueError(f"particles = {particles}: a ring has 3 or more")
    one = np.eye(particles)
    couplings = forward * np.roll(one, -1, axis=1) + backward * np.roll(one, 1, axis=1)
    return NonreciprocalNetwork(couplings=couplings, temperature=[temperature] * particles, **particle)
