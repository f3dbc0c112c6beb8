"""The table of a study: one row per point of the sweep, for programs (CSV) and for people (text)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pandas as pd

from analysis.compare.comparison import THEORIES, agreement, beside_theory, leading, without_theory
from analysis.data.runs import LINEAR, SIDES, Parameters
from analysis.friction.drag import paper_friction
from analysis.friction.response import Responses
from analysis.friction.result import METHODS, POOLED, SHELL_KEYS, Friction, equivalence_z
from analysis.units import FRICTION_SI

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
    *(
        f"{theory}_{side}_{entry}"
        for theory in ("response", "dressed", "modes")
        for side in SIDES
        for entry in ("eV_per_ns", "se")
    ),
    *(f"z_{theory}_{side}" for theory in THEORIES for side in SIDES),
]


SIMPLIFICATIONS = {
    "theory": "The same against the paper's pair, one white friction for each particle and set of axes:",
    "dressed": "The same against the dressed pair (each particle with a shell of adsorbed fluid):",
    "modes": "The same against the pair with bodies of fluid (as many as data left out ask for):",
}
"""What stands above the lines of a theory that does not lead."""


IDENTITY = "(COP: κ_C/(κ_H - κ_C) by an identity of the linear controller, but for what a run's ends store; it tests no theory)"
"""What stands below a table that shows coefficients of performance of mean rates (``heat.performance.mean_cops``)."""


def older_protocol(points: Sequence[dict[str, Any]], friction: dict[str, Any]) -> str | None:
    """One sentence on how many of a study's runs are of an older protocol; ``None`` if none is.

    Args:
        points: contents of the ``heat.json`` files of a study.
        friction: content of its ``friction.json``, whose drag runs count too.
    """
    sources = [friction, *points, *friction.get("drag", ())]
    older, runs = (sum(source[key] for source in sources) for key in ("older_protocol_runs", "replicas"))
    return f"Runs of an older protocol with the same physical parameters: {older} of {runs}." if older else None


def summary_table(
    points: Sequence[dict[str, Any]], friction: dict[str, Any], responses: Responses | None = None
) -> pd.DataFrame:
    """One row per point, sorted by κ_H/κ_C, which stays as the study spells it; columns are ``COLUMNS``.

    Args:
        points: contents of the ``heat.json`` files of a study.
        friction: content of its ``friction.json``.
        responses: of its particles, if the friction runs are long enough for any.
    """
    rows = beside_theory(points, Friction.from_json(friction), responses)
    laws = ({"controller": Parameters.from_json(row["parameters"]).told_controller} for row in rows)
    return pd.DataFrame([row | law for row, law in zip(rows, laws, strict=True)], columns=COLUMNS)


def summary_text(points: Sequence[dict[str, Any]], friction: dict[str, Any], responses: Responses | None = None) -> str:
    """The table that ends a run: heat rates beside theory, friction, and how well energy closed.

    Args:
        points, friction, responses: as of ``summary_table``.
    """
    fitted = Friction.from_json(friction)
    points = beside_theory(points, fitted, responses)
    lead = leading(points)
    controllers = [Parameters.from_json(point["parameters"]).told_controller for point in points]
    told = "linear response, no model of the friction" if lead == "response" else "the paper's pair with white friction"
    lines = [
        f"Study {friction['study']}: heat into each bath, eV/ns per coupled axis ± one standard error",
        f"(theory: {told}, by this study's runs without controller; z: measurement less theory, in standard errors of both)"
        if (unknown := without_theory(points)) is None
        else f"({unknown}, so none stands beside these heats)",
        *(f"(controller: {law})" for law in dict.fromkeys(controllers) if law != LINEAR),
        "",
        f"{'κ_H/κ_C':>8}  {'time/ns':>7}  {'cold bath':>16} {'theory':>8} {'z':>5}  {'hot bath':>16} {'theory':>8} {'z':>5}"
        f"  {'COP':>6}  mode",
    ]
    for point in points:
        cells = [f"{point['kappa_ratio']:>8}", f"{point['time_ns']:7.2f}"]
        for side in SIDES:
            measured = _with_error(point[f"heat_{side}_eV_per_ns"], point[f"heat_{side}_se"])
            cells.append(
                f"{measured:>16} {_rate(point[f'{lead}_{side}_eV_per_ns']):>8} {_z(point[f'z_{lead}_{side}']):>5}"
            )
        lines.append("  ".join([*cells, f"{_cop(point):>6}", point["mode"]]))
    if unknown is None and any(_cop(point) != "-" for point in points):
        lines.append(f"   {IDENTITY}")
    for name in THEORIES:
        if name != lead and any(point[f"{name}_cold_eV_per_ns"] is not None for point in points):
            lines += ["", SIMPLIFICATIONS[name]]
            lines += [_beside(point, name) for point in points]
    lines += _agreement_lines(points, fitted, responses)
    lines += _axes_lines(friction)
    lines += _drag_lines(friction)
    lines += ["", _closure_line(points)]
    if (older := older_protocol(points, friction)) is not None:
        lines.append(older)
    lines += [f"Note on {name}: {source['note']}" for name, source in _sources(points, friction) if source["note"]]
    return "\n".join(lines) + "\n"


def _beside(point: dict[str, Any], theory: str) -> str:
    return f"{point['kappa_ratio']:>8}" + "".join(
        f"   {side} {_rate(point[f'{theory}_{side}_eV_per_ns']):>7} (z {_z(point[f'z_{theory}_{side}'])})"
        for side in SIDES
    )


def _agreement_lines(points: Sequence[dict[str, Any]], friction: Friction, responses: Responses | None) -> list[str]:
    """The whole sweep against each theory; left out where a point has no error bar."""
    lines = []
    for name, (chi_square, chance, count) in agreement(points, friction, responses).items():
        lines.append(f"   {THEORIES[name]}: χ² = {chi_square:.1f} for {count} points, probability {chance:.2g}")
    if lines:
        lines[:0] = ["", "Cold heats of all points together, with what they share of the friction's error, against"]
    return lines


def _axes_lines(friction: dict[str, Any]) -> list[str]:
    """Friction along each set of equivalent axes, whether they differ, and all three together."""
    sets = friction["equivalent_axes"]
    lines: list[str] = []
    for axes in dict.fromkeys([*sets, POOLED]):
        content = friction["axes"][axes]
        which = "" if sets == [POOLED] else f" along {', '.join(axes)}" + (" together" if axes == POOLED else "")
        lines += [
            "",
            *(line for side in SIDES for line in _friction_lines(side, which, content, friction["difference_ps"])),
        ]
    if friction["equivalence"]:
        one, other = friction["equivalence"][0]["axes"]
        found = {method: equivalence_z(friction["equivalence"], method) for method in METHODS}
        apart = "; ".join(f"{METHODS[method]}: {_z(z)}" for method, z in found.items() if z is not None)
        lines += [
            "",
            f"Friction along {one} less that along {other}, both particles, in standard errors: {apart or '?'}",
        ]
        lines.append("(theory takes each axis at its own friction)")
    return lines


def _sources(points: Sequence[dict[str, Any]], friction: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [("friction", friction), *((f"κ_H/κ_C = {point['kappa_ratio']}", point) for point in points)]


def _friction_lines(side: str, which: str, friction: dict[str, Any], difference_ps: float) -> list[str]:
    def value(source: dict[str, Any], stem: str) -> str:
        friction, se = (source[f"{stem}_kg_per_s{end}"] for end in ("", "_se"))
        return "?" if friction is None else _with_error(1e12 * friction, None if se is None else 1e12 * se, digits=1)

    stem = f"friction_{side}"
    lines = [
        f"Friction, {side} particle{which}, 10⁻¹² kg/s: {value(friction, stem)} "
        f"(from position {value(friction, stem + '_position')}, from velocity {value(friction, stem + '_velocity')}, "
        f"from both {value(friction, stem + '_cross')}, "
        f"from displacements over {difference_ps:g} ps {value(friction, stem + '_difference')}); ⟨X²⟩ against k_BT/κ: "
        f"z = {_z(friction[f'position_variance_{side}_z'])}"
    ]
    if friction["dressed"] is not None:
        held_out = [friction[f"held_out_residual_{side}_{model}"] for model in ("dressed", "white")]
        told = " and ".join("?" if residual is None else f"{residual:.3f}" for residual in held_out)
        lines.append(
            f"   dressed with fluid: {value(friction['dressed'][side], 'zero_frequency_friction')} at zero frequency; "
            f"series left out are missed by {told} (dressed and white), rms of the correlations"
        )
    if (likelihood := friction[f"likelihood_{side}"]) is not None:
        lines.append(_likelihood_line(likelihood, friction["dressed"] and friction["dressed"][side]))
    if friction["modes"] is not None:
        lines.append(_modes_line(friction["modes"][side], value(friction["modes"][side], "zero_frequency_friction")))
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


def _modes_line(modes: dict[str, Any], at_rest: str) -> str:
    """Bodies of fluid that the spectrum asks for, and how well they describe it."""
    pairs = zip(modes["body_frictions_eV_ps_per_A2"], modes["body_times_ps"], strict=True)
    bodies = ", ".join(f"{1e12 * FRICTION_SI * friction:.1f} over {time:.2g} ps" for friction, time in pairs)
    fit = modes["goodness"]
    return (
        f"   with bodies of fluid: {at_rest} at zero frequency; bodies: {bodies or 'none'}; up to "
        f"{modes['highest_frequency_rad_per_ps']:g} rad/ps the spectrum is as unlike with a chance of "
        + ("?" if fit is None else f"{fit:.2g}")
    )


def _likelihood_line(likelihood: dict[str, Any], shell: dict[str, Any] | None) -> str:
    """Which model the trajectory itself prefers, and whether it prefers the fitted one; 10 is commonly taken as decisive."""
    difference = likelihood["bic_white_less_dressed"]
    preferred = (
        "neither model" if abs(difference) < 10 else "the dressed particle" if difference > 0 else "white friction"
    )
    white, dressed = (likelihood[model]["forecast_error_correlation"] for model in ("white", "dressed"))
    return (
        f"   likelihood of samples {likelihood['interval_ps']:g} ps apart prefers {preferred}: white less dressed "
        f"ΔBIC {difference:+.0f}, ΔAIC {likelihood['aic_white_less_dressed']:+.0f}; forecast errors correlate by "
        f"{white:.2f} (white) and {dressed:.2f} (dressed)"
        + (f"; fitted g₁, g₂, M less the most likely ones: z = {_shell_z(likelihood, shell)}" if shell else "")
    )


def _shell_z(likelihood: dict[str, Any], shell: dict[str, Any]) -> str:
    """Logarithms of the fitted parameters less the most likely ones, in standard errors of the fit: a check of the model."""
    errors = [math.sqrt(row[i]) for i, row in enumerate(shell["log_covariance"])]
    found = [
        math.log(shell[key] / likelihood["dressed"][key]) / error if error > 0 else None
        for key, error in zip(SHELL_KEYS, errors, strict=True)
    ]
    return ", ".join(_z(z) for z in found)


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
