"""Text files are UTF-8 in every locale."""

import re

from tests.workflow.checkout import ROOT

SOURCES = [
    *(
        file
        for folder in ("analysis", "benchmarks", "simulation", "workflow")
        for file in (ROOT / folder).rglob("*.py")
    ),
    *(ROOT / "workflow").rglob("*.smk"),
    ROOT / "Snakefile",
]


def test_every_text_file_names_its_encoding() -> None:
    """No text is read or written in the encoding of the locale; ruff's PLW1514 sees only paths whose type it can infer."""
    silent = []
    for file in SOURCES:
        text = file.read_text(encoding="utf-8")
        for call in re.finditer(r"\.(?:read|write)_text\(", text):
            end, depth = call.end(), 1
            while depth:
                depth += {"(": 1, ")": -1}.get(text[end], 0)
                end += 1
            if "encoding=" not in text[call.end() : end]:
                silent.append(f"{file.relative_to(ROOT)}:{text.count(chr(10), 0, call.start()) + 1}")
    assert not silent
