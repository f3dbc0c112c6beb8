"""Means and rates of correlated series: right on average, and with errors that say how far off they are."""

import math
import statistics
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from pymbar.timeseries import statistical_inefficiency_multiple  # type: ignore[import-untyped]
from scipy.linalg import expm, solve_continuous_lyapunov
from scipy.signal import lfilter
from scipy.stats import binomtest, norm, t

from analysis.heat.power import histogram
from analysis.statistics.correlation import lagged_products
from analysis.statistics.timeseries import (
    BLOCKS_PER_RUN,
    ENOUGH_BLOCKS,
    SLOWEST,
    Blocks,
    Estimate,
    Scale,
    SeriesTooShortError,
    choose_blocks,
    cut,
    end_noise,
    entries,
    mean_of_one,
    mean_rate,
    memory,
    memory_of_square,
    read_estimate,
    slope,
    slope_noise,
    spread_widening,
    stationary_mean,
    student,
)
from tests.unit.synthetic import Truth, drift_and_noise, propagate

Array = NDArray[np.float64]


@pytest.mark.parametrize("length", [2.0, 4.0, 10.0])
def test_what_blocks_hide_is_added(length: float) -> None:
    """Block means of a slow series vary less than they should: here by the sum over all pairs of samples of a block."""
    time = 200.0  # samples; an inefficiency of 2 time
    samples = round(length * 2 * time)
    ages = np.arange(samples)
    correlation = np.exp(-ages / time)
    seen = (samples + 2 * ((samples - ages) * correlation)[1:].sum()) / samples**2
    blocks = Blocks(count=50, length=float(samples), total=50, memory=2 * time)
    assert blocks.slow_widening / blocks.widening == pytest.approx(math.sqrt(2 * time / samples / seen), rel=0.01)
    # White noise hides nothing, and nothing is slower than the memory that the blocks were cut by.
    assert blocks.widening_for(0.0) == blocks.widening == student(49)
    assert blocks.widening_for(math.inf) == blocks.slow_widening


def correlated(copies: int, n: int, time: float, seed: int) -> Array:
    """Unit-variance series with the correlation exp(-k/time), shape (copies, n)."""
    decay = math.exp(-1 / time)
    rng = np.random.default_rng(seed)
    noise = rng.standard_normal((copies, n)) * math.sqrt(1 - decay**2)
    noise[:, 0] = rng.standard_normal(copies)
    return np.asarray(lfilter([1.0], [1.0, -decay], noise, axis=1))


def test_memory_of_an_exponential() -> None:
    """The memory of exp(-t/τ) is (1 + e)/(1 - e), e = exp(-h/τ), whatever the sample interval h."""
    series = correlated(200, 4000, time=10, seed=3)
    exact = 0.5 * (1 + math.exp(-0.1)) / (1 - math.exp(-0.1))
    # Each of 200 series tells the integral to about sqrt(2 (2M + 1)/n), with M about 5 correlation times summed.
    assert memory(series, 0.5) == pytest.approx(exact, rel=4 * math.sqrt(2 * 101 / 4000 / 200))


def test_memory_is_that_of_pymbar() -> None:
    """Sums over lags by Fourier transform are the sums that pymbar makes one by one, of ringing series also."""
    ringing = correlated(3, 700, 12, seed=8) * np.cos(0.6 * np.arange(700))
    for series in (correlated(2, 600, 8, seed=7), ringing, correlated(1, 40, 30, seed=9), correlated(2, 2, 1, seed=1)):
        # pymbar counts the lags that may be negative, ten, in samples: here they last as long as a bounce may.
        assert memory(series, 0.1) == pytest.approx(0.1 * statistical_inefficiency_multiple(list(series)), rel=1e-9)


