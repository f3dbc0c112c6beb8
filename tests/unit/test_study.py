"""Study files: what is refused, how it is said, and what the shipped studies contain."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from simulation.fields import field_table
from simulation.study import StudyError
from simulation.studyfile import CONFIG_FOLDER, check_study, load_study

GOOD: dict[str, Any] = {"baths": {"argon_atoms": "25280"}}


def problems(**sections: dict[str, Any]) -> list[str]:
    """What check_study says about a good study with some sections replaced."""
    with pytest.raises(StudyError) as caught:
        check_study("example", GOOD | sections)
    return caught.value.problems


def test_every_problem_is_reported_at_once() -> None:
    """Wrong values, unknown keys and rules that join fields all appear in one error, each naming its field."""
    found = problems(
        baths={"argon_atoms": "25280", "temperature_cold_K": "130", "thermostat": "berendsen"},
        demon={"kappa_ratios": ["4.80", "-1.2"], "coupling": "1"},
        integration={"timestep_fs": "-1"},
        schedule={"segment_ps": "100.05"},
    )
    text = "\n".join(found)
    for expected in (
        "baths.temperature_hot_K = 120 is below temperature_cold_K = 130",
        "baths.thermostat = 'berendsen'",
        "demon.kappa_ratios: -1.2 makes the coupling unstable",
        "demon.coupling is not a known field",
        "integration.timestep_fs = '-1'",
        "schedule.segment_ps (100.05 ps) must be a whole multiple of schedule.sample_every_ps",
    ):
        assert expected in text
    assert len(found) == 10  # segment_ps fits neither sample nor trajectory interval, and none of the three lengths


@pytest.mark.parametrize(
    ("sections", "message"),
    [
        ({"baths": {}}, "give exactly one of argon_atoms and accessible_density_per_nm3"),
        ({"baths": {"argon_atoms": "9000", "edge_nm": "4"}}, "do not fit a bath of edge_nm = 4"),
        ({"baths": {"argon_atoms": "100", "edge_nm": "3"}}, "baths.edge_nm = 3 is too small"),
        ({"nanoparticle": {"atoms": "201"}}, "radius_lattice = 2.236 about this origin_lattice holds 186"),
        ({"demon": {"kappa_ratios": []}}, "demon.kappa_ratios is empty"),
        ({"demon": {"kappa_ratios": ["4.8", "4.80"]}}, "names the same value twice"),
        ({"demon": {"kappa_ratios": ["4.8; rm -rf"]}}, "demon.kappa_ratios.0"),
        ({"demon": {"coupling_axes": "zx"}}, "use x (the paper)"),
        ({"demon": {"controller": "no_such_module_here:Best"}}, "No module named 'no_such_module_here'"),
        ({"demon": {"controller": "os; print(1)"}}, "demon.controller = 'os; print(1)'"),
        ({"trap": {"stiffness_eV_per_A2": "nan"}}, "trap.stiffness_eV_per_A2 = 'nan'"),
        (
            {"schedule": {"sample_every_ps": "0.0005"}},
            "schedule.sample_every_ps (0.0005 ps) must be a whole multiple",
        ),
        ({"baths": "cold"}, "baths = 'cold'"),
    ],
)
def test_problem_names_field_and_cure(sections: dict[str, Any], message: str) -> None:
    """Each kind of mistake is named by field and value."""
    assert message in "\n".join(problems(**sections))


def test_ratio_keeps_its_spelling(tmp_path: Path) -> None:
    """4.80 in a study file stays 4.80, since it names a folder, and numbers may be written 1e-2."""
    (tmp_path / "mine.yaml").write_text(
        "baths: {argon_atoms: 25280}\ndemon: {kappa_ratios: [4.80, 10]}\ntrap: {stiffness_eV_per_A2: 1e-2}\n"
    )
    study = load_study("mine", tmp_path)
    assert study.demon.kappa_ratios == ("4.80", "10")
    assert study.trap.stiffness_eV_per_A2 == 0.01


@pytest.mark.parametrize("text", ["baths: [", "- a\n- b", "baths: {edge_nm: 6.5", "just words"])
def test_unreadable_file_is_one_message(text: str, tmp_path: Path) -> None:
    """A file that is not a mapping gives a StudyError, not a traceback."""
    (tmp_path / "bad.yaml").write_text(text)
    with pytest.raises(StudyError):
        load_study("bad", tmp_path)


def test_variant_differs_in_its_thermostat_only() -> None:
    """`demo@csvr` is study demo with another thermostat and its own name, hence its own seeds and folder."""
    demo, variant = load_study("demo"), load_study("demo@csvr")
    assert variant.baths.thermostat == "csvr"
    changed = variant.model_copy(update={"name": "demo", "baths": demo.baths})
    assert changed == demo
    with pytest.raises(StudyError, match=r"ice is not one of its variants \(nose-hoover, langevin, csvr\)"):
        load_study("demo@ice")


def test_variant_changes_what_it_names_and_nothing_else(tmp_path: Path) -> None:
    """A variant is the study with the named fields changed, at any depth, under its own name."""
    variants = {"dry": {"materials": {"argon": {"mass_u": "20"}}}, "long-0.5": {"schedule": {"friction_ns": "0.5"}}}
    data = {
        "baths": {"argon_atoms": "25280"},
        "materials": {"argon": {"mass_u": "39", "epsilon_eV": "0.01", "sigma_A": "3.4"}},
    }
    (tmp_path / "base.yaml").write_text(yaml.safe_dump(data | {"variants": variants}, sort_keys=False))
    base, dry = load_study("base", tmp_path), load_study("base@dry", tmp_path)
    assert list(base.variants) == ["dry", "long-0.5"]
    assert dry.materials.argon.model_dump() == {"mass_u": 20, "epsilon_eV": 0.01, "sigma_A": 3.4}
    back = dry.model_copy(update={"name": "base", "materials": base.materials, "variants": base.variants})
    assert back == base
    assert load_study("base@long-0.5", tmp_path).schedule.friction_ns == 0.5


def test_wrong_variants_are_found_with_the_study(tmp_path: Path) -> None:
    """Loading a study finds what is wrong with each of its variants, and says what is wrong with the study once."""
    variants = {"cold": {"baths": {"temperature_hot_K": "20"}}, "odd": {"bath": {}}, "nested": {"variants": {"x": {}}}}
    data = {"baths": {"argon_atoms": "25280"}, "seed": "-1", "variants": variants}
    (tmp_path / "bad.yaml").write_text(yaml.safe_dump(data, sort_keys=False))
    with pytest.raises(StudyError) as failure:
        load_study("bad", tmp_path)
    starts = ["seed = '-1'", "variants.cold: baths.temperature_hot_K", "variants.odd: bath is not", "variants.nested"]
    assert len(failure.value.problems) == len(starts)
    assert all(text.startswith(start) for text, start in zip(failure.value.problems, starts, strict=True))


def test_missing_study_lists_those_that_exist() -> None:
    """A misspelt study name is answered with the names that exist."""
    with pytest.raises(
        StudyError, match="found: bath-size, calibration-medium, calibration-paper, calibration-short, demo, model"
    ):
        load_study("dmeo")


def test_paper_study_has_the_paper_numbers() -> None:
    """Study `paper` states the published set-up."""
    study = load_study("paper")
    assert study.argon_atoms == 25280
    assert study.edge_A == 110
    assert study.particle_mass_eV_ps2_per_A2 == pytest.approx(1.225, abs=5e-4)
    assert (study.baths.temperature_cold_K, study.baths.temperature_hot_K) == (100, 120)
    assert (study.trap.stiffness_eV_per_A2, study.demon.coupling_cold_eV_per_A2) == (0.01, 0.1)
    assert study.integration.timestep_fs == 1
    assert (study.schedule.sweep_ns, study.schedule.friction_ns) == (15, 15)
    ratios = [float(ratio) for ratio in study.demon.kappa_ratios]
    assert len(ratios) >= 16
    assert max(ratios) / min(ratios) >= 1000
    assert {"0.17", "1.2", "3.79", "4.80", "7.27"} <= set(study.demon.kappa_ratios)


def test_demo_has_the_density_of_the_paper() -> None:
    """The laptop-size study keeps the paper's argon density in the volume that argon can reach."""
    paper, demo = load_study("paper"), load_study("demo")
    density = [1000 * study.argon_atoms / study.accessible_volume_A3 for study in (paper, demo)]
    assert density[0] == pytest.approx(19.56, abs=0.01)
    assert density[1] == pytest.approx(density[0], rel=1e-3)


