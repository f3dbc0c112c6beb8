"""The atoms of run folders of both formats: parts, sides, elements and times are those that the simulation gave them."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import MDAnalysis
import numpy as np
import pytest
from numpy.typing import NDArray

from analysis.data.runs import RunFolderError, load_run
from analysis.data.universe import _check_layout, universe
from analysis.figures.setup import COLOURS, SLAB_A, draw_setup
from tests.unit.synthetic import Truth, write_atoms, write_runs

SHIPPED = Path(__file__).resolve().parents[2] / "reference" / "reference" / "friction" / "replica_1"
# Distinct numbers of atoms tell the types apart.
COUNTS = {"1": 11, "2": 12, "3": 5, "4": 6, "5": 3, "6": 4}


def _atoms(kinds: str) -> dict[str, NDArray[np.float64]]:
    """Atoms of these types at random, those of type k at x = k."""
    rng = np.random.default_rng(1)
    return {k: np.column_stack([np.full(COUNTS[k], float(k)), rng.uniform(0, 9, (COUNTS[k], 2))]) for k in kinds}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A run folder of a machine whose fluid is krypton and whose metal is silver, of four frames, 20 ps apart."""
    path = write_runs(tmp_path, Truth(), 10, 1, seed=1)[0]
    content = json.loads((path / "run.json").read_text(encoding="utf-8"))
    content["settings"]["materials"]["fluid"]["symbol"] = "Kr"
    content["settings"]["materials"]["metal"]["symbol"] = "Ag"
    (path / "run.json").write_text(json.dumps(content), encoding="utf-8")
    write_atoms(path, _atoms("123456"), (-1.0, 9.0, 9.0), frames=4, every_ps=20.0)
    return path


def test_parts_sides_and_elements(folder: Path) -> None:
    """Atoms of each LAMMPS type are chosen by side and part, and bear the study's symbols and masses."""
    found = universe(folder)
    parts = [(part, side) for part in ("bath", "particle", "wall") for side in ("cold", "hot")]
    for (kind, count), (part, side) in zip(COUNTS.items(), parts, strict=True):
        chosen = found.select_atoms(f"segid {side} and resname {part}")
        assert chosen.n_atoms == count
        assert set(chosen.types) == {kind}
        np.testing.assert_allclose(chosen.positions[:, 0], float(kind))
        assert set(chosen.elements) == set(chosen.names) == ({"Kr"} if part == "bath" else {"Ag"})
        assert set(chosen.masses) == ({40.0} if part == "bath" else {63.5})
    assert found.atoms.ids.tolist() == list(range(1, sum(COUNTS.values()) + 1))
    np.testing.assert_allclose(found.dimensions, [10, 9, 9, 90, 90, 90])


def test_each_side_has_its_own_fluid(folder: Path) -> None:
    """Where the baths are of two fluids, the atoms of each bear the symbol of theirs; the metal is the same on both sides."""
    content = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    fluid = content["settings"]["materials"]["fluid"]
    content["settings"]["materials"]["fluid"] = {"cold": fluid | {"symbol": "Ne"}, "hot": fluid | {"symbol": "Xe"}}
    (folder / "run.json").write_text(json.dumps(content), encoding="utf-8")
    found = universe(folder)
    for side, symbol in (("cold", "Ne"), ("hot", "Xe")):
        assert set(found.select_atoms(f"segid {side} and resname bath").elements) == {symbol}
        assert set(found.select_atoms(f"segid {side} and not resname bath").elements) == {"Ag"}


def test_frames_have_their_times_in_ps(folder: Path) -> None:
    """The first frame is at 0, the others as far apart as the study says, also in a universe opened from run.json."""
    times = [frame.time for frame in universe(folder / "run.json").trajectory]
    np.testing.assert_allclose(times, [0, 20, 40, 60], rtol=1e-6)


