"""Energy closure: a drift is told from fluctuations and from a walk, and only what surely drifts is refused."""

from __future__ import annotations

import numpy as np
import pytest

from simulation.closure import CERTAINTY, ClosureError, balance, check
from simulation.studyfile import check_study

STUDY = check_study("example", {"baths": {"argon_atoms": "25280"}})
TIME_PS = np.linspace(0, 320, 3201)


def test_error_of_a_walking_balance_covers_its_slope() -> None:
    """The balance of a random thermostat walks without drift: its slope is within its error in 95 % of runs."""
    generator = np.random.default_rng(4)
    z = []
    for _ in range(600):
        found = balance(TIME_PS, 0.001 * np.cumsum(generator.normal(size=TIME_PS.size)))
        z.append(abs(found["drift_eV_per_ns"]) / found["drift_se"])
    # Binomially, 0.95 ± 0.009 of 600.
    assert 0.92 < np.mean(np.array(z) < CERTAINTY) < 0.98


def test_error_of_a_steady_balance_is_an_upper_bound() -> None:
    """Fluctuations without memory of a Nosé-Hoover balance are never taken for a drift, and a real drift is still seen."""
    generator = np.random.default_rng(5)
    found = [balance(TIME_PS, 0.004 * generator.normal(size=TIME_PS.size)) for _ in range(100)]
    assert max(abs(entry["drift_eV_per_ns"]) / entry["drift_se"] for entry in found) < 1
    drifting = balance(TIME_PS, 0.0002 * TIME_PS + 0.004 * generator.normal(size=TIME_PS.size))
    assert drifting["drift_eV_per_ns"] == pytest.approx(0.2, abs=0.01)
    with pytest.raises(ClosureError, match=r"0\.201 ± .* eV/ns, above limits\.closure_drift_eV_per_ns = 0\.05"):
        check("run", drifting, 0.05, "limits.closure_drift_eV_per_ns", STUDY)


def test_a_handful_of_samples_excuses_nothing() -> None:
    """Where no error can be told, the limit itself decides."""
    found = balance(np.arange(5.0), np.arange(5.0) * 1e-3)
    assert np.isnan(found["drift_se"])
    with pytest.raises(ClosureError):
        check("run", found, 0.5, "limits.closure_drift_eV_per_ns", STUDY)
    judged = check("run", found, 2.0, "limits.closure_drift_eV_per_ns", STUDY)
    assert (judged["drift_se"], judged["allowed_eV_per_ns"]) == (None, 2.0)
