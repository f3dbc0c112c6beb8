"""Who interacts with whom: leaving pairs out by their range is the same as excluding them, to the bit."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from simulation.engines.lammps import open_lammps, tell
from simulation.engines.ranks import Ranks
from simulation.experiments.machine import Machine
from simulation.storage.files import RESTART
from tests.md.conftest import small_study

pytestmark = pytest.mark.md

COLD, HOT, WALLS = (1, 3, 5), (2, 4, 6), (5, 6)


def excluding(deck: str) -> str:
    """The same deck with LAMMPS's own mixing between elements, and with exclusions in the place of pairs of range 0."""
    kept = re.sub(r"^pair_(coeff|modify).*\n", "", deck, flags=re.MULTILINE)
    pairs = ["pair_modify mix arithmetic shift yes"]
    pairs += [f"pair_coeff {kind} {kind} {'0.0104 3.405' if kind < 3 else '0.4093 2.338'}" for kind in range(1, 7)]
    pairs += [f"neigh_modify exclude type {cold} {hot}" for cold in COLD for hot in HOT]
    pairs += [f"neigh_modify exclude type {wall} {wall}" for wall in WALLS]
    return kept.replace("\nneighbor ", "\n" + "\n".join(pairs) + "\nneighbor ", 1)


def after(deck: str, steps: int, folder: Path) -> tuple[float, NDArray[np.float64]]:
    """Potential energy, and positions by atom, after some steps."""
    folder.mkdir()
    with open_lammps(folder, Ranks(1)) as lmp:
        tell(lmp, f"{deck}\nrun {steps}\n")
        n = lmp.get_natoms()
        order = np.argsort(lmp.numpy.extract_atom("id")[:n])
        return lmp.get_thermo("pe"), np.array(lmp.numpy.extract_atom("x")[:n])[order]


def test_pairs_of_range_zero_are_as_good_as_excluded(start: Path, tmp_path: Path) -> None:
    """Energy and every position agree exactly after 300 steps, with neighbour lists built anew many times."""
    run = Machine(small_study(), 1, None)
    deck = run.deck(run.pieces()[0], str(start / RESTART))
    energy, positions = after(deck, 300, tmp_path / "ranges")
    other_energy, other_positions = after(excluding(deck), 300, tmp_path / "exclusions")
    assert energy == other_energy
    np.testing.assert_array_equal(positions, other_positions)


def test_sides_feel_each_other_by_nothing(start: Path, tmp_path: Path) -> None:
    """When all atoms of one side are moved or warmed, those of the other go where they would have gone, to the bit."""
    run = Machine(small_study(), 1, None)
    deck = run.deck(run.pieces()[1], str(start / RESTART))
    _, positions = after(deck, 100, tmp_path / "as it is")
    _, others = after(deck + "\nvelocity fluid_hot scale 300\nvelocity particle_hot zero linear", 100, tmp_path / "hot")
    types = types_of(deck, tmp_path / "types")
    cold, hot = np.isin(types, COLD), np.isin(types, HOT[:2])
    np.testing.assert_allclose(positions[cold], others[cold], rtol=0, atol=1e-9)
    assert np.abs(positions[hot] - others[hot]).max() > 0.1


def types_of(deck: str, folder: Path) -> NDArray[np.int32]:
    """Types by atom."""
    folder.mkdir()
    with open_lammps(folder, Ranks(1)) as lmp:
        tell(lmp, deck)
        n = lmp.get_natoms()
        types: NDArray[np.int32] = lmp.numpy.extract_atom("type")[:n][np.argsort(lmp.numpy.extract_atom("id")[:n])]
        return types
