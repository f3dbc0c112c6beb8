"""Progress of a study: each simulation is done, running, interrupted, failed or waiting; and the existing results.

Everything is read from the records, checkpoints, locks and logs on disk. Nothing is locked or changed, so anyone with read
access can inspect a study while it runs.
"""

from __future__ import annotations

import re
import textwrap
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import takewhile
from pathlib import Path

from tabulate import tabulate

from simulation.overview.jobs import Job, jobs
from simulation.segments.checkpoint import LOCK, RECORD
from simulation.segments.progress import duration_text
from simulation.storage import lock
from simulation.storage.files import LOG, RUN
from simulation.study.fields import Study

CONTINUES = "the same command continues it"
SIMULATIONS = ("equilibrate", "simulate", "unpack")  # rules in the table


class State(StrEnum):
    """State of a simulation."""

    DONE = "done"
    RUNNING = "running"
    INTERRUPTED = "interrupted"
    FAILED = "failed"
    WAITING = "waiting"


@dataclass(frozen=True)
class Status:
    """One simulation.

    Attributes:
        name: its name.
        state: its state.
        share: fraction of its steps done, 0 to 1.
        ns_per_day: speed of the process that runs it; None without one, or before it is measured.
        left_s: remaining time at that speed.
        remark: owner of the process, reason of a failure, or what to do.
    """

    name: str
    state: State
    share: float
    ns_per_day: float | None = None
    left_s: float | None = None
    remark: str = ""

    def row(self) -> list[str]:
        """Its line of the table."""
        speed = "" if self.ns_per_day is None else f"{self.ns_per_day:.3g}"
        left = "" if self.left_s is None else duration_text(self.left_s)
        return [self.name, self.state, f"{100 * self.share:.0f} %", speed, left, self.remark]


def status_of(job: Job, study_lock: Path) -> Status:
    """Determine the state of one simulation.

    Args:
        job: which simulation.
        study_lock: the lock held by Snakemake while it works on the study.
    """
    if job.is_done:
        return Status(job.name, State.DONE, 1.0)
    part = _part_steps(job)
    steps = sum(job.steps[: job.committed]) + part
    share = steps / sum(job.steps)
    owner = _owner(job, study_lock)
    if owner is not None:
        rate = _rate(job, part)
        if rate is None:
            return Status(job.name, State.RUNNING, share, remark=owner)
        ns_per_day = rate * job.experiment.study.integration.timestep_fs * 0.0864
        return Status(job.name, State.RUNNING, share, ns_per_day, (sum(job.steps) - steps) / rate, owner)
    state, remark = _last_word(job.log)
    if state is State.WAITING and share > 0:
        state, remark = State.INTERRUPTED, CONTINUES
    if state is State.WAITING and (job.folder / RUN).is_file():
        remark = "existing data have other parameters or another length"
    return Status(job.name, state, share, remark=remark)


def _owner(job: Job, study_lock: Path) -> str | None:
    """Owner of the process that runs a simulation, in words; None without one."""
    if job.segments is not None:
        return lock.owner(job.segments.root / LOCK)
    # The exact model has no lock: its runs are those that Snakemake started since it locked the study.
    owner = lock.owner(study_lock)
    begun = job.log.is_file() and job.log.stat().st_mtime >= study_lock.stat().st_mtime if owner else False
    return owner if begun else None


def _part_steps(job: Job) -> int:
    """Steps done of the uncommitted segment, from the log of LAMMPS."""
    if job.segments is None:
        return 0
    try:
        log = (job.segments.folder / f"{job.committed:04d}.part" / LOG).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return 0
    # A run in parts repeats the header of the table; the clock is common to all parts.
    first, *rest = log.split("   Step ")[1:] or [""]
    begin, end = _rows(first), _rows(rest[-1] if rest else first)
    return int(end[-1].split()[0]) - int(begin[0].split()[0]) if begin and end else 0


def _rows(table: str) -> list[str]:
    return list(takewhile(lambda line: re.match(r"\s*\d+\s+[-\d]", line) is not None, table.splitlines()[1:]))


def _rate(job: Job, part_steps: int) -> float | None:
    """Steps per second since the start of the process that runs a simulation; None before it is measured."""
    if job.segments is None:
        return None
    began = (job.segments.root / LOCK).stat().st_mtime
    records = [folder / RECORD for folder in job.segments.names()]
    written = [record.stat().st_mtime for record in records]
    steps = part_steps + sum(n for n, when in zip(job.steps, written, strict=False) if when >= began)
    log = job.segments.folder / f"{len(records):04d}.part" / LOG
    seconds = max([log.stat().st_mtime] if log.is_file() else [], default=max(written, default=began)) - began
    return steps / seconds if steps > 0 and seconds > 1 else None


