"""Heat given to the baths and work done on the particles, accumulating in time (as Fig. 2 of arXiv:2211.05502)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.data.runs import SIDES, Run
from analysis.figures.style import NEUTRAL, SIDE_COLOUR, new_figure
from analysis.heat.rates import cumulative
from analysis.statistics.timeseries import slope
from analysis.units import PER_NS

# A curve of some hundred points fills a panel; more only swell the files.
_POINTS = 600


def cumulative_flows(points: Sequence[tuple[Sequence[Run], dict[str, Any]]]) -> tuple[Figure, pd.DataFrame]:
    """Draw, for each point of a sweep, cumulative heats with fitted lines (top) and cumulative works (bottom).

    Args:
        points: runs of a point and the content of its ``heat.json``; at least one point.

    Returns:
        The figure, and its data per coupled axis, averaged over replicas: rows of ``kappa_ratio``, ``series`` (``heat``,
        ``thermostat``, ``work``), ``side``, ``time_ns``, ``flow_eV`` and ``line_eV``, the least-squares line.
    """
    data = pd.concat([_flows(runs) for runs, _ in points], ignore_index=True)
    figure = new_figure(1.2 + 3.2 * len(points), 5.0)
    panels = figure.subplots(2, len(points), sharex="col", squeeze=False)
    for column, (runs, content) in zip(panels.T, points, strict=True):
        shown = data[data["kappa_ratio"] == runs[0].kappa_ratio]
        for axes, series in zip(column, ("heat", "work"), strict=True):
            for side in SIDES:
                _draw(axes, shown[shown["side"] == side], series, side, content)
            axes.plot([], [], color="black", linestyle="--", linewidth=0.8, label="least-squares line")
            if series == "heat":
                axes.plot([], [], color=NEUTRAL, linewidth=0.5, alpha=0.5, label="faint: bare thermostat")
            axes.axhline(0, color="black", linewidth=0.5)
            # Room above the curves, which go up and down alike.
            low, high = axes.get_ylim()
            axes.set_ylim(low, high + 0.45 * (high - low))
            axes.legend(loc="upper left", frameon=True, framealpha=0.85, edgecolor="none")
        column[0].set_title(rf"$\kappa_H/\kappa_C$ = {content['kappa_ratio']}: {content['mode']}", loc="left")
        column[1].set_xlabel("time (ns)")
    panels[0, 0].set_ylabel("heat into bath (eV/axis)")
    panels[1, 0].set_ylabel("work on particle (eV/axis)")
    return figure, data


def _draw(axes: Axes, data: pd.DataFrame, series: str, side: str, content: dict[str, Any]) -> None:
    colour = SIDE_COLOUR[side]
    if series == "heat":
        bare = data[data["series"] == "thermostat"]
        axes.plot(bare["time_ns"], bare["flow_eV"], color=colour, linewidth=0.5, alpha=0.35)
    curve = data[data["series"] == series]
    se = content[f"{series}_{side}_se"]
    error = "" if se is None else f" ± {se:.2f}"
    label = f"{side}: {content[f'{series}_{side}_eV_per_ns']:z.2f}{error} eV/ns"
    axes.plot(curve["time_ns"], curve["flow_eV"], color=colour, linewidth=1, label=label)
    axes.plot(curve["time_ns"], curve["line_eV"], color="black", linestyle="--", linewidth=0.8)


def _flows(runs: Sequence[Run]) -> pd.DataFrame:
    interval = runs[0].parameters.sample_interval
    time = runs[0].series["time_ps"].to_numpy(float)
    stride = math.ceil(len(time) / _POINTS)
    tables = []
    for series, flow in cumulative(runs).items():
        for side, curve in zip(SIDES, flow.mean(axis=0), strict=True):
            line = curve.mean() + slope(curve[None], interval) * (time - time.mean())
            columns = {"time_ns": time / PER_NS, "flow_eV": curve, "line_eV": np.asarray(line)}
            table = pd.DataFrame({name: values[::stride] for name, values in columns.items()})
            tables.append(table.assign(kappa_ratio=runs[0].kappa_ratio, series=series, side=side))
    order = ["kappa_ratio", "series", "side", "time_ns", "flow_eV", "line_eV"]
    return pd.concat(tables, ignore_index=True)[order]
