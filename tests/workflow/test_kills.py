"""Kill the workflow anywhere, give the same command again, get the same bytes."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from tests.workflow.checkout import Checkout

pytestmark = pytest.mark.md

# Some 1 000 atoms, with a trap that keeps the particles from the near walls: only bytes matter. Many short segments to kill in.
STUDY = """
seed: 3
ranks: {ranks}
baths: {{edge_nm: 3, fluid_atoms: 60}}
materials: {{cutoff_A: 6}}
trap: {{stiffness_eV_per_A2: 1.0}}
demon: {{kappa_ratios: [4.80], coupling_axes: xyz}}
integration: {{timestep_fs: 4}}
schedule:
  equilibration_ps: 2.4
  relaxation_ps: 0.2
  sweep_ns: 0.0024
  friction_ns: 0.0002
  sample_every_ps: 0.02
  trajectory_every_ps: 0.2
  segment_ps: 0.2
limits: {{closure_drift_eV_per_ns: 50, liquid: false}}
"""
HEAT = "results/kill/sweep/kH_4.80/heat.json"
RUN = "results/kill/sweep/kH_4.80/replica_1"
START = "results/kill/equilibrated/replica_1"
LAST = 12  # index of the last segment, of the equilibration and of the run
COMPARED = (f"{START}/end.restart", f"{START}/topology.data", f"{RUN}/series.parquet", HEAT)
# What tells that a phase is on: a file, and words in the command line of the process at work.
PHASES = {
    "build": (f"{START}/segments/*/0000.part", "simulation run kill equilibrated"),
    "equilibration": (f"{START}/segments/*/000[1-9].part", "simulation run kill equilibrated"),
    "production": (f"{RUN}/segments/*/000[1-9].part", "simulation run kill sweep/"),
    "merge": (f"{RUN}/segments/*/{LAST:04d}", "simulation run kill sweep/"),
    "analysis": (f"{RUN}/run.json", "measure.py"),
}
LONGEST_DELAY_S = 0.3
PATIENCE_S = 180.0


class Attempt:
    """One call of the one command of this test; `retries` lets Snakemake itself give the commands of killed jobs again."""

    def __init__(self, folder: Path, retries: int = 0) -> None:
        self.folder = folder
        command = [sys.executable, "-m", "snakemake", "--cores", "2", "--retries", str(retries), HEAT]
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        self.process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
        )

    def end(self) -> str:
        """Wait for Snakemake; all that it said."""
        try:
            return self.process.communicate(timeout=PATIENCE_S)[0]
        finally:
            self.process.kill()

    def at_work(self, phase: str, ranks: int) -> list[psutil.Process]:
        """The processes of a phase once all of them are there, none before."""
        pattern, words = PHASES[phase]
        if not any(self.folder.glob(pattern)):  # first: to look through all processes takes a core
            return []
        found = []
        for process in psutil.Process(self.process.pid).children(recursive=True):
            try:
                line = process.cmdline()
            except psutil.Error:  # it ended while we looked
                continue
            if line and Path(line[0]).name.startswith("python") and words in " ".join(line):
                found.append(process)
        complete = len(found) == (1 if phase == "analysis" else ranks)
        return found if complete else []

    def wait_for(self, phase: str, ranks: int) -> list[psutil.Process]:
        """Wait until a phase is on; its processes."""
        deadline = time.monotonic() + PATIENCE_S
        while not (found := self.at_work(phase, ranks)):
            assert self.process.poll() is None, f"it ended before {phase}:\n" + self.end()
            assert time.monotonic() < deadline, f"{phase} was not reached"
            time.sleep(0.01)
        return found


def workflow(folder: Path, ranks: int) -> Path:
    """A checkout with the study of this test."""
    (Checkout(folder).folder / "config" / "kill.yaml").write_text(STUDY.format(ranks=ranks), encoding="utf-8")
    return folder


def finish(attempt: Attempt) -> dict[str, bytes]:
    """Let it run to its end; the files that must not depend on kills."""
    said = attempt.end()
    assert attempt.process.returncode == 0, said
    return {name: (attempt.folder / name).read_bytes() for name in COMPARED}


# Nothing may come of what a user calls a folder.
NAME = "kill'ed $(touch pwned) κ"


@pytest.mark.timeout(1500)  # a minute on free cores; MPI ranks that share a core wait for each other
def test_killed_jobs_are_given_again_and_change_no_byte(tmp_path: Path) -> None:
    """SIGKILL of one rank of a simulation, or of the analysis, in every phase, changes no byte of state, series or heat."""
    ranks, chance = 2, random.Random(1)
    undisturbed = finish(Attempt(workflow(tmp_path / "undisturbed", ranks)))
    attempt, missed = Attempt(workflow(tmp_path / NAME, ranks), retries=len(PHASES)), 0
    for phase in PHASES:
        victim = chance.choice(attempt.wait_for(phase, ranks))
        time.sleep(chance.uniform(0, LONGEST_DELAY_S))
        try:
            victim.kill()
        except psutil.NoSuchProcess:  # it had ended just before
            missed += 1
    assert missed <= 2
    assert finish(attempt) == undisturbed
    assert not list(tmp_path.rglob("pwned"))


@pytest.mark.long
@pytest.mark.timeout(1500)
def test_killed_snakemake_given_again_changes_no_byte(tmp_path: Path) -> None:
    """SIGKILL of Snakemake in every phase, whose simulation is an orphan that the next call meets, changes no byte."""
    ranks, chance = 1, random.Random(2)
    undisturbed = finish(Attempt(workflow(tmp_path / "undisturbed", ranks)))
    killed = workflow(tmp_path / NAME, ranks)
    for phase in PHASES:
        attempt = Attempt(killed)
        attempt.wait_for(phase, ranks)
        time.sleep(chance.uniform(0, LONGEST_DELAY_S))
        attempt.process.kill()
        attempt.process.wait()
    assert finish(Attempt(killed)) == undisturbed
    assert not list(tmp_path.rglob("pwned"))
