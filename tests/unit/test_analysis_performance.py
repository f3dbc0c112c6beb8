"""Coefficients of performance, their tail, and uncertainties, against runs and samples of known truth."""

import json
import math
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from scipy.stats import binomtest

from analysis.data.runs import Run
from analysis.figures.cop import cop
from analysis.figures.cop_fluctuations import cop_fluctuations
from analysis.figures.uncertainty import uncertainty
from analysis.friction.result import AxisFriction, Friction
from analysis.heat import performance
from analysis.heat.performance import (
    mean_cops,
    performance_summary,
    ratio_interval,
    tail_decay,
    window_flows,
)
from analysis.heat.power import PointBlocks, by_target, power_summary, sampled_powers, stationary_work, walk
from analysis.heat.rates import current_blocks, heat_rates, rate_covariance
from analysis.heat.results import COPS, TARGETS, PerformancePoint
from analysis.model import BOLTZMANN, sampled_cop
from analysis.statistics.timeseries import Estimate, SeriesTooShortError, mean_rate
from tests.unit.synthetic import Truth, synthetic_runs

RUNS = 100
TRUTH = Truth(kappa_ratio="4.80", friction_cold=0.45, friction_hot=0.55)
FRICTION = Friction.same(AxisFriction((Estimate(0.45, 0.01), Estimate(0.55, 0.01))))


@pytest.fixture(scope="module")
def runs() -> list[Run]:
    """Independent runs of 500 ps, three axes each."""
    return synthetic_runs(TRUTH, 500, RUNS, seed=71)


@pytest.mark.parametrize("shell_mass", [0.0, 1.5])
def test_mean_cops_are_an_identity_of_the_ends(shell_mass: float) -> None:
    """With friction of any kind a run misses κ_C/(κ_H - κ_C) by what its ends store, and by nothing else."""
    truth = replace(TRUTH, shell_mass=shell_mass, core_friction=1.0)
    for run in synthetic_runs(truth, 40, 3, seed=72):
        (cold, hot), seconds = run.parameters.coupling, run.duration
        work = (run.work[-1] - run.work[0]).sum(axis=1)
        gap = run.position[:, 1] - run.position[:, 0]
        stored = -(gap[-1] ** 2 - gap[0] ** 2).sum() / 2
        assert work[0] / cold + work[1] / hot == pytest.approx(stored, rel=1e-6)
        rates = (Estimate(work[0] / seconds), Estimate(work[1] / seconds))
        found = mean_cops(rates, None)["refrigeration"][0]
        assert found == pytest.approx(cold / (hot - cold - cold * hot * stored / work[0]), rel=1e-6)


def test_intervals_of_mean_cops_cover(runs: list[Run]) -> None:
    """95 % intervals of both coefficients hold κ_C/(κ_H - κ_C) and κ_H/(κ_H - κ_C) as often as they say, and are narrow."""
    inside = {"refrigeration": 0, "pumping": 0}
    widths = []
    told = 0
    for run in runs:
        try:
            blocks = current_blocks([run])
        except SeriesTooShortError:
            continue
        told += 1
        cops = mean_cops(heat_rates([run], blocks)["heat"], rate_covariance([run], blocks))
        for name, exact in zip(COPS, (1 / 3.8, 4.8 / 3.8), strict=True):
            _, low, high = cops[name]
            inside[name] += low < exact < high
        widths.append(cops["refrigeration"][2] - cops["refrigeration"][1])
    assert told > 0.9 * RUNS
    for hits in inside.values():
        assert binomtest(hits, told, 0.95).pvalue > 1e-3
    # Heats known to 15 % each would leave the ratio of independent ones unknown by as much.
    assert np.median(widths) < 0.5 / 3.8


def test_intervals_cover_at_the_pseudo_equilibrium() -> None:
    """At T_H/T_C, where heat and work vanish together, 95 % of intervals, most of them open, still hold Carnot's value."""
    hits = []
    for run in synthetic_runs(replace(TRUTH, kappa_ratio="1.2"), 1000, 200, seed=77, axes="x"):
        blocks = current_blocks([run])
        cops = mean_cops(heat_rates([run], blocks)["heat"], rate_covariance([run], blocks))
        hits.append(cops["refrigeration"][1] < 5.0 < cops["refrigeration"][2])
    assert binomtest(sum(hits), len(hits), 0.95).pvalue > 1e-3


