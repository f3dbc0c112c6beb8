"""Cooling against the power spent by the controller, for the machines of a study and the optimised ones."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from analysis.figures.style import ACCENT, COLD, NEUTRAL, new_figure

_SERIES = {
    "ideal front": (NEUTRAL, "-", "", "largest cooling for a given power, ideal demon"),
    "study": (COLD, "", "o", "study"),
    "best": (ACCENT, "", "D", "best within the limits"),
}


def design(table: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """Draw the cooling of designs over their power, and the coefficient of performance over the cooling.

    Args:
        table: rows of ``design``, ``cooling_eV_per_ns``, ``power_eV_per_ns``, ``kappa_ratio``, ``cop`` and more, as
            `snakemake design` writes them.

    Returns:
        The figure, and the table it shows.
    """
    figure = new_figure(7.2, 3.7)
    left, right = figure.subplots(1, 2)
    for name, (colour, line, marker, label) in _SERIES.items():
        rows = table[table["design"] == name].sort_values("power_eV_per_ns")
        error = rows["error_of_cooling_after_1_ns_eV_per_ns"]
        style = {"color": colour, "linestyle": line or "none", "marker": marker, "label": label}
        if name == "ideal front":
            left.plot(rows["power_eV_per_ns"], rows["cooling_eV_per_ns"], **style)
        else:
            left.errorbar(rows["power_eV_per_ns"], rows["cooling_eV_per_ns"], error, **style)
        right.plot(rows["cooling_eV_per_ns"], rows["cop"], **style)
        if name == "study":
            for ratio, *place in rows[["kappa_ratio", "power_eV_per_ns", "cooling_eV_per_ns"]].itertuples(index=False):
                left.annotate(f"{ratio:g}", place, xytext=(4, 4), textcoords="offset points", fontsize=7)
    for axes in (left, right):
        axes.axhline(0, color="black", linewidth=0.7)
    left.set_xlabel("power (eV/ns per axis)")
    left.set_ylabel("heat from the cold bath (eV/ns per axis)")
    left.set_title("bars: error after 1 ns", loc="left", fontsize=8)
    right.set_xlabel("heat from the cold bath (eV/ns per axis)")
    right.set_ylabel("coefficient of performance")
    figure.legend(*left.get_legend_handles_labels(), loc="outside upper center", ncols=3, fontsize=8)
    return figure, table
