"""The uncertainty relation: power of the whole force and of its parts, what is gathered over time, and where 2 k_B/ΔS fails."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.integrate import quad
from scipy.linalg import expm, solve_continuous_lyapunov
from scipy.optimize import brentq

from analysis.model import BOLTZMANN, Current, LangevinPair, Refrigerator, covariance_over
from analysis.model.optimum import first_minimum
from analysis.model.refrigerator import Force, Target
from analysis.model.uncertainty import GATHERED, gathered_over_bound, sampled_over_bound
from simulation.engines.langevin import propagate_pair
from tests.unit.pairs import DRESSED, PAIR
from tests.unit.synthetic import Truth, propagate

UNLIKE = replace(PAIR, mass=(0.8, 2.0), friction_hot=0.05, coupling_hot=0.02)
FORCES: tuple[Force, ...] = ("cross", "full", "antisymmetric")
TARGETS: tuple[Target, ...] = ("cold", "hot", "total")


def force_matrix(machine: Refrigerator, force: Force) -> np.ndarray:
    """The force's matrix, written out here once more from what the controller does."""
    kc, kh = machine.coupling_cold, machine.coupling_hot
    whole = np.array([[-kc, kc], [kh, -kh]])
    forces: dict[str, np.ndarray] = {"full": whole, "cross": whole - np.diag(np.diag(whole))}
    return (whole - whole.T) / 2 if force == "antisymmetric" else forces[force]


def at(ratio: float) -> LangevinPair:
    """The paper's pair at this κ_H/κ_C."""
    return replace(PAIR, coupling_hot=ratio * PAIR.coupling_cold)


@pytest.mark.parametrize("machine", [PAIR, UNLIKE, DRESSED])
def test_antisymmetric_force_is_what_has_no_potential(machine: Refrigerator) -> None:
    """Round any loop it does the work of the whole force, the rest none; it vanishes when the coupling is reciprocal."""
    whole, part = (machine.controller_force(force) for force in ("full", "antisymmetric"))
    assert_allclose(part, (whole - whole.T) / 2, rtol=1e-15)
    assert_allclose(whole - part, (whole - part).T, rtol=1e-15)
    turn = np.linspace(0, 2 * np.pi, 2001)
    loop = np.stack([1.5 * np.cos(turn) + 0.3, 0.7 * np.sin(turn) - 0.2])
    middle, step = (loop[:, 1:] + loop[:, :-1]) / 2, np.diff(loop)
    round_trip = [float(np.sum((force @ middle) * step)) for force in (whole, part, whole - part)]
    area = np.pi * 1.5 * 0.7
    assert_allclose(round_trip[:2], (machine.coupling_hot - machine.coupling_cold) * area, rtol=1e-5)
    assert abs(round_trip[2]) < 1e-12
    reciprocal = replace(machine, coupling_hot=machine.coupling_cold)  # type: ignore[type-var]
    assert not reciprocal.controller_force("antisymmetric").any()
    with pytest.raises(ValueError, match="quadratic form is zero"):
        reciprocal.power_distribution("total", 1.0, "antisymmetric")


def test_numbers_of_the_papers_pair() -> None:
    """Total power at 4.80: ratios to the bound at 1 ps, and the intervals below which each force undercuts it."""
    ratios = [PAIR.power_uncertainty("total", 1.0, force) / PAIR.uncertainty_bound(1.0) for force in FORCES]
    assert_allclose(ratios, [98.8, 3.95, 14.5], rtol=4e-3)
    for force, below in (("cross", 0.0104), ("full", 0.2315), ("antisymmetric", 0.0681)):

        def excess(dt: float, force: Force = force) -> float:  # type: ignore[assignment]
            return PAIR.power_uncertainty("total", dt, force) / PAIR.uncertainty_bound(dt) - 1

        assert excess(0.9 * below) < 0 < excess(1.1 * below)
        assert_allclose(brentq(excess, 1e-3, 1.0), below, rtol=3e-3)


@pytest.mark.parametrize("force", FORCES)
@pytest.mark.parametrize(("machine", "dt"), [(PAIR, 1.0), (UNLIKE, 0.4), (DRESSED, 1.0)])
def test_moments_of_sampled_power_follow_from_two_positions(machine: Refrigerator, dt: float, force: Force) -> None:
    """Mean and variance of F X̄·ΔX/dt by Wick's theorem on the two positions, without the law and its covariances."""
    # SciPy's plain solver and exponential are good enough at these rates.
    c = solve_continuous_lyapunov(machine.drift(), -machine.noise())
    now, later = c[:2, :2], (expm(machine.drift() * dt) @ c)[:2, :2]
    joint = np.block([[now, later.T], [later, now]])
    half, step = np.hstack([np.eye(2), np.eye(2)]) / 2, np.hstack([-np.eye(2), np.eye(2)]) / dt
    for target, sides in zip(TARGETS, ([0], [1], [0, 1]), strict=True):
        form = step[sides].T @ force_matrix(machine, force)[sides] @ half
        spread = (form + form.T) / 2 @ joint
        law = machine.power_distribution(target, dt, force)
        assert_allclose([law.mean(), law.var()], [np.trace(spread), 2 * np.trace(spread @ spread)], rtol=1e-7)
        found = machine.power_uncertainty(target, dt, force)
        assert_allclose(found, 2 * np.trace(spread @ spread) / np.trace(spread) ** 2, rtol=1e-6)


