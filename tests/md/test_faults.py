"""Faults injected into real runs: each ends in one message with its cure, and what was committed before stays good."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analysis.runs import RunFolderError, read_folder
from simulation import engine
from simulation.demon import Vector
from simulation.engine import EngineError, Ranks
from simulation.plan import Run
from simulation.simulate import make_start, simulate
from simulation.study import Study
from simulation.studyfile import check_study
from tests.md.conftest import started_for

pytestmark = pytest.mark.md

ROOT = Path(__file__).resolve().parents[2]
THIN: dict[str, Any] = {
    "baths": {"edge_nm": 3, "argon_atoms": 60},
    "materials": {"cutoff_A": 6},
    "trap": {"stiffness_eV_per_A2": 1.0},
    "demon": {"kappa_ratios": ["4.80"], "coupling_axes": "xyz"},
    "integration": {"timestep_fs": 4},
    "schedule": {
        "equilibration_ps": 0.4,
        "relaxation_ps": 0.2,
        "friction_ns": 0.0004,
        "sweep_ns": 0.0004,
        "sample_every_ps": 0.02,
        "trajectory_every_ps": 0.2,
        "segment_ps": 0.2,
    },
    "limits": {"closure_drift_eV_per_ns": 50},
}


def thin(**sections: dict[str, Any]) -> Study:
    """A study of some 1 000 atoms, too thin a gas to mean anything; keyword arguments replace fields of its sections."""
    return check_study("thin", THIN | {key: THIN.get(key, {}) | values for key, values in sections.items()})


def run_of(study: Study) -> Run:
    """Its one point."""
    return Run(study, "kH_4.80", 1)


@pytest.fixture(scope="module")
def baths(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The thin study's equilibrated start."""
    folder = tmp_path_factory.mktemp("baths")
    make_start(thin(), folder, Ranks(1))
    return folder


