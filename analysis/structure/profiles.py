"""Checks of the set-up of a run: fluid between walls, leaks, cavities, connected particles, temperatures and pressures.

``adsorption`` has the fluid around the particles, ``inside`` the temperature inside them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import MDAnalysis
import numpy as np
from MDAnalysis.lib.distances import self_capped_distance
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from analysis.data.parameters import SIDES, Array
from analysis.data.runs import Run
from analysis.data.universe import universe
from analysis.structure.adsorption import fluid_around
from analysis.structure.diffusion import self_diffusion
from analysis.structure.inside import metal_temperatures, squared_frequency
from analysis.structure.result import SideStructure, Structure

PROFILE_BIN_A = 0.5
CAVITY_CELL_A = 12.0
"""Cells hold some 30 argon atoms: enough for a steady count, small enough to see a bubble."""

BULK_MARGIN_A = 12.0
"""Three layers of argon: beyond, metal changes its density by less than a hundredth."""

BULK_ATOMS = 100
"""Fewer atoms on average do not determine a bulk density."""

GRID = 60
"""Points along each axis by which the volume of the bulk is counted; its error is below a thousandth."""

BOND_A = 3.6
"""Copper atoms closer than this are neighbours: between first (2.56 Å) and second shell (3.61 Å) of fcc copper."""


@dataclass(frozen=True)
class Side:
    """The atoms of one side, and the x of its walls, Å; ``None`` where it goes on periodically."""

    fluid: MDAnalysis.AtomGroup
    particle: MDAnalysis.AtomGroup
    walls: tuple[float, float] | None


def structure(runs: Sequence[Run]) -> Structure:
    """Structure of the first of some replicas, over all frames of its trajectory, and temperatures and pressures of all.

    Args:
        runs: replicas of one run, with atoms; the folder of the first has the trajectory.

    Raises:
        RunFolderError: if the first run has no trajectory, or one without frames.
    """
    run = runs[0]
    system = universe(run.folder)
    sides = {side: _side(system, side) for side in SIDES}
    first, last = sides["cold"].walls, sides["hot"].walls
    low, high = (first[0], last[1]) if first and last else (0.0, float(system.dimensions[0]))
    edges = np.arange(low, high + (PROFILE_BIN_A if first else 1e-6), PROFILE_BIN_A)
    metal = run.metadata["settings"]["materials"]["metal"]
    frequencies = [
        squared_frequency(system, side.particle, metal["epsilon_eV"], metal["sigma_A"]) for side in sides.values()
    ]
    time, temperatures = metal_temperatures(runs, frequencies)
    has_chains = "chains_per_bath" in (run.metadata.get("system") or {})  # their atoms follow each other for long
    found = {}
    for j, (name, side) in enumerate(sides.items()):
        box = system.dimensions[:3]
        cells = [cell for _ in system.trajectory if (cell := _cell_densities(side, box)).size]
        frames = [(side.fluid.positions, *_bulk(side, box)) for _ in system.trajectory]
        positions, in_bulk, volumes = (np.array(each) for each in zip(*frames, strict=True))
        bulk_atoms = in_bulk.sum() / len(in_bulk)
        periods = [None if axis == 0 and side.walls else float(edge) for axis, edge in enumerate(box)]
        temperature, pressure = (
            float(np.mean([each.series[column].mean() for each in runs]))
            for column in (f"temperature_{name}_K", f"pressure_{name}_bar")
        )
        found[name] = SideStructure(
            density=_density_along_x(system, side, edges),
            walls=side.walls,
            # In a bath barely larger than its particle every cell touches it, and of the bulk nothing can be said.
            emptiest_cell=min(float(cell.min() / cell.mean()) for cell in cells) if cells else None,
            bulk_density=float(bulk_atoms / volumes.mean()) if bulk_atoms >= BULK_ATOMS else None,
            largest_cluster=min(largest_cluster(side.particle.positions) for _ in system.trajectory),
            particle_atoms=len(side.particle),
            particle_mass=run.parameters.mass[j],
            around=fluid_around(system, side.particle, side.fluid, side.walls),
            temperature=temperature,
            pressure=pressure,
            metal=temperatures[j],
            self_diffusion=None
            if bulk_atoms < BULK_ATOMS or has_chains
            else self_diffusion(positions, in_bulk, periods, system.trajectory.dt),
        )
    leaked = max(sum(_outside(side) for side in sides.values()) for _ in system.trajectory)
    return Structure(len(system.trajectory), (edges[1:] + edges[:-1]) / 2, leaked, found, time)


def _side(system: MDAnalysis.Universe, name: str) -> Side:
    fluid, particle, wall = (
        system.select_atoms(f"segid {name} and resname {part}") for part in ("bath", "particle", "wall")
    )
    x = wall.positions[:, 0]
    return Side(fluid, particle, (float(x.min()), float(x.max())) if len(x) else None)


def _outside(side: Side) -> int:
    """Atoms beyond a wall of their side, in the current frame."""
    if side.walls is None:
        return 0
    x = np.concatenate([side.fluid.positions[:, 0], side.particle.positions[:, 0]])
    return int(((x < side.walls[0]) | (x > side.walls[1])).sum())


def _density_along_x(system: MDAnalysis.Universe, side: Side, edges: Array) -> Array:
    """Fluid atoms per nm³ between x edges, mean over all frames."""
    length = np.inf if side.walls else float(system.dimensions[0])  # frames may hold atoms just beyond a periodic face
    counts = sum(np.histogram(side.fluid.positions[:, 0] % length, edges)[0] for _ in system.trajectory)
    cross_section = float(np.prod(system.dimensions[1:3]))
    return np.asarray(1000 * counts / (len(system.trajectory) * cross_section * PROFILE_BIN_A))


def _bulk(side: Side, box: NDArray[np.float32]) -> tuple[NDArray[np.bool_], float]:
    """Which fluid atoms are farther than ``BULK_MARGIN_A`` from particle and walls in the current frame; their volume, nm³."""
    lows, lengths = np.zeros(3), box.astype(float)
    if side.walls is not None:
        # The points fill the room between the margins of the walls, so that no layer of them is cut.
        lows[0] = side.walls[0] + BULK_MARGIN_A
        lengths[0] = max(side.walls[1] - side.walls[0] - 2 * BULK_MARGIN_A, 0.0)
    points = [low + length * (np.arange(GRID) + 0.5) / GRID for low, length in zip(lows, lengths, strict=True)]
    particle = side.particle.positions.astype(float)
    middle = particle.mean(axis=0)
    reach = float(np.linalg.norm(particle - middle, axis=1).max()) + BULK_MARGIN_A

    def is_bulk(x: Array, y: Array, z: Array) -> NDArray[np.bool_]:
        apart = [place - centre for place, centre in zip((x, y, z), middle, strict=True)]
        for axis in range(3):
            if axis > 0 or side.walls is None:
                apart[axis] = apart[axis] - box[axis] * np.round(apart[axis] / box[axis])
        beyond = sum(each**2 for each in apart) > reach**2
        return np.asarray(beyond if side.walls is None else beyond & (x > lows[0]) & (x < lows[0] + lengths[0]))

    share = is_bulk(points[0][:, None, None], points[1][:, None], points[2]).mean()
    return is_bulk(*side.fluid.positions.astype(float).T), float(share * np.prod(lengths)) / 1000


def _cell_densities(side: Side, box: NDArray[np.float32]) -> Array:
    """Fluid atoms per nm³ in each cell that does not touch the particle, in the current frame; empty if all do.

    Cells of about ``CAVITY_CELL_A`` fill the side but for half a cell next to each wall, where the fluid is layered. ``box``
    has the lengths along x, y and z.
    """
    lows, lengths = np.zeros(3), box.astype(float)
    if side.walls is not None:
        margin = CAVITY_CELL_A / 2
        lows[0], lengths[0] = side.walls[0] + margin, side.walls[1] - side.walls[0] - 2 * margin
    if lengths[0] <= 0:
        return np.empty(0)
    cells = np.maximum((lengths / CAVITY_CELL_A).round().astype(int), 1)
    wrapped = side.fluid.positions.astype(float)
    periodic = slice(0 if side.walls is None else 1, 3)
    wrapped[:, periodic] %= box[periodic]
    grids = [np.linspace(low, low + length, n + 1) for low, length, n in zip(lows, lengths, cells, strict=True)]
    counts = np.histogramdd(wrapped, grids)[0]
    centres = np.stack(np.meshgrid(*[(g[1:] + g[:-1]) / 2 for g in grids], indexing="ij"), axis=-1)
    particle = side.particle.positions.astype(float)
    middle = particle.mean(axis=0)
    radius = float(np.linalg.norm(particle - middle, axis=1).max())
    half_diagonal = float(np.linalg.norm(lengths / cells)) / 2
    free = np.linalg.norm(centres - middle, axis=-1) > radius + half_diagonal
    return np.asarray(1000 * counts[free] / np.prod(lengths / cells))


def largest_cluster(positions: NDArray[np.float32], box: NDArray[np.float32] | None = None) -> int:
    """Number of atoms in the largest cluster, in which each has a neighbour within ``BOND_A``.

    Args:
        positions: of the metal, (n, 3), Å.
        box: lengths and angles of a periodic box, (6,), Å and degrees, for bonds across its faces; ``None`` for no faces.
    """
    pairs = self_capped_distance(positions, BOND_A, box=box, return_distances=False)
    n = len(positions)
    graph = coo_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(n, n))
    labels = connected_components(graph, directed=False)[1]
    return int(np.bincount(labels).max())
