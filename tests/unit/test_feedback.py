"""The loop through which a laboratory's demon acts: what it does to readings, in which order, and what it remembers."""

from __future__ import annotations

from itertools import combinations
from typing import Any, ClassVar

import numpy as np
import pytest
from numpy.typing import NDArray

from analysis.units import PER_NS
from simulation.control.controller import ControllerError, LinearController, Seen, state_of
from simulation.control.feedback import FeedbackLoop
from simulation.experiments import experiment_at
from simulation.experiments.machine import Machine
from simulation.study.fields import Feedback, Study, StudyError
from simulation.study.files import check_study
from tests.md.controllers import Late, Noisy, Recorder

Array = NDArray[np.float64]

STEP_PS = 0.005
FIRST, STEPS = -100, 400
KAPPA = {"coupling_cold_eV_per_A2": 0.1, "coupling_hot_eV_per_A2": 0.48}
COUPLING = np.array([0.1, 0.48])[:, None]
EVERYTHING: dict[str, Any] = {
    "update_every_ps": 0.05,
    "delay_ps": 0.12,
    "position_noise_A": 0.3,
    "filter_ps": 0.1,
    "force_limit_eV_per_A": 0.5,
}


@pytest.fixture(scope="module")
def path() -> tuple[Array, Array]:
    """Displacements and velocities of both particles at each step, of no dynamics."""
    generator = np.random.default_rng(3)
    return generator.normal(size=(STEPS, 2, 3)), generator.normal(size=(STEPS, 2, 3))


def loop(law: Any = LinearController, seed: int = 7, options: dict[str, Any] | None = None, **feedback: Any) -> Any:
    """A loop about a law."""
    section = Feedback(**feedback)
    laws = [law(**KAPPA, **(options or {})) for _ in range(1 if section.delayed == "all" else 2)]
    return FeedbackLoop(laws, section, STEP_PS, seed)


def answers(asked: Any, path: tuple[Array, Array], first: int = 0, last: int = STEPS) -> Array:
    """Forces along the path, (steps, 2, 3)."""
    numbers = range(first, last)
    seen = [Seen(FIRST + i, (FIRST + i) * STEP_PS, path[0][i], path[1][i]) for i in numbers]
    return np.array([np.array(asked.forces(each)) for each in seen])


def linear(own: Array, partner: Array) -> Array:
    """The paper's law of each particle's own position and of what it is told of the partner's, both (steps, 2, 3)."""
    return np.asarray(COUPLING * (partner[:, ::-1] - own))


def test_delayed_force_is_that_of_the_past(path: tuple[Array, Array]) -> None:
    """To the bit, and none before the first reading has arrived; 0.2 ps are 40 steps."""
    forces, (place, _) = answers(loop(delay_ps=0.2), path), path
    assert np.array_equal(forces[40:], answers(LinearController(**KAPPA), path)[:-40])
    assert not forces[:40].any()
    np.testing.assert_allclose(forces[40:], linear(place, place)[:-40], rtol=1e-12)


def test_delay_of_the_partner_leaves_the_own_spring_at_once(path: tuple[Array, Array]) -> None:
    """Each particle is pulled to where its partner was 0.2 ps ago; until that is known, to the partner's trap centre."""
    forces, (place, _) = answers(loop(delay_ps=0.2, delayed="partner"), path), path
    np.testing.assert_allclose(forces[40:], linear(place[40:], place[:-40]), atol=1e-14)
    np.testing.assert_allclose(forces[:40], linear(place[:40], 0 * place[:40]), atol=1e-14)


@pytest.mark.parametrize("delay_ps", [0.0, 0.03, 0.12])
def test_force_is_held_between_updates(delay_ps: float, path: tuple[Array, Array]) -> None:
    """A reading at each tenth step of the clock, those before 0 among them, acts from its arrival to the next one's."""
    forces, (place, _) = answers(loop(update_every_ps=0.05, delay_ps=delay_ps), path), path
    late = round(delay_ps / STEP_PS)
    for step in range(late + 10, STEPS):
        reading = (step - late) // 10 * 10  # FIRST is a multiple of ten
        np.testing.assert_allclose(forces[step], linear(place, place)[reading], atol=1e-14)


