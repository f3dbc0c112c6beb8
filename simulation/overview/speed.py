"""Speed and output of the system of a study on this machine, from its finished runs or from a few seconds of LAMMPS.

A probe builds the system of the study in a temporary folder and runs it with the deck, demon and output of the study. Only the
numbers are kept.
"""

from __future__ import annotations

import contextlib
import os
import platform
import re
import statistics
import tempfile
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from simulation.engines.lammps import lammps_build, open_lammps, tell
from simulation.engines.ranks import Ranks
from simulation.experiments import machine
from simulation.experiments.baths import build_seeds, start_of
from simulation.experiments.decks import render
from simulation.experiments.machine import Machine
from simulation.overview.jobs import Job
from simulation.segments.piece import files_of_decks, run_piece
from simulation.storage import files
from simulation.storage.files import RESTART, TOPOLOGY, digest, json_text, read_json
from simulation.study.fields import Study

PROBE_S = 3.0  # processor time
WARM_UP_STEPS = 250
LANGEVIN_STEPS = 50_000
CACHE = "speed.json"


@dataclass(frozen=True)
class Speed:
    """Cost of the simulations of a study on one machine.

    Attributes:
        core_s_per_step: core-seconds of one MD step; with one rank the inverse of its steps per second.
        startup_s: processor time per core and segment besides its steps: start of LAMMPS, files.
        bytes_per_step: size of series and log.
        restart_bytes, topology_bytes: size of a restart file and of a topology.
        source: origin of the numbers, in words.
        share: fraction of a core that the probe had; below 1 on a busy machine, where wall times are longer by this factor.
    """

    core_s_per_step: float
    startup_s: float
    bytes_per_step: float
    restart_bytes: float
    topology_bytes: float
    source: str
    share: float = 1.0


def speed_of(study: Study, jobs: list[Job], results: Path, ranks: Ranks) -> Speed:
    """Speed of a study, from an earlier probe of the same system and machine or a new one, and from finished runs.

    Args:
        study: which study.
        jobs: its simulations.
        results: the folder with the results of all studies; a probe is stored in that of the study.
        ranks: MPI ranks of this process, used by a probe; all of them must call.

    Raises:
        EngineError: LAMMPS cannot run the study.
    """
    cache = results / study.name / CACHE
    speed: Speed | None = ranks.share(_known(study, cache, ranks) if ranks.is_root else None)
    if speed is None:
        speed = _probe_langevin(study) if study.engine == "langevin" else _probe_lammps(study, ranks)
        if ranks.is_root:
            cache.parent.mkdir(parents=True, exist_ok=True)
            files.replace(cache, json_text({"key": _key(study, ranks), **asdict(speed)}))
    records = [job.record for job in jobs if job.record and job.experiment.kind == "machine"]
    rates = [record["steps_per_s"] for record in records if "steps_per_s" in record]
    if rates:  # their wall time includes starts and output, so nothing is added to it
        count = f"{len(rates)} finished runs" if len(rates) > 1 else "1 finished run"
        source = f"{count} of this study, on any machine"
        speed = replace(speed, core_s_per_step=study.ranks / statistics.median(rates), startup_s=0.0, source=source)
    return speed


def _known(study: Study, cache: Path, ranks: Ranks) -> Speed | None:
    content = read_json(cache)
    if content is None or content.pop("key", None) != _key(study, ranks):
        return None
    with contextlib.suppress(TypeError):  # written by another version
        return Speed(**content)
    return None


def _key(study: Study, ranks: Ranks) -> str:
    """Fingerprint of what a probe measures: the machine and the complete input of LAMMPS."""
    build = lammps_build() if study.engine == "lammps" else ""
    identity = machine.point_runs(study, machine.points(study)[-1])[0].identity()
    site = {"ranks": ranks.wanted, **ranks.site.content()}
    return digest({"machine": _machine(), "site": site, "identity": identity, "lammps": build})


