"""The delay at which a loop becomes unstable: classical boundaries, holds, loops that bear any delay or none."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from analysis.model import Feedback, largest_stable_delay
from tests.unit.pairs import DRESSED, PAIR


def test_boundary_of_an_oscillator() -> None:
    """The pair's distance is an oscillator with delayed spring, whose boundary is an arc tangent; the pinned 0.381 ps."""
    rate, square, loop = 0.2184528 / 1.225, 0.01 / 1.225, 0.58 / 1.225
    b, c = rate**2 - 2 * square, square**2 - loop**2
    omega = math.sqrt((-b + math.sqrt(b**2 - 4 * c)) / 2)
    expected = math.atan2(rate * omega, omega**2 - square) / omega
    assert expected == pytest.approx(0.381, abs=5e-4)
    assert largest_stable_delay(PAIR, Feedback()) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("gains", [(1.0, 0.0), (0.6, 1.0)])
def test_boundary_of_delayed_damping(gains: tuple[float, float]) -> None:
    """Where ms² + γs + κ + g s e^(-sδ) = 0 for s = iω: cos ωδ = -γ/g; of two particles the first to reach it counts."""
    alone = replace(PAIR, coupling_cold=0.0, coupling_hot=0.0)
    mass, friction, trap = 1.225, PAIR.friction_cold, 0.01
    delays = []
    for gain in gains:
        if gain > friction:
            angle = math.acos(-friction / gain)
            pull = gain * math.sin(angle)
            omega = (pull + math.sqrt(pull**2 + 4 * mass * trap)) / (2 * mass)
            delays.append(angle / omega)
    assert largest_stable_delay(alone, Feedback(), gains) == pytest.approx(min(delays), rel=1e-8)


@pytest.mark.parametrize(
    ("machine", "loop"),
    [
        (PAIR, Feedback(delayed="partner")),
        (DRESSED, Feedback(filter=0.1)),
        (PAIR, Feedback(update_every=0.1)),
        (PAIR, Feedback(update_every=0.7)),
        (PAIR, Feedback(update_every=0.05, filter=0.2)),
    ],
    ids=["partner", "filter", "hold", "long hold", "both"],
)
def test_stable_below_and_unstable_above(machine: object, loop: Feedback) -> None:
    """Just below the delay found the loop is stable, just above it is not, and no shorter one is unstable."""
    assert isinstance(machine, (type(PAIR), type(DRESSED)))
    limit = largest_stable_delay(machine, loop)
    assert not machine.with_feedback(replace(loop, delay=limit * (1 + 1e-6))).is_stable
    for part in (1 - 1e-6, 0.9, 0.7, 0.4, 0.1):
        assert machine.with_feedback(replace(loop, delay=limit * part)).is_stable


def test_loops_that_bear_all_or_nothing() -> None:
    """A weak loop on well damped particles bears any delay; one that is unstable without delay bears none."""
    weak = replace(PAIR, friction_cold=2.0, friction_hot=2.0, coupling_cold=0.002, coupling_hot=0.003)
    assert largest_stable_delay(weak, Feedback()) == math.inf
    assert largest_stable_delay(PAIR, Feedback(update_every=0.8)) == 0.0
