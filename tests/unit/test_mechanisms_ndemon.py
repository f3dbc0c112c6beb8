"""The entropy current and the N-demon: limits, laws and the slips of their paper."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.special import gammaln

from analysis.mechanisms.entropy_current import (
    Balance,
    Equilibrium,
    Inflow,
    Spectrum,
    Statistics,
    effective_temperature,
    entropy_per_particle,
    inflow,
    landauer_inflow,
)
from analysis.mechanisms.ndemon import NDemon, closed_form_cop, cop_of_near_levels

DEMON = NDemon(
    levels_hot=(1.0, 2.0), levels_cold=(1.5, 1.3), temperature_hot=1.0, temperature_cold=0.6, chemical_potential=1.0
)


def random_demons(count: int) -> list[NDemon]:
    """Physical demons of all kinds: levels in any order, any chemical potential, drives up to the largest."""
    rng = np.random.default_rng(5)
    demons = []
    for _ in range(count):
        e1, e2, e3, e4 = map(float, rng.uniform(-1, 3, 4))
        hot, mu = float(rng.uniform(0.5, 2)), float(rng.uniform(0, 2))
        demon = NDemon((e1, e2), (e3, e4), hot, hot * float(rng.uniform(0.3, 1)), mu, width=1e-5)
        demons.append(replace(demon, drive=demon.largest_drive() * float(rng.uniform(0.01, 0.999))))
    return demons


@pytest.mark.parametrize("statistics", ["fermions", "bosons"])
def test_entropy_of_a_particle_counts_states(statistics: Statistics) -> None:
    """ln(1/f ± 1) is what one more particle in a cell of many levels adds to the logarithm of the number of states (1-5)."""

    def log_states(n: float, g: float) -> float:
        if statistics == "fermions":
            return float(gammaln(g + 1) - gammaln(n + 1) - gammaln(g - n + 1))
        return float(gammaln(n + g) - gammaln(n + 1) - gammaln(g))

    g = 1e8
    for f in (0.02, 0.5, 0.9):
        n = f * g
        assert_allclose(entropy_per_particle(f, statistics), log_states(n + 1, g) - log_states(n, g), atol=1e-6)


@pytest.mark.parametrize("statistics", ["fermions", "bosons"])
def test_entropy_current_is_heat_over_temperature_in_equilibrium(statistics: Statistics) -> None:
    """Any flow into a thermal reservoir brings the entropy J/T (7); its effective temperature is T at every energy (A9)."""
    bath = Equilibrium(0.7, -0.2, statistics)
    into = inflow(lambda e: math.sin(3 * e) - 0.2 * e, bath, [(0.1, 2.0), (2.5, 3.0)], statistics)
    assert abs(into.entropy) > 1
    assert_allclose(into.entropy, into.heat(-0.2) / 0.7, rtol=1e-12)
    # (B2): what a thermal reservoir gains in free energy is particles raised by δμ and entropy raised by δT.
    gained = into.particles * (-0.2 - 0.4) + into.entropy * (0.7 - 1.1)
    assert_allclose(into.free_energy(1.1, 0.4), gained, rtol=1e-12)
    energies = np.array([0.1, 1.0, 9.0])
    assert_allclose(effective_temperature(energies, bath(energies), -0.2, statistics), 0.7, rtol=1e-12)
    # Particles of which nothing is said are electrons, in all of these functions.
    assert_allclose(effective_temperature(energies, Equilibrium(0.7, -0.2)(energies), -0.2), 0.7, rtol=1e-12)


def test_occupations_out_of_range_are_refused() -> None:
    """No logarithm of an impossible occupation; empty and full levels have infinite entropy per particle."""
    with pytest.raises(ValueError, match=r"occupation = 1.2: fermions occupy"):
        entropy_per_particle([0.5, 1.2])
    with pytest.raises(ValueError, match=r"occupation = -0.1: bosons"):
        entropy_per_particle(-0.1, "bosons")
    assert list(entropy_per_particle([0.0, 1.0])) == [math.inf, -math.inf]
    with pytest.raises(ValueError, match=r"chemical_potential = 1.0: must lie below"):
        Equilibrium(1.0, 1.0, "bosons")([2.0, 0.5])
    with pytest.raises(ValueError, match=r"temperature = 0"):
        Equilibrium(0.0)


def test_landauer_currents_converge_to_the_sums_over_resonances() -> None:
    """Integrals over boxes of width Γ differ from the demon's sums by Γ² (17, 18, C1-C8): a quarter for half of it."""

    def differences(width: float) -> tuple[float, float]:
        demon = replace(DEMON, width=width)
        windows = [(level - width / 2, level + width / 2) for level in demon.levels]

        def own(energy: float) -> float:
            return float(demon.occupations()[np.argmin(np.abs(demon.levels - energy))])

        def through(levels: tuple[float, float]) -> Spectrum:
            return lambda energy: float(np.min(np.abs(np.array(levels) - energy)) <= width / 2)

        cold = Equilibrium(demon.temperature_cold, demon.chemical_potential)
        hot = Equilibrium(demon.temperature_hot, demon.chemical_potential)
        both = [(through(demon.levels_hot), hot), (through(demon.levels_cold), cold)]
        exact = landauer_inflow(own, both, windows)
        into_hot = landauer_inflow(hot, [(through(demon.levels_hot), own)], windows[:2])
        return (
            exact.entropy / demon.inflow_demon().entropy - 1,
            into_hot.energy / demon.inflow_hot().energy - 1,
        )

    wide, narrow = np.array(differences(0.1)), np.array(differences(0.05))
    assert np.all(np.abs(narrow) < 1e-2)
    assert_allclose(wide / narrow, 4, rtol=0.02)


