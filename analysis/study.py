"""The results of a study as one object: runs, tables, theory and atoms, for a notebook.

Nothing is measured here. Numbers come from the files of the workflow (docs/how-to/reading-the-results.md), series and atoms
from the run folders. An error for a missing file gives the command that makes it.
"""

from __future__ import annotations

import json
import math
import zipfile
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from analysis.compare.comparison import THEORIES, Comparison, forecasts
from analysis.compare.information import compared_information
from analysis.compare.table import summary_table
from analysis.data.parameters import SIDES, Parameters
from analysis.data.runs import Run, load_run, load_runs
from analysis.data.universe import universe
from analysis.dataset import dataset
from analysis.errors import AnalysisError
from analysis.friction.drag import DragRun, load_drag_run
from analysis.friction.response import Responses
from analysis.friction.result import Friction, FrictionResult
from analysis.heat.point import HeatPoint
from analysis.heat.results import InformationPoint
from analysis.units import PER_NS

if TYPE_CHECKING:
    import MDAnalysis
    import xarray

FRICTION = "friction"
"""Name of the runs without controller among the points."""

POINT = "kH_"
"""Prefix of the name of a point; κ_H/κ_C follows."""

THEORY_COLUMNS = ["kappa_ratio", "theory", "side", "heat_eV_per_ns", "se"]

_LEFT_BY_A_STUDY = (
    "friction.json",
    "friction/replica_*/run.json",
    "sweep/kH_*/heat.json",
    "sweep/kH_*/replica_*/run.json",
    "drag/*/F_*/replica_*/run.json",
)
"""Files that identify the folder of a study, by pattern."""


