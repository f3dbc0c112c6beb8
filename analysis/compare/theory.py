"""The exact theory of one point, evaluated with the friction that the same study measured."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from scipy.special import chdtrc

from analysis.data.runs import LINEAR, SIDES, Array, Parameters
from analysis.errors import AnalysisError
from analysis.model import Refrigerator
from analysis.statistics.timeseries import Estimate
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
            AnalysisError: if a key is missing; names it.
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
            raise AnalysisError(f"friction.json: key {missing} is missing; run the friction analysis again") from None
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
        """Heat rates (cold, hot), eV/ps; errors from those of the friction, to first order, as far as ``slopes`` are known."""
        slopes = self.slopes()
        errors = np.sqrt(np.einsum("ki,kl,li->i", slopes, self.covariance, slopes))
        cold, hot = (Estimate(float(v), float(e)) for v, e in zip(self.measured.heat_rates(), errors, strict=True))
        return cold, hot

    def slopes(self) -> Array:
        """Derivatives of the heat rates (cold, hot) by each logarithm, (k, 2), eV/ps, by central differences.

        Not numbers where the machine is so near to no steady state that a difference would step over.
        """
        step = 1e-3
        sides = [[self.machine(self.at + sign * e) for sign in (1, -1)] for e in step * np.eye(len(self.at))]
        if not all(machine.is_stable for pair in sides for machine in pair):
            return np.full((len(self.at), 2), math.nan)
        return np.stack([(up.heat_rates() - down.heat_rates()) / (2 * step) for up, down in sides])


def models(parameters: Parameters, friction: Friction) -> dict[str, Model]:
    """The exact models of a point with the friction of its study: ``theory`` (white) and, if it was measured, ``dressed``.

    Left out is a model that has no steady state at that friction, as couplings of opposite sign may have none where the sides
    differ. There is none at all where the controller is not the linear one.
    """
    if not parameters.is_linear:
        return {}
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
    return {name: model for name, model in found.items() if model.measured.is_stable}


def without_theory(points: Sequence[dict[str, Any]]) -> str | None:
    """One sentence on controllers of which theory knows nothing; ``None`` if all points have the linear one.

    Args:
        points: contents of the ``heat.json``, ``power.json`` or ``performance.json`` files of a study.
    """
    laws = dict.fromkeys(Parameters.from_json(point["parameters"]).controller for point in points)
    others = [law for law in laws if law != LINEAR]
    return f"Controller {', '.join(others)}: theory knows the linear controller only" if others else None


def agreement(points: Sequence[dict[str, Any]], friction: Friction) -> dict[str, tuple[float, float]]:
    """Does a theory hold at all points of a sweep at once?

    Both heats of a point carry one current, so only the cold ones count. They are measured independently at each point, but
    one friction, with one error, made all forecasts: where it is off, all are off together.

    Args:
        points: contents of the ``heat.json`` files of a study.
        friction: of the same study.

    Returns:
        For each model with known errors χ² = dᵀ C⁻¹ d, with d the measured less the forecast cold heats and C the covariance
        of that, and the probability of so much or more by chance; empty if a measured heat has no error, or theory does not
        know one of the points.
    """
    errors = [point["heat_cold_se"] for point in points]
    if None in errors:
        return {}
    at = [models(Parameters.from_json(point["parameters"]), friction) for point in points]
    found = {}
    for name in [name for name in MODELS if all(name in each for each in at)] if at else ():
        forecast = np.array([each[name].measured.heat_rates()[0] for each in at]) * PER_NS
        slopes = np.stack([each[name].slopes()[:, 0] for each in at]) * PER_NS
        missed = np.array([point["heat_cold_eV_per_ns"] for point in points]) - forecast
        covariance = np.diag(np.square(errors)) + slopes @ at[0][name].covariance @ slopes.T
        if (chi_square := goodness(missed, covariance)) is not None:
            found[name] = chi_square
    return found


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


@cache
def _solved(machine: Refrigerator) -> Refrigerator:
    """The same machine, or one met before that is equal and knows its covariance: many ask for the same lines."""
    return machine


def _or_nan(value: float | None) -> float:
    return math.nan if value is None else value
