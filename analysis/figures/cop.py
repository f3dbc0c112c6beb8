"""Mean coefficients of performance over κ_H/κ_C (as Fig. 4 of Sci. Rep. 13, 4517 and Fig. 9 of arXiv:2211.05502)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FormatStrFormatter, NullFormatter

from analysis.figures.over_ratio import at_ratio, carnot_ratio, line_ratios, or_nan, ratio_axis, remark
from analysis.figures.style import COLD, HOT, NEUTRAL, new_figure
from analysis.performance import COPS
from analysis.runs import Array, Parameters
from analysis.summary import by_ratio

_COLOUR = {"refrigeration": COLD, "pumping": HOT}
_MARKER = {"refrigeration": "o", "pumping": "s"}
_TITLE = {"refrigeration": r"refrigeration, $-Q_C/W$", "pumping": r"heat pump, $Q_H/W$"}
_LINE_POINTS = 121
_ESTIMATORS = {"heat": "", "thermostat": "_thermostat"}


def cop(points: Sequence[dict[str, Any]]) -> tuple[Figure, pd.DataFrame]:
    """Draw both coefficients where the machine cools, with 95 % intervals, beside the exact values and Carnot's.

    The exact values, κ_C/(κ_H - κ_C) and κ_H/(κ_H - κ_C), hold for any friction, white or dressed.

    Args:
        points: contents of the ``performance.json`` files of one study.

    Returns:
        The figure, and its data for all points: rows of ``series`` (``heat``, ``thermostat`` for the bare thermostat,
        ``theory``, ``carnot``), ``cop``, ``kappa_ratio``, ``value``, ``low`` and ``high``; the ends are NaN where the power is
        not told from zero.
    """
    points = by_ratio(points)
    parameters = Parameters.from_json(points[0]["parameters"])
    carnot = carnot_ratio(parameters)
    end = float(line_ratios(points)[-1])
    data = pd.concat(
        [_measured(points), _exact(parameters, np.geomspace(carnot, end, _LINE_POINTS))], ignore_index=True
    )
    figure = new_figure(7.2, 3.8)
    panels = figure.subplots(1, 2)
    for axes, name in zip(panels, COPS, strict=True):
        _panel(axes, data[data["cop"] == name], name)
        # Exactly at the Carnot point is still drawn.
        ratio_axis(axes, (carnot / 1.15, end), parameters)
        axes.set_title(_TITLE[name], loc="left")
    panels[0].set_ylabel("coefficient of performance")
    panels[0].legend(loc="lower left")
    if not any(float(point["kappa_ratio"]) >= carnot for point in points):
        remark(panels[1], "no point of this study cools")
    elif all(point["current_blocks"] is None for point in points):
        remark(panels[1], "runs too short for intervals")
    return figure, data


def _panel(axes: Axes, data: pd.DataFrame, name: str) -> None:
    theory, carnot = (data[data["series"] == series] for series in ("theory", "carnot"))
    axes.plot(theory["kappa_ratio"], theory["value"], color=NEUTRAL, label="exact, any friction")
    axes.plot(carnot["kappa_ratio"], carnot["value"], "--", color="black", linewidth=1, label="Carnot")
    exact = data.loc[data["series"].isin(["theory", "carnot"]), "value"]
    low, high = theory["value"].min() / 3, exact.max() * 3
    axes.set_yscale("log")
    axes.set_ylim(low, high)
    axes.yaxis.set_major_formatter(FormatStrFormatter("%g"))
    axes.yaxis.set_minor_formatter(NullFormatter())
    for series, label, shift, style in (
        ("thermostat", "bare thermostat", 1.05, {"alpha": 0.35, "markerfacecolor": "none"}),
        ("heat", "simulation, 95 %", 1.0, {}),
    ):
        shown = data[(data["series"] == series) & (data["kappa_ratio"] >= theory["kappa_ratio"].min() / 1.2)]
        # Without bounds the bar runs across the panel; a ratio that is not positive has no place on this axis.
        value = shown["value"].to_numpy()
        ends = np.stack([shown["low"].fillna(low), shown["high"].fillna(high)])
        errors = np.abs(np.clip(ends, low / 10, high * 10) - value)
        axes.errorbar(
            shown["kappa_ratio"] * shift,
            value,
            errors,
            fmt=_MARKER[name],
            color=_COLOUR[name],
            label=label,
            **style,  # type: ignore[arg-type]
        )


def _measured(points: Sequence[dict[str, Any]]) -> pd.DataFrame:
    rows = [
        {
            "series": series,
            "cop": name,
            "kappa_ratio": float(point["kappa_ratio"]),
            "value": or_nan(point[f"cop_{name}{suffix}"]),
            "low": or_nan(point[f"cop_{name}{suffix}_low"]),
            "high": or_nan(point[f"cop_{name}{suffix}_high"]),
        }
        for series, suffix in _ESTIMATORS.items()
        for name in COPS
        for point in points
        if f"cop_{name}" in point
    ]
    return pd.DataFrame(rows, columns=["series", "cop", "kappa_ratio", "value", "low", "high"])


def _exact(parameters: Parameters, ratios: Array) -> pd.DataFrame:
    rows = []
    for ratio in ratios:
        # Performance knows no friction: any will do.
        machine = at_ratio(parameters, float(ratio)).white_pair((1.0, 1.0))
        tight = (1 / (ratio - 1), ratio / (ratio - 1)) if ratio > 1 else (np.nan, np.nan)
        for name, value, bound in zip(COPS, tight, machine.carnot_cop(), strict=True):
            rows.append({"series": "theory", "cop": name, "kappa_ratio": ratio, "value": value})
            finite = bound if np.isfinite(bound) else np.nan  # baths of one temperature know no bound
            rows.append({"series": "carnot", "cop": name, "kappa_ratio": ratio, "value": finite})
    return pd.DataFrame(rows)
