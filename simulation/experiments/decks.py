"""LAMMPS decks: the Jinja2 templates in `lammps_templates/`, filled in for a study."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import ChoiceLoader, Environment, FileSystemLoader, FunctionLoader, PrefixLoader, StrictUndefined

from analysis.units import ATOMIC_MASS
from simulation.engines.styles import FRAMES
from simulation.study.fields import Study
from simulation.study.materials import Species
from simulation.study.places import find
from simulation.study.section import SIDES

TEMPLATES = Path(__file__).resolve().parents[2] / "lammps_templates"
OWN = "own"
"""Prefix under which templates find those of a study."""

SPARE_SITES = 1.2
"""Lattice sites per fluid atom; a random choice among more sites than atoms melts at once."""

HOLD_RAD_PER_PS = 5.0
"""Angular frequency of the spring that holds a fluid without walls: far above that of the particles, some 0.1 to 1 rad/ps."""

BONDED = " bond/types 2 extra/bond/per/atom 2 extra/special/per/atom 6"
"""Room that LAMMPS needs for the bonds of linear chains: two per atom, and their neighbours up to the third."""

FILLING_SHARES = (1, 1, 1, 1 / 2, 1 / 3, 1 / 4, 1 / 5)
"""Shares of the missing fluid that are added, round by round, to reach a study's pressure or bulk density.

