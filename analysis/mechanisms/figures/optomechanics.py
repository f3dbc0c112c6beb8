"""Heat rectifier as a device and as its effective model: heat flows (Fig. 3 of Barzanjeh, Aquilina & Xuereb) and bandwidth."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.figures.style import ACCENT, COLD, HOT, NEUTRAL, new_figure
from analysis.mechanisms.cascaded import CascadedOscillators
from analysis.mechanisms.figures.cascaded import EQUAL_RATES, FLOW_COLOUR, FLOW_STYLE, curve
from analysis.mechanisms.optomechanics import Optomechanics, realisation

_HZ = 2 * math.pi
PUBLISHED = Optomechanics(
    coupling_1=7e3 * _HZ,
    coupling_2=7e3 * _HZ,
    hopping=1e6 * _HZ,
    phase=math.pi / 2,  # not printed; this value makes F nearly 0
    loss_1=2e6 * _HZ,
    loss_2=2e6 * _HZ,
    detuning_1=6e6 * _HZ,
    detuning_2=6e6 * _HZ,
    mechanical_frequency=6e6 * _HZ,
    mechanical_damping=100 * _HZ,
    drive_frequency=(5e9 - 6e6) * _HZ,
    occupation_1=0.0,
    occupation_2=0.0,
    occupation_m=0.5,
)
"""The microwave circuit of the paper."""

# Machine of the figure over the bandwidth: κ = 1, F = 0, and baths of very different occupation.
_MACHINE = replace(EQUAL_RATES, phase=math.pi / 2, occupation_1=10.0)
_MECHANICAL = {3.0: (":", HOT), 100.0: ("-.", ACCENT), 1e4: ("--", COLD)}


def optomechanics_heat_flows() -> tuple[Figure, pd.DataFrame]:
    """Draw the flows into all baths over N̄₁ and N̄₂ at the published parameters: effective model and full device.

    Returns:
        The figure, and rows of ``varied`` (1 or 2), ``occupation`` (its N̄; the other is 0), ``bath``, ``effective_over_kappa``
        and ``device_over_kappa``.
    """
    figure = new_figure(7.4, 3.7)
    panels = figure.subplots(1, 2, sharey=True)
    occupations = np.linspace(0, 2, 21)
    tables = []
    for varied, axes in zip((1, 2), panels, strict=True):
        devices = [replace(PUBLISHED, **{f"occupation_{varied}": float(n)}) for n in occupations]
        full = np.array([d.heat_flows() for d in devices]) / PUBLISHED.loss_1
        effective = np.array([d.effective().heat_flows() for d in devices]) / PUBLISHED.loss_1
        for bath, (colour, style) in enumerate(zip(FLOW_COLOUR, FLOW_STYLE, strict=True)):
            axes.plot(occupations, effective[:, bath], style, color=colour, label=rf"$\eta_{bath + 1}$, effective")
            axes.plot(
                occupations[::2],
                full[::2, bath],
                "osD"[bath],
                color=colour,
                markersize=3.5,
                markerfacecolor="none",
                label=rf"$\eta_{bath + 1}$, full device",
            )
            columns = {"effective_over_kappa": effective[:, bath], "device_over_kappa": full[:, bath]}
            tables.append(pd.DataFrame({"varied": varied, "occupation": occupations, "bath": bath + 1, **columns}))
        axes.axhline(0, color=NEUTRAL, linewidth=0.6)
        axes.set(xlabel=rf"$\bar N_{varied}$", title=rf"$\bar N_{3 - varied}=0$, $\bar N_3=0.5$")
        axes.title.set_size(8)
    panels[0].set_ylabel(r"quanta into bath, $\eta/\kappa$")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=3)
    return figure, pd.concat(tables, ignore_index=True)


def optomechanics_bandwidth() -> tuple[Figure, pd.DataFrame]:
    """Draw the validity of the effective model: flows and occupation over γ_m/κ, and the spectrum of the published device.

    Returns:
        The figure, and rows of ``quantity`` (``conductance``, ``occupation_1``, ``spectrum``), ``series``, ``x`` (γ_m/κ, or
        frequency from resonance over γ_m) and ``value`` (κ, quanta, or quanta per frequency times κ).
    """
    figure = new_figure(9.6, 3.5)
    panels = figure.subplots(1, 3)
    data = pd.concat([_conductances(panels[0]), _occupations(panels[1]), _spectrum(panels[2])], ignore_index=True)
    for axes in panels[:2]:
        axes.axvline(PUBLISHED.mechanical_damping / PUBLISHED.loss_1, color=NEUTRAL, linewidth=0.8)
        axes.set(xscale="log", xlabel=r"mechanical band, $\gamma_m/\kappa$", xlim=(1e-5, 1e5))
    panels[0].annotate("published", (8e-5, 2), fontsize=7, color=NEUTRAL)
    return figure, data


def _device(damping: float, frequency: float = 1e6) -> Optomechanics:
    made, _ = realisation(
        _MACHINE, mechanical_frequency=frequency, mechanical_damping=damping, drive_frequency=1e3 * frequency
    )
    return made


def _conductances(axes: Axes) -> pd.DataFrame:
    band = np.geomspace(1e-5, 1e5, 81)
    tau = np.array([_device(float(g)).conductances() for g in band])
    exact = _MACHINE.conductances()
    axes.plot(band, tau[:, 1, 0], "-", color=COLD, label="1 to 2, device")
    axes.plot(band, tau[:, 0, 1], "--", color=HOT, label="2 to 1, device")
    axes.axhline(exact[1, 0], color="black", linewidth=0.8, linestyle=":", label="1 to 2, effective")
    axes.set(yscale="log", ylabel=r"quanta passed, $\tau/\kappa$", ylim=(1e-11, 10))
    axes.legend(loc="lower left", bbox_to_anchor=(0.1, 0))
    return pd.concat(
        [curve("conductance", "1 to 2", band, tau[:, 1, 0]), curve("conductance", "2 to 1", band, tau[:, 0, 1])]
    )


def _occupations(axes: Axes) -> pd.DataFrame:
    band = np.geomspace(1e-5, 1e5, 81)
    kept = [float(_device(float(g)).occupations()[0]) for g in band]
    axes.plot(band, kept, "-", color="black", label="rotating wave")
    tables = [curve("occupation_1", "rotating wave", band, kept)]
    for frequency, (style, colour) in _MECHANICAL.items():
        full = [_device(float(g), frequency).occupations_with_counter_rotation()[0] for g in band]
        axes.plot(band, full, linestyle=style, color=colour, label=rf"full, $\omega_m/\kappa={frequency:g}$")
        tables.append(curve("occupation_1", f"full, {frequency:g}", band, full))
    axes.axhline(_MACHINE.occupations()[0], color=NEUTRAL, linewidth=0.8, linestyle=":", label="effective")
    axes.set(ylabel=r"$\bar n_1$ at $\bar N_{1,2,3}=10, 0, 0.5$", ylim=(4, 11.5))
    axes.legend(loc="upper left", fontsize=7)
    return pd.concat(tables)


def _spectrum(axes: Axes) -> pd.DataFrame:
    device = replace(PUBLISHED, occupation_2=10.0)
    # Each cavity loses as much through the resonator as on its own, which doubles the width γ_m.
    offset = np.concatenate([-np.geomspace(1e6, 1e-2, 161), np.geomspace(1e-2, 1e6, 161)])
    effective: CascadedOscillators = device.effective()
    kappa = device.loss_1
    seen = device.occupation_spectrum(device.mechanical_frequency + offset * device.mechanical_damping)[:, 0] * kappa
    meant = effective.occupation_spectrum(offset * device.mechanical_damping)[:, 0] * kappa
    axes.plot(offset, seen, "-", color=COLD, label="device")
    axes.plot(offset, meant, "--", color=HOT, label="effective model")
    axes.set_xscale("asinh", linear_width=0.1)
    axes.set(
        xlabel=r"$(\omega-\omega_m)/\gamma_m$",
        ylabel=r"spectrum of oscillator 1, $\kappa S_1(\omega)$",
        xticks=[-1e5, -1e2, 0, 1e2, 1e5],
        ylim=(-0.5, 13),
    )
    axes.set_title(r"published circuit, $\bar N_{1,2,3}=0, 10, 0.5$", fontsize=8)
    axes.legend(loc="upper center", ncols=2)
    return pd.concat([curve("spectrum", "device", offset, seen), curve("spectrum", "effective", offset, meant)])
