"""Archived run folders: a fraction of the size, the same numbers, and never one run in the place of another."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from analysis.heat import point_summary
from analysis.runs import load_runs
from simulation.archive import archive
from tests.unit.synthetic import Truth, write_runs


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """A study with two finished runs of one point."""
    for folder in write_runs(tmp_path / "results", Truth(sample_interval=0.5), 400.0, 2, seed=1):
        mark(folder, "first")
    return tmp_path / "results"


def mark(folder: Path, fingerprint: str) -> None:
    """Give a run folder a fingerprint."""
    content = json.loads((folder / "run.json").read_text())
    (folder / "run.json").write_text(json.dumps(content | {"fingerprint": fingerprint}))


def test_archive_keeps_what_is_measured(results: Path, tmp_path: Path) -> None:
    """Heats from the archive are those of the runs, to the seventh digit; copies made once are not made again."""
    copies = list(archive(results, tmp_path / "archive"))
    sources = [results / copy.relative_to(tmp_path / "archive") for copy in copies]
    assert len(copies) == 2
    ours, theirs = point_summary(load_runs(sources)), point_summary(load_runs(copies))
    for side in ("cold", "hot"):
        for key in (f"heat_{side}_eV_per_ns", f"heat_{side}_se"):
            assert theirs[key] == pytest.approx(ours[key], rel=1e-4)
    size = [sum((folder / "series.parquet").stat().st_size for folder in folders) for folders in (sources, copies)]
    assert size[1] < 0.6 * size[0]
    assert not list(archive(results, tmp_path / "archive"))


def test_archive_holds_one_run_in_each_place(results: Path, tmp_path: Path) -> None:
    """A run of other parameters is refused; a longer one of the same takes the place of the shorter."""
    list(archive(results, tmp_path / "archive"))
    run = results / "sweep/kH_4.80/replica_2"
    content = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps(content | {"duration_ps": 800.0}))
    assert [copy.name for copy in archive(results, tmp_path / "archive")] == ["replica_2"]
    mark(run, "second")
    with pytest.raises(ValueError, match="run of other parameters"):
        list(archive(results, tmp_path / "archive"))


def test_nothing_to_archive_is_said(tmp_path: Path) -> None:
    """A study without finished runs is an error with its cure."""
    with pytest.raises(ValueError, match="no finished run: run the study first"):
        list(archive(tmp_path, tmp_path / "archive"))
