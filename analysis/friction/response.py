"""The response of each particle to a force, measured at equilibrium: its friction at every frequency, without a model.

Without controller the correlations of a particle give its mobility Y(ω) = ∫₀^∞ ⟨V(t)V(0)⟩ e^{iωt} dt / k_BT at every frequency
(fluctuation-dissipation theorem; R. Kubo, Rep. Prog. Phys. 29, 255 (1966)), and the friction of the bath,
γ(ω) = 1/Y(ω) + iωm - iκ/ω, is the remainder without inertia and trap. Correlations of a finite run end in noise and must be
tapered; the error of a response includes the effect of a different taper.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfft, next_fast_len, rfft
from scipy.interpolate import CubicSpline
from scipy.ndimage import gaussian_filter1d

from analysis.data.parameters import SIDES, Array
from analysis.data.runs import Run
from analysis.friction.curves import Particle, particle
from analysis.model import BOLTZMANN
from analysis.statistics.correlation import decay_time
from analysis.statistics.timeseries import SQUARE_BLOCK_FACTOR, SeriesTooShortError, cut, memory_of_square, student

ComplexArray = NDArray[np.complex128]

FADES = ((1.5, 3.5), (2.0, 5.0), (1.2, 2.8))
"""Tapers: correlations count fully up to the first number and decrease to zero at the second, in decay times of the position.

