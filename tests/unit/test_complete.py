"""How a run is completed from its segments: which are run, from what, what is said, and when it stops; without LAMMPS."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from simulation import perform
from simulation.engines.ranks import EngineError, Ranks
from simulation.experiments import experiment_at
from simulation.experiments.base import Experiment, Piece
from simulation.segments import complete
from simulation.segments.checkpoint import Segment, Segments
from simulation.segments.stop import StopRequested
from simulation.storage.files import RESTART, RUN, SERIES, checksum, digest
from tests.md.conftest import small_study


class Engine:
    """In the place of LAMMPS: an end that follows from the beginning alone, and notes of what it was asked."""

    def __init__(self) -> None:
        self.ran: list[int] = []
        self.looks = [10, 20]
        self.salt = ""

    def run_piece(
        self,
        experiment: Experiment,
        piece: Piece,
        restart: str,
        folder: Path,
        ranks: Ranks,
        *,
        before: Path | None,
        on_look: Callable[[int], None],
    ) -> dict[str, Any]:
        """As of simulation.segments.piece."""
        assert list(folder.iterdir()) == []
        assert not Path(restart).is_absolute()
        begin = (folder / restart).read_text(encoding="utf-8")
        assert before == (None if piece.index == 0 else folder.parent.resolve() / f"{piece.index - 1:04d}")
        for steps in self.looks:
            on_look(steps)
        (folder / RESTART).write_text(f"{begin} {piece.index}{self.salt}", encoding="utf-8")
        self.ran.append(piece.index)
        return {"first_step": piece.start_step}


class Run:
    """A run of 12 segments: one of relaxation with 250 steps and 11 of 500."""

    def __init__(self, folder: Path) -> None:
        schedule = {"sweep_ns": 0.022, "relaxation_ps": 1}
        self.experiment = experiment_at(small_study(schedule=schedule), "kH_4.80", 1)
        self.start = folder / "start.restart"
        self.start.write_text("start", encoding="utf-8")
        self.segments = Segments(folder / "segments", {"any": 1})

    def complete(self, minutes: float | None = None) -> list[Segment]:
        """Run what is missing."""
        return complete.complete(self.experiment, self.segments, self.start, Ranks(1), minutes)


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Engine:
    """What runs segments."""
    engine = Engine()
    monkeypatch.setattr(complete, "run_piece", engine.run_piece)
    return engine


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A run of which nothing is there."""
    return Run(tmp_path)


