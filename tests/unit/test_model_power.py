"""Exact laws of power: against samples, against their own moments, and against the propagated pair."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.integrate import quad
from scipy.special import k0

from analysis.model import DressedPair, LangevinPair, QuadraticFormLaw
from analysis.model.refrigerator import Force, Target
from tests.unit.pairs import DRESSED, PAIR

LAWS = [
    (1.0, -1.0),  # product of independent variables
    (1.3, -0.02),  # product of strongly correlated ones
    (1.0, 0.5, -0.3, -0.9),  # sum of two products
    (1.0, 1e-5, -1e-3, -1.0),  # one of them weak
    (1.0, 1.0 + 1e-9, -1.0, -1.0),  # nearly degenerate
    (1.0, 0.5, -0.3),
    (0.7, 0.2),
    (-0.4,),
]


def moment(law: QuadraticFormLaw, order: int) -> float:
    """Integral of w^order times the density, piecewise, since it may be singular at 0."""
    scale = law.std()
    edges = scale * np.array([0, 1e-9, 1e-7, 1e-5, 1e-3, 0.03, 0.3, 1, 3, 10, 40, 120])
    pieces = [*pairwise(edges), *pairwise(-edges[::-1])]
    return sum(quad(lambda w: w**order * float(law.pdf(w)), a, b, epsrel=1e-11, limit=200)[0] for a, b in pieces)


@pytest.mark.parametrize("weights", LAWS)
def test_density_has_the_right_norm_and_moments(weights: tuple[float, ...]) -> None:
    """Norm, mean and variance by quadrature of the density, to 1e-8 of the standard deviation."""
    law = QuadraticFormLaw(weights)
    # A single weight has density ~ w^(-1/2) at 0, of which the innermost piece of the quadrature misses little.
    assert_allclose(moment(law, 0), 1, atol=1e-8)
    assert_allclose(moment(law, 1), law.mean(), atol=1e-8 * law.std())
    assert_allclose(moment(law, 2), law.var() + law.mean() ** 2, rtol=1e-8)


@pytest.mark.parametrize("weights", LAWS)
def test_distribution_function_belongs_to_the_density(weights: tuple[float, ...]) -> None:
    """cdf differences are integrals of pdf, sf is the complement, ppf the inverse."""
    law = QuadraticFormLaw(weights)
    for low, high in ((0.1, 0.9), (-1.5, -0.2)):
        low, high = low * law.std(), high * law.std()
        area = quad(lambda w: float(law.pdf(w)), low, high, epsabs=1e-12)[0]
        assert_allclose(law.cdf(high) - law.cdf(low), area, atol=1e-11)
    w = np.linspace(-3, 3, 13).reshape(1, 13)
    assert law.cdf(w).shape == w.shape
    assert_allclose(law.cdf(w) + law.sf(w), 1, atol=1e-14)
    q = np.array([1e-6, 0.2, 0.5, 0.99])
    assert_allclose(law.cdf(law.ppf(q)), q, rtol=1e-9)
    assert np.isnan(law.ppf(1.5))
    assert law.ppf(0.0) == (-np.inf if min(weights) < 0 else 0.0)


def test_tails_keep_their_relative_accuracy() -> None:
    """Far out, the tail beyond w is the leading exponential: no cancellation down to 1e-300."""
    law = QuadraticFormLaw((1.0, 0.25, -0.5, -0.7))
    decay = np.log(law.sf(1200.0) / law.sf(1300.0))
    assert_allclose(decay, 50 + 0.5 * np.log(1300 / 1200), rtol=1e-4)
    assert 0 < law.cdf(-700.0) < 1e-200


@pytest.mark.parametrize("target", ["cold", "hot", "total"])
@pytest.mark.parametrize("dt", [None, 1.0])
def test_power_laws_agree_with_samples(target: Target, dt: float | None) -> None:
    """Kolmogorov-Smirnov distance to 10⁶ Gaussian states, instantaneous or sampled each ps, at the 0.1 % level."""
    law = PAIR.power_distribution(target, dt)
    rng, number = np.random.default_rng(41), 1_000_000
    x_c, x_h, v_c, v_h = np.linalg.cholesky(PAIR.sampled_covariance(dt)) @ rng.standard_normal((4, number))
    powers = {"cold": 0.1 * x_h * v_c, "hot": 0.48 * x_c * v_h, "total": 0.1 * x_h * v_c + 0.48 * x_c * v_h}
    sample = np.sort(powers[target])
    # Between neighbours of a thinned sample both functions rise by 1/2000 only: the distance is known to that.
    seen = sample[:: number // 2000]
    distance = np.abs(law.cdf(seen) - np.arange(0, number, number // 2000) / number).max()
    assert distance < 1.95 / np.sqrt(number)
    drawn = np.sort(law.rvs(200_000, rng=rng))
    assert np.abs(law.cdf(drawn[::200]) - np.arange(0, 1, 1e-3)).max() < 1.95 / np.sqrt(200_000)


@pytest.mark.parametrize("machine", [PAIR, DRESSED])
def test_sampled_power_is_that_of_propagated_positions(machine: LangevinPair | DressedPair) -> None:
    """Two positions one interval apart, by the time correlation, give the sampled power's mean and variance (z-scores)."""
    dt, number = 1.0, 400_000
    now, later = machine.covariance()[:2, :2], machine.correlation(dt)[:2, :2]
    joint = np.linalg.cholesky(np.block([[now, later.T], [later, now]]))
    first_c, first_h, last_c, last_h = joint @ np.random.default_rng(42).standard_normal((4, number))
    power = 0.1 * (first_h + last_h) / 2 * (last_c - first_c) / dt
    law = machine.power_distribution("cold", dt)
    assert abs(power.mean() - law.mean()) < 4 * law.std() / np.sqrt(number)
    squares = (power - law.mean()) ** 2
    assert abs(squares.mean() - law.var()) < 4 * squares.std() / np.sqrt(number)


