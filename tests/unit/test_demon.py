"""The demon's bookkeeping, driven by hand: atoms that change places, repeated steps, work, and controllers that fail."""

from __future__ import annotations

import numpy as np
import pytest

from simulation.demon import (
    Controller,
    ControllerError,
    Demon,
    LinearController,
    ParticleError,
    Vector,
    load_controller,
)

CENTRES = np.array([[10.0, 10.0, 10.0], [30.0, 10.0, 10.0]])
ATOMS = 4  # per particle


class Bench:
    """A few atoms in LAMMPS's arrays: 4 argon, then 4 + 4 copper, in an order that can be shuffled."""

    def __init__(self, controller: Controller, axes: str = "xyz", sample_every: int = 1) -> None:
        self.generator = np.random.default_rng(1)
        self.types = np.array([1] * 4 + [3] * ATOMS + [4] * ATOMS, dtype=np.int32)
        self.tags = np.arange(1, self.types.size + 1, dtype=np.int32)
        self.x = self.generator.normal(size=(self.types.size, 3))
        for type_, centre in ((3, CENTRES[0]), (4, CENTRES[1])):
            chosen = self.types == type_
            self.x[chosen] += centre - self.x[chosen].mean(axis=0)
        self.f = np.zeros_like(self.x)
        self.stopped = 0
        self.seen: list[int] = []
        self.demon = Demon(
            controller,
            axes=axes,
            centres_A=CENTRES,
            atoms=ATOMS,
            timestep_ps=0.004,
            max_displacement_A=5.0,
            types=lambda: self.types,
            sum_ranks=None,
            on_failure=self.stop,
            on_sample=self.seen.append,
            sample_every=sample_every,
        )

    def stop(self) -> None:
        """Count calls of on_failure."""
        self.stopped += 1

    def move(self, cold: Vector, hot: Vector) -> None:
        """Shift both particles."""
        self.x[self.types == 3] += cold
        self.x[self.types == 4] += hot

    def shuffle(self) -> None:
        """Reorder atoms as LAMMPS does when it sorts."""
        order = self.generator.permutation(self.types.size)
        self.types, self.tags, self.x = self.types[order], self.tags[order], self.x[order]
        self.f = self.f[order]

    def call(self, step: int) -> tuple[Vector, Vector]:
        """One callback; the total force on each particle."""
        self.demon(step, self.tags, self.x, self.f)
        return self.f[self.types == 3].sum(axis=0), self.f[self.types == 4].sum(axis=0)


def linear() -> LinearController:
    """The paper's coupling at κ_H/κ_C = 4.8."""
    return LinearController(coupling_cold_eV_per_A2=0.1, coupling_hot_eV_per_A2=0.48)


def test_linear_forces_are_nonreciprocal() -> None:
    """F_C = κ_C (X_H − X_C) and F_H = κ_H (X_C − X_H), on displacements, so the particles' distance drops out."""
    bench = Bench(linear())
    bench.move(np.array([0.5, 0.0, -1.0]), np.array([1.0, 2.0, 0.0]))
    cold, hot = bench.call(0)
    assert np.allclose(cold, 0.1 * np.array([0.5, 2.0, 1.0]))
    assert np.allclose(hot, -0.48 * np.array([0.5, 2.0, 1.0]))


def test_uncoupled_axes_feel_nothing() -> None:
    """With coupling_axes x the demon pushes along x only."""
    bench = Bench(linear(), axes="x")
    bench.move(np.array([0.5, 0.3, -1.0]), np.zeros(3))
    cold, hot = bench.call(0)
    assert cold[0] != 0
    assert (cold[1:] == 0).all()
    assert (hot[1:] == 0).all()


def test_reordered_atoms_are_found_again() -> None:
    """After LAMMPS reorders its atoms the same forces act on the same particles, and argon gets none."""
    bench = Bench(linear())
    bench.move(np.array([0.5, 0.0, 0.0]), np.zeros(3))
    before = bench.call(0)
    for step in range(1, 20):
        bench.shuffle()
        assert np.allclose(bench.call(step), before)


