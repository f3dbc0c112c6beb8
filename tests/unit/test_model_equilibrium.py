"""Equilibrium correlations of one trapped particle, against the matrix exponential and known limits."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from analysis.model import BOLTZMANN, LinearLangevin
from analysis.model.equilibrium import (
    angular_frequency,
    correlations,
    dragged_velocity,
    sampled_velocity_correlation,
)

MASS, STIFFNESS = 1.225, 0.01
CRITICAL = 2 * np.sqrt(MASS * STIFFNESS)
LAGS = np.linspace(-60.0, 60.0, 49)


def particle(friction: float) -> LinearLangevin:
    """One particle in one bath at 100 K."""
    return LinearLangevin(masses=[MASS], stiffness=[[STIFFNESS]], frictions=[[[friction]]], temperatures=[100.0])


@pytest.mark.parametrize("damping", [0.01, 0.5, 0.999999, 1.0, 1.000001, 3.0, 100.0])
def test_correlations_agree_with_the_matrix_exponential(damping: float) -> None:
    """All three correlations, at lags of either sign, in every damping regime and on both sides of the critical one."""
    friction = damping * CRITICAL
    exact = particle(friction).correlation(LAGS)
    thermal = BOLTZMANN * 100.0
    found = correlations(LAGS, mass=MASS, friction=friction, stiffness=STIFFNESS)
    assert_allclose(found.position, exact[:, 0, 0] * STIFFNESS / thermal, atol=1e-12)
    assert_allclose(found.velocity, exact[:, 1, 1] * MASS / thermal, atol=1e-12)
    # <X(0) V(τ)> is the element (V, X) of <r(τ) r(0)ᵀ>.
    assert_allclose(found.cross, exact[:, 1, 0] * np.sqrt(STIFFNESS * MASS) / thermal, atol=1e-12)


def test_strong_damping_keeps_its_digits() -> None:
    """Far overdamped, the position decays as exp(-κτ/γ) although the two rates differ by ten decades."""
    friction = 1e5 * CRITICAL
    tau = friction / STIFFNESS * np.array([0.5, 1.0, 3.0])
    found = correlations(tau, mass=MASS, friction=friction, stiffness=STIFFNESS)
    assert_allclose(found.position, np.exp([-0.5, -1.0, -3.0]), rtol=1e-9)
    assert_allclose(found.velocity, -found.position * STIFFNESS * MASS / friction**2, rtol=1e-9)


def test_frequency_is_real_at_the_papers_numbers() -> None:
    """ω₁ has γ²/4m²: real for the paper's own particle, where the printed γ²/m² makes it imaginary."""
    friction = 0.218453
    assert angular_frequency(MASS, friction, STIFFNESS).imag == 0.0
    assert STIFFNESS / MASS - (friction / MASS) ** 2 < 0


def test_sampled_velocity_is_the_second_difference_of_position() -> None:
    """Velocities from 1 ps differences correlate as the sampled pair of samples says; short intervals give V itself."""
    friction = 0.2
    parameters = {"mass": MASS, "friction": friction, "stiffness": STIFFNESS}
    exact = particle(friction)
    c = exact.correlation(np.array([0.0, 1.0, 2.0, 3.0, 4.0]))[:, 0, 0]
    expected = (2 * c[3] - c[2] - c[4]) / (2 * c[0] - 2 * c[1])
    assert_allclose(sampled_velocity_correlation(3.0, 1.0, **parameters), expected, rtol=1e-12)
    short = sampled_velocity_correlation(LAGS, 1e-3, **parameters)
    assert_allclose(short, correlations(LAGS, **parameters).velocity, atol=2e-4)


def test_dragged_particle_reaches_its_terminal_velocity() -> None:
    """Pulled by F it starts with acceleration F/m and ends at F/γ."""
    assert_allclose(dragged_velocity(1e4, force=0.5, mass=MASS, friction=0.2), 2.5, rtol=1e-12)
    assert_allclose(dragged_velocity(1e-6, force=0.5, mass=MASS, friction=0.2), 0.5e-6 / MASS, rtol=1e-6)


def test_bad_parameters_are_named() -> None:
    """A friction that is not positive is refused by name."""
    with pytest.raises(ValueError, match="friction = 0"):
        correlations(LAGS, mass=MASS, friction=0.0, stiffness=STIFFNESS)
