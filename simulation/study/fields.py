"""A study: all fields that a user may set, in one typed object.

`simulation.study.files` reads it, and `simulation.study.rules` checks which fields go together.

Where the paper (Loos et al., Sci. Rep. 13, 4517 (2023)) states a value, it is the default, with few exceptions (`study.table`).
Each section of the YAML file is one class below; a field name ends in its unit.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Annotated, Any, Literal, get_args

import numpy as np
from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
)

from analysis import model
from analysis.model import ControlledNetwork, LangevinPair, PairWithBodies, Refrigerator
from analysis.units import ATOMIC_MASS, BOLTZMANN, FRICTION_SI
from simulation.study.axes import AXES, AxisSet, ByAxis, along
from simulation.study.chains import Chain, Chains
from simulation.study.interactions import Interactions
from simulation.study.liquid import density_at, stiffness
from simulation.study.materials import Materials, Species, UnlikePair
from simulation.study.section import SIDES, Finite, PerSide, Positive, Section, of_side, or_say
from simulation.study.trap import Trap

Thermostat = Literal["nose-hoover", "langevin", "csvr"]
THERMOSTATS: tuple[str, ...] = get_args(Thermostat)

RUBBING = "langevin"
"""The thermostat that applies friction to every fluid atom, and so changes the flow and the friction of the particles."""

RUBBING_DAMPING_PS = 5.0
"""Smallest relaxation time of a variant with that thermostat: long compared with the collisions of the fluid."""

ADSORBED = 0.6
"""Fluid beyond the bulk's in the layers on metal, atoms per area in units of σ²; argon on copper, for a first guess."""
BULK_MARGIN = 3.5
"""How far layers of fluid reach from metal, in units of σ."""
CONTACT = 0.8
"""Smallest initial distance of fluid from fluid, in units of its σ, and from metal, in units of the mutual σ: small enough for
a dense liquid, large enough for the minimisation."""
BAR_PER_EV_PER_A3 = 1602176.634

VARIANT = r"[a-z0-9][a-z0-9._-]*"  # may follow the @ in a study name, and names a folder
STUDY_NAME = rf"[A-Za-z0-9][\w-]*(@{VARIANT})?"

MOST_RANKS = 4096
"""Largest number of MPI ranks of a simulation, and of threads of a rank."""

Replicas = Annotated[int, Field(ge=1, le=10_000)]

Friction = Annotated[float, Field(ge=1e-18, le=1e-6, allow_inf_nan=False)]


class StudyError(ValueError):
    """All problems of a study, one line per problem."""

    def __init__(self, name: str, problems: list[str]) -> None:
        self.problems = problems
        super().__init__("\n".join([f"study {name!r} cannot run:", *(f"  - {problem}" for problem in problems)]))


class Nanoparticle(Section):
    """An fcc sphere; `origin_lattice` is the position of its centre in the unit cell, which determines its number of atoms."""

    atoms: Annotated[int, Field(gt=0, le=1_000_000)] = 186
    """Metal atoms in each particle; the deck stops if the sphere contains another number."""
    radius_lattice: Annotated[float, Field(ge=0.1, le=20)] = 2.236
    """Radius of the sphere, in lattice constants."""
    origin_lattice: tuple[Finite, Finite, Finite] = (0.0, 0.25, 0.25)
    """Centre of the sphere in the fcc unit cell, in lattice constants."""


