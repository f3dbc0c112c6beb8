"""The fields of a study for users and editors: `config/README.md` and `config/schema.json`, both from the JSON schema."""

from __future__ import annotations

import ast
import inspect
import json
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from simulation.study import materials
from simulation.study.fields import Study
from simulation.study.section import Section

INTRODUCTION = """# Study files

A study is one YAML file. Its file name is the name of the study and of its folder under `results/`. Files are searched for
first in `config/` of the working directory, then in this folder. Omitted fields and empty sections take the defaults below.
Where the paper states a value, it is the default, except for `sample_every_ps` (the paper: 1 ps) and `kappa_ratios` (four of
the paper's values). The amount of fluid has no default. In a variant, `null` removes a field. The name of a study consists of
letters, digits, `_` and `-`, that of a variant of lower-case letters, digits, `.`, `_` and `-`.

Numbers may be written as `0.001` or `1e-3`, whole numbers as `25280`. Values of `kappa_ratios` and `forces_nN` keep their
spelling, because they name folders: a plain number of at most 24 characters, such as `4.80`, `-0.5` or `1e-1`.

`python -m simulation check NAME` checks a file without running it.
[docs/how-to/what-reruns.md](../docs/how-to/what-reruns.md) lists which change reruns what.
This page and `schema.json`, with which editors check study files, are written by
`python -m simulation fields` and `python -m simulation schema`.

A file that has the field `machine` is a study of another kind: [Studies of machines](#studies-of-machines), below.
"""


def schema() -> dict[str, Any]:
    """The JSON schema of a study file."""
    whole = schema_of(Study)
    del whole["properties"]["name"]  # name of the file
    whole["required"] = [field for field in whole.get("required", []) if field != "name"]
    return whole


def schema_of(top: type[Section]) -> dict[str, Any]:
    """The JSON schema of a section and its subsections, with the meaning of each field."""
    whole = top.model_json_schema()
    classes = {each.__name__: each for each in _kinds(Section)}
    for name, section in ((top.__name__, whole), *whole.get("$defs", {}).items()):
        meanings = _meanings(classes[name])
        for field, content in section["properties"].items():
            meaning = {"description": meanings[field]} if field in meanings else {}
            section["properties"][field] = dict(sorted((content | meaning).items()))
    return whole


def _kinds(section: type[Section]) -> Iterator[type[Section]]:
    for kind in section.__subclasses__():
        yield kind
        yield from _kinds(kind)


def _meanings(section: type[Section]) -> dict[str, str]:
    """The docstring below each field of a section, by name. Pydantic could read them too, but at every load of a study."""
    found: dict[str, str] = {}
    for kind in reversed(section.__mro__):
        if issubclass(kind, Section) and kind is not Section:
            (definition,) = ast.parse(inspect.getsource(kind)).body
            assert isinstance(definition, ast.ClassDef)
            found |= _told_below(definition.body)
    return found


def _told_below(statements: list[ast.stmt]) -> dict[str, str]:
    """The docstring below each annotated name."""
    return {
        name.target.id: inspect.cleandoc(ast.literal_eval(text.value))
        for name, text in pairwise(statements)
        if isinstance(name, ast.AnnAssign) and isinstance(text, ast.Expr) and isinstance(name.target, ast.Name)
    }


def schema_text() -> str:
    """`schema` as the text of the file."""
    return json.dumps(schema(), indent=1, ensure_ascii=False) + "\n"


def field_table() -> str:
    """All sections and fields of a study as Markdown."""
    whole = schema()
    definitions, top = whole["$defs"], whole["properties"]
    sections = {name: _section(field, definitions) for name, field in top.items()}
    parts = [INTRODUCTION, "## Top level\n", *_table((n, f) for n, f in top.items() if sections[n] is None)]
    for name, section in sections.items():
        if section is not None:
            parts += [f"\n## `{name}`\n\n{section['description']}\n", *_table(_flat(section, definitions))]
    return "\n".join([*parts, *_materials()]) + "\n"


def _materials() -> list[str]:
    """The library of materials, with its sources."""
    sources = _told_below(ast.parse(inspect.getsource(materials)).body)
    lines = ["\n## Materials by name\n"]
    for title, known, name in (("Fluids", materials.FLUIDS, "FLUIDS"), ("Metals", materials.METALS, "METALS")):
        columns = ["mass_u", "epsilon_eV", "sigma_A", *(["lattice_A"] if name == "METALS" else [])]
        lines += [
            f"{title}: {sources[name]}\n",
            f"| name | symbol | {' | '.join(columns)} |",
            "|---" * (len(columns) + 2) + "|",
        ]
        lines += [
            f"| `{key}` | {species.symbol} | {' | '.join(f'{getattr(species, column):g}' for column in columns)} |"
            for key, species in known.items()
        ]
        lines.append("")
    return lines[:-1]


def _section(field: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any] | None:
    """The section of a field, if it is one."""
    reference = field.get("$ref")
    section: dict[str, Any] | None = definitions[reference.rpartition("/")[2]] if reference else None
    return section


def _flat(
    section: dict[str, Any], definitions: dict[str, Any], prefix: str = "", defaults: dict[str, Any] | None = None
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Fields of a section; those of a subsection with dotted names and its defaults."""
    for name, field in section["properties"].items():
        inner = _section(field, definitions)
        if inner is not None:
            yield from _flat(inner, definitions, f"{prefix}{name}.", field.get("default"))
        else:
            yield prefix + name, field if defaults is None else field | {"default": defaults[name]}


def _table(fields: Iterator[tuple[str, dict[str, Any]]]) -> list[str]:
    return ["| field | default | meaning |", "|---|---|---|", *(_row(name, field) for name, field in fields)]


def _row(name: str, field: dict[str, Any]) -> str:
    value = field.get("default")
    if isinstance(value, list):
        shown = f"`[{', '.join(str(entry) for entry in value)}]`"
    elif isinstance(value, bool):
        shown = f"`{value}`".lower()
    else:
        shown = "—" if value is None else "none" if value == {} else f"`{value}`"
    return f"| `{name}` | {shown} | {field['description']} |"
