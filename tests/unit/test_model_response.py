"""Heat with a loop from friction over frequency: it is the network's where the friction is, and needs no network."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

from analysis.model import Feedback, RespondingPair
from tests.unit.pairs import BODIES, UNLIKE
from tests.unit.test_model_feedback import names

PARAMETERS: dict[str, Any] = {"trap": 0.01, "couplings": (0.1, 0.48), "temperatures": (100.0, 120.0)}


@pytest.mark.parametrize(
    "loop",
    [
        Feedback(),
        Feedback(delay=0.05),
        Feedback(delay=0.5, delayed="partner"),
        Feedback(delay=0.02, filter=0.1, noise_density=0.01),
        Feedback(noise_density=0.01, delayed="partner"),
    ],
    ids=names,
)
def test_heat_is_the_networks(loop: Feedback) -> None:
    """White friction, and friction that bodies make, give over frequency what their networks give as matrices."""
    omega = np.geomspace(1e-5, 1e4, 20_000)
    ones = np.ones(omega.size, dtype=np.complex128)
    alike = (UNLIKE.friction_cold * ones, UNLIKE.friction_hot * ones)
    white = RespondingPair(frequency=omega, friction=alike, mass=(0.8, 2.0), feedback=loop, **PARAMETERS)
    assert_allclose(white.heat_rates(), UNLIKE.with_feedback(loop).heat_rates(), rtol=1e-4)
    cold, hot = (BODIES.friction(side, omega).astype(np.complex128) for side in (0, 1))
    frictions = np.stack([cold] * 3), hot
    bodies = RespondingPair(frequency=omega, friction=frictions, mass=(1.225, 1.225), feedback=loop, **PARAMETERS)
    assert_allclose(bodies.heat_rates(), np.tile(BODIES.with_feedback(loop).heat_rates(), (3, 1)), rtol=1e-4)
