"""Coefficients of performance, their fluctuations, and the uncertainty of power, at one point of a sweep.

Heat and work are one current with different stationary noise. With g = X_H - X_C and the circulation I of the pair,

    W_C = κ_C (I - Δg²/4),   W_H = -κ_H (I + Δg²/4),   Q_j = W_j - Δ(particle's energy),

so both heats share their random walk, and their ratio is far more precise than either of them. Errors that treat the two
as independent would be much too wide; ``heat.rate_covariance`` includes the covariance.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from analysis.data.runs import Array, Run
from analysis.heat.point import Estimator
from analysis.heat.power import (
    DT_PS,
    PointBlocks,
    by_target,
    entry,
    head,
    histogram,
    moments,
    sampled_powers,
    sampling_stride,
    stationary_work,
    walk,
)
from analysis.heat.rates import entropy_rate, heat_rates, rate_covariance
from analysis.heat.windows import window_uncertainties
from analysis.model import BOLTZMANN
from analysis.statistics.timeseries import (
    NORMAL,
    Blocks,
    Estimate,
    block_rates,
    joined,
    known,
    mean_rate,
    memory,
    stationary_mean,
)
from analysis.units import PER_NS

EXCEEDANCES = 20
"""Smallest number of tail samples for an exponent; with fewer its error would exceed a quarter."""

RATIO_EDGES = np.logspace(-2, 4, 37)
"""Bins of |ε|, six to the decade."""

COPS = ("refrigeration", "pumping")


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


def mean_cops(
    rates: tuple[Estimate, Estimate], covariance: Array | None, colder: int = 0
) -> dict[str, tuple[float, float, float]]:
    """-Q_C/W and Q_H/W with W = Q_C + Q_H (arXiv:2211.05502, eqs. 7, D1), each with both ends of its 95 % interval.

    With the linear controller W_C/κ_C + W_H/κ_H = -Δ(X_H - X_C)²/2 along any path. These ratios therefore equal κ_C/(κ_H - κ_C)
    and κ_H/(κ_H - κ_C) for any bath, except for the energy stored at the ends of a run. They do not test a theory.

    Args:
        rates: heat rates (cold, hot).
        covariance: of the rates, (2, 2); without it the ends are NaN.
        colder: index of the colder bath, C: 0 or 1.
    """
    heats = np.array([rates[0].value, rates[1].value])
    result = {}
    for name, sign, side in zip(COPS, (-1.0, 1.0), (colder, 1 - colder), strict=True):
        combine = np.array([sign * np.eye(2)[side], [1.0, 1.0]])
        n, d = combine @ heats
        ends = (math.nan, math.nan)
        if covariance is not None:
            ends = ratio_interval(n, d, combine @ covariance @ combine.T)
        result[name] = (n / d if d else math.nan, *ends)
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


def cop_fluctuations(runs: Sequence[Run], dt: float, blocks: PointBlocks) -> dict[str, Any]:
    """Distributions of |Q|/W over intervals dt: ``sampled`` by eq. (8), work for heat, and ``heat`` by the first law.

    Returns:
        For either and each of ``COPS``: ``edge``, ``density_positive`` and ``density_negative`` of ε with ``se_*``,
        ``tail_exponent`` with ``tail_exponent_se`` and ``tail_from``, and the share of ε above Carnot's value,
        ``beyond_carnot`` with its error.
    """
    parameters = runs[0].parameters
    powers, used = sampled_powers(runs, dt)
    heats, works = window_flows(runs, dt)
    gap = abs(parameters.temperature[1] - parameters.temperature[0])
    result: dict[str, Any] = {}
    for kind, flows, total in (("sampled", powers, powers.sum(axis=-1)), ("heat", heats, works)):
        result[kind] = {}
        for name, j in zip(COPS, (parameters.colder, 1 - parameters.colder), strict=True):
            signed = np.divide(flows[..., j], total, out=np.full_like(total, math.nan), where=total != 0)
            ratios = np.copysign(signed, total)
            content: dict[str, Any] = {"edge": RATIO_EDGES.tolist()}
            for sign, word in ((1, "positive"), (-1, "negative")):
                density, se = histogram(sign * ratios, RATIO_EDGES, blocks.distribution, blocks.together)
                content |= {f"density_{word}": density.tolist(), f"se_{word}": [known(value) for value in se]}
            # The sign of the flow does not affect the exponent of the tail, and keeps the bulk of Q_H/W on one side of 0.
            decay, content["tail_from"] = tail_decay(signed, blocks.together) or (Estimate(math.nan), None)
            low, high = decay.interval()
            content |= entry("tail_exponent", "tail_exponent_se", Estimate(-1 - decay.value, decay.se))
            content |= {"tail_exponent_low": known(-1 - high), "tail_exponent_high": known(-1 - low)}
            if gap > 0:
                above = (ratios > parameters.temperature[j] / gap).astype(float)
                share = stationary_mean(joined(above, blocks.together), blocks.distribution, "log", memory(above, used))
                content |= entry("beyond_carnot", "beyond_carnot_se", share)
            result[kind][name] = content
    return result


def uncertainties(runs: Sequence[Run], dt: float, blocks: PointBlocks, entropy: Estimate) -> dict[str, float | None]:
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
    """
    powers, used = sampled_powers(runs, dt)
    stationary = by_target(stationary_work(runs, dt))
    low, high = entropy.value - NORMAL * entropy.se, entropy.value + NORMAL * entropy.se
    result = {
        "bound": known(_over(2 * BOLTZMANN, entropy.value * used)),
        "bound_low": known(_over(2 * BOLTZMANN, high * used)),
        "bound_high": known(_over(2 * BOLTZMANN, low * used)),
    }
    for target, power in by_target(powers).items():
        variance = moments(power, stationary[target], used, blocks)[1]
        # The walk has the mean of the whole work, without the noise of its ends.
        work = joined(walk(power, stationary[target], used), blocks.together)
        mean = mean_rate(work, used, blocks.current)
        size = abs(mean.value)
        squares = joined((power - power.mean()) ** 2, blocks.together)
        shared = math.copysign(1.0, mean.value) * _correlation(squares, work, used, blocks.distribution)
        mean_share, variance_share = _over(mean.se, size), _over(variance.se, variance.value)
        uncertainty = _over(variance.value, size**2)
        over_bound = uncertainty * entropy.value * used / (2 * BOLTZMANN) if low > 0 else math.nan
        for stem, value, power_of in (("uncertainty", uncertainty, 2), ("uncertainty_over_bound", over_bound, 1)):
            part = variance_share / power_of
            half = _joint(mean_share, part, shared)
            result |= {
                f"{stem}_{target}": known(value),
                f"{stem}_{target}_low": known(value / (1 + half) ** power_of),
                f"{stem}_{target}_high": known(_over(value, (1 - half) ** power_of)) if half < 1 else None,
            }
    return result


