"""Forecasts of heat and its error against what the exact engine then measures."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analysis.friction.particle import Shell
from analysis.friction.result import AxisResult
from analysis.friction.summary import friction_summary
from analysis.model import DressedPair, HeatOfRun, LangevinPair
from analysis.statistics.timeseries import Estimate
from analysis.units import FRICTION_SI
from simulation.experiments.machine import point_runs
from simulation.overview.forecast import PRECISE_Z, SIGN_Z, forecast, friction_of, length_for_response
from simulation.study.fields import Study
from simulation.study.files import check_study
from simulation.study.section import SIDES
from tests.unit.synthetic import Truth, synthetic_runs

REPLICAS = 150


def model(axes: str = "xyz", ratios: Sequence[str] = ("1.2", "4.80", "100"), **schedule: Any) -> Study:
    """A study of the exact model whose sides differ; at 1.2 no heat flows, at 4.80 it cools, at 100 hardly."""
    return check_study(
        "model",
        {
            "engine": "langevin",
            "baths": {"fluid_atoms": 25280},
            "demon": {"kappa_ratios": list(ratios), "coupling_axes": axes},
            "langevin": {"friction_cold_kg_per_s": 3.5e-12, "friction_hot_kg_per_s": 7e-12},
            "integration": {"timestep_fs": 20},
            "schedule": {"sweep_ns": 0.1, "sample_every_ps": 1, "segment_ps": 10, "trajectory_every_ps": 10} | schedule,
        },
    )


@pytest.mark.parametrize(
    ("point", "axes", "sweep_ns"), [("kH_4.80", "xyz", 0.1), ("kH_1.2", "xy", 0.05), ("kH_100", "x", 0.03)]
)
def test_forecast_error_is_the_spread_of_many_runs(point: str, axes: str, sweep_ns: float, tmp_path: Path) -> None:
    """Mean and spread of both heat rates over many runs are those predicted, also where uncoupled axes are half the noise."""
    study = model(axes, sweep_ns=sweep_ns, sweep_replicas=REPLICAS)
    # In the exact model the headline heat is the thermostat's energy (analysis.heat.rates), per coupled axis.
    last = [run.exact().iloc[-1] for run in point_runs(study, point)]
    predicted = forecast(study, friction_of(study, tmp_path)).set_index("kappa_ratio").loc[point.removeprefix("kH_")]
    assert predicted["axes_times_replicas"] == len(axes) * REPLICAS
    for side in SIDES:
        heat, se = predicted[f"heat_{side}_eV_per_ns"], predicted[f"se_{side}_eV_per_ns"]
        rates = np.array([row[f"thermostat_{side}_eV"] for row in last]) / sweep_ns / len(axes)
        assert abs(rates.mean() - heat) < 3.5 * se
        squares = (rates - heat) ** 2
        # Heat over a finite time is not Gaussian, so the error of its variance is measured too.
        error = squares.std(ddof=1) / np.sqrt(REPLICAS)
        assert abs(squares.mean() - REPLICAS * se**2) < 3.5 * error
        assert error < 0.2 * squares.mean(), "too few runs: an error bar wrong by a half would have passed"


@pytest.mark.parametrize(("column", "z"), [("time_for_sign_ns", SIGN_Z), ("time_for_10_percent_ns", PRECISE_Z)])
@pytest.mark.parametrize(("ratio", "slower"), [("0.17", "hot"), ("4.80", "cold")])
def test_study_of_the_predicted_length_has_the_predicted_error(column: str, z: float, ratio: str, slower: str) -> None:
    """A study of the length in the plan reaches that error in the bath that needs longer; the present one does not."""
    study = model(ratios=[ratio], sweep_ns=0.1)
    friction = friction_of(study, Path())
    (length,) = forecast(study, friction)[column]
    assert length > 0.11
    longer = study.model_copy(update={"schedule": study.schedule.model_copy(update={"sweep_ns": length})})
    zs = forecast(longer, friction).iloc[0][["z_cold", "z_hot"]]
    assert zs[f"z_{slower}"] == zs.min() == pytest.approx(z, rel=1e-3)


def test_points_without_heat_are_not_called_undersampled() -> None:
    """At the pseudo-equilibrium no length decides a sign; a short run that cools is undersampled, a long one is not."""
    friction = friction_of(model(), Path())
    short = forecast(model(sweep_ns=0.1), friction)
    assert short["undersampled"].tolist() == [False, True, True]
    assert short["time_for_sign_ns"].isna().tolist() == [True, False, False]
    assert not forecast(model(sweep_ns=1), friction)["undersampled"][1]


@pytest.mark.parametrize("rate", [0.3, -0.2])
def test_length_and_error_belong_together(rate: float) -> None:
    """White noise alone needs z² noise/Q²; with both ends, too, the error at the length is Q/z; without heat none suffices."""
    assert HeatOfRun(rate, 0.09, 0.0).duration(4) == pytest.approx(16 * 0.09 / rate**2)
    heat = HeatOfRun(rate, 0.09, 0.5)
    assert heat.error(heat.duration(7)) == pytest.approx(abs(rate) / 7)
    assert HeatOfRun(0.0, 0.09, 0.5).duration(4) == math.inf


def test_one_bath_without_heat_leaves_the_sign_of_the_other() -> None:
    """Without a force on the hot particle only the cold bath has a sign, which decides the length."""
    (row,) = forecast(model(ratios=["0"], sweep_ns=0.1), friction_of(model(), Path())).to_dict("records")
    assert row["heat_hot_eV_per_ns"] == pytest.approx(0, abs=1e-9)
    assert row["time_for_sign_ns"] < 10


@pytest.mark.parametrize("slow", SIDES)
def test_friction_runs_last_seven_decay_times_of_the_slower_particle(slow: str) -> None:
    """An overdamped position decays in γ/κ - m/γ; along the softest axis that is the longest."""
    frictions = {f"friction_{side}_kg_per_s": 6e-11 if side == slow else 5e-12 for side in SIDES}
    study = model().model_copy(update={"langevin": model().langevin.model_copy(update=frictions)})
    study = study.model_copy(
        update={"trap": study.trap.model_copy(update={"stiffness_eV_per_A2": {"x": 0.02, "yz": 0.01}})}
    )
    friction = friction_of(study, Path())
    pair = study.pair(0.0, 0.0, "y")
    mass, drag = pair.masses[SIDES.index(slow)], 6e-11 / FRICTION_SI
    decay = drag / 0.01 - mass / drag
    assert decay < length_for_response(study, friction) / 7 < 1.02 * decay


def test_measured_friction_is_taken_where_there_is_one(tmp_path: Path) -> None:
    """MD studies use their own friction.json, dressed if it is; studies of the model run with theirs and use that."""
    study = model().model_copy(update={"engine": "lammps"})
    stated = friction_of(study, tmp_path)
    assert "none is measured" in stated.source
    frictions = dict(zip(SIDES, (0.5, 0.7), strict=True))
    at_rest = friction_summary(synthetic_runs(Truth(kappa_ratio=None), 30, 1, seed=1))
    (tmp_path / study.name).mkdir()
    file = tmp_path / study.name / "friction.json"

    def along(shells: tuple[Shell | None, Shell | None], factor: float = 1.0) -> AxisResult:
        """Known frictions, and shells, along some axes."""
        particles = [
            replace(
                particle, white=dict(particle.white) | {"joint": Estimate(factor * frictions[side], 0.1)}, dressed=shell
            )
            for particle, side, shell in zip(at_rest.axes["xyz"].particles, SIDES, shells, strict=True)
        ]
        return replace(at_rest.axes["xyz"], particles=(particles[0], particles[1]))

    def write(*shells: Shell | None, **axes: AxisResult) -> None:
        """Those of all axes together, or those that are given, in a file."""
        found = axes or {"xyz": along((shells[0], shells[1]))}
        file.write_text(json.dumps(replace(at_rest, axes=found).to_json()), encoding="utf-8")

    write(None, None)
    white = friction_of(study, tmp_path)
    pair = white.machine(study, 0.1, 0.2, "x")
    assert isinstance(pair, LangevinPair)
    assert (pair.friction_cold, pair.friction_hot) == (0.5, 0.7)
    assert str(file) in white.source
    # A shell held fast by its bath leaves the core the white friction of its contact.
    write(*(Shell((frictions[side], 5e4, 1.0), np.eye(3)) for side in SIDES))
    dressed = friction_of(study, tmp_path)
    assert "dressed" in dressed.source
    heats = [
        forecast(study, f)[["heat_cold_eV_per_ns", "heat_hot_eV_per_ns"]].iloc[1].tolist()
        for f in (white, dressed, stated)
    ]
    assert heats[1] == pytest.approx(heats[0], rel=1e-3)
    assert heats[2] != pytest.approx(heats[0], rel=0.1)
    # Unlike traps have no friction together: each axis has its own, dressed where all are. Otherwise the smallest error counts.
    shell = Shell((0.5, 5e4, 1.0), np.eye(3))
    for axes, expected, kind in (
        ({"x": along((None, None), 2), "yz": along((shell, shell), 3)}, {"x": 1.0, "y": None}, "one per particle"),
        ({"x": along((None, None), 2), "yz": along((None, None), 3)}, {"x": 1.0, "z": 1.5}, "one per particle"),
        ({"x": along((None, None), 2), "xyz": along((None, None))}, {"x": 0.5, "z": 0.5}, "one per particle"),
        ({"x": along((shell, shell)), "yz": along((shell, shell))}, {"x": None}, "particles dressed with fluid"),
    ):
        write(**axes)
        by_axis = friction_of(study, tmp_path)
        assert f"measured, {kind} (" in by_axis.source
        for axis, value in expected.items():
            machine = by_axis.machine(study, 0.1, 0.2, axis)
            assert isinstance(machine, DressedPair if value is None else LangevinPair)
            if isinstance(machine, LangevinPair):
                assert machine.friction_cold == value
    assert friction_of(model(), tmp_path).measured == stated.measured == {}
    file.write_text("{}", encoding="utf-8")
    assert friction_of(study, tmp_path) == stated, "a file of another version, or damaged, is no measurement"
