"""Machines with a loop: known numbers, the ideal limit, first law, independent solutions, simulation, refusals."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.linalg import expm, solve_continuous_lyapunov
from scipy.optimize import brentq

from analysis.model import (
    BOLTZMANN,
    ControlledNetwork,
    DelayedNetwork,
    Feedback,
    LinearLangevin,
    SampledNetwork,
)
from tests.unit.pairs import BODIES, DRESSED, FRICTION, PAIR, UNLIKE
from tests.unit.test_model_network import chain

MACHINES = {"pair": PAIR, "unlike": replace(UNLIKE, friction_hot=0.15), "dressed": DRESSED, "bodies": BODIES}
LOOPS = [
    Feedback(delay=0.2),
    Feedback(delay=0.4, delayed="partner", filter=0.1),
    Feedback(noise_density=0.01, delay=0.05),
    Feedback(noise_density=0.01, filter=0.1, delay=0.1, delayed="partner"),
    Feedback(update_every=0.3),
    Feedback(update_every=0.1, delay=0.25, position_noise=0.1),
    Feedback(update_every=0.2, delay=0.4, delayed="partner", position_noise=0.2, filter=0.3),
]


def names(value: object) -> str | None:
    """What is not left out of a loop; nothing for other parameters."""
    if not isinstance(value, Feedback):
        return None
    return ",".join(f"{k}={v}" for k, v in vars(value).items() if v not in (0.0, "all")) or "ideal"


@pytest.mark.parametrize(
    ("loop", "cold", "hot"),
    [
        (Feedback(), -0.289, 1.386),
        (Feedback(delay=0.1), -0.252, 2.212),
        (Feedback(delay=0.2), -0.177, 3.940),
        (Feedback(delay=0.3, delayed="partner"), -0.420, 1.796),
        (Feedback(update_every=0.5), -0.100, 5.690),
        (Feedback(noise_density=0.01), -0.207, 3.27),
        (Feedback(noise_density=0.03), -0.044, 7.03),
    ],
    ids=names,
)
def test_heats_of_known_loops(loop: Feedback, cold: float, hot: float) -> None:
    """The heat flows (eV/ns) of the paper's pair are those of two programs that share nothing with this one."""
    heats = PAIR.with_feedback(loop).heat_rates() * 1e3
    assert_allclose(heats, [cold, hot], atol=6e-4 if loop.noise_density == 0 else 6e-3)


def test_ends_of_cooling_and_of_stability() -> None:
    """Delay and hold stop cooling, then stability, where they are known to; the partner's delay helps."""
    assert brentq(lambda d: PAIR.with_feedback(Feedback(delay=d)).heat_rates()[0], 0.25, 0.33) == pytest.approx(
        0.283, abs=5e-4
    )
    assert PAIR.with_feedback(Feedback(update_every=0.7)).heat_rates()[0] > 0
    held = PAIR.with_feedback(Feedback(update_every=0.8))
    assert not held.is_stable
    assert held.spectral_radius > 1
    partner = PAIR.with_feedback(Feedback(delay=0.5, delayed="partner"))
    assert partner.heat_rates()[0] / PAIR.heat_rates()[0] == pytest.approx(1.55, abs=0.02)
    balanced = replace(PAIR, coupling_hot=0.12).with_feedback(Feedback(delay=0.1))
    assert (balanced.heat_rates() > 0).all()


@pytest.mark.parametrize("machine", MACHINES.values(), ids=MACHINES)
@pytest.mark.parametrize(
    ("loop", "error"),
    [
        (Feedback(), 1e-11),
        (Feedback(delayed="partner"), 1e-11),
        (Feedback(delay=1e-4), 3e-3),
        (Feedback(update_every=1e-4), 3e-3),
        (Feedback(update_every=1e-4, delay=2.5e-4, delayed="partner"), 3e-3),
        (Feedback(filter=1e-4), 3e-3),
        (Feedback(noise_density=1e-6), 3e-3),
        (Feedback(update_every=1e-4, position_noise=0.1), 3e-3),
    ],
    ids=names,
)
def test_short_loops_are_ideal(machine: Any, loop: Feedback, error: float) -> None:
    """As delay, hold, filter and noise vanish, heats, works, their noise and the slowest rate are the ideal machine's."""
    controlled = machine.with_feedback(loop)
    heats = machine.heat_rates()
    assert_allclose(controlled.heat_rates(), heats, rtol=error)
    assert_allclose(controlled.work_rates(), heats, rtol=error)
    assert_allclose(controlled.flow_noise(), machine.flow_noise(), rtol=error)
    assert_allclose(controlled.covariance(), machine.covariance(), rtol=error, atol=1e-5)
    assert controlled.growth_rate == pytest.approx(machine.stability().worst.real, abs=1e-4)
    assert_allclose(controlled.cop(), machine.cop(), rtol=error)


