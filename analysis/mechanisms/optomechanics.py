"""The heat rectifier as a device: two driven cavities that share a mechanical resonator, and hop into each other.

After Barzanjeh, Aquilina & Xuereb, "Manipulating heat flow in quantum devices", Sec. III and App. A, B. The resonator stands
in for the common bath of ``cascaded`` as long as its band is wider than whatever passes; here it is a mode of its own, so
that one can see how far that holds. The drives lift every quantum of the resonator to the frequency of a cavity, and pay for
it: this machine, unlike its effective model, pumps heat from cold to hot. Frequencies and rates are angular, 1/s; heats are
taken from spectra at the frequencies of the laboratory.
"""

from __future__ import annotations

import cmath
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.constants import hbar, k

from analysis.currents import Currents, thermal_entropy
from analysis.mechanisms.bosons import ComplexArray, LinearBosons
from analysis.mechanisms.cascaded import CascadedOscillators
from analysis.mechanisms.pairs import PairedBosons
from analysis.model.lyapunov import Array

_POSITIVE = ("loss_1", "loss_2", "mechanical_damping", "mechanical_frequency", "drive_frequency")
_NOT_NEGATIVE = ("occupation_1", "occupation_2", "occupation_m")


def check_circuit(parameters: Mapping[str, float], not_negative: Sequence[str]) -> None:
    """Check the parameters of two driven cavities around a resonator, however their drives are given.

    Args:
        parameters: by name.
        not_negative: those that must not be negative, besides the occupations.

    Raises:
        ValueError: if a value is not physical; names all of them.
    """
    wrong = []
    for name, value in parameters.items():
        if not math.isfinite(value):
            wrong.append(f"{name} = {value}: must be finite")
        elif name in _POSITIVE and value <= 0:
            wrong.append(f"{name} = {value}: must be positive")
        elif name in (*_NOT_NEGATIVE, *not_negative) and value < 0:
            wrong.append(f"{name} = {value}: must not be negative")
    if wrong:
        raise ValueError("; ".join(wrong))