def test_heat_covariance_is_that_of_many_runs(runs: list[Run]) -> None:
    """Errors and correlation of both heats, as claimed from one run, are those seen over all runs."""
    blocks = current_blocks(runs)
    claimed = rate_covariance(runs, blocks) * RUNS
    seen = np.cov(np.array([[rate.value for rate in heat_rates([run], None)["heat"]] for run in runs]).T)
    # A variance from 100 runs is known to 14 %, the combination that the common walk leaves alone likewise.
    for combination in ([1.0, 0.0], [0.0, 1.0], [4.8, 1.0]):
        direction = np.array(combination)
        assert direction @ seen @ direction == pytest.approx(direction @ claimed @ direction, rel=4 * 0.14)


def test_fieller_covers_where_a_normal_error_would_not() -> None:
    """With a denominator of 2.5 standard errors, 95 % of intervals hold the true ratio; many are open, none is symmetric."""
    rng = np.random.default_rng(72)
    cov = np.array([[0.16, -0.05], [-0.05, 0.16]])
    pairs = rng.multivariate_normal([3.0, 1.0], cov, 4000)
    ends = np.array([ratio_interval(n, d, cov) for n, d in pairs])
    closed = np.isfinite(ends).all(axis=1)
    assert 0.2 < closed.mean() < 0.9
    hits = ((ends[:, 0] <= 3.0) & (ends[:, 1] >= 3.0)).sum()
    # Open intervals are drawn wider than Fieller's sets are, never narrower.
    assert binomtest(int(hits), len(pairs), 0.95, alternative="less").pvalue > 1e-3
    ratio = pairs[closed, 0] / pairs[closed, 1]
    assert np.median((ends[closed, 1] - ratio) / (ratio - ends[closed, 0])) > 1.5
    n, d = 3.0, 1.0
    low, high = ratio_interval(n, d, 1e-6 * cov)
    slope = math.sqrt((cov[0, 0] - 2 * 3 * cov[0, 1] + 9 * cov[1, 1]) * 1e-6)
    assert (high - low) / 2 == pytest.approx(1.96 * slope, rel=1e-4)


def test_flows_of_windows_add_up(runs: list[Run]) -> None:
    """Over all windows the heats along the axes are the headline's heat, and the works those of the runs."""
    heats, works = window_flows(runs[:4], 4.0)
    assert heats.shape == (12, 125, 2)
    assert works.shape == (12, 125)
    expected = np.array([rate.value for rate in heat_rates(runs[:4], None)["heat"]])
    np.testing.assert_allclose(heats.sum(axis=1).mean(axis=0), expected * 500, rtol=1e-9)
    assert works[:3].sum() == pytest.approx(runs[0].work[-1].sum())


@pytest.mark.parametrize(("power", "exponent"), [(1.0, -2.0), (2.0, -1.5), (0.5, -3.0)])
def test_tail_exponent_of_known_laws(power: float, exponent: float) -> None:
    """Powers of a Cauchy variable have tails of known exponents, told without bias, with the errors that repetition shows."""
    rng = np.random.default_rng(73)
    z = []
    for _ in range(60):
        cauchy = rng.standard_cauchy((4, 2000))
        found = tail_decay(1.0 + np.sign(cauchy) * np.abs(cauchy) ** power)
        assert found is not None
        z.append(found[0].z(-1 - exponent))
    assert abs(np.mean(z)) < 4 / math.sqrt(60)
    assert 1 - 4 * 0.09 < np.std(z) < 1 + 4 * 0.09


def test_tail_that_comes_in_clusters_is_known_less_well() -> None:
    """Samples that come four at a time are four times fewer independent ones, so the error is twice that of all of them."""
    cauchy = np.random.default_rng(74).standard_cauchy((4, 2500))
    shares = []
    for ratios in (cauchy, cauchy.repeat(4, axis=1)):
        found = tail_decay(ratios)
        assert found is not None
        shares.append(found[0].se / found[0].value * math.sqrt(math.sqrt(ratios.size)))
    # Of 100 and 200 samples in the tail the memory is known to a tenth.
    assert shares[0] == pytest.approx(1.0, rel=0.1)
    assert shares[1] == pytest.approx(2.0, rel=0.15)


