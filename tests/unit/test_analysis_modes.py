"""Modes of friction from the whole spectrum: the expectation is exact, errors cover, orders are found, refusals."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose
from numpy.typing import NDArray
from scipy.linalg import expm, toeplitz

from analysis.friction.modes import ModalFits, _Trap, expected_power, fit_modes, particle_modes
from analysis.friction.whittle import Bands, maximise, periodogram, white_filter
from analysis.statistics.timeseries import Estimate, SeriesTooShortError
from tests.unit.modal_particle import INTERVAL, MASS, TEMPERATURE, TRAP, drift_and_covariance, modal_friction, positions
from tests.unit.synthetic import BOLTZMANN_EV_PER_K

THERMAL = BOLTZMANN_EV_PER_K * TEMPERATURE
TWO = (0.4, [0.7, 0.3], [2.0, 9.0])


def known(interval: float, friction: float = 0.5) -> _Trap:
    """The particle with the filter of some white friction."""
    return _Trap(MASS, TRAP, THERMAL, interval, white_filter(MASS, TRAP, friction, interval))


@pytest.mark.parametrize("interval", [0.1, 1.0, 7.0])
@pytest.mark.parametrize(("white", "drags", "times"), [(0.4, [], []), TWO, (0.05, [3.0], [0.01])])
def test_expected_power_is_that_of_the_dense_covariance(
    interval: float, white: float, drags: list[float], times: list[float]
) -> None:
    """Leakage and folding included: the covariance of all samples, filtered and transformed, has the same diagonal."""
    n = 50
    a, covariance = drift_and_covariance(white, drags, times)
    lagged = [(expm(a * interval * k) @ covariance)[0, 0] for k in range(n)]
    particle = known(interval)
    rows = np.arange(n - 2)
    taken = np.zeros((n - 2, n))
    for shift, coefficient in enumerate(particle.whitening):
        taken[rows, rows + 2 - shift] = coefficient
    frequency = 2 * np.pi * np.arange(n // 2) / (n - 2)
    waves = np.exp(-1j * np.outer(frequency, rows)) / np.sqrt(n - 2)
    dense = np.einsum("fi,ij,fj->f", waves, taken @ toeplitz(lagged) @ taken.T, waves.conj()).real
    assert_allclose(expected_power(particle, np.array([white, *drags, *times]), frequency, n), dense, rtol=1e-6)


def test_correlation_is_that_of_the_friction() -> None:
    """The exponentials' spectrum is 2 k_BT Re γ/|κ - mω² - iωγ|²."""
    white, drags, times = TWO
    amplitudes, rates = particle_modes(MASS, TRAP, np.array([white, *drags, *times]))
    omega = np.geomspace(1e-3, 30, 60)
    spectrum = 2 * (amplitudes / (1j * omega[:, None] - rates)).sum(axis=1).real / TRAP
    friction = modal_friction(omega, white, drags, times)
    exact = 2 * friction.real / abs(TRAP - MASS * omega**2 - 1j * omega * friction) ** 2
    assert_allclose(spectrum, exact, rtol=1e-7)


def test_bands_keep_every_ordinate() -> None:
    """All ordinates below Nyquist's are in some band, once; that of the frequency 0 is half a one."""
    x = np.random.default_rng(3).standard_normal((4, 1003))
    bands = periodogram(x, np.array([1.0, 0.0, 0.0]))
    assert bands.ordinates.sum() == 500.5
    assert_allclose(bands.frequency[:3], 2 * np.pi / 1001 * np.arange(3))
    total = (np.maximum(bands.ordinates, 1) * bands.power)[:, 1:].sum(axis=1) * 2 + bands.power[:, 0]
    assert_allclose(total / 1001, (x[:, 2:] ** 2).mean(axis=1))
    assert bands.goodness(np.ones_like(bands.frequency), 0) > 0.01
    assert bands.goodness(np.full_like(bands.frequency, 1.3), 0) < 1e-6


