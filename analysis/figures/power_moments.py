"""Mean and variance of the sampled power over κ_H/κ_C (as Fig. 11 of arXiv:2211.05502)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import NullFormatter

from analysis.compare.comparison import without_theory
from analysis.compare.theory import ideal_models
from analysis.data.parameters import SIDES, Array, Parameters
from analysis.figures.over_ratio import (
    MODEL_LABEL,
    MODEL_STYLE,
    at_ratio,
    draw_line,
    line_ratios,
    published_law,
    ratio_axis,
    remark,
    theory_lines,
)
from analysis.figures.style import ACCENT, NEUTRAL, PURPLE, SIDE_COLOUR, SIDE_MARKER, new_figure
from analysis.friction.result import Friction
from analysis.heat.point import by_ratio
from analysis.heat.results import TARGETS, PowerPoint
from analysis.model import Refrigerator
from analysis.units import PER_NS

TARGET_COLOUR = SIDE_COLOUR | {"total": ACCENT}
TARGET_MARKER = SIDE_MARKER | {"total": "D"}
TARGET_TITLE = {"cold": "power on cold", "hot": "power on hot", "total": "total power"}

_AXIS_UNITS = {"mean": "eV/ns", "variance": "eV²/ns²"}
_UNITS = {"mean": PER_NS, "variance": PER_NS**2}


def power_moments(points: Sequence[PowerPoint], friction: Friction) -> tuple[Figure, pd.DataFrame]:
    """Draw mean (top) and variance (bottom) of the power on the cold particle, on the hot one, and of both together.

    The measured points and the exact lines set the scales; the published law may leave the frame.

    Args:
        points: of one study.
        friction: of that study.

    Returns:
        The figure, and its data: rows of ``series`` (``sampled``, ``work`` from every step, ``theory`` and ``dressed`` exact
        at dt, ``published``), ``target``, ``moment``, ``kappa_ratio``, ``value`` (eV/ns or eV²/ns²) and ``se``.
    """
    points = by_ratio(points)
    parameters = points[0].parameters
    ratios = line_ratios(points)
    dt = points[0].dt
    data = pd.concat(
        [_measured(points), _exact(parameters, friction, ratios, dt), _published(parameters, friction, ratios)],
        ignore_index=True,
    )
    figure = new_figure(9.6, 5.8)
    panels = figure.subplots(2, 3, sharex=True)
    for row, (moment, units) in zip(panels, _AXIS_UNITS.items(), strict=True):
        for axes, (target, title) in zip(row, TARGET_TITLE.items(), strict=True):
            ratio_axis(axes, (ratios[0], ratios[-1]), parameters)
            axes.set_xlabel("")
            _panel(axes, data[(data["moment"] == moment) & (data["target"] == target)], target, moment)
            axes.set_title(title if moment == "mean" else "", loc="left")
        row[0].set_ylabel(f"{moment} over {dt:g} ps ({units})")
    for axes in panels[1]:
        axes.set_xlabel(r"$\kappa_H/\kappa_C$")
    figure.legend(handles=_legend(set(data["series"])), loc="outside upper center", ncols=6)
    if (unknown := without_theory(points, ideal=True)) is not None:
        remark(panels[1, 0], unknown)
    return figure, data


def _panel(axes: Axes, data: pd.DataFrame, target: str, moment: str) -> None:
    colour = TARGET_COLOUR[target]
    draw_line(axes, data[data["series"].isin(MODEL_STYLE)], NEUTRAL)
    published = data[data["series"] == "published"]
    for series, filled in (("work", "none"), ("sampled", colour)):
        shown = data[data["series"] == series]
        axes.errorbar(
            # Shifted, so that neither symbol hides the other.
            shown["kappa_ratio"] * (1.05 if series == "work" else 1.0),
            shown["value"],
            shown["se"].fillna(0.0),
            fmt=TARGET_MARKER[target],
            color=colour,
            markerfacecolor=filled,
            markersize=4,
            linewidth=1,
        )
    values = data.loc[data["series"] != "published", "value"]
    if moment == "mean":
        axes.axhline(0, color="black", linewidth=0.7)
        margin = 0.08 * float(values.max() - values.min()) or 1.0
        axes.set_ylim(values.min() - margin, values.max() + margin)
    elif (positive := values[values > 0]).size:
        axes.set_yscale("log")
        axes.set_ylim(positive.min() / 2, positive.max() * 2)
        axes.yaxis.set_minor_formatter(NullFormatter())
    axes.plot(published["kappa_ratio"], published["value"], ":", color=PURPLE)


def _legend(drawn: set[str]) -> list[Line2D]:
    handles = [
        Line2D([], [], color=NEUTRAL, marker="o", linestyle="", label="sampled"),
        Line2D([], [], color=NEUTRAL, marker="o", markerfacecolor="none", linestyle="", label="from every step"),
    ]
    for series, style in MODEL_STYLE.items():
        if series in drawn:
            handles.append(Line2D([], [], color=NEUTRAL, linestyle=style, label=MODEL_LABEL[series]))
    if "published" in drawn:
        handles.append(Line2D([], [], color=PURPLE, linestyle=":", label="published, eq. (9)"))
    return handles


def _measured(points: Sequence[PowerPoint]) -> pd.DataFrame:
    rows = []
    for point in points:
        for target in TARGETS:
            row = {"target": target, "kappa_ratio": point.ratio}
            for series, moment, found in (
                ("sampled", "mean", point.mean[target]),
                ("sampled", "variance", point.variance[target]),
                ("work", "mean", point.work[target]),
            ):
                rows.append(row | {"series": series, "moment": moment, "value": found.value, "se": found.se})
    return pd.DataFrame(rows)


def _exact(parameters: Parameters, friction: Friction, ratios: Array, dt: float) -> pd.DataFrame:
    keys = [(target, moment) for target in TARGETS for moment in _UNITS]

    def values(machine: Refrigerator) -> Array:
        laws = machine.power_distributions(TARGETS, dt)
        return np.array([v for law in laws for v in (law.mean() * PER_NS, law.var() * PER_NS**2)])

    # The means along the axes differ too little to add to the variance of all samples.
    lines = theory_lines(parameters, friction, ratios, [" ".join(key) for key in keys], values, ideal_models)
    quantities = lines.pop("quantity")
    return lines.assign(
        target=[name.split(" ")[0] for name in quantities], moment=[name.split(" ")[1] for name in quantities]
    )


def _published(parameters: Parameters, friction: Friction, ratios: Array) -> pd.DataFrame:
    """Mean and variance of eq. (9)."""
    rows = []
    for ratio in ratios:
        for side in SIDES:
            law = published_law(at_ratio(parameters, float(ratio)), friction, side)
            if law is None:
                continue
            for moment, value in (("mean", law.mean() * PER_NS), ("variance", law.var() * PER_NS**2)):
                rows.append(
                    {"series": "published", "target": side, "moment": moment, "kappa_ratio": ratio, "value": value}
                )
    columns = {"series": str, "target": str, "moment": str, "kappa_ratio": float, "value": float}
    return pd.DataFrame(rows, columns=list(columns)).astype(columns)  # columns without rows have no type
