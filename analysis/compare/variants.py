"""Dependence of friction and heat on the choice of fluid, numerics, thermostat, and analysis.

The paper does not give the density of the argon, the range of its forces and its attraction to copper;
docs/explanation/friction.md reports the effect of each on the friction.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pandas as pd

from analysis.compare.comparison import THEORIES, Comparison
from analysis.compare.table import COLUMNS as SUMMARY_COLUMNS
from analysis.data.parameters import SIDES
from analysis.data.runs import Run
from analysis.friction.curves import (
    DIFFERENCE,
    FIT_WINDOW,
    Particle,
    correlation_curves,
    difference_fit,
    equilibrium_blocks,
    particle,
    white_fits,
)
from analysis.friction.fits import fit_white
from analysis.friction.result import POOLED, FrictionResult
from analysis.statistics.timeseries import Blocks, Estimate, SeriesTooShortError
from analysis.units import FRICTION_SI

COLUMNS = ["variant", "changes", "side", "axes", "method", "friction_kg_per_s", "friction_kg_per_s_se"]

MEASURED = [
    *(column for column in SUMMARY_COLUMNS if not any(theory in column for theory in THEORIES)),
    *(f"closure_drift_{side}_{entry}eV_per_ns" for side in SIDES for entry in ("", "error_")),
]
"""Columns from each ``heat.json`` in a comparison of heats."""

FORECAST = [
    column
    for theory in THEORIES
    for side in SIDES
    for column in (f"{theory}_{side}_eV_per_ns", f"{theory}_{side}_se", f"z_{theory}_{side}")
]
"""All theories at the equilibrium friction of the same variant, and the deviations of its heat from them."""

FRICTION = [f"friction_{side}_kg_per_s{suffix}" for side in SIDES for suffix in ("", "_se")]
"""White friction fitted to position and velocity together, as in ``friction.json``."""


def changed_settings(base: Mapping[str, Any], variant: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Fields in which the settings of a variant differ from those of its study: dotted names and the values of the variant.

    The name, the variants, the limits of a run, and fields that the run of the study lacks because they are newer are left
    out.
    """
    changes: dict[str, Any] = {}
    for key, value in variant.items():
        # Options of a controller, three levels deep, are compared one by one.
        known = key in base or prefix.count(".") > 1
        if prefix + key in ("name", "variants", "limits") or not known:
            continue
        if isinstance(value, dict) and isinstance(base.get(key), dict):
            changes |= changed_settings(base[key], value, f"{prefix}{key}.")
        elif value != base.get(key):
            changes[prefix + key] = value
    return changes


def thermostat_table(thermostats: Sequence[str], own: str, comparisons: Sequence[Comparison]) -> pd.DataFrame:
    """One point with several thermostats, from independent runs, each compared with theory at its own friction.

    Args:
        thermostats: their names.
        own: the reference thermostat.
        comparisons: of that point with each.

    Returns:
        ``thermostat``, ``MEASURED``, ``FORECAST``, ``FRICTION`` (white, over all three axes), and ``z_cold`` and ``z_hot``
        as in ``heat_by_variant``; one row per thermostat.
    """
    rows = []
    for name, comparison in zip(thermostats, comparisons, strict=True):
        white = [side * FRICTION_SI for side in comparison.friction.pooled.white]
        frictions = dict(zip(FRICTION, (number for side in white for number in (side.value, side.se)), strict=True))
        rows += [{"thermostat": name} | each.row() | frictions for each in comparison.compared]
    table = pd.DataFrame(rows, columns=["thermostat", *MEASURED, *FORECAST, *FRICTION])
    return _against(table, table["thermostat"] == own)


def heat_by_variant(runs: Sequence[Mapping[str, Any]], comparisons: Sequence[Comparison]) -> pd.DataFrame:
    """The heats of a study and of its variants, each compared with the exact theory at its own friction.

    Args:
        runs: as for ``friction_by_variant``.
        comparisons: of each, in the same order.

    Returns:
        ``variant`` (empty for the study itself), ``changes``, ``axes`` (number of coupled ones), ``MEASURED``, ``FORECAST``,
        and ``z_cold`` and ``z_hot``: headline heat minus that of the study at the same κ_H/κ_C, in combined standard
        errors, empty where it has none. One row for each variant and point.
    """
    rows = [
        _heading(runs[0], run) | {"axes": len(each.point.parameters.coupling_axes)} | each.row()
        for run, comparison in zip(runs, comparisons, strict=True)
        for each in comparison.compared
    ]
    table = pd.DataFrame(rows, columns=["variant", "changes", "axes", *MEASURED, *FORECAST])
    return _against(table, table["variant"] == "")


def _against(table: pd.DataFrame, own: pd.Series[bool]) -> pd.DataFrame:
    """The table with the deviations of its heats from those of its ``own`` rows, at the same κ_H/κ_C."""
    ratio = table["kappa_ratio"].astype(float)  # a variant may spell it otherwise
    reference = table[own].set_index(ratio[own]).reindex(ratio).set_axis(table.index)
    for side in SIDES:
        heat, se = f"heat_{side}_eV_per_ns", f"heat_{side}_se"
        error = np.hypot(table[se].astype(float), reference[se].astype(float))
        table[f"z_{side}"] = ((table[heat] - reference[heat]) / error).where(~own)
    return table


