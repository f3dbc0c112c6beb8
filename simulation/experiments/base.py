"""What an experiment is: one simulation of a study, whatever it simulates.

An experiment answers what only it knows: its name, its stages, their decks, the columns that are sampled, its energy balance,
what stands in its `run.json`. Segments, resuming, run folder, plan, status and archive are made from these answers. A new kind
of experiment is one file with a subclass of `Experiment`; naming its `kind` makes it known.
"""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from functools import partial
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from simulation.control.controller import Controller, make_controller
from simulation.control.feedback import FeedbackLoop
from simulation.control.source import law_identity
from simulation.experiments.decks import statements
from simulation.storage.files import checksum, digest
from simulation.study.fields import Study, StudyError

ENGINES = ("lammps", "langevin")


class Kind(Enum):
    """How a sampled column behaves where two segments meet, and from where it counts."""

    STATE = "state"  # the same on both sides of the seam
    WAY = "way"  # likewise, and shown since the first row
    COUNTER = "counter"  # counts from the start of each segment; shown since the first row
    READING = "reading"  # nothing is asked of it


@dataclass(frozen=True)
class Column:
    """A sampled column: the LAMMPS variable of that name, in a unit."""

    name: str
    unit: str
    kind: Kind = Kind.READING

    @property
    def series_name(self) -> str:
        """Its name in the series."""
        return f"{self.name}_{self.unit}"


@dataclass(frozen=True)
class Stage:
    """A part of an experiment in time: `building`, which takes none, `equilibrating`, `relaxing`, `measuring`, …

    Attributes:
        name: one word, for progress lines.
        time_ps: how long it lasts.
        is_sampled: whether a series is written.
        demon_acts: whether the controller is asked.
        begins_anew: whether the clock begins at 0 with it.
    """

    name: str
    time_ps: float
    is_sampled: bool = False
    demon_acts: bool = False
    begins_anew: bool = False


@dataclass(frozen=True)
class Piece:
    """One segment of an experiment.

    Attributes:
        index: its place among all segments.
        stage: what it is a part of.
        steps: MD steps.
        is_first: whether its stage begins with it.
        is_measured: whether its series counts as measured: that of the last stage does.
        start_step: step at its start on the experiment's clock, on which the last stage begins at 0.
        keeps_topology: whether its topology is kept.
    """

    index: int
    stage: Stage
    steps: int
    is_first: bool
    is_measured: bool
    start_step: int
    keeps_topology: bool

    @property
    def is_sampled(self) -> bool:
        """Whether it leaves a series."""
        return self.stage.is_sampled

    @property
    def demon_acts(self) -> bool:
        """Whether the controller is asked."""
        return self.stage.demon_acts

    @property
    def stream(self) -> str:
        """Names its random streams; that of a stage's first segment does not hang on how long segments are."""
        return f"{self.stage.name}_{self.start_step}"


@dataclass(frozen=True)
class Balance:
    """An energy that should be constant, and how far it may drift.

    Attributes:
        side: which part of the system it is of; empty where there is one.
        residual_eV: shape (n,), a value for each row of the series.
        limit_eV_per_ns: largest drift.
        fields: of the study that make the limit, for messages.
        also: more that `run.json` says of it.
    """

    side: str
    residual_eV: NDArray[np.float64]
    limit_eV_per_ns: float
    fields: str
    also: dict[str, float]


