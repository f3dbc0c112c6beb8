"""Heat rates of both baths over κ_H/κ_C: measured, and by the exact theory (as Fig. 2 of Sci. Rep. 13, 4517)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FormatStrFormatter, LogLocator, NullFormatter
from numpy.typing import NDArray

from analysis.figures.over_ratio import at_ratio
from analysis.figures.style import NEUTRAL, SIDE_COLOUR, SIDE_MARKER, new_figure
from analysis.runs import SIDES, Parameters
from analysis.summary import by_ratio
from analysis.theory import Friction, models
from analysis.units import PER_NS

_LINE_POINTS = 121


def heat_rates(points: Sequence[dict[str, Any]], friction: Friction) -> tuple[Figure, pd.DataFrame]:
    """Draw one panel per bath: what was measured at each point, and the theory with the study's own friction.

    Args:
        points: contents of the ``heat.json`` files of one study.
        friction: of that study.

    Returns:
        The figure, and its data: rows of ``series`` (``heat``, ``thermostat``, ``theory`` or ``dressed``), ``side``,
        ``kappa_ratio``, ``rate_eV_per_ns`` and ``se``.
    """
    points = by_ratio(points)
    parameters = Parameters.from_json(points[0]["parameters"])
    measured = np.array([float(point["kappa_ratio"]) for point in points])
    lines = _theory(parameters, friction, _range(measured, parameters))
    data = pd.concat([_measured(points), lines], ignore_index=True)

    figure = new_figure(7.2, 3.9)
    panels = figure.subplots(1, 2)
    for axes, side in zip(panels, SIDES, strict=True):
        _panel(axes, data[data["side"] == side], side, parameters)
    panels[0].set_ylabel("heat into the bath (eV/ns per axis)")
    panels[0].legend(loc="best")
    return figure, data


def _panel(axes: Axes, data: pd.DataFrame, side: str, parameters: Parameters) -> None:
    colour, marker = SIDE_COLOUR[side], SIDE_MARKER[side]
    theory = data[data["series"] == "theory"]
    carnot = parameters.temperature[1] / parameters.temperature[0]
    limits = theory["kappa_ratio"].min(), theory["kappa_ratio"].max()
    # Heat flows from cold to hot where the controller's asymmetry beats that of the temperatures.
    axes.axvspan(carnot, limits[1], color="#DDE8F2", zorder=0)
    axes.annotate(
        r"refrigerator: $\kappa_H/\kappa_C > T_H/T_C$",
        (math.sqrt(carnot * limits[1]), 0.015),
        xycoords=("data", "axes fraction"),
        ha="center",
        fontsize=7,
        color=NEUTRAL,
    )
    axes.axhline(0, color="black", linewidth=0.7)
    _line(axes, theory, NEUTRAL, "-", "theory, white friction")
    dressed = data[data["series"] == "dressed"]
    if not dressed.empty:
        _line(axes, dressed, "black", "--", "theory, dressed particle")
    # The bare thermostat's error bars can dwarf the rest: the others set the scale.
    heat = data[data["series"] == "heat"]
    seen = pd.concat(
        [theory["rate_eV_per_ns"], *(heat["rate_eV_per_ns"] + s * heat["se"].fillna(0.0) for s in (-1, 1))]
    )
    margin = 0.12 * (seen.max() - seen.min())
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
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter(FormatStrFormatter("%g"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlim(*limits)
    axes.set_xlabel(r"$\kappa_H/\kappa_C$")
    axes.set_title(f"{side} bath, {parameters.temperature[SIDES.index(side)]:g} K", loc="left")


def _line(axes: Axes, data: pd.DataFrame, colour: str, style: str, label: str) -> None:
    """One theory line, in a band of one standard error of the friction behind it."""
    x, y, error = data["kappa_ratio"], data["rate_eV_per_ns"], data["se"].fillna(0.0)
    axes.fill_between(x, y - error, y + error, color=colour, alpha=0.2, linewidth=0)
    axes.plot(x, y, color=colour, linestyle=style, label=label)


def _range(ratios: NDArray[np.float64], parameters: Parameters) -> NDArray[np.float64]:
    """κ_H/κ_C of the theory lines: all that was measured and the Carnot point, and a little more on both sides."""
    carnot = parameters.temperature[1] / parameters.temperature[0]
    positive = ratios[ratios > 0]
    low, high = min(*positive, carnot), max(*positive, carnot)
    return np.geomspace(low / 1.6, high * 1.6, _LINE_POINTS)


def _measured(points: Sequence[dict[str, Any]]) -> pd.DataFrame:
    rows = [
        {
            "series": series,
            "side": side,
            "kappa_ratio": float(point["kappa_ratio"]),
            "rate_eV_per_ns": point[f"{series}_{side}_eV_per_ns"],
            "se": math.nan if point[f"{series}_{side}_se"] is None else point[f"{series}_{side}_se"],
        }
        for series in ("heat", "thermostat")
        for side in SIDES
        for point in points
    ]
    return pd.DataFrame(rows)


def _theory(parameters: Parameters, friction: Friction, ratios: NDArray[np.float64]) -> pd.DataFrame:
    rows: list[dict[str, Any]] = []
    for ratio in ratios:
        for series, model in models(at_ratio(parameters, float(ratio)), friction).items():
            for side, rate in zip(SIDES, model.rates(), strict=True):
                scaled = rate * PER_NS
                rows.append(
                    {
                        "series": series,
                        "side": side,
                        "kappa_ratio": ratio,
                        "rate_eV_per_ns": scaled.value,
                        "se": scaled.se,
                    }
                )
    return pd.DataFrame(rows)
