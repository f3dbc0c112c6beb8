"""The demon's place in a running LAMMPS: fix external calls it at every step with this rank's atoms.

The root rank asks the controller and the others are told its forces, so that a controller with random numbers or memory
pushes alike on every rank.
"""

from __future__ import annotations

import sys
import traceback
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulation.control.controller import Vector
from simulation.control.demon import Demon, ParticleError
from simulation.engines.ranks import Ranks

FIX = "demon"
_UNSEEN = np.full((2, 3), np.nan)
_UNSEEN.flags.writeable = False
PARTICLE_TYPES = (3, 4)  # LAMMPS types of the cold and the hot particle


class DemonCallback:
    """What fix external calls; after LAMMPS's run, `failure` says whether it went well.

    Args:
        lmp: a LAMMPS that has read a deck with fix `demon`.
        demon: asks the controller.
        ranks: MPI ranks.
        centres_A: trap centres of the cold and hot particle, shape (2, 3).
        atoms: metal atoms per particle.
        mass: of a particle, eV ps²/Å².
        first_step: LAMMPS's step that is 0 on the run's own clock.
        sample_every: steps between samples.
    """

    def __init__(
        self,
        lmp: Any,
        demon: Demon,
        ranks: Ranks,
        *,
        centres_A: Vector,
        atoms: int,
        mass: float,
        first_step: int,
        sample_every: int,
    ) -> None:
        self.lmp = lmp
        self.demon = demon
        self.ranks = ranks
        self.centres = centres_A
        self.atoms = atoms
        self.mass = mass
        self.first_step = first_step
        self.sample_every = sample_every
        self.failure: BaseException | None = None
        low, high, *_ = lmp.extract_box()
        self._box = np.subtract(high, low)
        self._wrap = self._box[1:].min() / (2 * atoms)  # half of what one atom across a face moves a centre of mass
        self._origin = -centres_A  # of displacements; atoms beyond a periodic face are brought back by it, too
        self._sums = np.zeros(7)  # both centres of mass, and how many atoms they are made of
        self._both = self._sums[:6].reshape(2, 3)
        self._told = np.zeros(7)  # whether the root goes on, and its forces
        self._indices = np.empty(0, dtype=np.intp)
        self._last = -1
        self._tags = b""
        self._sides = np.empty(0, dtype=np.intp)
        self._weights = np.empty((2, 0))
        lmp.fix_external_set_vector_length(FIX, 6)
        lmp.set_fix_external_callback(FIX, self._called)

    def _called(self, _: Any, step: int, count: int, tag: NDArray[np.int32], x: Vector, f: Vector) -> None:
        """Write the force on each metal atom into `f`; ctypes would swallow what is raised here, so nothing is."""
        if self.failure is not None:
            return
        try:
            self._act(step, tag, x, f)
        except BaseException as failure:
            self.failure = failure
            f[...] = 0.0
            # What the root was told, and what is wrong with the particles, every rank finds at the same step; at anything else
            # the others wait for this rank, deaf to everything: none of them may hang.
            if self.ranks.comm is not None and not isinstance(failure, (_RootFailed, ParticleError)):
                traceback.print_exception(failure, file=sys.stderr)
                self.ranks.abort()
            self.lmp.force_timeout()

    # Called at every step of days of dynamics, between steps that empty the caches: an array operation costs five times what it
    # costs in a loop of its own, so there are few.

    def _act(self, step: int, tag: NDArray[np.int32], x: Vector, f: Vector) -> None:
        demon, clock = self.demon, step - self.first_step
        displacement = self._displacements(tag, x, f)
        # The step at which segments meet is known already, and so is LAMMPS's second look at a first step.
        force = demon.force if clock == demon.step else self._told_by_root(clock, displacement)
        demon.move(clock, displacement, force)
        f[self._indices] = (force / self.atoms)[self._sides]
        if step % self.sample_every == 0:
            demon.check_particles(displacement)
            for index, work in enumerate(demon.work.flat):
                self.lmp.fix_external_set_vector(FIX, index + 1, work)

    def _told_by_root(self, clock: int, displacement: Vector) -> Vector:
        """The controller's forces, on every rank; whatever fails on the root ends the run on all of them."""
        velocity = self._velocity(clock, displacement) if self.demon.sees_velocity else _UNSEEN
        if self.ranks.comm is None:
            return self.demon.ask(clock, displacement, velocity)
        told, failure = self._told, None
        if self.ranks.is_root:
            try:
                told[1:] = self.demon.ask(clock, displacement, velocity).flat
                told[0] = 1.0
            except BaseException as raised:
                failure, told[0] = raised, 0.0
        self.ranks.comm.Bcast(told)
        if told[0]:
            return told[1:].reshape(2, 3).copy()
        raise _RootFailed from failure

    def _velocity(self, clock: int, displacement: Vector) -> Vector:
        """Velocities of the centres of mass at this step.

        Velocity Verlet moves X by (V + F h/2m) h, so V = (X - X_before)/h + F h/2m. The demon's own force at this step is
        not known yet; that of the step before stands for it, which errs by 10⁻⁵ of a thermal velocity.
        """
        if clock - 1 != self.demon.step:  # no step before: LAMMPS still has the velocities of this one
            return self._mean(self.lmp.numpy.extract_atom("v"))
        force = self.atoms * self._mean(self.lmp.numpy.extract_atom("f")) + self.demon.force
        step = self.demon.timestep_ps
        return np.asarray((displacement - self.demon.displacement) / step + step / (2 * self.mass) * force)

    def _mean(self, values: Vector) -> Vector:
        """Mean of a quantity over the atoms of each particle, on all ranks, shape (2, 3)."""
        mean = self._weights @ values[self._indices]
        self.ranks.sum(mean)
        return mean

    def _displacements(self, tag: NDArray[np.int32], x: Vector, f: Vector) -> Vector:
        """Both centres of mass, unwrapped, less their trap centres, shape (2, 3)."""
        self._sum_positions(tag, x)
        if self._sums.item(6) != 2 * self.atoms:
            # Atoms changed place or rank. A rank that gains one cannot see it, but then the sum over ranks lacks it.
            self._find_atoms(tag, f)
            self._sum_positions(tag, x)
            if self._sums.item(6) != 2 * self.atoms:
                raise ParticleError(
                    f"{self._sums.item(6):.0f} metal atoms in the particles, {2 * self.atoms} expected: atoms were lost: "
                    "shorten integration.timestep_fs, or equilibrate for longer"
                )
        displacement = self._both + self._origin
        moved = (displacement - self.demon.displacement).ravel()
        if not moved.dot(moved) < self._wrap**2:
            # An atom may have crossed a periodic face without changing its place in memory.
            self._find_atoms(tag, f)
            displacement = self._both + self._origin
            self.demon.check_particles(displacement)
        return displacement

    def _sum_positions(self, tag: NDArray[np.int32], x: Vector) -> None:
        """This rank's share of both centres of mass, summed over the ranks; no share where its atoms are not as remembered."""
        sums, indices = self._sums, self._indices
        if self._last < tag.size and tag.take(indices).tobytes() == self._tags:
            np.dot(self._weights, x.take(indices, axis=0), out=self._both)
            sums[6] = indices.size
        else:
            sums[:] = 0.0
        self.ranks.sum(sums)

    def _find_atoms(self, tag: NDArray[np.int32], f: Vector) -> None:
        """Where this rank's metal atoms are, what each adds to the centres of mass, and which of them crossed a face."""
        types = self.lmp.numpy.extract_atom("type")[: tag.size]
        self._indices = np.flatnonzero(np.isin(types, PARTICLE_TYPES))
        self._last = int(self._indices[-1]) if self._indices.size else -1
        types = types[self._indices]
        self._tags = tag[self._indices].tobytes()
        self._sides = (types == PARTICLE_TYPES[1]).astype(np.intp)
        self._weights = np.array([types == kind for kind in PARTICLE_TYPES]) / self.atoms
        unwrapped = self._weights @ (self._images() * self._box)
        self.ranks.sum(unwrapped)
        self._origin = unwrapped - self.centres
        f[...] = 0.0  # LAMMPS does not, and the atoms of these rows may have moved on

    def _images(self) -> Vector:
        """Image flags of this rank's metal atoms, shape (n, 3)."""
        flags = self.lmp.numpy.extract_atom("image")[self._indices].astype(np.int64)
        bits = 10 if self.lmp.extract_setting("imageint") == 4 else 21
        mask, middle = (1 << bits) - 1, 1 << (bits - 1)
        return np.stack([(flags >> shift & mask) - middle for shift in (0, bits, 2 * bits)], axis=-1).astype(float)


class _RootFailed(Exception):
    """The root rank's controller failed; its cause says how, on the root."""


def failure_of(callback: DemonCallback) -> BaseException | None:
    """What ended a run, as the root knows it."""
    failure = callback.failure
    return failure.__cause__ or failure if isinstance(failure, _RootFailed) else failure
