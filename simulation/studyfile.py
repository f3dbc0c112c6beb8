"""Study files: read `config/<name>.yaml`, and refuse what cannot run, all problems at once."""

from __future__ import annotations

import re
import reprlib
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from simulation.demon import ControllerError, load_controller
from simulation.plainyaml import PlainYamlError, read_plain
from simulation.study import STUDY_NAME, THERMOSTATS, Nanoparticle, Study, StudyError

SHORT = reprlib.Repr()
"""Shows a wrong value, and not all of it if it is long."""
SHORT.maxstring = SHORT.maxother = 80

CONFIG_FOLDER = Path(__file__).resolve().parent.parent / "config"

# --- rules that join several fields ---------------------------------------------------------------------------------------


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
        f"{study.radius_A / 10:.3g} nm and materials.cutoff_A = {study.materials.cutoff_A:g} "
        f"need at least {2 * reach / 10:.3g} nm",
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
            # For equal frictions their value does not matter, so a LAMMPS study may be asked too.
            not study.pair(study.demon.coupling_cold_eV_per_A2, study.coupling_hot_eV_per_A2(ratio)).is_stable,
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

    forces = [float(force) for force in study.drag.forces_nN]
    rule(len(set(forces)) < len(forces), "drag.forces_nN", "drag.forces_nN names the same force twice: drop one")

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
        "schedule.friction_ns": (schedule.friction_ns * 1000, "schedule.segment_ps", schedule.segment_ps),
        "schedule.sweep_ns": (schedule.sweep_ns * 1000, "schedule.segment_ps", schedule.segment_ps),
        "drag.equilibration_ps": (study.drag.equilibration_ps, "integration.timestep_fs", timestep_ps),
        "drag.duration_ns": (study.drag.duration_ns * 1000, "schedule.segment_ps", schedule.segment_ps),
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
    place = ".".join(text if (text := str(part)).isprintable() else repr(text) for part in error["loc"])
    if error["type"] == "extra_forbidden":
        return f"{place} is not a known field: remove it, or see config/README.md for the spelling"
    if error["type"] == "missing":
        return f"{place} is missing: add it"
    return f"{place} = {SHORT.repr(error['input'])}: {error['msg'].removeprefix('Value error, ')}"


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
    """Read `config/<name>.yaml`; `<name>@<variant>` is the same study as its section `variants` changes it under that name.

    The name of a thermostat is a variant of every study: `demo@csvr`.
    Scalars are read as text and typed by the Study, so `4.80` stays `4.80` in a path and `1e-3` is a number.

    Raises:
        StudyError: the file is missing, is not YAML, or does not describe a study that can run; all problems at once,
            those of its variants among them.
    """
    if not re.fullmatch(STUDY_NAME, name):
        raise StudyError(
            name, ["a study's name is letters, digits, _ and -, then perhaps @ and a variant: rename its file"]
        )
    base, _, variant = name.partition("@")
    path = folder / f"{base}.yaml"
    if not path.is_file():
        known = ", ".join(sorted(p.stem for p in folder.glob("*.yaml")))
        raise StudyError(name, [f"there is no file config/{base}.yaml (found: {known})"])
    try:
        data, repeated = read_plain(path.read_text(encoding="utf-8"))
    except (PlainYamlError, UnicodeDecodeError) as failure:
        raise StudyError(name, [f"config/{base}.yaml: {failure}"]) from None
    data = {} if data in ("", None) else data
    study = _check_with_variants(base, data, [f"config/{base}.yaml, {problem}" for problem in repeated])
    if not variant:
        return study
    changes = {t: {"baths": {"thermostat": t}} for t in THERMOSTATS} | study.variants
    if variant not in changes:
        raise StudyError(name, [f"{variant} is not one of its variants ({', '.join(changes)}): add it to variants"])
    return check_study(name, _overlay({**data, "variants": {}}, changes[variant]))


def _check_with_variants(name: str, data: Any, known: list[str]) -> Study:
    """`check_study`, and the same for each variant, whose problems are told under its name, after those `known` already."""
    problems = known
    study: Study | None = None
    try:
        study = check_study(name, data)
    except StudyError as failure:
        problems = known + failure.problems
    variants = data.get("variants", {}) if isinstance(data, dict) else {}
    for variant, changes in variants.items() if isinstance(variants, dict) else ():
        if not isinstance(changes, dict):
            continue  # said already
        if "variants" in changes:
            problems.append(f"variants.{variant}.variants: a variant has no variants: give each its own name")
            continue
        try:
            check_study(f"{name}@{variant}", _overlay({**data, "variants": {}}, changes))
        except StudyError as failure:
            # What is wrong with the study itself is said once.
            problems += [f"variants.{variant}: {text}" for text in failure.problems if text not in problems]
    if study is None or problems:
        raise StudyError(name, problems)
    return study


def _overlay(data: Any, changes: Any) -> Any:
    """Plain data with some of its entries changed, at any depth."""
    if not (isinstance(data, dict) and isinstance(changes, dict)):
        return changes
    return {**data, **{key: _overlay(data.get(key), value) for key, value in changes.items()}}
