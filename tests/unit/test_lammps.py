"""LAMMPS and MPI as they are opened, counted and believed: with stand-ins that know what they are asked."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from simulation.engines.lammps import open_lammps, require_styles, tell
from simulation.engines.ranks import EngineError, Ranks
from simulation.engines.site import Site
from simulation.overview import doctor
from simulation.study.files import check_study


class Lammps:
    """A LAMMPS of this many ranks that refuses all commands with a message, or none."""

    made: list[Lammps]
    ranks = 1
    refuses = ""
    starts = ""
    has_mpi_support = True
    has_gpu_device = False
    installed_packages = ("OPT", "KOKKOS", "EXTRA-FIX")
    accelerator_config = {"KOKKOS": {"api": ["openmp"], "precision": ["double", "single"], "none": []}}  # noqa: RUF012
    lacks = ()

    def __init__(self, cmdargs: list[str], comm: Any) -> None:
        if self.starts:
            raise (OSError if self.starts == "no library" else Exception)(self.starts)
        self.arguments, self.comm, self.folder, self.is_closed = cmdargs, comm, Path.cwd(), False
        self.told: list[str] = []
        self.made.append(self)

    def extract_setting(self, name: str) -> int:
        """As LAMMPS names them."""
        return {"world_size": self.ranks, "nthreads": 3}[name]

    def commands_string(self, text: str) -> None:
        """Refused, or not."""
        if self.refuses:
            raise Exception(self.refuses)
        self.told.append(text)

    def has_style(self, category: str, name: str) -> bool:
        """All but those that it lacks."""
        return f"{category} {name}" not in self.lacks

    def version(self) -> int:
        """Of a day in July."""
        return 20250722

    def close(self) -> None:
        """Told only to be seen."""
        self.is_closed = True

    def _nothing(self) -> None: ...

    flush_buffers = extract_box = fix_external_set_vector = force_timeout = _nothing


@pytest.fixture
def lammps(monkeypatch: pytest.MonkeyPatch) -> type[Lammps]:
    """What `import lammps` finds, fresh."""
    kind = type("Fresh", (Lammps,), {"made": []})
    module = ModuleType("lammps")
    module.lammps, module.__file__ = kind, "place/lammps/__init__.py"  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "lammps", module)
    return kind


class World:
    """An MPI world of so many ranks, seen from one of them; sums are as if all ranks had the same."""

    def __init__(self, size: int, rank: int = 0) -> None:
        self.size, self.rank, self.ended = size, rank, [0]

    def Get_size(self) -> int:  # noqa: D102
        return self.size

    def Get_rank(self) -> int:  # noqa: D102
        return self.rank

    def Allreduce(self, _: Any, values: np.ndarray[Any, Any]) -> None:  # noqa: D102
        values *= self.size

    def bcast(self, value: Any) -> Any:
        """What the root has, which is its name."""
        return value if self.rank == 0 else "of the root"

    def Barrier(self) -> None:  # noqa: D102
        self.ended.append(2)

    def Abort(self, code: int) -> None:  # noqa: D102
        self.ended.append(code)


def in_world(monkeypatch: pytest.MonkeyPatch, world: World) -> World:
    """Make it what mpi4py finds."""
    module = ModuleType("mpi4py")
    module.MPI = SimpleNamespace(COMM_WORLD=world, IN_PLACE=object())  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "mpi4py", module)
    return world


@pytest.mark.parametrize("size", [1, 2, 3, 4])
def test_as_many_ranks_run_as_a_study_asks_for(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither fewer, as with another mpiexec, nor more; with one, MPI is not looked at."""
    in_world(monkeypatch, World(size))
    if size == 3:
        assert Ranks(3).comm.Get_size() == 3
    else:
        told = f"the study needs 3 MPI ranks, but this process sees {size}: start it with 'mpiexec -n 3'"
        with pytest.raises(EngineError, match=re.escape(told)):
            Ranks(3)
    assert Ranks(1).comm is None
    monkeypatch.setitem(sys.modules, "mpi4py", None)
    with pytest.raises(EngineError, match=r"2 MPI ranks need mpi4py and its MPI library .*: install envs/"):
        Ranks(2)


