"""The best demon within limits: couplings, and optionally the delay, with the largest, most efficient or most precise cooling.

A coarse search over the whole range locates the optimum, even with unstable machines in between. A bounded search with the
limits as constraints then refines it (COBYQA of T. M. Ragonneau, PhD thesis, Hong Kong 2022, as in SciPy).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from analysis.model.feedback import Feedback
from analysis.model.lyapunov import Array
from analysis.model.refrigerator import Refrigerator
from analysis.units import BOLTZMANN

Goal = Literal["cooling", "cop", "precision"]

_IDEAL = Feedback()
_COARSE = 9  # points of the coarse search along each direction
_USELESS = 1e3  # cost of a machine without a steady state, above that of any other


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Limits of a design; by default all are infinite except those of the couplings.

    Attributes:
        coupling_cold, coupling_hot: smallest and largest κ_C and κ_H, eV/Å², positive; two equal numbers keep it fixed.
        delay: smallest and largest delay, ps; ``None`` keeps that of the loop.
        work: largest power of the controller on both particles together, eV/ps.
        spread: largest <X²> of either particle, Å².
        force: largest root mean square force of the controller on either particle, eV/Å.
        cooling: smallest heat from the colder bath, eV/ps.
    """

    coupling_cold: tuple[float, float]
    coupling_hot: tuple[float, float]
    delay: tuple[float, float] | None = None
    work: float = math.inf
    spread: float = math.inf
    force: float = math.inf
    cooling: float = -math.inf

    def __post_init__(self) -> None:
        """Reject invalid ranges.

        Raises:
            ValueError: if a range is not one, or a coupling not positive; names it.
        """
        for name in ("coupling_cold", "coupling_hot"):
            low, high = getattr(self, name)
            if not 0 < low <= high < math.inf:
                raise ValueError(f"{name} = {(low, high)} eV/Å²: must be a smallest and a largest positive number")
        if self.delay is not None and not 0 <= self.delay[0] <= self.delay[1] < math.inf:
            raise ValueError(f"delay = {self.delay} ps: must be a smallest and a largest number, not negative")


@dataclass(frozen=True)
class Design:
    """A machine with its loop, and its performance.

    Attributes:
        machine: with the chosen couplings.
        feedback: the loop, with the chosen delay.
        velocity_gain: of cold damping on the particles (cold, hot), eV ps/Å².
        heats: into the baths (cold, hot), eV/ps.
        works: on the particles (cold, hot), eV/ps.
        cop: |Q|/W of the colder bath; nan if it is not cooled.
        noise: long-time variance per time of the heat of the colder bath, eV²/ps; √(noise/T) is the error after a time T.
        temperatures: kinetic, of the particles (cold, hot), K.
        spreads: <X²> of the particles, Å².
        forces: root mean square force of the controller on the particles, eV/Å; infinite if it is white noise.
    """

    machine: Refrigerator
    feedback: Feedback
    velocity_gain: tuple[float, float]
    heats: Array
    works: Array
    cop: float
    noise: float
    temperatures: Array
    spreads: Array
    forces: Array

    @property
    def cooling(self) -> float:
        """Heat taken from the colder bath, eV/ps."""
        return -float(self.heats[self.machine.colder])

    @property
    def relative_noise(self) -> float:
        """Relative variance of the heat accumulated over a time, times that time, ps."""
        return self.noise / self.cooling**2 if self.cooling else math.inf

    @classmethod
    def of(
        cls, machine: Refrigerator, feedback: Feedback = _IDEAL, velocity_gain: tuple[float, float] = (0.0, 0.0)
    ) -> Design:
        """The performance of a machine with a loop.

        Raises:
            ValueError: if there is no steady state.
        """
        colder = machine.colder
        if feedback == _IDEAL and not any(velocity_gain):
            c, heats, noise = machine.covariance(), machine.heat_rates(), machine.flow_noise()
            works, cop = machine.work_rates(), machine.cop()[0]
            forces = np.sqrt(np.diag(machine.controller_force() @ c[:2, :2] @ machine.controller_force().T))
        else:
            loop = machine.with_feedback(feedback, velocity_gain)
            c, heats, works, cop = loop.covariance(), loop.heat_rates(), loop.work_rates(), loop.cop()[0]
            noise = loop.flow_noise()
            white = loop.has_white_force
            forces = np.full(2, math.inf) if white else np.sqrt(np.diag(loop.force_and_velocity(0.0))[:2])
        kinetic = machine.masses[:2] * np.diag(c)[2:4] / BOLTZMANN
        return cls(
            machine=machine,
            feedback=feedback,
            velocity_gain=velocity_gain,
            heats=heats,
            works=works,
            cop=cop,
            noise=float(noise[2 + colder, 2 + colder]),
            temperatures=kinetic,
            spreads=np.diag(c)[:2],
            forces=forces,
        )


