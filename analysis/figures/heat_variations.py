"""Heats of a study and its variants beside theory at the friction of each, and the drift of the energy balance."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis.data.parameters import SIDES
from analysis.figures.style import ACCENT, NEUTRAL, SIDE_COLOUR, SIDE_MARKER, new_figure

_FORECASTS = {
    "response": ("D", ACCENT, "linear response"),
    "theory": ("|", "black", "white friction"),
    "dressed": ("^", NEUTRAL, "dressed pair"),
}

CLOSED = 2.0
"""Largest drift of a default time step, in per cent of the heat (docs/explanation/architecture.md)."""
DECIDED_Z = 2.0
"""Ratio of a heat to its error below which no drift is drawn in per cent of it: it may be zero."""


def heat_variations(table: pd.DataFrame, study: str) -> tuple[Figure, pd.DataFrame]:
    """Draw heat against variant, one panel per bath, and the drift of each side's energy balance in per cent of its heat.

    A drift is left out where the heat is less than ``DECIDED_Z`` of its errors, a theory where it has no prediction.

    Args:
        table: from ``heat_by_variant``, with ``axes``, the number of coupled axes of each row: the balance refers to a whole
            side, the heat to one axis.
        study: name of the original study.

    Returns:
        The figure, and the table it shows.
    """
    named = table["variant"].fillna("").replace("", study)
    if table["kappa_ratio"].nunique() > 1:
        named = named + ", " + table["kappa_ratio"].astype(str)
    rows = np.arange(len(table))
    figure = new_figure(9.6, 1.7 + 0.42 * len(table))
    panels = figure.subplots(1, 3, sharey=True)
    for axes, side in zip(panels, SIDES, strict=False):
        axes.errorbar(
            table[f"heat_{side}_eV_per_ns"],
            rows,
            xerr=table[f"heat_{side}_se"].fillna(0),
            fmt=SIDE_MARKER[side],
            color=SIDE_COLOUR[side],
        )
        for offset, (model, (marker, colour, name)) in zip((0.16, 0.28, 0.4), _FORECASTS.items(), strict=True):
            forecast = table[f"{model}_{side}_eV_per_ns"].astype(float)
            if forecast.isna().all():
                continue
            axes.errorbar(
                forecast,
                rows + offset,
                xerr=table[f"{model}_{side}_se"].astype(float).fillna(0),
                fmt=marker,
                color=colour,
                markersize=4,
                linewidth=0.9,
                label=name,
            )
        axes.axvline(0.0, color="0.6", linewidth=0.7)
        axes.set_title(f"{side} bath", loc="left")
        axes.set_xlabel("heat (eV/ns per axis)")
    closure = panels[2]
    for offset, side in zip((-0.08, 0.08), SIDES, strict=True):
        heat = table[f"heat_{side}_eV_per_ns"].abs()
        whole = 0.01 * table["axes"] * heat.mask(heat < DECIDED_Z * table[f"heat_{side}_se"].astype(float))
        closure.errorbar(
            table[f"closure_drift_{side}_eV_per_ns"] / whole,
            rows + offset,
            xerr=(table[f"closure_drift_{side}_error_eV_per_ns"].astype(float) / whole).fillna(0),
            fmt=SIDE_MARKER[side],
            color=SIDE_COLOUR[side],
            label=f"{side} side",
        )
    closure.axvspan(-CLOSED, CLOSED, color=NEUTRAL, alpha=0.12, linewidth=0, label=f"± {CLOSED:g} %")
    closure.set_title("energy balance", loc="left")
    closure.set_xlabel("drift (% of the heat)")
    closure.legend(fontsize=7)
    panels[0].set_yticks(rows, named)
    panels[0].set_ylim(len(table) - 0.4, -0.6)
    simulated = [
        Line2D([], [], color=SIDE_COLOUR[side], marker=SIDE_MARKER[side], linestyle="", label=f"simulation, {side}")
        for side in SIDES
    ]
    figure.legend(handles=[*simulated, *panels[1].get_legend_handles_labels()[0]], loc="outside lower center", ncols=5)
    return figure, table
