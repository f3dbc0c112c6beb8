"""Speed of a study on this machine, from its finished runs or from a few seconds of LAMMPS.

The probe builds the system of the study in a temporary folder and runs it with the deck and the demon of the study.
"""

from __future__ import annotations

import contextlib
import os
import platform
import re
import statistics
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from simulation.engines.lammps import lammps_build, open_lammps, tell
from simulation.engines.ranks import Ranks
from simulation.experiments.baths import build_seeds, start_of
from simulation.experiments.decks import render
from simulation.experiments.machine import Machine, point_runs, points
from simulation.overview.jobs import Job
from simulation.segments.piece import files_of_decks, run_piece
from simulation.storage.files import RESTART, digest, json_text, read_json, replace
from simulation.study.fields import Study

PROBE_S = 3.0  # processor time
CACHE = "speed.json"


@dataclass(frozen=True)
class Speed:
    """Core-seconds of one MD step, with one rank the inverse of its steps per second, and their origin in words."""

    core_s_per_step: float
    source: str


class _MeasuredError(Exception):
    """The probe has run long enough."""


def speed_of(study: Study, jobs: list[Job], results: Path, ranks: Ranks) -> Speed:
    """Speed of a study: of its finished runs, otherwise of an earlier probe of the same system and machine, or of a new one.

    Args:
        study: which study.
        jobs: its simulations.
        results: the folder with the results of all studies; a probe is stored in that of the study.
        ranks: MPI ranks of this process, used by a probe; all of them must call.

    Raises:
        EngineError: LAMMPS cannot run the study.
    """
    records = [job.record for job in jobs if job.record and job.experiment.kind == "machine"]
    if rates := [record["steps_per_s"] for record in records if "steps_per_s" in record]:
        count = f"{len(rates)} finished run{'s' * (len(rates) > 1)}"
        return Speed(study.ranks / statistics.median(rates), f"{count} of this study, on any machine")
    if study.engine == "langevin":
        return Speed(0.0, "a run of the exact model takes seconds, which are not counted")
    run = point_runs(study, points(study)[-1])[0]
    site = {"ranks": ranks.wanted, **ranks.site.content()}
    key = digest({"machine": _machine(), "site": site, "identity": run.identity(), "lammps": lammps_build()})
    cache = results / study.name / CACHE
    known = ranks.share(read_json(cache) if ranks.is_root else None) or {}
    if known.pop("key", None) == key:
        return Speed(known["core_s_per_step"], known["source"])
    speed = _probe(run, ranks)
    if ranks.is_root:
        cache.parent.mkdir(parents=True, exist_ok=True)
        replace(cache, json_text({"key": key, **asdict(speed)}))
    return speed


def _machine() -> str:
    name = platform.processor() or platform.machine()
    with contextlib.suppress(OSError, IndexError):  # the processor model is available here on Linux only
        name = re.findall(r"model name\s*: (.+)", Path("/proc/cpuinfo").read_text(encoding="utf-8"))[0]
    return f"{platform.node()} ({os.cpu_count()} cores, {name})"


def _probe(run: Machine, ranks: Ranks) -> Speed:
    """Run the first measured segment of a run from a system that has just been built, and leave it after a while."""
    start = start_of(run.study, run.replica)
    assert start is not None
    looks: list[tuple[int, float]] = []

    def look(steps: int) -> None:
        # Processor time, so that another program on the same core does not change it.
        looks.append((steps, time.thread_time()))
        if ranks.share(looks[-1][1] - looks[1][1] > PROBE_S):
            raise _MeasuredError

    with tempfile.TemporaryDirectory(prefix="nanofridge-probe-") as scratch:
        build, probe = (Path(ranks.share(scratch)) / name for name in ("build", "probe"))
        if ranks.is_root:
            build.mkdir()
            probe.mkdir()
        ranks.wait()
        # Not melted: the speed is the same, and melting would take longer than the measurement.
        deck = render("build.lmp.j2", study=run.study, seeds=build_seeds(start), melts=False)
        with files_of_decks(run.study, build, ranks), open_lammps(build, ranks) as lmp:
            tell(lmp, deck)
            tell(lmp, f"write_restart {RESTART}\n")
        with contextlib.suppress(_MeasuredError):
            piece = next(piece for piece in run.pieces() if piece.is_measured)
            looks.append((0, time.thread_time()))
            run_piece(run, piece, f"../{build.name}/{RESTART}", probe, ranks, on_look=look)
        ranks.wait()
    # The start of LAMMPS is not counted, except in a segment that is over at the first look.
    (first, began), (last, ended) = looks[len(looks) > 2], looks[-1]
    cores = f"{ranks.wanted} cores" if ranks.wanted > 1 else "one core"
    source = f"{last - first} steps of the deck of this study, measured on {cores} of {_machine()}"
    return Speed(ranks.wanted * (ended - began) / (last - first), source)
