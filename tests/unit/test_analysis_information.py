"""The flow of information between the particles, measured: what the exact pair has, and the second law with it."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import pytest

from analysis.compare.comparison import Comparison
from analysis.compare.information import COLUMNS, compared_information, flow_into_cold
from analysis.compare.table import summary_table, summary_text
from analysis.data.runs import Run
from analysis.figures.information import information as draw_information
from analysis.figures.style import ACCENT, COLD, HOT
from analysis.friction.result import AxisFriction, Friction
from analysis.friction.summary import friction_summary
from analysis.heat.information import information, information_summary, longest_interval
from analysis.heat.rates import point_summary
from analysis.heat.results import InformationPoint
from analysis.model import (
    DelayedNetwork,
    DressedPair,
    Feedback,
    LangevinPair,
    Oscillation,
    Refrigerator,
    SampledNetwork,
    TrapMotion,
    information_flow_from_rate,
    mutual_information,
)
from analysis.statistics.timeseries import Estimate
from tests.unit.drawn import curves, symbols
from tests.unit.synthetic import BOLTZMANN_EV_PER_K, Truth, synthetic_runs

TRUTH = Truth(sample_interval=0.1, substeps=1)
WHITE = (Estimate(TRUTH.friction_cold, 1e-4), Estimate(TRUTH.friction_hot, 1e-4))
FRICTION = Friction.same(AxisFriction(WHITE))


def test_flow_is_that_of_the_exact_pair() -> None:
    """Ten runs scatter about exact flow, mutual information and second laws as their errors say, along all axes together."""
    runs = synthetic_runs(TRUTH, 250, 10, seed=91)
    pair = runs[0].parameters.white_pair((TRUTH.friction_cold, TRUTH.friction_hot))
    flow, shared = 1e3 * pair.information_flow()[0], mutual_information(pair.covariance(), (0, 2))
    paid = 1e3 * pair.heat_rates() / (BOLTZMANN_EV_PER_K * np.array([100.0, 120.0])) - [flow, -flow]
    assert flow < 0, "the cold particle uses information up"
    deviations = []
    for run in runs:
        found = information_summary([run])
        content = json.loads(json.dumps(found.to_json(), allow_nan=False))
        assert content["information_hot_kB_per_ns"] == -content["information_cold_kB_per_ns"] == -found.flow.value
        assert InformationPoint.from_json(content).to_json() == content
        deviations.append(
            [
                found.flow.z(flow),
                found.shared.z(shared),
                *(balance.z(exact) for balance, exact in zip(found.second_law, paid, strict=True)),
            ]
        )
    z = np.array(deviations)
    # Ten values tell the mean of z to 0.32 and its spread to 0.22.
    assert (np.abs(z.mean(axis=0)) < 4 * 0.32).all()
    assert (np.abs(z.std(axis=0, ddof=1) - 1) < 4 * 0.22).all()
    whole = information_summary(runs)
    # A run is cut into the blocks of its slowest quantity, over all replicas and axes together.
    assert whole.distribution_blocks == 30 * round(250 / (whole.distribution_block or math.nan))
    assert whole.flow.se == 1e3 * information(runs, (whole.distribution_blocks or 0) // 30).flow.se
    assert abs(whole.flow.z(flow)) < 4
    assert whole.flow.se < 0.15 * abs(flow)
    assert abs(whole.shared.z(shared)) < 4
    assert whole.shared.se < 0.15 * shared
    for balance, exact in zip(whole.second_law, paid, strict=True):
        assert abs(balance.z(exact)) < 4
        assert balance.se < 0.15 * abs(exact)


def test_short_runs_have_no_errors() -> None:
    """A few samples give a value without an error, or none, in valid JSON."""
    found = information_summary(synthetic_runs(TRUTH, 1, 1, seed=92)).to_json()
    json.dumps(found, allow_nan=False)
    assert found["information_se"] is None


def mutual(run: Run, along: str) -> float:
    """½ ln(det C_C det C_H/det C) of positions and velocities of both particles, along some axes together."""
    axes = ["xyz".index(axis) for axis in along]
    z = np.concatenate([run.position, run.velocity], axis=1)[..., axes]  # (n, X_C X_H V_C V_H, axes)
    c = np.einsum("tia,tja->ij", z, z)
    cold, hot = ([0, 2], [1, 3])
    parts = [np.linalg.det(c[np.ix_(part, part)]) for part in (cold, hot)]
    return float(np.log(np.prod(parts) / np.linalg.det(c)) / 2)


@pytest.mark.parametrize("coupled", ["xy", "xyz"])
def test_each_set_of_axes_has_its_own_covariance(coupled: str) -> None:
    """Where geometry makes x unlike y and z the information is the mean over the coupled axes, those alike pooled."""
    run = synthetic_runs(TRUTH, 60, 1, seed=98, axes=coupled)[0]
    unlike = replace(run, metadata=run.metadata | {"equivalent_axes": ["x", "yz"]})
    expected = (mutual(run, "x") + (len(coupled) - 1) * mutual(run, coupled[1:])) / len(coupled)
    assert information_summary([unlike]).shared.value == pytest.approx(expected, rel=5e-3)
    assert mutual(run, coupled) != pytest.approx(expected, rel=2e-2)
    assert information_summary([run]).shared.value == pytest.approx(mutual(run, coupled), rel=5e-3)


def test_motion_of_the_traps_is_no_information() -> None:
    """Waves of the traps' frequencies in both particles leave the information of the fluctuations, and its flow."""
    still = synthetic_runs(TRUTH, 100, 1, seed=99)[0]
    moved = replace(
        still,
        parameters=replace(
            still.parameters, motion=TrapMotion((Oscillation(1.0, 20),), (Oscillation(1.0, 7, phase=50),))
        ),
        series=still.series.copy(),
    )
    time = still.series["time_ps"].to_numpy()
    for side, size in (("cold", 3.0), ("hot", 2.0)):
        for axis in "xyz":
            moved.series[f"trap_work_{side}_{axis}_eV"] = 0.0
            for period in (20, 7):
                angle = 2 * np.pi * time / period + size
                moved.series[f"position_{side}_{axis}_A"] += size * np.sin(angle)
                moved.series[f"velocity_{side}_{axis}_A_per_ps"] += size * 2 * np.pi / period * np.cos(angle)
    found, expected = (information_summary([run]) for run in (moved, still))
    assert found.shared.value == pytest.approx(expected.shared.value, rel=0.05)
    assert found.flow.value == pytest.approx(expected.flow.value, abs=2 * expected.flow.se)


