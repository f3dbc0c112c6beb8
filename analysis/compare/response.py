"""Heat from the measured response of each particle: the exact linear theory, without a model of the friction.

White friction and the dressed particle are models of the memory of a bath; linear response needs none. The frictions γ_j(ω)
of both baths, measured without controller (``analysis.friction.response``), go into the equations of the pair. With D_j = κ
- m_j ω² - iωγ_j and r_j = Re γ_j,

    Q_C = κ_C k_B (κ_C T_H - κ_H T_C) (2/π) ∫₀^∞ ω² r_C r_H / |(D_C + κ_C)(D_H + κ_H) - κ_C κ_H|² dω,
    Q_H = -(κ_H/κ_C) Q_C.

With a feedback loop the force of the controller is (S + G L(ω)) X + G L(ω) n for positions and noise: S acts as a spring, G
passes through the loop, L is the response of the loop. With R the inverse of D - S - G L the heat is the power of that
force, Re ⟨F_j V_j*⟩ with X = R (ξ + G L n), integrated over all frequencies. A loop with updates is represented by its mean
response, without aliasing from other frequencies.

The integral is positive: with any memory of the baths the cold bath is cooled where κ_H/κ_C > T_H/T_C
(docs/explanation/theory.md).
The spectra of active forces, which are parameters of a study, add to those of the noise, 2 k_B T_j r_j. If molecular dynamics
deviates from this theory, the response is not linear. If it deviates only from the dressed pair, the memory of the bath is not
that of one shell. Axes that are not equivalent have different responses, and the heat per coupled axis is the mean over them.
"""

from __future__ import annotations

import math

import numpy as np

from analysis.compare.forecast import Forecast
from analysis.data.parameters import Array, Parameters
from analysis.friction.response import ComplexArray, Responses
from analysis.friction.result import shares_of
from analysis.model import Feedback, RespondingPair, TrapMotion, active_spectrum, moved_heats

UPDATES = 8.0
"""Updates per period of the fastest motion above which a loop is represented by its mean response: the error of the heats is
then below a hundredth of the larger one (tests/unit/test_response_of_loops.py)."""

RESOLVED = 0.5
"""Radians per sample: for faster motion the samples are too far apart to determine the mobility."""


def response_rates(parameters: Parameters, responses: Responses) -> Forecast | None:
    """Heat rates of a pair with these responses.

    Args:
        parameters: of a point.
        responses: of the same study, from runs sampled as the point.

    Returns:
        ``None`` where linear response makes no prediction: a coupled axis has no measured response, the controller is not
        covered, its loop makes fewer than ``UPDATES`` updates per period of the stiffest motion (one particle with all
        springs), the phase of that motion changes by more than ``RESOLVED`` in a sample, or the loop is unstable.
    """
    stiffest = max(parameters.stiffness(axis) for axis in parameters.coupling_axes) + max(map(abs, parameters.coupling))
    fastest = math.sqrt(stiffest / min(parameters.mass))
    period = parameters.feedback.period if parameters.feedback else 0.0
    shares = shares_of(parameters.coupling_axes, responses.along)
    fastest = max([fastest, *parameters.motion.amplitudes])
    is_told = fastest * parameters.sample_interval <= RESOLVED and fastest * period * UPDATES <= 2 * np.pi
    if not parameters.has_theory or not is_told or not math.isclose(sum(shares.values()), 1.0):
        return None
    rates, deviations = np.zeros(2), []
    for axes, share in shares.items():
        cold, hot = responses.along[axes]
        by_cold, by_hot = (
            _pair(parameters.along(axes), cold.frequency, *both)
            for both in ((cold.copies(), hot.friction), (cold.friction, hot.copies()))
        )
        if not by_cold.is_stable():
            return None
        of_cold, of_hot = (pair.heat_rates() + _moved(pair, parameters.motion) for pair in (by_cold, by_hot))
        rates += share * of_cold[0]
        # Axes and, without controller, particles are independent: each has its own deviations.
        deviations += [share * cold.deviations(of_cold), share * hot.deviations(of_hot)]
    return Forecast(rates, np.concatenate(deviations))


def _moved(pair: RespondingPair, motion: TrapMotion) -> Array | float:
    """Heat from the motion of the traps, (..., 2), eV/ps."""
    heats: Array | float = 0.0
    for omega, centre in motion.amplitudes.items():
        friction = np.stack(np.broadcast_arrays(*(_at(omega, pair.frequency, each) for each in pair.friction)), axis=-1)
        heats = heats + moved_heats(omega, centre, pair.trap, pair.couplings, pair.mass, friction)
    return heats


def _at(omega: float, frequency: Array, friction: ComplexArray) -> ComplexArray:
    """Friction (..., k) at one frequency, (...), by linear interpolation."""
    after = int(np.clip(np.searchsorted(frequency, omega), 1, len(frequency) - 1))
    share = (omega - frequency[after - 1]) / (frequency[after] - frequency[after - 1])
    return np.asarray((1 - share) * friction[..., after - 1] + share * friction[..., after])


def _pair(parameters: Parameters, frequency: Array, cold: ComplexArray, hot: ComplexArray) -> RespondingPair:
    """The pair with γ(ω) of both particles, (k,) or (copies, k) each."""
    return RespondingPair(
        frequency=frequency,
        friction=(cold, hot),
        mass=parameters.mass,
        trap=parameters.trap,
        couplings=parameters.coupling,
        temperatures=parameters.temperature,
        active=(active_spectrum(parameters.active[0], frequency), active_spectrum(parameters.active[1], frequency)),
        velocity_gain=parameters.damping,
        feedback=parameters.feedback or Feedback(),
    )