def test_sampled_power_of_a_propagated_path() -> None:
    """Positions of an exact path, one ps apart, have the mean and the variance of the power of each force (z-scores)."""
    path = propagate_pair(PAIR, 1.0, 400_000, 1, np.random.default_rng(31))[0][:, :2]
    middle, speed = (path[1:] + path[:-1]) / 2, np.diff(path, axis=0)
    for force in FORCES:
        powers = (middle @ force_matrix(PAIR, force).T) * speed
        for target, power in zip(TARGETS, (powers[:, 0], powers[:, 1], powers.sum(axis=1)), strict=True):
            law = PAIR.power_distribution(target, 1.0, force)
            for values, exact in ((power, law.mean()), ((power - law.mean()) ** 2, law.var())):
                # A thousand blocks of 400 ps, many times the memory of the slowest mode.
                blocks = values.reshape(1000, -1).mean(axis=1)
                assert abs(blocks.mean() - exact) < 4 * blocks.std() / math.sqrt(1000), (force, target)


def test_forces_do_one_mean_work() -> None:
    """Instantaneous powers of all forces have one mean in total; the antisymmetric one gives half of it to each particle."""
    for machine in (PAIR, UNLIKE, DRESSED):
        total = machine.work_rates().sum()
        for force in FORCES:
            assert_allclose(machine.power_distribution("total", None, force).mean(), total, rtol=1e-8)
            assert_allclose(machine.flow_rates(force)[:2].sum(), total, rtol=1e-10)
        assert_allclose(machine.flow_rates("antisymmetric")[:2], [total / 2, total / 2], rtol=1e-9)
        assert_allclose(machine.flow_rates("cross"), machine.flow_rates("full"), rtol=1e-9)


def test_what_diverges_is_infinite_and_the_rest_has_a_limit() -> None:
    """Total power at κ_H = κ_C, all power at the pseudo-equilibrium; ratios to the bound tend to the limits from both sides."""
    balance, reciprocal = at(1.2), at(1.0)
    for force in FORCES:
        assert all(math.isinf(balance.power_uncertainty(target, 1.0, force)) for target in TARGETS)
        limits = sampled_over_bound(balance, TARGETS, 1.0, force)
        for side in (1 - 1e-4, 1 + 1e-4):
            near = sampled_over_bound(at(1.2 * side), TARGETS, 1.0, force)
            assert_allclose(near, limits, rtol=3e-3)
    assert math.isinf(balance.uncertainty_bound(1.0))
    assert 1e8 < at(1.2 * (1 + 1e-5)).uncertainty_bound(1.0) < math.inf
    for whole in ("cross", "full"):
        assert math.isinf(reciprocal.power_uncertainty("total", 1.0, whole))
        assert reciprocal.power_uncertainty("cold", 1.0, whole) < 1e4
    found = [at(1.0 + d).power_uncertainty("total", 1.0, "antisymmetric") for d in (-1e-5, 0.0, 1e-5)]
    assert_allclose(found, found[1], rtol=1e-3)
    assert 100 < found[1] < 1e4
    uncoupled = replace(PAIR, coupling_cold=0.0, coupling_hot=0.0)
    for force in FORCES:
        with pytest.raises(ValueError, match="without a coupling there is no power"):
            uncoupled.power_uncertainty("total", 1.0, force)


@pytest.mark.parametrize("dt", [None, 0.1, 1.0])
@pytest.mark.parametrize("force", FORCES)
def test_least_uncertainty_is_a_minimum(force: Force, dt: float | None) -> None:
    """Neighbours are worse, and so is everything between there and the pseudo-equilibrium."""
    best = PAIR.coupling_hot_of_least_uncertainty(dt, force) / PAIR.coupling_cold
    known = {"cross": (3.996, 3.993, 3.928), "full": (6.950, 6.948, 7.413), "antisymmetric": (3.402, 3.402, 3.372)}
    assert_allclose(best, known[force][(None, 0.1, 1.0).index(dt)], rtol=3e-4)
    least = at(best).power_uncertainty("total", dt, force)
    below = [at(r).power_uncertainty("total", dt, force) for r in np.linspace(1.21, 0.99 * best, 30)]
    assert (np.diff(below) < 0).all()
    assert below[-1] > least
    assert at(1.01 * best).power_uncertainty("total", dt, force) > least


