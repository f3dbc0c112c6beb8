"""Fluctuating coefficients of performance and their tail (as Fig. 5b of Sci. Rep. 13, 4517, Fig. 10 of arXiv:2211.05502)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.compare.comparison import without_theory
from analysis.compare.theory import Mixture, ideal_models
from analysis.data.parameters import Array, Parameters
from analysis.figures.over_ratio import MODEL_LABEL, MODEL_STYLE, carnot_ratio, ratio_axis, remark
from analysis.figures.style import ACCENT, COLD, HOT, NEUTRAL, log_limits, new_figure
from analysis.friction.result import Friction
from analysis.heat.point import by_ratio
from analysis.heat.results import COPS, Cop, CopDistribution, CopKind, PerformancePoint
from analysis.model import heat_cop, sampled_cop

SHOWN_RATIO = 7.27
"""The κ_H/κ_C of the paper's figure; the nearest point of the study that cools is drawn."""

_COLOUR = {"refrigeration": COLD, "pumping": HOT}
_MARKER = {"refrigeration": "o", "pumping": "s"}
_LINE = {"theory": NEUTRAL, "dressed": "black", "modes": "black"}
_REACH = 10.0  # end of the linear axes, beyond Carnot's 5 and 6
_LEAST = 0.05  # smallest |ε| drawn on linear axes; the bins below are narrower than a symbol
_LINE_BINS = 400


def cop_fluctuations(points: Sequence[PerformancePoint], friction: Friction) -> tuple[Figure, pd.DataFrame]:
    """Draw the distributions of both fluctuating coefficients at one point, and the exponents of their tails at all points.

    The first row has logarithmic axes, the second linear ones; heat over dt follows from the first law. The third row shows the
    variant with the work on one particle in place of the heat of its bath (arXiv:2211.05502, eq. 8), and the tail exponents of
    both variants.

    Args:
        points: of one study.
        friction: of that study.

    Returns:
        The figure, and its data: rows of ``quantity`` (``density`` or ``tail_exponent``), ``kind`` (``heat`` or ``sampled``),
        ``cop``, ``kappa_ratio``, ``ratio`` (ε, middle of the bin, both signs), ``value``, ``se``; for the drawn point also
        ``theory``, ``dressed`` and ``modes``, bin averages of the exact laws.
    """
    points = [point for point in by_ratio(points) if point.cop_fluctuations is not None]
    figure = new_figure(7.2, 8.6)
    panels = figure.subplots(3, 2)
    if not points:
        remark(panels[0, 0], "no point has two couplings:\nno coefficient of performance")
        return figure, pd.DataFrame(columns=_COLUMNS)
    point = points[_drawn(points)]
    data = pd.concat([_densities(each) for each in points] + [_exponents(points)], ignore_index=True)
    data = data.reindex(columns=_COLUMNS)
    here = (data["kappa_ratio"] == point.ratio) & (data["quantity"] == "density")
    drawn: tuple[tuple[CopKind, Cop], ...] = (
        ("heat", "refrigeration"),
        ("heat", "pumping"),
        ("sampled", "refrigeration"),
        ("sampled", "pumping"),
    )
    for kind, name in drawn:
        laws = _laws(point, friction, kind, name)
        rows = here & (data["kind"] == kind) & (data["cop"] == name)
        edges = _distributions(point)[kind, name].positive.edge
        for model, law in laws.items():
            data.loc[rows, model] = np.concatenate([_means(law, edges), _means(law, -edges[::-1])[::-1]])
        column = COPS.index(name)
        if kind == "heat":
            _logarithmic_panel(panels[0, column], data[rows], laws, point, kind, name)
            _linear_panel(panels[1, column], data[rows], laws, point, name)
        elif column == 0:
            _logarithmic_panel(panels[2, 0], data[rows], laws, point, kind, name)
    for row in panels:
        row[0].set_ylabel(f"density over {point.dt:g} ps")
    handles, labels = panels[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=3, fontsize=7)
    _exponent_panel(panels[2, 1], data[data["quantity"] == "tail_exponent"], point.parameters)
    if (unknown := without_theory(points, ideal=True)) is not None:
        remark(panels[0, 0], unknown)
    return figure, data


