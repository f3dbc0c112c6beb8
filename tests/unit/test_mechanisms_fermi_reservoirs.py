"""Fermionic reservoirs on their way to equilibrium: exact limits, conservation, second law, and the published runs."""

from __future__ import annotations

import warnings
from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy.integrate import quad
from scipy.linalg import null_space
from scipy.special import spence

from analysis.mechanisms.fermi_gas import Array, Exact, Gas, Sommerfeld
from analysis.mechanisms.fermi_reservoirs import (
    Evolution,
    FermiReservoirs,
    LevelsStart,
    Reservoir,
    equal_occupation_frequency,
    flow_signs,
    from_sites,
)
from analysis.mechanisms.figures.fermi_reservoirs import COOLING, FIVE, FOUR, POTENTIALS_CROSS, SIZE, TEMPERATURES_CROSS

PUBLISHED = {"1": COOLING, "2": TEMPERATURES_CROSS, "3": POTENTIALS_CROSS, "4": FOUR, "5": FIVE}
PLANAR = FermiReservoirs(
    (9.5, 11.0, 12.0),
    (
        Reservoir(1.0, 10.0, rate=1e-3, exponent=1.0, size=1e3),
        Reservoir(0.7, 12.0, rate=3e-3, exponent=1.0, size=5e2),
        Reservoir(1.2, 9.0, rate=1e-3, exponent=1.0, size=2e3),
    ),
)


@cache
def evolved(figure: str) -> Evolution:
    """A published run, to its end."""
    return PUBLISHED[figure].evolve(1e9 * SIZE)


@pytest.mark.parametrize("ratio", [-3.0, 0.4, 6.0, 25.0])
def test_fermi_integrals_in_two_dimensions(ratio: float) -> None:
    """α = 1: N = T ln(1 + e^(μ/T)) and E = -T² Li₂(-e^(μ/T)), to rounding, degenerate or not."""
    t, mu = 0.7, 0.7 * ratio
    particles, energy, _ = Exact().contents(t, mu, 1.0)
    assert_allclose(particles, t * np.logaddexp(0, ratio), rtol=1e-13)
    assert_allclose(energy, -(t**2) * spence(1 + np.exp(ratio)), rtol=1e-13)


def test_thin_gas_is_a_classical_one() -> None:
    """Far below μ = 0 the contents are Γ(α) T^α e^(μ/T) particles of energy αT each, however few they are."""
    particles, energy, _ = Exact().contents(0.7, -60 * 0.7, 1.5)
    assert_allclose(particles, np.sqrt(np.pi) / 2 * 0.7**1.5 * np.exp(-60), rtol=1e-12)
    assert_allclose(energy / particles, 1.5 * 0.7, rtol=1e-12)


@pytest.mark.parametrize("gas", [Sommerfeld(), Exact()])
@pytest.mark.parametrize("exponent", [1.0, 1.5, 2.5])
def test_slopes_and_entropy_are_of_the_same_gas(gas: Gas, exponent: float) -> None:
    """Slopes are derivatives of the contents, and dE = T dS + μ dN."""
    t, mu, step = 0.9, 8.0, 1e-4
    by_t, by_mu = (
        (gas.contents(t + dt, mu + dm, exponent) - gas.contents(t - dt, mu - dm, exponent)) / (2 * step)
        for dt, dm in ((step, 0.0), (0.0, step))
    )
    slopes = gas.slopes(t, mu, exponent)
    assert_allclose(slopes, np.stack([by_t, by_mu], axis=1)[:2], rtol=1e-7, atol=1e-8)
    for n, e, s in (by_t, by_mu):
        assert_allclose(e, t * s + mu * n, rtol=1e-7, atol=1e-8)


