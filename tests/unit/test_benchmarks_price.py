"""How long a run must be: the time that the price of a heat rate rests on gives the error that it promises."""

from __future__ import annotations

import math

import numpy as np
import pytest

from analysis.heat.rates import heat_rates as measured_rates
from analysis.heat.rates import point_summary
from benchmarks.price import TARGET, Noise
from benchmarks.sweep_price import direct_ns, tolerances
from tests.unit.synthetic import Truth, heat_rates, synthetic_runs

TRUTH = Truth(kappa_ratio="4.80")


def test_limits_of_the_needed_time() -> None:
    """Axes share the work; a line through a walk alone needs 6/5 of the time, and with a loud bath the cube root rules."""
    quiet = Noise(heat=-0.3, walk=0.003, bath=0.0)
    assert quiet.needed_ns(1, slope=False) == pytest.approx(0.003 / 0.03**2)
    assert quiet.needed_ns(3, slope=False) == pytest.approx(quiet.needed_ns(1, slope=False) / 3)
    assert quiet.needed_ns(1, slope=True) == pytest.approx(1.2 * quiet.needed_ns(1, slope=False))
    loud = Noise(heat=-0.3, walk=1e-9, bath=1.0)
    assert loud.needed_ns(1, slope=True) == pytest.approx((1 / 0.03**2) ** (1 / 3), rel=1e-3)


@pytest.mark.parametrize("slope", [False, pytest.param(True, marks=pytest.mark.long)])
def test_runs_of_the_needed_time_have_the_promised_error(slope: bool) -> None:
    """Over 80 runs of that time the heat spreads by a tenth of itself, by either estimator."""
    known = synthetic_runs(TRUTH, 1500.0, 6, seed=81)
    noise = Noise.of(known[0].parameters.white_pair((TRUTH.friction_cold, TRUTH.friction_hot)), known)
    needed = noise.needed_ns(3, slope=slope)
    assert not slope or needed > 1.3 * noise.needed_ns(3, slope=False), "the bath is to matter in this test"
    runs = synthetic_runs(TRUTH, round(1000 * needed), 80, seed=82)
    rates = [measured_rates([run], None)["thermostat" if slope else "heat"][0].value for run in runs]
    spread = np.std(rates, ddof=1) / abs(heat_rates(TRUTH)[0])
    # Spreads of 80 runs scatter by 8 %; the bath's part of a slope's variance is told to 29 % by four modes of six runs.
    assert abs(spread / TARGET - 1) < 3.5 * math.hypot(1 / math.sqrt(160), 0.05)


def test_a_sweep_takes_the_time_in_which_each_error_falls_to_a_tenth_of_its_heat() -> None:
    """The variance of a mean falls with time; a point without heat needs the absolute error of 4.80, not a tenth of zero."""
    names = ("1.2", "4.80", "7.27")
    none, *rest = points = [point_summary(synthetic_runs(Truth(kappa_ratio=name), 400.0, 2, seed=83)) for name in names]
    wanted = tolerances(points)
    assert wanted == pytest.approx([abs(point.heat[0].value) / 10 for point in (rest[0], *rest)])
    times = [0.8 * point.heat[0].se ** 2 / error**2 for point, error in zip(points, wanted, strict=True)]
    assert direct_ns(points, wanted) == pytest.approx(sum(times))
    assert direct_ns([none], [none.heat[0].se]) == pytest.approx(0.8)
