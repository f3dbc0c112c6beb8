"""MPI in earnest: one and two ranks give the same physics, and what goes wrong on one of them ends all."""

from __future__ import annotations

import signal
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from simulation.engines.ranks import EngineError, Ranks
from simulation.experiments.base import Experiment
from simulation.perform import perform
from simulation.storage.files import LOG, RUN, SERIES
from simulation.study.section import SIDES
from tests.md.command import command, start_command, wait_until, write_study
from tests.md.conftest import (
    SMALL,
    THIN,
    laid_over,
    machine,
    made_at,
    record_of,
    segments_in,
    small_study,
    started_for,
    thin_study,
)
from tests.md.seen import assert_seen_as_recorded, thermal_speed_A_per_ps

pytestmark = pytest.mark.md

FIRST_STEPS = 100
SECONDS = 30.0  # far below the patience of MPI, far above what ending takes


def residuals(experiment: Experiment, folder: Path) -> dict[str, float]:
    """Rms of the energy balance of each side, eV."""
    series = pd.read_parquet(folder / SERIES)
    return {found.side: float(found.residual_eV.std()) for found in experiment.balances(series)}


def on_two_ranks(folder: Path, baths: Path, before: str = "", **changes: Any) -> tuple[str | Path, ...]:
    """Arguments of a run of the thin study, for the command, in a folder where all that it needs is."""
    data = laid_over(THIN, {"ranks": 2} | changes)
    write_study(folder, "thin", data)
    started_for(thin_study(**{"ranks": 2} | changes), baths, folder / "start")
    return ("run", "thin", "kH_4.80", "1", folder / "run", "--start", folder / "start")


# --- the same physics ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def runs(start: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The same run on one and on two ranks, from one restart file: 100 steps of relaxation and 2 ps, each step seen."""
    changes: dict[str, Any] = {
        "schedule": {"relaxation_ps": 0.4, "sample_every_ps": 0.004, "sweep_ns": 0.002, "friction_ns": 0.002},
        "demon": {"controller": "tests.md.controllers:Recorder"},
    }
    folder = tmp_path_factory.mktemp("ranks")
    study = small_study(**changes)
    perform(machine(study), folder / "one", Ranks(1), started_for(study, start, folder / "start"))
    write_study(folder, "small", laid_over(SMALL, {"ranks": 2} | changes))
    result = command(folder, "run", "small", "kH_4.80", "1", "two", "--start", "start", ranks=2)
    assert result.returncode == 0, result.stderr
    return [folder / "one", folder / "two"]


def test_first_steps_are_equal_to_rounding(runs: list[Path]) -> None:
    """From one state, two ranks take the first steps that one takes: sums over ranks, in another order, round otherwise."""
    one, two = (pd.read_parquet(folder / SERIES).iloc[: FIRST_STEPS + 1] for folder in runs)
    assert list(one["step"]) == list(two["step"]) == list(range(FIRST_STEPS + 1))
    assert np.ptp(one["position_cold_x_A"]) > 1e-3, "the particle hardly moved: nothing was compared"
    for name in one.columns:
        scale = max(float(np.abs(one[name]).max()), 1.0)
        # 100 steps of relaxation lie before: chaos has had time for a few digits.
        assert np.abs(one[name] - two[name]).max() < 1e-10 * scale, name


def test_energy_closes_and_heats_agree(runs: list[Path]) -> None:
    """The first law closes on one and on two ranks, and the heats agree to far below what they fluctuate by."""
    for folder in runs:
        assert max(residuals(machine(small_study()), folder).values()) < 0.02
    series = [pd.read_parquet(folder / SERIES) for folder in runs]
    for side in SIDES:
        heat = [one[f"thermostat_{side}_eV"] + one[f"energy_{side}_eV"] - one[f"energy_{side}_eV"][0] for one in series]
        fluctuation = float(heat[0].diff().std())
        assert fluctuation > 0
        assert np.abs(heat[0] - heat[1]).max() < 1e-3 * fluctuation


def test_controller_sees_the_same_on_two_ranks(runs: list[Path]) -> None:
    """On one rank and on two, with atoms of a particle on both, it sees the places and velocities that the series has."""
    for folder in runs:
        assert_seen_as_recorded(folder, thermal_speed_A_per_ps(small_study()))


def test_change_of_ranks_continues(thin_start: Path, tmp_path: Path) -> None:
    """How many ranks a run has is no physics: begun on one, it is lengthened on two, and its record names both."""
    short = thin_study()
    perform(machine(short), tmp_path / "run", Ranks(1), started_for(short, thin_start, tmp_path / "before"))
    before = made_at(tmp_path / "run")
    arguments = on_two_ranks(tmp_path, thin_start, schedule={"sweep_ns": 0.0008})
    result = command(tmp_path, *arguments, ranks=2)
    assert result.returncode == 0, result.stderr
    assert "continuing after 3 of 5 segments" in result.stderr
    after = made_at(tmp_path / "run")
    assert len(after) == 5
    assert after.items() >= before.items(), "a segment was run again"
    assert record_of(tmp_path / "run")["ranks"] == [1, 2]


# --- one controller for all -----------------------------------------------------------------------------------------------


