"""A point of a sweep: its file tells all of it, and what a study compares with theory is solved once."""

from __future__ import annotations

import json
import math
from dataclasses import fields, replace

import numpy as np
import pytest
from scipy.stats import chi2

from analysis.compare import comparison as module
from analysis.compare.comparison import ComparedPoint, Comparison
from analysis.compare.forecast import Forecast, mean_forecast
from analysis.compare.table import summary_table, summary_text
from analysis.data.parameters import Parameters
from analysis.errors import AnalysisError
from analysis.friction.result import AxisFriction, Friction
from analysis.friction.summary import friction_summary
from analysis.heat.point import ESTIMATORS, HeatPoint, by_ratio
from analysis.heat.rates import point_summary
from analysis.model import Feedback
from analysis.statistics.timeseries import Estimate
from tests.unit.synthetic import Truth, metadata, synthetic_runs

TRUTH = Truth(kappa_ratio="4.80", friction_cold=0.45, friction_hot=0.55)
COLD_AND_HOT = ("cold", "hot")


@pytest.fixture(scope="module")
def point() -> HeatPoint:
    """Two runs that are long enough for errors; the energy of the hot side drifts in the second one."""
    runs = synthetic_runs(TRUTH, 600, 2, seed=3)
    runs[1].metadata["closure"] |= {"hot_drift_eV_per_ns": -0.02, "hot_drift_se": 0.004}
    return point_summary(runs)


def test_the_file_of_a_point_tells_all_of_it(point: HeatPoint) -> None:
    """Written and read again every field is what it was; each number stands under the name of its estimator, side and unit."""
    content = json.loads(json.dumps(point.to_json(), allow_nan=False))
    read = HeatPoint.from_json(content)
    for field in fields(HeatPoint):
        if field.name != "closure_drift":  # of which no error is known of one side, and NaN is not itself
            assert getattr(read, field.name) == getattr(point, field.name), field.name
    for j, side in enumerate(COLD_AND_HOT):
        for name in ESTIMATORS:
            told = (content[f"{name}_{side}_eV_per_ns"], content[f"{name}_{side}_se"])
            assert told == (point.rates[name][j].value, point.rates[name][j].se)
    assert content["heat_cold_eV_per_ns"] < 0 < content["heat_hot_eV_per_ns"]
    assert content["effective_temperature_cold_K"] < 100 < 120 < content["effective_temperature_hot_K"]
    assert (content["closure_drift_cold_eV_per_ns"], content["closure_drift_cold_error_eV_per_ns"]) == (0.0, None)
    assert (content["closure_drift_hot_eV_per_ns"], content["closure_drift_hot_error_eV_per_ns"]) == (-0.02, 0.004)
    assert (read.closure_drift[1].value, read.closure_drift[1].se) == (-0.02, 0.004)
    assert math.isnan(read.closure_drift[0].se)


def test_unknown_errors_stay_unknown(point: HeatPoint) -> None:
    """What is not known is null in the file, and no number when it is read."""
    unknown = {name: (Estimate(pair[0].value), Estimate(pair[1].value)) for name, pair in point.rates.items()}
    content = replace(point, rates=unknown, power=Estimate(1.0)).to_json()
    assert content["heat_hot_se"] is content["power_se"] is None
    read = HeatPoint.from_json(content)
    assert all(math.isnan(rate.se) for pair in read.rates.values() for rate in pair)


def test_a_file_of_an_older_version_is_named(point: HeatPoint) -> None:
    """The message tells point, key and cure."""
    for key in ("heat_hot_se", "time_ns"):
        content = point.to_json()
        del content[key]
        with pytest.raises(AnalysisError, match=rf"heat\.json of kH_4\.80: '{key}' is missing; delete the file"):
            HeatPoint.from_json(content)


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"controller": "mine:Mine"},
        {"force_limit": 0.2},
        {"feedback": Feedback(delay=0.2, delayed="partner"), "force_limit": 0.3},
        {"feedback": Feedback(update_every=0.5, position_noise=0.1)},
        {"feedback": Feedback(filter=0.4)},
    ],
)
def test_parameters_are_written_as_they_are_read(change: dict[str, object]) -> None:
    """Masses, springs, temperatures, law and loop survive the way through a file."""
    told = metadata(replace(TRUTH, temperature_hot=80.0), 10, 1)["parameters"]
    parameters = replace(Parameters.from_json(told | {"mass_hot_eV_ps2_per_A2": 3.5}), **change)  # type: ignore[arg-type]
    content = json.loads(json.dumps(parameters.to_json(), allow_nan=False))
    assert Parameters.from_json(content) == parameters
    assert Parameters.from_json(content).timestep == told["timestep_ps"]
    assert told.items() - {("mass_hot_eV_ps2_per_A2", told["mass_hot_eV_ps2_per_A2"])} <= content.items()


