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


def pytest_addoption(parser: pytest.Parser) -> None:
    """Long tests are run only if asked for."""
    parser.addoption("--long", action="store_true", help="run the long tests, too (alone: --long -m long)")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out long tests without --long, and put the longest files first; the order within each, and of others, stays."""
    if not config.getoption("--long"):
        left_out = [item for item in items if item.get_closest_marker("long")]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]
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
