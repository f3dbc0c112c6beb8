"""Detailed balance, which holds at κ_H/κ_C = T_H/T_C only: measured, and by exact theory (App. C of arXiv:2211.05502)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis.compare.comparison import Comparison, without_theory
from analysis.compare.theory import ideal_models
from analysis.data.parameters import SIDES, Array, Parameters
from analysis.figures.over_ratio import (
    MODEL_LABEL,
    MODEL_STYLE,
    carnot_ratio,
    draw_line,
    line_ratios,
    nearest,
    ratio_axis,
    remark,
    theory_lines,
)
from analysis.figures.style import ACCENT, COLD, HOT, NEUTRAL, SIDE_COLOUR, SIDE_MARKER, new_figure
from analysis.friction.result import Friction
from analysis.heat.point import HeatPoint, by_ratio
from analysis.heat.results import ReversalPoint
from analysis.model import BOLTZMANN, Refrigerator
from analysis.units import PER_NS

COLUMNS = ["series", "quantity", "kappa_ratio", "lag_ps", "value", "se"]

_TITLES = ("time reversal", r"circulation in the plane of $X_C$, $X_H$", "equipartition")
_PAPER_RATIO = 4.80
_LINE_POINTS = 80
_SHOWN = ((ACCENT, "D"), (HOT, "s"), (COLD, "o"))
_TEMPERATURES = {f"temperature_{side}": side for side in SIDES}


def detailed_balance(comparison: Comparison, reversals: Sequence[ReversalPoint]) -> tuple[Figure, pd.DataFrame]:
    """Draw quantities that vanish in detailed balance: asymmetry under time reversal over the lag, and area swept over κ_H/κ_C.

    The third panel shows the temperature of each particle over that of its bath, which is 1 where no heat flows. Theory is the
    mean over the coupled axes.

    Args:
        comparison: of one study.
        reversals: of the same points.

    Returns:
        The figure, and its data: ``COLUMNS``, with ``series`` (``simulation``, ``theory``, ``dressed``, ``modes``) and
        ``quantity`` (``asymmetry``, ``swept_area_A2_per_ns``, ``temperature_cold``, ``temperature_hot``).
    """
    points, friction, reversals = comparison.points, comparison.friction, by_ratio(reversals)
    parameters, ratios = points[0].parameters, line_ratios(points)
    shown = _shown(reversals, parameters)
    exact = _exact(reversals[0].dt)
    lines = theory_lines(parameters, friction, ratios, ["swept_area_A2_per_ns", *_TEMPERATURES], exact, ideal_models)
    tables = [_asymmetries(reversals), _temperatures(points), *(_over_lag(point, friction) for point in shown), lines]
    data = pd.concat([table for table in tables if len(table)], ignore_index=True).reindex(columns=COLUMNS)
    figure = new_figure(10.2, 3.9)
    panels = figure.subplots(1, 3)
    for point, (colour, marker) in zip(shown, _SHOWN, strict=False):
        here = data[(data["quantity"] == "asymmetry") & (data["kappa_ratio"] == point.ratio)]
        label = rf"$\kappa_H/\kappa_C$ = {point.kappa_ratio}"
        _draw(panels[0], here, colour, marker, "lag_ps", label)
    _draw(panels[1], data[data["quantity"] == "swept_area_A2_per_ns"], NEUTRAL, "D", "kappa_ratio", None)
    for quantity, side in _TEMPERATURES.items():
        _draw(panels[2], data[data["quantity"] == quantity], SIDE_COLOUR[side], SIDE_MARKER[side], "kappa_ratio", side)
    for axes, level in zip(panels, (0, 0, 1), strict=True):
        axes.axhline(level, color="black", linewidth=0.7)
    for axes in panels[1:]:
        ratio_axis(axes, (float(ratios[0]), float(ratios[-1])), parameters)
    panels[0].set_xlabel(r"lag $\tau$ (ps)")
    panels[0].set_ylabel(r"$\langle X_C(0)X_H(\tau)-X_H(0)X_C(\tau)\rangle$, normalised")
    panels[1].set_ylabel("area swept (Å²/ns)")
    panels[2].set_ylabel("temperature of particle over bath")
    for axes, title in zip(panels, _TITLES, strict=True):
        axes.set_title(title, loc="left", fontsize=9)
    low, high = panels[0].get_ylim()
    panels[0].set_ylim(top=high + 0.3 * (high - low))  # room for the legend above the error bars
    panels[0].legend(loc="upper right")
    panels[2].legend(loc="best")
    styles = [name for name in MODEL_STYLE if name in set(data["series"])]
    handles = [Line2D([], [], color=NEUTRAL, linestyle=MODEL_STYLE[name], label=MODEL_LABEL[name]) for name in styles]
    handles.append(Line2D([], [], color=NEUTRAL, marker="D", linestyle="", label="simulation"))
    figure.legend(handles=handles, loc="outside upper center", ncols=len(handles))
    if (unknown := without_theory(points, ideal=True)) is not None:
        remark(panels[1], unknown)
    return figure, data


def _shown(points: Sequence[ReversalPoint], parameters: Parameters) -> list[ReversalPoint]:
    """The points nearest to T_H/T_C and to the paper's κ_H/κ_C, and the point of the lowest κ_H/κ_C; each once."""
    known = [point for point in points if point.ratio > 0]
    if not known:
        return list(points[:1])
    found = [nearest(known, carnot_ratio(parameters)), nearest(known, _PAPER_RATIO), 0]
    return [known[index] for index in dict.fromkeys(found) if index is not None]