def _means(law: Mixture, edges: Array) -> Array:
    """Mean of a density over each bin, (bins,)."""
    return np.asarray(np.diff(law.cdf(edges)) / np.diff(edges))


_COLUMNS = ["quantity", "kind", "cop", "kappa_ratio", "ratio", "value", "se", "theory", "dressed", "modes"]


def _drawn(points: Sequence[PerformancePoint]) -> int:
    """Index of the point to draw: the nearest to the paper's κ_H/κ_C among those that cool, or among all if none cools."""
    ratios = [point.ratio for point in points]
    carnot = carnot_ratio(points[0].parameters)
    cools = [0 < ratio < carnot if carnot < 1 else ratio > carnot for ratio in ratios]
    far = [abs(math.log(ratio / SHOWN_RATIO)) if ratio > 0 else math.inf for ratio in ratios]
    distance = [(not each, log) for each, log in zip(cools, far, strict=True)]
    return distance.index(min(distance))


def _side(parameters: Parameters, name: str) -> int:
    """Index of the side in the numerator of a coefficient: the colder one for refrigeration, the hotter one for pumping."""
    return parameters.colder if name == "refrigeration" else 1 - parameters.colder


def _laws(point: PerformancePoint, friction: Friction, kind: str, name: str) -> dict[str, Mixture]:
    """Exact laws of |Q|/W or |W_j|/W over dt by model; those of the hot side use the machine with its sides exchanged."""
    parameters, dt = point.parameters, point.dt
    if _side(parameters, name) == 1:
        parameters = replace(
            parameters,
            mass=parameters.mass[::-1],
            coupling=parameters.coupling[::-1],
            temperature=parameters.temperature[::-1],
        )
        friction = friction.exchanged()
    law = heat_cop if kind == "heat" else sampled_cop
    return {
        model: exact.mixture(lambda machine: law(machine, dt))
        for model, exact in ideal_models(parameters, friction).items()
    }


def _title(kind: str, name: str, side: int, ratio: str) -> str:
    flow = ("Q" if kind == "heat" else r"\dot W") + f"_{'CH'[side]}"
    total = "W" if kind == "heat" else r"\dot W"
    return rf"{name}, $\epsilon=|{flow}|/{total}$, $\kappa_H/\kappa_C$ = {ratio}"


def _logarithmic_panel(
    axes: Axes, data: pd.DataFrame, laws: dict[str, Mixture], point: PerformancePoint, kind: str, name: str
) -> None:
    parameters = point.parameters
    for sign, fill in ((1, _COLOUR[name]), (-1, "none")):
        shown = data[np.sign(data["ratio"]) == sign]
        for model in laws:
            label = MODEL_LABEL[model] if sign > 0 else None
            axes.plot(
                np.abs(shown["ratio"]), shown[model], MODEL_STYLE[model], color=_LINE[model], linewidth=1, label=label
            )
        _points(
            axes,
            shown.assign(ratio=np.abs(shown["ratio"])),
            name,
            fill,
            r"$\epsilon>0$" if sign > 0 else r"$\epsilon<0$",
        )
    if "theory" in laws:
        amplitude = laws["theory"].tail_amplitude()
        far = np.array([amplitude**0.5, 1e4])
        axes.plot(far, amplitude / far**2, ":", color=ACCENT, label=r"tail, exponent $-2$", zorder=5)
    _carnot(axes, parameters, name)
    axes.set_ylim(*log_limits(data["value"], 5, (1e-6, 1)))
    axes.set_xlim(1e-2, 1e4)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel(r"$|\epsilon|$")
    axes.set_title(_title(kind, name, _side(parameters, name), point.kappa_ratio), loc="left", fontsize=8)


def _linear_panel(axes: Axes, data: pd.DataFrame, laws: dict[str, Mixture], point: PerformancePoint, name: str) -> None:
    parameters = point.parameters
    edges = np.linspace(-_REACH, _REACH, _LINE_BINS + 1)
    for model, law in laws.items():
        middle = (edges[1:] + edges[:-1]) / 2
        axes.plot(middle, _means(law, edges), MODEL_STYLE[model], color=_LINE[model], linewidth=1)
    _points(axes, data[data["ratio"] > _LEAST], name, _COLOUR[name], "")
    _points(axes, data[data["ratio"] < -_LEAST], name, "none", "")
    _carnot(axes, parameters, name)
    axes.axvline(0, color="black", linewidth=0.5)
    axes.set_xlim(-_REACH, _REACH)
    axes.set_ylim(bottom=0.0)
    axes.set_xlabel(r"$\epsilon$")