def over_samples(pair: Refrigerator, interval: float) -> float:
    """Exact flow into the cold particle with rates from covariances one sample apart, k_B/ps."""
    later = pair.correlation(interval)[:4, :4]
    return information_flow_from_rate(pair.covariance()[:4, :4], (later - later.T) / (2 * interval), (0, 2))


def pairs(mass: tuple[float, float], hot: float) -> list[Refrigerator]:
    """White and dressed pairs, of weak and of strong friction."""
    baths: dict[str, Any] = {"temperature_cold": 100.0, "temperature_hot": 120.0}
    springs: dict[str, Any] = {"mass": mass, "trap": 0.01, "coupling_cold": 0.1, "coupling_hot": hot}
    found: list[Refrigerator] = [
        LangevinPair(friction_cold=friction, friction_hot=friction, **springs, **baths) for friction in (0.05, 0.2, 1.0)
    ]
    shell = {"core_friction": 2.4, "shell_friction": 0.7, "shell_mass": 1.25}
    sides = {f"{name}_{side}": value for name, value in shell.items() for side in ("cold", "hot")}
    return [*found, DressedPair(**sides, **springs, **baths)]


@pytest.mark.parametrize("mass", [(1.225, 1.225), (1.225, 0.6)])
@pytest.mark.parametrize("ratio", [-0.5, 0.17, 4.8, 30])
def test_samples_measure_the_flow_to_six_percent(mass: tuple[float, float], ratio: float) -> None:
    """At the longest interval that is taken, for couplings of either sign; of short ones half misses a quarter."""
    parameters = replace(
        synthetic_runs(TRUTH, 1, 1, seed=90)[0].parameters, mass=mass, coupling=(0.1, 0.1 * ratio), traps=(0.01,) * 3
    )
    longest = longest_interval(parameters)
    for pair in (each for each in pairs(mass, 0.1 * ratio) if each.is_stable):
        flow = pair.information_flow()[0] if isinstance(pair, LangevinPair) else over_samples(pair, 1e-3)
        missed, short, half = (over_samples(pair, longest / part) / flow - 1 for part in (1, 10, 20))
        assert abs(missed) < 0.06
        assert short / half == pytest.approx(4, abs=0.5)
    weakest = pairs(mass, 0.1 * ratio)[0]
    if ratio > 0 and mass[0] == mass[1]:
        assert over_samples(weakest, longest) / weakest.information_flow()[0] < 0.96, "a longer one would miss more"