@pytest.mark.parametrize("target", ["cold", "hot"])
def test_one_particle_law_is_the_bessel_form(target: Target) -> None:
    """exp(ρaw/κ) K₀(a|w|/|κ|)/(π s₁s₂√(1-ρ²)|κ|) with a = 1/(s₁s₂(1-ρ²)), and variance κ²(<x²><v²> + <xv>²)."""
    own = 0 if target == "cold" else 1
    kappa = (0.1, 0.48)[own]
    c = PAIR.covariance()
    x2, v2, xv = c[1 - own, 1 - own], c[2 + own, 2 + own], c[1 - own, 2 + own]
    s, rho = np.sqrt(x2 * v2), xv / np.sqrt(x2 * v2)
    a = 1 / (s * (1 - rho**2))
    law = PAIR.power_distribution(target)
    w = np.array([-0.05, -1e-3, 2e-3, 0.04])
    bessel = np.exp(rho * a * w / kappa) * k0(a * np.abs(w) / kappa) / (np.pi * s * np.sqrt(1 - rho**2) * kappa)
    assert_allclose(law.pdf(w), bessel, rtol=1e-11)
    assert_allclose(law.var(), kappa**2 * (x2 * v2 + xv**2), rtol=1e-12)
    assert_allclose(law.mean(), PAIR.work_rates()[own], rtol=1e-10)
    assert law.pdf(0.0) == np.inf


@pytest.mark.parametrize("force", ["cross", "full"])
def test_total_power_has_the_mean_of_the_works(force: Force) -> None:
    """Both readings of the controller's force do the same mean work; a sampling interval takes some of it away."""
    law = PAIR.power_distribution("total", force=force)
    assert_allclose(law.mean(), PAIR.work_rates().sum(), rtol=1e-10)
    assert abs(PAIR.power_distribution("total", 1.0, force).mean()) < abs(law.mean())
    assert_allclose(PAIR.power_distribution("total", 1e-6, force).var(), law.var(), rtol=1e-5)


def test_rounding_is_told_from_weak_couplings() -> None:
    """The full force on both particles is one product (two weights); a coupling 10⁵ times weaker still counts (four)."""
    assert len(PAIR.power_distribution("total", force="full").weights) == 2
    assert len(replace(PAIR, coupling_hot=1e-6).power_distribution("total").weights) == 4


def test_uncertainty_and_its_bound() -> None:
    """Var/mean² diverges at the pseudo-equilibrium and lies above 2k_B/ΔS at the paper's points, as its figure shows."""
    for ratio in (0.17, 2.0, 4.8, 7.27):
        pair = replace(PAIR, coupling_hot=0.1 * ratio)
        for target in ("cold", "hot", "total"):
            assert pair.power_uncertainty(target, 1.0) > pair.uncertainty_bound(1.0)
    near, still = replace(PAIR, coupling_hot=0.12 + 1e-7), replace(PAIR, coupling_hot=0.12)
    assert near.power_uncertainty("total", 1.0) > 1e12
    assert near.uncertainty_bound(1.0) > 1e10
    assert still.uncertainty_bound(1.0) > 1e20


def test_bad_laws_are_refused() -> None:
    """No weights, a zero weight, or three of one sign cannot be inverted by this method and are refused."""
    for weights in ((), (0.0, 1.0), (1.0, 2.0, 3.0), (np.nan,)):
        with pytest.raises(ValueError, match="weights"):
            QuadraticFormLaw(weights)
    with pytest.raises(ValueError, match=r"interval = 0\.0 ps"):
        PAIR.power_distribution("cold", dt=0.0)
