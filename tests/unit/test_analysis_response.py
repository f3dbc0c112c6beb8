"""Linear response: with the exact mobility it is the exact theory, and a measured one foretells heats within its errors."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from analysis.compare.response import Response, agreement, has_forecast, heat_by_response, rate_copies, rates, response
from analysis.compare.theory import Friction
from analysis.data.runs import Parameters
from analysis.figures.response import response_figure
from analysis.heat.rates import point_summary
from analysis.statistics.timeseries import Estimate, SeriesTooShortError
from tests.unit.synthetic import Truth, synthetic_runs
from tests.unit.synthetic import heat_rates as true_heat_rates

WHITE = Truth(kappa_ratio="4.80", friction_cold=0.25, friction_hot=0.4, sample_interval=0.2)
DRESSED = replace(WHITE, shell_mass=1.8, core_friction=1.1)


def parameters_of(truth: Truth) -> Parameters:
    """What a run of this truth says of itself."""
    return synthetic_runs(truth, 2.0, 1, seed=1)[0].parameters


def exact(truth: Truth, friction: float) -> Response:
    """The response of a particle whose friction with the bath, its shell's if it has one, is this, as if two series agreed."""
    frequency = np.geomspace(1e-4, 30, 6000)
    kernel: Any = friction
    if truth.shell_mass:
        g = truth.core_friction
        kernel = g - g**2 / (g + friction - 1j * frequency * truth.shell_mass)
    mobility = 1 / (kernel + 1j * (truth.trap / frequency - truth.mass * frequency))
    return Response(frequency, np.tile(mobility, (3, 1)))


@pytest.mark.parametrize("ratio", ["-0.5", "0.17", "1.2", "4.80", "12.0"])
@pytest.mark.parametrize("truth", [WHITE, DRESSED])
def test_exact_mobilities_give_the_exact_heats(truth: Truth, ratio: str) -> None:
    """White or dressed, the integral over frequencies is what the Lyapunov equation of the pair says."""
    truth = replace(truth, kappa_ratio=ratio)
    copies = rate_copies(parameters_of(truth), exact(truth, truth.friction_cold), exact(truth, truth.friction_hot))
    assert copies == pytest.approx(np.tile(true_heat_rates(truth), (3, 1)), rel=1e-4, abs=1e-9)


def test_friction_is_what_the_mobility_was_made_with() -> None:
    """Re γ of a white particle is the same at all frequencies."""
    frequency, friction, error = exact(WHITE, 0.25).friction(7)
    assert friction == pytest.approx(np.full(7, 0.25))
    assert frequency[0] < frequency[-1] <= 30
    assert error == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("truth", [WHITE, DRESSED])
def test_measured_responses_foretell_heats_within_their_errors(truth: Truth) -> None:
    """Over 16 friction runs deviations from the true heats are neither biased nor larger or smaller than their errors."""
    parameters, true = parameters_of(truth), true_heat_rates(truth)
    runs = synthetic_runs(replace(truth, kappa_ratio=None), 1500.0, 32, seed=91)
    z = []
    for pair in zip(runs[::2], runs[1::2], strict=True):
        cold, hot = (response(pair, side) for side in range(2))
        copies = rate_copies(parameters, cold, hot)
        left_out = copies[1:]
        se = np.sqrt((len(left_out) - 1) / len(left_out) * ((left_out - left_out.mean(axis=0)) ** 2).sum(axis=0))
        z.append((copies[0] - true) / se)
    scores = np.array(z)[:, 0]
    # Six series tell an error to about a third; Student's t of five degrees of freedom has a variance of 5/3.
    assert abs(scores.mean()) < 4 * np.sqrt(5 / 3 / 16)
    assert 0.45 < scores.std() / np.sqrt(5 / 3) < 1.7


def test_table_and_agreement() -> None:
    """Measured heats of the model stand beside those of linear response; unknown errors stay unknown."""
    equilibrium = synthetic_runs(replace(DRESSED, kappa_ratio=None), 1500.0, 2, seed=92)
    cold, hot = (response(equilibrium, side) for side in range(2))
    points = [
        point_summary(synthetic_runs(replace(DRESSED, kappa_ratio=ratio), 1500.0, 2, seed=93 + index))
        for index, ratio in enumerate(("4.80", "0.17"))
    ]
    table = heat_by_response(points, cold, hot)
    assert list(table["kappa_ratio"]) == ["0.17", "4.80"]
    for side in ("cold", "hot"):
        assert (table[f"z_response_{side}"].abs() < 4).all()
        assert (table[f"response_{side}_se"] > 0).all()
    found = agreement(points, cold, hot)
    assert found is not None
    assert found[1] > 1e-3
    friction = Friction((Estimate(DRESSED.friction_cold, 0.02), Estimate(DRESSED.friction_hot, 0.02)))
    figure, data = response_figure(points, friction, (cold, hot))
    figure.draw_without_rendering()
    assert f"{found[0]:.1f} for 2" in figure.axes[1].get_title(loc="left")
    assert set(data["series"]) == {"friction_cold", "friction_hot", "response"}
    shifted = [point | {"heat_cold_eV_per_ns": point["heat_cold_eV_per_ns"] + 5} for point in points]
    missed = agreement(shifted, cold, hot)
    assert missed is not None
    assert missed[1] < 1e-6
    unknown = [point | {"heat_cold_se": None} for point in points]
    assert agreement(unknown, cold, hot) is None
    assert heat_by_response(unknown, cold, hot)["z_response_cold"].isna().all()


def test_motion_that_samples_miss_is_not_forecast() -> None:
    """With samples each 1 ps nothing is said at κ_H/κ_C = 20, where the pair swings by more than a radian in that time."""
    coarse = replace(WHITE, sample_interval=1.0)
    responses = exact(coarse, coarse.friction_cold), exact(coarse, coarse.friction_hot)
    slow, fast = (rates(parameters_of(replace(coarse, kappa_ratio=ratio)), *responses)[0] for ratio in ("0.17", "20"))
    assert slow.value > 0
    assert np.isnan(fast.value)
    assert has_forecast(parameters_of(replace(WHITE, kappa_ratio="20")))


def test_short_runs_are_refused() -> None:
    """A run that is shorter than twice its correlations says how long it must be."""
    runs = synthetic_runs(replace(WHITE, kappa_ratio=None), 60.0, 1, seed=95)
    with pytest.raises(SeriesTooShortError, match="must last at least"):
        response(runs, 0)
