"""Means and rates of correlated series, with standard errors.

A least-squares line through a cumulative heat claims an error 60 to 160 times too small
(docs/explanation/calibration.md), because the residuals of a random walk are not independent. Errors here come from
blocks over all runs and axes, long compared with the correlation time, the statistical inefficiency of J. D. Chodera et
al., J. Chem. Theory Comput. 3, 26 (2007). The code calls it memory.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri, stdtrit  # scipy.stats also has them, but is slow to load

from analysis.errors import AnalysisError
from analysis.statistics.correlation import lagged_products

Array = NDArray[np.float64]

BLOCK_FACTOR = 2.0
"""Length of a block in statistical inefficiencies: beyond 2, errors of rates no longer grow (see the calibration test)."""

SQUARE_BLOCK_FACTOR = 1.5
"""The same for mean squares, whose errors are corrected for shorter blocks (``Blocks.widening_for``)."""

BLOCKS_PER_RUN = 2
"""Smallest number of blocks in a run; with fewer the memory would be estimated from too few data."""

MINIMUM_BLOCKS = 6
"""Smallest total number of blocks; with fewer the error of the error exceeds a third."""

ENOUGH_BLOCKS = 200
"""With this total number of blocks the error is known to 5 %. More data make the blocks longer instead, which reduces the
correlation between neighbouring blocks."""

DIP = 1.0
"""Time, ps, up to which a negative correlation does not end the sum of a memory: a particle may rebound before it decorrelates,
for any sampling interval."""

RINGS = 5.0
"""Standard errors of a correlation above which a half-wave beyond its first zero is significant: the coordinate oscillates.
Half-waves of noise are long, and reach three errors in one of some dozen short runs."""

CLEARLY = 5.0
"""Standard errors by which a transient differs from the rest; they rest on an estimated memory."""

SLOW_MODES = 4
"""Number of polynomials in time, next to the line, that determine its noise: few for slow noise, enough for a variance."""

SLOWEST = 1.1
"""Excess of the fluctuation of the line over theirs: 1.0 for fast noise, up to 1.2 in the baths of the calibration."""

NORMAL = 1.96
"""Half width of all 95 % intervals, in standard errors."""

Scale = Literal["linear", "log", "reciprocal root", "reciprocal"]

# The power of the reciprocal in which errors are symmetric; log is its limit 0.
_POWER = {"reciprocal root": 0.5, "reciprocal": 1.0}

# Larger powers of e cannot be compared with anything; e^±700 is still a float.
_LARGEST = 300.0


def known(value: float | None) -> float | None:
    """The value in JSON, which has neither NaN nor infinities."""
    return None if value is None or not math.isfinite(value) else float(value)


def or_nan(value: float | None) -> float:
    """A number of a JSON file, in which an unknown value is null."""
    return math.nan if value is None else value


class SeriesTooShortError(AnalysisError):
    """A series is too short for an error bar; the message gives the required length.

    Attributes:
        required: that length, ps; NaN where the message gives a number of samples.
    """

    def __init__(self, message: str, required: float = math.nan) -> None:
        """Keep the length beside the message."""
        super().__init__(message)
        self.required = required


@dataclass(frozen=True)
class Estimate:
    """A number and its standard error, both in the same unit; the error is NaN where the data do not determine it.

    The error is widened by Student's factor of its blocks, so that ``interval`` covers 95 % also with few blocks.

    Attributes:
        value: the number.
        se: its standard error.
        scale: the scale on which errors are symmetric. ``log`` for a positive number, such as a friction. ``reciprocal
            root`` for a decay time, whose variance is proportional to its cube because longer times occur less often.
            ``reciprocal`` for a mean square: a run that happens to stay near the centre also seems to decorrelate sooner,
            so its error is too small where the value is. On this scale failures on both sides are equally frequent
            (docs/explanation/calibration.md).
    """

    value: float
    se: float = math.nan
    scale: Scale = "linear"

    def __mul__(self, factor: float) -> Estimate:
        """Both in another unit."""
        return Estimate(self.value * factor, self.se * abs(factor), self.scale)

    def interval(self) -> tuple[float, float]:
        """Ends of the 95 % interval; NaN without an error, infinite where the data set no upper bound."""
        half = NORMAL * self.se
        if self.scale == "linear" or not self.value > 0 or math.isnan(half):
            return self.value - half, self.value + half
        share = half / self.value
        if self.scale == "log":
            return self.value * math.exp(-share), self.value * (math.exp(share) if share < _LARGEST else math.inf)
        power = _POWER[self.scale]
        share *= power
        high = self.value / (1 - share) ** (1 / power) if share < 1 else math.inf
        return self.value / (1 + share) ** (1 / power), high

    def z(self, expected: float, expected_se: float = 0.0) -> float:
        """Deviation from ``expected`` in combined standard errors, on the scale of the estimate; NaN without an error."""
        if self.scale == "linear" or not self.value > 0:
            deviation, error = self.value - expected, math.hypot(self.se, expected_se)
        else:
            ratio = expected / self.value
            if not math.exp(-_LARGEST) < ratio < math.exp(_LARGEST):
                return math.nan  # on this scale such a number has no finite distance
            power = _POWER.get(self.scale, 0.0)
            deviation = (ratio**-power - 1) / power if power else -math.log(ratio)
            # The error of the expected value on the same scale.
            slope = ratio ** (-1 - power)
            error = math.hypot(self.se / self.value, slope * expected_se / self.value)
        return deviation / error if error > 0 else math.nan


def entries(stem: str, estimate: Estimate, unit: str = "") -> dict[str, float | None]:
    """An estimate as two JSON entries; where its interval is asymmetric, its ends as two more.

    Args:
        stem: name of the quantity; the value is ``<stem>_<unit>``, the error ``<stem>_se``, the ends ``_low`` and ``_high``.
        estimate: in the unit.
        unit: such as ``eV_per_ns``; without a unit the value is ``<stem>``.
    """
    content = {f"{stem}_{unit}" if unit else stem: known(estimate.value), f"{stem}_se": known(estimate.se)}
    if estimate.scale == "linear":
        return content
    low, high = estimate.interval()
    return content | {f"{stem}_low": known(low), f"{stem}_high": known(high)}


def read_estimate(content: Mapping[str, Any], stem: str, unit: str = "", scale: Scale = "linear") -> Estimate:
    """An estimate from its JSON entries, as written by ``entries``."""
    return Estimate(or_nan(content[f"{stem}_{unit}" if unit else stem]), or_nan(content[f"{stem}_se"]), scale)


def memory(observable: Array, interval: float) -> float:
    """Statistical inefficiency of a stationary series as a time, ps: the spacing of independent samples.

    Args:
        observable: shape (m, n), m independent series of one observable.
        interval: between samples, ps.

    Returns:
        interval × (1 + 2 Σ_k (1 - k/n) ρ_k), at least ``interval``; ρ is summed up to its first zero beyond ``DIP``: the
        value of pymbar, whose time of computation grows with the memory.
    """
    n = observable.shape[1]
    if n < 3 or np.ptp(observable) == 0.0:
        return interval
    products = lagged_products(observable - observable.mean())[: n - 1]
    correlation = products / products[0]
    first = round(DIP / interval) + 1
    negative = np.flatnonzero(correlation[first:] <= 0)
    lags = np.arange(1, first + negative[0] if negative.size else max(n - 1, 1))
    return interval * max(1.0, float(1 + 2 * ((1 - lags / n) * correlation[lags]).sum()))


def memory_of_square(coordinate: Array, interval: float) -> float:
    """Statistical inefficiency of the square of a Gaussian coordinate as a time, ps.

    Squares of a Gaussian coordinate correlate as ρ², with ρ the correlation of the coordinate. Its mean is known to be
    zero, so no estimated mean is subtracted. ``memory`` of the square is too small by a fifth if the run spans twenty
    memories.

    ρ² is summed up to the first zero of ρ, and through the half-waves of an oscillating coordinate as long as they exceed
    the noise. From N pairs of samples ρ is known to √(Σρ²/N), with the sum over lags of both signs (M. S. Bartlett, J. R.
    Stat. Soc. Suppl. 8, 27 (1946)).

    Args:
        coordinate: shape (m, n), m independent series.
        interval: between samples, ps.
    """
    products = lagged_products(coordinate)
    if products[0] == 0.0:
        return interval
    correlation = products / products[0]
    zeros = np.flatnonzero(np.diff(correlation > 0)) + 1
    squares = 1.0
    for start, end in pairwise([0, *zeros, len(correlation)]):
        wave = correlation[max(start, 1) : end]
        pairs = len(coordinate) * (len(correlation) - np.arange(max(start, 1), end))
        if start and (np.abs(wave) * np.sqrt(pairs)).max() < RINGS * math.sqrt(squares):
            break
        squares += 2 * float((wave**2).sum())
    return interval * squares


def without_oscillations(series: Array, interval: float, frequencies: Iterable[float]) -> Array:
    """Series minus their oscillations of known frequencies, by least squares; such oscillations do not decay.

    Args:
        series: (..., n).
        interval: between samples, ps.
        frequencies: rad/ps; those too low or too high to be told from a constant are left out.

    Returns:
        (..., n); the means stay.
    """
    time = np.arange(series.shape[-1]) * interval
    found = [omega for omega in frequencies if 2 * np.pi / max(time[-1], interval) <= omega < np.pi / interval]
    if not found:
        return series
    waves = np.stack([wave(omega * time) for omega in found for wave in (np.cos, np.sin)])
    waves -= waves.mean(axis=1, keepdims=True)
    amplitudes = np.linalg.lstsq(waves.T, series.reshape(-1, len(time)).T, rcond=None)[0]
    return np.asarray(series - (amplitudes.T @ waves).reshape(series.shape))


def joined(series: Array, together: int) -> Array:
    """Means over every ``together`` neighbours of (m, …) series, (m/together, …), for series that are coupled to each other."""
    return np.asarray(series.reshape(-1, together, *series.shape[1:]).mean(axis=1)) if together > 1 else series


@dataclass(frozen=True)
class Blocks:
    """How series of one length are cut: ``count`` blocks of ``length`` ps in each, ``total`` over all series."""

    count: int
    length: float
    total: int
    memory: float

    @property
    def widening(self) -> float:
        """Factor by which ``total`` blocks underestimate a 95 % interval."""
        return student(self.total - 1)

    def widening_for(self, remembered: float) -> float:
        """``widening`` for an observable with this memory, ps.

        Means over blocks of length L of a series with an exponential correlation of inefficiency g have only the fraction
        1 - g/2L of the correct variance.
        """
        return self.widening / math.sqrt(1 - min(remembered, self.memory) / (2 * self.length))

    @property
    def slow_widening(self) -> float:
        """``widening`` for an observable with the memory of the blocks."""
        return self.widening_for(self.memory)


def choose_blocks(
    observables: list[Array], interval: float, series: int, blocks_per_run: int = BLOCKS_PER_RUN
) -> Blocks:
    """Cut runs into blocks long compared with the slowest of some observables.

    Args:
        observables: each (m, n): the same n samples of m independent series; choose those with the longest memory.
        interval: between samples, ps.
        series: number of independent series of n samples that will be cut.
        blocks_per_run: smallest number of blocks in a run.

    Raises:
        SeriesTooShortError: if a run contains fewer blocks than that, or all runs together fewer than 6.
    """
    longest = max(memory(observable, interval) for observable in observables)
    return cut(longest, observables[0].shape[1] - 1, interval, series, blocks_per_run)


def cut(
    remembered: float,
    steps: int,
    interval: float,
    series: int,
    blocks_per_run: int = BLOCKS_PER_RUN,
    factor: float = BLOCK_FACTOR,
    spacing: float = 0.0,
    enough: int = ENOUGH_BLOCKS,
) -> Blocks:
    """Blocks for a known memory; see ``choose_blocks``.

    Args:
        remembered: memory of the slowest observable, ps.
        steps: intervals between samples in each series.
        interval: between samples, ps.
        series: number of independent series that will be cut.
        blocks_per_run: smallest number of blocks in a run.
        factor: smallest length of a block in memories; blocks are longer where ``enough`` remain.
        spacing: smallest length of a block, ps, for quantities that are sampled only at this interval.
        enough: total number of blocks that need not be exceeded.

    Raises:
        SeriesTooShortError: as ``choose_blocks``.
    """
    target = max(factor * remembered, spacing)
    per_run = max(blocks_per_run, math.ceil(MINIMUM_BLOCKS / series))
    count = min(int(steps * interval / target), steps, max(per_run, math.ceil(enough / series)))
    if count < per_run:
        required = math.ceil(per_run * target)
        raise SeriesTooShortError(
            f"{series} series of {steps * interval:g} ps are too short for an error bar: the correlation time is about "
            f"{remembered:.3g} ps, so each run must last at least {required} ps",
            required,
        )
    return Blocks(count, steps * interval / count, count * series, remembered)


def steady_from(observable: Array) -> int:
    """First sample after the transient of (m, n) series: after a quarter of the samples, or later.

    It is later if this leaves more independent samples (J. D. Chodera, J. Chem. Theory Comput. 12, 1799 (2016)) and the
    discarded part differs significantly. The search also finds starts after which a short series only seems to decorrelate
    fast, and errors after those are too small. A series that drifts to its end has no good start; ``choose_blocks`` then
    finds the rest too short.
    """
    # It loads scipy.stats, which nothing else here needs, and advises to install an accelerator.
    logging.getLogger("pymbar").setLevel(logging.CRITICAL)
    from pymbar import timeseries as pymbar_timeseries  # type: ignore[import-untyped]

    samples = len(observable[0])
    skip = max(samples // 10, 1)
    found = max(int(pymbar_timeseries.detect_equilibration(series, nskip=skip)[0]) for series in observable)
    quarter = samples // 4
    if found <= quarter:
        return quarter
    left_out, kept = observable[:, quarter:found], observable[:, found:]
    independent = memory(kept, 1.0) / len(observable) * (1 / (found - quarter) + 1 / (samples - found))
    noise = float(kept.std()) * math.sqrt(independent)
    return found if abs(float(left_out.mean() - kept.mean())) > CLEARLY * noise else quarter


def mean_rate(cumulative: Array, interval: float, blocks: Blocks | None) -> Estimate:
    """Mean rate of a random walk with drift, such as accumulated work: total increment over time.

    Args:
        cumulative: shape (m, n), m independent series.
        interval: between samples, ps.
        blocks: how the series are cut; without them the error is NaN.

    Returns:
        Rate per ps; its error is the scatter of block rates over the square root of their number.
    """
    value = total_rate(cumulative, interval)
    if blocks is None:
        return Estimate(value)
    rates = block_rates(cumulative, interval, blocks)
    return Estimate(value, blocks.widening * float(rates.std(ddof=1)) / math.sqrt(blocks.total))


def total_rate(cumulative: Array, interval: float) -> float:
    """Increment of (m, n) series over the whole time, per ps, averaged."""
    return float((cumulative[:, -1] - cumulative[:, 0]).mean() / ((cumulative.shape[1] - 1) * interval))


def block_rates(cumulative: Array, interval: float, blocks: Blocks) -> Array:
    """Rates per ps of cumulative series (..., n) within each block, (..., blocks)."""
    edges = np.linspace(0, cumulative.shape[-1] - 1, blocks.count + 1).round().astype(int)
    return np.diff(cumulative[..., edges], axis=-1) / (np.diff(edges) * interval)


def stationary_mean(
    observable: Array, blocks: Blocks | None, scale: Scale = "linear", remembered: float = math.inf
) -> Estimate:
    """Mean of a stationary observable with an error from block means.

    Args:
        observable: shape (m, n), no slower than the blocks' memory.
        blocks: how each series is cut; without them the error is NaN.
        scale: of the estimate.
        remembered: memory of the observable, ps; that of the blocks if it is longer or unknown.
    """
    value = float(observable.mean())
    if blocks is None:
        return Estimate(value, scale=scale)
    edges = np.linspace(0, observable.shape[1], blocks.count + 1).round().astype(int)
    means = np.add.reduceat(observable, edges[:-1], axis=1) / np.diff(edges)
    se = blocks.widening_for(remembered) * float(means.std(ddof=1)) / math.sqrt(blocks.total)
    return Estimate(value, se, scale)


def mean_of_one(series: Array, interval: float) -> Estimate:
    """Mean of one stationary series, shape (n,), its error from blocks of the length of its memory; NaN if it is too short."""
    blocks: Blocks | None = None
    if len(series) > 1:
        with suppress(SeriesTooShortError):
            blocks = choose_blocks([series[None]], interval, 1)
    return stationary_mean(series[None], blocks)


def slope(cumulative: Array, interval: float) -> float:
    """Slope per ps of the least-squares line through each of (m, n) series, averaged; the line does not give its error."""
    time = np.arange(cumulative.shape[1]) * interval
    centred = time - time.mean()
    return float((cumulative @ centred).mean() / (centred @ centred))


def slope_variance(stationary: Array, interval: float) -> float:
    """Variance that stationary noise of (m, n) series adds to the ``slope`` of one of them, per ps².

    A line depends on the slowest part of a series: its projection on the first Legendre polynomial in time. The next
    ``SLOW_MODES`` polynomials fluctuate nearly as much, for any slope. The memory does not determine this variance: the
    energy of a bath has small contributions with a correlation time of a hundred ps, which affect a line but are lost in
    the noise of the correlation of the energy.
    """
    n = stationary.shape[1]
    modes = np.linalg.qr(np.polynomial.legendre.legvander(np.linspace(-1, 1, n), 1 + SLOW_MODES))[0][:, 2:]
    seen = ((stationary @ modes) ** 2).mean()
    return float(SLOWEST**2 * seen * 12 / (interval**2 * n * (n**2 - 1)))


def slope_noise(stationary: Array, interval: float) -> float:
    """Standard error that stationary noise of (m, n) series adds to ``slope``, per ps, widened for its few modes."""
    m = len(stationary)
    return student(m * SLOW_MODES) * math.sqrt(slope_variance(stationary, interval) / m)


def student(freedom: float) -> float:
    """Student's 97.5 % quantile over the normal one: factor on an error with this number of degrees of freedom."""
    return float(stdtrit(freedom, 0.975) / ndtri(0.975))


def spread_widening(memories: float) -> float:
    """Factor on the scatter about the sample mean in a time of this number of memories, for 1.96 of it to cover 95 %.

    It corrects for the variance of the sample mean, and Student's factor for the small number of independent values.
    Fewer than three give no scatter; they are widened as three.
    """
    independent = max(memories, 3.0)
    return student(independent - 1) / math.sqrt(1 - 1 / independent)


def end_noise(stationary: Array, interval: float) -> float:
    """Standard error that stationary noise of (m, n) series adds to (last - first)/duration, per ps."""
    m, n = stationary.shape
    duration = float((n - 1) * interval)
    widening = spread_widening(m * duration / memory(stationary, interval))
    return widening * math.sqrt(2 * float(stationary.var()) / m) / duration