class Baths(Section):
    """Two cubic baths of fluid. Exactly one of number of atoms, accessible density, bulk density and pressure must be given."""

    edge_nm: Annotated[float, Field(ge=0.1, le=1000)] = 11.0
    """Distance between two walls, and the periodic length along y and z; without walls the periodic length of the cube."""
    walls: Literal["metal", "none"] = "metal"
    """`metal`: frozen planes of the metal at both ends of each bath. `none`: both baths fill one periodic cube, where the two \
sides do not interact, and x, y and z are equivalent."""
    fluid_atoms: PerSide[Annotated[int, Field(gt=0, le=1_000_000_000)]] | None = None
    """Fluid atoms in each bath, or `{cold: …, hot: …}`. (Older study files call it `argon_atoms`.)"""
    accessible_density_per_nm3: PerSide[Positive] | None = None
    """Fluid atoms per accessible volume, or `{cold: …, hot: …}`; the paper has 19.56."""
    bulk_density_per_nm3: PerSide[Positive] | None = None
    """Fluid atoms per volume far from particle and walls, or `{cold: …, hot: …}`: atoms are added or removed to reach it."""
    pressure_bar: PerSide[Finite] | None = None
    """Pressure on the walls, or of the periodic cube, or `{cold: …, hot: …}`: reached in the same way."""
    chains: Chains = Chains()
    temperature_cold_K: Positive = 100.0
    """Temperature of the cold bath."""
    temperature_hot_K: Positive = 120.0
    """Temperature of the hot bath."""
    thermostat: Thermostat = "nose-hoover"
    """Thermostat of the fluid in each bath; `csvr` is stochastic velocity rescaling."""
    thermostat_damping_ps: Positive = 1.0
    """Relaxation time of the thermostat; `langevin` slows down the fluid, so use several ps (variant `@langevin`: 5)."""


NUMBER_TEXT = r"[-+]?[0-9.]+(?:[eE][-+]?[0-9]+)?"  # spelling of a number that names a folder


def _number_text(text: str) -> str:
    """A number keeps its spelling in the study file, because it names a folder."""
    if re.fullmatch(NUMBER_TEXT, text) is None or len(text) > 24 or text.count(".") > 1 or not re.search("[0-9]", text):
        raise ValueError(
            "write a plain number of at most 24 characters, such as 4.80, -0.5 or 1e-1, because it names a folder"
        )
    if not math.isfinite(float(text)):
        raise ValueError("not a finite number")
    return text


NumberText = Annotated[str, AfterValidator(_number_text)]


CoupledAxes = Annotated[
    AxisSet,
    or_say("use x (the paper), or several of x, y, z in that order, such as xyz"),
]


class Feedback(Section):
    """Feedback loop of the controller; by default its force follows the particles at every instant.

    At each update every position is read with noise and filtered. After the delay it becomes a force, held until the next one.
    """

    update_every_ps: Positive | None = None
    """Interval of updates, between which the force is held; by default the loop updates at every step."""
    delay_ps: Annotated[float, Field(ge=0, le=1e6, allow_inf_nan=False)] = 0.0
    """Time from reading a position to the resulting force."""
    delayed: Literal["all", "partner"] = "all"
    """What passes through the loop: `all`, or only the position of the `partner`; the own term then acts as a spring."""
    position_noise_A: Annotated[float, Field(ge=0, le=1e6, allow_inf_nan=False)] = 0.0
    """Standard deviation of the noise of one reading, independent for each particle and axis; requires `update_every_ps`."""
    filter_ps: Annotated[float, Field(ge=0, le=1e6, allow_inf_nan=False)] = 0.0
    """Time constant of a first-order low-pass filter of the readings."""
    force_limit_eV_per_A: Positive | None = None
    """Largest force of the controller on a particle along each axis, of either sign."""

    @property
    def is_ideal(self) -> bool:
        """Whether the force follows the particles at every instant, for any value of `delayed`."""
        return self == Feedback(delayed=self.delayed)

    @property
    def loop(self) -> model.Feedback | None:
        """The loop in exact theory, without the limit of the force; None if the force follows at every instant."""
        loop = model.Feedback(
            update_every=self.update_every_ps,
            delay=self.delay_ps,
            delayed=self.delayed,
            position_noise=self.position_noise_A,
            filter=self.filter_ps,
        )
        return None if loop.is_ideal else loop


Gain = Annotated[float, Field(ge=-1e-6, le=1e-6, allow_inf_nan=False)]


