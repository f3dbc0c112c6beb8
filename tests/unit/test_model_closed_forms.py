"""The paper's closed formulas, corrected, against the Lyapunov solution; and the printed ones, which fail."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose
from numpy.typing import NDArray
from scipy.linalg import solve_sylvester
from scipy.stats import laplace_asymmetric

from analysis.model import LangevinPair, Refrigerator, closed_forms
from analysis.model.closed_forms import Side

Array = NDArray[np.float64]
SIDES: tuple[Side, Side] = ("cold", "hot")


def random_pairs(number: int, *, equal: bool) -> list[LangevinPair]:
    """Stable pairs with parameters over two decades and couplings of either sign; the paper's have equal sides."""
    rng = np.random.default_rng(11)
    pairs: list[LangevinPair] = []
    while len(pairs) < number:
        mass, friction, trap = 10 ** rng.uniform(-1, 1, (3, 2))
        pair = LangevinPair(
            mass=mass[0] if equal else tuple(mass),
            friction_cold=friction[0],
            friction_hot=friction[0 if equal else 1],
            trap=trap[0],
            coupling_cold=rng.uniform(-2, 10),
            coupling_hot=rng.uniform(-2, 10),
            temperature_cold=rng.uniform(50, 150),
            temperature_hot=rng.uniform(50, 150),
        )
        if pair.is_stable:
            pairs.append(pair)
    return pairs


PAIRS = random_pairs(200, equal=True)


def relative_to_spread(matrix: Array, covariance: Array) -> Array:
    """Elements in units of the standard deviations they belong to."""
    spread = np.sqrt(np.diag(covariance))
    return np.asarray(matrix / np.outer(spread, spread))


def test_covariance_formulas_agree_with_lyapunov() -> None:
    """(B8a)-(B8g), (B9), (27)-(29), corrected, at 200 random stable parameter sets, to 1e-10."""
    for pair in PAIRS:
        c = pair.covariance()
        closed = closed_forms.covariance(pair)
        assert_allclose(relative_to_spread(closed, c), relative_to_spread(c, c), rtol=1e-10, atol=1e-13)
        for own, side in enumerate(SIDES):
            other, velocity = 1 - own, 2 + own
            assert_allclose(closed_forms.position_variance(pair, side), c[other, other], rtol=1e-10)
            assert_allclose(closed_forms.velocity_variance(pair, side), c[velocity, velocity], rtol=1e-10)
            assert_allclose(closed_forms.cross_covariance(pair, side), c[other, velocity], rtol=1e-10)


@pytest.mark.parametrize("equal", [True, False])
def test_heat_and_entropy_formulas_agree_with_lyapunov(equal: bool) -> None:
    """(3)-(5), (B10), (B12), corrected and extended to unequal sides, at 200 random stable sets, to 1e-10."""
    for pair in random_pairs(200, equal=equal):
        assert_allclose(pair.heat_rates(), closed_forms.heat_rates(pair), rtol=1e-10)
        assert_allclose(pair.entropy_production(), closed_forms.entropy_production(pair), rtol=1e-9)


def test_heat_keeps_its_digits_over_five_decades() -> None:
    """With every parameter anywhere in five decades, the heat rates still agree with the closed form to 1e-10."""
    rng = np.random.default_rng(13)
    for _ in range(200):
        m_c, m_h, g_c, g_h, k_c, k_h, k = 10 ** rng.uniform(-2.5, 2.5, 7)
        t_c, t_h = 10 ** rng.uniform(1, 3, 2)
        pair = LangevinPair(
            mass=(m_c, m_h),
            friction_cold=g_c,
            friction_hot=g_h,
            trap=k,
            coupling_cold=k_c,
            coupling_hot=k_h,
            temperature_cold=t_c,
            temperature_hot=t_h,
        )
        assert_allclose(pair.heat_rates(), closed_forms.heat_rates(pair), rtol=1e-10)


def test_eigenvalue_formulas_agree() -> None:
    """(F1), (F2) are the eigenvalues of the drift, and (F3) decides stability when both sides are alike."""
    rng = np.random.default_rng(12)
    for pair in PAIRS:
        pair = replace(pair, trap=rng.uniform(-1, 1), coupling_cold=rng.uniform(-2, 2), coupling_hot=rng.uniform(-2, 2))
        # Compared as characteristic polynomials: nearly equal eigenvalues have no natural order.
        found = np.poly(pair.stability().eigenvalues)
        assert_allclose(found, np.poly(closed_forms.eigenvalues(pair)), rtol=1e-10, atol=1e-10)
        assert pair.is_stable == (pair.trap > 0 and pair.trap + pair.coupling_cold + pair.coupling_hot > 0)


def test_stability_of_unlike_sides_is_not_the_papers() -> None:
    """With unequal frictions (F3) is neither sufficient nor necessary: growing oscillations, and a stable trap of κ < 0."""
    base = {"mass": 1.0, "temperature_cold": 100.0, "temperature_hot": 120.0}
    flutter = LangevinPair(trap=0.1, coupling_cold=1.0, coupling_hot=-1.0, friction_cold=0.01, friction_hot=1.0, **base)
    assert flutter.trap > 0
    assert flutter.trap + flutter.coupling_cold + flutter.coupling_hot > 0
    assert flutter.stability().worst.real > 0.2
    assert "coupling_hot = -1" in flutter.stability().reason
    held = LangevinPair(
        trap=-1.0, coupling_cold=10.0, coupling_hot=-12.0, friction_cold=10.0, friction_hot=30.0, **base
    )
    assert held.is_stable


