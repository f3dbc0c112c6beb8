"""Who pays for the cooling in information: heat over temperature and the flow of information, side by side."""

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
from analysis.data.runs import SIDES, Array, Parameters
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
from analysis.heat.information import COLD
from analysis.heat.point import HeatPoint, PointRecord, by_ratio
from analysis.model import BOLTZMANN, Refrigerator, SampledNetwork, information_flow_from_rate
from analysis.statistics.timeseries import or_nan
from analysis.units import PER_NS

COLUMNS = ["series", "quantity", "kappa_ratio", "value", "se"]
_QUANTITIES = {
    "entropy": ("o", r"heat over temperature, $\dot Q/T$"),
    "information": ("D", r"information, $k_B\dot I$"),
}


def information(comparison: Comparison, flows: Sequence[PointRecord]) -> tuple[Figure, pd.DataFrame]:
    """Draw, for each side, its heat over its temperature and the information that its particle's motion makes.

    The second law wants the former above the latter. Theory is that of the particles' positions and velocities, as measured.

    Args:
        comparison: of one study.
        flows: of the same points, from their ``information.json`` files.

    Returns:
        The figure, and its data, ``COLUMNS``: ``series`` is ``simulation`` or a model, ``quantity`` ``entropy_<side>`` or
        ``information_<side>``, in k_B/ns per axis. Where readings have noise also ``reading``, what one tells by itself, and
        ``news``, what it adds to all earlier ones (theory alone), in k_B per reading and axis.
    """
    points = comparison.points
    parameters, ratios = points[0].parameters, line_ratios(points)
    names = [f"{quantity}_{side}" for side in SIDES for quantity in _QUANTITIES]
    lines = theory_lines(parameters, comparison.friction, ratios, names, _exact(parameters), ideal_models)
    data = pd.concat([_measured(points, by_ratio(flows)), lines], ignore_index=True).reindex(columns=COLUMNS)
    read = _readings(comparison, by_ratio(flows), ratios)
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
    """All quantities of a machine, side by side, k_B/ns."""

    def values(machine: Refrigerator) -> Array:
        covariance = machine.covariance()
        rate = (machine.drift() @ covariance)[:4, :4]
        flow = information_flow_from_rate(covariance[:4, :4], rate, COLD)
        cold, hot = machine.heat_rates() * parameters.per_kelvin / BOLTZMANN
        return PER_NS * np.array([cold, flow, hot, -flow])

    return values


def _measured(points: Sequence[HeatPoint], flows: Sequence[PointRecord]) -> pd.DataFrame:
    rows = []
    for point, flow in zip(points, flows, strict=True):
        told, error = flow.content, or_nan(flow.content["information_se"])
        for side, per_kelvin, heat in zip(SIDES, point.parameters.per_kelvin, point.heat, strict=True):
            dissipated = heat * float(per_kelvin / BOLTZMANN)
            rows += [
                ("simulation", f"entropy_{side}", point.ratio, dissipated.value, dissipated.se),
                (
                    "simulation",
                    f"information_{side}",
                    point.ratio,
                    or_nan(told[f"information_{side}_kB_per_ns"]),
                    error,
                ),
            ]
    return pd.DataFrame(rows, columns=COLUMNS)


def _readings(comparison: Comparison, flows: Sequence[PointRecord], ratios: Array) -> pd.DataFrame:
    """What readings with noise tell, measured and by theory; no rows where they have none."""
    parameters = comparison.points[0].parameters
    if parameters.feedback is None or not parameters.feedback.position_noise:
        return pd.DataFrame(columns=COLUMNS)
    period = parameters.feedback.period

    def values(machine: SampledNetwork) -> Array:
        return np.array([machine.reading_information(), machine.information_rate() * period])

    lines = theory_lines(parameters, comparison.friction, ratios, ["reading", "news"], values)
    rows = [
        (
            "simulation",
            "reading",
            flow.ratio,
            *(or_nan(flow.content[f"reading_information_{end}"]) for end in ("kB", "se")),
        )
        for flow in flows
    ]
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
