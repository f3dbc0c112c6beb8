"""A synthetic study for the pages of reports, and a reader of pages."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis.compare.by_axis import COLUMNS, work_by_axis
from analysis.compare.comparison import Comparison
from analysis.data.runs import Run
from analysis.friction.response import responses
from analysis.friction.summary import friction_summary
from analysis.heat.performance import performance_summary
from analysis.heat.rates import point_summary
from analysis.report.explorer import Explorer, explorer
from analysis.statistics.timeseries import Estimate, SeriesTooShortError
from analysis.structure.result import AdsorbedLayer, FluidAround, MetalTemperature, SideStructure, Structure
from tests.unit.synthetic import MATERIALS, Truth, synthetic_runs

DESIGN = Path(__file__).resolve().parents[2] / "workflow" / "report"
# The smallest PNG: one white pixel.
PIXEL = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGP4DwABAQEAGzXo2AAAAABJRU5ErkJggg==")
NOTHING = np.empty(0)
SIDE = SideStructure(
    density=NOTHING,
    walls=None,
    emptiest_cell=0.7,
    bulk_density=None,
    largest_cluster=186,
    particle_atoms=186,
    particle_mass=1.225,
    around=FluidAround(
        NOTHING, NOTHING, NOTHING, AdsorbedLayer(9.0, 40.0, 11.0, Estimate(57.7, 0.3), Estimate(0.371, 0.002))
    ),
    temperature=100.0,
    pressure=400.0,
    metal=MetalTemperature(Estimate(99.0, 0.5), 100.0, None, NOTHING),
)
STRUCTURE = Structure(2, NOTHING, 0, {"cold": SIDE, "hot": SIDE}, NOTHING)


def provenance(runs: Sequence[Run], engine: str) -> list[dict[str, Any]]:
    """``run.json`` of synthetic runs, with what a real engine adds to it."""
    added = {
        "engine": engine,
        "settings": {"name": "synthetic", "materials": MATERIALS, "comment": "</code><script>"},
        "versions": {"nanofridge_commit": "abc1234"},
        "ranks": [1, 2],
        "wall_time_s": 900.0,
        "fingerprint": "0123456789abcdef",
    }
    return [run.metadata | added for run in runs]


def study(duration_ps: float, engine: str = "lammps") -> dict[str, Any]:
    """Arguments of ``report_page``, but for figures and design, of a synthetic study with a refrigerator and a heater."""
    truth = Truth(kappa_ratio=None, friction_cold=0.2, friction_hot=0.3)
    equilibrium = synthetic_runs(truth, duration_ps, 2, seed=51)
    sweep = [
        synthetic_runs(replace(truth, kappa_ratio=r), duration_ps, 2, seed=52 + i)
        for i, r in enumerate(("4.80", "0.17"))
    ]
    friction = friction_summary(equilibrium)
    points = tuple(point_summary(point) for point in sweep)
    return {
        "runs": provenance([*equilibrium, *(run for point in sweep for run in point)], engine),
        "comparison": Comparison(points, friction.friction, responses(equilibrium)),
        "performances": [performance_summary(point) for point in reversed(sweep)],
        "friction": friction,
        "structure": STRUCTURE if engine == "lammps" else None,
        "interactive": interactive(Comparison(points, friction.friction, responses(equilibrium)), sweep),
    }


def interactive(comparison: Comparison, sweep: Sequence[list[Run]], stops: int = 3) -> Explorer | None:
    """The interactive figure of a study, with the work of each axis where the runs are long enough for one."""
    tables = [pd.DataFrame(columns=COLUMNS)]
    for runs in sweep:
        with suppress(SeriesTooShortError):
            tables.append(work_by_axis(runs, comparison.friction, comparison.responses))
    return explorer(comparison, pd.concat(tables[1:] or tables), stops)


class Page(HTMLParser):
    """What a page refers to, the alternative texts of its images, and the cells of its tables."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.references: list[str] = []
        self.alt: list[str | None] = []
        self.ids: list[str] = []
        self.rows: list[list[str]] = []
        self._in_cell = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Collect."""
        table = dict(attrs)
        self.references += [
            value or "" for name, value in attrs if name in ("src", "href", "srcset", "action", "poster")
        ]
        self.ids += [value or "" for name, value in attrs if name == "id"]
        if tag == "img":
            self.alt.append(table.get("alt"))
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self._in_cell = True
            self.rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        """A cell ends."""
        if tag in ("td", "th"):
            self._in_cell = False

    def handle_data(self, data: str) -> None:
        """Text of a cell."""
        if self._in_cell:
            self.rows[-1][-1] += data.strip()
