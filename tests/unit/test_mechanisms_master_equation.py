"""The cascaded oscillators solved a second time: QuTiP's master equation in a truncated Fock space, for small occupations."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.sparse.linalg import eigs

from analysis.mechanisms.cascaded import CascadedOscillators
from analysis.mechanisms.counting import cumulant_function

qutip = pytest.importorskip("qutip")

LEVELS = 6
# What is cut off is of the order of LEVELS times N̄^LEVELS, 4e-9 for the highest N̄ here.
CUT = 1e-8
MACHINE = CascadedOscillators(
    loss_1=1.0,
    loss_2=0.6,
    channel_1=0.7,
    channel_2=1.3,
    occupation_1=0.03,
    occupation_2=0.01,
    occupation_3=0.02,
    detuning=0.4,
    phase=1.2,
    hopping=0.3 - 0.2j,
)


def modes() -> list[Any]:
    """ĉ₁ and ĉ₂."""
    one, lower = qutip.qeye(LEVELS), qutip.destroy(LEVELS)
    return [qutip.tensor(lower, one), qutip.tensor(one, lower)]


def liouvillian(machine: CascadedOscillators, phase: float, bias: tuple[float, ...] = (0.0, 0.0, 0.0)) -> Any:
    """Eq. 1 as printed, for φ = phase, each quantum given to bath b weighted with exp(-s_b)."""
    c1, c2 = modes()
    passed = math.sqrt(machine.channel_1 * machine.channel_2)
    turn = np.exp(1j * phase)
    forth = c1.dag() * c2
    hop = 0.5j * passed * (turn * forth - np.conj(turn) * forth.dag())
    hop += machine.hopping * forth + np.conj(machine.hopping) * forth.dag()
    total = qutip.liouvillian(machine.detuning * c2.dag() * c2 + hop)
    jumps = [
        math.sqrt(machine.loss_1) * c1,
        math.sqrt(machine.loss_2) * c2,
        math.sqrt(machine.channel_1) * c1 + math.sqrt(machine.channel_2) * turn * c2,
    ]
    for jump, n, s in zip(jumps, machine.bath_occupations, bias, strict=True):
        total += (n + 1) * qutip.lindblad_dissipator(jump) + n * qutip.lindblad_dissipator(jump.dag())
        total += (n + 1) * math.expm1(-s) * qutip.sprepost(jump, jump.dag())
        total += n * math.expm1(s) * qutip.sprepost(jump.dag(), jump)
    return total


def occupations(machine: CascadedOscillators, phase: float) -> list[float]:
    """Of both modes in the steady state of eq. 1."""
    state = qutip.steadystate(liouvillian(machine, phase))
    return [float(qutip.expect(c.dag() * c, state)) for c in modes()]


def test_steady_state() -> None:
    """Occupations and correlation of the Lyapunov solution are those of the master equation, whose φ has the opposite sign."""
    state = qutip.steadystate(liouvillian(MACHINE, -MACHINE.phase))
    c = modes()
    found = np.array([[qutip.expect(b.dag() * a, state) for b in c] for a in c])
    assert_allclose(found, MACHINE.correlations(), atol=CUT)


def test_phase_of_the_printed_master_equation() -> None:
    """Eq. 1 with the φ of eq. 2 is another machine: with F ≠ 0 it has other occupations."""
    machine = replace(MACHINE, hopping=0.5j, phase=math.pi / 2)
    assert np.abs(occupations(machine, machine.phase) - machine.occupations()).max() > 1e-4
    assert_allclose(occupations(machine, -machine.phase), machine.occupations(), atol=CUT)


def test_counting_statistics() -> None:
    """The largest eigenvalue of the biased master equation is the large-deviation function."""
    bias = (0.2, -0.1, 0.05)
    matrix = liouvillian(MACHINE, -MACHINE.phase, bias).to("csr").data_as("csr_matrix").tocsc()
    largest = eigs(matrix, k=1, sigma=0.05, v0=np.ones(matrix.shape[0]), return_eigenvectors=False)[0]
    assert_allclose(largest, cumulant_function(MACHINE, bias), atol=CUT)
