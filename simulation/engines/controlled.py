"""The exact model with any controller, which is called at every step as in molecular dynamics."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from analysis.model.lyapunov import expm
from analysis.model.moved import AT_REST, Response, TrapMotion
from analysis.model.network import LinearLangevin
from simulation.engines.langevin import moving_work, transition

Array = NDArray[np.float64]

CHUNK_STEPS = 20_000  # random numbers are drawn for this many steps at a time


def propagate_controlled(
    plants: Sequence[LinearLangevin],
    ask: Callable[[int, Array, Array], Array],
    *,
    springs: Array,
    is_held: bool,
    timestep: float,
    before: int,
    steps: int,
    stride: int,
    generators: Sequence[np.random.Generator],
    trap: Sequence[float] = (0.0, 0.0, 0.0),
    motion: TrapMotion = AT_REST,
) -> tuple[list[Array], Array, Array]:
    """A path of two particles under a controller, from the stationary state of the plants on.

    If the force is constant between the steps at which it changes, the path is exact. If it follows the particles, half of its
    impulse is applied before each step of the plant and half after it; the error is of second order in the step.

    Args:
        plants: by axis: two particles without the controller, coordinates (cold, hot).
        ask: the controller: forces on the particles, eV/Å, shape (2, 3), from step, displacements and velocities of that shape.
        springs: by side and axis, eV/Å², (2, 3): part -s X of the force that the plants already contain.
        is_held: whether the rest of the force changes only at steps.
        timestep: ps.
        before: steps under the controller before the first sample.
        steps: length of the path; a multiple of `stride`.
        stride: steps between two samples.
        generators: sources of all randomness, by axis.
        trap: stiffness by axis, eV/Å², (3,); 0 along axes where traps do not move.
        motion: of the trap centres along the other axes. The plants respond exactly.

    Returns:
        By axis, states (X_C, X_H, V_C, V_H, hidden velocities) of shape (steps / stride + 1, variables), Å and Å/ps; the
        work of the whole force, and that of moving the traps, since the first sample, (steps / stride + 1, 2, 3) each, eV.

    Raises:
        ValueError: if a plant has no steady state to start from.
    """
    from scipy.linalg import block_diag  # slow to import, and LAMMPS jobs import this module too

    sizes = [plant.drift().shape[0] for plant in plants]
    first = np.cumsum([0, *sizes])[:-1]
    place = np.add.outer([0, 1], first)  # of displacements, (2, 3)
    scales = [np.sqrt(np.diagonal(plant.covariance())) for plant in plants]
    exact = [
        transition(plant.drift(), plant.noise(), scale, timestep) for plant, scale in zip(plants, scales, strict=True)
    ]
    scale = np.concatenate(scales)
    move = block_diag(*(part for part, _ in exact)) * scale[:, None] / scale
    pushed = block_diag(*(_push(plant, timestep, is_held) for plant in plants))  # columns: axis by axis, cold and hot
    kicks = _kicks([spread for _, spread in exact], generators, scale, before + steps)
    state = np.concatenate(
        [
            np.linalg.cholesky(plant.covariance() / np.outer(own, own)) @ generator.standard_normal(own.size) * own
            for plant, own, generator in zip(plants, scales, generators, strict=True)
        ]
    )

    # The response of the plants to moving traps is added to their states wherever these are seen.
    responses = [Response.of(plant, kappa, motion) for plant, kappa in zip(plants, trap, strict=True)]

    def seen(step: int) -> Array:
        """The state of all plants."""
        if not motion.moves:
            return state.copy()
        return np.asarray(state + np.concatenate([response.at(step * timestep) for response in responses]))

    def extra(step: int, path: Array) -> Array:
        """The force of the controller without the springs."""
        displacement = path[place]
        return np.asarray(ask(step, displacement, path[place + 2]) + springs * displacement)

    whole = seen(-before)
    push, work, moved = extra(-before, whole), np.zeros((2, 3)), np.zeros((2, 3))
    centre = motion.centre(-before * timestep)[:, None]
    states, works, moving_works = [], [], []
    for step in range(-before, steps + 1):
        if step >= 0 and step % stride == 0:
            if step == 0:
                work, moved = np.zeros((2, 3)), np.zeros((2, 3))
            states.append(whole)
            works.append(work.copy())
            moving_works.append(moved.copy())
        if step == steps:
            break
        here, acting = whole[place], push
        if is_held:
            state = move @ state + pushed @ push.T.ravel() + next(kicks)
            whole = seen(step + 1)
            push = extra(step + 1, whole)
        else:
            state = move @ (state + pushed @ push.T.ravel()) + next(kicks)
            push = extra(step + 1, seen(step + 1))
            state += pushed @ push.T.ravel()
            whole = seen(step + 1)
            acting = (acting + push) / 2
        there = whole[place]
        work += acting * (there - here) - springs / 2 * (there**2 - here**2)
        if motion.moves:
            after = motion.centre((step + 1) * timestep)[:, None]
            moved += moving_work(np.array(trap), np.array([here, there]), np.array([centre, after]))[0]
            centre = after
    path = np.array(states)
    by_axis = [path[:, start : start + size] for start, size in zip(first, sizes, strict=True)]
    return by_axis, np.array(works), np.array(moving_works)


def _push(plant: LinearLangevin, timestep: float, is_held: bool) -> Array:
    """Response of the state to a constant force on each particle, (variables, 2): over a step, or as half an impulse."""
    size = plant.drift().shape[0]
    rate = np.zeros((size, 2))
    rate[2:4] = np.diag(1 / plant.masses[:2])
    if not is_held:
        return rate * timestep / 2
    whole = np.zeros((size + 2, size + 2))
    whole[:size, :size], whole[:size, size:] = plant.drift(), rate
    return np.asarray(expm(whole * timestep)[:size, size:])


def _kicks(
    spreads: Sequence[Array], generators: Sequence[np.random.Generator], scale: Array, steps: int
) -> Iterator[Array]:
    for start in range(0, steps, CHUNK_STEPS):
        count = min(CHUNK_STEPS, steps - start)
        yield from scale * np.hstack(
            [
                generator.standard_normal((count, len(spread))) @ spread.T
                for spread, generator in zip(spreads, generators, strict=True)
            ]
        )
