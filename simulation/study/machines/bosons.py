"""Machines of bosonic modes: two cascaded oscillators, any network, and the optomechanical circuit."""

from __future__ import annotations

import cmath
import math
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from itertools import combinations
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from analysis.mechanisms.bosons import LinearBosons, one_way_hopping, thermal_occupation
from analysis.mechanisms.cascaded import CascadedOscillators
from analysis.mechanisms.laboratory import DrivenCircuit, amplitude_of_power
from analysis.mechanisms.optomechanics import Optomechanics
from analysis.mechanisms.pairs import PairedBosons
from analysis.mechanisms.sweep import Course, Solution
from simulation.study.machines.sections import MachineFields, Name, NotNegative, Number, Positive, Times
from simulation.study.section import Section

_MEGAHERTZ = 2e6 * math.pi  # 1/s
_LINKED = 1e-12  # relative to the largest rate between two baths; smaller ones count as zero


class CascadedFields(MachineFields):
    """Two oscillators, each with a bath, and a common bath: mechanisms/cascaded.md. All rates in the same unit."""

    machine: Literal["cascaded"]
    loss_1: NotNegative
    """κ₁, loss rate of oscillator 1 to its own bath."""
    loss_2: NotNegative
    """κ₂, loss rate of oscillator 2 to its own bath."""
    channel_1: NotNegative
    """γ₁, loss rate of oscillator 1 to the common bath."""
    channel_2: NotNegative
    """γ₂, loss rate of oscillator 2 to the common bath."""
    occupation_1: NotNegative
    """N̄ of the bath of oscillator 1."""
    occupation_2: NotNegative
    """N̄ of the bath of oscillator 2."""
    occupation_3: NotNegative
    """N̄ of the common bath."""
    detuning: Number = 0.0
    """Δ = ω₂ - ω₁."""
    phase: Number = 0.0
    """φ, rad."""
    hopping_real: Number = 0.0
    """Real part of F, the hopping amplitude from 2 to 1."""
    hopping_imaginary: Number = 0.0
    """Imaginary part of F."""

    def build(self) -> CascadedOscillators:
        """The machine."""
        values = self.model_dump(exclude={"machine", "sweep", "lines", "hopping_real", "hopping_imaginary"})
        return CascadedOscillators(**values, hopping=complex(self.hopping_real, self.hopping_imaginary))

    def quantities(self, machine: CascadedOscillators) -> dict[str, float]:
        """Occupations, and flows in both directions between the own baths of the oscillators."""
        return of_network(machine, ("1", "2"), ("1", "2", "3"))


class ModeFields(Section):
    """One bosonic mode."""

    frequency: Number = 0.0
    """Frequency in the frame of the network; without `pairs` only differences matter."""


class HopFields(Section):
    """Coherent hopping between two modes."""

    between: tuple[Name, Name]
    """The two modes."""
    strength: Number
    """Its magnitude, in the unit of the rates."""
    phase: Number = 0.0
    """Phase of the hopping from the second to the first, rad."""


class PairFields(Section):
    """Quanta created and destroyed in pairs by a drive, beyond the rotating-wave approximation."""

    between: tuple[Name, Name]
    """The two modes; the same mode twice for pairs within one mode (squeezing)."""
    strength: Number
    """Magnitude of K, in the unit of the rates: K c₁†c₂† + h.c. for two modes, (K c†² + h.c.)/2 for one."""
    phase: Number = 0.0
    """Phase of K, rad."""


class BathFields(Section):
    """One bath, and the modes damped by it."""

    occupation: NotNegative | None = None
    """N̄ of the bath; alternatively give the temperature."""
    temperature_mK: NotNegative | None = None
    """Its temperature; needs `frequency_GHz` of the network."""
    rates: Mapping[Name, NotNegative]
    """Loss rate of each mode to it. Several modes couple through one common combination."""
    phases: Mapping[Name, Number] = {}
    """Phase of each mode in that combination, rad; 0 if omitted."""


