"""The plan of a study: core-seconds and wall time of what is left, worked out by hand from a speed that is given."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from simulation.engines.ranks import Ranks
from simulation.engines.site import Site
from simulation.experiments import decks, experiment_at
from simulation.experiments.base import Piece
from simulation.experiments.machine import Machine
from simulation.overview import plan
from simulation.overview import speed as overview_speed
from simulation.overview.forecast import forecast, friction_of
from simulation.overview.jobs import Job, jobs
from simulation.overview.plan import core_seconds, disk_bytes, forecast_text, wall_seconds
from simulation.overview.speed import Speed, speed_of
from simulation.perform import perform
from simulation.storage.files import RUN
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


def test_filling_a_bath_is_counted(tmp_path: Path) -> None:
    """With a stated pressure: every step that the deck takes from the first measurement on, before equilibration or a drag."""
    data = {"walls": "none", "accessible_density_per_nm3": None, "pressure_bar": 100}
    chosen = small_study(
        baths=data, schedule={"filling_ps": 8}, drag={"forces_nN": ["0.3"], "equilibration_ps": 1, "duration_ns": 0.004}
    )
    for purpose in ("equilibration", "drag"):
        job = job_of(chosen, purpose, tmp_path)
        _, _, filling = job.experiment.stage_decks()[0].partition("add or remove fluid atoms")
        taken = [int(steps) for steps in re.findall(r"^run +(\d+)$", filling, re.MULTILINE)]
        assert len(taken) == 15
        assert job.left == job.steps == sum(piece.steps for piece in job.experiment.pieces()) + sum(taken)
    assert job_of(chosen, "sweep", tmp_path).steps == job_of(study(1), "sweep", tmp_path).steps


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
    """With a limit of the force the plan says that nothing is predicted; so it does of moving traps behind a loop."""
    motion = {"motion_hot": [{"amplitude_A": 0.5, "period_ps": 2}]}
    for feedback, trap, is_known in (
        ({"delay_ps": 0.04}, motion, False),
        ({"delay_ps": 0.04}, {}, True),
        ({}, motion, True),
    ):
        chosen = small_study(demon={"kappa_ratios": ["4.80"], "feedback": feedback}, trap=trap)
        assert forecast(chosen, friction_of(chosen, tmp_path)).empty != is_known
    chosen = small_study(demon={"kappa_ratios": ["4.80"], "feedback": {"force_limit_eV_per_A": 0.1}})
    friction = friction_of(chosen, tmp_path)
    assert forecast_text(forecast(chosen, friction), friction).startswith("No heat is predicted")


def test_disk_space_is_that_of_rows_frames_and_states(tmp_path: Path) -> None:
    """1000 measured steps: 40 rows and log lines, 4 frames, both twice; of 3 segments 2.3 restart files and 3 topologies."""
    job = job_of(study(1), "sweep", tmp_path)
    columns, atoms = len(job.experiment.columns()), job.experiment.atoms
    rows = 2 * 40 * (8 * columns + 60)
    frames, states = 2 * 4 * 12 * atoms, (2.3 * 120 + 3 * 150) * atoms
    assert disk_bytes(job) == pytest.approx(rows + frames + states)
    exact = check_study("model", {"engine": "langevin", "baths": {"fluid_atoms": 25280}})
    series = job_of(exact, "friction", tmp_path)
    # 15 ns; its relaxation is not sampled.
    assert disk_bytes(series) == pytest.approx(8 * len(series.experiment.columns()) * 150_000)


def finish(job: Job) -> None:
    """A record, as if the job was done, at 50 steps per second."""
    job.folder.mkdir(parents=True)
    record = {
        "fingerprint": job.experiment.fingerprint,
        "duration_ps": job.experiment.duration_ps,
        "steps_per_s": 50.0 * job.experiment.replica,
    }
    (job.folder / RUN).write_text(json.dumps(record), encoding="utf-8")


def table_of(text: str, first: str) -> dict[str, list[str]]:
    """Rows of a table in a plan, by the words that they begin with, below the header that begins with these."""
    table = next(part for part in text.split("\n\n") if part.lstrip().startswith(first))
    lines = table.splitlines()[2:]
    return {re.split(r" {2,}", line.strip())[0]: re.split(r" {2,}", line.strip())[1:] for line in lines}


@pytest.mark.parametrize("cores", [1, 4])
def test_plan_tells_what_is_left_and_what_it_takes(
    cores: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Printed, as text and as JSON: jobs by kind and those to do, core-hours, GB, wall time, speed, and the forecast."""
    chosen = small_study(
        demon={"kappa_ratios": ["1.2", "4.80"]}, schedule={"sweep_replicas": 2, "sweep_ns": 40}, drag={"forces_nN": []}
    )
    for job in jobs(chosen, tmp_path):
        if job.experiment.point == "kH_1.2":
            finish(job)
    made = jobs(chosen, tmp_path)
    monkeypatch.setattr(plan, "speed_of", lambda *_: SPEED)
    plan.make_plan(chosen, tmp_path, Ranks(1), cores)
    text = capsys.readouterr().out
    assert text == (tmp_path / "small" / "plan.txt").read_text(encoding="utf-8")
    content = json.loads((tmp_path / "small" / "plan.json").read_text(encoding="utf-8"))
    assert text.startswith("Study small: 4 of 6 simulations to do\n")
    rows, sums = table_of(text, "simulations"), {"jobs": 0, "to_do": 0, "core_hours": 0.0, "disk_bytes": 0.0}
    for purpose, count, left in (("equilibration", 1, 1), ("friction", 1, 1), ("sweep", 4, 2)):
        own = [job for job in made if job.experiment.purpose == purpose]
        steps = {"equilibration": 500, "friction": 1250, "sweep": 2 * 10_000_250}[purpose]
        cost = {
            "jobs": count,
            "to_do": left,
            "core_hours": 0.01 * steps / 3600,
            "disk_bytes": sum(map(disk_bytes, own)),
        }
        told = next(row for row in content["simulations"] if row["purpose"] == purpose)
        assert told == pytest.approx(cost | {"purpose": purpose})
        sums = {key: sums[key] + value for key, value in cost.items()}
        assert rows[purpose] == [f"{count}", f"{left}", f"{cost['core_hours']:.3g}", f"{cost['disk_bytes'] / 1e9:.3g}"]
    shown = [float(number) for number in rows["all simulations"]]
    assert shown == pytest.approx([6, 4, sums["core_hours"], sums["disk_bytes"] / 1e9], rel=6e-3)
    hours = 0.01 * (500 + 1250 + 2 * 10_000_250 if cores == 1 else 500 + 10_000_250) / 3600
    assert content["wall_time_s"] == pytest.approx(3600 * hours)
    assert (content["cores"], content["speed"]) == (cores, {"core_s_per_step": 0.01, "source": "a guess"})
    said = " ".join(text.split())
    on = "one core" if cores == 1 else "4 cores"
    time = f"{hours / 24:.1f} days" if hours > 48 else f"{hours:.1f} h"
    assert f"Speed: 100 steps per second and core: a guess. Simulations take {time} or more on {on};" in said
    assert "more than the available cores" not in said
    # The forecast, by number.
    points = forecast(chosen, friction_of(chosen, tmp_path))
    assert (content["study"], content["friction"]) == ("small", friction_of(chosen, tmp_path).source)
    assert [row["kappa_ratio"] for row in content["points"]] == ["1.2", "4.80"]
    assert [row["z_hot"] for row in content["points"]] == pytest.approx(points["z_hot"].tolist(), abs=1e-9)
    heats = table_of(text, "κ_H/κ_C")
    for row in points.to_dict("records"):
        words = heats[str(row["kappa_ratio"])]
        values = [word.replace("−", "-") for word in words]
        assert float(values[0]) == pytest.approx(40)
        for place, side in ((1, "cold"), (3, "hot")):
            heat, error = map(float, values[place].split(" ± "))
            assert heat == pytest.approx(row[f"heat_{side}_eV_per_ns"], abs=6e-4)
            assert error == pytest.approx(row[f"se_{side}_eV_per_ns"], abs=6e-4)
            assert float(values[place + 1]) == pytest.approx(row[f"z_{side}"], abs=0.06)
        for place, name in ((5, "time_for_sign_ns"), (6, "time_for_10_percent_ns")):
            wanted = row[name]
            assert (
                values[place] == "-" if math.isnan(wanted) else float(values[place]) == pytest.approx(wanted, rel=6e-3)
            )
    assert f"(axes × replicas: 6; z: heat over error; friction: {friction_of(chosen, tmp_path).source})" in said
    # Its particles' positions decay in 27 ps.
    assert "Friction runs of 0.004 ns are too short for the prediction by linear response" in said
    assert "schedule.friction_ns must be at least 0.19." in said


