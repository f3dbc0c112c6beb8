"""Traps that oscillate, and traps of different stiffness along each axis: exact theory, exact engine, decks, and records."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.integrate import solve_ivp

from analysis.compare.comparison import Comparison
from analysis.compare.response import response_rates
from analysis.compare.table import summary_text
from analysis.compare.theory import models
from analysis.data.parameters import Parameters
from analysis.data.runs import load_run
from analysis.friction.response import Response as Friction
from analysis.friction.response import Responses, response
from analysis.friction.result import AxisFriction
from analysis.friction.result import Friction as Measured
from analysis.friction.summary import friction_summary
from analysis.heat.rates import point_summary
from analysis.model import AT_REST, LangevinPair, MovedPair, Oscillation, PairWithBodies, TrapMotion, moved_heats
from analysis.model.moved import Response
from analysis.statistics.timeseries import Estimate, without_oscillations
from analysis.units import FRICTION_SI, PER_NS
from simulation.engines.controlled import propagate_controlled
from simulation.engines.langevin import propagate_pair
from simulation.engines.ranks import Ranks
from simulation.experiments import experiment_at
from simulation.experiments.machine import Machine, friction_study
from simulation.perform import perform
from simulation.segments.piece import demon_of
from simulation.study.fields import Study, StudyError
from simulation.study.files import check_study
from tests.unit.deck_reader import Deck

COMMON: dict[str, Any] = {
    "mass": 1.225,
    "trap": 0.01,
    "coupling_cold": 0.1,
    "coupling_hot": 0.48,
    "temperature_cold": 100.0,
    "temperature_hot": 120.0,
}
WHITE = LangevinPair(friction_cold=0.3, friction_hot=0.5, **COMMON)
REMEMBERING = PairWithBodies(
    friction_cold=0.3,
    friction_hot=0.5,
    body_frictions_cold=(1.0,),
    body_times_cold=(2.0,),
    maxwell_frictions_hot=(0.8,),
    maxwell_times_hot=(3.0,),
    **COMMON,
)
MOTION = TrapMotion((Oscillation(1.5, 20, 30),), (Oscillation(1.0, 20), Oscillation(0.8, 7, 100)))


# --- exact theory -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("machine", [WHITE, REMEMBERING], ids=["white", "with memory"])
def test_all_work_becomes_heat_on_each_side(machine: LangevinPair | PairWithBodies) -> None:
    """First law of each side in the mean: work of the controller and of the moving trap is the heat of that bath."""
    moved = MovedPair(machine, MOTION)
    np.testing.assert_allclose(moved.work_rates() + moved.trap_work_rates(), moved.heat_rates(), rtol=1e-9)
    assert (moved.heat_rates() > machine.heat_rates()).all()


def test_mean_motion_solves_newtons_equation() -> None:
    """The response is the periodic solution of the equations of motion, integrated step by step from rest."""
    moved, mass = MovedPair(WHITE, MOTION), COMMON["mass"]

    def rate(time: float, state: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        x, v = state[:2], state[2:]
        centre = [1.5 * np.sin(2 * np.pi * time / 20 + np.pi / 6)]
        centre.append(np.sin(2 * np.pi * time / 20) + 0.8 * np.sin(2 * np.pi * time / 7 + np.radians(100)))
        force = -0.01 * (x - centre) + np.array([0.1, -0.48]) * (x[1] - x[0]) - np.array([0.3, 0.5]) * v
        return np.concatenate([v, force / mass])

    times = np.linspace(600, 700, 51)
    found = solve_ivp(rate, (0, 700), np.zeros(4), t_eval=times, rtol=1e-9, atol=1e-11)
    np.testing.assert_allclose(moved.response.at(times), found.y.T, rtol=0, atol=1e-6)


def test_one_moved_trap_heats_its_bath_as_a_driven_oscillator_does() -> None:
    """Without coupling: ½ γ ω² |κλ/(κ - mω² + iωγ)|², and the other bath gets nothing."""
    alone = MovedPair(replace(WHITE, coupling_cold=0.0, coupling_hot=0.0), TrapMotion(hot=(Oscillation(0.7, 25),)))
    omega = 2 * np.pi / 25
    amplitude = 0.01 * 0.7 / abs(0.01 - 1.225 * omega**2 + 1j * omega * 0.5)
    assert alone.heat_rates() == pytest.approx([0.0, 0.5 * omega**2 * amplitude**2 / 2], rel=1e-9, abs=1e-18)


def test_equal_periods_interfere_and_others_do_not() -> None:
    """Both traps in phase heat otherwise than in opposite phase; of two periods the heats add."""

    def extra(*oscillations: tuple[Oscillation, ...]) -> np.ndarray[Any, Any]:
        return MovedPair(WHITE, TrapMotion(*oscillations)).heat_rates() - WHITE.heat_rates()

    one = (Oscillation(1.0, 20),)
    in_phase, opposite = extra(one, one), extra(one, (Oscillation(1.0, 20, 180),))
    assert not np.allclose(in_phase, opposite, rtol=0.2)
    np.testing.assert_allclose(in_phase + opposite, 2 * (extra(one) + extra((), one)), rtol=1e-9)
    np.testing.assert_allclose(
        extra(one, (Oscillation(1.0, 9),)), extra(one) + extra((), (Oscillation(1.0, 9),)), rtol=1e-9
    )


def test_heat_from_friction_at_one_frequency_is_that_of_the_network() -> None:
    """`moved_heats` with γ(ω) of bodies and Maxwell modes gives what the network with hidden velocities gives."""
    added = np.zeros(2)
    for omega, centre in MOTION.amplitudes.items():
        lag = -1j * omega
        friction = np.array([0.3 + 1.0 * lag * 2.0 / (1 + lag * 2.0), 0.5 + 0.8 / (1 + lag * 3.0)])
        added = added + moved_heats(omega, centre, 0.01, (0.1, 0.48), (1.225, 1.225), friction)
    np.testing.assert_allclose(added, MovedPair(REMEMBERING, MOTION).heat_rates() - REMEMBERING.heat_rates(), rtol=1e-9)


def test_linear_response_counts_the_motion() -> None:
    """The forecast from measured γ(ω) of white baths is that of the white pair, along each axis in its own trap."""
    parameters = replace(told_parameters(), coupling_axes="xy")
    frequency = np.geomspace(1e-3, 10, 4000)
    cold, hot = (
        Friction(frequency, *(np.full((*n, frequency.size), g, dtype=complex) for n in ((), (2,), (0,))))
        for g in (0.3, 0.5)
    )
    found = response_rates(parameters, Responses({"x": (cold, hot), "yz": (cold, hot)}))
    assert found is not None
    pairs = [replace(WHITE, mass=parameters.mass, trap=trap, coupling_hot=0.3) for trap in (0.01, 0.05)]
    expected = np.mean([MovedPair(pair, MOTION).heat_rates() for pair in pairs], axis=0)
    np.testing.assert_allclose(found.rates, expected, rtol=2e-3)
    white = AxisFriction((Estimate(0.3, 0.01), Estimate(0.5, 0.01)))
    model = models(parameters, Measured({"x": white, "yz": white}, white))["theory"]
    np.testing.assert_allclose(model.forecast().rates, expected, rtol=1e-9)


# --- exact engine -------------------------------------------------------------------------------------------------------------


@cache
def paths(machine: LangevinPair | PairWithBodies) -> tuple[np.ndarray[Any, Any], ...]:
    """Many short paths: rates of heat, of the work of the controller and of that of the traps, (n, 2) each."""
    generator, time = np.random.default_rng(11), 140.0
    heats, works, moving = [], [], []
    for _ in range(80):
        states, work, moved = propagate_pair(machine, 0.02, 7_000, 50, generator, MOTION)
        centre = MOTION.centre(np.arange(len(states)) * 1.0)
        stored = 0.01 / 2 * (states[:, :2] - centre) ** 2 + 1.225 / 2 * states[:, 2:4] ** 2
        heats.append((work[-1] + moved[-1] - stored[-1] + stored[0]) / time)
        works.append(work[-1] / time)
        moving.append(moved[-1] / time)
    return np.array(heats), np.array(works), np.array(moving)


def test_works_and_heats_of_paths_are_those_of_theory() -> None:
    """Over many independent paths, with z-scores; the motion changes all of them by far more than the errors."""
    moved = MovedPair(WHITE, MOTION)
    found = paths(WHITE)
    for rates, exact in zip(found, (moved.heat_rates(), moved.work_rates(), moved.trap_work_rates()), strict=True):
        error = rates.std(axis=0, ddof=1) / np.sqrt(len(rates))
        assert (np.abs(rates.mean(axis=0) - exact) < 3.5 * error).all()
    assert (np.abs(moved.trap_work_rates()) > 5 * found[2].std(axis=0, ddof=1) / np.sqrt(80)).any()


def test_motion_adds_the_noise_of_theory() -> None:
    """The variance of heat over a long time, with motion and without: a large motion makes most of it."""
    large = TrapMotion((Oscillation(25.0, 30),), (Oscillation(25.0, 30, 90),))
    generator, time = np.random.default_rng(12), 1500.0
    heats = []
    for _ in range(150):
        states, work, moved = propagate_pair(WHITE, 0.1, 15_000, 15_000, generator, large)
        stored = 0.01 / 2 * (states[:, :2] - large.centre([0.0, time])) ** 2 + 1.225 / 2 * states[:, 2:] ** 2
        heats.append(work[-1] + moved[-1] - stored[-1] + stored[0])
    found = np.cov(np.array(heats).T) / time
    noise, rest = MovedPair(WHITE, large).heat_noise(), WHITE.flow_noise()[2:, 2:]
    for i, j in ((0, 0), (1, 1), (0, 1)):
        error = np.sqrt((found[i, i] * found[j, j] + found[i, j] ** 2) / 149)
        assert abs(found[i, j] - noise[i, j] - rest[i, j]) < 3.5 * error
    assert (np.diag(noise) > 5 * np.diag(rest)).all()


def test_chunks_join_without_a_seam(monkeypatch: pytest.MonkeyPatch) -> None:
    """A path with motion does not depend on how it is cut for memory."""
    whole = propagate_pair(WHITE, 0.02, 3_000, 50, np.random.default_rng(8), MOTION)
    monkeypatch.setattr("simulation.engines.langevin.CHUNK_STEPS", 400)
    for a, b in zip(whole, propagate_pair(WHITE, 0.02, 3_000, 50, np.random.default_rng(8), MOTION), strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-9)


@pytest.mark.parametrize("is_held", [True, False])
def test_called_controller_sees_the_motion(is_held: bool) -> None:
    """The linear law, called at every step, gives the mean motion and the works of the exact network; held, nearly so."""
    moved = MovedPair(WHITE, MOTION)
    plant = replace(WHITE, coupling_cold=0.0, coupling_hot=0.0)
    law = WHITE.controller_force()
    rest = {
        "springs": np.zeros((2, 3)),
        "is_held": is_held,
        "timestep": 0.05,
        "before": 4000,
        "steps": 2800,
        "stride": 20,
    }
    quiet = [replace(plant, temperature_cold=1e-6, temperature_hot=1e-6)] * 3
    states, work, moving = propagate_controlled(
        quiet,
        lambda step, x, v: law @ x,
        generators=[np.random.default_rng(k) for k in range(3)],
        trap=[0.01, 0.0, 0.0],
        motion=MOTION,
        **rest,  # type: ignore[arg-type]
    )
    assert (moving[0] == 0).all()
    assert (work[0] == 0).all()
    expected = moved.response.at(np.arange(141) * 1.0)
    np.testing.assert_allclose(states[0], expected, rtol=0, atol=3e-3)
    assert np.abs(states[1]).max() < 0.02
    cold = replace(WHITE, temperature_cold=1e-6, temperature_hot=1e-6)
    time = 140.0  # seven periods of 20 ps, twenty of 7 ps
    np.testing.assert_allclose(moving[-1, :, 0] / time, MovedPair(cold, MOTION).trap_work_rates(), rtol=5e-3)
    tolerance = 0.015 if is_held else 5e-3  # a held force is late by half a step
    np.testing.assert_allclose(work[-1, :, 0] / time, MovedPair(cold, MOTION).work_rates(), rtol=tolerance)


class _Unit:
    """In place of random numbers: 1 for one variable at the start, and no noise after it."""

    def __init__(self, variable: int) -> None:
        """Which variable of an axis; none if negative."""
        self.variable = variable

    def standard_normal(self, size: int | tuple[int, int]) -> np.ndarray[Any, Any]:
        """Numbers of that shape."""
        return (np.arange(size) == self.variable).astype(float) if isinstance(size, int) else np.zeros(size)


def test_called_controller_begins_in_the_stationary_state() -> None:
    """The start is linear in its random numbers, and their squares add up to the covariance of each plant by itself."""
    plants = [WHITE, REMEMBERING, replace(WHITE, trap=0.05)]
    for axis, plant in enumerate(plants):
        exact = plant.covariance()
        starts = []
        for variable in range(len(exact)):
            states, *_ = propagate_controlled(
                plants,
                lambda step, x, v: np.zeros((2, 3)),
                springs=np.zeros((2, 3)),
                is_held=True,
                timestep=0.05,
                before=0,
                steps=1,
                stride=1,
                generators=[_Unit(variable if each == axis else -1) for each in range(3)],  # type: ignore[misc]
            )
            starts.append(states[axis][0])
            assert not any(states[other][0].any() for other in range(3) if other != axis)
        np.testing.assert_allclose(np.transpose(starts) @ starts, exact, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("is_held", [True, False])
def test_called_controller_is_asked_once_at_each_step(is_held: bool) -> None:
    """In order, from the start of the relaxation on, at 0 when the measurement begins; its force is shown what it acts on."""
    asked: list[int] = []

    def ask(step: int, x: np.ndarray[Any, Any], v: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        asked.append(step)
        assert x.shape == v.shape == (2, 3)
        return np.zeros((2, 3))

    propagate_controlled(
        [WHITE] * 3,
        ask,
        springs=np.zeros((2, 3)),
        is_held=is_held,
        timestep=0.05,
        before=7,
        steps=10,
        stride=5,
        generators=[np.random.default_rng(k) for k in range(3)],
    )
    assert asked == [*range(-7, 11)]


# --- studies, decks, records -------------------------------------------------------------------------------------------------


def data(**trap: Any) -> dict[str, Any]:
    """A study of the exact model, coupled along x and y."""
    motion = {
        "motion_cold": [{"amplitude_A": 1.5, "period_ps": 20, "phase_deg": 30}],
        "motion_hot": [{"amplitude_A": 1.0, "period_ps": 20}, {"amplitude_A": 0.8, "period_ps": 7, "phase_deg": 100}],
    }
    return {
        "engine": "langevin",
        "baths": {"fluid_atoms": 25280},
        "trap": {"stiffness_eV_per_A2": {"x": 0.01, "yz": 0.05}} | motion | trap,
        "demon": {"kappa_ratios": ["3"], "coupling_axes": "xy"},
        "langevin": {
            "friction_cold_kg_per_s": 0.3 * FRICTION_SI,
            "friction_hot_kg_per_s": 0.5 * FRICTION_SI,
        },
        "integration": {"timestep_fs": 20},
        "schedule": {"friction_ns": 3, "sweep_ns": 1, "sweep_replicas": 2},
        "drag": {"forces_nN": []},
    }


def study(**trap: Any) -> Study:
    """The same, checked."""
    return check_study("moved", data(**trap))


def told_parameters() -> Parameters:
    """What `run.json` of a run says, as the analysis reads it."""
    return Parameters.from_json(experiment_at(study(), "kH_3", 1).describe()["parameters"])


def test_parameters_survive_their_files() -> None:
    """Stiffness by axis and motion are read as the study states them, and written as they were read."""
    parameters = told_parameters()
    assert parameters.traps == (0.01, 0.05, 0.05)
    assert parameters.motion == MOTION
    assert Parameters.from_json(json.loads(json.dumps(parameters.to_json()))) == parameters
    assert not parameters.is_linear
    assert parameters.has_theory
    assert (parameters.along("x").trap, parameters.along("y").trap) == (0.01, 0.05)
    at_rest = Parameters.from_json(experiment_at(study(), "friction", 1).describe()["parameters"])
    assert at_rest.motion == AT_REST
    looped = replace(parameters, damping=(0.1, 0.0))
    assert not looped.has_theory


def test_friction_runs_do_not_move_their_traps() -> None:
    """So a variant that only moves the traps shares the friction of its base, and one of other stiffness does not."""
    base = study(motion_cold=[], motion_hot=[])
    assert friction_study(base, study().model_copy(update={"name": "moved@v"})) == "moved"
    assert friction_study(base, study(stiffness_eV_per_A2=0.02).model_copy(update={"name": "moved@v"})) == "moved@v"
    for point, same in (("friction", True), ("kH_3", False)):
        assert (experiment_at(base, point, 1).fingerprint == experiment_at(study(), point, 1).fingerprint) is same


def test_runs_are_analysed_along_each_axis_in_its_own_trap(tmp_path: Path) -> None:
    """From study to verdict: heats and powers of the traps agree with theory; friction is not pooled over unlike traps."""
    chosen = study()
    for point, replicas in (("friction", 1), ("kH_3", 2)):
        for replica in range(1, replicas + 1):
            perform(experiment_at(chosen, point, replica), tmp_path / f"{point}_{replica}", Ranks(1))
    runs = [load_run(tmp_path / f"kH_3_{replica}") for replica in (1, 2)]
    assert runs[0].equivalent_axes == ("x", "yz")
    heat = point_summary(runs)
    assert heat.trap_power is not None
    exact = [MovedPair(chosen.pair(0.1, 0.3, axis), MOTION) for axis in "xy"]
    for j in range(2):
        assert abs(heat.heat[j].z(PER_NS * np.mean([pair.heat_rates()[j] for pair in exact]))) < 3.5
        assert abs(heat.rates["work"][j].z(PER_NS * np.mean([pair.heat_rates()[j] for pair in exact]))) < 3.5
        assert abs(heat.trap_power[j].z(PER_NS * np.mean([pair.trap_work_rates()[j] for pair in exact]))) < 3.5
        assert 0 < heat.heat[j].se < 0.2 * abs(heat.heat[j].value)
    friction = friction_summary([load_run(tmp_path / "friction_1")])
    assert tuple(friction.axes) == friction.equivalent == ("x", "yz")
    for axes, trap in (("x", 0.01), ("yz", 0.05)):
        variance = friction.axes[axes].particles[0].position_variance
        assert variance.expected == pytest.approx(8.617333e-5 * 100 / trap, rel=1e-5)
        assert abs(variance.z) < 3.5
    # The summary tells both powers with their errors, and beside them those of the exact pair, here at unlike frictions.
    along = AxisFriction((Estimate(0.1, 0.01), Estimate(1.5, 0.1)))
    unlike = Measured({"x": along, "yz": along}, along)
    lines = summary_text(Comparison((heat,), unlike), friction).splitlines()
    told = lines[lines.index("Power of moving the traps, eV/ns per coupled axis, and by theory:") + 1].strip()
    found = [f"{side} {p.value:.3f} ± {p.se:.3f}" for side, p in zip(("cold", "hot"), heat.trap_power, strict=True)]
    assert told.startswith(f"3   {found[0]}; {found[1]}; white friction: cold ")
    powers = [float(each.split()[-1]) for each in told.partition("white friction: ")[2].split(";")[0].split(", ")]
    pairs = [heat.parameters.along(axis).white_pair((0.1, 1.5)) for axis in "xy"]
    expected = PER_NS * np.mean([MovedPair(pair, MOTION).trap_work_rates() for pair in pairs], axis=0)
    assert powers == pytest.approx(expected, abs=6e-4)
    assert abs(expected[0] - expected[1]) > 0.01
    pooled = friction.friction.pooled.white[0]
    values = [friction.axes[axes].particles[0].white["joint"].value for axes in ("x", "yz")]
    assert pooled.value == pytest.approx((values[0] + 2 * values[1]) / 3)


def test_series_close_with_the_work_of_the_traps(tmp_path: Path) -> None:
    """The balance of a side counts that work: without it, energy would not be conserved."""
    run = experiment_at(study(), "kH_3", 1)
    series = run.exact()
    for balance in run.balances(series):
        assert np.abs(balance.residual_eV).max() < 1e-9
    without = series.assign(**{f"trap_work_cold_{axis}_eV": 0.0 for axis in "xy"})
    assert np.abs(run.balances(without)[0].residual_eV).max() > 0.1


def test_engine_of_called_controllers_is_told_of_the_study_s_traps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that move, with their stiffness along each coupled axis; the controller acts from the relaxation on."""
    own = {"kappa_ratios": ["3"], "coupling_axes": "xy", "controller": "tests.unit.test_feedback:Mine"}
    schedule = data()["schedule"] | {"relaxation_ps": 30, "sample_every_ps": 0.5}
    run = experiment_at(check_study("moved", data() | {"demon": own, "schedule": schedule}), "kH_3", 1)
    told: list[dict[str, Any]] = []

    def propagate(plants: Any, ask: Any, **named: Any) -> Any:
        told.append(named | {"plants": plants})
        raise KeyboardInterrupt

    monkeypatch.setattr("simulation.experiments.exact_machine.propagate_controlled", propagate)
    with pytest.raises(KeyboardInterrupt):
        run.exact()
    (named,) = told
    assert named["motion"] == MOTION
    assert (named["timestep"], named["before"], named["steps"], named["stride"]) == (0.02, 1500, 50_000, 25)
    assert [*named["trap"]] == [0.01, 0.05, 0.0]
    # Without the controller, which acts apart from them.
    assert [plant.stiffness.tolist() for plant in named["plants"]] == [
        [[trap, 0.0], [0.0, trap]] for trap in (0.01, 0.05, 0.05)
    ]
    assert (named["is_held"], named["springs"].any()) == (False, False)
    assert len({each.normal() for each in named["generators"]}) == 3, "each axis has a noise of its own"