@pytest.mark.parametrize("loop", LOOPS, ids=names)
@pytest.mark.parametrize("machine", MACHINES.values(), ids=MACHINES)
def test_each_side_obeys_the_first_law(machine: Any, loop: Feedback) -> None:
    """Heat, from the velocities, equals the work of the applied force, in every loop and for every bath."""
    controlled = machine.with_feedback(loop)
    assert_allclose(controlled.heat_rates(), controlled.work_rates(), rtol=1e-8)


def test_a_network_of_any_kind_obeys_the_first_law() -> None:
    """With three baths, one of them between two bodies, all heat is all work, whatever part of the forces is the loop's."""
    like = chain(np.random.default_rng(2))
    force = np.array([[-0.2, 0.5], [-0.3, -0.1]])
    # Without the loop the stiffness is symmetric, so that no other force works.
    network = LinearLangevin(
        masses=like.masses,
        stiffness=np.vstack([np.array([[2.0, -0.7], [-0.7, 1.5]]) - force, np.zeros((1, 2))]),
        frictions=like.frictions,
        temperatures=like.temperatures,
    )
    for loop in LOOPS:
        controlled = (SampledNetwork if loop.update_every else DelayedNetwork)(network, force, loop)
        assert controlled.heat_rates().sum() == pytest.approx(controlled.work_rates().sum(), rel=1e-8)


@pytest.mark.parametrize(
    "loop",
    [
        Feedback(delay=0.2),
        Feedback(delay=0.3, delayed="partner", filter=0.1),
        Feedback(delay=0.1, noise_density=0.01, filter=0.05),
        Feedback(delay=0.1, noise_density=0.01),
    ],
    ids=names,
)
def test_updates_often_are_a_loop_at_every_instant(loop: Feedback) -> None:
    """Matrices by steps and integrals over frequency, which share no line, agree to 1e-6 as the period vanishes.

    A held force lags by half a period; a sampled filter, which sees what is new at once, is as much ahead. What is left goes by
    powers of the period, a fixed part of the delay, and is followed down to none.
    """
    exact = PAIR.with_feedback(loop)
    periods, solutions = [loop.delay / parts for parts in (10, 14, 20, 28)], []
    for h in periods:
        every = replace(
            loop,
            update_every=h,
            delay=loop.delay if loop.filter else loop.delay - h / 2,
            noise_density=0.0,
            position_noise=math.sqrt(loop.noise_density / h),
        )
        controlled = PAIR.with_feedback(every)
        solutions.append(np.concatenate([controlled.heat_rates(), controlled.work_noise().ravel()]))
    expected = np.concatenate([exact.heat_rates(), exact.work_noise().ravel()])
    assert_allclose(np.linalg.solve(np.vander(periods), solutions)[-1], expected, rtol=1e-6)


def delayed_covariance(drift: np.ndarray, delayed: np.ndarray, noise: np.ndarray, delay: float) -> np.ndarray:
    """Covariance of dr = A r dt + B r(t - δ) dt + noise from its delay Lyapunov equation, by one matrix exponential.

    U(τ) = C(τ) and W(τ) = C(τ - δ) obey U' = A U + B W and W' = -W Aᵀ - U Bᵀ on 0..δ, with W(δ) = U(0) and the jump
    A U(0) + B W(0) + its transpose = -D.
    """
    d = len(drift)
    one = np.eye(d)
    swap = np.eye(d * d).reshape(d, d, d, d).transpose(1, 0, 2, 3).reshape(d * d, d * d)
    flow = expm(
        delay * np.block([[np.kron(drift, one), np.kron(delayed, one)], [-np.kron(one, delayed), -np.kron(one, drift)]])
    )
    same = np.hstack([-np.eye(d * d), np.zeros((d * d, d * d))]) + flow[d * d :]
    symmetric = np.hstack([np.eye(d * d) - swap, np.zeros((d * d, d * d))])
    jump = np.hstack([np.kron(drift, one), np.kron(delayed, one)])
    jump = jump + swap @ jump
    matrix, wanted = np.vstack([same, symmetric, jump]), np.concatenate([np.zeros(2 * d * d), -noise.ravel()])
    scale = np.abs(matrix).max(axis=0)
    return np.asarray((np.linalg.lstsq(matrix / scale, wanted, rcond=None)[0] / scale)[: d * d].reshape(d, d))


