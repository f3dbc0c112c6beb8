"""Decks and fingerprints: what reruns molecular dynamics, and what does not."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from simulation import deck
from simulation.plan import Run, friction_runs, point_runs, points, seed
from simulation.study import Study, StudyError
from simulation.studyfile import check_study

DATA: dict[str, Any] = {
    "baths": {"edge_nm": "6.5", "accessible_density_per_nm3": "19.56"},
    "demon": {"kappa_ratios": ["1.2", "4.80"], "coupling_axes": "xy"},
    "integration": {"timestep_fs": "4"},
}


def study(**sections: dict[str, Any]) -> Study:
    """A study with some fields replaced."""
    return check_study("example", DATA | {key: DATA.get(key, {}) | values for key, values in sections.items()})


def prints(chosen: Study) -> tuple[str, str, str]:
    """Fingerprints of the equilibrated start, the friction run and the point 4.80."""
    friction, point = Run(chosen, "friction", 1), Run(chosen, "kH_4.80", 1)
    return deck.equilibration_fingerprint(chosen), deck.run_fingerprint(friction), deck.run_fingerprint(point)


@pytest.mark.parametrize(
    ("change", "same"),
    [
        ({"demon": {"coupling_cold_eV_per_A2": "0.11"}}, (True, True, False)),
        ({"demon": {"kappa_ratios": ["4.80", "9"]}}, (True, True, True)),
        ({"demon": {"coupling_axes": "xyz"}}, (True, False, False)),
        ({"schedule": {"sweep_ns": "30", "friction_ns": "30"}}, (True, True, True)),
        ({"limits": {"closure_drift_eV_per_ns": "1"}}, (True, True, True)),
        ({"trap": {"stiffness_eV_per_A2": "0.02"}}, (False, False, False)),
        ({"baths": {"temperature_hot_K": "125"}}, (False, False, False)),
        ({"materials": {"argon_copper": {"epsilon_eV": "0.03", "sigma_A": "2.9"}}}, (False, False, False)),
        ({"schedule": {"relaxation_ps": "100"}}, (True, False, False)),
    ],
)
def test_changes_rerun_exactly_what_depends_on_them(change: dict[str, Any], same: tuple[bool, bool, bool]) -> None:
    """Start, friction run and sweep point each change identity with the parameters that they feel, and with no other."""
    assert tuple(a == b for a, b in zip(prints(study()), prints(study(**change)), strict=True)) == same


def test_only_the_demon_couples_the_two_sides() -> None:
    """On each side argon, particle and wall interact, but for wall with wall; nothing interacts across (odd types are cold)."""
    text = deck.render_segment(Run(study(), "friction", 1), "r", 0)
    lines = re.findall(r"^pair_coeff +(\S+) (\S+) (.+)$", text, re.MULTILINE)
    assert lines[0] == ("*", "*", "0.0 1.0 0.0"), "range 0 for all that is not named"
    assert {(int(a), int(b)) for a, b, _ in lines[1:]} == {
        (a + side, b + side) for a, b in ((1, 1), (1, 3), (1, 5), (3, 3), (3, 5)) for side in (0, 1)
    }
    # Lorentz-Berthelot: √(0.0104 × 0.4093) eV and (3.405 + 2.338)/2 Å
    unlike = next(line[2] for line in lines if line[:2] == ("1", "3"))
    assert [float(word) for word in unlike.split()] == pytest.approx([0.0652435, 2.8715], rel=1e-5)


def test_comment_in_a_template_reruns_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A comment or a blank line changes no fingerprint; a command does."""
    before = prints(study())
    for source in deck.TEMPLATES.rglob("*.j2"):
        copy = tmp_path / source.relative_to(deck.TEMPLATES)
        copy.parent.mkdir(exist_ok=True)
        copy.write_text("# a thought\n\n" + source.read_text())
    monkeypatch.setattr(deck, "TEMPLATES", tmp_path)
    assert prints(study()) == before
    traps = tmp_path / "parts" / "traps.lmp.j2"
    traps.write_text(traps.read_text() + "fix extra all recenter INIT INIT INIT\n")
    assert all(a != b for a, b in zip(prints(study()), before, strict=True))


def test_seeds_differ_between_all_streams() -> None:
    """No two purposes, points, replicas or study seeds share a seed, and each is valid for LAMMPS."""
    one, other = study(schedule={"sweep_replicas": "3"}), check_study("example", {**DATA, "seed": "1"})
    seeds = [
        value
        for run in [*friction_runs(one), *point_runs(one, "kH_1.2"), *point_runs(one, "kH_4.80")]
        for value in run.seeds.values()
    ]
    seeds += [seed(one, "equilibrated", 1, purpose) for purpose in ("insert_cold", "insert_hot")]
    seeds += list(Run(other, "friction", 1).seeds.values())
    assert len(seeds) == len(set(seeds)) == 4 * 7 + 2 + 4
    assert all(1 <= value <= 899_999_999 for value in seeds)


def test_standalone_deck_has_the_numbers_of_its_run() -> None:
    """The deck for plain LAMMPS carries the point's couplings and only the coupled axes, and leaves nothing to be filled in."""
    text = deck.render_standalone(Run(study(), "kH_4.80", 1))
    assert re.search(r"variable +kappa_C equal 0\.1\b", text)
    assert re.search(r"variable +kappa_H equal 0\.48\b", text)
    assert re.search(r"variable +push_cold_y equal v_kappa_C", text)
    assert re.search(r"variable +push_cold_z equal 0\.0", text)
    assert "{{" not in text
    assert "{%" not in text


def test_points_are_named_as_the_study_spells_them() -> None:
    """Folder names keep the text of the study file; an unknown point is refused with the known ones."""
    assert points(study()) == ["kH_1.2", "kH_4.80"]
    assert Run(study(), "kH_4.80", 1).folder == "example/sweep/kH_4.80/replica_1"
    with pytest.raises(StudyError, match=r"kH_4.8 is not one of its points \(friction, kH_1.2, kH_4.80\)"):
        Run(study(), "kH_4.8", 1)


@pytest.mark.parametrize("mark", ['"', "*", "%", "$", "&", "\n", "é"])
def test_paths_that_lammps_would_act_on_are_refused(mark: str) -> None:
    """A restart file's path gets into a deck: what LAMMPS would not read back as it stands is refused, all else is quoted."""
    run = Run(study(), "kH_4.80", 1)
    with pytest.raises(ValueError, match="rename the folder"):
        deck.render_segment(run, f"my{mark}runs/end.restart", 1)
    assert 'read_restart    "../it\'s # mine/end.restart"\n' in deck.render_segment(
        run, "../it's # mine/end.restart", 1
    )
