"""The points of a sweep beside theory, for table, figures and report.

Linear response leads, because it rests on no model of the friction. White friction, the paper's model, the dressed pair and
the pair with bodies of fluid are simplifications, named as such.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from analysis.compare.forecast import Forecast, goodness
from analysis.compare.response import response_rates
from analysis.compare.theory import models
from analysis.data.runs import LINEAR, SIDES, Parameters
from analysis.friction.response import Responses
from analysis.friction.result import Friction
from analysis.statistics.timeseries import Estimate, known
from analysis.units import PER_NS

THEORIES = {
    "response": "linear response",
    "theory": "white friction",
    "dressed": "the dressed pair",
    "modes": "the pair with bodies of fluid",
}
"""What heats are compared with, the leading theory first, and what people call it."""


def by_ratio(points: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Points in the order of their κ_H/κ_C."""
    return sorted(points, key=lambda point: float(point["kappa_ratio"]))


def forecasts(parameters: Parameters, friction: Friction, responses: Responses | None) -> dict[str, Forecast]:
    """Those of ``THEORIES`` that know a point, and what they forecast."""
    found = {name: model.forecast() for name, model in models(parameters, friction).items()}
    by_response = response_rates(parameters, responses) if responses else None
    return found | ({} if by_response is None else {"response": by_response})


def beside_theory(
    points: Sequence[dict[str, Any]], friction: Friction, responses: Responses | None = None
) -> list[dict[str, Any]]:
    """Points, sorted by κ_H/κ_C, with all theories at what the same study measured at equilibrium, and deviations from them.

    Args:
        points: contents of the ``heat.json`` files of a study.
        friction: of the same study.
        responses: of the same study, if it has any.

    Returns:
        For each point its content with, for each of ``THEORIES``, ``<theory>_<side>_eV_per_ns``, ``<theory>_<side>_se`` and
        ``z_<theory>_<side>``: headline heat less theory over the standard errors of both. All are ``None`` where the theory
        knows nothing of the point.
    """
    return [point | _theory(point, friction, responses) for point in by_ratio(points)]


def _theory(point: dict[str, Any], friction: Friction, responses: Responses | None) -> dict[str, float | None]:
    entries: dict[str, float | None] = {}
    found = forecasts(Parameters.from_json(point["parameters"]), friction, responses)
    for theory in THEORIES:
        for j, side in enumerate(SIDES):
            keys = (f"{theory}_{side}_eV_per_ns", f"{theory}_{side}_se", f"z_{theory}_{side}")
            if theory not in found:
                entries |= dict.fromkeys(keys)
                continue
            se = point[f"heat_{side}_se"]
            measured = Estimate(point[f"heat_{side}_eV_per_ns"], math.nan if se is None else se)
            rate = found[theory].estimates()[j] * PER_NS
            numbers = (rate.value, rate.se, measured.z(rate.value, rate.se))
            entries |= {key: known(number) for key, number in zip(keys, numbers, strict=True)}
    return entries


def leading(points: Sequence[dict[str, Any]]) -> str:
    """The theory that leads: linear response where it knows a point, else white friction.

    Args:
        points: from ``beside_theory``.
    """
    return "response" if any(point["response_cold_eV_per_ns"] is not None for point in points) else "theory"


def agreement(
    points: Sequence[dict[str, Any]], friction: Friction, responses: Responses | None = None
) -> dict[str, tuple[float, float, int]]:
    """Does a theory hold at all points of a sweep that it knows?

    Both heats of a point carry one current, so only the cold ones count. They are measured independently at each point, but
    one friction, with one error, made all forecasts: where it is off, all are off together.

    Args:
        points: contents of the ``heat.json`` files of a study.
        friction, responses: of the same study.

    Measured errors are widened by Student's factor of their blocks. Without it χ² of a right theory would be too large on
    average, by ν/(ν - 2) for ν degrees of freedom of an error, because few blocks tell the error badly too. Student's factor
    takes that back to within 4 % for six blocks or more. It is an average only: of few blocks χ² scatters more than its law.

    Returns:
        For each theory with known errors χ² = dᵀ C⁻¹ d, with d the measured less the forecast cold heats and C the covariance
        of that, the probability of so much or more by chance, and the number of points; empty if a measured heat has no error.
        White and dressed theory are left out unless they know all points; linear response is asked about those that it knows.
    """
    if any(point["heat_cold_se"] is None for point in points):
        return {}
    at = [forecasts(Parameters.from_json(point["parameters"]), friction, responses) for point in points]
    found = {}
    for name in THEORIES:
        pairs = [(point, each[name]) for point, each in zip(points, at, strict=True) if name in each]
        if not pairs or (name != "response" and len(pairs) < len(points)):
            continue
        missed = np.array([point["heat_cold_eV_per_ns"] - PER_NS * each.rates[0] for point, each in pairs])
        common = PER_NS * np.stack([each.deviations[:, 0] for _, each in pairs], axis=1)
        errors = np.diag([point["heat_cold_se"] ** 2 for point, _ in pairs])
        if (chi_square := goodness(missed, errors + common.T @ common)) is not None:
            found[name] = (*chi_square, len(pairs))
    return found


def without_theory(points: Sequence[dict[str, Any]], *, ideal: bool = False) -> str | None:
    """One sentence on controllers of which theory knows nothing; ``None`` if it knows those of all points.

    Args:
        points: contents of the ``heat.json``, ``power.json`` or ``performance.json`` files of a study.
        ideal: whether what is shown is known only where the force follows the particles at every instant.
    """
    parameters = [Parameters.from_json(point["parameters"]) for point in points]
    if others := dict.fromkeys(each.controller for each in parameters if each.controller != LINEAR):
        return f"Controller {', '.join(others)}: theory knows the linear controller only"
    if not all(each.has_theory for each in parameters):
        return "The force has a limit: theory knows none"
    if ideal and not all(each.is_linear for each in parameters):
        return "The controller acts through a loop: theory knows the heats of such a machine, and not this"
    return None
