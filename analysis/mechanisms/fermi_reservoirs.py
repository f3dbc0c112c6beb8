"""Finite reservoirs of fermions that exchange particles and heat through the levels of one small quantum system.

The coldest reservoir can cool temporarily without an external drive: the flow of particles to a lower chemical potential
compensates the entropy decrease of the heat flow. After Vovchenko, Zyablovsky, Pukhov & Andrianov (arXiv:2412.15355);
equation numbers refer to their main text. k_B = ħ = 1; levels, temperatures and chemical potentials have the same unit. Flows
are positive *out of* a reservoir, as in the paper.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.integrate import solve_ivp
from scipy.optimize import brentq
from scipy.special import entr, expit

from analysis.currents import Currents, thermal_entropy
from analysis.mechanisms.fermi_gas import Array, Gas, Sommerfeld


@dataclass(frozen=True)
class Reservoir:
    """A finite reservoir in its initial state.

    Attributes:
        temperature: T.
        chemical_potential: μ.
        rate: g of the dissipation rate γ(ω) = g ω^(α-1).
        exponent: α = D/d for D dimensions and an energy proportional to the d-th power of momentum; 3/2 for free particles in
            3D.
        size: A V of the density of states A V ε^(α-1).
    """

    temperature: float
    chemical_potential: float
    rate: float = 1e-4
    exponent: float = 1.5
    size: float = 1.0


@dataclass(frozen=True)
class Flows:
    """Flows out of each reservoir per time, each (..., n): energy J, particles P and heat Y = J - μP (eq. 10)."""

    energy: Array
    particles: Array
    heat: Array


LevelsStart = Literal["at once", "stationary"] | Sequence[float]
"""``at once``: levels are quasi-stationary. Otherwise they are dynamic, and start from stationary or given occupations."""

_APART = 10.0  # smallest distance of levels, in their widths, at which they are independent modes
_SLOW_LEVELS = 0.01  # τ_S/τ_eq above which the second decimal of temperatures depends on how the levels start


@dataclass(frozen=True)
class FermiReservoirs:
    """n reservoirs coupled to a system of free fermions with k levels.

    Attributes:
        levels: frequencies ω_κ of the system.
        reservoirs: in their initial state.
        gas: the reservoirs' equation of state, ``Sommerfeld()`` or ``Exact()``.
        rate_matrix: γ_jκ, (n, k), which replaces the rates from the reservoirs' g and α; 0 where a reservoir is not coupled
            to a level.
    """

    levels: tuple[float, ...]
    reservoirs: tuple[Reservoir, ...]
    gas: Gas = field(default_factory=Sommerfeld)
    rate_matrix: tuple[tuple[float, ...], ...] | None = None

    def __post_init__(self) -> None:
        wrong = []
        if not self.levels or not all(0 < level < math.inf for level in self.levels):
            wrong.append(f"levels = {self.levels}: give at least one, all positive and finite")
        if len(self.reservoirs) < 2:
            wrong.append(f"reservoirs: {len(self.reservoirs)} given, at least two are needed")
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
        wrong += self._wrong_rates()
        if wrong:
            raise ValueError("; ".join(wrong))

    def _wrong_rates(self) -> list[str]:
        """Errors of the matrix of rates."""
        if self.rate_matrix is None:
            return []
        shape = (len(self.reservoirs), len(self.levels))
        if any(len(row) != shape[1] for row in self.rate_matrix) or len(self.rate_matrix) != shape[0]:
            return [
                f"rate_matrix: must have {shape[0]} rows, one for each reservoir, of {shape[1]} rates, one for each level"
            ]
        rates = np.array(self.rate_matrix, dtype=float)
        if not (np.isfinite(rates) & (rates >= 0)).all():
            return [f"rate_matrix = {rates.tolist()}: must be finite and not negative"]
        return [
            f"level {k + 1}, at {self.levels[k]:g}, is coupled to no reservoir; couple it to one"
            for k in np.flatnonzero(rates.sum(0) == 0)
        ]

    def _too_hot(self) -> str:
        return f"gas={type(self.gas).__name__}() is valid from {self.gas.least_ratio:g} on; use gas=Exact()"

    def _each(self, name: str) -> Array:
        return np.array([getattr(reservoir, name) for reservoir in self.reservoirs], dtype=float)

    @property
    def temperatures(self) -> Array:
        """Initial temperatures, (n,)."""
        return self._each("temperature")

    @property
    def chemical_potentials(self) -> Array:
        """Initial chemical potentials, (n,)."""
        return self._each("chemical_potential")

    def rates(self) -> Array:
        """Dissipation rates γ_j(ω_κ), (n, k)."""
        if self.rate_matrix is not None:
            return np.array(self.rate_matrix, dtype=float)
        return self._each("rate")[:, None] * np.array(self.levels) ** (self._each("exponent")[:, None] - 1)

    def flows(self, temperatures: Array, chemical_potentials: Array, level_occupations: Array | None = None) -> Flows:
        """Flows out of the reservoirs at given temperatures and chemical potentials (eq. 10).

        Args:
            temperatures: T, (..., n).
            chemical_potentials: μ, (..., n).
            level_occupations: of the levels, (..., k); the stationary ones if None.
        """
        levels, rates = np.array(self.levels), self.rates()
        x = (levels - chemical_potentials[..., None]) / temperatures[..., None]
        if level_occupations is None:
            # Differences of occupations pair by pair: they neither underflow nor round to 0 if all are empty or full.
            here, there = x[..., :, None, :], x[..., None, :, :]
            low, high = np.minimum(here, there), np.maximum(here, there)
            fuller = np.sign(there - here) * expit(-low) * expit(high) * -np.expm1(low - high)
            out = rates * (fuller * rates).sum(-2) / rates.sum(0)
        else:
            out = rates * (expit(-x) - level_occupations[..., None, :])
        heat = (out * (levels - chemical_potentials[..., None])).sum(-1)
        return Flows(out @ levels, out.sum(-1), heat)

    def bath_currents(self, *, fluctuations: bool = True) -> Currents:
        """Initial flows into each reservoir, with stationary levels: ``Currents`` in units of T̂².

        Args:
            fluctuations: whether to include the covariance of the heats, at fixed T and μ of the reservoirs.
        """
        t, mu = self.temperatures, self.chemical_potentials
        out = self.flows(t, mu)
        return Currents(
            baths=tuple(f"reservoir {j + 1}" for j in range(len(t))),
            particles=-out.particles,
            energy=-out.energy,
            entropy=thermal_entropy(-out.heat, t),
            temperatures=t,
            chemical_potentials=mu,
            cold=int(t.argmin()),
            hot=int(t.argmax()) if t.min() < t.max() else len(t) - 1,
            unit="T̂²",
            covariance=self.heat_covariance(t, mu) if fluctuations else None,
        )

    def heat_covariance(self, temperatures: Array, chemical_potentials: Array) -> Array:
        """Long-time covariance of the heats into the reservoirs per time, (n, n), at fixed T and μ, both (n,).

        A level is empty or full. Reservoir j fills it at the rate γ_j n_j and empties it at the rate γ_j (1 - n_j). The state
        after a jump decays within the time 1/Σγ, which correlates the counts of different reservoirs. Levels are independent.
        """
        levels, rates = np.array(self.levels), self.rates()
        x = (levels - chemical_potentials[:, None]) / temperatures[:, None]
        n, hole, total = expit(-x), expit(x), rates.sum(0)
        full = (rates * n).sum(0) / total
        empty = (rates * hole).sum(0) / total
        jumps = rates * (n * empty + hole * full)
        # The change of the level by a jump of j, and the part of it that reservoir l then takes up.
        left = rates * (n * empty**2 + hole * full**2)
        shared = left[:, None] * rates[None] / total
        counts = np.eye(len(n))[..., None] * jumps[:, None] - shared - np.swapaxes(shared, 0, 1)
        heat = levels - chemical_potentials[:, None]
        return np.asarray((counts * heat[:, None] * heat[None]).sum(-1))

    def stationary_occupations(self, temperatures: Array, chemical_potentials: Array) -> Array:
        """Stationary occupations n̄ of the levels, (..., k): means of the reservoirs' occupations weighted by rate (eq. 10)."""
        rates = self.rates()
        x = (np.array(self.levels) - chemical_potentials[..., None]) / temperatures[..., None]
        return np.asarray((rates * expit(-x)).sum(-2) / rates.sum(0))

    def time_scales(self) -> tuple[float, float]:
        """τ_S = 1/Σ_j γ_j of the slowest level, and the fastest time scale τ_eq of the reservoirs, in the initial state.

        Levels are quasi-stationary if τ_S ≪ τ_eq. τ_eq follows from the linearised equations of motion of T and μ, and is
        proportional to the sizes of the reservoirs; it is infinite if nothing flows.
        """
        n = len(self.reservoirs)
        start = np.concatenate([self.temperatures, self.chemical_potentials])
        steps = np.eye(2 * n) * 1e-5 * np.tile(self.temperatures, 2)
        ahead, behind = (
            np.concatenate(self.velocities(states[:, :n], states[:, n:]), axis=-1)
            for states in (start + steps, start - steps)
        )
        slopes = (ahead - behind).T / (2 * np.diagonal(steps))
        fastest = float(np.abs(np.linalg.eigvals(slopes)).max())
        return float((1 / self.rates().sum(0)).max()), 1 / fastest if fastest else math.inf

    def contents(self, temperatures: Array, chemical_potentials: Array) -> Array:
        """Particles, energy and entropy of each reservoir, (3, ..., n)."""
        return self._each("size") * self.gas.contents(temperatures, chemical_potentials, self._each("exponent"))

    def velocities(
        self, temperatures: Array, chemical_potentials: Array, level_occupations: Array | None = None
    ) -> tuple[Array, Array]:
        """dT/dt and dμ/dt, (..., n) each, from dN/dt = -P and dE/dt = -J (eqs. 4, 5); for the arguments see ``flows``."""
        out = self.flows(temperatures, chemical_potentials, level_occupations)
        (n_t, n_mu), (e_t, e_mu) = self._each("size") * self.gas.slopes(
            temperatures, chemical_potentials, self._each("exponent")
        )
        determinant = n_t * e_mu - n_mu * e_t
        return (
            (n_mu * out.energy - e_mu * out.particles) / determinant,
            (e_t * out.particles - n_t * out.energy) / determinant,
        )

    def _first_occupations(self, levels: LevelsStart) -> Array | None:
        """Initial occupations of the levels, (k,); None if they follow at once."""
        if isinstance(levels, str):
            if levels not in ("at once", "stationary"):
                raise ValueError(f"levels = {levels!r}: give 'at once', 'stationary' or their occupations")
            first = self.stationary_occupations(self.temperatures, self.chemical_potentials)
            return None if levels == "at once" else first
        given = np.array(levels, dtype=float)
        if given.shape != (len(self.levels),) or not ((given >= 0) & (given <= 1)).all():
            raise ValueError(f"levels = {given.tolist()}: give {len(self.levels)} occupations between 0 and 1")
        return given

    def evolve(
        self, duration: float, points: int = 400, tolerance: float = 1e-9, *, levels: LevelsStart = "at once"
    ) -> Evolution:
        """Temperatures and chemical potentials over time.

        Args:
            duration: in the inverse unit of the rates.
            points: number of output times after t = 0, equally spaced in the logarithm of time from duration/10⁸.
            tolerance: relative tolerance of the integration.
            levels: ``at once`` keeps the levels stationary between the reservoirs, as in the paper, and warns if they are too
                slow for that. ``stationary``, or occupations (k,), is where they start with dynamics of their own, dn_κ/dt =
                Σ_j γ_j (n_j - n_κ); the conserved particles and energy then include those on the levels.

        Raises:
            ValueError: if the duration is not positive, occupations are not between 0 and 1, or the reservoirs become too hot
                for their equation of state.
        """
        if not 0 < duration < math.inf:
            raise ValueError(f"duration = {duration}: must be positive and finite")
        n, first = len(self.reservoirs), self._first_occupations(levels)
        if first is None:
            fast, slow = self.time_scales()
            if fast > _SLOW_LEVELS * slow:
                warnings.warn(
                    f"levels of τ_S = {fast:.3g} follow reservoirs of τ_eq = {slow:.3g}, τ_S/τ_eq = {fast / slow:.2g}, not at "
                    "once: start them 'stationary' or with given occupations, or make the reservoirs larger",
                    stacklevel=2,
                )

        def slope(_: Any, state: Array) -> Array:
            columns = state.T
            occupied = None if first is None else columns[..., 2 * n :]
            t, mu = columns[..., :n], columns[..., n : 2 * n]
            change = list(self.velocities(t, mu, occupied))
            if occupied is not None:
                stationary = self.stationary_occupations(t, mu)
                change.append(self.rates().sum(0) * (stationary - occupied))
            return np.concatenate(change, axis=-1).T

        finest = tolerance * 1e-3
        levels_start = np.empty(0) if first is None else first
        # The equations are stiff: through nearby levels one combination of T and μ equilibrates long before the other.
        solution = solve_ivp(
            slope,
            (0.0, duration),
            np.concatenate([self.temperatures, self.chemical_potentials, levels_start]),
            method="Radau",
            t_eval=np.concatenate([[0.0], np.geomspace(duration * 1e-8, duration, points)]),
            rtol=tolerance,
            atol=np.concatenate(
                [np.full(2 * n, finest * float(self.temperatures.min())), np.full(levels_start.size, finest)]
            ),
            vectorized=True,
        )
        temperatures, potentials = solution.y[:n].T, solution.y[n : 2 * n].T
        hot = np.flatnonzero((potentials / temperatures).min(-1) < self.gas.least_ratio)
        if hot.size:
            raise ValueError(f"at t = {solution.t[hot[0]]:.3g} chemical_potential/temperature falls: {self._too_hot()}")
        if not solution.success:
            raise ValueError(
                f"tolerance = {tolerance}: no solution beyond t = {solution.t[-1]:.3g}: {solution.message}"
            )
        own = None if first is None else solution.y[2 * n :].T
        return Evolution(self, solution.t, temperatures, potentials, own)

    def equilibrium(self, levels: LevelsStart = "at once") -> tuple[float, float]:
        """Final T and μ of all reservoirs, from the conserved particles and energy (eq. 6).

        Args:
            levels: see ``evolve``; levels that follow at once hold no particles.

        Raises:
            ValueError: if there is more than one equilibrium, because reservoirs share fewer than two different levels; if
                occupations are not between 0 and 1; or if the equilibrium is too hot for the equation of state.
        """
        if self._conditions() < 2 * len(self.reservoirs) - 2:
            raise ValueError(
                f"levels = {self.levels}: reservoirs reach one equilibrium only through two different levels, and here some "
                "do not share them"
            )
        particles, energy = self.contents(self.temperatures, self.chemical_potentials)[:2].sum(-1)
        size, exponent = self._each("size"), self._each("exponent")
        frequencies, first = np.array(self.levels), self._first_occupations(levels)
        if first is not None:
            particles, energy = particles + first.sum(), energy + first @ frequencies

        def on_levels(ratio: float, log_t: float) -> Array:
            return expit(ratio - frequencies * math.exp(-log_t)) if first is not None else np.zeros(len(frequencies))

        def at(ratio: float) -> tuple[float, float]:
            """T and energy of the equilibrium at this μ/T that has the right number of particles."""
            # At a given μ/T particles grow as T^α and energy as T^(α+1).
            share = size * self.gas.contents(1.0, ratio, exponent)[:2]

            def surplus(log_t: float) -> float:
                held = share[0] @ np.exp(exponent * log_t) + on_levels(ratio, log_t).sum()
                return float(held) / float(particles) - 1

            # Lower bound: equal shares of the particles; upper bound: one reservoir holds all. Equal reservoirs lie on
            # the first.
            bounds = np.log(particles / share[0] / np.array([[len(size)], [1.0]])) / exponent
            low, high = bounds.min(-1)
            low -= 1e-9
            while surplus(low) > 0:
                low -= 0.5
            log_t = brentq(surplus, low, high, xtol=1e-15)
            held = float(share[1] @ np.exp((exponent + 1) * log_t) + on_levels(ratio, log_t) @ frequencies)
            return math.exp(log_t), held

        def excess(ratio: float) -> float:
            return at(ratio)[1] / float(energy) - 1

        # Energy falls with μ/T.
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

    def _conditions(self) -> int:
        """Number of independent conditions ω (1/T_j - 1/T_l) = μ_j/T_j - μ_l/T_l that equal occupations impose.

        The n reservoirs have 2n values 1/T and μ/T; with 2n - 2 conditions there is one common state.
        """
        n, rates = len(self.reservoirs), self.rates()
        rows = []
        for level, column in zip(self.levels, rates.T, strict=True):
            first, *others = np.flatnonzero(column)
            for other in others:
                row = np.zeros((2, n))
                row[:, first], row[:, other] = (level, -1.0), (-level, 1.0)
                rows.append(row.ravel())
        return int(np.linalg.matrix_rank(np.array(rows))) if rows else 0

    def two_dimensional_equilibrium(self) -> tuple[float, float]:
        """``equilibrium`` in closed form for α = 1 (eq. 29).

        μ = ⟨μ⟩ and T² = ⟨T²⟩ + 3(⟨μ²⟩ - ⟨μ⟩²)/π², with means weighted by size.

        Raises:
            ValueError: if an exponent is not 1, or the equation of state is not Sommerfeld's.
        """
        if np.any(self._each("exponent") != 1) or not isinstance(self.gas, Sommerfeld):
            raise ValueError(f"exponent = {self._each('exponent')}: the closed form is for α = 1 and gas=Sommerfeld()")
        weights = self._each("size") / self._each("size").sum()
        mu = float(weights @ self.chemical_potentials)
        spread = float(weights @ (self.chemical_potentials - mu) ** 2)
        return math.sqrt(weights @ self.temperatures**2 + 3 * spread / math.pi**2), mu


