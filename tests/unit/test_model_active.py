"""Pairs in viscoelastic and active baths: friction of Maxwell modes, and heat that active forces drive, by frequency."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.integrate import quad

from analysis.model import (
    BOLTZMANN,
    Feedback,
    LangevinPair,
    LinearLangevin,
    Mode,
    PairWithBodies,
    RespondingPair,
    active_spectrum,
    covariance_over,
    heat_current,
    information_flow_from_rate,
    solve_lyapunov,
)

WHITE: dict[str, Any] = {
    "mass": (1.225, 1.4),
    "friction_cold": 0.2185,
    "friction_hot": 0.13,
    "trap": 0.01,
    "coupling_cold": 0.1,
    "coupling_hot": 0.31,
    "temperature_cold": 100.0,
    "temperature_hot": 120.0,
}
FLUID: dict[str, Any] = {
    "maxwell_frictions_cold": (0.3, 0.05),
    "maxwell_times_cold": (4.0, 30.0),
    "maxwell_frictions_hot": (0.08,),
    "maxwell_times_hot": (0.7,),
    "body_frictions_hot": (0.2,),
    "body_times_hot": (3.0,),
}
ACTIVE: dict[str, Any] = {
    "active_forces_cold": (0.01,),
    "active_times_cold": (20.0,),
    "active_forces_hot": (0.03, 0.02),
    "active_times_hot": (2.0, 0.3),
}
PAIR = PairWithBodies(**WHITE, **FLUID, **ACTIVE)
COLD, HOT = 0, 1


def friction(side: int, omega: float) -> complex:
    """γ(ω), written out once more from the parameters above."""
    if side == COLD:
        return 0.2185 + 0.3 / (1 - 4j * omega) + 0.05 / (1 - 30j * omega)
    return 0.13 + 0.08 / (1 - 0.7j * omega) + 0.2 * (-3j * omega) / (1 - 3j * omega)


def temperature(side: int, omega: float) -> float:
    """T(ω): of the thermal noise, and the spectra of the active forces, 2<a²>τ/(1 + ω²τ²), over 2 k_B Re γ."""
    forces = (((0.01, 20.0),), ((0.03, 2.0), (0.02, 0.3)))[side]
    driven = sum(2 * a**2 * tau / (1 + (omega * tau) ** 2) for a, tau in forces)
    return (100.0, 120.0)[side] + driven / (2 * BOLTZMANN * friction(side, omega).real)


def spectrum(omega: float, coupling_hot: float = 0.31) -> float:
    """Heat into the cold bath per frequency, by the formula of docs/explanation/theory.md."""
    cold, hot = (
        spring - mass * omega**2 - 1j * omega * friction(side, omega)
        for side, (spring, mass) in enumerate(((0.11, 1.225), (0.01 + coupling_hot, 1.4)))
    )
    rubbed = omega**2 * friction(COLD, omega).real * friction(HOT, omega).real
    driven = 0.1 * temperature(HOT, omega) - coupling_hot * temperature(COLD, omega)
    return 2 * BOLTZMANN / np.pi * 0.1 * rubbed * driven / abs(cold * hot - 0.1 * coupling_hot) ** 2


def integral(**changes: float) -> float:
    """Of the spectrum over all frequencies."""
    edges = (0.0, 0.03, 0.1, 0.3, 0.6, 1.5, 5.0, np.inf)
    return sum(
        quad(spectrum, low, high, args=tuple(changes.values()), epsabs=0, epsrel=1e-11, limit=400)[0]
        for low, high in pairwise(edges)
    )


@pytest.mark.parametrize("omega", [0.0, 0.01, 0.4, 7.0, 1e3])
def test_maxwell_modes_and_bodies_make_the_friction_of_the_formula(omega: float) -> None:
    """With all hidden velocities eliminated from the drift, a velocity that moves as e^{-iωt} is left with γ(ω)."""
    pair = PairWithBodies(**WHITE, **FLUID)
    resisted = -pair.drift()[2:, 2:] * pair.masses[:, None]
    hidden = np.arange(2, pair.masses.size)
    inner = resisted[np.ix_(hidden, hidden)] - 1j * omega * np.diag(pair.masses[hidden])
    for side in (COLD, HOT):
        felt = resisted[side, side] - resisted[side, hidden] @ np.linalg.solve(inner, resisted[hidden, side])
        assert_allclose(felt, friction(side, omega), rtol=1e-12)
        assert_allclose(PAIR.friction(side, omega), friction(side, omega), rtol=1e-12)
        assert_allclose(PAIR.bath_temperature(side, omega), temperature(side, omega), rtol=1e-12)


def test_a_maxwell_mode_is_a_dashpot_at_the_end_of_a_spring() -> None:
    """The same steady state comes of a spring η/τ to a bead of friction η whose own inertia is negligible."""
    eta, tau, bead = 0.3, 4.0, 1e-6
    spring = eta / tau
    whole = LinearLangevin(
        masses=[1.225, 1.225, bead],
        stiffness=[[0.11 + spring, -0.1, -spring], [-0.31, 0.32, 0.0], [-spring, 0.0, spring]],
        frictions=[np.diag([0.2185, 0.0, eta]), np.diag([0.0, 0.13, 0.0])],
        temperatures=[100.0, 120.0],
    )
    pair = PairWithBodies(**WHITE | {"mass": 1.225}, maxwell_frictions_cold=(eta,), maxwell_times_cold=(tau,))
    assert_allclose(pair.heat_rates(), whole.heat_rates(), rtol=1e-4)
    assert_allclose(pair.covariance()[0, 0], whole.covariance()[0, 0], rtol=1e-4)
    # The spring stores k_BT/2 in either description, with the elongation (Z - X) or with the dashpot's velocity.
    c = whole.covariance()
    elongation = c[0, 0] + c[2, 2] - 2 * c[0, 2]
    assert_allclose(pair.masses[2] * pair.covariance()[4, 4], spring * elongation, rtol=1e-4)


def test_viscoelastic_baths_obey_the_laws_of_passive_ones() -> None:
    """Equilibrium at one temperature; at κ_H/κ_C = T_H/T_C nothing flows; entropy is made; directions are the table's."""
    warm = PairWithBodies(**WHITE | {"temperature_hot": 100.0, "coupling_hot": 0.1}, **FLUID)
    c = warm.covariance()
    assert_allclose(c[2:, 2:], np.diag(BOLTZMANN * 100.0 / warm.masses), rtol=1e-12, atol=1e-16)
    assert not warm.is_active
    assert_allclose(warm.heat_rates(), 0, atol=1e-15)
    balanced = PairWithBodies(**WHITE | {"coupling_hot": 0.12}, **FLUID)
    assert balanced.mode() is Mode.EQUILIBRIUM
    assert abs(balanced.heat_rates()).max() < 1e-15
    assert balanced.coupling_hot_without_flow() == pytest.approx(0.12)
    driven = PairWithBodies(**WHITE, **FLUID)
    assert driven.mode() is Mode.REFRIGERATOR
    assert_allclose(driven.heat_rates(), driven.dissipation(), rtol=1e-14)
    assert_allclose(driven.entropy_production(), driven.heat_rates() @ (1 / driven.temperatures), rtol=1e-10)