def test_bosons_between_thermal_reservoirs() -> None:
    """Landauer's flow of bosons brings J/T into either reservoir, and T J ≥ 0 runs from hot to cold (18, for bosons)."""
    hot, cold = Equilibrium(1.0, 0.0, "bosons"), Equilibrium(0.4, 0.0, "bosons")
    windows = [(0.2, 3.0)]

    def through(energy: float) -> float:
        return math.exp(-((energy - 1) ** 2))

    into_cold = landauer_inflow(cold, [(through, hot)], windows, "bosons")
    into_hot = landauer_inflow(hot, [(through, cold)], windows, "bosons")
    assert_allclose([into_cold.entropy, into_hot.entropy], [into_cold.energy / 0.4, -into_cold.energy], rtol=1e-10)
    energies = np.linspace(0.2, 3.0, 20001)
    flow = np.exp(-((energies - 1) ** 2)) * energies * (1 / np.expm1(energies) - 1 / np.expm1(energies / 0.4))
    assert_allclose(into_cold.energy, np.trapezoid(flow, energies), rtol=1e-7)
    with np.errstate(all="raise"):
        assert Equilibrium(1e-3, 0.0, "bosons")(0.5) < 1e-200
    with pytest.raises(ValueError, match=r"statistics = 'boson': give"):
        entropy_per_particle(0.5, "boson")  # type: ignore[arg-type]


@pytest.mark.parametrize("occupation", [0.0, 1.0])
def test_no_flow_into_an_empty_or_full_level_brings_nothing(occupation: float) -> None:
    """0 times infinite entropy is no entropy; a real flow into an empty level is infinite."""
    nothing = inflow(lambda _: 0.0, lambda _: occupation, [(0.0, 1.0)])
    assert nothing == Inflow(0.0, 0.0, 0.0)
    partly = inflow(lambda e: max(e - 0.5, 0.0), lambda e: occupation if e <= 0.5 else 0.5, [(0.0, 0.5), (0.5, 1.0)])
    assert_allclose([partly.particles, partly.entropy], [0.125, 0.0], atol=1e-12)


def test_demon_conditions_and_second_law_hold_for_any_demon() -> None:
    """The demon gets no particles and no energy, heat goes from cold to hot, and entropy is produced (Carnot)."""
    for demon in random_demons(200):
        own, hot, cold = demon.inflow_demon(), demon.inflow_hot(), demon.inflow_cold()
        scale = demon.width * np.abs(demon.surplus()).sum() * max(1.0, np.abs(demon.levels).max())
        for vanishing in (own.particles, own.energy, hot.particles, cold.particles, hot.energy + cold.energy):
            assert abs(vanishing) < 1e-14 * scale
        e3, e4 = demon.levels_cold
        f3, f4 = demon.partner_occupations()[2:]
        assert_allclose(demon.power(), -demon.drive * demon.width * (e3 - e4) * (f3 - f4), rtol=1e-9)
        assert demon.power() > 0
        assert 0 < demon.cop() < demon.carnot_cop()
        total = own.entropy + hot.entropy + cold.entropy
        assert total > 0
        assert_allclose(demon.balance().dissipation(), demon.temperature_hot * total, rtol=1e-7, atol=1e-12 * scale)
        assert_allclose(demon.balance().efficiency("heat pump"), demon.cop() / demon.carnot_cop(), rtol=1e-7)
        assert_allclose(closed_form_cop(demon), demon.cop(), rtol=1e-7)


