"""Trial of a custom controller before LAMMPS starts: a short path in two segments, in a separate process.

It finds errors that would otherwise appear after hours, or never: a module that fails or terminates Python, results of a wrong
shape, and memory that a restart would silently lose.
"""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from simulation.control.controller import (
    Controller,
    ControllerError,
    Seen,
    Vector,
    checked_forces,
    make_controller,
    restore,
    search_path,
    state_of,
)
from simulation.control.source import law_identity

STEPS = 400
PATIENCE_S = 120.0
DONE = "nanofridge trial done: "
ADD_STATE = (
    "each segment of a run creates a new controller, so add state() -> dict of arrays and restore(state) "
    "(simulation/control/controller.py; state() may return {} if no memory is needed)"
)


def controller_problem(
    name: str, couplings: list[tuple[float, float]], options: dict[str, str], spread_A: float, timestep_ps: float
) -> str | None:
    """The problem of a custom controller, with the cure; None if it works.

    Args:
        name: `module:Class`.
        couplings: (κ_C, κ_H), eV/Å², of each point of the study.
        options: strings from the study file.
        spread_A: standard deviation of the displacements in the trial.
        timestep_ps: MD time step.
    """
    try:
        source = law_identity(name)["source"]
    except ControllerError as failure:
        return str(failure)
    return _tried(name, tuple(couplings), tuple(options.items()), spread_A, timestep_ps, source, tuple(search_path()))


@lru_cache
def _tried(
    name: str,
    couplings: tuple[tuple[float, float], ...],
    options: tuple[tuple[str, str], ...],
    spread_A: float,
    timestep_ps: float,
    source: str,  # the same name with another source is tried again
    folders: tuple[str, ...],  # and so is one from another folder
) -> str | None:
    task = json.dumps([name, couplings, dict(options), spread_A, timestep_ps])
    try:
        tried = subprocess.run(
            [sys.executable, "-X", "utf8", "-m", "simulation.control.trial", task],
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=PATIENCE_S,
            stdin=subprocess.DEVNULL,
            env=_environment(),
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"{name!r} took more than {PATIENCE_S:.0f} s for {STEPS} steps: make it faster"
    for line in tried.stdout.splitlines():
        if line.startswith(DONE):
            problem: str | None = json.loads(line.removeprefix(DONE))
            return problem
    said = (tried.stderr.strip().splitlines() or ["without a message"])[-1]
    return (
        f"{name!r} terminated Python (exit code {tried.returncode}, {said}): a controller must raise an error instead"
    )


def _environment() -> dict[str, str]:
    root = str(Path(__file__).resolve().parents[2])
    path = os.pathsep.join([root, *filter(None, [os.environ.get("PYTHONPATH")])])
    return os.environ | {"PYTHONPATH": path}


def problem_of(
    name: str, couplings: list[tuple[float, float]], options: dict[str, str], spread_A: float, timestep_ps: float
) -> str | None:
    """`controller_problem` in this process."""
    for cold, hot in couplings:
        try:
            _try(name, cold, hot, options, spread_A, timestep_ps)
        except ControllerError as failure:
            return str(failure)
    return None


def _try(name: str, cold: float, hot: float, options: dict[str, str], spread_A: float, timestep_ps: float) -> None:
    controller = make_controller(name, cold, hot, options)
    before = memory(controller)
    half = STEPS // 2
    _path(name, controller, -half, 0, spread_A, timestep_ps)
    remembered = state_of(controller)
    if remembered is None and memory(controller) != before:
        raise ControllerError(
            f"{name!r} has a memory (its attributes change while it runs) but no state(): {ADD_STATE}"
        )
    second = make_controller(name, cold, hot, options)
    restore_or_complain(name, second, remembered)
    went_on = _path(name, controller, 0, half, spread_A, timestep_ps)
    began_anew = _path(name, second, 0, half, spread_A, timestep_ps)
    if not np.array_equal(went_on, began_anew, equal_nan=True):
        if remembered is None:
            raise ControllerError(f"{name!r} has a memory or draws random numbers, but has no state(): {ADD_STATE}")
        raise ControllerError(
            f"{name!r} exerts different forces after restore(state()) than without interruption: state() is incomplete"
        )


def restore_or_complain(name: str, controller: Controller, state: dict[str, Any] | None) -> None:
    """`restore`, with failures as messages.

    Raises:
        ControllerError: the controller does not accept its own state.
    """
    try:
        restore(controller, state)
    except Exception as failure:
        raise ControllerError(
            f"{name!r}: restore(state) failed with the result of state(): {type(failure).__name__}: {failure}"
        ) from failure


def memory(controller: Controller) -> bytes | None:
    """All attributes of a controller for comparison; None if they cannot be determined."""
    held = dict(getattr(controller, "__dict__", {}))
    for kind in type(controller).__mro__:
        slots = kind.__dict__.get("__slots__", ())
        names = (slots,) if isinstance(slots, str) else slots
        held |= {slot: getattr(controller, slot) for slot in names if hasattr(controller, slot)}
    try:
        # One by one: objects shared by two attributes would be written once, and so depend on more than their values.
        return b"".join(name.encode() + pickle.dumps(value) for name, value in sorted(held.items()))
    except Exception:  # attributes that cannot be pickled are compared only by their effect
        return None


def _path(name: str, controller: Controller, first: int, last: int, spread_A: float, timestep_ps: float) -> Vector:
    """Forces along a smooth path of thermal size, each called once; shape (last − first + 1, 2, 3)."""
    phase = np.arange(6.0).reshape(2, 3)
    rate = 2 * np.pi / (STEPS * timestep_ps) * (3 + phase)
    forces = []
    for step in range(first, last):
        time = step * timestep_ps
        displacement = spread_A * np.sqrt(2) * np.sin(rate * time + phase + 0.5)
        velocity = spread_A * np.sqrt(2) * rate * np.cos(rate * time + phase + 0.5)
        displacement.flags.writeable = velocity.flags.writeable = False
        try:
            answer = controller.forces(Seen(step, time, displacement, velocity))
        except KeyboardInterrupt:
            raise
        except BaseException as failure:
            raise ControllerError(
                f"{name!r} failed in the trial: forces(seen) raised {type(failure).__name__}: {failure}"
            ) from failure
        forces.append(checked_forces(answer))
    return np.array(forces)


if __name__ == "__main__":
    found = problem_of(*json.loads(sys.argv[1]))
    print(f"\n{DONE}{json.dumps(found)}", flush=True)
