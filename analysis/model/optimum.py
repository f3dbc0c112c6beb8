"""The first minimum of a function of one variable, found without bounds on its position."""

from __future__ import annotations

import math
from collections.abc import Callable

_START = -4.0
_STEP = 0.4
_FLAT = 1e-9
_FAR = 100.0


def first_minimum(cost: Callable[[float], float]) -> float:
    """The argument of the first minimum of a cost that decreases from -∞ on.

    Steps go from -4 upwards until the cost rises, or downwards if it rises immediately. A golden-section search with
    parabolas continues between the last three points. Later minima, such as those of a power sampled more slowly than the
    motion, are ignored.

    Args:
        cost: of the argument, smooth over steps of 0.4.

    Raises:
        ValueError: if the cost approaches a constant before it rises.
    """
    from scipy.optimize import minimize_scalar  # slow to load, and most jobs with a model do not search an optimum

    here, ahead = cost(_START), cost(_START + _STEP)
    step = -_STEP if ahead > here else _STEP
    x = [_START - step, _START, _START + step]
    values = [ahead if step < 0 else math.inf, here, cost(x[2]) if step < 0 else ahead]
    while values[-1] <= values[-2]:
        if max(abs(values[-1] - values[-2]), abs(values[-2] - values[-3])) < _FLAT or abs(x[-1]) > _FAR:
            raise ValueError("no optimal coupling_hot: the objective approaches a constant and has no extremum")
        x.append(x[-1] + step)
        values.append(cost(x[-1]))
    best = minimize_scalar(cost, bounds=(min(x[-3:]), max(x[-3:])), method="bounded", options={"xatol": 1e-9})
    return float(best.x)
