"""Departure of a point from detailed balance (App. C of arXiv:2211.05502), from the positions of the particles.

Without a probability current the time-reversed motion is equally likely. Positions do not change sign under time reversal,
so ⟨X_C(t) X_H(t+τ)⟩ and ⟨X_H(t) X_C(t+τ)⟩ are then equal at all lags. Otherwise the pair circulates in the plane of X_C and
X_H. The swept area, (X_C dX_H - X_H dX_C)/2, gives both mean works: W_C = -κ_C times the area and W_H = κ_H times the area.
No force, work or heat is used here.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from analysis.data.parameters import Array
from analysis.data.runs import Run
from analysis.heat.power import PointBlocks, head, sampled_positions
from analysis.heat.rates import slowest_memory
from analysis.heat.results import ReversalPoint
from analysis.statistics.correlation import reversal_asymmetry
from analysis.statistics.timeseries import joined, mean_rate
from analysis.units import PER_NS

REACH = 1.0
"""Range of the lags in memories of the slowest quantity of the pair."""

POINTS = 48
"""Number of lags, spaced quadratically: the asymmetry rises fast and decays slowly."""

COPIES = 200
"""Resampled copies for each error."""


def swept_area(positions: Array) -> Array:
    """Area swept in the plane of X_C and X_H since the first sample, (m, n), Å², counter-clockwise; only the growing part.

    For any path the area of its chords, ½ Σ (X̄_C ΔX_H - X̄_H ΔX_C) with X̄ the mid-points, is Δ(X_H² - X_C²)/4 minus
    ½ Σ (X̄_H - X̄_C) Δ(X_C + X_H). The latter is returned: it grows at the same rate and does not contain the noise of the
    slow motion.

    Args:
        positions: (m, n, 2), Å.
    """
    gap = np.diff(positions, axis=-1)[..., 0]
    chords = (gap[:, 1:] + gap[:, :-1]) / 2 * np.diff(positions.sum(axis=-1), axis=1)
    return np.concatenate([np.zeros((len(positions), 1)), -np.cumsum(chords, axis=1) / 2], axis=1)


def reversal_summary(runs: Sequence[Run]) -> ReversalPoint:
    """The asymmetry under time reversal and the swept area of one point.

    Args:
        runs: replicas of one point of the sweep.

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
    # Coupled axes count as one series.
    widening = slow.slow_widening * np.sqrt(blocks.together) if slow else 1.0
    return ReversalPoint(
        **vars(head(runs, blocks)),
        dt=interval,
        swept_area=area,
        lag=curve.lag,
        asymmetry=curve.value,
        asymmetry_se=widening * curve.se,
    )
