"""A study: everything that a user may choose, in one typed and checked object.

The defaults are the paper's numbers (Loos et al., Sci. Rep. 13, 4517 (2023)), so a study file states only what differs. Each
section of the YAML file is one class below; a field's name ends in its unit.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from analysis.model import LangevinPair
from analysis.units import ATOMIC_MASS
from simulation.demon import ControllerError, load_controller

CONFIG_FOLDER = Path(__file__).resolve().parent.parent / "config"
SIDES = ("cold", "hot")

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Finite = Annotated[float, Field(allow_inf_nan=False)]


class StudyError(ValueError):
    """Everything that is wrong with a study, one line per problem."""

    def __init__(self, name: str, problems: list[str]) -> None:
        self.problems = problems
        super().__init__("\n".join([f"study {name!r} cannot run:", *(f"  - {problem}" for problem in problems)]))


class Section(BaseModel):
    """Common behaviour of all sections: unknown keys are refused, values cannot change after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Species(Section):
    """Lennard-Jones parameters and mass of one element."""

    mass_u: Positive
    epsilon_eV: Positive
    sigma_A: Positive


class Metal(Species):
    """A species that also forms a crystal: its fcc lattice constant shapes particles and walls."""

    lattice_A: Positive


class Materials(Section):
    """Elements and the range of their interaction; unlike pairs follow Lorentz-Berthelot."""

    argon: Species = Species(mass_u=39.948, epsilon_eV=0.0104, sigma_A=3.405)
    copper: Metal = Metal(mass_u=63.546, epsilon_eV=0.4093, sigma_A=2.338, lattice_A=3.61)
    cutoff_A: Positive = 8.5125


class Nanoparticle(Section):
    """An fcc sphere; `origin_lattice` is where its centre lies in the unit cell, which decides how many atoms it holds."""

    atoms: Annotated[int, Field(gt=0)] = 186
    radius_lattice: Positive = 2.236
    origin_lattice: tuple[Finite, Finite, Finite] = (0.0, 0.25, 0.25)


class Baths(Section):
    """Two cubic argon baths. State how many atoms each holds, or the density in the volume that they can reach."""

    edge_nm: Positive = 11.0
    argon_atoms: Annotated[int, Field(gt=0)] | None = None
    accessible_density_per_nm3: Positive | None = None
    temperature_cold_K: Positive = 100.0
    temperature_hot_K: Positive = 120.0
    thermostat: Literal["nose-hoover"] = "nose-hoover"
    thermostat_damping_ps: Positive = 1.0


class Trap(Section):
    """Isotropic harmonic trap on each particle's centre of mass."""

    stiffness_eV_per_A2: Positive = 0.01


def _ratio(text: str) -> str:
    """A κ_H/κ_C value stays the text that the study file spells: it names a folder."""
    if not np.isfinite(float(text)) or text != text.strip():
        raise ValueError("not a finite number")
    return text


def _axes(text: str) -> str:
    if not text or any(axis not in "xyz" for axis in text) or "".join(sorted(set(text))) != text:
        raise ValueError("use x (the paper), or several of x, y, z in that order, such as xyz")
    return text


class Demon(Section):
    """The controller: its couplings, its axes, and the class that turns displacements into forces."""

    coupling_cold_eV_per_A2: Finite = 0.1
    kappa_ratios: tuple[Annotated[str, Field(pattern=r"^-?[0-9.]+$"), AfterValidator(_ratio)], ...] = (
        "0.17",
        "1.2",
        "4.80",
        "7.27",
    )
    coupling_axes: Annotated[str, AfterValidator(_axes)] = "x"
    controller: Annotated[str, Field(pattern=r"^linear$|^[A-Za-z_][\w.]*:[A-Za-z_]\w*$")] = "linear"
    controller_options: dict[str, str] = {}


class Integration(Section):
    """How LAMMPS integrates."""

    timestep_fs: Positive = 1.0
    neighbour_skin_A: Positive = 0.8
    suffix: Literal["none", "opt"] = "opt"


