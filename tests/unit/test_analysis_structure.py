"""Structure checks on made-up trajectories: each fault is found, and a sound set-up passes."""

import json
import math
from dataclasses import replace
from pathlib import Path

import MDAnalysis
import numpy as np
import pytest
from numpy.typing import NDArray

from analysis.data.runs import RunFolderError, load_run
from analysis.data.universe import universe
from analysis.errors import AnalysisError
from analysis.statistics.timeseries import or_nan
from analysis.structure.profiles import Side, _bulk, structure
from analysis.structure.result import Structure
from tests.unit.synthetic import Truth, write_atoms, write_runs

EDGE = 60.0
Array = NDArray[np.float64]


def _lattice(origin: float) -> Array:
    """Fluid on a jittered cubic lattice, one bath; the sphere of the particle is left free."""
    rng = np.random.default_rng(1)
    spacing = EDGE / 16
    grid = (np.indices((16, 16, 16)).reshape(3, -1).T + 0.5) * spacing + rng.normal(0, 0.2, (4096, 3))
    grid = grid[(np.linalg.norm(grid - EDGE / 2, axis=1) > 11) & (np.abs(grid[:, 0] - EDGE / 2) < EDGE / 2 - 2.5)]
    return np.asarray(grid + np.array([origin, 0, 0]))


def _particle(origin: float) -> Array:
    """A lump of metal: simple cubic, spacing 2.6 Å, 93 atoms."""
    grid = np.indices((7, 7, 7)).reshape(3, -1).T - 3.0
    near = grid[np.argsort((grid**2).sum(axis=1), kind="stable")][:93] * 2.6
    return np.asarray(near + np.array([origin, 0, 0]) + EDGE / 2)


def _wall(x: float) -> Array:
    y, z = np.meshgrid(np.arange(0, EDGE, 10), np.arange(0, EDGE, 10))
    return np.column_stack([np.full(y.size, x), y.ravel(), z.ravel()])


@pytest.fixture
def atoms() -> list[Array]:
    """Positions by atom type, 1 to 6."""
    walls = [np.vstack([_wall(lo), _wall(lo + EDGE)]) for lo in (0.0, EDGE)]
    return [_lattice(0), _lattice(EDGE), _particle(0), _particle(EDGE), *walls]


def _check(tmp_path: Path, atoms: list[Array], last: list[Array] | None = None) -> Structure:
    """What the checks say about two frames of ``atoms``, or one of these and a ``last`` one."""
    folder = write_runs(tmp_path, Truth(), 10, 1, seed=1)[0]
    first, then = ({str(kind): group for kind, group in enumerate(each, start=1)} for each in (atoms, last or atoms))
    write_atoms(folder, first, (-1, 2 * EDGE + 1, EDGE), frames=2, last=then)
    return structure([load_run(folder)])


def test_a_sound_system_passes(tmp_path: Path, atoms: list[Array]) -> None:
    """Fluid between its walls, particles whole: sound, and the profile counts every atom of it."""
    found = _check(tmp_path, atoms)
    assert found.is_sound is True
    assert found.frames == 2
    # Ten planes of the lattice of 3.75 Å lie in the 36 Å between the layers on both walls.
    assert found.sides["hot"].bulk_density == pytest.approx(1000 / 3.75**3 * 10 * 3.75 / 36, rel=0.01)
    profile = found.sides["cold"].density
    assert profile.sum() * 0.5 * EDGE**2 / 1000 == pytest.approx(len(atoms[0]))
    x = found.x
    assert profile[x > EDGE].sum() == 0
    assert found.sides["hot"].density[x < EDGE].sum() == 0


