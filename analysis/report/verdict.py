"""The three sentences that open a report: whether the machine cools, how much, and whether theory agrees."""

from __future__ import annotations

import math
from collections.abc import Sequence

from analysis.compare.comparison import THEORIES, ComparedPoint, Comparison, without_theory
from analysis.data.parameters import SIDES
from analysis.heat.point import HeatPoint
from analysis.heat.results import PerformancePoint
from analysis.report.words import interval, measured, number, z_score
from analysis.statistics.timeseries import known

REFRIGERATOR = "refrigerator"

Z_AGREES = 3.0
"""Deviations beyond this many standard errors are marked; for a correct model this is one in 370."""

CHANCE_AGREES = math.erfc(Z_AGREES / math.sqrt(2))
"""The same for all points together: the p-value of such a deviation."""


def verdict(comparison: Comparison, performances: Sequence[PerformancePoint]) -> list[str]:
    """The three sentences, with numbers and their standard errors.

    They describe the point at which the colder bath lost the most heat. If no point cools at two standard errors, they describe
    the point with the lowest heat into that bath.

    Args:
        comparison: of a study.
        performances: of the same points.
    """
    side = comparison.points[0].parameters.colder
    cooling = [each for each in comparison.compared if each.point.mode == REFRIGERATOR]
    best = min(cooling or comparison.compared, key=lambda each: each.point.heat[side].value)
    heats = _cooling(best, side, performances) if cooling else _not_cooling(best, side)
    return [*heats, _against_theory(comparison, best, side)]


def _cooling(best: ComparedPoint, side: int, performances: Sequence[PerformancePoint]) -> tuple[str, str]:
    heat, power = best.point.heat[side], best.point.power
    spender, spends = _spender(best.point)
    performance = next(each for each in performances if each.kappa_ratio == best.point.kappa_ratio)
    return (
        f"It cools: at κ_H/κ_C = {best.point.kappa_ratio} the {SIDES[side]} bath loses "
        f"{measured(-heat.value, known(heat.se))} eV/ns of heat along each coupled axis.",
        f"{spender[0].upper()}{spender[1:]} {spends} {measured(power.value, known(power.se))} eV/ns: the coefficient of "
        f"performance, with its 95 % interval, is {interval(performance.refrigeration)}."
        if power.value > 0
        else f"The particles do {measured(-power.value, known(power.se))} eV/ns of work on {spender}, so there is no "
        "coefficient of performance.",
    )


def _not_cooling(nearest: ComparedPoint, side: int) -> tuple[str, str]:
    heat, power = nearest.point.heat[side], nearest.point.power
    spender, spends = _spender(nearest.point)
    return (
        "No point of this study shows cooling at two standard errors.",
        f"The lowest heat into the {SIDES[side]} bath is {measured(heat.value, known(heat.se))} eV/ns per coupled axis, "
        f"at κ_H/κ_C = {nearest.point.kappa_ratio}; there {spender} {spends} "
        f"{measured(power.value, known(power.se))} eV/ns.",
    )


def _spender(point: HeatPoint) -> tuple[str, str]:
    """What the sum of both heats is spent by, and the verb; moving traps do a part of the work."""
    return (
        ("the controller", "spends") if point.trap_power is None else ("controller and moving traps together", "spend")
    )


def _against_theory(comparison: Comparison, point: ComparedPoint, side: int) -> str:
    if (unknown := without_theory(comparison.points)) is not None:
        return f"{unknown}, so these heats are not compared with one."
    lead = next((name for name in THEORIES if name in point.forecasts), None)
    rates = point.rates(lead) if lead else None
    if lead is None or rates is None:
        return f"No theory has a steady state at κ_H/κ_C = {point.point.kappa_ratio}."
    z = point.z(lead)[side]
    rate, everywhere = rates[side], comparison.agreement.get(lead)
    told = (
        f"{THEORIES[lead].capitalize()}, from this study's runs without controller, predicts "
        f"{measured(rate.value, known(rate.se))} eV/ns of heat into the {SIDES[side]} bath there"
    )
    if z is None:
        return f"{told}; without error bars nothing can be said about agreement."
    agrees = abs(z) < Z_AGREES and (everywhere is None or everywhere.chance >= CHANCE_AGREES)
    told = f"Theory and measurement {'agree' if agrees else 'differ'}: {told[0].lower()}{told[1:]}"
    told += f"; measured minus predicted is {z_score(z)} standard errors"
    if everywhere is None or everywhere.points == 1:
        return f"{told}."
    chance = "< 0.0001" if everywhere.chance < 1e-4 else f"= {everywhere.chance:.2g}"
    return f"{told}, and for all {everywhere.points} points χ² = {number(everywhere.chi_square, 1)} (p {chance})."