class Demon(Section):
    """The controller: couplings, axes, and the class that computes forces from displacements."""

    coupling_cold_eV_per_A2: Finite = 0.1
    """κ_C, the coupling acting on the cold particle."""
    kappa_ratios: tuple[NumberText, ...] = ("0.17", "1.2", "4.80", "7.27")
    """The sweep: values of κ_H/κ_C; each names a folder, as spelled here."""
    shown_ratios: tuple[NumberText, ...] = ("0.17", "4.80")
    """Figures over time show the points nearest to these; `thermostats` compares the last one."""
    coupling_axes: CoupledAxes = "x"
    """Axes along which the demon acts; `x` is the paper, `xyz` gives three currents in one run."""
    controller: Annotated[
        str,
        Field(pattern=r"^linear$|^[A-Za-z_][\w.]*:[A-Za-z_]\w*$"),
        or_say("write linear, or module:Class for your own controller, such as mine:Mine of the file mine.py"),
    ] = "linear"
    """`linear`, or `module:Class` for a custom controller (see simulation/control/controller.py)."""
    controller_options: dict[str, str] = Field(default={})
    """Strings passed to a custom controller as keyword arguments."""
    damping_cold_kg_per_s: Gain = 0.0
    """Cold damping: gain g of an additional force -g V on the cold particle, with V from the change of its readings."""
    damping_hot_kg_per_s: Gain = 0.0
    """The same for the hot particle; a negative gain drives it."""
    feedback: Feedback = Feedback()
    """The feedback loop."""

    @property
    def damping(self) -> tuple[float, float]:
        """Gains of cold damping (cold, hot), eV ps/Å²."""
        return self.damping_cold_kg_per_s / FRICTION_SI, self.damping_hot_kg_per_s / FRICTION_SI

    def controlled(self, machine: Refrigerator) -> Refrigerator | ControlledNetwork:
        """What exact theory makes of a machine under this demon: itself, or with loop and cold damping.

        Args:
            machine: with the couplings of a point.
        """
        if self.feedback.loop is None and not any(self.damping):
            return machine
        return machine.with_feedback(self.feedback.loop or model.Feedback(), self.damping)

    @property
    def has_theory(self) -> bool:
        """Whether exact theory covers it: the linear controller, ideal or in a loop without a limit of the force."""
        return self.controller == "linear" and self.feedback.force_limit_eV_per_A is None


def _force(text: str) -> str:
    if not 0 < float(_number_text(text)) <= 1e6:
        raise ValueError("not a positive force of at most 1e6 nN: write a number in this range, without a sign")
    return text


class Drag(Section):
    """The drag experiment: one bath without walls and trap, its particle pulled by a constant force along x."""

    forces_nN: tuple[Annotated[str, AfterValidator(_force)], ...] = ("0.3", "3.0")
    """The forces; each is run in the cold and in the hot bath, and names a folder, as spelled here. `[]` for none."""
    equilibration_ps: Positive = 100.0
    """Equilibration time of each bath before the force is switched on."""
    duration_ns: Positive = 1.0
    """Duration of the force; the analysis detects and discards the time until the velocity is steady."""
    replicas: Replicas = 1
    """Independent runs of each force in each bath."""


_FRICTIONS = "{x: 8e-12, yz: 4e-12}"
FrictionByAxis = Annotated[Friction | dict[AxisSet, Friction], BeforeValidator(ByAxis(Friction, _FRICTIONS))]
FrictionOfEveryAxis = Annotated[
    Friction | dict[AxisSet, Friction],
    BeforeValidator(ByAxis(Friction, _FRICTIONS, "a particle has friction along each axis")),
]

Remembered = Annotated[float, Field(ge=1e-4, le=1e12, allow_inf_nan=False)]


class Body(Section):
    """Fluid that a particle drags along: it is coupled only to the particle and follows it with a relaxation time."""

    friction_kg_per_s: FrictionByAxis
    """Friction with the particle: a number, or a mapping of axes; along an omitted axis there is no such body."""
    time_ps: Remembered
    """Relaxation time; the mass of the body is friction times time."""


class MaxwellMode(Section):
    """A Maxwell mode of the fluid: a spring and a dashpot in series, which resists elastically and relaxes with time."""

    friction_kg_per_s: FrictionByAxis
    """Its part of the friction of slow motion, by axis or for all: 6πR times its viscosity, for a sphere of radius R."""
    time_ps: Remembered
    """Relaxation time, viscosity over modulus; its spring constant is friction over time."""


