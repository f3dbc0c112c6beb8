"""Friction of each particle from equilibrium runs (κ_C = κ_H = 0): white friction and the dressed particle.

In equilibrium the replicas, and the axes that the geometry makes equivalent, are independent copies of one experiment.
Walls make axes differ: a fluid slides more easily along a wall than towards it. Friction is therefore measured separately
for each set of equivalent axes and for all three together, with a test of whether they may be pooled.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from analysis.data.parameters import SIDES
from analysis.data.runs import Run
from analysis.errors import AnalysisError
from analysis.friction.curves import (
    DIFFERENCE,
    Particle,
    correlation_curves,
    drawn_curves,
    equilibrium_blocks,
    particle,
    samples_in,
    samples_of,
    white_fits,
)
from analysis.friction.drag import DragFriction
from analysis.friction.fits import Curves, DressedFit, WhiteFit, fit_dressed, fit_white
from analysis.friction.likelihood import INTERVAL, Likelihood, compare
from analysis.friction.modes import ModalFits, fit_modes
from analysis.friction.particle import WHITE, Bodies, Equipartition, ModelsCompared, MostLikely, ParticleFriction, Shell
from analysis.friction.result import POOLED, AxisResult, FrictionResult
from analysis.friction.spectrum import zero_frequency_friction
from analysis.model import BOLTZMANN
from analysis.statistics.correlation import autocorrelation
from analysis.statistics.timeseries import (
    Blocks,
    Estimate,
    SeriesTooShortError,
    memory_of_square,
    stationary_mean,
)
from analysis.units import PER_NS

PAPER_FRICTION_KG_PER_S = 3.5e-12
"""Friction from the equilibrium run of the paper, for both particles."""

PARTS = 3
"""Number of parts for cross-validation of a model."""


def held_out_residuals(data: Particle, curves: Curves, dressed: DressedFit | None = None) -> dict[str, float]:
    """Prediction error of each model for held-out series: rms over up to three parts left out in turn.

    Residuals at neighbouring lags are correlated, which invalidates information criteria based on them
    (``models_compared`` has those of the trajectory); held-out data do not have this problem. A failed dressed fit
    counts as an infinite error.

    Args:
        data: the particle.
        curves: of all its series, for lags and weights.
        dressed: the fit to all series, as start for the others.

    Returns:
        ``white`` and ``dressed``, rms of normalised correlations weighted as in the joint fit; empty for a single series.
    """
    lags = [samples_of(curve, data) for curve in (curves.position, curves.velocity)]

    def subset(rows: NDArray[np.bool_]) -> Curves:
        series = (data.position[rows], data.velocity[rows])
        position, velocity = (
            autocorrelation(s, data.interval, lag, 0, 0, 0) for s, lag in zip(series, lags, strict=True)
        )
        return Curves(data.mass, data.trap, position, velocity, curves.weights)

    part = np.arange(len(data.position)) % PARTS
    if part.max() == 0:
        return {}
    squares: dict[str, list[float]] = {"white": [], "dressed": []}
    for left_out in range(part.max() + 1):
        seen, unseen = subset(part != left_out), subset(part == left_out)
        white, shell = fit_white(seen)["joint"].friction.value, fit_dressed(seen, dressed)
        squares["white"].append(unseen.residual(unseen.white(white)) ** 2)
        squares["dressed"].append(unseen.residual(unseen.dressed(shell.values)) ** 2 if shell else math.inf)
    return {model: math.sqrt(float(np.mean(values))) for model, values in squares.items()}


def models_compared(data: Particle, white: WhiteFit, dressed: DressedFit | None) -> ModelsCompared | None:
    """Both models at their most likely parameters.

    Args:
        data: the particle.
        white, dressed: fits to its correlations, from which the search starts.

    Returns:
        ``None`` if the runs have fewer than three samples at the spacing of the likelihood.
    """
    stride = samples_in(INTERVAL, data.interval)
    interval = stride * data.interval
    states = np.stack([data.position, data.velocity], axis=2)[:, ::stride]
    if states.shape[1] < 3:
        return None
    shell = dressed.values if dressed else None
    models = compare(states, interval, data.mass, data.trap, white.friction.value, shell)
    return ModelsCompared(interval, _most_likely(models["white"]), _most_likely(models["dressed"]))


def friction_summary(runs: Sequence[Run], drags: Sequence[DragFriction] = ()) -> FrictionResult:
    """The friction from equilibrium runs, with that of dragged particles.

    Args:
        runs: equilibrium runs of equal length.
        drags: from ``drag.drag_summary``.

    Raises:
        AnalysisError: if a run is not an equilibrium run, or the replicas differ in length.
    """
    if any(run.parameters.coupling != (0.0, 0.0) for run in runs):
        raise AnalysisError(f"{runs[0].folder}: couplings are not 0; friction is measured in equilibrium runs")
    if len({len(run.series) for run in runs}) > 1:
        raise AnalysisError(
            f"friction replicas have {[len(run.series) for run in runs]} samples: they must be equally long"
        )
    alike, parameters = runs[0].equivalent_axes, runs[0].parameters
    # One fit to all axes makes sense only in one trap.
    together = [POOLED] if len(set(parameters.traps)) == 1 else []
    groups = dict.fromkeys([*alike, *together])
    return FrictionResult(
        study=runs[0].metadata["study"],
        replicas=len(runs),
        time=sum(run.duration for run in runs) / PER_NS,
        sample_interval=parameters.sample_interval,
        traps={group: parameters.stiffness(group) for group in groups},
        masses=parameters.mass,
        spacing=samples_in(DIFFERENCE, parameters.sample_interval) * parameters.sample_interval,
        equivalent=tuple(alike),
        axes={group: friction_along(runs, group, is_one=group in alike) for group in groups},
        drags=tuple(drags),
    )


def friction_along(runs: Sequence[Run], axes: str, is_one: bool, details: bool = True) -> AxisResult:
    """The friction of both particles along some axes, treated as equivalent, by every method.

    Args:
        runs: equilibrium runs of equal length.
        axes: such as ``yz``.
        is_one: whether these are one set of equivalent axes; no common model with several parameters is fitted to others.
        details: whether to compute what no friction depends on, too: prediction errors, likelihoods and curves for figures.
    """
    note: str | None = None
    blocks: Blocks | None = None
    try:
        blocks = equilibrium_blocks(runs, axes)
    except SeriesTooShortError as problem:
        # In a very short study (as in tests) values have no errors and there is no dressed fit.
        note = str(problem)
    found = [_particle_friction(runs, j, axes, blocks, is_one, details) for j in range(len(SIDES))]
    # A pair needs both particles.
    if not all(particle.dressed for particle in found):
        found = [replace(particle, dressed=None) for particle in found]
    if not all(particle.modes for particle in found):
        found = [replace(particle, modes=None) for particle in found]
    cold, hot = found
    return AxisResult((cold, hot), blocks.length if blocks else None, blocks.total if blocks else None, note)


def _particle_friction(
    runs: Sequence[Run], j: int, axes: str, blocks: Blocks | None, is_one: bool, details: bool
) -> ParticleFriction:
    data, temperature = particle(runs, j, axes), runs[0].parameters.temperature[j]
    curves = correlation_curves(data, blocks, seed=j)
    white, dressed = white_fits(data, curves, blocks, seed=j), fit_dressed(curves) if blocks else None
    at_rest, modal = _by_spectrum(data, temperature, is_one) if blocks else (None, None)
    found = white_friction(data, white, blocks, temperature)
    found = replace(
        found,
        spectrum=at_rest or found.spectrum,
        dressed=_shell(dressed) if dressed else None,
        modes=_bodies(modal) if modal else None,
    )
    if not details:
        return found
    return replace(
        found,
        held_out=held_out_residuals(data, curves, dressed) if blocks else {},
        likelihood=models_compared(data, white["joint"], dressed) if blocks and is_one else None,
        curves=drawn_curves(data, curves, blocks, white, dressed, seed=j),
    )


def white_friction(
    data: Particle, fits: Mapping[str, WhiteFit], blocks: Blocks | None, temperature: float
) -> ParticleFriction:
    """White friction of one particle by every fit, and its mean squares of position and velocity.

    Args:
        data: the particle.
        fits: from ``white_fits``.
        blocks: for the errors of the mean squares; without them these are unknown.
        temperature: of its bath, K.
    """
    variance, kinetic = (
        stationary_mean(series**2, blocks, "reciprocal", memory_of_square(series, data.interval))
        for series in (data.position, data.velocity)
    )
    return ParticleFriction(
        white={name: fits[name].friction for name in WHITE if name in fits},
        residual={name: fits[name].residual for name in WHITE if name in fits},
        spectrum=Estimate(math.nan, scale="log"),
        position_variance=Equipartition(variance, BOLTZMANN * temperature / data.trap),
        temperature=Equipartition(kinetic * (data.mass / BOLTZMANN), temperature),
    )


def _shell(fit: DressedFit) -> Shell:
    core, shell, mass = map(float, fit.values)
    return Shell((core, shell, mass), fit.log_covariance, fit.zero_frequency, fit.residual)


def _by_spectrum(data: Particle, temperature: float, with_bodies: bool) -> tuple[Estimate | None, ModalFits | None]:
    """Zero-frequency friction, and bodies of fluid from all frequencies; ``None`` if the runs are too short."""
    at_rest: Estimate | None = None
    modal: ModalFits | None = None
    with suppress(SeriesTooShortError):
        at_rest = zero_frequency_friction(data.position, data.interval, data.mass, data.trap, temperature)
    if with_bodies:
        with suppress(SeriesTooShortError):
            modal = fit_modes(data.position, data.interval, data.mass, data.trap, temperature)
    return at_rest, modal


def _bodies(found: ModalFits) -> Bodies:
    chosen = found.chosen
    return Bodies(
        (chosen.g0, *map(float, chosen.c), *map(float, chosen.tau)),
        chosen.log_covariance,
        found.zero_frequency,
        chosen.limit,
        chosen.goodness,
        tuple(fit.held_out for fit in found.fits),
        tuple(tuple(map(float, fit.values)) for fit in found.fits),
    )


def _most_likely(model: Likelihood) -> MostLikely:
    values = tuple(map(float, model.values))
    criteria = (model.log_likelihood, model.aic, model.bic)
    return MostLikely(values, model.temperature, *criteria, model.error_correlation)
