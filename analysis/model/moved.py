"""A machine whose traps move: their centres oscillate, and the work of moving them becomes heat.

The machine is linear, so its motion is that of traps at rest plus the response to the motion of their centres, which has no
noise. An oscillation of frequency ω has the complex amplitudes λ̂ of the centres (λ = Re λ̂ e^{iωt}) and r̂ = (iω - A)⁻¹ B κ λ̂
of coordinates and velocities. Means of quadratic quantities are sums of both parts:

    heat of bath b:              ½ V̂† Γ_b V̂
    work of the controller on j: ½ Re[(F X̂)_j V̂_j*]
    work of moving trap j:       ½ Re[κ (λ̂_j - X̂_j) (iω λ̂_j)*]

Moving a trap does the work -κ (X - λ) dλ. Oscillations of equal period interfere, others do not. Derivation:
docs/explanation/theory.md.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from analysis.model.lyapunov import Array
from analysis.model.network import LinearLangevin
from analysis.model.refrigerator import Refrigerator
from analysis.units import BOLTZMANN

ComplexArray = NDArray[np.complex128]


@dataclass(frozen=True)
class Oscillation:
    """λ(t) = amplitude sin(2π t/period + phase).

    Attributes:
        amplitude: Å.
        period: ps.
        phase: degrees.
    """

    amplitude: float
    period: float
    phase: float = 0.0

    @property
    def frequency(self) -> float:
        """ω = 2π/period, rad/ps."""
        return 2 * math.pi / self.period

    @property
    def complex_amplitude(self) -> complex:
        """λ̂ with λ(t) = Re λ̂ e^{iωt}, Å."""
        turn = math.radians(self.phase)
        return complex(self.amplitude * math.sin(turn), -self.amplitude * math.cos(turn))


@dataclass(frozen=True)
class TrapMotion:
    """How both trap centres move along each coupled axis: sums of oscillations; none for a trap at rest."""

    cold: tuple[Oscillation, ...] = ()
    hot: tuple[Oscillation, ...] = ()

    @property
    def moves(self) -> bool:
        """Whether a centre moves."""
        return bool(self.cold or self.hot)

    @cached_property
    def amplitudes(self) -> Mapping[float, ComplexArray]:
        """By frequency, rad/ps: the complex amplitudes λ̂ of both centres (cold, hot), (2,), Å."""
        found: dict[float, ComplexArray] = {}
        for side, oscillations in enumerate((self.cold, self.hot)):
            for each in oscillations:
                total = found.setdefault(each.frequency, np.zeros(2, dtype=complex))
                total[side] += each.complex_amplitude
        return found

    @property
    def beats(self) -> list[float]:
        """Frequencies of quantities linear and quadratic in the coordinates, rad/ps."""
        single = list(self.amplitudes)
        sums = {abs(one + sign * other) for one in single for other in single for sign in (1, -1)}
        return [*single, *sorted(sums - {0.0, *single})]

    def centre(self, time: ArrayLike) -> Array:
        """Displacement of both centres at times (ps) of any shape, (*time.shape, 2) for (cold, hot), Å."""
        return _at(self.amplitudes, np.asarray(time, dtype=float), 2)


AT_REST = TrapMotion()
"""Traps that do not move."""


def _at(amplitudes: Mapping[float, ComplexArray], time: Array, size: int) -> Array:
    """Σ Re â e^{iωt}, (*time.shape, size)."""
    found = np.zeros((*time.shape, size))
    for omega, amplitude in amplitudes.items():
        turn = omega * time[..., None]
        found += amplitude.real * np.cos(turn) - amplitude.imag * np.sin(turn)
    return found


@dataclass(frozen=True)
class Response:
    """Response of a network to moving traps: the complex amplitudes r̂ of its variables by frequency, (d,) each."""

    variables: Mapping[float, ComplexArray]

    @classmethod
    def of(cls, network: LinearLangevin, trap: float, motion: TrapMotion) -> Response:
        """The response of coordinates and velocities.

        Args:
            network: coordinates 0 and 1 are those of the trapped particles.
            trap: κ, eV/Å².
            motion: of the centres.
        """
        drift, p = network.drift(), network.coordinates
        found: dict[float, ComplexArray] = {}
        for omega, centre in motion.amplitudes.items():
            push = np.zeros(len(drift), dtype=complex)
            push[p : p + 2] = trap * centre / network.masses[:2]
            found[omega] = np.asarray(np.linalg.solve(1j * omega * np.eye(len(drift)) - drift, push), dtype=complex)
        return cls(found)

    def at(self, time: ArrayLike) -> Array:
        """All variables at times (ps) of any shape, (*time.shape, d), Å and Å/ps."""
        size = len(next(iter(self.variables.values())))
        return _at(self.variables, np.asarray(time, dtype=float), size)


@dataclass(frozen=True)
class MovedPair:
    """A pair with moving traps: the ideal controller without a loop.

    Args:
        machine: the pair with traps at rest.
        motion: of the trap centres.
    """

    machine: Refrigerator
    motion: TrapMotion

    @property
    def is_stable(self) -> bool:
        """Whether there is a steady state about the response."""
        return self.machine.is_stable

    @cached_property
    def response(self) -> Response:
        """The mean motion."""
        return Response.of(self.machine, self.machine.trap, self.motion)

    def heat_rates(self) -> Array:
        """Mean heat into each bath (cold, hot), eV/ps.

        Raises:
            ValueError: if there is no steady state.
        """
        p = self.machine.coordinates
        heats: Array = self.machine.heat_rates()
        for variables in self.response.variables.values():
            v = variables[p:]
            heats = np.asarray(heats + np.real(np.einsum("i,bij,j->b", v.conj(), self.machine.frictions, v)) / 2)
        return heats

    def work_rates(self) -> Array:
        """Mean power of the controller on each particle (cold, hot), eV/ps.

        Raises:
            ValueError: if there is no steady state.
        """
        p = self.machine.coordinates
        works: Array = self.machine.work_rates()
        for variables in self.response.variables.values():
            force = self.machine.controller_force() @ variables[:2]
            works = np.asarray(works + np.real(force * variables[p : p + 2].conj()) / 2)
        return works

    def trap_work_rates(self) -> Array:
        """Mean power of moving each trap (cold, hot), eV/ps."""
        works = np.zeros(2)
        for omega, centre in self.motion.amplitudes.items():
            stretched = centre - self.response.variables[omega][:2]
            works += self.machine.trap * np.real(stretched * (1j * omega * centre).conj()) / 2
        return works

    def heat_noise(self) -> Array:
        """Covariance that the motion adds to the heats per long time, (2, 2), eV²/ps, beyond that of traps at rest.

        The heat of a bath contains the product of mean and random motion: V̂_b* times the fluctuation of noise minus twice the
        friction force, whose spectrum at ω counts.

        Raises:
            ValueError: if there is no steady state.
        """
        self.machine.require_steady_state()
        machine, p = self.machine, self.machine.coordinates
        drift, size = machine.drift(), machine.masses.size
        found = np.zeros((2, 2))
        for omega, variables in self.response.variables.items():
            v = variables[p:]
            to_velocity = np.linalg.inv(1j * omega * np.eye(p + size) - drift)[p:, p:] / machine.masses
            # The product of V̂* with ξ_b - 2 Γ_b V, V the response to the noises of all baths, (baths b, baths of the noise, n)
            weights = np.stack(
                [
                    [
                        (v.conj() if source == bath else 0 * v) - 2 * (v.conj() @ machine.frictions[bath] @ to_velocity)
                        for source in range(2)
                    ]
                    for bath in range(2)
                ]
            )
            for source in range(2):
                spectrum = 2 * BOLTZMANN * machine.temperatures[source] * machine.frictions[source]
                found += np.real(np.einsum("bi,ij,cj->bc", weights[:, source], spectrum, weights[:, source].conj())) / 2
        return found


def moved_heats(
    omega: float,
    centre: ComplexArray,
    trap: float,
    couplings: Sequence[float],
    mass: Sequence[float],
    friction: ComplexArray,
) -> Array:
    """Mean heat into each bath from one oscillation of the traps, for any memory of the baths.

    Args:
        omega: rad/ps.
        centre: λ̂ (cold, hot), (2,), Å.
        trap: κ, eV/Å².
        couplings: κ_C and κ_H, eV/Å².
        mass: (cold, hot), eV ps²/Å².
        friction: γ_j(ω) of motion e^{-iωt} (cold, hot), (..., 2), eV ps/Å².

    Returns:
        (..., 2), eV/ps: ½ ω² Re γ_j |X̂_j|².
    """
    cold, hot = np.moveaxis(trap - omega**2 * np.array(mass) - 1j * omega * friction, -1, 0)
    (kc, kh), pushed = couplings, trap * np.conj(centre)  # as e^{-iωt}
    determinant = (cold + kc) * (hot + kh) - kc * kh
    moved = np.stack([(hot + kh) * pushed[0] + kc * pushed[1], kh * pushed[0] + (cold + kc) * pushed[1]], axis=-1)
    return np.asarray(omega**2 / 2 * friction.real * np.abs(moved / determinant[..., None]) ** 2)
