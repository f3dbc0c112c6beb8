"""Lines over κ_H/κ_C: they know every measured ratio and their zeros, and draw a divergence as one."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import yaml
from matplotlib.figure import Figure

from analysis.compare.comparison import Comparison
from analysis.compare.table import summary_text
from analysis.data.parameters import Parameters
from analysis.figures.cop import cop
from analysis.figures.cop_fluctuations import cop_fluctuations
from analysis.figures.over_ratio import (
    cooling_range,
    draw_line,
    largest_cooling,
    line_ratios,
    ratio_axis,
    theory_lines,
)
from analysis.figures.uncertainty import uncertainty
from analysis.friction.result import AxisFriction, Friction
from analysis.friction.summary import friction_summary
from analysis.heat.performance import performance_summary
from analysis.heat.point import Point
from analysis.heat.rates import point_summary
from analysis.heat.results import PerformancePoint, Windows
from analysis.model import Feedback, LangevinPair
from analysis.statistics.timeseries import Estimate
from analysis.units import FRICTION_SI
from tests.unit.synthetic import Truth, metadata, synthetic_runs
from tests.workflow.checkout import ROOT

CAPTIONS = ROOT / "workflow/report/captions.yaml"
TRUTH = Truth(kappa_ratio="4.80", friction_cold=0.45, friction_hot=0.55)
FRICTION = Friction.same(AxisFriction((Estimate(0.45, 0.01), Estimate(0.55, 0.01))))


def stub(ratio: str, truth: Truth = TRUTH) -> Point:
    """A point of which only its place is asked."""
    parameters = Parameters.from_json(metadata(replace(truth, kappa_ratio=ratio), 1.0, 1)["parameters"])
    return Point(name=f"kH_{ratio}", kappa_ratio=ratio, parameters=parameters, replicas=1, time=0.001, note=None)


def performance(truth: Truth, duration: float, seed: int) -> PerformancePoint:
    """What two runs say of a machine."""
    return performance_summary(synthetic_runs(truth, duration, 2, seed))


@pytest.fixture(scope="module")
def points() -> list[PerformancePoint]:
    """Three points of a sweep of 500 ps, sampled finely."""
    fine = replace(TRUTH, sample_interval=0.25, substeps=5)
    ratios = ("0.17", "1.2", "4.80")
    return [performance(replace(fine, kappa_ratio=ratio), 500, seed=61) for ratio in ratios]


@pytest.mark.parametrize("diverging", [False, True])
@pytest.mark.parametrize("hot", [150.0, 100.0, 80.0])
def test_lines_know_measured_ratios_and_their_zeros(hot: float, diverging: bool) -> None:
    """1, T_H/T_C and all measured ratios are exactly among them, once, in order; what has no place on the axis is not."""
    truth = replace(TRUTH, temperature_hot=hot)
    ratios = line_ratios([stub(ratio, truth) for ratio in ("7.27", "0.17", "-0.03", "0", "4.80")], diverging=diverging)
    assert (np.diff(ratios) > 0).all()
    assert {0.17, 4.8, 7.27, 1.0, hot / 100} <= set(ratios.tolist())
    assert ratios[0] < 0.17 / 1.5
    assert ratios[-1] > 7.27 * 1.5
    steps = np.diff(np.log(ratios))
    for mark in (1.0, hot / 100):
        nearest = np.abs(np.log(ratios[ratios != mark] / mark)).min()
        assert (nearest < 2e-3) == diverging or hot == 100.0
    # A line that does not diverge needs no more than the grid: none of its steps is long.
    assert steps.max() < 0.2


def test_the_colder_bath_decides_where_the_shade_is() -> None:
    """Beyond T_H/T_C if the bath named hot is warmer, below it if it is colder."""
    limits = (0.1, 20.0)
    for hot, expected in ((120.0, (1.2, 20.0)), (100.0, (1.0, 20.0)), (80.0, (0.1, 0.8))):
        parameters = stub("4.80", replace(TRUTH, temperature_hot=hot)).parameters
        assert cooling_range(parameters, limits) == expected
        for ratio in np.geomspace(*limits, 25)[1:-1]:
            pair = replace(parameters, coupling=(0.1, 0.1 * float(ratio))).white_pair((0.3, 0.3))
            assert (expected[0] < ratio < expected[1]) == (pair.mode() == "refrigerator")


def test_the_caption_says_what_the_shade_is() -> None:
    """The range of cooling of the colder bath, for either order of temperatures, and none for a loop."""
    ideal = stub("4.80").parameters
    looped = replace(ideal, feedback=Feedback(delay=0.1))
    exchanged = replace(ideal, temperature=(120.0, 100.0))
    for parameters, shades in ((ideal, 1), (exchanged, 1), (looped, 0)):
        axes = Figure().subplots()
        ratio_axis(axes, (0.1, 20.0), parameters)
        assert len(axes.patches) == shades
    caption = " ".join(yaml.safe_load(CAPTIONS.read_text(encoding="utf-8"))["heat_rates"]["caption"].split())
    assert (
        "Shaded, for the ideal linear controller only: κ_H/κ_C at which theory predicts cooling of the colder bath."
        in caption
    )


def test_a_line_is_broken_at_its_divergence() -> None:
    """No segment joins both sides of T_H/T_C; each side rises far above the rest before it ends."""
    parameters = stub("4.80").parameters
    ratios = line_ratios([stub("0.17"), stub("4.80")], diverging=True)

    def values(machine: LangevinPair) -> np.ndarray:
        return np.array([machine.power_uncertainty("cold", 1.0)])

    lines = theory_lines(parameters, FRICTION, ratios, ["cold"], values)
    at = lines.set_index("kappa_ratio")["value"]
    assert math.isinf(at[1.2])
    assert np.isfinite(at.drop(1.2)).all()
    axes = Figure().subplots()
    draw_line(axes, lines, "black")
    x, y = axes.lines[0].get_data()
    gap = int(np.flatnonzero(np.asarray(x) == 1.2)[0])
    assert np.isnan(np.asarray(y)[gap])
    rest = np.median(np.asarray(y)[np.isfinite(y)])
    assert np.asarray(y)[gap - 1] > 1e3 * rest
    assert np.asarray(y)[gap + 1] > 1e3 * rest
    # The band has errors where the value is one, and not where it is not.
    assert (lines.loc[np.isfinite(lines["value"]), "se"] > 0).all()


@pytest.mark.parametrize("exchanged", [False, True])
def test_largest_cooling_is_where_the_paper_has_it(exchanged: bool) -> None:
    """3.79035 at the paper's parameters, and the least heat of the colder bath on a grid, whichever bath is called cold."""
    kappa, gamma = 0.1, 3.5e-12 / FRICTION_SI
    parameters = stub("4.80").parameters
    same = Friction.same(AxisFriction((Estimate(gamma, 0.0), Estimate(gamma, 0.0))))
    if exchanged:
        # The same κ_C/κ_H then drives the heat, but κ_C sets the scale: the best ratio follows from the heats themselves.
        parameters = replace(parameters, temperature=parameters.temperature[::-1])
    side = int(exchanged)
    ratios = np.linspace(0.05, 8.0, 2001)
    heats = [
        replace(parameters, coupling=(kappa, kappa * r)).white_pair((gamma, gamma)).heat_rates()[side] for r in ratios
    ]
    best = largest_cooling(parameters, same)
    assert best == pytest.approx(ratios[int(np.argmin(heats))], abs=0.005)
    if not exchanged:
        assert best == pytest.approx(3.79035, abs=1e-4)
    assert largest_cooling(replace(parameters, temperature=(100.0, 100.0)), same) is None


