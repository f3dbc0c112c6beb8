"""Equilibrium correlations of both particles with the fits that give their friction (as Fig. 8c-e of arXiv:2211.05502)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from analysis.data.runs import SIDES
from analysis.figures.style import NEUTRAL, SIDE_COLOUR, SIDE_MARKER, new_figure

COLUMNS = ["axes", "side", "observable", "lag_ps", "correlation", "se", "white", "dressed"]


def friction(content: dict[str, Any]) -> tuple[Figure, pd.DataFrame]:
    """Draw autocorrelations of position and velocity, and their cross correlation, a row for each particle and set of axes.

    The fits have seen the autocorrelations; the cross correlation tests them.

    Args:
        content: of ``friction.json``.

    Returns:
        The figure, and its data: ``COLUMNS``.
    """
    sets = content["equivalent_axes"]
    rows = [(axes, side) for axes in sets for side in SIDES]
    figure = new_figure(10.4, 2.6 * len(rows))
    panels = figure.subplots(len(rows), 3, sharex="col", sharey=True)
    tables = []
    lags: list[float] = []
    for row, (along, side) in zip(panels, rows, strict=True):
        found = content["axes"][along]
        where = f"{side} particle" + (f" along {', '.join(along)}" if len(sets) > 1 else "")
        for axes, observable in zip(row, ("position", "velocity", "cross"), strict=True):
            curve = found["curves"][side][observable]
            table = pd.DataFrame({key: curve[key] for key in ("lag_ps", "correlation", "se", "white", "dressed")})
            tables.append(table.assign(axes=along, side=side, observable=observable))
            if observable == "velocity":
                # Two scales of decay ask for a logarithm, which has no place for the trivial point at lag 0.
                axes.set_xscale("log")
                table = table.iloc[1:]
                lags += table["lag_ps"].to_list()
                axes.set_xlim(min(lags) / 1.2, max(lags) * 1.2)
            error = np.zeros(len(table)) if curve["se"] is None else table["se"].to_numpy(float)
            axes.errorbar(
                table["lag_ps"],
                table["correlation"],
                error,
                fmt=SIDE_MARKER[side],
                color=SIDE_COLOUR[side],
                markersize=3,
                linewidth=0.6,
                capsize=0,
                label=where,
            )
            axes.plot(table["lag_ps"], table["white"], color=NEUTRAL, label="white friction, joint fit")
            if curve["dressed"] is not None:
                axes.plot(table["lag_ps"], table["dressed"], color="black", linestyle="--", label="dressed particle")
            axes.axhline(0, color="black", linewidth=0.5)
            axes.set_title(_title(found, side, observable), loc="left", fontsize=9)
        row[0].legend(loc="lower left")
        row[0].set_ylabel("normalised correlation")
    panels[0, 0].set_ylim(top=1.05)
    for axes in panels[-1]:
        axes.set_xlabel("lag (ps)")
    return figure, pd.concat(tables, ignore_index=True)[COLUMNS]


def _title(content: dict[str, Any], side: str, observable: str) -> str:
    if observable == "cross":
        return r"cross, $\langle X(0)\,V(\tau)\rangle$: not fitted"
    stem = f"friction_{side}_{observable}_kg_per_s"
    se = content[f"{stem}_se"]
    error = "" if se is None else f" ± {1e12 * se:.1f}"
    return rf"{observable}, its own fit: $\gamma$ = {1e12 * content[stem]:.1f}{error} $\times10^{{-12}}$ kg/s"
