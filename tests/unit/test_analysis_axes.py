"""Currents of single axes: each has the exact rate, none knows of the others, and a shared one is found out."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from analysis.compare.by_axis import COLUMNS, work_by_axis
from analysis.data.runs import Run
from analysis.friction.result import AxisFriction, Friction
from analysis.heat.rates import current_blocks
from analysis.statistics.timeseries import Estimate
from tests.unit.synthetic import Truth, heat_rates, heat_slopes, synthetic_runs

TRUTH = Truth(kappa_ratio="4.80")
FRICTION = Friction.same(AxisFriction((Estimate(TRUTH.friction_cold, 1e-6), Estimate(TRUTH.friction_hot, 1e-6))))


@pytest.fixture(scope="module")
def runs() -> list[Run]:
    """Two replicas of 1.5 ns along three axes."""
    return synthetic_runs(TRUTH, 1500.0, 2, seed=71)


def test_each_axis_has_the_exact_current(runs: list[Run]) -> None:
    """Every axis agrees with theory and with the others, and its error has the size of the deviations."""
    table = work_by_axis(runs, FRICTION)
    assert list(table.columns) == COLUMNS
    assert table["axis"].tolist() == ["x", "y", "z"]
    z = table[[f"z_{against}_{side}" for against in ("theory", "others") for side in ("cold", "hot")]].to_numpy(float)
    assert 0.1 < np.abs(z).max() < 3.5
    exact = 1000 * heat_rates(TRUTH)
    for side, rate in zip(("cold", "hot"), exact, strict=True):
        np.testing.assert_allclose(table[f"work_{side}_eV_per_ns"], rate, atol=4 * table[f"work_{side}_se"].max())


@pytest.mark.parametrize("alike", [("xyz",), ("x", "yz")])
def test_deviations_are_those_of_the_rates_beside_them(runs: list[Run], alike: tuple[str, ...]) -> None:
    """Of an axis from theory, and from the mean of those that geometry makes equivalent, in the errors of both."""
    told = [replace(run, metadata=run.metadata | {"equivalent_axes": alike}) for run in runs]
    white = Estimate(TRUTH.friction_cold, 0.3 * TRUTH.friction_cold), Estimate(TRUTH.friction_hot, 0.0)
    table = work_by_axis(told, Friction.same(AxisFriction(white))).set_index("axis")
    slopes = 300 * heat_slopes(TRUTH)[0]  # of 30 %
    for j, side in enumerate(("cold", "hot")):
        rates, errors = table[f"work_{side}_eV_per_ns"], table[f"work_{side}_se"]
        from_theory = (rates - table[f"theory_{side}_eV_per_ns"]) / np.hypot(errors, slopes[j])
        np.testing.assert_allclose(table[f"z_theory_{side}"].astype(float), from_theory, rtol=2e-3)
        for group in alike:
            for axis in group:
                others = [other for other in group if other != axis]
                if not others:
                    assert table[f"z_others_{side}"].isna()[axis]
                    continue
                error = math.hypot(errors[axis], *(errors[other] / len(others) for other in others))
                expected = (rates[axis] - rates[others].mean()) / error
                assert table.loc[axis, f"z_others_{side}"] == pytest.approx(expected, rel=1e-9)


def test_independent_axes_do_not_correlate_and_a_copy_does(runs: list[Run]) -> None:
    """Correlations of independent currents vanish within their error; with x in the place of y, x and y correlate fully."""
    table = work_by_axis(runs, FRICTION)
    assert (table["correlation"].abs() < 3.5 * table["correlation_se"]).all()
    # Correlations of N independent pairs scatter by 1/√N, here of the blocks of both replicas.
    assert (table["correlation_se"] == 1 / np.sqrt(2 * current_blocks(runs).count)).all()
    copies = []
    for run in runs:
        series = run.series.copy()
        for side in ("cold", "hot"):
            series[f"work_{side}_y_eV"] = series[f"work_{side}_x_eV"]
            series[f"position_{side}_y_A"] = series[f"position_{side}_x_A"]
        copies.append(replace(run, series=series))
    copied = work_by_axis(copies, FRICTION).set_index("axis")
    assert copied.loc["x", "next_axis"] == "y"
    assert copied.loc["x", "correlation"] == pytest.approx(1.0)
