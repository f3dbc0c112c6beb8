"""The heat that a theory forecasts for one point, with the error that it inherits from what was measured at equilibrium."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import chdtrc

from analysis.data.runs import Array
from analysis.statistics.timeseries import Estimate


@dataclass(frozen=True)
class Forecast:
    """Heat rates of one point by one theory.

    Attributes:
        rates: (cold, hot), eV/ps per coupled axis.
        deviations: (n, 2), eV/ps, of which the squares sum to their squared errors. Row by row they have one cause, an error of
            the friction, which all points of a study share.
    """

    rates: Array
    deviations: Array

    def estimates(self) -> tuple[Estimate, Estimate]:
        """Both rates with their standard errors."""
        errors = np.linalg.norm(self.deviations, axis=0)
        cold, hot = (Estimate(float(value), float(error)) for value, error in zip(self.rates, errors, strict=True))
        return cold, hot


def goodness(missed: Array, covariance: Array) -> tuple[float, float] | None:
    """χ² = dᵀ C⁻¹ d of deviations (n,) with a covariance (n, n), and the probability of so much or more by chance.

    Returns:
        ``None`` where an error is not known, or 0.
    """
    errors = np.sqrt(np.diag(covariance))
    if not (np.isfinite(covariance).all() and (errors > 0).all()):
        return None
    # In units of their own errors: those of a sweep may be decades apart.
    missed = missed / errors
    try:
        chi_square = float(missed @ np.linalg.solve(covariance / np.outer(errors, errors), missed))
    except np.linalg.LinAlgError:  # all share one error, and nothing is left to tell them apart
        return None
    return (chi_square, float(chdtrc(len(missed), chi_square))) if chi_square >= 0 else None
