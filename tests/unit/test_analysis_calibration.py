"""The calibration counts what it says, and over many short runs of known truth each reported interval covers."""

import math
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.container import ErrorbarContainer
from scipy.linalg import expm, solve_continuous_lyapunov
from scipy.stats import binomtest

from analysis.calibration.coverage import (
    BATH_ENERGY,
    NAIVE,
    coverage,
    exact_values,
    measure,
    measure_friction,
    reported,
    true_machines,
    with_bath_energy,
)
from analysis.calibration.page import (
    AT_REST,
    BAND,
    BY_FORM,
    DRIVEN,
    LENGTHS,
    LINES,
    STUDIES,
    at_rest,
    by_point,
    cell,
    forecasts,
    friction_at_rest,
    points_of,
    pooled,
    straight_lines,
)
from analysis.calibration.page import runs_of as page_runs
from analysis.calibration.studies import measure_study
from analysis.data.parameters import SIDES, Parameters
from analysis.data.runs import Run
from analysis.errors import AnalysisError
from analysis.figures.calibration import calibration
from analysis.heat.performance import performance_summary
from analysis.heat.power import power_summary
from analysis.heat.rates import point_summary
from analysis.model import Oscillation, TrapMotion
from analysis.units import FRICTION_SI
from simulation.experiments import experiment_at
from simulation.folder.run_folder import describe, judge
from simulation.study.fields import Study
from tests.unit import synthetic
from tests.unit.synthetic import Truth, synthetic_runs

ROOT = Path(__file__).resolve().parents[2]
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


@pytest.mark.long
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


@pytest.mark.long
def test_straight_lines_do_not_cover(table: pd.DataFrame) -> None:
    """What least squares claim for the headline and the work is wrong in nine of ten runs, its error ten times too small."""
    lines = table[
        table["quantity"].isin([f"{NAIVE}{name}_{side}" for name in ("heat", "work") for side in ("cold", "hot")])
    ]
    assert len(lines) == 4
    assert (lines["coverage"] < 0.1).all()
    assert (lines["claimed"] < lines["spread"] / 10).all()


@pytest.mark.long
def test_every_reported_quantity_is_on_the_page(table: pd.DataFrame) -> None:
    """No number with an error is left out of the tables, but for those that appear there under another name."""
    shown = {(file, quantity) for _, file, quantities in (*DRIVEN, *AT_REST, *LINES) for quantity in quantities}
    elsewhere = {("power", f"work_{target}") for target in ("cold", "hot", "total")} | {
        ("performance", "entropy_production")
    }
    assert set(zip(table["file"], table["quantity"], strict=True)) == shown | elsewhere


@pytest.mark.long
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


def counted(coverages: dict[str, tuple[float, float]], told: float = 1.0) -> pd.DataFrame:
    """A made-up table of ``coverage`` at one point: of each quantity of heat.json its coverage and spread over claim."""
    rows = [
        {"length": length, "point": "kH_4.80", "file": "heat", "quantity": quantity, "coverage": covered}
        | {"runs": 400, "told": told, "closed": 1.0, "claimed": 0.5, "spread": 0.5 * spread}
        for length in LENGTHS
        for quantity, (covered, spread) in coverages.items()
    ]
    return pd.DataFrame(rows)


