"""Every column of a short real run read back, side by side and axis by axis, against atoms, study and plain sums."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analysis.data.universe import universe
from analysis.units import BOLTZMANN
from simulation.engines.lammps import open_lammps, tell
from simulation.engines.output import in_molecular_layout
from simulation.engines.ranks import Ranks
from simulation.experiments.baths import Baths
from simulation.experiments.machine import Machine
from simulation.perform import perform
from simulation.storage.files import RESTART, SERIES, TOPOLOGY
from simulation.study.fields import THERMOSTATS, Study
from simulation.study.section import SIDES
from tests.md.atoms import BAR, pair_energy_and_virial, read_atoms
from tests.md.conftest import machine, skip_unless_it_runs, small_study, started_for

pytestmark = pytest.mark.md

TYPES = {"cold": (1, 3, 5), "hot": (2, 4, 6)}
"""Fluid, particle and walls of each side."""
CENTRES = {"cold": (18.0, 18.0, 18.0), "hot": (54.0, 18.0, 18.0)}
"""Middles of the two baths of 36 Å: where the traps are."""
OTHER = {"cold": "hot", "hot": "cold"}
KAPPA = {"cold": 0.1, "hot": 0.48}


def seen_at_every_step() -> Study:
    """The small study, sampled at every step, in segments of 0.2 ps."""
    schedule = {"relaxation_ps": 0.2, "sweep_ns": 0.0004, "friction_ns": 0.0004, "segment_ps": 0.2}
    return small_study(
        schedule=schedule | {"sample_every_ps": 0.004, "trajectory_every_ps": 0.02}, drag={"forces_nN": []}
    )


@pytest.fixture(scope="module")
def folder(start: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of 0.4 ps in two segments."""
    place = tmp_path_factory.mktemp("columns")
    study = seen_at_every_step()
    perform(machine(study), place / "run", Ranks(1), started_for(study, start, place / "start"))
    return place / "run"


@pytest.fixture(scope="module")
def series(folder: Path) -> pd.DataFrame:
    """Its series."""
    return pd.read_parquet(folder / SERIES)


def axes_of(series: pd.DataFrame, name: str, side: str, unit: str) -> Any:
    """The three columns of a vector of one side, shape (n, 3)."""
    return series[[f"{name}_{side}_{axis}_{unit}" for axis in "xyz"]].to_numpy()


def test_clock_begins_where_the_measurement_does(series: pd.DataFrame) -> None:
    """The first row is step 0, whatever went before, and time is steps of 4 fs."""
    assert series["step"].tolist() == list(range(101))
    np.testing.assert_allclose(series["time_ps"], 0.004 * np.arange(101), rtol=1e-12)


@pytest.mark.parametrize("side", SIDES)
def test_positions_are_centres_of_mass_from_the_middle_of_the_bath(
    side: str, folder: Path, series: pd.DataFrame
) -> None:
    """In every frame of the trajectory, along each axis, to the trajectory's single precision."""
    atoms = universe(folder)
    particle = atoms.select_atoms(f"segid {side} and resname particle")
    centres = np.array([particle.center_of_geometry() for _ in atoms.trajectory]) - CENTRES[side]
    assert [round(frame.time / 0.004) for frame in atoms.trajectory] == list(range(0, 101, 5))
    np.testing.assert_allclose(centres, axes_of(series, "position", side, "A")[::5], rtol=0, atol=2e-5)
    assert np.abs(centres).min(axis=0).max() > 1e-3, "the particle is at its trap: nothing was compared"


@pytest.mark.parametrize("side", SIDES)
def test_velocities_are_those_of_the_positions(side: str, series: pd.DataFrame) -> None:
    """Along each axis the velocity is the central difference of the position, at the same instant."""
    position, velocity = axes_of(series, "position", side, "A"), axes_of(series, "velocity", side, "A_per_ps")
    central = (position[2:] - position[:-2]) / 0.008
    assert np.abs(central - velocity[1:-1]).max() < 0.01 * np.abs(velocity).max()
    for axis in range(3):
        assert np.corrcoef(central[:, axis], velocity[1:-1, axis])[0, 1] > 0.999