def test_fluctuating_cop_follows_the_exact_law(runs: list[Run]) -> None:
    """Density, tail and the share beyond Carnot of the sampled coefficient are the exact law's within their errors."""
    summary = performance_summary(runs)
    law = sampled_cop(runs[0].parameters.white_pair((0.45, 0.55)), 1.0)
    assert summary.cop_fluctuations is not None
    found = summary.cop_fluctuations["sampled"]["refrigeration"]
    edges = found.positive.edge
    for sign, density in ((1, found.positive), (-1, found.negative)):
        expected = np.abs(np.diff(law.cdf(sign * edges))) / np.diff(edges)
        often = expected * np.diff(edges) * 150_000 > 25
        z = (density.density - expected)[often] / density.se[often]
        assert len(z) > 20
        assert np.abs(z).max() < 4.5
    assert found.beyond_carnot is not None
    assert abs(found.beyond_carnot.z(float(law.sf(5.0)))) < 4
    assert abs(found.tail_exponent.z(-2.0)) < 4
    # √n samples stand behind it.
    assert found.tail_exponent.se < 2 / 150_000**0.25


def test_uncertainty_is_the_exact_one(runs: list[Run]) -> None:
    """Var/mean² at dt, and 2 k_B/ΔS, lie in their intervals, whose ratio is reported as it is."""
    machine = runs[0].parameters.white_pair((0.45, 0.55))
    summary = performance_summary(runs)
    for target, (value, low, high) in summary.uncertainty.items():
        exact = machine.power_uncertainty(target, 1.0)
        assert low - (high - low) / 2 < exact < high + (high - low) / 2
        assert summary.over_bound[target].value == pytest.approx(value / summary.bound.value)
    entropy = summary.entropy_production * 1e-3
    assert summary.bound.value == pytest.approx(2 * BOLTZMANN / entropy.value)
    # The bound is lowest where the entropy production is largest.
    ends = [2 * BOLTZMANN / (entropy.value + sign * 1.96 * entropy.se) for sign in (1, -1)]
    assert (summary.bound.low, summary.bound.high) == pytest.approx(ends, rel=1e-4)
    assert abs(entropy.z(machine.entropy_production())) < 4