def test_samples_too_far_apart_give_no_flow() -> None:
    """Flow and second law are unknown, with the reason and the cure; the mutual information is as before."""
    fine, coarse = (synthetic_runs(replace(TRUTH, sample_interval=interval), 400, 1, seed=90) for interval in (0.5, 1))
    found = information_summary(coarse)
    told = "samples each 1 ps are too far apart for the information flow at this coupling: sample each 0.55 ps or less"
    assert found.note == told
    for unknown in (found.flow, *found.second_law):
        assert math.isnan(unknown.value)
    assert found.shared.value == pytest.approx(information_summary(fine).shared.value, rel=0.3)
    assert information_summary(fine).note is None
    assert math.isfinite(information_summary(fine).flow.value)
    assert json.loads(json.dumps(found.to_json(), allow_nan=False))["information_cold_kB_per_ns"] is None
    comparison = Comparison((point_summary(coarse),), FRICTION)
    (point,) = compared_information(comparison, [found])
    # Theory is that of the longest interval which could measure it.
    pair = coarse[0].parameters.white_pair((TRUTH.friction_cold, TRUTH.friction_hot))
    expected = 1e3 * over_samples(pair, longest_interval(coarse[0].parameters))
    assert point.flows["theory"].value == pytest.approx(expected, rel=1e-8)
    assert point.z("theory") is None
    assert f"    4.80   {told}" in summary_text(comparison, friction_summary(runs_at_rest()), [point])
    draw_information(comparison, [point])[0].draw_without_rendering()


