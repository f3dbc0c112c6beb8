"""Coefficients of performance, their fluctuations, and the uncertainty of power, at one point of a sweep.

Heat and work are one current seen through stationary noise. With g = X_H - X_C and the circulation I of the pair,

    W_C = κ_C (I - Δg²/4),   W_H = -κ_H (I + Δg²/4),   Q_j = W_j - Δ(particle's energy),

so both heats share their random walk, and a ratio of heats is far better known than either of them. Errors that took the
two for independent would be absurdly wide; here the walk enters through I alone, and the noise through both ends of a run.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from analysis.heat import WALK_SLOPE_VARIANCE, heat_rates
from analysis.model import BOLTZMANN
from analysis.power import (
    DT_PS,
    PointBlocks,
    by_target,
    coupled,
    entry,
    header,
    histogram,
    known,
    moments,
    own_spring,
    sampled_powers,
    sampling_stride,
    walk,
)
from analysis.runs import Array, Run
from analysis.timeseries import Blocks, Estimate, mean_rate, stationary_mean
from analysis.units import PER_NS

NORMAL = 1.96
"""Half width of all intervals here in standard errors: 95 %."""

TAIL = 0.05
"""Share of the samples furthest from the median that the exponent of the tail is taken from."""

EXCEEDANCES = 20
"""With fewer, no exponent: its error would exceed a quarter."""

RATIO_EDGES = np.logspace(-2, 4, 37)
"""Bins of |ε|, six to the decade."""

COPS = ("refrigeration", "pumping")


def heat_covariance(runs: Sequence[Run], blocks: Blocks) -> Array:
    """Covariance of the headline heat rates (cold, hot) per coupled axis, (2, 2), eV²/ps².

    Args:
        runs: replicas of one point, both couplings not zero.
        blocks: from ``heat.current_blocks``.
    """
    parameters = runs[0].parameters
    kappa = np.array(parameters.coupling)
    drive = current(runs, blocks).se * kappa * [1.0, -1.0]
    axes = len(parameters.coupling_axes)
    noise = np.zeros((2, 2))
    for run in runs:
        gap = coupled(run, run.position)[..., 1] - coupled(run, run.position)[..., 0]
        stored = run.kinetic_energy + run.trap_energy + kappa / 4 * (gap**2).sum(axis=0)[:, None]
        noise += 2 * np.cov(stored.T) / (axes * run.duration * len(runs)) ** 2
    return np.asarray(np.outer(drive, drive) + noise)


def current(runs: Sequence[Run], blocks: Blocks | None) -> Estimate:
    """Circulation rate of the pair, (W_C/κ_C - W_H/κ_H)/2 per coupled axis and time, Å²/ps."""
    kappa = np.array(runs[0].parameters.coupling)
    scaled = np.concatenate([run.work.transpose(2, 0, 1) for run in runs]) / kappa
    return mean_rate((scaled[..., 0] - scaled[..., 1]) / 2, runs[0].parameters.sample_interval, blocks)


def ratio_interval(numerator: float, denominator: float, covariance: Array) -> tuple[float, float]:
    """95 % interval of a ratio of two normal estimates by Fieller's theorem: all ρ with |n - ρd| within its own error.

    Args:
        numerator: n.
        denominator: d.
        covariance: of (n, d), (2, 2).

    Returns:
        Both ends; (-inf, inf) where the denominator is not told from zero, since such data bound the ratio on no side
        that could be drawn.
    """
    (vnn, vnd), (_, vdd) = NORMAL**2 * covariance
    a, b, c = denominator**2 - vdd, numerator * denominator - vnd, numerator**2 - vnn
    if not a > 0:
        return -math.inf, math.inf
    root = math.sqrt(max(b**2 - a * c, 0.0))
    return (b - root) / a, (b + root) / a


def mean_cops(rates: tuple[Estimate, Estimate], covariance: Array | None) -> dict[str, tuple[float, float, float]]:
    """-Q_C/W and Q_H/W with W = Q_C + Q_H (arXiv:2211.05502, eqs. 7, D1), each with both ends of its 95 % interval.

    Args:
        rates: heat rates (cold, hot).
        covariance: of the rates, (2, 2); without it the ends are NaN.
    """
    heats = np.array([rates[0].value, rates[1].value])
    result = {}
    for name, top in zip(COPS, ([-1.0, 0.0], [0.0, 1.0]), strict=True):
        combine = np.array([top, [1.0, 1.0]])
        n, d = combine @ heats
        ends = (math.nan, math.nan)
        if covariance is not None:
            ends = ratio_interval(n, d, combine @ covariance @ combine.T)
        result[name] = (n / d if d else math.nan, *ends)
    return result


def window_flows(runs: Sequence[Run], window: float) -> tuple[Array, Array]:
    """Heat (cold, hot) and total work over successive windows, along each coupled axis by the first law.

    The work is that of every step; the heat is the work less the change of the particle's energy along that axis.

    Returns:
        Heats (axes × replicas, n, 2) and works (axes × replicas, n), eV.
    """
    parameters = runs[0].parameters
    stride = sampling_stride(runs[0], window)
    works, stored = [], []
    for run in runs:
        x, v = coupled(run, run.position[::stride]), coupled(run, run.velocity[::stride])
        stored.append((np.array(parameters.mass) * v**2 + parameters.trap * x**2) / 2)
        works.append(run.work[::stride].transpose(2, 0, 1))
    work = np.concatenate(works)
    heats = np.diff(work - np.concatenate(stored), axis=1)
    return heats, np.diff(work.sum(axis=-1), axis=1)


def tail_exponent(ratios: Array, blocks: Blocks | None) -> tuple[Estimate, float] | None:
    """Exponent of the density's power-law tail by Hill's estimator, and how far from the median that tail begins.

    With y the distance from the median and ξ the mean of log(y/u) over the share ``TAIL`` of samples beyond u, the density
    falls as y^-(1 + 1/ξ). Distances, because where the bulk lies far from 0 the tail sets in late when told from 0. Both
    signs are taken together, which rids the tail of its first correction. The error treats ξ as a ratio of block sums.

    Args:
        ratios: (m, n).
        blocks: how each series is cut; without them the error is NaN.

    Returns:
        ``None`` if fewer than ``EXCEEDANCES`` samples are beyond u.
    """
    size = np.abs(ratios - np.median(ratios))
    threshold = float(np.quantile(size, 1 - TAIL))
    beyond = size > threshold
    if beyond.sum() < EXCEEDANCES:
        return None
    logs = np.where(beyond, np.log(np.maximum(size, threshold) / threshold), 0.0)
    index = float(logs.sum() / beyond.sum())
    exponent = Estimate(-(1 + 1 / index))
    if blocks is not None:
        edges = np.linspace(0, size.shape[1], blocks.count + 1).round().astype(int)[:-1]
        residual = np.add.reduceat(logs - index * beyond, edges, axis=1)
        se = blocks.widening * math.sqrt(blocks.total) * float(residual.std(ddof=1)) / float(beyond.sum())
        exponent = Estimate(exponent.value, se / index**2)
    return exponent, threshold


def cop_fluctuations(runs: Sequence[Run], dt: float, blocks: Blocks | None) -> dict[str, Any]:
    """Distributions of |Q|/W over intervals dt: ``sampled`` by eq. (8), work for heat, and ``heat`` by the first law.

    Returns:
        For either and each of ``COPS``: ``edge``, ``density_positive`` and ``density_negative`` of ε with ``se_*``,
        ``tail_exponent`` with ``tail_exponent_se`` and ``tail_from``, and how often ε exceeds Carnot's value,
        ``beyond_carnot`` with its error.
    """
    parameters = runs[0].parameters
    powers, _ = sampled_powers(runs, dt)
    heats, works = window_flows(runs, dt)
    gap = parameters.temperature[1] - parameters.temperature[0]
    result: dict[str, Any] = {}
    for kind, flows, total in (("sampled", powers, powers.sum(axis=-1)), ("heat", heats, works)):
        result[kind] = {}
        for j, name in enumerate(COPS):
            signed = flows[..., j] / total
            ratios = np.abs(flows[..., j]) / total
            content: dict[str, Any] = {"edge": RATIO_EDGES.tolist()}
            for sign, word in ((1, "positive"), (-1, "negative")):
                density, se = histogram(sign * ratios, RATIO_EDGES, blocks)
                content |= {f"density_{word}": density.tolist(), f"se_{word}": [known(value) for value in se]}
            # The sign of the flow leaves the tail's exponent alone, and keeps the bulk of Q_H/W on one side of 0.
            tail = tail_exponent(signed, blocks)
            content["tail_from"] = tail[1] if tail else None
            content |= entry("tail_exponent", "tail_exponent_se", tail[0] if tail else Estimate(math.nan))
            if gap > 0:
                above = (ratios > parameters.temperature[j] / gap).astype(float)
                content |= entry("beyond_carnot", "beyond_carnot_se", stationary_mean(above, blocks))
            result[kind][name] = content
    return result


def uncertainties(runs: Sequence[Run], dt: float, blocks: PointBlocks, entropy: Estimate) -> dict[str, float | None]:
    """Var/mean² of the power over dt, and its ratio to 2 k_B/ΔS (arXiv:2211.05502, eq. 12), with 95 % intervals.

    The bound is proven for overdamped dynamics; underdamped ones may go below it, so a ratio is all that is told. Interval
    ends follow from those of the mean, whose error outweighs the variance's; an end is unknown where the mean may be 0.
    Entropy production is the same current as the mean, so their errors move together in the ratio.

    Args:
        runs: replicas of one point.
        dt: sampling interval of the power, ps.
        blocks: of the point.
        entropy: production rate per coupled axis, eV/(K ps).
    """
    powers, used = sampled_powers(runs, dt)
    springs = by_target(own_spring(runs, dt))
    low, high = entropy.value - NORMAL * entropy.se, entropy.value + NORMAL * entropy.se
    result = {
        "bound": known(_over(2 * BOLTZMANN, entropy.value * used)),
        "bound_low": known(_over(2 * BOLTZMANN, high * used)),
        "bound_high": known(_over(2 * BOLTZMANN, low * used)),
    }
    for target, power in by_target(powers).items():
        variance = moments(power, springs[target], used, blocks)[1]
        # The whole force's work has the mean of the cross force's, without the spring's noise.
        mean = mean_rate(walk(power, springs[target], used), used, blocks.current)
        size, half = abs(mean.value), NORMAL * mean.se
        # The share of the mean that each end of its interval leaves: where it may be 0, there is no upper end.
        ends = {"": 1.0, "_low": _over(size + half, size), "_high": _over(size - half, size)}
        uncertainty = _over(variance.value, size**2)
        for suffix, share in ends.items():
            result[f"uncertainty_{target}{suffix}"] = known(_over(uncertainty, share * abs(share)))
            told = uncertainty * entropy.value * used / (2 * BOLTZMANN) if entropy.value > 0 else math.nan
            result[f"uncertainty_over_bound_{target}{suffix}"] = known(_over(told, share))
    return result


def performance_summary(runs: Sequence[Run], dt: float = DT_PS) -> dict[str, Any]:
    """Everything about performance and precision at one point, ready for ``performance.json``; unknown is ``None``.

    Args:
        runs: replicas of one point of the sweep.
        dt: interval of the fluctuating quantities, ps.

    Raises:
        ValueError: if the replicas differ in length.
    """
    blocks = PointBlocks.of(runs)
    parameters = runs[0].parameters
    stride = sampling_stride(runs[0], dt)
    result = header(runs, blocks) | {"dt_ps": stride * parameters.sample_interval}
    rates = heat_rates(runs, blocks.current)
    weights = 1 / np.array(parameters.temperature)
    entropy = Estimate(float(weights @ [rate.value for rate in rates["heat"]]))
    if 0.0 in parameters.coupling:
        # One particle then drives the other and feels nothing back: no circulation, and no ratio of two flows.
        result["note"] = "; ".join(filter(None, [blocks.note, "a coupling is 0: no coefficient of performance"]))
        return result | {"cop_fluctuations": None} | _entropy(entropy) | uncertainties(runs, dt, blocks, entropy)
    covariances: dict[str, Array | None] = {"heat": None, "thermostat": None}
    if blocks.current is not None:
        covariance = heat_covariance(runs, blocks.current)
        entropy = Estimate(entropy.value, math.sqrt(weights @ covariance @ weights))
        covariances = {
            "heat": covariance,
            "thermostat": _thermostat_covariance(runs, blocks.current, rates["thermostat"]),
        }
    for estimator, known_to in covariances.items():
        for name, (value, low, high) in mean_cops(rates[estimator], known_to).items():
            stem = f"cop_{name}" if estimator == "heat" else f"cop_{name}_thermostat"
            result |= {stem: known(value), f"{stem}_low": known(low), f"{stem}_high": known(high)}
    result |= _entropy(entropy) | uncertainties(runs, dt, blocks, entropy)
    return result | {"cop_fluctuations": cop_fluctuations(runs, dt, blocks.distribution)}


def _entropy(production: Estimate) -> dict[str, float | None]:
    return entry("entropy_production_eV_per_K_ns", "entropy_production_se", production * PER_NS)


def _thermostat_covariance(runs: Sequence[Run], blocks: Blocks, rates: tuple[Estimate, Estimate]) -> Array:
    """Covariance of the bare thermostat's slopes: one walk, and the noise of two baths that know nothing of each other."""
    kappa_cold, kappa_hot = runs[0].parameters.coupling
    shared = -kappa_cold * kappa_hot * WALK_SLOPE_VARIANCE * current(runs, blocks).se ** 2
    return np.array([[rates[0].se ** 2, shared], [shared, rates[1].se ** 2]])


def _over(numerator: float, denominator: float) -> float:
    """A ratio of positive numbers; infinite where the denominator is not positive."""
    return numerator / denominator if denominator > 0 else math.nan if math.isnan(denominator) else math.inf
