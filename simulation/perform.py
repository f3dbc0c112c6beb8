"""One experiment from start to run folder, with the engine of its study; LAMMPS runs continue from existing segments."""

from __future__ import annotations

import contextlib
import sys
import time
from pathlib import Path

from simulation.engines.lammps import lammps_build
from simulation.engines.ranks import EngineError, Ranks
from simulation.experiments.base import Experiment
from simulation.folder import run_folder
from simulation.segments.checkpoint import Segments
from simulation.segments.complete import complete
from simulation.segments.stop import prompt_stop
from simulation.storage.files import RESTART, RUN, SERIES, checksum, read_series


def perform(
    experiment: Experiment,
    folder: Path,
    ranks: Ranks,
    start: Path | None = None,
    time_limit_minutes: float | None = None,
) -> None:
    """Run an experiment and write its run folder; a complete one with the same parameters is kept.

    Args:
        experiment: what to run.
        folder: the run folder.
        ranks: MPI ranks.
        start: run folder of the experiment that it starts from; only LAMMPS needs it.
        time_limit_minutes: stop cleanly before this much wall time has passed; None for no limit. Exact runs, which have no
            segments to continue from, have none.

    Raises:
        EngineError: LAMMPS or the controller failed; committed segments stay and the next call continues from them.
        StopRequested: by a signal or the time limit; the next call continues, or runs an exact run anew.
        ClosureError: the energy balance is violated.
        RejectedError: the result cannot be used for another reason.
        LockedError: another process runs it.
    """
    if ranks.share(ranks.is_root and _is_complete(experiment, folder)):
        if ranks.is_root:
            print(f"{experiment.label}: complete", file=sys.stderr, flush=True)
            run_folder.touch(folder)
    elif experiment.study.engine == "langevin":
        with prompt_stop(experiment.label):
            _exactly(experiment, folder)
    else:
        _by_lammps(experiment, folder, ranks, start, time_limit_minutes)


def _is_complete(experiment: Experiment, folder: Path) -> bool:
    """Whether nothing remains to do: no file is missing, or a missing one is not needed and not in the segments either."""
    lacks = run_folder.missing(experiment, folder)
    if not lacks.isdisjoint((RUN, *run_folder.ESSENTIAL)):
        return False
    if not lacks:
        return True
    return len(segments_of(experiment, folder).names()) < len(experiment.pieces())


def segments_of(experiment: Experiment, folder: Path) -> Segments:
    """The segments of a LAMMPS run in its run folder.

    They depend on the identity of the run and on what changes only their bytes: their length and the build of LAMMPS. A
    finished run stays valid if these change, but one trajectory never mixes two builds.
    """
    study = experiment.study
    return Segments(
        folder / "segments",
        experiment.identity() | {"segment_ps": study.schedule.segment_ps, "lammps": lammps_build()},
    )


def _exactly(experiment: Experiment, folder: Path) -> None:
    started = time.monotonic()
    series = experiment.exact()
    wall = time.monotonic() - started
    provenance = {
        "versions": run_folder.versions(),
        "wall_time_s": round(wall, 3),
        "steps_per_s": round(experiment.study.steps(experiment.duration_ps) / wall, 2),
    }
    run_folder.write(experiment, folder, series, provenance, {})


def _by_lammps(
    experiment: Experiment, folder: Path, ranks: Ranks, start: Path | None, time_limit_minutes: float | None
) -> None:
    state = None if experiment.start is None else _checked_start(experiment, experiment.start, start)
    segments = segments_of(experiment, folder)
    if ranks.is_root and (change := segments.what_changed()):
        print(f"{experiment.label}: {change}", file=sys.stderr, flush=True)
    with segments.locked() if ranks.is_root else contextlib.nullcontext():
        done = complete(experiment, segments, state, ranks, time_limit_minutes)
        if ranks.is_root:
            parts = [read_series(segment.folder / SERIES) for segment in run_folder.measured(experiment, done)]
            series = run_folder.join_series(parts, experiment.columns())
            files = run_folder.lammps_files(experiment, done)
            run_folder.write(experiment, folder, series, run_folder.lammps_provenance(experiment, done), files)


def _checked_start(experiment: Experiment, wanted: Experiment, start: Path | None) -> Path:
    """The restart file to start from; one with other parameters, or a damaged one, is refused."""
    if start is None:
        raise EngineError(
            f"{experiment.label} starts from {wanted.point} baths: give --start FOLDER, made by 'equilibrate'"
        )
    content = run_folder.read_record(start)
    again = f"delete {start / RUN} and equilibrate again; intact segments are reused from {start / 'segments'}"
    if content is None:
        what = (
            "damaged: " + again
            if (start / RUN).is_file()
            else "missing: give a complete folder written by 'equilibrate'"
        )
        raise EngineError(f"{start / RUN}: {what}")
    if content.get("fingerprint") != wanted.fingerprint:
        raise EngineError(
            f"{start} was equilibrated with other parameters than those of study {experiment.study.name!r}: equilibrate again"
        )
    file = start / RESTART
    if not file.is_file() or checksum(file) != content.get("sha256", {}).get(RESTART):
        raise EngineError(f"{file}: damaged, its checksum does not match {RUN}: {again}")
    return file
