"""A controller that is not the linear one is analysed by what it did: no theory, no formula of the linear pair."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from analysis.compare.by_axis import work_by_axis
from analysis.compare.comparison import THEORIES, Comparison
from analysis.compare.table import summary_table, summary_text
from analysis.compare.theory import models
from analysis.data.parameters import Parameters
from analysis.data.runs import Run
from analysis.figures.cop import cop
from analysis.figures.cop_fluctuations import cop_fluctuations
from analysis.figures.fluxes import fluxes
from analysis.figures.heat_rates import heat_rates
from analysis.figures.power import power_histograms
from analysis.figures.power_moments import power_moments
from analysis.figures.response import response_figure
from analysis.figures.uncertainty import uncertainty
from analysis.friction.response import responses
from analysis.friction.result import FrictionResult
from analysis.friction.summary import friction_summary
from analysis.heat.information import information_summary
from analysis.heat.performance import performance_summary
from analysis.heat.power import power_summary
from analysis.heat.rates import point_summary
from analysis.heat.reversal import reversal_summary
from analysis.report.page import paper_rates, report_page
from analysis.units import PER_NS
from tests.unit.pages import DESIGN, provenance
from tests.unit.synthetic import Truth, synthetic_runs
from tests.unit.synthetic import heat_rates as exact_rates

LAW = "mine:Mine"
TRUTH = Truth(kappa_ratio="4.80")
STRONGER = replace(TRUTH, coupling_cold=0.2)
"""What a law that exerts twice the linear force does at the couplings of ``TRUTH``."""


def told(runs: list[Run], truth: Truth = TRUTH, law: str = LAW) -> list[Run]:
    """The same runs, of a study that gave its controller the couplings of ``truth`` and another law."""
    kappa_cold, kappa_hot = truth.couplings
    parameters = runs[0].metadata["parameters"] | {
        "coupling_cold_eV_per_A2": float(kappa_cold),
        "coupling_hot_eV_per_A2": float(kappa_hot),
    }
    metadata = [
        run.metadata | {"parameters": parameters, "controller": {"law": law, "source": "0"}, "engine": "lammps"}
        for run in runs
    ]
    known = Parameters.from_json(parameters | {"controller": law})
    return [replace(run, metadata=content, parameters=known) for run, content in zip(runs, metadata, strict=True)]


@pytest.fixture(scope="module")
def runs() -> list[Run]:
    """Two replicas of 2 ns along three axes under twice the linear force."""
    return told(synthetic_runs(STRONGER, 2000.0, 2, seed=91))


@pytest.fixture(scope="module")
def equilibrium() -> list[Run]:
    """Friction runs of the same study."""
    return synthetic_runs(replace(TRUTH, kappa_ratio=None), 1000.0, 1, seed=92)


@pytest.fixture(scope="module")
def friction(equilibrium: list[Run]) -> FrictionResult:
    """Friction of the same particles."""
    return friction_summary(equilibrium)


def test_power_is_what_was_done(runs: list[Run]) -> None:
    """Rates, sampled power and uncertainty follow the recorded work of the stronger force, not the study's couplings."""
    exact = PER_NS * exact_rates(STRONGER)
    heat, power, performance = (
        summarise(runs).to_json() for summarise in (point_summary, power_summary, performance_summary)
    )
    assert power["force"] == "full"
    for name, rate in (("cold", exact[0]), ("hot", exact[1]), ("total", exact.sum())):
        for key in ("power", "work"):
            assert abs(power[f"{key}_{name}_eV_per_ns"] - rate) < 4 * power[f"{key}_{name}_se"]
        assert power[f"power_{name}_eV_per_ns"] == pytest.approx(power[f"work_{name}_eV_per_ns"], rel=0.01)
        assert f"sampling_error_{name}_eV_per_ns" not in power
        variance = power[f"power_variance_{name}_eV2_per_ns2"]
        mean = power[f"power_{name}_eV_per_ns"]
        assert performance[f"uncertainty_{name}"] == pytest.approx(variance / mean**2, rel=0.01)
    assert abs(heat["power_eV_per_ns"] - exact.sum()) < 4 * heat["power_se"]
    # κ_j X_l ΔX_j at the couplings of the study would be half of it, which the errors tell apart.
    assert power["power_total_eV_per_ns"] - exact.sum() / 2 > 6 * power["power_total_se"]
    edges, density = (np.array(power["histograms"]["hot"][key]) for key in ("edge_eV_per_ns", "density_ns_per_eV"))
    work = np.concatenate([run.work[:, 1].T for run in runs])
    counts = np.histogram(PER_NS * np.diff(work, axis=1), edges)[0]
    np.testing.assert_allclose(density * np.diff(edges), counts / (work.size - len(work)), rtol=1e-9)


