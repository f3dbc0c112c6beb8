"""Common to studies of all machines: numbers, the sweep, and the solution of a machine."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field, model_validator

from analysis.currents import Machine
from analysis.mechanisms.sweep import Course, Solution
from simulation.study.section import Section, or_say

# Limit that avoids overflow in products of several numbers.
Positive = Annotated[float, Field(gt=0, le=1e30, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, le=1e30, allow_inf_nan=False)]
Number = Annotated[float, Field(ge=-1e30, le=1e30, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=2, le=2000)]
Name = Annotated[
    str,
    Field(pattern=r"^[A-Za-z][A-Za-z0-9_-]{0,30}$"),
    or_say("write a letter and up to 30 more letters, digits, _ or -"),
]


class Values(Section):
    """Values of one parameter: either `values`, or `points` values from `first` to `last`."""

    parameter: str
    """The swept field; in a section or a list by a dotted name, such as `levels_cold.1` (lists count from 0)."""
    values: Annotated[tuple[Number, ...], Field(min_length=1, max_length=2000)] | None = None
    """The values themselves."""
    first: Number | None = None
    """The first value."""
    last: Number | None = None
    """The last value."""
    points: Count | None = None
    """Number of values, ends included."""
    spacing: Literal["linear", "logarithmic"] = "linear"
    """Spacing of the values between the ends."""

    @model_validator(mode="after")
    def _one_way(self) -> Values:
        ends = {"first": self.first, "last": self.last, "points": self.points}
        missing = [name for name, value in ends.items() if value is None]
        if self.values is not None and len(missing) < 3:
            raise ValueError("give either 'values', or 'first', 'last' and 'points'")
        if self.values is None and missing:
            raise ValueError(f"{', '.join(missing)} missing: give 'values', or 'first', 'last' and 'points'")
        if self.spacing == "logarithmic" and not (self.first or 0) * (self.last or 0) > 0:
            raise ValueError("spacing: logarithmic needs 'first' and 'last' of one sign, neither of them 0")
        return self

    def numbers(self) -> list[float]:
        """All values, in order."""
        if self.values is not None:
            return list(self.values)
        assert self.first is not None
        assert self.last is not None
        assert self.points is not None
        spaced = np.geomspace if self.spacing == "logarithmic" else np.linspace
        # Rounding must not turn 0.3 into 0.30000000000000004. A linear range may pass through 0.
        least = 1e-12 * abs(self.last - self.first) if self.spacing == "linear" else 0.0
        found = spaced(self.first, self.last, self.points)
        return [float(f"{value:.12g}") if abs(value) > least else 0.0 for value in found]


class Times(Section):
    """Times of the evolution of a machine; `reservoirs` have their own."""

    duration: Positive
    """The last time, in the inverse unit of the rates."""
    points: Count = 200
    """Number of times."""
    spacing: Literal["linear", "logarithmic"] = "linear"
    """Spacing of the times; logarithmic times start at 10⁻⁶ of the duration."""

    def times(self) -> Any:
        """From 0 to the duration, (points,)."""
        if self.spacing == "linear":
            return np.linspace(0.0, self.duration, self.points)
        # From the end, so that the only time of two points after 0 is the duration.
        return np.concatenate([[0.0], np.geomspace(self.duration, 1e-6 * self.duration, self.points - 1)[::-1]])


class MachineFields(Section, ABC):
    """The parameters of one machine, and the sweep."""

    machine: str
    """The machine."""
    sweep: Values
    """The parameter on the axis of all figures."""
    lines: Values | None = None
    """A second parameter, with one line per value."""

    @abstractmethod
    def build(self) -> Machine:
        """The machine.

        Raises:
            ValueError: if the parameters are inconsistent; names all errors.
        """

    def quantities(self, machine: Any) -> dict[str, float]:
        """Further quantities of this machine besides its currents, by column of the table."""
        del machine
        return {}

    def solve(self) -> Solution:
        """Currents and further quantities of the machine.

        Raises:
            ValueError: if it has no physical steady state.
        """
        machine = self.build()
        return Solution(machine.bath_currents(), self.quantities(machine))

    def course(self) -> Course | None:
        """Time evolution of the machine, if the study has one.

        Raises:
            ValueError: see `solve`.
        """
        return None
