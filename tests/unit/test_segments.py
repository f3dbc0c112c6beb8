"""Segments on disk: committed whole, linked to each other, damage found by name; and orderly stops of who makes them."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from simulation.engines.ranks import Ranks
from simulation.experiments import experiment_at
from simulation.segments.checkpoint import KEPT_RESTARTS, DamagedError, Segment, Segments
from simulation.segments.complete import _sound, _unlink_followers
from simulation.segments.stop import WORKFLOW, StopRequested, orderly_stop
from simulation.storage import lock
from simulation.storage.files import checksum
from simulation.study.files import check_study

IDENTITY = {"experiment": "machine", "deck": ["units metal", "mass 1 40"], "segment_ps": 20.0}


def commit(segments: Segments, index: int, content: str = "") -> Segment:
    """Make a segment of two files and link it to the one before."""
    part = segments.begin(index)
    (part / "end.restart").write_text(f"state {index} {content}", encoding="utf-8")
    (part / "log.lammps").write_text(f"log {index}", encoding="utf-8")
    before = segments.restart(index - 1) if index else None
    return segments.commit(index, {"first_step": 10 * index}, checksum(before) if before else "")


@pytest.fixture
def segments(tmp_path: Path) -> Segments:
    """Three committed segments."""
    found = Segments(tmp_path, IDENTITY)
    for index in range(3):
        commit(found, index)
    return found


def test_what_was_committed_is_read_back(segments: Segments) -> None:
    """Each with its record, its place in the row and the checksums of its files; one that is not there is none."""
    before = None
    for index in range(3):
        segment = segments.read(index, before)
        assert segment is not None
        assert segment.folder == segments.place(index) == segments.folder / f"{index:04d}"
        assert (segment.record["index"], segment.record["first_step"]) == (index, 10 * index)
        assert set(segment.record["sha256"]) == {"end.restart", "log.lammps"}
        before = segment
    assert segments.read(3, before) is None
    assert segments.names() == [segments.place(index) for index in range(3)]


@pytest.mark.parametrize("name", ["log.lammps", "end.restart"])
@pytest.mark.parametrize("damage", ["changed", "gone"])
def test_a_damaged_file_is_named(name: str, damage: str, segments: Segments) -> None:
    """A checksum that is not the recorded one, or a file that is not there; but for restart files, which are not all kept."""
    file = segments.place(2) / name
    if damage == "changed":
        file.write_bytes(file.read_bytes() + b"?")
    else:
        file.unlink()
    if (name, damage) == ("end.restart", "gone"):
        assert segments.read(2, None) is not None
        assert segments.restart(2) is None
    else:
        with pytest.raises(DamagedError, match=rf"0002/{name} is damaged \(its checksum does not match\)"):
            segments.read(2, None)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"digest": "0", "sha256": {}}', None])
def test_a_damaged_record_is_named(text: str | None, segments: Segments) -> None:
    """Whether it is no record or says something else than when it was committed."""
    file = segments.place(1) / "segment.json"
    record = json.loads(file.read_text(encoding="utf-8"))
    file.write_text(json.dumps(record | {"first_step": 11}) if text is None else text, encoding="utf-8")
    with pytest.raises(DamagedError, match=r"0001/segment.json is damaged"):
        segments.read(1, None)


def test_a_segment_must_begin_where_the_one_before_it_ends(segments: Segments) -> None:
    """One that was run again to other bytes breaks the link of the one after it."""
    first = segments.read(0, None)
    assert segments.read(1, first) is not None
    again = commit(segments, 0, "with other bytes")
    with pytest.raises(DamagedError, match=r"0001 does not start where 0000 ends"):
        segments.read(1, again)
    assert segments.read(1, None) is not None
    (replaced,) = segments.folder.glob("*.replaced")
    assert (replaced / "end.restart").read_text(encoding="utf-8") == "state 0 ", "what it stood for is kept aside"
    assert len(segments.names()) == 3
    same = commit(segments, 0)
    assert segments.read(1, same) is not None


def test_restart_files_are_kept_of_the_newest_two_and_every_tenth(tmp_path: Path) -> None:
    """So that a damaged segment is not far from a state to begin again from."""
    segments = Segments(tmp_path, IDENTITY)
    for index in range(25):
        commit(segments, index)
        kept = [n for n in range(index + 1) if segments.restart(n)]
        assert kept == [n for n in range(index + 1) if n >= index - 1 or n % KEPT_RESTARTS == 0]
    assert segments.newest_restart(24) == 23
    assert segments.newest_restart(23) == 20
    assert segments.newest_restart(20) == 10
    assert segments.newest_restart(1) == 0
    assert segments.newest_restart(0) == -1
    assert all(segments.read(index, segments.read(index - 1, None) if index else None) for index in range(25))


def test_a_segment_that_is_not_finished_does_not_count(segments: Segments) -> None:
    """What a run that was cut short left is emptied when it is begun again."""
    part = segments.begin(3)
    (part / "log.lammps").write_text("half", encoding="utf-8")
    assert segments.read(3, None) is None
    assert len(segments.names()) == 3
    assert not list(segments.begin(3).iterdir())
    commit(segments, 3)
    assert not part.exists()


def test_a_gap_ends_the_row(segments: Segments) -> None:
    """Segments after one that is gone are not told as done."""
    shutil.rmtree(segments.place(1))
    assert segments.names() == [segments.place(0)]
    (segments.place(0) / "segment.json").unlink()
    assert segments.names() == []


def test_segments_of_other_parameters_lie_elsewhere(segments: Segments, tmp_path: Path) -> None:
    """Each set of parameters has its folder, and what differs is told, the first line of the deck among it."""
    same = Segments(tmp_path, dict(reversed(IDENTITY.items())))
    assert same.folder == segments.folder
    with segments.locked():
        pass
    assert segments.what_changed() is None
    other = Segments(tmp_path, IDENTITY | {"deck": ["units metal", "mass 1 41"]})
    assert other.folder != segments.folder
    assert other.read(0, None) is None
    assert other.what_changed() == (
        "deck changed, first in the deck line 'mass 1 41' (was 'mass 1 40'): starting afresh; "
        f"the older segments are kept in {segments.folder}"
    )
    longer = Segments(tmp_path, IDENTITY | {"segment_ps": 40.0, "lammps": "new"}).what_changed() or ""
    assert longer.startswith("segment_ps, lammps changed: starting afresh")
    (segments.folder / "identity.json").write_text("{", encoding="utf-8")
    assert "is damaged, so the change is not known" in (other.what_changed() or "")
    assert Segments(tmp_path / "new", IDENTITY).what_changed() is None


@pytest.mark.parametrize("newest", [1, 2])
def test_change_is_told_against_the_newest_segments(newest: int, tmp_path: Path) -> None:
    """Of several older sets of parameters that which was used last."""
    for number, mass in ((1, "40"), (2, "42")):
        older = Segments(tmp_path, IDENTITY | {"deck": ["units metal", f"mass 1 {mass}"]})
        with older.locked():
            pass
        seconds = 2000.0 if number == newest else 1000.0
        os.utime(older.folder / "identity.json", (seconds, seconds))
    told = Segments(tmp_path, IDENTITY | {"deck": ["units metal", "mass 1 41"]}).what_changed() or ""
    assert f"(was 'mass 1 {40 if newest == 1 else 42}')" in told


def test_one_process_at_a_time_works_on_a_run(segments: Segments, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever its parameters: the lock is the run's."""
    monkeypatch.setattr("simulation.segments.checkpoint.LOCK_PATIENCE_S", 0.1)
    other = Segments(segments.root, IDENTITY | {"segment_ps": 40.0})
    with segments.locked():
        assert (lock.owner(segments.root / "lock") or "").startswith(f"process {os.getpid()} ")
        with pytest.raises(lock.LockedError), other.locked():
            pass
    with other.locked():
        pass


