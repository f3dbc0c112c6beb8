"""Fluid around a particle: its density by distance from the centre of mass, and the layer adsorbed on the metal.

MDAnalysis's ``InterRDF`` divides by the volume of a box that is periodic along all axes and open to the fluid everywhere. Here
walls bound x and metal fills the middle. Counts are therefore divided by the volume of their own shell, out to where shells
are still whole: short of the nearest wall and of half the period along y and z. The radial distribution function g(r) is this
density over that of the bulk.
"""

from __future__ import annotations

import MDAnalysis
import numpy as np
from MDAnalysis.lib.distances import capped_distance
from scipy.ndimage import gaussian_filter1d

from analysis.statistics.timeseries import Array, mean_of_one
from analysis.structure.result import AdsorbedLayer, FluidAround, Layer

SHELL_A = 0.25
"""Width of a shell, a tenth of that of a layer of argon."""

SMOOTHING_A = 0.5
"""Standard deviation of the kernel that the density is smoothed with before peaks are sought: facets split a layer's peak."""

PROMINENCE = 0.5
"""Least rise of a layer, and least fall behind it, in units of the outermost density: more than noise, less than a layer's."""


def fluid_around(
    universe: MDAnalysis.Universe,
    particle: MDAnalysis.AtomGroup,
    fluid: MDAnalysis.AtomGroup,
    walls: tuple[float, float] | None,
) -> FluidAround:
    """Fluid about the centre of mass of one particle, over all frames.

    Args:
        universe: trajectory of the run, at least one frame; Å and ps.
        particle: atoms of the metal of that side.
        fluid: atoms of the fluid of that side, all of one mass.
        walls: x of the walls of that side, Å; ``None`` where the box is periodic along x.
    """
    edges = np.arange(0.0, float(universe.dimensions[1:3].min()) / 2 + 1e-6, SHELL_A)
    counts = np.zeros((len(universe.trajectory), len(edges) - 1))
    reach = edges[-1]
    for frame, _ in enumerate(universe.trajectory):
        centre = particle.center_of_mass()
        # Periodic along x too, which is harmless: the box holds both baths, and no shell reaches half of it.
        _, distances = capped_distance(centre, fluid, float(edges[-1]), box=universe.dimensions)
        counts[frame] = np.histogram(distances, edges)[0]
        if walls is not None:
            reach = min(reach, centre[0] - walls[0], walls[1] - centre[0])
    whole = int((edges[1:] <= reach).sum())
    counts, edges = counts[:, :whole], edges[: whole + 1]
    density = shell_density(counts.mean(axis=0), edges)
    atom = float(fluid.masses[0] / particle.total_mass())
    layer = adsorbed_layer(density, edges)
    adsorbed: AdsorbedLayer | None = None
    if layer is not None:
        atoms = mean_of_one(counts[:, edges[1:] <= layer.end].sum(axis=1), universe.trajectory.dt)
        adsorbed = AdsorbedLayer(layer.peak, layer.peak_density, layer.end, atoms, atoms * atom)
    return FluidAround(edges[1:], density, atom * counts.mean(axis=0).cumsum(), adsorbed)


def shell_density(counts: Array, edges: Array) -> Array:
    """Density in spherical shells, (shells,), nm⁻³: the atoms in a shell over its volume, 4π (r₂³ - r₁³)/3.

    Args:
        counts: atoms in each shell, (shells,).
        edges: radii that bound the shells, (shells + 1,), increasing, Å.
    """
    return np.asarray(counts / (4e-3 * np.pi / 3 * np.diff(edges**3)))


def adsorbed_layer(density: Array, edges: Array) -> Layer | None:
    """The first layer: the innermost peak of the smoothed density, out to the minimum behind it; ``None`` if either is missing.

    Args:
        density: in each shell, (shells,), nm⁻³.
        edges: radii that bound the shells, (shells + 1,), spaced by ``SHELL_A``, Å.
    """
    from scipy.signal import find_peaks  # brings scipy.stats, and is needed only here

    smooth = gaussian_filter1d(density, SMOOTHING_A / SHELL_A)
    least = PROMINENCE * density[len(density) * 4 // 5 :].mean()
    peaks, _ = find_peaks(smooth, prominence=least)
    if peaks.size == 0:
        return None
    minima, _ = find_peaks(-smooth[peaks[0] :], prominence=least)
    if minima.size == 0:
        return None
    middle = (edges[1:] + edges[:-1]) / 2
    return Layer(float(middle[peaks[0]]), float(smooth[peaks[0]]), float(edges[peaks[0] + minima[0] + 1]))
