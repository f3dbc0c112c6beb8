"""A page on a running study that a browser refreshes by itself: progress, heats so far, and how well energy closes."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from jinja2 import Environment, StrictUndefined
from numpy.typing import NDArray

from simulation.experiments.machine import Machine
from simulation.overview.jobs import Job, jobs
from simulation.overview.status import State, Status, status_of
from simulation.segments.progress import duration_text
from simulation.storage.files import SERIES, read_json, replace
from simulation.study.fields import Study

PAGE = "status.html"
SIDES = ("cold", "hot")
_FEWEST_SEGMENTS = 4
"""From so many segments on, the scatter of their rates gives an error."""


@dataclass(frozen=True)
class PointHeat:
    """What is known of the heats of one point.

    Attributes:
        kappa_ratio: κ_H/κ_C as the study spells it.
        source: ``heat`` of finished runs, from ``heat.json``, or ``work so far`` of committed segments.
        time_ns: how much time it rests on, all replicas together.
        rates: (cold, hot), eV/ns per coupled axis.
        errors: standard errors of both; ``None`` where it is too early for any.
    """

    kappa_ratio: str
    source: str
    time_ns: float
    rates: tuple[float, float]
    errors: tuple[float, float] | None


def watch(study: Study, results: Path, targets: Sequence[Path], every_s: float) -> None:
    """Write the page of a study, again and again until everything is there; Ctrl-C ends it.

    Args:
        study: which study.
        results: the folder that holds those of all studies.
        targets: the tables, figures and pages that the study's workflow makes.
        every_s: seconds between two looks.
    """
    page = results / study.name / PAGE
    page.parent.mkdir(parents=True, exist_ok=True)
    print(f"Open {page} in a browser: it shows the study again every {every_s:g} s. Ctrl-C ends this.", flush=True)
    try:
        while not _write(study, results, targets, every_s, page):
            time.sleep(every_s)
    except KeyboardInterrupt:
        _write(study, results, targets, None, page)


def live_page(study: Study, results: Path, targets: Sequence[Path], every_s: float | None) -> str:
    """The page as HTML.

    Args:
        study, results, targets: as for ``watch``.
        every_s: after how many seconds a browser loads it again; ``None`` for a page that stays as it is.
    """
    made = jobs(study, results)
    found = [status_of(job, results / study.name / ".lock") for job in made]
    counts = Counter(status.state for status in found)
    return _TEMPLATE.render(
        study=study.name,
        every_s=every_s,
        now=time.strftime("%Y-%m-%d %H:%M:%S"),
        counts={state: counts[state] for state in State if counts[state]},
        share=_share(made, found),
        left=max((status.left_s for status in found if status.left_s is not None), default=None),
        statuses=found,
        present=sum(target.is_file() for target in targets),
        targets=len(targets),
        heats=list(point_heats(study, results, made)),
        closures=[(job.name, job.record["closure"]) for job in made if job.record and "closure" in job.record],
        report=(results / study.name / "report.html").is_file(),
    )


def point_heats(study: Study, results: Path, made: Sequence[Job]) -> Iterator[PointHeat]:
    """The heats of each point that has any: of its finished runs, else the work so far.

    In the steady state the work on a particle is the heat of its bath (docs/explanation/theory.md): it needs no correction
    for the energy of the bath, and so is the estimate that is good first.
    """
    for ratio in study.demon.kappa_ratios:
        runs = [job for job in made if isinstance(job.experiment, Machine) and job.experiment.ratio == ratio]
        point = runs[0].experiment.point
        content = read_json(results / study.name / "sweep" / point / "heat.json")
        if content is not None and all(run.is_done for run in runs):
            rates = (content["heat_cold_eV_per_ns"], content["heat_hot_eV_per_ns"])
            errors = (content["heat_cold_se"], content["heat_hot_se"])
            yield PointHeat(ratio, "heat", content["time_ns"], rates, None if None in errors else errors)
            continue
        segments = [segment for run in runs for segment in _segment_works(run, study.demon.coupling_axes)]
        if segments:
            yield _work_so_far(ratio, np.array(segments))


def _segment_works(job: Job, axes: str) -> Iterator[tuple[float, float, float]]:
    """Duration in ps of each committed segment of production, and the work per axis on both particles in that time, eV."""
    if job.segments is None:
        return
    for folder in job.segments.names():
        if (file := folder / SERIES).is_file():
            columns = [f"work_{side}_{axis}_eV" for side in SIDES for axis in axes]
            series = pd.read_parquet(file, columns=["time_ps", *columns])
            change = series.iloc[-1] - series.iloc[0]
            cold, hot = (sum(change[f"work_{side}_{axis}_eV"] for axis in axes) / len(axes) for side in SIDES)
            yield float(change["time_ps"]), float(cold), float(hot)


def _work_so_far(ratio: str, segments: NDArray[np.float64]) -> PointHeat:
    """Rates of all segments, (n, 3), together; their scatter gives the error, as one block of time each."""
    duration, *works = segments.T
    rates = tuple(1000 * float(work.sum() / duration.sum()) for work in works)
    errors = None
    if len(segments) >= _FEWEST_SEGMENTS:
        cold, hot = (1000 * float((work / duration).std(ddof=1)) / len(segments) ** 0.5 for work in works)
        errors = (cold, hot)
    return PointHeat(ratio, "work so far", float(duration.sum()) / 1000, (rates[0], rates[1]), errors)


def _share(made: Sequence[Job], found: Sequence[Status]) -> float:
    """Share of all steps that are done."""
    steps = np.array([sum(job.steps) for job in made], dtype=float)
    return float(steps @ [status.share for status in found] / steps.sum())


def _write(study: Study, results: Path, targets: Sequence[Path], every_s: float | None, page: Path) -> bool:
    """Write the page; whether nothing is left to wait for."""
    finished = all(job.is_done for job in jobs(study, results)) and all(target.is_file() for target in targets)
    html = live_page(study, results, targets, None if finished else every_s)
    replace(page, lambda part: part.write_text(html, encoding="utf-8"))
    return finished


def _measured(value: float, error: float | None) -> str:
    text = f"{value:.3f}" + (" ± ?" if error is None else f" ± {error:.3f}")
    return text.replace("-", "−")


_ENVIRONMENT = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
_ENVIRONMENT.filters |= {"measured": _measured, "duration": duration_text}
_TEMPLATE = _ENVIRONMENT.from_string((Path(__file__).parent / "live.html.j2").read_text(encoding="utf-8"))
