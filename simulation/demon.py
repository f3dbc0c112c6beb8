"""The demon: a controller that reads both particles' displacements and pushes them, and its coupling to LAMMPS.

A controller is a small class. To use your own, name it in the study as `controller: my_module:MyController`; it is made with
`MyController(coupling_cold_eV_per_A2=…, coupling_hot_eV_per_A2=…, **controller_options)`, the options being the texts of the
study file.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]

LINEAR = "linear"

ROW = np.dtype("V24")  # three doubles as one item


class Controller(Protocol):
    """What the demon asks at every step."""

    def forces(self, cold: Vector, hot: Vector, time_ps: float) -> tuple[Vector, Vector]:
        """Forces (eV/Å, shape (3,)) on the cold and the hot particle, from their displacements (Å, shape (3,)) from the traps.

        Called once per step at least; the step at which a segment begins is presented twice. Only the components along the
        study's `coupling_axes` are applied.
        """
        ...


class LinearController:
    """F_C = κ_C (X_H − X_C), F_H = κ_H (X_C − X_H): the paper's nonreciprocal coupling, its eqs. (1) and (2)."""

    def __init__(self, *, coupling_cold_eV_per_A2: float, coupling_hot_eV_per_A2: float) -> None:
        self.coupling_cold = coupling_cold_eV_per_A2
        self.coupling_hot = coupling_hot_eV_per_A2

    def forces(self, cold: Vector, hot: Vector, time_ps: float) -> tuple[Vector, Vector]:
        """See `Controller.forces`."""
        stretch = hot - cold
        return self.coupling_cold * stretch, -self.coupling_hot * stretch


class ControllerError(Exception):
    """A controller cannot be loaded, or failed while LAMMPS ran."""


def load_controller(name: str, coupling_cold: float, coupling_hot: float, options: dict[str, str]) -> Controller:
    """Make the controller that a study names: `linear`, or `module:Class` importable from the working directory.

    Raises:
        ControllerError: the module, the class or its constructor fails; says which and why.
    """
    couplings = {"coupling_cold_eV_per_A2": coupling_cold, "coupling_hot_eV_per_A2": coupling_hot}
    if name == LINEAR:
        if options:
            raise ControllerError(f"the linear controller takes no controller_options, but got {', '.join(options)}")
        return LinearController(**couplings)
    module, _, class_name = name.partition(":")
    try:
        maker: Callable[..., Controller] = getattr(importlib.import_module(module), class_name)
        controller = maker(**couplings, **options)
    except Exception as failure:  # a user's code may raise anything
        raise ControllerError(f"controller {name!r} cannot be made: {type(failure).__name__}: {failure}") from failure
    if not callable(getattr(controller, "forces", None)):
        raise ControllerError(f"controller {name!r} has no method forces(cold, hot, time_ps)")
    return controller


class ParticleError(Exception):
    """The particles are in no state to go on from; says what to change."""


