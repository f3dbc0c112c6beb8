"""Entropy production and total power over κ_H/κ_C: measured, and by the exact theory (as Fig. 3b, c of arXiv:2211.05502)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis.compare.comparison import Comparison, without_theory
from analysis.compare.theory import Machine
from analysis.data.parameters import Array
from analysis.figures.over_ratio import (
    MODEL_LABEL,
    MODEL_STYLE,
    draw_line,
    line_ratios,
    ratio_axis,
    remark,
    theory_lines,
)
from analysis.figures.style import ACCENT, NEUTRAL, new_figure
from analysis.heat.point import HeatPoint
from analysis.model import BOLTZMANN
from analysis.units import PER_NS

_LABELS = {
    "entropy_production_kB_per_ns": "entropy production ($k_B$/ns per axis)",
    "power_eV_per_ns": "total power (eV/ns per axis)",
}


def fluxes(comparison: Comparison) -> tuple[Figure, pd.DataFrame]:
    """Draw the entropy production rate (left) and the total power (right), both per coupled axis.

    Args:
        comparison: of one study.

    Returns:
        The figure, and its data: rows of ``series`` (``measured``, ``theory`` or ``dressed``), ``quantity`` (with its unit),
        ``kappa_ratio``, ``value`` and ``se``.
    """
    points, parameters = comparison.points, comparison.points[0].parameters
    ratios = line_ratios(points)

    def exact(machine: Machine) -> Array:
        """Entropy production and total power of a machine, (2,); the power is the sum of both heats."""
        heats = machine.heat_rates()
        return PER_NS * np.array([heats @ parameters.per_kelvin / BOLTZMANN, heats.sum()])

    lines = theory_lines(parameters, comparison.friction, ratios, list(_LABELS), exact)
    data = pd.concat([_measured(points), lines], ignore_index=True)
    figure = new_figure(7.2, 3.7)
    panels = figure.subplots(1, 2)
    for axes, quantity in zip(panels, _LABELS, strict=True):
        _panel(axes, data[data["quantity"] == quantity])
        ratio_axis(axes, (ratios[0], ratios[-1]), parameters)
        axes.set_ylabel(_LABELS[quantity])
    panels[0].legend(handles=_legend(set(data["series"])), loc="upper left")
    if (unknown := without_theory(points)) is not None:
        remark(panels[0], unknown)
    return figure, data


def _panel(axes: Axes, data: pd.DataFrame) -> None:
    axes.axhline(0, color="black", linewidth=0.7)
    draw_line(axes, data[data["series"].isin(MODEL_STYLE)], NEUTRAL)
    shown = data[data["series"] == "measured"]
    axes.errorbar(shown["kappa_ratio"], shown["value"], shown["se"].fillna(0.0), fmt="D", color=ACCENT, zorder=5)


def _legend(drawn: set[str]) -> list[Line2D]:
    handles = [Line2D([], [], color=ACCENT, marker="D", linestyle="", label="simulation")]
    for series in MODEL_STYLE:
        if series in drawn:
            handles.append(Line2D([], [], color=NEUTRAL, linestyle=MODEL_STYLE[series], label=MODEL_LABEL[series]))
    return handles


def _measured(points: Sequence[HeatPoint]) -> pd.DataFrame:
    rows = [
        {"series": "measured", "quantity": quantity, "kappa_ratio": point.ratio, "value": flux.value, "se": flux.se}
        for index, quantity in enumerate(_LABELS)
        for point in points
        for flux in [(point.entropy_production, point.power)[index]]
    ]
    return pd.DataFrame(rows)
