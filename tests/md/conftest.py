"""Small real-MD systems shared by the tests, each with an equilibrated start that is made once per session."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from simulation.engines.lammps import open_lammps
from simulation.engines.ranks import Ranks
from simulation.engines.site import set_threads
from simulation.experiments.baths import Baths
from simulation.experiments.machine import Machine
from simulation.perform import perform
from simulation.storage.files import DECK, DEMON, RESTART, RUN, SERIES, TOPOLOGY, checksum
from simulation.study.fields import Study
from simulation.study.files import check_study

SMALL: dict[str, Any] = {
    "baths": {"edge_nm": 3.6, "accessible_density_per_nm3": 19.56},
    "demon": {"kappa_ratios": ["1.0", "4.80"], "coupling_axes": "xyz"},
    "integration": {"timestep_fs": 4},
    "schedule": {
        "equilibration_ps": 2,
        "relaxation_ps": 1,
        "friction_ns": 0.004,
        "sweep_ns": 0.004,
        "trajectory_every_ps": 1,
        "segment_ps": 2,
    },
    "limits": {"closure_drift_eV_per_ns": 5.0},
}
"""2 694 atoms at the paper's density: the physics of a bath, too small and too short for its heats."""

THIN: dict[str, Any] = {
    "baths": {"edge_nm": 3, "fluid_atoms": 60},
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
    "drag": {"forces_nN": []},
    "limits": {"closure_drift_eV_per_ns": 50, "liquid": False},
}
"""1 068 atoms, too thin a gas to mean anything, and a segment every 50 steps: for what happens between segments."""


def laid_over(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """The data of a study with some fields of its sections, or some fields outside sections, replaced."""
    return base | {key: base[key] | value if key in base else value for key, value in changes.items()}


def small_study(name: str = "small", **sections: Any) -> Study:
    """The study `SMALL`; keyword arguments replace fields of its sections."""
    return check_study(name, laid_over(SMALL, sections))


def thin_study(name: str = "thin", **sections: Any) -> Study:
    """The study `THIN`; keyword arguments replace fields of its sections."""
    return check_study(name, laid_over(THIN, sections))


def machine(study: Study) -> Machine:
    """Its run at κ_H/κ_C = 4.80."""
    return Machine(study, 1, "4.80")


@cache
def has_style(category: str, name: str) -> bool:
    """Whether the LAMMPS here, perhaps the site's own, has a style."""
    with TemporaryDirectory() as folder, open_lammps(Path(folder), Ranks(1)) as lmp:
        return bool(lmp.has_style(category, name))


def skip_unless_it_runs(thermostat: str) -> None:
    """Skip a test of a thermostat that this LAMMPS does not have."""
    if thermostat == "csvr" and not has_style("fix", "temp/csvr"):
        pytest.skip("this LAMMPS has no fix temp/csvr (package EXTRA-FIX)")


def run_plainly(folder: Path) -> None:
    """Run the deck in a folder with the program of LAMMPS that belongs to its Python module, and without Python."""
    lmp = Path(sys.executable).with_name("lmp")
    arguments = [str(lmp) if lmp.is_file() else "lmp", "-in", DECK, "-screen", "none"]
    arguments += [] if has_style("dump", "dcd") else ["-var", "frames", "text"]
    done = subprocess.run(arguments, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    """As the command line has it, before LAMMPS is loaded."""
    set_threads()


@pytest.fixture(scope="session")
def start(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Equilibrated start of the small study."""
    folder = tmp_path_factory.mktemp("equilibrated")
    perform(Baths(small_study(), 1), folder, Ranks(1))
    return folder


@pytest.fixture(scope="session")
def thin_start(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Equilibrated start of the thin study."""
    folder = tmp_path_factory.mktemp("thin")
    perform(Baths(thin_study(), 1), folder, Ranks(1))
    return folder


def started_for(study: Study, baths: Path, folder: Path, restart: Path | None = None) -> Path:
    """A start that passes for one of `study`, whatever it was equilibrated with: what is under test comes later.

    Args:
        study: that of the run which is to begin.
        baths: a start.
        folder: to be made.
        restart: a state to begin from in the place of that of the start.
    """
    folder.mkdir(parents=True)
    shutil.copyfile(restart or baths / RESTART, folder / RESTART)
    shutil.copyfile(baths / TOPOLOGY, folder / TOPOLOGY)
    record = json.loads((baths / RUN).read_text(encoding="utf-8"))
    record["fingerprint"] = Baths(study, 1).fingerprint
    record["sha256"][RESTART] = checksum(folder / RESTART)
    del record["digest"]
    (folder / RUN).write_text(json.dumps(record), encoding="utf-8")
    return folder


def record_of(folder: Path) -> dict[str, Any]:
    """`run.json` of a run folder."""
    content: dict[str, Any] = json.loads((folder / RUN).read_text(encoding="utf-8"))
    return content


def segments_in(folder: Path) -> list[Path]:
    """Committed segments of a run folder that has those of one set of parameters only, in order."""
    return sorted(folder.glob("segments/*/[0-9][0-9][0-9][0-9]"))


def made_at(folder: Path) -> dict[str, int]:
    """When each committed segment was made: what stays the same was not run again."""
    return {segment.name: (segment / "segment.json").stat().st_mtime_ns for segment in segments_in(folder)}


def reached(folder: Path, segments: int) -> bool:
    """Whether a run has committed so many segments."""
    return len(segments_in(folder)) >= segments


def assert_same_bytes(one: Path, other: Path) -> None:
    """Two run folders have the same series, and end in the same state of LAMMPS and of the demon."""
    assert (one / SERIES).read_bytes() == (other / SERIES).read_bytes()
    for name in (RESTART, DEMON):
        first, second = (segments_in(folder)[-1] / name for folder in (one, other))
        assert first.read_bytes() == second.read_bytes(), name
