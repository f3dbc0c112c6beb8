"""The demon's bookkeeping, driven by hand: what a controller sees and may answer, work, memory, atoms that change places."""

from __future__ import annotations

import ctypes
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from analysis.model import Oscillation, TrapMotion
from simulation.control.callback import DemonCallback, failure_of
from simulation.control.controller import Controller, ControllerError, LinearController, Seen, Vector
from simulation.control.demon import Demon, ParticleError
from simulation.control.moving_traps import MovingTraps
from simulation.engines.external import call_at_every_step
from simulation.engines.ranks import Ranks

CENTRES = np.array([[10.0, 10.0, 10.0], [30.0, 10.0, 10.0]])
BOX = np.array([40.0, 20.0, 20.0])
ATOMS = 4  # per particle
MASS = 1.2
STEP_PS = 0.004


class Law:
    """A controller that is any function of what it sees, and keeps a record of it outside of itself."""

    def __init__(self, law: Callable[[Seen], Any], seen: list[Seen] | None = None) -> None:
        self._forces = law
        self._record = Record() if seen is None else Record(seen)

    def forces(self, seen: Seen) -> Any:
        """Answer by the law."""
        self._record.seen.append(seen)
        return self._forces(seen)


class Record:
    """A list that does not count as memory, since what is pickled of it is always the same."""

    def __init__(self, seen: list[Seen] | None = None) -> None:
        self.seen = [] if seen is None else seen

    def __reduce__(self) -> tuple[Any, ...]:
        return Record, ()


def linear() -> LinearController:
    """The paper's coupling at κ_H/κ_C = 4.8."""
    return LinearController(coupling_cold_eV_per_A2=0.1, coupling_hot_eV_per_A2=0.48)


def demon_of(controller: Controller, axes: str = "xyz") -> Demon:
    """A demon without LAMMPS."""
    return Demon("mine:Mine", controller, axes=axes, timestep_ps=STEP_PS, max_displacement_A=5.0)


def ask(demon: Demon, step: int, displacement: Any = ((0, 0, 0), (0, 0, 0)), velocity: Any = None) -> Vector:
    """The forces at a step."""
    return demon.ask(step, np.array(displacement, float), np.zeros((2, 3)) if velocity is None else velocity)


def follow(demon: Demon, path: Vector, first: int = 0) -> None:
    """Ask and move along displacements of shape (n, 2, 3)."""
    for step, displacement in enumerate(path, start=first):
        demon.move(step, displacement, demon.ask(step, displacement, np.zeros((2, 3))))


# --- what a controller sees and may answer ----------------------------------------------------------------------------


def test_linear_forces_are_nonreciprocal() -> None:
    """F_C = κ_C (X_H − X_C) and F_H = κ_H (X_C − X_H), axis by axis, on displacements."""
    forces = ask(demon_of(linear()), 0, [[0.5, 0.0, -1.0], [1.0, 2.0, 0.0]])
    assert np.allclose(forces[0], 0.1 * np.array([0.5, 2.0, 1.0]))
    assert np.allclose(forces[1], -0.48 * np.array([0.5, 2.0, 1.0]))


@pytest.mark.parametrize("axes", ["x", "y", "z", "xy", "xz", "yz", "xyz"])
def test_uncoupled_axes_feel_nothing(axes: str) -> None:
    """Whatever the controller says of them, the force is along the coupled axes only, on both particles."""
    forces = ask(demon_of(Law(lambda seen: [[1, 2, 3], [4, 5, 6]]), axes), 0)
    for index, axis in enumerate("xyz"):
        assert forces[:, index].tolist() == ([1.0 + index, 4.0 + index] if axis in axes else [0.0, 0.0])


def test_clock_displacements_and_velocities_are_seen() -> None:
    """`time_ps` is the step on the run's own clock, negative while it relaxes; the cold particle comes first."""
    seen: list[Seen] = []
    demon = demon_of(Law(lambda _: np.zeros((2, 3)), seen))
    displacement, velocity = np.arange(6.0).reshape(2, 3), np.arange(6.0, 12.0).reshape(2, 3)
    for step in (-500, 0, 250):
        demon.ask(step, displacement, velocity.copy())
    assert [(each.step, each.time_ps) for each in seen] == [(-500, -2.0), (0, 0.0), (250, 1.0)]
    assert np.array_equal(seen[0].displacement_A, displacement)
    assert np.array_equal(seen[0].velocity_A_per_ps, velocity)


