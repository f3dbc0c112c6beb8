"""Detailed balance: what vanishes in it is measured from positions alone, and told with errors that cover."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.linalg import expm, solve_continuous_lyapunov
from scipy.stats import norm, t

from analysis.compare.comparison import Comparison
from analysis.figures.detailed_balance import detailed_balance
from analysis.friction.result import AxisFriction, Friction
from analysis.heat.rates import point_summary, run_blocks
from analysis.heat.results import ReversalPoint
from analysis.heat.reversal import COPIES, reversal_summary, swept_area
from analysis.statistics.correlation import reversal_asymmetry
from analysis.statistics.timeseries import Estimate
from tests.unit.synthetic import Truth, drift_and_noise, heat_rates, synthetic_runs

TRUTH = Truth(kappa_ratio="4.80", friction_hot=0.3, sample_interval=0.25, substeps=5)
FRICTION = Friction.same(AxisFriction((Estimate(0.22, 0.01), Estimate(0.3, 0.01))))


def test_area_of_a_closed_path() -> None:
    """Twice round a triangle and a square, counter-clockwise: their areas, by the shoelace formula; clockwise with a minus."""
    triangle = np.array([[0.0, 0.0], [3.0, 0.0], [0.0, 2.0]])
    square = np.array([[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]])
    for corners, area in ((triangle, 3.0), (square, 4.0)):
        path = np.concatenate([corners, corners, corners[:1]])[None]
        assert swept_area(path)[0, -1] == pytest.approx(2 * area)
        assert swept_area(path[:, ::-1])[0, -1] == pytest.approx(-2 * area)


def test_asymmetry_is_the_mean_of_products() -> None:
    """Against a loop over all pairs of samples; exchanged coordinates, and reversed time, change its sign alone."""
    x, y = np.random.default_rng(3).normal(size=(2, 2, 30))
    found = reversal_asymmetry(x, y, 0.5, np.array([0, 1, 4]), 0, 0, 0)
    for place, lag in enumerate((0, 1, 4)):
        pairs = [(x[m, i] * y[m, i + lag], y[m, i] * x[m, i + lag]) for m in range(2) for i in range(30 - lag)]
        forward, backward = np.mean(pairs, axis=0)
        assert found.value[place] == pytest.approx((forward - backward) / math.sqrt((x**2).mean() * (y**2).mean()))
    np.testing.assert_allclose(found.lag, [0.0, 0.5, 2.0])
    for other in ((y, x), (x[:, ::-1], y[:, ::-1])):
        changed = reversal_asymmetry(*other, 0.5, np.array([0, 1, 4]), 0, 0, 0)
        np.testing.assert_allclose(changed.value, -found.value, atol=1e-12)


@pytest.mark.parametrize("ratio", ["0.17", "1.2", "4.80"])
def test_measured_reversal_is_the_exact_one(ratio: str) -> None:
    """Over ten runs, area and asymmetry scatter about the exact ones by their errors; only at T_H/T_C are these 0."""
    truth = replace(TRUTH, kappa_ratio=ratio)
    area = -1e3 * heat_rates(truth)[0] / truth.coupling_cold
    assert (abs(area) < 1e-9) == (ratio == "1.2")
    drift, noise = drift_and_noise(truth, truth.couplings)
    variance = solve_continuous_lyapunov(drift, -noise)
    areas, asymmetries = [], []
    for run in synthetic_runs(truth, 500, 10, seed=81):
        point = reversal_summary([run])
        found = json.loads(json.dumps(point.to_json(), allow_nan=False))
        assert ReversalPoint.from_json(found).to_json() == found
        assert found["swept_area_A2_per_ns"] == point.swept_area.value
        areas.append(point.swept_area.z(area))
        lags, values, errors = point.lag, point.asymmetry, point.asymmetry_se
        later = np.array([expm(drift * lag) @ variance for lag in lags])
        exact = (later[:, 1, 0] - later[:, 0, 1]) / math.sqrt(variance[0, 0] * variance[1, 1])
        asymmetries.append(((values - exact) / np.maximum(errors, 1e-12))[len(lags) // 3])
    for z in (areas, asymmetries):
        # Ten values tell the mean of z to 0.32 and its spread to 0.22.
        assert abs(np.mean(z)) < 4 * 0.32
        assert 1 - 4 * 0.22 < np.std(z, ddof=1) < 1 + 4 * 0.22


def test_errors_of_the_asymmetry_are_those_of_few_slow_blocks() -> None:
    """They are the scatter of the copies, with Student's factor, and what blocks of a few memories hide of a slow quantity."""
    runs = synthetic_runs(TRUTH, 300, 1, seed=84)
    found = reversal_summary(runs)
    blocks = run_blocks(runs)
    x, y = (np.stack([run.position[:, side].T for run in runs])[0] for side in (0, 1))
    lags = np.rint(found.lag / TRUTH.sample_interval).astype(int)
    plain = reversal_asymmetry(x, y, TRUTH.sample_interval, lags, blocks.count, COPIES, 0).se
    wider = t.ppf(0.975, blocks.total - 1) / norm.ppf(0.975) / math.sqrt(1 - blocks.memory / blocks.length / 2)
    np.testing.assert_allclose(found.asymmetry_se, wider * plain, rtol=1e-9)


