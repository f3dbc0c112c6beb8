"""The circuit from its laboratory side: mean fields, static shifts, branches, stability and powers of the drives."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.constants import hbar
from scipy.integrate import solve_ivp

from analysis.mechanisms.figures.optomechanics import PUBLISHED
from analysis.mechanisms.laboratory import DrivenCircuit, amplitude_of_power, circuit_for

HZ = 2 * math.pi
# Rates of order 1, so that equations of motion can be followed.
SMALL = DrivenCircuit(
    single_photon_coupling_1=0.03,
    single_photon_coupling_2=0.02,
    drive_1=6.0,
    drive_2=4.0,
    drive_phase_1=0.4,
    drive_phase_2=1.1,
    hopping=0.7,
    loss_1=1.0,
    loss_2=0.8,
    detuning_1=2.5,
    detuning_2=2.2,
    mechanical_frequency=2.0,
    mechanical_damping=0.3,
    drive_frequency=1e3,
    occupation_1=0.0,
    occupation_2=0.0,
    occupation_m=0.5,
)


def residual(circuit: DrivenCircuit, alpha: Any, beta: complex) -> Any:
    """Right-hand sides of eqs. 5a to 5c as printed, with the drives' phases: α₁, α₂, β per time."""
    g_1, g_2 = circuit.single_photon_coupling_1, circuit.single_photon_coupling_2
    a_1, a_2 = alpha
    x = beta + np.conj(beta)
    drive_1 = circuit.drive_1 * np.exp(1j * circuit.drive_phase_1)
    drive_2 = circuit.drive_2 * np.exp(1j * circuit.drive_phase_2)
    j = 1j * circuit.hopping
    return np.array(
        [
            -(1j * circuit.detuning_1 + circuit.loss_1 / 2) * a_1 - j * a_2 - 1j * g_1 * a_1 * x + drive_1,
            -(1j * circuit.detuning_2 + circuit.loss_2 / 2) * a_2 - j * a_1 - 1j * g_2 * a_2 * x + drive_2,
            -(1j * circuit.mechanical_frequency + circuit.mechanical_damping / 2) * beta
            - 1j * (g_1 * abs(a_1) ** 2 + g_2 * abs(a_2) ** 2),
        ]
    )


def test_mean_fields_are_where_the_equations_of_motion_come_to_rest() -> None:
    """From the dark, eqs. 5 end on the steady branch: amplitudes, displacement, and thus couplings and detunings."""

    def motion(_: float, state: Any) -> Any:
        a_1, a_2, beta = state[:3] + 1j * state[3:]
        change = residual(SMALL, np.array([a_1, a_2]), beta)
        return np.concatenate([change.real, change.imag])

    end = solve_ivp(motion, (0.0, 150.0), np.zeros(6), rtol=1e-10, atol=1e-12).y[:, -1]
    fields = end[:3] + 1j * end[3:]
    found = SMALL.steady()
    assert_allclose(found.amplitudes, fields[:2], rtol=1e-7)
    assert found.displacement == pytest.approx(2 * fields[2].real, rel=1e-7)
    assert found.device.coupling_1 == pytest.approx(0.03 * abs(fields[0]), rel=1e-7)
    assert found.device.phase == pytest.approx(np.angle(fields[1] / fields[0]), abs=1e-7)
    assert found.device.detuning_2 == pytest.approx(2.2 + 0.02 * 2 * fields[2].real, rel=1e-9)
    # Photons in are photons out.
    lost = hbar * 1e3 * (1.0 * abs(fields[0]) ** 2 + 0.8 * abs(fields[1]) ** 2)
    assert SMALL.mean_field_power(found) == pytest.approx(lost, rel=1e-7, abs=0)
    assert found.device.coherent_drive_power(0.03, 0.02) == pytest.approx(lost, rel=1e-7, abs=0)


def test_growth_is_that_of_the_equations_of_motion() -> None:
    """Around every branch the Jacobian of eqs. 5, by differences, has the growth that the branch says."""
    circuits = (SMALL, replace(SMALL, drive_1=60.0, drive_2=10.0), replace(SMALL, detuning_1=-2.0))
    for branch in [branch for circuit in circuits for branch in circuit.branches()]:
        circuit = next(
            c for c in circuits if any(np.array_equal(b.amplitudes, branch.amplitudes) for b in c.branches())
        )
        g = np.array([circuit.single_photon_coupling_1, circuit.single_photon_coupling_2])
        beta = -1j * (g @ np.abs(branch.amplitudes) ** 2)
        beta /= 1j * circuit.mechanical_frequency + circuit.mechanical_damping / 2
        assert np.abs(residual(circuit, branch.amplitudes, beta)).max() < 1e-8 * circuit.drive_1
        state = np.concatenate([branch.amplitudes, [beta]])
        jacobian = np.zeros((6, 6))
        for i in range(6):
            step = (1e-6 if i < 3 else 1e-6j) * np.eye(3)[i % 3]
            moved = [residual(circuit, (state + sign * step)[:2], (state + sign * step)[2]) for sign in (1, -1)]
            slope = (moved[0] - moved[1]) / 2e-6
            jacobian[:, i] = np.concatenate([slope.real, slope.imag])
        assert branch.growth == pytest.approx(np.linalg.eigvals(jacobian).real.max(), abs=1e-6)


