"""Figures over κ_H/κ_C draw in each panel what its title and axis say: the measured numbers, their errors, the exact lines."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from numpy.typing import NDArray
from scipy.linalg import expm, solve_continuous_lyapunov
from scipy.stats import norm

from analysis.compare.comparison import Comparison
from analysis.data.parameters import Parameters
from analysis.data.runs import Run
from analysis.figures.cop import cop
from analysis.figures.cop_fluctuations import cop_fluctuations
from analysis.figures.cumulative import cumulative_flows
from analysis.figures.detailed_balance import detailed_balance
from analysis.figures.equilibrium import equilibrium
from analysis.figures.fluxes import fluxes
from analysis.figures.heat_rates import heat_rates as draw_heat_rates
from analysis.figures.over_ratio import nearest
from analysis.figures.power import power_histograms
from analysis.figures.power_moments import power_moments
from analysis.figures.studies import heats_of_studies
from analysis.figures.style import ACCENT, COLD, HOT
from analysis.figures.uncertainty import uncertainty
from analysis.friction.curves import equilibrium_blocks
from analysis.friction.response import Response, Responses
from analysis.friction.result import AxisFriction, Friction
from analysis.heat.performance import performance_summary
from analysis.heat.point import HeatPoint
from analysis.heat.power import power_summary
from analysis.heat.rates import point_summary
from analysis.heat.results import (
    COPS,
    TARGETS,
    Cop,
    CopEstimator,
    Interval,
    PerformancePoint,
    PowerPoint,
    ReversalPoint,
)
from analysis.heat.reversal import reversal_summary
from analysis.model import heat_cop
from analysis.model.closed_forms import published_power_law
from analysis.statistics.timeseries import Estimate, stationary_mean
from tests.unit.drawn import bands, bars, curves, line, symbols, unseen
from tests.unit.synthetic import BOLTZMANN_EV_PER_K, Truth, drift_and_noise, heat_rates, heat_slopes, synthetic_runs

TRUTH = Truth(kappa_ratio="4.80", friction_cold=0.2, friction_hot=0.3)
FRICTION = Friction.same(AxisFriction((Estimate(0.2, 0.02), Estimate(0.3, 0.03))))
RATIOS = ("0.17", "2.0", "4.80")
SIDES = ("cold", "hot")


@pytest.fixture(scope="module")
def runs() -> dict[str, list[Run]]:
    """One run of each point of a sweep."""
    return {r: synthetic_runs(replace(TRUTH, kappa_ratio=r), 300, 1, seed=n) for n, r in enumerate(RATIOS, start=201)}


@pytest.fixture(scope="module")
def heats(runs: Mapping[str, list[Run]]) -> list[HeatPoint]:
    """Heats at all points."""
    return [point_summary(each) for each in runs.values()]


@pytest.fixture(scope="module")
def powers(runs: Mapping[str, list[Run]]) -> list[PowerPoint]:
    """Sampled power at all points."""
    return [power_summary(each) for each in runs.values()]


@pytest.fixture(scope="module")
def performances(runs: Mapping[str, list[Run]]) -> list[PerformancePoint]:
    """Performance at all points."""
    return [performance_summary(each) for each in runs.values()]


@pytest.fixture(scope="module")
def reversals(runs: Mapping[str, list[Run]]) -> list[ReversalPoint]:
    """Asymmetry under time reversal at all points."""
    return [reversal_summary(each) for each in runs.values()]


def at(points: np.ndarray, ratio: float) -> float:
    """Value of a drawn line at one of its own abscissae."""
    (value,) = points[1][np.isclose(points[0], ratio)]
    return float(value)


def grid(axes: Sequence[Axes], columns: int) -> NDArray[Any]:
    """Panels by row and column."""
    return np.array(axes, dtype=object).reshape(-1, columns)


def labels(axes: Axes) -> tuple[str, str, str]:
    """Title, and what both axes say."""
    return axes.get_title(loc="left"), axes.get_xlabel(), axes.get_ylabel()


def exact(ratio: str) -> np.ndarray:
    """Heats of the true machine, eV/ns."""
    return 1e3 * heat_rates(replace(TRUTH, kappa_ratio=ratio))


def test_fluxes_are_drawn_in_their_panels(heats: list[HeatPoint]) -> None:
    """Entropy production left, power right: symbols of the points, and lines through Σ Q/T over k_B and Σ Q of the machine."""
    figure, _ = fluxes(Comparison(tuple(heats), FRICTION))
    assert not unseen(figure.axes)
    assert [labels(axes)[2] for axes in figure.axes] == [
        "entropy production ($k_B$/ns per axis)",
        "total power (eV/ns per axis)",
    ]
    for axes, found in zip(figure.axes, ([p.entropy_production for p in heats], [p.power for p in heats]), strict=True):
        (drawn,) = symbols(axes)
        expected = [(point.ratio, each.value, np.nan_to_num(each.se)) for point, each in zip(heats, found, strict=True)]
        np.testing.assert_allclose(drawn, expected)
    legend = figure.axes[0].get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == ["simulation", "white friction"]
    (entropy,), (power,) = (curves(axes) for axes in figure.axes)
    for ratio in RATIOS:
        heat = exact(ratio)
        produced = (heat / (BOLTZMANN_EV_PER_K * np.array([100.0, 120.0]))).sum()
        assert at(entropy, float(ratio)) == pytest.approx(produced, rel=1e-6)
        assert at(power, float(ratio)) == pytest.approx(heat.sum(), rel=1e-6)


def exact_responses() -> Responses:
    """White friction of both particles, measured at every frequency to 1 %."""
    frequency = np.geomspace(1e-4, 100, 3000)
    none = np.empty((0, frequency.size), dtype=complex)
    cold, hot = (
        Response(frequency, gamma, np.stack([0.995 * gamma, 1.005 * gamma]), none)
        for gamma in (np.full(frequency.size, complex(each)) for each in (0.2, 0.3))
    )
    return Responses({"xyz": (cold, hot)})


def test_lines_of_heats_are_named(heats: list[HeatPoint]) -> None:
    """Linear response with white friction at every frequency is the pair of white friction, and each line has its name."""
    figure, _ = draw_heat_rates(Comparison(tuple(heats), FRICTION, exact_responses()))
    names = ["linear response", "white friction", "bare thermostat", "simulation"]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == names
    for side, axes in enumerate(figure.axes):
        for name in names[:2]:
            drawn = line(axes, name)
            assert at(drawn, 2.0) == pytest.approx(exact("2.0")[side], rel=2e-3)
        # Samples 1 ps apart do not tell the response where the pair is faster.
        assert line(axes, "linear response")[0].max() < 3 < line(axes, "white friction")[0].max()
    # Zero is in sight if all heats have one sign.
    for axes in draw_heat_rates(Comparison((heats[0],), FRICTION))[0].axes:
        low, high = axes.get_ylim()
        assert low < 0 < high
        assert not unseen([axes], "simulation")


def test_bands_of_lines_are_one_standard_error(heats: list[HeatPoint]) -> None:
    """The friction's errors of 10 % move the heats by their slopes: bands are that wide to both sides of their line."""
    figure, _ = draw_heat_rates(Comparison(tuple(heats), FRICTION))
    assert not unseen(figure.axes, "simulation")
    for side, axes in enumerate(figure.axes):
        (drawn_line,) = curves(axes)
        band = next(each for each in bands(axes) if each.size and np.ptp(each[2] - each[1]) > 0)
        expected = 0.1 * 1e3 * math.hypot(*heat_slopes(TRUTH)[:, side])
        (low, high) = band[1:, np.isclose(band[0], 4.8)].ravel()
        assert (at(drawn_line, 4.8) - low, high - at(drawn_line, 4.8)) == pytest.approx((expected, expected), rel=0.02)
        # Between the ratios at which they are computed errors follow the logarithm of the ratio.
        slopes = [heat_slopes(replace(TRUTH, kappa_ratio=f"{ratio}"))[:, side] for ratio in band[0]]
        widths = 0.1 * 1e3 * np.linalg.norm(slopes, axis=1)
        np.testing.assert_allclose((band[2] - band[1]) / 2, widths, rtol=0, atol=0.03 * widths.max())
        title, _, _ = labels(axes)
        assert title == f"{SIDES[side]} bath, {(100, 120)[side]} K"
        assert [text.get_text() for text in axes.texts] == [r"refrigerator: $\kappa_H/\kappa_C > T_H/T_C$"]
    # With the warmer bath at the particle C the machine cools its bath H below T_H/T_C.
    exchanged = [replace(p, parameters=replace(p.parameters, temperature=(120.0, 100.0))) for p in heats]
    figure, _ = draw_heat_rates(Comparison(tuple(exchanged), FRICTION))
    for axes, kelvin in zip(figure.axes, (120, 100), strict=True):
        assert labels(axes)[0].endswith(f" bath, {kelvin} K")
        assert [text.get_text() for text in axes.texts] == [r"refrigerator: $\kappa_H/\kappa_C < T_H/T_C$"]