def test_figure_shows_the_second_law_of_each_side() -> None:
    """Heat over temperature lies above the flow of information in theory's lines, and both vanish at T_H/T_C alone."""
    sweep = [synthetic_runs(replace(TRUTH, kappa_ratio=ratio), 150, 1, seed=93) for ratio in ("0.17", "1.2", "4.80")]
    points = [point_summary(runs) for runs in sweep]
    flows = [information_summary(runs) for runs in sweep]
    comparison = Comparison(tuple(points), FRICTION, None)
    figure, data = draw_information(comparison, compared_information(comparison, flows))
    figure.draw_without_rendering()
    theory = data[data["series"] == "theory"].pivot_table(index="kappa_ratio", columns="quantity", values="value")
    for side in ("cold", "hot"):
        assert (theory[f"entropy_{side}"] > theory[f"information_{side}"] - 1e-9).all()
        at_rest = theory.index[np.isclose(theory.index, 1.2)]
        for quantity in ("entropy", "information"):
            assert theory.loc[at_rest, f"{quantity}_{side}"].abs().max() < 1e-9
            assert np.abs(theory[f"{quantity}_{side}"].loc[4.8]) > 10
    shown = data[(data["series"] == "simulation") & (data["kappa_ratio"] == 4.8)].set_index("quantity")["value"]
    heat = points[-1].heat[1].value
    assert math.isclose(shown["entropy_hot"], heat / (BOLTZMANN_EV_PER_K * TRUTH.temperature_hot), rel_tol=1e-6)
    assert shown["information_hot"] == -flows[-1].flow.value
    np.testing.assert_allclose(theory["information_hot"], -theory["information_cold"], atol=1e-9)
    # The legend names both quantities by their symbols, information by its colour too, and the lines by their style.
    told = [text.get_text() for text in figure.legends[0].get_texts()]
    assert told == [r"heat over temperature, $\dot Q/T$", r"information, $k_B\dot I$", "white friction"]
    entropy_handle, information_handle, line_handle = figure.legends[0].get_lines()
    for handle, container in zip((entropy_handle, information_handle), figure.axes[0].containers, strict=True):
        assert handle.get_marker() == container.lines[0].get_marker()  # type: ignore[attr-defined]
    assert information_handle.get_color() == ACCENT != entropy_handle.get_color()
    assert (line_handle.get_linestyle(), line_handle.get_marker()) == ("-", "None")
    for j, axes in enumerate(figure.axes):
        name, kelvin = (("cold", 100.0), ("hot", 120.0))[j]
        assert axes.get_ylabel() == ("$k_B$/ns per axis", "")[j]
        assert axes.get_title(loc="left") == f"{name} particle and bath"
        entropies, informations = symbols(axes)
        for drawn, sign, found in (
            (entropies, 1 / (BOLTZMANN_EV_PER_K * kelvin), [point.heat[j] for point in points]),
            (informations, (1, -1)[j], [each.flow for each in flows]),
        ):
            expected = [
                (point.ratio, sign * each.value, abs(sign) * np.nan_to_num(each.se))
                for point, each in zip(points, found, strict=True)
            ]
            np.testing.assert_allclose(drawn, expected)
        for drawn_line, quantity in zip(curves(axes), ("entropy", "information"), strict=True):
            np.testing.assert_allclose(drawn_line[1], theory[f"{quantity}_{name}"])
        # Entropy in the colour of the side, information in that of both.
        assert [each.get_color() for each in axes.lines if np.size(each.get_xdata()) > 30] == [
            (COLD, HOT)[j],
            ACCENT,
        ]


def test_a_reading_tells_what_its_noise_leaves_of_the_positions() -> None:
    """½ ln det(1 + C/σ²) of the measured positions, by another formula; nothing for a loop without noise."""
    loop = Feedback(update_every=0.1, position_noise=0.3)
    # Of a run without noise, read as if it had had some: nothing else of the loop is in the number.
    run = synthetic_runs(TRUTH, 60, 1, seed=93)[0]
    noisy = replace(run, parameters=replace(run.parameters, feedback=loop))
    found = information_summary([noisy])
    along = ["xyz".index(axis) for axis in run.parameters.coupling_axes]
    (cc, ch), (hc, hh) = (
        [float(np.mean(run.position[:, i, along] * run.position[:, j, along])) for j in (0, 1)] for i in (0, 1)
    )
    exact = np.log((1 + cc / 0.09) * (1 + hh / 0.09) - ch * hc / 0.09**2) / 2
    assert found.reading.value == pytest.approx(exact, rel=1e-2)
    assert math.isnan(information_summary([run]).reading.value)


