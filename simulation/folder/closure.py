"""The first law as a test of a run: what its energy balance drifts by, how well that is known, and what may be believed."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

_BLOCKS = 10

CERTAINTY = 2.3
"""A drift counts as above its limit if it is so by this many standard errors: Student's factor for 95 % and eight degrees of
freedom."""


class ClosureError(Exception):
    """Energy does not close: the run must not be believed."""


def balance(time_ps: NDArray[np.float64], residual: NDArray[np.float64]) -> dict[str, float]:
    """Drift of an energy balance that should be constant.

    Nosé-Hoover's balance fluctuates about a straight line; that of a random thermostat walks, the sum of many small
    errors. A walk of diffusion D (variance per time) turns a straight line's slope by √(6D/5T) in a time T, and D shows
    in the differences between averages over neighbouring blocks of time τ, whose variance is 2Dτ/3. For mere
    fluctuations the same is an upper bound.

    Args:
        time_ps: (n,), equally spaced.
        residual: (n,), eV.

    Returns:
        ``drift_eV_per_ns``, slope of a straight line; ``drift_se``, its standard error; ``rms_eV``.
    """
    time_ns = time_ps / 1000
    drift = float(np.polyfit(time_ns, residual, 1)[0])
    size = residual.size // _BLOCKS
    error = math.nan
    if size:
        means = residual[: size * _BLOCKS].reshape(_BLOCKS, size).mean(axis=1)
        span = float(time_ns[-1] - time_ns[0])
        diffusion = 1.5 * float(np.diff(means).var(ddof=1)) / (span / _BLOCKS)
        error = math.sqrt(1.2 * diffusion / span)
    return {"drift_eV_per_ns": drift, "drift_se": error, "rms_eV": float(residual.std())}


def check(label: str, found: dict[str, float], limit: float, fields: str) -> dict[str, float | None]:
    """Refuse a run whose energy drifts, or whose balance is too noisy to tell.

    The error of the drift is taken from the residual itself, so whatever spoils the residual (a force that does other work than
    is recorded) widens it. It therefore excuses at most as much again as the limit.

    Args:
        label: of the run, and of the side where there are two.
        found: from `balance`.
        limit: eV/ns.
        fields: of the study that make this limit.

    Returns:
        ``found`` and ``allowed_eV_per_ns``, the limit widened by the drift's error.

    Raises:
        ClosureError: the drift is above the limit, by more than its error explains.
    """
    drift, error = found["drift_eV_per_ns"], found["drift_se"]
    # An unknown error (a handful of samples) excuses nothing.
    excused = 0.0 if math.isnan(error) else min(CERTAINTY * error, limit)
    if not abs(drift) <= limit + excused:
        raise ClosureError(
            f"{label}: energy drifts by {drift:.3g} ± {error:.2g} eV/ns, above {fields} = {limit:.3g} eV/ns: "
            "shorten integration.timestep_fs, or run longer"
        )
    return found | {"drift_se": None if math.isnan(error) else error, "allowed_eV_per_ns": limit + excused}
