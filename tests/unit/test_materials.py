"""Materials by name, and which fluids are liquid: numbers against what else is known of these substances."""

from __future__ import annotations

import math
from typing import Any

import pytest
from MDAnalysis.guesser.tables import masses
from scipy.constants import physical_constants
from scipy.integrate import quad

from simulation.experiments import experiment_at, experiments
from simulation.study.fields import Study, StudyError
from simulation.study.files import check_study
from simulation.study.liquid import (
    critical_temperature,
    density_at,
    freezing_density,
    melting_density,
    saturated_density,
    stiffness,
    triple_temperature,
)
from simulation.study.materials import FLUIDS, METALS

BOLTZMANN = physical_constants["Boltzmann constant in eV/K"][0]
CRITICAL_K = {"argon": 150.7, "neon": 44.5, "krypton": 209.5, "xenon": 289.7, "methane": 190.6}
"""Measured critical temperatures (NIST Chemistry WebBook)."""
COHESIVE_EV = {"copper": 3.49, "silver": 2.95, "gold": 3.81, "platinum": 5.84, "nickel": 4.44, "aluminium": 3.39}
"""Measured cohesive energies per atom (C. Kittel, Introduction to Solid State Physics)."""
LATTICE_SUM_ENERGY, LATTICE_SUM_EDGE = 8.61, 1.5418
"""Energy per atom, in ε, and lattice constant, in σ, of an fcc crystal of Lennard-Jones atoms at rest."""


def study(**sections: Any) -> Study:
    """A study at the density of the paper in reduced units unless told otherwise."""
    return check_study("example", {"baths": {"fluid_atoms": 25280}} | sections)


def problems(**sections: Any) -> str:
    """What is wrong with it."""
    with pytest.raises(StudyError) as caught:
        study(**sections)
    return "\n".join(caught.value.problems)


@pytest.mark.parametrize("name", FLUIDS)
def test_fluids_boil_where_the_substance_does(name: str) -> None:
    """The critical temperature of endless Lennard-Jones forces, 1.312 ε/k, is that of the substance within a tenth."""
    epsilon_K = FLUIDS[name].epsilon_eV / BOLTZMANN
    assert 1.312 * epsilon_K == pytest.approx(CRITICAL_K[name], rel=0.1)


@pytest.mark.parametrize("name", METALS)
def test_metals_hold_together_as_the_metal_does(name: str) -> None:
    """Cohesive energy and lattice constant are those of the Lennard-Jones crystal within 2 %."""
    metal = METALS[name]
    assert LATTICE_SUM_ENERGY * metal.epsilon_eV == pytest.approx(COHESIVE_EV[name], rel=0.02)
    assert LATTICE_SUM_EDGE * metal.sigma_A == pytest.approx(metal.lattice_A, rel=0.01)


@pytest.mark.parametrize("name", [*FLUIDS, *METALS])
def test_masses_are_those_of_the_elements(name: str) -> None:
    """As MDAnalysis has them; methane is one carbon and four hydrogens."""
    species = FLUIDS.get(name) or METALS[name]
    table = {symbol.upper(): mass for symbol, mass in masses.items()}
    mass = table["C"] + 4 * table["H"] if name == "methane" else table[species.symbol.upper()]
    assert species.mass_u == pytest.approx(mass, abs=0.01)


def test_names_are_their_numbers() -> None:
    """A study with names has the runs of one with the same numbers; argon and copper are what a study has anyway."""
    usual, named = study(), study(materials={"fluid": "argon", "metal": "copper"})
    assert [run.fingerprint for run in experiments(usual)] == [run.fingerprint for run in experiments(named)]
    krypton, silver = FLUIDS["krypton"].model_dump(), METALS["silver"].model_dump()
    baths = {"accessible_density_per_nm3": 16, "temperature_cold_K": 140, "temperature_hot_K": 170}
    by_name = study(materials={"fluid": "krypton", "metal": "silver"}, baths=baths)
    by_number = study(materials={"fluid": krypton, "metal": silver}, baths=baths)
    assert [run.fingerprint for run in experiments(by_name)] == [run.fingerprint for run in experiments(by_number)]
    assert by_name.materials.cutoff_A == 2.5 * 3.60
    assert by_name.particle_mass_eV_ps2_per_A2 / usual.particle_mass_eV_ps2_per_A2 == pytest.approx(107.868 / 63.546)


