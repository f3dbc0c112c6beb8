"""Fluctuations of work and heat, against exact propagation and exact identities."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose
from numpy.typing import NDArray
from scipy.linalg import expm

from analysis.model import FLOWS, Refrigerator
from tests.unit.pairs import DRESSED
from tests.unit.pairs import PAIR as PUBLISHED

PAIR = replace(PUBLISHED, mass=(1.2, 1.5), friction_cold=0.22, friction_hot=0.4)


def gathered(machine: Refrigerator, duration: float, step: float, copies: int) -> NDArray[np.float64]:
    """Works (full force) and heats (first law, energies by hand) over a duration, (copies, 4), by exact propagation."""
    rng = np.random.default_rng(31)
    propagator, c = expm(machine.drift() * step), machine.covariance()
    values, vectors = np.linalg.eigh(c - propagator @ c @ propagator.T)
    root = vectors * np.sqrt(np.maximum(values, 0))
    force = np.array([[-machine.coupling_cold, machine.coupling_cold], [machine.coupling_hot, -machine.coupling_hot]])

    def energy(r: NDArray[np.float64]) -> NDArray[np.float64]:
        kinetic = machine.masses * r[:, 2:] ** 2 / 2
        return np.asarray(machine.trap * r[:, :2] ** 2 / 2 + kinetic.reshape(copies, -1, 2).sum(axis=1))

    r = rng.standard_normal((copies, len(c))) @ np.linalg.cholesky(c).T
    start, work = energy(r), np.zeros((copies, 2))
    for _ in range(round(duration / step)):
        new = r @ propagator.T + rng.standard_normal(r.shape) @ root.T
        work += (r[:, :2] + new[:, :2]) / 2 @ force.T * (new[:, :2] - r[:, :2])
        r = new
    return np.hstack([work, work - (energy(r) - start)])


@pytest.mark.parametrize("machine", [PAIR, DRESSED])
@pytest.mark.parametrize("duration", [1.0, 15.0])
def test_means_and_covariances_agree_with_propagation(machine: Refrigerator, duration: float) -> None:
    """Work and heat over a short and a longer time have the predicted means and covariances (z-scores)."""
    copies = 20_000
    flows = gathered(machine, duration, 0.1, copies)
    predicted = machine.flow_covariance(duration)
    z_means = (flows.mean(axis=0) - machine.flow_rates() * duration) / np.sqrt(np.diag(predicted) / copies)
    centred = flows - flows.mean(axis=0)
    products = centred[:, :, None] * centred[:, None, :]
    z = (products.mean(axis=0) - predicted) / (products.std(axis=0) / np.sqrt(copies))
    assert np.abs(z_means).max() < 4
    assert np.abs(z).max() < 4


@pytest.mark.parametrize("machine", [PAIR, DRESSED])
def test_long_durations_approach_the_noise_rates(machine: Refrigerator) -> None:
    """Cov(T)/T tends to the noise rates as 1/T."""
    rates = machine.flow_noise()
    scale = np.sqrt(np.outer(np.diag(rates), np.diag(rates)))
    errors = [np.abs((machine.flow_covariance(t) / t - rates) / scale).max() for t in (1e5, 1e7)]
    assert errors[0] < 1e-2
    assert_allclose(errors[1], errors[0] / 100, rtol=1e-2)


@pytest.mark.parametrize("machine", [PAIR, DRESSED])
def test_one_current_is_seen_four_ways(machine: Refrigerator) -> None:
    """Over long times W_C = Q_C, W_H = Q_H and W_C/κ_C = -W_H/κ_H, fluctuations included: noise rates of rank one."""
    rates = machine.flow_noise()
    seen = np.array([machine.coupling_cold, -machine.coupling_hot] * 2)
    assert_allclose(rates, rates[0, 0] / seen[0] ** 2 * np.outer(seen, seen), rtol=1e-9)
    assert FLOWS == ("work_cold", "work_hot", "heat_cold", "heat_hot")


def test_white_noise_rules_at_short_times() -> None:
    """Over a vanishing time the heat fluctuates as 2 k_BT γ <V²> dt, the work as its power: quadratic in dt."""
    dt, c = 1e-5, PAIR.covariance()
    cov = PAIR.flow_covariance(dt)
    heat = np.diag(PAIR.noise())[2:] * np.array(PAIR.masses) ** 2 * np.diag(c)[2:]
    assert_allclose(np.diag(cov)[2:] / dt, heat, rtol=1e-4)
    power = [PAIR.power_distribution(side, force="full").var() for side in ("cold", "hot")]
    assert_allclose(np.diag(cov)[:2] / dt**2, power, rtol=1e-3)


def test_equilibrium_fluctuations_obey_green_kubo() -> None:
    """The heat conductance of the reciprocal pair is the equilibrium noise of its heat over 2 k_B T²."""
    even = replace(PAIR, coupling_hot=0.1, temperature_hot=100.0)
    uneven = replace(even, temperature_hot=100.01)
    conductance = uneven.heat_rates()[0] / 0.01
    from_noise = even.flow_noise()[2, 2] / (2 * 8.617333262e-5 * 100.0**2)
    assert_allclose(conductance, from_noise, rtol=2e-4)


def test_duration_must_be_positive() -> None:
    """A duration of zero is refused with its value."""
    with pytest.raises(ValueError, match=r"duration = 0\.0 ps"):
        PAIR.flow_covariance(0.0)