@dataclass(frozen=True)
class StudyResults:
    """The results of a study; each part is read on demand, tables only once.

    Attributes:
        folder: such as ``results/demo``.
    """

    folder: Path

    @property
    def name(self) -> str:
        """The name of the study and its folder."""
        return self.folder.resolve().name

    @cached_property
    def points(self) -> tuple[str, ...]:
        """Points of the sweep that have a finished run or a ``heat.json``, such as ``kH_4.80``, by κ_H/κ_C."""
        files = [*self.folder.glob(_LEFT_BY_A_STUDY[2]), *self.folder.glob(_LEFT_BY_A_STUDY[3])]
        ratios = {name: _ratio(name) for name in (file.relative_to(self.folder).parts[1] for file in files)}
        # A renamed folder such as kH_4.80_old is not a point.
        numbers = {name: ratio for name, ratio in ratios.items() if ratio is not None}
        return tuple(sorted(numbers, key=lambda name: (numbers[name], name)))

    @cached_property
    def drags(self) -> tuple[str, ...]:
        """Drags that have a finished run, such as ``drag/cold/F_0.3``, in alphabetical order."""
        files = self.folder.glob(_LEFT_BY_A_STUDY[4])
        return tuple(sorted({file.relative_to(self.folder).parents[1].as_posix() for file in files}))

    def replicas(self, point: str) -> tuple[int, ...]:
        """Numbers of the finished runs of a point, of ``friction`` or of one of ``drags``."""
        names = (file.parent.name.removeprefix("replica_") for file in self._place(point).glob("replica_*/run.json"))
        return tuple(sorted(int(name) for name in names if name.isdecimal()))

    def run(self, point: str, replica: int = 1) -> Run:
        """One run, checked; its ``series`` is a pandas table, ``position``, ``velocity``, ``work`` … are arrays.

        Args:
            point: one of ``points``, or ``friction`` for a run without controller.
            replica: its number.

        Raises:
            AnalysisError: if there is no such run, or its folder violates the format.
        """
        return load_run(self._run_folder(self._no_drag(point), replica))

    def runs(self, point: str) -> list[Run]:
        """All finished runs of a point, or of ``friction``, in the order of their numbers.

        Raises:
            AnalysisError: if there is none, a folder violates the format, or they are not replicas of one point.
        """
        numbers = self.replicas(self._no_drag(point)) or (1,)
        return load_runs([self._run_folder(point, number) for number in numbers])

    def drag_run(self, drag: str, replica: int = 1) -> DragRun:
        """One run of a dragged particle, checked.

        Args:
            drag: one of ``drags``.
            replica: its number.

        Raises:
            AnalysisError: if there is no such run, or its folder violates the format.
        """
        return load_drag_run(self._run_folder(drag, replica))

    def universe(self, point: str, replica: int = 1) -> MDAnalysis.Universe:
        """The atoms of one run over all frames of its trajectory (docs/reference/run-folder.md, "The atoms").

        Args:
            point: one of ``points`` or of ``drags``, or ``friction``.
            replica: its number.

        Raises:
            AnalysisError: if there is no such run, or it has no atoms.
        """
        return universe(self._run_folder(point, replica))

    def to_xarray(self, point: str) -> xarray.Dataset:
        """All runs of a point, or of ``friction``, as an xarray Dataset (replica, time_ps, side, axis) with units.

        Raises:
            AnalysisError: if there is no run, a folder violates the format, or xarray is not installed.
        """
        return dataset(self.runs(point))

    @property
    def summary(self) -> pd.DataFrame:
        """The table ``summary.csv``, a row for each point that has a ``heat.json``, by κ_H/κ_C.

        Without ``information.json`` of a point its columns of information are empty.

        Columns are those of ``analysis.compare.table.COLUMNS``. Each call returns a new table.

        Raises:
            AnalysisError: if a file is missing: no point has a ``heat.json``, or there is no friction.
        """
        return self._summary.copy()

    @property
    def friction_by_axis(self) -> pd.DataFrame:
        """Friction of each particle along each set of equivalent axes by every method, kg/s, as ``friction_by_axis.csv``.

        Raises:
            AnalysisError: if ``friction.json`` is missing.
        """
        return self._friction.by_axis()

    @cached_property
    def friction(self) -> Friction:
        """Friction of both particles, measured without controller, the input of theory; eV ps/Å².

        Raises:
            AnalysisError: if ``friction.json`` is missing.
        """
        return self._friction.friction

    @cached_property
    def responses(self) -> Responses:
        """Friction of both particles at every frequency, measured without controller; eV ps/Å².

        Raises:
            AnalysisError: if ``response.npz`` is missing.
        """
        file = self.folder / "response.npz"
        command = self._command(f"results/{self.name}/response.npz")
        self._needed(file, command)
        try:
            return Responses.load(file)
        except (ValueError, OSError, EOFError, KeyError, zipfile.BadZipFile):
            raise AnalysisError(f"{file}: damaged; delete it, and {command} makes it again") from None

    def theory(self, kappa_ratio: float | str | None = None) -> pd.DataFrame:
        """Heat predicted by every theory from the friction of this study.

        Args:
            kappa_ratio: any κ_H/κ_C, measured or not, as a number, as text or as the name of a point; by default all
                ``points``.

        Returns:
            ``THEORY_COLUMNS``: a row for each theory with a prediction for the point (``response``, ``theory`` with white
            friction, ``dressed``, ``modes``) and side: heat into that bath per coupled axis and its standard error, eV/ns;
            NaN if unknown. ``kappa_ratio`` is text, spelled as in the study for a measured point. There are no rows if the
            controller is not linear.

        Raises:
            AnalysisError: if a file is missing, or the ratio is not a number.
        """
        rows = []
        for point in self.points if kappa_ratio is None else [self._point(kappa_ratio)]:
            if point in self._heats:
                found = next(each.forecasts for each in self._comparison.compared if each.point.name == point)
            else:
                found = forecasts(self._parameters(point), self.friction, self.responses)
            for theory in (name for name in THEORIES if name in found):
                for side, rate in zip(SIDES, found[theory].estimates(), strict=True):
                    rows.append((point.removeprefix(POINT), theory, side, rate.value * PER_NS, rate.se * PER_NS))
        return pd.DataFrame(rows, columns=THEORY_COLUMNS)

    @cached_property
    def _friction(self) -> FrictionResult:
        return FrictionResult.from_json(self._content(self.folder / "friction.json", self._command("friction")))

    @cached_property
    def _heats(self) -> dict[str, HeatPoint]:
        """The measurement at each point that has a ``heat.json``."""
        files = {point: self.folder / "sweep" / point / "heat.json" for point in self.points}
        command = self._command("sweep")
        found = {point: self._content(file, command) for point, file in files.items() if file.is_file()}
        return {point: HeatPoint.from_json(content) for point, content in found.items()}

    @cached_property
    def _comparison(self) -> Comparison:
        """Their comparison with theory."""
        return Comparison(tuple(self._heats.values()), self.friction, self.responses)

    @cached_property
    def _summary(self) -> pd.DataFrame:
        if not self._heats:
            first = self.points[0] if self.points else f"{POINT}…"
            raise self._missing(self.folder / "sweep" / first / "heat.json", self._command("sweep"))
        files = [self.folder / "sweep" / point / "information.json" for point in self._heats]
        command = self._command("sweep")
        flows = [InformationPoint.from_json(self._content(file, command)) for file in files if file.is_file()]
        return summary_table(self._comparison, compared_information(self._comparison, flows))

    def _point(self, kappa_ratio: float | str) -> str:
        """The point with this κ_H/κ_C, or the name that it would have."""
        text = str(kappa_ratio).removeprefix(POINT)
        if (ratio := _ratio(text)) is None:
            raise AnalysisError(f"κ_H/κ_C = {text}: must be a number, such as 4.80")
        return next((point for point in self.points if _ratio(point) == ratio), POINT + text)

    def _parameters(self, point: str) -> Parameters:
        """Physical parameters of a point; if it was not measured, those of another one with the hot coupling changed."""
        if not self.points:
            return self._at_rest(point)
        like = point if point in self.points else [*self._heats, *self.points][0]
        measured = self._heats.get(like)
        found = (measured or self.run(like, self.replicas(like)[0])).parameters
        return found if like == point else _coupled(found, found.coupling[0], point)

    def _at_rest(self, point: str) -> Parameters:
        """For a study with friction runs only: controller, motion of the traps and active forces follow from its settings."""
        run = self.runs(FRICTION)[0]
        try:
            acting = Parameters.of_sweep(run.metadata)
        except KeyError as missing:
            raise AnalysisError(f"{run.folder / 'run.json'}: key {missing} of its settings is missing") from None
        return _coupled(acting, acting.coupling[0], point)

    def _no_drag(self, point: str) -> str:
        if point in self.drags:
            raise AnalysisError(
                f"{self.folder / point}: a drag run has other columns; drag_run({point!r}) reads its runs"
            )
        return point

    def _place(self, point: str) -> Path:
        return self.folder / (f"sweep/{point}" if point.startswith(POINT) else point)

    def _run_folder(self, point: str, replica: int) -> Path:
        known = [*self.points, *([FRICTION] if self.replicas(FRICTION) else []), *self.drags]
        if point not in known and point != FRICTION:
            raise AnalysisError(f"{self.folder}: has no {point}, but {', '.join(known) or 'no runs'}")
        folder = self._place(point) / f"replica_{replica}"
        if not (folder / "run.json").is_file():
            target = f"results/{self.name}/{folder.relative_to(self.folder).as_posix()}/run.json"
            there = ", ".join(map(str, self.replicas(point))) or "none"
            raise AnalysisError(
                f"{folder / 'run.json'}: missing, finished replicas of {point}: {there}; if the study asks for it, "
                f"{self._command(target)} makes it"
            )
        return folder

    def _content(self, file: Path, command: str) -> dict[str, Any]:
        """Of a JSON file."""
        self._needed(file, command)
        try:
            content: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        except ValueError:
            raise AnalysisError(f"{file}: damaged; delete it, and {command} makes it again") from None
        return content

    def _needed(self, file: Path, command: str) -> None:
        if not file.is_file():
            raise self._missing(file, command)

    def _missing(self, file: Path, command: str) -> AnalysisError:
        there = "" if self.folder.resolve().parent.name == "results" else f" in results/{self.name}"
        return AnalysisError(f"{file}: missing; {command} makes it{there}")

    def _command(self, target: str) -> str:
        return f"`snakemake --cores 2 {target} --config study={self.name}`"


