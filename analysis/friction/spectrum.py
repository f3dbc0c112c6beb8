"""Zero-frequency friction from the low end of the position spectrum, marginalised over the cut-off.

The spectrum of a trapped particle tends to S_X(0) = 2 k_BT γ₀/κ² at zero frequency, so γ₀ = κ² S_X(0)/(2 k_BT) is κ²/k_BT times
the integral of the autocorrelation of the position, for any friction at other frequencies. Near zero that friction is

    γ(ω) = γ₀ - iωμ + c (-iωτ)/(1 - iωτ),        S_X(ω) = 2 k_BT Re γ / |κ - mω² - iωγ|²,

with μ the mass of all fluid that follows instantaneously and c, τ the slowest body that does not. The instantaneous part
has a short delay σ: -iωμ becomes (μ/σ)(-iωσ)/(1 - iωσ), with a friction μσω² that the single body would otherwise have to
explain. It is fitted (``analysis.friction.whittle``) up to every cut-off on a grid, with γ₀ alone, with μ, with the body
and with σ. Beyond the cut-off each wide band of the periodogram has a free power, so that all fits describe the same data
and their likelihoods are comparable: a fit that leaves k bands out has k more parameters. γ₀ is the mean over cut-offs and
numbers of terms with Akaike's weights exp(ln L - parameters), and the error contains the scatter between fits (W. I. Jay
and E. T. Neil, Phys. Rev. D 103, 114502 (2021)).

docs/explanation/calibration.md reports the coverage of its intervals for particles that drag one or two bodies along. For white
friction the errors are too large: deviations scatter by 0.6 of them.

STACIE (https://molmod.github.io/stacie), which also marginalises over the cut-off, does not use the trap and fits S_X(0)
and the decay of S_X as unknowns. Here both follow from γ₀, because κ and k_BT are known. Of three series of 1 ns with white
friction, 25 memories long, the Lorentz model of STACIE (1.3) has an error of 30 %, and in 12 studies of means over 2 ps
deviations scattered by 2 standard errors about -1.4.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.friction.whittle import WIDE, Bands, Optimum, check_positions, maximise, periodogram, white_filter
from analysis.model import BOLTZMANN
from analysis.statistics.timeseries import Estimate, SeriesTooShortError

Array = NDArray[np.float64]

MEMORIES = 4.0
"""Smallest length of a run in memories γ₀/κ, to reach the low end of the spectrum."""

HIGHEST = 2.0
"""Highest cut-off, rad/ps, or half of the Nyquist frequency, above which aliasing matters."""

FEWEST_BANDS = 6
"""Wide bands below the lowest cut-off."""

TERMS = (1, 2, 4, 5)
"""Numbers of parameters in a fit: γ₀; μ; the friction and the time of a body; the time of μ."""

# Search ranges: γ₀ within a factor of √(κm), μ up to a multiple of m, and the friction of a body within a factor of γ₀. Its
# time is between a multiple of the inverse cut-off and a share of a run: a slower body is not distinguishable from
# zero-frequency friction. The time of μ is between two multiples of the inverse cut-off.
_RANGE, _EXTENT, _BODY, _FASTEST, _SLOWEST, _SOON = 1e3, 30.0, 30.0, 0.5, 0.03, (0.02, 1.0)


def low_spectrum(frequency: Array, friction: Array, dragged: Array, mass: float, trap: float) -> Array:
    """S_X(ω)/(2 k_BT), Å²ps/eV, of a particle in a trap.

    Args:
        frequency: ω, rad/ps.
        friction: Re γ(ω), eV ps/Å².
        dragged: mass of the fluid that follows at this frequency, -Im γ(ω)/ω, eV ps²/Å².
        mass: eV ps²/Å².
        trap: eV/Å².
    """
    square = frequency**2
    return np.asarray(friction / ((trap - (mass + dragged) * square) ** 2 + square * friction**2))


@dataclass(frozen=True)
class _Scene:
    """Mass, trap (metal units), interval and duration of a run (ps), and periodogram over S_X/2 k_BT, (bands,)."""

    mass: float
    trap: float
    interval: float
    duration: float
    scale: Array


def _fit(scene: _Scene, bands: Bands, start: float, terms: int) -> tuple[Optimum, float]:
    """ln γ₀ (and μ/m, and ln c/γ₀ and ln τ) up to the last of some bands; the optimum and the variance of ln γ₀."""
    omega = bands.frequency / scene.interval

    def expected(at: Array) -> Array:
        full = np.full((len(at), 5), (0.0, 0.0, -math.inf, 0.0, -math.inf))
        full[:, :terms] = at
        friction, mass = np.exp(full[:, :1]), scene.mass * full[:, 1:2]
        body, time, soon = friction * np.exp(full[:, 2:3]), np.exp(full[:, 3:4]), np.exp(full[:, 4:])
        lag, little = 1 + (omega * time) ** 2, 1 + (omega * soon) ** 2
        dissipated = friction + body * (1 - 1 / lag) + mass * soon * omega**2 / little
        dragged = mass / little + body * time / lag
        return scene.scale[: len(omega)] * low_spectrum(omega, dissipated, dragged, scene.mass, scene.trap)

    unit = math.log(math.sqrt(scene.mass * scene.trap))
    fastest = math.log(_FASTEST / omega[-1])
    slowest = max(math.log(_SLOWEST * scene.duration), fastest)
    soonest, soon = (math.log(share / omega[-1]) for share in _SOON)
    low = np.array([unit - math.log(_RANGE), -1.0, -math.log(_BODY), fastest, soonest][:terms])
    high = np.array([unit + math.log(_RANGE), _EXTENT, math.log(_BODY), slowest, soon][:terms])
    first = np.array([start, 0.0, 0.0, (fastest + slowest) / 2, (soonest + soon) / 2][:terms])
    best = maximise(expected, bands, first, low, high)
    free = ~best.bound
    if not free[0]:
        return best, math.inf
    return best, float(np.linalg.pinv(best.information[np.ix_(free, free)], 1e-10)[0, 0])


def zero_frequency_friction(position: Array, interval: float, mass: float, trap: float, temperature: float) -> Estimate:
    """γ₀ = κ² S_X(0)/(2 k_BT) of a trapped particle, eV ps/Å², its error symmetric in the logarithm.

    Args:
        position: (m, n), Å, from the trap's centre: n samples of each of m independent, equivalent series.
        interval: between samples, ps.
        mass: of the particle, eV ps²/Å².
        trap: its stiffness κ, eV/Å².
        temperature: K.

    Raises:
        ValueError: if an argument is not physical; names it.
        SeriesTooShortError: if the runs do not last ``MEMORIES`` times γ₀/κ or contain too few frequencies; gives the cure.
    """
    position = np.asarray(position, dtype=float)
    check_positions(position, interval_ps=interval, mass=mass, trap=trap, temperature_K=temperature)
    thermal, duration = BOLTZMANN * temperature, position.shape[1] * interval
    highest = min(HIGHEST * interval, math.pi / 2)
    if periodogram(position, np.array([1.0, 0.0, 0.0])).below(highest).wide()[-1] < FEWEST_BANDS:
        needed = 2 * math.pi * interval / highest * math.exp(WIDE * (FEWEST_BANDS + 2))
        raise SeriesTooShortError(
            f"runs of {duration:g} ps have too few frequencies up to {highest / interval:.3g} rad/ps: each run must last at "
            f"least {math.ceil(needed)} ps"
        )
    # White friction of the lowest frequencies, used only for the filter and as start of the searches.
    guess = math.sqrt(mass * trap)
    for _ in range(3):
        whitening = white_filter(mass, trap, guess, interval)
        bands = periodogram(position, whitening)
        gain = np.abs(np.exp(-1j * np.outer(bands.frequency, np.arange(3))) @ whitening) ** 2
        scene = _Scene(mass, trap, interval, duration, 2 * thermal / interval * gain)
        few = bands.below(max(min(5 * math.sqrt(trap / mass) * interval, highest), bands.frequency[FEWEST_BANDS]))
        guess = float(np.exp(_fit(scene, few, math.log(guess), 1)[0].at[0]))
    bands = bands.below(highest)
    wide = bands.wide()
    found: list[tuple[float, float, float]] = []
    # A wide band with a free power: the filtered motion has nearly constant power within it.
    measured = bands.power.mean(axis=0)
    own = (np.bincount(wide, bands.weights * measured) / np.bincount(wide, bands.weights))[wide]
    free = -bands.weights * (np.log(own) + measured / own)
    for last in range(FEWEST_BANDS - 1, int(wide[-1]) + 1):
        kept = bands.below(float(bands.frequency[wide <= last][-1]))
        outside = float(free[wide > last].sum()) - (wide[-1] - last)
        start = math.log(guess)
        for terms in TERMS:
            best, variance = _fit(scene, kept, start, terms)
            found.append((float(best.at[0]), variance, best.log_likelihood + outside - terms))
    logs, variances, criteria = np.array([fit for fit in found if math.isfinite(fit[1])] or found).T
    if not np.isfinite(variances).all():
        return Estimate(math.exp(logs[criteria.argmax()]), scale="log")  # all at an end of the range: only a bound
    weights = np.exp(criteria - criteria.max())
    mean = float(np.average(logs, weights=weights))
    variance = float(np.average(variances + (logs - mean) ** 2, weights=weights))
    value = math.exp(mean)
    needed = MEMORIES * value / trap
    if duration < needed:
        raise SeriesTooShortError(
            f"runs of {duration:g} ps are too short for the zero-frequency friction: the correlation time is about "
            f"{value / trap:.3g} ps, so each run must last at least {math.ceil(needed)} ps"
        )
    return Estimate(value, value * math.sqrt(variance), "log")