@pytest.mark.parametrize("side", SIDES)
def test_trap_energy_is_that_of_the_spring(side: str, series: pd.DataFrame) -> None:
    """κ/2 |X|² of this side's particle."""
    position = axes_of(series, "position", side, "A")
    np.testing.assert_allclose(series[f"trap_{side}_eV"], 0.01 / 2 * (position**2).sum(axis=1), rtol=1e-9)


@pytest.mark.parametrize("side", SIDES)
def test_work_is_force_times_way_along_each_axis(side: str, series: pd.DataFrame) -> None:
    """Σ κ (X_other − X)·dX along the path that was recorded, to rounding, through the seam of two segments."""
    position, other = (axes_of(series, "position", who, "A") for who in (side, OTHER[side]))
    force = KAPPA[side] * (other - position)
    work = np.cumsum((force[1:] + force[:-1]) / 2 * np.diff(position, axis=0), axis=0)
    recorded = axes_of(series, "work", side, "eV")
    assert (recorded[0] == 0).all()
    np.testing.assert_allclose(recorded[1:], work, rtol=0, atol=1e-12)
    assert np.ptp(work, axis=0).min() > 1e-7


@pytest.mark.parametrize("side", SIDES)
def test_last_row_is_that_of_the_atoms_it_ends_with(side: str, folder: Path, series: pd.DataFrame) -> None:
    """Position, velocity, temperatures, energy and pressure of one side, from its own atoms by sums over pairs."""
    study, last = seen_at_every_step(), series.iloc[-1]
    atoms = read_atoms(folder / TOPOLOGY).of(*TYPES[side])
    fluid, particle = atoms.of(*TYPES[side][:1]), atoms.of(TYPES[side][1])
    assert (len(fluid.types), len(particle.types)) == (study.fluid_atoms(side), 186)
    place = particle.unwrapped.mean(axis=0) - CENTRES[side]
    np.testing.assert_allclose(axes_of(series, "position", side, "A")[-1], place, rtol=0, atol=1e-9)
    np.testing.assert_allclose(
        axes_of(series, "velocity", side, "A_per_ps")[-1], particle.velocities.mean(axis=0), rtol=0, atol=1e-9
    )
    assert last[f"temperature_{side}_K"] == pytest.approx(fluid.temperature_K(about_mean=False), rel=1e-5)
    assert last[f"internal_temperature_{side}_K"] == pytest.approx(particle.temperature_K(about_mean=True), rel=1e-5)
    pairs, virial = pair_energy_and_virial(atoms, study)
    assert last[f"energy_{side}_eV"] == pytest.approx(atoms.kinetic_eV + pairs, abs=2e-5)
    ideal = len(fluid.types) * BOLTZMANN * fluid.temperature_K(about_mean=False)
    pressure = (ideal + virial / 3) / study.accessible_volume_A3(side) / BAR
    assert last[f"pressure_{side}_bar"] == pytest.approx(pressure, rel=1e-4)


def test_internal_temperature_is_that_of_the_motion_about_the_centre_of_mass(start: Path, tmp_path: Path) -> None:
    """Whatever the particle's drift: a drift of 1 Å/ps would be 950 K if it counted as heat."""
    run = Machine(small_study(), 1, None)
    with open_lammps(tmp_path, Ranks(1)) as lmp:
        tell(lmp, run.deck(run.pieces()[1], str(start / RESTART)))
        before = {side: value(lmp, f"internal_temperature_{side}") for side in SIDES}
        tell(lmp, "velocity particle_hot set 1.0 NULL NULL sum yes\n")
        after = {side: value(lmp, f"internal_temperature_{side}") for side in SIDES}
    assert after == pytest.approx(before, rel=1e-9)
    assert before["cold"] != before["hot"]


def value(lmp: Any, variable: str) -> float:
    """A variable of the deck, evaluated at this instant."""
    tell(lmp, "run 0 post no\n")
    return float(lmp.extract_variable(variable))


