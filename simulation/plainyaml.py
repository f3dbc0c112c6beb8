"""YAML as plain texts, lists and mappings, without its traps.

These are keys given twice, of which YAML silently takes one, and anchors, by which a short file stands for billions of values.
"""

from __future__ import annotations

from typing import Any

import yaml


class PlainYamlError(ValueError):
    """The text cannot be read as plain YAML; the message says why and on which line."""


class _Loader(yaml.BaseLoader):
    """BaseLoader, whose scalars stay texts and whose tags make no objects; it refuses anchors and notes repeated keys."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.repeated: list[str] = []

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            line = event.start_mark.line + 1
            raise PlainYamlError(f"line {line}: anchors (&) and aliases (*) are not read: write the value out")
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: dict[str, int] = {}
        for key, _ in node.value:
            line = key.start_mark.line + 1
            if isinstance(key.value, str) and seen.setdefault(key.value, line) != line:
                self.repeated.append(
                    f"line {line}: {key.value!r} was given on line {seen[key.value]} already: keep one"
                )
        return super().construct_mapping(node, deep)


def read_plain(text: str) -> tuple[Any, list[str]]:
    """The content of a YAML text, and one sentence for each key that its mapping gives twice.

    Raises:
        PlainYamlError: it is no YAML, has anchors, or is nested beyond reason.
    """
    try:
        loader = _Loader(text)
        return loader.get_single_data(), loader.repeated
    except yaml.YAMLError as failure:
        raise PlainYamlError(f"not valid YAML: {' '.join(str(failure).split())}") from None
    except RecursionError:
        raise PlainYamlError("nested too deeply") from None