def test_scoring_finds_the_mean() -> None:
    """With one power for all bands the most likely one is the weighted mean, its information the number of ordinates."""
    bands = Bands(np.array([[1.0, 2.0, 6.0]]), np.array([0.0, 0.1, 0.2]), np.array([0.5, 1.0, 2.0]), 100)
    start, end = np.array([-3.0]), np.array([5.0])
    found = maximise(lambda logs: np.exp(logs) * np.ones(3), bands, start, np.array([-4.0]), end)
    assert_allclose(np.exp(found.at[0]), (0.5 + 2 + 12) / 3.5, rtol=1e-3)
    assert_allclose(found.information[0, 0], 3.5, rtol=1e-6)
    assert not found.bound[0]
    assert maximise(lambda logs: np.exp(logs) * np.ones(3), bands, start, start, np.array([0.0])).bound[0]
    # Where the power is undefined just beyond the most likely value, the search ends before it, with a known information.
    edge = np.log(14.5 / 3.5) + 5e-5
    found = maximise(
        lambda logs: np.where(logs > edge, np.nan, np.exp(logs)) * np.ones(3), bands, start, np.array([-4.0]), end
    )
    assert np.isfinite(found.information).all()
    assert_allclose(found.at[0], edge, atol=0.03)


@pytest.mark.parametrize("end", [-0.3, 0.3])
def test_other_parameters_are_most_likely_where_one_is_at_its_end(end: float) -> None:
    """Of ln S = a + b x with a kept off its optimum by either end of its range, b is the best one at that end."""
    x = np.linspace(0.0, 2.0, 41)
    bands = Bands(np.exp(0.7 * x)[None], np.arange(41.0), np.ones(41), 100)

    def expected(at: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.exp(at[:, :1] + at[:, 1:] * x)

    # The optimum, (0, 0.7), has an a that the range leaves out.
    low, high = (
        (np.array([end, -5.0]), np.array([5.0, 5.0])) if end > 0 else (np.array([-5.0, -5.0]), np.array([end, 5.0]))
    )
    found = maximise(expected, bands, np.array([end, 2.0]), low, high)
    slopes = np.linspace(0.0, 1.5, 150_001)
    costs = [float((end + b * x + np.exp(0.7 * x - end - b * x)).sum()) for b in slopes[::100]]
    coarse = slopes[::100][int(np.argmin(costs))]
    near = slopes[np.abs(slopes - coarse) < 2e-3]
    best = near[np.argmin([float((end + b * x + np.exp(0.7 * x - end - b * x)).sum()) for b in near])]
    assert found.at == pytest.approx([end, best], abs=1e-3)
    assert found.bound.tolist() == [True, False]


@pytest.mark.parametrize(
    ("truth", "seed"), [((0.4, [], []), 31), ((0.4, [1.6], [0.64]), 32), ((0.17, [1.6, 0.45], [0.4, 5.6]), 33)]
)
def test_errors_cover(truth: tuple[float, list[float], list[float]], seed: int) -> None:
    """Over studies of 6 ns, deviations of all parameters of the true order scatter as their errors say."""
    white, drags, times = truth
    order, studies = len(drags), 16
    series = positions(*truth, (6 * studies, 10_001), seed).reshape(studies, 6, -1)
    found = [fit_modes(x, INTERVAL, MASS, TRAP, TEMPERATURE, orders=[order], limit=2.0).chosen for x in series]
    logs = np.log([fit.values for fit in found]) - np.log([white, *drags, *times])
    z = logs / np.sqrt([np.diag(fit.log_covariance) for fit in found])
    assert (abs(z.mean(axis=0)) < 0.8).all()
    assert 0.75 < np.sqrt((z**2).mean()) < 1.25
    assert 0.01 < np.median([fit.goodness for fit in found]) < 0.99
    assert_allclose([fit.zero_frequency.z(white) for fit in found], z[:, 0], rtol=1e-6)


@pytest.fixture(scope="module")
def shell() -> ModalFits:
    """All orders, fitted to six series of a particle with one body; the limit chosen."""
    return fit_modes(positions(0.4, [1.6], [0.64], (6, 10_001), seed=34), INTERVAL, MASS, TRAP, TEMPERATURE)


@pytest.mark.parametrize("samples", [66, 67, 300, 301])
def test_bands_hold_every_frequency_once_but_the_highest(samples: int) -> None:
    """Two numbers for each frequency, one for the lowest, and none at π, which counts half: of white noise all are alike."""
    noise = np.random.default_rng(35).standard_normal((400, samples))
    bands = periodogram(noise, np.array([1.0, 0.0, 0.0]))
    n = samples - 2
    assert bands.frequency.max() < np.pi
    assert bands.ordinates.sum() == 0.5 + (n - 1) // 2
    # Means of exponential numbers of mean 1; that of the lowest frequency has one degree of freedom.
    z = (bands.power.mean(axis=0) - 1) * np.sqrt(400 * bands.ordinates)
    assert np.abs(z).max() < 4.5


def test_order_is_found(shell: ModalFits) -> None:
    """More bodies fit better and foretell no better; the friction at rest is that of the truth."""
    assert [fit.order for fit in shell.fits] == [0, 1, 2, 3]
    assert shell.chosen.order == 1
    likelihoods = [fit.log_likelihood for fit in shell.fits]
    assert all(np.diff(likelihoods) > -0.01)
    assert shell.fits[0].goodness < 1e-6 < 0.01 < shell.chosen.goodness
    assert shell.fits[0].held_out < shell.chosen.held_out - 20
    # Data that no fit has seen are less likely than those it was fitted to, by about one for each parameter.
    for fit in shell.fits:
        assert fit.held_out < fit.log_likelihood - 0.2 * (2 * fit.order + 1)
    assert abs(shell.chosen.zero_frequency.z(0.4)) < 2.5
    assert abs(shell.zero_frequency.z(0.4)) < 2.5
    assert shell.zero_frequency.se >= 0.99 * shell.chosen.zero_frequency.se
    assert all((np.diff(fit.tau) >= 0).all() for fit in shell.fits)


def test_parameters_do_not_move_with_the_limit(shell: ModalFits) -> None:
    """Where the model is right they differ by what the frequencies in between tell, and every limit is accepted."""
    assert [fit.limit for fit in shell.by_limit] == [0.5, 1.0, 2.0, 4.0]
    assert shell.chosen.limit == 4.0
    for fit in shell.by_limit[1:]:
        assert abs(fit.zero_frequency.z(0.4)) < 3
        assert fit.order == 1


@pytest.mark.parametrize(
    ("rejected", "chosen"),
    [((), 4.0), ((4.0,), 2.0), ((1.0,), 0.5), ((0.5, 1.0, 2.0, 4.0), 0.5)],
)
def test_limit_is_the_highest_up_to_which_no_other_is_rejected(
    monkeypatch: pytest.MonkeyPatch, rejected: tuple[float, ...], chosen: float
) -> None:
    """A limit above a rejected one is not taken, good as it may be; if all are rejected it is the lowest."""
    x = positions(0.4, [], [], (6, 1000), seed=39)
    monkeypatch.setattr(
        "analysis.friction.modes._goodness",
        lambda bands, _: (
            0.005 if any(0.9 * limit < bands.frequency[-1] / INTERVAL <= limit for limit in rejected) else 0.5
        ),
    )
    found = fit_modes(x, INTERVAL, MASS, TRAP, TEMPERATURE, orders=[0])
    assert (found.chosen.limit, [fit.limit for fit in found.fits]) == (chosen, [chosen])
    assert [fit.limit for fit in found.by_limit] == [0.5, 1.0, 2.0, 4.0]
    given = fit_modes(x, INTERVAL, MASS, TRAP, TEMPERATURE, orders=[0], limit=chosen)
    (alone,) = given.by_limit
    for fit in (alone, *(each for each in found.by_limit if each.limit == chosen)):
        for name in ("g0", "log_likelihood", "held_out"):
            assert getattr(fit, name) == pytest.approx(getattr(found.chosen, name)), name
    assert len({fit.g0 for fit in found.by_limit}) == 4
    # Limits beyond π/interval are left out, and it is the limit itself if none remains.
    assert [fit.limit for fit in fit_modes(x, 2.0, MASS, TRAP, TEMPERATURE, orders=[0]).by_limit] == [0.5, 1.0]
    (only,) = fit_modes(x, 10.0, MASS, TRAP, TEMPERATURE, orders=[0]).by_limit
    assert only.limit == pytest.approx(np.pi / 10)


def test_parameters_do_not_move_with_the_interval() -> None:
    """Every tenth sample tells the same: what is folded back is in the model."""
    x = positions(0.4, [1.6], [0.64], (6, 20_001), seed=35)
    often, seldom = (
        fit_modes(x[:, ::every], every * INTERVAL, MASS, TRAP, TEMPERATURE, orders=[1], limit=2.5).chosen
        for every in (1, 10)
    )
    errors = np.sqrt(np.diag(often.log_covariance))
    assert (abs(np.log(often.values / seldom.values)) < errors).all()


def test_friction_at_rest_over_orders() -> None:
    """Orders that foretell alike weigh alike, and their spread enters the error."""
    x = positions(0.4, [], [], (6, 500), seed=36)
    found = fit_modes(x, INTERVAL, MASS, TRAP, TEMPERATURE, orders=[0], limit=2.0).chosen
    low = replace(found, g0=1.0, zero_frequency=Estimate(1.0, 0.1, "log"), held_out=0.0)
    high = replace(found, g0=4.0, zero_frequency=Estimate(4.0, 0.4, "log"), held_out=0.0)
    mean = ModalFits([low, high], low, [low]).zero_frequency
    assert_allclose(mean.value, 2.0)
    assert_allclose(mean.se, 2.0 * np.sqrt(0.01 + np.log(2) ** 2))
    worse = replace(high, held_out=-50.0)
    assert_allclose(ModalFits([low, worse], low, [low]).zero_frequency.se, 0.1)
    lost = replace(high, zero_frequency=Estimate(4.0), held_out=50.0)
    assert ModalFits([low, lost], lost, [lost]).zero_frequency.value == 1.0
    only = ModalFits([lost], lost, [lost]).zero_frequency
    assert (only.value, np.isnan(only.se)) == (4.0, True)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"trap": -0.01}, "trap = -0.01: must be a positive"),
        ({"limit": 40.0}, r"limit = 40.0 rad/ps: must be positive and no more than π/interval = 31.42"),
        ({"limits": (-0.5, 1.0)}, r"limits = \[-0.5, 1.0\]"),
        ({"orders": ()}, "orders = "),
        ({"orders": (-1,)}, "orders = "),
        ({"position": np.ones(5)}, "position of shape"),
    ],
)
def test_refusals(change: dict[str, object], message: str) -> None:
    """What is not physical is refused by name."""
    given = {
        "position": np.sin(np.arange(400.0)).reshape(2, 200),
        "interval": INTERVAL,
        "mass": MASS,
        "trap": TRAP,
        "temperature": TEMPERATURE,
    }
    with pytest.raises(ValueError, match=message):
        fit_modes(**(given | change))


def test_too_short_runs_say_what_they_need() -> None:
    """Few samples, or few frequencies below the limit, are named with the cure."""
    x = positions(0.4, [], [], (2, 300), seed=37)
    with pytest.raises(SeriesTooShortError, match=r"each run must last at least \d+ ps"):
        fit_modes(x, INTERVAL, MASS, TRAP, TEMPERATURE, limit=0.5)
    with pytest.raises(SeriesTooShortError, match="each needs at least 64"):
        fit_modes(x[:, :20], INTERVAL, MASS, TRAP, TEMPERATURE)
    one = positions(0.4, [], [], (1, 128), seed=38)
    with pytest.raises(SeriesTooShortError, match=r"must last at least 12.8 ps, or there must be another replica"):
        fit_modes(one[:, :127], INTERVAL, MASS, TRAP, TEMPERATURE, orders=[0])
    assert np.isfinite(fit_modes(one, INTERVAL, MASS, TRAP, TEMPERATURE, orders=[0]).chosen.held_out), (
        "two pieces of 64 can be compared"
    )
