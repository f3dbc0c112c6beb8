"""Heats of both baths against delay, hold, noise and filter of the feedback loop: measured, and by every theory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.compare.response import response_rates
from analysis.compare.theory import models
from analysis.data.parameters import SIDES, Parameters
from analysis.figures.over_ratio import MODEL_LABEL, MODEL_STYLE
from analysis.figures.style import ACCENT, NEUTRAL, SIDE_COLOUR, SIDE_MARKER, new_figure
from analysis.friction.response import Responses
from analysis.friction.result import Friction
from analysis.heat.point import HeatPoint
from analysis.model import Feedback
from analysis.units import PER_NS

_IDEAL = Feedback()
_LINE_POINTS = 17
_BEYOND = 1.5  # end of the lines, over the largest measured value
COLUMNS = ["quantity", "series", "side", "loop", "value", "se"]


@dataclass(frozen=True)
class _Quantity:
    """One quantity in which a loop may differ from the ideal one.

    Attributes:
        label: of the axis.
        read: returns its value in a loop.
        make: returns a loop with a given value, and otherwise like a measured loop.
    """

    label: str
    read: Callable[[Feedback], float]
    make: Callable[[float, Feedback], Feedback]


_QUANTITIES = {
    "delay": _Quantity("delay of the whole force (ps)", lambda loop: loop.delay, lambda x, _: Feedback(delay=x)),
    "delay_of_partner": _Quantity(
        "delay of the partner's position (ps)",
        lambda loop: loop.delay,
        lambda x, _: Feedback(delay=x, delayed="partner"),
    ),
    "hold": _Quantity("time between updates (ps)", lambda loop: loop.period, lambda x, _: Feedback(update_every=x)),
    "noise": _Quantity(
        "noise of a reading (Å)",
        lambda loop: loop.position_noise,
        lambda x, loop: Feedback(update_every=loop.update_every, position_noise=x),
    ),
    "filter": _Quantity("time constant of the filter (ps)", lambda loop: loop.filter, lambda x, _: Feedback(filter=x)),
}


def varied(loop: Feedback) -> str | None:
    """Name of the one quantity in which a loop differs from the ideal one; ``None`` if there is none or more than one.

    Noise needs updates at which positions are read; a loop with both counts as one of noise.
    """
    found = [name for name, quantity in _QUANTITIES.items() if quantity.make(quantity.read(loop), loop) == loop]
    found = [name for name in found if _QUANTITIES[name].read(loop)]
    return found[0] if found else None


def loops(points: Sequence[HeatPoint], friction: Friction, responses: Responses | None) -> tuple[Figure, pd.DataFrame]:
    """Draw the heats of both baths over each quantity in which the loops of these points differ.

    Args:
        points: of a study and its variants, at one κ_H/κ_C.
        friction, responses: of the study.

    Returns:
        The figure, and its data, ``COLUMNS``: ``quantity``, ``series`` (``heat`` or a theory), ``side``, ``loop`` (size of the
        quantity, in the unit of its axis), ``value`` and ``se``, eV/ns per axis.
    """
    rows: list[tuple[Any, ...]] = []
    for name, quantity in _QUANTITIES.items():
        own = [point for point in points if (loop := point.parameters.feedback) is not None and varied(loop) == name]
        if not own:
            continue
        shown = [*own, *(point for point in points if point.parameters.is_linear and name != "noise")]
        sizes = [quantity.read(point.parameters.feedback or _IDEAL) for point in shown]
        for point, size in zip(shown, sizes, strict=True):
            rows += [
                (name, "heat", side, size, heat.value, heat.se) for side, heat in zip(SIDES, point.heat, strict=True)
            ]
        parameters = own[0].parameters
        assert parameters.feedback is not None
        for size in np.linspace(0.0, _BEYOND * max(sizes), _LINE_POINTS):
            loop = quantity.make(float(size), parameters.feedback)
            rows += _theory(name, float(size), replace(parameters, feedback=loop), friction, responses)
    data = pd.DataFrame(rows, columns=COLUMNS)
    names = list(dict.fromkeys(data["quantity"]))
    figure = new_figure(max(2.5 * len(names) + 0.6, 4.6), 5.0)
    panels = np.reshape(figure.subplots(2, max(len(names), 1), sharex="col", squeeze=False), (2, -1))
    for row, side in zip(panels, SIDES, strict=True):
        for axes, name in zip(row, names, strict=False):
            _panel(axes, data[(data["quantity"] == name) & (data["side"] == side)], side)
        row[0].set_ylabel(f"heat into the {side} bath\n(eV/ns per axis)")
    for axes, name in zip(panels[1], names, strict=False):
        axes.set_xlabel(_QUANTITIES[name].label)
    figure.legend(*panels[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=5, fontsize=7)
    return figure, data


def _theory(
    name: str, size: float, parameters: Parameters, friction: Friction, responses: Responses | None
) -> list[tuple[Any, ...]]:
    rows: list[tuple[Any, ...]] = []
    for series, model in models(parameters, friction).items():
        rates = PER_NS * model.mean(lambda machine: machine.heat_rates())(model.measured)
        rows += [(name, series, side, size, float(rate), np.nan) for side, rate in zip(SIDES, rates, strict=True)]
    if responses is not None and (told := response_rates(parameters, responses)) is not None:
        for side, rate in zip(SIDES, told.estimates(), strict=True):
            rows.append((name, "response", side, size, rate.value * PER_NS, rate.se * PER_NS))
    return rows


def _panel(axes: Axes, data: pd.DataFrame, side: str) -> None:
    axes.axhline(0, color="black", linewidth=0.7)
    for series, label in {"response": "linear response", **MODEL_LABEL}.items():
        line = data[data["series"] == series].sort_values("loop")
        if line.empty:
            continue
        leads = series == "response"
        style, colour, width = ("-", ACCENT, 1.8) if leads else (MODEL_STYLE[series], NEUTRAL, 0.9)
        axes.plot(line["loop"], line["value"], style, color=colour, linewidth=width, label=label)
        error = line["se"].fillna(0.0)
        axes.fill_between(line["loop"], line["value"] - error, line["value"] + error, color=colour, alpha=0.2, lw=0)
    heat = data[data["series"] == "heat"]
    axes.errorbar(
        heat["loop"],
        heat["value"],
        heat["se"].fillna(0.0),
        fmt=SIDE_MARKER[side],
        color=SIDE_COLOUR[side],
        label="simulation",
        zorder=5,
    )
    # The heats diverge at the limit of stability, so the measured ones set the scale.
    low, high = ((heat["value"] + sign * heat["se"].fillna(0.0)) for sign in (-1, 1))
    bottom, top = min(float(low.min()), 0.0), max(float(high.max()), 0.0)
    span = top - bottom or 1.0
    axes.set_ylim(bottom - (0.3 if bottom < 0 else 0.05) * span, top + 0.3 * span)
