"""Argon around a particle, on made-up atoms whose radial distribution is known."""

from __future__ import annotations

import MDAnalysis
import numpy as np
import pytest
from MDAnalysis.coordinates.memory import MemoryReader
from numpy.typing import NDArray

from analysis.structure.adsorption import SHELL_A, adsorbed_layer, fluid_around
from analysis.structure.result import FluidAround

EDGE = 50.0
CENTRE = np.array([EDGE / 2, EDGE / 2, EDGE / 2])
COPPER = 2.0 * np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]])
DENSITY = 0.02
Array = NDArray[np.float64]


def _found(frames: list[Array], centre: Array = CENTRE) -> FluidAround:
    """What is found about four copper atoms at ``centre`` among argon at ``frames``, walls at 0 and ``EDGE``, 10 ps apart."""
    n = len(frames[0])
    universe = MDAnalysis.Universe.empty(n + 4, trajectory=False)
    universe.add_TopologyAttr("masses", [40.0] * n + [100.0] * 4)
    positions = np.stack([np.vstack([argon, COPPER + centre]) for argon in frames]).astype(np.float32)
    box = np.tile([2 * EDGE + 2, EDGE, EDGE, 90, 90, 90], (len(frames), 1)).astype(np.float32)
    universe.load_new(positions, format=MemoryReader, dimensions=box, dt=10.0)
    return fluid_around(universe, universe.atoms[n:], universe.atoms[:n], (0.0, EDGE))


def _gas(rng: np.random.Generator, low: Array, high: Array) -> Array:
    """An ideal gas in a block, its atoms at random, in number too."""
    return np.asarray(rng.uniform(low, high, (rng.poisson(DENSITY * np.prod(high - low)), 3)))


def _shell(rng: np.random.Generator, n: int, inner: float, outer: float) -> Array:
    """``n`` atoms at random, uniform in a spherical shell."""
    directions = rng.standard_normal((n, 3))
    radii = rng.uniform(inner**3, outer**3, n) ** (1 / 3)
    return np.asarray(CENTRE + directions / np.linalg.norm(directions, axis=1)[:, None] * radii[:, None])


def _layered(seed: int, gas: int, behind: int = 0) -> list[Array]:
    """16 frames with 60 or 61 atoms from 9 to 10 Å, some behind them up to 13 Å, and gas beyond; equal numbers in all."""
    rng = np.random.default_rng(seed)
    frames = []
    for frame in range(16):
        far = _gas(rng, np.zeros(3), np.full(3, EDGE))
        far = far[np.linalg.norm(far - CENTRE, axis=1) > 13][:gas]
        between = _shell(rng, behind, 10.0, 13.0)
        frames.append(np.vstack([_shell(rng, 60 + frame % 2, 9.0, 10.0), between, far])[: 60 + behind + gas])
    return frames


def test_ideal_gas_has_its_density_in_every_shell() -> None:
    """g(r) = 1 of a gas that nothing disturbs, out to the wall, and no layer is seen in it."""
    rng = np.random.default_rng(1)
    frames = [_gas(rng, np.zeros(3), np.full(3, EDGE)) for _ in range(40)]
    least = min(map(len, frames))  # a universe holds equally many atoms in all frames; which are left out is random
    found = _found([frame[:least] for frame in frames])
    radius = found.radius
    assert radius[-1] == EDGE / 2
    volume = 4 / 3 * np.pi * (radius**3 - (radius - SHELL_A) ** 3)
    true = 1000 * least / EDGE**3
    expected = 40 * volume * true / 1000
    z = (found.density / true - 1) * np.sqrt(expected)
    assert np.abs(z[expected > 20]).max() < 4
    assert np.mean(z[expected > 20] ** 2) == pytest.approx(1, abs=0.5)
    atoms, expected_atoms = 400 / 40 * found.mass_within[-1], expected.sum() / 40
    assert abs(atoms - expected_atoms) < 4 * np.sqrt(expected_atoms / 40)
    assert found.layer is None


def test_layer_of_known_count_is_found() -> None:
    """All atoms of a dense shell before a gap are in the layer, which ends in the gap; its mass is theirs."""
    frames = _layered(seed=2, gas=2000)
    layer = _found(frames).layer
    assert layer is not None
    assert 9.0 < layer.peak < 10.0
    assert 10.0 < layer.end < 13.0
    # Smoothing lowers the peak of a box 1 Å wide, never below half of it.
    top = 1000 * 60 / (4 / 3 * np.pi * (10.0**3 - 9.0**3))
    assert 0.5 * top < layer.peak_density < top
    assert layer.atoms.value == 60.5
    assert 0 < layer.atoms.se < 1
    assert layer.mass_ratio.value == pytest.approx(layer.atoms.value * 40 / 400)


def test_a_layer_counts_to_its_end_and_no_further() -> None:
    """Where some atoms are behind the layer, too, those nearer than its end are in it, and their mean number is told."""
    frames = _layered(seed=4, gas=1900, behind=30)
    found = _found(frames)
    layer = found.layer
    assert layer is not None
    radii = np.linalg.norm(np.array(frames) - CENTRE, axis=2)
    within = [(radii < end).sum() / 16 for end in (layer.end - SHELL_A, layer.end, layer.end + SHELL_A)]
    assert within[0] < within[1] < within[2]
    assert layer.atoms.value == pytest.approx(within[1])
    assert found.mass_within[found.radius == layer.end] == pytest.approx(within[1] * 40 / 400)


def test_atoms_count_in_their_nearest_image_and_walls_end_the_shells() -> None:
    """Along y and z an atom may be stored in any period; a particle nearer to a wall is seen less far."""
    rng = np.random.default_rng(3)
    gas = rng.uniform(0, EDGE, (2000, 3))
    moved = gas.copy()
    moved[::2, 1] += EDGE
    moved[::3, 2] -= EDGE
    centre = CENTRE - np.array([5.0, 0.0, 0.0])
    here, there = _found([gas], centre), _found([moved], centre)
    assert _found([gas], CENTRE + np.array([7.0, 0.0, 0.0])).radius[-1] == EDGE / 2 - 7.0
    assert np.allclose(here.density, there.density, atol=1e-9)
    assert here.radius[-1] == EDGE / 2 - 5.0


def test_a_shoulder_is_no_layer() -> None:
    """A density that rises to its bulk value, or falls to it, without a minimum behind, has no end that could be told."""
    edges = np.arange(0, 25, SHELL_A)
    middle = (edges[1:] + edges[:-1]) / 2
    assert adsorbed_layer(1 / (1 + np.exp(9 - middle)), edges) is None
    assert adsorbed_layer((middle > 9) * (1 + 3 * np.exp(-np.abs(middle - 9))), edges) is None
