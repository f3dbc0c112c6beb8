"""Heat over temperature and information flow of each side, which the second law compares."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis.compare.comparison import Comparison, without_theory
from analysis.compare.information import ComparedInformation, flow_into_cold, lag_of_flow, reading_and_news
from analysis.compare.theory import ideal_models
from analysis.data.parameters import SIDES, Array, Parameters
from analysis.figures.over_ratio import (
    MODEL_LABEL,
    MODEL_STYLE,
    draw_line,
    line_ratios,
    ratio_axis,
    remark,
    theory_lines,
)
from analysis.figures.style import ACCENT, NEUTRAL, SIDE_COLOUR, new_figure
from analysis.model import BOLTZMANN, Refrigerator
from analysis.units import PER_NS

COLUMNS = ["series", "quantity", "kappa_ratio", "value", "se"]
_QUANTITIES = {
    "entropy": ("o", r"heat over temperature, $\dot Q/T$"),
    "information": ("D", r"information, $k_B\dot I$"),
}


def information(comparison: Comparison, measured: Sequence[ComparedInformation]) -> tuple[Figure, pd.DataFrame]:
    """Draw heat over temperature and information flow for each side.

    The second law requires the former not to be smaller than the latter. In theory, as in the measurement, each particle is
    described by its position and velocity, and the flow is that over one sample.

    Args:
        comparison: of one study.
        measured: information at its points (``compare.information``).

    Returns:
        The figure, and its data, ``COLUMNS``: ``series`` is ``simulation`` or a model, ``quantity`` ``entropy_<side>`` or
        ``information_<side>``, in k_B/ns per axis. If readings have noise there are also ``reading``, the information of one
        reading, and ``news``, its part beyond all earlier readings (theory only), in k_B per reading and axis.
    """
    points = comparison.points
    parameters, ratios = points[0].parameters, line_ratios(points)
    names = [f"{quantity}_{side}" for side in SIDES for quantity in _QUANTITIES]
    lines = theory_lines(parameters, comparison.friction, ratios, names, _exact(parameters), ideal_models)
    data = pd.concat([_measured(measured), lines], ignore_index=True).reindex(columns=COLUMNS)
    read = _readings(comparison, measured, ratios)
    figure = new_figure(7.2 if read.empty else 9.6, 3.9)
    panels = figure.subplots(1, 2 if read.empty else 3)
    if not read.empty:
        _draw_readings(panels[2], read)
        ratio_axis(panels[2], (float(ratios[0]), float(ratios[-1])), parameters)
        data = pd.concat([data, read], ignore_index=True)
    for axes, side in zip(panels[:2], SIDES, strict=True):
        axes.axhline(0, color="black", linewidth=0.7)
        for quantity, (marker, _) in _QUANTITIES.items():
            colour = SIDE_COLOUR[side] if quantity == "entropy" else ACCENT
            _draw(axes, data[data["quantity"] == f"{quantity}_{side}"], colour, marker)
        ratio_axis(axes, (float(ratios[0]), float(ratios[-1])), parameters)
        axes.set_title(f"{side} particle and bath", loc="left", fontsize=9)
        axes.set_ylabel("$k_B$/ns per axis" if side == "cold" else "")
        if side == "cold" and (unknown := without_theory(points, ideal=True)) is not None:
            remark(axes, unknown)
    figure.legend(handles=_handles(set(data["series"])), loc="outside upper center", ncols=3)
    return figure, data


def _exact(parameters: Parameters) -> Any:
    """Function of a machine: heat over temperature and information flow of both sides, k_B/ns."""

    def values(machine: Refrigerator) -> Array:
        coupled = replace(parameters, coupling=(machine.coupling_cold, machine.coupling_hot))
        flow = flow_into_cold(machine, lag_of_flow(coupled))
        cold, hot = machine.heat_rates() * parameters.per_kelvin / BOLTZMANN
        return PER_NS * np.array([cold, flow, hot, -flow])

    return values


def _measured(points: Sequence[ComparedInformation]) -> pd.DataFrame:
    rows = [
        ("simulation", f"{quantity}_{side}", each.point.ratio, found.value, found.se)
        for each in points
        for quantity, sides in (("entropy", each.entropy), ("information", each.information))
        for side, found in zip(SIDES, sides, strict=True)
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def _readings(comparison: Comparison, points: Sequence[ComparedInformation], ratios: Array) -> pd.DataFrame:
    """Information of noisy readings, measured and from theory; no rows if readings have no noise."""
    parameters = comparison.points[0].parameters
    if parameters.feedback is None or not parameters.feedback.position_noise:
        return pd.DataFrame(columns=COLUMNS)
    lines = theory_lines(parameters, comparison.friction, ratios, ["reading", "news"], reading_and_news)
    rows = [("simulation", "reading", each.point.ratio, each.reading.value, each.reading.se) for each in points]
    return pd.concat([pd.DataFrame(rows, columns=COLUMNS), lines], ignore_index=True).reindex(columns=COLUMNS)


def _draw_readings(axes: Axes, read: pd.DataFrame) -> None:
    for quantity, colour, label in (
        ("reading", ACCENT, "by itself"),
        ("news", NEUTRAL, "beyond earlier ones (theory)"),
    ):
        _draw(axes, read[read["quantity"] == quantity], colour, "D")
        axes.plot([], [], color=colour, label=label)
    axes.set_ylim(bottom=0)
    axes.set_title("one reading of both positions", loc="left", fontsize=9)
    axes.set_ylabel("$k_B$ per reading and axis")
    axes.legend(loc="best")


def _draw(axes: Axes, data: pd.DataFrame, colour: str, marker: str) -> None:
    draw_line(axes, data[data["series"] != "simulation"], colour)
    shown = data[data["series"] == "simulation"]
    axes.errorbar(shown["kappa_ratio"], shown["value"], shown["se"].fillna(0.0), fmt=marker, color=colour, zorder=5)


def _handles(drawn: set[str]) -> list[Line2D]:
    handles = [
        Line2D([], [], color=ACCENT if quantity == "information" else NEUTRAL, marker=marker, linestyle="", label=label)
        for quantity, (marker, label) in _QUANTITIES.items()
    ]
    styles = [name for name in MODEL_STYLE if name in drawn]
    return handles + [
        Line2D([], [], color=NEUTRAL, linestyle=MODEL_STYLE[name], label=MODEL_LABEL[name]) for name in styles
    ]
