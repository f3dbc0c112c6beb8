"""One page per study: all measurements, compared with theory and paper, with figures, checks and provenance.

The page is one self-contained HTML file: style, pictures and their data are embedded. Layout, style and captions are in a
separate folder (``page.html.j2``, ``style.css``, ``captions.yaml``); this module provides the numbers.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from analysis.compare.comparison import THEORIES, ComparedPoint, Comparison, without_theory
from analysis.compare.information import MODELS, ComparedInformation
from analysis.compare.table import notes_of
from analysis.data.parameters import AXES, LINEAR, SIDES, Parameters
from analysis.data.universe import species_of
from analysis.errors import AnalysisError
from analysis.friction.drag import paper_friction
from analysis.friction.particle import ParticleFriction
from analysis.friction.result import FrictionResult
from analysis.friction.summary import PAPER_FRICTION_KG_PER_S
from analysis.heat.point import HeatPoint, Point
from analysis.heat.results import PerformancePoint
from analysis.model import TrapMotion
from analysis.report.checks import study_checks
from analysis.report.explorer import Explorer
from analysis.report.pictures import load_figures
from analysis.report.verdict import CHANCE_AGREES, REFRIGERATOR, Z_AGREES, verdict
from analysis.report.words import measured, ranks, report_environment, z_score
from analysis.statistics.timeseries import Estimate, known
from analysis.structure.result import Structure
from analysis.units import ATOMIC_MASS, FRICTION_SI, MASS_SI, PER_NS, VELOCITY_SI

PAPER = Parameters(
    mass=(186 * 63.546 * ATOMIC_MASS, 186 * 63.546 * ATOMIC_MASS),
    traps=(0.01, 0.01, 0.01),
    coupling=(0.1, 0.0),
    temperature=(100.0, 120.0),
    coupling_axes="x",
    sample_interval=1.0,
)
"""The published machine (Sci. Rep. 13, 4517 (2023)), except for κ_H."""

PAPER_RATIOS = (0.17, 1.2, 4.80, 7.27)
"""The κ_H/κ_C named in the publication."""

_RUN_KEYS = (
    *("engine", "settings", "versions", "protocol"),
    *("wall_time_s", "duration_ps", "closure", "fingerprint"),
)


def report_page(
    runs: Sequence[dict[str, Any]],
    comparison: Comparison,
    performances: Sequence[PerformancePoint],
    friction: FrictionResult,
    structure: Structure | None,
    figures: Iterable[str | Path],
    design: str | Path,
    interactive: Explorer | None = None,
    information: Sequence[ComparedInformation] = (),
) -> str:
    """The whole page as HTML.

    Args:
        runs: contents of all ``run.json`` of the study, as ``read_metadata`` gives them.
        comparison: of its points with theory.
        performances: of the same points.
        friction: measured in its runs without controller.
        structure: its atoms; ``None`` if the engine has no atoms, or the runs are shipped without them.
        figures: picture files (PNG; an SVG or CSV of the same name is included).
        design: folder of template, style, script and captions.
        interactive: the interactive figure, from ``explorer``; without it the page has none.
        information: at the points; without it the page has no section about it.

    Raises:
        AnalysisError: if there is no run, or a file lacks a required key; names the file and the key.
    """
    _check(runs)
    pictures = load_figures(figures, Path(design) / "captions.yaml")
    environment = report_environment(design)
    points, parameters = comparison.points, comparison.points[0].parameters
    performance = {point.kappa_ratio: point for point in performances}
    rows = [_row(each, performance[each.point.kappa_ratio]) for each in comparison.compared]
    return environment.get_template("page.html.j2").render(
        study=runs[0]["study"],
        atoms=runs[0]["engine"] == "lammps",
        structure=structure is not None,
        sides=SIDES,
        style=(Path(design) / "style.css").read_text(encoding="utf-8"),
        verdict=verdict(comparison, performances),
        interactive=interactive,
        script=(Path(design) / "explorer.js").read_text(encoding="utf-8"),
        refrigerators=any(row["mode"] == REFRIGERATOR for row in rows),
        rows=rows,
        # White friction, the theory of the paper, always has a column.
        theories={name: words for name, words in THEORIES.items() if name in (*comparison.known, "theory")},
        agreement=_agreement(comparison),
        information=[_information_row(each) for each in information],
        informed={name: THEORIES[name] for name in MODELS if any(name in each.flows for each in information)},
        moves=any(point.trap_power is not None for point in comparison.points),
        has_pumping=any(each.has_pumping for each in information),
        own_controller=_own_controller(points),
        is_ideal=all(point.parameters.is_linear for point in points),
        without_theory=without_theory(points),
        parameters=_parameters(runs[0], points),
        axes=" and ".join(", ".join(parameters.coupling_axes).rsplit(", ", 1)),
        friction=friction,
        friction_rows=_friction_rows(friction),
        white_friction={axes: list(map(_white, each.particles)) for axes, each in friction.axes.items()},
        apart=_apart(friction),
        drags=_drag_rows(friction),
        setup=next((picture for picture in pictures if picture["name"] == "setup"), None),
        pictures=[picture for picture in pictures if picture["name"] != "setup"],
        notes=list(notes_of(points, friction).values()),
        checks=study_checks(friction, structure, parameters),
        runs=runs,
        cost=_cost(runs),
        versions=_distinct(run["versions"] | {"protocol": run["protocol"]["version"]} for run in runs),
        settings=json.dumps(runs[0]["settings"], indent=2, ensure_ascii=False),
    )


def paper_rates(parameters: Parameters) -> tuple[float, float] | None:
    """Exact heat rates (cold, hot) of the published machine at the published friction, eV/ns, at the published κ_H/κ_C.

    Returns:
        ``None`` at other κ_H/κ_C, and for machines with another controller, active baths, or other masses, springs or
        temperatures.
    """
    named = any(math.isclose(parameters.coupling[1], ratio * PAPER.coupling[0]) for ratio in PAPER_RATIOS)
    own = (*parameters.mass, parameters.trap, parameters.coupling[0], *parameters.temperature)
    published = (*PAPER.mass, PAPER.trap, PAPER.coupling[0], *PAPER.temperature)
    if not named or not parameters.balances or not np.allclose(own, published, rtol=1e-3):
        return None
    friction = PAPER_FRICTION_KG_PER_S / FRICTION_SI
    cold, hot = parameters.white_pair((friction, friction)).heat_rates() * PER_NS
    return float(cold), float(hot)


def _check(runs: Sequence[dict[str, Any]]) -> None:
    if not runs:
        raise AnalysisError("the report needs at least one run.json: run the study first")
    for run in runs:
        if missing := [key for key in _RUN_KEYS if key not in run]:
            name = f"run.json of {run['point']}, replica {run['replica']}"
            raise AnalysisError(f"{name}: {', '.join(missing)} missing; delete it, and run the study again")


def _row(compared: ComparedPoint, performance: PerformancePoint) -> dict[str, Any]:
    """The row of a point: comparison with theory, performance of a refrigerator, the paper's rates, and which z are large."""
    cools, parameters = compared.point.mode == REFRIGERATOR, compared.point.parameters
    cooled, heated = parameters.coupling[parameters.colder], parameters.coupling[1 - parameters.colder]
    paper = paper_rates(parameters) or (None, None)
    return compared.row() | {
        "performance": performance if cools else None,
        # By noise a point may be called a refrigerator where theory predicts none.
        "cop_theory": cooled / (heated - cooled) if cools and heated > cooled and parameters.is_linear else None,
        "paper": dict(zip(SIDES, paper, strict=True)),
        "marked": {
            f"{theory}_{side}": z is not None and abs(z) > Z_AGREES
            for theory in THEORIES
            for side, z in zip(SIDES, compared.z(theory), strict=True)
        },
    }


