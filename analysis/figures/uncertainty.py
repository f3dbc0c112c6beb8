"""Relative uncertainty of the power over κ_H/κ_C beside 2 k_B/ΔS (as Fig. 6 of Sci. Rep. 13, 4517)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from analysis.figures.over_ratio import (
    MODEL_LABEL,
    MODEL_STYLE,
    draw_line,
    line_ratios,
    or_nan,
    ratio_axis,
    theory_lines,
)
from analysis.figures.power_moments import TARGET_COLOUR, TARGET_MARKER
from analysis.figures.style import NEUTRAL, new_figure
from analysis.model import Refrigerator
from analysis.power import TARGETS
from analysis.runs import Array, Parameters
from analysis.summary import by_ratio
from analysis.theory import Friction

_COLOUR = TARGET_COLOUR | {"bound": "black"}
_MARKER = TARGET_MARKER | {"bound": "D"}
_LABEL = {"cold": "power on cold", "hot": "power on hot", "total": "total power", "bound": r"$2k_B/\Delta S$"}
_KEYS = {target: f"uncertainty_{target}" for target in TARGETS} | {"bound": "bound"}


def uncertainty(points: Sequence[dict[str, Any]], friction: Friction) -> tuple[Figure, pd.DataFrame]:
    """Draw Var/mean² of the power (left), and its ratio to 2 k_B/ΔS (right), which is 1 where the bound is met.

    The bound is proven for overdamped dynamics only: the figure shows a ratio, and no law. Upper ends are missing where the
    mean is not told from zero.

    Args:
        points: contents of the ``performance.json`` files of one study.
        friction: of that study.

    Returns:
        The figure, and its data: rows of ``series`` (``simulation``, ``theory``, ``dressed``), ``quantity`` (``cold``, ``hot``,
        ``total``, ``bound``), ``kappa_ratio``, ``value``, ``low`` and ``high`` (95 %), ``se`` (theory) and ``over_bound``.
    """
    points = by_ratio(points)
    parameters = Parameters.from_json(points[0]["parameters"])
    ratios = line_ratios(points)
    dt = points[0]["dt_ps"]
    lines = _exact(parameters, friction, ratios, dt)
    data = pd.concat([_measured(points), lines], ignore_index=True)
    figure = new_figure(7.2, 4.0)
    panels = figure.subplots(1, 2)
    for quantity in _KEYS:
        shown = data[data["quantity"] == quantity]
        _draw(panels[0], shown, quantity, "value")
        if quantity != "bound":
            _draw(panels[1], shown, quantity, "over_bound")
    panels[1].axhline(1, color="black", linewidth=1)
    for series in lines["series"].unique():
        panels[0].plot([], [], MODEL_STYLE[series], color=NEUTRAL, label=MODEL_LABEL[series])
    for axes, column in zip(panels, ("value", "over_bound"), strict=True):
        seen = data.loc[data[f"high_{column}"].notna(), column].dropna()
        typical = data.loc[data["series"] != "simulation", column].replace(np.inf, np.nan).dropna()
        # What diverges where a mean passes zero, measured or exact, shows the way and does not set the scale.
        low, high = min([*seen, typical.min()]), max([*seen, typical.quantile(0.9)])
        axes.set_yscale("log")
        axes.set_ylim(low / 3, high * 5)
        ratio_axis(axes, (ratios[0], ratios[-1]), parameters)
    panels[0].set_ylabel(f"variance/mean² of power over {dt:g} ps")
    panels[1].set_ylabel(r"the same over $2k_B/\Delta S$")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=3)
    return figure, data


def _draw(axes: Any, data: pd.DataFrame, quantity: str, column: str) -> None:
    lines = data[data["series"] != "simulation"]
    draw_line(axes, lines.assign(value=lines[column], se=lines["se"] if column == "value" else 0.0), _COLOUR[quantity])
    shown = data[data["series"] == "simulation"]
    value = shown[column].to_numpy()
    low, high = (shown[f"{end}_{column}"].to_numpy() for end in ("low", "high"))
    # An end that is not known is left open rather than drawn at the symbol: the arrow says so.
    open_end = np.isfinite(low) & ~np.isfinite(high) & np.isfinite(value)
    errors = np.stack(
        [value - np.where(np.isfinite(low), low, value), np.where(np.isfinite(high), high, value) - value]
    )
    axes.errorbar(
        shown["kappa_ratio"],
        value,
        np.maximum(np.where(open_end, [np.zeros_like(value), 0.5 * value], errors), 0.0),
        lolims=open_end,
        fmt=_MARKER[quantity],
        color=_COLOUR[quantity],
        markersize=4,
        linewidth=1,
        label=_LABEL[quantity],
    )


def _measured(points: Sequence[dict[str, Any]]) -> pd.DataFrame:
    rows = []
    for point in points:
        for quantity, key in _KEYS.items():
            row = {"series": "simulation", "quantity": quantity, "kappa_ratio": float(point["kappa_ratio"])}
            row |= {
                f"{name}{column}": or_nan(point.get(f"{stem}{suffix}"))
                for column, stem in (("value", key), ("over_bound", f"uncertainty_over_bound_{quantity}"))
                for name, suffix in (("", ""), ("low_", "_low"), ("high_", "_high"))
            }
            rows.append(row)
    return pd.DataFrame(rows)


def _exact(parameters: Parameters, friction: Friction, ratios: Array, dt: float) -> pd.DataFrame:
    def values(machine: Refrigerator) -> Array:
        laws = machine.power_distributions(TARGETS, dt)
        return np.array([*(law.relative_variance() for law in laws), machine.uncertainty_bound(dt)])

    lines = theory_lines(parameters, friction, ratios, list(_KEYS), values)
    bounds = lines[lines["quantity"] == "bound"].set_index(["series", "kappa_ratio"])["value"]
    at = pd.MultiIndex.from_frame(lines[["series", "kappa_ratio"]])
    return lines.assign(over_bound=lines["value"].to_numpy() / bounds.reindex(at).to_numpy())
