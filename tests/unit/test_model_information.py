"""What the demon knows: flow of information between the sides, information of readings, second laws."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

from analysis.model import (
    BOLTZMANN,
    DelayedNetwork,
    Feedback,
    LinearLangevin,
    information_flow_from_rate,
    information_flow_from_samples,
    information_of_reading,
    mutual_information,
)
from analysis.model.information import news_of_readings, rate_of_reading
from tests.unit.pairs import BODIES, DRESSED, PAIR, UNLIKE

MACHINES = {"pair": PAIR, "unlike": UNLIKE, "dressed": DRESSED, "bodies": BODIES}
COLD_SIDE = {"pair": [0, 2], "unlike": [0, 2], "dressed": [0, 2, 4], "bodies": [0, 2, 4, 5]}


def test_the_papers_flow_of_information() -> None:
    """At 4.80 the hot particle makes 67.5 k_B/ns that the cold one uses up; half of it becomes cooling. None at T_H/T_C."""
    assert_allclose(PAIR.information_flow() * 1e3, [-67.5, 67.5], atol=0.05)
    assert PAIR.heat_rates()[0] / 100.0 / BOLTZMANN * 1e3 == pytest.approx(-33.5, abs=0.05)
    assert_allclose(replace(PAIR, coupling_hot=0.12).information_flow(), 0.0, atol=1e-15)


@pytest.mark.parametrize("name", MACHINES)
def test_flow_is_the_rate_of_mutual_information(name: str) -> None:
    """Friction and noise give the flow that the derivative of mutual information gives, which knows of neither; sum zero."""
    machine: Any = MACHINES[name]
    c, first = machine.covariance(), COLD_SIDE[name]
    flow = machine.information_flow()
    assert flow.sum() == pytest.approx(0.0, abs=1e-11 * abs(flow[0]))
    assert information_flow_from_rate(c, machine.drift() @ c, first) == pytest.approx(flow[0], rel=1e-8)
    other = [i for i in range(len(c)) if i not in first]
    assert information_flow_from_rate(c, machine.drift() @ c, other) == pytest.approx(flow[1], rel=1e-8)
    lag = 1e-3
    once, twice = (information_flow_from_samples(c, machine.correlation(time), time, first) for time in (lag, 2 * lag))
    assert 2 * once - twice == pytest.approx(flow[0], rel=1e-4)


@pytest.mark.parametrize("ratio", [0.17, 1.0, 1.1, 1.2, 3.0, 4.8, 20.0])
@pytest.mark.parametrize("name", MACHINES)
def test_each_side_obeys_its_second_law(name: str, ratio: float) -> None:
    """Q/T - k_B İ is not negative on either side, and both together are the machine's entropy production."""
    machine = replace(MACHINES[name], coupling_hot=0.1 * ratio)  # type: ignore[type-var]
    temperatures = np.array([100.0, 120.0])
    paid = machine.heat_rates() / temperatures - BOLTZMANN * machine.information_flow()
    assert (paid >= -1e-15).all()
    assert paid.sum() == pytest.approx(machine.entropy_production(), rel=1e-8, abs=1e-16)


def test_mutual_information_of_two_variables() -> None:
    """For two variables it is -½ ln(1 - ρ²), in any units; for a singular question the indices are refused."""
    assert mutual_information(np.array([[4.0, 1.2], [1.2, 1.0]]), [1]) == pytest.approx(-math.log(1 - 0.36) / 2)
    c = PAIR.covariance()
    determinants = [np.linalg.det(c[np.ix_(i, i)]) for i in ([0, 2], [1, 3])]
    assert mutual_information(c, [0, 2]) == pytest.approx(math.log(np.prod(determinants) / np.linalg.det(c)) / 2)
    with pytest.raises(ValueError, match=re.escape("first = [0, 0]: must name some, not all, of the 2 variables")):
        mutual_information(np.eye(2), [0, 0])


def test_information_of_a_reading_is_that_of_one_more_variable() -> None:
    """A reading is a variable X + noise; its mutual information with the state is found among all variables at once."""
    c, noise = PAIR.covariance(), 0.3
    reads = np.eye(2, 4)
    joint = np.block([[c, c @ reads.T], [reads @ c, c[:2, :2] + noise**2 * np.eye(2)]])
    assert information_of_reading(c[:2, :2], noise) == pytest.approx(mutual_information(joint, [4, 5]), rel=1e-9)


def test_news_of_a_diffusing_particle() -> None:
    """For a random walk the Kalman filter is a quadratic equation, and reading at every instant brings √(D/S)/2... by hand."""
    kick, noise = 0.7, 0.4
    # P = P σ²/(P + σ²) + q
    unknown = kick / 2 + math.sqrt(kick**2 / 4 + kick * noise**2)
    expected = math.log1p(unknown / noise**2) / 2
    assert news_of_readings(np.eye(1), np.array([[kick]]), 1, noise) == pytest.approx(expected, rel=1e-9)
    # dP/dt = D - P²/S = 0
    assert rate_of_reading(np.zeros((1, 1)), np.array([[kick]]), 1, noise) == pytest.approx(
        math.sqrt(kick * noise) / (2 * noise), rel=1e-9
    )