def test_active_heat_is_the_integral_over_frequency() -> None:
    """Lyapunov's equation and (2k_B/π) κ_C ∫ ω² r_C r_H [κ_C T_H(ω) - κ_H T_C(ω)]/|…|² dω agree; either heat is the work."""
    cold, hot = PAIR.heat_rates()
    assert_allclose(cold, integral(), rtol=1e-9)
    assert_allclose(hot, -3.1 * cold, rtol=1e-9)
    assert_allclose(PAIR.work_rates(), (cold, hot), rtol=1e-9)
    assert abs(cold / PairWithBodies(**WHITE, **FLUID).heat_rates()[0] - 1) > 0.1  # and activity is felt
    omega = np.r_[np.linspace(1e-4, 3, 30_000), np.geomspace(3, 1e4, 4_000)[1:]]
    responding = RespondingPair(
        frequency=omega,
        friction=(PAIR.friction(COLD, omega), PAIR.friction(HOT, omega)),
        mass=(1.225, 1.4),
        trap=0.01,
        couplings=(0.1, 0.31),
        temperatures=(100.0, 120.0),
        active=(active_spectrum([(0.01, 20.0)], omega), active_spectrum([(0.03, 2.0), (0.02, 0.3)], omega)),
    )
    assert_allclose(responding.heat_rates(), (cold, hot), rtol=1e-4)
    assert_allclose(responding.heat_spectra()[0], [spectrum(w) for w in omega], rtol=1e-8, atol=1e-13)