@pytest.mark.parametrize(
    ("machine", "loop"),
    [
        (PAIR, Feedback(delay=0.2)),
        (PAIR, Feedback(delay=0.37)),
        (PAIR, Feedback(delay=0.1, noise_density=0.02)),
        (UNLIKE, Feedback(delay=0.05)),
        (UNLIKE, Feedback(delay=0.3, delayed="partner")),
        (DRESSED, Feedback(delay=0.8, delayed="partner")),
    ],
    ids=names,
)
def test_covariance_solves_the_delay_lyapunov_equation(machine: Any, loop: Feedback) -> None:
    """The covariance by integrals over frequency is that of the delay Lyapunov equation, next to instability too."""
    controlled = machine.with_feedback(loop)
    a = machine.drift()
    b = np.zeros_like(a)
    force = machine.controller_force()
    if loop.delayed == "partner":
        force = force - np.diag(np.diag(force))
    b[2:4, :2] = force / machine.masses[:2, None]
    noise = machine.noise() + loop.noise_density * b @ b.T
    c = delayed_covariance(a - b, b, noise, loop.delay)
    spread = np.sqrt(np.diag(c))
    assert_allclose(
        controlled.covariance() / np.outer(spread, spread), c / np.outer(spread, spread), atol=1e-8, rtol=1e-8
    )


def test_a_filter_without_delay_is_one_more_variable() -> None:
    """Filter, white noise and cold damping at once, without delay, are a larger Markov system with a Lyapunov equation."""
    time, density, gains = 0.2, 0.005, np.array([0.05, 0.1])
    loop = Feedback(filter=time, noise_density=density)
    a = np.zeros((6, 6))
    force = PAIR.controller_force()
    a[:4, :4] = PAIR.drift()
    a[2:4, :2] -= force / PAIR.mass
    # Force on the filtered reading y, and -g times its rate (X + n - y)/τ.
    a[2:4, 4:] = (force + np.diag(gains) / time) / PAIR.mass
    a[2:4, :2] -= np.diag(gains) / time / PAIR.mass
    a[4:, :2], a[4:, 4:] = np.eye(2) / time, -np.eye(2) / time
    reading = np.vstack([np.zeros((2, 2)), -np.diag(gains) / time / PAIR.mass, np.eye(2) / time])
    noise = density * reading @ reading.T
    noise[:4, :4] += PAIR.noise()
    c = solve_continuous_lyapunov(a, -noise)
    controlled = PAIR.with_feedback(loop, velocity_gain=tuple(gains))
    assert_allclose(controlled.covariance(), c[:4, :4], rtol=1e-8, atol=1e-10)
    assert controlled.growth_rate == pytest.approx(np.linalg.eigvals(a).real.max(), rel=1e-8)


def one(mass: float, friction: float, stiffness: float) -> LinearLangevin:
    """One particle in one bath of 100 K."""
    return LinearLangevin(masses=[mass], stiffness=[[stiffness]], frictions=[[[friction]]], temperatures=[100.0])


