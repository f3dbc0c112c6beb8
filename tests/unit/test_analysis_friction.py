"""Friction from equilibrium runs: exact forms in every regime of damping, and truth recovered within the errors given."""

import json
import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.linalg import expm, solve_continuous_lyapunov

from analysis.data.runs import Run
from analysis.friction.curves import (
    correlation_curves,
    difference_curve,
    difference_fit,
    equilibrium_blocks,
    particle,
    samples_in,
    white_fits,
)
from analysis.friction.fits import Curves, fit_dressed, fit_white
from analysis.friction.summary import friction_summary, held_out_residuals, white_friction
from analysis.statistics.correlation import (
    Correlation,
    autocorrelation,
    cross_correlation,
    decay_time,
    dressed_correlations,
    memory_time,
    reversal_asymmetry,
    white_cross,
    white_difference,
    white_position,
    white_velocity,
)
from analysis.statistics.timeseries import SeriesTooShortError, memory_of_square
from analysis.units import FRICTION_SI
from tests.unit.synthetic import Truth, drift_and_noise, propagate, synthetic_runs

MASS, TRAP = 1.225, 0.01
CRITICAL = 2 * math.sqrt(MASS * TRAP)
LAGS = np.linspace(0, 200, 41)


def curves_of(run: Run, side: int) -> Curves:
    """Correlations of one particle of one run, with resampled copies."""
    return correlation_curves(particle([run], side), equilibrium_blocks([run]), seed=side)


def propagator(drift: list[list[float]], lags: NDArray[np.float64]) -> NDArray[np.float64]:
    """exp(A t) for all lags, from the matrix alone."""
    return np.array([expm(np.array(drift) * lag) for lag in lags])


@pytest.mark.parametrize("friction", [1e-3, 0.1, CRITICAL, CRITICAL * (1 + 1e-9), 1.0, 50.0, 5000.0])
def test_white_forms_are_exact_at_any_damping(friction: float) -> None:
    """Under-, over- and critically damped alike, the closed forms are the elements of the matrix exponential."""
    exact = propagator([[0.0, 1.0], [-TRAP / MASS, -friction / MASS]], LAGS)
    np.testing.assert_allclose(white_position(LAGS, MASS, TRAP, friction), exact[:, 0, 0], atol=1e-9)
    np.testing.assert_allclose(white_velocity(LAGS, MASS, TRAP, friction), exact[:, 1, 1], atol=1e-9)
    # ⟨V(τ)X(0)⟩ = (e^{Aτ})₂₁⟨X²⟩, with ⟨X²⟩/⟨V²⟩ = m/κ in equilibrium.
    later = exact[:, 1, 0] * math.sqrt(MASS / TRAP)
    np.testing.assert_allclose(white_cross(LAGS, MASS, TRAP, friction), later, atol=1e-9)


@pytest.mark.parametrize("friction", [0.1, 1.0])
def test_correlation_of_displacements_is_that_of_four_positions(friction: float) -> None:
    """⟨[X(t+h) - X(t)] [X(t+τ+h) - X(t+τ)]⟩ over its value at τ = 0, from the matrix exponential."""
    interval, lags = 1.5, np.array([0.0, 0.7, 1.5, 20.0])

    def position(lag: NDArray[np.float64]) -> NDArray[np.float64]:
        return propagator([[0.0, 1.0], [-TRAP / MASS, -friction / MASS]], np.abs(lag))[:, 0, 0]

    products = 2 * position(lags) - position(lags + interval) - position(lags - interval)
    found = white_difference(lags, interval, MASS, TRAP, friction)
    np.testing.assert_allclose(found, products / products[0], atol=1e-9)


def test_dressed_form_is_exact() -> None:
    """The dressed correlations are the elements of the matrix exponential of core and shell."""
    core, shell, mass = 2.0, 0.6, 1.6
    drift = [[0.0, 1.0, 0.0], [-TRAP / MASS, -core / MASS, core / MASS], [0.0, core / mass, -(core + shell) / mass]]
    exact = propagator(drift, LAGS)
    position, velocity = dressed_correlations(LAGS, LAGS, MASS, TRAP, np.array([core, shell, mass]))
    np.testing.assert_allclose(position, exact[:, 0, 0], atol=1e-12)
    np.testing.assert_allclose(velocity, exact[:, 1, 1], atol=1e-12)


