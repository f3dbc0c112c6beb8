"""Networks of bosons in a row, over time, and beyond the rotating-wave approximation."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose

from analysis.mechanisms.bosons import LinearBosons, cascade
from analysis.mechanisms.cascaded import CascadedOscillators
from analysis.mechanisms.figures.direction import ring_of_three
from analysis.mechanisms.figures.optomechanics import PUBLISHED
from analysis.mechanisms.pairs import PairedBosons

CASCADE = CascadedOscillators(
    loss_1=1.0,
    loss_2=0.6,
    channel_1=0.7,
    channel_2=1.3,
    occupation_1=3.0,
    occupation_2=0.2,
    occupation_3=0.5,
    detuning=0.4,
)


def oscillator(loss: float, channel: float, occupation: float, at: float = 0.5, frequency: float = 0.0) -> LinearBosons:
    """One mode with a bath of its own and a channel."""
    return LinearBosons(
        hamiltonian=[[frequency]], couplings=[[math.sqrt(loss), math.sqrt(channel)]], bath_occupations=(occupation, at)
    )


def test_a_row_of_two_is_the_cascade() -> None:
    """The series product of two oscillators is the published machine: occupations, flows and what passes."""
    made = cascade([oscillator(1.0, 0.7, 3.0, 0.5, -0.2), oscillator(0.6, 1.3, 0.2, 9.0, 0.2)])
    assert_allclose(made.occupations(), CASCADE.occupations(), rtol=1e-12)
    assert_allclose(made.heat_flows(), CASCADE.heat_flows(), rtol=1e-10, atol=1e-13)
    assert made.rectification(0, 1) == pytest.approx(1, abs=1e-12)
    assert made.rectification(1, 0) == pytest.approx(-1, abs=1e-12)


def test_a_row_of_four_passes_quanta_forward_only() -> None:
    """At every frequency the scattering between own baths has no element from a later to an earlier system.

    What leaves the row is what each passes on in turn: the product of transfer functions of single systems.
    """
    rng = np.random.default_rng(5)
    systems = [oscillator(rng.uniform(0.3, 2), rng.uniform(0.3, 2), 1.0, 0.5, rng.normal()) for _ in range(4)]
    row = cascade(systems)
    frequencies = rng.normal(size=7)
    s = row.scattering(frequencies)
    backward = np.triu(np.ones((4, 4), dtype=bool), 1)
    assert np.abs(s[:, :4, :4][:, backward]).max() < 1e-12
    through = np.prod([system.scattering(frequencies)[:, 1, 1] for system in systems], axis=0)
    assert_allclose(s[:, 4, 4], through, rtol=1e-12)


def test_a_port_may_be_any_bath() -> None:
    """A channel that stands first in a system is taken by its index; one that is not there is refused."""
    swapped = LinearBosons(
        hamiltonian=[[0.2]], couplings=[[math.sqrt(1.3), math.sqrt(0.6)]], bath_occupations=(9.0, 0.2)
    )
    made = cascade([oscillator(1.0, 0.7, 3.0, 0.5, -0.2), swapped], ports=[1, 0])
    assert_allclose(made.heat_flows(), CASCADE.heat_flows(), rtol=1e-10, atol=1e-13)
    with pytest.raises(ValueError, match=r"ports\[1\] = 2: system 1 has 2 baths"):
        cascade([swapped, swapped], ports=[0, 2])


def test_the_phase_around_a_ring_turns_heat_round() -> None:
    """At opposite phases left and right change places; without a phase nothing is rectified; unlinked baths have no ratio."""
    flows = [ring_of_three(phase).heat_flows() for phase in (0.9, -0.9)]
    assert_allclose(flows[0], flows[1][[0, 2, 1]], rtol=1e-10)
    assert ring_of_three(0.0).rectification(0, 1) == pytest.approx(0, abs=1e-12)
    assert ring_of_three(0.9).rectification(0, 1) == pytest.approx(-ring_of_three(-0.9).rectification(0, 1))
    apart = LinearBosons(hamiltonian=np.zeros((2, 2)), couplings=np.eye(2), bath_occupations=(1.0, 0.0))
    with pytest.raises(ValueError, match="nothing passes"):
        apart.rectification(0, 1)


def test_the_published_circuit_turns_round_with_the_sign_of_its_phase() -> None:
    """On resonance a narrow signal passes from 1 to 2 at φ = π/2, from 2 to 1 at -π/2, and is blocked the other way."""
    for sign, (sink, source) in ((1, (1, 0)), (-1, (0, 1))):
        device = replace(PUBLISHED, phase=sign * math.pi / 2)
        passed = np.abs(device.scattering(device.mechanical_frequency)) ** 2
        assert passed[sink, source] > 0.99
        assert passed[source, sink] < 2e-4


def test_parametric_amplifier_in_closed_form() -> None:
    """One mode with pairs g: variances (N + 1/2)κ/(κ ∓ 2g), the quanta that its drive gives, and the threshold 2g = κ."""
    loss, bath, gain = 1.3, 0.4, 0.35
    one = LinearBosons(hamiltonian=[[0.0]], couplings=[[math.sqrt(loss)]], bath_occupations=(bath,))
    made = PairedBosons(one, [[1j * gain]])
    grown, squeezed = ((bath + 0.5) * loss / (loss - sign * 2 * gain) for sign in (1, -1))
    assert_allclose(made.covariance(), np.diag([grown, squeezed]), rtol=1e-12)
    occupation = (grown + squeezed - 1) / 2
    assert made.occupations() == pytest.approx([occupation])
    assert made.heat_flows() == pytest.approx([loss * (occupation - bath)])
    assert made.growth() == pytest.approx(gain - loss / 2)
    with pytest.raises(ValueError, match=r"pairs grow at the rate 0\.05"):
        PairedBosons(one, [[0.7j]]).covariance()
    with pytest.raises(ValueError, match="must be finite and symmetric"):
        PairedBosons(CASCADE, [[0, 1], [2, 0]])
    # Beyond threshold one quadrature grows exponentially, from the vacuum.
    early = PairedBosons(one, [[0.7j]]).covariance_over_time([0.0, 2.0])
    rate = 2 * 0.7 - loss
    assert early[1, 0, 0] == pytest.approx(0.5 * math.exp(2 * rate) + (bath + 0.5) * loss * math.expm1(2 * rate) / rate)
    with pytest.raises(
        ValueError, match=r"variances at time 1e\+09 are beyond the range .* unstable; shorten the duration"
    ):
        PairedBosons(one, [[0.7j]]).covariance_over_time([0.0, 2.0, 1e9, 2e9])


def test_a_network_relaxes_to_its_steady_state() -> None:
    """From the vacuum the moments obey dV/dt = AV + VAᵀ + N, at every time, and end where the network's own solution is."""
    made = PairedBosons(CASCADE)
    times = np.array([0.0, 0.3, 0.3 + 1e-5, 60.0])
    v = made.covariance_over_time(times)
    assert_allclose(v[0], np.eye(4) / 2)
    assert_allclose(v[-1], CASCADE.covariance(), rtol=1e-10, atol=1e-12)
    a = made.drift()
    assert_allclose((v[2] - v[1]) / 1e-5, a @ v[1] + v[1] @ a.T + made.noise(), rtol=1e-3, atol=1e-4)
    assert_allclose(made.heat_flows(), CASCADE.heat_flows(), rtol=1e-9, atol=1e-12)
    assert_allclose(made.occupations(v)[-1], CASCADE.occupations(), rtol=1e-10)