def test_lost_atom_is_an_error() -> None:
    """A copper atom that disappears stops the run."""
    bench = Bench(linear())
    bench.call(0)
    bench.types[5] = 1
    bench.shuffle()
    bench.call(1)
    assert isinstance(bench.demon.failure, ParticleError)
    assert "copper atoms" in str(bench.demon.failure)


@pytest.mark.parametrize("sample_every", [1, 3, 100])
def test_work_is_the_trapezoid_along_the_path(sample_every: int) -> None:
    """Work sums mean force × displacement over steps; for a linear force that is exact, so it equals the spring's energy.

    It is the same however often it is sampled or looked at.
    """
    bench = Bench(linear(), axes="x", sample_every=sample_every)
    bench.call(0)
    for step in range(1, 11):
        bench.move(np.array([0.1, 0.2, 0.0]), np.zeros(3))
        bench.call(step)
        if step == 4:
            assert np.allclose(bench.demon.work[0], [-0.05 * 0.4**2, 0.0, 0.0])
    # Stretching against F = −κ_C X from 0 to 1 Å costs κ_C/2; y is not coupled.
    assert np.allclose(bench.demon.work[0], [-0.05, 0.0, 0.0])
    assert np.allclose(bench.demon.work[1], 0.0)


def test_repeated_first_step_does_no_work() -> None:
    """LAMMPS presents the first step of a run twice; the second time adds no work."""
    bench = Bench(linear())
    bench.call(0)
    bench.move(np.array([1.0, 0.0, 0.0]), np.zeros(3))
    bench.call(0)
    assert (bench.demon.work == 0).all()


def test_samples_come_at_their_stride() -> None:
    """The sampling hook is called at multiples of the stride only."""
    bench = Bench(linear(), sample_every=5)
    for step in range(12):
        bench.call(step)
    assert bench.seen == [0, 5, 10]


class Failing:
    """Raises at once."""

    def forces(self, cold: Vector, hot: Vector, time_ps: float) -> tuple[Vector, Vector]:
        """Raise."""
        raise ZeroDivisionError("gain")


def test_exception_is_kept_and_forces_vanish() -> None:
    """A raising controller is remembered, the stale forces are cleared, and LAMMPS is told to stop once."""
    bench = Bench(Failing())
    bench.f[:] = 7.0
    bench.call(0)
    bench.call(1)
    assert isinstance(bench.demon.failure, ZeroDivisionError)
    assert (bench.f == 0).all()
    assert bench.stopped == 1


def test_particle_out_of_its_trap_is_an_error() -> None:
    """A particle near a wall stops the run with advice."""
    bench = Bench(linear())
    bench.move(np.array([6.0, 0.0, 0.0]), np.zeros(3))
    bench.call(0)
    assert "from its trap centre" in str(bench.demon.failure)


def test_controllers_are_made_by_name() -> None:
    """`linear` and module:Class work; anything else says what is wrong."""
    made = load_controller("tests.unit.test_demon:Scaled", 0.1, 0.48, {"gain": "2"})
    assert np.allclose(made.forces(np.zeros(3), np.ones(3), 0.0)[0], 0.2)
    for name, options, message in (
        ("tests.unit.test_demon:Missing", {}, "Missing"),
        ("tests.unit.test_demon:Scaled", {"gian": "2"}, "gian"),
        ("tests.unit.test_demon:Failing", {}, "Failing"),
        ("collections:OrderedDict", {}, "no method forces"),
        ("linear", {"gain": "2"}, "takes no controller_options"),
    ):
        with pytest.raises(ControllerError, match=message):
            load_controller(name, 0.1, 0.48, options)


class Scaled(LinearController):
    """A user's controller with an option."""

    def __init__(self, *, gain: str, coupling_cold_eV_per_A2: float, coupling_hot_eV_per_A2: float) -> None:
        super().__init__(
            coupling_cold_eV_per_A2=float(gain) * coupling_cold_eV_per_A2,
            coupling_hot_eV_per_A2=float(gain) * coupling_hot_eV_per_A2,
        )
