"""Counting statistics of bosonic networks against scattering theory, symmetries, and D5 to D7 of the paper."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.integrate import quad

from analysis.mechanisms.bosons import LinearBosons
from analysis.mechanisms.cascaded import CascadedOscillators, closed_form_heat_flows
from analysis.mechanisms.counting import (
    cumulant_function,
    least_uncertainty_product,
    moments,
    uncertainty_product,
)
from analysis.model.lyapunov import Array
from tests.unit.cascaded import EQUAL, EXACT, UNEQUAL

BIASES = [(0.05, 0.0, 0.0), (-0.05, 0.03, 0.01), (0.0, 0.0, -0.1), (0.08, -0.1, 0.2)]


def scattering_formula(network: LinearBosons, bias: Array) -> float:
    """θ(s) = -∫ ln det[1 - N̄ (S† e^{-s} S e^{s} - 1)] dω/2π, from what the baths send in and get back (Levitov, bosons)."""
    baths = len(bias)

    def integrand(frequency: float) -> float:
        s = network.scattering(frequency)
        counted = s.conj().T @ np.diag(np.exp(-bias)) @ s @ np.diag(np.exp(bias))
        inside = np.eye(baths) - np.diag(network.bath_occupations) @ (counted - np.eye(baths))
        return -float(np.log(np.linalg.det(inside).real)) / (2 * np.pi)

    return float(quad(integrand, -np.inf, np.inf, epsabs=1e-12, epsrel=1e-11, limit=400)[0])


@pytest.mark.parametrize("bias", BIASES)
def test_riccati_equation_is_scattering_theory(bias: tuple[float, ...]) -> None:
    """The biased Riccati equation gives the large-deviation function of scattering theory, for any set of counted baths."""
    assert_allclose(cumulant_function(UNEQUAL, bias), scattering_formula(UNEQUAL, np.array(bias)), rtol=1e-8)


def test_moments_are_derivatives() -> None:
    """Mean and covariance are the first two derivatives of θ at 0, by central differences of the fourth order."""
    found, h = moments(UNEQUAL), 4e-3

    def along(direction: Array) -> tuple[float, float]:
        theta = [cumulant_function(UNEQUAL, k * h * direction) for k in (-2, -1, 1, 2)]
        return np.dot([1, -8, 8, -1], theta) / (12 * h), np.dot([-1, 16, 16, -1], theta) / (12 * h**2)

    for direction in np.vstack([np.eye(3), 1 - np.eye(3)]):
        first, second = along(direction)
        assert_allclose(first, -direction @ found.mean, rtol=1e-6)
        assert_allclose(second, direction @ found.covariance @ direction, rtol=1e-6)


def test_first_moment_is_the_heat_flow() -> None:
    """D5 to D7: the mean counts are the heat flows, also in closed form."""
    assert_allclose(moments(EQUAL).mean, closed_form_heat_flows(EQUAL), rtol=EXACT)
    assert_allclose(moments(UNEQUAL).mean, UNEQUAL.heat_flows(), rtol=EXACT)


def test_no_quantum_is_lost() -> None:
    """Counted in all baths alike the sum never fluctuates: θ(s, s, s) = 0, and the covariance has rows that add up to 0."""
    for bias in (-0.5, 0.1, 3.0):
        assert_allclose(cumulant_function(UNEQUAL, [bias] * 3), 0.0, atol=1e-11)
    found = moments(UNEQUAL)
    assert_allclose(found.covariance.sum(axis=0), 0.0, atol=EXACT * 10)
    assert_allclose(found.covariance, found.covariance.T, rtol=EXACT)


def test_one_bath_alone_counts_nothing() -> None:
    """A mode with one bath exchanges no more quanta than it holds: no mean, no variance, θ = 0 at any bias."""
    alone = LinearBosons(hamiltonian=[[0.3]], couplings=[[1.0]], bath_occupations=[0.5])
    assert_allclose(moments(alone).covariance, 0.0, atol=EXACT)
    assert_allclose([cumulant_function(alone, [s]) for s in (-0.2, 0.1, 2.0)], 0.0, atol=EXACT)


@pytest.mark.parametrize("bias", BIASES)
def test_fluctuation_theorem_of_the_reversed_machine(bias: tuple[float, ...]) -> None:
    """θ(s) of the machine is θ(ln(1 + 1/N̄) - s) of its reverse, whose phases have the opposite sign (Gallavotti–Cohen)."""
    reverse = LinearBosons(
        hamiltonian=UNEQUAL.hamiltonian.conj(),
        couplings=UNEQUAL.couplings.conj(),
        bath_occupations=UNEQUAL.bath_occupations,
    )
    mirrored = np.log1p(1 / UNEQUAL.bath_occupations) - np.array(bias)
    assert_allclose(cumulant_function(reverse, mirrored), cumulant_function(UNEQUAL, bias), rtol=1e-9)
    # The machine itself does not have the symmetry: it is not its own reverse.
    assert abs(cumulant_function(UNEQUAL, mirrored) / cumulant_function(UNEQUAL, bias) - 1) > 1e-3


def test_bias_out_of_range_is_refused() -> None:
    """Where the weight has no finite mean there is no θ: the scattering formula's determinant has become negative."""
    with pytest.raises(ValueError, match=r"bias = \[-3\.0, 0\.0, 0\.0\]"):
        cumulant_function(UNEQUAL, [-3, 0, 0])
    with pytest.raises(ValueError, match="no finite weight"):
        cumulant_function(UNEQUAL, [3, 0, 0])
    with pytest.raises(ValueError, match=r"bias = \[0\.1\]: give one finite number for each of 3 baths"):
        cumulant_function(UNEQUAL, [0.1])
    with pytest.raises(ValueError, match=r"bias = \[inf, 0\.0, 0\.0\]: give one finite number"):
        cumulant_function(UNEQUAL, [np.inf, 0.0, 0.0])


