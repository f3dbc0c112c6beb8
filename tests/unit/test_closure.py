"""Energy closure: a drift either way is told from fluctuations and from a walk, and only what surely drifts is refused."""

from __future__ import annotations

import math

import numpy as np
import pytest

from simulation.folder.closure import CERTAINTY, ClosureError, balance, check

TIME_PS = np.linspace(0, 320, 3201)
FIELD = "limits.closure_drift_eV_per_ns"


def drifting(rate: float, error: float) -> dict[str, float]:
    """What `balance` finds of a drift."""
    return {"drift_eV_per_ns": rate, "drift_se": error, "rms_eV": 0.01}


def test_error_of_a_walking_balance_covers_its_slope() -> None:
    """The balance of a random thermostat walks without drift: its slope is within its error in 95 % of runs."""
    generator = np.random.default_rng(4)
    z = []
    for _ in range(600):
        found = balance(TIME_PS, 0.001 * np.cumsum(generator.normal(size=TIME_PS.size)))
        z.append(abs(found["drift_eV_per_ns"]) / found["drift_se"])
    # Binomially, 0.95 ± 0.009 of 600.
    assert 0.92 < np.mean(np.array(z) < CERTAINTY) < 0.98


def test_error_of_a_walk_is_that_of_theory() -> None:
    """√(6D/5T) for a walk of diffusion D (variance per time) over a time T, on average over walks."""
    generator = np.random.default_rng(6)
    variance = [
        balance(TIME_PS, 0.001 * np.cumsum(generator.normal(size=TIME_PS.size)))["drift_se"] ** 2 for _ in range(400)
    ]
    diffusion = 0.001**2 / (0.1 / 1000)  # eV² per ns
    expected = 6 * diffusion / (5 * 0.32)
    # Ten block averages give nine differences, neighbours correlated by a quarter: a relative error of 0.5 for each walk.
    assert np.mean(variance) == pytest.approx(expected, rel=3.5 * 0.55 / math.sqrt(400))


@pytest.mark.parametrize("sign", [1, -1])
def test_error_of_a_steady_balance_is_an_upper_bound(sign: int) -> None:
    """Fluctuations without memory of a Nosé-Hoover balance are never taken for a drift, and a real drift is still seen."""
    generator = np.random.default_rng(5)
    found = [balance(TIME_PS, 0.004 * generator.normal(size=TIME_PS.size)) for _ in range(100)]
    assert max(abs(entry["drift_eV_per_ns"]) / entry["drift_se"] for entry in found) < 1
    drift = balance(TIME_PS, sign * 0.0002 * TIME_PS + 0.004 * generator.normal(size=TIME_PS.size))
    assert drift["drift_eV_per_ns"] == pytest.approx(sign * 0.2, abs=0.01)
    with pytest.raises(
        ClosureError, match=r"drifts by -?0\.(2|20\d|19\d) ± .* eV/ns, above limits\.closure_drift_eV_per_ns = 0\.05"
    ):
        check("run", drift, 0.05, FIELD)


def test_slope_and_spread_are_those_of_the_residual() -> None:
    """A straight line has its own slope, in eV/ns, and a spread of its range over √12; where it begins does not matter."""
    for rate, start in ((0.3, 0.0), (-0.7, 40.0)):
        found = balance(TIME_PS, start + rate * TIME_PS / 1000)
        assert found["drift_eV_per_ns"] == pytest.approx(rate)
        assert found["rms_eV"] == pytest.approx(abs(rate) * 0.32 / math.sqrt(12), rel=1e-3)
        assert found["drift_se"] == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("sign", [1, -1])
def test_limit_holds_for_drifts_up_and_down(sign: int) -> None:
    """Just below it is good, just above is not, whichever the sign; a drift is told with its sign."""
    for rate in (0.0, 0.0999, 0.1):
        judged = check("run", drifting(sign * rate, 0.0), 0.1, FIELD)
        assert judged == {"drift_eV_per_ns": sign * rate, "drift_se": 0.0, "rms_eV": 0.01, "allowed_eV_per_ns": 0.1}
    with pytest.raises(ClosureError, match=rf"^the run: energy drifts by {'-' if sign < 0 else ''}0\.1") as failure:
        check("the run", drifting(sign * 0.1001, 0.0), 0.1, FIELD)
    assert "above limits.closure_drift_eV_per_ns = 0.1 eV/ns: shorten integration.timestep_fs" in str(failure.value)


@pytest.mark.parametrize("sign", [1, -1])
def test_error_of_the_drift_widens_the_limit(sign: int) -> None:
    """By 2.3 standard errors: a drift counts as above the limit if it surely is."""
    judged = check("run", drifting(sign * 0.122, 0.01), 0.1, FIELD)
    assert judged["allowed_eV_per_ns"] == pytest.approx(0.123)
    with pytest.raises(
        ClosureError, match=rf"drifts by {'-' * (sign < 0)}0\.124 ± 0\.01 eV/ns, above {FIELD} = 0\.1 eV/ns"
    ):
        check("run", drifting(sign * 0.124, 0.01), 0.1, FIELD)


@pytest.mark.parametrize("error", [0.05, 1.0, 1e9])
@pytest.mark.parametrize("sign", [1, -1])
def test_noise_excuses_no_more_than_the_limit_itself(sign: int, error: float) -> None:
    """What spoils the balance also makes its drift less certain; so the limit widens to twice itself and not further."""
    assert check("run", drifting(sign * 0.199, error), 0.1, FIELD)["allowed_eV_per_ns"] == pytest.approx(0.2)
    with pytest.raises(ClosureError):
        check("run", drifting(sign * 0.201, error), 0.1, FIELD)


def test_a_handful_of_samples_excuses_nothing() -> None:
    """Where no error can be told, the limit itself decides."""
    for sign in (1, -1):
        found = balance(np.arange(5.0), sign * np.arange(5.0) * 1e-3)
        assert np.isnan(found["drift_se"])
        with pytest.raises(ClosureError):
            check("run", found, 0.5, FIELD)
        judged = check("run", found, 2.0, FIELD)
        assert (judged["drift_se"], judged["allowed_eV_per_ns"]) == (None, 2.0)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_balance_that_is_no_number_is_refused(value: float) -> None:
    """Nothing that cannot be compared with a limit is below it."""
    with pytest.raises(ClosureError):
        check("run", drifting(value, 0.01), 0.1, FIELD)
