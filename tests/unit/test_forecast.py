"""Forecasts of heat and its error against what the exact engine then measures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analysis.model import LangevinPair
from simulation.experiments.machine import point_runs
from simulation.overview.forecast import DECIDED_Z, HeatForecast, PointForecast, forecast, friction_of
from simulation.study.fields import Study
from simulation.study.files import check_study
from simulation.study.section import SIDES

REPLICAS = 150


def model(axes: str = "xyz", **schedule: Any) -> Study:
    """A study of the exact model whose sides differ; at 1.2 no heat flows, at 4.80 it cools, at 100 hardly."""
    return check_study(
        "model",
        {
            "engine": "langevin",
            "baths": {"fluid_atoms": 25280},
            "demon": {"kappa_ratios": ["1.2", "4.80", "100"], "coupling_axes": axes},
            "langevin": {"friction_cold_kg_per_s": 3.5e-12, "friction_hot_kg_per_s": 7e-12},
            "integration": {"timestep_fs": 20},
            "schedule": {"sweep_ns": 0.1, "sample_every_ps": 1, "segment_ps": 10, "trajectory_every_ps": 10} | schedule,
        },
    )


@pytest.mark.parametrize(
    ("point", "axes", "sweep_ns"), [("kH_4.80", "xyz", 0.1), ("kH_1.2", "xy", 0.05), ("kH_100", "x", 0.03)]
)
def test_forecast_error_is_the_spread_of_many_runs(point: str, axes: str, sweep_ns: float, tmp_path: Path) -> None:
    """Mean and spread of both heat rates over many runs are those foretold, also where uncoupled axes are half the noise."""
    study = model(axes, sweep_ns=sweep_ns, sweep_replicas=REPLICAS)
    # In the exact model the headline heat is the thermostat's energy (analysis.heat.rates), per coupled axis.
    last = [run.exact().iloc[-1] for run in point_runs(study, point)]
    foretold = next(f for f in forecast(study, friction_of(study, tmp_path)) if f"kH_{f.kappa_ratio}" == point)
    assert foretold.copies == len(axes) * REPLICAS
    for side, heat in zip(SIDES, foretold.heats, strict=True):
        rates = np.array([row[f"thermostat_{side}_eV"] for row in last]) / sweep_ns / len(axes)
        assert abs(rates.mean() - heat.heat) < 3.5 * heat.se
        squares = (rates - heat.heat) ** 2
        # Heat over a finite time is not Gaussian, so the error of its variance is measured too.
        error = squares.std(ddof=1) / np.sqrt(REPLICAS)
        assert abs(squares.mean() - REPLICAS * heat.se**2) < 3.5 * error
        assert error < 0.2 * squares.mean(), "too few runs: an error bar wrong by a half would have passed"


def test_time_for_is_the_time_at_which_the_forecast_reaches_that_error() -> None:
    """A study lengthened to what the plan says stands where the plan said, and the 10 % length is not the present one."""
    study = model(sweep_ns=0.1)
    friction = friction_of(study, Path())
    z = 10.0
    wanted = forecast(study, friction)[1].time_for(z)
    assert wanted is not None
    assert wanted > 0.3
    longer = study.model_copy(update={"schedule": study.schedule.model_copy(update={"sweep_ns": wanted})})
    assert min(heat.z for heat in forecast(longer, friction)[1].heats) == pytest.approx(z, rel=1e-3)


def test_points_without_heat_are_not_called_undersampled() -> None:
    """At the pseudo-equilibrium no length decides a sign; a short run that cools is undersampled, a long one is not."""
    friction = friction_of(model(), Path())
    still, cooling, _ = forecast(model(sweep_ns=0.1), friction)
    assert not still.is_undersampled
    assert still.time_for(DECIDED_Z) is None
    assert cooling.is_undersampled
    assert not forecast(model(sweep_ns=1), friction)[1].is_undersampled


@pytest.mark.parametrize("side", [0, 1])
@pytest.mark.parametrize("sign", [1, -1])
def test_one_undecided_bath_leaves_a_point_undersampled(side: int, sign: int) -> None:
    """Both baths' signs must stand out, into the bath or out of it; the length that decides is that of the slower one."""
    good, poor, still = (
        HeatForecast(sign * q, se, noise=se**2, offset=0.0) for q, se in ((1, 0.2), (1, 0.3), (0, 0.3))
    )
    both = [good, poor] if side else [poor, good]
    point = PointForecast("4.80", time_ns=1.0, copies=1, heats=(both[0], both[1]))
    assert point.is_undersampled
    assert point.time_for(DECIDED_Z) == pytest.approx((0.3 * DECIDED_Z) ** 2)
    assert not PointForecast("4.80", 1.0, 1, (good, good)).is_undersampled
    # A bath that no heat flows into has no sign to decide.
    both = [good, still] if side else [still, good]
    assert not PointForecast("4.80", 1.0, 1, (both[0], both[1])).is_undersampled


def test_measured_friction_is_taken_where_there_is_one(tmp_path: Path) -> None:
    """MD studies use their own friction.json, dressed if it is; studies of the model run with theirs and use that."""
    study = model().model_copy(update={"engine": "lammps"})
    stated = friction_of(study, tmp_path)
    assert "none is measured" in stated.source
    frictions = dict(zip(SIDES, (0.5, 0.7), strict=True))
    content: dict[str, Any] = {f"friction_{side}_eV_ps_per_A2": frictions[side] for side in SIDES} | {"dressed": None}
    (tmp_path / study.name).mkdir()
    file = tmp_path / study.name / "friction.json"
    file.write_text(json.dumps({"axes": {"xyz": content}}))
    white = friction_of(study, tmp_path)
    pair = white.machine(study, 0.1, 0.2, "x")
    assert isinstance(pair, LangevinPair)
    assert (pair.friction_cold, pair.friction_hot) == (0.5, 0.7)
    assert str(file) in white.source
    # A shell held fast by its bath leaves the core the white friction of its contact.
    shells = {
        side: {
            "core_friction_eV_ps_per_A2": frictions[side],
            "shell_friction_eV_ps_per_A2": 5e4,
            "shell_mass_eV_ps2_per_A2": 1.0,
        }
        for side in SIDES
    }
    file.write_text(json.dumps({"axes": {"xyz": content | {"dressed": shells}}}))
    dressed = friction_of(study, tmp_path)
    assert "dressed" in dressed.source
    heats = [[heat.heat for heat in forecast(study, f)[1].heats] for f in (white, dressed, stated)]
    assert heats[1] == pytest.approx(heats[0], rel=1e-3)
    assert heats[2] != pytest.approx(heats[0], rel=0.1)
    assert friction_of(model(), tmp_path).measured == stated.measured == {}
