"""Fluctuating power of the controller, sampled from stored positions: its mean, variance and distribution.

Power over an interval dt is force at the mid-point times displacement over dt, P_j = κ_j X_l ΔX_j/dt (arXiv:2211.05502,
eq. 8, the cross force alone). Every coupled axis and every replica is an independent series of one experiment; powers are
per axis. ``analysis.model.Refrigerator.power_distribution`` is the exact distribution at any dt.

This applies to the linear controller. For other controllers the positions do not determine the force; the power is then the
recorded work over dt, that of the whole force.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analysis.data.parameters import AXES, Array
from analysis.data.runs import Run
from analysis.errors import AnalysisError
from analysis.heat.rates import axes_together, current_blocks, heat_rates, rate_covariance, run_blocks
from analysis.heat.results import BlockedPoint, Histogram, PowerPoint
from analysis.model.refrigerator import Target
from analysis.statistics.timeseries import (
    Blocks,
    Estimate,
    SeriesTooShortError,
    end_noise,
    joined,
    mean_rate,
    memory,
    stationary_mean,
)
from analysis.units import PER_NS

DT_PS = 1.0
"""Sampling interval of the power, as in the paper."""

# Bins extend until this number of samples is left outside on either side.
_OUTSIDE = 1e-3


@dataclass(frozen=True)
class PointBlocks:
    """The blocks for the runs of one point.

    Attributes:
        distribution: for distributions.
        current: for mean currents.
        note: why a kind is missing, with the length that both kinds need.
        together: number of neighbouring series that are not independent (``heat.axes_together``).
    """

    distribution: Blocks | None
    current: Blocks | None
    note: str | None
    together: int = 1

    @classmethod
    def of(cls, runs: Sequence[Run], dt: float = DT_PS) -> PointBlocks:
        """Both kinds of blocks, for samples every dt (ps); a very short study (as in tests) has none."""
        found: list[Blocks | None] = []
        problems: list[SeriesTooShortError] = []
        spacing = sampling_stride(runs[0], dt) * runs[0].parameters.sample_interval
        for choose in (run_blocks, current_blocks):
            try:
                found.append(choose(runs, spacing))
            except SeriesTooShortError as problem:
                found.append(None)
                problems.append(problem)
        # A run of the larger length has both.
        note = str(max(problems, key=lambda problem: problem.required)) if problems else None
        return cls(found[0], found[1], note, axes_together(runs[0]))


def head(runs: Sequence[Run], blocks: PointBlocks) -> BlockedPoint:
    """The entries on runs and blocks that all files of a point share.

    Raises:
        AnalysisError: if the replicas differ in length.
    """
    durations = {round(run.duration, 6) for run in runs}
    if len(durations) > 1:
        raise AnalysisError(f"replicas of {runs[0].kappa_ratio} last {sorted(durations)} ps: they must be equally long")
    return BlockedPoint(
        name=runs[0].metadata["point"],
        kappa_ratio=str(runs[0].kappa_ratio),
        parameters=runs[0].parameters,
        replicas=len(runs),
        time=sum(run.duration for run in runs) / PER_NS,
        note=blocks.note,
        distribution_block=blocks.distribution.length if blocks.distribution else None,
        distribution_blocks=blocks.distribution.total if blocks.distribution else None,
        current_block=blocks.current.length if blocks.current else None,
        current_blocks=blocks.current.total if blocks.current else None,
    )


def coupled(run: Run, values: Array) -> Array:
    """The coupled axes of an array (n, 2, 3), as independent series: (axes, n, 2)."""
    along = [AXES.index(axis) for axis in run.parameters.coupling_axes]
    return np.asarray(values[..., along].transpose(2, 0, 1))


def sampling_stride(run: Run, dt: float) -> int:
    """Number of stored samples in dt, at least one and at most the run."""
    return min(max(round(dt / run.parameters.sample_interval), 1), len(run.series) - 1)


def sampled_positions(runs: Sequence[Run], dt: float) -> Array:
    """Positions along the coupled axes every dt, (axes × replicas, n, 2), Å."""
    stride = sampling_stride(runs[0], dt)
    return np.concatenate([coupled(run, run.position[::stride]) for run in runs])


def sampled_powers(runs: Sequence[Run], dt: float = DT_PS) -> tuple[Array, float]:
    """Power on the cold and hot particle by eq. (8); from the recorded work if the controller is not linear.

    Args:
        runs: replicas of one point, of equal length.
        dt: sampling interval, ps; rounded to a multiple of the interval between stored samples.

    Returns:
        Powers, (axes × replicas, n, 2), eV/ps, over successive intervals, and the dt that was used.
    """
    used = sampling_stride(runs[0], dt) * runs[0].parameters.sample_interval
    if not runs[0].parameters.is_linear:
        return np.diff(sampled_work(runs, dt), axis=1) / used, used
    kappa = np.array(runs[0].parameters.coupling)
    position = sampled_positions(runs, dt)
    middle = (position[:, 1:] + position[:, :-1]) / 2
    return kappa * middle[..., ::-1] * np.diff(position, axis=1) / used, used


def sampled_work(runs: Sequence[Run], dt: float) -> Array:
    """Recorded work since the first sample every dt, (axes × replicas, n, 2), eV."""
    stride = sampling_stride(runs[0], dt)
    return np.concatenate([run.work[::stride].transpose(2, 0, 1) for run in runs])


def own_spring(runs: Sequence[Run], dt: float = DT_PS) -> Array:
    """κ_j X_j²/2 every dt, (axes × replicas, n + 1, 2), eV.

    Its change is the difference between the work of the cross force κ_j X_l and that of the whole force κ_j (X_l - X_j),
    also if both are sampled at mid-points. It does not grow, so both have the same mean power.
    """
    return np.asarray(np.array(runs[0].parameters.coupling) * sampled_positions(runs, dt) ** 2 / 2)


def stationary_work(runs: Sequence[Run], dt: float = DT_PS) -> Array:
    """The part of the work of the cross force that does not grow, every dt, (axes × replicas, n + 1, 2), eV.

    It is κ_j X_j²/2 - κ_j (X_H - X_C)²/4: the difference of the cross force from the whole force, and the stationary part
    of the work of the whole force (``heat.walk``). Both are exact to rounding for sums over mid-points, at any dt. For
    other controllers no such part is known, and it is 0.
    """
    if not runs[0].parameters.is_linear:
        return np.zeros_like(sampled_work(runs, dt))
    position = sampled_positions(runs, dt)
    gap = position[..., 1] - position[..., 0]
    return np.asarray(own_spring(runs, dt) - np.array(runs[0].parameters.coupling) * gap[..., None] ** 2 / 4)


def sampling_errors(runs: Sequence[Run], dt: float = DT_PS) -> Array:
    """Power of the whole force from sampled positions minus that from the work at every step, (axes × replicas, n, 2), eV/ps.

    Only for the linear controller do positions determine the power.
    """
    powers, used = sampled_powers(runs, dt)
    return np.asarray(powers - np.diff(own_spring(runs, dt) + sampled_work(runs, dt), axis=1) / used)


def by_target(values: Array) -> dict[Target, Array]:
    """Values (m, n, 2) as (m, n) of the cold particle, of the hot one, and of both together."""
    return {"cold": values[..., 0], "hot": values[..., 1], "total": values.sum(axis=-1)}


def walk(power: Array, stationary: Array, dt: float) -> Array:
    """Work since the first sample minus its stationary part, (m, n + 1), eV: a random walk with the drift of the power."""
    return np.concatenate([np.zeros((len(power), 1)), np.cumsum(power, axis=1) * dt], axis=1) - stationary


def moments(power: Array, stationary: Array, dt: float, blocks: PointBlocks) -> tuple[Estimate, Estimate]:
    """Mean (eV/ps) and variance (eV²/ps²) of sampled power; without blocks their errors are NaN.

    The mean is a random walk plus the noise that the stationary part of the work adds at both ends of the run; blocks of
    the whole work would count that noise as part of the walk.

    Args:
        power: (m, n), eV/ps.
        stationary: part of the work (``stationary_work``) of the same target, (m, n + 1), eV.
        dt: sampling interval, ps.
        blocks: of the point.
    """
    walked = joined(walk(power, stationary, dt), blocks.together)
    error = math.hypot(mean_rate(walked, dt, blocks.current).se, end_noise(stationary, dt))
    mean = Estimate(float(power.mean()), error)
    return mean, stationary_mean(joined((power - mean.value) ** 2, blocks.together), blocks.distribution, "reciprocal")


def histogram(values: Array, edges: Array, blocks: Blocks | None, together: int = 1) -> tuple[Array, Array]:
    """Density of all samples in each bin and its standard error, both (bins,); samples outside count in the norm.

    The error is that of block means, because neighbouring samples share the slow position; it is never less than that of
    independent counts, which blocks cannot show in bins with a handful of samples. Without blocks it is NaN.

    Args:
        values: (m, n).
        edges: (bins + 1,), increasing.
        blocks: how each series is cut.
        together: how many neighbouring series are not independent.
    """
    m, n = values.shape
    bins = len(edges) - 1
    count = blocks.count if blocks else 1
    cuts = np.linspace(0, n, count + 1).round().astype(int)
    block = np.repeat(np.arange(count), np.diff(cuts)) + count * np.arange(m)[:, None]
    which = np.searchsorted(edges, values, side="right") - 1
    inside = (which >= 0) & (which < bins)
    counts = np.bincount(block[inside] * bins + which[inside], minlength=m * count * bins).reshape(-1, bins)
    width = np.diff(edges)
    total = counts.sum(axis=0)
    density = total / (m * n * width)
    if blocks is None:
        return density, np.full(bins, math.nan)
    fractions = joined(counts.reshape(m, count, bins) / np.diff(cuts)[:, None], together).reshape(-1, bins)
    spread = blocks.slow_widening * fractions.std(axis=0, ddof=1) / math.sqrt(blocks.total) / width
    return density, np.maximum(spread, np.sqrt(total) / (m * n * width))


def power_bins(power: Array) -> Array:
    """Edges of bins for sampled power, symmetric about an edge at 0, where the density of one particle's power diverges."""
    reach = float(np.quantile(np.abs(power), 1 - _OUTSIDE))
    # Twice the number of Rice's rule: the distribution has a sharp peak and long tails.
    half = int(np.clip(2 * power.size ** (1 / 3), 4, 40))
    return np.linspace(-1, 1, 2 * half + 1) * (reach or 1.0)