def test_noise_has_its_size_and_no_memory(path: tuple[Array, Array]) -> None:
    """Of the stated deviation for each particle and axis by itself, new at each update, and the same for one seed and step."""
    still = np.zeros_like(path[0]), path[1]
    wide = np.zeros((20_000, 2, 3))
    asked = loop(update_every_ps=0.005, position_noise_A=0.3)
    readings = np.array([asked._read(Seen(i - 10_000, 0.0, wide[i], wide[i]))[:2] for i in range(len(wide))])
    flat = readings.reshape(len(wide), 6)
    expected = 0.3**2 * np.eye(6)
    errors = 0.3**2 * np.sqrt((1 + np.eye(6)) / len(wide))
    assert (np.abs(flat.T @ flat / len(wide) - expected) < 4 * errors).all()
    for lag in (1, 2, 3):  # nor does what one coordinate read come back in another one
        later = flat[lag:].T @ flat[:-lag] / len(wide)
        assert np.abs(later).max() < 4.5 * 0.3**2 / np.sqrt(len(wide))
    noisy: dict[str, Any] = {"update_every_ps": 0.05, "position_noise_A": 0.3}
    whole = answers(loop(**noisy), still)
    assert np.array_equal(answers(loop(**noisy), still, 200), whole[200:])
    assert not np.isclose(answers(loop(seed=8, **noisy), still), whole).any()


def test_filter_follows_a_step_exponentially() -> None:
    """A position that jumps is believed with 1 - exp(-t/τ), t counted in updates; the first reading is believed at once."""
    place = np.zeros((STEPS, 2, 3))
    place[20:, 1] = 1.0  # the hot particle; the jump is seen at an update
    forces = answers(loop(update_every_ps=0.05, filter_ps=0.2), (place, place))[:, 0, 0]
    updates = (np.arange(STEPS) - 20) // 10 + 1
    believed = np.where(updates > 0, 1 - np.exp(-0.05 * updates / 0.2), 0.0)
    np.testing.assert_allclose(forces, 0.1 * believed, atol=1e-14)
    first = answers(loop(update_every_ps=0.05, filter_ps=0.2), (place + 1.0, place))[0]
    np.testing.assert_allclose(first, linear(place[:1] + 1, place[:1] + 1)[0], atol=1e-14)


def test_force_has_a_limit_of_either_sign(path: tuple[Array, Array]) -> None:
    """Along each axis by itself; what is weaker passes as it is."""
    free, cut = (answers(loop(force_limit_eV_per_A=limit), path) for limit in (1e3, 0.3))
    np.testing.assert_array_equal(cut, np.clip(free, -0.3, 0.3))
    assert cut.min() == -0.3
    assert cut.max() == 0.3


@pytest.mark.parametrize("delayed", ["all", "partner"])
@pytest.mark.parametrize("law", [LinearController, Recorder, Noisy])
@pytest.mark.parametrize("cut", [0, 1, 117, 203])
def test_loop_goes_on_where_it_was(cut: int, law: Any, delayed: str, path: tuple[Array, Array]) -> None:
    """What is under way, held, filtered, and what a user's own law remembers survive a restart, to the bit."""
    options = {"delay_steps": "3"} if law is Recorder else {}
    whole = loop(law, options=options, delayed=delayed, **EVERYTHING)
    first = loop(law, options=options, delayed=delayed, **EVERYTHING)
    before = answers(first, path, 0, cut).reshape(-1, 2, 3)
    state = state_of(first)
    assert state is not None
    second = loop(law, options=options, delayed=delayed, **EVERYTHING)
    second.restore(state)
    assert np.array_equal(np.concatenate([before, answers(second, path, cut)]), answers(whole, path))


def test_law_that_cannot_tell_its_memory_is_found_out(path: tuple[Array, Array]) -> None:
    """Although the loop about it can tell its own."""
    asked = loop(Late, options={"at_step": "0"}, delay_ps=0.1)
    answers(asked, path, 0, 50)
    assert state_of(asked) is not None
    answers(asked, path, 50)
    with pytest.raises(ControllerError, match=r"has a memory .* but no state\(\)"):
        state_of(asked)


class _Damped:
    """Pushes each particle against its own velocity."""

    def __init__(self, **_: float) -> None:
        """Nothing to keep."""

    def forces(self, seen: Seen) -> Array:
        """See `Controller.forces`."""
        return -seen.velocity_A_per_ps


class _Following:
    """Pushes each particle along the velocity of the other."""

    def __init__(self, **_: float) -> None:
        """Nothing to keep."""

    def forces(self, seen: Seen) -> Array:
        """See `Controller.forces`."""
        return seen.velocity_A_per_ps[::-1]


