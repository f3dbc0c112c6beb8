"""Variants side by side: what changed is named, each has its own friction and heat, and equal data give equal numbers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.container import ErrorbarContainer

from analysis.compare.comparison import Comparison
from analysis.compare.variants import (
    changed_settings,
    friction_by_analysis,
    friction_by_variant,
    heat_by_variant,
    thermostat_table,
)
from analysis.figures.heat_variations import heat_variations
from analysis.figures.variations import variations
from analysis.friction.curves import (
    DIFFERENCE,
    FIT_WINDOW,
    correlation_curves,
    difference_fit,
    equilibrium_blocks,
    particle,
)
from analysis.friction.fits import fit_white
from analysis.friction.particle import METHODS
from analysis.friction.summary import friction_summary
from analysis.heat.rates import point_summary
from analysis.statistics.timeseries import Estimate
from analysis.units import FRICTION_SI
from tests.unit.drawn import bars, line
from tests.unit.synthetic import DRAG, Truth, heat_rates, synthetic_runs


def test_changes_are_named_with_their_section() -> None:
    """Only fields that differ are named; names, variants, limits and fields of a later version are no physical change."""
    base = {
        "name": "s",
        "variants": {"a": {}},
        "baths": {"edge_nm": 6.5, "density": 19.56},
        "materials": {"pair": None},
        "limits": {"drift": 0.05},
        "demon": {"controller_options": {}},
    }
    variant = {
        "name": "s@a",
        "variants": {},
        "baths": {"edge_nm": 6.5, "density": 18.0},
        "materials": {"pair": {"e": 1.0}},
        "limits": {"drift": 0.06},
        "demon": {"controller_options": {"delay_ps": "1"}, "shown_ratios": ["4.80"]},
    }
    expected = {"baths.density": 18.0, "materials.pair": {"e": 1.0}, "demon.controller_options.delay_ps": "1"}
    assert changed_settings(base, variant) == expected
    assert changed_settings(base, base) == {}


@pytest.fixture(scope="module")
def frictions() -> pd.DataFrame:
    """Two studies of known friction, 0.22 and 0.44 eV ps/Å², in one table."""
    contents = []
    for friction in (0.22, 0.44):
        truth = Truth(kappa_ratio=None, friction_cold=friction, friction_hot=friction, sample_interval=1.0)
        drags = [replace(DRAG, side=side, friction=Estimate(friction, 1e-14 / FRICTION_SI)) for side in ("cold", "hot")]
        contents.append(friction_summary(synthetic_runs(truth, 800.0, 1, seed=3), drags))
    changed = {"baths": {"g": 2.0}, "pair": {"e": 1.5, "n": 3}, "heat": None, "ratios": ["1.20", "7"], "on": True}
    settings = [
        {"study": "s", "settings": {"baths": {"g": 1.0}, "pair": None, "heat": 1, "ratios": ["1"], "on": False}}
    ] + [{"study": name, "settings": changed} for name in ("s@thick", "t@thick")]
    return friction_by_variant(settings, [*contents, contents[-1]])


def test_each_variant_has_its_own_friction(frictions: pd.DataFrame) -> None:
    """Every method finds each variant's truth within its errors, in the row of that variant."""
    assert set(frictions["method"]) >= set(METHODS) - {"zero_frequency", "modes"} | {"drag 0.3 nN"}
    white = frictions[~frictions["method"].isin(["zero_frequency", "modes"])]
    for variant, truth in (("", 0.22), ("thick", 0.44), ("t@thick", 0.44)):
        rows = white[white["variant"] == variant]
        assert len(rows) == len(white) / 3
        z = (rows["friction_kg_per_s"] - truth * FRICTION_SI) / rows["friction_kg_per_s_se"]
        assert np.abs(z).max() < 3.5
    assert frictions.loc[frictions["variant"] == "thick", "changes"].unique().tolist() == [
        "baths.g: 2; pair: e 1.5, n 3; heat: null; ratios: 1.20, 7; on: true"
    ]


