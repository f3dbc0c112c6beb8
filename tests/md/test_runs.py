"""Whole runs of a small system: the run-folder contract, resuming, identity of the data, and decks that stand alone."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
import warnings
from functools import partial
from pathlib import Path
from typing import Any

import MDAnalysis
import numpy as np
import pandas as pd
import pytest

from analysis.data.runs import read_folder
from analysis.data.universe import universe
from simulation import perform as performing
from simulation.engines.ranks import EngineError, Ranks
from simulation.experiments.baths import Baths
from simulation.experiments.machine import Machine
from simulation.folder.closure import ClosureError
from simulation.perform import perform
from simulation.segments import checkpoint, stop
from simulation.storage.files import DECK, DEMON, LOG, RESTART, RUN, SERIES, TOPOLOGY, TRAJECTORY
from simulation.storage.lock import LockedError
from simulation.study.fields import THERMOSTATS
from simulation.study.section import SIDES
from tests.md.command import ROOT, command, start_command, wait_until, write_study
from tests.md.conftest import (
    THIN,
    laid_over,
    machine,
    made_at,
    record_of,
    run_plainly,
    segments_in,
    skip_unless_it_runs,
    small_study,
    started_for,
    thin_study,
)

pytestmark = pytest.mark.md


@pytest.fixture(scope="module")
def finished(start: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run folder of a run of 4 ps in two segments, undisturbed."""
    folder = tmp_path_factory.mktemp("finished")
    perform(machine(small_study()), folder, Ranks(1), start)
    return folder


# --- the run folder -----------------------------------------------------------------------------------------------------------


def test_run_folder_keeps_its_contract(finished: Path) -> None:
    """The run folder holds what docs/reference/run-folder.md promises, all of it whole, and the analysis reads it."""
    content, series = record_of(finished), pd.read_parquet(finished / SERIES)
    names = {RUN, SERIES, TOPOLOGY, TRAJECTORY, LOG, DECK}
    assert {file.name for file in finished.iterdir()} == names | {"segments"}
    assert set(content["sha256"]) == names - {RUN}
    assert content["format"] == 2
    assert (content["purpose"], content["point"], content["kappa_ratio"]) == ("sweep", "kH_4.80", "4.80")
    assert content["parameters"]["coupling_hot_eV_per_A2"] == pytest.approx(0.48)
    assert content["controller"]["law"] == "linear"
    assert content["ranks"] == [1]
    assert content["duration_ps"] == pytest.approx(4.0)
    assert content["system"]["boundaries"] == {"x": "walls", "y": "periodic", "z": "periodic"}
    assert 0 < content["loop_time_s"] < content["wall_time_s"]
    assert np.diff(series["step"]).tolist() == [25] * 40
    started_at_zero = [name for name in series.columns if name.startswith(("work", "thermostat"))]
    assert len(started_at_zero) == 8
    assert (series[started_at_zero].iloc[0] == 0).all()
    assert series.notna().all(axis=None)
    _, _, read = read_folder(finished)
    assert len(read) == 41


def test_baths_folder_keeps_its_contract(start: Path) -> None:
    """So does that of the equilibration, which also holds the state that runs start from."""
    content, series = record_of(start), pd.read_parquet(start / SERIES)
    assert content["purpose"] == "equilibration"
    assert set(content["sha256"]) == {RESTART, SERIES, TOPOLOGY, LOG}
    assert 0 < content["loop_time_s"] < content["wall_time_s"]
    assert content["checks"]["order_cold"] == pytest.approx(series["order_cold_1"].iloc[-5:].mean())
    assert np.diff(series["step"]).tolist() == [25] * 20
    assert series.notna().all(axis=None)