def test_coefficients_are_drawn_in_their_panels(performances: list[PerformancePoint]) -> None:
    """Each coefficient has its own intervals, line κ_C/(κ_H - κ_C) or κ_H/(κ_H - κ_C), and Carnot's 5 or 6."""
    values = {"heat": (0.31, 1.31), "thermostat": (0.37, 1.57)}
    kinds: tuple[CopEstimator, ...] = ("heat", "thermostat")
    cops: dict[CopEstimator, dict[Cop, Interval]] = {
        kind: {name: Interval(v, 0.9 * v, 1.2 * v) for name, v in zip(COPS, values[kind], strict=True)}
        for kind in kinds
    }
    points = [replace(point, cop=cops) for point in performances]
    figure, _ = cop(points)
    assert not unseen(figure.axes)
    titles = ("refrigeration, $-Q_C/W$", "heat pump, $Q_H/W$")
    for axes, name, title, carnot in zip(figure.axes, COPS, titles, (5.0, 6.0), strict=True):
        assert labels(axes)[0] == title
        for label, kind, shift in zip(("simulation, 95 %", "bare thermostat"), kinds, (1.0, 1.05), strict=True):
            (drawn,) = bars(axes, label)
            # The machine heats at 0.17, where it has no coefficient of either kind.
            expected = [(shift * ratio, *cops[kind][name]) for ratio in (2.0, 4.8)]
            np.testing.assert_allclose(drawn, expected, rtol=1e-9)
        (line,), (bound,) = curves(axes), curves(axes, "--")
        numerator = line[0] if name == "pumping" else 1.0
        inner = line[0] > 1.21
        np.testing.assert_allclose(line[1][inner], (numerator / (line[0] - 1))[inner])
        np.testing.assert_allclose(bound[1], carnot)
        assert bound[0].min() == pytest.approx(1.2)
        assert not axes.texts
    assert labels(figure.axes[0])[2] == "coefficient of performance"
    told = ["exact, any friction", "Carnot", "bare thermostat", "simulation, 95 %"]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == told
    # Active baths are cooled elsewhere than beyond T_H/T_C: all points are drawn, and the line where it takes work to cool.
    active = [replace(p, parameters=replace(p.parameters, active=((), ((0.02, 10.0),)))) for p in points]
    for axes, name in zip(cop(active)[0].axes, COPS, strict=True):
        (drawn,) = bars(axes, "simulation, 95 %")
        np.testing.assert_allclose(drawn, [(float(ratio), *cops["heat"][name]) for ratio in RATIOS])
        (line,) = curves(axes)
        assert line[0].min() == 1.0
        assert (line[1] > 0).all()
        assert not axes.texts
    heating_active = cop(active[:1])[0].axes[1]
    assert not heating_active.texts
    # A bar without ends crosses the panel; of points that heat alone it is said that none cools.
    open_ended = {kind: {name: Interval(values[kind][0], math.nan, math.nan) for name in COPS} for kind in kinds}
    for axes in cop([replace(points[-1], cop=open_ended)])[0].axes:
        low, high = axes.get_ylim()
        for series in bars(axes):
            ((_, _, lower, upper),) = series
            assert lower <= low < high <= upper
    heating = cop(points[:1])[0].axes[1]
    assert [text.get_text() for text in heating.texts] == ["no point of this study cools"]


