"""Sampled power against runs of known truth, and against the exact law at the same sampling interval."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binomtest, norm, t

from analysis.data.runs import Run
from analysis.figures.power import power_histograms
from analysis.figures.power_moments import power_moments
from analysis.friction.result import AxisFriction, Friction
from analysis.heat.power import (
    PointBlocks,
    by_target,
    head,
    histogram,
    moments,
    power_bins,
    power_summary,
    sampled_powers,
    sampling_errors,
    stationary_work,
    walk,
)
from analysis.heat.rates import current_blocks, heat_rates, rate_covariance, run_blocks
from analysis.heat.results import TARGETS, PowerPoint
from analysis.model import LangevinPair
from analysis.statistics.timeseries import Blocks, Estimate, SeriesTooShortError, stationary_mean
from tests.unit.drawn import symbols
from tests.unit.synthetic import Truth, synthetic_runs

RUNS = 100
TRUTH = Truth(kappa_ratio="4.80", friction_cold=0.45, friction_hot=0.55)
FRICTION = Friction.same(AxisFriction((Estimate(0.45, 0.01), Estimate(0.55, 0.01))))


@pytest.fixture(scope="module")
def runs() -> list[Run]:
    """Independent runs of 500 ps, three axes each."""
    return synthetic_runs(TRUTH, 500, RUNS, seed=61)


def exact(run: Run) -> LangevinPair:
    """The model behind the runs, by ``analysis.model``."""
    return run.parameters.white_pair((0.45, 0.55))


def test_power_is_force_at_mid_point_times_displacement(runs: list[Run]) -> None:
    """Eq. (8), written out with the columns of one run, also when samples are skipped."""
    series = runs[0].series
    x_c, x_h = (series[f"position_{side}_y_A"].to_numpy()[::4] for side in ("cold", "hot"))
    powers, dt = sampled_powers(runs[:1], dt=4.2)
    assert dt == 4.0
    np.testing.assert_allclose(powers[1, :, 0], 0.1 * (x_h[1:] + x_h[:-1]) / 2 * (x_c[1:] - x_c[:-1]) / 4, rtol=1e-12)
    np.testing.assert_allclose(powers[1, :, 1], 0.48 * (x_c[1:] + x_c[:-1]) / 2 * (x_h[1:] - x_h[:-1]) / 4, rtol=1e-12)


@pytest.mark.parametrize("target", TARGETS)
def test_errors_of_moments_cover(runs: list[Run], target: str) -> None:
    """Nominal 95 % intervals of mean and variance cover the exact ones at dt, run by run; so pooled values agree (z)."""
    law = exact(runs[0]).power_distribution(target, 1.0)  # type: ignore[arg-type]
    deviations: dict[str, list[float]] = {"mean": [], "variance": []}
    for run in runs:
        blocks = PointBlocks.of([run])
        if blocks.note:
            continue
        powers, stationary = by_target(sampled_powers([run])[0]), by_target(stationary_work([run]))
        mean, variance = moments(powers[target], stationary[target], 1.0, blocks)  # type: ignore[index]
        deviations["mean"].append(mean.z(law.mean()))
        deviations["variance"].append(variance.z(law.var()))
    for z in map(np.array, deviations.values()):
        assert len(z) > 0.9 * RUNS
        assert binomtest(int((np.abs(z) < 1.96).sum()), len(z), 0.95).pvalue > 1e-3
        # An error bar may not buy its coverage by being too wide: 100 values tell the spread to 7 %.
        assert z.std() > 1 - 4 * 0.07


def test_both_walks_are_one_circulation(runs: list[Run]) -> None:
    """Less its stationary part, sampled work is κ_C and -κ_H times one circulation to rounding."""
    powers, dt = sampled_powers(runs[:2], dt=3.0)
    walks = [walk(powers[..., j], stationary_work(runs[:2], dt=3.0)[..., j], dt) for j in range(2)]
    circulation = walks[0] / 0.1
    np.testing.assert_allclose(np.diff(walks[1] / -0.48), np.diff(circulation), atol=1e-9)
    assert np.abs(np.diff(circulation)).mean() > 0.01


def test_published_variance_is_refused_by_the_data(runs: list[Run]) -> None:
    """The pooled variance agrees with the exact law at dt, and is far from the published one, which is twice too large."""
    powers = by_target(sampled_powers(runs)[0])
    stationary, blocks = by_target(stationary_work(runs)), PointBlocks.of(runs)
    law = exact(runs[0]).power_distribution("cold", 1.0)
    variance = moments(powers["cold"], stationary["cold"], 1.0, blocks)[1]
    assert abs(variance.z(law.var())) < 4
    assert variance.z(2 * law.var()) < -10


def test_sampling_error_is_what_the_law_foretells(runs: list[Run]) -> None:
    """Work from positions each 1 ps misses that of every step by the difference of the exact means (z), which is not 0."""
    machine = exact(runs[0])
    errors, blocks = by_target(sampling_errors(runs)), run_blocks(runs)
    for target in TARGETS:
        measured = stationary_mean(errors[target], blocks)
        expected = machine.power_distribution(target, 1.0).mean() - machine.power_distribution(target).mean()
        assert abs(measured.z(expected)) < 4
        assert abs(measured.value / measured.se) > 5


def test_histogram_agrees_with_the_law(runs: list[Run]) -> None:
    """Bin by bin the density is the exact law's within its errors, and the published law is out of reach."""
    power = by_target(sampled_powers(runs)[0])["hot"]
    edges = np.linspace(-0.25, 0.25, 41)
    density, se = histogram(power, edges, run_blocks(runs))
    expected = np.diff(exact(runs[0]).power_distribution("hot", 1.0).cdf(edges)) / np.diff(edges)
    z = (density - expected) / se
    assert np.abs(z).max() < 4.5
    assert 0.5 < z.std() < 1.5