def test_errors_of_mean_and_variance_add_up_in_the_interval_of_their_ratio(
    runs: list[Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    """|μ|/√v has the relative error of μ and half that of v, |μ|/v that of v; both ends by 1.96 of them, if independent."""
    monkeypatch.setattr(performance, "_correlation", lambda *_: 0.0)
    point, power = performance_summary(runs[:8]), power_summary(runs[:8])
    blocks = PointBlocks.of(runs[:8])
    sampled, stationary = (by_target(each) for each in (sampled_powers(runs[:8])[0], stationary_work(runs[:8])))
    for target in TARGETS:
        mean, variance = power.mean[target], power.variance[target]
        # The mean without the noise of its ends, as the walk has it.
        walked = mean_rate(walk(sampled[target], stationary[target], 1.0), 1.0, blocks.current) * 1e3
        assert walked.value == pytest.approx(mean.value, rel=0.02)
        first, second = walked.se / abs(walked.value), variance.se / variance.value
        for found, exponent in ((point.uncertainty[target], 2), (point.over_bound[target], 1)):
            half = 1.96 * math.hypot(first, second / exponent)
            assert half < 1
            assert found.low == pytest.approx(found.value / (1 + half) ** exponent, rel=1e-3)
            assert found.high == pytest.approx(found.value / (1 - half) ** exponent, rel=1e-3)
        assert point.uncertainty[target].value == pytest.approx(variance.value / mean.value**2, rel=0.04)


def test_a_file_holds_all_of_a_point(runs: list[Run]) -> None:
    """What is read from ``performance.json`` is what was written, with the keys that users read."""
    content = json.loads(json.dumps(performance_summary(runs[:3]).to_json(), allow_nan=False))
    read = PerformancePoint.from_json(content)
    assert read.to_json() == content
    assert read.cop is not None
    assert read.cop["thermostat"]["pumping"].value == content["cop_pumping_thermostat"]
    assert read.uncertainty["hot"].low == content["uncertainty_hot_low"]
    np.testing.assert_array_equal(
        read.windows.flows["heat"].over_bound_high[:5], content["windows"]["heat"]["over_bound_high"][:5]
    )


def test_pseudo_equilibrium_bounds_nothing() -> None:
    """At T_H/T_C all means vanish: ratios are told with open ends instead of a false error."""
    summary = performance_summary(synthetic_runs(replace(TRUTH, kappa_ratio="1.2"), 1000, 1, seed=74)).to_json()
    json.dumps(summary, allow_nan=False)
    assert summary["current_blocks"] is not None
    assert summary["cop_refrigeration_thermostat_low"] is None
    assert summary["cop_refrigeration_thermostat_high"] is None
    assert summary["bound_high"] is None
    assert summary["uncertainty_total_high"] is None
    assert summary["uncertainty_total_low"] > 0


@pytest.mark.long
def test_short_and_one_sided_studies_are_drawn_with_what_is_missing() -> None:
    """Few samples, a coupling of 0, or nothing but heaters: no exception, plain JSON, and the figure says what it lacks."""
    friction = Friction.same(AxisFriction((Estimate(0.45, math.nan), Estimate(0.55, math.nan))))
    for ratios in (("4.80", "1.2"), ("0",), ("0.17",)):
        points = [
            performance_summary(synthetic_runs(replace(TRUTH, kappa_ratio=ratio), 12, 1, seed=75)) for ratio in ratios
        ]
        json.dumps([point.to_json() for point in points], allow_nan=False)
        figures = [cop(points)[0], cop_fluctuations(points, friction)[0], uncertainty(points, friction)[0]]
        for figure in figures:
            figure.draw_without_rendering()
        texts = [text.get_text() for figure in figures for axes in figure.axes for text in axes.texts]
        remarks = " ".join(" ".join(texts).split())  # however their lines are broken
        if ratios == ("4.80", "1.2"):
            assert "must last at least" in str(points[0].note)
            assert "too short for a tail" in remarks
            assert "too short for intervals" in remarks
        else:
            assert "no point of this study cools" in remarks
        if ratios == ("0",):
            assert "coupling is 0" in str(points[0].note)
            assert "no coefficient of performance" in remarks


@pytest.mark.parametrize(
    ("truth", "duration_ps"),
    [
        pytest.param(replace(TRUTH, temperature_hot=100.0), 20, marks=pytest.mark.long),
        (replace(TRUTH, temperature_hot=90.0), 20),
        pytest.param(TRUTH, 1, marks=pytest.mark.long),
    ],
    ids=["equal temperatures", "hot is colder", "two rows"],
)
def test_odd_studies_are_drawn(truth: Truth, duration_ps: float) -> None:
    """Baths without a gradient, exchanged baths, and the shortest run that can be read: plain JSON and all figures."""
    points = [performance_summary(synthetic_runs(truth, duration_ps, 1, seed=76))]
    json.dumps(points[0].to_json(), allow_nan=False)
    for figure in (cop(points)[0], cop_fluctuations(points, FRICTION)[0], uncertainty(points, FRICTION)[0]):
        figure.draw_without_rendering()


def test_figures_hold_the_measurement_beside_theory(runs: list[Run]) -> None:
    """Each CSV carries what was measured and the exact value that it should have."""
    points = [performance_summary(runs)]
    table = cop(points)[1]
    heat = table[(table["series"] == "heat") & (table["cop"] == "pumping")].iloc[0]
    assert heat["low"] < 4.8 / 3.8 < heat["high"]
    table = cop_fluctuations(points, FRICTION)[1]
    for kind, name in product(("heat", "sampled"), ("refrigeration", "pumping")):
        shown = table[(table["quantity"] == "density") & (table["kind"] == kind) & (table["cop"] == name)]
        z = ((shown["value"] - shown["theory"]) / shown["se"])[shown["se"] < 0.2 * shown["value"]]
        assert len(z) > 10
        assert np.abs(z).max() < 4.5, (kind, name)
    table = uncertainty(points, FRICTION)[1]
    bound = table[(table["series"] == "theory") & (table["quantity"] == "bound")]
    assert bound["over_bound"].to_numpy() == pytest.approx(1.0)


def test_power_that_scatters_more_where_it_flows_more_is_known_better(
    runs: list[Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    """If mean and variance rise together Var/mean² is known better for a positive mean and less well for a negative one."""
    ends = {}
    for shared in (0.0, 0.8):
        monkeypatch.setattr(performance, "_correlation", lambda *_, shared=shared: shared)
        ends[shared] = performance_summary(runs[:4])
    for target, sign in (("cold", -1), ("hot", 1), ("total", 1)):
        for quantity in ("uncertainty", "over_bound"):
            apart, together = (getattr(ends[shared], quantity)[target] for shared in (0.0, 0.8))
            assert together.value == apart.value
            assert (sign * (together.high - apart.high) < 0) == (sign * (together.low - apart.low) > 0)
            assert sign * (together.high - apart.high) < 0
