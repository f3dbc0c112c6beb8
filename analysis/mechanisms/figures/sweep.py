"""Figures of a machine over one of its parameters, and over time."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import cycle

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from analysis.figures.style import ACCENT, COLD, HOT, NEUTRAL, PURPLE, new_figure
from analysis.mechanisms.sweep import NOTE, Course

_COLOURS = (COLD, HOT, ACCENT, PURPLE, "#E69F00", "#56B4E9", NEUTRAL)
_STYLES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (1, 3)), (0, (3, 5, 1, 5)))
_PREFIX = "heat_"

# Columns of the panels, their labels, and the columns of the bounds that are drawn with them.
_PANELS = {
    "cooling": ("cooling power,\n{unit}", None),
    "cop": ("coefficient of performance", "bound"),
    "cop_over_bound": ("COP over its bound", None),
    "efficiency": ("efficiency", None),
    "entropy_production": ("entropy production,\n$k_B$ per time", None),
    "uncertainty_product": ("variance × entropy\n/ mean² of the cooling", None),
}


def currents(
    table: pd.DataFrame, parameter: str, line_parameter: str | None = None, *, logarithmic: bool = False
) -> Figure:
    """Draw the heat into each bath over the parameter; with lines, each bath in a separate panel.

    Args:
        table: from ``sweep_table``.
        parameter: its column along the axis.
        line_parameter: its column with the values of the lines; None without lines.
        logarithmic: whether the axis is logarithmic.
    """
    solved = table[table[NOTE] == ""]
    baths = [name.removeprefix(_PREFIX) for name in table.columns if name.startswith(_PREFIX)]
    figure, panels = _panels(len(baths) if line_parameter else 1)
    for axes, shown in zip(panels, [[bath] for bath in baths] if line_parameter else [baths], strict=False):
        names = iter(zip(_COLOURS, _STYLES, strict=True))
        for label, rows in _lines(solved, line_parameter):
            for bath in shown:
                colour, style = next(names, (NEUTRAL, "-"))
                axes.plot(
                    rows[parameter], _without_rounding(rows, bath), linestyle=style, color=colour, label=label or bath
                )
        axes.axhline(0, color=NEUTRAL, linewidth=0.6, zorder=0)
        axes.set_ylabel(f"heat into {shown[0].replace('_', ' ') if len(shown) == 1 else 'bath'},\n{_unit(solved)}")
        _finish(axes, parameter, table[parameter], logarithmic)
    _legend(figure, panels[0], line_parameter)
    return figure


def performance(
    table: pd.DataFrame, parameter: str, line_parameter: str | None = None, *, logarithmic: bool = False
) -> Figure:
    """Draw cooling, COP and its bound, entropy production and uncertainty product over the parameter.

    Panels without any known value, such as the COP of a machine that does not cool, are omitted.

    Args:
        table: from ``sweep_table``.
        parameter: its column along the axis.
        line_parameter: its column with the values of the lines; None without lines.
        logarithmic: whether the axis is logarithmic.
    """
    solved = table[table[NOTE] == ""]
    known = [name for name in _PANELS if name in solved and np.isfinite(solved[name].astype(float)).any()]
    figure, panels = _panels(len(known))
    for axes, name in zip(panels, known, strict=False):
        label, bound = _PANELS[name]
        looks = zip(cycle(_COLOURS), cycle(_STYLES), strict=False)
        for (line, rows), (colour, style) in zip(_lines(solved, line_parameter), looks, strict=False):
            axes.plot(rows[parameter], rows[name], linestyle=style, color=colour, label=line or None)
            if bound is not None:
                axes.plot(
                    rows[parameter], rows[bound].where(rows[name].notna()), color=colour, linewidth=0.7, alpha=0.6
                )
        top = float(solved[name].max())
        if bound is not None:
            # Limited by the COP, because a much higher bound would compress all lines.
            axes.set_ylim(0, 2.5 * top)
            if float(solved[bound][solved[name].notna()].min()) < 2.5 * top:
                axes.plot([], [], color=NEUTRAL, linewidth=0.7, alpha=0.6, label="bound")
        if name in ("cop_over_bound", "efficiency"):
            axes.set_ylim(0, 1.05 * top)
        axes.set_ylabel(label.format(unit=_unit(solved)))
        if name == "cooling":
            axes.axhline(0, color=NEUTRAL, linewidth=0.6, zorder=0)
        if name == "uncertainty_product":
            axes.set_yscale("log")
        _finish(axes, parameter, table[parameter], logarithmic)
    if known:
        with_bound = panels[known.index("cop")] if "cop" in known else panels[0]
        _legend(figure, with_bound, line_parameter)
    return figure


def course(found: Course) -> Figure:
    """Draw each quantity of a machine over time in a separate panel."""
    figure, panels = _panels(len(found.series))
    for axes, (quantity, each) in zip(panels, found.series.items(), strict=False):
        for (name, values), colour, style in zip(each.items(), cycle(_COLOURS), cycle(_STYLES), strict=False):
            shown = found.time > 0 if found.logarithmic else slice(None)
            axes.plot(found.time[shown], values[shown], linestyle=style, color=colour, label=name)
        axes.set_ylabel(quantity)
        _finish(axes, f"time, {found.time_unit}", found.time, found.logarithmic)
        axes.legend()
    return figure


def _panels(count: int) -> tuple[Figure, list[Axes]]:
    columns = min(max(count, 1), 2 if count in (2, 4) else 3)
    rows = -(-max(count, 1) // columns)
    figure = new_figure(4.4 if columns == 1 else 3.3 * columns, 3.1 * rows + 0.3)
    grid = figure.subplots(rows, columns, squeeze=False).flat
    panels = list(grid)
    for spare in panels[max(count, 1) :]:
        spare.set_axis_off()
    return figure, panels


def _lines(table: pd.DataFrame, line_parameter: str | None) -> Iterator[tuple[str, pd.DataFrame]]:
    if line_parameter is None:
        yield "", table
        return
    for value, rows in table.groupby(line_parameter, sort=False):
        yield f"{value:g}", rows


def _without_rounding(rows: pd.DataFrame, bath: str) -> pd.Series:
    """Heat into a bath; values at the level of rounding are 0."""
    largest = rows.filter(regex=f"^{_PREFIX}").abs().max(axis=1)
    heat = rows[_PREFIX + bath]
    return heat.where(heat.abs() > 1e-12 * largest, 0.0)


def _unit(table: pd.DataFrame) -> str:
    return str(table["unit"].iloc[0]) if len(table) else ""


def _finish(axes: Axes, label: str, values: ArrayLike, logarithmic: bool) -> None:
    axes.set_xlabel(label)
    x = np.asarray(values, dtype=float)
    if logarithmic and (x < 0).any():
        # A range of negative values has no logarithm, but those of their sizes.
        axes.set_xscale("symlog", linthresh=float(np.abs(x).min()))
    elif logarithmic:
        axes.set_xscale("log")


def _legend(figure: Figure, axes: Axes, line_parameter: str | None) -> None:
    handles, labels = axes.get_legend_handles_labels()
    if handles:
        figure.legend(handles, labels, loc="outside upper center", ncols=min(len(labels), 6), title=line_parameter)
