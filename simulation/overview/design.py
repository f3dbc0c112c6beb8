"""Results of `snakemake design`: the couplings, and optionally the delay, that are best for the goal of a study.

The machine has the baths of the study, with the measured friction or that of section `langevin`.
"""

from __future__ import annotations

import contextlib
import csv
import math
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from tabulate import tabulate

from analysis.model import Design, Feedback, Limits, Refrigerator, best_design, pareto_front
from analysis.units import PER_NS
from simulation.overview.forecast import Friction, friction_of
from simulation.storage.files import replace as replace_file
from simulation.study.fields import Study, StudyError
from simulation.study.files import check_study

FRONT = np.array([0.1, 0.2, 0.4, 0.7, 1.0])
"""Powers at which the Pareto front of the ideal demon is computed, relative to that of its best design."""

LEAST_DECAY = 1e-5
"""Slowest decay of a motion along the other axes, 1/ps: a best design at the edge of their stability is on its safe side."""

COLUMNS = (
    "design",
    "coupling_cold_eV_per_A2",
    "kappa_ratio",
    "delay_ps",
    "cooling_eV_per_ns",
    "power_eV_per_ns",
    "cop",
    "error_of_cooling_after_1_ns_eV_per_ns",
    "temperature_cold_K",
    "temperature_hot_K",
    "spread_cold_A",
    "spread_hot_A",
    "force_cold_eV_per_A",
    "force_hot_eV_per_A",
)


def make_design(study: Study, results: Path) -> str:
    """Search, and write `design.csv` and `design.yaml` of the study; returns the text for the user.

    Raises:
        StudyError: nothing cools within the limits, or theory does not cover the controller of the study.
    """
    if not study.demon.has_theory:
        raise StudyError(study.name, ["design: theory covers only the linear controller without a force limit"])
    if any(study.demon.damping):
        raise StudyError(study.name, ["design: the search does not include cold damping: set demon.damping_… to 0"])
    if study.trap.motion.moves:
        raise StudyError(study.name, ["design: the search does not include moving traps: remove trap.motion_…"])
    friction = friction_of(study, results)
    axis = study.demon.coupling_axes[0]
    machine = friction.machine(study, *_couplings(study, study.demon.kappa_ratios[-1]), axis)
    wanted, loop = study.design, study.demon.feedback.loop or Feedback(delayed=study.demon.feedback.delayed)
    limits = Limits(
        coupling_cold=wanted.coupling_cold_eV_per_A2,
        coupling_hot=wanted.coupling_hot_eV_per_A2,
        delay=wanted.delay_ps,
        work=math.inf if wanted.power_eV_per_ns is None else wanted.power_eV_per_ns / PER_NS,
        spread=math.inf if wanted.spread_A is None else wanted.spread_A**2,
        force=math.inf if wanted.force_eV_per_A is None else wanted.force_eV_per_A,
        cooling=-math.inf if wanted.cooling_eV_per_ns is None else wanted.cooling_eV_per_ns / PER_NS,
    )
    others = _others(study, friction)
    excess = partial(_growth, study, others) if others else None
    try:
        best = best_design(machine, limits, wanted.goal, loop, excess)
        ideal = best_design(machine, replace(limits, delay=None), "cooling")
    except ValueError:
        within = "within its limits" + " and is stable along all coupled axes" * bool(others)
        cure = "widen its ranges of couplings, or allow more power, spread or force"
        raise StudyError(study.name, [f"design: no machine that was tried cools {within}: {cure}"]) from None
    front = []
    for power in FRONT * float(ideal.works.sum()):
        with contextlib.suppress(ValueError):  # at this low power nothing within the ranges cools
            front += pareto_front(machine, replace(limits, delay=None), power)
    rows = [("best", best), *(("ideal front", each) for each in front)]
    for ratio in study.demon.kappa_ratios:
        own = friction.machine(study, *_couplings(study, ratio), axis)
        if own.with_feedback(loop).is_stable:
            rows.append(("study", Design.of(own, loop)))
    table = [_row(name, design) for name, design in rows]
    text = _study_file(study, best)
    folder = results / study.name
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "design.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, COLUMNS)
        writer.writeheader()
        writer.writerows(table)
    replace_file(folder / "design.yaml", lambda part: part.write_text(text, encoding="utf-8"))
    shown = COLUMNS[: COLUMNS.index("cop") + 1]
    return "\n".join(
        [
            f"Study {study.name}: best {wanted.goal} along {axis}; friction: {friction.source}",
            "",
            tabulate([[row[name] for name in shown] for row in table], shown, floatfmt=".3g"),
            "",
            f"All numbers: {folder}/design.csv. A study with the best design: {folder}/design.yaml, to be copied to config/.",
            "",
        ]
    )


