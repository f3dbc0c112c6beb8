"""The tables of docs/explanation/calibration.md: coverage of each reported number, by length of the runs and point."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pandas as pd

from analysis.calibration.coverage import NAIVE
from analysis.calibration.studies import AT_REST as FRICTION_AT_REST
from analysis.calibration.studies import FORECAST
from analysis.compare.comparison import THEORIES
from analysis.data.parameters import SIDES
from analysis.friction.particle import METHODS

LENGTHS = ("short", "medium", "paper")
STUDIES = {"shell": ("xyz",), "bodies": ("x", "yz"), "maxwell": ("xyz",)}
"""Studies of particles with one or two bodies or in a fluid with memory, and the sets of equivalent axes of each."""

_WHITE = ("position", "velocity", "cross", "joint", "difference", "theory")
BY_FORM = {
    "shell": _WHITE,
    "bodies": (*_WHITE, "zero_frequency", "dressed"),
    "maxwell": (*_WHITE, "zero_frequency", "dressed", "modes"),
}
"""Methods and theories that assume another form of friction than that of the study: white, a single shell, or bodies, with
which friction increases with frequency, whereas that of a Maxwell mode decreases."""

BAND = (0.92, 0.97)
"""Target range for the coverage of a nominal 95 % interval."""

TOLD = 0.5
"""If a smaller share of the runs has an interval with two ends, the quantity counts as refused."""

EQUILIBRIUM = "friction"
_POWERS = (*SIDES, "total")

Row = tuple[str, str, tuple[str, ...]]
"""A row of a table: its label, the file that reports it, and the names of its quantities."""


def _of(stem: str, parts: Sequence[str]) -> tuple[str, ...]:
    return tuple(f"{stem}_{part}" for part in parts)


def _cops(stem: str, suffix: str = "") -> tuple[str, ...]:
    return tuple(f"{stem}_{name}{suffix}" for name in ("refrigeration", "pumping"))


DRIVEN: tuple[Row, ...] = (
    ("(a) heat, bare thermostat", "heat", _of("thermostat", SIDES)),
    ("(b) heat, headline", "heat", _of("heat", SIDES)),
    ("(c) work at every step", "heat", _of("work", SIDES)),
    ("(d) work from positions each 1 ps", "power", _of("power", SIDES)),
    ("power, total", "heat", ("power",)),
    ("power each 1 ps, total", "power", ("power_total",)),
    ("entropy production", "heat", ("entropy_production",)),
    ("particle temperature", "heat", _of("effective_temperature", SIDES)),
    ("variance of power each 1 ps", "power", _of("power_variance", _POWERS)),
    ("sampling error of the work", "power", _of("sampling_error", _POWERS)),
    ("coefficients of performance", "performance", _cops("cop")),
    ("the same from the bare thermostat", "performance", _cops("cop", "_thermostat")),
    ("uncertainty Var/mean²", "performance", _of("uncertainty", _POWERS)),
    ("2k_B/ΔS", "performance", ("bound",)),
    ("uncertainty over 2k_B/ΔS", "performance", _of("uncertainty_over_bound", _POWERS)),
    (
        "share of samples beyond Carnot",
        "performance",
        (*_cops("beyond_carnot_sampled"), *_cops("beyond_carnot_heat")),
    ),
    ("exponent of the tail, sampled", "performance", _cops("tail_exponent_sampled")),
    ("exponent of the tail, first law", "performance", _cops("tail_exponent_heat")),
)

AT_REST: tuple[Row, ...] = (
    ("friction from position", "friction", tuple(f"friction_{side}_position" for side in SIDES)),
    ("friction from velocity", "friction", tuple(f"friction_{side}_velocity" for side in SIDES)),
    ("friction from position and later velocity", "friction", tuple(f"friction_{side}_cross" for side in SIDES)),
    ("friction from both", "friction", _of("friction", SIDES)),
    ("friction from displacements over 1 ps", "friction", tuple(f"friction_{side}_difference" for side in SIDES)),
    ("⟨X²⟩", "friction", _of("position_variance", SIDES)),
    ("particle temperature at rest", "friction", _of("particle_temperature", SIDES)),
)

LINES: tuple[Row, ...] = tuple(
    (label, "heat", _of(f"{NAIVE}{name}", SIDES))
    for label, name in (
        ("bare thermostat", "thermostat"),
        ("headline heat", "heat"),
        ("work", "work"),
    )
)


def pooled(table: pd.DataFrame, row: Row, length: str, point: str | None = None) -> pd.Series:
    """Coverage of one row of the tables, over both sides and, without a point, over all points with an interval.

    Args:
        table: from ``coverage``, with ``length`` and ``point``.
        row: of ``DRIVEN``, ``AT_REST`` or ``LINES``.
        length: of the runs, or name of a study.
        point: such as ``kH_4.80``; ``None`` for all.

    Returns:
        ``coverage`` and its binomial error ``coverage_se``, as of independent intervals; ``told``, the share of runs with an
        interval of two ends; ``claimed_over_spread``, mean claimed over true standard error.
    """
    _, file, quantities = row
    chosen = table[(table["length"] == length) & (table["file"] == file) & table["quantity"].isin(quantities)]
    if point is not None:
        chosen = chosen[chosen["point"] == point]
    two_ended = chosen["told"] * chosen["closed"].fillna(0.0)
    if point is None:
        kept = two_ended >= TOLD
        if kept.any():
            chosen, two_ended = chosen[kept], two_ended[kept]
    intervals = chosen["runs"] * chosen["told"]
    n = intervals.sum()
    covered = float((chosen["coverage"].fillna(0.0) * intervals).sum() / n) if n else math.nan
    return pd.Series(
        {
            "coverage": covered,
            "coverage_se": math.sqrt(covered * (1 - covered) / n) if n else math.nan,
            "told": float(two_ended.mean()),
            "claimed_over_spread": float((chosen["claimed"] / chosen["spread"]).mean()),
        }
    )


def cell(result: pd.Series) -> str:
    """One entry of a table: coverage in per cent, bold outside the band.

    Args:
        result: from ``pooled``. Where it is refused, the entry is the percentage of runs with an interval of two ends.
    """
    if result["told"] < TOLD:
        return f"refused ({100 * result['told']:.0f})"
    text = f"{100 * result['coverage']:.1f}"
    return text if BAND[0] <= round(result["coverage"], 6) <= BAND[1] else f"**{text}**"


def by_point(table: pd.DataFrame, length: str) -> list[list[str]]:
    """Rows of the table of one length: label, the points of the sweep in order, and all of them together.

    Args:
        table: from ``coverage``, with ``length`` and ``point``.
        length: one of ``LENGTHS``.
    """
    points = points_of(table)
    return [
        [
            row[0],
            *(cell(pooled(table, row, length, point)) for point in points),
            _with_error(pooled(table, row, length)),
        ]
        for row in DRIVEN
    ]


def at_rest(table: pd.DataFrame) -> list[list[str]]:
    """Rows of the table of the equilibrium runs: label and all lengths."""
    return [[row[0], *(_with_error(pooled(table, row, length)) for length in LENGTHS)] for row in AT_REST]


def straight_lines(table: pd.DataFrame) -> list[list[str]]:
    """Rows of the table of least squares: label, and for each length the coverage and true over claimed standard error."""
    rows = []
    for row in LINES:
        results = [pooled(table, row, length) for length in LENGTHS]
        rows.append(
            [row[0], *(f"{100 * r['coverage']:.0f} % ({1 / r['claimed_over_spread']:.0f} times)" for r in results)]
        )
    return rows


def friction_at_rest(table: pd.DataFrame) -> list[list[str]]:
    """Rows of the table of friction at rest: method, and each set of axes of each study."""
    return [
        [
            label,
            *(
                _in_study(table, study, method, FRICTION_AT_REST, tuple(f"{method}_{side}_{axes}" for side in SIDES))
                for study, sets in STUDIES.items()
                for axes in sets
            ),
        ]
        for method, label in METHODS.items()
    ]


def forecasts(table: pd.DataFrame, study: str) -> list[list[str]]:
    """Rows of the table of predicted heats: theory, the points of a study in order, and all, which share one friction.

    Args:
        table: from ``coverage``, with ``length`` (the name of the study) and ``point``.
        study: one of ``STUDIES``.
    """
    return [
        [
            label,
            *(
                _in_study(table, study, name, FORECAST, (f"{name}_cold",), point)
                for point in (*points_of(table, (study,)), None)
            ),
        ]
        for name, label in THEORIES.items()
    ]


def _in_study(
    table: pd.DataFrame, study: str, name: str, file: str, quantities: tuple[str, ...], point: str | None = EQUILIBRIUM
) -> str:
    result = pooled(table, (name, file, quantities), study, point)
    if name in BY_FORM[study] and result["told"] >= TOLD:
        return f"{100 * result['coverage']:.0f}, by its form"
    # The points of a study share one friction, so their intervals are not independent.
    text = cell(result) if point is None else _with_error(result)
    return text if text.startswith("refused") else f"{text} ({result['claimed_over_spread']:.2f})"


def points_of(table: pd.DataFrame, lengths: Sequence[str] = LENGTHS) -> list[str]:
    """Points of the sweep by κ_H/κ_C, in runs of some lengths or in some studies."""
    points = set(table.loc[table["length"].isin(lengths), "point"]) - {EQUILIBRIUM}
    return sorted(points, key=lambda point: float(point.removeprefix("kH_")))


def runs_of(table: pd.DataFrame, lengths: Sequence[str] = LENGTHS) -> dict[str, int]:
    """Number of runs of each length at each point, or of studies: the smallest of any quantity in the table."""
    return {length: int(table.loc[table["length"] == length, "runs"].min()) for length in lengths}


def _with_error(result: pd.Series) -> str:
    text = cell(result)
    return text if text.startswith("refused") else f"{text} ± {100 * result['coverage_se']:.1f}"