def test_heat_of_an_active_bath_is_what_all_its_forces_take() -> None:
    """Friction, noise and active force together: dissipation less the power <a V> of the force, found from its correlation."""
    c, forces = PAIR.covariance(), np.flatnonzero(PAIR.signals)
    assert forces.tolist() == [
        4,
        7,
        8,
    ]  # after the dashpots of the cold side; after the body and the dashpot of the hot one
    power = np.zeros(2)
    for signal, (side, size) in zip(forces, ((COLD, 0.01), (HOT, 0.03), (HOT, 0.02)), strict=True):
        unit = c[2 + signal] / np.sqrt(c[2 + signal, 2 + signal])
        power[side] += size * unit[2 + side]
    assert (power > 0).all()
    assert_allclose(PAIR.heat_rates(), PAIR.dissipation() - power, rtol=1e-10)
    assert_allclose(PAIR.entropy_production(), PAIR.dissipation() @ (1 / PAIR.temperatures), rtol=1e-10)


def test_no_coupling_balances_an_active_bath() -> None:
    """Both flows vanish at one κ_H, but heat then flows at one frequency and back at another, and entropy is still made.

    Between T_H(ω)/T_C(ω) at its least and largest there must be such a κ_H; it is not T_H/T_C, and hangs on the friction.
    """
    balance = PAIR.coupling_hot_without_flow()
    still = replace(PAIR, coupling_hot=balance)
    assert abs(still.heat_rates()).max() < 1e-12 * abs(PAIR.heat_rates()).max()
    omega = np.geomspace(1e-3, 30, 300)
    ratio = np.array([temperature(HOT, w) / temperature(COLD, w) for w in omega])
    assert ratio.min() < balance / 0.1 < ratio.max()
    assert abs(balance / 0.1 - 1.2) > 0.1
    flows = np.array([spectrum(w, balance) for w in omega])
    assert flows.max() > 1e-6
    assert flows.min() < -1e-6
    assert still.entropy_production() > 1e-3 * PAIR.entropy_production()
    rubbed = replace(still, friction_cold=2.0)
    assert abs(rubbed.coupling_hot_without_flow() / balance - 1) > 0.01
    # What friction and noise give to the baths then comes from the active forces alone.
    assert (still.dissipation() > 0).all()


def test_one_ratio_of_temperatures_at_all_frequencies_is_balanced() -> None:
    """If activity lifts T_C(ω) and T_H(ω) by one factor, all flows vanish at their ratio, at every frequency."""
    alike = WHITE | {"mass": 1.225, "friction_hot": 0.2185, "coupling_hot": 0.12}
    forces: dict[str, Any] = {"active_times_cold": (3.0,), "active_times_hot": (3.0,)}
    size = 0.02
    pair = PairWithBodies(**alike, **forces, active_forces_cold=(size,), active_forces_hot=(size * np.sqrt(1.2),))
    omega = np.geomspace(1e-3, 30, 50)
    ratios = pair.bath_temperature(HOT, omega) / pair.bath_temperature(COLD, omega)
    assert_allclose(ratios, 1.2, rtol=1e-12)
    assert pair.coupling_hot_without_flow() == pytest.approx(0.12, rel=1e-9)
    # No motion of both particles tells forward from backward then.
    lags = np.array([0.3, 2.0, 9.0])
    forward = pair.correlation(lags)[:, 0, 1]
    assert_allclose(forward, pair.correlation(-lags)[:, 0, 1], rtol=1e-9)
    unlike = replace(pair, active_times_hot=(0.5,))
    unlike = replace(unlike, coupling_hot=unlike.coupling_hot_without_flow())
    moved = unlike.correlation(lags)[:, 0, 1] / unlike.correlation(-lags)[:, 0, 1]
    assert np.abs(moved - 1).max() > 1e-3


