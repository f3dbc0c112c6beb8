"""The interactive figure of a report: heats with every theory, over all coupled axes or along one set of them.

Every number is computed here; the script of the page only selects numbers. A slider moves over the κ_H/κ_C at which the
theories were solved, and a table shows their exact values there, without interpolation.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from bokeh.core.types import ID
from bokeh.embed import json_item
from bokeh.layouts import row
from bokeh.models import (
    BasicTickFormatter,
    ColumnDataSource,
    DataRange1d,
    FixedTicker,
    HoverTool,
    Model,
    Range1d,
)
from bokeh.models.annotations import Span, Whisker
from bokeh.plotting import figure
from bokeh.resources import Resources

from analysis.compare.comparison import THEORIES, Comparison, forecasts
from analysis.compare.forecast import Forecast, mean_forecast
from analysis.data.parameters import SIDES, Array
from analysis.figures.style import ACCENT, NEUTRAL, PURPLE, SIDE_COLOUR
from analysis.report.words import measured
from analysis.statistics.timeseries import Estimate, known, or_nan
from analysis.units import PER_NS

STOPS = 41
"""Number of κ_H/κ_C of the slider, in addition to the measured ones."""

ALL_AXES = "all coupled axes"
"""The initial choice of axes: their mean, with the headline heats."""

_LINES = {
    "response": ("solid", ACCENT, 2.5),
    "theory": ("solid", NEUTRAL, 1.5),
    "dressed": ("dashed", "black", 1.5),
    "modes": ("dashdot", PURPLE, 1.5),
}
_SHOWN_FIRST = 2  # number of theories that are shown initially


@dataclass(frozen=True)
class Explorer:
    """Input of the script of the page.

    Attributes:
        library: source of BokehJS.
        content: the figure as JSON of Bokeh (``item``); names of the ``theories``, and those ``shown`` initially; the stops of
            the slider as numbers (``ratios``) and text (``stops``), and the index of its initial stop (``start``); and for
            each choice of axes the numbers to draw and to print (``axes``).
    """

    library: str
    content: dict[str, Any]


def explorer(comparison: Comparison, by_axis: pd.DataFrame, stops: int = STOPS) -> Explorer | None:
    """The interactive figure of a study.

    Args:
        comparison: of its points with theory.
        by_axis: table of ``compare.by_axis.work_by_axis``; without rows where the runs are too short for one.
        stops: number of κ_H/κ_C of the slider, in addition to the measured ones.

    Returns:
        ``None`` if no point can be shown on a logarithmic axis.
    """
    positive = [point for point in comparison.points if point.ratio > 0]
    if not positive:
        return None
    known_ratios = [point.ratio for point in positive]
    grid = np.geomspace(min(known_ratios) / 1.6, max(known_ratios) * 1.6, stops)
    ratios = np.unique(np.concatenate([grid, known_ratios]))
    found = {axes: _solved(comparison, axes, ratios) for axes in _sets(comparison)}
    shares = [len(axes) for axes in found]
    mean = {
        theory: [
            None if None in at else mean_forecast([each for each in at if each is not None], shares)
            for at in zip(*(lines[theory] for lines in found.values()), strict=True)
        ]
        for theory in THEORIES
        if all(theory in lines for lines in found.values())
    }
    headline = {
        side: [(point.ratio, point.kappa_ratio, point.heat[j]) for point in positive] for j, side in enumerate(SIDES)
    }
    axes = {ALL_AXES: _choice(mean, headline, "heat")}
    if len(comparison.points[0].parameters.coupling_axes) > 1:
        for names, lines in found.items():
            label = f"along {', '.join(names)}"
            axes[label] = _choice(lines, _works(by_axis, names), "work")
    theories = {name: words for name, words in THEORIES.items() if name in mean}
    best = min(positive, key=lambda point: point.heat[point.parameters.colder].value)
    shown = list(theories)[:_SHOWN_FIRST]
    content = {
        "item": json_item(_plots(axes[ALL_AXES], ratios, shown, best.ratio), ID("explorer-plot")),
        "theories": theories,
        "shown": shown,
        "ratios": [float(f"{ratio:.6g}") for ratio in ratios],
        "stops": [f"{ratio:.3g}" for ratio in ratios],
        "start": int(np.argmin(np.abs(ratios - best.ratio))),
        "axes": axes,
    }
    return Explorer(_library(), content)


def _sets(comparison: Comparison) -> list[str]:
    """The coupled axes of each set of equivalent ones."""
    coupled = comparison.points[0].parameters.coupling_axes
    return ["".join(axis for axis in coupled if axis in group) for group in comparison.friction.shares(coupled)]


def _solved(comparison: Comparison, axes: str, ratios: Array) -> dict[str, list[Forecast | None]]:
    """Each theory of a machine coupled along some axes, at every κ_H/κ_C; ``None`` where it has no solution."""
    parameters = replace(comparison.points[0].parameters, coupling_axes=axes)
    cold = parameters.coupling[0]
    at = [
        forecasts(replace(parameters, coupling=(cold, float(ratio) * cold)), comparison.friction, comparison.responses)
        for ratio in ratios
    ]
    return {name: [each.get(name) for each in at] for name in THEORIES if any(name in each for each in at)}


def _works(by_axis: pd.DataFrame, axes: str) -> dict[str, list[tuple[float, str, Estimate]]]:
    """Work on each particle along each of some axes: κ_H/κ_C as number and text, and the rate, eV/ns."""
    rows = by_axis[by_axis["axis"].isin(list(axes)) & (by_axis["kappa_ratio"].astype(float) > 0)]
    return {
        side: [
            (
                float(row["kappa_ratio"]),
                f"{row['kappa_ratio']} along {row['axis']}",
                Estimate(row[f"work_{side}_eV_per_ns"], or_nan(row[f"work_{side}_se"])),
            )
            for _, row in rows.iterrows()
        ]
        for side in SIDES
    }


def _choice(
    lines: Mapping[str, Sequence[Forecast | None]],
    points: Mapping[str, Sequence[tuple[float, str, Estimate]]],
    quantity: str,
) -> dict[str, Any]:
    """Numbers to draw and to print for one choice of axes."""
    return {
        "quantity": quantity,
        "measured": {side: _points(found) for side, found in points.items()},
        "theories": {theory: _line(along) for theory, along in lines.items()},
    }


def _points(found: Sequence[tuple[float, str, Estimate]]) -> dict[str, list[Any]]:
    columns: dict[str, list[Any]] = {name: [] for name in ("ratio", "value", "low", "high", "told", "name")}
    for ratio, text, rate in found:
        error = known(rate.se) or 0.0
        row = (ratio, rate.value, rate.value - error, rate.value + error)
        for name, number_of in zip(columns, row, strict=False):
            columns[name].append(float(f"{number_of:.6g}"))
        columns["told"].append(measured(rate.value, known(rate.se)))
        columns["name"].append(text)
    return columns


def _line(along: Sequence[Forecast | None]) -> dict[str, Any]:
    """Both heats with their bands, and as text also the power, which is their sum."""
    told: dict[str, list[str]] = {"cold": [], "hot": [], "power": []}
    drawn: dict[str, dict[str, list[float | None]]] = {side: {"value": [], "low": [], "high": []} for side in SIDES}
    for forecast in along:
        rates = (*forecast.estimates(), forecast.total()) if forecast else (None, None, None)
        for name, rate in zip(told, rates, strict=True):
            told[name].append("–" if rate is None else measured(rate.value, known(rate.se), PER_NS))
        for side, rate in zip(SIDES, rates, strict=False):
            error = 0.0 if rate is None else known(rate.se) or 0.0
            for name, sign in (("value", 0), ("low", -1), ("high", 1)):
                drawn[side][name].append(None if rate is None else float(f"{PER_NS * (rate.value + sign * error):.6g}"))
    return {"told": told, **drawn}


def _plots(choice: Mapping[str, Any], ratios: Array, shown: Sequence[str], start: float) -> Model:
    """A panel for each bath; the script of the page fills the sources ``measured_<side>`` and ``<theory>_<side>``."""
    plots = []
    limits = Range1d(start=float(ratios[0]), end=float(ratios[-1]))
    for side in SIDES:
        plot = figure(
            title=f"{side} bath",
            x_axis_type="log",
            x_axis_label="κH/κC",
            y_axis_label="heat into the bath (eV/ns per axis)",
            height=360,
            min_width=300,
            sizing_mode="stretch_width",
            tools="pan,box_zoom,wheel_zoom,reset,save",
            toolbar_location="above",
            x_range=limits,
            y_range=DataRange1d(only_visible=True),
        )
        plot.toolbar.logo = None
        plot.yaxis[0].name = f"axis_{side}"
        plot.xaxis.ticker = FixedTicker(ticks=[digit * 10.0**power for power in range(-4, 5) for digit in (1, 2, 5)])
        plot.xaxis.formatter = BasicTickFormatter()
        plot.add_layout(Span(dimension="width", location=0, line_color="black", line_width=1))
        plot.add_layout(
            Span(
                name=f"cursor_{side}",
                dimension="height",
                location=start,
                line_color=NEUTRAL,
                line_dash="dotted",
                line_width=2,
            )
        )
        for theory, line in choice["theories"].items():
            dash, colour, width = _LINES[theory]
            columns = {
                column: [math.nan if value is None else value for value in values]
                for column, values in line[side].items()
            }
            source = ColumnDataSource({"ratio": list(ratios), **columns, "told": line["told"][side]})
            source.name = f"{theory}_{side}"
            band = plot.varea("ratio", "low", "high", source=source, color=colour, alpha=0.15)
            drawn = plot.line("ratio", "value", source=source, color=colour, line_width=width, line_dash=dash)
            band.name, drawn.name = f"band_{theory}_{side}", f"line_{theory}_{side}"
            band.visible = drawn.visible = theory in shown
            plot.add_tools(
                HoverTool(
                    renderers=[drawn],
                    tooltips=[(THEORIES[theory], "@told eV/ns"), ("κH/κC", "@ratio")],
                    visible=False,
                )
            )
        source = ColumnDataSource(choice["measured"][side], name=f"measured_{side}")
        colour = SIDE_COLOUR[side]
        plot.add_layout(Whisker(source=source, base="ratio", lower="low", upper="high", line_color=colour))
        for end in ("low", "high"):  # whiskers do not count for the range of the axis
            plot.scatter("ratio", end, source=source, size=0, alpha=0)
        points = plot.scatter("ratio", "value", source=source, size=8, color=colour, name=f"points_{side}")
        plot.add_tools(
            HoverTool(renderers=[points], tooltips=[("measured", "@told eV/ns"), ("κH/κC", "@name")], visible=False)
        )
        plots.append(plot)
    # On a narrow screen the panels are placed below each other.
    return row(plots, sizing_mode="stretch_width", styles={"flex-wrap": "wrap"})


def _library() -> str:
    (source,) = (text for text in Resources(mode="inline", components=["bokeh"]).js_raw if len(text) > 10_000)
    return source
