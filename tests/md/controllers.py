"""Controllers of a user's own, as the tests name them in their studies."""

from __future__ import annotations

import json
import os
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulation.control.controller import Seen, State

Vector = NDArray[np.float64]


class Recorder:
    """The linear law, times a factor, of where the particles were some steps ago; remembers all that it ever saw."""

    def __init__(
        self,
        *,
        coupling_cold_eV_per_A2: float,
        coupling_hot_eV_per_A2: float,
        delay_steps: str = "0",
        factor: str = "1",
    ) -> None:
        self.coupling = float(factor) * np.array([[coupling_cold_eV_per_A2], [-coupling_hot_eV_per_A2]])
        self.delay = int(delay_steps)
        self.seen: dict[str, list[Any]] = {"step": [], "time_ps": [], "displacement_A": [], "velocity_A_per_ps": []}

    def forces(self, seen: Seen) -> Vector:
        """No force until it has seen long enough."""
        for name, values in self.seen.items():
            values.append(np.array(getattr(seen, name)))
        if len(self.seen["step"]) <= self.delay:
            return np.zeros((2, 3))
        cold, hot = self.seen["displacement_A"][-1 - self.delay]
        return np.asarray(self.coupling * (hot - cold))

    def state(self) -> State:
        """All that it saw."""
        return {name: np.array(values) for name, values in self.seen.items()}

    def restore(self, state: State) -> None:
        """Likewise."""
        self.seen = {name: list(values) for name, values in state.items()}


class Noisy:
    """The linear law of positions that it knows to 5 Å only; its stream of random numbers goes on where it was."""

    def __init__(self, *, coupling_cold_eV_per_A2: float, coupling_hot_eV_per_A2: float) -> None:
        self.coupling = np.array([[coupling_cold_eV_per_A2], [-coupling_hot_eV_per_A2]])
        self.random = np.random.default_rng(1)

    def forces(self, seen: Seen) -> Vector:
        """Another error at every step."""
        cold, hot = seen.displacement_A
        return np.asarray(self.coupling * (hot - cold + 5 * self.random.standard_normal(3)))

    def state(self) -> State:
        """Where its stream is: numbers too long for an array of integers, so as text."""
        return {"stream": np.array(json.dumps(self.random.bit_generator.state))}

    def restore(self, state: State) -> None:
        """Likewise."""
        self.random.bit_generator.state = json.loads(str(state["stream"]))


class OfItsRank(Noisy):
    """Like `Noisy`, but each MPI rank has random numbers of its own, so that no two ranks would push alike."""

    def __init__(self, *, coupling_cold_eV_per_A2: float, coupling_hot_eV_per_A2: float) -> None:
        super().__init__(coupling_cold_eV_per_A2=coupling_cold_eV_per_A2, coupling_hot_eV_per_A2=coupling_hot_eV_per_A2)
        self.random = np.random.default_rng([int(os.environ.get("PMI_RANK", "0")), 5])


class Late:
    """Begins to remember at a step that the short trial does not reach, and cannot tell what."""

    def __init__(self, *, coupling_cold_eV_per_A2: float, coupling_hot_eV_per_A2: float, at_step: str) -> None:
        self.at_step = int(at_step)
        self.alarm = False

    def forces(self, seen: Seen) -> Vector:
        """No force."""
        self.alarm |= seen.step == self.at_step
        return np.zeros((2, 3))


class Failing:
    """Fails in some way at a step after the relaxation has begun, which the short trial does not reach."""

    def __init__(
        self, *, coupling_cold_eV_per_A2: float, coupling_hot_eV_per_A2: float, way: str, after: str = "250"
    ) -> None:
        self.way = way
        self.after = int(after)

    def forces(self, seen: Seen) -> Any:
        """Anything, in the end."""
        if seen.step < self.after:
            return np.zeros((2, 3))
        match self.way:
            case "raise":
                raise KeyError("no such gain")
            case "exit":
                raise SystemExit(0)
            case "nan":
                return np.full((2, 3), np.nan)
            case "strong":  # pushes the cold particle away with all its might
                return np.array([[0.0, 1000.0, 0.0], [0.0, 0.0, 0.0]])
        return self.way
