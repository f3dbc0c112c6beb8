"""Entropy flow into a reservoir of any distribution f(ε), and bounds on machines driven by such reservoirs.

After Deghi & Bustos-Marín, "Entropy current and efficiency of quantum machines driven by nonequilibrium incoherent
reservoirs" (arXiv:2006.16397); equation numbers are theirs. Energies, temperatures (k_BT) and chemical potentials are in one
unit of energy ε₀; particle rates are in ε₀/h, energy rates in ε₀²/h, entropy rates in k_B ε₀/h. Flows are positive *into* a
reservoir.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.integrate import quad_vec
from scipy.special import expit

Array = NDArray[np.float64]
Spectrum = Callable[[float], float | Array]
"""A function of energy: an occupation, a transmittance, a flow per energy."""

Statistics = Literal["fermions", "bosons"]


def entropy_per_particle(occupation: ArrayLike, statistics: Statistics = "fermions") -> Array:
    """Entropy ln(1/f ± 1), in k_B, that one more particle adds to levels of this occupation (eq. 6).

    The result has the shape of ``occupation``. It is infinite at f = 0, and minus infinity at f = 1 for fermions.

    Raises:
        ValueError: if an occupation is negative, or above 1 for fermions, or ``statistics`` has another value.
    """
    if statistics not in ("fermions", "bosons"):
        raise ValueError(f"statistics = {statistics!r}: give 'fermions' or 'bosons'")
    f = np.asarray(occupation, dtype=float)
    highest = 1.0 if statistics == "fermions" else math.inf
    wrong = f[~((f >= 0) & (f <= highest))]
    if wrong.size:
        raise ValueError(f"occupation = {wrong[0]:g}: {statistics} occupy a level between 0 and {highest:g} times")
    with np.errstate(divide="ignore"):
        return np.asarray(np.log1p(-f) - np.log(f) if statistics == "fermions" else np.log1p(f) - np.log(f))


def effective_temperature(
    energy: ArrayLike, occupation: ArrayLike, fermi_energy: float, statistics: Statistics = "fermions"
) -> Array:
    """Temperature k_B T_eff(ε) = (ε - ε_F)/ln(1/f ± 1) of an equilibrium reservoir with this occupation (eq. A9).

    It is negative where levels are inverted, and nan (0/0) at ε = ε_F of a reservoir in equilibrium.

    Raises:
        ValueError: for the occupations that ``entropy_per_particle`` rejects.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(
            (np.asarray(energy, dtype=float) - fermi_energy) / entropy_per_particle(occupation, statistics)
        )


@dataclass(frozen=True)
class Equilibrium:
    """Fermi–Dirac or Bose–Einstein occupation, a function of energy.

    Attributes:
        temperature: k_BT.
        chemical_potential: μ; for bosons it must lie below every energy.
        statistics: of the particles.
    """

    temperature: float
    chemical_potential: float = 0.0
    statistics: Statistics = "fermions"

    def __post_init__(self) -> None:
        if not (self.temperature > 0 and math.isfinite(self.temperature)):
            raise ValueError(f"temperature = {self.temperature}: must be positive and finite")
        if not math.isfinite(self.chemical_potential):
            raise ValueError(f"chemical_potential = {self.chemical_potential}: must be finite")

    def __call__(self, energy: ArrayLike) -> Array:
        """Occupation, in the shape of ``energy``.

        Raises:
            ValueError: for bosons, if an energy is at or below the chemical potential.
        """
        x = (np.asarray(energy, dtype=float) - self.chemical_potential) / self.temperature
        if self.statistics == "fermions":
            return np.asarray(expit(-x))
        if np.any(x <= 0):
            raise ValueError(f"chemical_potential = {self.chemical_potential}: must lie below all energies of bosons")
        # e^x would overflow far above the chemical potential, where hardly any boson is.
        return np.asarray(np.exp(-x) / -np.expm1(-x))


@dataclass(frozen=True)
class Inflow:
    """Flows into a reservoir: ``particles``, ``energy`` and ``entropy`` per time."""

    particles: float
    energy: float
    entropy: float

    def heat(self, chemical_potential: float) -> float:
        """Heat per time J = U̇ - μ ṅ; the entropy flow into a reservoir in equilibrium at μ and T is J/T (eq. 7)."""
        return self.energy - chemical_potential * self.particles

    def free_energy(self, temperature: float, chemical_potential: float) -> float:
        """Free energy gained per time, ΔE_l = U̇ - μ₀ṅ - T₀Ṡ (eq. 14); negative if the reservoir is a source of power.

        Args:
            temperature: k_BT₀ of the environment.
            chemical_potential: μ₀ of the environment.
        """
        return self.heat(chemical_potential) - temperature * self.entropy


