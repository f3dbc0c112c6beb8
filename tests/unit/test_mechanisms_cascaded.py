"""Cascaded oscillators: closed forms, one-way flow, and the laws that any network of bosons obeys."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from numpy.testing import assert_allclose
from scipy.integrate import quad_vec

from analysis.mechanisms.bosons import LinearBosons, thermal_occupation
from analysis.mechanisms.cascaded import (
    CascadedOscillators,
    closed_form_excess,
    closed_form_heat_flows,
    closed_form_occupations,
)
from analysis.mechanisms.figures.cascaded import cascaded_surfaces
from tests.unit.cascaded import EQUAL, EXACT, UNEQUAL, few, machines, occupations, rates, sizes


@few
@given(machines(), rates)
def test_closed_forms_are_the_lyapunov_solution(machine: CascadedOscillators, rate: float) -> None:
    """C1, C2 and the corrected C10, C11 agree with the Lyapunov equation to rounding, over four decades of rates."""
    equal = replace(machine, loss_1=rate, loss_2=rate, channel_1=rate, channel_2=rate)
    scale = equal.bath_occupations.max()
    assert_allclose(equal.occupations(), closed_form_occupations(equal), rtol=EXACT, atol=EXACT * scale)
    assert_allclose(equal.excess(), closed_form_excess(equal), rtol=EXACT, atol=EXACT * scale)


@few
@given(sizes, occupations, occupations, occupations)
def test_excess_without_hopping(detuning: float, n1: float, n2: float, n3: float) -> None:
    """Eq. 3: F = 0 leaves oscillator 1 alone and gives 2 the excess 2κ²(m̄₁ - m̄₃)/(4κ² + Δ²), whatever m̄₂."""
    machine = replace(EQUAL, detuning=detuning, occupation_1=n1, occupation_2=n2, occupation_3=n3)
    m1, _ = machine.disconnected_occupations()
    expected = [0.0, 2 * (m1 - n3) / (4 + detuning**2)]
    assert_allclose(machine.excess(), expected, rtol=EXACT, atol=EXACT * max(n1, n2, n3))


@few
@given(machines(hopping=0j))
def test_nothing_passes_backwards(machine: CascadedOscillators) -> None:
    """With F = 0, nothing that bath 2 emits reaches bath 1 or oscillator 1, at any rates, detuning and phase."""
    tau = machine.conductances()
    assert abs(tau[0, 1]) <= EXACT * tau.max()
    assert abs(machine.shares()[1, 0, 0]) <= EXACT


def test_hopping_of_the_other_sign_turns_the_machine_round() -> None:
    """F = -i√(γ₁γ₂) e^{-iφ} cancels the way from 1 to 2 instead: the second oscillator is then the undisturbed one."""
    turned = replace(UNEQUAL, hopping=-1j * math.sqrt(0.7 * 1.3) * np.exp(-1.2j))
    assert_allclose(turned.excess()[1], 0.0, atol=EXACT)
    assert abs(turned.excess()[0]) > 0.1
    assert_allclose(turned.conductances()[1, 0], 0.0, atol=EXACT)


def test_far_detuned_oscillators_are_disconnected() -> None:
    """Occupations tend to the disconnected ones as 1/Δ² where F = 0, as 1/Δ where it is not."""
    for hopping, detuning, ratio in ((0j, 1e3, 100.0), (0.3 + 0j, 1e6, 10.0)):
        near, far = (replace(UNEQUAL, hopping=hopping, detuning=d).excess()[1] for d in (detuning, 10 * detuning))
        assert_allclose(near / far, ratio, rtol=1e-3)


@few
@given(machines(), sizes)
def test_only_the_phase_of_hopping_and_bath_together_matters(machine: CascadedOscillators, turn: float) -> None:
    """Turning φ and F e^{iφ} = const. is a change of the phase of oscillator 2: no occupation or flow changes."""
    turned = replace(machine, phase=machine.phase + turn, hopping=machine.hopping * np.exp(-1j * turn))
    scale = machine.bath_occupations.max()
    assert_allclose(turned.occupations(), machine.occupations(), rtol=1e-10, atol=1e-10 * scale)
    assert_allclose(turned.conductances(), machine.conductances(), rtol=1e-9, atol=1e-9)


@few
@given(machines(), occupations)
def test_baths_alike_are_equilibrium(machine: CascadedOscillators, n: float) -> None:
    """At one N̄ for all baths every mode has it, uncorrelated, and nothing flows, though the hopping is not reciprocal."""
    alike = replace(machine, occupation_1=n, occupation_2=n, occupation_3=n)
    assert_allclose(alike.correlations(), n * np.eye(2), atol=EXACT * n)
    assert_allclose(alike.covariance(), (n + 0.5) * np.eye(4), atol=EXACT * (n + 1))
    assert np.all(alike.heat_flows() == 0)
    assert alike.entropy_production() == 0


@few
@given(machines())
def test_conservation_and_second_law(machine: CascadedOscillators) -> None:
    """No quantum is lost, entropy grows by Σ η ln(1 + 1/N̄), the bath of lowest N̄ never loses and the highest never gains."""
    tau, flows, bath = machine.conductances(), machine.heat_flows(), machine.bath_occupations
    scale = tau.max() * bath.max()
    assert_allclose(tau.sum(axis=0), tau.sum(axis=1), atol=EXACT * tau.max())
    assert abs(flows.sum()) <= EXACT * scale
    assert flows[bath.argmin()] >= -EXACT * scale
    assert flows[bath.argmax()] <= EXACT * scale
    production = machine.entropy_production()
    assert production >= 0
    if bath.min() > 1e-6:
        worth = np.log1p(1 / bath)
        assert_allclose(production, flows @ worth, rtol=1e-9, atol=1e-11 * (np.abs(flows) @ worth + scale))


def test_empty_bath_takes_infinite_entropy() -> None:
    """A bath at zero temperature (N̄ = 0) that gains quanta gains infinite entropy, and none if nothing reaches it."""
    assert replace(EQUAL, occupation_2=0.0).entropy_production() == math.inf
    apart = LinearBosons(hamiltonian=np.zeros((2, 2)), couplings=np.eye(2), bath_occupations=[1.0, 0.0])
    assert apart.entropy_production() == 0
    # Two pairs of modes without a link: between the empty baths of one pair nothing flows, whatever the other pair does.
    first, second = 0.37 * np.exp(0.3j), 0.51 * np.exp(1.1j)
    energies = np.diag([0.0, 0.0, 0.3, 0.7]).astype(complex)
    energies[0, 1], energies[1, 0], energies[2, 3], energies[3, 2] = first, first.conj(), second, second.conj()
    pairs = LinearBosons(
        hamiltonian=energies, couplings=np.diag(np.sqrt([1.1, 0.7, 0.9, 0.8])), bath_occupations=[1.0, 0.2, 0.0, 0.0]
    )
    own = LinearBosons(
        hamiltonian=energies[:2, :2], couplings=np.diag(np.sqrt([1.1, 0.7])), bath_occupations=[1.0, 0.2]
    )
    assert_allclose(pairs.entropy_production(), own.entropy_production(), rtol=1e-10)
    assert_allclose(pairs.bath_currents().entropy, [*own.bath_currents().entropy, 0.0, 0.0], rtol=1e-10)


def test_occupation_of_a_mode_at_a_temperature() -> None:
    """Bose and Einstein's 1/(e^(hf/k_BT) - 1), k_BT/hf - 1/2 of a warm mode, and nothing at T = 0."""
    quantum = 6.62607015e-34 * 5e9 / 1.380649e-23  # of 5 GHz, K
    assert thermal_occupation(5e9, quantum / math.log(3.0)) == pytest.approx(0.5)
    assert thermal_occupation(5e9, 1e4 * quantum) == pytest.approx(1e4 - 0.5)
    assert thermal_occupation(5e9, 0.0) == 0.0


