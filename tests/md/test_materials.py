"""Other materials in LAMMPS: systems that differ in their units alone move alike, and named ones run from build to analysis."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analysis.data.runs import load_run
from analysis.data.universe import universe
from analysis.structure.profiles import structure
from simulation.engines.lammps import open_lammps, tell
from simulation.engines.ranks import Ranks
from simulation.experiments.baths import Baths
from simulation.perform import perform
from simulation.storage.files import RESTART, SERIES
from simulation.study.fields import Study
from tests.md.conftest import machine, record_of, small_study, started_for

pytestmark = pytest.mark.md

LENGTH, ENERGY, MASS = 1.13, 1.41, 2.3
"""By what a system is larger, stiffer and heavier than another."""
TIME = LENGTH * math.sqrt(MASS / ENERGY)
UNITS = {
    "A": LENGTH,
    "A_per_ps": LENGTH / TIME,
    "eV": ENERGY,
    "K": ENERGY,
    "bar": ENERGY / LENGTH**3,
}
"""By what values in each unit are larger then."""
SHORT = {
    "equilibration_ps": 1.0,
    "relaxation_ps": 0.2,
    "friction_ns": 0.0004,
    "sweep_ns": 0.0004,
    "sample_every_ps": 0.02,
    "trajectory_every_ps": 0.2,
    "segment_ps": 0.2,
}
"""A hundred steps."""


def scaled() -> Study:
    """The small study in other units: every length, energy and mass of it, and with them times and temperatures."""
    usual = small_study()

    def species(atom: Any) -> dict[str, float]:
        numbers = {
            "mass_u": atom.mass_u * MASS,
            "epsilon_eV": atom.epsilon_eV * ENERGY,
            "sigma_A": atom.sigma_A * LENGTH,
        }
        return numbers | ({"lattice_A": atom.lattice_A * LENGTH} if hasattr(atom, "lattice_A") else {})

    return small_study(
        materials={
            "fluid": species(usual.fluid("cold")),
            "metal": species(usual.materials.metal),
            "cutoff_A": usual.materials.cutoff_A * LENGTH,
        },
        baths={
            "edge_nm": 3.6 * LENGTH,
            "accessible_density_per_nm3": 19.56 / LENGTH**3,
            "temperature_cold_K": 100 * ENERGY,
            "temperature_hot_K": 120 * ENERGY,
            "thermostat_damping_ps": TIME,
        },
        trap={"stiffness_eV_per_A2": 0.01 * ENERGY / LENGTH**2},
        demon={"coupling_cold_eV_per_A2": 0.1 * ENERGY / LENGTH**2},
        integration={"timestep_fs": 4 * TIME, "neighbour_skin_A": 0.8 * LENGTH},
        schedule={name: length * TIME for name, length in SHORT.items()},
        drag={"forces_nN": []},
    )


def state_of(study: Study, start: Path, folder: Path, length: float) -> Path:
    """A restart file with the places of a start, larger by a factor, and no memory of thermostats, in the units of a study."""
    low, high, edge = -length, length * (2 * small_study().edge_A + 1), length * small_study().edge_A
    with open_lammps(folder, Ranks(1)) as lmp:
        tell(
            lmp,
            f"read_restart {start / RESTART}\n"
            f"change_box all x final {low} {high} y final 0 {edge} z final 0 {edge} remap\n"
            # A restart file holds these, too.
            f"timestep {study.timestep_ps}\n"
            f"mass 1*2 {study.fluid('cold').mass_u}\nmass 3*6 {study.materials.metal.mass_u}\n"
            f"write_restart {RESTART}\n",
        )
    return folder / RESTART


def test_systems_in_corresponding_states_go_the_same_way(start: Path, tmp_path: Path) -> None:
    """From the same state in reduced units, with the same random numbers, motion, heat and work agree to rounding."""
    usual, other = small_study(schedule=SHORT), scaled()
    assert other.fluid_atoms("cold") == usual.fluid_atoms("cold")
    series = []
    for name, study, length in (("usual", usual, 1.0), ("other", other, LENGTH)):
        (folder := tmp_path / name).mkdir()
        begins = started_for(study, start, folder / "start", state_of(study, start, folder, length))
        perform(machine(study), folder / "run", Ranks(1), begins)
        series.append(pd.read_parquet(folder / "run" / SERIES))
    one, two = series
    assert len(one) == 21
    for column in machine(usual).columns():
        expected = one[column.series_name].to_numpy() * UNITS[column.unit]
        change = np.ptp(expected)
        assert change > 0, column.name
        np.testing.assert_allclose(two[column.series_name], expected, rtol=0, atol=1e-6 * change, err_msg=column.name)


def test_silver_in_argon_and_krypton(tmp_path: Path) -> None:
    """Two fluids and another metal by name: built, molten, run, read back by element, and found sound by the analysis."""
    study = small_study(
        materials={"fluid": {"cold": "argon", "hot": "krypton"}, "metal": "silver", "cutoff_A": 8.8},
        baths={
            "accessible_density_per_nm3": {"cold": 19.5, "hot": 16.5},
            "temperature_cold_K": 115,
            "temperature_hot_K": 135,
        },
        schedule=SHORT,
        limits={"particle_temperature": 1},
    )
    perform(Baths(study, 1), tmp_path / "start", Ranks(1))
    run = machine(study)
    perform(run, tmp_path / "run", Ranks(1), tmp_path / "start")
    content = record_of(tmp_path / "run")
    assert content["system"]["fluid_atoms_per_bath"] == {side: study.fluid_atoms(side) for side in ("cold", "hot")}
    atoms = universe(tmp_path / "run")
    for symbol, side, mass in (("Ar", "cold", 39.948), ("Kr", "hot", 83.798)):
        found = atoms.select_atoms(f"element {symbol}")
        assert set(found.segids) == {side}
        assert len(found) == study.fluid_atoms(side)
        np.testing.assert_allclose(found.masses, mass)
    silver = atoms.select_atoms("resname particle")
    assert (set(silver.names), len(silver)) == ({"Ag"}, 2 * 186)
    np.testing.assert_allclose(silver.masses, 107.868)
    assert structure([load_run(tmp_path / "run")]).is_sound
