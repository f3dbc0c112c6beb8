"""Drawings of machines: nonthermal reservoirs (Figs. 1, 2a of Deghi & Bustos-Marín), cascades (Fig. 1 of Barzanjeh et al.)."""

from __future__ import annotations

from dataclasses import dataclass, field

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyArrowPatch, FancyBboxPatch

from analysis.figures.style import ACCENT, COLD, HOT, NEUTRAL, PURPLE, new_figure

_SYSTEM = "#000000"


@dataclass
class _Drawing:
    """One panel: parts by name, and the flows between them."""

    axes: Axes
    panel: str
    places: dict[str, tuple[float, float]] = field(default_factory=dict)
    links: list[dict[str, str]] = field(default_factory=list)

    def part(
        self, name: str, at: tuple[float, float], text: str, colour: str, size: tuple[float, float] = (0.26, 0.13)
    ) -> None:
        """Draw a part as a box."""
        self.places[name] = at
        corner, (width, height) = (at[0] - size[0] / 2, at[1] - size[1] / 2), size
        style = "round,pad=0.01,rounding_size=0.03"
        self.axes.add_patch(FancyBboxPatch(corner, width, height, style, edgecolor=colour, facecolor=f"{colour}22"))
        self.axes.text(*at, text, ha="center", va="center", fontsize=8)

    def mode(self, name: str, at: tuple[float, float], text: str, colour: str = _SYSTEM, radius: float = 0.075) -> None:
        """Draw a mode, a dot or a level as a circle."""
        self.places[name] = at
        self.axes.add_patch(Circle(at, radius, edgecolor=colour, facecolor="white", linewidth=1.4))
        self.axes.text(*at, text, ha="center", va="center", fontsize=8)

    def link(
        self,
        start: str,
        end: str,
        text: str,
        colour: str = NEUTRAL,
        *,
        both: bool = True,
        bend: float = 0.0,
        label: tuple[float, float] = (0.0, 0.0),
    ) -> None:
        """Draw an arrow, with heads at both ends or at the second one only; ``label`` moves its text."""
        (x, y), (u, v) = self.places[start], self.places[end]
        self.axes.add_patch(
            FancyArrowPatch(
                (x, y),
                (u, v),
                arrowstyle="<|-|>" if both else "-|>",
                connectionstyle=f"arc3,rad={bend}",
                shrinkA=24,
                shrinkB=24,
                mutation_scale=9,
                color=colour,
            )
        )
        self.axes.text((x + u) / 2 + label[0], (y + v) / 2 + label[1], text, ha="center", va="center", fontsize=8)
        ways = "both ways" if both else "one way"
        self.links.append({"panel": self.panel, "from": start, "to": end, "what": text.replace("$", ""), "ways": ways})


def _drawings(figure: Figure, titles: list[str]) -> list[_Drawing]:
    found = []
    for axes, title in zip(figure.subplots(1, len(titles), squeeze=False).flat, titles, strict=True):
        axes.set(xlim=(-0.03, 1.03), ylim=(0, 1.03), aspect="equal")
        axes.set_axis_off()
        axes.set_title(title, loc="left", fontsize=9)
        found.append(_Drawing(axes, title))
    return found


def ndemon_schematic() -> tuple[Figure, pd.DataFrame]:
    """Draw a machine with thermal and nonthermal reservoirs, and the four-level N-demon.

    Returns:
        The figure, and rows of ``panel``, ``from``, ``to``, ``what`` and ``ways``: flows between its parts.
    """
    figure = new_figure(7.6, 4.0)
    general, demon = _drawings(figure, ["thermal and nonthermal reservoirs", "the N-demon"])
    general.mode("system", (0.5, 0.5), "local\nsystem", radius=0.12)
    general.part("reservoir 1", (0.16, 0.82), "$T_1,\\ \\mu_1$", HOT)
    general.part("reservoir r", (0.16, 0.18), "$T_r,\\ \\mu_r$", COLD)
    general.part("nonthermal l", (0.84, 0.82), "nonthermal\n$f_l(\\varepsilon)$", PURPLE)
    general.part("device", (0.84, 0.18), "mechanical\ndevice", ACCENT)
    general.link("reservoir 1", "system", "", HOT)
    general.link("reservoir r", "system", "particles, heat", COLD, label=(0.15, -0.06))
    general.link("nonthermal l", "system", "", PURPLE)
    general.link("system", "device", "work", ACCENT, label=(0.06, 0.04))
    general.axes.text(0.5, 0.02, "environment: $T_0,\\ \\mu_0$", ha="center", fontsize=8, color=NEUTRAL)
    demon.part("hot", (0.16, 0.5), "hot\n$T_h,\\ \\mu_0$", HOT, (0.2, 0.5))
    demon.part("demon", (0.5, 0.5), "N-demon\n$f_l(\\varepsilon)$", PURPLE, (0.2, 0.5))
    demon.part("cold", (0.84, 0.5), "cold\n$T_c,\\ \\mu_0$", COLD, (0.2, 0.5))
    for name, at, level in (
        ("level 1", (0.33, 0.34), 1),
        ("level 2", (0.33, 0.66), 2),
        ("level 3", (0.67, 0.66), 3),
        ("level 4", (0.67, 0.34), 4),
    ):
        demon.mode(name, at, f"$\\varepsilon_{level}$", radius=0.05)
        demon.links.append(
            {
                "panel": demon.panel,
                "from": "demon",
                "to": "hot" if level < 3 else "cold",
                "what": name,
                "ways": "both ways",
            }
        )
    demon.axes.annotate("", (0.25, 0.9), (0.75, 0.9), arrowprops={"arrowstyle": "-|>", "color": NEUTRAL})
    demon.axes.text(0.5, 0.95, "heat, no particles", ha="center", fontsize=8)
    demon.axes.text(0.5, 0.14, "the demon gains entropy,\nno energy, no particles", ha="center", va="top", fontsize=8)
    return figure, pd.DataFrame(general.links + demon.links)


