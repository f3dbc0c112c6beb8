"""Direction of heat flow by phase, hopping and frequency: rectifier, modulator and router of Barzanjeh, Aquilina & Xuereb."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.figures.style import ACCENT, COLD, HOT, NEUTRAL, new_figure
from analysis.mechanisms.bosons import LinearBosons
from analysis.mechanisms.figures.cascaded import curve
from analysis.mechanisms.figures.optomechanics import PUBLISHED
from analysis.mechanisms.optomechanics import Optomechanics
from analysis.model.lyapunov import Array

_MEGAHERTZ = 2e6 * math.pi


def heat_direction() -> tuple[Figure, pd.DataFrame]:
    """Draw transmittances of the published circuit in both directions over φ, J and Ω, and heat routing by a three-mode ring.

    For a narrow signal at Ω, |S₂₁|² is the transmittance from cavity 1 to 2 and |S₁₂|² that from 2 to 1.

    Returns:
        The figure, and rows of ``quantity`` (``phase``, ``hopping``, ``frequency`` or ``router``), ``series``, ``x`` (rad, MHz,
        γ_m or rad) and ``value`` (transmittance, or quanta per 1/κ).
    """
    figure = new_figure(8.2, 6.0)
    panels = figure.subplots(2, 2)
    phases = np.linspace(-math.pi, math.pi, 241)
    hoppings = np.linspace(0, 3, 241) * _MEGAHERTZ
    offsets = np.linspace(-6, 6, 241)
    resonance = PUBLISHED.mechanical_frequency
    found = {
        "phase": [_passed(replace(PUBLISHED, phase=float(p)), resonance) for p in phases],
        "hopping": [_passed(replace(PUBLISHED, hopping=float(j)), resonance) for j in hoppings],
        "frequency": [_passed(PUBLISHED, resonance + x * PUBLISHED.mechanical_damping) for x in offsets],
    }
    axis = {"phase": phases, "hopping": hoppings / _MEGAHERTZ, "frequency": offsets}
    labels = {
        "phase": r"phase $\varphi$ of the drives, rad",
        "hopping": r"hopping $J/2\pi$, MHz",
        "frequency": r"frequency, $(\Omega-\omega_m)/\gamma_m$",
    }
    tables = []
    for axes, name in zip(panels.flat, found, strict=False):
        passed = np.array(found[name])
        for column, (series, colour, style) in enumerate((("1 to 2", COLD, "-"), ("2 to 1", HOT, "--"))):
            axes.plot(axis[name], passed[:, column], linestyle=style, color=colour, label=f"from {series}")
            tables.append(curve(name, series, axis[name], passed[:, column]))
        axes.set(xlabel=labels[name], ylabel="transmittance", ylim=(-0.02, 1.02))
    panels[0, 0].axvline(math.pi / 2, color=NEUTRAL, linewidth=0.7, linestyle=":")
    panels[0, 1].axvline(PUBLISHED.hopping / _MEGAHERTZ, color=NEUTRAL, linewidth=0.7, linestyle=":")
    panels[0, 1].annotate("published", (1.05, 0.5), fontsize=7, color=NEUTRAL)
    handles, names = panels[0, 0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside upper left", ncols=2)
    tables += _router(panels[1, 1], phases)
    for axes in (panels[0, 0], panels[1, 1]):
        axes.set_xticks([-math.pi, -math.pi / 2, 0, math.pi / 2, math.pi], ["−π", "−π/2", "0", "π/2", "π"])
    return figure, pd.concat(tables, ignore_index=True)


def _passed(device: Optomechanics, frequency: float) -> tuple[float, float]:
    s = np.abs(device.scattering(frequency)) ** 2
    return float(s[1, 0]), float(s[0, 1])


def ring_of_three(phase: float, hopping: float = 0.5, occupation: float = 10.0) -> LinearBosons:
    """Three modes in a ring with a phase around it, each with the loss rate 1; the first one has a hot bath.

    Args:
        phase: around the ring, rad.
        hopping: J between neighbours, over the loss rate.
        occupation: N̄ of the hot bath; the others have 0.1.
    """
    turn = hopping * np.exp(1j * phase)
    return LinearBosons(
        hamiltonian=[[0, hopping, np.conj(turn)], [hopping, 0, hopping], [turn, hopping, 0]],
        couplings=np.eye(3),
        bath_occupations=(occupation, 0.1, 0.1),
    )


def _router(axes: Axes, phases: Array) -> list[pd.DataFrame]:
    flows = np.array([ring_of_three(float(p)).heat_flows() for p in phases])
    tables = []
    for bath, (name, colour, style) in enumerate((("hot", HOT, ":"), ("left", COLD, "-"), ("right", ACCENT, "--"))):
        axes.plot(phases, flows[:, bath], linestyle=style, color=colour, label=name)
        tables.append(curve("router", name, phases, flows[:, bath]))
    axes.axhline(0, color=NEUTRAL, linewidth=0.6, zorder=0)
    axes.set(xlabel="phase around a ring of three modes, rad", ylabel=r"quanta into bath, $\eta/\kappa$")
    axes.legend(loc="center", ncols=3)
    return tables
