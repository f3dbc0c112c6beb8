"""The dressed pair: friction couples each particle to its shell of adsorbed argon, and the shell to the bath."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analysis.model.refrigerator import Refrigerator


@dataclass(frozen=True, kw_only=True)
class DressedPair(Refrigerator):
    """Core and shell on each side: m dV/dt = F - g₁(V - U) + ξ₁ and M dU/dt = g₁(V - U) - g₂U - ξ₁ + ξ₂.

    V and U are the velocities of core and shell, F trap and controller; both noises are at the temperature of that
    side. The model is linear and therefore exact. At zero frequency the friction is g₁g₂/(g₁ + g₂).
    State (X_C, X_H, V_C, V_H, U_C, U_H); baths (cold, hot).

    Args:
        mass: of each core, or (cold, hot), eV ps²/Å².
        core_friction_cold, core_friction_hot: g₁, core against shell, eV ps/Å².
        shell_friction_cold, shell_friction_hot: g₂, shell against bath, eV ps/Å².
        shell_mass_cold, shell_mass_hot: M, eV ps²/Å².
        trap: stiffness κ of both traps, eV/Å².
        coupling_cold, coupling_hot: κ_C and κ_H, eV/Å², any sign.
        temperature_cold, temperature_hot: K.

    Raises:
        ValueError: if a value is not physical; names it. An unstable pair is allowed, for
            ``stability()``.
    """

    mass: float | tuple[float, float]
    core_friction_cold: float
    core_friction_hot: float
    shell_friction_cold: float
    shell_friction_hot: float
    shell_mass_cold: float
    shell_mass_hot: float
    trap: float
    coupling_cold: float
    coupling_hot: float
    temperature_cold: float
    temperature_hot: float

    def __post_init__(self) -> None:
        """Check the parameters and set up the matrices."""
        self._check()
        frictions = np.zeros((2, 4, 4))
        cores = (self.core_friction_cold, self.core_friction_hot)
        shells = (self.shell_friction_cold, self.shell_friction_hot)
        for side, (inner, outer) in enumerate(zip(cores, shells, strict=True)):
            core, shell = side, side + 2
            frictions[side, core, core] = inner
            frictions[side, core, shell] = frictions[side, shell, core] = -inner
            frictions[side, shell, shell] = inner + outer
        super().__init__(
            masses=(*self._core_masses(), self.shell_mass_cold, self.shell_mass_hot),
            stiffness=np.vstack([self._core_stiffness(), np.zeros((2, 2))]),
            frictions=frictions,
            temperatures=(self.temperature_cold, self.temperature_hot),
        )
