"""Force and work of moving traps, step by step.

The springs of a LAMMPS deck stay about the centres at rest. The force κ λ(t) that moves them acts with the forces of the
controller: as a variable of `fix addforce` it would make LAMMPS tally energies at every step, which takes two thirds of a step.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from analysis.model import TrapMotion
from simulation.control.controller import Vector
from simulation.engines.langevin import moving_work


class MovingTraps:
    """The force κ λ of displaced centres of both traps, and the work of moving them, -κ (X - λ) dλ at mid-points.

    Args:
        motion: of the centres along each coupled axis.
        stiffness: κ by axis, eV/Å², (3,).
        axes: coupled axes, such as `x` or `xyz`.
    """

    def __init__(self, motion: TrapMotion, stiffness: Sequence[float], axes: str) -> None:
        # A step begins at the centres at which the last one ended.
        self._centre = lru_cache(maxsize=2)(lambda time_ps: motion.centre([time_ps])[0])
        # Along other axes the trap is at rest, and a stiffness of 0 gives no work.
        self._stiffness = np.array(
            [kappa if axis in axes else 0.0 for axis, kappa in zip("xyz", stiffness, strict=True)]
        )
        self.work = np.zeros((2, 3))
        """Work (eV) of moving the cold and the hot trap along x, y, z since the segment began."""

    def force(self, time_ps: float) -> Vector:
        """Force on the particles beside that of springs about the centres at rest, (2, 3), eV/Å.

        Args:
            time_ps: on the clock of the run.
        """
        return np.asarray(np.multiply.outer(self._centre(time_ps), self._stiffness))

    def move(self, times_ps: tuple[float, float], before: Vector, after: Vector) -> None:
        """Add the work of a step.

        Args:
            times_ps: at which it begins and ends, on the clock of the run.
            before, after: displacements of the particles from the centres at rest, (2, 3), Å.
        """
        centres = np.array([self._centre(time) for time in times_ps])[..., None]
        self.work += moving_work(self._stiffness, np.array([before, after]), centres)[0]