class Schedule(Section):
    """How long each stage lasts and how often it is sampled."""

    equilibration_ps: Positive = 200.0
    relaxation_ps: Positive = 200.0
    friction_ns: Positive = 15.0
    sweep_ns: Positive = 15.0
    friction_replicas: Annotated[int, Field(ge=1)] = 1
    sweep_replicas: Annotated[int, Field(ge=1)] = 1
    sample_every_ps: Positive = 0.1
    trajectory_every_ps: Positive = 50.0
    segment_ps: Positive = 100.0


class Limits(Section):
    """What a run must not exceed to be believed."""

    closure_drift_eV_per_ns: Positive = 0.05


class Study(Section):
    """One study, checked. `load_study` makes it from a YAML file."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][\w-]*$")]
    seed: Annotated[int, Field(ge=0)] = 2023
    ranks: Annotated[int, Field(ge=1, le=4096)] = 1
    materials: Materials = Materials()
    nanoparticle: Nanoparticle = Nanoparticle()
    baths: Baths = Baths()
    trap: Trap = Trap()
    demon: Demon = Demon()
    integration: Integration = Integration()
    schedule: Schedule = Schedule()
    limits: Limits = Limits()

    # --- derived quantities ---------------------------------------------------------------------------------------------

    @property
    def edge_A(self) -> float:
        """Edge of each cubic bath."""
        return round(self.baths.edge_nm * 10, 9)

    @property
    def radius_A(self) -> float:
        """Radius of the sphere that cuts the nanoparticle out of the crystal."""
        return self.nanoparticle.radius_lattice * self.materials.copper.lattice_A

    @property
    def accessible_volume_A3(self) -> float:
        """Volume open to argon in one bath: the cube less a skin of half the argon-copper σ on both walls and the particle.

        With this skin the paper's bath, 25 280 atoms in (11 nm)³, has 19.56 argon atoms per nm³.
        """
        skin = (self.materials.argon.sigma_A + self.materials.copper.sigma_A) / 4
        particle = 4 / 3 * np.pi * (self.radius_A + skin) ** 3
        return float(self.edge_A**2 * (self.edge_A - 2 * skin) - particle)

    @property
    def argon_atoms(self) -> int:
        """Argon atoms in each bath."""
        if self.baths.argon_atoms is not None:
            return self.baths.argon_atoms
        density = self.baths.accessible_density_per_nm3 or 0.0
        return round(density * self.accessible_volume_A3 / 1000)

    @property
    def particle_mass_eV_ps2_per_A2(self) -> float:
        """Mass of one nanoparticle."""
        return self.nanoparticle.atoms * self.materials.copper.mass_u * ATOMIC_MASS

    def trap_centre_A(self, side: str) -> tuple[float, float, float]:
        """Centre of a bath's trap: the middle of the bath."""
        half = self.edge_A / 2
        return (half if side == "cold" else 3 * half, half, half)

    def steps(self, time_ps: float) -> int:
        """Number of time steps in a time."""
        return round(time_ps * 1000 / self.integration.timestep_fs)

    def coupling_hot_eV_per_A2(self, ratio: str) -> float:
        """κ_H of one point of the sweep."""
        return float(ratio) * self.demon.coupling_cold_eV_per_A2

    def pair(self, ratio: str, friction_eV_ps_per_A2: float) -> LangevinPair:
        """The exact model of one point, for a given friction of both particles."""
        return LangevinPair(
            mass=self.particle_mass_eV_ps2_per_A2,
            friction_cold=friction_eV_ps_per_A2,
            friction_hot=friction_eV_ps_per_A2,
            trap=self.trap.stiffness_eV_per_A2,
            coupling_cold=self.demon.coupling_cold_eV_per_A2,
            coupling_hot=self.coupling_hot_eV_per_A2(ratio),
            temperature_cold=self.baths.temperature_cold_K,
            temperature_hot=self.baths.temperature_hot_K,
        )


# --- rules that join several fields ---------------------------------------------------------------------------------------

NOMINAL_FRICTION_EV_PS_PER_A2 = 0.22  # the paper's 3.5e-12 kg/s; stability does not depend on its value


