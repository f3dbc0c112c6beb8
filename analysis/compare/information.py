"""Heat and information at each point: the second law of each side and the information of a noisy reading, with theory.

The second law of a side is Q̇/T - k_B İ >= 0, with İ the information flow between the particles. A force that depends on the
velocity or the past has one more term, the entropy pumping (``DelayedNetwork.entropy_pumping``), so with a feedback loop or
cold damping the left side may be negative.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from analysis.compare.comparison import Comparison
from analysis.compare.theory import Model, models
from analysis.data.parameters import LINEAR, SIDES, Array, Parameters
from analysis.friction.result import Friction
from analysis.heat.information import COLD, coarse_samples, longest_interval, rate_of_samples
from analysis.heat.point import HeatPoint, Sides
from analysis.heat.results import InformationPoint
from analysis.model import BOLTZMANN, DelayedNetwork, Refrigerator, SampledNetwork, information_flow_from_rate
from analysis.statistics.timeseries import Estimate, entries, known
from analysis.units import PER_NS

MODELS = ("theory", "dressed", "modes")
"""Those of ``comparison.THEORIES`` with a prediction for information; linear response has none."""


@dataclass(frozen=True)
class ComparedInformation:
    """Heat over temperature and information at one point, per coupled axis, with theory, which is solved on demand.

    Attributes:
        point: its measured heats.
        friction: of the study.
        flow: information flow into the cold particle, k_B/ns; that into the hot particle is its negative. NaN where samples
            are too far apart for it (``too_coarse``).
        shared: mutual information of both particles, k_B.
        reading: mutual information of one reading and the positions, k_B; NaN for readings without noise.
        second_law: Q̇/T - k_B İ of each side, k_B/ns; NaN where a bath is active or the flow NaN.
    """

    point: HeatPoint
    friction: Friction
    flow: Estimate
    shared: Estimate
    reading: Estimate
    second_law: Sides

    @cached_property
    def flows(self) -> dict[str, Estimate]:
        """Prediction of ``flow`` by the models of ``MODELS`` that have one."""
        exact, lag = models(self.point.parameters, self.friction).items(), lag_of_flow(self.point.parameters)
        return {name: predicted for name, model in exact if (predicted := _predicted_flow(model, lag)) is not None}

    @cached_property
    def readings(self) -> dict[str, tuple[Estimate, Estimate]]:
        """Prediction of ``reading``, and of its part beyond all earlier readings, by the same models."""
        exact = models(self.point.parameters, self.friction).items()
        return {name: predicted for name, model in exact if (predicted := _predicted_reading(model)) is not None}

    @property
    def has_pumping(self) -> bool:
        """Whether the second law has the term of the entropy pumping, so that ``second_law`` may be negative.

        A delay, a filter and a force held between updates depend on the past, and cold damping on the velocity; a custom
        controller may depend on both.
        """
        parameters = self.point.parameters
        return parameters.controller != LINEAR or parameters.feedback is not None or any(parameters.damping)

    @property
    def too_coarse(self) -> str | None:
        """Why the flow is not known from the samples; ``None`` if it is."""
        return coarse_samples(self.point.parameters)

    @property
    def information(self) -> Sides:
        """Information flow into each particle, k_B/ns."""
        return self.flow, self.flow * -1.0

    @property
    def entropy(self) -> Sides:
        """Heat over temperature of each side, k_B/ns; NaN where a bath is active."""
        (cold, hot), per_kelvin = self.point.heat, self.point.parameters.per_kelvin / BOLTZMANN
        return cold * float(per_kelvin[0]), hot * float(per_kelvin[1])

    def z(self, model: str) -> float | None:
        """Measured minus predicted flow in combined standard errors; ``None`` where either is unknown."""
        predicted = self.flows.get(model)
        return None if predicted is None else known(self.flow.z(predicted.value, predicted.se))

    def row(self) -> dict[str, Any]:
        """Entries of ``COLUMNS``; ``None`` where unknown."""
        row: dict[str, Any] = {}
        for quantity, sides in (("entropy", self.entropy), ("second_law", self.second_law)):
            for side, found in zip(SIDES, sides, strict=True):
                row |= entries(f"{quantity}_{side}", found, "kB_per_ns")
        row |= {
            f"information_{side}_kB_per_ns": known(found.value)
            for side, found in zip(SIDES, self.information, strict=True)
        }
        row["information_se"] = known(self.flow.se)
        row |= entries("mutual_information", self.shared, "kB")
        row |= entries("reading_information", self.reading, "kB")
        unknown = Estimate(math.nan)
        for model in MODELS:
            row |= entries(f"{model}_information_cold", self.flows.get(model, unknown), "kB_per_ns")
            row[f"z_{model}_information"] = self.z(model)
            for kind, found in zip(("reading", "new"), self.readings.get(model, (unknown, unknown)), strict=True):
                row |= entries(f"{model}_{kind}_information", found, "kB")
        return row


COLUMNS = [
    *(
        f"{quantity}_{side}_{end}"
        for quantity in ("entropy", "second_law")
        for side in SIDES
        for end in ("kB_per_ns", "se")
    ),
    *(f"information_{side}_kB_per_ns" for side in SIDES),
    "information_se",
    *(f"{kind}_information_{end}" for kind in ("mutual", "reading") for end in ("kB", "se")),
    *(
        column
        for model in MODELS
        for column in (
            f"{model}_information_cold_kB_per_ns",
            f"{model}_information_cold_se",
            f"z_{model}_information",
            *(f"{model}_{kind}_information_{end}" for kind in ("reading", "new") for end in ("kB", "se")),
        )
    ),
]
"""Columns of ``ComparedInformation.row``: rates per coupled axis in k_B/ns, information in k_B."""


def compared_information(comparison: Comparison, flows: Sequence[InformationPoint]) -> list[ComparedInformation]:
    """Information at each point of a study that has both heats and information, by κ_H/κ_C.

    Args:
        comparison: of the study.
        flows: of its points, in any order.
    """
    measured = {flow.name: flow for flow in flows}
    return [
        ComparedInformation(point, comparison.friction, found.flow, found.shared, found.reading, found.second_law)
        for point in comparison.points
        if (found := measured.get(point.name)) is not None
    ]


def lag_of_flow(parameters: Parameters) -> float:
    """Interval over which theory has the information flow, ps: one sample, or the longest one that can measure it."""
    return min(parameters.sample_interval, longest_interval(parameters))


def flow_into_cold(machine: Refrigerator | DelayedNetwork, lag: float) -> float:
    """Information flow into the cold particle of a solved machine, described by position and velocity, k_B/ps.

    Bodies of fluid and the memory of a loop are not part of a particle, and rates are differences over a lag, as in the
    measurement (``heat.information``).

    Args:
        machine: in its steady state.
        lag: ps; usually ``lag_of_flow``.

    Raises:
        ValueError: if there is no steady state.
    """
    lagged = machine.correlation(lag) if isinstance(machine, Refrigerator) else machine.odd_correlation(lag)
    rate = rate_of_samples(lagged, lag)
    return information_flow_from_rate(machine.covariance()[:4, :4], rate[:4, :4], COLD)


def _predicted_flow(model: Model, lag: float) -> Estimate | None:
    """Information flow into the cold particle, k_B/ns; ``None`` for loops with updates and moving traps: no theory here."""
    if not isinstance(model.measured[0], Refrigerator | DelayedNetwork):
        return None
    value, error = model.with_errors(model.mean(lambda machine: np.array([PER_NS * flow_into_cold(machine, lag)])))
    return Estimate(float(value[0]), float(error[0]))


def _predicted_reading(model: Model) -> tuple[Estimate, Estimate] | None:
    """Information of one reading, and its part beyond all earlier ones, k_B; ``None`` for readings without noise."""
    machine = model.measured[0]
    if not isinstance(machine, SampledNetwork) or not machine.feedback.position_noise:
        return None
    values, errors = model.with_errors(model.mean(reading_and_news))
    one, new = (Estimate(float(value), float(error)) for value, error in zip(values, errors, strict=True))
    return one, new


def reading_and_news(machine: SampledNetwork) -> Array:
    """Information of one reading of a loop with noise, and its part beyond all earlier readings, (2,), k_B."""
    return np.array([machine.reading_information(), machine.information_rate() * machine.feedback.period])