def test_quanta_over_time_against_the_master_equation() -> None:
    """Two modes that hop, create pairs and touch thermal baths: occupations over time by QuTiP in a truncated Fock space."""
    qutip = pytest.importorskip("qutip")
    levels, hop, pair = 7, 0.5, 0.12
    one, lower = qutip.qeye(levels), qutip.destroy(levels)
    c1, c2 = qutip.tensor(lower, one), qutip.tensor(one, lower)
    losses, baths = (1.0, 0.7), (0.03, 0.01)
    energy = 0.4 * c2.dag() * c2 + hop * (c1.dag() * c2 + c2.dag() * c1)
    energy += pair * (1j * c1.dag() * c2.dag() - 1j * c1 * c2)
    jumps = [
        math.sqrt(rate * weight) * operator
        for c, rate, n in zip((c1, c2), losses, baths, strict=True)
        for weight, operator in ((n + 1, c), (n, c.dag()))
    ]
    start = qutip.tensor(qutip.basis(levels, 0), qutip.basis(levels, 0))
    times = np.array([0.0, 0.5, 1.5, 4.0])
    solved = qutip.mesolve(
        energy, start, times, jumps, e_ops=[c1.dag() * c1, c2.dag() * c2], options={"rtol": 1e-8, "atol": 1e-10}
    )
    network = LinearBosons(
        hamiltonian=[[0, hop], [hop, 0.4]], couplings=np.diag(np.sqrt(losses)), bath_occupations=baths
    )
    made = PairedBosons(network, [[0, 1j * pair], [1j * pair, 0]])
    found = made.occupations(made.covariance_over_time(times))
    assert_allclose(found, np.array(solved.expect).T, atol=2e-6)
