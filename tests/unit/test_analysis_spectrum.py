"""Friction at rest from the low end of the spectrum: errors that cover, units, refusals."""

from __future__ import annotations

import math
import warnings
from contextlib import suppress
from itertools import count

import numpy as np
import pytest
from numpy.testing import assert_allclose

from analysis.friction import spectrum
from analysis.friction.modes import fit_modes
from analysis.friction.spectrum import MEMORIES, low_spectrum, zero_frequency_friction
from analysis.friction.whittle import Bands, Optimum, check_positions, periodogram, white_filter
from analysis.statistics.timeseries import SeriesTooShortError
from tests.unit.modal_particle import INTERVAL, MASS, TEMPERATURE, TRAP, positions
from tests.unit.synthetic import Truth, propagate

STUDIES = 40
SHELL = Truth(
    kappa_ratio=None,
    friction_cold=0.5,
    friction_hot=0.5,
    shell_mass=1.6,
    core_friction=2.0,
    sample_interval=INTERVAL,
    substeps=1,
)


@pytest.mark.parametrize("series", [3, pytest.param(6, marks=pytest.mark.long)])
def test_errors_cover(series: int) -> None:
    """Over studies of the size of the reference runs, deviations from the truth scatter as the errors say."""
    flight = propagate(SHELL, np.zeros(2), 10_001, series * STUDIES, np.random.default_rng(7))
    studies = flight["position"][..., 0].reshape(STUDIES, series, -1)
    found = [zero_frequency_friction(x, INTERVAL, MASS, TRAP, TEMPERATURE) for x in studies]
    truth = 0.5 * 2.0 / 2.5
    z = np.array([friction.z(truth) for friction in found])
    assert abs(z.mean()) < 0.5
    assert 0.8 < z.std(ddof=1) < 1.25
    # They tell something, too.
    assert np.mean([friction.se / friction.value for friction in found]) < 0.25


def test_slow_bodies_are_told_from_friction_at_rest() -> None:
    """A body that follows within 5.6 ps more than triples the friction just above rest; the bias is within errors.

    The fast body beside it lags by less than the highest cut-off shows, which must not count as friction of the slow one.
    """
    studies = positions(0.17, [1.6, 0.45], [0.4, 5.6], (6 * 12, 10_001), seed=21).reshape(12, 6, -1)
    found = [zero_frequency_friction(x, INTERVAL, MASS, TRAP, TEMPERATURE) for x in studies]
    z = np.array([friction.z(0.17) for friction in found])
    assert -0.5 < z.mean() < 0.7
    assert z.std(ddof=1) < 1.2
    assert np.mean([friction.value for friction in found]) < 0.25


def test_low_spectrum_is_that_of_the_trap() -> None:
    """At rest S_X is 2 k_BT γ₀/κ²; its integral over all frequencies is 2π ⟨X²⟩, whatever is dragged along."""
    assert_allclose(low_spectrum(np.array([0.0]), np.array(0.4), np.array(1.0), MASS, TRAP), 0.4 / TRAP**2)
    omega = np.linspace(-20, 20, 800_001)
    for dragged in (0.0, 2.0):
        power = low_spectrum(omega, np.array(0.4), np.array(dragged), MASS, TRAP)
        assert_allclose(np.trapezoid(power, omega) / np.pi, 1 / TRAP, rtol=1e-4)


def test_filter_makes_white_friction_white() -> None:
    """The filtered motion of a particle with white friction has much the same power everywhere, unfiltered not at all."""
    x = positions(0.4, [], [], (6, 20_001), seed=5)
    mild = periodogram(x, white_filter(MASS, TRAP, 0.4, INTERVAL))
    steep = periodogram(x, np.array([1.0, 0.0, 0.0]))
    power, raw = mild.power.mean(axis=0), steep.power.mean(axis=0)
    assert power[:20].mean() / power[-20:].mean() < 10
    assert raw[:20].mean() / raw[-20:].mean() > 1e5


def test_scales_as_its_arguments_say() -> None:
    """Lengths do not matter in themselves: twice the displacement at four times the temperature is the same friction."""
    x = positions(0.4, [], [], (3, 4001), seed=6)
    friction = zero_frequency_friction(x, INTERVAL, MASS, TRAP, TEMPERATURE)
    other = zero_frequency_friction(2 * x, INTERVAL, MASS, TRAP, 4 * TEMPERATURE)
    assert_allclose([other.value, other.se], [friction.value, friction.se], rtol=1e-6)
    # Energies and masses in another unit.
    scaled = zero_frequency_friction(x, INTERVAL, 3 * MASS, 3 * TRAP, 3 * TEMPERATURE)
    assert_allclose([scaled.value, scaled.se], [3 * friction.value, 3 * friction.se], rtol=1e-6)
    # Time in another unit.
    slower = zero_frequency_friction(x, 1.2 * INTERVAL, 1.44 * MASS, TRAP, TEMPERATURE)
    assert_allclose([slower.value, slower.se], [1.2 * friction.value, 1.2 * friction.se], rtol=0.05)