def test_fluctuations_of_heat_leave_out_what_a_signal_exchanges_with_itself() -> None:
    """Over a window the heat is work less the change of the side's own energy, as the covariance of both together tells."""
    pair = PairWithBodies(**WHITE, **ACTIVE)
    window = 3.0
    heat = heat_current(pair, HOT)
    work = pair.currents()[1]
    energy = np.zeros_like(heat.power)
    energy[1, 1], energy[3, 3] = 0.01 / 2, 1.4 / 2  # trap and particle
    by_first_law = replace(work, stored=-energy)
    both = covariance_over(pair, [heat, by_first_law], window)
    assert_allclose(both, both[0, 0], rtol=1e-9)


def test_flows_of_an_active_machine_are_one_current() -> None:
    """Over long times all four fluctuate together, and a filtered loop so weak that it is ideal has the ideal heats."""
    noise = PAIR.flow_noise()
    assert_allclose(np.linalg.eigvalsh(noise)[:3], 0, atol=1e-9 * noise.max())
    looped = PAIR.with_feedback(Feedback(filter=1e-7))
    assert_allclose(looped.heat_rates(), PAIR.heat_rates(), rtol=1e-5)
    held = PAIR.with_feedback(Feedback(update_every=1e-4))
    assert_allclose(held.heat_rates(), PAIR.heat_rates(), rtol=2e-3)
    assert_allclose(held.heat_rates(), held.work_rates(), rtol=1e-8)


@pytest.mark.parametrize("colder", [COLD, HOT])
def test_coefficients_of_performance_need_work(colder: int) -> None:
    """An active bath is cooled at κ_H ≤ κ_C, too, where the controller does no work or gains some: then both are nan."""
    active, other = ("cold", "hot") if colder == COLD else ("hot", "cold")
    for ratio in (0.9, 1.0, 1.1):
        fields: dict[str, Any] = {"mass": 1.225, "friction_cold": 0.2185, "friction_hot": 0.2185, "trap": 0.01}
        fields |= {f"coupling_{active}": 0.1, f"coupling_{other}": 0.1 * ratio}
        fields |= {f"temperature_{active}": 100.0, f"temperature_{other}": 120.0}
        fields |= {f"active_forces_{active}": (0.02,), f"active_times_{active}": (20.0,)}
        pair = PairWithBodies(**fields)
        assert pair.heat_rates()[colder] < 0
        assert pair.mode() is Mode.REFRIGERATOR
        work = pair.work_rates().sum()
        if ratio > 1:
            assert_allclose(pair.cop(), np.array([-1, 1]) * pair.heat_rates()[[colder, 1 - colder]] / work, rtol=1e-9)
        else:
            assert work < 1e-12
            assert np.isnan(pair.cop()).all()
        if ratio != 1:  # there the loop's own small work decides
            assert_allclose(pair.with_feedback(Feedback(filter=1e-7)).cop(), pair.cop(), rtol=1e-4)


def test_information_flows_as_measured_without_a_model() -> None:
    """İ from the irreversible currents is that from covariance and its rate, with dashpots and forces as parts of a side."""
    c = PAIR.covariance()
    side = [0, 2, 4, 5, 6]
    flow = information_flow_from_rate(c, PAIR.drift() @ c, side)
    assert_allclose(PAIR.information_flow(), [flow, -flow], rtol=1e-9)


def test_covariance_solves_the_lyapunov_equation() -> None:
    """Directly and by the difference from local equilibrium; with one-way forces and springs of fluid."""
    assert_allclose(PAIR.covariance(), solve_lyapunov(PAIR.drift(), PAIR.noise()), rtol=1e-9, atol=1e-12)


