"""Atoms of a LAMMPS data file, and what follows from them by plain sums: a second opinion on what LAMMPS reports."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.constants import bar, elementary_charge

from analysis.units import ATOMIC_MASS, BOLTZMANN
from simulation.study.fields import Study

Array = NDArray[np.float64]

BAR = bar * 1e-30 / elementary_charge
"""eV/Å³."""


@dataclass(frozen=True)
class Atoms:
    """Some atoms: types (n,), positions within the box and as they moved there (n, 3), velocities (n, 3), box edges (3,)."""

    types: NDArray[np.int64]
    wrapped: Array
    unwrapped: Array
    velocities: Array
    box: Array

    def of(self, *types: int) -> Atoms:
        """Those of some types."""
        chosen = np.isin(self.types, types)
        return Atoms(
            self.types[chosen], self.wrapped[chosen], self.unwrapped[chosen], self.velocities[chosen], self.box
        )

    @property
    def mass_u(self) -> Array:
        """Masses, shape (n, 1)."""
        return np.where(self.types <= 2, 39.948, 63.546)[:, None]

    @property
    def kinetic_eV(self) -> float:
        """Kinetic energy."""
        return float((self.mass_u * self.velocities**2).sum() * ATOMIC_MASS / 2)

    def temperature_K(self, about_mean: bool) -> float:
        """Of all 3N degrees of freedom, or of the 3N − 3 of the motion about the common one."""
        n = len(self.types)
        motion = self.velocities - about_mean * self.velocities.mean(axis=0)
        energy = float((self.mass_u * motion**2).sum() * ATOMIC_MASS)
        return energy / ((3 * n - 3 * about_mean) * BOLTZMANN)


def read_atoms(file: Path) -> Atoms:
    """The atoms of a LAMMPS data file in the layout `molecular`, in the order of their ids."""
    head, _, rest = file.read_text(encoding="utf-8").partition("\nAtoms # molecular\n")
    places, _, moves = rest.partition("\nVelocities\n")
    edges = [line.split()[:2] for line in head.splitlines() if line.endswith("hi")]
    box = np.ptp(np.array(edges, dtype=float), axis=1)
    atoms, velocities = (np.loadtxt(block.splitlines()) for block in (places, moves))
    atoms, velocities = atoms[np.argsort(atoms[:, 0])], velocities[np.argsort(velocities[:, 0])]
    wrapped = atoms[:, 3:6]
    return Atoms(atoms[:, 2].astype(np.int64), wrapped, wrapped + atoms[:, 6:9] * box, velocities[:, 1:], box)


def pair_energy_and_virial(atoms: Atoms, study: Study, periodic_x: bool = False) -> tuple[float, float]:
    """Energy (eV) of one side's Lennard-Jones pairs, shifted to 0 at the cutoff, and the virial of its fluid atoms (eV).

    The virial of an atom is half of Σ r·F over its pairs. Wall atoms do not interact with each other.
    """
    materials, cutoff = study.materials, study.materials.cutoff_A
    kind = np.where(atoms.types <= 2, 0, 1)
    side = "cold" if atoms.types.min() % 2 else "hot"
    fluid, unlike = study.fluid(side), study.unlike(side)
    epsilon = np.array([[fluid.epsilon_eV, unlike.epsilon_eV], [unlike.epsilon_eV, materials.metal.epsilon_eV]])
    sigma = np.array([[fluid.sigma_A, unlike.sigma_A], [unlike.sigma_A, materials.metal.sigma_A]])
    is_periodic = np.array([periodic_x, True, True])
    energy = virial = 0.0
    for index in range(len(kind) - 1):
        apart = atoms.wrapped[index + 1 :] - atoms.wrapped[index]
        apart -= atoms.box * is_periodic * np.round(apart / atoms.box)
        distance = np.linalg.norm(apart, axis=1)
        both_wall = (atoms.types[index] >= 5) & (atoms.types[index + 1 :] >= 5)
        near = np.flatnonzero((distance < cutoff) & ~both_wall)
        other = kind[index + 1 :][near]
        e, s = epsilon[kind[index], other], sigma[kind[index], other]
        sixth, at_cutoff = (s / distance[near]) ** 6, (s / cutoff) ** 6
        energy += float((4 * e * (sixth**2 - sixth - at_cutoff**2 + at_cutoff)).sum())
        fluid = ((kind[index] == 0).astype(float) + (other == 0)) / 2
        virial += float((fluid * 24 * e * (2 * sixth**2 - sixth)).sum())
    return energy, virial
