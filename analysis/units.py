"""Conversions between LAMMPS *metal* units, in which the package computes, and SI. Nothing else converts.

``value_in_SI = value_in_metal * FRICTION_SI``, and so for the other constants named ``*_SI``.
"""

# CODATA 2022, as in scipy.constants, which takes longer to load than a study to plan.
_ELECTRON_VOLT = 1.602176634e-19
_ANGSTROM, _PICO = 1e-10, 1e-12

BOLTZMANN = 1.380649e-23 / _ELECTRON_VOLT
"""k_B, eV/K."""

MASS_SI = _ELECTRON_VOLT * _PICO**2 / _ANGSTROM**2
"""kg per eV ps²/Å²."""

ATOMIC_MASS = 1.66053906892e-27 / MASS_SI
"""One atomic mass unit in eV ps²/Å²."""

FRICTION_SI = _ELECTRON_VOLT * _PICO / _ANGSTROM**2
"""kg/s per eV ps/Å²."""

STIFFNESS_SI = _ELECTRON_VOLT / _ANGSTROM**2
"""N/m per eV/Å²."""

FORCE_SI = _ELECTRON_VOLT / _ANGSTROM
"""N per eV/Å."""

VELOCITY_SI = _ANGSTROM / _PICO
"""m/s per Å/ps."""

PER_NS = 1e3
"""Rates per ns from rates per ps, as in eV/ns per eV/ps."""
