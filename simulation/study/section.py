"""Common parts of all sections of a study: bounded numbers, rejection of unknown keys, and values that may differ by bath."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)
from pydantic_core import ErrorDetails

Side = Literal["cold", "hot"]
SIDES = ("cold", "hot")

# Far outside anything physical, but near enough that no product of fields overflows.
Positive = Annotated[float, Field(ge=1e-9, le=1e9, allow_inf_nan=False)]
Finite = Annotated[float, Field(ge=-1e9, le=1e9, allow_inf_nan=False)]


class Section(BaseModel):
    """Common behaviour of all sections: unknown keys are rejected, values cannot change after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


_WORDS = {
    "bool": "write true or false",
    "float": "write a number",
    "int": "write a whole number",
    "string": "write a single word or number, without brackets",
}
"""What to write, by the first word of pydantic's names of errors about types."""


def in_words(error: ErrorDetails) -> str:
    """What to write in place of a value that pydantic refused."""
    if error["type"] == "too_long":
        return f"write a list of {error['ctx']['max_length']} entries, not {error['ctx']['actual_length']}"
    if error["type"] == "finite_number":
        return "write a finite number"
    kind, _, about = error["type"].partition("_")
    if kind in _WORDS and about in ("type", "parsing", "from_float", "parsing_size"):
        return _WORDS[kind]
    return error["msg"].removeprefix("Value error, ")


def or_say(cure: str) -> WrapValidator:
    """Say this of any value that is refused: a regular expression or the name of a type tells no user what to write."""

    def validated(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
        try:
            return handler(value)
        except ValidationError:
            raise ValueError(cure) from None

    return WrapValidator(validated)


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
