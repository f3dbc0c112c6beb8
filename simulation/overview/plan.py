"""Output of `snakemake plan`: the remaining cost of a study on this machine, and the expected error of each heat."""

from __future__ import annotations

import heapq
import math
import textwrap
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tabulate import tabulate

from simulation.control.controller import LINEAR
from simulation.engines.ranks import Ranks
from simulation.overview.forecast import DECIDED_Z, HeatForecast, PointForecast, forecast, friction_of
from simulation.overview.jobs import Job, jobs
from simulation.overview.speed import Speed, speed_of
from simulation.segments.checkpoint import KEPT_RESTARTS
from simulation.segments.progress import duration_text
from simulation.storage.files import json_text, replace
from simulation.study.fields import Study
from simulation.study.section import SIDES

WIDTH = 100
BUSY_SHARE = 0.8  # a probe with a smaller share of its core reports it
PRECISION = 0.1
"""Plans give the length for this relative error."""


@dataclass(frozen=True)
class Cost:
    """The simulations of one purpose: number, number to do, their cost, and the disk space of all when done."""

    purpose: str
    jobs: int
    to_do: int
    core_hours: float
    disk_bytes: float


@dataclass(frozen=True)
class Plan:
    """Cost and expected errors of a study before it runs; `text` for the user, `content` for programs."""

    study: Study
    speed: Speed
    cores: int
    costs: list[Cost]
    wall_s: float
    friction_source: str
    points: list[PointForecast]
    targets: int
    targets_missing: int

    def content(self) -> dict[str, Any]:
        """All as plain data."""
        return {
            "study": self.study.name,
            "cores": self.cores,
            "speed": asdict(self.speed),
            "simulations": [asdict(cost) for cost in self.costs],
            "wall_time_s": self.wall_s,
            "friction": self.friction_source,
            "points": [_point_content(point) for point in self.points],
        }

    def text(self) -> str:
        """Two tables and the resulting hints."""
        lines = [*self._cost_lines(), "", *self._heat_lines(), "", *self._hints()]
        return "\n".join(line if "\n" in line else textwrap.fill(line, WIDTH) for line in lines) + "\n"

    def _cost_lines(self) -> list[str]:
        to_do, count = sum(cost.to_do for cost in self.costs), sum(cost.jobs for cost in self.costs)
        rows = [[c.purpose, c.jobs, c.to_do, f"{c.core_hours:.3g}", _size(c.disk_bytes)] for c in self.costs]
        hours, disk = sum(cost.core_hours for cost in self.costs), sum(cost.disk_bytes for cost in self.costs)
        rows.append(["all simulations", count, to_do, f"{hours:.3g}", _size(disk)])
        if self.targets:
            rows.append(["tables, figures, report", self.targets, self.targets_missing, "", ""])
        headers = ["simulations", "jobs", "to do", "core-hours left", "disk when done"]
        cores = f"{self.cores} cores" if self.cores > 1 else "one core"
        left = f"Simulations take {duration_text(self.wall_s)} on {cores}; analysis and figures a few minutes more."
        lines = [
            f"Study {self.study.name}: {to_do} of {count} simulations to do",
            "",
            _table(rows, headers, "left"),
            "",
        ]
        lines.append(left if to_do else "No simulation is left to do.")
        lines.append(f"Speed, {1 / self.speed.core_s_per_step:.4g} steps per second and core: {self.speed.source}.")
        if self.speed.share < BUSY_SHARE:
            share = f"{100 * self.speed.share:.0f} %"
            lines.append(f"The machine was busy, the probe had {share} of its core; wall times assume idle cores.")
        if self.study.ranks > self.cores:
            lines.append(f"Each simulation needs ranks: {self.study.ranks}, more than these cores.")
        return lines

    @property
    def _unknown(self) -> str:
        """Why theory makes no prediction."""
        demon = self.study.demon
        if demon.controller != LINEAR:
            return f"theory covers only the linear controller, not {demon.controller}"
        if demon.feedback.force_limit_eV_per_A is not None:
            return "there is no theory for a limited force"
        return "with the loop of demon.feedback there is no steady state at this friction"

    def _heat_lines(self) -> list[str]:
        if not self.points:
            return [f"No heat is predicted: {self._unknown}."]
        axes, replicas = len(self.study.demon.coupling_axes), self.study.schedule.sweep_replicas
        copies = f"{axes} ax{'e' if axes > 1 else 'i'}s × {replicas} replica{'s' * (replicas > 1)}"
        rows = [
            [
                point.kappa_ratio,
                f"{point.time_ns:g}",
                *(cell for heat in point.heats for cell in (_value(heat), f"{heat.z:.1f}")),
                _time(point.time_for(DECIDED_Z)),
                _time(point.time_for(1 / PRECISION)),
            ]
            for point in self.points
        ]
        headers = ["κ_H/κ_C", "ns", "cold bath", "z", "hot bath", "z", "ns for sign", "ns for 10 %"]
        return [
            "Expected heat into each bath, eV/ns per coupled axis ± standard error of its measurement",
            f"({copies}; z: heat over error; friction: {self.friction_source})",
            "",
            _table(rows, headers, "right"),
        ]

    def _hints(self) -> list[str]:
        lines = []
        for point in self.points:
            needed = point.time_for(DECIDED_Z)
            if needed is None:
                lines.append(f"{point.kappa_ratio}: no heat flows, so no length decides a sign.")
            elif point.is_undersampled:
                schedule = self.study.schedule
                replicas = math.ceil(schedule.sweep_replicas * needed / point.time_ns)
                length = math.ceil(needed * 1000 / schedule.segment_ps) * schedule.segment_ps / 1000
                lines.append(
                    f"{point.kappa_ratio}: undersampled, its sign may stay undecided (z below {DECIDED_Z:g}); "
                    f"sweep_ns: {length:g} or sweep_replicas: {replicas} decides it."
                )
        if self.points and not lines:
            lines.append(f"Every point is long enough to decide its sign (z of {DECIDED_Z:g} or more).")
        return lines