def test_histogram_counts_every_sample_once() -> None:
    """Densities times widths are shares of all samples: those outside stay in the norm, one on an edge goes right."""
    density, se = histogram(np.array([[0.0, 0.5, 1.0, 9.0], [1.5, 1.5, -1.0, 0.2]]), np.array([0.0, 1.0, 3.0]), None)
    np.testing.assert_allclose(density, [3 / 8, 3 / 8 / 2])
    assert np.isnan(se).all()


def test_histogram_errors_are_those_of_block_means() -> None:
    """Of two series in three blocks: the sample scatter of six shares, by Student's factor, over the root of their number."""
    values = np.repeat([[0.5, 0.5, 0.5, 1.5, 0.5, 1.5], [1.5, 1.5, 0.5, 0.5, 0.5, 0.5]], 500, axis=1)
    blocks = Blocks(count=3, length=1000.0, total=6, memory=0.0)
    _, se = histogram(values, np.array([0.0, 1.0, 3.0]), blocks)
    shares = np.array([1.0, 0.5, 0.5, 0.0, 1.0, 1.0])
    scatter = math.sqrt(((shares - shares.mean()) ** 2).sum() / 5 / 6)
    expected = t.ppf(0.975, 5) / norm.ppf(0.975) * scatter / np.array([1.0, 2.0])
    np.testing.assert_allclose(se, expected)
    # Blocks that happen to agree know no better than independent counts, √N of N samples.
    alike = np.tile([0.5, 0.5, 0.5, 1.5], (2, 750))
    _, se = histogram(alike, np.array([0.0, 1.0, 3.0]), blocks)
    np.testing.assert_allclose(se, np.sqrt([4500, 1500]) / 6000 / np.array([1.0, 2.0]))
    # Of series in pairs that may be coupled, the scatter is that of the means of a pair.
    four = np.concatenate([values, 2.0 - values[:1], values[1:]])
    _, se = histogram(four, np.array([0.0, 1.0, 3.0]), blocks, together=2)
    shares = np.array([[1.0, 0.5, 0.5], [0.0, 1.0, 1.0]])
    pairs = np.concatenate([shares.mean(axis=0), (1 - shares[:1] + shares[1:]).mean(axis=0) / 2])
    expected = blocks.slow_widening * pairs.std(ddof=1) / math.sqrt(6) / np.array([1.0, 2.0])
    np.testing.assert_allclose(se, expected)