@pytest.mark.parametrize("what", ["displacement_A", "velocity_A_per_ps"])
def test_arguments_cannot_be_worked_on_in_place(what: str) -> None:
    """A law that writes into what it is shown would change the recorded work: it is refused, and says at which step."""

    def law(seen: Seen) -> Vector:
        argument: Vector = getattr(seen, what)
        argument *= 2
        return argument

    with pytest.raises(ControllerError, match=r"'mine:Mine' failed at step 3: ValueError: .*read-only"):
        ask(demon_of(Law(law)), 3)


@pytest.mark.parametrize(
    "answer",
    [
        None,
        1.0,
        [1.0, 2.0],
        [1.0, 2.0, 3.0],
        [[1.0, 2.0], [3.0, 4.0]],
        [[1.0, 2.0, 3.0]],
        [[1.0, 2.0, 3.0], [4.0, 5.0]],
        [[[1.0], [2.0], [3.0]], [[4.0], [5.0], [6.0]]],
        np.zeros((3, 2)),
        [["1", "2", "3"], ["4", "5", "6"]],
        [[1.0, "2", 3.0], [4.0, 5.0, 6.0]],
        [[1j, 0, 0], [0, 0, 0]],
        np.zeros((2, 3), dtype=complex),
        np.zeros((2, 3), dtype=bool),
        [[True, False, True], [False, False, True]],
        [[None, 0.0, 0.0], [0.0, 0.0, 0.0]],
        {"cold": [0, 0, 0], "hot": [0, 0, 0]},
        "abcdef",
    ],
    ids=repr,
)
def test_an_answer_is_two_vectors_of_three_real_numbers(answer: Any) -> None:
    """Anything else is refused with the step; nothing is spread over axes, read from text, or cut to its real part."""
    with pytest.raises(
        ControllerError, match=r"'mine:Mine' at step 7: forces\(seen\) must return two vectors of three"
    ):
        ask(demon_of(Law(lambda _: answer)), 7)


@pytest.mark.parametrize(
    "answer",
    [
        ([1, 2, 3], [4, 5, 6]),
        np.array([[1, 2, 3], [4, 5, 6]]),
        np.array([[1, 2, 3], [4, 5, 6]], dtype=np.float32),
        (np.array([1.0, 2, 3]), [4, 5, 6]),
    ],
    ids=["lists", "integers", "single precision", "array and list"],
)
def test_an_answer_may_be_written_in_any_way(answer: Any) -> None:
    """Lists, tuples and arrays of real numbers are all the same."""
    forces = ask(demon_of(Law(lambda _: answer)), 0)
    assert forces.dtype == np.float64
    assert forces.tolist() == [[1, 2, 3], [4, 5, 6]]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("particle", [0, 1])
def test_a_number_that_is_none_is_blamed_on_the_controller(particle: int, value: float) -> None:
    """On a coupled axis it ends the run, naming controller and step; on another it does not act, so it is harmless."""
    answer = np.ones((2, 3))
    answer[particle, 1] = value
    assert ask(demon_of(Law(lambda _: answer), "xz"), 12).tolist() == [[1, 0, 1], [1, 0, 1]]
    with pytest.raises(ControllerError, match="'mine:Mine' at step 12: its force along xy is not a finite number"):
        ask(demon_of(Law(lambda _: answer), "xy"), 12)
    with pytest.raises(ControllerError, match="'mine:Mine' at step 13: its force along xyz is not a finite number"):
        ask(demon_of(Law(lambda _: answer)), 13)


@pytest.mark.parametrize("failure", [ZeroDivisionError("gain"), SystemExit("gain"), KeyError("gain")])
def test_a_failing_controller_is_named_with_its_step(failure: BaseException) -> None:
    """Whatever it raises, ending the program among it, becomes one message; an interrupt stays one."""

    def fail(_: Seen) -> Any:
        raise failure

    with pytest.raises(ControllerError, match=rf"'mine:Mine' failed at step 5: {type(failure).__name__}: '?gain"):
        ask(demon_of(Law(fail)), 5)

    def interrupt(_: Seen) -> Any:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ask(demon_of(Law(interrupt)), 5)


# --- work -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("axes", ["x", "xyz"])
def test_work_is_the_trapezoid_along_the_path(axes: str) -> None:
    """Mean force × displacement over steps: exact for a linear force, so that it equals the spring's energy."""
    demon = demon_of(linear(), axes)
    path = np.zeros((11, 2, 3))
    path[:, 0] = np.linspace(0, 1, 11)[:, None] * [1.0, 2.0, 0.0]
    follow(demon, path)
    # Stretching against F = −κ_C X from 0 to 1 Å costs κ_C/2.
    assert np.allclose(demon.work[0], [-0.05, -0.2 if "y" in axes else 0.0, 0.0])
    assert np.allclose(demon.work[1], 0.0)
    demon = demon_of(linear(), axes)
    follow(demon, path[:, ::-1])
    assert np.allclose(demon.work[1], [-0.24, -0.96 if "y" in axes else 0.0, 0.0])
    assert np.allclose(demon.work[0], 0.0)


