"""One trapped particle in one bath: its equilibrium correlations in every damping regime, and the drag experiment.

The particle obeys m dV/dt = -κX - γV + ξ. Its correlations are sums of two exponentials with the rates λ of
mλ² + γλ + κ = 0 (Wang & Uhlenbeck 1945; arXiv:2211.05502, eqs. 19 and A1-A3, with the corrections of
docs/explanation/errata.md). Units as in the rest of the model: mass eV ps²/Å², friction eV ps/Å², stiffness eV/Å², lags ps.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from analysis.model.lyapunov import Array


class EquilibriumCorrelations(NamedTuple):
    """The three correlations, each of the shape of the lags, each divided by the root mean squares of its variables.

    Attributes:
        position: <X(0) X(τ)> / <X²>.
        velocity: <V(0) V(τ)> / <V²>.
        cross: <X(0) V(τ)> / √(<X²> <V²>); odd in τ, negative at first.
    """

    position: Array
    velocity: Array
    cross: Array


def angular_frequency(mass: float, friction: float, stiffness: float) -> complex:
    """ω₁ = √(κ/m - γ²/4m²), 1/ps; imaginary if the motion is overdamped (printed with γ²/m² in the paper).

    Raises:
        ValueError: if a parameter is not positive and finite; names it.
    """
    _check(mass=mass, friction=friction, stiffness=stiffness)
    return complex(np.emath.sqrt(stiffness / mass - (friction / (2 * mass)) ** 2))


def correlations(tau: ArrayLike, *, mass: float, friction: float, stiffness: float) -> EquilibriumCorrelations:
    """Exact equilibrium correlations of a trapped particle, under-, over- or critically damped.

    Args:
        tau: lags, ps, of any shape and either sign.
        mass: eV ps²/Å².
        friction: eV ps/Å².
        stiffness: of the trap, eV/Å².

    Raises:
        ValueError: if a parameter is not positive and finite; names it.
    """
    _check(mass=mass, friction=friction, stiffness=stiffness)
    lags = np.asarray(tau, dtype=float)
    t = np.abs(lags)
    damping, own = friction / (2 * mass), stiffness / mass
    root = math.sqrt(abs(damping**2 - own))
    if damping**2 > own:
        # The slow rate as -κ/m over a sum, and the fast mode relative to the slow one: no cancellation, neither far
        # in the overdamped regime nor close to the critical one.
        slow = -own / (damping + root)
        gone = -np.expm1(-2 * root * t)
        sine = gone / (2 * root)
        envelope, position, velocity = np.exp(slow * t), 1 - slow * sine, 1 - gone + slow * sine
    else:
        sine = t * np.sinc(root * t / np.pi)
        cosine = np.cos(root * t)
        envelope, position, velocity = np.exp(-damping * t), cosine + damping * sine, cosine - damping * sine
    cross = -np.sign(lags) * math.sqrt(own) * sine
    return EquilibriumCorrelations(envelope * position, envelope * velocity, envelope * cross)


def sampled_velocity_correlation(
    tau: ArrayLike, interval: float, *, mass: float, friction: float, stiffness: float
) -> Array:
    """Correlation of velocities computed as displacement over a sampling interval, divided by its value at lag 0.

    The paper's velocities are such differences, over 1 ps. They smooth out the fast decay.

    Args:
        tau: lags, ps, of any shape.
        interval: sampling interval, ps.
        mass: eV ps²/Å².
        friction: eV ps/Å².
        stiffness: of the trap, eV/Å².

    Raises:
        ValueError: if a parameter is not positive and finite; names it.
    """
    _check(interval=interval)
    lags = np.asarray(tau, dtype=float)

    def position(t: Array) -> Array:
        return correlations(t, mass=mass, friction=friction, stiffness=stiffness).position

    here, ahead, behind = position(lags), position(lags + interval), position(lags - interval)
    zero, step = position(np.zeros(1))[0], position(np.full(1, interval))[0]
    return np.asarray((2 * here - ahead - behind) / (2 * (zero - step)))


def dragged_velocity(time: ArrayLike, *, force: float, mass: float, friction: float) -> Array:
    """Mean velocity of an untrapped particle pulled from rest by a constant force, Å/ps; it tends to F/γ.

    Args:
        time: since the force began, ps, of any shape.
        force: eV/Å.
        mass: eV ps²/Å².
        friction: eV ps/Å².

    Raises:
        ValueError: if mass or friction is not positive and finite; names it.
    """
    _check(mass=mass, friction=friction)
    return np.asarray(-force / friction * np.expm1(-friction / mass * np.asarray(time, dtype=float)))


def _check(**parameters: float) -> None:
    for name, value in parameters.items():
        if not (math.isfinite(value) and value > 0):
            raise ValueError(f"{name} = {value}: must be a positive finite number")