def test_atoms_open_in_mdanalysis(finished: Path) -> None:
    """Plain MDAnalysis opens a folder's atoms without being told how, `analysis.data` names them; frames are the run's."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        plain = MDAnalysis.Universe(str(finished / TOPOLOGY), str(finished / TRAJECTORY))
    named = universe(finished)
    series = pd.read_parquet(finished / SERIES)
    at_frames = series[series["step"] % 250 == 0]
    assert np.unique(plain.atoms.types).tolist() == ["1", "2", "3", "4", "5", "6"]
    for found, words in ((plain, "type {type}"), (named, "segid {side} and resname particle")):
        assert [round(frame.time, 3) for frame in found.trajectory] == [0, 1, 2, 3, 4]
        for number, side in enumerate(SIDES):
            particle = found.select_atoms(words.format(side=side, type=3 + number))
            assert particle.n_atoms == 186
            trap = np.array([18.0 + 36 * number, 18, 18])
            centres = np.array([particle.center_of_geometry() - trap for _ in found.trajectory])
            recorded = at_frames[[f"position_{side}_{axis}_A" for axis in "xyz"]]
            np.testing.assert_allclose(centres, recorded, rtol=0, atol=1e-4)
    assert set(named.select_atoms("resname bath").names) == {"Ar"}
    assert named.select_atoms("name Cu").masses[0] == pytest.approx(63.546)


def test_energy_closes_on_each_side(finished: Path) -> None:
    """Work on a particle equals heat to its thermostat plus what its side stores, far below either."""
    run, series = machine(small_study()), pd.read_parquet(finished / SERIES)
    for balance, side in zip(run.balances(series), SIDES, strict=True):
        assert balance.side == side
        rms = balance.residual_eV.std()
        assert rms < 0.02
        work = np.abs(series[[f"work_{side}_{axis}_eV" for axis in "xyz"]].sum(axis=1)).max()
        exchanged = np.ptp(series[f"thermostat_{side}_eV"])
        assert exchanged > 20 * rms, "nothing was exchanged, so nothing was tested"
        assert work > 0
    # A work that is wrong by a tenth of what was exchanged, on one side alone, is noticed there.
    exchanged = np.ptp(series["thermostat_hot_eV"])
    spoiled = series.assign(work_hot_x_eV=series["work_hot_x_eV"] + 0.1 * exchanged * series["time_ps"] / 4)
    cold, hot = (found.residual_eV.std() for found in run.balances(spoiled))
    assert cold < 0.02
    assert hot > 3 * run.balances(series)[1].residual_eV.std()


@pytest.mark.parametrize("thermostat", ["langevin", "csvr"])
def test_energy_closes_with_random_thermostats(thermostat: str, start: Path, tmp_path: Path) -> None:
    """Over two segments, each thermostat's energy is counted with the right sign and without a jump at the seam."""
    skip_unless_it_runs(thermostat)
    run = machine(small_study(baths={"thermostat": thermostat, "thermostat_damping_ps": 1.0}))
    perform(run, tmp_path / "run", Ranks(1), started_for(run.study, start, tmp_path / "start"))
    series = pd.read_parquet(tmp_path / "run" / SERIES)
    for balance in run.balances(series):
        exchanged = np.ptp(series[f"thermostat_{balance.side}_eV"])
        assert exchanged > 0.5
        assert balance.residual_eV.std() < 0.02 * exchanged
    # Random thermostats get a new stream in each segment: a repeated one would repeat its kicks.
    seeds = [
        re.findall(rf"^fix +thermostat.*{thermostat}.* (\d+)(?: tally yes)?$", log.read_text(), re.MULTILINE)
        for log in sorted(tmp_path.glob("run/segments/*/*/log.lammps"))
    ]
    assert len({seed for found in seeds for seed in found}) == 2 * len(seeds) == 6