class OneWayFields(Section):
    """A channel with transfer of quanta from each mode only to later ones."""

    bath: Name
    """The bath with the incoming field that passes the modes."""
    order: Annotated[tuple[Name, ...], Field(min_length=2)]
    """The modes in the order of the field."""


class NetworkEvolutionFields(Times):
    """Times of the evolution of the modes from the vacuum."""


class NetworkFields(MachineFields):
    """Any network of bosonic modes and baths: mechanisms/cascaded.md. Rates and angular frequencies in the same unit."""

    machine: Literal["network"]
    frequency_GHz: Positive | None = None
    """Approximate frequency of all modes, over 2π; converts temperatures of baths to N̄."""
    modes: Annotated[Mapping[Name, ModeFields | None], Field(min_length=1)]
    """The modes by name."""
    hops: tuple[HopFields, ...] = ()
    """Their couplings."""
    pairs: tuple[PairFields, ...] = ()
    """Pair terms, in the frame in which they do not depend on time; several between the same two modes are added."""
    baths: Annotated[Mapping[Name, BathFields], Field(min_length=2)]
    """The baths by name."""
    one_way: OneWayFields | None = None
    """One-way transfer along a common bath; the required hopping between its modes is added."""
    evolution: NetworkEvolutionFields | None = None
    """Time evolution of the modes, with the values of the file."""

    def build(self) -> LinearBosons | PairedBosons:
        """The machine; with pair terms, the network with them.

        Raises:
            ValueError: if a hop, a pair or a bath names a mode that does not exist, or a mode of motion has no bath.
        """
        names = list(self.modes)
        index = {name: i for i, name in enumerate(names)}
        named = [(f"hops.{i}.between", mode) for i, hop in enumerate(self.hops) for mode in hop.between]
        named += [(f"pairs.{i}.between", mode) for i, pair in enumerate(self.pairs) for mode in pair.between]
        named += [(f"baths.{b}.rates", mode) for b, bath in self.baths.items() for mode in bath.rates]
        wrong = [
            f"{place} = {mode}: is none of the modes {', '.join(names)}" for place, mode in named if mode not in index
        ]
        for b, bath in self.baths.items():
            wrong += [f"baths.{b}.phases = {mode}: has no rate there" for mode in bath.phases if mode not in bath.rates]
        wrong += [
            f"hops.{i}.between: names {hop.between[0]} twice"
            for i, hop in enumerate(self.hops)
            if len(set(hop.between)) < 2
        ]
        if self.one_way is not None:
            if self.one_way.bath not in self.baths:
                wrong.append(f"one_way.bath = {self.one_way.bath}: is none of the baths {', '.join(self.baths)}")
            elif sorted(self.one_way.order) != sorted(self.baths[self.one_way.bath].rates):
                wrong.append(f"one_way.order = {', '.join(self.one_way.order)}: name each mode of that bath once")
        if wrong:
            raise ValueError("; ".join(wrong))
        hamiltonian = np.diag([complex(mode.frequency) if mode else 0j for mode in self.modes.values()])
        for hop in self.hops:
            first, second = (index[mode] for mode in hop.between)
            hamiltonian[first, second] += cmath.rect(hop.strength, hop.phase)
            hamiltonian[second, first] += cmath.rect(hop.strength, -hop.phase)
        couplings = np.zeros((len(names), len(self.baths)), dtype=complex)
        for column, bath in enumerate(self.baths.values()):
            for mode, rate in bath.rates.items():
                couplings[index[mode], column] = cmath.rect(math.sqrt(rate), bath.phases.get(mode, 0.0))
        if self.one_way is not None:
            channel = couplings[:, list(self.baths).index(self.one_way.bath)]
            alone = [np.where(np.arange(len(names)) == index[mode], channel, 0) for mode in self.one_way.order]
            hamiltonian = hamiltonian + one_way_hopping(alone)
        frequency = None if self.frequency_GHz is None else 1e9 * self.frequency_GHz
        occupations = []
        for b, bath in self.baths.items():
            state = {f"baths.{b}.occupation": bath.occupation, f"baths.{b}.temperature_mK": bath.temperature_mK}
            occupations.append(occupation_of(state, "frequency_GHz", frequency, wrong))
        if wrong:
            raise ValueError("; ".join(wrong))
        network = LinearBosons(hamiltonian=hamiltonian, couplings=couplings, bath_occupations=occupations)
        if not self.pairs:
            return network
        pairing = np.zeros((len(names), len(names)), dtype=complex)
        for pair in self.pairs:
            first, second = (index[mode] for mode in pair.between)
            amplitude = cmath.rect(pair.strength, pair.phase)
            pairing[first, second] += amplitude
            if first != second:
                pairing[second, first] += amplitude
        return PairedBosons(network, pairing)

    def solve(self) -> Solution:
        """Currents and occupations; without pair terms also the flows between baths, with them the growth."""
        machine = self.build()
        currents = replace(machine.bath_currents(), baths=tuple(self.baths))
        if isinstance(machine, LinearBosons):
            return Solution(currents, of_network(machine, tuple(self.modes), tuple(self.baths)))
        found = {f"occupation_of_{mode}": float(n) for mode, n in zip(self.modes, machine.occupations(), strict=True)}
        return Solution(currents, found | {"decay_of_slowest": -machine.growth()})

    def course(self) -> Course | None:
        """Occupations and flows of quanta, from the vacuum on."""
        if self.evolution is None:
            return None
        built = self.build()
        time, machine = self.evolution.times(), PairedBosons(built) if isinstance(built, LinearBosons) else built
        covariance = machine.covariance_over_time(time)
        occupations, flows = machine.occupations(covariance), machine.heat_flows(covariance)
        series = {
            "occupation of mode": {name: occupations[:, i] for i, name in enumerate(self.modes)},
            "quanta into bath per time": {name: flows[:, i] for i, name in enumerate(self.baths)},
        }
        return Course(time, series, "inverse rate", logarithmic=self.evolution.spacing == "logarithmic")


