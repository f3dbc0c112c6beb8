"""Cold damping as a field of the demon: the law and its memory, the exact engine beside theory, refusals, records."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

from analysis.compare.theory import ideal_models, models
from analysis.data.runs import load_run
from analysis.friction.result import AxisFriction, Friction
from analysis.model import ControlledNetwork, Feedback, LangevinPair, RespondingPair, SampledNetwork
from analysis.statistics.timeseries import Estimate
from simulation.control.controller import DampingController, LinearController, Seen, make_controller
from simulation.engines.ranks import Ranks
from simulation.experiments import experiment_at
from simulation.experiments.machine import closure_limit
from simulation.overview.forecast import forecast, friction_of
from simulation.perform import perform
from simulation.study.fields import Study, StudyError
from simulation.study.files import check_study, load_study

UNIT = 1.602176634e-11  # kg/s of an eV ps/Å²
WHITE = 3.5e-12 / UNIT
LOOP = {"update_every_ps": 0.1, "position_noise_A": 0.1, "filter_ps": 0.2}
GAINS = {"damping_cold_kg_per_s": 4e-12, "damping_hot_kg_per_s": -5e-13}


def study(**demon: Any) -> Study:
    """Short runs along three axes of a machine with cold damping behind a noisy loop."""
    return check_study(
        "damped",
        {
            "engine": "langevin",
            "baths": {"fluid_atoms": 25280},
            "demon": {"kappa_ratios": ["4.80"], "coupling_axes": "xyz", "feedback": LOOP} | GAINS | demon,
            "integration": {"timestep_fs": 50},
            "schedule": {"friction_ns": 0.2, "sweep_ns": 0.4, "relaxation_ps": 50, "sample_every_ps": 0.5},
        },
    )


def pair(coupling: float = 0.1) -> LangevinPair:
    """The machine that the study means, written out."""
    return LangevinPair(
        mass=186 * 63.546 * 1.0364269e-4,
        friction_cold=WHITE,
        friction_hot=WHITE,
        trap=0.01,
        coupling_cold=coupling,
        coupling_hot=4.8 * coupling,
        temperature_cold=100.0,
        temperature_hot=120.0,
    )


def seen(step: int, positions: float) -> Seen:
    """Both particles at one place, 0.1 ps a step."""
    return Seen(step, 0.1 * step, np.full((2, 3), positions), np.full((2, 3), np.nan))


def test_force_is_the_gain_times_the_change_of_what_is_read() -> None:
    """At the first reading there is none; then -g (X - X_before)/time on each particle, beside the coupling."""
    law = make_controller("linear", 0.1, 0.48, {}, (0.3, -0.2))
    assert isinstance(law, DampingController)
    assert_allclose(law.forces(seen(0, 1.0)), 0, atol=1e-15)
    force = law.forces(Seen(4, 0.4, np.array([[2.0] * 3, [1.5] * 3]), np.full((2, 3), np.nan)))
    # Moved by 1.0 and 0.5 Å in 0.4 ps; the coupling pulls with 0.1 · (-0.5) and 0.48 · 0.5.
    assert_allclose(force, [[-0.05 - 0.3 * 2.5] * 3, [0.24 + 0.2 * 1.25] * 3])
    assert not isinstance(make_controller("linear", 0.1, 0.48, {}), DampingController)
    assert type(make_controller("linear", 0.1, 0.48, {}, (0.0, 0.0))) is LinearController


def test_law_goes_on_from_its_state() -> None:
    """A law made anew and told the state pushes as the first one would have."""
    first, second = (make_controller("linear", 0.1, 0.48, {}, (0.3, 0.2)) for _ in range(2))
    assert isinstance(first, DampingController)
    assert isinstance(second, DampingController)
    first.forces(seen(0, 1.0))
    first.forces(seen(1, 1.3))
    second.restore(first.state())
    assert_allclose(second.forces(seen(2, 0.2)), first.forces(seen(2, 0.2)), rtol=1e-15)
    fresh = make_controller("linear", 0.1, 0.48, {}, (0.3, 0.2))
    assert isinstance(fresh, DampingController)
    second.restore(fresh.state())
    assert_allclose(second.forces(seen(3, 9.0)), 0, atol=1e-15)


@pytest.mark.parametrize(
    ("demon", "coupling"),
    [
        ({}, 0.1),
        ({"coupling_cold_eV_per_A2": 0.0}, 0.0),
        ({"feedback": {}}, 0.1),
        ({"feedback": {"filter_ps": 0.2, "delay_ps": 0.05}}, 0.1),
    ],
)
def test_engine_has_the_heats_of_theory(demon: dict[str, Any], coupling: float) -> None:
    """Behind a noisy loop, without couplings, ideal, and filtered with a delay: works within the noise of theory."""
    case = study(**demon)
    loop = case.demon.feedback.loop or Feedback()
    exact = pair(coupling).with_feedback(loop, (4e-12 / UNIT, -5e-13 / UNIT))
    series = experiment_at(case, "kH_4.80", 1).exact()
    rates = np.array([sum(series[f"work_{side}_{axis}_eV"].iloc[-1] for axis in "xyz") for side in ("cold", "hot")])
    errors = np.sqrt(np.diag(exact.work_noise()) / (3 * 400.0))
    assert (np.abs(rates / (3 * 400.0) - exact.heat_rates()) < 3.5 * errors).all()
    # The damping shows: without it the heats are others.
    plain = pair(coupling).with_feedback(loop).heat_rates()
    assert (np.abs(exact.heat_rates() - plain) > 3 * errors).any()
    expected = forecast(case, friction_of(case, Path("nowhere")))[["heat_cold_eV_per_ns", "heat_hot_eV_per_ns"]]
    np.testing.assert_allclose(expected / 1000, [exact.heat_rates()], rtol=1e-5)


def test_run_folder_says_what_damps_and_theory_takes_it(tmp_path: Path) -> None:
    """Gains come back as parameters; theory has the machine with loop and gains, and laws of the ideal one are left out."""
    run = experiment_at(study(), "kH_4.80", 1)
    perform(run, tmp_path / "damped", Ranks(1))
    parameters = load_run(tmp_path / "damped").parameters
    assert parameters.damping == pytest.approx((4e-12 / UNIT, -5e-13 / UNIT))
    assert not parameters.is_linear
    assert parameters.has_theory
    assert "cold damping 0.25 and -0.0312 eV ps/Å²" in parameters.told_controller
    assert parameters.from_json(parameters.to_json()) == parameters
    friction = Friction.same(AxisFriction((Estimate(WHITE, 0.01), Estimate(WHITE, 0.01))))
    (model,) = models(parameters, friction).values()
    assert ideal_models(parameters, friction) == {}
    (machine,) = model.measured
    assert isinstance(machine, ControlledNetwork)
    wanted = pair().with_feedback(Feedback(update_every=0.1, position_noise=0.1, filter=0.2), parameters.damping)
    assert_allclose(machine.heat_rates(), wanted.heat_rates(), rtol=1e-6)
    # Without a loop, too; and nothing else of a run's identity is another without damping.
    bare = replace(parameters, feedback=None)
    assert not bare.is_linear
    assert isinstance(bare.controlled(pair()), ControlledNetwork)
    plain = experiment_at(study(damping_cold_kg_per_s=0, damping_hot_kg_per_s=0), "kH_4.80", 1)
    assert "damping" not in (plain.controller_identity() or {})
    assert plain.fingerprint != run.fingerprint


def test_limit_of_the_balance_is_that_of_the_ideal_pair() -> None:
    """Near its largest cooling, whatever gains and loop make of that machine: another one, one that diverges, or none.

    The runs without controller are the same whatever the gains, and so is what is allowed to drift in them.
    """
    limit = 0.05 * 3000 * abs(replace(pair(), coupling_hot=0.1 * 3.4).heat_rates()[0])
    late = {"feedback": {"delay_ps": 0.5}, "kappa_ratios": ["1.2"], "coupling_axes": "xyz"}
    cases: list[dict[str, Any]] = [
        GAINS,
        {"feedback": {}} | GAINS,
        {"damping_cold_kg_per_s": 1e-13} | late,
        {"damping_hot_kg_per_s": -1e-12, "feedback": {"delay_ps": 0.3}, "kappa_ratios": ["0.17"]},
        {"coupling_cold_eV_per_A2": 0, "feedback": {}, "damping_hot_kg_per_s": -1e-12, "kappa_ratios": ["1"]},
        {"coupling_cold_eV_per_A2": -0.1, "kappa_ratios": ["-4.80"]},
    ]
    for demon in cases:
        gains = {"damping_cold_kg_per_s": 0.0, "damping_hot_kg_per_s": 0.0}
        found, field = closure_limit(study(**gains | demon))
        assert found == pytest.approx(limit, rel=1e-5), demon
        assert field.startswith("limits.closure_drift_of_heat")
    # Of these, one machine diverges at that ratio, and in one nothing leaves the cold bath.
    delayed = pair().with_feedback(Feedback(delay=0.5), (1e-13 / UNIT, 0.0))
    assert not delayed.is_stable
    driven = replace(pair(0.0), coupling_hot=0.0).with_feedback(Feedback(), (0.0, -1e-12 / UNIT))
    assert driven.heat_rates()[0] == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(
    "loop",
    [
        Feedback(),
        Feedback(filter=0.3),
        Feedback(filter=0.2, delay=0.1, noise_density=0.001),
        Feedback(update_every=0.05),
    ],
)
def test_linear_response_knows_damping(loop: Feedback) -> None:
    """The heats of a pair known by its friction at every frequency are those of the network with the same loop and gains."""
    gains = (0.06, -0.03)
    omega = np.r_[np.linspace(1e-4, 3, 6000), np.geomspace(3, 30_000, 20_000)[1:]]
    friction = np.full(omega.size, WHITE, dtype=complex)
    responding = RespondingPair(
        frequency=omega,
        friction=(friction, friction),
        mass=(pair().masses[0],) * 2,
        trap=0.01,
        couplings=(0.1, 0.48),
        temperatures=(100.0, 120.0),
        velocity_gain=gains,
        feedback=loop,
    )
    exact = pair().with_feedback(loop, gains).heat_rates()
    assert responding.is_stable()
    assert_allclose(responding.heat_rates(), exact, rtol=1e-4)
    assert np.abs(exact / pair().with_feedback(loop).heat_rates() - 1).max() > 0.1


@pytest.mark.parametrize(
    ("demon", "message"),
    [
        (
            {"feedback": {"delayed": "partner", "delay_ps": 0.1}},
            r"delayed = partner gives no reading .* use all, or no damping",
        ),
        *(
            (
                {"feedback": {"delayed": "partner", "delay_ps": 0.1}, f"damping_{side}_kg_per_s": 0},
                r"delayed = partner gives no reading .* use all, or no damping",
            )
            for side in ("cold", "hot")
        ),
        *(
            (
                {"controller": "mine:Mine", f"damping_{side}_kg_per_s": 0},
                r"demon\.damping_… requires the linear controller, but demon\.controller is mine:Mine",
            )
            for side in ("cold", "hot")
        ),
        (
            {"damping_hot_kg_per_s": -1e-11},
            r"demon\.feedback with cold damping makes demon\.kappa_ratios: 4\.80 unstable",
        ),
        (
            {"damping_cold_kg_per_s": 2e-6},
            r"damping_cold_kg_per_s = 2e-06: Input should be less than or equal to 0.000001",
        ),
        (
            {"coupling_cold_eV_per_A2": 0, "damping_cold_kg_per_s": 0, "damping_hot_kg_per_s": 0},
            r"coupling_cold_eV_per_A2 = 0 gives no coupling.* or add cold damping",
        ),
    ],
)
def test_what_cannot_be_is_refused(demon: dict[str, Any], message: str) -> None:
    """By the name of the field, with the cure."""
    with pytest.raises(StudyError, match=message):
        study(**demon)


def test_shipped_study_compares_at_equal_cooling_and_equal_work() -> None:
    """Its variants have the gains at which theory gives damping the machine's cooling, and then both of its works."""
    case = load_study("cold-damping")
    machine = case.demon.controlled(case.pair(0.1, 0.48)).heat_rates()
    damped, driven = (
        load_study(f"cold-damping@{variant}").demon.controlled(case.pair(0.0, 0.0)).heat_rates()
        for variant in ("damping", "equal-work")
    )
    assert machine[0] < -1e-4
    assert damped[0] == pytest.approx(machine[0], rel=1e-4)
    assert damped[1] == pytest.approx(0, abs=1e-9)
    assert driven == pytest.approx(machine, rel=1e-3)


