"""Materials: Lennard-Jones fluids and fcc metals by name, with their sources, or by user-defined numbers."""

from __future__ import annotations

import contextlib
import math
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, model_validator

from analysis.units import BOLTZMANN
from simulation.study.section import SIDES, PerSide, Positive, Section, of_side, or_say

CUTOFF_SIGMA = 2.5
"""Default range of the forces of a fluid by name, in units of its σ; the larger range for two fluids."""


class Species(Section):
    """Lennard-Jones parameters and mass of one kind of atom."""

    mass_u: Positive
    """Atomic mass."""
    epsilon_eV: Positive
    """Lennard-Jones well depth between like atoms."""
    sigma_A: Positive
    """Lennard-Jones diameter between like atoms."""

    symbol: Annotated[
        str,
        Field(pattern=r"^[A-Z][A-Za-z0-9]{0,3}$"),
        or_say("write a capital letter and up to three letters or digits, such as Ar or CH4"),
    ] = "X"
    """Name of the atoms in analysis and pictures, such as `Ar`; derived from the mass by default. No effect on the physics."""

    @model_validator(mode="before")
    @classmethod
    def _name_by_mass(cls, data: Any) -> Any:
        if isinstance(data, dict) and "symbol" not in data:
            with contextlib.suppress(TypeError, ValueError):
                mass = float(data.get("mass_u", math.nan))
                known = [*FLUIDS.values(), *METALS.values()]
                near = [species.symbol for species in known if abs(species.mass_u - mass) < 0.3]
                return data | {"symbol": near[0]} if near else data
        return data


class Metal(Species):
    """A species that forms an fcc crystal, from which particles and walls are built."""

    lattice_A: Positive
    """The fcc lattice constant."""


def _fluid(symbol: str, mass_u: float, epsilon_K: float, sigma_A: float) -> Species:
    return Species(symbol=symbol, mass_u=mass_u, epsilon_eV=round(epsilon_K * BOLTZMANN, 6), sigma_A=sigma_A)


def _metal(symbol: str, mass_u: float, epsilon_K: float, sigma_A: float, lattice_A: float) -> Metal:
    epsilon = round(epsilon_K * BOLTZMANN, 4)
    return Metal(symbol=symbol, mass_u=mass_u, epsilon_eV=epsilon, sigma_A=sigma_A, lattice_A=lattice_A)


FLUIDS: dict[str, Species] = {
    "argon": Species(symbol="Ar", mass_u=39.948, epsilon_eV=0.0104, sigma_A=3.405),
    "neon": _fluid("Ne", 20.180, 34.9, 2.78),
    "krypton": _fluid("Kr", 83.798, 171.0, 3.60),
    "xenon": _fluid("Xe", 131.293, 221.0, 4.10),
    "methane": _fluid("CH4", 16.043, 148.2, 3.817),
}
"""Argon as in Loos et al., Sci. Rep. 13, 4517 (2023); the others from second virial coefficients: J. O. Hirschfelder, C. F.
Curtiss & R. B. Bird, Molecular Theory of Gases and Liquids (Wiley, 1954), table I-A, where argon has 119.8 K (0.01032 eV) and
3.405 Å. A methane molecule is represented by one atom."""

METALS: dict[str, Metal] = {
    "copper": Metal(symbol="Cu", mass_u=63.546, epsilon_eV=0.4093, sigma_A=2.338, lattice_A=3.61),
    "silver": _metal("Ag", 107.868, 4007.1, 2.6376, 4.09),
    "gold": _metal("Au", 196.967, 5152.9, 2.6367, 4.08),
    "platinum": _metal("Pt", 195.084, 7908.7, 2.5354, 3.92),
    "nickel": _metal("Ni", 58.693, 6022.3, 2.2808, 3.52),
    "aluminium": _metal("Al", 26.982, 4577.6, 2.6175, 4.05),
}
"""Copper as in Loos et al.; the others are fitted to crystals: S. Zhen & G. J. Davies, phys. stat. sol. (a) 78, 595 (1983),
exponents 12 and 6, where copper has 4733.5 K (0.4079 eV) and 2.3374 Å. Lattice constants at room temperature."""


def _of_fluid(value: Any) -> Any:
    return _by_name(value, FLUIDS)


def _of_metal(value: Any) -> Any:
    return _by_name(value, METALS)


def _by_name(value: Any, known: dict[str, Any]) -> Any:
    if not isinstance(value, str):
        return value
    if value not in known:
        raise ValueError(f"no such material: use {', '.join(known)}, or your own numbers (config/README.md)")
    return dict(known[value])


_FluidName = Annotated[str, Field(json_schema_extra={"enum": list(FLUIDS)})]
_MetalName = Annotated[str, Field(json_schema_extra={"enum": list(METALS)})]

NamedFluid = Annotated[Species, BeforeValidator(_of_fluid, json_schema_input_type=Species | _FluidName)]
NamedMetal = Annotated[Metal, BeforeValidator(_of_metal, json_schema_input_type=Metal | _MetalName)]


class UnlikePair(Section):
    """Lennard-Jones parameters between atoms of two kinds."""

    epsilon_eV: Positive
    """Lennard-Jones well depth."""
    sigma_A: Positive
    """Lennard-Jones diameter."""


def _usual_cutoff(fields: dict[str, Any]) -> float:
    """2.5 σ of fluids by name, and of argon where numbers are given, which keeps finished runs valid."""
    fluids = [of_side(fields["fluid"], side) for side in SIDES]
    named = [fluid if fluid in FLUIDS.values() else FLUIDS["argon"] for fluid in fluids]
    return round(CUTOFF_SIGMA * max(fluid.sigma_A for fluid in named), 9)


class Materials(Section):
    """The kinds of atoms and the range of their interaction; unlike pairs follow Lorentz-Berthelot by default."""

    fluid: PerSide[NamedFluid] = Field(default="argon", validate_default=True)
    """The baths: a name (below), or numbers such as `{mass_u: 39.948, epsilon_eV: 0.0104, sigma_A: 3.405, symbol: Ar}`; one \
for each bath as `{cold: argon, hot: krypton}`. (Older study files call it `argon`.)"""
    metal: NamedMetal = Field(default="copper", validate_default=True)
    """The particles and the walls: a name (below), or numbers such as `{mass_u: 63.546, epsilon_eV: 0.4093, sigma_A: 2.338, \
lattice_A: 3.61, symbol: Cu}`, where `lattice_A` is the fcc lattice constant. (Older study files call it `copper`.)"""
    fluid_metal: PerSide[UnlikePair] | None = None
    """`{epsilon_eV: …, sigma_A: …}` between fluid and metal, instead of Lorentz-Berthelot mixing. (Formerly `argon_copper`.)"""
    cutoff_A: Positive = Field(default_factory=_usual_cutoff)
    """Range of the Lennard-Jones forces, shifted to zero there; by default 2.5 σ of a fluid by name, 8.5125 for numbers."""

    def unlike(self, side: str) -> UnlikePair:
        """Between the fluid of one bath and the metal: as given, or by the Lorentz-Berthelot rule."""
        if self.fluid_metal is not None:
            return of_side(self.fluid_metal, side)
        fluid = of_side(self.fluid, side)
        return UnlikePair(
            epsilon_eV=math.sqrt(fluid.epsilon_eV * self.metal.epsilon_eV),
            sigma_A=(fluid.sigma_A + self.metal.sigma_A) / 2,
        )
