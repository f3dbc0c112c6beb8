"""Controllers: what one sees and must answer, the paper's linear law, and how a study's own is made.

A controller is a small class. To use your own, name it in the study as `controller: my_module:MyController`, with the module
in the working directory, in its folder `config`, or installed. It is made with
`MyController(coupling_cold_eV_per_A2=…, coupling_hot_eV_per_A2=…, **controller_options)`; options are the texts of the study
file.

A controller that remembers anything from one call to the next must be able to tell it and to be told it, because a run
advances in segments, each with a controller made anew::

    def state(self) -> dict[str, numpy.ndarray]: ...
    def restore(self, state: dict[str, numpy.ndarray]) -> None: ...

What `state` returns is kept with each segment, and `restore` gets it back before the next one begins.
"""

from __future__ import annotations

import contextlib
import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]
State = dict[str, NDArray[Any]]

LINEAR = "linear"
OWN_PACKAGES = ("analysis", "benchmarks", "simulation", "workflow")


class Seen(NamedTuple):
    """What a controller sees of one step. Arrays are read-only, and new at every step.

    Attributes:
        step: MD step; 0 is where the measurement begins, and the relaxation before it has negative steps.
        time_ps: the same in time: one clock for the whole run.
        displacement_A: centres of mass less their trap centres, shape (2, 3): cold, hot; x, y, z.
        velocity_A_per_ps: velocities of the centres of mass at the same instant, shape (2, 3); not numbers for a controller
            whose class says `sees_velocity = False`.
    """

    step: int
    time_ps: float
    displacement_A: Vector
    velocity_A_per_ps: Vector


class Controller(Protocol):
    """What the demon asks, once at every step."""

    def forces(self, seen: Seen) -> Any:
        """Forces on the cold and the hot particle, eV/Å, shape (2, 3): an array, or two vectors.

        Only the components along the study's `coupling_axes` are applied.
        """
        ...


class LinearController:
    """F_C = κ_C (X_H − X_C), F_H = κ_H (X_C − X_H): the paper's nonreciprocal coupling, its eqs. (1) and (2)."""

    version = 1
    """Part of a run's identity: raise it when the law changes."""
    sees_velocity = False
    """It has no use for velocities, which cost a sum over all forces at every step."""

    def __init__(self, *, coupling_cold_eV_per_A2: float, coupling_hot_eV_per_A2: float) -> None:
        self._coupling = np.array([[coupling_cold_eV_per_A2], [-coupling_hot_eV_per_A2]])

    def forces(self, seen: Seen) -> Vector:
        """See `Controller.forces`."""
        cold, hot = seen.displacement_A
        return np.asarray(self._coupling * (hot - cold))


class ControllerError(Exception):
    """A controller cannot be used, or failed while LAMMPS ran; the message says why."""


def search_path() -> list[str]:
    """Where a study's own controller is looked for before Python's own path."""
    return [str(Path.cwd()), str(Path.cwd() / "config")]


@contextlib.contextmanager
def searching() -> Iterator[None]:
    """Let Python find a study's own controller."""
    before = list(sys.path)
    sys.path[:0] = search_path()
    try:
        yield
    finally:
        sys.path[:] = before


def make_controller(name: str, coupling_cold: float, coupling_hot: float, options: dict[str, str]) -> Controller:
    """Make the controller that a study names: `linear`, or `module:Class`.

    Raises:
        ControllerError: the module, the class or its constructor fails; says which and why.
    """
    couplings = {"coupling_cold_eV_per_A2": coupling_cold, "coupling_hot_eV_per_A2": coupling_hot}
    if name == LINEAR:
        return LinearController(**couplings)
    module, _, class_name = name.partition(":")
    # For good: a controller may import more while it runs.
    sys.path[:0] = [folder for folder in search_path() if folder not in sys.path]
    try:
        maker: Callable[..., Controller] = getattr(importlib.import_module(module), class_name)
        controller = maker(**couplings, **options)
    except KeyboardInterrupt:
        raise
    except BaseException as failure:  # a user's code may raise anything, SystemExit among it
        raise ControllerError(
            f"controller {name!r} cannot be created: {type(failure).__name__}: {failure}"
        ) from failure
    if not callable(getattr(controller, "forces", None)):
        raise ControllerError(f"controller {name!r} has no method forces(seen)")
    if hasattr(controller, "state") != hasattr(controller, "restore"):
        raise ControllerError(f"controller {name!r} has only one of state() and restore(state): add the other")
    return controller


def checked_forces(answer: Any) -> Vector:
    """A controller's answer as an array of shape (2, 3), copied: a controller may use its own again.

    Raises:
        ControllerError: it is anything but two vectors of three real numbers.
    """
    try:
        forces = np.array(answer)
    except ValueError:  # of unequal lengths
        forces = np.empty(0)
    if forces.shape != (2, 3) or forces.dtype.kind not in "fiu":
        what = f"an array of shape {forces.shape} and type {forces.dtype}" if forces.ndim else repr(answer)
        raise ControllerError(f"forces(seen) must return two vectors of three real numbers (2, 3), not {what}")
    return forces if forces.dtype == np.float64 else forces.astype(np.float64)


def state_of(controller: Controller) -> State | None:
    """What a controller with memory tells of it, copied; None for one without `state`.

    Raises:
        ControllerError: it fails, or gives no mapping of names to arrays of plain numbers.
    """
    tell = getattr(controller, "state", None)
    if tell is None:
        return None
    try:
        state = tell()
    except Exception as failure:
        raise ControllerError(f"state() failed: {type(failure).__name__}: {failure}") from failure
    if not isinstance(state, dict):
        raise ControllerError(f"state() must return a dict of arrays, not {type(state).__name__}")
    kept: State = {}
    for key, value in state.items():
        try:
            array = np.array(value)
        except ValueError:  # of unequal lengths
            array = np.array(None)
        if not isinstance(key, str) or array.dtype.kind not in "biufcSU":
            raise ControllerError(
                f"state() holds {key!r} of type {type(value).__name__}: it must hold arrays of plain numbers, by name"
            )
        kept[key] = array
    return kept


def restore(controller: Controller, state: State | None) -> None:
    """Give a controller its memory back."""
    if state is not None:
        controller.restore(state)  # type: ignore[attr-defined]