@pytest.mark.parametrize("rank", [0, 1])
def test_ranks_share_and_sum_and_end_together(rank: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first one is the root, whose values all have; an abort ends all, with an exit code that is not zero."""
    world = in_world(monkeypatch, World(2, rank))
    monkeypatch.setattr("simulation.engines.ranks.LAST_WORDS_S", 0.0)
    ranks, alone = Ranks(2), Ranks(1)
    values = np.array([1.0, -2.0])
    alone.sum(values)
    assert values.tolist() == [1, -2]
    ranks.sum(values)
    assert values.tolist() == [2, -4]
    assert (ranks.is_root, alone.is_root) == (rank == 0, True)
    assert (ranks.share("mine"), alone.share("mine")) == ("of the root" if rank else "mine", "mine")
    alone.wait()
    alone.abort()
    assert world.ended == [0]
    ranks.wait()
    ranks.abort()
    assert world.ended == [0, 2, 1]


@pytest.mark.parametrize("lacks", [(), ("dump dcd",)])
def test_frames_are_text_where_lammps_has_no_dcd(lacks: tuple[str, ...], lammps: type[Lammps], tmp_path: Path) -> None:
    """Every deck chooses by a variable that is set before it."""
    lammps.lacks = lacks  # type: ignore[assignment]
    with open_lammps(tmp_path, Ranks(1)) as lmp:
        tell(lmp, "run 0")
        assert lmp.told == ["variable frames index text\n"] * bool(lacks) + ["run 0"]


def test_lammps_works_in_its_folder_with_the_site_s_switches(lammps: type[Lammps], tmp_path: Path) -> None:
    """And is closed at the end, also after a failure; what a deck names without a folder lies there."""
    here = Path.cwd()
    with open_lammps(tmp_path, Ranks(1, Site("-sf omp -pk omp 2"))) as lmp:
        assert (lmp.folder, Path.cwd()) == (tmp_path, tmp_path)
        assert " ".join(lmp.arguments) == "-screen none -log log.lammps -nocite -sf omp -pk omp 2"
        assert not lmp.is_closed
    with pytest.raises(KeyError), open_lammps(tmp_path, Ranks(1)):
        raise KeyError
    assert Path.cwd() == here
    assert [each.is_closed for each in lammps.made] == [True, True]


@pytest.mark.parametrize("ranks", [2, 1])
def test_lammps_sees_the_ranks_of_the_study(ranks: int, lammps: type[Lammps], tmp_path: Path) -> None:
    """Otherwise each rank would be a run of its own."""
    lammps.ranks = ranks
    if ranks == 1:
        with open_lammps(tmp_path, Ranks(1)):
            return
    with (
        pytest.raises(EngineError, match="needs 1 MPI ranks, but LAMMPS sees 2: use the mpiexec"),
        open_lammps(tmp_path, Ranks(1)),
    ):
        pass
    assert lammps.made[0].is_closed


@pytest.mark.parametrize(
    ("starts", "told"),
    [
        (
            "no library",
            r"library does not load \(no library\), perhaps because its MPI library is missing: install envs/",
        ),
        ("no GPU", r"does not start with the arguments '-sf opt' \(no GPU; .*doctor' shows which accelerators it has"),
    ],
)
def test_a_lammps_that_does_not_start_is_told(starts: str, told: str, lammps: type[Lammps], tmp_path: Path) -> None:
    """With what it said, and what helps."""
    lammps.starts = starts
    with pytest.raises(EngineError, match=told), open_lammps(tmp_path, Ranks(1)):
        pass


@pytest.mark.parametrize(
    ("said", "cure"),
    [
        ("ERROR: Lost atoms: original 10 current 9", r" \(atoms left the box: shorten integration\.timestep_fs, or "),
        ("ERROR: Non-numeric atom coords", r" \(the forces exploded: shorten integration\.timestep_fs, or equilibrate"),
        ("ERROR on proc 0:\n Out of range atoms - cannot compute", r" \(atoms moved too far in one step: shorten "),
        ("ERROR: Error writing file x", r" \(free disk space, or raise the limit on file sizes"),
        ("ERROR: I/O error while writing restart: No such", r" \(free disk space, "),
        ("ERROR: No space left on device", r" \(free disk space, "),
        ("ERROR: INTEL package does not support per-atom stress", r" \(the pressures of the baths are .*-sf omp"),
        ("ERROR: Unknown command: frobnicate", "$"),
    ],
)
def test_what_lammps_says_is_told_in_a_line_with_its_cure(said: str, cure: str, lammps: type[Lammps]) -> None:
    """Where one is known."""
    lmp = lammps([], None)
    tell(lmp, "run 0")
    lammps.refuses = said
    with pytest.raises(EngineError, match="^LAMMPS stopped: " + " ".join(said.split()) + cure):
        tell(lmp, "run 0")


def test_a_check_of_the_deck_is_told_in_its_own_words(
    lammps: type[Lammps], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that it printed last into the log, without what stopped LAMMPS."""
    monkeypatch.chdir(tmp_path)
    Path("log.lammps").write_text(
        "nanofridge: an earlier one\nnanofridge: 185 metal atoms, but 186\nnanofridge: stop\n",
        encoding="utf-8",
    )
    lmp = lammps([], None)
    lammps.refuses = "ERROR: Unknown command: nanofridge: stop"
    with pytest.raises(EngineError) as found:
        tell(lmp, "")
    assert str(found.value) == "185 metal atoms, but 186"


def test_styles_that_a_build_lacks_are_all_named(lammps: type[Lammps]) -> None:
    """Before anything runs; a build that has all is silent."""
    decks = ["fix a all temp/csvr 1 1 1 1\npair_style lj/cut 8\ncompute c all com\n"]
    lmp = lammps([], None)
    require_styles(lmp, decks)
    lammps.lacks = ("fix temp/csvr", "compute com")  # type: ignore[assignment]
    with pytest.raises(EngineError, match=r"lacks compute com, fix temp/csvr \(package EXTRA-FIX\): install envs/"):
        require_styles(lmp, decks)


# --- what a machine has, and what a study lacks ---------------------------------------------------------------------------


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch, lammps: type[Lammps]) -> type[Lammps]:
    """A machine with that LAMMPS."""

    @contextmanager
    def opened(_: Path, ranks: Ranks) -> Iterator[Lammps]:
        yield lammps([], ranks)

    monkeypatch.setattr(doctor, "open_lammps", opened)
    monkeypatch.setattr(doctor, "lammps_build", lambda: "1.2 abc")
    monkeypatch.setattr("shutil.which", lambda name: f"/bin/{name}")
    in_world(monkeypatch, World(1))
    sys.modules["mpi4py"].MPI.Get_library_version = lambda: "MPICH 4.3\0\nmore\n"
    return lammps


