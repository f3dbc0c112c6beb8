"""Heats of machines with a feedback loop from measured friction at every frequency: the exact ones, without a model."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.compare.response import response_rates
from analysis.data.parameters import Parameters
from analysis.friction.response import Response, Responses
from analysis.model import Feedback, PairWithBodies

FREQUENCY = np.geomspace(1e-5, 100, 20_000)
COLD = np.array([2.7, 12.0, 0.9])  # g₀, c, eV ps/Å², and τ, ps
HOT = np.array([2.2, 9.0, 1.4])


def parameters(feedback: Feedback | None, ratio: float = 4.8) -> Parameters:
    """A machine of the paper's springs, with particles that drag fluid along, sampled often enough."""
    return Parameters(
        mass=(1.225, 1.225),
        traps=(0.01, 0.01, 0.01),
        coupling=(0.1, 0.1 * ratio),
        temperature=(100.0, 120.0),
        coupling_axes="x",
        sample_interval=0.1,
        feedback=feedback,
    )


def responses() -> Responses:
    """γ(ω) of both particles, known exactly."""
    none = np.empty((0, FREQUENCY.size), dtype=complex)

    def of(white: float, friction: float, time: float) -> Response:
        gamma = np.complex128(white) + friction * (-1j * FREQUENCY * time) / (1 - 1j * FREQUENCY * time)
        return Response(FREQUENCY, gamma, np.stack([gamma, gamma]), none)

    return Responses({"x": (of(*COLD), of(*HOT))})


def exact(feedback: Feedback | None, ratio: float = 4.8) -> np.ndarray:
    """Heats of the machine with these bodies, eV/ps, solved in the time domain."""
    pair: PairWithBodies = parameters(feedback, ratio).pair_with_bodies(COLD, HOT)
    return np.asarray((pair if feedback is None else pair.with_feedback(feedback)).heat_rates())


@pytest.mark.parametrize(
    ("feedback", "within"),
    [
        (None, 2e-4),
        (Feedback(delay=0.2), 2e-4),
        (Feedback(delay=0.6, delayed="partner"), 2e-4),
        (Feedback(filter=0.2, delay=0.1), 2e-4),
        (Feedback(update_every=0.2), 1e-3),
        (Feedback(update_every=0.2, delay=0.1, filter=0.3, position_noise=0.1), 1e-3),
        (Feedback(update_every=0.5, position_noise=0.2, delayed="partner"), 1e-3),
        (Feedback(update_every=0.8), 1e-2),
    ],
)
@pytest.mark.parametrize("ratio", [0.17, 1.2, 4.8])
def test_heats_are_exact_for_a_known_response(feedback: Feedback | None, within: float, ratio: float) -> None:
    """Of both baths, with every part of a loop, to the stated part of the larger one."""
    found = response_rates(parameters(feedback, ratio), responses())
    assert found is not None
    expected = exact(feedback, ratio)
    scale = max(np.abs(expected).max(), 1e-5)  # at 1.2 the ideal machine has none
    np.testing.assert_allclose(found.rates, expected, rtol=0, atol=within * scale)


@pytest.mark.parametrize(("delay", "is_told"), [(5.0, True), (7.0, False)])
def test_loop_that_makes_a_motion_grow_has_no_heats(delay: float, is_told: bool) -> None:
    """As the exact machine has none; a loop a little short of that has them."""
    feedback = Feedback(delay=delay)
    machine = parameters(feedback).pair_with_bodies(COLD, HOT).with_feedback(feedback)
    assert machine.is_stable == is_told
    assert (response_rates(parameters(feedback), responses()) is not None) == is_told


def test_rare_updates_are_left_to_models() -> None:
    """What readings fold from other frequencies is not in the response; the limit lies at 1.2 ps here."""
    assert response_rates(parameters(Feedback(update_every=1.2)), responses()) is not None
    assert response_rates(parameters(Feedback(update_every=1.4)), responses()) is None