def _others(study: Study, friction: Friction) -> list[Refrigerator]:
    """Machines that must be stable, too: along other axes, and with the friction for which rules check a study file."""
    couplings = _couplings(study, study.demon.kappa_ratios[-1])
    each = [
        machine
        for axis in study.demon.coupling_axes
        for machine in (friction.machine(study, *couplings, axis), study.pair(*couplings, axis))
    ]
    return list(dict.fromkeys(each))[1:]  # the first is the one that is designed


def _growth(study: Study, others: Sequence[Refrigerator], machine: Refrigerator, loop: Feedback) -> float:
    """How fast other axes grow with a design in the digits of its study file, beyond the slowest allowed decay, 1/ps."""
    cold, ratio, delay = _stated(study, machine, loop)
    couplings = {"coupling_cold": cold, "coupling_hot": float(ratio) * cold}
    stated = [replace(other, **couplings) for other in others]  # type: ignore[type-var]
    rates = [other.with_feedback(replace(loop, delay=delay)).growth_rate for other in stated]
    return max(rates, default=-math.inf) + LEAST_DECAY


def _stated(study: Study, machine: Refrigerator, loop: Feedback) -> tuple[float, str, float]:
    """κ_C (eV/Å²), κ_H/κ_C and the delay (ps) of a design in the digits of its study file."""
    steps = max(round(loop.delay / study.timestep_ps), 1) if loop.delay else 0
    return (
        float(f"{machine.coupling_cold:.4g}"),
        f"{machine.coupling_hot / machine.coupling_cold:.4g}",
        round(steps * study.timestep_ps, 6),
    )


def _couplings(study: Study, ratio: str) -> tuple[float, float]:
    return study.demon.coupling_cold_eV_per_A2, study.coupling_hot_eV_per_A2(ratio)


def _row(name: str, design: Design) -> dict[str, Any]:
    machine = design.machine
    temperatures, spreads = design.temperatures, np.sqrt(design.spreads)
    numbers = (
        machine.coupling_cold,
        machine.coupling_hot / machine.coupling_cold,
        design.feedback.delay,
        PER_NS * design.cooling,
        PER_NS * float(design.works.sum()),
        design.cop,
        PER_NS * math.sqrt(design.noise / PER_NS),
        *temperatures,
        *spreads,
        *design.forces,
    )
    return dict(zip(COLUMNS, (name, *(f"{number:.6g}" for number in numbers)), strict=True))


def _study_file(study: Study, best: Design) -> str:
    """The study with the couplings of a design, as a checked study file."""
    content = study.model_dump(mode="json", exclude_defaults=True, exclude={"name", "variants"})
    cold, ratio, delay = _stated(study, best.machine, best.feedback)
    demon = content.get("demon", {}) | {
        "coupling_cold_eV_per_A2": cold,
        "kappa_ratios": [ratio],
        "shown_ratios": [ratio],
    }
    if delay:
        demon["feedback"] = demon.get("feedback", {}) | {"delay_ps": delay}
    content["demon"] = demon
    check_study(f"{study.name.partition('@')[0]}-design", content)
    head = f"# Study {study.name} with the best couplings found by `snakemake design` for {study.design.goal}.\n"
    return head + yaml.safe_dump(content, sort_keys=False, allow_unicode=True)
