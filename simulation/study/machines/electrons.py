"""Machines of electrons and other fermions: the N-demon, and finite reservoirs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field
from scipy.constants import e, h, k

from analysis.currents import Currents
from analysis.mechanisms.fermi_gas import Exact, Sommerfeld
from analysis.mechanisms.fermi_reservoirs import FermiReservoirs, LevelsStart, Reservoir, from_sites
from analysis.mechanisms.ndemon import NDemon
from analysis.mechanisms.sweep import Course, Solution
from simulation.study.machines.sections import Count, MachineFields, Name, NotNegative, Number, Positive
from simulation.study.section import Section

Pair = tuple[Number, Number]
Units = Literal["reduced", "meV"]

_MEV = 1e-3 * e
BOLTZMANN_MEV = k / _MEV
"""meV/K."""


def thermal_energy(temperature: float, units: Units) -> float:
    """k_BT in the unit of the energies."""
    return temperature * (BOLTZMANN_MEV if units == "meV" else 1.0)


def in_units(currents: Currents, units: Units) -> Currents:
    """Currents in W and temperatures in K from energies in meV and rates in meV/h; reduced ones unchanged."""
    return currents if units == "reduced" else currents.scaled(_MEV / h, "W", energy=_MEV, boltzmann=k)


class NDemonFields(MachineFields):
    """Four levels between a hot reservoir, a cold one and a nonthermal one, the demon: mechanisms/ndemon.md."""

    machine: Literal["n-demon"]
    units: Units = "reduced"
    """`reduced`: one unit of energy, k_B = h = 1. `meV`: energies in meV, temperatures in K, heat in W."""
    levels_hot: Pair
    """ε₁ and ε₂, levels between the hot reservoir and the demon."""
    levels_cold: Pair
    """ε₃ and ε₄, levels between the cold reservoir and the demon."""
    temperature_hot: Positive
    """Temperature of the hot reservoir and of the environment."""
    temperature_cold: Positive
    """Temperature of the cold reservoir."""
    chemical_potential: Number
    """Chemical potential of both reservoirs."""
    width: Positive = 1e-3
    """Γ of the resonances, small compared with all other energies."""
    drive: Positive = 1.0
    """Deviation of the demon from the cold reservoir; 1 in the paper."""

    def build(self) -> NDemon:
        """The machine, energies in the unit of the study.

        Raises:
            ValueError: if the machine is not physical.
        """
        if self.units == "meV" and self.temperature_cold > self.temperature_hot:  # the machine would say it in meV
            raise ValueError(
                f"temperature_cold = {self.temperature_cold} K: must not exceed temperature_hot = "
                f"{self.temperature_hot} K"
            )
        return NDemon(
            self.levels_hot,
            self.levels_cold,
            thermal_energy(self.temperature_hot, self.units),
            thermal_energy(self.temperature_cold, self.units),
            self.chemical_potential,
            self.width,
            self.drive,
        )

    def solve(self) -> Solution:
        """Currents, and occupations of the demon."""
        machine = self.build()
        currents = in_units(machine.bath_currents(), self.units)
        occupations = {f"occupation_at_level_{i}": float(f) for i, f in enumerate(machine.occupations(), 1)}
        return Solution(currents, {"largest_drive": machine.largest_drive()} | occupations)


class ReservoirFields(Section):
    """Initial state of a finite reservoir."""

    temperature: Positive
    """Temperature T."""
    chemical_potential: Number
    """Chemical potential μ."""
    rate: Positive = 1e-4
    """g of the dissipation rate γ(ω) = g ω^(α-1)."""
    exponent: Annotated[float, Field(gt=0, le=10)] = 1.5
    """α, the dimension over the power of momentum in the energy; 3/2 for free particles in space."""
    size: Positive = 1.0
    """A V of the density of states A V ε^(α-1)."""
    rates: tuple[NotNegative, ...] | None = None
    """γ of each level, instead of `rate` and `exponent`; 0 for a level without exchange with it."""
    touches: Mapping[Name, Number] | None = None
    """With `sites`: the sites coupled to it, each with its amplitude."""


class EvolutionFields(Section):
    """Times of the evolution of the reservoirs, evenly spaced in their logarithm."""

    duration: Positive
    """The last time, in the inverse unit of energy; the first is 10⁻⁸ of it."""
    points: Count = 400
    """Number of times."""
    levels_start: Literal["at once", "stationary"] | tuple[Annotated[float, Field(ge=0, le=1)], ...] = "at once"
    """`at once`: quasi-stationary levels; otherwise their initial occupations: `stationary`, or a number for each."""


class SiteHopFields(Section):
    """Hopping between two sites."""

    between: tuple[Name, Name]
    """The two sites."""
    strength: Number
    """Its magnitude."""


class ReservoirsFields(MachineFields):
    """Finite reservoirs of fermions coupled by a few levels, k_B = ħ = 1: docs/explanation/mechanisms/fermi-reservoirs.md."""

    machine: Literal["reservoirs"]
    levels: Annotated[tuple[Positive, ...], Field(min_length=1)] | None = None
    """Frequencies of the levels of the system; alternatively give `sites`."""
    sites: Mapping[Name, Positive] | None = None
    """The system as sites, each with its energy; diagonalised together with `hops`."""
    hops: tuple[SiteHopFields, ...] = ()
    """Hopping between sites."""
    reservoirs: Mapping[Name, ReservoirFields]
    """Two or more reservoirs by name; all energies, temperatures and frequencies in the same unit."""
    gas: Literal["sommerfeld", "exact"] = "sommerfeld"
    """Their equation of state: the expansion for μ ≫ T, or full Fermi integrals."""
    evolution: EvolutionFields | None = None
    """Time evolution of the reservoirs, with the values of the file."""

    def build(self) -> FermiReservoirs:
        """The machine.

        Raises:
            ValueError: if levels and sites are both given or both missing, or names or numbers are inconsistent.
        """
        if wrong := self._wrong():
            raise ValueError("; ".join(wrong))
        each = self.reservoirs.values()
        reservoirs = tuple(Reservoir(**r.model_dump(exclude={"rates", "touches"})) for r in each)
        gas = Sommerfeld() if self.gas == "sommerfeld" else Exact()
        if self.sites is not None:
            names = list(self.sites)
            h = np.diag([float(energy) for energy in self.sites.values()])
            for hop in self.hops:
                a, b = (names.index(site) for site in hop.between)
                h[a, b] += hop.strength
                h[b, a] += hop.strength
            touched = [[(r.touches or {}).get(site, 0.0) for site in names] for r in each]
            return from_sites(h, touched, reservoirs, gas)
        matrix = tuple(r.rates for r in each if r.rates is not None)
        return FermiReservoirs(self.levels or (), reservoirs, gas, matrix or None)

    def _wrong(self) -> list[str]:
        """Inconsistent fields."""
        if (self.levels is None) == (self.sites is None):
            return ["levels and sites: give one of them"]
        sites, own = self.sites or {}, self.reservoirs.items()
        wrong = [
            f"reservoirs.{name}: chemical_potential/temperature = {r.chemical_potential / r.temperature:.3g}: "
            f"gas sommerfeld is valid from {Sommerfeld.least_ratio:g} on; give gas: exact"
            for name, r in own
            if self.gas == "sommerfeld" and r.chemical_potential < Sommerfeld.least_ratio * r.temperature
        ]
        wrong += [
            f"hops.{i}.between = {site}: is none of the sites {', '.join(sites)}"
            for i, hop in enumerate(self.hops)
            for site in hop.between
            if site not in sites
        ]
        wrong += [
            f"hops.{i}.between: names {hop.between[0]} twice"
            for i, hop in enumerate(self.hops)
            if len(set(hop.between)) < 2
        ]
        wrong += [
            f"reservoirs.{name}.touches = {site}: is none of the sites {', '.join(sites)}"
            for name, r in own
            for site in r.touches or {}
            if site not in sites
        ]
        if self.sites is None:
            given = [name for name, r in own if r.rates is not None]
            if given and len(given) < len(self.reservoirs):
                wrong.append(f"rates: given for {', '.join(given)}; give them for all reservoirs or for none")
            levels = self.levels or ()
            wrong += [
                f"reservoirs.{name}.rates = {list(r.rates)}: give {len(levels)} rates, one for each level"
                for name, r in own
                if r.rates is not None and len(r.rates) != len(levels)
            ]
        else:
            wrong += [
                f"reservoirs.{name}.rates: go with levels; with sites give touches"
                for name, r in own
                if r.rates is not None
            ]
            wrong += [f"reservoirs.{name}.touches is missing: name its sites" for name, r in own if not r.touches]
        start, count = self.evolution and self.evolution.levels_start, len(self.levels or sites)
        if isinstance(start, tuple) and len(start) != count:
            wrong.append(f"evolution.levels_start = {list(start)}: give {count} occupations, one for each level")
        return wrong

    def solve(self) -> Solution:
        """Initial currents, and the two time scales that must be well separated."""
        machine = self.build()
        currents = replace(machine.bath_currents(), baths=tuple(self.reservoirs))
        fast, slow = machine.time_scales()
        return Solution(currents, {"time_of_levels": fast, "time_of_reservoirs": slow})

    def course(self) -> Course | None:
        """Temperatures, chemical potentials and the heat gained by each reservoir; of two, what drives particles.

        That is the difference of (ω - μ)/T, which is 0 at the frequency of equal occupation ω̃. Unlike ω̃ it is always finite.
        """
        if self.evolution is None:
            return None
        start: Any = self.evolution.levels_start
        levels: LevelsStart = start
        machine = self.build()
        found = machine.evolve(self.evolution.duration, self.evolution.points, levels=levels)
        names = list(self.reservoirs)

        def each(values: Any) -> dict[str, Any]:
            return {name: np.asarray(values)[:, i] for i, name in enumerate(names)}

        series = {
            "temperature": each(found.temperatures),
            "chemical potential": each(found.chemical_potentials),
            "heat into the reservoir per time": each(-found.flows().heat),
        }
        if len(names) == 2:
            (t, u), (mu, nu) = found.temperatures.T, found.chemical_potentials.T
            series[f"(ω - μ)/T, {names[0]} minus {names[1]}"] = {
                f"level {i}": (level - mu) / t - (level - nu) / u for i, level in enumerate(machine.levels)
            }
        return Course(found.time, series, "inverse unit of energy", logarithmic=True)