def test_baths_may_differ() -> None:
    """Each side has its fluid, its density and the volume that this fluid can reach; twice the same is one."""
    mixed = study(
        materials={"fluid": {"cold": "argon", "hot": "krypton"}},
        baths={
            "accessible_density_per_nm3": {"cold": "19.5", "hot": "16.5"},
            "temperature_cold_K": 115,
            "temperature_hot_K": 130,
        },
    )
    assert [mixed.fluid(side).symbol for side in ("cold", "hot")] == ["Ar", "Kr"]
    radius = 2.236 * 3.61
    for side, density, sigma in (("cold", 19.5, (3.405 + 2.338) / 2), ("hot", 16.5, (3.60 + 2.338) / 2)):
        reached = 110**2 * (110 - sigma) - 4 / 3 * math.pi * (radius + sigma / 2) ** 3
        assert mixed.fluid_atoms(side) == round(density * reached / 1000)
    system = experiment_at(mixed, "friction", 1).describe()["system"]
    assert system["accessible_density_per_nm3"] == pytest.approx({"cold": 19.5, "hot": 16.5}, abs=1e-3)
    # The forces of both reach 2.5 σ at least, whichever side has the wider atoms.
    turned = study(
        materials={"fluid": {"cold": "krypton", "hot": "argon"}},
        baths={"accessible_density_per_nm3": {"cold": 16.5, "hot": 19.5}},
        limits={"liquid": False},
    )
    assert mixed.materials.cutoff_A == turned.materials.cutoff_A == 2.5 * 3.60
    assert study(materials={"fluid": {"cold": "argon", "hot": "argon"}}) == study()
    unlike = {"cold": {"epsilon_eV": 0.05, "sigma_A": 2.9}, "hot": {"epsilon_eV": 0.06, "sigma_A": 3.1}}
    stated = study(materials={"fluid_metal": unlike})
    assert {side: stated.unlike(side).model_dump() for side in unlike} == unlike


@pytest.mark.parametrize(
    ("sections", "message"),
    [
        (
            {"materials": {"fluid": "water"}},
            "materials.fluid = 'water': no such material: use argon, neon, krypton, xenon",
        ),
        ({"materials": {"metal": "argon"}}, "materials.metal = 'argon': no such material: use copper, silver"),
        ({"materials": {"fluid": {"cold": "argon"}}}, "lacks the hot bath: write both"),
        ({"materials": {"fluid": {"cold": "argon", "hot": {"mass_u": 1}}}}, "materials.fluid.hot.sigma_A is missing"),
        ({"materials": {"fluid": {"mass_u": 40, "sigma_A": 3}}}, "materials.fluid.epsilon_eV is missing: add it"),
        ({"baths": {"fluid_atoms": {"cold": 25280, "hot": "many"}}}, "baths.fluid_atoms.hot = 'many'"),
        ({"baths": {"fluid_atoms": 25280, "temperature_hot_K": 140}}, "at kT/ε = 1.16 it is above its critical point"),
        ({"baths": {"fluid_atoms": 25280, "temperature_cold_K": 70}}, "at kT/ε = 0.58 it freezes"),
        (
            {"baths": {"fluid_atoms": 15000}},
            "baths.fluid_atoms = 15000: 15000 fluid atoms do not fill a bath of edge_nm = 11 with liquid",
        ),
        (
            {"materials": {"fluid": "xenon"}},
            "it freezes. With forces cut at 2.50 σ it is liquid from kT/ε = 0.64 to 1.08",
        ),
    ],
)
def test_what_cannot_be_a_liquid_is_refused(sections: dict[str, Any], message: str) -> None:
    """By field, value, reduced temperature or density, and the cure; likewise wrong names."""
    found = problems(**sections)
    assert message in found
    assert len(found.splitlines()) <= 2  # one for each side


def test_density_within_the_limits_is_a_liquid() -> None:
    """The cure of the message is a good study, a hundredth less is not, and whoever wants a gas may have it."""
    found = problems(baths={"fluid_atoms": 15000})
    enough = int(found.partition(": use ")[2].split()[0])
    assert study(baths={"fluid_atoms": enough}).fluid_atoms("hot") == enough
    assert problems(baths={"fluid_atoms": round(0.99 * enough)})
    gas: dict[str, Any] = {"fluid_atoms": 200, "temperature_hot_K": 500}
    for allowed in ({"limits": {"liquid": False}}, {"engine": "langevin"}):
        assert study(baths=gas, **allowed).fluid_atoms("cold") == 200


