"""What a run says about its set-up: argon between walls, leaks, cavities, and particles whole and as warm as their baths.

The argon around the particles is the subject of ``analysis.adsorption``, their inside that of ``analysis.inside``.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import MDAnalysis
import numpy as np
from MDAnalysis.lib.distances import self_capped_distance
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from analysis.adsorption import argon_around
from analysis.inside import copper_temperatures, squared_frequency
from analysis.runs import SIDES, Array, Run

ARGON = {"cold": "1", "hot": "2"}
PARTICLE = {"cold": "3", "hot": "4"}
WALL = {"cold": "5", "hot": "6"}

TRAJECTORY = "trajectory.dcd"

PROFILE_BIN_A = 0.5
CAVITY_CELL_A = 12.0
"""Cells hold some 30 argon atoms: enough for a steady count, small enough to see a bubble."""

BULK_MARGIN_A = 12.0
"""Three layers of argon: beyond, a wall changes its density by less than a hundredth."""

CAVITY_RATIO = 0.5
"""A cell at less than half of the mean density is a bubble: thermal fluctuations of a liquid reach about a fifth."""

BOND_A = 3.6
"""Copper atoms closer than this are neighbours: between first (2.56 Å) and second shell (3.61 Å) of fcc copper."""


def load_trajectory(folder: str | Path) -> MDAnalysis.Universe:
    """The trajectory of a run folder.

    Raises:
        FileNotFoundError: if the folder holds none (the model engine has no atoms).
    """
    topology, trajectory = Path(folder) / "topology.data", Path(folder) / TRAJECTORY
    for file in (topology, trajectory):
        if not file.is_file():
            raise FileNotFoundError(
                f"{file}: missing; the exact model has no atoms, and shipped runs have them where reference/README.md says so"
            )
    with warnings.catch_warnings():
        # A LAMMPS data file names neither elements nor charges, and the DCD has no units of time: none is needed here.
        warnings.simplefilter("ignore")
        return MDAnalysis.Universe(
            str(topology), str(trajectory), topology_format="DATA", atom_style="id type x y z", format="DCD"
        )


@dataclass(frozen=True)
class Side:
    """The atoms of one side, and the x of its walls, Å."""

    argon: MDAnalysis.AtomGroup
    particle: MDAnalysis.AtomGroup
    walls: tuple[float, float]


def structure(run: Run) -> dict[str, Any]:
    """Structure of one run, over all frames of its trajectory and all samples of its series.

    Returns:
        ``x_A`` and ``density_<side>_per_nm3``: argon density along x, over the whole cross-section; ``leaked_atoms``: most
        atoms in a frame beyond a wall of their side; ``emptiest_cell_<side>``: lowest density of a cell of about 12 Å, in
        units of the mean of all cells of that side, over all frames, away from walls and particle; ``cavity``;
        ``bulk_density_<side>_per_nm3``: mean of the cells that the layers on walls and particle do not reach;
        ``largest_cluster_<side>``: fewest atoms in the particle's largest cluster; mean bath temperature and pressure;
        ``sound``: nothing leaked, no cavity, both particles whole; and the entries of ``argon_around`` and
        ``copper_temperatures``.

    Raises:
        FileNotFoundError: if the run has no trajectory.
        ValueError: if the trajectory holds no frame.
    """
    universe = load_trajectory(run.folder)
    if len(universe.trajectory) == 0:
        raise ValueError(f"{run.folder / 'trajectory.dcd'}: holds no frame; lower schedule.trajectory_every_ps")
    sides = {side: _side(universe, side) for side in SIDES}
    edges = np.arange(sides["cold"].walls[0], sides["hot"].walls[1] + PROFILE_BIN_A, PROFILE_BIN_A)
    result: dict[str, Any] = {"frames": len(universe.trajectory), "x_A": ((edges[1:] + edges[:-1]) / 2).tolist()}
    result["leaked_atoms"] = max(sum(_outside(side) for side in sides.values()) for _ in universe.trajectory)
    for name, side in sides.items():
        box = universe.dimensions[1:3]
        cells = [cell for _ in universe.trajectory if (cell := _cell_densities(side, box, CAVITY_CELL_A / 2)).size]
        bulk = np.concatenate([_cell_densities(side, box, BULK_MARGIN_A) for _ in universe.trajectory])
        # In a bath barely larger than its particle every cell touches it, and of the bulk nothing can be said.
        result |= {
            f"density_{name}_per_nm3": _density_along_x(universe, side, edges).tolist(),
            f"walls_{name}_A": list(side.walls),
            f"emptiest_cell_{name}": min(float(cell.min() / cell.mean()) for cell in cells) if cells else None,
            f"bulk_density_{name}_per_nm3": float(bulk.mean()) if bulk.size else None,
            f"largest_cluster_{name}": min(largest_cluster(side.particle.positions) for _ in universe.trajectory),
            f"particle_atoms_{name}": len(side.particle),
            f"particle_mass_{name}_eV_ps2_per_A2": run.parameters.mass[SIDES.index(name)],
        }
        result |= argon_around(name, universe, side.particle, side.argon, side.walls)
        for column in (f"temperature_{name}_K", f"pressure_{name}_bar"):
            result[column] = float(run.series[column].mean())
    emptiest = [result[f"emptiest_cell_{name}"] for name in SIDES]
    result["cavity"] = any(ratio is not None and ratio < CAVITY_RATIO for ratio in emptiest)
    intact = all(result[f"largest_cluster_{name}"] == result[f"particle_atoms_{name}"] for name in SIDES)
    result["sound"] = result["leaked_atoms"] == 0 and not result["cavity"] and intact
    copper = run.metadata["settings"]["materials"]["copper"]
    frequencies = [
        squared_frequency(universe, side.particle, copper["epsilon_eV"], copper["sigma_A"]) for side in sides.values()
    ]
    return result | copper_temperatures(run, frequencies)


def _side(universe: MDAnalysis.Universe, name: str) -> Side:
    wall = universe.select_atoms(f"type {WALL[name]}").positions[:, 0]
    argon, particle = (universe.select_atoms(f"type {kind[name]}") for kind in (ARGON, PARTICLE))
    return Side(argon, particle, (float(wall.min()), float(wall.max())))


def _outside(side: Side) -> int:
    """Atoms beyond a wall of their side, in the current frame."""
    x = np.concatenate([side.argon.positions[:, 0], side.particle.positions[:, 0]])
    return int(((x < side.walls[0]) | (x > side.walls[1])).sum())


def _density_along_x(universe: MDAnalysis.Universe, side: Side, edges: Array) -> Array:
    """Argon atoms per nm³ between x edges, mean over all frames."""
    counts = sum(np.histogram(side.argon.positions[:, 0], edges)[0] for _ in universe.trajectory)
    cross_section = float(np.prod(universe.dimensions[1:3]))
    return np.asarray(1000 * counts / (len(universe.trajectory) * cross_section * PROFILE_BIN_A))


def _cell_densities(side: Side, box: NDArray[np.float32], margin: float) -> Array:
    """Argon atoms per nm³ in each cell that does not touch the particle, in the current frame; empty if all do.

    Cells of about ``CAVITY_CELL_A`` fill the side but for a margin (Å) next to each wall, where argon is layered.
    """
    lows = np.array([side.walls[0] + margin, 0.0, 0.0])
    lengths = np.array([side.walls[1] - side.walls[0] - 2 * margin, *box.astype(float)])
    if lengths[0] <= 0:
        return np.empty(0)
    cells = np.maximum((lengths / CAVITY_CELL_A).round().astype(int), 1)
    wrapped = side.argon.positions.astype(float)
    wrapped[:, 1:] %= box
    grids = [np.linspace(low, low + length, n + 1) for low, length, n in zip(lows, lengths, cells, strict=True)]
    counts = np.histogramdd(wrapped, grids)[0]
    centres = np.stack(np.meshgrid(*[(g[1:] + g[:-1]) / 2 for g in grids], indexing="ij"), axis=-1)
    copper = side.particle.positions.astype(float)
    middle = copper.mean(axis=0)
    radius = float(np.linalg.norm(copper - middle, axis=1).max())
    half_diagonal = float(np.linalg.norm(lengths / cells)) / 2
    free = np.linalg.norm(centres - middle, axis=-1) > radius + half_diagonal
    return np.asarray(1000 * counts[free] / np.prod(lengths / cells))


def largest_cluster(positions: NDArray[np.float32], box: NDArray[np.float32] | None = None) -> int:
    """How many atoms hang together, of copper at these positions, (n, 3), Å; across the faces of a periodic ``box`` too."""
    pairs = self_capped_distance(positions, BOND_A, box=box, return_distances=False)
    n = len(positions)
    graph = coo_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(n, n))
    labels = connected_components(graph, directed=False)[1]
    return int(np.bincount(labels).max())
