"""How far works and heats lie from 2 k_B/ΔS, which bounds Var/mean² of any current in overdamped dynamics (eq. 12).

Two readings of one quantity: the power sampled every dt from two positions, as the paper has it, and what has been gathered
over a window, at every instant. They agree over short times. A ratio of 1 is where the bound is met.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from analysis.model.currents import Current, covariance_over, mean_rates
from analysis.model.lyapunov import Array
from analysis.model.refrigerator import Force, Refrigerator, Target
from analysis.units import BOLTZMANN

GATHERED: dict[str, tuple[tuple[int, ...], Force, bool]] = {
    "full": ((0, 1), "full", False),
    "cross": ((0, 1), "cross", False),
    "antisymmetric": ((0, 1), "antisymmetric", False),
    "heat": ((0, 1), "full", True),
    "work_cold": ((0,), "full", False),
    "work_hot": ((1,), "full", False),
    "heat_cold": ((0,), "full", True),
    "heat_hot": ((1,), "full", True),
}
"""Total works by force, total heat, work and heat of each side: the sides, the force, and whether heat is meant.

Heat is what a particle gives away: work less the change of its own energy. A dressed particle gives it to its shell first.
"""


def sampled_over_bound(machine: Refrigerator, targets: Sequence[Target], dt: float, force: Force = "cross") -> Array:
    """``Refrigerator.power_uncertainties`` over 2 k_B/ΔS, (targets,); at the pseudo-equilibrium the limit of that ratio.

    Raises:
        ValueError: as ``Refrigerator.power_distribution``.
    """
    near = machine.off_balance()
    return np.array(near.power_uncertainties(targets, dt, force)) / near.uncertainty_bound(dt)


def gathered_over_bound(machine: Refrigerator, flows: Sequence[str], duration: ArrayLike) -> Array:
    """Var/mean² of works and heats gathered over durations, over 2 k_B/ΔS, (flows, *duration.shape).

    Over long windows all flows are one current with one ratio: 1 near the pseudo-equilibrium, more away from it. At κ_H = κ_C,
    where total flows vanish and entropy is still produced, theirs is infinite; that of the antisymmetric force, whose size
    does not matter, has a limit there, as all ratios have at the pseudo-equilibrium. NaN for a work that is not done at
    all.

    Args:
        machine: in its steady state, with a current.
        flows: names of ``GATHERED``.
        duration: ps, of any shape.

    Raises:
        ValueError: if a duration is not positive, or there is no steady state.
    """
    given, machine = machine, machine.off_balance()
    time = np.asarray(duration, dtype=float)
    reciprocal = machine.coupling_cold == machine.coupling_hot
    # Beside κ_H = κ_C the antisymmetric force is not nothing.
    beside = replace(machine, coupling_hot=machine.coupling_hot * (1 + 1e-6)) if reciprocal else machine  # type: ignore[type-var]
    result = np.empty((len(flows), *time.shape))
    for solved, rows in (
        (machine, [row for row, name in enumerate(flows) if not (reciprocal and name == "antisymmetric")]),
        (beside, [row for row, name in enumerate(flows) if reciprocal and name == "antisymmetric"]),
    ):
        if rows:
            currents = [_current(solved, flows[row]) for row in rows]
            means = mean_rates(solved, currents)
            variances = np.einsum("...ii->i...", covariance_over(solved, currents, time))
            # What rounding leaves of a mean that vanishes is none.
            means[[_vanishes(given, flows[row]) for row in rows]] = 0.0
            with np.errstate(divide="ignore", invalid="ignore"):
                result[rows] = (
                    variances * machine.entropy_production() / (2 * BOLTZMANN) / np.multiply.outer(means**2, time)
                )
    return result


def _vanishes(machine: Refrigerator, name: str) -> bool:
    """Whether a flow has no mean though others have: totals at κ_H = κ_C, and the flows of a side without a coupling."""
    kind, _, side = name.partition("_")
    if side:
        return bool((machine.coupling_cold if side == "cold" else machine.coupling_hot) == 0.0)
    return machine.coupling_cold == machine.coupling_hot and kind != "antisymmetric"


def _current(machine: Refrigerator, name: str) -> Current:
    sides, force, given = GATHERED[name]
    powers = [machine.currents(force)[side].power for side in sides]
    stored = np.zeros_like(powers[0])
    for side in sides if given else ():
        velocity = machine.coordinates + side
        stored[side, side], stored[velocity, velocity] = -machine.trap / 2, -machine.masses[side] / 2
    return Current(np.sum(powers, axis=0), np.zeros(2), stored if given else None)
