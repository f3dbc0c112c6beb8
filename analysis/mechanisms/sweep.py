"""A machine over one of its parameters: currents, performance and its own quantities, as one table."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from analysis.currents import Array, Currents

NOTE = "note"
"""Column that says why there is no machine at a value; empty where there is one."""


@dataclass(frozen=True, eq=False)
class Solution:
    """One machine, solved.

    Attributes:
        currents: into its baths.
        quantities: what it has beyond them, by name.
    """

    currents: Currents
    quantities: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Course:
    """A machine over time.

    Attributes:
        time: (m,).
        series: by quantity, with its unit, and by what has it: (m,) each.
        time_unit: of the times.
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
        value: of the parameter.
        line: value of the second parameter; None without one.
        solve: gives the machine's solution, or raises ValueError where there is none.
    """

    value: float
    line: float | None
    solve: Callable[[], Solution]


def sweep_table(points: Iterable[SweepPoint], parameter: str, line_parameter: str | None = None) -> pd.DataFrame:
    """Solve all points.

    Args:
        points: of the sweep.
        parameter: name of the column of their values.
        line_parameter: name of the column of their lines' values, if there are lines.

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
            # A parameter may have the name of a column, temperature_cold: it stands first, as it was given.
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
    """A bath's name as a part of a column's name."""
    return bath.replace(" ", "_")


@dataclass(frozen=True)
class Finding:
    """What one line of a sweep shows.

    Attributes:
        line: value of the second parameter; None without one.
        solved: points with a machine.
        points: of the line.
        cools: least and largest value of the parameter at which the machine cools; None if it nowhere does.
        most_cooling: the value at which it cools most, that cooling, and the COP there over its bound.
        best_cop: the value at which the COP is highest, that COP, and its share of the bound.
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
