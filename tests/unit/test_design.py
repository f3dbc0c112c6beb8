"""`snakemake design`: the couplings that it finds, the limits that it keeps, and the study file that it leaves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from analysis.figures.design import design as draw
from simulation.overview.design import make_design
from simulation.study.fields import Study, StudyError
from simulation.study.files import check_study
from tests.unit.drawn import line, symbols


def study(design: dict[str, Any], **demon: Any) -> Study:
    """The paper's machine in the exact model."""
    data = {"engine": "langevin", "baths": {"fluid_atoms": 25280}, "demon": demon, "design": design}
    return check_study("wanted", data)


def found(design: dict[str, Any], folder: Path, **demon: Any) -> pd.DataFrame:
    """The table of a design."""
    text = make_design(study(design, **demon), folder)
    assert "section langevin" in text
    return pd.read_csv(folder / "wanted" / "design.csv")


def test_most_cooling_of_equal_sides_is_the_known_one(tmp_path: Path) -> None:
    """κ_H/κ_C → 1 + 2 T_H/T_C for strong coupling, and no more than γ k_B T_C²/[2m (T_C + T_H)] = 0.349 eV/ns."""
    best = found({"coupling_cold_eV_per_A2": [1, 100], "coupling_hot_eV_per_A2": [1, 1000]}, tmp_path).iloc[0]
    assert best["design"] == "best"
    assert 0.345 < best["cooling_eV_per_ns"] < 0.3492
    assert best["kappa_ratio"] == pytest.approx(3.4, rel=0.02)
    assert best["temperature_cold_K"] > 100 * (1 - 100 / 440)
    written = yaml.safe_load((tmp_path / "wanted" / "design.yaml").read_text(encoding="utf-8"))
    again = check_study("again", written)
    assert float(again.demon.kappa_ratios[0]) == pytest.approx(best["kappa_ratio"], rel=1e-3)
    assert again.demon.coupling_cold_eV_per_A2 == pytest.approx(best["coupling_cold_eV_per_A2"], rel=1e-3)


def test_limits_are_kept_and_cost_something(tmp_path: Path) -> None:
    """Half the power: less cooling at a better coefficient, and the front of the ideal demon rises with the power."""
    ranges = {"coupling_cold_eV_per_A2": [0.1, 0.1], "coupling_hot_eV_per_A2": [0.01, 5]}
    free, bound = (found(ranges | extra, tmp_path) for extra in ({}, {"power_eV_per_ns": 0.3}))
    assert free.iloc[0]["cooling_eV_per_ns"] == pytest.approx(0.85 * 0.349, rel=0.01)
    assert bound.iloc[0]["power_eV_per_ns"] <= 0.3 * (1 + 1e-6)
    assert bound.iloc[0]["cooling_eV_per_ns"] < free.iloc[0]["cooling_eV_per_ns"]
    assert bound.iloc[0]["cop"] > free.iloc[0]["cop"]
    front = free[free["design"] == "ideal front"]
    assert front["cooling_eV_per_ns"].is_monotonic_increasing
    own = free[free["design"] == "study"]
    assert list(own["kappa_ratio"]) == [0.17, 1.2, 4.8, 7.27]
    assert own["cooling_eV_per_ns"].iloc[2] == pytest.approx(0.289, abs=1e-3)
    figure, _ = draw(free)
    left, right = figure.axes
    for name, label in (("study", "study"), ("best", "best within the limits"), ("ideal front", "largest cooling")):
        rows = free[free["design"] == name].sort_values("power_eV_per_ns")
        power, cooling, cop = (rows[column] for column in ("power_eV_per_ns", "cooling_eV_per_ns", "cop"))
        np.testing.assert_array_equal(line(right, label), [cooling, cop])
        if name == "ideal front":
            np.testing.assert_array_equal(line(left, label), [power, cooling])
        else:
            error = rows["error_of_cooling_after_1_ns_eV_per_ns"]
            np.testing.assert_allclose(symbols(left, label)[0], np.transpose([power, cooling, error]))
    assert (left.get_xlabel(), right.get_ylabel()) == ("power (eV/ns per axis)", "coefficient of performance")
    assert left.get_ylabel() == right.get_xlabel() == "heat from the cold bath (eV/ns per axis)"
    assert {text.get_text() for text in left.texts} == {"0.17", "1.2", "4.8", "7.27"}


@pytest.mark.parametrize(
    ("design", "demon", "said"),
    [
        (
            {"coupling_cold_eV_per_A2": [0.1, 0.1], "coupling_hot_eV_per_A2": [0.01, 0.11]},
            {},
            "no machine that was tried cools within its limits: widen",
        ),
        (
            {},
            {"feedback": {"force_limit_eV_per_A": 1}},
            "theory covers only the linear controller without a force limit",
        ),
        ({"delay_ps": [1, 0.5]}, {}, "design.delay_ps = [1, 0.5]: write the smaller number first"),
    ],
)
def test_what_cannot_be_designed_is_said(
    design: dict[str, Any], demon: dict[str, Any], said: str, tmp_path: Path
) -> None:
    """With the reason, and no file is written."""
    with pytest.raises(StudyError) as refused:
        make_design(study(design, **demon), tmp_path)
    assert said in str(refused.value)
    assert not list(tmp_path.iterdir())
