"""The heat rectifier as a device: two driven cavities that share a mechanical resonator and are coupled by hopping.

After Barzanjeh, Aquilina & Xuereb, "Manipulating heat flow in quantum devices", Sec. III and App. A, B. The resonator acts as
the common bath of ``cascaded`` if its bandwidth exceeds that of the signals. Here it is a mode of its own, which shows where
this approximation holds. The drives raise every quantum of the resonator to the frequency of a cavity and do the work for it:
unlike its effective model, this machine pumps heat from cold to hot. Frequencies and rates are angular, in 1/s. Heats are
computed from spectra at laboratory frequencies.
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
    """Check the parameters of two driven cavities and a resonator.

    Args:
        parameters: values by name.
        not_negative: names that must not be negative, besides the occupations.

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

    As ``LinearBosons`` it is described in the rotating-wave approximation, in the frame of the drives.

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
        """Susceptibility of the resonator, χ_m(ω) = 1/[γ_m/2 - i(ω - ω_m)], s (eq. B12)."""
        return 1 / (self.mechanical_damping / 2 - 1j * (frequency - self.mechanical_frequency))

    def effective(self, frequency: float | None = None) -> CascadedOscillators:
        """Cascaded oscillators that describe this device for signals in a narrow band (eqs. B18 to B21).

        Args:
            frequency: centre Ω of the band in the frame of the drives; the frequency of the resonator if None.
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
        """K of ``PairedBosons``, (3, 3): pairs of a photon and a phonon, which the rotating-wave approximation neglects."""
        pairs = np.zeros((3, 3), dtype=complex)
        pairs[2, :2] = pairs[:2, 2] = self._coupling_phasors()
        return pairs

    def occupations_with_counter_rotation(self) -> Array:
        """Occupations of the three modes without the rotating-wave approximation, (3,) (eq. A4).

        The drives then also create pairs of a photon and a phonon. This heats the modes, and may make them unstable.

        Raises:
            ValueError: if the modes are unstable, so that there is no steady state.
        """
        full = PairedBosons(self, self.pairing())
        if (growth := full.growth()) >= 0:
            raise ValueError(
                f"coupling_1 = {self.coupling_1:g}, coupling_2 = {self.coupling_2:g} at mechanical_frequency = "
                f"{self.mechanical_frequency:g}: pairs grow at {growth:.3g} per second; weaken the drives"
            )
        return full.occupations()

    def bath_frequencies(self) -> Array:
        """Frequencies ω_d + Δ₁, ω_d + Δ₂ and ω_m of the modes that the baths are coupled to, (3,), 1/s."""
        cavities = (self.drive_frequency + self.detuning_1, self.drive_frequency + self.detuning_2)
        return np.array([*cavities, self.mechanical_frequency])

    def bath_temperatures(self) -> Array:
        """Temperature ħω/[k_B ln(1 + 1/N̄)] of each bath at the frequency of its mode, (3,), K."""
        return np.asarray(hbar * self.bath_frequencies() / (k * self._reduced_frequencies()))

    def _reduced_frequencies(self) -> Array:
        """ħω/k_BT of each bath, ln(1 + 1/N̄), (3,); inf for an empty one."""
        with np.errstate(divide="ignore"):
            return np.asarray(np.log1p(1 / self.bath_occupations))

    def heat_rates(self) -> Array:
        """Heat per time into each bath, (3,), W: ħ times the laboratory frequency at which each quantum passes.

        Hopping and losses conserve the frequency of a quantum. Only an exchange with the resonator changes it, by ω_d, with
        energy from the drives. The baths of the cavities therefore receive ħω_d more per quantum than in the frame of H.
        """
        lifted = np.array([self.drive_frequency, self.drive_frequency, 0.0])
        return np.asarray(hbar * (self.energy_flows() + lifted * self.heat_flows()))

    def bath_currents(self, *, fluctuations: bool = True) -> Currents:
        """Heats into the baths of both cavities and of the resonator as ``Currents``, in W; the resonator is to be cooled.

        The occupation of a bath is the same at all frequencies, so that the entropy flows are those of the quanta. The colder
        cavity is the environment, at the temperature of its bath for the quanta from the resonator (see ``carnot_cop``).

        Args:
            fluctuations: has no effect. The fluctuations of the heats are unknown; ``counting.moments`` has those of the
                quanta.
        """
        del fluctuations
        flows = self.heat_flows()
        reduced = self._reduced_frequencies()
        passing = np.append(self.drive_frequency + np.full(2, self._passing_frequency()), self._passing_frequency())
        return Currents(
            baths=("cavity 1", "cavity 2", "resonator"),
            energy=self.heat_rates(),
            entropy=thermal_entropy(flows, 1 / reduced),
            temperatures=hbar * passing / (k * reduced),
            cold=2,
            hot=int(self.bath_occupations[:2].argmin()),
            boltzmann=k,
            unit="W",
        )

    def _passing_frequency(self) -> float:
        """Mean frequency of the quanta that leave the bath of the resonator, 1/s; ω_m if none do."""
        flow = self.heat_flows()[2]
        return float(self.energy_flows()[2] / flow) if flow < 0 else self.mechanical_frequency

    def drive_power(self) -> float:
        """Power of the drives on the fluctuations, W: ħω_d for each quantum that leaves the bath of the resonator.

        It equals the sum of ``heat_rates``. The power that maintains the mean fields is ``coherent_drive_power``, which is much
        larger.
        """
        if self.coupling_1 == self.coupling_2 == 0:
            return 0.0  # rather than the rounding error of flows that vanish
        return float(-hbar * self.drive_frequency * self.heat_flows()[2])

    def coherent_drive_power(self, single_photon_coupling_1: float, single_photon_coupling_2: float) -> float:
        """Power that maintains the mean fields α_i = G_i/g_i of both cavities, ħω_d Σ κ_i|α_i|², W.

        The drives replace every photon lost, for any J and any port. All of this power ends as light or heat in the baths of
        the cavities, in addition to ``heat_rates``.

        Args:
            single_photon_coupling_1: g₁, 1/s; 0 only if G₁ is 0.
            single_photon_coupling_2: g₂, 1/s; 0 only if G₂ is 0.

        Raises:
            ValueError: if a single-photon coupling is not finite, or is 0 where the many-photon coupling is not.
        """
        lost = 0.0
        for i, bare in ((1, single_photon_coupling_1), (2, single_photon_coupling_2)):
            dressed, loss = getattr(self, f"coupling_{i}"), getattr(self, f"loss_{i}")
            if not math.isfinite(bare) or (bare == 0 and dressed != 0):
                raise ValueError(f"single_photon_coupling_{i} = {bare}: must be finite, and not 0 for G = {dressed:g}")
            lost += loss * (dressed / bare) ** 2 if dressed else 0.0
        return hbar * self.drive_frequency * lost

    def cop(self) -> float:
        """Heat drawn from the bath of the resonator over the work of the drives on the fluctuations; nan if none is drawn.

        It is a conversion ratio: the mean frequency of the quanta over ω_d, about ω_m/ω_d at any temperatures. The power of the
        coherent drive is not included.
        """
        heat, work = self.heat_rates()[2], self.drive_power()
        return float(-heat / work) if heat < 0 < work else math.nan

    def carnot_cop(self) -> float:
        """Carnot's bound on ``cop``, T_m/(T - T_m), with T of the colder cavity; inf if that is no warmer than the resonator.

        The occupation of a bath is the same at all frequencies, so its temperature depends on the frequency of the quanta. Here
        it is taken at the mean frequency ω of the quanta from the resonator, and at ω_d + ω for the cavity. ω is ω_m if no
        quanta leave the resonator.
        """
        passing = self._passing_frequency()
        reduced = self._reduced_frequencies()
        # Temperatures times k_B/ħ.
        resonator, cavity = passing / reduced[2], (self.drive_frequency + passing) / reduced[:2].max()
        return math.inf if cavity <= resonator else float(resonator / (cavity - resonator))


def realisation(
    machine: CascadedOscillators, *, mechanical_frequency: float, mechanical_damping: float, drive_frequency: float
) -> tuple[Optomechanics, float]:
    """A device with this machine as its effective model, and the frequency Ω at which that holds (inverse of eqs. B18 to B21).

    J must be real. This fixes the distance of Ω from resonance to -(γ_m/2) (cos φ + 2 ℑF/√(γ₁γ₂))/sin φ.

    Args:
        machine: rates in 1/s; both oscillators must be coupled to the common bath.
        mechanical_frequency: ω_m, 1/s.
        mechanical_damping: γ_m, 1/s; the effective model holds if it exceeds the rates of the machine.
        drive_frequency: ω_d, 1/s.

    Returns:
        The device, and Ω in the frame of the drives, 1/s.

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
