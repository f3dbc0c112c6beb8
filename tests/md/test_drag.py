"""Drag runs of a small system in real LAMMPS: momentum, energy, resume, and a deck that stands alone."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analysis.drag import drag_summary, load_drag_run
from simulation.engines.ranks import Ranks
from simulation.experiments.drag import Drag
from simulation.folder import closure
from simulation.folder.closure import ClosureError
from simulation.perform import perform, segments_of
from simulation.storage.files import SERIES
from tests.md.conftest import small_study

pytestmark = pytest.mark.md
ROOT = Path(__file__).resolve().parents[2]


def small_run(duration_ns: float = 0.004, **sections: dict[str, Any]) -> Drag:
    """1 028 atoms, pulled by 3 nN."""
    drag = {"forces_nN": ["3.0"], "equilibration_ps": 1, "duration_ns": duration_ns}
    return Drag(small_study(**({"drag": drag} | sections)), 1, "hot", "3.0")


def first_law(run: Drag, series: pd.DataFrame) -> dict[str, float]:
    """Drift and scatter of the run's energy balance."""
    (balance,) = run.balances(series)
    return closure.balance(series["time_ps"].to_numpy(), balance.residual_eV)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run folder of a drag run of 4 ps in two segments, undisturbed."""
    folder = tmp_path_factory.mktemp("dragged")
    perform(small_run(), folder, Ranks(1))
    return folder


def test_run_folder_keeps_its_contract(finished: Path) -> None:
    """The folder holds what docs/run-folder.md promises; the analysis reads it."""
    content = json.loads((finished / "run.json").read_text())
    assert (content["purpose"], content["side"], content["force_nN"]) == ("drag", "hot", "3.0")
    assert {"deck.lmp", "log.lammps", "topology.data", "trajectory.dcd"} <= {file.name for file in finished.iterdir()}
    run = load_drag_run(finished)
    assert run.temperature == 120
    assert np.diff(run.series["step"]).tolist() == [25] * 40
    counted = run.series[["displacement_x_A", "work_eV", "thermostat_eV"]]
    assert (counted.iloc[0] == 0).all()
    assert run.series["internal_temperature_K"].notna().all()
    (entry,) = drag_summary([[run]])
    assert (entry["particle_atoms"], entry["largest_piece_atoms"]) == (186, 186)


def test_momentum_stays_zero_and_the_particle_starts_to_move(finished: Path) -> None:
    """The two forces cancel: the whole has no momentum, and at first the particle is sped up as by F alone."""
    run = load_drag_run(finished)
    fluid = small_run().fluid_atoms * 39.948 / (186 * 63.546)
    momentum = run.column("particle_velocity_x_A_per_ps") + fluid * run.column("fluid_velocity_x_A_per_ps")
    assert np.abs(momentum).max() < 1e-9
    # For 0.5 ps inertia carries most of the force, friction some of it.
    gained = np.diff(run.column("particle_velocity_x_A_per_ps")[[0, 5]])[0]
    assert 0.5 < gained / (run.force / run.mass * 0.5) < 1.1


def test_energy_closes(finished: Path) -> None:
    """Work of both forces equals heat to the thermostat plus energy gained; work is the force times the way."""
    series = pd.read_parquet(finished / "series.parquet")
    found = first_law(small_run(), series)
    work = series["work_eV"].to_numpy()
    assert work[-1] > 5
    assert found["rms_eV"] < 0.005 * work[-1]
    assert np.allclose(work, small_run().force_eV_per_A * series["displacement_x_A"], atol=1e-6)
    # The balance must notice a sink of momentum that is forgotten: the fluid's share of the work.
    particle = work[-1] * (1 + 186 * 63.546 / (small_run().fluid_atoms * 39.948)) ** -1
    assert work[-1] - particle > 20 * found["rms_eV"]


def test_energy_drift_above_the_limit_fails(finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run whose energy does not close leaves no run.json, only a message and its segments."""
    monkeypatch.setattr(closure, "CERTAINTY", 0.0)  # picoseconds know no drift well enough to condemn it
    shutil.copytree(finished / "segments", tmp_path / "segments")
    strict = {"closure_drift_eV_per_ns": 1e-9, "closure_drift_of_work": 1e-9}
    with pytest.raises(ClosureError, match="closure_drift_of_work"):
        perform(small_run(limits=strict), tmp_path, Ranks(1))
    assert not (tmp_path / "run.json").exists()
    assert list(tmp_path.glob("segments/*/0003/segment.json"))


LONG_RUN = """
import sys
from pathlib import Path
from simulation.engines.ranks import Ranks, single_threaded
from simulation.perform import perform
from tests.md.test_drag import small_run
single_threaded()
perform(small_run(0.4), Path(sys.argv[1]), Ranks(1))
"""


def test_stopped_run_continues_to_the_same_bytes(finished: Path, tmp_path: Path) -> None:
    """A run ended by a signal in mid-segment keeps its committed segments; continued, it equals one left alone."""
    process = subprocess.Popen(
        [sys.executable, "-c", LONG_RUN, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + 120
    while not list(tmp_path.glob("segments/*/0002/segment.json")) and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGTERM)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGTERM
    assert "the same command continues" in said
    committed = segments_of(small_run(), tmp_path)
    first = (committed.folder / "0002" / SERIES).stat().st_mtime_ns
    perform(small_run(), tmp_path, Ranks(1))
    assert (committed.folder / "0002" / SERIES).stat().st_mtime_ns == first, "a segment was run again"
    assert (tmp_path / "series.parquet").read_bytes() == (finished / "series.parquet").read_bytes()


@pytest.mark.parametrize("thermostat", ["langevin", "csvr"])
def test_energy_closes_with_every_thermostat(thermostat: str, tmp_path: Path) -> None:
    """Random thermostats heat and cool the motion about the drift alone: energy closes and momentum stays zero."""
    run = small_run(0.002, baths={"thermostat": thermostat})
    perform(run, tmp_path, Ranks(1))
    series = pd.read_parquet(tmp_path / "series.parquet")
    assert np.ptp(series["thermostat_eV"]) > 0.5
    assert first_law(run, series)["rms_eV"] < 0.02 * np.ptp(series["thermostat_eV"])
    fluid = run.fluid_atoms * 39.948 / (186 * 63.546)
    momentum = series["particle_velocity_x_A_per_ps"] + fluid * series["fluid_velocity_x_A_per_ps"]
    assert momentum.abs().max() < 1e-9


def test_standalone_deck_runs_in_plain_lammps(tmp_path: Path) -> None:
    """The deck of a drag run runs by itself with `lmp -in`, to its last step."""
    (tmp_path / "deck.lmp").write_text(small_run(0.002).standalone())
    lmp = Path(sys.executable).parent / "lmp"
    result = subprocess.run(
        [str(lmp), "-in", "deck.lmp", "-screen", "none"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr
    rows = np.loadtxt(tmp_path / "series.dat")
    assert rows[-1, 0] == 500
    assert np.isfinite(rows).all()