def test_nonreciprocity_undercuts_the_uncertainty_relation() -> None:
    """Near equilibrium variance times entropy over mean² is at least 2 if reciprocal, 15/8 at F = 0 and equal rates."""
    reciprocal = replace(EQUAL, hopping=-0.5j)
    assert_allclose(reciprocal.conductances(), reciprocal.conductances().T, atol=EXACT)
    assert_allclose(least_uncertainty_product(reciprocal), 2.0, rtol=1e-9)
    assert_allclose(least_uncertainty_product(EQUAL), 15 / 8, rtol=1e-9)
    best = replace(EQUAL, loss_1=2.0, loss_2=2.0, hopping=0.5j)
    assert_allclose(least_uncertainty_product(best), 50 / 27, rtol=1e-9)
    rng = np.random.default_rng(11)
    for _ in range(30):
        changed = {name: getattr(best, name) * rng.lognormal(sigma=0.1) for name in ("loss_1", "loss_2", "channel_1")}
        hopping = best.hopping + complex(*rng.normal(scale=0.1, size=2))
        near = replace(best, **changed, hopping=hopping, detuning=rng.normal(scale=0.1))
        assert np.all(least_uncertainty_product(near) > 50 / 27)


def test_least_uncertainty_is_reached_and_not_passed() -> None:
    """Some small difference of the baths has the least uncertainty product, by the exact moments, and none has less."""
    rng = np.random.default_rng(7)
    least = least_uncertainty_product(EQUAL)
    found = np.array([uncertainty_product(near_equilibrium(*rng.normal(size=2))) for _ in range(30)])
    # Differences of 1e-3 of N̄ move the product by as much.
    assert np.all(found > least * (1 - 2e-3))
    angles = np.linspace(0, np.pi, 91)
    best = np.min([uncertainty_product(near_equilibrium(np.cos(a), np.sin(a))) for a in angles], axis=0)
    assert_allclose(best, least, rtol=2e-3)


def near_equilibrium(x: float, y: float) -> CascadedOscillators:
    """Baths 1 and 2 a little off N̄ = 3."""
    return replace(EQUAL, occupation_1=3 * (1 + 1e-3 * x), occupation_2=3 * (1 + 1e-3 * y), occupation_3=3.0)
