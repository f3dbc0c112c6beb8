"""Density of the fluid between the walls and around the particles, and internal temperatures of the particles."""

from __future__ import annotations

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.data.parameters import SIDES
from analysis.figures.style import NEUTRAL, SIDE_COLOUR, new_figure
from analysis.friction.result import FrictionResult
from analysis.structure.result import Structure

SIDE_LINE = {"cold": "-", "hot": "--"}  # the curves nearly coincide: dashes leave the lower one visible
INNER_NM = 0.7  # there is no fluid at smaller distances


def structure(content: Structure, friction: FrictionResult) -> tuple[Figure, pd.DataFrame]:
    """Draw the fluid along x and around both particles, its mass beside that of the dressed model, and temperatures over time.

    Args:
        content: the atoms of a study.
        friction: of the same study.

    Returns:
        The figure, and its data: rows of ``panel`` (``along_x``, ``radial_density``, ``fluid_within``, ``internal`` or
        ``bath``), ``side``, ``abscissa`` (Å, Å, Å, ps, ps) and ``value`` (nm⁻³, nm⁻³, particle masses, K, K).
    """
    table = _table(content)
    figure = new_figure(7.2, 5.8)
    (along, around), (within, warmth) = figure.subplots(2, 2)
    _draw_along_x(along, table, content)
    _draw_around(around, table, content)
    _draw_within(within, table, content, friction)
    _draw_temperatures(warmth, table, content)
    titles = (
        "between the walls" if content.sides["cold"].walls else "along x",
        "around each particle",
        "mass of the fluid",
        "inside the particles",
    )
    for axes, letter, title in zip((along, around, within, warmth), "abcd", titles, strict=True):
        axes.set_title(f"({letter}) {title}", loc="left", fontsize=9)
    # Of baths too small for cells nothing is known about cavities.
    searched = all(side.emptiest_cell is not None for side in content.sides.values())
    sound = f"no leaks, {'no cavity, ' if searched else ''}particles intact"
    verdict = sound if content.is_sound else "NOT SOUND: see structure.json"
    figure.suptitle(f"{content.frames} frame{'' if content.frames == 1 else 's'}: {verdict}", fontsize=9)
    return figure, table


def _table(content: Structure) -> pd.DataFrame:
    rows = []
    for side, found in content.sides.items():
        for panel, abscissa, values in (
            ("along_x", content.x, found.density),
            ("radial_density", found.around.radius, found.around.density),
            ("fluid_within", found.around.radius, found.around.mass_within),
            ("internal", content.time, found.metal.over_time),
            ("bath", content.time, found.metal.bath_over_time),
        ):
            if values is not None:
                rows.append(pd.DataFrame({"panel": panel, "side": side, "abscissa": abscissa, "value": values}))
    return pd.concat(rows, ignore_index=True)


def _plot(axes: Axes, table: pd.DataFrame, panel: str, side: str, scale: float = 1.0, **style: Any) -> None:
    chosen = table[(table["panel"] == panel) & (table["side"] == side)]
    axes.plot(chosen["abscissa"] * scale, chosen["value"], **({"color": SIDE_COLOUR[side]} | style))


def _draw_along_x(axes: Axes, table: pd.DataFrame, content: Structure) -> None:
    for side, place in zip(SIDES, (0.25, 0.75), strict=True):
        found = content.sides[side]
        walls = found.walls
        low, high = walls or (content.x[0], content.x[-1])
        inside = table[(table["panel"] != "along_x") | table["abscissa"].between(low, high)]
        _plot(axes, inside, "along_x", side, scale=0.1, linewidth=1.0)
        axes.annotate(
            f"{side} bath\n{found.temperature:.1f} K\n{found.pressure:.0f} bar{', effective' if walls else ''}",
            ((low + high) / 20, 0.97) if walls else (place, 0.6),
            xycoords=("data" if walls else "axes fraction", "axes fraction"),
            ha="center",
            va="top",
            color=SIDE_COLOUR[side],
        )
        for x in walls or ():
            axes.axvline(x / 10, color=NEUTRAL, linewidth=2)
    axes.set_ylim(bottom=0)
    axes.set_xlabel("x (nm)")
    axes.set_ylabel("fluid density (nm$^{-3}$)")


def _draw_around(axes: Axes, table: pd.DataFrame, content: Structure) -> None:
    for side in SIDES:
        _plot(axes, table, "radial_density", side, scale=0.1, linestyle=SIDE_LINE[side], label=f"{side} particle")
    for side in SIDES:
        if (bulk := content.sides[side].bulk_density) is not None:
            axes.axhline(bulk, color=NEUTRAL, linestyle=":", linewidth=1, label="bulk" if side == "cold" else None)
    _shade_layer(axes, content, label="first layer")
    axes.set_xlim(left=INNER_NM)
    axes.set_ylim(bottom=0)
    axes.set_xlabel("distance r from the centre of mass (nm)")
    axes.set_ylabel("fluid density (nm$^{-3}$)")
    axes.legend()


def _shade_layer(axes: Axes, content: Structure, label: str | None = None) -> None:
    """Shade the first layer on the cold particle; that on the hot one ends at nearly the same distance."""
    around = content.sides["cold"].around
    if (layer := around.layer) is not None:
        first = around.radius[around.mass_within > 0.0][0]
        axes.axvspan(first / 10, layer.end / 10, color=NEUTRAL, alpha=0.15, linewidth=0, label=label)


def _draw_within(axes: Axes, table: pd.DataFrame, content: Structure, friction: FrictionResult) -> None:
    top = 3.0
    for j, side in enumerate(SIDES):
        _plot(axes, table, "fluid_within", side, scale=0.1, linestyle=SIDE_LINE[side])
        if friction.dressed:
            shell, mass = friction.dressed[j].mass, content.sides[side].particle_mass
            ratio, se = shell.value / mass, shell.se / mass
            label = f"M of the {side} dressed particle"
            axes.axhline(ratio, color=SIDE_COLOUR[side], linestyle=SIDE_LINE[side], linewidth=1, label=label)
            axes.axhspan(ratio - se, ratio + se, color=SIDE_COLOUR[side], alpha=0.15, linewidth=0)
            top = max(top, 1.5 * ratio)
    _shade_layer(axes, content)
    axes.set_xlim(left=INNER_NM)
    axes.set_ylim(0, top)
    axes.set_xlabel("distance r from the centre of mass (nm)")
    axes.set_ylabel("fluid within r\n(particle masses)")
    if friction.dressed:
        axes.legend(loc="lower right")


def _draw_temperatures(axes: Axes, table: pd.DataFrame, content: Structure) -> None:
    for side in SIDES:
        _plot(axes, table, "bath", side, linewidth=0.7, alpha=0.7, label=f"{side} bath")
        _plot(axes, table, "internal", side, label=f"{side} particle")
    if content.sides["cold"].metal.over_time is None:
        axes.text(0.5, 0.5, "not measured in this run", ha="center", transform=axes.transAxes)
    axes.set_ylim(top=axes.get_ylim()[0] + 1.35 * (axes.get_ylim()[1] - axes.get_ylim()[0]))  # room for the legend
    axes.set_xlabel("time (ps)")
    axes.set_ylabel("temperature (K)")
    axes.legend(ncols=2, loc="upper center")
