"""The workflow on a real Slurm: a sweep whose jobs are cancelled, requeued and run out of time, MPI, and wrong settings."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from simulation.engines.ranks import Ranks
from simulation.engines.site import set_threads
from simulation.experiments.baths import Baths
from simulation.experiments.machine import Machine
from simulation.perform import perform
from simulation.study.fields import Study
from tests.cluster.conftest import Slurm, wait_until
from tests.md.conftest import SMALL, small_study
from tests.workflow.checkout import Checkout

pytestmark = pytest.mark.md

# What becomes of each run of the sweep; all measure four segments of 2 ps.
CANCELLED, REQUEUED, LIMITED = "1.0", "2.0", "4.80"
SWEEP: dict[str, Any] = {
    "demon": {"kappa_ratios": [CANCELLED, REQUEUED, LIMITED]},
    "schedule": {"sweep_ns": 0.008},
}
# The linear controller, but from the second measured segment on each step takes its time while a file is there: a job is
# then found where the test wants it, whatever the machine's speed.
SLOW = """
import time
from pathlib import Path
from simulation.control import LinearController

class Slow(LinearController):
    def __init__(self, *, flag, **couplings):
        super().__init__(**couplings)
        self.flag = Path(flag)

    def forces(self, seen):
        if seen.time_ps > 2.1 and self.flag.exists():
            time.sleep(0.02)
        return super().forces(seen)
"""
# What a user's own profile holds, made for a cluster without accounting; 15 s of the limited run's minute are its own.
SITE: dict[str, Any] = {
    "default-resources": {"slurm_partition": "main", "runtime": 5, "mem_mb": 500},
    "set-resources": {
        "equilibrate": {"runtime": 10},
        "simulate": {
            "runtime": f"attempt if wildcards.group == 'sweep/kH_{LIMITED}' else 10",
            "mpi": "None if threads == 1 else 'srun --mpi=pmi2'",
        },
    },
    "slurm-status-command": "squeue",
    "slurm-init-seconds-before-status-checks": 1,
    "latency-wait": 10,
}


@dataclass(frozen=True)
class Sweep:
    """A sweep that ran through Slurm while its jobs were disturbed."""

    folder: Path
    said: str
    returncode: int
    jobs: dict[str, str]  # Slurm's number of the first job of each run, by κ_H/κ_C
    committed: dict[str, dict[str, int]]  # segments of each run when it was disturbed, and when they were written
    restarts: str  # what Slurm says of the requeued job
    undisturbed: dict[str, bytes]  # series of the same runs, each in one go on this machine and without the delays

    def first_log(self, ratio: str) -> str:
        """What Slurm kept of the first job of a run."""
        return next(self.folder.glob(f".snakemake/slurm_logs/**/{self.jobs[ratio]}.log")).read_text(encoding="utf-8")


def write_study(checkout: Checkout, name: str, **sections: Any) -> Study:
    """Write a study like the small one into a checkout; returns the study that is the same but for its controller."""
    content = SMALL | {key: SMALL.get(key, {}) | SWEEP.get(key, {}) for key in ("demon", "schedule")}
    slow = {"controller": "slow:Slow", "controller_options": {"flag": str(checkout.folder / "slow")}}
    written = content | sections | {"demon": content["demon"] | slow}
    (checkout.folder / f"config/{name}.yaml").write_text(yaml.safe_dump(written), encoding="utf-8")
    return small_study(name, **SWEEP)


def segments(run: Path) -> dict[str, int]:
    """Committed segments of a run, and when each was written."""
    return {record.parent.name: record.stat().st_mtime_ns for record in run.glob("segments/*/????/segment.json")}


def in_second_measured_segment(run: Path, snakemake: subprocess.Popen[str]) -> bool:
    """Whether a simulation is where the slow controller holds it up."""
    assert snakemake.poll() is None, (run.parents[4] / "output").read_text(encoding="utf-8")
    return any(run.glob("segments/*/0002.part/series.dat"))


def first_job(folder: Path, ratio: str) -> str:
    """Slurm's number of the first job of a run, which is also its first attempt."""
    logs = folder.glob(f".snakemake/slurm_logs/rule_simulate/small_sweep_kH_{ratio}_1/*.log")
    return str(min(int(log.stem) for log in logs))


