"""The pair whose particles drag bodies along: its friction at every frequency, limits that are known, refusals."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

from analysis.model import BOLTZMANN, LangevinPair, Mode, PairWithBodies

PAIR = PairWithBodies(
    mass=(1.225, 1.4),
    friction_cold=0.3,
    friction_hot=0.2,
    body_frictions_cold=(1.2, 0.1),
    body_times_cold=(1.0, 9.0),
    body_frictions_hot=(0.7,),
    body_times_hot=(0.4,),
    trap=0.01,
    coupling_cold=0.1,
    coupling_hot=0.48,
    temperature_cold=100.0,
    temperature_hot=120.0,
)
OMEGA = np.array([0.0, 1e-3, 0.07, 0.5, 3.0, 40.0, 1e4])


@pytest.mark.parametrize("side", [0, 1])
def test_particle_feels_the_friction_of_the_formula(side: int) -> None:
    """With the bodies eliminated from the network's matrices the particle is left with γ(ω) = g₀ + Σ c (-iωτ)/(1 - iωτ)."""
    contact = PAIR.frictions[side]
    kept = np.delete(np.arange(len(contact)), [0, 1])
    for omega in OMEGA:
        inner = PAIR.frictions.sum(axis=0)[np.ix_(kept, kept)] - 1j * omega * np.diag(PAIR.masses[kept])
        felt = contact[side, side] - contact[side, kept] @ np.linalg.solve(inner, contact[kept, side])
        bodies = [((1.2, 1.0), (0.1, 9.0)), ((0.7, 0.4),)][side]
        formula = (0.3, 0.2)[side] + sum(c * (-1j * omega * tau) / (1 - 1j * omega * tau) for c, tau in bodies)
        assert_allclose(felt, formula, rtol=1e-12)
        assert_allclose(PAIR.friction(side, omega), formula, rtol=1e-14)
    assert contact[side, 1 - side] == 0
    assert PAIR.friction(side, OMEGA.reshape(7, 1)).shape == (7, 1)
    slow, *_, fast = PAIR.friction(side, OMEGA)
    assert slow == (0.3, 0.2)[side]
    assert fast == pytest.approx((0.3 + 1.3, 0.2 + 0.7)[side], rel=1e-3)


def test_bodies_are_of_their_own_side() -> None:
    """State, masses c τ and baths: the cold bodies come first, each touches its own particle and bath alone."""
    assert_allclose(PAIR.masses, [1.225, 1.4, 1.2, 0.9, 0.28])
    assert PAIR.coordinates == 2
    cold, hot = PAIR.frictions
    assert_allclose(
        cold, np.array([[1.6, 0, -1.2, -0.1, 0], [0.0] * 5, [-1.2, 0, 1.2, 0, 0], [-0.1, 0, 0, 0.1, 0], [0.0] * 5])
    )
    expected = np.zeros((5, 5))
    expected[np.ix_([1, 4], [1, 4])] = [[0.9, -0.7], [-0.7, 0.7]]
    assert_allclose(hot, expected)
    assert_allclose(PAIR.stiffness, np.array([[0.11, -0.1], [-0.48, 0.49], [0, 0], [0, 0], [0, 0]]))


def test_without_bodies_it_is_the_papers_pair() -> None:
    """To the last digit."""
    bare = replace(PAIR, body_frictions_cold=(), body_times_cold=(), body_frictions_hot=(), body_times_hot=())
    white = LangevinPair(
        mass=(1.225, 1.4),
        friction_cold=0.3,
        friction_hot=0.2,
        trap=0.01,
        coupling_cold=0.1,
        coupling_hot=0.48,
        temperature_cold=100.0,
        temperature_hot=120.0,
    )
    for matrix in ("drift", "noise", "covariance", "heat_rates"):
        assert np.array_equal(getattr(bare, matrix)(), getattr(white, matrix)())


def test_bodies_without_mass_are_not_felt_and_heavy_ones_stand_still() -> None:
    """As τ → 0 a particle has g₀ alone; as τ → ∞ the body is a wall, and the particle has g₀ + c."""
    white: dict[str, Any] = {
        "trap": 0.01,
        "coupling_cold": 0.1,
        "coupling_hot": 0.48,
        "temperature_cold": 100.0,
        "temperature_hot": 120.0,
    }
    for time, friction in ((1e-4, 0.3), (1e7, 0.8)):
        dressed = PairWithBodies(
            mass=1.2,
            friction_cold=0.3,
            friction_hot=0.3,
            body_frictions_cold=(0.5,),
            body_frictions_hot=(0.5,),
            body_times_cold=(time,),
            body_times_hot=(time,),
            **white,
        )
        pair = LangevinPair(mass=1.2, friction_cold=friction, friction_hot=friction, **white)
        assert_allclose(dressed.heat_rates(), pair.heat_rates(), rtol=1e-3)
        assert_allclose(dressed.covariance()[:4, :4], pair.covariance(), rtol=1e-3, atol=1e-6)


def test_first_and_second_law() -> None:
    """Each bath gets the work on its particle; in equilibrium all bodies have their bath's temperature and nothing flows."""
    assert PAIR.mode() is Mode.REFRIGERATOR
    assert_allclose(PAIR.heat_rates(), PAIR.work_rates(), rtol=1e-10)
    assert PAIR.entropy_production() > 0
    assert_allclose(PAIR.entropy_production(), PAIR.heat_rates() @ (1 / PAIR.temperatures), rtol=1e-10)
    still = replace(PAIR, coupling_hot=0.1, temperature_hot=100.0)
    assert_allclose(still.heat_rates(), 0, atol=1e-18)
    covariance = still.covariance()
    assert_allclose(covariance[2:, 2:], np.diag(BOLTZMANN * 100.0 / still.masses), atol=1e-15)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"body_times_cold": (1.0,)},
            r"body_frictions_cold = \(1.2, 0.1\) and body_times_cold = \(1.0,\): give each body one",
        ),
        ({"body_times_hot": (0.0,)}, r"body_times_hot = \(0.0,\) ps: must be a positive finite number"),
        ({"body_frictions_hot": (-1.0,)}, r"body_frictions_hot = \(-1.0,\) eV ps/Å²: must be a positive finite number"),
        ({"friction_cold": 0.0}, r"friction_cold = 0.0 eV ps/Å²: must be a positive finite number"),
    ],
)
def test_wrong_values_are_named(changes: dict[str, object], message: str) -> None:
    """With their field."""
    with pytest.raises(ValueError, match=message):
        replace(PAIR, **changes)  # type: ignore[arg-type]