def test_each_segment_starts_from_the_end_of_the_one_before(
    run: Run, engine: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    """The first one from the start that is given; all are returned in order, and asking again runs nothing and says nothing."""
    done = run.complete()
    assert engine.ran == [*range(12)]
    assert [segment.record["index"] for segment in done] == [*range(12)]
    last = (done[-1].folder / RESTART).read_text(encoding="utf-8")
    assert last == "start " + " ".join(map(str, range(12)))
    assert done[0].record["starts_from"] == checksum(run.start)
    for one, following in pairwise(done):
        assert following.record["starts_from"] == one.record["sha256"][RESTART]
    run.complete()
    assert engine.ran == [*range(12)]
    assert capsys.readouterr().err == ""


def test_what_is_there_is_gone_on_from(run: Run, engine: Engine, capsys: pytest.CaptureFixture[str]) -> None:
    """A run that ends in its sixth segment has five, which are told and not run again."""
    whole = [segment.record for segment in run.complete()]
    (run.start.parent / "other").mkdir()
    other = Run(run.start.parent / "other")
    engine.ran.clear()

    def dies(*_: Any) -> Callable[[int], None]:
        def look(_: int) -> None:
            if len(engine.ran) == 5:
                raise KeyboardInterrupt

        return look

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(complete, "_looker", dies)
        with pytest.raises(KeyboardInterrupt):
            other.complete()
    assert engine.ran == [*range(5)]
    capsys.readouterr()
    found = [segment.record for segment in other.complete()]
    assert engine.ran == [*range(12)]
    assert capsys.readouterr().err == "small kH_4.80 replica 1: continuing after 5 of 12 segments\n"
    assert found == whole


def test_progress_counts_the_steps_of_all_segments(run: Run, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those before, and those of the segment so far, of 5750 in all, with the name of the stage."""
    told: list[tuple[int, str]] = []
    made: list[tuple[str, int, float]] = []

    class Progress:
        def __init__(self, *arguments: Any) -> None:
            made.append(arguments)

        def report(self, step: int, stage: str) -> None:
            told.append((step, stage))

    monkeypatch.setattr(complete, "Progress", Progress)
    run.complete()
    assert made == [("small kH_4.80 replica 1", 5750, 0.004)]
    begins = [0, *range(250, 5750, 500)]
    names = ["relaxing"] + ["measuring"] * 11
    assert told == [(begin + steps, name) for begin, name in zip(begins, names, strict=True) for steps in (10, 20)]


def test_a_run_stops_where_the_next_segment_would_not_fit(
    run: Run, engine: Engine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It says so, and the exit code asks to try again; the last segment needs no time after it."""
    asked: list[tuple[str, int]] = []

    class Limit:
        def __init__(self, minutes: float | None) -> None:
            assert minutes == 7.5

        def segment_done(self, steps: int) -> None:
            asked.append(("done", steps))

        def allows(self, steps: int) -> bool:
            asked.append(("next", steps))
            return len(engine.ran) not in (1, 4)

    monkeypatch.setattr(complete, "TimeLimit", Limit)
    for ran in (1, 4):
        with pytest.raises(StopRequested) as stop:
            run.complete(7.5)
        assert (stop.value.code, len(engine.ran)) == (75, ran)
        said = capsys.readouterr().out
        assert said == "small kH_4.80 replica 1: stopped before its time limit; the same command continues it\n"
    run.complete(7.5)
    assert engine.ran == [*range(12)]
    assert asked[:2] == [("done", 250), ("next", 500)]
    assert asked[-1] == ("done", 500)


def spoil(run: Run, index: int) -> None:
    """Damage the end of a segment."""
    (run.segments.place(index) / RESTART).write_text("spoilt", encoding="utf-8")


def test_a_damaged_segment_is_run_again_and_others_stay(
    run: Run, engine: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    """From the newest end before it that is kept, which is told; the same bytes keep all that follows."""
    whole = [segment.record for segment in run.complete()]
    kept = [index for index in range(12) if run.segments.restart(index) is not None]
    assert kept == [0, 10, 11]
    spoil(run, 11)
    engine.ran.clear()
    run.complete()
    assert engine.ran == [11]
    capsys.readouterr()
    (run.segments.place(4) / "segment.json").write_text("{", encoding="utf-8")
    engine.ran.clear()
    assert [segment.record for segment in run.complete()] == whole
    assert engine.ran == [1, 2, 3, 4]
    said = capsys.readouterr().err
    assert "segment.json is damaged" in said
    assert re.search(r"continuing after \d+ of 12 segments", said)
    assert "small kH_4.80 replica 1: running segments 1 to 4 again, because 4 was lost" in said
    assert "are run again" not in said


def test_no_segment_begins_without_the_end_of_the_one_before(run: Run, engine: Engine) -> None:
    """If that is taken away at the last moment, the run ends with a message; nothing is built in its place."""
    run.complete()
    (run.segments.place(3) / RESTART).unlink(missing_ok=True)
    engine.ran.clear()
    with pytest.raises(
        EngineError, match=r"^small kH_4\.80 replica 1: the restart file of segment 3 is missing: run the"
    ):
        complete._run(run.experiment, run.segments, run.experiment.pieces()[4], run.start, Ranks(1), print)
    assert engine.ran == []


def test_other_bytes_run_all_that_follows(run: Run, engine: Engine, capsys: pytest.CaptureFixture[str]) -> None:
    """As on another machine: a segment that was made from another state is not of this run any more."""
    run.complete()
    (run.segments.place(10) / "segment.json").unlink()
    engine.ran.clear()
    engine.salt = "'"
    done = run.complete()
    assert engine.ran[-2:] == [10, 11]
    assert "segments from " in capsys.readouterr().err
    assert (done[-1].folder / RESTART).read_text(encoding="utf-8").endswith("10' 11'")


def test_the_last_end_must_be_there(run: Run, engine: Engine) -> None:
    """Other runs may start from it: without it the last segment is run again."""
    run.complete()
    (run.segments.place(11) / RESTART).unlink()
    engine.ran.clear()
    run.complete()
    assert engine.ran == [11]
    assert run.segments.restart(11) is not None


# --- what a run starts from ---------------------------------------------------------------------------------------------------


@pytest.fixture
def baths(tmp_path: Path) -> Path:
    """The folder of the baths that a run starts from."""
    folder = tmp_path / "baths"
    folder.mkdir()
    (folder / RESTART).write_text("state", encoding="utf-8")
    start = experiment_at(small_study(), "equilibrated", 1)
    record = {"fingerprint": start.fingerprint, "sha256": {RESTART: checksum(folder / RESTART)}}
    (folder / RUN).write_text(json.dumps(record | {"digest": digest(record)}), encoding="utf-8")
    return folder


def test_a_run_starts_from_sound_baths_of_its_own_study(baths: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Complete, undamaged, and equilibrated with its parameters; anything else is refused with what to do."""
    run = experiment_at(small_study(), "kH_4.80", 1)
    used: list[Any] = []

    def by_segments(experiment: Experiment, segments: Segments, start: Path, *_: Any) -> list[Segment]:
        used.append(start)
        raise KeyboardInterrupt

    monkeypatch.setattr(perform, "complete", by_segments)
    monkeypatch.setattr(perform, "lammps_build", lambda: "any")

    def told(start: Path | None = baths, of: Experiment = run) -> str:
        with pytest.raises((EngineError, KeyboardInterrupt)) as found:
            perform.perform(of, baths.parent / "run", Ranks(1), start)
        return str(found.value)

    assert told() == ""
    assert used == [baths / RESTART]
    assert "small kH_4.80 replica 1 starts from equilibrated baths: give --start FOLDER, made by 'equilibrate'" in told(
        None
    )
    other = experiment_at(small_study(baths={"temperature_hot_K": 125}), "kH_4.80", 1)
    assert "was equilibrated with other parameters than those of study 'small': equilibrate again" in told(of=other)
    missing = told(baths.parent)
    assert f"{baths.parent / RUN}: missing: give a complete folder written by 'equilibrate'" in missing
    sound = (baths / RUN).read_text(encoding="utf-8")
    (baths / RUN).write_text(sound.replace(RESTART, "start.restart"), encoding="utf-8")
    assert f"{baths / RUN}: damaged: delete {baths / RUN} and equilibrate again" in told()
    (baths / RUN).write_text(sound, encoding="utf-8")
    (baths / RESTART).write_text("stats", encoding="utf-8")
    again = (
        f"{baths / RESTART}: damaged, its checksum does not match {RUN}: delete {baths / RUN} and equilibrate again;"
    )
    assert again in told()
    assert f"intact segments are reused from {baths / 'segments'}" in told()
    (baths / RESTART).unlink()
    assert again in told()
    assert used == [baths / RESTART]


def test_a_finished_run_is_kept_and_a_missing_file_made_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of the exact model: touched and told; without its series, or for another length, it is run anew."""
    schedule = {"sweep_ns": 0.02, "segment_ps": 2}
    folder, chosen = tmp_path / "run", small_study(engine="langevin", schedule=schedule)
    run = experiment_at(chosen, "kH_4.80", 1)
    perform.perform(run, folder, Ranks(1))
    record = json.loads((folder / RUN).read_text(encoding="utf-8"))
    assert record["steps_per_s"] == pytest.approx(5000 / record["wall_time_s"], rel=0.3, abs=1e3)
    assert capsys.readouterr().err == ""
    os.utime(folder / RUN, (1e9, 1e9))
    perform.perform(run, folder, Ranks(1))
    assert capsys.readouterr().err == "small kH_4.80 replica 1: complete\n"
    assert (folder / RUN).stat().st_mtime > 1.1e9

    class Other(Ranks):
        """Of two: the root has found it complete, and says so once."""

        @property
        def is_root(self) -> bool:
            """Not here."""
            return False

        def share(self, value: Any) -> Any:
            """What the root has."""
            return value or True

    perform.perform(run, folder, Other(1))
    assert capsys.readouterr().err == ""
    assert json.loads((folder / RUN).read_text(encoding="utf-8")) == record
    (folder / SERIES).unlink()
    perform.perform(run, folder, Ranks(1))
    assert (folder / SERIES).is_file()
    longer = experiment_at(small_study(engine="langevin", schedule=schedule | {"sweep_ns": 0.03}), "kH_4.80", 1)
    perform.perform(longer, folder, Ranks(1))
    assert json.loads((folder / RUN).read_text(encoding="utf-8"))["duration_ps"] == pytest.approx(30)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(("kept", "is_left"), [(True, False), (False, True)])
def test_a_file_that_is_not_needed_is_made_again_if_it_can_be(
    kept: bool, is_left: bool, run: Run, engine: Engine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """From the segments where all are there; without them a finished run is good as it is, and nothing is simulated."""
    folder = tmp_path / "run"
    folder.mkdir()
    run.segments.root = folder / "segments"
    monkeypatch.setattr(perform, "segments_of", lambda *_: run.segments)
    run.segments.folder = folder / "segments" / "any"
    run.complete()
    for lacks, is_good in (({"log.lammps"}, is_left), (set(), True), ({SERIES}, False), ({RUN, "log.lammps"}, False)):
        if not kept:
            shutil.rmtree(run.segments.folder, ignore_errors=True)
        monkeypatch.setattr("simulation.folder.run_folder.missing", lambda *_, lacks=lacks: lacks)
        assert perform._is_complete(run.experiment, folder) == is_good