def friction_by_variant(runs: Sequence[Mapping[str, Any]], frictions: Sequence[FrictionResult]) -> pd.DataFrame:
    """The friction of a study and of its variants, by every method.

    Args:
        runs: ``run.json`` of one equilibrium run of the study and of each variant, the study first, from ``read_metadata``.
        frictions: of each, in the same order.

    Returns:
        ``COLUMNS``, one row for each variant, side, set of axes and method; the study's own ``variant`` is empty, that of
        another study is its whole name. Unknown errors are NaN.
    """
    rows: list[dict[str, Any]] = []
    for run, friction in zip(runs, frictions, strict=True):
        heading = _heading(runs[0], run)
        for side in SIDES:
            for axes, method, entry in _measured(friction, side):
                rows.append(heading | {"side": side, "axes": axes, "method": method} | entry)
    return pd.DataFrame(rows, columns=COLUMNS).astype(dict.fromkeys(COLUMNS[-2:], float))


def _heading(base: Mapping[str, Any], run: Mapping[str, Any]) -> dict[str, str]:
    changes = changed_settings(base["settings"], run["settings"])
    own, name = base["study"], run["study"]
    return {
        "variant": "" if name == own else name.removeprefix(own.partition("@")[0] + "@"),
        "changes": "; ".join(f"{field}: {_told(value)}" for field, value in changes.items()),
    }


def friction_by_analysis(runs: Sequence[Run]) -> pd.DataFrame:
    """The friction of the same runs from other analyses: other fit windows, other displacements, parts of the runs.

    Args:
        runs: equilibrium runs of one length.

    Returns:
        ``choice``, then ``COLUMNS`` from ``side`` on.
    """
    half = len(runs[0].series) // 2
    halves = {
        "first half of each run": [_part(run, slice(0, half + 1)) for run in runs],
        "second half of each run": [_part(run, slice(half, None)) for run in runs],
    }
    if len(runs[0].series) < 3:
        halves = {}  # two samples cannot be halved
    rows: list[dict[str, Any]] = []

    def add(choice: str, side: str, axes: str, method: str, friction: Estimate) -> None:
        si = friction * FRICTION_SI
        rows.append(
            {"choice": choice, "side": side, "axes": axes, "method": method, COLUMNS[-2]: si.value, COLUMNS[-1]: si.se},
        )

    for axes, (j, side) in product(runs[0].equivalent_axes, enumerate(SIDES)):
        blocks = _blocks(runs, axes)
        data = particle(runs, j, axes)
        windows = (FIT_WINDOW / 4, FIT_WINDOW / 2, FIT_WINDOW, 2 * FIT_WINDOW)
        curves = {window: correlation_curves(data, blocks, seed=j, window=window) for window in windows}
        for window in windows:
            for method, fit in fit_white(curves[window]).items():
                add(f"fitted over {window:g} × the decay time of the position", side, axes, method, fit.friction)
        for difference in (DIFFERENCE / 2, DIFFERENCE, 2 * DIFFERENCE, 4 * DIFFERENCE):
            fit = difference_fit(data, curves[FIT_WINDOW], blocks, seed=j, difference=difference)
            add(f"displacements over {difference:g} ps", side, axes, "difference", fit.friction)
        for choice, parts in halves.items():
            for method, friction in _all_fits(particle(parts, j, axes), _blocks(parts, axes), j):
                add(choice, side, axes, method, friction)
    return pd.DataFrame(rows)


def _all_fits(data: Particle, blocks: Blocks | None, seed: int) -> Iterator[tuple[str, Estimate]]:
    curves = correlation_curves(data, blocks, seed)
    for method, fit in white_fits(data, curves, blocks, seed).items():
        yield method, fit.friction


def _blocks(runs: Sequence[Run], axes: str) -> Blocks | None:
    try:
        return equilibrium_blocks(runs, axes)
    except SeriesTooShortError:
        return None  # values without errors


def _part(run: Run, rows: slice) -> Run:
    return replace(run, series=run.series.iloc[rows].reset_index(drop=True))


def _measured(friction: FrictionResult, side: str) -> Iterator[tuple[str, str, dict[str, float | None]]]:
    """Axes, method, and friction with its error."""
    for axes, result in friction.axes.items():
        for method, found in result.particles[SIDES.index(side)].by_method().items():
            si = found * FRICTION_SI
            yield axes, method, dict(zip(COLUMNS[-2:], (si.value, si.se), strict=True))
    for drag in friction.drags:
        if drag.side == side:
            si = drag.friction * FRICTION_SI
            yield POOLED, f"drag {drag.force_nN} nN", dict(zip(COLUMNS[-2:], (si.value, si.se), strict=True))


def _told(value: Any) -> str:
    """A value of a study, spelled as in its file."""
    if isinstance(value, dict):
        return ", ".join(f"{key} {_told(inner)}" for key, inner in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(_told, value))
    if value is None or isinstance(value, bool):
        return "null" if value is None else str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)
