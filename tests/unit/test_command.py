"""The command line: every command gets the study, folders and machine settings that its words name; failures are told."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from simulation import __main__ as command
from simulation.control.controller import ControllerError
from simulation.engines.ranks import EngineError
from simulation.engines.site import Site
from simulation.experiments.base import RejectedError
from simulation.folder.closure import ClosureError
from simulation.segments.stop import StopRequested
from simulation.storage.lock import LockedError

STUDY = """
baths: {edge_nm: 4.5, accessible_density_per_nm3: {cold: 19.0, hot: 18.5}}
demon: {kappa_ratios: [1.2, 4.80], controller: CONTROLLER}
schedule: {independent_starts: true, sweep_replicas: 2}
drag: {forces_nN: [0.3]}
limits: {liquid: false}
"""
WORKERS = ("perform", "watch", "make_plan", "report", "archive", "unpack", "status_text", "make_design")


class Calls(list[tuple[str, tuple[Any, ...]]]):
    """What the commands call, each with its arguments."""

    def run(self, *words: str) -> int:
        """Execute a command."""
        sys.argv = ["simulation", *words]
        return command.main()

    @property
    def only(self) -> tuple[str, tuple[Any, ...]]:
        """The one that was called, which is forgotten."""
        (call,) = self
        self.clear()
        return call


@pytest.fixture
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Calls:
    """The commands in a folder with a study, with nothing behind them."""
    found = Calls()

    def stand_in(name: str, answer: Any) -> Callable[..., Any]:
        def called(*arguments: Any) -> Any:
            found.append((name, arguments))
            return answer

        return called

    answers = {"report": 1, "archive": [Path("copy")], "status_text": "the state\n", "make_design": "the best\n"}
    for name in WORKERS:
        monkeypatch.setattr(command, name, stand_in(name, answers.get(name)))
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "mine.yaml").write_text(STUDY.replace("CONTROLLER", "linear"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", sys.argv)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    return found


@pytest.mark.parametrize(
    ("words", "point", "replica"),
    [
        ("equilibrate mine out", "equilibrated", 1),
        ("equilibrate mine out --replica 2", "equilibrated", 2),
        ("run mine kH_4.80 2 out", "kH_4.80", 2),
        ("run mine friction 1 out", "friction", 1),
        ("run mine equilibrated 2 out", "equilibrated", 2),
        ("run mine drag/hot/F_0.3 1 out", "drag/hot/F_0.3", 1),
        ("drag mine cold 0.3 1 out", "drag/cold/F_0.3", 1),
    ],
)
def test_runs_are_those_that_are_named(calls: Calls, words: str, point: str, replica: int) -> None:
    """Point, replica, folder; without further words no start, no limit of time, one thread and LAMMPS's usual styles."""
    assert calls.run(*words.split()) == 0
    name, (experiment, folder, ranks, start, limit) = calls.only
    assert (name, experiment.study.name, experiment.point, experiment.replica) == ("perform", "mine", point, replica)
    assert (folder, ranks.wanted, ranks.site) == (Path("out"), 1, Site("-sf opt", 1, 0, ""))
    assert (start, limit) == (None, None)


@pytest.mark.parametrize("first", ["equilibrate mine out", "run mine kH_1.2 1 out", "drag mine cold 0.3 1 out"])
def test_settings_of_the_machine_reach_a_run(calls: Calls, first: str) -> None:
    """Switches of LAMMPS, threads (for the libraries, too), GPUs and launcher, and the time that is left."""
    settings = ["--threads", "3", "--gpus", "2", "--launcher", "srun", "--time-limit-min", "90.5"]
    assert calls.run(*first.split(), *settings, "--lammps=-sf omp") == 0
    _, (_, _, ranks, _, limit) = calls.only
    assert (ranks.site, limit) == (Site("-sf omp", 3, 2, "srun"), 90.5)
    assert os.environ["OMP_NUM_THREADS"] == "3"


class FakeRanks:
    """As many as are asked for; whether this is the root, and how often all were ended."""

    def __init__(self, wanted: int, site: Site) -> None:
        self.wanted, self.site, self.is_root, self.ends = wanted, site, True, 0

    def abort(self) -> None:
        """Count."""
        self.ends += 1


