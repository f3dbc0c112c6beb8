"""White friction against the dressed particle by the exact likelihood of the sampled trajectory, with AIC and BIC.

Residuals of a correlation function are correlated from lag to lag, so information criteria based on them are meaningless.
The trajectory itself has an exact likelihood under both models: each is a linear Gaussian process whose position and
velocity are observed without error. White friction is Markovian in these two. The velocity of the argon shell is hidden,
and a Kalman filter integrates it out exactly.

Samples are ``INTERVAL`` apart, not closer. Below half a picosecond a collision with the argon is still in progress and the
copper moves in its cage: the velocity is smoother than with white noise and then rebounds. Neither model describes this, so
the likelihood would mostly compare their failure at short times. The prediction errors show where this ends, because those of
the correct model are independent. In argon at the density of the demo their correlation from sample to sample is -0.3 at 0.2
ps and -0.2 at 0.5 ps for both models. At 1 ps, the interval of the paper, it has vanished for the dressed particle (0.05) but
not for white friction (0.15).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import expm
from scipy.optimize import minimize

from analysis.model import BOLTZMANN, LinearLangevin
from analysis.model.recursion import recursion

Array = NDArray[np.float64]

INTERVAL = 1.0
"""Spacing of the samples, ps; that of the run if it is larger."""

# Starts for (g₁, g₂, M) in units of (γ, γ, m): nearly white friction, and a heavy shell.
_STARTS = ((2.0, 2.0, 0.01), (4.0, 1.0, 1.0))

# Initial step in the logarithm of a parameter; the search ends when parameters and ln L are known to a hundredth.
_FIRST_STEP, _ENOUGH = 0.3, 0.01

# The gain of the filter is constant once the hidden variance repeats to this relative accuracy.
_STEADY = 1e-12


@dataclass(frozen=True)
class Likelihood:
    """A model at its most likely parameters.

    Attributes:
        values: (γ,) or (g₁, g₂, M); frictions in eV ps/Å², mass in eV ps²/Å².
        temperature: of the bath, most likely, K; fitted along with ``values``.
        log_likelihood: ln L of all samples, natural logarithm, densities per Å and Å/ps.
        numbers: number of values in the data.
        error_correlation: correlation of prediction errors from one sample to the next, root mean square over position
            and velocity; about numbers⁻¹ᐟ² for the correct model.
    """

    values: Array
    temperature: float
    log_likelihood: float
    numbers: int
    error_correlation: float

    @property
    def parameters(self) -> int:
        """Number of fitted parameters, the temperature among them."""
        return len(self.values) + 1

    @property
    def aic(self) -> float:
        """Akaike's criterion, 2k - 2 ln L; smaller is better."""
        return 2 * self.parameters - 2 * self.log_likelihood

    @property
    def bic(self) -> float:
        """Schwarz's criterion, k ln n - 2 ln L.

        Every value counts in n, although they are correlated: this choice penalises further parameters most.
        """
        return self.parameters * math.log(self.numbers) - 2 * self.log_likelihood


def white_particle(mass: float, trap: float, friction: float) -> LinearLangevin:
    """A trapped particle with white friction at k_BT = 1 eV; state (X, V). Units as ``dressed_particle``."""
    return LinearLangevin(masses=[mass], stiffness=[[trap]], frictions=[[[friction]]], temperatures=[1 / BOLTZMANN])


def dressed_particle(mass: float, trap: float, core: float, shell: float, shell_mass: float) -> LinearLangevin:
    """A trapped core in a shell of argon at k_BT = 1 eV; state (X, V, U).

    Args:
        mass: of the core, eV ps²/Å².
        trap: eV/Å².
        core: g₁, friction of core against shell, eV ps/Å².
        shell: g₂, friction of shell against bath, eV ps/Å².
        shell_mass: eV ps²/Å².
    """
    return LinearLangevin(
        masses=[mass, shell_mass],
        stiffness=[[trap], [0.0]],
        frictions=[[[core, -core], [-core, core + shell]]],
        temperatures=[1 / BOLTZMANN],
    )