def submit(slurm: Slurm, folder: Path, *arguments: str) -> subprocess.Popen[str]:
    """Start Snakemake as on a login node, with the project's profile and the site's."""
    command = [sys.executable, "-m", "snakemake", *arguments, "--profile", "profiles/slurm", "--profile", "site"]
    with (folder / "output").open("w", encoding="utf-8") as output:
        return subprocess.Popen(
            [*command, "--printshellcmds"],
            cwd=folder,
            env=slurm.environment,
            stdout=output,
            stderr=output,
            encoding="utf-8",
        )


def finish(snakemake: subprocess.Popen[str], folder: Path) -> tuple[int, str]:
    """Wait for Snakemake; returns its exit code and what it said."""
    return snakemake.wait(timeout=500), (folder / "output").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """A checkout with a site's profile and the slow controller."""
    checkout = Checkout(tmp_path_factory.mktemp("checkout"))
    (checkout.folder / "slow.py").write_text(SLOW, encoding="utf-8")
    (checkout.folder / "site").mkdir()
    (checkout.folder / "site/config.yaml").write_text(yaml.safe_dump(SITE), encoding="utf-8")
    return checkout


@pytest.fixture(scope="module")
def study(checkout: Checkout) -> Study:
    """The study of the sweep, its start equilibrated already; beside it lies study `pair`, of two ranks."""
    set_threads()
    study = write_study(checkout, "small")
    write_study(checkout, "pair", ranks=2)
    perform(Baths(study, 1), checkout.folder / "results/small/equilibrated/replica_1", Ranks(1))
    return study


@pytest.fixture(scope="module")
def sweep(slurm: Slurm, checkout: Checkout, study: Study) -> Sweep:
    """The sweep and one run of two ranks through Slurm; one job is cancelled, one requeued, one runs out of its time."""
    folder = checkout.folder
    (folder / "slow").touch()
    pair = f"results/pair/sweep/kH_{CANCELLED}/replica_1/run.json"
    snakemake = submit(slurm, folder, "sweep", pair, "--config", "study=small")
    runs = {ratio: folder / f"results/small/sweep/kH_{ratio}/replica_1" for ratio in (CANCELLED, REQUEUED, LIMITED)}
    disturb = {CANCELLED: ["scancel"], REQUEUED: ["scontrol", "requeue"], LIMITED: []}
    jobs: dict[str, str] = {}
    committed: dict[str, dict[str, int]] = {}

    def all_disturbed() -> bool:
        # All are watched at once: on a busy machine a job may start long after another, or run out of its time before that.
        for ratio in runs.keys() - jobs.keys():
            if in_second_measured_segment(runs[ratio], snakemake):
                jobs[ratio] = first_job(folder, ratio)
                committed[ratio] = segments(runs[ratio])
                if disturb[ratio]:
                    slurm.run(*disturb[ratio], jobs[ratio])
        return jobs.keys() == runs.keys()

    wait_until(all_disturbed, "the second measured segment of every run")
    running = ["squeue", "--noheader", "--states=RUNNING", f"--jobs={jobs[LIMITED]}"]
    wait_until(lambda: not slurm.run(*running), "the end of the time-limited job")
    (folder / "slow").unlink()
    undisturbed = {}
    for ratio in runs:
        alone = folder / "undisturbed" / ratio
        perform(Machine(study, 1, ratio), alone, Ranks(1), folder / "results/small/equilibrated/replica_1")
        undisturbed[ratio] = (alone / "series.parquet").read_bytes()
    returncode, said = finish(snakemake, folder)
    restarts = slurm.run("scontrol", "show", "job", jobs[REQUEUED])
    return Sweep(folder, said, returncode, jobs, committed, restarts, undisturbed)


@pytest.mark.long
@pytest.mark.parametrize("ratio", [CANCELLED, REQUEUED, LIMITED])
def test_disturbed_sweep_ends_with_the_bytes_of_an_undisturbed_one(ratio: str, sweep: Sweep) -> None:
    """Whatever befalls a job, one Snakemake call brings the sweep to its end, keeps what was committed, to the same bytes."""
    assert sweep.returncode == 0, sweep.said
    run = sweep.folder / f"results/small/sweep/kH_{ratio}/replica_1"
    assert {"0000", "0001"} <= set(sweep.committed[ratio]), "it was disturbed before there was anything to keep"
    assert sweep.committed[ratio].items() <= segments(run).items(), "a committed segment was run again"
    assert (run / "series.parquet").read_bytes() == sweep.undisturbed[ratio]
    assert (run.parent / "heat.json").is_file()