def test_weak_activity_is_none() -> None:
    """As the force vanishes the machine is the passive one, and fast forces are white noise of a hotter bath."""
    faint = PairWithBodies(**WHITE, active_forces_hot=(1e-9,), active_times_hot=(2.0,))
    passive = LangevinPair(**WHITE)
    assert_allclose(faint.heat_rates(), passive.heat_rates(), rtol=1e-9)
    fast, force = 1e-4, 1.2
    shaken = PairWithBodies(**WHITE, active_forces_hot=(force,), active_times_hot=(fast,))
    hotter = 120.0 + force**2 * fast / (BOLTZMANN * 0.13)
    warm = LangevinPair(**WHITE | {"temperature_hot": hotter})
    assert hotter > 130
    assert_allclose(shaken.heat_rates(), warm.heat_rates(), rtol=1e-3)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"maxwell_times_cold": (1.0,)}, "give each mode one of both"),
        ({"active_forces_cold": (0.1, 0.2)}, "give each force one of both"),
        ({"active_forces_cold": (-0.1,)}, r"active_forces_cold = .* eV/Å: must be a positive"),
        ({"maxwell_times_hot": (0.0,)}, r"maxwell_times_hot = .* ps: must be a positive"),
    ],
)
def test_wrong_values_are_named(changes: dict[str, Any], message: str) -> None:
    """Field, value and unit."""
    with pytest.raises(ValueError, match=message):
        replace(PAIR, **changes)


def test_links_are_checked() -> None:
    """Shape, and the diagonal, which belongs to friction."""
    common: dict[str, Any] = {
        "masses": [1.0],
        "stiffness": [[1.0]],
        "frictions": [[[1.0]]],
        "temperatures": [100.0],
    }
    with pytest.raises(ValueError, match="links of shape"):
        LinearLangevin(**common, links=[[1.0]])
    with pytest.raises(ValueError, match="diagonal must be zero"):
        LinearLangevin(**common, links=[[[1.0]]])


def test_table_of_the_theory_page_is_what_the_model_gives() -> None:
    """Every number of the table of active baths in docs/explanation/theory.md, for the paper's pair."""
    text = (Path(__file__).resolve().parents[2] / "docs/explanation/theory.md").read_text(encoding="utf-8")
    rows = [line.strip("| ").split(" | ") for line in text.partition("no total flow at")[2].splitlines()[2:8]]
    paper: dict[str, Any] = {
        "mass": 186 * 63.546 * 1.0364269e-4,
        "friction_cold": 3.5e-12 / 1.602176634e-11,
        "friction_hot": 3.5e-12 / 1.602176634e-11,
        "trap": 0.01,
        "coupling_cold": 0.1,
        "coupling_hot": 0.12,
        "temperature_cold": 100.0,
        "temperature_hot": 120.0,
    }
    omega = np.geomspace(1e-4, 50, 20_001)
    for active, time, ratios, balance, moved, entropy, flow in rows:
        tau = float(time) if time != "–" else 1.0
        cold, hot = {"none": (0, 0), "hot bath": (0, 1), "cold bath": (1, 0)}.get(active, (1, np.sqrt(1.2)))
        pair = PairWithBodies(
            **paper,
            active_forces_cold=(0.02 * cold,) * bool(cold),
            active_times_cold=(tau,) * bool(cold),
            active_forces_hot=(0.02 * hot,) * bool(hot),
            active_times_hot=(tau,) * bool(hot),
        )
        ratio = pair.bath_temperature(HOT, omega) / pair.bath_temperature(COLD, omega)
        ends = [float(end) for end in ratios.split(" to ")]
        assert (ratio.min(), ratio.max()) == pytest.approx((ends[0], ends[-1]), abs=0.006)
        still = replace(pair, coupling_hot=pair.coupling_hot_without_flow())
        assert still.coupling_hot / 0.1 == pytest.approx(float(balance), abs=6e-4)
        spectra = RespondingPair(
            frequency=omega,
            friction=(pair.friction(COLD, omega), pair.friction(HOT, omega)),
            mass=(paper["mass"],) * 2,
            trap=0.01,
            couplings=(0.1, still.coupling_hot),
            temperatures=(100.0, 120.0),
            active=(active_spectrum(pair.active_forces(COLD), omega), active_spectrum(pair.active_forces(HOT), omega)),
        ).heat_spectra()[0]
        there, back = (1000 * np.trapezoid(np.clip(sign * spectra, 0, None), omega) for sign in (1, -1))
        assert (there, back) == pytest.approx((float(moved),) * 2, abs=6e-4)
        assert 1000 * still.entropy_production() / BOLTZMANN == pytest.approx(float(entropy), abs=0.06)
        assert 1000 * pair.heat_rates()[COLD] == pytest.approx(float(flow.replace("−", "-")), abs=6e-4)
