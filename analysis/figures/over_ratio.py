"""What figures over κ_H/κ_C share: their axis, and the exact theory with the study's own friction and its error."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FormatStrFormatter, LogLocator, NullFormatter

from analysis.figures.style import NEUTRAL
from analysis.model import LangevinPair, Refrigerator
from analysis.runs import Array, Parameters
from analysis.theory import Friction, models

MODEL_LABEL = {"theory": "theory, white friction", "dressed": "theory, dressed particle"}
MODEL_STYLE: dict[str, Literal["-", "--"]] = {"theory": "-", "dressed": "--"}

_LINE_POINTS = 41
# Of the logarithm of a friction: a forward difference then misses its slope by a thousandth.
_STEP = 1e-3


def published_pair(parameters: Parameters, friction: Friction) -> LangevinPair:
    """The paper's pair: one friction for both particles, here the mean of both."""
    mean = (friction.white[0].value + friction.white[1].value) / 2
    return parameters.white_pair((mean, mean))


def at_ratio(parameters: Parameters, ratio: float) -> Parameters:
    """The same study at another κ_H/κ_C."""
    return replace(parameters, coupling=(parameters.coupling[0], ratio * parameters.coupling[0]))


def carnot_ratio(parameters: Parameters) -> float:
    """T_H/T_C, the κ_H/κ_C beyond which the machine cools."""
    return parameters.temperature[1] / parameters.temperature[0]


def line_ratios(points: Sequence[dict[str, Any]]) -> Array:
    """κ_H/κ_C of theory lines: all that was measured and the Carnot point, and a little more on both sides."""
    measured = [ratio for point in points if (ratio := float(point["kappa_ratio"])) > 0]
    ends = [*measured, carnot_ratio(Parameters.from_json(points[0]["parameters"]))]
    return np.geomspace(min(ends) / 1.6, max(ends) * 1.6, _LINE_POINTS)


def theory_lines(
    parameters: Parameters,
    friction: Friction,
    ratios: Array,
    names: Sequence[str],
    values: Callable[[Refrigerator], Array],
) -> pd.DataFrame:
    """Some quantities of each model over κ_H/κ_C, with the error that the measured friction leaves.

    Args:
        parameters: of any point of the study.
        friction: of the study.
        ratios: κ_H/κ_C of the lines.
        names: of the k quantities.
        values: the quantities of one machine, (k,).

    Returns:
        Rows of ``series`` (``theory``, ``dressed``), ``quantity``, ``kappa_ratio``, ``value`` and ``se``.
    """
    rows = []
    for ratio in ratios:
        for series, model in models(at_ratio(parameters, float(ratio)), friction).items():
            with np.errstate(invalid="ignore"):  # infinities where a mean passes zero
                exact = values(model.measured)
                nearby = [model.machine(model.at + _STEP * e) for e in np.eye(len(model.at))]
                slopes = np.stack([values(machine) - exact for machine in nearby]) / _STEP
                errors = np.sqrt(np.einsum("ki,kl,li->i", slopes, model.covariance, slopes))
            rows += [
                {"series": series, "quantity": name, "kappa_ratio": ratio, "value": value, "se": error}
                for name, value, error in zip(names, exact, errors, strict=True)
            ]
    return pd.DataFrame(rows)


def draw_line(axes: Axes, data: pd.DataFrame, colour: str, label: str | None = None) -> None:
    """The lines of one quantity, of both models, each in a band of one standard error of its friction."""
    for series, line in data.groupby("series", sort=False):
        error = line["se"].fillna(0.0)
        axes.fill_between(
            line["kappa_ratio"], line["value"] - error, line["value"] + error, color=colour, alpha=0.15, linewidth=0
        )
        axes.plot(line["kappa_ratio"], line["value"], MODEL_STYLE[str(series)], color=colour, label=label)
        label = None


def ratio_axis(axes: Axes, limits: tuple[float, float], parameters: Parameters) -> None:
    """A logarithmic axis of κ_H/κ_C, shaded where the machine cools."""
    axes.axvspan(carnot_ratio(parameters), limits[1], color="#DDE8F2", zorder=0)
    axes.set_xscale("log")
    # Three decades have no room for more than their powers of ten.
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if limits[1] < 100 * limits[0] else (1,)))
    axes.xaxis.set_major_formatter(FormatStrFormatter("%g"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlim(*limits)
    axes.set_xlabel(r"$\kappa_H/\kappa_C$")


def remark(axes: Axes, text: str) -> None:
    """A small remark at the foot of a panel, such as what a study is too short to show."""
    axes.annotate(
        text, (0.5, 0.02), xycoords="axes fraction", ha="center", va="bottom", fontsize=7, color=NEUTRAL, wrap=True
    )


def or_nan(value: float | None) -> float:
    """Unknown errors are null in JSON."""
    return math.nan if value is None else value
