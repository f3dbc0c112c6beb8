"""One simulation from start to run folder, with either engine; LAMMPS runs continue from the segments that are there."""

from __future__ import annotations

import contextlib
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from simulation import checkpoint, runfolder
from simulation.deck import equilibration_fingerprint, langevin_fingerprint, run_fingerprint, run_identity
from simulation.engine import EngineError, Ranks, equilibrate, lammps_version, run_segment
from simulation.langevin import propagate
from simulation.plan import Run
from simulation.progress import Progress
from simulation.stop import StopRequested, TimeLimit, orderly_stop
from simulation.study import Study

START_RESTART = "equilibrated.restart"
TIME_LIMIT_EXIT = 75  # EX_TEMPFAIL: try again later
START_RECORD = "equilibrated.json"


def make_start(study: Study, folder: Path, ranks: Ranks) -> None:
    """Build and equilibrate the state that all runs of a study start from."""
    record = equilibrate(study, folder, ranks)
    if ranks.is_root:
        content = record | {
            "study": study.name,
            "fingerprint": equilibration_fingerprint(study),
            "argon_atoms": study.argon_atoms,
        }
        (folder / START_RECORD).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def simulate(run: Run, start: Path | None, folder: Path, ranks: Ranks, time_limit_minutes: float | None = None) -> None:
    """Run one simulation with its study's engine, and write its run folder.

    Args:
        run: which run.
        start: folder that `make_start` wrote; only LAMMPS needs it.
        folder: the run folder.
        ranks: MPI ranks.
        time_limit_minutes: stop in good order before this much wall time is over; None for no limit.

    Raises:
        EngineError: LAMMPS or the controller failed; committed segments stay and the next call continues from them.
        StopRequested: a signal came, or the time limit; the next call continues.
        ClosureError: energy does not close.
    """
    if run.study.engine == "langevin":
        _simulate_langevin(run, folder)
    elif start is None:
        raise EngineError("engine lammps starts from equilibrated baths: give --start FOLDER, made by 'equilibrate'")
    else:
        _simulate_lammps(run, start, folder, ranks, TimeLimit(time_limit_minutes))


def _simulate_langevin(run: Run, folder: Path) -> None:
    started = time.monotonic()
    series = propagate(run)
    wall = time.monotonic() - started
    steps = run.study.steps(run.duration_ps)
    runfolder.write(
        run,
        folder,
        series,
        fingerprint=langevin_fingerprint(run),
        provenance={
            "versions": runfolder.versions(),
            "wall_time_s": round(wall, 3),
            "steps_per_s": round(steps / wall, 2),
            "friction_cold_kg_per_s": run.study.langevin.friction_cold_kg_per_s,
            "friction_hot_kg_per_s": run.study.langevin.friction_hot_kg_per_s,
        },
        files={},
    )


def _simulate_lammps(run: Run, start: Path, folder: Path, ranks: Ranks, limit: TimeLimit) -> None:
    """Advance a run to its full length, segment by segment. What is committed already is not simulated again."""
    study = run.study
    made_for = json.loads((start / START_RECORD).read_text(encoding="utf-8"))["fingerprint"]
    if made_for != equilibration_fingerprint(study):
        raise EngineError(
            f"{start} was equilibrated with other parameters than study {study.name!r} now has: equilibrate again"
        )
    # A finished run stays valid when LAMMPS is upgraded, but one trajectory is never the work of two versions.
    segments = checkpoint.Segments(folder / "segments", run_identity(run) | {"lammps": lammps_version()})
    if ranks.is_root and (change := segments.what_changed()):
        print(f"{run.label}: {change}", file=sys.stderr, flush=True)
    with segments.locked() if ranks.is_root else contextlib.nullcontext():
        with orderly_stop(run.label, ranks.sum if ranks.comm is not None else None) as check_stop:
            _advance(run, segments, start, ranks, limit, check_stop)
        if ranks.is_root:
            done = segments.committed()[: len(segment_steps(run))]
            series = runfolder.join_series(
                [pd.read_parquet(segment.folder / checkpoint.SERIES) for segment in checkpoint.production(done)]
            )
            runfolder.write(
                run,
                folder,
                series,
                fingerprint=run_fingerprint(run),
                provenance=runfolder.lammps_provenance(run, done),
                files=runfolder.lammps_files(run, done, start / "topology.data"),
            )


def _advance(
    run: Run,
    segments: checkpoint.Segments,
    start: Path,
    ranks: Ranks,
    limit: TimeLimit,
    check_stop: Callable[[], None],
) -> None:
    """Simulate and commit the segments that are missing."""
    lengths = segment_steps(run)
    done = ranks.share(segments.committed() if ranks.is_root else None)[: len(lengths)]
    if ranks.is_root and done and len(done) < len(lengths):
        print(f"{run.label}: continuing after {len(done)} of {len(lengths)} segments", file=sys.stderr, flush=True)
    progress = Progress(run.label, sum(lengths), run.study.integration.timestep_fs / 1000)
    for index in range(len(done), len(lengths)):
        before = sum(lengths[:index])
        # Step numbers start again at 0 when production begins.
        first_step = 0 if index <= 1 else sum(lengths[1:index])
        stage = "relaxing" if index == 0 else "measuring"

        def on_sample(step: int, offset: int = before - first_step, stage: str = stage) -> None:
            check_stop()
            if ranks.is_root:
                progress.report(step + offset, stage)

        previous = start / START_RESTART if index == 0 else segments.folder / f"{index - 1:04d}" / checkpoint.RESTART
        part = ranks.share(segments.begin(index) if ranks.is_root else None)
        record = run_segment(
            run, previous.resolve(), part, ranks, index=index, steps=lengths[index], on_sample=on_sample
        )
        if ranks.is_root:
            segments.commit(index, record)
        limit.segment_done()
        if index + 1 < len(lengths) and not ranks.share(limit.allows_another()):
            print(f"{run.label}: stopped before its time limit; the same command continues it", flush=True)
            raise StopRequested(TIME_LIMIT_EXIT)


def segment_steps(run: Run) -> list[int]:
    """Steps of each segment: the relaxation, then production in whole pieces of `schedule.segment_ps`."""
    study = run.study
    piece = study.steps(study.schedule.segment_ps)
    return [study.steps(study.schedule.relaxation_ps), *[piece] * (study.steps(run.duration_ps) // piece)]