@pytest.mark.parametrize("thermostat", THERMOSTATS)
def test_looking_at_a_run_changes_nothing(
    thermostat: str, thin_start: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However often LAMMPS is looked at, for signals and progress, every byte is the same, and the energy closes."""
    skip_unless_it_runs(thermostat)
    run = machine(
        thin_study(baths={"thermostat": thermostat}, schedule={"segment_ps": 0.4, "trajectory_every_ps": 0.4})
    )
    begin = started_for(run.study, thin_start, tmp_path / "start")
    for every in (10, 35, 1000):
        monkeypatch.setattr("simulation.segments.piece.LOOK_EVERY_STEPS", every)
        perform(run, tmp_path / str(every), Ranks(1), begin)
    whole = (tmp_path / "1000" / SERIES).read_bytes()
    assert (tmp_path / "10" / SERIES).read_bytes() == (tmp_path / "35" / SERIES).read_bytes() == whole
    series = pd.read_parquet(tmp_path / "10" / SERIES)
    assert np.ptp(series["thermostat_hot_eV"]) > 0.01
    assert max(balance.residual_eV.std() for balance in run.balances(series)) < 0.01


def test_energy_drift_above_the_limit_fails(start: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run whose energy does not close within the study's limit leaves no run.json, only a message and its segments."""
    monkeypatch.setattr("simulation.folder.closure.CERTAINTY", 0.0)  # 2 ps know no drift well enough to condemn it
    strict = small_study(limits={"closure_drift_eV_per_ns": 1e-9}, schedule={"sweep_ns": 0.002})
    with pytest.raises(ClosureError, match=r"limits\.closure_drift_eV_per_ns"):
        perform(machine(strict), tmp_path, Ranks(1), start)
    assert not (tmp_path / RUN).exists()
    assert list(tmp_path.glob("segments/*/0001/segment.json"))


def test_standalone_deck_runs_in_plain_lammps(tmp_path: Path) -> None:
    """The deck written for a point runs by itself with `lmp -in`, to its last step, and records a demon that pushes."""
    run = machine(thin_study(demon={"coupling_cold_eV_per_A2": 10}, schedule={"sweep_ns": 0.004, "relaxation_ps": 1}))
    deck = run.standalone()
    assert deck is not None
    (tmp_path / DECK).write_text(deck, encoding="utf-8")
    run_plainly(tmp_path)
    names = ["step", *(column.series_name for column in run.columns() if not column.name.startswith("work"))]
    series = pd.DataFrame(np.loadtxt(tmp_path / "series.dat"), columns=names)
    assert series["step"].tolist() == list(range(0, 1001, 5))
    assert np.isfinite(series).all(axis=None)
    # The demon's work, from the positions that are recorded, is what its side's energy lacks without it.
    place = {side: series[[f"position_{side}_{axis}_A" for axis in "xyz"]].to_numpy() for side in SIDES}
    for side, other, kappa in (("cold", "hot", 10), ("hot", "cold", 48)):
        force = kappa * (place[other] - place[side])
        work = np.r_[0, np.cumsum(((force[1:] + force[:-1]) / 2 * np.diff(place[side], axis=0)).sum(axis=1))]
        energy = series[[f"{name}_{side}_eV" for name in ("thermostat", "energy", "trap")]].sum(axis=1).to_numpy()
        gained = energy - energy[0]
        assert np.std(gained - work) < 0.2 * np.ptp(work)
        assert np.std(gained - work) < 0.5 * np.std(gained)


# --- a run that is there is left alone, one that is not whole is continued ---------------------------------------------------


def forbid_lammps(monkeypatch: pytest.MonkeyPatch) -> None:
    """From here on nothing may run."""

    def fail(*arguments: object, **options: object) -> None:
        raise AssertionError("LAMMPS was started")

    monkeypatch.setattr("simulation.segments.piece.open_lammps", fail)


def test_finished_run_is_left_alone(
    thin_start: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Called again, a finished run is only made as new for workflows that compare times: no LAMMPS, no byte changed."""
    run = machine(thin_study())
    perform(run, tmp_path, Ranks(1), thin_start)
    files = {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()}
    for file in files:
        os.utime(file, (1e9, 1e9))
    forbid_lammps(monkeypatch)
    perform(run, tmp_path, Ranks(1), thin_start)
    assert "thin kH_4.80 replica 1: complete" in capsys.readouterr().err
    assert {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()} == files
    assert {file.name for file in files if file.stat().st_mtime > 1e9} == {SERIES, RUN}
    # Not even its start is asked for.
    perform(run, tmp_path, Ranks(1))


@pytest.mark.parametrize("name", [RUN, SERIES, TOPOLOGY, TRAJECTORY, LOG, DECK])
@pytest.mark.parametrize("damage", ["changed", "gone"])
def test_finished_run_is_made_good_from_its_segments(
    name: str, damage: str, thin_start: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whichever file of a finished run is damaged, the same command writes it anew, without a step of LAMMPS."""
    run = machine(thin_study())
    perform(run, tmp_path, Ranks(1), thin_start)
    whole = {file: file.read_bytes() for file in tmp_path.iterdir() if file.is_file()}
    if damage == "gone":
        (tmp_path / name).unlink()
    else:
        (tmp_path / name).write_bytes(whole[tmp_path / name][:-1] + b"?")
    forbid_lammps(monkeypatch)
    perform(run, tmp_path, Ranks(1), thin_start)
    assert {file: file.read_bytes() for file in tmp_path.iterdir() if file.is_file()} == whole


def test_lengthened_run_gives_the_bytes_of_a_long_one(finished: Path, start: Path, tmp_path: Path) -> None:
    """A run that was finished shorter is continued, not repeated, and writes the series of one that was long at once."""
    short = small_study(schedule={"sweep_ns": 0.002})
    perform(machine(short), tmp_path, Ranks(1), start)
    before = made_at(tmp_path)
    perform(machine(small_study()), tmp_path, Ranks(1), start)
    after = made_at(tmp_path)
    assert (len(before), len(after)) == (2, 3)
    assert after.items() >= before.items(), "a committed segment was run again"
    for name in (SERIES, TRAJECTORY):
        assert (tmp_path / name).read_bytes() == (finished / name).read_bytes(), name
    assert record_of(tmp_path)["duration_ps"] == pytest.approx(4.0)


def test_other_interval_of_the_trajectory_continues(thin_start: Path, tmp_path: Path) -> None:
    """How often atoms are kept is no physics: the run goes on, and its frames are equidistant and those of the series."""

    def run(trajectory_every_ps: float, sweep_ns: float) -> Machine:
        schedule = {"segment_ps": 0.6, "friction_ns": 0.0006, "sweep_ns": sweep_ns}
        return machine(thin_study(schedule=schedule | {"trajectory_every_ps": trajectory_every_ps}))

    begin = started_for(run(0.2, 0.0012).study, thin_start, tmp_path / "start")
    perform(run(0.2, 0.0006), tmp_path / "run", Ranks(1), begin)
    before = made_at(tmp_path / "run")
    perform(run(0.3, 0.0018), tmp_path / "run", Ranks(1), begin)
    assert made_at(tmp_path / "run").items() >= before.items()
    atoms, series = universe(tmp_path / "run"), pd.read_parquet(tmp_path / "run" / SERIES)
    # 0.2 ps, then 0.3 ps: both segments have frames every 0.6 ps.
    assert [round(frame.time, 3) for frame in atoms.trajectory] == [0, 0.6, 1.2, 1.8]
    particle = atoms.select_atoms("segid hot and resname particle")
    centres = [particle.center_of_geometry()[2] - 15.0 for _ in atoms.trajectory]
    np.testing.assert_allclose(centres, series.loc[series["step"] % 150 == 0, "position_hot_z_A"], rtol=0, atol=1e-4)


def test_other_parameters_never_share_segments(
    thin_start: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A changed coupling starts in a new place, says what changed, and leaves the old segments alone."""
    for coupling in ("0.1", "0.09"):
        study = thin_study(demon={"coupling_cold_eV_per_A2": coupling})
        perform(machine(study), tmp_path, Ranks(1), thin_start)
    assert "kH_4.80 replica 1: controller changed: starting afresh; the older" in capsys.readouterr().err
    assert len(list(tmp_path.glob("segments/*/0002/segment.json"))) == 2


def test_interrupted_equilibration_gives_the_same_bytes(tmp_path: Path) -> None:
    """Stopped after each of its segments, an equilibration ends in the very state of one left alone."""
    run = Baths(thin_study(), 1)
    perform(run, tmp_path / "whole", Ranks(1))
    for _ in range(2):  # build, 0.2 ps, 0.2 ps
        with pytest.raises(SystemExit) as stopped:
            perform(run, tmp_path / "pieces", Ranks(1), time_limit_minutes=0)
        assert stopped.value.code == 75
    perform(run, tmp_path / "pieces", Ranks(1), time_limit_minutes=0)
    for name in (RESTART, TOPOLOGY, SERIES):
        assert (tmp_path / "pieces" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_start_of_another_study_is_refused(start: Path, tmp_path: Path) -> None:
    """A run does not begin from baths that were equilibrated at another temperature, nor from nothing."""
    warmer = small_study(baths={"temperature_hot_K": 130})
    with pytest.raises(EngineError, match="equilibrated with other parameters"):
        perform(machine(warmer), tmp_path, Ranks(1), start)
    with pytest.raises(EngineError, match="starts from equilibrated baths: give --start"):
        perform(machine(warmer), tmp_path, Ranks(1))
    assert not list(tmp_path.iterdir())


# --- stopped from outside -----------------------------------------------------------------------------------------------------

HOLD_LOCK = """
import sys, time
from pathlib import Path
from simulation.segments.checkpoint import Segments
with Segments(Path(sys.argv[1]), {"deck": []}).locked():
    print("held", flush=True)
    time.sleep(600)
"""


def test_second_process_on_a_run_stops_at_the_lock(
    thin_start: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While one process holds a run, another is told who does, and the lock of a process that died holds nobody up."""
    run = machine(thin_study())
    with subprocess.Popen(
        [sys.executable, "-c", HOLD_LOCK, str(tmp_path / "segments")], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        monkeypatch.setattr(checkpoint, "LOCK_PATIENCE_S", 0.5)
        with pytest.raises(LockedError, match=f"in use by process {holder.pid} of"):
            perform(run, tmp_path, Ranks(1), thin_start)
        holder.kill()
    with performing.segments_of(run, tmp_path).locked():
        pass


def long_run(folder: Path, baths: Path) -> tuple[Any, ...]:
    """Arguments of a run of the thin study that takes a minute, for the command, where all that it needs is."""
    data = laid_over(THIN, {"schedule": {"sweep_ns": 0.1}})
    write_study(folder, "thin", data)
    return ("run", "thin", "kH_4.80", "1", folder / "run", "--start", baths)


def has_committed(folder: Path, segments: int) -> bool:
    """Whether a run has committed so many segments."""
    return len(segments_in(folder)) >= segments


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_killed_run_continues_to_the_same_bytes(number: signal.Signals, thin_start: Path, tmp_path: Path) -> None:
    """A run ended by a signal in mid-segment keeps its committed segments; continued, it equals one left alone."""
    with start_command(tmp_path, *long_run(tmp_path, thin_start)) as process:
        wait_until(partial(has_committed, tmp_path / "run", 2), process)
        process.send_signal(number)
        said, _ = process.communicate(timeout=60)
    if number == signal.SIGKILL:
        assert process.returncode == -signal.SIGKILL
    else:
        assert process.returncode == 128 + number
        assert f"stopped by {number.name}; the same command continues" in said
    assert not (tmp_path / "run" / RUN).exists()
    before = made_at(tmp_path / "run")
    steps = 50 * len(before)  # to end a segment later
    study = thin_study(schedule={"sweep_ns": round(steps * 4e-6, 9)})
    perform(machine(study), tmp_path / "run", Ranks(1), thin_start)
    assert made_at(tmp_path / "run").items() >= before.items()
    perform(machine(study), tmp_path / "whole", Ranks(1), thin_start)
    assert (tmp_path / "run" / SERIES).read_bytes() == (tmp_path / "whole" / SERIES).read_bytes()
    for name in (RESTART, DEMON):
        one, other = (segments_in(tmp_path / folder)[-1] / name for folder in ("run", "whole"))
        assert one.read_bytes() == other.read_bytes()


def test_orphaned_run_stops(thin_start: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run whose Snakemake was killed outright stops at its next look, says why, and does not hold its lock for days."""
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]) as workflow:
        monkeypatch.setenv(stop.WORKFLOW, f"{socket.gethostname()} {workflow.pid}")
        with start_command(tmp_path, *long_run(tmp_path, thin_start)) as process:
            wait_until(partial(has_committed, tmp_path / "run", 2), process)
            workflow.kill()
            workflow.wait()
            said, _ = process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGHUP
    assert f"stopped because its workflow, process {workflow.pid}, has ended; the same command continues" in said


def test_run_stops_before_its_time_limit(thin_start: Path, tmp_path: Path) -> None:
    """A run that cannot end in time stops after a whole segment, before the limit, with an exit code of its own."""
    began = time.monotonic()
    result = command(tmp_path, *long_run(tmp_path, thin_start), "--time-limit-min", "0.05")
    assert result.returncode == 75, result.stderr
    assert time.monotonic() - began < 30, "it ran on past 3 s of allowed time and the time to start"
    assert "stopped before its time limit" in result.stdout
    assert len(segments_in(tmp_path / "run")) > 2
    assert not list(tmp_path.glob("run/segments/*/*.part"))


def test_one_process_is_one_thread(thin_start: Path, tmp_path: Path) -> None:
    """A workflow that asks for threads is not heard: LAMMPS would take cores that other runs have."""
    write_study(tmp_path, "thin", THIN)
    arguments = ("run", "thin", "kH_4.80", "1", tmp_path / "run", "--start", thin_start)
    result = command(tmp_path, *arguments, OMP_NUM_THREADS="4")
    assert result.returncode == 0, result.stderr
    log = (tmp_path / "run" / LOG).read_text(encoding="utf-8")
    assert "1 MPI tasks x 1 OpenMP threads" in log
    assert "using 1 OpenMP thread(s) per MPI task" in log
