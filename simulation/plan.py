"""Which runs a study consists of: the friction run, and one sweep run per κ_H/κ_C and replica."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from simulation.study import THERMOSTATS, Study, StudyError

FRICTION = "friction"
POINT_PREFIX = "kH_"


@dataclass(frozen=True)
class Run:
    """One simulation of a study: a point (`friction` or `kH_<ratio>`) and a replica, counted from 1."""

    study: Study
    point: str
    replica: int

    def __post_init__(self) -> None:
        known = [FRICTION, *(POINT_PREFIX + ratio for ratio in self.study.demon.kappa_ratios)]
        if self.point not in known:
            raise StudyError(
                self.study.name,
                [f"{self.point} is not one of its points ({', '.join(known)}): add it to demon.kappa_ratios"],
            )
        if not 1 <= self.replica <= self.replicas:
            raise StudyError(
                self.study.name, [f"replica {self.replica} of {self.point}: the study has {self.replicas}"]
            )

    @property
    def purpose(self) -> str:
        """`friction` (equilibrium, κ_C = κ_H = 0) or `sweep`."""
        return FRICTION if self.point == FRICTION else "sweep"

    @property
    def kappa_ratio(self) -> str | None:
        """κ_H/κ_C as the study file spells it; None for the friction run."""
        return None if self.purpose == FRICTION else self.point.removeprefix(POINT_PREFIX)

    @property
    def replicas(self) -> int:
        """How many replicas the study wants of this point."""
        schedule = self.study.schedule
        return schedule.friction_replicas if self.purpose == FRICTION else schedule.sweep_replicas

    @property
    def coupling_cold_eV_per_A2(self) -> float:
        """κ_C of this run."""
        return 0.0 if self.kappa_ratio is None else self.study.demon.coupling_cold_eV_per_A2

    @property
    def coupling_hot_eV_per_A2(self) -> float:
        """κ_H of this run."""
        return 0.0 if self.kappa_ratio is None else self.study.coupling_hot_eV_per_A2(self.kappa_ratio)

    @property
    def duration_ps(self) -> float:
        """How long production lasts."""
        schedule = self.study.schedule
        return 1000 * (schedule.friction_ns if self.purpose == FRICTION else schedule.sweep_ns)

    @property
    def folder(self) -> str:
        """Run folder, relative to `results/`."""
        group = FRICTION if self.purpose == FRICTION else f"sweep/{self.point}"
        return f"{self.study.name}/{group}/replica_{self.replica}"

    @property
    def label(self) -> str:
        """Short name for progress lines and messages."""
        return f"{self.study.name} {self.point} replica {self.replica}"

    @property
    def seeds(self) -> dict[str, int]:
        """Seeds of the velocities that this run starts from."""
        groups = ("argon_cold", "argon_hot", "particle_cold", "particle_hot")
        return {
            f"velocity_{group}": seed(self.study, self.point, self.replica, f"velocity_{group}") for group in groups
        }


def seed(study: Study, point: str, replica: int, purpose: str) -> int:
    """A seed for LAMMPS (1 … 899 999 999), hashed from study, point, replica and purpose: no two streams are alike."""
    text = f"{study.seed}/{study.name}/{point}/{replica}/{purpose}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") % 899_999_999 + 1


def friction_runs(study: Study) -> list[Run]:
    """The equilibrium runs that friction is fitted to."""
    return [Run(study, FRICTION, replica + 1) for replica in range(study.schedule.friction_replicas)]


def point_runs(study: Study, point: str) -> list[Run]:
    """The replicas of one point."""
    first = Run(study, point, 1)
    return [Run(study, point, replica + 1) for replica in range(first.replicas)]


def thermostat_comparison(study: Study) -> dict[str, str]:
    """The point nearest to κ_H/κ_C = 4.80 under each thermostat: folders relative to `results/`, by thermostat."""
    point = min(points(study), key=lambda name: abs(float(name.removeprefix(POINT_PREFIX)) - 4.80))
    names = {t: study.name if t == study.baths.thermostat else f"{study.name}@{t}" for t in THERMOSTATS}
    return {thermostat: f"{name}/sweep/{point}" for thermostat, name in names.items()}


def with_variants(study: Study) -> list[str]:
    """Names of a study and of its variants."""
    return [study.name, *(f"{study.name}@{variant}" for variant in study.variants)]


def points(study: Study) -> list[str]:
    """Points of the sweep, in the order of the study file: `kH_<ratio>`."""
    return [POINT_PREFIX + ratio for ratio in study.demon.kappa_ratios]


def runs(study: Study) -> list[Run]:
    """Every simulation that the study's default target needs, in the order in which tables list them."""
    return [*friction_runs(study), *(run for point in points(study) for run in point_runs(study, point))]