def evaluate(states: Array, interval: float, model: LinearLangevin, values: Array) -> Likelihood:
    """Likelihood of a model at the most likely temperature.

    All covariances are proportional to the temperature, so the most likely one follows in closed form.

    Args:
        states: (m, n, 2), position (Å) and velocity (Å/ps) of m independent stationary series of n samples.
        interval: between samples, ps.
        model: at k_BT = 1 eV, state (X, V) or (X, V, U) with U hidden.
        values: its parameters, passed on to the result.
    """
    errors, covariances = prediction_errors(states, interval, model)
    # The part of the velocity error that is uncorrelated with the position error is independent of it.
    slope = covariances[:, 0, 1] / covariances[:, 0, 0]
    variances = np.stack([covariances[:, 0, 0], covariances[:, 1, 1] - slope * covariances[:, 0, 1]], axis=1)
    free = np.stack([errors[..., 0], errors[..., 1] - slope * errors[..., 0]], axis=2) / np.sqrt(variances)
    thermal = float((free**2).mean())
    volume = 0.5 * len(states) * float(np.log(variances).sum())
    log_likelihood = -0.5 * states.size * (math.log(2 * math.pi * thermal) + 1) - volume
    correlation = (free[:, 1:] * free[:, :-1]).mean(axis=(0, 1)) / thermal
    return Likelihood(
        values, thermal / BOLTZMANN, log_likelihood, states.size, math.sqrt(float((correlation**2).mean()))
    )


def prediction_errors(states: Array, interval: float, model: LinearLangevin) -> tuple[Array, Array]:
    """Prediction error of each sample given all earlier ones: a Kalman filter without measurement error.

    Args:
        states, interval, model: as in ``evaluate``.

    Returns:
        errors, (m, n, 2), and their covariances at k_BT = 1 eV, (n, 2, 2); the first belong to the stationary distribution.
    """
    # In equilibrium X, V and U are independent, each with its share of k_BT.
    stationary = np.diag(1 / np.concatenate([np.diag(model.stiffness), model.masses]))
    step = expm(model.drift() * interval)
    noise = stationary - step @ stationary @ step.T
    seen, kick = step[:2, :2], noise[:2, :2]
    errors = states.copy()
    errors[:, 1:] -= states[:, :-1] @ seen.T
    covariances = np.empty((states.shape[1], 2, 2))
    covariances[0], covariances[1:] = stationary[:2, :2], kick
    if len(step) == 2:
        return errors, covariances

    # The hidden velocity U given all samples so far is a Gaussian of the mean ``hidden`` and the variance ``spread``.
    # The variance and the gain do not depend on the data and converge soon; the mean is then a linear filter.
    pull, back, keep = step[:2, 2], step[2, :2], step[2, 2]
    hidden = np.zeros(states.shape[:2])
    spread, n = stationary[2, 2], states.shape[1]
    for k in range(1, n):
        covariances[k] = spread * np.outer(pull, pull) + kick
        gain = np.linalg.solve(covariances[k], keep * spread * pull + noise[:2, 2])
        before, spread = spread, keep**2 * spread + noise[2, 2] - gain @ covariances[k] @ gain
        errors[:, k] -= hidden[:, k - 1, None] * pull
        hidden[:, k] = keep * hidden[:, k - 1] + states[:, k - 1] @ back + errors[:, k] @ gain
        if abs(spread - before) <= _STEADY * before:
            covariances[k:] = covariances[k]
            decay = keep - gain @ pull
            drive = states[:, k:-1] @ back + errors[:, k + 1 :] @ gain
            hidden[:, k + 1 :] = recursion(decay, hidden[:, k], drive)
            errors[:, k + 1 :] -= hidden[:, k:-1, None] * pull
            break
    return errors, covariances


def compare(
    states: Array, interval: float, mass: float, trap: float, friction: float, shell: Array | None
) -> dict[str, Likelihood]:
    """Maximise the likelihood of both models.

    Args:
        states, interval: as in ``evaluate``.
        mass: eV ps²/Å².
        trap: eV/Å².
        friction: white friction to start from, eV ps/Å².
        shell: (g₁, g₂, M) to start from, metal units, or ``None``; other starts are tried too.

    Returns:
        ``white`` and ``dressed``.
    """
    white, dressed = partial(white_particle, mass, trap), partial(dressed_particle, mass, trap)
    starts = [np.array([friction, friction, mass]) * start for start in _STARTS]
    return {
        "white": _maximise(states, interval, white, [np.array([friction])]),
        "dressed": _maximise(states, interval, dressed, starts if shell is None else [*starts, shell]),
    }


def _maximise(
    states: Array, interval: float, model: Callable[..., LinearLangevin], starts: Sequence[Array]
) -> Likelihood:
    """The most likely parameters, by a simplex search in their logarithms from the best start."""

    def likelihood(logs: Array) -> Likelihood:
        values = np.exp(logs)
        return evaluate(states, interval, model(*values), values)

    def cost(logs: Array) -> float:
        return -likelihood(logs).log_likelihood

    start = min((np.log(start) for start in starts), key=cost)
    simplex = np.vstack([start, start + _FIRST_STEP * np.eye(len(start))])
    search = minimize(
        cost,
        start,
        method="Nelder-Mead",
        tol=_ENOUGH,
        options={"initial_simplex": simplex},
    )
    return likelihood(search.x)