def test_table_has_the_second_law_beside_theory() -> None:
    """Q/T from the heat, minus the flow, and the exact flow of the white pair in its own units; the text has the same."""
    runs = synthetic_runs(TRUTH, 250, 2, seed=94)
    comparison = Comparison((point_summary(runs),), FRICTION)
    measured = information_summary(runs)
    (point,) = compared_information(comparison, [measured])
    row = summary_table(comparison, [point]).iloc[0]
    pair = runs[0].parameters.white_pair((TRUTH.friction_cold, TRUTH.friction_hot))
    # Over one sample, as in the measurement.
    exact = 1e3 * over_samples(pair, TRUTH.sample_interval)
    assert row["theory_information_cold_kB_per_ns"] == pytest.approx(exact, rel=1e-8)
    assert exact == pytest.approx(1e3 * pair.information_flow()[0], rel=2e-3)
    # Friction known to 5 parts in 10 000 leaves an error of that size.
    assert 0 < row["theory_information_cold_se"] < 2e-3 * abs(row["theory_information_cold_kB_per_ns"])
    missed = measured.flow.value - row["theory_information_cold_kB_per_ns"]
    assert row["z_theory_information"] == pytest.approx(missed / measured.flow.se, rel=1e-4)
    for side, temperature, sign in (("cold", TRUTH.temperature_cold, 1), ("hot", TRUTH.temperature_hot, -1)):
        entropy = row[f"heat_{side}_eV_per_ns"] / (BOLTZMANN_EV_PER_K * temperature)
        assert row[f"entropy_{side}_kB_per_ns"] == pytest.approx(entropy, rel=1e-6)
        balance = entropy - sign * measured.flow.value
        assert row[f"second_law_{side}_kB_per_ns"] == pytest.approx(balance, rel=1e-6)
    assert row["reading_information_kB"] is None
    text = summary_text(comparison, friction_summary(runs_at_rest()), [point])
    assert f"{row['second_law_cold_kB_per_ns']:.1f} ± {row['second_law_cold_se']:.1f}" in text
    assert (
        f"white friction {row['theory_information_cold_kB_per_ns']:.1f} (z {row['z_theory_information']:+.1f})" in text
    )
    assert "reading" not in text
    assert "Information" not in summary_text(comparison, friction_summary(runs_at_rest()))


def runs_at_rest() -> list[Run]:
    """Runs without controller, for the lines of a summary that are about friction."""
    return synthetic_runs(replace(TRUTH, kappa_ratio=None), 30, 1, seed=95)


