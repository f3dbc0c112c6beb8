"""The table of a study: one row per point of the sweep, for programs (CSV) and for people (text)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pandas as pd

from analysis.compare.theory import MODELS, Friction, agreement, models, without_theory
from analysis.data.runs import SIDES, Parameters
from analysis.friction.drag import paper_friction
from analysis.statistics.timeseries import Estimate, known
from analysis.units import PER_NS

COLUMNS = [
    "kappa_ratio",
    "replicas",
    "time_ns",
    "heat_cold_eV_per_ns",
    "heat_cold_se",
    "heat_hot_eV_per_ns",
    "heat_hot_se",
    "thermostat_cold_eV_per_ns",
    "thermostat_cold_se",
    "thermostat_hot_eV_per_ns",
    "thermostat_hot_se",
    "work_cold_eV_per_ns",
    "work_cold_se",
    "work_hot_eV_per_ns",
    "work_hot_se",
    "theory_cold_eV_per_ns",
    "theory_hot_eV_per_ns",
    "mode",
    "controller",
]


def by_ratio(points: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Points in the order of their κ_H/κ_C."""
    return sorted(points, key=lambda point: float(point["kappa_ratio"]))


def beside_theory(points: Sequence[dict[str, Any]], friction: Friction) -> list[dict[str, Any]]:
    """Points, sorted by κ_H/κ_C, with the exact theory at the study's own friction and the deviations from it.

    Args:
        points: contents of the ``heat.json`` files of a study.
        friction: of the same study.

    Returns:
        For each point its content with ``theory_<side>_eV_per_ns`` and ``theory_<side>_se`` (the paper's pair),
        ``dressed_<side>_eV_per_ns`` and ``dressed_<side>_se`` (``None`` if not measured), and ``z_theory_<side>`` and
        ``z_dressed_<side>``: headline heat less theory over the standard errors of both. All are ``None`` where theory knows
        nothing of the point (``theory.models``).
    """
    return [point | _theory(point, friction) for point in by_ratio(points)]


def _theory(point: dict[str, Any], friction: Friction) -> dict[str, float | None]:
    parameters = Parameters.from_json(point["parameters"])
    entries: dict[str, float | None] = {}
    rates = {name: model.rates() for name, model in models(parameters, friction).items()}
    for model in MODELS:
        for j, side in enumerate(SIDES):
            keys = (f"{model}_{side}_eV_per_ns", f"{model}_{side}_se", f"z_{model}_{side}")
            if model not in rates:
                entries |= dict.fromkeys(keys)
                continue
            se = point[f"heat_{side}_se"]
            measured = Estimate(point[f"heat_{side}_eV_per_ns"], math.nan if se is None else se)
            rate = rates[model][j] * PER_NS
            numbers = (rate.value, rate.se, measured.z(rate.value, rate.se))
            entries |= {key: known(number) for key, number in zip(keys, numbers, strict=True)}
    return entries


def older_protocol(points: Sequence[dict[str, Any]], friction: dict[str, Any]) -> str | None:
    """One sentence on how many of a study's runs are of an older protocol; ``None`` if none is.

    Args:
        points: contents of the ``heat.json`` files of a study.
        friction: content of its ``friction.json``, whose drag runs count too.
    """
    sources = [friction, *points, *friction.get("drag", ())]
    older, runs = (sum(source[key] for source in sources) for key in ("older_protocol_runs", "replicas"))
    return f"Runs of an older protocol with the same physical parameters: {older} of {runs}." if older else None


def summary_table(points: Sequence[dict[str, Any]], friction: dict[str, Any]) -> pd.DataFrame:
    """One row per point, sorted by κ_H/κ_C, which stays as the study spells it; columns are ``COLUMNS``.

    Args:
        points: contents of the ``heat.json`` files of a study.
        friction: content of its ``friction.json``.
    """
    rows = beside_theory(points, Friction.from_json(friction))
    laws = ({"controller": Parameters.from_json(row["parameters"]).controller} for row in rows)
    return pd.DataFrame([row | law for row, law in zip(rows, laws, strict=True)], columns=COLUMNS)


