"""Phase diagram of a Lennard-Jones fluid, in reduced temperature kT/ε and reduced density ρσ³: where it is a liquid.

Liquid-vapour equilibrium: J. Vrabec, G. K. Kedia, G. Fuchs & H. Hasse, Mol. Phys. 104, 1509 (2006), for forces cut
and shifted at 2.5 σ. Liquid-crystal equilibrium: E. A. Mastny & J. J. de Pablo, J. Chem. Phys. 127, 104504 (2007);
the cutoff has little effect there (J. R. Morris & X. Song, J. Chem. Phys. 116, 9352 (2002)).
"""

from __future__ import annotations

import math

CRITICAL_TEMPERATURE = 1.0779
"""For forces cut and shifted at 2.5 σ (Vrabec et al.)."""
CRITICAL_DENSITY = 0.3190
CRITICAL_TEMPERATURE_UNCUT = 1.312
"""For forces of infinite range (J. J. Potoff & A. Z. Panagiotopoulos, J. Chem. Phys. 109, 10914 (1998))."""

LEAST_TEMPERATURE = 0.6
"""Lowest kT/ε for which the densities of the liquid-crystal equilibrium are known."""

_SATURATED = (0.5649, 0.1314, 0.0413)
_FREEZING = (0.90735, -0.27120, 0.91784, -1.16270, 0.68012, -0.15284)
_MELTING = (0.908629, -0.041510, 0.514632, -0.708590, 0.428351, -0.095229)


def critical_temperature(cutoff: float) -> float:
    """Critical temperature kT/ε for forces cut and shifted at a distance.

    It is interpolated between the published values at 2.5 σ and at infinity in the attraction -∫u(r) r²dr from σ on, to which
    it is proportional in van der Waals' theory. That theory alone gives 1.069 at 2.5 σ.

    Args:
        cutoff: in units of σ; at least 1.5.
    """
    lost = (1 - _attraction(cutoff)) / (1 - _attraction(2.5))
    return CRITICAL_TEMPERATURE_UNCUT - (CRITICAL_TEMPERATURE_UNCUT - CRITICAL_TEMPERATURE) * lost


def _attraction(cutoff: float) -> float:
    """This integral, as a fraction of its value for infinite range."""
    third, ninth = (1 - cutoff**-3) / 3, (1 - cutoff**-9) / 9
    shift = (cutoff**-6 - cutoff**-12) * (cutoff**3 - 1) / 3
    return (third - ninth - shift) / (1 / 3 - 1 / 9)


def saturated_density(temperature: float, cutoff: float) -> float:
    """Reduced density of the liquid in equilibrium with its vapour; the critical density above the critical point.

    Args:
        temperature: kT/ε.
        cutoff: of the forces, in units of σ; other cutoffs than 2.5 scale the temperature by that of the critical point.
    """
    distance = max(CRITICAL_TEMPERATURE * (1 - temperature / critical_temperature(cutoff)), 0.0)
    powers = (distance ** (1 / 3), distance, distance**1.5)
    return float(CRITICAL_DENSITY + sum(factor * power for factor, power in zip(_SATURATED, powers, strict=True)))


def freezing_density(temperature: float) -> float:
    """Reduced density of the liquid in equilibrium with the crystal, for kT/ε of at least 0.6."""
    return _melting_line(temperature, _FREEZING)


def melting_density(temperature: float) -> float:
    """Reduced density of the crystal in equilibrium with the liquid: no liquid is denser."""
    return _melting_line(temperature, _MELTING)


def _melting_line(temperature: float, factors: tuple[float, ...]) -> float:
    return float(temperature**0.25 * sum(factor * temperature**-power for power, factor in enumerate(factors)))


def triple_temperature(cutoff: float) -> float:
    """kT/ε below which no liquid is stable: its densities in equilibrium with vapour and with crystal meet (0.635 at 2.5 σ).

    Args:
        cutoff: of the forces, in units of σ.
    """
    low, high = LEAST_TEMPERATURE, max(critical_temperature(cutoff), LEAST_TEMPERATURE)
    for _ in range(40):
        middle = (low + high) / 2
        is_frozen = saturated_density(middle, cutoff) > freezing_density(middle)
        low, high = (middle, high) if is_frozen else (low, middle)
    return high


def stiffness(density: float, temperature: float) -> float:
    """Derivative of the pressure of the liquid with respect to its density at constant temperature, in reduced units.

    Within 6 % that of the equation of state PeTS (M. Heier et al., Mol. Phys. 116, 2083 (2018)), for forces cut and shifted
    at 2.5 σ, kT/ε of 0.65 to 1.05, and densities of 0.5 to 0.95 at which it is above 2. Elsewhere it is a rough
    estimate, and at least that of an ideal gas. It determines the size of the steps in which a pressure is approached, and not
    the final state.
    """
    d, t = max(density, 0.5), temperature
    return max(128.1 - 386.75 * d + 275.3 * d**2 - 40.44 * t + 79.08 * t * d, t)


def density_at(pressure: float, temperature: float, cutoff: float) -> float:
    """Approximate reduced density of the liquid at a pressure, integrated from the liquid at coexistence with its vapour.

    Args:
        pressure: in units of ε/σ³.
        temperature: kT/ε.
        cutoff: of the forces, in units of σ.
    """
    density = saturated_density(temperature, cutoff)
    step = math.copysign(1e-3, pressure)
    passed = 0.0
    while abs(passed) < abs(pressure) and 0.2 < density < 1.1:
        passed += stiffness(density, temperature) * step
        density += step
    return density
