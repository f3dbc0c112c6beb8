"""Figures of the other mechanisms draw what their tables hold, and obey the laws of the machines in sign and size."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.container import ErrorbarContainer
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyBboxPatch
from numpy.testing import assert_allclose

from analysis.mechanisms import figures
from analysis.mechanisms.figures import sweep
from analysis.mechanisms.figures.cascaded import EQUAL_RATES
from analysis.mechanisms.figures.comparison import MACHINES
from analysis.mechanisms.figures.direction import ring_of_three
from analysis.mechanisms.figures.ndemon import PUBLISHED as DEMON
from analysis.mechanisms.figures.nonreciprocal import four_baths, three_baths
from analysis.mechanisms.figures.optomechanics import PUBLISHED as CIRCUIT
from analysis.mechanisms.ndemon import cop_of_near_levels
from analysis.mechanisms.nonreciprocal import transient as evolution
from analysis.mechanisms.sweep import NOTE, Course
from tests.unit.drawn import Array, line


def values(data: pd.DataFrame, quantity: str, series: str) -> tuple[Array, Array]:
    """x and value of one curve of a table."""
    rows = data[(data["quantity"] == quantity) & (data["series"] == series)]
    return rows["x"].to_numpy(float), rows["value"].to_numpy(float)


def labelled(axes: Axes, label: str, data: pd.DataFrame, quantity: str, series: str) -> None:
    """Assert that the line of a label is a curve of the table."""
    assert_allclose(line(axes, label), values(data, quantity, series))


def guides(axes: Axes, across: str) -> list[float]:
    """Places of the thin lines from edge to edge, along x or y; 0 is not one."""
    found = []
    for each in axes.lines:
        ends, other = (each.get_xdata(), each.get_ydata()) if across == "x" else (each.get_ydata(), each.get_xdata())
        if list(np.asarray(other, float)) == [0.0, 1.0] and np.ptp(np.asarray(ends, float)) == 0:
            found.append(float(np.asarray(ends, float)[0]))
    return [place for place in found if place]


def hidden(axes: Axes) -> list[str]:
    """Labels of the lines of which a point lies outside the limits of the panel."""
    (left, right), (low, high) = axes.get_xlim(), axes.get_ylim()
    found = []
    for each in axes.lines:
        if each.get_transform() == axes.transData and np.size(each.get_xdata()):
            x, y = np.array(each.get_data(), dtype=float)
            if ((x < left) | (x > right) | (y < low) | (y > high)).any():
                found.append(str(each.get_label()))
    return found


def axis_labels(figure: Figure) -> list[tuple[str, str]]:
    """What the axes of all panels say."""
    return [(axes.get_xlabel(), axes.get_ylabel()) for axes in figure.axes]


def test_direction_of_heat_is_that_of_the_circuit() -> None:
    """At φ = π/2 quanta pass from 1 to 2, as bath 2 gains of a hot bath 1 and hardly the reverse; -φ exchanges both ways."""
    figure, data = figures.heat_direction()
    for axes, name in zip(figure.axes, ("phase", "hopping", "frequency"), strict=False):
        for way in ("1 to 2", "2 to 1"):
            labelled(axes, f"from {way}", data, name, way)
    phase, there = values(data, "phase", "1 to 2")
    _, back = values(data, "phase", "2 to 1")
    assert_allclose(there, back[::-1], atol=1e-9)
    right = np.argmin(np.abs(phase - math.pi / 2))
    assert there[right] > 0.9 > 1e-3 > back[right]
    first, second = (
        replace(CIRCUIT, occupation_m=0.0, occupation_1=1.0),
        replace(CIRCUIT, occupation_m=0.0, occupation_2=1.0),
    )
    assert first.effective().heat_flows()[1] > 100 * abs(second.effective().heat_flows()[0])
    hopping, over_hopping = values(data, "hopping", "1 to 2")
    assert_allclose(over_hopping[np.isclose(hopping, 1.0)], there[right], rtol=1e-6)  # 1 MHz is published
    offset, over_frequency = values(data, "frequency", "1 to 2")
    assert_allclose(over_frequency[np.isclose(offset, 0.0)], there[right], rtol=1e-6)
    for x in offset[::60]:
        passed = np.abs(CIRCUIT.scattering(CIRCUIT.mechanical_frequency + x * CIRCUIT.mechanical_damping)) ** 2
        for way, (to, out_of) in (("1 to 2", (1, 0)), ("2 to 1", (0, 1))):
            assert_allclose(values(data, "frequency", way)[1][offset == x], passed[to, out_of])
    flows = {name: values(data, "router", name)[1] for name in ("hot", "left", "right")}
    for name in flows:
        labelled(figure.axes[3], name, data, "router", name)
    assert_allclose(sum(flows.values()), 0.0, atol=1e-9)
    assert_allclose(flows["left"], flows["right"][::-1], atol=1e-9)
    assert (flows["hot"] < 0).all()
    # With a quarter turn around the ring four fifths go to one side; baths of one occupation exchange nothing.
    quarter = np.argmin(np.abs(phase - math.pi / 2))
    assert max(flows["left"][quarter], flows["right"][quarter]) == pytest.approx(-0.8 * flows["hot"][quarter], rel=1e-3)
    assert_allclose([each[quarter] for each in flows.values()], ring_of_three(float(phase[quarter])).heat_flows())
    assert_allclose(ring_of_three(1.0, occupation=0.1).heat_flows(), 0.0, atol=1e-12)
    assert axis_labels(figure) == [
        (r"phase $\varphi$ of the drives, rad", "transmittance"),
        (r"hopping $J/2\pi$, MHz", "transmittance"),
        (r"frequency, $(\Omega-\omega_m)/\gamma_m$", "transmittance"),
        ("phase around a ring of three modes, rad", r"quanta into bath, $\eta/\kappa$"),
    ]
    # What is published is marked: φ = π/2, and J/2π = 1 MHz with its word beside it.
    marks = [guides(axes, "x") for axes in figure.axes]
    assert marks == [[math.pi / 2], [1.0], [], []]
    (word,) = figure.axes[1].texts
    assert word.get_text() == "published"
    assert word.xy[0] == pytest.approx(1.0, abs=0.1)  # type: ignore[attr-defined]
    for axes in (figure.axes[0], figure.axes[3]):
        told = dict(zip(axes.get_xticks(), [each.get_text() for each in axes.get_xticklabels()], strict=True))
        assert told == {-math.pi: "−π", -math.pi / 2: "−π/2", 0: "0", math.pi / 2: "π/2", math.pi: "π"}


def test_flows_of_the_rectifier_are_drawn_by_bath() -> None:
    """Lines are flows of the effective model and symbols those of the device, over the occupation of bath 1, then of bath 2."""
    figure, data = figures.optomechanics_heat_flows()
    for varied, axes in zip((1, 2), figure.axes, strict=True):
        assert axes.get_xlabel() == rf"$\bar N_{varied}$"
        assert axes.get_title() == rf"$\bar N_{3 - varied}=0$, $\bar N_3=0.5$"
        assert axes.get_ylabel() == (r"quanta into bath, $\eta/\kappa$" if varied == 1 else "")
        for bath in (1, 2, 3):
            rows = data[(data["varied"] == varied) & (data["bath"] == bath)]
            assert_allclose(line(axes, rf"$\eta_{bath}$, effective"), rows[["occupation", "effective_over_kappa"]].T)
            shown = rows[["occupation", "device_over_kappa"]].iloc[::2]
            assert_allclose(line(axes, rf"$\eta_{bath}$, full device"), shown.T)
    one = data[(data["varied"] == 1) & np.isclose(data["occupation"], 2.0)].set_index("bath")["device_over_kappa"]
    expected = replace(CIRCUIT, occupation_1=2.0).heat_flows() / (4e6 * math.pi)
    assert_allclose(one[[1, 2, 3]], expected)
    # A hot first cavity loses quanta to the second one, and a hot second cavity none to the first.
    slopes = data[data["varied"] == 2].pivot_table(index="occupation", columns="bath", values="effective_over_kappa")
    assert np.ptp(slopes[1]) < 1e-3 * np.ptp(slopes[2])
    sums = data.groupby(["varied", "occupation"])[["effective_over_kappa", "device_over_kappa"]].sum()
    assert np.abs(sums["effective_over_kappa"]).max() < 1e-9


def test_band_of_the_rectifier_has_its_limits() -> None:
    """For a wide mechanical band flows and occupation are the effective model's; the spectrum's area is the occupation."""
    figure, data = figures.optomechanics_bandwidth()
    conductance, occupation, spectrum = figure.axes
    for way in ("1 to 2", "2 to 1"):
        labelled(conductance, f"{way}, device", data, "conductance", way)
    labelled(occupation, "rotating wave", data, "occupation_1", "rotating wave")
    words = [r"quanta passed, $\tau/\kappa$", r"$\bar n_1$ at $\bar N_{1,2,3}=10, 0, 0.5$"]
    words += [r"spectrum of oscillator 1, $\kappa S_1(\omega)$"]
    bands = [r"mechanical band, $\gamma_m/\kappa$"] * 2 + [r"$(\omega-\omega_m)/\gamma_m$"]
    assert axis_labels(figure) == list(zip(bands, words, strict=True))
    # The published circuit has a band of 100 Hz and cavities of 2 MHz.
    assert guides(conductance, "x") == guides(occupation, "x") == pytest.approx([100 / 2e6])
    for frequency in ("3", "100", "10000"):
        label = rf"full, $\omega_m/\kappa={float(frequency):g}$"
        labelled(occupation, label, data, "occupation_1", f"full, {float(frequency):g}")
    # Counter-rotation warms the oscillator the less, the faster the resonator is; where it is slow it is far from cold.
    warmth = [values(data, "occupation_1", f"full, {w:g}")[1][40] for w in (3.0, 100.0, 1e4)]
    assert warmth[0] > warmth[1] > warmth[2]
    labelled(spectrum, "device", data, "spectrum", "device")
    labelled(spectrum, "effective model", data, "spectrum", "effective")
    machine = replace(EQUAL_RATES, phase=math.pi / 2, occupation_1=10.0)
    exact = machine.conductances()
    assert_allclose(line(conductance, "1 to 2, effective")[1], exact[1, 0])
    # A wide band passes from 1 to 2 what the effective model does, and hardly anything back.
    there, back = (values(data, "conductance", way)[1][-1] for way in ("1 to 2", "2 to 1"))
    assert there == pytest.approx(exact[1, 0], rel=1e-2)
    assert back < 1e-3 * there
    assert_allclose(line(occupation, "effective")[1], machine.occupations()[0])
    x, kept = values(data, "occupation_1", "rotating wave")
    assert kept[x < 1e-4] == pytest.approx(machine.occupations()[0], rel=1e-2) or kept[x > 1e4] == pytest.approx(
        machine.occupations()[0], rel=1e-2
    )
    # Its title says N̄ = 0, 10, 0.5.
    assert spectrum.get_title() == r"published circuit, $\bar N_{1,2,3}=0, 10, 0.5$"
    effective = replace(CIRCUIT, occupation_1=0.0, occupation_2=10.0, occupation_m=0.5).effective()
    offset, power = values(data, "spectrum", "effective")
    area = np.trapezoid(power, offset) * CIRCUIT.mechanical_damping / CIRCUIT.loss_1 / (2 * math.pi)
    assert area == pytest.approx(effective.occupations()[0], rel=0.02)
    # On resonance the device has the same.
    centre = np.argmin(np.abs(offset))
    _, seen = values(data, "spectrum", "device")
    assert seen[centre] == pytest.approx(power[centre], rel=0.02)
    # Beyond the mechanical band the hopping brings the quanta of the hot second cavity, N̄₂ = 10 of them.
    hot = replace(CIRCUIT, occupation_1=0.0, occupation_2=10.0, occupation_m=0.5)
    shown = [int(np.argmin(np.abs(offset - x))) for x in (-3e4, -30.0, 30.0, 1e3)]
    at = CIRCUIT.mechanical_frequency + offset[shown] * CIRCUIT.mechanical_damping
    assert_allclose(seen[shown], hot.occupation_spectrum(at)[:, 0] * CIRCUIT.loss_1)
    assert seen[shown[2]] > 5


def test_networks_keep_their_laws() -> None:
    """A cascade cools up to c^(n-1), the middle bath gets nothing, four do no work, a ring passes on what is forward."""
    figure, data = figures.nonreciprocal_networks()
    cascade, heats, ring, transient = figure.axes
    for n in (2, 3, 4):
        total, cooling = values(data, "cooling", f"{n} particles")
        labelled(cascade, f"{n} particles", data, "cooling", f"{n} particles")
        assert (cooling[total < 0.99 * 2 ** (n - 1)] > 0).all()
        assert (cooling[total > 1.01 * 2 ** (n - 1)] < 0).all()
    temperature, three = values(data, "heat_of_three", "heat")
    assert list(temperature) == [100.0, 150.0, 200.0]
    assert three[0] < 0 < three[2]
    assert abs(three[1]) < 1e-9 * three[2]
    assert_allclose(three, 1e3 * three_baths().heat_rates())
    temperature, four = values(data, "heat_of_four", "heat")
    assert list(temperature) == [100.0, 200.0, 600.0, 700.0]
    assert four[0] < 0 < four[3]
    assert abs(four.sum()) < 1e-9 * np.abs(four).max()
    assert_allclose(four, 1e3 * four_baths().heat_rates())
    for name, drawn in (("three baths", three), ("four baths", four)):
        assert_allclose(line(heats, name)[1], drawn)
    ratio, passed = values(data, "ring", "passed on, 1 to 2")
    _, warmth = values(data, "ring", "heat into each bath")
    assert_allclose(passed, -passed[::-1], atol=1e-9)
    assert_allclose(warmth, warmth[::-1], atol=1e-9)
    assert (warmth > -1e-12).all()
    assert warmth[np.isclose(ratio, 1.0)] == pytest.approx(0.0, abs=1e-9)
    assert len(set(np.sign(passed[ratio > 1.01]))) == 1
    for label in ("passed on, 1 to 2", "heat into each bath"):
        labelled(ring, label, data, "ring", label)
    for kelvin, steady in zip((100, 150, 200), three, strict=True):
        time, heat = values(data, "transient", f"{kelvin} K")
        labelled(transient, f"{kelvin} K", data, "transient", f"{kelvin} K")
        assert (time[0], time[-1]) == (0.0, 60.0)
        assert heat[-1] == pytest.approx(steady, abs=0.02)
        # Points are so dense that straight lines between them miss the heat by no more than 2 % of its largest value.
        between = (time[1:] + time[:-1]) / 2
        exact = 1e3 * evolution(three_baths(), between).heat[:, (100, 150, 200).index(kelvin)]
        assert np.abs((heat[1:] + heat[:-1]) / 2 - exact).max() < 0.02 * np.abs(heat).max()
    assert axis_labels(figure) == [
        (r"$T_\mathrm{hottest}/T_\mathrm{coldest}$", "heat out of the coldest bath, eV/ns"),
        ("temperature of the bath, K", "heat into the bath, eV/ns"),
        ("coupling forward over backward", "eV/ns"),
        ("time after the couplings are switched on, ps", "heat into the bath, eV/ns"),
    ]
    # Dots lie where a cascade of n particles stops to cool, c^(n-1); arrows where the transient ends.
    dots = [each for each in cascade.lines if each.get_marker() == "o"]
    assert [float(np.asarray(each.get_xdata())[0]) for each in dots] == [2.0, 4.0, 8.0]
    assert [float(np.asarray(each.get_ydata())[0]) for each in dots] == [0.0, 0.0, 0.0]
    arrows = [each for each in transient.lines if each.get_marker() == "<"]
    assert_allclose([np.asarray(each.get_ydata(), float)[0] for each in arrows], three)
    lines = [next(each for each in transient.lines if each.get_label() == f"{kelvin} K") for kelvin in (100, 150, 200)]
    assert [each.get_color() for each in arrows] == [each.get_color() for each in lines]
    # Stems end at the symbols, at the temperatures of the baths.
    stems = [segment for each in heats.collections for segment in each.get_segments()]  # type: ignore[attr-defined]
    both = [*zip((100.0, 150.0, 200.0), three, strict=True), *zip((100.0, 200.0, 600.0, 700.0), four, strict=True)]
    assert_allclose(stems, [[(kelvin, 0.0), (kelvin, heat)] for kelvin, heat in both])
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert titles == [
        r"cascade of refrigerators, $c_{i+1,i}=2\,c_{i,i+1}$",
        "from the coldest bath to the hottest",
        "ring of three, all baths at 100 K",
        "three baths, transient; arrows: steady state",
    ]


def test_power_of_the_ndemon_is_in_units_of_its_width() -> None:
    """ε̇_h in Γε₁/h, whatever the width Γ is; each line of both panels is that of its ε₄."""
    figure, data = figures.ndemon()
    cop, power = figure.axes
    for level in (1.45, 1.4, 1.25, 1.1, 1.7):
        rows = data[data["level_4"] == level]
        for axes, column in ((cop, "cop"), (power, "power")):
            assert_allclose(line(axes, rf"$\varepsilon_4={level:g}$"), rows[["temperature_ratio", column]].T)
        row = rows.iloc[100]
        at = replace(DEMON, levels_cold=(1.5, level), temperature_cold=float(row["temperature_ratio"]), width=1e-5)
        assert row["power"] == pytest.approx(at.power() / 1e-5, rel=1e-9)
        assert row["cop"] == pytest.approx(at.cop(), rel=1e-9)
        assert row["carnot_cop"] == pytest.approx(row["temperature_ratio"] / (1 - row["temperature_ratio"]))
    ratio, carnot = line(cop, "Carnot")
    assert_allclose(carnot, ratio / (1 - ratio))
    # The limit of near levels has its line too, and each machine a mark at the temperature at which it begins to cool.
    ratio, near = line(cop, r"$\varepsilon_4\to")
    assert_allclose(near[::60], [cop_of_near_levels(1.0, each) for each in ratio[::60]])
    starts = data.groupby("level_4", sort=False)["temperature_ratio"].min()
    for axes in (cop, power):
        marks = [each for each in axes.lines if each.get_marker() == "|" and np.size(each.get_xdata())]
        assert_allclose([np.asarray(each.get_xdata(), float)[0] for each in marks], starts)
    assert axis_labels(figure) == [
        (r"$T_c/T_h$", r"coefficient of performance, $\dot\varepsilon_h/T_h\dot S_l$"),
        (r"$T_c/T_h$", r"power $\dot\varepsilon_h$, $\Gamma\varepsilon_1/h$"),
    ]


def test_compared_machines_are_drawn_as_their_table_says() -> None:
    """Powers are over the largest, published points bear their own temperature ratio, measured ones their errors."""
    figure, data = figures.comparison()
    trade, half = figure.axes
    assert trade.get_title(loc="left") == "$T_c/T_h=0.833$"
    assert half.get_title(loc="left") == "at half of the largest cooling power"
    assert axis_labels(figure) == [
        ("cooling power over the largest one", "coefficient of performance over Carnot's"),
        (r"$T_c/T_h$", ""),
    ]
    assert [guides(axes, "y") for axes in (trade, half)] == [[1.0], [1.0]]
    assert not hidden(trade)
    assert not hidden(half)
    for number, machine in enumerate(MACHINES):
        rows = data[data["machine"] == machine.label]
        traded, halves = (rows[rows["series"] == name] for name in ("trade-off", "half power"))
        assert_allclose(line(trade, machine.label), traded[["power_over_largest", "cop_over_carnot"]].T)
        assert traded["power_over_largest"].max() == pytest.approx(1.0)
        assert_allclose(
            [each for each in curves_of_any_style(half) if each.shape[1] == 12][number],
            halves[["temperature_ratio", "cop_over_carnot"]].T,
        )
        power, performance = machine.trade_off(0.99)
        top = int(np.argmax(power)) + 1
        assert halves["cop_over_carnot"].iloc[-1] == pytest.approx(np.interp(0.5, power[:top], performance[:top]))
    assert [text.get_text() for text in trade.texts] == ["0.5", "0.6", "0.026"]
    published = data[data["series"] == "published"]
    marks = [each for each in trade.lines if each.get_marker() == "o" and np.size(each.get_xdata()) == 1]
    assert_allclose(
        [np.array(each.get_data(), dtype=float)[:, 0] for each in marks],
        published[["power_over_largest", "cop_over_carnot"]],
    )
    assert [each.get_markerfacecolor() != "white" for each in marks] == [True, False, False, False]
    measured = data[data["series"] == "measured"]
    assert (measured["machine"] == MACHINES[0].label).all()
    table = pd.read_csv(Path(figures.__file__).with_name("measured.csv"))
    cools = table[table["heat_cold_eV_per_ns"] < -table["heat_cold_se"]]
    cools = cools[cools["power_eV_per_ns"] > 0]
    assert len(measured) == len(cools)
    # Over the largest cooling of the exact pair, at κ_H/κ_C = 3.79, 0.297 eV/ns.
    shares = -cools["heat_cold_eV_per_ns"] / measured["power_over_largest"].to_numpy()
    assert_allclose(shares, shares.iloc[0])
    assert shares.iloc[0] == pytest.approx(0.297, abs=2e-3)
    assert_allclose(measured["power_error"], cools["heat_cold_se"] / shares)
    carnot = measured["cop_over_carnot"].to_numpy() * 5
    assert_allclose(carnot, -cools["heat_cold_eV_per_ns"] / cools["power_eV_per_ns"], rtol=0.05)
    drawn_bars = [
        each.lines[2] for each in trade.containers if isinstance(each, ErrorbarContainer) and len(each.lines[2]) == 2
    ]
    for number, (across, along) in enumerate(drawn_bars):
        row = measured.iloc[number]
        ((left, right),), ((low, high),) = across.get_segments(), along.get_segments()
        assert_allclose((right[0] - left[0]) / 2, row["power_error"])
        assert_allclose((high[1] - low[1]) / 2, row["cop_error"])
        assert_allclose((right + left) / 2, row[["power_over_largest", "cop_over_carnot"]].astype(float))
    assert len(drawn_bars) == len(measured)


def curves_of_any_style(axes: Axes) -> list[Array]:
    """All lines with more than two points."""
    return [np.array(each.get_data(), dtype=float) for each in axes.lines if np.size(each.get_xdata()) > 2]


def test_flows_through_one_level_are_drawn_by_reservoir() -> None:
    """Particles follow the difference of Fermi's functions; heat of each reservoir is its particles times ω - μ."""
    figure, data = figures.fermi_windows()
    potentials = (20.8, 18.0)
    for axes, temperatures in zip(figure.axes, ((0.8, 1.2), (1.2, 0.8)), strict=True):
        assert axes.get_title() == rf"$T_1={temperatures[0]}$, $T_2={temperatures[1]}$"
        assert axis_labels(figure) == [(r"level $\omega/\hat T$", r"flow out of a reservoir, $10^{-4}$")] * 2
        # Both μ and the frequency at which (ω - μ)/T is the same for both are named where their lines stand.
        crossing = (potentials[0] / temperatures[0] - potentials[1] / temperatures[1]) / (
            1 / temperatures[0] - 1 / temperatures[1]
        )
        marks = {r"$\mu_1$": potentials[0], r"$\mu_2$": potentials[1], r"$\tilde\omega$": crossing}
        told = {each.get_text(): each.xy[0] for each in axes.texts}  # type: ignore[attr-defined]
        assert told == pytest.approx(marks)
        assert guides(axes, "x") == pytest.approx(list(marks.values()))
        level, particles = line(axes, r"$\bar P_1")
        fermi = [1 / (np.exp((level - mu) / t) + 1) for t, mu in zip(temperatures, potentials, strict=True)]
        rate = 1e-4 * np.sqrt(level)
        assert_allclose(particles, 1e4 * rate / 2 * (fermi[0] - fermi[1]), rtol=1e-6, atol=1e-12)
        for label, sign, mu in ((r"$\bar Y_1", 1, potentials[0]), (r"$\bar Y_2", -1, potentials[1])):
            assert_allclose(line(axes, label)[1], sign * (level - mu) * particles, rtol=1e-6, atol=1e-12)
        rows = data[data["temperature_1"] == temperatures[0]]
        for row in rows.to_dict("records"):
            inside = (level > row["low"] + 1e-6) & (level < row["high"] - 1e-6)
            assert (np.sign(particles[inside]) == row["particles_1"]).all()
            assert (np.sign(line(axes, r"$\bar Y_1")[1][inside]) == row["heat_1"]).all()


