"""Coverage of nominal 95 % intervals: one row per reported quantity, one symbol per length of the runs."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from analysis.calibration.page import AT_REST, BAND, DRIVEN, LENGTHS, LINES, TOLD, pooled
from analysis.figures.style import ACCENT, COLD, HOT, NEUTRAL, new_figure

_LOOK = {"short": (COLD, "o"), "medium": (HOT, "s"), "paper": (ACCENT, "^")}
_LABEL = {"short": "0.32 ns", "medium": "2 ns", "paper": "15 ns"}


def calibration(table: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """Draw the coverage of every row of docs/explanation/calibration.md, and that of least squares.

    Coverages are means over both sides and all points.

    Args:
        table: from ``calibration.coverage``.

    Returns:
        The figure, and its data: ``quantity``, ``length``, ``coverage``, ``coverage_se``, ``told`` and
        ``claimed_over_spread``.
    """
    rows = [
        {"quantity": row[0], "length": length} | pooled(table, row, length).to_dict()
        for row in (*DRIVEN, *AT_REST)
        for length in LENGTHS
    ]
    rows += [
        {"quantity": f"least squares: {row[0]}", "length": length} | pooled(table, row, length).to_dict()
        for row in LINES
        for length in LENGTHS
    ]
    data = pd.DataFrame(rows)
    names = list(dict.fromkeys(data["quantity"]))
    place = {name: len(names) - 1 - index for index, name in enumerate(names)}

    figure = new_figure(7.2, 7.0)
    lines, intervals = figure.subplots(1, 2, sharey=True, width_ratios=[1, 3])
    intervals.axvspan(*(100 * end for end in BAND), color="#E6E6E6", zorder=0)
    intervals.axvline(95, color="black", linewidth=0.7)
    for axes in (lines, intervals):
        for index, length in enumerate(LENGTHS):
            colour, marker = _LOOK[length]
            shown = data[(data["length"] == length) & (data["told"] >= TOLD)]
            axes.errorbar(
                100 * shown["coverage"],
                shown["quantity"].map(place).astype(float) + 0.22 * (1 - index),
                xerr=100 * shown["coverage_se"],
                fmt=marker,
                color=colour,
                markersize=4,
                linewidth=1,
                label=_LABEL[length],
            )
        for name in names:
            axes.axhline(place[name] - 0.5, color="#DDDDDD", linewidth=0.4, zorder=0)
    for name in names:
        refused = [_LABEL[length] for length in LENGTHS if _told(data, name, length) < TOLD]
        if refused:
            intervals.annotate(
                f"refused at {', '.join(refused)}", (86.2, place[name]), fontsize=6.5, color=NEUTRAL, va="center"
            )
    lines.set_xlim(0, 45)
    intervals.set_xlim(86, 100)
    lines.set_yticks(list(place.values()), [name.replace("2k_B", "$2k_B$") for name in place])
    lines.set_ylim(-0.6, len(names) - 0.4)
    lines.spines["right"].set_visible(False)
    intervals.spines["left"].set_visible(False)
    intervals.tick_params(axis="y", length=0)
    intervals.set_xlabel("intervals that cover the true value (%)")
    intervals.legend(loc="lower center", ncols=3, bbox_to_anchor=(0.5, 1.0))
    return figure, data


def _told(data: pd.DataFrame, name: str, length: str) -> float:
    return float(data.loc[(data["quantity"] == name) & (data["length"] == length), "told"].iloc[0])