def test_sommerfeld_is_the_limit_of_the_full_integrals() -> None:
    """What the expansion leaves out falls as (T/μ)⁴ with the known coefficient 7π⁴/360 (α-1)(α-2)(α-3) of the particles."""
    exponent = 2.5
    for ratio in (20.0, 40.0):
        left = Exact().contents(1 / ratio, 1.0, exponent)[0] - Sommerfeld().contents(1 / ratio, 1.0, exponent)[0]
        coefficient = 7 * np.pi**4 / 360 * (exponent - 1) * (exponent - 2) * (exponent - 3)
        assert_allclose(left * ratio**4, coefficient, rtol=8 / ratio)


def test_flows_are_those_of_the_master_equation() -> None:
    """(10) equals tr(D_j[ρ]N) and tr(D_j[ρ]H) in the stationary state of the Lindblad equation (9), two fermionic levels."""
    system = FermiReservoirs((1.0, 1.7), (Reservoir(0.8, 1.1, 0.2, 1.3), Reservoir(0.5, 1.9, 0.05, 2.0)), Exact())
    t, mu, levels = system.temperatures, system.chemical_potentials, system.levels
    lower, sign = np.array([[0.0, 1.0], [0.0, 0.0]]), np.diag([1.0, -1.0])
    annihilators = [np.kron(lower, np.eye(2)), np.kron(sign, lower)]  # Jordan and Wigner's

    def dissipator(jump: Array) -> Array:
        """2XρX† - X†Xρ - ρX†X, halved, on ρ flattened row by row."""
        number, one = jump.T @ jump, np.eye(4)
        return np.kron(jump, jump) - (np.kron(number, one) + np.kron(one, number.T)) / 2

    parts = []
    for j in (0, 1):
        part = np.zeros((16, 16))
        for level, rate, a in zip(levels, system.rates()[j], annihilators, strict=True):
            n = 1 / (np.exp((level - mu[j]) / t[j]) + 1)
            part += rate * (n * dissipator(a.T) + (1 - n) * dissipator(a))
        parts.append(part)
    number = [a.T @ a for a in annihilators]
    energy = levels[0] * number[0] + levels[1] * number[1]
    unitary = -1j * (np.kron(energy, np.eye(4)) - np.kron(np.eye(4), energy.T))
    # The Lindbladian may mix even and odd sectors' kernels; the state is the even one, whose trace does not vanish.
    parity = np.kron(sign, sign)
    kernel = null_space(np.vstack([unitary + sum(parts), np.eye(16) - np.kron(parity, parity)]))
    assert kernel.shape[1] == 1
    state = kernel[:, 0] / np.trace(kernel[:, 0].reshape(4, 4))
    flows = system.flows(t, mu)
    for j, part in enumerate(parts):
        change = (part @ state).reshape(4, 4)
        assert_allclose(np.trace(change @ sum(number)).real, flows.particles[j], rtol=1e-10)
        assert_allclose(np.trace(change @ energy).real, flows.energy[j], rtol=1e-10)


@pytest.mark.parametrize("gas", [Sommerfeld(), Exact()])
def test_reservoirs_change_by_what_flows_out(gas: Gas) -> None:
    """dN/dt = -P, dE/dt = -J and dS/dt = -Y/T along the velocities of T and μ, for unlike reservoirs."""
    first, second = FIVE.reservoirs[:2]
    system = FermiReservoirs(FIVE.levels, (replace(first, exponent=1.2, size=3.0), replace(second, size=1.0)), gas)
    t, mu, step = system.temperatures, system.chemical_potentials, 1e-2
    flows, (t_dot, mu_dot) = system.flows(t, mu), system.velocities(t, mu)
    ahead = system.contents(t + step * t_dot, mu + step * mu_dot)
    behind = system.contents(t - step * t_dot, mu - step * mu_dot)
    lost = -np.stack([flows.particles, flows.energy, flows.heat / t])
    assert_allclose((ahead - behind) / (2 * step), lost, rtol=1e-6)


