"""Any number of terminals with fermions or bosons, a work terminal, and the best demon among them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

from pydantic import Field

from analysis.mechanisms.demon import best_demon, largest_cooling
from analysis.mechanisms.entropy_current import Equilibrium
from analysis.mechanisms.entropy_current import Machine as Role
from analysis.mechanisms.sweep import Solution
from analysis.mechanisms.terminals import Channel, Landauer, Steps, Terminal, wrong_table
from simulation.study.machines.electrons import Units, in_units, thermal_energy
from simulation.study.machines.sections import MachineFields, Name, NotNegative, Number, Positive
from simulation.study.section import Section


class TerminalFields(Section):
    """One terminal: thermal, with occupations of its own, or neither of these, which leaves it to the section `demon`."""

    temperature: Positive | None = None
    """Its temperature; a terminal without one is not thermal."""
    chemical_potential: Number | None = None
    """Chemical potential of a thermal terminal; 0 if omitted."""
    occupations: Annotated[tuple[tuple[Number, NotNegative], ...], Field(min_length=1)] | None = None
    """Of a terminal that is not thermal: ascending energies, each with its occupation; elsewhere that of the nearest energy."""

    @property
    def is_open(self) -> bool:
        """Whether its occupations are left to the section `demon`."""
        return self.temperature is None and self.occupations is None


class ChannelFields(Section):
    """A connection of two terminals."""

    between: tuple[Name, Name]
    """The two terminals, a and b."""
    level: Number | None = None
    """Energy at a at which the channel is open; give this or `transmission`."""
    width: Positive = 1e-3
    """Γ: width of the box, or full width at half maximum of the Lorentzian."""
    peak: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Transmittance at the level."""
    shape: Literal["narrow", "box", "lorentzian"] = "narrow"
    """`narrow`: occupations are those at the level; `box` and `lorentzian` integrate over energy; `lorentzian` needs `band`."""
    transmission: tuple[tuple[Number, Annotated[float, Field(ge=0, le=1)]], ...] | None = None
    """Instead of a level: ascending energies at a, each with its transmittance; linear between them and 0 outside."""
    lift: Number = 0.0
    """Energy that the work terminal gives to each particle from a to b; negative if the machine does work."""

    def channel(self, names: Sequence[str]) -> Channel:
        """The channel between terminals in this order."""
        a, b = (names.index(name) for name in self.between)
        if self.transmission is not None:
            return Channel((a, b), 0.0, 1.0, shape="table", lift=self.lift, table=self.transmission)
        return Channel((a, b), self.level or 0.0, self.width, self.peak, self.shape, self.lift)


class DemonFields(Section):
    """The terminal whose occupations are optimised: no net particles or energy, highest COP at a given cooling power."""

    share_of_largest_cooling: Annotated[float, Field(gt=0, lt=1)]
    """Cooling power, as a fraction of the largest that the levels of the demon allow."""
    isolated: bool = False
    """Whether the net flow of particles to each terminal vanishes; otherwise only their sum vanishes."""


