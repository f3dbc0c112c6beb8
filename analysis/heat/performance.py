"""Coefficients of performance, their fluctuations, and the uncertainty of power, at one point of a sweep.

Heat and work are one current with different stationary noise. With g = X_H - X_C and the circulation I of the pair,

    W_C = κ_C (I - Δg²/4),   W_H = -κ_H (I + Δg²/4),   Q_j = W_j - Δ(particle's energy),

so both heats share their random walk, and their ratio is far more precise than either of them. Errors that treat the two
as independent would be much too large; ``heat.rate_covariance`` includes the covariance.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import get_args

import numpy as np

from analysis.data.parameters import Array
from analysis.data.runs import Run
from analysis.heat.power import (
    DT_PS,
    PointBlocks,
    by_target,
    head,
    histogram,
    moments,
    sampled_powers,
    sampling_stride,
    stationary_work,
    walk,
)
from analysis.heat.rates import entropy_rate, heat_rates, rate_covariance
from analysis.heat.results import (
    COPS,
    Cop,
    CopDistribution,
    CopEstimator,
    CopKind,
    Histogram,
    Interval,
    PerformancePoint,
)
from analysis.heat.windows import window_uncertainties
from analysis.model import BOLTZMANN
from analysis.model.refrigerator import Target
from analysis.statistics.timeseries import (
    NORMAL,
    Blocks,
    Estimate,
    block_rates,
    joined,
    mean_rate,
    memory,
    stationary_mean,
)
from analysis.units import PER_NS

EXCEEDANCES = 20
"""Smallest number of tail samples for an exponent; with fewer its error would exceed a quarter."""

RATIO_EDGES = np.logspace(-2, 4, 37)
"""Bins of |ε|, six to the decade."""


def ratio_interval(numerator: float, denominator: float, covariance: Array) -> tuple[float, float]:
    """95 % interval of a ratio of two normal estimates by Fieller's theorem: all ρ with |n - ρd| within its error.

    Args:
        numerator: n.
        denominator: d.
        covariance: of (n, d), (2, 2).

    Returns:
        Both ends; (-inf, inf) where the denominator is not distinguishable from zero, because such data give no useful
        bound.
    """
    (vnn, vnd), (_, vdd) = NORMAL**2 * covariance
    a, b, c = denominator**2 - vdd, numerator * denominator - vnd, numerator**2 - vnn
    if not a > 0:
        return -math.inf, math.inf
    root = math.sqrt(max(b**2 - a * c, 0.0))
    return (b - root) / a, (b + root) / a


def mean_cops(rates: tuple[Estimate, Estimate], covariance: Array | None, colder: int = 0) -> dict[Cop, Interval]:
    """-Q_C/W and Q_H/W with W = Q_C + Q_H (arXiv:2211.05502, eqs. 7, D1), each with both ends of its 95 % interval.

    With the linear controller W_C/κ_C + W_H/κ_H = -Δ(X_H - X_C)²/2 along any path. These ratios therefore equal κ_C/(κ_H - κ_C)
    and κ_H/(κ_H - κ_C) for any bath, except for the energy stored at the ends of a run. They do not test a theory.

    Args:
        rates: heat rates (cold, hot).
        covariance: of the rates, (2, 2); without it the ends are NaN.
        colder: index of the colder bath, C: 0 or 1.
    """
    heats = np.array([rates[0].value, rates[1].value])
    result: dict[Cop, Interval] = {}
    for name, sign, side in zip(COPS, (-1.0, 1.0), (colder, 1 - colder), strict=True):
        combine = np.array([sign * np.eye(2)[side], [1.0, 1.0]])
        n, d = combine @ heats
        ends = (math.nan, math.nan)
        if covariance is not None:
            ends = ratio_interval(n, d, combine @ covariance @ combine.T)
        result[name] = Interval(n / d if d else math.nan, *ends)
    return result


def window_flows(runs: Sequence[Run], window: float) -> tuple[Array, Array]:
    """Heat (cold, hot) and total work over successive windows, along each coupled axis by the first law.

    The work is that of every step; the heat is the work minus the change of the energy of the particle along that axis.

    Returns:
        Heats (axes × replicas, n, 2) and works (axes × replicas, n), eV.
    """
    stride = sampling_stride(runs[0], window)
    work = np.concatenate([run.work[::stride].transpose(2, 0, 1) for run in runs])
    stored = np.concatenate([run.particle_energy[::stride].transpose(2, 0, 1) for run in runs])
    return np.diff(work - stored, axis=1), np.diff(work.sum(axis=-1), axis=1)


def tail_decay(ratios: Array, together: int = 1) -> tuple[Estimate, float] | None:
    """Exponent α of P(y) ~ y^-α in the power-law tail by Hill's estimator, and its start as a distance from the median.

    With y the distance from the median and ξ the mean of log(y/u) over the samples beyond u, α = 1/ξ, and the density falls
    as y^-(1 + α). Of n samples the √n most distant ones are used: a fixed share would contain the same part of the bulk,
    and so the same bias, while the error decreases. Distances from the median are used, because for a bulk far from 0 the
    tail begins late in the distance from 0. Both signs are pooled, which removes the first correction of the tail. The
    relative error is Hill's, 1/√k for k independent samples beyond u (B. M. Hill, Ann. Stat. 3, 1163 (1975)): blocks would
    estimate the scatter of so few logarithms from these alone, too small where ξ is small. The correlation of the tail,
    whose samples may be clustered, is that of its own deviations.

    Args:
        ratios: (m, n); without work a ratio is NaN, and left out.
        together: number of neighbouring series that are not independent.

    Returns:
        ``None`` if fewer than ``EXCEEDANCES`` samples are beyond u.
    """
    told = np.isfinite(ratios)
    size = np.abs(ratios - np.median(ratios[told])) if told.any() else ratios
    threshold = float(np.quantile(size[told], 1 - 1 / math.sqrt(told.sum()))) if told.any() else 0.0
    beyond = told & (size > threshold)
    if beyond.sum() < EXCEEDANCES or threshold == 0.0:
        return None
    logs = np.zeros_like(size)
    logs[beyond] = np.log(size[beyond] / threshold)
    index = float(logs.sum() / beyond.sum())
    deviations = logs - index * beyond
    means = joined(deviations, together)
    # Coupled axes contain fewer independent samples than their number.
    shared = max(1.0, len(deviations) / len(means) * float(means.var() / deviations.var()))
    share = math.sqrt(shared * memory(means, 1.0) / float(beyond.sum()))
    return Estimate(1 / index, share / index, "log"), threshold


def cop_fluctuations(runs: Sequence[Run], dt: float, blocks: PointBlocks) -> dict[CopKind, dict[Cop, CopDistribution]]:
    """Distributions of |Q|/W over intervals dt: ``sampled`` by eq. (8), work for heat, and ``heat`` by the first law.

    Args:
        runs: replicas of one point.
        dt: interval, ps.
        blocks: of the point.
    """
    parameters = runs[0].parameters
    powers, used = sampled_powers(runs, dt)
    heats, works = window_flows(runs, dt)
    gap = abs(parameters.temperature[1] - parameters.temperature[0])
    flows_by_kind: dict[CopKind, tuple[Array, Array]] = {
        "sampled": (powers, powers.sum(axis=-1)),
        "heat": (heats, works),
    }
    result: dict[CopKind, dict[Cop, CopDistribution]] = {}
    for kind, (flows, total) in flows_by_kind.items():
        result[kind] = {}
        for name, j in zip(COPS, (parameters.colder, 1 - parameters.colder), strict=True):
            signed = np.divide(flows[..., j], total, out=np.full_like(total, math.nan), where=total != 0)
            ratios = np.copysign(signed, total)
            positive, negative = (
                Histogram(RATIO_EDGES, *histogram(sign * ratios, RATIO_EDGES, blocks.distribution, blocks.together))
                for sign in (1, -1)
            )
            # The sign of the flow does not affect the exponent of the tail, and keeps the bulk of Q_H/W on one side of 0.
            decay, start = tail_decay(signed, blocks.together) or (Estimate(math.nan), None)
            beyond = None
            if gap > 0:
                above = (ratios > parameters.temperature[j] / gap).astype(float)
                beyond = stationary_mean(
                    joined(above, blocks.together), blocks.distribution, "log", memory(above, used)
                )
            result[kind][name] = CopDistribution(
                positive, negative, Estimate(-1 - decay.value, decay.se), start, beyond
            )
    return result


def uncertainties(
    runs: Sequence[Run], dt: float, blocks: PointBlocks, entropy: Estimate
) -> tuple[Interval, dict[Target, Interval], dict[Target, Interval]]:
    """Var/mean² of the power over dt, and its ratio to 2 k_B/ΔS (arXiv:2211.05502, eq. 12), with 95 % intervals.

    The bound is proven for overdamped dynamics; underdamped dynamics may violate it, so only the ratio is reported. With
    the mean μ and the variance v of the power, Var/mean² is (|μ|/√v)⁻², and because entropy production is the same current
    as the mean, its ratio to the bound is proportional to (|μ|/v)⁻¹. The errors of μ, of v and their covariance are
    combined in |μ|/√v and |μ|/v; where these may be 0 there is no upper end. Where the entropy production may be 0, the
    ratio is 0/0 and not reported.

    Args:
        runs: replicas of one point.
        dt: sampling interval of the power, ps.
        blocks: of the point.
        entropy: production rate per coupled axis, eV/(K ps).

    Returns:
        2 k_B/ΔS, and for each target Var/mean² and its ratio to that.
    """
    powers, used = sampled_powers(runs, dt)
    stationary = by_target(stationary_work(runs, dt))
    low, high = entropy.value - NORMAL * entropy.se, entropy.value + NORMAL * entropy.se
    bound = Interval(*(_over(2 * BOLTZMANN, rate * used) for rate in (entropy.value, high, low))).in_file()
    uncertainty: dict[Target, Interval] = {}
    over_bound: dict[Target, Interval] = {}
    for target, power in by_target(powers).items():
        variance = moments(power, stationary[target], used, blocks)[1]
        # The walk has the mean of the whole work, without the noise of its ends.
        work = joined(walk(power, stationary[target], used), blocks.together)
        mean = mean_rate(work, used, blocks.current)
        size = abs(mean.value)
        squares = joined((power - power.mean()) ** 2, blocks.together)
        shared = math.copysign(1.0, mean.value) * _correlation(squares, work, used, blocks.distribution)
        mean_share, variance_share = _over(mean.se, size), _over(variance.se, variance.value)
        value = _over(variance.value, size**2)
        ratio = value * entropy.value * used / (2 * BOLTZMANN) if low > 0 else math.nan
        for found, middle, power_of in ((uncertainty, value, 2), (over_bound, ratio, 1)):
            half = _joint(mean_share, variance_share / power_of, shared)
            upper = _over(middle, (1 - half) ** power_of) if half < 1 else math.nan
            found[target] = Interval(middle, middle / (1 + half) ** power_of, upper).in_file()
    return bound, uncertainty, over_bound


def performance_summary(runs: Sequence[Run], dt: float = DT_PS) -> PerformancePoint:
    """All results on performance and precision at one point.

    Args:
        runs: replicas of one point of the sweep.
        dt: interval of the fluctuating quantities, ps.

    Raises:
        AnalysisError: if the replicas differ in length.
    """
    blocks = PointBlocks.of(runs, dt)
    parameters = runs[0].parameters
    of_runs = head(runs, blocks)
    entropy = entropy_rate(runs, blocks.current)
    cop: dict[CopEstimator, dict[Cop, Interval]] | None = None
    fluctuations = None
    if 0.0 in parameters.coupling and parameters.is_linear:
        # One particle then drives the other without reaction: no circulation, and no ratio of two flows.
        note = "; ".join(filter(None, [blocks.note, "a coupling is 0: no coefficient of performance"]))
        of_runs = replace(of_runs, note=note)
    else:
        cop, rates = {}, heat_rates(runs, None)
        estimators: tuple[CopEstimator, ...] = get_args(CopEstimator)
        for estimator in estimators:
            covariance = rate_covariance(runs, blocks.current, estimator) if blocks.current else None
            found = mean_cops(rates[estimator], covariance, parameters.colder)
            cop[estimator] = {name: each.in_file() for name, each in found.items()}
        fluctuations = cop_fluctuations(runs, dt, blocks)
    bound, uncertainty, over_bound = uncertainties(runs, dt, blocks, entropy)
    return PerformancePoint(
        **vars(of_runs),
        dt=sampling_stride(runs[0], dt) * parameters.sample_interval,
        windows=window_uncertainties(runs, blocks.distribution, dt),
        cop=cop,
        cop_fluctuations=fluctuations,
        entropy_production=entropy * PER_NS,
        uncertainty=uncertainty,
        bound=bound,
        over_bound=over_bound,
    )


def _correlation(squares: Array, work: Array, dt: float, blocks: Blocks | None) -> float:
    """Correlation of the mean and the variance of sampled power, from block to block; 0 where one of them never changes.

    Args:
        squares: of the power's deviations, (m, n).
        work: its walk, (m, n + 1).
        dt: sampling interval, ps.
        blocks: how each series is cut.
    """
    if blocks is None:
        return math.nan
    edges = np.linspace(0, squares.shape[1], blocks.count + 1).round().astype(int)[:-1]
    sums = np.add.reduceat(squares, edges, axis=1).ravel()
    rates = block_rates(work, dt, blocks).ravel()
    if np.ptp(sums) == 0.0 or np.ptp(rates) == 0.0:
        return 0.0
    return float(np.corrcoef(rates, sums)[0, 1])


def _joint(mean_share: float, part: float, shared: float) -> float:
    """Half width of the interval of a ratio of two numbers with these relative errors and the correlation ``shared``."""
    if math.inf in (mean_share, part):
        return math.inf
    return NORMAL * math.sqrt(max(mean_share**2 + part**2 - 2 * shared * mean_share * part, 0.0))


def _over(numerator: float, denominator: float) -> float:
    """A ratio of positive numbers; infinite where the denominator is not positive."""
    return numerator / denominator if denominator > 0 else math.nan if math.isnan(denominator) else math.inf