def test_printed_factor_of_the_difference_of_occupations() -> None:
    """Errata, (31): with ν = (ω - μ)/2T it is -1/2 and not -2, and with ν = (ω - μ)/T neither."""
    x = (21.1 - COOLING.chemical_potentials) / COOLING.temperatures
    first, second = 1 / (np.exp(x) + 1)

    def shape(nu: Array) -> float:
        return float(np.sinh(nu[0] - nu[1]) / (np.cosh(nu[0]) * np.cosh(nu[1])))

    assert_allclose([first - second, -shape(x / 2) / 2], 0.37148, rtol=1e-4)
    assert_allclose([-2 * shape(x / 2), -2 * shape(x)], [1.48592, 1.07562], rtol=1e-5)


def test_closed_equations_of_motion() -> None:
    """(11), (24), (25) with Q_a = x^a + π²a(a-1)x^(a-2)/6: the second is the equation of x = μ/T, whose name is not legible."""
    t, mu = COOLING.temperatures, COOLING.chemical_potentials
    flows, (t_dot, mu_dot), a, x = COOLING.flows(t, mu), COOLING.velocities(t, mu), 1.5, mu / t

    def q(power: float) -> Array:
        return np.asarray(x**power + np.pi**2 / 6 * power * (power - 1) * x ** (power - 2))

    below = np.pi**2 / 3 * x ** (2 * a - 4) * (x**2 - np.pi**2 / 6 * a * (a - 1))
    assert_allclose((q(a) * t * flows.particles - q(a - 1) * flows.energy) / (t**a * below), SIZE * t_dot, rtol=1e-10)
    x_dot = (-q(a + 1) * t * flows.particles + q(a) * flows.energy) / (t ** (a + 1) * below) / SIZE
    assert_allclose(x_dot, (mu_dot - x * t_dot) / t, rtol=1e-10)


def test_large_reservoirs_cool_as_heat_leaves() -> None:
    """For μ ≫ T: dT/dt = -3Y/(π²A V T^α (μ/T)^(α-1)), the main text's approximation."""
    cold = FermiReservoirs(
        COOLING.levels, tuple(replace(r, temperature=r.temperature / 20) for r in COOLING.reservoirs)
    )
    t, mu = cold.temperatures, cold.chemical_potentials
    expected = -3 * cold.flows(t, mu).heat / (np.pi**2 * SIZE * t**1.5 * (mu / t) ** 0.5)
    assert_allclose(cold.velocities(t, mu)[0], expected, rtol=2e-2)


@pytest.mark.parametrize("figure", PUBLISHED)
def test_conservation_second_law_and_end(figure: str) -> None:
    """Particles and energy are kept to 1e-10, Σ Y/T <= 0 always and is the entropy's loss, and the end is the algebraic one."""
    run = evolved(figure)
    totals = run.contents()[:2].sum(-1)
    assert np.abs(totals / totals[:, :1] - 1).max() < 1e-10
    clausius = run.clausius()
    assert clausius.max() < 1e-14 * -clausius.min()
    entropy = run.contents()[2].sum(-1)
    assert (np.diff(entropy) > -1e-12 * entropy[-1]).all()
    # The times of the output are even in ln t but for the first interval, over which nothing has changed yet.
    grown = -np.trapezoid((clausius * run.time)[1:], np.log(run.time[1:])) - clausius[0] * run.time[1]
    assert_allclose(grown, entropy[-1] - entropy[0], rtol=1e-3)
    assert_allclose(-run.flows().heat.sum(-1), run.chemical_power(), atol=1e-16)
    temperature, potential = run.system.equilibrium()
    assert_allclose(run.temperatures[-1], temperature, rtol=1e-8)
    assert_allclose(run.chemical_potentials[-1], potential, rtol=1e-9)


def test_equilibrium_of_planar_reservoirs_is_explicit() -> None:
    """α = 1: the closed form (29), the root and the end of the evolution agree; other systems are refused the closed form."""
    temperature, potential = PLANAR.two_dimensional_equilibrium()
    assert_allclose(PLANAR.equilibrium(), (temperature, potential), rtol=1e-12)
    end = PLANAR.evolve(1e10)
    assert_allclose(end.temperatures[-1], temperature, rtol=1e-9)
    assert_allclose(end.chemical_potentials[-1], potential, rtol=1e-9)
    with pytest.raises(ValueError, match=r"the closed form is for α = 1"):
        COOLING.two_dimensional_equilibrium()


