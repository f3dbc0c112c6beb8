"""The numbers of errata.md about "Manipulating heat flow in quantum devices": each test backs rows of its table."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.testing import assert_allclose
from scipy.constants import hbar, k

from analysis.mechanisms.bosons import LinearBosons, quadratures
from analysis.mechanisms.cascaded import closed_form_heat_flows
from analysis.mechanisms.counting import biased_correlations, cumulant_function
from analysis.mechanisms.figures.optomechanics import PUBLISHED
from analysis.mechanisms.optomechanics import realisation
from analysis.model.lyapunov import Array
from tests.unit.cascaded import EQUAL, EXACT, UNEQUAL

HOPPING = replace(EQUAL, detuning=0.5, hopping=0.3 + 0.4j, phase=0.7)


def test_printed_excess_contradicts_the_occupations() -> None:
    """C10, C11: ℑ(2ℑ + κ) should be ℑ(ℑ + 2κ); as printed they are not C1, C2 less m̄."""
    n1, n2, n3 = HOPPING.bath_occupations
    seen = HOPPING.hopping * np.exp(1j * HOPPING.phase)
    re, im, size = seen.real, seen.imag, abs(seen) ** 2
    first = size * (-n1 + 2 * n2 - n3) - (im * (2 * im + 1) - re * 0.5) * (n1 - n3)
    second = size * (2 * n1 - n2 - n3) - (im * (2 * im + 1) + re * 0.5) * (n2 - n3) + 2 * (2 * im + 1) * (n1 - n3)
    printed = np.array([first, second]) / (2 * (3 * size + 4 * (1 + im) + im**2 + 0.25))
    assert_allclose(printed, [-0.3415, 1.2437], atol=5e-5)
    assert_allclose(HOPPING.excess(), [-0.4140, 1.2316], atol=5e-5)


def test_printed_phases_of_the_two_equations() -> None:
    """(1) and (2): the Hamiltonian and collective mode of (1) give a drift with e^{-iφ} where (2) has e^{iφ}."""
    turn = np.exp(0.7j)
    across = HOPPING.hopping + 0.5j * turn
    printed = LinearBosons(
        hamiltonian=[[-0.25, across], [np.conj(across), 0.25]],
        # ĉ₃ takes quanta out of c₁ + e^{iφ}c₂, so the column, which feeds them in, is its conjugate.
        couplings=[[1, 0, 1], [0, 1, 1 / turn]],
        bath_occupations=HOPPING.bath_occupations,
    )
    assert_allclose(printed.drift()[1, 0], -1j * np.conj(HOPPING.hopping) - 1 / turn, rtol=EXACT)
    assert_allclose(HOPPING.drift()[1, 0], -1j * np.conj(HOPPING.hopping) - turn, rtol=EXACT)
    assert_allclose(printed.occupations(), [2.8381, 2.2373], atol=5e-5)
    assert_allclose(HOPPING.occupations(), [2.4860, 2.3816], atol=5e-5)


def biased_matrices(bias: Array) -> tuple[Array, Array]:
    """F₊ and F₋ (D2), each bath acting on the combination of modes that it damps."""
    bath, couplings = UNEQUAL.bath_occupations, UNEQUAL.couplings
    lose, gain = (bath + 1) * np.expm1(-bias), bath * np.expm1(bias)
    plus, minus = ((couplings * weight) @ couplings.conj().T for weight in (lose + gain, lose - gain))
    return quadratures(plus), quadratures(minus)


def test_riccati_equation() -> None:
    """D1, D3: with V = 2n + 1 the equation has ½F_± for F_±, ends in +½F₊, and θ has ¼ for ½."""
    bias = np.array([0.05, -0.03, 0.1])
    plus, minus = biased_matrices(bias)
    v = quadratures(2 * biased_correlations(UNEQUAL, bias) + np.eye(2))
    drift = quadratures(UNEQUAL.drift())
    b = UNEQUAL.couplings
    noise = quadratures((b * (2 * UNEQUAL.bath_occupations + 1)) @ b.conj().T)
    biased = (drift - minus / 2) @ v
    right = biased + biased.T + v @ plus @ v / 2 + noise + plus / 2
    assert_allclose(right, 0.0, atol=1e-10)
    assert_allclose(np.trace(plus @ v - minus) / 4, cumulant_function(UNEQUAL, bias), rtol=1e-10)


def test_printed_counting_of_one_mode_with_one_bath() -> None:
    """D1, D3, as printed: a variance of -5κ at N̄ = 0.5, where nothing can be counted; with the halves alone still -0.5κ."""
    n, h = 0.5, 1e-4

    def theta(s: float, half: float) -> float:
        lose, gain = (n + 1) * math.expm1(-s), n * math.expm1(s)
        plus, minus = half * (lose + gain), half * (lose - gain)
        linear = -1 - 2 * minus
        v = (-linear - math.sqrt(linear**2 - 4 * plus * (2 * n + 1))) / (2 * plus)
        return plus * v - minus

    for half, expected in ((1.0, -5.0), (0.5, -0.5)):
        assert_allclose((theta(h, half) + theta(-h, half)) / h**2, expected, rtol=1e-4)


def test_printed_first_moment_is_twice_the_flow() -> None:
    """D5 with D6 gives 2κ(n̄ - N̄) for V = 2n + 1, and -1 in equilibrium for V = n + ½; D7 has κ(n̄ - N̄)."""

    def printed(variance: float, bath: float) -> float:
        return -(-variance + (2 * bath + 1))

    occupation = float(EQUAL.occupations()[0])
    flow = closed_form_heat_flows(EQUAL)[0]
    assert_allclose(printed(2 * occupation + 1, EQUAL.occupation_1), 2 * flow, rtol=EXACT)
    assert_allclose(printed(0.5 + 0.5, 0.5), -1.0, rtol=EXACT)


def test_heat_flows_with_the_actual_occupations() -> None:
    """D7: read with the actual n̄₂ for n̄₂, as the symbol says, the second flow is not what bath 2 gets."""
    n1, n2 = EQUAL.occupations()
    read = 2 / 4 * (n1 - EQUAL.occupation_3) + (EQUAL.occupation_3 - n2)
    assert_allclose([read, EQUAL.heat_flows()[1]], [-0.35, 0.7], rtol=1e-12)


def test_heat_into_bath_2_depends_on_bath_1() -> None:
    """D7b depends on N̄₁: κ³/(4κ² + Δ²) per quantum, κ/4 on resonance; only η₁ is independent of the other bath."""
    tau = EQUAL.conductances()
    assert_allclose([tau[1, 0], tau[0, 1]], [0.25, 0.0], atol=EXACT)
    tau = replace(EQUAL, detuning=3.0).conductances()
    assert_allclose([tau[1, 0], tau[0, 1]], [1 / 13, 0.0], atol=EXACT)


def test_published_circuit_is_reciprocal() -> None:
    """Sec. III: oscillator 1 does depend on bath 2, by a quarter of a quantum per quantum, and bath 3 hardly matters."""
    effective = PUBLISHED.effective()
    assert_allclose(PUBLISHED.mechanical_damping / PUBLISHED.loss_1, 5e-5)
    assert_allclose([effective.channel_1 / PUBLISHED.loss_1, effective.hopping.real / PUBLISHED.loss_1], [0.98, 0.01])
    reach = np.diagonal(PUBLISHED.shares(), axis1=1, axis2=2).real
    assert_allclose(reach[1, 0], 0.24998, atol=5e-6)
    assert_allclose(reach[2, :2], [2.47e-5, 6.1e-10], rtol=5e-3)
    meant = np.diagonal(effective.shares(), axis1=1, axis2=2).real
    assert_allclose(meant[:, 0], [0.50252, 2.55e-5, 0.49745], rtol=1e-3)
    # By the effective model oscillator 2 cools below its disconnected value; in the circuit it is not even near that.
    circuit = replace(PUBLISHED, occupation_1=0.0, occupation_2=0.0)
    assert_allclose(circuit.effective().excess()[1], -0.12374, rtol=1e-4)
    assert_allclose([circuit.effective().occupations()[1], circuit.occupations()[1]], [0.12374, 3.06e-10], rtol=1e-3)


def test_infinite_band_is_no_equivalence_at_the_published_frequency() -> None:
    """B23 to B29: at ω_m = 3κ, γ_m = 30κ leaves the rotating-wave approximation, and n̄₁ = 9.35 is far from 5.25."""
    machine = replace(EQUAL, phase=math.pi / 2, occupation_1=10.0, occupation_2=0.0, occupation_3=0.5)
    device, _ = realisation(machine, mechanical_frequency=3.0, mechanical_damping=30.0, drive_frequency=1e3)
    found = [device.occupations_with_counter_rotation()[0], machine.occupations()[0]]
    assert_allclose(found, [9.3546, 5.25], rtol=1e-4)


def test_printed_output_of_a_mode_is_not_unitary() -> None:
    """Sec. II: with damping -γ/2 and input √γ c_in, c_in + √γ c has |S(0)| = 3 on resonance; c_in - √γ c has 1."""
    mode = LinearBosons(hamiltonian=[[0.0]], couplings=[[1.3]], bath_occupations=[1.0])
    inside = 1.3 * mode.response(0.0)[0, 0]
    assert_allclose([1 + inside, 1 - inside], [3, -1], rtol=EXACT)
    assert_allclose(mode.scattering(0.0)[0, 0], -1, rtol=EXACT)


def test_mean_fields_of_cavities_that_hop() -> None:
    """(4), (5), (A1), (A3): J detunes equal mean fields to 0.860 of the printed amplitude; the printed frame leaves 6e-4."""
    detuning, loss, hopping = 6.0, 2.0, 1.0
    matrix = np.array([[1j * detuning + loss / 2, 1j * hopping], [1j * hopping, 1j * detuning + loss / 2]])
    printed = 2 / math.sqrt(4 * detuning**2 + loss**2)
    assert_allclose(np.abs(np.linalg.solve(matrix, [-1j, -1j])) / printed, 0.8602, rtol=1e-4)
    off = 1 / abs(1j * (5000 + 4994) + loss / 2)
    assert_allclose(off / printed, 6.086e-4, rtol=1e-3)


def test_occupation_and_not_temperature_is_linear() -> None:
    """Sec. III: n̄₂ has slope 1/4 in N̄₁; the slope of T₂ in T₁ grows fourfold from 50 to 200 mK."""
    quantum = hbar * 2 * math.pi * 5e9 / k

    def second(temperature: float) -> tuple[float, float, float]:
        bath = 1 / math.expm1(quantum / temperature)
        occupation = float(replace(PUBLISHED, occupation_1=bath).effective().occupations()[1])
        return bath, occupation, quantum / math.log1p(1 / occupation)

    slopes = []
    for temperature in (0.05, 0.1, 0.2):
        (n1, m1, t1), (n2, m2, t2) = second(temperature * 0.999), second(temperature * 1.001)
        assert_allclose((m2 - m1) / (n2 - n1), 0.25, rtol=1e-6)
        slopes.append((t2 - t1) / (0.002 * temperature))
    assert_allclose(slopes, [0.0709, 0.2213, 0.2788], rtol=1e-3)
