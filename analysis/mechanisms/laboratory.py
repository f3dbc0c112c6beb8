"""The circuit of the heat rectifier from laboratory parameters: drives and single-photon couplings.

The mean fields α of the cavities and β of the resonator are steady states of the nonlinear equations (5) of Barzanjeh, Aquilina
& Xuereb, including hopping and static shift::

    0 = -(iΔ_i + κ_i/2) α_i - iJ α_j - i g_i x α_i + ℰ_i e^(iφ_i),   x = β + β* = -2 ω_m Σ g_i |α_i|²/(ω_m² + γ_m²/4)

At a given x the equations are linear. x itself is a root of a polynomial of fifth degree, so that all branches are found. The
fluctuations around each branch are those of ``Optomechanics`` with G_i = g_i α_i and detunings Δ_i + g_i x. Frequencies and
rates are angular, in 1/s.
"""

from __future__ import annotations

import cmath
import math
from dataclasses import dataclass, replace

import numpy as np
from scipy.constants import hbar

from analysis.currents import Currents
from analysis.mechanisms.bosons import ComplexArray
from analysis.mechanisms.optomechanics import Optomechanics, check_circuit
from analysis.mechanisms.pairs import PairedBosons

# Parameters that the circuit has with the device around its mean fields.
_SHARED = (
    *("hopping", "loss_1", "loss_2", "mechanical_frequency", "mechanical_damping", "drive_frequency"),
    *("occupation_1", "occupation_2", "occupation_m"),
)
_REAL = 1e-7  # a root counts as real if its imaginary part is below this fraction of its modulus


@dataclass(frozen=True, eq=False)
class Branch:
    """One steady state of the mean fields.

    Attributes:
        amplitudes: α₁ and α₂, (2,), complex; their squares are photon numbers.
        displacement: x = <b + b†>, the resonator's static displacement over that of its zero-point motion.
        device: the fluctuations around it, with shifted detunings.
        growth: growth rate of the slowest fluctuation without the rotating-wave approximation, 1/s; negative if stable.
    """

    amplitudes: ComplexArray
    displacement: float
    device: Optomechanics
    growth: float

    @property
    def is_stable(self) -> bool:
        """Whether fluctuations decay."""
        return self.growth < 0


@dataclass(frozen=True, kw_only=True)
class DrivenCircuit:
    """Two driven cavities and a resonator, with laboratory parameters.

    Args:
        single_photon_coupling_1, single_photon_coupling_2: g₁ and g₂.
        drive_1, drive_2: |ℰ₁| and |ℰ₂|; ``amplitude_of_power`` converts powers to them.
        drive_phase_1, drive_phase_2: φ₁ and φ₂, rad.
        hopping: J, real.
        loss_1, loss_2: κ₁ and κ₂.
        detuning_1, detuning_2: Δ₁ and Δ₂ without light, frequencies of the cavities above that of the drives.
        mechanical_frequency, mechanical_damping: ω_m and γ_m.
        drive_frequency: ω_d.
        occupation_1, occupation_2, occupation_m: N̄ of the baths.

    Raises:
        ValueError: if a value is not physical; names all of them.
    """

    single_photon_coupling_1: float
    single_photon_coupling_2: float
    drive_1: float
    drive_2: float
    drive_phase_1: float = 0.0
    drive_phase_2: float = 0.0
    hopping: float
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
        check_circuit(vars(self), not_negative=("drive_1", "drive_2"))

    def _couplings(self) -> tuple[float, float]:
        return self.single_photon_coupling_1, self.single_photon_coupling_2

    def _drives(self) -> tuple[complex, complex]:
        return cmath.rect(self.drive_1, self.drive_phase_1), cmath.rect(self.drive_2, self.drive_phase_2)

    def _softness(self) -> float:
        """Static displacement -x per Σ g_i |α_i|², s."""
        return 2 * self.mechanical_frequency / (self.mechanical_frequency**2 + self.mechanical_damping**2 / 4)

    def amplitudes(self, displacement: float = 0.0) -> ComplexArray:
        """α₁ and α₂ at a fixed displacement x of the resonator, (2,).

        x = 0 leaves out the static shift, but not the hopping.
        """
        (g_1, g_2), j = self._couplings(), 1j * self.hopping
        response = [
            [self.loss_1 / 2 + 1j * (self.detuning_1 + g_1 * displacement), j],
            [j, self.loss_2 / 2 + 1j * (self.detuning_2 + g_2 * displacement)],
        ]
        return np.asarray(np.linalg.solve(response, self._drives()))

    def branches(self) -> list[Branch]:
        """All steady states of the mean fields, one or several, in the order of increasing photon number."""
        displacements = sorted(self._displacements(), key=lambda x: float((np.abs(self.amplitudes(x)) ** 2).sum()))
        return [self._branch(x) for x in displacements]

    def _displacements(self) -> list[float]:
        """Real roots of x |D(x)|² + s Σ g_i |N_i(x)|², in which α_i = N_i/D."""
        (g_1, g_2), (e_1, e_2) = self._couplings(), self._drives()
        largest = max(abs(g_1), abs(g_2))
        if largest == 0 or self.drive_1 == self.drive_2 == 0:
            return [0.0]
        # Scaled variables: rates over the largest one, and x over the displacement that shifts a cavity by that rate.
        unit = max(self.loss_1, self.loss_2, abs(self.detuning_1), abs(self.detuning_2), abs(self.hopping))
        length = unit / largest
        first, second = (
            np.polynomial.Polynomial([(loss / 2 + 1j * detuning) / unit, 1j * g / largest])
            for loss, detuning, g in ((self.loss_1, self.detuning_1, g_1), (self.loss_2, self.detuning_2, g_2))
        )
        j = self.hopping / unit
        light = max(self.drive_1, self.drive_2)
        shape_1 = second * (e_1 / light) - 1j * j * (e_2 / light)
        shape_2 = first * (e_2 / light) - 1j * j * (e_1 / light)
        shift = self._softness() * (light / unit) ** 2 / length
        squares = [_square(p) for p in (first * second + j**2, shape_1, shape_2)]
        equation = np.polynomial.Polynomial([0.0, 1.0]) * squares[0] + shift * (g_1 * squares[1] + g_2 * squares[2])
        roots = np.asarray(equation.roots(), dtype=complex)
        real = [float(root) for root in roots.real[np.abs(roots.imag) <= _REAL * np.abs(roots)]]
        return [_polished(equation, y) * length for y in real]

    def _branch(self, displacement: float) -> Branch:
        alpha, (g_1, g_2) = self.amplitudes(displacement), self._couplings()
        dressed = np.array([g_1, g_2]) * alpha
        device = Optomechanics(
            coupling_1=abs(dressed[0]),
            coupling_2=abs(dressed[1]),
            # Only the relative phase: both cavities must be rotated together to keep J real.
            phase=cmath.phase(dressed[1] * np.conj(dressed[0])) if dressed.all() else 0.0,
            detuning_1=self.detuning_1 + g_1 * displacement,
            detuning_2=self.detuning_2 + g_2 * displacement,
            **{name: getattr(self, name) for name in _SHARED},
        )
        return Branch(alpha, displacement, device, PairedBosons(device, device.pairing()).growth())

    def steady(self) -> Branch:
        """The stable branch with the fewest photons, which is reached when the drives are turned on.

        Raises:
            ValueError: if no branch is stable.
        """
        found = self.branches()
        stable = [branch for branch in found if branch.is_stable]
        if not stable:
            raise ValueError(
                f"drive_1 = {self.drive_1:g}, drive_2 = {self.drive_2:g}: fluctuations around all steady states ({len(found)}) "
                f"grow, at {min(branch.growth for branch in found):.3g} per second or faster; weaken or detune the drives"
            )
        return stable[0]

    def bath_currents(self, *, fluctuations: bool = True) -> Currents:
        """Currents of the device on the branch that ``steady`` finds, in W, without the power of the coherent drive.

        Raises:
            ValueError: if no branch is stable.
        """
        return self.steady().device.bath_currents(fluctuations=fluctuations)

    def mean_field_power(self, branch: Branch) -> float:
        """Power that the drives give to the mean fields, ħω_d Σ 2 Re(ℰ_i* α_i), W; it equals the power of all photons lost.

        Photons lost through a driven port interfere with the reflected drive. Only the other losses heat the circuit.
        """
        taken = 2 * np.real(np.conj(np.array(self._drives())) * branch.amplitudes).sum()
        return float(hbar * self.drive_frequency * taken)


