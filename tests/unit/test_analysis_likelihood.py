"""The likelihood of a trajectory: exact, greatest at the truth, and a fair judge between the two models."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.linalg import expm, solve_continuous_lyapunov, solve_triangular
from scipy.stats import multivariate_normal

from analysis.compare.comparison import Comparison
from analysis.compare.table import summary_text
from analysis.friction.curves import Particle, particle
from analysis.friction.fits import DressedFit, WhiteFit
from analysis.friction.likelihood import Likelihood, dressed_particle, evaluate, white_particle
from analysis.friction.particle import ModelsCompared
from analysis.friction.result import FrictionResult
from analysis.friction.summary import friction_summary, models_compared
from analysis.heat.rates import point_summary
from analysis.model import BOLTZMANN
from analysis.statistics.timeseries import Estimate
from tests.unit.synthetic import Truth, drift_and_noise, propagate, synthetic_runs

MASS, TRAP = 1.225, 0.01
WHITE = Truth(kappa_ratio=None, friction_cold=0.5, friction_hot=0.5, sample_interval=0.5, substeps=1)
DRESSED = Truth(
    kappa_ratio=None,
    friction_cold=0.7,
    friction_hot=0.7,
    shell_mass=1.6,
    core_friction=2.0,
    sample_interval=0.5,
    substeps=1,
)


def states_of(truth: Truth, n: int, copies: int, seed: int) -> NDArray[np.float64]:
    """Position and velocity of the cold particle, shape (copies, n, 2)."""
    flight = propagate(truth, np.zeros(2), n, copies, np.random.default_rng(seed))
    return np.stack([flight["position"][..., 0], flight["velocity"][..., 0]], axis=2)


def model_of(truth: Truth) -> Any:
    """The true model of the cold particle, at k_BT = 1 eV."""
    if truth.shell_mass:
        return dressed_particle(MASS, TRAP, truth.core_friction, truth.friction_cold, truth.shell_mass)
    return white_particle(MASS, TRAP, truth.friction_cold)


@pytest.mark.parametrize("interval", [0.1, 1.0, 20.0])
@pytest.mark.parametrize("truth", [WHITE, DRESSED], ids=["white", "dressed"])
def test_filter_agrees_with_the_dense_gaussian(truth: Truth, interval: float) -> None:
    """Sample by sample or as one multivariate normal of all samples, the density of a trajectory is the same."""
    n = 12
    states = states_of(truth, n, 2, seed=61)
    likelihood = evaluate(states, interval, model_of(truth), np.ones(1))

    # Independently: covariances between all pairs of samples from exp(Aτ) C, of the cold particle's X and V.
    drift, noise = drift_and_noise(truth, np.zeros(2))
    stationary = solve_continuous_lyapunov(drift, -noise) / truth.thermal[0]
    lagged = np.array([(expm(drift * interval * k) @ stationary)[np.ix_([0, 2], [0, 2])] for k in range(n)])
    dense = np.block([[lagged[i - j] if i >= j else lagged[j - i].T for j in range(n)] for i in range(n)])
    thermal = BOLTZMANN * likelihood.temperature
    exact = multivariate_normal(np.zeros(2 * n), thermal * dense).logpdf(states.reshape(2, -1))
    assert likelihood.log_likelihood == pytest.approx(float(exact.sum()), abs=1e-6)
    # Factor by factor of the dense covariance come the errors of predictions; their correlation is of neighbouring samples.
    missed = solve_triangular(np.linalg.cholesky(dense), states.reshape(2, -1).T, lower=True).T.reshape(2, n, 2)
    together = (missed[:, 1:] * missed[:, :-1]).mean(axis=(0, 1)) / (missed**2).mean()
    assert likelihood.error_correlation == pytest.approx(np.sqrt((together**2).mean()), rel=1e-6)
    for other in (0.9, 1.1):
        hotter = multivariate_normal(np.zeros(2 * n), other * thermal * dense).logpdf(states.reshape(2, -1))
        assert hotter.sum() < likelihood.log_likelihood


@pytest.mark.parametrize("truth", [WHITE, DRESSED], ids=["white", "dressed"])
def test_forecast_errors_of_the_true_model_are_independent(truth: Truth) -> None:
    """The true model leaves no correlation from sample to sample, and finds the temperature of the bath."""
    likelihood = evaluate(states_of(truth, 4000, 3, seed=62), truth.sample_interval, model_of(truth), np.ones(1))
    assert likelihood.error_correlation < 4 / math.sqrt(12000)
    # 24 000 numbers tell a variance to √(2/24 000).
    assert likelihood.temperature == pytest.approx(100.0, rel=4 * math.sqrt(2 / 24000))


def told(data: Particle, white: WhiteFit, dressed: DressedFit | None) -> ModelsCompared:
    """Both models compared, of runs that are long enough for it."""
    criteria = models_compared(data, white, dressed)
    assert criteria is not None
    return criteria


def test_white_data_prefer_white_friction() -> None:
    """Where there is no shell, two further parameters gain no likelihood, and both criteria charge for them."""
    for seed in range(3):
        data = particle(synthetic_runs(WHITE, 1500, 1, seed=63 + seed), 0)
        criteria = told(data, WhiteFit(Estimate(0.3), 0.0), None)
        assert criteria.interval == 1.0
        gain = criteria.dressed.log_likelihood - criteria.white.log_likelihood
        assert -0.2 < gain < 8
        assert criteria.bic_difference < -4
        assert criteria.aic_difference == pytest.approx(2 * gain - 4)
        # The sampled velocity alone tells γ to about √(2/n) of itself.
        assert criteria.white.values[0] == pytest.approx(0.5, rel=4 * math.sqrt(2 / 4500))


def test_models_are_compared_at_the_spacing_of_the_likelihood() -> None:
    """Each second of the samples 0.5 ps apart; three of them are needed, and samples farther apart are all taken."""
    data = particle(synthetic_runs(WHITE, 20, 1, seed=66), 0)

    def first(samples: int, interval: float = 0.5) -> ModelsCompared | None:
        few = replace(data, position=data.position[:, :samples], velocity=data.velocity[:, :samples], interval=interval)
        return models_compared(few, WhiteFit(Estimate(0.5), 0.0), None)

    assert first(4) is None
    assert first(3, 2.0) is not None
    assert first(2, 2.0) is None
    every, second = first(21, 2.0), first(41)
    assert every is not None
    assert second is not None
    assert (every.interval, second.interval) == (2.0, 1.0)
    states = np.stack([data.position, data.velocity], axis=2)
    likely = evaluate(states[:, ::2], 1.0, white_particle(MASS, TRAP, second.white.values[0]), np.ones(1))
    assert second.white.log_likelihood == pytest.approx(likely.log_likelihood)
    assert second.white.temperature == pytest.approx(likely.temperature)


def test_dressed_data_prefer_the_dressed_particle() -> None:
    """Where there is a shell, both criteria find it in a run of the demo's length."""
    for seed in range(4):
        data = particle(synthetic_runs(DRESSED, 360, 1, seed=70 + seed), 0)
        criteria = told(data, WhiteFit(Estimate(1.0), 0.0), None)
        assert criteria.bic_difference > 10
        assert criteria.aic_difference > criteria.bic_difference
        assert criteria.dressed.error_correlation < criteria.white.error_correlation