def test_reading_often_brings_as_much_as_reading_always() -> None:
    """The rate of information of many noisy readings tends to that of white noise at every instant."""
    always = PAIR.with_feedback(Feedback(noise_density=0.01)).information_rate()
    h = 1e-3
    often = PAIR.with_feedback(Feedback(update_every=h, position_noise=math.sqrt(0.01 / h))).information_rate()
    assert often == pytest.approx(always, rel=1e-3)


@pytest.mark.parametrize("density", [1e-3, 0.03, 0.3])
@pytest.mark.parametrize("name", ["pair", "dressed"])
def test_readings_bound_what_a_loop_takes(name: str, density: float) -> None:
    """All entropy that baths lose is within what the readings told, for loops that cool both particles by their velocities."""
    machine: Any = replace(MACHINES[name], coupling_cold=0.0, coupling_hot=0.0)  # type: ignore[type-var]
    temperatures = np.array([100.0, 120.0])
    lost = []
    for gain in (0.03, 0.1, 0.3):
        loop = Feedback(noise_density=density, filter=0.1, delay=0.05)
        damped = machine.with_feedback(loop, velocity_gain=(gain, gain))
        change = (damped.heat_rates() / temperatures).sum() / BOLTZMANN
        assert change > -damped.information_rate()
        h = 0.1
        loop = Feedback(update_every=h, position_noise=math.sqrt(density / h), filter=0.1)
        held = machine.with_feedback(loop, velocity_gain=(gain, gain))
        assert (held.heat_rates() / temperatures).sum() / BOLTZMANN > -held.information_rate()
        lost.append(-change / damped.information_rate())
    if density == 1e-3:
        assert max(lost) > 0.02


@pytest.mark.parametrize(
    "loop",
    [
        Feedback(),
        Feedback(delay=0.2),
        Feedback(delay=0.5, delayed="partner"),
        Feedback(delay=0.1, filter=0.1, noise_density=0.01),
    ],
    ids=["ideal", "delay", "partner", "noise"],
)
@pytest.mark.parametrize("name", ["pair", "dressed"])
def test_delayed_sides_obey_the_second_law_with_pumping(name: str, loop: Feedback) -> None:
    """Q/T - k_B İ + k_B pumped is not negative; flows sum to zero; without delay all is the ideal machine's."""
    machine: Any = MACHINES[name]
    delayed = machine.with_feedback(loop)
    assert isinstance(delayed, DelayedNetwork)
    flow, pumped = delayed.information_flow(), delayed.entropy_pumping()
    paid = delayed.heat_rates() / np.array([100.0, 120.0]) + BOLTZMANN * (pumped - flow)
    assert (paid > 0).all()
    assert flow.sum() == pytest.approx(0.0, abs=1e-8 * abs(flow[0]))
    if loop == Feedback():
        assert_allclose(flow, machine.information_flow(), rtol=1e-8)
        assert_allclose(pumped, 0.0, atol=1e-10)
    elif loop.delayed == "all":
        # A delayed own term is negative friction: it pumps entropy in.
        assert (pumped < 0).all()


def test_cold_damping_pumps_gain_over_mass() -> None:
    """An ideal damping force -g V pumps g/m, all of which its cooling falls short of."""
    particle = LinearLangevin(masses=[0.5], stiffness=[[0.3]], frictions=[[[0.2]]], temperatures=[100.0])
    damped = DelayedNetwork(particle, [[0.0]], Feedback(), velocity_gain=[0.6])
    assert_allclose(damped.entropy_pumping(), [1.2], rtol=1e-8)
    assert -damped.heat_rates()[0] / 100.0 / BOLTZMANN == pytest.approx(1.2 / 4, rel=1e-8)


def test_refused_questions_of_information() -> None:
    """Noise of zero, a lag of zero, white forces and machines that are no pair are refused by name."""
    with pytest.raises(ValueError, match=r"noise = 0\.0 Å: must be positive"):
        information_of_reading(np.eye(2), 0.0)
    for ask in (
        PAIR.with_feedback(Feedback(update_every=0.1)).information_rate,
        PAIR.with_feedback(Feedback()).information_rate,
    ):
        with pytest.raises(ValueError, match=r"must be positive.*infinite"):
            ask()
    with pytest.raises(ValueError, match="lag = 0 ps"):
        information_flow_from_samples(np.eye(2), np.eye(2), 0, [0])
    noisy: Any = PAIR.with_feedback(Feedback(noise_density=0.01))
    with pytest.raises(ValueError, match="white noise"):
        noisy.entropy_pumping()