@pytest.mark.parametrize("name", ["fermi_crossings", "fermi_many"])
def test_evolutions_are_drawn_in_their_panels(name: str) -> None:
    """Temperatures left, chemical potentials beside them, each reservoir by its own line, toward its equilibrium."""
    figure, data = getattr(figures, name)()
    groups = [
        rows for _, rows in data.groupby(data.columns[-1] if "start" in data.columns[-1] else "reservoirs", sort=False)
    ]
    width = 3 if name == "fermi_crossings" else 2
    for place, rows in enumerate(groups):
        temperature, potential = figure.axes[width * place : width * place + 2]
        for axes, quantity, word in (
            (temperature, "temperature", "temperature"),
            (potential, "chemical_potential", "chemical"),
        ):
            assert (
                axes.get_ylabel()
                == {
                    "temperature": r"temperature $T/\hat T$",
                    "chemical": r"chemical potential $\mu/\hat T$",
                }[word]
            )
            assert axes.get_xlabel() == r"time, $AV/\hat T$"
            (end,) = {
                float(np.asarray(each.get_ydata())[0]) for each in axes.lines if each.get_label() == "equilibrium"
            }
            count = rows[[f"{quantity}_{j}" for j in range(1, 6) if f"{quantity}_{j}" in rows]].notna().any().sum()
            for j in range(1, count + 1):
                told = rows[["time", f"{quantity}_{j}"]].iloc[1:]
                assert_allclose(line(axes, f"reservoir {j}"), told.T)
                first, last = rows[f"{quantity}_{j}"].iloc[[0, -1]]
                assert abs(last - end) < 0.02 * max(abs(first - end), 0.01 * abs(end)) + 1e-6
        assert (rows["clausius"] < 1e-12).all()
        assert rows["time"].is_monotonic_increasing


