"""The refrigerator and the other machines side by side: what each keeps of Carnot's performance while it cools."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from scipy.constants import hbar, k

from analysis.figures.style import ACCENT, COLD, HOT, NEUTRAL, new_figure
from analysis.mechanisms.fermi_gas import Array
from analysis.mechanisms.fermi_reservoirs import FermiReservoirs, Reservoir, equal_occupation_frequency
from analysis.mechanisms.figures.ndemon import PUBLISHED
from analysis.mechanisms.ndemon import NDemon
from analysis.model import LangevinPair, closed_forms
from analysis.units import ATOMIC_MASS, FRICTION_SI

# Of the nanoparticles' own paper; 120 K is the hot bath.
_PAIR = LangevinPair(
    mass=186 * 63.546 * ATOMIC_MASS,
    friction_cold=3.5e-12 / FRICTION_SI,
    friction_hot=3.5e-12 / FRICTION_SI,
    trap=0.01,
    coupling_cold=0.1,
    coupling_hot=0.1,
    temperature_cold=100.0,
    temperature_hot=120.0,
)
_SETTINGS = 150
_RATIO = 100 / 120  # the paper's baths


@dataclass(frozen=True)
class Machine:
    """One machine and the knob by which it is made to cool more or less.

    Attributes:
        label: for a legend.
        at: of T_c/T_h and a setting of the knob: cooling power, in a unit of the machine's own, and coefficient of performance
            over Carnot's.
        knob: of T_c/T_h: settings from where it just begins to cool, at Carnot's performance, to its other end.
        published: the setting in the machine's paper.
        published_ratio: T_c/T_h there.
    """

    label: str
    at: Callable[[float, float], tuple[float, float]]
    knob: Callable[[float], Array]
    published: float
    published_ratio: float

    def trade_off(self, ratio: float) -> tuple[Array, Array]:
        """Power over the largest one, and performance over Carnot's, at T_c/T_h = ratio; both (m,)."""
        power, performance = np.array([self.at(ratio, float(setting)) for setting in self.knob(ratio)]).T
        return power / power.max(), performance

    def as_published(self) -> tuple[float, float]:
        """Power over the largest one, and performance over Carnot's, of the published setting at the published T_c/T_h."""
        power, performance = self.at(self.published_ratio, self.published)
        largest = max(self.at(self.published_ratio, float(setting))[0] for setting in self.knob(self.published_ratio))
        return power / largest, performance

    def at_half_power(self, ratio: float) -> float:
        """Performance over Carnot's at half of the largest cooling power, on the way up."""
        power, performance = self.trade_off(ratio)
        top = int(power.argmax()) + 1
        return float(np.interp(0.5, power[:top], performance[:top]))


def _nanodemon(ratio: float, coupling_ratio: float) -> tuple[float, float]:
    pair = replace(
        _PAIR,
        temperature_cold=_PAIR.temperature_hot * ratio,
        coupling_hot=_PAIR.coupling_cold * coupling_ratio,
    )
    return -closed_forms.heat_rates(pair)[0], pair.cop()[0] / pair.carnot_cop()[0]


def _ndemon_at(ratio: float) -> NDemon:
    return replace(PUBLISHED, levels_cold=(1.5, 1.25), temperature_cold=ratio)


def _ndemon(ratio: float, drive: float) -> tuple[float, float]:
    demon = replace(_ndemon_at(ratio), drive=drive)
    return demon.power(), demon.cop() / demon.carnot_cop()


def _ndemon_drives(ratio: float) -> Array:
    # Close at both ends: performance falls to zero as the logarithm of what is left to the largest drive.
    shares = (1 - 1e-12) / (1 + np.exp(-np.linspace(-9, 25, _SETTINGS)))
    return np.asarray(_ndemon_at(ratio).largest_drive() * shares)


# Fig. 1 of the reservoirs' paper as it starts, through one level.
_POTENTIALS = np.array([20.8, 16.0])


def _thermoelectric(ratio: float, level: float) -> tuple[float, float]:
    temperatures = np.array([ratio, 1.0])
    pair = FermiReservoirs((level,), tuple(map(Reservoir, temperatures, _POTENTIALS)))
    flows = pair.flows(temperatures, _POTENTIALS)
    return float(flows.heat[0]), float(flows.heat[0] / (_POTENTIALS @ flows.particles) * (1 - ratio) / ratio)


def _thermoelectric_levels(ratio: float) -> Array:
    top = float(equal_occupation_frequency(np.array([ratio, 1.0]), _POTENTIALS))
    return np.linspace(top, _POTENTIALS[0], _SETTINGS + 2)[1:-1]