def test_random_controller_pushes_alike_on_every_rank(thin_start: Path, tmp_path: Path) -> None:
    """Of a controller with random numbers only the root's acts: the work that is recorded closes the balance."""
    changes: dict[str, Any] = {
        "demon": {"controller": "tests.md.controllers:OfItsRank"},
        "schedule": {"sweep_ns": 0.002, "friction_ns": 0.002, "sample_every_ps": 0.004},
    }
    result = command(tmp_path, *on_two_ranks(tmp_path, thin_start, **changes), ranks=2)
    assert result.returncode == 0, result.stderr
    linear = thin_study(schedule=changes["schedule"])
    perform(machine(linear), tmp_path / "linear", Ranks(1), started_for(linear, thin_start, tmp_path / "its_start"))
    ours, theirs = (residuals(machine(linear), tmp_path / name) for name in ("run", "linear"))
    work = pd.read_parquet(tmp_path / "run" / SERIES).filter(regex="^work_hot_._eV$")
    assert len(work.columns) == 3
    for side in SIDES:
        assert ours[side] < 2 * theirs[side] + 1e-4
        assert ours[side] < 0.1 * np.ptp(work, axis=0).max(), "hardly any work was done, so nothing was tested"


# --- a failure on one rank ends all ---------------------------------------------------------------------------------------


def test_wrong_mpiexec_is_noticed() -> None:
    """A study for two ranks started as a plain process stops with a sentence instead of running serial copies."""
    with pytest.raises(EngineError, match="needs 2 MPI ranks, but this process sees 1"):
        Ranks(2)


@pytest.mark.parametrize(
    ("way", "words", "committed"),
    [
        ("raise", "Failing' failed at step 250: KeyError: 'no such gain'", 5),
        ("strong", "Å from its trap centre, as far as the bath reaches: make trap.stiffness_eV_per_A2 larger", 6),
    ],
)
def test_failure_that_the_root_knows_ends_all_ranks(
    way: str, words: str, committed: int, thin_start: Path, tmp_path: Path
) -> None:
    """An exception of the controller, or a particle out of its trap: one message, at once, and committed segments stay."""
    changes: dict[str, Any] = {
        "demon": {"controller": "tests.md.controllers:Failing", "controller_options": {"way": way}},
        "schedule": {"sweep_ns": 0.002, "friction_ns": 0.002},
    }
    arguments = on_two_ranks(tmp_path, thin_start, **changes)
    result = command(tmp_path, *arguments, ranks=2, timeout_s=SECONDS)
    assert result.returncode != 0
    assert "Traceback" not in result.stderr, result.stderr
    told = [line for line in result.stderr.splitlines() if line.startswith("nanofridge: ")]
    assert told
    assert words in told[0]
    assert len(segments_in(tmp_path / "run")) == committed
    assert not (tmp_path / "run" / RUN).exists()


BROKEN_RANK = """
import time
from simulation.control.callback import DemonCallback
from simulation.segments import stop
stop.GRACE_S = 1.0
act = DemonCallback._act
def broken(self, step, *arguments):
    if not self.ranks.is_root and step - self.first_step == 120:
        {}
    act(self, step, *arguments)
DemonCallback._act = broken
"""


def test_failure_of_another_rank_ends_all(thin_start: Path, tmp_path: Path) -> None:
    """What a rank raises that is not the root ends all of them at once, and is told."""
    before = BROKEN_RANK.format("raise RuntimeError('the rank is broken')")
    arguments = on_two_ranks(tmp_path, thin_start, schedule={"sweep_ns": 0.002, "friction_ns": 0.002})
    result = command(tmp_path, *arguments, ranks=2, before=before, timeout_s=SECONDS)
    assert result.returncode != 0
    assert "RuntimeError: the rank is broken" in result.stderr
    assert len(segments_in(tmp_path / "run")) == 3
    assert not (tmp_path / "run" / RUN).exists()


def test_rank_that_hangs_does_not_outlive_a_signal(thin_start: Path, tmp_path: Path) -> None:
    """While one rank hangs and the others wait for it, deaf, SIGTERM ends all of them within the time of grace."""
    before = BROKEN_RANK.format(f"open({str(tmp_path / 'hangs')!r}, 'w').close(); time.sleep(600)")
    arguments = on_two_ranks(tmp_path, thin_start, schedule={"sweep_ns": 0.002, "friction_ns": 0.002})
    with start_command(tmp_path, *arguments, ranks=2, before=before) as process:
        wait_until((tmp_path / "hangs").exists, process)
        told = time.monotonic()
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=SECONDS)
    assert time.monotonic() - told < 10
    assert process.returncode != 0
    assert len(segments_in(tmp_path / "run")) == 3


def test_one_rank_is_one_thread(thin_start: Path, tmp_path: Path) -> None:
    """A launcher that asks for threads is not heard: each rank would take cores that other runs have."""
    arguments = on_two_ranks(tmp_path, thin_start)
    result = command(tmp_path, *arguments, ranks=2, OMP_NUM_THREADS="4")
    assert result.returncode == 0, result.stderr
    log = (tmp_path / "run" / LOG).read_text(encoding="utf-8")
    assert "2 MPI tasks x 1 OpenMP threads" in log
    assert "using 1 OpenMP thread(s) per MPI task" in log
