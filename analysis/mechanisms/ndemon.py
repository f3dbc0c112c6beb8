"""The four-level N-demon: a reservoir without net energy and particle flow that moves heat from cold to hot.

Electrons pass between the demon and the hot reservoir at energies ε₁, ε₂, between the demon and the cold one at ε₃, ε₄. The
nonthermal occupation of the demon is such that its net flows of energy and particles vanish; its cost is entropy. Example
of Deghi & Bustos-Marín (equation numbers are theirs); units as in ``entropy_current``.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from analysis.currents import Currents
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
        taken = self.drive * math.copysign(math.exp(self._log_difference(self.temperature_cold)), e4 - e3)
        given = (e3 - e4) / (e1 - e2) * taken
        return np.array([-given, given, taken, -taken])

    def occupations(self) -> Array:
        """f_l(ε₁) … f_l(ε₄) of the demon, (4,); outside of 0 … 1 where there is no such demon."""
        return self.partner_occupations() + self.surplus()

    @property
    def physical(self) -> bool:
        """Whether a demon with these parameters exists: all its occupations are between 0 and 1."""
        f = self.occupations()
        # Logarithms tell also where occupations underflow to 0 or round to 1.
        return bool(np.all((f >= 0) & (f <= 1))) and math.log(self.drive) <= self._log_largest_drive() + 1e-9

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
        # Of the demon, or of its partners in equilibrium; not from occupations, which may round to 1.
        brought = (self._log_odds() if sign < 0 else self._reduced_levels())[levels]
        # A level that is empty or full stays so if nothing flows; else it takes infinite entropy.
        entropy = np.where(flow == 0, 0.0, flow * np.where(flow == 0, 0.0, brought)).sum()
        return Inflow(float(flow.sum()), float(flow @ self.levels[levels]), float(entropy))

    def _require_physical(self) -> None:
        if not self.physical:
            names = [f"f(ε{k}) = {f:.4g}" for k, f in enumerate(self.occupations(), 1) if not 0 <= f <= 1]
            raise ValueError(
                f"drive = {self.drive}: the demon's occupations {', '.join(names)}".rstrip() + " lie outside of 0 … 1; "
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
        power, entropy = self.power(), self.inflow_demon().entropy
        if power > _LEAST_FLOW * self.width and entropy > 0:
            return power / (self.temperature_hot * entropy)
        # So far in the tail of the cold reservoir that currents underflow; their ratio does not.
        s1, s2, s3, s4 = self._log_odds()
        (e1, e2), (e3, e4) = self.levels_hot, self.levels_cold
        return float(1 / (self.temperature_hot * ((s2 - s1) / (e1 - e2) + (s3 - s4) / (e3 - e4))))

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

    def bath_currents(self, *, fluctuations: bool = True) -> Currents:
        """Into the hot and the cold reservoir and the demon, as ``Currents``, in units of ε₀²/h.

        Each resonance passes electrons with certainty, so that its count has the variance Γ [f_l(1 - f_l) + f_r(1 - f_r)] of
        the two reservoirs' own fluctuations (L. S. Levitov & G. B. Lesovik, JETP Lett. 58, 230 (1993)), and counts of different
        resonances are independent.

        Args:
            fluctuations: whether to give the covariance of the heats.

        Raises:
            ValueError: if the demon is not physical.
        """
        flows = (self.inflow_hot(), self.inflow_cold(), self.inflow_demon())
        covariance = None
        if fluctuations:
            own, partner = self.occupations(), self.partner_occupations()
            counts = self.width * (own * (1 - own) + partner * (1 - partner))
            # Heat of one electron at each level, into each bath.
            carried = np.zeros((3, 4))
            carried[0, :2] = carried[1, 2:] = 1.0
            carried[2] = -1.0
            carried *= self.levels - self.chemical_potential
            covariance = carried * counts @ carried.T
        return Currents(
            baths=("hot", "cold", "demon"),
            particles=np.array([flow.particles for flow in flows]),
            energy=np.array([flow.energy for flow in flows]),
            entropy=np.array([flow.entropy for flow in flows]),
            temperatures=np.array([self.temperature_hot, self.temperature_cold, math.nan]),
            chemical_potentials=np.full(3, self.chemical_potential),
            cold=1,
            hot=0,
            unit="ε₀²/h",
            covariance=covariance,
        )

    def largest_drive(self) -> float:
        """The drive beyond which an occupation of the demon leaves 0 … 1; positive at any temperature."""
        return math.exp(self._log_largest_drive())

    def _reduced_levels(self) -> Array:
        """(ε - μ)/k_BT of the reservoir that each level leads to, (4,)."""
        temperatures = np.repeat([self.temperature_hot, self.temperature_cold], 2)
        return np.asarray((self.levels - self.chemical_potential) / temperatures)

    def _reduced(self, temperature_cold: float) -> tuple[float, float]:
        """(ε - μ)/k_BT_c of the lower and the upper level of the cold pair."""
        lower, upper = (np.sort(self.levels_cold) - self.chemical_potential) / temperature_cold
        return float(lower), float(upper)

    def _log_difference(self, temperature_cold: float) -> float:
        """ln |f_c(ε₃) - f_c(ε₄)|. Logarithms throughout, as occupations underflow."""
        lower, upper = self._reduced(temperature_cold)
        # f_lower - f_upper = f_lower (1 - f_upper) (1 - e^(lower - upper))
        step = -np.expm1(lower - upper)
        return float(-np.logaddexp(0, lower) - np.logaddexp(0, -upper) + np.log(step))

    def _log_room_cold(self, temperature_cold: float) -> float:
        """ln of the largest drive that the cold pair allows: it runs empty at its upper level or full at its lower one."""
        lower, upper = self._reduced(temperature_cold)
        room = min(-np.logaddexp(0, upper), -np.logaddexp(0, -lower))
        return float(room) - self._log_difference(temperature_cold)

    def _log_room_hot(self) -> float:
        """ln of the largest drive times |f_c(ε₃) - f_c(ε₄)| that the hot pair allows, whatever T_c is."""
        lower, upper = (np.sort(self.levels_hot) - self.chemical_potential) / self.temperature_hot
        # Its lower level gives to its upper one.
        room = min(-np.logaddexp(0, lower), -np.logaddexp(0, -upper))
        (e1, e2), (e3, e4) = self.levels_hot, self.levels_cold
        return float(room) - math.log(abs((e3 - e4) / (e1 - e2)))

    def _log_largest_drive(self) -> float:
        cold = self.temperature_cold
        return min(self._log_room_cold(cold), self._log_room_hot() - self._log_difference(cold))

    def _log_odds(self) -> Array:
        """ln(1/f_l - 1) at ε₁ … ε₄, (4,), from logarithms."""
        (e1, e2), (e3, e4) = self.levels_hot, self.levels_cold
        taken = math.log(self.drive) + self._log_difference(self.temperature_cold)
        moved = np.array([math.log(abs((e3 - e4) / (e1 - e2))), 0.0]).repeat(2) + taken
        full, empty = -np.logaddexp(0, self._reduced_levels()), -np.logaddexp(0, -self._reduced_levels())
        # The demon is fuller than the cold reservoir at the lower level, and emptier than the hot one there.
        gains = np.array([e1 > e2, e2 > e1, e3 < e4, e4 < e3])
        left = np.where(gains, empty, full)
        with np.errstate(divide="ignore"):
            left = left + np.log1p(-np.exp(np.minimum(moved - left, 0.0)))
        grown = np.logaddexp(np.where(gains, full, empty), moved)
        return np.asarray(np.where(gains, left - grown, grown - left))

    def cooling_intervals(self) -> tuple[tuple[float, float], ...]:
        """Intervals of k_BT_c up to k_BT_h within which a demon of this drive cools, in ascending order.

        The cold pair allows the drive from a temperature on. The hot pair allows it where |f_c(ε₃) - f_c(ε₄)| is small enough,
        and that has one maximum over T_c if both levels lie on one side of μ: what is left may be two intervals, or none.
        """
        from scipy.optimize import brentq

        wanted, top = math.log(self.drive), math.log(self.temperature_hot)

        def root(function: Callable[[float], float], low: float, high: float) -> float:
            return float(brentq(function, low, high, xtol=1e-15, rtol=1e-15))

        def cold(log_temperature: float) -> float:
            return self._log_room_cold(math.exp(log_temperature)) - wanted

        def hot(log_temperature: float) -> float:
            return self._log_room_hot() - wanted - self._log_difference(math.exp(log_temperature))

        if cold(top) < 0:
            return ()
        bottom = top
        while cold(bottom) >= 0:
            bottom -= 1.0
        start = root(cold, bottom, min(bottom + 1.0, top))
        # Where the difference of occupations is largest: at the start if it only falls.
        peak = min(max(self._log_temperature_of_largest_difference(), start), top)
        found = []
        if hot(peak) >= 0:
            found = [(start, top)]
        else:
            if hot(start) >= 0:
                found.append((start, root(hot, start, peak)))
            if hot(top) >= 0:
                found.append((root(hot, peak, top), top))
        return tuple((math.exp(low), self.temperature_hot if high == top else math.exp(high)) for low, high in found)

    def _log_temperature_of_largest_difference(self) -> float:
        """ln k_BT_c at which f_c(ε₃) and f_c(ε₄) differ most; -inf if they differ ever more towards zero temperature."""
        from scipy.optimize import brentq

        low, high = sorted(abs(level - self.chemical_potential) for level in self.levels_cold)
        sides = np.sign(np.array(self.levels_cold) - self.chemical_potential)
        if sides[0] * sides[1] <= 0:
            return -math.inf

        # The slope in 1/T_c vanishes where cosh²(high/2T)/cosh²(low/2T) = high/low, once as the left side only grows.
        def slope(log_inverse: float) -> float:
            b = math.exp(log_inverse)
            ratio = (high - low) * b / 2 + math.log1p(math.exp(-high * b)) - math.log1p(math.exp(-low * b))
            return 2 * ratio - math.log(high / low)

        guess = -math.log(high)
        below, above = guess, guess
        while slope(below) > 0:
            below -= 1.0
        while slope(above) < 0:
            above += 1.0
        return -float(brentq(slope, below, above)) if above > below else -guess

    def least_temperature_cold(self) -> float:
        """k_BT_c below which a demon of this drive cannot cool; above it there may be a gap, see ``cooling_intervals``.

        Raises:
            ValueError: if it cannot cool at any T_c up to T_h.
        """
        intervals = self.cooling_intervals()
        if not intervals:
            raise ValueError(f"drive = {self.drive}: this demon cannot cool at any temperature_cold; lower it")
        return intervals[0][0]


# Below it the digits of a current, in units of the width, are lost.
_LEAST_FLOW = 1e-290


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
