"""Particles in liquid baths with nonreciprocal forces: the nanodemon, and any network of this kind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from analysis.mechanisms.nonreciprocal import NonreciprocalNetwork, transient
from analysis.mechanisms.sweep import Course, Solution
from analysis.units import ATOMIC_MASS, BOLTZMANN, FRICTION_SI
from simulation.study.machines.sections import MachineFields, Name, Number, Positive, Times
from simulation.study.section import Section


class ParticleFields(Section):
    """One particle in a trap."""

    bath: Name
    """Its bath."""
    mass_u: Positive = 186 * 63.546
    """Its mass; the default is that of the copper sphere of 186 atoms in the paper."""
    friction_kg_per_s: Positive = 3.5e-12
    """Its friction in the liquid; the default is that of the paper."""
    trap_eV_per_A2: Number = 0.01
    """Stiffness of its trap; the default is that of the paper."""


class PullFields(Section):
    """A force on one particle towards another, without reaction."""

    pulled: Name
    """The particle on which the force acts."""
    towards: Name
    """The particle to which the force points."""
    strength_eV_per_A2: Number
    """Force divided by distance."""


class ParticleBathFields(Section):
    """One liquid bath."""

    temperature_K: Positive
    """Its temperature."""


class ParticleNetworkFields(MachineFields):
    """Particles in liquid baths, with forces of a controller: mechanisms/nonreciprocal.md. Motion along one axis."""

    machine: Literal["particle-network"]
    baths: Annotated[Mapping[Name, ParticleBathFields], Field(min_length=1)]
    """The baths by name."""
    particles: Annotated[Mapping[Name, ParticleFields], Field(min_length=1)]
    """The particles by name."""
    pulls: tuple[PullFields, ...]
    """The forces; several between the same two particles are added."""
    evolution: Times | None = None
    """Time evolution from the start of the forces, with the values of the file; times in ps."""

    def build(self) -> NonreciprocalNetwork:
        """The machine.

        Raises:
            ValueError: if a pull or a particle has an unknown name, or a bath is empty.
        """
        names, baths = list(self.particles), list(self.baths)
        pulled = [
            (f"pulls.{i}.{end}", getattr(p, end)) for i, p in enumerate(self.pulls) for end in ("pulled", "towards")
        ]
        wrong = [
            f"{place} = {name}: is none of the particles {', '.join(names)}"
            for place, name in pulled
            if name not in names
        ]
        wrong += [
            f"pulls.{i}: {p.pulled} is pulled towards itself" for i, p in enumerate(self.pulls) if p.pulled == p.towards
        ]
        wrong += [
            f"particles.{name}.bath = {each.bath}: is none of the baths {', '.join(baths)}"
            for name, each in self.particles.items()
            if each.bath not in baths
        ]
        used = {each.bath for each in self.particles.values()}
        wrong += [f"baths.{name}: no particle is in it; remove it" for name in baths if name not in used]
        if wrong:
            raise ValueError("; ".join(wrong))
        couplings = np.zeros((len(names), len(names)))
        for pull in self.pulls:
            couplings[names.index(pull.pulled), names.index(pull.towards)] += pull.strength_eV_per_A2
        particles = self.particles.values()
        return NonreciprocalNetwork(
            couplings=couplings,
            mass=[each.mass_u * ATOMIC_MASS for each in particles],
            friction=[each.friction_kg_per_s / FRICTION_SI for each in particles],
            trap=[each.trap_eV_per_A2 for each in particles],
            temperature=[bath.temperature_K for bath in self.baths.values()],
            bath=[baths.index(each.bath) for each in particles],
        )

    def solve(self) -> Solution:
        """Currents in eV/ns, and the kinetic temperature of each particle."""
        machine = self.build()
        currents = replace(machine.bath_currents(), baths=tuple(self.baths)).scaled(1e3, "eV/ns")
        n = machine.masses.size
        moving = machine.masses * np.diagonal(machine.covariance())[n:] / BOLTZMANN
        return Solution(
            currents, {f"particle_temperature_{n}_K": float(t) for n, t in zip(self.particles, moving, strict=True)}
        )

    def course(self) -> Course | None:
        """Heat into each bath, work on each particle and its kinetic temperature."""
        if self.evolution is None:
            return None
        machine = self.build()
        found = transient(machine, self.evolution.times())
        moving = found.effective_temperatures(machine.masses)
        series = {
            "heat into bath, eV/ns": {n: 1e3 * found.heat[:, i] for i, n in enumerate(self.baths)},
            "work on particle, eV/ns": {n: 1e3 * found.work[:, i] for i, n in enumerate(self.particles)},
            "temperature of particle, K": {n: moving[:, i] for i, n in enumerate(self.particles)},
        }
        return Course(found.time, series, "ps", logarithmic=self.evolution.spacing == "logarithmic")