def test_figure_has_a_row_per_variant(frictions: pd.DataFrame, tmp_path: Path) -> None:
    """The figure is drawn from the table as it is read back from its file."""
    frictions.to_csv(tmp_path / "table.csv", index=False)
    figure, _ = variations(pd.read_csv(tmp_path / "table.csv"))
    labels = [text.get_text() for text in figure.axes[0].get_yticklabels()]
    assert labels == ["as in the study, xyz", "thick, xyz", "t@thick, xyz"]
    for axes, side in zip(figure.axes, ("cold", "hot"), strict=True):
        here = frictions[frictions["side"] == side]
        assert axes.get_title(loc="left") == f"{side} particle"
        assert axes.get_xlabel() == r"friction $\gamma$ ($10^{-12}$ kg/s)"
        assert np.asarray(line(axes, "fit of the paper")[0]).tolist() == [3.5, 3.5]
        assert [each.get_label() for each in axes.containers] == [
            METHODS.get(method, method) for method in dict.fromkeys(here["method"])
        ]
        for container, (_, rows) in zip(axes.containers, here.groupby("method", sort=False), strict=True):
            assert isinstance(container, ErrorbarContainer)
            points, _, bars = container.lines
            assert points is not None
            np.testing.assert_allclose(np.asarray(points.get_xdata(), float), 1e12 * rows["friction_kg_per_s"])
            ends = np.array(bars[0].get_segments())[:, :, 0]
            np.testing.assert_allclose(np.diff(ends)[:, 0] / 2, 1e12 * rows["friction_kg_per_s_se"].fillna(0))


