"""Linear response: with the exact friction it is the exact theory, and a measured one foretells heats within its errors."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analysis.compare.comparison import Comparison
from analysis.compare.response import response_rates
from analysis.data.parameters import Parameters
from analysis.figures.response import response_figure
from analysis.friction.curves import Particle
from analysis.friction.response import Response, Responses, _faded, _left_out, response, responses
from analysis.friction.result import AxisFriction, Friction
from analysis.heat.rates import point_summary
from analysis.statistics.timeseries import Estimate, SeriesTooShortError
from analysis.units import FRICTION_SI
from tests.unit.drawn import bands, line, symbols
from tests.unit.synthetic import Truth, synthetic_runs
from tests.unit.synthetic import heat_rates as true_heat_rates

WHITE = Truth(kappa_ratio="4.80", friction_cold=0.25, friction_hot=0.4, sample_interval=0.2)
DRESSED = replace(WHITE, shell_mass=1.8, core_friction=1.1)


def parameters_of(truth: Truth) -> Parameters:
    """What a run of this truth says of itself."""
    return synthetic_runs(truth, 2.0, 1, seed=1)[0].parameters


def kernel(truth: Truth, friction: float, frequency: np.ndarray[Any, Any]) -> Any:
    """γ(ω) of a particle whose friction with the bath, its shell's if it has one, is this."""
    if not truth.shell_mass:
        return np.full(frequency.shape, friction, dtype=complex)
    g = truth.core_friction
    return g - g**2 / (g + friction - 1j * frequency * truth.shell_mass)


def exact(truth: Truth, friction: float) -> Response:
    """The response of a particle with that friction, as if two blocks and another way of fading agreed."""
    frequency = np.geomspace(1e-4, 30, 6000)
    found = kernel(truth, friction, frequency)
    return Response(frequency, found, np.tile(found, (2, 1)), found[None])


def exact_responses(truth: Truth, axes: str = "xyz") -> Responses:
    """Of both particles along some axes."""
    return Responses({axes: (exact(truth, truth.friction_cold), exact(truth, truth.friction_hot))})


def test_correlations_without_a_block_have_all_pairs_that_begin_elsewhere() -> None:
    """Against loops over pairs of samples, from all of two series first and then without each of three blocks of each."""
    series = np.random.default_rng(2).normal(size=(2, 31))
    edges = np.linspace(0, 31, 4).round()
    found = _left_out(series, 3, 5)
    blocks = [(m, start, stop) for start, stop in pairwise(edges) for m in (0, 1)]
    for row, left_out in zip(found, [None, *blocks], strict=True):
        for lag, value in enumerate(row):
            pairs = [
                series[m, i] * series[m, i + lag]
                for m in (0, 1)
                for i in range(31 - lag)
                if left_out is None or m != left_out[0] or not left_out[1] <= i < left_out[2]
            ]
            assert value == pytest.approx(np.mean(pairs))


@pytest.mark.parametrize("ratio", ["-0.5", "0.17", "1.2", "4.80", "12.0"])
@pytest.mark.parametrize("truth", [WHITE, DRESSED])
def test_exact_frictions_give_the_exact_heats(truth: Truth, ratio: str) -> None:
    """White or dressed, the integral over frequencies is what the Lyapunov equation of the pair says, without an error."""
    truth = replace(truth, kappa_ratio=ratio)
    forecast = response_rates(parameters_of(truth), exact_responses(truth))
    assert forecast is not None
    assert forecast.rates == pytest.approx(true_heat_rates(truth), rel=1e-4, abs=1e-9)
    assert np.linalg.norm(forecast.deviations) < 1e-12


def test_each_axis_flows_by_its_own_friction() -> None:
    """Heat per axis is the mean over the coupled axes; along x alone only x counts; an axis without response tells nothing."""
    other = replace(WHITE, friction_cold=0.7, friction_hot=0.9)
    found = Responses({**exact_responses(WHITE, "x").along, **exact_responses(other, "yz").along})
    one, two = true_heat_rates(WHITE), true_heat_rates(other)
    assert abs(one[0] / two[0] - 1) > 0.1
    parameters = parameters_of(WHITE)
    for axes, expected in (("xyz", (one + 2 * two) / 3), ("x", one), ("z", two), ("xy", (one + two) / 2)):
        forecast = response_rates(replace(parameters, coupling_axes=axes), found)
        assert forecast is not None
        assert forecast.rates == pytest.approx(expected, rel=1e-4)
    only_x = Responses({"x": found.along["x"]})
    assert response_rates(replace(parameters, coupling_axes="xy"), only_x) is None
    assert response_rates(replace(parameters, coupling_axes="x"), only_x) is not None