def test_temperatures_and_pressures_are_means_over_replicas(tmp_path: Path, atoms: list[Array]) -> None:
    """Those of each side, over all runs; masses are those of the side, temperatures over time those of the first run."""
    runs = [load_run(folder) for folder in write_runs(tmp_path, Truth(), 10, 2, seed=1)]
    write_atoms(runs[0].folder, {str(kind): each for kind, each in enumerate(atoms, 1)}, (-1, 2 * EDGE + 1, EDGE), 1)
    values = {"temperature_cold_K": (99.0, 103.0), "temperature_hot_K": (118.0, 128.0)}
    values |= {"pressure_cold_bar": (500.0, 520.0), "pressure_hot_bar": (700.0, 760.0)}
    unlike = replace(runs[0].parameters, mass=(1.0, 2.0))
    found = structure(
        [
            replace(run, parameters=unlike, series=run.series.assign(**{name: two[j] for name, two in values.items()}))
            for j, run in enumerate(runs)
        ]
    )
    cold, hot = found.sides["cold"], found.sides["hot"]
    assert (cold.temperature, hot.temperature, cold.pressure, hot.pressure) == (101.0, 123.0, 510.0, 730.0)
    assert (cold.particle_mass, hot.particle_mass) == (1.0, 2.0)
    assert found.time.tolist() == list(range(11))
    for side, first in ((cold, 99.0), (hot, 118.0)):
        assert set(side.metal.bath_over_time) == {first}
    # Of the metal's vibration only the hot side is warmer.
    assert hot.metal.expected / cold.metal.expected == pytest.approx(1.2)


def test_a_cube_without_walls_goes_on_periodically(tmp_path: Path, atoms: list[Array]) -> None:
    """Both fluids fill one cube, from which nothing leaks; what lies across a face, or is stored beyond it, counts in full."""
    rng = np.random.default_rng(5)
    grid = (np.indices((16, 16, 16)).reshape(3, -1).T + 0.5) * EDGE / 16 + rng.normal(0, 0.2, (4096, 3))
    fluid = grid[np.linalg.norm(grid - EDGE / 2, axis=1) > 11]
    folder = write_runs(tmp_path, Truth(), 10, 1, seed=1)[0]
    bulk = []
    for shift in (np.zeros(3), np.array([EDGE / 2, 0.0, 0.0])):
        moved = fluid + shift
        moved[moved[:, 0] > EDGE + 1, 0] -= EDGE  # up to 1 Å beyond the face
        parts = {"1": moved, "2": moved, "3": atoms[2] + shift, "4": atoms[2] + shift}
        write_atoms(folder, parts, (0.0, EDGE, EDGE), frames=2)
        found = structure([load_run(folder)])
        assert (found.leaked_atoms, found.frames) == (0, 2)
        for side in found.sides.values():
            assert side.walls is None
            assert side.is_intact
            assert side.density.sum() * 0.5 * EDGE**2 / 1000 == pytest.approx(len(fluid))
            bulk.append(or_nan(side.bulk_density))
        if not shift.any():
            assert found.is_sound
    assert bulk == pytest.approx([1000 / 3.75**3] * 4, rel=0.02)
    assert np.ptp(bulk) < 0.005 * bulk[0]


def test_layers_on_metal_are_no_part_of_the_bulk_density(tmp_path: Path, atoms: list[Array]) -> None:
    """Atoms within 12 Å of particle or walls do not change it; those beyond count in full, also across a periodic face."""
    bulk = _check(tmp_path / "plain", atoms).sides["cold"].bulk_density
    assert bulk is not None
    rng = np.random.default_rng(2)
    shell = rng.normal(size=(400, 3))
    radius = float(np.linalg.norm(atoms[2] - atoms[2].mean(axis=0), axis=1).max())
    shell *= ((radius + rng.uniform(2, 11.8, 400)) / np.linalg.norm(shell, axis=1))[:, None]
    on_wall = rng.uniform((2.5, 0, 0), (11.8, EDGE, EDGE), (400, 3))
    layered = [np.vstack([atoms[0], shell + EDGE / 2, on_wall, EDGE - on_wall]), *atoms[1:]]
    assert _check(tmp_path / "layered", layered).sides["cold"].bulk_density == bulk
    twice = [np.vstack([atoms[0], atoms[0] + 0.5]), *atoms[1:]]
    assert _check(tmp_path / "twice", twice).sides["cold"].bulk_density == pytest.approx(2 * bulk, rel=0.03)
    along_y = np.array([0, EDGE / 2, 0])
    shifted = [(each + along_y) % np.array([np.inf, EDGE, np.inf]) for each in atoms[:2]]
    shifted += [each + along_y for each in atoms[2:4]]
    found = _check(tmp_path / "shifted", [*shifted, *atoms[4:]]).sides["cold"].bulk_density
    assert found == pytest.approx(bulk, rel=0.005)
    few = [atoms[0][::30], *atoms[1:]]
    assert _check(tmp_path / "few", few).sides["cold"].bulk_density is None


