"""The simulations of a study as jobs: where each lies among the results, whether it is done, and how far it has come."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from simulation.experiments import Experiment, experiments
from simulation.folder.run_folder import matches
from simulation.perform import segments_of
from simulation.segments.checkpoint import Segments
from simulation.storage.files import RUN, read_json
from simulation.study.fields import Study

SHIPPED = Path(__file__).resolve().parents[2] / "reference"


@dataclass(frozen=True)
class Job:
    """One simulation of a study.

    Attributes:
        experiment: what it runs.
        results: the folder that holds those of all studies.
    """

    experiment: Experiment
    results: Path

    @property
    def folder(self) -> Path:
        """Its run folder."""
        return self.results / self.experiment.folder

    @property
    def log(self) -> Path:
        """Where the rule that runs it keeps what its command prints."""
        study = self.experiment.study.name
        return self.results / study / "logs" / f"{self.experiment.group}/replica_{self.experiment.replica}.log"

    @property
    def name(self) -> str:
        """Names it in tables."""
        return f"{self.experiment.point} replica {self.experiment.replica}"

    @property
    def is_shipped(self) -> bool:
        """Whether the project ships it, so that it is copied and not run (workflow/rules/reference.smk)."""
        return (SHIPPED / self.experiment.folder / RUN).is_file()

    @cached_property
    def record(self) -> dict[str, Any] | None:
        """The `run.json` of a run with the parameters and the length that the study has now; None if it is not done."""
        folder = SHIPPED / self.experiment.folder if self.is_shipped else self.folder
        content = read_json(folder / RUN)
        return content if content is not None and (self.is_shipped or matches(self.experiment, content)) else None

    @property
    def is_done(self) -> bool:
        """Whether there is nothing left to simulate."""
        return self.record is not None

    @cached_property
    def segments(self) -> Segments | None:
        """Its checkpoints; None for the exact model, which runs in one go."""
        return segments_of(self.experiment, self.folder) if self.experiment.study.engine == "lammps" else None

    @cached_property
    def steps(self) -> list[int]:
        """MD steps of each of its segments."""
        if self.segments is None:
            return [self.experiment.study.steps(self.experiment.duration_ps)]
        return [piece.steps for piece in self.experiment.pieces()]

    @property
    def committed(self) -> int:
        """Number of segments that need not be run again."""
        if self.is_done:
            return len(self.steps)
        return 0 if self.segments is None else min(len(self.segments.names()), len(self.steps))

    @property
    def left(self) -> list[int]:
        """Steps of the segments that are left."""
        return self.steps[self.committed :]


def jobs(study: Study, results: Path) -> list[Job]:
    """The study's simulations in the order in which they can run.

    Args:
        study: which study.
        results: the folder that holds those of all studies.
    """
    made = [Job(experiment, results) for experiment in experiments(study)]
    # Nothing starts from baths whose runs are all shipped.
    started = {start.folder for job in made if not job.is_shipped and (start := job.experiment.start)}
    return [job for job in made if job.experiment.kind != "baths" or job.experiment.folder in started]