def test_work_is_that_of_the_forces_that_acted() -> None:
    """A controller may use one array again and again: the force of the step before is not what it holds now."""
    buffer = np.zeros((2, 3))

    def law(seen: Seen) -> Vector:
        np.negative(seen.displacement_A, out=buffer)
        return buffer

    demon = demon_of(Law(law))
    follow(demon, np.linspace(0, 1, 11)[:, None, None] * np.ones((2, 3)))
    assert np.allclose(demon.work, -0.5)


def test_a_step_that_is_repeated_or_left_out_does_no_work() -> None:
    """LAMMPS presents the first step of a run twice; and work is summed over single steps only."""
    demon = demon_of(linear())
    forces = ask(demon, 0)
    for step in (0, 0, 5):
        demon.move(step, np.full((2, 3), float(step + 1)), forces + 1)
    assert (demon.work == 0).all()


# --- memory -----------------------------------------------------------------------------------------------------------


class Delayed:
    """Pushes by where the particles were three steps ago; remembers, and can tell it."""

    def __init__(self) -> None:
        self.past = np.zeros((3, 2, 3))

    def forces(self, seen: Seen) -> Vector:
        """Minus the displacement three steps ago."""
        force = -self.past[0]
        self.past = np.concatenate([self.past[1:], seen.displacement_A[None]])
        return np.asarray(force)

    def state(self) -> dict[str, NDArray[Any]]:
        """Where the particles were."""
        return {"past": self.past}

    def restore(self, state: dict[str, NDArray[Any]]) -> None:
        """Take it back."""
        self.past = state["past"]


@pytest.mark.parametrize("cut", [1, 7, 20, 39])
def test_segments_go_on_as_one_run(cut: int, tmp_path: Path) -> None:
    """Cut anywhere, with memory and the last force kept: the step between two segments is asked once, and the work adds up."""
    path = np.random.default_rng(2).normal(size=(41, 2, 3))
    whole = demon_of(Delayed())
    follow(whole, path, first=-20)
    first = demon_of(Delayed())
    follow(first, path[: cut + 1], first=-20)
    first.save(tmp_path / "demon.npz")
    second = demon_of(Delayed())
    second.load(tmp_path / "demon.npz")
    assert second.step == cut - 20
    assert np.array_equal(second.force, first.force)
    assert np.array_equal(second.displacement, path[cut])
    assert (second.work == 0).all(), "it counts from the start of the segment"
    follow(second, path[cut + 1 :], first=cut - 19)
    assert np.allclose(first.work + second.work, whole.work, rtol=0, atol=1e-12)
    assert np.array_equal(second.force, whole.force)


def test_nothing_kept_is_nothing_to_go_on_from(tmp_path: Path) -> None:
    """A demon that was never asked keeps that it was not."""
    demon_of(linear()).save(tmp_path / "demon.npz")
    demon = demon_of(linear())
    demon.load(tmp_path / "demon.npz")
    assert demon.step is None


def test_a_controller_that_remembers_and_cannot_tell_is_refused(tmp_path: Path) -> None:
    """At the end of its first segment at the latest; one whose attributes stay is kept without a word."""

    class Forgetful:
        def __init__(self) -> None:
            self.calls = 0

        def forces(self, seen: Seen) -> Vector:
            self.calls += seen.step > 2
            return np.zeros((2, 3))

    demon = demon_of(Forgetful())
    follow(demon, np.zeros((3, 2, 3)))
    demon.save(tmp_path / "demon.npz")
    follow(demon, np.zeros((3, 2, 3)), first=3)
    with pytest.raises(ControllerError, match=r"'mine:Mine' has a memory \(its attributes changed\) but no state\(\)"):
        demon.save(tmp_path / "demon.npz")


def test_a_controller_that_does_not_take_its_memory_back_is_named(tmp_path: Path) -> None:
    """And with what it said."""
    demon = demon_of(Delayed())
    demon.save(tmp_path / "demon.npz")
    broken = Delayed()
    broken.restore = lambda state: state["future"]  # type: ignore[assignment]
    with pytest.raises(ControllerError, match=r"'mine:Mine': restore\(state\) failed .* KeyError: 'future'"):
        demon_of(broken).load(tmp_path / "demon.npz")


