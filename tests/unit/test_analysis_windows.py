"""Works and heats gathered over windows: against runs of known truth, and the shipped runs below the bound."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import binomtest, chi2

from analysis.data.runs import Run, load_runs
from analysis.heat.rates import run_blocks
from analysis.heat.windows import _of_few, gathered, window_uncertainties, windows_of
from analysis.model import BOLTZMANN, LangevinPair
from analysis.model.uncertainty import GATHERED, gathered_over_bound
from tests.unit.synthetic import Truth, synthetic_runs

TRUTH = Truth(kappa_ratio="4.80", friction_cold=0.45, friction_hot=0.55)
STUDIES = 60
REFERENCE = Path(__file__).parents[2] / "reference" / "reference" / "sweep"


@pytest.fixture(scope="module")
def runs() -> list[Run]:
    """Two replicas of 500 ps for each study, three axes each."""
    return synthetic_runs(TRUTH, 500, 2 * STUDIES, seed=81)


def machine(run: Run) -> LangevinPair:
    """The truth behind the runs."""
    return run.parameters.white_pair((0.45, 0.55))


def test_lengths_of_windows() -> None:
    """1, 2, 5 to the decade, as far as a run has one."""
    assert windows_of(2) == [1]
    assert windows_of(51) == [1, 2, 5, 10, 20, 50]
    assert windows_of(50) == [1, 2, 5, 10, 20]
    assert windows_of(10_001)[-1] == 10_000


def test_few_windows_have_the_interval_of_a_chi_square() -> None:
    """A variance of normal values has one degree of freedom less than there are windows; the mean's error adds as a square."""
    changes = np.sqrt(3) * np.linspace(-1, 1, 12)  # less peaked than normal
    low, high = _of_few(changes, 12, 0.0, 3.0)
    assert (low, high) == pytest.approx((11 / chi2.ppf(0.975, 11), 11 / chi2.ppf(0.025, 11)))
    wide = _of_few(changes, 12, 0.2, 3.0)
    expected = [math.hypot(math.log(end), 1.96 * 0.2) for end in (low, high)]
    assert [abs(math.log(end)) for end in wide] == pytest.approx(expected)
    # Values with the kurtosis of squares, 9, scatter as a quarter as many normal ones do.
    long_tailed = _of_few(changes, 13, 0.0, 9.0)
    assert long_tailed == pytest.approx((3 / chi2.ppf(0.975, 3), 3 / chi2.ppf(0.025, 3)))


def test_ratios_are_the_exact_ones_and_their_intervals_cover(runs: list[Run]) -> None:
    """Over sixty studies the mean is within 10 % of theory at every window that is not few, and 95 % intervals hold it."""
    found = [window_uncertainties(runs[i : i + 2], run_blocks(runs[i : i + 2])) for i in range(0, 2 * STUDIES, 2)]
    windows = found[0].length
    assert windows.tolist() == [1, 2, 5, 10, 20, 50, 100, 200, 500]
    exact = dict(zip(GATHERED, gathered_over_bound(machine(runs[0]), list(GATHERED), windows), strict=True))
    for flow in GATHERED:
        inside = 0
        for i, window in enumerate(windows):
            ratios = np.array([each.flows[flow].over_bound[i] for each in found])
            low = np.nan_to_num([each.flows[flow].over_bound_low[i] for each in found])
            high = np.nan_to_num([each.flows[flow].over_bound_high[i] for each in found], nan=np.inf)
            inside += int(((low < exact[flow][i]) & (exact[flow][i] < high)).sum())
            assert (low < ratios).all()
            assert (ratios < high).all()
            z = (ratios.mean() - exact[flow][i]) / (ratios.std(ddof=1) / np.sqrt(STUDIES))
            assert abs(z) < 4.5, (flow, window, z)
            if window <= 20 and flow != "cross":
                assert abs(ratios.mean() / exact[flow][i] - 1) < 0.1
            if window <= 10 and flow in ("full", "heat"):
                # Four standard deviations of what studies scatter by, and hardly more.
                assert 3.3 < np.median(np.log(high / low)) / np.log(ratios).std(ddof=1) < 6.5, (flow, window)
        # Windows of one study share their runs, so it is fewer than as many independent trials.
        share = inside / (STUDIES * len(windows))
        assert share > 0.9, (flow, share)
        if flow == "cross":
            # Few windows of its long tails tell less than few normal values do.
            few = [each.flows["cross"] for each in found]
            lows = np.array([each.over_bound_low[-3:] for each in few])
            highs = np.nan_to_num([each.over_bound_high[-3:] for each in few], nan=np.inf)
            assert ((lows < exact[flow][-3:]) & (exact[flow][-3:] < highs)).mean() > 0.9
        else:
            assert binomtest(inside, STUDIES * len(windows), 0.95).pvalue > 1e-6 or share > 0.95


def test_variance_is_about_the_mean_of_the_current(runs: list[Run]) -> None:
    """Σ (J - μT)²/(N - 1) over (μT)², μ the mean rate of the work without what its springs hold at the ends; times ΔS/2k_B."""
    told = window_uncertainties(runs[:2], None)
    for window in (1, 50, 500):
        works, rates = [], []
        for run in runs[:2]:
            x, work = run.position, run.work
            gap = x[:, 1] - x[:, 0]
            springs = np.array([0.1, 0.48])[:, None] * (gap[-1] ** 2 - gap[0] ** 2) / 4
            rates.append(((work[-1] - work[0]) + springs).mean(axis=1) / run.duration)
            works.append(np.diff(work.sum(axis=1)[::window], axis=0))
        side_rates = np.mean(rates, axis=0)
        mean = window * side_rates.sum()
        changes = np.array(works).ravel()
        variance = ((changes - mean) ** 2).sum() / (changes.size - 1)
        i = told.length.tolist().index(window)
        assert told.flows["full"].uncertainty[i] == pytest.approx(variance / mean**2, rel=1e-9)
        entropy = window * (side_rates / [100.0, 120.0]).sum()
        assert told.flows["full"].over_bound[i] == pytest.approx(
            variance / mean**2 * entropy / (2 * BOLTZMANN), rel=1e-9
        )


