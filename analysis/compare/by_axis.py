"""The currents of one run, axis by axis: agreement with theory, and independence.

With ``coupling_axes`` "xyz" three machines of the paper run in one simulation and share one bath on each side. Each has the
friction of its axis: currents along equivalent axes measure the same number if the axes are independent. The machine of the
paper acts along x.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from analysis.compare.comparison import THEORIES, forecasts
from analysis.data.parameters import SIDES, Array
from analysis.data.runs import Run
from analysis.friction.response import Responses
from analysis.friction.result import Friction
from analysis.heat.rates import current_blocks, spring_energy, walk
from analysis.statistics.timeseries import Blocks, Estimate, block_rates, end_noise, mean_rate, total_rate
from analysis.units import PER_NS

COLUMNS = [
    "kappa_ratio",
    "axis",
    *(f"work_{side}_{end}" for side in SIDES for end in ("eV_per_ns", "se")),
    *(f"{theory}_{side}_eV_per_ns" for theory in THEORIES for side in SIDES),
    *(f"z_{against}_{side}" for against in (*THEORIES, "others") for side in SIDES),
    "next_axis",
    "correlation",
    "correlation_se",
]


def work_by_axis(runs: Sequence[Run], friction: Friction, responses: Responses | None = None) -> pd.DataFrame:
    """The work current of each coupled axis at one point; heat cannot be split, because the axes share their thermostats.

    Args:
        runs: replicas of one point of the sweep, of equal length.
        friction, responses: of the same study.

    Returns:
        ``COLUMNS``, one row per axis: work on both particles; the prediction of each theory at the friction of that axis;
        the deviation from it, and from the mean of the other axes that are equivalent, in combined standard errors; and the
        correlation of the current of the axis with that of the next one (the last one's next is the first), between blocks
        of time that both share. Independent currents have a correlation of 0 within ``correlation_se``, one over the square
        root of the number of blocks. Undefined and unknown entries are NaN. A controller that is not linear may couple the
        axes: the deviation from the others is then computed from blocks of time that they share.

    Raises:
        SeriesTooShortError: the runs are too short for an error; gives the required length.
    """
    parameters = runs[0].parameters
    names, interval = parameters.coupling_axes, parameters.sample_interval
    found = current_blocks(runs)
    blocks = replace(found, total=found.count * len(runs))
    work = np.stack([run.work.transpose(2, 1, 0) for run in runs])  # (runs, axes, 2, n)
    walks = np.stack([walk(run).transpose(2, 1, 0) for run in runs])
    springs = np.stack([spring_energy(run).transpose(2, 1, 0) for run in runs])
    rates = [
        [_rate(work[:, axis, j], walks[:, axis, j], springs[:, axis, j], interval, blocks) for j in range(2)]
        for axis in range(len(names))
    ]
    currents = block_rates(walks[:, :, 0], interval, blocks).transpose(1, 0, 2).reshape(len(names), -1)
    rows = []
    for axis, name in enumerate(names):
        alike = next(axes for axes in runs[0].equivalent_axes if name in axes)
        others = [other for other in range(len(names)) if other != axis and names[other] in alike]
        expected = {
            theory: forecast.estimates()
            for theory, forecast in forecasts(parameters.along(name), friction, responses).items()
        }
        following = (axis + 1) % len(names)
        row: dict[str, object] = {"kappa_ratio": runs[0].kappa_ratio, "axis": name}
        if len(names) > 1:
            row |= {
                "next_axis": names[following],
                "correlation": _correlation(currents[axis], currents[following]),
                "correlation_se": 1 / math.sqrt(blocks.total),
            }
        for j, side in enumerate(SIDES):
            rate = rates[axis][j]
            row |= {f"work_{side}_eV_per_ns": rate.value * PER_NS, f"work_{side}_se": rate.se * PER_NS}
            if others and parameters.is_linear:
                mean = sum(rates[other][j].value for other in others) / len(others)
                error = math.sqrt(sum(rates[other][j].se ** 2 for other in others)) / len(others)
                row[f"z_others_{side}"] = rate.z(mean, error)
            elif others:
                apart = walks[:, axis, j] - walks[:, others, j].mean(axis=1)
                row[f"z_others_{side}"] = mean_rate(apart, interval, blocks).z(0.0)
            for theory, rates_of in expected.items():
                row[f"{theory}_{side}_eV_per_ns"] = rates_of[j].value * PER_NS
                row[f"z_{theory}_{side}"] = rate.z(rates_of[j].value, rates_of[j].se)
        rows.append(row)
    return pd.DataFrame(rows, columns=COLUMNS)


def _correlation(one: Array, other: Array) -> float:
    """Correlation of the rates of two axes over the blocks; NaN where one never changes."""
    return math.nan if 0.0 in (np.ptp(one), np.ptp(other)) else float(np.corrcoef(one, other)[0, 1])


def _rate(work: Array, walks: Array, springs: Array, interval: float, blocks: Blocks) -> Estimate:
    """Mean rate of one current (replicas, n): the error of the walk, and that of the spring energy at both ends."""
    error = math.hypot(mean_rate(walks, interval, blocks).se, end_noise(springs, interval))
    return Estimate(total_rate(work, interval), error)
