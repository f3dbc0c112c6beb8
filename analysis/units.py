"""Conversions between LAMMPS *metal* units, in which the package computes, and SI. Nothing else converts.

``value_in_SI = value_in_metal * FRICTION_SI``, and so for the other constants named ``*_SI``.
"""

from scipy.constants import angstrom, atomic_mass, electron_volt, physical_constants, pico

BOLTZMANN = float(physical_constants["Boltzmann constant in eV/K"][0])
"""k_B, eV/K."""

ATOMIC_MASS = atomic_mass / (electron_volt * pico**2 / angstrom**2)
"""One atomic mass unit in eV ps²/Å²."""

MASS_SI = electron_volt * pico**2 / angstrom**2
"""kg per eV ps²/Å²."""

FRICTION_SI = electron_volt * pico / angstrom**2
"""kg/s per eV ps/Å²."""

STIFFNESS_SI = electron_volt / angstrom**2
"""N/m per eV/Å²."""

FORCE_SI = electron_volt / angstrom
"""N per eV/Å."""

VELOCITY_SI = angstrom / pico
"""m/s per Å/ps."""

PER_NS = 1e3
"""Rates per ns from rates per ps, as in eV/ns per eV/ps."""