def test_each_active_bath_heats_its_own_particle() -> None:
    """With active forces that differ from side to side the heats are those of the pair with the same forces."""
    active = replace(parameters_of(WHITE), active=(((0.02, 5.0),), ((0.05, 20.0), (0.01, 1.0))))
    forecast = response_rates(active, exact_responses(WHITE))
    assert forecast is not None
    pair = active.in_active_baths(active.white_pair((WHITE.friction_cold, WHITE.friction_hot)))
    np.testing.assert_allclose(forecast.rates, pair.heat_rates(), rtol=1e-3)


def test_tapered_velocities_are_those_of_the_tapered_position() -> None:
    """The correlation of velocities is minus the second derivative of that of positions, with the taper upon it."""
    interval, omega = 0.05, 0.7
    time = interval * np.arange(401)
    mass = 0.01 / omega**2
    data = Particle(np.zeros((1, 401)), np.zeros((1, 401)), interval, mass, 0.01)
    swing = np.cos(omega * time)[None]
    found = _faded(data, swing, swing, 1.0, (5.0, 15.0), 0.01)[0]
    window = np.where(time > 5, (1 + np.cos(np.pi * np.clip((time - 5) / 10, 0, 1))) / 2, 1.0)
    expected = -np.diff(swing[0] * window, 2) / interval**2
    inner = (time[1:-1] < 14.9) & (np.abs(time[1:-1] - 5) > 0.1)
    np.testing.assert_allclose(found[1:300][inner[:299]], expected[:299][inner[:299]], atol=2e-3)


def test_errors_of_axes_and_particles_add_up_as_squares() -> None:
    """A friction known to 5 % gives the heat the error that the exact theory has for independent frictions of 5 %."""
    step = 1e-4

    def uncertain(friction: float) -> Response:
        sure = exact(WHITE, friction)
        # Ten copies 5 % apart, as jackknife copies of one mean would be: each a tenth of the way, over and under.
        shifts = 0.05 / np.sqrt(9 * 10) * np.array([1, -1] * 5)
        copies = sure.friction * (1 + shifts[:, None])
        return Response(sure.frequency, sure.friction, copies, sure.friction[:0].reshape(0, len(sure.frequency)))

    pair = (uncertain(WHITE.friction_cold), uncertain(WHITE.friction_hot))
    # Ten values that scatter by 5 % tell their mean to 5 %/√10, and Student's 97.5 % quantile for nine of them is 2.2622.
    relative = 0.05 / np.sqrt(10) * 2.2622 / 1.95996
    assert pair[0].dissipation()[1] == pytest.approx(relative * WHITE.friction_cold, rel=1e-4)
    # Other tapers, each 3 % off, add an error of 3 %, one of them or two.
    for others in (1, 2):
        shifted = replace(pair[0], otherwise=np.tile(0.97 * pair[0].friction, (others, 1)))
        assert shifted.dissipation()[1] == pytest.approx(np.hypot(relative, 0.03) * WHITE.friction_cold, rel=1e-4)
    slopes = [
        (
            true_heat_rates(replace(WHITE, **{name: getattr(WHITE, name) * (1 + step)}))[0]
            - true_heat_rates(replace(WHITE, **{name: getattr(WHITE, name) * (1 - step)}))[0]
        )
        / (2 * step)
        for name in ("friction_cold", "friction_hot")
    ]
    for sets, factor in (({"xyz": pair}, 1.0), ({"x": pair, "y": pair, "z": pair}, 1 / np.sqrt(3))):
        forecast = response_rates(parameters_of(WHITE), Responses(sets))
        assert forecast is not None
        expected = factor * relative * np.hypot(*slopes)
        assert forecast.estimates()[0].se == pytest.approx(expected, rel=0.02)


