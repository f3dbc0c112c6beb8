"""The summary at the end of a run: whether it cools, the heats compared with theory, and whether the checks passed."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from analysis.compare.comparison import Comparison
from analysis.compare.table import closure_line, heat_lines, notes_of
from analysis.friction.result import FrictionResult
from analysis.heat.results import PerformancePoint
from analysis.report.checks import study_checks
from analysis.report.verdict import verdict
from analysis.structure.result import Structure

WIDTH = 110


def closing_text(
    comparison: Comparison,
    performances: Sequence[PerformancePoint],
    friction: FrictionResult,
    structure: Structure | None,
) -> str:
    """What a terminal shows when a study is done.

    Args:
        comparison: of the study.
        performances: of its points.
        friction: measured in its runs without controller.
        structure: its atoms; ``None`` if there are none.
    """
    checks = [
        check for check in study_checks(friction, structure, comparison.points[0].parameters) if check["ok"] is not None
    ]
    failed = [check for check in checks if not check["ok"]]
    passed = f"Checks of equilibrium and atoms: {len(checks) - len(failed)} of {len(checks)} passed"
    notes = notes_of(comparison.points, friction).values()
    lines = [
        *(line for sentence in verdict(comparison, performances) for line in textwrap.wrap(sentence, WIDTH)),
        "",
        *heat_lines(comparison, friction.study),
        "",
        closure_line(comparison.points),
        passed,
        *(f"   failed: {check['what']}: {check['found']}, expected {check['expected']}" for check in failed),
        *dict.fromkeys(f"Note: {note}" for note in notes),
    ]
    return "\n".join(lines) + "\n"
