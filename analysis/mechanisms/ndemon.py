"""The four-level N-demon: a reservoir that gives neither energy nor particles, yet moves heat from cold to hot.

Electrons pass between the demon and the hot reservoir at energies ε₁, ε₂, between the demon and the cold one at ε₃, ε₄. The
demon's occupation is held away from any thermal one such that its net flows of energy and particles vanish; what it pays is
entropy. Example of Deghi & Bustos-Marín (equation numbers are theirs); units as in ``entropy_current``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from scipy.optimize import brentq

from analysis.mechanisms.entropy_current import Array, Balance, Equilibrium, Inflow, entropy_per_particle


@dataclass(frozen=True)
class NDemon:
    """Two reservoirs in equilibrium, and the demon between them.

    Attributes:
        levels_hot: ε₁, ε₂, where the hot reservoir meets the demon.
        levels_cold: ε₃, ε₄, where the cold one does.
        temperature_hot: k_BT_h, also that of the environment.
        temperature_cold: k_BT_c.
        chemical_potential: of both reservoirs and the environment.
        width: Γ of the box-shaped transmittances, within which occupations do not change.
        drive: s in f_l(ε₄) = f_c(ε₄) - s [f_c(ε₃) - f_c(ε₄)], how far the demon is from the cold reservoir; the paper
            chooses 1 (eq. 20), any positive number cools.
    """

    levels_hot: tuple[float, float]
    levels_cold: tuple[float, float]
    temperature_hot: float
    temperature_cold: float
    chemical_potential: float
    width: float = 1e-3
    drive: float = 1.0

    def __post_init__(self) -> None:
        wrong = []
        for name in ("levels_hot", "levels_cold"):
            levels = getattr(self, name)
            if len(levels) != 2 or not all(map(math.isfinite, levels)):
                wrong.append(f"{name} = {levels}: give two finite energies")
        for name in ("temperature_hot", "temperature_cold", "width", "drive"):
            value = getattr(self, name)
            if not (value > 0 and math.isfinite(value)):
                wrong.append(f"{name} = {value}: must be positive and finite")
        if not math.isfinite(self.chemical_potential):
            wrong.append(f"chemical_potential = {self.chemical_potential}: must be finite")
        if not wrong:
            if self.temperature_cold > self.temperature_hot:
                wrong.append(
                    f"temperature_cold = {self.temperature_cold}: must not exceed temperature_hot = "
                    f"{self.temperature_hot}"
                )
            # Two resonances at one energy would ask for two occupations of the same level of the demon.
            gap = min(abs(a - b) for a, b in combinations((*self.levels_hot, *self.levels_cold), 2))
            if gap < self.width:
                wrong.append(f"width = {self.width}: resonances overlap, two levels are only {gap:g} apart")
        if wrong:
            raise ValueError("; ".join(wrong))

    @property
    def levels(self) -> Array:
        """ε₁ … ε₄, (4,)."""
        return np.array([*self.levels_hot, *self.levels_cold])

    def partner_occupations(self) -> Array:
        """f_h(ε₁), f_h(ε₂), f_c(ε₃), f_c(ε₄), (4,)."""
        hot = Equilibrium(self.temperature_hot, self.chemical_potential)
        cold = Equilibrium(self.temperature_cold, self.chemical_potential)
        return np.concatenate([hot(self.levels_hot), cold(self.levels_cold)])

    def surplus(self) -> Array:
        """f_l less the occupation of the reservoir that each level leads to, (4,) (eqs. 20, C4).

        Particles balance between the two levels of a reservoir, and energy between the two reservoirs.
        """
        e1, e2, e3, e4 = self.levels
        f3, f4 = self.partner_occupations()[2:]
        taken = self.drive * (f3 - f4)
        given = (e3 - e4) / (e1 - e2) * taken
        return np.array([-given, given, taken, -taken])

    def occupations(self) -> Array:
        """f_l(ε₁) … f_l(ε₄) of the demon, (4,); outside of 0 … 1 where there is no such demon."""
        return self.partner_occupations() + self.surplus()

    @property
    def physical(self) -> bool:
        """Whether there is a demon of these parameters: all its occupations between 0 and 1."""
        f = self.occupations()
        return bool(np.all((f >= 0) & (f <= 1)))

    def inflow_hot(self) -> Inflow:
        """Into the hot reservoir.

        Raises:
            ValueError: if the demon is not physical.
        """
        return self._inflow(slice(0, 2), 1.0)

    def inflow_cold(self) -> Inflow:
        """Into the cold reservoir.

        Raises:
            ValueError: if the demon is not physical.
        """
        return self._inflow(slice(2, 4), 1.0)

    def inflow_demon(self) -> Inflow:
        """Into the demon: neither particles nor energy, only entropy (eq. C8).

        Raises:
            ValueError: if the demon is not physical.
        """
        return self._inflow(slice(0, 4), -1.0)

    def _inflow(self, levels: slice, sign: float) -> Inflow:
        """Sum over resonances, each of which passes Γ times the difference of occupations (eqs. C3, C5, C8)."""
        self._require_physical()
        flow = sign * self.width * self.surplus()[levels]
        receiver = self.occupations() if sign < 0 else self.partner_occupations()
        brought = entropy_per_particle(receiver[levels])
        # A level that is empty or full stays so if nothing flows; else it takes infinite entropy.
        entropy = np.where(flow == 0, 0.0, flow * np.where(flow == 0, 0.0, brought)).sum()
        return Inflow(float(flow.sum()), float(flow @ self.levels[levels]), float(entropy))

    def _require_physical(self) -> None:
        if not self.physical:
            names = [f"f(ε{k}) = {f:.4g}" for k, f in enumerate(self.occupations(), 1) if not 0 <= f <= 1]
            raise ValueError(
                f"drive = {self.drive}: the demon's occupations {', '.join(names)} lie outside of 0 … 1; "
                f"stay at or below {self.largest_drive():.4g}, or raise temperature_cold = {self.temperature_cold}"
            )

    def power(self) -> float:
        """Energy per time out of the cold reservoir into the hot one (eqs. 21, C6).

        Raises:
            ValueError: if the demon is not physical.
        """
        return self.inflow_hot().energy

    def cop(self) -> float:
        """Heat pumped over T_h times the entropy that the demon takes up (eq. 22), from the currents themselves.

        Raises:
            ValueError: if the demon is not physical.
        """
        entropy = self.inflow_demon().entropy
        # So far in the tail of the cold reservoir that no electron is left to flow.
        return self.power() / (self.temperature_hot * entropy) if entropy else math.nan

    def carnot_cop(self) -> float:
        """The bound on ``cop``, T_c/(T_h - T_c); inf without a gradient."""
        gradient = self.temperature_hot - self.temperature_cold
        return math.inf if gradient == 0 else self.temperature_cold / gradient

    def balance(self) -> Balance:
        """The demon as a heat pump; its efficiency is cop() / carnot_cop().

        Raises:
            ValueError: if the demon is not physical.
        """
        worth = 1 - self.temperature_hot / self.temperature_cold
        return Balance(
            thermal=self.inflow_cold().heat(self.chemical_potential) * worth,
            free_energy=self.inflow_demon().free_energy(self.temperature_hot, self.chemical_potential),
        )

    def largest_drive(self) -> float:
        """The drive beyond which an occupation of the demon leaves 0 … 1; positive at any temperature."""
        return math.exp(self._log_largest_drive())

    def _log_largest_drive(self) -> float:
        lower, upper = (np.sort(self.levels_cold) - self.chemical_potential) / self.temperature_cold
        # The cold pair runs empty at its upper level or full at its lower one. Logarithms, as occupations underflow.
        step = upper - lower
        room = min(np.logaddexp(0, -lower), np.logaddexp(0, upper)) - (step + math.log(-math.expm1(-step)))
        hot = self.partner_occupations()[:2]
        given = self.surplus()[:2] / self.drive
        with np.errstate(divide="ignore"):
            hot_room = np.log(np.where(given > 0, 1 - hot, hot)) - np.log(np.abs(given))
        return float(min(room, *hot_room))

    def least_temperature_cold(self) -> float:
        """k_BT_c below which a demon of this drive cannot cool.

        Raises:
            ValueError: if it cannot cool even at T_c = T_h.
        """

        def room(log_temperature: float) -> float:
            colder = replace(self, temperature_cold=math.exp(log_temperature))
            return colder._log_largest_drive() - math.log(self.drive)

        top = math.log(self.temperature_hot)
        if room(top) < 0:
            raise ValueError(f"drive = {self.drive}: this demon cannot cool at any temperature_cold; lower it")
        bottom = top
        while room(bottom) >= 0:
            bottom -= 0.1
        return math.exp(brentq(room, bottom, bottom + 0.1, xtol=1e-14))


def closed_form_cop(demon: NDemon, *, printed: bool = False) -> float:
    """The coefficient of performance as logarithms of occupations: eq. C10; printed, eq. 23 has every ratio inverted.

    Raises:
        ValueError: if the demon is not physical.
    """
    demon._require_physical()
    s1, s2, s3, s4 = entropy_per_particle(demon.occupations())
    e1, e2, e3, e4 = demon.levels
    inverse = demon.temperature_hot * ((s2 - s1) / (e1 - e2) + (s3 - s4) / (e3 - e4))
    return float((-1 if printed else 1) / inverse)


def cop_of_near_levels(temperature_hot: float, temperature_cold: float, drive: float = 1.0) -> float:
    """The limit ε₄ → ε₃, T_c/((1 + 2s) T_h - T_c) (eqs. 24, C20 for s = 1): Carnot's value as the drive vanishes."""
    return temperature_cold / ((1 + 2 * drive) * temperature_hot - temperature_cold)