@dataclass(frozen=True)
class Experiment(ABC):
    """One simulation of a study, counted by replicas from 1."""

    study: Study
    replica: int

    kind: ClassVar[str]
    """Names the kind; a class that has it is known."""
    versions: ClassVar[dict[str, int]]
    """By engine: raise one when the way of running this kind changes what is measured. An engine that is not here cannot."""
    purpose_pattern: ClassVar[str]
    """Regular expression of the points of this kind, for the workflow's rules."""
    known: ClassVar[list[type[Experiment]]] = []

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if "kind" in cls.__dict__:
            Experiment.known.append(cls)

    # --- which there are ----------------------------------------------------------------------------------------------------

    @classmethod
    @abstractmethod
    def all_of(cls, study: Study) -> Sequence[Experiment]:
        """All of this kind that a study needs, in the order in which tables list them."""

    @classmethod
    @abstractmethod
    def at(cls, study: Study, point: str, replica: int) -> Self | None:
        """The one of that name; None where the name is not of this kind.

        Raises:
            StudyError: it is of this kind, and the study has no such point or replica.
        """

    # --- what it is called ---------------------------------------------------------------------------------------------------

    @property
    @abstractmethod
    def point(self) -> str:
        """What it is within its study, such as `friction`, `kH_4.80` or `drag/cold/F_0.3`."""

    @property
    def purpose(self) -> str:
        """What it is for, as `run.json` says it."""
        return self.kind

    @property
    def group(self) -> str:
        """Folder of its replicas, within that of the study."""
        return self.point

    @property
    def folder(self) -> str:
        """Run folder, relative to `results/`."""
        return f"{self.study.name}/{self.group}/replica_{self.replica}"

    @property
    def label(self) -> str:
        """Short name for progress lines and messages."""
        return f"{self.study.name} {self.point} replica {self.replica}"

    # --- what it does --------------------------------------------------------------------------------------------------------

    @abstractmethod
    def stages(self) -> Sequence[Stage]:
        """Its stages; the last is the one that is measured."""

    @abstractmethod
    def deck(self, piece: Piece, restart: str) -> str:
        """The LAMMPS deck of one segment, all but its `run` command.

        Args:
            piece: which.
            restart: the state to start from, as LAMMPS finds it; empty for a build.
        """

    def standalone(self) -> str | None:
        """The whole as one deck for a plain `lmp -in`; None where LAMMPS alone cannot do it."""
        return None

    @property
    def start(self) -> Experiment | None:
        """The experiment whose end this one starts from."""
        return None

    @property
    def couplings(self) -> tuple[float, float] | None:
        """(κ_C, κ_H), eV/Å², that the controller is made with; None where none acts."""
        return None

    @abstractmethod
    def columns(self) -> Sequence[Column]:
        """What is sampled, in the order of the series."""

    def exact(self) -> pd.DataFrame:
        """The series by engine `langevin`, as docs/run-folder.md describes it."""
        raise NotImplementedError

    def exact_identity(self) -> dict[str, Any]:
        """All that decides `exact`, but for its length."""
        raise NotImplementedError

    # --- what is told of it --------------------------------------------------------------------------------------------------

    def balances(self, series: pd.DataFrame) -> Sequence[Balance]:
        """Energies that should be constant, from the whole series."""
        return ()

    def check_end(self, series: pd.DataFrame) -> dict[str, Any]:
        """Whether the outcome may be used, beyond energy: what was found, for `run.json`.

        Raises:
            RejectedError: it may not; names what and the cure.
        """
        return {}

    @abstractmethod
    def describe(self) -> dict[str, Any]:
        """What `run.json` says of this kind: at least `parameters`; with LAMMPS also `system`."""

    @property
    @abstractmethod
    def atoms(self) -> int:
        """How many atoms LAMMPS moves or holds; 0 in the exact model."""

    # --- what follows from these answers --------------------

    @property
    def duration_ps(self) -> float:
        """Length of the measured series."""
        return self.stages()[-1].time_ps

    @property
    def sample_steps(self) -> int:
        """MD steps between samples."""
        return self.study.steps(self.study.schedule.sample_every_ps)

    def pieces(self) -> list[Piece]:
        """The segments: each stage in pieces of `schedule.segment_ps`."""
        study, stages = self.study, self.stages()
        longest = study.steps(study.schedule.segment_ps)
        pieces: list[Piece] = []
        for stage in stages:
            total = study.steps(stage.time_ps)
            is_last = stage is stages[-1]
            before = 0 if is_last else -total
            for done in range(0, total, longest) if total else (0,):
                pieces.append(
                    Piece(
                        index=len(pieces),
                        stage=stage,
                        steps=min(longest, total - done),
                        is_first=done == 0,
                        is_measured=is_last,
                        start_step=before + done,
                        keeps_topology=not pieces or done + longest >= total,
                    )
                )
        return pieces

    def stage_decks(self) -> list[str]:
        """The deck of each stage's first segment."""
        return [self.deck(piece, "start") for piece in self.pieces() if piece.is_first]

    def identity(self) -> dict[str, Any]:
        """All that decides what is measured, but for its length, so that a longer run continues a shorter one."""
        study = self.study
        common = {"experiment": self.kind, "engine": study.engine, "version": self.versions[study.engine]}
        if study.engine == "langevin":
            return common | self.exact_identity()
        return (
            common
            | {
                "start": None if self.start is None else self.start.fingerprint,
                "deck": [line for deck in self.stage_decks() for line in statements(deck)],
                "stages_ps": {stage.name: stage.time_ps for stage in self._timed_stages()},
                "controller": self.controller_identity(),
            }
            | self._files_identity()
        )

    def _files_identity(self) -> dict[str, Any]:
        """The content of files that decks read; nothing where there are none."""
        sums = {name: checksum(path) for name, path in self.study.interactions.paths().items()}
        return {"files": sums} if sums else {}

    def _timed_stages(self) -> Sequence[Stage]:
        """Stages whose length decides what is measured."""
        return self.stages()[:-1]

    def controller_identity(self) -> dict[str, Any] | None:
        """The law that acts, its source or version, and all that it is made with; None where none does."""
        if self.couplings is None:
            return None
        demon = self.study.demon
        identity = law_identity(demon.controller) | {
            "options": demon.controller_options,
            "couplings": list(self.couplings),
            "axes": demon.coupling_axes,
        }
        if not demon.feedback.is_ideal:
            identity["feedback"] = {
                "version": FeedbackLoop.version,
                **demon.feedback.model_dump(),
                "seed": self.seed("feedback") if demon.feedback.position_noise_A else None,
            }
        return identity

    def controller(self) -> Controller:
        """The study's law, made with this experiment's couplings, within the loop through which it acts.

        Raises:
            ControllerError: it cannot be made.
        """
        demon = self.study.demon
        assert self.couplings is not None
        law = partial(make_controller, demon.controller, *self.couplings, demon.controller_options)
        if demon.feedback.is_ideal:
            return law()
        laws = [law() for _ in range(1 if demon.feedback.delayed == "all" else 2)]
        return FeedbackLoop(laws, demon.feedback, self.study.timestep_ps, self.seed("feedback"))

    @property
    def fingerprint(self) -> str:
        """`identity`, hashed: a finished run of this fingerprint and length is what the study wants."""
        return digest(self.identity())

    def seed(self, purpose: str) -> int:
        """A seed for LAMMPS (1 … 899 999 999), hashed from study, point, replica and purpose: no two streams are alike."""
        text = f"{self.study.seed}/{self.study.name}/{self.point}/{self.replica}/{purpose}"
        return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") % 899_999_999 + 1

    def _require(self, what: str, value: object, choice: Sequence[object], cure: str) -> None:
        if value not in choice:
            known = ", ".join(map(str, choice)) or "none"
            raise StudyError(self.study.name, [f"{self.point}: {what} {value} is not one of {known}: {cure}"])


class RejectedError(Exception):
    """A run must not be used; the message says why and what to do."""


def experiments(study: Study) -> list[Experiment]:
    """Every simulation that a study needs, in the order in which they can run."""
    return [experiment for kind in Experiment.known for experiment in kind.all_of(study)]


def experiment_at(study: Study, point: str, replica: int) -> Experiment:
    """The experiment of that name.

    Raises:
        StudyError: the study has none.
    """
    for kind in Experiment.known:
        if (found := kind.at(study, point, replica)) is not None:
            return found
    known = ", ".join(dict.fromkeys(experiment.point for experiment in experiments(study)))
    raise StudyError(study.name, [f"{point} is not one of its points ({known})"])