def _last_word(log: Path) -> tuple[State, str]:
    """Last message of the process that ran a simulation, if any."""
    try:
        text = log.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return State.WAITING, ""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    for index, line in reversed(list(enumerate(lines))):
        if line.startswith("nanofridge: "):
            # The problems of a study follow on separate lines.
            more = takewhile(lambda other: other.startswith("- "), lines[index + 1 :])
            return State.FAILED, " ".join([line.removeprefix("nanofridge: "), *more])
        if stopped := re.search(r": (stopped .+; the same command continues.*)", line):
            return State.INTERRUPTED, stopped[1]
        if line.startswith("Traceback "):
            return State.FAILED, lines[-1]
    return State.INTERRUPTED, f"ended without a message, as if killed; {CONTINUES}"


# --- the table --------------------------------------------------------------------------------------------------------------


def status_text(study: Study, results: Path, targets: Sequence[Path], workflow_logs: Path) -> str:
    """The table that `snakemake status` prints.

    Args:
        study: which study.
        results: the folder with the results of all studies.
        targets: tables, figures and pages made by the workflow of the study.
        workflow_logs: folder of the logs of Snakemake, which name the failed analysis.
    """
    folder = results / study.name
    study_lock = folder / ".lock"
    found = [status_of(job, study_lock) for job in jobs(study, results)]
    counts = Counter(status.state for status in found)
    told = ", ".join(f"{counts[state]} {state}" for state in State if counts[state])
    table = tabulate(
        [status.row() for status in found],
        ["simulation", "state", "done", "ns/day", "left", ""],
        tablefmt="simple",
        colalign=("left", "left", "right", "right", "right", "left"),
        maxcolwidths=[None] * 5 + [48],
    )
    lines = [f"Study {study.name}, {time.strftime('%Y-%m-%d %H:%M:%S')}: {told} of {len(found)} simulations", "", table]
    if targets:
        missing = [target for target in targets if not target.is_file()]
        lines += ["", f"Tables, figures and report: {len(targets) - len(missing)} of {len(targets)} there"]
        lines += _wrapped("waiting: ", missing, folder)
        for rule, (log, files) in _failures(workflow_logs, folder).items():
            lines += _wrapped(f"failed: rule {rule}, see {log}: ", files, folder)
    owner = lock.owner(study_lock)
    lines += ["", f"Running Snakemake: {owner}" if owner else "No Snakemake is running for it."]
    return "\n".join(lines) + "\n"


def _failures(workflow_logs: Path, folder: Path) -> dict[str, tuple[Path, list[Path]]]:
    """Analysis that failed at the last attempt: by rule, the log of Snakemake and the missing files."""
    failures: dict[str, tuple[Path, list[Path]]] = {}
    judged: set[str] = set()
    # Logs are named by their time: the newest counts.
    for log in sorted(workflow_logs.glob("*.snakemake.log"), reverse=True):
        text = log.read_text(encoding="utf-8", errors="replace")
        failed = {
            output: match["rule"]
            for match in re.finditer(r"^Error in rule (?P<rule>\w+):\n(?P<details>(?: .*\n)*)", text, re.MULTILINE)
            for output in _outputs(match["details"])
        }
        outputs = set(_outputs(text))
        for output in outputs - judged:
            file, rule = Path(output), failed.get(output)
            if rule not in (None, *SIMULATIONS) and file.is_relative_to(folder) and not file.is_file():
                failures.setdefault(rule, (log, []))[1].append(file)
        judged |= outputs
    return failures


def _outputs(text: str) -> list[str]:
    """Outputs of jobs named in a log of Snakemake."""
    return [file for line in re.findall(r"^    output: (.+)$", text, re.MULTILINE) for file in line.split(", ")]


def _wrapped(title: str, files: Sequence[Path], folder: Path) -> list[str]:
    """Names of files in the folder of a study, those of all points combined, in lines of at most 100 characters."""
    names = Counter(re.sub(r"^sweep/[^/]+/", "sweep/*/", str(file.relative_to(folder))) for file in files)
    listed = ", ".join(name if count == 1 else f"{name} ({count})" for name, count in names.items())
    layout = textwrap.TextWrapper(
        100, initial_indent="  ", subsequent_indent="    ", break_long_words=False, break_on_hyphens=False
    )
    return layout.wrap(title + listed) if files else []
