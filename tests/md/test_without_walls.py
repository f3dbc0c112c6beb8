"""Baths without walls: both fill one periodic cube, do not see each other, stay in place, and are read as having equal axes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from analysis.data.runs import load_run
from analysis.data.universe import universe
from analysis.figures.setup import draw_setup
from analysis.structure.profiles import structure
from simulation.engines.lammps import open_lammps, tell
from simulation.engines.ranks import Ranks
from simulation.experiments.baths import Baths
from simulation.experiments.machine import Machine
from simulation.perform import perform
from simulation.storage.files import RESTART, SERIES
from simulation.study.fields import Study
from tests.md.conftest import machine, record_of, segments_in, small_study

pytestmark = pytest.mark.md


def study() -> Study:
    """The small study without walls."""
    return small_study(baths={"walls": "none"}, limits={"particle_temperature": 0.3})


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its baths, and a run at κ_H/κ_C = 4.80."""
    folder = tmp_path_factory.mktemp("no_walls")
    perform(Baths(study(), 1), folder / "start", Ranks(1))
    perform(machine(study()), folder / "run", Ranks(1), folder / "start")
    return folder


def test_cube_is_periodic_and_its_axes_are_alike(runs: Path) -> None:
    """No wall atoms, one cube for both baths, as many atoms as the particle leaves room for, and no axis of its own."""
    record, atoms = record_of(runs / "run"), universe(runs / "run")
    room = 36.0**3 - 4 / 3 * np.pi * (2.236 * 3.61 + (3.405 + 2.338) / 4) ** 3
    fluid = round(19.56e-3 * room)
    assert record["system"]["fluid_atoms_per_bath"] == fluid
    assert len(atoms.atoms) == 2 * (fluid + 186) == machine(study()).atoms
    np.testing.assert_allclose(atoms.dimensions[:3], 36.0)
    assert load_run(runs / "run").equivalent_axes == ("xyz",)


def test_energy_closes_on_each_side(runs: Path) -> None:
    """Thermostat, energy of the side, trap and work add up to a constant, the spring that holds the fluid included."""
    series = pd.read_parquet(runs / "run" / SERIES)
    for side in ("cold", "hot"):
        work = sum(series[f"work_{side}_{axis}_eV"] for axis in "xyz")
        total = series[f"thermostat_{side}_eV"] + series[f"energy_{side}_eV"] + series[f"trap_{side}_eV"] - work
        assert total.std() < 0.01
        assert series[f"energy_{side}_eV"].std() > 0.1  # what it is made of is not constant


def test_fluid_stays_where_it_is(runs: Path, tmp_path: Path) -> None:
    """The centre of mass of each fluid has not left the middle of the cube by more than a tenth of an ångström."""
    with open_lammps(tmp_path, Ranks(1)) as lmp:
        tell(lmp, f"read_restart {segments_in(runs / 'run')[-1] / RESTART}\ngroup cold type 1\ngroup hot type 2\n")
        for side in ("cold", "hot"):
            tell(lmp, "".join(f"variable {side}_{axis} equal xcm({side},{axis})\n" for axis in "xyz"))
            place = [float(lmp.extract_variable(f"{side}_{axis}")) for axis in "xyz"]
            np.testing.assert_allclose(place, 18.0, atol=0.1)


def test_pressures_of_both_sides_make_that_of_the_cube(runs: Path, tmp_path: Path) -> None:
    """LAMMPS's own pressure is of all atoms in the cube: the sum of what the columns say of either side."""
    run = Machine(study(), 1, None)
    deck = run.deck(run.pieces()[1], str(segments_in(runs / "run")[-1] / RESTART))
    with open_lammps(tmp_path, Ranks(1)) as lmp:
        tell(
            lmp,
            f"{deck}\ncompute warmth all temp\ncompute_modify warmth extra/dof 0\ncompute whole all pressure warmth\n",
        )
        tell(
            lmp,
            "variable whole equal c_whole\nthermo_style custom step c_whole v_pressure_cold v_pressure_hot\nrun 10\n",
        )
        cold, hot, whole = (lmp.extract_variable(name) for name in ("pressure_cold", "pressure_hot", "whole"))
        assert cold + hot == pytest.approx(whole, rel=1e-6)


def test_sides_share_the_cube_and_feel_nothing_of_each_other(runs: Path, tmp_path: Path) -> None:
    """A hot side that is stirred and heated leaves the cold one on its path, though their atoms are in the same place."""
    run = Machine(study(), 1, None)
    deck = run.deck(run.pieces()[1], str(segments_in(runs / "run")[-1] / RESTART))
    found: list[NDArray[np.float64]] = []
    for stirred in ("", "velocity fluid_hot scale 300\ndisplace_atoms particle_hot move 1 0 0 units box\n"):
        folder = tmp_path / str(len(found))
        folder.mkdir()
        with open_lammps(folder, Ranks(1)) as lmp:
            tell(lmp, f"{deck}\n{stirred}run 50\n")
            n = lmp.get_natoms()
            order = np.argsort(lmp.numpy.extract_atom("id")[:n])
            types = lmp.numpy.extract_atom("type")[:n][order]
            found.append(np.array(lmp.numpy.extract_atom("x")[:n])[order])
    cold = np.isin(types, (1, 3))
    np.testing.assert_allclose(found[0][cold], found[1][cold], rtol=0, atol=1e-9)
    assert np.abs(found[0][~cold] - found[1][~cold]).max() > 0.1


def test_analysis_reads_and_draws_it(runs: Path) -> None:
    """Structure without walls: nothing can leak, density along x is that of all the cube, and both baths are drawn."""
    run = load_run(runs / "run")
    found = structure([run])
    assert found.sides["cold"].walls is None
    assert (found.leaked_atoms, found.is_sound) == (0, True)
    for side in ("cold", "hot"):
        mean = np.mean(found.sides[side].density)
        assert mean == pytest.approx(study().fluid_atoms(side) / 3.6**3, rel=1e-6)
    atoms = [line for line in draw_setup(run).axes[0].lines if line.get_marker() == "o"]
    places = np.concatenate([np.asarray(line.get_xdata(), dtype=float) for line in atoms])
    assert -37 < places.min() < -30
    assert 30 < places.max() < 37