def test_fluctuating_coefficients_are_drawn_in_their_panels(
    performances: list[PerformancePoint], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Densities of the point nearest to 7.27, both signs, by kind and coefficient; exponents of all points about -2."""
    points = []
    for number, point in enumerate(performances):
        assert point.cop_fluctuations is not None
        kinds = {
            kind: {
                name: replace(found, tail_exponent=Estimate(-2.0 - 0.01 * place - 0.1 * number, 0.01 * (place + 1)))
                for place, (name, found) in enumerate(cops.items(), start=3 if kind == "heat" else 1)
            }
            for kind, cops in point.cop_fluctuations.items()
        }
        points.append(replace(point, cop_fluctuations=kinds))
    figure, _ = cop_fluctuations(points, FRICTION)
    panels = grid(figure.axes, 2)
    assert not unseen([*panels[0], panels[2, 0]])
    shown = points[-1].cop_fluctuations
    assert shown is not None
    drawn = [(panels[0, 0], "heat", "refrigeration"), (panels[0, 1], "heat", "pumping")]
    drawn += [(panels[2, 0], "sampled", "refrigeration")]
    for axes, kind, name in drawn:
        title = labels(axes)[0]
        assert title.startswith(name)
        assert title.endswith("= 4.80")
        assert ("Q_" in title) == (kind == "heat")
        found = shown[kind][name]  # type: ignore[index]
        for histogram, series in zip((found.positive, found.negative), symbols(axes, "simulation"), strict=True):
            middle = np.sqrt(histogram.edge[1:] * histogram.edge[:-1])
            seen = histogram.density > 0
            expected = np.stack([middle, histogram.density, np.nan_to_num(histogram.se)])[:, seen].T
            np.testing.assert_allclose(series, expected)
        # The laws of both signs, each over its own |ε|: a coefficient without a mean has a tail of exponent -2 to either side.
        for law in curves(axes):
            far = law[0] > 30
            slope = np.polyfit(np.log(law[0][far]), np.log(law[1][far]), 1)[0]
            assert slope == pytest.approx(-2.0, abs=0.05)
        (carnot,) = (each for each in axes.lines if each.get_linestyle() == "--" and np.size(each.get_xdata()) == 2)
        assert list(np.asarray(carnot.get_xdata())) == pytest.approx([5.0 if name == "refrigeration" else 6.0] * 2)
    # The same heats on linear axes, of both signs, with their laws and Carnot's values.
    assert [labels(row[0])[2] for row in panels] == ["density over 1 ps"] * 3
    for axes, name, carnot in zip(panels[1], ("refrigeration", "pumping"), (5.0, 6.0), strict=True):
        found = shown["heat"][name]  # type: ignore[index]
        for sign, histogram, series in zip((1, -1), (found.positive, found.negative), symbols(axes), strict=True):
            middle = np.sqrt(histogram.edge[1:] * histogram.edge[:-1])
            seen = (histogram.density > 0) & (middle > 0.05)  # bins below are narrower than a symbol
            expected = np.stack([sign * middle, histogram.density, np.nan_to_num(histogram.se)])[:, seen].T
            np.testing.assert_allclose(sorted(series), sorted(map(tuple, expected)))
        (law,) = curves(axes)
        width = law[0][1] - law[0][0]
        pair = replace(points[-1].parameters, coupling=(0.1, 0.48)).white_pair((0.2, 0.3))
        if name == "pumping":
            pair = replace(
                pair,
                **{f"{name}_cold": getattr(pair, f"{name}_hot") for name in ("friction", "coupling", "temperature")},
                **{f"{name}_hot": getattr(pair, f"{name}_cold") for name in ("friction", "coupling", "temperature")},
            )
        exact_law = heat_cop(pair, 1.0)
        edges = np.append(law[0] - width / 2, law[0][-1] + width / 2)
        np.testing.assert_allclose(law[1], np.diff(exact_law.cdf(edges)) / width, rtol=1e-6, atol=1e-12)
        assert labels(axes)[1] == r"$\epsilon$"
        (bound,) = (each for each in axes.lines if each.get_linestyle() == "--" and np.size(each.get_xdata()) == 2)
        assert list(np.asarray(bound.get_xdata())) == pytest.approx([carnot] * 2)
    axes = panels[2, 1]
    assert labels(axes)[0] == "exponent of the tail"
    for label, kind, name, shift in (
        ("sampled work", "sampled", "refrigeration", 1.0),
        ("heat, refrigeration", "heat", "refrigeration", 1.06),
        ("heat, pumping", "heat", "pumping", 1.12),
    ):
        (series,) = symbols(axes, label)
        kinds_of = [point.cop_fluctuations for point in points]
        tails = [each[kind][name].tail_exponent for each in kinds_of if each is not None]  # type: ignore[index]
        told = [(shift * float(r), tail.value, tail.se) for r, tail in zip(RATIOS, tails, strict=True)]
        np.testing.assert_allclose(series, told)
    levels = [np.asarray(each.get_ydata(), dtype=float) for each in axes.lines if each.get_linestyle() == ":"]
    assert [list(level) for level in levels] == [[-2.0, -2.0]]
    # With the warmer bath at the particle C the machine cools below T_H/T_C = 1/1.2, and so at 0.17 alone, its bath H.
    exchanged = [replace(p, parameters=replace(p.parameters, temperature=(120.0, 100.0))) for p in performances]
    monkeypatch.setattr("analysis.figures.cop_fluctuations.ideal_models", lambda *_: {})  # their lines take long
    assert [labels(axes)[0] for axes in cop_fluctuations(exchanged, FRICTION)[0].axes[:2]] == [
        r"refrigeration, $\epsilon=|Q_H|/W$, $\kappa_H/\kappa_C$ = 0.17",
        r"pumping, $\epsilon=|Q_C|/W$, $\kappa_H/\kappa_C$ = 0.17",
    ]


def test_flows_are_drawn_over_their_axes(
    runs: Mapping[str, list[Run]], heats: list[HeatPoint], powers: list[PowerPoint]
) -> None:
    """Heats on top and works below, in eV per axis over ns, in the colours of their sides, in the column of their point."""
    figure, _ = cumulative_flows(list(zip(runs.values(), heats, powers, strict=True)))
    assert not unseen(figure.axes)
    panels = grid(figure.axes, 3)
    assert [labels(axes)[2] for axes in panels[:, 0]] == ["heat into bath (eV/axis)", "work on particle (eV/axis)"]
    assert {labels(axes)[1] for axes in panels[1]} == {"time (ns)"}
    for column, (ratio, (run,)), point in zip(panels.T, runs.items(), heats, strict=True):
        assert labels(column[0])[0] == rf"$\kappa_H/\kappa_C$ = {ratio}: {point.mode}"
        work = run.work.sum(axis=2) / 3
        bare = run.thermostat / 3
        # From the first to the last sample a flow grows by its rate times 0.3 ns.
        ends = {(0, COLD): 0.3 * point.heat[0].value, (0, HOT): 0.3 * point.heat[1].value}
        ends |= {(1, COLD): work[-1, 0], (1, HOT): work[-1, 1], (1, ACCENT): work[-1].sum()}
        # The legend quotes the slope of each line with its error.
        legend = column[0].get_legend()
        quoted = [text.get_text().replace("−", "-") for text in legend.get_texts()]
        for name, rate in zip(
            ("cold", "hot", "cold, bare thermostat", "hot, bare thermostat"),
            (*point.heat, *point.rates["thermostat"]),
            strict=True,
        ):
            assert f"{name}: {rate.value:z.2f} ± {rate.se:.2f} eV/ns" in quoted
        for (row, colour), expected in ends.items():
            drawn = [
                np.asarray(each.get_data(), dtype=float)
                for each in column[row].lines
                if each.get_color() == colour and each.get_linestyle() == "-" and each.get_alpha() != 0.35
            ]
            assert [each[1, -1] for each in drawn] == [pytest.approx(expected)]
            assert drawn[0][0, -1] == pytest.approx(0.3)
        for colour, side in ((COLD, 0), (HOT, 1)):
            faint = [each for each in column[0].lines if each.get_color() == colour and each.get_alpha() == 0.35]
            assert [float(np.asarray(each.get_ydata())[-1]) for each in faint] == pytest.approx([bare[-1, side]])


def test_detailed_balance_is_drawn_in_its_panels(heats: list[HeatPoint], reversals: list[ReversalPoint]) -> None:
    """Asymmetries lie on the exact lines of their own κ_H/κ_C; area, and both temperatures, are those of the exact pair."""
    figure, _ = detailed_balance(Comparison(tuple(heats), FRICTION), reversals)
    assert not unseen(figure.axes)
    lag, area, warmth = figure.axes
    titles = ["time reversal", r"circulation in the plane of $X_C$, $X_H$", "equipartition"]
    assert [labels(axes)[0] for axes in figure.axes] == titles
    assert labels(lag)[1:] == (r"lag $\tau$ (ps)", r"$\langle X_C(0)X_H(\tau)-X_H(0)X_C(\tau)\rangle$, normalised")
    assert {labels(axes)[1] for axes in (area, warmth)} == {r"$\kappa_H/\kappa_C$"}
    assert labels(area)[2] == "area swept (Å²/ns)"
    assert labels(warmth)[2] == "temperature of particle over bath"
    # What detailed balance would have is a line: no asymmetry, no area, and the temperature of the bath.
    levels = [[each for each in axes.lines if np.size(each.get_xdata()) == 2][-1] for axes in figure.axes]
    assert [list(np.asarray(each.get_ydata(), dtype=float)) for each in levels] == [[0, 0], [0, 0], [1, 1]]
    # Nearest to T_H/T_C, to the paper's 4.80, and the lowest.
    shown = [reversals[1], reversals[2], reversals[0]]
    for point, series, law in zip(shown, symbols(lag), curves(lag), strict=True):
        expected = [point.lag, point.asymmetry, np.nan_to_num(point.asymmetry_se)]
        np.testing.assert_allclose(series, np.transpose(expected))
        truth = replace(TRUTH, kappa_ratio=point.kappa_ratio)
        drift, noise = drift_and_noise(truth, truth.couplings)
        variance = solve_continuous_lyapunov(drift, -noise)
        later = np.array([expm(drift * time) @ variance for time in law[0]])
        # X_C(0) X_H(τ) - X_H(0) X_C(τ): the later coordinate is the first index.
        asymmetry = (later[:, 1, 0] - later[:, 0, 1]) / math.sqrt(variance[0, 0] * variance[1, 1])
        np.testing.assert_allclose(law[1], asymmetry, atol=1e-9)
        label = rf"$\kappa_H/\kappa_C$ = {point.kappa_ratio}"
        np.testing.assert_allclose(symbols(lag, label)[0], series)
    (drawn,) = symbols(area)
    swept = [
        (float(r), p.swept_area.value, np.nan_to_num(p.swept_area.se)) for r, p in zip(RATIOS, reversals, strict=True)
    ]
    np.testing.assert_allclose(drawn, swept)
    for side, name in enumerate(SIDES):
        (drawn,) = symbols(warmth, name)
        bath = (100.0, 120.0)[side]
        found = [point.effective_temperature[side] for point in heats]
        warm = [(float(r), t.value / bath, np.nan_to_num(t.se) / bath) for r, t in zip(RATIOS, found, strict=True)]
        np.testing.assert_allclose(drawn, warm)
        drift, noise = drift_and_noise(TRUTH, TRUTH.couplings)
        kinetic = solve_continuous_lyapunov(drift, -noise)[2 + side, 2 + side] * TRUTH.mass / TRUTH.thermal[side]
        assert at(curves(warmth)[side], 4.8) == pytest.approx(kinetic, rel=1e-6)


def test_equilibrium_densities_are_drawn_beside_their_gaussians() -> None:
    """Positions have the width √(k_BT/κ) and velocities √(k_BT/m) of their own bath; symbols are shares of all samples."""
    (run,) = synthetic_runs(replace(TRUTH, kappa_ratio=None), 400, 1, seed=204)
    figure, _ = equilibrium([run])
    assert not unseen(figure.axes)
    observed = (run.position, run.velocity, np.diff(run.position, axis=0))
    widths = (TRUTH.trap, TRUTH.mass, TRUTH.mass)
    units = (("position (Å)", "Å$^{-1}$"), ("velocity (Å/ps)", "ps/Å"), ("displacement over 1 ps (Å/ps)", "ps/Å"))
    for axes, values, width, (quantity, inverse) in zip(figure.axes, observed, widths, units, strict=True):
        assert labels(axes)[1:] == (quantity, f"probability density ({inverse})")
        for side, (drawn, law_line) in enumerate(zip(symbols(axes), curves(axes), strict=True)):
            deviation = math.sqrt(TRUTH.thermal[side] / width)
            half = 3.5 * deviation / 29
            middle, density, _ = np.transpose(drawn)
            np.testing.assert_allclose(middle, np.linspace(-28, 28, 29) * half, atol=1e-12)
            shares = np.histogram(values[:, side], np.linspace(-29, 29, 30) * half)[0] / values[:, side].size
            np.testing.assert_allclose(density, shares / (2 * half), atol=1e-12)
            law = norm(scale=deviation)
            np.testing.assert_allclose(
                law_line[1], (law.cdf(law_line[0] + half) - law.cdf(law_line[0] - half)) / (2 * half)
            )


def test_positions_in_unlike_traps_are_drawn_in_units_of_their_own() -> None:
    """A trap of stiffness rκ narrows the positions by √r: drawn for the mean stiffness, all axes have one Gaussian."""
    runs = synthetic_runs(replace(TRUTH, kappa_ratio=None), 400, 2, seed=205)
    shares = dict(zip("xyz", (0.25, 1.0, 1.75), strict=True))
    unlike = []
    for run in runs:
        series = run.series.copy()
        for side in SIDES:
            for axis, share in shares.items():
                series[f"position_{side}_{axis}_A"] /= math.sqrt(share)
        traps = {axis: share * TRUTH.trap for axis, share in shares.items()}
        parameters = run.metadata["parameters"] | {"trap_stiffness_eV_per_A2": traps}
        unlike.append(replace(run, series=series, parameters=Parameters.from_json(parameters)))
    alike, scaled = (equilibrium(each)[0].axes[0] for each in (runs, unlike))
    np.testing.assert_allclose(np.array(symbols(scaled))[..., :2], np.array(symbols(alike))[..., :2], atol=1e-9)
    # Blocks are of the memory of the positions as they are, in which the softest trap weighs most.
    np.testing.assert_allclose(np.array(symbols(scaled))[..., 2], np.array(symbols(alike))[..., 2], rtol=0.06)
    np.testing.assert_allclose(curves(scaled), curves(alike), rtol=1e-9)
    for axes in (alike, scaled):
        told = [str(text) for text in axes.get_legend_handles_labels()[1]]
        for side, thermal, text in zip(SIDES, TRUTH.thermal, told, strict=True):
            mean = np.mean([run.position[:, SIDES.index(side)] ** 2 for run in runs]) * TRUTH.trap / thermal
            assert text.startswith(f"{side}: ")
            value, error = text.partition(" = ")[2].split(" ", 1)
            assert value == f"{mean:.2f}"
            squares = np.concatenate([run.position[:, SIDES.index(side)].T for run in runs]) ** 2
            expected = stationary_mean(squares, equilibrium_blocks(runs)).se * TRUTH.trap / thermal
            assert float(error.removeprefix("±")) == pytest.approx(expected, rel=0.06, abs=0.006)


def test_moments_of_the_power_are_drawn_in_their_panels(powers: list[PowerPoint]) -> None:
    """Means on top and variances below, of the cold particle, the hot one and both; exact lines at the samples' interval."""
    figure, _ = power_moments(powers, FRICTION)
    assert not unseen(figure.axes)
    panels = grid(figure.axes, 3)
    assert [labels(axes)[0] for axes in panels[0]] == ["power on cold", "power on hot", "total power"]
    assert [labels(axes)[2] for axes in panels[:, 0]] == ["mean over 1 ps (eV/ns)", "variance over 1 ps (eV²/ns²)"]
    for column, target in zip(panels.T, TARGETS, strict=True):
        for axes, moment in zip(column, ("mean", "variance"), strict=True):
            found = [getattr(point, moment)[target] for point in powers]
            series = symbols(axes)[-1]
            expected = [(float(r), each.value, np.nan_to_num(each.se)) for r, each in zip(RATIOS, found, strict=True)]
            np.testing.assert_allclose(series, expected)
            pair = powers[-1].parameters.white_pair((0.2, 0.3))
            law = pair.power_distribution(target, 1.0)
            told = 1e3 * law.mean() if moment == "mean" else 1e6 * law.var()
            assert at(curves(axes)[0], 4.8) == pytest.approx(told)
            if target != "total":
                # The paper has a law of one friction for both particles; here it has their mean.
                paper = published_power_law(powers[-1].parameters.white_pair((0.25, 0.25)), target)
                published = 1e3 * paper.mean() if moment == "mean" else 1e6 * paper.var()
                assert at(curves(axes, ":")[0], 4.8) == pytest.approx(published)
        (work,) = symbols(column[0])[:1]
        works = [point.work[target] for point in powers]
        expected = [
            (1.05 * float(r), each.value, np.nan_to_num(each.se)) for r, each in zip(RATIOS, works, strict=True)
        ]
        np.testing.assert_allclose(work, expected)


def test_distributions_of_the_power_are_drawn_in_their_panels(powers: list[PowerPoint]) -> None:
    """A row for each point and a column for each particle; symbols are the histograms, lines the exact law's bin averages."""
    figure, _ = power_histograms(powers, FRICTION)
    told = [text.get_text() for text in figure.legends[0].get_texts()]
    assert sorted(told) == ["published, eq. (9)", "simulation", "white friction"]
    assert not unseen(figure.axes)
    panels = grid(figure.axes, 2)
    for row, point in zip(panels, powers, strict=True):
        pair = point.parameters.white_pair((0.2, 0.3))
        for axes, side, letter in zip(row, SIDES, "CH", strict=True):
            assert labels(axes)[0].startswith(
                rf"{side} particle, $\kappa_H/\kappa_C$ = {point.kappa_ratio}, 900 samples"
            )
            histogram = point.histograms[side]  # type: ignore[index]
            middle = (histogram.edge[1:] + histogram.edge[:-1]) / 2
            seen = histogram.density > 0
            expected = np.stack([middle, histogram.density, np.nan_to_num(histogram.se)])[:, seen].T
            (drawn,) = symbols(axes, "simulation")
            np.testing.assert_allclose(drawn, expected)
            cdf = pair.power_distribution(side, 1.0).cdf(histogram.edge / 1e3)  # type: ignore[arg-type]
            np.testing.assert_allclose(curves(axes)[0], [middle, np.diff(cdf) / np.diff(histogram.edge)])
            paper = published_power_law(point.parameters.white_pair((0.25, 0.25)), side)  # type: ignore[arg-type]
            means = np.diff(paper.cdf(histogram.edge / 1e3)) / np.diff(histogram.edge)
            np.testing.assert_allclose(curves(axes, ":")[0], [middle, means])
            below = rf"power $\dot W_{letter}$ over 1 ps (eV/ns)"
            assert labels(axes)[1] == (below if point is powers[-1] else "")
    assert {labels(axes)[2] for axes in panels[:, 0]} == {"density (ns/eV)"}


def test_heats_of_studies_are_drawn_in_their_panels(heats: list[HeatPoint]) -> None:
    """Of each study the heats into the cold bath left and into the hot one right, shifted so that all are seen."""
    figure, _ = heats_of_studies(["one", "two"], [Comparison(tuple(heats), FRICTION)] * 2)
    assert not unseen(figure.axes)
    for side, axes in enumerate(figure.axes):
        assert labels(axes)[0] == f"{SIDES[side]} bath"
        for name, shift in (("one", 1.0), ("two", 1.03)):
            (drawn,) = symbols(axes, name)
            expected = [(shift * p.ratio, p.heat[side].value, np.nan_to_num(p.heat[side].se)) for p in heats]
            np.testing.assert_allclose(drawn, expected)
        assert len(curves(axes)) == 2
        for drawn_line in curves(axes):
            assert at(drawn_line, 4.8) == pytest.approx(exact("4.80")[side], rel=1e-6)
    assert labels(figure.axes[0])[2] == "heat into the bath (eV/ns per axis)"
    # Where it is measured linear response leads, at the friction of its own study.
    comparisons = [Comparison(tuple(heats), FRICTION, exact_responses()), Comparison(tuple(heats), FRICTION)]
    for side, axes in enumerate(heats_of_studies(["one", "two"], comparisons)[0].axes):
        response, white = curves(axes)
        assert response[0].max() < 3 < white[0].max()
        assert at(response, 2.0) == pytest.approx(exact("2.0")[side], rel=2e-3)


def test_uncertainties_are_drawn_in_their_panels(performances: list[PerformancePoint]) -> None:
    """Var/mean² and bound in the panel of each power, ratios to the bound of each work below, with both ends of intervals."""
    points = []
    for number, point in enumerate(performances, start=1):
        told = {
            t: Interval(v * number, 0.8 * v * number, 1.5 * v * number)
            for t, v in zip(TARGETS, (30, 50, 70), strict=True)
        }
        bound = Interval(9.0 * number, 8.0 * number, 11.0 * number)
        length = point.windows.length
        flows = {
            name: replace(
                ratios,
                over_bound=np.full(len(length), place * number),
                over_bound_low=np.full(len(length), 0.7 * place * number),
                over_bound_high=np.full(len(length), 1.4 * place * number),
            )
            for place, (name, ratios) in enumerate(point.windows.flows.items(), start=2)
        }
        windows = replace(point.windows, flows=flows)
        points.append(replace(point, uncertainty=told, bound=bound, windows=windows))
    figure, _ = uncertainty(points, FRICTION)
    assert not unseen(figure.axes)
    panels = grid(figure.axes, 4)
    # Each line passes once from left to right, whatever it is put together from.
    assert all((np.diff(law[0]) >= 0).all() for axes in figure.axes for law in curves(axes))
    assert [labels(row[0])[2] for row in panels] == [
        "variance/mean² over 1 ps",
        r"the same over $2k_B/\Delta S$, 1 ps",
        r"the same over $2k_B/\Delta S$",
    ]
    assert {labels(axes)[1] for axes in panels[2]} == {"time window (ps)"}
    # The mark is where the colder bath loses the most heat.
    ratios = np.linspace(1.3, 10, 871)
    most = ratios[np.argmin([heat_rates(replace(TRUTH, kappa_ratio=f"{ratio}"))[0] for ratio in ratios])]
    (mark,) = (each for each in panels[0, 0].lines if np.size(each.get_xdata()) == 2)
    (told,) = (text.get_text().split("\n") for text in panels[0, 0].texts)
    assert told[:2] == ["most", "cooling"]
    assert (float(told[2]), float(np.asarray(mark.get_xdata())[0])) == pytest.approx((most, most), abs=0.011)
    # One ratio each: the nearest to 4.80 and the lowest are drawn over time, as the legend says.
    legend = panels[1, 3].get_legend()
    assert [text.get_text() for text in legend.get_texts()] == [
        rf"below: $\kappa_H/\kappa_C$ = {ratio}" for ratio in ("4.80", "0.17")
    ]
    drawn_in = [container.lines[0] for container in panels[2, 0].containers]
    for handle, points_drawn in zip(legend.get_lines(), drawn_in, strict=True):
        assert (handle.get_color(), handle.get_marker()) == (points_drawn.get_color(), points_drawn.get_marker())
    told_lines = [text.get_text() for text in panels[0, 3].get_legend().get_texts()]
    assert told_lines == [r"$2k_B/\Delta S$", "white friction"]
    for axes, target, title in zip(panels[0], TARGETS, ("power on cold", "power on hot", "total power"), strict=False):
        assert labels(axes)[0] == rf"{title} ($\kappa_jX_l$)"
        of_target, of_bound = bars(axes)
        np.testing.assert_allclose(of_target, [(p.ratio, *p.uncertainty[target]) for p in points])
        np.testing.assert_allclose(of_bound, [(p.ratio, *p.bound) for p in points])
        # The exact line diverges at 1 or at T_H/T_C, which may not shrink the rest to nothing.
        (line, _), (low, high) = curves(axes), axes.get_ylim()
        away = (np.abs(np.log(line[0])) > 0.1) & (np.abs(np.log(line[0] / 1.2)) > 0.1)
        assert low < min(9.0, line[1][away].min())
        assert max(210.0, line[1][away].max()) < high < 4 * max(210.0, line[1][away].max())
    titles = {
        "full": "work of the whole force",
        "cross": r"work of $\kappa_jX_l$",
        "antisymmetric": "work of the antisymmetric part",
        "heat": "heat released by the particles",
    }
    for place, (name, title) in enumerate(titles.items()):
        over_time = panels[2, place]
        assert labels(over_time)[0] == title
        found = [point.windows.flows[name] for point in points]
        for point, series, shift in zip((points[2], points[0]), bars(over_time), (0.97, 1.03), strict=True):
            flow = point.windows.flows[name]
            expected = [shift * point.windows.length, flow.over_bound, flow.over_bound_low, flow.over_bound_high]
            np.testing.assert_allclose(series, np.transpose(expected))
        for law in curves(over_time):  # from the shortest to the longest window that is measured
            assert (law[0, 0], law[0, -1]) == pytest.approx((points[0].windows.length[0], points[0].windows.length[-1]))
        if name != "heat":
            assert labels(panels[1, place])[0] == title
            (series,) = bars(panels[1, place])
            ends = [(f.over_bound[0], f.over_bound_low[0], f.over_bound_high[0]) for f in found]
            np.testing.assert_allclose(series, [(p.ratio, *each) for p, each in zip(points, ends, strict=True)])


def test_only_points_on_the_axis_are_near(performances: list[PerformancePoint]) -> None:
    """A point without coupling, or with one of the other sign, has no place on a logarithmic axis and is never the nearest."""
    point = performances[0]
    points = [replace(point, kappa_ratio=ratio) for ratio in ("0", "-4.8", "0.5", "30")]
    assert nearest(points, 4.8) == 3
    assert nearest(points, 3.8) == 2
    assert nearest(points[:2], 4.8) is None
