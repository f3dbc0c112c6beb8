"""Comparison of several studies: heats of each with its own theory, and with the heats of the first study."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from analysis.compare.comparison import THEORIES, ComparedPoint, Comparison
from analysis.data.parameters import SIDES
from analysis.heat.point import HeatPoint, Sides
from analysis.statistics.timeseries import Estimate, known

COLUMNS = [
    "kappa_ratio",
    "study",
    *(f"heat_{side}_{entry}" for side in SIDES for entry in ("eV_per_ns", "se")),
    *(f"{theory}_{side}_{entry}" for theory in THEORIES for side in SIDES for entry in ("eV_per_ns", "se")),
    *(f"z_{theory}_{side}" for theory in THEORIES for side in SIDES),
    *(f"difference_{side}_{entry}" for side in SIDES for entry in ("eV_per_ns", "se")),
    *(f"z_difference_{side}" for side in SIDES),
]


@dataclass(frozen=True)
class StudyPoint:
    """One point of one study.

    Attributes:
        study: its name.
        compared: the point with theory, at the friction that the same study measured without controller.
        first: the point of the first study at the same κ_H/κ_C; ``None`` for that study itself, and where it has none.
    """

    study: str
    compared: ComparedPoint
    first: HeatPoint | None

    @property
    def difference(self) -> Sides | None:
        """Headline heats minus those of the first study (cold, hot), eV/ns; independent runs, so errors add in squares."""
        if self.first is None:
            return None
        cold, hot = (
            Estimate(own.value - other.value, math.hypot(own.se, other.se))
            for own, other in zip(self.compared.point.heat, self.first.heat, strict=True)
        )
        return cold, hot

    def z_difference(self) -> tuple[float | None, float | None]:
        """The differences in their standard errors; ``None`` where either is not known."""
        if self.difference is None:
            return None, None
        cold, hot = (known(each.z(0.0)) for each in self.difference)
        return cold, hot

    def row(self) -> dict[str, Any]:
        """Entries of ``COLUMNS``; ``None`` where something is not known."""
        entries = self.compared.row() | {"study": self.study}
        for j, side in enumerate(SIDES):
            difference = None if self.difference is None else self.difference[j]
            entries[f"difference_{side}_eV_per_ns"] = None if difference is None else difference.value
            entries[f"difference_{side}_se"] = None if difference is None else known(difference.se)
            entries[f"z_difference_{side}"] = self.z_difference()[j]
        return entries


def study_points(names: Sequence[str], comparisons: Sequence[Comparison]) -> list[StudyPoint]:
    """All points of several studies by κ_H/κ_C, and at each in the order of the studies.

    Args:
        names: of the studies; the others are compared with the first one.
        comparisons: of the same studies.
    """

    def found() -> Iterator[StudyPoint]:
        first = {point.ratio: point for point in comparisons[0].points}
        for name, comparison in zip(names, comparisons, strict=True):
            for each in comparison.compared:
                yield StudyPoint(name, each, None if comparison is comparisons[0] else first.get(each.point.ratio))

    return sorted(found(), key=lambda each: each.compared.point.ratio)


def studies_table(points: Sequence[StudyPoint]) -> pd.DataFrame:
    """One row per point and study; columns are ``COLUMNS``."""
    return pd.DataFrame([each.row() for each in points], columns=COLUMNS)
