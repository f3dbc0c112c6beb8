"""The exact model with any controller, which is called at every step as in molecular dynamics."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from analysis.model.lyapunov import expm
from analysis.model.network import LinearLangevin
from simulation.engines.langevin import transition

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
) -> tuple[list[Array], Array]:
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

    Returns:
        By axis, states (X_C, X_H, V_C, V_H, hidden velocities) of shape (steps / stride + 1, variables), Å and Å/ps; and the
        work of the whole force since the first sample, shape (steps / stride + 1, 2, 3), eV.

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

    def extra(step: int) -> Array:
        """The force of the controller without the springs."""
        displacement = state[place]
        return np.asarray(ask(step, displacement, state[place + 2]) + springs * displacement)

    push, work = extra(-before), np.zeros((2, 3))
    states, works = [], []
    for step in range(-before, steps + 1):
        if step >= 0 and step % stride == 0:
            if step == 0:
                work = np.zeros((2, 3))
            states.append(state.copy())
            works.append(work.copy())
        if step == steps:
            break
        here, acting = state[place], push
        if is_held:
            state = move @ state + pushed @ push.T.ravel() + next(kicks)
            push = extra(step + 1)
        else:
            state = move @ (state + pushed @ push.T.ravel()) + next(kicks)
            push = extra(step + 1)
            state += pushed @ push.T.ravel()
            acting = (acting + push) / 2
        there = state[place]
        work += acting * (there - here) - springs / 2 * (there**2 - here**2)
    path = np.array(states)
    return [path[:, start : start + size] for start, size in zip(first, sizes, strict=True)], np.array(works)


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