def test_appendix_b_construction_gives_the_covariance() -> None:
    """(B6), (B7): C = B⁻¹(D₄ + Q) with B Q + Q Bᵀ = B D₄ - D₄ Bᵀ and D₄ half the noise intensity."""
    for pair in PAIRS[:20]:
        b, d4 = -pair.drift(), pair.noise() / 2
        q = solve_sylvester(b, b.T, b @ d4 - d4 @ b.T)
        c = pair.covariance()
        found = np.asarray(np.linalg.solve(b, d4 + q), dtype=np.float64)
        assert_allclose(relative_to_spread(found, c), relative_to_spread(c, c), atol=1e-9)


def test_largest_cooling_formula_is_the_optimum() -> None:
    """The closed optimum of κ_H agrees with a numerical search, for unlike sides too, and cools more than its neighbours."""
    for pair in [p for p in random_pairs(40, equal=False) if p.coupling_cold > 0]:
        best = closed_forms.coupling_hot_of_largest_cooling(pair)
        assert pair.coupling_hot_of_largest_cooling() == best
        assert_allclose(Refrigerator.coupling_hot_of_largest_cooling(pair), best, rtol=1e-5)
        cold = [float(closed_forms.heat_rates(replace(pair, coupling_hot=best * f))[0]) for f in (0.99, 1.0, 1.01)]
        assert cold[1] == min(cold)


def test_printed_formulas_fail() -> None:
    """Every formula kept as printed differs from the exact solution, so that no figure can confuse the two."""
    pair = PAIRS[0]
    assert_allclose(closed_forms.heat_rates(pair, printed=True), -pair.heat_rates(), rtol=1e-10)
    assert abs(closed_forms.covariance(pair, printed=True)[0, 1] / pair.covariance()[0, 1] - 1) > 0.01
    assert abs(closed_forms.position_variance(pair, "hot", printed=True) / pair.covariance()[0, 0] - 1) > 0.01
    assert abs(closed_forms.cross_covariance(pair, "hot", printed=True) / pair.covariance()[0, 3] - 1) > 0.01


def test_power_coefficients_describe_the_joint_gaussian() -> None:
    """(E4), (E5): α, β, ζ are the coefficients of the inverse covariance of (X_l, V_j); the printed β is not."""
    for pair in PAIRS[:20]:
        for own, side in enumerate(SIDES):
            picked = [1 - own, 2 + own]
            inverse = np.linalg.inv(pair.covariance()[np.ix_(picked, picked)])
            found = closed_forms.power_coefficients(pair, side)
            assert_allclose(found[:3], [inverse[0, 0] / 2, -inverse[0, 1], inverse[1, 1] / 2], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("side", SIDES)
def test_published_power_law_has_twice_the_mean_and_variance(side: Side) -> None:
    """Eq. (9) without its Jacobian has twice the right variance, and twice the right mean, at any parameters."""
    for pair in PAIRS[:20]:
        published, exact = closed_forms.published_power_law(pair, side), pair.power_distribution(side)
        spread = exact.std()
        assert_allclose(published.var(), 2 * exact.var(), rtol=1e-9)
        assert_allclose(published.mean(), 2 * exact.mean(), rtol=1e-9, atol=1e-12 * spread)
        c = closed_forms.power_coefficients(pair, side)
        kappa = pair.coupling_cold if side == "cold" else pair.coupling_hot
        for w in (-0.7 * spread, 0.4 * spread):
            exponent = c.beta * w / kappa - 2 * np.sqrt(c.alpha * c.zeta) * abs(w / kappa)
            assert_allclose(published.pdf(w) / published.pdf(0.0), np.exp(exponent), rtol=1e-9)


def test_two_sided_exponential_is_that_of_scipy() -> None:
    """Its density, distribution function and moments are those of SciPy's asymmetric Laplace distribution."""
    x = np.linspace(-3.0, 3.0, 13)
    for falling, rising in ((0.5, 0.5), (2.0, 0.3), (0.1, 40.0)):
        law = closed_forms.TwoSidedExponential(falling, rising)
        known = laplace_asymmetric(np.sqrt(falling / rising), scale=1 / np.sqrt(falling * rising))
        assert_allclose([law.pdf(x), law.cdf(x)], [known.pdf(x), known.cdf(x)], rtol=1e-12)
        assert_allclose([law.mean(), law.var()], known.stats("mv"), rtol=1e-12)


def test_formulas_refuse_unlike_sides() -> None:
    """The paper's covariances hold for equal masses and frictions only, and say so by name."""
    with pytest.raises(ValueError, match="friction_hot = 7"):
        closed_forms.covariance(replace(PAIRS[0], friction_hot=7.0))
    with pytest.raises(ValueError, match="coupling_cold = 0"):
        closed_forms.published_power_law(replace(PAIRS[0], coupling_cold=0.0), "cold")
