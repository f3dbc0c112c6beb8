"""Oscillating traps of unlike stiffness in LAMMPS: force and work by the callback of the demon, energy of each side."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from simulation.engines.output import read_series
from simulation.engines.ranks import Ranks
from simulation.perform import perform
from simulation.storage.files import DECK, SERIES, SERIES_TEXT
from simulation.study.fields import Study
from simulation.study.section import SIDES
from tests.md.conftest import machine, run_plainly, started_for, thin_study
from tests.md.seen import assert_seen_as_recorded, thermal_speed_A_per_ps

pytestmark = pytest.mark.md

STIFFNESS = {"x": 1.0, "y": 2.0, "z": 2.0}
TRAP: dict[str, Any] = {
    "stiffness_eV_per_A2": {"x": 1.0, "yz": 2.0},
    "motion_cold": [{"amplitude_A": 0.5, "period_ps": 0.3, "phase_deg": 40}],
    "motion_hot": [{"amplitude_A": 0.3, "period_ps": 0.3}, {"amplitude_A": 0.2, "period_ps": 0.2}],
}


def moved_study() -> Study:
    """The thin study in two segments, sampled at every step, with both traps in motion along x and y."""
    return thin_study(trap=TRAP, demon={"coupling_axes": "xy"}, schedule={"sample_every_ps": 0.004})


@pytest.fixture(scope="module")
def series(thin_start: Path, tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    """Of a run of that study, with the residual of the first law of each side."""
    study = moved_study()
    folder = tmp_path_factory.mktemp("moved")
    perform(machine(study), folder / "run", Ranks(1), started_for(study, thin_start, folder / "start"))
    found = pd.read_parquet(folder / "run" / SERIES)
    for balance in machine(study).balances(found):
        found[f"residual_{balance.side}"] = balance.residual_eV
    return found


def centres(time: pd.Series) -> dict[str, np.ndarray[tuple[int], np.dtype[np.float64]]]:
    """Where the study puts them."""
    t = time.to_numpy()
    return {
        "cold": 0.5 * np.sin(2 * np.pi * t / 0.3 + np.radians(40)),
        "hot": 0.3 * np.sin(2 * np.pi * t / 0.3) + 0.2 * np.sin(2 * np.pi * t / 0.2),
    }


def spring_energy(series: pd.DataFrame, side: str) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """½ κ (X - λ)² over all axes, from the recorded positions."""
    centre = centres(series["time_ps"])[side]
    energy = np.zeros(len(series))
    for axis, stiffness in STIFFNESS.items():
        stretched = series[f"position_{side}_{axis}_A"].to_numpy() - (centre if axis in "xy" else 0.0)
        energy += stiffness / 2 * stretched**2
    return energy


@pytest.mark.parametrize("side", SIDES)
def test_work_and_energy_are_those_of_the_moved_springs(series: pd.DataFrame, side: str) -> None:
    """Recomputed from the recorded positions: the energy about the moved centre, and -κ (X - λ) dλ at mid-points."""
    centre = centres(series["time_ps"])[side]
    for axis in "xy":
        stretched = series[f"position_{side}_{axis}_A"].to_numpy() - centre
        work = -STIFFNESS[axis] * np.cumsum((stretched[1:] + stretched[:-1]) / 2 * np.diff(centre))
        np.testing.assert_allclose(series[f"trap_work_{side}_{axis}_eV"].to_numpy()[1:], work, rtol=0, atol=1e-9)
        assert np.ptp(work) > 0.05
    np.testing.assert_allclose(series[f"trap_{side}_eV"], spring_energy(series, side), rtol=0, atol=1e-9)


@pytest.mark.parametrize("side", SIDES)
def test_energy_closes_with_the_work_of_the_moved_trap(series: pd.DataFrame, side: str) -> None:
    """Force and work belong together, and each is needed."""
    residual = series[f"residual_{side}"]
    moved = sum(series[f"trap_work_{side}_{axis}_eV"] for axis in "xy")
    assert residual.std() < 0.02 * np.std(moved)
    assert (residual + moved).std() > 20 * residual.std()


def test_controller_sees_the_particles_of_moving_traps(thin_start: Path, tmp_path: Path) -> None:
    """Positions and velocities are those that the series records, the force of the traps included."""
    study = thin_study(
        trap=TRAP | {"stiffness_eV_per_A2": 0.5},
        demon={"coupling_axes": "xy", "controller": "tests.md.controllers:Recorder"},
        schedule={"sample_every_ps": 0.004, "sweep_ns": 0.002},
    )
    perform(machine(study), tmp_path / "run", Ranks(1), started_for(study, thin_start, tmp_path / "start"))
    assert_seen_as_recorded(tmp_path / "run", thermal_speed_A_per_ps(study))


def test_standalone_deck_moves_the_traps_too(tmp_path: Path) -> None:
    """Plain LAMMPS runs the deck alone, and its trap energies are those of the centres on the clock of the measurement."""
    run = machine(moved_study())
    (tmp_path / DECK).write_text(run.standalone() or "", encoding="utf-8")
    run_plainly(tmp_path)
    columns = [column for column in run.columns() if "work" not in column.name]
    found = read_series(tmp_path / SERIES_TEXT, [column.series_name for column in columns], 0.004, 101)
    for side in SIDES:
        energy = spring_energy(found, side)
        np.testing.assert_allclose(found[f"trap_{side}_eV"], energy, rtol=0, atol=1e-9)
        assert np.ptp(energy) > 0.05