@pytest.mark.parametrize("drive", [1.0, 0.1, 3.0])
@pytest.mark.parametrize("ratio", [0.05, 0.5, 0.999])
def test_near_levels(drive: float, ratio: float) -> None:
    """ε₄ → ε₃: T_c/((1 + 2s)T_h - T_c), approached as the square of the gap; the paper's (24) at s = 1, Carnot at s → 0."""
    errors = []
    for gap in (0.02 * ratio, 0.01 * ratio):
        near = NDemon((1.0, 2.0), (1.5, 1.5 - gap), 1.0, ratio, 1.0, width=1e-5, drive=drive)
        errors.append(near.cop() / cop_of_near_levels(1.0, ratio, drive) - 1)
    assert abs(errors[1]) < 1e-3
    assert_allclose(errors[0] / errors[1], 4, rtol=1e-2)
    assert_allclose(cop_of_near_levels(1.0, ratio), ratio / (3 - ratio), rtol=1e-15)
    assert_allclose(cop_of_near_levels(1.0, ratio, 1e-9), ratio / (1 - ratio), rtol=3e-6)


def test_least_temperature() -> None:
    """Below it an occupation is out of range, which the error names; far from μ it is |ε₃ - ε₄|/ln 2; there the COP is 0."""
    least = DEMON.least_temperature_cold()
    assert replace(DEMON, temperature_cold=least * (1 + 1e-12)).physical
    below = replace(DEMON, temperature_cold=least * (1 - 1e-9))
    assert not below.physical
    with pytest.raises(
        ValueError, match=r"drive = 1.0: .*f\(ε3\) = -.* stay at or below 1, or raise temperature_cold$"
    ):
        below.cop()
    tail = replace(DEMON, levels_cold=(9.0, 9.2), chemical_potential=0.0, levels_hot=(0.0, 1.0))
    assert_allclose(tail.least_temperature_cold(), 0.2 / math.log(2), rtol=1e-9)
    falling = [replace(DEMON, temperature_cold=least * (1 + d)).cop() for d in (1e-1, 1e-3, 1e-6, 1e-9, 1e-12)]
    assert all(later < earlier for earlier, later in pairwise(falling))
    # Logarithmically: the entropy of a particle that enters an almost empty level is ln 1/f.
    steps = -np.diff(1 / np.array(falling[1:]))
    assert_allclose(steps, steps[0], rtol=0.02)


def test_least_temperature_is_a_matter_of_the_drive() -> None:
    """Errata: a demon of any temperature can be driven, if gently; only the paper's choice s = 1 stops at a temperature."""
    assert_allclose(DEMON.least_temperature_cold(), 0.2415, rtol=1e-3)
    cold = replace(DEMON, temperature_cold=0.02)
    assert not cold.physical
    gentle = replace(cold, drive=cold.largest_drive() / 2)
    assert gentle.power() > 0
    assert 0 < gentle.cop() < gentle.carnot_cop()
    assert_allclose(replace(DEMON, drive=cold.largest_drive()).least_temperature_cold(), 0.02, rtol=1e-9)
    with pytest.raises(ValueError, match=r"drive = 50: this demon cannot cool"):
        replace(DEMON, drive=50).least_temperature_cold()


