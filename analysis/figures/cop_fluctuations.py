"""Fluctuating coefficients of performance and their tail (as Fig. 5b of Sci. Rep. 13, 4517, Fig. 10 of arXiv:2211.05502)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.compare.comparison import by_ratio, without_theory
from analysis.compare.theory import Mixture, ideal_models
from analysis.data.runs import Array, Parameters
from analysis.figures.over_ratio import MODEL_LABEL, MODEL_STYLE, carnot_ratio, or_nan, ratio_axis, remark
from analysis.figures.style import ACCENT, COLD, HOT, NEUTRAL, new_figure
from analysis.friction.result import Friction
from analysis.heat.performance import COPS
from analysis.model import sampled_cop

SHOWN_RATIO = 7.27
"""The κ_H/κ_C of the paper's figure; the nearest point of the study that cools is drawn."""

_COLOUR = {"refrigeration": COLD, "pumping": HOT}
_MARKER = {"refrigeration": "o", "pumping": "s"}


def cop_fluctuations(points: Sequence[dict[str, Any]], friction: Friction) -> tuple[Figure, pd.DataFrame]:
    """Draw the distribution of both sampled coefficients at one point, and the exponent of the tail at all of them.

    The work on each particle over dt (arXiv:2211.05502, eq. 8) stands for the heat of its bath, as the exact law has it; the
    variant with heat by the first law is in the CSV and among the exponents.

    Args:
        points: contents of the ``performance.json`` files of one study.
        friction: of that study.

    Returns:
        The figure, and its data: rows of ``quantity`` (``density`` or ``tail_exponent``), ``kind`` (``sampled`` or ``heat``),
        ``cop``, ``kappa_ratio``, ``ratio`` (ε, middle of the bin, both signs), ``value``, ``se``; for the drawn point also
        ``theory``, ``dressed`` and ``modes``, bin averages of the exact law.
    """
    points = [point for point in by_ratio(points) if point["cop_fluctuations"]]
    figure = new_figure(7.2, 3.5)
    panels = figure.subplots(1, 3)
    if not points:
        remark(panels[1], "no point has two couplings:\nno coefficient of performance")
        return figure, pd.DataFrame(columns=_COLUMNS)
    drawn = _drawn(points)
    parameters = Parameters.from_json(points[drawn]["parameters"])
    data = pd.concat([_densities(point) for point in points] + [_exponents(points)], ignore_index=True)
    data = data.reindex(columns=_COLUMNS)
    ratio = float(points[drawn]["kappa_ratio"])
    for axes, name in zip(panels, COPS, strict=False):
        laws = _laws(parameters, friction, points[drawn]["dt_ps"], name)
        here = (data["kappa_ratio"] == ratio) & (data["cop"] == name) & (data["kind"] == "sampled")
        here &= data["quantity"] == "density"
        edges = np.array(points[drawn]["cop_fluctuations"]["sampled"][name]["edge"])
        for model, law in laws.items():
            up, down = np.diff(law.cdf(edges)) / np.diff(edges), -np.diff(law.cdf(-edges)) / np.diff(edges)
            data.loc[here, model] = np.concatenate([up, down])
        _density_panel(axes, data[here], laws.get("theory"), name, points[drawn])
        axes.set_title(rf"{name}, $\kappa_H/\kappa_C$ = {points[drawn]['kappa_ratio']}", loc="left", fontsize=8)
    panels[0].set_ylabel(f"density over {points[drawn]['dt_ps']:g} ps")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper center", ncols=5, fontsize=7)
    _exponent_panel(panels[2], data[data["quantity"] == "tail_exponent"], parameters)
    if (unknown := without_theory(points, ideal=True)) is not None:
        remark(panels[0], unknown)
    return figure, data


_COLUMNS = ["quantity", "kind", "cop", "kappa_ratio", "ratio", "value", "se", "theory", "dressed", "modes"]


def _drawn(points: Sequence[dict[str, Any]]) -> int:
    """The point to draw: nearest to the paper's among those that cool, or among all if none does."""
    ratios = [float(point["kappa_ratio"]) for point in points]
    carnot = carnot_ratio(Parameters.from_json(points[0]["parameters"]))
    cools = [0 < ratio < carnot if carnot < 1 else ratio > carnot for ratio in ratios]
    far = [abs(math.log(ratio / SHOWN_RATIO)) if ratio > 0 else math.inf for ratio in ratios]
    distance = [(not each, log) for each, log in zip(cools, far, strict=True)]
    return distance.index(min(distance))


def _side(parameters: Parameters, name: str) -> int:
    """The side whose heat a coefficient compares with the work: the colder one of a refrigerator, the other of a heat pump."""
    return parameters.colder if name == "refrigeration" else 1 - parameters.colder