The first two rounds follow the measurement. Afterwards the number of atoms is the mean of all later estimates, at last of five.
"""

PARTING_STEPS = 300
"""Steps after a round, in which new atoms and those that they overlap part."""

# Statements that affect only the output of a run, not its trajectory.
WATCHING = ("dump", "dump_modify", "thermo", "thermo_style", "print")


def render(
    template: str, *, study: Study, sides: tuple[str, ...] = SIDES, walls: bool | None = None, **context: Any
) -> str:
    """Fill in one template; a missing name is an error.

    Args:
        template: its file.
        study: the study.
        sides: the baths.
        walls: whether walls bound them along x; as in the study by default.
        context: further names of the template. `fluid_atoms`, by side, are those of the study by default; a build `melts`
            by default.
    """
    fluid_atoms = context.pop("fluid_atoms", {side: study.fluid_atoms(side) for side in sides})
    has_chains = study.baths.chains.fraction > 0
    chains = {side: study.chain(side, fluid_atoms.get(side, 0)) for side in SIDES} if has_chains else {}
    usual = {
        "sides": sides,
        "walls": study.has_walls if walls is None else walls,
        "fluid_atoms": fluid_atoms,
        "counted": {side: f"count(fluid_{side})" if study.aim else count for side, count in fluid_atoms.items()},
        "fill_shares": FILLING_SHARES,
        "fill_steps": _round_steps(study),
        "part_steps": PARTING_STEPS,
        "melts": True,
        "atomic_mass": ATOMIC_MASS,
        "hold_rad_per_ps": HOLD_RAD_PER_PS,
        "quickest": min((study.fluid(side) for side in sides), key=_unit_of_time),
        "filling": {side: filling(study, side, fluid_atoms[side]) for side in sides},
        "chains": chains,
        "bonded": BONDED if chains else "",
        "frame_steps": study.steps(study.schedule.trajectory_every_ps),
    }
    filled = usual | {"study": study, "steps": study.steps} | context
    return _environment(TEMPLATES).get_template(template).render(filled)


def _round_steps(study: Study) -> int:
    """Steps of one round of filling; before the first one the fluid relaxes from melting for as long."""
    return 200 * max(round(study.steps(study.schedule.filling_ps) / (1 + len(FILLING_SHARES)) / 200), 1)


def filling_steps(study: Study) -> int:
    """Steps in which atoms are added or removed when a bath is built; none for a stated number of atoms."""
    rounds = len(FILLING_SHARES)
    return (1 + rounds) * _round_steps(study) + rounds * PARTING_STEPS if study.aim is not None else 0


def _unit_of_time(fluid: Species) -> float:
    """σ √(m/ε) of a fluid, in mixed units."""
    return fluid.sigma_A * math.sqrt(fluid.mass_u / fluid.epsilon_eV)


def statements(deck: str) -> list[str]:
    """The part of a deck that determines a trajectory: without comments, blank lines, alignment, and output."""
    joined = deck.replace("&\n", " ")
    lines = (line.split("#")[0].split() for line in joined.splitlines())
    return [" ".join(words) for words in lines if words and not _only_watches(words)]


def _only_watches(words: list[str]) -> bool:
    """Whether a statement, or each branch of an `if`, does not affect the trajectory."""
    if words[0] == "if":
        _, *chosen = re.findall(r'"([^"]*)"', " ".join(words))
        return all(_only_watches(statement.split()) for statement in chosen)
    return words[0] in WATCHING or words[:2] == ["variable", FRAMES]


@cache
def _environment(folder: Path) -> Environment:
    """The template environment, with those next to a study; cached, so that a template is compiled once."""
    shipped, own = FileSystemLoader(folder, encoding="utf-8"), PrefixLoader({OWN: FunctionLoader(_beside_study)})
    environment = Environment(
        loader=ChoiceLoader([shipped, own]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["quoted"] = _quoted
    return environment


def _beside_study(name: str) -> tuple[str, str, Callable[[], bool]] | None:
    """A template next to a study in the form that Jinja2 requires: its text, its file, and a test whether both are current."""
    if (file := find(name)) is None:
        return None
    text = file.read_text(encoding="utf-8")
    return text, str(file), lambda: find(name) == file and file.read_text(encoding="utf-8") == text


def _quoted(path: str) -> str:
    """A path that LAMMPS can read, or a ValueError: `*` and `%` have a special meaning in restart names."""
    if unfit := sorted({mark for mark in path if mark in '"*%$&' or not (mark.isascii() and mark.isprintable())}):
        raise ValueError(
            f"{path!r}: LAMMPS cannot read a file whose path holds {' '.join(map(repr, unfit))}: rename the folder"
        )
    return f'"{path}"'


# --- where the fluid is placed ----------------------------------------------------------------------------------------------


def filling(study: Study, side: str, fluid_atoms: int) -> dict[str, float]:
    """An fcc lattice for the fluid of one bath, with more sites than atoms, away from walls, particle and periodic faces.

    Returns:
        ``spacing_A``, the lattice constant; ``face_A``, the distance of sites from a periodic face; ``metal_A``, from
        walls and from the sphere of the particle.
    """
    face, metal = study.initial_distances_A(side)
    return {"face_A": face, "metal_A": metal} | _spacing(study.edge_A, study.radius_A, face, metal, fluid_atoms)


@cache
def _spacing(edge: float, radius: float, face: float, metal: float, atoms: int) -> dict[str, float]:
    room = (edge - 2 * metal) * (edge - face) ** 2 - 4 / 3 * math.pi * (radius + metal) ** 3
    spacing = (4 * max(room, 1.0) / (SPARE_SITES * atoms)) ** (1 / 3)
    # The number of sites depends on how the volume cuts the lattice: increase the density until it suffices, for any origin.
    while spacing > 0.2 * face and _sites(edge, radius, face, metal, spacing) < 1.05 * atoms:
        spacing *= 0.98
    return {"spacing_A": round(spacing, 4)}


def _sites(edge: float, radius: float, face: float, metal: float, spacing: float) -> int:
    cells = np.arange(math.ceil(edge / spacing) + 1)
    corner = np.stack(np.meshgrid(cells, cells, cells), axis=-1).reshape(-1, 1, 3)
    basis = np.array([[0, 0, 0], [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]])
    site = spacing * (corner + basis).reshape(-1, 3)
    in_room = (site[:, 0] >= metal) & (site[:, 0] <= edge - metal) & (site[:, 1:] <= edge - face).all(axis=1)
    outside = np.linalg.norm(site - edge / 2, axis=1) > radius + metal
    return int((in_room & outside).sum())