def test_noisy_readings_are_in_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a loop with updates the table has readings, measured and by theory, and no theory of the flow."""
    run = synthetic_runs(TRUTH, 60, 1, seed=96)[0]
    loop = Feedback(update_every=0.1, position_noise=0.3, delay=0.1)
    noisy = replace(run, parameters=replace(run.parameters, feedback=loop))
    comparison = Comparison((replace(point_summary([run]), parameters=noisy.parameters),), FRICTION)
    measured = information_summary([noisy])
    (point,) = compared_information(comparison, [measured])
    row = point.row()
    assert list(row) == COLUMNS
    assert row["reading_information_kB"] == measured.reading.value
    pair = run.parameters.white_pair((TRUTH.friction_cold, TRUTH.friction_hot))
    machine = pair.with_feedback(loop)
    assert isinstance(machine, SampledNetwork)
    assert row["theory_reading_information_kB"] == pytest.approx(machine.reading_information(), rel=1e-9)
    # Their errors are those of the friction, by their slopes.
    step = 1e-3
    moved = [
        (replace(pair, friction_cold=pair.friction_cold + shift), replace(pair, friction_hot=pair.friction_hot + shift))
        for shift in (-step, step)
    ]
    loops = [[each.with_feedback(loop) for each in both] for both in moved]
    slopes = np.diff(
        [[m.reading_information() for m in both if isinstance(m, SampledNetwork)] for both in loops], axis=0
    )
    assert row["theory_reading_information_se"] == pytest.approx(1e-4 * np.hypot(*slopes[0]) / (2 * step), rel=1e-2)
    slopes = np.diff(
        [[0.1 * m.information_rate() for m in both if isinstance(m, SampledNetwork)] for both in loops], axis=0
    )
    assert row["theory_new_information_se"] == pytest.approx(1e-4 * np.hypot(*slopes[0]) / (2 * step), rel=1e-2)
    # Of one reading, made every 0.1 ps.
    assert row["theory_new_information_kB"] == pytest.approx(0.1 * machine.information_rate(), rel=1e-9)
    assert 0 < row["theory_new_information_kB"] < row["theory_reading_information_kB"]
    assert row["theory_information_cold_kB_per_ns"] is None
    text = summary_text(comparison, friction_summary(runs_at_rest()), [point])
    # In the figure it has a panel: the measured reading, its line, and below it the line of what is new.
    with monkeypatch.context() as few:
        few.setattr("analysis.figures.over_ratio._LINE_POINTS", 5)
        figure, _ = draw_information(comparison, [point])
    panel = figure.axes[2]
    assert panel.get_title(loc="left") == "one reading of both positions"
    assert panel.get_ylabel() == "$k_B$ per reading and axis"
    (reading, new) = symbols(panel)
    assert new == []
    np.testing.assert_allclose(reading, [(4.8, measured.reading.value, np.nan_to_num(measured.reading.se))])
    lines = dict(zip(("reading", "news"), curves(panel), strict=True))
    for name, value in (
        ("reading", row["theory_reading_information_kB"]),
        ("news", row["theory_new_information_kB"]),
    ):
        (told,) = lines[name][1][np.isclose(lines[name][0], 4.8)]
        assert told == pytest.approx(value, rel=1e-6)
    assert panel.get_legend_handles_labels()[1] == ["by itself", "beyond earlier ones (theory)"]
    assert f"one reading of both positions, k_B per axis: {measured.reading.value:.3f} ±" in text
    assert "entropy pumping" in text
    # A damped particle without partner has Q/T < 0 and no information: whatever feels velocity or past has the remark.
    for change, is_said in (
        ({}, False),
        ({"damping": (0.1, 0.0)}, True),
        ({"feedback": Feedback(delay=0.1)}, True),
        ({"feedback": Feedback(filter=0.1)}, True),
        ({"feedback": Feedback(update_every=0.1)}, True),
        ({"controller": "mine:Law"}, True),
        ({"force_limit": 0.2}, False),
    ):
        changed = replace(comparison.points[0], parameters=replace(run.parameters, **change))
        assert replace(point, point=changed).has_pumping == is_said, change


@pytest.mark.parametrize("delayed", ["all", "partner"])
def test_flow_of_a_delayed_pair_needs_no_friction(delayed: Literal["all", "partner"]) -> None:
    """From covariances and the delayed force as from friction and entropy pumping, another formula."""
    pair = synthetic_runs(TRUTH, 1, 1, seed=97)[0].parameters.white_pair((TRUTH.friction_cold, TRUTH.friction_hot))
    machine = pair.with_feedback(Feedback(delay=0.2, delayed=delayed))
    assert isinstance(machine, DelayedNetwork)
    assert flow_into_cold(machine, 1e-3) == pytest.approx(machine.information_flow()[0], rel=1e-6)


def test_odd_correlation_of_a_loop() -> None:
    """Without delay it is that of the ideal machine; with a delay C(τ) follows the force of a delay ago."""
    pair = synthetic_runs(TRUTH, 1, 1, seed=97)[0].parameters.white_pair((TRUTH.friction_cold, TRUTH.friction_hot))
    ideal, machine = (pair.with_feedback(Feedback(delay=delay)) for delay in (0.0, 0.2))
    assert isinstance(ideal, DelayedNetwork)
    assert isinstance(machine, DelayedNetwork)
    lagged = pair.correlation(0.7)
    np.testing.assert_allclose(ideal.odd_correlation(0.7), (lagged - lagged.T) / 2, atol=1e-10)
    # At τ = 0 the rate of C is that of the covariance of state and force.
    rate = machine.drift @ machine.covariance() + machine.push @ machine.force_and_state()
    np.testing.assert_allclose(machine.odd_correlation(1e-4)[:2] / 1e-4, rate[:2], atol=1e-4)
