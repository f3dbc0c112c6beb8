"""Common parts of figures over κ_H/κ_C: the axis, and lines of exact theory at the friction of the study with its error."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FormatStrFormatter, LogLocator, NullFormatter

from analysis.compare.response import response_rates
from analysis.compare.theory import Mixture, Model, ideal_models, models
from analysis.data.parameters import SIDES, Array, Parameters
from analysis.figures.style import NEUTRAL
from analysis.friction.response import Responses
from analysis.friction.result import Friction
from analysis.heat.point import Point
from analysis.model.closed_forms import published_power_law
from analysis.model.optimum import first_minimum
from analysis.units import PER_NS

MODEL_LABEL = {"theory": "white friction", "dressed": "dressed particle", "modes": "bodies of fluid"}
MODEL_STYLE: dict[str, Literal["-", "--", "-."]] = {"theory": "-", "dressed": "--", "modes": "-."}

_LINE_POINTS = 41
# Logarithmic distances from a divergence at which a line is computed, so that it leaves the frame steeply enough.
_APPROACH = np.geomspace(1e-3, 0.1, 5)
# The error of a line is computed at every fourth ratio and interpolated over the logarithm of the ratio between these.
_ERROR_EVERY = 4


def published_law(parameters: Parameters, friction: Friction, side: str) -> Mixture | None:
    """The paper's law of the power on one particle, at the mean friction of both particles; see ``closed_forms``.

    Returns:
        ``None`` where the law is not defined: for controllers other than the linear one, active baths, particles of different
        mass, a side without coupling, or without a steady state.
    """
    shares = friction.shares(parameters.coupling_axes)
    means = [sum(each.value for each in friction.along[axes].white) / 2 for axes in shares]
    pairs = [parameters.white_pair((mean, mean)) for mean in means]
    holds = parameters.balances and parameters.mass[0] == parameters.mass[1]
    if not holds or not all(pair.is_stable for pair in pairs) or parameters.coupling[SIDES.index(side)] == 0.0:
        return None
    return Mixture(
        tuple(published_power_law(pair, "cold" if side == "cold" else "hot") for pair in pairs), tuple(shares.values())
    )


def largest_cooling(parameters: Parameters, friction: Friction) -> float | None:
    """κ_H/κ_C of the largest cooling by white friction, the paper's model; mean over the coupled axes.

    Returns:
        ``None`` for other controllers, active baths, baths of equal temperature, without a steady state, or if κ_C is not
        positive.
    """
    carnot, side = carnot_ratio(parameters), parameters.colder
    is_known = parameters.balances and "theory" in ideal_models(parameters, friction)
    if not is_known or carnot == 1.0 or not parameters.coupling[0] > 0:
        return None

    def ratio(excess: float) -> float:
        return carnot * (1 + math.exp(excess)) if side == 0 else carnot / (1 + math.exp(excess))

    def cost(excess: float) -> float:
        model = ideal_models(at_ratio(parameters, ratio(excess)), friction)["theory"]
        # The logarithm varies by similar amounts at any friction.
        return -math.log(-float(model.mean(lambda machine: machine.heat_rates())(model.measured)[side]))

    return ratio(first_minimum(cost))


def at_ratio(parameters: Parameters, ratio: float) -> Parameters:
    """The same study at another κ_H/κ_C."""
    return replace(parameters, coupling=(parameters.coupling[0], ratio * parameters.coupling[0]))


def carnot_ratio(parameters: Parameters) -> float:
    """T_H/T_C, the κ_H/κ_C above which the machine cools (or below which, if the bath named hot is the colder one)."""
    return parameters.temperature[1] / parameters.temperature[0]


def cooling_range(parameters: Parameters, limits: tuple[float, float]) -> tuple[float, float]:
    """Part of a range of κ_H/κ_C in which the machine draws heat from its colder bath."""
    carnot = carnot_ratio(parameters)
    return (limits[0], carnot) if carnot < 1 else (carnot, limits[1])


def measured_ratios(points: Sequence[Point]) -> list[float]:
    """κ_H/κ_C of the points that a logarithmic axis can show."""
    return [point.ratio for point in points if point.ratio > 0]


def nearest(points: Sequence[Point], ratio: float) -> int | None:
    """Index of the point with the positive κ_H/κ_C nearest to a given one, by their logarithms; ``None`` if there is none."""
    far = [abs(math.log(point.ratio / ratio)) if point.ratio > 0 else math.inf for point in points]
    return far.index(min(far)) if measured_ratios(points) else None


def line_ratios(points: Sequence[Point], *, diverging: bool = False) -> Array:
    """κ_H/κ_C of theory lines, increasing: a logarithmic grid a little wider than the measured range.

    It includes every measured ratio, 1, where the total work vanishes, and T_H/T_C, where all flows vanish, so that lines pass
    exactly through these.

    Args:
        points: of one study.
        diverging: whether lines diverge at 1 and at T_H/T_C; the grid is then finer around these.
    """
    marks = [1.0, carnot_ratio(points[0].parameters)]
    known = [*measured_ratios(points), *marks]
    grid = np.geomspace(min(known) / 1.6, max(known) * 1.6, _LINE_POINTS)
    steps = np.exp(np.concatenate([-_APPROACH, _APPROACH])) if diverging else np.ones(1)
    return np.unique(np.concatenate([grid, known, np.outer(marks, steps).ravel()]))


def theory_lines(
    parameters: Parameters,
    friction: Friction,
    ratios: Array,
    names: Sequence[str],
    values: Callable[[Any], Array],
    solved: Callable[[Parameters, Friction], dict[str, Model]] = models,
) -> pd.DataFrame:
    """Quantities of each model over κ_H/κ_C, as means over the coupled axes, with errors propagated from the friction.

    Args:
        parameters: of any point of the study.
        friction: of the study.
        ratios: κ_H/κ_C of the lines.
        names: of the k quantities.
        values: the quantities of one machine, (k,).
        solved: returns the models at a ratio: ``ideal_models`` for quantities not defined for a machine with a feedback loop.

    Returns:
        Rows of ``series`` (``theory``, ``dressed``), ``quantity``, ``kappa_ratio``, ``value`` and ``se``.
    """
    rows = []
    # An error needs a solution for each friction varied in turn. It changes slowly with the ratio except where a mean vanishes.
    with_error = {*ratios[::_ERROR_EVERY], ratios[-1], 1.0, carnot_ratio(parameters)}
    for ratio in ratios:
        has_error = ratio in with_error
        for series, model in solved(at_ratio(parameters, float(ratio)), friction).items():
            exact = model.mean(values)
            found, errors = model.with_errors(exact) if has_error else (exact(model.measured), [math.nan] * len(names))
            rows += [
                (series, name, ratio, value, error, has_error)
                for name, value, error in zip(names, found, errors, strict=True)
            ]
    lines = pd.DataFrame(
        rows, columns=[*(columns := ["series", "quantity", "kappa_ratio", "value", "se"]), "has_error"]
    )
    for _, line in lines.groupby(["series", "quantity"]):
        known, others = line[line["has_error"] & line["se"].notna()], line[~line["has_error"]]
        if len(known):
            at, where = np.log(others["kappa_ratio"]), np.log(known["kappa_ratio"])
            lines.loc[others.index, "se"] = np.interp(at, where, known["se"])
    return lines[columns]


def response_line(parameters: Parameters, responses: Responses | None, ratios: Array) -> pd.DataFrame:
    """Heat rates by linear response over κ_H/κ_C, where it is defined.

    Returns:
        Rows of ``series`` (``response``), ``side``, ``kappa_ratio``, ``value`` and ``se``, eV/ns.
    """
    rows = []
    for ratio in ratios:
        found = response_rates(at_ratio(parameters, float(ratio)), responses) if responses else None
        for side, rate in zip(SIDES, found.estimates() if found else (), strict=bool(found)):
            rows.append(("response", side, ratio, rate.value * PER_NS, rate.se * PER_NS))
    return pd.DataFrame(rows, columns=["series", "side", "kappa_ratio", "value", "se"])


def draw_line(axes: Axes, data: pd.DataFrame, colour: str, label: str | None = None, over: str = "kappa_ratio") -> None:
    """Draw one quantity of all models, each as a line in a band of one standard error of its friction, if that is given.

    Lines and bands are broken where the quantity is infinite or unknown.
    """
    for series, line in data.groupby("series", sort=False):
        value = line["value"].where(np.isfinite(line["value"]))
        if "se" in line:
            error = line["se"].fillna(0.0)
            axes.fill_between(line[over], value - error, value + error, color=colour, alpha=0.15, linewidth=0)
        axes.plot(line[over], value, MODEL_STYLE[str(series)], color=colour, label=label)
        label = None


def ratio_axis(axes: Axes, limits: tuple[float, float], parameters: Parameters) -> None:
    """Make the x axis a logarithmic one of κ_H/κ_C, shaded where theory predicts cooling."""
    if parameters.balances:
        axes.axvspan(*cooling_range(parameters, limits), color="#DDE8F2", zorder=0)
    axes.set_xlim(*limits)  # before the scale, which otherwise looks for positive data
    axes.set_xscale("log")
    # An axis of more than two decades has room for powers of ten only.
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if limits[1] < 100 * limits[0] else (1,)))
    axes.xaxis.set_major_formatter(FormatStrFormatter("%g"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel(r"$\kappa_H/\kappa_C$")


_REMARK = 44  # letters per line, so that a remark stays within its panel


def remark(axes: Axes, text: str) -> None:
    """Write a small remark at the foot of a panel, such as why it is empty."""
    axes.annotate(
        "\n".join(textwrap.fill(line, _REMARK) for line in text.split("\n")),
        (0.5, 0.02),
        xycoords="axes fraction",
        ha="center",
        va="bottom",
        fontsize=7,
        color=NEUTRAL,
    )
