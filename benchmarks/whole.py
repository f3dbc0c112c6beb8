"""Whole runs of the workflow in a copy of the project: share of molecular dynamics, and cost of the analysis."""

from __future__ import annotations

import json
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

ROOT = Path(__file__).resolve().parents[1]
PARTS = ("Snakefile", "profiles", "envs", "workflow", "config", "lammps_templates", "simulation", "analysis")

PAPER_LENGTH = """
seed: 2023
engine: langevin
baths: {fluid_atoms: 25280}
demon: {kappa_ratios: [0.10, 0.17, 0.3, 0.5, 0.8, 1.0, 1.2, 1.5, 2.0, 2.8, 3.79, 4.80, 7.27, 10, 20, 40, 100]}
drag: {forces_nN: []}
integration: {timestep_fs: 20}
schedule: {friction_ns: 15, sweep_ns: 15, sample_every_ps: 0.1}
"""
"""A study as long as the published one, and ten times as dense: 17 points and a friction run of 15 ns, sampled each 0.1 ps."""


@dataclass(frozen=True)
class Spent:
    """Cost of a call of Snakemake: wall and CPU time of all its processes, and the memory of the largest."""

    wall_s: float
    cpu_s: float
    peak_MiB: float


@contextmanager
def copy_of_project() -> Iterator[Path]:
    """A folder with the input of the workflow and no results."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for part in PARTS:
            if (ROOT / part).is_dir():
                shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(ROOT / part, folder / part)
        yield folder


def snakemake(folder: Path, *arguments: str) -> Spent:
    """Run Snakemake in a folder.

    Raises:
        RuntimeError: it failed; with the end of its output.
    """
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", *arguments], cwd=folder, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"snakemake {' '.join(arguments)} failed: {done.stderr.strip()[-1000:]}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Spent(time.monotonic() - started, cpu, after.ru_maxrss / 1024)


def job_times(folder: Path) -> pd.Series:
    """Total wall seconds of the jobs of each rule, recorded by Snakemake, the longest first."""
    jobs = {}
    for file in (folder / ".snakemake/metadata").iterdir():  # one for each file that a job made
        record = json.loads(file.read_text(encoding="utf-8"))
        jobs[record["rule"], str(record["log"])] = record["endtime"] - record["starttime"]
    return pd.Series(jobs).groupby(level=0).sum().sort_values(ascending=False)


def efficiency(study: str = "demo") -> pd.DataFrame:
    """`make run`: the share of its core time that LAMMPS spends in its loop, and where the rest goes.

    Returns:
        `part`, `cpu_s`, `share` of all; and as part `first step after` the wall time from the call to the first sample of
        dynamics, which has no share.
    """
    with copy_of_project() as folder:
        seen = _watch(folder / "results")
        spent = snakemake(folder, "--cores", str(os.cpu_count()), "--config", f"study={study}")
        first_step = seen()
        table = account(folder, study, spent)
    return pd.concat([table, pd.DataFrame([{"part": "first step after", "cpu_s": first_step}])], ignore_index=True)


def account(folder: Path, study: str, spent: Spent) -> pd.DataFrame:
    """Distribution of the CPU time of a whole run: `part`, `cpu_s` and `share`.

    Args:
        folder: where it ran.
        study: its name.
        spent: what all of it took.
    """
    inside, around = 0.0, 0.0
    for log in (folder / "results" / study).rglob("segments/*/*/log.lammps"):
        wall, cpu = loop_time(log.read_text(encoding="utf-8"))
        record = json.loads((log.parent / "segment.json").read_text(encoding="utf-8"))
        inside += cpu
        around += record["wall_time_s"] - wall
    others = job_times(folder).drop(["equilibrate", "simulate", "pull"], errors="ignore").sum()
    parts = {
        "LAMMPS's loop": inside,
        "reading restarts, building, writing": around,
        "analysis and figures": float(others),
    }
    parts["starting Python, Snakemake"] = spent.cpu_s - sum(parts.values())
    return pd.DataFrame([{"part": part, "cpu_s": cpu, "share": cpu / spent.cpu_s} for part, cpu in parts.items()])


def loop_time(log: str) -> tuple[float, float]:
    """Wall and CPU seconds of all ranks that LAMMPS spent in the loops of a log.

    A long run may be done in pieces, of which only the last tells how much of a core it had.
    """
    loops = re.findall(r"^Loop time of (\S+) on (\d+) procs", log, re.MULTILINE)
    shares = re.findall(r"^([\d.]+)% CPU use", log, re.MULTILINE)
    if not loops or not shares:
        return 0.0, 0.0
    wall, ranks = sum(float(seconds) for seconds, _ in loops), int(loops[-1][1])
    return wall, wall * ranks * float(shares[-1]) / 100


def analysis() -> pd.DataFrame:
    """All tables and figures of a study as long as the published one, on one core, from existing series.

    Returns:
        `part` (a rule, and `all` with Snakemake itself), `wall_s`, `cpu_s` and `peak_MiB` of all.
    """
    with copy_of_project() as folder:
        (folder / "config/load.yaml").write_text(PAPER_LENGTH, encoding="utf-8")
        arguments = ("--cores", "1", "--config", "study=load")
        snakemake(folder, *arguments, "--until", "simulate")
        spent = snakemake(folder, *arguments)
        times = job_times(folder).drop("simulate")
    rows = [{"part": "all", "wall_s": spent.wall_s, "cpu_s": spent.cpu_s, "peak_MiB": spent.peak_MiB}]
    return pd.DataFrame([*rows, *({"part": rule, "wall_s": wall} for rule, wall in times.items())])


def _watch(results: Path) -> Callable[[], float]:
    """Seconds until LAMMPS has done its first sample of dynamics in a folder; ask when it is over."""
    started = time.monotonic()
    found: list[float] = []
    stopped = threading.Event()

    def look() -> None:
        while not stopped.wait(0.1):
            for log in results.rglob("log.lammps"):
                if log.parent.name.startswith("0000") and "equilibrated" in log.parts:
                    continue  # the build, which only minimises
                if re.search(r"^ +[1-9]\d* ", log.read_text(encoding="utf-8", errors="replace"), re.MULTILINE):
                    found.append(time.monotonic() - started)
                    return

    watcher = threading.Thread(target=look, daemon=True)
    watcher.start()

    def result() -> float:
        stopped.set()
        watcher.join()
        return found[0] if found else float("nan")

    return result