def of_network(machine: LinearBosons, modes: tuple[str, ...], baths: tuple[str, ...]) -> dict[str, float]:
    """Occupation of each mode, and the rate of transfer between each two baths, per quantum of N̄ of the emitting one."""
    found = {f"occupation_of_{mode}": float(n) for mode, n in zip(modes, machine.occupations(), strict=True)}
    rates = machine.conductances()
    passed = {
        f"from_{baths[source]}_to_{baths[sink]}": float(rates[sink, source])
        for source in range(len(baths))
        for sink in range(len(baths))
        if source != sink
    }
    one_way = {}
    for a, b in combinations(range(len(baths)), 2):
        if rates[a, b] + rates[b, a] > _LINKED * rates.max():
            with suppress(ValueError):  # all rates are rounding errors: nothing passes
                one_way[f"rectification_{baths[a]}_{baths[b]}"] = machine.rectification(a, b)
    return found | passed | one_way


class DrivesFields(Section):
    """The drives as set in an experiment, from which the couplings G follow; detunings are then those without light."""

    single_photon_coupling_1_Hz: Positive
    """g₁, of cavity 1 and the resonator, over 2π."""
    single_photon_coupling_2_Hz: Positive
    """g₂, of cavity 2."""
    power_1_pW: NotNegative
    """Power at the port of cavity 1."""
    power_2_pW: NotNegative
    """Power at the port of cavity 2."""
    phase: Number = 0.0
    """Phase of drive 2 relative to drive 1, rad."""
    external_share_1: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Fraction of κ₁ due to the port."""
    external_share_2: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Fraction of κ₂ due to the port."""


