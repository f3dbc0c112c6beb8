"""Archived run folders: a fraction of the size, the same numbers, and never one run in the place of another."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from analysis.drag import load_drag_runs
from analysis.heat import point_summary
from analysis.runs import load_run, load_runs
from simulation import plan
from simulation.archive import archive, unpack
from simulation.drag import drag_runs
from simulation.studyfile import check_study, load_study
from tests.unit.synthetic import Truth, write_runs

ROOT = Path(__file__).resolve().parents[2]


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


def test_an_archived_run_serves_only_its_own_study(tmp_path: Path) -> None:
    """A study that was changed since takes nothing from the archive: every changed field is named, and nothing is copied."""
    source = ROOT / "reference/reference/sweep/kH_4.80/replica_1"
    settings = json.loads((source / "run.json").read_text())["settings"]
    same = settings | {"demon": settings["demon"] | {"kappa_ratios": ["4.80"]}, "drag": {"forces_nN": []}, "ranks": 2}
    unpack(source, tmp_path / "same", check_study("reference", without_name(same)))
    assert (tmp_path / "same/series.parquet").read_bytes() == (source / "series.parquet").read_bytes()
    other = same | {
        "baths": settings["baths"] | {"edge_nm": 8.0},
        "schedule": settings["schedule"] | {"sweep_ns": 2.0, "friction_ns": 9.0},
    }
    with pytest.raises(
        ValueError, match=r"baths.edge_nm = 6.5 \(the study says 8.0\), schedule.sweep_ns = 1.0 .*name of its own"
    ):
        unpack(source, tmp_path / "other", check_study("reference", without_name(other)))
    assert not (tmp_path / "other").exists()


def test_the_shipped_runs_are_all_that_their_study_needs(tmp_path: Path) -> None:
    """`snakemake reference` simulates nothing: every run of its study is there, whole, and of the study's parameters."""
    study = load_study("reference")
    runs = [*plan.friction_runs(study), *(run for point in plan.points(study) for run in plan.point_runs(study, point))]
    drags = drag_runs(study)
    for folder in [run.folder for run in runs] + [drag.folder for drag in drags]:
        unpack(ROOT / "reference" / folder, tmp_path / folder, study)
    # Reading checks the series against their checksums and lengths.
    for run in runs:
        assert load_run(tmp_path / run.folder / "run.json").duration == run.duration_ps
    assert sum(map(len, load_drag_runs(tmp_path / drag.folder / "run.json" for drag in drags))) == len(drags)


def without_name(settings: dict[str, Any]) -> dict[str, Any]:
    """As a study file has them."""
    return {key: value for key, value in settings.items() if key != "name"}
