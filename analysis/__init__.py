"""From run folders to physics: heat, power, friction, and the exact theory beside them.

``analysis.load("results/demo")`` gives all that a study left as one object, for a notebook.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from analysis.study import StudyResults


def load(folder: str | Path) -> StudyResults:
    """What a study left in its folder.

    Args:
        folder: of one study, such as ``results/demo``.

    Raises:
        AnalysisError: if it is not the folder of a study; says what it is, or how to make one.
    """
    # Here, because it loads SciPy, pandas and MDAnalysis, and whoever wants `analysis.model` alone needs none of them.
    from analysis.study import open_study

    return open_study(folder)