def power_summary(runs: Sequence[Run], dt: float = DT_PS) -> PowerPoint:
    """All results on the power at one point.

    Args:
        runs: replicas of one point of the sweep.
        dt: sampling interval, ps.

    Raises:
        AnalysisError: if the replicas differ in length.
    """
    blocks = PointBlocks.of(runs, dt)
    of_runs = head(runs, blocks)
    powers, used = sampled_powers(runs, dt)
    is_linear = runs[0].parameters.is_linear
    stationary = by_target(stationary_work(runs, dt))
    means, variances, histograms = {}, {}, {}
    for target, power in by_target(powers).items():
        mean, variance = moments(power, stationary[target], used, blocks)
        means[target], variances[target] = mean * PER_NS, variance * PER_NS**2
        edges = power_bins(power)
        density, se = histogram(power, edges, blocks.distribution, blocks.together)
        histograms[target] = Histogram(edges * PER_NS, density / PER_NS, se / PER_NS)
    rates = heat_rates(runs, None)["work"]
    covariance: Array = np.full((2, 2), math.nan)
    if blocks.current:
        covariance = rate_covariance(runs, blocks.current, "work")
    weights: dict[Target, Array] = {"cold": np.array([1.0, 0.0]), "hot": np.array([0.0, 1.0]), "total": np.ones(2)}
    works = {
        target: Estimate(float(w @ [rate.value for rate in rates]), math.sqrt(max(float(w @ covariance @ w), 0.0)))
        * PER_NS
        for target, w in weights.items()
    }
    errors = {
        target: stationary_mean(error, blocks.distribution, remembered=memory(error, used)) * PER_NS
        for target, error in (by_target(sampling_errors(runs, dt)).items() if is_linear else ())
    }
    return PowerPoint(
        **vars(of_runs),
        dt=used,
        samples=powers[..., 0].size,
        force="cross" if is_linear else "full",
        mean=means,
        variance=variances,
        work=works,
        sampling_error=errors or None,
        histograms=histograms,
    )
