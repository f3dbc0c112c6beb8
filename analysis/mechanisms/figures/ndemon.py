"""The N-demon over T_c/T_h: coefficient of performance, power, and limits (as Fig. 2b of Deghi & Bustos-Marín)."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from analysis.figures.style import NEUTRAL, new_figure
from analysis.mechanisms.ndemon import NDemon, cop_of_near_levels

# The published parameters, k_BT_h = μ = ε₁ = 1; the published ε₄ are not readable in the text.
PUBLISHED = NDemon(
    levels_hot=(1.0, 2.0), levels_cold=(1.5, 1.4), temperature_hot=1.0, temperature_cold=0.5, chemical_potential=1.0
)
FOURTH_LEVELS = (1.45, 1.4, 1.25, 1.1, 1.7)
_COLOURS = ("#0072B2", "#56B4E9", "#009E73", "#E69F00", "#CC79A7")
_STYLES = ("-", "--", "-.", (0, (5, 1, 1, 1, 1, 1)), ":")
_POINTS = 240


def ndemon() -> tuple[Figure, pd.DataFrame]:
    """Draw the published machine for several ε₄.

    Returns:
        The figure, and rows of ``level_4``, ``temperature_ratio`` (T_c/T_h), ``cop``, ``carnot_cop``, ``power`` (Γ ε₁/h),
        ``cop_of_near_levels`` (the limit ε₄ → ε₃).
    """
    data = pd.concat([_line(level) for level in FOURTH_LEVELS], ignore_index=True)
    figure = new_figure(7.6, 3.9)
    cop, power = figure.subplots(1, 2)
    for level, colour, style in zip(FOURTH_LEVELS, _COLOURS, _STYLES, strict=True):
        line = data[data["level_4"] == level]
        label = rf"$\varepsilon_4={level:g}$"
        for axes, column in ((cop, "cop"), (power, "power")):
            axes.plot(line["temperature_ratio"], line[column], linestyle=style, color=colour, label=label)
            axes.plot(line["temperature_ratio"].iloc[0], 0, "|", color=colour, markersize=9, clip_on=False)
    ratio = np.linspace(0, 0.99, 300)
    near = [cop_of_near_levels(1.0, float(r)) for r in ratio]
    cop.plot(ratio, near, color="black", linewidth=1, label=r"$\varepsilon_4\to\varepsilon_3$")
    cop.plot(ratio, ratio / (1 - ratio), "--", color=NEUTRAL, linewidth=1, label="Carnot")
    cop.set(ylim=(0, 0.6), ylabel=r"coefficient of performance, $\dot\varepsilon_h/T_h\dot S_l$")
    power.set(ylim=(0, None), ylabel=r"power $\dot\varepsilon_h$, $\Gamma\varepsilon_1/h$")
    cop.plot([], [], "|", color=NEUTRAL, markersize=9, label="cannot cool below")
    for axes in (cop, power):
        axes.set(xlim=(0, 1), xlabel=r"$T_c/T_h$")
    handles, labels = cop.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=4)
    return figure, data


def _line(level: float) -> pd.DataFrame:
    demon = replace(PUBLISHED, levels_cold=(PUBLISHED.levels_cold[0], level))
    # Just above the lowest temperature the entropy diverges logarithmically, so the points are dense there.
    least = demon.least_temperature_cold()
    rows = []
    for ratio in least + (1 - least) * np.linspace(1e-6, 1, _POINTS) ** 2:
        at = replace(demon, temperature_cold=float(ratio))
        rows.append(
            {
                "level_4": level,
                "temperature_ratio": ratio,
                "cop": at.cop(),
                "carnot_cop": at.carnot_cop() if ratio < 1 else math.nan,
                "power": at.power() / at.width,
                "cop_of_near_levels": cop_of_near_levels(1.0, float(ratio)),
            }
        )
    return pd.DataFrame(rows)