# ħω/k_BT of the published circuit's cavities, which are the hot baths: 5 GHz at 10 mK.
_CAVITY = hbar * 2 * math.pi * 5e9 / (k * 0.01)
# K, of the resonator's bath: 0.5 phonons at 6 MHz.
_PHONONS = hbar * 2 * math.pi * 6e6 / (k * math.log(3))


def _driven_cavities(ratio: float, frequency_ratio: float) -> tuple[float, float]:
    # Quanta pass at one rate whatever ω_m is, if the drives follow it; each takes ħ(ω - ω_m) from them.
    resonator = 1 / math.expm1(_CAVITY * frequency_ratio / ratio)
    power = frequency_ratio * (resonator - 1 / math.expm1(_CAVITY))
    return power, frequency_ratio / (1 - frequency_ratio) * (1 - ratio) / ratio


def _frequency_ratios(ratio: float) -> Array:
    return np.asarray(ratio / (1 + np.exp(np.linspace(-9, 9, _SETTINGS))))


MACHINES = (
    Machine(
        r"nanodemon, over $\kappa_H$",
        _nanodemon,
        lambda ratio: (1 + np.geomspace(1e-4, 1e4, _SETTINGS)) / ratio,
        4.80,
        _RATIO,
    ),
    Machine("N-demon, over its drive", _ndemon, _ndemon_drives, 1.0, 0.5),
    Machine("fermionic reservoirs, over the level", _thermoelectric, _thermoelectric_levels, 21.1, 0.6),
    Machine(r"driven cavities, over $\omega_m$", _driven_cavities, _frequency_ratios, 6e6 / 5e9, _PHONONS / 0.01),
)


def comparison() -> tuple[Figure, pd.DataFrame]:
    """Draw performance over Carnot's against cooling power at T_c/T_h = 100/120, and at half power against T_c/T_h.

    Published settings are drawn as they are at the temperature ratio of their publication, which is written beside them.

    Returns:
        The figure, and rows of ``machine``, ``series`` (``trade-off``, ``half power`` or ``published``), ``temperature_ratio``
        (T_c/T_h), ``power_over_largest`` and ``cop_over_carnot``.
    """
    figure = new_figure(7.6, 3.8)
    trade, over_ratio = figure.subplots(1, 2, sharey=True)
    tables = []
    ratios = np.linspace(0.3, 0.99, 24)
    for machine, colour, style in zip(MACHINES, (COLD, HOT, ACCENT, "#CC79A7"), ("-", "--", "-.", ":"), strict=True):
        power, performance = machine.trade_off(_RATIO)
        trade.plot(power, performance, linestyle=style, color=colour, label=machine.label)
        here = math.isclose(machine.published_ratio, _RATIO)
        published = machine.as_published()
        trade.plot(*published, "o", color=colour, markerfacecolor=colour if here else "white", zorder=3)
        trade.annotate(f"{machine.published_ratio:.3g}", published, (4, 4), textcoords="offset points", fontsize=7)
        half = np.array([machine.at_half_power(float(ratio)) for ratio in ratios])
        over_ratio.plot(ratios, half, linestyle=style, color=colour)
        tables += [
            pd.DataFrame(
                {
                    "machine": machine.label,
                    "series": "trade-off",
                    "temperature_ratio": _RATIO,
                    "power_over_largest": power,
                    "cop_over_carnot": performance,
                }
            ),
            pd.DataFrame(
                {
                    "machine": machine.label,
                    "series": "half power",
                    "temperature_ratio": ratios,
                    "power_over_largest": 0.5,
                    "cop_over_carnot": half,
                }
            ),
            pd.DataFrame(
                {
                    "machine": [machine.label],
                    "series": "published",
                    "temperature_ratio": machine.published_ratio,
                    "power_over_largest": published[0],
                    "cop_over_carnot": published[1],
                }
            ),
        ]
    for axes in (trade, over_ratio):
        axes.axhline(1, color=NEUTRAL, linewidth=0.8, linestyle=":")
        axes.set_ylim(0, 1.05)
    trade.set(
        xlim=(0, 1.02), xlabel="cooling power over the largest", ylabel="coefficient of performance over Carnot's"
    )
    trade.set_title(r"$T_c/T_h=100/120$", loc="left", fontsize=9)
    over_ratio.set(xlim=(0.3, 1), xlabel=r"$T_c/T_h$")
    over_ratio.set_title("at half of the largest cooling power", loc="left", fontsize=9)
    trade.plot([], [], "o", color=NEUTRAL, markerfacecolor="white", label="as published, with its $T_c/T_h$")
    figure.legend(loc="outside upper center", ncols=3)
    return figure, pd.concat(tables, ignore_index=True)
