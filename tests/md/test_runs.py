"""Whole runs of a small system: resume, identity of the data, the run-folder contract, and decks that stand alone."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import warnings
from pathlib import Path

import MDAnalysis
import numpy as np
import pandas as pd
import pytest

from analysis.units import ATOMIC_MASS, BOLTZMANN
from simulation import checkpoint, stop
from simulation.closure import ClosureError
from simulation.deck import render_segment, render_standalone, run_identity
from simulation.engine import EngineError, Ranks, open_lammps, tell
from simulation.lock import LockedError
from simulation.plan import Run
from simulation.runfolder import first_law
from simulation.simulate import START_RESTART, make_start, simulate
from tests.md.conftest import small_study

pytestmark = pytest.mark.md


@pytest.fixture(scope="module")
def finished(start: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run folder of a run of 4 ps in two segments, undisturbed."""
    folder = tmp_path_factory.mktemp("finished")
    simulate(Run(small_study(), "kH_4.80", 1), start, folder, Ranks(1))
    return folder


def test_run_folder_keeps_its_contract(finished: Path) -> None:
    """The run folder holds what docs/run-folder.md promises, and MDAnalysis opens its trajectory."""
    content = json.loads((finished / "run.json").read_text())
    series = pd.read_parquet(finished / "series.parquet")
    assert content["format"] == 1
    assert content["parameters"]["coupling_hot_eV_per_A2"] == pytest.approx(0.48)
    assert content["duration_ps"] == pytest.approx(4.0)
    assert np.diff(series["step"]).tolist() == [25] * 40
    assert np.allclose(series["time_ps"], series["step"] * 0.004)
    started_at_zero = [name for name in series.columns if name.startswith(("work", "thermostat"))]
    assert len(started_at_zero) == 8
    assert (series[started_at_zero].iloc[0] == 0).all()
    assert series.notna().all(axis=None)
    assert (series[["internal_temperature_cold_K", "internal_temperature_hot_K"]] > 0).all(axis=None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        universe = MDAnalysis.Universe(
            str(finished / "topology.data"),
            str(finished / "trajectory.dcd"),
            topology_format="DATA",
            atom_style="id type x y z",
        )
        particle = universe.select_atoms("type 3")
        assert particle.n_atoms == 186
        assert [round(frame.time, 3) for frame in universe.trajectory] == [0, 1, 2, 3, 4]
        # Frame and series agree: the trajectory is that of this run.
        centre = [particle.center_of_geometry()[0] - 18.0 for _ in universe.trajectory]
    at_frames = series.loc[series["step"] % 250 == 0, "position_cold_x_A"].to_numpy()
    assert np.allclose(centre, at_frames, atol=1e-4)


def test_internal_temperature_is_that_of_the_motion_about_the_centre_of_mass(start: Path, tmp_path: Path) -> None:
    """The column is m Σ (v_i − V)² / (3N − 3) k_B of the copper's own velocities, whatever the particle's drift."""
    run = Run(small_study(), "kH_4.80", 1)
    with open_lammps(run.study, tmp_path, Ranks(1)) as lmp:
        tell(lmp, render_segment(run, str(start / START_RESTART), 1), run.study)
        lmp.set_fix_external_callback("demon", lambda *_: None, None)
        lmp.fix_external_set_vector_length("demon", 6)
        # A drift of 1 Å/ps would be 950 K if it counted as heat.
        tell(lmp, "velocity particle_hot set 1.0 NULL NULL sum yes\nrun 0\n", run.study)
        count = lmp.extract_global("nlocal")
        types = lmp.numpy.extract_atom("type")[:count]
        velocities = lmp.numpy.extract_atom("v")[:count]
        for side, kind in (("cold", 3), ("hot", 4)):
            copper = velocities[types == kind]
            energy = run.study.materials.copper.mass_u * ATOMIC_MASS * ((copper - copper.mean(axis=0)) ** 2).sum()
            expected = energy / ((3 * 186 - 3) * BOLTZMANN)
            assert lmp.extract_variable(f"internal_temperature_{side}") == pytest.approx(expected, rel=1e-5)


def test_energy_closes_on_each_side(finished: Path) -> None:
    """Work on a particle equals heat to its thermostat plus what its side stores, far below either."""
    series = pd.read_parquet(finished / "series.parquet")
    closure = first_law(series, "xyz")
    assert closure["cold"]["rms_eV"] < 0.02
    assert closure["hot"]["rms_eV"] < 0.02
    work = np.abs(series[[f"work_hot_{axis}_eV" for axis in "xyz"]].sum(axis=1)).max()
    exchanged = np.ptp(series["thermostat_hot_eV"])
    assert exchanged > 20 * closure["hot"]["rms_eV"], "nothing was exchanged, so nothing was tested"
    assert work > 0
    # The balance must notice a work that is wrong by a tenth of what was exchanged.
    spoiled = series.assign(work_hot_x_eV=series["work_hot_x_eV"] + 0.1 * exchanged * series["time_ps"] / 4)
    assert abs(first_law(spoiled, "xyz")["hot"]["drift_eV_per_ns"]) > 10 * abs(closure["hot"]["drift_eV_per_ns"])


def test_interrupted_run_gives_the_same_bytes(finished: Path, start: Path, tmp_path: Path) -> None:
    """A run stopped after its first measured segment and continued later writes the series of one left alone, byte for byte."""
    short = small_study(schedule={"sweep_ns": 0.002})
    simulate(Run(short, "kH_4.80", 1), start, tmp_path, Ranks(1))
    first = next(tmp_path.glob("segments/*/0001/series.parquet")).stat().st_mtime_ns
    simulate(Run(small_study(), "kH_4.80", 1), start, tmp_path, Ranks(1))
    assert next(tmp_path.glob("segments/*/0001/series.parquet")).stat().st_mtime_ns == first, (
        "a committed segment was run again"
    )
    assert (tmp_path / "series.parquet").read_bytes() == (finished / "series.parquet").read_bytes()


def test_other_parameters_never_share_segments(start: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A changed coupling starts in a new place, says what changed, and leaves the old segments alone."""
    for coupling in ("0.1", "0.09"):
        study = small_study(demon={"coupling_cold_eV_per_A2": coupling}, schedule={"sweep_ns": 0.002})
        simulate(Run(study, "kH_4.80", 1), start, tmp_path, Ranks(1))
    assert "kH_4.80 replica 1: couplings changed: starting afresh" in capsys.readouterr().err
    assert len(list(tmp_path.glob("segments/*/0001/segment.json"))) == 2


def test_interrupted_equilibration_gives_the_same_bytes(tmp_path: Path) -> None:
    """Stopped after each of its segments, an equilibration ends in the very state of one left alone."""
    study = small_study(schedule={"segment_ps": 1, "equilibration_ps": 1.5})
    make_start(study, tmp_path / "whole", Ranks(1))
    for stops in range(3):  # build, 1 ps, 0.5 ps: the last ends it
        with contextlib.nullcontext() if stops == 2 else pytest.raises(SystemExit):
            make_start(study, tmp_path / "pieces", Ranks(1), time_limit_minutes=0)
    for name in ("equilibrated.restart", "topology.data"):
        assert (tmp_path / "pieces" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_start_of_another_study_is_refused(start: Path, tmp_path: Path) -> None:
    """A run does not begin from baths that were equilibrated at another temperature."""
    warmer = small_study(baths={"temperature_hot_K": 130})
    with pytest.raises(EngineError, match="equilibrated with other parameters"):
        simulate(Run(warmer, "kH_4.80", 1), start, tmp_path, Ranks(1))


def test_energy_drift_above_the_limit_fails(start: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run whose energy does not close within the study's limit leaves no run.json, only a message and its segments."""
    monkeypatch.setattr("simulation.closure.CERTAINTY", 0.0)  # 2 ps know no drift well enough to condemn it
    strict = small_study(limits={"closure_drift_eV_per_ns": 1e-9}, schedule={"sweep_ns": 0.002})
    with pytest.raises(ClosureError, match=r"limits\.closure_drift_eV_per_ns"):
        simulate(Run(strict, "kH_4.80", 1), start, tmp_path, Ranks(1))
    assert not (tmp_path / "run.json").exists()
    assert list(tmp_path.glob("segments/*/0001/segment.json"))


def test_standalone_deck_runs_in_plain_lammps(tmp_path: Path) -> None:
    """The deck written for a point runs by itself with `lmp -in`, to its last step, and records a demon that pushes."""
    (tmp_path / "deck.lmp").write_text(render_standalone(Run(small_study(), "kH_4.80", 1)))
    lmp = Path(sys.executable).parent / "lmp"
    result = subprocess.run(
        [str(lmp), "-in", "deck.lmp", "-screen", "none"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    rows = np.loadtxt(tmp_path / "series.dat")
    assert rows[-1, 0] == 1000
    assert np.isfinite(rows).all()


@pytest.mark.parametrize("thermostat", ["langevin", "csvr"])
def test_energy_closes_with_every_thermostat(thermostat: str, tmp_path: Path) -> None:
    """Over two segments, each thermostat's energy is counted with the right sign and without a jump at the seam."""
    study = small_study(baths={"thermostat": thermostat, "thermostat_damping_ps": 1.0})
    run = Run(study, "kH_4.80", 1)
    make_start(study, tmp_path / "start", Ranks(1))
    simulate(run, tmp_path / "start", tmp_path / "run", Ranks(1))
    series = pd.read_parquet(tmp_path / "run/series.parquet")
    closure = first_law(series, "xyz")
    for side in ("cold", "hot"):
        exchanged = np.ptp(series[f"thermostat_{side}_eV"])
        assert exchanged > 0.5
        assert closure[side]["rms_eV"] < 0.02 * exchanged
    # Random thermostats get a new stream in each segment: a repeated one would repeat its kicks.
    seeds = [
        re.findall(rf"{thermostat}.* (\d+)(?: tally yes)?$", log.read_text(), re.MULTILINE)
        for log in segment_logs(tmp_path)
    ]
    assert len({seed for found in seeds for seed in found}) == 2 * len(seeds) == 6


def segment_logs(folder: Path) -> list[Path]:
    """LAMMPS's log of each segment of a run."""
    return sorted(folder.glob("run/segments/*/*/log.lammps"))


ROOT = Path(__file__).resolve().parents[2]
HOLD_LOCK = """
import sys, time
from pathlib import Path
from simulation.checkpoint import Segments
with Segments(Path(sys.argv[1]), {"deck": []}).locked():
    print("held", flush=True)
    time.sleep(600)
"""


def test_second_process_on_a_run_stops_at_the_lock(
    start: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While one process holds a run, another is told who does, and the lock of a process that died holds nobody up."""
    run = Run(small_study(schedule={"sweep_ns": 0.002}), "kH_4.80", 1)
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD_LOCK, str(tmp_path / "segments")], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    monkeypatch.setattr(checkpoint, "LOCK_PATIENCE_S", 0.5)
    with pytest.raises(LockedError, match=f"in use by process {holder.pid} of"):
        simulate(run, start, tmp_path, Ranks(1))
    holder.kill()
    holder.wait()
    with checkpoint.Segments(tmp_path / "segments", run_identity(run)).locked():
        pass


LONG_RUN = """
import sys
from pathlib import Path
from simulation.engine import Ranks, single_threaded
from simulation.plan import Run
from simulation.simulate import simulate
from tests.md.conftest import small_study
single_threaded()
run = Run(small_study(schedule={"sweep_ns": 0.2}), "kH_4.80", 1)
simulate(run, Path(sys.argv[1]), Path(sys.argv[2]), Ranks(1), float(sys.argv[3]) if len(sys.argv) > 3 else None)
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_killed_run_continues_to_the_same_bytes(
    number: signal.Signals, finished: Path, start: Path, tmp_path: Path
) -> None:
    """A run ended by a signal in mid-segment keeps its committed segments; continued, it equals one left alone."""
    command = [sys.executable, "-c", LONG_RUN, str(start), str(tmp_path)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 120
    while not list(tmp_path.glob("segments/*/0001/segment.json")) and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(number)
    said, _ = process.communicate(timeout=60)
    if number == signal.SIGKILL:
        assert process.returncode == -signal.SIGKILL
    else:
        assert process.returncode == 128 + number
        assert f"stopped by {number.name}; the same command continues" in said
    assert not (tmp_path / "run.json").exists()
    first = next(tmp_path.glob("segments/*/0001/series.parquet")).stat().st_mtime_ns
    simulate(Run(small_study(), "kH_4.80", 1), start, tmp_path, Ranks(1))
    assert next(tmp_path.glob("segments/*/0001/series.parquet")).stat().st_mtime_ns == first
    assert (tmp_path / "series.parquet").read_bytes() == (finished / "series.parquet").read_bytes()


def test_orphaned_run_stops(start: Path, tmp_path: Path) -> None:
    """A run whose Snakemake was killed outright stops at its next sample, says why, and does not hold its lock for days."""
    workflow = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    process = subprocess.Popen(
        [sys.executable, "-c", LONG_RUN, str(start), str(tmp_path)],
        cwd=ROOT,
        env=os.environ | {stop.WORKFLOW: f"{socket.gethostname()} {workflow.pid}"},
        stdout=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 120
    while not list(tmp_path.glob("segments/*/0001/segment.json")) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert process.poll() is None
    workflow.kill()
    workflow.wait()
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGHUP
    assert f"stopped because its workflow, process {workflow.pid}, is gone; the same command continues" in said


def test_run_stops_before_its_time_limit(start: Path, tmp_path: Path) -> None:
    """A run that cannot end in time stops after a whole segment, well before the limit, with an exit code of its own."""
    command = [sys.executable, "-c", LONG_RUN, str(start), str(tmp_path), "0.2"]
    began = time.monotonic()
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 75
    assert time.monotonic() - began < 30, "it ran on past 12 s of allowed time and the time to start"
    assert "stopped before its time limit" in result.stdout
    assert list(tmp_path.glob("segments/*/0001/segment.json"))
    assert not list(tmp_path.glob("segments/*/*.part"))
