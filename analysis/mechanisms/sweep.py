"""Table of a machine over one of its parameters: currents, performance and quantities of that kind of machine."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from analysis.currents import Array, Currents

NOTE = "note"
"""Name of the column with the reason why a point has no solution; empty where it has one."""


@dataclass(frozen=True, eq=False)
class Solution:
    """One machine, solved.

    Attributes:
        currents: into its baths.
        quantities: further quantities of this kind of machine, by name.
    """

    currents: Currents
    quantities: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Course:
    """A machine over time.

    Attributes:
        time: (m,).
        series: for each quantity (its name with unit), the values of each bath, reservoir, mode or particle, (m,) each.
        time_unit: unit of the times.
        logarithmic: whether times are best shown on a logarithmic axis.
    """

    time: Array
    series: Mapping[str, Mapping[str, Array]]
    time_unit: str
    logarithmic: bool = False

    def table(self) -> pd.DataFrame:
        """Rows of ``time``, ``quantity``, ``series`` and ``value``."""
        rows = [
            pd.DataFrame({"time": self.time, "quantity": quantity, "series": name, "value": values})
            for quantity, each in self.series.items()
            for name, values in each.items()
        ]
        return pd.concat(rows, ignore_index=True)


@dataclass(frozen=True)
class SweepPoint:
    """One value of the sweep.

    Attributes:
        value: value of the parameter.
        line: value of the second parameter; None without one.
        solve: returns the solution, or raises ValueError if there is none.
    """

    value: float
    line: float | None
    solve: Callable[[], Solution]


def sweep_table(points: Iterable[SweepPoint], parameter: str, line_parameter: str | None = None) -> pd.DataFrame:
    """Solve all points of a sweep.

    Args:
        points: of the sweep.
        parameter: name of the swept parameter, the column of ``value``.
        line_parameter: name of the second parameter, the column of ``line``; None without one.

    Returns:
        One row for each point: the values of the parameters; ``cooling``, ``paid``, ``work``, ``chemical_work``, ``cop``,
        ``bound``, ``cop_over_bound``, ``entropy_production`` (k_B), ``uncertainty_product`` (of the cooling); for each bath
        ``heat_<bath>``, ``energy_<bath>``, ``particles_<bath>``, ``entropy_<bath>`` (k_B), ``temperature_<bath>``; quantities
        of this machine; ``unit`` of the energies per time; and ``note``. All flows are positive into a bath.
    """
    rows = []
    for point in points:
        at: dict[str, float | str] = {parameter: point.value}
        if line_parameter is not None and point.line is not None:
            at[line_parameter] = point.line
        try:
            solution = point.solve()
        except ValueError as reason:
            rows.append(at | {NOTE: str(reason)})
        else:
            # A parameter may have the name of another column, such as temperature_cold: its given value takes precedence.
            rows.append(at | _columns(solution) | at | {NOTE: ""})
    table = pd.DataFrame(rows)
    return table[[*(name for name in table.columns if name != NOTE), NOTE]]


def _columns(solution: Solution) -> dict[str, float | str]:
    currents = solution.currents
    row: dict[str, float | str] = {
        name: float(getattr(currents, name))
        for name in ("cooling", "paid", "work", "chemical_work", "cop", "bound", "entropy_production", "cop_over_bound")
    }
    row["uncertainty_product"] = float(currents.uncertainty_products[currents.cold])
    for name, values in (
        ("heat", currents.heat),
        ("energy", currents.energy),
        ("particles", currents.particles),
        ("entropy", currents.entropy),
        ("temperature", currents.temperatures),
    ):
        if name != "particles" or np.any(values):
            row |= {f"{name}_{column(bath)}": float(v) for bath, v in zip(currents.baths, values, strict=True)}
    return row | {"unit": currents.unit} | dict(solution.quantities)


def column(bath: str) -> str:
    """Name of a bath in the form used in column names."""
    return bath.replace(" ", "_")


@dataclass(frozen=True)
class Finding:
    """Summary of one line of a sweep.

    Attributes:
        line: value of the second parameter; None without one.
        solved: number of points with a solution.
        points: number of all points of the line.
        cools: smallest and largest value of the parameter at which the machine cools; None if it does not cool.
        most_cooling: value of the parameter at the largest cooling power, that cooling power, and the COP over its bound there.
        best_cop: value of the parameter at the highest COP, that COP, and the COP over its bound there.
    """

    line: float | None
    solved: int
    points: int
    cools: tuple[float, float] | None
    most_cooling: tuple[float, float, float] | None
    best_cop: tuple[float, float, float] | None


def findings(table: pd.DataFrame, parameter: str, line_parameter: str | None = None) -> list[Finding]:
    """One ``Finding`` for each line of a ``sweep_table``, in the order of the table."""
    if line_parameter is None:
        return [_finding(table, parameter, None)]
    return [
        _finding(rows, parameter, float(rows[line_parameter].iloc[0]))
        for line, rows in table.groupby(line_parameter, sort=False)
    ]


def _finding(rows: pd.DataFrame, parameter: str, line: float | None) -> Finding:
    solved = rows[rows[NOTE] == ""]
    cooling = solved[solved["cop"] > 0] if "cop" in solved else solved.iloc[:0]
    if cooling.empty:
        return Finding(line, len(solved), len(rows), None, None, None)
    most, best = (cooling.iloc[int(cooling[name].to_numpy().argmax())] for name in ("cooling", "cop"))
    return Finding(
        line,
        len(solved),
        len(rows),
        (float(cooling[parameter].min()), float(cooling[parameter].max())),
        (float(most[parameter]), float(most["cooling"]), float(most["cop_over_bound"])),
        (float(best[parameter]), float(best["cop"]), float(best["cop_over_bound"])),
    )