@dataclass(frozen=True, kw_only=True)
class Optomechanics(LinearBosons):
    """Modes (cavity 1, cavity 2, resonator), each with a bath of its own, linearised around strong drives (eqs. 5, 6, A4).

    As a network of ``LinearBosons`` it is taken in the rotating-wave approximation, in the frame of the drives.

    Args:
        coupling_1, coupling_2: G₁ and G₂, many-photon couplings of cavity and resonator.
        hopping: J, between the cavities.
        phase: φ of G₂ relative to G₁, rad.
        loss_1, loss_2: κ₁ and κ₂ of the cavities.
        detuning_1, detuning_2: Δ₁ and Δ₂, frequencies of the cavities above that of the drives.
        mechanical_frequency, mechanical_damping: ω_m and γ_m.
        drive_frequency: ω_d, of both drives.
        occupation_1, occupation_2, occupation_m: N̄ of the baths; the last is N̄₃ of the effective model.

    Raises:
        ValueError: if a value is not physical; names all of them.
    """

    coupling_1: float
    coupling_2: float
    hopping: float
    phase: float
    loss_1: float
    loss_2: float
    detuning_1: float
    detuning_2: float
    mechanical_frequency: float
    mechanical_damping: float
    drive_frequency: float
    occupation_1: float
    occupation_2: float
    occupation_m: float

    def __post_init__(self) -> None:
        """Check the parameters and set up the matrices."""
        check_circuit(vars(self), not_negative=("coupling_1", "coupling_2"))
        g_1, g_2 = self._coupling_phasors()
        super().__init__(
            hamiltonian=[
                [self.detuning_1, self.hopping, g_1],
                [self.hopping, self.detuning_2, g_2],
                [g_1.conjugate(), g_2.conjugate(), self.mechanical_frequency],
            ],
            couplings=np.diag(np.sqrt([self.loss_1, self.loss_2, self.mechanical_damping])),
            bath_occupations=(self.occupation_1, self.occupation_2, self.occupation_m),
        )

    def _coupling_phasors(self) -> tuple[complex, complex]:
        return complex(self.coupling_1), self.coupling_2 * cmath.exp(1j * self.phase)

    def susceptibility(self, frequency: float) -> complex:
        """χ_m(ω) = 1/[γ_m/2 - i(ω - ω_m)] of the resonator (B12), s."""
        return 1 / (self.mechanical_damping / 2 - 1j * (frequency - self.mechanical_frequency))

    def effective(self, frequency: float | None = None) -> CascadedOscillators:
        """The cascaded oscillators that this device is to signals in a narrow band (B18 to B21).

        Args:
            frequency: Ω, the middle of the band in the frame of the drives; that of the resonator if None.
        """
        at = self.mechanical_frequency if frequency is None else frequency
        chi = self.susceptibility(at)
        pulled_1 = self.detuning_1 + self.coupling_1**2 * chi.imag
        pulled_2 = self.detuning_2 + self.coupling_2**2 * chi.imag
        return CascadedOscillators(
            loss_1=self.loss_1,
            loss_2=self.loss_2,
            channel_1=2 * self.coupling_1**2 * chi.real,
            channel_2=2 * self.coupling_2**2 * chi.real,
            occupation_1=self.occupation_1,
            occupation_2=self.occupation_2,
            occupation_3=self.occupation_m,
            detuning=pulled_2 - pulled_1,
            phase=self.phase,
            hopping=self.hopping - 1j * chi * self.coupling_1 * self.coupling_2 * cmath.exp(-1j * self.phase),
        )

    def pairing(self) -> ComplexArray:
        """K of ``PairedBosons``, (3, 3): what the rotating-wave approximation leaves out, pairs of a photon and a phonon."""
        pairs = np.zeros((3, 3), dtype=complex)
        pairs[2, :2] = pairs[:2, 2] = self._coupling_phasors()
        return pairs

    def occupations_with_counter_rotation(self) -> Array:
        """Occupations of the three modes without the rotating-wave approximation (A4), (3,).

        Drives then also create pairs of a photon and a phonon, which heats, and can grow without bound.

        Raises:
            ValueError: if it grows: there is no steady state.
        """
        full = PairedBosons(self, self.pairing())
        if (growth := full.growth()) >= 0:
            raise ValueError(
                f"coupling_1 = {self.coupling_1:g}, coupling_2 = {self.coupling_2:g} at mechanical_frequency = "
                f"{self.mechanical_frequency:g}: pairs grow at {growth:.3g} per second; weaken the drives"
            )
        return full.occupations()

    def bath_frequencies(self) -> Array:
        """Of the mode that each bath belongs to: ω_d + Δ₁, ω_d + Δ₂, ω_m; (3,), 1/s."""
        cavities = (self.drive_frequency + self.detuning_1, self.drive_frequency + self.detuning_2)
        return np.array([*cavities, self.mechanical_frequency])

    def bath_temperatures(self) -> Array:
        """T of each bath, K, (3,): ħω/[k_B ln(1 + 1/N̄)] at the frequency of its mode."""
        with np.errstate(divide="ignore"):
            return np.asarray(hbar * self.bath_frequencies() / (k * np.log1p(1 / self.bath_occupations)))

    def heat_rates(self) -> Array:
        """Heat into each bath, W, (3,): ħ times the frequencies in the laboratory at which quanta pass.

        Hopping and losses keep a quantum's frequency, whatever the cavity's own. Only an exchange with the resonator changes
        it, by ω_d, which the drives give or take. So the cavities' baths get ω_d more per quantum than in the frame of H.
        """
        lifted = np.array([self.drive_frequency, self.drive_frequency, 0.0])
        return np.asarray(hbar * (self.energy_flows() + lifted * self.heat_flows()))

    def bath_currents(self, *, fluctuations: bool = True) -> Currents:
        """Heats into the baths of both cavities and of the resonator, which is to be cooled, as ``Currents`` in W.

        Occupations are the same at all frequencies here, so that entropies are those of the quanta. The colder cavity stands
        for the environment, at the temperature that its bath has for the quanta which the resonator gives (``carnot_cop``).

        Args:
            fluctuations: of no effect: those of the heats are not known, those of the quanta are in ``counting.moments``.
        """
        del fluctuations
        flows = self.heat_flows()
        with np.errstate(divide="ignore"):
            odds = np.log1p(1 / self.bath_occupations)
        passing = np.append(self.drive_frequency + np.full(2, self._passing_frequency()), self._passing_frequency())
        return Currents(
            baths=("cavity 1", "cavity 2", "resonator"),
            energy=self.heat_rates(),
            entropy=thermal_entropy(flows, 1 / odds),
            temperatures=hbar * passing / (k * odds),
            cold=2,
            hot=int(self.bath_occupations[:2].argmin()),
            boltzmann=k,
            unit="W",
        )

    def _passing_frequency(self) -> float:
        """Mean frequency of the quanta that the resonator's bath gives, 1/s; ω_m where it gives none."""
        flow = self.heat_flows()[2]
        return float(self.energy_flows()[2] / flow) if flow < 0 else self.mechanical_frequency

    def drive_power(self) -> float:
        """Work that the drives do on the fluctuations, W: ħω_d for each quantum that leaves the resonator's bath.

        It is the sum of ``heat_rates``. What it takes to keep the cavities full is ``coherent_drive_power``, and far more.
        """
        if self.coupling_1 == self.coupling_2 == 0:
            return 0.0  # not the rounding of flows that are none
        return float(-hbar * self.drive_frequency * self.heat_flows()[2])

    def coherent_drive_power(self, single_photon_coupling_1: float, single_photon_coupling_2: float) -> float:
        """Power that keeps up the mean fields α_i = G_i/g_i of both cavities, W: ħω_d Σ κ_i|α_i|².

        The drives must replace every photon lost, wherever it was sent in and whatever J is. All of it ends as light or heat of
        the cavities' baths, next to ``heat_rates``.

        Args:
            single_photon_coupling_1: g₁, 1/s; not 0 unless G₁ is.
            single_photon_coupling_2: g₂, likewise.

        Raises:
            ValueError: if a single-photon coupling is not finite, or 0 where the many-photon coupling is not.
        """
        lost = 0.0
        for i, bare in ((1, single_photon_coupling_1), (2, single_photon_coupling_2)):
            dressed, loss = getattr(self, f"coupling_{i}"), getattr(self, f"loss_{i}")
            if not math.isfinite(bare) or (bare == 0 and dressed != 0):
                raise ValueError(f"single_photon_coupling_{i} = {bare}: must be finite, and not 0 for G = {dressed:g}")
            lost += loss * (dressed / bare) ** 2 if dressed else 0.0
        return hbar * self.drive_frequency * lost

    def cop(self) -> float:
        """Heat drawn from the resonator's bath over the drives' work on the fluctuations; nan where it is not drawn.

        A conversion ratio: the mean frequency of the quanta drawn over ω_d, whatever the temperatures, and about ω_m/ω_d. The
        power of the coherent drive is not in it.
        """
        heat, work = self.heat_rates()[2], self.drive_power()
        return float(-heat / work) if heat < 0 < work else math.nan

    def carnot_cop(self) -> float:
        """The bound on ``cop``, T_m/(T - T_m), T of the colder cavity; inf if that is no warmer than the resonator.

        Occupations are the same at all frequencies here, so temperatures are those at which the quanta pass: at ω, which the
        resonator's bath gives on the mean, and at ω_d + ω; at ω_m where it gives none.
        """
        passing = self._passing_frequency()
        with np.errstate(divide="ignore"):
            odds = np.log1p(1 / self.bath_occupations)
        # Over k_B/ħ.
        resonator, cavity = passing / odds[2], (self.drive_frequency + passing) / odds[:2].max()
        return math.inf if cavity <= resonator else float(resonator / (cavity - resonator))