def test_a_rigid_shell_is_white_friction_of_a_heavier_particle() -> None:
    """With g₁ → ∞ the shell moves with the core: white friction g₂ on the mass m + M (position) follows."""
    position, _ = dressed_correlations(LAGS, LAGS, MASS, TRAP, np.array([1e6, 0.6, 1.6]))
    np.testing.assert_allclose(position, white_position(LAGS, MASS + 1.6, TRAP, 0.6), atol=1e-5)


def test_autocorrelation_is_the_mean_of_products() -> None:
    """Lagged products are averaged over all pairs of all series, blocks or not."""
    series = np.random.default_rng(1).standard_normal((3, 50)).cumsum(axis=1)
    lags = np.array([0, 1, 7, 30])
    direct = np.array([np.mean(series[:, : 50 - k] * series[:, k:]) for k in lags])
    for blocks in (0, 4):
        curve = autocorrelation(series, 0.5, lags, blocks, copies=5, seed=1)
        np.testing.assert_allclose(curve.value, direct / direct[0])
        np.testing.assert_allclose(curve.lag, 0.5 * lags)
        assert curve.resampled.shape == (5 if blocks else 0, 4)
    assert np.isnan(autocorrelation(series, 0.5, lags, 0, copies=5, seed=1).se).all()


def test_cross_correlation_is_the_odd_mean_of_products() -> None:
    """Lagged products of both orders enter with opposite signs, over root mean squares; copies scatter about the value."""
    rng = np.random.default_rng(2)
    x, v = (rng.standard_normal((3, 200)).cumsum(axis=1) for _ in range(2))
    lags = np.array([0, 1, 30])
    direct = [np.mean(x[:, : 200 - k] * v[:, k:] - v[:, : 200 - k] * x[:, k:]) / 2 for k in lags]
    curve = cross_correlation(x, v, 0.5, lags, 8, copies=50, seed=1)
    np.testing.assert_allclose(curve.value, direct / np.sqrt(np.mean(x**2) * np.mean(v**2)), atol=1e-12)
    assert curve.value[0] == pytest.approx(0.0, abs=1e-12)
    assert curve.resampled.shape == (50, 3)
    assert (np.abs(curve.resampled.mean(axis=0) - curve.value)[1:] < curve.se[1:]).all()


def test_cross_correlation_of_equilibrium_runs_is_the_exact_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """⟨X(0)V(τ)⟩, unseen by the joint fits, follows from the friction that the autocorrelations gave, white or dressed."""
    # Likelihoods, which take long, are not asked.
    monkeypatch.setattr("analysis.friction.summary.models_compared", lambda *_: None)
    monkeypatch.setattr("analysis.friction.summary._by_spectrum", lambda *_: (None, None))
    for truth in (
        Truth(kappa_ratio=None, sample_interval=0.5, substeps=1),
        Truth(kappa_ratio=None, friction_hot=0.7, shell_mass=1.6, core_friction=2.0, sample_interval=0.5, substeps=1),
    ):
        cross = friction_summary(synthetic_runs(truth, 4000, 2, seed=30)).axes["xyz"].particles[1].curves["cross"]
        model = cross.dressed if truth.shell_mass else cross.white
        drift, noise = drift_and_noise(truth, np.zeros(2))
        variance = solve_continuous_lyapunov(drift, -noise)
        exact = propagator(drift.tolist(), cross.lag)[:, 3, 1] * math.sqrt(variance[1, 1] / variance[3, 3])
        # The fitted friction is off by its own error; a tenth of the depth of the curve leaves room for that alone.
        np.testing.assert_allclose(model, exact, atol=0.1 * np.abs(exact).max())
        z = (cross.correlation - exact)[1:] / cross.se[1:]
        assert np.sqrt((z**2).mean()) < 2.5


