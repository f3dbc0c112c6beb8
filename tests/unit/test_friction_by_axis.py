"""Axes that the geometry makes different are measured, forecast and told apart; axes that it makes alike are pooled."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from analysis.compare.by_axis import work_by_axis
from analysis.compare.comparison import Comparison
from analysis.compare.table import summary_text
from analysis.compare.theory import models
from analysis.compare.variants import friction_by_variant
from analysis.data.runs import Run
from analysis.errors import AnalysisError
from analysis.friction.particle import METHODS, Bodies, Shell
from analysis.friction.response import responses
from analysis.friction.result import BY_AXIS_COLUMNS, AxisFriction, AxisResult, Friction, FrictionResult, shares_of
from analysis.friction.summary import friction_along, friction_summary
from analysis.heat.rates import point_summary
from analysis.statistics.timeseries import Estimate, SeriesTooShortError
from tests.unit.synthetic import DRAG, Truth, heat_rates, synthetic_runs

ALONG_X = Truth(kappa_ratio="4.80", friction_cold=0.6, friction_hot=0.7, sample_interval=0.5, substeps=5)
ALONG_YZ = replace(ALONG_X, friction_cold=0.25, friction_hot=0.3)
WALLS = {"x": "walls", "y": "periodic", "z": "periodic"}


def between_walls(truth: Truth, other: Truth, duration: float, replicas: int, seed: int) -> list[Run]:
    """Runs that move along x as one truth says and along y and z as another, and say that walls stand along x."""
    runs = []
    for one, two in zip(
        synthetic_runs(truth, duration, replicas, seed),
        synthetic_runs(other, duration, replicas, seed + 1000),
        strict=True,
    ):
        series = two.series.copy()
        for column in series.columns:
            if "_x_" in column:
                series[column] = one.series[column]
        metadata = two.metadata | {"system": {"boundaries": WALLS}}
        runs.append(Run(two.folder, metadata, two.parameters, series))
    return runs


def too_short(*_: Any) -> None:
    """In place of an estimator that takes long."""
    raise SeriesTooShortError("not asked")


def at_rest(truth: Truth) -> Truth:
    """The same particles without controller."""
    return replace(truth, kappa_ratio=None)


@pytest.fixture(scope="module")
def equilibrium() -> list[Run]:
    """Three friction runs between walls."""
    return between_walls(at_rest(ALONG_X), at_rest(ALONG_YZ), 1500.0, 3, seed=50)


@pytest.fixture(scope="module")
def measured(equilibrium: list[Run]) -> str:
    """What they say, as its file."""
    return json.dumps(friction_summary(equilibrium).to_json(), allow_nan=False)


@pytest.fixture(scope="module")
def friction(measured: str) -> FrictionResult:
    """The same, as it is read."""
    return FrictionResult.from_json(json.loads(measured))


def test_friction_read_back_is_written_the_same(measured: str, friction: FrictionResult) -> None:
    """`friction.json` holds all of the result: what is read from it makes the same file, along every axis."""
    assert json.dumps(friction.to_json(), allow_nan=False) == measured


def test_geometry_tells_which_axes_are_alike(equilibrium: list[Run]) -> None:
    """Walls along an axis set it apart; without walls, and in the exact model, all are alike, unless it says otherwise."""
    (run, *_) = equilibrium
    assert run.equivalent_axes == ("x", "yz")

    def told(system: dict[str, Any] | None, **more: Any) -> tuple[str, ...]:
        return replace(run, metadata=run.metadata | {"system": system} | more).equivalent_axes

    assert told({"boundaries": dict.fromkeys("xyz", "periodic")}) == ("xyz",)
    assert told({"boundaries": {"x": "periodic", "y": "walls", "z": "periodic"}}) == ("xz", "y")
    assert told(None) == ("xyz",)
    assert told(None, equivalent_axes=["x", "y", "z"]) == ("x", "y", "z")


def test_each_set_of_axes_has_its_own_friction(friction: FrictionResult) -> None:
    """White friction along x and along y and z is the true one of each, and their pool is neither."""
    assert friction.equivalent == ("x", "yz")
    assert list(friction.axes) == ["x", "yz", "xyz"]
    fitted = friction.friction
    for axes, truth in (("x", ALONG_X), ("yz", ALONG_YZ)):
        for estimate, true in zip(fitted.along[axes].white, (truth.friction_cold, truth.friction_hot), strict=True):
            assert abs(Estimate(estimate.value, estimate.se, "log").z(true)) < 3.5
            assert estimate.se < 0.2 * true
    for pooled, low, high in zip(fitted.pooled.white, (0.25, 0.3), (0.6, 0.7), strict=True):
        assert low < pooled.value < high
    assert fitted.pooled == friction.axes["xyz"].friction
    # Models of several parameters are fitted to equivalent axes only.
    for axes, is_one in (("x", True), ("yz", True), ("xyz", False)):
        for particle in friction.axes[axes].particles:
            assert (particle.modes is not None, particle.likelihood is not None) == (is_one, is_one)
            assert math.isfinite(particle.spectrum.value)


def test_names_of_the_particles_are_exchanged_in_every_fit() -> None:
    """Along all axes, with whatever was fitted; twice is as before."""
    white = (Estimate(0.6, 0.06), Estimate(0.7, 0.07))
    shells = (Shell((1.0, 2.0, 3.0), np.eye(3)), Shell((4.0, 5.0, 6.0), np.eye(3)))
    bodies = (Bodies((0.1,), np.eye(1)), Bodies((0.2,), np.eye(1)))
    friction = Friction(
        {"x": AxisFriction(white, shells, bodies), "yz": AxisFriction(white)}, AxisFriction(white, shells)
    )
    turned = friction.exchanged()
    assert turned.along["x"] == AxisFriction(white[::-1], shells[::-1], bodies[::-1])
    assert turned.along["yz"] == AxisFriction(white[::-1])
    assert turned.pooled == AxisFriction(white[::-1], shells[::-1])
    assert turned.exchanged() == friction


def test_a_result_says_what_was_measured(friction: FrictionResult) -> None:
    """Runs, time of all of them, traps of each set of axes, masses, and the time of the displacements."""
    assert (friction.study, friction.replicas) == ("synthetic", 3)
    assert (friction.time, friction.sample_interval, friction.spacing) == (4.5, 0.5, 1.0)
    assert dict(friction.traps) == pytest.approx({"x": 0.01, "yz": 0.01, "xyz": 0.01})
    assert friction.masses == (1.225, 1.225)
    assert (friction.note, friction.drags) == (None, ())
    assert friction.dressed == friction.axes["xyz"].friction.dressed


def test_summary_of_unlike_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Replicas that differ in length are refused with both; in unlike traps there is no fit to all axes together."""
    for name in ("fit_modes", "zero_frequency_friction"):
        monkeypatch.setattr(f"analysis.friction.summary.{name}", too_short)
    for name in ("fit_dressed", "models_compared"):
        monkeypatch.setattr(f"analysis.friction.summary.{name}", lambda *_: None)
    runs = between_walls(at_rest(ALONG_X), at_rest(ALONG_YZ), 60.0, 2, seed=53)
    with pytest.raises(AnalysisError, match=r"friction replicas have \[121, 101\] samples: they must be equally long"):
        friction_summary([runs[0], replace(runs[1], series=runs[1].series[:101])])
    driven = between_walls(ALONG_X, ALONG_YZ, 60.0, 1, seed=53)
    with pytest.raises(AnalysisError, match="couplings are not 0"):
        friction_summary([runs[0], *driven])
    traps = (0.02, 0.01, 0.01)
    unlike = friction_summary([replace(run, parameters=replace(run.parameters, traps=traps)) for run in runs])
    assert list(unlike.axes) == ["x", "yz"]
    assert dict(unlike.traps) == {"x": 0.02, "yz": 0.01}
    assert unlike.dressed is None
    assert unlike.note == unlike.axes["x"].note
    assert "too short" in str(unlike.note)
    assert friction_summary(runs, [DRAG]).drags == (DRAG,)
    # What no friction depends on is left out on demand, and the frictions are the same.
    whole, plain = (friction_along(runs, "x", is_one=True, details=details) for details in (True, False))
    for one, other in zip(whole.particles, plain.particles, strict=True):
        assert (set(one.curves), set(other.curves)) == ({"position", "velocity", "cross", "difference"}, set())
        assert one.white["joint"].value == other.white["joint"].value


