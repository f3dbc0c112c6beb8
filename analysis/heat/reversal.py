"""How far a point is from detailed balance (App. C of arXiv:2211.05502), from the particles' positions alone.

Where probability flows nowhere, the motion reversed in time is as likely as the motion itself. Positions do not change their
sign under reversal, so ⟨X_C(t) X_H(t+τ)⟩ and ⟨X_H(t) X_C(t+τ)⟩ are then equal at all lags. Otherwise the pair goes round in the
plane of X_C and X_H. The area that it sweeps, (X_C dX_H - X_H dX_C)/2, counts both works: in the mean W_C = -κ_C times it, and
W_H = κ_H times it. But here no force, no work and no heat is asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from analysis.data.runs import Array, Run
from analysis.heat.power import PointBlocks, entry, header, sampled_positions
from analysis.heat.rates import slowest_memory
from analysis.statistics.correlation import reversal_asymmetry
from analysis.statistics.timeseries import joined, known, mean_rate
from analysis.units import PER_NS

REACH = 1.0
"""Lags reach over this many memories of whatever the pair forgets last."""

POINTS = 48
"""Lags, growing as their squares: the asymmetry rises fast and fades slowly."""

COPIES = 200
"""Resampled copies behind each error."""


def swept_area(positions: Array) -> Array:
    """Area swept in the plane of X_C and X_H since the first sample, (m, n), Å², counter-clockwise; without what does not grow.

    For any path the area of its chords, ½ Σ (X̄_C ΔX_H - X̄_H ΔX_C) with X̄ the mid-points, is Δ(X_H² - X_C²)/4 less
    ½ Σ (X̄_H - X̄_C) Δ(X_C + X_H). The latter is told here: it grows as fast, and has no share in the slow motion's noise.

    Args:
        positions: (m, n, 2), Å.
    """
    gap = np.diff(positions, axis=-1)[..., 0]
    chords = (gap[:, 1:] + gap[:, :-1]) / 2 * np.diff(positions.sum(axis=-1), axis=1)
    return np.concatenate([np.zeros((len(positions), 1)), -np.cumsum(chords, axis=1) / 2], axis=1)


def reversal_summary(runs: Sequence[Run]) -> dict[str, Any]:
    """The asymmetry under reversal and the swept area of one point, ready for ``reversal.json``; unknown errors are ``None``.

    Args:
        runs: replicas of one point of the sweep.

    Returns:
        What ``power.header`` tells, ``dt_ps``, ``swept_area_A2_per_ns`` with ``swept_area_se``, per coupled axis, and lists
        ``lag_ps``, ``asymmetry`` and ``asymmetry_se`` (``statistics.correlation.reversal_asymmetry`` of X_C and X_H).

    Raises:
        AnalysisError: if the replicas differ in length.
    """
    interval = runs[0].parameters.sample_interval
    blocks = PointBlocks.of(runs, interval)
    positions = sampled_positions(runs, interval)
    area = mean_rate(joined(swept_area(positions), blocks.together), interval, blocks.current) * PER_NS
    steps = positions.shape[1] - 1
    reach = min(max(REACH * slowest_memory(runs) / interval, 2.0), steps / 3)
    lags = np.unique((reach * np.linspace(0, 1, POINTS) ** 2).round().astype(int))
    slow = blocks.distribution
    curve = reversal_asymmetry(
        positions[..., 0], positions[..., 1], interval, lags, slow.count if slow else 0, COPIES, seed=0
    )
    # Axes that feel each other count as one series.
    widening = slow.slow_widening * np.sqrt(blocks.together) if slow else 1.0
    return header(runs, blocks) | {
        "dt_ps": interval,
        **entry("swept_area_A2_per_ns", "swept_area_se", area),
        "lag_ps": curve.lag.tolist(),
        "asymmetry": curve.value.tolist(),
        "asymmetry_se": [known(error) for error in widening * curve.se],
    }