def test_reservoirs_too_hot_for_the_expansion() -> None:
    """Where evening out makes a gas of μ < 0, the expansion is refused, not used; full integrals reach the right end."""
    few = (Reservoir(0.2, 1.0, size=1e5), Reservoir(1.0, 40.0, size=5e3))
    for attempt in (
        FermiReservoirs((5.0, 9.0), few).equilibrium,
        lambda: FermiReservoirs((5.0, 9.0), few).evolve(1e14),
    ):
        with pytest.raises(
            ValueError, match=r"chemical_potential/temperature .*: gas=Sommerfeld\(\) is valid from 5 on"
        ):
            attempt()
    system = FermiReservoirs((5.0, 9.0), few, Exact())
    end = system.evolve(1e14, tolerance=1e-7)
    temperature, potential = system.equilibrium()
    assert potential < -temperature
    assert_allclose(end.temperatures[-1], temperature, rtol=1e-6)
    assert_allclose(end.chemical_potentials[-1], potential, rtol=1e-6)


def test_one_level_has_no_unique_equilibrium() -> None:
    """Through one level flows stop at equal occupation, wherever that is; the equilibrium needs two different levels."""
    single = replace(COOLING, levels=(21.1,))
    with pytest.raises(ValueError, match=r"levels = \(21.1,\): reservoirs reach one equilibrium only through two"):
        single.equilibrium()
    end = single.evolve(1e9 * SIZE)
    crossing = equal_occupation_frequency(end.temperatures[-1], end.chemical_potentials[-1])
    assert_allclose(crossing, 21.1, rtol=1e-9)
    assert abs(end.temperatures[-1, 0] - end.temperatures[-1, 1]) > 1


def test_coldest_reservoir_cools_first() -> None:
    """Fig. 1: down to 0.615 of its start (printed: 0.6), at most as Carnot allows, then up beyond both starts."""
    run = evolved("1")
    assert_allclose(run.coldest().min() / 0.6, 0.6151, rtol=2e-4)
    assert_allclose(run.system.equilibrium(), (1.54344, 18.40341), rtol=1e-5)
    cop = run.cop()
    carnot = run.temperatures[:, 0] / (run.temperatures[:, 1] - run.temperatures[:, 0])
    cooling = run.time < run.time[run.coldest().argmin()]
    assert (cop[cooling] > 0).all()
    assert (cop[cooling] < carnot[cooling]).all()
    # Heat leaves the coldest although it has come to be far colder: by falling particles alone.
    assert (run.chemical_power()[cooling] > 0).all()


def test_full_fermi_integrals_change_the_cooling_little() -> None:
    """Sommerfeld against full integrals along Fig. 1: T within 0.5 %, μ within 0.03 %; the deepest T 0.6163 of its start."""
    exact = replace(COOLING, gas=Exact()).evolve(1e9 * SIZE, tolerance=1e-8)
    assert_allclose(exact.temperatures, evolved("1").temperatures, rtol=5e-3)
    assert_allclose(exact.chemical_potentials, evolved("1").chemical_potentials, rtol=3e-4)
    assert_allclose(exact.coldest().min() / 0.6, 0.6163, rtol=2e-4)
    totals = exact.contents()[:2].sum(-1)
    assert np.abs(totals / totals[:, :1] - 1).max() < 1e-10
    assert exact.clausius().max() < 1e-18