def test_memory_time_of_known_series() -> None:
    """The 1/e time is where a cosine's autocorrelation first falls below 1/e, and the whole length if it never does."""
    time = np.arange(4000) * 0.1
    series = np.stack([np.cos(0.5 * time), np.sin(0.5 * time)])
    assert memory_time(series, 0.1) == pytest.approx(math.acos(1 / math.e) / 0.5, abs=0.1)
    assert memory_time(np.ones((1, 11)), 2.0) == 20.0
    assert decay_time(np.ones((1, 11)), np.ones((1, 11)), 2.0) == 20.0


@pytest.mark.parametrize(("estimate", "variance"), [("own", 1.0), ("cross", 0.5), ("reversal", 2.0)])
def test_copies_from_few_blocks_scatter_as_the_estimate_does(estimate: str, variance: float) -> None:
    """Over 400 pairs of white series of n samples in 4 blocks, the mean squared error of a correlation is its variance.

    That is 1/n for one product, a half of it for the mean of two independent ones, and twice as much for their difference.
    """
    n, lags = 400, np.array([0, 3])
    pairs = np.random.default_rng(24).standard_normal((400, 2, 1, n))
    if estimate == "own":
        found = [autocorrelation(x, 1.0, lags, 4, 100, seed=1) for x, _ in pairs]
    else:
        correlation = cross_correlation if estimate == "cross" else reversal_asymmetry
        found = [correlation(x, y, 1.0, lags, 4, 100, seed=1) for x, y in pairs]
    assert np.var([each.value[1] for each in found]) == pytest.approx(variance / n, rel=0.2)
    assert np.mean([each.se[1] ** 2 for each in found]) == pytest.approx(variance / n, rel=0.15)


@pytest.mark.parametrize(("friction", "trap"), [(0.05, 0.1), (1.0, 0.01)], ids=["under", "over"])
def test_decay_time_is_that_of_the_slower_of_amplitude_and_position(friction: float, trap: float) -> None:
    """A particle that rings forgets its amplitude in 2m/γ; one that creeps forgets its position in the slower of both times."""
    truth = Truth(kappa_ratio=None, trap=trap, friction_cold=friction, friction_hot=friction, substeps=1)
    rates = np.roots([truth.mass, friction, trap])
    states = propagate(truth, truth.couplings, 20_000, 20, np.random.default_rng(23))
    position, velocity = (states[name].transpose(2, 0, 1).reshape(40, -1) for name in ("position", "velocity"))
    assert decay_time(position, velocity, 1.0) == pytest.approx(1 / -rates.real.max(), rel=0.08)


def test_decay_time_is_where_all_pairs_of_samples_say() -> None:
    """Also in a short run: the first lag at which √(⟨XX'⟩²/⟨X²⟩² + ⟨XV'⟩²/⟨X²⟩⟨V²⟩), here summed pair by pair, is below 1/e."""
    truth = Truth(kappa_ratio=None, friction_cold=0.05, sample_interval=1.0, substeps=1)
    for seed in range(8):
        data = particle(synthetic_runs(truth, 60, 1, seed=seed), 0)
        x, v = data.position, data.velocity
        squares = (x**2).mean(), (v**2).mean()
        for lag in range(1, 61):
            same, later = ((x[:, : 61 - lag] * each[:, lag:]).mean() for each in (x, v))
            if (same / squares[0]) ** 2 + later**2 / squares[0] / squares[1] < math.exp(-2):
                break
        assert decay_time(x, v, 1.0) == lag


