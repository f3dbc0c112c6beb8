"""The table of a study: one row per point of the sweep, as CSV and as text."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd

from analysis.compare import information as informed
from analysis.compare.comparison import THEORIES, ComparedPoint, Comparison, without_theory
from analysis.compare.information import ComparedInformation
from analysis.compare.theory import models
from analysis.data.parameters import LINEAR, SIDES
from analysis.friction.drag import paper_friction
from analysis.friction.particle import Bodies, ModelsCompared, MostLikely, ParticleFriction, Shell
from analysis.friction.result import POOLED, FrictionResult
from analysis.heat.point import HeatPoint
from analysis.statistics.timeseries import Estimate, known
from analysis.units import FRICTION_SI, PER_NS, VELOCITY_SI

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
    *informed.COLUMNS,
]


MOVED_COLUMNS = [f"trap_power_{side}_{entry}" for side in SIDES for entry in ("eV_per_ns", "se")]
"""Further columns of a study with moving traps."""

SIMPLIFICATIONS = {
    "theory": "Comparison with the paper's pair (one white friction for each particle and set of axes):",
    "dressed": "Comparison with the dressed pair (each particle with a shell of adsorbed fluid):",
    "modes": "Comparison with the pair with bodies of fluid (their number chosen by cross-validation):",
}
"""Heading above the lines of each theory that does not lead."""


IDENTITY = (
    "(COP = κ_C/(κ_H - κ_C) by an identity of the linear controller, except for energy stored at the ends of a run)"
)
"""Remark below a table with coefficients of performance of mean rates (``heat.performance.mean_cops``)."""


WITH_PUMPING = (
    "(where the force depends on velocities or the past the second law has one more term, the entropy pumping, and Q/T - I "
    "may be negative)"
)
"""Remark below a table with the second law of a controller that may do so: a loop, cold damping, or a custom one."""


def notes_of(points: Sequence[HeatPoint], friction: FrictionResult) -> dict[str, str]:
    """The notes of the friction and of each point of a study, by what they are about; empty without any."""
    notes = {"friction": friction.note} | {f"κ_H/κ_C = {point.kappa_ratio}": point.note for point in points}
    return {name: note for name, note in notes.items() if note}


def summary_table(comparison: Comparison, information: Sequence[ComparedInformation] = ()) -> pd.DataFrame:
    """One row per point, sorted by κ_H/κ_C, which is spelled as in the study; columns are ``COLUMNS``.

    Args:
        comparison: of the study.
        information: at its points; the columns of a point without it are empty.
    """
    known_at = {each.point.name: each.row() for each in information}
    rows = [each.row() | known_at.get(each.point.name, {}) for each in comparison.compared]
    moved = MOVED_COLUMNS if any(point.trap_power for point in comparison.points) else []
    return pd.DataFrame(rows, columns=[*COLUMNS, *moved])


def heat_lines(comparison: Comparison, study: str) -> list[str]:
    """The table of heats compared with the leading theory, as lines of text with their heading.

    Args:
        comparison: of the study.
        study: its name.
    """
    points, lead = comparison.points, comparison.leading
    controllers = [point.parameters.told_controller for point in points]
    told = "linear response without a friction model" if lead == "response" else "the paper's pair with white friction"
    lines = [
        f"Study {study}: heat into each bath, eV/ns per coupled axis ± one standard error",
        f"(theory: {told}, from the runs without controller; z: measurement minus theory, in combined standard errors)"
        if (unknown := without_theory(points)) is None
        else f"({unknown}; the table has measurements only)",
        *(f"(controller: {law})" for law in dict.fromkeys(controllers) if law != LINEAR),
        "",
        f"{'κ_H/κ_C':>8}  {'time/ns':>7}  {'cold bath':>16} {'theory':>8} {'z':>5}  {'hot bath':>16} {'theory':>8} {'z':>5}"
        f"  {'COP':>6}  mode",
    ]
    for each in comparison.compared:
        point, rates = each.point, _rates(each, lead)
        cells = [f"{point.kappa_ratio:>8}", f"{point.time:7.2f}"]
        for heat, rate, z in zip(point.heat, rates, each.z(lead), strict=True):
            cells.append(f"{_with_error(heat.value, known(heat.se)):>16} {rate:>8} {_z(z):>5}")
        lines.append("  ".join([*cells, f"{_cop(point):>6}", point.mode]))
    if without_theory(points, ideal=True) is None and any(_cop(point) != "-" for point in points):
        lines.append(f"   {IDENTITY}")
    return lines


def summary_text(
    comparison: Comparison, friction: FrictionResult, information: Sequence[ComparedInformation] = ()
) -> str:
    """The summary of a study: measured heat rates and theory, information, friction, and energy balance.

    Args:
        comparison: of the study.
        friction: measured in its runs without controller.
        information: at its points.
    """
    points, lines = comparison.points, heat_lines(comparison, friction.study)
    for name in comparison.known:
        if name != comparison.leading:
            lines += ["", SIMPLIFICATIONS[name], *(_beside(each, name) for each in comparison.compared)]
    lines += _trap_lines(comparison)
    lines += _agreement_lines(comparison)
    lines += _information_lines(information)
    lines += _axes_lines(friction)
    lines += _drag_lines(friction)
    lines += ["", closure_line(points)]
    lines += [f"Note on {name}: {note}" for name, note in notes_of(points, friction).items()]
    return "\n".join(lines) + "\n"


def _rates(compared: ComparedPoint, theory: str) -> tuple[str, str]:
    """Both heats according to a theory; a dash where it has no prediction."""
    rates = compared.rates(theory)
    return (f"{rates[0].value:z.3f}", f"{rates[1].value:z.3f}") if rates else ("-", "-")


def _beside(compared: ComparedPoint, theory: str) -> str:
    told = zip(SIDES, _rates(compared, theory), compared.z(theory), strict=True)
    return f"{compared.point.kappa_ratio:>8}" + "".join(f"   {side} {rate:>7} (z {_z(z)})" for side, rate, z in told)


def _trap_lines(comparison: Comparison) -> list[str]:
    """Power of moving the traps, measured and by theory; empty for traps at rest."""
    lines = []
    for point in comparison.points:
        if point.trap_power is None:
            continue
        told = [
            f"{side} {_with_error(each.value, known(each.se))}"
            for side, each in zip(SIDES, point.trap_power, strict=True)
        ]
        for name, model in models(point.parameters, comparison.friction).items():
            cold, hot = PER_NS * model.mean(lambda machine: machine.trap_work_rates())(model.measured)
            told.append(f"{THEORIES[name]}: cold {cold:.3f}, hot {hot:.3f}")
        lines.append(f"{point.kappa_ratio:>8}   " + "; ".join(told))
    return ["", "Power of moving the traps, eV/ns per coupled axis, and by theory:", *lines] if lines else []


def _agreement_lines(comparison: Comparison) -> list[str]:
    """The whole sweep compared with each theory; empty if a point has no error bar."""
    lines = []
    for name, found in comparison.agreement.items():
        points = "1 point" if found.points == 1 else f"{found.points} points"
        lines.append(f"   {THEORIES[name]}: χ² = {found.chi_square:.1f} for {points}, p = {found.chance:.2g}")
    if lines:
        lines[:0] = ["", "All cold heats together, including the common error of the friction, compared with"]
    return lines


def _information_lines(information: Sequence[ComparedInformation]) -> list[str]:
    """The second law of each side with the information flow, the flow according to theory, and noisy readings."""
    if not information:
        return []
    lines = [
        "",
        "Information, k_B/ns per coupled axis ± one standard error (Q/T: heat over temperature of the bath; I: information",
        "flow into the particle; second law of each side: Q/T - I is not negative)",
        "",
        f"{'κ_H/κ_C':>8}" + "".join(f"  {side + ' Q/T':>15} {'I':>15} {'Q/T - I':>15}" for side in SIDES),
    ]
    for each in information:
        cells = [f"{each.point.kappa_ratio:>8}"]
        for found in zip(each.entropy, each.information, each.second_law, strict=True):
            cells.append(" ".join(f"{_rate(one):>15}" for one in found))
        lines.append("  ".join(cells))
    if any(each.has_pumping for each in information):
        lines.append(f"   {WITH_PUMPING}")
    lines += [f"{each.point.kappa_ratio:>8}   {each.too_coarse}" for each in information if each.too_coarse]
    lines += [line for each in information for line in _information_theory_lines(each)]
    return lines


def _rate(estimate: Estimate) -> str:
    return "-" if known(estimate.value) is None else _with_error(estimate.value, estimate.se, 1)


def _information_theory_lines(each: ComparedInformation) -> list[str]:
    """Theory of one point: the information flow into the cold particle, and that of a reading with noise."""
    ratio = f"{each.point.kappa_ratio:>8}"
    flows = [f"{THEORIES[name]} {flow.value:z.1f} (z {_z(each.z(name))})" for name, flow in each.flows.items()]
    lines = [f"{ratio}   I into the cold particle: {', '.join(flows)}"] if flows else []
    if known(each.reading.value) is not None:
        read = [
            f"{THEORIES[name]} {one.value:.3f}, of which {new.value:.3f} new"
            for name, (one, new) in each.readings.items()
        ]
        measured = _with_error(each.reading.value, known(each.reading.se))
        lines.append(f"{ratio}   one reading of both positions, k_B per axis: " + "; ".join([measured, *read]))
    return lines


def _axes_lines(friction: FrictionResult) -> list[str]:
    """Friction along each set of equivalent axes, a test of their difference, and all three axes together."""
    lines: list[str] = []
    for axes, result in friction.axes.items():
        which = "" if friction.equivalent == (POOLED,) else f" along {', '.join(axes)}" + " together" * (axes == POOLED)
        lines.append("")
        for side, particle in zip(SIDES, result.particles, strict=True):
            lines += _friction_lines(side, which, particle, friction.spacing)
    if apart := friction.apart():
        lines.append("")
        for sets, by_method in apart.items():
            one, other = (", ".join(axes) for axes in sets)
            told = "; ".join(f"{friction.method_names[method]}: {_z(z)}" for method, z in by_method.items())
            lines.append(
                f"Friction along {one} minus that along {other}, both particles, in standard errors: {told or '?'}"
            )
        lines.append("(theory uses the friction of each axis)")
    return lines


def _friction_lines(side: str, which: str, particle: ParticleFriction, spacing: float) -> list[str]:
    found = particle.by_method()

    def value(method: str) -> str:
        friction = found[method] * (1e12 * FRICTION_SI)
        return "?" if known(friction.value) is None else _with_error(friction.value, known(friction.se), digits=1)

    lines = [
        f"Friction, {side} particle{which}, 10⁻¹² kg/s: {value('joint')} "
        f"(from position {value('position')}, from velocity {value('velocity')}, "
        f"from position and later velocity {value('cross')}, "
        f"from displacements over {spacing:g} ps {value('difference')}); ⟨X²⟩ compared with k_BT/κ: "
        f"z = {_z(known(particle.position_variance.z))}"
    ]
    if particle.dressed:
        held_out = [known(particle.held_out.get(model)) for model in ("dressed", "white")]
        residuals = ["?" if residual is None else f"{residual:.3f}" for residual in held_out]
        lines.append(
            f"   dressed with fluid: {value('zero_frequency')} at zero frequency; "
            f"held-out residual {residuals[0]} (dressed), {residuals[1]} (white), rms of the correlations"
        )
    if particle.likelihood:
        lines.append(_likelihood_line(particle.likelihood, particle.dressed))
    if particle.modes:
        lines.append(_modes_line(particle.modes, value("modes")))
    return lines


def _drag_lines(friction: FrictionResult) -> list[str]:
    lines = ["", "Friction of dragged particles, 10⁻¹² kg/s:"] if friction.drags else []
    for drag in friction.drags:
        found, paper = drag.friction * (1e12 * FRICTION_SI), paper_friction(drag.force_nN)
        # A particle that has lost atoms is no longer the one whose friction is wanted.
        lost = f"; LOSES ATOMS: {drag.largest_piece} of {drag.particle_atoms} stay connected"
        lines.append(
            f"   {drag.force_nN} nN, {drag.bath_temperature:g} K: {_with_error(found.value, known(found.se), digits=2)}"
            + (f" (paper {1e12 * paper:.1f})" if paper else "")
            + f" at {drag.velocity.value * VELOCITY_SI:.0f} m/s, {drag.over_thermal:.1f} thermal speeds"
            + (f"; bath {drag.bath_excess.value:+.1f} K" if drag.bath_excess else "")
            + (f", particle {drag.particle_excess.value:+.0f} K" if drag.particle_excess else "")
            + (", not steady or too short" if drag.note else "")
            + (lost if drag.loses_atoms else "")
        )
    return lines


def _modes_line(modes: Bodies, at_rest: str) -> str:
    """The fitted bodies of fluid and their goodness of fit."""
    bodies = ", ".join(f"{1e12 * FRICTION_SI * friction:.1f} over {time:.2g} ps" for friction, time in modes.bodies)
    fit = known(modes.goodness)
    return (
        f"   with bodies of fluid: {at_rest} at zero frequency; bodies: {bodies or 'none'}; goodness of fit "
        f"up to {modes.limit:g} rad/ps: p = " + ("?" if fit is None else f"{fit:.2g}")
    )


def _likelihood_line(models: ModelsCompared, shell: Shell | None) -> str:
    """The model with the larger likelihood, and its distance from the fit; a ΔBIC of 10 is usually taken as decisive."""
    difference = models.bic_difference
    preferred = (
        "neither model" if abs(difference) < 10 else "the dressed particle" if difference > 0 else "white friction"
    )
    white, dressed = models.white.error_correlation, models.dressed.error_correlation
    return (
        f"   likelihood of samples {models.interval:g} ps apart favours {preferred}: white minus dressed "
        f"ΔBIC {difference:+.0f}, ΔAIC {models.aic_difference:+.0f}; correlation of prediction errors "
        f"{white:.2f} (white), {dressed:.2f} (dressed)"
        + (f"; fitted minus most likely g₁, g₂, M: z = {_shell_z(models.dressed, shell)}" if shell else "")
    )


def _shell_z(likely: MostLikely, shell: Shell) -> str:
    """Logarithms of the fitted minus the most likely parameters, in standard errors of the fit: a check of the model."""
    errors = np.sqrt(np.diag(shell.log_covariance))
    found = [
        math.log(fitted / most_likely) / error if error > 0 else None
        for fitted, most_likely, error in zip(shell.values, likely.values, errors, strict=True)
    ]
    return ", ".join(_z(z) for z in found)


def closure_line(points: Sequence[HeatPoint]) -> str:
    """The largest drift of the first law, as one line of text."""
    drift = max(abs(drift.value) for point in points for drift in point.closure_drift)
    axes = len(points[0].parameters.coupling_axes)
    heats = [heat for point in points for heat in point.heat]
    decided = [abs(heat.value) for heat in heats if abs(heat.value) > 2 * heat.se]
    # The drift is that of a whole side, shared by the currents of all coupled axes.
    line = f"First law: largest drift of one side {drift:.4f} eV/ns"
    return f"{line}, {100 * drift / axes / min(decided):.1f} % of the smallest decided heat rate" if decided else line


def _cop(point: HeatPoint) -> str:
    """Heat drawn from the colder bath over the power spent, for a refrigerator that spends any."""
    heats = [heat.value for heat in point.heat]
    if point.mode != "refrigerator" or not sum(heats) > 0:  # a damped particle does work on the controller
        return "-"
    return f"{-heats[point.parameters.colder] / sum(heats):.2f}"


def _with_error(value: float, se: float | None, digits: int = 3) -> str:
    """A value ± its standard error, with additional digits if the error would round to zero, and "?" if it is unknown."""
    if se is None or not math.isfinite(se) or se <= 0.0:
        return f"{value:z.{digits}f} ± ?"
    needed = max(digits, -math.floor(math.log10(se)))
    return f"{value:z.{needed}f} ± {se:.{needed}f}" if needed < 10 else f"{value:z.9f} ± {se:.0e}"


def _z(value: float | None) -> str:
    return "?" if value is None else f"{value:+z.1f}"