# --- particles --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("particle", [0, 1])
@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("sign", [1, -1])
def test_a_particle_near_a_wall_is_lost_whichever_way_it_went(sign: int, axis: int, particle: int) -> None:
    """Just within the limit is good, just beyond it ends the run with advice, along every axis and in both directions."""
    demon = demon_of(linear())
    displacement = np.zeros((2, 3))
    displacement[particle, axis] = sign * 4.99
    demon.check_particles(displacement)
    displacement[particle, axis] = sign * 5.01
    with pytest.raises(
        ParticleError, match=r"5\.0 Å from its trap centre, as far as the bath reaches: make trap\.stiffness_eV_per_A2"
    ):
        demon.check_particles(displacement)
    displacement[particle, axis] = np.nan
    with pytest.raises(ParticleError, match=r"position is not a number: shorten integration\.timestep_fs"):
        demon.check_particles(displacement)


INTEGERS = ctypes.POINTER(ctypes.c_int)
REALS = ctypes.POINTER(ctypes.c_double)


def rows(array: Vector) -> Any:
    """An array of shape (n, 3) as LAMMPS passes it: the addresses of its rows."""
    return (REALS * max(len(array), 1))(*(row.ctypes.data_as(REALS) for row in array))


class Bench:
    """A few atoms in arrays like LAMMPS's: 4 of the fluid, then 4 + 4 metal, in an order that can be shuffled.

    It answers for LAMMPS whatever the callback asks. tests/md has the same with LAMMPS.
    """

    c_tagint, c_bigint = ctypes.c_int, ctypes.c_int64
    FIX_EXTERNAL_CALLBACK_FUNC = ctypes.CFUNCTYPE(
        None, ctypes.py_object, c_bigint, ctypes.c_int, INTEGERS, ctypes.POINTER(REALS), ctypes.POINTER(REALS)
    )

    def __init__(
        self,
        controller: Controller,
        axes: str = "xyz",
        sample_every: int = 1,
        first_step: int = 0,
        bytes_: int = 4,
        ranks: Any = None,
        moving_traps: MovingTraps | None = None,
    ) -> None:
        self.generator = np.random.default_rng(1)
        self.type = np.array([1] * 4 + [3] * ATOMS + [4] * ATOMS, dtype=np.int32)
        self.tag = np.arange(1, self.type.size + 1, dtype=np.int32)
        self.x = self.generator.normal(size=(self.type.size, 3))
        for type_, centre in ((3, CENTRES[0]), (4, CENTRES[1])):
            chosen = self.type == type_
            self.x[chosen] += centre - self.x[chosen].mean(axis=0)
        self.v, self.f = np.zeros_like(self.x), np.zeros_like(self.x)
        self.push = np.zeros_like(self.x)  # fix external's own: not sorted, and zeroed by nobody
        self.bytes = bytes_
        self.images = np.zeros((self.type.size, 3), dtype=np.int64)
        self.vector: dict[int, float] = {}
        self.vectors: list[int] = []
        self.stopped = 0
        self.callback: dict[str, Any] = {}
        self.numpy = self.lib = self
        self.lmp = None
        self.demon = Demon(
            "mine:Mine",
            controller,
            axes=axes,
            timestep_ps=STEP_PS,
            max_displacement_A=5.0,
            moving_traps=moving_traps,
        )
        self.coupled = DemonCallback(
            self,
            self.demon,
            ranks or Ranks(1),
            centres_A=CENTRES,
            atoms=ATOMS,
            mass=MASS,
            first_step=first_step,
            sample_every=sample_every,
        )
        self.step = 0

    # What the callback asks of LAMMPS.

    def extract_box(self) -> tuple[Any, ...]:
        """A box about both particles."""
        return [0.0, 0.0, 0.0], BOX.tolist(), 0.0, 0.0, 0.0, [0, 1, 1], 0

    def extract_setting(self, name: str) -> int:
        """Bytes of an image flag."""
        assert name == "imageint"
        return self.bytes

    def extract_atom(self, name: str) -> NDArray[Any]:
        """An array of the atoms; types also of ghosts, which follow them."""
        if name == "type":
            return np.append(self.type, [3, 4]).astype(np.int32)
        if name == "image":
            bits = {4: 10, 8: 21}[self.bytes]
            flags = self.images + (1 << (bits - 1))
            return np.asarray(flags[:, 0] | flags[:, 1] << bits | flags[:, 2] << 2 * bits)
        found: NDArray[Any] = getattr(self, name)
        return found

    def fix_external_set_vector_length(self, fix: str, length: int) -> None:
        """The fix has a vector for the works."""
        assert (fix, length) == ("demon", 6 if self.demon.moving_traps is None else 12)

    def lammps_set_fix_external_callback(self, _: Any, fix: bytes, function: Callable[..., None], caller: None) -> None:
        """Take note of what to call."""
        assert (fix, caller) == (b"demon", None)
        self.called = function

    def fix_external_set_vector(self, fix: str, index: int, value: float) -> None:
        """What a sample will hold."""
        self.vector[index] = value
        if index == 1:
            self.vectors.append(self.step)

    def force_timeout(self) -> None:
        """LAMMPS stops."""
        self.stopped += 1

    # What happens to the atoms.

    def move(self, cold: Any, hot: Any) -> None:
        """Shift both particles."""
        self.x[self.type == 3] += cold
        self.x[self.type == 4] += hot

    def shuffle(self) -> None:
        """Reorder atoms as LAMMPS does when it sorts."""
        order = self.generator.permutation(self.type.size)
        for name in ("type", "tag", "x", "v", "f", "images"):
            setattr(self, name, getattr(self, name)[order])

    def wrap(self) -> None:
        """Bring atoms beyond a periodic face (y, z) to the other side, as LAMMPS does when it looks for neighbours."""
        for axis in (1, 2):
            turns = np.floor(self.x[:, axis] / BOX[axis]).astype(np.int64)
            self.x[:, axis] -= turns * BOX[axis]
            self.images[:, axis] += turns

    def call(self, step: int) -> tuple[Vector, Vector]:
        """One callback; the total force on each particle."""
        self.step = step
        self.called(None, step, self.tag.size, self.tag.ctypes.data_as(INTEGERS), rows(self.x), rows(self.push))
        return self.push[self.type == 3].sum(axis=0), self.push[self.type == 4].sum(axis=0)


