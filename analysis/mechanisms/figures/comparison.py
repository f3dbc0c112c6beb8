"""Comparison of the refrigerator with the other machines: fraction of Carnot's performance against cooling power."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import cycle
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike
from scipy.constants import hbar, k

from analysis.currents import Currents
from analysis.figures.style import ACCENT, COLD, HOT, NEUTRAL, PURPLE, new_figure
from analysis.mechanisms.fermi_gas import Array
from analysis.mechanisms.fermi_reservoirs import FermiReservoirs, Reservoir, equal_occupation_frequency
from analysis.mechanisms.figures.ndemon import PUBLISHED
from analysis.mechanisms.measured import measured_currents
from analysis.mechanisms.ndemon import NDemon
from analysis.model import LangevinPair
from analysis.units import ATOMIC_MASS, FRICTION_SI

# Parameters of the paper on the nanoparticles; the hot bath has 120 K.
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
    """A machine and the parameter that controls its cooling power.

    Attributes:
        label: for a legend.
        at: function of T_c/T_h and the control parameter that returns the currents.
        knob: function of T_c/T_h that returns values of the control parameter, from the onset of cooling (at Carnot's
            performance) to its other end.
        published: value of the control parameter in the paper of the machine, or None.
        published_ratio: T_c/T_h in that paper.
        measured: measured currents, in their own unit and at their own temperatures.
    """

    label: str
    at: Callable[[float, float], Currents]
    knob: Callable[[float], Array]
    published: float | None = None
    published_ratio: float = math.nan
    measured: tuple[Currents, ...] = ()

    def trade_off(self, ratio: float) -> tuple[Array, Array]:
        """Cooling power over its largest value, and COP over Carnot's, at T_c/T_h = ratio; (m,) each."""
        found = [self.at(ratio, float(setting)) for setting in self.knob(ratio)]
        power = np.array([currents.cooling for currents in found])
        return power / power.max(), np.array([currents.cop_over_bound for currents in found])

    def largest(self, ratio: float) -> float:
        """Largest cooling power at T_c/T_h = ratio, in the unit of the machine."""
        return _largest(self, ratio)

    def as_published(self) -> tuple[float, float]:
        """Cooling power over its largest value, and COP over Carnot's, of the published setting at the published T_c/T_h.

        Raises:
            ValueError: if nothing is published.
        """
        if self.published is None:
            raise ValueError(f"published = None: {self.label} has no published setting")
        currents = self.at(self.published_ratio, self.published)
        return currents.cooling / self.largest(self.published_ratio), currents.cop_over_bound

    def at_half_power(self, ratio: float) -> float:
        """COP over Carnot's at half of the largest cooling power, between the onset of cooling and the maximum."""
        power, performance = self.trade_off(ratio)
        top = int(power.argmax()) + 1
        return float(np.interp(0.5, power[:top], performance[:top]))


@cache
def _largest(machine: Machine, ratio: float) -> float:
    return max(machine.at(ratio, float(setting)).cooling for setting in machine.knob(ratio))


def _nanodemon(ratio: float, coupling_ratio: float) -> Currents:
    return replace(
        _PAIR,
        temperature_cold=_PAIR.temperature_hot * ratio,
        coupling_hot=_PAIR.coupling_cold * coupling_ratio,
    ).bath_currents(fluctuations=False)


def measured_nanodemon() -> tuple[Currents, ...]:
    """Currents of the nanodemon in the long runs of molecular dynamics of study ``reference``, in eV/ps per axis."""
    table = pd.read_csv(Path(__file__).with_name("measured.csv"))
    return tuple(
        measured_currents(dict(zip(table.columns, row, strict=True))).scaled(1e-3, "eV/ps")
        for row in table.values.tolist()
    )


def _ndemon_at(ratio: float) -> NDemon:
    return replace(PUBLISHED, levels_cold=(1.5, 1.25), temperature_cold=ratio)


def _ndemon(ratio: float, drive: float) -> Currents:
    return replace(_ndemon_at(ratio), drive=drive).bath_currents(fluctuations=False)


def _ndemon_drives(ratio: float) -> Array:
    # Dense at both ends: the COP falls to zero as the logarithm of the distance to the largest drive.
    shares = (1 - 1e-12) / (1 + np.exp(-np.linspace(-9, 25, _SETTINGS)))
    return np.asarray(_ndemon_at(ratio).largest_drive() * shares)


