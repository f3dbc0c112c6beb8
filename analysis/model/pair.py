"""The nonreciprocal pair of the paper: two trapped particles, two baths, two one-way springs (arXiv:2211.05502, eqs. 1-2)."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

import numpy as np

from analysis.model.network import Array, LinearLangevin

_UNITS = {
    "mass": "eV ps²/Å²",
    "shell_mass": "eV ps²/Å²",
    "friction": "eV ps/Å²",
    "core_friction": "eV ps/Å²",
    "shell_friction": "eV ps/Å²",
    "trap": "eV/Å²",
    "coupling": "eV/Å²",
    "temperature": "K",
}


class Refrigerator(LinearLangevin):
    """What the pair and the dressed pair share: two particles, coordinates 0 (cold) and 1 (hot), and the controller.

    The controller pushes the cold particle with κ_C (X_H - X_C) and the hot one with κ_H (X_C - X_H).
    """

    mass: float | tuple[float, float]
    trap: float
    coupling_cold: float
    coupling_hot: float
    temperature_cold: float
    temperature_hot: float

    def _check(self) -> None:
        """Refuse what is not physical, naming field and value; an unstable but physical pair may be built."""
        for field in fields(self):  # type: ignore[arg-type]  # every subclass is a dataclass
            value = getattr(self, field.name)
            quantity = field.name.removesuffix("_cold").removesuffix("_hot")
            signed = quantity in ("trap", "coupling")
            for number in value if isinstance(value, tuple) else (value,):
                if not math.isfinite(number) or (number <= 0 and not signed):
                    kind = "a finite number" if signed else "a positive finite number"
                    raise ValueError(f"{field.name} = {value} {_UNITS[quantity]}: must be {kind}")
        if isinstance(self.mass, tuple) and len(self.mass) != 2:
            raise ValueError(f"mass = {self.mass}: give one number, or a (cold, hot) pair")

    def _core_masses(self) -> tuple[float, float]:
        return self.mass if isinstance(self.mass, tuple) else (self.mass, self.mass)

    def _core_stiffness(self) -> Array:
        kc, kh = self.coupling_cold, self.coupling_hot
        return np.array([[self.trap + kc, -kc], [-kh, self.trap + kh]])

    def _blame(self) -> str:
        total = self.coupling_cold + self.coupling_hot
        if self.trap <= 0:
            return f"trap = {self.trap:g} eV/Å²: must be positive"
        if self.trap + total <= 0:
            return f"coupling_cold + coupling_hot = {total:g} eV/Å²: must exceed -trap = {-self.trap:g}"
        return (
            f"coupling_cold = {self.coupling_cold:g} and coupling_hot = {self.coupling_hot:g} eV/Å²: opposite signs "
            "drive a growing oscillation when masses or frictions differ; weaken one"
        )


@dataclass(frozen=True, kw_only=True)
class LangevinPair(Refrigerator):
    """The paper's model: white friction on each particle. State (X_C, X_H, V_C, V_H); baths (cold, hot).

    Args:
        mass: of each particle, or (cold, hot), eV ps²/Å².
        friction_cold, friction_hot: eV ps/Å².
        trap: stiffness κ of both traps, eV/Å².
        coupling_cold, coupling_hot: κ_C and κ_H, eV/Å², any sign.
        temperature_cold, temperature_hot: K.

    Raises:
        ValueError: if a value is not physical; names it. An unstable pair can be built and asked for ``stability()``.
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