def test_difference_of_axes_is_told(friction: FrictionResult) -> None:
    """A friction that is twice as large along x shows beyond three standard errors, with its sign and ratio."""
    rows = friction.equivalence()
    assert {row.particle for row in rows} == {"cold", "hot"}
    joint = {row.particle: row for row in rows if row.method == "joint"}
    assert joint["cold"].ratio == pytest.approx(0.6 / 0.25, rel=0.4)
    assert joint["cold"].axes == ("x", "yz")
    z, parts = friction.apart()["x", "yz"]["joint"], np.array([joint[side].z for side in ("cold", "hot")], dtype=float)
    assert z > 3
    assert z == pytest.approx(parts.sum() / np.sqrt(2))
    assert replace(friction, equivalent=("yz", "x")).apart()["yz", "x"]["joint"] == pytest.approx(-z)


def test_every_two_sets_of_axes_are_compared(friction: FrictionResult) -> None:
    """With traps of three stiffnesses no axes are equivalent, and there are three differences."""
    x, yz = friction.axes["x"], friction.axes["yz"]
    three = replace(friction, equivalent=("x", "y", "z"), axes={"x": x, "y": yz, "z": yz})
    apart = three.apart()
    assert list(apart) == [("x", "y"), ("x", "z"), ("y", "z")]
    assert apart["x", "y"] == apart["x", "z"] == friction.apart()["x", "yz"]
    assert set(apart["y", "z"].values()) == {0.0}


