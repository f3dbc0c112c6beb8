"""The equilibrated baths that runs start from: molten, as warm as they should be, their own for each replica."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from simulation.engines.ranks import EngineError, Ranks
from simulation.experiments import decks
from simulation.experiments.base import RejectedError
from simulation.experiments.baths import MOLTEN, Baths
from simulation.experiments.machine import Machine
from simulation.perform import perform
from simulation.storage.files import RESTART, RUN, SERIES, TOPOLOGY
from simulation.study.fields import Study
from simulation.study.section import SIDES
from tests.md.atoms import read_atoms
from tests.md.conftest import record_of, segments_in, small_study, thin_study

pytestmark = pytest.mark.md


@pytest.fixture(scope="module")
def settled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Baths of the small study after 8 ps, far apart in temperature, so that no two things pass for each other."""
    folder = tmp_path_factory.mktemp("settled")
    baths = {"temperature_cold_K": 85, "temperature_hot_K": 150}
    study = small_study(baths=baths, schedule={"equilibration_ps": 8}, limits={"liquid": False})
    perform(Baths(study, 1), folder, Ranks(1))
    return folder


def test_fluid_and_particles_are_as_warm_as_their_baths(settled: Path) -> None:
    """After a few ps fluid and metal are at their own side's temperature, and the run's own checks say so."""
    series, checks = pd.read_parquet(settled / SERIES), record_of(settled)["checks"]
    tail = series.iloc[len(series) // 4 :]
    for side, wanted in (("cold", 85.0), ("hot", 150.0)):
        fluid = tail[f"temperature_{side}_K"]
        assert abs(fluid.mean() - wanted) < 0.06 * wanted
        # 6 ps hold a few independent instants of 555 degrees of freedom; half the temperature is 8 errors away.
        inside = tail[f"internal_temperature_{side}_K"].mean()
        assert abs(inside - wanted) < 3 * wanted * np.sqrt(2 / 555 / 3)
        assert checks[f"particle_temperature_{side}_K"] == pytest.approx(inside, rel=0.15)
        assert checks[f"fluid_temperature_{side}_K"] == pytest.approx(fluid.mean(), rel=0.1)


def test_particles_are_warm_from_the_start(settled: Path) -> None:
    """Built at the bottom of its potential, the metal gets twice its kinetic energy, and so is not at half its temperature."""
    series = pd.read_parquet(settled / SERIES)
    for side, wanted in (("cold", 85.0), ("hot", 150.0)):
        soon = series.loc[series["time_ps"].between(0.3, 2.0), f"internal_temperature_{side}_K"].mean()
        assert 0.8 * wanted < soon < 1.2 * wanted


def templates_without(part: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From here on decks are made of templates of which one part is empty."""
    shutil.copytree(decks.TEMPLATES, folder)
    (folder / "parts" / part).write_text("# left out\n", encoding="utf-8")
    monkeypatch.setattr(decks, "TEMPLATES", folder)


def sized(edge_nm: float, temperature_cold_K: float) -> Study:
    """A bath of another size and temperature for an instant, whatever its particles' temperature."""
    return small_study(
        baths={
            "edge_nm": edge_nm,
            "temperature_cold_K": temperature_cold_K,
            "temperature_hot_K": 1.2 * temperature_cold_K,
        },
        schedule={"equilibration_ps": 0.2, "segment_ps": 0.2, "trajectory_every_ps": 0.2},
        materials={"cutoff_A": 6},
        limits={"particle_temperature": 1, "liquid": False},
    )


def test_fluid_is_molten(tmp_path: Path) -> None:
    """Before the first step of the equilibration, nothing is left of the crystal that the fluid was built as."""
    perform(Baths(sized(4.5, 100), 1), tmp_path, Ranks(1))
    order = pd.read_parquet(tmp_path / SERIES)[["order_cold_1", "order_hot_1"]].to_numpy()
    assert order.max() < 0.4 * MOLTEN  # 0.22 without melting: what a lattice with vacancies is when it is relaxed


def test_crystal_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fluid that was never molten, so cold that it cannot melt by itself, is no bath: told of both sides, with the cure."""
    templates_without("melt.lmp.j2", tmp_path / "templates", monkeypatch)
    cure = "raise schedule.equilibration_ps"
    # In a smaller bath the lattice falls into a glass when it is relaxed.
    with pytest.raises(
        RejectedError, match=rf"the cold fluid has not melted \(order 0\..*{cure}.*the hot fluid has not melted.*{cure}"
    ):
        perform(Baths(sized(6.5, 5), 1), tmp_path / "baths", Ranks(1))
    assert not (tmp_path / "baths" / RUN).exists()
    assert len(segments_in(tmp_path / "baths")) == 2


def test_particle_at_another_temperature_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A particle that was built at rest is at half its bath's temperature inside for long: refused, with the cure."""
    build = decks.TEMPLATES / "parts/build.lmp.j2"
    text = build.read_text(encoding="utf-8")
    assert "{% set heat = 2 %}" in text
    templates_without("nothing", tmp_path / "templates", monkeypatch)
    (tmp_path / "templates/parts/build.lmp.j2").write_text(
        text.replace("{% set heat = 2 %}", "{% set heat = 1 %}"), encoding="utf-8"
    )
    with pytest.raises(
        RejectedError,
        match=r"the cold particle is at \d\d K inside, its bath at 100 K .*the hot.*raise schedule\.equilibration_ps",
    ):
        perform(Baths(thin_study(schedule={"equilibration_ps": 1.2}), 1), tmp_path / "baths", Ranks(1))
    assert not (tmp_path / "baths" / RUN).exists()


def test_each_replica_has_a_start_of_its_own_if_asked(tmp_path: Path) -> None:
    """With independent starts, replicas begin from other positions, and none from another replica's start."""
    study = thin_study(
        schedule={"independent_starts": True, "sweep_replicas": 2, "friction_replicas": 1},
        limits={"particle_temperature": 1},
    )
    for replica in (1, 2):
        perform(Baths(study, replica), tmp_path / f"start_{replica}", Ranks(1))
    one, two = (read_atoms(tmp_path / f"start_{replica}" / TOPOLOGY) for replica in (1, 2))
    for fluid in (1, 2):
        apart = np.linalg.norm(one.of(fluid).wrapped - two.of(fluid).wrapped, axis=1)
        assert np.median(apart) > 3, "the same atoms at the same places"
    second = Machine(study, 2, "4.80")
    with pytest.raises(EngineError, match="equilibrated with other parameters"):
        perform(second, tmp_path / "run", Ranks(1), tmp_path / "start_1")
    perform(second, tmp_path / "run", Ranks(1), tmp_path / "start_2")
    assert (tmp_path / "run" / RUN).is_file()


def test_one_start_serves_all_runs_unless_asked(thin_start: Path, tmp_path: Path) -> None:
    """Without independent starts, replicas begin from the same positions, with velocities of their own."""
    study = thin_study(schedule={"sweep_replicas": 2})
    series = []
    for replica in (1, 2):
        run = Machine(study, replica, "4.80")
        perform(run, tmp_path / str(replica), Ranks(1), thin_start)
        series.append(pd.read_parquet(tmp_path / str(replica) / SERIES))
    assert not np.allclose(series[0]["position_cold_x_A"], series[1]["position_cold_x_A"], atol=1e-3)


NEON: dict[str, Any] = {
    "materials": {"argon": {"mass_u": 20.18, "epsilon_eV": 0.00307, "sigma_A": 2.782}, "cutoff_A": 7.0},
    "baths": {
        "edge_nm": 3.6,
        "accessible_density_per_nm3": 34,
        "temperature_cold_K": 27,
        "temperature_hot_K": 33,
    },
}


def test_liquid_neon_equilibrates(tmp_path: Path) -> None:
    """Smaller atoms, as dense as liquid neon, find room, melt, and carry their name; older names of fields are understood."""
    study = small_study("neon", schedule={"equilibration_ps": 1}, **NEON)
    assert study.fluid("cold").symbol == "Ne"
    perform(Baths(study, 1), tmp_path, Ranks(1))
    content = record_of(tmp_path)
    atoms = read_atoms(tmp_path / TOPOLOGY)
    for number, side in enumerate(SIDES):
        assert (
            len(atoms.of(1 + number).types)
            == content["system"]["fluid_atoms_per_bath"]
            == study.fluid_atoms("cold")
            > 1000
        )
        assert content["checks"][f"order_{side}"] < 0.3


@pytest.mark.parametrize(("sigma_A", "sign"), [(2.4, 1), (3.6, -1)])
def test_wetting_decides_how_much_fluid_there_is(sigma_A: float, sign: int, tmp_path: Path) -> None:
    """Fluid that comes nearer to the metal has more room, and so more atoms at the same density; all of them are built."""
    usual = thin_study(baths={"fluid_atoms": None, "accessible_density_per_nm3": 10})
    other = thin_study(
        baths={"fluid_atoms": None, "accessible_density_per_nm3": 10},
        materials={"fluid_metal": {"epsilon_eV": 0.065, "sigma_A": sigma_A}},
        limits={"particle_temperature": 1},
    )
    assert sign * (other.accessible_volume_A3("cold") - usual.accessible_volume_A3("cold")) > 500
    assert sign * (other.fluid_atoms("cold") - usual.fluid_atoms("cold")) > 5
    # The walls' two skins and the particle's: the cube less half a diameter between the kinds all around the metal.
    radius = 2.236 * 3.61 + sigma_A / 2
    assert other.accessible_volume_A3("cold") == pytest.approx(30**2 * (30 - sigma_A) - 4 / 3 * np.pi * radius**3)
    perform(Baths(other, 1), tmp_path, Ranks(1))
    atoms = read_atoms(tmp_path / TOPOLOGY)
    assert len(atoms.of(1).types) == len(atoms.of(2).types) == other.fluid_atoms("cold")
    assert record_of(tmp_path)["system"]["accessible_density_per_nm3"] == pytest.approx(10, rel=0.01)


@pytest.mark.parametrize("name", [RESTART, TOPOLOGY, SERIES, RUN])
@pytest.mark.parametrize("damage", ["changed", "gone"])
def test_damaged_start_is_refused_and_made_good(name: str, damage: str, thin_start: Path, tmp_path: Path) -> None:
    """A damaged state is found before a run begins from it; equilibrating again takes all from its segments."""
    baths = tmp_path / "baths"
    shutil.copytree(thin_start, baths)
    if damage == "gone":
        (baths / name).unlink()
    else:
        content = (baths / name).read_bytes()
        (baths / name).write_bytes(content[: len(content) // 2])
    if name in (RESTART, RUN):
        with pytest.raises(EngineError, match=rf"{name}: (damaged|missing).*equilibrate"):
            perform(Machine(thin_study(), 1, "4.80"), tmp_path / "run", Ranks(1), baths)
        assert not (tmp_path / "run").exists()
    before = {segment.name: segment.stat().st_mtime_ns for segment in segments_in(baths)}
    perform(Baths(thin_study(), 1), baths, Ranks(1))
    assert {segment.name: segment.stat().st_mtime_ns for segment in segments_in(baths)} == before
    for file in (RESTART, TOPOLOGY, SERIES):
        assert (baths / file).read_bytes() == (thin_start / file).read_bytes()
    assert json.loads((baths / RUN).read_text(encoding="utf-8")) == record_of(thin_start)


def test_longer_equilibration_is_another_start(thin_start: Path, tmp_path: Path) -> None:
    """How long the baths equilibrated decides what they are: a longer one is refused where the shorter one was wanted."""
    longer = thin_study(schedule={"equilibration_ps": 0.6})
    assert Baths(longer, 1).fingerprint != Baths(thin_study(), 1).fingerprint
    with pytest.raises(EngineError, match="equilibrated with other parameters"):
        perform(Machine(longer, 1, "4.80"), tmp_path, Ranks(1), thin_start)