def from_sites(
    hamiltonian: ArrayLike, sites: ArrayLike, reservoirs: Sequence[Reservoir], gas: Gas | None = None
) -> FermiReservoirs:
    """Reservoirs coupled to a system of sites, H = Σ h_ab c_a† c_b, which is diagonalised (eq. 8).

    Reservoir j couples to the combination Σ_a s_ja c_a of sites. Level κ, with eigenvector U_κ, exchanges particles with it
    at the rate g_j ω_κ^(α_j - 1) |Σ_a s_ja U_aκ|². This holds if the levels are farther apart than they are wide (eq. 9, in
    Davies' form).

    Args:
        hamiltonian: h, (m, m), Hermitian, with positive eigenvalues.
        sites: s, (n, m).
        reservoirs: n of them.
        gas: their equation of state.

    Raises:
        ValueError: if h is not Hermitian, s does not have the shape (n, m), or the system is not physical.
    """
    h, s = np.array(hamiltonian, dtype=complex), np.array(sites, dtype=complex)
    if h.ndim != 2 or not (np.isfinite(h).all() and np.array_equal(h, h.conj().T)):
        raise ValueError("hamiltonian: must be finite and Hermitian")
    if s.shape != (len(reservoirs), len(h)) or not np.isfinite(s).all():
        raise ValueError(f"sites of shape {s.shape}: must be finite, (reservoirs, sites) = {(len(reservoirs), len(h))}")
    levels, modes = np.linalg.eigh(h)
    if levels[0] <= 0:
        raise ValueError(
            f"levels of the coupled sites = {levels.tolist()}: must be positive; raise the energies of the sites, or weaken "
            "the hopping"
        )
    alone = [r.rate * levels ** (r.exponent - 1) for r in reservoirs]
    rates = np.array(alone) * np.abs(s @ modes) ** 2
    # A rate this small is the rounding error of a vanishing overlap.
    rates[rates < 1e-24 * rates.max()] = 0.0
    gap, width = float(np.diff(levels).min(initial=math.inf)), float(rates.sum(0).max())
    if gap < _APART * width:
        warnings.warn(
            f"levels {gap:.3g} apart are as wide as {width:.3g}: they are no independent modes; weaken the rates or split them",
            stacklevel=2,
        )
    return FermiReservoirs(
        tuple(levels.tolist()), tuple(reservoirs), gas or Sommerfeld(), tuple(map(tuple, rates.tolist()))
    )


