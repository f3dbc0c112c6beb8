"""Status: what is said of a simulation follows from its records, checkpoints, lock and log, in every state."""

from __future__ import annotations

import json
import os
import re
import time
from pathlib import Path

import pytest

from simulation.engines.ranks import Ranks
from simulation.overview import jobs as overview_jobs
from simulation.overview.jobs import Job, jobs
from simulation.overview.plan import make_plan
from simulation.overview.status import State, Status, status_of, status_text
from simulation.segments.checkpoint import LOCK, RECORD
from simulation.storage import lock
from simulation.storage.files import RUN
from simulation.study.fields import Study, StudyError
from simulation.study.files import check_study
from tests.md.conftest import small_study

CONTINUES = "the same command continues it"


@pytest.fixture
def study() -> Study:
    """Two segments of 500 steps after a relaxation of 250, at one point."""
    return small_study(demon={"kappa_ratios": ["4.80"]}, drag={"forces_nN": []})


@pytest.fixture
def job(study: Study, tmp_path: Path) -> Job:
    """The sweep run, of which nothing is there."""
    found = jobs(study, tmp_path)[-1]
    assert found.name == "kH_4.80 replica 1"
    assert found.folder == tmp_path / "small/sweep/kH_4.80/replica_1"
    assert found.steps == 1250
    return found


def commit(job: Job, count: int) -> None:
    """Lay down the first `count` segments, as far as status looks at them."""
    assert job.segments is not None
    for index in range(count):
        folder = job.segments.folder / f"{index:04d}"
        folder.mkdir(parents=True)
        (folder / RECORD).write_text("{}")


def say(job: Job, words: str) -> None:
    """What the rule's command printed."""
    job.log.parent.mkdir(parents=True, exist_ok=True)
    job.log.write_text(words)


def test_waiting_then_done(job: Job, tmp_path: Path) -> None:
    """Nothing there: waiting. A record of the study's parameters and length: done; of others: waiting, and told."""
    assert status_of(job).state is State.WAITING
    job.folder.mkdir(parents=True)
    fingerprint = job.experiment.fingerprint

    def looked_at(record: dict[str, object]) -> Status:
        (job.folder / RUN).write_text(json.dumps(record))
        return status_of(Job(job.experiment, tmp_path))

    done = looked_at({"fingerprint": fingerprint, "duration_ps": 4.0})
    assert (done.state, done.share) == (State.DONE, 1.0)
    for other in ({"fingerprint": "0", "duration_ps": 4.0}, {"fingerprint": fingerprint, "duration_ps": 2.0}):
        status = looked_at(other)
        assert status.state is State.WAITING
        assert "other parameters or another length" in status.remark


