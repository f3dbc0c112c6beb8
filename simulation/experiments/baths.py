"""The baths: walls, particles and fluid are built, the fluid is melted, and all of it is equilibrated without a controller.

Runs of the machine start from the end of this one. A study has one such start, or one for each replica.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd

from simulation.experiments.base import Column, Experiment, Kind, Piece, RejectedError, Stage
from simulation.experiments.decks import render
from simulation.study.fields import Study
from simulation.study.section import SIDES

POINT = "equilibrated"
WALL_PLANES = 4

MELTING = ("velocity_melt", "thermostat_melt", "velocity_cool", "thermostat_cool")
MOLTEN = 0.3
"""Amplitude of the lattice waves below which the fluid counts as molten: above 0.5 in a hot crystal, 0 in a large liquid."""
UNITS = {"bulk_density": "per_nm3", "bulk_pressure": "bar"}
MISSED = 0.02
"""A stated bulk density or pressure counts as not reached if this fraction of the fluid is missing or in excess."""
INDEPENDENT_PS = 2.0
"""Instants this far apart count as independent."""
CHANCE = 3.0
"""A temperature is rejected if it deviates by this many standard errors and by the limit of the study."""


@dataclass(frozen=True)
class Baths(Experiment):
    """Building and equilibrating both baths."""

    kind: ClassVar[str] = "baths"
    versions: ClassVar[dict[str, int]] = {"lammps": 2}
    purpose_pattern: ClassVar[str] = POINT

    def __post_init__(self) -> None:
        cure = (
            "raise schedule.friction_replicas or schedule.sweep_replicas"
            if self.study.schedule.independent_starts
            else "all runs share this start, unless schedule.independent_starts: true gives each replica its own"
        )
        self._require("replica", self.replica, range(1, starts(self.study) + 1), cure)

    @classmethod
    def all_of(cls, study: Study) -> Sequence[Experiment]:
        """One start, or one for each replica; none for the exact model, which has no atoms."""
        return [cls(study, replica + 1) for replica in range(starts(study))] if study.engine == "lammps" else []

    @classmethod
    def at(cls, study: Study, point: str, replica: int) -> Self | None:
        """See `Experiment.at`."""
        return cls(study, replica) if point == POINT else None

    @property
    def point(self) -> str:
        """The only one."""
        return POINT

    @property
    def purpose(self) -> str:
        """Its purpose."""
        return "equilibration"

    def stages(self) -> Sequence[Stage]:
        """Building takes no time on the clock."""
        return (
            Stage("building", 0.0),
            Stage("equilibrating", self.study.schedule.equilibration_ps, is_sampled=True),
        )

    def _timed_stages(self) -> Sequence[Stage]:
        return self.stages()  # its final state is used, so its length matters

    def deck(self, piece: Piece, restart: str) -> str:
        """See `Experiment.deck`."""
        if piece.stage.name == "building":
            return render("build.lmp.j2", study=self.study, seeds=build_seeds(self))
        return render(
            "baths.lmp.j2",
            study=self.study,
            seeds=thermostat_seeds(self, piece.stream),
            restart_file=restart,
            reset_clock=piece.is_first,
            series=self.columns(),
        )

    def columns(self) -> Sequence[Column]:
        """Temperatures of fluid and particles, and remaining crystalline order of the fluid."""
        units = {"temperature": "K", "internal_temperature": "K", "pressure": "bar"}
        columns = [Column(f"{name}_{side}", unit) for name, unit in units.items() for side in SIDES]
        columns += [Column(f"energy_{side}", "eV", Kind.STATE) for side in SIDES]
        columns += [Column(f"thermostat_{side}", "eV", Kind.COUNTER) for side in SIDES]
        columns += [Column(f"order_{side}", "1") for side in SIDES]
        if self.study.aim is not None:
            columns += [Column(f"{name}_{side}", unit) for name, unit in UNITS.items() for side in SIDES]
        return [*columns, *(Column(f"gyration_{side}", "A") for side in SIDES if self.has_chains)]

    @property
    def has_chains(self) -> bool:
        """Whether a part of the fluid is bonded."""
        return self.study.baths.chains.fraction > 0

    def check_end(self, series: pd.DataFrame) -> dict[str, Any]:
        """The fluid must be molten and the particles at the temperature of their baths, over the last quarter of the time.

        Raises:
            RejectedError: they are not.
        """
        tail = series.iloc[-max(len(series) // 4, 1) :]
        degrees = 3 * self.study.nanoparticle.atoms - 3
        found: dict[str, Any] = {}
        problems = []
        for side in SIDES:
            wanted = self.study.temperature_K(side)
            order = float(tail[f"order_{side}_1"].mean())
            # In a liquid of N atoms the waves are noise of about 1/√N.
            molten = MOLTEN + 3 / math.sqrt(self.study.fluid_atoms(side))
            if order > molten:
                problems.append(
                    f"the {side} fluid has not melted (order {order:.2f}, above {molten:.2f}): "
                    "raise schedule.equilibration_ps, or the temperature of the bath"
                )
            inside = tail[f"internal_temperature_{side}_K"].to_numpy()
            # One instant determines it to √(2/degrees); every few picoseconds there is about one independent instant.
            instants = max(1.0, len(inside) * self.study.schedule.sample_every_ps / INDEPENDENT_PS)
            error = wanted * math.sqrt(2 / degrees / instants)
            allowed = self.study.limits.particle_temperature * wanted + CHANCE * error
            if not abs(inside.mean() - wanted) < allowed:
                problems.append(
                    f"the {side} particle is at {inside.mean():.0f} K inside, its bath at {wanted:g} K "
                    f"(allowed: {allowed:.0f} K more or less, of limits.particle_temperature = "
                    f"{self.study.limits.particle_temperature:g}): raise schedule.equilibration_ps"
                )
            found |= {
                f"order_{side}": order,
                f"particle_temperature_{side}_K": float(np.mean(inside)),
                f"particle_temperature_{side}_se_K": error,
                f"fluid_temperature_{side}_K": float(tail[f"temperature_{side}_K"].mean()),
            }
            if self.has_chains:
                size = series[f"gyration_{side}_A"].to_numpy()
                *_, before, after = (part.mean() for part in np.array_split(size, min(4, len(size))))
                change, largest = after / before - 1, self.study.limits.chain_size
                if not abs(change) <= largest:
                    problems.append(
                        f"the chains of the {side} bath still change their size, by {change:+.2f} in a quarter of the time "
                        f"(allowed: limits.chain_size = {largest:g}): raise schedule.equilibration_ps"
                    )
                found |= {f"chain_gyration_{side}_A": float(after), f"chain_size_change_{side}": float(change)}
            if self.study.aim is not None:
                problems += self._aim_problems(side, tail)
                for name in ("bulk_density", "bulk_pressure"):
                    column = f"{name}_{side}_{UNITS[name]}"
                    found[column] = float(tail[column].mean())
        if problems:
            raise RejectedError(f"{self.label}: " + "; ".join(problems))
        return found

    def _aim_problems(self, side: str, tail: pd.DataFrame) -> list[str]:
        """Whether the bulk density or the pressure that the study states was reached."""
        assert self.study.aim is not None
        values = tail[f"{self.study.aim}_{side}_{UNITS[self.study.aim]}"]
        instants = max(1.0, len(tail) * self.study.schedule.sample_every_ps / INDEPENDENT_PS)
        return aim_problems(
            self.study,
            side,
            float(values.mean()),
            float(values.std()) / math.sqrt(instants),
            "schedule.filling_ps or schedule.equilibration_ps",
        )

    def describe(self) -> dict[str, Any]:
        """See `Experiment.describe`."""
        study = self.study
        return {
            "parameters": {
                "temperature_cold_K": study.baths.temperature_cold_K,
                "temperature_hot_K": study.baths.temperature_hot_K,
                "timestep_ps": study.timestep_ps,
                "sample_interval_ps": study.schedule.sample_every_ps,
            },
            "system": system(study),
        }

    def counted(self, atoms_by_type: Sequence[int]) -> dict[str, Any]:
        """See `Experiment.counted`."""
        return counted(self.study, atoms_by_type)

    @property
    def atoms(self) -> int:
        """All atoms between and in the walls."""
        return atoms(self.study)


def starts(study: Study) -> int:
    """The number of starts of a study."""
    schedule = study.schedule
    return max(schedule.friction_replicas, schedule.sweep_replicas) if schedule.independent_starts else 1


def start_of(study: Study, replica: int) -> Baths | None:
    """The start of that replica of every point; None for the exact model."""
    if study.engine != "lammps":
        return None
    return Baths(study, replica if study.schedule.independent_starts else 1)


def aim_problems(
    study: Study, side: str, reached: float, error: float, cure: str, walls: bool | None = None
) -> list[str]:
    """Whether a bath has reached the bulk density or pressure that the study states.

    Args:
        study: the study, which states one.
        side: of the bath.
        reached: its bulk density, nm⁻³, or pressure, bar.
        error: standard error of `reached`.
        cure: the fields to raise if it has not.
        walls: whether the bath has walls; as in the study by default.

    Returns:
        One message if it has not, else nothing.
    """
    wanted = study.aimed_at(side)
    missed = (abs(reached - wanted) - CHANCE * error) * study.atoms_per_aim(side, walls)
    if missed < MISSED * study.fluid_atoms(side, walls):
        return []
    field = "baths.bulk_density_per_nm3" if study.aim == "bulk_density" else "baths.pressure_bar"
    return [
        f"the {side} bath has reached {reached:.4g} ± {error:.2g}, and {field} = {wanted:g}: more than "
        f"{100 * MISSED:g} % of its atoms are missing or too many: raise {cure}"
    ]


def atoms(study: Study) -> int:
    """All atoms of the two baths: fluid, both particles, and the walls if any, of which the middle one exists twice."""
    if study.engine != "lammps":
        return 0
    rows = round(study.edge_A / (study.materials.metal.lattice_A / 2**0.5)) if study.has_walls else 0
    return study.moving_atoms + WALL_PLANES * rows**2


def system(study: Study) -> dict[str, Any]:
    """Entries of `run.json` for the two baths."""
    chains = {side: study.chain(side, study.fluid_atoms(side)).count for side in SIDES}
    return {
        **_amount(study, {side: study.fluid_atoms(side) for side in SIDES}),
        "metal_atoms_per_particle": study.nanoparticle.atoms,
        "bath_edge_A": study.edge_A,
        **({"chains_per_bath": told(chains)} if any(chains.values()) else {}),
        "boundaries": {"x": "walls" if study.has_walls else "periodic", "y": "periodic", "z": "periodic"},
    }


def counted(study: Study, atoms_by_type: Sequence[int]) -> dict[str, Any]:
    """Entries of `run.json` for a fluid whose atoms were added or removed until a stated density or pressure was reached."""
    return _amount(study, dict(zip(SIDES, atoms_by_type[1:3], strict=True))) if atoms_by_type else {}


def _amount(study: Study, fluid_atoms: dict[str, int]) -> dict[str, Any]:
    densities = {side: round(1000 * fluid_atoms[side] / study.accessible_volume_A3(side), 4) for side in SIDES}
    return {"fluid_atoms_per_bath": told(fluid_atoms), "accessible_density_per_nm3": told(densities)}


def told(by_side: dict[str, Any]) -> Any:
    """The common value of both baths, or a mapping if they differ."""
    return by_side["cold"] if by_side["cold"] == by_side["hot"] else by_side


def build_seeds(experiment: Experiment, sides: Sequence[str] = SIDES) -> dict[str, int]:
    """Seeds for the placement of the fluid, its melting, and the final velocities of a build."""
    purposes = [
        f"{purpose}_{side}"
        for purpose in (
            "insert",
            "insert_chains",
            "turn_chains",
            *MELTING,
            "thermostat_fill",
            "velocity_fluid",
            "velocity_particle",
            "thermostat",
        )
        for side in sides
    ]
    return {purpose: experiment.seed(purpose) for purpose in purposes}


def thermostat_seeds(experiment: Experiment, stage: str, sides: Sequence[str] = SIDES) -> dict[str, int]:
    """Seeds of random thermostats, new for every segment: a restart file does not store the state of their streams."""
    return {f"thermostat_{side}": experiment.seed(f"thermostat_{side}_{stage}") for side in sides}