@pytest.mark.parametrize(("trap", "delayed", "delay"), [(1.0, 0.5, 0.7), (1.0, -0.5, 2.0), (0.3, 0.8, 1.0)])
def test_heat_of_overdamped_delayed_feedback(trap: float, delayed: float, delay: float) -> None:
    """As the mass vanishes, linear delayed feedback on one particle gives the published heat.

    With dX/dt = -a X - b X(t - τ) + noise, γ = 1 and ω² = a² - b²: <X²> = k_B T [1 + (b/ω) sinh ωτ]/(a + b cosh ωτ)
    (U. Küchler & B. Mensch, Stoch. Stoch. Rep. 40, 23 (1992)), and the heat is k_B T a - ω² <X²> (S. A. M. Loos &
    S. H. L. Klapp, Sci. Rep. 9, 2491 (2019)). It does not vanish with the delay.
    """
    thermal = BOLTZMANN * 100.0
    omega = np.emath.sqrt(trap**2 - delayed**2)
    spread = thermal * np.real(
        (1 + delayed / omega * np.sinh(omega * delay)) / (trap + delayed * np.cosh(omega * delay))
    )
    expected = thermal * trap - np.real(omega**2) * spread
    heats, spreads = [], []
    for mass in (8e-3, 4e-3, 2e-3):
        loop = DelayedNetwork(one(mass, 1.0, trap + delayed), [[-delayed]], Feedback(delay=delay))
        heats.append(loop.heat_rates()[0])
        spreads.append(loop.covariance()[0, 0])
    # Corrections go by whole powers of the mass.
    last = [4 * (2 * c - b) - (2 * b - a) for a, b, c in (heats, spreads)]
    assert_allclose(np.array(last) / 3, [expected, spread], rtol=2e-5)


def test_boundaries_of_stability() -> None:
    """Delayed loops lose stability where the classical boundaries lie: first order, second order, and both pairs.

    dX/dt = -a X - b X(t - τ) does at τ = arccos(-a/b)/√(b² - a²) for b > a (as in arXiv:2506.23939); an oscillator where its
    characteristic equation has an imaginary root. A pair's distance, and its shell, feel the couplings' sum.
    """
    a, b = 0.3, 0.8
    limit = math.acos(-a / b) / math.sqrt(b**2 - a**2)
    found = [
        brentq(
            lambda d, m=mass: DelayedNetwork(one(m, 1.0, a + b), [[-b]], Feedback(delay=d)).growth_rate,
            1.0,
            4.0,
            xtol=1e-12,
        )
        for mass in (2e-4, 1e-4)
    ]
    assert 2 * found[1] - found[0] == pytest.approx(limit, rel=1e-6)
    rate, square, loop = FRICTION / 1.225, 0.01 / 1.225, 0.58 / 1.225
    # |iωΓ + k - ω²| = b: a quadratic equation for ω².
    omega = math.sqrt(max(np.roots([1.0, rate**2 - 2 * square, square**2 - loop**2]).real))
    limit = math.atan2(rate * omega, omega**2 - square) / omega
    assert limit == pytest.approx(0.381, abs=5e-4)
    assert brentq(lambda d: PAIR.with_feedback(Feedback(delay=d)).growth_rate, 0.3, 0.5, xtol=1e-12) == pytest.approx(
        limit, rel=1e-9
    )
    # With updates often enough, the hold is a delay by half a period.
    h = 0.01
    sampled = brentq(lambda d: PAIR.with_feedback(Feedback(update_every=h, delay=d)).growth_rate, 0.3, 0.45, xtol=1e-9)
    assert sampled + h / 2 == pytest.approx(limit, rel=1e-5)