class TerminalsFields(MachineFields):
    """Any number of terminals connected by channels, with a work terminal: docs/explanation/mechanisms/ndemon.md."""

    machine: Literal["terminals"]
    units: Units = "reduced"
    """`reduced`: one unit of energy, k_B = h = 1. `meV`: energies in meV, temperatures in K, heat in W."""
    statistics: Literal["fermions", "bosons"] = "fermions"
    """Statistics of the particles; levels of bosons must lie above all chemical potentials."""
    terminals: Annotated[Mapping[Name, TerminalFields | None], Field(min_length=2)]
    """The terminals by name."""
    channels: Annotated[tuple[ChannelFields, ...], Field(min_length=1)]
    """The channels between the terminals."""
    cold: Name
    """The terminal that is to be cooled."""
    environment: Name
    """A thermal terminal that represents the environment."""
    band: tuple[Number, Number] | None = None
    """Interval of energy over which Lorentzian tails are integrated."""
    role: Role | None = None
    """Calculate the efficiency of the machine as a `motor`, `pump`, `heat engine` or `heat pump`."""
    demon: DemonFields | None = None
    """Find the best occupations of the terminal that has neither a temperature nor occupations."""

    def build(self) -> Landauer:
        """The machine, energies in the study's unit; ``solve`` finds its demon.

        Raises:
            ValueError: if names do not fit, a terminal is described twice, or the machine is not physical.
        """
        names = list(self.terminals)
        each = {name: fields or TerminalFields() for name, fields in self.terminals.items()}
        open_ones = [name for name, fields in each.items() if fields.is_open]
        asked = [("cold", self.cold), ("environment", self.environment)]
        asked += [(f"channels.{i}.between", name) for i, c in enumerate(self.channels) for name in c.between]
        wrong = [
            f"{place} = {name}: is none of the terminals {', '.join(names)}"
            for place, name in asked
            if name not in names
        ]
        for i, channel in enumerate(self.channels):
            if channel.transmission is None:
                if channel.level is None:
                    wrong.append(f"channels.{i}: has neither a level nor a transmission; give one of them")
            else:
                wrong += [
                    f"channels.{i}.{name} = {getattr(channel, name)}: does not go with transmission; remove one of them"
                    for name in ("level", "peak", "shape", "width")
                    if name in channel.model_fields_set
                ]
                wrong += [f"channels.{i}.transmission: {problem}" for problem in wrong_table(channel.transmission)]
            if len(set(channel.between)) < 2:
                wrong.append(f"channels.{i}.between: names {channel.between[0]} twice")
        if self.demon is not None:
            wrong += self._wrong_for_demon(open_ones)
        for name, fields in each.items():
            if fields.occupations is not None and (fields.temperature, fields.chemical_potential) != (None, None):
                wrong.append(f"terminals.{name}: give either occupations, or a temperature and a chemical potential")
            most = max((f for _, f in fields.occupations or ()), default=0.0)
            if self.statistics == "fermions" and most > 1:
                wrong.append(f"terminals.{name}.occupations: {most:g} is above 1, the most that fermions can have")
            if fields.is_open and fields.chemical_potential is not None:
                wrong.append(f"terminals.{name}.chemical_potential: needs a temperature; add it, or leave both out")
        if self.demon is None:
            wrong += [
                f"terminals.{name}: give a temperature or occupations, or the section demon" for name in open_ones
            ]
        elif len(open_ones) != 1:
            wrong.append(f"demon: {len(open_ones)} terminals have neither a temperature nor occupations; leave one so")
        if self.environment in each and each[self.environment].temperature is None:
            wrong.append(f"environment = {self.environment}: must have a temperature")
        if wrong:
            raise ValueError("; ".join(wrong))
        return Landauer(
            terminals=tuple(self._terminal(name, fields) for name, fields in each.items()),
            channels=tuple(c.channel(names) for c in self.channels),
            statistics=self.statistics,
            environment=names.index(self.environment),
            cold=names.index(self.cold),
            hot=names.index(self.environment),
            band=self.band,
        )

    def _wrong_for_demon(self, open_ones: Sequence[str]) -> list[str]:
        """What a demon at the open terminal cannot have."""
        wrong = []
        for i, channel in enumerate(self.channels):
            if not set(channel.between) & set(open_ones):
                continue
            if channel.transmission is not None:
                wrong.append(f"channels.{i}.transmission: channels of the demon are narrow; give a level instead")
            if channel.shape != "narrow":
                wrong.append(f"channels.{i}.shape = {channel.shape}: channels of the demon are narrow")
            if channel.lift:
                wrong.append(f"channels.{i}.lift = {channel.lift:g}: channels of the demon have none")
        named = {name for channel in self.channels for name in channel.between}
        wrong += [f"demon: no channel leads to the terminal {name}" for name in open_ones if name not in named]
        if self.cold in open_ones:
            wrong.append(f"cold = {self.cold}: is the terminal of the demon; give another one")
        return wrong

    def _with_demon(self, machine: Landauer) -> Landauer:
        """The machine with the best demon, if it is to be found."""
        if self.demon is None:
            return machine
        at = next(i for i, fields in enumerate(self.terminals.values()) if fields is None or fields.is_open)
        most = largest_cooling(machine, at, isolated=self.demon.isolated)
        if not 0 < most < math.inf:
            limit = (
                "its levels allow no cooling"
                if most <= 0
                else "its levels allow any cooling, of which no share is known"
            )
            raise ValueError(f"demon: {limit}")
        return best_demon(machine, at, self.demon.share_of_largest_cooling * most, isolated=self.demon.isolated)

    def _terminal(self, name: str, fields: TerminalFields) -> Terminal:
        if fields.temperature is not None:
            temperature = thermal_energy(fields.temperature, self.units)
            return Terminal(name, Equilibrium(temperature, fields.chemical_potential or 0.0, self.statistics))
        energies, occupations = zip(*(fields.occupations or ((0.0, 0.5),)), strict=True)
        try:
            return Terminal(name, Steps(energies, occupations))
        except ValueError as reason:
            raise ValueError(f"terminals.{name}.occupations: {reason}") from None

    def solve(self) -> Solution:
        """Currents, the terms of the balance in the study's unit, and the efficiency where the machine has its role."""
        machine = self._with_demon(self.build())
        balance = machine.balance()
        found = {
            "work_done": balance.work,
            "chemical_gain": balance.chemical,
            "thermal_gain": balance.thermal,
            "free_energy_gain": balance.free_energy,
            "dissipation": balance.dissipation(),
        }
        if self.role is not None:
            try:
                found["efficiency"] = balance.efficiency(self.role)
            except ValueError:  # it is another machine here
                found["efficiency"] = math.nan
        for terminal in machine.terminals:
            if isinstance(terminal.occupation, Steps):
                names = (f"{terminal.name}_at_{energy:g}" for energy in terminal.occupation.energies)
                found |= dict(zip(names, terminal.occupation.occupations, strict=True))
        return Solution(in_units(machine.bath_currents(), self.units), found)
