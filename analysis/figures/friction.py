"""Equilibrium correlations of both particles with the fits that give their friction (as Fig. 8c-e of arXiv:2211.05502)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from analysis.data.runs import SIDES
from analysis.figures.style import NEUTRAL, SIDE_COLOUR, SIDE_MARKER, new_figure


def friction(content: dict[str, Any]) -> tuple[Figure, pd.DataFrame]:
    """Draw autocorrelations of position and velocity, and their cross correlation, of the cold (top) and hot particle.

    The fits have seen the autocorrelations; the cross correlation tests them.

    Args:
        content: of ``friction.json``.

    Returns:
        The figure, and its data: ``side``, ``observable``, ``lag_ps``, ``correlation``, ``se``, ``white`` and ``dressed``.
    """
    figure = new_figure(10.4, 5.2)
    panels = figure.subplots(2, 3, sharex="col", sharey=True)
    tables = []
    lags: list[float] = []
    for row, side in zip(panels, SIDES, strict=True):
        for axes, observable in zip(row, ("position", "velocity", "cross"), strict=True):
            curve = content["curves"][side][observable]
            table = pd.DataFrame({key: curve[key] for key in ("lag_ps", "correlation", "se", "white", "dressed")})
            tables.append(table.assign(side=side, observable=observable))
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
                label=f"{side} particle",
            )
            axes.plot(table["lag_ps"], table["white"], color=NEUTRAL, label="white friction, joint fit")
            if curve["dressed"] is not None:
                axes.plot(table["lag_ps"], table["dressed"], color="black", linestyle="--", label="dressed particle")
            axes.axhline(0, color="black", linewidth=0.5)
            axes.set_title(_title(content, side, observable), loc="left", fontsize=9)
        row[0].legend(loc="lower left")
        row[0].set_ylabel("normalised correlation")
    panels[0, 0].set_ylim(top=1.05)
    for axes in panels[1]:
        axes.set_xlabel("lag (ps)")
    order = ["side", "observable", "lag_ps", "correlation", "se", "white", "dressed"]
    return figure, pd.concat(tables, ignore_index=True)[order]


def _title(content: dict[str, Any], side: str, observable: str) -> str:
    if observable == "cross":
        return r"cross, $\langle X(0)\,V(\tau)\rangle$: not fitted"
    stem = f"friction_{side}_{observable}_kg_per_s"
    se = content[f"{stem}_se"]
    error = "" if se is None else f" ± {1e12 * se:.1f}"
    return rf"{observable}, its own fit: $\gamma$ = {1e12 * content[stem]:.1f}{error} $\times10^{{-12}}$ kg/s"
