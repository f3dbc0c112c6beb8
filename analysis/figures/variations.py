"""Friction of a study and its variants by every method: its dependence on the fluid, and on the method."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from analysis.data.parameters import SIDES
from analysis.figures.style import ACCENT, COLD, HOT, NEUTRAL, PURPLE, new_figure
from analysis.friction.particle import METHODS
from analysis.friction.summary import PAPER_FRICTION_KG_PER_S

_STYLES: dict[str, tuple[str, str]] = {
    "position": ("^", COLD),
    "velocity": ("v", HOT),
    "cross": ("p", COLD),
    "joint": ("o", "black"),
    "difference": ("D", ACCENT),
    "zero_frequency": ("s", NEUTRAL),
    "spectrum": ("<", NEUTRAL),
    "modes": (">", NEUTRAL),
}


def variations(table: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """Draw friction against variant, one panel per particle, one row per variant and set of axes.

    Args:
        table: from ``analysis.compare.variants.friction_by_variant``.

    Returns:
        The figure, and the table it shows.
    """
    names = list(zip(table["variant"].fillna(""), table["axes"], strict=True))
    rows = list(dict.fromkeys(names))
    place_of = pd.Series([rows.index(name) for name in names], index=table.index, dtype=float)
    methods = list(dict.fromkeys(table["method"]))
    drags = [method for method in methods if method not in _STYLES]
    styles = _STYLES | {method: ("P*Xh"[number % 4], PURPLE) for number, method in enumerate(drags)}
    figure = new_figure(9.0, 1.6 + 0.55 * len(rows))
    panels = figure.subplots(1, len(SIDES), sharey=True, sharex=True)
    for axes, side in zip(panels, SIDES, strict=True):
        for offset, method in zip(np.linspace(-0.28, 0.28, len(methods)), methods, strict=True):
            shown = table[(table["side"] == side) & (table["method"] == method)]
            place = place_of[shown.index] + offset
            error = 1e12 * shown["friction_kg_per_s_se"].fillna(0).to_numpy(float)
            marker, colour = styles[method]
            axes.errorbar(
                1e12 * shown["friction_kg_per_s"],
                place,
                xerr=error,
                fmt=marker,
                color=colour,
                markersize=4.5,
                linewidth=0.9,
                label=METHODS.get(method, method),
            )
        axes.axvline(
            1e12 * PAPER_FRICTION_KG_PER_S, color="black", linestyle=":", linewidth=1, label="fit of the paper"
        )
        axes.set_title(f"{side} particle", loc="left")
        axes.set_xlabel(r"friction $\gamma$ ($10^{-12}$ kg/s)")
        for line in range(1, len(rows)):
            axes.axhline(line - 0.5, color="0.85", linewidth=0.6)
    panels[0].set_xlim(left=0.0)
    panels[0].set_yticks(range(len(rows)), [f"{variant or 'as in the study'}, {along}" for variant, along in rows])
    panels[0].set_ylim(len(rows) - 0.5, -0.5)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return figure, table