def realisation(
    machine: CascadedOscillators, *, mechanical_frequency: float, mechanical_damping: float, drive_frequency: float
) -> tuple[Optomechanics, float]:
    """A device whose effective model is this machine, and the frequency Ω at which it is: the map B18 to B21 inverted.

    J must be real, which fixes how far Ω lies from the resonance: by γ_m/2 times -(cos φ + 2 ℑF/√(γ₁γ₂))/sin φ.

    Args:
        machine: rates in 1/s; both oscillators coupled to the common bath.
        mechanical_frequency: ω_m, 1/s.
        mechanical_damping: γ_m, 1/s; the effective model holds where it exceeds the machine's rates.
        drive_frequency: ω_d, 1/s.

    Raises:
        ValueError: if there is no such device.
    """
    passed = math.sqrt(machine.channel_1 * machine.channel_2)
    sine, cosine = math.sin(machine.phase), math.cos(machine.phase)
    if passed == 0:
        raise ValueError(
            f"channel_1 = {machine.channel_1}, channel_2 = {machine.channel_2}: must be positive to be realised"
        )
    if abs(sine) < 1e-12:
        raise ValueError(
            f"phase = {machine.phase}: no real hopping gives it; only F e^(iφ) matters, so turn both, best to φ = π/2"
        )
    offset = -(cosine + 2 * machine.hopping.imag / passed) / sine
    frequency = mechanical_frequency + offset * mechanical_damping / 2
    # 1/Re χ_m, and Im χ_m/Re χ_m = offset.
    band = mechanical_damping / 2 * (1 + offset**2)
    device = Optomechanics(
        coupling_1=math.sqrt(machine.channel_1 * band / 2),
        coupling_2=math.sqrt(machine.channel_2 * band / 2),
        hopping=machine.hopping.real + passed / 2 * (sine - offset * cosine),
        phase=machine.phase,
        loss_1=machine.loss_1,
        loss_2=machine.loss_2,
        detuning_1=frequency - machine.detuning / 2 - machine.channel_1 * offset / 2,
        detuning_2=frequency + machine.detuning / 2 - machine.channel_2 * offset / 2,
        mechanical_frequency=mechanical_frequency,
        mechanical_damping=mechanical_damping,
        drive_frequency=drive_frequency,
        occupation_1=machine.occupation_1,
        occupation_2=machine.occupation_2,
        occupation_m=machine.occupation_3,
    )
    return device, frequency
