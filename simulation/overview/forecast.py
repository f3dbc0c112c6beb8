"""Forecast of a study before it runs: the expected heat of each bath and its standard error, both exact.

The pair is linear, so mean and variance of the heat over a run are known exactly (analysis.model.currents). Axes and replicas
are independent. The forecast is the statistical error of the measurement; the error of the friction is not included.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from analysis.model import (
    ControlledNetwork,
    Current,
    DressedPair,
    LangevinPair,
    MovedPair,
    Refrigerator,
    covariance_over,
    heat_current,
    noise_rates,
)
from analysis.units import PER_NS
from simulation.experiments.machine import Machine, point_runs, points
from simulation.storage.files import read_json
from simulation.study.axes import AXES
from simulation.study.fields import Study
from simulation.study.section import SIDES

DECIDED_Z = 4.0
"""Ratio of expected heat to error that decides the sign: with probability 98 % the result is 2 errors or more from zero."""
NO_HEAT_EV_PER_NS = 1e-9
"""Smaller values are rounding: at the pseudo-equilibrium, or without coupling, no heat flows."""


@dataclass(frozen=True)
class Friction:
    """The friction used by a forecast.

    Attributes:
        source: its origin, in words.
        measured: entries of `axes` of `friction.json` by set of axes; empty if section `langevin` of the study is used.
    """

    source: str
    measured: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def machine(self, study: Study, coupling_cold: float, coupling_hot: float, axis: str) -> Refrigerator:
        """The exact model of a study along one axis, couplings in eV/Å²."""
        pair = study.pair(coupling_cold, coupling_hot, axis)
        if not self.measured:
            return pair
        content = self.measured[next(axes for axes in self.measured if axis in axes)]
        shared = ("mass", "trap", "coupling_cold", "coupling_hot", "temperature_cold", "temperature_hot")
        parameters = {name: getattr(pair, name) for name in shared}
        if content["dressed"] is None:
            frictions = {f"friction_{side}": float(content[f"friction_{side}_eV_ps_per_A2"]) for side in SIDES}
            return LangevinPair(**parameters, **frictions)
        units = {"core_friction": "eV_ps_per_A2", "shell_friction": "eV_ps_per_A2", "shell_mass": "eV_ps2_per_A2"}
        shells = {
            f"{name}_{side}": float(content["dressed"][side][f"{name}_{unit}"])
            for side in SIDES
            for name, unit in units.items()
        }
        return DressedPair(**parameters, **shells)


def friction_of(study: Study, results: Path) -> Friction:
    """The measured friction of the study if there is one, otherwise that of its section `langevin`.

    A study of the exact model needs no measurement: its section holds the true values.
    """
    if study.engine == "langevin":
        return Friction("section langevin of the study, used by the model")
    file = results / study.name / "friction.json"
    measured: dict[str, Any] | None = read_json(file)
    axes: dict[str, Any] = (measured or {}).get("axes", {})
    if not axes:
        return Friction("section langevin of the study, because none is measured yet")
    # All axes together, which has the smallest error, if they share a trap.
    used = {"xyz": axes["xyz"]} if "xyz" in axes else axes
    is_dressed = all(each["dressed"] for each in used.values())
    kind = "particles dressed with fluid" if is_dressed else "one friction per particle"
    which = "all axes together" if "xyz" in used else "each axis"
    return Friction(f"measured, {kind}, {which} ({file})", used)


@dataclass(frozen=True)
class HeatForecast:
    """One bath at one point: the mean over the coupled axes.

    Attributes:
        heat: expected rate, eV/ns.
        se: standard error of its measurement, eV/ns.
        noise: variance of the heat of one axis and replica per time, at long times, eV²/ns.
        offset: contribution of the finite run to that variance, eV²; its share decreases with the length.
    """

    heat: float
    se: float
    noise: float
    offset: float

    @property
    def flows(self) -> bool:
        """Whether the heat differs from zero."""
        return abs(self.heat) > NO_HEAT_EV_PER_NS

    @property
    def z(self) -> float:
        """|Q|/SE: expected distance of the heat from zero, in standard errors."""
        return abs(self.heat) / self.se


@dataclass(frozen=True)
class PointForecast:
    """One point of the sweep.

    Attributes:
        kappa_ratio: as written in the study.
        time_ns: measured time of one run.
        copies: independent currents: axes × replicas.
        heats: (cold, hot).
    """

    kappa_ratio: str
    time_ns: float
    copies: int
    heats: tuple[HeatForecast, HeatForecast]

    @property
    def is_undersampled(self) -> bool:
        """Whether a sign may remain undecided; where no heat flows, no length decides one."""
        return any(heat.flows and heat.z < DECIDED_Z for heat in self.heats)

    def time_for(self, z: float) -> float | None:
        """Length of each run, ns, for heats `z` standard errors from zero; None if none flows."""
        times = []
        for heat in (heat for heat in self.heats if heat.flows):
            # Q² T² copies = z² (noise T + offset)
            a, b, c = self.copies * heat.heat**2, z**2 * heat.noise, z**2 * heat.offset
            times.append((b + math.sqrt(max(b**2 + 4 * a * c, 0.0))) / (2 * a))
        return max(times, default=None)


def forecast(study: Study, friction: Friction) -> list[PointForecast]:
    """Expected heat rates and errors at every point of the sweep, at the study's lengths, axes and replicas.

    They hold for the linear controller, instantaneous or through a feedback loop. There is no forecast for other controllers,
    with a limit on the force, moving traps together with a loop, or at points where the loop has no steady state at that
    friction.
    """
    has_loop = study.demon.feedback.loop is not None or any(study.demon.damping)
    if not study.demon.has_theory or (study.trap.motion.moves and has_loop):
        return []
    found = [_point(study, friction, point_runs(study, point)) for point in points(study)]
    return [point for point in found if point is not None]


def _point(study: Study, friction: Friction, runs: list[Machine]) -> PointForecast | None:
    """One point; None if the loop has no steady state at that friction."""
    duration, axes = runs[0].duration_ps, len(runs[0].axes)
    copies = axes * len(runs)
    couplings = runs[0].couplings or (0.0, 0.0)
    machines = [friction.machine(study, *couplings, axis) for axis in runs[0].axes]
    # Heat is measured for all axes together: those without coupling add none, only the noise of their energy at both ends.
    still = [friction.machine(study, 0.0, 0.0, axis) for axis in AXES if axis not in runs[0].axes]
    both = [*machines, *still]
    ideal = [noise_rates(machine, _heats(machine)) for machine in both]
    # The contribution of the finite run is that of the ideal machine even with a loop: a small share in a long run.
    offsets = [
        covariance_over(machine, _heats(machine), duration) - noise * duration
        for machine, noise in zip(both, ideal, strict=True)
    ]
    acting: Sequence[Refrigerator | ControlledNetwork | MovedPair] = machines
    noises = ideal[: len(machines)]
    if study.trap.motion.moves:
        moved = [MovedPair(machine, study.trap.motion) for machine in machines]
        acting, noises = moved, [noise + pair.heat_noise() for noise, pair in zip(noises, moved, strict=True)]
    looped = [each for each in map(study.demon.controlled, machines) if isinstance(each, ControlledNetwork)]
    if looped:
        if not all(machine.is_stable for machine in looped):
            return None
        acting, noises = looped, [machine.work_noise() for machine in looped]
    rates = np.mean([machine.heat_rates() for machine in acting], axis=0)
    noise = np.mean(noises, axis=0)
    spread = noise * duration + np.sum(offsets, axis=0) / axes
    cold, hot = (
        HeatForecast(
            heat=PER_NS * float(rates[i]),
            se=PER_NS * math.sqrt(spread[i, i] / copies) / duration,
            noise=PER_NS * float(noise[i, i]),
            offset=float(spread[i, i] - noise[i, i] * duration),
        )
        for i in range(len(SIDES))
    )
    return PointForecast(runs[0].ratio or "", duration / PER_NS, copies, (cold, hot))


def _heats(machine: Refrigerator) -> list[Current]:
    """The heats (cold, hot) as measured: into the bath, plus the energy stored in shell and bodies of that side."""
    heats = []
    for bath in range(len(SIDES)):
        own = np.diagonal(machine.frictions[bath]) > 0
        own[: machine.coordinates] = False
        stored = np.diag(np.r_[np.zeros(machine.coordinates), np.where(own, machine.masses / 2, 0.0)])
        heats.append(replace(heat_current(machine, bath), stored=stored))
    return heats