@pytest.mark.parametrize("friction", [0.1, CRITICAL, 0.6], ids=["under", "critical", "over"])
def test_friction_is_recovered_with_true_errors(friction: float) -> None:
    """Over 40 runs of 1 ns the three fits are unbiased and their deviations have the size of their errors."""
    truth = Truth(kappa_ratio=None, friction_cold=friction, friction_hot=friction, sample_interval=0.5, substeps=1)
    found: dict[str, list[tuple[float, float]]] = {"position": [], "velocity": [], "joint": []}
    for run in synthetic_runs(truth, 1000, 40, seed=21):
        try:
            curves = curves_of(run, 0)
        except SeriesTooShortError:
            continue
        for name, fit in fit_white(curves).items():
            found[name].append((fit.friction.value, fit.friction.se))
    for name, pairs in found.items():
        values, errors = np.array(pairs).T
        assert len(values) >= 38
        # Friction is positive and spreads evenly in its logarithm; 40 values tell the mean of z to 0.16, its spread to 0.11.
        z = np.log(values / friction) / (errors / values)
        assert abs(z.mean()) < 4 / math.sqrt(40), name
        assert 1 - 4 * 0.11 < z.std() < 1 + 4 * 0.11, name


def test_cross_correlation_tells_white_friction_too() -> None:
    """Over many runs the friction fitted to ⟨X(0)V(τ)⟩ alone is the true one, and its errors are those of its scatter."""
    truth = Truth(kappa_ratio=None, friction_cold=0.3, sample_interval=0.5, substeps=1)
    z = []
    for run in synthetic_runs(truth, 2000, 24, seed=41):
        data, blocks = particle([run], 0), equilibrium_blocks([run])
        friction = white_fits(data, curves_of(run, 0), blocks, seed=0)["cross"].friction
        z.append(math.log(friction.value / 0.3) / (friction.se / friction.value))
    # 24 values tell the mean of z to 0.20 and its spread to 0.15.
    assert abs(np.mean(z)) < 4 * 0.20
    assert 1 - 4 * 0.15 < np.std(z) < 1 + 4 * 0.15


def test_displacements_tell_white_friction_too() -> None:
    """Velocities as displacements over 1 ps give the true white friction, over 20 runs, with errors of the right size."""
    truth = Truth(kappa_ratio=None, friction_cold=0.4, friction_hot=0.4, sample_interval=0.5, substeps=1)
    z = []
    for run in synthetic_runs(truth, 1000, 20, seed=28):
        data, blocks = particle([run], 0), equilibrium_blocks([run])
        friction = difference_fit(data, curves_of(run, 0), blocks, seed=0).friction
        z.append(math.log(friction.value / 0.4) / (friction.se / friction.value))
    # 20 values tell the mean of z to 0.22 and its spread to 0.16.
    assert abs(np.mean(z)) < 4 * 0.22
    assert 1 - 4 * 0.16 < np.std(z) < 1 + 4 * 0.16


def test_displacements_smooth_the_shell_away() -> None:
    """Of a dressed particle, displacements over 1 ps show less friction than the instantaneous velocity does."""
    truth = Truth(
        kappa_ratio=None, friction_cold=0.7, shell_mass=1.6, core_friction=2.0, sample_interval=0.2, substeps=1
    )
    run = synthetic_runs(truth, 3000, 1, seed=29)[0]
    curves = curves_of(run, 0)
    smoothed = difference_fit(particle([run], 0), curves, None, seed=0).friction.value
    assert smoothed < 0.85 * fit_white(curves)["velocity"].friction.value


def test_dressed_particle_is_recovered_and_preferred() -> None:
    """Core, shell and shell mass come back within their errors, and the fit beats white friction where there is a shell."""
    truth = Truth(
        kappa_ratio=None,
        friction_cold=0.7,
        friction_hot=0.7,
        shell_mass=1.6,
        core_friction=2.0,
        sample_interval=0.2,
        substeps=1,
    )
    exact = np.array([2.0, 0.7, 1.6])
    z = []
    for run in synthetic_runs(truth, 1500, 12, seed=22):
        curves = curves_of(run, 1)
        fit = fit_dressed(curves)
        assert fit is not None
        z.append(np.log(fit.values / exact) / np.sqrt(np.diag(fit.log_covariance)))
        assert fit.residual < 0.6 * fit_white(curves)["joint"].residual
        assert fit.residual == pytest.approx(curves.residual(curves.dressed(fit.values)))
        zero_frequency = fit.values[0] * fit.values[1] / (fit.values[0] + fit.values[1])
        assert fit.zero_frequency.value == pytest.approx(zero_frequency)
        # Both frictions are in series: d ln g₀ = g₀/g₁ d ln g₁ + g₀/g₂ d ln g₂.
        shares = zero_frequency / fit.values[:2]
        error = zero_frequency * math.sqrt(shares @ fit.log_covariance[:2, :2] @ shares)
        assert fit.zero_frequency.se == pytest.approx(error)
        assert abs(fit.zero_frequency.z(2.0 * 0.7 / 2.7)) < 4
    deviations = np.array(z)
    assert (np.abs(deviations.mean(axis=0)) < 4 / math.sqrt(12)).all()
    assert (np.abs(deviations) < 4.5).all()


