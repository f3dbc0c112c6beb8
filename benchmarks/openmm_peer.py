"""The same system and demon in OpenMM's CPU platform: the Lennard-Jones fluid and metal, traps, thermostats and a Python force.

OpenMM is not among nanofridge's own packages; envs/requirements-bench.in names it.
"""

from __future__ import annotations

import json
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.constants import physical_constants

from simulation.study.fields import Study
from simulation.study.files import check_study
from simulation.study.section import SIDES

KJ_PER_EV = float(physical_constants["electron volt-joule relationship"][0]) * 6.02214076e23 / 1000
GAP_NM = 2.0
"""The hot side is moved away by more than the cutoff: no pair across the wall, as the deck has it by excluding types."""


def atoms_of(topology: Path) -> tuple[NDArray[np.int_], NDArray[np.float64]]:
    """Types (n,) and positions (n, 3), Å, of the atoms of a data file of this project."""
    import MDAnalysis

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about bonds and names that the file does not have
        atoms = MDAnalysis.Universe(str(topology), topology_format="DATA").atoms
    return atoms.types.astype(int), atoms.positions.astype(float)


def simulation(study: Study, topology: Path, threads: int) -> Any:
    """An OpenMM context of a study's point 4.80, from the positions in a LAMMPS data file."""
    import openmm
    from openmm import unit

    types, positions = atoms_of(topology)
    order = np.arange(types.size)
    edge = study.edge_A / 10
    place = positions / 10
    place[types % 2 == 0, 0] += GAP_NM  # types 2, 4 and 6 are the hot side
    system = openmm.System()
    system.setDefaultPeriodicBoxVectors((2 * (edge + GAP_NM), 0, 0), (0, edge, 0), (0, 0, edge))
    pairs = openmm.NonbondedForce()
    pairs.setNonbondedMethod(openmm.NonbondedForce.CutoffPeriodic)
    pairs.setCutoffDistance(study.materials.cutoff_A / 10)
    pairs.setUseDispersionCorrection(False)
    for kind in types:
        species = study.fluid(SIDES[kind - 1]) if kind < 3 else study.materials.metal
        system.addParticle(0.0 if kind > 4 else species.mass_u)  # a mass of 0 holds the walls
        pairs.addParticle(0.0, species.sigma_A / 10, species.epsilon_eV * KJ_PER_EV)
    system.addForce(pairs)

    sides = {"cold": order[types == 3], "hot": order[types == 4]}
    centre = {side: np.array(study.trap_centre_A(side)) / 10 for side in sides}
    centre["hot"][0] += GAP_NM
    stiffness = study.stiffness_eV_per_A2("x") * KJ_PER_EV * 100
    for side, particle in sides.items():
        trap = openmm.CustomCentroidBondForce(1, "0.5*k*((x1-x0)^2+(y1-y0)^2+(z1-z0)^2)")
        for name in ("k", "x0", "y0", "z0"):
            trap.addPerBondParameter(name)
        trap.addGroup(particle.tolist())
        trap.addBond([0], [stiffness, *centre[side]])
        system.addForce(trap)
    system.addForce(_demon(study, sides, centre))

    integrator = openmm.NoseHooverIntegrator(study.integration.timestep_fs * unit.femtosecond)
    for kind, temperature in ((1, study.baths.temperature_cold_K), (2, study.baths.temperature_hot_K)):
        bath = order[types == kind].tolist()
        # Argon only; relative motion of pairs has no thermostat, as there are no pairs.
        integrator.addSubsystemThermostat(
            bath, [], temperature, 1 / study.baths.thermostat_damping_ps, temperature, 1.0, 3, 3, 3
        )
    platform = openmm.Platform.getPlatformByName("CPU")
    context = openmm.Context(system, integrator, platform, {"Threads": str(threads)})
    context.setPositions(place)
    context.setVelocitiesToTemperature((study.baths.temperature_cold_K + study.baths.temperature_hot_K) / 2, 1)
    return context


def _demon(study: Study, sides: dict[str, Any], centre: dict[str, Any]) -> Any:
    import openmm
    from openmm import unit

    atoms = study.nanoparticle.atoms
    kappa = [
        coupling * KJ_PER_EV * 100
        for coupling in (study.demon.coupling_cold_eV_per_A2, study.coupling_hot_eV_per_A2("4.80"))
    ]
    mask = np.array([float(axis in study.demon.coupling_axes) for axis in "xyz"])

    def push(state: Any) -> tuple[float, Any]:
        place = state.getPositions(asNumpy=True).value_in_unit(unit.nanometer)
        cold = place[:atoms].mean(axis=0) - centre["cold"]
        hot = place[atoms:].mean(axis=0) - centre["hot"]
        forces = np.empty((2 * atoms, 3))
        forces[:atoms] = kappa[0] * mask * (hot - cold) / atoms
        forces[atoms:] = kappa[1] * mask * (cold - hot) / atoms
        return 0.0, forces

    force = openmm.PythonForce(push)
    force.setParticles([*sides["cold"].tolist(), *sides["hot"].tolist()])
    return force


def measure(study: Study, topology: Path, threads: int, steps: int) -> dict[str, float]:
    """CPU and wall time of a stretch of steps, after a tenth of it to warm up."""
    context = simulation(study, topology, threads)
    context.getIntegrator().step(max(steps // 10, 1))
    wall, cpu = time.perf_counter(), time.process_time()
    context.getIntegrator().step(steps)
    context.getState(getEnergy=True)  # waits for the last step
    return {
        "wall_s": time.perf_counter() - wall,
        "cpu_s": (time.process_time() - cpu) / threads,
        "fixes_share": float("nan"),
        "steps": steps,
        "atoms": context.getSystem().getNumParticles(),
        "neighbours_per_atom": float("nan"),
    }


if __name__ == "__main__":
    task = json.loads(sys.argv[1])
    print(
        json.dumps(
            measure(check_study("benchmark", task["study"]), Path(task["topology"]), task["threads"], task["steps"])
        )
    )
