"""What a study's lengths will decide: the expected heat of each bath and its standard error, exact, before anything runs.

The pair is linear, so mean and variance of the heat gathered over a run are known exactly (analysis.model.currents).
Coupled axes and replicas are independent copies. What is forecast is the spread of the measurement; how well the friction is
known is not in it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from analysis.model import FLOWS, DressedPair, Refrigerator
from analysis.units import PER_NS
from simulation.experiments.machine import Machine, point_runs, points
from simulation.storage.files import read_json
from simulation.study.fields import SIDES, Study

DECIDED_Z = 4.0
"""Expected heat over its error that decides its sign: measured at 2 errors from zero or more with a chance of 98 %."""
NO_HEAT_EV_PER_NS = 1e-9
"""Less is rounding: at the pseudo-equilibrium, or without a coupling, no heat flows."""


@dataclass(frozen=True)
class Friction:
    """The friction that a forecast rests on.

    Attributes:
        source: where it comes from, in words.
        white: (cold, hot), eV ps/Å².
        shells: parameters of `DressedPair` beyond those of the pair, where they were measured.
    """

    source: str
    white: tuple[float, float]
    shells: dict[str, float] | None = None

    def machine(self, study: Study, coupling_cold: float, coupling_hot: float) -> Refrigerator:
        """The exact model of a study along one axis, couplings in eV/Å²."""
        pair = study.pair(coupling_cold, coupling_hot)
        if self.shells is None:
            return replace(pair, friction_cold=self.white[0], friction_hot=self.white[1])
        shared = ("mass", "trap", "coupling_cold", "coupling_hot", "temperature_cold", "temperature_hot")
        return DressedPair(**{name: getattr(pair, name) for name in shared}, **self.shells)


def friction_of(study: Study, results: Path) -> Friction:
    """The study's measured friction if it has one, else what its section `langevin` says.

    A study of the exact model needs no measurement: its section is the truth.
    """
    pair = study.pair(0.0, 0.0)
    stated = (pair.friction_cold, pair.friction_hot)
    if study.engine == "langevin":
        return Friction("section langevin of the study, with which the model runs", stated)
    file = results / study.name / "friction.json"
    content: dict[str, Any] | None = read_json(file)
    if content is None:
        return Friction("section langevin of the study, since none is measured yet", stated)
    cold, hot = (float(content[f"friction_{side}_eV_ps_per_A2"]) for side in SIDES)
    if content["dressed"] is None:
        return Friction(f"measured, one friction per particle ({file})", (cold, hot))
    units = {"core_friction": "eV_ps_per_A2", "shell_friction": "eV_ps_per_A2", "shell_mass": "eV_ps2_per_A2"}
    shells = {
        f"{name}_{side}": float(content["dressed"][side][f"{name}_{unit}"])
        for side in SIDES
        for name, unit in units.items()
    }
    return Friction(f"measured, particles dressed with fluid ({file})", (cold, hot), shells)


@dataclass(frozen=True)
class HeatForecast:
    """One bath at one point, per coupled axis.

    Attributes:
        heat: expected rate, eV/ns.
        se: standard error of its measurement, eV/ns.
        noise: long-time variance per time of the heat of one axis and replica, eV²/ns.
        offset: what the finite run adds to that variance, eV²; its share falls with the length.
    """

    heat: float
    se: float
    noise: float
    offset: float

    @property
    def flows(self) -> bool:
        """Whether there is any heat to decide the sign of."""
        return abs(self.heat) > NO_HEAT_EV_PER_NS

    @property
    def z(self) -> float:
        """|Q|/SE: how many standard errors the heat will stand from zero."""
        return abs(self.heat) / self.se


@dataclass(frozen=True)
class PointForecast:
    """One point of the sweep.

    Attributes:
        kappa_ratio: as the study spells it.
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
        """Whether a sign may stay undecided; where no heat flows, no length decides one."""
        return any(heat.flows and heat.z < DECIDED_Z for heat in self.heats)

    def time_for(self, z: float) -> float | None:
        """How long each run must be, ns, for the heats to stand `z` standard errors from zero; None if none flows."""
        times = []
        for heat in (heat for heat in self.heats if heat.flows):
            # Q² T² copies = z² (noise T + offset)
            a, b, c = self.copies * heat.heat**2, z**2 * heat.noise, z**2 * heat.offset
            times.append((b + math.sqrt(max(b**2 + 4 * a * c, 0.0))) / (2 * a))
        return max(times, default=None)


def forecast(study: Study, friction: Friction) -> list[PointForecast]:
    """Expected heat rates and errors at every point of the sweep, at the study's lengths, axes and replicas.

    They are those of the linear controller; of another law nothing is known, and nothing is forecast.
    """
    if study.demon.controller != "linear":
        return []
    return [_point(study, friction, point_runs(study, point)) for point in points(study)]


def _point(study: Study, friction: Friction, runs: list[Machine]) -> PointForecast:
    duration, axes = runs[0].duration_ps, len(runs[0].axes)
    copies = axes * len(runs)
    machine = friction.machine(study, *(runs[0].couplings or (0.0, 0.0)))
    # Heat is measured for all axes at once: those without coupling bring none, but the noise of their energy at both ends.
    still = friction.machine(study, 0.0, 0.0).flow_covariance(duration) * (3 - axes) / axes
    rates, noise = machine.flow_rates(), machine.flow_noise()
    spread = machine.flow_covariance(duration) + still
    cold, hot = (
        HeatForecast(
            heat=PER_NS * float(rates[i]),
            se=PER_NS * math.sqrt(spread[i, i] / copies) / duration,
            noise=PER_NS * float(noise[i, i]),
            offset=float(spread[i, i] - noise[i, i] * duration),
        )
        for i in (FLOWS.index(f"heat_{side}") for side in SIDES)
    )
    return PointForecast(runs[0].ratio or "", duration / PER_NS, copies, (cold, hot))