def test_data_of_one_particle_are_those_of_its_side_and_axes() -> None:
    """Series of one run are neighbours; mass is of the side, stiffness of the axes, and blocks suit the slower particle."""
    slow = Truth(kappa_ratio=None, friction_cold=0.1, friction_hot=1.0, sample_interval=0.5, substeps=1)
    runs = [
        replace(run, parameters=replace(run.parameters, mass=(1.0, 2.0), traps=(0.01, 0.02, 0.04)))
        for run in synthetic_runs(slow, 1000, 2, seed=33)
    ]
    data = particle(runs, 1, "yz")
    expected = [run.series[f"position_hot_{axis}_A"] for run in runs for axis in "yz"]
    np.testing.assert_array_equal(data.position, expected)
    np.testing.assert_array_equal(data.velocity[2], runs[1].series["velocity_hot_y_A_per_ps"])
    assert [data.interval, data.mass, data.trap] == pytest.approx([0.5, 2.0, 0.03])
    memories = [memory_of_square(particle(runs, side, "yz").position, 0.5) for side in (0, 1)]
    assert memories[1] > 1.5 * memories[0]
    turned = [replace(run, series=run.series.rename(columns=_exchanged)) for run in runs]
    for each in (runs, turned):
        blocks = equilibrium_blocks(each, "yz")
        assert blocks.memory == memories[1]
        assert blocks.length >= 1.5 * memories[1]
        assert blocks.total == 4 * blocks.count


def _exchanged(name: str) -> str:
    return name.replace("cold", "*").replace("hot", "cold").replace("*", "hot")


def test_curves_reach_as_far_as_the_position_is_remembered() -> None:
    """Even lags for the position, growing ones for the velocity, to a window of 1/e times, or to a third of a short run."""
    truth = Truth(kappa_ratio=None, friction_cold=0.3, sample_interval=0.5, substeps=1)
    run = synthetic_runs(truth, 2000, 1, seed=34)[0]
    data = particle([run], 0)
    decay = memory_time(data.position, 0.5)
    for window in (1.0, 3.0):
        curves = correlation_curves(data, None, 0, window)
        even, growing = curves.position.lag, curves.velocity.lag
        for lag in (even, growing):
            assert lag[0] == 0.0
            assert lag[-1] == pytest.approx(window * decay, abs=0.5)
            assert 20 < len(lag) <= 61
        assert np.ptp(np.diff(even)) <= 0.5
        steps = np.diff(growing)
        assert steps[0] == 0.5
        assert steps[-1] >= 3 * 0.5
        assert len(curves.position.resampled) == 0
        assert math.isnan(curves.widening)
    short = replace(data, position=data.position[:, :31], velocity=data.velocity[:, :31])
    assert correlation_curves(short, None, 0).position.lag[-1] == 5.0
    least = replace(data, position=data.position[:, :3], velocity=data.velocity[:, :3])
    assert correlation_curves(least, None, 0).position.lag.tolist() == [0.0, 0.5, 1.0]
    blocks = equilibrium_blocks([run])
    curves = correlation_curves(data, blocks, 0)
    assert curves.position.resampled.shape == (400, len(curves.position.lag))
    assert curves.widening == blocks.slow_widening
    assert curves.velocity_widening == blocks.widening_for(memory_of_square(data.velocity, 0.5)) < curves.widening
    noise = [(curve.se**2).mean() for curve in (curves.position, curves.velocity)]
    assert curves.weights == pytest.approx((noise[1] / sum(noise), noise[0] / sum(noise)))