def best_design(
    machine: Refrigerator,
    limits: Limits,
    goal: Goal = "cooling",
    feedback: Feedback = _IDEAL,
    excess: Callable[[Refrigerator, Feedback], float] | None = None,
) -> Design:
    """The couplings, and if ``limits.delay`` is given the delay, that are best for a goal within limits.

    Args:
        machine: baths, frictions, masses and traps; its couplings are ignored.
        limits: of the design.
        goal: "cooling" for the largest heat from the colder bath; "cop" for the largest heat per work, which without a
            minimum ``cooling`` tends to Carnot's coefficient and to no cooling; "precision" for the smallest relative error
            of the cooling after any long time.
        feedback: the loop.
        excess: of a machine and its loop over a further limit; zero or negative within it.

    Raises:
        ValueError: if no machine of the coarse search cools within the limits.
    """
    ranges = [np.log(limits.coupling_cold), np.log(limits.coupling_hot)]
    if limits.delay is not None:
        ranges.append(np.array(limits.delay))

    def machine_at(x: Array) -> tuple[Refrigerator, Feedback]:
        # A logarithm and its inverse may cross a bound by rounding.
        cold, hot = (
            float(np.clip(math.exp(log), *ends))
            for log, ends in zip(x, (limits.coupling_cold, limits.coupling_hot), strict=False)
        )
        coupled = replace(machine, coupling_cold=cold, coupling_hot=hot)  # type: ignore[type-var]
        return coupled, feedback if limits.delay is None else replace(feedback, delay=float(x[2]))

    further = None if excess is None else lambda x: excess(*machine_at(x))
    return _Search(lambda x: Design.of(*machine_at(x)), ranges, limits, goal, machine, further).run()


def best_damping(
    machine: Refrigerator,
    limits: Limits,
    gain: tuple[float, float],
    goal: Goal = "cooling",
    feedback: Feedback = _IDEAL,
) -> Design:
    """Cold damping of the particle in the colder bath, without couplings, the usual laboratory method.

    With the same loop as ``best_design`` it compares both demons at equal noise, and because equal readings yield equal
    information, also at equal information. Damping extracts the heat as work: its power is negative, and a limit on the
    power has no effect.

    Args:
        machine: baths, frictions, masses and traps.
        limits: of the design; the ranges of its couplings are ignored.
        gain: smallest and largest gain g of the force -g V, eV ps/Å², positive.
        goal: "cooling" or "precision"; there is no coefficient of performance without input of work.
        feedback: the loop; for damping with white noise it needs a filter.

    Raises:
        ValueError: if the gains are not a range, or nothing cools within the limits.
    """
    if not 0 < gain[0] <= gain[1] < math.inf:
        raise ValueError(f"gain = {gain} eV ps/Å²: must be a smallest and a largest positive number")
    alone = replace(machine, coupling_cold=0.0, coupling_hot=0.0)  # type: ignore[type-var]
    ranges = [np.log(gain)]
    if limits.delay is not None:
        ranges.append(np.array(limits.delay))

    def build(x: Array) -> Design:
        gains = (math.exp(x[0]), 0.0) if alone.colder == 0 else (0.0, math.exp(x[0]))
        return Design.of(alone, feedback if limits.delay is None else replace(feedback, delay=float(x[1])), gains)

    return _Search(build, ranges, limits, goal, alone).run()