def test_forces_are_spread_over_the_atoms_of_each_particle() -> None:
    """Evenly, so that they act on the centre of mass; the particles' distance drops out; the fluid gets none."""
    bench = Bench(linear())
    bench.move([0.5, 0.0, -1.0], [1.0, 2.0, 0.0])
    cold, hot = bench.call(0)
    assert np.allclose(cold, 0.1 * np.array([0.5, 2.0, 1.0]))
    assert np.allclose(hot, -0.48 * np.array([0.5, 2.0, 1.0]))
    assert np.allclose(bench.push[bench.type == 3], cold / ATOMS)
    assert np.allclose(bench.push[bench.type == 4], hot / ATOMS)
    assert (bench.push[bench.type == 1] == 0).all()


def test_moving_traps_pull_beside_the_controller() -> None:
    """The force is κ λ at the same time along coupled axes; its work is not that of the controller, and no call loses it."""
    traps = MovingTraps(TrapMotion(cold=(Oscillation(2.0, 0.5, 90.0),)), (3.0, 4.0, 5.0), "xy")
    bench = Bench(Law(lambda each: [[0.1, 0.2, 0.3], [0, 0, -0.4]]), axes="xy", first_step=10, moving_traps=traps)
    for step in (10, 10, 11, 12):
        centre = 2 * math.cos(2 * math.pi * STEP_PS * (step - 10) / 0.5)
        cold, hot = bench.call(step)
        assert cold == pytest.approx([0.1 + 3 * centre, 0.2 + 4 * centre, 0], abs=1e-12)
        assert hot == pytest.approx([0, 0, 0], abs=1e-12)
        bench.move([0.1, 0, 0], [0, 0, 0])
    assert bench.demon.work[0, 0] == pytest.approx(0.1 * 0.2)


def test_what_was_shown_stays_as_it_was() -> None:
    """A controller may keep what it saw: each step's arrays are new."""
    seen: list[Seen] = []
    bench = Bench(Law(lambda _: np.zeros((2, 3)), seen))
    for step in range(3):
        bench.move(np.zeros(3), [0.0, 0.0, 1.0])
        bench.call(step)
    assert [float(each.displacement_A[1, 2]) for each in seen] == pytest.approx([1, 2, 3])


def test_reordered_atoms_are_found_again() -> None:
    """After LAMMPS reorders its atoms the same forces act on the same particles, and the fluid gets none."""
    bench = Bench(linear())
    bench.move([0.5, 0.0, 0.0], np.zeros(3))
    before = bench.call(0)
    for step in range(1, 20):
        bench.shuffle()
        assert np.allclose(bench.call(step), before)
        assert (bench.push[bench.type == 1] == 0).all()
    assert bench.coupled.failure is None