def test_page_and_figure_show_shares_in_per_cent_with_binomial_errors() -> None:
    """Coverage is the mean over both sides; a straight line's error is as many times too small as its claim is short."""
    heats = {"heat_cold": (0.94, 1.0), "heat_hot": (0.96, 1.0)}
    lines = {f"{NAIVE}work_{side}": (0.08, 25.0) for side in ("cold", "hot")}
    table = counted(heats | lines)
    error = 100 * math.sqrt(0.95 * 0.05 / 800)
    (row,) = (row for row in by_point(table, "short") if row[0] == "(b) heat, headline")
    assert row[1:] == ["95.0", f"95.0 ± {error:.1f}"]
    (row,) = (row for row in straight_lines(table) if row[0] == "work")
    assert row[1:] == ["8 % (25 times)"] * 3
    figure, data = calibration(table)
    drawn = data[data["quantity"] == "(b) heat, headline"]
    assert drawn["coverage_se"].to_numpy() == pytest.approx(error / 100)
    for container in figure.axes[1].containers:
        assert isinstance(container, ErrorbarContainer)
        points, _, bars = container.lines
        assert points is not None
        places = np.asarray(points.get_xdata(), dtype=float)
        (place,) = np.flatnonzero(np.isclose(places, 95.0))
        low, high = np.array(bars[0].get_segments()[place])[:, 0]
        assert (low, high) == pytest.approx((95 - error, 95 + error))
    assert figure.axes[1].get_xlabel() == "intervals that cover the true value (%)"
    # The three lengths stand under each other in the row of their quantity, from the shortest down.
    rows = dict(
        zip([text.get_text() for text in figure.axes[0].get_yticklabels()], figure.axes[0].get_yticks(), strict=True)
    )
    labels = ["0.32 ns", "2 ns", "15 ns"]
    assert [container.get_label() for container in figure.axes[1].containers] == labels
    for container, shift in zip(figure.axes[1].containers, (0.22, 0.0, -0.22), strict=True):
        assert isinstance(container, ErrorbarContainer)
        points = container.lines[0]
        assert points is not None
        places = np.asarray(points.get_xydata(), dtype=float)
        (row,) = places[np.isclose(places[:, 0], 95.0)]
        assert row[1] == pytest.approx(rows["(b) heat, headline"] + shift)
        (row,) = places[np.isclose(places[:, 0], 8.0)]
        assert row[1] == pytest.approx(rows["least squares: work"] + shift)
    # Where fewer than half of the runs have an interval nothing is drawn, and the row says at which lengths.
    few = table.assign(told=np.where(table["length"].isin(["medium", "paper"]), 0.49, 0.5))
    figure, _ = calibration(few)
    said = {text.get_text(): text.xy[1] for text in figure.axes[1].texts}  # type: ignore[attr-defined]
    assert said["refused at 2 ns, 15 ns"] >= 0
    assert rows["(b) heat, headline"] in [
        text.xy[1]  # type: ignore[attr-defined]
        for text in figure.axes[1].texts
        if text.get_text() == "refused at 2 ns, 15 ns"
    ]
    band = [patch.get_x() for patch in figure.axes[1].patches], [patch.get_width() for patch in figure.axes[1].patches]  # type: ignore[attr-defined]
    assert (band[0][0], band[1][0]) == pytest.approx((92.0, 5.0))


def test_points_are_in_the_order_of_their_ratio() -> None:
    """By number, without the runs at rest; of each length the quantity with the fewest runs tells their number."""
    table = pd.concat(
        [counted({"heat_cold": (0.95, 1.0)}).assign(point=f"kH_{ratio}") for ratio in ("12.0", "0.17", "4.80")]
    )
    rest = counted({"friction_hot": (0.95, 1.0)}).assign(point="friction", file="friction", runs=300)
    both = pd.concat([table, rest, rest.assign(length="shell", point="kH_1.2")])
    assert points_of(both) == ["kH_0.17", "kH_4.80", "kH_12.0"]
    assert points_of(both, ("shell",)) == ["kH_1.2"]
    assert page_runs(both) == {"short": 300, "medium": 300, "paper": 300}
    assert page_runs(table, ("paper",)) == {"paper": 400}
    (row,) = (row for row in by_point(both, "medium") if row[0] == "(b) heat, headline")
    assert len(row) == 1 + 3 + 1


def test_rows_at_rest_have_all_lengths() -> None:
    """The coverage of both particles with its binomial error, for short, medium and long runs, in this order."""
    parts = [
        counted({f"friction_{side}_velocity": (covered, 1.0) for side in SIDES}).query(f"length == '{length}'")
        for length, covered in zip(LENGTHS, (0.94, 0.95, 0.96), strict=True)
    ]
    rows = {row[0]: row[1:] for row in at_rest(pd.concat(parts).assign(file="friction", point="friction"))}
    errors = [100 * math.sqrt(covered * (1 - covered) / 800) for covered in (0.94, 0.95, 0.96)]
    expected = [f"{share}.0 ± {error:.1f}" for share, error in zip((94, 95, 96), errors, strict=True)]
    assert rows["friction from velocity"] == expected


