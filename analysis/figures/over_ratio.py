"""What figures over κ_H/κ_C share: their axis, and the exact theory with the study's own friction and its error."""

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
from analysis.data.runs import SIDES, Array, Parameters
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
# Logarithmic distances from a divergence at which a line is known, so that it leaves the frame as steep as it is.
_APPROACH = np.geomspace(1e-3, 0.1, 5)
# Every which ratio of a line has its error computed; between these it is interpolated over the logarithm of the ratio.
_ERROR_EVERY = 4


def published_law(parameters: Parameters, friction: Friction, side: str) -> Mixture | None:
    """The paper's law of the power on one particle, with one friction for both, here the mean of both; see ``closed_forms``.

    Returns:
        ``None`` where it has none: for another controller than the linear one, active baths, particles of unlike mass, a side
        without coupling, and without a steady state.
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
    """κ_H/κ_C at which white friction, the paper's model, draws most heat out of the colder bath; mean over coupled axes.

    Returns:
        ``None`` for another controller, between active baths or baths of one temperature, without a steady state, and where κ_C
        is not positive.
    """
    carnot, side = carnot_ratio(parameters), parameters.colder
    is_known = parameters.balances and "theory" in ideal_models(parameters, friction)
    if not is_known or carnot == 1.0 or not parameters.coupling[0] > 0:
        return None

    def ratio(excess: float) -> float:
        return carnot * (1 + math.exp(excess)) if side == 0 else carnot / (1 + math.exp(excess))

    def cost(excess: float) -> float:
        model = ideal_models(at_ratio(parameters, ratio(excess)), friction)["theory"]
        # A logarithm falls and rises by steps of like size at any friction.
        return -math.log(-float(model.mean(lambda machine: machine.heat_rates())(model.measured)[side]))

    return ratio(first_minimum(cost))


def at_ratio(parameters: Parameters, ratio: float) -> Parameters:
    """The same study at another κ_H/κ_C."""
    return replace(parameters, coupling=(parameters.coupling[0], ratio * parameters.coupling[0]))


def carnot_ratio(parameters: Parameters) -> float:
    """T_H/T_C, the κ_H/κ_C beyond which the machine cools (below which, if the bath named hot is the colder one)."""
    return parameters.temperature[1] / parameters.temperature[0]


def cooling_range(parameters: Parameters, limits: tuple[float, float]) -> tuple[float, float]:
    """The part of a range of κ_H/κ_C where the machine draws heat out of its colder bath."""
    carnot = carnot_ratio(parameters)
    return (limits[0], carnot) if carnot < 1 else (carnot, limits[1])


def measured_ratios(points: Sequence[Point]) -> list[float]:
    """κ_H/κ_C of the points that have a place on a logarithmic axis."""
    return [point.ratio for point in points if point.ratio > 0]


def nearest(points: Sequence[Point], ratio: float) -> int | None:
    """Which point has the positive κ_H/κ_C nearest to a given one, by their logarithms; ``None`` if none has one."""
    far = [abs(math.log(point.ratio / ratio)) if point.ratio > 0 else math.inf for point in points]
    return far.index(min(far)) if measured_ratios(points) else None


def line_ratios(points: Sequence[Point], *, diverging: bool = False) -> Array:
    """κ_H/κ_C of theory lines, increasing: an even grid over all that was measured and a little more on both sides.

    Every measured ratio is one of them, 1, where the total work vanishes, and T_H/T_C, where all flows do: no line cuts a
    corner or jumps over a zero.

    Args:
        points: of one study.
        diverging: whether lines diverge at 1 and at T_H/T_C; more ratios lie close to these then.
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
    """Some quantities of each model over κ_H/κ_C, means over the coupled axes, with the error that their friction leaves.

    Args:
        parameters: of any point of the study.
        friction: of the study.
        ratios: κ_H/κ_C of the lines.
        names: of the k quantities.
        values: the quantities of one machine, (k,).
        solved: the models at a ratio: ``ideal_models`` for quantities that a machine with a loop does not tell.

    Returns:
        Rows of ``series`` (``theory``, ``dressed``), ``quantity``, ``kappa_ratio``, ``value`` and ``se``.
    """
    rows = []
    # An error needs every friction moved in turn, and changes little from one ratio to the next but where a mean vanishes.
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
    """Heat rates by linear response over κ_H/κ_C, where it tells them.

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
    """The lines of one quantity, of all models, each in a band of one standard error of its friction where that is given.

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
    """A logarithmic axis of κ_H/κ_C, shaded where theory says that the machine cools."""
    if parameters.balances:
        axes.axvspan(*cooling_range(parameters, limits), color="#DDE8F2", zorder=0)
    axes.set_xlim(*limits)  # before the scale, which would look for positive data where there may be none
    axes.set_xscale("log")
    # Three decades have no room for more than their powers of ten.
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if limits[1] < 100 * limits[0] else (1,)))
    axes.xaxis.set_major_formatter(FormatStrFormatter("%g"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel(r"$\kappa_H/\kappa_C$")


_REMARK = 44  # letters a line, so that a remark stays within its panel


def remark(axes: Axes, text: str) -> None:
    """A small remark at the foot of a panel, such as what a study is too short to show."""
    axes.annotate(
        "\n".join(textwrap.fill(line, _REMARK) for line in text.split("\n")),
        (0.5, 0.02),
        xycoords="axes fraction",
        ha="center",
        va="bottom",
        fontsize=7,
        color=NEUTRAL,
    )
