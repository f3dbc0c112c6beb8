"""The base class of experiments: one simulation of a study, of any kind.

An experiment defines only what is specific to it: name, stages, decks, sampled columns, energy balance, and the entries of its
`run.json`. Segments, resuming, run folder, plan, status and archive are derived from these. A new kind of experiment is one
file with a subclass of `Experiment`; setting its `kind` registers it.
"""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cached_property, partial
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from simulation.control.controller import Controller, DampingController, make_controller
from simulation.control.feedback import FeedbackLoop
from simulation.control.source import law_identity
from simulation.experiments.decks import statements
from simulation.storage.files import checksum, digest
from simulation.study.fields import Study, StudyError
from simulation.study.section import SIDES

ENGINES = ("lammps", "langevin")


class Kind(Enum):
    """Behaviour of a sampled column where two segments meet, and its reference point."""

    STATE = "state"  # the same on both sides of the boundary
    WAY = "way"  # the same, and reported since the first row
    COUNTER = "counter"  # counts from the start of each segment; reported since the first row
    READING = "reading"  # no condition


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
    """A stage of an experiment: `building`, which takes no time, `equilibrating`, `relaxing`, `measuring`, …

    Attributes:
        name: one word, for progress lines.
        time_ps: its length.
        is_sampled: whether a series is written.
        demon_acts: whether the controller acts.
    """

    name: str
    time_ps: float
    is_sampled: bool = False
    demon_acts: bool = False


@dataclass(frozen=True)
class Piece:
    """One segment of an experiment.

    Attributes:
        index: its index among all segments.
        stage: its stage.
        steps: MD steps.
        is_first: whether it is the first of its stage.
        is_measured: whether its series counts as measured, that is, it belongs to the last stage.
        start_step: step at its start on the clock of the experiment, on which the last stage begins at 0.
        stage_start: step at the start of its stage on that clock.
        keeps_topology: whether its topology is kept.
    """

    index: int
    stage: Stage
    steps: int
    is_first: bool
    is_measured: bool
    start_step: int
    stage_start: int
    keeps_topology: bool

    @property
    def is_sampled(self) -> bool:
        """Whether it writes a series."""
        return self.stage.is_sampled

    @property
    def demon_acts(self) -> bool:
        """Whether the controller acts."""
        return self.stage.demon_acts

    @property
    def stream(self) -> str:
        """Name of its random streams; that of the first segment of a stage does not depend on the length of segments."""
        return f"{self.stage.name}_{self.start_step}"


@dataclass(frozen=True)
class Balance:
    """An energy that should be constant, and the limit on its drift.

    Attributes:
        side: part of the system; empty if there is only one.
        residual_eV: shape (n,), a value for each row of the series.
        limit_eV_per_ns: largest drift.
        fields: fields of the study for the limit, for messages.
        also: further entries in `run.json`.
    """

    side: str
    residual_eV: NDArray[np.float64]
    limit_eV_per_ns: float
    fields: str
    also: dict[str, float]


