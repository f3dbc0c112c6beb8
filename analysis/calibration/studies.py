"""Calibration of frictions and predicted heats: equilibrium runs of known friction pass through every method and theory.

As in a fluid, the machines of the exact engine differ by axis and drag bodies along. Their zero-frequency friction and their
heats are known exactly. A method or a theory that assumes another form of friction has a bias at any length of the runs,
which its error does not include; the tables mark these (``page.BY_FORM``).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import pandas as pd

from analysis.calibration.coverage import true_machines
from analysis.compare.comparison import THEORIES, forecasts
from analysis.data.parameters import SIDES, Parameters
from analysis.data.runs import Run
from analysis.friction.particle import METHODS
from analysis.friction.response import responses
from analysis.friction.result import Friction, shares_of
from analysis.friction.summary import friction_along
from analysis.statistics.timeseries import Estimate
from analysis.units import PER_NS

REPLICAS = 3
"""Number of equilibrium runs of one study, as in study ``reference``."""

AT_REST, FORECAST = "friction_at_rest", "forecast"
"""Values of the column ``file`` for frictions and for predicted heats."""


def measure_study(runs: Sequence[Run], points: Mapping[str, Parameters]) -> pd.DataFrame:
    """Zero-frequency friction by every method, and the heat predicted by each theory, with their true values.

    The heats of both sides are the same current, so only the cold one is included.

    Args:
        runs: equilibrium runs of one study of the exact engine; their metadata contain the parameters of the machine.
        points: parameters of each point to predict, by its name.

    Returns:
        ``point`` (``friction`` for frictions), ``file``, ``quantity`` (``<method>_<side>_<axes>`` or ``<theory>_cold``),
        ``value``, ``low``, ``high`` and ``truth``, in eV ps/Å² or in eV/ns per coupled axis. An end of an interval is NaN if
        the analysis gives none, and infinite if it sets no bound.

    Raises:
        AnalysisError: if the controller of a point is not the ideal linear one (``true_machines``).
    """
    machines = true_machines(runs[0])
    along, rows = {}, []
    for axes, machine in machines.items():
        result = friction_along(runs, axes, is_one=True, details=False)
        along[axes] = result.friction
        for j, (side, measured) in enumerate(zip(SIDES, result.particles, strict=True)):
            at_rest, by_method = float(machine.friction(j, 0.0).real), measured.by_method()
            for method in METHODS:
                estimate = by_method.get(method, Estimate(math.nan))
                value, ends = estimate.value, estimate.interval()
                rows.append(("friction", AT_REST, f"{method}_{side}_{axes}", value, *ends, at_rest))
    friction, response = Friction(along, next(iter(along.values()))), responses(runs)
    for point, parameters in points.items():
        heat = _heat(replace(runs[0], parameters=parameters))
        found = forecasts(parameters, friction, response)
        for theory in THEORIES:
            forecast = found[theory].estimates()[0] * PER_NS if theory in found else Estimate(math.nan)
            rows.append((point, FORECAST, f"{theory}_cold", forecast.value, *forecast.interval(), heat))
    return pd.DataFrame(rows, columns=["point", "file", "quantity", "value", "low", "high", "truth"])


def _heat(run: Run) -> float:
    """Heat into the cold bath, eV/ns per coupled axis, of the machine with the fluid of a run and its parameters."""
    machines = true_machines(run)
    shares = shares_of(run.parameters.coupling_axes, machines)
    return PER_NS * sum(share * float(machines[axes].heat_rates()[0]) for axes, share in shares.items())
