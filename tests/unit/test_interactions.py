"""Forces by a part of a deck of one's own: what is refused, what decides a run, and what the first law counts."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from simulation.experiments import experiment_at
from simulation.experiments.decks import filling
from simulation.folder import run_folder
from simulation.segments.checkpoint import Segment
from simulation.study.fields import Study, StudyError
from simulation.study.files import check_study
from simulation.study.interactions import Interactions

ROOT = Path(__file__).resolve().parents[2]
TEMPLATE = '{% include "parts/lennard_jones.lmp.j2" %}\n# by hand\nfix push_cold particle_cold addforce 0.002 0 0\n'


def study(**interactions: Any) -> Study:
    """A study with a part of its own."""
    data = {"template": "mine.lmp.j2", "range_A": 8.6, "contact_A": 3.0} | interactions
    return check_study(
        "example", {"baths": {"edge_nm": 6.5, "accessible_density_per_nm3": 19.56}, "interactions": data}
    )


@pytest.fixture(autouse=True)
def own_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a template and a potential beside the study."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "config"
    folder.mkdir()
    (folder / "mine.lmp.j2").write_text(TEMPLATE, encoding="utf-8")
    (folder / "Cu.eam").write_text("a potential\n", encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("interactions", "messages"),
    [
        (
            {"template": "no.lmp.j2"},
            [r"interactions\.template: there is no file no\.lmp\.j2 in .*/config: put it there"],
        ),
        (
            {"files": ["no.eam", "nor.eam"]},
            [rf"interactions\.files: there is no file {n}\.eam in" for n in ("no", "nor")],
        ),
        ({"range_A": None, "contact_A": None}, [r"range_A is missing", r"contact_A is missing"]),
        ({"template": None}, [r"interactions\.range_A belongs to a template: add interactions\.template"]),
        ({"template": "../mine.lmp.j2"}, [r"interactions\.template = '\.\./mine\.lmp\.j2'"]),
        ({"energy_terms": ["f_push_cold"]}, [r"interactions\.energy_terms\.0 = 'f_push_cold'"]),
        ({"range_A": 30.0}, [r"baths\.edge_nm = 6\.5 is too small: .* interactions\.range_A = 30 need"]),
    ],
)
def test_what_cannot_be_used_is_refused_by_name(interactions: dict[str, Any], messages: list[str]) -> None:
    """Missing files and fields, and names that are no file beside the study."""
    with pytest.raises(StudyError) as failure:
        study(**interactions)
    for message in messages:
        assert re.search(message, str(failure.value))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("pair_style lj/cut {{ study.range }}", "cannot be rendered: .*has no attribute 'range': correct it"),
        ("pair_style lj/cut {{ cutoff }}", "cannot be rendered: 'cutoff' is undefined.*use study, sides, walls"),
        ("pair_style lj/cut {% if %}", "cannot be rendered: "),
        ("pair_style lj/cut {{ 1/0 }}", "cannot be rendered: division by zero: correct it"),
        ('pair_style lj/cut {{ study.edge_A + "a" }}', "cannot be rendered: unsupported operand type.*: correct it"),
        ("pair_style lj/cut {{ 1/(sides | length - 1) }}", "cannot be rendered: division by zero: correct it"),
        ("pair_style zero 5\n", "has no pair_coeff: it must define all forces"),
        ("# pair_style zero 5\npair_coeff * *\n", "has no pair_style: it must define all forces"),
    ],
)
def test_a_template_that_cannot_be_filled_in_is_refused(text: str, message: str, own_files: Path) -> None:
    """Before anything runs, with the reason."""
    (own_files / "mine.lmp.j2").write_text(text, encoding="utf-8")
    with pytest.raises(StudyError, match=rf"interactions\.template mine\.lmp\.j2 {message}"):
        study()


def test_forces_of_a_template_have_no_vibrations_that_are_known() -> None:
    """The rule on the time step of a Lennard-Jones metal does not hold for them."""
    data = {"baths": {"edge_nm": 6.5, "accessible_density_per_nm3": 19.56}, "integration": {"timestep_fs": 10}}
    own = {"template": "mine.lmp.j2", "range_A": 8.6, "contact_A": 3.0}
    assert check_study("example", data | {"interactions": own}).timestep_ps == 0.01
    with pytest.raises(StudyError, match="whose atoms vibrate"):
        check_study("example", data)


def test_the_template_stands_in_every_deck(own_files: Path) -> None:
    """And nothing of it where a study has none; range and contact distance are those that are stated."""
    own = study()
    plain = check_study("example", {"baths": {"edge_nm": 6.5, "accessible_density_per_nm3": 19.56}})
    for point in ("equilibrated", "friction", "kH_4.80", "drag/cold/F_0.3"):
        for deck, usual in zip(
            experiment_at(own, point, 1).stage_decks(), experiment_at(plain, point, 1).stage_decks(), strict=True
        ):
            assert deck.count("fix push_cold particle_cold addforce") == 1
            assert deck.count("pair_style") == usual.count("pair_style") == 1
            assert "push_cold" not in usual
    assert filling(own, "cold", 5000)["metal_A"] == pytest.approx(0.8 * 3.0)
    assert own.skin_A("hot") == 1.5
    assert own.range_A == 8.6
    assert study(range_A=6.0).range_A == 6.0


@pytest.mark.parametrize("point", ["equilibrated", "friction", "kH_4.80", "drag/cold/F_0.3"])
def test_template_and_files_decide_a_run(point: str, own_files: Path) -> None:
    """A statement or the content of a potential makes another run of it; a comment does not."""
    prints = []
    for template, potential in (
        (TEMPLATE, "1"),
        (TEMPLATE.replace("by hand", "by eye"), "1"),
        (TEMPLATE.replace("0.002", "0.003"), "1"),
        (TEMPLATE, "2"),
    ):
        (own_files / "mine.lmp.j2").write_text(template, encoding="utf-8")
        (own_files / "Cu.eam").write_text(potential, encoding="utf-8")
        prints.append(experiment_at(study(files=["Cu.eam"]), point, 1).fingerprint)
    assert prints[0] == prints[1]
    assert len(set(prints)) == 3


def test_the_template_of_the_working_folder_is_the_one_that_counts(
    own_files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that is edited, or of the same name in another working folder, is another, though templates are compiled once."""
    here = experiment_at(study(), "friction", 1).fingerprint
    (tmp_path / "other/config").mkdir(parents=True)
    (tmp_path / "other/config/mine.lmp.j2").write_text(TEMPLATE.replace("0.002", "0.003"), encoding="utf-8")
    monkeypatch.chdir(tmp_path / "other")
    other = experiment_at(study(), "friction", 1).fingerprint
    monkeypatch.chdir(tmp_path)
    assert here == experiment_at(study(), "friction", 1).fingerprint != other
    (own_files / "mine.lmp.j2").write_text(TEMPLATE.replace("0.002", "0.003"), encoding="utf-8")
    assert experiment_at(study(), "friction", 1).fingerprint == other


