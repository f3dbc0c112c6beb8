"""A fluid with chains in real LAMMPS: whole chains where they belong, energy that closes, and the same bytes after a cut."""

from __future__ import annotations

import shutil
from pathlib import Path

import MDAnalysis
import numpy as np
import pandas as pd
import pytest

from analysis.data.universe import universe
from simulation.engines.ranks import Ranks
from simulation.experiments.baths import Baths
from simulation.experiments.drag import Drag
from simulation.perform import perform
from simulation.storage.files import SERIES, TOPOLOGY, TRAJECTORY
from tests.md.conftest import assert_same_bytes, machine, record_of, segments_in, small_study, thin_study

pytestmark = pytest.mark.md

ATOMS, CHAINS = 5, 6
STUDY = thin_study(
    baths={"chains": {"fraction": 0.5, "atoms": ATOMS}},
    schedule={"equilibration_ps": 0.8},
    limits={"particle_temperature": 2.0, "chain_size": 1.0},
    drag={"forces_nN": ["3.0"], "equilibration_ps": 0.2, "duration_ns": 0.0002},
)
"""30 of the 60 fluid atoms of each bath in six chains."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Baths with chains, and a run that begins from them."""
    place = tmp_path_factory.mktemp("chains")
    perform(Baths(STUDY, 1), place / "baths", Ranks(1))
    perform(machine(STUDY), place / "run", Ranks(1), place / "baths")
    return place


def test_chains_stay_whole_on_their_side(folder: Path) -> None:
    """All bonds of all chains, each shorter than FENE allows, between fluid atoms of one bath; the record counts the chains."""
    assert record_of(folder / "run")["system"]["chains_per_bath"] == CHAINS
    atoms = MDAnalysis.Universe(str(folder / "run" / TOPOLOGY), str(folder / "run" / TRAJECTORY))
    assert len(atoms.bonds) == 2 * CHAINS * (ATOMS - 1)
    assert len(atoms.trajectory) > 2
    for _ in atoms.trajectory:
        lengths = atoms.bonds.values(pbc=True)
        assert lengths.min() > 0.8 * 3.405
        assert lengths.max() < 1.5 * 3.405
    types = np.array([bond.atoms.types.astype(int) for bond in atoms.bonds])
    assert (types[:, 0] == types[:, 1]).all()
    assert np.bincount(types[:, 0]).tolist() == [0, CHAINS * (ATOMS - 1), CHAINS * (ATOMS - 1)]
    fragments = [len(fragment) for fragment in atoms.atoms.fragments if len(fragment) > 1]
    assert fragments == [ATOMS] * (2 * CHAINS)
    named = universe(folder / "run")
    for side, (low, high) in {"cold": (0, 30), "hot": (30, 60)}.items():
        place = named.select_atoms(f"segid {side} and resname bath").positions[:, 0]
        assert len(place) == 60
        assert low < place.min() < place.max() < high


def test_first_law_closes_with_bonds(folder: Path) -> None:
    """The energy of bonds is a part of the energy of its side: hundreds of vibrations leave no gap."""
    run = machine(STUDY)
    series = pd.read_parquet(folder / "run" / SERIES)
    for balance in run.balances(series):
        assert np.abs(balance.residual_eV).max() < 0.02


def test_size_of_the_chains_is_that_of_their_atoms(folder: Path) -> None:
    """The sampled radius of gyration is the mean over the chains of each bath, as their positions give it at the end."""
    series = pd.read_parquet(folder / "baths" / SERIES)
    atoms = MDAnalysis.Universe(str(folder / "baths" / TOPOLOGY)).atoms
    for side, kind in (("cold", "1"), ("hot", "2")):
        sizes = []
        for chain in atoms.fragments:
            if len(chain) == ATOMS and chain.types[0] == kind:
                steps = np.diff(chain.positions, axis=0)
                steps[:, 1:] -= 30.0 * np.round(steps[:, 1:] / 30.0)  # y and z are periodic
                places = np.vstack([np.zeros(3), np.cumsum(steps, axis=0)])
                sizes.append(np.sqrt((places.var(axis=0)).sum()))
        assert len(sizes) == CHAINS
        assert series[f"gyration_{side}_A"].iloc[-1] == pytest.approx(np.mean(sizes), rel=1e-4)


def test_a_run_cut_short_continues_to_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    """Restart files hold the chains; bonds are declared anew in every segment."""
    shutil.copytree(folder / "run", tmp_path / "run")
    (tmp_path / "run/run.json").unlink()
    shutil.rmtree(segments_in(tmp_path / "run")[-1])
    perform(machine(STUDY), tmp_path / "run", Ranks(1), folder / "baths")
    assert_same_bytes(tmp_path / "run", folder / "run")


def test_a_dragged_particle_has_chains_around_it(tmp_path: Path) -> None:
    """A bath without walls is filled likewise, and its first law closes."""
    run = Drag(STUDY, 1, "hot", "3.0")
    perform(run, tmp_path, Ranks(1))
    bonds = MDAnalysis.Universe(str(tmp_path / TOPOLOGY)).bonds
    assert len(bonds) == (ATOMS - 1) * round(0.5 * run.fluid_atoms / ATOMS)
    (balance,) = run.balances(pd.read_parquet(tmp_path / SERIES))
    assert np.abs(balance.residual_eV).max() < 0.02


def test_two_fluids_with_chains_share_a_cube(tmp_path: Path) -> None:
    """Placed at random at the density of a liquid, neither takes the other's room; each surrounds its own particle."""
    study = small_study(
        baths={"walls": "none", "accessible_density_per_nm3": 18, "chains": {"fraction": 0.8, "atoms": 6}},
        schedule={"equilibration_ps": 1.0},
        limits={"particle_temperature": 2.0, "chain_size": 1.0},
    )
    perform(Baths(study, 1), tmp_path, Ranks(1))
    atoms = MDAnalysis.Universe(str(tmp_path / TOPOLOGY)).atoms
    lengths = atoms.bonds.values(pbc=True)
    assert len(lengths) == 10 * record_of(tmp_path)["system"]["chains_per_bath"] > 1000
    assert 0.8 * 3.405 < lengths.min() < lengths.max() < 1.5 * 3.405
    edge = study.edge_A
    for fluid, metal in ((1, 3), (2, 4)):
        own, particle = (atoms[atoms.types.astype(int) == kind].positions for kind in (fluid, metal))
        middle = particle.mean(axis=0)
        np.testing.assert_allclose(middle, edge / 2, atol=1)
        apart = np.linalg.norm((own - middle + edge / 2) % edge - edge / 2, axis=1)
        assert len(own) == study.fluid_atoms("cold" if fluid == 1 else "hot")
        assert study.radius_A < apart.min() < study.radius_A + 3.405