def test_heats_of_variants_stand_beside_their_own_theory(tmp_path: Path) -> None:
    """Each variant's heat is compared with theory at that variant's friction, and with the study's heat at the same point."""
    runs, comparisons = [], []
    for number, (name, friction) in enumerate((("s", 0.22), ("s@thick", 0.6))):
        truth = Truth(kappa_ratio="4.80", friction_cold=friction, friction_hot=friction)
        at_rest = Truth(kappa_ratio=None, friction_cold=friction, friction_hot=friction, sample_interval=1.0)
        runs.append({"study": name, "settings": {"friction": friction}})
        measured = friction_summary(synthetic_runs(at_rest, 1500.0, 1, seed=20 + number))
        point = point_summary(synthetic_runs(truth, 1000.0, 2, seed=30 + number))
        comparisons.append(Comparison((point,), measured.friction))
    table = heat_by_variant(runs, comparisons)
    assert table["variant"].tolist() == ["", "thick"]
    assert table["changes"].tolist() == ["", "friction: 0.6"]
    assert table["z_cold"].isna().tolist() == [True, False]
    own, thick = table["heat_cold_eV_per_ns"]
    assert table["z_cold"].iloc[1] == pytest.approx((thick - own) / np.hypot(*table["heat_cold_se"]))
    # The same point is that of the same number, however a study spells it.
    (point,) = comparisons[1].points
    spelled = replace(comparisons[1], points=(replace(point, kappa_ratio="4.8"),))
    again = heat_by_variant(runs, [comparisons[0], spelled])
    assert again["kappa_ratio"].tolist() == ["4.80", "4.8"]
    assert again["z_cold"].iloc[1] == table["z_cold"].iloc[1]
    z = table[["z_theory_cold", "z_theory_hot"]].to_numpy(float)
    assert np.abs(z).max() < 3.5
    # The forecasts of the two differ by more than their errors: each must have been made with its own friction.
    assert table["theory_hot_eV_per_ns"].iloc[1] > 1.3 * table["theory_hot_eV_per_ns"].iloc[0]
    table.to_csv(tmp_path / "table.csv", index=False)
    read = pd.read_csv(tmp_path / "table.csv", dtype={"kappa_ratio": str})
    read = read.assign(axes=3)
    for side, least in (("cold", 0.003), ("hot", -0.006)):
        read[f"closure_drift_{side}_eV_per_ns"] = [least, 2 * least]
        read[f"closure_drift_{side}_error_eV_per_ns"] = [0.001, 0.002]
    figure, _ = heat_variations(read, "synthetic")
    for axes, side in zip(figure.axes, ("cold", "hot"), strict=False):
        assert axes.get_title(loc="left") == f"{side} bath"
        for label, name, shift in (
            ("", "heat", 0.0),
            ("linear response", "response", 0.16),
            ("white friction", "theory", 0.28),
            ("dressed pair", "dressed", 0.4),
        ):
            told, se = (read[f"{name}_{side}_{end}"].astype(float) for end in ("eV_per_ns", "se"))
            if told.isna().all():  # nothing is drawn, and the legend does not name it
                assert label not in axes.get_legend_handles_labels()[1]
                continue
            shown = bars(axes, label, along=0)[0]
            ends = np.transpose([told, np.arange(2) + shift, told - se.fillna(0), told + se.fillna(0)])
            np.testing.assert_allclose(np.reshape(shown, (-1, 4)), ends[told.notna()])
        assert axes.get_xlabel() == "heat (eV/ns per axis)"
    assert (figure.axes[2].get_title(loc="left"), figure.axes[2].get_xlabel()) == (
        "energy balance",
        "drift (% of the heat)",
    )
    # Drifts are of the three axes together, and so in per cent of three times the heat of one.
    for side, offset in (("cold", -0.08), ("hot", 0.08)):
        whole = 0.03 * read[f"heat_{side}_eV_per_ns"].abs()
        drift, error = (read[f"closure_drift_{side}_{end}"] / whole for end in ("eV_per_ns", "error_eV_per_ns"))
        expected = np.transpose([drift, np.arange(2) + offset, drift - error, drift + error])
        np.testing.assert_allclose(bars(figure.axes[2], f"{side} side", along=0)[0], expected)
    assert [text.get_text() for text in figure.axes[0].get_yticklabels()] == ["synthetic", "thick"]
    assert [text.get_text() for text in figure.legends[0].get_texts()][:2] == ["simulation, cold", "simulation, hot"]
    # A prediction of one variant is drawn in its row, though the other has none.
    for side in ("cold", "hot"):
        read[f"response_{side}_eV_per_ns"], read[f"response_{side}_se"] = [np.nan, -0.25], [np.nan, 0.125]
    for axes in heat_variations(read, "synthetic")[0].axes[:2]:
        (series,) = (each for each in axes.containers if each.get_label() == "linear response")
        assert isinstance(series, ErrorbarContainer)
        places = np.array(series.lines[0].get_data(), dtype=float)
        np.testing.assert_array_equal(places, [[np.nan, -0.25], [0.16, 1.16]])
    # Where a study has several points each row says which.
    apart = heat_variations(read.assign(kappa_ratio=["4.80", "7.27"]), "synthetic")[0]
    assert [text.get_text() for text in apart.axes[0].get_yticklabels()] == ["synthetic, 4.80", "thick, 7.27"]
    # A drift in per cent of a heat that may be zero says nothing.
    near = read.assign(heat_cold_se=read["heat_cold_eV_per_ns"].abs() / np.array([1.9, 2.1]))
    (cold, *_) = heat_variations(near, "synthetic")[0].axes[2].containers
    assert np.isnan(np.asarray(cold[0].get_xdata(), dtype=float)).tolist() == [True, False]


def test_other_analyses_of_white_data_agree() -> None:
    """Where the model holds, window, displacement and halves of the data change the friction within its error only."""
    truth = Truth(kappa_ratio=None, friction_cold=0.3, friction_hot=0.3, sample_interval=1.0)
    table = friction_by_analysis(synthetic_runs(truth, 1200.0, 1, seed=5))
    z = (table["friction_kg_per_s"] - 0.3 * FRICTION_SI) / table["friction_kg_per_s_se"]
    assert np.abs(z).max() < 4
    assert table["choice"].nunique() == 4 + 4 + 2


