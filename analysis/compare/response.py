"""Heat from the measured response of each particle: the exact linear theory, without a model of the friction.

White friction and the dressed particle are models of how a bath remembers; linear response needs none. The frictions γ_j(ω) of
both baths, measured without controller (``analysis.friction.response``), go into the equations of the pair. With
D_j = κ - m_j ω² - iωγ_j and r_j = Re γ_j,

    Q_C = κ_C k_B (κ_C T_H - κ_H T_C) (2/π) ∫₀^∞ ω² r_C r_H / |(D_C + κ_C)(D_H + κ_H) - κ_C κ_H|² dω,
    Q_H = -(κ_H/κ_C) Q_C.

A loop makes the controller's force (S + G L(ω)) X + G L(ω) n of positions and noise: S is what acts as a spring, G what
passes through, L the loop's response. With R the inverse of D - S - G L the heat is the power of that force, Re ⟨F_j V_j*⟩
with X = R (ξ + G L n), integrated over all frequencies. A loop with updates is taken by its mean response, without what its
readings fold from other frequencies.

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

UPDATES = 8.0
"""Updates per period of the fastest motion from which a loop is told by its mean response: heats then err by less than a
hundredth of the larger one (tests/unit/test_response_of_loops.py)."""

RESOLVED = 0.5
"""Radians per sample: where the particles swing faster, the samples lie too far apart for their mobility."""


def response_rates(parameters: Parameters, responses: Responses) -> Forecast | None:
    """Heat rates of a pair with these responses.

    Args:
        parameters: of a point.
        responses: of the same study, from runs sampled as the point.

    Returns:
        ``None`` where linear response does not tell them: a coupled axis has no measured response, theory does not know the
        controller, its loop makes fewer than ``UPDATES`` updates while the stiffest motion, of one particle with all springs,
        turns once, or that turns by more than ``RESOLVED`` in a sample, or the loop makes a motion grow.
    """
    stiffest = parameters.trap + max(map(abs, parameters.coupling))
    fastest = math.sqrt(stiffest / min(parameters.mass))
    period = parameters.feedback.period if parameters.feedback else 0.0
    shares = shares_of(parameters.coupling_axes, responses.along)
    is_told = fastest * parameters.sample_interval <= RESOLVED and fastest * period * UPDATES <= 2 * np.pi
    if not parameters.has_theory or not is_told or not math.isclose(sum(shares.values()), 1.0):
        return None
    rates, deviations = np.zeros(2), []
    for axes, share in shares.items():
        cold, hot = responses.along[axes]
        try:
            by_cold = share * _rates(parameters, cold.frequency, cold.copies(), hot.friction)
            by_hot = share * _rates(parameters, cold.frequency, cold.friction, hot.copies())
        except _UnstableError:
            return None
        rates += by_cold[0]
        # Axes and, without controller, particles are independent: each deviates by itself.
        deviations += [cold.deviations(by_cold), hot.deviations(by_hot)]
    return Forecast(rates, np.concatenate(deviations))


class _UnstableError(Exception):
    """There is no steady state."""


def _rates(parameters: Parameters, frequency: Array, cold: ComplexArray, hot: ComplexArray) -> Array:
    """Heat rates (cold, hot) from γ(ω) of both particles, (k,) or (copies, k) each; (copies, 2)."""
    kc, kh = parameters.coupling
    spring, gain = np.zeros(2), np.array([[-kc, kc], [kh, -kh]])
    loop, noise = np.ones_like(frequency, dtype=complex), 0.0
    if parameters.feedback is not None:
        loop, noise = parameters.feedback.response(frequency), parameters.feedback.density_of_noise
        if parameters.feedback.delayed == "partner":
            spring, gain = np.diagonal(gain), gain - np.diag(np.diagonal(gain))
    frictions = np.broadcast_arrays(cold, hot)
    # Forces on both particles, of both positions; then D - S - G L, and its inverse.
    force = gain[:, :, None] * loop
    force[[0, 1], [0, 1]] += spring[:, None]
    free = [
        parameters.trap - mass * frequency**2 - 1j * frequency * friction
        for mass, friction in zip(parameters.mass, frictions, strict=True)
    ]
    (a, b), (c, d) = ((free[0] - force[0, 0], -force[0, 1]), (-force[1, 0], free[1] - force[1, 1]))
    determinant = a * d - b * c
    moved = np.array(np.broadcast_arrays(d, -b, -c, a)).reshape(2, 2, *determinant.shape) / determinant
    _require_stable(determinant[..., :] / (free[0] * free[1]))
    rates = []
    for j in (0, 1):
        # ⟨F_j V_j*⟩, V = -iωX: both baths' noise, two-sided 2 k_BT_k Re γ_k, and that of the readings of both particles.
        power = np.zeros(determinant.shape)
        for k in (0, 1):
            pushed = force[j, 0] * moved[0, k] + force[j, 1] * moved[1, k]
            heard = 2 * BOLTZMANN * parameters.temperature[k] * frictions[k].real
            power = power + heard * (1j * frequency * pushed * moved[j, k].conj()).real
            if noise:
                pass_on = gain[:, k, None] * loop
                read = moved[:, 0] * pass_on[0] + moved[:, 1] * pass_on[1]
                pushed = force[j, 0] * read[0] + force[j, 1] * read[1] + pass_on[j]
                power = power + noise * (1j * frequency * pushed * read[j].conj()).real
        rates.append(np.trapezoid(power, frequency, axis=-1) / np.pi)
    return np.atleast_2d(np.stack(rates, axis=-1))


def _require_stable(difference: ComplexArray) -> None:
    """Nyquist's criterion: the return difference, 1 at high frequencies, does not go around zero, (…, k).

    Raises:
        _UnstableError: it does, of the first copy.
    """
    first = difference.reshape(-1, difference.shape[-1])[0]
    if abs(np.angle(first[1:] / first[:-1]).sum()) > np.pi / 2:
        raise _UnstableError
