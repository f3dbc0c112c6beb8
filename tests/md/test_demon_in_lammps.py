"""The Python demon inside real LAMMPS: equal to LAMMPS's own forces, sees particles across faces, never fails unseen."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from simulation.control.demon import Demon
from simulation.engines.lammps import open_lammps, tell
from simulation.engines.ranks import EngineError, Ranks
from simulation.experiments.baths import Baths
from simulation.perform import perform
from simulation.storage.files import RESTART, RUN, SERIES, TOPOLOGY
from tests.md.atoms import read_atoms
from tests.md.command import MPIEXEC, ROOT, command, write_study
from tests.md.conftest import THIN, laid_over, machine, segments_in, small_study, started_for, thin_study
from tests.md.seen import assert_seen_as_recorded, seen_in, thermal_speed_A_per_ps

pytestmark = pytest.mark.md

ROUNDING_A = 1e-10  # 1 000 steps of chaos amplify the last bit of a double to about 1e-13 Å


@pytest.mark.parametrize(
    ("rival", "size"),
    [
        ("native", 1),
        ("couple", 2),
        *(pytest.param(*each, marks=pytest.mark.long) for each in (("native", 2), ("couple", 1))),
    ],
)
def test_python_demon_equals_lammps_forces(rival: str, size: int, start: Path, tmp_path: Path) -> None:
    """From the same start, 1 000 steps with the Python demon give the trajectory of native forces, on one and two ranks.

    `native` is addforce with variables; `couple` is fix spring couple, which the demon equals at κ_C = κ_H.
    """
    launcher = [MPIEXEC, "-n", str(size)] if size > 1 else []
    program = [sys.executable, "-m", "tests.md.compare_demons", start / RESTART, tmp_path, rival, size]
    result = subprocess.run(
        [*launcher, *map(str, program)], cwd=ROOT, capture_output=True, text=True, encoding="utf-8", check=False
    )
    assert result.returncode == 0, result.stderr
    words = result.stdout.split()
    found = dict(zip(words[::2], map(float, words[1::2]), strict=True))
    assert found["samples"] == 41
    assert found["moved_A"] > 0.05, "the particles hardly moved: nothing was compared"
    assert found["position_A"] < ROUNDING_A
    assert found["energy_eV"] < 1e-9


# --- atoms across a periodic face --------------------------------------------------------------------------------------------

ACROSS: dict[str, Any] = {
    "trap": {"stiffness_eV_per_A2": 0.5},
    "demon": {"controller": "tests.md.controllers:Recorder"},
    "schedule": {
        "sweep_ns": 0.004,
        "friction_ns": 0.004,
        "sample_every_ps": 0.004,
        "segment_ps": 1,
        "relaxation_ps": 0.2,
    },
}
# A particle that reaches over a face is a lost one; here it is wanted.
UNHELD = "from simulation.control.demon import Demon\nDemon.check_particles = lambda self, displacement: None"


def moved_over(restart: Path, folder: Path, commands: str) -> Path:
    """A restart file of the thin study's baths in which LAMMPS has moved something."""
    study = thin_study()
    pieces = Baths(study, 1).pieces()
    folder.mkdir()
    with open_lammps(folder, Ranks(1)) as lmp:
        tell(lmp, Baths(study, 1).deck(pieces[-1], str(restart)))
        tell(lmp, f"{commands}\nwrite_restart {RESTART}\n")
    return folder / RESTART