def open_study(folder: str | Path) -> StudyResults:
    """The results of a study; the same as ``analysis.load``.

    Args:
        folder: of one study, such as ``results/demo``.

    Raises:
        AnalysisError: if it is not the folder of a study; the message says what it is, or how to make one.
    """
    folder = Path(folder)
    if _is_study(folder):
        return StudyResults(folder)
    if not folder.is_dir():
        raise AnalysisError(
            f"{folder}: no such folder; `snakemake --cores 2 --config study={folder.name}` makes results/{folder.name}"
        )
    if (folder / "run.json").is_file():
        raise AnalysisError(
            f"{folder}: the folder of one run, which analysis.data.runs.load_run reads; a study is the folder above its "
            "friction/ and sweep/"
        )
    studies = sorted(each.name for each in folder.iterdir() if _is_study(each))
    hint = f"it holds those of {', '.join(studies)}" if studies else "it holds no friction.json and no finished run"
    raise AnalysisError(f"{folder}: not the folder of one study, such as results/demo; {hint}")


def _is_study(folder: Path) -> bool:
    return any(next(folder.glob(pattern), None) is not None for pattern in _LEFT_BY_A_STUDY)


def _coupled(parameters: Parameters, cold: float, point: str) -> Parameters:
    """The same with the couplings of a point, from that of the cold particle, eV/Å²."""
    return replace(parameters, coupling=(cold, cold * float(point.removeprefix(POINT))))


def _ratio(point: str) -> float | None:
    """κ_H/κ_C of the name of a point, or of the text after ``POINT``; ``None`` if it is not a finite number."""
    try:
        value = float(point.removeprefix(POINT))
    except ValueError:
        return None
    return value if math.isfinite(value) else None
