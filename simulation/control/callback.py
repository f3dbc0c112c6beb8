"""Coupling of the demon to LAMMPS: fix external calls it at every step with the atoms of this rank.

The root rank calls the controller and broadcasts its forces, so that a controller with random numbers or memory exerts the
same forces on every rank.
"""

from __future__ import annotations

import sys
import traceback
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulation.control.controller import Vector
from simulation.control.demon import Demon, ParticleError
from simulation.engines.external import call_at_every_step
from simulation.engines.ranks import Ranks

FIX = "demon"
_UNSEEN = np.full((2, 3), np.nan)
_UNSEEN.flags.writeable = False
PARTICLE_TYPES = (3, 4)  # LAMMPS types of the cold and the hot particle


class DemonCallback:
    """Callback of fix external; after the run of LAMMPS, `failure` contains an error, if any.

    Args:
        lmp: a LAMMPS that has read a deck with fix `demon`.
        demon: calls the controller.
        ranks: MPI ranks.
        centres_A: trap centres of the cold and hot particle, shape (2, 3).
        atoms: metal atoms per particle.
        mass: of a particle, eV ps²/Å².
        first_step: LAMMPS step that is 0 on the clock of the run.
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
        self._wrap = self._box[1:].min() / (
            2 * atoms
        )  # half of the shift of a centre of mass by one atom that crosses a face
        self._origin = -centres_A  # of displacements; also maps atoms beyond a periodic face back
        self._sums = np.zeros(7)  # both centres of mass, and their numbers of atoms
        self._both = self._sums[:6].reshape(2, 3)
        self._told = np.zeros(7)  # whether the root continues, and its forces
        self._indices = np.empty(0, dtype=np.intp)
        self._last = -1
        self._tags = b""
        self._components = np.empty(0, dtype=np.intp)  # of the atoms in a flat array of vectors
        self._weights = np.empty((2, 0))
        self._shares = np.empty((0, 2))
        lmp.fix_external_set_vector_length(FIX, demon.works.size)
        call_at_every_step(lmp, FIX, self._called)

    def _called(self, step: int, tag: NDArray[Any], x: Vector, f: Vector) -> None:
        """Write the force on each metal atom into `f`; ctypes would swallow exceptions, so none are raised here."""
        if self.failure is not None:
            return
        try:
            self._act(step, tag, x, f)
        except BaseException as failure:
            self.failure = failure
            f[...] = 0.0
            # Errors of the root and of the particles are found by every rank at the same step. After any other error the other
            # ranks would wait for this one and hang.
            if self.ranks.comm is not None and not isinstance(failure, (_RootFailed, ParticleError)):
                traceback.print_exception(failure, file=sys.stderr)
                self.ranks.abort()
            self.lmp.force_timeout()

    # Called at every step, between steps that evict the caches: an array operation costs five times as much as in a tight
    # loop, so there are few.

    def _act(self, step: int, tag: NDArray[Any], x: Vector, f: Vector) -> None:
        demon, clock = self.demon, step - self.first_step
        displacement = self._displacements(tag, x, f)
        # The step at which segments meet is known already, and so is the second call at a first step.
        force = demon.force if clock == demon.step else self._told_by_root(clock, displacement)
        demon.move(clock, displacement, force)
        f.reshape(-1)[self._components] = np.dot(self._shares, demon.with_traps(clock, force)).ravel()
        if step % self.sample_every == 0:
            demon.check_particles(displacement)
            for index, work in enumerate(demon.works.flat):
                self.lmp.fix_external_set_vector(FIX, index + 1, work)

    def _told_by_root(self, clock: int, displacement: Vector) -> Vector:
        """The forces of the controller, on every rank; an error on the root ends the run on all ranks."""
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

        Velocity Verlet moves X by (V + F h/2m) h, so V = (X - X_before)/h + F h/2m. The force of the demon at this step is
        not known yet; that of the previous step is used, with an error of 10⁻⁵ of a thermal velocity.
        """
        if clock - 1 != self.demon.step:  # no previous step: LAMMPS still has the velocities of this one
            return self._mean(self.lmp.numpy.extract_atom("v"))
        own = self.demon.with_traps(clock, self.demon.force)
        force = self.atoms * self._mean(self.lmp.numpy.extract_atom("f")) + own
        step = self.demon.timestep_ps
        return np.asarray((displacement - self.demon.displacement) / step + step / (2 * self.mass) * force)

    def _mean(self, values: Vector) -> Vector:
        """Mean of a quantity over the atoms of each particle, on all ranks, shape (2, 3)."""
        mean = self._weights @ values[self._indices]
        self.ranks.sum(mean)
        return mean

    def _displacements(self, tag: NDArray[Any], x: Vector, f: Vector) -> Vector:
        """Both centres of mass, unwrapped, minus their trap centres, shape (2, 3)."""
        self._sum_positions(tag, x)
        if self._sums.item(6) != 2 * self.atoms:
            # Atoms changed memory position or rank. A rank that gains one does not notice, but then the sum lacks it.
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

    def _sum_positions(self, tag: NDArray[Any], x: Vector) -> None:
        """Contribution of this rank to both centres of mass, summed over the ranks; zero if its atoms have changed."""
        sums, indices = self._sums, self._indices
        if self._last < tag.size and tag.take(indices).tobytes() == self._tags:
            np.dot(self._weights, x.take(indices, axis=0), out=self._both)
            sums[6] = indices.size
        else:
            sums[:] = 0.0
        self.ranks.sum(sums)

    def _find_atoms(self, tag: NDArray[Any], f: Vector) -> None:
        """Positions of the metal atoms of this rank, their shares of the centres of mass, and their crossings of faces."""
        types = self.lmp.numpy.extract_atom("type")[: tag.size]
        self._indices = np.flatnonzero(np.isin(types, PARTICLE_TYPES))
        self._last = int(self._indices[-1]) if self._indices.size else -1
        types = types[self._indices]
        self._tags = tag[self._indices].tobytes()
        self._components = (3 * self._indices[:, None] + np.arange(3)).ravel()
        self._weights = np.array([types == kind for kind in PARTICLE_TYPES]) / self.atoms
        self._shares = np.ascontiguousarray(self._weights.T)
        unwrapped = self._weights @ (self._images() * self._box)
        self.ranks.sum(unwrapped)
        self._origin = unwrapped - self.centres
        f[...] = 0.0  # LAMMPS does not check, and the atoms of these rows may have changed

    def _images(self) -> Vector:
        """Image flags of the metal atoms of this rank, shape (n, 3)."""
        flags = self.lmp.numpy.extract_atom("image")[self._indices].astype(np.int64)
        bits = 10 if self.lmp.extract_setting("imageint") == 4 else 21
        mask, middle = (1 << bits) - 1, 1 << (bits - 1)
        return np.stack([(flags >> shift & mask) - middle for shift in (0, bits, 2 * bits)], axis=-1).astype(float)


class _RootFailed(Exception):
    """The controller failed on the root rank; the cause is available on the root."""


def failure_of(callback: DemonCallback) -> BaseException | None:
    """The error that ended a run, from the root."""
    failure = callback.failure
    return failure.__cause__ or failure if isinstance(failure, _RootFailed) else failure
