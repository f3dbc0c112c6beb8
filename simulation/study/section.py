"""What all sections of a study are made of: bounded numbers, refusal of unknown keys, and values that may differ by bath."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Discriminator, Field, Tag

Side = Literal["cold", "hot"]
SIDES = ("cold", "hot")

# Far outside anything physical, but near enough that no product of fields overflows.
Positive = Annotated[float, Field(ge=1e-9, le=1e9, allow_inf_nan=False)]
Finite = Annotated[float, Field(ge=-1e9, le=1e9, allow_inf_nan=False)]


class Section(BaseModel):
    """Common behaviour of all sections: unknown keys are refused, values cannot change after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


T = TypeVar("T")

ALIKE, BY_SIDE = "both baths", "by bath"
TAGS = (ALIKE, BY_SIDE)
"""Which of the two forms a value has; pydantic adds it to the place of an error."""


def _form(value: Any) -> str:
    return BY_SIDE if isinstance(value, dict) and not set(SIDES).isdisjoint(value) else ALIKE


def _both(value: Any) -> Any:
    """A mapping must name both baths; one that gives them the same is that value."""
    if _form(value) == ALIKE:
        return value
    if missing := [side for side in SIDES if side not in value]:
        raise ValueError(f"does not name the {missing[0]} bath: write both, as in {{cold: …, hot: …}}")
    return value["cold"] if value["cold"] == value["hot"] else value


PerSide = Annotated[
    Annotated[T, Tag(ALIKE)] | Annotated[dict[Side, T], Tag(BY_SIDE)], Discriminator(_form), AfterValidator(_both)
]
"""One value for both baths, or a mapping `{cold: …, hot: …}`."""


def of_side(value: T | dict[Side, T], side: str) -> T:
    """The value that one bath has."""
    if not isinstance(value, dict):
        return value
    return value["cold"] if side == "cold" else value["hot"]
