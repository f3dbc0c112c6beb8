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
from pathlib import Path

from tabulate import tabulate

from simulation.overview.jobs import Job, jobs
from simulation.segments.checkpoint import LOCK
from simulation.storage import lock
from simulation.storage.files import RUN
from simulation.study.fields import Study

PROGRESS = re.compile(r": +(\d+) % \(.+\), (\d+) ns/day, (.+) left$")
"""The end of a line of simulation/segments/progress.py."""


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
        job: which.
        state: its state.
        share: fraction of its steps done, 0 to 1.
        ns_per_day, left: speed of the process that runs it and remaining time, as it last printed them; empty without one.
        remark: owner of the process, reason of a failure, or what to do.
    """

    job: Job
    state: State
    share: float
    ns_per_day: str = ""
    left: str = ""
    remark: str = ""


def status_of(job: Job) -> Status:
    """Determine the state of one simulation."""
    if job.record is not None:
        return Status(job, State.DONE, 1.0)
    if job.refusal:
        return Status(job, State.FAILED, 0.0, remark=job.refusal)
    share = 1 - job.left / job.steps
    # Runs of the exact model take seconds and have no lock: they are waiting until they are done.
    held = job.folder / "segments" / LOCK
    if owner := lock.owner(held):
        is_own = job.log.is_file() and job.log.stat().st_mtime >= held.stat().st_mtime
        last = PROGRESS.search(_text(job.log)) if is_own else None
        percent, ns_per_day, left = last.groups() if last else ("0", "", "")
        return Status(job, State.RUNNING, max(share, int(percent) / 100), ns_per_day, left, owner)
    if problem := failure(job.log):
        return Status(job, State.FAILED, share, remark=problem)
    if share > 0:
        return Status(job, State.INTERRUPTED, share, remark="the same command continues it")
    is_other = (job.folder / RUN).is_file()
    return Status(job, State.WAITING, share, remark=is_other * "existing data have other parameters or another length")


def failure(log: Path) -> str:
    """The error message in the log of a rule, in one line; empty without one."""
    text = _text(log)
    if told := re.search(r"^nanofridge: (.+(?:\n +- .+)*)", text, re.MULTILINE):
        return " ".join(told[1].split())
    return text.rpartition("\n")[2] if re.search(r"^Traceback ", text, re.MULTILINE) else ""


def _text(log: Path) -> str:
    return log.read_text(encoding="utf-8", errors="replace").rstrip() if log.is_file() else ""


def status_text(study: Study, results: Path, targets: Sequence[Path]) -> str:
    """The table that `snakemake status` prints.

    Args:
        study: which study.
        results: the folder with the results of all studies.
        targets: tables, figures and pages made by the workflow of the study.
    """
    folder, found = results / study.name, [status_of(job) for job in jobs(study, results)]
    table = tabulate(
        [
            (each.job.name, each.state, f"{100 * each.share:.0f} %", each.ns_per_day, each.left, each.remark)
            for each in found
        ],
        ["simulation", "state", "done", "ns/day", "left", ""],
        colalign=("left", "left", "right", "right", "right", "left"),
        maxcolwidths=[None] * 5 + [48],
    )
    states = ", ".join(f"{count} {state}" for state, count in counts(found).items())
    lines = [f"Study {study.name}, {now()}: {states} of {len(found)} simulations", "", table, ""]
    if targets:
        missing = [target for target in targets if not target.is_file()]
        lines.append(f"Tables, figures and report: {len(targets) - len(missing)} of {len(targets)} present")
        # Those of all points together.
        names = Counter(re.sub(r"^sweep/[^/]+/", "sweep/*/", f"{file.relative_to(folder)}") for file in missing)
        notes = {"missing": ", ".join(f"{name} ({n})" if n > 1 else name for name, n in names.items())}
        if missing:
            logs = set((folder / "logs").rglob("*.log")) - {each.job.log for each in found}
            notes |= {f"failed, see {log}": failure(log) for log in sorted(logs)}
        lines += [_folded(f"  {title}: {text}") for title, text in notes.items() if text] + [""]
    owner = lock.owner(folder / ".lock")
    lines.append(f"Running Snakemake: {owner}" if owner else "No Snakemake is running for it.")
    return "\n".join(lines) + "\n"


def counts(found: Sequence[Status]) -> dict[State, int]:
    """Number of simulations in each state that occurs."""
    every = Counter(status.state for status in found)
    return {state: every[state] for state in State if every[state]}


def now() -> str:
    """Date and time, to the second."""
    return time.strftime("%Y-%m-%d %H:%M:%S")


def _folded(line: str) -> str:
    return textwrap.fill(line, 100, subsequent_indent="    ", break_long_words=False, break_on_hyphens=False)
