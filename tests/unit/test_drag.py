"""Drag runs: their decks, what reruns them, and the exact model of a pulled particle."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from simulation import deck
from simulation.drag import DragRun, drag_fingerprint, drag_runs, render_build, render_segment, render_standalone
from simulation.engine import Ranks
from simulation.langevin import propagate_pulled
from simulation.simulate_drag import drag_first_law, simulate_drag
from simulation.study import Study, StudyError
from simulation.studyfile import check_study

DATA: dict[str, Any] = {
    "baths": {"edge_nm": "6.5", "accessible_density_per_nm3": "19.56"},
    "integration": {"timestep_fs": "4"},
    "drag": {"forces_nN": ["0.3", "3.0"], "replicas": "2"},
}


def study(**sections: dict[str, Any]) -> Study:
    """A study with some fields replaced."""
    return check_study("example", DATA | {key: DATA.get(key, {}) | values for key, values in sections.items()})


def test_runs_are_every_force_in_every_bath() -> None:
    """Forces keep their spelling in the folders, and a run that the study does not have is refused with what it has."""
    folders = [run.folder for run in drag_runs(study())]
    assert len(folders) == len(set(folders)) == 8
    assert folders[0] == "example/drag/cold/F_0.3/replica_1"
    with pytest.raises(StudyError, match=r"force 3 is not one of 0\.3, 3\.0: add it to drag\.forces_nN"):
        DragRun(study(), "cold", "3", 1)


def test_wrong_forces_are_named() -> None:
    """Forces that are no number, not positive or twice the same do not get as far as a run."""
    for forces, message in (
        (["0"], "not a positive force"),
        (["-1"], "drag.forces_nN"),
        (["3", "3.0"], "names the same force twice"),
    ):
        with pytest.raises(StudyError, match=re.escape(message)):
            study(drag={"forces_nN": forces})
    with pytest.raises(StudyError, match=r"drag\.duration_ns \(1000 ps\) must be a whole multiple"):
        study(drag={"duration_ns": "1"}, schedule={"segment_ps": "300"})


def test_forces_cancel_and_act_after_the_equilibration() -> None:
    """All atoms together feel no force, the particle feels the study's, and none acts while the bath equilibrates."""
    run = DragRun(study(), "hot", "3.0", 1)
    assert run.force_eV_per_A == pytest.approx(3.0 * 0.6241509, rel=1e-6)  # 1 nN = 0.6241509 eV/Å
    text = render_segment(run, "some.restart", 2)
    assert re.search(rf"^variable +pull equal {run.force_eV_per_A}$", text, re.MULTILINE)
    assert re.search(r"^fix +pull particle_hot addforce \$\(v_pull/186\)", text, re.MULTILINE)
    assert re.search(rf"^fix +sink argon_hot addforce \$\(-v_pull/{run.argon_atoms}\)", text, re.MULTILINE)
    assert "reset_timestep  0" in text
    assert re.search(r"^variable +pull equal 0\.0$", render_segment(run, "some.restart", 1), re.MULTILINE)
    assert "reset_timestep" not in render_segment(run, "some.restart", 3)


def test_bath_has_no_walls_and_the_density_of_the_study() -> None:
    """The box is a periodic cube of one bath; its argon is as dense, where argon can be, as that between the walls."""
    chosen = study()
    run = DragRun(chosen, "hot", "0.3", 1)
    walled = chosen.argon_atoms / chosen.accessible_volume_A3
    free = run.argon_atoms / (chosen.edge_A**3 - chosen.excluded_volume_A3)
    assert free == pytest.approx(walled, rel=2e-4)  # whole atoms
    assert run.argon_atoms > chosen.argon_atoms
    for text in (render_build(run), render_standalone(run)):
        assert text.index("boundary        p p p") > text.index("boundary        f p p")
        assert "wall_" not in text
        assert "tether" not in text
        assert "_cold block" not in text
        assert "$(v_L) $(2*v_L)" in text
        assert "{{" not in text
    assert "temp/com" in render_build(run), "drift would count as heat"


def test_unlike_pair_of_the_study_holds_in_the_drag() -> None:
    """A study's own argon-copper interaction is that of its drag runs too."""
    wet = study(materials={"argon_copper": {"epsilon_eV": "0.03", "sigma_A": "2.9"}})
    assert re.search(r"pair_coeff +1 3 0\.03 2\.9", render_segment(DragRun(wet, "cold", "0.3", 1), "r", 2))


