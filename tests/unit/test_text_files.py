"""Text files are UTF-8 in every locale, and have no trace of the machine on which they were written."""

import json
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


def test_notebooks_keep_no_warnings_of_the_machine_that_ran_them() -> None:
    """The outputs that are committed are results; a warning names folders of one installation."""
    notebooks = sorted((ROOT / "docs/notebooks").glob("*.ipynb"))
    assert notebooks
    for file in notebooks:
        cells = json.loads(file.read_text(encoding="utf-8"))["cells"]
        outputs = [output for cell in cells for output in cell.get("outputs", [])]
        assert outputs, file.name
        assert not [output["text"] for output in outputs if output.get("name") == "stderr"], file.name