def test_table_of_fields_is_up_to_date() -> None:
    """config/README.md is what the Study says of itself (python -m simulation fields), and no field is unexplained."""
    table = field_table()
    assert (CONFIG_FOLDER / "README.md").read_text(encoding="utf-8") == table, (
        "run: python -m simulation fields > config/README.md"
    )
    assert "| None |" not in table


def load(folder: Path, text: str) -> list[str]:
    """What is wrong with a study file."""
    (folder / "odd.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(StudyError) as caught:
        load_study("odd", folder)
    assert all("\n" not in problem and len(problem) < 400 for problem in caught.value.problems)
    return caught.value.problems


def test_keys_given_twice_are_refused_with_all_else(tmp_path: Path) -> None:
    """YAML would take one of two values in silence. Every such key is told with its lines, beside the other problems."""
    found = load(
        tmp_path,
        "seed: 1\nbaths:\n  argon_atoms: 25280\n  edge_nm: 11\n  edge_nm: 12\nseed: 2\nintegration: {timestep_fs: -1}\n",
    )
    assert found[:2] == [
        "config/odd.yaml, line 6: 'seed' was given on line 1 already: keep one",
        "config/odd.yaml, line 5: 'edge_nm' was given on line 4 already: keep one",
    ]
    assert found[2].startswith("integration.timestep_fs = '-1'")


LAUGHS = "a0: &a0 [lol]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 30))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (LAUGHS, "line 1: anchors"),
        ("baths: &b {argon_atoms: 25280}\ntrap: {<<: *b}\n", "line 1: anchors"),
        ("baths: {<<: {argon_atoms: 25280}}\n", "baths.<< is not a known field"),
        ("seed: &a [*a]\n", "line 1: anchors"),
        ("[" * 5000, "nested too deeply"),
        ("seed: !!python/object/apply:os.abort []\n", "seed = \\[]"),
        ("seed: !!python/name:os.abort ''\n", "seed = ''"),
        ("? {a: b}\n: c\n", "not valid YAML"),
        ("a: 1\n---\na: 2\n", "not valid YAML"),
        ('"bed\\e[31m\\nroom": 1\n', r"'bed\\x1b\[31m\\nroom' is not a known field"),
        ("seed: " + "9x" * 100_000, "seed = '9x9x"),
    ],
)
def test_tricks_of_yaml_do_nothing_but_a_message(text: str, message: str, tmp_path: Path) -> None:
    """Anchors, merges, bombs, tags and control characters: no work, no object, no escape sequence, one short line each."""
    assert any(re.search(message, problem) for problem in load(tmp_path, text))


@pytest.mark.parametrize(
    "name", ["../tiny", "tiny; reboot", "$(reboot)", "ti ny", "", "tiny@", "tiny@../x", "a\x00b", "-tiny"]
)
def test_names_that_a_shell_would_act_on_are_refused(name: str) -> None:
    """A study's name gets into commands, paths and decks, so it is of letters, digits, _ and - or it is no name."""
    with pytest.raises(StudyError, match="a study's name is letters, digits, _ and -"):
        load_study(name)
