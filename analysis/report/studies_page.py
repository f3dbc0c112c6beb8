"""One page for several studies: the verdict on each, and the differences of their heats."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from analysis.compare.comparison import THEORIES, Comparison
from analysis.compare.studies import study_points
from analysis.compare.variants import changed_settings
from analysis.data.parameters import SIDES
from analysis.heat.results import PerformancePoint
from analysis.report.pictures import load_figures
from analysis.report.verdict import Z_AGREES, verdict
from analysis.report.words import report_environment
from analysis.units import FRICTION_SI


def studies_page(
    runs: Sequence[Mapping[str, Any]],
    comparisons: Sequence[Comparison],
    performances: Sequence[Sequence[PerformancePoint]],
    figures: Sequence[str | Path],
    design: str | Path,
) -> str:
    """The whole page as HTML.

    Args:
        runs: content of one ``run.json`` of each study; the others are compared with the first.
        comparisons: of the same studies.
        performances: of the points of the same studies.
        figures: picture files (PNG; an SVG or CSV of the same name is included).
        design: folder of template, style and captions.
    """
    names = [str(run["study"]) for run in runs]
    studies = [
        {
            "name": run["study"],
            "sentences": verdict(comparison, records),
            "changes": changed_settings(runs[0]["settings"], run["settings"]),
            "friction": comparison.friction.along,
        }
        for run, comparison, records in zip(runs, comparisons, performances, strict=True)
    ]
    known = {name for comparison in comparisons for name in comparison.known}
    return (
        report_environment(design)
        .get_template("studies.html.j2")
        .render(
            studies=studies,
            rows=[each.row() for each in study_points(names, comparisons)],
            theories={name: words for name, words in THEORIES.items() if name in known},
            sides=SIDES,
            limit=Z_AGREES,
            friction_unit=1e12 * FRICTION_SI,
            pictures=load_figures(figures, Path(design) / "captions.yaml"),
            style=(Path(design) / "style.css").read_text(encoding="utf-8"),
        )
    )
