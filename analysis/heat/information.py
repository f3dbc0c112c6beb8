"""What the controller's feedback makes of information: the flow between the two particles at one point, without a model.

A particle is its position and velocity. The flow İ_j is the rate at which the motion of particle j alone changes the mutual
information of both; in a steady state İ_C + İ_H = 0. The second law of either side is Q_j/T_j - k_B İ_j >= 0: who is cooled
uses information up, which the other's motion makes (J. M. Horowitz & M. Esposito, Phys. Rev. X 4, 031015 (2014)).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from analysis.data.runs import Array, Run
from analysis.friction.result import shares_of
from analysis.heat.power import PointBlocks, entry, header
from analysis.model import information_flow_from_rate, mutual_information
from analysis.statistics.timeseries import Estimate, student
from analysis.units import PER_NS

_FEWEST = 3  # blocks that tell an error

COLD = (0, 2)
"""Variables of the cold particle in (X_C, X_H, V_C, V_H)."""


def information_summary(runs: Sequence[Run]) -> dict[str, Any]:
    """Mutual information of the particles and its flow at one point, ready for ``information.json``.

    Args:
        runs: replicas of one point of the sweep.

    Returns:
        What ``power.header`` tells; ``information_<side>_kB_per_ns`` with ``information_se``, per coupled axis, and
        ``mutual_information_kB`` with ``mutual_information_se``. Errors are ``None`` where runs are too short for one.

    Raises:
        AnalysisError: if the replicas differ in length.
    """
    interval = runs[0].parameters.sample_interval
    blocks = PointBlocks.of(runs, interval)
    slow = blocks.distribution
    flow, shared = information(runs, slow.count if slow else 1)
    told = entry("information_cold_kB_per_ns", "information_se", flow * PER_NS)
    return header(runs, blocks) | {
        **told,
        "information_hot_kB_per_ns": None if (cold := told["information_cold_kB_per_ns"]) is None else -cold,
        **entry("mutual_information_kB", "mutual_information_se", shared),
    }


def information(runs: Sequence[Run], blocks: int) -> tuple[Estimate, Estimate]:
    """Flow of information into the cold particle, k_B/ps, and mutual information, k_B; means over the coupled axes.

    Covariances are pooled over replicas and equivalent axes, and errors are those of leaving out each block of time of all
    series together: whatever one axis feels of another then does no harm.

    Args:
        runs: replicas of one point.
        blocks: of time in each run; 1 tells no error.
    """
    axes = runs[0].parameters.coupling_axes
    shares = shares_of(axes, runs[0].equivalent_axes)
    count = len(runs) * blocks if len(runs) * blocks >= _FEWEST else 0
    found = np.zeros((count + 1, 2))
    for alike, share in shares.items():
        along = ["xyz".index(axis) for axis in alike if axis in axes]
        sums = np.concatenate([_sums(run, along, blocks) for run in runs])
        whole = sums.sum(axis=0)
        found += share * np.array([_told(each, runs[0]) for each in [whole, *(whole - sums)[:count]]])
    value, left_out = found[0], found[1:]
    if not count:
        return Estimate(float(value[0]), math.nan), Estimate(float(value[1]), math.nan)
    with np.errstate(invalid="ignore"):
        apart = np.linalg.norm(left_out - left_out.mean(axis=0), axis=0)
    errors = student(count - 1) * math.sqrt((count - 1) / count) * apart
    flow, shared = (Estimate(float(v), float(e)) for v, e in zip(value, errors, strict=True))
    return flow, shared


def _sums(run: Run, along: Sequence[int], blocks: int) -> Array:
    """Σ z zᵀ and Σ z(t + a sample) zᵀ over axes in each block of time; a fifth row counts samples. (blocks, 2, 5, 4)."""
    z = np.concatenate([run.position[:, :, along], run.velocity[:, :, along]], axis=1)  # (n, 4, axes)
    edges = np.linspace(0, len(z) - 1, blocks + 1).round().astype(int)
    sums = np.zeros((blocks, 2, 5, 4))
    for block, (start, stop) in enumerate(pairwise(edges)):
        now, then = z[start:stop], z[start + 1 : stop + 1]
        sums[block, 0, :4] = np.einsum("tia,tja->ij", now, now)
        sums[block, 1, :4] = np.einsum("tia,tja->ij", then, now)
        sums[block, :, 4] = (stop - start) * len(along)
    return sums


def _told(sums: Array, run: Run) -> tuple[float, float]:
    """Flow into the cold particle, k_B/ps, and mutual information, k_B."""
    covariance, lagged = sums[0, :4] / sums[0, 4], sums[1, :4] / sums[1, 4]
    # Noises of the two baths are independent, so what one particle shares with the other turns smoothly with the lag, and this
    # difference errs by the square of a sample.
    rate = (lagged - lagged.T) / (2 * run.parameters.sample_interval)
    with np.errstate(divide="ignore", invalid="ignore"):  # a few samples only leave nothing unknown
        try:
            return information_flow_from_rate(covariance, rate, COLD), mutual_information(covariance, COLD)
        except np.linalg.LinAlgError:
            return math.nan, math.nan
