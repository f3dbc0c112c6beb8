"""The fields of studies of machines: their part of `config/README.md`, and `config/machine-schema.json`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from simulation.study.machines.files import KINDS
from simulation.study.machines.sections import Times, Values
from simulation.study.table import schema_of

INTRODUCTION = """
# Studies of machines

A file with the field `machine` is a study of an exactly solved machine
([docs/explanation/mechanisms.md](../docs/explanation/mechanisms.md)). There is no simulation.
`snakemake --cores 1 --config study=NAME` solves the machine at every value of `sweep` and writes `results/NAME/sweep.csv`,
figures and `report.html`. The parameters of the machine are at the top level of the file:

```yaml
machine: n-demon
levels_hot: [1, 2]
levels_cold: [1.5, 1.25]
temperature_hot: 1
chemical_potential: 1
sweep: {parameter: temperature_cold, first: 0.3, last: 0.99, points: 70}
lines: {parameter: drive, values: [0.1, 0.3, 1]}
```

A parameter within a section or a list is named with dots, such as `levels_cold.1` or `reservoirs.hot.temperature`; lists
count from 0. A swept parameter may be omitted from the file. `machine-schema.json` is for editors; it is written by
`python -m simulation schema --machines`.
"""


def machine_schema() -> dict[str, Any]:
    """The JSON schema of a study file that names a machine."""
    kinds: list[dict[str, Any]] = []
    definitions: dict[str, Any] = {}
    for fields in KINDS.values():
        whole = schema_of(fields)
        definitions |= whole.pop("$defs", {})
        kinds.append(whole)
    return {"$defs": dict(sorted(definitions.items())), "oneOf": kinds}


def machine_schema_text() -> str:
    """`machine_schema`, as the file holds it."""
    return json.dumps(machine_schema(), indent=1, ensure_ascii=False) + "\n"


def machine_table() -> str:
    """All machines and their fields as Markdown."""
    parts = [INTRODUCTION]
    for title, section in (("`sweep` and `lines`", Values), ("`evolution`", Times)):
        whole = schema_of(section)
        parts += [f"\n## {title}\n\n{whole['description']}\n", *_table(whole, {})]
    for name, fields in KINDS.items():
        whole = schema_of(fields)
        parts += [f"\n## Machine `{name}`\n\n{whole['description']}\n", *_table(whole, whole["$defs"])]
    return "\n".join(parts) + "\n"


def _table(section: dict[str, Any], definitions: dict[str, Any]) -> list[str]:
    rows = [row for row in _rows(section, definitions) if row[0] not in ("machine", "lines", "sweep")]
    return ["| field | default | meaning |", "|---|---|---|", *(f"| `{n}` | {d} | {m} |" for n, d, m in rows)]


def _rows(section: dict[str, Any], definitions: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, str, str]]:
    """Name, default and meaning of each field, those of a section within it under dotted names."""
    required = section.get("required", [])
    for name, field in section["properties"].items():
        default = field.get("default")
        shown = "required" if name in required else "—" if default in (None, [], {}) else f"`{default}`"
        yield prefix + name, shown, field["description"]
        if name not in ("sweep", "lines"):
            for step, inner in _inner(field, name, definitions):
                yield from _rows(inner, definitions, f"{prefix}{step}.")


def _inner(field: dict[str, Any], name: str, definitions: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Sections that a field holds: one, a list of them, or several by name."""
    for content in (field, *field.get("anyOf", [])):
        if "$ref" in content:
            yield name, definitions[content["$ref"].rpartition("/")[2]]
        places = (
            (f"{name}.0", content.get("items")),
            (f"{name}.NAME", content.get("additionalProperties")),
            (f"{name}.NAME", next(iter(content.get("patternProperties", {}).values()), None)),
        )
        for step, place in places:
            for option in (place, *place.get("anyOf", [])) if isinstance(place, dict) else ():
                if "$ref" in option:
                    yield step, definitions[option["$ref"].rpartition("/")[2]]
