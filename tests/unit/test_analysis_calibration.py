"""The calibration counts what it says, and over many short runs of known truth each reported interval covers."""

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest

from analysis.calibration.coverage import (
    BATH_ENERGY,
    NAIVE,
    coverage,
    exact_values,
    measure,
    reported,
    true_pair,
    with_bath_energy,
)
from analysis.calibration.page import AT_REST, BAND, DRIVEN, LINES, by_point, cell, pooled
from analysis.data.runs import Run
from analysis.errors import AnalysisError
from analysis.figures.calibration import calibration
from analysis.units import FRICTION_SI
from tests.unit import synthetic
from tests.unit.synthetic import Truth, synthetic_runs

RUNS = 150
DRIVEN_TRUTH = Truth(kappa_ratio="4.80", friction_cold=0.22, friction_hot=0.25, bath_energy_std=0.0)
AT_REST_TRUTH = replace(DRIVEN_TRUTH, kappa_ratio=None)


def runs_of(truth: Truth, duration_ps: float, runs: int, seed: int) -> list[Run]:
    """Runs that say what they were made with, as those of the Langevin engine do."""
    made_with = {
        "friction_cold_kg_per_s": truth.friction_cold * FRICTION_SI,
        "friction_hot_kg_per_s": truth.friction_hot * FRICTION_SI,
    }
    return [replace(run, metadata=run.metadata | made_with) for run in synthetic_runs(truth, duration_ps, runs, seed)]


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    """Coverage of all that is reported of 150 runs as long as the demo's, with and without controller."""
    rows = [
        measure(run, seed).assign(point=run.metadata["point"])
        for truth, first in ((DRIVEN_TRUTH, 101), (AT_REST_TRUTH, 102))
        for seed, run in enumerate(runs_of(truth, 320, RUNS, seed=first))
    ]
    return coverage(pd.concat(rows).assign(length="short"))


def test_every_interval_covers(table: pd.DataFrame) -> None:
    """What is told in most runs holds the truth in 92 to 97 %, as far as 150 runs can tell."""
    told = table[~table["quantity"].str.startswith(NAIVE) & (table["told"] > 0.5) & (table["closed"] > 0.5)]
    assert len(told) > 50
    for row in told.to_dict("records"):
        n = round(row["told"] * row["runs"])
        hits = round(row["coverage"] * n)
        name = f"{row['file']}: {row['quantity']} {hits}/{n}"
        assert binomtest(hits, n, BAND[0], alternative="less").pvalue > 1e-3, name
        assert binomtest(hits, n, BAND[1], alternative="greater").pvalue > 1e-3, name


def test_straight_lines_do_not_cover(table: pd.DataFrame) -> None:
    """What least squares claim for the headline and the work is wrong in nine of ten runs, its error ten times too small."""
    lines = table[
        table["quantity"].isin([f"{NAIVE}{name}_{side}" for name in ("heat", "work") for side in ("cold", "hot")])
    ]
    assert len(lines) == 4
    assert (lines["coverage"] < 0.1).all()
    assert (lines["claimed"] < lines["spread"] / 10).all()


def test_every_reported_quantity_is_on_the_page(table: pd.DataFrame) -> None:
    """No number with an error is left out of the tables, but for those that appear there under another name."""
    shown = {(file, quantity) for _, file, quantities in (*DRIVEN, *AT_REST, *LINES) for quantity in quantities}
    elsewhere = {("power", f"work_{target}") for target in ("cold", "hot", "total")} | {
        ("performance", "entropy_production")
    }
    assert set(zip(table["file"], table["quantity"], strict=True)) == shown | elsewhere


def test_page_and_figure_show_the_counts(table: pd.DataFrame) -> None:
    """Entries are the counted shares; a row that is rarely told is called refused, on the page and in the figure."""
    lengths = pd.concat([table.assign(length=length) for length in ("short", "medium", "paper")])
    rows = {row[0]: row for row in by_point(lengths, "short")}
    heat = table[table["quantity"].isin(["heat_cold", "heat_hot"])]["coverage"].mean()
    assert rows["(b) heat, headline"][1].strip("*") == f"{100 * heat:.1f}"
    assert rows["the same from the bare thermostat"][1].startswith("refused")
    figure, data = calibration(lengths)
    figure.draw_without_rendering()
    assert any("refused" in text.get_text() for axes in figure.axes for text in axes.texts)
    assert data.loc[data["quantity"] == "(b) heat, headline", "coverage"].to_numpy() == pytest.approx(heat)


