"""Exact paths of the linear model: the paper's pair, and a particle that is pulled, without time-step error.

The pair is linear, so over a step h its state r = (X_C, X_H, V_C, V_H) moves by r → e^{Ah} r plus Gaussian noise of known
covariance, whatever h. Only the work is a sum along the path: it is taken over every time step, as in LAMMPS, with a relative
error of (ω h)²/12 for the fastest motion ω (below 10⁻⁴ for steps of 20 fs at the paper's couplings).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import expm

from analysis.model import BOLTZMANN, LangevinPair
from analysis.model.recursion import recursion

Array = NDArray[np.float64]

CHUNK_STEPS = 200_000  # bounds memory: about 60 MB at a time


def propagate_pair(
    pair: LangevinPair, timestep: float, steps: int, stride: int, generator: np.random.Generator
) -> tuple[Array, Array]:
    """A stationary path of the pair, and the work done along it.

    Args:
        pair: the model.
        timestep: ps between two points of the path.
        steps: length of the path; a multiple of `stride`.
        stride: steps between two samples.
        generator: source of all randomness.

    Returns:
        States (X_C, X_H, V_C, V_H) of shape (steps / stride + 1, 4) in Å and Å/ps, and the work on the cold and hot particle
        since the first sample, shape (steps / stride + 1, 2), eV.

    Raises:
        ValueError: if the pair has no steady state to start from.
    """
    move, spread = _transition(pair.drift(), pair.noise(), timestep)
    rates, modes = np.linalg.eig(move)
    state = np.linalg.cholesky(pair.covariance()) @ generator.standard_normal(4)
    done = np.zeros(2)
    states, works = [state[None]], [done[None]]
    chunk = max(CHUNK_STEPS // stride, 1) * stride
    for start in range(0, steps, chunk):
        kicks = generator.standard_normal((min(chunk, steps - start), 4)) @ spread.T
        path = np.vstack([state, _recursion(move, rates, modes, state, kicks)])
        pull = path[:, 1] - path[:, 0]
        force = np.column_stack([pair.coupling_cold * pull, -pair.coupling_hot * pull])
        increments = (force[1:] + force[:-1]) / 2 * np.diff(path[:, :2], axis=0)
        work = done + np.cumsum(increments, axis=0)
        states.append(path[stride::stride])
        works.append(work[stride - 1 :: stride])
        state, done = path[-1], work[-1]
    return np.vstack(states), np.vstack(works)


def propagate_pulled(
    mass: float, friction: float, temperature: float, force: float, interval: float, intervals: int, seed: int
) -> tuple[Array, Array]:
    """One axis of a free particle of white friction that a constant force pulls, from equilibrium on; exact at any interval.

    Args:
        mass: eV ps²/Å².
        friction: eV ps/Å².
        temperature: K.
        force: eV/Å; sets in at the first sample.
        interval: between samples, ps.
        intervals: how many.
        seed: of all randomness.

    Returns:
        Displacement since the first sample, Å, and velocity, Å/ps, both of shape (intervals + 1,).
    """
    generator = np.random.default_rng(seed)
    thermal = BOLTZMANN * temperature / mass
    drift = np.array([[0.0, 1.0], [0.0, -friction / mass]])
    move, spread = _transition(drift, np.diag([0.0, 2 * thermal * friction / mass]), interval)
    kicks = generator.standard_normal((intervals, 2)) @ spread.T
    # About the terminal velocity the particle moves as a free one does about rest.
    terminal, start = force / friction, np.sqrt(thermal) * generator.standard_normal()
    rate = move[1, 1]
    about = np.r_[start - terminal, recursion(rate, start - terminal, kicks[:, 1])]
    steps = terminal * interval + move[0, 1] * about[:-1] + kicks[:, 0]
    return np.r_[0.0, np.cumsum(steps)], terminal + about


def _transition(drift: Array, noise: Array, timestep: float) -> tuple[Array, Array]:
    """e^{Ah}, and a square root of the noise covariance ∫₀ʰ e^{As} D e^{Aᵀs} ds, from one exponential (Van Loan)."""
    size = len(drift)
    block = expm(np.block([[-drift, noise], [np.zeros_like(drift), drift.T]]) * timestep)
    move = block[size:, size:].T
    covariance = move @ block[:size, size:]
    return move, np.asarray(np.linalg.cholesky((covariance + covariance.T) / 2))


def _recursion(move: Array, rates: Array, modes: Array, state: Array, kicks: Array) -> Array:
    """r ← e^{Ah} r + kick for a whole chunk: in the eigenmodes of e^{Ah} it is four scalar filters, which SciPy runs fast."""
    if np.linalg.cond(modes) > 1e6:  # critical damping: eigenmodes merge, so step by step
        path = np.empty_like(kicks)
        for index, kick in enumerate(kicks):
            state = move @ state + kick
            path[index] = state
        return path
    inverse = np.linalg.inv(modes)
    driven, initial = kicks @ inverse.T, inverse @ state
    filtered = [recursion(rate, initial[mode], driven[:, mode]) for mode, rate in enumerate(rates)]
    return np.real(np.column_stack(filtered) @ modes.T)
