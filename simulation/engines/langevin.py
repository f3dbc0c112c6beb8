"""Exact paths of linear models without time-step error: two particles with all dragged bodies, and one pulled particle.

A linear Langevin network moves over a step h by r → e^{Ah} r plus Gaussian noise of known covariance, for any h. Only the work
is a sum along the path, over every time step, as in LAMMPS, with a relative error of (ω h)²/12 for the fastest
motion ω in the work (below 10⁻⁴ for steps of 20 fs at the paper's couplings).

Bodies may be light and fast: nothing below subtracts two covariances or uses a growing exponential.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from analysis.model import AT_REST, BOLTZMANN, LinearLangevin, Refrigerator, TrapMotion
from analysis.model.lyapunov import expm
from analysis.model.moved import Response
from analysis.model.recursion import recursion

Array = NDArray[np.float64]

CHUNK_STEPS = 200_000  # of four variables; limits memory to about 60 MB at a time

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(12)
"""Gauss quadrature: exact to rounding for e^{As} over a time in which ‖A‖ s grows by at most 1."""


def propagate_pair(
    pair: Refrigerator,
    timestep: float,
    steps: int,
    stride: int,
    generator: np.random.Generator,
    motion: TrapMotion = AT_REST,
) -> tuple[Array, Array, Array]:
    """A path of two particles, stationary but for the motion of their traps, and the works along it.

    Args:
        pair: the model, with hidden velocities or without.
        timestep: ps between two points of the path.
        steps: length of the path; a multiple of `stride`.
        stride: steps between two samples.
        generator: source of all randomness.
        motion: of the trap centres.

    Returns:
        States (X_C, X_H, V_C, V_H, hidden velocities), one row for each of the n = steps / stride + 1 samples, in Å and
        Å/ps; the work of the controller and the work of moving the traps, since the first sample, on the cold and hot
        particle, (n, 2) each, eV.

    Raises:
        ValueError: if the pair has no steady state to start from.
    """
    force, response = pair.controller_force(), Response.of(pair, pair.trap, motion)
    states: list[Array] = []
    works: list[Array] = []
    done, first = np.zeros(4), 0
    for chunk in chunks(pair, timestep, steps, stride, generator):
        times = np.arange(first, first + len(chunk)) * timestep
        path = chunk + response.at(times) if motion.moves else chunk
        centres = motion.centre(times)
        increments = np.hstack([_work(path[:, :2], force), moving_work(pair.trap, path[:, :2], centres)])
        work = np.vstack([done, done + np.cumsum(increments, axis=0)])
        begin = 0 if first == 0 else stride
        states.append(path[begin::stride])
        works.append(work[begin::stride])
        done, first = work[-1], first + len(chunk) - 1
    both = np.vstack(works)
    return np.vstack(states), both[:, :2], both[:, 2:]


def moving_work(trap: Array | float, position: Array, centre: Array) -> Array:
    """Work of moving traps, -κ (X - λ) dλ at mid-points, in each interval between successive times.

    Args:
        trap: κ, eV/Å², of the shape of one position or one number.
        position: X, (n, ...), Å.
        centre: λ, likewise.

    Returns:
        (n - 1, ...), eV.
    """
    stretched = position - centre
    return np.asarray(-trap * (stretched[1:] + stretched[:-1]) / 2 * np.diff(centre, axis=0))


def _work(position: Array, force: Array) -> Array:
    """Work of the force F X at mid-points, (n - 1, p), eV, along positions (n, p)."""
    forces = position @ force.T
    return np.asarray((forces[1:] + forces[:-1]) / 2 * np.diff(position, axis=0))


def chunks(
    network: LinearLangevin, timestep: float, steps: int, stride: int, generator: np.random.Generator
) -> Iterator[Array]:
    """A stationary path of any network in parts of whole samples; every part begins with the last state before it.

    Args:
        network: the model, of p coordinates and n velocities.
        timestep, steps, stride, generator: as in ``propagate_pair``.

    Yields:
        States (X, V) at every step, in Å and Å/ps, (m + 1, p + n) for a part of m steps.

    Raises:
        ValueError: if the network has no steady state to start from.
    """
    covariance = network.covariance()
    scale = np.sqrt(np.diagonal(covariance))  # variables of similar size do not suffer from each other's rounding
    move, spread = transition(network.drift(), network.noise(), scale, timestep)
    state = np.linalg.cholesky(covariance / np.outer(scale, scale)) @ generator.standard_normal(scale.size)
    chunk = max(CHUNK_STEPS * 4 // scale.size // stride, 1) * stride
    for start in range(0, steps, chunk):
        kicks = generator.standard_normal((min(chunk, steps - start), scale.size)) @ spread.T
        scaled = np.vstack([state, _recursion(move, state, kicks)])
        yield scaled * scale
        state = scaled[-1]


def propagate_pulled(
    mass: float,
    friction: float,
    temperature: float,
    force: float,
    interval: float,
    intervals: int,
    seed: int,
    bodies: Sequence[tuple[float, float]] = (),
    modes: Sequence[tuple[float, float]] = (),
) -> tuple[Array, Array]:
    """One axis of a free particle pulled by a constant force, from equilibrium on; exact for any interval.

    Args:
        mass: eV ps²/Å².
        friction: white friction of the particle and the bath, eV ps/Å².
        temperature: K.
        force: eV/Å; applied from the first sample on.
        interval: between samples, ps.
        intervals: number of intervals.
        seed: seed of all random numbers.
        bodies: bodies dragged along by the particle: the friction c of each against the particle, eV ps/Å², and its time τ,
            ps; its mass is c τ.
        modes: Maxwell modes of the bath: the friction η of each, eV ps/Å², and its time τ, ps.

    Returns:
        Displacement since the first sample, Å, of shape (intervals + 1,); and the velocities of the particle, its bodies and
        the dashpots of the modes, Å/ps, of shape (intervals + 1, 1 + bodies + modes).
    """
    generator = np.random.default_rng(seed)
    hidden = [*bodies, *modes]
    masses = np.array([mass, *(c * tau for c, tau in hidden)])
    contacts = np.diag([friction + sum(c for c, _ in bodies), *(c for c, _ in hidden)])
    links = np.zeros_like(contacts)
    for body, (c, _) in enumerate(bodies, 1):
        contacts[0, body] = contacts[body, 0] = -c
    for mode, (eta, _) in enumerate(modes, 1 + len(bodies)):
        links[0, mode], links[mode, 0] = -eta, eta
    thermal = np.sqrt(BOLTZMANN * temperature / masses)
    drift, noise = np.zeros((2, masses.size + 1, masses.size + 1))
    drift[0, 1] = 1.0
    drift[1:, 1:] = (links - contacts) / masses[:, None]
    noise[1:, 1:] = 2 * BOLTZMANN * temperature * contacts / np.outer(masses, masses)
    scale = np.array([thermal[0] * interval, *thermal])
    move, spread = transition(drift, noise, scale, interval)
    kicks = generator.standard_normal((intervals, scale.size)) @ spread.T
    # All approach the terminal velocity; about it they move as free ones do about rest.
    terminal = force / (friction + sum(eta for eta, _ in modes))
    start = generator.standard_normal(masses.size) - terminal / thermal
    about = np.vstack([start, _recursion(move[1:, 1:], start, kicks[:, 1:])])
    steps = terminal * interval + (about[:-1] @ move[0, 1:] + kicks[:, 0]) * scale[0]
    return np.r_[0.0, np.cumsum(steps)], terminal + about * thermal


def transition(drift: Array, noise: Array, scale: Array, timestep: float) -> tuple[Array, Array]:
    """e^{Ah}, and the Cholesky factor L of the noise covariance ∫₀ʰ e^{As} D e^{Aᵀs} ds, both of the variables r / scale.

    Only roots of covariances are summed, without loss of digits even if one noise drives several variables: over a short time
    by Gauss quadrature, then doubled, Q(2t) = Q(t) + e^{At} Q(t) e^{Aᵀt}.

    Args:
        drift: A, (d, d), 1/ps.
        noise: D, (d, d), positive semidefinite.
        scale: typical sizes of the variables, (d,).
        timestep: h, ps.
    """
    drift, noise = drift * scale / scale[:, None], noise / np.outer(scale, scale)
    doublings = max(0, int(np.ceil(np.log2(np.linalg.norm(drift, 2) * timestep))))
    short = timestep / 2**doublings
    sizes, modes = np.linalg.eigh(noise)
    sources = (modes * np.sqrt(np.maximum(sizes, 0.0))).T * np.sqrt(short / 2)
    spans = (1 + _NODES) / 2 * short
    moves = np.sqrt(_WEIGHTS)[:, None, None] * expm(drift * spans[:, None, None])
    root = np.asarray(np.linalg.qr((sources @ np.swapaxes(moves, 1, 2)).reshape(-1, scale.size), mode="r"))
    for doubling in range(doublings):
        doubled = np.vstack([root, root @ expm(drift * short * 2**doubling).T])
        root = np.asarray(np.linalg.qr(doubled, mode="r"))
    signs = np.where(np.diagonal(root) < 0, -1.0, 1.0)
    return np.asarray(expm(drift * timestep)), np.asarray(root.T * signs)


def _recursion(move: Array, state: Array, kicks: Array) -> Array:
    """r ← e^{Ah} r + kick for a whole chunk, also with degenerate eigenmodes.

    In the Schur form of e^{Ah} each variable is a scalar filter, fast in SciPy, driven by its own kicks and by the later
    variables.

    Args:
        move: e^{Ah}, (d, d).
        state: before the first kick, (d,).
        kicks: (steps, d).
    """
    from scipy.linalg import schur  # slow to import, and LAMMPS jobs and plans of the workflow import this module too

    triangle, rotation = schur(move, output="complex")
    path = np.empty((len(state), len(kicks) + 1), dtype=complex)
    path[:, 0] = rotation.conj().T @ state
    path[:, 1:] = rotation.conj().T @ kicks.T
    for mode in reversed(range(len(state))):
        driven = path[mode, 1:] + triangle[mode, mode + 1 :] @ path[mode + 1 :, :-1]
        path[mode, 1:] = recursion(triangle[mode, mode], path[mode, 0], driven)
    return np.asarray(np.real(rotation @ path[:, 1:]).T)