def test_axes_that_are_alike_are_not_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """Over eight studies of equal axes between walls, z of their difference scatters as it should about zero."""
    # White friction from velocities is asked; what else takes long is left out.
    for name in ("fit_modes", "zero_frequency_friction"):
        monkeypatch.setattr(f"analysis.friction.summary.{name}", too_short)
    for name in ("fit_dressed", "models_compared"):
        monkeypatch.setattr(f"analysis.friction.summary.{name}", lambda *_: None)
    found = []
    for seed in range(8):
        runs = between_walls(at_rest(ALONG_YZ), at_rest(ALONG_YZ), 400.0, 3, seed=200 + seed)
        found.append(friction_summary(runs).apart()["x", "yz"]["velocity"])
    # Eight tell a mean to 0.35 and a spread to a quarter.
    assert abs(np.mean(found)) < 3 * 0.35
    assert 0.4 < np.std(found) < 2.0


def test_table_has_a_row_for_each_particle_axes_and_method(friction: FrictionResult) -> None:
    """`friction_by_axis.csv` holds what friction.json holds, in kg/s."""
    table = friction.by_axis()
    assert list(table.columns) == BY_AXIS_COLUMNS == ["particle", "axes", "method", "friction_kg_per_s", "se"]
    assert set(table["axes"]) == {"x", "yz", "xyz"}
    assert set(table["method"]) <= set(METHODS)
    row = table[(table["particle"] == "hot") & (table["axes"] == "x") & (table["method"] == "position")]
    content = friction.to_json()["axes"]["x"]
    assert row["friction_kg_per_s"].item() == content["friction_hot_position_kg_per_s"]
    assert row["se"].item() == content["friction_hot_position_kg_per_s_se"]
    # The table of variants has the same frictions, each in the row of its axes.
    variants = friction_by_variant([{"study": "s", "settings": {}}], [friction]).set_index(["side", "axes", "method"])
    for axes, along in friction.to_json()["axes"].items():
        for side in ("cold", "hot"):
            for method in ("position", "velocity", "cross", "difference"):
                stem, place = f"friction_{side}_{method}_kg_per_s", (side, axes, method)
                assert variants["friction_kg_per_s"][place] == pytest.approx(along[stem], rel=1e-9, abs=0)
                assert variants["friction_kg_per_s_se"][place] == pytest.approx(along[f"{stem}_se"], rel=1e-9, abs=0)


