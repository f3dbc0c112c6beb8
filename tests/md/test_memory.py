"""What a controller is asked and what it remembers: one clock for a whole run, however it is cut into segments or killed."""

from __future__ import annotations

import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from simulation.engines.ranks import EngineError, Ranks
from simulation.perform import perform
from simulation.storage.files import RUN, SERIES
from simulation.study.fields import Study
from simulation.study.section import SIDES
from tests.md.command import start_command, wait_until, write_study
from tests.md.conftest import THIN, assert_same_bytes, laid_over, machine, reached, segments_in, started_for, thin_study
from tests.md.seen import assert_seen_as_recorded, seen_in, thermal_speed_A_per_ps

pytestmark = pytest.mark.md

DELAY_STEPS = 37  # 0.148 ps: most of a segment of 0.2 ps, and no divisor of one
RELAXATION_STEPS, STEPS = 50, 400
LINEAR_IN_USE = "tests.md.controllers:Recorder"


def recorded(segment_ps: float, **sections: Any) -> Study:
    """A study whose controller acts on the past and remembers all that it sees; sampled at every step."""
    return thin_study(
        demon={"controller": LINEAR_IN_USE, "controller_options": {"delay_steps": str(DELAY_STEPS)}},
        schedule={"sweep_ns": 0.0016, "friction_ns": 0.0016, "sample_every_ps": 0.004, "segment_ps": segment_ps},
        **sections,
    )


@pytest.fixture(scope="module", params=[0.2, 0.8])
def run(request: pytest.FixtureRequest, runs: dict[float, Path]) -> Path:
    """The run in short segments and in long ones."""
    return runs[request.param]


