"""No study is lost at its end: whatever `check` accepts is analysed to the last table and figure, or says what is too short.

Eight run by default, and sixteen with the long tests, as many as there are figures.
`NANOFRIDGE_STUDIES=2000 pytest --long -n 2 tests/unit/test_any_study.py` draws more, and longer ones.
"""

from __future__ import annotations

import os
import traceback
from pathlib import Path

import pytest

from analysis.data.parameters import LINEAR
from simulation.study.files import load_study
from tests.unit.any_study import Analysis, draw_study

STUDIES = int(os.environ.get("NANOFRIDGE_STUDIES", "16"))
LONGEST = 300 if STUDIES < 100 else 2500
CHUNK, SHORT = 4, (0, 8)


@pytest.mark.parametrize(
    "first",
    [pytest.param(first, marks=() if first in SHORT else pytest.mark.long) for first in range(0, STUDIES, CHUNK)],
)
def test_any_study_is_analysed_to_its_end(first: int, tmp_path: Path) -> None:
    """Numbers, `null` or a note: no traceback, warning or invalid JSON, whatever lengths, samples, couplings and temperatures.

    Every fifth study says that its controller was another than the linear one; each draws one of the figures.
    """
    failures = []
    for seed in range(first, min(first + CHUNK, STUDIES)):
        try:
            analysis = Analysis(draw_study(seed, LONGEST), tmp_path, LINEAR if seed % 5 else "mine:Mine")
            analysis.run(figures=[seed])
        except Exception:
            failures.append(f"seed {seed}:\n{traceback.format_exc()}")
    assert not failures, "\n".join(failures)


@pytest.mark.parametrize(
    ("seed", "figure"),
    [
        (7006, 5),  # Carnot's bound far beyond the axis of its panel
        (7055, 8),  # no positive ratio
        (7145, 5),  # no positive density
    ],
)
def test_figures_of_unusual_studies_are_drawn(seed: int, figure: int, tmp_path: Path) -> None:
    """Figures have room for their panels, and logarithmic axes a range, whatever the data are."""
    Analysis(draw_study(seed, 2500), tmp_path, LINEAR if seed % 5 else "mine:Mine").run(figures=[figure])


@pytest.mark.long
def test_dressed_model_is_analysed_to_its_end(tmp_path: Path) -> None:
    """The shipped study whose axes differ and whose particles drag fluid along, made shorter: all its tables and figures."""
    study = load_study("dressed-model")
    short = {
        "schedule": study.schedule.model_copy(update={"friction_ns": 1.0, "sweep_ns": 0.2, "sample_every_ps": 0.4}),
        "demon": study.demon.model_copy(update={"kappa_ratios": ("1.2", "4.80")}),
        "drag": study.drag.model_copy(update={"duration_ns": 0.1}),
    }
    analysis = Analysis(study.model_copy(update=short), tmp_path)
    analysis.run(figures=range(16))  # all that there are
    assert len(analysis.drawings()) == 16
    assert not analysis.notes
