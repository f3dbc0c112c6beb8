"""Heats of several studies over κ_H/κ_C, each beside the leading theory at its own friction."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from analysis.compare.comparison import Comparison
from analysis.compare.studies import studies_table, study_points
from analysis.data.parameters import SIDES
from analysis.figures.over_ratio import line_ratios, ratio_axis, response_line, theory_lines
from analysis.figures.style import ACCENT, COLD, HOT, NEUTRAL, PURPLE, new_figure
from analysis.units import PER_NS

_STYLES = [(COLD, "o"), (HOT, "s"), (ACCENT, "D"), (PURPLE, "^"), (NEUTRAL, "v"), ("#E69F00", "P"), ("#56B4E9", "X")]


def heats_of_studies(names: Sequence[str], comparisons: Sequence[Comparison]) -> tuple[Figure, pd.DataFrame]:
    """Draw one panel per bath: heats with one standard error, and the leading theory of each study as a line.

    Args:
        names: of the studies.
        comparisons: of the same studies.

    Returns:
        The figure, and ``compare.studies.studies_table`` of the points that it shows.
    """
    figure = new_figure(7.6, 4.2)
    panels = figure.subplots(1, 2)
    every = np.concatenate([line_ratios(comparison.points) for comparison in comparisons])
    for number, (name, comparison) in enumerate(zip(names, comparisons, strict=True)):
        colour, marker = _STYLES[number % len(_STYLES)]
        shift = 1.03**number  # so that no symbol hides another
        line = _leading_line(comparison)
        for j, (axes, side) in enumerate(zip(panels, SIDES, strict=True)):
            theory = line[line["side"] == side]
            axes.plot(theory["kappa_ratio"], theory["value"], color=colour, linewidth=1.2)
            shown = [point for point in comparison.points if point.ratio > 0]
            axes.errorbar(
                [point.ratio * shift for point in shown],
                [point.heat[j].value for point in shown],
                np.nan_to_num([point.heat[j].se for point in shown]),
                fmt=marker,
                color=colour,
                label=name,
            )
    for axes, side in zip(panels, SIDES, strict=True):
        axes.axhline(0, color="black", linewidth=0.7)
        ratio_axis(axes, (float(every.min()), float(every.max())), comparisons[0].points[0].parameters)
        axes.set_title(f"{side} bath", loc="left")
    panels[0].set_ylabel("heat into the bath (eV/ns per axis)")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper center", ncols=min(len(names), 4))
    return figure, studies_table(study_points(names, comparisons))


def _leading_line(comparison: Comparison) -> pd.DataFrame:
    """Rows of ``side``, ``kappa_ratio`` and ``value``, eV/ns; no rows if no theory describes the study."""
    parameters, ratios = comparison.points[0].parameters, line_ratios(comparison.points)
    if comparison.leading == "response":
        return response_line(parameters, comparison.responses, ratios)
    lines = theory_lines(parameters, comparison.friction, ratios, SIDES, lambda pair: pair.heat_rates() * PER_NS)
    return lines[lines["series"] == comparison.leading].rename(columns={"quantity": "side"})