def test_phase_diagram_has_the_published_points() -> None:
    """Critical and triple point and the densities there, from other simulations than the formulas are fitted to."""
    # Triple point of endless Lennard-Jones forces: 0.694, with 0.845 (liquid) and 0.960 (crystal).
    assert freezing_density(0.694) == pytest.approx(0.845, abs=0.002)
    assert melting_density(0.694) == pytest.approx(0.960, abs=0.002)
    # Liquid at a pressure as low as its vapour's, cut and shifted at 2.5 σ: 500 atoms in LAMMPS, fix npt at 0.02 ε/σ³.
    for temperature, density in ((0.70, 0.7882), (0.83, 0.7126), (0.90, 0.6644)):
        assert saturated_density(temperature, 2.5) == pytest.approx(density, rel=0.005)
    assert critical_temperature(2.5) == pytest.approx(1.0779)
    assert critical_temperature(100) == pytest.approx(1.312, abs=1e-3)
    assert 0.6 < triple_temperature(2.5) < triple_temperature(6) < 0.72
    for cutoff in (2.5, 6):
        triple = triple_temperature(cutoff)
        assert saturated_density(triple, cutoff) == pytest.approx(freezing_density(triple), abs=1e-6)
    assert saturated_density(2.0, 2.5) == saturated_density(1.0779, 2.5) == pytest.approx(0.319)


@pytest.mark.parametrize("cutoff", [1.5, 2.0, 3.0, 4.0, 6.0])
def test_critical_temperature_follows_the_attraction_that_is_left(cutoff: float) -> None:
    """In a straight line through those at 2.5 σ and of endless forces; attraction by quadrature of -(u - u(r_c)) r²."""

    def attraction(end: float) -> float:
        def u(r: float) -> float:
            return 4 * (r**-12 - r**-6)

        shift = 0.0 if math.isinf(end) else u(end)
        return float(quad(lambda r: -(u(r) - shift) * r**2, 1, end)[0])

    endless, usual, own = (attraction(end) for end in (math.inf, 2.5, cutoff))
    line = 1.312 + (1.0779 - 1.312) * (endless - own) / (endless - usual)
    assert critical_temperature(cutoff) == pytest.approx(line, rel=1e-6)


@pytest.mark.parametrize(
    ("kelvin", "density_per_nm3", "bar_per_per_nm3"),
    [
        (100, 17.5, 69.0),
        (100, 18.5, 115.0),
        (100, 20.0, 210.0),
        (120, 17.0, 86.2),
        (120, 18.5, 158.3),
        (120, 20.0, 265.1),
    ],
)
def test_stiffness_of_argon_is_that_of_the_equation_of_state(
    kelvin: float, density_per_nm3: float, bar_per_per_nm3: float
) -> None:
    """PeTS, evaluated with `feos`; elsewhere it is at least that of an ideal gas."""
    density, unit = density_per_nm3 * 0.3405**3, 0.0104 * 1602176.634 / 1000
    assert unit * stiffness(density, BOLTZMANN * kelvin / 0.0104) == pytest.approx(bar_per_per_nm3, rel=0.06)
    assert stiffness(0.01, 3.0) >= 3.0


@pytest.mark.parametrize("pressure", [-0.3, 0.05, 1.0, 8.0, 12.0])
def test_density_at_a_pressure_is_that_at_which_compression_reaches_it(pressure: float) -> None:
    """From the liquid beside its vapour on: ∫ (dp/dρ) dρ is the pressure, up to the densest that is looked at."""
    start = saturated_density(0.8, 2.5)
    density = density_at(pressure, 0.8, 2.5)
    assert (density > start) == (pressure > 0)
    reached = quad(lambda rho: stiffness(rho, 0.8), start, density)[0]
    step = 1e-3 * stiffness(density, 0.8)
    assert reached == pytest.approx(pressure, abs=1.1 * step + 0.01 * abs(pressure))
    assert density_at(1e3, 0.8, 2.5) == pytest.approx(1.1, abs=2e-3)
    assert density_at(-1e3, 0.8, 2.5) == pytest.approx(0.2, abs=2e-3)
