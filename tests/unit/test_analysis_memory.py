"""Figure of memory: each variant has its own friction at every frequency, and predictions made with it."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from analysis.compare.comparison import Comparison
from analysis.errors import AnalysisError
from analysis.figures.memory import memory_figure
from analysis.friction.response import Responses, responses
from analysis.friction.summary import friction_summary
from analysis.heat.rates import point_summary
from analysis.units import FRICTION_SI
from tests.unit.drawn import symbols, unseen
from tests.unit.synthetic import Truth, synthetic_runs

FRICTIONS = {"plain": 0.22, "thick": 0.6}  # eV ps/Å²


@cache
def comparison(friction: float, seed: int) -> Comparison:
    """A study of known white friction, which has the same value at every frequency."""
    at_rest = Truth(kappa_ratio=None, friction_cold=friction, friction_hot=friction, sample_interval=0.1)
    driven = Truth(kappa_ratio="4.80", friction_cold=friction, friction_hot=friction, sample_interval=0.1)
    runs = synthetic_runs(at_rest, 600.0, 1, seed=seed)
    point = point_summary(synthetic_runs(driven, 200.0, 1, seed=seed + 1))
    return Comparison((point,), friction_summary(runs).friction, responses(runs))


def test_each_variant_has_its_own_friction_and_predictions() -> None:
    """Of white baths the friction is flat and the truth within its errors; more friction, other predictions."""
    comparisons = {name: comparison(friction, 40 + number) for number, (name, friction) in enumerate(FRICTIONS.items())}
    figure, table = memory_figure(comparisons)
    spectra = table[table["series"] == "friction"]
    assert spectra["at"].between(0.1, 10.0, inclusive="both").all()
    for name, friction in FRICTIONS.items():
        shown = spectra[(spectra["variant"] == name) & spectra["at"].between(0.3, 5.0)]
        assert set(shown["side"]) == {"cold", "hot"}
        z = (shown["value"] - friction * FRICTION_SI) / shown["se"]
        assert 0.2 < np.abs(z).mean() < 2.0
        heats = table[(table["variant"] == name) & (table["side"] == "cold")]
        forecast, (measured,) = (
            comparisons[name].compared[0].rates("response"),
            heats[heats.series == "simulation"].value,
        )
        assert forecast is not None
        assert heats[heats.series == "response"].value.item() == pytest.approx(forecast[0].value)
        assert measured == pytest.approx(comparisons[name].points[0].heat[0].value)
    for number, (name, side) in enumerate((name, side) for name in FRICTIONS for side in ("cold", "hot")):
        here = spectra[(spectra["variant"] == name) & (spectra["side"] == side)]
        np.testing.assert_allclose(symbols(figure.axes[0])[number], here[["at", "value", "se"]] * [1, 1e12, 1e12])
    # The legend names the variants by their colours, and the predictions by their markers.
    legend = dict(
        zip([text.get_text() for text in figure.legends[0].get_texts()], figure.legends[0].get_lines(), strict=True)
    )
    assert list(legend) == [
        *FRICTIONS,
        *("cold, simulation", "hot, simulation"),
        *(f"predicted: {name}" for name in ("linear response", "white friction", "dressed pair")),
    ]
    for axes, per_variant in ((figure.axes[0], 2), (figure.axes[-1], len(figure.axes[-1].containers) // 2)):
        for number, name in enumerate(FRICTIONS):
            for container in axes.containers[per_variant * number : per_variant * (number + 1)]:
                assert container.lines[0].get_color() == legend[name].get_color()  # type: ignore[attr-defined]
    for number, marker in enumerate(("cold, simulation", "hot, simulation")):
        assert figure.axes[-1].containers[number].lines[0].get_marker() == legend[marker].get_marker()  # type: ignore[attr-defined]
        first = figure.axes[-1].containers[2 + number].lines[0]  # type: ignore[attr-defined]
        assert first.get_marker() == legend["predicted: linear response"].get_marker()
    panel = figure.axes[-1]
    assert not unseen([panel])
    # Friction of both sides of all variants is in sight, from 0 on.
    (low, high), drawn = figure.axes[0].get_ylim(), np.concatenate(symbols(figure.axes[0]))
    assert low == 0 < np.median(drawn[:, 1]) < drawn[:, 1].max() < high
    assert figure.axes[0].get_title(loc="left") == "along x, y, z"
    assert figure.axes[0].get_ylabel() == r"friction Re $\gamma(\omega)$ ($10^{-12}$ kg/s)"
    assert panel.get_ylabel() == "heat into the bath (eV/ns per axis)"
    assert [text.get_text() for text in panel.get_xticklabels()] == ["plain\n4.8", "thick\n4.8"]
    # The simulation of both baths first, and then the forecasts, in the row of each variant.
    expected = [
        (place + offset, rate.value, np.nan_to_num(rate.se))
        for place, each in enumerate(comparisons[name].compared[0] for name in FRICTIONS)
        for offset, rates in (
            (-0.24, each.point.heat),
            (-0.08, each.rates("response")),
            (0.08, each.rates("theory")),
            (0.24, each.rates("dressed")),
        )
        for rate in rates or ()
    ]
    np.testing.assert_allclose([number for (number,) in symbols(panel)], expected)


def test_each_set_of_axes_has_a_panel_as_wide_as_one_alone() -> None:
    """Between walls x has a panel, and y and z have another, of one width and scale, which holds the larger friction."""
    plain, thick = (
        replace(comparison(friction, 40 + number), points=()) for number, friction in enumerate(FRICTIONS.values())
    )
    assert plain.responses is not None
    assert thick.responses is not None
    apart = Responses({"x": plain.responses.along["xyz"], "yz": thick.responses.along["xyz"]})
    (alone, _), (x, yz, _) = (
        memory_figure({"plain": each})[0].axes for each in (plain, replace(plain, responses=apart))
    )
    widths = []
    for axes in (alone, x, yz):
        figure = axes.get_figure(root=True)
        assert figure is not None
        figure.draw_without_rendering()
        widths.append(axes.get_window_extent().width)
    assert widths == pytest.approx([widths[0]] * 3, rel=0.1)
    assert [axes.get_title(loc="left") for axes in (x, yz)] == ["along x", "along y, z"]
    assert x.get_ylim() == yz.get_ylim()
    assert not unseen([x, yz])


def test_runs_too_short_for_a_response_are_named() -> None:
    """There is nothing to draw along any axis: the message names the variant, and the length that its runs need."""
    plain = comparison(0.22, 40)
    thick = replace(plain, responses=Responses({}, {"xyz": "each run must last at least 3400 ps"}))
    with pytest.raises(AnalysisError, match=r"^thick: each run must last at least 3400 ps$"):
        memory_figure({"plain": plain, "thick": thick})
