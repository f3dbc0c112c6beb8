"""Studies of any kind that `check` accepts, and the whole analysis of one, step by step as the workflow's scripts take them."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from analysis.axes import work_by_axis
from analysis.drag import drag_summary, load_drag_runs
from analysis.errors import AnalysisError
from analysis.figures.cop import cop
from analysis.figures.cop_fluctuations import cop_fluctuations
from analysis.figures.cumulative import cumulative_flows
from analysis.figures.drag import drag as draw_drag
from analysis.figures.equilibrium import equilibrium
from analysis.figures.fluxes import fluxes
from analysis.figures.friction import friction as draw_friction
from analysis.figures.heat_rates import heat_rates
from analysis.figures.heat_variations import heat_variations
from analysis.figures.power import power_histograms
from analysis.figures.power_moments import power_moments
from analysis.figures.response import response_figure
from analysis.figures.uncertainty import uncertainty
from analysis.figures.variations import variations
from analysis.friction import friction_summary
from analysis.heat import point_summary
from analysis.performance import performance_summary
from analysis.power import power_summary
from analysis.report import report_page
from analysis.response import heat_by_response, response
from analysis.runs import SIDES, load_runs, read_metadata
from analysis.summary import summary_table, summary_text
from analysis.theory import Friction
from analysis.variations import friction_by_analysis, friction_by_variant, heat_by_variant, thermostat_table
from simulation.experiments.base import Experiment
from simulation.experiments.drag import Drag
from simulation.experiments.machine import friction_runs, point_runs, points
from simulation.folder import run_folder
from simulation.study.fields import Study, StudyError
from simulation.study.files import check_study

DESIGN = Path(__file__).parents[2] / "workflow/report"


def draw_study(seed: int) -> Study:
    """A study that `check` accepts, drawn from far apart values of all that an analysis meets."""
    random = np.random.default_rng(seed)
    while True:
        with suppress(StudyError):
            return check_study(f"any{seed}", _fields(random))


def _fields(random: np.random.Generator) -> dict[str, Any]:
    def spread(low: float, high: float) -> float:
        return float(np.exp(random.uniform(np.log(low), np.log(high))))

    # Step and sampling from far below to far above the memories; from two samples to some thousand.
    step_fs = float(random.choice([1, 2, 4, 5, 20, 50, 200]))
    sample = int(random.choice([1, 1, 2, 5, 20])) * step_fs / 1000
    friction_length, sweep_length, drag_length = (int(spread(1, 2500)) * sample / 1000 for _ in range(3))
    cold = spread(1, 1000)
    hot = cold * float(random.choice([1.0, 1.2, spread(1.001, 10)]))
    # A trap and couplings like the published ones, or far from them, of either sign.
    trap = float(random.choice([0.01, spread(1e-4, 1)]))
    coupling = float(random.choice([0.1, spread(1e-3, 10), -spread(1e-5, 0.1)]))
    usual = ("0.17", "1.2", "4.80", "7.27", "1", "0", "-0.5", "-1", "1e-6", "1e3", f"{hot / cold:.12g}")
    ratios = [str(ratio) for ratio in random.choice(usual, random.integers(1, 5), replace=False)]
    ratios += [f"{random.choice([-1, 1]) * spread(1e-2, 1e2):.3g}" for _ in range(random.integers(0, 2))]
    return {
        "seed": int(random.integers(1_000_000)),
        "engine": "langevin",
        "baths": {"fluid_atoms": 25280, "temperature_cold_K": cold, "temperature_hot_K": hot},
        "trap": {"stiffness_eV_per_A2": trap},
        "demon": {
            "coupling_cold_eV_per_A2": coupling,
            "kappa_ratios": ratios,
            "coupling_axes": str(random.choice(["x", "y", "xz", "xyz"])),
        },
        "langevin": {
            f"friction_{side}_kg_per_s": float(random.choice([3.5e-12, spread(1e-14, 1e-10)])) for side in SIDES
        },
        "integration": {"timestep_fs": step_fs},
        "schedule": {
            "equilibration_ps": sample,
            "relaxation_ps": sample,
            "friction_ns": friction_length,
            "sweep_ns": sweep_length,
            "friction_replicas": int(random.choice([1, 1, 2, 4])),
            "sweep_replicas": int(random.choice([1, 1, 2, 3])),
            "sample_every_ps": sample,
            "trajectory_every_ps": sample,
            "segment_ps": sample,
        },
        "drag": {
            "forces_nN": [f"{spread(1e-6, 100):.3g}"] if random.random() < 0.3 else [],
            "equilibration_ps": sample,
            "duration_ns": drag_length,
            "replicas": int(random.choice([1, 2])),
        },
    }


def simulate(experiment: Experiment, results: Path) -> Path:
    """The run folder of one exact run."""
    folder = results / experiment.folder
    run_folder.write(experiment, folder, experiment.exact(), {"versions": {"python": "3"}, "wall_time_s": 0.1}, {})
    return folder


def plain(content: Any) -> Any:
    """What a reader of the JSON file has; fails where it is no valid JSON."""
    return json.loads(json.dumps(content, allow_nan=False))


class Analysis:
    """The analysis of one study; ``notes`` are the messages of steps that end in one."""

    def __init__(self, study: Study, results: Path) -> None:
        self.study = study
        self.notes: list[str] = []
        self._results = results
        self._friction_runs = [simulate(run, results) for run in friction_runs(study)]
        self._point_runs = {
            point: [simulate(run, results) for run in point_runs(study, point)] for point in points(study)
        }
        self._drag_runs = [simulate(run, results) for run in Drag.all_of(study)]

    def run(self, with_figures: bool) -> None:
        """All steps."""
        with warnings.catch_warnings(), np.errstate(all="warn", under="ignore"):
            warnings.simplefilter("error")
            self._tables()
            if with_figures:
                self._figures()

    def _tables(self) -> None:
        self.at_rest = load_runs(self._friction_runs)
        self.drags = load_drag_runs(self._drag_runs)
        self.friction = plain(friction_summary(self.at_rest) | {"drag": drag_summary(self.drags)})
        self.fitted = Friction.from_json(self.friction)
        self.sweep = [load_runs(folders) for folders in self._point_runs.values()]
        self.heats, self.powers, self.performances = (
            [plain(summarise(runs)) for runs in self.sweep]
            for summarise in (point_summary, power_summary, performance_summary)
        )
        self.summary = summary_table(self.heats, self.friction)
        self.text = summary_text(self.heats, self.friction)
        for runs in self.sweep:
            self._try(work_by_axis, runs, self.fitted)
        self.responses = self._try(lambda: [response(self.at_rest, side) for side in range(2)])
        if self.responses is not None:
            heat_by_response(self.heats, *self.responses)
        self.metadata = [read_metadata(run.folder) for runs in (self.at_rest, *self.sweep) for run in runs]
        self.page = report_page(self.metadata, self.heats, self.performances, self.friction, None, [], DESIGN)

    def _figures(self) -> None:
        drawn: list[tuple[Figure, pd.DataFrame]] = [
            heat_rates(self.heats, self.fitted),
            fluxes(self.heats, self.fitted),
            power_histograms(self.powers, self.fitted),
            power_moments(self.powers, self.fitted),
            cop(self.performances),
            cop_fluctuations(self.performances, self.fitted),
            uncertainty(self.performances, self.fitted),
            draw_friction(self.friction),
            equilibrium(self.at_rest),
            cumulative_flows(list(zip(self.sweep, self.heats, strict=True))[:2]),
            variations(friction_by_variant([self.metadata[0]], [self.friction])),
            heat_variations(heat_by_variant([self.metadata[0]], [self.friction], [self.heats])),
        ]
        if self.drags:
            drawn.append(draw_drag(self.drags, self.friction))
        if self.responses is not None:
            drawn.append(response_figure(self.heats, self.fitted, tuple(self.responses)))
        for figure, table in drawn:
            FigureCanvasAgg(figure).draw()
            assert not table.empty
        friction_by_analysis(self.at_rest)
        thermostat_table({"nose-hoover": self.heats[0], "csvr": self.heats[-1]}, "nose-hoover")

    def _try(self, step: Callable[..., Any], *arguments: Any) -> Any:
        """What a step returns; None where the data are too short for it, and it says so."""
        try:
            return step(*arguments)
        except AnalysisError as note:
            self.notes.append(str(note))
            return None