def test_measured_friction_is_the_true_one() -> None:
    """Re γ(ω) of white and dressed particles, from their correlations alone, scatters about the truth by its errors."""
    for truth in (WHITE, DRESSED):
        runs = synthetic_runs(replace(truth, kappa_ratio=None), 2500.0, 3, seed=90)
        found = response(runs, 0, "xyz")
        value, error = found.dissipation()
        # From a radian in a run to a radian in a sample; four blocks of each of nine series, and one other taper.
        assert (found.frequency[0], found.frequency[-1]) == (pytest.approx(1 / 2500), pytest.approx(1 / 0.2))
        np.testing.assert_allclose(np.diff(np.log(found.frequency), 2), 0.0, atol=1e-9)
        assert (len(found.left_out), len(found.otherwise)) == (36, 1)
        at = [int(np.searchsorted(found.frequency, frequency)) for frequency in (0.03, 0.1, 0.3, 0.6, 1.0)]
        exact_kernel = kernel(truth, truth.friction_cold, found.frequency)
        true = exact_kernel.real
        z = (value - true)[at] / error[at]
        assert np.sqrt(np.mean(z**2)) < 2.2
        # The part out of phase too, which no bath may take from the inertia or from the trap.
        imaginary = found.copies().imag
        z = (imaginary[0] - exact_kernel.imag)[at] / np.linalg.norm(found.deviations(imaginary), axis=0)[at]
        assert np.sqrt(np.mean(z**2)) < 2.2
        assert (error[at] < 0.35 * true[at]).all()
        assert (value >= 0).all()


@pytest.mark.parametrize("truth", [pytest.param(WHITE, marks=pytest.mark.long), DRESSED])
def test_measured_responses_foretell_heats_within_their_errors(truth: Truth) -> None:
    """Over 16 studies deviations from the true heats are neither biased nor much larger or smaller than their errors."""
    parameters, true = parameters_of(truth), true_heat_rates(truth)
    runs = synthetic_runs(replace(truth, kappa_ratio=None), 1500.0, 32, seed=91)
    z = []
    for pair in zip(runs[::2], runs[1::2], strict=True):
        forecast = response_rates(parameters, responses(pair))
        assert forecast is not None
        z.append([each.z(value) for each, value in zip(forecast.estimates(), true, strict=True)])
    scores = np.array(z)[:, 0]
    # Sixteen tell a mean to 1/4 and a spread to 18 %; errors also hold that of the way of fading, and are rather too wide.
    assert abs(scores.mean()) < 3 / 4
    assert 0.4 < scores.std() < 1.5


def test_table_and_agreement() -> None:
    """Measured heats of the model stand beside those of linear response, which leads; unknown errors stay unknown."""
    equilibrium = synthetic_runs(replace(DRESSED, kappa_ratio=None), 1500.0, 2, seed=92)
    found = responses(equilibrium)
    friction = Friction.same(
        AxisFriction((Estimate(DRESSED.friction_cold, 0.02), Estimate(DRESSED.friction_hot, 0.02)))
    )
    points = tuple(
        point_summary(synthetic_runs(replace(DRESSED, kappa_ratio=ratio), 1500.0, 2, seed=93 + index))
        for index, ratio in enumerate(("4.80", "0.17"))
    )
    comparison = Comparison(points, friction, found)
    assert [each.point.kappa_ratio for each in comparison.compared] == ["0.17", "4.80"]
    assert comparison.leading == "response"
    assert replace(comparison, responses=None).leading == "theory"
    for row in (each.row() for each in comparison.compared):
        for side in ("cold", "hot"):
            assert abs(row[f"z_response_{side}"]) < 4
            assert row[f"response_{side}_se"] > 0
    chi_square, chance, count = comparison.agreement["response"]
    assert chance > 1e-3
    assert count == 2
    figure, data = response_figure(comparison)
    figure.draw_without_rendering()
    assert f"{chi_square:.1f} (2 points)" in figure.axes[-1].get_title(loc="left")
    alone, _ = response_figure(replace(comparison, points=points[:1]))
    assert " (1 point)," in alone.axes[-1].get_title(loc="left")
    assert set(data["series"]) == {"friction_cold", "friction_hot", "response"}
    # The cold heats, measured and of white friction, and the white friction of both particles.
    spectra, heat_panel = figure.axes
    assert spectra.get_title(loc="left") == "along x, y, z"
    assert spectra.get_xlabel() == r"frequency $\omega$ (rad/ps)"
    assert spectra.get_ylabel() == r"friction Re $\gamma(\omega)$ ($10^{-12}$ kg/s)"
    assert heat_panel.get_ylabel() == "heat into the cold bath (eV/ns per axis)"
    for j, name in enumerate(("cold", "hot")):
        (drawn,) = symbols(spectra, f"{name} particle, measured")
        own = found.along["xyz"][j]
        value, error = own.dissipation()
        frequency = np.transpose(drawn)[0]
        assert 0.03 <= frequency.min() < 0.04 < 4.5 < frequency.max() <= 10
        expected_at = [1e12 * FRICTION_SI * np.interp(frequency, own.frequency, each) for each in (value, error)]
        np.testing.assert_allclose(np.transpose(drawn)[1:], expected_at, rtol=1e-9)
    forecasts = data[data["series"] == "response"]
    np.testing.assert_allclose(line(heat_panel, "linear response"), forecasts[["at", "value"]].T)
    ends = [forecasts["value"] - forecasts["se"], forecasts["value"] + forecasts["se"]]
    np.testing.assert_allclose(bands(heat_panel)[-1][1:], ends)
    (drawn,) = symbols(figure.axes[-1], "simulation")
    colds = [(each.point.ratio, each.point.heat[0]) for each in comparison.compared]
    np.testing.assert_allclose(drawn, [(ratio, cold.value, cold.se) for ratio, cold in colds])
    ratios, heats = next(np.array(each.get_data()) for each in figure.axes[-1].lines if np.size(each.get_xdata()) > 30)
    (heat,) = heats[ratios == 4.8]
    assert heat == pytest.approx(1e3 * true_heat_rates(WHITE)[0])
    levels = [each.get_ydata() for each in figure.axes[0].lines if each.get_linestyle() == ":"]
    expected = [1e12 * FRICTION_SI * each for each in (DRESSED.friction_cold, DRESSED.friction_hot)]
    assert [float(np.ravel(np.asarray(level))[0]) for level in levels] == pytest.approx(expected)

    def changed(shift: float, factor: float) -> Comparison:
        """The same with other cold heats, and errors."""
        colds = [Estimate(point.heat[0].value + shift, factor * point.heat[0].se) for point in points]
        rates = [point.rates | {"heat": (cold, point.heat[1])} for point, cold in zip(points, colds, strict=True)]
        others = (replace(point, rates=own) for point, own in zip(points, rates, strict=True))
        return Comparison(tuple(others), friction, found)

    assert changed(5.0, 1.0).agreement["response"].chance < 1e-6
    unknown = changed(0.0, math.nan)
    assert unknown.agreement == {}
    assert all(each.z("response")[0] is None for each in unknown.compared)


