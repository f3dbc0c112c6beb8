"""MPI in earnest: one and two ranks give the same physics."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from simulation.engine import Ranks, single_threaded
from simulation.plan import Run
from simulation.runfolder import first_law
from simulation.simulate import simulate
from simulation.study import SIDES
from simulation.studyfile import check_study
from tests.md.conftest import SMALL, started_for

pytestmark = pytest.mark.md

ROOT = Path(__file__).resolve().parents[2]
FIRST_STEPS = 100


def run(start: Path, folder: Path, size: int) -> None:
    """A run of 100 steps of relaxation and 4 ps, seen at every step, on the ranks of this process's MPI world."""
    single_threaded()
    schedule = SMALL["schedule"] | {"relaxation_ps": 0.4, "sample_every_ps": 0.004}
    study = check_study("small", {**SMALL, "schedule": schedule, "ranks": size})
    ranks = Ranks(size)
    if ranks.is_root:
        started_for(study, start, folder / "start")
    ranks.wait()
    simulate(Run(study, "kH_4.80", 1), folder / "start", folder / "run", ranks)


@pytest.fixture(scope="module")
def runs(start: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The same run on one and on two ranks, from one restart file."""
    folders = [tmp_path_factory.mktemp(f"ranks_{size}") for size in (1, 2)]
    for size, folder in zip((1, 2), folders, strict=True):
        launcher = [str(Path(sys.executable).parent / "mpiexec"), "-n", "2"] if size > 1 else []
        command = [*launcher, sys.executable, "-m", "tests.md.test_ranks", str(start), str(folder), str(size)]
        result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        assert result.returncode == 0, result.stderr
    return [folder / "run" for folder in folders]


def test_first_steps_are_equal_to_rounding(runs: list[Path]) -> None:
    """From one state, 100 steps on two ranks are those on one: only sums over ranks, in another order, round otherwise."""
    one, two = (pd.read_parquet(next(folder.glob("segments/*/0000/series.parquet"))) for folder in runs)
    assert list(one["step"]) == list(two["step"]) == list(range(FIRST_STEPS + 1))
    moved = np.ptp(one["position_cold_x_A"])
    assert moved > 1e-3, "the particle hardly moved: nothing was compared"
    for name in one.columns:
        scale = max(float(np.abs(one[name]).max()), 1.0)
        assert np.abs(one[name] - two[name]).max() < 1e-12 * scale, name


def test_energy_closes_and_heats_agree(runs: list[Path]) -> None:
    """The first law closes on one and on two ranks, and over 4 ps the heats agree to far below what they fluctuate by."""
    series = [pd.read_parquet(folder / "series.parquet") for folder in runs]
    for one in series:
        closure = first_law(one, "xyz")
        assert max(closure[side]["rms_eV"] for side in SIDES) < 0.02
    for side in SIDES:
        heat = [one[f"thermostat_{side}_eV"] + one[f"energy_{side}_eV"] - one[f"energy_{side}_eV"][0] for one in series]
        fluctuation = float(heat[0].diff().std())
        assert fluctuation > 0
        assert np.abs(heat[0] - heat[1]).max() < 1e-3 * fluctuation


if __name__ == "__main__":
    run(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
