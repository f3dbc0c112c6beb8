"""White friction and n bodies of fluid (``PairWithBodies``) by the likelihood of a trapped particle's spectrum.

A particle of mass m in a trap κ whose friction is γ(ω) = g₀ + Σ_i c_i (-iωτ_i)/(1 - iωτ_i) moves with the spectrum

    S_X(ω) = 2 k_BT Re γ(ω) / |κ - mω² - iωγ(ω)|².

Samples an interval apart have the exact autocovariance of a linear network (``particle_modes``), which includes
aliasing from unresolved frequencies. The parameters maximise the likelihood of the periodogram of the filtered positions
(``analysis.friction.whittle``), with its exact expectation for series of their length, so that leakage does not count as
friction (the debiased likelihood: A. M. Sykulski et al., Biometrika 106, 251 (2019)).

Collisions take time and a copper particle vibrates internally, so above a few rad/ps no such network describes the motion.
The highest frequency is an argument. By default it is the highest of ``limits`` such that up to it, and at all lower ones,
some order is not rejected by the deviance in wide bands (``GOODNESS``); it is the lowest if all are rejected, as shown by
``goodness``. Cross-validation chooses the number of bodies: each series is left out in turn or, for few series, each piece.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.friction.whittle import FEWEST, Bands, Optimum, check_positions, maximise, periodogram, white_filter
from analysis.model import BOLTZMANN
from analysis.statistics.timeseries import Estimate, SeriesTooShortError

Array = NDArray[np.float64]

ORDERS = (0, 1, 2, 3)
"""Numbers of bodies to try."""

LIMITS = (0.5, 1.0, 2.0, 4.0)
"""Highest frequencies to try by default, rad/ps; collisions with the argon take about a quarter of a ps."""

GOODNESS = 0.01
"""p-value of the deviance below which a limit is rejected."""

PIECES = 6
"""Number of parts of the data for cross-validation: series, or pieces of them if there are fewer series."""

# Bounds of frictions in units of √(κm), and of the time of a body in samples (lower) and runs (upper): a slower body is not
# distinguishable from zero-frequency friction by the few lower frequencies.
_FRICTIONS, _TIMES = (1e-3, 1e4), (0.2, 0.03)

# Initial times of a new body, in units of √(m/κ), and its initial share of the friction.
_STARTS, _SHARE = (0.03, 0.2, 2.0), 0.7

# An additional body must raise the held-out ln L by this.
_GAIN = 1.0

# Error of the logarithm of a parameter that the data do not determine.
_UNKNOWN = 5.0


@dataclass(frozen=True)
class ModalFit:
    """White friction and n bodies at their most likely values.

    Attributes:
        g0: zero-frequency friction, eV ps/Å².
        c: friction of each body with the core, (n,), eV ps/Å²; bodies in the order of their times.
        tau: time of each body, (n,), ps; its mass is c τ.
        log_covariance: of (ln g₀, ln c₁ …, ln τ₁ …), (2n + 1, 2n + 1), from Fisher's information; a parameter that the
            data do not determine has an error of 5.
        log_likelihood: of all data (Whittle's, natural logarithm, up to a constant common to all fits with the same limit).
        held_out: the same, of each part of the data at the most likely parameters of all others, summed; NaN
            if not requested.
        limit: highest frequency, rad/ps.
        goodness: p-value of the deviance under the model.
        zero_frequency: g₀ with its standard error, eV ps/Å², on a logarithmic scale; NaN for g₀ at an end of its range.
    """

    g0: float
    c: Array
    tau: Array
    log_covariance: Array
    log_likelihood: float
    held_out: float
    limit: float
    goodness: float
    zero_frequency: Estimate

    @property
    def order(self) -> int:
        """Number of bodies."""
        return len(self.c)

    @property
    def values(self) -> Array:
        """(g₀, c₁ …, τ₁ …), (2n + 1,), in metal units."""
        return np.concatenate([[self.g0], self.c, self.tau])


def held_out_weights(held_out: Sequence[float]) -> Array:
    """Weights of fits by their ln L of the data left out, of that shape; they sum to 1."""
    likely = np.exp(np.array(held_out) - max(held_out, default=0.0))
    return np.asarray(likely / likely.sum())


@dataclass(frozen=True)
class ModalFits:
    """Fits of every order to the same data, and the order with the best predictions for held-out data.

    Attributes:
        fits: by order, ascending, all at the same limit.
        chosen: the lowest order whose held-out ln L is within 1 of the largest.
        by_limit: the order chosen, at every limit tried, ascending; only this one if it was given.
    """

    fits: list[ModalFit]
    chosen: ModalFit
    by_limit: list[ModalFit]

    @property
    def zero_frequency(self) -> Estimate:
        """g₀ over all orders, weighted by their held-out likelihoods, eV ps/Å².

        The error contains the scatter between orders in addition to the error of each, because the order is as uncertain as
        the parameters.
        """
        known = [fit for fit in self.fits if math.isfinite(fit.zero_frequency.se)]
        if not known:
            return self.chosen.zero_frequency
        weights = held_out_weights([fit.held_out for fit in known])
        logs = np.log([fit.g0 for fit in known])
        errors = np.array([fit.zero_frequency.se / fit.g0 for fit in known])
        mean = float(np.average(logs, weights=weights))
        variance = float(np.average(errors**2 + (logs - mean) ** 2, weights=weights))
        return Estimate(math.exp(mean), math.exp(mean) * math.sqrt(variance), "log")


@dataclass(frozen=True)
class _Trap:
    """Known quantities of the particle: mass, trap, k_BT (metal units), interval (ps), coefficients (1, -b₁, -b₂)."""

    mass: float
    trap: float
    thermal: float
    interval: float
    whitening: Array


def particle_modes(mass: float, trap: float, values: Array) -> tuple[NDArray[np.complex128], NDArray[np.complex128]]:
    """The correlation ⟨X(t)X(0)⟩κ/k_BT = Σ_j a_j e^{λ_j t}, t ≥ 0, for a particle with white friction and n bodies.

    Args:
        mass: eV ps²/Å².
        trap: eV/Å².
        values: (..., 2n + 1), g₀, c_i, τ_i.

    Returns:
        a and λ (1/ps), (..., n + 2).
    """
    n = (values.shape[-1] - 1) // 2
    white, drags, times = values[..., 0], values[..., 1 : n + 1], values[..., n + 1 :]
    # In units of their equilibrium fluctuations, where all couplings are symmetric or antisymmetric.
    drift = np.zeros((*values.shape[:-1], n + 2, n + 2))
    drift[..., 0, 1] = math.sqrt(trap / mass)
    drift[..., 1, 0] = -drift[..., 0, 1]
    drift[..., 1, 1] = -(white + drags.sum(axis=-1)) / mass
    body = np.arange(2, n + 2)
    drift[..., 1, body] = drift[..., body, 1] = np.sqrt(drags / (mass * times))
    drift[..., body, body] = -1 / times
    rates, vectors = (np.asarray(found, dtype=complex) for found in np.linalg.eig(drift))
    first = np.zeros((n + 2, 1))
    first[0] = 1.0
    amplitudes = vectors[..., 0, :] * np.linalg.solve(vectors, np.broadcast_to(first, (*rates.shape, 1)))[..., 0]
    return amplitudes, rates


def expected_power(known: _Trap, values: Array, frequency: Array, samples: int) -> Array:
    """Exact expectation of the periodogram of n - 2 filtered samples at these frequencies.

    It is Σ_{|k|<N} (1 - |k|/N) C_Y(k) e^{-iωk} with N = n - 2, each exponential of C_Y summed in closed form.

    Args:
        known: the particle.
        values: (..., 2n + 1).
        frequency: radians per sample, (bands,).
        samples: n.

    Returns:
        (..., bands), Å².
    """
    amplitudes, rates = particle_modes(known.mass, known.trap, values)
    steps = np.exp(rates * known.interval)
    one, two = known.whitening[1], known.whitening[2]
    count = samples - 2
    # From the second lag on Y correlates as X, each exponential with a weight; before it the filter overlaps with itself.
    weight = amplitudes * (1 + one * steps + two * steps**2)
    tail = weight * (steps**2 + one * steps + two)
    lagged = (amplitudes[..., None] * steps[..., None] ** np.arange(4)).sum(axis=-2).real
    products = np.correlate(known.whitening, known.whitening, "full")[2:]
    none = products[0] * lagged[..., 0] + 2 * (products[1] * lagged[..., 1] + products[2] * lagged[..., 2])
    next_one = (
        products[0] * lagged[..., 1]
        + products[1] * (lagged[..., 0] + lagged[..., 2])
        + products[2] * (lagged[..., 1] + lagged[..., 3])
    )
    turn = np.exp(-1j * frequency)
    factor = steps[..., None] * turn
    left = count - 2
    # Two short powers and their product: separate powers would take longer than everything else.
    last = np.exp(left * known.interval * rates)[..., None] * np.exp(-1j * left * frequency)
    rest = 1 - factor
    # Σ_{l<L} (1 - (l + 2)/N) u^l, L = N - 2, is L/N of the sum with (1 - l/L).
    sums = (left * rest - factor * (1 - last)) / (count * rest * rest)
    power = 2 * (turn**2 * (tail[..., None] * sums).sum(axis=-2)).real
    power += none[..., None] + 2 * (1 - 1 / count) * next_one[..., None] * turn.real
    return np.asarray(known.thermal / known.trap * power)


def _bounds(order: int, known: _Trap, samples: int) -> tuple[Array, Array]:
    unit = math.sqrt(known.trap * known.mass)
    times = np.array([_TIMES[0], max(_TIMES[1] * samples, 1.0)]) * known.interval
    low, high = (
        np.log([friction * unit] * (order + 1) + [float(time)] * order)
        for friction, time in zip(_FRICTIONS, times, strict=True)
    )
    return low, high


def _maximise(known: _Trap, bands: Bands, start: Array) -> Optimum:
    def expected(logs: Array) -> Array:
        return expected_power(known, np.exp(logs), bands.frequency, bands.samples)

    return maximise(expected, bands, start, *_bounds((len(start) - 1) // 2, known, bands.samples))


def _fits_of(known: _Trap, bands: Bands, orders: Sequence[int]) -> dict[int, Optimum]:
    """Most likely values of every order, each started from the previous one with an additional body."""
    unit, slow = math.sqrt(known.trap * known.mass), math.sqrt(known.mass / known.trap)
    trials = [_maximise(known, bands, np.log([unit * factor])) for factor in (0.5, 5.0)]
    found = {0: max(trials, key=lambda fit: fit.log_likelihood)}
    for order in range(1, max(orders) + 1):
        before = np.exp(found[order - 1].at)
        white, body = before[0] * (1 - _SHARE / 2), before[0] * _SHARE
        starts = [np.array([white, *before[1:order], body, *before[order:], time * slow]) for time in _STARTS]
        trials = [_maximise(known, bands, np.log(start)) for start in starts]
        found[order] = max(trials, key=lambda fit: fit.log_likelihood)
    return {order: found[order] for order in sorted(orders)}


def _held_out(known: _Trap, bands: Bands, fits: dict[int, Optimum]) -> dict[int, float]:
    """ln L of each series at the most likely values of the others, summed, for every order."""
    total = dict.fromkeys(fits, 0.0)
    for left_out in range(len(bands.power)):
        unseen = Bands(bands.power[left_out : left_out + 1], bands.frequency, bands.ordinates, bands.samples)
        for order, fit in fits.items():
            seen = _maximise(known, bands.without(left_out), fit.at)
            total[order] += float(unseen.log_likelihood(seen.expected))
    return total


def _goodness(bands: Bands, optimum: Optimum) -> float:
    return bands.goodness(optimum.expected, len(optimum.at))


def _finished(bands: Bands, optimum: Optimum, held_out: float, limit: float) -> ModalFit:
    size = len(optimum.at)
    order = (size - 1) // 2
    values = np.exp(optimum.at)
    by_time = np.argsort(values[order + 1 :])
    places = np.concatenate([[0], 1 + by_time, 1 + order + by_time])
    values = values[places]
    covariance = np.linalg.inv(optimum.information + np.eye(size) / _UNKNOWN**2)[np.ix_(places, places)]
    error = math.nan if optimum.bound[0] else float(values[0] * math.sqrt(covariance[0, 0]))
    return ModalFit(
        g0=float(values[0]),
        c=values[1 : order + 1],
        tau=values[order + 1 :],
        log_covariance=covariance,
        log_likelihood=optimum.log_likelihood,
        held_out=held_out,
        limit=limit,
        goodness=_goodness(bands, optimum),
        zero_frequency=Estimate(float(values[0]), error, "log"),
    )


def fit_modes(
    position: Array,
    interval: float,
    mass: float,
    trap: float,
    temperature: float,
    *,
    orders: Sequence[int] = ORDERS,
    limit: float | None = None,
    limits: Sequence[float] = LIMITS,
) -> ModalFits:
    """Most likely friction with n bodies for every requested n, and the n with the best predictions for held-out data.

    Args:
        position: (m, n), Å, from the trap's centre: n samples of each of m independent, equivalent series.
        interval: between samples, ps.
        mass: of the particle, eV ps²/Å².
        trap: its stiffness, eV/Å².
        temperature: K.
        orders: numbers of bodies.
        limit: highest frequency, rad/ps; None to choose it from ``limits`` (see above).
        limits: rad/ps, ascending; those beyond the Nyquist frequency π/interval are left out; it is used itself if none
            remains.

    Raises:
        ValueError: if an argument is not physical; names it.
        SeriesTooShortError: if the series have too few samples, or too few frequencies below the limit; gives the cure.
    """
    position = np.asarray(position, dtype=float)
    check_positions(position, interval_ps=interval, mass=mass, trap=trap, temperature_K=temperature)
    if not orders or min(orders) < 0:
        raise ValueError(f"orders = {list(orders)}: must be numbers of bodies, 0 or more")
    nyquist = math.pi / interval
    tried = ([highest for highest in limits if highest <= nyquist] or [nyquist]) if limit is None else [limit]
    if not 0 < tried[0] <= tried[-1] <= nyquist:
        name = f"limits = {list(limits)}" if limit is None else f"limit = {limit}"
        raise ValueError(f"{name} rad/ps: must be positive and no more than π/interval = {nyquist:.4g}")
    known, bands = _prepare(position, interval, mass, trap, temperature)
    needed = 2 * (2 * max(orders) + 1)
    found: dict[float, dict[int, Optimum]] = {}
    chosen_limit, good = math.nan, True
    for highest in tried:
        below = bands.below(highest * interval)
        if len(below.frequency) < needed:
            continue
        found[highest] = _fits_of(known, below, orders)
        good = good and any(_goodness(below, fit) > GOODNESS for fit in found[highest].values())
        if good or len(found) == 1:
            chosen_limit = highest
    if not found:
        raise SeriesTooShortError(
            f"series of {position.shape[1] * interval:g} ps have too few frequencies up to {tried[-1]:g} rad/ps for "
            f"{max(orders)} bodies: each run must last at least {math.ceil(2 * math.pi * needed / tried[-1])} ps"
        )
    pieces = min(math.ceil(PIECES / len(position)), position.shape[1] // FEWEST)
    if pieces * len(position) < 2:
        raise SeriesTooShortError(
            f"one series of {position.shape[1] * interval:g} ps is too short to choose a number of bodies by cross-validation: "
            f"it must last at least {2 * FEWEST * interval:g} ps, or there must be another replica"
        )
    parts = bands
    if pieces > 1:
        length = position.shape[1] // pieces
        parts = periodogram(position[:, : pieces * length].reshape(-1, length), known.whitening)
    optima = found[chosen_limit]
    held_out = _held_out(known, parts.below(chosen_limit * interval), optima)
    below = bands.below(chosen_limit * interval)
    fits = [_finished(below, optima[order], held_out[order], chosen_limit) for order in optima]
    best = max(fit.held_out for fit in fits)
    chosen = next(fit for fit in fits if fit.held_out >= best - _GAIN)
    by_limit = [
        chosen
        if highest == chosen_limit
        else _finished(bands.below(highest * interval), others[chosen.order], math.nan, highest)
        for highest, others in found.items()
    ]
    return ModalFits(fits, chosen, by_limit)


def _prepare(position: Array, interval: float, mass: float, trap: float, temperature: float) -> tuple[_Trap, Bands]:
    """The particle with a filter adapted to its friction, and its periodograms."""
    friction = 2 * math.sqrt(mass * trap)
    for _ in range(3):
        known = _Trap(mass, trap, BOLTZMANN * temperature, interval, white_filter(mass, trap, friction, interval))
        bands = periodogram(position, known.whitening)
        # Approximate decay of the spectrum; the filter need not be exact.
        few = bands.below(min(10 * math.sqrt(trap / mass) * interval, math.pi))
        friction = float(np.exp(_maximise(known, few, np.log([friction])).at[0]))
    return known, bands
