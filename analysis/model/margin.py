"""The largest stable delay of a machine: the stability boundary of its loop."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from analysis.model.feedback import Feedback
from analysis.model.refrigerator import Refrigerator

_FIRST = 1e-3  # initial delay, in periods of the fastest motion
_STEP = 1.15
_LAST = 300.0  # in times of the slowest motion, beyond which a loop is considered stable at any delay
_EXACT = 1e-12


def largest_stable_delay(
    machine: Refrigerator, feedback: Feedback, velocity_gain: tuple[float, float] | None = None
) -> float:
    """The delay at which a loop becomes unstable, ps, all else equal.

    It is the smallest such delay. A loop may be stable again at larger delays, which should not be used.

    Args:
        machine: with its couplings.
        feedback: the loop, whose delay is ignored.
        velocity_gain: of cold damping, as of ``Refrigerator.with_feedback``.

    Returns:
        The delay; 0 if the loop is unstable without one; infinite if all delays up to 300 times of the slowest motion are
        stable.
    """

    def growth(delay: float, loop: Feedback = feedback) -> float:
        return machine.with_feedback(replace(loop, delay=delay), velocity_gain).growth_rate

    if growth(0.0) >= 0:
        return 0.0
    # Noise and updates are left out for a first estimate; a hold only decreases it, but a long filter may increase it.
    smooth = replace(feedback, update_every=0.0, position_noise=0.0, noise_density=0.0)
    rates = machine.stability().eigenvalues
    before, delay = 0.0, _FIRST / float(np.abs(rates).max())
    longest = _LAST / abs(float(rates.real.max()))
    while growth(delay, smooth) < 0:
        before, delay = delay, delay * _STEP
        if delay > longest:
            return math.inf
    if feedback.period:
        before = max(0.0, before - feedback.period)
        while growth(before) >= 0:
            before /= 2
        while growth(delay) < 0:
            before, delay = delay, delay * _STEP
    from scipy.optimize import brentq  # slow to load, and most studies have no loop

    return float(brentq(growth, before, delay, xtol=_EXACT * delay))