def performance_summary(runs: Sequence[Run], dt: float = DT_PS) -> dict[str, Any]:
    """Everything about performance and precision at one point, ready for ``performance.json``; unknown is ``None``.

    Args:
        runs: replicas of one point of the sweep.
        dt: interval of the fluctuating quantities, ps.

    Raises:
        AnalysisError: if the replicas differ in length.
    """
    blocks = PointBlocks.of(runs, dt)
    parameters = runs[0].parameters
    stride = sampling_stride(runs[0], dt)
    result = head(runs, blocks).to_json() | {"dt_ps": stride * parameters.sample_interval}
    result["windows"] = window_uncertainties(runs, blocks.distribution, dt)
    rates = heat_rates(runs, None)
    entropy = entropy_rate(runs, blocks.current)
    if 0.0 in parameters.coupling and parameters.is_linear:
        # One particle then drives the other without reaction: no circulation, and no ratio of two flows.
        result["note"] = "; ".join(filter(None, [blocks.note, "a coupling is 0: no coefficient of performance"]))
        return result | {"cop_fluctuations": None} | _entropy(entropy) | uncertainties(runs, dt, blocks, entropy)
    estimators: tuple[Estimator, ...] = ("heat", "thermostat")
    for estimator in estimators:
        covariance = rate_covariance(runs, blocks.current, estimator) if blocks.current else None
        for name, (value, low, high) in mean_cops(rates[estimator], covariance, parameters.colder).items():
            stem = f"cop_{name}" if estimator == "heat" else f"cop_{name}_thermostat"
            result |= {stem: known(value), f"{stem}_low": known(low), f"{stem}_high": known(high)}
    result |= _entropy(entropy) | uncertainties(runs, dt, blocks, entropy)
    return result | {"cop_fluctuations": cop_fluctuations(runs, dt, blocks)}


def _entropy(production: Estimate) -> dict[str, float | None]:
    return entry("entropy_production_eV_per_K_ns", "entropy_production_se", production * PER_NS)


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
