"""Cost of all nine heats of study `reference`: published protocol, direct runs, and linear response from friction runs alone.

Each cold heat is to have a standard error of 10 %; at κ_H/κ_C = 1.2, where no heat flows, 10 % of that at 4.80. The length of
direct runs is that of the shipped runs, scaled with the measured errors. The forecasts use one, two or all three of the
friction runs; their errors and their χ² against the direct heats are measured. The noise of the published protocol is
that of the dressed pair at the friction of the shipped runs in baths of 11 nm, with the bath energy of the runs at 4.80.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np
import pandas as pd

from analysis.compare.comparison import Comparison
from analysis.data.runs import load_runs
from analysis.friction.response import responses
from analysis.friction.summary import friction_summary
from analysis.heat.point import HeatPoint, by_ratio
from analysis.heat.rates import point_summary
from analysis.units import PER_NS
from benchmarks.price import (
    POINT,
    REFERENCE,
    STUDIES,
    TARGET,
    Noise,
    core_hours,
    dressed_machine,
    long_runs,
    protocols,
    step_times,
)

SIZE = "demo"
"""The size whose shipped runs have all nine points."""


def sweep_price(rounds: int = 5) -> pd.DataFrame:
    """Core-hours for the nine cold heats of study `reference`, by three protocols.

    Returns:
        One row per protocol, linear response once for each number of friction runs: `contestant`; `runs`; `time_ns` of all
        runs; `ms_per_step` and `core_hours`, medians over rounds; `error`, the largest relative error of the eight heats that
        do not vanish; `chi_square` of the nine direct heats against the forecasts; `ratio` of the core-hours to those of
        the cheapest row that has all errors below `TARGET`. Errors and χ² are the largest over all choices of the friction
        runs, missing if one choice is too short for a forecast.

    Raises:
        FileNotFoundError, ValueError: as `benchmarks.price.noise_at`.
    """
    points, equilibrium = direct_heats(), long_runs(SIZE, "friction")
    friction = friction_summary(equilibrium).friction
    wanted = tolerances(points)
    rows = [
        ("as published", len(points), published_ns(points, wanted), TARGET, math.nan),
        ("direct runs, first law", len(points), direct_ns(points, wanted), TARGET, math.nan),
    ]
    for count in range(1, len(equilibrium) + 1):
        checked = [
            forecast_check(Comparison(tuple(points), friction, responses(runs)))
            for runs in combinations(equilibrium, count)
        ]
        error, chi_square = np.max(checked, axis=0)  # NaN if one is
        name = f"linear response, {count} friction run{'s' * (count > 1)}"
        rows.append((name, count, count * equilibrium[0].duration / PER_NS, error, chi_square))
    chain = protocols()
    names = {"as published": "as published", "demo": list(chain)[-1]}
    times = step_times({name: chain[name] for name in names.values()}, rounds)
    table = pd.DataFrame(rows, columns=["contestant", "runs", "time_ns", "error", "chi_square"])
    used = [names.get(name, names["demo"]) for name in table["contestant"]]
    costs = [
        core_hours(chain[protocol], time, times[protocol])
        for protocol, time in zip(used, table["time_ns"], strict=True)
    ]
    table.insert(3, "ms_per_step", [float(np.median(times[protocol])) for protocol in used])
    table.insert(4, "core_hours", [float(np.median(hours)) for hours in costs])
    cheapest = int(table["core_hours"].where(table["error"] <= TARGET).argmin())
    table["ratio"] = [float(np.median(hours / costs[cheapest])) for hours in costs]
    return table


def direct_heats() -> list[HeatPoint]:
    """The measured points of the shipped sweep, by κ_H/κ_C."""
    folders = (REFERENCE / STUDIES[SIZE] / "sweep").glob("*")
    return by_ratio(point_summary(load_runs(sorted(folder.glob("*/run.json")))) for folder in folders)


def tolerances(points: Sequence[HeatPoint]) -> list[float]:
    """The wanted standard error of each cold heat, eV/ns; a point without heat takes that of 4.80."""
    heats = {point.name: abs(point.heat[0].value) for point in points}
    usual = heats["kH_4.80"]
    return [TARGET * (usual if flows_nothing(point) else heats[point.name]) for point in points]


def flows_nothing(point: HeatPoint) -> bool:
    """Whether theory of any friction says that no heat flows."""
    cold, hot = point.parameters.temperature
    return math.isclose(point.ratio, hot / cold)


def direct_ns(points: Sequence[HeatPoint], wanted: Sequence[float]) -> float:
    """Total length of direct runs with these errors, ns."""
    return sum(point.time * (point.heat[0].se / error) ** 2 for point, error in zip(points, wanted, strict=True))


def published_ns(points: Sequence[HeatPoint], wanted: Sequence[float]) -> float:
    """Total length of runs along x in the paper's bath, analysed by the slope of the bare thermostat, with these errors, ns."""
    machine, driven = dressed_machine("paper"), long_runs("paper", POINT)
    total = 0.0
    for point, error in zip(points, wanted, strict=True):
        here = replace(machine, coupling_hot=point.ratio * machine.coupling_cold)
        total += Noise.of(here, driven).needed_ns(1, slope=True, error=error)
    return total


def forecast_check(comparison: Comparison) -> tuple[float, float]:
    """Largest relative error of the cold heats that linear response predicts, and their χ² against the direct ones; or NaN."""
    flowing = [each for each in comparison.compared if not flows_nothing(each.point)]
    if any("response" not in each.forecasts for each in flowing):
        return math.nan, math.nan
    cold = [each.forecasts["response"].estimates()[0] for each in flowing]
    return max(heat.se / abs(heat.value) for heat in cold), comparison.agreement["response"].chi_square
