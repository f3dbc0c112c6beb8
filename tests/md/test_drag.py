"""Drag runs of a small system in real LAMMPS: momentum, energy, columns, resume, and a deck that stands alone."""

from __future__ import annotations

import shutil
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analysis.friction.drag import drag_summary, load_drag_run
from simulation.engines.ranks import Ranks
from simulation.experiments.drag import Drag
from simulation.folder.closure import ClosureError
from simulation.perform import perform
from simulation.storage.files import DECK, LOG, RUN, SERIES, TOPOLOGY, TRAJECTORY
from simulation.study.fields import THERMOSTATS
from tests.md.atoms import pair_energy_and_virial, read_atoms
from tests.md.command import start_command, wait_until, write_study
from tests.md.conftest import (
    SMALL,
    laid_over,
    made_at,
    record_of,
    run_plainly,
    segments_in,
    skip_unless_it_runs,
    small_study,
)

pytestmark = pytest.mark.md

FORCE = 3.0 / 1.602176634  # 3 nN in eV/Å
DRAG: dict[str, Any] = {"forces_nN": ["3.0"], "equilibration_ps": 1, "duration_ns": 0.004}


def small_run(duration_ns: float = 0.004, side: str = "hot", **sections: Any) -> Drag:
    """1 028 atoms, pulled by 3 nN."""
    return Drag(small_study(drag=DRAG | {"duration_ns": duration_ns}, **sections), 1, side, "3.0")


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run folder of a drag run of 4 ps in two segments, undisturbed."""
    folder = tmp_path_factory.mktemp("dragged")
    perform(small_run(), folder, Ranks(1))
    return folder


def fluid_mass(run: Drag) -> float:
    """Of all fluid, in masses of the particle."""
    return run.fluid_atoms * 39.948 / (186 * 63.546)


def test_run_folder_keeps_its_contract(finished: Path) -> None:
    """The folder holds what docs/reference/run-folder.md promises; the analysis reads it."""
    content = record_of(finished)
    assert (content["purpose"], content["side"], content["force_nN"]) == ("drag", "hot", "3.0")
    assert content["parameters"]["force_eV_per_A"] == pytest.approx(FORCE, rel=1e-9)
    assert content["parameters"]["temperature_K"] == 120
    assert content["system"]["boundaries"] == {"x": "periodic", "y": "periodic", "z": "periodic"}
    assert {DECK, LOG, TOPOLOGY, TRAJECTORY, SERIES, RUN} <= {file.name for file in finished.iterdir()}
    run = load_drag_run(finished)
    assert run.temperature == 120
    assert np.diff(run.series["step"]).tolist() == [25] * 40
    counted = run.series[["displacement_x_A", "displacement_y_A", "work_eV", "thermostat_eV"]]
    assert (counted.iloc[0] == 0).all()
    assert run.series.notna().all(axis=None)
    (found,) = drag_summary([[run]])
    assert (found.particle_atoms, found.largest_piece) == (186, 186)


def test_momentum_stays_zero_and_the_particle_starts_to_move(finished: Path) -> None:
    """The two forces cancel: the whole has no momentum, and at first the particle is sped up as by F alone, along x."""
    run = load_drag_run(finished)
    for axis in "xyz":
        particle = run.column(f"particle_velocity_{axis}_A_per_ps")
        momentum = particle + fluid_mass(small_run()) * run.column(f"fluid_velocity_{axis}_A_per_ps")
        assert np.abs(momentum).max() < 1e-9
    # For 0.5 ps inertia carries most of the force, friction some of it.
    gained = np.diff(run.column("particle_velocity_x_A_per_ps")[[0, 5]])[0]
    assert 0.5 < gained / (FORCE / run.mass * 0.5) < 1.1


def test_energy_closes(finished: Path) -> None:
    """Work of both forces equals heat to the thermostat plus energy gained; work is the force times the way."""
    series = pd.read_parquet(finished / SERIES)
    (balance,) = small_run().balances(series)
    rms = balance.residual_eV.std()
    work = series["work_eV"].to_numpy()
    assert work[-1] > 5
    assert rms < 0.005 * work[-1]
    assert np.allclose(work, FORCE * series["displacement_x_A"], atol=1e-6)
    assert balance.also["work_eV_per_ns"] == pytest.approx(work[-1] / 0.004)
    # The balance must notice a sink of momentum that is forgotten: the fluid's share of the work.
    particle = work[-1] / (1 + 1 / fluid_mass(small_run()))
    assert work[-1] - particle > 20 * rms


@pytest.mark.parametrize("side", ["cold", "hot"])
def test_columns_are_those_of_the_atoms(side: str, tmp_path: Path) -> None:
    """Sampled at every step, each column is what the atoms of this bath say: velocities, way, temperatures, energy, work."""
    schedule = {"sample_every_ps": 0.004, "segment_ps": 0.2, "trajectory_every_ps": 0.2}
    run = small_run(0.0004, side, schedule=schedule | {"friction_ns": 0.0004, "sweep_ns": 0.0004})
    perform(run, tmp_path, Ranks(1))
    series, atoms = pd.read_parquet(tmp_path / SERIES), read_atoms(tmp_path / TOPOLOGY)
    assert series["step"].tolist() == list(range(101))
    number = ["cold", "hot"].index(side)
    fluid, particle = atoms.of(1 + number), atoms.of(3 + number)
    assert (len(fluid.types), len(particle.types)) == (run.fluid_atoms, 186)
    assert len(atoms.types) == run.fluid_atoms + 186
    last = series.iloc[-1]
    for index, axis in enumerate("xyz"):
        speeds = {"particle": particle.velocities[:, index].mean(), "fluid": fluid.velocities[:, index].mean()}
        assert last[f"particle_velocity_{axis}_A_per_ps"] == pytest.approx(speeds["particle"], abs=1e-9)
        assert last[f"fluid_velocity_{axis}_A_per_ps"] == pytest.approx(speeds["fluid"], abs=1e-9)
        assert last[f"velocity_{axis}_A_per_ps"] == pytest.approx(speeds["particle"] - speeds["fluid"], abs=1e-9)
        speed = series[f"velocity_{axis}_A_per_ps"].to_numpy()
        way = np.r_[0, np.cumsum((speed[1:] + speed[:-1]) / 2 * 0.004)]
        np.testing.assert_allclose(series[f"displacement_{axis}_A"], way, rtol=0, atol=2e-4)
        assert np.ptp(way) > 0.01
    assert last["temperature_K"] == pytest.approx(fluid.temperature_K(about_mean=True), rel=1e-5)
    assert last["internal_temperature_K"] == pytest.approx(particle.temperature_K(about_mean=True), rel=1e-5)
    pairs, _ = pair_energy_and_virial(atoms, run.study, periodic_x=True)
    assert last["energy_eV"] == pytest.approx(atoms.kinetic_eV + pairs, abs=2e-5)
    np.testing.assert_allclose(series["work_eV"], FORCE * series["displacement_x_A"], rtol=0, atol=1e-9)
    assert abs(series["temperature_K"].mean() - run.study.temperature_K(side)) < 12


def test_energy_drift_above_the_limit_fails(finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run whose energy does not close leaves no run.json, only a message and its segments."""
    monkeypatch.setattr(
        "simulation.folder.closure.CERTAINTY", 0.0
    )  # picoseconds know no drift well enough to condemn it
    shutil.copytree(finished / "segments", tmp_path / "segments")
    strict = {"closure_drift_eV_per_ns": 1e-9, "closure_drift_of_work": 1e-9}
    with pytest.raises(ClosureError, match="closure_drift_of_work"):
        perform(small_run(limits=strict), tmp_path, Ranks(1))
    assert not (tmp_path / RUN).exists()
    assert len(segments_in(tmp_path)) == 4


