"""Plan and status beside real molecular dynamics: speed, disk, and the states of a run that lives and dies."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from simulation.engines.ranks import Ranks
from simulation.engines.site import set_threads
from simulation.overview import speed
from simulation.overview.jobs import Job, jobs
from simulation.overview.plan import core_seconds, disk_bytes, make_plan
from simulation.overview.status import State, Status, status_of
from simulation.perform import perform
from simulation.study.fields import Study
from tests.md.conftest import has_style, small_study

pytestmark = pytest.mark.md

ROOT = Path(__file__).resolve().parents[2]


def small(sweep_ns: float = 0.012) -> Study:
    """A small study of one point, long enough that starting LAMMPS is not all of its cost."""
    return small_study(
        drag={"forces_nN": ["0.3"], "equilibration_ps": 1, "duration_ns": 0.004},
        demon={"kappa_ratios": ["4.80"], "coupling_axes": "xyz"},
        schedule={"sweep_ns": sweep_ns, "segment_ps": 4, "trajectory_every_ps": 1},
    )


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A results folder in which the small study has been planned, and nothing run."""
    set_threads()
    results = tmp_path_factory.mktemp("results")
    make_plan(small(), results, Ranks(1), cores=2)
    return results


@pytest.fixture(scope="module")
def run(planned: Path) -> tuple[Path, float]:
    """The same folder after its sweep run, and the processor time that the run took."""
    start, job = _start_and_sweep(planned)
    perform(start.experiment, start.folder, Ranks(1))
    began = time.process_time()
    perform(job.experiment, job.folder, Ranks(1), start.folder)
    return planned, time.process_time() - began


def _start_and_sweep(results: Path, sweep_ns: float = 0.012) -> tuple[Job, Job]:
    start, _, sweep, *_ = jobs(small(sweep_ns), results)
    assert (start.name, sweep.name) == ("equilibrated replica 1", "kH_4.80 replica 1")
    return start, sweep


def test_plan_starts_no_simulation_and_measures_once(planned: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Plan leaves its table and the speed it measured, nothing of a simulation; a second call measures nothing."""
    assert {file.name for file in (planned / "small").iterdir()} == {"plan.txt", "plan.json", "speed.json"}
    before = json.loads((planned / "small/plan.json").read_text())

    def fail(*arguments: object, **options: object) -> None:
        raise AssertionError("LAMMPS was started")

    monkeypatch.setattr(speed, "open_lammps", fail)
    make_plan(small(), planned, Ranks(1), cores=2)
    assert json.loads((planned / "small/plan.json").read_text()) == before
    # Another time step is another deck: what was measured for this one does not count.
    other = small_study("small", integration={"timestep_fs": 2})
    with pytest.raises(AssertionError, match="LAMMPS was started"):
        make_plan(other, planned, Ranks(1), cores=2)


def test_plan_predicts_disk_and_processor_time(run: tuple[Path, float]) -> None:
    """Disk of a simulation is predicted within a fifth, and the run's processor time within a factor of 1.6."""
    if not has_style("dump", "dcd"):
        pytest.skip("this LAMMPS writes frames as text, which are larger (package EXTRA-DUMP)")
    results, seconds = run
    plan = json.loads((results / "small/plan.json").read_text())
    predicted = speed.Speed(**plan["speed"])
    _, sweep = _start_and_sweep(results)
    drag = next(job for job in jobs(small(), results) if job.experiment.purpose == "drag")
    waiting = Job(sweep.experiment, results / "elsewhere")  # the same run, of which nothing is there
    assert seconds / 1.6 < core_seconds(waiting, predicted) < 1.6 * seconds
    perform(drag.experiment, drag.folder, Ranks(1))
    for job in (sweep, drag):
        assert Job(job.experiment, results).record is not None
        real = sum(file.stat().st_size for file in job.folder.rglob("*") if file.is_file())
        assert disk_bytes(job) == pytest.approx(real, rel=0.2)


def test_plan_counts_what_is_done(run: tuple[Path, float], capsys: pytest.CaptureFixture[str]) -> None:
    """After the runs, plan takes their speed and asks only for what is left; a longer study pays only the new segments."""
    results, _ = run
    _, longer = _start_and_sweep(results, sweep_ns=0.016)
    assert longer.record is None
    assert (longer.left, longer.steps) == (1000, 4250)
    make_plan(small(), results, Ranks(1), cores=2)
    printed = capsys.readouterr().out
    assert "of 5 simulations to do" in printed
    assert "1 finished run of this study" in printed
    assert max(len(line) for line in printed.splitlines()) <= 100
    costs = {cost["purpose"]: cost for cost in json.loads((results / "small/plan.json").read_text())["simulations"]}
    assert costs["sweep"]["core_hours"] == 0
    assert costs["friction"]["to_do"] == 1


LONG_RUN = """
import sys
from functools import partial
from pathlib import Path
from simulation.engines.ranks import Ranks
from simulation.engines.site import set_threads
from simulation.perform import perform
from simulation.segments import complete
from tests.md.test_plan_and_status import _start_and_sweep
set_threads()
complete.Progress = partial(complete.Progress, every_s=0.5)
start, sweep = _start_and_sweep(Path(sys.argv[1]), sweep_ns=0.4)
perform(sweep.experiment, sweep.folder, Ranks(1), start.folder)
"""


def test_status_follows_a_run_that_is_killed(run: tuple[Path, float]) -> None:
    """A living run is running, advances and shows its speed; killed without warning it is interrupted at once."""
    results, _ = run
    _, job = _start_and_sweep(results, sweep_ns=0.4)

    def look() -> Status:
        return status_of(job)

    before = look()
    assert before.state is State.INTERRUPTED, "the shorter run's segments are there"
    job.log.parent.mkdir(parents=True)
    with job.log.open("w") as log:
        process = subprocess.Popen([sys.executable, "-c", LONG_RUN, str(results)], cwd=ROOT, stderr=log)
    try:
        deadline = time.monotonic() + 60
        mine = f"process {process.pid} of"
        while (mine not in (status := look()).remark or not status.ns_per_day) and time.monotonic() < deadline:
            time.sleep(0.1)
        assert status.state is State.RUNNING
        assert before.share < status.share < 1
        assert float(status.ns_per_day) > 0
        assert status.left
    finally:
        process.kill()
        process.wait()
    assert look().state is State.INTERRUPTED