def test_memory_does_not_end_in_a_bounce_however_often_it_is_seen() -> None:
    """A particle that swings back within half a ps and remembers for 10 ps does so at any spacing of samples."""
    time = 0.02 * np.arange(40_000)
    rng = np.random.default_rng(17)
    # Noise through filters whose correlations are e^(-t/5 ps), and a ringing of 0.6 ps that is gone in 0.3 ps.
    slow = lfilter([1.0], [1.0, -math.exp(-0.02 / 5)], rng.standard_normal((20, time.size)))
    pole = math.exp(-0.02 / 0.2) * np.exp(2j * math.pi * 0.02 / 0.6)
    kicks = rng.standard_normal((20, time.size)) + 1j * rng.standard_normal((20, time.size))
    fast = lfilter([1.0], [1.0, -pole], kicks).real
    series = 0.5 * slow / slow.std() + fast / fast.std()
    lags = 0.02 * np.arange(1, 3000)
    exact = 0.25 * np.exp(-lags / 5) + np.exp(-lags / 0.2) * np.cos(2 * math.pi * lags / 0.6)
    assert exact[:30].min() < 0  # it does swing back
    remembered = 0.02 * (1 + 2 * exact.sum() / 1.25)
    for every in (1, 5):
        assert memory(series[:, ::every], 0.02 * every) == pytest.approx(remembered, rel=0.15)


@pytest.mark.parametrize("blocks", [6, 10, 30, 200])
def test_squares_of_widened_deviations_are_one_on_average(blocks: int) -> None:
    """What χ² sums: (d/se)² of a right theory, with Student's factor in se, is 1 within 4 %; without it, up to 1.7."""
    rng = np.random.default_rng(19)
    rates = rng.standard_normal((200_000, blocks))
    plain = (rates.mean(axis=1) / rates.std(axis=1, ddof=1)) ** 2 * blocks
    # The exact mean of Student's t², and what the widening leaves of it; 4 errors of such a mean are 0.02 to 0.05.
    assert plain.mean() == pytest.approx((blocks - 1) / (blocks - 3), rel=0.05)
    assert plain.mean() / student(blocks - 1) ** 2 == pytest.approx(1.0, abs=0.04)


@pytest.mark.parametrize(("weights", "rings"), [((-1.0, 1.0), True), ((12 / 13, 1 / 13), False)])
def test_memory_of_a_square_that_rings(weights: tuple[float, float], rings: bool) -> None:
    """Half-waves beyond the first zero count: they are most of the memory of the gap, and none of that of the slow mode."""
    truth = Truth(kappa_ratio="12.0", sample_interval=0.1, substeps=1)
    a, d = drift_and_noise(truth, truth.couplings)
    coordinate = np.array([*weights, 0.0, 0.0])
    covariance = solve_continuous_lyapunov(a, -d)
    exact = np.array([coordinate @ expm(a * 0.1 * k) @ covariance @ coordinate for k in range(2000)])
    exact /= exact[0]
    remembered = 0.1 * (1 + 2 * (exact[1:] ** 2).sum())
    states = propagate(truth, truth.couplings, 20_001, 6, np.random.default_rng(18))
    assert memory_of_square(states["position"] @ np.array(weights), 0.1) == pytest.approx(remembered, rel=0.12)
    zeros = np.flatnonzero(exact <= 0)
    to_first_zero = 0.1 * (1 + 2 * (exact[1 : zeros[0] if zeros.size else None] ** 2).sum())
    assert (to_first_zero < 0.75 * remembered) == rings


def test_memory_of_a_square() -> None:
    """The square of a Gaussian series with the correlation e^-t/τ remembers as e^-2t/τ, in short series too on average."""
    exact = 0.5 / math.tanh(0.1)
    long = memory_of_square(correlated(200, 4000, time=10, seed=3), 0.5)
    assert long == pytest.approx(exact, rel=4 * math.sqrt(2 * 101 / 4000 / 200))
    # Twenty memories each: every estimate is uncertain by half of itself, their mean by a twentieth of that.
    short = np.mean([memory_of_square(s[None], 0.5) for s in correlated(400, 200, time=10, seed=4)])
    assert 0.9 * exact < short < 1.6 * exact
    assert memory_of_square(np.zeros((2, 50)), 0.25) == 0.25
    # Half-waves of noise are not taken for ringing: few memories are summed to the first zero, with rare exceptions.
    few = correlated(6 * 100, 500, time=30, seed=5).reshape(100, 6, 500)
    to_first_zero = []
    for series in few:
        products = lagged_products(series)
        end = np.flatnonzero(np.append(products, -1.0) <= 0)[0]
        to_first_zero.append(1 + 2 * ((products[1:end] / products[0]) ** 2).sum())
    assert np.mean([memory_of_square(s, 1.0) > 1.001 * m for s, m in zip(few, to_first_zero, strict=True)]) < 0.02