@dataclass(frozen=True, eq=False)
class Evolution:
    """Result of ``FermiReservoirs.evolve``.

    Attributes:
        system: the system that evolved.
        time: (m,), starting at 0.
        temperatures: (m, n).
        chemical_potentials: (m, n).
        level_occupations: (m, k), if levels have dynamics of their own; None if they follow at once.
    """

    system: FermiReservoirs
    time: Array
    temperatures: Array
    chemical_potentials: Array
    level_occupations: Array | None = None

    def flows(self) -> Flows:
        """Flows out of each reservoir at each time, (m, n)."""
        return self.system.flows(self.temperatures, self.chemical_potentials, self.level_occupations)

    def contents(self) -> Array:
        """Particles, energy and entropy of each reservoir, (3, m, n).

        The first two sums over reservoirs are conserved, together with ``level_contents``.
        """
        return self.system.contents(self.temperatures, self.chemical_potentials)

    def level_contents(self) -> Array:
        """Particles, energy and entropy of all levels, (3, m); 0 if they follow at once."""
        if self.level_occupations is None:
            return np.zeros((3, len(self.time)))
        n = np.clip(self.level_occupations, 0.0, 1.0)
        entropy = entr(n) + entr(1 - n)
        return np.stack([n.sum(-1), n @ np.array(self.system.levels), entropy.sum(-1)])

    def clausius(self) -> Array:
        """Σ_j Y_j/T_j, (m,): minus the rate at which the reservoirs' entropy grows.

        It is never positive if levels follow at once (eq. 3).
        """
        return np.asarray((self.flows().heat / self.temperatures).sum(-1))

    def chemical_power(self) -> Array:
        """Chemical power Σ_j μ_j P_j, (m,), released by particles that flow to lower chemical potential.

        If levels follow at once, all of it becomes heat, -Σ_j Y_j.
        """
        return np.asarray((self.chemical_potentials * self.flows().particles).sum(-1))

    def coldest(self) -> Array:
        """Temperature of whichever reservoir is coldest, (m,)."""
        return np.asarray(self.temperatures.min(-1))

    def cop(self) -> Array:
        """Heat out of the coldest reservoir over the chemical power, (m,); nan while it does not cool.

        For two reservoirs it is at most T_c/(T_h - T_c), by Clausius' inequality. With more reservoirs, or levels that fill or
        empty, there are further driving forces and this bound does not hold.
        """
        drawn = np.take_along_axis(self.flows().heat, self.temperatures.argmin(-1)[:, None], -1)[:, 0]
        paid = self.chemical_power()
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(np.where((drawn > 0) & (paid > 0), drawn / paid, np.nan))


