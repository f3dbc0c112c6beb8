"""Linear response: the friction at every frequency, and the heats that follow from it without a model of the friction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.compare.response import Response, agreement, has_forecast, rates
from analysis.compare.theory import Friction, without_theory
from analysis.data.runs import SIDES, Parameters
from analysis.figures.over_ratio import at_ratio, draw_line, line_ratios, or_nan, ratio_axis, remark, theory_lines
from analysis.figures.style import ACCENT, NEUTRAL, SIDE_COLOUR, SIDE_MARKER, new_figure
from analysis.units import FRICTION_SI, PER_NS

_SHOWN = (0.03, 10.0)  # rad/ps: from the trap's relaxation to where argon's own collisions are

_BINS = 80


def response_figure(
    points: Sequence[dict[str, Any]], friction: Friction, responses: tuple[Response, Response]
) -> tuple[Figure, pd.DataFrame]:
    """Draw Re γ(ω) of both particles beside the models' and, over κ_H/κ_C, the cold heat measured and from linear response.

    Args:
        points: contents of the ``heat.json`` files of one study.
        friction: of that study.
        responses: of its cold and hot particle.

    Returns:
        The figure, and its data: rows of ``series`` (``friction_cold``, ``friction_hot``, ``response``), ``at`` (rad/ps, or
        κ_H/κ_C), ``value`` (kg/s, or eV/ns) and ``se``.
    """
    figure = new_figure(8.4, 4.0)
    spectrum, heat = figure.subplots(1, 2)
    tables = [_spectrum(spectrum, index, responses[index], friction) for index in range(2)]
    spectrum.set_xscale("log")
    spectrum.set_xlim(*_SHOWN)
    spectrum.set_ylim(bottom=0.0)
    spectrum.set_xlabel(r"frequency $\omega$ (rad/ps)")
    spectrum.set_ylabel(r"friction Re $\gamma(\omega)$ ($10^{-12}$ kg/s)")
    spectrum.legend(loc="upper left")

    parameters, ratios = Parameters.from_json(points[0]["parameters"]), line_ratios(points)
    lines = theory_lines(parameters, friction, ratios, ["heat"], lambda machine: machine.heat_rates()[:1] * PER_NS)
    ratio_axis(heat, (ratios[0], ratios[-1]), parameters)
    draw_line(heat, lines, NEUTRAL, "white (solid) and dressed friction")
    if (unknown := without_theory(points)) is not None:
        remark(heat, unknown)
    found = [rates(at_ratio(parameters, float(ratio)), *responses)[0] * PER_NS for ratio in ratios]
    forecast = pd.DataFrame(
        {"series": "response", "at": ratios, "value": [each.value for each in found], "se": [each.se for each in found]}
    )
    low, high = forecast["value"] - forecast["se"], forecast["value"] + forecast["se"]
    if forecast["value"].notna().any():
        heat.fill_between(ratios, low, high, color=ACCENT, alpha=0.25, linewidth=0)
        heat.plot(ratios, forecast["value"], color=ACCENT, label="linear response, no model")
    heat.errorbar(
        [float(point["kappa_ratio"]) for point in points],
        [point["heat_cold_eV_per_ns"] for point in points],
        [or_nan(point["heat_cold_se"]) for point in points],
        fmt="o",
        color=SIDE_COLOUR["cold"],
        label="simulation",
        zorder=5,
    )
    heat.axhline(0, color="black", linewidth=0.7)
    heat.set_ylabel("heat into the cold bath (eV/ns per axis)")
    chi_square = agreement(points, *responses)
    count = sum(has_forecast(Parameters.from_json(point["parameters"])) for point in points)
    told = "" if chi_square is None else rf": $\chi^2$ = {chi_square[0]:.1f} for {count}, p = {chi_square[1]:.2g}"
    heat.set_title(f"linear response{told}", loc="left", fontsize=9)
    heat.legend(loc="upper right")
    return figure, pd.concat([*tables, forecast], ignore_index=True)


def _once(label: str, index: int) -> str | None:
    return None if index else label


def _spectrum(axes: Axes, index: int, found: Response, friction: Friction) -> pd.DataFrame:
    """One particle's friction over frequency; returns what is drawn of it."""
    frequency, value, error = found.friction(_BINS)
    shown = (frequency >= _SHOWN[0]) & (frequency <= _SHOWN[1])
    frequency, value, error = frequency[shown], FRICTION_SI * value[shown], FRICTION_SI * error[shown]
    side = SIDES[index]
    colour = SIDE_COLOUR[side]
    axes.errorbar(
        frequency,
        1e12 * value,
        1e12 * error,
        fmt=SIDE_MARKER[side],
        markersize=3,
        linewidth=0.8,
        capsize=0,
        color=colour,
        label=f"{side} particle, measured",
    )
    axes.axhline(
        1e12 * FRICTION_SI * friction.white[index].value,
        color=colour,
        linewidth=0.9,
        linestyle=":",
        label=_once("white friction", index),
    )
    if friction.dressed is not None:
        core, shell, mass = friction.dressed[index].values
        dressed = (core - core**2 / (core + shell - 1j * frequency * mass)).real
        axes.plot(
            frequency,
            1e12 * FRICTION_SI * dressed,
            color=colour,
            linestyle="--",
            linewidth=1.1,
            label=_once("dressed", index),
        )
    return pd.DataFrame({"series": f"friction_{side}", "at": frequency, "value": value, "se": error})
