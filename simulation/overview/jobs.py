"""The simulations of a study as jobs: where each leaves what, how long and how large it is, and how far it has come.

`plan` and `status` know simulations only through this list: a new kind of run enters here.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simulation.checkpoint import Segments
from simulation.deck import equilibration_fingerprint, langevin_fingerprint, run_fingerprint, series_columns
from simulation.drag import SERIES as DRAG_SERIES
from simulation.drag import DragRun, drag_fingerprint, drag_runs
from simulation.plan import Run, runs
from simulation.simulate import START_RECORD, run_segments, segment_steps, start_segments, start_steps
from simulation.simulate_drag import drag_segments
from simulation.study import Study

START_FOLDER = "equilibrated"
WALL_PLANES = 4


@dataclass(frozen=True)
class Job:
    """One simulation of a study.

    Attributes:
        study: the study that it belongs to.
        rule: the Snakemake rule that runs it, with the purpose of the run.
        name: names it in tables.
        folder: where it writes.
        log: what the rule's command printed.
        record: the file that it writes last.
        fingerprint: what `record` must say for the job to be done.
        steps: MD steps of each of its segments; a build takes none.
        segments: its checkpoints; None for the exact model, which runs in one go.
        atoms: how many it has; 0 in the exact model.
        duration_ps: length of its series; None if it leaves none.
        columns: of its series.
        needs_start: whether it waits for the equilibrated baths.
        topologies: how many copies of its topology lie in its folder.
        is_shipped: whether the project ships it, so that it is copied and not run (workflow/rules/reference.smk).
    """

    study: Study
    rule: str
    name: str
    folder: Path
    log: Path
    record: Path
    fingerprint: str
    steps: list[int]
    segments: Segments | None
    atoms: int
    duration_ps: float | None = None
    columns: int = 0
    needs_start: bool = False
    topologies: int = 1
    is_shipped: bool = False

    def content(self) -> dict[str, Any] | None:
        """What the finished job recorded, None if it has not finished."""
        try:
            content: dict[str, Any] = json.loads(self.record.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return content

    @property
    def is_done(self) -> bool:
        """Whether it finished with the parameters and the length that the study has now."""
        if self.is_shipped:
            return True
        content = self.content()
        if content is None or content.get("fingerprint") != self.fingerprint:
            return False
        return self.duration_ps is None or abs(content["duration_ps"] - self.duration_ps) < 1e-6

    @property
    def committed(self) -> int:
        """Number of segments that need not be run again."""
        if self.is_done:
            return len(self.steps)
        return 0 if self.segments is None else min(len(self.segments.names()), len(self.steps))


def jobs(study: Study, results: Path) -> list[Job]:
    """The study's simulations in the order in which they can run.

    Args:
        study: which study.
        results: the folder that holds those of all studies.
    """
    made = [_run(run, results) for run in runs(study)]
    needs_start = any(job.needs_start and not job.is_shipped for job in made)
    return [
        *([_start(study, results)] if needs_start else []),
        *made,
        *(_drag(run, results) for run in drag_runs(study)),
    ]


def atoms(study: Study) -> int:
    """All atoms of the study's system: argon, both particles, and the walls, whose middle one is laid twice."""
    if study.engine == "langevin":
        return 0
    rows = round(study.edge_A / (study.materials.copper.lattice_A / 2**0.5))
    return 2 * (study.argon_atoms + study.nanoparticle.atoms) + WALL_PLANES * rows**2


def _start(study: Study, results: Path) -> Job:
    folder = results / study.name / START_FOLDER
    steps = start_steps(study)
    return Job(
        study=study,
        rule="equilibrate",
        name="equilibration",
        folder=folder,
        log=_log(study, folder, results),
        record=folder / START_RECORD,
        fingerprint=equilibration_fingerprint(study),
        steps=steps,
        segments=start_segments(study, folder),
        atoms=atoms(study),
        topologies=len(steps),  # one in each segment but the build's, and that of the result
    )


def _run(run: Run, results: Path) -> Job:
    study, folder = run.study, results / run.folder
    in_segments = study.engine == "lammps"
    shipped = _shipped(run.folder, results)
    return Job(
        study=study,
        rule=f"simulate ({run.purpose})",
        name=_name(run.point, run.replica, run.replicas),
        folder=folder,
        log=_log(study, folder, results),
        record=shipped or folder / "run.json",
        fingerprint=run_fingerprint(run) if in_segments else langevin_fingerprint(run),
        steps=segment_steps(run) if in_segments else [study.steps(run.duration_ps)],
        segments=run_segments(run, folder) if in_segments else None,
        atoms=atoms(study),
        duration_ps=run.duration_ps,
        columns=2 + len(series_columns(study.demon.coupling_axes, work=True)),
        needs_start=in_segments,
        is_shipped=shipped is not None,
    )


def _drag(run: DragRun, results: Path) -> Job:
    study, folder = run.study, results / run.folder
    in_segments = study.engine == "lammps"
    shipped = _shipped(run.folder, results)
    return Job(
        study=study,
        rule="pull",
        name=_name(run.point, run.replica, study.drag.replicas),
        folder=folder,
        log=_log(study, folder, results),
        record=shipped or folder / "run.json",
        fingerprint=drag_fingerprint(run),
        # The exact model moves from sample to sample.
        steps=run.segment_steps if in_segments else [round(run.duration_ps / study.schedule.sample_every_ps)],
        segments=drag_segments(run, folder) if in_segments else None,
        atoms=run.argon_atoms + study.nanoparticle.atoms if in_segments else 0,
        duration_ps=run.duration_ps,
        columns=2 + len(DRAG_SERIES),
        topologies=2,  # that of the build is kept beside its segment
        is_shipped=shipped is not None,
    )


def _shipped(folder: str, results: Path) -> Path | None:
    """The record of a run that the project ships, if it ships it."""
    record = results.parent / "reference" / folder / "run.json"
    return record if record.is_file() else None


def _name(point: str, replica: int, replicas: int) -> str:
    return f"{point} replica {replica}" if replicas > 1 else point


def _log(study: Study, folder: Path, results: Path) -> Path:
    """Where the rule that writes `folder` keeps what its command prints."""
    return results / study.name / "logs" / folder.relative_to(results / study.name).with_suffix(".log")