def test_theory_is_the_mean_of_the_machines_of_all_axes() -> None:
    """Heat per coupled axis comes from each axis' own friction; errors of the sets add up by their shares."""
    along = {
        "x": AxisFriction((Estimate(0.6, 0.06), Estimate(0.7, 0.07))),
        "yz": AxisFriction((Estimate(0.25, 0.01), Estimate(0.3, 0.01))),
    }
    friction = Friction(along, along["x"])
    parameters = synthetic_runs(ALONG_X, 2.0, 1, seed=1)[0].parameters
    x, yz = heat_rates(ALONG_X), heat_rates(ALONG_YZ)
    for axes, expected in (("x", x), ("y", yz), ("yz", yz), ("xyz", (x + 2 * yz) / 3), ("xz", (x + yz) / 2)):
        forecast = models(replace(parameters, coupling_axes=axes), friction)["theory"].forecast()
        np.testing.assert_allclose(forecast.rates, expected, rtol=1e-9)
    alone = {
        axes: models(replace(parameters, coupling_axes=axes), friction)["theory"].forecast().estimates()[0].se
        for axes in ("x", "y", "xyz")
    }
    assert alone["xyz"] == pytest.approx(np.hypot(alone["x"] / 3, 2 * alone["y"] / 3))


def test_error_of_bodies_contains_their_number() -> None:
    """Other numbers of bodies count by the likelihood of the data left out, unless it is below 1 % of all."""
    fits = ((0.9,), (0.5, 0.8, 0.6), (0.4, 0.5, 0.6, 0.2, 3.0), (0.1, 0.5, 0.6, 0.7, 0.2, 3.0, 9.0))
    likely = np.array([0.25, 1.0, 0.5, 0.01])
    exact = Bodies((0.4, 0.7, 0.5), np.zeros((3, 3)))
    uncertain = Bodies(fits[1], np.zeros((3, 3)), held_out=tuple(np.log(likely) - 40.0), by_number=fits)
    white = (Estimate(0.6, 0.06), Estimate(0.7, 0.07))
    parameters = synthetic_runs(ALONG_X, 2.0, 1, seed=1)[0].parameters

    def heat(cold: tuple[float, ...], hot: tuple[float, ...]) -> np.ndarray[Any, Any]:
        return parameters.pair_with_bodies(np.array(cold), np.array(hot)).heat_rates()

    for side, share in ((0, 1.0), (1, 1.0), (0, 1 / 3)):
        pair = (uncertain, exact) if side == 0 else (exact, uncertain)
        along = {"x": AxisFriction(white, modes=pair), "yz": AxisFriction(white, modes=(exact, exact))}
        coupled = replace(parameters, coupling_axes="x" if share == 1.0 else "xyz")
        model = models(coupled, Friction(along, along["x"]))["modes"]
        heats = [heat(*((fit, exact.values) if side == 0 else (exact.values, fit))) for fit in fits[:3]]
        variance = sum(weight / 1.76 * (each - heats[1]) ** 2 for weight, each in zip(likely, heats[:3], strict=False))
        errors = [each.se for each in model.forecast().estimates()]
        np.testing.assert_allclose(errors, share * np.sqrt(variance), rtol=1e-9)
        found = model.with_errors(model.mean(lambda machine: machine.heat_rates()))[1]
        np.testing.assert_allclose(found, errors, rtol=1e-9)
    # Errors of the fitted values themselves count by the slope of the heat in the logarithm of each, on either side.
    spread, h = np.array([0.02, 0.05, 0.1]), 1e-4
    fitted = Bodies(exact.values, np.diag(spread**2))
    for side in (0, 1):
        pair = (fitted, exact) if side == 0 else (exact, fitted)
        along = {"x": AxisFriction(white, modes=pair)}
        forecast = models(replace(parameters, coupling_axes="x"), Friction(along, along["x"]))["modes"].forecast()
        slopes = []
        for moved in np.eye(3):
            ends = [tuple(np.array(exact.values) * np.exp(sign * h * moved)) for sign in (1, -1)]
            up, down = (heat(*((end, exact.values) if side == 0 else (exact.values, end))) for end in ends)
            slopes.append((up - down) / (2 * h))
        expected = np.linalg.norm(spread[:, None] * slopes, axis=0)
        np.testing.assert_allclose([each.se for each in forecast.estimates()], expected, rtol=1e-3)