def test_stiff_traps_have_a_response_too(tmp_path: Path) -> None:
    """An underdamped particle, whose position oscillates, shows the friction of its bath at every frequency within errors."""
    long = check_study("moved", data() | {"schedule": {"friction_ns": 30, "sweep_ns": 1}})
    perform(experiment_at(long, "friction", 1), tmp_path / "run", Ranks(1))
    found = response([load_run(tmp_path / "run")], 0, "yz")
    value, error = found.dissipation()
    for omega in (0.1, 0.2, 0.3, 0.5, 1.0):
        at = int(np.abs(found.frequency - omega).argmin())
        assert abs(value[at] - 0.3) < 3 * error[at]
        assert error[at] < 0.06


def lammps(**trap: Any) -> dict[str, Any]:
    """The same study in LAMMPS."""
    return data(**trap) | {
        "engine": "lammps",
        "integration": {"timestep_fs": 4},
        "schedule": {
            "relaxation_ps": 8,
            "equilibration_ps": 4,
            "segment_ps": 4,
            "sweep_ns": 0.04,
            "trajectory_every_ps": 4,
        },
        "baths": {"edge_nm": 3.6, "accessible_density_per_nm3": 19.56},
    }


def test_decks_of_traps_at_rest_are_unchanged() -> None:
    """One stiffness and no motion: one spring for each particle, and no other force."""
    run = experiment_at(
        check_study("still", lammps(stiffness_eV_per_A2=0.02, motion_cold=[], motion_hot=[])), "kH_3", 1
    )
    (deck, *_) = run.stage_decks()
    springs = [line.split() for line in deck.splitlines() if "spring tether" in line]
    assert springs == [
        f"fix trap_{side} particle_{side} spring tether 0.02 {x} 18.0 18.0 0.0".split()
        for side, x in (("cold", "18.0"), ("hot", "54.0"))
    ]
    assert "addforce" not in deck


