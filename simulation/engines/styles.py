"""LAMMPS styles used by a deck, and those missing in a build of LAMMPS."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

_NAMED_AT = {
    "atom_style": 1,
    "bond_style": 1,
    "compute": 3,
    "dump": 3,
    "fix": 3,
    "pair_style": 1,
    "region": 2,
}
"""Position of the style in a command, by command."""

_PACKAGES = {
    "atom bond": "MOLECULE",
    "bond fene": "MOLECULE",
    "bond harmonic": "MOLECULE",
    "fix temp/csvr": "EXTRA-FIX",
    "pair eam": "MANYBODY",
    "pair eam/alloy": "MANYBODY",
    "pair eam/fs": "MANYBODY",
}
"""Packages of the styles that are not in the core of LAMMPS, if known here."""


FRAMES = "frames"
"""The variable of parts/trajectory.lmp.j2 for the format of the frames: `dcd` unless it was set to `text` before."""


class Style(NamedTuple):
    """A style, such as `nvt` of category `fix`."""

    category: str
    name: str

    def __str__(self) -> str:
        text = f"{self.category} {self.name}"
        return f"{text} (package {_PACKAGES[text]})" if text in _PACKAGES else text


def styles_of(decks: Iterable[str]) -> list[Style]:
    """The styles that decks use, each once, sorted.

    Styles within the command `if` are not included, because such a deck has an alternative. Of a hybrid pair style the
    sub-styles named in its coefficients are included.
    """
    found = set()
    for deck in decks:
        hybrid = False
        for line in deck.replace("&\n", " ").splitlines():
            words = line.split("#")[0].split()
            if not words:
                continue
            if (place := _NAMED_AT.get(words[0])) is not None and len(words) > place:
                found.add(Style(words[0].removesuffix("_style"), words[place]))
                hybrid = words[place].startswith("hybrid") if words[0] == "pair_style" else hybrid
            elif words[0] == "pair_coeff" and hybrid and len(words) > 3 and words[3] != "none":
                found.add(Style("pair", words[3]))
    return sorted(found)


def missing_styles(lmp: Any, decks: Iterable[str]) -> list[Style]:
    """The styles that decks use and a running LAMMPS does not have."""
    return [style for style in styles_of(decks) if not lmp.has_style(*style)]
