"""Linear response: the friction at every frequency, and the heats that follow from it without a model of the friction."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.compare.comparison import Comparison, without_theory
from analysis.data.parameters import SIDES, Array
from analysis.errors import AnalysisError
from analysis.figures.over_ratio import (
    MODEL_LABEL,
    MODEL_STYLE,
    draw_line,
    line_ratios,
    ratio_axis,
    remark,
    response_line,
    theory_lines,
)
from analysis.figures.style import ACCENT, NEUTRAL, SIDE_COLOUR, SIDE_MARKER, new_figure
from analysis.friction.response import Response
from analysis.friction.result import AxisFriction
from analysis.units import FRICTION_SI, PER_NS

_SHOWN = (0.03, 10.0)  # rad/ps, from the relaxation in the trap to the collision frequency of argon

_EVERY = 15  # one of so many frequencies is drawn, because smoothing correlates neighbours

COLUMNS = ["series", "axes", "at", "value", "se"]


def response_figure(comparison: Comparison) -> tuple[Figure, pd.DataFrame]:
    """Draw Re γ(ω) of both particles, measured and from models, and the heat into the cold bath over κ_H/κ_C.

    Each set of equivalent axes has a panel of its own.

    Args:
        comparison: of one study, with measured responses.

    Returns:
        The figure, and its data: rows of ``series`` (``friction_cold``, ``friction_hot``, ``response``), ``axes``, ``at``
        (rad/ps, or κ_H/κ_C), ``value`` (kg/s, or eV/ns) and ``se``.

    Raises:
        AnalysisError: if the study has no response.
    """
    friction, responses = comparison.friction, comparison.responses
    if responses is None:
        raise AnalysisError(
            "no response: the friction runs are too short or sampled too coarsely; make them longer, or sample more often"
        )
    sets = list(responses.along)
    figure = new_figure(4.2 * (len(sets) + 1), 4.0)
    *spectra, heat = figure.subplots(1, len(sets) + 1, squeeze=False)[0]
    tables = []
    for axes, along in zip(spectra, sets, strict=True):
        tables += [
            _spectrum(axes, index, responses.along[along][index], friction.along[along]).assign(axes=along)
            for index in range(2)
        ]
        axes.set_xscale("log")
        axes.set_xlim(*_SHOWN)
        axes.set_ylim(bottom=0.0)
        axes.set_xlabel(r"frequency $\omega$ (rad/ps)")
        axes.set_ylabel(r"friction Re $\gamma(\omega)$ ($10^{-12}$ kg/s)")
        axes.set_title(f"along {', '.join(along)}", loc="left", fontsize=9)
        axes.legend(loc="upper left")
    if len(spectra) > 1:
        top = max(axes.get_ylim()[1] for axes in spectra)
        for axes in spectra:
            axes.set_ylim(top=top)
    tables.append(_heat(heat, comparison))
    return figure, pd.concat(tables, ignore_index=True).reindex(columns=COLUMNS)


def _heat(axes: Axes, comparison: Comparison) -> pd.DataFrame:
    """Draw the heat into the cold bath over κ_H/κ_C; returns the line of linear response."""
    points, parameters, ratios = comparison.points, comparison.points[0].parameters, line_ratios(comparison.points)
    lines = theory_lines(
        parameters, comparison.friction, ratios, ["heat"], lambda machine: machine.heat_rates()[:1] * PER_NS
    )
    ratio_axis(axes, (ratios[0], ratios[-1]), parameters)
    draw_line(axes, lines, NEUTRAL)
    for series, style in MODEL_STYLE.items():
        if series in set(lines["series"]):
            axes.plot([], [], style, color=NEUTRAL, label=MODEL_LABEL[series])
    if (unknown := without_theory(points)) is not None:
        remark(axes, unknown)
    forecast = response_line(parameters, comparison.responses, ratios)
    shown = forecast[forecast["side"] == "cold"]
    if not shown.empty:
        low, high = shown["value"] - shown["se"], shown["value"] + shown["se"]
        axes.fill_between(shown["kappa_ratio"], low, high, color=ACCENT, alpha=0.25, linewidth=0)
        axes.plot(shown["kappa_ratio"], shown["value"], color=ACCENT, label="linear response")
    axes.errorbar(
        [point.ratio for point in points],
        [point.heat[0].value for point in points],
        [point.heat[0].se for point in points],
        fmt="o",
        color=SIDE_COLOUR["cold"],
        label="simulation",
        zorder=5,
    )
    axes.axhline(0, color="black", linewidth=0.7)
    axes.set_ylabel("heat into the cold bath (eV/ns per axis)")
    found = comparison.agreement.get("response")
    told = ""
    if found is not None:
        count = f"{found.points} point{'s' * (found.points > 1)}"
        told = rf": $\chi^2$ = {found.chi_square:.1f} ({count}), p = {found.chance:.2g}"
    axes.set_title(f"linear response{told}", loc="left", fontsize=9)
    bottom, top = axes.get_ylim()
    axes.set_ylim(top=top + 0.15 * (top - bottom))  # room for the legend
    axes.legend(loc="upper right", fontsize=7, ncols=2)
    return shown.rename(columns={"kappa_ratio": "at"}).assign(series="response", axes=parameters.coupling_axes)


def _once(label: str, index: int) -> str | None:
    return None if index else label


def _spectrum(axes: Axes, index: int, found: Response, friction: AxisFriction) -> pd.DataFrame:
    """Draw the friction of one particle over frequency; returns the points drawn."""
    value, error = found.dissipation()
    shown = np.flatnonzero((found.frequency >= _SHOWN[0]) & (found.frequency <= _SHOWN[1]))[::_EVERY]
    frequency, value, error = found.frequency[shown], FRICTION_SI * value[shown], FRICTION_SI * error[shown]
    side = SIDES[index]
    colour = SIDE_COLOUR[side]
    axes.errorbar(
        frequency,
        1e12 * value,
        1e12 * error,
        fmt=SIDE_MARKER[side],
        markersize=3,
        linewidth=0.8,
        capsize=0,
        color=colour,
        label=f"{side} particle, measured",
    )
    axes.axhline(
        1e12 * FRICTION_SI * friction.white[index].value,
        color=colour,
        linewidth=0.9,
        linestyle=":",
        label=_once("white friction", index),
    )
    curves: dict[str, tuple[Literal["--", "-."], Array]] = {}
    if friction.dressed is not None:
        curves["dressed"] = ("--", friction.dressed[index].dissipation(frequency))
    if friction.modes is not None:
        curves["bodies of fluid"] = ("-.", friction.modes[index].dissipation(frequency))
    for name, (style, curve) in curves.items():
        label = _once(name, index)
        axes.plot(frequency, 1e12 * FRICTION_SI * curve, style, color=colour, linewidth=1.1, label=label)
    return pd.DataFrame({"series": f"friction_{side}", "at": frequency, "value": value, "se": error})