class ActiveForce(Section):
    """A random force without corresponding friction, as exerted by swimmers: Ornstein-Uhlenbeck, independent for each axis."""

    force_eV_per_A: Positive
    """Root mean square along each axis."""
    time_ps: Remembered
    """Correlation time."""


def _list_of(entries: str, example: str) -> BeforeValidator:
    def listed(value: Any) -> Any:
        if not isinstance(value, (list, tuple)):
            raise ValueError(f"write a list of {entries} such as [{{{example}, time_ps: 1}}], or [] for none")
        return value

    return BeforeValidator(listed)


Bodies = Annotated[tuple[Body, ...], _list_of("bodies", "friction_kg_per_s: 2e-11")]
MaxwellModes = Annotated[tuple[MaxwellMode, ...], _list_of("modes", "friction_kg_per_s: 2e-11")]
ActiveForces = Annotated[tuple[ActiveForce, ...], _list_of("active forces", "force_eV_per_A: 0.02")]


class Langevin(Section):
    """The baths of the particles in the exact model (`engine: langevin`).

    A study in LAMMPS uses them only for the stability of the controller, and for `plan` before its friction is measured.

    The friction of a particle is γ(ω) = g₀ + Σ c (-iωτ)/(1 - iωτ) + Σ η/(1 - iωτ): white friction g₀, friction c and time τ of
    each body that it drags along, and friction η and time τ of each Maxwell mode. Slow motion has the friction g₀ + Σ η. The
    mass of a body is c τ. Bodies and modes have the temperature of the bath. Active forces make a bath active.
    """

    friction_cold_kg_per_s: FrictionOfEveryAxis = 3.5e-12
    """Friction of the cold particle (default: the paper's): a number, or a mapping of axes such as `{x: 8e-12, yz: 4e-12}`."""
    friction_hot_kg_per_s: FrictionOfEveryAxis = 3.5e-12
    """The same for the hot particle."""
    bodies_cold: Bodies = ()
    """Fluid that the cold particle drags along, such as `[{friction_kg_per_s: 2e-11, time_ps: 1}]`; friction also by axis."""
    bodies_hot: Bodies = ()
    """The same for the hot particle."""
    maxwell_cold: MaxwellModes = ()
    """Maxwell modes of the cold bath, such as `[{friction_kg_per_s: 1e-11, time_ps: 5}]`; friction also by axis."""
    maxwell_hot: MaxwellModes = ()
    """The same for the hot bath."""
    active_cold: ActiveForces = ()
    """Active forces on the cold particle, such as `[{force_eV_per_A: 0.02, time_ps: 5}]`; friction runs and drags have none."""
    active_hot: ActiveForces = ()
    """The same for the hot particle."""


class Integration(Section):
    """Integration in LAMMPS; the exact Langevin engine uses the time step only to sum the work along a path."""

    timestep_fs: Positive = 1.0
    """MD time step."""
    neighbour_skin_A: Positive = 0.8
    """Skin of the neighbour lists; a run with a dangerous build fails."""


class Schedule(Section):
    """Length and sampling of each stage."""

    equilibration_ps: Positive = 200.0
    """Equilibration time of the baths after they are built."""
    independent_starts: bool = False
    """Build and equilibrate separate baths for each replica; otherwise all runs of a study share one start."""
    filling_ps: Positive = 60.0
    """Total time in which fluid atoms are added or removed, before equilibration, to reach a bulk density or a pressure."""
    relaxation_ps: Positive = 200.0
    """Relaxation with the demon, after velocities are drawn again, before a run is measured."""
    friction_ns: Positive = 15.0
    """Length of each equilibrium run (κ_C = κ_H = 0)."""
    sweep_ns: Positive = 15.0
    """Length of each run of the sweep."""
    friction_replicas: Replicas = 1
    """Independent equilibrium runs."""
    sweep_replicas: Replicas = 1
    """Independent runs of each point."""
    sample_every_ps: Positive = 0.1
    """Interval of the series."""
    trajectory_every_ps: Positive = 50.0
    """Interval of the trajectory."""
    segment_ps: Positive = 100.0
    """Length of a segment: a run is committed to disk at this interval and continues from there."""