@pytest.mark.parametrize("scale", ["linear", "log", "reciprocal root", "reciprocal"])
def test_interval_ends_are_two_standard_errors_away(scale: Scale) -> None:
    """Each end lies 1.96 standard errors from the value on the scale on which errors are symmetric; units do not matter."""
    estimate = Estimate(2.0, 0.3, scale)
    low, high = estimate.interval()
    assert estimate.z(low) == pytest.approx(1.96)
    assert estimate.z(high) == pytest.approx(-1.96)
    assert (estimate * 10).interval() == pytest.approx((10 * low, 10 * high))
    # An expected value's own error counts as much as the estimate's, where both are small.
    assert Estimate(2.0, 0.003, scale).z(2.01, 0.004) == pytest.approx(-0.01 / 0.005, rel=0.02)
    assert math.isnan(Estimate(2.0, scale=scale).interval()[0])


@pytest.mark.parametrize(
    ("scale", "place"),
    [
        ("linear", lambda x: x),
        ("log", math.log),
        ("reciprocal root", lambda x: -(x**-0.5)),
        ("reciprocal", lambda x: -1 / x),
    ],
)
def test_deviations_are_measured_on_the_scale_of_the_estimate(scale: Scale, place: Callable[[float], float]) -> None:
    """Both numbers and both errors are transformed to it, however far apart the numbers are."""

    def slope_at(x: float) -> float:
        return (place(x + 1e-6) - place(x - 1e-6)) / 2e-6

    for expected in (0.4, 1.9, 6.0):
        error = math.hypot(slope_at(2.0) * 0.3, slope_at(expected) * 0.5)
        deviation = (place(2.0) - place(expected)) / error
        assert Estimate(2.0, 0.3, scale).z(expected, 0.5) == pytest.approx(deviation, rel=1e-6)


def test_interval_without_an_upper_end() -> None:
    """A mean square known to half of itself has no upper bound, and none below zero in any case."""
    low, high = Estimate(1.0, 0.6, "reciprocal").interval()
    assert low > 0
    assert high == math.inf


@pytest.mark.parametrize("scale", ["log", "reciprocal root", "reciprocal"])
def test_numbers_that_a_scale_cannot_place(scale: Scale) -> None:
    """Without an error both ends are unknown; far numbers have no distance; a value that is not positive is on a line."""
    assert all(math.isnan(end) for end in Estimate(2.0, scale=scale).interval())
    for far in (0.0, -1.0, 1e-200, 1e200):
        assert math.isnan(Estimate(1.0, 0.1, scale).z(far))
    assert Estimate(-1.0, 0.5, scale).interval() == pytest.approx((-1.98, -0.02))
    assert Estimate(-1.0, 0.5, scale).z(0.5) == pytest.approx(-3.0)
    low, high = Estimate(1.0, 400.0, scale).interval()
    assert 0 <= low < 1
    assert high == math.inf


@pytest.mark.parametrize("scale", ["linear", "log", "reciprocal root", "reciprocal"])
def test_entries_give_back_the_estimate(scale: Scale) -> None:
    """Value and error under their names, and the ends of an interval that is not symmetric; null for what is unknown."""
    estimate = Estimate(2.0, 0.3, scale)
    for unit, name in (("K", "heat_K"), ("", "heat")):
        content = entries("heat", estimate, unit)
        ends = {} if scale == "linear" else dict(zip(("heat_low", "heat_high"), estimate.interval(), strict=True))
        assert content == {name: 2.0, "heat_se": 0.3} | ends
        assert read_estimate(content, "heat", unit, scale) == estimate
    assert set(entries("heat", Estimate(math.nan, scale=scale)).values()) == {None}
    assert entries("heat", Estimate(math.inf, math.inf))["heat"] is None
    unknown = read_estimate(entries("heat", Estimate(1.0)), "heat")
    assert (unknown.value, math.isnan(unknown.se)) == (1.0, True)