def test_strong_red_light_is_bistable() -> None:
    """One cavity pulled towards resonance has the three states of n[κ²/4 + (Δ - c n)²] = ℰ², the middle one unstable."""
    one = replace(SMALL, drive_2=0.0, hopping=0.0, single_photon_coupling_2=0.0, drive_1=40.0)
    pull = 0.03**2 * 2 * 2.0 / (4.0 + 0.3**2 / 4)
    cubic = np.roots([pull**2, -2 * 2.5 * pull, 2.5**2 + 0.25, -(40.0**2)])
    expected = np.sort(cubic[np.abs(cubic.imag) < 1e-9].real)
    photons = [abs(branch.amplitudes[0]) ** 2 for branch in one.branches()]
    assert len(expected) == 3
    assert_allclose(photons, expected, rtol=1e-8)
    assert not one.branches()[1].is_stable
    assert one.steady() is not None
    assert abs(one.steady().amplitudes[0]) ** 2 == pytest.approx(expected[0])
    # With a resonator damped this much the brightest state is stable, too, and the darkest is the one that is reached.
    damped = replace(one, mechanical_damping=3.0)
    assert [branch.is_stable for branch in damped.branches()] == [True, False, True]
    assert_allclose(damped.steady().amplitudes, damped.branches()[0].amplitudes)


def test_a_circuit_made_for_a_device_is_that_device() -> None:
    """Drives for the published couplings give them back with their phase and detunings; g and powers are those of the page."""
    circuit = circuit_for(PUBLISHED, 100 * HZ, 100 * HZ)
    found = circuit.steady()
    assert found.is_stable
    assert_allclose(found.device.hamiltonian, PUBLISHED.hamiltonian, rtol=1e-9, atol=1e-3)
    assert circuit.mean_field_power(found) == pytest.approx(4.1e-13, rel=0.01, abs=0)
    # The static shift, 4G²/ω_m, is small beside the cavities' width.
    assert (circuit.detuning_1 - PUBLISHED.detuning_1) / HZ == pytest.approx(4 * 7e3**2 / 6e6, rel=1e-3)
    assert_allclose(circuit.bath_currents().heat, PUBLISHED.bath_currents().heat, rtol=1e-6)
    # Each cavity is shifted by its own coupling.
    unlike = circuit_for(PUBLISHED, 1e4 * HZ, 3e4 * HZ)
    assert_allclose(unlike.steady().device.hamiltonian, PUBLISHED.hamiltonian, rtol=1e-9, atol=1e-3)
    shifts = np.array([unlike.detuning_1, unlike.detuning_2]) - PUBLISHED.detuning_1
    assert shifts[1] / shifts[0] == pytest.approx(3.0, rel=1e-6)


def test_the_printed_amplitude_leaves_out_the_hopping() -> None:
    """With J the field at the published Δ, κ and J is 0.860 of 2ℰ/√(4Δ² + κ²); without J it is that (errata.md)."""
    like: dict[str, float] = {
        "detuning_1": 6.0,
        "detuning_2": 6.0,
        "loss_1": 2.0,
        "loss_2": 2.0,
        "drive_1": 1.0,
        "drive_2": 1.0,
    }
    circuit = replace(SMALL, **like, drive_phase_1=0.0, drive_phase_2=0.0, hopping=1.0)
    printed = 2 / math.sqrt(4 * 6.0**2 + 2.0**2)
    assert_allclose(np.abs(circuit.amplitudes()), 0.860 * printed, rtol=5e-4)
    assert_allclose(np.abs(replace(circuit, hopping=0.0).amplitudes()), printed, rtol=1e-12)


def test_power_at_a_port() -> None:
    """A resonant cavity with one port holds 4P/ħωκ photons."""
    power = 1e-12
    drive = amplitude_of_power(power, 1e10, 1e6)
    single = replace(
        PUBLISHED_LIKE, drive_1=drive, drive_2=0.0, loss_1=1e6, detuning_1=0.0, hopping=0.0, drive_frequency=1e10
    )
    photons = abs(single.amplitudes()[0]) ** 2
    assert photons == pytest.approx(4 * power / (hbar * 1e10 * 1e6))
    # Through a port with a quarter of the losses a quarter of them.
    assert amplitude_of_power(power, 1e10, 1e6, 0.25) == pytest.approx(drive / 2)


PUBLISHED_LIKE = circuit_for(PUBLISHED, 100 * HZ, 100 * HZ)


def test_what_is_not_physical_is_refused() -> None:
    """All wrong values are named at once; drives so strong that no branch is stable are refused with their values."""
    with pytest.raises(ValueError, match=r"drive_1 = -1.*loss_2 = 0.*must be positive"):
        replace(SMALL, drive_1=-1.0, loss_2=0.0)
    strong = replace(PUBLISHED_LIKE, drive_1=300 * PUBLISHED_LIKE.drive_1, drive_2=300 * PUBLISHED_LIKE.drive_2)
    slowest = min(branch.growth for branch in strong.branches())
    number = len(strong.branches())
    with pytest.raises(ValueError, match="fluctuations around all steady states") as refused:
        strong.steady()
    assert f"drive_1 = {strong.drive_1:g}, drive_2 = {strong.drive_2:g}: " in str(refused.value)
    assert f"states ({number}) grow, at {slowest:.3g} per second or faster" in str(refused.value)
    with pytest.raises(ValueError, match="must be positive and finite"):
        circuit_for(PUBLISHED, 0.0, 1.0)
