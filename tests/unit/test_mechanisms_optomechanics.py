"""The optomechanical rectifier: its map to the cascaded oscillators, how far that holds, and what its drives pay."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.constants import hbar, k

from analysis.mechanisms.cascaded import CascadedOscillators
from analysis.mechanisms.counting import moments
from analysis.mechanisms.figures.comparison import MACHINES
from analysis.mechanisms.figures.optomechanics import PUBLISHED, optomechanics_heat_flows
from analysis.mechanisms.optomechanics import Optomechanics, realisation
from tests.unit.cascaded import EQUAL, EXACT, UNEQUAL, few, machines


def device(machine: CascadedOscillators, damping: float, frequency: float = 1e3) -> Optomechanics:
    """A realisation with the given γ_m and ω_m."""
    made, _ = realisation(
        machine, mechanical_frequency=frequency, mechanical_damping=damping, drive_frequency=1e3 * frequency
    )
    return made


def one_way(**changes: Any) -> CascadedOscillators:
    """F = 0 with equal rates, at the phase that a device can have."""
    return replace(EQUAL, phase=math.pi / 2, **changes)


@few
@given(machines(phase=1.2), st.floats(0.1, 1e3))
def test_map_and_its_inverse(machine: CascadedOscillators, damping: float) -> None:
    """The device made for a machine has that machine as its effective model (B18 to B21), with a real hopping J."""
    made, frequency = realisation(machine, mechanical_frequency=50.0, mechanical_damping=damping, drive_frequency=1e5)
    back = made.effective(frequency)
    # Frequencies are differences of large numbers: their rounding is the tolerance.
    scale = np.abs(made.hamiltonian).max() + np.abs(machine.couplings).max() ** 2
    assert_allclose(back.hamiltonian, machine.hamiltonian, atol=1e-12 * scale)
    assert_allclose(back.couplings, machine.couplings, rtol=1e-10, atol=1e-10)


def test_device_is_its_effective_model_at_the_signal_frequency() -> None:
    """At Ω itself the three-mode device scatters exactly as the two oscillators, but for the phase of the third bath."""
    made, frequency = realisation(UNEQUAL, mechanical_frequency=40.0, mechanical_damping=0.3, drive_frequency=1e5)
    full = np.abs(made.scattering(frequency))
    assert_allclose(full, np.abs(UNEQUAL.scattering(0.0)), atol=1e-12)
    away = np.abs(made.scattering(frequency + 3.0)) - np.abs(UNEQUAL.scattering(3.0))
    assert np.abs(away).max() > 0.1


@pytest.mark.parametrize("machine", [UNEQUAL, one_way()], ids=["general", "one way"])
def test_effective_model_holds_for_a_wide_band(machine: CascadedOscillators) -> None:
    """Occupations and flows of the device tend to those of the effective model as κ/γ_m."""
    errors = []
    for damping in (1e4, 1e5):
        made = device(machine, damping, frequency=1e7)
        errors.append(
            [
                np.abs(made.occupations()[:2] - machine.occupations()).max(),
                np.abs(made.heat_flows() - machine.heat_flows()).max(),
            ]
        )
    assert np.max(errors[1]) < 1e-4
    assert_allclose(np.divide(errors[0], errors[1]), 10.0, rtol=0.01)


@pytest.mark.parametrize("band", [1e-3, 0.1, 1.0, 10.0, 1e3])
def test_isolation_over_band(band: float) -> None:
    """With equal rates and F = 0, τ₂₁ = κ(1 + g)²/(4 + 6g + 4g²), and back passes 1/(1 + g)² of it; g = γ_m/κ."""
    tau = device(one_way(), band).conductances()
    denominator = 4 + 6 * band + 4 * band**2
    assert_allclose([tau[1, 0], tau[0, 1]], [(1 + band) ** 2 / denominator, 1 / denominator], rtol=1e-10)


def test_wide_band_asks_for_a_faster_resonator() -> None:
    """Without the rotating-wave approximation the same occupations come out if ω_m exceeds all rates, and not if γ_m does."""
    machine = one_way(occupation_1=10.0, occupation_2=0.0, occupation_3=0.5)
    errors = {}
    for frequency in (1e4, 1e5):
        made = device(machine, 30.0, frequency)
        errors[frequency] = np.abs(made.occupations_with_counter_rotation() - made.occupations()).max()
    assert errors[1e5] < 1e-6
    assert_allclose(errors[1e4] / errors[1e5], 100.0, rtol=0.05)


@pytest.mark.parametrize(
    ("frequency", "band", "off"), [(3.0, 2.6, 0.210), (10.0, 9.3, 0.0711), (100.0, 46.0, 0.0146), (1e4, 1e3, 6.74e-4)]
)
def test_best_band_of_a_resonator(frequency: float, band: float, off: float) -> None:
    """The table of docs/explanation/mechanisms/cascaded.md: the γ_m at which oscillator 1 is nearest to the effective model."""
    machine = one_way(occupation_1=10.0, occupation_2=0.0, occupation_3=0.5)

    def error(damping: float) -> float:
        return float(device(machine, damping, frequency).occupations_with_counter_rotation()[0] / 5.25 - 1)

    assert_allclose(error(band), off, rtol=5e-3)
    assert all(error(band * factor) > error(band) for factor in (1e-3, 0.1, 0.7, 1.4, 10, 1e3))


def test_pairs_that_grow_without_bound_are_refused() -> None:
    """Drives too strong for the resonator's frequency leave no steady state, which is said with the couplings."""
    strong = replace(PUBLISHED, coupling_1=PUBLISHED.mechanical_frequency, coupling_2=PUBLISHED.mechanical_frequency)
    with pytest.raises(ValueError, match=r"coupling_1 = 3\.76991e\+07.* pairs grow"):
        strong.occupations_with_counter_rotation()