def _information_row(each: ComparedInformation) -> dict[str, Any]:
    """Entries of the row of a point in the tables of information, and which z are large."""
    marked = {name: (z := each.z(name)) is not None and abs(z) > Z_AGREES for name in MODELS}
    return (
        each.row()
        | {"kappa_ratio": each.point.kappa_ratio, "marked": marked, "read_by": list(each.readings)}
        | {"too_coarse": each.too_coarse}
    )


def _own_controller(points: Sequence[Point]) -> str | None:
    """The custom controllers of a study, or the loop of the linear one; ``None`` for the ideal linear controller."""
    acting = dict.fromkeys(point.parameters.told_controller for point in points)
    return "; ".join(each for each in acting if each != LINEAR) or None


def _agreement(comparison: Comparison) -> list[dict[str, Any]]:
    """Agreement of each theory with all points together, and whether it is marked like a large z of one point."""
    return [
        {"name": THEORIES[theory], **found._asdict(), "marked": found.chance < CHANCE_AGREES}
        for theory, found in comparison.agreement.items()
    ]


def _friction_rows(friction: FrictionResult) -> list[dict[str, Any]]:
    """For each method the friction along each set of axes, 10⁻¹² kg/s, cold and hot, and the value of the paper."""
    along = {
        (axes, side): each.particles[j].by_method()
        for axes, each in friction.axes.items()
        for j, side in enumerate(SIDES)
    }
    paper = {"position": "3.5", "difference": "3.5"}
    rows = []
    for method, words in friction.method_names.items():
        cells = {
            f"{axes} {side}": _measured(found[method] * (1e12 * FRICTION_SI)) if method in found else "–"
            for (axes, side), found in along.items()
        }
        rows.append({"name": words, "cells": cells, "paper": paper.get(method, "–")})
    return rows


def _white(particle: ParticleFriction) -> str:
    """White friction fitted to position and velocity together, 10⁻¹² kg/s."""
    return _measured(particle.white["joint"] * (1e12 * FRICTION_SI))


