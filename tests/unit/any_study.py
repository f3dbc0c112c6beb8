"""Studies of any kind that `check` accepts, and the whole analysis of one, step by step as the workflow's scripts take them."""

from __future__ import annotations

import io
import json
import warnings
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from analysis.compare.by_axis import COLUMNS, work_by_axis
from analysis.compare.comparison import Comparison
from analysis.compare.information import compared_information
from analysis.compare.table import summary_table, summary_text
from analysis.compare.variants import friction_by_analysis, friction_by_variant, heat_by_variant, thermostat_table
from analysis.data.parameters import LINEAR, SIDES
from analysis.data.runs import load_runs, read_metadata
from analysis.errors import AnalysisError
from analysis.figures.cop import cop
from analysis.figures.cop_fluctuations import cop_fluctuations
from analysis.figures.cumulative import cumulative_flows
from analysis.figures.detailed_balance import detailed_balance
from analysis.figures.drag import drag as draw_drag
from analysis.figures.equilibrium import equilibrium
from analysis.figures.fluxes import fluxes
from analysis.figures.friction import friction as draw_friction
from analysis.figures.heat_rates import heat_rates
from analysis.figures.heat_variations import heat_variations
from analysis.figures.information import information
from analysis.figures.power import power_histograms
from analysis.figures.power_moments import power_moments
from analysis.figures.response import response_figure
from analysis.figures.uncertainty import uncertainty
from analysis.figures.variations import variations
from analysis.friction.drag import drag_summary, load_drag_runs
from analysis.friction.response import responses
from analysis.friction.result import FrictionResult
from analysis.friction.summary import friction_summary
from analysis.heat.information import information_summary
from analysis.heat.performance import performance_summary
from analysis.heat.point import HeatPoint
from analysis.heat.power import power_summary
from analysis.heat.rates import point_summary
from analysis.heat.results import InformationPoint, PerformancePoint, PowerPoint, ReversalPoint
from analysis.heat.reversal import reversal_summary
from analysis.report.explorer import explorer
from analysis.report.page import report_page
from analysis.report.screen import closing_text
from simulation.experiments.base import Experiment
from simulation.experiments.drag import Drag
from simulation.experiments.machine import friction_runs, point_runs, points
from simulation.folder import run_folder
from simulation.study.fields import Study, StudyError
from simulation.study.files import check_study

DESIGN = Path(__file__).parents[2] / "workflow/report"


def draw_study(seed: int, longest: int = 300) -> Study:
    """A study that `check` accepts, drawn from far apart values of all that an analysis meets.

    Args:
        seed: of the draw.
        longest: most samples in a run.
    """
    random = np.random.default_rng(seed)
    while True:
        with suppress(StudyError):
            return check_study(f"any{seed}", _fields(random, longest))