def equal_occupation_frequency(temperatures: Array, chemical_potentials: Array) -> Array:
    """Frequency ω̃ = (T_h μ_c - T_c μ_h)/(T_h - T_c) at which two reservoirs have equal occupations; arguments (..., 2).

    It is infinite at equal temperatures. Above it, the hotter reservoir has the larger occupation.
    """
    (t1, t2), (mu1, mu2) = np.moveaxis(temperatures, -1, 0), np.moveaxis(chemical_potentials, -1, 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray((t2 * mu1 - t1 * mu2) / (t2 - t1))


def flow_signs(temperatures: tuple[float, float], chemical_potentials: tuple[float, float]) -> list[dict[str, float]]:
    """Directions of all flows between two reservoirs through one level, for each window of its frequency (Table 1).

    Signs are computed from logarithms of occupations, which neither underflow nor round to 1.

    Args:
        temperatures: T₁, T₂, positive.
        chemical_potentials: μ₁, μ₂.

    Returns:
        One row for each window between 0, the positive ones of μ₁, μ₂, ω̃, and infinity: ``low``, ``high`` and the signs (1,
        -1) of ``energy_1``, ``particles_1``, ``heat_1`` out of reservoir 1 and ``energy_2``, ``particles_2``, ``heat_2`` out of
        reservoir 2.

    Raises:
        ValueError: if a value is not finite, a temperature is not positive, or both reservoirs are in the same state.
    """
    t, mu = np.array(temperatures, dtype=float), np.array(chemical_potentials, dtype=float)
    wrong = [f"temperature {value}: must be positive and finite" for value in temperatures if not 0 < value < math.inf]
    wrong += [
        f"chemical potential {value}: must be finite" for value in chemical_potentials if not math.isfinite(value)
    ]
    if not wrong and t[0] == t[1] and mu[0] == mu[1]:
        wrong.append(f"temperatures = {temperatures}, chemical_potentials = {chemical_potentials}: nothing flows")
    if wrong:
        raise ValueError("; ".join(wrong))
    crossing = float(equal_occupation_frequency(t, mu))
    edges = sorted({0.0, *(float(edge) for edge in (*mu, crossing) if 0 < edge < math.inf)})
    rows: list[dict[str, float]] = []
    for low, high in zip(edges, [*edges[1:], math.inf], strict=True):
        inside = low + (high - low) / 2 if high < math.inf else low + float(t.max())
        filling = (mu - inside) / t
        particles = np.sign(filling - filling[::-1])
        row: dict[str, float] = {"low": low, "high": high}
        for name, signs in (
            ("energy", particles),
            ("particles", particles),
            ("heat", particles * np.sign(inside - mu)),
        ):
            row |= {f"{name}_{j + 1}": float(signs[j]) for j in (0, 1)}
        rows.append(row)
    return rows