@pytest.mark.parametrize(
    ("demon", "count", "inside", "outside"),
    [
        (
            NDemon((3, 3.2), (1.5, 2.2), 1, 0.5, 1, width=1e-6, drive=0.2),
            2,
            (0.36, 0.77, 1.0),
            (0.3, 0.4, 0.55, 0.7, 0.75),
        ),
        (NDemon((2, 2.1), (1.6, 2.3), 1, 0.57, 0, width=1e-6, drive=0.4), 1, (0.55, 0.57, 0.59), (0.5, 0.6, 1.0)),
        (
            NDemon((-1.2, -1), (-0.2, 0.5), 1, 0.5, 1, width=1e-6, drive=0.2),
            2,
            (0.36, 0.77, 1.0),
            (0.3, 0.4, 0.55, 0.7),
        ),
        (replace(DEMON, drive=50.0), 0, (), (0.1, 0.5, 1.0)),
    ],
    ids=["gap", "not up to the hot reservoir", "gap, of holes", "none"],
)
def test_cooling_intervals(demon: NDemon, count: int, inside: tuple[float, ...], outside: tuple[float, ...]) -> None:
    """A demon may cool in two intervals of T_c, or in one that ends below T_h: where all its occupations are in 0 … 1."""
    intervals = demon.cooling_intervals()
    assert len(intervals) == count
    for temperature in (*inside, *outside):
        at = replace(demon, temperature_cold=temperature)
        f = at.partner_occupations() + at.surplus()
        assert bool(np.all((f >= 0) & (f <= 1))) == (temperature in inside)
        assert any(low <= temperature <= high for low, high in intervals) == at.physical == (temperature in inside)
    for edge in {edge for interval in intervals for edge in interval} - {demon.temperature_hot}:
        assert_allclose(replace(demon, temperature_cold=edge).largest_drive(), demon.drive, rtol=1e-9)
    if intervals:
        assert demon.least_temperature_cold() == intervals[0][0]


def test_cop_where_occupations_underflow() -> None:
    """Far in the tail, COP is that of Maxwell–Boltzmann's limit although no current is left; holes behave as electrons do."""
    tail = NDemon((1, 2), (41.0, 41.2), 1, 0.05, 1, width=1e-6, drive=1e-3)
    assert tail.power() == 0
    # 1/COP = T_h (s₃ - s₄)/(ε₃ - ε₄) - 1: the hot pair is undisturbed, the cold one has f_l = f_c (1 ± s …).
    low, high = 1 + 1e-3 * (1 - math.exp(-4)), 1 - 1e-3 * (math.exp(4) - 1)
    expected = 1 / ((4 + math.log(low) - math.log(high)) / 0.2 - 1)
    assert_allclose(tail.cop(), expected, rtol=1e-9)
    assert_allclose(replace(tail, levels_cold=(-39.0, -39.2)).cop(), expected, rtol=1e-9)
    assert not replace(tail, drive=0.1).physical


def test_printed_logarithms() -> None:
    """Errata, (23) and (C10): they are each other's inverse arguments; (C10) is the COP, (23) is its negative."""
    assert_allclose(closed_form_cop(DEMON), DEMON.cop(), rtol=1e-12)
    assert_allclose([DEMON.cop(), closed_form_cop(DEMON, printed=True)], [0.23459, -0.23459], rtol=1e-4)


def test_printed_hyperbolic_forms() -> None:
    """Errata, (C11): the first form lacks a T_c/T_h beside A_c and two halves; the second is right."""
    f1, f2, f3, f4 = DEMON.occupations()
    (e1, e2), (e3, e4), hot, cold = DEMON.levels_hot, DEMON.levels_cold, DEMON.temperature_hot, DEMON.temperature_cold

    def tanh(energy: float, temperature: float) -> float:
        return math.tanh((energy - DEMON.chemical_potential) / (2 * temperature))

    x, y = (e1 - e2) / (2 * hot), (e3 - e4) / (2 * cold)
    a_c, a_h = y * (tanh(e3, cold) - tanh(e4, cold)), x * (tanh(e1, hot) - tanh(e2, hot))
    exact = math.log((1 - f1) / (1 - f2) * f2 / f1)
    printed = 2 * math.atanh(
        math.tanh(x) * (1 - 2 * a_c / a_h) / (math.tanh(2 * x) / (2 * x) * a_c * (a_c / a_h - 1) + 1)
    )
    a_r = a_c * cold / hot
    right = 2 * math.atanh(math.tanh(x) * (1 - 2 * a_r / a_h) / (math.tanh(x) / x * a_r * (a_r / a_h - 1) + 1))
    assert_allclose(right, exact, rtol=1e-12)
    assert_allclose([exact, printed], [-0.86569, -0.77426], rtol=1e-5)
    second = 2 * math.atanh(-3 * math.tanh(y) / (2 * math.tanh(y) / y * a_c + 1))
    assert_allclose(second, math.log((1 - f4) / (1 - f3) * f3 / f4), rtol=1e-12)