def summary_text(points: Sequence[dict[str, Any]], friction: dict[str, Any]) -> str:
    """The table that ends a run: heat rates beside theory, friction, and how well energy closed.

    Args:
        points: contents of the ``heat.json`` files of a study.
        friction: content of its ``friction.json``.
    """
    fitted = Friction.from_json(friction)
    points = beside_theory(points, fitted)
    lines = [
        f"Study {friction['study']}: heat into each bath, eV/ns per coupled axis ± one standard error",
        "(theory: the paper's pair with this study's own friction; z: measurement less theory, in standard errors of both)"
        if (unknown := without_theory(points)) is None
        else f"({unknown}, so none stands beside these heats)",
        "",
        f"{'κ_H/κ_C':>8}  {'time/ns':>7}  {'cold bath':>16} {'theory':>8} {'z':>5}  {'hot bath':>16} {'theory':>8} {'z':>5}"
        f"  {'COP':>6}  mode",
    ]
    for point in points:
        cells = [f"{point['kappa_ratio']:>8}", f"{point['time_ns']:7.2f}"]
        for side in SIDES:
            measured = _with_error(point[f"heat_{side}_eV_per_ns"], point[f"heat_{side}_se"])
            cells.append(
                f"{measured:>16} {_rate(point[f'theory_{side}_eV_per_ns']):>8} {_z(point[f'z_theory_{side}']):>5}"
            )
        lines.append("  ".join([*cells, f"{_cop(point):>6}", point["mode"]]))
    if any(point["dressed_cold_eV_per_ns"] is not None for point in points):
        lines += ["", "The same against the dressed pair (each particle with a shell of adsorbed fluid):"]
        for point in points:
            lines.append(
                f"{point['kappa_ratio']:>8}"
                + "".join(
                    f"   {side} {_rate(point[f'dressed_{side}_eV_per_ns']):>7} (z {_z(point[f'z_dressed_{side}'])})"
                    for side in SIDES
                )
            )
    lines += _agreement_lines(points, fitted)
    lines += ["", *(line for side in SIDES for line in _friction_lines(side, friction))]
    lines += _drag_lines(friction)
    lines += ["", _closure_line(points)]
    if (older := older_protocol(points, friction)) is not None:
        lines.append(older)
    lines += [f"Note on {name}: {source['note']}" for name, source in _sources(points, friction) if source["note"]]
    return "\n".join(lines) + "\n"


def _agreement_lines(points: Sequence[dict[str, Any]], friction: Friction) -> list[str]:
    """The whole sweep against each theory; left out where a point has no error bar."""
    lines = []
    for name, (chi_square, chance) in agreement(points, friction).items():
        lines.append(f"   {MODELS[name]}: χ² = {chi_square:.1f} for {len(points)} points, probability {chance:.2g}")
    if lines:
        lines[:0] = ["", "Cold heats of all points together, with what they share of the friction's error, against"]
    return lines