@pytest.mark.parametrize("machine", [PAIR, DRESSED], ids=["pair", "dressed"])
@pytest.mark.parametrize(
    "loop",
    [
        Feedback(update_every=0.4, delay=0.05, filter=0.1, position_noise=0.2),
        Feedback(update_every=0.2, delay=0.525, delayed="partner", position_noise=0.3),
    ],
    ids=["all", "partner"],
)
def test_a_loop_in_small_steps_has_the_same_moments(machine: Any, loop: Feedback) -> None:
    """Every small step as one large matrix, the delay a shift register and the steady state a dense solve: same moments."""
    parts = 8
    step = loop.period / parts
    late = round(loop.delay / step)
    force = machine.controller_force()
    own = np.diag(np.diag(force)) if loop.delayed == "partner" else np.zeros((2, 2))
    a = machine.drift()
    d = len(a)
    push = np.zeros((d, 2))
    push[2:4] = np.diag(1 / machine.masses[:2])
    a -= push @ (force - own) @ np.eye(2, d)
    nodes, weights = np.polynomial.legendre.leggauss(20)
    flows = expm(((nodes + 1) * step / 2)[:, None, None] * a)
    size = d + 2 + 2 * (late + 1)  # state, filtered reading, forces that arrive after 0, 1, ... steps
    move, kicks = np.eye(size), np.zeros((size, size))
    move[:d, :d] = expm(a * step)
    move[:d, d + 2 : d + 4] = np.einsum("q,qij->ij", weights * step / 2, flows) @ push
    kicks[:d, :d] = np.einsum("q,qij,jk,qlk->il", weights * step / 2, flows, machine.noise(), flows)
    shift = np.eye(size)
    shift[d + 2 : -2] = np.eye(size)[d + 4 :]
    share = 1.0 if loop.filter == 0 else 1 - math.exp(-loop.period / loop.filter)
    read, noise = np.eye(size), np.zeros((size, size))
    read[d : d + 2, d : d + 2], read[d : d + 2, :2] = (1 - share) * np.eye(2), share * np.eye(2)
    noise[d : d + 2, d : d + 2] = (share * loop.position_noise) ** 2 * np.eye(2)
    spread = np.eye(size)
    spread[-2:] = 0.0
    spread[-2:, d : d + 2] = force - own
    # A period: read, then step by step let arrive, move.
    whole, gathered = read, noise
    stages = []
    for part in range(parts):
        # What is on its way moves up first; a new force then enters at the end.
        let = spread @ shift if part == 0 else shift
        whole, gathered = let @ whole, let @ gathered @ let.T
        stages.append((whole, gathered))
        whole, gathered = move @ whole, move @ gathered @ move.T + kicks
    start = np.linalg.solve(np.eye(size**2) - np.kron(whole, whole), gathered.ravel()).reshape(size, size)
    works, squares = np.zeros(2), np.zeros(2)
    for whole, gathered in stages:
        moments = whole @ start @ whole.T + gathered
        ahead = move[:2] @ moments
        works += [(ahead[j] - moments[j])[d + 2 + j] for j in (0, 1)]
        squares += np.diag(moments)[2:4] / parts
    controlled = machine.with_feedback(loop)
    assert_allclose(works / loop.period, controlled.work_rates(), rtol=1e-8)
    # Kinetic temperatures at the small steps' beginnings, against the mean over phases: only nearly the same.
    assert_allclose(machine.masses[:2] * squares / BOLTZMANN, controlled.effective_temperatures()[:2], rtol=1e-3)


def test_a_feedback_trap() -> None:
    """A free overdamped particle in a trap that a loop makes has its known width and work; m/γ is 1/50 000 of a period.

    With gain a = κh/γ below 2, <X²> = (2 k_B T h/γ + a²σ²)/(2a - a²) at updates, and the work of a period is
    κ a (<X²> + σ²), up to the short time m/γ over h.
    """
    friction, spring, h, noise = 1.0, 0.9, 0.5, 0.05
    particle = one(1e-5, friction, spring)
    trap = SampledNetwork(particle, [[-spring]], Feedback(update_every=h, position_noise=noise))
    gain = spring * h / friction
    thermal = 2 * BOLTZMANN * 100.0 * h / friction
    width = (thermal + (gain * noise) ** 2) / (2 * gain - gain**2)
    work = spring * gain * (width + noise**2) / h
    assert trap.growth_rate == pytest.approx(math.log(1 - gain) / h, rel=1e-4)
    assert_allclose(trap.work_rates(), work, rtol=1e-4)
    assert_allclose(trap.heat_rates(), work, rtol=1e-4)
    # Between updates it drifts by -a s/h of its start and reading, and diffuses.
    mean = width * (1 - gain + gain**2 / 3) + (gain * noise) ** 2 / 3 + thermal / 2
    assert_allclose(trap.covariance()[0, 0], mean, rtol=1e-4)