def test_atoms_in_a_periodic_image_are_where_they_belong(tmp_path: Path, atoms: list[Array]) -> None:
    """Atoms that left through a periodic face are counted in the cell that their image is in, and leave no cavity."""
    for bath in atoms[:2]:
        bath[bath[:, 1] < 15, 1] += EDGE
        bath[bath[:, 2] > 45, 2] -= EDGE
    assert _check(tmp_path, atoms).is_sound is True


@pytest.mark.parametrize(
    ("kind", "x"), [(0, -0.5), (0, EDGE + 6), (1, EDGE - 6), (1, 2 * EDGE + 0.5), (2, EDGE + 6), (3, EDGE - 6)]
)
def test_an_atom_beyond_a_wall_of_its_side_is_a_leak(tmp_path: Path, atoms: list[Array], kind: int, x: float) -> None:
    """One atom of a fluid or of a particle, beyond either wall of its side, is counted."""
    atoms[kind][17, 0] = x
    found = _check(tmp_path, atoms)
    assert found.leaked_atoms == 1
    assert found.is_sound is False


def test_a_bubble_is_a_cavity(tmp_path: Path, atoms: list[Array]) -> None:
    """A void of 10 Å radius, well away from walls and particle, is found on its own side."""
    centre = np.array([EDGE + 15, 10, 10])
    atoms[1] = atoms[1][np.linalg.norm(atoms[1] - centre, axis=1) > 10]
    found = _check(tmp_path, atoms)
    assert found.has_cavity is True
    assert found.is_sound is False
    cold, hot = (or_nan(found.sides[side].emptiest_cell) for side in ("cold", "hot"))
    assert hot < 0.5 < cold


@pytest.mark.parametrize("cell", [40.0, 70.0])
def test_a_bath_too_small_for_cells_is_not_called_empty(
    tmp_path: Path, atoms: list[Array], monkeypatch: pytest.MonkeyPatch, cell: float
) -> None:
    """Where every cell touches the particle, or none fits between the walls, no density is claimed and no cavity seen."""
    monkeypatch.setattr("analysis.structure.profiles.CAVITY_CELL_A", cell)
    found = _check(tmp_path, atoms)
    assert found.sides["cold"].emptiest_cell is None
    assert found.has_cavity is False


def test_a_broken_particle_is_noticed(tmp_path: Path, atoms: list[Array]) -> None:
    """Metal atoms that drifted away from the particle no longer count as part of it."""
    atoms[2][-3:, 0] += 12
    found = _check(tmp_path, atoms)
    assert found.sides["cold"].largest_cluster == 90
    assert found.sides["hot"].largest_cluster == 93
    assert found.is_sound is False


@pytest.mark.parametrize("is_last", [True, False])
def test_a_fault_in_one_frame_is_enough(tmp_path: Path, atoms: list[Array], is_last: bool) -> None:
    """Leaks, cavities and lost atoms are those of the worst frame, be it the first one or the last."""
    broken = [group.copy() for group in atoms]
    broken[0][17, 0] = EDGE + 6
    broken[1][np.linalg.norm(broken[1] - [EDGE + 15, 10, 10], axis=1) < 10] = [EDGE + 45, 50, 50]
    broken[2][-3:, 0] += 12
    found = _check(tmp_path, *((atoms, broken) if is_last else (broken, atoms)))
    assert (found.leaked_atoms, found.sides["cold"].largest_cluster, found.sides["hot"].largest_cluster) == (1, 90, 93)
    cold, hot = (or_nan(found.sides[side].emptiest_cell) for side in ("cold", "hot"))
    assert hot < 0.5 < cold
    assert found.has_cavity is True


def test_older_folders_without_internal_temperature_are_analysed(tmp_path: Path, atoms: list[Array]) -> None:
    """A run folder from before the column came has everything but what the column tells."""
    found = _check(tmp_path, atoms)
    assert found.sides["cold"].metal.mean is None
    assert found.sides["hot"].metal.z is None
    assert found.sides["cold"].metal.over_time is None
    assert len(found.sides["cold"].metal.bath_over_time) == 11
    assert found.is_sound is True


