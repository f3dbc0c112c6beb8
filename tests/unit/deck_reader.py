"""Decks read back as LAMMPS would: what acts on which types of atoms, and what each variable comes to.

Tests compare this with the study, so that they state the physics and not the spelling of a template.
"""

from __future__ import annotations

import math
import re
import zlib
from collections.abc import Callable
from typing import Any

Quantity = tuple[str, frozenset[int], tuple[Any, ...]]
"""What a compute or a fix is: its style, the types that it looks at, its arguments, computes among them resolved."""
World = Callable[..., float]
"""A value for each quantity: style, types, arguments, and which of its values where there are several."""

ALL_TYPES = frozenset(range(1, 7))
FUNCTIONS: dict[str, Any] = {
    "sqrt": math.sqrt,
    "round": round,
    "floor": math.floor,
    "cos": math.cos,
    "sin": math.sin,
}


def some_world(style: str, types: frozenset[int], arguments: tuple[Any, ...] = (), index: int = 0) -> float:
    """A number for each quantity that no other one has, between 1 and 2."""
    key = repr((style, sorted(types), arguments, index))
    return 1 + zlib.crc32(key.encode()) / 2**32


def _chosen(line: str) -> list[str]:
    """A line, or the statements that it chooses."""
    match = re.match(r'if +"\$\{frames\} == dcd" then (.*) else ', line)
    return [line] if match is None else re.findall(r'"([^"]*)"', match[1])


class Deck:
    """A deck as the words of its statements, in order; what stands in `$(…)` is worked out where it can be.

    Where a deck chooses how to write frames, it is as DCD.
    """

    def __init__(self, text: str) -> None:
        joined = re.sub(r"&[ \t]*\n", " ", text)
        bare = [statement for line in joined.splitlines() for statement in _chosen(re.sub(r"#.*", "", line))]
        self.statements: list[list[str]] = []
        self.groups: dict[str, frozenset[int]] = {"all": ALL_TYPES}
        self.variables: dict[str, str] = {}
        self.atom_variables: dict[str, str] = {}
        self._quantities: dict[str, list[str]] = {}
        for line in bare:
            words = re.sub(r"\$\(([^$]*?)\)(?=\s|$)", self._worked_out, line).split()
            if words:
                self.statements.append(words)
                self._take_note(words)

    def _worked_out(self, found: re.Match[str]) -> str:
        try:
            return repr(float(self.value(found[1])))
        except (LookupError, SyntaxError, NameError):
            return found[0]

    def _take_note(self, words: list[str]) -> None:
        match words:
            case ["variable", name, "equal", *formula]:
                self.variables[name] = " ".join(formula)
            case ["variable", name, "atom", *formula]:
                self.atom_variables[name] = " ".join(formula)
            case ["group", name, "type", *types]:
                self.groups[name] = frozenset(map(int, types))
            case ["compute", name, *rest]:
                self._quantities[f"c_{name}"] = rest
            case ["fix", name, *rest]:
                self._quantities[f"f_{name}"] = rest
            case ["unfix", name]:
                del self._quantities[f"f_{name}"]

    # --- statements ---------------------------------------------------------------------------------------------------

    def all(self, *first: str) -> list[list[str]]:
        """The words that follow, for every statement that begins with these."""
        return [words[len(first) :] for words in self.statements if tuple(words[: len(first)]) == first]

    def one(self, *first: str) -> list[str]:
        """The words that follow, for the only statement that begins with these."""
        found = self.all(*first)
        assert len(found) == 1, f"{len(found)} statements {' '.join(first)}"
        return found[0]

    def place(self, *first: str) -> int:
        """Where the only statement lies that begins with these words."""
        self.one(*first)
        return next(n for n, words in enumerate(self.statements) if tuple(words[: len(first)]) == first)

    def fixes(self, *styles: str) -> dict[str, tuple[frozenset[int], list[str]]]:
        """Types and arguments of each fix of these styles, by name."""
        found = [words for words in self.all("fix") if words[2] in styles]
        return {words[0]: (self.groups[words[1]], words[3:]) for words in found}

    def numbers(self, *first: str) -> list[float]:
        """The words that follow, as numbers."""
        return [float(word) for word in self.one(*first)]

    # --- values -------------------------------------------------------------------------------------------------------

    def quantity(self, reference: str) -> tuple[Quantity, int]:
        """What `c_name`, `f_name` or `c_name[n]` is, and which of its values."""
        match = re.fullmatch(r"([cf]_\w+?)(?:\[(\d+)\])?", reference)
        assert match is not None, reference
        name, index = match[1], int(match[2] or 0)
        group, style, *arguments = self._quantities[name]
        if style == "reduce":
            operation, *inputs = arguments
            return (style, self.groups[group], (operation, self._resolved(inputs[max(index, 1) - 1]))), 0
        return (style, self.groups[group], tuple(map(self._resolved, arguments))), index

    def _resolved(self, argument: str) -> Any:
        return self.quantity(argument) if re.match(r"c_\w+", argument) else argument

    def variable(self, name: str, world: World = some_world) -> float:
        """What an equal-style variable comes to."""
        return float(self.value(self.variables[name], world))

    def value(self, formula: str, world: World | None = None, **names: Any) -> Any:
        """What a formula comes to; without a world it may ask for nothing but variables."""

        def reference(found: re.Match[str]) -> str:
            kind, name = found[1], found[2]
            if kind == "v":
                if name in self.atom_variables:
                    return f"({self.value(self.atom_variables[name], world, **names)!r})"
                return f"({self.value(self.variables[name], world, **names)!r})"
            if world is None:
                raise LookupError(found[0])
            (style, types, arguments), index = self.quantity(found[0])
            return f"({world(style, types, arguments, index)!r})"

        def of_group(found: re.Match[str]) -> str:
            if world is None:
                raise LookupError(found[0])
            function, group, argument = found.groups()
            return f"({world(function, self.groups[group], (argument,) if argument else ())!r})"

        text = re.sub(r"\b(vcm|xcm|count)\((\w+)(?:,(\w+))?\)", of_group, formula)
        text = re.sub(r"\b([cfv])_(\w+)(?:\[\d+\])?", reference, text)
        return eval(text.replace("^", "**"), {"__builtins__": {}}, FUNCTIONS | names)
