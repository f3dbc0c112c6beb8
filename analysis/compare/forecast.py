"""The heat predicted by a theory for one point, with the error from the equilibrium measurement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import chdtrc

from analysis.data.parameters import Array
from analysis.statistics.timeseries import Estimate


@dataclass(frozen=True)
class Forecast:
    """Heat rates of one point by one theory.

    Attributes:
        rates: (cold, hot), eV/ps per coupled axis.
        deviations: (n, 2), eV/ps, whose squares sum to the squared errors. Each row has one cause, an error of the friction,
            which is common to all points of a study.
    """

    rates: Array
    deviations: Array

    def estimates(self) -> tuple[Estimate, Estimate]:
        """Both rates with their standard errors."""
        errors = np.linalg.norm(self.deviations, axis=0)
        cold, hot = (Estimate(float(value), float(error)) for value, error in zip(self.rates, errors, strict=True))
        return cold, hot

    def total(self) -> Estimate:
        """Sum of both rates, the power that the controller spends; their errors have common causes."""
        return Estimate(float(self.rates.sum()), float(np.linalg.norm(self.deviations.sum(axis=1))))


def mean_forecast(forecasts: Sequence[Forecast], weights: Sequence[float]) -> Forecast:
    """The weighted mean of forecasts whose errors are independent, such as those of axes that are not equivalent."""
    shares = np.array(weights) / sum(weights)
    return Forecast(
        np.asarray(sum(share * each.rates for share, each in zip(shares, forecasts, strict=True))),
        np.concatenate([share * each.deviations for share, each in zip(shares, forecasts, strict=True)]),
    )


def goodness(missed: Array, covariance: Array) -> tuple[float, float] | None:
    """χ² = dᵀ C⁻¹ d of deviations (n,) with a covariance (n, n), and its p-value.

    Returns:
        ``None`` if an error is unknown, or 0.
    """
    errors = np.sqrt(np.diag(covariance))
    if not (np.isfinite(covariance).all() and (errors > 0).all()):
        return None
    # In units of their errors, which may differ by decades in a sweep.
    missed = missed / errors
    try:
        chi_square = float(missed @ np.linalg.solve(covariance / np.outer(errors, errors), missed))
    except np.linalg.LinAlgError:  # all share one error, so the covariance is singular
        return None
    return (chi_square, float(chdtrc(len(missed), chi_square))) if chi_square >= 0 else None
