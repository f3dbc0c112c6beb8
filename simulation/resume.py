"""Complete a simulation made of segments: hold its lock, run the segments that are missing, stop in good order."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simulation.checkpoint import RESTART, Segment, Segments
from simulation.engine import Ranks
from simulation.progress import Progress
from simulation.stop import StopRequested, TimeLimit, orderly_stop

TIME_LIMIT_EXIT = 75  # EX_TEMPFAIL: try again later


@dataclass(frozen=True)
class Task:
    """A simulation in segments.

    Args:
        label: names it in messages.
        segments: where they lie.
        start: restart file that segment 0 begins from; None if it needs none.
        lengths: MD steps of each segment.
        timestep_ps: length of a step.
        stage: what segment `index` does, in one word for progress lines.
        advance: `advance(index, restart, folder, on_sample)` runs a segment in an empty folder, from a restart file named
            relative to that, and returns its record; it calls `on_sample` on all ranks now and then with the steps done.
    """

    label: str
    segments: Segments
    start: Path | None
    lengths: list[int]
    timestep_ps: float
    stage: Callable[[int], str]
    advance: Callable[[int, str, Path, Callable[[int], None]], dict[str, Any]]


def complete(
    task: Task, ranks: Ranks, time_limit_minutes: float | None, finish: Callable[[list[Segment]], None]
) -> None:
    """Run and commit what is missing, then let the root rank `finish` with all segments, still under the lock.

    Raises:
        LockedError: another process is at it.
        EngineError: LAMMPS or the controller failed; committed segments stay and the next call continues from them.
        StopRequested: a signal came, or the time limit; the next call continues.
    """
    limit = TimeLimit(time_limit_minutes)
    if ranks.is_root and (change := task.segments.what_changed()):
        print(f"{task.label}: {change}", file=sys.stderr, flush=True)
    with task.segments.locked() if ranks.is_root else contextlib.nullcontext():
        with orderly_stop(task.label, ranks.sum if ranks.comm is not None else None) as check_stop:
            _run_missing(task, ranks, limit, check_stop)
        if ranks.is_root:
            finish(task.segments.committed()[: len(task.lengths)])


def _run_missing(task: Task, ranks: Ranks, limit: TimeLimit, check_stop: Callable[[], None]) -> None:
    segments, lengths = task.segments, task.lengths
    faults: list[str] = []
    done = ranks.share(segments.committed(faults.append) if ranks.is_root else None)[: len(lengths)]
    if ranks.is_root and len(done) < len(lengths) and (done or faults):
        why = f"{faults[0]}: " if faults else ""
        print(
            f"{task.label}: {why}continuing after {len(done)} of {len(lengths)} segments", file=sys.stderr, flush=True
        )
    progress = Progress(task.label, sum(lengths), task.timestep_ps)
    for index in range(len(done), len(lengths)):

        def on_sample(steps: int, before: int = sum(lengths[:index]), stage: str = task.stage(index)) -> None:
            check_stop()
            if ranks.is_root:
                progress.report(before + steps, stage)

        previous = segments.folder / f"{index - 1:04d}" / RESTART if index else task.start or Path()
        part = ranks.share(segments.begin(index) if ranks.is_root else None)
        # LAMMPS works in `part`: seen from there, no name of a folder that a user chose gets into a deck of the workflow.
        restart = os.path.relpath(previous.resolve(), part.resolve())
        record = task.advance(index, restart, part, on_sample)
        if ranks.is_root:
            segments.commit(index, record)
        limit.segment_done()
        if index + 1 < len(lengths) and not ranks.share(limit.allows_another()):
            print(f"{task.label}: stopped before its time limit; the same command continues it", flush=True)
            raise StopRequested(TIME_LIMIT_EXIT)
