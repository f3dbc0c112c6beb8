"""Cascaded oscillators whose exact results several tests check, and how hypothesis draws others."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st

from analysis.mechanisms.cascaded import CascadedOscillators

EQUAL = CascadedOscillators(
    loss_1=1.0, loss_2=1.0, channel_1=1.0, channel_2=1.0, occupation_1=5.0, occupation_2=1.5, occupation_3=0.8
)
UNEQUAL = replace(EQUAL, loss_2=2.0, channel_1=0.7, channel_2=1.3, detuning=0.4, phase=1.2, hopping=0.3 - 0.2j)
EXACT = 1e-12  # a few hundred roundings
# How long an example takes depends on what else the computer does.
few = settings(max_examples=25, deadline=None)
rates = st.floats(0.01, 100)
occupations = st.floats(0, 200, allow_subnormal=False)  # half of the smallest subnormal is 0
sizes = st.floats(-10, 10)


@st.composite
def machines(draw: st.DrawFn, /, **fixed: Any) -> CascadedOscillators:
    """Any machine, with some parameters fixed."""
    values: dict[str, Any] = {name: draw(rates) for name in ("loss_1", "loss_2", "channel_1", "channel_2")}
    values |= {f"occupation_{bath}": draw(occupations) for bath in (1, 2, 3)}
    values |= {"detuning": draw(sizes), "phase": draw(sizes), "hopping": complex(draw(sizes), draw(sizes))}
    return CascadedOscillators(**(values | fixed))
