"""Nonreciprocal networks: their limits, laws, cascades, rings and transients."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.integrate import solve_ivp

from analysis.mechanisms.figures import nonreciprocal_networks
from analysis.mechanisms.figures.nonreciprocal import PARTICLE, four_baths, three_baths
from analysis.mechanisms.nonreciprocal import NonreciprocalNetwork, chain, ring, transient
from analysis.model import BOLTZMANN
from tests.unit.test_currents import PAIR


def random_network(seed: int, **changes: Any) -> NonreciprocalNetwork:
    """Five particles, unlike in everything, weakly coupled in any way."""
    rng = np.random.default_rng(seed)
    couplings = rng.uniform(-0.02, 0.1, (5, 5)) * (1 - np.eye(5))
    given: dict[str, Any] = {
        "couplings": couplings,
        "mass": rng.uniform(0.5, 2, 5),
        "friction": rng.uniform(0.2, 1, 5),
        "trap": rng.uniform(0.2, 0.4, 5),
        "temperature": rng.uniform(50, 300, 5),
    }
    return NonreciprocalNetwork(**given | changes)


def test_two_particles_are_the_nanodemon() -> None:
    """Heat, work and fluctuations of a network of two are those of the paper's PAIR."""
    network = NonreciprocalNetwork(
        couplings=[[0, 0.1], [0.48, 0]], mass=1.225, friction=[0.2, 0.3], trap=0.01, temperature=[100, 120]
    )
    assert_allclose(network.heat_rates(), PAIR.heat_rates(), rtol=1e-12)
    assert_allclose(network.work_rates(), PAIR.work_rates(), rtol=1e-9)
    found, known = network.bath_currents(), PAIR.bath_currents()
    assert found.covariance is not None
    assert known.covariance is not None
    assert_allclose(found.covariance, known.covariance, rtol=1e-9)
    assert_allclose(found.cop, 1 / 3.8, rtol=1e-9)


@pytest.mark.parametrize("seed", range(4))
def test_laws_of_any_network(seed: int) -> None:
    """Each particle's heat is the work on it, links hand on what is not work, and entropy is produced."""
    network = random_network(seed)
    assert_allclose(network.heat_rates(), network.work_rates(), rtol=1e-8, atol=1e-12)
    power, passed = network.power_between(), network.link_currents()
    assert_allclose(passed, -passed.T)
    assert_allclose((passed.sum(0) + (power + power.T).sum(0) / 2), network.heat_rates(), rtol=1e-8, atol=1e-12)
    currents = network.bath_currents(fluctuations=False)
    assert currents.entropy_production > 0
    assert_allclose(currents.entropy_production * BOLTZMANN, network.entropy_production(), rtol=1e-8)


@pytest.mark.parametrize("seed", range(4))
def test_balance_of_any_network(seed: int) -> None:
    """With c_ij T_j = c_ji T_i nothing flows whatever masses and frictions are, and positions are k_B K⁻¹ T."""
    network = random_network(seed)
    shared = np.abs(np.asarray(network.couplings) + np.asarray(network.couplings).T)
    assert not network.in_balance()
    balanced = random_network(seed, couplings=100 * shared / network.temperatures)
    assert balanced.in_balance()
    assert np.abs(balanced.heat_rates()).max() < 1e-14
    positions = BOLTZMANN * np.linalg.solve(balanced.stiffness, np.diag(balanced.temperatures))
    assert_allclose(balanced.covariance()[:5, :5], positions, rtol=1e-9)


@pytest.mark.parametrize("seed", range(4))
def test_springs_cool_no_coldest_bath(seed: int) -> None:
    """With equal couplings no work is done, the coldest bath gains and the hottest loses: it takes a controller."""
    network = random_network(seed)
    springs = random_network(seed, couplings=np.asarray(network.couplings) + np.asarray(network.couplings).T)
    heats = springs.heat_rates()
    assert abs(heats.sum()) < 1e-12 * np.abs(heats).max()
    assert heats[springs.temperatures.argmin()] > 0 > heats[springs.temperatures.argmax()]


