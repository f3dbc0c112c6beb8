"""Heat of a pair with a loop from friction at every frequency, for any memory of the baths.

With D_j = κ - m_j ω² - iωγ_j(ω) and the transfer function H(ω) of the loop from readings to forces, D X = H (X + n) + ξ. So
X = G (ξ + H n) with G = (D - H)⁻¹, and works are integrals over frequency with the spectra of the noises, 2 k_B T_j Re γ_j
and S. For the friction of a network ``DelayedNetwork`` gives the same; here the friction may be measured. Derivation:
docs/explanation/theory.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from analysis.model.feedback import Feedback
from analysis.model.lyapunov import Array
from analysis.units import BOLTZMANN

ComplexArray = NDArray[np.complex128]

_IDEAL = Feedback()


@dataclass(frozen=True, kw_only=True)
class RespondingPair:
    """A pair with given friction at every frequency, and a loop.

    Args:
        frequency: ω, (k,), 1/ps, increasing and positive; motion as e^{-iωt}. Integrals use the trapezoidal rule from
            the first to the last, which must include all frequencies of the motion.
        friction: γ_j(ω) of the cold and the hot particle, (..., k) each, complex, eV ps/Å².
        mass: of the particles (cold, hot), eV ps²/Å².
        trap: stiffness κ of both traps, eV/Å².
        couplings: κ_C and κ_H, eV/Å².
        temperatures: of the baths (cold, hot), K.
        active: spectra of their active forces (cold, hot), two-sided over ω/2π, (k,) each, eV² ps/Å² (``active_spectrum``).
        velocity_gain: g of a force -g V through the loop (cold, hot), eV ps/Å²: cold damping.
        feedback: the loop. One with updates is represented by its mean response (``Feedback.response``), without aliasing
            from other frequencies: for the pair of the paper with a hold of 0.5 ps the error of the heats is 10⁻³.
    """

    frequency: Array
    friction: tuple[ComplexArray, ComplexArray]
    mass: tuple[float, float]
    trap: float
    couplings: tuple[float, float]
    temperatures: tuple[float, float]
    active: tuple[Array | float, Array | float] = (0.0, 0.0)
    velocity_gain: tuple[float, float] = (0.0, 0.0)
    feedback: Feedback = _IDEAL

    @cached_property
    def _plant(self) -> tuple[ComplexArray, ComplexArray]:
        """Diagonal of D, springs of the controller included, of the cold and the hot particle, (..., k) each."""
        springs = self.couplings if self.feedback.delayed == "partner" else (0.0, 0.0)
        cold, hot = (
            self.trap + spring - mass * self.frequency**2 - 1j * self.frequency * friction
            for spring, mass, friction in zip(springs, self.mass, self.friction, strict=True)
        )
        return cold, hot

    @cached_property
    def _loop(self) -> ComplexArray:
        """H, (2, 2, k)."""
        (kc, kh), own = self.couplings, float(self.feedback.delayed == "all")
        gain = np.array([[-own * kc, kc], [kh, -own * kh]])
        # -iω for the velocity, or what the change from one reading to the next is of it.
        turn, period = 1j * self.frequency, self.feedback.period
        change = -np.expm1(turn * period) / period if period else -turn
        damping = np.diag(self.velocity_gain)[:, :, None] * change
        return np.asarray((gain[:, :, None] - damping) * self.feedback.response(self.frequency))

    def is_stable(self) -> bool:
        """Whether no motion grows, by the Nyquist criterion for the first of several frictions.

        det(1 - D⁻¹H) then does not encircle zero between the lowest and the highest frequency.
        """
        loop = self._loop
        cold, hot = (each.reshape(-1, each.shape[-1])[0] for each in self._plant)
        difference = (1 - loop[0, 0] / cold) * (1 - loop[1, 1] / hot) - loop[0, 1] * loop[1, 0] / (cold * hot)
        return bool(abs(np.angle(difference[1:] / difference[:-1]).sum()) < np.pi / 2)

    def heat_rates(self) -> Array:
        """Mean heat flow into each bath, (..., 2) for (cold, hot), eV/ps: the work of the applied force on each particle.

        It does not check for a steady state: see ``is_stable``.
        """
        spectra = self.heat_spectra()
        return np.stack([np.trapezoid(each, self.frequency, axis=-1) for each in spectra], axis=-1)

    def heat_spectra(self) -> tuple[Array, Array]:
        """Mean heat flow into each bath (cold, hot) by frequency, (..., k) each, eV: integrals over ω are ``heat_rates``."""
        omega, h, (cold, hot) = self.frequency, self._loop, self._plant
        noise = self.feedback.density_of_noise
        a, d = cold - h[0, 0], hot - h[1, 1]
        determinant = a * d - h[0, 1] * h[1, 0]
        g = ((d / determinant, h[0, 1] / determinant), (h[1, 0] / determinant, a / determinant))
        spectra = []
        for j in (0, 1):
            # ⟨F_j V_j*⟩ of F = H G ξ + (1 + H G) H n and V = -iω G (ξ + H n), large arrays for many frictions.
            power = np.zeros(determinant.shape)
            for k in (0, 1):
                random = 2 * BOLTZMANN * self.temperatures[k] * self.friction[k].real + self.active[k]
                pushed = h[j, 0] * g[0][k] + h[j, 1] * g[1][k]
                power -= random * (pushed * g[j][k].conj()).imag
                if noise:
                    read = [g[side][0] * h[0, k] + g[side][1] * h[1, k] for side in (0, 1)]
                    heard = h[j, k] + h[j, 0] * read[0] + h[j, 1] * read[1]
                    power -= noise * (heard * read[j].conj()).imag
            spectra.append(omega * power / np.pi)
        return spectra[0], spectra[1]
