"""Custom interactions: a LAMMPS template in place of the Lennard-Jones forces, its fields in a study, and its checks."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from pydantic import Field

from simulation.study.places import find, folders
from simulation.study.section import Positive, Section, or_say

PARTS = Path(__file__).resolve().parents[2] / "lammps_templates"

FileName = Annotated[
    str,
    Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._+-]*$", max_length=100),
    or_say("give the name of a file next to the study, without folder: letters, digits, and . _ + - after the first"),
]
Term = Annotated[
    str,
    Field(pattern=r"^[cfv]_\w*\{side\}\w*(\[\d+\])?$"),
    or_say(
        "name a compute, fix or variable of each side as LAMMPS refers to it, such as c_field_{side} or f_pull_{side}[1]"
    ),
]


class Interactions(Section):
    """Forces from a custom LAMMPS template, in place of Lennard-Jones: docs/how-to/interactions.md."""

    template: FileName | None = None
    """File next to the study with pair styles and coefficients of the six types, such as `copper_eam.lmp.j2`."""
    files: tuple[FileName, ...] = ()
    """Files next to the study that the template reads, such as potentials; their content is part of the identity of a run."""
    range_A: Positive | None = None
    """Range of the widest force; required with a template."""
    contact_A: Positive | None = None
    """Contact distance of fluid and metal, in place of the σ between them; required with a template."""
    energy_terms: tuple[Term, ...] = ()
    """Energies (eV) of each side besides kinetic and pair energy, such as `f_field_{side}`; the first law includes them."""
    work_terms: tuple[Term, ...] = ()
    """Work (eV) done by the template on the particle of each side, such as `v_push_{side}`; the first law subtracts it."""

    def paths(self) -> dict[str, Path]:
        """Paths of the files that the template reads, by name.

        Raises:
            FileNotFoundError: one is missing, which cannot happen for a checked study.
        """
        found = {name: find(name) for name in self.files}
        if missing := [name for name, path in found.items() if path is None]:
            raise FileNotFoundError(_missing("files", missing[0]))
        return {name: path for name, path in found.items() if path is not None}

    def problems(self, **context: object) -> list[str]:
        """All reasons why the interactions cannot be used, with cures.

        Args:
            context: names that the template can use.
        """
        others = [name for name in type(self).model_fields if name != "template" and getattr(self, name)]
        if self.template is None:
            return [f"interactions.{name} belongs to a template: add interactions.template" for name in others]
        found = [
            f"interactions.{name} is missing: it is required with a template"
            for name in ("range_A", "contact_A")
            if getattr(self, name) is None
        ]
        found += [_missing("files", name) for name in self.files if find(name) is None]
        path = find(self.template)
        return [*found, *([_missing("template", self.template)] if path is None else _problems_of(path, context))]


def _missing(field: str, name: str) -> str:
    return f"interactions.{field}: there is no file {name} in {' or '.join(map(str, folders()))}: put it there"


def _problems_of(template: Path, context: dict[str, object]) -> list[str]:
    name = f"interactions.template {template.name}"
    try:
        environment = Environment(loader=FileSystemLoader(PARTS), undefined=StrictUndefined)
        text = environment.from_string(template.read_text(encoding="utf-8")).render(context)
    except Exception as failure:  # its expressions are Python and may raise anything, such as a ZeroDivisionError
        why = " ".join(str(failure).split()) or type(failure).__name__
        return [f"{name} cannot be rendered: {why}: correct it; it can use {', '.join(context)}"]
    commands = {line.split()[0] for line in text.splitlines() if line.split()}
    return [
        f"{name} has no {command}: it must define all forces between atoms"
        for command in ("pair_style", "pair_coeff")
        if command not in commands
    ]
