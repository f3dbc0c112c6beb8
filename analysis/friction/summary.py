"""Friction of each particle from equilibrium runs (κ_C = κ_H = 0): white friction and the dressed particle.

In equilibrium the replicas, and the axes that the geometry makes equivalent, are independent copies of one experiment.
Walls make axes differ: a fluid slides more easily along a wall than towards it. Friction is therefore measured separately
for each set of equivalent axes and for all three together, with a test of whether they may be pooled.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.data.runs import SIDES, Run
from analysis.errors import AnalysisError
from analysis.friction.curves import (
    DIFFERENCE,
    Particle,
    correlation_curves,
    curve_entries,
    equilibrium_blocks,
    particle,
    samples_in,
    samples_of,
    white_fits,
)
from analysis.friction.fits import Curves, DressedFit, WhiteFit, fit_dressed, fit_white
from analysis.friction.likelihood import INTERVAL, Likelihood, compare
from analysis.friction.modes import ModalFits, fit_modes
from analysis.friction.result import POOLED, SHELL_KEYS, equivalence
from analysis.friction.spectrum import zero_frequency_friction
from analysis.model import BOLTZMANN
from analysis.statistics.correlation import autocorrelation
from analysis.statistics.timeseries import (
    Blocks,
    Estimate,
    SeriesTooShortError,
    known,
    memory_of_square,
    stationary_mean,
)
from analysis.units import FRICTION_SI, PER_NS

PAPER_FRICTION_KG_PER_S = 3.5e-12
"""Friction from the equilibrium run of the paper, for both particles."""

PARTS = 3
"""Number of parts for cross-validation of a model."""


def held_out_residuals(data: Particle, curves: Curves, dressed: DressedFit | None = None) -> dict[str, float]:
    """Prediction error of each model for held-out series: rms over up to three parts left out in turn.

    Residuals at neighbouring lags are correlated, which invalidates information criteria based on them
    (``information_criteria`` has those of the trajectory); held-out data do not have this problem. A failed dressed fit
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


def information_criteria(data: Particle, white: WhiteFit, dressed: DressedFit | None) -> dict[str, Any] | None:
    """Both models at their most likely parameters, and the preference of AIC and BIC for the dressed particle.

    Args:
        data: the particle.
        white, dressed: fits to its correlations, from which the search starts.

    Returns:
        ``interval_ps``, ``white`` and ``dressed`` (parameters, ``temperature_K``, ``log_likelihood``, ``aic``, ``bic`` and
        ``forecast_error_correlation``), and ``aic_white_less_dressed`` and ``bic_white_less_dressed``: positive if the
        dressed particle is favoured, decisively beyond 10. ``None`` if the runs have fewer than three samples at this
        spacing.
    """
    stride = samples_in(INTERVAL, data.interval)
    interval = stride * data.interval
    states = np.stack([data.position, data.velocity], axis=2)[:, ::stride]
    if states.shape[1] < 3:
        return None
    shell = dressed.values if dressed else None
    models = compare(states, interval, data.mass, data.trap, white.friction.value, shell)
    return {
        "interval_ps": interval,
        "white": _likelihood_entries(("friction_eV_ps_per_A2",), models["white"]),
        "dressed": _likelihood_entries(SHELL_KEYS, models["dressed"]),
        "aic_white_less_dressed": models["white"].aic - models["dressed"].aic,
        "bic_white_less_dressed": models["white"].bic - models["dressed"].bic,
    }


