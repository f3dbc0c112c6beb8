"""Progress lines, due when due and with honest numbers; and time limits, which leave room for what comes next."""

from __future__ import annotations

import pytest

from simulation.segments import progress
from simulation.segments.stop import TimeLimit


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time, s, which passes as the test says."""
    now = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    return now


def test_line_gives_share_speed_and_time_left(clock: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    """After 20 s and 1 000 of 4 000 steps of 4 fs: 25 %, 17 ns/day, 60 s left; nothing is printed before a line is due."""
    watch = progress.Progress("demo kH_4.80 replica 1", 4000, 0.004)
    watch.report(0, "measuring")
    clock[0] = 5.0
    watch.report(250, "measuring")
    assert capsys.readouterr().err == ""
    clock[0] = 20.0
    watch.report(1000, "measuring")
    assert capsys.readouterr().err == "demo kH_4.80 replica 1:  25 % (measuring), 17 ns/day, 60 s left\n"


def test_speed_counts_only_what_this_process_did(clock: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    """A continued run does not credit itself with the steps of its earlier life."""
    watch = progress.Progress("x", 4000, 0.004)
    watch.report(3000, "measuring")
    clock[0] = 20.0
    watch.report(3500, "measuring")
    assert capsys.readouterr().err == "x:  88 % (measuring), 9 ns/day, 20 s left\n"


def test_nothing_is_said_before_there_is_a_speed(clock: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    """However late it is: a run that has not moved has none."""
    watch = progress.Progress("x", 4000, 0.004)
    for clock[0] in (0.0, 50.0):
        watch.report(500, "measuring")
    assert capsys.readouterr().err == ""
    clock[0] = 60.0
    watch.report(1100, "measuring")
    assert capsys.readouterr().err == "x:  28 % (measuring), 3 ns/day, 5 min left\n"


def test_a_run_that_is_done_says_so_however_short_it_was(
    clock: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    """On a fast machine a short run ends before a line is due; its end is one, with the speed of the whole."""
    watch = progress.Progress("x", 4000, 0.004)
    for clock[0], step in ((0.0, 0), (1.0, 2000), (2.0, 4000)):
        watch.report(step, "measuring")
    assert capsys.readouterr().err == "x: 100 % (measuring), 691 ns/day, 0 s left\n"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.4, "0 s"),
        (89, "89 s"),
        (90, "2 min"),
        (5_300, "88 min"),
        (5_400, "1.5 h"),
        (47 * 3600, "47.0 h"),
        (48 * 3600, "2.0 days"),
    ],
)
def test_times_are_said_as_people_say_them(seconds: float, text: str) -> None:
    """In the unit that gives a number of two digits or so."""
    assert progress.duration_text(seconds) == text


class Clock:
    """A clock that goes only when told."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        monkeypatch.setattr("time.monotonic", lambda: self.now)

    def run(self, limit: TimeLimit, steps: int, seconds: float) -> None:
        """A segment takes its time."""
        self.now += seconds
        limit.segment_done(steps)


@pytest.mark.parametrize(("steps", "needs"), [(1000, 10.0), (2000, 20.0), (500, 5.0)])
@pytest.mark.parametrize("spare", [-0.1, 0.1])
def test_limit_allows_a_segment_that_fits_with_a_fifth_to_spare(
    steps: int, needs: float, spare: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A segment is judged by its own length at the slowest rate so far: longer ones need more, shorter ones less."""
    clock = Clock(monkeypatch)
    limit = TimeLimit(1.0)
    clock.run(limit, 1000, 10.0)
    clock.run(limit, 2000, 12.0)
    clock.now = 1060.0 - 1.2 * needs - spare
    assert limit.allows(steps) == (spare > 0)


def test_limit_knows_what_a_segment_without_steps_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Building takes its time and says nothing of a step; the least that a segment takes is never less than that."""
    clock = Clock(monkeypatch)
    limit = TimeLimit(1.0)
    clock.run(limit, 0, 8.0)
    clock.now = 1060.0 - 1.2 * 8.0 - 0.1
    assert limit.allows(10)
    clock.now = 1060.0 - 1.2 * 8.0 + 0.1
    assert not limit.allows(10)
    clock.run(limit, 10, 2.0)
    assert not limit.allows(10)
    # Of both, the longer counts, and not their sum.
    other = TimeLimit(1.0)
    clock.run(other, 0, 8.0)
    clock.run(other, 1000, 10.0)
    started = clock.now - 18.0
    for spare in (-0.1, 0.1):
        clock.now = started + 60.0 - 1.2 * 10.0 - spare
        assert other.allows(1000) == (spare > 0)


def test_without_a_limit_everything_is_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    """However long it takes."""
    clock = Clock(monkeypatch)
    limit = TimeLimit(None)
    clock.run(limit, 1, 1e9)
    assert limit.allows(10**12)


def test_limit_counts_from_the_start_in_minutes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two minutes are 120 s after the limit was set, before anything is known of a segment."""
    clock = Clock(monkeypatch)
    limit = TimeLimit(2.0)
    clock.now = 1119.9
    assert limit.allows(1000)
    clock.now = 1120.1
    assert not limit.allows(1000)