def test_memory_of_a_constant_is_one_sample() -> None:
    """An observable that never moves has no correlation to sum up, and must not divide by its zero variance."""
    assert memory(np.ones((2, 50)), 0.25) == 0.25


def test_too_short_series_say_how_long_they_must_be() -> None:
    """The refusal names the needed length, and a run of that length passes."""
    series = correlated(3, 20000, time=20, seed=5)
    with pytest.raises(
        SeriesTooShortError, match=r"3 series of 59 ps .* each run must last at least \d+ ps"
    ) as refusal:
        choose_blocks([series[:, :60]], 1.0, series=3)
    needed = int(str(refusal.value).split()[-2])
    assert needed > 59
    assert choose_blocks([series], 1.0, series=3).count >= 2


def test_blocks_are_longer_than_the_memory_and_fill_the_run() -> None:
    """Blocks span at least two memories of the slowest observable, and together the whole run."""
    slow, fast = correlated(4, 3000, 15, seed=1), correlated(4, 3000, 2, seed=2)
    blocks = choose_blocks([fast, slow], 1.0, series=4)
    assert blocks.length >= 2 * memory(slow, 1.0) > 2 * memory(fast, 1.0)
    assert blocks.count * blocks.length == pytest.approx(2999)
    assert blocks.total == 4 * blocks.count


def test_long_runs_have_longer_blocks_not_more() -> None:
    """Where there is room for hundreds of blocks of the least length, their number stays and their length grows."""
    lengths = {n: cut(10.0, n, 1.0, 4) for n in (500, 1000, 10_000, 100_000)}
    assert [blocks.total for blocks in lengths.values()] == [4 * 25, ENOUGH_BLOCKS, ENOUGH_BLOCKS, ENOUGH_BLOCKS]
    assert [blocks.length for blocks in lengths.values()] == [20.0, 20.0, 200.0, 2000.0]
    assert cut(1.0, 10_000, 1.0, 1000).count == BLOCKS_PER_RUN, "no run is left with one block"


def test_rate_of_a_random_walk_and_its_error() -> None:
    """Over 400 walks of known drift the rate is unbiased, and its deviations have the size that the errors say."""
    drift, n = 0.3, 600
    increments = drift + correlated(400 * 3, n, time=3, seed=7)
    walks = np.concatenate([np.zeros((1200, 1)), increments.cumsum(axis=1)], axis=1).reshape(400, 3, n + 1)
    z = np.empty(400)
    for i, walk in enumerate(walks):
        blocks = choose_blocks([np.diff(walk, axis=1)], 1.0, series=3)
        z[i] = mean_rate(walk, 1.0, blocks).z(drift)
    assert abs(z.mean()) < 4 / math.sqrt(400)
    # z of a true error bar has the spread 1; its own error is 1/sqrt(2 · 400) = 3.5 %, and blocks of two memories
    # miss up to an eighth of the error.
    assert 1 - 4 * 0.035 < z.std() < 1.14 + 4 * 0.035


def test_mean_of_a_slow_observable_and_its_error() -> None:
    """The mean of an observable as slow as the memory has a true error, though blocks are only two memories long."""
    series = correlated(300 * 3, 500, time=10, seed=8).reshape(300, 3, 500)
    z = np.array([stationary_mean(s, choose_blocks([s], 1.0, 3)).z(0.0) for s in series])
    assert abs(z.mean()) < 4 / math.sqrt(300)
    assert 1 - 4 * 0.041 < z.std() < 1 + 4 * 0.041