def test_sound_segments_are_taken_and_damaged_ones_are_told(
    segments: Segments, capsys: pytest.CaptureFixture[str]
) -> None:
    """One damaged segment is run again alone; those after it stay, as the same steps give the same bytes."""
    assert set(_sound(segments, 3)) == {0, 1, 2}
    assert set(_sound(segments, 5)) == {0, 1, 2}
    (segments.place(1) / "log.lammps").write_text("?", encoding="utf-8")
    assert set(_sound(segments, 3)) == {0, 2}
    assert "0001/log.lammps is damaged (its checksum does not match): it is run again" in capsys.readouterr().err
    # The end of the run must be there: another run may start from it.
    (segments.place(2) / "end.restart").unlink()
    assert set(_sound(segments, 3)) == {0}
    assert set(_sound(segments, 4)) == {0, 2}


def test_segments_after_one_of_other_bytes_are_forgotten(
    segments: Segments, capsys: pytest.CaptureFixture[str]
) -> None:
    """All of them, and none if the bytes are the same or there is none after it."""
    run = experiment_at(check_study("example", {"baths": {"fluid_atoms": 25280}}), "friction", 1)
    done = _sound(segments, 3)
    done[0] = commit(segments, 0)
    _unlink_followers(run, segments, done, 0)
    assert set(done) == {0, 1, 2}
    done[0] = commit(segments, 0, "of another machine")
    _unlink_followers(run, segments, done, 0)
    assert set(done) == {0}
    assert "segments from 1 on are run again" in capsys.readouterr().err
    _unlink_followers(run, segments, done, 0)