def test_decks_move_the_traps_on_one_clock() -> None:
    """Each stage counts its steps from 0, and the clock is 0 at the start of the measurement; friction runs stay at rest."""
    chosen = check_study("moved", lammps())
    run = experiment_at(chosen, "kH_3", 1)
    clocks = [
        next(line for line in run.deck(piece, "r").splitlines() if "clock_ps equal" in line).split()[-1]
        for piece in run.pieces()
    ]
    assert clocks == ["(step-2000)*dt"] * 2 + ["(step-0)*dt"] * 10
    assert "addforce" not in "".join(experiment_at(chosen, "friction", 1).stage_decks())
    alone = run.standalone()
    assert alone is not None
    assert [line.split()[-1] for line in alone.splitlines() if "clock_ps equal" in line] == [
        "(step-3000)*dt",
        "step*dt",
    ]


def test_deck_for_lammps_alone_samples_what_it_knows() -> None:
    """The works are those of the controller called by Python: without it LAMMPS would stop at a column that nothing defines."""
    run = experiment_at(check_study("moved", lammps()), "kH_3", 1)
    deck = Deck(run.standalone() or "")
    sampled = [word.removeprefix("v_") for word in deck.one("fix", "series") if word.startswith("v_")]
    assert set(sampled) <= set(deck.variables)
    works = {f"{kind}_{side}_{axis}" for kind in ("work", "trap_work") for side in ("cold", "hot") for axis in "xy"}
    assert set(sampled) == {column.name for column in run.columns()} - works


