"""Distributions of position and velocity in equilibrium against the exact Gaussians (as Fig. 8a, b of arXiv:2211.05502)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import suppress

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.data.parameters import SIDES, Array
from analysis.data.runs import Run
from analysis.figures.style import SIDE_COLOUR, SIDE_MARKER, new_figure
from analysis.friction.curves import DIFFERENCE, equilibrium_blocks, particle, samples_in
from analysis.model import BOLTZMANN
from analysis.statistics.timeseries import Blocks, SeriesTooShortError, stationary_mean

_LINE_POINTS = 200
_BINS, _REACH = 29, 3.5  # number of bins, and their reach on either side in standard deviations

_VELOCITY = ("Å/ps", "ps/Å")
_UNITS = {
    "position": ("Å", "Å$^{-1}$"),
    "velocity": _VELOCITY,
    "difference": _VELOCITY,
}  # unit of the observable, unit of its density
_SYMBOLS = {
    "position": r"$\langle X^2\rangle\,\kappa/k_BT$",
    "velocity": r"$\langle V^2\rangle\,m/k_BT$",
    "difference": r"$\langle(\Delta X/\Delta t)^2\rangle\,m/k_BT$",
}


def equilibrium(runs: Sequence[Run]) -> tuple[Figure, pd.DataFrame]:
    """Draw the densities of position, velocity and displacement over 1 ps of both particles, over all axes and replicas.

    The displacement over 1 ps is the paper's velocity. Its variance is 2(⟨X²⟩ - ⟨X(0)X(dt)⟩)/dt², smaller than k_BT/m by an
    amount that depends on the friction. It is drawn beside the Gaussian of the instantaneous velocity.

    Args:
        runs: equilibrium replicas, κ_C = κ_H = 0.

    Returns:
        The figure, and its data: rows of ``side``, ``observable`` (``position``, ``velocity``, ``difference``), ``value`` (bin
        centre, Å or Å/ps), ``density`` and ``se`` (per that unit) and ``gaussian``, the exact density of position or of
        instantaneous velocity averaged over the bin.
    """
    blocks: Blocks | None = None
    # A study may be short on purpose, as in tests: its distributions then have no error bars.
    with suppress(SeriesTooShortError):
        blocks = equilibrium_blocks(runs)
    figure = new_figure(10.2, 3.4)
    panels = figure.subplots(1, 3)
    stride = samples_in(DIFFERENCE, runs[0].parameters.sample_interval)
    dt = stride * runs[0].parameters.sample_interval
    titles = ("position", "velocity", f"displacement over {dt:g} ps")
    tables = []
    for j, side in enumerate(SIDES):
        data = particle(runs, j)
        # If traps differ in stiffness, positions are scaled to the mean one.
        scale = np.tile(np.sqrt(np.array(runs[0].parameters.traps) / data.trap), len(runs))[:, None]
        thermal = BOLTZMANN * runs[0].parameters.temperature[j]
        moved = (data.position[:, stride:] - data.position[:, :-stride]) / dt
        for axes, observable, series, variance in (
            (panels[0], "position", scale * data.position, thermal / data.trap),
            (panels[1], "velocity", data.velocity, thermal / data.mass),
            (panels[2], "difference", moved, thermal / data.mass),
        ):
            if series.shape[1] < 2:  # a single displacement
                continue
            table = _histogram(series, math.sqrt(variance), blocks)
            tables.append(table.assign(side=side, observable=observable))
            ratio = stationary_mean(series**2, blocks) * (1 / variance)
            error = "" if blocks is None else f" ± {ratio.se:.2f}"
            _draw(axes, table, side, math.sqrt(variance), f"{side}: {_SYMBOLS[observable]} = {ratio.value:.2f}{error}")
    for axes, title, (unit, inverse) in zip(panels, titles, _UNITS.values(), strict=True):
        axes.set_ylim(0, 1.3 * axes.get_ylim()[1])  # room for the legend
        axes.set_xlabel(f"{title} ({unit})")
        axes.set_ylabel(f"probability density ({inverse})")
        if axes.get_legend_handles_labels()[0]:
            axes.legend(loc="upper left")
    order = ["side", "observable", "value", "density", "se", "gaussian"]
    return figure, pd.concat(tables, ignore_index=True)[order]


def _histogram(series: Array, deviation: float, blocks: Blocks | None) -> pd.DataFrame:
    """Density of m series of n samples in bins, with block errors, since neighbouring samples are correlated."""
    edges = np.linspace(-_REACH, _REACH, _BINS + 1) * deviation
    width = edges[1] - edges[0]
    bins = np.digitize(series, edges) - 1
    shares = [stationary_mean((bins == k).astype(float), blocks) * (1 / width) for k in range(_BINS)]
    return pd.DataFrame(
        {
            "value": (edges[1:] + edges[:-1]) / 2,
            "density": [share.value for share in shares],
            "se": [share.se for share in shares],
            "gaussian": _gaussian((edges[1:] + edges[:-1]) / 2, width, deviation),
        }
    )


def _gaussian(middle: Array, width: float, deviation: float) -> Array:
    """Mean of a Gaussian density over a bin of given width around each value, in the shape of ``middle``."""
    ends = ((middle + sign * width / 2) / (deviation * math.sqrt(2)) for sign in (1, -1))
    above, below = (np.array([math.erf(end) for end in each]) for each in ends)
    return np.asarray((above - below) / (2 * width))


def _draw(axes: Axes, table: pd.DataFrame, side: str, deviation: float, label: str) -> None:
    axes.errorbar(
        table["value"],
        table["density"],
        table["se"].fillna(0.0),
        fmt=SIDE_MARKER[side],
        color=SIDE_COLOUR[side],
        markersize=3,
        linewidth=0.6,
        capsize=0,
        label=label,
    )
    value = table["value"].to_numpy()
    fine = np.linspace(value[0], value[-1], _LINE_POINTS)
    axes.plot(fine, _gaussian(fine, value[1] - value[0], deviation), color=SIDE_COLOUR[side])