def test_velocities_are_delayed_and_held_too(path: tuple[Array, Array]) -> None:
    """A law that sees them sees those of the reading; of a partner's delay only the partner's velocity does."""
    everything, partner = (
        answers(loop(_Damped, update_every_ps=0.05, delay_ps=0.1, delayed=delayed), path)
        for delayed in ("all", "partner")
    )
    np.testing.assert_array_equal(everything[57], -path[1][30])
    np.testing.assert_array_equal(partner[57], -path[1][57])
    for delayed in ("all", "partner"):
        followed = answers(loop(_Following, update_every_ps=0.05, delay_ps=0.1, delayed=delayed), path)
        np.testing.assert_array_equal(followed[57], path[1][30][::-1], err_msg=delayed)


class _Careless(_Damped):
    """Works on what it sees."""

    what = "displacement_A"

    def forces(self, seen: Seen) -> Array:
        """See `Controller.forces`."""
        argument: Array = getattr(seen, self.what)
        argument *= 2
        return argument


@pytest.mark.parametrize("what", ["displacement_A", "velocity_A_per_ps"])
@pytest.mark.parametrize("delayed", ["all", "partner"])
def test_what_a_law_sees_in_a_loop_cannot_be_worked_on(
    delayed: str, what: str, path: tuple[Array, Array], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would change readings that are on their way; and velocities are worked out for laws that look at them alone."""
    monkeypatch.setattr(_Careless, "what", what)
    with pytest.raises(ValueError, match="read-only"):
        answers(loop(_Careless, delayed=delayed, delay_ps=0.1), path)
    assert [loop(law, delayed=delayed).sees_velocity for law in (_Damped, LinearController)] == [True, False]


@pytest.mark.parametrize("delayed", ["all", "partner"])
def test_a_law_in_a_loop_has_the_clock_of_the_reading(delayed: str, path: tuple[Array, Array]) -> None:
    """Its step and time are those at which it is asked, before any delay; between updates only a partner's law is asked."""
    asked = loop(Recorder, delayed=delayed, update_every_ps=0.05, delay_ps=0.1)
    answers(asked, path)
    law = asked._laws[0]
    steps = np.arange(FIRST, FIRST + STEPS, 10 if delayed == "all" else 1)
    np.testing.assert_array_equal(law.seen["step"], steps)
    np.testing.assert_allclose(law.seen["time_ps"], steps * STEP_PS)


# --- studies ----------------------------------------------------------------------------------------------------------------


def study(feedback: dict[str, Any] | None, **sections: Any) -> Study:
    """The paper's machine in the exact model, with steps of 20 fs."""
    demon = {"coupling_axes": "xyz"} | ({} if feedback is None else {"feedback": feedback})
    data: dict[str, Any] = {
        "engine": "langevin",
        "baths": {"fluid_atoms": 25280},
        "demon": demon,
        "integration": {"timestep_fs": 20},
        "schedule": {"relaxation_ps": 30, "sweep_ns": 0.8, "sample_every_ps": 0.5, "friction_ns": 0.8},
    }
    return check_study("loop", {**data, **{key: data.get(key, {}) | value for key, value in sections.items()}})


def run(feedback: dict[str, Any] | None, **sections: Any) -> Machine:
    """Its run at κ_H/κ_C = 4.80."""
    found = experiment_at(study(feedback, **sections), "kH_4.80", 1)
    assert isinstance(found, Machine)
    return found


@pytest.mark.parametrize("feedback", [{}, {"delayed": "partner"}, {"delay_ps": 0, "position_noise_A": 0}])
def test_loop_that_does_nothing_is_none(feedback: dict[str, Any]) -> None:
    """The paper's ideal demon stays what it was: the same identity, the same law without a loop, the same bytes."""
    assert run(feedback).identity() == run(None).identity()
    assert isinstance(run(feedback).controller(), LinearController)
    assert "feedback" not in (run(None).controller_identity() or {})


@pytest.mark.parametrize(
    "feedback",
    [
        {"delay_ps": 0.1},
        {"delay_ps": 0.1, "delayed": "partner"},
        {"update_every_ps": 0.1},
        {"update_every_ps": 0.1, "position_noise_A": 0.1},
        {"filter_ps": 0.1},
        {"force_limit_eV_per_A": 0.1},
    ],
)
def test_every_part_of_a_loop_is_another_run(feedback: dict[str, Any]) -> None:
    """Of both engines, and no two parts make the same one; the baths and the friction run do not change."""
    for engine in ("langevin", "lammps"):
        ideal, looped = (_with(engine, each) for each in (None, feedback))
        assert looped.fingerprint != ideal.fingerprint
        assert looped.standalone() is None or engine == "langevin"
        one, other = (experiment_at(each.study, "friction", 1) for each in (ideal, looped))
        assert one.fingerprint == other.fingerprint


def _with(engine: str, feedback: dict[str, Any] | None) -> Machine:
    data = study(feedback).model_dump(exclude={"name", "engine"})
    data["integration"]["timestep_fs"] = 5  # the metal has vibrations in molecular dynamics
    found = experiment_at(check_study("loop", data | {"engine": engine}), "kH_4.80", 1)
    assert isinstance(found, Machine)
    return found


def test_noise_of_replicas_differs_and_is_a_part_of_identity() -> None:
    """Each replica has noise of its own, which a change of the study's seed changes."""
    noisy: dict[str, Any] = {"update_every_ps": 0.1, "position_noise_A": 0.1}
    chosen = study(noisy, schedule={"sweep_replicas": 2})
    found = [experiment_at(chosen, "kH_4.80", replica) for replica in (1, 2)]
    found.append(experiment_at(chosen.model_copy(update={"seed": chosen.seed + 1}), "kH_4.80", 1))
    assert len({(run.controller_identity() or {})["feedback"]["seed"] for run in found}) == 3
    still = Seen(0, 0.0, np.zeros((2, 3)), np.zeros((2, 3)))
    forces = [np.array(run.controller().forces(still)) for run in found]  # of the noise alone
    assert all(not np.isclose(one, other).any() for one, other in combinations(forces, 2))
    assert np.array_equal(forces[0], np.array(found[0].controller().forces(still)))


@pytest.mark.parametrize(
    ("feedback", "said"),
    [
        ({"delay_ps": 0.03}, "delay_ps = 0.03 must be a whole multiple of integration.timestep_fs = 20: use 0.02 or 0.04 ps"),
        ({"update_every_ps": 0.005}, "update_every_ps = 0.005 must be a whole multiple of integration.timestep_fs = 20: use"),
        ({"position_noise_A": 0.1}, "position_noise_A = 0.1 applies to one reading, but update_every_ps is missing"),
        ({"delay_ps": 40}, "demon.feedback.delay_ps = 40 is not shorter than schedule.relaxation_ps = 30"),
        ({"delay_ps": -1}, "demon.feedback.delay_ps = '-1': Input should be greater than or equal to 0"),
        ({"delayed": "own"}, "demon.feedback.delayed = 'own': Input should be 'all' or 'partner'"),
        ({"delay": "0.1"}, "demon.feedback.delay is not a known field"),
    ],
)  # fmt: skip
def test_bad_loops_are_refused_by_name(feedback: dict[str, Any], said: str) -> None:
    """With the field, the value and the cure, before anything runs."""
    texts = {key: str(value) for key, value in feedback.items()}
    with pytest.raises(StudyError) as refused:
        study(texts)
    assert said in "\n".join(refused.value.problems)


# --- the exact engine -------------------------------------------------------------------------------------------------------

PINNED: dict[str, tuple[dict[str, Any], tuple[float, float]]] = {
    # feedback: heats into the cold and hot bath, eV/ns per axis, of the paper's pair, computed independently
    "hold": ({"update_every_ps": 0.5}, (-0.100, 5.690)),
    "delay of all": ({"delay_ps": 0.2}, (-0.177, 3.940)),
    "delay of the partner": ({"delay_ps": 0.3, "delayed": "partner"}, (-0.420, 1.796)),
    "noise": ({"update_every_ps": 0.02, "position_noise_A": (0.03 / 0.02) ** 0.5}, (-0.044, 7.03)),
}


@pytest.mark.parametrize("case", PINNED)
def test_exact_engine_runs_the_loop(case: str) -> None:
    """Heats of both baths, and the works, are those of the loop within their errors, which exclude the ideal machine's."""
    feedback, expected = PINNED[case]
    series = run(feedback).exact()
    ideal = (-0.289, 1.386)
    blocks = 16
    rows = (len(series) - 1) // blocks
    for side, heat, without in zip(("cold", "hot"), expected, ideal, strict=True):
        flow = series[f"thermostat_{side}_eV"].to_numpy()[::rows][: blocks + 1]
        rates = np.diff(flow) / 3 / (rows * 0.5) * PER_NS
        error = rates.std(ddof=1) / np.sqrt(blocks)
        assert abs(rates.mean() - heat) < 3.5 * error
        work = sum(series[f"work_{side}_{axis}_eV"].iloc[-1] for axis in "xyz") / 3 / 0.8
        assert abs(work - heat) < 3.5 * error + 0.3
        if side == "hot":
            assert abs(heat - without) > 3.5 * error or case == "delay of the partner"


class Mine(LinearController):
    """The paper's law under another name."""


def test_exact_engine_runs_a_law_of_one_s_own() -> None:
    """The same law under another name gives the ideal machine's heats: no controller that a study names is left out."""
    own = {"coupling_axes": "xyz", "controller": "tests.unit.test_feedback:Mine"}
    series = run(None, demon=own, schedule={"sweep_ns": 0.4}).exact()
    flow = series["thermostat_hot_eV"].to_numpy()[::100]
    rates = np.diff(flow) / 3 / 50 * PER_NS
    assert abs(rates.mean() - 1.386) < 3.5 * rates.std(ddof=1) / np.sqrt(len(rates))


@pytest.mark.parametrize(
    ("feedback", "has_springs", "is_held"),
    [
        ({"delay_ps": 0.1}, False, False),
        ({"update_every_ps": 0.1}, False, True),
        ({"delay_ps": 0.1, "delayed": "partner"}, True, False),
        ({"delay_ps": 0.1, "update_every_ps": 0.1, "delayed": "partner"}, True, True),
        ({"update_every_ps": 0.1, "delayed": "partner", "force_limit_eV_per_A": 1.0}, False, False),
    ],
)
def test_own_terms_that_act_at_once_are_springs_of_the_plant(
    feedback: dict[str, Any], has_springs: bool, is_held: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where only the partner is read late, and nothing limits the force; the rest is then all that an update holds."""
    told: list[dict[str, Any]] = []

    def propagate(plants: Any, *_: Any, **named: Any) -> Any:
        told.append(named | {"plants": plants})
        raise KeyboardInterrupt

    monkeypatch.setattr("simulation.experiments.exact_machine.propagate_controlled", propagate)
    with pytest.raises(KeyboardInterrupt):
        run(feedback, demon={"coupling_axes": "xz", "feedback": feedback}).exact()
    (named,) = told
    assert named["is_held"] == is_held
    own = np.outer([0.1, 0.48], [1, 0, 1]) * has_springs
    assert named["springs"] == pytest.approx(own)
    for plant, spring in zip(named["plants"], own.T, strict=True):
        assert plant.stiffness == pytest.approx(np.diag(0.01 + spring))


class Clock(LinearController):
    """Notes when it is asked."""

    asked: ClassVar[list[tuple[int, float]]] = []

    def forces(self, seen: Seen) -> NDArray[np.float64]:
        """The paper's."""
        self.asked.append((seen.step, seen.time_ps))
        return super().forces(seen)


def test_a_law_of_one_s_own_has_the_time_of_the_run() -> None:
    """In steps of 20 fs, from the relaxation on, which ends where the measurement begins, at 0."""
    Clock.asked.clear()
    own = {"coupling_axes": "xyz", "controller": "tests.unit.test_feedback:Clock"}
    run(
        None, demon=own, schedule={"sweep_ns": 0.001, "relaxation_ps": 3, "segment_ps": 1, "trajectory_every_ps": 1}
    ).exact()
    steps, times = np.transpose(Clock.asked)
    assert (steps.min(), steps.max()) == (-150, 50)
    assert times == pytest.approx(0.02 * steps)


def test_theory_has_every_number_of_the_loop() -> None:
    """But for the limit of the force, which it does not know; a loop that is none is none."""
    numbers: dict[str, Any] = {"update_every_ps": 0.05, "delay_ps": 0.2, "position_noise_A": 0.3, "filter_ps": 0.7}
    loop_of_theory = Feedback(**numbers, delayed="partner", force_limit_eV_per_A=1.0).loop
    assert loop_of_theory is not None
    for name, value in numbers.items():
        assert getattr(loop_of_theory, name.removesuffix("_ps").removesuffix("_A")) == value
    assert loop_of_theory.delayed == "partner"
    assert Feedback().loop is None
