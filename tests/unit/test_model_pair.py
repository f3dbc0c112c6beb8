"""The pair and the dressed pair: known numbers, directions of flow, limits, refusals."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

from analysis.model import BOLTZMANN, Mode, Refrigerator
from tests.unit.pairs import DRESSED, FRICTION, PAIR, UNLIKE

# Heat into the colder and into the warmer bath, and work, by what the machine is.
SIGNS = {
    Mode.HEATER_I: (1, 1, 1),
    Mode.HEATER_II: (1, -1, 1),
    Mode.CONDUCTOR: (1, -1, 0),
    Mode.ENGINE: (1, -1, -1),
    Mode.EQUILIBRIUM: (0, 0, 0),
    Mode.REFRIGERATOR: (-1, 1, 1),
}


@pytest.mark.parametrize(
    ("ratio", "cold", "hot"),
    [(0.17, 1.299, -0.221), (1.2, 0, 0), (4.8, -0.289, 1.386), (7.27, -0.249, 1.809), (10, -0.208, 2.085)],
)
def test_heat_rates_at_the_papers_parameters(ratio: float, cold: float, hot: float) -> None:
    """The heat flows (eV/ns) are the ones that the project was designed around."""
    heats = replace(PAIR, coupling_hot=0.1 * ratio).heat_rates() * 1e3
    assert_allclose(heats, [cold, hot], atol=6e-4)


def test_optima_at_the_papers_parameters() -> None:
    """Largest cooling at κ_H/κ_C = 3.79; least uncertainty of the power is close by, and is a minimum."""
    assert_allclose(PAIR.coupling_hot_of_largest_cooling() / PAIR.coupling_cold, 3.79, atol=5e-3)
    best = PAIR.coupling_hot_of_least_uncertainty(dt=1.0)
    assert 3.5 < best / PAIR.coupling_cold < 4.5
    at = [replace(PAIR, coupling_hot=best * f).power_uncertainty("total", 1.0) for f in (0.95, 1.0, 1.05)]
    assert at[1] == min(at)


@pytest.mark.parametrize("machine", [PAIR, UNLIKE, DRESSED])
@pytest.mark.parametrize(
    ("ratio", "mode"),
    [
        (-0.04, Mode.HEATER_I),
        (0.17, Mode.HEATER_II),
        (1.0, Mode.CONDUCTOR),
        (1.1, Mode.ENGINE),
        (1.2, Mode.EQUILIBRIUM),
        (4.8, Mode.REFRIGERATOR),
    ],
)
def test_mode_follows_from_couplings_and_temperatures(machine: Refrigerator, ratio: float, mode: Mode) -> None:
    """The sign of every flow is set by κ_C T_H - κ_H T_C and the couplings, for any friction, mass and dressing."""
    machine = replace(machine, coupling_hot=ratio * machine.coupling_cold)  # type: ignore[type-var]
    work_cold, work_hot, heat_cold, heat_hot = machine.flow_rates()
    flows = np.array([heat_cold, heat_hot, work_cold + work_hot])
    assert tuple(np.sign(np.where(np.abs(flows) < 1e-14, 0, flows))) == SIGNS[mode]
    assert machine.mode() is mode
    if mode is Mode.REFRIGERATOR:
        assert_allclose(machine.cop(), [-flows[0] / flows[2], flows[1] / flows[2]], rtol=1e-10)
    else:
        assert all(math.isnan(x) for x in machine.cop())


@pytest.mark.parametrize("machine", [PAIR, UNLIKE, DRESSED])
@pytest.mark.parametrize(
    ("ratio", "mode"),
    [
        (-0.04, Mode.HEATER_I),
        (0.17, Mode.REFRIGERATOR),
        (0.8, Mode.EQUILIBRIUM),
        (0.9, Mode.ENGINE),
        (1.0, Mode.CONDUCTOR),
        (4.8, Mode.HEATER_II),
    ],
)
def test_temperatures_and_not_names_decide_the_mode(machine: Refrigerator, ratio: float, mode: Mode) -> None:
    """With the bath named hot the colder one, signs, coefficients and bounds are those of the exchanged machine."""
    machine = replace(
        machine, coupling_hot=ratio * machine.coupling_cold, temperature_cold=125.0, temperature_hot=100.0
    )  # type: ignore[type-var]
    warmer, colder = machine.heat_rates()
    flows = np.array([colder, warmer, machine.work_rates().sum()])
    assert tuple(np.sign(np.where(np.abs(flows) < 1e-14, 0, flows))) == SIGNS[mode]
    assert machine.mode() is mode
    assert_allclose(machine.carnot_cop(), [4.0, 5.0])
    if mode is Mode.REFRIGERATOR:
        assert_allclose(machine.cop(), [-flows[0] / flows[2], flows[1] / flows[2]], rtol=1e-10)
        assert machine.cop()[0] < machine.carnot_cop()[0]
    else:
        assert all(math.isnan(x) for x in machine.cop())


@pytest.mark.parametrize(("cold", "hot"), [(100.0, 100.0), (120.0, 100.0), (100.0, 120.0), (100.0, 100.0000001)])
@pytest.mark.parametrize("ratio", [-0.05, 0.0, 0.5, 1.0, 100.0 / 120.0, 1.2, 4.8])
def test_all_questions_have_an_answer_at_any_temperatures(ratio: float, cold: float, hot: float) -> None:
    """No division by zero and nothing undefined: coefficients are numbers where it refrigerates, bounds are positive."""
    for base in (PAIR, UNLIKE, DRESSED):
        machine: Any = replace(base, coupling_hot=ratio * 0.1, temperature_cold=cold, temperature_hot=hot)
        mode = machine.mode()
        assert all(math.isfinite(x) == (mode is Mode.REFRIGERATOR) for x in machine.cop())
        assert all(x > 0 for x in machine.carnot_cop())
        assert math.isinf(machine.carnot_cop()[0]) == (cold == hot)
        assert np.isfinite(machine.heat_rates()).all()
        assert machine.uncertainty_bound(1.0) > 0
        assert all(x > 0 for x in machine.power_uncertainties(["cold", "total"], 1.0))
        best = machine.coupling_hot_of_largest_cooling()
        around = [replace(machine, coupling_hot=f * best).heat_rates()[0] for f in (0.99, 1.0, 1.01)]
        assert around[1] == min(around) < 0


def test_equal_baths_refrigerate_the_one_named_cold() -> None:
    """Without a gradient the bath named cold is cooled beyond κ_H = κ_C, at an unbounded coefficient close to it."""
    equal = replace(PAIR, temperature_hot=100.0)
    assert replace(equal, coupling_hot=0.1).mode() is Mode.EQUILIBRIUM
    assert replace(equal, coupling_hot=0.05).mode() is Mode.HEATER_II
    just = replace(equal, coupling_hot=0.1001)
    assert just.mode() is Mode.REFRIGERATOR
    assert_allclose(just.cop()[0], 1000.0, rtol=1e-6)
    assert just.carnot_cop() == (math.inf, math.inf)


@pytest.mark.parametrize("factor", [1e-3, 1.0, 1e3, 1e5])
def test_largest_cooling_has_no_bound(factor: float) -> None:
    """From gas to colloid the search finds the closed form's optimum; at a thousand times the friction it is at 1369 κ_C."""
    for base in (PAIR, UNLIKE, replace(UNLIKE, mass=(2.0, 1e-5))):
        machine = replace(base, friction_cold=factor * base.friction_cold, friction_hot=factor * base.friction_hot)
        searched = Refrigerator.coupling_hot_of_largest_cooling(machine)
        assert_allclose(searched, machine.coupling_hot_of_largest_cooling(), rtol=2e-5)
        if base is PAIR and factor == 1e3:
            assert_allclose(searched / machine.coupling_cold, 1368.65, rtol=1e-5)
        # The optimum of what was written down once more, without the model.
        ratios = searched * np.array([0.97, 1.0, 1.03])
        cooling = [replace(machine, coupling_hot=float(kappa)).heat_rates()[0] for kappa in ratios]
        assert cooling[1] == min(cooling)
    names = [f"{kind}_friction_{side}" for kind in ("core", "shell") for side in ("cold", "hot")]
    stiff = replace(DRESSED, **{name: 1e3 * getattr(DRESSED, name) for name in names})
    best = stiff.coupling_hot_of_largest_cooling()
    assert best > 100 * stiff.coupling_cold
    around = [replace(stiff, coupling_hot=f * best).heat_rates()[0] for f in (0.97, 1.0, 1.03)]
    assert around[1] == min(around)
    for machine_without in (PAIR, DRESSED):
        with pytest.raises(ValueError, match=r"coupling_cold = -0\.1 eV/Å²: must be positive to cool"):
            replace(machine_without, coupling_cold=-0.1).coupling_hot_of_largest_cooling()
        with pytest.raises(ValueError, match=r"coupling_cold = 0\.0 eV/Å²: must be positive$"):
            replace(machine_without, coupling_cold=0.0).coupling_hot_without_flow()
        assert machine_without.coupling_hot_without_flow() == pytest.approx(0.12)


