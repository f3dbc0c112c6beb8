"""The machine of colloids in water: numbers in SI, the overdamped limit, the exact engine, the table of the page."""

from __future__ import annotations

import math
from collections import deque
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose
from numpy.typing import NDArray

from analysis.model import BOLTZMANN, Feedback, LinearLangevin, colloid
from simulation.engines.controlled import propagate_controlled
from simulation.engines.langevin import propagate_pair

PAIR = colloid()
PER_S = 1e12 / (BOLTZMANN * 293.15)  # k_BT per second in eV/ps
MICROSECOND = 1e6  # ps
FPGA = {"update_every": 5 * MICROSECOND, "delay": 15 * MICROSECOND, "position_noise": 10.0}


def test_parameters_are_those_of_a_sphere_in_water() -> None:
    """Diffusion of a 1 µm sphere, 0.43 µm²/s at 20 °C; relaxation in the trap, 0.94 ms; mass of a picogram."""
    joule = 1.602176634e-19
    diffusion = BOLTZMANN * 293.15 / PAIR.friction_cold * 1e-20 / 1e-12  # m²/s
    assert diffusion == pytest.approx(1.380649e-23 * 293.15 / (6 * math.pi * 1.0016e-3 * 0.5e-6), rel=1e-9, abs=0)
    assert diffusion == pytest.approx(0.43e-12, rel=0.01, abs=0)
    assert PAIR.friction_cold / PAIR.trap == pytest.approx(0.944e9, rel=1e-3)
    assert PAIR.trap * joule / 1e-20 == pytest.approx(10e-6)
    assert PAIR.masses[0] * joule * 1e-24 / 1e-20 == pytest.approx(2000 * math.pi / 6 * 1e-18, rel=1e-9, abs=0)
    assert PAIR.coupling_hot / PAIR.coupling_cold == pytest.approx(4.8)


def test_heats_are_those_of_overdamped_motion() -> None:
    """Inertia is not felt: Q_C = k_B κ_C (κ_C T_H - κ_H T_C)/[γ(2κ + κ_C + κ_H)], from the overdamped covariance."""
    friction, stiffness = 9.43953e-9, np.array([10e-6, 10e-6, 48e-6])  # kg/s; N/m
    trap, cold, hot = stiffness
    expected = 1.380649e-23 * cold * (cold * 351.78 - hot * 293.15) / (friction * (2 * trap + cold + hot))
    assert PAIR.heat_rates()[0] * 1e12 * 1.602176634e-19 == pytest.approx(expected, rel=2e-3, abs=0)
    light = colloid(radius_um=0.5)
    assert light.cop()[0] == pytest.approx(10 / 38)


def test_exact_engine_takes_steps_far_beyond_the_memory_of_velocities() -> None:
    """Steps of 5 µs are 45 times m/γ; the works agree with theory, and so do spreads of some 17 nm."""
    steps = 200_000
    states, work, _ = propagate_pair(PAIR, 5 * MICROSECOND, steps, 100, np.random.default_rng(71))
    time = steps * 5 * MICROSECOND
    errors = np.sqrt(np.diag(PAIR.flow_noise())[:2] / time)
    rates = work[-1] / time
    assert (np.abs(rates - PAIR.heat_rates()) < 3.5 * errors).all()
    assert (np.abs(PAIR.heat_rates()) > 20 * errors).all()
    assert_allclose((states[:, :2] ** 2).mean(axis=0), np.diag(PAIR.covariance())[:2], rtol=0.08)
    assert np.sqrt(np.diag(PAIR.covariance())[:2]) == pytest.approx([178, 166], rel=0.01)


def test_exact_engine_with_the_loop_of_optical_tweezers() -> None:
    """The partner read each 5 µs with 1 nm of noise, 15 µs late, and own springs at once: cooling as theory has it."""
    loop = PAIR.with_feedback(Feedback(**FPGA, delayed="partner"))
    couplings = np.array([[PAIR.coupling_cold], [PAIR.coupling_hot]])
    plant = colloid(coupling_cold_pN_per_um=0.0, coupling_hot_pN_per_um=0.0)
    stiffness = plant.stiffness + np.diag(couplings[:, 0])
    trapped = LinearLangevin(
        masses=plant.masses, stiffness=stiffness, frictions=plant.frictions, temperatures=plant.temperatures
    )
    noise = np.random.default_rng(72)
    underway: deque[NDArray[np.float64]] = deque([np.zeros((2, 3))] * 3, maxlen=4)

    def ask(step: int, displacement: NDArray[np.float64], velocity: NDArray[np.float64]) -> NDArray[np.float64]:
        underway.append(displacement + 10.0 * noise.standard_normal((2, 3)))
        return np.asarray(couplings * (underway[0][::-1] - displacement))

    steps = 20_000
    _, work, _ = propagate_controlled(
        [trapped] * 3,
        ask,
        springs=np.repeat(couplings, 3, axis=1),
        is_held=True,
        timestep=5 * MICROSECOND,
        before=1000,
        steps=steps,
        stride=steps,
        generators=[np.random.default_rng(seed) for seed in (73, 74, 75)],
    )
    time = steps * 5 * MICROSECOND
    errors = np.sqrt(np.diag(loop.work_noise()) / (3 * time))
    rates = work[-1].mean(axis=1) / time
    assert (np.abs(rates - loop.heat_rates()) < 3.5 * errors).all()
    assert loop.heat_rates()[0] < -5 * errors[0]


def test_page_has_the_numbers_of_theory() -> None:
    """Every row of the table of colloids in docs/how-to/feedback.md, in k_BT per second."""
    text = (Path(__file__).resolve().parents[2] / "docs/how-to/feedback.md").read_text(encoding="utf-8")
    rows = [line.strip("| ").split(" | ") for line in text.partition("| all: cold, hot |")[2].splitlines()[2:6]]
    assert len(rows) == 4
    for period, delay, noise, partner, whole in rows:
        loop = {
            "update_every": float(period) * MICROSECOND,
            "delay": float(delay) * MICROSECOND,
            "position_noise": 10 * float(noise),
        }
        for delayed, told in (("partner", partner), ("all", whole)):
            machine = PAIR.with_feedback(Feedback(**loop, delayed=delayed))  # type: ignore[arg-type]
            if told == "unstable":
                assert not machine.is_stable
            else:
                heats = machine.heat_rates() if any(loop.values()) else PAIR.heat_rates()
                expected = [float(number.replace("−", "-")) for number in told.split(", ")]
                assert heats * PER_S == pytest.approx(expected, abs=0.6)


def test_wrong_values_are_named() -> None:
    """As of every pair."""
    with pytest.raises(ValueError, match="trap"):
        colloid(trap_pN_per_um=math.nan)
