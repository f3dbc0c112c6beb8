"""The site of the documentation: `make docs` builds it into `build/site`, without a request to any other place."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "docs/_extensions")]

project = "nanofridge"
author = "the nanofridge developers"
html_title = "nanofridge"
copyright = "the nanofridge developers, MIT licence"

extensions = [
    "myst_nb",
    "mathml",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
]
# The source is the whole repository, so that links lead where they lead on disk; these are its pages.
root_doc = "docs/index"
pages = [
    "README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "config/README.md",
    "benchmarks/README.md",
    "reference/README.md",
]
include_patterns = [*pages, "docs/**"]
exclude_patterns = [".*", "results", "build", "docs/_extensions"]
myst_fence_as_directive = ["math"]
myst_enable_extensions = ["dollarmath", "colon_fence"]
myst_heading_anchors = 4
nb_execution_mode = "force"
nb_execution_raise_on_error = True
nb_execution_timeout = 300
nb_output_stderr = "remove"  # warnings of libraries

autosummary_generate = True
autodoc_typehints = "signature"
autodoc_member_order = "bysource"
autodoc_default_options = {"members": True, "show-inheritance": True}
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True

html_theme = "furo"
html_static_path = ["_static"]
html_css_files = ["site.css"]


def _plain(_app: Sphinx, _kind: str, _name: str, _object: Any, _options: Any, lines: list[str]) -> None:
    """Docstrings use | and * as mathematics does, and not as markup; within literals they stay as they are."""
    for number, line in enumerate(lines):
        parts = re.split(r"(``.*?``)", line)
        lines[number] = "".join(part if part.startswith("``") else re.sub(r"([|*])", r"\\\1", part) for part in parts)


def setup(app: Sphinx) -> None:
    """Register the hook on docstrings, before napoleon reads them."""
    app.connect("autodoc-process-docstring", _plain, priority=1)
