"""Work and heat as fluctuating currents: means, long-time noise, covariances over any duration; exact.

A current is J_T = ∫ rᵀ S r dt + Σ_b w_b Q_b(T) + Δ rᵀ E r: a power that is a quadratic form S of the state,
plus heats into baths with weights w_b, plus the change of an energy that is a quadratic form E. The error bar
of a mean over a run of length T is √(noise rate / T), known before the run.
Derivation: docs/explanation/theory.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from analysis.model.lyapunov import Array, expm, solve_lyapunov
from analysis.model.network import LinearLangevin


@dataclass(frozen=True)
class Current:
    """One current of a network.

    Attributes:
        power: S, symmetric, (p + n, p + n); rᵀ S r is in eV/ps.
        heat_weights: w_b, (baths,); 1 for the heat into that bath, 1/T_b for entropy.
        stored: E, symmetric, (p + n, p + n), eV per product of the state's units; ``None`` for none.
    """

    power: Array
    heat_weights: Array
    stored: Array | None = None


def work_current(network: LinearLangevin, force: ArrayLike) -> Current:
    """Work done by the force F X, whose power is V·(F X); ``force`` is F, (n, p), eV/Å²."""
    p, n = network.coordinates, network.masses.size
    power = np.zeros((p + n, p + n))
    power[p:, :p] = np.asarray(force, dtype=float) / 2
    return Current(power + power.T, np.zeros(network.temperatures.size))


def heat_current(network: LinearLangevin, bath: int) -> Current:
    """Heat into one bath, from friction and thermal noise, minus the work of its active forces if there are any."""
    p, size = network.coordinates, network.coordinates + network.masses.size
    power, stored = np.zeros((2, size, size))
    power[p:, p:] = -(network.links[bath] + network.links[bath].T) / 2
    # The exchange of a signal with its own friction is not heat.
    signals = network.signals & (np.diagonal(network.frictions[bath]) > 0)
    stored[p:, p:] = np.diag(signals * network.masses / 2)
    return Current(power, np.eye(network.temperatures.size)[bath], stored if signals.any() else None)


def mean_rates(network: LinearLangevin, currents: Sequence[Current]) -> Array:
    """Mean of each current per time, (k,), eV/ps.

    Raises:
        ValueError: if there is no steady state.
    """
    c, dissipated = network.covariance(), network.dissipation()
    return np.array([np.sum(j.power * c) + j.heat_weights @ dissipated for j in currents])


@dataclass(frozen=True)
class _Kernel:
    """The fluctuations of a set of currents, split into white noise and memory.

    For a later power S_a, an earlier current a' acts as the source G_a' = C S_a' C + (C N_a' D + its
    transpose)/2, its covariance with the state at that time. The correlation is 2 Tr S_a e^{Aτ} G_a' e^{Aᵀτ}.
    """

    white: Array  # (k, k): covariance per time of the parts that are white noise
    forms: Array  # (k, d, d): S of every current, friction included
    sources: Array  # (k, d, d): G of every current


def _kernel(network: LinearLangevin, currents: Sequence[Current]) -> _Kernel:
    p = network.coordinates
    c, noises = network.covariance(), network.noise_by_bath()
    weights = np.array([j.heat_weights for j in currents])
    forms = np.array([j.power for j in currents])
    forms[:, p:, p:] += np.einsum("kb,bij->kij", weights, network.frictions)
    # dQ_b = (VᵀΓ_b V + const) dt - V·ξ_b dt in the sense of Itô; ξ_b is M times that bath's noise on the
    # velocities.
    masses = np.diag(np.concatenate([np.zeros(p), network.masses]))
    felt = masses @ noises
    white = np.einsum("kb,lb,bij,ij->kl", weights, weights, felt @ masses, c)
    shared = -np.einsum("kb,bij->kij", weights, c @ felt)
    sources = c @ forms @ c + (shared + np.swapaxes(shared, 1, 2)) / 2
    return _Kernel(white, forms, sources)


def noise_rates(network: LinearLangevin, currents: Sequence[Current]) -> Array:
    """Long-time covariance per time, lim Cov(J_a, J_b)/T, (k, k), eV²/ps; twice the diffusion coefficient.

    Raises:
        ValueError: if there is no steady state.
    """
    kernel = _kernel(network, currents)
    drift = network.drift()
    memory = solve_lyapunov(drift, kernel.sources)
    cross = 2 * np.einsum("kij,lij->kl", kernel.forms, memory)
    return np.asarray(kernel.white + cross + cross.T)


def covariance_over(network: LinearLangevin, currents: Sequence[Current], duration: ArrayLike) -> Array:
    """Covariance of the currents accumulated over durations in the steady state, (*duration.shape, k, k), eV².

    Args:
        network: in its steady state.
        currents: the k currents.
        duration: T, ps, positive, of any shape.

    Raises:
        ValueError: if a duration is not positive, or there is no steady state.
    """
    time = np.asarray(duration, dtype=float)[..., None, None]
    if not (time > 0).all():
        raise ValueError(f"duration = {np.asarray(duration).tolist()} ps: must be positive")
    kernel = _kernel(network, currents)
    drift = network.drift()
    ahead = expm(drift * time)
    # ∫₀ᵀ (T - τ) e^{Aτ} G e^{Aᵀτ} dτ = T Y₁ - Y₂ + e^{AT} Y₂ e^{AᵀT}
    once = solve_lyapunov(drift, kernel.sources)
    twice = solve_lyapunov(drift, once)
    cross = np.empty((*time.shape[:-2], *kernel.white.shape))
    for earlier in range(len(once)):
        total = time * once[earlier] - twice[earlier] + ahead @ twice[earlier] @ np.swapaxes(ahead, -1, -2)
        cross[..., earlier] = 2 * np.einsum("kij,...ij->...k", kernel.forms, total)
    if any(current.stored is not None for current in currents):
        cross += _of_stored(network, currents, kernel, once, ahead)
    return np.asarray(kernel.white * time + cross + np.swapaxes(cross, -1, -2))


def _of_stored(
    network: LinearLangevin, currents: Sequence[Current], kernel: _Kernel, once: Array, ahead: Array
) -> Array:
    """Contribution of changes of stored energies to one half of the covariance, (..., k, k); the other half is its transpose.

    Args:
        network, currents, kernel: as in ``covariance_over``.
        once: ∫₀^∞ e^{Aτ} G e^{Aᵀτ} dτ of every current, (k, d, d).
        ahead: e^{AT}, (..., d, d).
    """
    c = network.covariance()
    stored = np.array([np.zeros_like(c) if current.stored is None else current.stored for current in currents])
    first = c @ stored @ c  # covariance of a later state with the first energy
    after = solve_lyapunov(network.drift(), first)

    def later(shared: Array) -> Array:
        """e^{AT} Y e^{AᵀT} of every current, (..., k, d, d)."""
        moved = ahead[..., None, :, :]
        return np.asarray(moved @ shared @ np.swapaxes(moved, -1, -2))

    def meet(forms: Array, shared: Array) -> Array:
        return np.asarray(2 * np.einsum("aij,...bij->...ab", forms, shared))

    # The last energy correlates with all of the earlier current; the later current with the first energy.
    ends = meet(stored, once - later(once)) - meet(kernel.forms, after - later(after))
    return np.asarray(ends + meet(stored, first) - meet(stored, later(first)))
