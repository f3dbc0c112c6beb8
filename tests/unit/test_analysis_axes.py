"""Currents of single axes: each has the exact rate, none knows of the others, and a shared one is found out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from analysis.compare.by_axis import COLUMNS, work_by_axis
from analysis.data.runs import Run
from analysis.friction.result import AxisFriction, Friction
from analysis.heat.rates import current_blocks
from analysis.statistics.timeseries import Estimate
from tests.unit.synthetic import Truth, heat_rates, synthetic_runs

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
