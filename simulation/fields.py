"""The table of every study field, written from the Study itself: `python -m simulation fields > config/README.md`."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from simulation.study import Section, Study

INTRODUCTION = """# Study files

One YAML file is one study; its file name is the study's name and the name of its folder under `results/`. A field left
out takes the default below, which is the paper's value. Numbers may be written in any way; a value of `kappa_ratios` keeps
its spelling, since it names a folder. Check a file without running it: `python -m simulation check NAME`. This page is
written by `python -m simulation fields`.
"""


def field_table() -> str:
    """All sections and fields of a study as Markdown."""
    top = [(name, info) for name, info in Study.model_fields.items() if name != "name"]
    parts = [INTRODUCTION, "## Top level\n", *_table((name, info) for name, info in top if _section(info) is None)]
    for name, info in top:
        section = _section(info)
        if section is not None:
            parts += [f"\n## `{name}`\n\n{section.__doc__}\n", *_table(_flat(section))]
    return "\n".join(parts) + "\n"


def _section(info: FieldInfo) -> type[Section] | None:
    kind = info.annotation
    return kind if isinstance(kind, type) and issubclass(kind, Section) else None


def _flat(
    section: type[BaseModel], prefix: str = "", default: BaseModel | None = None
) -> Iterator[tuple[str, FieldInfo]]:
    """Fields of a section, those of a section within it under dotted names and with its defaults."""
    for name, info in section.model_fields.items():
        inner = _section(info)
        if inner is not None:
            yield from _flat(inner, f"{prefix}{name}.", info.default)
        elif default is None:
            yield prefix + name, info
        else:
            yield prefix + name, FieldInfo(default=getattr(default, name), description=info.description)


def _table(fields: Iterator[tuple[str, FieldInfo]]) -> list[str]:
    return ["| field | default | meaning |", "|---|---|---|", *(_row(name, info) for name, info in fields)]


def _row(name: str, info: FieldInfo) -> str:
    value = info.default
    if isinstance(value, tuple):
        shown = f"`[{', '.join(str(entry) for entry in value)}]`"
    else:
        shown = "—" if value is None else "none" if value == {} else f"`{value}`"
    return f"| `{name}` | {shown} | {info.description} |"
