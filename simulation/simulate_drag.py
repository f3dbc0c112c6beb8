"""One drag run from start to run folder, with either engine; LAMMPS runs continue from the segments that are there."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.units import FRICTION_SI
from simulation import checkpoint, closure, runfolder
from simulation.drag import (
    FIRST_PULLED,
    SERIES,
    DragRun,
    drag_fingerprint,
    drag_identity,
    render_build,
    render_segment,
    render_standalone,
)
from simulation.engine import Ranks, advance, lammps_version
from simulation.langevin import propagate_pulled
from simulation.output import keep_series
from simulation.resume import Task, complete


def simulate_drag(run: DragRun, folder: Path, ranks: Ranks, time_limit_minutes: float | None = None) -> None:
    """Run one drag run with its study's engine, and write its run folder.

    Args:
        run: which run.
        folder: the run folder.
        ranks: MPI ranks.
        time_limit_minutes: stop in good order before this much wall time is over; None for no limit.

    Raises:
        EngineError: LAMMPS failed; committed segments stay and the next call continues from them.
        StopRequested: a signal came, or the time limit; the next call continues.
        ClosureError: energy does not close.
    """
    if run.study.engine == "langevin":
        _simulate_langevin(run, folder)
    else:
        _simulate_lammps(run, folder, ranks, time_limit_minutes)


def drag_segments(run: DragRun, folder: Path) -> checkpoint.Segments:
    """The segments of a LAMMPS drag run in its run folder."""
    return checkpoint.Segments(folder / "segments", drag_identity(run) | {"lammps": lammps_version()})


def drag_first_law(series: pd.DataFrame) -> dict[str, float]:
    """`closure.balance` of thermostat + Δenergy − work, constant if energy closes; and the work's rate."""
    time_ps = series["time_ps"].to_numpy()
    energy, work = (series[name].to_numpy() for name in ("energy_eV", "work_eV"))
    residual = series["thermostat_eV"].to_numpy() + energy - energy[0] - work
    rate = 1000 * float((work[-1] - work[0]) / (time_ps[-1] - time_ps[0]))
    return closure.balance(time_ps, residual) | {"work_eV_per_ns": rate}


def _simulate_lammps(run: DragRun, folder: Path, ranks: Ranks, time_limit_minutes: float | None) -> None:
    study, lengths = run.study, run.segment_steps

    def advance_segment(index: int, restart: str, part: Path, on_sample: Callable[[int], None]) -> dict[str, Any]:
        text = render_segment(run, restart, index) if index else render_build(run)
        at_end = "" if index else f"write_data {checkpoint.TOPOLOGY} nocoeff\n"
        record = advance(study, run.label, text, part, ranks, steps=lengths[index], on_sample=on_sample, at_end=at_end)
        if index and ranks.is_root:
            keep_series(part, list(SERIES), study, lengths[index])
        return record

    def finish(done: list[checkpoint.Segment]) -> None:
        pulled, topology = done[FIRST_PULLED:], done[0].folder / checkpoint.TOPOLOGY
        series = runfolder.join_series([pd.read_parquet(segment.folder / checkpoint.SERIES) for segment in pulled])
        free = study.edge_A**3 - study.excluded_volume_A3
        system = {
            "argon_atoms": run.argon_atoms,
            "copper_atoms": study.nanoparticle.atoms,
            "edge_A": study.edge_A,
            "accessible_density_per_nm3": round(1000 * run.argon_atoms / free, 4),
            "neighbours_per_atom": done[-1].record["neighbours_per_atom"],
        }
        files = runfolder.trace_files(done, pulled, topology, study.schedule.trajectory_every_ps)
        files |= {"deck.lmp": lambda part: part.write_text(render_standalone(run), encoding="utf-8")}
        _write(run, folder, series, runfolder.lammps_cost(done) | {"system": system}, files)

    task = Task(
        label=run.label,
        segments=drag_segments(run, folder),
        start=None,
        lengths=lengths,
        timestep_ps=study.integration.timestep_fs / 1000,
        stage=lambda index: ("building", "equilibrating", "pulling")[min(index, FIRST_PULLED)],
        advance=advance_segment,
    )
    complete(task, ranks, time_limit_minutes, finish)


def _simulate_langevin(run: DragRun, folder: Path) -> None:
    """The exact model: what the force does goes through the particle's kinetic energy straight to the thermostat."""
    study, started = run.study, time.monotonic()
    interval, mass = study.schedule.sample_every_ps, study.particle_mass_eV_ps2_per_A2
    intervals = round(run.duration_ps / interval)
    columns: dict[str, NDArray[Any]] = {
        "step": np.arange(intervals + 1) * study.steps(interval),
        "time_ps": np.arange(intervals + 1) * interval,
    }
    zero, kinetic = np.zeros(intervals + 1), np.zeros(intervals + 1)
    for axis in "xyz":
        force = run.force_eV_per_A if axis == "x" else 0.0
        displacement, velocity = propagate_pulled(
            mass,
            run.friction_kg_per_s / FRICTION_SI,
            study.temperature_K(run.side),
            force,
            interval,
            intervals,
            run.seed(f"langevin_{axis}"),
        )
        columns |= {f"displacement_{axis}_A": displacement, f"velocity_{axis}_A_per_ps": velocity}
        columns |= {f"particle_velocity_{axis}_A_per_ps": velocity, f"argon_velocity_{axis}_A_per_ps": zero}
        kinetic += mass / 2 * velocity**2
    work = run.force_eV_per_A * columns["displacement_x_A"]
    columns |= {"temperature_K": np.full(intervals + 1, study.temperature_K(run.side)), "work_eV": work}
    columns |= {"thermostat_eV": work - (kinetic - kinetic[0]), "energy_eV": kinetic}
    provenance = {
        "versions": runfolder.versions(),
        "wall_time_s": round(time.monotonic() - started, 3),
        "friction_kg_per_s": run.friction_kg_per_s,
    }
    _write(run, folder, pd.DataFrame(columns), provenance, {})


def _write(
    run: DragRun,
    folder: Path,
    series: pd.DataFrame,
    provenance: dict[str, Any],
    files: dict[str, Callable[[Path], object]],
) -> None:
    """Check the first law and write the run folder."""
    study = run.study
    found = drag_first_law(series)
    limits = study.limits
    limit = limits.closure_drift_eV_per_ns + limits.closure_drift_of_work * abs(found["work_eV_per_ns"])
    judged = closure.check(run.label, found, limit, "limits.closure_drift_eV_per_ns and closure_drift_of_work", study)
    content = {
        "format": runfolder.FORMAT,
        "engine": study.engine,
        "study": study.name,
        "purpose": "drag",
        "point": run.point,
        "side": run.side,
        "force_nN": run.force_nN,
        "replica": run.replica,
        "parameters": {
            "mass_eV_ps2_per_A2": study.particle_mass_eV_ps2_per_A2,
            "force_eV_per_A": run.force_eV_per_A,
            "temperature_K": study.temperature_K(run.side),
            "timestep_ps": study.integration.timestep_fs / 1000,
            "sample_interval_ps": study.schedule.sample_every_ps,
        },
        "duration_ps": float(series["time_ps"].iloc[-1]),
        "settings": study.model_dump(mode="json"),
        "seeds": run.seeds,
        "ranks": study.ranks,
        "fingerprint": drag_fingerprint(run),
    }
    runfolder.store(folder, series, content | provenance | {"closure": judged | {"limit_eV_per_ns": limit}}, files)