def test_stopped_run_continues_to_the_same_bytes(finished: Path, tmp_path: Path) -> None:
    """A run ended by a signal in mid-segment keeps its committed segments; continued, it equals one left alone."""
    write_study(tmp_path, "small", laid_over(SMALL, {"drag": DRAG | {"duration_ns": 0.4}}))
    with start_command(tmp_path, "drag", "small", "hot", "3.0", "1", "run") as process:
        wait_until(lambda: len(segments_in(tmp_path / "run")) >= 3, process)
        process.send_signal(signal.SIGTERM)
        said, _ = process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGTERM
    assert "the same command continues" in said
    before = made_at(tmp_path / "run")
    perform(small_run(), tmp_path / "run", Ranks(1))
    after = made_at(tmp_path / "run")
    assert all(after[name] == time for name, time in before.items() if name in after), "a segment was run again"
    assert (tmp_path / "run" / SERIES).read_bytes() == (finished / SERIES).read_bytes()


@pytest.mark.parametrize("thermostat", [thermostat for thermostat in THERMOSTATS if thermostat != "nose-hoover"])
def test_energy_closes_with_random_thermostats(thermostat: str, tmp_path: Path) -> None:
    """Random thermostats heat and cool the motion about the drift alone: energy closes and momentum stays zero."""
    skip_unless_it_runs(thermostat)
    run = small_run(0.002, baths={"thermostat": thermostat})
    perform(run, tmp_path, Ranks(1))
    series = pd.read_parquet(tmp_path / SERIES)
    assert np.ptp(series["thermostat_eV"]) > 0.5
    (balance,) = run.balances(series)
    assert balance.residual_eV.std() < 0.02 * np.ptp(series["thermostat_eV"])
    momentum = series["particle_velocity_x_A_per_ps"] + fluid_mass(run) * series["fluid_velocity_x_A_per_ps"]
    assert momentum.abs().max() < 1e-9


def test_standalone_deck_runs_in_plain_lammps(tmp_path: Path) -> None:
    """The deck of a drag run runs by itself with `lmp -in`, to its last step."""
    run = small_run(0.002)
    (tmp_path / DECK).write_text(run.standalone(), encoding="utf-8")
    run_plainly(tmp_path)
    names = ["step", *(column.series_name for column in run.columns())]
    series = pd.DataFrame(np.loadtxt(tmp_path / "series.dat"), columns=names)
    assert series["step"].iloc[-1] == 500
    assert np.isfinite(series).all(axis=None)
    way = series["displacement_x_A"] - series["displacement_x_A"].iloc[0]
    assert way.iloc[-1] > 1
    np.testing.assert_allclose(series["work_eV"] - series["work_eV"].iloc[0], FORCE * way, rtol=0, atol=1e-5)
