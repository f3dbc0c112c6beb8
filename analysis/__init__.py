"""From run folders to physics: heat, power, friction, and exact theory.

``analysis.load("results/demo")`` returns all results of a study as one object, for a notebook.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from analysis.study import StudyResults


def load(folder: str | Path) -> StudyResults:
    """The results of a study.

    Args:
        folder: of one study, such as ``results/demo``.

    Raises:
        AnalysisError: if it is not the folder of a study; the message says what it is, or how to make one.
    """
    # Imported here, because it loads SciPy, pandas and MDAnalysis, which `analysis.model` does not need.
    from analysis.study import open_study

    return open_study(folder)