def test_the_drives_pay_for_the_pumping() -> None:
    """At the published ω_m and ω_d, 10 mK cavities take heat from the resonator's bath at 260 μK; each quantum costs ħω_d."""
    cold = 1 / math.expm1(hbar * 2 * math.pi * 5e9 / (k * 0.01))
    made = replace(PUBLISHED, occupation_1=cold, occupation_2=cold)
    assert_allclose(made.bath_temperatures(), [0.01, 0.01, 2.6211e-4], rtol=1e-4)
    assert made.heat_rates()[2] < 0 < made.drive_power()
    assert_allclose(made.cop(), PUBLISHED.mechanical_frequency / PUBLISHED.drive_frequency, rtol=1e-9)
    assert made.cop() < made.carnot_cop() == pytest.approx(0.02691, rel=1e-3)


def test_hopping_between_unlike_cavities_costs_nothing() -> None:
    """With G = 0 the drives do no work: J keeps the frequency of a quantum, also between cavities 1 MHz apart."""
    apart = PUBLISHED.detuning_1 + 2 * math.pi * 1e6
    made = replace(PUBLISHED, coupling_1=0.0, coupling_2=0.0, detuning_2=apart, occupation_1=5.0)
    assert made.heat_rates()[1] > 1e-17
    assert made.drive_power() == 0
    assert abs(made.heat_rates().sum()) < 1e-9 * made.heat_rates()[1] * made.mechanical_frequency / made.drive_frequency
    assert math.isnan(made.cop())


def test_unlike_cavities_still_cool() -> None:
    """The published circuit with Δ₂ = 2π·8 MHz cools, at the same conversion ratio, and its heats add up to the work."""
    made = replace(PUBLISHED, detuning_2=2 * math.pi * 8e6, occupation_1=0.0, occupation_2=0.3, occupation_m=0.5)
    assert made.heat_rates()[2] < 0
    assert_allclose(made.cop(), 6e6 / (5e9 - 6e6), rtol=1e-5)
    assert_allclose(made.heat_rates().sum(), made.drive_power(), rtol=1e-9)


def test_energy_flows_are_integrals_over_spectra() -> None:
    """∫ω|S_bb'|² dω/2π by quadrature is what the Lyapunov equation gives, for baths of their own and a common one."""
    frequency = np.linspace(-4e3, 4e3, 1_600_001)
    for network, tolerance in ((UNEQUAL, 1e-3), (device(UNEQUAL, 3.0, frequency=2.0), 1e-5)):
        seen = np.abs(network.scattering(frequency)) ** 2
        integral = np.trapezoid(frequency[:, None, None] * seen, frequency, axis=0) / (2 * math.pi)
        np.fill_diagonal(integral, 0.0)
        assert_allclose(network.energy_conductances(), integral, atol=tolerance)
        assert abs(network.energy_flows().sum()) < EXACT


def test_coherent_drive_replaces_the_photons_lost() -> None:
    """What two drives give to the mean field of coupled cavities is ħω_d Σ κ_i|α_i|², at any J; some 10⁹ of the other work."""
    bare = np.array([50.0, 70.0]) * 2 * math.pi
    j, loss, detuning = PUBLISHED.hopping, np.array([1.0, 2.0]) * PUBLISHED.loss_1, PUBLISHED.detuning_1
    drives = np.array([3e10, 2e10 * np.exp(0.4j)])
    alpha = np.linalg.solve(1j * np.array([[detuning, j], [j, detuning]]) + np.diag(loss / 2), -1j * drives)
    given_by_drives = hbar * PUBLISHED.drive_frequency * 2 * np.imag(np.conj(alpha) @ drives) * -1
    couplings = {f"coupling_{i + 1}": float(np.abs(alpha[i]) * bare[i]) for i in (0, 1)}
    made = replace(PUBLISHED, loss_1=float(loss[0]), loss_2=float(loss[1]), **couplings)
    assert_allclose(made.coherent_drive_power(*map(float, bare)), abs(given_by_drives), rtol=1e-10)
    ratio = PUBLISHED.coherent_drive_power(2 * math.pi * 100, 2 * math.pi * 100) / PUBLISHED.drive_power()
    assert_allclose(ratio, 7.92e8, rtol=1e-3)
    with pytest.raises(ValueError, match=r"single_photon_coupling_2 = 0.0: must be finite, and not 0"):
        PUBLISHED.coherent_drive_power(1.0, 0.0)