PLACE = {"cold": (18.4, 17.1, 18.9), "hot": (53.2, 18.6, 17.3)}
"""Å; the traps at rest are at x = 18 and 54, and y = z = 18."""
KAPPA = (0.01, 0.05, 0.05)


def at_places(style: str, types: frozenset[int], arguments: tuple[Any, ...] = (), index: int = 0) -> float:
    """What LAMMPS says of particles at `PLACE`: their coordinates, and the energies of springs to fixed points."""
    place = PLACE["cold" if types == {3} else "hot"]
    if style == "com":
        return place[index - 1]
    assert (style, arguments[0], arguments[-1]) == ("spring", "tether", "0.0")
    ends = [(x, float(end)) for x, end in zip(place, arguments[2:5], strict=True) if end != "NULL"]
    return float(arguments[1]) / 2 * sum((x - end) ** 2 for x, end in ends)


@pytest.mark.parametrize("kind", ["segment", "standalone"])
@pytest.mark.parametrize("steps", [0, 700, 1900])
def test_decks_move_the_springs_along_coupled_axes(kind: str, steps: int) -> None:
    """At each time, force and recorded energy are those of springs about the moved centres; along z they stay at rest.

    A variable of addforce would slow down every step of LAMMPS, so with Python the demon exerts the force.
    """
    run = experiment_at(check_study("moved", lammps()), "kH_3", 1)
    deck = Deck(run.deck(run.pieces()[-1], "r") if kind == "segment" else run.standalone() or "")
    traps = demon_of(run, None, Ranks(1)).moving_traps
    assert traps is not None
    time = 0.004 * steps
    turn = 2 * np.pi * time
    centre = {
        "cold": 1.5 * np.sin(turn / 20 + np.radians(30)),
        "hot": np.sin(turn / 20) + 0.8 * np.sin(turn / 7 + np.radians(100)),
    }
    for side, middle in (("cold", (18, 18, 18)), ("hot", (54, 18, 18))):
        moved = centre[side] * np.array([1, 1, 0])
        if kind == "segment":
            assert not deck.fixes("addforce")
            found = traps.force(time)[("cold", "hot").index(side)].tolist()
        else:
            types, pulls = deck.fixes("addforce")[f"moving_trap_{side}"]
            assert types == ({3} if side == "cold" else {4})
            found = [186 * deck.value(pull, at_places, step=steps, dt=0.004, PI=np.pi) for pull in pulls]
        assert found == pytest.approx(KAPPA * moved)
        energy = deck.value(deck.variables[f"trap_{side}"], at_places, step=steps, dt=0.004, PI=np.pi)
        assert energy == pytest.approx(float(np.sum(KAPPA * (PLACE[side] - np.array(middle) - moved) ** 2) / 2))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"trap": {"stiffness_eV_per_A2": {"x": 0.01}}}, ("trap.stiffness_eV_per_A2", "lacks axis y and z")),
        ({"trap": {"stiffness_eV_per_A2": {"x": 0.01, "xyz": 0.02}}}, ("x and xyz both contain axis x",)),
        ({"trap": {"stiffness_eV_per_A2": [0.01]}}, ("mapping of axes such as {x: 0.01, yz: 0.02}",)),
        ({"trap": {"stiffness_eV_per_A2": {"x": -1, "yz": 1}}}, ("trap.stiffness_eV_per_A2", "x:")),
        ({"trap": {"motion_cold": {"amplitude_A": 1, "period_ps": 20}}}, ("motion_cold", "write a list")),
        ({"trap": {"motion_cold": [{"amplitude_A": 1}]}}, ("motion_cold", "period_ps")),
        ({"trap": {"motion_hot": [{"amplitude_A": 9, "period_ps": 20}]}}, ("trap.motion_hot", "move the hot particle")),
        ({"trap": {"motion_hot": [{"amplitude_A": 0.1, "period_ps": 0.1}]}}, ("period_ps = 0.1", "50 time steps")),
        ({"trap": {"motion_hot": [{"amplitude_A": 0.1, "period_ps": 50}]}}, ("period_ps = 50", "40 ps")),
    ],
)
def test_bad_traps_are_refused_by_name(changes: dict[str, Any], words: tuple[str, ...]) -> None:
    """Before anything runs, with field, value and cure."""
    with pytest.raises(StudyError) as found:
        check_study("bad", lammps(motion_cold=[], motion_hot=[]) | changes)
    for word in words:
        assert word in str(found.value)