def test_short_runs_have_no_errors() -> None:
    """A few samples give values without errors, in valid JSON."""
    found = reversal_summary(synthetic_runs(TRUTH, 3, 1, seed=82)).to_json()
    json.dumps(found, allow_nan=False)
    assert found["swept_area_se"] is None
    assert set(found["asymmetry_se"]) == {None}


def test_figure_shows_balance_where_the_temperatures_ask_for_it() -> None:
    """Theory's lines are 0, 0 and 1 at T_H/T_C and nowhere near; measured points are those of the files."""
    heats, reversals = [], []
    for ratio in ("0.17", "1.2", "4.80"):
        runs = synthetic_runs(replace(TRUTH, kappa_ratio=ratio), 300, 1, seed=83)
        heats.append(point_summary(runs))
        reversals.append(reversal_summary(runs))
    figure, data = detailed_balance(Comparison(tuple(heats), FRICTION), reversals)
    figure.draw_without_rendering()
    theory, measured = (data[data["series"] == series] for series in ("theory", "simulation"))
    balanced = theory[np.isclose(theory["kappa_ratio"], 1.2)].set_index("quantity")["value"]
    apart = theory[np.isclose(theory["kappa_ratio"], 4.8)].set_index("quantity")["value"]
    assert np.abs(balanced["asymmetry"]).max() < 1e-10 < 0.01 < np.abs(apart["asymmetry"]).max()
    assert balanced["swept_area_A2_per_ns"] == pytest.approx(0.0, abs=1e-9)
    area = -1e3 * heat_rates(TRUTH)[0] / TRUTH.coupling_cold
    assert apart["swept_area_A2_per_ns"] == pytest.approx(area, rel=0.01)  # by chords over 0.25 ps
    for side in ("cold", "hot"):
        assert balanced[f"temperature_{side}"] == pytest.approx(1.0)
    assert apart["temperature_cold"] < 0.99 < 1.01 < apart["temperature_hot"]
    shown = measured[measured["quantity"] == "swept_area_A2_per_ns"]
    assert list(shown["value"]) == [point.swept_area.value for point in reversals]
    for index, bath in enumerate((100.0, 120.0)):
        particles = measured[measured["quantity"] == f"temperature_{('cold', 'hot')[index]}"]
        found = [point.effective_temperature[index] for point in heats]
        np.testing.assert_allclose(particles[["value", "se"]], [(each.value / bath, each.se / bath) for each in found])
    labels = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]  # type: ignore[union-attr]
    assert [label.split(" = ")[1] for label in labels] == ["1.2", "4.80", "0.17"]
