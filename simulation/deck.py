"""LAMMPS decks: the Jinja2 templates in `lammps_templates/`, filled in for a study and a run."""

from __future__ import annotations

import hashlib
import json
import math
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from simulation.plan import Run, seed
from simulation.study import SIDES, Study

TEMPLATES = Path(__file__).resolve().parent.parent / "lammps_templates"
PROTOCOL = 1  # raise when the engine's way of running a deck changes what is measured

ARGON_OVERLAP_A = 2.7  # closest that argon is thrown to another atom: dense enough to fit, far enough to minimise


def series_columns(axes: str, *, work: bool) -> list[str]:
    """Names of the LAMMPS variables in the series, in order; see docs/run-folder.md for their meaning."""
    columns = [f"{kind}_{side}_{axis}" for kind in ("position", "velocity") for side in SIDES for axis in "xyz"]
    if work:
        columns += [f"work_{side}_{axis}" for side in SIDES for axis in axes]
    kinds = ("thermostat", "energy", "trap", "temperature", "pressure", "internal_temperature")
    return columns + [f"{kind}_{side}" for kind in kinds for side in SIDES]


def render_build(study: Study) -> str:
    """The deck that builds both baths, walls and particles, and removes overlaps."""
    return render("build.lmp.j2", study=study, seeds=_build_seeds(study))


def render_probe_build(study: Study) -> str:
    """As `render_build`, but with the argon on a lattice: in seconds where throwing it in at random takes minutes."""
    edge, radius = study.edge_A, study.radius_A + ARGON_OVERLAP_A
    room = (edge - 2 * ARGON_OVERLAP_A) * (edge - ARGON_OVERLAP_A) ** 2 - 4 / 3 * math.pi * radius**3
    # A fifth more sites than atoms, four in each cell: enough of them lie inside the room, however it cuts the lattice.
    spacing = (4 * room / (1.2 * study.argon_atoms)) ** (1 / 3)
    filling = "parts/baths_on_lattice.lmp.j2"
    return render("build.lmp.j2", study=study, seeds=_build_seeds(study), filling=filling, spacing_A=round(spacing, 4))


def _build_seeds(study: Study) -> dict[str, int]:
    purposes = [
        "insert_cold",
        "insert_hot",
        *(f"velocity_{kind}_{side}" for kind in ("argon", "particle") for side in SIDES),
    ]
    seeds = {purpose: seed(study, "equilibrated", 1, purpose) for purpose in purposes}
    return seeds | thermostat_seeds(study, "equilibrated", 1, "build")


def render_equilibration(study: Study, restart_file: str, index: int) -> str:
    """The deck of piece `index` of the equilibration, counted from 1, all but its `run` command."""
    seeds = thermostat_seeds(study, "equilibrated", 1, f"equilibration_{index}")
    return render("equilibrate.lmp.j2", study=study, seeds=seeds, restart_file=restart_file)


def thermostat_seeds(study: Study, point: str, replica: int, stage: str) -> dict[str, int]:
    """Seeds of random thermostats, new for every stage: a restart file does not hold where their stream was."""
    return {f"thermostat_{side}": seed(study, point, replica, f"thermostat_{side}_{stage}") for side in SIDES}


def render_segment(run: Run, restart_file: str, index: int) -> str:
    """The deck of one segment, all but its `run` command; the demon is a Python callback on fix `demon`.

    Args:
        run: which run.
        restart_file: the state to start from.
        index: 0 for the relaxation, which draws fresh velocities; production begins with 1, at step 0.
    """
    return render(
        "production.lmp.j2",
        study=run.study,
        run=run,
        seeds=run.seeds | thermostat_seeds(run.study, run.point, run.replica, str(index)),
        restart_file=restart_file,
        fresh_velocities=index == 0,
        reset_clock=index <= 1,
        series=series_columns(run.study.demon.coupling_axes, work=True),
        series_file="series.dat",
        trajectory_file="trajectory.dcd",
    )


