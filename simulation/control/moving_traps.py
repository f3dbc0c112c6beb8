"""Work of moving traps, step by step. The force of a moving trap is part of the LAMMPS deck; its work is summed here."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from analysis.model import TrapMotion
from simulation.control.controller import Vector
from simulation.engines.langevin import moving_work


class MovingTraps:
    """Sums the work of moving the centres of both traps, -κ (X - λ) dλ at mid-points.

    Args:
        motion: of the centres along each coupled axis.
        stiffness: κ by axis, eV/Å², (3,).
        axes: coupled axes, such as `x` or `xyz`.
    """

    def __init__(self, motion: TrapMotion, stiffness: Sequence[float], axes: str) -> None:
        self._motion = motion
        # Along other axes the trap is at rest, and a stiffness of 0 gives no work.
        self._stiffness = np.array(
            [kappa if axis in axes else 0.0 for axis, kappa in zip("xyz", stiffness, strict=True)]
        )
        self.work = np.zeros((2, 3))
        """Work (eV) of moving the cold and the hot trap along x, y, z since the segment began."""

    def move(self, time_ps: float, timestep_ps: float, before: Vector, after: Vector) -> None:
        """Add the work of the step that ends at a time.

        Args:
            time_ps: on the clock of the run.
            timestep_ps: length of the step.
            before, after: displacements of the particles from the centres at rest, (2, 3), Å.
        """
        centres = self._motion.centre([time_ps - timestep_ps, time_ps])[..., None]
        self.work += moving_work(self._stiffness, np.array([before, after]), centres)[0]