def test_displacements_need_more_than_their_time() -> None:
    """Velocities over 1 ps, or over one sample if that is longer; a single displacement tells no friction."""
    truth = Truth(kappa_ratio=None, friction_cold=0.3, sample_interval=0.4, substeps=1)
    data = particle(synthetic_runs(truth, 40, 1, seed=35), 0)
    lags = np.array([0, 1, 5, 97, 98, 99])
    found = difference_curve(data, lags, None, 0)
    assert found is not None
    curve, time = found
    assert time == pytest.approx(0.8)  # two samples
    moved = data.position[:, 2:] - data.position[:, :-2]
    assert curve.lag == pytest.approx(0.4 * lags[:5])
    assert curve.value[2] == pytest.approx((moved[:, 5:] * moved[:, :-5]).mean() / (moved**2).mean())
    assert samples_in(1.0, 2.5) == 1
    for samples, is_told in ((3, False), (4, True)):
        few = replace(data, position=data.position[:, :samples], velocity=data.velocity[:, :samples])
        assert (difference_curve(few, lags[:1], None, 0) is not None) == is_told
        fit = difference_fit(few, correlation_curves(few, None, 0), None, 0)
        assert math.isfinite(fit.friction.value) == is_told


def test_what_curves_do_not_tell_has_no_error() -> None:
    """Correlations that never decay give the end of the range, without an error; exact white ones determine no shell."""
    lag = np.linspace(0, 40, 41)
    rng = np.random.default_rng(36)

    def noisy(exact: NDArray[np.float64]) -> Correlation:
        return Correlation(lag, exact, exact + 1e-3 * rng.standard_normal((50, 41)))

    stuck = fit_white(Curves(MASS, TRAP, noisy(np.ones(41)), noisy(np.zeros(41)), widening=1.0, velocity_widening=1.0))
    assert stuck["position"].friction.value == pytest.approx(1e3 * math.sqrt(MASS * TRAP), rel=0.01)
    assert math.isnan(stuck["position"].friction.se)
    assert stuck["position"].friction.scale == "reciprocal root"
    position, velocity = (noisy(form(lag, MASS, TRAP, 0.3)) for form in (white_position, white_velocity))
    assert fit_dressed(Curves(MASS, TRAP, position, velocity, widening=1.0, velocity_widening=1.0)) is None


@pytest.mark.parametrize(("moved", "other"), [("velocity", "position"), ("position", "velocity")])
def test_errors_of_a_shell_are_widened_as_what_moves_it(moved: str, other: str) -> None:
    """Where only one curve is uncertain, its own widening alone sets the errors; where both are, their squares add up."""
    values, mass, trap = np.array([2.0, 0.7, 1.6]), 1.225, 0.01
    lags = {"position": np.linspace(0, 40, 41), "velocity": np.geomspace(0.1, 40, 41)}
    rng = np.random.default_rng(31)
    noise = {name: 1e-3 * rng.standard_normal((200, 41)) for name in lags}

    def covariance(noisy: Sequence[str], widenings: dict[str, float]) -> NDArray[np.float64]:
        position, velocity = (
            dressed_correlations(lag, lag, mass, trap, values)[which] for which, lag in enumerate(lags.values())
        )
        curves = [
            Correlation(lag, exact, exact + (name in noisy) * noise[name])
            for (name, lag), exact in zip(lags.items(), (position, velocity), strict=True)
        ]
        widening, fast = widenings["position"], widenings["velocity"]
        fit = fit_dressed(Curves(mass, trap, curves[0], curves[1], widening=widening, velocity_widening=fast))
        assert fit is not None
        return fit.log_covariance

    once = covariance([moved], {moved: 1.0, other: 1.0})
    assert covariance([moved], {moved: 1.0, other: 5.0}) == pytest.approx(once, rel=1e-6)
    assert covariance([moved], {moved: 1.3, other: 1.0}) == pytest.approx(1.69 * once, rel=1e-6)
    both = covariance([moved, other], {moved: 1.3, other: 1.1})
    parts = 1.69 * once + 1.21 * covariance([other], {moved: 1.0, other: 1.0})
    # The noises of 200 copies are as good as independent.
    assert np.diag(both) == pytest.approx(np.diag(parts), rel=0.15)


