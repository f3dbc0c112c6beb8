"""Alternatives for the same task: a deck written by hand, and OpenMM; their speed and the cost of a heat rate."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.paired import Contestant, run, start, timed
from benchmarks.systems import NO_SUFFIX, PUBLISHED, system
from benchmarks.worker import Loop
from simulation.study.fields import Study
from simulation.study.files import check_study

TARGET = 0.1
"""The desired relative standard error of a heat rate."""

FRICTION_KG_PER_S = 7e-12
"""Frictions from molecular dynamics of this system (docs/explanation/friction.md), for the exact noise of the heat."""


def peers(size: str = "demo", steps: int = 1500, rounds: int = 5) -> pd.DataFrame:
    """Steps per second, ns per day and core-hours to a cold heat of 10 % at κ_H/κ_C = 4.80, on one core.

    Returns:
        One row per contestant: `contestant`, `timestep_fs`, `axes`, `steps_per_s`, `ns_per_day` (of CPU time), `needed_ns`
        (exact theory), `core_hours`, `ratio` of core-hours to the first (median over rounds).
    """
    restart = start(system(size), size)
    ours, by_hand = system(size), system(size, **PUBLISHED)
    loops: dict[str, list[Loop]] = {"nanofridge": [], "LAMMPS deck by hand": []}
    has_openmm = importlib.util.find_spec("openmm") is not None
    if has_openmm:
        loops["OpenMM, CPU"] = []
    else:
        print("  OpenMM is not installed: pip install -r envs/requirements-bench.in", file=sys.stderr)
    for number in range(rounds):
        for name in list(loops)[:: -1 if number % 2 else 1]:
            if name == "nanofridge":
                loop = run(Contestant(ours), restart, steps)
            elif name == "OpenMM, CPU":
                loop = _openmm(ours, restart.with_name("topology.data"), steps)
            else:
                loop = run(Contestant(by_hand, "xcm()", before=NO_SUFFIX), restart, steps)
            loops[name].append(loop)
            print(f"  round {number + 1}: {name}: {loop.ms_per_step:.3f} ms/step", file=sys.stderr, flush=True)
    rows, costs = [], {}
    for name, each in loops.items():
        study = check_study("benchmark", by_hand if name == "LAMMPS deck by hand" else ours)
        needed = needed_ns(study)
        seconds = np.array([loop.ms_per_step for loop in each]) / 1000
        costs[name] = seconds * study.steps(1000 * needed) / 3600
        rows.append(
            {
                "contestant": name,
                "timestep_fs": study.integration.timestep_fs,
                "axes": study.demon.coupling_axes,
                "steps_per_s": float(np.median(1 / seconds)),
                "ns_per_day": float(np.median(86400 / seconds) * study.integration.timestep_fs / 1e6),
                "needed_ns": needed,
                "core_hours": float(np.median(costs[name])),
                "ratio": float(np.median(costs[name] / costs["nanofridge"])),
            }
        )
    return pd.DataFrame(rows)


def needed_ns(study: Study) -> float:
    """Length of point 4.80 for a standard error `TARGET` of the cold heat: exact theory of the work current."""
    chosen = study.model_copy(
        update={
            "langevin": study.langevin.model_copy(
                update={"friction_cold_kg_per_s": FRICTION_KG_PER_S, "friction_hot_kg_per_s": FRICTION_KG_PER_S}
            )
        }
    )
    machine = chosen.pair(chosen.demon.coupling_cold_eV_per_A2, chosen.coupling_hot_eV_per_A2("4.80"))
    heat, noise = machine.flow_rates()[0], machine.flow_noise()[0, 0]
    return float(noise / (TARGET * heat) ** 2 / len(study.demon.coupling_axes) / 1000)


def _openmm(study: dict[str, Any], topology: Path, steps: int) -> Loop:
    task = {"study": study, "topology": str(topology), "threads": 1, "steps": steps}
    return timed([sys.executable, "-m", "benchmarks.openmm_peer"], task)