def test_plain_mdanalysis_opens_a_folder(folder: Path) -> None:
    """Without any help of ours, types, positions and times are the same."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        plain = MDAnalysis.Universe(str(folder / "topology.data"), str(folder / "trajectory.dcd"))
    ours = universe(folder)
    assert plain.atoms.types.tolist() == ours.atoms.types.tolist()
    np.testing.assert_array_equal(plain.atoms.positions, ours.atoms.positions)
    assert plain.trajectory.dt == ours.trajectory.dt


def test_the_layout_is_that_of_the_section_of_atoms(folder: Path) -> None:
    """A section with a similar name before it, as LAMMPS writes with labels of types, tells nothing of the layout."""
    topology = folder / "topology.data"
    text = topology.read_text(encoding="utf-8")
    topology.write_text(text.replace("Masses\n", "Atom Type Labels # full\n\n1 fluid\n\nMasses\n"), encoding="utf-8")
    _check_layout(topology)


def test_a_drag_run_has_one_side_and_no_walls(folder: Path) -> None:
    """Only the types that are there make up segments and residues."""
    write_atoms(folder, _atoms("24"), (0.0, 9.0, 9.0), frames=1)
    found = universe(folder)
    assert found.segments.segids.tolist() == ["hot"]
    assert found.residues.resnames.tolist() == ["bath", "particle"]
    assert found.select_atoms("resname particle").n_atoms == COUNTS["4"]


def test_a_shipped_run_opens() -> None:
    """It has argon and copper, every 100 ps, and frames that are those of its series."""
    found, run = universe(SHIPPED), load_run(SHIPPED)
    assert found.select_atoms("element Ar").n_atoms == 2 * run.metadata["system"]["fluid_atoms_per_bath"]
    particle = found.select_atoms("segid cold and resname particle and element Cu")
    assert particle.n_atoms == 186
    times = [frame.time for frame in found.trajectory]
    np.testing.assert_allclose(times, np.arange(21) * 100.0, rtol=1e-6)
    centre = [particle.center_of_mass()[1] - 32.5 for _ in found.trajectory]
    assert run.position[::1000, 0, 1] == pytest.approx(centre, abs=1e-3)


def test_what_is_no_topology_of_ours_is_refused(folder: Path) -> None:
    """An unknown type or layout, or a file without atoms, is named; a folder without a trajectory says that it has none."""
    topology = folder / "topology.data"
    text = topology.read_text(encoding="utf-8")
    for old, new, message in (
        ("Atoms # molecular", "Atoms # full", "Atoms # full, this analysis reads molecular and bond"),
        ("Atoms # molecular", "Bonds", "has no atoms"),
        ("\n1 1 1 ", "\n1 1 7 ", r"atom types \['7'\], but only 1 to 6"),
    ):
        topology.write_text(text.replace(old, new).replace("Masses\n\n", "Masses\n\n7 1.0\n"), encoding="utf-8")
        with pytest.raises(RunFolderError, match=message):
            universe(folder)
    (folder / "trajectory.dcd").unlink()
    with pytest.raises(RunFolderError, match="the exact model has no atoms"):
        universe(folder)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # MDAnalysis closes what it did not open
def test_a_trajectory_without_frames_is_refused(folder: Path) -> None:
    """One that ended before its first frame, or within its header, is named with the cure."""
    write_atoms(folder, _atoms("123456"), (-1.0, 9.0, 9.0), frames=0)
    trajectory = folder / "trajectory.dcd"
    for content in (trajectory.read_bytes(), b"cut", b""):
        trajectory.write_bytes(content)
        with pytest.raises(RunFolderError, match=rf"{trajectory}: damaged, or holds no frame; run the simulation"):
            universe(folder)


@pytest.mark.parametrize("walls", [True, False])
def test_setup_is_drawn_with_the_cold_side_left(folder: Path, walls: bool) -> None:
    """Particles and the fluid of their slab in the last frame, about the middle wall; cubes without walls side by side."""
    rng = np.random.default_rng(2)
    shape, middles = {kind: (COUNTS[kind], 3) for kind in "1234"}, {"1": 10.0, "2": 30.0, "3": 10.0, "4": 30.0}
    if not walls:
        middles = dict.fromkeys("1234", 20.0)
    atoms = {kind: np.array([x, 20.0, 20.0]) + rng.uniform(-1, 1, shape[kind]) for kind, x in middles.items()}
    for kind in "12":  # beyond the slab, which is about the cold particle
        atoms[kind][:2, 2] = [35.0, 5.0]
    if walls:
        ends = {"5": [0.0, 20.0], "6": [20.0, 40.0]}
        atoms |= {kind: np.column_stack([x, np.full((len(x), 2), 20.0)]) for kind, x in ends.items()}
    earlier = {kind: each + np.array([0.0, 3.0, 0.0]) for kind, each in atoms.items()}
    write_atoms(folder, earlier, (0.0, 40.0, 40.0), frames=2, last=atoms)
    run = load_run(folder)
    figure = draw_setup(run)
    drawn: dict[str, list[NDArray[np.float64]]] = {}
    for each in figure.axes[0].lines:
        if each.get_marker() == "o":
            drawn.setdefault(str(each.get_color()), []).append(np.array(each.get_data(), dtype=float))
    for number, kind in enumerate("1234"):
        near = np.abs(atoms[kind][:, 2] - atoms["3"][:, 2].mean()) < SLAB_A
        shown = atoms[kind][near | (kind in "34"), :2]
        # x begins at the middle wall; of two cubes without walls the cold one is drawn to the left.
        shift = -20.0 if walls else (-40.0, 0.0)[number % 2]
        found = np.hstack(drawn[COLOURS[int(kind)]]).T
        expected = shown + np.array([shift, 0.0])
        np.testing.assert_allclose(found[np.lexsort(found.T)], expected[np.lexsort(expected.T)], atol=1e-4)
    texts = {text.get_text(): text.get_position()[0] for text in figure.axes[0].texts}
    assert texts["cold bath, 100 K"] < 0 < texts["hot bath, 120 K"]
    assert texts[r"$F_C=\kappa_C\,(X_H-X_C)$"] < 0 < texts[r"$F_H=\kappa_H\,(X_C-X_H)$"]
    # The force of a controller of the user's own is not known.
    own = {text.get_text() for text in draw_setup(run, "mine:Law").axes[0].texts}
    assert {"$F_C$", "$F_H$"} < own
    assert not any("kappa_" in text for text in own)