def inflow(
    flow: Spectrum, occupation: Spectrum, windows: Iterable[tuple[float, float]], statistics: Statistics = "fermions"
) -> Inflow:
    """Particles, energy and entropy carried by a flow ṅ(ε) into a reservoir of occupation f(ε) (eq. 6).

    Args:
        flow: ṅ(ε), particles per time and energy.
        occupation: f(ε) of the reservoir that receives them.
        windows: intervals of energy outside which nothing flows.
        statistics: of the particles.

    Raises:
        ValueError: for the occupations that ``entropy_per_particle`` rejects.
    """

    def moments(energy: float) -> Array:
        brought, flowing = float(entropy_per_particle(occupation(energy), statistics)), float(flow(energy))
        # An empty or full level would take infinite entropy; if nothing flows it takes none.
        return np.array([flowing, energy * flowing, brought * flowing if flowing else 0.0])

    total = sum((quad_vec(moments, low, high, epsrel=1e-11)[0] for low, high in windows), np.zeros(3))
    return Inflow(*map(float, total))


def landauer_inflow(
    occupation: Spectrum,
    others: Sequence[tuple[Spectrum, Spectrum]],
    windows: Iterable[tuple[float, float]],
    statistics: Statistics = "fermions",
) -> Inflow:
    """Ballistic currents into a reservoir, ṅ(ε) = Σ_α T_α(ε) [f_α(ε) - f(ε)] (eqs. 17, 18, C1), for either statistics.

    Pauli blocking and stimulated emission cancel in the difference of two flows, so only the entropy depends on the statistics.

    Args:
        occupation: f(ε) of the reservoir.
        others: for each other reservoir, the transmittance T_α(ε) and the occupation f_α(ε).
        windows: intervals of energy outside which every transmittance vanishes, and inside which each is smooth.
        statistics: of the particles.

    Raises:
        ValueError: for the occupations that ``entropy_per_particle`` rejects.
    """
    return inflow(
        lambda energy: sum(through(energy) * (f(energy) - occupation(energy)) for through, f in others),
        occupation,
        windows,
        statistics,
    )


Machine = Literal["motor", "pump", "heat engine", "heat pump"]


@dataclass(frozen=True)
class Balance:
    """Powers of a machine, or its energies over one cycle, in the terms of eq. 13; their sum cannot be positive.

    Attributes:
        work: W_F, done by the machine on its mechanical partner.
        chemical: Σ_r ṅ_r δμ_r with δμ_r = μ_r - μ₀, the work stored by moving particles to higher chemical potential.
        thermal: Σ_r J_r δT_r/T_r with δT_r = T_r - T₀, the work equivalent of heat moved to another temperature.
        free_energy: Σ_l ΔE_l, gained by the nonequilibrium reservoirs.
    """

    work: float = 0.0
    chemical: float = 0.0
    thermal: float = 0.0
    free_energy: float = 0.0

    def dissipation(self) -> float:
        """T₀ times the entropy produced (eq. 11), never negative."""
        return -(self.work + self.chemical + self.thermal + self.free_energy)

    def efficiency(self, machine: Machine) -> float:
        """Output divided by input, at most 1 (eqs. 15, 16).

        Raises:
            ValueError: if there is no output, if a term that this machine does not have is not zero, or if the sum of the
                terms is positive, against the second law. Both allow for rounding, 10⁻¹² of the largest term.
        """
        output, absent = _TERMS[machine]
        terms = {name: getattr(self, name) for name in ("work", "chemical", "thermal", "free_energy")}
        unknown = [f"{name} = {value}: must be a number" for name, value in terms.items() if math.isnan(value)]
        if unknown:
            raise ValueError("; ".join(unknown))
        rounding = _ROUNDING * max(abs(value) for value in terms.values() if math.isfinite(value))
        if terms[output] <= rounding:
            raise ValueError(f"{output} = {terms[output]:g}: a {machine} has a positive one")
        if abs(terms[absent]) > rounding:
            raise ValueError(f"{absent} = {terms[absent]:g}: must be 0 in a {machine}")
        dissipation = self.dissipation()
        if dissipation < -rounding:
            given = " + ".join(f"{name} = {value:g}" for name, value in terms.items() if value)
            raise ValueError(f"{given}: add up to {-dissipation:g}, but the output cannot exceed the input")
        # The entropy production is the difference of input and output.
        return float(terms[output] / (terms[output] + max(dissipation, 0.0)))


# Terms of a balance are sums of flows that cancel. Below this fraction of the largest term they are rounding errors.
_ROUNDING = 1e-12

# Output of each machine, and the flow that it does not have.
_TERMS: Mapping[Machine, tuple[str, str]] = {
    "motor": ("work", "thermal"),
    "pump": ("chemical", "thermal"),
    "heat engine": ("work", "chemical"),
    "heat pump": ("thermal", "chemical"),
}
