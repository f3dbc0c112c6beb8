"""Damage to what a long run keeps on disk: the same command makes it good, to the same bytes, with no more work than needed."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from simulation.engines.ranks import Ranks
from simulation.perform import perform
from simulation.segments import complete
from simulation.segments.checkpoint import IDENTITY, RECORD, Segments
from simulation.segments.piece import run_piece
from simulation.segments.stop import TimeLimit
from simulation.storage.files import (
    DEMON,
    LOG,
    RESTART,
    RUN,
    SERIES,
    TOPOLOGY,
    TRAJECTORY,
    TRAJECTORY_TEXT,
    checksum,
    digest,
)
from simulation.study.fields import Study
from tests.md.conftest import has_style, machine, segments_in, started_for, thin_study

pytestmark = pytest.mark.md

SEGMENTS = 14
KEPT = {0, 10, 12, 13}
"""Segments whose restart files are there at the end: every tenth, and the newest two."""
WRITTEN = (SERIES, TRAJECTORY, TOPOLOGY)  # of the run folder, what holds no times of day


def long_study(**sections: Any) -> Study:
    """14 segments of 50 steps, one of them of relaxation; a controller with random numbers, whose memory a rebuild needs."""
    return thin_study(
        demon={"controller": "tests.md.controllers:Noisy"},
        schedule={"sweep_ns": 0.0026, "friction_ns": 0.0026},
        **sections,
    )


@pytest.fixture(scope="module")
def finished(thin_start: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder, undisturbed."""
    folder = tmp_path_factory.mktemp("finished")
    perform(machine(long_study()), folder, Ranks(1), thin_start)
    return folder


@pytest.fixture
def copy(finished: Path, tmp_path: Path) -> Path:
    """A copy of it that may be damaged, and has lost its series, so that it is looked at again."""
    shutil.copytree(finished, tmp_path / "run")
    (tmp_path / "run" / SERIES).unlink()
    return tmp_path / "run"


