"""Output of `snakemake plan`: the remaining cost of a study on this machine, and the expected error of each heat."""

from __future__ import annotations

import json
import textwrap
from dataclasses import asdict
from pathlib import Path

import pandas as pd
from tabulate import tabulate

from analysis.units import PER_NS
from simulation.engines.ranks import Ranks
from simulation.overview.forecast import SIGN_Z, Friction, forecast, friction_of, length_for_response
from simulation.overview.jobs import Job, jobs
from simulation.overview.speed import Speed, speed_of
from simulation.segments.checkpoint import KEPT_RESTARTS
from simulation.segments.progress import duration_text
from simulation.storage.files import json_text, replace
from simulation.study.fields import Study, StudyError
from simulation.study.section import SIDES

WIDTH = 100
RESTART_BYTES, TOPOLOGY_BYTES, FRAME_BYTES = 120, 150, 12
"""Of one atom, in the files of LAMMPS; a frame has three single-precision numbers."""
LOG_BYTES = 60
"""Of one line, which LAMMPS writes for each sample."""


def make_plan(study: Study, results: Path, ranks: Ranks, cores: int) -> None:
    """Print the plan of a study and write it to `plan.txt` and `plan.json` in its folder.

    If the speed is unknown, all ranks measure it for a few seconds; otherwise nothing is simulated.

    Args:
        study: which study.
        results: the folder with the results of all studies.
        ranks: MPI ranks of this call.
        cores: available to the simulations.

    Raises:
        EngineError: LAMMPS cannot run the study.
        StudyError: the project ships runs of this name with other parameters.
    """
    simulations = jobs(study, results)
    if refused := list(dict.fromkeys(job.refusal for job in simulations if job.refusal)):
        raise StudyError(study.name, refused)
    speed = speed_of(study, simulations, results, ranks)
    if not ranks.is_root:
        return
    costs, wall_s = costs_of(simulations, speed), wall_seconds(simulations, speed, cores)
    friction = friction_of(study, results)
    points = forecast(study, friction)
    content = {
        "study": study.name,
        "cores": cores,
        "speed": asdict(speed),
        "simulations": json.loads(costs.to_json(orient="records")),
        "wall_time_s": wall_s,
        "friction": friction.source,
        "points": json.loads(points.to_json(orient="records")),
    }
    head = f"Study {study.name}: {costs['to_do'].sum()} of {costs['jobs'].sum()} simulations to do"
    on = f"{cores} cores" if cores > 1 else "one core"
    rate = f"{1 / speed.core_s_per_step:.4g} steps per second and core: " if speed.core_s_per_step else ""
    notes = f"Speed: {rate}{speed.source}."
    if wall_s:
        notes += f"\nSimulations take {duration_text(wall_s)} or more on {on}; analysis and figures a few minutes more."
    if study.ranks > cores:
        notes += f"\nEach simulation has {study.ranks} MPI ranks, more than the available cores."
    paragraphs = [head, cost_table(costs), _folded(notes), forecast_text(points, friction)]
    needed_ns, own_ns = length_for_response(study, friction) / PER_NS, study.schedule.friction_ns
    if own_ns < needed_ns:
        paragraphs += [
            _folded(
                f"Friction runs of {own_ns:g} ns are too short for the prediction by linear response: at this friction "
                f"schedule.friction_ns must be at least {needed_ns:.2g}."
            )
        ]
    text = "\n\n".join(paragraphs) + "\n"
    folder = results / study.name
    folder.mkdir(parents=True, exist_ok=True)
    replace(folder / "plan.json", json_text(content))
    replace(folder / "plan.txt", lambda part: part.write_text(text, encoding="utf-8"))
    print(text, end="", flush=True)


# --- cost ----------------------------------------------------------------------------------------------------------


def costs_of(simulations: list[Job], speed: Speed) -> pd.DataFrame:
    """One row for each `purpose`: its `jobs`, those `to_do`, `core_hours` left, and `disk_bytes` of all when done."""
    rows = [
        (job.experiment.purpose, 1, int(job.record is None), core_seconds(job, speed) / 3600, disk_bytes(job))
        for job in simulations
    ]
    costs = pd.DataFrame(rows, columns=["purpose", "jobs", "to_do", "core_hours", "disk_bytes"])
    return costs.groupby("purpose", sort=False, as_index=False).sum()