def test_errors_from_few_blocks_are_those_of_a_small_sample() -> None:
    """Six blocks: the standard deviation of a sample, over √6, times Student's factor; for means, rates and shares alike."""
    blocks = Blocks(count=3, length=4.0, total=6, memory=1.0)
    levels = np.array([[1.0, 2.0, 4.0], [8.0, 3.0, 5.0]])
    whole = statistics.stdev(levels.ravel()) / math.sqrt(6) * t.ppf(0.975, 5) / norm.ppf(0.975)
    steps = np.repeat(levels, 4, axis=1)
    assert stationary_mean(steps, blocks, remembered=0.0).se == pytest.approx(whole)
    walked = np.concatenate([np.zeros((2, 1)), steps.cumsum(axis=1)], axis=1)
    assert mean_rate(walked, 1.0, blocks).se == pytest.approx(whole)
    # Shares of a bin that holds 0, 1 … of the 4 samples of each block; means of blocks as long as memories vary too little.
    counts = [0, 1, 2, 3, 4, 3]
    inside = np.array([[place < count for place in range(4)] for count in counts]).reshape(2, 12)
    spread = statistics.stdev(count / 4 for count in counts) / math.sqrt(6) * blocks.slow_widening
    density, error = histogram(np.where(inside, 0.5, 1.5), np.array([0.0, 1.0, 2.0]), blocks)
    np.testing.assert_allclose(density, [13 / 24, 11 / 24])
    np.testing.assert_allclose(error, np.maximum(spread, np.sqrt([13, 11]) / 24))


def test_slope_is_least_squares() -> None:
    """The slope is that of a straight line through each series, averaged over series."""
    series = np.random.default_rng(1).standard_normal((3, 40)).cumsum(axis=1)
    lines = [np.polyfit(np.arange(40) * 0.5, s, 1)[0] for s in series]
    assert slope(series, 0.5) == pytest.approx(np.mean(lines))


def test_stationary_noise_in_a_slope_and_in_an_end_difference() -> None:
    """Errors from stationary noise are those seen over 2000 repeats, for a line and for the difference of the ends."""
    series = correlated(2000, 1000, time=5, seed=9)
    slopes = np.array([slope(s[None], 1.0) for s in series])
    ends = (series[:, -1] - series[:, 0]) / 999
    # The spread of 2000 repeats is known to 1.6 %; correlation over 5 of 1000 samples shifts the exact factor by 1 %.
    assert slope_noise(series, 1.0) * math.sqrt(2000) == pytest.approx(SLOWEST * slopes.std(), rel=0.075)
    assert end_noise(series, 1.0) * math.sqrt(2000) == pytest.approx(ends.std(), rel=0.075)


@pytest.mark.parametrize("duration", [320, 1000])
@pytest.mark.parametrize(("spread", "time"), [(0.0, 1.0), (0.25, 100.0)])
def test_noise_of_a_slope_covers_with_slow_parts_too(duration: int, spread: float, time: float) -> None:
    """Intervals from single series hold the slope in 92 to 97 %, also where a part lives for long that no correlation shows.

    The memory up to its first zero holds the slopes of the series with slow parts in 89 % of 1000 samples.
    """
    series = correlated(2000, duration, time=3, seed=15) + spread * correlated(2000, duration, time=time, seed=16)
    inside = sum(abs(slope(s[None], 1.0)) < 1.96 * slope_noise(s[None], 1.0) for s in series)
    assert binomtest(inside, 2000, 0.92, alternative="less").pvalue > 1e-3
    assert binomtest(inside, 2000, 0.97, alternative="greater").pvalue > 1e-3


def test_noise_of_the_ends_covers_in_short_series() -> None:
    """In series of eight memories, whose own spread is hardly known, intervals hold the difference of the ends in 95 %."""
    series = correlated(3000, 160, time=10, seed=10)
    half = np.array([1.96 * end_noise(s[None], 1.0) for s in series])
    inside = int((np.abs(series[:, -1] - series[:, 0]) / 159 < half).sum())
    assert binomtest(inside, 3000, 0.95).pvalue > 1e-3


def test_estimate_without_an_error_decides_nothing() -> None:
    """An unknown error makes z unknown, never zero or infinite."""
    assert math.isnan(Estimate(1.0).z(0.0))
    assert math.isnan(Estimate(1.0, 0.0).z(0.0))
    assert Estimate(1.0, 0.3).z(0.0, 0.4) == pytest.approx(2.0)
    assert (Estimate(2.0, 0.5) * -10).se == 5.0