def test_fresh_velocities_are_as_warm_as_each_bath(start: Path, tmp_path: Path) -> None:
    """A run begins with velocities of its own at its own side's temperature, fluid and particle alike, and walls at rest."""
    baths = {"temperature_cold_K": 70, "temperature_hot_K": 150}
    study = small_study(baths=baths, schedule={"friction_replicas": 2}, limits={"liquid": False})
    drawn = []
    for replica in (1, 2):
        run = Machine(study, replica, None)
        (tmp_path / str(replica)).mkdir()
        with open_lammps(tmp_path / str(replica), Ranks(1)) as lmp:
            tell(lmp, run.deck(run.pieces()[0], str(start / RESTART)) + f"\nrun 0\nwrite_data {TOPOLOGY} nocoeff\n")
        written = tmp_path / str(replica) / TOPOLOGY
        written.write_text(in_molecular_layout(written.read_text(encoding="utf-8")), encoding="utf-8")
        atoms = read_atoms(written)
        for side in SIDES:
            fluid, particle, walls = (atoms.of(kind) for kind in TYPES[side])
            wanted = pytest.approx(baths[f"temperature_{side}_K"], rel=1e-4)
            # LAMMPS gives what it draws just this temperature, over 3N − 3 degrees of freedom.
            for body in (fluid, particle):
                assert body.temperature_K(about_mean=False) * 3 * len(body.types) / (3 * len(body.types) - 3) == wanted
            assert (walls.velocities == 0).all()
        assert (
            np.abs(np.corrcoef(atoms.of(1).velocities[:400].ravel(), atoms.of(2).velocities[:400].ravel())[0, 1]) < 0.2
        )
        drawn.append(atoms.of(1).velocities)
    assert np.abs(np.corrcoef(drawn[0].ravel(), drawn[1].ravel())[0, 1]) < 0.2


@pytest.mark.parametrize("thermostat", THERMOSTATS)
def test_thermostat_takes_what_is_too_warm_and_gives_what_is_too_cold(
    thermostat: str, start: Path, tmp_path: Path
) -> None:
    """With both fluids at 110 K, that of the bath of 50 K takes energy, and that of the bath of 200 K gives it."""
    skip_unless_it_runs(thermostat)
    baths = {"temperature_cold_K": 50, "temperature_hot_K": 200, "thermostat": thermostat}
    run = Machine(small_study(baths=baths, limits={"liquid": False}), 1, None)
    with open_lammps(tmp_path, Ranks(1)) as lmp:
        tell(lmp, run.deck(run.pieces()[1], str(start / RESTART)))
        tell(lmp, "velocity fluid_cold scale 110\nvelocity fluid_hot scale 110\nrun 0\n")
        before = {side: lmp.extract_variable(f"thermostat_{side}") for side in SIDES}
        tell(lmp, "run 150\n")
        taken = {side: lmp.extract_variable(f"thermostat_{side}") - before[side] for side in SIDES}
        warm = {side: lmp.extract_variable(f"temperature_{side}") for side in SIDES}
    assert taken["cold"] > 0.3
    assert taken["hot"] < -0.3
    assert warm["cold"] < 105
    assert warm["hot"] > 115


def test_baths_columns_are_those_of_their_own_side(start: Path) -> None:
    """The equilibration's last row, too, is that of each side's own atoms; the order is that of the lattice's waves."""
    series = pd.read_parquet(start / SERIES)
    study, last = small_study(), series.iloc[-1]
    for side in SIDES:
        atoms = read_atoms(start / TOPOLOGY).of(*TYPES[side])
        fluid, particle = atoms.of(TYPES[side][0]), atoms.of(TYPES[side][1])
        assert last[f"temperature_{side}_K"] == pytest.approx(fluid.temperature_K(about_mean=False), rel=1e-5)
        assert last[f"internal_temperature_{side}_K"] == pytest.approx(
            particle.temperature_K(about_mean=True), rel=1e-5
        )
        pairs, _ = pair_energy_and_virial(atoms, study)
        assert last[f"energy_{side}_eV"] == pytest.approx(atoms.kinetic_eV + pairs, abs=2e-5)
    assert [column.series_name for column in Baths(study, 1).columns()] == list(series.columns[2:])