def cascaded_schematic() -> tuple[Figure, pd.DataFrame]:
    """Draw two oscillators in cascade, the equivalent model with a common bath, and the circuit that realises it.

    Returns:
        The figure, and rows of ``panel``, ``from``, ``to``, ``what`` and ``ways``: flows between its parts.
    """
    figure = new_figure(9.6, 3.7)
    cascade, common, circuit = _drawings(figure, ["cascade", "hopping and a common bath", "circuit"])
    for drawing in (cascade, common):
        drawing.mode("oscillator 1", (0.25, 0.6), "1")
        drawing.mode("oscillator 2", (0.75, 0.6), "2")
        drawing.part("bath 1", (0.25, 0.14), "$\\bar N_1$", HOT)
        drawing.part("bath 2", (0.75, 0.14), "$\\bar N_2$", COLD)
        drawing.link("oscillator 1", "bath 1", "$\\kappa_1$", label=(-0.07, 0))
        drawing.link("oscillator 2", "bath 2", "$\\kappa_2$", label=(0.07, 0))
    cascade.link("oscillator 1", "oscillator 2", "$\\sqrt{\\gamma_1\\gamma_2}$", ACCENT, both=False, label=(0, 0.07))
    cascade.places |= {"input": (-0.1, 0.6), "output": (1.1, 0.6)}
    cascade.link("input", "oscillator 1", "$\\bar N_3$", ACCENT, both=False, label=(0, 0.07))
    cascade.link("oscillator 2", "output", "", ACCENT, both=False)
    common.part("bath 3", (0.5, 0.93), "$\\bar N_3$", ACCENT)
    common.link("oscillator 1", "oscillator 2", "hopping", label=(0, -0.06))
    common.link("bath 3", "oscillator 1", "$\\gamma_1$", ACCENT, label=(-0.09, 0.03))
    common.link("bath 3", "oscillator 2", "$\\gamma_2 e^{i\\phi}$", ACCENT, label=(0.12, 0.03))
    circuit.mode("cavity 1", (0.2, 0.5), "$a_1$")
    circuit.mode("cavity 2", (0.8, 0.5), "$a_2$")
    circuit.mode("resonator", (0.5, 0.86), "$b$", ACCENT)
    circuit.part("bath 1", (0.2, 0.08), "$\\bar N_1,\\ \\mathcal{E}_1$", HOT, (0.3, 0.12))
    circuit.part("bath 2", (0.8, 0.08), "$\\bar N_2,\\ \\mathcal{E}_2 e^{i\\phi_2}$", COLD, (0.36, 0.12))
    circuit.part("bath m", (0.9, 0.93), "$\\bar N_m$", ACCENT, (0.18, 0.11))
    circuit.link("cavity 1", "cavity 2", "$J$", label=(0, 0.05))
    circuit.link("cavity 1", "resonator", "$G_1$", ACCENT, label=(-0.08, 0.03))
    circuit.link("cavity 2", "resonator", "$G_2e^{i\\phi}$", ACCENT, label=(0.11, 0.0))
    circuit.link("cavity 1", "bath 1", "$\\kappa_1$", label=(-0.07, 0))
    circuit.link("cavity 2", "bath 2", "$\\kappa_2$", label=(0.07, 0))
    circuit.link("resonator", "bath m", "$\\gamma_m$", ACCENT, label=(0, 0.06))
    return figure, pd.DataFrame(cascade.links + common.links + circuit.links)
