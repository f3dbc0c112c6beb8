"""Comparison of the points of a sweep with theory, solved once for table, text, figures and report.

Linear response is the leading theory, because it needs no model of the friction. White friction (the paper's model), the
dressed pair and the pair with bodies of fluid are simplifications.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np

from analysis.compare.forecast import Forecast, goodness
from analysis.compare.response import response_rates
from analysis.compare.theory import models
from analysis.data.parameters import LINEAR, SIDES, Parameters
from analysis.friction.response import Responses
from analysis.friction.result import Friction, FrictionResult
from analysis.heat.point import HeatPoint, Point, Sides, by_ratio
from analysis.statistics.timeseries import known
from analysis.units import PER_NS

THEORIES = {
    "response": "linear response",
    "theory": "white friction",
    "dressed": "the dressed pair",
    "modes": "the pair with bodies of fluid",
}
"""The theories that heats are compared with, the leading one first, and their names in text."""


def forecasts(parameters: Parameters, friction: Friction, responses: Responses | None) -> dict[str, Forecast]:
    """Predictions for a point, by those of ``THEORIES`` that have one."""
    found = {name: model.forecast() for name, model in models(parameters, friction).items()}
    by_response = response_rates(parameters, responses) if responses else None
    return found | ({} if by_response is None else {"response": by_response})


@dataclass(frozen=True)
class ComparedPoint:
    """The heats of a point and their predictions.

    Attributes:
        point: the measurement.
        forecasts: by the names of ``THEORIES``, eV/ps; a theory without a prediction for the point is missing.
    """

    point: HeatPoint
    forecasts: Mapping[str, Forecast]

    def rates(self, theory: str) -> Sides | None:
        """Heats (cold, hot) according to a theory, eV/ns per coupled axis; ``None`` without a prediction."""
        if theory not in self.forecasts:
            return None
        cold, hot = self.forecasts[theory].estimates()
        return cold * PER_NS, hot * PER_NS

    def z(self, theory: str) -> tuple[float | None, float | None]:
        """Headline heats minus those of a theory in combined standard errors; ``None`` where either is unknown."""
        rates = self.rates(theory)
        if rates is None:
            return None, None
        cold, hot = (
            known(measured.z(rate.value, rate.se)) for measured, rate in zip(self.point.heat, rates, strict=True)
        )
        return cold, hot

    def row(self) -> dict[str, Any]:
        """The entries of ``heat.json``, the name of the ``controller``, and the predictions; ``None`` where there are none.

        For each of ``THEORIES`` these are ``<theory>_<side>_eV_per_ns``, ``<theory>_<side>_se`` and ``z_<theory>_<side>``.
        """
        entries = self.point.to_json() | {"controller": self.point.parameters.told_controller}
        for theory in THEORIES:
            rates, deviations = self.rates(theory), self.z(theory)
            for j, side in enumerate(SIDES):
                value, se = (known(rates[j].value), known(rates[j].se)) if rates else (None, None)
                entries |= {f"{theory}_{side}_eV_per_ns": value, f"{theory}_{side}_se": se}
                entries[f"z_{theory}_{side}"] = deviations[j]
        return entries


class Agreement(NamedTuple):
    """Agreement of a theory with several points: χ², its p-value (``chance``), and the number of points."""

    chi_square: float
    chance: float
    points: int


@dataclass(frozen=True)
class Comparison:
    """A study and the theories at the friction of its runs without controller; each theory is solved once, on demand.

    Attributes:
        points: of its sweep, by κ_H/κ_C.
        friction: of both particles.
        responses: of both particles, if the friction runs are long enough.
    """

    points: tuple[HeatPoint, ...]
    friction: Friction
    responses: Responses | None = None

    def __post_init__(self) -> None:
        """Put the points in order."""
        vars(self)["points"] = tuple(by_ratio(self.points))

    @classmethod
    def read(cls, heats: Iterable[str | Path], friction: str | Path, responses: str | Path) -> Self:
        """From the ``heat.json`` files of a study, its ``friction.json`` and its ``response.npz``.

        Raises:
            AnalysisError: if a file lacks a key; names both.
        """
        points = tuple(HeatPoint.from_json(_content(file)) for file in heats)
        return cls(points, FrictionResult.read(friction).friction, Responses.load(responses))

    @cached_property
    def compared(self) -> tuple[ComparedPoint, ...]:
        """Each point with its predictions."""
        return tuple(
            ComparedPoint(point, forecasts(point.parameters, self.friction, self.responses)) for point in self.points
        )

    @cached_property
    def known(self) -> tuple[str, ...]:
        """Those of ``THEORIES`` with a prediction for at least one point."""
        return tuple(name for name in THEORIES if any(name in each.forecasts for each in self.compared))

    @property
    def leading(self) -> str:
        """The leading theory: linear response if it has a prediction for a point, otherwise white friction."""
        return "response" if "response" in self.known else "theory"

    @cached_property
    def agreement(self) -> dict[str, Agreement]:
        """Agreement of each theory with all points for which it has a prediction.

        Both heats of a point carry the same current, so only the cold heats count. They are measured independently at each
        point, but all predictions use one friction with one error and deviate together. Hence χ² = dᵀ C⁻¹ d, with d the
        measured minus the predicted cold heats and C the covariance of d.

        Measured errors are widened by Student's factor of their blocks. Without it χ² of a correct theory would be too large
        on average, by ν/(ν - 2) for ν degrees of freedom of an error, because an error from few blocks is uncertain. Student's
        factor compensates this to within 4 % for six blocks or more. It does so on average only: with few blocks χ² scatters
        more than its distribution.

        Returns:
            The agreement of each theory with known errors; empty if a measured heat has no error. A model is left out
            unless it has predictions for all points; linear response is tested at the points for which it has one.
        """
        if any(np.isnan(point.heat[0].se) for point in self.points):
            return {}
        found = {}
        for name in THEORIES:
            pairs = [(each.point.heat[0], each.forecasts[name]) for each in self.compared if name in each.forecasts]
            if not pairs or (name != "response" and len(pairs) < len(self.points)):
                continue
            missed = np.array([heat.value - PER_NS * forecast.rates[0] for heat, forecast in pairs])
            common = PER_NS * np.stack([forecast.deviations[:, 0] for _, forecast in pairs], axis=1)
            errors = np.diag([heat.se**2 for heat, _ in pairs])
            if (chi_square := goodness(missed, errors + common.T @ common)) is not None:
                found[name] = Agreement(*chi_square, len(pairs))
        return found


def without_theory(points: Sequence[Point], *, ideal: bool = False) -> str | None:
    """One sentence on controllers without a theory; ``None`` if theory covers the controllers of all points.

    Args:
        points: of a study.
        ideal: whether the theory of the quantity requires a force that follows the particles at every instant.
    """
    parameters = [point.parameters for point in points]
    if others := dict.fromkeys(each.controller for each in parameters if each.controller != LINEAR):
        return f"Controller {', '.join(others)}: theory covers only the linear controller"
    acts = "acts through a loop" if any(each.feedback for each in parameters) else "has cold damping"
    if not all(each.has_theory for each in parameters):
        return (
            "The force has a limit: there is no theory for it"
            if any(each.force_limit is not None for each in parameters)
            else f"The traps move and the controller {acts}: there is no theory for both"
        )
    if ideal and any(each.motion.moves for each in parameters):
        return "The traps move: theory predicts the heats, but not this quantity"
    if ideal and not all(each.is_linear for each in parameters):
        return f"The controller {acts}: theory predicts its heats, but not this quantity"
    return None


def _content(file: str | Path) -> Any:
    return json.loads(Path(file).read_text(encoding="utf-8"))
