"""Means and rates of correlated series with standard errors that cover.

A least-squares line through a cumulative heat claims an error some fifty times too small, because the residuals of a
random walk are not independent. Errors here come from blocks, long compared with the memory of the system, over all runs
and axes at once. The memory is the statistical inefficiency (J. D. Chodera et al., J. Chem. Theory Comput. 3, 26 (2007)).
"""

from __future__ import annotations

import logging
import math
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri, stdtrit  # scipy.stats has them too, and takes longer to load than a point to measure

from analysis.errors import AnalysisError
from analysis.statistics.correlation import lagged_products

Array = NDArray[np.float64]

BLOCK_FACTOR = 2.0
"""Length of a block in statistical inefficiencies: beyond 2, errors of rates no longer grow (see the calibration test)."""

SQUARE_BLOCK_FACTOR = 1.5
"""The same for mean squares, whose errors allow for what shorter blocks do not show (``Blocks.widening_for``)."""

BLOCKS_PER_RUN = 2
"""With fewer blocks in a run, its memory itself would be guessed from less data than it spans."""

MINIMUM_BLOCKS = 6
"""With fewer blocks in all, the error of the error exceeds a third."""

ENOUGH_BLOCKS = 200
"""With so many blocks in all the error is known to 5 %: what more data there are makes blocks longer instead, which then
show less of what the end of one shares with the start of the next."""

DIP = 1.0
"""Time, ps, up to which a negative correlation does not yet end a memory: a particle may bounce before it forgets, however
often it is looked at."""

RINGS = 5.0
"""Standard errors of a correlation above which a half-wave beyond its first zero is no noise: the coordinate rings. Half-waves
of noise are long, and three errors high in one of some dozen short runs."""

CLEARLY = 5.0
"""Standard errors by which a transient differs from what follows; the memory that they rest on is itself a guess."""

SLOW_MODES = 4
"""Polynomials in time, next to the line, that tell a line's noise: few, for what is slow, but enough to tell a spread."""

SLOWEST = 1.1
"""By how much the line itself fluctuates more than they: 1.0 where all is fast, up to 1.2 in the calibration's baths."""

NORMAL = 1.96
"""Half width of all 95 % intervals, in standard errors."""

Scale = Literal["linear", "log", "reciprocal root", "reciprocal"]

# The power of the reciprocal in which errors are symmetric; log is its limit 0.
_POWER = {"reciprocal root": 0.5, "reciprocal": 1.0}

# Powers of e beyond this, either way, are no numbers that anything could be compared with; e^±700 still is a float.
_LARGEST = 300.0


def known(value: float | None) -> float | None:
    """What JSON can hold, which has neither NaN nor infinities."""
    return None if value is None or not math.isfinite(value) else float(value)


def or_nan(value: float | None) -> float:
    """A number of a JSON file, in which what is not known is null."""
    return math.nan if value is None else value


class SeriesTooShortError(AnalysisError):
    """A series is too short for an honest error; the message says how long it must be."""


@dataclass(frozen=True)
class Estimate:
    """A number and its standard error, both in the same unit; the error is NaN where the data cannot tell it.

    The error is widened by Student's factor of its blocks, so that ``interval`` covers 95 % also with few blocks.

    Attributes:
        value: the number.
        se: its standard error.
        scale: what the errors are symmetric in. ``log`` for a positive number, such as a friction. ``reciprocal root`` for a
            time of decay, whose variance goes as its cube because longer times are met less often. ``reciprocal`` for a mean
            square: a run that happens to stay near the centre also seems to forget sooner, so its error is too small just
            where the value is; the calibration finds both kinds of misses equally often on this scale (docs/calibration.md).
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
        """Deviation from ``expected`` in standard errors of both, on the estimate's own scale; NaN without an error."""
        if self.scale == "linear" or not self.value > 0:
            deviation, error = self.value - expected, math.hypot(self.se, expected_se)
        else:
            ratio = expected / self.value
            if not math.exp(-_LARGEST) < ratio < math.exp(_LARGEST):
                return math.nan  # on this scale such a number lies at no distance
            power = _POWER.get(self.scale, 0.0)
            deviation = (ratio**-power - 1) / power if power else -math.log(ratio)
            # The expected value's own error, carried to the same scale.
            slope = ratio ** (-1 - power)
            error = math.hypot(self.se / self.value, slope * expected_se / self.value)
        return deviation / error if error > 0 else math.nan