def amplitude_of_power(power: float, drive_frequency: float, loss: float, external_share: float = 1.0) -> float:
    """|ℰ| of a cavity, 1/s, for the power at its port, W: √(κ_ext P/ħω_d).

    Args:
        power: P, that arrives at the port.
        drive_frequency: ω_d.
        loss: κ.
        external_share: κ_ext/κ, the fraction of the losses through the driven port.
    """
    return math.sqrt(external_share * loss * power / (hbar * drive_frequency))


def circuit_for(
    device: Optomechanics, single_photon_coupling_1: float, single_photon_coupling_2: float
) -> DrivenCircuit:
    """Drives and bare detunings for a given device: mean fields G_i/g_i, hopping and static shift included.

    Args:
        device: with the desired couplings G_i, phase and detunings.
        single_photon_coupling_1: g₁, positive.
        single_photon_coupling_2: g₂, positive.

    Raises:
        ValueError: if a single-photon coupling is not positive.
    """
    g = np.array([single_photon_coupling_1, single_photon_coupling_2])
    if not (np.isfinite(g) & (g > 0)).all():
        raise ValueError(f"single-photon couplings {g.tolist()}: must be positive and finite")
    alpha = np.array([device.coupling_1, device.coupling_2 * cmath.exp(1j * device.phase)]) / g
    own = [device.loss_1 / 2 + 1j * device.detuning_1, device.loss_2 / 2 + 1j * device.detuning_2]
    drives = np.array([[own[0], 1j * device.hopping], [1j * device.hopping, own[1]]]) @ alpha
    bare = DrivenCircuit(
        single_photon_coupling_1=single_photon_coupling_1,
        single_photon_coupling_2=single_photon_coupling_2,
        drive_1=abs(drives[0]),
        drive_2=abs(drives[1]),
        drive_phase_1=cmath.phase(drives[0]),
        drive_phase_2=cmath.phase(drives[1]),
        detuning_1=device.detuning_1,
        detuning_2=device.detuning_2,
        **{name: getattr(device, name) for name in _SHARED},
    )
    x = -bare._softness() * float(g @ np.abs(alpha) ** 2)
    return replace(bare, detuning_1=device.detuning_1 - g[0] * x, detuning_2=device.detuning_2 - g[1] * x)


def _square(polynomial: np.polynomial.Polynomial) -> np.polynomial.Polynomial:
    """|p(x)|² of a real x, with real coefficients."""
    coefficients = polynomial.coef
    return np.polynomial.Polynomial(coefficients.real) ** 2 + np.polynomial.Polynomial(coefficients.imag) ** 2


def _polished(equation: np.polynomial.Polynomial, root: float) -> float:
    """A real root refined by Newton's method to rounding error; a double root is returned unchanged."""
    slope = equation.deriv()
    for _ in range(5):
        at = float(slope(root))
        step = float(equation(root)) / at if at else 0.0
        if abs(step) > 1e-3 * abs(root):
            break
        root -= step
    return root
