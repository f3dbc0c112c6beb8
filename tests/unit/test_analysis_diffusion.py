"""Self-diffusion from frames of atoms whose random walk is known."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from analysis.structure.diffusion import FEWEST_FRAMES, self_diffusion

Array = NDArray[np.float64]
PERIODS = (40.0, 50.0, 60.0)
INTERVAL = 20.0


def walk(diffusion: float, frames: int, atoms: int, seed: int, jitter: float = 0.0) -> Array:
    """Atoms in the box that diffuse, Å²/ps, and rattle in their cages on the way, Å."""
    rng = np.random.default_rng(seed)
    steps = rng.normal(0, np.sqrt(2 * diffusion * INTERVAL), (frames, atoms, 3))
    places = rng.uniform(0, PERIODS, (atoms, 3)) + steps.cumsum(axis=0) + rng.normal(0, jitter, steps.shape)
    return np.asarray(places % PERIODS)


def test_random_walks_diffuse_as_they_were_made_to() -> None:
    """Over many walks the coefficient is right, whatever the atoms do in their cages, and so is its error."""
    z = []
    for seed in range(60):
        positions = walk(0.4, 25, 200, seed, jitter=1.0)
        found = self_diffusion(positions, np.ones(positions.shape[:2], bool), PERIODS, INTERVAL)
        assert found is not None
        assert 0 < found.se < 0.1 * found.value
        z.append((found.value - 0.4e-8) / found.se)
    assert abs(np.mean(z)) < 3 * np.std(z) / np.sqrt(len(z))
    assert 0.7 < np.std(z) < 1.3


def test_only_atoms_far_from_metal_and_axes_without_walls_count() -> None:
    """Adsorbed atoms, and motion towards walls, are another matter."""
    positions = walk(0.4, 25, 400, seed=1)
    positions[:, 200:] = positions[0, 200:]
    in_bulk = np.ones(positions.shape[:2], bool)
    in_bulk[:, 200:] = False
    positions[..., 0] = 7.0
    found = self_diffusion(positions, in_bulk, (None, *PERIODS[1:]), INTERVAL)
    assert found is not None
    assert found.value == pytest.approx(0.4e-8, abs=4 * found.se)
    assert found.se < 0.05 * found.value


@pytest.mark.parametrize(("frames", "diffusion"), [(FEWEST_FRAMES - 1, 0.4), (FEWEST_FRAMES, 2.0)])
def test_what_frames_do_not_determine_is_unknown(frames: int, diffusion: float) -> None:
    """Too few frames, or atoms that pass to another image of the box between frames."""
    positions = walk(diffusion, frames, 100, seed=2)
    assert self_diffusion(positions, np.ones(positions.shape[:2], bool), PERIODS, INTERVAL) is None
    enough = walk(0.4, FEWEST_FRAMES, 100, seed=2)
    assert self_diffusion(enough, np.ones(enough.shape[:2], bool), PERIODS, INTERVAL) is not None
