"""Heat from the measured response of each particle: the exact linear theory, without a model of the friction.

White friction and the dressed particle are models of how a bath remembers; linear response needs none. Without controller
the correlations of a particle give its mobility Y(ω) = ∫₀^∞ ⟨V(t)V(0)⟩ e^{iωt} dt / k_BT at every frequency
(fluctuation-dissipation theorem; R. Kubo, Rep. Prog. Phys. 29, 255 (1966)). Put into the equations of the pair, with
D_j = -iω/Y_j and r_j = Re 1/Y_j,

    Q_C = κ_C k_B (κ_C T_H - κ_H T_C) (2/π) ∫₀^∞ ω² r_C r_H / |(D_C + κ_C)(D_H + κ_H) - κ_C κ_H|² dω,
    Q_H = -(κ_H/κ_C) Q_C.

The integral is positive: whatever a linear bath remembers, it is cooled where κ_H/κ_C > T_H/T_C (docs/theory.md). Where
molecular dynamics parts from this, the response is not linear; where it parts only from the dressed pair, the bath remembers
in another way than one shell does.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline

from analysis.compare.table import by_ratio
from analysis.compare.theory import goodness
from analysis.data.runs import SIDES, Array, Parameters, Run
from analysis.friction.summary import particle
from analysis.model import BOLTZMANN
from analysis.statistics.correlation import lagged_products, memory_time
from analysis.statistics.timeseries import Estimate, SeriesTooShortError, student
from analysis.units import PER_NS

ComplexArray = NDArray[np.complex128]

FADE = (1.5, 3.5)
"""Correlations count in full up to the first and fade to nothing until the second, in 1/e times of the position."""

FREQUENCIES = 2000
"""From a radian in a run to a radian in a sample, in a geometric series: the same for both particles."""

RESOLVED = 0.5
"""Radians per sample: where the particles swing faster, the samples lie too far apart for their mobility."""

_FINER = 5  # points per sample of the splines that are integrated


@dataclass(frozen=True)
class Response:
    """Mobility of one particle in its trap, measured without controller.

    Attributes:
        frequency: (k,), rad/ps.
        mobility: (1 + n, k), Å/ps per eV/Å: from all n series (axes × replicas), then from all but one of them.
    """

    frequency: Array
    mobility: ComplexArray

    def friction(self, bins: int) -> tuple[Array, Array, Array]:
        """Frequency, friction Re γ(ω) = Re 1/Y(ω) and its standard error, (bins,), rad/ps and eV ps/Å².

        Inertia and trap are imaginary in 1/Y and have no share. Each is a mean over frequencies that lie close on a logarithmic
        scale: fades of correlations leave ripples, narrower than anything that a fluid does.
        """
        starts = np.linspace(0, len(self.frequency), bins, endpoint=False).astype(int)
        counts = np.diff([*starts, len(self.frequency)])
        frequency, friction = (
            np.add.reduceat(each, starts, axis=-1) / counts for each in (self.frequency, (1 / self.mobility).real)
        )
        return frequency, friction[0], _error(friction)


def response(runs: Sequence[Run], side: int) -> Response:
    """The response of the cold (0) or hot (1) particle, from equilibrium runs.

    Raises:
        SeriesTooShortError: the runs do not last twice as long as its correlations; says how long they must be.
    """
    data = particle(runs, side)
    interval, thermal = data.interval, BOLTZMANN * runs[0].parameters.temperature[side]
    relaxation = memory_time(data.position, interval)
    full, end = (round(share * relaxation / interval) for share in FADE)
    if 2 * end > data.position.shape[1]:
        raise SeriesTooShortError(
            f"friction runs of {runs[0].duration:g} ps are too short for a response: the {SIDES[side]} particle's position "
            f"decays in {relaxation:.3g} ps, so each run must last at least {math.ceil(2 * FADE[1] * relaxation)} ps"
        )
    phase = np.pi * np.clip((np.arange(end + 1) - full) / (end - full), 0.0, 1.0)
    rate = np.pi / ((end - full) * interval)
    fade, slope = (1 + np.cos(phase)) / 2, -rate * np.sin(phase) / 2
    curvature = np.where(phase > 0, -(rate**2) * np.cos(phase) / 2, 0.0)
    series = np.arange(len(data.position))
    faded = []
    for left_out in (-1, *series):
        rows = series != left_out
        position, velocity = (lagged_products(each[rows])[: end + 1] for each in (data.position, data.velocity))
        # What is known of them: equipartition.
        position *= thermal / data.trap / position[0]
        velocity *= thermal / data.mass / velocity[0]
        # Minus the second derivative of the faded position: fading the velocity itself would move the particle out of its trap.
        faded.append(velocity * fade - 2 * np.gradient(position, interval) * slope - position * curvature)
    frequency = np.geomspace(1 / runs[0].duration, 1 / interval, FREQUENCIES)
    return Response(frequency, _one_sided(np.array(faded), interval, frequency) / thermal)


def _one_sided(even: Array, interval: float, frequency: Array) -> ComplexArray:
    """∫₀ f(t) e^{iωt} dt of even functions given at samples (c, n), each up to its last; (c, k)."""
    lag = interval * np.arange(even.shape[1])
    fine = np.linspace(0.0, lag[-1], _FINER * (even.shape[1] - 1) + 1)
    values = CubicSpline(lag, even, axis=1, bc_type=((1, np.zeros(len(even))), "not-a-knot"))(fine)
    values[:, [0, -1]] /= 2
    step = fine[1] - fine[0]
    return np.asarray(np.stack([values @ np.exp(1j * each * fine) for each in frequency], axis=1) * step)


def rates(parameters: Parameters, cold: Response, hot: Response) -> tuple[Estimate, Estimate]:
    """Heat rates (cold, hot) of a pair with these responses, eV/ps; errors are those of the responses.

    Args:
        parameters: of a point.
        cold, hot: from the same runs, sampled as the point.

    Returns:
        Not numbers where there is none (``has_forecast``).
    """
    if not has_forecast(parameters):
        return Estimate(math.nan), Estimate(math.nan)
    copies = rate_copies(parameters, cold, hot)
    into_cold, into_hot = (
        Estimate(float(value), float(error)) for value, error in zip(copies[0], _error(copies), strict=True)
    )
    return into_cold, into_hot


def has_forecast(parameters: Parameters) -> bool:
    """Whether linear response tells the heats of a pair.

    Its controller must be the linear one, and the stiffest motion, of one particle with all springs, turn by less than
    ``RESOLVED`` in a sample.
    """
    if not parameters.is_linear:
        return False
    stiffness = parameters.trap + sum(abs(coupling) for coupling in parameters.coupling)
    return math.sqrt(stiffness / min(parameters.mass)) * parameters.sample_interval < RESOLVED


def rate_copies(parameters: Parameters, cold: Response, hot: Response) -> Array:
    """As ``rates``, (1 + n, 2): from all series, then from all but one, because points share the errors of a response.

    Args:
        parameters: of a point.
        cold, hot: from the same runs.
    """
    kc, kh = parameters.coupling
    frequency = cold.frequency
    c, h = (-1j * frequency / each.mobility for each in (cold, hot))
    rc, rh = ((1 / each.mobility).real for each in (cold, hot))
    transmission = frequency**2 * rc * rh / np.abs((c + kc) * (h + kh) - kc * kh) ** 2
    flow = 2 / np.pi * np.trapezoid(transmission, frequency, axis=1)
    thermal_cold, thermal_hot = (BOLTZMANN * temperature for temperature in parameters.temperature)
    # κ_C may be zero: then only the hot particle is worked on.
    drive = (kc * thermal_hot - kh * thermal_cold) * flow
    return np.asarray(np.stack([kc * drive, -kh * drive], axis=1))


def _spread(copies: Array) -> Array:
    """Deviations (n, …) of leave-one-out copies (1 + n, …), scaled so that their squares sum to the squared standard error."""
    left_out = copies[1:]
    n = len(left_out)
    return np.asarray(student(n - 1) * math.sqrt((n - 1) / n) * (left_out - left_out.mean(axis=0)))


def _error(copies: Array) -> Array:
    """Standard error (…) of what has leave-one-out copies (1 + n, …)."""
    return np.asarray(np.linalg.norm(_spread(copies), axis=0))


def heat_by_response(points: Sequence[dict[str, Any]], cold: Response, hot: Response) -> pd.DataFrame:
    """Measured heats beside those of linear response.

    Args:
        points: contents of the ``heat.json`` files of a study.
        cold, hot: responses of its particles.

    Returns:
        One row per point, sorted by κ_H/κ_C, which stays as it is spelt: ``kappa_ratio``, and for each side
        ``heat_<side>_eV_per_ns``, ``heat_<side>_se``, ``response_<side>_eV_per_ns``, ``response_<side>_se`` and
        ``z_response_<side>``; not numbers where there is no forecast (``has_forecast``).
    """
    rows = []
    for point in by_ratio(points):
        row: dict[str, Any] = {"kappa_ratio": point["kappa_ratio"]}
        forecasts = rates(Parameters.from_json(point["parameters"]), cold, hot)
        for side, forecast in zip(SIDES, (rate * PER_NS for rate in forecasts), strict=True):
            se = point[f"heat_{side}_se"]
            measured = Estimate(point[f"heat_{side}_eV_per_ns"], math.nan if se is None else se)
            row |= {f"heat_{side}_eV_per_ns": measured.value, f"heat_{side}_se": measured.se}
            row |= {f"response_{side}_eV_per_ns": forecast.value, f"response_{side}_se": forecast.se}
            row[f"z_response_{side}"] = measured.z(forecast.value, forecast.se)
        rows.append(row)
    return pd.DataFrame(rows)


def agreement(points: Sequence[dict[str, Any]], cold: Response, hot: Response) -> tuple[float, float] | None:
    """χ² of the cold heats of all points with a forecast against linear response, and its probability, as ``theory.agreement``.

    Returns:
        ``None`` if a measured heat has no error, or no point has a forecast.
    """
    points = [point for point in points if has_forecast(Parameters.from_json(point["parameters"]))]
    errors = [point["heat_cold_se"] for point in points]
    if None in errors or not points:
        return None
    copies = np.stack(
        [rate_copies(Parameters.from_json(point["parameters"]), cold, hot)[:, 0] * PER_NS for point in points], axis=1
    )
    missed = np.array([point["heat_cold_eV_per_ns"] for point in points]) - copies[0]
    common = _spread(copies)
    return goodness(missed, np.diag(np.square(errors)) + common.T @ common)
