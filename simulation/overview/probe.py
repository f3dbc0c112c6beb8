"""How fast a study's own system runs on this machine, measured: from its finished runs, or in a few seconds of LAMMPS.

A probe builds the study's system in a folder that is thrown away, and advances it with the study's own deck, demon and output.
Nothing of it is kept but the speed.
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
import re
import statistics
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from simulation.checkpoint import RESTART, json_text, replace
from simulation.deck import digest, render_probe_build, run_identity, start_identity
from simulation.engine import Ranks, advance, lammps_version, run_segment
from simulation.langevin import propagate
from simulation.overview.jobs import Job, atoms
from simulation.plan import Run, runs
from simulation.study import Study

PROBE_S = 3.0  # of processor time
WARM_UP_STEPS = 250
LANGEVIN_STEPS = 50_000
CACHE = "speed.json"


@dataclass(frozen=True)
class Speed:
    """Cost of a study's simulations on one machine.

    Attributes:
        core_s_per_step: core-seconds of one MD step; with one rank the inverse of its steps per second.
        startup_s: processor time per core of a segment beyond its steps: a fresh LAMMPS, its files.
        source: where the numbers come from, in words.
        share: of a core that the probe got; less than 1 on a busy machine, whose wall times are longer by that much.
    """

    core_s_per_step: float
    startup_s: float
    source: str
    share: float = 1.0


def speed_of(study: Study, jobs: list[Job], results: Path, ranks: Ranks) -> Speed:
    """The study's speed: from finished runs, else from an earlier probe of the same system and machine, else from a probe.

    Args:
        study: which study.
        jobs: its simulations.
        results: the folder that holds those of all studies; a probe is remembered in that of the study.
        ranks: this process's MPI ranks, with which a probe runs; all of them must call.

    Raises:
        EngineError: LAMMPS cannot run the study.
    """
    known: Speed | None = ranks.share(_known(study, jobs, results, ranks) if ranks.is_root else None)
    if known is not None:
        return known
    speed = _probe_langevin(study) if study.engine == "langevin" else _probe_lammps(study, ranks)
    if ranks.is_root:
        cache = results / study.name / CACHE
        cache.parent.mkdir(parents=True, exist_ok=True)
        replace(cache, json_text({"key": _key(study, ranks), **asdict(speed)}))
    return speed


def _known(study: Study, jobs: list[Job], results: Path, ranks: Ranks) -> Speed | None:
    finished = [job.content() or {} for job in jobs if job.atoms == atoms(study) and job.is_done]
    rates = [content["steps_per_s"] for content in finished if "steps_per_s" in content]
    if rates:
        # Their wall time holds starts and output, so nothing is added to it.
        rate = statistics.median(rates)
        count = f"{len(rates)} finished runs" if len(rates) > 1 else "1 finished run"
        return Speed(study.ranks / rate, 0.0, f"{count} of this study, wherever they ran")
    try:
        content = json.loads((results / study.name / CACHE).read_text(encoding="utf-8"))
        if content.pop("key") == _key(study, ranks):
            return Speed(**content)
    except (OSError, ValueError, KeyError, TypeError):
        pass  # none yet, or of another version: measure
    return None


def _key(study: Study, ranks: Ranks) -> str:
    """Identity of what a probe measures: the machine, and all that LAMMPS is told."""
    told = [start_identity(study), run_identity(_probed(study)), lammps_version()] if study.engine == "lammps" else []
    return digest({"machine": _machine(), "ranks": ranks.wanted, "told": told})


def _machine() -> str:
    name = platform.processor() or platform.machine()
    with contextlib.suppress(OSError, IndexError):  # Linux alone tells the model here
        name = re.findall(r"model name\s*: (.+)", Path("/proc/cpuinfo").read_text(encoding="utf-8"))[0]
    return f"{platform.node()} ({os.cpu_count()} cores, {name})"


def _probed(study: Study) -> Run:
    """The run that a probe imitates: the last of the sweep, with its demon."""
    return runs(study)[-1]


def _probe_lammps(study: Study, ranks: Ranks) -> Speed:
    run, sample = _probed(study), study.steps(study.schedule.sample_every_ps)
    with tempfile.TemporaryDirectory(prefix="nanofridge-probe-") as scratch:
        root = Path(ranks.share(scratch))
        folders = [root / name for name in ("build", "warm", "measured")]
        for folder in folders:
            if ranks.is_root:
                folder.mkdir()
        ranks.wait()
        advance(study, f"{study.name} probe", render_probe_build(study), folders[0], ranks, steps=0)
        few = max(WARM_UP_STEPS // sample, 1) * sample
        warm, share = _timed(run, folders[0], folders[1], ranks, 0, few)
        wanted = PROBE_S * few / (share * warm["loop_time_s"])
        steps = ranks.share(max(int(wanted) // sample, 1) * sample)
        measured, share = _timed(run, folders[1], folders[2], ranks, 1, steps)
        ranks.wait()
    cores = f"{ranks.wanted} cores" if ranks.wanted > 1 else "one core"
    return Speed(
        core_s_per_step=share * ranks.wanted * measured["loop_time_s"] / steps,
        startup_s=share * (measured["wall_time_s"] - measured["loop_time_s"]),
        source=f"{steps} steps of this study's own deck, run for it on {cores} of {_machine()}",
        share=share,
    )


def _timed(run: Run, start: Path, folder: Path, ranks: Ranks, index: int, steps: int) -> tuple[dict[str, Any], float]:
    """Run a segment; its record, and the share of a core that it got.

    Cores are counted in processor time: another program on the same core does not make a step cost more.
    """
    started = time.process_time()
    record = run_segment(
        run, str(start / RESTART), folder, ranks, index=index, steps=steps, on_sample=lambda step: None
    )
    return record, min((time.process_time() - started) / record["wall_time_s"], 1.0)


def _probe_langevin(study: Study) -> Speed:
    schedule = study.schedule
    samples = max(LANGEVIN_STEPS // study.steps(schedule.sample_every_ps), 1)
    short = schedule.model_copy(update={"sweep_ns": samples * schedule.sample_every_ps / 1000})
    run = _probed(study.model_copy(update={"schedule": short}))
    started = time.process_time()
    propagate(run)
    seconds = time.process_time() - started
    return Speed(seconds / study.steps(run.duration_ps), 0.0, f"a short run of the model, made for it on {_machine()}")