def _range(ends: tuple[float, float]) -> tuple[float, float]:
    if not ends[0] <= ends[1]:
        raise ValueError("write the smaller number first, as in [0.01, 0.5]; two equal numbers keep it fixed")
    return ends


Range = Annotated[tuple[Positive, Positive], AfterValidator(_range)]
Delays = Annotated[
    tuple[Annotated[float, Field(ge=0, le=1e6)], Annotated[float, Field(ge=0, le=1e6)]], AfterValidator(_range)
]


class Design(Section):
    """Goal and limits of `snakemake design`, which optimises the couplings and optionally the delay."""

    goal: Literal["cooling", "cop", "precision"] = "cooling"
    """`cooling`: largest heat from the cold bath; `cop`: largest heat per work; `precision`: smallest relative error."""
    coupling_cold_eV_per_A2: Range = (0.001, 1.0)
    """Smallest and largest κ_C."""
    coupling_hot_eV_per_A2: Range = (0.001, 10.0)
    """Smallest and largest κ_H."""
    delay_ps: Delays | None = None
    """Smallest and largest delay; by default the delay of `demon.feedback` is used."""
    power_eV_per_ns: Positive | None = None
    """Largest power of the controller on both particles, along each axis."""
    spread_A: Positive | None = None
    """Largest root mean square displacement of a particle along each axis."""
    force_eV_per_A: Positive | None = None
    """Largest root mean square force of the controller on a particle along each axis."""
    cooling_eV_per_ns: Positive | None = None
    """Smallest heat from the cold bath; without it `cop` tends to a machine that does not cool."""


class Limits(Section):
    """Limits beyond which a run is rejected."""

    closure_drift_of_heat: Positive = 0.05
    """Largest drift of the energy balance of one side, as a fraction of the largest cooling of the ideal demon (all axes)."""
    closure_drift_eV_per_ns: Positive | None = None
    """The same limit as an absolute value; if given, it replaces the fraction."""
    closure_drift_of_work: Positive = 0.005
    """Additional drift allowed in a drag run, as a fraction of the work of its force (0.0020 at 3 nN with 5 fs steps)."""
    liquid: bool = True
    """Whether baths must be liquid by reduced temperature and density; `false` allows gases and supercritical fluids."""
    chain_size: Positive = 0.1
    """Largest relative change of the radius of gyration of chains between the last two quarters of equilibration."""
    particle_temperature: Positive = 0.15
    """Largest significant relative difference of the internal temperature of a particle from its bath after equilibration."""