def friction_summary(runs: Sequence[Run]) -> dict[str, Any]:
    """The friction from equilibrium runs, for ``friction.json``; unknown errors are ``None``.

    Returns:
        ``axes`` has the results for each set of equivalent axes and, if all have the same trap stiffness, for all three
        together (``xyz``); ``equivalent_axes`` lists the sets, and ``equivalence`` compares them pairwise.

    Raises:
        AnalysisError: if a run is not an equilibrium run, or the replicas differ in length.
    """
    if any(run.parameters.coupling != (0.0, 0.0) for run in runs):
        raise AnalysisError(f"{runs[0].folder}: couplings are not 0; friction is measured in equilibrium runs")
    if len({len(run.series) for run in runs}) > 1:
        raise AnalysisError(
            f"friction replicas have {[len(run.series) for run in runs]} samples: they must be equally long"
        )
    alike = runs[0].equivalent_axes
    interval = runs[0].parameters.sample_interval
    # One fit to all axes makes sense only in one trap.
    together = [POOLED] if len(set(runs[0].parameters.traps)) == 1 else []
    axes = {group: _along(runs, group, is_one=group in alike) for group in dict.fromkeys([*alike, *together])}
    return {
        "study": runs[0].metadata["study"],
        "replicas": len(runs),
        "older_protocol_runs": sum(run.older_protocol for run in runs),
        "time_ns": sum(run.duration for run in runs) / PER_NS,
        "sample_interval_ps": interval,
        "trap_stiffness_eV_per_A2": {group: runs[0].parameters.stiffness(group) for group in axes},
        **{f"mass_{side}_eV_ps2_per_A2": runs[0].parameters.mass[j] for j, side in enumerate(SIDES)},
        "difference_ps": samples_in(DIFFERENCE, interval) * interval,
        "note": next((content["note"] for content in axes.values() if content["note"]), None),
        "equivalent_axes": list(alike),
        "equivalence": equivalence({group: axes[group] for group in alike}),
        "axes": axes,
    }


def _along(runs: Sequence[Run], axes: str, is_one: bool) -> dict[str, Any]:
    """The friction along some axes, treated as equivalent.

    If these are not one set of equivalent axes, no likelihood of a common model is computed.
    """
    note: str | None = None
    blocks: Blocks | None = None
    try:
        blocks = equilibrium_blocks(runs, axes)
    except SeriesTooShortError as problem:
        # In a very short study (as in tests) values have no errors and there is no dressed fit.
        note = str(problem)
    result: dict[str, Any] = {
        "block_ps": blocks.length if blocks else None,
        "blocks": blocks.total if blocks else None,
        "note": note,
    }
    entries, fits = fits_along(runs, axes, blocks, with_bodies=is_one)
    drawn = {}
    for j, side in enumerate(SIDES):
        data, curves, white, dressed = fits[j]
        held_out = held_out_residuals(data, curves, dressed) if blocks else {}
        result |= {f"held_out_residual_{side}_{model}": known(held_out.get(model)) for model in ("white", "dressed")}
        result[f"likelihood_{side}"] = (
            information_criteria(data, white["joint"], dressed) if blocks and is_one else None
        )
        drawn[side] = curve_entries(data, curves, blocks, white, dressed, seed=j)
    return result | entries | {"curves": drawn}


def fits_along(
    runs: Sequence[Run], axes: str, blocks: Blocks | None, with_bodies: bool
) -> tuple[dict[str, Any], list[tuple[Particle, Curves, dict[str, WhiteFit], DressedFit | None]]]:
    """The friction of both particles along some axes, treated as equivalent, by every method.

    Args:
        runs: equilibrium runs of equal length.
        axes: such as ``yz``.
        blocks: of the series, for errors and for all fits except that of white friction; None for none.
        with_bodies: whether to fit bodies of fluid, which takes a second.

    Returns:
        Entries of ``friction.json``, as read by ``AxisFriction.from_json`` and ``entries_by_method``; and for each side the
        particle, its correlations, and the fits to them.
    """
    result: dict[str, Any] = {}
    shells: dict[str, dict[str, Any] | None] = {}
    bodies: dict[str, dict[str, Any] | None] = {}
    fits = []
    for j, side in enumerate(SIDES):
        temperature = runs[0].parameters.temperature[j]
        data = particle(runs, j, axes)
        curves = correlation_curves(data, blocks, seed=j)
        white, dressed = white_fits(data, curves, blocks, seed=j), fit_dressed(curves) if blocks else None
        result |= white_entries(side, white) | variance_entries(side, data, blocks, temperature)
        shells[side] = _dressed_entries(dressed) if dressed else None
        at_rest, modal = _by_spectrum(data, temperature, with_bodies) if blocks else (None, None)
        result |= _friction_entries(f"friction_{side}_spectrum", at_rest or Estimate(math.nan, scale="log"))
        bodies[side] = _modal_entries(modal) if modal else None
        fits.append((data, curves, white, dressed))
    # A pair needs both particles.
    result["dressed"] = shells if all(shells.values()) else None
    result["modes"] = bodies if all(bodies.values()) else None
    return result, fits