def test_printed_entropy_current_of_fermions() -> None:
    """Errata, (18): ln(1/f + 1) is the bosons' and would give the demon half the entropy, thus twice the COP."""
    f, flow = DEMON.occupations(), -DEMON.surplus() * DEMON.width
    right, printed = (float(flow @ np.log(1 / f + sign)) for sign in (-1, 1))
    assert_allclose(DEMON.inflow_demon().entropy, right, rtol=1e-12)
    assert_allclose(right / printed, 1.948, rtol=1e-3)


def test_entropy_of_a_single_particle_is_that_of_a_dilute_gas() -> None:
    """Errata, App. A: -ln f, which (A1)-(A8) give, would make the COP 0.347; it is (6) where levels are nearly empty."""
    f, flow = DEMON.occupations(), -DEMON.surplus() * DEMON.width
    assert_allclose(DEMON.power() / (DEMON.temperature_hot * (flow @ -np.log(f))), 0.34723, rtol=1e-4)
    assert_allclose(entropy_per_particle(1e-9), -math.log(1e-9), rtol=1e-9)


def test_balance_of_machines() -> None:
    """Efficiencies (15), (16) are outputs over inputs, 1 without dissipation; a machine without its output is refused."""
    engine = Balance(work=0.2, thermal=-0.5, free_energy=-0.1)
    assert_allclose(engine.efficiency("heat engine"), 0.2 / 0.6, rtol=1e-14)
    assert_allclose(Balance(work=0.3, chemical=-0.4).efficiency("motor"), 0.75, rtol=1e-14)
    assert_allclose(Balance(work=-0.5, chemical=0.4, free_energy=0.1).efficiency("pump"), 1.0, rtol=1e-14)
    # Without the entropy of the nonthermal reservoir an engine seems to beat Carnot.
    assert replace(engine, work=0.55).efficiency("heat engine") < 1 < 0.55 / 0.5
    with pytest.raises(ValueError, match=r"thermal = -0.5: a heat pump has a positive one"):
        engine.efficiency("heat pump")
    with pytest.raises(ValueError, match=r"thermal = -0.5: must be 0 in a motor"):
        engine.efficiency("motor")
    with pytest.raises(ValueError, match=r"work = 1 \+ chemical = -0.5: add up to 0.5, but the output cannot exceed"):
        Balance(work=1.0, chemical=-0.5).efficiency("motor")
    with pytest.raises(ValueError, match=r"free_energy = nan: must be a number"):
        Balance(work=1.0, free_energy=math.nan).efficiency("motor")
    # Rounding of flows that cancel is neither a heat nor a violation of the second law.
    assert Balance(work=1.0, chemical=-1.0 + 1e-15).efficiency("motor") == 1.0
    assert_allclose(Balance(work=1.0, chemical=-2.0, thermal=1e-17).efficiency("motor"), 0.5, rtol=1e-14)
    with pytest.raises(ValueError, match=r"work = 1e-17: a motor has a positive one"):
        Balance(work=1e-17, chemical=-2.0).efficiency("motor")
    assert Balance(work=1.0, free_energy=-math.inf).efficiency("motor") == 0.0
    source = Inflow(particles=0.0, energy=0.0, entropy=2.0)
    assert source.free_energy(1.5, 7.0) == -3.0


def test_unphysical_parameters_are_named_all_at_once() -> None:
    """One message has every field that is wrong."""
    with pytest.raises(
        ValueError, match=r"levels_cold = \(1.5,\).*; temperature_cold = -1.*; drive = 0.*; chem.* = inf"
    ):
        NDemon((1.0, 2.0), (1.5,), 1.0, -1.0, math.inf, drive=0.0)  # type: ignore[arg-type]
    for name in ("levels_hot", "levels_cold"):
        for levels in ((1.5,), (1.5, math.nan), (-math.inf, 1.5)):
            changes: Any = {name: levels}
            with pytest.raises(ValueError, match=rf"{name} = \(.*\): give two finite energies$"):
                replace(DEMON, **changes)
    with pytest.raises(ValueError, match=r"temperature_cold = 2.0: must not exceed temperature_hot = 1.0"):
        replace(DEMON, temperature_cold=2.0)
    with pytest.raises(ValueError, match=r"width = 0.3: resonances overlap, two levels are only 0.2 apart"):
        replace(DEMON, width=0.3)
