"""Two cascaded oscillators: the output of the first is the input of the second, but not the reverse; a heat rectifier.

After Barzanjeh, Aquilina & Xuereb, "Manipulating heat flow in quantum devices". Equation numbers are theirs; the errors in them
are listed in docs/explanation/errata.md. Each oscillator has its own bath. A common bath and a coherent hopping couple them and
interfere such that there is no transfer from 2 to 1. All rates have one unit, 1/time; flows are quanta per that time. Phases
follow the Langevin equations (2) and (B3), from which all results of the paper derive; in its master equation (1), φ has the
opposite sign.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from analysis.mechanisms.bosons import LinearBosons, one_way_hopping
from analysis.model.lyapunov import Array


@dataclass(frozen=True, kw_only=True)
class CascadedOscillators(LinearBosons):
    """Modes (1, 2); baths (1, 2, 3), of which 3 is common to both (eq. 2).

    Args:
        loss_1, loss_2: κ₁ and κ₂, rates at which each oscillator loses quanta to its own bath.
        channel_1, channel_2: γ₁ and γ₂, rates at which it loses them to the common bath.
        occupation_1, occupation_2, occupation_3: N̄ of the baths.
        detuning: Δ = ω₂ - ω₁.
        phase: φ, rad.
        hopping: F, the deviation of the hopping from nonreciprocity: with F = 0 there is no transfer from 2 to 1.

    Raises:
        ValueError: if a value is not physical, or a normal mode is not damped; names all errors.
    """

    loss_1: float
    loss_2: float
    channel_1: float
    channel_2: float
    occupation_1: float
    occupation_2: float
    occupation_3: float
    detuning: float = 0.0
    phase: float = 0.0
    hopping: complex = 0j

    def __post_init__(self) -> None:
        """Check the parameters and set up the matrices."""
        wrong = [
            f"{name} = {value}: must be finite and not negative"
            for name, value in vars(self).items()
            if name.startswith(("loss", "channel", "occupation")) and not 0 <= value < math.inf
        ]
        wrong += [
            f"{name} = {getattr(self, name)}: must be finite"
            for name in ("detuning", "phase", "hopping")
            if not np.isfinite(getattr(self, name))
        ]
        if wrong:
            raise ValueError("; ".join(wrong))
        second = math.sqrt(self.channel_2) * np.exp(1j * self.phase)
        common = [np.array([math.sqrt(self.channel_1), 0]), np.array([0, second])]
        # The frame rotates with the mean of ω₁ and ω₂, because only their difference matters.
        own = [[-self.detuning / 2, self.hopping], [np.conj(self.hopping), self.detuning / 2]]
        super().__init__(
            hamiltonian=own + one_way_hopping(common),
            couplings=[
                [math.sqrt(self.loss_1), 0.0, math.sqrt(self.channel_1)],
                [0.0, math.sqrt(self.loss_2), second],
            ],
            bath_occupations=(self.occupation_1, self.occupation_2, self.occupation_3),
        )

    def _blame(self) -> str:
        return f"loss_1 = {self.loss_1:g}, loss_2 = {self.loss_2:g}"

    def disconnected_occupations(self) -> Array:
        """m̄₁ and m̄₂, the occupations of the disconnected oscillators, (2,) (C6, C7 for equal rates)."""
        loss, channel = np.array([self.loss_1, self.loss_2]), np.array([self.channel_1, self.channel_2])
        return np.asarray((loss * self.bath_occupations[:2] + channel * self.occupation_3) / (loss + channel))

    def excess(self) -> Array:
        """Δn₁ and Δn₂, the occupations minus those of the disconnected oscillators, (2,)."""
        return self.occupations() - self.disconnected_occupations()


def closed_form_occupations(machine: CascadedOscillators) -> Array:
    """n̄₁ and n̄₂ if all rates are equal, (2,) (eqs. C1, C2).

    Raises:
        ValueError: if the rates differ.
    """
    k, re, im, detuning, denominator = _terms(machine)
    n1, n2, n3 = machine.bath_occupations
    shared = 2 * (re**2 + im**2) * (n1 + n2 + n3) + 2 * im**2 * n3
    far = 4 * k**2 + detuning**2
    first = shared + re * detuning * (n1 - n3) + 2 * im * k * (n1 + 3 * n3) + far * (n1 + n3)
    second = shared - re * detuning * (n2 - n3) + 2 * im * k * (n2 + 3 * n3) + far * (n2 + n3)
    second += 2 * k * (2 * im + k) * (n1 - n3)
    return np.array([first, second]) / (2 * denominator)


def closed_form_excess(machine: CascadedOscillators) -> Array:
    """Δn₁ and Δn₂ if all rates are equal, (2,) (eqs. C10, C11; eq. 3 for F = 0).

    The printed ℑ(2ℑ + κ) is corrected to ℑ(ℑ + 2κ).

    Raises:
        ValueError: if the rates differ.
    """
    k, re, im, detuning, denominator = _terms(machine)
    n1, n2, n3 = machine.bath_occupations
    size, back = re**2 + im**2, im * (im + 2 * k)
    first = size * (-n1 + 2 * n2 - n3) - (back - re * detuning) * (n1 - n3)
    second = size * (2 * n1 - n2 - n3) - (back + re * detuning) * (n2 - n3) + 2 * k * (2 * im + k) * (n1 - n3)
    return np.array([first, second]) / (2 * denominator)


def closed_form_heat_flows(machine: CascadedOscillators) -> Array:
    """η₁, η₂, η₃ if all rates are equal and F = 0, (3,) (eq. D7, whose n̄ is a misprint of m̄).

    Raises:
        ValueError: if the rates differ or F is not 0.
    """
    if machine.hopping != 0:
        raise ValueError(f"hopping = {machine.hopping}: this closed form holds for 0 only; use heat_flows()")
    k, _, _, detuning, _ = _terms(machine)
    m1, m2 = machine.disconnected_occupations()
    m3 = machine.occupation_3
    passed = 2 * k**2 / (4 * k**2 + detuning**2) * (m1 - m3)
    first, second = m3 - m1, passed + (m3 - m2)
    return k * np.array([first, second, -(first + second)])


def _terms(machine: CascadedOscillators) -> tuple[float, float, float, float, float]:
    """κ, ℜ and ℑ of F e^{iφ}, Δ, and the denominator that the closed forms share."""
    rates = {name: getattr(machine, name) for name in ("loss_1", "loss_2", "channel_1", "channel_2")}
    if len(set(rates.values())) > 1:
        given = ", ".join(f"{name} = {rate:g}" for name, rate in rates.items())
        raise ValueError(f"{given}: the closed forms hold for equal rates only; use the methods")
    k = machine.loss_1
    seen = machine.hopping * np.exp(1j * machine.phase)
    re, im = float(seen.real), float(seen.imag)
    return k, re, im, machine.detuning, 3 * (re**2 + im**2) + 4 * k * (k + im) + im**2 + machine.detuning**2
