"""The demon: calls a controller once at every step, checks its result, and sums the work of its forces.

This module is independent of LAMMPS; `simulation.control.callback` couples the demon to it.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from simulation.control.controller import (
    Controller,
    ControllerError,
    Seen,
    Vector,
    checked_forces,
    state_of,
)
from simulation.control.moving_traps import MovingTraps
from simulation.control.trial import ADD_STATE, memory, restore_or_complain

STATE = "state/"  # prefix of the names of the arrays of the controller


class ParticleError(Exception):
    """The run cannot continue from this state of the particles; the message says what to change."""


class Demon:
    """Calls a controller at every step and integrates the work of its forces along the path of the particles.

    Args:
        name: of the controller, for messages.
        controller: computes the forces; None on MPI ranks other than the root, which receive the forces.
        axes: coupled axes, such as `x` or `xyz`; forces along others are dropped.
        timestep_ps: MD time step.
        max_displacement_A: largest distance from the trap centre at rest; beyond it a particle counts as lost.
        moving_traps: force and work of moving traps; None if the traps are at rest.
    """

    def __init__(
        self,
        name: str,
        controller: Controller | None,
        *,
        axes: str,
        timestep_ps: float,
        max_displacement_A: float,
        moving_traps: MovingTraps | None = None,
    ) -> None:
        self.name = name
        self.controller = controller
        self.axes = axes
        self.timestep_ps = timestep_ps
        self.max_displacement_A = max_displacement_A
        self.moving_traps = moving_traps
        self.work = np.zeros((2, 3))
        """Work (eV) on the cold and the hot particle along x, y, z since the segment began."""
        self.step: int | None = None
        """The step of the last call."""
        self.displacement = np.zeros((2, 3))
        self.force = np.zeros((2, 3))
        """The force since `step`, eV/Å, along coupled axes."""
        self.sees_velocity: bool = getattr(controller, "sees_velocity", True)
        """Whether velocities are computed: not for a controller class with `sees_velocity = False`."""
        self._mask = np.array([float(axis in axes) for axis in "xyz"])
        self._is_partial = len(axes) < 3
        self._fresh_memory = None if controller is None else memory(controller)

    def ask(self, step: int, displacement: Vector, velocity: Vector) -> Vector:
        """The forces of the controller at a step, eV/Å, shape (2, 3), zero along axes that are not coupled.

        The arrays become read-only: the caller must make new ones at every step.

        Raises:
            ControllerError: the controller failed, or did not return two vectors of three real numbers.
        """
        assert self.controller is not None
        displacement.flags.writeable = velocity.flags.writeable = False
        try:
            answer = self.controller.forces(Seen(step, step * self.timestep_ps, displacement, velocity))
        except KeyboardInterrupt:
            raise
        except BaseException as failure:  # includes SystemExit: a controller must not end the program
            raise ControllerError(
                f"the controller {self.name!r} failed at step {step}: {type(failure).__name__}: {failure}"
            ) from failure
        try:
            force = checked_forces(answer)
        except ControllerError as failure:
            raise ControllerError(f"the controller {self.name!r} at step {step}: {failure}") from None
        if self._is_partial:  # components along other axes, even NaN, have no effect
            force = np.where(self._mask, force, 0.0)
        flat = force.ravel()
        if not math.isfinite(flat.dot(flat)):
            raise ControllerError(
                f"the controller {self.name!r} at step {step}: its force along {self.axes} is not a finite number: "
                f"{force.tolist()}"
            )
        return force

    def move(self, step: int, displacement: Vector, force: Vector) -> None:
        """Record the positions of the particles and the new force, and add the work since the previous step."""
        if step - 1 == self.step:
            self.work += 0.5 * (self.force + force) * (displacement - self.displacement)
            if self.moving_traps is not None:
                times = ((step - 1) * self.timestep_ps, step * self.timestep_ps)
                self.moving_traps.move(times, self.displacement, displacement)
        self.step, self.displacement, self.force = step, displacement, force

    def with_traps(self, step: int, force: Vector) -> Vector:
        """A force plus that of moving traps at a step, if they move, eV/Å, shape (2, 3)."""
        return force if self.moving_traps is None else force + self.moving_traps.force(step * self.timestep_ps)

    @property
    def works(self) -> Vector:
        """Works since the segment began: (2, 3) of the forces, then of moving traps if they move; eV."""
        return self.work if self.moving_traps is None else np.concatenate([self.work, self.moving_traps.work])

    def save(self, file: Path) -> None:
        """Save the state for the next segment: the last step with its force, and the memory of the controller.

        Raises:
            ControllerError: the controller has a memory but no `state`.
        """
        assert self.controller is not None
        state = state_of(self.controller)
        if state is None and memory(self.controller) != self._fresh_memory:
            raise ControllerError(
                f"the controller {self.name!r} has a memory (its attributes changed) but no state(): {ADD_STATE}"
            )
        step = np.array([] if self.step is None else [self.step])
        own = {STATE + key: value for key, value in (state or {}).items()}
        with file.open("wb") as stream:
            np.savez(stream, step=step, force=self.force, displacement=self.displacement, **own)  # type: ignore[arg-type]

    def load(self, file: Path) -> None:
        """Continue from the result of `save`: at the step where segments meet the controller is not called again.

        Raises:
            ControllerError: the controller does not accept its own memory.
        """
        with np.load(file, allow_pickle=False) as kept:
            content = {name: kept[name] for name in kept.files}
        self.step = int(content["step"][0]) if content["step"].size else None
        self.force, self.displacement = content["force"], content["displacement"]
        state = {name.removeprefix(STATE): value for name, value in content.items() if name.startswith(STATE)}
        if self.controller is not None and hasattr(self.controller, "restore"):
            restore_or_complain(self.name, self.controller, state)

    def check_particles(self, displacement: Vector) -> None:
        """Stop if a particle is lost.

        Raises:
            ParticleError: one is at the end of its bath, or its position is not a number.
        """
        furthest = float(np.abs(displacement).max())
        if not math.isfinite(furthest):
            raise ParticleError(
                "a particle's position is not a number: shorten integration.timestep_fs, or equilibrate for longer"
            )
        if furthest > self.max_displacement_A:
            raise ParticleError(
                f"a particle is {furthest:.1f} Å from its trap centre, as far as the bath reaches: "
                "make trap.stiffness_eV_per_A2 larger or the couplings weaker"
            )
