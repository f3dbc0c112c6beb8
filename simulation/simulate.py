"""One simulation from start to run folder, with either engine; LAMMPS runs continue from the segments that are there."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

from simulation import checkpoint, runfolder
from simulation.deck import (
    equilibration_fingerprint,
    langevin_fingerprint,
    run_fingerprint,
    run_identity,
    start_identity,
)
from simulation.engine import EngineError, Ranks, build, equilibrate, lammps_version, run_segment
from simulation.langevin import propagate, truth
from simulation.plan import Run
from simulation.resume import Task, complete
from simulation.study import Study

START_RESTART = "equilibrated.restart"
START_RECORD = "equilibrated.json"


def make_start(study: Study, folder: Path, ranks: Ranks, time_limit_minutes: float | None = None) -> None:
    """Build and equilibrate the state that all runs of a study start from, continuing what is there.

    Leaves `equilibrated.restart`, `topology.data` and, last, `equilibrated.json` in `folder`. Raises as `simulate` does.
    """
    segments, lengths = start_segments(study, folder), start_steps(study)

    def advance(index: int, restart: str, part: Path, on_sample: Callable[[int], None]) -> dict[str, Any]:
        if index == 0:
            return build(study, part, ranks)
        return equilibrate(study, restart, part, ranks, index=index, steps=lengths[index], on_sample=on_sample)

    def finish(done: list[checkpoint.Segment]) -> None:
        state, topology = (done[-1].folder / name for name in (checkpoint.RESTART, checkpoint.TOPOLOGY))
        checkpoint.replace(folder / START_RESTART, lambda part: shutil.copyfile(state, part))
        checkpoint.replace(folder / checkpoint.TOPOLOGY, lambda part: shutil.copyfile(topology, part))
        content = {
            "study": study.name,
            "fingerprint": equilibration_fingerprint(study),
            "argon_atoms": study.argon_atoms,
            "segments": len(done),
            "wall_time_s": round(sum(segment.record["wall_time_s"] for segment in done), 3),
            "neighbours_per_atom": done[-1].record["neighbours_per_atom"],
            "sha256": {name: checkpoint.checksum(folder / name) for name in (START_RESTART, checkpoint.TOPOLOGY)},
        }
        checkpoint.replace(folder / START_RECORD, checkpoint.json_text(content))

    task = Task(
        label=f"{study.name} equilibration",
        segments=segments,
        start=None,
        lengths=lengths,
        timestep_ps=study.integration.timestep_fs / 1000,
        stage=lambda index: "equilibrating" if index else "building",
        advance=advance,
    )
    complete(task, ranks, time_limit_minutes, finish)


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
        _simulate_lammps(run, start, folder, ranks, time_limit_minutes)


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
        }
        | truth(run.study),
        files={},
    )


def _simulate_lammps(run: Run, start: Path, folder: Path, ranks: Ranks, time_limit_minutes: float | None) -> None:
    """Advance a run to its full length, segment by segment. What is committed already is not simulated again."""
    _check_start(run.study, start)
    lengths = segment_steps(run)

    def advance(index: int, restart: str, part: Path, on_sample: Callable[[int], None]) -> dict[str, Any]:
        return run_segment(run, restart, part, ranks, index=index, steps=lengths[index], on_sample=on_sample)

    def finish(done: list[checkpoint.Segment]) -> None:
        parts = [pd.read_parquet(segment.folder / checkpoint.SERIES) for segment in checkpoint.production(done)]
        runfolder.write(
            run,
            folder,
            runfolder.join_series(parts),
            fingerprint=run_fingerprint(run),
            provenance=runfolder.lammps_provenance(run, done),
            files=runfolder.lammps_files(run, done, start / checkpoint.TOPOLOGY),
        )

    task = Task(
        label=run.label,
        segments=run_segments(run, folder),
        start=start / START_RESTART,
        lengths=lengths,
        timestep_ps=run.study.integration.timestep_fs / 1000,
        stage=lambda index: "measuring" if index else "relaxing",
        advance=advance,
    )
    complete(task, ranks, time_limit_minutes, finish)


def _check_start(study: Study, start: Path) -> None:
    """Refuse equilibrated baths of other parameters, or damaged ones."""
    again = f"delete {start / START_RECORD} and equilibrate again, which takes what is intact in {start / 'segments'}"
    try:
        record = json.loads((start / START_RECORD).read_text(encoding="utf-8"))
        fingerprint, sums = record["fingerprint"], record["sha256"]
    except FileNotFoundError:
        raise EngineError(f"{start} has no {START_RECORD}: give a folder that 'equilibrate' wrote to its end") from None
    except (ValueError, KeyError, TypeError):
        raise EngineError(f"{start / START_RECORD}: damaged, or of an older version: {again}") from None
    if fingerprint != equilibration_fingerprint(study):
        raise EngineError(
            f"{start} was equilibrated with other parameters than study {study.name!r} now has: equilibrate again"
        )
    for name, wanted in sums.items():
        if not (start / name).is_file() or checkpoint.checksum(start / name) != wanted:
            raise EngineError(f"{start / name}: damaged, its checksum is not the one in {START_RECORD}: {again}")


def start_segments(study: Study, folder: Path) -> checkpoint.Segments:
    """The segments of the equilibration in `folder`."""
    return checkpoint.Segments(folder / "segments", start_identity(study) | {"lammps": lammps_version()})


def run_segments(run: Run, folder: Path) -> checkpoint.Segments:
    """The segments of a LAMMPS run in its run folder."""
    # A finished run stays valid when LAMMPS is upgraded, but one trajectory is never the work of two versions.
    return checkpoint.Segments(folder / "segments", run_identity(run) | {"lammps": lammps_version()})


def start_steps(study: Study) -> list[int]:
    """Steps of each segment of the equilibration: the build, which takes none, then pieces of `schedule.segment_ps`."""
    piece, total = study.steps(study.schedule.segment_ps), study.steps(study.schedule.equilibration_ps)
    return [0, *(min(piece, total - before) for before in range(0, total, piece))]


def segment_steps(run: Run) -> list[int]:
    """Steps of each segment: the relaxation, then production in whole pieces of `schedule.segment_ps`."""
    study = run.study
    piece = study.steps(study.schedule.segment_ps)
    return [study.steps(study.schedule.relaxation_ps), *[piece] * (study.steps(run.duration_ps) // piece)]