def simulated(
    machine: Any, loop: Feedback, periods: int, copies: int, gains: tuple[float, float] = (0.0, 0.0)
) -> tuple[np.ndarray, np.ndarray]:
    """Works of many copies over the later half of that many periods, (copies, 2), and mean squares of velocities then."""
    rng = np.random.default_rng(7)
    parts = 4  # steps of the simulation in a period: the delay is a whole number of them
    step = loop.period / parts
    force = machine.controller_force()
    own = np.diag(np.diag(force)) if loop.delayed == "partner" else np.zeros((2, 2))
    d = len(machine.drift())
    a = machine.drift()
    a[2:4, :2] -= (force - own) / np.array(machine.masses[:2])[:, None]
    nodes, weights = np.polynomial.legendre.leggauss(12)
    flows = expm(((nodes + 1) * step / 2)[:, None, None] * a)
    spread = np.einsum("q,qij,jk,qlk->il", weights * step / 2, flows, machine.noise(), flows)
    kick = np.einsum("q,qij->ij", weights * step / 2, flows)[:, 2:4] / np.array(machine.masses[:2])
    values, vectors = np.linalg.eigh(spread)
    root, flow = vectors * np.sqrt(np.maximum(values, 0)), expm(a * step)
    share = 1.0 if loop.filter == 0 else 1 - math.exp(-loop.period / loop.filter)
    late = round(loop.delay / step)
    r, reading, held = np.zeros((copies, d)), np.zeros((copies, 2)), np.zeros((copies, 2))
    coming: list[tuple[int, np.ndarray]] = []
    work, seen = np.zeros((copies, 2)), []
    for now in range(periods * parts):
        if now % parts == 0:
            fresh = r[:, :2] + loop.position_noise * rng.standard_normal((copies, 2))
            before, reading = reading, reading + share * (fresh - reading)
            coming.append((now + late, reading @ (force - own).T - np.array(gains) * (reading - before) / loop.period))
        while coming and coming[0][0] <= now:
            held = coming.pop(0)[1]
        before_step = r[:, :2]
        r = r @ flow.T + held @ kick.T + rng.standard_normal((copies, d)) @ root.T
        if now >= periods * parts // 2:
            work += held * (r[:, :2] - before_step)
            if now % 7 == 0:  # every phase in turn
                seen.append((r[:, 2:4] ** 2).mean(axis=0))
    return work, np.array(seen)


@pytest.mark.parametrize(
    ("loop", "gains"),
    [
        (Feedback(update_every=0.4, delay=0.1, position_noise=0.1), (0.0, 0.0)),
        (Feedback(update_every=0.3, delay=0.75, delayed="partner", filter=0.4, position_noise=0.2), (0.0, 0.0)),
        (Feedback(update_every=0.2, delay=0.05, filter=0.3, position_noise=0.05), (0.05, 0.02)),
    ],
    ids=["all", "partner", "damping"],
)
def test_a_simulated_loop_does_the_same(loop: Feedback, gains: tuple[float, float]) -> None:
    """Many copies stepped through the loop as it is told in words: works and kinetic temperatures (z-scores)."""
    copies, periods = 1200, round(250 / loop.period)
    controlled = PAIR.with_feedback(loop, velocity_gain=gains)
    work, squares = simulated(PAIR, loop, periods, copies, gains)
    time = periods / 2 * loop.period
    z = (work.mean(axis=0) / time - controlled.work_rates()) / (work.std(axis=0) / time / math.sqrt(copies))
    assert np.abs(z).max() < 4
    assert np.abs(z).max() > 0.05
    # Of mean squares at the end of every copy.
    found = squares * PAIR.mass / BOLTZMANN
    assert np.abs(found.mean(axis=0) / controlled.effective_temperatures() - 1).max() < 4 * math.sqrt(
        2 / copies / (time / 20)
    )


def test_law_of_power_averages_to_the_power() -> None:
    """The law of the instantaneous power has the mean power as mean, over the phases of a period or at every instant."""
    held = PAIR.with_feedback(Feedback(update_every=0.4, delay=0.1, position_noise=0.1))
    nodes, weights = np.polynomial.legendre.leggauss(8)
    # The force changes at a quarter of the period.
    phases = np.concatenate([(nodes + 1) / 8, 0.25 + (nodes + 1) * 0.375])
    weights = np.concatenate([weights / 8, weights * 0.375])
    for coordinates in ([0], [1], [0, 1]):
        means = [held.power_distribution(coordinates, phase).mean() for phase in phases]
        assert weights @ means == pytest.approx(held.work_rates()[coordinates].sum(), rel=1e-9)
    partner = DRESSED.with_feedback(Feedback(delay=0.4, delayed="partner"))
    law = partner.power_distribution([0, 1])
    assert law.mean() == pytest.approx(partner.work_rates().sum(), rel=1e-8)
    ideal = PAIR.with_feedback(Feedback())
    assert_allclose(
        ideal.power_distribution([0, 1]).weights, PAIR.power_distribution("total", force="full").weights, rtol=1e-8
    )