@pytest.mark.parametrize(
    ("arguments", "count"),
    [
        # remembered, steps, interval, series: two memories of 10 ps are 20 ps, of which 120 ps hold six.
        ((10.0, 120, 1.0, 1), 6),
        ((10.0, 119, 1.0, 1), None),
        ((10.0, 240, 0.5, 1), 6),
        # Three series need two blocks each, two need three, and many still two each.
        ((10.0, 40, 1.0, 3), 2),
        ((10.0, 39, 1.0, 3), None),
        ((10.0, 60, 1.0, 2), 3),
        ((10.0, 59, 1.0, 2), None),
        ((10.0, 40, 1.0, 50), 2),
        ((10.0, 39, 1.0, 50), None),
        # No more than 200 in all, and no shorter than two memories.
        ((10.0, 10_000, 1.0, 1), 200),
        ((10.0, 3_900, 1.0, 1), 195),
        ((10.0, 10_000, 1.0, 4), 50),
        ((10.0, 10_000, 1.0, 300), 2),
    ],
)
def test_number_of_blocks(arguments: tuple[float, int, float, int], count: int | None) -> None:
    """Six blocks in all and two in each run, of two memories, suffice, and nothing less; 200 are enough."""
    remembered, steps, interval, series = arguments
    if count is None:
        least = 20 * max(2, math.ceil(6 / series))
        with pytest.raises(
            SeriesTooShortError, match=rf"^{series} series of {steps * interval:g} ps .* at least {least} ps"
        ):
            cut(*arguments)
    else:
        blocks = cut(*arguments)
        assert (blocks.count, blocks.total, blocks.memory) == (count, count * series, remembered)
        assert blocks.length == pytest.approx(steps * interval / count)


def test_blocks_of_other_lengths() -> None:
    """Other factors, spacings and numbers that suffice take the place of the usual ones."""
    assert cut(10.0, 1000, 1.0, 1, factor=4.0).count == 25
    assert cut(10.0, 1000, 1.0, 1, spacing=50.0).count == 20
    assert cut(10.0, 1000, 1.0, 1, spacing=5.0).count == 50
    assert cut(10.0, 1000, 1.0, 1, enough=30).count == 30
    assert cut(10.0, 1000, 1.0, 10, enough=30).count == 3
    assert cut(10.0, 100, 1.0, 3, blocks_per_run=5).count == 5
    with pytest.raises(SeriesTooShortError, match="at least 100 ps"):
        cut(10.0, 99, 1.0, 3, blocks_per_run=5)
    assert cut(0.01, 50, 1.0, 1).count == 50, "no block is shorter than an interval"
    series = correlated(1, 200, time=10, seed=12)  # some five blocks of two memories
    assert choose_blocks([series], 1.0, series=6, blocks_per_run=2).count >= 2
    with pytest.raises(SeriesTooShortError):
        choose_blocks([series], 1.0, series=6, blocks_per_run=30)


def test_mean_of_a_single_series() -> None:
    """Its error is that of its blocks; of a series too short for blocks, and of one sample, it is unknown."""
    (series,) = correlated(1, 2000, time=3, seed=13)
    found = mean_of_one(series + 4.0, 0.5)
    assert found.value == pytest.approx(series.mean() + 4.0)
    # Independent samples are an inefficiency of 6 samples apart.
    assert found.se == pytest.approx(series.std() * math.sqrt(6 / 2000), rel=0.25)
    for short in (series[:1], series[:20]):
        assert mean_of_one(short, 0.5).value == pytest.approx(short.mean())
        assert math.isnan(mean_of_one(short, 0.5).se)


def test_scatter_about_a_sample_mean_is_widened() -> None:
    """N independent values scatter by √(1 - 1/N) of their spread about their mean, and tell 95 % by Student; no N below 3."""
    for memories, values in ((40.0, 40), (3.0, 3), (0.5, 3)):
        expected = t.ppf(0.975, values - 1) / norm.ppf(0.975) / math.sqrt(1 - 1 / values)
        assert spread_widening(memories) == pytest.approx(expected)