@pytest.mark.parametrize(("moved", "other"), [("velocity", "position"), ("position", "velocity")])
def test_errors_of_white_friction_are_widened_as_what_moves_it(moved: str, other: str) -> None:
    """The joint fit's error is that of the curve that scatters, with its widening; where both do, their squares add up."""
    lags = {"position": np.linspace(0, 40, 41), "velocity": np.geomspace(0.1, 40, 41)}
    forms = {"position": white_position, "velocity": white_velocity}
    rng = np.random.default_rng(32)
    noise = {name: 1e-3 * rng.standard_normal((200, 41)) for name in lags}

    def errors(noisy: Sequence[str], widenings: dict[str, float]) -> dict[str, float]:
        position, velocity = (
            Correlation(lag, exact := forms[name](lag, MASS, TRAP, 0.3), exact + (name in noisy) * noise[name])
            for name, lag in lags.items()
        )
        found = fit_white(
            Curves(
                MASS,
                TRAP,
                position,
                velocity,
                widening=widenings["position"],
                velocity_widening=widenings["velocity"],
            )
        )
        assert found["joint"].friction.value == pytest.approx(0.3, rel=1e-3)
        return {name: each.friction.se for name, each in found.items()}

    once = errors([moved], {moved: 1.0, other: 1.0})
    assert once["joint"] > 0
    assert once[other] == pytest.approx(0.0, abs=1e-9)
    assert errors([moved], {moved: 1.0, other: 5.0})["joint"] == pytest.approx(once["joint"], rel=1e-6)
    for name in ("joint", moved):
        assert errors([moved], {moved: 1.3, other: 1.0})[name] == pytest.approx(1.3 * once[name], rel=1e-6)
    both = errors([moved, other], {moved: 1.3, other: 1.1})["joint"]
    parts = 1.69 * once["joint"] ** 2 + 1.21 * errors([other], {moved: 1.0, other: 1.0})["joint"] ** 2
    assert both**2 == pytest.approx(parts, rel=0.15)


@pytest.mark.parametrize("shell", [0.0, 1.6], ids=["white", "dressed"])
def test_data_not_seen_prefer_the_true_model(shell: float) -> None:
    """An axis left out is foretold better by the dressed fit where there is a shell, and no better where there is none."""
    truth = Truth(
        kappa_ratio=None,
        friction_cold=0.7,
        friction_hot=0.7,
        shell_mass=shell,
        core_friction=2.0,
        sample_interval=0.2,
        substeps=1,
    )
    run = synthetic_runs(truth, 3000, 1, seed=27)[0]
    curves = curves_of(run, 0)
    assert held_out_residuals(particle([run], 0, "x"), curves) == {}, "of a single series nothing can be left out"
    residuals = held_out_residuals(particle([run], 0), curves)
    if shell:
        assert residuals["dressed"] < 0.5 * residuals["white"]
    else:
        assert residuals["dressed"] > 0.95 * residuals["white"]