def test_temperatures_of_the_baths_say_which_is_cold() -> None:
    """T = 1/ln(1 + 1/N̄) in units of ħω/k_B; the fullest bath is the hot one, and of equal ones the last."""
    currents = EQUAL.bath_currents(fluctuations=False)
    assert_allclose(currents.temperatures, 1 / np.log([1.2, 1 + 1 / 1.5, 1 + 1 / 0.8]))
    assert (currents.cold, currents.hot, currents.covariance) == (2, 0, None)
    alike = replace(EQUAL, occupation_1=0.8).bath_currents()
    assert (alike.cold, alike.hot) == (0, 1)
    assert replace(EQUAL, occupation_1=1.5, occupation_3=1.5).bath_currents().hot == 2


def test_conductances_are_transmissions() -> None:
    """τ is ∫|S|² dω/2π, S is unitary at every frequency, and the modes' spectra add up to their occupations."""
    frequencies = np.array([-3.0, 0.0, 0.7])
    s = UNEQUAL.scattering(frequencies)
    assert_allclose(s @ np.swapaxes(s.conj(), 1, 2), np.broadcast_to(np.eye(3), s.shape), atol=EXACT)

    def spectra(frequency: float) -> Any:
        passed = np.abs(UNEQUAL.scattering(frequency)) ** 2
        return np.append(passed * (1 - np.eye(3)), UNEQUAL.occupation_spectrum(frequency)) / (2 * np.pi)

    total = quad_vec(spectra, -np.inf, np.inf, epsrel=1e-11)[0]
    assert_allclose(total[:9].reshape(3, 3), UNEQUAL.conductances(), rtol=1e-9, atol=1e-9)
    assert_allclose(total[9:], UNEQUAL.occupations(), rtol=1e-9)