@pytest.mark.parametrize(("figure", "crosses"), [("2", "temperatures"), ("3", "chemical_potentials")])
def test_order_changes_on_the_way(figure: str, crosses: str) -> None:
    """Figs. 2, 3: one of both orders changes, ω̃ goes from above μ₁ to below μ₂, and rests between the levels."""
    run = evolved(figure)
    crossing = equal_occupation_frequency(run.temperatures, run.chemical_potentials)
    assert crossing[0] > run.chemical_potentials[0].max()
    late = int(np.searchsorted(run.time, 1e6 * SIZE))
    assert run.system.levels[0] < crossing[late] < run.system.levels[1]
    for name in ("temperatures", "chemical_potentials"):
        gap = np.diff(getattr(run, name)[: late + 1])[:, 0]
        assert (gap[0] * gap[-1] < 0) == (name == crosses)
    if crosses == "temperatures":
        # Through infinity and back from below.
        assert crossing[:late].max() > 50
        assert crossing[:late].min() < -50
    else:
        assert ((crossing[: late + 1] > 17) & (crossing[: late + 1] < 21)).all()


def test_printed_parameters_of_the_third_figure_exchange_temperatures() -> None:
    """Errata: with the caption's μ₁ = 18.8, and down to 18.58, temperatures cross; below 18.57 chemical potentials do."""

    def potentials_cross(start: float) -> bool:
        first, second = TEMPERATURES_CROSS.reservoirs
        run = replace(TEMPERATURES_CROSS, reservoirs=(replace(first, chemical_potential=start), second)).evolve(
            1e6 * SIZE, tolerance=1e-7
        )
        return bool(run.chemical_potentials[-1, 1] > run.chemical_potentials[-1, 0])

    assert [potentials_cross(start) for start in (18.8, 18.58, 18.57, 18.4)] == [False, False, True, True]


def test_many_reservoirs_are_not_monotonous() -> None:
    """Figs. 4, 5: several temperatures turn more than once, and the end is hotter than every start."""

    def turns(line: Array) -> int:
        steps = np.diff(line)
        return int(np.sum(np.diff(np.sign(steps[np.abs(steps) > 1e-7])) != 0))

    four, five = evolved("4"), evolved("5")
    assert [turns(line) for line in four.temperatures.T] == [2, 1, 3, 2]
    assert_allclose(four.system.equilibrium(), (0.48237, 20.27509), rtol=1e-5)
    assert_allclose(five.system.equilibrium(), (1.16000, 19.29992), rtol=1e-5)
    assert four.temperatures[-1, 0] > 0.3
    assert five.temperatures[-1, 0] > 1.0
    # The fourth of four reservoirs cools while it is the coldest.
    coldest = four.temperatures.argmin(-1) == 3
    assert four.temperatures[coldest, 3].min() < 0.13 < 0.149 < four.temperatures[coldest, 3].max()


def test_table_of_signs() -> None:
    """Table 1 as printed, for μ₁ > μ₂: signs of J₁ (as P₁), J₂, Y₁, Y₂ in each window, and the order of the windows."""
    for temperatures, order, printed in (
        ((0.8, 1.2), (18.0, 20.8, 26.4), ("+++-", "---+", "--+-", "+--+")),
        ((1.2, 0.8), (12.4, 18.0, 20.8), ("-+++", "+---", "+--+", "-+--")),
    ):
        rows = flow_signs(temperatures, (20.8, 18.0))
        assert_allclose([row["high"] for row in rows[:-1]], order, rtol=1e-12)
        found = [
            "".join("+" if row[name] == 1 else "-" for row in rows)
            for name in ("energy_1", "energy_2", "heat_1", "heat_2")
        ]
        assert tuple(found) == printed
        assert all(row["energy_1"] == row["particles_1"] == -row["particles_2"] for row in rows)


@pytest.mark.parametrize("factor", [1.0, 1e-3])
def test_signs_of_flows_too_small_for_a_float(factor: float) -> None:
    """Table 1 holds however cold the reservoirs are: no sign is lost where occupations round to 1 or underflow."""
    for temperatures, potentials in (((0.1, 0.2), (21.0, 19.0)), ((0.2, 0.1), (21.0, 19.0))):
        cold = pd.DataFrame(flow_signs((temperatures[0] * factor, temperatures[1] * factor), potentials))
        warm = pd.DataFrame(flow_signs((8 * temperatures[0], 8 * temperatures[1]), (20.8, 18.0)))
        signs = cold.drop(columns=["low", "high"])
        assert signs.equals(warm.drop(columns=["low", "high"]))
        assert (signs.abs() == 1).all(axis=None)


