"""The nonreciprocal pair of the paper: two trapped particles, two baths, a one-way spring each way."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analysis.model import closed_forms
from analysis.model.refrigerator import Refrigerator


@dataclass(frozen=True, kw_only=True)
class LangevinPair(Refrigerator):
    """The paper's model (arXiv:2211.05502, eqs. 1, 2): white friction on each particle.

    State (X_C, X_H, V_C, V_H); baths (cold, hot).

    Args:
        mass: of each particle, or (cold, hot), eV ps²/Å².
        friction_cold, friction_hot: eV ps/Å².
        trap: stiffness κ of both traps, eV/Å².
        coupling_cold, coupling_hot: κ_C and κ_H, eV/Å², any sign.
        temperature_cold, temperature_hot: K.

    Raises:
        ValueError: if a value is not physical; names it. An unstable pair is allowed, for
            ``stability()``.
    """

    mass: float | tuple[float, float]
    friction_cold: float
    friction_hot: float
    trap: float
    coupling_cold: float
    coupling_hot: float
    temperature_cold: float
    temperature_hot: float

    def __post_init__(self) -> None:
        """Check the parameters and set up the matrices."""
        self._check()
        super().__init__(
            masses=self._core_masses(),
            stiffness=self._core_stiffness(),
            frictions=[np.diag([self.friction_cold, 0.0]), np.diag([0.0, self.friction_hot])],
            temperatures=(self.temperature_cold, self.temperature_hot),
        )

    def coupling_hot_of_largest_cooling(self) -> float:
        """κ_H, eV/Å², with the largest heat from the bath named cold, all else equal, in closed form.

        Raises:
            ValueError: if κ_C is not positive: no κ_H cools then without risk of instability.
        """
        return closed_forms.coupling_hot_of_largest_cooling(self)