def _laws(parameters: Parameters, friction: Friction, dt: float, name: str) -> dict[str, Mixture]:
    """Exact laws of |P_C|/P, or of |P_H|/P: the same machine with the names of its sides exchanged."""
    if _side(parameters, name) == 1:
        parameters = replace(
            parameters,
            mass=parameters.mass[::-1],
            coupling=parameters.coupling[::-1],
            temperature=parameters.temperature[::-1],
        )
        friction = friction.exchanged()
    return {
        name: model.mixture(lambda machine: sampled_cop(machine, dt))
        for name, model in ideal_models(parameters, friction).items()
    }


def _density_panel(axes: Axes, data: pd.DataFrame, law: Mixture | None, name: str, point: dict[str, Any]) -> None:
    for sign, fill, label in ((1, _COLOUR[name], r"$\epsilon>0$"), (-1, "none", r"$\epsilon<0$")):
        shown = data[np.sign(data["ratio"]) == sign]
        size = np.abs(shown["ratio"])
        for model in ("theory", "dressed"):
            if shown[model].notna().any():
                style, colour = MODEL_STYLE[model], NEUTRAL if model == "theory" else "black"
                axes.plot(
                    size, shown[model], style, color=colour, linewidth=1, label=MODEL_LABEL[model] if sign > 0 else None
                )
        seen = shown[shown["value"] > 0]
        axes.errorbar(
            np.abs(seen["ratio"]),
            seen["value"],
            seen["se"].fillna(0.0),
            fmt=_MARKER[name],
            color=_COLOUR[name],
            markerfacecolor=fill,
            markersize=3,
            linewidth=0.6,
            capsize=0,
            label=f"simulation, {label}",
        )
    if law is not None:
        far = np.array([law.tail_amplitude() ** 0.5, 1e4])
        axes.plot(far, law.tail_amplitude() / far**2, ":", color=ACCENT, label=r"tail, exponent $-2$", zorder=5)
    parameters = Parameters.from_json(point["parameters"])
    side, temperatures = _side(parameters, name), parameters.temperature
    if temperatures[0] != temperatures[1]:
        bound = temperatures[side] / abs(temperatures[1] - temperatures[0])
        axes.axvline(bound, color="black", linestyle="--", linewidth=0.8)
        axes.annotate("Carnot", (bound, 0.97), xycoords=("data", "axes fraction"), fontsize=7, va="top", ha="left")
    positive = data.loc[data["value"] > 0, "value"]
    axes.set_xscale("log")
    axes.set_yscale("log")
    if not positive.empty:
        axes.set_ylim(positive.min() / 5, positive.max() * 5)
    axes.set_xlim(1e-2, 1e4)
    axes.set_xlabel(rf"$|\epsilon|$, $\epsilon$ = $|\dot W_{'CH'[side]}|/\dot W$")


def _exponent_panel(axes: Axes, data: pd.DataFrame, parameters: Parameters) -> None:
    ratios = data["kappa_ratio"][data["kappa_ratio"] > 0]
    carnot = carnot_ratio(parameters)
    axes.axhline(-2, color=ACCENT, linestyle=":")
    # Both sampled coefficients add up to 1 but for a sign, so they share one tail.
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


def _densities(point: dict[str, Any]) -> pd.DataFrame:
    tables = []
    for kind, cops in point["cop_fluctuations"].items():
        for name, content in cops.items():
            edges = np.array(content["edge"])
            middle = np.sqrt(edges[1:] * edges[:-1])
            tables.append(
                pd.DataFrame(
                    {
                        "quantity": "density",
                        "kind": kind,
                        "cop": name,
                        "kappa_ratio": float(point["kappa_ratio"]),
                        "ratio": np.concatenate([middle, -middle]),
                        "value": _both(content, "density"),
                        "se": _both(content, "se"),
                    }
                )
            )
    return pd.concat(tables, ignore_index=True)


def _both(content: dict[str, Any], stem: str) -> Array:
    return np.array(content[f"{stem}_positive"] + content[f"{stem}_negative"], dtype=float)


def _exponents(points: Sequence[dict[str, Any]]) -> pd.DataFrame:
    rows = [
        {
            "quantity": "tail_exponent",
            "kind": kind,
            "cop": name,
            "kappa_ratio": float(point["kappa_ratio"]),
            "value": or_nan(content["tail_exponent"]),
            "se": or_nan(content["tail_exponent_se"]),
        }
        for point in points
        for kind, cops in point["cop_fluctuations"].items()
        for name, content in cops.items()
    ]
    return pd.DataFrame(rows)
