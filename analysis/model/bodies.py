"""The pair in any linear bath: white friction, bodies of fluid dragged along, springs of fluid, active forces."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import ArrayLike, NDArray

from analysis.model.refrigerator import Refrigerator
from analysis.units import BOLTZMANN


def active_spectrum(forces: Sequence[tuple[float, float]], frequency: ArrayLike) -> NDArray[np.float64]:
    """Spectrum of active forces together, Σ 2<a²>τ/(1 + ω²τ²), two-sided over ω/2π, of the shape of the frequency, eV² ps/Å².

    Args:
        forces: root mean square, eV/Å, and time τ, ps, of each.
        frequency: ω, 1/ps.
    """
    omega = np.asarray(frequency, dtype=float)
    each = [2 * size**2 * tau / (1 + (omega * tau) ** 2) for size, tau in forces]
    return np.asarray(sum(each, np.zeros(omega.shape)))


@dataclass(frozen=True, kw_only=True)
class PairWithBodies(Refrigerator):
    """On each side a particle and any number of hidden velocities that are coupled only to it.

    A body is dragged along: m dV/dt = F - g₀ V + ξ₀ - Σ_i (c_i (V - U_i) - ξ_i) and c_i τ_i dU_i/dt = c_i (V - U_i) - ξ_i, with
    F of trap and controller. A Maxwell mode is a spring η/τ and a dashpot η in series, attached to the particle. With U the
    velocity of the dashpot it obeys the same equation, η_k τ_k dU_k/dt = η_k (V - U_k) - ξ_k, but acts on the particle with
    the force -η_k U_k. All noises are at the temperature of that side. The friction of the particle is

        γ(ω) = g₀ + Σ_i c_i (-iωτ_i)/(1 - iωτ_i) + Σ_k η_k/(1 - iωτ_k):

    g₀ + Σ η_k for slow motion, g₀ + Σ c_i for fast motion. An active force a has a given root mean square and decays as
    e^{-t/τ}, independent of the particle (Ornstein-Uhlenbeck); the state contains √(k_BT/m) a/<a²>^½ for it, a velocity.
    State (X_C, X_H, V_C, V_H, then of the cold side and of the hot one its bodies, modes and active forces); baths (cold,
    hot).

    Args:
        mass: of each particle, or (cold, hot), eV ps²/Å².
        friction_cold, friction_hot: g₀, eV ps/Å².
        body_frictions_cold, body_frictions_hot: c_i of each body, eV ps/Å².
        body_times_cold, body_times_hot: τ_i of each body, ps.
        maxwell_frictions_cold, maxwell_frictions_hot: η_k of each Maxwell mode, eV ps/Å²; its spring is η_k/τ_k.
        maxwell_times_cold, maxwell_times_hot: τ_k of each Maxwell mode, ps.
        active_forces_cold, active_forces_hot: root mean square of each active force, eV/Å.
        active_times_cold, active_times_hot: correlation time of each, ps.
        trap: stiffness κ of both traps, eV/Å².
        coupling_cold, coupling_hot: κ_C and κ_H, eV/Å², any sign.
        temperature_cold, temperature_hot: K.

    Raises:
        ValueError: if a value is not physical; names it. An unstable pair is allowed, for
            ``stability()``.
    """

    mass: float | tuple[float, float]
    friction_cold: float
    friction_hot: float
    body_frictions_cold: tuple[float, ...] = ()
    body_frictions_hot: tuple[float, ...] = ()
    body_times_cold: tuple[float, ...] = ()
    body_times_hot: tuple[float, ...] = ()
    maxwell_frictions_cold: tuple[float, ...] = ()
    maxwell_frictions_hot: tuple[float, ...] = ()
    maxwell_times_cold: tuple[float, ...] = ()
    maxwell_times_hot: tuple[float, ...] = ()
    active_forces_cold: tuple[float, ...] = ()
    active_forces_hot: tuple[float, ...] = ()
    active_times_cold: tuple[float, ...] = ()
    active_times_hot: tuple[float, ...] = ()
    trap: float
    coupling_cold: float
    coupling_hot: float
    temperature_cold: float
    temperature_hot: float

    def __post_init__(self) -> None:
        """Check the parameters and set up the matrices."""
        for name in (field.name for field in fields(self) if isinstance(field.default, tuple)):
            # As tuples for any input: arrays have no hash.
            vars(self)[name] = tuple(float(number) for number in getattr(self, name))
        self._check()
        core, temperatures = self._core_masses(), (self.temperature_cold, self.temperature_hot)
        kinds = [(self.bodies(side), self.maxwell_modes(side), self.active_forces(side)) for side in (0, 1)]
        hidden = sum(len(kind) for side in kinds for kind in side)
        contacts, links = np.zeros((2, 2, 2 + hidden, 2 + hidden))
        masses, last = [*core], 2
        for side, (bodies, modes, forces) in enumerate(kinds):
            contacts[side, side, side] = (self.friction_cold, self.friction_hot)[side]
            for place, (friction, time) in enumerate([*bodies, *modes], last):
                contacts[side, place, place] = friction
                masses.append(friction * time)
            for place, (friction, _) in enumerate(bodies, last):
                contacts[side, side, side] += friction
                contacts[side, side, place] = contacts[side, place, side] = -friction
            last += len(bodies)
            for place, (friction, _) in enumerate(modes, last):
                links[side, place, side], links[side, side, place] = friction, -friction
            last += len(modes)
            thermal = math.sqrt(BOLTZMANN * temperatures[side] / core[side])
            for place, (force, time) in enumerate(forces, last):
                contacts[side, place, place] = core[side] / time
                links[side, side, place] = force / thermal
                masses.append(core[side])
            last += len(forces)
        super().__init__(
            masses=masses,
            stiffness=np.vstack([self._core_stiffness(), np.zeros((hidden, 2))]),
            frictions=contacts,
            temperatures=temperatures,
            links=links,
        )

    def bodies(self, side: int) -> list[tuple[float, float]]:
        """(c, τ) of each body of a side, 0 cold and 1 hot, eV ps/Å² and ps.

        Raises:
            ValueError: if not each body has a friction and a time.
        """
        return self._pairs("body_frictions", "body_times", "body", side)

    def maxwell_modes(self, side: int) -> list[tuple[float, float]]:
        """(η, τ) of each Maxwell mode of a side, 0 cold and 1 hot, eV ps/Å² and ps.

        Raises:
            ValueError: if not each mode has a friction and a time.
        """
        return self._pairs("maxwell_frictions", "maxwell_times", "mode", side)

    def active_forces(self, side: int) -> list[tuple[float, float]]:
        """(root mean square, τ) of each active force of a side, 0 cold and 1 hot, eV/Å and ps.

        Raises:
            ValueError: if not each force has a size and a time.
        """
        return self._pairs("active_forces", "active_times", "force", side)

    def _pairs(self, first: str, second: str, kind: str, side: int) -> list[tuple[float, float]]:
        names = [f"{name}_{('cold', 'hot')[side]}" for name in (first, second)]
        one, other = (getattr(self, name) for name in names)
        if len(one) != len(other):
            raise ValueError(f"{names[0]} = {one} and {names[1]} = {other}: give each {kind} one of both")
        return list(zip(one, other, strict=True))

    def friction(self, side: int, frequency: ArrayLike) -> NDArray[np.complex128]:
        """Friction γ(ω) of the particle of a side, of the shape of the frequency, eV ps/Å².

        Args:
            side: 0 cold, 1 hot.
            frequency: ω, 1/ps; motion goes as e^{-iωt}.
        """
        turn = -1j * np.asarray(frequency, dtype=float)
        felt = np.full(turn.shape, (self.friction_cold, self.friction_hot)[side], dtype=complex)
        for c, tau in self.bodies(side):
            felt += c * turn * tau / (1 + turn * tau)
        for eta, tau in self.maxwell_modes(side):
            felt += eta / (1 + turn * tau)
        return felt

    def bath_temperature(self, side: int, frequency: ArrayLike) -> NDArray[np.float64]:
        """T(ω) of a bath, K, of the shape of the frequency: the spectrum of all its random forces over 2 k_B Re γ(ω).

        For thermal noise this is the temperature of the bath; active forces add Σ <a²>τ/[(1 + ω²τ²) k_B Re γ(ω)].

        Args:
            side: 0 cold, 1 hot.
            frequency: ω, 1/ps.
        """
        omega = np.asarray(frequency, dtype=float)
        added = active_spectrum(self.active_forces(side), omega) / (2 * BOLTZMANN * self.friction(side, omega).real)
        return (self.temperature_cold, self.temperature_hot)[side] + added
