"""Conversions: metal units against the SI numbers that the paper states."""

from numpy.testing import assert_allclose
from scipy import constants

from analysis import units


def test_constants_are_those_of_codata() -> None:
    """What is written out, so that no plan waits for SciPy, is what SciPy has."""
    assert_allclose(units.BOLTZMANN, constants.k / constants.e, rtol=1e-15)
    assert_allclose(units.MASS_SI, constants.e * constants.pico**2 / constants.angstrom**2, rtol=1e-15)
    assert_allclose(units.ATOMIC_MASS, constants.atomic_mass / units.MASS_SI, rtol=1e-15)


def test_metal_units_reproduce_the_papers_si_numbers() -> None:
    """186 copper atoms weigh 1.96e-23 kg, κ = 1 eV/nm² is 0.16021 J/m² and 1.16 k_B T_C/Å²."""
    mass = 186 * 63.546 * units.ATOMIC_MASS
    assert_allclose(mass, 1.225, atol=5e-4)
    assert_allclose(mass * units.MASS_SI, 1.963e-23, rtol=1e-3)
    assert_allclose(0.01 * units.STIFFNESS_SI, 0.16021, atol=2e-5)
    assert_allclose(0.01 / (units.BOLTZMANN * 100), 1.16, atol=1e-3)


def test_conversions_belong_to_one_system() -> None:
    """Force is friction times velocity and a rate is stiffness over friction, in SI as in metal units."""
    assert_allclose(units.FRICTION_SI * units.VELOCITY_SI, units.FORCE_SI, rtol=1e-14)
    assert_allclose(units.STIFFNESS_SI / units.FRICTION_SI, 1e12, rtol=1e-14)
    assert_allclose(units.ATOMIC_MASS * units.MASS_SI, 1.66053907e-27, rtol=1e-8)


def test_timescales_of_the_paper() -> None:
    """At 3.5e-12 kg/s the momentum relaxes in 5.61 ps and the position in the trap in 21.8 ps."""
    friction = 3.5e-12 / units.FRICTION_SI
    assert_allclose(186 * 63.546 * units.ATOMIC_MASS / friction, 5.61, atol=5e-3)
    assert_allclose(friction / 0.01, 21.8, atol=0.05)