class OptomechanicsFields(MachineFields):
    """Two driven cavities around a mechanical resonator: mechanisms/cascaded.md. Frequencies and rates are over 2π."""

    machine: Literal["optomechanics"]
    coupling_1_kHz: NotNegative | None = None
    """G₁, many-photon coupling of cavity 1 and the resonator; give both couplings, or `drives`."""
    coupling_2_kHz: NotNegative | None = None
    """G₂, of cavity 2."""
    phase: Number | None = None
    """φ of G₂ relative to G₁, rad; π/2 if omitted."""
    drives: DrivesFields | None = None
    """Calculate couplings, phase and static shifts from powers and single-photon couplings."""
    hopping_MHz: Number
    """J, between the cavities."""
    loss_1_MHz: Positive
    """κ₁ of cavity 1."""
    loss_2_MHz: Positive
    """κ₂ of cavity 2."""
    detuning_1_MHz: Number
    """Δ₁, frequency of cavity 1 above that of the drives."""
    detuning_2_MHz: Number
    """Δ₂, of cavity 2."""
    mechanical_frequency_MHz: Positive
    """ω_m of the resonator."""
    mechanical_damping_Hz: Positive
    """γ_m of the resonator."""
    drive_frequency_GHz: Positive
    """ω_d of both drives."""
    occupation_1: NotNegative | None = None
    """N̄ of the bath of cavity 1; alternatively give its temperature."""
    temperature_1_mK: NotNegative | None = None
    """Temperature of the bath of cavity 1."""
    occupation_2: NotNegative | None = None
    """N̄ of the bath of cavity 2; alternatively give its temperature."""
    temperature_2_mK: NotNegative | None = None
    """Temperature of the bath of cavity 2."""
    occupation_m: NotNegative | None = None
    """N̄ of the bath of the resonator; alternatively give its temperature."""
    temperature_m_mK: NotNegative | None = None
    """Temperature of the bath of the resonator."""

    def build(self) -> Optomechanics | DrivenCircuit:
        """The machine, angular frequencies in 1/s; with `drives`, the circuit that gives it.

        Raises:
            ValueError: if couplings and drives are both given or both missing, or a bath has no N̄ or temperature.
        """
        wrong = self._of_couplings()
        drive_MHz = 1e3 * self.drive_frequency_GHz
        frequencies = [drive_MHz + self.detuning_1_MHz, drive_MHz + self.detuning_2_MHz, self.mechanical_frequency_MHz]
        wrong += [
            f"detuning_{i}_MHz = {frequency - drive_MHz:g}: the cavity must have a positive frequency"
            for i, frequency in enumerate(frequencies[:2], 1)
            if frequency <= 0
        ]
        occupations = {}
        for which, frequency in zip("12m", frequencies, strict=True):
            if frequency > 0:  # otherwise reported already
                state = {name: getattr(self, name) for name in (f"occupation_{which}", f"temperature_{which}_mK")}
                occupations[f"occupation_{which}"] = occupation_of(state, "frequency", 1e6 * frequency, wrong)
        if wrong:
            raise ValueError("; ".join(wrong))
        shared = occupations | {
            "hopping": self.hopping_MHz * _MEGAHERTZ,
            "loss_1": self.loss_1_MHz * _MEGAHERTZ,
            "loss_2": self.loss_2_MHz * _MEGAHERTZ,
            "detuning_1": self.detuning_1_MHz * _MEGAHERTZ,
            "detuning_2": self.detuning_2_MHz * _MEGAHERTZ,
            "mechanical_frequency": self.mechanical_frequency_MHz * _MEGAHERTZ,
            "mechanical_damping": 1e-6 * self.mechanical_damping_Hz * _MEGAHERTZ,
            "drive_frequency": drive_MHz * _MEGAHERTZ,
        }
        if self.drives is None:
            return Optomechanics(
                coupling_1=1e-3 * (self.coupling_1_kHz or 0.0) * _MEGAHERTZ,
                coupling_2=1e-3 * (self.coupling_2_kHz or 0.0) * _MEGAHERTZ,
                phase=math.pi / 2 if self.phase is None else self.phase,
                **shared,
            )
        d, at = self.drives, shared["drive_frequency"]
        return DrivenCircuit(
            single_photon_coupling_1=1e-6 * d.single_photon_coupling_1_Hz * _MEGAHERTZ,
            single_photon_coupling_2=1e-6 * d.single_photon_coupling_2_Hz * _MEGAHERTZ,
            drive_1=amplitude_of_power(1e-12 * d.power_1_pW, at, shared["loss_1"], d.external_share_1),
            drive_2=amplitude_of_power(1e-12 * d.power_2_pW, at, shared["loss_2"], d.external_share_2),
            drive_phase_2=d.phase,
            **shared,
        )

    def _of_couplings(self) -> list[str]:
        """Errors in the choice between couplings and drives."""
        given = [name for name in ("coupling_1_kHz", "coupling_2_kHz", "phase") if getattr(self, name) is not None]
        if self.drives is not None and given:
            return [f"{', '.join(given)}: follow from drives; remove one of both"]
        missing = [name for name in ("coupling_1_kHz", "coupling_2_kHz") if getattr(self, name) is None]
        return (
            [f"{', '.join(missing)} missing: give both couplings, or drives"] if missing and self.drives is None else []
        )

    def solve(self) -> Solution:
        """Currents, occupations, flows between baths, and effects of the drives."""
        machine = self.build()
        found: dict[str, float] = {}
        if isinstance(machine, DrivenCircuit):
            branch = machine.steady()
            for i, g in enumerate((branch.device.coupling_1, branch.device.coupling_2), 1):
                found[f"photons_{i}"] = float(abs(branch.amplitudes[i - 1]) ** 2)
                found[f"coupling_{i}_kHz"] = 1e3 * g / _MEGAHERTZ
                shifted = getattr(branch.device, f"detuning_{i}") / _MEGAHERTZ
                found[f"shift_{i}_kHz"] = 1e3 * (shifted - getattr(self, f"detuning_{i}_MHz"))
            found |= {"phase": branch.device.phase, "decay_of_slowest_per_s": -branch.growth}
            found |= {"branches": float(len(machine.branches())), "coherent_power_W": machine.mean_field_power(branch)}
            machine = branch.device
        names = ("cavity_1", "cavity_2", "resonator")
        for name, n in zip(names, machine.bath_occupations, strict=True):
            found[f"occupation_of_bath_{name}"] = float(n)
        found |= of_network(machine, names, names) | {"drive_power_W": machine.drive_power()}
        try:
            full = machine.occupations_with_counter_rotation()
        except ValueError:  # pair creation is unstable: a steady state exists only in the rotating-wave approximation
            full = np.full(3, math.nan)
        found |= {f"full_occupation_of_{name}": float(n) for name, n in zip(names, full, strict=True)}
        return Solution(machine.bath_currents(), found)


def occupation_of(
    state: Mapping[str, float | None], needed: str, frequency_Hz: float | None, wrong: list[str]
) -> float:
    """N̄ of a bath, given directly or by its temperature in mK; errors are added to the list.

    Args:
        state: names and values of the fields of N̄ and of the temperature.
        needed: name of the field of the frequency.
        frequency_Hz: frequency of the quanta of the bath, if known.
        wrong: errors found so far.
    """
    (name, occupation), (of_temperature, temperature_mK) = state.items()
    if occupation is not None and temperature_mK is None:
        return occupation
    if temperature_mK is None or occupation is not None:
        wrong.append(f"give {'either' if occupation is not None else ''} {name} or {of_temperature}".replace("  ", " "))
    elif frequency_Hz is None:
        wrong.append(f"{of_temperature} = {temperature_mK:g}: needs {needed}; add it, or give {name}")
    else:
        return thermal_occupation(frequency_Hz, 1e-3 * temperature_mK)
    return 0.0
