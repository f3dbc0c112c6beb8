"""The feedback loop of a demon: reading with noise, filter, delay, hold, and a limit of the force.

A loop is a controller that wraps controllers of any law. The order is fixed. At an update each position is read as X + noise
and filtered. After the delay it becomes a force, which is held until the next one arrives.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from simulation.control.controller import (
    Controller,
    ControllerError,
    Seen,
    State,
    Vector,
    checked_forces,
    restore,
    state_of,
)
from simulation.control.trial import ADD_STATE, memory
from simulation.study.fields import Feedback

_INNER = "law {}/"  # prefix of the names of the arrays of an inner controller


class FeedbackLoop:
    """Controllers of one law in a feedback loop.

    With `delayed: all` one controller is called at each update with the readings, and its forces pass through the delay. With
    `delayed: partner` each side has a separate controller, called at every step with the actual position of its own particle
    and the position of the partner from the loop. Until the first reading arrives no force acts (`all`), or the partner is
    taken to be at its trap centre (`partner`).

    Velocities, for a law that uses them, are filtered, delayed and held like positions, without noise.

    Args:
        controllers: identical ones of one law: one for `all`, two (cold, hot) for `partner`.
        feedback: the section of the study.
        timestep_ps: MD time step.
        seed: of the noise, which depends only on it and the step, and not on the segments of a run.
    """

    version = 1
    """Part of the identity of a run: increase it when the loop changes."""

    def __init__(self, controllers: Sequence[Controller], feedback: Feedback, timestep_ps: float, seed: int) -> None:
        self._laws = controllers
        self._feedback = feedback
        self._seed = seed
        self.sees_velocity: bool = getattr(controllers[0], "sees_velocity", True)
        every = feedback.update_every_ps
        self._every = 1 if every is None else round(every / timestep_ps)
        self._delay = round(feedback.delay_ps / timestep_ps)
        time = feedback.filter_ps
        self._share = 1.0 if time == 0 else -float(np.expm1(-self._every * timestep_ps / time))
        self._filtered: Vector | None = None
        self._underway: deque[tuple[int, Vector]] = deque()  # steps of arrival, and the arriving values
        # Forces for `all`; displacements and velocities for `partner`.
        self._delivered = np.zeros((2, 3) if feedback.delayed == "all" else (4, 3))
        self._fresh = [memory(law) for law in controllers]

    def forces(self, seen: Seen) -> Vector:
        """See `Controller.forces`."""
        if seen.step % self._every == 0:
            reading = self._read(seen)
            if self._feedback.delayed == "all":
                what = checked_forces(self._laws[0].forces(Seen(seen.step, seen.time_ps, *_halves(reading))))
            else:
                what = reading
            self._underway.append((seen.step + self._delay, what))
        while self._underway and self._underway[0][0] <= seen.step:
            self._delivered = self._underway.popleft()[1]
        force = self._delivered if self._feedback.delayed == "all" else self._pushed_by_partner(seen)
        limit = self._feedback.force_limit_eV_per_A
        return force if limit is None else np.clip(force, -limit, limit)

    def _read(self, seen: Seen) -> Vector:
        """The filtered reading at an update: displacements and velocities, shape (4, 3)."""
        read = np.concatenate([seen.displacement_A, seen.velocity_A_per_ps])
        if self._feedback.position_noise_A:
            # A counter-based generator: the noise needs no memory, and does not depend on the segments.
            counter = np.array([0, 0, 0, seen.step % 2**64], dtype=np.uint64)
            source = np.random.Generator(np.random.Philox(key=self._seed, counter=counter))
            read[:2] += self._feedback.position_noise_A * source.standard_normal((2, 3))
        if self._filtered is not None and self._share < 1:
            read = self._filtered + self._share * (read - self._filtered)
        self._filtered = read
        return read

    def _pushed_by_partner(self, seen: Seen) -> Vector:
        force = np.empty((2, 3))
        for side, law in enumerate(self._laws):
            now = np.concatenate([seen.displacement_A, seen.velocity_A_per_ps])
            now[[1 - side, 3 - side]] = self._delivered[[1 - side, 3 - side]]
            force[side] = checked_forces(law.forces(Seen(seen.step, seen.time_ps, *_halves(now))))[side]
        return force

    def state(self) -> State:
        """The filter, the delayed readings, the last delivered values, and the memory of the controllers."""
        underway = np.array([what for _, what in self._underway]).reshape(-1, *self._delivered.shape)
        state: State = {
            "filtered": np.empty((0, 4, 3)) if self._filtered is None else self._filtered[None],
            "arrivals": np.array([step for step, _ in self._underway], dtype=np.int64),
            "underway": underway,
            "delivered": self._delivered,
        }
        for index, law in enumerate(self._laws):
            inner = state_of(law)
            if inner is None and memory(law) != self._fresh[index]:
                raise ControllerError(f"it has a memory (its attributes changed) but no state(): {ADD_STATE}")
            state |= {_INNER.format(index) + name: value for name, value in (inner or {}).items()}
        return state

    def restore(self, state: State) -> None:
        """Restore the result of `state`."""
        self._filtered = state["filtered"][0] if len(state["filtered"]) else None
        self._underway = deque(zip(map(int, state["arrivals"]), state["underway"], strict=True))
        self._delivered = state["delivered"]
        for index, law in enumerate(self._laws):
            prefix = _INNER.format(index)
            inner = {name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)}
            if hasattr(law, "restore"):
                restore(law, inner)


def _halves(both: NDArray[np.float64]) -> tuple[Vector, Vector]:
    """Displacements and velocities, read-only, from an array of both."""
    both.flags.writeable = False
    return both[:2], both[2:]
