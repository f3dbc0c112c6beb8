"""`snakemake design`: the couplings that it finds, the limits that it keeps, and the study file that it leaves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from analysis.figures.design import design as draw
from analysis.model import Design, Feedback, Limits, Refrigerator
from simulation.overview.design import make_design
from simulation.overview.forecast import forecast, friction_of
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
    assert left.get_title(loc="left") == "bars: error after 1 ns"


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


BOLTZMANN = 8.617333262e-5


@pytest.fixture
def short_front(monkeypatch: pytest.MonkeyPatch) -> None:
    """One point of the front, each of which is a search of its own."""
    monkeypatch.setattr("simulation.overview.design.FRONT", np.array([0.4]))


@pytest.mark.usefixtures("short_front")
def test_every_column_is_that_of_the_exact_pair(tmp_path: Path) -> None:
    """Of the study's own points: heats and works per time, temperatures, spreads and forces, by the covariance of the pair."""
    own = found({"coupling_hot_eV_per_A2": [0.4, 0.5], "coupling_cold_eV_per_A2": [0.1, 0.1]}, tmp_path)
    chosen = study({})
    mass = chosen.particle_mass_eV_ps2_per_A2
    rows = own[own["design"] == "study"]
    assert [*rows["kappa_ratio"]] == [0.17, 1.2, 4.8, 7.27]
    for _, row in rows.iterrows():
        kappa = np.array([0.1, 0.1 * row["kappa_ratio"]])
        pair = chosen.pair(*kappa)
        covariance = pair.covariance()
        gap = covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1]
        heats = 1e3 * pair.heat_rates()
        expected = {
            "coupling_cold_eV_per_A2": 0.1,
            "delay_ps": 0.0,
            "cooling_eV_per_ns": -heats[0],
            "power_eV_per_ns": heats.sum(),
            "temperature_cold_K": mass * covariance[2, 2] / BOLTZMANN,
            "temperature_hot_K": mass * covariance[3, 3] / BOLTZMANN,
            "spread_cold_A": covariance[0, 0] ** 0.5,
            "spread_hot_A": covariance[1, 1] ** 0.5,
            "force_cold_eV_per_A": kappa[0] * gap**0.5,
            "force_hot_eV_per_A": kappa[1] * gap**0.5,
        }
        assert {name: row[name] for name in expected} == pytest.approx(expected, rel=1e-4, abs=1e-6)
        if heats[0] < -1e-3:  # otherwise it is no refrigerator
            assert row["cop"] == pytest.approx(-heats[0] / heats.sum(), rel=1e-4)
        # Long runs have the error √(noise/time); the forecast of a run of a microsecond is one.
        long = chosen.model_copy(
            update={
                "schedule": chosen.schedule.model_copy(update={"sweep_ns": 1000.0}),
                "demon": chosen.demon.model_copy(update={"kappa_ratios": (f"{row['kappa_ratio']:g}",)}),
            }
        )
        error = forecast(long, friction_of(long, tmp_path))["se_cold_eV_per_ns"].item() * 1000**0.5
        assert row["error_of_cooling_after_1_ns_eV_per_ns"] == pytest.approx(error, rel=0.01)


@pytest.mark.usefixtures("short_front")
@pytest.mark.parametrize(
    ("limit", "column", "sign"),
    [
        ("spread_A", ["spread_cold_A", "spread_hot_A"], 1),
        ("force_eV_per_A", ["force_cold_eV_per_A", "force_hot_eV_per_A"], 1),
        ("power_eV_per_ns", ["power_eV_per_ns"], 1),
        ("cooling_eV_per_ns", ["cooling_eV_per_ns"], -1),
    ],
)
def test_each_limit_is_kept_to_the_brim(limit: str, column: list[str], sign: int, tmp_path: Path) -> None:
    """A limit a little short of what the best machine has is met, and just so; `cop` is sought where cooling is asked for."""
    ranges: dict[str, Any] = {"coupling_cold_eV_per_A2": [0.1, 0.1], "coupling_hot_eV_per_A2": [0.1, 2]}
    goal = {"goal": "cop"} if sign < 0 else {}
    free = found(ranges, tmp_path).iloc[0]
    value = 0.97 * float(free[column].max())
    bound = found(ranges | goal | {limit: value}, tmp_path).iloc[0]
    assert float(bound[column].max()) == pytest.approx(value, rel=5e-3)
    assert sign * float(bound[column].max()) <= sign * value * (1 + sign * 1e-4)


