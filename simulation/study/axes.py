"""Values that may differ by axis: one number for all axes, or a mapping of axes such as `{x: 8e-12, yz: 4e-12}`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, get_args

from pydantic import BeforeValidator, TypeAdapter, ValidationError

from simulation.study.section import Positive, in_words

AXES = ("x", "y", "z")

AxisSet = Literal["x", "y", "z", "xy", "xz", "yz", "xyz"]
AXIS_SETS: tuple[str, ...] = get_args(AxisSet)


class ByAxis:
    """Validator of one number, or of a mapping from axes to numbers in which no axis occurs twice.

    Args:
        kind: type of a number, with its bounds.
        example: of a mapping, for messages.
        every: why every axis is required; empty if axes may be left out.
    """

    def __init__(self, kind: Any, example: str, every: str = "") -> None:
        self.number: TypeAdapter[float] = TypeAdapter(kind)
        self.example = example
        self.every = every

    def __call__(self, value: Any) -> Any:
        """The validated value.

        Raises:
            ValueError: with the reason and the cure.
        """
        if not isinstance(value, dict):
            if isinstance(value, (list, tuple)):
                raise ValueError(f"write one number, or a mapping of axes such as {self.example}")
            return self._all_checked({"": value})[""]
        named: dict[str, str] = {}
        for axes in value:
            if axes not in AXIS_SETS:
                raise ValueError(f"{axes} is not a set of axes: use {', '.join(AXIS_SETS[:-1])} or {AXIS_SETS[-1]}")
            for axis in axes:
                if axis in named:
                    raise ValueError(
                        f"{named[axis]} and {axes} both contain axis {axis}: give it once (in a variant, null removes a key)"
                    )
                named[axis] = axes
        if not named:
            raise ValueError(f"contains no axis: write one number, or a mapping of axes such as {self.example}")
        if self.every and (left_out := [axis for axis in AXES if axis not in named]):
            raise ValueError(f"lacks axis {' and '.join(left_out)}: add it, {self.every}")
        return self._all_checked(value)

    def _all_checked(self, values: dict[str, Any]) -> dict[str, float]:
        found, problems = {}, []
        for axes, value in values.items():
            try:
                found[axes] = self.number.validate_python(value)
            except ValidationError as failure:
                problems.append(f"{axes}: " * bool(axes) + in_words(failure.errors()[0]))
        if problems:
            raise ValueError("; ".join(problems))
        return found


def along(value: float | Mapping[AxisSet, float], axis: str) -> float | None:
    """The value along one axis; None if there is none along it."""
    if isinstance(value, Mapping):
        return next((number for axes, number in value.items() if axis in axes), None)
    return value


def along_each(value: float | Mapping[AxisSet, float]) -> tuple[float, float, float]:
    """The values along x, y and z, where none may be left out."""
    x, y, z = (along(value, axis) for axis in AXES)
    assert x is not None
    assert y is not None
    assert z is not None
    return x, y, z


StiffnessByAxis = Annotated[
    Positive | dict[AxisSet, Positive],
    BeforeValidator(ByAxis(Positive, "{x: 0.01, yz: 0.02}", "a trap acts along each axis")),
]