STUDY: dict[str, Any] = {"baths": {"fluid_atoms": 25280, "thermostat": "csvr"}, "drag": {"forces_nN": []}}


def test_doctor_tells_what_there_is(machine: type[Lammps], capsys: pytest.CaptureFixture[str]) -> None:
    """Of the build, its packages and accelerators, of MPI, ranks, threads and switches; nothing can be missing."""
    machine.ranks = 2
    assert doctor.report(None, Ranks(1, Site("-sf omp"))) == 0
    said = dict(line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines() if not line.startswith(" "))
    assert said["LAMMPS"] == "20250722, build 1.2 abc"
    assert said["module"] == "place/lammps/__init__.py"
    assert said["packages"] == "EXTRA-FIX, KOKKOS, OPT"
    assert said["MPI"] == "MPICH 4.3"
    assert said["launcher"] == "/bin/mpiexec"
    assert (said["ranks"], said["threads"]) == ("2 of this call", "3 of each rank")
    assert said["arguments"] == "-sf omp"
    assert said["KOKKOS"] == "built in; api: openmp; precision: double, single"
    assert (said["OPT"], said["GPU"]) == ("built in", "seen    no, or unknown to this LAMMPS")
    assert said["INTEL"] == said["OPENMP"] == "not built in"
    assert said["trajectory"] == "dump dcd"
    assert said["Python"] == f"{sys.version.split()[0]}, {sys.executable}"


