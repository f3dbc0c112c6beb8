"""Common parts of all sections of a study: bounded numbers, rejection of unknown keys, and values that may differ by bath."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Discriminator, Field, Tag

Side = Literal["cold", "hot"]
SIDES = ("cold", "hot")

# Far outside anything physical, but near enough that no product of fields overflows.
Positive = Annotated[float, Field(ge=1e-9, le=1e9, allow_inf_nan=False)]
Finite = Annotated[float, Field(ge=-1e9, le=1e9, allow_inf_nan=False)]


class Section(BaseModel):
    """Common behaviour of all sections: unknown keys are rejected, values cannot change after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


T = TypeVar("T")

ALIKE, BY_SIDE = "both baths", "by bath"
TAGS = (ALIKE, BY_SIDE)
"""The two forms of a value; pydantic adds the form to the location of an error."""


def _form(value: Any) -> str:
    return BY_SIDE if isinstance(value, dict) and not set(SIDES).isdisjoint(value) else ALIKE


def _both(value: Any) -> Any:
    """A mapping must give both baths; a mapping with equal values is that value."""
    if _form(value) == ALIKE:
        return value
    if missing := [side for side in SIDES if side not in value]:
        raise ValueError(f"lacks the {missing[0]} bath: write both, as in {{cold: …, hot: …}}")
    return value["cold"] if value["cold"] == value["hot"] else value


PerSide = Annotated[
    Annotated[T, Tag(ALIKE)] | Annotated[dict[Side, T], Tag(BY_SIDE)], Discriminator(_form), AfterValidator(_both)
]
"""One value for both baths, or a mapping `{cold: …, hot: …}`."""


def of_side(value: T | dict[Side, T], side: str) -> T:
    """The value for one bath."""
    if not isinstance(value, dict):
        return value
    return value["cold"] if side == "cold" else value["hot"]