def test_beats_are_sums_and_differences() -> None:
    """Products of two oscillations oscillate with both; each frequency is told once, and none that does not oscillate."""
    periods = (20.0, 7.0, 20.0)
    motion = TrapMotion((Oscillation(1.0, periods[0]),), (Oscillation(1.0, periods[1]), Oscillation(1.0, periods[2])))
    slow, fast = 2 * np.pi / 20, 2 * np.pi / 7
    assert motion.beats == pytest.approx([slow, fast, *sorted([2 * slow, 2 * fast, fast + slow, fast - slow])])
    assert TrapMotion().beats == []


def test_oscillations_are_removed_and_nothing_else() -> None:
    """Known waves vanish; noise, means and frequencies that a run does not resolve stay."""
    generator, time = np.random.default_rng(4), np.arange(4000) * 0.1
    noise = generator.standard_normal((2, 3, 4000)) + 5.0
    waves = 3 * np.sin(0.7 * time + 0.3) - 2 * np.cos(1.9 * time)
    left = without_oscillations(noise + waves, 0.1, [0.7, 1.9, 1e-4])
    assert np.abs(left - noise).max() < 0.2
    assert left.mean(axis=2) == pytest.approx((noise + waves).mean(axis=2))
    same = without_oscillations(noise, 0.1, [1e-4, 100.0])
    pd.testing.assert_frame_equal(pd.DataFrame(same[0]), pd.DataFrame(noise[0]))