def test_coefficients_of_performance() -> None:
    """At κ_H/κ_C = 4.80 they are 0.263 and 1.263, Carnot's bounds 5 and 6."""
    assert_allclose(PAIR.cop(), [0.263, 1.263], atol=5e-4)
    assert_allclose(PAIR.carnot_cop(), [5.0, 6.0])


@pytest.mark.parametrize("machine", [PAIR, UNLIKE, DRESSED])
def test_pseudo_equilibrium_is_an_equilibrium(machine: Refrigerator) -> None:
    """At κ_C T_H = κ_H T_C detailed balance holds for any friction: no heat, entropy production or probability current."""
    still = replace(machine, coupling_hot=0.12)  # type: ignore[type-var]
    moving = replace(machine, coupling_hot=0.12001)  # type: ignore[type-var]
    assert np.abs(still.irreversible_drift()).max() < 1e-12
    assert np.abs(moving.irreversible_drift()).max() > 1e-6
    assert np.abs(still.heat_rates()).max() < 1e-16
    assert 0 <= still.entropy_production() < 1e-28
    assert moving.entropy_production() > 1e-15
    # What Appendix C's curl condition would give for unequal frictions is no equilibrium.
    if machine is UNLIKE:
        curl_free = replace(UNLIKE, coupling_hot=0.12 * UNLIKE.friction_hot / UNLIKE.friction_cold)
        assert curl_free.entropy_production() > 1e-6


