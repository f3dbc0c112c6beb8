"""The traps: stiffness along each axis, and motion of their centres."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from analysis import model
from simulation.study.axes import AXES, StiffnessByAxis, along_each
from simulation.study.section import SIDES, Positive, Section


class TrapMotion(Section):
    """An oscillation of the centre of a trap along each coupled axis: λ(t) = amplitude sin(2π t/period + phase)."""

    amplitude_A: Positive
    """Amplitude along each coupled axis."""
    period_ps: Positive
    """Period; the measurement starts at t = 0, and relaxation before it."""
    phase_deg: Annotated[float, Field(ge=-360, le=360, allow_inf_nan=False)] = 0.0
    """Phase at the start of the measurement."""


def _listed(value: Any) -> Any:
    if not isinstance(value, (list, tuple)):
        raise ValueError("write a list of oscillations such as [{amplitude_A: 0.5, period_ps: 20}], or [] for none")
    return value


Motions = Annotated[tuple[TrapMotion, ...], BeforeValidator(_listed)]


class Trap(Section):
    """Harmonic trap on the centre of mass of each particle. Its centre is at rest, or oscillates in the runs of the sweep."""

    stiffness_eV_per_A2: StiffnessByAxis = 0.01
    """Spring constant κ: a number, or a mapping of axes such as `{x: 0.01, yz: 0.02}`."""
    motion_cold: Motions = ()
    """Oscillations of the centre of the cold trap, added, such as `[{amplitude_A: 0.5, period_ps: 20, phase_deg: 90}]`."""
    motion_hot: Motions = ()
    """The same for the hot trap."""

    @property
    def stiffness(self) -> tuple[float, float, float]:
        """κ along x, y and z, eV/Å²."""
        return along_each(self.stiffness_eV_per_A2)

    @property
    def by_stiffness(self) -> dict[str, float]:
        """Stiffness of each set of axes that share one, such as `{"x": 0.01, "yz": 0.02}`, eV/Å²."""
        found: dict[float, str] = {}
        for axis, stiffness in zip(AXES, self.stiffness, strict=True):
            found[stiffness] = found.get(stiffness, "") + axis
        return {axes: stiffness for stiffness, axes in found.items()}

    def energy(self, side: str) -> str:
        """Energy of the springs of one side, about their centres at rest, as a LAMMPS expression."""
        sets = self.by_stiffness
        return f"f_trap_{side}" if len(sets) == 1 else "+".join(f"f_trap_{side}_{axes}" for axes in sets)

    @property
    def motion(self) -> model.TrapMotion:
        """Motion of the centres, for exact theory and for both engines."""
        cold, hot = (
            tuple(model.Oscillation(each.amplitude_A, each.period_ps, each.phase_deg) for each in motions)
            for motions in (self.motion_cold, self.motion_hot)
        )
        return model.TrapMotion(cold, hot)

    def motion_of(self, side: str) -> tuple[TrapMotion, ...]:
        """The oscillations of the trap of one side."""
        return self.motion_cold if side == SIDES[0] else self.motion_hot
