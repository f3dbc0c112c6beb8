"""Faults injected into real runs: each ends in one message with its cure, and what was committed before stays good.

What damage to segments does is in test_damage.py.
"""

from __future__ import annotations

import resource
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analysis.runs import RunFolderError, read_folder
from simulation.control.controller import Seen, Vector
from simulation.engines import lammps
from simulation.engines.ranks import EngineError, Ranks
from simulation.experiments.baths import Baths
from simulation.perform import perform
from simulation.storage.files import RESTART, RUN, SERIES
from tests.md.command import ROOT, assert_clear, command
from tests.md.conftest import machine, started_for, thin_study
from tests.md.test_damage import flip, truncate

pytestmark = pytest.mark.md


@pytest.fixture(scope="module")
def finished(thin_start: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder, undisturbed."""
    folder = tmp_path_factory.mktemp("finished")
    perform(machine(thin_study()), folder, Ranks(1), thin_start)
    return folder


# --- what lies on disk is damaged --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [RESTART, RUN])
@pytest.mark.parametrize("damage", [flip, truncate, Path.unlink])
def test_damaged_start_is_refused_and_made_good(
    name: str, damage: Callable[[Path], None], thin_start: Path, tmp_path: Path
) -> None:
    """A damaged start is found before a run begins from it; equilibrating again takes it from its segments."""
    copy = tmp_path / "baths"
    shutil.copytree(thin_start, copy)
    damage(copy / name)
    with pytest.raises(EngineError, match=name):
        perform(machine(thin_study()), tmp_path / "run", Ranks(1), copy)
    assert not (tmp_path / "run").exists()
    (copy / RUN).unlink(missing_ok=True)
    perform(Baths(thin_study(), 1), copy, Ranks(1))
    for file in (RESTART, "topology.data", SERIES):
        assert (copy / file).read_bytes() == (thin_start / file).read_bytes()


@pytest.mark.parametrize(
    ("name", "damage"), [("series.parquet", flip), ("series.parquet", truncate), ("run.json", truncate)]
)
def test_damaged_run_folder_is_not_analysed(
    name: str, damage: Callable[[Path], None], finished: Path, thin_start: Path, tmp_path: Path
) -> None:
    """A series or record that is not what the run wrote is refused; the cure that is told writes it anew."""
    shutil.copytree(finished, tmp_path, dirs_exist_ok=True)
    damage(tmp_path / name)
    with pytest.raises(RunFolderError, match=rf"{name}: damaged.*delete it and give the same command again"):
        read_folder(tmp_path)
    (tmp_path / name).unlink()
    perform(machine(thin_study()), tmp_path, Ranks(1), thin_start)
    read_folder(tmp_path)
    assert (tmp_path / "series.parquet").read_bytes() == (finished / "series.parquet").read_bytes()


# --- the place to write to ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("limit_kB", [6, 9, 12, 30, 60])
def test_full_disk_keeps_the_last_good_state(limit_kB: int, finished: Path, thin_start: Path, tmp_path: Path) -> None:
    """Wherever a disk is full (record, log, series, trajectory, restart file), the cure is told and nothing half is kept.

    A limit on the size of files stands for the disk: it fails the same calls.
    """
    run = machine(thin_study(schedule={"sample_every_ps": 0.004}))
    part_done = tmp_path / "run"
    start = started_for(run.study, thin_start, tmp_path / "baths")
    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit_kB * 1000, hard))
    try:
        with pytest.raises(
            (EngineError, OSError), match=r"make room on the disk|File too large|rows of|its end is missing"
        ):
            perform(run, part_done, Ranks(1), start)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    assert not list(part_done.glob("segments/*/[0-9]*[0-9]"))
    assert not (part_done / "run.json").exists()
    perform(run, part_done, Ranks(1), start)
    assert (part_done / "run.json").is_file()


def test_read_only_folder_is_named_with_the_cure() -> None:
    """A folder that cannot be written to: /sys is one even for root."""
    result = command(ROOT, "equilibrate", "tiny", "/sys/nanofridge")
    assert_clear(result, "/sys/nanofridge", "make it writable for you, or work in another folder")


# --- the installation ---------------------------------------------------------------------------------------------------------


def test_missing_mpi_library_is_named(tmp_path: Path) -> None:
    """Without the MPI that LAMMPS was built with, its library does not load: the message says how to install it."""
    result = command(ROOT, "equilibrate", "tiny", tmp_path, before=f"sys.prefix = {str(tmp_path)!r}")
    assert_clear(result, "LAMMPS's library does not load", "libmpi", "install envs/requirements.lock")


@pytest.mark.parametrize("module", ["lammps", "mpi4py"])
def test_missing_python_module_is_named(module: str, tmp_path: Path) -> None:
    """Without the lammps module, or without mpi4py on two ranks, the message names it and the cure."""
    broken = f"sys.modules[{module!r}] = None"
    if module == "mpi4py":
        broken += "\nimport simulation.study.files as files\nload = files.load_study"
        broken += "\nfiles.load_study = lambda name: load(name).model_copy(update={'ranks': 2})"
    result = command(ROOT, "equilibrate", "tiny", tmp_path, before=broken)
    assert_clear(result, module, "install envs/requirements.lock")


def test_missing_lammps_package_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A LAMMPS without a package that the decks need is refused by name before any deck is read."""
    monkeypatch.setitem(lammps.NEEDED_STYLES, "fix", {"no/such/style": "EXTRA-NONE"})
    with pytest.raises(EngineError, match=r"lacks fix no/such/style \(package EXTRA-NONE\): install envs"):
        perform(Baths(thin_study(), 1), tmp_path, Ranks(1))


# --- the physics goes wrong --------------------------------------------------------------------------------------------------


class Strong:
    """A controller that pushes the cold particle away with all its might."""

    def __init__(self, coupling_cold_eV_per_A2: float, coupling_hot_eV_per_A2: float) -> None:
        pass

    def forces(self, seen: Seen) -> Vector:
        """1 000 eV/Å along y on the cold particle."""
        return np.array([[0.0, 1000.0, 0.0], [0.0, 0.0, 0.0]])


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
    sections: dict[str, Any], message: str, thin_start: Path, tmp_path: Path
) -> None:
    """Forces missed by old neighbour lists, a particle out of its trap: the run ends and commits nothing."""
    study = thin_study(**sections)
    start = started_for(study, thin_start, tmp_path / "baths")
    with pytest.raises(EngineError, match=message):
        perform(machine(study), tmp_path / "run", Ranks(1), start)
    assert not list((tmp_path / "run").glob("segments/*/[0-9]*[0-9]"))
    assert not (tmp_path / "run/run.json").exists()


def test_lost_atoms_stop_the_equilibration_with_the_cure(tmp_path: Path) -> None:
    """A time step far too long drives atoms out of the box: the message says so, and only the build is kept."""
    study = thin_study(
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
        perform(Baths(study, 1), tmp_path, Ranks(1))
    assert [folder.name for folder in tmp_path.glob("segments/*/[0-9]*[0-9]")] == ["0000"]
    assert not (tmp_path / RUN).exists()
