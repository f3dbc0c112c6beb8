"""One segment: what LAMMPS is told, when it is looked at, and what is kept of it; with a stand-in for LAMMPS."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from simulation.control.controller import ControllerError
from simulation.control.demon import ParticleError
from simulation.engines.ranks import EngineError, Ranks
from simulation.engines.site import Site
from simulation.experiments import experiment_at
from simulation.experiments.base import Experiment, Piece
from simulation.segments import piece as segment
from simulation.segments.piece import check_sides_apart, run_piece
from simulation.study.fields import Study
from tests.md.conftest import small_study

LOG = "Loop time of 1.5 on 1 procs\nAve neighs/atom = 30.5\nDangerous builds = {}\n"


class Lammps:
    """Counts the steps that it is told to run; writes what a deck of a segment asks for."""

    def __init__(self, folder: Path, first_step: int) -> None:
        self.folder, self.step = folder, first_step
        self.told: list[str] = []
        self.stops_at, self.runs_over = 10**9, 0
        self.dangerous = 0
        self.pairs: list[tuple[int, int]] = []
        self.rows: list[int] = []

    def commands_string(self, text: str) -> None:
        """Take note, and do as it says."""
        for line in text.splitlines():
            words = line.split()
            if words[:1] == ["run"] and "pre" in words:  # those of a deck build and melt
                self.step = min(self.step + int(words[1]), self.stops_at) + self.runs_over
                (self.folder / "log.lammps").write_text(LOG.format(self.dangerous), encoding="utf-8")
            elif words[:1] == ["write_restart"]:
                (self.folder / words[1]).write_text("state", encoding="utf-8")
            elif words[:1] == ["write_data"]:
                (self.folder / words[1]).write_text(
                    "head\n\nAtoms # atomic\n\n1 3 0 0 0\n\nVelocities\n", encoding="utf-8"
                )
                (self.folder / "log.lammps").write_text(LOG.format(self.dangerous), encoding="utf-8")
        self.told.append(text)

    def extract_global(self, name: str) -> int:
        """The step, which is all that is asked for."""
        assert name == "ntimestep"
        return self.step

    def has_style(self, category: str, name: str) -> bool:
        """All."""
        return bool(category and name)

    def version(self) -> int:
        """Of a day in July."""
        return 20250722

    def gather_atoms(self, name: str, kind: int, count: int) -> list[int]:
        """Three cold fluid atoms, two hot ones."""
        assert (name, kind, count) == ("type", 0, 1)
        return [1, 1, 2, 1, 2, 3, 4]

    @property
    def numpy(self) -> Lammps:
        """As arrays."""
        return self

    def extract_compute(self, *_: Any) -> np.ndarray[Any, Any]:
        """Types of interacting pairs."""
        return np.array(self.pairs, dtype=float)

    @property
    def runs(self) -> list[str]:
        """What it was told to run."""
        return [text.strip() for text in self.told if text.startswith("run ")]


@pytest.fixture
def lammps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lammps:
    """What a segment finds."""
    lmp = Lammps(tmp_path, 250)

    @contextmanager
    def opened(folder: Path, ranks: Ranks) -> Iterator[Lammps]:
        assert folder == tmp_path
        yield lmp

    monkeypatch.setattr(segment, "open_lammps", opened)
    return lmp


def measuring(study: Study | None = None, point: str = "friction") -> tuple[Experiment, Piece]:
    """The first measured segment of a run: 1000 steps, a sample each 25."""
    run = experiment_at(study or small_study(schedule={"segment_ps": 4}), point, 1)
    return run, next(piece for piece in run.pieces() if piece.is_measured)


def series(folder: Path, run: Experiment, rows: int) -> None:
    """What LAMMPS writes of a segment."""
    columns = len(run.columns())
    lines = [" ".join(map(str, [25 * row, *([0.5] * columns)])) for row in range(rows)]
    (folder / "series.dat").write_text("# of fix\n" + "\n".join(lines) + "\n", encoding="utf-8")


@pytest.mark.parametrize(
    ("every", "looks"),
    [(None, range(200, 1001, 200)), (100, range(100, 1001, 100)), (10, range(25, 1001, 25)), (390, [400, 800, 1000])],
)
def test_lammps_runs_in_parts_as_one_run(
    every: int | None, looks: Sequence[int], lammps: Lammps, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each of whole samples, at least one; set up before the first alone, ended after the last, with one start and stop."""
    if every is not None:
        monkeypatch.setattr(segment, "LOOK_EVERY_STEPS", every)
    clock = iter([100.0, 107.25])
    monkeypatch.setattr(segment, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    run, piece = measuring()
    series(tmp_path, run, 41)
    seen: list[int] = []
    record = run_piece(run, piece, "../r", tmp_path, Ranks(1, Site(threads=2)), on_look=seen.append)
    assert seen == [*looks]
    parts = np.diff([0, *looks])
    ends = ["no"] * (len(parts) - 1) + ["yes"]
    begins = ["yes"] + ["no"] * (len(parts) - 1)
    assert lammps.runs == [
        f"run {steps} pre {pre} post {post} start 250 stop 1250"
        for steps, pre, post in zip(parts, begins, ends, strict=True)
    ]
    assert lammps.told[0] == run.deck(piece, "../r")
    assert lammps.told[-1] == "write_restart end.restart\nwrite_data topology.data nocoeff\n"
    assert record == {
        "wall_time_s": 7.25,
        "neighbours_per_atom": 30.5,
        "dangerous_builds": 0,
        "loop_time_s": 1.5,
        "first_step": 250,
        "last_step": 1250,
        "lammps_version": 20250722,
        "frame_steps": 250,
        "ranks": 1,
        "site": Site(threads=2).content(),
    }
    assert json.dumps(record)
    kept = pd.read_parquet(tmp_path / "series.parquet")
    assert [*kept["step"]] == [*range(0, 1001, 25)]
    assert kept["time_ps"].iloc[-1] == pytest.approx(4.0)
    assert not (tmp_path / "series.dat").exists()
    assert "Atoms # molecular\n\n1 3 3 0 0 0" in (tmp_path / "topology.data").read_text(encoding="utf-8")


@pytest.mark.parametrize("short", [1, 999, -1])
def test_a_run_of_another_length_is_refused(short: int, lammps: Lammps, tmp_path: Path) -> None:
    """LAMMPS may stop early without a word, or go on; both steps are told."""
    run, piece = measuring()
    series(tmp_path, run, 41)
    lammps.stops_at = 1250 - max(short, 0)
    lammps.runs_over = int(short < 0)
    with pytest.raises(EngineError, match=f"LAMMPS stopped at step {1250 - short} instead of 1250; see log.lammps"):
        run_piece(run, piece, "../r", tmp_path, Ranks(1))


def test_missed_forces_are_refused(lammps: Lammps, tmp_path: Path) -> None:
    """Any dangerous build: the cure names the skin that there is."""
    lammps.dangerous = 1
    run, piece = measuring()
    series(tmp_path, run, 41)
    told = (
        r"small friction replica 1: 1 dangerous neighbour builds, .* raise integration\.neighbour_skin_A \(now 0\.8\)"
    )
    with pytest.raises(EngineError, match=told):
        run_piece(run, piece, "../r", tmp_path, Ranks(1))


def test_missing_rows_are_a_full_disk(lammps: Lammps, tmp_path: Path) -> None:
    """A row each 25 steps, both ends among them."""
    run, piece = measuring()
    series(tmp_path, run, 40)
    with pytest.raises(OSError, match="40 rows of 41"):
        run_piece(run, piece, "../r", tmp_path, Ranks(1))


def test_a_build_takes_no_steps_and_counts_its_atoms_where_nobody_knows_them(lammps: Lammps, tmp_path: Path) -> None:
    """Of each type, from type 0 on; it is set up all the same, and looked at once."""
    lammps.step = 0
    filled = small_study(baths={"accessible_density_per_nm3": None, "pressure_bar": 100})
    build = experiment_at(filled, "equilibrated", 1)
    seen: list[int] = []
    record = run_piece(build, build.pieces()[0], "", tmp_path, Ranks(1), on_look=seen.append)
    assert lammps.runs == ["run 0 pre yes post yes start 0 stop 0"]
    assert seen == [0]
    assert record["atoms_by_type"] == [0, 3, 2, 1, 1, 0, 0]
    assert not (tmp_path / "series.parquet").exists()
    assert (tmp_path / "topology.data").exists()


def test_sides_that_interact_are_told_by_type(lammps: Lammps) -> None:
    """Odd types belong to the cold side and even ones to the hot side, each pair once."""
    lammps.pairs = [(1, 1), (3, 1), (1, 5), (2, 4), (6, 2), (4, 4)]
    check_sides_apart(lammps, Ranks(1))
    assert lammps.told == [
        "compute pairs all property/local ptype1 ptype2 cutoff type\nrun 0 post no\n",
        "uncompute pairs\n",
    ]
    lammps.pairs += [(4, 1), (1, 4), (5, 6), (2, 3)]
    with pytest.raises(EngineError, match="atoms of types 1-4, 2-3, 5-6 interact; odd types belong to the cold side"):
        check_sides_apart(lammps, Ranks(1))


def test_pairs_of_any_rank_count(lammps: Lammps) -> None:
    """Each rank has a part of them; all are refused together, so that none waits for another."""

    class Two(Ranks):
        def sum(self, values: np.ndarray[Any, Any]) -> None:
            """The other rank has a pair of types 2 and 3."""
            values[2, 3] += 1

    lammps.pairs = [(1, 1)]
    with pytest.raises(EngineError, match="atoms of types 2-3 interact"):
        check_sides_apart(lammps, Two(1))


@pytest.mark.parametrize("is_root", [True, False])
def test_record_names_the_ranks_and_the_root_alone_keeps_files(is_root: bool, lammps: Lammps, tmp_path: Path) -> None:
    """Others would write over them."""

    class Two(Ranks):
        @property
        def is_root(self) -> bool:
            """Either of two."""
            return is_root

    run, piece = measuring()
    series(tmp_path, run, 41)
    ranks = Two(1)
    ranks.wanted = 2
    record = run_piece(run, piece, "../r", tmp_path, ranks)
    assert record["ranks"] == 2
    assert (tmp_path / "series.parquet").exists() == is_root
    assert (tmp_path / "series.dat").exists() != is_root


def test_demon_watches_the_particles_of_its_study() -> None:
    """One is lost where it would touch a face of its bath; coupled axes and time step are the study's, traps are at rest."""
    run = experiment_at(small_study(demon={"coupling_axes": "xz"}), "kH_4.80", 1)
    demon = segment.demon_of(run, None, Ranks(1))
    assert demon.max_displacement_A == pytest.approx(36 / 2 - 2.236 * 3.61, rel=1e-3)
    assert (demon.axes, demon.timestep_ps, demon.moving_traps) == ("xz", 0.004, None)
    told: list[Any] = []
    lmp: Any = SimpleNamespace(
        extract_box=lambda: ([0.0] * 3, [72.0, 36.0, 36.0]),
        fix_external_set_vector_length=lambda *_: None,
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(segment, "DemonCallback", lambda *_, **named: told.append(named))
        segment.attach(lmp, demon, run, run.pieces()[-1], 0, Ranks(1))
    (named,) = told
    assert named["centres_A"] == pytest.approx(np.array([[18, 18, 18], [54, 18, 18]]))
    assert (named["atoms"], named["sample_every"]) == (186, 25)
    assert named["mass"] == pytest.approx(186 * 63.546 * 1.0364269e-4)


def test_controller_has_one_clock_through_stages_and_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    """LAMMPS counts each stage from 0; on the clock of the run the relaxation ends at 0, where the measurement begins."""
    run = experiment_at(small_study(schedule={"relaxation_ps": 3}), "kH_4.80", 1)
    lmp: Any = SimpleNamespace(
        extract_box=lambda: ([0.0] * 3, [90.0, 45.0, 45.0]),
        fix_external_set_vector_length=lambda *_: None,
    )
    monkeypatch.setattr("simulation.control.callback.call_at_every_step", lambda *_: None)
    demon = segment.demon_of(run, None, Ranks(1))
    # A particle is lost where it would touch a wall: 18 Å from the middle, less its radius, of 2.236 lattice constants.
    assert demon.timestep_ps == 0.004
    assert demon.max_displacement_A == pytest.approx(18 - 2.236 * 3.61)
    counted: dict[str, int] = {}  # by LAMMPS
    spans = []
    for piece in run.pieces():
        first = counted.get(piece.stage.name, 0)
        counted[piece.stage.name] = last = first + piece.steps
        zero = segment.attach(lmp, demon, run, piece, first, Ranks(1)).first_step
        spans.append((first - zero, last - zero))
    assert spans == [(-750, -250), (-250, 0), (0, 500), (500, 1000)]


def test_run_is_named_where_its_controller_cannot_be_made(monkeypatch: pytest.MonkeyPatch) -> None:
    """One of several that fail side by side."""
    run = experiment_at(small_study(), "kH_4.80", 1)

    def fails(_: Experiment) -> None:
        raise ControllerError("there is no such class")

    monkeypatch.setattr(type(run), "controller", fails)
    with pytest.raises(EngineError, match=r"^small kH_4.80 replica 1: there is no such class$"):
        segment.demon_of(run, None, Ranks(1))


@pytest.mark.parametrize(
    ("failure", "told"),
    [
        (ControllerError("the controller 'mine:Mine' failed"), "the controller 'mine:Mine' failed"),
        (ParticleError("a particle is lost"), "a particle is lost"),
        (IndexError("7"), "the demon failed: IndexError: 7"),
    ],
)
@pytest.mark.parametrize("is_stopped", [True, False])
def test_failure_of_the_demon_is_told_before_that_of_lammps(
    is_stopped: bool, failure: Exception, told: str, lammps: Lammps, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Messages for users as they are, a bug by its kind; LAMMPS's own complaint where the demon has none."""
    if is_stopped:

        def complain(*_: Any) -> None:
            raise EngineError("LAMMPS stopped")

        monkeypatch.setattr(segment, "tell", complain)
    callback: Any = SimpleNamespace(failure=failure)
    with pytest.raises(EngineError) as found:
        segment._run(lammps, "run 1 pre yes", callback)
    assert str(found.value) == told
    callback.failure = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        segment._run(lammps, "run 1 pre yes", callback)
    nothing: Any = SimpleNamespace(failure=None)
    for none in (None, nothing):
        if is_stopped:
            with pytest.raises(EngineError, match=r"^LAMMPS stopped$"):
                segment._run(lammps, "run 1 pre yes", none)
        else:
            segment._run(lammps, "run 1 pre yes", none)