class Study(Section):
    """One validated study. `load_study` makes it from a YAML file."""

    name: Annotated[str, Field(pattern=rf"^{STUDY_NAME}$")]
    seed: Annotated[int, Field(ge=0)] = 2023
    """Every random stream of the study is hashed from this seed, the name of the study, the point and the replica."""
    engine: Literal["lammps", "langevin"] = "lammps"
    """`lammps` is molecular dynamics; `langevin` is the model of the paper or of any linear bath, without time-step error."""
    ranks: Annotated[int, Field(ge=1, le=MOST_RANKS)] = 1
    """MPI ranks (cores) of each simulation."""
    materials: Materials = Materials()
    interactions: Interactions = Interactions()
    nanoparticle: Nanoparticle = Nanoparticle()
    baths: Baths = Baths()
    trap: Trap = Trap()
    demon: Demon = Demon()
    design: Design = Design()
    drag: Drag = Drag()
    langevin: Langevin = Langevin()
    integration: Integration = Integration()
    schedule: Schedule = Schedule()
    limits: Limits = Limits()
    variants: dict[Annotated[str, Field(pattern=rf"^{VARIANT}$")], dict[str, Any]] = Field(default={})
    """Variants with some fields changed: a name, then sections with only these fields; each runs as `study@name`."""

    # --- derived quantities ---------------------------------------------------------------------------------------------

    @property
    def edge_A(self) -> float:
        """Edge of each cubic bath."""
        return round(self.baths.edge_nm * 10, 9)

    @property
    def radius_A(self) -> float:
        """Radius of the sphere that cuts the nanoparticle out of the crystal."""
        return self.nanoparticle.radius_lattice * self.materials.metal.lattice_A

    def fluid(self, side: str) -> Species:
        """The fluid of the bath of that side."""
        return of_side(self.materials.fluid, side)

    def unlike(self, side: str) -> UnlikePair:
        """Between the fluid of that side and the metal."""
        return self.materials.unlike(side)

    def contact_A(self, side: str) -> float:
        """Distance at which the fluid of that side and the metal touch: the σ between them, or as the study's own part says."""
        return self.interactions.contact_A or self.unlike(side).sigma_A

    def initial_distances_A(self, side: str) -> tuple[float, float]:
        """Smallest initial distance of the fluid of that side from other fluid, and from metal."""
        return CONTACT * self.fluid(side).sigma_A, CONTACT * self.contact_A(side)

    @property
    def range_A(self) -> float:
        """Range of the widest force between atoms."""
        return self.interactions.range_A or self.materials.cutoff_A

    def accessible_volume_A3(self, side: str, walls: bool | None = None) -> float:
        """Volume accessible to the fluid in one bath: the cube minus a skin on its walls and around the particle.

        With this skin the bath of the paper, 25 280 atoms in (11 nm)³, has 19.56 argon atoms per nm³.

        Args:
            side: of the bath.
            walls: whether it has walls; as in the study by default. The bath of a drag has none.
        """
        length = self.edge_A - 2 * self.skin_A(side) if self._walled(walls) else self.edge_A
        return float(self.edge_A**2 * length - self.excluded_volume_A3(side))

    def skin_A(self, side: str) -> float:
        """How far the fluid stays from the edge of the metal: half the distance at which they touch."""
        return self.contact_A(side) / 2

    def excluded_volume_A3(self, side: str) -> float:
        """Volume from which a particle excludes the fluid."""
        return float(4 / 3 * np.pi * (self.radius_A + self.skin_A(side)) ** 3)

    def fluid_atoms(self, side: str, walls: bool | None = None) -> int:
        """Fluid atoms in the bath of that side; if atoms are added and removed to reach a state, before that.

        Args:
            side: of the bath.
            walls: whether a bath that is filled to reach a state has walls; as in the study by default.
        """
        if self.baths.fluid_atoms is not None:
            return of_side(self.baths.fluid_atoms, side)
        if self.aim is None:
            density = of_side(self.baths.accessible_density_per_nm3 or 0.0, side)
            return round(density * self.accessible_volume_A3(side) / 1000)
        fluid, area = self.fluid(side), 4 * np.pi * self.radius_A**2 + 2 * self._walled(walls) * self.edge_A**2
        adsorbed = ADSORBED * area / fluid.sigma_A**2
        return round(self._bulk_density(side) * self.accessible_volume_A3(side, walls) / fluid.sigma_A**3 + adsorbed)

    # --- a state that is reached by adding and removing atoms ---------------------------------------------------------------

    @property
    def aim(self) -> Literal["bulk_density", "bulk_pressure"] | None:
        """What decides how many atoms a bath holds, if neither their number nor their accessible density is stated."""
        if self.baths.bulk_density_per_nm3 is not None:
            return "bulk_density"
        return None if self.baths.pressure_bar is None else "bulk_pressure"

    def aimed_at(self, side: str) -> float:
        """The bulk density (nm⁻³) or the pressure (bar) of that side."""
        value = self.baths.bulk_density_per_nm3 if self.aim == "bulk_density" else self.baths.pressure_bar
        assert value is not None
        return of_side(value, side)

    def _bulk_density(self, side: str) -> float:
        """Reduced bulk density: as stated, or roughly what the pressure makes it."""
        fluid = self.fluid(side)
        if self.aim == "bulk_density":
            return self.aimed_at(side) * fluid.sigma_A**3 / 1000
        pressure = self.aimed_at(side) / BAR_PER_EV_PER_A3 * fluid.sigma_A**3 / fluid.epsilon_eV
        return density_at(pressure, self._reduced_temperature(side), self.materials.cutoff_A / fluid.sigma_A)

    def _reduced_temperature(self, side: str) -> float:
        """kT/ε of the fluid."""
        return BOLTZMANN * self.temperature_K(side) / self.fluid(side).epsilon_eV

    def _stiffness_eV(self, side: str) -> float:
        """Derivative of the pressure of the bulk with respect to its number density, roughly."""
        return stiffness(self._bulk_density(side), self._reduced_temperature(side)) * self.fluid(side).epsilon_eV

    def atoms_per_aim(self, side: str, walls: bool | None = None) -> float:
        """By how many atoms a bath must change for a unit of the bulk density or the pressure; roughly, as it is repeated."""
        volume = self.accessible_volume_A3(side, walls)
        if self.aim == "bulk_density":
            return volume / 1000
        return volume / (self._stiffness_eV(side) * BAR_PER_EV_PER_A3)  # over bar per atom and Å³

    def filling_damping_ps(self, side: str) -> float:
        """Time constant of a friction on all fluid with which differences of density across a bath vanish fastest.

        It damps sound of the wavelength of the bath critically, 1/(2ck); with less friction sound persists, with more the
        fluid creeps. The velocity c of sound is that at constant temperature.
        """
        sound_A_per_ps = math.sqrt(self._stiffness_eV(side) / (self.fluid(side).mass_u * ATOMIC_MASS))
        return self.edge_A / (4 * math.pi * sound_A_per_ps)

    def bulk_margin_A(self, side: str) -> float:
        """How far layers of fluid reach from metal."""
        return BULK_MARGIN * self.fluid(side).sigma_A

    def bulk_volume_A3(self, side: str, walls: bool | None = None) -> float:
        """Volume of a bath that is farther than this from its particle and its walls; 0 where there is none.

        Args:
            side: of the bath.
            walls: whether it has walls; as in the study by default. The bath of a drag has none.
        """
        margin, edge = self.bulk_margin_A(side), self.edge_A
        half = edge / 2 - margin if self._walled(walls) else edge / 2
        if half <= 0:
            return 0.0
        x = (np.arange(2000) + 0.5) / 2000 * half
        # The cross-section less the disc that the particle's surroundings cut out of it, itself cut by the faces
        disc = np.sqrt(np.clip((self.radius_A + margin) ** 2 - x**2, 0, None))
        chord = np.clip(edge / 2 / np.maximum(disc, 1e-9), 0, 1)
        beyond = disc**2 * (np.arccos(chord) - chord * np.sqrt(1 - chord**2))
        area = np.where(disc >= edge / 2**0.5, edge**2, np.pi * disc**2 - 4 * beyond)
        return float(2 * (edge**2 - area).mean() * half)

    @property
    def moving_atoms(self) -> int:
        """Atoms of both fluids and both particles."""
        return sum(self.fluid_atoms(side) for side in SIDES) + 2 * self.nanoparticle.atoms

    @property
    def timestep_ps(self) -> float:
        """MD time step."""
        return self.integration.timestep_fs / 1000

    @property
    def particle_mass_eV_ps2_per_A2(self) -> float:
        """Mass of one nanoparticle."""
        return self.nanoparticle.atoms * self.materials.metal.mass_u * ATOMIC_MASS

    def chain(self, side: str, fluid_atoms: int) -> Chain:
        """The chains of that side's bath, if it holds so many atoms."""
        return self.baths.chains.of(self.fluid(side), fluid_atoms)

    def temperature_K(self, side: str) -> float:
        """Temperature of the bath of that side."""
        return self.baths.temperature_cold_K if side == "cold" else self.baths.temperature_hot_K

    def friction_kg_per_s(self, side: str, axis: str = "x") -> float:
        """White friction of the particle of that side along an axis, in the exact model."""
        friction = along(getattr(self.langevin, f"friction_{side}_kg_per_s"), axis)
        assert friction is not None, "every axis has one"
        return friction

    def stiffness_eV_per_A2(self, axis: str) -> float:
        """Stiffness of both traps along an axis."""
        return self.trap.stiffness[AXES.index(axis)]

    def bodies(self, side: str, axis: str = "x") -> list[tuple[float, float]]:
        """(c, τ) of each body that the particle of that side drags along an axis, kg/s and ps, in the exact model."""
        return _along_axis(getattr(self.langevin, f"bodies_{side}"), axis)

    def maxwell_modes(self, side: str, axis: str = "x") -> list[tuple[float, float]]:
        """(η, τ) of each Maxwell mode of that side along an axis, kg/s and ps, in the exact model."""
        return _along_axis(getattr(self.langevin, f"maxwell_{side}"), axis)

    def active_forces(self, side: str) -> list[tuple[float, float]]:
        """(root mean square, τ) of each active force of that side along every axis, eV/Å and ps, in the exact model."""
        forces: tuple[ActiveForce, ...] = getattr(self.langevin, f"active_{side}")
        return [(each.force_eV_per_A, each.time_ps) for each in forces]

    def trap_centre_A(self, side: str) -> tuple[float, float, float]:
        """Trap centre: the middle of the bath."""
        half = self.edge_A / 2
        return ((1 + 2 * self.bath_place(side)) * half, half, half)

    @property
    def has_walls(self) -> bool:
        """Whether walls bound the baths along x."""
        return self.baths.walls == "metal"

    def _walled(self, walls: bool | None) -> bool:
        """Whether a bath has walls: as in the study, unless it is told."""
        return self.has_walls if walls is None else walls

    def bath_place(self, side: str) -> int:
        """Where a bath begins along x, in edges: the hot one behind the cold one, or both at the same place without walls."""
        return int(side == "hot" and self.has_walls)

    def steps(self, time_ps: float) -> int:
        """Number of time steps in a time."""
        return round(time_ps * 1000 / self.integration.timestep_fs)

    def coupling_hot_eV_per_A2(self, ratio: str) -> float:
        """κ_H of one point of the sweep."""
        return float(ratio) * self.demon.coupling_cold_eV_per_A2

    def pair(
        self, coupling_cold: float, coupling_hot: float, axis: str = "x", *, active: bool = True
    ) -> LangevinPair | PairWithBodies:
        """The exact model along an axis at given couplings (eV/Å²), with the baths of section `langevin`.

        Args:
            coupling_cold, coupling_hot: κ_C and κ_H, eV/Å².
            axis: x, y or z.
            active: whether active forces act, as they do whenever friction is not what is measured.
        """
        parameters: dict[str, Any] = {
            "mass": self.particle_mass_eV_ps2_per_A2,
            "trap": self.stiffness_eV_per_A2(axis),
            "coupling_cold": coupling_cold,
            "coupling_hot": coupling_hot,
            "temperature_cold": self.baths.temperature_cold_K,
            "temperature_hot": self.baths.temperature_hot_K,
        } | {f"friction_{side}": self.friction_kg_per_s(side, axis) / FRICTION_SI for side in SIDES}
        hidden: dict[str, Any] = {}
        for side in SIDES:
            for kind, found in (("body", self.bodies(side, axis)), ("maxwell", self.maxwell_modes(side, axis))):
                hidden[f"{kind}_frictions_{side}"] = tuple(friction / FRICTION_SI for friction, _ in found)
                hidden[f"{kind}_times_{side}"] = tuple(time for _, time in found)
            forces = self.active_forces(side) if active else []
            hidden[f"active_forces_{side}"] = tuple(force for force, _ in forces)
            hidden[f"active_times_{side}"] = tuple(time for _, time in forces)
        return PairWithBodies(**parameters, **hidden) if any(hidden.values()) else LangevinPair(**parameters)


def _along_axis(fluids: Sequence[Body | MaxwellMode], axis: str) -> list[tuple[float, float]]:
    """Friction and time of all that have any friction along an axis, kg/s and ps."""
    frictions = [(along(fluid.friction_kg_per_s, axis), fluid.time_ps) for fluid in fluids]
    return [(friction, time) for friction, time in frictions if friction is not None]
