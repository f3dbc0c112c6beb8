"""The Python demon inside real LAMMPS: equal to LAMMPS's own forces, and its failures never pass unseen."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from simulation.demon import Vector
from simulation.engine import EngineError, Ranks, build, run_segment
from simulation.plan import Run
from simulation.simulate import START_RESTART
from tests.md.conftest import small_study

pytestmark = pytest.mark.md

ROOT = Path(__file__).resolve().parents[2]
ROUNDING_A = 1e-10  # 1 000 steps of chaos amplify the last bit of a double to about 1e-13 Å


@pytest.mark.parametrize(("rival", "size"), [("native", 1), ("native", 2), ("couple", 1), ("couple", 2)])
def test_python_demon_equals_lammps_forces(rival: str, size: int, start: Path, tmp_path: Path) -> None:
    """From the same start, 1 000 steps with the Python demon give the trajectory of native forces, on one and two ranks.

    `native` is addforce with variables; `couple` is fix spring couple, which the demon equals at κ_C = κ_H.
    """
    launcher = [str(Path(sys.executable).parent / "mpiexec"), "-n", str(size)] if size > 1 else []
    program = [
        sys.executable,
        "-m",
        "tests.md.compare_demons",
        str(start / START_RESTART),
        str(tmp_path),
        rival,
        str(size),
    ]
    result = subprocess.run([*launcher, *program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    words = result.stdout.split()
    found = dict(zip(words[::2], map(float, words[1::2]), strict=True))
    assert found["samples"] == 41
    assert found["moved_A"] > 0.05, "the particles hardly moved: nothing was compared"
    assert found["position_A"] < ROUNDING_A
    assert found["energy_eV"] < 1e-9


def test_wrong_mpiexec_is_noticed(start: Path, tmp_path: Path) -> None:
    """A study for two ranks started as a plain process stops with a sentence instead of running serial copies."""
    with pytest.raises(EngineError, match="wants 2 MPI ranks, but this process sees 1"):
        Ranks(2)


class Brittle:
    """A controller that fails after some calls."""

    def __init__(self, coupling_cold_eV_per_A2: float, coupling_hot_eV_per_A2: float, fail_after: str = "100") -> None:
        self.left = int(fail_after)

    def forces(self, cold: Vector, hot: Vector, time_ps: float) -> tuple[Vector, Vector]:
        """No force, then an exception."""
        self.left -= 1
        if self.left < 0:
            raise KeyError("no such gain")
        return np.zeros(3), np.zeros(3)


class Poisoned(Brittle):
    """A controller that returns not-a-number."""

    def forces(self, cold: Vector, hot: Vector, time_ps: float) -> tuple[Vector, Vector]:
        """NaN forces."""
        return np.full(3, np.nan), np.zeros(3)


@pytest.mark.parametrize(
    ("controller", "message"),
    [
        ("Brittle", "controller 'tests.md.test_demon_in_lammps:Brittle' failed: KeyError"),
        ("Poisoned", "not a number"),
    ],
)
def test_controller_failure_ends_the_run(controller: str, message: str, start: Path, tmp_path: Path) -> None:
    """An exception in a user's controller, which ctypes would swallow, ends the run with its own message."""
    study = small_study(demon={"controller": f"tests.md.test_demon_in_lammps:{controller}"})
    with pytest.raises(EngineError, match=message):
        run_segment(
            Run(study, "kH_4.80", 1),
            str(start / START_RESTART),
            tmp_path,
            Ranks(1),
            index=0,
            steps=500,
            on_sample=lambda step: None,
        )


def test_wrong_particle_stops_lammps_with_its_count(tmp_path: Path) -> None:
    """A deck whose sphere does not hold the atoms it should stops with a message that gives both numbers."""
    study = small_study()
    broken = study.model_copy(update={"nanoparticle": study.nanoparticle.model_copy(update={"atoms": 185})})
    with pytest.raises(EngineError, match="186 copper atoms in the cold nanoparticle, but there must be 185"):
        build(broken, tmp_path, Ranks(1))