def test_windows_begin_at_zero_and_nonsense_is_refused() -> None:
    """A negative chemical potential bounds no window; equal states and temperatures of 0 are refused."""
    rows = flow_signs((1.0, 2.0), (-3.0, 1.0))
    assert [row["low"] for row in rows] == [0.0, 1.0]
    with pytest.raises(ValueError, match=r"temperature 0.0: must be positive.*; chemical potential nan"):
        flow_signs((0.0, 1.0), (1.0, np.nan))
    with pytest.raises(ValueError, match="nothing flows"):
        flow_signs((1.0, 1.0), (2.0, 2.0))


def test_flows_through_full_levels() -> None:
    """Far below both μ, particles are holes: flows keep all digits where 1 - n is far below rounding."""
    system = FermiReservoirs((9.0,), (Reservoir(0.1, 21.0, 1.0, 1.0), Reservoir(0.2, 19.0, 1.0, 1.0)))
    flows = system.flows(system.temperatures, system.chemical_potentials)
    assert_allclose(flows.particles, np.array([0.5, -0.5]) * np.exp(-50), rtol=1e-12)


def test_levels_with_dynamics_of_their_own() -> None:
    """At A V = 1 the coldest falls to 0.609, 0.627 or 0.720 of its start, by how the levels start, and not to 0.615.

    Particles and energy are conserved with those on the levels, total entropy grows, and the end is the algebraic one.
    """
    small = replace(COOLING, reservoirs=tuple(replace(r, size=1.0) for r in COOLING.reservoirs))
    fast, slow = small.time_scales()
    assert_allclose([fast, slow, fast / slow], [1088.5, 14807, 0.0735], rtol=1e-3)
    with pytest.warns(UserWarning, match=r"τ_S = 1.09e\+03 .* τ_S/τ_eq = 0.074, not at once: start them 'stationary'"):
        assert_allclose(small.evolve(1e9, tolerance=1e-7).coldest().min() / 0.6, 0.6151, rtol=2e-4)
    starts: tuple[tuple[LevelsStart, float], ...] = (((0.0, 0.0), 0.6087), ("stationary", 0.6269), ((1.0, 1.0), 0.7198))
    for start, lowest in starts:
        run = small.evolve(1e9, tolerance=1e-7, levels=start)
        assert_allclose(run.coldest().min() / 0.6, lowest, atol=1e-4)
        totals = run.contents().sum(-1) + run.level_contents()
        assert np.abs(totals[:2] / totals[:2, :1] - 1).max() < 1e-8
        assert (np.diff(totals[2]) > -1e-8 * totals[2, -1]).all()
        assert_allclose((run.temperatures[-1, 0], run.chemical_potentials[-1, 0]), small.equilibrium(start), rtol=1e-6)
    assert_allclose(COOLING.time_scales()[1], slow * SIZE, rtol=1e-6)
    apart = replace(COOLING, rate_matrix=((1e-4, 0.0), (0.0, 1e-4)))  # each level with a reservoir of its own
    assert_allclose(apart.time_scales(), (1e4, np.inf))


def test_levels_between_endless_reservoirs_relax_exponentially() -> None:
    """Between reservoirs that do not change, n_κ - n̄ falls as e^(-t/τ_S), from any start."""
    endless = replace(COOLING, levels=(21.1,), reservoirs=tuple(replace(r, size=1e12) for r in COOLING.reservoirs))
    tau = endless.time_scales()[0]
    run = endless.evolve(5 * tau, points=20, levels=[0.9])
    rest = endless.stationary_occupations(endless.temperatures, endless.chemical_potentials)
    assert run.level_occupations is not None
    assert_allclose(run.level_occupations[:, 0] - rest, (0.9 - rest) * np.exp(-run.time / tau), atol=1e-8)
    # What leaves the reservoirs is what the level gains, which it gives to both of them at first.
    particles = run.flows().particles
    assert_allclose(particles.sum(-1), -(0.9 - rest) / tau * np.exp(-run.time / tau), rtol=1e-5)
    assert (particles[0] < 0).all()
    with pytest.raises(ValueError, match=r"levels = \[0.5, 2.0\]: give 1 occupations between 0 and 1"):
        endless.evolve(1.0, levels=[0.5, 2.0])


