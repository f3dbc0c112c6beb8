"""A page on a running study, refreshed by the browser: progress, heats and energy balance, also of unfinished runs."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jinja2 import Environment, StrictUndefined
from numpy.typing import NDArray

from simulation.experiments.machine import Machine
from simulation.folder.closure import balance
from simulation.folder.run_folder import join_series
from simulation.overview.jobs import Job, jobs
from simulation.overview.status import State, Status, counts, now, status_of
from simulation.storage.files import SERIES, read_json, read_series, replace
from simulation.study.fields import Study
from simulation.study.section import SIDES

PAGE = "status.html"
_FEWEST_SEGMENTS = 4
"""Smallest number of segments whose scatter gives an error."""


_BY_URGENCY = (State.RUNNING, State.FAILED, State.INTERRUPTED, State.WAITING, State.DONE)
"""The state of a point is the first of these that occurs among its runs."""


@dataclass(frozen=True)
class PointHeat:
    """The heats of one point, as far as they are known.

    Attributes:
        kappa_ratio: κ_H/κ_C as the study spells it.
        state: of its runs together.
        source: ``heat`` of finished runs, from ``heat.json``, or ``work so far`` of committed segments.
        time_ns: length of the data, all replicas together.
        rates: (cold, hot), eV/ns per coupled axis.
        errors: standard errors of both; ``None`` while there are too few segments.
    """

    kappa_ratio: str
    state: State
    source: str
    time_ns: float
    rates: tuple[float, float]
    errors: tuple[float, float] | None


@dataclass(frozen=True)
class Drift:
    """The energy balance of one side of one run.

    Attributes:
        run: name of the simulation.
        state: of the simulation; the drift of one that is not done is that of its committed segments.
        side: of the system; empty if there is only one.
        drift: eV/ns.
        error: its standard error; ``None`` where it is unknown.
        allowed: largest drift, eV/ns.
    """

    run: str
    state: State
    side: str
    drift: float
    error: float | None
    allowed: float


def watch(study: Study, results: Path, targets: Sequence[Path], every_s: float) -> None:
    """Write the page of a study repeatedly, until everything is present or Ctrl-C is pressed.

    Args:
        study: which study.
        results: the folder with the results of all studies.
        targets: the tables, figures and pages that the study's workflow makes.
        every_s: seconds between two updates.
    """
    page = results / study.name / PAGE
    page.parent.mkdir(parents=True, exist_ok=True)
    print(
        f"Open {page} in a browser. It is updated every {every_s:g} s until the study is done. Ctrl-C stops.",
        flush=True,
    )
    try:
        while not _write(study, results, targets, every_s, page):
            time.sleep(every_s)
    except KeyboardInterrupt:
        _write(study, results, targets, None, page)


def live_page(study: Study, results: Path, targets: Sequence[Path], every_s: float | None) -> str:
    """The page as HTML.

    Args:
        study, results, targets: as for ``watch``.
        every_s: seconds after which a browser reloads it; ``None`` for a page that does not change any more.
    """
    statuses = [status_of(job) for job in jobs(study, results)]
    return _TEMPLATE.render(
        study=study.name,
        every_s=every_s,
        now=now(),
        counts=counts(statuses),
        share=sum(status.share * status.job.steps for status in statuses)
        / sum(status.job.steps for status in statuses),
        statuses=statuses,
        present=sum(target.is_file() for target in targets),
        targets=len(targets),
        heats=list(point_heats(study, results, statuses)),
        drifts=[drift for status in statuses for drift in drifts(status.job, status.state)],
        report=(results / study.name / "report.html").is_file(),
    )


def point_heats(study: Study, results: Path, found: Sequence[Status]) -> Iterator[PointHeat]:
    """The heats of each point that has any: of its finished runs, else the work so far.

    In the steady state the work on a particle is the heat of its bath (docs/explanation/theory.md). It needs no correction
    for the energy of the bath, so short runs determine it best.

    Args:
        study: which study.
        results: the folder with the results of all studies.
        found: its simulations.
    """
    for ratio in study.demon.kappa_ratios:
        runs = [
            each for each in found if isinstance(machine := each.job.experiment, Machine) and machine.ratio == ratio
        ]
        states = {status.state for status in runs}
        state = next(each for each in _BY_URGENCY if each in states)
        content = read_json(results / study.name / "sweep" / runs[0].job.experiment.point / "heat.json")
        if content is not None and state is State.DONE:
            rates = (content["heat_cold_eV_per_ns"], content["heat_hot_eV_per_ns"])
            errors = (content["heat_cold_se"], content["heat_hot_se"])
            yield PointHeat(ratio, state, "heat", content["time_ns"], rates, None if None in errors else errors)
            continue
        segments = [segment for run in runs for segment in _segment_works(run.job, study.demon.coupling_axes)]
        if segments:
            yield _work_so_far(ratio, state, np.array(segments))


def drifts(job: Job, state: State) -> Iterator[Drift]:
    """The drift of each energy balance of a simulation: from its record, or from its committed segments."""
    if job.record is not None:
        closure = job.record.get("closure", {})
        for side in ("", *SIDES):  # a drag has one balance, without the name of a side
            start = f"{side}_" if side else ""
            if (drift := closure.get(f"{start}drift_eV_per_ns")) is not None:
                allowed = closure.get(f"{start}allowed_eV_per_ns", closure["limit_eV_per_ns"])
                yield Drift(job.name, state, side, drift, closure.get(f"{start}drift_se"), allowed)
        return
    parts = [read_series(file) for file in _series_files(job)]
    if not parts:
        return
    series = join_series(parts, job.experiment.columns())
    for each in job.experiment.balances(series):
        found = balance(series["time_ps"].to_numpy(), each.residual_eV)
        error = None if math.isnan(found["drift_se"]) else found["drift_se"]
        yield Drift(job.name, state, each.side, found["drift_eV_per_ns"], error, each.limit_eV_per_ns)


def _series_files(job: Job) -> list[Path]:
    """The series of the committed segments in which something is measured."""
    folders = [] if job.segments is None else job.segments.names()
    pieces = zip(folders, job.experiment.pieces(), strict=False)
    return [folder / SERIES for folder, piece in pieces if piece.is_measured]


def _segment_works(job: Job, axes: str) -> Iterator[tuple[float, float, float]]:
    """Duration of each committed segment of production, ps, and the work per axis on both particles in that time, eV."""
    names = [column.series_name for column in job.experiment.columns()]
    for file in _series_files(job):
        # Of the controller, and of moving the traps.
        works = [[name for name in names if re.match(rf"(trap_)?work_{side}_", name)] for side in SIDES]
        series = read_series(file, columns=["time_ps", *works[0], *works[1]])
        change = series.iloc[-1] - series.iloc[0]
        cold, hot = (float(change[names].sum()) / len(axes) for names in works)
        yield float(change["time_ps"]), cold, hot


def _work_so_far(ratio: str, state: State, segments: NDArray[np.float64]) -> PointHeat:
    """Rates of all segments, (n, 3), together; their scatter gives the error, as one block of time each."""
    duration, *works = segments.T
    rates = tuple(1000 * float(work.sum() / duration.sum()) for work in works)
    errors = None
    if len(segments) >= _FEWEST_SEGMENTS:
        cold, hot = (1000 * float((work / duration).std(ddof=1)) / len(segments) ** 0.5 for work in works)
        errors = (cold, hot)
    return PointHeat(ratio, state, "work so far", float(duration.sum()) / 1000, (rates[0], rates[1]), errors)


def _write(study: Study, results: Path, targets: Sequence[Path], every_s: float | None, page: Path) -> bool:
    """Write the page; returns whether the study is complete."""
    finished = all(job.record is not None for job in jobs(study, results)) and all(
        target.is_file() for target in targets
    )
    html = live_page(study, results, targets, None if finished else every_s)
    replace(page, lambda part: part.write_text(html, encoding="utf-8"))
    return finished


def _measured(value: float, error: float | None) -> str:
    text = f"{value:.3f}" + (" ± ?" if error is None else f" ± {error:.3f}")
    return text.replace("-", "−")


_ENVIRONMENT = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
_ENVIRONMENT.filters["measured"] = _measured
_TEMPLATE = _ENVIRONMENT.from_string((Path(__file__).parent / "live.html.j2").read_text(encoding="utf-8"))