def test_studies_tell_claimed_over_true_errors() -> None:
    """With its binomial error for one set of axes; over all points, which share one friction, without. Few are refused."""
    friction = {f"spectrum_{side}_xyz": (0.95, 2.0) for side in SIDES}
    rest = (
        counted(friction).query("length == 'short'").assign(length="shell", file="friction_at_rest", point="friction")
    )
    rows = {row[0]: row[1:] for row in friction_at_rest(rest)}
    assert rows["spectrum of the position near zero"][0] == f"95.0 ± {100 * math.sqrt(0.95 * 0.05 / 800):.1f} (0.50)"
    heats = counted({"response_cold": (0.9, 0.8)}).query("length == 'short'").assign(length="shell", file="forecast")
    heats = pd.concat([heats, heats.assign(point="kH_12.0")])
    rows = {row[0]: row[1:] for row in forecasts(heats, "shell")}
    each = f"**90.0** ± {100 * math.sqrt(0.9 * 0.1 / 400):.1f} (1.25)"
    assert rows["linear response"] == [each, each, "**90.0** (1.25)"]
    rows = {row[0]: row[1:] for row in forecasts(heats.assign(told=0.3), "shell")}
    assert rows["linear response"] == ["refused (30)"] * 3


@pytest.mark.parametrize(
    ("covered", "told", "text"),
    [
        (0.92, 1.0, "92.0"),
        (0.97, 1.0, "97.0"),
        (0.919, 1.0, "**91.9**"),
        (0.971, 1.0, "**97.1**"),
        (0.95, 0.5, "95.0"),
        (0.95, 0.49, "refused (49)"),
    ],
)
def test_entries_are_marked_beyond_the_band_and_refused_below_half(covered: float, told: float, text: str) -> None:
    """Both ends of the band are within it, and a half of the runs is enough."""
    table = counted({"heat_cold": (covered, 1.0)}, told)
    for point in ("kH_4.80", None):
        assert cell(pooled(table, ("", "heat", ("heat_cold",)), "paper", point)) == text


