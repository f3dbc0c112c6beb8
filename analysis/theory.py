"""The exact theory of one point, evaluated with the friction that the same study measured."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from scipy.special import chdtrc

from analysis.model import Refrigerator
from analysis.runs import SIDES, Array, Parameters
from analysis.timeseries import Estimate
from analysis.units import PER_NS

SHELL_KEYS = ("core_friction_eV_ps_per_A2", "shell_friction_eV_ps_per_A2", "shell_mass_eV_ps2_per_A2")


@dataclass(frozen=True)
class Shell:
    """Dressed-particle parameters of one side: g₁, g₂ (eV ps/Å²), M (eV ps²/Å²), and the covariance of their logarithms."""

    values: tuple[float, float, float]
    log_covariance: Array


@dataclass(frozen=True)
class Friction:
    """Friction of both particles (cold, hot) as a study measured it.

    Attributes:
        white: the one-parameter friction γ with its error, eV ps/Å².
        dressed: the core-and-shell parameters, or ``None`` if the study is too short to tell them.
    """

    white: tuple[Estimate, Estimate]
    dressed: tuple[Shell, Shell] | None = None

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> Friction:
        """From the content of a ``friction.json``.

        Raises:
            ValueError: if a key is missing; names it.
        """
        try:
            cold, hot = (
                Estimate(content[f"friction_{side}_eV_ps_per_A2"], _or_nan(content[f"friction_{side}_se"]))
                for side in SIDES
            )
            if content["dressed"] is None:
                return cls((cold, hot))
            shells = [
                Shell(tuple(shell[key] for key in SHELL_KEYS), np.array(shell["log_covariance"]))
                for shell in (content["dressed"][side] for side in SIDES)
            ]
        except KeyError as missing:
            raise ValueError(f"friction.json: key {missing} is missing; run the friction analysis again") from None
        return cls((cold, hot), (shells[0], shells[1]))


MODELS = {"theory": "white friction", "dressed": "the dressed pair"}
"""The exact models, the paper's pair and the dressed one, and what people call them."""


@dataclass(frozen=True)
class Model:
    """One exact model of a point, as a function of the logarithms of its friction parameters.

    Attributes:
        machine: the model at given logarithms, (k,).
        at: the measured ones, (k,).
        covariance: of ``at``, (k, k).
    """

    machine: Callable[[Array], Refrigerator]
    at: Array
    covariance: Array

    @property
    def measured(self) -> Refrigerator:
        """The model at the measured friction."""
        return self.machine(self.at)

    def rates(self) -> tuple[Estimate, Estimate]:
        """Heat rates (cold, hot), eV/ps; errors from those of the friction, to first order."""
        slopes = self.slopes()
        errors = np.sqrt(np.einsum("ki,kl,li->i", slopes, self.covariance, slopes))
        cold, hot = (Estimate(float(v), float(e)) for v, e in zip(self.measured.heat_rates(), errors, strict=True))
        return cold, hot

    def slopes(self) -> Array:
        """Derivatives of the heat rates (cold, hot) by each logarithm, (k, 2), eV/ps, by central differences."""
        step = 1e-3
        return np.stack(
            [
                (self.machine(self.at + e).heat_rates() - self.machine(self.at - e).heat_rates()) / (2 * step)
                for e in step * np.eye(len(self.at))
            ]
        )


def models(parameters: Parameters, friction: Friction) -> dict[str, Model]:
    """The exact models of a point with the friction of its study: ``theory`` (white) and, if it was measured, ``dressed``."""
    white = np.array([side.value for side in friction.white])
    errors = np.array([side.se for side in friction.white]) / white
    found = {
        "theory": Model(
            lambda logs: _solved(parameters.white_pair(tuple(np.exp(logs)))), np.log(white), np.diag(errors**2)
        )
    }
    if friction.dressed is not None:
        covariance = np.zeros((6, 6))
        covariance[:3, :3], covariance[3:, 3:] = (shell.log_covariance for shell in friction.dressed)
        found["dressed"] = Model(
            lambda logs: _solved(parameters.dressed_pair(*np.exp(logs).reshape(2, 3).T)),
            np.log([shell.values for shell in friction.dressed]).ravel(),
            covariance,
        )
    return found


def agreement(points: Sequence[dict[str, Any]], friction: Friction) -> dict[str, tuple[float, float]]:
    """Does a theory hold at all points of a sweep at once?

    Both heats of a point carry one current, so only the cold ones count. They are measured independently at each point, but
    one friction, with one error, made all forecasts: where it is off, all are off together.

    Args:
        points: contents of the ``heat.json`` files of a study.
        friction: of the same study.

    Returns:
        For each model with known errors χ² = dᵀ C⁻¹ d, with d the measured less the forecast cold heats and C the covariance
        of that, and the probability of so much or more by chance; empty if a measured heat has no error.
    """
    errors = [point["heat_cold_se"] for point in points]
    if None in errors:
        return {}
    at = [models(Parameters.from_json(point["parameters"]), friction) for point in points]
    found = {}
    for name in at[0]:
        forecast = np.array([each[name].measured.heat_rates()[0] for each in at]) * PER_NS
        slopes = np.stack([each[name].slopes()[:, 0] for each in at]) * PER_NS
        missed = np.array([point["heat_cold_eV_per_ns"] for point in points]) - forecast
        covariance = np.diag(np.square(errors)) + slopes @ at[0][name].covariance @ slopes.T
        chi_square = goodness(missed, covariance)
        if np.isfinite(chi_square[0]):
            found[name] = chi_square
    return found


def goodness(missed: Array, covariance: Array) -> tuple[float, float]:
    """χ² = dᵀ C⁻¹ d of deviations (n,) with a covariance (n, n), and the probability of so much or more by chance."""
    chi_square = float(missed @ np.linalg.solve(covariance, missed))
    return chi_square, float(chdtrc(len(missed), chi_square))


@cache
def _solved(machine: Refrigerator) -> Refrigerator:
    """The same machine, or one met before that is equal and knows its covariance: many ask for the same lines."""
    return machine


def _or_nan(value: float | None) -> float:
    return math.nan if value is None else value
