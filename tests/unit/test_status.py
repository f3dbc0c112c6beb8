"""Status: what is said of a simulation follows from its records, checkpoints, lock and log, in every state."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from simulation.overview import jobs as overview_jobs
from simulation.overview.jobs import Job, jobs
from simulation.overview.status import State, Status, status_of, status_text
from simulation.segments.checkpoint import LOCK, RECORD
from simulation.storage import lock
from simulation.storage.files import RUN
from simulation.study.fields import Study
from simulation.study.files import check_study
from tests.md.conftest import small_study

STEPS = "   Step          Time           Temp    \n"


@pytest.fixture
def study() -> Study:
    """Two segments of 500 steps after a relaxation of 250, at one point."""
    return small_study(demon={"kappa_ratios": ["4.80"]}, drag={"forces_nN": []})


@pytest.fixture
def job(study: Study, tmp_path: Path) -> Job:
    """The sweep run, of which nothing is there."""
    found = jobs(study, tmp_path)[-1]
    assert found.name == "kH_4.80 replica 1"
    assert found.steps == [250, 500, 500]
    return found


def commit(job: Job, count: int) -> None:
    """Lay down the first `count` segments, as far as status looks at them."""
    assert job.segments is not None
    for index in range(count):
        folder = job.segments.folder / f"{index:04d}"
        folder.mkdir(parents=True)
        (folder / RECORD).write_text("{}")


def begin(job: Job, index: int, steps: range) -> None:
    """LAMMPS's log of a segment that is being run, with a line per entry of `steps`."""
    assert job.segments is not None
    folder = job.segments.folder / f"{index:04d}.part"
    folder.mkdir(parents=True)
    rows = "".join(f"{step:>7}   {step * 0.004:.6g}   100.1\n" for step in steps)
    (folder / "log.lammps").write_text("units metal\nthermo_style custom step time\n" + STEPS + rows)


def say(job: Job, words: str) -> None:
    """What the rule's command printed."""
    job.log.parent.mkdir(parents=True, exist_ok=True)
    job.log.write_text(words)


def test_waiting_then_done(job: Job, tmp_path: Path) -> None:
    """Nothing there: waiting. A record of the study's parameters and length: done; of others: waiting, and told."""
    assert status_of(job, tmp_path / ".lock").state is State.WAITING
    job.folder.mkdir(parents=True)
    fingerprint = job.experiment.fingerprint

    def looked_at(record: dict[str, object]) -> Status:
        (job.folder / RUN).write_text(json.dumps(record))
        return status_of(Job(job.experiment, tmp_path), tmp_path / ".lock")

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
        shipped.write_text("{}")
    after = jobs(study, results)
    assert [job.name for job in after] == [job.name for job in before[1:]]
    assert {status_of(job, tmp_path / ".lock").state for job in after} == {State.DONE}


def test_running_only_while_its_lock_is_held(job: Job, tmp_path: Path) -> None:
    """The same files are a run at 60 % with its speed while someone holds the lock, and interrupted when nobody does."""
    assert job.segments is not None
    commit(job, 2)
    with lock.held(job.segments.root / LOCK):
        # The process began 10 s ago, found the relaxation done, and has since run a segment whole and none of the next.
        now = time.time()
        for index, age in enumerate((3600, 2)):
            os.utime(job.segments.folder / f"{index:04d}" / RECORD, (now - age, now - age))
        os.utime(job.segments.root / LOCK, (now - 10, now - 10))
        begin(job, 2, range(500, 501))
        status = status_of(job, tmp_path / ".lock")
        assert status.state is State.RUNNING
        assert status.share == pytest.approx(750 / 1250)
        assert status.remark.startswith(f"process {os.getpid()} of ")
        # 500 steps in 10 s are 50 steps/s of 4 fs: 17.28 ns/day, and 500 steps are left.
        assert status.ns_per_day == pytest.approx(17.28, rel=0.1)
        assert status.left_s == pytest.approx(10, rel=0.1)
    interrupted = status_of(job, tmp_path / ".lock")
    assert interrupted.state is State.INTERRUPTED
    assert "the same command continues it" in interrupted.remark


def test_steps_of_the_running_segment_count(job: Job, tmp_path: Path) -> None:
    """Progress within a segment is read from LAMMPS's log, counted from where the segment began."""
    commit(job, 2)
    begin(job, 2, range(500, 1000, 250))
    assert status_of(job, tmp_path / ".lock").share == pytest.approx((250 + 500 + 250) / 1250)


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
        (
            "small kH_4.80 replica 1: stopped by SIGTERM; the same command continues from the last segment\n",
            State.INTERRUPTED,
            "stopped by SIGTERM; the same command continues from the last segment",
        ),
        ("", State.INTERRUPTED, "ended without a message, as if killed; the same command continues it"),
        (
            "small kH_4.80 replica 1:  30 % (measuring), 9 ns/day, 2 s left\n",
            State.INTERRUPTED,
            "ended without a message",
        ),
    ],
    ids=["failed", "all problems", "crashed", "stopped", "killed at once", "killed"],
)
def test_last_word_of_the_log_is_the_reason(job: Job, tmp_path: Path, said: str, state: State, remark: str) -> None:
    """A run that nobody runs failed with its last message, or was interrupted."""
    say(job, said)
    commit(job, 1)
    status = status_of(job, tmp_path / ".lock")
    assert status.state is state
    assert status.remark.startswith(remark)
    assert status.share == pytest.approx(250 / 1250)


def test_analysis_that_failed_last_is_told(study: Study, tmp_path: Path) -> None:
    """A rule that failed is named with Snakemake's log until a later attempt makes its file; an older success is no excuse."""
    heat = tmp_path / "small/sweep/kH_4.80/heat.json"
    logs = tmp_path / "logs"
    logs.mkdir()
    job_start = f"localrule measure:\n    input: x\n    output: {heat}\n    jobid: 0\n"
    (logs / "2026-01-01T000000.000000.snakemake.log").write_text(job_start)
    assert "failed" not in status_text(study, tmp_path, [heat], logs)
    failure = f"Error in rule measure:\n    message: None\n    output: {heat}\n    log: y (check log file(s))\n"
    newer = logs / "2026-01-02T000000.000000.snakemake.log"
    newer.write_text(job_start + failure)
    text = " ".join(status_text(study, tmp_path, [heat], logs).split())
    assert f"failed: rule measure, see {newer}: sweep/*/heat.json" in text
    (logs / "2026-01-03T000000.000000.snakemake.log").write_text(job_start)
    assert "failed" not in status_text(study, tmp_path, [heat], logs)
    heat.parent.mkdir(parents=True)
    heat.touch()
    assert "1 of 1 there" in status_text(study, tmp_path, [heat], logs)


def test_the_exact_model_runs_while_snakemake_holds_its_study(tmp_path: Path) -> None:
    """A run of the model, which keeps no lock, runs if Snakemake holds the study and began the run since; else it waits."""
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
    study_lock = tmp_path / "exact/.lock"
    say(run, "")
    os.utime(run.log, (time.time() - 60,) * 2)
    with lock.held(study_lock):
        assert status_of(run, study_lock).state is State.INTERRUPTED
        say(run, "")
        os.utime(run.log, (time.time() + 1,) * 2)
        assert status_of(run, study_lock).state is State.RUNNING
    assert status_of(run, study_lock).state is State.INTERRUPTED
