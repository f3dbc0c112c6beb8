"""A fluid with memory, in which some atoms are bonded into chains (K. Kremer & G. S. Grest, J. Chem. Phys. 92, 5057 (1990))."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from analysis.units import ATOMIC_MASS
from simulation.study.materials import Species
from simulation.study.section import Positive, Section

STIFFNESS, LONGEST, REST = 30.0, 1.5, 0.97
"""The bond of Kremer and Grest: K in ε/σ²; longest FENE bond, in σ; distance of bonded atoms and harmonic rest length, in σ."""

TRIALS = 4000
"""Positions tried to determine an excluded volume, which is then known to about 3 %."""


class Chains(Section):
    """Linear chains of bonded fluid atoms: docs/how-to/baths.md."""

    fraction: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Fraction of the fluid's atoms that are in chains; 0 for a simple fluid."""
    atoms: Annotated[int, Field(ge=2, le=100)] = 10
    """Atoms in each chain."""
    bond: Literal["fene", "harmonic"] = "fene"
    """Bond style of LAMMPS."""
    stiffness_eV_per_A2: Positive | None = None
    """K of that style; by default 30 ε/σ² of the fluid."""
    length_A: Positive | None = None
    """Longest bond (`fene`) or rest length (`harmonic`); by default 1.5 σ or 0.97 σ of the fluid."""

    def of(self, fluid: Species, fluid_atoms: int) -> Chain:
        """The chains of a bath with this number of atoms of a fluid."""
        sigma = fluid.sigma_A
        return Chain(
            bond=self.bond,
            atoms=self.atoms,
            count=round(self.fraction * fluid_atoms / self.atoms),
            stiffness=self.stiffness_eV_per_A2 or STIFFNESS * fluid.epsilon_eV / sigma**2,
            length=self.length_A or (LONGEST if self.bond == "fene" else REST) * sigma,
            fluid=fluid,
        )


@dataclass(frozen=True)
class Chain:
    """The chains of one bath.

    Attributes:
        bond: bond style of LAMMPS.
        atoms: number of atoms in each chain.
        count: number of chains.
        stiffness: K of the bond style, eV/Å².
        length: longest bond (FENE) or rest length (harmonic), Å.
        fluid: species of their atoms.
    """

    bond: str
    atoms: int
    count: int
    stiffness: float
    length: float
    fluid: Species

    @property
    def bonds(self) -> int:
        """Number of bonds in all chains."""
        return self.count * (self.atoms - 1)

    @property
    def coefficients(self) -> str:
        """Arguments of the LAMMPS command `bond_coeff`."""
        own = f"{self.stiffness:.8g} {self.length:.8g}"
        return f"{own} {self.fluid.epsilon_eV} {self.fluid.sigma_A}" if self.bond == "fene" else own

    @property
    def spacing_A(self) -> float:
        """Distance of neighbours in a newly built chain."""
        return self.length if self.bond == "harmonic" else min(REST * self.fluid.sigma_A, 0.9 * self.length)

    @property
    def places_A(self) -> list[tuple[float, float, float]]:
        """Initial positions of the atoms of a chain relative to its middle: folded into a square, so that it is small."""
        width = math.ceil(math.sqrt(self.atoms))
        rows = [divmod(index, width) for index in range(self.atoms)]
        sites = [(row, column if row % 2 == 0 else width - 1 - column) for row, column in rows]
        middle = [sum(values) / self.atoms for values in zip(*sites, strict=True)]
        return [
            (round((x - middle[0]) * self.spacing_A, 6), round((y - middle[1]) * self.spacing_A, 6), 0.0)
            for x, y in sites
        ]

    @property
    def reach_A(self) -> float:
        """Distance of the outermost atom from the middle."""
        return max(math.hypot(*place) for place in self.places_A)

    def excluded_volume_A3(self, apart: float) -> float:
        """Volume around a chain in which the middle of another one cannot be: it would have atoms nearer than `apart` (Å)."""
        return _excluded_volume(tuple(self.places_A), self.reach_A, apart)

    @property
    def period_ps(self) -> float:
        """Vibration period of a bond."""
        if self.bond == "harmonic":
            curvature = 2 * self.stiffness
        else:
            sigma, r = self.fluid.sigma_A, self.spacing_A
            x, y = (r / self.length) ** 2, (sigma / r) ** 6
            curvature = self.stiffness * (1 + x) / (1 - x) ** 2 + 24 * self.fluid.epsilon_eV * y * (26 * y - 7) / r**2
        return 2 * math.pi * math.sqrt(self.fluid.mass_u * ATOMIC_MASS / 2 / curvature)


@cache
def _excluded_volume(places: tuple[tuple[float, float, float], ...], reach: float, apart: float) -> float:
    """This volume by sampling, for chains as they are placed: folded, and turned at random."""
    random = np.random.default_rng(2023)
    own, radius, overlaps = np.array(places), 2 * reach + apart, 0
    for _ in range(TRIALS // 100):  # in parts, for the memory
        middle = _turned(np.array([[1.0, 0.0, 0.0]]), 100, random) * radius * random.random((100, 1, 1)) ** (1 / 3)
        others = middle + _turned(own, 100, random)
        squares = (others**2).sum(axis=2)[:, :, None] + (own**2).sum(axis=1) - 2 * others @ own.T
        overlaps += int((squares.min(axis=(1, 2)) < apart**2).sum())
    return overlaps / TRIALS * 4 / 3 * math.pi * radius**3


def _turned(points: NDArray[np.float64], count: int, random: np.random.Generator) -> NDArray[np.float64]:
    """Points of shape (n, 3) turned at random about the origin `count` times, shape (count, n, 3)."""
    w, x, y, z = (quaternion := random.standard_normal((4, count))) / np.linalg.norm(quaternion, axis=0)
    turns = np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )
    return np.asarray(np.einsum("ijn,kj->nki", turns, points))