def _fcc_sphere_count(nanoparticle: Nanoparticle, radius: float) -> int:
    """Atoms of an fcc crystal within `radius` (lattice constants) of the particle's centre."""
    cells = np.arange(-int(radius) - 2, int(radius) + 3)
    corner = np.stack(np.meshgrid(cells, cells, cells), axis=-1).reshape(-1, 1, 3)
    basis = np.array([[0, 0, 0], [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]])
    distance = np.linalg.norm((corner + basis).reshape(-1, 3) + nanoparticle.origin_lattice, axis=1)
    return int((distance < radius).sum())


def _problems(study: Study) -> list[tuple[set[str], str]]:
    """Every rule broken by otherwise valid fields, each with the fields that it joins."""
    found: list[tuple[set[str], str]] = []

    def rule(broken: bool, fields: str, message: str) -> None:
        if broken:
            found.append((set(fields.split()), message))

    baths, schedule = study.baths, study.schedule
    rule(
        (baths.argon_atoms is None) == (baths.accessible_density_per_nm3 is None),
        "baths.argon_atoms baths.accessible_density_per_nm3",
        "baths: give exactly one of argon_atoms and accessible_density_per_nm3 (the paper: argon_atoms: 25280)",
    )
    rule(
        baths.temperature_hot_K < baths.temperature_cold_K,
        "baths.temperature_cold_K baths.temperature_hot_K",
        f"baths.temperature_hot_K = {baths.temperature_hot_K:g} is below "
        f"temperature_cold_K = {baths.temperature_cold_K:g}: swap them",
    )
    holds = _fcc_sphere_count(study.nanoparticle, study.nanoparticle.radius_lattice)
    rule(
        holds != study.nanoparticle.atoms,
        "nanoparticle.atoms nanoparticle.radius_lattice nanoparticle.origin_lattice",
        f"nanoparticle.atoms = {study.nanoparticle.atoms}, but an fcc sphere of radius_lattice = "
        f"{study.nanoparticle.radius_lattice:g} about this origin_lattice holds {holds}: change one to fit the other",
    )
    reach = study.radius_A + study.materials.cutoff_A
    rule(
        study.edge_A < 2 * reach,
        "baths.edge_nm materials.cutoff_A nanoparticle.radius_lattice materials.copper.lattice_A",
        f"baths.edge_nm = {baths.edge_nm:g} is too small: a particle of radius "
        f"{study.radius_A / 10:.3g} nm and materials.cutoff_A = {study.materials.cutoff_A:g} need at least {2 * reach / 10:.3g} nm",
    )
    number_density = study.argon_atoms / max(study.accessible_volume_A3, 1e-9) * study.materials.argon.sigma_A**3
    rule(
        study.accessible_volume_A3 <= 0 or number_density > 1.05,
        "baths.edge_nm baths.argon_atoms baths.accessible_density_per_nm3 materials.argon.sigma_A",
        f"baths: {study.argon_atoms} argon atoms do not fit a bath of edge_nm = {baths.edge_nm:g} as a liquid "
        f"(reduced density {number_density:.2f}, at most 1.05): take fewer, or a larger edge",
    )
    for ratio in study.demon.kappa_ratios:
        rule(
            not study.pair(ratio, NOMINAL_FRICTION_EV_PS_PER_A2).is_stable,
            "demon.kappa_ratios demon.coupling_cold_eV_per_A2 trap.stiffness_eV_per_A2",
            f"demon.kappa_ratios: {ratio} makes the coupling unstable: κ + κ_C + κ_H = "
            f"{study.trap.stiffness_eV_per_A2 + study.demon.coupling_cold_eV_per_A2 + study.coupling_hot_eV_per_A2(ratio):g} "
            "eV/Å² must be positive",
        )
    values = [float(ratio) for ratio in study.demon.kappa_ratios]
    rule(not values, "demon.kappa_ratios", "demon.kappa_ratios is empty: name at least one κ_H/κ_C")
    rule(
        len(set(values)) < len(values),
        "demon.kappa_ratios",
        "demon.kappa_ratios names the same value twice: drop one",
    )
    try:
        load_controller(
            study.demon.controller, study.demon.coupling_cold_eV_per_A2, 0.0, study.demon.controller_options
        )
    except ControllerError as failure:
        rule(True, "demon.controller demon.controller_options", f"demon.controller: {failure}")

    timestep_ps = study.integration.timestep_fs / 1000
    lengths = {
        "schedule.equilibration_ps": (schedule.equilibration_ps, "integration.timestep_fs", timestep_ps),
        "schedule.relaxation_ps": (schedule.relaxation_ps, "integration.timestep_fs", timestep_ps),
        "schedule.sample_every_ps": (schedule.sample_every_ps, "integration.timestep_fs", timestep_ps),
        "schedule.trajectory_every_ps": (
            schedule.trajectory_every_ps,
            "integration.timestep_fs",
            timestep_ps,
        ),
        "schedule.segment_ps": (schedule.segment_ps, "schedule.sample_every_ps", schedule.sample_every_ps),
        "schedule.friction_ns": (
            schedule.friction_ns * 1000,
            "schedule.sample_every_ps",
            schedule.sample_every_ps,
        ),
        "schedule.sweep_ns": (schedule.sweep_ns * 1000, "schedule.sample_every_ps", schedule.sample_every_ps),
        "schedule.segment_ps ": (
            schedule.segment_ps,
            "schedule.trajectory_every_ps",
            schedule.trajectory_every_ps,
        ),
    }
    for field, (length, divisor_field, divisor) in lengths.items():
        count = length / divisor
        rule(
            abs(count - round(count)) > 1e-6 * count or round(count) < 1,
            f"{field.strip()} {divisor_field}",
            f"{field.strip()} ({length:g} ps) must be a whole multiple of {divisor_field} ({divisor:g} ps)",
        )
    return found