def test_atoms_of_a_rank_may_move_in_memory_and_change_in_number() -> None:
    """The arrays of LAMMPS are seen where they are at each step, with as many atoms as the rank has then; none is no error."""
    bench = Bench(linear())
    bench.move([0.5, 0.0, 0.0], np.zeros(3))
    before = bench.call(0)
    for step, shed in enumerate((1, 0, 2), 1):  # atoms of the fluid, which come first
        for name in ("type", "tag", "x", "v", "f", "images", "push"):
            setattr(bench, name, getattr(bench, name)[shed:].copy())
        bench.push[:] = 0.0
        assert np.allclose(bench.call(step), before)
        assert (bench.push[bench.type == 1] == 0).all()
    assert bench.type.size == 9
    assert bench.coupled.failure is None
    empty = np.empty((0, 3))
    called: list[Any] = []
    call_at_every_step(bench, "demon", lambda *arguments: called.append(arguments))
    bench.called(None, 7, 0, None, rows(empty), rows(empty))
    step, *arrays = called[0]
    assert (step, [array.shape for array in arrays]) == (7, [(0,), (0, 3), (0, 3)])
    assert "function" in bench.callback["demon"]  # kept for as long as LAMMPS may call it


def test_forces_follow_the_particles_at_every_step() -> None:
    """Nothing that was read once stays: positions, work and forces are those of the step."""
    seen: list[Seen] = []
    bench = Bench(Law(lambda each: -each.displacement_A, seen))
    path = np.cumsum(np.random.default_rng(3).normal(0, 0.05, (30, 2, 3)), axis=0)
    for step, (before, now) in enumerate(zip(np.vstack([np.zeros((1, 2, 3)), path[:-1]]), path, strict=True)):
        bench.move(*(now - before))
        assert np.allclose(bench.call(step), -now)
        if step % 4 == 0:
            bench.shuffle()
    assert np.allclose([each.displacement_A for each in seen], path)
    assert np.allclose(bench.demon.work, 0.5 * (path[0] ** 2 - path[-1] ** 2))


@pytest.mark.parametrize("bytes_", [4, 8])
@pytest.mark.parametrize("is_sorted", [True, False])
def test_an_atom_across_a_periodic_face_does_not_move_the_particle(is_sorted: bool, bytes_: int) -> None:
    """LAMMPS brings it back by a box length; centres of mass are unwrapped by its image flags, either way and many times."""
    seen: list[Seen] = []
    bench = Bench(Law(lambda each: np.zeros((2, 3)), seen), bytes_=bytes_)
    bench.demon.max_displacement_A = 1e3
    way = np.array([0.0, 0.4, -0.7])
    for step in range(150):
        bench.call(step)
        bench.move(way, -way)
        if step % 3 == 0:
            bench.wrap()
            if is_sorted:
                bench.shuffle()
    assert np.abs(bench.images).max() >= 2
    expected = np.arange(150)[:, None, None] * np.array([way, -way])
    assert np.allclose([each.displacement_A for each in seen], expected)
    assert bench.coupled.failure is None


def test_lost_atom_is_an_error() -> None:
    """A metal atom that disappears stops the run."""
    bench = Bench(linear())
    bench.call(0)
    bench.type[5] = 1
    bench.shuffle()
    bench.call(1)
    failure = failure_of(bench.coupled)
    assert isinstance(failure, ParticleError)
    assert "7 metal atoms in the particles, 8 expected" in str(failure)
    shorter = Bench(linear())
    shorter.call(0)
    for name in ("type", "tag", "x", "v", "f", "images", "push"):
        setattr(shorter, name, getattr(shorter, name)[:-1])
    shorter.call(1)
    assert str(failure_of(shorter.coupled)) == str(failure)


@pytest.mark.parametrize("sample_every", [1, 3, 100])
def test_work_does_not_hang_on_how_often_it_is_sampled(sample_every: int) -> None:
    """It is summed at every step; samples are told to LAMMPS, cold x, y, z, then hot x, y, z, at multiples of their stride.

    By LAMMPS's clock, whatever that of the run is.
    """
    bench = Bench(linear(), axes="xz", sample_every=sample_every, first_step=-4)
    bench.call(0)
    for step in range(1, 11):
        bench.move([0.1, 0.2, 0.0], [0.0, 0.0, -0.2])
        bench.call(step)
    assert np.allclose(bench.demon.work[0], [-0.05, 0.0, 0.0])
    assert np.allclose(bench.demon.work[1], [0.0, 0.0, -0.48 * 2])
    assert bench.vectors == [step for step in range(11) if step % sample_every == 0]
    if sample_every == 1:
        assert [bench.vector[n] for n in range(1, 7)] == pytest.approx(bench.demon.work.ravel().tolist())