def test_most_likely_shell_is_the_true_one() -> None:
    """Over twelve long runs the most likely (g₁, g₂, M) scatter about the truth."""
    found = []
    for seed in range(12):
        data = particle(synthetic_runs(DRESSED, 3000, 1, seed=300 + seed), 0)
        criteria = told(data, WhiteFit(Estimate(1.0), 0.0), None)
        found.append(criteria.dressed.values)
    logs = np.log(found) - np.log([2.0, 0.7, 1.6])
    t = logs.mean(axis=0) / (logs.std(axis=0, ddof=1) / math.sqrt(12))
    # Student's t of eleven degrees of freedom exceeds 4.4 once in a thousand.
    assert (np.abs(t) < 4.4).all()


def test_criteria_charge_for_parameters() -> None:
    """Equal likelihoods: each further parameter costs 2 (AIC) and ln n (BIC); the temperature is one of them."""
    white, dressed = (Likelihood(np.ones(k), 100.0, -50.0, 1000, 0.0) for k in (1, 3))
    assert white.aic == 104
    assert dressed.aic - white.aic == 4
    assert dressed.bic - white.bic == pytest.approx(2 * math.log(1000))


def test_summary_says_which_model_is_preferred() -> None:
    """friction.json holds the criteria of both particles and the text names the model; short runs make no claim."""
    summary = friction_summary(synthetic_runs(DRESSED, 800, 1, seed=67))
    for each in summary.axes["xyz"].particles:
        assert each.likelihood
        assert each.likelihood.bic_difference > 10
    assert _text(summary).count("favours the dressed particle") == 2
    short = friction_summary(synthetic_runs(WHITE, 20, 1, seed=68))
    assert short.axes["xyz"].particles[0].likelihood is None
    assert "favours" not in _text(short)


def _text(friction: FrictionResult) -> str:
    """The table of a study of one point that measured this friction."""
    point = point_summary(synthetic_runs(Truth(kappa_ratio="4.80"), 30, 1, seed=69))
    return summary_text(Comparison((point,), friction.friction), friction)
