"""Finite reservoirs of fermions that exchange particles and heat through the levels of one small quantum system.

The coldest reservoir can cool for a while although nothing outside drives it: particles that fall to a lower chemical
potential pay for the heat that climbs. After Vovchenko, Zyablovsky, Pukhov & Andrianov (arXiv:2412.15355); equation numbers
are of their main text. k_B = ħ = 1; levels, temperatures and chemical potentials share one unit. Flows are positive *out of*
a reservoir, as there.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy.integrate import solve_ivp
from scipy.optimize import brentq
from scipy.special import expit

from analysis.mechanisms.fermi_gas import Array, Exact, Gas, Sommerfeld


@dataclass(frozen=True)
class Reservoir:
    """A finite reservoir at the start.

    Attributes:
        temperature: T.
        chemical_potential: μ.
        rate: g of the dissipation rate γ(ω) = g ω^(α-1).
        exponent: α, the dimension over the power of momentum in the energy; 3/2 for free particles in space.
        size: A V of the density of states A V ε^(α-1).
    """

    temperature: float
    chemical_potential: float
    rate: float = 1e-4
    exponent: float = 1.5
    size: float = 1.0


@dataclass(frozen=True)
class Flows:
    """Quasi-stationary flows out of each reservoir, each (..., n): energy J, particles P and heat Y = J - μP (eq. 10)."""

    energy: Array
    particles: Array
    heat: Array


@dataclass(frozen=True)
class FermiReservoirs:
    """n reservoirs around a system of free fermions that follows them at once.

    Attributes:
        levels: frequencies ω_κ of the system.
        reservoirs: in their initial state.
        gas: the reservoirs' equation of state, ``Sommerfeld()`` or ``Exact()``.
    """

    levels: tuple[float, ...]
    reservoirs: tuple[Reservoir, ...]
    gas: Gas = field(default_factory=Sommerfeld)

    def __post_init__(self) -> None:
        wrong = []
        if not self.levels or not all(0 < level < math.inf for level in self.levels):
            wrong.append(f"levels = {self.levels}: give at least one, all positive and finite")
        if len(self.reservoirs) < 2:
            wrong.append(f"reservoirs: {len(self.reservoirs)} given, heat needs two to flow between")
        for k, reservoir in enumerate(self.reservoirs, 1):
            for name in ("temperature", "rate", "exponent", "size"):
                value = getattr(reservoir, name)
                if not 0 < value < math.inf:
                    wrong.append(f"reservoir {k}: {name} = {value}: must be positive and finite")
            mu, t = reservoir.chemical_potential, reservoir.temperature
            if not math.isfinite(mu):
                wrong.append(f"reservoir {k}: chemical_potential = {mu}: must be finite")
            elif t > 0 and mu / t < self.gas.least_ratio:
                wrong.append(f"reservoir {k}: chemical_potential/temperature = {mu / t:.3g}: {self._too_hot()}")
        if wrong:
            raise ValueError("; ".join(wrong))

    def _too_hot(self) -> str:
        return f"gas={type(self.gas).__name__}() holds from {self.gas.least_ratio:g} on; take gas=Exact()"

    def _each(self, name: str) -> Array:
        return np.array([getattr(reservoir, name) for reservoir in self.reservoirs], dtype=float)

    @property
    def temperatures(self) -> Array:
        """At the start, (n,)."""
        return self._each("temperature")

    @property
    def chemical_potentials(self) -> Array:
        """At the start, (n,)."""
        return self._each("chemical_potential")

    def rates(self) -> Array:
        """γ_j(ω_κ), (n, k)."""
        return self._each("rate")[:, None] * np.array(self.levels) ** (self._each("exponent")[:, None] - 1)

    def flows(self, temperatures: Array, chemical_potentials: Array) -> Flows:
        """Stationary flows while reservoirs have these temperatures and chemical potentials, both (..., n) (eq. 10)."""
        levels, rates = np.array(self.levels), self.rates()
        occupation = expit((chemical_potentials[..., None] - levels) / temperatures[..., None])
        mean = (rates * occupation).sum(-2, keepdims=True) / rates.sum(0)
        out = rates * (occupation - mean)
        heat = (out * (levels - chemical_potentials[..., None])).sum(-1)
        return Flows(out @ levels, out.sum(-1), heat)

    def contents(self, temperatures: Array, chemical_potentials: Array) -> Array:
        """Particles, energy and entropy of each reservoir, (3, ..., n)."""
        return self._each("size") * self.gas.contents(temperatures, chemical_potentials, self._each("exponent"))

    def velocities(self, temperatures: Array, chemical_potentials: Array) -> tuple[Array, Array]:
        """dT/dt and dμ/dt, both (..., n): dN/dt = -P and dE/dt = -J, solved for them (eqs. 4, 5)."""
        out = self.flows(temperatures, chemical_potentials)
        (n_t, n_mu), (e_t, e_mu) = self._each("size") * self.gas.slopes(
            temperatures, chemical_potentials, self._each("exponent")
        )
        determinant = n_t * e_mu - n_mu * e_t
        return (
            (n_mu * out.energy - e_mu * out.particles) / determinant,
            (e_t * out.particles - n_t * out.energy) / determinant,
        )

    def evolve(self, duration: float, points: int = 400, tolerance: float = 1e-9) -> Evolution:
        """Temperatures and chemical potentials over time.

        Args:
            duration: in the inverse unit of the rates.
            points: of the output, evenly over the logarithm of time from duration/10⁸ on, after t = 0.
            tolerance: of the integration, relative.

        Raises:
            ValueError: if the duration is not positive, or the reservoirs become too hot for their equation of state.
        """
        if not 0 < duration < math.inf:
            raise ValueError(f"duration = {duration}: must be positive and finite")
        n = len(self.reservoirs)

        def slope(_: Any, state: Array) -> Array:
            columns = state.T
            return np.concatenate(self.velocities(columns[..., :n], columns[..., n:]), axis=-1).T

        # Levels close to each other even out one combination of T and μ long before the other: stiff.
        solution = solve_ivp(
            slope,
            (0.0, duration),
            np.concatenate([self.temperatures, self.chemical_potentials]),
            method="Radau",
            t_eval=np.concatenate([[0.0], np.geomspace(duration * 1e-8, duration, points)]),
            rtol=tolerance,
            atol=tolerance * 1e-3 * float(self.temperatures.min()),
            vectorized=True,
        )
        temperatures, potentials = solution.y[:n].T, solution.y[n:].T
        hot = np.flatnonzero((potentials / temperatures).min(-1) < self.gas.least_ratio)
        if hot.size:
            raise ValueError(f"at t = {solution.t[hot[0]]:.3g} chemical_potential/temperature falls: {self._too_hot()}")
        if not solution.success:
            raise ValueError(
                f"tolerance = {tolerance}: no solution beyond t = {solution.t[-1]:.3g}: {solution.message}"
            )
        return Evolution(self, solution.t, temperatures, potentials)

    def equilibrium(self) -> tuple[float, float]:
        """T and μ of all reservoirs in the end, from the conserved particles and energy (eq. 6).

        Raises:
            ValueError: if all levels are equal, which leaves more than one equilibrium, or it is too hot for the gas.
        """
        if len(set(self.levels)) < 2:
            raise ValueError(
                f"levels = {self.levels}: reservoirs reach one equilibrium only through two different levels"
            )
        particles, energy = self.contents(self.temperatures, self.chemical_potentials)[:2].sum(-1)
        size, exponent = self._each("size"), self._each("exponent")

        def at(ratio: float) -> tuple[float, float]:
            """T and energy of the equilibrium at this μ/T that has the right number of particles."""
            # At a given μ/T particles grow as T^α and energy as T^(α+1).
            share = size * self.gas.contents(1.0, ratio, exponent)[:2]
            bounds = np.log(particles / share[0] / np.array([[len(size)], [1.0]])) / exponent
            # Between where all hold less than their share and where one holds all; equal reservoirs sit on the first.
            low, high = bounds.min(-1)
            log_t = brentq(lambda y: share[0] @ np.exp(exponent * y) / particles - 1, low - 1e-9, high, xtol=1e-15)
            return math.exp(log_t), float(share[1] @ np.exp((exponent + 1) * log_t))

        def excess(ratio: float) -> float:
            return at(ratio)[1] / float(energy) - 1

        # The larger μ/T, the less energy.
        low, high = max(self.gas.least_ratio, -1.0), 10.0
        while excess(high) > 0:
            high *= 2
        while excess(low) < 0:
            if low == self.gas.least_ratio:
                raise ValueError(f"chemical_potential/temperature of the equilibrium: {self._too_hot()}")
            low *= 2
        ratio = brentq(excess, low, high, xtol=1e-14)
        temperature = at(ratio)[0]
        return temperature, ratio * temperature

    def two_dimensional_equilibrium(self) -> tuple[float, float]:
        """The same in closed form for α = 1: μ = ⟨μ⟩, T² = ⟨T²⟩ + 3(⟨μ²⟩ - ⟨μ⟩²)/π², means weighted by size (eq. 29).

        Raises:
            ValueError: if an exponent is not 1, or the equation of state is not Sommerfeld's.
        """
        if np.any(self._each("exponent") != 1) or not isinstance(self.gas, Sommerfeld):
            raise ValueError(f"exponent = {self._each('exponent')}: the closed form is for α = 1 and gas=Sommerfeld()")
        weights = self._each("size") / self._each("size").sum()
        mu = float(weights @ self.chemical_potentials)
        spread = float(weights @ (self.chemical_potentials - mu) ** 2)
        return math.sqrt(weights @ self.temperatures**2 + 3 * spread / math.pi**2), mu


@dataclass(frozen=True, eq=False)
class Evolution:
    """What ``FermiReservoirs.evolve`` found.

    Attributes:
        system: that evolved.
        time: (m,), from 0.
        temperatures: (m, n).
        chemical_potentials: (m, n).
    """

    system: FermiReservoirs
    time: Array
    temperatures: Array
    chemical_potentials: Array

    def flows(self) -> Flows:
        """Out of each reservoir at each time, (m, n)."""
        return self.system.flows(self.temperatures, self.chemical_potentials)

    def contents(self) -> Array:
        """Particles, energy and entropy of each reservoir, (3, m, n); the first two sums over reservoirs are conserved."""
        return self.system.contents(self.temperatures, self.chemical_potentials)

    def clausius(self) -> Array:
        """Σ_j Y_j/T_j, never positive: minus the rate of entropy production (eq. 3), (m,)."""
        return np.asarray((self.flows().heat / self.temperatures).sum(-1))

    def chemical_power(self) -> Array:
        """Σ_j μ_j P_j, what falling particles pay; all of it becomes heat, -Σ_j Y_j (m,)."""
        return np.asarray((self.chemical_potentials * self.flows().particles).sum(-1))

    def coldest(self) -> Array:
        """Temperature of whichever reservoir is coldest, (m,)."""
        return np.asarray(self.temperatures.min(-1))

    def cop(self) -> Array:
        """Heat out of the coldest reservoir over the chemical power, (m,); nan while it does not cool.

        Of two reservoirs at most T_c/(T_h - T_c), by Clausius' inequality; of more, a third may drive as well.
        """
        drawn = np.take_along_axis(self.flows().heat, self.temperatures.argmin(-1)[:, None], -1)[:, 0]
        paid = self.chemical_power()
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(np.where((drawn > 0) & (paid > 0), drawn / paid, np.nan))


def equal_occupation_frequency(temperatures: Array, chemical_potentials: Array) -> Array:
    """ω̃ = (T_h μ_c - T_c μ_h)/(T_h - T_c), at which two reservoirs are equally occupied; arguments (..., 2).

    Infinite at equal temperatures; beyond it lie the frequencies at which the hotter reservoir is the fuller.
    """
    (t1, t2), (mu1, mu2) = np.moveaxis(temperatures, -1, 0), np.moveaxis(chemical_potentials, -1, 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray((t2 * mu1 - t1 * mu2) / (t2 - t1))


def flow_signs(temperatures: tuple[float, float], chemical_potentials: tuple[float, float]) -> list[dict[str, float]]:
    """Directions of all flows between two reservoirs through one level, for each window of its frequency (Table 1).

    Args:
        temperatures: T₁, T₂, different.
        chemical_potentials: μ₁, μ₂, different.

    Returns:
        One row for each window between 0, μ₁, μ₂, ω̃ and infinity: ``low``, ``high`` and the signs (1, -1) of ``energy_1``,
        ``particles_1``, ``heat_1`` out of reservoir 1 and ``energy_2``, ``particles_2``, ``heat_2`` out of reservoir 2.
    """
    t, mu = np.array(temperatures, dtype=float), np.array(chemical_potentials, dtype=float)
    crossing = float(equal_occupation_frequency(t, mu))
    edges = sorted({0.0, *map(float, chemical_potentials), *([crossing] if 0 < crossing < math.inf else [])})
    rows: list[dict[str, float]] = []
    for low, high in zip(edges, [*edges[1:], math.inf], strict=True):
        inside = (low + high) / 2 if high < math.inf else low + float(t.max())
        through = FermiReservoirs(
            (inside,), tuple(Reservoir(*state, exponent=1.0) for state in zip(t, mu, strict=True)), gas=Exact()
        ).flows(t, mu)
        row: dict[str, float] = {"low": low, "high": high}
        for name in ("energy", "particles", "heat"):
            row |= {f"{name}_{j + 1}": float(np.sign(getattr(through, name)[j])) for j in (0, 1)}
        rows.append(row)
    return rows