@pytest.mark.parametrize("n", [2, 3, 4])
def test_cascade_pumps_as_far_as_the_product_of_its_links(n: int) -> None:
    """Links of ratio r pump heat out of the coldest bath up to T_hottest/T_coldest = r^(n-1), where nothing flows at all."""
    limit = 2.0 ** (n - 1)
    for total, sign in ((0.9 * limit, -1), (1.1 * limit, 1)):
        assert np.sign(chain(np.geomspace(100, 100 * total, n).tolist(), 0.1, 2.0, **PARTICLE).heat_rates()[0]) == sign
    standing = chain(np.geomspace(100, 100 * limit, n).tolist(), 0.1, 2.0, **PARTICLE)
    assert standing.in_balance()
    assert np.abs(standing.heat_rates()).max() < 1e-15


def test_heat_from_the_coldest_to_the_hottest_bath() -> None:
    """Three baths, the middle one idle: work pays. Four baths of the reservoirs' paper: nobody does, and entropy grows."""
    three = three_baths()
    heats = three.heat_rates() * 1e3
    assert_allclose(heats, [-0.223983, 0, 0.967665], atol=2e-6)
    currents = three.bath_currents(fluctuations=False)
    assert_allclose([currents.work * 1e3, currents.cop, currents.bound], [0.743682, 0.301181, 1.0], rtol=1e-5)
    four = four_baths()
    heats = four.heat_rates() * 1e3
    assert_allclose(heats, [-0.056954, 0.650902, -1.106533, 0.512585], atol=2e-6)
    assert abs(heats.sum()) < 1e-12
    assert (heats / four.temperatures).sum() > 0
    # Without work three baths cannot: the middle one would take the difference, and entropy would fall.
    for hottest in np.linspace(0, 10, 11):
        assert -1 / 100 + (1 - hottest) / 150 + hottest / 200 < 0


def test_heat_circulates_in_a_ring_at_one_temperature() -> None:
    """Unlike couplings hand energy round although no bath is warmer; equal ones do not; the other way round it turns back."""
    forward, backward, equal = (ring(3, *c, 100.0, **PARTICLE) for c in ((0.2, 0.1), (0.1, 0.2), (0.1, 0.1)))
    passed = forward.link_currents()
    around = [passed[0, 1], passed[1, 2], passed[2, 0]]
    assert_allclose(around, 1.10551e-3, rtol=1e-5)
    assert_allclose(forward.heat_rates(), 7.37e-4, rtol=1e-3)
    assert_allclose(backward.link_currents(), -passed, rtol=1e-9, atol=1e-15)
    assert np.abs(equal.link_currents()).max() < 1e-18
    with pytest.raises(ValueError, match="particles = 2: a ring has 3"):
        ring(2, 0.1, 0.1, 100.0, **PARTICLE)


@pytest.mark.parametrize("strength", [1.0, 8.0], ids=["stable", "unstable"])
def test_transient_solves_the_equation_of_the_covariance(strength: float) -> None:
    """dC/dt = AC + CAᵀ + D by an independent integration, energy kept at every time, stable or growing."""
    network = ring(3, 0.1 * strength, 0.1, 100.0, **PARTICLE)
    assert network.is_stable == (strength == 1.0)
    time = np.linspace(0, 8, 401)
    run = transient(network, time)
    drift, noise = network.drift(), network.noise()

    def slope(_: float, flat: Any) -> Any:
        c = flat.reshape(6, 6)
        return (drift @ c + c @ drift.T + noise).ravel()

    known = solve_ivp(slope, (0, 8), network.uncoupled_start().ravel(), rtol=1e-10, atol=1e-12, t_eval=time[::100])
    assert_allclose(run.covariance[::100].reshape(-1, 36), known.y.T, rtol=1e-7, atol=1e-8)
    gained = np.trapezoid(run.work.sum(1) - run.heat.sum(1), time)
    assert_allclose(run.energy[-1] - run.energy[0], gained, rtol=1e-3)
    assert_allclose(run.effective_temperatures(network.masses)[0], 100.0, rtol=1e-12)