def memory(observable: Array, interval: float) -> float:
    """Statistical inefficiency of a stationary series as a time, ps: the spacing of independent samples.

    Args:
        observable: shape (m, n), m independent series of one observable.
        interval: between samples, ps.

    Returns:
        interval × (1 + 2 Σ_k (1 - k/n) ρ_k), at least ``interval``; ρ is summed up to its first zero beyond ``DIP``: pymbar's
        number, whose sums take a time that grows as the memory.
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

    Squares of a Gaussian coordinate correlate as ρ², with ρ the coordinate's own correlation. Its mean is known to be zero,
    so nothing is subtracted that a short run would guess wrongly: ``memory`` of the square is too small by a fifth where
    the run spans twenty memories.

    ρ² counts up to the first zero of ρ and on through the half-waves of a coordinate that rings, as long as each stands out of
    the noise: from N pairs of samples ρ is known to √(Σρ²/N), with the sum over lags of both signs (M. S. Bartlett, J. R. Stat.
    Soc. Suppl. 8, 27 (1946)).

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


def joined(series: Array, together: int) -> Array:
    """Means over every ``together`` neighbours of (m, …) series, (m/together, …): all they hold if they feel each other."""
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
        """By how much ``total`` blocks understate a 95 % interval."""
        return student(self.total - 1)

    def widening_for(self, remembered: float) -> float:
        """``widening`` for an observable that itself remembers for this long, ps.

        Means over blocks of length L of a series with an exponential memory of inefficiency g show only the fraction
        1 - g/2L of the variance that they should.
        """
        return self.widening / math.sqrt(1 - min(remembered, self.memory) / (2 * self.length))

    @property
    def slow_widening(self) -> float:
        """``widening`` for an observable that is itself as slow as the memory."""
        return self.widening_for(self.memory)


def choose_blocks(
    observables: list[Array], interval: float, series: int, blocks_per_run: int = BLOCKS_PER_RUN
) -> Blocks:
    """Cut runs into blocks long compared with the slowest of some observables.

    Args:
        observables: each (m, n): the same n samples of m independent series; pick those that forget most slowly.
        interval: between samples, ps.
        series: number of independent series of n samples that will be cut.
        blocks_per_run: least number of blocks in a run.

    Raises:
        SeriesTooShortError: if a run holds fewer blocks than that, or all runs together fewer than 6.
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
        blocks_per_run: least number of blocks in a run.
        factor: least length of a block in memories; they are longer where ``enough`` remain.
        spacing: least length of a block, ps: what is seen only so often fills no shorter one.
        enough: blocks in all that there is no need to exceed.

    Raises:
        SeriesTooShortError: as ``choose_blocks``.
    """
    target = max(factor * remembered, spacing)
    per_run = max(blocks_per_run, math.ceil(MINIMUM_BLOCKS / series))
    count = min(int(steps * interval / target), steps, max(per_run, math.ceil(enough / series)))
    if count < per_run:
        raise SeriesTooShortError(
            f"{series} series of {steps * interval:g} ps are too short for an error bar: the correlation time is about "
            f"{remembered:.3g} ps, so each run must last at least {math.ceil(per_run * target)} ps"
        )
    return Blocks(count, steps * interval / count, count * series, remembered)


def steady_from(observable: Array) -> int:
    """Sample from which (m, n) series that begin with a transient are taken as steady: a quarter of them, or later.

    Later where more independent samples are left so (J. D. Chodera, J. Chem. Theory Comput. 12, 1799 (2016)) and what is then
    left out clearly differs: the search also finds starts after which a short series merely looks as if it forgot fast, and
    errors after those are too small. A series that drifts to its end has no good start; ``choose_blocks`` then finds what is
    left too short.
    """
    # It brings scipy.stats, of which nothing else here has use, and an advertisement for an accelerator.
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
        Rate per ps; its error is the spread of block rates over the root of their number.
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
        remembered: memory of the observable itself, ps; that of the blocks if it is longer or not known.
    """
    value = float(observable.mean())
    if blocks is None:
        return Estimate(value, scale=scale)
    edges = np.linspace(0, observable.shape[1], blocks.count + 1).round().astype(int)
    means = np.add.reduceat(observable, edges[:-1], axis=1) / np.diff(edges)
    se = blocks.widening_for(remembered) * float(means.std(ddof=1)) / math.sqrt(blocks.total)
    return Estimate(value, se, scale)


def mean_of_one(series: Array, interval: float) -> Estimate:
    """Mean of one stationary series, shape (n,), its error from blocks of its own memory; NaN if it is too short for that."""
    blocks: Blocks | None = None
    if len(series) > 1:
        with suppress(SeriesTooShortError):
            blocks = choose_blocks([series[None]], interval, 1)
    return stationary_mean(series[None], blocks)


def slope(cumulative: Array, interval: float) -> float:
    """Slope per ps of the least-squares line through each of (m, n) series, averaged; its error is not told by the line."""
    time = np.arange(cumulative.shape[1]) * interval
    centred = time - time.mean()
    return float((cumulative @ centred).mean() / (centred @ centred))


def slope_variance(stationary: Array, interval: float) -> float:
    """Variance that stationary noise of (m, n) series adds to the ``slope`` of one of them, per ps².

    A line takes the slowest that a series has: its projection on the first Legendre polynomial in time. The next
    ``SLOW_MODES`` polynomials fluctuate nearly as much, about any slope. A memory does not tell it: the energy of a bath has
    small parts that live for a hundred ps, which a line sees, but which are lost in the noise of the energy's correlation.
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
    """Student's 97.5 % quantile over the normal one: factor on an error known from so many degrees of freedom."""
    return float(stdtrit(freedom, 0.975) / ndtri(0.975))


def spread_widening(memories: float) -> float:
    """Factor on the spread seen in a time of so many memories, about its own mean, that lets 1.96 of it cover 95 %.

    The mean takes its share of the variance, and Student's factor allows for what so few independent values leave unknown.
    Fewer than three tell no spread; they are widened as three.
    """
    independent = max(memories, 3.0)
    return student(independent - 1) / math.sqrt(1 - 1 / independent)


def end_noise(stationary: Array, interval: float) -> float:
    """Standard error that stationary noise of (m, n) series adds to (last - first)/duration, per ps."""
    m, n = stationary.shape
    duration = float((n - 1) * interval)
    widening = spread_widening(m * duration / memory(stationary, interval))
    return widening * math.sqrt(2 * float(stationary.var()) / m) / duration