def test_plan_says_when_ranks_are_more_than_cores(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """They then share one; a run of the exact model costs nothing that is counted."""
    monkeypatch.setattr(plan, "speed_of", lambda *_: SPEED)
    plan.make_plan(study(3), tmp_path, Ranks(1), 2)
    assert "Each simulation has 3 MPI ranks, more than the available cores." in capsys.readouterr().out
    monkeypatch.undo()
    exact = check_study("model", {"engine": "langevin", "baths": {"fluid_atoms": 25280}})
    plan.make_plan(exact, tmp_path, Ranks(1), 2)
    said = capsys.readouterr().out
    assert "Speed: a run of the exact model takes seconds, which are not counted." in said
    assert "or more on" not in said
    assert "too short" not in said


# --- speed ------------------------------------------------------------------------------------------------------------


def test_speed_is_the_median_of_finished_runs(tmp_path: Path) -> None:
    """Of those of the machine, at 50, 100 and 150 steps per second; baths and drags, at 50 each, are other systems."""
    chosen = small_study(demon={"kappa_ratios": ["4.80"]}, schedule={"sweep_replicas": 3})
    for job in jobs(chosen, tmp_path):
        if job.experiment.purpose != "friction":
            finish(job)
    speed = speed_of(chosen, jobs(chosen, tmp_path), tmp_path, Ranks(1))
    assert speed == Speed(1 / 100, "3 finished runs of this study, on any machine")


def test_a_speed_that_was_measured_is_kept_for_the_same_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On the same machine with the same settings; anything else is measured anew, at the last point of the study."""
    asked: list[str] = []

    def probe(run: Machine, _: Ranks) -> Speed:
        asked.append(run.point)
        return Speed(0.001 * len(asked), f"probe {len(asked)}")

    monkeypatch.setattr(overview_speed, "_probe", probe)
    monkeypatch.setattr(overview_speed, "lammps_build", lambda: "one")
    chosen = small_study(drag={"forces_nN": []})

    def found(chosen: Study = chosen, site: Site | None = None, ranks: int = 1) -> Speed:
        called = Ranks(1, site)
        called.wanted = ranks
        return speed_of(chosen, jobs(chosen, tmp_path), tmp_path, called)

    assert [found(), found()] == [Speed(0.001, "probe 1")] * 2
    assert asked == ["kH_4.80"]
    assert found(site=Site(threads=2)) == Speed(0.002, "probe 2")
    monkeypatch.setattr(overview_speed, "_machine", lambda: "another")
    assert found(site=Site(threads=2)).source == "probe 3"
    monkeypatch.setattr(overview_speed, "lammps_build", lambda: "two")
    assert found(site=Site(threads=2)).source == "probe 4"
    larger = small_study(baths={"edge_nm": 4.0}, drag={"forces_nN": []})
    assert found(larger, Site(threads=2)).source == "probe 5"
    assert found(larger, Site(threads=2)).source == "probe 5"
    assert found(larger, Site(threads=2), ranks=2).source == "probe 6"
    # Whatever is in the file, another key is another system.
    cache = tmp_path / "small" / "speed.json"
    cache.write_text(json.dumps({"core_s_per_step": 1.0, "source": "of long ago"}), encoding="utf-8")
    assert found(larger, Site(threads=2), ranks=2).source == "probe 7"


def test_another_machine_is_told_by_its_name_its_cores_and_its_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that differs in any of these has a speed of its own."""
    own = overview_speed._machine()
    assert own == overview_speed._machine()
    for place, answer in (
        ("platform.node", "another"),
        ("os.cpu_count", 4711),
        ("pathlib.Path.read_text", "model name\t: Z80 @ 4 MHz\nmodel name\t: Z80\n"),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(place, lambda *_, answer=answer, **__: answer)
            other = overview_speed._machine()
        assert other != own
        assert str(answer).split("\n")[0].removeprefix("model name\t: ") in other


@pytest.mark.parametrize("ranks", [1, 2])
@pytest.mark.parametrize("looks", [2, 6])
def test_probe_counts_processor_time_of_all_ranks_after_the_start(
    looks: int, ranks: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the first look on, 250 steps each second; of a segment that is over at once, from its start. It stops after 3 s."""
    clock = iter([0.0, *(2.0 + number for number in range(100))])  # the start of LAMMPS takes 2 s
    monkeypatch.setattr(overview_speed, "time", SimpleNamespace(thread_time=lambda: next(clock)))
    told: list[str] = []

    @contextmanager
    def nothing(*_: Any) -> Iterator[None]:
        yield

    def run_piece(
        run: Machine, piece: Piece, restart: str, folder: Path, *_: Any, on_look: Callable[[int], None]
    ) -> None:
        assert (piece.is_measured, restart, folder.name) == (True, "../build/end.restart", "probe")
        for look in range(1, looks):
            on_look(250 * look)

    beside: list[tuple[str, str]] = []

    @contextmanager
    def files_of_decks(study: Study, folder: Path, _: Ranks) -> Iterator[None]:
        beside.append((study.name, folder.name))
        yield

    monkeypatch.setattr(overview_speed, "files_of_decks", files_of_decks)
    monkeypatch.setattr(overview_speed, "open_lammps", nothing)
    monkeypatch.setattr(overview_speed, "tell", lambda _, commands: told.append(commands))
    monkeypatch.setattr(overview_speed, "run_piece", run_piece)
    called = Ranks(1)
    called.wanted = ranks
    run = experiment_at(small_study(), "kH_4.80", 1)
    assert isinstance(run, Machine)
    speed = overview_speed._probe(run, called)
    assert "melt" not in " ".join(decks.statements(told[0]))
    assert told[1] == "write_restart end.restart\n"
    assert beside == [("small", "build")], "a build may read the files of the study"
    assert speed.core_s_per_step == pytest.approx(ranks * (2.0 / 250 if looks == 2 else 4.0 / 1000))
    cores = "2 cores" if ranks == 2 else "one core"
    steps = 250 if looks == 2 else 1000
    assert (
        speed.source == f"{steps} steps of the deck of this study, measured on {cores} of {overview_speed._machine()}"
    )
    assert next(clock) == (3.0 if looks == 2 else 7.0), "it was left after 3 s"