def _sources(points: Sequence[dict[str, Any]], friction: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [("friction", friction), *((f"κ_H/κ_C = {point['kappa_ratio']}", point) for point in points)]


def _friction_lines(side: str, friction: dict[str, Any]) -> list[str]:
    def value(source: dict[str, Any], stem: str) -> str:
        friction, se = (source[f"{stem}_kg_per_s{end}"] for end in ("", "_se"))
        return "?" if friction is None else _with_error(1e12 * friction, None if se is None else 1e12 * se, digits=1)

    stem = f"friction_{side}"
    lines = [
        f"Friction, {side} particle, 10⁻¹² kg/s: {value(friction, stem)} (from position {value(friction, stem + '_position')}, "
        f"from velocity {value(friction, stem + '_velocity')}, from displacements over {friction['difference_ps']:g} ps "
        f"{value(friction, stem + '_difference')}); ⟨X²⟩ against k_BT/κ: "
        f"z = {_z(friction[f'position_variance_{side}_z'])}"
    ]
    if friction["dressed"] is not None:
        held_out = [friction[f"held_out_residual_{side}_{model}"] for model in ("dressed", "white")]
        told = " and ".join("?" if residual is None else f"{residual:.3f}" for residual in held_out)
        lines.append(
            f"   dressed with fluid: {value(friction['dressed'][side], 'zero_frequency_friction')} at zero frequency; "
            f"an axis left out is missed by {told} (dressed and white), rms of the correlations"
        )
    if (likelihood := friction[f"likelihood_{side}"]) is not None:
        lines.append(_likelihood_line(likelihood))
    return lines


def _drag_lines(friction: dict[str, Any]) -> list[str]:
    lines = ["", "Friction of a dragged particle, 10⁻¹² kg/s:"] if friction.get("drag") else []
    for entry in friction.get("drag", ()):
        se, paper = entry["friction_kg_per_s_se"], paper_friction(entry["force_nN"])
        measured = _with_error(1e12 * entry["friction_kg_per_s"], None if se is None else 1e12 * se, digits=2)
        hotter = entry["particle_excess_temperature_K"]
        lines.append(
            f"   {entry['force_nN']} nN, {entry['temperature_K']:g} K: {measured}"
            + (f" (paper {1e12 * paper:.1f})" if paper else "")
            + f" at {entry['velocity_m_per_s']:.0f} m/s, {entry['velocity_over_thermal']:.1f} thermal speeds; "
            f"bath {entry['bath_excess_temperature_K']:+.1f} K"
            + ("" if hotter is None else f", particle {hotter:+.0f} K")
            + (", not steady or too short" if entry["note"] else "")
            + _lost(entry)
        )
    return lines


def _lost(entry: dict[str, Any]) -> str:
    """Said where a dragged particle did not stay whole: its velocity is then no friction of that particle."""
    atoms, least = entry["particle_atoms"], entry["largest_piece_atoms"]
    return "" if least == atoms else f"; IT LOSES ATOMS: {least} of {atoms} stay together"


def _likelihood_line(likelihood: dict[str, Any]) -> str:
    """Which model the trajectory itself prefers; a difference of 10 is commonly taken as decisive."""
    difference = likelihood["bic_white_less_dressed"]
    preferred = (
        "neither model" if abs(difference) < 10 else "the dressed particle" if difference > 0 else "white friction"
    )
    white, dressed = (likelihood[model]["forecast_error_correlation"] for model in ("white", "dressed"))
    return (
        f"   likelihood of samples {likelihood['interval_ps']:g} ps apart prefers {preferred}: white less dressed "
        f"ΔBIC {difference:+.0f}, ΔAIC {likelihood['aic_white_less_dressed']:+.0f}; forecast errors correlate by "
        f"{white:.2f} (white) and {dressed:.2f} (dressed)"
    )


def _closure_line(points: Sequence[dict[str, Any]]) -> str:
    drift = max(abs(point[f"closure_drift_{side}_eV_per_ns"]) for point in points for side in SIDES)
    axes = len(points[0]["parameters"]["coupling_axes"])
    decided = [
        abs(point[f"heat_{side}_eV_per_ns"])
        for point in points
        for side in SIDES
        if (se := point[f"heat_{side}_se"]) is not None and abs(point[f"heat_{side}_eV_per_ns"]) > 2 * se
    ]
    # The drift is that of a whole side, which the currents of all coupled axes share.
    line = f"First law: largest drift of one side {drift:.4f} eV/ns"
    return f"{line}, {100 * drift / axes / min(decided):.1f} % of the smallest decided heat rate" if decided else line


def _cop(point: dict[str, Any]) -> str:
    """Heat drawn from the colder bath over the power spent, for a refrigerator."""
    if point["mode"] != "refrigerator":
        return "-"
    heats = [point[f"heat_{side}_eV_per_ns"] for side in SIDES]
    drawn = -heats[Parameters.from_json(point["parameters"]).colder]
    return f"{drawn / sum(heats):.2f}" if sum(heats) else "-"


def _rate(value: float | None) -> str:
    return "-" if value is None else f"{value:z.3f}"


def _with_error(value: float, se: float | None, digits: int = 3) -> str:
    """A value ± its standard error; with more digits than asked for where the error would look like none, "?" if unknown."""
    if se is None or not math.isfinite(se) or se <= 0.0:
        return f"{value:z.{digits}f} ± ?"
    needed = max(digits, -math.floor(math.log10(se)))
    return f"{value:z.{needed}f} ± {se:.{needed}f}" if needed < 10 else f"{value:z.9f} ± {se:.0e}"


def _z(value: float | None) -> str:
    return "?" if value is None else f"{value:+.1f}"
