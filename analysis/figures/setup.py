"""The simulated set-up: a cut through the box of a run, with sketches of the traps and of the controller's forces."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch

from analysis.data.parameters import LINEAR, Array
from analysis.data.runs import Run
from analysis.data.universe import universe
from analysis.figures.style import ACCENT, COLD, HOT, NEUTRAL, new_figure

# LAMMPS types: fluid cold and hot (paler), particle cold and hot, wall of the cold and hot side
COLOURS = {1: "#9bc9ea", 2: "#f3c29b", 3: COLD, 4: HOT, 5: NEUTRAL, 6: NEUTRAL}
RADII_A = {1: 1.7, 2: 1.7, 3: 1.25, 4: 1.25, 5: 1.25, 6: 1.25}
LABEL_BOX = {"boxstyle": "round,pad=0.15", "fc": "white", "ec": "none", "alpha": 0.8}
SLAB_A = 3.0  # half thickness of the slab of fluid shown; the metal particles are shown completely
_LAYER_A = 1.0  # atoms are drawn in layers of this thickness, the nearest last
_WIDTH_IN = 7.2


def draw_setup(run: Run, controller: str = LINEAR, frame: int = -1) -> Figure:
    """Draw one frame of a run: walls, a slab of fluid, both particles, their traps and the forces of the controller.

    Baths that fill the same periodic cube are drawn side by side. Forces are written out for the linear controller only.

    Args:
        run: a molecular-dynamics run.
        controller: name of the controller of the study. A run without controller may have been made for another one.
        frame: index of the frame in its trajectory; the last one by default.

    Raises:
        RunFolderError: if the run has no trajectory.
    """
    system = universe(run.folder)
    system.trajectory[frame]
    positions, types = system.atoms.positions.astype(float), system.atoms.types.astype(int)
    walls = positions[(types == 5) | (types == 6), 0]
    if walls.size:  # a wrapped frame may start anywhere; the middle wall is the origin of x
        middle, edge = walls.mean(), np.ptp(walls) / 2
    else:  # both baths fill the same cube: they are drawn side by side
        middle, edge = 0.0, float(system.dimensions[0])
        positions[np.isin(types, (1, 3)), 0] -= edge
    centre_z = positions[types == 3, 2].mean()
    shown = (np.abs(positions[:, 2] - centre_z) < SLAB_A) | (types == 3) | (types == 4)

    # The axes fill the figure, so that the size of a marker in Å is known.
    left, right, bottom, top = -1.03 * edge, 1.03 * edge, -0.13 * edge, 1.18 * edge
    figure = new_figure(_WIDTH_IN, _WIDTH_IN * (top - bottom) / (right - left))
    figure.set_layout_engine("none")
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_xlim(left, right)
    axes.set_ylim(bottom, top)
    axes.axis("off")
    _draw_atoms(axes, positions[shown] - [middle, 0.0, 0.0], types[shown], 72 * _WIDTH_IN / (right - left))
    trap = np.linspace(-0.36 * edge, 0.36 * edge, 200)
    ends = []
    for sign, name, kind, temperature in (
        (-1, "cold", 3, run.parameters.temperature[0]),
        (1, "hot", 4, run.parameters.temperature[1]),
    ):
        middle_of_bath = sign * edge / 2
        axes.plot(middle_of_bath + trap, 0.08 * edge + 0.34 * edge * (trap / trap[-1]) ** 2, color="black", lw=1.6)
        axes.text(
            middle_of_bath,
            0.12 * edge,
            r"trap, $\kappa$",
            ha="center",
            va="bottom",
            fontsize=9,
            bbox=LABEL_BOX,
            zorder=6,
        )
        particle = positions[types == kind, :2].mean(axis=0) - [middle, 0.0]
        ends.append(particle)
        axes.text(
            middle_of_bath,
            -0.045 * edge,
            f"{name} bath, {temperature:g} K",
            ha="center",
            va="top",
            fontsize=11,
            color=COLOURS[kind],
        )
    axes.plot([-5, 5], [-0.055 * edge] * 2, color="black", lw=2)
    axes.text(0, -0.07 * edge, "1 nm", ha="center", va="top", fontsize=9)
    demon = 1.04 * edge
    for end, force, law, colour in (
        (ends[0], "F_C", r"=\kappa_C\,(X_H-X_C)", COLOURS[3]),
        (ends[1], "F_H", r"=\kappa_H\,(X_C-X_H)", COLOURS[4]),
    ):
        label = f"${force}{law if controller == LINEAR else ''}$"
        sign = np.sign(end[0])
        axes.add_patch(
            FancyArrowPatch(
                (0.0, demon),
                (end[0], end[1] + 10),
                connectionstyle=f"arc3,rad={0.25 * sign}",
                arrowstyle="-|>",
                mutation_scale=16,
                color=colour,
                lw=2,
                zorder=5,
            )
        )
        axes.text(sign * 0.36 * edge, demon + 0.035 * edge, label, color=colour, ha="center", va="bottom", fontsize=12)
    axes.text(
        0,
        demon,
        "demon",
        ha="center",
        va="center",
        fontsize=12,
        bbox={"boxstyle": "round", "fc": "#d7efe3", "ec": ACCENT},
        zorder=6,
    )
    return figure


def _draw_atoms(axes: Axes, positions: Array, types: Array, points_per_A: float) -> None:
    """Draw atoms at ``positions``, (n, 3), Å, of ``types``, (n,), as markers: an SVG stores each outline only once."""
    layers = np.floor(positions[:, 2] / _LAYER_A)
    for layer in np.unique(layers):
        for kind in np.unique(types[layers == layer]):
            x, y, _ = positions[(layers == layer) & (types == kind)].T
            axes.plot(
                x,
                y,
                "o",
                markersize=2 * RADII_A[kind] * points_per_A,
                color=COLOURS[kind],
                markeredgecolor="white",
                markeredgewidth=0.3,
                zorder=1,
            )