@pytest.mark.parametrize("ranks", [1, pytest.param(2, marks=pytest.mark.long)])
def test_atoms_beyond_a_face_count_where_they_are(
    ranks: int, thin_start: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A particle that swings to and fro over a periodic face is seen as one body, as the series has it, on any ranks.

    It begins 14 Å from its trap with half of its atoms beyond the face, swings through the box and over the other face.
    """
    # The fluid that is there already makes room.
    commands = "displace_atoms particle_cold move 0 14 0\ndelete_atoms overlap 2.8 fluid_cold particle_cold"
    restart = moved_over(thin_start / RESTART, tmp_path / "moving", commands)
    changes = ACROSS | {"ranks": ranks}
    study = thin_study(**changes)
    started_for(study, thin_start, tmp_path / "start", restart)
    if ranks == 1:
        monkeypatch.setattr(Demon, "check_particles", lambda self, displacement: None)
        perform(machine(study), tmp_path / "run", Ranks(1), tmp_path / "start")
    else:
        write_study(tmp_path, "thin", laid_over(THIN, changes))
        arguments = ("run", "thin", "kH_4.80", "1", "run", "--start", "start")
        result = command(tmp_path, *arguments, ranks=ranks, before=UNHELD)
        assert result.returncode == 0, result.stderr
    assert_seen_as_recorded(tmp_path / "run", speed_A_per_ps=5)  # it swings
    place = pd.read_parquet(tmp_path / "run" / SERIES)["position_cold_y_A"]
    assert place.max() > 8, "it never reached over the upper face: nothing was tested"
    assert place.min() < -8, "it never reached over the lower face: nothing was tested"


def test_one_atom_beyond_a_face_counts_where_it_is(thin_start: Path, tmp_path: Path) -> None:
    """One atom of 186 with an image flag moves the centre of mass by a 186th of the box, for demon and series."""
    atom = 1 + int(np.flatnonzero(read_atoms(thin_start / TOPOLOGY).types == 3)[0])
    restart = moved_over(thin_start / RESTART, tmp_path / "moving", f"set atom {atom} image NULL 1 -2")
    study = thin_study(**ACROSS | {"schedule": ACROSS["schedule"] | {"sweep_ns": 0.001, "friction_ns": 0.001}})
    begin = started_for(study, thin_start, tmp_path / "start", restart)
    perform(machine(study), tmp_path / "run", Ranks(1), begin)
    first = seen_in(tmp_path / "run")["displacement_A"][0, 0]
    assert first[1] == pytest.approx(30 / 186, abs=0.08)
    assert first[2] == pytest.approx(-60 / 186, abs=0.08)
    assert_seen_as_recorded(tmp_path / "run", thermal_speed_A_per_ps(study))


# --- controllers that fail -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("way", "message"),
    [
        ("raise", r"controller 'tests\.md\.controllers:Failing' failed at step 250: KeyError: 'no such gain'"),
        ("exit", r"failed at step 250: SystemExit: 0"),
        ("nan", r"at step 250: its force along xyz is not a finite number: \[\[nan"),
        ("words", r"at step 250: forces\(seen\) must return two vectors of three real numbers \(2, 3\), not 'words'"),
        ("strong", r"Å from its trap centre, as far as the bath reaches: make trap\.stiffness_eV_per_A2 larger"),
    ],
)
def test_controller_failure_ends_the_run(way: str, message: str, thin_start: Path, tmp_path: Path) -> None:
    """What a user's controller does wrong in mid-run, which ctypes would swallow, ends the run with a message of its own."""
    study = thin_study(
        demon={"controller": "tests.md.controllers:Failing", "controller_options": {"way": way}},
        schedule={"sweep_ns": 0.002, "friction_ns": 0.002, "segment_ps": 1},
    )
    begin = started_for(study, thin_start, tmp_path / "start")
    with pytest.raises(EngineError, match=message):
        perform(machine(study), tmp_path / "run", Ranks(1), begin)
    assert len(segments_in(tmp_path / "run")) == 1 + (way == "strong")  # the particle takes a while to the wall
    assert not (tmp_path / "run" / RUN).exists()


def test_wrong_particle_stops_lammps_with_its_count(tmp_path: Path) -> None:
    """A deck whose sphere does not hold the atoms it should stops with a message that gives both numbers."""
    study = small_study()
    broken = study.model_copy(update={"nanoparticle": study.nanoparticle.model_copy(update={"atoms": 185})})
    with pytest.raises(EngineError, match=r"186 metal atoms in the cold nanoparticle.*but there must be 185"):
        perform(Baths(broken, 1), tmp_path, Ranks(1))