def test_entropy_production_is_never_negative() -> None:
    """The second law at 300 random stable machines of either kind, couplings of either sign."""
    rng = np.random.default_rng(21)
    seen = 0
    while seen < 300:
        base: Any = DRESSED if seen % 2 else UNLIKE
        machine = replace(
            base,
            trap=10 ** rng.uniform(-3, 0),
            coupling_cold=rng.uniform(-1, 1),
            coupling_hot=rng.uniform(-1, 1),
            temperature_cold=rng.uniform(20, 200),
        )
        if machine.is_stable:
            seen += 1
            assert machine.entropy_production() >= 0
            assert np.sum(machine.heat_rates() / machine.temperatures) > -1e-16


@pytest.mark.parametrize("machine", [PAIR, UNLIKE, DRESSED])
def test_first_law(machine: Refrigerator) -> None:
    """In the steady state each bath receives the work done on its particle, and W_C/κ_C + W_H/κ_H vanishes."""
    work_cold, work_hot, heat_cold, heat_hot = machine.flow_rates()
    assert_allclose([work_cold, work_hot], [heat_cold, heat_hot], rtol=1e-11)
    assert_allclose(work_cold / machine.coupling_cold, -work_hot / machine.coupling_hot, rtol=1e-11)
    assert_allclose(machine.work_rates(), [work_cold, work_hot], rtol=1e-14)


@pytest.mark.parametrize("machine", [PAIR, UNLIKE, DRESSED])
def test_reciprocal_coupling_obeys_fourier(machine: Refrigerator) -> None:
    """With κ_C = κ_H heat is proportional to T_H - T_C, changes sign with it, and costs no work."""
    conductances = []
    for hot in (100.001, 120.0, 80.0, 300.0):
        cold_heat, hot_heat = replace(machine, coupling_hot=0.1, temperature_hot=hot).heat_rates()  # type: ignore[type-var]
        assert_allclose(cold_heat, -hot_heat, rtol=1e-10)
        conductances.append(cold_heat / (hot - 100.0))
    assert_allclose(conductances, conductances[1], rtol=1e-9)
    assert conductances[0] > 0