# Fig. 1 of the paper on the reservoirs, in the initial state, with one level.
_POTENTIALS = np.array([20.8, 16.0])


def _thermoelectric(ratio: float, level: float) -> Currents:
    pair = FermiReservoirs((level,), tuple(map(Reservoir, (ratio, 1.0), _POTENTIALS)))
    return pair.bath_currents(fluctuations=False)


def _thermoelectric_levels(ratio: float) -> Array:
    top = float(equal_occupation_frequency(np.array([ratio, 1.0]), _POTENTIALS))
    return np.linspace(top, _POTENTIALS[0], _SETTINGS + 2)[1:-1]


# ħω/k_BT of the published circuit's cavities, which are the hot baths: 5 GHz at 10 mK.
_CAVITY = hbar * 2 * math.pi * 5e9 / (k * 0.01)
# Temperature of the bath of the resonator, K: 0.5 phonons at 6 MHz.
_PHONONS = hbar * 2 * math.pi * 6e6 / (k * math.log(3))


def _driven_cavities(ratio: float, frequency_ratio: float) -> Currents:
    # If the drives follow ω_m, quanta pass at the same rate at any ω_m; each takes ħ(ω - ω_m) from the drives.
    passed = 1 / math.expm1(_CAVITY * frequency_ratio / ratio) - 1 / math.expm1(_CAVITY)
    return Currents(
        baths=("cavities", "resonator"),
        energy=np.array([passed, -frequency_ratio * passed]),
        entropy=np.array([passed, -frequency_ratio * passed / ratio]) * _CAVITY,
        temperatures=np.array([1.0, ratio]),
        cold=1,
        hot=0,
        boltzmann=1 / _CAVITY,
        unit="ħω of a cavity times the rate",
    )


def _frequency_ratios(ratio: float) -> Array:
    return np.asarray(ratio / (1 + np.exp(np.linspace(-9, 9, _SETTINGS))))


MACHINES = (
    Machine(
        r"nanodemon, over $\kappa_H$",
        _nanodemon,
        lambda ratio: (1 + np.geomspace(1e-4, 1e4, _SETTINGS)) / ratio,
        4.80,
        _RATIO,
        measured_nanodemon(),
    ),
    Machine("N-demon, over its drive", _ndemon, _ndemon_drives, 1.0, 0.5),
    Machine("fermionic reservoirs, over the level", _thermoelectric, _thermoelectric_levels, 21.1, 0.6),
    Machine(r"driven cavities, over $\omega_m$", _driven_cavities, _frequency_ratios, 6e6 / 5e9, _PHONONS / 0.01),
)
_COLOURS = (COLD, HOT, ACCENT, PURPLE, "#E69F00", "#56B4E9")
_STYLES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (1, 3)))


def comparison_table(machines: Mapping[str, Currents]) -> pd.DataFrame:
    """Comparison of any machines, exact or measured, as a table.

    Args:
        machines: currents by name.

    Returns:
        One row for each machine: ``machine``, ``unit``, ``cooling``, ``cooling_error``, ``paid``, ``cop``, ``cop_error``,
        ``bound``, ``cop_over_bound``, ``entropy_production`` (k_B) and ``uncertainty_product`` (of the cooling; nan if not
        known).
    """
    rows = []
    for name, currents in machines.items():
        rows.append(
            {
                "machine": name,
                "unit": currents.unit,
                "cooling": currents.cooling,
                "cooling_error": currents.cooling_error,
                "paid": currents.paid,
                "cop": currents.cop,
                "cop_error": currents.cop_error,
                "bound": currents.bound,
                "cop_over_bound": currents.cop_over_bound,
                "entropy_production": currents.entropy_production,
                "uncertainty_product": currents.uncertainty_products[currents.cold],
            }
        )
    return pd.DataFrame(rows)


