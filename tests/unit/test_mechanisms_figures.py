"""Figures of the other mechanisms: all are reachable, and their numbers keep the laws that they show."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

from analysis.mechanisms import figures
from analysis.mechanisms.figures.cascaded import EQUAL_RATES, _clipped
from analysis.mechanisms.figures.comparison import MACHINES
from analysis.mechanisms.figures.fermi_reservoirs import COOLING

RULES = Path(__file__).parents[2] / "workflow/rules/mechanisms.smk"


def test_target_makes_every_figure() -> None:
    """`snakemake mechanisms` names each figure function once, and no other."""
    named = re.findall(r'"(\w+)"', "".join(re.findall(r"^MECHANISMS \+?= .*$", RULES.read_text(), re.MULTILINE)))
    assert sorted(named) == sorted(figures.__all__)
    assert len(set(named)) == len(named)


def test_ndemon_stays_below_its_limits() -> None:
    """Every drawn point lies below Carnot and the limit of near levels, cools, and starts at the least temperature."""
    figure, data = figures.ndemon()
    assert len(figure.axes) == 2
    inside = data["temperature_ratio"] < 1
    assert (data["cop"] < data["cop_of_near_levels"]).all()
    assert (data["cop"][inside] < data["carnot_cop"][inside]).all()
    assert (data["power"] > 0).all()
    starts = data.groupby("level_4")["temperature_ratio"].min()
    assert_allclose(starts[[1.1, 1.25, 1.4, 1.45, 1.7]], [0.3919, 0.2836, 0.1387, 0.0720, 0.2616], atol=1e-4)


def test_compared_machines_leave_carnot_as_they_cool() -> None:
    """Each knob goes from Carnot's performance at no power; performance then only falls, and never is negative."""
    for machine in MACHINES:
        for ratio in (0.4, 0.9):
            power, performance = machine.trade_off(ratio)
            assert power[0] < 1e-3
            assert 0.98 < performance[0] <= 1
            assert (np.diff(performance) < 0).all()
            assert (performance > 0).all()
    nanodemon = MACHINES[0]
    power, performance = nanodemon.trade_off(100 / 120)
    # The largest cooling, at κ_H/κ_C = 3.79, has the performance 1/2.79 of Carnot's 5.
    assert_allclose(performance[power.argmax()], 1 / 2.79 / 5, rtol=0.05)


def test_published_points_are_at_their_own_temperatures() -> None:
    """What a paper has is marked at the temperature ratio of that paper: power over the largest, and share of Carnot's COP."""
    published = {machine.label.split(",")[0]: machine.as_published() for machine in MACHINES}
    assert_allclose(published["fermionic reservoirs"][1], 0.042, atol=5e-4)
    flows = COOLING.flows(COOLING.temperatures, COOLING.chemical_potentials)
    both = flows.heat[0] / (COOLING.chemical_potentials @ flows.particles)
    assert_allclose(both / 1.5, 0.063, atol=5e-4)  # through both levels of the publication
    assert_allclose(published["driven cavities"][1], 0.045, atol=5e-4)
    assert_allclose(published["N-demon"][1], 0.177, atol=5e-4)
    ratios = [machine.published_ratio for machine in MACHINES]
    assert_allclose(ratios, [100 / 120, 0.5, 0.6, 0.0262], rtol=1e-3)


def test_crossings_show_the_way_through_infinity() -> None:
    """ω̃ is drawn to both infinities where temperatures cross, once each, and stays in sight where potentials do."""
    figure, _ = figures.fermi_crossings()
    for axes, through in zip(figure.axes[2::3], (True, False), strict=True):
        low, high = axes.get_ylim()
        assert_allclose([low, high], [-np.pi / 2, np.pi / 2])
        path = np.asarray(axes.lines[-1].get_ydata(), dtype=float)
        assert (np.nanmax(path) == high) == (np.nanmin(path) == low) == through
        assert np.isnan(path[: np.flatnonzero(~np.isnan(path))[-1]]).sum() == through


def test_surfaces_end_at_the_bounds() -> None:
    """A surface with a pole is cut at z = 0 and 100 exactly, on both sides of the pole, and covers what lies between."""
    x, y = np.meshgrid(np.linspace(-1, 1, 21), np.linspace(0, 1, 5), indexing="ij")
    pieces = _clipped((x, y), np.ones_like(x), x + 0.013)
    corners = np.concatenate(pieces)
    assert_allclose(corners[:, 2], 1 / (corners[:, 0] + 0.013), rtol=1e-12)
    assert_allclose([corners[:, 2].max(), corners[:, 0].min(), corners[:, 0].max()], [100, 0.01 - 0.013, 1], rtol=1e-12)
    widths = sum(np.ptp(piece[:, 0]) * np.ptp(piece[:, 1]) for piece in pieces)
    assert_allclose(widths, 1 - (0.01 - 0.013), rtol=1e-12)


def test_surfaces_keep_their_labels_and_their_excess() -> None:
    """The labels of the z axes of both 3D panels lie within the figure; each number is within its bounds and of its machine."""
    figure, data = figures.cascaded_surfaces()
    figure.canvas.draw()
    spaces: list[Any] = [axes for axes in figure.axes if axes.name == "3d"]
    assert len(spaces) == 2
    for axes in spaces:
        box = axes.zaxis.label.get_window_extent()
        assert 0 <= box.x0 < box.x1 <= figure.bbox.width
    assert data["occupation_3"].dropna().between(0, 100).all()
    # Where the table has m̄₃, the excess of the machine with that common bath is the one of the surface.
    for row in data.dropna().iloc[:: len(data) // 40].to_dict("records"):
        common = row["occupation_3"]
        hopping = row["hopping_over_kappa"] * (1.0 if row["hopping"] == "real" else 1j)
        # m̄ = (N̄ + m̄₃)/2 of the disconnected oscillators is 50 and 100.
        baths = {"occupation_1": 100.0 - common, "occupation_2": 200.0 - common, "occupation_3": common}
        machine = replace(EQUAL_RATES, hopping=hopping, detuning=row["detuning_over_kappa"], **baths)
        excess = machine.occupations()[1] - 100.0
        assert excess == pytest.approx(row["excess_2"], abs=1e-6)


def test_schematics_show_who_is_linked() -> None:
    """In the cascade quanta pass one way, in the model that is the same both ways; the demon stands between hot and cold."""
    _, links = figures.cascaded_schematic()
    across = links[(links["from"] == "oscillator 1") & (links["to"] == "oscillator 2")].set_index("panel")["ways"]
    assert across.to_dict() == {"cascade": "one way", "hopping and a common bath": "both ways"}
    _, links = figures.ndemon_schematic()
    assert links[links["panel"] == "the N-demon"]["to"].tolist() == ["hot", "hot", "cold", "cold"]