def test_cold_damping_has_its_textbook_temperature() -> None:
    """Ideal cold damping with gain g leaves a trapped particle at T γ/(γ + g), and takes the heat γ g/(γ + g) k_B T/m."""
    particle = one(0.5, 0.2, 0.3)
    for loop in (Feedback(), Feedback(delay=1e-6), Feedback(update_every=1e-6)):
        solved = SampledNetwork if loop.update_every else DelayedNetwork
        damped = solved(particle, [[0.0]], loop, velocity_gain=[0.6])
        assert damped.effective_temperatures()[0] == pytest.approx(25.0, rel=1e-5)
        assert damped.heat_rates()[0] == pytest.approx(-0.2 * 0.75 * BOLTZMANN * 100.0 / 0.5, rel=1e-4)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"delay": -0.1}, "delay = -0.1 ps: must be zero or a positive finite number"),
        ({"update_every": math.inf}, "update_every = inf ps: must be"),
        ({"delayed": "own"}, "delayed = 'own': must be 'all' or 'partner'"),
        ({"position_noise": 0.1}, "position_noise = 0.1 Å: needs update_every"),
        ({"noise_density": 0.1, "update_every": 0.1}, "noise_density = 0.1 Å² ps: is for a loop at every instant"),
    ],
)
def test_refused_loops(arguments: dict[str, Any], message: str) -> None:
    """What no loop can be is refused by name and value."""
    with pytest.raises(ValueError, match=re.escape(message)):
        Feedback(**arguments)


def test_refused_questions() -> None:
    """No steady state, a force that is white noise, the change of white noise: refused, with what is at fault."""
    unstable: ControlledNetwork = PAIR.with_feedback(Feedback(update_every=0.8))
    for ask in (unstable.heat_rates, unstable.work_rates, unstable.work_noise, unstable.covariance, unstable.cop):
        with pytest.raises(ValueError, match=r"update_every=0\.8.*no steady state.* 1\.00241 every 0\.8 ps"):
            ask()
    with pytest.raises(ValueError, match="the force is white noise"):
        PAIR.with_feedback(Feedback(noise_density=0.01)).power_distribution([0])
    with pytest.raises(ValueError, match=r"velocity_gain.*give filter"):
        PAIR.with_feedback(Feedback(noise_density=0.01), velocity_gain=(0.1, 0.0))
    refused: tuple[tuple[dict[str, Any], str], ...] = (
        ({"force": np.eye(3)}, r"force of shape (3, 3): must be finite, (p, p) with p = 2 coordinates"),
        ({"force": np.full((2, 2), np.nan)}, r"force of shape (2, 2): must be finite"),
        ({"velocity_gain": [0.1]}, r"velocity_gain = [0.1] eV ps/Å²: must be 2 finite numbers"),
        ({"velocity_gain": [0.1, np.inf]}, r"velocity_gain = [0.1, inf] eV ps/Å²: must be 2 finite numbers"),
    )
    for wrong, message in refused:
        arguments: dict[str, Any] = {"force": np.eye(2), "feedback": Feedback()} | wrong
        with pytest.raises(ValueError, match=re.escape(message)):
            DelayedNetwork(PAIR, **arguments)
    single = LinearLangevin(masses=[1.0], stiffness=[[0.1]], frictions=[[[0.2]]], temperatures=[100.0])
    alone = DelayedNetwork(single, [[-0.1]], Feedback())
    with pytest.raises(ValueError, match=r"^1 baths: a coefficient of performance needs two$"):
        alone.cop()
    for ask, name in ((alone.flow_noise, "flow_noise"), (alone.information_flow, "information_flow")):
        with pytest.raises(ValueError, match=f"^{name}: needs two coordinates and two baths"):
            ask()
    with pytest.raises(ValueError, match="phase = 1"):
        PAIR.with_feedback(Feedback(update_every=0.1)).force_and_velocity(1.0)
    assert PAIR.with_feedback(Feedback(update_every=None)).feedback == Feedback()
    assert math.isnan(PAIR.with_feedback(Feedback(delay=0.3)).cop()[0])
