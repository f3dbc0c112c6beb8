"""Who pays for the cooling in information: heat over temperature and the flow of information, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis.compare.comparison import by_ratio, without_theory
from analysis.compare.theory import ideal_models
from analysis.data.runs import SIDES, Array, Parameters
from analysis.figures.over_ratio import (
    MODEL_LABEL,
    MODEL_STYLE,
    draw_line,
    line_ratios,
    or_nan,
    ratio_axis,
    remark,
    theory_lines,
)
from analysis.figures.style import ACCENT, NEUTRAL, SIDE_COLOUR, new_figure
from analysis.friction.result import Friction
from analysis.heat.information import COLD
from analysis.model import BOLTZMANN, Refrigerator, information_flow_from_rate
from analysis.units import PER_NS

COLUMNS = ["series", "quantity", "kappa_ratio", "value", "se"]
_QUANTITIES = {
    "entropy": ("o", r"heat over temperature, $\dot Q/T$"),
    "information": ("D", r"information, $k_B\dot I$"),
}


def information(points: Sequence[dict[str, Any]], friction: Friction) -> tuple[Figure, pd.DataFrame]:
    """Draw, for each side, its heat over its temperature and the information that its particle's motion makes.

    The second law wants the former above the latter. Theory is that of the particles' positions and velocities, as measured.

    Args:
        points: contents of ``information.json`` and ``heat.json``, joined, of one study.
        friction: of that study.

    Returns:
        The figure, and its data, ``COLUMNS``: ``series`` is ``simulation`` or a model, ``quantity`` ``entropy_<side>`` or
        ``information_<side>``, in k_B/ns per axis.
    """
    points = by_ratio(points)
    parameters = Parameters.from_json(points[0]["parameters"])
    ratios = line_ratios(points)
    names = [f"{quantity}_{side}" for side in SIDES for quantity in _QUANTITIES]
    lines = theory_lines(parameters, friction, ratios, names, _exact(parameters), ideal_models)
    data = pd.concat([_measured(points, parameters), lines], ignore_index=True).reindex(columns=COLUMNS)
    figure = new_figure(7.2, 3.9)
    for axes, side in zip(figure.subplots(1, 2), SIDES, strict=True):
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
    """All quantities of a machine, side by side, k_B/ns."""

    def values(machine: Refrigerator) -> Array:
        covariance = machine.covariance()
        rate = (machine.drift() @ covariance)[:4, :4]
        flow = information_flow_from_rate(covariance[:4, :4], rate, COLD)
        cold, hot = machine.heat_rates() / parameters.temperature / BOLTZMANN
        return PER_NS * np.array([cold, flow, hot, -flow])

    return values


def _measured(points: Sequence[dict[str, Any]], parameters: Parameters) -> pd.DataFrame:
    rows = []
    for point in points:
        for side, temperature in zip(SIDES, parameters.temperature, strict=True):
            told = {
                "entropy": [
                    or_nan(point[name]) / (BOLTZMANN * temperature)
                    for name in (f"heat_{side}_eV_per_ns", f"heat_{side}_se")
                ],
                "information": [or_nan(point[f"information_{side}_kB_per_ns"]), or_nan(point["information_se"])],
            }
            rows += [
                ("simulation", f"{quantity}_{side}", float(point["kappa_ratio"]), *numbers)
                for quantity, numbers in told.items()
            ]
    return pd.DataFrame(rows, columns=COLUMNS)


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