def _apart(friction: FrictionResult) -> dict[str, dict[str, str]]:
    """Differences of the friction between sets of axes, both particles together, in standard errors, by sets and method."""
    return {
        " minus ".join(", ".join(axes) for axes in sets): {
            friction.method_names[method]: z_score(z) for method, z in by_method.items()
        }
        for sets, by_method in friction.apart().items()
        if by_method
    }


def _told_traps(traps: tuple[float, float, float]) -> str:
    if len(set(traps)) == 1:
        return f"{traps[0]:g} eV/Å²"
    return ", ".join(f"{kappa:g} along {axis}" for axis, kappa in zip(AXES, traps, strict=True)) + " (eV/Å²)"


def _told_motion(motion: TrapMotion) -> str:
    told = [
        f"{side}: " + " and ".join(f"{each.amplitude:g} Å with a period of {each.period:g} ps" for each in oscillations)
        for side, oscillations in zip(SIDES, (motion.cold, motion.hot), strict=True)
        if oscillations
    ]
    return "; ".join(told)


def _parameters(run: dict[str, Any], points: Sequence[HeatPoint]) -> list[tuple[str, str]]:
    """Rows of the table of parameters: quantity with its symbol, value with its unit."""
    p = points[0].parameters
    mass = " and ".join(f"{mass:.4g} eV ps²/Å² ({1e23 * MASS_SI * mass:.3g}·10⁻²³ kg)" for mass in sorted(set(p.mass)))
    rows = [
        ("Bath temperatures T_C, T_H", f"{p.temperature[0]:g} K, {p.temperature[1]:g} K"),
        ("Mass m of a particle", mass),
        ("Stiffness κ of the traps", _told_traps(p.traps)),
        *([("Motion of the traps", _told_motion(p.motion))] if p.motion.moves else []),
        ("Controller", _own_controller(points) or LINEAR),
        ("Coupling κ_C to the cold particle", f"{p.coupling[0]:g} eV/Å²"),
        ("Couplings swept, κ_H/κ_C", ", ".join(point.kappa_ratio for point in points)),
        ("Time step", f"{1e3 * p.timestep:g} fs"),
        ("Sampled every", f"{p.sample_interval:g} ps"),
    ]
    if system := run.get("system"):
        materials = run["settings"]["materials"]
        fluid, metal = (
            _each_once(species_of(materials, side, part)["symbol"] for side in SIDES) for part in ("bath", "particle")
        )
        atoms = _each_once(f"{count:,}".replace(",", "\u202f") for count in _by_side(system["fluid_atoms_per_bath"]))
        density = _each_once(f"{value:.2f}" for value in _by_side(system["accessible_density_per_nm3"]))
        rows += [
            (f"Atoms of the fluid ({fluid}) in each bath", atoms),
            (f"Atoms of the metal ({metal}) in each particle", str(system["metal_atoms_per_particle"])),
            ("Edge of a bath", f"{system['bath_edge_A'] / 10:g} nm"),
            ("Fluid in the accessible volume", f"{density} nm⁻³"),
        ]
    return rows


def _by_side(value: Any) -> list[Any]:
    """What each bath has, (cold, hot), of an entry of ``system``."""
    return [value[side] for side in SIDES] if isinstance(value, dict) else [value]


def _each_once(texts: Iterable[str]) -> str:
    return " and ".join(dict.fromkeys(texts))


def _drag_rows(friction: FrictionResult) -> list[dict[str, Any]]:
    """For each force what was found on each side, as text, and the friction of the paper, 10⁻¹² kg/s."""
    return [
        {
            "force_nN": force,
            "sides": {
                drag.side: {
                    "found": drag,
                    "friction": _measured(drag.friction * (1e12 * FRICTION_SI)),
                    "velocity": _measured(drag.velocity * VELOCITY_SI),
                    "drift": z_score(known(drag.drift_z)),
                    "bath": _measured(drag.bath_excess),
                    "particle": _measured(drag.particle_excess),
                }
                for drag in friction.drags
                if drag.force_nN == force
            },
            "paper": None if (paper := paper_friction(force)) is None else 1e12 * paper,
        }
        for force in dict.fromkeys(drag.force_nN for drag in friction.drags)
    ]


def _measured(found: Estimate | None) -> str:
    return measured(known(found.value), found.se) if found else measured(None, None)


def _cost(runs: Sequence[dict[str, Any]]) -> dict[str, Any]:
    hours = sum(run["wall_time_s"] * max(ranks(run)) for run in runs) / 3600
    # Two digits, for seconds of a model as well as weeks of a cluster.
    digits = max(1 - math.floor(math.log10(hours)), 0) if hours > 0 else 0
    return {"core_hours": f"{hours:.{digits}f}", "time_ns": sum(run["duration_ps"] for run in runs) / PER_NS}


def _distinct(tables: Iterable[dict[str, Any]]) -> dict[str, str]:
    """For each key its distinct values."""
    values: dict[str, set[str]] = {}
    for table in tables:
        for key, value in table.items():
            values.setdefault(key, set()).add(str(value))
    return {key: ", ".join(sorted(found)) for key, found in values.items()}
