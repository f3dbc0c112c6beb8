"""The machine: two trapped particles in their baths, with the controller (`sweep`) and without it (`friction`).

A run starts from equilibrated baths with newly drawn velocities, relaxes with the controller, and is then measured.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd

from analysis.model import AT_REST, LinearLangevin, TrapMotion
from analysis.units import PER_NS
from simulation.control.controller import LINEAR
from simulation.experiments.base import Balance, Column, Experiment, Kind, Piece, Stage
from simulation.experiments.baths import atoms, build_seeds, counted, start_of, system, thermostat_seeds
from simulation.experiments.decks import render
from simulation.experiments.exact_machine import exact_series
from simulation.study.axes import AXES
from simulation.study.fields import NUMBER_TEXT, RUBBING, THERMOSTATS, Demon, Study, StudyError
from simulation.study.section import SIDES

FRICTION = "friction"
POINT_PREFIX = "kH_"
VELOCITIES = tuple(f"velocity_{kind}_{side}" for kind in ("fluid", "particle") for side in SIDES)
"""Purposes of seeds."""


@dataclass(frozen=True)
class Machine(Experiment):
    """One run of the two particles: `ratio` is κ_H/κ_C as spelled in the study file, or None without coupling."""

    ratio: str | None

    kind: ClassVar[str] = "machine"
    versions: ClassVar[dict[str, int]] = {"lammps": 2, "langevin": 2}
    purpose_pattern: ClassVar[str] = rf"{FRICTION}|sweep/{POINT_PREFIX}{NUMBER_TEXT}"

    def __post_init__(self) -> None:
        if self.ratio is not None and self.ratio not in self.study.demon.kappa_ratios:
            known = ", ".join([FRICTION, *points(self.study)])
            raise StudyError(
                self.study.name,
                [f"{self.point} is not one of its points ({known}): add it to demon.kappa_ratios"],
            )
        schedule = self.study.schedule
        replicas = schedule.friction_replicas if self.ratio is None else schedule.sweep_replicas
        self._require("replica", self.replica, range(1, replicas + 1), "raise the replicas of the schedule")

    @classmethod
    def all_of(cls, study: Study) -> Sequence[Experiment]:
        """The friction runs, then those of each point, with replicas in sequence."""
        return [*friction_runs(study), *(run for point in points(study) for run in point_runs(study, point))]

    @classmethod
    def at(cls, study: Study, point: str, replica: int) -> Self | None:
        """See `Experiment.at`; a point may include its folder."""
        name = point.removeprefix("sweep/")
        if name == FRICTION:
            return cls(study, replica, None)
        return cls(study, replica, name.removeprefix(POINT_PREFIX)) if name.startswith(POINT_PREFIX) else None

    @property
    def point(self) -> str:
        """`friction` or `kH_<ratio>`."""
        return FRICTION if self.ratio is None else POINT_PREFIX + self.ratio

    @property
    def purpose(self) -> str:
        """`friction` or `sweep`."""
        return FRICTION if self.ratio is None else "sweep"

    @property
    def group(self) -> str:
        """Points of the sweep are in a separate folder."""
        return FRICTION if self.ratio is None else f"sweep/{self.point}"

    @property
    def start(self) -> Experiment | None:
        """The equilibrated baths of this replica."""
        return start_of(self.study, self.replica)

    @property
    def couplings(self) -> tuple[float, float] | None:
        """(κ_C, κ_H), eV/Å²; None for a friction run, without controller."""
        if self.ratio is None:
            return None
        return self.study.demon.coupling_cold_eV_per_A2, self.study.coupling_hot_eV_per_A2(self.ratio)

    @property
    def axes(self) -> str:
        """Coupled axes; none in a friction run."""
        return "" if self.ratio is None else self.study.demon.coupling_axes

    @property
    def motion(self) -> TrapMotion:
        """How the traps move along the coupled axes; they are at rest in friction runs."""
        return AT_REST if self.ratio is None else self.study.trap.motion

    def stages(self) -> Sequence[Stage]:
        """The controller also acts during the relaxation, and the traps move."""
        schedule, acts = self.study.schedule, self.ratio is not None
        length = schedule.friction_ns if self.ratio is None else schedule.sweep_ns
        return (
            Stage("relaxing", schedule.relaxation_ps, demon_acts=acts),
            Stage("measuring", 1000 * length, is_sampled=True, demon_acts=acts),
        )

    def deck(self, piece: Piece, restart: str) -> str:
        """See `Experiment.deck`; the demon is a Python callback on fix `demon`."""
        return render(
            "machine.lmp.j2",
            study=self.study,
            run=self,
            seeds={purpose: self.seed(purpose) for purpose in VELOCITIES} | thermostat_seeds(self, piece.stream),
            restart_file=restart,
            fresh_velocities=piece.index == 0,
            reset_clock=piece.is_first,
            demon=self.ratio is not None,
            axes=self.axes,
            clock_steps=-piece.stage_start,
            series=self.columns() if piece.is_sampled else (),
        )

    def standalone(self) -> str | None:
        """The linear demon as native LAMMPS variables; other controllers and loops are not possible in LAMMPS alone."""
        if not self.is_network:
            return None
        kappa_cold, kappa_hot = self.couplings or (0.0, 0.0)
        return render(
            "machine_standalone.lmp.j2",
            study=self.study,
            run=self,
            seeds=build_seeds(self),
            redrawn={purpose: self.seed(f"{purpose}_redrawn") for purpose in VELOCITIES},
            demon=self.ratio is not None,
            kappa_cold=kappa_cold,
            kappa_hot=kappa_hot,
            axes=self.axes,
            series=[column for column in self.columns() if not column.name.startswith(("work", "trap_work"))],
        )

    def columns(self) -> Sequence[Column]:
        """See docs/reference/run-folder.md for their meaning."""
        columns = [Column(f"position_{side}_{axis}", "A", Kind.STATE) for side in SIDES for axis in AXES]
        columns += [Column(f"velocity_{side}_{axis}", "A_per_ps", Kind.STATE) for side in SIDES for axis in AXES]
        columns += [Column(f"work_{side}_{axis}", "eV", Kind.COUNTER) for side in SIDES for axis in self.axes]
        if self.motion.moves:
            columns += [Column(f"trap_work_{side}_{axis}", "eV", Kind.COUNTER) for side in SIDES for axis in self.axes]
        parts = [("part_work", "eV", Kind.COUNTER)] if self.study.interactions.work_terms else []
        for name, unit, kind in (
            *parts,
            ("thermostat", "eV", Kind.COUNTER),
            ("energy", "eV", Kind.STATE),
            ("trap", "eV", Kind.STATE),
            ("temperature", "K", Kind.READING),
            ("pressure", "bar", Kind.READING),
            ("internal_temperature", "K", Kind.READING),
        ):
            columns += [Column(f"{name}_{side}", unit, kind) for side in SIDES]
        return columns

    def balances(self, series: pd.DataFrame) -> Sequence[Balance]:
        """First law of each side: thermostat + Δenergy + Δtrap − work − work of moving the trap."""
        limit, fields = closure_limit(self.study)
        found = []
        for side in SIDES:
            works = ("work", "trap_work") if self.motion.moves else ("work",)
            names = [f"{name}_{side}_{axis}_eV" for name in works for axis in self.axes]
            work = sum((series[name].to_numpy() for name in names), np.zeros(len(series)))
            if self.study.interactions.work_terms:
                work = work + series[f"part_work_{side}_eV"].to_numpy()
            stored = (series[f"energy_{side}_eV"] + series[f"trap_{side}_eV"]).to_numpy()
            residual = series[f"thermostat_{side}_eV"].to_numpy() + stored - stored[0] - work
            found.append(Balance(side, residual, limit, fields, {}))
        return found

    def exact(self) -> pd.DataFrame:
        """See `Experiment.exact` and `simulation.experiments.exact_machine`."""
        return exact_series(self)

    @property
    def is_network(self) -> bool:
        """Whether particles and controller form one linear network, as with the linear controller or with none."""
        demon = self.study.demon
        is_ideal = demon.feedback.is_ideal and not any(demon.damping)
        return self.ratio is None or (demon.controller == LINEAR and is_ideal)

    def exact_identity(self) -> dict[str, Any]:
        """See `Experiment.exact_identity`."""
        study = self.study
        couplings = self.couplings or (0.0, 0.0)
        models = {axis: _told(study.pair(*couplings, axis, active=self.ratio is not None)) for axis in AXES}
        identity: dict[str, Any] = {
            "pair": models["x"] if len(set(models.values())) == 1 else models,
            "axes": self.axes,
            "controller": self.controller_identity(),
            "time_ps": [study.timestep_ps, study.schedule.sample_every_ps],
            "seed": [study.seed, study.name, self.point, self.replica],
        }
        if self.motion.moves:
            identity["motion"] = repr(self.motion)
        # A network starts in its stationary state and does not need to relax.
        return identity if self.is_network else identity | {"relaxation_ps": study.schedule.relaxation_ps}

    def describe(self) -> dict[str, Any]:
        """See `Experiment.describe`; an exact run also stores its friction and bodies."""
        study = self.study
        kappa_cold, kappa_hot = self.couplings or (0.0, 0.0)
        content: dict[str, Any] = {
            "kappa_ratio": self.ratio,
            "parameters": {
                "mass_cold_eV_ps2_per_A2": study.particle_mass_eV_ps2_per_A2,
                "mass_hot_eV_ps2_per_A2": study.particle_mass_eV_ps2_per_A2,
                "trap_stiffness_eV_per_A2": told_by_axis(study.trap.stiffness),
                "coupling_cold_eV_per_A2": kappa_cold,
                "coupling_hot_eV_per_A2": kappa_hot,
                "coupling_axes": self.axes,
                "temperature_cold_K": study.baths.temperature_cold_K,
                "temperature_hot_K": study.baths.temperature_hot_K,
                "timestep_ps": study.timestep_ps,
                "sample_interval_ps": study.schedule.sample_every_ps,
            },
        }
        if self.motion.moves:
            for side in SIDES:
                content["parameters"][f"trap_motion_{side}"] = [
                    each.model_dump() for each in study.trap.motion_of(side)
                ]
        if study.engine == "langevin":
            content["equivalent_axes"] = equivalent_axes(study)
            content["parameters"] |= told_activity(study) if self.ratio is not None else {}
            return content | {
                key: value for side in SIDES for key, value in told_friction(study, side, f"_{side}").items()
            }
        return content | {"system": system(study)}

    def counted(self, atoms_by_type: Sequence[int]) -> dict[str, Any]:
        """See `Experiment.counted`."""
        return counted(self.study, atoms_by_type)

    @property
    def atoms(self) -> int:
        """Those of the baths."""
        return atoms(self.study)


def equivalent_axes(study: Study) -> list[str]:
    """Sets of axes with the same exact model, such as `["x", "yz"]`."""
    kinds: dict[Any, str] = {}
    for axis in AXES:
        kind = (
            study.stiffness_eV_per_A2(axis),
            *(
                (
                    study.friction_kg_per_s(side, axis),
                    *map(tuple, (study.bodies(side, axis), study.maxwell_modes(side, axis))),
                )
                for side in SIDES
            ),
        )
        kinds[kind] = kinds.get(kind, "") + axis
    return list(kinds.values())


def told_friction(study: Study, side: str, ending: str = "") -> dict[str, Any]:
    """Entries of `run.json` for the friction of the exact model on one side.

    Args:
        study: with the exact engine.
        side: cold or hot.
        ending: of the names.

    Returns:
        `friction<ending>_kg_per_s`: a number, or one for each axis if they differ. With bodies also `bodies<ending>`, with
        Maxwell modes `maxwell<ending>`: by axis, a list of their `friction_kg_per_s` and `time_ps`.
    """
    frictions = [study.friction_kg_per_s(side, axis) for axis in AXES]
    told: dict[str, Any] = {f"friction{ending}_kg_per_s": told_by_axis(frictions)}
    for name, fluids in (("bodies", study.bodies), ("maxwell", study.maxwell_modes)):
        found = {axis: [{"friction_kg_per_s": c, "time_ps": tau} for c, tau in fluids(side, axis)] for axis in AXES}
        told |= {f"{name}{ending}": found} if any(found.values()) else {}
    return told


def told_by_axis(values: Sequence[float]) -> float | dict[str, float]:
    """The common value of x, y and z, or a mapping if they differ."""
    return values[0] if len(set(values)) == 1 else dict(zip(AXES, values, strict=True))


def told_activity(study: Study) -> dict[str, Any]:
    """Entries of `parameters` in `run.json` for active forces: by side, lists of `force_eV_per_A` and `time_ps`, if any."""
    forces = {f"active_{side}": getattr(study.langevin, f"active_{side}") for side in SIDES}
    return (
        {name: [force.model_dump() for force in each] for name, each in forces.items()} if any(forces.values()) else {}
    )


def _told(pair: LinearLangevin) -> str:
    """A pair for an identity: without absent kinds of bath, which older versions did not have."""
    return re.sub(r", (maxwell|active)_\w+=\(\)", "", repr(pair))


def points(study: Study) -> list[str]:
    """Points of the sweep, in the order of the study file: `kH_<ratio>`."""
    return [POINT_PREFIX + ratio for ratio in study.demon.kappa_ratios]


def friction_runs(study: Study) -> list[Machine]:
    """The equilibrium runs for the friction."""
    return [Machine(study, replica + 1, None) for replica in range(study.schedule.friction_replicas)]


def point_runs(study: Study, point: str) -> list[Machine]:
    """The replicas of one point of the sweep."""
    ratio = point.removeprefix(POINT_PREFIX)
    return [Machine(study, replica + 1, ratio) for replica in range(study.schedule.sweep_replicas)]


def shown_points(study: Study) -> list[str]:
    """The points nearest to `demon.shown_ratios`, each once."""

    def distance(point: str, ratio: str) -> float:
        return abs(float(point.removeprefix(POINT_PREFIX)) - float(ratio))

    nearest = [min(points(study), key=lambda point: distance(point, ratio)) for ratio in study.demon.shown_ratios]
    return list(dict.fromkeys(nearest))


def thermostat_comparison(study: Study) -> dict[str, str]:
    """The last of the shown points with each thermostat: folders relative to `results/`, by thermostat."""
    point = shown_points(study)[-1]
    return {thermostat: f"{_under(study, thermostat)}/sweep/{point}" for thermostat in THERMOSTATS}


def thermostat_frictions(study: Study) -> dict[str, str]:
    """The study or variant whose friction runs determine the friction with each thermostat.

    Thermostats that control the temperature of a bath as a whole do not perturb the flow of its fluid and share one friction.
    A thermostat that applies friction to every atom needs separate friction runs.
    """
    own = study.baths.thermostat
    return {t: study.name if RUBBING not in (t, own) else _under(study, t) for t in THERMOSTATS}


def _under(study: Study, thermostat: str) -> str:
    """The name of a study with a thermostat."""
    return study.name if thermostat == study.baths.thermostat else f"{study.name}@{thermostat}"


def with_variants(study: Study) -> list[str]:
    """Names of a study and of its variants."""
    return [study.name, *(f"{study.name}@{variant}" for variant in study.variants)]


def friction_study(base: Study, variant: Study) -> str:
    """Name of the study with the friction runs for a variant: its base if they differ only in the demon, otherwise itself.

    Without controller such a variant is the same system, with the same friction; traps are then at rest.
    """
    apart: dict[str, Any] = {"name": True, "demon": True, "variants": True, "trap": {"motion_cold", "motion_hot"}}
    return base.name if base.model_dump(exclude=apart) == variant.model_dump(exclude=apart) else variant.name


def closure_limit(study: Study) -> tuple[float, str]:
    """Limit on the energy drift of one side, eV/ns, and its field.

    A drift appears as heat, so the limit is a fraction of the predicted heat from the cold bath at κ_H/κ_C = 1 + 2 T_H/T_C,
    near the largest cooling, through all coupled axes together. It is that of the pair without loop and cold damping, which
    is stable: with them this ratio, which need not be a point of the study, may be unstable or without heat. A study with
    κ_C = 0 is judged by the default κ_C.
    """
    limits = study.limits
    if limits.closure_drift_eV_per_ns is not None:
        return limits.closure_drift_eV_per_ns, "limits.closure_drift_eV_per_ns"
    cold = abs(study.demon.coupling_cold_eV_per_A2) or Demon().coupling_cold_eV_per_A2  # stable for any signs
    best = cold * (1 + 2 * study.baths.temperature_hot_K / study.baths.temperature_cold_K)
    pairs = [study.pair(cold, best, axis) for axis in study.demon.coupling_axes]
    expected = PER_NS * sum(abs(float(pair.heat_rates()[0])) for pair in pairs)
    return limits.closure_drift_of_heat * expected, "limits.closure_drift_of_heat of the expected heat"