@few
@given(sizes, occupations, occupations, occupations)
def test_heat_flows_of_the_paper(detuning: float, n1: float, n2: float, n3: float) -> None:
    """D7, read with m̄ for n̄, are the flows into the baths."""
    machine = replace(EQUAL, detuning=detuning, occupation_1=n1, occupation_2=n2, occupation_3=n3)
    flows = machine.heat_flows()
    assert_allclose(flows, closed_form_heat_flows(machine), rtol=EXACT, atol=EXACT * max(n1, n2, n3))
    lost = (machine.occupations() - machine.bath_occupations[:2]) * [machine.loss_1, machine.loss_2]
    assert_allclose(flows[:2], lost, rtol=EXACT, atol=EXACT * max(n1, n2, n3))


@few
@given(machines())
def test_every_quantum_leaves_by_some_bath(machine: CascadedOscillators) -> None:
    """The shares of the baths in the correlations add up to the identity, mode by mode."""
    assert_allclose(machine.shares().sum(axis=0), np.eye(2), atol=EXACT)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"loss_1": -1.0, "occupation_3": math.nan}, ["loss_1 = -1", "occupation_3 = nan"]),
        ({"hopping": complex(0, math.inf), "phase": math.nan}, ["hopping = infj", "phase = nan"]),
        ({"loss_1": 0.0, "loss_2": 0.0, "hopping": -0.5j}, ["loss_1 = 0", "loss_2 = 0", "coupled to no bath"]),
        ({"loss_1": 0.0, "channel_1": 0.0}, ["loss_1 = 0, loss_2 = 1:", "coupled to no bath"]),
        ({"loss_1": 3.0, "loss_2": 0.0, "channel_2": 0.0}, ["loss_1 = 3, loss_2 = 0:", "coupled to no bath"]),
    ],
)
def test_unphysical_parameters_are_named(changes: dict[str, Any], named: list[str]) -> None:
    """Every unphysical parameter is named with its value, all in one message."""
    with pytest.raises(ValueError, match=r"must be|never relaxes") as caught:
        replace(EQUAL, **changes)
    assert all(name in str(caught.value) for name in named)


def test_surfaces_of_equal_excess() -> None:
    """Points of the figure's surfaces have the excess that they stand for, by the Lyapunov equation, at m̄₁ = 50, m̄₂ = 100."""
    _, data = cascaded_surfaces()
    assert set(data["excess_2"]) == {10, 0, -10}
    sample = data.dropna().sample(25, random_state=3)
    numbers = sample[["detuning_over_kappa", "hopping_over_kappa", "occupation_3", "excess_2"]].to_numpy(dtype=float)
    for direction, (detuning, size, m3, excess) in zip(sample["hopping"], numbers, strict=True):
        machine = replace(
            EQUAL,
            occupation_1=2 * 50.0 - m3,
            occupation_2=2 * 100.0 - m3,
            occupation_3=m3,
            detuning=detuning,
            hopping=size * {"real": 1, "imaginary": 1j}[direction],
        )
        assert_allclose(machine.disconnected_occupations(), [50, 100])
        assert_allclose(machine.excess()[1], excess, atol=1e-10)


def test_closed_forms_refuse_what_they_do_not_hold_for() -> None:
    """Closed forms name the rates that differ, or the hopping that they neglect, instead of giving wrong numbers."""
    with pytest.raises(ValueError, match="loss_2 = 2"):
        closed_form_occupations(UNEQUAL)
    with pytest.raises(ValueError, match=r"hopping = 0\.1"):
        closed_form_heat_flows(replace(EQUAL, hopping=0.1))
    with pytest.raises(ValueError, match=r"hopping = 0\.1j"):
        closed_form_heat_flows(replace(EQUAL, hopping=0.1j))


def test_network_of_ones_own_is_checked() -> None:
    """A network needs a Hermitian Hamiltonian, one column of couplings per bath, and occupations that are not negative."""
    with pytest.raises(ValueError, match="Hermitian"):
        LinearBosons(hamiltonian=[[0, 1], [2, 0]], couplings=np.eye(2), bath_occupations=[1, 1])
    with pytest.raises(ValueError, match=r"couplings of shape \(2, 2\).*\(2, 1\)"):
        LinearBosons(hamiltonian=np.eye(2), couplings=np.eye(2), bath_occupations=[1])
    with pytest.raises(ValueError, match="bath_occupations"):
        LinearBosons(hamiltonian=np.eye(2), couplings=np.eye(2), bath_occupations=[1, -1])
    with pytest.raises(ValueError, match="Hermitian"):
        LinearBosons(hamiltonian=[[0, 1j], [1j, 0]], couplings=np.eye(2), bath_occupations=[1, 1])
    turned = LinearBosons(hamiltonian=[[0, 1j], [-1j, 0]], couplings=np.eye(2), bath_occupations=[1, 0])
    assert_allclose(turned.conductances(), 2 / 5 * (1 - np.eye(2)))