def test_least_uncertainty_of_a_dressed_pair_and_of_exchanged_baths() -> None:
    """A search serves any machine; where the bath named cold is the warmer one it says so instead of a number."""
    best = DRESSED.coupling_hot_of_least_uncertainty(1.0, "full")
    around = [replace(DRESSED, coupling_hot=f * best).power_uncertainty("total", 1.0, "full") for f in (0.98, 1, 1.02)]
    assert around[1] == min(around)
    with pytest.raises(ValueError, match=r"temperature_cold = 130\.0 K is above temperature_hot = 120\.0 K"):
        replace(PAIR, temperature_cold=130.0).coupling_hot_of_least_uncertainty(1.0)


@pytest.mark.parametrize("name", list(GATHERED))
def test_gathered_flows_by_integrals_over_time(name: str) -> None:
    """Var of ∫ power over 3 ps by Wick's theorem and a double integral over time; heats as works less the particle's energy."""
    duration, machine = 3.0, UNLIKE
    drift = machine.drift()
    c = solve_continuous_lyapunov(drift, -machine.noise())
    force = force_matrix(machine, name if name in FORCES else "full")
    sides = {"cold": [0], "hot": [1]}.get(name.partition("_")[2], [0, 1])
    form = np.zeros((4, 4))
    form[[2 + side for side in sides], :2] = force[sides]
    form = (form + form.T) / 2
    energy = np.zeros((4, 4))
    if name.startswith("heat"):
        for side in sides:
            energy[side, side], energy[2 + side, 2 + side] = machine.trap / 2, machine.masses[side] / 2

    def meet(later: np.ndarray, earlier: np.ndarray, lag: float) -> float:
        """Covariance of two quadratic forms a lag apart."""
        shared = expm(drift * lag) @ c
        return float(2 * np.trace(later @ shared @ earlier @ shared.T))

    work = 2 * quad(lambda lag: (duration - lag) * meet(form, form, lag), 0, duration)[0]
    ends = quad(lambda lag: meet(energy, form, lag) - meet(form, energy, lag), 0, duration)[0]
    stored = 2 * meet(energy, energy, 0.0) - 2 * meet(energy, energy, duration)
    variance = work - 2 * ends + stored
    mean = duration * (machine.heat_rates()[sides].sum())
    produced = duration * float(np.sum(machine.heat_rates() / machine.temperatures))
    exact = variance / mean**2 * produced / (2 * BOLTZMANN)
    assert_allclose(gathered_over_bound(machine, [name], duration)[0], exact, rtol=1e-6)


def test_stored_energies_turn_one_current_into_another() -> None:
    """Heat is work less the particle's energy, and the cross force's work the whole one's plus its own springs."""
    durations = np.array([0.1, 2.0, 50.0])
    works = UNLIKE.currents()[:2]
    assert UNLIKE.trap != UNLIKE.masses[0]
    currents = list(UNLIKE.currents())
    for side in (0, 1):
        energy, spring = np.zeros((4, 4)), np.zeros((4, 4))
        energy[side, side], energy[2 + side, 2 + side] = UNLIKE.trap / 2, UNLIKE.masses[side] / 2
        spring[side, side] = (UNLIKE.coupling_cold, UNLIKE.coupling_hot)[side] / 2
        currents += [
            Current(works[side].power, np.zeros(2), -energy),
            Current(works[side].power, np.zeros(2), spring),
            UNLIKE.currents("cross")[side],
        ]
    found = covariance_over(UNLIKE, currents, durations)
    scale = np.sqrt(np.einsum("tii,tjj->tij", found, found))
    for side, first in ((0, 4), (1, 7)):
        heat, cross = 2 + side, first + 2
        assert np.abs((found[:, first] - found[:, heat]) / scale[:, heat]).max() < 1e-8
        assert np.abs((found[:, first + 1] - found[:, cross]) / scale[:, cross]).max() < 1e-8