# --- loading --------------------------------------------------------------------------------------------------------------


def _field_problem(error: ErrorDetails) -> str:
    place = ".".join(str(part) for part in error["loc"])
    if error["type"] == "extra_forbidden":
        return f"{place} is not a known field: remove it, or see config/README.md for the spelling"
    if error["type"] == "missing":
        return f"{place} is missing: add it"
    return f"{place} = {error['input']!r}: {error['msg'].removeprefix('Value error, ')}"


def check_study(name: str, data: Any) -> Study:
    """Turn plain data into a Study, or raise one StudyError with every problem in it.

    Rules that join several fields are checked even when other fields are wrong: a wrong field takes its default for that.
    """
    if not isinstance(data, dict):
        raise StudyError(
            name, [f"the file must hold a mapping of sections such as 'baths:', not {type(data).__name__}"]
        )
    problems: list[str] = []
    wrong: set[str] = set()
    data = {**data, "name": name}
    for _ in range(50):  # each pass removes the fields that it reports, so a handful of passes is enough
        try:
            study = Study.model_validate(data)
            break
        except ValidationError as failure:
            for error in failure.errors():
                problems.append(_field_problem(error))
                wrong.add(".".join(str(part) for part in error["loc"][:2]))
                data = _without(data, error["loc"])
    else:
        raise StudyError(name, problems)
    problems += [message for fields, message in _problems(study) if not fields & wrong]
    if problems:
        raise StudyError(name, list(dict.fromkeys(problems)))
    return study


def _without(data: dict[str, Any], location: tuple[int | str, ...]) -> dict[str, Any]:
    """A copy of a study's data less the field at `location`; what lies deeper (a list, a species) goes as a whole."""
    section, *field = location
    inner = data.get(str(section))
    if field and isinstance(inner, dict):
        return {**data, str(section): {key: value for key, value in inner.items() if key != field[0]}}
    return {key: value for key, value in data.items() if key != section}


def load_study(name: str, folder: Path = CONFIG_FOLDER) -> Study:
    """Read `config/<name>.yaml`.

    Scalars are read as text and typed by the Study, so `4.80` stays `4.80` in a path and `1e-3` is a number.

    Raises:
        StudyError: the file is missing, is not YAML, or does not describe a study that can run; all problems at once.
    """
    path = folder / f"{name}.yaml"
    if not path.is_file():
        known = ", ".join(sorted(p.stem for p in folder.glob("*.yaml")))
        raise StudyError(name, [f"there is no file config/{name}.yaml (found: {known})"])
    try:
        data = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)
    except (yaml.YAMLError, UnicodeDecodeError) as failure:
        raise StudyError(name, [f"config/{name}.yaml is not valid YAML: {' '.join(str(failure).split())}"]) from None
    return check_study(name, {} if data in ("", None) else data)
