"""Heat given to the baths and work done on the particles, accumulating in time (as Fig. 2 of Sci. Rep. 13, 4517)."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.data.parameters import SIDES, Array
from analysis.data.runs import Run
from analysis.figures.style import ACCENT, SIDE_COLOUR, new_figure
from analysis.heat.point import ESTIMATORS, HeatPoint
from analysis.heat.rates import cumulative
from analysis.heat.results import PowerPoint
from analysis.statistics.timeseries import Estimate
from analysis.units import PER_NS

# Some hundred points suffice for a curve across a panel; more only enlarge the files.
_POINTS = 600

_COLOUR = SIDE_COLOUR | {"total": ACCENT}
_CURVES = {
    "heat": [("heat", "cold"), ("heat", "hot"), ("thermostat", "cold"), ("thermostat", "hot")],
    "work": [("work", "cold"), ("work", "hot"), ("work", "total")],
}
"""Curves of each panel, in the order of its legend."""

COLUMNS = ["kappa_ratio", "series", "side", "time_ns", "flow_eV", "line_eV"]


def cumulative_flows(points: Sequence[tuple[Sequence[Run], HeatPoint, PowerPoint]]) -> tuple[Figure, pd.DataFrame]:
    """Draw cumulative heats (top) and works (bottom) for each point of a sweep, with lines of the quoted slopes.

    The line of a headline heat or a work is its mean growth from the first to the last sample. The line of the bare
    thermostat is a least-squares fit, as in the paper.

    Args:
        points: runs, heats and power of each point; at least one point.

    Returns:
        The figure, and its data per coupled axis, averaged over replicas: ``COLUMNS``, with ``series`` (``heat``,
        ``thermostat``, ``work``) and ``side`` (``cold``, ``hot``; ``total`` of the work); ``line_eV`` is the line drawn.
    """
    rates = [_rates(heat, power) for _, heat, power in points]
    data = pd.concat([_flows(runs, own) for (runs, _, _), own in zip(points, rates, strict=True)], ignore_index=True)
    figure = new_figure(1.2 + 3.2 * len(points), 5.6)
    panels = figure.subplots(2, len(points), sharex="col", squeeze=False)
    for column, (_, point, _), own in zip(panels.T, points, rates, strict=True):
        shown = data[data["kappa_ratio"] == point.kappa_ratio]
        for axes, curves in zip(column, _CURVES.values(), strict=True):
            for series, side in reversed(curves):  # faint curves lie below
                curve = shown[(shown["series"] == series) & (shown["side"] == side)]
                _draw(axes, curve, series, side, _quoted(own[series, side], series, side))
            axes.axhline(0, color="black", linewidth=0.5)
            # Room for the legend: curves rise and fall alike.
            low, high = axes.get_ylim()
            axes.set_ylim(low, high + 0.62 * (high - low))
            handles, labels = axes.get_legend_handles_labels()
            axes.legend(handles[::-1], labels[::-1], loc="upper left", frameon=True, framealpha=0.85, edgecolor="none")
        column[0].set_title(rf"$\kappa_H/\kappa_C$ = {point.kappa_ratio}: {point.mode}", loc="left")
        column[1].set_xlabel("time (ns)")
    panels[0, 0].set_ylabel("heat into bath (eV/axis)")
    panels[1, 0].set_ylabel("work on particle (eV/axis)")
    return figure, data


def _rates(heat: HeatPoint, power: PowerPoint) -> dict[tuple[str, str], Estimate]:
    """Slopes of all lines by series and side, eV/ns."""
    found: dict[tuple[str, str], Estimate] = {
        (name, side): heat.rates[name][j] for name in ESTIMATORS for j, side in enumerate(SIDES)
    }
    return found | {("work", "total"): power.work["total"]}


def _quoted(rate: Estimate, series: str, side: str) -> str:
    """The slope of a line, as the legend quotes it, eV/ns."""
    error = "" if math.isnan(rate.se) else f" ± {rate.se:.2f}"
    name = f"{side}, bare thermostat" if series == "thermostat" else side
    return f"{name}: {rate.value:z.2f}{error} eV/ns".replace("-", "−")


def _draw(axes: Axes, curve: pd.DataFrame, series: str, side: str, label: str) -> None:
    bare = series == "thermostat"
    width, alpha = (0.5, 0.35) if bare else (1.0, 1.0)
    axes.plot(curve["time_ns"], curve["flow_eV"], color=_COLOUR[side], linewidth=width, alpha=alpha, label=label)
    style = {"linestyle": ":", "color": _COLOUR[side]} if bare else {"linestyle": "--", "color": "black"}
    axes.plot(curve["time_ns"], curve["line_eV"], linewidth=0.8, **style)  # type: ignore[arg-type]


def _flows(runs: Sequence[Run], rates: dict[tuple[str, str], Estimate]) -> pd.DataFrame:
    time = runs[0].series["time_ps"].to_numpy(float)
    time = (time - time[0]) / PER_NS
    stride = math.ceil(len(time) / _POINTS)
    measured = {
        (series, side): curve
        for series, flow in cumulative(runs).items()
        for side, curve in zip(SIDES, flow.mean(axis=0), strict=True)
    }
    measured["work", "total"] = measured["work", "cold"] + measured["work", "hot"]
    tables = []
    for (series, side), curve in measured.items():
        line = _line(time, curve, rates[series, side].value, least_squares=series == "thermostat")
        columns = {"time_ns": time, "flow_eV": curve, "line_eV": line}
        # Including the last sample, where the line of the mean growth meets its curve.
        table = pd.DataFrame(columns).iloc[np.unique([*range(0, len(time), stride), len(time) - 1])]
        tables.append(table.assign(kappa_ratio=runs[0].kappa_ratio, series=series, side=side))
    return pd.concat(tables, ignore_index=True)[COLUMNS]


def _line(time: Array, curve: Array, rate: float, least_squares: bool) -> Array:
    """A line of a given slope through the first sample or, for least squares, through the mean time and value."""
    at = (time.mean(), curve.mean()) if least_squares else (time[0], curve[0])
    return np.asarray(at[1] + rate * (time - at[0]))