@dataclass(frozen=True)
class Experiment(ABC):
    """One simulation of a study; replicas count from 1."""

    study: Study
    replica: int

    kind: ClassVar[str]
    """Name of the kind; setting it registers the class."""
    versions: ClassVar[dict[str, int]]
    """Version by engine: increase it when a change of the procedure affects the results. Other engines are not supported."""
    purpose_pattern: ClassVar[str]
    """Regular expression of the points of this kind, for the rules of the workflow."""
    known: ClassVar[list[type[Experiment]]] = []

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if "kind" in cls.__dict__:
            Experiment.known.append(cls)

    # --- experiments of a study ---------------------------------------------------------------------------------------------

    @classmethod
    @abstractmethod
    def all_of(cls, study: Study) -> Sequence[Experiment]:
        """All experiments of this kind in a study, in the order of the tables."""

    @classmethod
    @abstractmethod
    def at(cls, study: Study, point: str, replica: int) -> Self | None:
        """The experiment of that name; None if the name is not of this kind.

        Raises:
            StudyError: it is of this kind, but the study has no such point or replica.
        """

    # --- names ---------------------------------------------------------------------------------------------------------------

    @property
    @abstractmethod
    def point(self) -> str:
        """Its name within its study, such as `friction`, `kH_4.80` or `drag/cold/F_0.3`."""

    @property
    def purpose(self) -> str:
        """Its purpose, as in `run.json`."""
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

    # --- procedure -----------------------------------------------------------------------------------------------------------

    @abstractmethod
    def stages(self) -> Sequence[Stage]:
        """Its stages; the last one is measured."""

    @abstractmethod
    def deck(self, piece: Piece, restart: str) -> str:
        """The LAMMPS deck of one segment, except its `run` command.

        Args:
            piece: the segment.
            restart: path of the initial state for LAMMPS; empty for a build.
        """

    def standalone(self) -> str | None:
        """The whole run as one deck for `lmp -in`; None if LAMMPS alone cannot run it."""
        return None

    @property
    def start(self) -> Experiment | None:
        """The experiment from whose end this one starts."""
        return None

    @property
    def couplings(self) -> tuple[float, float] | None:
        """(κ_C, κ_H), eV/Å², of the controller; None without controller."""
        return None

    @abstractmethod
    def columns(self) -> Sequence[Column]:
        """The sampled columns, in the order of the series."""

    def exact(self) -> pd.DataFrame:
        """The series by engine `langevin`, as docs/reference/run-folder.md describes it."""
        raise NotImplementedError

    def exact_identity(self) -> dict[str, Any]:
        """Everything that determines `exact`, except its length."""
        raise NotImplementedError

    # --- entries of `run.json` -----------------------------------------------------------------------------------------------

    def balances(self, series: pd.DataFrame) -> Sequence[Balance]:
        """Energies that should be constant, from the whole series."""
        return ()

    def check_end(self, series: pd.DataFrame) -> dict[str, Any]:
        """Checks of the result other than energy, for `run.json`.

        Raises:
            RejectedError: a check fails; names it and the cure.
        """
        return {}

    def check_filling(self, measured: Mapping[str, Sequence[float]]) -> dict[str, Any]:
        """Checks of a fluid that was filled until a stated density or pressure was reached, for `run.json`.

        Args:
            measured: the density or pressure of each side in each round; empty if there were none.

        Raises:
            RejectedError: it was not reached.
        """
        return {}

    @abstractmethod
    def describe(self) -> dict[str, Any]:
        """Entries of `run.json` for this kind: at least `parameters`; with LAMMPS also `system`."""

    def counted(self, atoms_by_type: Sequence[int]) -> dict[str, Any]:
        """Entries of `system` from the number of atoms of each type in LAMMPS, counted from type 0; none for an empty list."""
        return {}

    @property
    @abstractmethod
    def atoms(self) -> int:
        """Number of atoms in LAMMPS, moving or frozen; 0 in the exact model."""

    # --- derived --------------------------------------------

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
                        stage_start=before,
                        keeps_topology=not pieces or done + longest >= total,
                    )
                )
        return pieces

    def stage_decks(self) -> list[str]:
        """The deck of the first segment of each stage."""
        return [self.deck(piece, "start") for piece in self.pieces() if piece.is_first]

    def identity(self) -> dict[str, Any]:
        """Everything that determines the measurement, except its length, so that a longer run continues a shorter one."""
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
        """The content of files read by decks; empty without such files."""
        sums = {name: checksum(path) for name, path in self.study.interactions.paths().items()}
        return {"files": sums} if sums else {}

    def _timed_stages(self) -> Sequence[Stage]:
        """Stages whose length affects the measurement."""
        return self.stages()[:-1]

    def controller_identity(self) -> dict[str, Any] | None:
        """The control law, its source or version, and its parameters; None without controller."""
        if self.couplings is None:
            return None
        demon = self.study.demon
        identity = law_identity(demon.controller) | {
            "options": demon.controller_options,
            "couplings": list(self.couplings),
            "axes": demon.coupling_axes,
        }
        if any(demon.damping):
            identity["damping"] = {"version": DampingController.version, **dict(zip(SIDES, demon.damping, strict=True))}
        if not demon.feedback.is_ideal:
            identity["feedback"] = {
                "version": FeedbackLoop.version,
                **demon.feedback.model_dump(),
                "seed": self.seed("feedback") if demon.feedback.position_noise_A else None,
            }
        return identity

    def controller(self) -> Controller:
        """The control law of the study with the couplings of this experiment, in its feedback loop.

        Raises:
            ControllerError: it cannot be created.
        """
        demon = self.study.demon
        assert self.couplings is not None
        law = partial(make_controller, demon.controller, *self.couplings, demon.controller_options, demon.damping)
        if demon.feedback.is_ideal:
            return law()
        laws = [law() for _ in range(1 if demon.feedback.delayed == "all" else 2)]
        return FeedbackLoop(laws, demon.feedback, self.study.timestep_ps, self.seed("feedback"))

    @cached_property  # a plan asks for it again and again, and it takes all decks of the run
    def fingerprint(self) -> str:
        """Hash of `identity`: a finished run of this fingerprint and length is the required one."""
        return digest(self.identity())

    def seed(self, purpose: str) -> int:
        """A seed for LAMMPS (1 … 899 999 999), hashed from study, point, replica and purpose: no two streams are equal."""
        text = f"{self.study.seed}/{self.study.name}/{self.point}/{self.replica}/{purpose}"
        return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") % 899_999_999 + 1

    def _require(self, what: str, value: object, choice: Sequence[object], cure: str) -> None:
        if value not in choice:
            known = ", ".join(map(str, choice)) or "none"
            raise StudyError(self.study.name, [f"{self.point}: {what} {value} is not one of {known}: {cure}"])


class RejectedError(Exception):
    """A run must not be used; the message gives the reason and the cure."""


def experiments(study: Study) -> list[Experiment]:
    """All simulations of a study, in the order in which they can run."""
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