def _fields(random: np.random.Generator, longest: int) -> dict[str, Any]:
    def spread(low: float, high: float) -> float:
        return float(np.exp(random.uniform(np.log(low), np.log(high))))

    # Step and sampling from far below to far above the memories; from two samples on.
    step_fs = float(random.choice([1, 2, 4, 5, 20, 50, 200]))
    sample = int(random.choice([1, 1, 2, 5, 20])) * step_fs / 1000
    friction_length, sweep_length, drag_length = (int(spread(1, longest)) * sample / 1000 for _ in range(3))
    cold = spread(1, 1000)
    hot = cold * float(random.choice([1.0, 1.2, spread(1.001, 10)]))
    # A trap and couplings like the published ones, or far from them, of either sign.
    trap = float(random.choice([0.01, spread(1e-4, 1)]))
    coupling = float(random.choice([0.1, spread(1e-3, 10), -spread(1e-5, 0.1)]))
    usual = ("0.17", "1.2", "4.80", "7.27", "1", "0", "-0.5", "-1", "1e-6", "1e3", f"{hot / cold:.12g}")
    ratios = [str(ratio) for ratio in random.choice(usual, random.integers(1, 5), replace=False)]
    ratios += [f"{random.choice([-1, 1]) * spread(1e-2, 1e2):.3g}" for _ in range(random.integers(0, 2))]
    drawn: dict[str, Any] = {
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
    if random.random() < 0.4:
        drawn["langevin"] |= _fluid(random)
    if random.random() < 0.3:
        drawn["trap"] |= _traps(random, sample, sweep_length * 1000)
    return drawn


def _traps(random: np.random.Generator, sample_ps: float, run_ps: float) -> dict[str, Any]:
    """Unlike stiffness along the axes, or centres that oscillate on one side or both, or all of these."""

    def spread(low: float, high: float) -> float:
        return float(np.exp(random.uniform(np.log(low), np.log(high))))

    found: dict[str, Any] = {}
    if random.random() < 0.6:
        found["stiffness_eV_per_A2"] = {axes: spread(1e-4, 1) for axes in ("x", "yz")}
    for side in SIDES:
        found[f"motion_{side}"] = [
            {
                "amplitude_A": spread(1e-3, 100),
                "period_ps": spread(sample_ps, 2 * run_ps),
                "phase_deg": float(random.choice([0, 90, random.uniform(-180, 180)])),
            }
            for _ in range(random.integers(0, 3))
        ]
    return found


def _fluid(random: np.random.Generator) -> dict[str, Any]:
    """Friction by axis and bodies of fluid, light and heavy, fast and slow, on each side or on one."""

    def spread(low: float, high: float) -> float:
        return float(np.exp(random.uniform(np.log(low), np.log(high))))

    found: dict[str, Any] = {}
    for side in SIDES:
        if random.random() < 0.6:
            found[f"friction_{side}_kg_per_s"] = {axes: spread(1e-14, 1e-10) for axes in ("x", "yz")}
        bodies = []
        for _ in range(random.integers(0, 4)):
            by_axis = {axes: spread(1e-14, 1e-9) for axes in ("xy", "z")[: random.integers(1, 3)]}
            friction = by_axis if random.random() < 0.5 else spread(1e-14, 1e-9)
            bodies.append({"friction_kg_per_s": friction, "time_ps": spread(1e-4, 1e3)})
        found[f"bodies_{side}"] = bodies
    return found


def simulate(experiment: Experiment, results: Path, law: str = LINEAR) -> Path:
    """The run folder of one exact run; ``law`` is what it says of its controller."""
    folder = results / experiment.folder
    run_folder.write(experiment, folder, experiment.exact(), {"versions": {"python": "3"}, "wall_time_s": 0.1}, {})
    if law != LINEAR:
        file = folder / "run.json"
        content = json.loads(file.read_text(encoding="utf-8"))
        file.write_text(json.dumps(content | {"controller": {"law": law, "source": "0"}}), encoding="utf-8")
    return folder


class Analysis:
    """The analysis of one study, as the workflow's scripts take it, step by step.

    Attributes:
        study: what is analysed.
        notes: messages of the steps for which the data are too short.
    """

    def __init__(self, study: Study, results: Path, law: str = LINEAR) -> None:
        """Simulate it.

        Args:
            study: with the exact engine.
            results: folder to write to.
            law: what the runs say of their controller; another than ``linear`` must be analysed by what it did alone.
        """
        self.study = study
        self.notes: list[str] = []
        self._friction_runs = [simulate(run, results) for run in friction_runs(study)]
        self._point_runs = [[simulate(run, results, law) for run in point_runs(study, at)] for at in points(study)]
        self._drag_runs = [simulate(run, results) for run in Drag.all_of(study)]

    def run(self, figures: Sequence[int]) -> None:
        """All tables and the report, and some of ``drawings``; a warning is an error.

        Raises:
            Exception: of any kind where a step fails, but for an ``AnalysisError`` of one that may be refused.
        """
        with warnings.catch_warnings(), np.errstate(all="warn", under="ignore"):
            warnings.simplefilter("error")
            self._tables()
            drawings = self.drawings()
            for number in figures:
                figure, table = drawings[number % len(drawings)]()
                FigureCanvasAgg(figure).draw()  # type: ignore[no-untyped-call]
                _valid(table)

    def _tables(self) -> None:
        self.at_rest = load_runs(self._friction_runs)
        self.drags = load_drag_runs(self._drag_runs)
        self.sweep = [load_runs(folders) for folders in self._point_runs]
        self.metadata = [read_metadata(run.folder) for runs in (self.at_rest, *self.sweep) for run in runs]
        at_rest = friction_summary(self.at_rest, drag_summary(self.drags))
        self.friction = FrictionResult.from_json(_as_read(at_rest.to_json()))
        self.fitted = self.friction.friction
        heats = [_as_read(point_summary(runs).to_json()) for runs in self.sweep]
        self.powers = [PowerPoint.from_json(_as_read(power_summary(runs).to_json())) for runs in self.sweep]
        self.performances = [
            PerformancePoint.from_json(_as_read(performance_summary(runs).to_json())) for runs in self.sweep
        ]
        self.reversals = [ReversalPoint.from_json(_as_read(reversal_summary(runs).to_json())) for runs in self.sweep]
        self.flows = [InformationPoint.from_json(_as_read(information_summary(runs).to_json())) for runs in self.sweep]
        self.heats = [HeatPoint.from_json(content) for content in heats]
        self.responses = responses(self.at_rest)
        self.comparison = Comparison(tuple(self.heats), self.fitted, self.responses)
        _valid(self.friction.by_axis())
        self.information = compared_information(self.comparison, self.flows)
        self.summary = _valid(summary_table(self.comparison, self.information))
        self.text = summary_text(self.comparison, self.friction, self.information)
        self.by_axis = [self._try(work_by_axis, runs, self.fitted, self.responses) for runs in self.sweep]
        _valid(friction_by_analysis(self.at_rest))
        tables = [table for table in self.by_axis if table is not None] or [pd.DataFrame(columns=COLUMNS)]
        self.interactive = explorer(self.comparison, pd.concat(tables), stops=3)
        twice = [replace(self.comparison, points=(self.heats[index],)) for index in (0, -1)]
        _valid(thermostat_table(["nose-hoover", "csvr"], "nose-hoover", twice))
        measured = (self.comparison, self.performances, self.friction)
        self.page = report_page(self.metadata, *measured, None, [], DESIGN, self.interactive, self.information)
        self.screen = closing_text(*measured, None)

    def drawings(self) -> list[Callable[[], tuple[Figure, pd.DataFrame]]]:
        """All figures that the study has."""
        found = [
            lambda: heat_rates(self.comparison),
            lambda: fluxes(self.comparison),
            lambda: power_histograms(self.powers, self.fitted),
            lambda: power_moments(self.powers, self.fitted),
            lambda: cop(self.performances),
            lambda: cop_fluctuations(self.performances, self.fitted),
            lambda: uncertainty(self.performances, self.fitted),
            lambda: information(self.comparison, self.information),
            lambda: detailed_balance(self.comparison, self.reversals),
            lambda: draw_friction(self.friction),
            lambda: equilibrium(self.at_rest),
            lambda: cumulative_flows(list(zip(self.sweep, self.heats, self.powers, strict=True))[:2]),
            lambda: response_figure(self.comparison),
            lambda: variations(friction_by_variant([self.metadata[0]], [self.friction])),
            lambda: heat_variations(heat_by_variant([self.metadata[0]], [self.comparison]), "any"),
        ]
        if self.drags:
            found.append(lambda: draw_drag(self.drags, self.friction))
        return found

    def _try(self, step: Callable[..., Any], *arguments: Any) -> Any:
        """What a step returns; None where the data are too short for it, and it says so."""
        try:
            return step(*arguments)
        except AnalysisError as note:
            self.notes.append(str(note))
            return None


def _as_read(content: dict[str, Any]) -> Any:
    """What a reader of a JSON file has; fails where it is no valid JSON."""
    return json.loads(json.dumps(content, allow_nan=False))


def _valid(table: pd.DataFrame) -> pd.DataFrame:
    """A table that can be written and read."""
    buffer = io.StringIO(table.to_csv(index=False, float_format="%.6g"))
    assert list(pd.read_csv(buffer).columns) == list(table.columns)
    return table