def test_motion_that_samples_miss_is_not_forecast() -> None:
    """With samples each 1 ps nothing is said at κ_H/κ_C = 20, where the pair swings by more than a radian in that time."""
    coarse = replace(WHITE, sample_interval=1.0)
    slow, fast = (
        response_rates(parameters_of(replace(coarse, kappa_ratio=ratio)), exact_responses(coarse))
        for ratio in ("0.17", "20")
    )
    assert slow is not None
    assert slow.rates[0] > 0
    assert fast is None
    assert response_rates(parameters_of(replace(WHITE, kappa_ratio="20")), exact_responses(WHITE)) is not None
    # Half a radian per sample, √((κ + κ_H)/m) dt, is the limit; here at κ_H/κ_C = 2.9625.
    for ratio, is_told in (("2.95", True), ("2.98", False)):
        truth = replace(coarse, kappa_ratio=ratio)
        assert (response_rates(parameters_of(truth), exact_responses(truth)) is not None) == is_told


def test_responses_are_read_as_written(tmp_path: Path) -> None:
    """The file holds all axes, particles and copies, bit for bit, and why there is no response along other axes."""
    reasons = {"y": "runs of 60 ps are too short along y", "z": "and along z"}
    written = Responses({**exact_responses(WHITE, "x").along, **exact_responses(DRESSED, "yz").along}, reasons)
    written.save(tmp_path / "response.npz")
    read = Responses.load(tmp_path / "response.npz")
    assert list(read.along) == ["x", "yz"]
    assert read.too_short == reasons
    for axes, pair in written.along.items():
        for one, other in zip(pair, read.along[axes], strict=True):
            assert (one.copies() == other.copies()).all()
            assert (one.frequency == other.frequency).all()


def test_short_runs_have_no_response() -> None:
    """A run that is shorter than twice its correlations says how long it must be, and leaves a study without response."""
    runs = synthetic_runs(replace(WHITE, kappa_ratio=None), 60.0, 1, seed=95)
    with pytest.raises(
        SeriesTooShortError, match=r"^friction runs of 60 ps .* along xyz: the cold .*must last at least"
    ) as refused:
        response(runs, 0, "xyz")
    with pytest.raises(SeriesTooShortError, match=r"along y: the hot .*must last at least"):
        response(runs, 1, "y")
    assert responses(runs).along == {}
    assert responses(runs).too_short == {"xyz": str(refused.value)}
