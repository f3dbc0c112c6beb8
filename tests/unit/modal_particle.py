"""One trapped particle that drags bodies of fluid along, propagated exactly and apart from ``analysis.model``."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import expm

from tests.unit.synthetic import BOLTZMANN_EV_PER_K

Array = NDArray[np.float64]

MASS, TRAP, TEMPERATURE, INTERVAL = 1.225, 0.01, 100.0, 0.1


def drift_and_covariance(white: float, drags: Sequence[float], times: Sequence[float]) -> tuple[Array, Array]:
    """Drift A of ṙ = A r + noise, r = (X, V, U₁ …), and its covariance in equilibrium, both (n + 2, n + 2)."""
    c, tau = np.array(drags, dtype=float), np.array(times, dtype=float)
    a = np.zeros((len(c) + 2, len(c) + 2))
    a[0, 1], a[1, 0] = 1.0, -TRAP / MASS
    a[1, 1], a[1, 2:] = -(white + c.sum()) / MASS, c / MASS
    a[2:, 1], a[2:, 2:] = 1 / tau, -np.diag(1 / tau)
    return a, BOLTZMANN_EV_PER_K * TEMPERATURE * np.diag([1 / TRAP, 1 / MASS, *(1 / (c * tau))])


def positions(
    white: float,
    drags: Sequence[float],
    times: Sequence[float],
    shape: tuple[int, int],
    seed: int,
    interval: float = INTERVAL,
) -> Array:
    """Stationary positions of ``shape`` (series, samples), Å."""
    a, covariance = drift_and_covariance(white, drags, times)
    step = expm(a * interval)
    size, directions = np.linalg.eigh(covariance - step @ covariance @ step.T)
    kick = directions * np.sqrt(np.maximum(size, 0))
    rng = np.random.default_rng(seed)
    state = np.sqrt(covariance) @ rng.standard_normal((len(a), shape[0]))
    found = np.empty(shape)
    for k in range(shape[1]):
        found[:, k] = state[0]
        state = step @ state + kick @ rng.standard_normal((len(a), shape[0]))
    return found


def modal_friction(
    frequency: Array, white: float, drags: Sequence[float], times: Sequence[float]
) -> NDArray[np.complex128]:
    """γ(ω) of such a particle, of the frequency's shape, eV ps/Å²."""
    turn = -1j * np.asarray(frequency, dtype=float)[..., None] * np.asarray(times, dtype=float)
    return np.asarray(white + (np.asarray(drags, dtype=float) * turn / (1 + turn)).sum(axis=-1))
