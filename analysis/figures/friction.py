"""Equilibrium correlations of both particles with the fits that give their friction (as Fig. 8c-e of arXiv:2211.05502)."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.data.parameters import SIDES, Array
from analysis.figures.style import ACCENT, NEUTRAL, PURPLE, SIDE_COLOUR, SIDE_MARKER, new_figure
from analysis.friction.curves import dressed_forms, white_forms
from analysis.friction.particle import DrawnCurve, ParticleFriction
from analysis.friction.result import FrictionResult
from analysis.statistics.timeseries import Estimate
from analysis.units import FRICTION_SI

COLUMNS = ["axes", "side", "observable", "lag_ps", "correlation", "se", "own", "white", "dressed", "fitted_to_ps"]

_PANELS = {"position": "X", "velocity": "V", "cross": "X and later V"}
_LEGEND_ROOM = {"velocity": 0.4, "cross": 0.45}  # room below the curves, as a fraction of their height
_LINE_POINTS = 150


class _Forms(NamedTuple):
    """What correlations depend on besides friction: mass (eV ps²/Å²), trap (eV/Å²), and displacement time (ps)."""

    mass: float
    trap: float
    spacing: float


def friction(result: FrictionResult) -> tuple[Figure, pd.DataFrame]:
    """Draw correlations of position, of velocity, and of position and later velocity, in a row per particle and set of axes.

    Each correlation has its own one-parameter fit, as in the paper. Beside it are the fits of white friction and of the dressed
    particle to position and velocity together. The paper's velocities, displacements over 1 ps, are drawn beside the
    instantaneous ones. Fits end at the grey line.

    Args:
        result: of a study.

    Returns:
        The figure, and its data: ``COLUMNS``, with ``observable`` ``position``, ``velocity``, ``cross`` or ``difference``;
        ``own``, ``white`` and ``dressed`` are the three fits.
    """
    sets = result.equivalent
    rows = [(axes, side, result.axes[axes].particles[j]) for axes in sets for j, side in enumerate(SIDES)]
    figure = new_figure(10.8, 2.9 * len(rows))
    panels = figure.subplots(len(rows), 3, sharex="col", sharey="col", squeeze=False)
    tables = []
    for row, (along, side, particle) in zip(panels, rows, strict=True):
        j, curves = SIDES.index(side), particle.curves
        forms = _Forms(result.masses[j], result.traps[along], result.spacing)
        where = f"{side} particle" + (f" along {', '.join(along)}" if len(sets) > 1 else "")
        for axes, (observable, symbols) in zip(row, _PANELS.items(), strict=True):
            names = [observable, "difference"] if observable == "velocity" and "difference" in curves else [observable]
            for name in names:
                table = _table(curves[name])
                tables.append(table.assign(axes=along, side=side, observable=name))
                _points(axes, table, name, side)
            _lines(axes, particle, forms, names)
            foot = _LEGEND_ROOM.get(observable, 0.0)
            foot /= 1 + foot  # the line ends above the legend
            axes.axvline(curves[observable].fitted_to, foot, color=NEUTRAL, linewidth=0.6, alpha=0.6)
            axes.axhline(0, color="black", linewidth=0.5)
            axes.set_title(f"{where}: {symbols}", loc="left", fontsize=9)
            place = "upper right" if observable == "position" else "lower right"
            axes.legend(loc=place, fontsize=7, frameon=True, framealpha=1, edgecolor="none")
        row[0].set_ylabel("normalised correlation")
    figure.suptitle(r"correlations at equilibrium, frictions in $10^{-12}$ kg/s", fontsize=9)
    data = pd.concat(tables, ignore_index=True)[COLUMNS]
    # The velocity decays on two time scales, which need a logarithmic axis. It cannot show the trivial point at lag 0.
    lags = data.loc[data["observable"].isin(["velocity", "difference"]) & (data["lag_ps"] > 0), "lag_ps"]
    panels[0, 1].set_xscale("log")
    panels[0, 1].set_xlim(lags.min() / 1.2, lags.max() * 1.2)
    panels[0, 0].set_ylim(top=1.05)
    for axes, observable in zip(panels[0], _PANELS, strict=True):
        low, high = axes.get_ylim()
        axes.set_ylim(low - _LEGEND_ROOM.get(observable, 0.0) * (high - low), high)
    for axes in panels[-1]:
        axes.set_xlabel("lag (ps)")
    return figure, data


def _points(axes: Axes, table: pd.DataFrame, name: str, side: str) -> None:
    displaced = name == "difference"
    axes.errorbar(
        table["lag_ps"],
        table["correlation"],
        table["se"].fillna(0.0),
        fmt="^" if displaced else SIDE_MARKER[side],
        color=ACCENT if displaced else SIDE_COLOUR[side],
        markerfacecolor="none" if displaced else None,
        markersize=3,
        linewidth=0.6,
        capsize=0,
    )


def _lines(axes: Axes, particle: ParticleFriction, forms: _Forms, names: list[str]) -> None:
    """Draw the fits as smooth lines, with their frictions in the legend, in 10⁻¹² kg/s."""
    white = white_forms(*forms)
    lags = particle.curves[names[0]].lag
    # Evenly spaced lags, and more of them near 0, where velocities decay.
    fine = np.union1d(np.linspace(0, lags[-1], _LINE_POINTS), np.geomspace(lags[1] / 2, lags[-1], _LINE_POINTS))

    def draw(method: str, form: Callable[[Array, float], Array], label: str, **style: Any) -> None:
        friction = particle.white[method]
        if math.isfinite(friction.value):
            line = form(fine, friction.value)
            axes.plot(fine, line, label=f"{label}: {_quoted(friction)}", linewidth=1.2, zorder=3, **style)

    for name in names:
        if name == "difference":
            label = f"separate fit, displacements over {forms.spacing:g} ps"
            draw(name, white[name], label, color=ACCENT, linestyle=":")
        else:
            draw(name, white[name], "separate fit", color="black")
    draw("joint", white[names[0]], "X and V together", color=NEUTRAL, linestyle="-.")
    if shell := particle.dressed:
        line = dressed_forms(forms.mass, forms.trap, shell.values, forms.spacing)[names[0]](fine)
        label = f"dressed, zero frequency: {_quoted(shell.at_rest)}"
        axes.plot(fine, line, "--", color=PURPLE, linewidth=1.2, zorder=4, label=label)


def _quoted(friction: Estimate) -> str:
    si = friction * (1e12 * FRICTION_SI)
    return f"{si.value:.1f}" + (rf" $\pm$ {si.se:.1f}" if math.isfinite(si.se) else "")


def _table(curve: DrawnCurve) -> pd.DataFrame:
    names = ("lag", "correlation", "se", "own", "white", "dressed", "fitted_to")
    return pd.DataFrame(dict(zip(COLUMNS[3:], (getattr(curve, name) for name in names), strict=True)))
