"""Results of other parameters, copied, shared, or of another length: what is made again and what is kept.

Most of it is planned only, or runs the exact model, whose runs take a second.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path

import pytest

from tests.workflow.checkout import planned, run
from tests.workflow.work import FAST, MTIME, RUNS, Work, colder


@pytest.mark.parametrize(
    ("is_lost", "triggers"), [(True, ()), (False, MTIME)], ids=["records lost", "only times count"]
)
def test_runs_of_other_parameters_are_planned_again(is_lost: bool, triggers: tuple[str, ...], finished: Work) -> None:
    """A study that changed under its name is run anew, whatever Snakemake knows of the past; changed back, nothing is.

    To plan twice, or to call Snakemake's --touch, does not change that.
    """
    if is_lost:
        shutil.rmtree(finished.folder / ".snakemake")
    colder(finished)
    assert finished.plan(*RUNS, *triggers) == {"simulate": 2}
    if is_lost:
        assert finished.snakemake("--touch", *RUNS).returncode == 0
    assert finished.plan(*RUNS, *MTIME) == {"simulate": 2}
    finished.write("config/fast.yaml", FAST)
    assert finished.plan(*RUNS, *MTIME) == {}


def test_rerun_runs_are_of_one_parameter_set_and_run_once(finished: Work) -> None:
    """What is run again has the new parameters, what depends on it is measured again, and a second call has nothing to do."""
    heat = "results/fast/sweep/kH_4.80/heat.json"
    shutil.rmtree(finished.folder / ".snakemake")
    colder(finished)
    result = finished.snakemake(*RUNS, heat)
    assert result.returncode == 0, result.stdout + result.stderr
    for name in (*RUNS, heat):
        parameters = finished.record(name)["parameters"]
        assert isinstance(parameters, dict)
        assert parameters["temperature_cold_K"] == 80
    assert finished.plan(*RUNS, heat) == finished.plan(*RUNS, heat, *MTIME) == {}


def test_copied_results_rerun_nothing(done: Work, tmp_path: Path) -> None:
    """Results copied without Snakemake's records and the identities are taken as they are, whatever times the copy has."""
    copy = Work(done.project, tmp_path / "copy")
    ignored = shutil.ignore_patterns(".identity")
    shutil.copytree(done.folder / "results", copy.folder / "results", ignore=ignored, copy_function=shutil.copy)
    assert copy.plan(*RUNS) == {}
    identities = list(copy.folder.glob("results/*/.identity/**/*.txt"))
    assert len(identities) == len(RUNS)
    for file in identities:  # as if these had been copied after the runs
        os.utime(file)
    assert copy.plan(*RUNS) == {}


def test_what_lies_in_a_run_folder_is_never_taken_for_another(work: Work) -> None:
    """A `run.json` that is not the study's, or is none, is found out though Snakemake suspects nothing, whenever it comes."""
    work.write("config/fast.yaml", FAST.replace("schedule: {", "schedule: {friction_replicas: 4, "))
    files = [f"results/fast/friction/replica_{replica}/run.json" for replica in range(1, 5)]
    result = work.snakemake(*files)
    assert result.returncode == 0, result.stdout + result.stderr
    records = [work.record(file) for file in files]
    fakes = [
        json.dumps(records[1]),
        json.dumps(records[1])[:500],
        json.dumps(records[2] | {"duration_ps": None}),
        # The last is as it should be.
    ]

    def lay_out() -> None:
        for file, fake in zip(files, fakes, strict=False):
            times = (work.folder / file).stat()
            work.write(file, fake)
            os.utime(work.folder / file, ns=(times.st_atime_ns, times.st_mtime_ns))

    lay_out()
    assert work.plan(*files, *MTIME) == {"simulate": len(fakes)}
    result = work.snakemake(*files)
    assert result.returncode == 0, result.stdout + result.stderr
    assert [work.record(file)["fingerprint"] for file in files] == [record["fingerprint"] for record in records]
    lay_out()
    assert work.plan(*files) == {"simulate": len(fakes)}


def test_a_run_folder_from_the_future_is_seen_through(finished: Work) -> None:
    """Clocks that disagree make no stale run look fresh."""
    for name in RUNS:
        for file in (finished.folder / name).parent.iterdir():
            os.utime(file, (4e9, 4e9))
    colder(finished)
    assert finished.plan(*RUNS, *MTIME) == {"simulate": 2}


def test_a_longer_run_and_more_ranks(finished: Work) -> None:
    """The length asked for decides whether a run is finished; ranks, of which results do not depend, rerun nothing."""
    finished.write("config/fast.yaml", FAST + "ranks: 2\n")
    assert finished.plan(*RUNS) == {}
    finished.write("config/fast.yaml", FAST.replace("sweep_ns: 0.1", "sweep_ns: 0.2"))
    assert finished.plan(*RUNS, *MTIME) == {"simulate": 1}


def test_results_that_may_only_be_read_can_be_looked_at(finished: Work, tmp_path: Path) -> None:
    """Who may not write the results sees what would run, and how far the study is; who would write them is told the cure."""
    unprivileged = ["setpriv", "--bounding-set=-dac_override,-dac_read_search,-fowner"] if os.geteuid() == 0 else []
    if unprivileged and shutil.which("setpriv") is None:
        pytest.skip("root may write everything, and setpriv, which takes that away, is missing")
    own = tmp_path / "own"
    own.mkdir()
    for part in ("results", "config"):
        (own / part).symlink_to(finished.folder / part)
    shutil.rmtree(finished.folder / "results/fast/.identity")
    folders = [path for path in finished.folder.rglob("*") if path.is_dir()]
    for path in folders:
        path.chmod(0o555)
    try:
        command = [*unprivileged, sys.executable, "-m", "snakemake", "--cores", "1", "-s", str(finished.snakefile)]
        study = ["--config", "study=fast"]
        dry, status, written = (
            run([*command, *arguments, *study], own) for arguments in (["-n", *RUNS], ["status"], ["friction"])
        )
    finally:
        for path in folders:
            path.chmod(0o755)
    assert planned(dry) == {}
    assert status.returncode == 0, status.stdout + status.stderr
    assert "2 done of 2 simulations" in status.stdout
    assert written.returncode != 0
    assert "results/fast: Permission denied: make it writable for you" in written.stdout + written.stderr


# --- where it works ---------------------------------------------------------------------------------------------------------