@pytest.fixture
def again(
    copy: Path, thin_start: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[[], tuple[list[int], str]]:
    """Gives the same command again: which segments were run, in order, and what was said."""
    real = run_piece

    def give() -> tuple[list[int], str]:
        ran: list[int] = []

        def counting(experiment: Any, piece: Any, *arguments: Any, **options: Any) -> dict[str, Any]:
            ran.append(piece.index)
            return real(experiment, piece, *arguments, **options)

        monkeypatch.setattr(complete, "run_piece", counting)
        capsys.readouterr()
        perform(machine(long_study()), copy, Ranks(1), thin_start)
        return ran, capsys.readouterr().err

    return give


def flip(file: Path) -> None:
    """Flip one bit in the middle of a file."""
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


def truncate(file: Path) -> None:
    """Leave half of a file."""
    os.truncate(file, file.stat().st_size // 2)


def assert_same(folder: Path, other: Path) -> None:
    """Series, atoms and the state at the end are the same bytes."""
    for name in WRITTEN:
        assert (folder / name).read_bytes() == (other / name).read_bytes(), name
    for name in (RESTART, DEMON):
        one, two = (segments_in(place)[-1] / name for place in (folder, other))
        assert one.read_bytes() == two.read_bytes(), name


def test_restart_files_that_a_rebuild_needs_are_kept(finished: Path) -> None:
    """Of a long run every tenth restart file stays, and the newest two."""
    there = [index for index, segment in enumerate(segments_in(finished)) if (segment / RESTART).is_file()]
    assert len(segments_in(finished)) == SEGMENTS
    assert set(there) == KEPT


@pytest.mark.parametrize("damage", [flip, truncate, Path.unlink])
@pytest.mark.parametrize("name", [SERIES, TRAJECTORY, LOG, DEMON, RECORD])
def test_damaged_old_segment_is_rebuilt(
    name: str, damage: Callable[[Path], None], copy: Path, finished: Path, again: Callable[[], tuple[list[int], str]]
) -> None:
    """It is run again from the last restart file that was kept; those after it stay, and the bytes are the same."""
    if name == TRAJECTORY and not has_style("dump", "dcd"):
        name = TRAJECTORY_TEXT
    damage(segments_in(copy)[4] / name)
    ran, said = again()
    assert f"0004/{name} is damaged" in said
    assert "running segments 1 to 4 again, because 4 was lost" in said
    assert ran == [1, 2, 3, 4]
    assert_same(copy, finished)


@pytest.mark.parametrize(("index", "needed"), [(0, [0]), (1, [1]), (11, [11]), (12, [11, 12]), (13, [13])])
def test_rebuild_begins_as_late_as_it_can(
    index: int, needed: list[int], copy: Path, finished: Path, again: Callable[[], tuple[list[int], str]]
) -> None:
    """Only the segments since the restart file that is nearest before are run."""
    damage = segments_in(copy)[index]
    flip(damage / (TOPOLOGY if index in (0, 13) else SERIES))
    assert again()[0] == needed
    assert_same(copy, finished)


def test_several_damaged_segments_are_rebuilt(
    copy: Path, finished: Path, again: Callable[[], tuple[list[int], str]]
) -> None:
    """Each run of lost segments is rebuilt from its own restart file, or from the segments that were just rebuilt."""
    folders = segments_in(copy)
    flip(folders[3] / SERIES)
    shutil.rmtree(folders[5])
    truncate(folders[11] / DEMON)
    assert again()[0] == [1, 2, 3, 4, 5, 11]
    assert_same(copy, finished)


@pytest.mark.parametrize("damage", [flip, truncate, Path.unlink])
def test_damaged_newest_restart_is_rebuilt(
    damage: Callable[[Path], None], copy: Path, finished: Path, again: Callable[[], tuple[list[int], str]]
) -> None:
    """The state at the end must be there, to be lengthened from."""
    damage(segments_in(copy)[-1] / RESTART)
    assert again()[0] == [13]
    assert_same(copy, finished)


def test_damaged_restarts_are_rebuilt(copy: Path, finished: Path, again: Callable[[], tuple[list[int], str]]) -> None:
    """Of all restart files that were kept none is whole: their segments are run again, from the start where it must be."""
    for index in KEPT:
        flip(segments_in(copy)[index] / RESTART)
    ran, _ = again()
    assert sorted(set(ran)) == ran, "a segment was run twice"
    assert set(ran) >= KEPT
    assert_same(copy, finished)


def test_everything_damaged_is_run_anew(copy: Path, finished: Path, again: Callable[[], tuple[list[int], str]]) -> None:
    """With no segment whole, the run is the same once more."""
    for segment in segments_in(copy):
        flip(segment / LOG)
    (copy / RUN).write_text("{", encoding="utf-8")
    assert again()[0] == list(range(SEGMENTS))
    assert_same(copy, finished)


def test_rebuild_cut_short_goes_on(
    copy: Path, finished: Path, again: Callable[[], tuple[list[int], str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A rebuild that is itself stopped after each segment ends in the same bytes, and every call comes further."""
    flip(segments_in(copy)[4] / SERIES)
    monkeypatch.setattr(TimeLimit, "allows", lambda self, steps: False)
    stops = 0
    while not (copy / SERIES).is_file():
        try:
            again()
        except SystemExit:
            stops += 1
        assert stops < 10, "it never ends"
    assert stops == 3
    assert_same(copy, finished)


# --- a rebuild that gives other bytes ---------------------------------------------------------------------------------------


def record_anew(segment: Path, name: str) -> None:
    """Let a segment's record hold the checksum of a file as it is now."""
    record = json.loads((segment / RECORD).read_text(encoding="utf-8"))
    record.pop("digest")
    record["sha256"][name] = checksum(segment / name)
    (segment / RECORD).write_text(json.dumps(record | {"digest": digest(record)}), encoding="utf-8")


def assert_one_trajectory(folder: Path) -> None:
    """The series has all rows, no seam, and an energy that closes through all of it."""
    series = pd.read_parquet(folder / SERIES)
    assert series["step"].tolist() == list(range(0, 651, 5))
    for side in ("cold", "hot"):
        for axis in "xyz":
            place, speed = series[f"position_{side}_{axis}_A"], series[f"velocity_{side}_{axis}_A_per_ps"].to_numpy()
            foretold = (speed[1:] + speed[:-1]) / 2 * 0.02
            assert np.abs(np.diff(place) - foretold).max() < 1e-3
    for balance in machine(long_study()).balances(series):
        assert balance.residual_eV.std() < 0.01


def test_segments_after_one_that_came_out_otherwise_are_run_again(
    copy: Path, finished: Path, thin_start: Path, tmp_path: Path, again: Callable[[], tuple[list[int], str]]
) -> None:
    """Segments 0 to 5 come from another machine, as it were: what follows continues them, whatever it was before."""
    other = machine(
        thin_study(seed=7, demon={"controller": "tests.md.controllers:Noisy"}, schedule={"sweep_ns": 0.001})
    )
    perform(other, tmp_path / "other", Ranks(1), started_for(other.study, thin_start, tmp_path / "start"))
    theirs, ours = segments_in(tmp_path / "other"), segments_in(copy)
    for index in range(6):
        shutil.rmtree(ours[index])
        shutil.copytree(theirs[index], ours[index])
    ran, said = again()
    assert "0006 does not start where 0005 ends" in said
    assert ran == list(range(6, SEGMENTS))
    assert_one_trajectory(copy)
    series, before = (pd.read_parquet(folder / SERIES) for folder in (copy, tmp_path / "other"))
    pd.testing.assert_frame_equal(series.iloc[: len(before)], before)
    assert not series.equals(pd.read_parquet(finished / SERIES))


def test_old_state_that_changed_is_followed(
    copy: Path, finished: Path, again: Callable[[], tuple[list[int], str]]
) -> None:
    """A kept restart file with other bytes, well recorded, and a lost segment after it: no series of two trajectories."""
    segment = segments_in(copy)[10]
    # The same state but for one atom's velocity, as another machine might have rounded it.
    content = bytearray((segment / RESTART).read_bytes())
    content[-20] ^= 1
    (segment / RESTART).write_bytes(content)
    record_anew(segment, RESTART)
    flip(segments_in(copy)[12] / SERIES)
    ran, said = again()
    assert "0011 does not start where 0010 ends" in said
    assert ran == [11, 12, 13]
    assert_one_trajectory(copy)
    before = pd.read_parquet(finished / SERIES)
    pd.testing.assert_frame_equal(pd.read_parquet(copy / SERIES).iloc[:501], before.iloc[:501])


def test_rebuilt_segment_with_another_end_unlinks_what_follows(
    copy: Path, again: Callable[[], tuple[list[int], str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """When a rebuild itself comes out otherwise, the next segment's link no longer holds, and all after it are run."""
    flip(segments_in(copy)[4] / SERIES)
    real = Segments.commit

    def otherwise(self: Any, index: int, record: dict[str, Any], starts_from: str) -> Any:
        if index == 4:
            restart = self.folder / f"{index:04d}.part" / RESTART
            content = bytearray(restart.read_bytes())
            content[-20] ^= 1
            restart.write_bytes(content)
        return real(self, index, record, starts_from)

    monkeypatch.setattr(Segments, "commit", otherwise)
    ran, said = again()
    assert "0005 does not start where 0004 ends: segments from 5 on are run again" in said
    assert ran == list(range(1, SEGMENTS))
    assert_one_trajectory(copy)


@pytest.mark.parametrize("damage", [flip, truncate])
def test_damaged_identity_is_made_good(
    damage: Callable[[Path], None], copy: Path, finished: Path, again: Callable[[], tuple[list[int], str]]
) -> None:
    """identity.json only informs: damaged, it is written anew, and the segments beside it are used."""
    identity = next(copy.glob(f"segments/*/{IDENTITY}"))
    whole = identity.read_bytes()
    damage(identity)
    ran, said = again()
    assert ran == []
    assert "damaged" not in said
    assert identity.read_bytes() == whole
    assert_same(copy, finished)
