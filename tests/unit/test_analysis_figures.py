"""Figures: each shows the data it was given, and leaves SVG, PNG and CSV of the same numbers."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from numpy.typing import NDArray
from scipy.linalg import expm

from analysis.compare.comparison import Comparison
from analysis.figures.cumulative import cumulative_flows
from analysis.figures.equilibrium import equilibrium as draw_equilibrium
from analysis.figures.fluxes import fluxes as draw_fluxes
from analysis.figures.friction import friction as draw_friction
from analysis.figures.heat_rates import heat_rates as draw_heat_rates
from analysis.figures.structure import structure as draw_structure
from analysis.figures.style import SIDE_COLOUR, save
from analysis.friction.particle import Shell
from analysis.friction.result import FrictionResult
from analysis.friction.summary import friction_summary
from analysis.heat.point import HeatPoint
from analysis.heat.power import power_summary
from analysis.heat.rates import point_summary
from analysis.statistics.timeseries import Estimate
from analysis.structure.result import AdsorbedLayer, FluidAround, MetalTemperature, SideStructure, Structure
from analysis.units import FRICTION_SI
from tests.unit.drawn import line, symbols
from tests.unit.synthetic import Truth, synthetic_runs

TRUTH = Truth(kappa_ratio="4.80", friction_cold=0.2, friction_hot=0.3)


def labels_of(axes: Axes) -> list[str]:
    """What the legend of a panel says."""
    legend = axes.get_legend()
    assert legend is not None
    return [text.get_text() for text in legend.get_texts()]


@pytest.fixture(scope="module")
def measured_friction() -> FrictionResult:
    """Friction of the same particles."""
    return friction_summary(synthetic_runs(replace(TRUTH, kappa_ratio=None), 1000, 1, seed=51))


@pytest.fixture(scope="module")
def points() -> list[HeatPoint]:
    """Two points of a sweep."""
    return [point_summary(synthetic_runs(replace(TRUTH, kappa_ratio=r), 600, 1, seed=52)) for r in ("4.80", "0.17")]


def test_heat_rates_show_measurement_and_theory(points: list[HeatPoint], measured_friction: FrictionResult) -> None:
    """Measured points sit at their ratios, the white line changes sign at T_H/T_C, and the headline is on the axes."""
    figure, data = draw_heat_rates(Comparison(tuple(points), measured_friction.friction))
    heat = data[(data["series"] == "heat") & (data["side"] == "cold")]
    assert list(heat["kappa_ratio"]) == [0.17, 4.8]
    assert heat["rate_eV_per_ns"].iloc[1] == points[0].heat[0].value
    theory = data[(data["series"] == "theory") & (data["side"] == "cold")]
    heating = theory["rate_eV_per_ns"] > 0
    flows = ~np.isclose(theory["kappa_ratio"], 1.2)  # there nothing flows, and rounding has a sign
    assert (heating == (theory["kappa_ratio"] < 1.2))[flows].all()
    for index, (axes, side) in enumerate(zip(figure.axes, ("cold", "hot"), strict=True)):
        low, high = axes.get_ylim()
        shown = data[(data["series"] == "heat") & (data["side"] == side)]
        assert (shown["rate_eV_per_ns"].between(low, high)).all()
        assert axes.get_xscale() == "log"
        for label, shift, rates in (
            ("simulation", 1.0, [point.rates["heat"][index] for point in reversed(points)]),
            ("bare thermostat", 1.04, [point.rates["thermostat"][index] for point in reversed(points)]),
        ):
            (drawn,) = symbols(axes, label)
            ratios = [shift * point.ratio for point in reversed(points)]
            expected = [(ratio, rate.value, rate.se) for ratio, rate in zip(ratios, rates, strict=True)]
            np.testing.assert_allclose(drawn, expected)
        theory = data[(data["series"] == "theory") & (data["side"] == side)]
        np.testing.assert_array_equal(line(axes, "white friction"), theory[["kappa_ratio", "rate_eV_per_ns"]].T)
        # Bands of one standard error to either side: of linear response first, and then of white friction.
        band = [each for each in axes.collections if isinstance(each, PolyCollection)][1]
        corners = np.asarray(band.get_paths()[0].vertices)
        for (ratio, value), se in zip(line(axes, "white friction").T, theory["se"], strict=True):
            ends = corners[np.isclose(corners[:, 0], ratio), 1]
            assert (ends.min(), ends.max()) == pytest.approx((value - se, value + se))
        assert [text.get_text().endswith("> T_H/T_C$") for text in axes.texts] == [True]


def test_fluxes_show_measurement_and_second_law(points: list[HeatPoint], measured_friction: FrictionResult) -> None:
    """Measured values are those of heat.json; the exact entropy production is nowhere negative and 0 at T_H/T_C alone."""
    figure, data = draw_fluxes(Comparison(tuple(points), measured_friction.friction))
    assert len(figure.axes) == 2
    entropy, power = (data[data["quantity"] == f"{name}_per_ns"] for name in ("entropy_production_kB", "power_eV"))
    for quantity, key in ((entropy, "entropy_production_kB_per_ns"), (power, "power_eV_per_ns")):
        measured = quantity[quantity["series"] == "measured"]
        assert list(measured["value"]) == [points[1].to_json()[key], points[0].to_json()[key]]
    exact = entropy[entropy["series"] == "theory"]
    assert (exact["value"] >= 0).all()
    assert exact["kappa_ratio"].iloc[int(exact["value"].argmin())] == pytest.approx(1.2, rel=0.1)
    # Both heats are of one current, so the power changes sign where κ_H = κ_C and where the current does.
    work = power[power["series"] == "theory"]
    between = work["kappa_ratio"].between(1.0, 1.2)
    works = ~np.isclose(work["kappa_ratio"], 1.0) & ~np.isclose(work["kappa_ratio"], 1.2)  # at both, none is done
    assert ((work["value"] < 0) == between)[works].all()


def test_equilibrium_distributions_are_the_gaussians() -> None:
    """Densities sum to one and agree with k_BT/κ and k_BT/m within their errors, those of half the variance would not."""
    figure, data = draw_equilibrium(synthetic_runs(replace(TRUTH, kappa_ratio=None), 10000, 1, seed=54))
    assert len(figure.axes) == 3
    for (side, observable), table in data.groupby(["side", "observable"]):
        width = float(np.diff(table["value"])[0])
        assert (table["density"] * width).sum() == pytest.approx(1.0, abs=2e-3)
        assert (table["gaussian"] * width).sum() == pytest.approx(1.0, abs=1e-3)
        if observable == "difference":
            # Displacements over 1 ps are narrower, as their second difference of the position's correlation has it.
            friction = TRUTH.friction_cold if side == "cold" else TRUTH.friction_hot
            rate = np.array([[0.0, 1.0], [-TRUTH.trap / TRUTH.mass, -friction / TRUTH.mass]])
            expected = 2 * (1 - expm(rate)[0, 0]) * TRUTH.mass / TRUTH.trap
            label = next(text for text in labels_of(figure.axes[2]) if text.startswith(str(side)))
            assert float(label.split(" = ")[1].split(" ±")[0]) == pytest.approx(expected, abs=0.03)
            continue
        # Far bins are visited too seldom for a normal error.
        inner = table[table["gaussian"] > 0.1 * table["gaussian"].max()]
        z = (inner["density"] - inner["gaussian"]) / inner["se"]
        assert (z**2).mean() < 3, observable
        squeezed = np.interp(np.sqrt(2) * inner["value"], table["value"], np.sqrt(2) * table["gaussian"])
        assert (((inner["density"] - squeezed) / inner["se"]) ** 2).mean() > 10, observable


def test_cumulative_flows_start_at_zero_and_follow_their_lines() -> None:
    """One column per point; flows begin at 0, total work is the sum, and each line has the slope that its legend quotes."""
    runs = {r: synthetic_runs(replace(TRUTH, kappa_ratio=r), 2002, 2, seed=53) for r in ("0.17", "4.80")}
    points = [(of_point, point_summary(of_point), power_summary(of_point)) for of_point in runs.values()]
    figure, data = cumulative_flows(points)
    assert len(figure.axes) == 4
    quoted = [label for axes in figure.axes for label in labels_of(axes)]
    taken = {r: np.mean([run.thermostat for run in each], axis=0) / 3 for r, each in runs.items()}
    for (ratio, series, side), curve in data.groupby(["kappa_ratio", "series", "side"]):
        assert curve["flow_eV"].iloc[0] == pytest.approx(0, abs=1e-12)
        assert curve["time_ns"].iloc[-1] == pytest.approx(
            2.002
        )  # the last sample, though only every fourth one is drawn
        rates = np.diff(curve["line_eV"]) / np.diff(curve["time_ns"])
        np.testing.assert_allclose(rates, rates[0], rtol=1e-6)
        name = f"{side}, bare thermostat" if series == "thermostat" else side
        assert any(label.startswith(f"{name}: {rates[0]:.2f} ".replace("-", "−")) for label in quoted)
        if series == "thermostat":
            thermostat = taken[str(ratio)][:, ("cold", "hot").index(side)]
            slope = np.polyfit(np.linspace(0.0, 2.002, len(thermostat)), thermostat, 1)[0]
            assert rates[0] == pytest.approx(slope)
        else:
            assert curve["line_eV"].iloc[-1] == pytest.approx(curve["flow_eV"].iloc[-1])
    works = data[data["series"] == "work"].set_index(["side", "kappa_ratio", "time_ns"])["flow_eV"]
    np.testing.assert_allclose(works["total"], works["cold"] + works["hot"])


def test_friction_figure_holds_all_curves(measured_friction: FrictionResult) -> None:
    """All correlations of both particles are there, further than fitted, and each legend quotes the friction of every line."""
    figure, data = draw_friction(measured_friction)
    assert len(figure.axes) == 6
    assert set(map(tuple, data[["side", "observable"]].to_numpy())) == {
        (side, name) for side in ("cold", "hot") for name in ("position", "velocity", "cross", "difference")
    }
    reach = data.groupby(["side", "observable"])[["lag_ps", "fitted_to_ps"]].max()
    assert (reach["lag_ps"] > 2 * reach["fitted_to_ps"]).all()
    fitted = data[data["lag_ps"] <= data["fitted_to_ps"]]
    for model in ("own", "white"):
        assert np.abs(fitted["correlation"] - fitted[model]).max() < 0.35
    found = measured_friction.axes["xyz"].particles[0].by_method()
    for axes, name in zip(figure.axes[:3], ("position", "velocity", "cross"), strict=True):
        labels = labels_of(axes)
        drawn = [line.get_label() for line in axes.lines if not str(line.get_label()).startswith("_")]
        assert labels == drawn
        assert labels[0].startswith(f"separate fit: {1e12 * FRICTION_SI * found[name].value:.1f} ")
        assert sum("displacements over 1 ps" in label for label in labels) == (name == "velocity")


def with_shells(friction: FrictionResult, shell: Shell | None) -> FrictionResult:
    """The same with the same shell on both particles."""
    cold, hot = (replace(particle, dressed=shell) for particle in friction.axes["xyz"].particles)
    return replace(friction, axes={"xyz": replace(friction.axes["xyz"], particles=(cold, hot))})


def test_fits_are_drawn_as_the_forms_of_their_friction(measured_friction: FrictionResult) -> None:
    """Each line is the exact correlation at the friction that its legend quotes, symbols are those measured, in each panel."""
    cold, hot = (
        Shell((1.3, 0.4, 1.5), np.eye(3) / 9, Estimate(0.31)),
        Shell((0.7, 0.5, 0.9), np.eye(3) / 9, Estimate(0.29)),
    )
    along = measured_friction.axes["xyz"]
    particles = tuple(replace(each, dressed=shell) for each, shell in zip(along.particles, (cold, hot), strict=True))
    result = replace(measured_friction, axes={"xyz": replace(along, particles=(particles[0], particles[1]))})
    figure, _ = draw_friction(result)
    assert figure.get_suptitle() == r"correlations at equilibrium, frictions in $10^{-12}$ kg/s"

    def exact(name: str, lags: NDArray[np.float64], drift: NDArray[np.float64]) -> list[float]:
        """A correlation of the first coordinate and its velocity at these lags, by the exponential of the drift."""
        if name == "difference":
            near, later, sooner = (exact("position", np.abs(lags + shift), drift) for shift in (0.0, 1.0, -1.0))
            (one,) = exact("position", np.ones(1), drift)
            return list((2 * np.array(near) - later - sooner) / (2 * (1 - one)))
        row, column = {"position": (0, 0), "velocity": (1, 1), "cross": (1, 0)}[name]
        scale = math.sqrt(TRUTH.mass / TRUTH.trap) if name == "cross" else 1.0
        return [float(expm(drift * lag)[row, column]) * scale for lag in lags]

    for number, (particle, side) in enumerate(zip(particles, ("cold", "hot"), strict=True)):
        core, shell, mass = (particle.dressed or cold).values
        dressed = np.array(
            [
                [0.0, 1.0, 0.0],
                [-TRUTH.trap / TRUTH.mass, -core / TRUTH.mass, core / TRUTH.mass],
                [0.0, core / mass, -(core + shell) / mass],
            ]
        )
        for axes, name in zip(figure.axes[3 * number :], ("position", "velocity", "cross"), strict=False):
            assert axes.get_xlabel() == ("lag (ps)" if number else "")
            assert axes.get_title(loc="left").startswith(
                f"{side} particle: X" if name != "velocity" else f"{side} particle: V"
            )
            shown = [name, "difference"] if name == "velocity" else [name]
            for measured, series in zip(shown, symbols(axes), strict=True):
                curve = particle.curves[measured]
                np.testing.assert_allclose(
                    series, np.transpose([curve.lag, curve.correlation, np.nan_to_num(curve.se)])
                )
            for label, method, form in (
                ("separate fit: ", name, name),
                ("X and V together", "joint", name),
                *([("separate fit, displacements", "difference", "difference")] if name == "velocity" else []),
            ):
                lags, drawn = line(axes, label)[:, ::40]
                friction = particle.white[method].value
                white = np.array([[0.0, 1.0], [-TRUTH.trap / TRUTH.mass, -friction / TRUTH.mass]])
                np.testing.assert_allclose(drawn, exact(form, lags, white), atol=1e-9)
                (told,) = (str(each.get_label()) for each in axes.lines if str(each.get_label()).startswith(label))
                assert f": {1e12 * FRICTION_SI * friction:.1f} " in told
            # Fits end at the grey line.
            (end,) = (each for each in axes.lines if each.get_linewidth() == 0.6 and each.get_alpha() == 0.6)
            assert list(np.asarray(end.get_xdata(), dtype=float)) == [particle.curves[name].fitted_to] * 2
            assert axes.get_ylabel() == ("normalised correlation" if name == "position" else "")
            lags, drawn = line(axes, "dressed, zero frequency")[:, ::40]
            np.testing.assert_allclose(drawn, exact(name, lags, dressed), atol=1e-6)


def test_structure_figure_draws_what_there_is(measured_friction: FrictionResult) -> None:
    """Each side's own numbers are drawn; a set-up that failed a check gets no reassuring title."""
    layer, sides = AdsorbedLayer(10.0, 3.0, 12.0, Estimate(60.0), Estimate(0.4)), {}
    for number, (side, walls) in enumerate((("cold", (0.0, 10.0)), ("hot", (10.0, 20.0))), start=1):
        around = FluidAround(np.array([9.0, 12.0]), np.array([0.0, 3.0 * number]), np.array([0.0, 0.4 * number]), layer)
        inside, bath = np.array([99.0 * number, 98.0]), np.array([100.0 * number, 101.0])
        metal = MetalTemperature(Estimate(99.0), 100.0, inside, bath)
        density = np.array([1.0 * number, 2.0])
        bulk, kelvin, bar = 2.0 + number, 90.0 + 10 * number, 300.0 + number
        sides[side] = SideStructure(density, walls, 0.8, bulk, 186, 186, 1.25 * number, around, kelvin, bar, metal)
    content = Structure(3, np.array([5.0, 15.0]), 1, sides, np.array([0.0, 1.0]))
    figure, table = draw_structure(content, with_shells(measured_friction, Shell((1.0, 1.0, 1.5), np.eye(3) / 9)))
    assert figure.get_suptitle() == "3 frames: NOT SOUND: see structure.json"
    lines = [line for line in figure.axes[2].lines if "M of" in str(line.get_label())]
    assert [np.asarray(line.get_ydata())[0] for line in lines] == [1.2, 0.6]
    bands = [patch.get_extents().transformed(figure.axes[2].transData.inverted()) for patch in figure.axes[2].patches]
    assert [(band.y0, band.y1) for band in bands[:2]] == [pytest.approx(ends) for ends in ((0.8, 1.6), (0.4, 0.8))]
    panels = figure.axes
    assert [axes.get_title(loc="left") for axes in panels] == [
        "(a) between the walls",
        "(b) around each particle",
        "(c) mass of the fluid",
        "(d) inside the particles",
    ]
    assert {text.get_text() for text in panels[0].texts} == {
        "cold bath\n100.0 K\n301 bar, effective",
        "hot bath\n110.0 K\n302 bar, effective",
    }
    words = [(axes.get_xlabel(), axes.get_ylabel()) for axes in panels]
    assert words == [
        ("x (nm)", "fluid density (nm$^{-3}$)"),
        ("distance r from the centre of mass (nm)", "fluid density (nm$^{-3}$)"),
        ("distance r from the centre of mass (nm)", "fluid within r\n(particle masses)"),
        ("time (ps)", "temperature (K)"),
    ]
    walls_drawn = [np.asarray(each.get_xdata())[0] for each in panels[0].lines if each.get_linewidth() == 2]
    assert walls_drawn == [0.0, 1.0, 1.0, 2.0]
    levels = [np.asarray(each.get_ydata())[0] for each in panels[1].lines if each.get_linestyle() == ":"]
    assert levels == [3.0, 4.0]
    for side, found in content.sides.items():
        colour, own_bath = SIDE_COLOUR[side], slice(0, 1) if side == "cold" else slice(1, 2)
        for axes, x, y in (
            (panels[0], content.x[own_bath] / 10, found.density[own_bath]),
            (panels[1], found.around.radius / 10, found.around.density),
            (panels[2], found.around.radius / 10, found.around.mass_within),
            (panels[3], content.time, found.metal.bath_over_time),
            (panels[3], content.time, found.metal.over_time),
        ):
            own = [np.array(each.get_data(), dtype=float) for each in axes.lines if each.get_color() == colour]
            assert any(
                each.shape == (2, len(x)) and np.allclose(each, np.array([x, y], dtype=float)) for each in own
            ), (
                side,
                axes.get_title(loc="left"),
            )
        assert line(panels[3], f"{side} bath")[1].tolist() == list(found.metal.bath_over_time)
        assert found.metal.over_time is not None
        assert line(panels[3], f"{side} particle")[1].tolist() == list(found.metal.over_time)
        for panel, values in (
            ("along_x", found.density),
            ("radial_density", found.around.density),
            ("fluid_within", found.around.mass_within),
            ("internal", found.metal.over_time),
            ("bath", found.metal.bath_over_time),
        ):
            shown = table[(table["panel"] == panel) & (table["side"] == side)]
            assert values is not None
            assert list(shown["value"]) == list(values), (panel, side)

    older = {
        side: replace(
            found,
            around=replace(found.around, layer=None),
            bulk_density=None,
            metal=replace(found.metal, mean=None, over_time=None),
        )
        for side, found in content.sides.items()
    }
    older_content = replace(content, frames=1, leaked_atoms=0, sides=older)
    figure, table = draw_structure(older_content, with_shells(measured_friction, None))
    assert figure.get_suptitle() == "1 frame: no leaks, no cavity, particles intact"
    assert "internal" not in set(table["panel"])
    assert [text.get_text() for text in figure.axes[3].texts] == ["not measured in this run"]
    # Of baths too small for a search no cavity is ruled out.
    small = {side: replace(found, emptiest_cell=None) for side, found in older.items()}
    figure, _ = draw_structure(replace(older_content, sides=small), with_shells(measured_friction, None))
    assert figure.get_suptitle() == "1 frame: no leaks, particles intact"


def test_saved_files_lie_beside_each_other_and_repeat(tmp_path: Path, measured_friction: FrictionResult) -> None:
    """One call leaves SVG, PNG and CSV; the same data give the same bytes, so reruns change nothing under version control."""
    for folder in ("first", "second"):
        save(*draw_friction(measured_friction), tmp_path / folder / "friction.png")
    for suffix in ("svg", "png", "csv"):
        first, second = ((tmp_path / folder / f"friction.{suffix}").read_bytes() for folder in ("first", "second"))
        assert first == second
    table = pd.read_csv(tmp_path / "first" / "friction.csv")
    assert list(table.columns) == [
        "axes",
        "side",
        "observable",
        "lag_ps",
        "correlation",
        "se",
        "own",
        "white",
        "dressed",
        "fitted_to_ps",
    ]
