"""The cascaded oscillators: surfaces of equal excess (Fig. 2 of Barzanjeh, Aquilina & Xuereb), and the noise of the flows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from mpl_toolkits.mplot3d.art3d import Poly3DCollection

from analysis.figures.style import ACCENT, COLD, HOT, NEUTRAL, new_figure
from analysis.mechanisms.cascaded import CascadedOscillators, closed_form_excess
from analysis.mechanisms.counting import least_uncertainty_product, moments
from analysis.model.lyapunov import Array

# The published machine: φ = 0 and all rates equal to κ, here 1.
EQUAL_RATES = CascadedOscillators(
    loss_1=1.0, loss_2=1.0, channel_1=1.0, channel_2=1.0, occupation_1=0.0, occupation_2=0.0, occupation_3=0.5
)
DISCONNECTED = (50.0, 100.0)
"""m̄₁ and m̄₂ of the published surfaces."""
LEVELS = {10: HOT, 0: ACCENT, -10: COLD}
"""Δn₂ of the surfaces, and their colours."""
FLOW_COLOUR, FLOW_STYLE = (COLD, HOT, ACCENT), ("--", ":", "-")
"""Colours and line styles of η₁, η₂, η₃, as in the published figure."""

# Negative real F gives the mirror image, with Δ of opposite sign.
_HOPPINGS = {"real": np.linspace(0, 2, 61), "imaginary": 1j * np.linspace(-1, 1, 61)}
_DETUNINGS = np.linspace(-4, 4, 65)
_SLICES: dict[float, Literal["-", "--"]] = {0.0: "-", 2.0: "--"}
_HIGHEST = 2 * min(DISCONNECTED)  # above this m̄₃ one of the other baths would need N̄ < 0


def cascaded_surfaces() -> tuple[Figure, pd.DataFrame]:
    """Draw where Δn₂ = 10, 0, -10, over detuning, hopping F (real and imaginary) and occupation of the common bath.

    Surfaces end where m̄₃ or the occupation of another bath would be negative.

    Returns:
        The figure, and rows of ``hopping`` (``real``, ``imaginary``), ``detuning_over_kappa``, ``hopping_over_kappa``,
        ``excess_2`` and ``occupation_3`` (m̄₃; nan where an occupation would be negative).
    """
    figure = new_figure(8.2, 7.0)
    tables = []
    for column, (name, hoppings) in enumerate(_HOPPINGS.items()):
        space: Any = figure.add_subplot(2, 2, column + 1, projection="3d")
        plane = figure.add_subplot(2, 2, column + 3)
        sizes = hoppings.real + hoppings.imag
        grid = np.meshgrid(_DETUNINGS, sizes, indexing="ij")
        ends = np.array([[_excess_at_ends(complex(f), float(d)) for f in hoppings] for d in _DETUNINGS])
        polygons, colours = [], []
        for level, colour in LEVELS.items():
            # The excess is linear in m̄₃; solved for m̄₃ it gives above/below.
            above, below = _HIGHEST * (level - ends[..., 0]), ends[..., 1] - ends[..., 0]
            with np.errstate(divide="ignore", invalid="ignore"):
                surface = above / below
            physical = np.where((surface >= 0) & (surface <= _HIGHEST), surface, np.nan)
            for detuning, style in _SLICES.items():
                line = surface[np.argmin(np.abs(_DETUNINGS - detuning))]
                shown = np.where(np.abs(line) <= 3 * _HIGHEST, line, np.nan)
                # Where Δ has no effect the lines coincide, and only the markers show the second one.
                marker = "o" if detuning else None
                plane.plot(sizes, shown, style, color=colour, marker=marker, markevery=6, markersize=2.5)
            pieces = _clipped(grid, above, below)
            polygons += pieces
            colours += [_shaded(piece, colour) for piece in pieces]
            columns = {"detuning_over_kappa": grid[0], "hopping_over_kappa": grid[1], "occupation_3": physical}
            table = pd.DataFrame({key: values.ravel() for key, values in columns.items()})
            tables.append(table.assign(hopping=name, excess_2=level))
        # One collection, so that Matplotlib sorts the polygons of all surfaces by depth, also where surfaces cross.
        # Without autoscaling: Matplotlib pads polygons of fewer corners with uninitialised numbers, and would read these too.
        space.add_collection3d(
            Poly3DCollection(polygons, facecolors=colours, edgecolors=colours, linewidths=0.1, rasterized=True),
            autolim=False,
        )
        axis = r"\Re F/\kappa" if name == "real" else r"\Im F/\kappa"
        space.set(xlabel=r"$\Delta/\kappa$", ylabel=f"${axis}$", zlabel=r"$\bar m_3$", zlim=(0, _HIGHEST))
        space.set(xlim=(_DETUNINGS[0], _DETUNINGS[-1]), ylim=(sizes[0], sizes[-1]))
        space.set(xticks=[-4, -2, 0, 2, 4], yticks=np.linspace(sizes[0], sizes[-1], 5))
        space.set_box_aspect((1, 1, 0.8), zoom=0.84)  # zoomed out, so that the z label is inside the figure
        space.view_init(elev=22, azim=-50)
        plane.set(
            xlabel=f"${axis}$", xticks=np.linspace(sizes[0], sizes[-1], 5), ylabel=r"$\bar m_3$", ylim=(0, _HIGHEST)
        )
    lines = [Line2D([], [], color=colour, label=rf"$\Delta n_2={level}$") for level, colour in LEVELS.items()]
    lines += [
        Line2D(
            [],
            [],
            color=NEUTRAL,
            linestyle=style,
            marker="o" if detuning else "",
            markersize=2.5,
            label=rf"below: $\Delta/\kappa={detuning:g}$",
        )
        for detuning, style in _SLICES.items()
    ]
    figure.legend(handles=lines, loc="outside upper center", ncols=5)
    return figure, pd.concat(tables, ignore_index=True)


def _excess_at_ends(hopping: complex, detuning: float) -> tuple[float, float]:
    """Δn₂ at m̄₃ = 0 and at m̄₃ = ``_HIGHEST``; it is linear in m̄₃."""
    found = []
    for occupation_3 in (0.0, _HIGHEST):
        n1, n2 = (2 * m - occupation_3 for m in DISCONNECTED)
        baths = {"occupation_1": n1, "occupation_2": n2, "occupation_3": occupation_3}
        machine = replace(EQUAL_RATES, hopping=hopping, detuning=detuning, **baths)
        found.append(float(closed_form_excess(machine)[1]))
    return found[0], found[1]


def _clipped(grid: Sequence[Array], above: Array, below: Array) -> list[Array]:
    """Part of the surface z = above/below with 0 <= z <= _HIGHEST, as polygons (corners, 3).

    The cuts are computed from numerator and denominator, which are smooth at the poles of z.
    """
    corners = np.stack([*grid, above, below], axis=-1)
    cells = np.stack([corners[:-1, :-1], corners[1:, :-1], corners[1:, 1:], corners[:-1, 1:]], axis=2).reshape(-1, 4, 4)
    pieces = []
    for sign in (1.0, -1.0):
        low, high = sign * cells[..., 2], sign * (_HIGHEST * cells[..., 3] - cells[..., 2])
        for cell in cells[(low > 0).any(-1) & (high > 0).any(-1)]:
            piece = _cut(_cut(cell, sign * cell[:, 2]), None, sign)
            # The height is undefined at a corner where both vanish.
            if len(piece) > 2 and (piece[:, 3] != 0).all():
                pieces.append(np.column_stack([piece[:, :2], piece[:, 2] / piece[:, 3]]))
    return pieces


def _cut(polygon: Array, values: Array | None, sign: float = 1.0) -> Array:
    """Part of a polygon in which ``values``, given at its corners, are positive; if None, the part with z <= _HIGHEST."""
    if not len(polygon):
        return polygon
    inside = sign * (_HIGHEST * polygon[:, 3] - polygon[:, 2]) if values is None else values
    kept = []
    for here, there, v, w in zip(polygon, np.roll(polygon, -1, 0), inside, np.roll(inside, -1), strict=True):
        if v > 0:
            kept.append(here)
        if (v > 0) != (w > 0):
            kept.append(here + v / (v - w) * (there - here))
    return np.array(kept).reshape(-1, polygon.shape[1])


def _shaded(piece: Array, colour: str) -> tuple[float, ...]:
    """Colour of a polygon lit from above and one side."""
    normal = np.cross(piece[1] - piece[0], piece[-1] - piece[0]) / np.array([1.0, 1.0, 25.0])
    size = float(np.linalg.norm(normal))
    light = abs(float(normal @ [0.3, -0.4, 0.85])) / size if size else 1.0
    return (*(np.array(to_rgb(colour)) * (0.55 + 0.45 * light)), 0.9)


def cascaded_counting() -> tuple[Figure, pd.DataFrame]:
    """Draw the noise of the flows: mean and variance over N̄₁, and the smallest uncertainty product over F.

    Returns:
        The figure, and rows of ``quantity`` (``mean``, ``variance``, ``least_uncertainty_product``), ``series`` (``eta_1`` to
        ``eta_3``, or the direction of F), ``x`` (N̄₁, or |F|/κ) and ``value`` (κ, or without unit).
    """
    figure = new_figure(7.4, 3.6)
    noise, product = figure.subplots(1, 2)
    return figure, pd.concat([*_noise(noise), *_least_products(product)], ignore_index=True)


def curve(quantity: str, series: str, x: Array, values: object) -> pd.DataFrame:
    """One line of a figure as rows of ``quantity``, ``series``, ``x``, ``value``."""
    return pd.DataFrame({"quantity": quantity, "series": series, "x": x, "value": values})


def _noise(axes: Axes) -> list[pd.DataFrame]:
    occupations = np.linspace(0, 5, 101)
    found = [moments(replace(EQUAL_RATES, occupation_1=float(n))) for n in occupations]
    tables = []
    for bath, (colour, style) in enumerate(zip(FLOW_COLOUR, FLOW_STYLE, strict=True)):
        mean = np.array([m.mean[bath] for m in found])
        variance = np.array([m.covariance[bath, bath] for m in found])
        axes.plot(occupations, variance, style, color=colour, label=rf"variance, $\eta_{bath + 1}$")
        axes.plot(occupations, mean, style, color=colour, linewidth=0.7)
        tables += [curve("mean", f"eta_{bath + 1}", occupations, mean)]
        tables += [curve("variance", f"eta_{bath + 1}", occupations, variance)]
    # Means change their sign, so the axis is logarithmic far from 0 and linear near it.
    axes.set_yscale("asinh", linear_width=0.3)
    axes.set_yticks([-2, -1, -0.5, 0, 0.5, 1, 2, 5, 10], ["−2", "−1", "−0.5", "0", "0.5", "1", "2", "5", "10"])
    axes.axhline(0, color=NEUTRAL, linewidth=0.6, zorder=0)
    axes.set(xlabel=r"$\bar N_1$", ylabel=r"quanta per $1/\kappa$", ylim=(-3, 40))
    axes.set_title(r"$\bar N_2=0$, $\bar N_3=0.5$", fontsize=8)
    axes.legend(loc="upper left", title="thin: mean", title_fontsize=8, ncols=2)
    return tables


def _least_products(axes: Axes) -> list[pd.DataFrame]:
    sizes = np.geomspace(1e-2, 30, 121)
    ways = {"real": (1.0, COLD, "-"), "positive imaginary": (1j, ACCENT, "--"), "negative imaginary": (-1j, HOT, "-.")}
    tables = []
    for name, (direction, colour, style) in ways.items():
        # It is the same for all three flows, because three baths form a single loop.
        least = [least_uncertainty_product(replace(EQUAL_RATES, hopping=f * direction))[0] for f in sizes]
        axes.plot(sizes, least, linestyle=style, color=colour, label=f"F {name}")
        tables.append(curve("least_uncertainty_product", name, sizes, least))
    axes.axhline(2, color="black", linewidth=0.6, zorder=0)
    axes.annotate("reciprocal: 2", (0.012, 2.003), fontsize=7)
    axes.axhline(least_uncertainty_product(EQUAL_RATES)[0], color=NEUTRAL, linewidth=0.8, linestyle=":")
    axes.annotate("F = 0: 15/8", (30, 1.877), fontsize=7, color=NEUTRAL, ha="right")
    axes.set(
        xscale="log", xlabel=r"$|F|/\kappa$", ylabel=r"smallest variance $\times$ entropy / mean$^2$", ylim=(1.8, 2.02)
    )
    axes.set_title("near equilibrium", fontsize=8)
    axes.legend(loc="lower left")
    return tables