def comparison(machines: Sequence[Machine] = MACHINES, ratio: float = _RATIO) -> tuple[Figure, pd.DataFrame]:
    """Draw performance over Carnot's against cooling power at one T_c/T_h, and at half power against T_c/T_h.

    Published settings are drawn at the temperature ratio of their publication, with a label if that differs from ``ratio``.
    Measured points are drawn where the machine cools by more than one standard error. Their powers are over the largest power
    of the exact machine at the same temperatures.

    Args:
        machines: to compare, each with its control parameter.
        ratio: T_c/T_h of the left panel.

    Returns:
        The figure, and rows of ``machine``, ``series`` (``trade-off``, ``half power``, ``published`` or ``measured``),
        ``temperature_ratio`` (T_c/T_h), ``power_over_largest``, ``cop_over_carnot`` and their errors ``power_error`` and
        ``cop_error``.
    """
    figure = new_figure(7.6, 3.9)
    trade, over_ratio = figure.subplots(1, 2, sharey=True)
    tables = []
    ratios = np.linspace(0.3, 0.99, 12)
    for machine, colour, style in zip(machines, cycle(_COLOURS), cycle(_STYLES), strict=False):
        power, performance = machine.trade_off(ratio)
        trade.plot(power, performance, linestyle=style, color=colour, label=machine.label)
        half = np.array([machine.at_half_power(float(r)) for r in ratios])
        over_ratio.plot(ratios, half, linestyle=style, color=colour)
        series = [_series("trade-off", ratio, power, performance), _series("half power", ratios, 0.5, half)]
        if machine.published is not None:
            series.append(_series("published", machine.published_ratio, *machine.as_published()))
            _mark(trade, machine, colour, ratio)
        series += [_measured(trade, machine, currents, colour) for currents in machine.measured if _cools(currents)]
        tables += [table.assign(machine=machine.label) for table in series]
    for axes in (trade, over_ratio):
        axes.axhline(1, color=NEUTRAL, linewidth=0.8, linestyle=":")
        axes.set_ylim(0, 1.05)
    trade.set(xlim=(0, 1.18), xlabel="cooling power over the largest one")
    trade.set_ylabel("coefficient of performance over Carnot's")
    trade.set_title(rf"$T_c/T_h={ratio:.3g}$", loc="left", fontsize=9)
    over_ratio.set(xlim=(0.3, 1), xlabel=r"$T_c/T_h$")
    over_ratio.set_title("at half of the largest cooling power", loc="left", fontsize=9)
    if any(machine.published is not None for machine in machines):
        label = "as published; number: $T_c/T_h$"
        trade.plot([], [], "o", color=NEUTRAL, markerfacecolor="white", label=label)
    if any(machine.measured for machine in machines):
        trade.errorbar([], [], yerr=[], fmt="s", color=NEUTRAL, markersize=3.5, label="molecular dynamics")
    figure.legend(loc="outside upper center", ncols=3)
    order = [
        "machine",
        "series",
        "temperature_ratio",
        "power_over_largest",
        "cop_over_carnot",
        "power_error",
        "cop_error",
    ]
    return figure, pd.concat(tables, ignore_index=True)[order]


def _series(name: str, ratio: ArrayLike, power: ArrayLike, performance: ArrayLike) -> pd.DataFrame:
    columns = {"temperature_ratio": ratio, "power_over_largest": power, "cop_over_carnot": performance}
    arrays = np.broadcast_arrays(*map(np.atleast_1d, columns.values()))
    return pd.DataFrame(dict(zip(columns, arrays, strict=True))).assign(series=name, power_error=0.0, cop_error=0.0)


def _mark(axes: Axes, machine: Machine, colour: str, ratio: float) -> None:
    """Draw the published setting, as a filled symbol if its temperature ratio is that of the panel."""
    here = math.isclose(machine.published_ratio, ratio)
    point = machine.as_published()
    axes.plot(*point, "o", color=colour, markerfacecolor=colour if here else "white", zorder=4)
    if not here:
        axes.annotate(
            f"{machine.published_ratio:.2g}",
            point,
            (0, 6),
            textcoords="offset points",
            fontsize=7,
            color=colour,
            ha="center",
            bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.85, "pad": 0.6},
            zorder=5,
        )


def _cools(currents: Currents) -> bool:
    return currents.cooling > currents.cooling_error and currents.cop > 0


def _measured(axes: Axes, machine: Machine, currents: Currents, colour: str) -> pd.DataFrame:
    ratio = float(currents.temperatures[currents.cold] / currents.temperatures[currents.hot])
    largest = machine.largest(ratio)
    x, y = currents.cooling / largest, currents.cop_over_bound
    errors = {"power_error": currents.cooling_error / largest, "cop_error": currents.cop_error / currents.bound}
    axes.errorbar(
        x, y, errors["cop_error"], errors["power_error"], fmt="s", color=colour, markersize=3.5, linewidth=0.8
    )
    return _series("measured", ratio, x, y).assign(**errors)
