"""Heat rates of both baths at one point of a sweep, each measured in three ways; total power and entropy production.

Every rate is *per coupled axis*: with ``coupling_axes`` "xyz" three independent currents of the paper's one-dimensional
machine run at once, and the totals are divided by three. Heat is positive into the bath.

Three estimators of one current (arXiv:2211.05502 and docs/reference/run-folder.md):

- ``work``: work done on the particle by the controller, and by a moving trap. In the steady state the particle stores
  none of it.
- ``heat``, the headline: energy given to the thermostat plus the change of all energy on that side except that of
  the centre of mass of the particle, thermostat + Δ(energy - ½ m V²).
- ``thermostat``: least-squares slope of the bare thermostat energy, the paper's estimator.

By the first law they differ from the work by changes of *stationary* energies, work = heat + Δ(½ m V² + trap) =
thermostat + Δ(energy + trap), and the work differs from a random walk by the change of the energy of the controller's
springs (``walk``). Each is therefore one random walk plus stationary noise. Each error is the block error of the walk plus
the effect of that noise on the estimator: small for the headline, dominant for the bare thermostat because of the energy
fluctuations of the baths.

The walk, the springs and the slow mode apply to the linear controller. For other controllers nothing is assumed: the errors
come from the recorded work, in blocks of the memory of that current. Other controllers may couple the axes, so the mean
over the axes counts as one series.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Sequence
from typing import Literal

import numpy as np

from analysis.data.parameters import Array
from analysis.data.runs import Run
from analysis.errors import AnalysisError
from analysis.heat.point import ESTIMATORS, Estimator, HeatPoint, Sides
from analysis.model import BOLTZMANN
from analysis.statistics.timeseries import (
    ENOUGH_BLOCKS,
    SQUARE_BLOCK_FACTOR,
    Blocks,
    Estimate,
    SeriesTooShortError,
    block_rates,
    cut,
    joined,
    mean_rate,
    memory,
    memory_of_square,
    or_nan,
    slope,
    slope_noise,
    spread_widening,
    stationary_mean,
    total_rate,
    without_oscillations,
)
from analysis.units import PER_NS

# Variance of the least-squares slope of a random walk over that of its end-to-end rate: its parabolic weights
# 6 t (T - t)/T³ have ∫ w² dt = 6/5 T.
WALK_SLOPE_VARIANCE = 6 / 5


CURRENT_BLOCK_FACTOR = 4.0
"""Length of a block for currents in memories of X_H - X_C: in the exact model the variance of work per time is then within
a tenth of its limit, at any friction and κ_H/κ_C of the paper; at two memories it is up to 17 % too small. This was
measured with memories summed up to the first zero; with half-waves beyond it, blocks for an oscillating gap are longer."""

CURRENT_BLOCKS_PER_RUN = 4
"""Smallest number of blocks for currents; a run with fewer is hardly longer than the memory of the slow mode."""

ENOUGH_OF_ANY_LAW = 50
"""Blocks of a current known only from its record: they determine an error to within 10 %, and are as long as possible."""


def axes_together(run: Run) -> int:
    """Number of neighbours among the series of all coupled axes, (replicas × axes, …), that may be coupled to each other.

    With the linear controller each axis is a separate machine. Another controller may couple them: then only replicas are
    independent, and the mean over the axes of a replica counts (``timeseries.joined``).
    """
    return 1 if run.parameters.is_linear else len(run.parameters.coupling_axes)


def slow_mode(run: Run) -> Array:
    """The slow mode of the pair along each coupled axis with the linear controller, shape (axes, n), Å.

    (κ_H X_C + κ_C X_H)/(κ_C + κ_H) is subject to the trap only, because the two forces of the controller cancel in it. It is
    the slowest coordinate unless κ_C + κ_H is negative: the stiffness of X_H - X_C is κ + κ_C + κ_H.
    """
    cold, hot = run.position[..., [_axis(a) for a in run.parameters.coupling_axes]].transpose(1, 2, 0)
    kc, kh = run.parameters.coupling
    return np.asarray((kh * cold + kc * hot) / (abs(kc) + abs(kh)))


def slowest_memory(runs: Sequence[Run]) -> float:
    """Longest memory of any quantity quadratic in the coordinates of the runs of one point, ps.

    With the linear controller this is the memory of the square of the slow mode. If a coupling is negative, that of
    X_H - X_C may be longer (``slow_mode``), and that of a position longer than both, for modes that are nearly parallel; the
    longest is used. For other controllers the longest memory of all coordinates and of their squares, about their own means,
    is used.
    """
    interval = runs[0].parameters.sample_interval
    if runs[0].parameters.is_linear:
        paths = [[slow_mode(run) for run in runs]]
        if min(runs[0].parameters.coupling) < 0:
            axes = [_axis(axis) for axis in runs[0].parameters.coupling_axes]
            paths += [
                [gap(run).T for run in runs],
                *([run.position[:, j][:, axes].T for run in runs] for j in range(2)),
            ]
        return max(memory_of_square(np.concatenate(path), interval) for path in paths)
    # (replicas, 2, 3, n), without the mean response to moving traps, which does not decay
    positions = without_oscillations(
        np.stack([run.position.transpose(1, 2, 0) for run in runs]), interval, runs[0].parameters.motion.amplitudes
    )
    positions = positions - positions.mean(axis=(0, 3))[..., None]
    coordinates = [positions[:, j, _axis(axis)] for j in range(2) for axis in runs[0].parameters.coupling_axes]
    return max(memory(x**power, interval) for x in coordinates for power in (1, 2))


def run_blocks(runs: Sequence[Run], spacing: float = 0.0) -> Blocks:
    """Blocks for any quantity quadratic in the coordinates of the runs of one point, over axes and replicas.

    Args:
        runs: replicas of one point.
        spacing: sampling interval of the quantity, ps, if it is longer than that of the run.

    Raises:
        SeriesTooShortError: if the runs are too short for an error; gives the required length.
    """
    return cut(
        slowest_memory(runs),
        len(runs[0].series) - 1,
        runs[0].parameters.sample_interval,
        _independent_series(runs),
        factor=SQUARE_BLOCK_FACTOR,
        spacing=spacing,
    )


def current_blocks(runs: Sequence[Run], spacing: float = 0.0) -> Blocks:
    """Blocks for the currents, over axes and replicas: shorter and more numerous, for a more precise error.

    Work is force times velocity, and the force of the linear controller depends only on X_H - X_C, which does not contain
    the slow mode. For other controllers the memory of the work between samples is used.

    Args:
        runs, spacing: as for ``run_blocks``.

    Raises:
        SeriesTooShortError: if the runs are too short for an error; gives the required length.
    """
    parameters, linear = runs[0].parameters, runs[0].parameters.is_linear
    interval = parameters.sample_interval
    if linear:
        remembered = memory_of_square(np.concatenate([gap(run).T for run in runs]), interval)
    else:
        works = np.stack([np.diff(run.work.mean(axis=2), axis=0).T for run in runs])
        works = without_oscillations(works, interval, parameters.motion.beats)
        remembered = max(memory(works[:, j], interval) for j in range(2))
    return cut(
        remembered,
        len(runs[0].series) - 1,
        interval,
        _independent_series(runs),
        CURRENT_BLOCKS_PER_RUN,
        CURRENT_BLOCK_FACTOR,
        spacing,
        ENOUGH_BLOCKS if linear else ENOUGH_OF_ANY_LAW,
    )


def _independent_series(runs: Sequence[Run]) -> int:
    return len(runs) * len(runs[0].parameters.coupling_axes) // axes_together(runs[0])


def gap(run: Run) -> Array:
    """X_H - X_C along the coupled axes, shape (n, axes), Å."""
    return np.asarray((run.position[:, 1] - run.position[:, 0])[:, [_axis(a) for a in run.parameters.coupling_axes]])


def spring_energy(run: Run) -> Array:
    """κ_j (X_H - X_C)²/4 of both particles along the coupled axes, shape (n, 2, axes), eV: stationary.

    For other controllers no springs are known, and it is 0.
    """
    if not run.parameters.is_linear:
        return np.zeros_like(run.work)
    return np.asarray(np.array(run.parameters.coupling)[:, None] * gap(run)[:, None, :] ** 2 / 4)


def walk(run: Run) -> Array:
    """Work minus its stationary part, W_j + κ_j (X_H - X_C)²/4, shape (n, 2, axes), eV: a pure random walk.

    For the linear controller it is κ_C I and -κ_H I with one circulation I of the pair, so it does not contain
    W_C/κ_C + W_H/κ_H, which does not grow, and blocks cannot count that noise as part of the walk. For other controllers it
    is the work, whose blocks contain that noise: the errors tend to be too large.
    """
    return run.work + spring_energy(run)


def cumulative(runs: Sequence[Run]) -> dict[str, Array]:
    """Accumulated flow on each side since the first sample, by the three estimators.

    Returns:
        ``heat``, ``thermostat`` and ``work``, each per coupled axis, of shape (runs, 2, n), eV.
    """
    axes = len(runs[0].parameters.coupling_axes)
    thermostat = np.stack([run.thermostat.T for run in runs])
    energy = np.stack([(run.side_energy - run.kinetic_energy).T for run in runs])
    work = np.stack([run.work.sum(axis=2).T for run in runs])
    return {
        "heat": (thermostat + energy - energy[..., :1]) / axes,
        "thermostat": thermostat / axes,
        "work": work / axes,
    }


def rate_covariance(runs: Sequence[Run], blocks: Blocks, estimator: Estimator = "heat") -> Array:
    """Covariance of the rates (cold, hot) per coupled axis by one estimator, (2, 2), eV²/ps².

    Both heats share one random walk, so the error of a combination depends on their covariance.

    Args:
        runs: replicas of one point, of equal length.
        blocks: from ``current_blocks``.
        estimator: of the heats.
    """
    interval, axes = runs[0].parameters.sample_interval, len(runs[0].parameters.coupling_axes)
    walks = joined(np.concatenate([walk(run).transpose(2, 1, 0) for run in runs]), axes_together(runs[0]))
    rates = block_rates(walks, interval, blocks)
    drift = blocks.widening**2 * np.cov(rates.transpose(1, 0, 2).reshape(2, -1)) / blocks.total
    if estimator == "thermostat":
        stored = [spring_energy(run).sum(axis=2) for run in runs]
        sides = np.stack(
            [(run.side_energy + run.trap_energy + spring).T for run, spring in zip(runs, stored, strict=True)]
        )
        # The baths are independent.
        slopes = np.diag([slope_noise(sides[:, j], interval) ** 2 for j in range(2)])
        return np.asarray(WALK_SLOPE_VARIANCE * drift + slopes / axes**2)
    return np.asarray(drift + end_covariance(runs, estimator))


def end_covariance(runs: Sequence[Run], estimator: Literal["heat", "work"] = "heat") -> Array:
    """The part of ``rate_covariance`` from energy stored at both ends of the runs, (2, 2), eV²/ps².

    Args:
        runs: replicas of one point, of equal length.
        estimator: of the heats.
    """
    stored = [spring_energy(run).sum(axis=2) for run in runs]
    if estimator == "heat":
        stored = [run.kinetic_energy + run.trap_energy + spring for run, spring in zip(runs, stored, strict=True)]
    duration = runs[0].duration * len(runs[0].parameters.coupling_axes) * math.sqrt(len(runs))
    # For slow energies a run contains few independent values for their scatter.
    widening = spread_widening(_independent_series(runs) * runs[0].duration / slowest_memory(runs))
    return np.asarray(2 * widening**2 * np.cov(np.concatenate(stored).T) / duration**2)


def combined_rate(runs: Sequence[Run], blocks: Blocks | None, weights: tuple[float, float]) -> Estimate:
    """Headline rate of w_C Q_C + w_H Q_H per coupled axis, in units of the weights times eV/ps.

    Args:
        runs: replicas of one point, of equal length.
        blocks: from ``current_blocks``; without them the error is NaN.
        weights: w_C and w_H; (1, 1) for the total power, (1/T_C, 1/T_H) for the entropy production.
    """
    w = np.array(weights)
    value = float(w @ [rate.value for rate in heat_rates(runs, None)["heat"]])
    if blocks is None:
        return Estimate(value)
    # If both flows are the same current, rounding may make a vanishing variance negative.
    return Estimate(value, math.sqrt(max(w @ rate_covariance(runs, blocks) @ w, 0.0)))


def heat_rates(runs: Sequence[Run], blocks: Blocks | None) -> dict[Estimator, Sides]:
    """The three estimators of the heat rates (cold, hot) per coupled axis, eV/ps.

    Args:
        runs: replicas of one point, of equal length.
        blocks: from ``current_blocks``; without them all errors are NaN.
    """
    interval = runs[0].parameters.sample_interval
    flows = cumulative(runs)
    rates: dict[Estimator, Sides] = {}
    for name in ESTIMATORS:
        errors = np.sqrt(np.diag(rate_covariance(runs, blocks, name))) if blocks else np.full(2, math.nan)
        rate = slope if name == "thermostat" else total_rate
        cold, hot = (Estimate(rate(flows[name][:, j], interval), float(errors[j])) for j in range(2))
        rates[name] = (cold, hot)
    return rates


def trap_powers(runs: Sequence[Run], blocks: Blocks | None) -> Sides:
    """Work of moving each trap (cold, hot) per time and coupled axis, eV/ns.

    Args:
        runs: replicas of one point, of equal length.
        blocks: from ``current_blocks``; without them both errors are NaN.
    """
    works = np.stack([run.trap_work.mean(axis=2).T for run in runs])
    interval = runs[0].parameters.sample_interval
    cold, hot = (mean_rate(works[:, j], interval, blocks) * PER_NS for j in range(2))
    return cold, hot


def effective_temperatures(runs: Sequence[Run], blocks: Blocks | None) -> Sides:
    """m⟨V²⟩/k_B of both particles along the coupled axes, K."""
    along = [_axis(a) for a in runs[0].parameters.coupling_axes]
    interval = runs[0].parameters.sample_interval
    together = axes_together(runs[0])
    velocities = np.concatenate([run.velocity[..., along].transpose(2, 1, 0) for run in runs])
    cold, hot = (
        stationary_mean(joined(v**2, together), blocks, "reciprocal", memory_of_square(v, interval))
        * (mass / BOLTZMANN)
        for v, mass in zip(velocities.transpose(1, 0, 2), runs[0].parameters.mass, strict=True)
    )
    return cold, hot


def mode(heat: Estimate) -> str:
    """The mode, at two standard errors: ``refrigerator`` (the colder bath is cooled), ``heater`` or ``undecided``.

    Args:
        heat: into the colder bath, for any name of it.
    """
    if heat.value + 2 * heat.se < 0:
        return "refrigerator"
    if heat.value - 2 * heat.se > 0:
        return "heater"
    return "undecided"


def point_summary(runs: Sequence[Run]) -> HeatPoint:
    """The content of ``heat.json`` for one point.

    Args:
        runs: replicas of one point of the sweep.

    Raises:
        AnalysisError: if the replicas differ in length.
    """
    durations = {round(run.duration, 6) for run in runs}
    if len(durations) > 1:
        raise AnalysisError(f"replicas of {runs[0].kappa_ratio} last {sorted(durations)} ps: they must be equally long")
    note: str | None = None
    blocks: Blocks | None = None
    slow_blocks: Blocks | None = None
    # In a very short study (as in tests) values have no errors and decide nothing.
    try:
        blocks = current_blocks(runs)
    except SeriesTooShortError as problem:
        note = str(problem)
    with contextlib.suppress(SeriesTooShortError):
        slow_blocks = run_blocks(runs)
    parameters, rates = runs[0].parameters, heat_rates(runs, blocks)
    return HeatPoint(
        name=runs[0].metadata["point"],
        kappa_ratio=str(runs[0].kappa_ratio),
        parameters=parameters,
        replicas=len(runs),
        time=sum(run.duration for run in runs) / PER_NS,
        note=note,
        block=blocks.length if blocks else None,
        blocks=blocks.total if blocks else None,
        mode=mode(rates["heat"][parameters.colder]),
        power=combined_rate(runs, blocks, (1.0, 1.0)) * PER_NS,
        entropy_production=entropy_rate(runs, blocks) * (PER_NS / BOLTZMANN),
        rates={name: (pair[0] * PER_NS, pair[1] * PER_NS) for name, pair in rates.items()},
        trap_power=trap_powers(runs, blocks) if parameters.motion.moves else None,
        effective_temperature=effective_temperatures(runs, slow_blocks),
        closure_drift=(_closure_drift(runs, "cold"), _closure_drift(runs, "hot")),
    )


def entropy_rate(runs: Sequence[Run], blocks: Blocks | None) -> Estimate:
    """Entropy that both baths gain per time, Σ Q_j/T_j, eV/(K ps), mean over the coupled axes; NaN where a bath is active."""
    cold, hot = runs[0].parameters.per_kelvin
    return combined_rate(runs, blocks, (float(cold), float(hot)))


def _closure_drift(runs: Sequence[Run], side: str) -> Estimate:
    """The largest drift of the first law of one side, eV/ns."""
    drifts = [run.metadata["closure"] for run in runs]
    worst = max(drifts, key=lambda found: abs(found[f"{side}_drift_eV_per_ns"]))
    return Estimate(worst[f"{side}_drift_eV_per_ns"], or_nan(worst.get(f"{side}_drift_se")))


def _axis(name: str) -> int:
    return "xyz".index(name)
