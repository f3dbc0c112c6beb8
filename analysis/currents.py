"""Steady currents of any machine into its baths, with one sign convention: the interface for comparing machines.

For every machine ``bath_currents()`` returns a ``Currents``. All flows are positive *into* a bath. Energies are in the unit
of the machine, entropies in k_B.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False, kw_only=True)
class Currents:
    """Mean currents into each of n baths, and their fluctuations where known.

    Attributes:
        baths: names, n of them.
        energy: into each bath, (n,).
        entropy: into each bath, (n,), in k_B; heat over temperature if the bath is thermal.
        temperatures: of the baths, (n,), K or k_BT according to ``boltzmann``; nan for a bath that is not thermal.
        cold: index of the bath that the machine is to cool.
        hot: index of the bath that represents the environment; the cost of the other baths is evaluated at its temperature.
        particles: into each bath, (n,); 0 if not given.
        chemical_potentials: of the baths, (n,); 0 if not given.
        boltzmann: k_B in the machine's units.
        unit: of the energies per time.
        covariance: of the heats over a long time, per time, (n, n), squared energies; None if not known.
        error: covariance of the measured mean heats, (n, n), squared unit; None if they are exact.
    """

    baths: tuple[str, ...]
    energy: Array
    entropy: Array
    temperatures: Array
    cold: int
    hot: int
    particles: Array = field(default_factory=lambda: np.zeros(0))
    chemical_potentials: Array = field(default_factory=lambda: np.zeros(0))
    boltzmann: float = 1.0
    unit: str = ""
    covariance: Array | None = None
    error: Array | None = None

    def __post_init__(self) -> None:
        """Check the shapes.

        Raises:
            ValueError: if a shape does not fit the baths, or an index is out of range; lists all problems.
        """
        n = len(self.baths)
        wrong = []
        for name in ("energy", "entropy", "temperatures", "particles", "chemical_potentials"):
            values: Array = np.array(getattr(self, name), dtype=float)
            if name in ("particles", "chemical_potentials") and not values.size:
                values = np.zeros(n)
            if values.shape != (n,):
                wrong.append(f"{name} of shape {values.shape}: there are {n} baths")
            vars(self)[name] = values
        for name in ("covariance", "error"):
            matrix = getattr(self, name)
            if matrix is not None and np.shape(matrix) != (n, n):
                wrong.append(f"{name} of shape {np.shape(matrix)}: must be {(n, n)}")
        for name in ("cold", "hot"):
            if not 0 <= getattr(self, name) < n:
                wrong.append(f"{name} = {getattr(self, name)}: there are {n} baths, counted from 0")
        if wrong:
            raise ValueError("; ".join(wrong))

    @property
    def heat(self) -> Array:
        """Energy minus μ times particles, into each bath, (n,)."""
        return np.asarray(self.energy - self.chemical_potentials * self.particles)

    @property
    def work(self) -> float:
        """Input from agents without entropy (a controller or drives): by the first law all energy that the baths gain."""
        return float(self.energy.sum())

    @property
    def chemical_work(self) -> float:
        """Input from particles that move to lower chemical potentials, -Σ μ Ṅ."""
        return float(-(self.chemical_potentials * self.particles).sum())

    @property
    def cooling(self) -> float:
        """Heat drawn from the bath that is to be cooled."""
        return float(-self.heat[self.cold])

    @property
    def paid(self) -> float:
        """Total cost of the cooling, as work: ``work``, ``chemical_work``, and T_h Ṡ - Q̇ of every bath except the cold one.

        The last is 0 for the hot bath, the available work of the heat for a third thermal bath, whether it drives the
        cooling or not, and T_h Ṡ for a demon that receives only entropy. ``paid`` minus ``cooling`` over ``bound`` is T_h
        times the entropy production.
        """
        environment = self.boltzmann * self.temperatures[self.hot]
        others = np.arange(len(self.baths)) != self.cold
        # That of the hot bath is exactly 0, without rounding errors.
        others[self.hot] &= not self._hot_is_thermal()
        worth = np.array([_product(environment, s) for s in self.entropy]) - self.heat
        return float(self.work + self.chemical_work + worth[others].sum())

    def _hot_is_thermal(self) -> bool:
        """Whether the hot bath's entropy is heat over temperature, to rounding."""
        expected = _product(self.boltzmann * self.temperatures[self.hot], float(self.entropy[self.hot]))
        return math.isclose(expected, self.heat[self.hot], rel_tol=1e-12)

    @property
    def cop(self) -> float:
        """Coefficient of performance, ``cooling`` over ``paid``; nan if the machine does not cool or has no cost."""
        cooling, paid = self.cooling, self.paid
        return cooling / paid if cooling > 0 and paid > 0 else math.nan

    @property
    def bound(self) -> float:
        """Carnot's bound on ``cop``, T_c/(T_h - T_c); inf if the cold bath is not colder.

        T_c is heat over entropy. This is also valid if a machine takes quanta of other frequencies than that of the bath;
        it is the temperature of the bath if nothing flows.
        """
        cold, hot = self.temperatures[self.cold], self.temperatures[self.hot]
        entropy = self.boltzmann * self.entropy[self.cold]
        if entropy != 0 and math.isfinite(entropy):
            cold = self.heat[self.cold] / entropy
        # Heat over entropy of a bath as warm as the hot one differs from its temperature by rounding.
        return math.inf if cold >= hot or math.isclose(cold, hot, rel_tol=1e-12) else float(cold / (hot - cold))

    @property
    def cop_over_bound(self) -> float:
        """``cop`` over ``bound``; nan if there is no bound, or if it is 0 since the cold bath is at absolute zero."""
        return self.cop / self.bound if self.bound > 0 and math.isfinite(self.bound) else math.nan

    @property
    def entropy_production(self) -> float:
        """Entropy gained by all baths per time, in k_B; the machine is steady and gains none."""
        return float(self.entropy.sum())

    @property
    def uncertainty_products(self) -> Array:
        """Variance of each heat over its squared mean, times the entropy produced meanwhile in k_B, (n,); nan if unknown.

        It is at least 2 where thermodynamic uncertainty relations apply; inf if nothing flows on average.
        """
        if self.covariance is None:
            return np.full(len(self.baths), math.nan)
        variance = np.diagonal(self.covariance)
        with np.errstate(divide="ignore", invalid="ignore"):
            # A mean of the size of rounding errors is zero: beside the other heats, or beside what passes to and fro in
            # equilibrium, of the size of variance/k_BT.
            exchanged = np.nan_to_num(variance / (self.boltzmann * self.temperatures), nan=0.0, posinf=0.0)
            least = 1e-12 * np.maximum(np.abs(self.heat).max(), exchanged)
            mean = np.where(np.abs(self.heat) > least, self.heat, 0.0)
            return np.asarray(variance * max(self.entropy_production, 0.0) / mean**2)

    @property
    def cooling_error(self) -> float:
        """Standard error of ``cooling``; 0 if exact."""
        return 0.0 if self.error is None else math.sqrt(self.error[self.cold, self.cold])

    @property
    def cop_error(self) -> float:
        """Standard error of ``cop`` to first order, with the correlation of the heats; 0 if exact, nan if there is no COP.

        For machines driven by work only.
        """
        if self.error is None:
            return 0.0
        cooling, paid = self.cooling, self.paid
        slope = np.full(len(self.baths), -cooling / paid**2)
        slope[self.cold] -= 1 / paid
        return math.sqrt(slope @ self.error @ slope) if self.cop > 0 else math.nan

    def scaled(self, factor: float, unit: str, *, energy: float = 1.0, boltzmann: float | None = None) -> Currents:
        """The same flows in other units.

        Args:
            factor: the new unit of time over the present one.
            unit: of the new energies per time.
            energy: the present unit of energy in the new one.
            boltzmann: k_B in the new units; that of the present temperatures if None.
        """

        def times(values: Array | None, by: float) -> Array | None:
            return None if values is None else np.asarray(values * by)

        new_boltzmann = self.boltzmann * energy if boltzmann is None else boltzmann
        return replace(
            self,
            particles=self.particles * factor,
            energy=self.energy * factor * energy,
            entropy=self.entropy * factor,
            temperatures=self.temperatures * (self.boltzmann * energy / new_boltzmann),
            chemical_potentials=self.chemical_potentials * energy,
            covariance=times(self.covariance, factor * energy**2),
            error=times(self.error, (factor * energy) ** 2),
            boltzmann=new_boltzmann,
            unit=unit,
        )


class Machine(Protocol):
    """Any object that returns its currents."""

    def bath_currents(self, *, fluctuations: bool = True) -> Currents:
        """Steady currents into the baths; without fluctuations if these are expensive and not needed."""


def _product(temperature: float, entropy: float) -> float:
    """T S, in which zero temperature times infinite entropy counts as zero."""
    return temperature * entropy if temperature else 0.0


def thermal_entropy(heat: ArrayLike, temperatures: ArrayLike, boltzmann: float = 1.0) -> Array:
    """Heat over k_B T, entropies in k_B, any shape; ±inf for heat into a bath of zero temperature, 0 without heat."""
    q, t = np.broadcast_arrays(np.asarray(heat, dtype=float), np.asarray(temperatures, dtype=float))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(q == 0, 0.0, q / (boltzmann * t)))
