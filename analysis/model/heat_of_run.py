"""Heats over runs of finite length: the mean, and the standard error of its measurement; both exact for linear machines."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from analysis.model.currents import Current, covariance_over, heat_current, noise_rates
from analysis.model.feedback import ControlledNetwork
from analysis.model.lyapunov import Array
from analysis.model.moved import MovedPair
from analysis.model.refrigerator import Refrigerator


@dataclass(frozen=True)
class HeatOfRun:
    """The heat into one bath, as the mean of independent currents.

    Attributes:
        rate: expected, eV/ps.
        noise: variance of the mean heat per time, at long times, eV²/ps.
        offset: contribution of the two ends of a run to that variance, eV²; its share decreases with the length.
    """

    rate: float
    noise: float
    offset: float

    def error(self, duration: float) -> float:
        """Standard error of the rate, eV/ps, measured in runs of this length, ps."""
        return math.sqrt(self.noise * duration + self.offset) / duration

    def duration(self, z: float) -> float:
        """Length of each run, ps, at which the rate is ``z`` standard errors from zero; infinite without heat."""
        # Q² T² = z² (noise T + offset)
        a, b, c = self.rate**2, z**2 * self.noise, z**2 * self.offset
        return (b + math.sqrt(max(b**2 + 4 * a * c, 0.0))) / (2 * a) if a else math.inf


def heats_of_runs(
    ideal: Sequence[Refrigerator],
    acting: Sequence[Refrigerator | ControlledNetwork | MovedPair],
    uncoupled: Sequence[Refrigerator],
    duration: float,
    runs: int,
) -> tuple[HeatOfRun, HeatOfRun]:
    """Heats (cold, hot) per coupled axis, as measured for all axes together; axes and runs are independent.

    Args:
        ideal: the machine along each coupled axis, with traps at rest and without a loop.
        acting: the same with its loop or its moving traps, or itself; with a steady state.
        uncoupled: along the other axes, which contribute only the change of their energy between both ends.
        duration: of one run, ps.
        runs: their number.
    """
    ends, noise = np.zeros(2), np.zeros(2)
    for machine in (*ideal, *uncoupled):
        heats = [_measured(machine, bath) for bath in range(2)]
        # With a loop, too, the contribution of the ends is that of the ideal machine: a small share in a long run.
        ends += np.diag(covariance_over(machine, heats, duration) - noise_rates(machine, heats) * duration)
    for machine, own in zip(ideal, acting, strict=True):
        noise += np.diag(_noise(machine, own))
    rates = np.mean([machine.heat_rates() for machine in acting], axis=0)
    # Of a mean over axes and runs.
    share = 1 / (len(ideal) ** 2 * runs)
    cold, hot = (HeatOfRun(float(rates[i]), float(share * noise[i]), float(share * ends[i])) for i in range(2))
    return cold, hot


def _noise(ideal: Refrigerator, acting: Refrigerator | ControlledNetwork | MovedPair) -> Array:
    """Covariance of both heats per long time, (2, 2), eV²/ps."""
    if isinstance(acting, ControlledNetwork):
        return acting.work_noise()
    noise = noise_rates(ideal, [heat_current(ideal, bath) for bath in range(2)])
    return noise + acting.heat_noise() if isinstance(acting, MovedPair) else noise


def _measured(machine: Refrigerator, bath: int) -> Current:
    """The heat as measured: into the bath, plus the energy stored in shell and bodies of that side."""
    own = np.diagonal(machine.frictions[bath]) > 0
    own[: machine.coordinates] = False
    stored = np.diag(np.r_[np.zeros(machine.coordinates), np.where(own, machine.masses / 2, 0.0)])
    return replace(heat_current(machine, bath), stored=stored)