def test_uncertainty_figure_of_a_loop_can_be_drawn(points: list[PerformancePoint]) -> None:
    """A controller in a loop has no cross and no antisymmetric force: their panels stay empty, and have axes."""
    windows = points[2].windows
    kept = {name: found for name, found in windows.flows.items() if name not in ("cross", "antisymmetric")}
    looped = replace(points[2].parameters, feedback=Feedback(delay=0.1))
    figure, _ = uncertainty([replace(points[2], parameters=looped, windows=Windows(windows.length, kept))], FRICTION)
    figure.draw_without_rendering()
    assert all(low < high for axes in figure.axes for low, high in (axes.get_xlim(), axes.get_ylim()))


def test_uncertainty_figure_holds_all_forces(points: list[PerformancePoint]) -> None:
    """CSV: measured windows beside theory that they follow, over the ratio and over time; what diverges is infinite."""
    figure, data = uncertainty(points, FRICTION)
    figure.draw_without_rendering()
    white = [
        [line for line in axes.get_lines() if line.get_linestyle() == "-" and len(np.asarray(line.get_xdata())) > 30]
        for axes in figure.axes
    ]
    assert [len(lines) for lines in white] == [2, 2, 2, 0, 1, 1, 1, 0, 2, 2, 2, 2], "at most two quantities a panel"
    assert any("cooling" in text.get_text() for text in figure.axes[0].texts)
    theory = data[data["series"] == "theory"]

    def line(quantity: str, ratio: float, column: str) -> list[float]:
        """What theory says of a quantity at a ratio."""
        here = theory[(theory["quantity"] == quantity) & (theory["kappa_ratio"] == ratio)]
        return list(here[column].dropna())

    assert line("total", 1.0, "value") == line("bound", 1.2, "value") == line("full", 1.0, "over_bound") == [math.inf]
    assert (theory.loc[theory["quantity"] == "bound", "over_bound"] == 1.0).all()
    assert np.isfinite(line("total", 1.2, "over_bound")).all()
    pair = LangevinPair(
        mass=1.225,
        friction_cold=0.45,
        friction_hot=0.55,
        trap=0.01,
        coupling_cold=0.1,
        coupling_hot=0.48,
        temperature_cold=100.0,
        temperature_hot=120.0,
    )
    exact = pair.power_uncertainty("total", 1.0)
    assert line("total", 4.8, "value") == pytest.approx([exact])
    assert line("total", 4.8, "over_bound") == pytest.approx([exact / pair.uncertainty_bound(1.0)])
    measured = data[(data["series"] == "simulation") & (data["kappa_ratio"] == 4.8)].set_index("quantity")
    for flow in ("full", "cross", "antisymmetric", "heat"):
        shown = measured.loc[flow].set_index("window_ps")
        exact_line = theory[(theory["quantity"] == flow) & (theory["kappa_ratio"] == 4.8)].sort_values("window_ps")
        for window in (0.25, 1.0, 5.0, 25.0):
            at = np.interp(np.log(window), np.log(exact_line["window_ps"]), np.log(exact_line["over_bound"]))
            low, high = (float(shown[f"{end}_over_bound"].loc[window]) for end in ("low", "high"))
            assert low - (high - low) / 2 < np.exp(at) < high + (high - low) / 2, (flow, window)
    # Exactly at T_H/T_C no ratio is told of the simulation, and none drawn.
    still = data[(data["series"] == "simulation") & (data["kappa_ratio"] == 1.2) & (data["quantity"] == "full")]
    assert still["over_bound"].isna().all()
    assert still["value"].notna().all()


