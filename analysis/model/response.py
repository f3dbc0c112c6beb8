"""Heat of a pair with a loop from friction at every frequency, however the baths remember.

With D_j = κ - m_j ω² - iωγ_j(ω) and the loop's H(ω) from readings to forces, D X = H (X + n) + ξ. So X = G (ξ + H n) with
G = (D - H)⁻¹, and works are integrals over frequency that hold the noises' spectra, 2 k_B T_j Re γ_j and S. Where friction is
a network's, ``DelayedNetwork`` gives the same; here it may be measured. Derivation: docs/theory.md.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from analysis.model.feedback import Feedback
from analysis.model.lyapunov import Array
from analysis.model.network import BOLTZMANN

ComplexArray = NDArray[np.complex128]


def response_heat_rates(
    frequency: ArrayLike,
    friction: tuple[ArrayLike, ArrayLike],
    *,
    mass: tuple[float, float],
    trap: float,
    couplings: tuple[float, float],
    temperatures: tuple[float, float],
    feedback: Feedback,
) -> Array:
    """Mean heat flow into each bath, (..., 2) for (cold, hot), eV/ps, which is the work of the applied force on each particle.

    Whether there is a steady state is not asked: a network fitted to the same friction tells.

    Args:
        frequency: ω, (k,), 1/ps, rising and positive; motion goes as e^{-iωt}. The integral is the trapezoidal rule's, from the
            first to the last, so both must lie beyond what moves.
        friction: γ_j(ω) of the cold and the hot particle, (..., k) each, complex, eV ps/Å².
        mass: of the particles (cold, hot), eV ps²/Å².
        trap: stiffness κ of both traps, eV/Å².
        couplings: κ_C and κ_H, eV/Å².
        temperatures: of the baths (cold, hot), K.
        feedback: the loop, at every instant.

    Raises:
        ValueError: if the loop has updates: they fold frequencies onto one another.
    """
    if feedback.period:
        raise ValueError(
            f"update_every = {feedback.update_every} ps: a measured friction needs a loop at every instant; "
            "a hold acts much like a delay by half of it"
        )
    omega = np.asarray(frequency, dtype=float)
    matrix = np.array([[-couplings[0], couplings[0]], [couplings[1], -couplings[1]]])
    spring = np.diag(np.diag(matrix)) if feedback.delayed == "partner" else np.zeros((2, 2))
    passed = np.exp(1j * omega * feedback.delay) / (1 - 1j * omega * feedback.filter)
    loop = (matrix - spring) * passed[:, None, None]
    rubs = [np.asarray(each, dtype=complex) for each in friction]
    plant = np.zeros((*np.broadcast_shapes(rubs[0].shape, rubs[1].shape), 2, 2), dtype=complex)
    thermal = np.zeros_like(plant)
    for j in (0, 1):
        plant[..., j, j] = trap - spring[j, j] - mass[j] * omega**2 - 1j * omega * rubs[j]
        thermal[..., j, j] = 2 * BOLTZMANN * temperatures[j] * rubs[j].real
    response = np.linalg.inv(plant - loop)
    # The loop's force is H G ξ + (1 + H G) H n, and velocities are -iω G (ξ + H n).
    back = np.conj(np.swapaxes(response, -1, -2))
    heard = feedback.noise_density * loop @ np.conj(np.swapaxes(loop, -1, -2))
    shared = loop @ response @ (thermal + heard) @ back + heard @ back
    powers = np.diagonal((1j * omega[:, None, None] * shared).real, axis1=-2, axis2=-1)
    return np.asarray(np.trapezoid(powers, omega, axis=-2) / np.pi)