def test_residuals_are_of_the_series_left_out() -> None:
    """Of three series, one of which relaxes otherwise, the one left out misses by what its own correlations differ."""
    like, other = (
        synthetic_runs(Truth(kappa_ratio=None, friction_cold=g, sample_interval=0.5, substeps=1), 1500, 1, seed=28)[0]
        for g in (0.3, 1.5)
    )
    data = particle([like], 0)
    odd = particle([other], 0)
    mixed = replace(
        data,
        position=np.stack([*data.position[:2], odd.position[2]]),
        velocity=np.stack([*data.velocity[:2], odd.velocity[2]]),
    )
    curves = curves_of(like, 0)
    lags = [np.rint(curve.lag / 0.5).astype(int) for curve in (curves.position, curves.velocity)]

    def own(rows: list[int]) -> Curves:
        found = [
            autocorrelation(series[rows], 0.5, lag, 0, 0, 0)
            for series, lag in zip((mixed.position, mixed.velocity), lags, strict=True)
        ]
        return replace(curves, position=found[0], velocity=found[1])

    squares = []
    for unseen in range(3):
        fitted = fit_white(own([row for row in range(3) if row != unseen]))["joint"].friction.value
        left = own([unseen])
        forms = (
            white_position(left.position.lag, MASS, TRAP, fitted),
            white_velocity(left.velocity.lag, MASS, TRAP, fitted),
        )
        missed = [np.mean((c.value - m) ** 2) for c, m in zip((left.position, left.velocity), forms, strict=True)]
        squares.append(np.dot(curves.weights, missed))
    assert held_out_residuals(mixed, curves)["white"] == pytest.approx(math.sqrt(np.mean(squares)))


def test_position_variance_is_that_of_the_trap() -> None:
    """⟨X²⟩ of both particles agrees with k_BT/κ, and would not with the other bath's temperature."""
    truth = Truth(kappa_ratio=None, sample_interval=0.5, substeps=1)
    runs = synthetic_runs(truth, 5000, 20, seed=23)
    blocks = equilibrium_blocks(runs)
    cold, hot = (
        white_friction(particle(runs, j), {}, blocks, temperature)
        for j, temperature in enumerate(runs[0].parameters.temperature)
    )
    for found in (cold, hot):
        assert abs(found.position_variance.z) < 4
        assert abs(found.temperature.z) < 4
    measured = cold.position_variance.measured
    assert hot.position_variance.expected - measured.value > 4 * measured.se


def test_summary_is_json_with_both_unit_systems() -> None:
    """The summary is strict JSON; SI values are the metal ones converted; curves and fits have one value per lag."""
    truth = Truth(kappa_ratio=None, friction_cold=0.3, sample_interval=0.5, substeps=1)
    content = json.loads(
        json.dumps(friction_summary(synthetic_runs(truth, 800, 2, seed=24)).to_json(), allow_nan=False)
    )
    summary = content["axes"]["xyz"]
    for side in ("cold", "hot"):
        stem = f"friction_{side}"
        assert summary[f"{stem}_kg_per_s"] == pytest.approx(
            summary[f"{stem}_eV_ps_per_A2"] * FRICTION_SI, rel=1e-9, abs=0
        )
        assert summary[f"{stem}_kg_per_s_se"] == pytest.approx(summary[f"{stem}_se"] * FRICTION_SI, rel=1e-9, abs=0)
        for name in ("position", "velocity"):
            curve = summary["curves"][side][name]
            assert len({len(curve[key]) for key in ("lag_ps", "correlation", "se", "white")}) == 1
            assert curve["correlation"][0] == 1.0
    assert summary["friction_cold_eV_ps_per_A2"] == pytest.approx(0.3, rel=0.35)


def test_short_runs_give_values_without_errors() -> None:
    """Runs shorter than their memory have a friction but no error, no dressed fit, and a note that says what is needed."""
    runs = synthetic_runs(Truth(kappa_ratio=None, sample_interval=0.5, substeps=1), 30, 1, seed=25)
    with pytest.raises(SeriesTooShortError):
        equilibrium_blocks(runs)
    content = friction_summary(runs).to_json()
    summary = content["axes"]["xyz"]
    assert content["note"] == summary["note"]
    assert summary["friction_hot_eV_ps_per_A2"] > 0
    assert summary["friction_hot_se"] is None
    assert summary["dressed"] is None
    assert "must last at least" in summary["note"]


def test_driven_runs_are_refused() -> None:
    """Friction is an equilibrium measurement; a run of the sweep is not one."""
    with pytest.raises(ValueError, match="couplings are not 0"):
        friction_summary(synthetic_runs(Truth(kappa_ratio="1.2"), 30, 1, seed=26))