def test_overdamped_limit() -> None:
    """As m → 0 heat flows as in overdamped dynamics: k_B κ_C (κ_C T_H - κ_H T_C)/(γ(2κ + κ_C + κ_H)), error of order m."""
    drive = 0.1 * 120 - 0.48 * 100
    limit = BOLTZMANN * drive * np.array([0.1, -0.48]) / (FRICTION * (0.02 + 0.58))
    errors = [np.abs(replace(PAIR, mass=m).heat_rates() / limit - 1).max() for m in (1e-3, 1e-4, 1e-6)]
    assert_allclose(errors[:2], [1e-3 * 5.87, 1e-4 * 5.87], rtol=0.02)
    assert errors[2] < 1e-5


def test_limit_of_no_trap() -> None:
    """As κ → 0⁺ positions spread as 1/κ but heat flows stay finite; at κ = 0 there is no steady state."""
    heats = np.array([replace(PAIR, trap=k).heat_rates() for k in (1e-6, 1e-9)])
    assert_allclose(heats[0], heats[1], rtol=1e-4)
    spreads = [replace(PAIR, trap=k).covariance()[0, 0] * k for k in (1e-6, 1e-9)]
    assert_allclose(spreads[0], spreads[1], rtol=1e-4)
    assert not replace(PAIR, trap=0.0).is_stable


def test_uncoupled_particles_are_in_equilibrium() -> None:
    """Without a controller each particle has its own temperature, whatever its friction; nothing flows."""
    free = replace(UNLIKE, coupling_cold=0.0, coupling_hot=0.0)
    expected = [BOLTZMANN * t / 0.01 for t in (100, 120)] + [BOLTZMANN * 100 / 0.8, BOLTZMANN * 120 / 2.0]
    assert_allclose(free.covariance(), np.diag(expected), rtol=1e-13, atol=1e-18)
    assert free.mode() is Mode.EQUILIBRIUM
    with pytest.raises(ValueError, match="without a coupling there is no power"):
        free.power_distribution("cold")


def test_dressed_pair_without_a_shell_is_the_pair() -> None:
    """A weightless shell that holds the core tightly adds nothing but the series friction g₁g₂/(g₁+g₂)."""
    inner, outer = 50.0, 0.25
    white = inner * outer / (inner + outer)
    dressed = replace(
        DRESSED,
        mass=PAIR.mass,
        core_friction_cold=inner,
        core_friction_hot=inner,
        shell_friction_cold=outer,
        shell_friction_hot=outer,
        shell_mass_cold=1e-6,
        shell_mass_hot=1e-6,
    )
    plain = replace(PAIR, friction_cold=white, friction_hot=white)
    assert_allclose(dressed.heat_rates(), plain.heat_rates(), rtol=1e-5)
    assert_allclose(dressed.covariance()[:4, :4], plain.covariance(), rtol=1e-5, atol=1e-12)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("mass", 0.0),
        ("mass", (1.0, -1.0)),
        ("mass", (1.0, 1.0, 1.0)),
        ("friction_hot", -0.1),
        ("friction_cold", math.inf),
        ("temperature_cold", 0.0),
        ("trap", math.nan),
        ("coupling_cold", math.nan),
    ],
)
def test_unphysical_parameters_are_named(field: str, value: Any) -> None:
    """A value that no experiment could have is refused at construction, by name and with the value."""
    with pytest.raises(ValueError, match=rf"^{field} = ") as caught:
        replace(PAIR, **{field: value})
    assert str(value) in str(caught.value)


def test_unphysical_shell_is_named() -> None:
    """The dressed pair checks its own parameters too."""
    with pytest.raises(ValueError, match=r"shell_mass_hot = 0\.0 eV ps²/Å²"):
        replace(DRESSED, shell_mass_hot=0.0)


@pytest.mark.parametrize("machine", [PAIR, DRESSED])
@pytest.mark.parametrize("wrong", [{"trap": -0.001}, {"coupling_hot": -0.2}])
def test_unstable_machine_can_be_asked_but_has_no_steady_state(machine: Refrigerator, wrong: dict[str, float]) -> None:
    """An unstable pair says so and why; whatever needs a steady state raises, naming parameter and eigenvalue."""
    broken = replace(machine, **wrong)  # type: ignore[type-var]
    assert not broken.is_stable
    assert broken.stability().worst.real > 0
    needs_steady_state = (
        broken.covariance,
        broken.heat_rates,
        broken.mode,
        broken.flow_noise,
        lambda: broken.correlation(1.0),
        lambda: broken.power_distribution("total"),
    )
    for method in needs_steady_state:
        with pytest.raises(ValueError, match=rf"{next(iter(wrong))}.*eigenvalue"):
            method()
