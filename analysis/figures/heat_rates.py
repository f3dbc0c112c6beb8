"""Heat rates of both baths over κ_H/κ_C: measured, and by the exact theory (as Fig. 2 of Sci. Rep. 13, 4517)."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.compare.comparison import Comparison, without_theory
from analysis.data.parameters import SIDES, Parameters
from analysis.figures.over_ratio import (
    MODEL_LABEL,
    MODEL_STYLE,
    cooling_range,
    line_ratios,
    ratio_axis,
    remark,
    response_line,
    theory_lines,
)
from analysis.figures.style import ACCENT, NEUTRAL, SIDE_COLOUR, SIDE_MARKER, new_figure
from analysis.heat.point import Estimator, HeatPoint
from analysis.units import PER_NS

_LINE_COLOUR = {"response": ACCENT, "theory": NEUTRAL, "dressed": "black", "modes": "black"}
_LINE_LABEL = {"response": "linear response"} | MODEL_LABEL


def heat_rates(comparison: Comparison) -> tuple[Figure, pd.DataFrame]:
    """Draw one panel per bath: the heat measured at each point, and theory from the friction that the same study measured.

    Linear response is the thick line; the models of the friction are thin lines.

    Args:
        comparison: of one study.

    Returns:
        The figure, and its data: rows of ``series`` (``heat``, ``thermostat``, and ``THEORIES``),
        ``side``, ``kappa_ratio``, ``rate_eV_per_ns`` and ``se``.
    """
    points, parameters = comparison.points, comparison.points[0].parameters
    ratios = line_ratios(points)
    lines = theory_lines(
        parameters, comparison.friction, ratios, SIDES, lambda machine: machine.heat_rates() * PER_NS
    ).rename(columns={"quantity": "side", "value": "rate_eV_per_ns"})
    leading = response_line(parameters, comparison.responses, ratios).rename(columns={"value": "rate_eV_per_ns"})
    data = pd.concat([table for table in (_measured(points), leading, lines) if len(table)], ignore_index=True)
    data = data.astype({"rate_eV_per_ns": float, "se": float})  # a column of None only would have the type object

    figure = new_figure(7.2, 3.9)
    panels = figure.subplots(1, 2)
    for axes, side in zip(panels, SIDES, strict=True):
        _panel(axes, data[data["side"] == side], side, parameters, (float(ratios[0]), float(ratios[-1])))
    if (unknown := without_theory(points)) is not None:
        remark(panels[0], unknown)
    panels[0].set_ylabel("heat into the bath (eV/ns per axis)")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper center", ncols=3)
    return figure, data


def _panel(axes: Axes, data: pd.DataFrame, side: str, parameters: Parameters, limits: tuple[float, float]) -> None:
    colour, marker = SIDE_COLOUR[side], SIDE_MARKER[side]
    theory = data[data["series"] == "theory"]
    ratio_axis(axes, limits, parameters)
    if parameters.balances:
        _mark_cooling(axes, parameters, limits)
    axes.axhline(0, color="black", linewidth=0.7)
    for series, line_colour in _LINE_COLOUR.items():
        line = data[data["series"] == series]
        x, y, error = (line[name].astype(float) for name in ("kappa_ratio", "rate_eV_per_ns", "se"))
        error = error.fillna(0.0)
        axes.fill_between(x, y - error, y + error, color=line_colour, alpha=0.2, linewidth=0)
        if not line.empty:
            leads = series == "response"
            style, width = ("-", 1.8) if leads else (MODEL_STYLE[series], 0.9)
            axes.plot(x, y, style, color=line_colour, linewidth=width, label=_LINE_LABEL[series])
    # The error bars of the bare thermostat can be much larger than the heats, so they do not set the scale.
    heat = data[data["series"] == "heat"]
    seen = pd.concat(
        [theory["rate_eV_per_ns"], *(heat["rate_eV_per_ns"] + s * heat["se"].fillna(0.0) for s in (-1, 1))]
    )
    # Without forces all heats vanish; the axis then has unit margins.
    margin = 0.12 * float(seen.max() - seen.min()) or 1.0
    axes.set_ylim(min(seen.min(), 0) - margin, max(seen.max(), 0) + margin)
    bare = data[data["series"] == "thermostat"]
    axes.errorbar(
        bare["kappa_ratio"] * 1.04,
        bare["rate_eV_per_ns"],
        bare["se"],
        fmt=marker,
        color=colour,
        alpha=0.35,
        markerfacecolor="none",
        label="bare thermostat",
    )
    axes.errorbar(
        heat["kappa_ratio"], heat["rate_eV_per_ns"], heat["se"], fmt=marker, color=colour, label="simulation", zorder=5
    )
    axes.set_title(f"{side} bath, {parameters.temperature[SIDES.index(side)]:g} K", loc="left")


def _mark_cooling(axes: Axes, parameters: Parameters, limits: tuple[float, float]) -> None:
    # The machine cools where the ratio of the couplings exceeds that of the temperatures.
    low, high = cooling_range(parameters, limits)
    axes.annotate(
        rf"refrigerator: $\kappa_H/\kappa_C {'>' if low > limits[0] else '<'} T_H/T_C$",
        (math.sqrt(low * high), 0.015),
        xycoords=("data", "axes fraction"),
        ha="center",
        fontsize=7,
        color=NEUTRAL,
    )


def _measured(points: Sequence[HeatPoint]) -> pd.DataFrame:
    shown: tuple[Estimator, ...] = ("heat", "thermostat")
    rows = [
        {"series": series, "side": side, "kappa_ratio": point.ratio, "rate_eV_per_ns": rate.value, "se": rate.se}
        for series in shown
        for j, side in enumerate(SIDES)
        for point in points
        for rate in [point.rates[series][j]]
    ]
    return pd.DataFrame(rows)
