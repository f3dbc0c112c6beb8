"""The simulations of a study as jobs: their folders among the results, and how much of each is done."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from simulation.experiments import Experiment, experiments
from simulation.experiments.decks import filling_steps
from simulation.folder.archive import refusal
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
        experiment: the experiment.
        results: the folder with the results of all studies.
    """

    experiment: Experiment
    results: Path

    @property
    def folder(self) -> Path:
        """Its run folder."""
        return self.results / self.experiment.folder

    @property
    def log(self) -> Path:
        """Log of the rule that runs it."""
        study, group = self.experiment.study.name, self.experiment.group
        return self.results / study / "logs" / group / f"replica_{self.experiment.replica}.log"

    @property
    def name(self) -> str:
        """Name in tables."""
        return f"{self.experiment.point} replica {self.experiment.replica}"

    @property
    def is_shipped(self) -> bool:
        """Whether it is shipped with the project, and so copied instead of run (workflow/rules/reference.smk)."""
        return (SHIPPED / self.experiment.folder / RUN).is_file()

    @cached_property
    def _shipped(self) -> dict[str, Any] | None:
        """The `run.json` of the shipped run; None if there is none."""
        return read_json(SHIPPED / self.experiment.folder / RUN)

    @cached_property
    def refusal(self) -> str:
        """Why the workflow refuses the shipped run, which was made with other parameters; empty if it does not."""
        if self._shipped is None:
            return ""
        return refusal(self.experiment, self._shipped, f"{SHIPPED.name}/{self.experiment.study.name}")

    @cached_property
    def record(self) -> dict[str, Any] | None:
        """The `run.json` of a run with the current parameters and length of the study; None if it is not done."""
        if self.is_shipped:
            return None if self.refusal else self._shipped
        content = read_json(self.folder / RUN)
        return content if content is not None and matches(self.experiment, content) else None

    @cached_property
    def segments(self) -> Segments | None:
        """Its checkpoints; None for the exact model, which has no segments."""
        return segments_of(self.experiment, self.folder) if self.experiment.study.engine == "lammps" else None

    @cached_property
    def _segment_steps(self) -> list[int]:
        """MD steps of each segment. Building takes no time on the clock of an experiment, but may fill a bath."""
        study = self.experiment.study
        filling = filling_steps(study) if study.engine == "lammps" else 0
        return [piece.steps or filling for piece in self.experiment.pieces()]

    @cached_property
    def steps(self) -> int:
        """MD steps of the whole run."""
        return sum(self._segment_steps)

    @cached_property
    def left(self) -> int:
        """MD steps that are not in committed segments."""
        if self.record is not None:
            return 0
        committed = 0 if self.segments is None else len(self.segments.names())
        return sum(self._segment_steps[committed:])


def jobs(study: Study, results: Path) -> list[Job]:
    """The simulations of the study, in an order in which they can run.

    Args:
        study: which study.
        results: the folder with the results of all studies.
    """
    made = [Job(experiment, results) for experiment in experiments(study)]
    # If all runs of a bath are shipped, nothing starts from it.
    started = {start.folder for job in made if not job.is_shipped and (start := job.experiment.start)}
    return [job for job in made if job.experiment.kind != "baths" or job.experiment.folder in started]
