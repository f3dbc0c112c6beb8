"""Friction from the drag experiment (arXiv:2211.05502, App. A1): a free particle, a constant force F, its steady velocity.

Friction is F over the steady mean velocity relative to the fluid. The force is balanced by an opposite force on the fluid
(docs/reference/run-folder.md), not by walls.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis.data.runs import AXES, Array, RunFolderError, check_series, read_folder
from analysis.data.universe import TRAJECTORY, universe
from analysis.statistics.timeseries import (
    BLOCKS_PER_RUN,
    Estimate,
    SeriesTooShortError,
    choose_blocks,
    known,
    mean_rate,
    stationary_mean,
    steady_from,
)
from analysis.units import BOLTZMANN, FRICTION_SI, PER_NS, VELOCITY_SI

PAPER_KG_PER_S = {0.3: 2.8e-12, 3.0: 3.1e-12}
"""Friction from the drag runs of the paper, by force in nN: the mean of 100 K and 120 K at 0.3 nN, unspecified at 3 nN."""

MOST_BLOCKS = 6
"""A drag run spans few memories of a particle dressed with fluid, and underestimates them: few long blocks are independent.

With blocks of the length of that memory, 95 % intervals of 200 ps cover the true value in 89 % of cases, with these in 93
%.
"""

COLUMNS = (
    "step",
    "time_ps",
    *(f"displacement_{axis}_A" for axis in AXES),
    *(f"{kind}_{axis}_A_per_ps" for kind in ("velocity", "particle_velocity", "fluid_velocity") for axis in AXES),
    *("temperature_K", "work_eV", "thermostat_eV", "energy_eV"),
)
"""Columns of the series of a drag run; a run with atoms also has ``internal_temperature_K``."""

INTERNAL_TEMPERATURE = "internal_temperature_K"


def paper_friction(force_nN: str) -> float | None:
    """The friction of the paper for this force, kg/s; ``None`` if it gives none."""
    return next((value for force, value in PAPER_KG_PER_S.items() if math.isclose(force, float(force_nN))), None)


@dataclass(frozen=True)
class DragRun:
    """One drag run folder, checked.

    Attributes:
        folder: its path.
        side: the corresponding bath of the study, ``cold`` or ``hot``.
        force_nN: spelled as in the study.
        force: eV/Å.
        mass: of the particle, eV ps²/Å².
        temperature: of the thermostat, K.
        interval: between samples, ps.
        series: ``COLUMNS``.
        older_protocol: whether it is a copy of a run of an older protocol.
    """

    folder: Path
    side: str
    force_nN: str
    force: float
    mass: float
    temperature: float
    interval: float
    series: pd.DataFrame
    older_protocol: bool = False

    def column(self, name: str) -> Array:
        """One column of the series."""
        return self.series[name].to_numpy(float)


def load_drag_run(path: str | Path) -> DragRun:
    """Load one drag run folder, given by its path or its ``run.json``.

    Raises:
        RunFolderError: if it is not one, or violates the format.
    """
    folder, metadata, series = read_folder(path)
    try:
        parameters = metadata["parameters"]
        run = DragRun(
            folder,
            metadata["side"],
            metadata["force_nN"],
            parameters["force_eV_per_A"],
            parameters["mass_eV_ps2_per_A2"],
            parameters["temperature_K"],
            parameters["sample_interval_ps"],
            series,
            "older_protocol" in metadata,
        )
    except KeyError as missing:
        raise RunFolderError(f"{folder / 'run.json'}: key {missing} is missing: not a drag run") from None
    optional = [INTERNAL_TEMPERATURE] if INTERNAL_TEMPERATURE in series.columns else []
    check_series(folder / "series.parquet", series, [*COLUMNS, *optional], run.interval)
    return run


def load_drag_runs(paths: Iterable[str | Path]) -> list[list[DragRun]]:
    """Load drag runs, the replicas of each side and force together, in order of their first occurrence.

    Raises:
        RunFolderError: if a folder violates the format, or replicas differ in a parameter or in length.
    """
    runs = [load_drag_run(path) for path in paths]
    groups = [list(group) for _, group in groupby(runs, key=lambda run: (run.side, run.force_nN))]
    for first, *others in groups:
        for run in others:
            same = (run.force, run.mass, run.temperature, run.interval, len(run.series)) == (
                first.force,
                first.mass,
                first.temperature,
                first.interval,
                len(first.series),
            )
            if not same:
                raise RunFolderError(f"{run.folder} and {first.folder}: differ in parameters or length: run them again")
    return groups


def drag_summary(groups: Sequence[Sequence[DragRun]]) -> list[dict[str, Any]]:
    """Friction and heating for each force in each bath, for ``friction.json``; unknown errors are ``None``.

    Args:
        groups: replicas of one side and force each.
    """
    return [_entry(runs) for runs in groups]


def _entry(runs: Sequence[DragRun]) -> dict[str, Any]:
    run, interval = runs[0], runs[0].interval
    velocity = _stack(runs, "velocity_x_A_per_ps")
    start = steady_from(velocity)
    mean, note = _mean(velocity[:, start:], interval)
    # The error of a ratio F/v to first order; its bias, of second order in se/v, is much smaller.
    friction = Estimate(run.force / mean.value, abs(run.force / mean.value**2) * mean.se)
    halves = np.array_split(velocity[:, start:], 2, axis=1)
    thermal = math.sqrt(BOLTZMANN * run.temperature / run.mass)
    steps = velocity.shape[1] - 1
    content: dict[str, Any] = {
        "side": run.side,
        "force_nN": run.force_nN,
        "temperature_K": run.temperature,
        "replicas": len(runs),
        "older_protocol_runs": sum(run.older_protocol for run in runs),
        "transient_ps": start * interval,
        "time_ns": len(runs) * (steps - start) * interval / PER_NS,
        "velocity_A_per_ps": mean.value,
        "velocity_m_per_s": mean.value * VELOCITY_SI,
        "friction_eV_ps_per_A2": friction.value,
        "friction_kg_per_s": friction.value * FRICTION_SI,
        # The halves of a steady window differ only by noise: the error of their difference is twice that of the whole.
        "drift_z": known((halves[1].mean() - halves[0].mean()) / (2 * mean.se)),
        "velocity_over_thermal": mean.value / thermal,
        "note": note,
    }
    content |= _whole(runs)
    content |= {
        "velocity_A_per_ps_se": known(mean.se),
        "velocity_m_per_s_se": known(mean.se * VELOCITY_SI),
        "friction_se": known(friction.se),
        "friction_kg_per_s_se": known(friction.se * FRICTION_SI),
    }
    for name in ("work", "thermostat"):
        rate = mean_rate(_stack(runs, f"{name}_eV")[:, start:], interval, None)
        content[f"{name}_eV_per_ns"] = rate.value * PER_NS
    for name, column in (("bath", "temperature_K"), ("particle", INTERNAL_TEMPERATURE)):
        measured = column in run.series.columns
        excess = _mean(_stack(runs, column)[:, start:] - run.temperature, interval)[0] if measured else None
        content[f"{name}_excess_temperature_K"] = excess.value if excess else None
        content[f"{name}_excess_temperature_se"] = known(excess.se) if excess else None
    return content


def _whole(runs: Sequence[DragRun]) -> dict[str, Any]:
    """Number of atoms of the particle, and the smallest connected number in any frame; unknown without atoms.

    A strong force heats the metal until it evaporates, and the pulled object is then no longer the particle.
    """
    from analysis.structure.profiles import largest_cluster  # imports MDAnalysis; the exact model has no atoms

    found = []
    for run in runs:
        if (run.folder / TRAJECTORY).is_file():
            system = universe(run.folder)
            particle = system.select_atoms(f"segid {run.side} and resname particle")
            pieces = [largest_cluster(particle.positions, frame.dimensions) for frame in system.trajectory]
            found.append((particle.n_atoms, min(pieces)))
    atoms, least = (min(column) for column in zip(*found, strict=True)) if found else (None, None)
    return {"particle_atoms": atoms, "largest_piece_atoms": least}


def _stack(runs: Sequence[DragRun], column: str) -> Array:
    return np.stack([run.column(column) for run in runs])


def _mean(observable: Array, interval: float) -> tuple[Estimate, str | None]:
    """Mean of (m, n) replicas; with the reason if they are too short for an error."""
    series = len(observable)
    try:
        blocks = choose_blocks([observable], interval, series)
    except SeriesTooShortError as problem:
        return stationary_mean(observable, None), str(problem)
    count = min(blocks.count, max(math.ceil(MOST_BLOCKS / series), BLOCKS_PER_RUN))
    length = blocks.length * blocks.count / count
    return stationary_mean(observable, replace(blocks, count=count, length=length, total=count * series)), None