def test_bins_leave_one_sample_in_a_thousand_outside() -> None:
    """Symmetric about an edge at 0, as many as twice Rice's rule allows, to the largest sample but one in a thousand."""
    power = np.random.default_rng(9).permutation(np.linspace(-1.0, 1.0, 20_001) ** 3).reshape(3, -1)
    edges = power_bins(power)
    assert len(edges) == 81
    np.testing.assert_allclose(edges, -edges[::-1], atol=1e-15)
    assert edges[40] == 0.0
    assert (np.abs(power) > edges[-1]).mean() == pytest.approx(1e-3, rel=0.05)
    assert len(power_bins(power[:, :9])) == 2 * 6 + 1  # 2 · 27^(1/3)
    assert len(power_bins(power[:1, :2])) == 2 * 4 + 1
    assert power_bins(np.zeros((1, 8)))[-1] == 1.0


def test_head_of_a_file_tells_of_runs_and_blocks() -> None:
    """Runs, their time together, and blocks that are not shorter than the samples are apart, whatever the runs stored."""
    fine = synthetic_runs(replace(TRUTH, sample_interval=0.25, substeps=1), 600, 2, seed=63)
    blocks = PointBlocks.of(fine, 40.0)
    assert blocks.distribution is not None
    assert blocks.current is not None
    assert 40.0 <= blocks.current.length < 44.0 < blocks.distribution.length
    found = head(fine, blocks)
    assert (found.name, found.kappa_ratio, found.replicas, found.time) == ("kH_4.80", "4.80", 2, 1.2)
    assert found.distribution_blocks == 2 * 3 * round(600 / blocks.distribution.length)
    assert found.distribution_block == blocks.distribution.length
    assert (found.current_block, found.current_blocks) == (blocks.current.length, blocks.current.total)
    short = synthetic_runs(TRUTH, 100, 1, seed=63)
    with pytest.raises(ValueError, match=r"replicas of 4.80 last \[100.0, 600.0\] ps: they must be equally long"):
        head([*fine, *short], blocks)


def test_summary_is_json_and_states_its_interval(runs: list[Run]) -> None:
    """Values in eV/ns, per dt as stored, and plain JSON."""
    point = power_summary(runs[:3], dt=2.0)
    summary = json.loads(json.dumps(point.to_json(), allow_nan=False))
    powers, _ = sampled_powers(runs[:3], dt=2.0)
    assert summary["dt_ps"] == 2.0
    assert summary["samples"] == 3 * 3 * 250
    assert summary["power_total_eV_per_ns"] == pytest.approx(1e3 * powers.sum(axis=2).mean())
    # Work at every step from the ends of the runs, with the error that both works have together.
    found = current_blocks(runs[:3], 2.0)
    works, covariance = heat_rates(runs[:3], None)["work"], rate_covariance(runs[:3], found, "work")
    assert summary["current_blocks"] == found.total
    mean = [work.value for work in works]
    for target, value, variance in (
        ("cold", mean[0], covariance[0, 0]),
        ("hot", mean[1], covariance[1, 1]),
        ("total", sum(mean), covariance.sum()),
    ):
        told = point.work[target]  # type: ignore[index]
        assert (told.value, told.se) == pytest.approx((1e3 * value, 1e3 * math.sqrt(variance)))
        assert point.sampling_error is not None
        missed = by_target(sampling_errors(runs[:3], 2.0))[target].mean()  # type: ignore[index]
        assert point.sampling_error[target].value == pytest.approx(1e3 * missed)  # type: ignore[index]
    assert point.force == "cross"
    assert summary["power_variance_hot_eV2_per_ns2"] == pytest.approx(1e6 * powers[..., 1].var())
    read = PowerPoint.from_json(summary)
    assert read.to_json() == summary
    assert read.variance["hot"].interval() == pytest.approx(point.variance["hot"].interval())
    np.testing.assert_allclose(read.histograms["hot"].density, point.histograms["hot"].density, rtol=1e-12)