def test_file_gives_back_the_structure(tmp_path: Path, atoms: list[Array]) -> None:
    """What is read from the file is written again as the same bytes, and each key holds the number that its name says."""
    found = _check(tmp_path, atoms)
    text = json.dumps(found.to_json())
    assert json.dumps(Structure.from_json(json.loads(text)).to_json()) == text
    content = json.loads(text)
    assert (content["leaked_atoms"], content["sound"], content["internal_temperature_cold_K"]) == (0, True, None)
    for side, origin in (("cold", 0.0), ("hot", EDGE)):
        assert content[f"walls_{side}_A"] == [origin, origin + EDGE]
        assert content[f"fluid_within_{side}"] == found.sides[side].around.mass_within.tolist()
        assert content["over_time"][f"bath_{side}_K"] == found.sides[side].metal.bath_over_time.tolist()


def test_a_file_without_a_key_is_refused(tmp_path: Path, atoms: list[Array]) -> None:
    """The message names the file, the key and the cure."""
    content = _check(tmp_path, atoms).to_json()
    del content["bulk_density_hot_per_nm3"]
    with pytest.raises(
        AnalysisError, match=r"structure\.json: 'bulk_density_hot_per_nm3' is missing; delete the file, and run"
    ):
        Structure.from_json(content)


def test_a_run_without_atoms_is_refused(tmp_path: Path) -> None:
    """The model engine writes no trajectory, nor have all shipped runs one, and asking for it says so."""
    folder = write_runs(tmp_path, Truth(), 10, 1, seed=1)[0]
    with pytest.raises(
        RunFolderError,
        match=r"the exact model has no atoms, and reference/README\.md lists the shipped runs that have them",
    ):
        structure([load_run(folder)])


def test_self_diffusion_is_that_of_each_bath_along_the_walls(tmp_path: Path, atoms: list[Array]) -> None:
    """Its unit follows from the time between frames; two frames do not determine it, and chains have none."""
    assert _check(tmp_path / "two", atoms).sides["cold"].self_diffusion is None
    folder = write_runs(tmp_path / "many", Truth(), 10, 1, seed=1)[0]
    write_atoms(folder, {str(kind): group for kind, group in enumerate(atoms, start=1)}, (0, 2 * EDGE, EDGE), frames=1)
    rng = np.random.default_rng(3)
    true, interval = (0.3, 0.5), 25.0
    system = universe(folder).atoms
    cold, hot = (len(group) for group in atoms[:2])
    spread = np.repeat(np.sqrt(2 * np.array([*true, 0.0]) * interval), [cold, hot, len(system) - cold - hot])
    places = system.positions.astype(float)
    with MDAnalysis.Writer(str(folder / "moving.dcd"), len(system), dt=interval, format="DCD") as writer:
        for _ in range(30):
            places[:, 1:] = (places[:, 1:] + spread[:, None] * rng.normal(size=(len(system), 2))) % EDGE
            system.positions = places
            writer.write(system)
    (folder / "moving.dcd").replace(folder / "trajectory.dcd")
    for (side, found), diffusion in zip(structure([load_run(folder)]).sides.items(), true, strict=True):
        assert found.self_diffusion is not None, side
        assert found.self_diffusion.value == pytest.approx(1e-8 * diffusion, abs=4 * found.self_diffusion.se)
        assert found.self_diffusion.se < 0.05 * found.self_diffusion.value
    run = load_run(folder)
    run.metadata["system"] = {"chains_per_bath": 3}
    assert structure([run]).sides["hot"].self_diffusion is None


@pytest.mark.parametrize("length", [47.0, 50.0, 65.0, 110.0])
def test_volume_of_the_bulk_is_exact_between_walls_of_any_distance(length: float) -> None:
    """Atoms strewn evenly through a bath have the density of the bath in its bulk, to within the noise of their number."""
    rng = np.random.default_rng(int(length))
    count = 2_000_000
    system = MDAnalysis.Universe.empty(count + 93, trajectory=True)
    lump = _particle(0) - EDGE / 2 + length / 2
    system.atoms.positions = np.vstack([rng.uniform(0, length, (count, 3)), lump])
    side = Side(system.atoms[:count], system.atoms[count:], (0.0, length))
    in_bulk, volume = _bulk(side, np.full(3, length, np.float32))
    density = in_bulk.sum() / volume / (count / (length / 10) ** 3)
    assert density == pytest.approx(1, abs=4 / math.sqrt(in_bulk.sum()) + 1e-3)
