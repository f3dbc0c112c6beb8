"""Figure of the table of a benchmark: bars of its ratios, with the extremes over several rounds."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from analysis.figures.style import COLD, NEUTRAL, new_figure

# What is drawn of a table: its first column that is here, and what it means.
MEASURES = {
    "ratio": "time or cost, in units of the bar of 1",
    "share": "share of the core time",
    "wall_s": "wall time (s), one core",
}


WIDE = 50
"""Bars that differ by more than this are drawn over a logarithmic axis."""


def draw(table: pd.DataFrame, name: str, path: Path) -> None:
    """Bars of one benchmark.

    Args:
        table: its rows; columns before the first number name a bar.
        name: of the benchmark.
        path: of the PNG.
    """
    measure = next(measure for measure in MEASURES if measure in table)
    shown = table.dropna(subset=[measure]).reset_index(drop=True)
    names = [column for column in ("size", "release", "contestant", "part") if column in shown]
    labels = shown[names].agg(", ".join, axis=1).to_list()
    error = None
    if "ratio_low" in shown:
        error = [shown[measure] - shown["ratio_low"], shown["ratio_high"] - shown[measure]]
    figure = new_figure(7.0, 1.2 + 0.28 * len(shown))
    axes = figure.subplots()
    axes.barh(range(len(shown)), shown[measure], xerr=error, color=COLD, ecolor=NEUTRAL, height=0.62)
    for row, value in enumerate(shown[measure]):
        text = f" {value:.3g}" if value < 1000 else f" {value:.0f}"
        axes.annotate(text, (max(value, shown["ratio_high"][row]) if error else value, row), va="center", fontsize=8)
    axes.set_yticks(range(len(shown)), labels)
    axes.invert_yaxis()
    axes.margins(x=0.12)
    if shown[measure].max() > WIDE * shown[measure].min() > 0:
        axes.set_xscale("log")
    axes.set_xlabel(MEASURES[measure])
    axes.set_title(name.replace("_", " "), loc="left")
    figure.savefig(path)