@pytest.mark.parametrize("frequency_ratio", [1e-3, 0.3])
def test_compared_machine_is_the_circuit(frequency_ratio: float) -> None:
    """The driven cavities of the comparison have the power of the published circuit, up to one rate, and its performance."""
    cavity, resonator = 2 * math.pi * 5e9, 2 * math.pi * 5e9 * frequency_ratio
    quantum = hbar * cavity / (k * 0.01)
    made = replace(
        PUBLISHED,
        detuning_1=resonator,
        detuning_2=resonator,
        mechanical_frequency=resonator,
        drive_frequency=cavity - resonator,
        occupation_1=1 / math.expm1(quantum),
        occupation_2=1 / math.expm1(quantum),
        occupation_m=1 / math.expm1(quantum * frequency_ratio / 0.8),
    )
    compared = MACHINES[-1].at(0.8, frequency_ratio)
    rate = PUBLISHED.conductances()[2].sum()
    assert_allclose(-made.heat_rates()[2] / (rate * hbar * cavity), compared.cooling, rtol=1e-6)
    assert_allclose(made.cop() / made.carnot_cop(), compared.cop / compared.bound, rtol=1e-6)


@few
@given(st.floats(1e-3, 10), st.floats(1e-3, 10))
def test_cooling_is_bounded_by_carnot(cavity: float, resonator: float) -> None:
    """The resonator's bath is cooled if and only if its N̄ exceeds the cavities', always with less than Carnot's COP."""
    made = device(one_way(occupation_1=cavity, occupation_2=cavity, occupation_3=resonator), 30.0)
    if resonator > cavity * (1 + 1e-9):
        assert 0 < made.cop() < made.carnot_cop()
    elif resonator < cavity * (1 - 1e-9):
        assert math.isnan(made.cop())


def test_counting_also_counts_the_device() -> None:
    """The three-mode device has its own counting statistics, which tend to those of the effective model."""
    machine = one_way()
    made = device(machine, 1e5, frequency=1e7)
    assert_allclose(moments(made).covariance, moments(machine).covariance, rtol=1e-3)


def test_flows_of_the_device_conserve_quanta() -> None:
    """At rates five decades apart no quantum is lost, and the device of the paper has its entropy production."""
    made = replace(PUBLISHED, occupation_1=3.0, occupation_2=1.0)
    flows = made.heat_flows()
    assert abs(flows.sum()) < EXACT * np.abs(flows).max()
    assert_allclose(made.entropy_production(), flows @ np.log1p(1 / made.bath_occupations), rtol=1e-9)


def test_figure_of_heat_flows() -> None:
    """The figure's lines are straight in each N̄; η₁ is the same at any N̄₂ by the effective model, not in the circuit."""
    _, data = optomechanics_heat_flows()
    slopes = {
        (varied, bath): np.polyfit(rows["occupation"], rows[["effective_over_kappa", "device_over_kappa"]], 1)[0]
        for (varied, bath), rows in data.groupby(["varied", "bath"])
    }
    assert_allclose(slopes[2, 1], [2.55e-5, 0.24998], rtol=1e-3)
    assert_allclose(slopes[1, 2], [0.25, 0.250006], rtol=1e-5)
    assert_allclose(sum(slopes[1, bath] for bath in (1, 2, 3)), 0.0, atol=1e-9)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"loss_1": 0.0, "occupation_m": -1.0}, ["loss_1 = 0.0: must be positive", "occupation_m = -1.0"]),
        ({"coupling_2": -1.0, "phase": math.inf}, ["coupling_2 = -1.0", "phase = inf"]),
    ],
)
def test_unphysical_parameters_are_named(changes: dict[str, float], named: list[str]) -> None:
    """Every unphysical parameter is named with its value, all in one message."""
    with pytest.raises(ValueError, match="must") as caught:
        replace(PUBLISHED, **changes)
    assert all(name in str(caught.value) for name in named)


def test_what_no_device_can_be_is_refused() -> None:
    """A real hopping needs sin φ ≠ 0, and a common bath needs both channels; the message says what to change."""
    with pytest.raises(ValueError, match=r"phase = 0\.0.*π/2"):
        device(EQUAL, 1.0)
    with pytest.raises(ValueError, match="channel_1 = 0"):
        device(replace(one_way(), channel_1=0.0), 1.0)
