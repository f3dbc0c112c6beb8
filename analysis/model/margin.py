"""How much delay a machine bears: the boundary of stability of its loop."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from analysis.model.feedback import Feedback
from analysis.model.refrigerator import Refrigerator

_FIRST = 1e-3  # delay to begin with, in turns of the fastest motion
_STEP = 1.15
_LAST = 300.0  # in times of the slowest motion, beyond which a loop is taken to bear any delay
_EXACT = 1e-12


def largest_stable_delay(machine: Refrigerator, feedback: Feedback) -> float:
    """The delay at which a loop becomes unstable, ps, all else equal.

    It is the first one from none on. A loop may be stable again beyond it, which no controller should be built on.

    Args:
        machine: with its couplings.
        feedback: the loop, whose delay is not looked at.

    Returns:
        The delay; 0 if the loop is unstable without one; infinite if none of up to 300 times of the slowest motion is too
        long.
    """

    def growth(delay: float, loop: Feedback = feedback) -> float:
        return machine.with_feedback(replace(loop, delay=delay)).growth_rate

    if growth(0.0) >= 0:
        return 0.0
    # Noise and updates are left out to find about where; a hold only makes it less, but a long filter may make it more.
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