def test_no_frequency_of_equal_occupation() -> None:
    """Where ω̃ is not positive the hot reservoir is fuller at all frequencies: T₂/T₁ < 1 and (T₂/T₁)(μ₁/μ₂) > 1."""
    rows = flow_signs((1.1, 1.0), (20.8, 18.0))
    assert len(rows) == 3
    assert all(row["particles_1"] == 1 for row in rows)


def test_clausius_allows_the_coldest_to_lose_heat() -> None:
    """The paper's example of four heats: they sum to zero, satisfy Clausius, and run from the coldest to the hottest."""
    heat, temperature = np.array([1.0, -5.0, 20.0, -16.0]), np.array([10.0, 20.0, 60.0, 70.0])
    assert heat.sum() == 0
    assert (heat / temperature).sum() < 0
    assert heat[0] > 0 > heat[-1]


def test_unphysical_parameters_are_named_all_at_once() -> None:
    """One message has reservoir, field and value of all that is wrong."""
    with pytest.raises(
        ValueError,
        match=r"levels = \(-1.0,\).*; reservoir 1: temperature = 0.*; reservoir 2: rate = -1.*; .* = 3: gas=Somm",
    ):
        FermiReservoirs((-1.0,), (Reservoir(0.0, 20.0), Reservoir(1.0, 3.0, rate=-1)))
    with pytest.raises(ValueError, match=r"reservoirs: 1 given, at least two are needed"):
        FermiReservoirs((1.0,), (Reservoir(1.0, 20.0),))
    with pytest.raises(ValueError, match=r"levels = \(0.0,\): give at least one, all positive"):
        replace(COOLING, levels=(0.0,))
    for duration in (-1, 0.0, np.inf):
        with pytest.raises(ValueError, match=rf"duration = {duration}: must be positive and finite"):
            COOLING.evolve(duration)


def test_baths_are_named_by_their_temperature() -> None:
    """The coldest reservoir is the one to be cooled, and the hottest the environment; of equal ones the first and the last."""
    warm, cold = COOLING.reservoirs[::-1]
    currents = replace(COOLING, reservoirs=(warm, cold, warm)).bath_currents(fluctuations=False)
    assert (currents.cold, currents.hot, currents.covariance) == (1, 0, None)
    alike = replace(COOLING, reservoirs=(warm, replace(cold, temperature=warm.temperature))).bath_currents()
    assert (alike.cold, alike.hot) == (0, 1)


def test_a_matrix_of_rates_replaces_the_power_law() -> None:
    """The same rates given as a matrix are the same system; reservoirs without a common level exchange nothing."""
    same = replace(COOLING, rate_matrix=tuple(map(tuple, COOLING.rates().tolist())))
    t, mu = COOLING.temperatures, COOLING.chemical_potentials
    assert_allclose(same.flows(t, mu).heat, COOLING.flows(t, mu).heat, rtol=1e-12)
    pairs = FermiReservoirs(
        (21.1, 21.5),
        (*COOLING.reservoirs, Reservoir(0.5, 19.0), Reservoir(0.9, 18.0)),
        rate_matrix=((1e-4, 0), (2e-4, 0), (0, 3e-4), (0, 1e-4)),
    )
    particles = pairs.flows(pairs.temperatures, pairs.chemical_potentials).particles
    assert particles[0] == pytest.approx(-particles[1])
    assert particles[2] == pytest.approx(-particles[3])
    alone = FermiReservoirs((21.1,), COOLING.reservoirs, rate_matrix=((1e-4,), (2e-4,)))
    assert particles[:2] == pytest.approx(alone.flows(t, mu).particles)
    with pytest.raises(ValueError, match="some do not share them"):
        pairs.equilibrium()