def test_ranks_are_those_of_the_study_or_of_this_call(calls: Calls, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run has as many as its study says; plan and doctor are told how many. All have the settings of the machine."""
    monkeypatch.setattr(command, "Ranks", FakeRanks)
    Path("config/mine.yaml").write_text(STUDY.replace("CONTROLLER", "linear") + "ranks: 3\n", encoding="utf-8")
    for first in ("equilibrate mine out", "run mine kH_1.2 1 out", "drag mine cold 0.3 1 out"):
        assert calls.run(*first.split(), "--lammps=-sf omp", "--threads", "2") == 0
        _, (_, _, ranks, _, _) = calls.only
        assert (ranks.wanted, ranks.site) == (3, Site("-sf omp", 2, 0, ""))
    assert calls.run("plan", "mine", "--ranks", "4", "--lammps=-sf omp", "--threads", "2") == 0
    ranks = calls.only[1][2]
    assert (ranks.wanted, ranks.site) == (4, Site("-sf omp", 2, 0, ""))
    assert calls.run("doctor", "mine", "--ranks", "4", "--lammps=-sf omp", "--threads", "2") == 1
    ranks = calls.only[1][1]
    assert (ranks.wanted, ranks.site) == (4, Site("-sf omp", 2, 0, ""))


@pytest.mark.parametrize("failure", [EngineError("LAMMPS stopped"), RuntimeError("a bug"), StopRequested(75)])
def test_a_failure_ends_all_ranks_and_an_orderly_stop_does_not(
    calls: Calls, monkeypatch: pytest.MonkeyPatch, failure: BaseException
) -> None:
    """A rank that waited for a failed one would wait for ever; those that stop all do so at the same step."""
    made: list[FakeRanks] = []

    def fails(_: Any, folder: Path, ranks: FakeRanks, *__: Any) -> None:
        made.append(ranks)
        raise failure

    monkeypatch.setattr(command, "Ranks", FakeRanks)
    monkeypatch.setattr(command, "perform", fails)
    if isinstance(failure, StopRequested):
        with pytest.raises(StopRequested) as stop:
            calls.run("run", "mine", "kH_1.2", "1", "out")
        assert stop.value.code == 75
    else:
        assert calls.run("run", "mine", "kH_1.2", "1", "out") == 1
    assert [ranks.ends for ranks in made] == [0 if isinstance(failure, StopRequested) else 1]


def test_run_starts_from_the_folder_that_is_given(calls: Calls) -> None:
    """As does every run of a machine."""
    assert calls.run("run", "mine", "kH_1.2", "1", "out", "--start", "baths") == 0
    assert calls.only[1][3] == Path("baths")


def test_overviews_get_cores_ranks_and_targets(calls: Calls, capsys: pytest.CaptureFixture[str]) -> None:
    """One core and one rank unless they are told otherwise; what `doctor` lacks is its exit code."""
    for words, cores in ((["plan", "mine"], 1), (["plan", "mine", "--cores", "5"], 5)):
        assert calls.run(*words) == 0
        name, (study, results, ranks, found) = calls.only
        assert (name, study.name, results, ranks.wanted, found) == ("make_plan", "mine", Path("results"), 1, cores)
    for words, named in ((["doctor"], None), (["doctor", "mine"], "mine")):
        assert calls.run(*words) == 1
        name, (study, ranks) = calls.only
        assert (name, study and study.name, ranks.wanted) == ("report", named, 1)
    for targets in ([], ["a.csv", "b.png"]):
        assert calls.run("status", "mine", *(["--targets", *targets] if targets else [])) == 0
        name, (study, results, made) = calls.only
        assert (name, study.name, results, made) == ("status_text", "mine", Path("results"), [*map(Path, targets)])
    assert calls.run("design", "mine") == 0
    assert calls.only[0] == "make_design"
    assert capsys.readouterr().out == "the state\nthe state\nthe best\n"


@pytest.mark.parametrize(("words", "seconds"), [([], 10.0), (["25"], 25.0), (["1"], 1.0), (["0.2"], 1.0)])
def test_page_is_written_every_ten_seconds_and_no_oftener_than_each(
    calls: Calls, words: list[str], seconds: float
) -> None:
    """Unless another time is given."""
    for named in ([], ["a.csv", "b.png"]):
        assert calls.run("status", "mine", *(["--targets", *named] if named else []), "--watch", *words) == 0
        name, (study, results, targets, every) = calls.only
        assert (name, study.name, results, targets) == ("watch", "mine", Path("results"), [*map(Path, named)])
        assert every == seconds


@pytest.mark.parametrize(
    ("words", "option", "cure"),
    [
        ("plan mine --cores 0", "--cores", "'0': write a whole number of 1 or more"),
        ("plan mine --cores -3", "--cores", "'-3': write a whole number of 1 or more"),
        ("plan mine --cores two", "--cores", "'two': write a whole number of 1 or more"),
        ("plan mine --ranks 0", "--ranks", "'0': write a whole number of 1 to 4096"),
        ("doctor --threads 5000", "--threads", "'5000': write a whole number of 1 to 4096"),
        ("plan mine --gpus -1", "--gpus", "'-1': write a whole number of 0 or more"),
        ("equilibrate mine out --replica 0", "--replica", "'0': write a whole number of 1 or more"),
        ("run mine friction 0 out", "replica", "'0': write a whole number of 1 or more"),
        ("drag mine cold 0.3 1.5 out", "replica", "'1.5': write a whole number of 1 or more"),
        ("deck mine friction 0", "replica", "'0': write a whole number of 1 or more"),
        ("unpack mine friction 0 there here", "replica", "'0': write a whole number of 1 or more"),
        ("status mine --watch inf", "--watch", "'inf': write a number above 0, at most 1e+06"),
        ("status mine --watch nan", "--watch", "'nan': write a number above 0, at most 1e+06"),
        ("status mine --watch 0", "--watch", "'0': write a number above 0, at most 1e+06"),
        ("run mine friction 1 out --time-limit-min -5", "--time-limit-min", "'-5': write a number above 0"),
        ("run mine friction 1 out --time-limit-min soon", "--time-limit-min", "'soon': write a number above 0"),
    ],
)
def test_counts_and_times_that_cannot_be_are_refused(
    calls: Calls, capsys: pytest.CaptureFixture[str], words: str, option: str, cure: str
) -> None:
    """By option, value and cure, before anything is done."""
    with pytest.raises(SystemExit) as refusal:
        calls.run(*words.split())
    assert refusal.value.code == 2
    assert not calls
    said = capsys.readouterr().err
    assert option in said.splitlines()[-1]
    assert cure in said


def test_archives_are_filled_and_emptied(calls: Calls, capsys: pytest.CaptureFixture[str]) -> None:
    """From the results of the study, each copy named; into a folder, from one of the archive."""
    assert calls.run("archive", "mine", "kept") == 0
    name, (study, *places) = calls.only
    assert (name, study.name, places) == ("archive", "mine", [Path("results"), Path("kept")])
    assert capsys.readouterr().out == "copy\n"
    assert calls.run("unpack", "mine", "sweep/kH_4.80", "2", "kept/there", "here") == 0
    name, (wanted, source, target) = calls.only
    assert (name, wanted.point, wanted.replica) == ("unpack", "kH_4.80", 2)
    assert (source, target) == (Path("kept/there"), Path("here"))


def test_fields_and_schemas_are_printed_without_a_study(calls: Calls, capsys: pytest.CaptureFixture[str]) -> None:
    """As the files of config/ hold them: those of simulations, and of machines where they are asked for."""
    config = Path(command.__file__).parents[1] / "config"
    for words, name in (
        (["fields"], "README.md"),
        (["schema"], "schema.json"),
        (["schema", "--machines"], "machine-schema.json"),
    ):
        assert calls.run(*words) == 0
        assert capsys.readouterr().out == (config / name).read_text(encoding="utf-8")


def test_check_says_what_will_run(calls: Calls, capsys: pytest.CaptureFixture[str]) -> None:
    """Atoms of each bath, of a density of 19.0 and 18.5 per nm³ in what walls and particle leave; and the points."""
    assert calls.run("check", "mine") == 0
    skin = (3.405 + 2.338) / 4
    room = 4.5 * 4.5 * (4.5 - 0.2 * skin) - 4 / 3 * 3.14159265 * (0.2236 * 3.61 + 0.1 * skin) ** 3
    held = f"{19.0 * room:.0f} and {18.5 * room:.0f} fluid atoms per bath"
    points = "equilibrated, friction, kH_1.2, kH_4.80, drag/cold/F_0.3, drag/hot/F_0.3"
    assert capsys.readouterr().out == f"study mine: {held}, points {points}\n"


def test_deck_is_that_of_the_point_and_replica(calls: Calls, capsys: pytest.CaptureFixture[str]) -> None:
    """The first replica unless another is given; a run that LAMMPS alone cannot do is refused with a reason."""
    for words, replica in (([], 1), (["2"], 2)):
        assert calls.run("deck", "mine", "kH_4.80", *words) == 0
        assert capsys.readouterr().out.startswith(f"# Run kH_4.80, replica {replica}, of study mine")
    assert calls.run("deck", "mine", "equilibrated") == 1
    assert (
        "mine equilibrated replica 1 has no separate deck: it is the start of other runs, whose decks contain it"
        in capsys.readouterr().err
    )
    demon = "controller: linear, damping_hot_kg_per_s: 1e-12, feedback: {delay_ps: 0.01}"
    Path("config/mine.yaml").write_text(STUDY.replace("controller: CONTROLLER", demon), encoding="utf-8")
    assert calls.run("deck", "mine", "kH_4.80") == 1
    assert capsys.readouterr().err == (
        "nanofridge: mine kH_4.80 replica 1 has no separate deck: LAMMPS alone supports only the linear demon without a "
        "feedback loop, and this study has demon.feedback and demon.damping_…\n"
    )


@pytest.mark.parametrize(
    ("number", "cure"),
    [
        (errno.ENOSPC, "free disk space, or raise the limit on file sizes"),
        (errno.EDQUOT, "free disk space"),
        (errno.EFBIG, "free disk space"),
        (errno.EACCES, "make it writable for you, or work in another folder"),
        (errno.EPERM, "make it writable for you"),
        (errno.EROFS, "make it writable for you"),
        (errno.EIO, ""),
    ],
)
def test_failures_of_files_are_told_with_their_cure(
    calls: Calls, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], number: int, cure: str
) -> None:
    """Which file, what the system said, and what to do, in one line and with exit code 1."""

    def fails(*_: Any) -> None:
        raise OSError(number, os.strerror(number), "out/series.dat")

    monkeypatch.setattr(command, "perform", fails)
    assert calls.run("run", "mine", "friction", "1", "out") == 1
    said = capsys.readouterr().err
    assert said.startswith("nanofridge: ")
    assert said.count("\n") == 1
    assert "out/series.dat" in said
    assert os.strerror(number) in said
    assert cure in said
    assert ("free disk" in said, "writable" in said) == ("free disk" in cure, "writable" in cure)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_exact_run_stops_at_a_signal_in_a_line(number: signal.Signals, tmp_path: Path) -> None:
    """With the exit code of the signal, as a run in segments does, and without a traceback or a run folder."""
    (tmp_path / "config").mkdir()
    exact = STUDY.replace("CONTROLLER", "linear") + "engine: langevin\n"
    (tmp_path / "config/mine.yaml").write_text(exact, encoding="utf-8")
    script = """
import os, sys
from simulation import __main__ as command
from simulation.experiments.machine import Machine
number = int(sys.argv.pop())
Machine.exact = lambda _: os.kill(os.getpid(), number)
sys.exit(command.main())
"""
    ended = subprocess.run(
        [sys.executable, "-c", script, "run", "mine", "friction", "1", "out", str(int(number))],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[2])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.stdout == f"mine friction replica 1: stopped by {number.name}; the same command runs it anew\n"
    assert (ended.returncode, ended.stderr) == (128 + number, "")
    assert not (tmp_path / "out").exists()


def test_own_errors_are_told_in_a_line_and_bugs_with_their_traceback(
    calls: Calls, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Both end with exit code 1, whatever kind of error of ours it is."""
    ours = (EngineError, ControllerError, ClosureError, RejectedError, LockedError, ValueError)
    failures: list[tuple[Exception, str]] = [(kind("LAMMPS stopped"), "") for kind in ours]
    for failure, words in (*failures, (RuntimeError("never thought of"), "Traceback")):

        def fails(*_: Any, failure: Exception = failure) -> None:
            raise failure

        monkeypatch.setattr(command, "perform", fails)
        assert calls.run("run", "mine", "friction", "1", "out") == 1
        said = capsys.readouterr().err
        assert said == "nanofridge: LAMMPS stopped\n" if not words else words in said and str(failure) in said
    assert calls.run("check", "none-of-them") == 1
    assert "there is no file none-of-them.yaml" in capsys.readouterr().err
