"""Works and heats compared with 2 k_B/ΔS, a bound on Var/mean² of any current in overdamped dynamics (eq. 12).

There are two forms: the power sampled every dt from two positions, as in the paper, and the quantity accumulated
continuously over a window. They agree over short times. At a ratio of 1 the bound is reached.
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
"""Total works by force, total heat, work and heat of each side: the sides, the force, and whether it is a heat.

Heat is released by a particle: work minus the change of its energy. A dressed particle releases it to its shell first.
"""


def sampled_over_bound(machine: Refrigerator, targets: Sequence[Target], dt: float, force: Force = "cross") -> Array:
    """``Refrigerator.power_uncertainties`` over 2 k_B/ΔS, (targets,); at the pseudo-equilibrium the limit of that ratio.

    Raises:
        ValueError: as ``Refrigerator.power_distribution``.
    """
    near = machine.off_balance()
    return np.array(near.power_uncertainties(targets, dt, force)) / near.uncertainty_bound(dt)


def gathered_over_bound(machine: Refrigerator, flows: Sequence[str], duration: ArrayLike) -> Array:
    """Var/mean² of works and heats accumulated over durations, over 2 k_B/ΔS, (flows, *duration.shape).

    Over long windows all flows are the same current with the same ratio: 1 near the pseudo-equilibrium, larger away from
    it. At κ_H = κ_C total flows vanish but entropy is still produced, and their ratio is infinite; that of the
    antisymmetric force, which does not depend on its size, has a limit there, as all ratios have at the pseudo-equilibrium.
    NaN for a work that is identically zero.

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
    # Close to κ_H = κ_C the antisymmetric force is not zero.
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
            # A mean of the size of rounding errors vanishes.
            means[[_vanishes(given, flows[row]) for row in rows]] = 0.0
            with np.errstate(divide="ignore", invalid="ignore"):
                result[rows] = (
                    variances * machine.entropy_production() / (2 * BOLTZMANN) / np.multiply.outer(means**2, time)
                )
    return result


def _vanishes(machine: Refrigerator, name: str) -> bool:
    """Whether the mean of a flow vanishes although others do not: totals at κ_H = κ_C, flows of a side without coupling."""
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
