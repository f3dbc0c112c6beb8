"""Cost of a heat rate, from the published protocol to the defaults of this project, one change at a time.

The price is core time per ns, timed here, times the ns that the cold heat at κ_H/κ_C = 4.80 needs for a standard error of
10 %. Heat and noise are those of the dressed pair at the friction of each size's long runs (reference/), which the errors
measured there agree with; what the baths' energy does to a bare thermostat is that of the runs themselves.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.optimize import brentq

from analysis.compare.theory import models
from analysis.data.parameters import Array
from analysis.data.runs import Run, load_runs
from analysis.friction.result import Friction
from analysis.friction.summary import friction_summary
from analysis.heat.rates import WALK_SLOPE_VARIANCE
from analysis.model import DressedPair, Refrigerator
from analysis.statistics.timeseries import slope_variance
from analysis.units import PER_NS
from benchmarks.paired import Contestant, run, start
from benchmarks.systems import NO_SUFFIX, PUBLISHED, system
from simulation.study.files import check_study

TARGET = 0.1
"""The desired relative standard error of a heat rate."""

REFERENCE = Path(__file__).resolve().parents[1] / "reference"
STUDIES = {"demo": "reference", "paper": "reference-paper"}
"""Studies at each size whose long runs are shipped in `REFERENCE`."""

POINT = "sweep/kH_4.80"

STEPS = {"demo": 1500, "paper": 400}


@dataclass(frozen=True)
class Noise:
    """Rate and noise of the cold heat of point 4.80 at one size, per axis; eV and ns.

    Attributes:
        heat: rate.
        walk: variance per time of the heat of one axis.
        bath: variance of the bare thermostat's slope that the bath's energy makes, all axes together, times the time's cube.
    """

    heat: float
    walk: float
    bath: float

    @classmethod
    def of(cls, machine: Refrigerator, runs: Sequence[Run]) -> Noise:
        """Of an exact model of the pair, in the baths of some runs of equal length."""
        energy = np.stack([(each.side_energy + each.trap_energy)[:, 0] for each in runs])
        variance = slope_variance(energy, runs[0].parameters.sample_interval)
        return cls(
            heat=float(machine.flow_rates()[0]) * PER_NS,
            walk=float(machine.flow_noise()[0, 0]) * PER_NS,
            bath=variance * PER_NS**2 * (runs[0].duration / PER_NS) ** 3,
        )

    def needed_ns(self, axes: int, *, slope: bool, error: float | None = None) -> float:
        """Length of one run for a standard error, by default `TARGET`: by the first law, or by the bare thermostat's slope."""
        wanted = (TARGET * self.heat if error is None else error) ** 2
        first_law = self.walk / axes / wanted
        if not slope:
            return first_law
        bath = self.bath / axes**2

        def excess(time: float) -> float:
            return WALK_SLOPE_VARIANCE * self.walk / axes / time + bath / time**3 - wanted

        # At this length neither part exceeds half of the desired variance.
        enough = 2 * WALK_SLOPE_VARIANCE * first_law + (2 * bath / wanted) ** (1 / 3)
        return float(brentq(excess, first_law, enough))


def noise_at(size: str) -> Noise:
    """The noise of point 4.80 at a size, from its shipped runs.

    Raises:
        FileNotFoundError, ValueError: as `dressed_machine`.
    """
    driven = long_runs(size, POINT)
    return Noise.of(dressed_machine(size), driven)


def dressed_machine(size: str) -> DressedPair:
    """The pair of dressed particles at 4.80 and at the friction of the shipped runs of a size, pooled over the axes.

    Raises:
        FileNotFoundError: there are none.
        ValueError: they are too short for the friction of a dressed particle.
    """
    friction = friction_summary(long_runs(size, "friction")).friction
    if friction.pooled.dressed is None:
        raise ValueError(f"{STUDIES[size]}: its friction runs are too short for the friction of a dressed particle")
    parameters = long_runs(size, POINT)[0].parameters
    (machine,) = models(parameters, Friction.same(friction.pooled))["dressed"].measured
    assert isinstance(machine, DressedPair), "no loop"
    return machine