def test_cooling_of_reservoirs_is_drawn_with_its_checks() -> None:
    """Lines of the expansion, dots of the full integrals, small reservoirs apart; the first cools to 0.615 times its start."""
    figure, data = figures.fermi_cooling()
    temperature, potential, small = figure.axes
    large = data[data["levels"] == "at once"]
    sommerfeld, exact = (large[large["equation_of_state"] == name] for name in ("sommerfeld", "exact"))
    for axes, quantity in ((temperature, "temperature"), (potential, "chemical_potential")):
        for j in (1, 2):
            assert_allclose(line(axes, f"reservoir {j}"), sommerfeld[["time", f"{quantity}_{j}"]].iloc[1:].T)
            dots = [each for each in axes.lines if each.get_marker() == "." and np.size(each.get_xdata()) > 2][j - 1]
            assert_allclose(np.array(dots.get_data(), float), exact[["time", f"{quantity}_{j}"]].iloc[1::16].T)
    assert sommerfeld["temperature_1"].min() == pytest.approx(0.6 * 0.615, abs=0.002)
    assert (sommerfeld["temperature_1"].iloc[0], sommerfeld["temperature_2"].iloc[0]) == pytest.approx((0.6, 1.0))
    assert exact["temperature_1"].min() == pytest.approx(sommerfeld["temperature_1"].min(), rel=0.03)
    for name in ("empty", "stationary", "full"):
        rows = data[data["levels"] == name]
        assert_allclose(line(small, name), rows[["time", "temperature_1"]].iloc[1:].T)
    assert axis_labels(figure)[2] == (r"time, $AV/\hat T$", r"temperature of reservoir 1, $T/\hat T$")
    legend = small.get_legend()
    assert legend is not None
    assert legend.get_title().get_text() == "$AV=1$, levels at start"
    # The large reservoirs stand beside the small ones, as a line without a name.
    own = next(each for each in small.lines if str(each.get_label()).startswith("_"))
    assert_allclose(np.array(own.get_data(), float), sommerfeld[["time", "temperature_1"]].iloc[1:].T)
    # All levels are drawn, and ω̃, where (ω - μ)/T is the same for both, away from the equilibrium.
    drawn = [float(np.asarray(each.get_ydata())[0]) for each in potential.lines if each.get_linewidth() == 0.5]
    assert drawn == [21.1, 21.5]
    crossing = line(potential, r"$\tilde\omega$")[1]
    t, mu = (
        sommerfeld[[f"{name}_1", f"{name}_2"]].iloc[1:].to_numpy().T for name in ("temperature", "chemical_potential")
    )
    expected = (mu[0] / t[0] - mu[1] / t[1]) / (1 / t[0] - 1 / t[1])
    shown = np.isfinite(crossing)
    assert shown[: len(shown) // 2].all()
    assert_allclose(crossing[shown], expected[shown], rtol=1e-6)


def test_noise_of_the_cascade_is_drawn_by_bath() -> None:
    """Thick lines are variances and thin ones means; means add up to nothing, and without flow the product is 2 at most."""
    figure, data = figures.cascaded_counting()
    noise, product = figure.axes
    means = []
    for bath in (1, 2, 3):
        labelled(noise, rf"variance, $\eta_{bath}$", data, "variance", f"eta_{bath}")
        mean, variance = (values(data, quantity, f"eta_{bath}")[1] for quantity in ("mean", "variance"))
        thin = [each for each in noise.lines if each.get_linewidth() == 0.7][bath - 1]
        assert_allclose(np.asarray(thin.get_ydata(), float), mean)
        assert (variance > np.abs(mean)).all()
        flow = [replace(EQUAL_RATES, occupation_1=n).heat_flows()[bath - 1] for n in (0.0, 5.0)]
        assert_allclose(mean[[0, -1]], flow)
        means.append(mean)
    assert_allclose(np.sum(means, axis=0), 0.0, atol=1e-9)
    assert not hidden(noise)
    assert not hidden(product)
    assert axis_labels(figure) == [
        (r"$\bar N_1$", r"quanta per $1/\kappa$"),
        (r"$|F|/\kappa$", r"smallest variance $\times$ entropy / mean$^2$"),
    ]
    assert [axes.get_title() for axes in figure.axes] == [r"$\bar N_2=0$, $\bar N_3=0.5$", "near equilibrium"]
    assert guides(product, "y") == pytest.approx([2.0, 15 / 8], rel=1e-3)
    assert {each.get_text() for each in product.texts} == {"reciprocal: 2", "F = 0: 15/8"}
    for name in ("real", "positive imaginary", "negative imaginary"):
        size, least = values(data, "least_uncertainty_product", name)
        labelled(product, f"F {name}", data, "least_uncertainty_product", name)
        assert least[0] == pytest.approx(15 / 8, abs=0.02)
        assert (least <= 2 + 1e-9).all()
        assert size[0] == pytest.approx(0.01)


@pytest.mark.parametrize("draw", [figures.ndemon_schematic, figures.cascaded_schematic])
def test_names_of_parts_stand_within_their_boxes(draw: Any) -> None:
    """No word of a part reaches beyond its box or circle, whose middle it has."""
    figure, _ = draw()
    figure.canvas.draw()
    shapes = 0
    for axes in figure.axes:
        for patch in axes.patches:
            if isinstance(patch, FancyBboxPatch | Circle):
                box = patch.get_window_extent()
                middle = np.mean([box.min, box.max], axis=0)
                words = [text.get_window_extent() for text in axes.texts]
                own = [word for word in words if np.abs(np.mean([word.min, word.max], axis=0) - middle).max() < 3]
                assert own
                assert all(box.x0 <= word.x0 and word.x1 <= box.x1 for word in own)
                assert all(box.y0 <= word.y0 and word.y1 <= box.y1 for word in own)
                shapes += 1
    assert shapes == {figures.ndemon_schematic: 12, figures.cascaded_schematic: 15}[draw]


def test_links_of_the_schematics() -> None:
    """Who is linked to whom, by what, and whether one way or both."""
    figure, links = figures.ndemon_schematic()
    assert [axes.get_title(loc="left") for axes in figure.axes] == list(dict.fromkeys(links["panel"]))
    # Hot stands left of the demon and cold right of it, each between its levels and with its temperature.
    places = {text.get_text().split("\n")[0]: text.get_position() for text in figure.axes[1].texts}
    order = ["hot", r"$\varepsilon_1$", "N-demon", r"$\varepsilon_3$", "cold"]
    assert [places[name][0] for name in order] == sorted(places[name][0] for name in order)
    assert {"hot\n$T_h,\\ \\mu_0$", "cold\n$T_c,\\ \\mu_0$"} <= {text.get_text() for text in figure.axes[1].texts}
    assert links[links["panel"] != "the N-demon"][["from", "to", "what", "ways"]].to_numpy().tolist() == [
        ["reservoir 1", "system", "", "both ways"],
        ["reservoir r", "system", "particles, heat", "both ways"],
        ["nonthermal l", "system", "", "both ways"],
        ["system", "device", "work", "both ways"],
    ]
    assert links[links["panel"] == "the N-demon"]["what"].tolist() == ["level 1", "level 2", "level 3", "level 4"]
    figure, links = figures.cascaded_schematic()
    assert [axes.get_title(loc="left") for axes in figure.axes] == list(dict.fromkeys(links["panel"]))
    told = {
        panel: {(row["from"], row["to"]): (row["what"], row["ways"]) for row in rows.to_dict("records")}
        for panel, rows in links.groupby("panel")
    }
    own = {
        ("oscillator 1", "bath 1"): (r"\kappa_1", "both ways"),
        ("oscillator 2", "bath 2"): (r"\kappa_2", "both ways"),
    }
    assert told["cascade"] == own | {
        ("oscillator 1", "oscillator 2"): (r"\sqrt{\gamma_1\gamma_2}", "one way"),
        ("input", "oscillator 1"): (r"\bar N_3", "one way"),
        ("oscillator 2", "output"): ("", "one way"),
    }
    assert told["hopping and a common bath"] == own | {
        ("oscillator 1", "oscillator 2"): ("hopping", "both ways"),
        ("bath 3", "oscillator 1"): (r"\gamma_1", "both ways"),
        ("bath 3", "oscillator 2"): (r"\gamma_2 e^{i\phi}", "both ways"),
    }
    assert told["circuit"] == {
        ("cavity 1", "cavity 2"): ("J", "both ways"),
        ("cavity 1", "resonator"): ("G_1", "both ways"),
        ("cavity 2", "resonator"): (r"G_2e^{i\phi}", "both ways"),
        ("cavity 1", "bath 1"): (r"\kappa_1", "both ways"),
        ("cavity 2", "bath 2"): (r"\kappa_2", "both ways"),
        ("resonator", "bath m"): (r"\gamma_m", "both ways"),
    }


@pytest.mark.parametrize("lines", [False, True])
def test_a_sweep_is_drawn_as_its_table_says(lines: bool) -> None:
    """Each quantity in its panel, a line for each value of the second parameter, with its bound; no unsolved point."""
    table = pd.DataFrame(
        {
            "strength": [1.0, 2.0, 3.0, 1.0, 2.0, 3.0],
            "width": [5.0, 5.0, 5.0, 7.0, 7.0, 7.0],
            "cooling": [0.1, 0.2, 0.3, 0.4, 0.5, 0.6],
            "cop": [1.0, 2.0, np.nan, 3.0, 4.0, 5.0],
            "bound": [2.0, 3.0, 4.0, 5.0, 6.0, 7.0],
            "cop_over_bound": [0.5, 2 / 3, np.nan, 0.6, 2 / 3, 5 / 7],
            "efficiency": [np.nan] * 6,
            "entropy_production": [11.0, 12.0, 13.0, 14.0, 15.0, 16.0],
            "uncertainty_product": [21.0, 22.0, 23.0, 24.0, 25.0, 26.0],
            "heat_cold_bath": [-0.1, -0.2, -0.3, -0.4, -0.5, -0.6],
            "heat_hot": [1.1, 1.2, 1.3, 1.4, 1.5, 1e-20],
            "unit": ["eV/ns"] * 6,
            NOTE: ["", "", "", "", "", ""],
        }
    )
    unsolved = table.iloc[:1].assign(strength=9.0, cooling=99.0)
    unsolved[NOTE] = "none"
    second = "width" if lines else None
    shown = table if lines else table.iloc[:3]
    figure = sweep.performance(pd.concat([shown, unsolved]), "strength", second, logarithmic=True)
    panels = [axes for axes in figure.axes if axes.axison]
    names = ["cooling", "cop", "cop_over_bound", "entropy_production", "uncertainty_product"]
    words = ["cooling power,\neV/ns", "coefficient of performance", "COP over its bound"]
    assert [axes.get_ylabel() for axes in panels[:3]] == words
    assert panels[3].get_ylabel() == "entropy production,\n$k_B$ per time"
    assert panels[4].get_ylabel() == "variance × entropy\n/ mean² of the cooling"
    assert panels[4].get_yscale() == "log"
    groups = [rows for _, rows in shown.groupby("width")]
    for axes, name in zip(panels, names, strict=True):
        assert axes.get_xlabel() == "strength"
        assert axes.get_xscale() == "log"
        drawn = [each for each in axes.lines if np.size(each.get_xdata()) == 3]
        main = [each for each in drawn if each.get_alpha() is None]
        for rows, each in zip(groups, main, strict=True):
            assert_allclose(np.array(each.get_data(), float), rows[["strength", name]].T)
        bounds = [each for each in drawn if each.get_alpha() is not None]
        assert len(bounds) == (len(groups) if name == "cop" else 0)
        for rows, each in zip(groups, bounds, strict=False):
            assert_allclose(np.array(each.get_data(), float)[1], rows["bound"].where(rows["cop"].notna()))
    if lines:
        assert [each.get_label() for each in panels[0].lines if np.size(each.get_xdata()) == 3] == ["5", "7"]
    figure = sweep.currents(pd.concat([shown, unsolved]), "strength", second)
    panels = [axes for axes in figure.axes if axes.axison]
    baths = ["cold_bath", "hot"]
    for bath in baths:
        axes = panels[baths.index(bath)] if lines else panels[0]
        assert axes.get_ylabel() == f"heat into {bath.replace('_', ' ') if lines else 'bath'},\neV/ns"
        for number, rows in enumerate(groups):
            label = f"{rows['width'].iloc[0]:g}" if lines else bath
            expected = rows[f"heat_{bath}"].where(rows[f"heat_{bath}"].abs() > 1e-15, 0.0)
            assert_allclose(line(axes, label)[1], expected), number


@pytest.mark.parametrize("second", [None, "width"])
def test_a_sweep_without_any_solution_is_drawn_empty(second: str | None) -> None:
    """Its figures exist, as the workflow asks for them, and have no line but that of zero."""
    table = pd.DataFrame({"strength": [1.0, 2.0], "width": [5.0, 7.0], NOTE: ["none", "none"]})
    for draw in (sweep.currents, sweep.performance):
        figure = draw(table, "strength", second)
        assert not [each for axes in figure.axes for each in axes.lines if each.get_linewidth() > 0.6]


def test_a_logarithmic_range_of_negative_values_is_evenly_spaced() -> None:
    """As one of positive values is: steps of equal factors have equal lengths in the picture, with the values growing."""
    for sign in (1.0, -1.0):
        strength = sign * np.array([0.01, 0.1, 1.0, 10.0])
        table = pd.DataFrame({"strength": strength, "heat_hot": 1.0, "cooling": -1.0, "unit": "W", NOTE: ""})
        for draw in (sweep.currents, sweep.performance):
            axes = draw(table, "strength", logarithmic=True).axes[0]
            across = axes.transData.transform(np.column_stack([strength, np.zeros(4)]))[:, 0]
            assert_allclose(np.diff(across), np.diff(across)[0])
            assert np.sign(across[1] - across[0]) == sign
            left, right = axes.get_xlim()
            assert left < strength.min() < strength.max() < right


def test_a_course_is_drawn_and_told_by_quantity() -> None:
    """A panel for each quantity, a line for each part, times in their unit; the table names both."""
    time = np.array([0.0, 1.0, 2.0])
    series = {
        "temperature": {"cold": np.array([1.0, 2.0, 3.0]), "hot": np.array([4.0, 5.0, 6.0])},
        "heat": {"cold": np.array([7.0, 8.0, 9.0]), "hot": np.array([10.0, 11.0, 12.0])},
    }
    for logarithmic in (False, True):
        figure = sweep.course(Course(time, series, "ps", logarithmic))
        for axes, (quantity, parts) in zip(figure.axes, series.items(), strict=False):
            assert (axes.get_xlabel(), axes.get_ylabel()) == ("time, ps", quantity)
            for name, told in parts.items():
                assert_allclose(line(axes, name), [time[logarithmic:], told[logarithmic:]])
    table = Course(time, series, "ps").table()
    assert list(table.columns) == ["time", "quantity", "series", "value"]
    for quantity, parts in series.items():
        for name, told in parts.items():
            rows = table[(table["quantity"] == quantity) & (table["series"] == name)]
            assert_allclose(rows[["time", "value"]].T, [time, told])


@pytest.mark.parametrize(("count", "columns"), [(1, 1), (2, 2), (3, 3), (4, 2), (5, 3), (6, 3)])
def test_panels_leave_few_places_empty(count: int, columns: int) -> None:
    """Panels stand in rows of at most three, and two by two if there are four."""
    series = {f"quantity {number}": {"one": np.array([1.0, 2.0])} for number in range(count)}
    figure = sweep.course(Course(np.array([1.0, 2.0]), series, "ps"))
    assert sum(axes.axison for axes in figure.axes) == count
    figure.canvas.draw()
    rows = {round(axes.get_position().y0, 2) for axes in figure.axes if axes.axison}
    assert len(rows) == -(-count // columns)