def test_axes_that_a_law_may_couple_count_as_one_series() -> None:
    """Three axes that hold the same path know no more than one of them: values and errors of all results are the same."""
    one = told(synthetic_runs(TRUTH, 1500.0, 2, seed=94, axes="x"))
    three = []
    for run in one:
        series = run.series.copy()
        for column in [str(name) for name in series if "_x_" in str(name)]:
            for axis in "yz":
                series[column.replace("_x_", f"_{axis}_")] = series[column]
                if column.replace("_x_", f"_{axis}_") in run.series:
                    run.series[column.replace("_x_", f"_{axis}_")] = 0.0
        for side in ("cold", "hot"):
            x, v = (series[f"{name}_{side}_x_{unit}"] for name, unit in (("position", "A"), ("velocity", "A_per_ps")))
            path = series[f"work_{side}_x_eV"] - (TRUTH.mass * v**2 + TRUTH.trap * x**2) / 2
            for table, axes in ((run.series, 1), (series, 3)):  # baths that store nothing
                table[f"thermostat_{side}_eV"] = axes * (path - path.iloc[0])
                table[f"energy_{side}_eV"] = axes * TRUTH.mass * v**2 / 2
                table[f"trap_{side}_eV"] = axes * TRUTH.trap * x**2 / 2
        parameters = replace(run.parameters, coupling_axes="xyz")
        content = run.metadata | {"parameters": run.metadata["parameters"] | {"coupling_axes": "xyz"}}
        three.append(replace(run, parameters=parameters, metadata=content, series=series))
    for summarise in (point_summary, power_summary, reversal_summary, information_summary, performance_summary):
        alone, together = summarise(one).to_json(), summarise(three).to_json()
        for key, value in alone.items():
            if isinstance(value, float) and key not in ("time_ns", "block_ps"):
                assert together[key] == pytest.approx(value, rel=0.02), (summarise.__name__, key)
        # Of resampled copies the errors are the same but for their chance.
        if summarise is reversal_summary:
            ratios = np.divide(*(np.array(each["asymmetry_se"][1:], dtype=float) for each in (together, alone)))
            assert ratios.mean() == pytest.approx(1.0, abs=0.2)
        if summarise is performance_summary:
            for end in ("over_bound_low", "over_bound_high"):
                # The intervals in units of the values: those of few windows have a factor N/(N - 1).
                found, expected = (
                    np.divide(*(np.array(each["windows"]["heat"][name], dtype=float) for name in (end, "over_bound")))
                    for each in (together, alone)
                )
                np.testing.assert_allclose(found, expected, rtol=0.02)
        if summarise is power_summary:
            found, expected = (np.array(each["histograms"]["hot"]["se"], dtype=float) for each in (together, alone))
            assert found.shape != expected.shape or np.allclose(found, expected, rtol=1e-6)


def test_linear_runs_told_as_another_law_keep_their_rates() -> None:
    """Values do not hang on the law's name, and errors without the law's help are alike, rather wider than narrower."""
    linear = synthetic_runs(TRUTH, 2000.0, 3, seed=93)
    known, unknown = point_summary(linear).to_json(), point_summary(told(linear)).to_json()
    for side in ("cold", "hot"):
        for name in ("heat", "work", "thermostat"):
            key = f"{name}_{side}"
            assert unknown[f"{key}_eV_per_ns"] == known[f"{key}_eV_per_ns"]
            assert 0.7 < unknown[f"{key}_se"] / known[f"{key}_se"] < 1.6
    assert unknown["parameters"] == known["parameters"] | {"controller": LAW}


def test_errors_cover_the_truth() -> None:
    """Over forty runs of one axis, deviations from the exact rates have the size of the errors, or a little less."""
    z = []
    for run in told(synthetic_runs(STRONGER, 1500.0, 40, seed=94, axes="x")):
        point = point_summary([run]).to_json()
        for name in ("heat", "work"):
            for side, rate in zip(("cold", "hot"), PER_NS * exact_rates(STRONGER), strict=True):
                z.append((point[f"{name}_{side}_eV_per_ns"] - rate) / point[f"{name}_{side}_se"])
    assert 0.6 < np.std(z) < 1.25
    assert np.mean(np.abs(z) < 1.96) > 0.88


def test_axes_that_feel_each_other_count_once() -> None:
    """Three axes that do the same are one measurement: their errors are those of one axis, and not √3 less."""
    (one,) = told(synthetic_runs(STRONGER, 2000.0, 1, seed=95, axes="x"))
    series = one.series.copy()
    for name in [column for column in series.columns if "_x_" in column]:
        for axis in "yz":
            series[name.replace("_x_", f"_{axis}_")] = series[name]
    for name in ("thermostat", "energy", "trap"):
        for side in ("cold", "hot"):
            series[f"{name}_{side}_eV"] = one.series[f"{name}_{side}_eV"] * 3
    three = replace(one, series=series, parameters=replace(one.parameters, coupling_axes="xyz"))
    for summarise, keys in (
        (point_summary, ("work_cold_se", "work_hot_se", "effective_temperature_hot_se")),
        (power_summary, ("power_total_se", "power_variance_total_se")),
    ):
        single, copied = summarise([one]).to_json(), summarise([three]).to_json()
        for key in keys:
            assert copied[key] == pytest.approx(single[key], rel=0.02), key
    alone, together = performance_summary([one]), performance_summary([three])
    assert together.uncertainty["total"].low == pytest.approx(alone.uncertainty["total"].low, rel=0.02)
    assert alone.cop_fluctuations is not None
    assert together.cop_fluctuations is not None
    tail, tail_of_copies = (
        found["sampled"]["refrigeration"].tail_exponent for found in (alone.cop_fluctuations, together.cop_fluctuations)
    )
    # Three times as many samples, of which a smaller share is taken for the tail.
    assert tail_of_copies.se > 0.9 * tail.se / 3**0.25
    axes = work_by_axis([three], friction_summary(synthetic_runs(replace(TRUTH, kappa_ratio=None), 50, 1, 1)).friction)
    np.testing.assert_allclose(axes["correlation"], 1.0)
    assert axes[["z_others_cold", "z_others_hot"]].isna().to_numpy().all()


