"""The cascaded oscillators: surfaces of equal excess (Fig. 2 of Barzanjeh, Aquilina & Xuereb), and the noise of the flows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis.figures.style import ACCENT, COLD, HOT, NEUTRAL, new_figure
from analysis.mechanisms.cascaded import CascadedOscillators, closed_form_excess
from analysis.mechanisms.counting import least_uncertainty_product, moments
from analysis.model.lyapunov import Array

# As published: φ = 0, all rates κ, here 1.
EQUAL_RATES = CascadedOscillators(
    loss_1=1.0, loss_2=1.0, channel_1=1.0, channel_2=1.0, occupation_1=0.0, occupation_2=0.0, occupation_3=0.5
)
DISCONNECTED = (50.0, 100.0)
"""m̄₁ and m̄₂ of the published surfaces."""
LEVELS = {10: HOT, 0: ACCENT, -10: COLD}
"""Δn₂ of the surfaces, and their colours."""
FLOW_COLOUR, FLOW_STYLE = (COLD, HOT, ACCENT), ("--", ":", "-")
"""Of η₁, η₂, η₃, as in the published figure."""

# F real and negative is the mirror image, Δ of opposite sign.
_HOPPINGS = {"real": np.linspace(0, 2, 61), "imaginary": 1j * np.linspace(-1, 1, 61)}
_DETUNINGS = np.linspace(-4, 4, 81)
_SLICES: dict[float, Literal["-", "--"]] = {0.0: "-", 2.0: "--"}
_HIGHEST = 2 * min(DISCONNECTED)  # m̄₃ beyond which one of the other baths would need N̄ < 0


def cascaded_surfaces() -> tuple[Figure, pd.DataFrame]:
    """Draw where Δn₂ = 10, 0, -10, over detuning, hopping F (real and imaginary) and occupation of the common bath.

    Returns:
        The figure, and rows of ``hopping`` (``real``, ``imaginary``), ``detuning_over_kappa``, ``hopping_over_kappa``,
        ``excess_2`` and ``occupation_3`` (m̄₃; nan where it would need a bath below N̄ = 0).
    """
    figure = new_figure(7.4, 6.6)
    tables = []
    for column, (name, hoppings) in enumerate(_HOPPINGS.items()):
        space: Any = figure.add_subplot(2, 2, column + 1, projection="3d")
        plane = figure.add_subplot(2, 2, column + 3)
        sizes = hoppings.real + hoppings.imag
        grid = np.meshgrid(_DETUNINGS, sizes, indexing="ij")
        found = np.array([[_occupations_3(complex(f), float(d)) for f in hoppings] for d in _DETUNINGS])
        for (level, colour), surface in zip(LEVELS.items(), np.moveaxis(found, 2, 0), strict=True):
            for detuning, style in _SLICES.items():
                plane.plot(sizes, surface[np.argmin(np.abs(_DETUNINGS - detuning))], style, color=colour)
            physical = np.where((surface >= 0) & (surface <= _HIGHEST), surface, np.nan)
            space.plot_surface(*grid, physical, color=colour, alpha=0.85, rcount=81, ccount=61, rasterized=True)
            columns = {"detuning_over_kappa": grid[0], "hopping_over_kappa": grid[1], "occupation_3": physical}
            table = pd.DataFrame({key: values.ravel() for key, values in columns.items()})
            tables.append(table.assign(hopping=name, excess_2=level))
        axis = r"\Re F/\kappa" if name == "real" else r"\Im F/\kappa"
        space.set(xlabel=r"$\Delta/\kappa$", ylabel=f"${axis}$", zlabel=r"$\bar m_3$", zlim=(0, _HIGHEST))
        space.view_init(elev=22, azim=-50)
        plane.set(xlabel=f"${axis}$", ylabel=r"$\bar m_3$", ylim=(0, _HIGHEST))
    lines = [Line2D([], [], color=colour, label=rf"$\Delta n_2={level}$") for level, colour in LEVELS.items()]
    lines += [
        Line2D([], [], color=NEUTRAL, linestyle=style, label=rf"below: $\Delta/\kappa={detuning:g}$")
        for detuning, style in _SLICES.items()
    ]
    figure.legend(handles=lines, loc="outside upper center", ncols=5)
    return figure, pd.concat(tables, ignore_index=True)


def _occupations_3(hopping: complex, detuning: float) -> Array:
    """m̄₃ at which Δn₂ takes each of the levels, (levels,): the excess is linear in it. nan if far from being physical."""

    def excess(occupation_3: float) -> float:
        n1, n2 = (2 * m - occupation_3 for m in DISCONNECTED)
        baths = {"occupation_1": n1, "occupation_2": n2, "occupation_3": occupation_3}
        return float(closed_form_excess(replace(EQUAL_RATES, hopping=hopping, detuning=detuning, **baths))[1])

    first, last = excess(0.0), excess(_HIGHEST)
    with np.errstate(divide="ignore", invalid="ignore"):  # where the common bath leaves no trace in the excess
        found = _HIGHEST * (np.array(list(LEVELS)) - first) / (last - first)
    return np.where(np.abs(found) <= 3 * _HIGHEST, found, np.nan)


def cascaded_counting() -> tuple[Figure, pd.DataFrame]:
    """Draw the noise of the flows: mean and variance over N̄₁, and the least uncertainty product over F.

    Returns:
        The figure, and rows of ``quantity`` (``mean``, ``variance``, ``least_uncertainty_product``), ``series`` (``eta_1`` to
        ``eta_3``, or the direction of F), ``x`` (N̄₁, or size of F over κ) and ``value`` (κ, or without unit).
    """
    figure = new_figure(7.4, 3.6)
    noise, product = figure.subplots(1, 2)
    return figure, pd.concat([*_noise(noise), *_least_products(product)], ignore_index=True)


def curve(quantity: str, series: str, x: Array, values: object) -> pd.DataFrame:
    """One line of a figure as rows of ``quantity``, ``series``, ``x``, ``value``."""
    return pd.DataFrame({"quantity": quantity, "series": series, "x": x, "value": values})


def _noise(axes: Axes) -> list[pd.DataFrame]:
    occupations = np.linspace(0, 5, 101)
    found = [moments(replace(EQUAL_RATES, occupation_1=float(n))) for n in occupations]
    tables = []
    for bath, (colour, style) in enumerate(zip(FLOW_COLOUR, FLOW_STYLE, strict=True)):
        mean = np.array([m.mean[bath] for m in found])
        variance = np.array([m.covariance[bath, bath] for m in found])
        axes.plot(occupations, variance, style, color=colour, label=rf"variance, $\eta_{bath + 1}$")
        axes.plot(occupations, np.abs(mean), style, color=colour, linewidth=0.7)
        tables += [curve("mean", f"eta_{bath + 1}", occupations, mean)]
        tables += [curve("variance", f"eta_{bath + 1}", occupations, variance)]
    axes.set(xlabel=r"$\bar N_1$", ylabel=r"quanta per $1/\kappa$", yscale="log", ylim=(1e-2, 20))
    axes.set_title(r"$\bar N_2=0$, $\bar N_3=0.5$", fontsize=8)
    axes.legend(loc="upper left", title=r"thin: $|$mean$|$", title_fontsize=8)
    return tables


def _least_products(axes: Axes) -> list[pd.DataFrame]:
    sizes = np.geomspace(1e-2, 30, 121)
    ways = {"real": (1.0, COLD, "-"), "positive imaginary": (1j, ACCENT, "--"), "negative imaginary": (-1j, HOT, "-.")}
    tables = []
    for name, (direction, colour, style) in ways.items():
        # The same for all three flows, as there is but one way around three baths.
        least = [least_uncertainty_product(replace(EQUAL_RATES, hopping=f * direction))[0] for f in sizes]
        axes.plot(sizes, least, linestyle=style, color=colour, label=f"F {name}")
        tables.append(curve("least_uncertainty_product", name, sizes, least))
    axes.axhline(2, color="black", linewidth=1)
    axes.annotate("reciprocal: 2", (0.012, 2.003), fontsize=7)
    axes.axhline(least_uncertainty_product(EQUAL_RATES)[0], color=NEUTRAL, linewidth=0.8, linestyle=":")
    axes.annotate("F = 0: 15/8", (30, 1.877), fontsize=7, color=NEUTRAL, ha="right")
    axes.set(
        xscale="log", xlabel=r"$|F|/\kappa$", ylabel=r"least variance $\times$ entropy / mean$^2$", ylim=(1.8, 2.02)
    )
    axes.set_title("near equilibrium", fontsize=8)
    axes.legend(loc="lower left")
    return tables