def pareto_front(machine: Refrigerator, limits: Limits, works: ArrayLike, feedback: Feedback = _IDEAL) -> list[Design]:
    """The designs of largest cooling for given powers of the controller, in the order of ``works``.

    Args:
        machine, limits, feedback: as in ``best_design``; ``limits.work`` is replaced.
        works: largest power for each design, eV/ps.

    Raises:
        ValueError: as ``best_design``.
    """
    powers = np.asarray(works, dtype=float).ravel()
    return [best_design(machine, replace(limits, work=float(power)), "cooling", feedback) for power in powers]


class _Search:
    """A search over a few variables, each in units of its range; those without a range are fixed."""

    def __init__(
        self,
        build: Callable[[Array], Design],
        ranges: Sequence[Array],
        limits: Limits,
        goal: Goal,
        machine: Refrigerator,
        further: Callable[[Array], float] | None = None,
    ) -> None:
        self._build, self._limits, self._goal, self._further = build, limits, goal, further
        # Heats in units of the heat from a bath to a particle at rest.
        rates = machine.frictions.diagonal(axis1=1, axis2=2)[:, :2].sum(axis=0) / machine.masses[:2]
        self._unit = BOLTZMANN * float(machine.temperatures.max() * rates.max())
        self._low, self._high = np.array(ranges).T
        self._free = self._high > self._low
        self._seen: dict[bytes, Design | None] = {}

    def _whole(self, x: Array) -> Array:
        """All variables, in their own units, at a point."""
        whole: Array = self._low.copy()
        whole[self._free] += x * (self._high - self._low)[self._free]
        return whole

    def _design(self, x: Array) -> Design | None:
        """The design at a point, free variables as 0..1; None if it has no steady state."""
        key = np.asarray(x).tobytes()
        if key not in self._seen:
            try:
                self._seen[key] = self._build(self._whole(x))
            except (ValueError, ArithmeticError):
                self._seen[key] = None
        return self._seen[key]

    def _cost(self, x: Array) -> float:
        design = self._design(x)
        if design is None:
            return _USELESS
        if self._goal == "cooling":
            return -design.cooling / self._unit
        if self._goal == "cop":
            return -design.cop if design.cop > 0 else _USELESS
        return math.log(design.relative_noise) if design.cooling > 0 else _USELESS

    def _excesses(self, x: Array) -> Array:
        """Relative excess over each limit; positive values violate it."""
        design = self._design(x)
        limits = self._limits
        kept = []
        most = (limits.work, limits.spread, limits.force)
        reached = (math.inf,) * 3 if design is None else (design.works.sum(), design.spreads.max(), design.forces.max())
        for value, limit in zip(reached, most, strict=True):
            if limit < math.inf:
                kept.append(min(float(value) / limit - 1, _USELESS))
        if limits.cooling > -math.inf:
            kept.append(_USELESS if design is None else (limits.cooling - design.cooling) / self._unit)
        if self._further is not None:
            kept.append(_USELESS if design is None else self._further(self._whole(x)))
        return np.array(kept)

    def run(self) -> Design:
        """The best design."""
        free = int(self._free.sum())
        grid = [np.array(x) for x in itertools.product(np.linspace(0, 1, _COARSE), repeat=free)]
        allowed = [x for x in grid if (self._excesses(x) <= 0).all() and self._cost(x) < _USELESS]
        allowed = [x for x in allowed if (design := self._design(x)) is not None and design.cooling > 0]
        if not allowed:
            raise ValueError(f"{self._limits}: none of {len(grid)} machines cools within these limits")
        best = min(allowed, key=self._cost)
        if free:
            best = self._followed(best)
        design = self._design(best)
        assert design is not None  # it is one of the allowed values
        return design

    def _followed(self, start: Array) -> Array:
        from scipy.optimize import Bounds, NonlinearConstraint, minimize  # slow to load, and needed only for a design

        constraints = [NonlinearConstraint(self._excesses, -np.inf, 0.0)] if self._excesses(start).size else []
        found = minimize(
            self._cost,
            start,
            method="COBYQA",
            bounds=Bounds(np.zeros(start.size), np.ones(start.size)),
            constraints=constraints,
            options={"initial_tr_radius": 0.5 / (_COARSE - 1), "final_tr_radius": 1e-5, "maxfev": 200},
        )
        x = np.clip(found.x, 0.0, 1.0)
        return x if (self._excesses(x) <= 1e-6).all() and self._cost(x) < self._cost(start) else start