The first taper gives the response; the second, which truncates less, gives the error due to the taper. If runs are too
short for it, the third is used. It truncates more than the first, so it only shows a larger bias of its own, which made the
errors of weakly coupled pairs twice their scatter.
"""

FREQUENCIES = 2000
"""Number of frequencies from a radian per run to a radian per sample, in a geometric series; the same for both particles."""

BLOCKS = 30
"""Blocks of time, over all series, for the jackknife errors; fewer if the memory of the particle is longer."""

SMOOTHING = 0.15
"""Standard width, in ln ω, over which γ(ω) is averaged: tapers leave ripples narrower than any feature of a fluid."""

_TOO_SHORT = "too_short"

_FINER = 5  # points per sample of the splines that are integrated
_COARSEST = 0.2  # rad: largest change of phase between neighbouring points of the frequency grid


@dataclass(frozen=True)
class Response:
    """Friction of the bath of one particle at every frequency, measured without controller.

    Attributes:
        frequency: (k,), rad/ps.
        friction: γ(ω), (k,), complex, eV ps/Å²; its real part is not negative.
        left_out: (n, k), from all but one block of time.
        otherwise: (m, k), with a different taper.
    """

    frequency: Array
    friction: ComplexArray
    left_out: ComplexArray
    otherwise: ComplexArray

    def copies(self) -> ComplexArray:
        """The friction and its alternatives, (1 + n + m, k), in the order of the attributes."""
        return np.concatenate([self.friction[None], self.left_out, self.otherwise])

    def deviations(self, copies: Array) -> Array:
        """From a quantity of each of ``copies``, (1 + n + m, …): (n + m, …), whose squares sum to its squared error."""
        n, m = len(self.left_out), len(self.otherwise)
        found, left_out, otherwise = np.split(copies, [1, 1 + n])
        scale = student(n - 1) * math.sqrt((n - 1) / n)
        return np.concatenate([scale * (left_out - left_out.mean(axis=0)), (otherwise - found) / math.sqrt(max(m, 1))])

    def dissipation(self) -> tuple[Array, Array]:
        """Re γ(ω) and its standard error, (k,), eV ps/Å²."""
        copies = self.copies().real
        return copies[0], np.linalg.norm(self.deviations(copies), axis=0)


@dataclass(frozen=True)
class Responses:
    """Responses of the cold and the hot particle along each set of equivalent axes.

    Attributes:
        along: by set of axes.
        too_short: why there is none along the other sets, with the length that the runs need.
    """

    along: Mapping[str, tuple[Response, Response]]
    too_short: Mapping[str, str] = field(default_factory=dict)

    def save(self, file: str | Path) -> None:
        """Write them to one ``.npz``: arrays ``<axes>/<side>/<attribute>``, and texts ``<axes>/too_short``."""
        arrays: dict[str, NDArray[Any]] = {
            f"{axes}/{side}/{name}": getattr(response, name)
            for axes, pair in self.along.items()
            for side, response in zip(SIDES, pair, strict=True)
            for name in Response.__dataclass_fields__
        }
        arrays |= {f"{axes}/{_TOO_SHORT}": np.array(reason) for axes, reason in self.too_short.items()}
        np.savez_compressed(file, **arrays)  # type: ignore[arg-type]  # any of the names might be allow_pickle

    @classmethod
    def load(cls, file: str | Path) -> Responses:
        """Read what ``save`` wrote."""
        with np.load(file) as arrays:
            reasons = {name.split("/")[0]: str(arrays[name]) for name in arrays.files if name.endswith(_TOO_SHORT)}
            groups = dict.fromkeys(axes for name in arrays.files if (axes := name.split("/")[0]) not in reasons)

            def one(axes: str, side: str) -> Response:
                return Response(**{name: arrays[f"{axes}/{side}/{name}"] for name in Response.__dataclass_fields__})

            return cls({axes: (one(axes, SIDES[0]), one(axes, SIDES[1])) for axes in groups}, reasons)


def needed_length(relaxation: float) -> float:
    """Shortest run for a response, twice the taper, ps, for a position that decays in this time (``decay_time``)."""
    return 2 * FADES[0][1] * relaxation


def responses(runs: Sequence[Run]) -> Responses:
    """The responses along all sets of equivalent axes; none along those for which the runs are too short."""
    found, too_short = {}, {}
    for axes in runs[0].equivalent_axes:
        try:
            found[axes] = (response(runs, 0, axes), response(runs, 1, axes))
        except SeriesTooShortError as problem:
            too_short[axes] = str(problem)
    return Responses(found, too_short)


def response(runs: Sequence[Run], side: int, axes: str) -> Response:
    """The response of the cold (0) or hot (1) particle along some equivalent axes, from equilibrium runs.

    Raises:
        SeriesTooShortError: the runs are shorter than twice the correlations, or contain too few blocks of time; gives the
            required length.
    """
    data = particle(runs, side, axes)
    relaxation = decay_time(data.position, data.velocity, data.interval)
    series, samples = data.position.shape
    fades = [fade for fade in FADES if 2 * round(fade[1] * relaxation / data.interval) <= samples][:2]
    if FADES[0] not in fades:
        raise SeriesTooShortError(
            f"friction runs of {runs[0].duration:g} ps are too short for a response along {axes}: the {SIDES[side]} particle's "
            f"position decays in {relaxation:.3g} ps, so each run must last at least "
            f"{math.ceil(needed_length(relaxation))} ps"
        )
    remembered = memory_of_square(data.position, data.interval)
    blocks = cut(remembered, samples - 1, data.interval, series, factor=SQUARE_BLOCK_FACTOR, enough=BLOCKS)
    reach = max(round(fade[1] * relaxation / data.interval) for fade in fades)
    position, velocity = (_left_out(each, blocks.count, reach) for each in (data.position, data.velocity))
    thermal = BOLTZMANN * runs[0].parameters.temperature[side]
    frequency = np.geomspace(1 / runs[0].duration, 1 / data.interval, FREQUENCIES)

    def friction(fade: tuple[float, float], rows: slice) -> ComplexArray:
        faded = _faded(data, position[rows], velocity[rows], relaxation, fade, thermal)
        mobility = _one_sided(faded, data.interval, frequency) / thermal
        return _smooth(1 / mobility + 1j * (frequency * data.mass - data.trap / frequency), frequency)

    otherwise = [friction(fade, slice(1)) for fade in fades[1:]]
    main = friction(fades[0], slice(None))
    return Response(frequency, main[0], main[1:], np.concatenate([*otherwise, main[:0]]))


def _faded(
    data: Particle, position: Array, velocity: Array, relaxation: float, fade: tuple[float, float], thermal: float
) -> Array:
    """Velocity correlations, (c, n), from those of position and velocity, tapered."""
    interval = data.interval
    full, end = (round(share * relaxation / interval) for share in fade)
    # Known exactly: equipartition.
    position = position[:, : end + 1] * (thermal / data.trap / position[:, :1])
    velocity = velocity[:, : end + 1] * (thermal / data.mass / velocity[:, :1])
    phase = np.pi * np.clip((np.arange(end + 1) - full) / (end - full), 0.0, 1.0)
    rate = np.pi / ((end - full) * interval)
    window, slope = (1 + np.cos(phase)) / 2, -rate * np.sin(phase) / 2
    curvature = np.where(phase > 0, -(rate**2) * np.cos(phase) / 2, 0.0)
    # Minus the second derivative of the tapered position: tapering the velocity would move the particle out of its trap.
    return np.asarray(velocity * window - 2 * np.gradient(position, interval, axis=1) * slope - position * curvature)


def _smooth(friction: ComplexArray, frequency: Array) -> ComplexArray:
    """γ(ω), (c, k), averaged over neighbouring frequencies; Re γ < 0, by which a bath would do work, is excluded."""
    width = SMOOTHING / math.log(frequency[1] / frequency[0])
    smooth = gaussian_filter1d(friction, width, axis=1, mode="nearest")
    return np.asarray(np.maximum(smooth.real, 0.0) + 1j * smooth.imag)


def _left_out(series: Array, count: int, reach: int) -> Array:
    """Mean of x(t) x(t + k) for lags k up to ``reach``, from all of (m, n) series, then from all but one block of times t.

    Returns:
        (1 + m × count, reach + 1).
    """
    m, n = series.shape
    edges = np.linspace(0, n, count + 1).round().astype(int)
    lags = np.arange(reach + 1)
    sums, counts = [], []
    for start, stop in pairwise(edges):
        first, second = series[:, start:stop], series[:, start : stop + reach]
        padded = next_fast_len(stop - start + reach + 1, real=True)
        products = irfft(np.conj(rfft(first, padded, axis=1)) * rfft(second, padded, axis=1), padded, axis=1)
        sums.append(products[:, : reach + 1])
        counts.append(np.clip(n - lags, start, stop) - start)
    each, held = np.concatenate(sums), np.repeat(counts, m, axis=0)
    total, number = each.sum(axis=0), held.sum(axis=0)
    return np.concatenate([(total / number)[None], (total - each) / (number - held)])


def _one_sided(even: Array, interval: float, frequency: Array) -> ComplexArray:
    """∫₀ f(t) e^{iωt} dt of even functions given at samples (c, n), each up to its last; (c, k).

    The transform of a function that ends at T is smooth over 1/T: it is computed on a finer grid by FFT and interpolated by
    cubic splines, which is exact to 10⁻⁵ of its largest value.
    """
    lag = interval * np.arange(even.shape[1])
    fine = np.linspace(0.0, lag[-1], _FINER * (even.shape[1] - 1) + 1)
    step = fine[1] - fine[0]
    points = next_fast_len(math.ceil(2 * np.pi / (_COARSEST * step / lag[-1])), real=True)
    spacing = 2 * np.pi / (points * step)
    below = np.maximum(np.floor(frequency / spacing).astype(int), 1)
    u = frequency / spacing - below
    weights = np.stack(
        [
            -u * (u - 1) * (u - 2) / 6,
            (u + 1) * (u - 1) * (u - 2) / 2,
            -(u + 1) * u * (u - 2) / 2,
            (u + 1) * u * (u - 1) / 6,
        ]
    )
    found = np.empty((len(even), len(frequency)), dtype=complex)
    # Centred in time, the phase of such a function changes least from one frequency to the next.
    halfway = np.exp(-0.5j * lag[-1] * spacing * np.arange(points // 2 + 1))
    for row, values in enumerate(
        CubicSpline(lag, even, axis=1, bc_type=((1, np.zeros(len(even))), "not-a-knot"))(fine)
    ):
        values[[0, -1]] /= 2
        grid = np.conj(rfft(values, points)) * halfway
        found[row] = sum(weight * grid[below + shift] for weight, shift in zip(weights, (-1, 0, 1, 2), strict=True))
    return np.asarray(found * np.exp(0.5j * lag[-1] * frequency) * step)
