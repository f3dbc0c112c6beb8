"""Mean coefficients of performance over κ_H/κ_C (as Fig. 4 of Sci. Rep. 13, 4517 and Fig. 9 of arXiv:2211.05502)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import get_args

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FormatStrFormatter, NullFormatter

from analysis.compare.comparison import without_theory
from analysis.data.parameters import Array, Parameters
from analysis.figures.over_ratio import (
    at_ratio,
    carnot_ratio,
    cooling_range,
    line_ratios,
    measured_ratios,
    ratio_axis,
    remark,
)
from analysis.figures.style import COLD, HOT, NEUTRAL, new_figure
from analysis.heat.point import by_ratio
from analysis.heat.results import COPS, CopEstimator, PerformancePoint

_COLOUR = {"refrigeration": COLD, "pumping": HOT}
_MARKER = {"refrigeration": "o", "pumping": "s"}
_TITLE = {"refrigeration": r"refrigeration, $-Q_C/W$", "pumping": r"heat pump, $Q_H/W$"}
_LINE_POINTS = 121
_ESTIMATORS: tuple[CopEstimator, ...] = get_args(CopEstimator)


def cop(points: Sequence[PerformancePoint]) -> tuple[Figure, pd.DataFrame]:
    """Draw both coefficients where the machine cools, with 95 % intervals, beside the exact values and Carnot's.

    The exact values κ_C/(κ_H - κ_C) and κ_H/(κ_H - κ_C) hold for any friction. They are an identity of the linear controller
    (``heat.performance.mean_cops``), so agreement with them tests no theory. C is the colder bath. For other controllers, and
    in active baths, the range of cooling is unknown: all points are drawn, for other controllers without exact values.

    Args:
        points: of one study.

    Returns:
        The figure, and its data for all points: rows of ``series`` (``heat``, ``thermostat`` for the bare thermostat,
        ``theory``, ``carnot``), ``cop``, ``kappa_ratio``, ``value``, ``low`` and ``high``; the ends are NaN where the power is
        indistinguishable from zero.
    """
    points = by_ratio(points)
    parameters = points[0].parameters
    carnot = carnot_ratio(parameters)
    along = line_ratios(points, diverging=True)
    low, high = float(along[0]), float(along[-1])
    if parameters.balances:
        low, high = cooling_range(parameters, (low, high))
    ratios = np.union1d(np.geomspace(low, high, _LINE_POINTS)[1:-1], along[(along >= low) & (along <= high)])
    data = pd.concat([_measured(points), _exact(parameters, ratios)], ignore_index=True)
    figure = new_figure(7.2, 3.8)
    panels = figure.subplots(1, 2)
    for axes, name in zip(panels, COPS, strict=True):
        _panel(axes, data[data["cop"] == name], name, (low / 1.2, high * 1.2))
        # A point exactly at T_H/T_C is drawn too.
        ratio_axis(axes, (low / 1.15, high) if low == carnot else (low, high * 1.15), parameters)
        axes.set_title(_TITLE[name], loc="left")
    panels[0].set_ylabel("coefficient of performance")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper center", ncols=4)
    if (unknown := without_theory(points, ideal=True)) is not None:
        remark(panels[1], unknown)
    elif not any(low <= ratio <= high for ratio in measured_ratios(points)):
        remark(panels[1], "no point of this study cools")
    elif all(point.current_blocks is None for point in points):
        remark(panels[1], "runs too short for intervals")
    return figure, data


def _panel(axes: Axes, data: pd.DataFrame, name: str, limits: tuple[float, float]) -> None:
    theory, carnot = (data[data["series"] == series] for series in ("theory", "carnot"))
    if not theory.empty:
        axes.plot(theory["kappa_ratio"], theory["value"], color=NEUTRAL, label="exact, any friction")
    axes.plot(carnot["kappa_ratio"], carnot["value"], "--", color="black", linewidth=1, label="Carnot")
    # Between baths of equal temperature the coefficient has no bound, so it cannot set the scale.
    scale = theory["value"] if not theory.empty else data["value"][data["value"] > 0]
    scale = scale.astype(float)
    scale = scale[np.isfinite(scale)] if np.isfinite(scale).any() else pd.Series([1.0])
    known = carnot["value"].notna().any()
    low, high = scale.min() / 3, (max(carnot["value"].max(), scale.min()) if known else scale.quantile(0.8)) * 3
    axes.set_yscale("log")
    axes.set_ylim(float(low), float(high))
    axes.yaxis.set_major_formatter(FormatStrFormatter("%g"))
    axes.yaxis.set_minor_formatter(NullFormatter())
    for series, label, shift, style in (
        ("thermostat", "bare thermostat", 1.05, {"alpha": 0.35, "markerfacecolor": "none"}),
        ("heat", "simulation, 95 %", 1.0, {}),
    ):
        near = data["kappa_ratio"].between(*limits)
        shown = data[(data["series"] == series) & near]
        # A bar without ends crosses the panel. A logarithmic axis cannot show a ratio that is not positive.
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


def _measured(points: Sequence[PerformancePoint]) -> pd.DataFrame:
    rows = [
        {
            "series": series,
            "cop": name,
            "kappa_ratio": point.ratio,
            **point.cop[series][name]._asdict(),
        }
        for series in _ESTIMATORS
        for name in COPS
        for point in points
        if point.cop is not None
    ]
    return pd.DataFrame(rows, columns=["series", "cop", "kappa_ratio", "value", "low", "high"])


def _exact(parameters: Parameters, ratios: Array) -> pd.DataFrame:
    rows = []
    for ratio in ratios:
        # The coefficients do not depend on the friction.
        machine = at_ratio(parameters, float(ratio)).white_pair((1.0, 1.0))
        cooled, heated = (1.0, ratio) if machine.colder == 0 else (ratio, 1.0)
        tight = (cooled / (heated - cooled), heated / (heated - cooled)) if heated > cooled else (np.inf, np.inf)
        for name, value, bound in zip(COPS, tight, machine.carnot_cop(), strict=True):
            if parameters.is_linear and heated >= cooled:
                rows.append({"series": "theory", "cop": name, "kappa_ratio": ratio, "value": value})
            finite = bound if np.isfinite(bound) else np.nan  # there is no bound between baths of equal temperature
            rows.append({"series": "carnot", "cop": name, "kappa_ratio": ratio, "value": finite})
    return pd.DataFrame(rows)
