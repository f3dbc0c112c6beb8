"""The pair with bodies: the pairs it contains, its heats by another route, its extremes, refusals."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose
from numpy.typing import NDArray
from scipy.integrate import quad

from analysis.model import BOLTZMANN, DressedPair, LangevinPair, Mode, PairWithBodies

MODAL = PairWithBodies(
    mass=(1.2, 1.5),
    friction_cold=0.5,
    friction_hot=0.3,
    body_frictions_cold=(0.4, 1.5, 0.2),
    body_frictions_hot=(0.7,),
    body_times_cold=(8.0, 0.5, 1.5),
    body_times_hot=(2.0,),
    trap=0.01,
    coupling_cold=0.1,
    coupling_hot=0.48,
    temperature_cold=100.0,
    temperature_hot=120.0,
)


def heats_from_spectrum(pair: PairWithBodies) -> NDArray[np.float64]:
    """Heat rates (cold, hot) from the response of each side to a force (docs/explanation/theory.md, any linear bath), eV/ps."""
    masses = pair.mass if isinstance(pair.mass, tuple) else (pair.mass, pair.mass)
    sides = (
        (masses[0], pair.friction_cold, pair.body_frictions_cold, pair.body_times_cold),
        (masses[1], pair.friction_hot, pair.body_frictions_hot, pair.body_times_hot),
    )
    couplings = pair.coupling_cold, pair.coupling_hot

    def integrand(log_frequency: float) -> float:
        w = np.exp(log_frequency)
        frictions = [
            g0 + sum(c * (-1j * w * t) / (1 - 1j * w * t) for c, t in zip(cs, ts, strict=True))
            for _, g0, cs, ts in sides
        ]
        cold, hot = (
            pair.trap - m * w**2 - 1j * w * g + k for (m, *_), g, k in zip(sides, frictions, couplings, strict=True)
        )
        determinant = cold * hot - couplings[0] * couplings[1]
        return float(w**3 * frictions[0].real * frictions[1].real / abs(determinant) ** 2)

    total = quad(integrand, -25, 15, limit=2000, epsabs=0, epsrel=1e-11, points=[-6, -3, -2, -1, 0, 1])[0]
    drive = couplings[0] * pair.temperature_hot - couplings[1] * pair.temperature_cold
    return BOLTZMANN * drive * 2 / np.pi * total * np.array([couplings[0], -couplings[1]])


@pytest.mark.parametrize("core", [1e-4, 0.03, 2.0, 40.0, 1e4])
@pytest.mark.parametrize("shell", [0.05, 0.7, 10.0])
@pytest.mark.parametrize("shell_mass", [1e-4, 1.6, 1e3])
def test_one_body_is_the_dressed_pair(core: float, shell: float, shell_mass: float) -> None:
    """One body that touches only the core gives the friction, and so the heats, of one shell between core and bath."""
    common = {
        "mass": (1.2, 1.5),
        "trap": 0.01,
        "coupling_cold": 0.1,
        "coupling_hot": 0.48,
        "temperature_cold": 100.0,
        "temperature_hot": 120.0,
    }
    dressed = DressedPair(
        core_friction_cold=core,
        core_friction_hot=2.0,
        shell_friction_cold=shell,
        shell_friction_hot=0.66,
        shell_mass_cold=shell_mass,
        shell_mass_hot=1.3,
        **common,  # type: ignore[arg-type]
    )
    modal = PairWithBodies(
        friction_cold=core * shell / (core + shell),
        friction_hot=2.0 * 0.66 / 2.66,
        body_frictions_cold=(core**2 / (core + shell),),
        body_frictions_hot=(2.0**2 / 2.66,),
        body_times_cold=(shell_mass / (core + shell),),
        body_times_hot=(1.3 / 2.66,),
        **common,  # type: ignore[arg-type]
    )
    assert_allclose(modal.heat_rates(), dressed.heat_rates(), rtol=1e-9)
    noise = dressed.flow_noise()
    assert_allclose(modal.flow_noise(), noise, rtol=1e-5, atol=1e-8 * abs(noise).max())
    assert_allclose(
        modal.power_uncertainty("total", 1.0, "full"), dressed.power_uncertainty("total", 1.0, "full"), rtol=1e-9
    )


def test_no_body_is_the_langevin_pair() -> None:
    """Without bodies the friction is white."""
    white = replace(MODAL, body_frictions_cold=(), body_frictions_hot=(), body_times_cold=(), body_times_hot=())
    pair = LangevinPair(
        mass=(1.2, 1.5),
        friction_cold=0.5,
        friction_hot=0.3,
        trap=0.01,
        coupling_cold=0.1,
        coupling_hot=0.48,
        temperature_cold=100.0,
        temperature_hot=120.0,
    )
    assert_allclose(white.heat_rates(), pair.heat_rates(), rtol=1e-14)


@pytest.mark.parametrize("drag", [1e-8, 1e-3, 0.7, 1e3])
@pytest.mark.parametrize("time", [1e-7, 1e-3, 2.0, 1e4, 1e8])
def test_heats_are_those_of_the_spectrum(drag: float, time: float) -> None:
    """The integral over frequencies, which knows no bodies, gives the same heats however light or heavy they are."""
    pair = replace(MODAL, body_frictions_hot=(drag, 0.2), body_times_hot=(time, 1.0))
    assert_allclose(pair.heat_rates(), heats_from_spectrum(pair), rtol=1e-8)


def test_light_bodies_follow_and_heavy_ones_stand_still() -> None:
    """A body without mass moves with its core and does not rub; one of endless mass is part of the bath."""
    bare = replace(MODAL, body_frictions_hot=(), body_times_hot=())
    light = replace(MODAL, body_times_hot=(1e-10,))
    heavy = replace(MODAL, body_times_hot=(1e10,))
    assert_allclose(light.heat_rates(), bare.heat_rates(), rtol=1e-8)
    assert_allclose(heavy.heat_rates(), replace(bare, friction_hot=1.0).heat_rates(), rtol=1e-8)


def test_order_of_the_bodies_does_not_matter() -> None:
    """Nor does cutting one body into two of the same time."""
    cut = replace(MODAL, body_frictions_cold=(0.2, 0.5, 1.0, 0.4), body_times_cold=(1.5, 0.5, 0.5, 8.0))
    assert_allclose(cut.heat_rates(), MODAL.heat_rates(), rtol=1e-11)


def test_second_law_and_balance() -> None:
    """Directions of flow do not depend on the friction: at κ_H/κ_C = T_H/T_C nothing flows."""
    balanced = replace(MODAL, coupling_hot=0.12)
    assert balanced.mode() is Mode.EQUILIBRIUM
    assert_allclose(balanced.heat_rates(), 0, atol=1e-15)
    heats = MODAL.heat_rates()
    assert MODAL.mode() is Mode.REFRIGERATOR
    assert heats[0] < 0 < heats[1]
    assert_allclose(MODAL.entropy_production(), heats @ [1 / 100.0, 1 / 120.0], rtol=1e-10)
    assert_allclose(MODAL.work_rates(), heats, rtol=1e-10)
    assert_allclose(-heats[0] / heats.sum(), MODAL.cop()[0], rtol=1e-10)


def test_friction_rises_from_rest_to_its_sum() -> None:
    """Re γ is g₀ at rest and g₀ + Σ c_i where everything else lags behind; half of each body's share at ωτ = 1."""
    drags, times = np.array([0.4, 1.5]), np.array([1e4, 1e-3])
    pair = replace(MODAL, friction_cold=0.5, body_frictions_cold=tuple(drags), body_times_cold=tuple(times))
    friction = pair.friction(0, np.array([0.0, 1e-4, 1.0, 1e3, 1e9]))
    assert_allclose(friction.real, [0.5, 0.7, 0.9, 1.65, 2.4], rtol=2e-6)
    # A body's inertia at rest is its mass: γ(ω) - g₀ → -iω c τ.
    slow = pair.friction(0, np.array([1e-9]))
    assert_allclose(slow.imag, -1e-9 * (drags @ times), rtol=1e-6)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"body_times_cold": (1.0,)}, "body_times_cold = .*give each body one of both"),
        ({"body_times_hot": (0.0,)}, "body_times_hot = .* ps: must be a positive"),
        ({"body_frictions_hot": (-0.1,)}, "body_frictions_hot = .*positive"),
        ({"friction_cold": float("nan")}, "friction_cold = nan"),
    ],
)
def test_refusals(change: dict[str, float], message: str) -> None:
    """What is not physical is refused by name."""
    with pytest.raises(ValueError, match=message):
        replace(MODAL, **change)  # type: ignore[arg-type]


def test_any_sequence_will_do() -> None:
    """Arrays and lists are stored as tuples, so that pairs compare and hash."""
    same = replace(MODAL, body_frictions_hot=np.array([0.7]), body_times_hot=[2.0])  # type: ignore[arg-type]
    assert same == MODAL
    assert hash(same) == hash(MODAL)
