"""The first-order recursion of exact paths and filters: x ← rate x + kick."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray


def recursion(rate: complex, start: ArrayLike, kicks: NDArray[Any]) -> NDArray[Any]:
    """x after each kick, along the last axis.

    Args:
        rate: factor on x from one step to the next.
        start: x before the first kick, of the shape of `kicks` without its last axis.
        kicks: shape (…, steps).

    Returns:
        An array of the shape of `kicks`.
    """
    from scipy.signal import lfilter  # imports scipy.stats, which most jobs with this module do not need

    return np.asarray(lfilter([1.0], [1.0, -rate], kicks, zi=rate * np.asarray(start)[..., None])[0])