def test_front_is_that_of_the_ideal_demon_whatever_is_sought(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the largest cooling, without delay, at shares of the power of the best that cools, whatever the goal and the loop."""
    sought: list[Any] = []
    front: list[Any] = []

    def best(
        machine: Refrigerator, limits: Limits, goal: str, loop: Feedback | None = None, excess: object = None
    ) -> Design:
        sought.append((limits.delay, goal, int(loop is not None)))
        assert excess is None, "there is one machine along all axes"
        return Design.of(machine, loop or Feedback())

    def at(_: Refrigerator, limits: Limits, power: float) -> list[Design]:
        front.append((limits.delay, limits.coupling_hot, power))
        return []

    monkeypatch.setattr("simulation.overview.design.best_design", best)
    monkeypatch.setattr("simulation.overview.design.pareto_front", at)
    ranges: dict[str, Any] = {"coupling_hot_eV_per_A2": [0.1, 2], "delay_ps": [0.0, 0.5]}
    chosen = study(ranges | {"goal": "cop", "cooling_eV_per_ns": 0.05}, feedback={"delayed": "partner"})
    make_design(chosen, tmp_path)
    assert sought == [((0.0, 0.5), "cop", 1), (None, "cooling", 0)]
    power = chosen.pair(0.1, 0.727).heat_rates().sum()
    assert [row[:2] for row in front] == [(None, (0.1, 2))] * 5
    assert [row[2] for row in front] == pytest.approx([share * power for share in (0.1, 0.2, 0.4, 0.7, 1.0)])


@pytest.mark.usefixtures("short_front")
def test_text_has_the_numbers_of_the_table_and_says_what_was_sought(tmp_path: Path) -> None:
    """To three digits, from its design to its COP; and where the files are."""
    text = make_design(study({"coupling_cold_eV_per_A2": [0.1, 0.1]}, coupling_axes="yz"), tmp_path)
    table = pd.read_csv(tmp_path / "wanted" / "design.csv")
    assert text.startswith(
        "Study wanted: best cooling along y; friction: section langevin of the study, used by the model\n"
    )
    lines = text.split("\n\n")[1].splitlines()
    assert lines[0].split() == [*table.columns[:7]]
    assert len(lines) == 2 + len(table)
    for told, (_, row) in zip(lines[2:], table.iterrows(), strict=True):
        assert told.startswith(row["design"])
        shown = [float(word) for word in told.removeprefix(row["design"]).split()]
        assert shown == pytest.approx([*row.iloc[1:7].astype(float)], rel=6e-3, nan_ok=True)
    assert f"All numbers: {tmp_path}/wanted/design.csv." in text
    assert f"{tmp_path}/wanted/design.yaml, to be copied to config/" in text


@pytest.mark.usefixtures("short_front")
def test_a_delay_of_the_best_machine_is_whole_steps_in_its_file(tmp_path: Path) -> None:
    """That of the partner's reading alone raises the cooling; the file has the study's other fields and no variants."""
    data = {
        "engine": "langevin",
        "baths": {"fluid_atoms": 25280, "temperature_hot_K": 118},
        "demon": {"feedback": {"delayed": "partner"}},
        "integration": {"timestep_fs": 20},
        "design": {
            "coupling_cold_eV_per_A2": [0.1, 0.1],
            "coupling_hot_eV_per_A2": [0.48, 0.48],
            "delay_ps": [0.0, 0.6],
        },
        "variants": {"warm": {"baths": {"temperature_hot_K": 130}}},
    }
    chosen = check_study("wanted", data)
    text = make_design(chosen, tmp_path)
    best = pd.read_csv(tmp_path / "wanted" / "design.csv").iloc[0]
    assert 0.1 < best["delay_ps"] <= 0.6
    written = (tmp_path / "wanted" / "design.yaml").read_text(encoding="utf-8")
    assert written.startswith("# Study wanted with the best couplings found by `snakemake design` for cooling.\n")
    again = check_study("again", yaml.safe_load(written))
    delay = again.demon.feedback.delay_ps
    assert delay == pytest.approx(best["delay_ps"], abs=0.0101)
    assert delay / 0.02 == pytest.approx(round(delay / 0.02), abs=1e-6)
    assert again.demon.feedback.delayed == "partner"
    assert (again.baths.temperature_hot_K, again.variants, again.demon.shown_ratios) == (118, {}, ("4.8",))
    assert "friction: section langevin" in text


def along(axes: str, cold: tuple[float, float], hot: tuple[float, float]) -> Study:
    """A machine of strong friction along x alone, where a delay would allow stronger couplings than along y and z."""
    friction = {"x": 2e-11, "yz": 1e-12}
    data = {
        "engine": "langevin",
        "baths": {"fluid_atoms": 25280},
        "langevin": {"friction_cold_kg_per_s": friction, "friction_hot_kg_per_s": friction},
        "integration": {"timestep_fs": 5},
        "demon": {
            "coupling_axes": axes,
            "coupling_cold_eV_per_A2": 0.02,
            "kappa_ratios": ["4.80"],
            "shown_ratios": ["4.80"],
            "feedback": {"delay_ps": 0.2},
        },
        "design": {"coupling_cold_eV_per_A2": cold, "coupling_hot_eV_per_A2": hot},
    }
    return check_study("wanted", data)


@pytest.mark.usefixtures("short_front")
def test_best_machine_is_stable_along_every_axis(tmp_path: Path) -> None:
    """It cools most of those that are, on a fine grid, and runs from its file; along one axis a better one is found."""
    chosen = along("xyz", (0.05, 0.05), (0.001, 10))
    loop = Feedback(delay=0.2)
    grid = np.geomspace(0.1, 1, 50)
    stable = [hot for hot in grid if chosen.pair(0.05, hot, "y").with_feedback(loop).is_stable]
    assert 0 < len(stable) < len(grid)
    cooling = max(1e3 * Design.of(chosen.pair(0.05, hot), loop).cooling for hot in stable)
    make_design(chosen, tmp_path)
    best = pd.read_csv(tmp_path / "wanted" / "design.csv").iloc[0]
    assert 0.999 * cooling < best["cooling_eV_per_ns"] < 1.05 * cooling
    written = yaml.safe_load((tmp_path / "wanted" / "design.yaml").read_text(encoding="utf-8"))
    again = check_study("again", written)
    couplings = again.demon.coupling_cold_eV_per_A2, again.coupling_hot_eV_per_A2(again.demon.kappa_ratios[0])
    assert all(again.pair(*couplings, axis).with_feedback(loop).is_stable for axis in "xyz")
    make_design(along("x", (0.05, 0.05), (0.001, 10)), tmp_path)
    assert pd.read_csv(tmp_path / "wanted" / "design.csv").iloc[0]["cooling_eV_per_ns"] > 1.1 * cooling


def test_no_machine_that_is_stable_along_every_axis_is_said(tmp_path: Path) -> None:
    """Before anything is written."""
    with pytest.raises(
        StudyError, match="cools within its limits and is stable along all coupled axes: widen its ranges"
    ):
        make_design(along("xyz", (0.36, 0.36), (2, 3)), tmp_path)
    assert not list(tmp_path.iterdir())


def test_what_the_search_does_not_know_is_refused(tmp_path: Path) -> None:
    """Cold damping of either side, and moving traps, by the field to change."""
    for demon in ({"damping_cold_kg_per_s": 1e-12}, {"damping_hot_kg_per_s": 1e-12}):
        with pytest.raises(StudyError, match=r"does not include cold damping: set demon\.damping_… to 0"):
            make_design(study({}, **demon), tmp_path)
    moved = {"motion_hot": [{"amplitude_A": 1, "period_ps": 20}]}
    data = {"engine": "langevin", "baths": {"fluid_atoms": 25280}, "trap": moved}
    with pytest.raises(StudyError, match=r"does not include moving traps: remove trap\.motion_…"):
        make_design(check_study("wanted", data), tmp_path)
    assert not list(tmp_path.iterdir())
