"""How far works and heats lie from 2 k_B/ΔS, which bounds Var/mean² of any current in overdamped dynamics (eq. 12).

Two readings of one quantity: the power sampled every dt from two positions, as the paper has it, and what has been gathered
over a window, at every instant. They agree over short times. A ratio of 1 is where the bound is met.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from analysis.model.lyapunov import Array
from analysis.model.network import BOLTZMANN
from analysis.model.refrigerator import Force, Refrigerator, Target

GATHERED: dict[str, tuple[tuple[int, int, int, int], Force]] = {
    "full": ((1, 1, 0, 0), "full"),
    "cross": ((1, 1, 0, 0), "cross"),
    "antisymmetric": ((1, 1, 0, 0), "antisymmetric"),
    "heat": ((0, 0, 1, 1), "full"),
    "work_cold": ((1, 0, 0, 0), "full"),
    "work_hot": ((0, 1, 0, 0), "full"),
    "heat_cold": ((0, 0, 1, 0), "full"),
    "heat_hot": ((0, 0, 0, 1), "full"),
}
"""Total works by force, total heat, work and heat of each side: weights of ``refrigerator.FLOWS``, and the force."""


def sampled_over_bound(machine: Refrigerator, targets: Sequence[Target], dt: float, force: Force = "cross") -> Array:
    """``Refrigerator.power_uncertainties`` over 2 k_B/ΔS, (targets,); at the pseudo-equilibrium the limit of that ratio.

    Raises:
        ValueError: as ``Refrigerator.power_distribution``.
    """
    near = machine.off_balance()
    return np.array(near.power_uncertainties(targets, dt, force)) / near.uncertainty_bound(dt)


def gathered_over_bound(machine: Refrigerator, flows: Sequence[str], duration: ArrayLike) -> Array:
    """Var/mean² of works and heats gathered over durations, over 2 k_B/ΔS, (flows, *duration.shape).

    Over long windows all flows are one current with one ratio: 1 near the pseudo-equilibrium, more away from it. Where total
    flows vanish and entropy is still produced, at κ_H = κ_C, theirs is infinite; that of the antisymmetric force, whose size
    does not matter, has a limit there, as all ratios have at the pseudo-equilibrium.

    Args:
        machine: in its steady state, with a current.
        flows: names of ``GATHERED``.
        duration: ps, of any shape.

    Raises:
        ValueError: if a duration is not positive, or there is no steady state.
    """
    machine = machine.off_balance()
    time = np.asarray(duration, dtype=float)
    reciprocal = machine.coupling_cold == machine.coupling_hot
    solved: dict[Force, tuple[Array, Array]] = {}
    result = np.empty((len(flows), *time.shape))
    for row, name in enumerate(flows):
        picked, force = GATHERED[name]
        weights = np.array(picked, dtype=float)
        if force not in solved:
            # Beside κ_H = κ_C the antisymmetric force is not nothing.
            shift = 1e-6 if reciprocal and force == "antisymmetric" else 0.0
            near = replace(machine, coupling_hot=machine.coupling_hot * (1 + shift))  # type: ignore[type-var]
            solved[force] = near.flow_rates(force), near.flow_covariance(time, force)
        rates, covariance = solved[force]
        mean, variance = weights @ rates, np.einsum("...ij,i,j->...", covariance, weights, weights)
        if reciprocal and weights.sum() == 2 and force != "antisymmetric":
            result[row] = np.inf
        else:
            result[row] = variance * machine.entropy_production() / (2 * BOLTZMANN * mean**2 * time)
    return result
