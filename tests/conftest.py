"""Which tests begin first, and what none leaves to the next."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

LONGEST = (
    "cluster/test_slurm.py",
    "workflow/test_kills.py",
    "workflow/test_tiny_study.py",
    "unit/test_any_study.py",
    "md/test_ranks.py",
    "workflow/test_workflow_edges.py",
    "workflow/test_stale_results.py",
    "md/test_demon_in_lammps.py",
    "unit/test_analysis_performance.py",
    "workflow/test_docs.py",
)
"""Files of about a minute or more. Workers take whole files, in this order: one that is left to the end keeps the rest idle."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put these files first; the order within each, and of all others, stays."""
    place = {Path(__file__).parent / name: number for number, name in enumerate(LONGEST)}
    items.sort(key=lambda item: place.get(item.path, len(place)))


@pytest.fixture(autouse=True)
def _forget_modules(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A module that a test wrote, such as a controller, is not found in place of the next test's of the same name."""
    yield
    written = str(tmp_path_factory.getbasetemp().resolve())
    for name, module in list(sys.modules.items()):
        if (getattr(module, "__file__", None) or "").startswith(written):
            del sys.modules[name]