def test_surrogate_bath_keeps_the_first_law() -> None:
    """The baths' energy has the spread it should, and what it takes it takes from the thermostat."""
    run = with_bath_energy(runs_of(DRIVEN_TRUTH, 3000, 1, seed=103)[0], seed=1)
    # 3000 ps hold 1000 memories of the square of its fast part, which is 16/17 of it.
    spread = math.hypot(*(spread for spread, _ in BATH_ENERGY))
    assert run.side_energy.std(axis=0) == pytest.approx(np.full(2, spread), rel=4 / math.sqrt(2 * 1000))
    stored = run.thermostat + run.side_energy + run.trap_energy
    assert np.abs(stored - stored[0] - run.work.sum(axis=2)).max() < 1e-9


def test_exact_values_are_those_of_the_model() -> None:
    """Heats agree with a solution written apart; what vanishes at T_H/T_C has no finite ratio there."""
    run = runs_of(DRIVEN_TRUTH, 5, 1, seed=104)[0]
    exact = exact_values(true_pair(run))
    heats = [exact["heat"][f"heat_{side}"] for side in ("cold", "hot")]
    assert heats == pytest.approx(1e3 * synthetic.heat_rates(DRIVEN_TRUTH), rel=1e-9)
    assert exact["performance"]["cop_refrigeration"] == pytest.approx(1 / 3.8)
    balanced = runs_of(replace(DRIVEN_TRUTH, kappa_ratio="1.2"), 5, 1, seed=105)[0]
    assert exact_values(true_pair(balanced))["performance"]["uncertainty_total"] == math.inf


def test_only_one_white_friction_is_calibrated() -> None:
    """A run whose friction differs by axis, or with bodies, is refused with what it was made with."""
    run = runs_of(DRIVEN_TRUTH, 5, 1, seed=104)[0]
    oddities: list[dict[str, object]] = [
        {"friction_hot_kg_per_s": {"x": 1e-12, "y": 2e-12, "z": 2e-12}},
        {"bodies_cold": {"x": []}},
    ]
    for odd in oddities:
        with pytest.raises(AnalysisError, match=f"made with {next(iter(odd))} = .*: take such a study"):
            true_pair(replace(run, metadata=run.metadata | odd))


def test_reported_numbers_and_their_ends() -> None:
    """Symmetric, lopsided, refused and open intervals are read as they are meant; another unit is no second number."""
    summary = {
        "heat_cold_eV_per_ns": 2.0,
        "heat_cold_se": 0.1,
        "power_se": None,
        "power_eV_per_ns": 1.0,
        "friction_cold_eV_ps_per_A2": 1.0,
        "friction_cold_se": 0.5,
        "friction_cold_low": 0.4,
        "friction_cold_high": None,
        "friction_cold_kg_per_s": 9.0,
        "friction_cold_kg_per_s_se": 4.5,
        "cop_pumping": 3.0,
        "cop_pumping_low": None,
        "cop_pumping_high": None,
        "current_blocks": 12,
    }
    found = {row["quantity"]: (row["value"], row["low"], row["high"]) for row in reported(summary).to_dict("records")}
    assert found.pop("power")[0] == 1.0
    assert found == {
        "heat_cold": pytest.approx((2.0, 2 - 0.196, 2 + 0.196)),
        "friction_cold": (1.0, 0.4, math.inf),
        "cop_pumping": (3.0, -math.inf, math.inf),
    }
    refused = reported(summary | {"current_blocks": None}).to_dict("records")[-1]
    assert refused["quantity"] == "cop_pumping"
    assert math.isnan(refused["low"])


def test_coverage_counts() -> None:
    """Hits, misses on both sides, refusals and open ends are counted as such; without a truth the mean stands in."""
    rows = pd.DataFrame(
        {
            "length": "short",
            "point": "p",
            "file": "heat",
            "quantity": ["a"] * 5 + ["b"] * 2,
            "value": [1.0, 2.0, 3.0, 4.0, 5.0, 1.0, 3.0],
            "low": [0.0, 1.5, 2.5, math.nan, -math.inf, 0.0, 2.5],
            "high": [2.0, 2.5, 3.5, math.nan, math.inf, 1.5, 3.5],
            "truth": [1.6] * 5 + [math.nan] * 2,
        }
    )
    a, b = coverage(rows).to_dict("records")
    assert (a["runs"], a["told"], a["coverage"], a["above"], a["below"], a["closed"]) == (5, 0.8, 0.75, 0.25, 0.0, 0.75)
    assert a["claimed"] == pytest.approx(4 / 3 / 3.92)
    assert a["coverage_se"] == pytest.approx(math.sqrt(0.75 * 0.25 / 4))
    assert (b["truth"], b["above"], b["below"]) == (2.0, 0.5, 0.5)
    assert cell(pooled(coverage(rows), ("a", "heat", ("a",)), "short", "p")) == "**75.0**"