@pytest.mark.long
def test_cancelled_job_stops_in_good_order(sweep: Sweep) -> None:
    """Slurm's SIGTERM reaches the simulation inside its job step: it says so, and Snakemake submits the run again."""
    assert "stopped by SIGTERM; the same command continues" in sweep.first_log(CANCELLED)
    assert f"SLURM-job '{sweep.jobs[CANCELLED]}' failed, SLURM status is: 'CANCELLED'" in sweep.said


@pytest.mark.long
def test_job_ends_itself_before_its_time_limit(sweep: Sweep) -> None:
    """`resources.runtime` reaches the simulation: it stops before Slurm's limit with its own exit, and the retry continues."""
    assert "--time-limit-min 0.25" in sweep.first_log(LIMITED)
    assert "stopped before its time limit; the same command continues it" in sweep.first_log(LIMITED)
    assert "returned non-zero exit status 75" in sweep.first_log(LIMITED)
    assert f"SLURM-job '{sweep.jobs[LIMITED]}' failed" in sweep.said
    log = (sweep.folder / f"results/small/logs/sweep/kH_{LIMITED}/replica_1.log").read_text(encoding="utf-8")
    assert re.search(r"continuing after \d of 5 segments", log)


@pytest.mark.long
def test_requeued_job_continues_under_its_number(sweep: Sweep) -> None:
    """A job that Slurm puts back in the queue starts again by itself and continues; Snakemake only sees it end well."""
    assert re.search(r"JobState=COMPLETED .*Restarts=1 ", sweep.restarts.replace("\n", " "))
    assert f"SLURM-job '{sweep.jobs[REQUEUED]}' failed" not in sweep.said
    log = (sweep.folder / f"results/small/logs/sweep/kH_{REQUEUED}/replica_1.log").read_text(encoding="utf-8")
    assert "continuing after 2 of 5 segments" in log


@pytest.mark.long
def test_two_tasks_are_two_ranks(sweep: Sweep) -> None:
    """An MPI job gets its tasks from Slurm, and both launchers, mpiexec for the start and srun for the run, start its ranks."""
    content = json.loads(
        (sweep.folder / f"results/pair/sweep/kH_{CANCELLED}/replica_1/run.json").read_text(encoding="utf-8")
    )
    assert content["ranks"] == [2]
    assert "mpiexec -launcher fork -n 2 python -m simulation run pair equilibrated" in sweep.said
    assert "srun --mpi=pmi2 -n 2 python -m simulation run pair" in sweep.said


def test_launcher_without_mpi_is_found_out(slurm: Slurm, checkout: Checkout, study: Study) -> None:
    """An srun that starts two copies instead of two ranks ends at the rank check, before LAMMPS runs."""
    command = [sys.executable, "-m", "simulation", "equilibrate", "pair", str(checkout.folder / "copies")]
    result = subprocess.run(
        ["srun", "--mpi=none", "-n", "2", *command],
        cwd=checkout.folder,
        env=slurm.environment,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert result.returncode != 0
    assert "the study needs 2 MPI ranks, but this process sees 1" in result.stderr
    assert not list(checkout.folder.glob("copies/segments/*/0000/segment.json"))


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        (["--default-resources", "slurm_partition=nowhere"], "invalid partition specified: nowhere"),
        (["--slurm-array-jobs", "simulate"], "slurm-array-jobs = 'simulate' would lose results"),
    ],
)
def test_wrong_setting_is_told_once_and_nothing_submitted(
    setting: list[str], told: str, slurm: Slurm, checkout: Checkout, study: Study
) -> None:
    """What Slurm would refuse ends the call before the first job, with one message."""
    snakemake = submit(slurm, checkout.folder, "results/small/friction.json", *setting, "--config", "study=small")
    returncode, said = finish(snakemake, checkout.folder)
    assert returncode != 0
    assert said.count(told) == 1
    assert "has been submitted" not in said
    assert "Traceback" not in said


def test_without_slurm_the_profile_says_what_is_missing(
    slurm: Slurm, checkout: Checkout, study: Study, tmp_path: Path
) -> None:
    """Where there is no sbatch, the profile ends with one message that names the cure."""
    python = Path(sys.executable)
    for name in ("bash", "env", "sh", "which"):
        (tmp_path / name).symlink_to(f"/bin/{name}")
    bare = Slurm(slurm.environment | {"PATH": f"{tmp_path}:{python.parent}"})
    snakemake = submit(bare, checkout.folder, "results/small/friction.json", "--config", "study=small")
    returncode, said = finish(snakemake, checkout.folder)
    assert returncode != 0
    assert "the command sbatch is missing: work on a login node" in said
    assert "Traceback" not in said