def test_what_is_shipped_is_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs that the project ships, dragged particles among them, are copied: they count as done, and need no start."""
    study, results = small_study(demon={"kappa_ratios": ["4.80"]}), tmp_path / "results"
    monkeypatch.setattr(overview_jobs, "SHIPPED", tmp_path / "reference")
    before = jobs(study, results)
    assert before[0].experiment.kind == "baths"
    assert {job.experiment.purpose for job in before[1:]} == {"friction", "sweep", "drag"}
    for job in before[1:]:
        shipped = tmp_path / "reference" / job.folder.relative_to(results) / RUN
        shipped.parent.mkdir(parents=True)
        experiment = job.experiment
        record = {"fingerprint": experiment.fingerprint, "duration_ps": experiment.duration_ps, "format": 2}
        shipped.write_text(json.dumps(record | {"settings": study.model_dump(mode="json")}))
    after = jobs(study, results)
    assert [job.name for job in after] == [job.name for job in before[1:]]
    assert {status_of(job).state for job in after} == {State.DONE}
    # The workflow would refuse these runs for a study of the same name with another step.
    changed = small_study(demon={"kappa_ratios": ["4.80"]}, integration={"timestep_fs": 2.0})
    found = [status_of(job) for job in jobs(changed, results)]
    assert {(each.state, each.share) for each in found} == {(State.FAILED, 0.0)}
    made, wanted = study.integration.timestep_fs, 2.0
    why = f"reference/small was made with integration.timestep_fs = {made} (the study says {wanted}): give the changed study"
    assert all(each.remark.startswith(why) for each in found)
    with pytest.raises(StudyError) as refused:
        make_plan(changed, results, Ranks(1), 1)
    assert [problem.startswith(why) for problem in refused.value.problems] == [True]


def test_running_only_while_its_lock_is_held(job: Job) -> None:
    """The same files are a run at 72 % with the speed that it last printed while its lock is held, interrupted otherwise."""
    assert job.segments is not None
    commit(job, 2)
    with lock.held(job.segments.root / LOCK):
        progress = "small kH_4.80 replica 1:  {} % (measuring), {} ns/day, {} left\n"
        say(job, progress.format(65, 20, "9 s") + progress.format(72, 17, "2 min"))
        status = status_of(job)
        assert (status.state, status.share, status.ns_per_day, status.left) == (State.RUNNING, 0.72, "17", "2 min")
        assert status.remark.startswith(f"process {os.getpid()} of ")
        # What an earlier process printed is not the speed of this one.
        os.utime(job.log, (time.time() - 60,) * 2)
        status = status_of(job)
        assert (status.state, status.share, status.ns_per_day, status.left) == (State.RUNNING, 0.6, "", "")
    interrupted = status_of(job)
    assert (interrupted.state, interrupted.share) == (State.INTERRUPTED, 0.6)
    assert "the same command continues it" in interrupted.remark


@pytest.mark.parametrize(
    ("said", "state", "remark"),
    [
        (
            "small kH_4.80 replica 1:  30 % (measuring), 9 ns/day, 2 s left\nnanofridge: LAMMPS stopped: Lost atoms\n",
            State.FAILED,
            "LAMMPS stopped: Lost atoms",
        ),
        (
            "nanofridge: study 'small' cannot run:\n  - baths: wrong\n  - trap: wrong\nmpiexec: rank 0 aborted\n",
            State.FAILED,
            "study 'small' cannot run: - baths: wrong - trap: wrong",
        ),
        ("Traceback (most recent call last):\n  File x\nMemoryError: no\n", State.FAILED, "MemoryError: no"),
        ("small kH_4.80 replica 1: stopped by SIGTERM; the same command continues\n", State.INTERRUPTED, CONTINUES),
        ("small kH_4.80 replica 1:  30 % (measuring), 9 ns/day, 2 s left\n", State.INTERRUPTED, CONTINUES),
        ("", State.INTERRUPTED, CONTINUES),
    ],
    ids=["failed", "all problems", "crashed", "stopped", "killed", "killed at once"],
)
def test_error_in_the_log_is_the_reason(job: Job, said: str, state: State, remark: str) -> None:
    """A run that nobody runs failed with the error in its log, or was interrupted if there is none."""
    say(job, said)
    commit(job, 1)
    status = status_of(job)
    assert status.state is state
    assert status.remark.startswith(remark)
    assert status.share == pytest.approx(250 / 1250)


def test_log_that_is_read_is_that_of_the_rule(study: Study, tmp_path: Path) -> None:
    """Of every kind of simulation, baths, friction and sweep, where the workflow has its rule write it."""
    rules = (Path(__file__).parents[2] / "workflow/rules/simulate.smk").read_text(encoding="utf-8")
    patterns = re.findall(r'"results/(\{study\}/logs/\S+/replica_\S+)"', rules)
    for job in jobs(study, tmp_path):
        *group, replica = Path(job.experiment.folder).parts[1:]
        names = {"study": "small", "group": "/".join(group), "replica": replica.removeprefix("replica_")}
        fitting = [each for each in patterns if ("{group}" in each) != (group == ["equilibrated"])]
        assert [tmp_path / each.format(**names) for each in fitting] == [job.log]


def test_table_has_a_row_for_each_simulation(study: Study, job: Job, tmp_path: Path) -> None:
    """Its state, the share of its steps in percent, and while it runs its speed and the time that is left."""
    assert job.segments is not None
    commit(job, 1)

    def rows() -> dict[str, list[str]]:
        lines = status_text(study, tmp_path, []).splitlines()
        return {words[0]: words[1:] for line in lines[4:] if len(words := re.split(r" {2,}", line.strip())) > 1}

    interrupted = rows()
    assert interrupted["kH_4.80 replica 1"] == ["interrupted", "20 %", CONTINUES]
    assert interrupted["friction replica 1"] == interrupted["equilibrated replica 1"] == ["waiting", "0 %"]
    with lock.held(job.segments.root / LOCK):
        say(job, "small kH_4.80 replica 1:  65 % (measuring), 20 ns/day, 9 s left\n")
        assert rows()["kH_4.80 replica 1"][:4] == ["running", "65 %", "20", "9 s"]
        head = status_text(study, tmp_path, []).splitlines()
    assert head[0].startswith("Study small, ")
    assert head[0].endswith(": 1 running, 2 waiting of 3 simulations")
    assert head[-1] == "No Snakemake is running for it."
    with lock.held(tmp_path / "small" / ".lock"):
        assert f"\nRunning Snakemake: process {os.getpid()} of " in status_text(study, tmp_path, [])


def test_failed_analysis_is_named_with_its_error(study: Study, job: Job, tmp_path: Path) -> None:
    """The error in the log of a rule is shown until its next attempt empties that log, or every result exists."""
    heat = tmp_path / "small/sweep/kH_4.80/heat.json"
    log = tmp_path / "small/logs/sweep/kH_4.80/measure.log"
    say(job, "nanofridge: of a simulation, which is in the table\n")
    log.write_text("Traceback (most recent call last):\n  File x\nValueError: no heat\n")
    text = " ".join(status_text(study, tmp_path, [heat]).split())
    assert "0 of 1 present missing: sweep/*/heat.json failed" in text
    assert f"failed, see {log}: ValueError: no heat" in text
    assert text.count("failed, see") == 1
    log.write_text("")
    assert "failed, see" not in status_text(study, tmp_path, [heat])
    log.write_text("nanofridge: too few blocks\n")
    assert "too few blocks" in status_text(study, tmp_path, [heat])
    heat.parent.mkdir(parents=True)
    heat.touch()
    text = status_text(study, tmp_path, [heat])
    assert "1 of 1 present" in text
    assert "too few blocks" not in text


def test_unfinished_runs_of_the_exact_model_wait(tmp_path: Path) -> None:
    """They keep no lock and no segments: one that has begun is waiting until it is done, or failed."""
    study = check_study(
        "exact",
        {
            "engine": "langevin",
            "baths": {"fluid_atoms": 25280},
            "demon": {"kappa_ratios": ["4.80"]},
            "drag": {"forces_nN": []},
        },
    )
    run = jobs(study, tmp_path)[-1]
    say(run, "")
    assert status_of(run).state is State.WAITING
    say(run, "nanofridge: no steady state\n")
    assert status_of(run).state is State.FAILED
