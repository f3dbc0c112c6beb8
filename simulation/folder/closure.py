"""The first law as a test of a run: drift of its energy balance, error of the drift, and limit."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

_BLOCKS = 10

CERTAINTY = 2.3
"""Number of standard errors by which a drift must exceed its limit: Student's factor for 95 % and eight degrees of freedom."""


class ClosureError(Exception):
    """The energy balance is violated: the run must not be used."""


def balance(time_ps: NDArray[np.float64], residual: NDArray[np.float64]) -> dict[str, float]:
    """Drift of an energy balance, which should be constant.

    The balance of Nosé-Hoover fluctuates about a straight line; that of a stochastic thermostat is a random walk, the sum of
    many small errors. A walk with diffusion D (variance per time) gives the slope of a line over a time T the standard error
    √(6D/5T). D follows from the differences between averages over neighbouring blocks of time τ, whose variance is 2Dτ/3. For
    fluctuations about a line this is an upper bound.

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
    """Refuse a run whose energy drifts, or whose balance is too noisy to decide.

    The error of the drift is estimated from the residual, so a fault in the residual (a force whose work is not recorded
    correctly) increases it. The tolerance is therefore at most twice the limit.

    Args:
        label: of the run, and of the side where there are two.
        found: from `balance`.
        limit: eV/ns.
        fields: fields of the study that determine this limit.

    Returns:
        ``found`` and ``allowed_eV_per_ns``, the limit increased by the error of the drift.

    Raises:
        ClosureError: the drift exceeds the limit by more than its error.
    """
    drift, error = found["drift_eV_per_ns"], found["drift_se"]
    # An unknown error (few samples) does not increase the limit.
    excused = 0.0 if math.isnan(error) else min(CERTAINTY * error, limit)
    if not abs(drift) <= limit + excused:
        raise ClosureError(
            f"{label}: energy drifts by {drift:.3g} ± {error:.2g} eV/ns, above {fields} = {limit:.3g} eV/ns: "
            "shorten integration.timestep_fs, or run longer"
        )
    return found | {"drift_se": None if math.isnan(error) else error, "allowed_eV_per_ns": limit + excused}
