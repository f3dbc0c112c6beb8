"""Temperatures and chemical potentials of fermionic reservoirs over time (as Figs. 1 to 5 of arXiv:2412.15355)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from analysis.figures.style import ACCENT, COLD, HOT, NEUTRAL, new_figure
from analysis.mechanisms.fermi_gas import Array, Exact, Gas, Sommerfeld
from analysis.mechanisms.fermi_reservoirs import (
    Evolution,
    FermiReservoirs,
    LevelsStart,
    Reservoir,
    equal_occupation_frequency,
    flow_signs,
)

_COLOURS = (COLD, HOT, ACCENT, "#CC79A7", "#E69F00")
_STYLES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)))
SIZE = 1e3
"""A V of every published reservoir. The paper does not give it; here it is so large that levels follow at once, as assumed."""
DURATION = 1e9 * SIZE


def _system(
    levels: tuple[float, ...],
    temperatures: Sequence[float],
    chemical_potentials: Sequence[float],
    rates: Sequence[float] = (1e-4, 1e-4),
    gas: Gas | None = None,
) -> FermiReservoirs:
    states = zip(temperatures, chemical_potentials, rates, strict=True)
    reservoirs = tuple(Reservoir(*state, exponent=1.5, size=SIZE) for state in states)
    return FermiReservoirs(levels, reservoirs, gas or Sommerfeld())


# In units of T̂ = 1000 K. The paper prints the parameters of Figs. 1 and 2, and of Figs. 4 and 5 except for prefactors of rates.
# The caption of Fig. 3 repeats that of Fig. 2, but with these parameters temperatures cross and chemical potentials do not.
# With a smaller μ₁ chemical potentials cross.
COOLING = _system((21.1, 21.5), (0.6, 1.0), (20.8, 16.0))
TEMPERATURES_CROSS = _system((17.1, 17.5), (0.8, 1.0), (18.8, 18.0))
POTENTIALS_CROSS = _system((17.1, 17.5), (0.8, 1.0), (18.4, 18.0))
# γ₁ = γ₃ = 10 γ₂, γ₄ = 0.05 γ₂, with Fig. 1's 10⁻⁴ for γ₂.
FOUR = _system((21.5, 21.2), (0.3, 0.2, 0.1, 0.15), (21.0, 19.0, 20.2, 20.9), (1e-3, 1e-4, 1e-3, 5e-6))
# The prefactor of γ₃ and the exponents of γ₄ and γ₅ are not legible in our copy.
FIVE = _system(
    (18.5, 18.0, 20.5, 21.0, 17.0, 17.5),
    (1.0, 0.6, 0.8, 0.7, 0.8),
    (20.5, 18.0, 20.0, 17.0, 21.0),
    (1e-4, 1e-5, 1e-4, 5e-5, 5e-5),
)


def fermi_cooling() -> tuple[Figure, pd.DataFrame]:
    """Draw two reservoirs of which the coldest first cools (Fig. 1), with full Fermi integrals beside the expansion.

    The right panel adds small reservoirs, A V = 1, for three initial states of their levels, which have dynamics of their own.

    Returns:
        The figure, and rows of ``equation_of_state``, ``levels`` (``at once``, or their start), ``time``, ``temperature_j``,
        ``chemical_potential_j``, ``clausius`` (Σ Y_j/T_j), ``equal_occupation`` (ω̃) and ``cop``, in units of T̂ = 1000 K and
        its inverse, times in A V of it.
    """
    found = {"sommerfeld": COOLING.evolve(DURATION)}
    found["exact"] = FermiReservoirs(COOLING.levels, COOLING.reservoirs, Exact()).evolve(DURATION, tolerance=1e-8)
    figure = new_figure(10.4, 3.6)
    temperature, potential, small_size = figure.subplots(1, 3)
    _draw(temperature, potential, found["sommerfeld"])
    exact = found["exact"]
    for axes, values in ((temperature, exact.temperatures), (potential, exact.chemical_potentials)):
        axes.plot(exact.time[1::16] / SIZE, values[1::16], ".", color=NEUTRAL, markersize=3)
    temperature.plot([], [], ".", color=NEUTRAL, markersize=3, label="full Fermi integrals")
    small = replace(COOLING, reservoirs=tuple(replace(r, size=1.0) for r in COOLING.reservoirs))
    starts: dict[str, LevelsStart] = {"empty": (0.0, 0.0), "stationary": "stationary", "full": (1.0, 1.0)}
    own = {name: small.evolve(DURATION / SIZE, tolerance=1e-7, levels=start) for name, start in starts.items()}
    small_size.plot(found["sommerfeld"].time[1:] / SIZE, found["sommerfeld"].temperatures[1:, 0], color=COLD)
    for (name, run), style in zip(own.items(), _STYLES[1:], strict=False):
        small_size.plot(run.time[1:], run.temperatures[1:, 0], color=ACCENT, linestyle=style, label=name)
    small_size.set(xscale="log", xlim=(1e4, 1e6), ylim=(0.35, 0.55), xlabel=r"time, $AV/\hat T$")
    small_size.set_ylabel(r"temperature of reservoir 1, $T/\hat T$")
    small_size.legend(title="$AV=1$, levels at start", title_fontsize=8, loc="upper center")
    potential.set_ylim(15.5, 23)
    _legend(figure)
    tables = [_table(run).assign(equation_of_state=name, levels="at once") for name, run in found.items()]
    tables += [_table(run, 1.0).assign(equation_of_state="sommerfeld", levels=name) for name, run in own.items()]
    return figure, pd.concat(tables, ignore_index=True)


def fermi_crossings() -> tuple[Figure, pd.DataFrame]:
    """Draw two reservoirs whose temperatures, or whose chemical potentials, change their order (Figs. 2 and 3).

    In the right panels the axis of ω̃ extends to infinity at both ends. Both ends are the same point: a line that leaves at the
    top returns at the bottom.

    Returns:
        The figure, and the rows of ``fermi_cooling`` with ``chemical_potential_1_at_start`` in place of the equation of state.
    """
    figure = new_figure(10.6, 6.0)
    panels = figure.subplots(2, 3)
    tables = []
    for row, system in zip(panels, (TEMPERATURES_CROSS, POTENTIALS_CROSS), strict=True):
        evolution = system.evolve(DURATION)
        _draw(row[0], row[1], evolution)
        row[1].set_ylim(16.7, 19.6)
        _draw_through_infinity(row[2], evolution)
        start = system.reservoirs[0].chemical_potential
        row[0].set_title(rf"$\mu_1/\hat T={start:g}$ at start", loc="left", fontsize=9)
        tables.append(_table(evolution).assign(chemical_potential_1_at_start=start))
    _legend(figure)
    return figure, pd.concat(tables, ignore_index=True)


def fermi_many() -> tuple[Figure, pd.DataFrame]:
    """Draw four and five reservoirs (Figs. 4 and 5).

    Returns:
        The figure, and rows of ``reservoirs`` (their number) and the columns of ``fermi_cooling``.
    """
    figure = new_figure(8.6, 6.2)
    panels = figure.subplots(2, 2)
    tables = []
    for row, system in zip(panels, (FOUR, FIVE), strict=True):
        evolution = system.evolve(DURATION, tolerance=1e-8)
        _draw(row[0], row[1], evolution)
        tables.append(_table(evolution).assign(reservoirs=len(system.reservoirs)))
    _legend(figure)
    return figure, pd.concat(tables, ignore_index=True)


def fermi_windows() -> tuple[Figure, pd.DataFrame]:
    """Draw the flows of particles and heat out of two reservoirs over the frequency of the level, for T₁ < T₂ and T₁ > T₂.

    Their signs are those of Table 1.

    Returns:
        The figure, and the table of signs: ``temperature_1``, ``temperature_2`` and the columns of ``flow_signs``.
    """
    potentials = (20.8, 18.0)
    figure = new_figure(7.4, 3.6)
    tables = []
    for axes, temperatures in zip(figure.subplots(1, 2), ((0.8, 1.2), (1.2, 0.8)), strict=True):
        signs = pd.DataFrame(flow_signs(temperatures, potentials))
        tables.append(signs.assign(temperature_1=temperatures[0], temperature_2=temperatures[1]))
        crossing = float(equal_occupation_frequency(np.array(temperatures), np.array(potentials)))
        levels = np.linspace(min(crossing, *potentials) - 2.5, max(crossing, *potentials) + 2.5, 1001)
        out = [_system((float(level),), temperatures, potentials) for level in levels]
        flows = [one.flows(one.temperatures, one.chemical_potentials) for one in out]
        lines = {
            r"$\bar P_1=-\bar P_2$": [flow.particles[0] for flow in flows],
            r"$\bar Y_1$": [flow.heat[0] for flow in flows],
            r"$\bar Y_2$": [flow.heat[1] for flow in flows],
        }
        for (label, line), colour, style in zip(lines.items(), (NEUTRAL, COLD, HOT), _STYLES[:3], strict=True):
            # The sign matters, and flows are small far from the edge: a scale logarithmic far from 0 and linear near it.
            axes.plot(levels, np.array(line) * 1e4, linestyle=style, color=colour, label=label)
        axes.set_yscale("asinh", linear_width=1e-4)
        axes.set_yticks([-1, -1e-2, 0, 1e-2, 1], ["$-1$", "$-10^{-2}$", "0", "$10^{-2}$", "1"])
        axes.axhline(0, color="black", linewidth=0.6, zorder=0)
        marks = {r"$\mu_1$": potentials[0], r"$\mu_2$": potentials[1], r"$\tilde\omega$": crossing}
        for label, frequency in marks.items():
            axes.axvline(frequency, color=NEUTRAL, linewidth=0.5, linestyle=":", zorder=0)
            axes.annotate(label, (frequency, 1.0), xycoords=("data", "axes fraction"), ha="center", va="bottom")
        axes.set(xlabel=r"level $\omega/\hat T$", ylabel=r"flow out of a reservoir, $10^{-4}$")
        axes.set_title(rf"$T_1={temperatures[0]:g}$, $T_2={temperatures[1]:g}$", fontsize=9, pad=16)
    _legend(figure)
    return figure, pd.concat(tables, ignore_index=True)


def _draw(temperature: Axes, potential: Axes, evolution: Evolution) -> None:
    """Draw temperatures and chemical potentials of one evolution, with equilibrium, levels and, for two reservoirs, ω̃."""
    equilibrium = evolution.system.equilibrium()
    time = evolution.time[1:] / SIZE
    for axes, values, end in (
        (temperature, evolution.temperatures, equilibrium[0]),
        (potential, evolution.chemical_potentials, equilibrium[1]),
    ):
        for j, line in enumerate(values[1:].T):
            axes.plot(time, line, linestyle=_STYLES[j], color=_COLOURS[j], label=f"reservoir {j + 1}")
        axes.axhline(end, color="black", linewidth=0.7, linestyle=(0, (6, 4)), label="equilibrium")
        axes.set(xscale="log", xlim=(1e1, DURATION / SIZE), xlabel=r"time, $AV/\hat T$")
    for k, level in enumerate(evolution.system.levels):
        potential.axhline(level, color=NEUTRAL, linewidth=0.5, label=None if k else r"levels $\omega_\kappa$")
    if evolution.temperatures.shape[1] == 2:
        crossing, told = _crossing(evolution)
        # Branches on both sides of infinity are not joined.
        jump = np.append(np.abs(np.diff(np.sign(crossing - equilibrium[1]))) > 0, False)
        potential.plot(
            time, np.where(told & ~jump, crossing, np.nan), color=ACCENT, linestyle=":", label=r"$\tilde\omega$"
        )
    low, high = evolution.chemical_potentials.min(), evolution.chemical_potentials.max()
    low, high = min(low, *evolution.system.levels), max(high, *evolution.system.levels)
    potential.set_ylim(low - 0.1 * (high - low), high + 0.1 * (high - low))
    temperature.set_ylabel(r"temperature $T/\hat T$")
    potential.set_ylabel(r"chemical potential $\mu/\hat T$")


# The axis is linear near the μ of the equilibrium; at this distance from it, half of the way to infinity is drawn.
_FAR = 2.0


def _draw_through_infinity(axes: Axes, evolution: Evolution) -> None:
    """Draw ω̃, both μ and the levels over time, on an axis of arctan((ω - μ_end)/_FAR)."""
    end = evolution.system.equilibrium()[1]
    time = evolution.time[1:] / SIZE

    def place(frequency: ArrayLike) -> Array:
        return np.asarray(np.arctan((np.asarray(frequency, dtype=float) - end) / _FAR))

    crossing, told = _crossing(evolution)
    angle = np.where(told, place(crossing), np.nan)
    steps = np.flatnonzero(np.abs(np.diff(angle)) > np.pi / 2)
    # A line through infinity ends at one edge and continues at the other.
    edges = np.sign(angle[steps]) * np.pi / 2
    middle = np.sqrt(time[steps] * time[steps + 1])
    x = np.insert(time, np.repeat(steps + 1, 3), np.repeat(middle, 3))
    y = np.insert(angle, np.repeat(steps + 1, 3), np.stack([edges, np.full_like(edges, np.nan), -edges], -1).ravel())
    for j, line in enumerate(evolution.chemical_potentials[1:].T):
        axes.plot(time, place(line), linestyle=_STYLES[j], color=_COLOURS[j])
    for level in evolution.system.levels:
        axes.axhline(float(place(level)), color=NEUTRAL, linewidth=0.5)
    axes.plot(x, y, color=ACCENT, linestyle=":", linewidth=1.8)
    ticks = [14.0, 16.0, 17.0, 18.0, 19.0, 20.0, 22.0, 28.0]
    axes.set_yticks([-np.pi / 2, *place(ticks), np.pi / 2], [r"$-\infty$", *(f"{t:g}" for t in ticks), r"$+\infty$"])
    axes.set(ylim=(-np.pi / 2, np.pi / 2), ylabel=r"frequency $\omega/\hat T$, to infinity")
    axes.set(xscale="log", xlim=(1e1, DURATION / SIZE), xlabel=r"time, $AV/\hat T$")


def _crossing(evolution: Evolution) -> tuple[Array, NDArray[np.bool_]]:
    """ω̃ after the start, and a mask that excludes the equilibrium, where it is 0/0."""
    crossing = equal_occupation_frequency(evolution.temperatures, evolution.chemical_potentials)[1:]
    apart = np.abs(np.diff(evolution.temperatures[1:])[:, 0]) + np.abs(np.diff(evolution.chemical_potentials[1:])[:, 0])
    return crossing, apart > 1e-6


def _legend(figure: Figure) -> None:
    """One legend above all panels, each label once."""
    entries = dict(
        pair
        for axes in figure.axes
        if axes.get_legend() is None
        for pair in zip(*reversed(axes.get_legend_handles_labels()), strict=True)
    )
    figure.legend(entries.values(), entries.keys(), loc="outside upper center", ncols=len(entries))


def _table(evolution: Evolution, size: float = SIZE) -> pd.DataFrame:
    columns = {"time": evolution.time / size}
    for name, values in (
        ("temperature", evolution.temperatures),
        ("chemical_potential", evolution.chemical_potentials),
    ):
        columns |= {f"{name}_{j + 1}": values[:, j] for j in range(values.shape[1])}
    columns["clausius"] = evolution.clausius()
    if evolution.temperatures.shape[1] == 2:
        columns["equal_occupation"] = equal_occupation_frequency(evolution.temperatures, evolution.chemical_potentials)
        # In equilibrium it is a ratio of rounding errors.
        far = -evolution.clausius() > 1e-9 * -evolution.clausius()[0]
        columns["cop"] = np.where(far, evolution.cop(), np.nan)
    return pd.DataFrame(columns)
