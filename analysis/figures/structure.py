"""Density of argon along x, between the walls and around the particles."""

from __future__ import annotations

from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from analysis.figures.style import NEUTRAL, SIDE_COLOUR, new_figure
from analysis.runs import SIDES


def structure(content: dict[str, Any]) -> tuple[Figure, pd.DataFrame]:
    """Draw the density profile of both baths and what the checks found.

    Args:
        content: of ``structure.json``.

    Returns:
        The figure, and its data: ``x_A``, ``density_cold_per_nm3``, ``density_hot_per_nm3``.
    """
    table = pd.DataFrame({key: content[key] for key in ("x_A", *(f"density_{side}_per_nm3" for side in SIDES))})
    figure = new_figure(7.2, 3.2)
    axes = figure.subplots()
    walls = {x for side in SIDES for x in content[f"walls_{side}_A"]}
    for side in SIDES:
        low, high = content[f"walls_{side}_A"]
        inside = table[(table["x_A"] > low) & (table["x_A"] < high)]
        temperature, pressure = content[f"temperature_{side}_K"], content[f"pressure_{side}_bar"]
        axes.plot(
            inside["x_A"] / 10,
            inside[f"density_{side}_per_nm3"],
            color=SIDE_COLOUR[side],
        )
        axes.annotate(
            f"{side} bath\n{temperature:.1f} K, {pressure:.0f} bar",
            ((low + high) / 20, 0.85),
            xycoords=("data", "axes fraction"),
            ha="center",
            color=SIDE_COLOUR[side],
        )
    for x in walls:
        axes.axvline(x / 10, color=NEUTRAL, linewidth=2)
    axes.set_ylim(bottom=0)
    axes.set_xlabel("x (nm)")
    axes.set_ylabel("argon density (nm$^{-3}$)")
    verdict = "nothing leaked, no cavity, particles whole" if content["sound"] else "NOT SOUND: see structure.json"
    axes.set_title(f"{content['frames']} frames: {verdict}", loc="left", fontsize=9)
    return figure, table