def white_entries(side: str, fits: dict[str, WhiteFit]) -> dict[str, float | None]:
    """White friction of one particle by every fit, as entries of ``friction.json``."""
    entries: dict[str, float | None] = {}
    for name, fit in fits.items():
        stem = f"friction_{side}" if name == "joint" else f"friction_{side}_{name}"
        entries |= _friction_entries(stem, fit.friction) | {f"{stem}_residual": known(fit.residual)}
    return entries


def _friction_entries(stem: str, friction: Estimate) -> dict[str, float | None]:
    """A friction and its error in metal units and in kg/s."""
    si = friction * FRICTION_SI
    low, high = friction.interval()
    return {
        f"{stem}_eV_ps_per_A2": known(friction.value),
        f"{stem}_se": known(friction.se),
        f"{stem}_kg_per_s": known(si.value),
        f"{stem}_kg_per_s_se": known(si.se),
        f"{stem}_low": known(low),
        f"{stem}_high": known(high),
    }


def variance_entries(side: str, data: Particle, blocks: Blocks | None, temperature: float) -> dict[str, float | None]:
    """Mean squares of position and velocity of one particle, as entries of ``friction.json``."""
    variance, kinetic = (
        stationary_mean(series**2, blocks, "reciprocal", memory_of_square(series, data.interval))
        for series in (data.position, data.velocity)
    )
    kinetic *= data.mass / BOLTZMANN
    theory = BOLTZMANN * temperature / data.trap
    ends = {f"position_variance_{side}": variance.interval(), f"particle_temperature_{side}": kinetic.interval()}
    intervals = {
        f"{stem}_{end}": known(value)
        for stem, pair in ends.items()
        for end, value in zip(("low", "high"), pair, strict=True)
    }
    return intervals | {
        f"position_variance_{side}_A2": variance.value,
        f"position_variance_{side}_se": known(variance.se),
        f"position_variance_{side}_theory_A2": theory,
        f"position_variance_{side}_z": known(variance.z(theory)),
        f"particle_temperature_{side}_K": kinetic.value,
        f"particle_temperature_{side}_se": known(kinetic.se),
        f"particle_temperature_{side}_z": known(kinetic.z(temperature)),
    }


def _dressed_entries(fit: DressedFit) -> dict[str, Any]:
    entries: dict[str, Any] = {}
    for key, value, variance in zip(SHELL_KEYS, fit.values, np.diag(fit.log_covariance), strict=True):
        entries[key] = float(value)
        entries[key.split("_eV")[0] + "_se"] = float(value) * math.sqrt(variance)
    return (
        entries
        | _friction_entries("zero_frequency_friction", fit.zero_frequency)
        | {"residual": fit.residual, "log_covariance": fit.log_covariance.tolist()}
    )


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


def _modal_entries(found: ModalFits) -> dict[str, Any]:
    chosen = found.chosen
    return {
        "friction_eV_ps_per_A2": chosen.g0,
        "body_frictions_eV_ps_per_A2": chosen.c.tolist(),
        "body_times_ps": chosen.tau.tolist(),
        "log_covariance": chosen.log_covariance.tolist(),
        "highest_frequency_rad_per_ps": chosen.limit,
        "goodness": known(chosen.goodness),
        "held_out_log_likelihood": [known(fit.held_out) for fit in found.fits],
    } | _friction_entries("zero_frequency_friction", found.zero_frequency)


def _likelihood_entries(keys: Sequence[str], model: Likelihood) -> dict[str, float]:
    return dict(zip(keys, model.values.tolist(), strict=True)) | {
        "temperature_K": model.temperature,
        "log_likelihood": model.log_likelihood,
        "aic": model.aic,
        "bic": model.bic,
        "forecast_error_correlation": model.error_correlation,
    }
