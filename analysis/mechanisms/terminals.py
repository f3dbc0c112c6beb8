"""Ballistic machines with any number of terminals: Landauer currents of fermions or bosons, and their balance.

Terminals exchange particles through channels. A channel passes a particle elastically, or a work terminal (a motor, a drive)
adds an energy, the lift, to each particle that passes. A terminal is in equilibrium or has any occupation f(ε). After Deghi &
Bustos-Marín (arXiv:2006.16397); equation numbers are theirs. Units are those of ``entropy_current``. Flows are positive *into*
a terminal.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from analysis.currents import Currents
from analysis.mechanisms.entropy_current import Array, Balance, Equilibrium, Statistics, entropy_per_particle

Occupation = Callable[[Array], Array]
Shape = Literal["narrow", "box", "lorentzian", "table"]

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(24)
# Ends of the panels of an integral, in k_BT from a chemical potential or in widths from a level.
_EDGES = np.array([-40.0, -20.0, -10.0, -5.0, -2.0, 0.0, 2.0, 5.0, 10.0, 20.0, 40.0])
_SUM_RULE = 1e-9  # tolerance on the difference of row and column sums of a transmission matrix


@dataclass(frozen=True)
class Steps:
    """Occupation of a nonthermal terminal, given at a few energies; elsewhere it is that of the nearest one.

    Attributes:
        energies: (k,), ascending.
        occupations: f there, (k,).
    """

    energies: tuple[float, ...]
    occupations: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.energies) != len(self.occupations) or not self.energies:
            raise ValueError(
                f"occupations: {len(self.occupations)} for {len(self.energies)} energies; give one for each"
            )
        if not np.isfinite(self.energies).all() or (np.diff(self.energies) <= 0).any():
            raise ValueError(f"energies = {self.energies}: must be finite and ascending")

    def __call__(self, energy: ArrayLike) -> Array:
        """Occupation f, in the shape of ``energy``."""
        distance = np.abs(np.asarray(energy, dtype=float)[..., None] - np.array(self.energies))
        return np.asarray(np.array(self.occupations)[distance.argmin(-1)])


@dataclass(frozen=True)
class Terminal:
    """A reservoir of particles.

    Attributes:
        name: for tables and messages.
        occupation: function f(ε) of an array of energies; the terminal is thermal if it is an ``Equilibrium``.
    """

    name: str
    occupation: Equilibrium | Occupation

    @property
    def temperature(self) -> float:
        """k_BT; nan if the terminal is not thermal."""
        return self.occupation.temperature if isinstance(self.occupation, Equilibrium) else math.nan


@dataclass(frozen=True)
class Channel:
    """A connection of two terminals, open in both directions.

    Attributes:
        between: indices of the terminals a and b.
        level: energy at a, at which the channel is open.
        width: width of the box, or full width at half maximum of the Lorentzian.
        peak: transmittance at the level, above 0 and at most 1.
        shape: ``narrow`` takes the occupations at the level for the whole width; ``box``, ``lorentzian`` and ``table``
            integrate.
        lift: energy that the work terminal adds to a particle from a to b, and removes from a particle from b to a.
        table: for the shape ``table``: ascending energies at a, each with its transmittance. It is linear between them and 0
            outside; level, width and peak are ignored.
    """

    between: tuple[int, int]
    level: float
    width: float
    peak: float = 1.0
    shape: Shape = "narrow"
    lift: float = 0.0
    table: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True)
class Matrix:
    """Elastic transmission between all terminals, which need not be the same in both directions.

    Attributes:
        transmission: T_βα(ε) from α to β, a function of energies (k,) that returns (k, n, n); the diagonal is ignored.
        windows: intervals of energy outside which it vanishes, and within which it is smooth.
    """

    transmission: Callable[[Array], Array]
    windows: tuple[tuple[float, float], ...]


@dataclass(frozen=True, kw_only=True)
class Landauer:
    """Terminals and their connections.

    Attributes:
        terminals: n of them, two or more.
        channels: between pairs of terminals.
        matrix: additional elastic transmission, or None.
        statistics: of the particles.
        environment: reference of ``balance``: the index of a thermal terminal, or the values k_BT₀ and μ₀.
        cold: index of the terminal that is to be cooled.
        hot: index of the terminal that is the environment in ``bath_currents``.
        band: interval of energy over which Lorentzian tails are integrated.

    Raises:
        ValueError: if a value is not physical or an index does not exist; names all of them.
    """

    terminals: tuple[Terminal, ...]
    channels: tuple[Channel, ...] = ()
    matrix: Matrix | None = None
    statistics: Statistics = "fermions"
    environment: int | tuple[float, float] = 0
    cold: int = 0
    hot: int = 1
    band: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        n = len(self.terminals)
        wrong = [] if n > 1 else [f"terminals: {n} given, particles need two to flow between"]
        for i, channel in enumerate(self.channels):
            a, b = channel.between
            if not (0 <= a < n and 0 <= b < n and a != b):
                wrong.append(f"channel {i}: between = {channel.between}: give two of {n} terminals, which count from 0")
            if not (0 < channel.width < math.inf):
                wrong.append(f"channel {i}: width = {channel.width}: must be positive and finite")
            if not 0 < channel.peak <= 1:
                wrong.append(f"channel {i}: peak = {channel.peak}: must be above 0 and at most 1")
            if not (math.isfinite(channel.level) and math.isfinite(channel.lift)):
                wrong.append(f"channel {i}: level = {channel.level}, lift = {channel.lift}: must be finite")
            if channel.shape == "table":
                wrong += [f"channel {i}: {problem}" for problem in wrong_table(channel.table)]
            if channel.shape == "lorentzian" and self.band is None:
                wrong.append(f"channel {i}: a lorentzian has tails; give the band up to which they are integrated")
        windows = [("band", self.band)] if self.band is not None else []
        windows += [("matrix: window", window) for window in (() if self.matrix is None else self.matrix.windows)]
        for name, (low, high) in windows:
            # Integrals from high to low would let heat flow from cold to hot.
            if not -math.inf < low < high < math.inf:
                wrong.append(f"{name} = {(low, high)}: give two finite energies in ascending order")
        if not self.channels and self.matrix is None:
            wrong.append("channels: none given, and no matrix; nothing can flow")
        for name in ("cold", "hot"):
            if not 0 <= getattr(self, name) < n:
                wrong.append(f"{name} = {getattr(self, name)}: there are {n} terminals, counted from 0")
        if isinstance(self.environment, int) and not (
            0 <= self.environment < n and isinstance(self.terminals[self.environment].occupation, Equilibrium)
        ):
            wrong.append(f"environment = {self.environment}: must be a thermal terminal, or k_BT and μ")
        if 0 <= self.hot < n and not isinstance(self.terminals[self.hot].occupation, Equilibrium):
            wrong.append(f"hot = {self.hot}: must be a thermal terminal, the environment of what is cooled")
        thermal = [t.occupation for t in self.terminals if isinstance(t.occupation, Equilibrium)]
        if any(each.statistics != self.statistics for each in thermal):
            wrong.append(f"statistics = {self.statistics}: some terminal has another")
        if wrong:
            raise ValueError("; ".join(wrong))
        if self.statistics == "bosons" and (wrong := self._condensing()):
            raise ValueError("; ".join(wrong))

    def _condensing(self) -> list[str]:
        """Thermal terminals with a chemical potential that is not below all energies at which bosons pass."""
        lowest = [math.inf] * len(self.terminals)
        if self.matrix is not None:
            lowest = [min(low for low, _ in self.matrix.windows)] * len(self.terminals)
        for channel in self.channels:
            for terminal, lift in zip(channel.between, (0.0, channel.lift), strict=True):
                lowest[terminal] = min(lowest[terminal], self._lowest(channel) + lift)
        return [
            f"terminal {terminal.name!r}: chemical_potential = {terminal.occupation.chemical_potential:g}: must lie below all "
            f"energies at which bosons pass, the lowest of which is {low:g}"
            for terminal, low in zip(self.terminals, lowest, strict=True)
            if isinstance(terminal.occupation, Equilibrium) and low <= terminal.occupation.chemical_potential
        ]

    def _lowest(self, channel: Channel) -> float:
        """The lowest energy at the first terminal at which a channel is open."""
        if channel.shape == "table":
            return channel.table[0][0]
        if channel.shape == "lorentzian":
            assert self.band is not None
            return self.band[0]
        return channel.level - (channel.width / 2 if channel.shape == "box" else 0.0)

    def reference(self) -> tuple[float, float]:
        """k_BT₀ and μ₀ of the environment."""
        if not isinstance(self.environment, int):
            return self.environment
        occupation = self.terminals[self.environment].occupation
        assert isinstance(occupation, Equilibrium)
        return occupation.temperature, occupation.chemical_potential

    def chemical_potentials(self) -> Array:
        """μ of each terminal, (n,); μ₀ of the environment for a terminal that is not thermal."""
        occupations = [terminal.occupation for terminal in self.terminals]
        return np.array(
            [f.chemical_potential if isinstance(f, Equilibrium) else self.reference()[1] for f in occupations]
        )

    def flows(self) -> tuple[Array, Array, Array]:
        """Particles, energy and entropy into each terminal per time, each (n,).

        Raises:
            ValueError: if an occupation is not physical, or rows and columns of the matrix have different sums.
        """
        particles, energy, entropy = (np.zeros(len(self.terminals)) for _ in range(3))

        def book(terminal: int, flow: Array, at: Array) -> None:
            particles[terminal] += flow.sum()
            energy[terminal] += flow @ at
            entropy[terminal] += self._entropy(terminal, flow, at)

        for channel in self.channels:
            (a, b), (at, weights) = channel.between, self._nodes(channel)
            flow = weights * (self._occupation(a, at) - self._occupation(b, at + channel.lift))
            book(a, -flow, at)
            book(b, flow, at + channel.lift)
        if self.matrix is not None:
            at, weights = self._panels(self.matrix.windows, np.zeros(0))
            passed = np.asarray(self.matrix.transmission(at), dtype=float) * (1 - np.eye(len(self.terminals)))
            if np.abs(passed.sum(1) - passed.sum(2)).max() > _SUM_RULE:
                raise ValueError(
                    "matrix: what enters a terminal at an energy and what leaves it differ; S is not unitary"
                )
            f = np.stack([self._occupation(i, at) for i in range(len(self.terminals))], axis=-1)
            into = np.einsum("k,kba,kab->kb", weights, passed, f[:, :, None] - f[:, None, :])
            for terminal in range(len(self.terminals)):
                book(terminal, into[:, terminal], at)
        return particles, energy, entropy

    def _occupation(self, terminal: int, energy: Array) -> Array:
        return np.asarray(self.terminals[terminal].occupation(energy), dtype=float)

    def _entropy(self, terminal: int, flow: Array, energy: Array) -> float:
        occupation = self.terminals[terminal].occupation
        if isinstance(occupation, Equilibrium):
            # f may round to 1, so the entropy of a thermal terminal is not computed from it.
            return float(flow @ (energy - occupation.chemical_potential) / occupation.temperature)
        brought = entropy_per_particle(occupation(energy), self.statistics)
        return float(np.where(flow == 0, 0.0, flow * np.where(flow == 0, 0.0, brought)).sum())

    def _nodes(self, channel: Channel) -> tuple[Array, Array]:
        """Energies at the first terminal, and transmittance times the interval of each, (k,) each."""
        if channel.shape == "narrow":
            return np.array([channel.level]), np.array([channel.peak * channel.width])
        half = channel.width / 2
        if channel.shape == "box":
            at, weights = self._panels(((channel.level - half, channel.level + half),), np.zeros(0), channel.lift)
            return at, channel.peak * weights
        if channel.shape == "table":
            energies = np.array([energy for energy, _ in channel.table])
            at, weights = self._panels(((energies[0], energies[-1]),), energies, channel.lift)
            return at, weights * self._transmittance(channel, at)
        assert self.band is not None
        # Tails fall over as many decades as the band has half widths: each panel reaches three times as far as the one before.
        reach = max(abs(end - channel.level) for end in self.band) / half
        far = 3.0 ** np.arange(math.ceil(math.log(max(reach, 1.0), 3.0)) + 1)
        near = channel.level + half * np.concatenate([-far[::-1], [0.0], far])
        at, weights = self._panels((self.band,), near, channel.lift)
        return at, channel.peak * weights / (1 + ((at - channel.level) / half) ** 2)

    def _panels(self, windows: Sequence[tuple[float, float]], breaks: Array, lift: float = 0.0) -> tuple[Array, Array]:
        """Gaussian nodes and weights over windows, in panels as fine as the occupations need."""
        edges = [breaks]
        for terminal in self.terminals:
            if isinstance(terminal.occupation, Equilibrium):
                edges.append(terminal.occupation.chemical_potential + _EDGES * terminal.occupation.temperature)
            elif isinstance(terminal.occupation, Steps):
                steps = np.array(terminal.occupation.energies)
                edges.append((steps[1:] + steps[:-1]) / 2)
        known = np.concatenate([*edges, *(edge - lift for edge in edges)])
        nodes, weights = [], []
        for low, high in windows:
            inner = np.unique(known[(known > low) & (known < high)])
            ends = np.concatenate([[low], inner, [high]])
            middle, half = (ends[1:] + ends[:-1]) / 2, (ends[1:] - ends[:-1]) / 2
            nodes.append((middle[:, None] + half[:, None] * _NODES).ravel())
            weights.append((half[:, None] * _WEIGHTS).ravel())
        return np.concatenate(nodes), np.concatenate(weights)

    def heat_covariance(self) -> Array:
        """Long-time covariance of the heats per time, (n, n); channels are independent of each other.

        At each energy the count of a channel of transmittance T between occupations f and g has the variance
        T[f(1∓g) + g(1∓f)] ∓ T²(f - g)², with the upper sign for fermions (L. S. Levitov & G. B. Lesovik, JETP Lett. 58, 230
        (1993)).

        Raises:
            ValueError: if there is a matrix, since its fluctuations are not known.
        """
        if self.matrix is not None:
            raise ValueError("matrix: its fluctuations are not known; describe it by channels")
        sign = -1.0 if self.statistics == "fermions" else 1.0
        mu, n = self.chemical_potentials(), len(self.terminals)
        total = np.zeros((n, n))
        for channel in self.channels:
            (a, b), (at, weights) = channel.between, self._nodes(channel)
            f, g = self._occupation(a, at), self._occupation(b, at + channel.lift)
            through = self._transmittance(channel, at)
            variance = weights * (f * (1 + sign * g) + g * (1 + sign * f) + sign * through * (f - g) ** 2)
            carried = np.zeros((n, at.size))
            carried[a], carried[b] = -(at - mu[a]), at + channel.lift - mu[b]
            total += np.einsum("ik,k,jk->ij", carried, variance, carried)
        return total

    def _transmittance(self, channel: Channel, energy: Array) -> Array:
        if channel.shape == "table":
            energies, transmittances = np.array(channel.table).T
            return np.asarray(np.interp(energy, energies, transmittances))
        if channel.shape != "lorentzian":
            return np.full(energy.shape, channel.peak)
        return np.asarray(channel.peak / (1 + (2 * (energy - channel.level) / channel.width) ** 2))

    def bath_currents(self, *, fluctuations: bool = True) -> Currents:
        """Flows into each terminal as ``Currents``, in units of ε₀²/h; ``work`` is the power of the work terminal.

        Args:
            fluctuations: whether to include the covariance of the heats, where it is known.

        Raises:
            ValueError: if an occupation is not physical, or rows and columns of the matrix have different sums.
        """
        particles, energy, entropy = self.flows()
        return Currents(
            baths=tuple(terminal.name for terminal in self.terminals),
            particles=particles,
            energy=energy,
            entropy=entropy,
            temperatures=np.array([terminal.temperature for terminal in self.terminals]),
            chemical_potentials=self.chemical_potentials(),
            cold=self.cold,
            hot=self.hot,
            unit="ε₀²/h",
            covariance=self.heat_covariance() if fluctuations and self.matrix is None else None,
        )

    def balance(self) -> Balance:
        """Powers in the terms of eq. 13: work done on the work terminal, chemical work, heat moved, and free energy.

        Raises:
            ValueError: if an occupation is not physical, or rows and columns of the matrix have different sums.
        """
        currents = self.bath_currents(fluctuations=False)
        t0, mu0 = self.reference()
        thermal = np.isfinite(currents.temperatures)
        temperature = np.where(thermal, currents.temperatures, t0)
        uphill = currents.heat * (temperature - t0) / temperature
        gained = currents.energy - mu0 * currents.particles - t0 * currents.entropy
        return Balance(
            # From the lifts themselves: the sum of the energy flows has rounding errors of the elastic channels.
            work=-self._lifted(),
            chemical=float((currents.particles * (currents.chemical_potentials - mu0))[thermal].sum()),
            thermal=float(uphill[thermal].sum()),
            free_energy=float(gained[~thermal].sum()),
        )

    def _lifted(self) -> float:
        """Work that the work terminal does per time."""
        total = 0.0
        for channel in self.channels:
            if channel.lift:
                (a, b), (at, weights) = channel.between, self._nodes(channel)
                difference = self._occupation(a, at) - self._occupation(b, at + channel.lift)
                total += channel.lift * float(weights @ difference)
        return total


def wrong_table(table: Sequence[tuple[float, float]]) -> list[str]:
    """Errors of a tabulated transmission."""
    values = np.array(table, dtype=float).reshape(-1, 2)
    wrong = []
    if len(values) < 2 or not np.isfinite(values).all() or (np.diff(values[:, 0]) <= 0).any():
        wrong.append(f"table energies = {values[:, 0].tolist()}: give two or more, finite and ascending")
    if not ((values[:, 1] >= 0) & (values[:, 1] <= 1)).all() or not values[:, 1].any():
        wrong.append(f"table transmittances = {values[:, 1].tolist()}: give values from 0 to 1, not all of them 0")
    return wrong


def with_occupation(machine: Landauer, terminal: int, occupation: Occupation) -> Landauer:
    """The same machine with another occupation of one terminal."""
    terminals = list(machine.terminals)
    terminals[terminal] = replace(terminals[terminal], occupation=occupation)
    return replace(machine, terminals=tuple(terminals))