def test_files_of_decks_lie_beside_the_deck(tmp_path: Path) -> None:
    """In the run folder, so that its deck runs there as it is; a study without such files has none."""
    (tmp_path / "0000").mkdir()
    for name in ("topology.data", "end.restart", "log.lammps"):
        (tmp_path / "0000" / name).write_text(name, encoding="utf-8")
    for files in (["Cu.eam"], []):
        run = experiment_at(study(files=files), "friction", 1)
        made = run_folder.lammps_files(run, [Segment(tmp_path / "0000", {})] * len(run.pieces()))
        assert set(made) == {"log.lammps", "topology.data", "end.restart", "deck.lmp", *files}
        for name in files:
            made[name](tmp_path / name)
            assert (tmp_path / name).read_text(encoding="utf-8") == "a potential\n"


def test_declared_terms_are_sampled_and_counted() -> None:
    """Energy terms belong to the energy of their side; work terms are a column, and the balance subtracts it."""
    run = experiment_at(
        study(energy_terms=["f_field_{side}"], work_terms=["v_a_{side}", "c_b_{side}[2]"]), "friction", 1
    )
    deck = run.stage_decks()[-1]
    assert "variable        energy_cold equal c_kinetic_cold+c_pair_cold+f_field_cold\n" in deck
    assert "variable        part_work_hot equal v_a_hot+c_b_hot[2]\n" in deck
    names = [column.series_name for column in run.columns()]
    assert {"part_work_cold_eV", "part_work_hot_eV"} <= set(names)
    time = np.linspace(0, 40, 101)
    series = pd.DataFrame({name: np.zeros(101) for name in names}).assign(time_ps=time)
    series["energy_cold_eV"], series["part_work_cold_eV"] = 0.3 * time, 0.3 * time
    cold, hot = run.balances(series)
    np.testing.assert_allclose(cold.residual_eV, 0, atol=1e-12)
    np.testing.assert_allclose(hot.residual_eV, 0, atol=1e-12)
    series["part_work_cold_eV"] = 0.0
    assert run.balances(series)[0].residual_eV[-1] == pytest.approx(12.0)


def test_shipped_example_needs_its_potential(own_files: Path) -> None:
    """It names the file in its text, and is refused without it."""
    with pytest.raises(StudyError, match=r"there is no file Cu_u3\.eam"):
        study(template="copper_eam.lmp.j2", files=["Cu_u3.eam"])
    with pytest.raises(FileNotFoundError, match=r"there is no file Cu_u3\.eam"):
        Interactions(files=("Cu.eam", "Cu_u3.eam")).paths()
    (own_files / "Cu_u3.eam").write_text("a potential\n", encoding="utf-8")
    deck = experiment_at(study(template="copper_eam.lmp.j2", files=["Cu_u3.eam"]), "friction", 1).stage_decks()[0]
    assert [line.split() for line in deck.splitlines() if "eam Cu" in line] == [
        ["pair_coeff", "3", "3", "eam", "Cu_u3.eam"],
        ["pair_coeff", "4", "4", "eam", "Cu_u3.eam"],
    ]
