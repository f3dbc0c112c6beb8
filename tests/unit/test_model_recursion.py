"""The first-order recursion against a plain loop."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from analysis.model.recursion import recursion


@pytest.mark.parametrize(("rate", "is_complex"), [(0.9, False), (0.98 + 0.1j, False), (-0.5, True), (1.0, False)])
@pytest.mark.parametrize("shape", [(7,), (3, 7), (2, 3, 1)])
def test_each_step_is_that_of_a_loop(rate: complex, is_complex: bool, shape: tuple[int, ...]) -> None:
    """x ← rate x + kick along the last axis, real or complex, for any number of series; what is given stays as it is."""
    rng = np.random.default_rng(5)
    kicks, start = rng.normal(size=shape) + is_complex * 1j * rng.normal(size=shape), rng.normal(size=shape[:-1])
    given = kicks.copy()
    expected = [np.asarray(start, dtype=complex)]
    for step in range(shape[-1]):
        expected.append(rate * expected[-1] + kicks[..., step])
    found = recursion(rate, start, kicks)
    assert found.shape == shape
    assert_allclose(found, np.stack(expected, axis=-1)[..., 1:], rtol=1e-13, atol=1e-14)
    assert (kicks == given).all()


def test_no_kicks_give_no_path() -> None:
    """As a filter needs that reaches its steady state at the last sample."""
    assert recursion(0.5, np.ones(3), np.empty((3, 0))).shape == (3, 0)
