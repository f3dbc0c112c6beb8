"""The plan of a study: core-seconds and wall time of what is left, worked out by hand from a speed that is given."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from simulation.engines.ranks import Ranks
from simulation.overview.forecast import forecast, friction_of
from simulation.overview.jobs import Job, jobs
from simulation.overview.plan import core_seconds, forecast_text, wall_seconds
from simulation.overview.speed import Speed, speed_of
from simulation.perform import perform
from simulation.study.fields import Study
from simulation.study.files import check_study
from tests.md.conftest import small_study

SPEED = Speed(0.01, "a guess")


def study(ranks: int, drag: bool = False) -> Study:
    """One point of 250 + 500 + 500 steps, a friction run of as many, baths of 0 + 500; drags of 0 + 250 + 500 + 500."""
    forces = ["0.3"] if drag else []
    return small_study(
        demon={"kappa_ratios": ["4.80"]},
        drag={"forces_nN": forces, "equilibration_ps": 1, "duration_ns": 0.004},
    ).model_copy(update={"ranks": ranks})


def job_of(chosen: Study, purpose: str, results: Path) -> Job:
    """The first simulation of a purpose, of which nothing is there."""
    return next(job for job in jobs(chosen, results) if job.experiment.purpose == purpose)


@pytest.mark.parametrize("ranks", [1, 3])
def test_core_seconds_are_those_of_all_ranks(ranks: int, tmp_path: Path) -> None:
    """Steps cost what the speed says, whatever the ranks; in a drag by its share of atoms."""
    chosen = study(ranks, drag=True)
    sweep, baths, drag = (job_of(chosen, purpose, tmp_path) for purpose in ("sweep", "equilibration", "drag"))
    assert core_seconds(sweep, SPEED) == pytest.approx(12.5)
    assert core_seconds(baths, SPEED) == pytest.approx(5.0)
    share = drag.experiment.atoms / chosen.moving_atoms
    assert core_seconds(drag, SPEED) == pytest.approx(12.5 * share)


def test_wall_time_is_that_of_the_cores_side_by_side(tmp_path: Path) -> None:
    """Runs wait for their baths and share the cores; several ranks take as many; with fewer cores than ranks they still run."""
    one = jobs(study(1), tmp_path)
    assert wall_seconds(one, SPEED, 1) == pytest.approx(5.0 + 2 * 12.5)
    assert wall_seconds(one, SPEED, 2) == pytest.approx(5.0 + 12.5)
    assert wall_seconds(one, SPEED, 8) == pytest.approx(5.0 + 12.5)
    two = jobs(study(2), tmp_path)
    assert wall_seconds(two, SPEED, 4) == pytest.approx((5.0 + 12.5) / 2)
    assert wall_seconds(two, SPEED, 3) == pytest.approx((5.0 + 2 * 12.5) / 2)
    assert wall_seconds(two, SPEED, 1) == pytest.approx(5.0 + 2 * 12.5)


@pytest.mark.parametrize("ranks", [1, 3])
def test_finished_runs_tell_what_a_step_costs(ranks: int, tmp_path: Path) -> None:
    """A run on so many ranks that did so many steps a second took that many cores for them, starts and output among it."""
    chosen = check_study(
        "model",
        {
            "engine": "langevin",
            "ranks": ranks,
            "baths": {"fluid_atoms": 25280},
            "demon": {"kappa_ratios": ["4.80"]},
            "integration": {"timestep_fs": 20},
            "schedule": {"sweep_ns": 0.02, "friction_ns": 0.02, "segment_ps": 10, "trajectory_every_ps": 10},
            "drag": {"forces_nN": []},
        },
    )
    job = job_of(chosen, "sweep", tmp_path)
    perform(job.experiment, job.folder, Ranks(1))
    finished = job_of(chosen, "sweep", tmp_path)
    assert finished.record is not None
    speed = speed_of(chosen, [finished], tmp_path, Ranks(1))
    assert speed.core_s_per_step == pytest.approx(ranks / finished.record["steps_per_s"])
    assert speed.source.startswith("1 finished run of this study")


def test_points_that_are_too_short_are_named(tmp_path: Path) -> None:
    """A point without heat needs no length; a study as long as the longest of the others need has no short point."""
    chosen = small_study(demon={"kappa_ratios": ["1.2", "4.80", "12.0"]}, schedule={"sweep_ns": 0.1})
    friction = friction_of(chosen, tmp_path)
    points = forecast(chosen, friction)
    text = forecast_text(points, friction)
    assert "undecided (z below 4): 4.80, 12.0." in text
    assert re.search(r"^ +1\.2 .* - +-$", text, re.MULTILINE)
    needed = points["time_for_sign_ns"].max()
    longer = chosen.model_copy(update={"schedule": chosen.schedule.model_copy(update={"sweep_ns": 1.01 * needed})})
    assert "long enough to decide" in forecast_text(forecast(longer, friction), friction)


def test_controller_without_theory_has_no_table(tmp_path: Path) -> None:
    """With a limit of the force the plan says that nothing is predicted."""
    chosen = small_study(demon={"kappa_ratios": ["4.80"], "feedback": {"force_limit_eV_per_A": 0.1}})
    friction = friction_of(chosen, tmp_path)
    assert forecast_text(forecast(chosen, friction), friction).startswith("No heat is predicted")