def _exact(dt: float) -> Any:
    """Function of a machine: area swept per time by chords over dt, and both temperatures over those of the baths, (3,)."""

    def values(machine: Refrigerator) -> Array:
        # Covariance of (mid-points, displacements over dt).
        sampled, state = machine.sampled_covariance(dt), machine.covariance()
        velocities = np.diag(state)[machine.coordinates : machine.coordinates + 2]
        thermal = BOLTZMANN * np.array([machine.temperature_cold, machine.temperature_hot]) / machine.masses[:2]
        return np.array([PER_NS * (sampled[0, 3] - sampled[1, 2]) / 2, *(velocities / thermal)])

    return values


def _over_lag(point: ReversalPoint, friction: Friction) -> pd.DataFrame:
    """Exact asymmetries over the lag at the κ_H/κ_C of a point."""
    lags = np.linspace(0, point.lag[-1], _LINE_POINTS)

    def values(machine: Refrigerator) -> Array:
        later, variance = machine.correlation(lags), machine.covariance()
        return np.asarray((later[:, 1, 0] - later[:, 0, 1]) / np.sqrt(variance[0, 0] * variance[1, 1]))

    tables = []
    for series, model in ideal_models(point.parameters, friction).items():
        value, se = model.with_errors(model.mean(values))
        table = pd.DataFrame({"lag_ps": lags, "value": value, "se": se})
        tables.append(table.assign(series=series, quantity="asymmetry", kappa_ratio=point.ratio))
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()


def _asymmetries(points: Sequence[ReversalPoint]) -> pd.DataFrame:
    """Measured asymmetries over the lag, and the area swept."""
    tables = []
    for point in points:
        lag = pd.DataFrame({"lag_ps": point.lag, "value": point.asymmetry, "se": point.asymmetry_se})
        area = {"value": point.swept_area.value, "se": point.swept_area.se, "quantity": "swept_area_A2_per_ns"}
        rows = [lag.assign(quantity="asymmetry"), pd.DataFrame([area])]
        tables.append(pd.concat(rows, ignore_index=True).assign(series="simulation", kappa_ratio=point.ratio))
    return pd.concat(tables, ignore_index=True)


def _temperatures(points: Sequence[HeatPoint]) -> pd.DataFrame:
    """Measured temperatures of the particles over those of their baths."""
    rows = [
        (quantity, point.ratio, found.value / bath, found.se / bath)
        for point in points
        for quantity, found, bath in zip(
            _TEMPERATURES, point.effective_temperature, point.parameters.temperature, strict=True
        )
    ]
    return pd.DataFrame(rows, columns=["quantity", "kappa_ratio", "value", "se"]).assign(series="simulation")


def _draw(axes: Axes, data: pd.DataFrame, colour: str, marker: str, over: str, label: str | None) -> None:
    draw_line(axes, data[data["series"] != "simulation"].sort_values(over), colour, over=over)
    shown = data[data["series"] == "simulation"]
    axes.errorbar(
        shown[over],
        shown["value"],
        shown["se"].fillna(0.0),
        fmt=marker,
        color=colour,
        markersize=3.5,
        linewidth=0.7,
        capsize=0,
        label=label,
    )