def test_too_short_runs_say_what_they_need() -> None:
    """Runs that do not reach the low end of the spectrum name the length that would."""
    x = positions(0.4, [], [], (3, 1001), seed=8)
    with pytest.raises(SeriesTooShortError, match=r"each run must last at least \d+ ps"):
        zero_frequency_friction(x, INTERVAL, MASS, TRAP, TEMPERATURE)
    with pytest.raises(SeriesTooShortError, match=r"too few frequencies .* each run must last at least \d+ ps"):
        zero_frequency_friction(x[:, :90], INTERVAL, MASS, TRAP, TEMPERATURE)
    with pytest.raises(SeriesTooShortError, match="each needs at least 64"):
        zero_frequency_friction(x[:, :63], INTERVAL, MASS, TRAP, TEMPERATURE)
    check_positions(x[:, :64], interval_ps=INTERVAL)


def test_runs_must_last_as_long_as_their_position_is_remembered() -> None:
    """A run shorter than that many times γ₀/κ is refused for it; one of the length that is asked for is not."""
    x = positions(2.0, [], [], (4, 12_000), seed=10)
    found = zero_frequency_friction(x, INTERVAL, MASS, TRAP, TEMPERATURE)
    least = MEMORIES * found.value / TRAP / INTERVAL
    for share, is_long_enough in ((0.75, False), (1.5, True)):
        part = x[:, : round(share * least)]
        if is_long_enough:
            assert zero_frequency_friction(part, INTERVAL, MASS, TRAP, TEMPERATURE).value > 0
        else:
            with pytest.raises(SeriesTooShortError, match=r"too short for the zero-frequency friction"):
                zero_frequency_friction(part, INTERVAL, MASS, TRAP, TEMPERATURE)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"trap": 0.0}, "trap = 0.0: must be a positive"),
        ({"temperature": float("nan")}, "temperature_K = nan"),
        ({"interval": -1.0}, "interval_ps = -1.0"),
        ({"position": np.full((2, 100), np.nan)}, "position of shape"),
        ({"position": np.zeros((2, 100))}, "never moves"),
    ],
)
def test_refusals(change: dict[str, float], message: str) -> None:
    """What is not physical is refused by name."""
    given = {
        "position": np.sin(np.arange(200.0)).reshape(2, 100),
        "interval": INTERVAL,
        "mass": MASS,
        "trap": TRAP,
        "temperature": TEMPERATURE,
    }
    with pytest.raises(ValueError, match=message):
        zero_frequency_friction(**(given | change))


def test_any_data_has_an_answer() -> None:
    """Noise, walks and slow samples end in a number, perhaps without an error, or in what is too short; nothing warns."""
    rng = np.random.default_rng(9)
    for samples in (64, 600):
        noise = rng.standard_normal((2, samples))
        for x in (1e-3 * noise, 1e3 * noise, noise.cumsum(axis=1)):
            for interval in (0.02, 1.0, 100.0):
                with warnings.catch_warnings():
                    warnings.simplefilter("error")
                    with suppress(SeriesTooShortError):
                        assert zero_frequency_friction(x, interval, MASS, TRAP, TEMPERATURE).value > 0
                    with suppress(SeriesTooShortError):
                        assert fit_modes(x, interval, MASS, TRAP, TEMPERATURE, orders=(0, 1)).chosen.g0 > 0


def test_forms_that_fit_alike_share_their_scatter(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two forms as likely as each other, one with twice the friction of the other, the error holds their distance, too."""
    x = positions(0.4, [], [], (3, 4001), seed=6)
    calls = count()

    def fit(scene: object, bands: Bands, start: float, terms: int) -> tuple[Optimum, float]:
        """After three white ones: 0.2 and 0.4 up to the first cut-off, of 1 and 2 terms; all others are far less likely."""
        friction = {3: 0.2, 4: 0.4}.get(next(calls))
        at, likelihood = np.array([math.log(friction or 0.1)]), float(terms) if friction else -1e6
        return Optimum(at, likelihood, np.empty(0), np.eye(1), np.array([False])), 0.16 if friction else 0.09

    monkeypatch.setattr(spectrum, "_fit", fit)
    found = zero_frequency_friction(x, INTERVAL, MASS, TRAP, TEMPERATURE)
    assert found.value == pytest.approx(math.sqrt(0.2 * 0.4))
    assert found.se / found.value == pytest.approx(math.hypot(0.4, math.log(2) / 2))