def test_centre_is_the_sum_of_its_oscillations() -> None:
    """λ(t) = Σ amplitude sin(2π t/period + phase), for times of any shape."""
    times = np.array([[0.0, 1.0, 2.5], [-3.0, 40.0, 1e4]])
    found = MOTION.centre(times)
    cold = 1.5 * np.sin(2 * np.pi * times / 20 + np.radians(30))
    hot = np.sin(2 * np.pi * times / 20) + 0.8 * np.sin(2 * np.pi * times / 7 + np.radians(100))
    np.testing.assert_allclose(found, np.stack([cold, hot], axis=-1), rtol=0, atol=1e-9)
    assert Response.of(WHITE, 0.01, MOTION).at(times).shape == (2, 3, 4)


@pytest.mark.parametrize("follows", [0.0, 1.0])
def test_demon_sums_the_work_of_moving_each_trap(follows: float) -> None:
    """Of a particle held at X it is -κ ∫(X - λ) dλ = -κ (X Δλ - Δλ²/2); of one that follows at a distance d, -κ d Δλ."""
    run = experiment_at(study(), "kH_3", 1)
    demon = demon_of(run, None, Ranks(1))
    place = np.array([[0.7, -0.4, 0.2], [-0.3, 0.5, 0.1]])
    steps = np.arange(-40, 61)
    t = 0.02 * steps
    centre = np.stack(
        [
            1.5 * np.sin(2 * np.pi * t / 20 + np.radians(30)),
            np.sin(2 * np.pi * t / 20) + 0.8 * np.sin(2 * np.pi * t / 7 + np.radians(100)),
        ],
        axis=1,
    )
    for step, here in zip(steps, centre, strict=True):
        demon.move(int(step), place + follows * here[:, None], np.zeros((2, 3)))
    change, squares = centre[-1] - centre[0], centre[-1] ** 2 - centre[0] ** 2
    pulled = place * change[:, None] - (1 - follows) * squares[:, None] / 2
    stiffness = np.array([0.01, 0.05, 0.0])  # along z the traps are at rest
    np.testing.assert_allclose(demon.works, np.vstack([np.zeros((2, 3)), -stiffness * pulled]), rtol=0, atol=1e-12)


def test_deck_reads_each_work_from_the_place_at_which_the_demon_writes_it() -> None:
    """Works of the controller first and then of the traps, side by side and axis by axis, as the demon's own table has them."""
    run = experiment_at(study(), "kH_3", 1)
    assert isinstance(run, Machine)
    demon = demon_of(run, None, Ranks(1))
    places = np.arange(1, demon.works.size + 1).reshape(demon.works.shape)
    deck = run.deck(run.pieces()[-1], "restart")
    found = re.findall(r"^variable +(trap_)?work_(cold|hot)_([xyz]) equal f_demon\[(\d+)\]$", deck, re.MULTILINE)
    assert len(found) == 4 * len(run.axes)
    for of_trap, side, axis, place in found:
        row = 2 * bool(of_trap) + ("cold", "hot").index(side)
        assert int(place) == places[row, "xyz".index(axis)], (of_trap, side, axis)
