"""Relative uncertainty of power and work beside 2 k_B/ΔS: over κ_H/κ_C (as Fig. 6 of Sci. Rep. 13, 4517) and over time."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis.compare.comparison import without_theory
from analysis.compare.theory import ideal_models
from analysis.data.parameters import Array, Parameters
from analysis.figures.over_ratio import (
    MODEL_LABEL,
    MODEL_STYLE,
    at_ratio,
    carnot_ratio,
    draw_line,
    largest_cooling,
    line_ratios,
    nearest,
    ratio_axis,
    remark,
)
from analysis.figures.power_moments import TARGET_COLOUR, TARGET_MARKER, TARGET_TITLE
from analysis.figures.style import ACCENT, NEUTRAL, PURPLE, log_limits, new_figure
from analysis.friction.result import Friction
from analysis.heat.point import by_ratio
from analysis.heat.results import TARGETS, Interval, PerformancePoint
from analysis.model import Refrigerator
from analysis.model.uncertainty import GATHERED, gathered_over_bound, sampled_over_bound

SHOWN_RATIO = 4.80
"""The point nearest to this κ_H/κ_C, and the lowest one of the study, are drawn over time."""

_QUANTITIES = (*TARGETS, "bound")

_FLOW_TITLE = {
    "full": "work of the whole force",
    "cross": r"work of $\kappa_jX_l$",
    "antisymmetric": "work of the antisymmetric part",
    "heat": "heat released by the particles",
}
_POINT_COLOUR = (PURPLE, NEUTRAL)
_POINT_MARKER = ("o", "s")
_POINT_SHIFT = (0.97, 1.03)  # so that no symbol hides another
_WINDOWS = 41

COLUMNS = ["series", "quantity", "kappa_ratio", "window_ps", "value", "low_value", "high_value"]
COLUMNS += ["over_bound", "low_over_bound", "high_over_bound"]


def uncertainty(points: Sequence[PerformancePoint], friction: Friction) -> tuple[Figure, pd.DataFrame]:
    """Draw variance/mean² of the sampled power with its bound (top row), and its ratio to the bound (other rows).

    The vertical line is at the κ_H/κ_C of largest cooling by white friction, which is 3.79 at the friction of the paper.

    The middle row, over κ_H/κ_C, and the bottom row, over time at two values of κ_H/κ_C, show quantities accumulated over a
    time window: works of the whole force of the controller and of its parts, and heat. Theory is the mean over the coupled
    axes. The bound is proven for overdamped dynamics only. Where the mean is indistinguishable from zero, a bar has no upper
    end or the point is missing.

    Args:
        points: of one study.
        friction: of that study.

    Returns:
        The figure, and its data: rows of ``series`` (``simulation``, ``theory``, ``dressed``), ``quantity`` (``cold``, ``hot``,
        ``total``, ``bound`` of the cross force's power sampled every dt; flows of ``model.uncertainty.GATHERED``),
        ``kappa_ratio``, ``window_ps``, ``value`` with ``low_value`` and ``high_value`` (95 %), and ``over_bound`` with
        ``low_over_bound`` and ``high_over_bound``. Theory is at the measured friction, without bands, which would overlap.
    """
    points = by_ratio(points)
    parameters = points[0].parameters
    ratios = line_ratios(points, diverging=True)
    dt = points[0].dt
    shown = _shown(points)
    tables = [_measured(points), _gathered(points), _over_ratio(parameters, friction, ratios, dt)]
    tables += [_over_time(point, friction) for point in shown]
    data = pd.concat([table for table in tables if len(table)], ignore_index=True).reindex(columns=COLUMNS)
    over_ratio = data[np.isclose(data["window_ps"], dt) & (data["kappa_ratio"] > 0)]
    figure = new_figure(11, 8.2)
    panels = figure.subplots(3, 4)
    limits = (float(ratios[0]), float(ratios[-1]))
    force = r" ($\kappa_jX_l$)" if parameters.is_linear else ""
    for axes, (target, title) in zip(panels[0], TARGET_TITLE.items(), strict=False):
        of_target = over_ratio[over_ratio["quantity"] == target]
        bound = over_ratio[over_ratio["quantity"] == "bound"]
        _draw(axes, of_target, "value", TARGET_COLOUR[target], TARGET_MARKER[target])
        _draw(axes, bound, "value", "black", "x")
        _scale(axes, pd.concat([of_target, bound]), "value", parameters)
        axes.set_title(f"{title}{force}", loc="left", fontsize=9)
    for axes, (flow, title) in zip(panels[1], list(_FLOW_TITLE.items())[:3], strict=False):
        of_flow = over_ratio[over_ratio["quantity"] == flow]
        _draw(axes, of_flow, "over_bound", ACCENT, "o")
        _scale(axes, of_flow, "over_bound", parameters)
        axes.set_title(title, loc="left", fontsize=9)
    for axes in panels[:2, :3].flat:
        ratio_axis(axes, limits, parameters)
    for axes, (flow, title) in zip(panels[2], _FLOW_TITLE.items(), strict=True):
        _window_panel(axes, data[data["quantity"] == flow], shown)
        axes.set_title(title, loc="left", fontsize=9)
    for axes in (*panels[1, :3], *panels[2]):
        axes.axhline(1, color="black", linewidth=1)
    panels[1, 0].annotate(
        r"$2k_B/\Delta S$", (0.99, 1), xycoords=("axes fraction", "data"), ha="right", va="top", fontsize=8
    )
    if (best := largest_cooling(parameters, friction)) is not None:
        _mark_largest_cooling(panels[0, 0], best)
    if (unknown := without_theory(points, ideal=True)) is not None:
        remark(panels[0, 0], unknown)
    panels[0, 0].set_ylabel(f"variance/mean² over {dt:g} ps")
    panels[1, 0].set_ylabel(rf"the same over $2k_B/\Delta S$, {dt:g} ps")
    panels[2, 0].set_ylabel(r"the same over $2k_B/\Delta S$")
    series = [name for name in MODEL_STYLE if name in set(data["series"])]
    lines = [Line2D([], [], color=NEUTRAL, linestyle=MODEL_STYLE[name], label=MODEL_LABEL[name]) for name in series]
    bound_handle = Line2D([], [], color="black", marker="x", markersize=4, label=r"$2k_B/\Delta S$")
    for axes, handles in ((panels[0, 3], [bound_handle, *lines]), (panels[1, 3], _point_handles(shown))):
        axes.set_axis_off()
        axes.legend(handles=handles, loc="upper left")
    return figure, data


def _mark_largest_cooling(axes: Axes, ratio: float) -> None:
    axes.axvline(ratio, color="black", linestyle=(0, (2, 2)), linewidth=0.9)
    axes.annotate(
        f"most\ncooling\n{ratio:.2f}",
        (ratio, 0.98),
        xytext=(-3, 0),
        xycoords=("data", "axes fraction"),
        textcoords="offset points",
        fontsize=7,
        ha="right",
        va="top",
    )


def _point_handles(shown: Sequence[PerformancePoint]) -> list[Line2D]:
    """Legend of the bottom row."""
    return [
        Line2D(
            [],
            [],
            color=colour,
            marker=marker,
            markersize=4,
            label=rf"below: $\kappa_H/\kappa_C$ = {point.kappa_ratio}",
        )
        for point, colour, marker in zip(shown, _POINT_COLOUR, _POINT_MARKER, strict=False)
    ]


def _shown(points: Sequence[PerformancePoint]) -> list[PerformancePoint]:
    """The points drawn over time: the nearest to the paper's κ_H/κ_C, and the lowest one.

    A point at T_H/T_C is left out, because the entropy production from the works vanishes there identically.
    """
    points = [point for point in points if not math.isclose(point.ratio, carnot_ratio(point.parameters))]
    index = nearest(points, SHOWN_RATIO) if points else None
    if index is None:
        return []
    others = [point for point in points if point.ratio > 0 and point is not points[index]]
    return [points[index], *others[:1]]


def _draw(
    axes: Axes,
    data: pd.DataFrame,
    column: str,
    colour: str,
    marker: str,
    over: str = "kappa_ratio",
    shift: float = 1.0,
) -> None:
    lines = data[data["series"] != "simulation"].sort_values(over)
    draw_line(axes, lines.assign(value=lines[column]), colour, over=over)
    shown = data[(data["series"] == "simulation") & data[column].notna()]
    value = shown[column].to_numpy(float)
    low, high = (shown[f"{end}_{column}"].to_numpy(float) for end in ("low", "high"))
    # A bar without an upper end leaves the panel.
    high = np.where(np.isfinite(low) & ~np.isfinite(high), 1e6 * value, high)
    errors = [np.nan_to_num(value - low), np.nan_to_num(high - value)]
    axes.errorbar(
        shown[over] * shift,
        value,
        np.maximum(errors, 0.0),
        fmt=marker,
        color=colour,
        markersize=3.5,
        linewidth=0.9,
        capsize=1.5,
        zorder=4,
    )


def _scale(axes: Axes, data: pd.DataFrame, column: str, parameters: Parameters) -> None:
    """Make the y axis logarithmic; lines that diverge where a mean vanishes do not set its limits."""
    data = data[data["kappa_ratio"] > 0]  # a logarithmic axis cannot show others
    seen = data.loc[data[f"high_{column}"].notna(), column].dropna()
    away = (
        np.min([np.abs(np.log(data["kappa_ratio"] / mark)) for mark in (1.0, carnot_ratio(parameters))], axis=0) > 0.1
    )
    lines = data.loc[(data["series"] != "simulation") & away, column].replace(np.inf, np.nan).dropna()
    axes.set_ylim(*log_limits([*seen, *lines], 3, (0.1, 10)))
    axes.set_yscale("log")


def _window_panel(axes: Axes, data: pd.DataFrame, shown: Sequence[PerformancePoint]) -> None:
    """Draw one quantity over the time window, at each of the shown points."""
    data = data[data["kappa_ratio"].isin([point.ratio for point in shown])]
    for point, colour, marker, shift in zip(shown, _POINT_COLOUR, _POINT_MARKER, _POINT_SHIFT, strict=False):
        of_point = data[data["kappa_ratio"] == point.ratio]
        _draw(axes, of_point, "over_bound", colour, marker, over="window_ps", shift=shift)
    axes.set_xlabel("time window (ps)")
    known = data["over_bound"][np.isfinite(data["over_bound"]) & (data["over_bound"] > 0)]
    axes.set_ylim(*log_limits(known, 3, (0.1, 10)))
    if not len(known):  # not defined for this controller
        axes.set_xlim(0.1, 1000)
    axes.set_xscale("log")
    axes.set_yscale("log")
    simulated = data.loc[data["series"] == "simulation", "over_bound"]
    if simulated.empty and shown:
        remark(axes, "not defined for this controller")
    elif simulated.isna().all():
        why = (
            "of active baths is unknown" if shown and any(shown[0].parameters.active) else "indistinguishable from zero"
        )
        remark(axes, f"simulation: entropy production\n{why}")


def _measured(points: Sequence[PerformancePoint]) -> pd.DataFrame:
    unknown = Interval(math.nan, math.nan, math.nan)
    rows = []
    for point in points:
        at = {"series": "simulation", "kappa_ratio": point.ratio, "window_ps": point.dt}
        for target in TARGETS:
            rows.append(at | _row(target, point.uncertainty[target], point.over_bound[target]))
        rows.append(at | _row("bound", point.bound, unknown))
    return pd.DataFrame(rows)


def _row(quantity: str, uncertainty: Interval, over_bound: Interval) -> dict[str, str | float]:
    found = {"value": uncertainty, "over_bound": over_bound}
    ends = ("", "low_", "high_")
    return {"quantity": quantity} | {
        f"{end}{column}": number for column, each in found.items() for end, number in zip(ends, each, strict=True)
    }


def _gathered(points: Sequence[PerformancePoint]) -> pd.DataFrame:
    tables = []
    for point in points:
        for flow in (name for name in GATHERED if name in point.windows.flows):
            found = point.windows.flows[flow]
            columns = {
                "window_ps": point.windows.length,
                "value": found.uncertainty,
                "over_bound": found.over_bound,
                "low_over_bound": found.over_bound_low,
                "high_over_bound": found.over_bound_high,
            }
            table = pd.DataFrame(columns).assign(series="simulation", quantity=flow)
            tables.append(table.assign(kappa_ratio=point.ratio))
    return pd.concat(tables, ignore_index=True)


def _over_ratio(parameters: Parameters, friction: Friction, ratios: Array, dt: float) -> pd.DataFrame:
    """Exact lines over κ_H/κ_C of the power sampled every dt and of the work accumulated over dt."""
    flows = [flow for flow in _FLOW_TITLE if flow != "heat"]

    def values(machine: Refrigerator) -> Array:
        sampled, bound = np.array(machine.power_uncertainties(TARGETS, dt)), machine.uncertainty_bound(dt)
        over_bound = sampled / bound if np.isfinite(bound) else sampled_over_bound(machine, TARGETS, dt)
        return np.array([*sampled, bound, *over_bound, 1.0, *gathered_over_bound(machine, flows, dt)])

    rows = []
    for ratio in ratios if parameters.coupling[0] else ():
        for series, model in ideal_models(at_ratio(parameters, float(ratio)), friction).items():
            value, over, gathered = np.split(
                model.mean(values)(model.measured), [len(_QUANTITIES), 2 * len(_QUANTITIES)]
            )
            at = {"series": series, "kappa_ratio": ratio, "window_ps": dt}
            for quantity, *numbers in zip(_QUANTITIES, value, over, strict=True):
                rows.append(at | {"quantity": quantity} | dict(zip(("value", "over_bound"), numbers, strict=True)))
            rows += [at | {"quantity": flow, "over_bound": each} for flow, each in zip(flows, gathered, strict=True)]
    return pd.DataFrame(rows)


def _over_time(point: PerformancePoint, friction: Friction) -> pd.DataFrame:
    """Exact lines over the time window, at the κ_H/κ_C of a point."""
    times = point.windows.length
    windows = np.geomspace(times[0], times[-1], _WINDOWS) if times.size else np.array([])
    tables = []
    for series, model in ideal_models(point.parameters, friction).items():
        over_bound = model.mean(lambda machine: gathered_over_bound(machine, list(GATHERED), windows))(model.measured)
        for flow, values in zip(GATHERED, over_bound, strict=True):
            table = pd.DataFrame({"window_ps": windows, "over_bound": values})
            tables.append(table.assign(series=series, quantity=flow, kappa_ratio=point.ratio))
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()
