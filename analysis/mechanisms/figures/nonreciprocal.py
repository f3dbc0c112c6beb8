"""Networks of nonreciprocally coupled particles: a cascade, three and four baths, a ring, and a transient."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.optimize import brentq

from analysis.figures.style import ACCENT, COLD, HOT, NEUTRAL, PURPLE, new_figure
from analysis.mechanisms.figures.cascaded import curve
from analysis.mechanisms.nonreciprocal import NonreciprocalNetwork, chain, ring, transient

# Particles and traps of the paper.
PARTICLE: dict[str, Any] = {"mass": 1.225, "friction": 0.2185, "trap": 0.01}
COUPLING = 0.1
RATIO = 2.0
FOUR_BATHS = (100.0, 200.0, 600.0, 700.0)
"""Temperatures, K: ten times those of an example of Vovchenko et al."""
_COLOURS, _STYLES = (COLD, HOT, ACCENT, PURPLE), ("-", "--", "-.", ":")


def four_baths() -> NonreciprocalNetwork:
    """Four particles: 0 and 3 are a refrigerator between the coldest and the hottest bath, 1 and 2 an engine that drives it."""

    def network(strength: float) -> NonreciprocalNetwork:
        couplings = np.zeros((4, 4))
        couplings[0, 3], couplings[3, 0] = COUPLING, 9 * COUPLING
        couplings[1, 2], couplings[2, 1] = strength, 1.7 * strength
        return NonreciprocalNetwork(couplings=couplings, temperature=FOUR_BATHS, **PARTICLE)

    return network(brentq(lambda strength: float(network(strength).heat_rates().sum()), 0.01, 0.3, xtol=1e-15))


def three_baths(temperatures: tuple[float, float, float] = (100.0, 150.0, 200.0)) -> NonreciprocalNetwork:
    """A row of three particles without net heat into the middle bath: heat flows from the coldest bath to the hottest."""

    def network(second: float) -> NonreciprocalNetwork:
        return chain(temperatures, COUPLING, (RATIO, second), **PARTICLE)

    return network(brentq(lambda second: float(network(second).heat_rates()[1]), 1.0, 3.0, xtol=1e-14))


def nonreciprocal_networks() -> tuple[Figure, pd.DataFrame]:
    """Draw a cascade of refrigerators, heats of three and four baths, a ring at one temperature, and a transient.

    Returns:
        The figure, and rows of ``quantity`` (``cooling``, ``heat_of_three``, ``heat_of_four``, ``ring``, ``transient``),
        ``series``, ``x`` (T_hottest/T_coldest, the bath's temperature in K, c_forward/c_backward, or time in ps) and ``value``
        (eV/ns).
    """
    figure = new_figure(9.6, 6.6)
    panels = figure.subplots(2, 2)
    data = [*_cascade(panels[0, 0]), *_heats(panels[0, 1]), *_ring(panels[1, 0]), *_transient(panels[1, 1])]
    for axes in panels.flat:
        axes.axhline(0, color=NEUTRAL, linewidth=0.6, zorder=0)
    return figure, pd.concat(data, ignore_index=True)


def _cascade(axes: Axes) -> list[pd.DataFrame]:
    totals = np.geomspace(1, 12, 60)
    tables = []
    for n, colour, style in zip((2, 3, 4), _COLOURS, _STYLES, strict=False):
        cooling = [
            -1e3 * float(chain(np.geomspace(100, 100 * total, n).tolist(), COUPLING, RATIO, **PARTICLE).heat_rates()[0])
            for total in totals
        ]
        axes.plot(totals, cooling, linestyle=style, color=colour, label=f"{n} particles")
        tables.append(curve("cooling", f"{n} particles", totals, cooling))
        axes.plot(RATIO ** (n - 1), 0, "o", color=colour, markersize=4)
    axes.set(xscale="log", xticks=[1, 2, 4, 8], xticklabels=["1", "2", "4", "8"], ylim=(-0.4, 0.45))
    axes.set(xlabel=r"$T_\mathrm{hottest}/T_\mathrm{coldest}$", ylabel="heat out of the coldest bath, eV/ns")
    axes.set_title(rf"cascade of refrigerators, $c_{{i+1,i}}={RATIO:g}\,c_{{i,i+1}}$", loc="left", fontsize=9)
    axes.legend(loc="lower left")
    return tables


def _heats(axes: Axes) -> list[pd.DataFrame]:
    machines = {"heat_of_three": three_baths(), "heat_of_four": four_baths()}
    labels = ("three baths, no heat at the middle one", "four baths, no work")
    tables = []
    for (name, network), colour, marker, label in zip(machines.items(), (COLD, HOT), "os", labels, strict=True):
        heats = network.heat_rates() * 1e3
        axes.vlines(network.temperatures, 0, heats, color=colour, linewidth=1)
        axes.plot(network.temperatures, heats, marker, color=colour, label=label)
        tables.append(curve(name, "heat", network.temperatures, heats))
    axes.set(xlabel="temperature of the bath, K", ylabel="heat into the bath, eV/ns")
    axes.set_title("from the coldest bath to the hottest", loc="left", fontsize=9)
    axes.legend(loc="lower left")
    return tables


def _ring(axes: Axes) -> list[pd.DataFrame]:
    ratios = np.geomspace(0.5, 2, 61)
    rings = [ring(3, COUPLING * float(np.sqrt(r)), COUPLING / float(np.sqrt(r)), 100.0, **PARTICLE) for r in ratios]
    lines = {
        "passed on, 1 to 2": [1e3 * float(one.link_currents()[0, 1]) for one in rings],
        "heat into each bath": [1e3 * float(one.heat_rates()[0]) for one in rings],
    }
    for (label, values), colour, style in zip(lines.items(), (ACCENT, HOT), _STYLES, strict=False):
        axes.plot(ratios, values, linestyle=style, color=colour, label=label)
    axes.set(xscale="log", xticks=[0.5, 1, 2], xticklabels=["½", "1", "2"])
    axes.minorticks_off()
    axes.set(xlabel="coupling forward over backward", ylabel="eV/ns")
    axes.set_title("ring of three, all baths at 100 K", loc="left", fontsize=9)
    axes.legend(loc="upper left")
    return [curve("ring", label, ratios, values) for label, values in lines.items()]


def _transient(axes: Axes) -> list[pd.DataFrame]:
    network = three_baths()
    time = np.linspace(0, 60, 601)
    run = transient(network, time)
    tables = []
    for bath, (colour, style) in enumerate(zip((COLD, ACCENT, HOT), _STYLES, strict=False)):
        heat = run.heat[:, bath] * 1e3
        axes.plot(time, heat, linestyle=style, color=colour, label=f"{network.temperatures[bath]:.0f} K")
        axes.plot(time[-1] * 1.02, network.heat_rates()[bath] * 1e3, "<", color=colour, markersize=4, clip_on=False)
        tables.append(curve("transient", f"{network.temperatures[bath]:.0f} K", time, heat))
    # At first the heats are up to 45 eV/ns: energy stored in the traps goes into the baths.
    axes.set_yscale("asinh", linear_width=0.3)
    axes.set_yticks([-0.2, 0, 0.2, 1, 10, 40], ["−0.2", "0", "0.2", "1", "10", "40"])
    axes.minorticks_off()
    axes.set(xlabel="time after the couplings are switched on, ps", ylabel="heat into the bath, eV/ns", xlim=(0, 60))
    axes.set_title("three baths, transient; arrows: steady state", loc="left", fontsize=9)
    axes.legend(loc="upper right")
    return tables