@pytest.mark.parametrize(("hot", "ratio"), [(120.0, "4.80"), (100.0, "2"), (80.0, "0.17")])
def test_cop_lines_follow_the_colder_bath(hot: float, ratio: str) -> None:
    """Where the machine cools its colder bath the lines are the model's coefficients; at equal baths they diverge at 1."""
    truth = replace(TRUTH, temperature_hot=hot, kappa_ratio=ratio)
    points = [performance(truth, 1000, seed=62)]
    figure, data = cop(points)
    figure.draw_without_rendering()
    parameters = points[0].parameters
    # The fluctuating coefficients are those of the same baths: densities and exact laws agree.
    fluctuations = cop_fluctuations(points, FRICTION)[1]
    for name in ("refrigeration", "pumping"):
        shown = fluctuations[(fluctuations["kind"] == "sampled") & (fluctuations["cop"] == name)]
        shown = shown[shown["se"] < 0.2 * shown["value"]]
        z = ((shown["value"] - shown["theory"]) / shown["se"])[shown["quantity"] == "density"]
        assert len(z) > 8
        assert np.abs(z).max() < 5
    assert points[0].cop_fluctuations is not None
    assert (points[0].cop_fluctuations["sampled"]["refrigeration"].beyond_carnot is not None) == (hot != 100.0)
    theory = data[data["series"] == "theory"]
    assert float(ratio) in set(theory["kappa_ratio"])
    for name, index in (("refrigeration", 0), ("pumping", 1)):
        line = theory[theory["cop"] == name].set_index("kappa_ratio")["value"]
        for at, value in line.items():
            machine = replace(parameters, coupling=(0.1, 0.1 * float(at))).white_pair((0.3, 0.3))  # type: ignore[arg-type]
            if at == hot / 100:
                assert value == (math.inf if hot == 100 else pytest.approx(machine.carnot_cop()[index]))
            else:
                assert value == pytest.approx(machine.cop()[index], rel=1e-9)
        row = data[(data["series"] == "heat") & (data["cop"] == name)].iloc[0]
        assert row["low"] - (row["high"] - row["low"]) < line[float(ratio)] < row["high"] + (row["high"] - row["low"])


@pytest.mark.parametrize(("cold", "hot", "ratio"), [(100.0, 120.0, "4.80"), (120.0, 90.0, "0.17")])
def test_verdict_is_about_the_colder_bath(cold: float, hot: float, ratio: str) -> None:
    """A machine that draws heat out of its colder bath is a refrigerator, and its COP that heat over the power."""
    truth = replace(TRUTH, temperature_cold=cold, temperature_hot=hot, kappa_ratio=ratio)
    point = point_summary(synthetic_runs(truth, 4000, 3, seed=63))
    colder = "cold" if cold < hot else "hot"
    heats = {side: heat.value for side, heat in zip(("cold", "hot"), point.heat, strict=True)}
    assert heats[colder] < 0
    assert point.mode == "refrigerator"
    drawn = -heats[colder] / sum(heats.values())
    friction = friction_summary(synthetic_runs(replace(truth, kappa_ratio=None), 500, 1, seed=64))
    text = summary_text(Comparison((point,), friction.friction), friction)
    (row,) = (line for line in text.splitlines() if line.endswith("refrigerator"))
    assert row.split()[-2] == f"{drawn:.2f}"
    assert 0 < drawn < 1
