"""The four-level N-demon: a reservoir without net energy and particle flow that moves heat from cold to hot.

Electrons pass between the demon and the hot reservoir at the energies ε₁ and ε₂, and between the demon and the cold one at ε₃
and ε₄. The nonthermal occupation of the demon makes its net flows of energy and particles vanish; the demon takes up entropy.
This is the example of Deghi & Bustos-Marín; equation numbers are theirs. Units are those of ``entropy_current``.
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
        levels_hot: ε₁, ε₂, at which the hot reservoir exchanges electrons with the demon.
        levels_cold: ε₃, ε₄, at which the cold reservoir does.
        temperature_hot: k_BT_h, also that of the environment.
        temperature_cold: k_BT_c.
        chemical_potential: of both reservoirs and the environment.
        width: Γ of the box-shaped transmittances; occupations are taken as constant within it.
        drive: s in f_l(ε₄) = f_c(ε₄) - s [f_c(ε₃) - f_c(ε₄)], the distance of the demon from the cold reservoir. The paper
            chooses 1 (eq. 20); any positive number cools.
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
            # Two resonances at one energy would need two occupations of the same level of the demon.
            gap = min(abs(a - b) for a, b in combinations((*self.levels_hot, *self.levels_cold), 2))
            if gap < self.width:
                wrong.append(f"width = {self.width}: resonances overlap, two levels are only {gap:g} apart")
        if wrong:
            raise ValueError("; ".join(wrong))

    @property
    def levels(self) -> Array:
        """Energies ε₁ … ε₄, (4,)."""
        return np.array([*self.levels_hot, *self.levels_cold])

    def partner_occupations(self) -> Array:
        """Occupations of the partner reservoirs, f_h(ε₁), f_h(ε₂), f_c(ε₃), f_c(ε₄), (4,)."""
        hot = Equilibrium(self.temperature_hot, self.chemical_potential)
        cold = Equilibrium(self.temperature_cold, self.chemical_potential)
        return np.concatenate([hot(self.levels_hot), cold(self.levels_cold)])

    def surplus(self) -> Array:
        """Occupation f_l of the demon minus that of the partner reservoir at each level, (4,) (eqs. 20, C4).

        The particle flows at the two levels of a reservoir cancel, and so do the energy flows of the two reservoirs.
        """
        e1, e2, e3, e4 = self.levels
        taken = self.drive * math.copysign(math.exp(self._log_difference(self.temperature_cold)), e4 - e3)
        given = (e3 - e4) / (e1 - e2) * taken
        return np.array([-given, given, taken, -taken])

    def occupations(self) -> Array:
        """Occupations f_l(ε₁) … f_l(ε₄) of the demon, (4,); outside 0 … 1 if no such demon exists."""
        return self.partner_occupations() + self.surplus()

    @property
    def physical(self) -> bool:
        """Whether a demon with these parameters exists: all its occupations are between 0 and 1."""
        f = self.occupations()
        # The logarithms also decide where occupations underflow to 0 or round to 1.
        return bool(np.all((f >= 0) & (f <= 1))) and math.log(self.drive) <= self._log_largest_drive() + 1e-9

    def inflow_hot(self) -> Inflow:
        """Flows into the hot reservoir.

        Raises:
            ValueError: if the demon is not physical.
        """
        return self._inflow(slice(0, 2), 1.0)

    def inflow_cold(self) -> Inflow:
        """Flows into the cold reservoir.

        Raises:
            ValueError: if the demon is not physical.
        """
        return self._inflow(slice(2, 4), 1.0)

    def inflow_demon(self) -> Inflow:
        """Flows into the demon: neither particles nor energy, only entropy (eq. C8).

        Raises:
            ValueError: if the demon is not physical.
        """
        return self._inflow(slice(0, 4), -1.0)

    def _inflow(self, levels: slice, sign: float) -> Inflow:
        """Sum over resonances, each of which passes Γ times the difference of occupations (eqs. C3, C5, C8)."""
        self._require_physical()
        flow = sign * self.width * self.surplus()[levels]
        # Entropy per particle, of the demon or of its partners. Occupations may round to 1, so it is not computed from them.
        brought = (self._log_odds() if sign < 0 else self._reduced_levels())[levels]
        # The entropy per particle is infinite at an empty or full level; without flow its contribution is 0.
        entropy = np.where(flow == 0, 0.0, flow * np.where(flow == 0, 0.0, brought)).sum()
        return Inflow(float(flow.sum()), float(flow @ self.levels[levels]), float(entropy))

    def _require_physical(self) -> None:
        if not self.physical:
            names = [f"f(ε{k}) = {f:.4g}" for k, f in enumerate(self.occupations(), 1) if not 0 <= f <= 1]
            raise ValueError(
                f"drive = {self.drive}: the demon's occupations {', '.join(names)}".rstrip() + " lie outside 0 … 1; "
                f"stay at or below {self.largest_drive():.4g}, or raise temperature_cold"
            )

    def power(self) -> float:
        """Energy per time out of the cold reservoir into the hot one (eqs. 21, C6).

        Raises:
            ValueError: if the demon is not physical.
        """
        return self.inflow_hot().energy

    def cop(self) -> float:
        """Heat pumped over T_h times the entropy that the demon takes up (eq. 22), computed from the currents.

        Raises:
            ValueError: if the demon is not physical.
        """
        power, entropy = self.power(), self.inflow_demon().entropy
        if power > _LEAST_FLOW * self.width and entropy > 0:
            return power / (self.temperature_hot * entropy)
        # Far in the tail of the cold reservoir the currents underflow, but their ratio does not.
        s1, s2, s3, s4 = self._log_odds()
        (e1, e2), (e3, e4) = self.levels_hot, self.levels_cold
        return float(1 / (self.temperature_hot * ((s2 - s1) / (e1 - e2) + (s3 - s4) / (e3 - e4))))

    def carnot_cop(self) -> float:
        """Carnot's bound on ``cop``, T_c/(T_h - T_c); inf at equal temperatures."""
        gradient = self.temperature_hot - self.temperature_cold
        return math.inf if gradient == 0 else self.temperature_cold / gradient

    def balance(self) -> Balance:
        """Powers of the demon as a heat pump; the efficiency is cop() / carnot_cop().

        Raises:
            ValueError: if the demon is not physical.
        """
        worth = 1 - self.temperature_hot / self.temperature_cold
        return Balance(
            thermal=self.inflow_cold().heat(self.chemical_potential) * worth,
            free_energy=self.inflow_demon().free_energy(self.temperature_hot, self.chemical_potential),
        )

    def bath_currents(self, *, fluctuations: bool = True) -> Currents:
        """Flows into the hot reservoir, the cold reservoir and the demon as ``Currents``, in units of ε₀²/h.

        The transmittance of each resonance is 1. The variance of its count per time is then Γ [f_l(1 - f_l) + f_r(1 - f_r)]
        (L. S. Levitov & G. B. Lesovik, JETP Lett. 58, 230 (1993)). Counts of different resonances are independent.

        Args:
            fluctuations: whether to include the covariance of the heats.

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
        """Largest drive for which all occupations of the demon are within 0 … 1; positive at any temperature."""
        return math.exp(self._log_largest_drive())

    def _reduced_levels(self) -> Array:
        """Reduced energies (ε - μ)/k_BT of the levels, with T of the partner reservoir, (4,)."""
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
        """ln of the largest drive that the cold pair allows: there its upper level is empty or its lower one full."""
        lower, upper = self._reduced(temperature_cold)
        room = min(-np.logaddexp(0, upper), -np.logaddexp(0, -lower))
        return float(room) - self._log_difference(temperature_cold)

    def _log_room_hot(self) -> float:
        """ln of the largest drive times |f_c(ε₃) - f_c(ε₄)| that the hot pair allows, whatever T_c is."""
        lower, upper = (np.sort(self.levels_hot) - self.chemical_potential) / self.temperature_hot
        # The drive moves particles from the lower level of the pair to the upper one.
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

        The cold pair allows the drive above a certain temperature. The hot pair allows it where |f_c(ε₃) - f_c(ε₄)| is small
        enough. If both levels lie on the same side of μ, this difference has one maximum over T_c, so there may be two
        intervals, or none.
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
        # The temperature of the largest difference of occupations; the start of the range if the difference only falls.
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
        """ln k_BT_c at which f_c(ε₃) and f_c(ε₄) differ most; -inf if the difference grows down to zero temperature."""
        from scipy.optimize import brentq

        low, high = sorted(abs(level - self.chemical_potential) for level in self.levels_cold)
        sides = np.sign(np.array(self.levels_cold) - self.chemical_potential)
        if sides[0] * sides[1] <= 0:
            return -math.inf

        # The slope in 1/T_c vanishes where cosh²(high/2T)/cosh²(low/2T) = high/low. The left side is monotonic, so once only.
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
        """Lowest k_BT_c at which a demon of this drive cools; above it there may be a gap, see ``cooling_intervals``.

        Raises:
            ValueError: if it does not cool at any T_c up to T_h.
        """
        intervals = self.cooling_intervals()
        if not intervals:
            raise ValueError(f"drive = {self.drive}: this demon cannot cool at any temperature_cold; lower it")
        return intervals[0][0]


# Currents below this, in units of the width, are denormal numbers and lose digits.
_LEAST_FLOW = 1e-290


def closed_form_cop(demon: NDemon, *, printed: bool = False) -> float:
    """Coefficient of performance from the occupations in closed form (eq. C10).

    Args:
        demon: four-level demon.
        printed: whether to use eq. 23 as printed, in which every ratio of occupations is inverted.

    Raises:
        ValueError: if the demon is not physical.
    """
    demon._require_physical()
    s1, s2, s3, s4 = entropy_per_particle(demon.occupations())
    e1, e2, e3, e4 = demon.levels
    inverse = demon.temperature_hot * ((s2 - s1) / (e1 - e2) + (s3 - s4) / (e3 - e4))
    return float((-1 if printed else 1) / inverse)


def cop_of_near_levels(temperature_hot: float, temperature_cold: float, drive: float = 1.0) -> float:
    """Coefficient of performance in the limit ε₄ → ε₃, T_c/((1 + 2s) T_h - T_c) (eqs. 24 and C20 for s = 1).

    It tends to Carnot's value as the drive s vanishes.
    """
    return temperature_cold / ((1 + 2 * drive) * temperature_hot - temperature_cold)