def test_points_follow_their_ratio_and_not_its_spelling(point: HeatPoint) -> None:
    """Text would put 10 before 4.80."""
    spelled = ["10", "4.80", "-1", "1e-2"]
    points = [replace(point, kappa_ratio=ratio) for ratio in spelled]
    assert [each.kappa_ratio for each in by_ratio(points)] == ["-1", "1e-2", "4.80", "10"]


def test_theory_is_solved_once(point: HeatPoint, monkeypatch: pytest.MonkeyPatch) -> None:
    """Table, text and χ² of one comparison share the forecasts of each point, which are made when first asked for."""
    solved: list[float] = []

    def counted(parameters: Parameters, *others: object) -> object:
        solved.append(parameters.coupling[1])
        return forecasts(parameters, *others)  # type: ignore[arg-type]

    forecasts = module.forecasts
    monkeypatch.setattr(module, "forecasts", counted)
    friction = friction_summary(synthetic_runs(replace(TRUTH, kappa_ratio=None), 300, 1, seed=4))
    other = replace(point, kappa_ratio="2", parameters=replace(point.parameters, coupling=(0.1, 0.2)))
    comparison = Comparison((point, other), friction.friction)
    assert solved == []
    summary_table(comparison)
    summary_text(comparison, friction)
    assert "theory" in comparison.agreement
    assert solved == pytest.approx([0.2, 0.48])


def test_power_is_as_uncertain_as_the_sum_of_both_heats() -> None:
    """An error of the friction moves both heats at once, with its signs; other errors, and those of axes, are independent."""
    rng = np.random.default_rng(17)
    deviations = np.array([[0.3, -0.2], [0.1, 0.4]])
    drawn = np.array([1.0, -3.0]) + rng.standard_normal((40_000, 2)) @ deviations
    one, other = Forecast(np.array([1.0, -3.0]), deviations), Forecast(np.array([4.0, 2.0]), deviations[:1])
    power = one.total()
    assert power.value == -2.0
    # 40 000 draws tell a spread to 0.35 %.
    assert power.se == pytest.approx(drawn.sum(axis=1).std(), rel=0.015)
    assert other.total().se == pytest.approx(0.1)
    mean = mean_forecast([one, other], [1, 2])
    assert mean.rates.tolist() == pytest.approx([3.0, 1 / 3])
    assert mean.total().se == pytest.approx(math.hypot(power.se / 3, 2 * 0.1 / 3))


def test_agreement_is_that_of_the_points_with_a_prediction(point: HeatPoint) -> None:
    """χ² = dᵀC⁻¹d with the common error; linear response at the points that it has, a model at all points or not at all."""
    first, second = (replace(point, kappa_ratio=ratio) for ratio in ("2", "4.80"))
    comparison = Comparison((first, second), Friction({}, AxisFriction((Estimate(1.0), Estimate(1.0)))))
    cold = point.heat[0]
    one, other = (
        Forecast(np.array([1e-3 * (cold.value - shift), 7.0]), 1e-3 * np.array([[common, 9.0], [0.01, 9.0]]))
        for shift, common in ((0.05, 0.02), (-0.03, 0.04))
    )
    vars(comparison)["compared"] = (
        ComparedPoint(first, {"response": one, "theory": one, "dressed": one}),
        ComparedPoint(second, {"theory": other}),
    )
    assert comparison.known == ("response", "theory", "dressed")
    found = comparison.agreement
    assert set(found) == {"response", "theory"}
    # Each deviation of the friction moves all predictions together: 0.02 and 0.04 by the one cause, 0.01 both by the other.
    missed = np.array([0.05, -0.03])
    covariance = np.array(
        [
            [cold.se**2 + 0.02**2 + 0.01**2, 0.02 * 0.04 + 0.01**2],
            [0.02 * 0.04 + 0.01**2, cold.se**2 + 0.04**2 + 0.01**2],
        ]
    )
    square = missed @ np.linalg.inv(covariance) @ missed
    assert found["theory"] == pytest.approx((square, chi2.sf(square, 2), 2))
    alone = 0.05**2 / covariance[0, 0]
    assert found["response"] == pytest.approx((alone, chi2.sf(alone, 1), 1))
    # A single heat without an error leaves nothing to be told.
    unsure = replace(second, rates=second.rates | {"heat": (Estimate(cold.value), second.heat[1])})
    told = replace(comparison, points=(first, unsure))
    vars(told)["compared"] = (comparison.compared[0], ComparedPoint(unsure, {"theory": other}))
    assert told.agreement == {}
