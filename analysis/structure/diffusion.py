"""Self-diffusion of the fluid far from all metal, from the displacements of its atoms between frames.

The mean squared displacement along an axis grows as 2 D t + c, where c comes from the first collisions. The slope between
one and two intervals of the frames gives D without c. In a periodic box the wakes of all images slow an atom down. In a cube
of edge L the coefficient of the unbounded fluid is larger by 2.837 k_BT/(6πηL) (I.-C. Yeh and G. Hummer, J. Phys. Chem. B
108, 15873 (2004)), which is not added here.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from analysis.data.parameters import Array
from analysis.statistics.timeseries import Estimate

FEWEST_FRAMES = 12
"""With fewer frames there is no error."""

FARTHEST = 0.2
"""Largest root mean square displacement along an axis over two intervals, in periods of the box: 2.5 standard deviations of
half a period, beyond which the nearest image is not the atom's own."""

_SI = 1e-8  # m²/s for Å²/ps


def self_diffusion(
    positions: NDArray[np.floating], in_bulk: NDArray[np.bool_], periods: Sequence[float | None], interval: float
) -> Estimate | None:
    """Self-diffusion coefficient of a fluid, m²/s.

    Args:
        positions: of all its atoms in equally spaced frames, (frames, atoms, 3), Å, each in any periodic image.
        in_bulk: whether an atom of a frame is far from all metal, (frames, atoms); displacements start there.
        periods: of the box along each axis, Å; ``None`` for an axis with walls, which is left out.
        interval: between frames, ps.

    Returns:
        ``None`` if there are too few frames, or atoms move so far between them that their images cannot be told apart.
    """
    frames = len(positions)
    if frames < FEWEST_FRAMES:
        return None
    slopes = []
    for axis, period in enumerate(periods):
        if period is None:
            continue
        steps = np.diff(positions[..., axis].astype(float), axis=0)
        steps -= period * np.round(steps / period)
        squares = [
            np.array([(moved[k] ** 2)[in_bulk[k]].mean() for k in range(frames - 2)])
            for moved in (steps[:-1], steps[:-1] + steps[1:])
        ]
        if math.sqrt(squares[1].mean()) > FARTHEST * period:
            return None
        slopes.append((squares[1] - squares[0]) / (2 * interval))
    return _mean(np.mean(slopes, axis=0)) * _SI


def _mean(values: Array) -> Estimate:
    """The mean of overlapping pairs of intervals, with an error from every second of them: these do not overlap."""
    halves = [values[start::2] for start in (0, 1)]
    variance = np.mean([half.var(ddof=1) / len(half) for half in halves])
    return Estimate(float(values.mean()), float(np.sqrt(variance)))