def cost_table(costs: pd.DataFrame) -> str:
    """The costs and their sum."""
    table = pd.concat([costs, costs.assign(purpose="all simulations").groupby("purpose", as_index=False).sum()])
    headers = ["simulations", "jobs", "to do", "core-hours left", "GB when done"]
    table["disk_bytes"] /= 1e9
    return str(tabulate(table, headers, showindex=False, floatfmt=".3g"))


def core_seconds(job: Job, speed: Speed) -> float:
    """Core-seconds left of a job; steps of a smaller system cost proportionally less."""
    experiment = job.experiment
    size = min(experiment.atoms / experiment.study.moving_atoms, 1.0) if experiment.atoms else 1.0
    return job.left * size * speed.core_s_per_step


def wall_seconds(simulations: list[Job], speed: Speed, cores: int) -> float:
    """Lower limit of the wall time: all core-hours over the cores in use, or the longest run with its equilibration."""
    ranks = min(simulations[0].experiment.study.ranks, cores)
    seconds = {job.experiment.folder: core_seconds(job, speed) / ranks for job in simulations}
    chains = [
        seconds[job.experiment.folder] + (seconds.get(start.folder, 0.0) if (start := job.experiment.start) else 0.0)
        for job in simulations
    ]
    return max(sum(seconds.values()) / (cores // ranks), *chains)


def disk_bytes(job: Job) -> float:
    """Disk space of a finished job; series, log and frames are on disk twice, in the segments and joined."""
    experiment, schedule, pieces = job.experiment, job.experiment.study.schedule, job.experiment.pieces()
    sampled = sum(piece.steps for piece in pieces if piece.is_sampled)
    samples = sampled / experiment.sample_steps
    series = 8 * len(experiment.columns()) * samples
    if job.segments is None:
        return series
    frames = sampled / experiment.study.steps(schedule.trajectory_every_ps)
    restarts, topologies = 2 + len(pieces) / KEPT_RESTARTS, 1 + sum(piece.keeps_topology for piece in pieces)
    states = RESTART_BYTES * restarts + TOPOLOGY_BYTES * topologies
    return 2 * (series + LOG_BYTES * samples) + experiment.atoms * (2 * FRAME_BYTES * frames + states)


# --- expected errors -----------------------------------------------------------------------------------------------


def forecast_text(points: pd.DataFrame, friction: Friction) -> str:
    """Table of the forecast, and which points are too short."""
    if points.empty:
        return _folded(
            "No heat is predicted: theory covers the linear controller without a limit of its force, moving traps without "
            "a loop, and loops with a steady state at this friction."
        )
    table = points[["kappa_ratio", "time_ns"]].copy()
    for side in SIDES:
        both = zip(points[f"heat_{side}_eV_per_ns"], points[f"se_{side}_eV_per_ns"], strict=True)
        table[side] = [f"{heat:z.3f} ± {error:.3f}" for heat, error in both]
        table[f"z_{side}"] = points[f"z_{side}"].map("{:.1f}".format)
    lengths = points[["time_for_sign_ns", "time_for_10_percent_ns"]].astype(object)
    table[["sign", "precise"]] = lengths.where(lengths.notna(), None)
    headers = ["κ_H/κ_C", "ns", "cold bath", "z", "hot bath", "z", "ns for sign", "ns for 10 %"]
    shown = tabulate(
        table,
        headers,
        showindex=False,
        floatfmt=".3g",
        missingval="-",
        disable_numparse=[0, 3, 5],  # as the study writes the ratio, and with the zeros of z
        colalign=["right"] * len(headers),
    )
    title = (
        "Expected heat into each bath, eV/ns per coupled axis ± standard error of its measurement\n"
        f"(axes × replicas: {points['axes_times_replicas'][0]}; z: heat over error; friction: {friction.source})"
    )
    short = ", ".join(points["kappa_ratio"][points["undersampled"]])
    conclusion = (
        f"Undersampled, so the sign may remain undecided (z below {SIGN_Z:g}): {short}. The column 'ns for sign' has "
        "the sweep_ns that is long enough; more sweep_replicas have the same effect."
    )
    if not short:
        conclusion = "Every point with a heat is long enough to decide its sign."
    return f"{_folded(title)}\n\n{shown}\n\n{_folded(conclusion)}"


def _folded(text: str) -> str:
    return "\n".join(textwrap.fill(line, WIDTH) for line in text.splitlines() if line)
