"""Works and heats accumulated over time windows, and their relative variance compared with 2 k_B/ΔS.

Per coupled axis. The work of the whole force of the controller is the recorded one, summed at every step. That of the cross
force κ_j X_l, and that of the antisymmetric part of the force matrix F, differ from it by changes of energies that follow
from the positions:

    W_cross = W + Δ Σ_j κ_j X_j²/2,   W_antisymmetric = W - Δ Xᵀ(F + Fᵀ)X/4,   Q_j = W_j - Δ(particle's energy).

All therefore have the same mean rate, and over long windows the same variance. ``analysis.model.uncertainty`` is the exact
theory.

This applies to the linear controller. For other controllers only the recorded work and the heats are available.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy.special import chdtri

from analysis.data.parameters import SIDES, Array
from analysis.data.runs import Run
from analysis.heat.power import DT_PS, coupled, sampling_stride
from analysis.heat.rates import walk
from analysis.heat.results import WindowRatios, Windows
from analysis.model import BOLTZMANN
from analysis.statistics.timeseries import NORMAL, Blocks, student

_STEPS = (1, 2, 5)  # windows per decade
_FEW = 40  # windows; with fewer the scatter of their squares is unknown


def windows_of(samples: int) -> list[int]:
    """Lengths of windows in intervals between samples: 1, 2, 5, 10 … up to the length of the run."""
    lengths = [step * 10**decade for decade in range(len(str(samples))) for step in _STEPS]
    return [length for length in lengths if length < samples]


def gathered(runs: Sequence[Run]) -> dict[str, Array]:
    """Flows of ``model.uncertainty.GATHERED`` since the first sample, up to a constant, along each coupled axis: (m, n), eV.

    Without the works of parts of the force if the controller is not linear.
    """
    parameters = runs[0].parameters
    x = np.concatenate([coupled(run, run.position) for run in runs])
    work = np.concatenate([run.work.transpose(2, 0, 1) for run in runs])
    heat = work - np.concatenate([run.particle_energy.transpose(2, 0, 1) for run in runs])
    found = {"full": work.sum(axis=-1)}
    if parameters.is_linear:
        cold, hot = parameters.coupling
        found["cross"] = found["full"] + (cold * x[..., 0] ** 2 + hot * x[..., 1] ** 2) / 2
        found["antisymmetric"] = found["cross"] - (cold + hot) / 2 * x[..., 0] * x[..., 1]
    found["heat"] = heat.sum(axis=-1)
    found |= {f"work_{side}": work[..., j] for j, side in enumerate(SIDES)}
    return found | {f"heat_{side}": heat[..., j] for j, side in enumerate(SIDES)}


def window_uncertainties(runs: Sequence[Run], blocks: Blocks | None, dt: float = DT_PS) -> Windows:
    """Var/mean² of each flow over windows of many lengths, and its ratio to 2 k_B/ΔS.

    The means of all flows and the entropy production come from one current, the random walk of the work (``heat.walk``).
    The errors, a jackknife over blocks of single series, include its covariance with the variance.

    Args:
        runs: replicas of one point, of equal length.
        blocks: for distributions; without them there are no intervals.
        dt: an additional window, ps, to those of ``windows_of``; rounded to a multiple of the interval between samples.

    Returns:
        The windows, and by the name of each flow its ratios. Ratios are NaN if the mean flow or the entropy production is
        not distinguishable from zero, or if there are too few windows.
    """
    interval = runs[0].parameters.sample_interval
    flows = gathered(runs)
    walked = np.concatenate([walk(run).transpose(2, 0, 1) for run in runs])
    steps = walked.shape[1] - 1
    lengths = sorted({*windows_of(steps + 1), sampling_stride(runs[0], dt)})
    lengths = [length for length in lengths if len(walked) * (steps // length) > 1]
    ratios = {}
    for name, flow in flows.items():
        rows = np.array([_uncertainty(name, flow, walked, length, runs, blocks) for length in lengths]).reshape(-1, 4)
        ratios[name] = WindowRatios(*np.where(np.isfinite(rows), rows, math.nan).T)
    return Windows(np.array(lengths, dtype=float) * interval, ratios)


def _uncertainty(
    name: str, flow: Array, walked: Array, length: int, runs: Sequence[Run], blocks: Blocks | None
) -> tuple[float, float, float, float]:
    """Var/mean² of a flow over windows of a length, and its ratio to the bound with both ends of its interval."""
    parameters = runs[0].parameters
    changes = np.diff(flow[:, ::length], axis=1)
    # Axes that a controller may couple are one series.
    alike = 1 if parameters.is_linear else len(parameters.coupling_axes)
    windows = changes.size // alike
    count = min(blocks.count if blocks else 1, changes.shape[1])
    edges = np.linspace(0, changes.shape[1], count + 1).round().astype(int)
    # Sums over the groups (blocks of one series): number, J, J² and the walks of both sides.
    number = np.broadcast_to(np.diff(edges), (len(flow), count))
    sums = [np.add.reduceat(power, edges[:-1], axis=1) for power in (changes, changes**2)]
    walks = np.moveaxis(np.diff(walked[:, edges * length], axis=1), -1, 0)
    groups = np.stack([number, *sums, *walks], axis=-1).reshape(-1, alike, count, 5).sum(axis=1).reshape(-1, 5)
    weights = {"cold": np.array([1.0, 0.0]), "hot": np.array([0.0, 1.0])}.get(name.partition("_")[2], np.ones(2))
    per_kelvin = parameters.per_kelvin

    def told(total: Array) -> tuple[Array, Array, Array]:
        """Var/mean², mean and entropy over a window, from sums of groups (..., 5)."""
        n, first, second, walk_sum = total[..., 0], total[..., 1], total[..., 2], total[..., 3:]
        mean, entropy = walk_sum @ weights / n, walk_sum @ per_kelvin / n
        variance = second / n - 2 * mean * first / n + mean**2
        # The mean over N windows reduces the variance by 1/N if they are uncorrelated; otherwise N is large.
        return variance * n / np.maximum(n - 1, 1) / mean**2, mean, entropy

    with np.errstate(divide="ignore", invalid="ignore"):
        value, mean, entropy = (float(each) for each in told(groups.sum(axis=0)))
        if not entropy > 0:
            return value, math.nan, math.nan, math.nan
        ratio = value * entropy / (2 * BOLTZMANN)
        if blocks is None or len(groups) < 3:
            return value, ratio, math.nan, math.nan
        left_out = told(groups.sum(axis=0) - groups)
        # A block as short as 1.5 memories has too small a scatter (``Blocks.slow_widening``).
        factor = student(len(groups) - 1) * blocks.slow_widening / blocks.widening * math.sqrt(len(groups) - 1)
        mean_error, entropy_error = (factor * float(np.std(each)) for each in left_out[1:])
        if abs(mean) <= NORMAL * mean_error or entropy <= NORMAL * entropy_error:
            return value, math.nan, math.nan, math.nan
        if windows > _FEW:
            # Symmetric in the reciprocal, as errors of mean squares are.
            half = NORMAL * factor * float(np.std(value * entropy / (left_out[0] * left_out[2])))
            return value, ratio, ratio / (1 + half), ratio / (1 - half) if half < 1 else math.inf
        low, high = _of_few(changes, windows, mean_error / abs(mean), 9.0 if name == "cross" else 3.0)
    return value, ratio, ratio * low, ratio * high


def _of_few(changes: Array, windows: int, mean_share: float, kurtosis: float) -> tuple[float, float]:
    """Both ends of the 95 % interval of a variance over mean², over its value, from a few independent changes.

    The variance of normal values is χ² distributed; longer tails reduce the degrees of freedom. The values show them only
    partly: the work of the cross force contains the change of a quadratic energy, whose kurtosis is 9.

    Args:
        changes: any shape.
        windows: number of independent ones.
        mean_share: relative error of the mean.
        kurtosis: lower bound.
    """
    squares = (changes - changes.mean()) ** 2
    kurtosis = max(float((squares**2).mean() / squares.mean() ** 2), kurtosis)
    freedom = (windows - 1) * 2 / (kurtosis - 1)
    down, up = (math.log(freedom / chdtri(freedom, tail)) for tail in (0.025, 0.975))
    return math.exp(-math.hypot(down, NORMAL * mean_share)), math.exp(math.hypot(up, NORMAL * mean_share))