def render_standalone(run: Run) -> str:
    """The whole run as one deck for a plain `lmp -in`, the demon as native LAMMPS variables (linear controller only)."""
    study = run.study
    inserted = {f"insert_{side}": seed(study, "equilibrated", 1, f"insert_{side}") for side in SIDES}
    return render(
        "standalone.lmp.j2",
        study=study,
        run=run,
        seeds=run.seeds | inserted | thermostat_seeds(study, run.point, run.replica, "deck"),
        series=series_columns(study.demon.coupling_axes, work=False),
        series_file="series.dat",
        trajectory_file="trajectory.dcd",
    )


def start_identity(study: Study) -> dict[str, Any]:
    """All that decides the equilibrated start, its length included; not a comment in a deck."""
    return {
        "protocol": PROTOCOL,
        "ranks": study.ranks,
        "suffix": study.integration.suffix,
        "deck": statements(render_build(study)) + statements(render_equilibration(study, "start", 1)),
        "equilibration_ps": study.schedule.equilibration_ps,
        "segment_ps": study.schedule.segment_ps,
    }


def equilibration_fingerprint(study: Study) -> str:
    """`start_identity`, hashed."""
    return digest(start_identity(study))


def run_identity(run: Run) -> dict[str, Any]:
    """All that decides a run's trajectory. Its length is left out, so that a longer run continues a shorter one."""
    demon, schedule = run.study.demon, run.study.schedule
    controller = None if run.purpose == "friction" else [demon.controller, demon.controller_options]
    return {
        "protocol": PROTOCOL,
        "ranks": run.study.ranks,
        "suffix": run.study.integration.suffix,
        "start": equilibration_fingerprint(run.study),
        "deck": statements(render_segment(run, "start", 0)),
        "couplings": [run.coupling_cold_eV_per_A2, run.coupling_hot_eV_per_A2, demon.coupling_axes],
        "controller": controller,
        "relaxation_ps": schedule.relaxation_ps,
        "segment_ps": schedule.segment_ps,
    }


def run_fingerprint(run: Run) -> str:
    """`run_identity`, hashed."""
    return digest(run_identity(run))


def langevin_fingerprint(run: Run) -> str:
    """Identity of a run of the exact model."""
    study = run.study
    return digest(
        {
            "protocol": PROTOCOL,
            "pair": [
                repr(study.pair(run.coupling_cold_eV_per_A2, run.coupling_hot_eV_per_A2)),
                study.demon.coupling_axes,
            ],
            "time": [study.integration.timestep_fs, study.schedule.sample_every_ps],
            "seed": [study.seed, study.name, run.point, run.replica],
        }
    )


def render(template: str, **context: Any) -> str:
    """Fill in one template; a name that is not given is an error, never blank.

    Args:
        template: its file.
        context: at least `study`. Unless they are given too, `sides` are both, `walls` are there, `argon_atoms` are those
            of the study, and `filling`, the part that places them, throws them in.
    """
    study: Study = context["study"]
    usual = {
        "sides": SIDES,
        "walls": True,
        "argon_atoms": study.argon_atoms,
        "filling": "parts/baths.lmp.j2",
    }
    return (
        _environment(TEMPLATES)
        .get_template(template)
        .render(usual | {"steps": study.steps, "overlap": ARGON_OVERLAP_A} | context)
    )


@cache
def _environment(folder: Path) -> Environment:
    """How templates are read; one for all renderings, so that a template is compiled once."""
    environment = Environment(
        loader=FileSystemLoader(folder),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["quoted"] = _quoted
    return environment


def _quoted(path: str) -> str:
    """A path as LAMMPS reads it back unchanged, or a ValueError: `*` and `%` have a meaning of their own in restart names."""
    if unfit := sorted({mark for mark in path if mark in '"*%$&' or not (mark.isascii() and mark.isprintable())}):
        raise ValueError(
            f"{path!r}: LAMMPS cannot read a file whose path holds {' '.join(map(repr, unfit))}: rename the folder"
        )
    return f'"{path}"'


def statements(deck: str) -> list[str]:
    """What LAMMPS acts on: the deck less comments, blank lines and alignment."""
    lines = (line.split("#")[0].split() for line in deck.splitlines())
    return [" ".join(words) for words in lines if words]


def digest(content: dict[str, Any]) -> str:
    """A fingerprint of plain data."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