@pytest.fixture(scope="module")
def finished(baths: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder, undisturbed."""
    folder = tmp_path_factory.mktemp("finished")
    simulate(run_of(thin()), baths, folder, Ranks(1))
    return folder


# --- what lies on disk is damaged --------------------------------------------------------------------------------------------


def flip(file: Path) -> None:
    """Flip one bit in the middle of a file."""
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


def truncate(file: Path) -> None:
    """Leave half of a file."""
    os.truncate(file, file.stat().st_size // 2)


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        (name, damage)
        for name in ("end.restart", "series.parquet", "trajectory.dcd", "log.lammps", "segment.json")
        for damage in (flip, truncate, Path.unlink)
        if (name, damage) != ("end.restart", Path.unlink)  # old restart files are removed on purpose
    ],
)
def test_damaged_segment_is_told_and_run_again(
    name: str,
    damage: Callable[[Path], None],
    finished: Path,
    baths: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Whichever file of the last segment is damaged, that is told, the one before is continued from, bytes are equal."""
    shutil.copytree(finished, tmp_path, dirs_exist_ok=True)
    damage(next(tmp_path.glob("segments/*/0002")) / name)
    (tmp_path / "series.parquet").unlink()
    simulate(run_of(thin()), baths, tmp_path, Ranks(1))
    said = capsys.readouterr().err
    assert f"0002/{name} is damaged" in said
    assert "continuing after 2 of 3 segments" in said
    assert (tmp_path / "series.parquet").read_bytes() == (finished / "series.parquet").read_bytes()


@pytest.mark.parametrize("damage", [flip, truncate])
def test_damaged_identity_is_made_good(
    damage: Callable[[Path], None], finished: Path, baths: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """identity.json only informs: damaged, it is written anew, and the segments beside it are used."""
    shutil.copytree(finished, tmp_path, dirs_exist_ok=True)
    identity = next(tmp_path.glob("segments/*/identity.json"))
    whole = identity.read_bytes()
    damage(identity)
    # Another run in the same place, which wants to tell what changed, says that it cannot.
    other = run_of(thin(demon={"coupling_cold_eV_per_A2": "0.09"}))
    if damage is truncate:
        simulate(other, baths, tmp_path, Ranks(1))
        assert "starting afresh" in capsys.readouterr().err
    simulate(run_of(thin()), baths, tmp_path, Ranks(1))
    assert "damaged" not in capsys.readouterr().err
    assert identity.read_bytes() == whole
    assert (tmp_path / "series.parquet").read_bytes() == (finished / "series.parquet").read_bytes()


@pytest.mark.parametrize("name", ["equilibrated.restart", "topology.data", "equilibrated.json"])
@pytest.mark.parametrize("damage", [flip, truncate, Path.unlink])
def test_damaged_start_is_refused_and_made_good(
    name: str, damage: Callable[[Path], None], baths: Path, tmp_path: Path
) -> None:
    """A damaged start is found before a run begins from it; equilibrating again takes it from its segments."""
    copy = tmp_path / "baths"
    shutil.copytree(baths, copy)
    damage(copy / name)
    with pytest.raises(EngineError, match=name):
        simulate(run_of(thin()), copy, tmp_path / "run", Ranks(1))
    assert not (tmp_path / "run").exists()
    make_start(thin(), copy, Ranks(1))
    for file in ("equilibrated.restart", "topology.data"):
        assert (copy / file).read_bytes() == (baths / file).read_bytes()


@pytest.mark.parametrize(
    ("name", "damage"), [("series.parquet", flip), ("series.parquet", truncate), ("run.json", truncate)]
)
def test_damaged_run_folder_is_not_analysed(
    name: str, damage: Callable[[Path], None], finished: Path, baths: Path, tmp_path: Path
) -> None:
    """A series or record that is not what the run wrote is refused; the cure that is told writes it anew."""
    shutil.copytree(finished, tmp_path, dirs_exist_ok=True)
    damage(tmp_path / name)
    with pytest.raises(RunFolderError, match=rf"{name}: damaged.*delete it and give the same command again"):
        read_folder(tmp_path)
    (tmp_path / name).unlink()
    simulate(run_of(thin()), baths, tmp_path, Ranks(1))
    read_folder(tmp_path)
    assert (tmp_path / "series.parquet").read_bytes() == (finished / "series.parquet").read_bytes()


# --- the place to write to ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("limit_kB", [6, 9, 12, 30, 60])
def test_full_disk_keeps_the_last_good_state(limit_kB: int, finished: Path, baths: Path, tmp_path: Path) -> None:
    """Wherever a disk is full (record, log, series, trajectory, restart file), the cure is told and nothing half is kept.

    A limit on the size of files stands for the disk: it fails the same calls.
    """
    run = run_of(thin(schedule={"sample_every_ps": 0.004}))
    part_done = tmp_path / "run"
    start = started_for(run.study, baths, tmp_path / "baths")
    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit_kB * 1000, hard))
    try:
        with pytest.raises(
            (EngineError, OSError), match=r"make room on the disk|File too large|rows of|its end is missing"
        ):
            simulate(run, start, part_done, Ranks(1))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    assert not list(part_done.glob("segments/*/[0-9]*[0-9]"))
    assert not (part_done / "run.json").exists()
    simulate(run, start, part_done, Ranks(1))
    assert (part_done / "run.json").is_file()


