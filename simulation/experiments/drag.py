"""The drag: the bath of one side, without walls, trap and controller, and periodic in all directions.

A constant force pulls its particle, and the friction is this force over the steady velocity (arXiv:2211.05502, App. A1).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.units import FORCE_SI, FRICTION_SI
from simulation.engines.langevin import propagate_pulled
from simulation.experiments.base import Balance, Column, Experiment, Kind, Piece, RejectedError, Stage
from simulation.experiments.baths import UNITS, aim_problems, build_seeds, thermostat_seeds
from simulation.experiments.decks import render
from simulation.experiments.machine import closure_limit, told_friction
from simulation.study.axes import AXES
from simulation.study.fields import NUMBER_TEXT, Study
from simulation.study.section import SIDES

SETTLED_ROUNDS = 3
"""Last rounds of filling, in which at most a third of what is missing is added."""


@dataclass(frozen=True)
class Drag(Experiment):
    """One drag run: the corresponding bath, and the force as spelled in the study file."""

    side: str
    force_nN: str

    kind: ClassVar[str] = "drag"
    versions: ClassVar[dict[str, int]] = {"lammps": 2, "langevin": 2}
    purpose_pattern: ClassVar[str] = rf"drag/(?:cold|hot)/F_{NUMBER_TEXT}"

    def __post_init__(self) -> None:
        drag = self.study.drag
        self._require("side", self.side, SIDES, "there are no other baths")
        self._require("force", self.force_nN, drag.forces_nN, "add it to drag.forces_nN")
        self._require("replica", self.replica, range(1, drag.replicas + 1), "raise drag.replicas")

    @classmethod
    def all_of(cls, study: Study) -> Sequence[Drag]:
        """All drag runs, with replicas of one side and force in sequence."""
        drag = study.drag
        return [
            cls(study, replica + 1, side, force)
            for force in drag.forces_nN
            for side in SIDES
            for replica in range(drag.replicas)
        ]

    @classmethod
    def at(cls, study: Study, point: str, replica: int) -> Self | None:
        """See `Experiment.at`."""
        match point.split("/"):
            case ["drag", side, force]:
                return cls(study, replica, side, force.removeprefix("F_"))
        return None

    @property
    def point(self) -> str:
        """Side and force."""
        return f"drag/{self.side}/F_{self.force_nN}"

    @property
    def force_eV_per_A(self) -> float:
        """The force."""
        return float(self.force_nN) * 1e-9 / FORCE_SI

    @property
    def fluid_atoms(self) -> int:
        """Fluid in the cube without walls, at the accessible density of the study; before filling, roughly what it needs."""
        if self.study.aim is not None:
            return self.study.fluid_atoms(self.side, walls=False)
        density = self.study.fluid_atoms(self.side) / self.study.accessible_volume_A3(self.side)
        return round(density * self._free_volume_A3)

    @property
    def _free_volume_A3(self) -> float:
        """The cube minus the volume excluded by the particle."""
        return self.study.accessible_volume_A3(self.side, walls=False)

    def stages(self) -> Sequence[Stage]:
        """The force is switched on in the last one."""
        drag = self.study.drag
        return (
            Stage("building", 0.0),
            Stage("equilibrating", drag.equilibration_ps, is_sampled=True),
            Stage("pulling", 1000 * drag.duration_ns, is_sampled=True),
        )

    def deck(self, piece: Piece, restart: str) -> str:
        """See `Experiment.deck`."""
        if piece.stage.name == "building":
            return self._render("build.lmp.j2", build_seeds(self, [self.side]))
        return self._render(
            "drag.lmp.j2",
            thermostat_seeds(self, piece.stream, [self.side]),
            restart_file=restart,
            reset_clock=piece.is_first,
            is_measured=piece.is_measured,
            force_eV_per_A=self.force_eV_per_A if piece.is_measured else 0.0,
        )

    def standalone(self) -> str:
        """See `Experiment.standalone`."""
        return self._render(
            "drag_standalone.lmp.j2", build_seeds(self, [self.side]), force_eV_per_A=self.force_eV_per_A
        )

    def _render(self, template: str, seeds: dict[str, int], **context: Any) -> str:
        return render(
            template,
            study=self.study,
            sides=(self.side,),
            walls=False,
            fluid_atoms={self.side: self.fluid_atoms},
            run=self,
            seeds=seeds,
            series=self.columns(),
            **context,
        )

    def columns(self) -> Sequence[Column]:
        """See docs/reference/run-folder.md for their meaning."""
        columns = [Column(f"displacement_{axis}", "A", Kind.WAY) for axis in AXES]
        for name in ("velocity", "particle_velocity", "fluid_velocity"):
            columns += [Column(f"{name}_{axis}", "A_per_ps", Kind.STATE) for axis in AXES]
        columns += [Column(name, "K") for name in ("temperature", "internal_temperature")]
        columns += [Column(name, "eV", Kind.COUNTER) for name in ("work", "thermostat")]
        return [*columns, Column("energy", "eV", Kind.STATE)]

    def balances(self, series: pd.DataFrame) -> Sequence[Balance]:
        """First law: thermostat + Δenergy − work. The limit on the drift grows with the work of the force."""
        energy, work = (series[name].to_numpy() for name in ("energy_eV", "work_eV"))
        residual = series["thermostat_eV"].to_numpy() + energy - energy[0] - work
        rate = 1000 * float((work[-1] - work[0]) / (series["time_ps"].iloc[-1] - series["time_ps"].iloc[0]))
        limit, fields = closure_limit(self.study)
        limit += self.study.limits.closure_drift_of_work * abs(rate)
        return [Balance("", residual, limit, f"{fields} and closure_drift_of_work", {"work_eV_per_ns": rate})]

    def check_filling(self, measured: Mapping[str, Sequence[float]]) -> dict[str, Any]:
        """The bath must reach the stated bulk density or pressure, by the mean of its last rounds, which change few atoms."""
        rounds = list(measured.get(self.side, []))[-SETTLED_ROUNDS:]
        if not rounds:
            return {}
        reached, error = float(np.mean(rounds)), float(np.std(rounds, ddof=1)) / math.sqrt(len(rounds))
        aim = self.study.aim
        assert aim is not None, "there are rounds"
        if problems := aim_problems(self.study, self.side, reached, error, "schedule.filling_ps", walls=False):
            raise RejectedError(f"{self.label}: {problems[0]}")
        name = f"{aim}_{self.side}"
        return {f"{name}_{UNITS[aim]}": reached, f"{name}_se_{UNITS[aim]}": error}

    def exact(self) -> pd.DataFrame:
        """The work of the force passes through the energy of the particle, its bodies and springs to the thermostat."""
        study = self.study
        interval, mass = study.schedule.sample_every_ps, study.particle_mass_eV_ps2_per_A2
        intervals = round(self.duration_ps / interval)
        columns: dict[str, NDArray[Any]] = {
            "step": np.arange(intervals + 1) * study.steps(interval),
            "time_ps": np.arange(intervals + 1) * interval,
        }
        zero, kinetic = np.zeros(intervals + 1), np.zeros(intervals + 1)
        for axis in AXES:
            bodies, modes = (
                [(friction / FRICTION_SI, tau) for friction, tau in fluids(self.side, axis)]
                for fluids in (study.bodies, study.maxwell_modes)
            )
            displacement, velocities = propagate_pulled(
                mass,
                study.friction_kg_per_s(self.side, axis) / FRICTION_SI,
                study.temperature_K(self.side),
                self.force_eV_per_A if axis == "x" else 0.0,
                interval,
                intervals,
                self.seed(f"langevin_{axis}"),
                bodies,
                modes,
            )
            velocity = velocities[:, 0]
            columns |= {f"displacement_{axis}_A": displacement, f"velocity_{axis}_A_per_ps": velocity}
            columns |= {f"particle_velocity_{axis}_A_per_ps": velocity, f"fluid_velocity_{axis}_A_per_ps": zero}
            kinetic += velocities**2 @ np.array([mass, *(friction * tau for friction, tau in [*bodies, *modes])]) / 2
        work = self.force_eV_per_A * columns["displacement_x_A"]
        columns |= {"temperature_K": np.full(intervals + 1, study.temperature_K(self.side)), "work_eV": work}
        columns |= {"thermostat_eV": work - (kinetic - kinetic[0]), "energy_eV": kinetic}
        return pd.DataFrame(columns)

    def exact_identity(self) -> dict[str, Any]:
        """See `Experiment.exact_identity`."""
        study = self.study
        particles = {axis: self._particle(axis) for axis in AXES}
        alike = all(particle == particles["x"] for particle in particles.values())
        return {
            "particle": particles["x"] if alike else particles,
            "bath": [study.temperature_K(self.side), self.force_eV_per_A],
            "sample_every_ps": study.schedule.sample_every_ps,
            "seed": [study.seed, study.name, self.point, self.replica],
        }

    def _particle(self, axis: str) -> list[Any]:
        """Mass, friction and, if it has any, bodies and Maxwell modes of the exact particle along an axis."""
        study = self.study
        particle = [study.particle_mass_eV_ps2_per_A2, study.friction_kg_per_s(self.side, axis)]
        bodies, modes = study.bodies(self.side, axis), study.maxwell_modes(self.side, axis)
        return [*particle, bodies, modes] if modes else [*particle, bodies] if bodies else particle

    def describe(self) -> dict[str, Any]:
        """See `Experiment.describe`; an exact run also stores its friction and bodies."""
        study = self.study
        content: dict[str, Any] = {
            "side": self.side,
            "force_nN": self.force_nN,
            "parameters": {
                "mass_eV_ps2_per_A2": study.particle_mass_eV_ps2_per_A2,
                "force_eV_per_A": self.force_eV_per_A,
                "temperature_K": study.temperature_K(self.side),
                "timestep_ps": study.timestep_ps,
                "sample_interval_ps": study.schedule.sample_every_ps,
            },
        }
        if study.engine == "langevin":
            return content | told_friction(study, self.side)
        return content | {
            "system": {
                "fluid_atoms": self.fluid_atoms,
                "metal_atoms": study.nanoparticle.atoms,
                "edge_A": study.edge_A,
                "accessible_density_per_nm3": round(1000 * self.fluid_atoms / self._free_volume_A3, 4),
                "boundaries": {"x": "periodic", "y": "periodic", "z": "periodic"},
            }
        }

    def counted(self, atoms_by_type: Sequence[int]) -> dict[str, Any]:
        """See `Experiment.counted`."""
        if not atoms_by_type:
            return {}
        fluid = atoms_by_type[1 if self.side == "cold" else 2]
        return {"fluid_atoms": fluid, "accessible_density_per_nm3": round(1000 * fluid / self._free_volume_A3, 4)}

    @property
    def atoms(self) -> int:
        """One bath and its particle."""
        return self.fluid_atoms + self.study.nanoparticle.atoms if self.study.engine == "lammps" else 0
