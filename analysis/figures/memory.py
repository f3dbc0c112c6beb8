"""Friction at every frequency of a study and its variants, and the heats that linear response predicts from it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis.compare.comparison import Comparison
from analysis.data.parameters import SIDES
from analysis.errors import AnalysisError
from analysis.figures.style import ACCENT, NEUTRAL, PURPLE, SIDE_MARKER, new_figure
from analysis.units import FRICTION_SI

COLUMNS = ["variant", "series", "side", "axes", "at", "value", "se"]

_SHOWN = (0.1, 10.0)  # rad/ps, from below the relaxation in the trap to the collision frequency of argon
_PER_DECADE = 8
_COLOURS = (NEUTRAL, ACCENT, PURPLE, "#E69F00", "#56B4E9")
_FORECASTS = {"response": ("D", "linear response"), "theory": ("|", "white friction"), "dressed": ("^", "dressed pair")}


def memory_figure(comparisons: Mapping[str, Comparison]) -> tuple[Figure, pd.DataFrame]:
    """Draw Re γ(ω) of each variant, and its measured heats beside the predictions from its own friction.

    Args:
        comparisons: by name of the study or variant; all with the same sets of equivalent axes.

    Returns:
        The figure, and its data: rows of ``variant``, ``series`` (``friction``, ``simulation`` or a theory), ``side``,
        ``axes``, ``at`` (rad/ps, or κ_H/κ_C), ``value`` (kg/s, or eV/ns per coupled axis) and ``se``.

    Raises:
        AnalysisError: if there is no axis along which all friction runs are long enough for a response.
    """
    colours = dict(zip(comparisons, _COLOURS * len(comparisons), strict=False))
    measured = [comparison.responses.along if comparison.responses else {} for comparison in comparisons.values()]
    sets = [along for along in measured[0] if all(along in each for each in measured)]
    if not sets:
        reasons = [
            f"{name}: {reason}"
            for name, comparison in comparisons.items()
            for reason in (comparison.responses.too_short.values() if comparison.responses else ())
        ]
        raise AnalysisError("\n".join(reasons) or f"{', '.join(comparisons)}: the friction runs have no response")
    figure = new_figure(4.0 * len(sets) + 5.0, 4.2)
    *spectra, heats = figure.subplots(1, len(sets) + 1, squeeze=False, width_ratios=[4.0] * len(sets) + [5.0])[0]
    rows = [
        row for axes, along in zip(spectra, sets, strict=True) for row in _spectra(axes, along, comparisons, colours)
    ]
    top = max(axes.get_ylim()[1] for axes in spectra)
    for axes in spectra:
        axes.set_ylim(0.0, top)
    rows += _heats(heats, comparisons, colours)
    handles = [Line2D([], [], color=colour, linewidth=3, label=name) for name, colour in colours.items()]
    handles += [
        Line2D([], [], color="black", marker=SIDE_MARKER[side], linestyle="", label=f"{side}, simulation")
        for side in SIDES
    ]
    handles += [
        Line2D([], [], color="black", marker=marker, linestyle="", markerfacecolor="none", label=f"predicted: {label}")
        for marker, label in _FORECASTS.values()
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=4)
    return figure, pd.DataFrame(rows, columns=COLUMNS)


def _spectra(
    axes: Axes, along: str, comparisons: Mapping[str, Comparison], colours: Mapping[str, str]
) -> list[tuple[object, ...]]:
    rows: list[tuple[object, ...]] = []
    for name, comparison in comparisons.items():
        assert comparison.responses is not None
        for side, found in zip(SIDES, comparison.responses.along[along], strict=True):
            value, error = found.dissipation()
            wanted = np.geomspace(*_SHOWN, round(_PER_DECADE * np.log10(_SHOWN[1] / _SHOWN[0])) + 1)
            shown = np.unique(np.searchsorted(found.frequency, wanted[wanted < found.frequency[-1]]))
            frequency, value, error = found.frequency[shown], FRICTION_SI * value[shown], FRICTION_SI * error[shown]
            axes.errorbar(
                frequency,
                1e12 * value,
                1e12 * error,
                fmt=SIDE_MARKER[side],
                markersize=3.5,
                linewidth=0.8,
                capsize=0,
                color=colours[name],
            )
            rows += [(name, "friction", side, along, *numbers) for numbers in zip(frequency, value, error, strict=True)]
    axes.set_xscale("log")
    axes.set_xlim(*_SHOWN)
    axes.set_xlabel(r"frequency $\omega$ (rad/ps)")
    axes.set_ylabel(r"friction Re $\gamma(\omega)$ ($10^{-12}$ kg/s)")
    axes.set_title(f"along {', '.join(along)}", loc="left", fontsize=9)
    return rows


def _heats(axes: Axes, comparisons: Mapping[str, Comparison], colours: Mapping[str, str]) -> list[tuple[object, ...]]:
    rows: list[tuple[object, ...]] = []
    labels: list[str] = []
    for name, comparison in comparisons.items():
        for each in comparison.compared:
            place, ratio = len(labels), each.point.ratio
            labels.append(f"{name}\n{ratio:g}")
            coupled = each.point.parameters.coupling_axes
            estimates = {"simulation": each.point.heat} | {theory: each.rates(theory) for theory in _FORECASTS}
            for offset, (series, rates) in zip((-0.24, -0.08, 0.08, 0.24), estimates.items(), strict=True):
                for side, rate in zip(SIDES, rates or (), strict=False):
                    marker = SIDE_MARKER[side] if series == "simulation" else _FORECASTS[series][0]
                    axes.errorbar(
                        place + offset,
                        rate.value,
                        np.nan_to_num(rate.se),
                        fmt=marker,
                        markerfacecolor=colours[name] if series == "simulation" else "none",
                        color=colours[name],
                    )
                    rows.append((name, series, side, coupled, ratio, rate.value, rate.se))
    axes.axhline(0.0, color="0.6", linewidth=0.7)
    axes.set_xticks(range(len(labels)), labels)
    axes.set_xlim(-0.6, len(labels) - 0.4)
    axes.set_xlabel(r"variant, $\kappa_H/\kappa_C$")
    axes.set_ylabel("heat into the bath (eV/ns per axis)")
    axes.set_title("heats and predictions", loc="left", fontsize=9)
    return rows