@pytest.mark.parametrize(
    ("change", "same"),
    [
        ({"demon": {"coupling_cold_eV_per_A2": "0.2"}}, (True, True)),
        ({"trap": {"stiffness_eV_per_A2": "0.02"}}, (True, True)),
        ({"drag": {"forces_nN": ["0.3", "1", "3.0"], "duration_ns": "2"}}, (True, True)),
        ({"baths": {"temperature_hot_K": "130"}}, (True, False)),
        ({"drag": {"equilibration_ps": "50"}}, (False, False)),
    ],
)
def test_changes_rerun_exactly_what_depends_on_them(change: dict[str, Any], same: tuple[bool, bool]) -> None:
    """A drag run of the cold and of the hot bath each change identity with what they feel, and with nothing else."""

    def prints(chosen: Study) -> tuple[str, ...]:
        return tuple(drag_fingerprint(DragRun(chosen, side, "0.3", 1)) for side in ("cold", "hot"))

    assert tuple(a == b for a, b in zip(prints(study()), prints(study(**change)), strict=True)) == same


def test_comment_in_a_template_reruns_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A comment changes no fingerprint; a command does."""
    run = DragRun(study(), "cold", "3.0", 1)
    before = drag_fingerprint(run)
    for source in deck.TEMPLATES.rglob("*.j2"):
        copy = tmp_path / source.relative_to(deck.TEMPLATES)
        copy.parent.mkdir(exist_ok=True)
        copy.write_text("# a thought\n\n" + source.read_text())
    monkeypatch.setattr(deck, "TEMPLATES", tmp_path)
    assert drag_fingerprint(run) == before
    pull = tmp_path / "parts" / "pull.lmp.j2"
    pull.write_text(pull.read_text() + "fix extra all recenter INIT INIT INIT\n")
    assert drag_fingerprint(run) != before


def test_pulled_particle_has_the_exact_law() -> None:
    """Mean and variance of velocity and displacement follow Ornstein and Uhlenbeck's, at any sampling interval."""
    mass, friction, temperature, force, thermal = 1.2, 0.3, 100.0, 0.5, 8.617333262e-5 * 100.0 / 1.2
    tau, terminal = mass / friction, force / friction
    for interval, intervals in ((0.5, 8), (4.0, 1)):
        paths = [
            propagate_pulled(mass, friction, temperature, force, interval, intervals, seed) for seed in range(3000)
        ]
        way, velocity = (np.array([path[i] for path in paths]) for i in range(2))
        assert (way[:, 0] == 0).all()
        left = 1 - np.exp(-4.0 / tau)
        expected = {
            "velocity": (velocity[:, -1], terminal * left, thermal),
            "start": (velocity[:, 0], 0.0, thermal),
            "way": (way[:, -1], terminal * (4.0 - tau * left), 2 * thermal * tau * (4.0 - tau * left)),
        }
        for name, (found, mean, variance) in expected.items():
            assert abs(found.mean() - mean) < 3.5 * np.sqrt(variance / 3000), name
            assert abs(found.var() / variance - 1) < 3.5 * np.sqrt(2 / 3000), name


def test_model_run_keeps_the_contract(tmp_path: Path) -> None:
    """The exact model writes a run folder whose first law closes and whose rerun has the same bytes."""
    chosen = study(drag={"duration_ns": "0.1"}).model_copy(update={"engine": "langevin"})
    for name in ("one", "two"):
        simulate_drag(DragRun(chosen, "cold", "0.3", 2), tmp_path / name, Ranks(1))
    content = json.loads((tmp_path / "one/run.json").read_text())
    series = pd.read_parquet(tmp_path / "one/series.parquet")
    assert (content["side"], content["force_nN"], content["replica"]) == ("cold", "0.3", 2)
    assert content["duration_ps"] == pytest.approx(100.0)
    assert drag_first_law(series)["rms_eV"] < 1e-12
    assert np.ptp(series["work_eV"]) > 1
    assert (tmp_path / "one/series.parquet").read_bytes() == (tmp_path / "two/series.parquet").read_bytes()
