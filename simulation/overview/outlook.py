"""What `snakemake plan` tells: what a study still costs on this machine, and how well its lengths will measure each heat."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tabulate import tabulate

from simulation.checkpoint import json_text, replace
from simulation.engine import Ranks
from simulation.overview.cost import core_seconds, disk_bytes, wall_seconds
from simulation.overview.forecast import DECIDED_Z, PRECISION, HeatForecast, PointForecast, forecast, friction_of
from simulation.overview.jobs import Job, jobs
from simulation.overview.probe import Speed, speed_of
from simulation.progress import duration_text
from simulation.study import SIDES, Study

WIDTH = 100
BUSY_SHARE = 0.8  # a probe that got less of its core than this says so


@dataclass(frozen=True)
class RuleCost:
    """The simulations of one rule.

    Attributes:
        rule: its name, with the purpose of its runs.
        jobs: how many there are.
        to_do: how many of them are not done.
        core_hours: what is left of them costs; committed segments are not paid again.
        disk_bytes: what all of them take when they are done.
    """

    rule: str
    jobs: int
    to_do: int
    core_hours: float
    disk_bytes: float


@dataclass(frozen=True)
class Outlook:
    """Cost and worth of a study before it runs; `text` is for people, `content` for programs."""

    study: Study
    speed: Speed
    cores: int
    rules: list[RuleCost]
    wall_s: float
    friction_source: str
    points: list[PointForecast]
    targets: int
    targets_missing: int

    def content(self) -> dict[str, Any]:
        """Everything as plain data."""
        return {
            "study": self.study.name,
            "cores": self.cores,
            "speed": asdict(self.speed),
            "rules": [asdict(rule) for rule in self.rules],
            "wall_time_s": self.wall_s,
            "friction": self.friction_source,
            "points": [
                {
                    "kappa_ratio": point.kappa_ratio,
                    "time_ns": point.time_ns,
                    "axes_times_replicas": point.copies,
                    "undersampled": point.is_undersampled,
                    "time_for_sign_ns": point.time_for(DECIDED_Z),
                    "time_for_10_percent_ns": point.time_for(1 / PRECISION),
                }
                | {
                    f"{name}_{side}{unit}": value
                    for side, heat in zip(SIDES, point.heats, strict=True)
                    for name, unit, value in (
                        ("heat", "_eV_per_ns", heat.heat),
                        ("se", "_eV_per_ns", heat.se),
                        ("z", "", heat.z),
                    )
                }
                for point in self.points
            ],
        }

    def text(self) -> str:
        """Two tables and the hints that follow from them."""
        lines = [*self._costs(), "", *self._heats(), "", *self._hints()]
        return "\n".join(line if "\n" in line else textwrap.fill(line, WIDTH) for line in lines) + "\n"

    def _costs(self) -> list[str]:
        to_do, jobs = sum(rule.to_do for rule in self.rules), sum(rule.jobs for rule in self.rules)
        rows = [
            [rule.rule, rule.jobs, rule.to_do, f"{rule.core_hours:.3g}", _size(rule.disk_bytes)] for rule in self.rules
        ]
        hours, disk = sum(rule.core_hours for rule in self.rules), sum(rule.disk_bytes for rule in self.rules)
        rows.append(["all simulations", jobs, to_do, f"{hours:.3g}", _size(disk)])
        if self.targets:
            rows.append(["tables, figures, report", self.targets, self.targets_missing, "", ""])
        headers = ["rule", "jobs", "to do", "core-hours left", "disk when done"]
        lines = [f"Study {self.study.name}: {to_do} of {jobs} simulations to do", ""]
        lines.append(
            tabulate(rows, headers, tablefmt="simple", disable_numparse=True, colalign=("left", *["right"] * 4))
        )
        cores = f"{self.cores} cores" if self.cores > 1 else "one core"
        left = f"Simulations take {duration_text(self.wall_s)} on {cores}; analysis and figures a few minutes more."
        lines += ["", left if to_do else "No simulation is left to do."]
        lines.append(f"Speed, {1 / self.speed.core_s_per_step:.4g} steps per second and core: {self.speed.source}.")
        if self.speed.share < BUSY_SHARE:
            share = f"{100 * self.speed.share:.0f} %"
            lines.append(
                f"The machine was busy, the probe got {share} of its core; wall times are those of idle cores."
            )
        if self.study.ranks > self.cores:
            lines.append(f"Each simulation wants ranks: {self.study.ranks}, more than these cores.")
        return lines

    def _heats(self) -> list[str]:
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
            tabulate(rows, headers, tablefmt="simple", disable_numparse=True, colalign=["right"] * len(headers)),
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
                    f"{point.kappa_ratio}: undersampled, its sign may stay open (z below {DECIDED_Z:g}); "
                    f"sweep_ns: {length:g} or sweep_replicas: {replicas} decides it."
                )
        return lines or [f"Every point is long enough to decide its sign (z of {DECIDED_Z:g} or more)."]


def outlook(
    study: Study, simulations: list[Job], speed: Speed, cores: int, results: Path, targets: Sequence[Path]
) -> Outlook:
    """Put cost and forecast of a study together.

    Args:
        study: which study.
        simulations: its jobs.
        speed: of this machine.
        cores: that the simulations may use.
        results: the folder that holds those of all studies.
        targets: the tables, figures and pages that the study's workflow makes.
    """
    rules = []
    for name in dict.fromkeys(job.rule for job in simulations):
        mine = [job for job in simulations if job.rule == name]
        seconds = sum(core_seconds(job, speed, job.committed) for job in mine)
        to_do = sum(not job.is_done for job in mine)
        rules.append(RuleCost(name, len(mine), to_do, seconds / 3600, sum(disk_bytes(job) for job in mine)))
    friction = friction_of(study, results)
    return Outlook(
        study=study,
        speed=speed,
        cores=cores,
        rules=rules,
        wall_s=wall_seconds(simulations, speed, cores),
        friction_source=friction.source,
        points=forecast(study, friction),
        targets=len(targets),
        targets_missing=sum(not target.is_file() for target in targets),
    )


def make_plan(study: Study, results: Path, ranks: Ranks, cores: int, targets: Sequence[Path]) -> None:
    """Print the plan of a study and write it to `plan.txt` and `plan.json` in its folder; `outlook` tells the arguments.

    Where the speed is not known, all ranks measure it for a few seconds; else nothing is simulated.

    Raises:
        EngineError: LAMMPS cannot run the study.
    """
    todo = jobs(study, results)
    speed = speed_of(study, todo, results, ranks)
    if not ranks.is_root:
        return
    plan = outlook(study, todo, speed, cores, results, targets)
    folder = results / study.name
    folder.mkdir(parents=True, exist_ok=True)
    replace(folder / "plan.json", json_text(plan.content()))
    replace(folder / "plan.txt", lambda part: part.write_text(plan.text(), encoding="utf-8"))
    print(plan.text(), end="", flush=True)


def _value(heat: HeatForecast) -> str:
    return f"{heat.heat:z.3f} ± {heat.se:.3f}"


def _time(time_ns: float | None) -> str:
    return "-" if time_ns is None else f"{time_ns:.2g}" if time_ns < 10 else f"{time_ns:.0f}"


def _size(size_bytes: float) -> str:
    for unit, factor in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6)):
        if size_bytes >= factor:
            return f"{size_bytes / factor:.1f} {unit}"
    return f"{size_bytes / 1e3:.0f} kB"