def command_line(*arguments: str | Path, before: str = "") -> subprocess.CompletedProcess[str]:
    """`python -m simulation …` in a process of its own, after some Python that breaks it."""
    program = f"import sys\n{before}\nfrom simulation.__main__ import main\nsys.exit(main())"
    # The lammps module, loaded in this process, has told the system where its MPI is: a new process must find out by itself.
    environment = {name: value for name, value in os.environ.items() if name != "LD_LIBRARY_PATH"}
    command = [sys.executable, "-c", program, *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


def assert_clear(result: subprocess.CompletedProcess[str], *words: str) -> None:
    """One message, no traceback, and an exit code that says failure."""
    assert result.returncode == 1
    assert "Traceback" not in result.stderr
    last = result.stderr.strip().splitlines()[-1]
    assert last.startswith("nanofridge: "), result.stderr
    for word in words:
        assert word in last


def test_read_only_folder_is_named_with_the_cure() -> None:
    """A folder that cannot be written to: /sys is one even for root."""
    result = command_line("equilibrate", "tiny", "/sys/nanofridge")
    assert_clear(result, "/sys/nanofridge", "make it writable for you, or work in another folder")


# --- the installation ---------------------------------------------------------------------------------------------------------


def test_missing_mpi_library_is_named(tmp_path: Path) -> None:
    """Without the MPI that LAMMPS was built with, its library does not load: the message says how to install it."""
    result = command_line("equilibrate", "tiny", tmp_path, before=f"sys.prefix = {str(tmp_path)!r}")
    assert_clear(result, "LAMMPS's library does not load", "libmpi", "install envs/requirements.lock")


@pytest.mark.parametrize("module", ["lammps", "mpi4py"])
def test_missing_python_module_is_named(module: str, tmp_path: Path) -> None:
    """Without the lammps module, or without mpi4py on two ranks, the message names it and the cure."""
    broken = f"sys.modules[{module!r}] = None"
    if module == "mpi4py":
        broken += "\nimport simulation.studyfile as files\nload = files.load_study"
        broken += "\nfiles.load_study = lambda name: load(name).model_copy(update={'ranks': 2})"
    result = command_line("equilibrate", "tiny", tmp_path, before=broken)
    assert_clear(result, module, "install envs/requirements.lock")


def test_missing_lammps_package_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A LAMMPS without a package that the decks need is refused by name before any deck is read."""
    monkeypatch.setitem(engine.NEEDED_STYLES, "fix", {"no/such/style": "EXTRA-NONE"})
    with pytest.raises(EngineError, match=r"lacks fix no/such/style \(package EXTRA-NONE\): install envs"):
        make_start(thin(), tmp_path, Ranks(1))


# --- the physics goes wrong --------------------------------------------------------------------------------------------------


class Strong:
    """A controller that pushes the cold particle away with all its might."""

    def __init__(self, coupling_cold_eV_per_A2: float, coupling_hot_eV_per_A2: float) -> None:
        pass

    def forces(self, cold: Vector, hot: Vector, time_ps: float) -> tuple[Vector, Vector]:
        """1 000 eV/Å along y."""
        return np.array([0.0, 1000.0, 0.0]), np.zeros(3)


@pytest.mark.parametrize(
    ("sections", "message"),
    [
        (
            {"integration": {"neighbour_skin_A": 0.001}},
            r"dangerous neighbour builds.*raise integration\.neighbour_skin_A",
        ),
        ({"demon": {"controller": f"{__name__}:Strong"}}, r"Å from its trap centre, near a wall: make trap\.stiffness"),
    ],
    ids=["dangerous builds", "out of the trap"],
)
def test_runaway_physics_stops_with_its_cure(
    sections: dict[str, dict[str, Any]], message: str, baths: Path, tmp_path: Path
) -> None:
    """Forces missed by old neighbour lists, a particle out of its trap: the run ends and commits nothing."""
    study = thin(**sections)
    start = started_for(study, baths, tmp_path / "baths")
    with pytest.raises(EngineError, match=message):
        simulate(run_of(study), start, tmp_path / "run", Ranks(1))
    assert not list((tmp_path / "run").glob("segments/*/[0-9]*[0-9]"))
    assert not (tmp_path / "run/run.json").exists()


def test_lost_atoms_stop_the_equilibration_with_the_cure(tmp_path: Path) -> None:
    """A time step far too long drives atoms out of the box: the message says so, and only the build is kept."""
    study = thin(
        integration={"timestep_fs": 100},
        schedule={
            "equilibration_ps": 40,
            "segment_ps": 20,
            "sample_every_ps": 0.1,
            "sweep_ns": 0.02,
            "friction_ns": 0.02,
        },
    )
    message = r"(left the box|exploded|too far|atoms were lost|not a number).*shorten integration\.timestep_fs"
    with pytest.raises(EngineError, match=message):
        make_start(study, tmp_path, Ranks(1))
    assert [folder.name for folder in tmp_path.glob("segments/*/[0-9]*[0-9]")] == ["0000"]
    assert not (tmp_path / "equilibrated.json").exists()
