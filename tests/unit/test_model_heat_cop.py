"""The exact law of fluctuating coefficients of heat: against laws known otherwise, and against simulated runs."""

import math
from dataclasses import replace

import numpy as np
import pytest

from analysis.heat.performance import window_flows
from analysis.model import DressedPair, QuadraticRatioLaw, heat_cop, sampled_cop
from tests.unit.pairs import PAIR as PUBLISHED
from tests.unit.synthetic import Truth, synthetic_runs

PAIR = replace(PUBLISHED, friction_cold=0.22, friction_hot=0.3, coupling_hot=0.727)
RATIOS = np.array([-100.0, -10, -3, -1, -0.3, -0.1, 0.0, 0.1, 0.3, 1, 3, 10, 100])


def test_law_of_two_sampled_powers_is_the_one_known() -> None:
    """Powers sampled at two instants are quadratic forms too: cdf and tail are those of ``sampled_cop``, which integrates."""
    root = np.linalg.cholesky(PAIR.sampled_covariance(1.0))
    forms = np.zeros((2, 4, 4))
    forms[0, 2, 1] = forms[1, 2, 1] = PAIR.coupling_cold
    forms[1, 3, 0] = PAIR.coupling_hot
    cold, total = (root.T @ (form + form.T) @ root / 2 for form in forms)
    law, known = QuadraticRatioLaw(cold, total), sampled_cop(PAIR, 1.0)
    np.testing.assert_allclose(law.cdf(RATIOS), known.cdf(RATIOS), atol=1e-4)
    assert law.tail_amplitude() == pytest.approx(known.tail_amplitude(), rel=0.01)


def test_ratio_of_known_forms() -> None:
    """The ratio of two independent sums of three squares has the F distribution, and is positive."""
    halves = np.diag([1.0, 1, 1, 0, 0, 0]), np.diag([0.0, 0, 0, 1, 1, 1])
    law = QuadraticRatioLaw(*halves)
    # Of F(3, 3) it is (2/π)(arctan √e + √e (e - 1)/(1 + e)²).
    for e in (0.1, 1.0, 4.0):
        exact = 2 / math.pi * (math.atan(math.sqrt(e)) + math.sqrt(e) * (e - 1) / (1 + e) ** 2)
        assert law.cdf(e) == pytest.approx(exact, abs=2e-3)
    assert law.cdf(-0.1) == pytest.approx(0.0, abs=2e-3)


@pytest.mark.parametrize("side", [0, 1])
def test_heat_of_simulated_runs_follows_the_law(side: int) -> None:
    """Heat and work over 1 ps of runs propagated by other code: shares below each ratio are the law's, within their errors."""
    runs = synthetic_runs(Truth(kappa_ratio="7.27", friction_hot=0.3), 2000, 20, seed=71)
    heats, works = window_flows(runs, 1.0)
    ratios = np.abs(heats[..., side]) / works
    law = heat_cop(PAIR, 1.0, side)
    shares = np.array([(ratios <= edge).mean(axis=1) for edge in RATIOS])
    z = (shares.mean(axis=1) - law.cdf(RATIOS)) / (shares.std(axis=1, ddof=1) / math.sqrt(shares.shape[1]))
    assert np.abs(z).max() < 4
    # The law of work for heat, and that of the other side, are far off.
    others = sampled_cop(PAIR, 1.0), heat_cop(PAIR, 1.0, 1 - side)
    for other in others:
        assert np.abs(other.cdf(RATIOS) - law.cdf(RATIOS)).max() > 0.05


def test_tail_and_parts_of_the_window() -> None:
    """Far out P(|ε| > e) is 2A/e, and twice the parts of the window change nothing, also for a shell that forgets fast."""
    law = heat_cop(PAIR, 1.0)
    assert law.sf(1e4) + law.cdf(-1e4) == pytest.approx(2 * law.tail_amplitude() / 1e4, rel=1e-3)
    shelled = DressedPair(
        mass=1.225,
        trap=0.01,
        coupling_cold=0.1,
        coupling_hot=0.48,
        temperature_cold=100.0,
        temperature_hot=120.0,
        core_friction_cold=2.0,
        core_friction_hot=2.0,
        shell_friction_cold=0.6,
        shell_friction_hot=0.6,
        shell_mass_cold=1.5,
        shell_mass_hot=1.5,
    )
    for machine in (PAIR, shelled):
        coarse, fine = (heat_cop(machine, 1.0, steps=steps).cdf(RATIOS) for steps in (16, 32))
        np.testing.assert_allclose(coarse, fine, atol=1e-4)
    with pytest.raises(ValueError, match="window = 0"):
        heat_cop(PAIR, 0.0)
