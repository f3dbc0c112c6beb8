"""The exact model of a run of the machine: the networks of particles, baths and controller along each axis, propagated."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.model import AT_REST, LinearLangevin, Refrigerator
from simulation.control.controller import LINEAR
from simulation.control.demon import Demon
from simulation.engines.controlled import Array, propagate_controlled
from simulation.engines.langevin import propagate_pair
from simulation.study.axes import AXES
from simulation.study.section import SIDES

if TYPE_CHECKING:
    from simulation.experiments.machine import Machine


def exact_series(run: Machine) -> pd.DataFrame:
    """The exact model of each axis, propagated.

    There are no atoms: the energy of a side is the kinetic energy of its particle and of the bodies that it drags along,
    and that of the springs of its fluid; their losses go directly to the thermostat. With an
    active bath that is the work of friction, noise and active forces. There is no pressure; its columns are 0.
    """
    study = run.study
    stride, steps = run.sample_steps, study.steps(run.duration_ps)
    sampled = np.arange(0, steps + 1, stride)
    columns: dict[str, NDArray[Any]] = {"step": sampled, "time_ps": sampled * study.timestep_ps}
    kinetic, potential, total_work = ({side: np.zeros(sampled.size) for side in SIDES} for _ in range(3))
    paths = _linear_paths(run, steps, stride) if run.is_network else _controlled_paths(run, steps, stride)
    centres = run.motion.centre(columns["time_ps"])
    for axis, (pair, states, work, moved) in zip(AXES, paths, strict=True):
        for index, side in enumerate(SIDES):
            columns[f"position_{side}_{axis}_A"] = states[:, index]
            columns[f"velocity_{side}_{axis}_A_per_ps"] = states[:, 2 + index]
            # Velocities coupled to the bath of this side; a signal is not a motion and has no energy.
            own = np.flatnonzero((np.diagonal(pair.frictions[index]) > 0) & ~pair.signals)
            kinetic[side] += states[:, 2 + own] ** 2 @ pair.masses[own] / 2
            centre = centres[:, index] if axis in run.axes else 0.0
            potential[side] += study.stiffness_eV_per_A2(axis) / 2 * (states[:, index] - centre) ** 2
            if axis in run.axes:
                columns[f"work_{side}_{axis}_eV"] = work[:, index]
                total_work[side] += work[:, index]
            if axis in run.axes and run.motion.moves:
                columns[f"trap_work_{side}_{axis}_eV"] = moved[:, index]
                total_work[side] += moved[:, index]
    for side in SIDES:
        stored = kinetic[side] + potential[side]
        columns[f"thermostat_{side}_eV"] = total_work[side] - (stored - stored[0])  # the first law
        columns[f"energy_{side}_eV"] = kinetic[side]
        columns[f"trap_{side}_eV"] = potential[side]
        columns[f"temperature_{side}_K"] = np.full(stored.size, study.temperature_K(side))
        columns[f"pressure_{side}_bar"] = np.zeros(stored.size)
    return pd.DataFrame(columns)


def _linear_paths(run: Machine, steps: int, stride: int) -> Iterator[tuple[LinearLangevin, Array, Array, Array]]:
    """By axis, for the linear controller or none: network, its states, works of the controller and of moving traps."""
    study = run.study
    for axis in AXES:
        pair, motion = _pair(run, axis), run.motion if axis in run.axes else AT_REST
        yield pair, *propagate_pair(pair, study.timestep_ps, steps, stride, _generator(run, axis), motion)


def _controlled_paths(run: Machine, steps: int, stride: int) -> Iterator[tuple[LinearLangevin, Array, Array, Array]]:
    """The same for any other controller, or one in a loop."""
    study, feedback = run.study, run.study.demon.feedback
    assert run.couplings is not None
    is_linear, is_partner = study.demon.controller == LINEAR, feedback.delayed == "partner"
    springs = np.zeros((2, 3))
    # The own term of a linear law is then a spring, and can be part of the exact plant.
    has_springs = is_linear and is_partner and not feedback.is_ideal and feedback.force_limit_eV_per_A is None
    if has_springs and min(study.trap.stiffness) + min(run.couplings) > 0:
        springs = np.outer(run.couplings, [float(axis in run.axes) for axis in AXES])
    plants = []
    for axis, spring in zip(AXES, springs.T, strict=True):
        pair = study.pair(0.0, 0.0, axis)
        stiffness = pair.stiffness.copy()
        stiffness[[0, 1], [0, 1]] += spring
        plants.append(
            LinearLangevin(
                masses=pair.masses,
                stiffness=stiffness,
                frictions=pair.frictions,
                temperatures=pair.temperatures,
                links=pair.links,
            )
        )
    demon = Demon(
        study.demon.controller,
        run.controller(),
        axes=run.axes,
        timestep_ps=study.timestep_ps,
        max_displacement_A=np.inf,
    )
    states, work, moved = propagate_controlled(
        plants,
        demon.ask,
        springs=springs,
        is_held=feedback.update_every_ps is not None and (not is_partner or bool(springs.any())),
        timestep=study.timestep_ps,
        before=study.steps(study.schedule.relaxation_ps),
        steps=steps,
        stride=stride,
        generators=[_generator(run, axis) for axis in AXES],
        trap=[study.stiffness_eV_per_A2(axis) if axis in run.axes else 0.0 for axis in AXES],
        motion=run.motion,
    )
    return zip(plants, states, np.moveaxis(work, 2, 0), np.moveaxis(moved, 2, 0), strict=True)


def _pair(run: Machine, axis: str) -> Refrigerator:
    """The network along an axis, without active forces in friction runs."""
    couplings = run.couplings if run.couplings and axis in run.axes else (0.0, 0.0)
    return run.study.pair(*couplings, axis, active=run.ratio is not None)


def _generator(run: Machine, axis: str) -> np.random.Generator:
    return np.random.default_rng(run.seed(f"langevin_{axis}"))
