"""Mobility of a dragged particle over the inverse edge of its bath, with the extrapolation to an infinite bath."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from analysis.compare.finite_size import fit_size
from analysis.data.parameters import SIDES
from analysis.figures.style import SIDE_COLOUR, SIDE_MARKER, new_figure
from analysis.friction.summary import PAPER_FRICTION_KG_PER_S


def finite_size(table: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """Draw 1/γ over 1/L for the smallest force, cold and hot, with Hasimoto's line fitted to each.

    Args:
        table: from ``analysis.compare.finite_size.drags_by_size``.

    Returns:
        The figure, and the table with the fits beside it: ``friction_endless_kg_per_s``, ``viscosity_Pa_s``, each with its
        error, and ``chi2`` with ``freedom``.

    Raises:
        AnalysisError: if there are fewer than three sizes.
    """
    figure = new_figure(6.4, 4.4)
    axes = figure.subplots()
    weakest = table[table["force_nN"].astype(float) == table["force_nN"].astype(float).min()]
    parts = []
    for side in SIDES:
        part = weakest[weakest["side"] == side]
        edge, friction = part["edge_nm"].to_numpy(float), part["friction_kg_per_s"].to_numpy(float)
        error = part["friction_kg_per_s_se"].to_numpy(float)
        fit = fit_size(edge.tolist(), friction.tolist(), error.tolist())
        axes.errorbar(
            1 / edge, 1e-12 / friction, 1e-12 * error / friction**2, fmt=SIDE_MARKER[side], color=SIDE_COLOUR[side]
        )
        inverse = np.linspace(0, 1.05 / edge.min(), 50)
        temperature = part["temperature_K"].iloc[0]
        axes.plot(
            inverse,
            1e-12 * (fit.mobility.value + fit.slope.value * inverse),
            color=SIDE_COLOUR[side],
            label=rf"{side}, {temperature:g} K: $\gamma_\infty$ = {1e12 * fit.friction.value:.2f} ± "
            rf"{1e12 * fit.friction.se:.2f}, $\eta$ = {1e4 * fit.viscosity.value:.2f} ± {1e4 * fit.viscosity.se:.2f}",
        )
        parts.append(
            part.assign(
                friction_endless_kg_per_s=fit.friction.value,
                friction_endless_kg_per_s_se=fit.friction.se,
                viscosity_Pa_s=fit.viscosity.value,
                viscosity_Pa_s_se=fit.viscosity.se,
                chi2=fit.chi2,
                freedom=fit.freedom,
            )
        )
    axes.axhline(1e-12 / PAPER_FRICTION_KG_PER_S, color="black", linestyle=":", linewidth=1, label="paper, 3.5")
    axes.set_xlim(left=0)
    axes.set_ylim(bottom=0)
    axes.set_xlabel(r"$1/L$ (nm$^{-1}$)")
    axes.set_ylabel(r"mobility $1/\gamma$ ($10^{12}$ s/kg)")
    axes.legend(loc="lower left", title=r"$\gamma$ in $10^{-12}$ kg/s, $\eta$ in $10^{-4}$ Pa s", alignment="left")
    return figure, pd.concat(parts, ignore_index=True)