def test_no_theory_stands_beside_it(runs: list[Run], friction: FrictionResult, equilibrium: list[Run]) -> None:
    """Forecasts, z, χ² and linear response are empty; the text says that theory covers only the linear controller."""
    fitted = friction.friction
    assert models(runs[0].parameters, fitted) == {}
    found = responses(equilibrium)
    comparison = Comparison((point_summary(runs),), fitted, found)
    compared = comparison.compared[0].row()
    forecasts = [key for key in compared if key.startswith((*THEORIES, "z_"))]
    assert len(forecasts) == 24
    assert all(compared[key] is None for key in forecasts)
    table = summary_table(comparison)
    assert table[["theory_cold_eV_per_ns", "theory_hot_eV_per_ns"]].isna().to_numpy().all()
    assert list(table["controller"]) == [LAW]
    text = summary_text(comparison, friction)
    assert f"Controller {LAW}: theory covers only the linear controller" in text
    assert "χ²" not in text
    assert comparison.agreement == {}
    by_axis = work_by_axis(runs, fitted, found)
    assert by_axis[[f"z_{theory}_{side}" for theory in THEORIES for side in ("cold", "hot")]].isna().to_numpy().all()
    assert (by_axis[["z_others_cold", "z_others_hot"]].abs() < 4).to_numpy().all()


def test_figures_show_what_was_measured_and_say_why_no_more(
    runs: list[Run], friction: FrictionResult, equilibrium: list[Run]
) -> None:
    """No figure has a line of a theory or the published law; each names the controller."""
    fitted = friction.friction
    powers, performances = (
        [power_summary(runs)],
        [performance_summary(runs)],
    )
    comparison = Comparison((point_summary(runs),), fitted, responses(equilibrium))
    drawn = [
        heat_rates(comparison),
        fluxes(comparison),
        power_moments(powers, fitted),
        cop(performances),
        uncertainty(performances, fitted),
        response_figure(comparison),
        power_histograms(powers, fitted),
        cop_fluctuations(performances, fitted),
    ]
    for figure, table in drawn:
        said = " ".join(" ".join(text.get_text() for axes in figure.axes for text in axes.texts).split())
        assert f"Controller {LAW}: theory covers only the linear controller" in said
        assert "refrigerator:" not in said
        if "series" in table:
            assert not set(table["series"]) & {"response", "theory", "dressed", "published"}
        for column in {"theory", "dressed", "published"} & set(table.columns):
            assert table[column].isna().all()
    moments = drawn[2][1]
    sampled = moments[(moments["series"] == "sampled") & (moments["target"] == "total") & (moments["moment"] == "mean")]
    assert sampled["value"].item() == powers[0].mean["total"].value


def test_report_names_the_controller_and_forecasts_nothing(
    runs: list[Run], equilibrium: list[Run], friction: FrictionResult
) -> None:
    """The page tells that the law is the study's own, and has no table beside theory and no heat of the paper's machine."""
    comparison = Comparison((point_summary(runs),), friction.friction, responses(equilibrium))
    performances = [performance_summary(runs)]
    page = report_page(
        provenance([*equilibrium, *runs], "lammps"),
        comparison,
        performances,
        friction,
        None,
        figures=[],
        design=DESIGN,
    )
    assert f"<em>demon</em> {LAW}" in page
    assert "theory covers only the linear controller" in page
    assert "measurement and theory" not in page
    assert "χ²" not in page
    assert paper_rates(comparison.points[0].parameters) is None


def test_a_law_that_does_nothing_is_analysed() -> None:
    """Without any force all works are 0 and ratios of them unknown; nothing divides by them."""
    idle = told(synthetic_runs(replace(TRUTH, coupling_cold=0.0), 300.0, 1, seed=96))
    heat, power, performance = (
        summarise(idle).to_json() for summarise in (point_summary, power_summary, performance_summary)
    )
    assert (
        heat["work_cold_eV_per_ns"]
        == power["power_total_eV_per_ns"]
        == power["power_variance_total_eV2_per_ns2"]
        == 0.0
    )
    assert performance["uncertainty_total"] is None
    for kind in ("sampled", "heat"):
        assert performance["cop_fluctuations"][kind]["refrigeration"]["tail_exponent"] is None
    assert math.isfinite(heat["heat_cold_eV_per_ns"])
