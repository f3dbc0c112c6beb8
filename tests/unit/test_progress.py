"""Progress lines: due when due, with honest numbers."""

from __future__ import annotations

import pytest

from simulation import progress


def test_line_gives_share_speed_and_time_left(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """After 20 s and 1 000 of 4 000 steps of 4 fs: 25 %, 17 ns/day, 60 s left; nothing is printed before a line is due."""
    clock = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: clock[0])
    watch = progress.Progress("demo kH_4.80 replica 1", 4000, 0.004)
    watch.report(0, "measuring")
    clock[0] = 5.0
    watch.report(250, "measuring")
    assert capsys.readouterr().err == ""
    clock[0] = 20.0
    watch.report(1000, "measuring")
    assert capsys.readouterr().err == "demo kH_4.80 replica 1:  25 % (measuring), 17 ns/day, 60 s left\n"


def test_speed_counts_only_what_this_process_did(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A continued run does not credit itself with the steps of its earlier life."""
    clock = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: clock[0])
    watch = progress.Progress("x", 4000, 0.004)
    watch.report(3000, "measuring")
    clock[0] = 20.0
    watch.report(3500, "measuring")
    assert capsys.readouterr().err == "x:  88 % (measuring), 9 ns/day, 20 s left\n"