def test_repeated_first_step_does_no_work_and_asks_once() -> None:
    """LAMMPS presents the first step of a run twice; the second time the same force acts and the controller is not asked."""
    seen: list[Seen] = []
    bench = Bench(Law(lambda _: np.full((2, 3), float(len(seen))), seen))
    first = bench.call(0)
    bench.move([1.0, 0.0, 0.0], np.zeros(3))
    assert np.allclose(bench.call(0), first)
    assert (bench.demon.work == 0).all()
    assert len(seen) == 1


def test_clock_of_the_run_is_not_lammps_s(tmp_path: Path) -> None:
    """The controller's step counts from where measuring begins; the step at which segments meet is not asked again."""
    seen: list[Seen] = []
    bench = Bench(Law(lambda each: -each.displacement_A, seen), first_step=1000)
    for step in range(990, 996):
        bench.move([0.1, 0.0, 0.0], np.zeros(3))
        bench.call(step)
    assert [each.step for each in seen] == [-10, -9, -8, -7, -6, -5]
    assert seen[0].time_ps == pytest.approx(-10 * STEP_PS)
    bench.demon.save(tmp_path / "demon.npz")
    following = Bench(Law(lambda each: -each.displacement_A, seen), first_step=5)  # LAMMPS's clock was set to 0 since
    following.demon.load(tmp_path / "demon.npz")
    following.move([0.6, 0.0, 0.0], np.zeros(3))
    cold, _ = following.call(0)
    assert cold[0] == pytest.approx(-0.6)
    following.move([0.1, 0.0, 0.0], np.zeros(3))
    following.call(1)
    assert [each.step for each in seen] == [-10, -9, -8, -7, -6, -5, -4]
    assert following.demon.work[0, 0] == pytest.approx(0.5 * (0.6**2 - 0.7**2))


@pytest.mark.parametrize("moving", [False, True])
def test_velocities_are_those_of_the_same_instant(moving: bool) -> None:
    """As the integrator has them: LAMMPS's own at a first step, and from positions and forces at all others."""
    seen: list[Seen] = []
    motion = TrapMotion(cold=(Oscillation(9.0, 0.4, 30.0),))
    traps = MovingTraps(motion, (3.0, 3.0, 3.0), "xyz") if moving else None
    bench = Bench(Law(lambda each: -0.1 * each.displacement_A, seen), moving_traps=traps)
    stiffness = np.array([2.0, 5.0, 9.0])
    velocity = np.array([[1.0, -0.5, 0.3], [-0.7, 0.2, 0.4]])
    place = np.zeros((2, 3))
    true = []
    for step in range(60):
        force = -stiffness * place  # of all else
        for index, type_ in enumerate((3, 4)):
            bench.f[bench.type == type_] = force[index] / ATOMS
            bench.v[bench.type == type_] = velocity[index]
        bench.f[bench.type == 1] = 1e3
        force = force + np.array(bench.call(step))
        if step:
            velocity = velocity + STEP_PS / 2 * force / MASS
        true.append(velocity)
        velocity = velocity + STEP_PS / 2 * force / MASS  # half a step later, as velocity Verlet goes on
        bench.move(*(STEP_PS * velocity))
        place = place + STEP_PS * velocity
        if step % 7 == 0:
            bench.shuffle()
    found = np.array([each.velocity_A_per_ps for each in seen])
    assert np.allclose(found, true, atol=1e-5)
    assert not np.allclose(found[1:], true[:-1], atol=1e-3)


def test_velocities_are_not_worked_out_for_who_does_not_look() -> None:
    """A controller that says so is shown no numbers, and costs no sum over forces."""
    seen: list[Seen] = []

    class Blind(Law):
        sees_velocity = False

    bench = Bench(Blind(lambda _: np.zeros((2, 3)), seen))
    bench.call(0)
    bench.call(1)
    assert all(np.isnan(each.velocity_A_per_ps).all() for each in seen)
    assert not linear().sees_velocity


def test_exception_is_kept_and_forces_vanish() -> None:
    """A raising controller is remembered, the stale forces are cleared, and LAMMPS is told to stop once."""

    def fail(_: Seen) -> Any:
        raise ZeroDivisionError("gain")

    bench = Bench(Law(fail))
    bench.push[:] = 7.0
    bench.call(0)
    bench.call(1)
    failure = failure_of(bench.coupled)
    assert isinstance(failure, ControllerError)
    assert "failed at step 0: ZeroDivisionError: gain" in str(failure)
    assert (bench.push == 0).all()
    assert bench.stopped == 1


