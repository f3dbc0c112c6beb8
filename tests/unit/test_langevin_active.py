"""The exact engine in viscoelastic and active baths, against the law of its stationary state and against exact theory."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analysis.data.runs import load_run
from analysis.model import BOLTZMANN, DressedPair, PairWithBodies
from simulation.engines.langevin import propagate_pulled
from simulation.engines.ranks import Ranks
from simulation.experiments import experiment_at
from simulation.perform import perform
from simulation.study.fields import Study
from simulation.study.files import check_study

UNIT = 1.602176634e-11  # kg/s of an eV ps/Å²
SIDES = ("cold", "hot")
TIME_PS, REPLICAS = 300.0, 24
MAXWELL = [{"friction_kg_per_s": {"x": 4e-12, "z": 2e-12}, "time_ps": 6.0}]
ACTIVE = [{"force_eV_per_A": 0.05, "time_ps": 3.0}]


def study(**langevin: Any) -> Study:
    """Short runs along x and z, in a viscoelastic cold bath and an active hot one."""
    return check_study(
        "active",
        {
            "engine": "langevin",
            "baths": {"fluid_atoms": 25280},
            "demon": {"kappa_ratios": ["3.0"], "coupling_axes": "xz"},
            "langevin": {"maxwell_cold": MAXWELL, "active_hot": ACTIVE} | langevin,
            "integration": {"timestep_fs": 50},
            "schedule": {
                "friction_ns": TIME_PS / 1000,
                "sweep_ns": TIME_PS / 1000,
                "sweep_replicas": REPLICAS,
                "friction_replicas": 8,
                "sample_every_ps": 1,
            },
        },
    )


def machine(axis: str) -> PairWithBodies:
    """The model that the study means, written out."""
    eta = {"x": 4e-12, "z": 2e-12}[axis] / UNIT
    return PairWithBodies(
        mass=186 * 63.546 * 1.0364269e-4,
        friction_cold=3.5e-12 / UNIT,
        friction_hot=3.5e-12 / UNIT,
        maxwell_frictions_cold=(eta,),
        maxwell_times_cold=(6.0,),
        active_forces_hot=(0.05,),
        active_times_hot=(3.0,),
        trap=0.01,
        coupling_cold=0.1,
        coupling_hot=0.3,
        temperature_cold=100.0,
        temperature_hot=120.0,
    )


@cache
def runs() -> list[pd.DataFrame]:
    """The series of all replicas."""
    return [experiment_at(study(), "kH_3.0", replica + 1).exact() for replica in range(REPLICAS)]


@pytest.mark.parametrize("side", SIDES)
def test_heats_of_both_axes_are_those_of_theory(side: str) -> None:
    """Work along each axis and the heat of both together, within the errors that theory forecasts; activity is seen."""
    index = SIDES.index(side)
    passive = experiment_at(study(active_hot=[]), "kH_3.0", 1).study.pair(0.1, 0.3).heat_rates()[index]
    rates = []
    for axis in "xz":
        exact = machine(axis)
        rate, error = exact.heat_rates()[index], np.sqrt(exact.flow_noise()[index, index] / TIME_PS / REPLICAS)
        work = np.mean([series[f"work_{side}_{axis}_eV"].iloc[-1] for series in runs()]) / TIME_PS
        assert abs(work - rate) < 3.5 * error
        assert abs(rate - passive) > 5 * error
        rates.append(rate)
    heat = np.array([series[f"thermostat_{side}_eV"].iloc[-1] for series in runs()]) / TIME_PS
    assert abs(heat.mean() - sum(rates)) < 3.5 * heat.std(ddof=1) / np.sqrt(REPLICAS)


def test_axes_without_coupling_are_driven_too() -> None:
    """Along y each particle is alone: the cold one at its bath's temperature, the hot one heated by the active force."""
    squares = {
        side: np.array([(series[f"velocity_{side}_y_A_per_ps"] ** 2).mean() for series in runs()]) for side in SIDES
    }
    mass = 186 * 63.546 * 1.0364269e-4
    alone = PairWithBodies(
        mass=mass,
        friction_cold=3.5e-12 / UNIT,
        friction_hot=3.5e-12 / UNIT,
        active_forces_hot=(0.05,),
        active_times_hot=(3.0,),
        trap=0.01,
        coupling_cold=0.0,
        coupling_hot=0.0,
        temperature_cold=100.0,
        temperature_hot=120.0,
    ).covariance()
    for index, side in enumerate(SIDES):
        mean, error = squares[side].mean(), squares[side].std(ddof=1) / np.sqrt(REPLICAS)
        assert abs(mean - alone[2 + index, 2 + index]) < 3.5 * error
    assert alone[3, 3] > 1.5 * BOLTZMANN * 120 / mass


