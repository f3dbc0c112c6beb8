"""Pairs whose exact results the tests of the models check."""

from __future__ import annotations

from dataclasses import replace

from analysis.model import DressedPair, LangevinPair, PairWithBodies

FRICTION = 0.2184528  # 3.5e-12 kg/s
# The published one at the published κ_H/κ_C.
PAIR = LangevinPair(
    mass=1.225,
    friction_cold=FRICTION,
    friction_hot=FRICTION,
    trap=0.01,
    coupling_cold=0.1,
    coupling_hot=0.48,
    temperature_cold=100.0,
    temperature_hot=120.0,
)
UNLIKE = replace(PAIR, mass=(0.8, 2.0), friction_hot=0.05)
# Both particles differ in everything.
DRESSED = DressedPair(
    mass=(1.2, 1.5),
    core_friction_cold=2.0,
    core_friction_hot=1.5,
    shell_friction_cold=0.66,
    shell_friction_hot=0.5,
    shell_mass_cold=1.6,
    shell_mass_hot=2.0,
    trap=0.01,
    coupling_cold=0.1,
    coupling_hot=0.48,
    temperature_cold=100.0,
    temperature_hot=120.0,
)
BODIES = PairWithBodies(
    mass=1.225,
    friction_cold=0.2,
    friction_hot=0.3,
    body_frictions_cold=(0.3, 0.1),
    body_times_cold=(1.0, 0.2),
    body_frictions_hot=(0.2,),
    body_times_hot=(3.0,),
    trap=0.01,
    coupling_cold=0.1,
    coupling_hot=0.48,
    temperature_cold=100.0,
    temperature_hot=120.0,
)