def test_points_at_which_most_runs_refuse_do_not_count() -> None:
    """Over all points the coverage is that of those where at least half of the runs have an interval with two ends."""
    table = pd.concat([counted({"heat_cold": (0.96, 1.0)}, 0.5), counted({"heat_cold": (0.2, 1.0)}, 0.4)])
    table["point"] = np.repeat(["kH_4.80", "kH_1.2"], len(table) // 2)
    found = pooled(table, ("", "heat", ("heat_cold",)), "short")
    assert (found["coverage"], found["told"]) == (pytest.approx(0.96), 0.5)


def test_surrogate_bath_keeps_the_first_law() -> None:
    """The baths' energy has the spread and the times it should, and what it takes it takes from the thermostat."""
    (bare,) = runs_of(DRIVEN_TRUTH, 3000, 1, seed=103)
    run = with_bath_energy(bare, seed=1)
    # 3000 ps hold 1000 memories of the square of its fast part, which is 16/17 of it.
    spread = math.hypot(*(spread for spread, _ in BATH_ENERGY))
    assert run.side_energy.std(axis=0) == pytest.approx(np.full(2, spread), rel=4 / math.sqrt(2 * 1000))
    added = run.side_energy - bare.side_energy
    for lag in (1, 3, 6):
        expected = sum(s**2 * math.exp(-lag / memory) for s, memory in BATH_ENERGY) / spread**2
        found = (added[lag:] * added[:-lag]).mean(axis=0) / (added**2).mean(axis=0)
        assert found == pytest.approx(np.full(2, expected), abs=0.1)
    assert abs(float(np.corrcoef(*added.T)[0, 1])) < 0.15
    stored = run.thermostat + run.side_energy + run.trap_energy
    assert np.abs(stored - stored[0] - run.work.sum(axis=2)).max() < 1e-9


def test_exact_values_are_those_of_the_model() -> None:
    """Heats agree with a solution written apart; what vanishes at T_H/T_C has no finite ratio there."""
    run = runs_of(DRIVEN_TRUTH, 5, 1, seed=104)[0]
    exact = exact_values(run)
    heats = [exact["heat"][f"heat_{side}"] for side in ("cold", "hot")]
    assert heats == pytest.approx(1e3 * synthetic.heat_rates(DRIVEN_TRUTH), rel=1e-9)
    assert exact["performance"]["cop_refrigeration"] == pytest.approx(1 / 3.8)
    for side, heat in zip(SIDES, heats, strict=True):
        assert (
            {exact["heat"][f"{name}_{side}"] for name in ("work", "thermostat")}
            == {exact["power"][f"work_{side}"]}
            == {heat}
        )
    assert exact["heat"]["power"] == exact["power"]["work_total"] == sum(heats)
    boltzmann = synthetic.BOLTZMANN_EV_PER_K
    produced = heats[0] / 100 + heats[1] / 120
    assert exact["heat"]["entropy_production"] == pytest.approx(produced / boltzmann)
    assert exact["performance"]["entropy_production"] == pytest.approx(produced)
    assert exact["performance"]["bound"] == pytest.approx(2 * boltzmann / (1e-3 * produced))  # over 1 ps
    drift, noise = synthetic.drift_and_noise(DRIVEN_TRUTH, DRIVEN_TRUTH.couplings)
    state = solve_continuous_lyapunov(drift, -noise)
    for j, side in enumerate(("cold", "hot")):
        kinetic = state[2 + j, 2 + j] * DRIVEN_TRUTH.mass / boltzmann
        assert exact["heat"][f"effective_temperature_{side}"] == pytest.approx(kinetic)
    # Sampled every 1 ps: mid-points and displacements from two positions that correlate, products by Isserlis' theorem.
    later = expm(drift)[:2] @ state[:, :2]
    middle, moved = (state[:2, :2] + (later + later.T) / 2) / 2, 2 * state[:2, :2] - later - later.T
    across = (later - later.T) / 2  # of displacement i and mid-point j
    means, cov = {}, {}
    push = DRIVEN_TRUTH.couplings
    for i in (0, 1):
        means[i] = push[i] * across[i, 1 - i]
        for k in (0, 1):
            pairs = middle[1 - i, 1 - k] * moved[i, k] + across[k, 1 - i] * across[i, 1 - k]
            cov[i, k] = push[i] * push[k] * pairs
    for target, mean, variance in (
        ("cold", means[0], cov[0, 0]),
        ("hot", means[1], cov[1, 1]),
        ("total", means[0] + means[1], sum(cov.values())),
    ):
        assert exact["power"][f"power_{target}"] == pytest.approx(1e3 * mean)
        assert exact["power"][f"power_variance_{target}"] == pytest.approx(1e6 * variance)
        true = {"cold": heats[0], "hot": heats[1], "total": sum(heats)}[target]
        assert exact["power"][f"sampling_error_{target}"] == pytest.approx(1e3 * mean - true)
        uncertainty = exact["performance"][f"uncertainty_{target}"]
        assert uncertainty == pytest.approx(variance / mean**2)
        over = exact["performance"][f"uncertainty_over_bound_{target}"]
        assert over == pytest.approx(uncertainty * 1e-3 * produced / (2 * boltzmann))
    # The share of samples whose coefficient exceeds Carnot's 5, by drawing positions and displacements.
    both = np.block([[middle, across.T], [across, moved]])
    draws = np.random.default_rng(8).multivariate_normal(np.zeros(4), both, 400_000)
    work = push * draws[:, [1, 0]] * draws[:, 2:]
    share = np.mean(-work[:, 0] / work.sum(axis=1) > 5.0)
    told = exact["performance"]["beyond_carnot_sampled_refrigeration"]
    assert told == pytest.approx(share, abs=4 * math.sqrt(share / 400_000))
    assert told < 0.9 * np.mean(-work[:, 0] / work.sum(axis=1) > 4.0)
    for kind in ("sampled", "heat"):
        for name in ("refrigeration", "pumping"):
            assert exact["performance"][f"tail_exponent_{kind}_{name}"] == -2.0
    for estimator in ("", "_thermostat"):
        assert exact["performance"][f"cop_pumping{estimator}"] == pytest.approx(4.8 / 3.8)
    balanced = runs_of(replace(DRIVEN_TRUTH, kappa_ratio="1.2"), 5, 1, seed=105)[0]
    assert exact_values(balanced)["performance"]["uncertainty_total"] == math.inf


def test_all_that_a_run_reports_is_measured_with_its_truth() -> None:
    """Values and ends are those of the files, tails and shares beyond Carnot's value too; straight lines are least squares."""
    run = runs_of(DRIVEN_TRUTH, 320, 1, seed=107)[0]
    found = {(row["file"], row["quantity"]): row for row in measure(run, 5).to_dict("records")}
    noisy, exact = with_bath_energy(run, 5), exact_values(run)
    content = performance_summary([noisy]).to_json()
    for kind, cops in content["cop_fluctuations"].items():
        for name, told in cops.items():
            row = found["performance", f"tail_exponent_{kind}_{name}"]
            ends = (told["tail_exponent"], told["tail_exponent_low"], told["tail_exponent_high"], -2.0)
            assert tuple(row[key] for key in ("value", "low", "high", "truth")) == pytest.approx(ends)
            if "beyond_carnot" in told:
                row = found["performance", f"beyond_carnot_{kind}_{name}"]
                for key, end in (("value", ""), ("low", "_low"), ("high", "_high")):
                    assert row[key] == pytest.approx(told[f"beyond_carnot{end}"])
    for file, summary in (("heat", point_summary([noisy])), ("power", power_summary([noisy]))):
        for key, value in summary.to_json().items():
            if key.endswith("_eV_per_ns") and not key.startswith(("closure", "trap")):
                row = found[file, key.removesuffix("_eV_per_ns")]
                assert (row["value"], row["truth"]) == pytest.approx((value, exact[file][row["quantity"]]))
    time = run.series["time_ps"] / 1e3
    for j, side in enumerate(SIDES):
        for name, flow in (("thermostat", noisy.thermostat[:, j] / 3), ("work", noisy.work[:, j].mean(axis=1))):
            slope, level = np.polyfit(time, flow, 1)
            left = flow - level - slope * time
            error = math.sqrt((left**2).sum() / (len(time) - 2) / ((time - time.mean()) ** 2).sum())
            row = found["heat", f"{NAIVE}{name}_{side}"]
            ends = (slope, slope - 1.96 * error, slope + 1.96 * error, exact["heat"][f"{name}_{side}"])
            assert tuple(row[key] for key in ("value", "low", "high", "truth")) == pytest.approx(ends)
    at_rest = runs_of(AT_REST_TRUTH, 320, 1, seed=108)[0]
    rows = {row["quantity"]: row for row in measure(at_rest, 5).to_dict("records")}
    assert {row["file"] for row in rows.values()} == {"friction"}
    for j, side in enumerate(SIDES):
        thermal = AT_REST_TRUTH.thermal[j]
        assert rows[f"friction_{side}_velocity"]["truth"] == pytest.approx((0.22, 0.25)[j])
        assert rows[f"position_variance_{side}"]["truth"] == pytest.approx(thermal / AT_REST_TRUTH.trap)
        assert rows[f"particle_temperature_{side}"]["truth"] == pytest.approx((100.0, 120.0)[j])
        assert rows[f"position_variance_{side}"]["value"] == pytest.approx((at_rest.position[:, j] ** 2).mean())


def with_shells(truth: Truth) -> dict[str, object]:
    """What the exact engine would say of particles with these shells: each is a body that is dragged along."""
    core, told = truth.core_friction, {}
    for side, friction in zip(("cold", "hot"), truth.frictions, strict=True):
        both = core + friction
        body = {"friction_kg_per_s": core**2 / both * FRICTION_SI, "time_ps": truth.shell_mass / both}
        told[f"friction_{side}_kg_per_s"] = core * friction / both * FRICTION_SI
        told[f"bodies_{side}"] = {axis: [body] for axis in "xyz"}
    return told


SHELL = replace(DRIVEN_TRUTH, shell_mass=1.2, core_friction=1.6, friction_cold=0.5, friction_hot=0.4)


def test_true_machines_drag_their_bodies() -> None:
    """A shell is a body: heats of such runs are those of a solution written apart, and friction at rest is both in series."""
    run = runs_of(DRIVEN_TRUTH, 5, 1, seed=104)[0]
    dressed = replace(run, metadata=run.metadata | with_shells(SHELL))
    heats = [exact_values(dressed)["heat"][f"heat_{side}"] for side in ("cold", "hot")]
    assert heats == pytest.approx(1e3 * synthetic.heat_rates(SHELL), rel=1e-9)
    bare = synthetic.heat_rates(replace(SHELL, shell_mass=0.0))
    assert heats[0] != pytest.approx(1e3 * bare[0], rel=0.05)
    machine = true_machines(dressed)["xyz"]
    assert machine.friction(1, 0.0).real == pytest.approx(1 / (1 / 1.6 + 1 / 0.4))


def test_true_values_of_axes_that_differ() -> None:
    """Rates are the mean of the machines along the axes; the variance of power is that of samples of all of them."""
    run = runs_of(DRIVEN_TRUTH, 5, 1, seed=104)[0]
    other = replace(DRIVEN_TRUTH, friction_cold=0.6, friction_hot=0.7)

    def told(cold: object, hot: object, axes: list[str]) -> Run:
        entries = {"friction_cold_kg_per_s": cold, "friction_hot_kg_per_s": hot, "equivalent_axes": axes}
        return replace(run, metadata=run.metadata | entries)

    cold, hot = (
        {axis: FRICTION_SI * (one if axis == "x" else two) for axis in "xyz"} for one, two in ((0.22, 0.6), (0.25, 0.7))
    )
    x, yz = (
        exact_values(told(truth.friction_cold * FRICTION_SI, truth.friction_hot * FRICTION_SI, ["xyz"]))
        for truth in (DRIVEN_TRUTH, other)
    )
    mixed = exact_values(told(cold, hot, ["x", "yz"]))
    expected = 1e3 * (synthetic.heat_rates(DRIVEN_TRUTH) + 2 * synthetic.heat_rates(other)) / 3
    assert [mixed["heat"][f"heat_{side}"] for side in ("cold", "hot")] == pytest.approx(expected, rel=1e-9)
    means, variances = (
        np.array([each["power"][name] for each in (x, yz, yz)]) for name in ("power_hot", "power_variance_hot")
    )
    assert mixed["power"]["power_variance_hot"] == pytest.approx(variances.mean() + means.var(), rel=1e-9)


VISCOELASTIC: dict[str, Any] = {
    "name": "viscoelastic",
    "engine": "langevin",
    "langevin": {
        "friction_cold_kg_per_s": {"x": 3e-12, "yz": 2e-12},
        "friction_hot_kg_per_s": 2e-12,
        "maxwell_cold": [{"friction_kg_per_s": 8e-12, "time_ps": 1.0}],
        "maxwell_hot": [
            {"friction_kg_per_s": {"x": 4e-12}, "time_ps": 0.5},
            {"friction_kg_per_s": 3e-12, "time_ps": 2},
        ],
    },
    "demon": {"kappa_ratios": ["4.80"], "coupling_axes": "xyz"},
    "integration": {"timestep_fs": 100},
    "schedule": {"friction_ns": 0.32, "sweep_ns": 0.32, "sweep_replicas": 40},
}


def exact_run(study: Study, point: str, replica: int = 1) -> Run:
    """A run of the exact engine with what its ``run.json`` would say."""
    experiment = experiment_at(study, point, replica)
    series = experiment.exact()
    metadata = describe(experiment, series) | {"closure": judge(experiment, series)}
    return Run(Path(experiment.folder), metadata, Parameters.of_run(metadata), series)


def test_true_machines_have_the_maxwell_modes_of_the_study() -> None:
    """Along each set of axes the machine of a viscoelastic study has its friction at every frequency, and its heats."""
    study = Study.model_validate(VISCOELASTIC)
    machines = true_machines(exact_run(study, "kH_4.80"))
    assert list(machines) == ["x", "yz"]
    slow = {"x": (11e-12, 9e-12), "yz": (10e-12, 5e-12)}
    fast = {"x": (3e-12, 2e-12), "yz": (2e-12, 2e-12)}
    for axes, machine in machines.items():
        for side in (0, 1):
            assert machine.friction(side, 0.0) * FRICTION_SI == pytest.approx(slow[axes][side], rel=1e-9, abs=0)
            assert machine.friction(side, 1e6).real * FRICTION_SI == pytest.approx(fast[axes][side], rel=1e-6, abs=0)
        made_of = study.pair(machine.coupling_cold, machine.coupling_hot, axes[0])
        assert machine.heat_rates() == pytest.approx(made_of.heat_rates(), rel=1e-12)
        # Without its springs the same fluid would give other heats: the modes are not ignored.
        none: dict[str, Any] = {f"maxwell_{of}_{side}": () for of in ("frictions", "times") for side in SIDES}
        white = replace(machine, **none)
        assert abs(white.heat_rates()[0] / machine.heat_rates()[0] - 1) > 0.1


def test_true_machines_have_the_traps_of_their_axes() -> None:
    """Traps that differ by axis give machines that differ; a run by itself is then refused for its friction."""
    run = runs_of(DRIVEN_TRUTH, 5, 1, seed=104)[0]
    parameters = replace(run.parameters, traps=(0.02, 0.01, 0.01))
    stiff = replace(run, parameters=parameters, metadata=run.metadata | {"equivalent_axes": ["x", "yz"]})
    machines = true_machines(stiff)
    assert {axes: machine.trap for axes, machine in machines.items()} == {"x": 0.02, "yz": 0.01}
    usual = true_machines(replace(stiff, parameters=run.parameters))
    assert machines["yz"].heat_rates() == pytest.approx(usual["yz"].heat_rates(), rel=1e-12)
    assert machines["x"].heat_rates()[0] != pytest.approx(usual["x"].heat_rates()[0], rel=1e-3)
    with pytest.raises(AnalysisError, match=r"trap.stiffness_eV_per_A2 = \(0.02, 0.01, 0.01\).*: give the traps one"):
        measure_friction(stiff)


def test_a_viscoelastic_study_calibrates() -> None:
    """Intervals of the heats, works and temperatures of driven viscoelastic runs hold the exact values."""
    study = Study.model_validate(VISCOELASTIC)
    rows = []
    for replica in range(1, 41):
        run = with_bath_energy(exact_run(study, "kH_4.80", replica), replica)
        truth = exact_values(run)["heat"]
        found = reported(point_summary([run]).to_json()).assign(file="heat", length="short", point="kH_4.80")
        rows.append(found.assign(truth=[truth[quantity] for quantity in found["quantity"]]))
    table = coverage(pd.concat(rows))
    assert len(table) == 10
    for row in table.to_dict("records"):
        n = round(row["told"] * row["runs"])
        hits = round(row["coverage"] * n)
        assert n > 30, row["quantity"]
        assert binomtest(hits, n, BAND[0], alternative="less").pvalue > 1e-3, f"{row['quantity']} {hits}/{n}"


def test_true_values_are_refused_for_another_controller() -> None:
    """With a feedback loop the exact values of the linear force do not hold; the message names the loop and the cure."""
    demon = VISCOELASTIC["demon"] | {"feedback": {"delay_ps": 0.5}}
    study = Study.model_validate(VISCOELASTIC | {"demon": demon})
    with pytest.raises(AnalysisError, match=r"demon.controller = linear, delay 0\.5 ps, but .*: remove these fields"):
        true_machines(exact_run(study, "kH_4.80"))
    run = runs_of(DRIVEN_TRUTH, 5, 1, seed=104)[0]
    moved = replace(run, parameters=replace(run.parameters, motion=TrapMotion(hot=(Oscillation(1.0, 20.0),))))
    with pytest.raises(AnalysisError, match=r"demon.controller = linear and moving traps, but .*: remove these fields"):
        true_machines(moved)


def test_a_run_by_itself_asks_for_one_white_friction() -> None:
    """An equilibrium run whose friction differs by axis, or with bodies, is refused with what it was made with."""
    run = runs_of(AT_REST_TRUTH, 5, 1, seed=104)[0]
    oddities: list[dict[str, object]] = [
        {"friction_hot_kg_per_s": {"x": 1e-12, "y": 2e-12, "z": 2e-12}},
        with_shells(SHELL),
        {"maxwell_hot": {axis: [{"friction_kg_per_s": 1e-11, "time_ps": 5.0}] for axis in "xyz"}},
    ]
    for odd, name in zip(oddities, ("friction_hot_kg_per_s", "bodies_cold", "maxwell_hot"), strict=True):
        with pytest.raises(
            AnalysisError, match=f"made with langevin.{name} = .*: give langevin one friction_.* without"
        ):
            measure(replace(run, metadata=run.metadata | odd), 1)


@pytest.fixture(scope="module")
def studies() -> pd.DataFrame:
    """One study of three runs of 0.5 ns of particles with shells, and its forecasts at two points."""
    truth = replace(SHELL, kappa_ratio=None, sample_interval=0.2, substeps=1)
    runs = synthetic_runs(truth, 500, 3, seed=106)
    runs = [replace(run, metadata=run.metadata | with_shells(truth)) for run in runs]
    points = {
        f"kH_{ratio}": replace(runs[0].parameters, coupling=(0.1, 0.1 * float(ratio)), coupling_axes="xyz")
        for ratio in ("0.17", "4.80")
    }
    return measure_study(runs, points).assign(length="shell")


def test_a_study_is_held_against_its_machine(studies: pd.DataFrame) -> None:
    """Each method and theory has its row, with friction and heat of the machine that made the runs; right forms are near."""
    truth = studies.set_index(["point", "quantity"])["truth"]
    assert truth["friction", "spectrum_cold_xyz"] == pytest.approx(1 / (1 / 1.6 + 1 / 0.5))
    for ratio in ("0.17", "4.80"):
        expected = 1e3 * synthetic.heat_rates(replace(SHELL, kappa_ratio=ratio))[0]
        assert truth[f"kH_{ratio}", "response_cold"] == pytest.approx(expected, rel=1e-9)
    told = studies[~studies["quantity"].str.startswith(BY_FORM["shell"])]
    assert len(told) == 3 * 2 + 3 * 2
    claimed = (told["high"] - told["low"]) / 3.92
    # Four errors of one study; the errors themselves are told to a few tens of per cent.
    assert (abs(told["value"] - told["truth"]) < 4 * claimed).all()
    assert (claimed < 0.5 * abs(told["truth"])).all()
    white = studies[studies["quantity"] == "theory_cold"].set_index("point").loc["kH_4.80"]
    assert white["high"] < white["truth"] or white["low"] > white["truth"]


def test_page_tells_what_misses_by_its_form(studies: pd.DataFrame) -> None:
    """Where a method asks for another form than the study has, the table says so instead of marking an error as wrong."""
    twice = pd.concat([studies, studies.assign(value=1.1 * studies["value"])])
    axes = studies[studies["file"] == "friction_at_rest"]
    other = pd.concat(
        [axes.assign(quantity=axes["quantity"].str.replace("_xyz", f"_{group}")) for group in STUDIES["bodies"]]
    )
    bodies = pd.concat([other, studies[studies["file"] == "forecast"]]).assign(length="bodies")
    table = coverage(pd.concat([twice, bodies, twice.assign(length="maxwell")]))
    rest = {row[0]: row[1:] for row in friction_at_rest(table)}
    assert all(entry.endswith(", by its form") for entry in rest["position"])
    assert [entry.endswith(", by its form") for entry in rest["dressed, zero frequency"]] == [False, True, True, True]
    assert [entry.endswith(", by its form") for entry in rest["bodies of fluid, zero frequency"]] == [
        False,
        False,
        False,
        True,
    ]
    assert not any(entry.endswith(", by its form") for entry in rest["spectrum of the position near zero"])
    heats = {row[0]: row[1:] for row in forecasts(table, "shell")}
    assert len(heats["linear response"]) == 3
    assert "by its form" in heats["white friction"][0]
    assert "by its form" not in heats["the dressed pair"][0] + heats["linear response"][1]


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


def test_links_of_the_page_lead_from_where_it_is_written() -> None:
    """The template lies in another folder than the page that it becomes."""
    template = (ROOT / "workflow/report/calibration.md.j2").read_text(encoding="utf-8")
    links = [link for link in re.findall(r"\]\(([^)]+)\)", template) if ":" not in link]
    assert links
    for link in links:
        assert (ROOT / "docs/explanation" / link.partition("#")[0]).is_file(), link
