"""Complete an experiment: run missing and damaged segments, report progress, stop cleanly."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

from simulation.engines.ranks import EngineError, Ranks
from simulation.experiments.base import Experiment, Piece
from simulation.segments.checkpoint import DamagedError, Segment, Segments
from simulation.segments.piece import run_piece
from simulation.segments.progress import Progress
from simulation.segments.stop import StopRequested, TimeLimit, orderly_stop
from simulation.storage.files import checksum

TIME_LIMIT_EXIT = 75  # EX_TEMPFAIL: try again later


def complete(
    experiment: Experiment, segments: Segments, start: Path | None, ranks: Ranks, time_limit_minutes: float | None
) -> list[Segment]:
    """Run and commit missing segments; all ranks call, and the root holds the lock of `segments`.

    Args:
        experiment: the experiment.
        segments: its segments on disk.
        start: initial restart file of the first one; None if it builds its own system.
        ranks: MPI ranks.
        time_limit_minutes: stop cleanly before this much wall time has passed; None for no limit.

    Returns:
        All segments, in order.

    Raises:
        EngineError: LAMMPS or the controller failed; committed segments stay and the next call continues from them.
        StopRequested: by a signal or the time limit; the next call continues.
    """
    limit = TimeLimit(time_limit_minutes)
    pieces = experiment.pieces()
    done = _sound(segments, len(pieces)) if ranks.is_root else {}
    done = ranks.share(done)
    if ranks.is_root and 0 < len(done) < len(pieces):
        _say(f"{experiment.label}: continuing after {len(done)} of {len(pieces)} segments")
    total = sum(piece.steps for piece in pieces)
    progress = Progress(experiment.label, total, experiment.study.timestep_ps)
    with orderly_stop(experiment.label, ranks) as check_stop:
        index = 0
        while index < len(pieces):
            if index in done:
                index += 1
                continue
            if index and ranks.share(ranks.is_root and segments.restart(index - 1) is None):
                # The previous restart file was deleted (only some are kept): rerun from the newest that exists.
                newest = ranks.share(segments.newest_restart(index) if ranks.is_root else None)
                again = list(range(newest + 1, index))
                if ranks.is_root:
                    _say(f"{experiment.label}: running segments {again[0]} to {index} again, because {index} was lost")
                for earlier in again:
                    done.pop(earlier)
                index = again[0]
                continue
            piece = pieces[index]
            # From here on a segment is valid only if its initial state is the one just reached.
            on_look = _looker(
                piece, sum(done_piece.steps for done_piece in pieces[:index]), progress, check_stop, ranks
            )
            done[index] = _run(experiment, segments, piece, start, ranks, on_look)
            if ranks.is_root:
                _unlink_followers(experiment, segments, done, index)
            done = ranks.share(done)
            limit.segment_done(piece.steps)
            following = next((other for other in pieces[index + 1 :] if other.index not in done), None)
            if following is not None and not ranks.share(limit.allows(following.steps)):
                if ranks.is_root:
                    print(
                        f"{experiment.label}: stopped before its time limit; the same command continues it", flush=True
                    )
                raise StopRequested(TIME_LIMIT_EXIT)
            index += 1
    return [done[index] for index in range(len(pieces))]


def _sound(segments: Segments, count: int) -> dict[int, Segment]:
    """The valid segments, by index; reports the damage of the others."""
    found: dict[int, Segment] = {}
    for index in range(count):
        try:
            segment = segments.read(index, found.get(index - 1))
        except DamagedError as fault:
            _say(f"{fault}: it is run again")
            continue
        if segment is not None:
            found[index] = segment
    # The newest state must exist, to continue from or to start other runs from.
    if count - 1 in found and segments.restart(count - 1) is None:
        del found[count - 1]
    return found


def _unlink_followers(experiment: Experiment, segments: Segments, done: dict[int, Segment], index: int) -> None:
    """Drop the segments after `index` if they do not start from its end any more, because its rebuild gave other bytes."""
    if index + 1 not in done:
        return
    try:
        segments.read(index + 1, done[index])
    except DamagedError as fault:
        _say(f"{experiment.label}: {fault}: segments from {index + 1} on are run again")
        for later in [later for later in done if later > index]:
            del done[later]


def _looker(
    piece: Piece, before: int, progress: Progress, check_stop: Callable[[], None], ranks: Ranks
) -> Callable[[int], None]:
    def on_look(steps: int) -> None:
        check_stop()
        if ranks.is_root:
            progress.report(before + steps, piece.stage.name)

    return on_look


def _run(
    experiment: Experiment,
    segments: Segments,
    piece: Piece,
    start: Path | None,
    ranks: Ranks,
    on_look: Callable[[int], None],
) -> Segment:
    """Run one segment and commit it."""
    index = piece.index
    previous = segments.restart(index - 1) if index else start
    if index and previous is None:
        raise EngineError(
            f"{experiment.label}: the restart file of segment {index - 1} is missing: run the command again"
        )
    part = ranks.share(segments.begin(index) if ranks.is_root else None)
    # LAMMPS works in `part`, with relative paths: no folder name chosen by a user enters a deck of the workflow.
    restart = "" if previous is None else os.path.relpath(previous.resolve(), part.resolve())
    before = segments.place(index - 1).resolve() if index else None
    record = run_piece(experiment, piece, restart, part, ranks, before=before, on_look=on_look)
    committed = None
    if ranks.is_root:
        committed = segments.commit(index, record, "" if previous is None else checksum(previous))
    segment: Segment = ranks.share(committed)
    return segment


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
