"""Working folders, empty and with a finished study."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.workflow.checkout import Checkout
from tests.workflow.work import RUNS, Work


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project that no test changes, in a folder that shells and Snakemake could misread."""
    return Checkout(tmp_path_factory.mktemp("project") / "it's {point} of $HOME κ").folder


@pytest.fixture
def work(project: Path, tmp_path: Path) -> Work:
    """A working folder with studies of its own beside that project."""
    return Work(project, tmp_path / "work")


@pytest.fixture(scope="module")
def done(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Work:
    """A working folder in which both runs of study `fast` are finished; tests work on copies."""
    work = Work(project, tmp_path_factory.mktemp("done") / "work")
    result = work.snakemake(*RUNS)
    assert result.returncode == 0, result.stdout + result.stderr
    return work


@pytest.fixture
def finished(done: Work, tmp_path: Path) -> Work:
    """A copy of that folder, with Snakemake's records and all times."""
    shutil.copytree(done.folder, tmp_path / "work", symlinks=True)
    return Work(done.project, tmp_path / "work")