def test_white_friction_of_unlike_traps_is_averaged_over_axes(friction: FrictionResult) -> None:
    """Without a fit to all axes the mean stands for it: each set counts by its axes, and independent errors add as squares."""

    def along(axes: str, *white: tuple[float, float]) -> AxisResult:
        particles = friction.axes[axes].particles
        cold, hot = (
            replace(each, white={"joint": Estimate(*found)}) for each, found in zip(particles, white, strict=True)
        )
        return replace(friction.axes[axes], particles=(cold, hot))

    axes = {"x": along("x", (0.6, 0.06), (0.9, 0.03)), "yz": along("yz", (0.3, 0.04), (0.6, 0.06))}
    pooled = replace(friction, axes=axes).friction.pooled.white
    for found, value, parts in zip(pooled, (0.4, 0.7), ((0.06, 0.08), (0.03, 0.12)), strict=True):
        assert (found.value, found.se) == pytest.approx((value, np.hypot(*parts) / 3))


def test_shares() -> None:
    """Of coupled axes among sets of equivalent ones; an axis in none of them leaves its share out."""
    assert shares_of("xy", ["x"]) == {"x": 0.5}
    assert shares_of("xyz", ["x", "yz"]) == {"x": pytest.approx(1 / 3), "yz": pytest.approx(2 / 3)}
    assert shares_of("x", ["x", "yz"]) == {"x": 1.0}
    assert shares_of("xz", ["xyz"]) == {"xyz": 1.0}


def test_work_between_walls_agrees_with_theory_axis_by_axis(equilibrium: list[Run], friction: FrictionResult) -> None:
    """Measured currents along x and y differ as their frictions do, and every theory agrees with each."""
    runs = between_walls(ALONG_X, ALONG_YZ, 1500.0, 4, seed=70)
    fitted, found = friction.friction, responses(equilibrium)
    table = work_by_axis(runs, fitted, found).set_index("axis")
    assert table[["z_response_cold", "z_theory_cold", "z_response_hot", "z_theory_hot"]].abs().to_numpy().max() < 4
    for axis, truth in (("x", ALONG_X), ("y", ALONG_YZ), ("z", ALONG_YZ)):
        expected = heat_rates(truth) * 1e3
        assert table.loc[axis, "theory_cold_eV_per_ns"] == pytest.approx(expected[0], rel=0.2)
        assert table.loc[axis, "response_hot_eV_per_ns"] == pytest.approx(expected[1], rel=0.3)
    # y and z are alike, so each is the other's only peer; nothing is like x.
    assert np.isnan(table["z_others_cold"]["x"])
    np.testing.assert_allclose(table["z_others_cold"]["y"], -table["z_others_cold"]["z"])


def test_text_tells_friction_by_axis_and_leads_with_linear_response(
    equilibrium: list[Run], friction: FrictionResult
) -> None:
    """The table names axes, says how far they are apart, and puts white friction below as a simplification."""
    point = point_summary(between_walls(ALONG_X, ALONG_YZ, 1500.0, 2, seed=70))
    comparison = Comparison((point,), friction.friction, responses(equilibrium))
    text = summary_text(comparison, friction)
    assert text.index("theory: linear response") < text.index("Comparison with the paper's pair")
    for axes in ("x", "y, z", "x, y, z together"):
        assert f"Friction, cold particle along {axes}, 10⁻¹² kg/s:" in text
    z = friction.apart()["x", "yz"]["joint"]
    assert f"position and velocity together: {z:+.1f}" in text.partition("Friction along x minus that along y, z")[2]
    yz = friction.axes["yz"]
    three = replace(friction, equivalent=("x", "y", "z"), axes={"x": friction.axes["x"], "y": yz, "z": yz})
    text = summary_text(comparison, three)
    for one, other, expected in (("x", "y", z), ("x", "z", z), ("y", "z", 0.0)):
        line = text.partition(f"Friction along {one} minus that along {other}, both particles")[2].partition("\n")[0]
        assert f"position and velocity together: {expected:+.1f}" in line