def test_a_matrix_of_rates_conserves_what_the_equilibrium_needs() -> None:
    """Three reservoirs in a row, the outer ones without a common level, end in the equilibrium of the conserved sums."""
    row = FermiReservoirs(
        (21.1, 21.5, 20.8, 21.9),
        (*COOLING.reservoirs, Reservoir(0.8, 18.0, size=500)),
        rate_matrix=((1e-4, 1e-4, 0, 0), (1e-4, 2e-4, 1e-4, 1e-4), (0, 0, 2e-4, 1e-4)),
    )
    temperature, potential = row.equilibrium()
    end = row.evolve(1e14, 20)
    assert_allclose(end.temperatures[-1], temperature, rtol=1e-5)
    assert_allclose(end.chemical_potentials[-1], potential, rtol=1e-5)


def test_sites_are_diagonalised() -> None:
    """Two sites between two reservoirs carry the current of their Green's functions, as the couplings become weak."""
    h, weak = np.array([[18.0, 0.6], [0.6, 18.5]]), 1e-3
    ends = (Reservoir(0.7, 18.4, rate=weak, exponent=1), Reservoir(1.1, 17.5, rate=2 * weak, exponent=1))
    touch = np.array([[1, 0], [0.6, 0.8]])
    made = from_sites(h, touch, ends)
    assert_allclose(made.levels, np.linalg.eigvalsh(h))
    widths = [r.rate * np.outer(s, s) for r, s in zip(ends, touch, strict=True)]

    def current(energy: float) -> float:
        green = np.linalg.inv(energy * np.eye(2) - h + 0.5j * sum(widths))
        through = np.trace(widths[0] @ green @ widths[1] @ green.conj().T).real
        f = [1 / (np.exp((energy - r.chemical_potential) / r.temperature) + 1) for r in ends]
        return float(through * (f[0] - f[1]) / (2 * np.pi))

    exact = sum(
        quad(current, level - reach, level + reach, points=[level], limit=400, epsabs=1e-13)[0]
        for level, reach in zip(made.levels, (0.5, 0.5), strict=True)
    )
    found = made.flows(made.temperatures, made.chemical_potentials).particles
    assert found[0] == pytest.approx(exact, rel=5e-3)
    assert found[1] == pytest.approx(-found[0])


def test_systems_that_are_none_are_refused() -> None:
    """Wrong matrices, levels without a reservoir and Hamiltonians that are none are named; wide levels warn."""
    two = COOLING.reservoirs
    for matrix, said in (
        (((1.0,), (1.0,)), "2 rows, one for each reservoir, of 2 rates"),
        (((1.0, -1.0), (1.0, 1.0)), "must be finite and not negative"),
        (((1.0, 0.0), (1.0, 0.0)), "level 2, at 21.5, is coupled to no reservoir; couple it to one"),
    ):
        with pytest.raises(ValueError, match=said):
            FermiReservoirs((21.1, 21.5), two, rate_matrix=matrix)
    with pytest.raises(ValueError, match="must be finite and Hermitian"):
        from_sites([[21, 1], [0, 21]], np.eye(2), two)
    with pytest.raises(ValueError, match=r"levels of the coupled sites = .*: must be positive; raise the energies"):
        from_sites([[1, 3], [3, 1]], np.eye(2), two)
    with pytest.raises(ValueError, match=r"sites of shape \(1, 2\)"):
        from_sites(21 * np.eye(2), [[1, 0]], two)
    # Levels are modes of their own from a distance of ten widths on, and the nearest two count.
    widest = 2e-4 * np.sqrt(21.0)  # of a level that touches both reservoirs
    for distance, is_wide in ((8 * widest, True), (12 * widest, False)):
        levels = np.diag([21.0, 21.0 + distance, 30.0])
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            from_sites(levels, [[1, 0.5, 0.1], [1, 0.5, 0.1]], two)
        assert [f"levels {distance:.3g} apart are as wide as {widest:.3g}" in str(each.message) for each in warned] == [
            True
        ] * is_wide