def test_uncoupled_particles_are_in_equilibrium_with_their_own_baths() -> None:
    """k_BT/κ of each position and k_BT/m of each velocity, with T of its bath, or a given one; then no particle has heat."""
    network = random_network(2, temperature=[100.0, 250.0], bath=[0, 1, 1, 0, 1])
    own = np.array([100.0, 250.0, 250.0, 100.0, 250.0])
    trap, mass = np.asarray(network.trap), np.asarray(network.mass)
    for given, temperature in ((None, own), (own + 5, own + 5), (70.0, np.full(5, 70.0))):
        start = network.uncoupled_start(given)
        assert_allclose(start, np.diag(BOLTZMANN * np.concatenate([temperature / trap, temperature / mass])))
    assert_allclose(transient(network, [0.0]).heat, 0.0, atol=1e-15)


def test_transient_ends_in_the_steady_state() -> None:
    """Late heats and works are the stationary ones, from any start; bath shared by two particles has one heat."""
    network = three_baths()
    late = transient(network, [1e4], start=2 * network.uncoupled_start(50.0))
    assert_allclose(late.heat[0], network.heat_rates(), rtol=1e-6, atol=1e-12)
    assert_allclose(late.work[0], network.work_rates(), rtol=1e-6, atol=1e-12)
    shared = random_network(1, temperature=[100.0, 200.0], bath=[0, 0, 1, 1, 1])
    assert_allclose(shared.heat_rates().sum(), shared.work_rates().sum(), rtol=1e-9)
    assert shared.heat_rates().shape == (2,)


def test_what_is_wrong_is_named_at_once() -> None:
    """Every wrong field is in one message; times and starts are checked too; unstable networks say why."""
    with pytest.raises(
        ValueError, match=r"diagonal must be 0; mass of shape \(3,\).*; temperature = \[0.0, 1.0\].*; bath = \[0\]"
    ):
        NonreciprocalNetwork(
            couplings=np.ones((2, 2)), mass=[1, 1, 1], friction=1, trap=1, temperature=[0.0, 1.0], bath=[0]
        )
    good: dict[str, Any] = {"couplings": [[0, 1], [1, 0]], "mass": 1, "friction": 1, "trap": 1, "temperature": [1, 2]}
    for name, value, said in (
        ("couplings", [[1, 1], [1, 0]], "the diagonal must be 0"),
        ("couplings", [[0, np.inf], [1, 0]], r"couplings of shape \(2, 2\): must be finite"),
        ("mass", 0.0, r"mass = 0.0: must be finite and positive"),
        ("friction", [1.0, -1.0], r"friction = \[1.0, -1.0\]: must be finite and positive"),
        ("trap", np.inf, r"trap = inf: must be finite$"),
        ("temperature", [1.0, np.inf], r"temperature = \[1.0, inf\] K"),
        ("bath", [0, 2], r"bath = \[0, 2\]: give one of 2 baths for each of 2 particles"),
        ("bath", [0, 0], r"bath = \[0, 0\]"),
    ):
        with pytest.raises(ValueError, match=said):
            NonreciprocalNetwork(**good | {name: value})
    NonreciprocalNetwork(**good | {"trap": -0.1})  # which strong couplings may hold
    with pytest.raises(ValueError, match=r"time = \[-1.0\] ps"):
        transient(three_baths(), [-1.0])
    with pytest.raises(ValueError, match=r"start of shape \(2, 2\)"):
        transient(three_baths(), [1.0], start=np.eye(2))
    with pytest.raises(ValueError, match=r"couplings .* in traps of .* too unlike: no steady state"):
        ring(3, 1.0, 0.1, 100.0, **PARTICLE).heat_rates()
    free = NonreciprocalNetwork(couplings=[[0, 1], [1, 0]], mass=1, friction=1, trap=[1, 0], temperature=[1, 1])
    with pytest.raises(ValueError, match=r"traps of \[1.0, 0.0\] eV/Å²: must be positive to confine"):
        free.uncoupled_start()


def test_figure_of_networks() -> None:
    """The drawn cascades change their sign where their balance is, and the ring's current is odd about equal couplings."""
    _, data = nonreciprocal_networks()
    for n in (2, 3):
        line = data[(data["quantity"] == "cooling") & (data["series"] == f"{n} particles")]
        assert_allclose(np.interp(0, -line["value"], line["x"]), 2.0 ** (n - 1), rtol=2e-3)
    passed = data[data["series"] == "passed on, 1 to 2"]["value"].to_numpy()
    assert_allclose(passed, -passed[::-1], atol=1e-12)
