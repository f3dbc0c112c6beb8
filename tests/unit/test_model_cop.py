"""The fluctuating coefficient of performance: its law against samples, its tail, its definition at the ends."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.integrate import quad

from analysis.model import RatioLaw, sampled_cop, window_cop
from tests.unit.pairs import PAIR as PUBLISHED

PAIR = replace(PUBLISHED, coupling_hot=0.727)
GRID = np.array([-30.0, -3.0, -0.6, -0.05, 0.0, 0.05, 0.3, 0.8, 1.5, 5.0, 40.0])


def test_sampled_law_agrees_with_samples() -> None:
    """|P_C|/(P_C + P_H) of 10⁶ states sampled over 1 ps falls below each point of a grid as often as the law says (z)."""
    number = 1_000_000
    states = np.random.default_rng(51).standard_normal((4, number))
    x_c, x_h, v_c, v_h = np.linalg.cholesky(PAIR.sampled_covariance(1.0)) @ states
    cold, hot = 0.1 * x_h * v_c, 0.727 * x_c * v_h
    below = np.searchsorted(np.sort(np.abs(cold) / (cold + hot)), GRID) / number
    expected = sampled_cop(PAIR, 1.0).cdf(GRID)
    z = (below - expected) / np.sqrt(expected * (1 - expected) / number)
    assert np.abs(z).max() < 4


@pytest.mark.parametrize("law", [sampled_cop(PAIR), window_cop(PAIR, 10.0)])
def test_density_belongs_to_the_distribution(law: RatioLaw) -> None:
    """Integrals of pdf are differences of cdf, which runs from 0 to 1."""
    for low, high in ((-2.0, -0.7), (0.2, 0.9), (2.0, 9.0)):
        area = quad(lambda e: float(law.pdf(e)), low, high, epsabs=1e-6)[0]
        assert_allclose(law.cdf(high) - law.cdf(low), area, atol=5e-5)
    assert_allclose(law.cdf([-1e9, 1e9]), [0, 1], atol=1e-6)
    assert_allclose(law.cdf(GRID) + law.sf(GRID), 1, atol=1e-12)
    assert law.pdf(GRID.reshape(1, -1)).shape == (1, 11)


@pytest.mark.parametrize("law", [sampled_cop(PAIR, 1.0), window_cop(PAIR, 10.0)])
def test_tail_has_exponent_minus_two(law: RatioLaw) -> None:
    """ε² p(ε) tends to the tail amplitude on both sides, P(|ε| > e) to 2A/e, and the onset marks the last 10 % departure."""
    amplitude = law.tail_amplitude()
    assert_allclose(law.pdf([-1e5, 1e5]) * 1e10, amplitude, rtol=1e-3)
    assert_allclose((law.sf(1e5) + law.cdf(-1e5)) * 1e5, 2 * amplitude, rtol=1e-3)
    onset = law.tail_onset(0.1)
    beyond = onset * np.logspace(0, 2, 20)
    assert np.abs(law.pdf(beyond) * beyond**2 / amplitude - 1).max() < 0.1
    before = 0.9 * onset
    assert abs(float(law.pdf(before)) * before**2 / amplitude - 1) > 0.1


def test_ratio_of_independent_normals_is_cauchy() -> None:
    """Means of zero and no correlation: |q|/w has the density 1/(π(1 + ε²)) on both sides."""
    law = RatioLaw(np.zeros((1, 2)), np.eye(2)[None], np.ones(1))
    assert_allclose(law.pdf(GRID), 1 / (np.pi * (1 + GRID**2)), rtol=1e-12)
    assert_allclose(law.cdf(GRID), 0.5 + np.arctan(GRID) / np.pi, rtol=1e-12)
    assert_allclose(law.tail_amplitude(), 1 / np.pi)


@pytest.mark.parametrize("mean", [(0.0, 0.0), (0.0, -0.7), (1.2, 0.0), (-0.4, 2.0), (30.0, 20.0), (-3.0, -40.0)])
def test_law_of_correlated_normals(mean: tuple[float, float]) -> None:
    """With means of any size and sign, cdf agrees with 4·10⁵ samples (z) and pdf with the slope of cdf."""
    cov = np.array([[1.0, 0.6], [0.6, 0.8]])
    law = RatioLaw(np.array([mean]), cov[None], np.ones(1))
    q, w = np.random.default_rng(52).multivariate_normal(mean, cov, 400_000).T
    grid = np.array([-2.0, -0.3, 0.0, 0.2, 1.0, 1.5, 4.0])
    below = np.array([np.mean(np.abs(q) / w <= e) for e in grid])
    expected = law.cdf(grid)
    assert np.all(np.abs(below - expected) <= 4 * np.sqrt(expected * (1 - expected) / q.size) + 1e-12)
    smooth = grid[grid != 0]
    slope = (law.cdf(smooth + 1e-5) - law.cdf(smooth - 1e-5)) / 2e-5
    assert_allclose(law.pdf(smooth), slope, rtol=1e-4, atol=1e-9)


def test_long_windows_narrow_to_the_mean_coefficient() -> None:
    """Heat and work become proportional: over 10 ns almost every window has ε within a few per cent of κ_C/(κ_H - κ_C)."""
    law, cop = window_cop(PAIR, 1e4), PAIR.cop()[0]
    assert law.cdf(1.1 * cop) - law.cdf(0.9 * cop) > 0.99
    with pytest.raises(ValueError, match="tail has not set in"):
        window_cop(PAIR, 1e6).tail_onset()


def test_both_couplings_are_needed() -> None:
    """Without one of the couplings the two powers are proportional and ε is no random variable."""
    with pytest.raises(ValueError, match=r"coupling_hot = 0\.0"):
        sampled_cop(replace(PAIR, coupling_hot=0.0))