def test_length_that_the_note_asks_for_is_enough() -> None:
    """A run along one axis that is too short for both kinds of blocks is told the longer length, that of the slow mode."""
    short = PointBlocks.of(synthetic_runs(Truth(), 60, 1, seed=1, axes="x"))
    assert (short.distribution, short.current) == (None, None)
    lengths = []
    for choose in (run_blocks, current_blocks):
        with pytest.raises(SeriesTooShortError) as told:
            choose(synthetic_runs(Truth(), 60, 1, seed=1, axes="x"), 1.0)
        lengths.append(told.value.required)
    assert lengths[0] > lengths[1]
    assert str(short.note).endswith(f"each run must last at least {lengths[0]} ps")


def test_short_run_has_values_without_errors_and_can_be_drawn() -> None:
    """A run of a few samples gets a note and no errors, and both figures show it; a zero coupling spoils neither."""
    points = [
        power_summary(synthetic_runs(replace(TRUTH, kappa_ratio=ratio), 12, 1, seed=62)) for ratio in ("4.80", "0")
    ]
    assert "must last at least" in str(points[0].note)
    assert points[0].to_json()["power_cold_se"] is None
    friction = Friction.same(AxisFriction((Estimate(0.45, math.nan), Estimate(0.55, math.nan))))
    for draw in (power_histograms, power_moments):
        figure, data = draw(points, friction)
        figure.draw_without_rendering()
        assert set(data["kappa_ratio"]) >= {0.0, 4.8}


@pytest.mark.parametrize(
    ("ratios", "drawn"),
    [
        (["0.17", "0.5", "1.2", "3.79", "4.80", "7.27", "12.0"], ["0.17", "4.80", "12.0"]),
        (["4.80", "0.17", "1.2"], ["0.17", "1.2", "4.80"]),
        (["5.0"], ["5.0"]),
    ],
)
def test_power_is_drawn_at_the_ratio_of_the_paper(ratios: list[str], drawn: list[str]) -> None:
    """A study that has 4.80 shows its distributions there, beside the ends of the sweep, or the middle if it is an end."""
    point = power_summary(synthetic_runs(TRUTH, 12, 1, seed=62))
    figure, data = power_histograms([replace(point, kappa_ratio=ratio) for ratio in ratios], FRICTION)
    titles = [axes.get_title(loc="left") for axes in figure.axes[::2]]
    assert [title.split(" = ")[1].split(",")[0] for title in titles] == drawn
    assert set(data["kappa_ratio"]) == {float(ratio) for ratio in ratios}


def test_figures_hold_the_measurement_beside_its_law(runs: list[Run]) -> None:
    """The CSV of both figures has measured and exact values that agree, and the published ones that do not."""
    points = [power_summary(runs)]
    data = power_histograms(points, FRICTION)[1]
    z = (data["density_ns_per_eV"] - data["theory"]) / data["se"]
    assert np.abs(z[data["density_ns_per_eV"] > 0]).mean() < 1.2
    figure, moments_data = power_moments(points, FRICTION)
    for axes, target in zip(figure.axes, TARGETS, strict=False):
        work, sampled_mean = (pair[0] for pair in symbols(axes))
        assert work == pytest.approx((4.8 * 1.05, points[0].work[target].value, points[0].work[target].se))
        assert sampled_mean == pytest.approx((4.8, points[0].mean[target].value, points[0].mean[target].se))
    hot = moments_data[(moments_data["target"] == "hot") & (moments_data["moment"] == "variance")]
    sampled = hot.loc[hot["series"] == "sampled", "value"].iloc[0]
    theory, published = (
        np.interp(4.8, line["kappa_ratio"], line["value"])
        for line in (hot[hot["series"] == series] for series in ("theory", "published"))
    )
    assert sampled == pytest.approx(theory, rel=0.1)
    assert published > 1.9 * sampled
