"""The paper's pair and the dressed pair: known numbers, refusals, stability."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from analysis.model import DressedPair, LangevinPair

PAIR = LangevinPair(
    mass=1.225,
    friction_cold=0.21845,
    friction_hot=0.21845,
    trap=0.01,
    coupling_cold=0.1,
    coupling_hot=0.48,
    temperature_cold=100.0,
    temperature_hot=120.0,
)


@pytest.mark.parametrize(
    ("ratio", "cold", "hot"),
    [(0.17, 1.299, -0.221), (1.2, 0, 0), (4.8, -0.289, 1.386), (7.27, -0.249, 1.809), (10, -0.208, 2.085)],
)
def test_heat_rates_of_the_design(ratio: float, cold: float, hot: float) -> None:
    """The heat flows (eV/ns) at the paper's parameters are the ones the project was designed around."""
    heats = replace(PAIR, coupling_hot=0.1 * ratio).heat_rates() * 1e3
    np.testing.assert_allclose(heats, [cold, hot], atol=6e-4)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("mass", 0.0),
        ("mass", (1.0, -1.0)),
        ("friction_hot", -0.1),
        ("temperature_cold", 0.0),
        ("trap", float("nan")),
    ],
)
def test_unphysical_parameters_are_named(field: str, value: object) -> None:
    """A value that no experiment could have is refused at construction, by name and with the value."""
    with pytest.raises(ValueError, match=field):
        replace(PAIR, **{field: value})  # type: ignore[arg-type]


@pytest.mark.parametrize("wrong", [{"trap": -0.001}, {"coupling_hot": -0.2}])
def test_unstable_pair_can_be_asked_but_has_no_steady_state(wrong: dict[str, float]) -> None:
    """An unstable pair says so and why; whatever needs a steady state raises, naming parameter and eigenvalue."""
    pair = replace(PAIR, **wrong)
    assert not pair.is_stable
    for method in (pair.covariance, pair.heat_rates, lambda: pair.correlation(1.0)):
        with pytest.raises(ValueError, match=rf"{next(iter(wrong))}.*eigenvalue"):
            method()


def test_dressed_pair_becomes_the_pair_without_a_shell() -> None:
    """A weightless shell that holds the core tightly adds nothing but the series friction g₁g₂/(g₁+g₂)."""
    inner, outer = 50.0, 0.25
    dressed = DressedPair(
        mass=PAIR.mass,
        core_friction_cold=inner,
        core_friction_hot=inner,
        shell_friction_cold=outer,
        shell_friction_hot=outer,
        shell_mass_cold=1e-6,
        shell_mass_hot=1e-6,
        trap=PAIR.trap,
        coupling_cold=PAIR.coupling_cold,
        coupling_hot=PAIR.coupling_hot,
        temperature_cold=PAIR.temperature_cold,
        temperature_hot=PAIR.temperature_hot,
    )
    white = inner * outer / (inner + outer)
    plain = replace(PAIR, friction_cold=white, friction_hot=white)
    np.testing.assert_allclose(dressed.heat_rates(), plain.heat_rates(), rtol=1e-5)
    np.testing.assert_allclose(dressed.covariance()[:4, :4], plain.covariance(), rtol=1e-5, atol=1e-12)