def test_particle_out_of_its_trap_is_found_at_the_next_sample() -> None:
    """A particle near a wall stops the run with advice."""
    bench = Bench(linear(), sample_every=10)
    bench.call(0)
    for step in range(1, 11):
        bench.move([-0.6, 0.0, 0.0], np.zeros(3))
        bench.call(step)
        assert (bench.stopped == 1) == (step == 10)
    assert "6.0 Å from its trap centre" in str(failure_of(bench.coupled))


def test_particle_that_jumps_is_looked_at_at_once() -> None:
    """Between samples, so that no controller sees what is no position."""
    for jump, said in ((np.nan, "position is not a number"), (9.0, "9.0 Å from its trap centre")):
        seen: list[Seen] = []
        bench = Bench(Law(lambda _: np.zeros((2, 3)), seen), sample_every=10)
        bench.call(0)
        bench.move(np.zeros(3), [jump, 0.0, 0.0])
        bench.call(1)
        assert said in str(failure_of(bench.coupled))
        assert len(seen) == 1


class TwoRanks:
    """One of two ranks, with all atoms; what the root broadcasts is kept for the other."""

    def __init__(self, sent: list[Vector], is_root: bool) -> None:
        self.sent, self.is_root, self.aborted = sent, is_root, 0
        self.comm = self

    def Bcast(self, values: Vector) -> None:
        """From the root to the other."""
        if self.is_root:
            self.sent.append(values.copy())
        else:
            values[:] = self.sent.pop(0)

    def sum(self, values: Vector) -> None:
        """The other has no atoms."""

    def abort(self) -> None:
        """Told only to be seen."""
        self.aborted += 1


def both_ranks(law: Controller) -> tuple[Bench, Bench]:
    """The same particles as the root sees them, and as the other rank does, whose controller is never asked."""
    sent: list[Vector] = []

    def never(_: Seen) -> Any:
        raise AssertionError

    root, other = (Bench(each, ranks=TwoRanks(sent, each is law)) for each in (law, Law(never)))
    return root, other


def test_root_asks_the_controller_and_all_ranks_exert_its_forces() -> None:
    """A law that draws random numbers would give each rank others; asked anew they are drawn anew. Their work is the same."""
    generator = np.random.default_rng(3)
    root, other = both_ranks(Law(lambda _: generator.normal(size=(2, 3))))
    before, work = None, np.zeros((2, 3))
    for step in range(3):
        forces = np.array(root.call(step))
        np.testing.assert_array_equal(other.call(step), forces)
        if before is not None:
            assert not np.isclose(forces, before).any()
            work += 0.1 * (forces + before) / 2
        before = forces
        for bench in (root, other):
            bench.move([0.1] * 3, [0.1] * 3)
    for bench in (root, other):
        np.testing.assert_allclose(bench.demon.work, work)
    assert failure_of(root.coupled) is failure_of(other.coupled) is None


def test_failure_of_the_controller_ends_all_ranks_at_one_step(capfd: pytest.CaptureFixture[str]) -> None:
    """Each stops LAMMPS by itself, none is ended from outside; the root knows why."""

    def fail(seen: Seen) -> Any:
        return 1 / (2 - seen.step) * np.ones((2, 3))

    root, other = both_ranks(Law(fail))
    for step in range(3):
        for bench in (root, other):
            bench.call(step)
            assert bench.stopped == (step == 2)
    assert (root.push == 0).all()
    assert (other.push == 0).all()
    assert "failed at step 2: ZeroDivisionError" in str(failure_of(root.coupled))
    assert failure_of(other.coupled) is not None
    assert not isinstance(failure_of(other.coupled), ControllerError)
    assert [bench.coupled.ranks.aborted for bench in (root, other)] == [0, 0]  # type: ignore[attr-defined]
    assert capfd.readouterr().err == ""


def test_a_rank_that_fails_alone_ends_the_others(capfd: pytest.CaptureFixture[str]) -> None:
    """They would wait for it forever: it says what happened, and ends all; alone there is nobody to end."""
    root, _ = both_ranks(linear())
    root.call(0)
    root.shuffle()
    del root.images
    root.call(1)
    assert root.coupled.ranks.aborted == 1  # type: ignore[attr-defined]
    assert "Traceback" in capfd.readouterr().err
    alone = Bench(linear())
    alone.call(0)
    alone.shuffle()
    del alone.images
    alone.call(1)
    assert alone.stopped == 1
    assert capfd.readouterr().err == ""


def test_lost_particles_end_all_ranks_without_an_abort() -> None:
    """Every rank finds them by itself at the same step."""
    root, _ = both_ranks(linear())
    root.call(0)
    root.move([9.0, 0.0, 0.0], np.zeros(3))
    root.call(1)
    assert root.coupled.ranks.aborted == 0  # type: ignore[attr-defined]
    assert root.stopped == 1