def _machine() -> str:
    name = platform.processor() or platform.machine()
    with contextlib.suppress(OSError, IndexError):  # the processor model is available here on Linux only
        name = re.findall(r"model name\s*: (.+)", Path("/proc/cpuinfo").read_text(encoding="utf-8"))[0]
    return f"{platform.node()} ({os.cpu_count()} cores, {name})"


def _probed(study: Study, length_ns: float) -> Machine:
    """The run that a probe copies: the last of the sweep, with its demon."""
    schedule = study.schedule.model_copy(update={"sweep_ns": length_ns, "segment_ps": 1000 * length_ns})
    short = study.model_copy(update={"schedule": schedule})
    return machine.point_runs(short, machine.points(study)[-1])[0]


def _probe_lammps(study: Study, ranks: Ranks) -> Speed:
    sample_ns = study.schedule.sample_every_ps / 1000
    with tempfile.TemporaryDirectory(prefix="nanofridge-probe-") as scratch:
        folder = Path(ranks.share(scratch)) / "build"
        ranks.wait()
        if ranks.is_root:
            folder.mkdir()
        ranks.wait()
        start = start_of(study, 1)
        assert start is not None
        # Not melted: the speed is the same, and melting would take longer than the measurement.
        deck = render("build.lmp.j2", study=study, seeds=build_seeds(start), melts=False)
        with files_of_decks(study, folder, ranks), open_lammps(folder, ranks) as lmp:
            tell(lmp, deck)
            tell(lmp, f"write_restart {RESTART}\nwrite_data {TOPOLOGY} nocoeff\n")
        few = max(WARM_UP_STEPS // study.steps(study.schedule.sample_every_ps), 1)
        seconds, _, _, _ = _timed(study, few * sample_ns, folder, ranks)
        many = ranks.share(max(round(few * PROBE_S / seconds), 1))
        seconds, startup, written, share = _timed(study, many * sample_ns, folder, ranks)
        steps = many * study.steps(study.schedule.sample_every_ps)
        size = {name: (folder / name).stat().st_size for name in (RESTART, TOPOLOGY)}
        ranks.wait()
    cores = f"{ranks.wanted} cores" if ranks.wanted > 1 else "one core"
    return Speed(
        core_s_per_step=ranks.wanted * seconds / steps,
        startup_s=startup,
        bytes_per_step=written / steps,
        restart_bytes=size[RESTART],
        topology_bytes=size[TOPOLOGY],
        source=f"{steps} steps of the deck of this study, measured on {cores} of {_machine()}",
        share=share,
    )


def _timed(study: Study, length_ns: float, build: Path, ranks: Ranks) -> tuple[float, float, float, float]:
    """Run a measured segment: processor time inside and outside the loop of LAMMPS, bytes of series and log, share of a core.

    Cost is processor time, so that another program on the same core does not change it.
    """
    run = _probed(study, length_ns)
    folder = build.parent / f"{length_ns}"
    if ranks.is_root:
        folder.mkdir()
    ranks.wait()
    started = time.process_time()
    piece = next(piece for piece in run.pieces() if piece.is_measured)
    record = run_piece(run, piece, f"../{build.name}/{RESTART}", folder, ranks)
    share = min((time.process_time() - started) / record["wall_time_s"], 1.0)
    written = 0.0
    if ranks.is_root:
        written = sum((folder / name).stat().st_size for name in (files.SERIES, files.LOG))
    return (
        share * record["loop_time_s"],
        share * (record["wall_time_s"] - record["loop_time_s"]),
        written,
        share,
    )


def _probe_langevin(study: Study) -> Speed:
    samples = max(LANGEVIN_STEPS // study.steps(study.schedule.sample_every_ps), 1)
    run = _probed(study, samples * study.schedule.sample_every_ps / 1000)
    started = time.process_time()
    series = run.exact()
    steps = study.steps(run.duration_ps)
    seconds = (time.process_time() - started) / steps
    size = series.memory_usage(index=False).sum() / steps  # double precision, hardly compressible
    return Speed(seconds, 0.0, size, 0.0, 0.0, f"a short run of the model, measured on {_machine()}")
