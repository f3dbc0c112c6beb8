"""Baths that are filled until a bulk density or a pressure is reached, in LAMMPS."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analysis.data.universe import universe
from simulation.engines.ranks import Ranks
from simulation.experiments.baths import Baths
from simulation.experiments.drag import Drag
from simulation.perform import perform
from simulation.storage.files import LOG, SERIES, TOPOLOGY
from tests.md.atoms import read_atoms
from tests.md.conftest import machine, record_of, small_study

pytestmark = pytest.mark.md

WANTED = 18.5
RADIUS = 2.236 * 3.61 + 3.5 * 3.405
"""From here on the fluid is bulk."""


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Baths without walls at a stated bulk density, and a run that starts from them."""
    study = small_study(
        baths={"edge_nm": 4.0, "walls": "none", "accessible_density_per_nm3": None, "bulk_density_per_nm3": WANTED},
        schedule={"filling_ps": 16, "equilibration_ps": 4, "friction_ns": 0.002, "sweep_ns": 0.002},
        limits={"particle_temperature": 1},
    )
    folder = tmp_path_factory.mktemp("filled")
    perform(Baths(study, 1), folder / "start", Ranks(1))
    perform(machine(study), folder / "run", Ranks(1), folder / "start")
    return folder


def test_stated_bulk_density_is_reached(filled: Path) -> None:
    """Counted by hand far from the particle, in the frames of the run, and as the record of the baths has it."""
    atoms = universe(filled / "run")
    box = atoms.dimensions[:3].astype(float)
    grid = (np.stack(np.meshgrid(*[np.arange(100) + 0.5] * 3), axis=-1) / 100 - 0.5) * box
    volume = float((np.linalg.norm(grid, axis=-1) > RADIUS).mean() * box.prod() / 1000)
    checks = record_of(filled / "start")["checks"]
    for side in ("cold", "hot"):
        assert checks[f"bulk_density_{side}_per_nm3"] == pytest.approx(WANTED, rel=0.04)
        fluid = atoms.select_atoms(f"segid {side} and resname bath")
        found = []
        for _ in atoms.trajectory:
            apart = fluid.positions - box / 2
            apart -= box * np.round(apart / box)
            found.append((np.linalg.norm(apart, axis=1) > RADIUS).sum() / volume)
        assert np.mean(found) == pytest.approx(WANTED, rel=0.05)


def test_record_has_the_atoms_that_there_are(filled: Path) -> None:
    """Not those of the first guess: in the record of the baths, and of the run that starts from them."""
    counted = read_atoms(filled / "run" / TOPOLOGY).types
    atoms = {"cold": int((counted == 1).sum()), "hot": int((counted == 2).sum())}
    for name in ("start", "run"):
        said = record_of(filled / name)["system"]["fluid_atoms_per_bath"]
        assert said in (atoms, atoms["cold"])
    room = 40.0**3 - 4 / 3 * np.pi * (2.236 * 3.61 + (3.405 + 2.338) / 4) ** 3
    density = record_of(filled / "run")["system"]["accessible_density_per_nm3"]
    cold = density["cold"] if isinstance(density, dict) else density
    assert cold == pytest.approx(1000 * atoms["cold"] / room, rel=1e-4)


def dragged_density(folder: Path, side: str, edge_A: float, **baths: Any) -> float:
    """Bulk density of the bath of a short drag that was filled to reach a state, nm⁻³: counted in its first frame."""
    study = small_study(
        baths={"edge_nm": edge_A / 10, "accessible_density_per_nm3": None} | baths,
        drag={"forces_nN": ["0.1"], "equilibration_ps": 2, "duration_ns": 0.004},
    )
    perform(Drag(study, 1, side, "0.1"), folder, Ranks(1))
    found = read_atoms(folder / TOPOLOGY)
    fluid = found.types == (1 if side == "cold" else 2)
    record = record_of(folder)
    assert record["system"]["fluid_atoms"] == fluid.sum()
    ((name, wanted),) = baths.items()
    stem, unit = ("bulk_pressure", "bar") if name == "pressure_bar" else ("bulk_density", "per_nm3")
    checks = record["checks"]
    assert abs(checks[f"{stem}_{side}_{unit}"] - wanted) < 5 * checks[f"{stem}_{side}_se_{unit}"] + 0.02 * wanted
    rounds = re.findall(
        rf"^nanofridge, {side}: {stem} (\S+),", (folder / LOG).read_text(encoding="utf-8"), re.MULTILINE
    )
    assert len(rounds) == 7
    assert checks[f"{stem}_{side}_{unit}"] == pytest.approx(np.mean([float(value) for value in rounds[-3:]]))
    apart = found.unwrapped[fluid] - found.unwrapped[~fluid].mean(axis=0)
    apart -= edge_A * np.round(apart / edge_A)
    grid = (np.stack(np.meshgrid(*[np.arange(100) + 0.5] * 3), axis=-1) / 100 - 0.5) * edge_A
    volume = float((np.linalg.norm(grid, axis=-1) > RADIUS).mean()) * edge_A**3 / 1000
    return float((np.linalg.norm(apart, axis=1) > RADIUS).sum()) / volume


@pytest.mark.parametrize("side", ["cold", "hot"])
def test_bath_of_a_drag_reaches_the_state_too(side: str, tmp_path: Path) -> None:
    """It has no walls, even where the study has some, and is filled on its own, until its bulk is as dense as stated."""
    assert dragged_density(tmp_path, side, 55.0, bulk_density_per_nm3=WANTED) == pytest.approx(WANTED, rel=0.03)


@pytest.mark.long
def test_stated_pressure_gives_the_density_of_the_equation_of_state(tmp_path: Path) -> None:
    """In a bath so large that its fluid relaxes slowly: at 100 K and 70 bar 18.64 atoms per nm³, by PeTS."""
    assert dragged_density(tmp_path, "cold", 80.0, pressure_bar=70) == pytest.approx(18.64, rel=0.012)


def test_run_goes_on_at_constant_volume_and_number(filled: Path) -> None:
    """The run has the box and the atoms that the baths ended with, and its energy closes."""
    ends = [read_atoms(filled / name / TOPOLOGY) for name in ("start", "run")]
    np.testing.assert_array_equal(ends[0].box, ends[1].box)
    np.testing.assert_array_equal(np.bincount(ends[0].types), np.bincount(ends[1].types))
    series = pd.read_parquet(filled / "run" / SERIES)
    for side in ("cold", "hot"):
        work = sum(series[f"work_{side}_{axis}_eV"] for axis in "xyz")
        total = series[f"thermostat_{side}_eV"] + series[f"energy_{side}_eV"] + series[f"trap_{side}_eV"] - work
        assert total.std() < 0.01