@pytest.fixture(scope="module")
def runs(thin_start: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[float, Path]:
    """The same run in segments of 0.2 and of 0.8 ps."""
    folders = {}
    for segment_ps in (0.2, 0.8):
        study, place = recorded(segment_ps), tmp_path_factory.mktemp("run")
        perform(machine(study), place / "run", Ranks(1), started_for(study, thin_start, place / "start"))
        folders[segment_ps] = place / "run"
    return folders


def test_controller_is_asked_once_for_each_step(run: Path) -> None:
    """From the start of the relaxation to the end no step is missing and none asked twice, on one clock, at 0 in between."""
    seen = seen_in(run)
    assert seen["step"].tolist() == list(range(-RELAXATION_STEPS, STEPS + 1))
    np.testing.assert_allclose(seen["time_ps"], 0.004 * seen["step"], rtol=1e-12, atol=0)


def test_controller_sees_what_the_series_records(run: Path) -> None:
    """Displacements are those of the series to 1e-9 Å, velocities to 1e-4 of a thermal velocity, at every step."""
    assert_seen_as_recorded(run, thermal_speed_A_per_ps(recorded(0.2)))


def test_memory_reaches_over_segments(run: Path) -> None:
    """The work is that of forces from where the particles were 0.148 ps ago, through relaxation and every seam of segments."""
    seen, series = seen_in(run), pd.read_parquet(run / SERIES)
    place = seen["displacement_A"]
    past = place[:-DELAY_STEPS]
    coupling = np.array([[0.1], [-0.48]])
    force = np.zeros_like(place)
    force[DELAY_STEPS:] = coupling * (past[:, 1] - past[:, 0])[:, None]
    work = np.cumsum((force[1:] + force[:-1]) / 2 * np.diff(place, axis=0), axis=0)[RELAXATION_STEPS - 1 :]
    for index, side in enumerate(SIDES):
        for number, axis in enumerate("xyz"):
            expected = work[:, index, number] - work[0, index, number]
            np.testing.assert_allclose(series[f"work_{side}_{axis}_eV"], expected, rtol=0, atol=1e-10)
            assert np.ptp(expected) > 1e-5


def test_length_of_segments_is_no_physics(runs: dict[float, Path]) -> None:
    """Short and long segments give the same work as a function of time, as far as rounding lets trajectories agree."""
    short, long = (pd.read_parquet(runs[segment_ps] / SERIES) for segment_ps in (0.2, 0.8))
    assert len(segments_in(runs[0.2])) == 9
    assert len(segments_in(runs[0.8])) == 3
    for name in short.columns:
        if name.startswith(("position", "work")):
            np.testing.assert_allclose(short[name], long[name], rtol=0, atol=1e-8, err_msg=name)


def test_killed_run_remembers(thin_start: Path, tmp_path: Path) -> None:
    """Killed outright at random instants and continued, a run with random numbers gives the bytes of one left alone."""
    changes: dict[str, Any] = {"demon": {"controller": "tests.md.controllers:Noisy"}, "schedule": {"sweep_ns": 0.003}}
    study = thin_study(**changes)
    begin = started_for(study, thin_start, tmp_path / "start")
    perform(machine(study), tmp_path / "whole", Ranks(1), begin)
    write_study(tmp_path, "thin", laid_over(THIN, changes))
    generator = np.random.default_rng(4)
    killed = tmp_path / "killed"
    arguments = ("run", "thin", "kH_4.80", "1", killed, "--start", begin)
    for _ in range(2):
        enough = len(segments_in(killed)) + 2
        with start_command(tmp_path, *arguments) as process:
            wait_until(partial(reached, killed, enough), process)
            time.sleep(generator.uniform(0, 0.06))
            process.kill()
        assert not (killed / RUN).exists(), "it was over before it was killed"
    perform(machine(study), killed, Ranks(1), begin)
    assert_same_bytes(killed, tmp_path / "whole")


@pytest.mark.parametrize(("at_step", "committed"), [(-210, 0), (260, 2)])
def test_memory_that_cannot_be_told_is_refused(at_step: int, committed: int, thin_start: Path, tmp_path: Path) -> None:
    """A controller that begins to remember after its trial, without state(), is refused at the end of that segment."""
    study = thin_study(
        demon={"controller": "tests.md.controllers:Late", "controller_options": {"at_step": str(at_step)}},
        schedule={"relaxation_ps": 1, "segment_ps": 1, "sweep_ns": 0.002, "friction_ns": 0.002},
    )
    begin = started_for(study, thin_start, tmp_path / "start")
    with pytest.raises(EngineError, match=r"Late' has a memory .* but no state\(\): .* add state\(\)"):
        perform(machine(study), tmp_path / "run", Ranks(1), begin)
    assert len(segments_in(tmp_path / "run")) == committed
    assert not (tmp_path / "run" / RUN).exists()


# --- another law is another run -------------------------------------------------------------------------------------------

LAW = """
{}


class Mine:
    def __init__(self, coupling_cold_eV_per_A2, coupling_hot_eV_per_A2):
        self.cold, self.hot = coupling_cold_eV_per_A2, coupling_hot_eV_per_A2

    def forces(self, seen):
        cold, hot = seen.displacement_A
        pull = FACTOR * (hot - cold)
        return self.cold * pull, -self.hot * pull
"""


@pytest.mark.parametrize("edited", ["mine.py", "gains.py"], ids=["the law", "what it imports"])
def test_edited_law_starts_afresh(
    edited: str, thin_start: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A law whose source, or whose helper's, was edited runs again from its start, says so, and never joins the old one."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    # Edited twice within a second: Python would take a compiled file for that of the new source.
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")

    def run(factor: float, sweep_ns: float) -> tuple[str, pd.DataFrame]:
        own = f"FACTOR = {factor}"
        files = {"mine.py": own} if edited == "mine.py" else {"mine.py": "from gains import FACTOR", "gains.py": own}
        for name, line in files.items():
            Path(name).write_text(LAW.format(line) if name == "mine.py" else line, encoding="utf-8")
            sys.modules.pop(name.removesuffix(".py"), None)  # each call is a process of its own
        study = thin_study("edited", demon={"controller": "mine:Mine"}, schedule={"sweep_ns": sweep_ns})
        perform(machine(study), Path("run"), Ranks(1), Path("start"))
        return capsys.readouterr().err, pd.read_parquet(Path("run") / SERIES)

    started_for(thin_study("edited"), thin_start, Path("start"))  # a start does not depend on the law
    work = [f"work_{side}_{axis}_eV" for side in SIDES for axis in "xyz"]
    _, first = run(1.0, 0.0004)
    said, second = run(0.0, 0.0008)
    assert "controller changed: starting afresh; the older segments are kept in" in said
    assert (first[work].iloc[1:] != 0).all(axis=None)
    assert (second[work] == 0).all(axis=None), "work of the old law is in the series of the new one"
    # The old law again, and longer: its own segments are continued.
    said, third = run(1.0, 0.0008)
    assert "continuing after 3 of 5 segments" in said
    pd.testing.assert_frame_equal(third.iloc[: len(first)], first)


def test_other_options_are_another_run(thin_start: Path, tmp_path: Path) -> None:
    """What the study hands its controller reaches it, and decides the run: twice the factor does another work."""
    series = []
    for factor in ("1", "2"):
        study = thin_study(
            demon={"controller": LINEAR_IN_USE, "controller_options": {"factor": factor}},
            schedule={"sample_every_ps": 0.004},
        )
        begin = started_for(study, thin_start, tmp_path / f"start_{factor}")
        perform(machine(study), tmp_path / "run", Ranks(1), begin)
        series.append(pd.read_parquet(tmp_path / "run" / SERIES))
    assert len(list((tmp_path / "run/segments").glob("*/identity.json"))) == 2
    for times, one in zip((1, 2), series, strict=True):
        place = np.array([[one[f"position_{side}_{axis}_A"] for axis in "xyz"] for side in SIDES])
        force = times * 0.1 * (place[1] - place[0])
        work = np.cumsum((force[:, 1:] + force[:, :-1]) / 2 * np.diff(place[0]), axis=1)
        np.testing.assert_allclose(one["work_cold_y_eV"].iloc[1:], work[1], rtol=0, atol=1e-10)