def test_friction_runs_are_at_rest() -> None:
    """Without active forces, so that both particles have the temperatures of their baths, and friction can be measured."""
    mass = 186 * 63.546 * 1.0364269e-4
    series = [experiment_at(study(), "friction", replica + 1).exact() for replica in range(8)]
    for side, temperature in zip(SIDES, (100.0, 120.0), strict=True):
        means = np.array([[(run[f"velocity_{side}_{axis}_A_per_ps"] ** 2).mean() for axis in "xyz"] for run in series])
        kinetic = mass * means.ravel() / BOLTZMANN
        assert abs(kinetic.mean() - temperature) < 3.5 * kinetic.std(ddof=1) / np.sqrt(kinetic.size)
        assert kinetic.mean() < 1.2 * temperature


def test_energy_of_a_side_is_that_of_its_motion_and_springs() -> None:
    """The cold side holds what its springs hold, too, and the hot one nothing for its active force."""
    squares = [(run["energy_cold_eV"].mean(), run["energy_hot_eV"].mean()) for run in runs()]
    cold = [machine(axis).covariance() for axis in "xz"]
    mass = 186 * 63.546 * 1.0364269e-4
    springs = [4e-12 / UNIT * 6.0, 2e-12 / UNIT * 6.0]
    expected = BOLTZMANN * 100 / 2 + sum(
        mass / 2 * c[2, 2] + spring / 2 * c[4, 4] for c, spring in zip(cold, springs, strict=True)
    )
    found = np.array([energy for energy, _ in squares])
    assert abs(found.mean() - expected) < 3.5 * found.std(ddof=1) / np.sqrt(REPLICAS)
    for run in runs()[:2]:
        kinetic = sum(mass / 2 * run[f"velocity_hot_{axis}_A_per_ps"] ** 2 for axis in "xyz")
        assert np.allclose(run["energy_hot_eV"], kinetic, rtol=1e-6)


def test_run_folder_says_what_baths_it_was_made_with(tmp_path: Path) -> None:
    """Active forces are parameters of sweep runs, which theory reads back, and of no friction run; springs are told by axis."""
    for point, group in (("kH_3.0", "sweep/kH_3.0"), ("friction", "friction")):
        perform(experiment_at(study(), point, 1), tmp_path / group / "replica_1", Ranks(1))
    told = json.loads((tmp_path / "sweep/kH_3.0/replica_1/run.json").read_text(encoding="utf-8"))
    assert told["parameters"]["active_hot"] == ACTIVE
    assert told["parameters"]["active_cold"] == []
    assert told["maxwell_cold"]["z"] == [{"friction_kg_per_s": 2e-12, "time_ps": 6.0}]
    assert told["maxwell_cold"]["y"] == []
    assert "maxwell_hot" not in told
    assert told["equivalent_axes"] == ["x", "y", "z"]
    parameters = load_run(tmp_path / "sweep/kH_3.0/replica_1").parameters
    assert parameters.active == ((), ((0.05, 3.0),))
    friction = 3.5e-12 / UNIT
    pair = parameters.in_active_baths(parameters.white_pair((friction, friction)))
    assert isinstance(pair, PairWithBodies)
    assert pair.active_forces(1) == [(0.05, 3.0)]
    assert parameters.from_json(parameters.to_json()) == parameters
    rest = load_run(tmp_path / "friction/replica_1").parameters
    assert rest.active == ((), ())
    white = rest.white_pair((friction, friction))
    assert rest.in_active_baths(white) is white