class Demon:
    """Callback for LAMMPS's `fix external`: applies a controller's forces and integrates the work they do.

    Args:
        controller: turns displacements into forces.
        axes: coupled axes, such as `x` or `xyz`; force along others is dropped.
        centres_A: trap centres of the cold and hot particle, shape (2, 3).
        atoms: copper atoms per particle, all of one mass.
        timestep_ps: MD time step.
        max_displacement_A: further from its trap a particle counts as lost.
        types: called for the LAMMPS types of the local atoms (3 and 4: cold and hot particle).
        sum_ranks: sums an array over MPI ranks in place; None on one rank.
        on_failure: called once, from within the callback, when the controller raises: it should end LAMMPS's run.
        on_sample: called with the step at every sample, when `work` is up to date.
        sample_every: steps between samples.
    """

    def __init__(
        self,
        controller: Controller,
        *,
        axes: str,
        centres_A: Vector,
        atoms: int,
        timestep_ps: float,
        max_displacement_A: float,
        types: Callable[[], NDArray[np.int32]],
        sum_ranks: Callable[[Vector], None] | None,
        on_failure: Callable[[], None],
        on_sample: Callable[[int], None] = lambda step: None,
        sample_every: int = 1,
    ) -> None:
        self.controller = controller
        self.mask = np.array([float(axis in axes) for axis in "xyz"])
        self.centres = centres_A
        self.atoms = atoms
        self.timestep = timestep_ps
        self.max_displacement = max_displacement_A
        self.types = types
        self.sum_ranks = sum_ranks
        self.on_failure = on_failure
        self.on_sample = on_sample
        self.sample_every = sample_every
        self.failure: BaseException | None = None
        self._work = np.zeros((2, 3))  # up to row 0 of the two paths below
        self._step: int | None = None
        self._row = 0
        # Displacements and forces since the last sample: summing their work at once spares every step five array operations.
        self._path = np.zeros((sample_every + 1, 2, 3))
        self._forces = np.zeros((sample_every + 1, 2, 3))
        self._uncoupled = not self.mask.all()
        self._sums = np.zeros(7)  # both centres of mass, and how many copper atoms they are made of
        self._both = self._sums[:6].reshape(2, 3)
        self._share = np.zeros((2, 3))  # of the force, for each atom
        self._share_rows = self._share.view(ROW)
        self._f: Vector | None = None  # LAMMPS's forces, which mostly stay where they are
        self._f_rows = self._share_rows
        self._remember(np.empty(0, dtype=np.intp), np.empty(0, dtype=np.int32), np.empty(0, dtype=np.int32))

    @property
    def work(self) -> Vector:
        """Work (eV) on the cold and the hot particle along x, y, z since the segment began, shape (2, 3)."""
        self._add_work()
        return self._work

    def __call__(self, step: int, tag: NDArray[np.int32], x: Vector, f: Vector) -> None:
        """Called by LAMMPS at every step with its local atoms; writes the force on each copper atom into `f`."""
        # ctypes prints and forgets an exception raised here and LAMMPS would run on with the last forces, so keep it.
        if self.failure is not None:
            return
        try:
            self._act(step, tag, x, f)
        except BaseException as failure:
            self.failure = failure
            f[...] = 0.0
            self.on_failure()

    # Called at every step of days of dynamics, between steps that empty the caches: each operation below costs a microsecond if
    # it is warm and five if it is not, which is why they are these.

    def _act(self, step: int, tag: NDArray[np.int32], x: Vector, f: Vector) -> None:
        displacement = self._centres_of_mass(tag, x) - self.centres
        cold, hot = self.controller.forces(displacement[0], displacement[1], step * self.timestep)
        # LAMMPS calls twice at the first step of a run: work belongs to the way from one step to the next.
        if step - 1 == self._step:
            if self._row == self.sample_every:
                self._add_work()
            self._row += 1
        elif step != self._step:
            self._add_work()
        self._step = step
        self._path[self._row] = displacement
        force = self._forces[self._row]
        force[0], force[1] = cold, hot
        if self._uncoupled:
            force *= self.mask
        np.divide(force, self.atoms, out=self._share)
        if f is not self._f:
            self._f, self._f_rows = f, f.view(ROW)
        # A row of f is moved as one item of 24 bytes, four times faster than as three numbers.
        self._f_rows.put(self._indices, self._share_rows.take(self._sides))
        if step % self.sample_every == 0:
            self._check(step, displacement, force)
            self.on_sample(step)

    def _add_work(self) -> None:
        """Sum the work along the path since row 0, whose end becomes row 0 of the next."""
        path, forces = self._path[: self._row + 1], self._forces[: self._row + 1]
        self._work += 0.5 * ((forces[1:] + forces[:-1]) * (path[1:] - path[:-1])).sum(axis=0)
        path[0], forces[0] = path[-1], forces[-1]
        self._row = 0

    def _centres_of_mass(self, tag: NDArray[np.int32], x: Vector) -> Vector:
        """Both centres of mass, shape (2, 3). The traps hold the particles away from the periodic faces: no unwrapping."""
        self._sum_positions(tag, x)
        if self._sums.item(6) != 2 * self.atoms:
            # Atoms changed place or rank. A rank that gains one cannot see it, but then the sum over ranks lacks it.
            types = self.types()[: tag.size]
            copper = np.flatnonzero((types == 3) | (types == 4))
            self._remember(copper, tag.take(copper), types.take(copper))
            self._sum_positions(tag, x)
            if self._sums[6] != 2 * self.atoms:
                raise ParticleError(
                    f"{self._sums[6]:.0f} copper atoms in the particles, {2 * self.atoms} expected: atoms were lost: "
                    "shorten integration.timestep_fs, or equilibrate for longer"
                )
        return self._both

    def _sum_positions(self, tag: NDArray[np.int32], x: Vector) -> None:
        """This rank's share of both centres of mass, summed over the ranks; no share where its atoms are not as remembered."""
        sums = self._sums
        if self._last < tag.size and tag.take(self._indices).tobytes() == self._tags:
            np.dot(self._weights, x.take(self._indices, axis=0), out=self._both)
            sums[6] = self._indices.size
        else:
            sums[:] = 0.0
        if self.sum_ranks is not None:
            self.sum_ranks(sums)

    def _remember(self, indices: NDArray[np.intp], tags: NDArray[np.int32], types: NDArray[np.int32]) -> None:
        """Where this rank's copper atoms are, and what each adds to the centres of mass."""
        self._indices = indices
        self._last = int(indices[-1]) if indices.size else -1
        self._tags = tags.tobytes()
        self._sides = (types == 4).astype(np.intp)  # 0 for the cold particle, 1 for the hot one
        self._weights = np.array([types == 3, types == 4]) / self.atoms

    def _check(self, step: int, displacement: Vector, force: Vector) -> None:
        if not np.isfinite(force).all():
            raise FloatingPointError(f"at step {step} its force is not a number")
        if not np.isfinite(displacement).all():
            raise ParticleError(
                f"at step {step} a particle's position is not a number: "
                "shorten integration.timestep_fs, or equilibrate for longer"
            )
        if np.abs(displacement).max() > self.max_displacement:
            raise ParticleError(
                f"at step {step} a particle is {np.abs(displacement).max():.1f} Å from its trap centre, near a wall: "
                "make trap.stiffness_eV_per_A2 larger or the couplings weaker"
            )
