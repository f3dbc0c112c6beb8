"""Velocity of dragged particles beside the prediction from the friction at equilibrium (as Fig. 7 of arXiv:2211.05502)."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.data.parameters import SIDES
from analysis.errors import AnalysisError
from analysis.figures.style import ACCENT, NEUTRAL, SIDE_COLOUR, new_figure
from analysis.friction.drag import DragFriction, DragRun
from analysis.friction.result import FrictionResult
from analysis.statistics.timeseries import Estimate
from analysis.units import FRICTION_SI, VELOCITY_SI

# Some hundred points suffice for a curve across a panel; each is a mean over samples, so none is ignored.
_POINTS = 400


def drag(groups: Sequence[Sequence[DragRun]], friction: FrictionResult) -> tuple[Figure, pd.DataFrame]:
    """Draw the particle's velocity relative to the fluid, a row for each bath and a column for each force.

    Args:
        groups: replicas of one side and force each.
        friction: of the same study.

    Returns:
        The figure, and its data in m/s: ``side``, ``force_nN``, ``series``, ``time_ps``, ``velocity_m_per_s`` and ``se``. The
        series ``measured`` is averaged over replicas and short times; ``steady`` is its mean after the transient, from the
        time given on; ``white`` and ``dressed`` are the force over the friction fitted at equilibrium.
    """
    forces = list(dict.fromkeys(runs[0].force_nN for runs in groups))
    sides = [side for side in SIDES if any(runs[0].side == side for runs in groups)]
    figure = new_figure(1.6 + 3.6 * len(forces), 1.0 + 2.2 * len(sides))
    panels = figure.subplots(len(sides), len(forces), sharex="col", sharey="col", squeeze=False)
    tables = []
    for runs in groups:
        found = _found(friction, runs[0])
        axes = panels[sides.index(runs[0].side), forces.index(runs[0].force_nN)]
        table = pd.concat([_measured(runs), _steady(found), *_forecasts(runs[0], friction)], ignore_index=True)
        tables.append(table.assign(side=runs[0].side, force_nN=runs[0].force_nN))
        _draw(axes, table, found, SIDE_COLOUR[runs[0].side])
    for axes in panels[0]:
        axes.set_ylim(bottom=min(0.0, axes.get_ylim()[0]))  # panels of a column share this axis
    for axes in panels[-1]:
        axes.set_xlabel("time since the force was switched on (ps)")
    for axes in panels[:, 0]:
        axes.set_ylabel("velocity (m/s)")
    order = ["side", "force_nN", "series", "time_ps", "velocity_m_per_s", "se"]
    return figure, pd.concat(tables, ignore_index=True)[order]


def _found(friction: FrictionResult, run: DragRun) -> DragFriction:
    """The friction at the side and force of a run."""
    for found in friction.drags:
        if (found.side, found.force_nN) == (run.side, run.force_nN):
            return found
    raise AnalysisError(
        f"friction.json: no drag run of side {run.side}, {run.force_nN} nN; run the friction analysis again"
    )


def _measured(runs: Sequence[DragRun]) -> pd.DataFrame:
    velocity = np.mean([run.column("velocity_x_A_per_ps") for run in runs], axis=0)
    edges = np.unique(np.linspace(0, len(velocity), _POINTS + 1).astype(int))
    shares = np.diff(edges)
    time, mean = (np.add.reduceat(x, edges[:-1]) / shares for x in (runs[0].column("time_ps"), velocity))
    return pd.DataFrame({"series": "measured", "time_ps": time, "velocity_m_per_s": mean * VELOCITY_SI, "se": math.nan})


def _steady(found: DragFriction) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "series": ["steady"],
            "time_ps": [found.transient],
            "velocity_m_per_s": [found.velocity.value * VELOCITY_SI],
            "se": [found.velocity.se * VELOCITY_SI],
        }
    )


def _forecasts(run: DragRun, friction: FrictionResult) -> list[pd.DataFrame]:
    """Predicted velocities F/γ for the frictions fitted at equilibrium, with errors to first order; one row each, at t = 0.

    The friction is that of all axes together: a drag run has no walls, so no single axis corresponds to its direction.
    """
    j = SIDES.index(run.side)
    fits = {"white": friction.friction.pooled.white[j]}
    if friction.dressed:
        fits["dressed"] = friction.dressed[j].at_rest
    tables = []
    for name, found in fits.items():
        speed = run.force / found.value * VELOCITY_SI
        error = speed * found.se / found.value
        tables.append(pd.DataFrame({"series": [name], "time_ps": [0.0], "velocity_m_per_s": [speed], "se": [error]}))
    return tables


def _draw(axes: Axes, table: pd.DataFrame, found: DragFriction, colour: str) -> None:
    measured = table[table["series"] == "measured"]
    axes.plot(measured["time_ps"], measured["velocity_m_per_s"], color=colour, linewidth=0.7, alpha=0.6)
    end = float(measured["time_ps"].iloc[-1])
    labels = {
        "steady": _friction("mean", found.friction),
        "white": "white friction at equilibrium",
        "dressed": "dressed particle, zero frequency",
    }
    looks = {"steady": (colour, "-"), "white": (NEUTRAL, "-"), "dressed": (ACCENT, "--")}
    for line in table[table["series"] != "measured"].to_dict("records"):
        line_colour, style = looks[line["series"]]
        span, speed, se = [line["time_ps"], end], line["velocity_m_per_s"], line["se"]
        axes.plot(span, [speed, speed], color=line_colour, linestyle=style, label=labels[line["series"]])
        if math.isfinite(se):
            axes.fill_between(span, speed - se, speed + se, color=line_colour, alpha=0.25, linewidth=0)
    axes.axvspan(0, found.transient, color="black", alpha=0.05, linewidth=0)
    axes.set_title(f"{found.force_nN} nN, {found.bath_temperature:g} K", loc="left")
    axes.set_xlim(0, end)
    axes.legend(loc="best", frameon=True, framealpha=0.85, edgecolor="none")


def _friction(what: str, friction: Estimate) -> str:
    si = friction * (1e12 * FRICTION_SI)
    if not math.isfinite(si.se):
        return rf"{what}: $\gamma$ = {si.value:.2g} $\times10^{{-12}}$ kg/s"
    digits = max(1 - math.floor(math.log10(si.se)), 0)
    return rf"{what}: $\gamma$ = ({si.value:.{digits}f} ± {si.se:.{digits}f})$\times10^{{-12}}$ kg/s"