def test_page_has_the_numbers_of_theory() -> None:
    """Every row of the table of cold damping in docs/how-to/feedback.md, and what it says of one reading."""
    text = (Path(__file__).resolve().parents[2] / "docs/how-to/feedback.md").read_text(encoding="utf-8")
    rows = [line.strip("| ").split(" | ") for line in text.partition("| work on hot particle |")[2].splitlines()[2:11]]
    gains = {0.0: (0.0300071, -0.1507696), 0.1: (0.0269064, -0.1549476), 0.3: (0.0043393, -0.1758557)}
    for noise, controller, cooling, work, forces, error in rows:
        loop = Feedback(update_every=0.1, position_noise=float(noise), filter=0.2)
        cold, hot = gains[float(noise)]
        given = {"nonreciprocal": (0.0, 0.0), "damping": (cold, 0.0), "damping and driving": (cold, hot)}[controller]
        machine = pair(0.1 if controller == "nonreciprocal" else 0.0).with_feedback(loop, given)
        rate = [1000 * machine.heat_rates()[0], 1000 * machine.work_rates()[1]]
        assert rate == pytest.approx([float(cooling.replace("−", "-")), float(work)], abs=2e-3)
        felt = np.sqrt(np.diag(machine.force_and_velocity(0.0))[:2])
        assert felt == pytest.approx([float(force) for force in forces.split(", ")], abs=6e-4)
        assert 1000 * np.sqrt(machine.work_noise()[0, 0] / 1000) == pytest.approx(float(error), abs=6e-4)
    told = text.partition("| one reading | beyond earlier readings |")[2].splitlines()[2:4]
    readings = [list(map(float, line.strip("| ").split(" | "))) for line in told]
    assert [size for size, *_ in readings] == [0.1, 0.3]
    for size, one, beyond in readings:
        read = pair().with_feedback(Feedback(update_every=0.1, position_noise=size, filter=0.2))
        assert isinstance(read, SampledNetwork)
        assert read.reading_information() == pytest.approx(one, abs=6e-3)
        assert 0.1 * read.information_rate() == pytest.approx(beyond, abs=6e-4)
