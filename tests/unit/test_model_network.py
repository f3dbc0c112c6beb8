"""The general network: Lyapunov solution, correlations, entropy, currents of probability, refusals."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.linalg import expm

from analysis.model import BOLTZMANN, LangevinPair, LinearLangevin


def random_pair(rng: np.random.Generator, decades: float) -> LangevinPair:
    """A pair whose every parameter is log-uniform over so many decades (temperatures over two)."""
    m_c, m_h, g_c, g_h, k_c, k_h, k = 10 ** rng.uniform(-decades / 2, decades / 2, 7)
    t_c, t_h = 10 ** rng.uniform(1, 3, 2)
    return LangevinPair(
        mass=(m_c, m_h),
        friction_cold=g_c,
        friction_hot=g_h,
        trap=k,
        coupling_cold=k_c,
        coupling_hot=k_h,
        temperature_cold=t_c,
        temperature_hot=t_h,
    )


def chain(rng: np.random.Generator) -> LinearLangevin:
    """Three velocities, two coordinates, three baths: one of them sits between two bodies; nonreciprocal springs."""
    stiffness = np.array([[2.0, -0.7], [-0.2, 1.5], [0.3, 0.1]]) * rng.uniform(0.8, 1.2, (3, 2))
    frictions = np.zeros((3, 3, 3))
    frictions[0, 0, 0], frictions[1, 2, 2] = rng.uniform(0.2, 2, 2)
    frictions[2, 1:, 1:] = rng.uniform(0.2, 2) * np.array([[1, -1], [-1, 1]])
    return LinearLangevin(
        masses=rng.uniform(0.5, 2, 3), stiffness=stiffness, frictions=frictions, temperatures=rng.uniform(50, 200, 3)
    )


@pytest.mark.filterwarnings("ignore:Input:RuntimeWarning")  # SciPy perturbs the worst systems; refinement mends it
@pytest.mark.parametrize("decades", [2.0, 5.0, 10.0])
def test_covariance_solves_the_lyapunov_equation(decades: float) -> None:
    """In units of the fluctuations themselves, the residual is below 1e-12 of its terms over ten decades of parameters."""
    rng = np.random.default_rng(1)
    for _ in range(60):
        pair = random_pair(rng, decades)
        c = pair.covariance()
        spread = np.sqrt(np.diag(c))
        a = pair.drift() * spread / spread[:, None]
        c, d = (x / np.outer(spread, spread) for x in (c, pair.noise()))
        residual = np.linalg.norm(a @ c + c @ a.T + d)
        assert residual < 1e-12 * np.linalg.norm(a) * np.linalg.norm(c)


def test_covariance_agrees_with_a_long_propagation() -> None:
    """Stepping the exact propagator from rest for a long time, many copies at once, gives the covariance (z-scores)."""
    network = chain(np.random.default_rng(2))
    a, c = network.drift(), network.covariance()
    d = len(a)
    # Noise of one step by quadrature of its definition, so that C itself does not enter the propagation.
    h, (nodes, weights) = 0.5, np.polynomial.legendre.leggauss(20)
    flows = expm(((nodes + 1) * h / 2)[:, None, None] * a)
    noise = np.einsum("q,qij,jk,qlk->il", weights * h / 2, flows, network.noise(), flows)
    values, vectors = np.linalg.eigh(noise)
    step, root = expm(a * h), vectors * np.sqrt(np.maximum(values, 0))
    rng = np.random.default_rng(3)
    copies = 40_000
    r = np.zeros((copies, d))
    for _ in range(150):
        r = r @ step.T + rng.standard_normal((copies, d)) @ root.T
    error = np.sqrt((np.outer(np.diag(c), np.diag(c)) + c**2) / copies)
    z = ((r.T @ r / copies - c) / error)[np.triu_indices(d)]
    assert np.abs(z).max() < 4
    assert np.sqrt(np.mean(z**2)) > 0.2


def test_equilibrium_of_many_bodies_is_boltzmann() -> None:
    """With one temperature and reciprocal springs: equipartition, <XXᵀ> = k_BT K⁻¹, no heat, no probability current."""
    stiffness = np.array([[3.0, -1.0], [-1.0, 2.0]])
    frictions = np.array([[[1.0, 0.0], [0.0, 0.0]], [[0.5, -0.5], [-0.5, 0.9]]])
    network = LinearLangevin(masses=[1.0, 3.0], stiffness=stiffness, frictions=frictions, temperatures=[90.0, 90.0])
    thermal = BOLTZMANN * 90
    expected = np.block([[thermal * np.linalg.inv(stiffness), np.zeros((2, 2))], [np.zeros((2, 2)), np.zeros((2, 2))]])
    expected[2:, 2:] = thermal * np.diag([1.0, 1 / 3])
    assert_allclose(network.covariance(), expected, atol=1e-15)
    assert_allclose(network.heat_rates(), 0, atol=1e-17)
    assert_allclose(network.irreversible_drift(), 0, atol=1e-13)


def test_first_law_with_a_bath_between_two_bodies() -> None:
    """All heat given to the baths is the work of the non-conservative part of the springs, whatever the contacts."""
    network = chain(np.random.default_rng(4))
    p = network.coordinates
    symmetric = np.tril(network.stiffness[:p]) + np.tril(network.stiffness[:p], -1).T
    force = -network.stiffness.copy()
    force[:p] += symmetric
    power = np.sum(force * network.covariance()[p:, :p])
    assert_allclose(network.heat_rates().sum(), power, rtol=1e-12)


def test_entropy_production_is_what_the_probability_currents_dissipate() -> None:
    """Σ Q_b/T_b equals k_B Σ <u_bᵀ (D_b/2)⁺ u_b>, a sum of squares: the second law for every network and any parameters."""
    rng = np.random.default_rng(5)
    for _ in range(50):
        network = chain(rng)
        c, p = network.covariance(), network.coordinates
        currents = network.noise_by_bath() @ np.linalg.inv(c) / 2
        currents[:, p:, p:] -= network.frictions / network.masses[:, None]
        assert_allclose(network.irreversible_drift(), currents, atol=1e-10)
        inverse = np.linalg.pinv(network.noise_by_bath() / 2, rcond=1e-10)
        dissipated = BOLTZMANN * np.einsum("bij,bik,bjl,kl->", inverse, currents, currents, c)
        assert_allclose(network.entropy_production(), dissipated, rtol=1e-9)
        assert_allclose(network.entropy_production(), np.sum(network.heat_rates() / network.temperatures), rtol=1e-9)
        assert dissipated > 0


def test_correlation_is_stationary_and_time_reverses_by_transposing() -> None:
    """C(0) = C, C(-τ) = C(τ)ᵀ, dC/dτ = A C(τ), for lags of any shape."""
    network = chain(np.random.default_rng(6))
    lags = np.array([[0.0, 0.4], [-0.4, 1.7]])
    c = network.correlation(lags)
    assert c.shape == (2, 2, 5, 5)
    assert_allclose(c[0, 0], network.covariance(), rtol=1e-13)
    assert_allclose(c[1, 0], c[0, 1].T, rtol=1e-13)
    slope = (network.correlation(1.7 + 1e-4) - network.correlation(1.7 - 1e-4)) / 2e-4
    assert_allclose(slope, network.drift() @ c[1, 1], rtol=1e-6, atol=1e-9)


def test_sampled_covariance_is_that_of_two_samples() -> None:
    """Mid-points and displacements per interval have the covariance that C(dt) gives; short intervals lose no digit."""
    network = chain(np.random.default_rng(7))
    p, dt = network.coordinates, 0.8
    now, later = network.covariance()[:p, :p], network.correlation(dt)[:p, :p]
    joint = np.block([[now, later.T], [later, now]])
    one = np.eye(p)
    combine = np.block([[one / 2, one / 2], [-one / dt, one / dt]])
    assert_allclose(network.sampled_covariance(dt), combine @ joint @ combine.T, rtol=1e-10, atol=1e-14)
    assert_allclose(network.sampled_covariance(1e-7), network.sampled_covariance(), rtol=1e-6, atol=1e-9)
    assert_allclose(network.sampled_covariance(), network.covariance()[: 2 * p, : 2 * p])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"masses": [1.0, 0.0]}, "masses = [1.0, 0.0]"),
        ({"temperatures": [np.nan]}, "temperatures = [nan]"),
        ({"stiffness": [[1.0, 0.0]]}, "stiffness of shape (1, 2)"),
        ({"frictions": np.eye(2)}, "frictions of shape (2, 2)"),
        ({"frictions": [[[1.0, 0.0], [0.0, -1.0]]]}, "frictions[0]"),
        ({"frictions": [[[1.0, 0.5], [0.0, 1.0]]]}, "frictions[0]"),
        ({"frictions": [[[1.0, 0.0], [0.0, 0.0]]]}, "coupled to no bath"),
    ],
)
def test_unphysical_networks_are_refused_by_name(change: dict[str, Any], message: str) -> None:
    """Each impossible input raises at construction and names the argument at fault."""
    good: dict[str, Any] = {
        "masses": [1.0, 1.0],
        "stiffness": np.eye(2),
        "frictions": [np.eye(2)],
        "temperatures": [1.0],
    }
    LinearLangevin(**good)
    with pytest.raises(ValueError, match=re.escape(message)):
        LinearLangevin(**good | change)


def test_a_network_keeps_its_own_numbers() -> None:
    """What it was made of may be changed afterwards, without changing it; its own arrays may not, and whole numbers will do."""
    given = {
        "masses": np.array([1.0, 2.0]),
        "stiffness": np.array([[2.0, -0.5], [-0.5, 1.0]]),
        "frictions": np.array([[[0.3, 0.0], [0.0, 0.0]], [[0.0, 0.0], [0.0, 0.4]]]),
        "temperatures": np.array([100.0, 120.0]),
        "links": np.zeros((2, 2, 2)),
    }
    network = LinearLangevin(**given)
    for name, values in given.items():
        assert values.flags.writeable, name
        values += 1.0
        with pytest.raises(ValueError, match="read-only"):
            getattr(network, name)[...] = 1.0
        np.testing.assert_allclose(getattr(network, name), values - 1.0, atol=1e-15)
    whole = LinearLangevin(masses=[1], stiffness=[[2]], frictions=[[[3]], [[1]]], temperatures=[100, 120])
    halves = LinearLangevin(masses=[1.0], stiffness=[[2.0]], frictions=[[[3.0]], [[1.0]]], temperatures=[100.0, 120.0])
    np.testing.assert_array_equal(whole.heat_rates(), halves.heat_rates())


def test_unstable_network_says_so() -> None:
    """A network with a growing mode may be asked for its stability; a steady state it refuses."""
    network = LinearLangevin(masses=[1.0], stiffness=[[-1.0]], frictions=[[[1.0]]], temperatures=[1.0])
    stability = network.stability()
    assert not stability.is_stable
    assert_allclose(stability.worst, (np.sqrt(5) - 1) / 2)
    with pytest.raises(ValueError, match=r"stiffness.*eigenvalue 0\.618"):
        network.covariance()
