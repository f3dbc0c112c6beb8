"""The pair with bodies: each particle has white friction of its own and drags bodies of fluid along."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from analysis.model.refrigerator import Refrigerator


@dataclass(frozen=True, kw_only=True)
class PairWithBodies(Refrigerator):
    """On each side a particle, and any number of bodies that touch nothing but it.

    m dV/dt = F - g₀ V + ξ₀ - Σ_i (c_i (V - U_i) - ξ_i) and c_i τ_i dU_i/dt = c_i (V - U_i) - ξ_i: F is trap and controller, all
    noises are at the temperature of that side. The particle feels the friction γ(ω) = g₀ + Σ_i c_i (-iωτ_i)/(1 - iωτ_i), the
    white g₀ for slow motion and g₀ + Σ_i c_i for fast motion: a body moves with U_i = V/(1 - iωτ_i).
    State (X_C, X_H, V_C, V_H, U of the cold bodies, U of the hot ones); baths (cold, hot).

    Args:
        mass: of each particle, or (cold, hot), eV ps²/Å².
        friction_cold, friction_hot: g₀, eV ps/Å².
        body_frictions_cold, body_frictions_hot: c_i of each body, eV ps/Å².
        body_times_cold, body_times_hot: τ_i of each body, ps.
        trap: stiffness κ of both traps, eV/Å².
        coupling_cold, coupling_hot: κ_C and κ_H, eV/Å², any sign.
        temperature_cold, temperature_hot: K.

    Raises:
        ValueError: if a value is not physical; names it. An unstable pair may be built, to ask for
            ``stability()``.
    """

    mass: float | tuple[float, float]
    friction_cold: float
    friction_hot: float
    body_frictions_cold: tuple[float, ...] = ()
    body_frictions_hot: tuple[float, ...] = ()
    body_times_cold: tuple[float, ...] = ()
    body_times_hot: tuple[float, ...] = ()
    trap: float
    coupling_cold: float
    coupling_hot: float
    temperature_cold: float
    temperature_hot: float

    def __post_init__(self) -> None:
        """Check the parameters and set up the matrices."""
        for name in ("body_frictions_cold", "body_frictions_hot", "body_times_cold", "body_times_hot"):
            # As tuples, whatever was given: arrays have no hash.
            vars(self)[name] = tuple(float(number) for number in getattr(self, name))
        self._check()
        contacts, masses, first = [], [*self._core_masses()], 2
        bodies = [self.bodies(side) for side in (0, 1)]
        hidden = sum(len(each) for each in bodies)
        for side, white in enumerate((self.friction_cold, self.friction_hot)):
            touch = np.zeros((2 + hidden, 2 + hidden))
            touch[side, side] = white
            for body, (friction, time) in enumerate(bodies[side], first):
                touch[side, side] += friction
                touch[body, body] = friction
                touch[side, body] = touch[body, side] = -friction
                masses.append(friction * time)
            contacts.append(touch)
            first += len(bodies[side])
        super().__init__(
            masses=masses,
            stiffness=np.vstack([self._core_stiffness(), np.zeros((hidden, 2))]),
            frictions=contacts,
            temperatures=(self.temperature_cold, self.temperature_hot),
        )

    def bodies(self, side: int) -> list[tuple[float, float]]:
        """(c, τ) of each body of a side, 0 cold and 1 hot, eV ps/Å² and ps.

        Raises:
            ValueError: if not each body has a friction and a time.
        """
        name = ("cold", "hot")[side]
        frictions, times = (getattr(self, f"body_{quantity}_{name}") for quantity in ("frictions", "times"))
        if len(frictions) != len(times):
            raise ValueError(
                f"body_frictions_{name} = {frictions} and body_times_{name} = {times}: give each body one of both"
            )
        return list(zip(frictions, times, strict=True))

    def friction(self, side: int, frequency: ArrayLike) -> NDArray[np.complex128]:
        """γ(ω) that the particle of a side feels, of the shape of the frequency, eV ps/Å².

        Args:
            side: 0 cold, 1 hot.
            frequency: ω, 1/ps; motion goes as e^{-iωt}.
        """
        omega = np.asarray(frequency, dtype=float)
        white = (self.friction_cold, self.friction_hot)[side]
        dragged = [c * -1j * omega * tau / (1 - 1j * omega * tau) for c, tau in self.bodies(side)]
        return np.asarray(white + sum(dragged, np.zeros(omega.shape)), dtype=complex)