def test_controllers_in_a_loop_act_on_particles_in_the_same_baths(monkeypatch: pytest.MonkeyPatch) -> None:
    """Springs of the fluid and active forces among them: without the controller drift and noise are those of the pair."""
    data = study().model_dump(exclude={"name"})
    data["demon"]["feedback"] = {"delay_ps": 0.5}
    run = experiment_at(check_study("active", data), "kH_3.0", 1)
    given: list[Any] = []

    def propagate(plants: Any, *_: Any, **__: Any) -> Any:
        given.extend(plants)
        raise KeyboardInterrupt

    monkeypatch.setattr("simulation.experiments.exact_machine.propagate_controlled", propagate)
    with pytest.raises(KeyboardInterrupt):
        run.exact()
    for axis, plant in zip("xyz", given, strict=True):
        free = run.study.pair(0.0, 0.0, axis)
        assert plant.drift() == pytest.approx(free.drift())
        assert plant.noise() == pytest.approx(free.noise())
        assert (plant.signals == free.signals).all()
        # Two places and velocities; on x and z also that of a spring of the cold fluid, and on all the active force.
        assert len(plant.masses) == {"x": 4, "y": 3, "z": 4}[axis]


def test_shells_are_bodies_where_a_bath_is_active(tmp_path: Path) -> None:
    """Forces as good as none leave the dressed pair's heats."""
    faint = study(maxwell_cold=[], active_hot=[{"force_eV_per_A": 1e-9, "time_ps": 3.0}])
    perform(experiment_at(faint, "kH_3.0", 1), tmp_path, Ranks(1))
    parameters = load_run(tmp_path).parameters
    dressed = parameters.dressed_pair(np.array([1.9, 1.5]), np.array([0.5, 0.4]), np.array([2.0, 1.0]))
    assert isinstance(dressed, DressedPair)
    assert parameters.in_active_baths(dressed).heat_rates() == pytest.approx(dressed.heat_rates(), rel=1e-6)


def test_a_dragged_particle_feels_springs_of_fluid_and_no_activity() -> None:
    """It ends at F/(g₀ + η) and begins with the friction g₀ alone; a study's drag runs have its Maxwell modes."""
    mass, white, eta, tau, force = 1.2, 0.3, 0.6, 4.0, 0.5
    ways, ends = [], []
    for seed in range(300):
        displacement, velocities = propagate_pulled(mass, white, 100.0, force, 0.5, 80, seed, modes=[(eta, tau)])
        ways.append(displacement[1])
        ends.append(velocities[60:, 0].mean())
    error = np.std(ends, ddof=1) / np.sqrt(300)
    assert abs(np.mean(ends) - force / (white + eta)) < 3.5 * error
    assert abs(np.mean(ends) - force / white) > 10 * error
    # Over half a picosecond the spring is not yet drawn: X = F t²/2m less friction's share and the spring's.
    fine = np.zeros(3)
    for _ in range(5000):
        _, v, u = fine
        fine = fine + 1e-4 * np.array([v, (force - white * v - eta * u) / mass, (v - u) / tau])
    assert abs(np.mean(ways) - fine[0]) < 3.5 * np.std(ways, ddof=1) / np.sqrt(300)
    drag = {"forces_nN": ["3.0"], "duration_ns": 0.3}
    found = {}
    for name, modes in (("with", MAXWELL), ("without", [])):
        data = study(maxwell_cold=modes, active_cold=ACTIVE).model_dump(exclude={"name", "drag"}) | {"drag": drag}
        series = experiment_at(check_study("active", data), "drag/cold/F_3.0", 1).exact()
        found[name] = series["velocity_x_A_per_ps"].iloc[100:].mean()
    pull = 3.0 * 0.624150907  # eV/Å
    assert found["with"] == pytest.approx(pull / (7.5e-12 / UNIT), rel=0.05)
    assert found["without"] == pytest.approx(pull / (3.5e-12 / UNIT), rel=0.05)