def _points(axes: Axes, data: pd.DataFrame, name: str, fill: str, sign: str) -> None:
    seen = data[data["value"] > 0]
    axes.errorbar(
        seen["ratio"],
        seen["value"],
        seen["se"].fillna(0.0),
        fmt=_MARKER[name],
        color=_COLOUR[name],
        markerfacecolor=fill,
        markersize=3,
        linewidth=0.6,
        capsize=0,
        label=f"simulation, {sign}",
    )


def _carnot(axes: Axes, parameters: Parameters, name: str) -> None:
    side, temperatures = _side(parameters, name), parameters.temperature
    if temperatures[0] != temperatures[1]:
        bound = temperatures[side] / abs(temperatures[1] - temperatures[0])
        axes.axvline(bound, color="black", linestyle="--", linewidth=0.8)
        # Clipped, since a bound beyond the axis would take space outside the panel.
        place = ("data", "axes fraction")
        axes.annotate(" Carnot", (bound, 0.97), xycoords=place, annotation_clip=True, fontsize=7, va="top", ha="left")


def _exponent_panel(axes: Axes, data: pd.DataFrame, parameters: Parameters) -> None:
    ratios = data["kappa_ratio"][data["kappa_ratio"] > 0]
    carnot = carnot_ratio(parameters)
    axes.axhline(-2, color=ACCENT, linestyle=":")
    # The two sampled coefficients add up to 1 up to a sign, so they have the same tail.
    for kind, name, shift in (
        ("sampled", "refrigeration", 1.0),
        ("heat", "refrigeration", 1.06),
        ("heat", "pumping", 1.12),
    ):
        shown = data[(data["kind"] == kind) & (data["cop"] == name)]
        axes.errorbar(
            shown["kappa_ratio"] * shift,
            shown["value"],
            shown["se"].fillna(0.0),
            fmt=_MARKER[name] if kind == "heat" else "D",
            color=_COLOUR[name] if kind == "heat" else NEUTRAL,
            markerfacecolor="none" if kind == "heat" else NEUTRAL,
            markersize=4,
            label="sampled work" if kind == "sampled" else f"heat, {name}",
        )
    ratio_axis(axes, (min([*ratios, carnot]) / 1.6, max([*ratios, carnot]) * 1.6), parameters)
    axes.set_ylim(-3, -1)
    axes.set_title("exponent of the tail", loc="left", fontsize=8)
    if data["value"].notna().any():
        axes.legend(loc="lower left", fontsize=6)
    else:
        remark(axes, "runs too short for a tail")


def _distributions(point: PerformancePoint) -> dict[tuple[CopKind, Cop], CopDistribution]:
    """All distributions of a point, by kind of flow and coefficient; none where a coupling is 0."""
    return {(kind, name): each for kind, cops in (point.cop_fluctuations or {}).items() for name, each in cops.items()}


def _densities(point: PerformancePoint) -> pd.DataFrame:
    tables = []
    for (kind, name), found in _distributions(point).items():
        edges = found.positive.edge
        middle = np.sqrt(edges[1:] * edges[:-1])
        tables.append(
            pd.DataFrame(
                {
                    "quantity": "density",
                    "kind": kind,
                    "cop": name,
                    "kappa_ratio": point.ratio,
                    "ratio": np.concatenate([middle, -middle]),
                    "value": np.concatenate([found.positive.density, found.negative.density]),
                    "se": np.concatenate([found.positive.se, found.negative.se]),
                }
            )
        )
    return pd.concat(tables, ignore_index=True)


def _exponents(points: Sequence[PerformancePoint]) -> pd.DataFrame:
    rows = [
        {
            "quantity": "tail_exponent",
            "kind": kind,
            "cop": name,
            "kappa_ratio": point.ratio,
            "value": found.tail_exponent.value,
            "se": found.tail_exponent.se,
        }
        for point in points
        for (kind, name), found in _distributions(point).items()
    ]
    return pd.DataFrame(rows)