def make_plan(study: Study, results: Path, ranks: Ranks, cores: int, targets: Sequence[Path]) -> None:
    """Print the plan of a study and write it to `plan.txt` and `plan.json` in its folder.

    If the speed is unknown, all ranks measure it for a few seconds; otherwise nothing is simulated.

    Args:
        study: which study.
        results: the folder with the results of all studies.
        ranks: MPI ranks of this call.
        cores: available to the simulations.
        targets: tables, figures and pages made by the workflow of the study.

    Raises:
        EngineError: LAMMPS cannot run the study.
    """
    simulations = jobs(study, results)
    speed = speed_of(study, simulations, results, ranks)
    if not ranks.is_root:
        return
    plan = plan_of(study, simulations, speed, cores, results, targets)
    folder = results / study.name
    folder.mkdir(parents=True, exist_ok=True)
    replace(folder / "plan.json", json_text(plan.content()))
    replace(folder / "plan.txt", lambda part: part.write_text(plan.text(), encoding="utf-8"))
    print(plan.text(), end="", flush=True)


def plan_of(
    study: Study, simulations: list[Job], speed: Speed, cores: int, results: Path, targets: Sequence[Path]
) -> Plan:
    """Combine cost and predicted errors of a study; arguments as of `make_plan`."""
    costs = []
    for purpose in dict.fromkeys(job.experiment.purpose for job in simulations):
        mine = [job for job in simulations if job.experiment.purpose == purpose]
        hours = sum(core_seconds(job, speed) for job in mine) / 3600
        disk = sum(disk_bytes(job, speed) for job in mine)
        costs.append(Cost(purpose, len(mine), sum(not job.is_done for job in mine), hours, disk))
    friction = friction_of(study, results)
    return Plan(
        study=study,
        speed=speed,
        cores=cores,
        costs=costs,
        wall_s=wall_seconds(simulations, speed, cores),
        friction_source=friction.source,
        points=forecast(study, friction),
        targets=len(targets),
        targets_missing=sum(not target.is_file() for target in targets),
    )