def long_runs(size: str, group: str) -> list[Run]:
    """The runs of a point, or without controller, that are shipped for a size.

    Raises:
        FileNotFoundError: there are none.
    """
    folder = REFERENCE / STUDIES[size] / group
    if not (found := sorted(folder.glob("*/run.json"))):
        raise FileNotFoundError(f"{folder} has no run: simulate and archive study {STUDIES[size]}")
    return load_runs(found)


@dataclass(frozen=True)
class Protocol:
    """A protocol for the heat rate: a system, a kind of demon, and an estimator."""

    size: str
    study: dict[str, Any]
    kind: str = "python"
    slope: bool = False
    before: str = NO_SUFFIX


def protocols() -> dict[str, Protocol]:
    """From the published protocol on, each with one further change.

    The first has a native demon, which is slow only in the releases of LAMMPS that `benchmarks.releases` names.
    """
    three = PUBLISHED | {"demon": {"coupling_axes": "xyz"}}
    step = system("paper")["integration"]["timestep_fs"]
    longer = three | {"integration": PUBLISHED["integration"] | {"timestep_fs": step}}
    return {
        "as published, native demon": Protocol("paper", system("paper", **PUBLISHED), "xcm()", slope=True),
        "as published": Protocol("paper", system("paper", **PUBLISHED), slope=True),
        "heat by the first law": Protocol("paper", system("paper", **PUBLISHED)),
        "three axes": Protocol("paper", system("paper", **three)),
        f"steps of {step} fs": Protocol("paper", system("paper", **longer)),
        "skin 0.8 Å, opt": Protocol("paper", system("paper"), before=""),
        "baths of 6.5 nm: the demo": Protocol("demo", system("demo"), before=""),
    }


def step_times(protocols: Mapping[str, Protocol], rounds: int) -> dict[str, Array]:
    """Milliseconds of a step of each protocol in every round, (rounds,), timed alternately."""
    times: dict[str, list[float]] = {name: [] for name in protocols}
    for number in range(rounds):
        for name in list(protocols)[:: -1 if number % 2 else 1]:
            protocol = protocols[name]
            restart = start(system(protocol.size), protocol.size)
            loop = run(Contestant(protocol.study, protocol.kind, before=protocol.before), restart, STEPS[protocol.size])
            times[name].append(loop.ms_per_step)
            print(f"  round {number + 1}: {name}: {loop.ms_per_step:.3f} ms/step", file=sys.stderr, flush=True)
    return {name: np.array(each) for name, each in times.items()}


def core_hours(protocol: Protocol, time_ns: float, ms_per_step: Array) -> Array:
    """Core-hours of runs of this total length, of the shape of the times of a step."""
    return ms_per_step / 1000 * check_study("benchmark", protocol.study).steps(PER_NS * time_ns) / 3600


def price(rounds: int = 5) -> pd.DataFrame:
    """Core-hours to a cold heat of 10 % at κ_H/κ_C = 4.80, from the published protocol to the demo's.

    Returns:
        One row per protocol: `contestant`, `timestep_fs`, `axes`, `ms_per_step`, `needed_ns`, `core_hours`, `saved` (by what
        factor it is cheaper than the row before) and `ratio` (to the last), medians over rounds.

    Raises:
        FileNotFoundError, ValueError: as `noise_at`.
    """
    chain = protocols()
    noise = {size: noise_at(size) for size in STUDIES}
    # The same dynamics as published.
    times = step_times({name: one for name, one in chain.items() if name != "heat by the first law"}, rounds)
    times["heat by the first law"] = times["as published"]
    costs, rows = {}, []
    for name, protocol in chain.items():
        study = check_study("benchmark", protocol.study)
        axes = len(study.demon.coupling_axes)
        needed = noise[protocol.size].needed_ns(axes, slope=protocol.slope)
        costs[name] = core_hours(protocol, needed, times[name])
        rows.append(
            {
                "contestant": name,
                "timestep_fs": study.integration.timestep_fs,
                "axes": study.demon.coupling_axes,
                "ms_per_step": float(np.median(times[name])),
                "needed_ns": needed,
                "core_hours": float(np.median(costs[name])),
            }
        )
    table = pd.DataFrame(rows)
    names = list(chain)
    table["saved"] = [
        math.nan,
        *(float(np.median(costs[a] / costs[b])) for a, b in pairwise(names)),
    ]
    table["ratio"] = [float(np.median(costs[name] / costs[names[-1]])) for name in names]
    return table