def test_doctor_tells_what_there_is_not(
    machine: type[Lammps], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Neither packages, nor MPI, launcher and switches; frames are then written as text. A GPU that is there is seen."""
    machine.installed_packages = ()  # type: ignore[assignment]
    machine.lacks = ("dump dcd",)  # type: ignore[assignment]
    machine.has_mpi_support, machine.has_gpu_device = False, True
    monkeypatch.setattr("shutil.which", lambda name: None)
    assert doctor.report(None, Ranks(1, Site(""))) == 0
    said = capsys.readouterr().out
    for line in (
        "packages    none",
        "MPI         none: this LAMMPS runs on one rank only",
        "launcher    no mpiexec on PATH",
        "arguments   none",
        "GPU         not built in",
        "GPU seen    yes",
        "trajectory  dump custom (no package EXTRA-DUMP)",
    ):
        assert f"{line}\n" in said
    machine.has_mpi_support = True
    monkeypatch.setitem(sys.modules, "mpi4py", None)
    doctor.report(None, Ranks(1))
    assert "in LAMMPS, but mpi4py does not load" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("wanted", "called", "has_mpi", "is_well"),
    [
        (1, 1, True, True),
        (1, 1, False, True),
        (2, 2, True, True),
        (2, 1, True, False),
        (2, 3, True, False),
        (2, 2, False, False),
    ],
)
def test_doctor_looks_at_the_ranks_of_a_study(
    wanted: int,
    called: int,
    has_mpi: bool,
    is_well: bool,
    machine: type[Lammps],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """One needs no MPI; of several this call has just as many. If not, the exit code says so, and the text how to call it."""
    machine.has_mpi_support = has_mpi
    in_world(monkeypatch, World(called))
    sys.modules["mpi4py"].MPI.Get_library_version = lambda: "MPICH"
    assert doctor.report(check_study("mine", STUDY | {"ranks": wanted}), Ranks(called)) == (0 if is_well else 1)
    said = " ".join(capsys.readouterr().out.split())
    assert f"study mine needs, with MPI ranks: {wanted}, " in said
    assert "fix temp/csvr (package EXTRA-FIX)" in said
    assert ("nothing is missing" in said) == is_well
    if not is_well:
        lacking = f"missing: MPI: the study needs ranks: {wanted}, this call has {called}: use 'snakemake doctor', or "
        assert lacking + f"'mpiexec -n {wanted} python -m simulation doctor mine --ranks {wanted}'" in said


def test_doctor_names_styles_that_a_study_lacks(machine: type[Lammps], capsys: pytest.CaptureFixture[str]) -> None:
    """Among those of all its decks; a study of the exact model lacks nothing."""
    machine.lacks = ("fix temp/csvr", "compute stress/atom")  # type: ignore[assignment]
    assert doctor.report(check_study("mine", STUDY), Ranks(1)) == 1
    assert "missing:\n  compute stress/atom\n  fix temp/csvr (package EXTRA-FIX)\n" in capsys.readouterr().out
    exact = check_study("mine", STUDY | {"engine": "langevin"})
    assert doctor.report(exact, Ranks(1)) == 0
    assert "study mine needs no LAMMPS" in capsys.readouterr().out


def test_only_the_root_prints(
    machine: type[Lammps], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two ranks would say all twice."""
    in_world(monkeypatch, World(2, 1))
    sys.modules["mpi4py"].MPI.Get_library_version = lambda: "MPICH"
    assert doctor.report(None, Ranks(2)) == 0
    assert capsys.readouterr().out == ""
    assert Path(Path.cwd()).is_dir()