def test_each_choice_of_analysis_is_of_its_own_data() -> None:
    """Of runs whose second half has three times the friction, each half tells its own, and every choice its own window."""
    thin, thick = (
        synthetic_runs(
            Truth(kappa_ratio=None, friction_cold=g, friction_hot=1.5 * g, sample_interval=1.0), 600.0, 2, seed=8
        )
        for g in (0.2, 0.6)
    )
    both = []
    for one, other in zip(thin, thick, strict=True):
        joined = pd.concat([one.series.iloc[:-1], other.series], ignore_index=True)
        both.append(replace(one, series=joined))
    table = friction_by_analysis(both)
    for choice, g in (("first half of each run", 0.2), ("second half of each run", 0.6)):
        for side, factor in (("cold", 1.0), ("hot", 1.5)):
            rows = table[(table["choice"] == choice) & (table["side"] == side)].set_index("method")
            assert set(rows.index) >= {"position", "velocity", "cross", "joint", "difference"}
            z = (rows["friction_kg_per_s"] - factor * g * FRICTION_SI) / rows["friction_kg_per_s_se"]
            assert np.abs(z).max() < 4
    joint = table[table["method"] == "joint"].set_index(["side", "choice"])["friction_kg_per_s"]
    for side in ("cold", "hot"):
        assert joint[side, "second half of each run"] > 1.8 * joint[side, "first half of each run"]
    # Of white particles with one friction all displacements tell the same; of two halves that differ each tells another.
    blocks, data = equilibrium_blocks(both, "xyz"), particle(both, 1, "xyz")
    curves = correlation_curves(data, blocks, seed=1)
    hot = table[table["side"] == "hot"].set_index(["choice", "method"])["friction_kg_per_s"]
    for difference in (DIFFERENCE / 2, DIFFERENCE, 2 * DIFFERENCE, 4 * DIFFERENCE):
        alone = difference_fit(data, curves, blocks, seed=1, difference=difference).friction.value * FRICTION_SI
        assert hot[f"displacements over {difference:g} ps", "difference"] == pytest.approx(alone)
    for window in (FIT_WINDOW / 4, FIT_WINDOW / 2, FIT_WINDOW, 2 * FIT_WINDOW):
        fits = fit_white(correlation_curves(data, blocks, seed=1, window=window))
        for method, fit in fits.items():
            told = hot[f"fitted over {window:g} × the decay time of the position", method]
            assert told == pytest.approx(fit.friction.value * FRICTION_SI)
    fitted = [hot[choice, "position"] for choice in dict.fromkeys(table["choice"]) if choice.startswith("fitted")]
    assert len(set(fitted)) == 4


def test_thermostats_are_compared_with_the_own_one() -> None:
    """Deviations are in errors of both, none of the own or without an error; theory is at the friction under each."""
    measured = point_summary(synthetic_runs(Truth(), 20, 1, seed=6))
    heats = {
        "langevin": (Estimate(1.0, 0.3), Estimate(0.0)),
        "nose-hoover": (Estimate(0.0, 0.4), Estimate(2.0, 0.3)),
        "csvr": (Estimate(-0.5, 0.3), Estimate(0.0, 0.3)),
    }
    points = {name: replace(measured, rates=measured.rates | {"heat": pair}) for name, pair in heats.items()}
    soft, hard = (
        friction_summary(synthetic_runs(Truth(kappa_ratio=None, friction_cold=g, friction_hot=g), 60, 1, seed=7))
        for g in (0.1, 0.6)
    )
    frictions = [hard, soft, soft]
    comparisons = [
        Comparison((point,), friction.friction) for point, friction in zip(points.values(), frictions, strict=True)
    ]
    table = thermostat_table(list(points), "nose-hoover", comparisons)
    table = table.set_index("thermostat")
    assert list(table.index) == ["langevin", "nose-hoover", "csvr"]
    np.testing.assert_allclose(table["z_cold"], [2.0, np.nan, -1.0])
    np.testing.assert_allclose(table["z_hot"].astype(float), [np.nan, np.nan, -2.0 / np.hypot(0.3, 0.3)])
    assert table["friction_hot_kg_per_s"]["langevin"] > 2 * table["friction_hot_kg_per_s"]["nose-hoover"]
    for name, friction in zip(points, frictions, strict=True):
        cold, hot = (white.value for white in friction.friction.pooled.white)
        assert table["friction_hot_kg_per_s"][name] == pytest.approx(hot * FRICTION_SI, rel=1e-9, abs=0)
        exact = 1e3 * heat_rates(Truth(friction_cold=cold, friction_hot=hot))[0]
        assert table["theory_cold_eV_per_ns"][name] == pytest.approx(exact)
