"""Heat from the measured response of each particle: the exact linear theory, without a model of the friction.

White friction and the dressed particle are models of how a bath remembers; linear response needs none. The frictions γ_j(ω) of
both baths, measured without controller (``analysis.friction.response``), go into the equations of the pair. With
D_j = κ - m_j ω² - iωγ_j and r_j = Re γ_j,

    Q_C = κ_C k_B (κ_C T_H - κ_H T_C) (2/π) ∫₀^∞ ω² r_C r_H / |(D_C + κ_C)(D_H + κ_H) - κ_C κ_H|² dω,
    Q_H = -(κ_H/κ_C) Q_C.

The integral is positive: whatever a linear bath remembers, it is cooled where κ_H/κ_C > T_H/T_C (docs/theory.md). Where
molecular dynamics parts from this, the response is not linear; where it parts only from the dressed pair, the bath remembers
in another way than one shell does. Axes that are not equivalent have responses of their own, and the heat per coupled axis is
the mean of what each of them carries.
"""

from __future__ import annotations

import math

import numpy as np

from analysis.compare.forecast import Forecast
from analysis.data.runs import Array, Parameters
from analysis.friction.response import ComplexArray, Responses
from analysis.friction.result import shares_of
from analysis.model import BOLTZMANN

RESOLVED = 0.5
"""Radians per sample: where the particles swing faster, the samples lie too far apart for their mobility."""


def response_rates(parameters: Parameters, responses: Responses) -> Forecast | None:
    """Heat rates of a pair with these responses.

    Args:
        parameters: of a point.
        responses: of the same study, from runs sampled as the point.

    Returns:
        ``None`` where linear response does not tell them: a coupled axis has no measured response, the controller is not the
        linear one, or the stiffest motion, of one particle with all springs, turns by more than ``RESOLVED`` in a sample.
    """
    stiffest = parameters.trap + max(map(abs, parameters.coupling))
    fastest = math.sqrt(stiffest / min(parameters.mass)) * parameters.sample_interval
    shares = shares_of(parameters.coupling_axes, responses.along)
    if not parameters.is_linear or fastest > RESOLVED or not math.isclose(sum(shares.values()), 1.0):
        return None
    rates, deviations = np.zeros(2), []
    for axes, share in shares.items():
        cold, hot = responses.along[axes]
        by_cold = share * _rates(parameters, cold.frequency, cold.copies(), hot.friction)
        by_hot = share * _rates(parameters, cold.frequency, cold.friction, hot.copies())
        rates += by_cold[0]
        # Axes and, without controller, particles are independent: each deviates by itself.
        deviations += [cold.deviations(by_cold), hot.deviations(by_hot)]
    return Forecast(rates, np.concatenate(deviations))


def _rates(parameters: Parameters, frequency: Array, cold: ComplexArray, hot: ComplexArray) -> Array:
    """Heat rates (cold, hot) from γ(ω) of both particles, (k,) or (copies, k) each; (copies, 2)."""
    kc, kh = parameters.coupling
    c, h = (
        parameters.trap - mass * frequency**2 - 1j * frequency * friction
        for mass, friction in zip(parameters.mass, (cold, hot), strict=True)
    )
    transmission = frequency**2 * cold.real * hot.real / np.abs((c + kc) * (h + kh) - kc * kh) ** 2
    flow = 2 / np.pi * np.trapezoid(transmission, frequency, axis=-1)
    thermal_cold, thermal_hot = (BOLTZMANN * temperature for temperature in parameters.temperature)
    # κ_C may be zero: then only the hot particle is worked on.
    drive = (kc * thermal_hot - kh * thermal_cold) * flow
    return np.asarray(np.stack([kc * drive, -kh * drive], axis=-1))
