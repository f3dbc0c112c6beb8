"""Forecast of a study before it runs: the expected heat of each bath and its standard error, both exact.

The error is that of the measurement (analysis.model.heat_of_run); the error of the friction is not included.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from analysis.model import DressedPair, LangevinPair, MovedPair, Refrigerator, heats_of_runs
from analysis.units import PER_NS
from simulation.experiments.machine import point_runs, points
from simulation.study.axes import AXES
from simulation.study.fields import Study
from simulation.study.section import SIDES

if TYPE_CHECKING:
    from analysis.friction.result import AxisFriction

SIGN_Z = 4.0
"""Ratio of expected heat to error that decides the sign: with probability 98 % the result is 2 errors or more from zero."""
PRECISE_Z = 10.0
"""Ratio of expected heat to error at an error of 10 %."""
NO_HEAT_EV_PER_NS = 1e-9
"""Smaller values are rounding: at the pseudo-equilibrium, or without coupling, no heat flows."""

PAIR = ("mass", "trap", "coupling_cold", "coupling_hot", "temperature_cold", "temperature_hot")
SHELL = ("core_friction", "shell_friction", "shell_mass")


@dataclass(frozen=True)
class Friction:
    """The friction used by a forecast.

    Attributes:
        source: its origin, in words.
        measured: by set of axes; empty if section `langevin` of the study is used.
    """

    source: str
    measured: Mapping[str, AxisFriction] = field(default_factory=dict)

    def machine(self, study: Study, coupling_cold: float, coupling_hot: float, axis: str) -> Refrigerator:
        """The exact model of a study along one axis, couplings in eV/Å²."""
        pair = study.pair(coupling_cold, coupling_hot, axis)
        if not self.measured:
            return pair
        found = self.measured[next(axes for axes in self.measured if axis in axes)]
        known = {name: getattr(pair, name) for name in PAIR}
        if found.dressed is None:
            white = {f"friction_{side}": each.value for side, each in zip(SIDES, found.white, strict=True)}
            return LangevinPair(**known, **white)
        shells = {
            f"{name}_{side}": value
            for side, shell in zip(SIDES, found.dressed, strict=True)
            for name, value in zip(SHELL, shell.values, strict=True)
        }
        return DressedPair(**known, **shells)


def friction_of(study: Study, results: Path) -> Friction:
    """The measured friction of the study if there is one, otherwise that of its section `langevin`.

    A study of the exact model needs no measurement: its section holds the true values.
    """
    if study.engine == "langevin":
        return Friction("section langevin of the study, used by the model")
    from analysis.friction.result import POOLED, FrictionResult  # imports SciPy, which no simulation needs

    file = results / study.name / "friction.json"
    try:
        axes = {group: each.friction for group, each in FrictionResult.read(file).axes.items()}
    except (OSError, ValueError):  # not measured, or by another version
        return Friction("section langevin of the study, because none is measured yet")
    # All axes together, which has the smallest error, if they share a trap.
    used = {POOLED: axes[POOLED]} if POOLED in axes else axes
    kind = "particles dressed with fluid" if all(each.dressed for each in used.values()) else "one per particle"
    return Friction(f"measured, {kind} ({file})", used)


def forecast(study: Study, friction: Friction) -> pd.DataFrame:
    """Expected heats per coupled axis and their errors at every point of the sweep, at the study's lengths, axes and replicas.

    They hold for the linear controller, instantaneous or through a feedback loop. There is no forecast for other controllers,
    with a limit on the force, moving traps together with a loop, or at points without a steady state at that friction.

    Returns:
        One row for each point: `kappa_ratio`, `time_ns` of one run, `axes_times_replicas`; of each bath
        `heat_…_eV_per_ns`, `se_…_eV_per_ns` and their ratio `z_…`; the lengths of one run `time_for_sign_ns` and
        `time_for_10_percent_ns`, NaN where no heat flows; `undersampled`, whether a sign may remain undecided.
    """
    has_loop = study.demon.feedback.loop is not None or any(study.demon.damping)
    if not study.demon.has_theory or (study.trap.motion.moves and has_loop):
        return pd.DataFrame()
    rows = (_point(study, friction, point) for point in points(study))
    return pd.DataFrame([row for row in rows if row])


def length_for_response(study: Study, friction: Friction) -> float:
    """Shortest friction run that gives a linear response along every axis, ps (``analysis.friction.response``)."""
    from analysis.friction.response import needed_length

    pairs = [friction.machine(study, 0.0, 0.0, axis) for axis in AXES]
    return needed_length(max(_decay_time(pair, j) for pair in pairs for j in range(2)))


def _decay_time(pair: Refrigerator, side: int) -> float:
    """Time at which the envelope of the correlations of one uncoupled particle falls below 1/e, ps."""
    from analysis.statistics.correlation import decay_index

    slowest = -1 / float(np.linalg.eigvals(pair.drift()).real.max())
    lag = np.linspace(0.0, 6 * slowest, 601)  # near critical damping the envelope decays later than its slowest mode
    x, v = side, 2 + side
    found = pair.correlation(lag)
    return float(lag[decay_index(found[:, x, x], found[:, v, x], float(found[0, v, v]))])


def _point(study: Study, friction: Friction, point: str) -> dict[str, Any]:
    """One row; empty without a steady state."""
    runs = point_runs(study, point)
    duration, axes, motion = runs[0].duration_ps, runs[0].axes, study.trap.motion
    ideal = [friction.machine(study, *(runs[0].couplings or (0.0, 0.0)), axis) for axis in axes]
    acting = [MovedPair(each, motion) if motion.moves else study.demon.controlled(each) for each in ideal]
    if not all(machine.is_stable for machine in acting):
        return {}
    uncoupled = [friction.machine(study, 0.0, 0.0, axis) for axis in AXES if axis not in axes]
    heats = dict(zip(SIDES, heats_of_runs(ideal, acting, uncoupled, duration, len(runs)), strict=True))
    row: dict[str, Any] = {"kappa_ratio": runs[0].ratio, "time_ns": duration / PER_NS}
    row["axes_times_replicas"] = len(axes) * len(runs)
    for side, heat in heats.items():
        rate, error = PER_NS * heat.rate, PER_NS * heat.error(duration)
        row |= {f"heat_{side}_eV_per_ns": rate, f"se_{side}_eV_per_ns": error, f"z_{side}": abs(rate) / error}
    flowing = [heat for heat in heats.values() if PER_NS * abs(heat.rate) > NO_HEAT_EV_PER_NS]
    for name, z in (("sign", SIGN_Z), ("10_percent", PRECISE_Z)):
        row[f"time_for_{name}_ns"] = max((heat.duration(z) / PER_NS for heat in flowing), default=np.nan)
    return row | {"undersampled": row["time_for_sign_ns"] > row["time_ns"]}
