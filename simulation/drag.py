"""The dragging experiment: which runs it consists of, and their decks.

The bath of one side of the study, without walls, trap and demon, is periodic in all directions; a constant force pulls its
particle, and friction is that force over the steady velocity (arXiv:2211.05502, App. A1).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from scipy.constants import nano

from analysis.units import FORCE_SI
from simulation.deck import PROTOCOL, digest, render, statements
from simulation.plan import seed
from simulation.study import SIDES, Study, StudyError

SERIES = (
    *(f"displacement_{axis}" for axis in "xyz"),
    *(f"{kind}_{axis}" for kind in ("velocity", "particle_velocity", "argon_velocity") for axis in "xyz"),
    *("temperature", "internal_temperature", "work", "thermostat", "energy"),
)
"""Names of the LAMMPS variables in the series, in order; docs/run-folder.md tells their meaning."""


@dataclass(frozen=True)
class DragRun:
    """One drag run of a study: the bath that it is like, the force as the study file spells it, and a replica from 1."""

    study: Study
    side: str
    force_nN: str
    replica: int

    def __post_init__(self) -> None:
        known = {
            "side": (self.side, SIDES, "there are no other baths"),
            "force": (self.force_nN, self.study.drag.forces_nN, "add it to drag.forces_nN"),
            "replica": (self.replica, range(1, self.study.drag.replicas + 1), "raise drag.replicas"),
        }
        problems = [
            f"drag: {name} {value} is not one of {', '.join(map(str, choice)) or 'none'}: {cure}"
            for name, (value, choice, cure) in known.items()
            if value not in choice
        ]
        if problems:
            raise StudyError(self.study.name, problems)

    @property
    def point(self) -> str:
        """What the run is, within its study."""
        return f"drag/{self.side}/F_{self.force_nN}"

    @property
    def folder(self) -> str:
        """Run folder, relative to `results/`."""
        return f"{self.study.name}/{self.point}/replica_{self.replica}"

    @property
    def label(self) -> str:
        """Short name for progress lines and messages."""
        return f"{self.study.name} {self.point} replica {self.replica}"

    @property
    def duration_ps(self) -> float:
        """How long the force acts."""
        return 1000 * self.study.drag.duration_ns

    @property
    def force_eV_per_A(self) -> float:
        """The force."""
        return float(self.force_nN) * nano / FORCE_SI

    @property
    def argon_atoms(self) -> int:
        """Argon in the cube without walls: as dense as the study's where argon can be."""
        density = self.study.argon_atoms / self.study.accessible_volume_A3
        return round(density * (self.study.edge_A**3 - self.study.excluded_volume_A3))

    @property
    def friction_kg_per_s(self) -> float:
        """Friction in the exact model."""
        model = self.study.langevin
        return model.friction_cold_kg_per_s if self.side == "cold" else model.friction_hot_kg_per_s

    @property
    def segment_steps(self) -> list[int]:
        """MD steps of each segment: the build, the equilibration, then the pull in pieces of `schedule.segment_ps`."""
        study = self.study
        piece = study.steps(study.schedule.segment_ps)
        return [0, study.steps(study.drag.equilibration_ps), *[piece] * (study.steps(self.duration_ps) // piece)]

    def seed(self, purpose: str) -> int:
        """A seed of this run."""
        return seed(self.study, self.point, self.replica, purpose)

    @property
    def seeds(self) -> dict[str, int]:
        """Seeds of the positions and velocities that the build starts from."""
        purposes = ("insert", "velocity_argon", "velocity_particle")
        return {f"{purpose}_{self.side}": self.seed(f"{purpose}_{self.side}") for purpose in purposes}


FIRST_PULLED = 2  # segments before this one build and equilibrate


def drag_runs(study: Study) -> list[DragRun]:
    """All drag runs, replicas of one side and force beside each other."""
    return [
        DragRun(study, side, force, replica + 1)
        for force in study.drag.forces_nN
        for side in SIDES
        for replica in range(study.drag.replicas)
    ]


def render_build(run: DragRun) -> str:
    """The deck that builds the bath and its particle and removes overlaps; writes `topology.data`."""
    return _render("drag_build.lmp.j2", run, 0)


def render_segment(run: DragRun, restart_file: str, index: int) -> str:
    """The deck of one segment, all but its `run` command: segment 1 equilibrates, from 2 on the force acts, step 0 first."""
    return _render(
        "drag.lmp.j2",
        run,
        index,
        restart_file=restart_file,
        reset_clock=index <= FIRST_PULLED,
        force_eV_per_A=run.force_eV_per_A if index >= FIRST_PULLED else 0.0,
    )


def render_standalone(run: DragRun) -> str:
    """The whole run as one deck for a plain `lmp -in`."""
    return _render("drag_standalone.lmp.j2", run, 0, force_eV_per_A=run.force_eV_per_A)


def drag_identity(run: DragRun) -> dict[str, Any]:
    """All that decides a run's trajectory. Its length is left out, so that a longer run continues a shorter one."""
    return {
        "protocol": PROTOCOL,
        "ranks": run.study.ranks,
        "suffix": run.study.integration.suffix,
        "deck": statements(render_build(run)) + statements(render_segment(run, "start", FIRST_PULLED)),
        "equilibration_ps": run.study.drag.equilibration_ps,
        "segment_ps": run.study.schedule.segment_ps,
    }


def drag_fingerprint(run: DragRun) -> str:
    """Identity of a run's trajectory, hashed, whichever engine makes it."""
    study = run.study
    if study.engine == "lammps":
        return digest(drag_identity(run))
    return digest(
        {
            "protocol": PROTOCOL,
            "particle": [study.particle_mass_eV_ps2_per_A2, run.friction_kg_per_s],
            "bath": [study.temperature_K(run.side), run.force_eV_per_A],
            "sample_every_ps": study.schedule.sample_every_ps,
            "seed": [study.seed, study.name, run.point, run.replica],
        }
    )


def _render(template: str, run: DragRun, index: int, **context: Any) -> str:
    thermostat = f"thermostat_{run.side}"
    return render(
        template,
        study=run.study,
        run=run,
        side=run.side,
        sides=(run.side,),
        walls=False,
        argon_atoms=run.argon_atoms,
        # A restart file does not hold where a random thermostat's stream was: each segment has its own.
        seeds=run.seeds | {thermostat: run.seed(f"{thermostat}_{index}")},
        series=SERIES,
        series_file="series.dat",
        trajectory_file="trajectory.dcd",
        **context,
    )
