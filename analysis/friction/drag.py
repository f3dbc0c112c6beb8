"""Friction from the drag experiment (arXiv:2211.05502, App. A1): a free particle, a constant force F, its steady velocity.

Friction is F over the steady mean velocity relative to the fluid. The force is balanced by an opposite force on the fluid
(docs/reference/run-folder.md), not by walls.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis.data.parameters import AXES, Array
from analysis.data.runs import RunFolderError, check_series, read_folder
from analysis.data.universe import TRAJECTORY, universe
from analysis.statistics.timeseries import (
    Estimate,
    SeriesTooShortError,
    choose_blocks,
    known,
    mean_rate,
    or_nan,
    read_estimate,
    stationary_mean,
    steady_from,
)
from analysis.units import BOLTZMANN, FRICTION_SI, PER_NS, VELOCITY_SI

PAPER_KG_PER_S = {0.3: 2.8e-12, 3.0: 3.1e-12}
"""Friction from the drag runs of the paper, by force in nN: the mean of 100 K and 120 K at 0.3 nN, unspecified at 3 nN."""

MOST_BLOCKS = 6
"""Largest number of blocks of a run. A drag run spans few memories of a particle dressed with fluid, and its estimate of the
memory is too small. Only a few long blocks are independent.

With blocks of the length of that memory, 95 % intervals of 200 ps cover the true value in 89 % of
cases, with these in 93 %. Replicas have as many blocks each, so that the error of several is better known.
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
    """

    folder: Path
    side: str
    force_nN: str
    force: float
    mass: float
    temperature: float
    interval: float
    series: pd.DataFrame

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
    by_force: dict[tuple[str, str], list[DragRun]] = {}
    for run in map(load_drag_run, paths):
        by_force.setdefault((run.side, run.force_nN), []).append(run)
    groups = list(by_force.values())
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


@dataclass(frozen=True)
class DragFriction:
    """Friction and heating of one particle at one force: an entry ``drag`` of ``friction.json``.

    Attributes:
        side: ``cold`` or ``hot``.
        force_nN: as written in the study.
        bath_temperature: of the thermostat, K.
        replicas: number of runs.
        transient: time left out at the start of each run, ps.
        time: of all runs together after it, ns.
        velocity: steady mean relative to the fluid, Å/ps.
        friction: force over velocity, eV ps/Å².
        drift_z: velocity in the second half of the steady time minus that in the first, in standard errors; NaN if unknown.
        over_thermal: velocity over the thermal velocity √(k_BT/m).
        note: why there are no errors; ``None`` if there are.
        particle_atoms: number of atoms of the particle; ``None`` without atoms.
        largest_piece: smallest number of connected ones in any frame.
        work: of the force, eV/ns.
        thermostat: energy given to the thermostat, eV/ns.
        bath_excess: mean temperature of the fluid minus that of its thermostat, K.
        particle_excess: the same of the motion inside the particle; ``None`` if not measured.
    """

    side: str
    force_nN: str
    bath_temperature: float
    replicas: int
    transient: float
    time: float
    velocity: Estimate
    friction: Estimate
    drift_z: float
    over_thermal: float
    note: str | None
    particle_atoms: int | None
    largest_piece: int | None
    work: float
    thermostat: float
    bath_excess: Estimate | None
    particle_excess: Estimate | None

    @property
    def loses_atoms(self) -> bool:
        """Whether it evaporates: its velocity then does not give the friction of the particle."""
        return self.largest_piece != self.particle_atoms

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> DragFriction:
        """From an entry of the file.

        Raises:
            KeyError: if a key is missing.
        """
        bath, particle = (
            None if content[f"{stem}_K"] is None else read_estimate(content, stem, "K")
            for stem in ("bath_excess_temperature", "particle_excess_temperature")
        )
        return cls(
            side=content["side"],
            force_nN=content["force_nN"],
            bath_temperature=content["temperature_K"],
            replicas=content["replicas"],
            transient=content["transient_ps"],
            time=content["time_ns"],
            velocity=Estimate(content["velocity_A_per_ps"], or_nan(content["velocity_A_per_ps_se"])),
            friction=Estimate(content["friction_eV_ps_per_A2"], or_nan(content["friction_se"])),
            drift_z=or_nan(content["drift_z"]),
            over_thermal=content["velocity_over_thermal"],
            note=content["note"],
            particle_atoms=content["particle_atoms"],
            largest_piece=content["largest_piece_atoms"],
            work=content["work_eV_per_ns"],
            thermostat=content["thermostat_eV_per_ns"],
            bath_excess=bath,
            particle_excess=particle,
        )

    def to_json(self) -> dict[str, Any]:
        """The entry of the file; unknown values are ``None``."""
        content: dict[str, Any] = {
            "side": self.side,
            "force_nN": self.force_nN,
            "temperature_K": self.bath_temperature,
            "replicas": self.replicas,
            "transient_ps": self.transient,
            "time_ns": self.time,
            "velocity_A_per_ps": self.velocity.value,
            "velocity_m_per_s": self.velocity.value * VELOCITY_SI,
            "friction_eV_ps_per_A2": self.friction.value,
            "friction_kg_per_s": self.friction.value * FRICTION_SI,
            "drift_z": known(self.drift_z),
            "velocity_over_thermal": self.over_thermal,
            "note": self.note,
            "particle_atoms": self.particle_atoms,
            "largest_piece_atoms": self.largest_piece,
            "velocity_A_per_ps_se": known(self.velocity.se),
            "velocity_m_per_s_se": known(self.velocity.se * VELOCITY_SI),
            "friction_se": known(self.friction.se),
            "friction_kg_per_s_se": known(self.friction.se * FRICTION_SI),
            "work_eV_per_ns": self.work,
            "thermostat_eV_per_ns": self.thermostat,
        }
        for name, excess in (("bath", self.bath_excess), ("particle", self.particle_excess)):
            content[f"{name}_excess_temperature_K"] = excess.value if excess else None
            content[f"{name}_excess_temperature_se"] = known(excess.se) if excess else None
        return content


def drag_summary(groups: Sequence[Sequence[DragRun]]) -> list[DragFriction]:
    """Friction and heating for each force in each bath.

    Args:
        groups: replicas of one side and force each.
    """
    return [_friction_of(runs) for runs in groups]


def _friction_of(runs: Sequence[DragRun]) -> DragFriction:
    run, interval = runs[0], runs[0].interval
    velocity = _stack(runs, "velocity_x_A_per_ps")
    start = steady_from(velocity)
    mean, problem = _mean(velocity[:, start:], interval)
    halves = np.array_split(velocity[:, start:], 2, axis=1)
    thermal = math.sqrt(BOLTZMANN * run.temperature / run.mass)
    steps = velocity.shape[1] - 1
    note = None
    if problem:  # a longer run has a longer transient
        whole = problem.required * steps / (steps - start)
        note = f"{problem} after the transient, {math.ceil(whole)} ps in all"
    atoms, largest_piece = _whole(runs)
    work, thermostat = (
        mean_rate(_stack(runs, f"{name}_eV")[:, start:], interval, None).value * PER_NS
        for name in ("work", "thermostat")
    )
    bath, particle = (
        _mean(_stack(runs, column)[:, start:] - run.temperature, interval)[0] if column in run.series.columns else None
        for column in ("temperature_K", INTERNAL_TEMPERATURE)
    )
    return DragFriction(
        side=run.side,
        force_nN=run.force_nN,
        bath_temperature=run.temperature,
        replicas=len(runs),
        transient=start * interval,
        time=len(runs) * (steps - start) * interval / PER_NS,
        velocity=mean,
        # The error of a ratio F/v to first order; its bias, of second order in se/v, is much smaller.
        friction=Estimate(run.force / mean.value, abs(run.force / mean.value**2) * mean.se),
        # The halves of a steady window differ only by noise: the error of their difference is twice that of the whole.
        drift_z=float((halves[1].mean() - halves[0].mean()) / (2 * mean.se)),
        over_thermal=mean.value / thermal,
        note=note,
        particle_atoms=atoms,
        largest_piece=largest_piece,
        work=work,
        thermostat=thermostat,
        bath_excess=bath,
        particle_excess=particle,
    )


def _whole(runs: Sequence[DragRun]) -> tuple[int | None, int | None]:
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
    return atoms, least


def _stack(runs: Sequence[DragRun], column: str) -> Array:
    return np.stack([run.column(column) for run in runs])


def _mean(observable: Array, interval: float) -> tuple[Estimate, SeriesTooShortError | None]:
    """Mean of (m, n) replicas; with the reason if they are too short for an error."""
    series = len(observable)
    try:
        blocks = choose_blocks([observable], interval, series)
    except SeriesTooShortError as problem:
        return stationary_mean(observable, None), problem
    count = min(blocks.count, MOST_BLOCKS)
    length = blocks.length * blocks.count / count
    return stationary_mean(observable, replace(blocks, count=count, length=length, total=count * series)), None