def test_heat_of_a_dressed_particle_is_what_its_core_gives_away() -> None:
    """Works and heats over 1 and 8 ps of propagated dressed pairs have the theory's variances (z-scores)."""
    truth = Truth(
        shell_mass=1.6, core_friction=2.0, friction_cold=0.66, friction_hot=0.66, sample_interval=0.5, substeps=20
    )
    path = propagate(truth, truth.couplings, 1601, 500, np.random.default_rng(32))
    x, v, work = path["position"], path["velocity"], path["work"]
    energy = (truth.mass * v**2 + truth.trap * x**2) / 2
    shared = {"core_friction": 2.0, "shell_friction": 0.66, "shell_mass": 1.6}
    machine = replace(
        DRESSED, **{f"{name}_{side}": value for name, value in shared.items() for side in ("cold", "hot")}
    )
    bound_of_one = 2 * BOLTZMANN / machine.entropy_production()
    for steps in (2, 16):
        duration = steps * truth.sample_interval
        for name, series in (
            ("full", work.sum(-1)),
            ("heat", (work - energy).sum(-1)),
            ("heat_cold", (work - energy)[..., 0]),
        ):
            changes = np.diff(series[:, ::steps], axis=1)
            rate = machine.heat_rates()[0] if name == "heat_cold" else machine.heat_rates().sum()
            exact = gathered_over_bound(machine, [name], duration)[0] * bound_of_one / duration * (rate * duration) ** 2
            of_each = ((changes - rate * duration) ** 2).mean(axis=1)
            z = (of_each.mean() - exact) / (of_each.std() / math.sqrt(len(of_each)))
            assert abs(z) < 4, (name, duration, z)
            # The heat of the baths alone would be told from it.
            assert of_each.std() / math.sqrt(len(of_each)) < 0.03 * exact


def test_long_windows_have_one_ratio() -> None:
    """At 4.80 every flow tends to 1.424 (1.431 for work over 1 ns); near T_H/T_C to 1, from above on both sides."""
    flows = [name for name in GATHERED if name != "cross"]
    assert_allclose(gathered_over_bound(PAIR, list(GATHERED), 1e7), 1.4239, rtol=1e-3)
    assert_allclose(gathered_over_bound(PAIR, ["full"], 1000.0), [1.4307], rtol=1e-4)
    assert (gathered_over_bound(PAIR, flows, 1000.0) < 1.5).all()
    long = [float(gathered_over_bound(at(ratio), ["heat_cold"], 1e8)[0]) for ratio in (1.1, 1.19, 1.2, 1.21, 1.3)]
    assert_allclose(long, [1.0030, 1.00003, 1.0, 1.00003, 1.0025], atol=1e-4)
    assert min(long) > 1 - 1e-6
    assert gathered_over_bound(PAIR, ["full", "cross"], [0.1, 1.0, 1e3]).shape == (2, 3)


def test_gathered_ratios_at_their_divergences() -> None:
    """At κ_H = κ_C total flows have no mean; at the pseudo-equilibrium there are limits; no coupling, no work."""
    reciprocal = dict(zip(GATHERED, gathered_over_bound(at(1.0), list(GATHERED), 1.0), strict=True))
    assert all(math.isinf(reciprocal[name]) for name in ("full", "cross", "heat"))
    for name in ("antisymmetric", "work_cold", "heat_hot"):
        near = [gathered_over_bound(at(1.0 + d), [name], 1.0)[0] for d in (-1e-4, 1e-4)]
        assert_allclose(near, reciprocal[name], rtol=2e-3)
    balance = gathered_over_bound(at(1.2), list(GATHERED), 1.0)
    assert np.isfinite(balance).all()
    for d in (-1e-4, 1e-4):
        assert_allclose(gathered_over_bound(at(1.2 + d), list(GATHERED), 1.0), balance, rtol=3e-3)
    one_way = gathered_over_bound(at(0.0), ["full", "work_hot", "heat_hot"], 1.0)
    assert 0 < one_way[0] < 10
    assert math.isnan(one_way[1])
    assert math.isinf(one_way[2])
    same = replace(PAIR, temperature_hot=100.0, coupling_hot=0.1)
    assert math.isinf(gathered_over_bound(same, ["full"], 1.0)[0])
    with pytest.raises(ValueError, match="must be positive"):
        gathered_over_bound(PAIR, ["full"], [1.0, 0.0])


@pytest.mark.parametrize("place", [-30.0, -9.0, -3.9, 0.7, 40.0])
def test_first_minimum_is_found_however_far(place: float) -> None:
    """On either side of where the search begins; what levels off, with or without a divergence before, has none."""
    found = first_minimum(lambda x: math.log(math.exp(place - x) + math.exp(x - place)))
    assert found == pytest.approx(place, abs=1e-6)
    for falling in (lambda x: math.exp(-x), lambda x: 1 / (x + 5) if x > -5 else math.inf, lambda x: 1.0):
        with pytest.raises(ValueError, match="no extremum"):
            first_minimum(falling)


def test_later_minima_are_left_aside() -> None:
    """Of two minima the first counts, also where the second is deeper."""
    found = first_minimum(lambda x: min((x - 1) ** 2, (x - 6) ** 2 - 5))
    assert found == pytest.approx(1.0, abs=1e-6)