# --- stops ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_at_the_next_look(number: signal.Signals, capsys: pytest.CaptureFixture[str]) -> None:
    """Not where it arrives; the exit code is the signal's, and how to go on is told. Handlers are as before afterwards."""
    before = [signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGINT)]
    with orderly_stop("example kH_4.80", Ranks(1)) as check:
        check()
        os.kill(os.getpid(), number)
        assert capsys.readouterr().out == ""
        with pytest.raises(StopRequested) as stop:
            check()
    assert stop.value.code == 128 + number
    said = f"example kH_4.80: stopped by {number.name}; the same command continues from the last segment\n"
    assert capsys.readouterr().out == said
    assert [signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGINT)] == before


@pytest.mark.parametrize("own", [None, signal.SIGTERM])
def test_a_signal_to_any_rank_stops_all(own: signal.Signals | None, capsys: pytest.CaptureFixture[str]) -> None:
    """At the same look, with an exit code that is a signal's, whether or not this rank had one, too."""

    class Two(Ranks):
        other = 0.0

        def sum(self, values: np.ndarray[Any, Any]) -> None:
            """The other rank's signal is added."""
            values += self.other

    ranks = Two(1)
    with orderly_stop("run", ranks) as check:
        check()
        ranks.other = float(signal.SIGTERM)
        if own is not None:
            os.kill(os.getpid(), own)
        with pytest.raises(StopRequested) as stop:
            check()
    assert stop.value.code == 128 + signal.SIGTERM
    assert "run: stopped by SIGTERM" in capsys.readouterr().out


def test_a_run_whose_workflow_is_gone_stops(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Killed outright, a workflow cannot stop what it started; one of another machine, or none, is not looked at."""
    workflow = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        monkeypatch.setenv(WORKFLOW, f"{socket.gethostname()} {workflow.pid}")
        with orderly_stop("run", Ranks(1)) as check:
            check()
            workflow.kill()
            workflow.wait()
            with pytest.raises(StopRequested) as stop:
                check()
        assert stop.value.code == 128 + signal.SIGHUP
        assert f"stopped because its workflow, process {workflow.pid}, has ended" in capsys.readouterr().out
    finally:
        workflow.kill()
        workflow.wait()
    for told in (
        "",
        f"{socket.gethostname()} {workflow.pid}",
        f"elsewhere {workflow.pid}",
        "nonsense",
        f"{socket.gethostname()} x",
    ):
        monkeypatch.setenv(WORKFLOW, told)
        with orderly_stop("run", Ranks(1)) as check:
            check()


def test_a_workflow_of_another_user_is_alive_until_it_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its process may not be signalled, which is not the same as that there is none."""
    answers = [PermissionError, PermissionError, PermissionError, ProcessLookupError]

    def kill(process: int, number: int) -> None:
        assert (process, number) == (4711, 0)
        raise answers.pop(0)

    monkeypatch.setattr(os, "kill", kill)
    monkeypatch.setenv(WORKFLOW, f"{socket.gethostname()} 4711")
    with orderly_stop("run", Ranks(1)) as check:
        check()
        check()
        with pytest.raises(StopRequested) as stop:
            check()
    assert stop.value.code == 128 + signal.SIGHUP


def test_a_process_that_does_not_get_to_its_next_look_is_ended(tmp_path: Path) -> None:
    """After a time of grace: the main thread may wait for a rank that is lost."""
    script = """
import ctypes, os, signal, time
from simulation.engines.ranks import Ranks
from simulation.segments import stop
stop.GRACE_S = 0.5
with stop.orderly_stop("run", Ranks(1)):
    print("up", flush=True)
    ctypes.CDLL(None).pause()  # in C: Python's handlers do not run
    while True:
        ctypes.PyDLL(None).usleep(10**6)  # and with the lock of the interpreter, now and then
"""
    process = subprocess.Popen(
        [sys.executable, "-c", script],
        cwd=Path(__file__).parents[2],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "up\n"
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 128 + signal.SIGTERM
    assert "not stopped within 0 s of the signal: terminated" in said


def test_nothing_is_stopped_without_a_reason(tmp_path: Path) -> None:
    """Looking costs nothing and changes nothing."""
    checked: list[Any] = []
    with orderly_stop("run", Ranks(1)) as check:
        checked = [check() for _ in range(3)]
    assert checked == [None] * 3