def test_recorded_work_and_positions_tell_the_parts_apart(runs: list[Run]) -> None:
    """The parts' works are sums over mid-points of their own forces; the heat is what the thermostats and baths got."""
    run = replace(TRUTH, sample_interval=0.02, substeps=1)
    short = synthetic_runs(run, 40, 1, seed=82, axes="x")
    flows = gathered(short)
    x = short[0].position[..., 0]
    middle, step = (x[1:] + x[:-1]) / 2, np.diff(x, axis=0)
    kc, kh = 0.1, 0.48
    for name, force in {
        "full": [[-kc, kc], [kh, -kh]],
        "cross": [[0, kc], [kh, 0]],
        "antisymmetric": [[0, (kc - kh) / 2], [(kh - kc) / 2, 0]],
    }.items():
        summed = np.cumsum(((middle @ np.array(force).T) * step).sum(axis=1))
        np.testing.assert_allclose(flows[name][0, 1:] - flows[name][0, 0], summed, atol=1e-9)
    # The bath's own energy and the thermostat have what each particle gave away along its coupled axis, but for the others.
    both = gathered(runs[:1])
    given = sum(both["heat_hot"][axis] - both["heat_hot"][axis, 0] for axis in range(3))
    bath = runs[0].side_energy[:, 1] - runs[0].kinetic_energy[:, 1]
    got = runs[0].thermostat[:, 1] + bath - bath[0]
    np.testing.assert_allclose(given, got, atol=1e-9)
    np.testing.assert_allclose(both["heat"], both["heat_cold"] + both["heat_hot"])
    np.testing.assert_allclose(both["full"], both["work_cold"] + both["work_hot"])


def test_what_is_not_told_is_none(runs: list[Run]) -> None:
    """Nothing at the pseudo-equilibrium, no intervals without blocks, no window that is there only once; all plain JSON."""
    still = synthetic_runs(replace(TRUTH, kappa_ratio="1.2"), 500, 1, seed=83)
    told = window_uncertainties(still, run_blocks(still)).to_json()
    json.dumps(told, allow_nan=False)
    assert told["full"]["over_bound"] == [None] * len(told["window_ps"])
    assert told["full"]["uncertainty"][0] > 1e3
    bare = window_uncertainties(runs[:1], None).to_json()
    json.dumps(bare, allow_nan=False)
    assert bare["full"]["over_bound_low"] == [None] * len(bare["window_ps"])
    assert bare["full"]["over_bound"][0] > 0
    alone = synthetic_runs(TRUTH, 50, 1, seed=84, axes="x")
    assert window_uncertainties(alone, None).length.tolist() == [1, 2, 5, 10, 20]
    assert not window_uncertainties(synthetic_runs(TRUTH, 1, 1, seed=85, axes="x"), None).length.size
    assert window_uncertainties(alone, None, dt=3.0).length.tolist() == [1, 2, 3, 5, 10, 20]


def test_other_laws_are_told_by_records_alone(runs: list[Run]) -> None:
    """Of another controller there are no parts of the force, and its axes are one series, which makes intervals wider."""
    linear = window_uncertainties(runs[:4], run_blocks(runs[:4]))
    others = [replace(run, parameters=replace(run.parameters, controller="mine:Twice")) for run in runs[:4]]
    told = window_uncertainties(others, run_blocks(others))
    assert set(told.flows) == set(GATHERED) - {"cross", "antisymmetric"}
    full, full_of_linear = told.flows["full"], linear.flows["full"]
    assert full.uncertainty[0] == pytest.approx(full_of_linear.uncertainty[0], rel=0.2)
    # Four windows of 500 ps instead of twelve: χ² of 3 degrees of freedom reaches further than of 11.
    spans = [math.log(each.over_bound_high[-1] / each.over_bound_low[-1]) for each in (full, full_of_linear)]
    assert spans[0] > 1.5 * spans[1]


@pytest.mark.parametrize(
    ("ratio", "window", "value", "end"),
    [("4.80", 0.1, 0.341, 0.5), ("0.17", 0.2, 0.244, 0.4), ("0.17", 0.1, 0.128, 0.2)],
)
def test_shipped_runs_undercut_the_bound(ratio: str, window: float, value: float, end: float) -> None:
    """The work of the whole force in the shipped molecular dynamics, with the upper end of its interval; other flows do not."""
    runs = load_runs(sorted((REFERENCE / f"kH_{ratio}").glob("*/run.json")))
    told = window_uncertainties(runs, run_blocks(runs))
    i = int(np.flatnonzero(np.isclose(told.length, window))[0])
    assert told.flows["full"].over_bound[i] == pytest.approx(value, rel=0.01)
    assert told.flows["full"].over_bound_high[i] < end
    assert told.flows["heat"].over_bound_low[i] > 5
    # Over 100 ps all but the cross force's springs have come together, above the bound.
    i = int(np.flatnonzero(np.isclose(told.length, 100.0))[0])
    assert all(1 < told.flows[flow].over_bound[i] < 4 for flow in ("full", "antisymmetric", "heat"))
