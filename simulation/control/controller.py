"""Controllers: their interface, the linear law of the paper, and creation of custom controllers.

A controller is a small class. To use a custom one, name it in the study as `controller: my_module:MyController`, with the
module in the working directory, in its folder `config`, or installed. It is created with
`MyController(coupling_cold_eV_per_A2=…, coupling_hot_eV_per_A2=…, **controller_options)`; options are the strings of the study
file.

A controller with a memory from one call to the next must provide these methods, because each segment of a run creates a new
controller::

    def state(self) -> dict[str, numpy.ndarray]: ...
    def restore(self, state: dict[str, numpy.ndarray]) -> None: ...

The result of `state` is stored with each segment, and passed to `restore` before the next one begins.
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
    """The input of a controller at one step. Arrays are read-only, and new at every step.

    Attributes:
        step: MD step; the measurement begins at 0, and the relaxation before it has negative steps.
        time_ps: the corresponding time, with one clock for the whole run.
        displacement_A: centres of mass minus their trap centres, shape (2, 3): cold, hot; x, y, z.
        velocity_A_per_ps: velocities of the centres of mass at the same instant, shape (2, 3); NaN for a controller
            whose class has `sees_velocity = False`.
    """

    step: int
    time_ps: float
    displacement_A: Vector
    velocity_A_per_ps: Vector


class Controller(Protocol):
    """The interface called by the demon, once at every step."""

    def forces(self, seen: Seen) -> Any:
        """Forces on the cold and the hot particle, eV/Å, shape (2, 3): an array, or two vectors.

        Only the components along `coupling_axes` of the study are applied.
        """
        ...


class LinearController:
    """F_C = κ_C (X_H − X_C), F_H = κ_H (X_C − X_H): the nonreciprocal coupling of the paper, eqs. (1) and (2)."""

    version = 1
    """Part of the identity of a run: increase it when the law changes."""
    sees_velocity = False
    """Velocities are not needed; computing them costs a sum over all forces at every step."""

    def __init__(self, *, coupling_cold_eV_per_A2: float, coupling_hot_eV_per_A2: float) -> None:
        self._coupling = np.array([[coupling_cold_eV_per_A2], [-coupling_hot_eV_per_A2]])

    def forces(self, seen: Seen) -> Vector:
        """See `Controller.forces`."""
        displacement = seen.displacement_A
        return np.asarray(self._coupling * (displacement[1] - displacement[0]))


class DampingController(LinearController):
    """The linear coupling plus cold damping: an additional force -g V, with V from the change of the readings.

    As in a laboratory, only positions are read. In a feedback loop V therefore contains their noise.
    """

    version = 1

    def __init__(
        self, *, coupling_cold_eV_per_A2: float, coupling_hot_eV_per_A2: float, damping: tuple[float, float]
    ) -> None:
        super().__init__(coupling_cold_eV_per_A2=coupling_cold_eV_per_A2, coupling_hot_eV_per_A2=coupling_hot_eV_per_A2)
        self._gain = np.array(damping)[:, None]
        self._before: Vector | None = None
        self._time = 0.0

    def forces(self, seen: Seen) -> Vector:
        """See `Controller.forces`; at the first reading there is no velocity, so only the coupling acts."""
        force = super().forces(seen)
        if self._before is not None:
            velocity = (seen.displacement_A - self._before) / (seen.time_ps - self._time)
            force = force - self._gain * velocity
        self._before, self._time = seen.displacement_A.copy(), seen.time_ps
        return force

    def state(self) -> State:
        """The previous reading and its time."""
        before = np.empty((0, 2, 3)) if self._before is None else self._before[None]
        return {"before": before, "time_ps": np.array(self._time)}

    def restore(self, state: State) -> None:
        """Restore the result of `state`."""
        self._before = state["before"][0] if len(state["before"]) else None
        self._time = float(state["time_ps"])


class ControllerError(Exception):
    """A controller cannot be used, or failed during a run; the message gives the reason."""


def search_path() -> list[str]:
    """Folders searched for custom controllers before the path of Python."""
    return [str(Path.cwd()), str(Path.cwd() / "config")]


@contextlib.contextmanager
def searching() -> Iterator[None]:
    """Add these folders to the path of Python."""
    before = list(sys.path)
    sys.path[:0] = search_path()
    try:
        yield
    finally:
        sys.path[:] = before


def make_controller(
    name: str,
    coupling_cold: float,
    coupling_hot: float,
    options: dict[str, str],
    damping: tuple[float, float] = (0.0, 0.0),
) -> Controller:
    """Create the controller of a study: `linear`, with cold damping (cold, hot; eV ps/Å²) if any, or `module:Class`.

    Raises:
        ControllerError: the module, the class or its constructor fails; gives the reason.
    """
    couplings = {"coupling_cold_eV_per_A2": coupling_cold, "coupling_hot_eV_per_A2": coupling_hot}
    if name == LINEAR:
        return DampingController(**couplings, damping=damping) if any(damping) else LinearController(**couplings)
    module, _, class_name = name.partition(":")
    # Permanently: a controller may import more while it runs.
    sys.path[:0] = [folder for folder in search_path() if folder not in sys.path]
    try:
        maker: Callable[..., Controller] = getattr(importlib.import_module(module), class_name)
        controller = maker(**couplings, **options)
    except KeyboardInterrupt:
        raise
    except BaseException as failure:  # user code may raise anything, including SystemExit
        raise ControllerError(
            f"controller {name!r} cannot be created: {type(failure).__name__}: {failure}"
        ) from failure
    if not callable(getattr(controller, "forces", None)):
        raise ControllerError(f"controller {name!r} has no method forces(seen)")
    if hasattr(controller, "state") != hasattr(controller, "restore"):
        raise ControllerError(f"controller {name!r} has only one of state() and restore(state): add the other")
    return controller


def checked_forces(answer: Any) -> Vector:
    """The result of a controller as an array of shape (2, 3), copied, because a controller may reuse its array.

    Raises:
        ControllerError: it is not two vectors of three real numbers.
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
    """The state of a controller with memory, copied; None for one without `state`.

    Raises:
        ControllerError: it fails, or does not return a mapping of names to arrays of plain numbers.
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
    """Restore the memory of a controller."""
    if state is not None:
        controller.restore(state)  # type: ignore[attr-defined]