# --- cost ----------------------------------------------------------------------------------------------------------


def core_seconds(job: Job, speed: Speed) -> float:
    """Core-seconds left of a job; steps of a smaller system cost proportionally less."""
    experiment = job.experiment
    size = min(experiment.atoms / experiment.study.moving_atoms, 1.0) if experiment.atoms else 1.0
    return sum(job.left) * size * speed.core_s_per_step + experiment.study.ranks * len(job.left) * speed.startup_s


def wall_seconds(simulations: Sequence[Job], speed: Speed, cores: int) -> float:
    """Remaining wall time if as many simulations run in parallel as the cores allow."""
    width = min(max((job.experiment.study.ranks for job in simulations), default=1), cores)
    slots = [0.0] * max(cores // width, 1)
    ready: dict[str, float] = {}
    # First the baths, then jobs without dependencies, so that no core is idle: the order of Snakemake.
    order = {"baths": 0, "drag": 1}
    for job in sorted(simulations, key=lambda job: order.get(job.experiment.kind, 2)):
        start = job.experiment.start
        begin = max(heapq.heappop(slots), 0.0 if start is None else ready.get(start.folder, 0.0))
        end = begin + core_seconds(job, speed) / width
        ready[job.experiment.folder] = end
        heapq.heappush(slots, end)
    return max(slots)


def disk_bytes(job: Job, speed: Speed) -> float:
    """Disk space of a finished job; series, log and frames are on disk twice, in the segments and joined."""
    steps, atoms, study = sum(job.steps), job.experiment.atoms, job.experiment.study
    if job.segments is None:
        return steps * speed.bytes_per_step
    size = atoms / study.moving_atoms
    restarts = 2 + len(job.steps) / KEPT_RESTARTS
    topologies = 1 + sum(piece.keeps_topology for piece in job.experiment.pieces())
    states = size * (restarts * speed.restart_bytes + topologies * speed.topology_bytes)
    if job.experiment.kind == "baths":
        return steps * speed.bytes_per_step + states + size * speed.restart_bytes
    # A frame has three single-precision numbers per atom, and each segment begins with one.
    frames = steps / study.steps(study.schedule.trajectory_every_ps) + len(job.steps) / 2
    return 2 * (steps * speed.bytes_per_step + 12 * atoms * frames) + states


# --- text ---------------------------------------------------------------------------------------------------------


def _point_content(point: PointForecast) -> dict[str, Any]:
    content: dict[str, Any] = {
        "kappa_ratio": point.kappa_ratio,
        "time_ns": point.time_ns,
        "axes_times_replicas": point.copies,
        "undersampled": point.is_undersampled,
        "time_for_sign_ns": point.time_for(DECIDED_Z),
        "time_for_10_percent_ns": point.time_for(1 / PRECISION),
    }
    for side, heat in zip(SIDES, point.heats, strict=True):
        content |= {f"heat_{side}_eV_per_ns": heat.heat, f"se_{side}_eV_per_ns": heat.se, f"z_{side}": heat.z}
    return content


def _table(rows: list[list[Any]], headers: list[str], first: str) -> str:
    align = (first, *["right"] * (len(headers) - 1))
    return str(tabulate(rows, headers, tablefmt="simple", disable_numparse=True, colalign=align))


def _value(heat: HeatForecast) -> str:
    return f"{heat.heat:z.3f} ± {heat.se:.3f}"


def _time(time_ns: float | None) -> str:
    return "-" if time_ns is None else f"{time_ns:.2g}" if time_ns < 10 else f"{time_ns:.0f}"


def _size(size_bytes: float) -> str:
    for unit, factor in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6)):
        if size_bytes >= factor:
            return f"{size_bytes / factor:.1f} {unit}"
    return f"{size_bytes / 1e3:.0f} kB"
