"""The exact theory of one point, evaluated with the friction that the same study measured."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from analysis.runs import SIDES, Array, Parameters
from analysis.timeseries import Estimate

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


def white_rates(parameters: Parameters, friction: Friction) -> tuple[Estimate, Estimate]:
    """Heat rates (cold, hot) of the paper's pair, eV/ps; errors from those of both frictions."""
    values = np.array([side.value for side in friction.white])
    errors = np.array([side.se for side in friction.white]) / values

    def rates(log_friction: Array) -> Array:
        cold, hot = np.exp(log_friction)
        return parameters.white_pair((cold, hot)).heat_rates()

    return _propagate(rates, np.log(values), np.diag(errors**2))


def dressed_rates(parameters: Parameters, friction: Friction) -> tuple[Estimate, Estimate] | None:
    """Heat rates (cold, hot) of the dressed pair, eV/ps, or ``None`` if the study did not measure its parameters."""
    if friction.dressed is None:
        return None
    shells = friction.dressed
    covariance = np.zeros((6, 6))
    covariance[:3, :3], covariance[3:, 3:] = (shell.log_covariance for shell in shells)

    def rates(logs: Array) -> Array:
        core, shell, mass = np.exp(logs).reshape(2, 3).T
        return parameters.dressed_pair(core, shell, mass).heat_rates()

    return _propagate(rates, np.log([shell.values for shell in shells]).ravel(), covariance)


def _propagate(function: Callable[[Array], Array], at: Array, covariance: Array) -> tuple[Estimate, Estimate]:
    """First-order propagation of a covariance through a function of shape (k,) -> (2,), by central differences."""
    step = 1e-3
    gradient = np.stack([(function(at + e) - function(at - e)) / (2 * step) for e in step * np.eye(len(at))])
    errors = np.sqrt(np.einsum("ki,kl,li->i", gradient, covariance, gradient))
    cold, hot = (Estimate(float(v), float(e)) for v, e in zip(function(at), errors, strict=True))
    return cold, hot


def _or_nan(value: float | None) -> float:
    return math.nan if value is None else value
