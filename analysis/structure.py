"""What the trajectory says about the set-up: density profile, leaks, cavities, and whether the particles stay whole."""

from __future__ import annotations

import math
import warnings
from pathlib import Path
from typing import Any

import MDAnalysis
import numpy as np
from MDAnalysis.lib.distances import self_capped_distance
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from analysis.runs import SIDES, Run

Array = NDArray[np.float64]

ARGON = {"cold": "1", "hot": "2"}
PARTICLE = {"cold": "3", "hot": "4"}
WALL = {"cold": "5", "hot": "6"}

PROFILE_BIN_A = 0.5
CAVITY_CELL_A = 12.0
"""Cells hold some 30 argon atoms: enough for a steady count, small enough to see a bubble."""

CAVITY_RATIO = 0.5
"""A cell at less than half of the mean density is a bubble: thermal fluctuations of a liquid reach about a fifth."""

BOND_A = 3.6
"""Copper atoms closer than this are neighbours: between first (2.56 Å) and second shell (3.61 Å) of fcc copper."""


def load_trajectory(folder: str | Path) -> MDAnalysis.Universe:
    """The trajectory of a run folder.

    Raises:
        FileNotFoundError: if the folder holds none (the model engine has no atoms).
    """
    topology, trajectory = Path(folder) / "topology.data", Path(folder) / "trajectory.dcd"
    for file in (topology, trajectory):
        if not file.is_file():
            raise FileNotFoundError(f"{file}: missing; only molecular-dynamics runs have atoms to look at")
    with warnings.catch_warnings():
        # A LAMMPS data file names neither elements nor charges, and the DCD has no units of time: none is needed here.
        warnings.simplefilter("ignore")
        return MDAnalysis.Universe(
            str(topology), str(trajectory), topology_format="DATA", atom_style="id type x y z", format="DCD"
        )


def structure(run: Run) -> dict[str, Any]:
    """Structure of one run, over all frames of its trajectory and all samples of its series.

    Returns:
        ``x_A`` and ``density_<side>_per_nm3``: argon density along x, over the whole cross-section; ``leaked_atoms``: most
        atoms in a frame beyond a wall of their side; ``emptiest_cell_<side>``: lowest density of a cell of about 12 Å, in
        units of the mean of all cells of that side, over all frames, away from walls and particle; ``cavity``;
        ``largest_cluster_<side>``: fewest atoms in the particle's largest cluster; mean bath temperature and pressure;
        ``sound``: nothing leaked, no cavity, both particles whole.
    """
    universe = load_trajectory(run.folder)
    groups = {kind: {s: universe.select_atoms(f"type {t[s]}") for s in SIDES} for kind, t in _KINDS.items()}
    bounds = {side: _bounds(groups["wall"][side].positions[:, 0]) for side in SIDES}
    edges = np.arange(bounds["cold"][0], bounds["hot"][1] + PROFILE_BIN_A, PROFILE_BIN_A)
    counts = {side: np.zeros(len(edges) - 1) for side in SIDES}
    emptiest, whole = dict.fromkeys(SIDES, math.inf), {side: len(groups["particle"][side]) for side in SIDES}
    leaked, frames = 0, 0
    cross_section = float(np.prod(universe.dimensions[1:3]))
    for _ in universe.trajectory:
        frames += 1
        outside = 0
        for side in SIDES:
            argon, particle = groups["argon"][side].positions.astype(float), groups["particle"][side].positions
            counts[side] += np.histogram(argon[:, 0], edges)[0]
            low, high = bounds[side]
            for x in (argon[:, 0], particle[:, 0]):
                outside += int(((x < low) | (x > high)).sum())
            emptiest[side] = min(emptiest[side], _emptiest(argon, particle, bounds[side], universe.dimensions[1:3]))
            whole[side] = min(whole[side], _largest_cluster(particle))
        leaked = max(leaked, outside)
    if frames == 0:
        raise ValueError(f"{run.folder / 'trajectory.dcd'}: holds no frame; lower schedule.trajectory_every_ps")
    result: dict[str, Any] = {"frames": frames, "x_A": ((edges[1:] + edges[:-1]) / 2).tolist(), "leaked_atoms": leaked}
    for side in SIDES:
        volume_nm3 = cross_section * PROFILE_BIN_A / 1000
        result[f"density_{side}_per_nm3"] = (counts[side] / frames / volume_nm3).tolist()
        result[f"walls_{side}_A"] = list(bounds[side])
        # In a bath barely larger than its particle every cell touches it, and nothing can be said.
        result[f"emptiest_cell_{side}"] = emptiest[side] if math.isfinite(emptiest[side]) else None
        result[f"largest_cluster_{side}"] = whole[side]
        result[f"particle_atoms_{side}"] = len(groups["particle"][side])
        for name in (f"temperature_{side}_K", f"pressure_{side}_bar"):
            result[name] = float(run.series[name].mean())
    result["cavity"] = bool(min(emptiest.values()) < CAVITY_RATIO)
    intact = all(whole[side] == len(groups["particle"][side]) for side in SIDES)
    result["sound"] = bool(leaked == 0 and not result["cavity"] and intact)
    return result


_KINDS = {"argon": ARGON, "particle": PARTICLE, "wall": WALL}


def _bounds(wall_x: NDArray[np.float32]) -> tuple[float, float]:
    return float(wall_x.min()), float(wall_x.max())


def _emptiest(
    argon: Array, particle: NDArray[np.float32], bounds: tuple[float, float], box: NDArray[np.float32]
) -> float:
    """Lowest argon density of a cell over the mean density of all cells that do not touch the particle; infinite if all do.

    Cells fill the side without the half cell next to each wall, where argon is layered.
    """
    lows = np.array([bounds[0] + CAVITY_CELL_A / 2, 0.0, 0.0])
    lengths = np.array([bounds[1] - bounds[0] - CAVITY_CELL_A, *box.astype(float)])
    cells = np.maximum((lengths / CAVITY_CELL_A).round().astype(int), 1)
    wrapped = argon.copy()
    wrapped[:, 1:] %= box
    grids = [np.linspace(low, low + length, n + 1) for low, length, n in zip(lows, lengths, cells, strict=True)]
    counts = np.histogramdd(wrapped, grids)[0]
    centres = np.stack(np.meshgrid(*[(g[1:] + g[:-1]) / 2 for g in grids], indexing="ij"), axis=-1)
    middle = particle.mean(axis=0).astype(float)
    radius = float(np.linalg.norm(particle - middle, axis=1).max())
    half_diagonal = float(np.linalg.norm(lengths / cells)) / 2
    free = np.linalg.norm(centres - middle, axis=-1) > radius + half_diagonal
    if not free.any():
        return math.inf
    return float(counts[free].min() / counts[free].mean())


def _largest_cluster(positions: NDArray[np.float32]) -> int:
    pairs = self_capped_distance(positions, BOND_A, return_distances=False)
    n = len(positions)
    graph = coo_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(n, n))
    labels = connected_components(graph, directed=False)[1]
    return int(np.bincount(labels).max())
