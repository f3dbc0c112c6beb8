"""The first-order recursion of exact paths and filters: x ← rate x + kick."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray


def recursion(rate: complex, start: ArrayLike, kicks: NDArray[Any]) -> NDArray[Any]:
    """x after each kick, along the last axis.

    Args:
        rate: factor on x from one step to the next.
        start: x before the first kick, of the shape of `kicks` without its last axis.
        kicks: shape (…, steps); there may be none.

    Returns:
        An array of the shape of `kicks`.
    """
    from scipy.linalg.lapack import dtbtrs, ztbtrs  # scipy.signal has a filter, but takes a second more to load

    # Row n of the triangular system says x_n - rate x_(n-1) = kick_n.
    driven = np.array(kicks, dtype=np.result_type(kicks, start, rate, float))
    if driven.shape[-1] == 0:
        return driven
    driven[..., 0] += rate * np.asarray(start)
    solve: Any = ztbtrs if np.iscomplexobj(driven) else dtbtrs
    bands = np.full((2, driven.shape[-1]), [[1.0], [-rate]], dtype=driven.dtype)
    path, _ = solve(bands, driven.reshape(-1, driven.shape[-1]).T, uplo="L", diag="U")
    return np.asarray(path.T.reshape(driven.shape))
