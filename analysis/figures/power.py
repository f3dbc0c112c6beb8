"""Distributions of the sampled power: measured, exact, and as published (as Fig. 5a of Sci. Rep. 13, 4517)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.compare.comparison import without_theory
from analysis.compare.theory import ideal_models
from analysis.data.parameters import SIDES, Array
from analysis.figures.over_ratio import MODEL_LABEL, MODEL_STYLE, nearest, published_law, remark
from analysis.figures.style import ACCENT, NEUTRAL, SIDE_COLOUR, SIDE_MARKER, new_figure
from analysis.friction.result import Friction
from analysis.heat.point import by_ratio
from analysis.heat.results import PowerPoint

SHOWN = 3
"""Number of points drawn; the CSV holds all of them."""

PAPER_RATIO = 4.80
"""κ_H/κ_C of the paper's figure; the nearest point is always drawn."""


def power_histograms(points: Sequence[PowerPoint], friction: Friction) -> tuple[Figure, pd.DataFrame]:
    """Draw the power on each particle at up to three points of the sweep: nearest to the paper's, and both ends.

    Laws are averaged over each bin, because the density of one particle's power diverges at 0.

    Args:
        points: of one study.
        friction: of that study.

    Returns:
        The figure, and its data: ``kappa_ratio``, ``target`` (with the total, which is not drawn), ``power_eV_per_ns`` (middle
        of the bin), ``density_ns_per_eV``, ``se``, ``theory``, ``dressed``, ``modes`` (NaN if not measured), ``published``.
    """
    points = by_ratio(points)
    data = pd.concat([_beside_laws(point, friction) for point in points], ignore_index=True)
    chosen = _shown(points)
    figure = new_figure(7.2, 2.2 * len(chosen) + 0.5)
    panels = figure.subplots(len(chosen), 2, squeeze=False)
    for row, index in zip(panels, chosen, strict=True):
        point = points[index]
        for axes, side in zip(row, SIDES, strict=True):
            _panel(axes, data[(data["kappa_ratio"] == point.ratio) & (data["target"] == side)], side)
            axes.set_title(
                rf"{side} particle, $\kappa_H/\kappa_C$ = {point.kappa_ratio}, {point.samples} samples",
                loc="left",
                fontsize=8,
            )
        row[0].set_ylabel("density (ns/eV)")
    for axes, letter in zip(panels[-1], "CH", strict=True):
        axes.set_xlabel(rf"power $\dot W_{letter}$ over {points[0].dt:g} ps (eV/ns)")
    if (unknown := without_theory(points, ideal=True)) is not None:
        remark(panels[0, 0], unknown)
    handles, labels = panels[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=5, fontsize=7)
    return figure, data


def _shown(points: Sequence[PowerPoint]) -> list[int]:
    """Indices of the points to draw, in order of priority: the nearest to the paper's, the ends, and the middle."""
    last = len(points) - 1
    wanted = [nearest(points, PAPER_RATIO), 0, last, last // 2]
    return sorted(list(dict.fromkeys(index for index in wanted if index is not None))[:SHOWN])


def _panel(axes: Axes, data: pd.DataFrame, side: str) -> None:
    axes.set_yscale("log")
    seen = data[data["density_ns_per_eV"] > 0]
    # The laws fall to densities that this number of samples cannot resolve.
    if not seen.empty:
        axes.set_ylim(seen["density_ns_per_eV"].min() / 5, 3 * seen["density_ns_per_eV"].max())
    middle = data["power_eV_per_ns"]
    axes.errorbar(
        seen["power_eV_per_ns"],
        seen["density_ns_per_eV"],
        seen["se"].fillna(0.0),
        fmt=SIDE_MARKER[side],
        color=SIDE_COLOUR[side],
        markersize=3,
        linewidth=0.6,
        capsize=0,
        label="simulation",
    )
    for model, line_colour in (("theory", NEUTRAL), ("dressed", "black"), ("modes", "black")):
        if data[model].notna().any():
            axes.plot(middle, data[model], MODEL_STYLE[model], color=line_colour, label=MODEL_LABEL[model])
    if data["published"].notna().any():
        axes.plot(middle, data["published"], ":", color=ACCENT, label="published, eq. (9)")


def _beside_laws(point: PowerPoint, friction: Friction) -> pd.DataFrame:
    parameters, dt = point.parameters, point.dt
    tables = []
    for target, histogram in point.histograms.items():
        edges = histogram.edge
        per_ps = edges / 1e3
        table = pd.DataFrame(
            {
                "kappa_ratio": point.ratio,
                "target": target,
                "power_eV_per_ns": (edges[1:] + edges[:-1]) / 2,
                "density_ns_per_eV": histogram.density,
                "se": histogram.se,
                "theory": np.nan,
                "dressed": np.nan,
                "modes": np.nan,
                "published": np.nan,
            }
        )
        coupled = {"cold": parameters.coupling[0], "hot": parameters.coupling[1], "total": any(parameters.coupling)}
        if coupled[target]:
            for name, model in ideal_models(parameters, friction).items():
                law = model.mixture(lambda machine: machine.power_distribution(target, dt))  # noqa: B023
                table[name] = _bin_means(law.cdf(per_ps), edges)
            # The paper has no law of the total power.
            if target in SIDES and (published := published_law(parameters, friction, target)) is not None:
                table["published"] = _bin_means(published.cdf(per_ps), edges)
        tables.append(table)
    return pd.concat(tables, ignore_index=True)


def _bin_means(cdf: Array, edges: Array) -> Array:
    return np.asarray(np.diff(cdf) / np.diff(edges))
