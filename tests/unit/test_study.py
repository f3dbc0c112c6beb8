"""Study files: what is refused, on which side of each limit, how it is said, and what the shipped studies contain."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from analysis.model import Feedback, LangevinPair, PairWithBodies
from simulation.study.fields import Study, StudyError
from simulation.study.files import _overlay, check_study, load_study, read_plain
from simulation.study.liquid import melting_density, saturated_density, triple_temperature
from simulation.study.machines.table import machine_schema_text, machine_table
from simulation.study.places import SHIPPED, folders
from simulation.study.table import field_table, schema_text

GOOD: dict[str, Any] = {"baths": {"fluid_atoms": "25280"}}


def problems(**sections: dict[str, Any]) -> list[str]:
    """What check_study says about a good study with some sections replaced."""
    with pytest.raises(StudyError) as caught:
        check_study("example", GOOD | sections)
    return caught.value.problems


def test_every_problem_is_reported_at_once() -> None:
    """Wrong values, unknown keys and rules that join fields all appear in one error, each naming its field."""
    found = problems(
        baths={"fluid_atoms": "25280", "temperature_cold_K": "130", "thermostat": "berendsen"},
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
        (
            {"baths": {}},
            "give exactly one of fluid_atoms, accessible_density_per_nm3, bulk_density_per_nm3 and pressure_bar",
        ),
        ({"baths": {"fluid_atoms": "9", "accessible_density_per_nm3": "9"}}, "give exactly one of fluid_atoms"),
        ({"baths": {"fluid_atoms": "9000", "edge_nm": "4"}}, "do not fit a bath of edge_nm = 4"),
        ({"baths": {"fluid_atoms": "100", "edge_nm": "3"}}, "baths.edge_nm = 3 is too small"),
        ({"nanoparticle": {"atoms": "201"}}, "radius_lattice = 2.236 about this origin_lattice holds 186"),
        ({"demon": {"kappa_ratios": []}}, "demon.kappa_ratios is empty"),
        (
            {"langevin": {"active_hot": [{"force_eV_per_A": "0.02", "time_ps": "20"}]}},
            "langevin.active_hot: active forces exist only in the exact engine",
        ),
        ({"demon": {"shown_ratios": []}}, "demon.shown_ratios is empty"),
        ({"demon": {"coupling_cold_eV_per_A2": "0"}}, "gives no coupling, because κ_H is given by its ratio to κ_C"),
        (
            {"demon": {"controller_options": {"gain": "2"}}},
            "linear controller takes no controller_options, but has gain",
        ),
        ({"demon": {"kappa_ratios": ["4.8", "4.80"]}}, "contains the same value twice"),
        ({"demon": {"kappa_ratios": ["4.8; rm -rf"]}}, "demon.kappa_ratios.0"),
        ({"demon": {"coupling_axes": "zx"}}, "use x (the paper)"),
        ({"demon": {"coupling_axes": ""}}, "use x (the paper)"),
        ({"demon": {"coupling_axes": "xx"}}, "use x (the paper)"),
        ({"demon": {"coupling_axes": "xw"}}, "use x (the paper)"),
        ({"demon": {"controller": "no_such_module_here:Best"}}, "module 'no_such_module_here' is not found"),
        (
            {"demon": {"controller": "os; print(1)"}},
            "demon.controller = 'os; print(1)': write linear, or module:Class for your own controller",
        ),
        ({"demon": {"controller": ["linear"]}}, "demon.controller = ['linear']: write linear, or module:Class"),
        ({"demon": {"coupling_axes": ["x", "y"]}}, "demon.coupling_axes = ['x', 'y']: use x (the paper)"),
        ({"demon": {"kappa_ratios": [["1"]]}}, "demon.kappa_ratios.0 = ['1']: write a single word or number, without"),
        (
            {
                "materials": {
                    "metal": {"mass_u": 63, "epsilon_eV": 0.4, "sigma_A": 2, "lattice_A": 4, "symbol": "copper"}
                }
            },
            "materials.metal.symbol = 'copper': write a capital letter and up to three letters or digits",
        ),
        ({"interactions": {"template": "../a"}}, "interactions.template = '../a': give the name of a file next to the"),
        (
            {"interactions": {"work_terms": ["v_a"]}},
            "interactions.work_terms.0 = 'v_a': name a compute, fix or variable",
        ),
        ({"design": {"delay_ps": [1, 2, 3]}}, "design.delay_ps = [1, 2, 3]: write a list of 2 entries, not 3"),
        ({"limits": {"liquid": "maybe"}}, "limits.liquid = 'maybe': write true or false"),
        ({"integration": {"timestep_fs": "slow"}}, "integration.timestep_fs = 'slow': write a number"),
        ({"ranks": "1.5"}, "ranks = '1.5': write a whole number"),
        ({"trap": {"stiffness_eV_per_A2": "inf"}}, "trap.stiffness_eV_per_A2 = 'inf': write a finite number"),
        (
            {"trap": {"stiffness_eV_per_A2": {"x": "a", "yz": "nan"}}},
            "trap.stiffness_eV_per_A2 = {'x': 'a', 'yz': 'nan'}: x: write a number; yz: write a finite number",
        ),
        (
            {"baths": {"fluid_atoms": {"kold": "5", "hott": "3"}}},
            "baths.fluid_atoms = {'hott': '3', 'kold': '5'}: write one value for both baths, or {cold: …, hot: …}",
        ),
        (
            {"baths": {"fluid_atoms": {"cold": "5", "hott": "3"}}},
            "baths.fluid_atoms: 'hott' is not a bath: write one value for both baths, or {cold: …, hot: …}",
        ),
        ({"trap": {"stiffness_eV_per_A2": "nan"}}, "trap.stiffness_eV_per_A2 = 'nan'"),
        (
            {"schedule": {"sample_every_ps": "0.0005"}},
            "schedule.sample_every_ps (0.0005 ps) must be a whole multiple",
        ),
        ({"baths": "cold"}, "baths = 'cold'"),
        (
            {"demon": {"controller_options": "gain"}},
            "demon.controller_options = 'gain': a section is a mapping of fields, each on a separate line",
        ),
    ],
)
def test_problem_names_field_and_cure(sections: dict[str, Any], message: str) -> None:
    """Each kind of mistake is named by field and value."""
    assert message in "\n".join(problems(**sections))


@pytest.mark.parametrize("section", ["baths", "demon", "schedule", "integration"])
def test_of_a_section_that_is_none_nothing_else_is_told(section: str) -> None:
    """What its fields would be is not known, so no rule on them is broken."""
    wrong: dict[str, Any] = {section: "25280"}
    assert problems(**wrong) == [f"{section} = '25280': a section is a mapping of fields, each on a separate line"]


@pytest.mark.parametrize(
    ("given", "name"),
    [("demo.yaml", "demo"), ("config/demo.yaml", "demo"), ("demo.yaml@csvr", "demo@csvr")],
)
def test_a_file_is_told_the_name_of_its_study(given: str, name: str) -> None:
    """A path is what a shell completes to."""
    with pytest.raises(StudyError, match=rf"a study name consists of .*: write {name}, without folder and \.yaml$"):
        load_study(given)


def test_ratio_keeps_its_spelling(tmp_path: Path) -> None:
    """4.80 in a study file stays 4.80, since it names a folder, and numbers may be written 1e-2."""
    (tmp_path / "mine.yaml").write_text(
        "baths: {fluid_atoms: 25280}\ndemon: {kappa_ratios: [4.80, 10]}\ntrap: {stiffness_eV_per_A2: 1e-2}\n"
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
    # Langevin's slows the fluid itself: it gets several ps of damping.
    rubbed = load_study("demo@langevin").baths
    assert (rubbed.thermostat, rubbed.thermostat_damping_ps) == ("langevin", 5.0)
    assert rubbed.model_copy(update={"thermostat": "nose-hoover", "thermostat_damping_ps": 1.0}) == demo.baths
    with pytest.raises(StudyError, match=r"ice is not one of its variants \(nose-hoover, langevin, csvr\)"):
        load_study("demo@ice")


def test_variant_changes_what_it_names_and_nothing_else(tmp_path: Path) -> None:
    """A variant is the study with the named fields changed, at any depth, under its own name."""
    variants = {"dry": {"materials": {"fluid": {"mass_u": "20"}}}, "long-0.5": {"schedule": {"friction_ns": "0.5"}}}
    data = {
        "baths": {"fluid_atoms": "25280"},
        "materials": {"fluid": {"mass_u": "39", "epsilon_eV": "0.01", "sigma_A": "3.4", "symbol": "Q"}},
    }
    (tmp_path / "base.yaml").write_text(yaml.safe_dump(data | {"variants": variants}, sort_keys=False))
    base, dry = load_study("base", tmp_path), load_study("base@dry", tmp_path)
    assert list(base.variants) == ["dry", "long-0.5"]
    assert dry.fluid("cold").model_dump() == {"mass_u": 20, "epsilon_eV": 0.01, "sigma_A": 3.4, "symbol": "Q"}
    back = dry.model_copy(update={"name": "base", "materials": base.materials, "variants": base.variants})
    assert back == base
    assert load_study("base@long-0.5", tmp_path).schedule.friction_ns == 0.5


def test_wrong_variants_are_found_with_the_study(tmp_path: Path) -> None:
    """Loading a study finds what is wrong with each of its variants, and says what is wrong with the study once."""
    variants = {"cold": {"baths": {"temperature_hot_K": "90"}}, "odd": {"bath": {}}, "nested": {"variants": {"x": {}}}}
    data = {"baths": {"fluid_atoms": "25280"}, "seed": "-1", "variants": variants}
    (tmp_path / "bad.yaml").write_text(yaml.safe_dump(data, sort_keys=False))
    with pytest.raises(StudyError) as failure:
        load_study("bad", tmp_path)
    starts = ["seed = '-1'", "variants.cold: baths.temperature_hot_K", "variants.odd: bath is not", "variants.nested"]
    assert len(failure.value.problems) == len(starts)
    assert all(text.startswith(start) for text, start in zip(failure.value.problems, starts, strict=True))


def test_missing_study_lists_those_that_exist() -> None:
    """A misspelt study name is answered with the names that exist, among which the settings of the workflow are none."""
    with pytest.raises(
        StudyError,
        match=r"found: active-bath, bath-size, .*calibration-bodies, .*demo, dressed-model, .*feedback, .*model, .*tiny",
    ):
        load_study("dmeo")
    with pytest.raises(StudyError) as caught:
        load_study("dmeo")
    listed = str(caught.value).partition("found: ")[2].rstrip(")").split(", ")
    assert sorted([*listed, "config"]) == sorted(file.stem for file in SHIPPED.glob("*.yaml"))


def test_paper_study_has_the_paper_numbers() -> None:
    """Study `paper` states the published set-up."""
    study = load_study("paper")
    assert study.fluid_atoms("cold") == 25280
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
    density = [1000 * study.fluid_atoms("cold") / study.accessible_volume_A3("cold") for study in (paper, demo)]
    assert density[0] == pytest.approx(19.56, abs=0.01)
    assert density[1] == pytest.approx(density[0], rel=1e-3)


def test_table_of_fields_is_up_to_date() -> None:
    """config/README.md and config/schema.json are what the Study says of itself, and no field is unexplained."""
    for name, command, text in (
        ("README.md", "fields", field_table() + machine_table()),
        ("schema.json", "schema", schema_text()),
        ("machine-schema.json", "schema --machines", machine_schema_text()),
    ):
        assert (SHIPPED / name).read_text(encoding="utf-8") == text, (
            f"run: python -m simulation {command} > config/{name}"
        )
    table = field_table() + machine_table()
    assert "| None |" not in table
    assert not [line for line in table.splitlines() if line.startswith("|") and line.endswith(("| |", "|  |"))]


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
        "seed: 1\nbaths:\n  fluid_atoms: 25280\n  edge_nm: 11\n  edge_nm: 12\nseed: 2\nintegration: {timestep_fs: -1}\n",
    )
    assert found[:2] == [
        "odd.yaml, line 5: 'edge_nm' was already given on line 4: keep one",
        "odd.yaml, line 6: 'seed' was already given on line 1: keep one",
    ]
    assert found[2].startswith("integration.timestep_fs = '-1'")


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("{fluid_atoms: 25280, temperature_cold_K: -5, temperature_hot_K: 90}", ["baths.temperature_cold_K = '-5'"]),
        ("{fluid_atoms: some, temperature_hot_K: 90}", ["baths.fluid_atoms = 'some'", "baths.temperature_hot_K = 90"]),
        ("{fluid_atoms: 25280, edge_nm: wide}", ["baths.edge_nm = 'wide'"]),
        (
            "{fluid_atoms: 25280}\ndemon: {feedback: {delay_ps: -1, update_every_ps: 900.0005}}",
            ["demon.feedback.delay_ps"],
        ),
        ("{fluid_atoms: 25280}\ninteractions: {range_A: wide, contact_A: 3}", ["interactions.range_A = 'wide'"]),
        ("{fluid_atoms: 25280}\nmaterials: {fluid: water}", ["materials.fluid = 'water'"]),
    ],
)
def test_what_follows_from_a_wrong_field_is_not_told(text: str, fields: list[str], tmp_path: Path) -> None:
    """Rules about it wait until it is right; those about other fields of its section do not."""
    found = load(tmp_path, f"baths: {text}\n")
    assert len(found) == len(fields)
    for problem, field in zip(found, fields, strict=True):
        assert problem.startswith(field)


LAUGHS = "a0: &a0 [lol]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 30))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (LAUGHS, "line 1: anchors"),
        ("baths: &b {fluid_atoms: 25280}\ntrap: {<<: *b}\n", "line 1: anchors"),
        ("baths: {<<: {fluid_atoms: 25280}}\n", "baths.<< is not a known field"),
        ("seed: &a [*a]\n", "line 1: anchors"),
        ("[" * 5000, "line 1: nested too deeply"),
        ("seed: !!python/object/apply:os.abort []\n", "seed = \\[]"),
        ("seed: !!python/name:os.abort ''\n", "seed = ''"),
        ("? {a: b}\n: c\n", "line 1: a key must be a single word"),
        ("a: 1\n---\na: 2\n", "odd.yaml: not a study file: expected a single document"),
        ('"bed\\e[31m\\nroom": 1\n', r"'bed\\x1b\[31m\\nroom' is not a known field"),
        ("seed: " + "9x" * 100_000, "seed = '9x9x"),
    ],
)
def test_tricks_of_yaml_do_nothing_but_a_message(text: str, message: str, tmp_path: Path) -> None:
    """Anchors, merges, bombs, tags and control characters: no work, no object, no escape sequence, one short line each."""
    assert any(re.search(message, problem) for problem in load(tmp_path, text))


@pytest.mark.parametrize(
    "name", ["../tiny", "tiny; reboot", "$(reboot)", "ti ny", "ti.ny", "", "tiny@", "tiny@../x", "a\x00b", "-tiny"]
)
def test_names_that_a_shell_would_act_on_are_refused(name: str) -> None:
    """A study's name gets into commands, paths and decks, so it is of letters, digits, _ and - or it is no name."""
    with pytest.raises(StudyError, match="a study name consists of letters, digits, _ and -"):
        load_study(name)


def test_keys_are_given_twice_in_any_spelling_and_place(tmp_path: Path) -> None:
    """Quoted or not, deep within a variant, or by an older name and the present one."""
    text = """
    baths: {fluid_atoms: 25280}
    materials:
      fluid: {mass_u: 39, "mass_u": 40, epsilon_eV: 0.01, sigma_A: 3.4}
    variants:
      one: {trap: {stiffness_eV_per_A2: 1}}
      'one': {}
    'seed': 1
    "seed": 1
    """
    assert load(tmp_path, text) == [
        "odd.yaml, line 4: 'mass_u' was already given on line 4: keep one",
        "odd.yaml, line 7: 'one' was already given on line 6: keep one",
        "odd.yaml, line 9: 'seed' was already given on line 8: keep one",
    ]
    for section, old, new in (
        ("baths", "argon_atoms: 25280", "fluid_atoms: 25280"),
        ("materials", "argon_copper: {epsilon_eV: 1, sigma_A: 3}", "fluid_metal: {epsilon_eV: 1, sigma_A: 3}"),
    ):
        names = [entry.partition(":")[0] for entry in (old, new)]
        found = load(tmp_path, f"{section}: {{{old}, {new}}}\n")
        assert found[0] == f"{section}.{names[0]} and {section}.{names[1]} are the same field: keep one"


def test_read_plain_keeps_every_scalar_as_it_is_written() -> None:
    """So that 4.80 names a folder; what is empty is nothing, and only that."""
    content, twice = read_plain("a: 4.80\nb: [1e-1, yes, 0x10]\nc:\nd: ~\ne: null\nf: 'null'\ng: ''\n")
    assert content == {"a": "4.80", "b": ["1e-1", "yes", "0x10"], "c": None, "d": None, "e": None, "f": "null", "g": ""}
    assert not twice
    assert read_plain("") == (None, [])
    assert read_plain("[Null, NULL, nULL]") == ([None, None, "nULL"], [])
    assert read_plain("[" * 20 + "]" * 20)
    with pytest.raises(yaml.YAMLError, match="line 1: nested too deeply"):
        read_plain("[" * 21 + "]" * 21)


# --- what is good, and used to be refused -----------------------------------------------------------------------------


def written(folder: Path, text: str, name: str = "mine") -> Study:
    """The study of a file."""
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    return load_study(name, folder)


def test_older_names_of_fields_mean_the_same(tmp_path: Path) -> None:
    """Study files that call fluid and metal argon and copper are read as they were meant, in the study and in its variants."""
    old = """
    materials:
      argon: {mass_u: 40, epsilon_eV: 0.01, sigma_A: 3.4}
      copper: {mass_u: 60, epsilon_eV: 0.4, sigma_A: 2.3, lattice_A: 3.6}
      argon_copper: {epsilon_eV: 0.03, sigma_A: 2.9}
    baths: {argon_atoms: 25000}
    variants:
      dense: {baths: {argon_atoms: 26000}, materials: {argon_copper: {epsilon_eV: 0.05}}}
      new: {baths: {fluid_atoms: 26000}, materials: {fluid_metal: {epsilon_eV: 0.05}}}
    """
    new = old
    for name, present in (
        ("argon_copper", "fluid_metal"),
        ("argon_atoms", "fluid_atoms"),
        ("argon", "fluid"),
        ("copper", "metal"),
    ):
        new = new.replace(f"{name}:", f"{present}:")
    assert "argon" not in new
    one, other = written(tmp_path / "old", old), written(tmp_path / "new", new)
    assert one.model_copy(update={"variants": {}}) == other.model_copy(update={"variants": {}})
    assert one.fluid_atoms("cold") == 25000
    for variant in ("dense", "new"):
        found = load_study(f"mine@{variant}", tmp_path / "old")
        assert found.fluid_atoms("cold") == 26000
        assert found.materials.unlike("cold").model_dump() == {"epsilon_eV": 0.05, "sigma_A": 2.9}


def test_an_empty_section_is_the_default(tmp_path: Path) -> None:
    """As one whose keys are all commented out, or a whole file of that kind."""
    study = written(
        tmp_path, "baths: {fluid_atoms: 25280}\ndemon:\n  # kappa_ratios: [1]\nschedule: ~\ndrag: {}\nvariants:\n"
    )
    assert study == check_study("mine", GOOD)
    found = load(tmp_path, "# nothing yet\n")
    assert found == [
        "baths: give exactly one of fluid_atoms, accessible_density_per_nm3, bulk_density_per_nm3 and pressure_bar (the "
        "paper: fluid_atoms: 25280; in a variant, null removes a field)"
    ]


def test_null_in_a_variant_takes_a_field_away(tmp_path: Path) -> None:
    """So that one can give a number of atoms where the study gives a density; one that is no field is still told."""
    study = written(
        tmp_path,
        "baths: {accessible_density_per_nm3: 19.56}\nvariants:\n"
        "  counted: {baths: {accessible_density_per_nm3: null, fluid_atoms: 25000}}\n"
        "  usual: {trap: {stiffness_eV_per_A2: }, demon: ~}\n  none:\n",
    )
    assert study.baths.fluid_atoms is None
    counted = load_study("mine@counted", tmp_path)
    assert (counted.fluid_atoms("cold"), counted.baths.accessible_density_per_nm3) == (25000, None)
    assert load_study("mine@none", tmp_path).baths == study.baths
    with pytest.raises(StudyError, match="give exactly one of fluid_atoms"):
        check_study("mine", {"baths": {"accessible_density_per_nm3": None}})


@pytest.mark.parametrize("text", ["1e-1", "+2", "0.333333333333333", "-.01", "4.", "1E+2", "00.5"])
def test_ratios_may_be_spelled_in_any_way_that_names_a_folder(text: str) -> None:
    """Any plain number, kept as it is written."""
    study = check_study("mine", GOOD | {"demon": {"kappa_ratios": [text]}})
    assert study.demon.kappa_ratios == (text,)
    assert study.coupling_hot_eV_per_A2(text) == pytest.approx(float(text) * 0.1)


@pytest.mark.parametrize(
    "text", ["", ".", "1.2.3", "1_000", "0x1", "one", "nan", "1e999", "1/2", "1" * 25, "-", "e5", "٣"]
)
def test_what_is_no_plain_number_is_said_in_words(text: str) -> None:
    """And not with a pattern."""
    (found,) = problems(demon={"kappa_ratios": [text]})
    assert (
        "write a plain number of at most 24 characters, such as 4.80, -0.5 or 1e-1" in found
        or "not a finite number" in found
    )


@pytest.mark.parametrize("name", ["2024", "1e3", "010", "a-b_c", "A"])
def test_studies_may_have_any_plain_name(name: str, tmp_path: Path) -> None:
    """A number among them."""
    assert written(tmp_path, "baths: {fluid_atoms: 25280}\n", name).name == name


def test_files_are_read_as_utf_8_whatever_the_locale(tmp_path: Path) -> None:
    """κ and Å may stand in comments; a file that is not UTF-8 is one message."""
    assert written(tmp_path, "# κ_H/κ_C, Å\nbaths: {fluid_atoms: 25280}\n").fluid_atoms("cold") == 25280
    (tmp_path / "latin.yaml").write_bytes(b"# \xe5\nseed: 1\n")
    with pytest.raises(StudyError, match=r"latin\.yaml: not a study file"):
        load_study("latin", tmp_path)


def test_studies_of_the_working_directory_come_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that the project ships can be used from anywhere, and one's own of the same name take their place."""
    monkeypatch.chdir(tmp_path)
    assert load_study("paper").name == "paper"
    own = written(tmp_path / "config", "baths: {fluid_atoms: 25000}\n", "paper")
    assert load_study("paper") == own
    assert folders() == [tmp_path / "config", SHIPPED]
    with pytest.raises(
        StudyError, match=r"config\.yaml holds the settings of the workflow: give the study another name"
    ):
        load_study("config")
    with pytest.raises(
        StudyError, match=rf"no file mine\.yaml in {tmp_path}/config or {SHIPPED} \(found: .*demo.*paper"
    ):
        load_study("mine")


# --- limits, from both sides ------------------------------------------------------------------------------------------


def verdict(**sections: Any) -> str:
    """All that is wrong with a study; empty if nothing is."""
    try:
        check_study("example", GOOD | sections)
    except StudyError as failure:
        return "\n".join(failure.problems)
    return ""


LIQUID: dict[str, Any] = {"accessible_density_per_nm3": 19.56}
ARGON_K = 0.0104 * 11604.518
"""ε/k_B."""


def moved(**motion: float) -> dict[str, Any]:
    """A cold trap that oscillates."""
    return {"trap": {"motion_cold": [motion]}}


def curvature(epsilon: float, sigma: float, r: float) -> float:
    """Second derivative of the Lennard-Jones potential, by differences."""

    def energy(at: float) -> float:
        return 4 * epsilon * ((sigma / at) ** 12 - (sigma / at) ** 6)

    return (energy(r + 1e-3) - 2 * energy(r) + energy(r - 1e-3)) / 1e-6


PARTICLE_MASS = 186 * 63.546 * 1.0364270e-4
"""eV ps²/Å²."""

LIMITS: dict[str, tuple[Callable[[float], dict[str, Any]], float, str]] = {
    # what is varied, the limit, what is said on its wrong side; good is above the limit but where it says `below`
    "edge": (
        lambda v: {"baths": {"edge_nm": v, "accessible_density_per_nm3": 19.5}},
        2 * (2.236 * 3.61 + 8.5125) / 10,
        "edge_nm",
    ),
    "stability": (lambda v: {"demon": {"kappa_ratios": [f"{v:.4f}"]}}, -1.1, "makes the coupling unstable"),
    "stability of a negative coupling": (
        lambda v: {
            "demon": {"coupling_cold_eV_per_A2": -0.005, "kappa_ratios": [f"{-v:.4f}"]},
            "trap": {"stiffness_eV_per_A2": 0.01},
        },
        -1.0,
        "makes the coupling unstable",
    ),
    "hot below cold": (lambda v: {"baths": {"fluid_atoms": 25280, "temperature_hot_K": v}}, 99.9999, "swap them"),
    "density, below": (
        # What atoms can reach: the cube less a skin on walls and particle, half of the σ between fluid and metal.
        lambda v: {"baths": {"accessible_density_per_nm3": v}, "limits": {"liquid": False}},
        1.05 / 3.405**3 * 1000,
        "do not fit a bath",
    ),
    "coldest liquid": (
        lambda v: {"baths": LIQUID | {"temperature_cold_K": v}},
        triple_temperature(2.5) * ARGON_K,
        "it freezes",
    ),
    "warmest liquid, below": (
        lambda v: {"baths": LIQUID | {"temperature_hot_K": v}},
        1.0779 * ARGON_K,
        "it is above its critical point",
    ),
    "densest liquid, below": (
        lambda v: {"baths": {"accessible_density_per_nm3": v}},
        melting_density(100 / ARGON_K) / 3.405**3 * 1000,
        "on the cold side",
    ),
    "thinnest liquid": (
        lambda v: {"baths": {"accessible_density_per_nm3": v}},
        0.85 * saturated_density(100 / ARGON_K, 2.5) / 3.405**3 * 1000,
        "on the cold side",
    ),
    "atoms in the bulk": (
        # The cube without walls, less a ball of the particle and 3.5 σ about it.
        lambda v: {
            "baths": {"edge_nm": 5.0, "walls": "none", "bulk_density_per_nm3": v},
            "limits": {"liquid": False},
        },
        300_000 / (50**3 - 4 / 3 * math.pi * (2.236 * 3.61 + 3.5 * 3.405) ** 3),
        "fluid atoms are",
    ),
    "one chain": (
        lambda v: {"baths": {"fluid_atoms": 25280, "chains": {"fraction": v}}, "integration": {"timestep_fs": 0.5}},
        0.5 * 10 / 25280,
        "is less than one chain of",
    ),
    "length of a bond": (
        lambda v: {"baths": LIQUID | {"chains": {"fraction": 0.5, "length_A": v}}, "integration": {"timestep_fs": 0.1}},
        1.1 * 3.405,
        "is the longest possible fene bond",
    ),
    # Half a bath less a contact of 0.8 × 2.8715 Å. Rows of 4, 4 and 2 atoms have their middle at (0.8, 1.3), far from (0, 3).
    "length of a harmonic bond, below": (
        lambda v: {
            "baths": {"edge_nm": 3.6, "accessible_density_per_nm3": 19.56}
            | {"chains": {"fraction": 0.1, "bond": "harmonic", "length_A": v}},
            "integration": {"timestep_fs": 0.5},
        },
        (18 - 0.8 * 2.8715) / math.hypot(0.8, 1.7),
        "baths.chains.length_A = ",
    ),
    "skin, below": (lambda v: {"integration": {"neighbour_skin_A": v}}, 8.5125, "integration.neighbour_skin_A = "),
    "thermostat": (
        lambda v: {"baths": {"fluid_atoms": 25280, "thermostat_damping_ps": v}, "integration": {"timestep_fs": 5}},
        0.05,
        "baths.thermostat_damping_ps = ",
    ),
    "stiffness of a bond, below": (
        lambda v: {
            "baths": LIQUID | {"chains": {"fraction": 0.5, "bond": "harmonic", "stiffness_eV_per_A2": v}},
            "integration": {"timestep_fs": 2},
        },
        # 2 K = μ ω² of two atoms of 39.948 u, with 20 steps of 2 fs to a period.
        39.948 / 2 * 1.66053907e-27 * (2 * math.pi / 40e-15) ** 2 / 2 / 16.02176634,
        "is too long for bonds that vibrate in",
    ),
    "amplitude of a trap, below": (
        lambda v: moved(amplitude_A=v, period_ps=20),
        # Half a bath less the particle and two thermal widths.
        55 - 2.236 * 3.61 - 2 * math.sqrt(100 / 11604.518 / 0.01),
        "move the cold particle out",
    ),
    "samples of a run, below": (
        lambda v: {"schedule": {"sweep_ns": v, "sample_every_ps": 0.1, "segment_ps": 100}},
        2_000,
        "samples of one run, more than 2e+07",
    ),
    # 50 steps of 5 fs to the period of 186 atoms of 63.546 u on trap and both couplings, κ_C = 0.1 eV/Å².
    "coupling, below": (
        lambda v: {"demon": {"kappa_ratios": [str(v)]}, "integration": {"timestep_fs": 5}},
        (PARTICLE_MASS * (2 * math.pi / 0.25) ** 2 - 0.01 - 0.1) / 0.1,
        "which 50 steps must resolve",
    ),
    "trap, below": (
        lambda v: {"trap": {"stiffness_eV_per_A2": v}, "integration": {"timestep_fs": 5}},
        PARTICLE_MASS * (2 * math.pi / 0.25) ** 2 - 0.1 - 0.48,
        "which 50 steps must resolve",
    ),
    # The velocity changes by 2π/50 of itself in a step; in kg/s, and of either sign.
    "cold damping, below": (
        lambda v: {"demon": {"damping_cold_kg_per_s": v}, "integration": {"timestep_fs": 5}},
        2 * math.pi / 50 * 186 * 63.546 * 1.66053907e-27 / 5e-15,
        "or weaker damping",
    ),
    "shortest period": (lambda v: moved(amplitude_A=1, period_ps=v), 50 * 0.001, "50 time steps"),
    "longest period, below": (lambda v: moved(amplitude_A=1, period_ps=v), 15_000, "schedule.sweep_ns"),
}


def test_a_time_step_resolves_the_vibrations_of_the_metal() -> None:
    """Eight steps to the period of the zone boundary of fcc, ω² = 8 V''/m; the exact engine has no atoms."""
    frequency = math.sqrt(8 * curvature(0.4093, 2.338, 3.61 / math.sqrt(2)) / (63.546 * 1.0364270e-4))
    longest = 1000 * 2 * math.pi / frequency / 8
    assert "Cu, whose atoms vibrate in" in verdict(integration={"timestep_fs": 1.001 * longest})
    assert "vibrate" not in verdict(integration={"timestep_fs": 0.999 * longest})
    assert "vibrate" not in verdict(engine="langevin", integration={"timestep_fs": 1.001 * longest})


@pytest.mark.parametrize("name", LIMITS)
def test_each_rule_holds_on_one_side_of_its_limit_only(name: str) -> None:
    """A thousandth within it the study is good, a thousandth beyond it is told; a proposed time step is just below."""
    vary, limit, message = LIMITS[name]
    good = -1 if "below" in name and "hot" not in name else 1
    assert verdict(**vary(limit + good * 1e-3 * abs(limit))) == ""
    beyond = vary(limit - good * 1e-3 * abs(limit))
    found = verdict(**beyond)
    assert message in found
    if proposed := re.search(r"use at most ([\d.]+) fs", found):
        step = beyond["integration"]["timestep_fs"]
        assert 0.94 * step < float(proposed[1]) < step


# ε/k_B of argon is 120.7 K, so that 100 K and 120 K are kT/ε = 0.83 and 0.99.
MESSAGES: dict[str, tuple[dict[str, Any], list[str]]] = {
    # A radius of 2.236 × 3.61 Å, and twice that and a cutoff of 8.5125 Å.
    "edge": (
        {"baths": {"edge_nm": 3.0, "accessible_density_per_nm3": 19.5}},
        [
            "baths.edge_nm = 3 is too small: a particle of radius 0.807 nm and materials.cutoff_A = 8.5125 "
            "need at least 3.32 nm"
        ],
    ),
    "no room": (
        {"baths": {"edge_nm": 1.5, "accessible_density_per_nm3": 19.5}},
        ["baths.edge_nm = 1.5 is too small"]
        + [
            f"baths.edge_nm = 1.5 leaves no room for fluid on the {side} side: make it larger"
            for side in ("cold", "hot")
        ],
    ),
    "no atom": (
        {"baths": {"accessible_density_per_nm3": {"cold": 1e-6, "hot": 19.5}}},
        ["baths.accessible_density_per_nm3 = 1e-06 gives the cold bath too few fluid atoms, 0: state more, at least 2"],
    ),
    "one atom": (
        {"baths": {"fluid_atoms": {"cold": 2, "hot": 1}}, "limits": {"liquid": False}},
        ["baths.fluid_atoms = 1 gives the hot bath too few fluid atoms, 1: state more, at least 2"],
    ),
    "particle of one atom": (
        {"nanoparticle": {"atoms": 1, "radius_lattice": 0.3, "origin_lattice": [0, 0, 0]}},
        [
            "nanoparticle.atoms = 1 is too few, because temperature is motion relative to the centre of mass: use 2 or more"
        ],
    ),
    # Room between x = ±13.08 Å, (edge/2 - 3.5 σ), less a ball of 19.99 Å: 37.3 nm³.
    "bulk": (
        {"baths": {"edge_nm": 5.0, "bulk_density_per_nm3": {"cold": 2, "hot": 3}}, "limits": {"liquid": False}},
        [
            f"baths.bulk_density_per_nm3 = {density}: in a bath of edge_nm = 5 only {atoms} fluid atoms are 1.2 nm or more "
            "from the metal, and 300 are needed for a bulk density"
            for density, atoms in ((2, 75), (3, 112))
        ],
    ),
    "temperature": (
        {"baths": LIQUID | {"temperature_cold_K": 70}},
        [
            "baths.temperature_cold_K = 70 does not give a liquid on the cold side (Ar): at kT/ε = 0.58 it freezes. With "
            "forces cut at 2.50 σ it is liquid from kT/ε = 0.64 to 1.08, 77 to 130 K: use"
        ],
    ),
    "dense": (
        {"baths": {"accessible_density_per_nm3": 30}},
        [
            f"at most {melting_density(kelvin / ARGON_K):.2f} at kT/ε = {kelvin / ARGON_K:.2f} on the {side} side): use fewer"
            for side, kelvin in (("cold", 100), ("hot", 120))
        ],
    ),
    "thin": (
        {"baths": {"fluid_atoms": 15000}},
        [
            f"at least {0.85 * saturated_density(kelvin / ARGON_K, 2.5):.2f} at kT/ε = {kelvin / ARGON_K:.2f} on the {side} s"
            for side, kelvin in (("cold", 100), ("hot", 120))
        ],
    ),
    "dense without a liquid": (
        {"baths": {"bulk_density_per_nm3": 100}, "limits": {"liquid": False}},
        [
            "baths.bulk_density_per_nm3 = 100: 130560 fluid atoms do not fit a bath of edge_nm = 11 (reduced density ρσ³ = "
            f"3.99, at most 1.05 on the {side} side): use fewer, with a lower bulk_density_per_nm3"
            for side in ("cold", "hot")
        ],
    ),
    "pressure": (
        {"baths": {"pressure_bar": {"cold": 1e9, "hot": -1e9}}},
        [
            "baths.pressure_bar = 1e+09: 37327 fluid atoms do not fit a bath of edge_nm = 11 as a liquid (reduced density",
            "baths.pressure_bar = -1e+09: 7843 fluid atoms do not fill a bath of edge_nm = 11 with liquid (reduced density",
        ],
    ),
    "short forces": (
        {"materials": {"cutoff_A": 4}},
        [
            "materials.cutoff_A = 4 is 1.2 σ of Ar, and no liquid is known with forces cut below 1.5 σ: use at least 5.11 "
            "(usual: 2.5 σ, 8.5125), or limits.liquid: false"
        ],
    ),
    # Neighbours in copper are 3.61/√2 Å apart.
    "no metal": (
        {"materials": {"cutoff_A": 2.5}, "limits": {"liquid": False}},
        ["materials.cutoff_A = 2.5 is not longer than the distance of neighbours in Cu, 2.55 Å, so nothing would hold"],
    ),
    "wide skin": (
        {"integration": {"neighbour_skin_A": 100}},
        [
            "integration.neighbour_skin_A = 100 is longer than the forces themselves, materials.cutoff_A = 8.5125, and the"
        ],
    ),
    "many steps": (
        {"integration": {"timestep_fs": 1e-5}},
        [
            "integration.timestep_fs = 1e-05 makes 1e+10 steps of schedule.segment_ps = 100, and LAMMPS takes at most "
            "2147483647 in one run: use a longer time step (usual: 4 to 5 fs), or a shorter schedule.segment_ps"
        ],
    ),
    "many steps of filling": (
        {"baths": {"pressure_bar": 100}, "schedule": {"filling_ps": 1e8}},
        ["integration.timestep_fs = 1 makes 1e+11 steps of schedule.filling_ps = 1e+08, and LAMMPS takes at most"],
    ),
    # 100 ps, 200 ps, 1 ns and 15 ns.
    "many segments": (
        {
            "schedule": {"segment_ps": 0.001, "sample_every_ps": 0.001, "trajectory_every_ps": 0.001},
        },
        [
            f"{field} ({length} ps) makes {count} segments of schedule.segment_ps = 0.001, more than 100000: use longer"
            for field, length, count in (
                ("schedule.equilibration_ps", 200, "2e+05"),
                ("schedule.relaxation_ps", 200, "2e+05"),
                ("schedule.friction_ns", 15000, "1.5e+07"),
                ("schedule.sweep_ns", 15000, "1.5e+07"),
                ("drag.duration_ns", 1000, "1e+06"),
            )
        ],
    ),
    "fast thermostat": (
        {"baths": {"fluid_atoms": 25280, "thermostat_damping_ps": 0.02}, "integration": {"timestep_fs": 5}},
        [
            "baths.thermostat_damping_ps = 0.02 is shorter than 10 time steps of integration.timestep_fs = 5: use at least "
            "0.05 ps (usual: 1)"
        ],
    ),
    "density and chains": (
        {"baths": {"bulk_density_per_nm3": 18, "chains": {"fraction": 0.5}}},
        ["baths.chains.fraction = 0.5: atoms of chains are not added or removed to reach a bulk density or a pressure"],
    ),
    "pressure and chains": (
        {"baths": {"pressure_bar": 100, "chains": {"fraction": 0.5}}},
        ["baths.chains.fraction = 0.5: atoms of chains are not added or removed to reach a bulk density or a pressure"],
    ),
    # 0.506 chains in one bath, and 0.48 in the other.
    "few chains": (
        {"baths": {"fluid_atoms": {"cold": 25280, "hot": 24000}, "chains": {"fraction": 2e-4}}},
        ["baths.chains.fraction = 0.0002 of 24000 fluid atoms in the hot bath is less than one chain of 10 atoms"],
    ),
    # 0.97 σ and 1.5 σ of argon.
    "short bonds": (
        {"baths": LIQUID | {"chains": {"fraction": 0.5, "length_A": 3.5}}},
        [
            "baths.chains.length_A = 3.5 is the longest possible fene bond, and bonded atoms of the "
            f"{side} bath are about 3.3 Å apart: make it larger (usual: 5.11)"
            for side in ("cold", "hot")
        ],
    ),
    # Both baths have the same bonds, which is told once.
    "stiff bonds": (
        {
            "baths": LIQUID | {"chains": {"fraction": 0.5, "bond": "harmonic", "stiffness_eV_per_A2": 50}},
            "integration": {"timestep_fs": 4},
        },
        [
            "integration.timestep_fs = 4 is too long for bonds that vibrate in 28.6 fs: use at most 1.4 fs or a smaller "
            "baths.chains.stiffness_eV_per_A2"
        ],
    ),
    "active forces": (
        {"langevin": {"active_cold": [{"force_eV_per_A": 0.02, "time_ps": 20}]}},
        ["langevin.active_cold: active forces exist only in the exact engine"],
    ),
    # A millionth of a step, which rounds to none.
    "no step": (
        {"demon": {"feedback": {"update_every_ps": 1e-9, "delay_ps": 1e-9}}},
        [
            f"demon.feedback.{field} = 1e-09 must be a whole multiple of integration.timestep_fs = 1: use 0.001 ps"
            for field in ("update_every_ps", "delay_ps")
        ],
    ),
    "half a step": (
        {"demon": {"feedback": {"delay_ps": 0.0005}}},
        ["demon.feedback.delay_ps = 0.0005 must be a whole multiple of integration.timestep_fs = 1: use 0.001 ps"],
    ),
    "noise and late": (
        {"demon": {"feedback": {"position_noise_A": 0.3, "delay_ps": 250}}},
        [
            "demon.feedback.position_noise_A = 0.3 applies to one reading, but update_every_ps is missing: add it",
            "demon.feedback.delay_ps = 250 is not shorter than schedule.relaxation_ps = 200",
        ],
    ),
    "metal": (
        {"integration": {"timestep_fs": 10}},
        [
            "integration.timestep_fs = 10 is too long for Cu, whose atoms vibrate in 66.1 fs, which 8 steps must resolve: "
            "use at most 8.2 fs (usual: 4 to 5)"
        ],
    ),
    # 2π √(m/κ) with m = 1.225 eV ps²/Å²; the stiffest spring, 2000 + 0.1 + 0.727 eV/Å², allows hardly less.
    "trap": (
        {"trap": {"stiffness_eV_per_A2": {"x": 2000, "yz": 1}}, "integration": {"timestep_fs": 5}},
        [
            "integration.timestep_fs = 5 is too long for a trap of 2000 eV/Å², with which a particle oscillates in 156 fs, "
            "which 50 steps must resolve: use at most 3.1 fs, or softer springs"
        ],
    ),
    # Springs of either sign count: 800 + 400 + 80 eV/Å².
    "negative couplings": (
        {
            "demon": {"coupling_cold_eV_per_A2": -400, "kappa_ratios": ["-0.2"]},
            "trap": {"stiffness_eV_per_A2": 800},
            "integration": {"timestep_fs": 4},
        },
        [
            "integration.timestep_fs = 4 is too long for demon.kappa_ratios: -0.2, with which a particle oscillates in 194 fs, "
            "which 50 steps must resolve: use at most 3.8 fs, or softer springs"
        ],
    ),
    # m/γ = 1.225/62.4 ps; 2π/50 of it.
    "damping": (
        {"demon": {"damping_hot_kg_per_s": 1e-9}, "integration": {"timestep_fs": 5}},
        [
            "integration.timestep_fs = 5 is too long for demon.damping_hot_kg_per_s = 1e-09, which changes a velocity in "
            "19.6 fs: use at most 2.4 fs, or weaker damping"
        ],
    ),
    # Half of 110 Å less the particle's 8.07 Å; √(k_B 120 K/κ) = 1 Å along the softest axis.
    "wide motion": (
        {
            "trap": {
                "stiffness_eV_per_A2": {"x": 0.04, "y": 0.01, "z": 0.02},
                "motion_hot": [{"amplitude_A": 30, "period_ps": 20}, {"amplitude_A": 25, "period_ps": 30}],
            }
        },
        [
            "trap.motion_hot: amplitudes of 55 Å in all, with thermal motion of 1 Å, move the hot particle out of its bath, "
            "in which it has 46.9 Å on each side"
        ],
    ),
    "slow motion": (
        {"trap": {"motion_hot": [{"amplitude_A": 1, "period_ps": 2e4}]}},
        ["trap.motion_hot: period_ps = 20000 must be from 0.05 ps (50 time steps) to 15000 ps (schedule.sweep_ns)"],
    ),
    "many samples": (
        {"schedule": {"friction_ns": 3000}},
        ["schedule.friction_ns (3e+06 ps) makes 3e+07 samples of one run, more than 2e+07"],
    ),
}


@pytest.mark.parametrize("name", MESSAGES)
def test_a_rule_is_told_once_with_the_numbers_of_the_study(name: str) -> None:
    """In order: field, value, side, limit and cure; and nothing else is wrong."""
    sections, messages = MESSAGES[name]
    found = problems(**sections)
    assert len(found) == len(messages), found
    for problem, message in zip(found, messages, strict=True):
        assert message in problem


@pytest.mark.parametrize("name", MESSAGES)
def test_a_rule_is_not_told_of_a_field_that_is_wrong_itself(name: str) -> None:
    """Whichever field its message names: what it would say follows from the default, and not from the study."""
    sections, _ = MESSAGES[name]
    for message in problems(**sections):
        for section, field in set(re.findall(r"\b([a-z]+)\.(\w+)", message)):
            if field not in getattr(getattr(Study.model_fields.get(section), "annotation", None), "model_fields", {}):
                continue  # not a field, but a file or part of a sentence
            found = problems(**sections | {section: sections.get(section, GOOD.get(section, {})) | {field: "wrong"}})
            assert message not in found, (section, field)
            assert any(each.startswith(f"{section}.{field} = 'wrong'") for each in found)


@pytest.mark.parametrize(
    "sections",
    [
        # At a cutoff of 4 σ the liquid reaches to higher temperatures than at 2.5 σ.
        {"baths": LIQUID | {"temperature_hot_K": 140}, "materials": {"cutoff_A": 4 * 3.405}},
        # The ends of the range that the message on temperatures gives.
        {"baths": LIQUID | {"temperature_cold_K": 77, "temperature_hot_K": 130}},
        {"demon": {"coupling_cold_eV_per_A2": 0, "damping_cold_kg_per_s": 1e-12}},
        {"demon": {"coupling_cold_eV_per_A2": 0, "damping_hot_kg_per_s": 1e-12}},
        # The exact engine has neither walls nor atoms.
        {"engine": "langevin", "trap": {"motion_cold": [{"amplitude_A": 60, "period_ps": 20}]}},
        # Atoms so far apart that they attract each other make no crystal that vibrates.
        {"materials": {"metal": {"mass_u": 63.5, "epsilon_eV": 0.4, "sigma_A": 2.0, "lattice_A": 3.61}}},
        # A loop with updates is judged by its exact stability alone.
        {
            "demon": {"damping_cold_kg_per_s": 5.2e-10, "feedback": {"update_every_ps": 0.005}},
            "integration": {"timestep_fs": 5},
        },
        # It has neither temperatures of atoms, nor neighbours, nor a thermostat, and takes no steps between samples.
        {
            "engine": "langevin",
            "baths": {"fluid_atoms": 1, "thermostat_damping_ps": 1e-6},
            "nanoparticle": {"atoms": 1, "radius_lattice": 0.3, "origin_lattice": [0, 0, 0]},
            "integration": {"neighbour_skin_A": 100},
        },
        {"engine": "langevin", "integration": {"timestep_fs": 1e-5}},
        {
            "engine": "langevin",
            "schedule": {"segment_ps": 0.001, "sample_every_ps": 0.001, "trajectory_every_ps": 0.001},
        },
        # A state that is not sought needs no filling, however long.
        {"schedule": {"filling_ps": 1e9}},
        # Without drags their lengths do not count.
        {"drag": {"forces_nN": [], "duration_ns": 0.15}},
        # A small bath without motion: two thermal widths are wider than its room.
        {"baths": {"edge_nm": 3.4, "accessible_density_per_nm3": 19.56}, "trap": {"stiffness_eV_per_A2": 1e-4}},
    ],
)
def test_what_no_rule_forbids_is_a_study(sections: dict[str, Any]) -> None:
    """Each is near a rule that does not hold for it."""
    assert verdict(**sections) == ""


@pytest.mark.parametrize("origin", [(0.0, 0.25, 0.25), (0.1, 0.2, 0.4)])
def test_a_sphere_holds_the_atoms_nearer_than_its_radius(origin: tuple[float, float, float]) -> None:
    """Counted one by one in the fcc crystal; one atom more is refused, with the right number."""
    sites = [
        [x / 2 + origin[0], y / 2 + origin[1], z / 2 + origin[2]]
        for x, y, z in product(range(-8, 9), repeat=3)
        if (x + y + z) % 2 == 0
    ]
    for radius in (1.5, 1.7, 1.9, 2.1, 2.236, 2.4, 2.6, 2.8):
        holds = sum(math.hypot(*site) < radius for site in sites)
        particle = {"radius_lattice": radius, "origin_lattice": list(origin)}
        assert "an fcc sphere" not in verdict(nanoparticle=particle | {"atoms": holds})
        assert f"holds {holds}: for {holds + 1} atoms" in verdict(nanoparticle=particle | {"atoms": holds + 1})


@pytest.mark.parametrize(
    ("feedback", "damping"),
    [
        ({"delay_ps": 5}, (0.0, 0.0)),
        ({"delay_ps": 5, "filter_ps": 0.3}, (1e-12, 0.0)),
        ({"delay_ps": 5, "update_every_ps": 1}, (0.0, 2e-12)),
        # More readings on their way than are followed one by one.
        ({"delay_ps": 6, "update_every_ps": 0.05}, (0.0, 0.0)),
    ],
)
def test_an_unstable_loop_is_told_with_the_longest_stable_delay(
    feedback: dict[str, float], damping: tuple[float, float]
) -> None:
    """Its motion grows as that of the exact model does; with the delay that is proposed it is stable, and just beyond not."""
    gains = dict(zip(("damping_cold_kg_per_s", "damping_hot_kg_per_s"), damping, strict=True))

    def told(delay_ps: float) -> str:
        return verdict(demon={"kappa_ratios": ["1.2"], "feedback": feedback | {"delay_ps": delay_ps}} | gains)

    found = told(feedback["delay_ps"])
    assert found.startswith(
        f"demon.feedback {'with cold damping ' * any(damping)}makes demon.kappa_ratios: 1.2 unstable"
    )
    growth = re.search(
        r"along x: a motion grows by ([\d.]+) every ([\d.]+) ps .*delay_ps up to ([\d.]+) is stable", found
    )
    assert growth is not None
    every, longest = float(growth[2]), float(growth[3])
    assert "unstable" in told(longest + 0.003)
    if "update_every_ps" in feedback and feedback["delay_ps"] > 100 * feedback["update_every_ps"]:
        assert told(longest - 0.002) == ""
        return
    assert told(longest) == ""
    assert every == feedback.get("update_every_ps", 1.0)
    pair = check_study("example", GOOD).pair(0.1, 0.12)
    loop = Feedback(
        update_every=feedback.get("update_every_ps"), delay=feedback["delay_ps"], filter=feedback.get("filter_ps", 0.0)
    )
    exact = pair.with_feedback(loop, (damping[0] / 1.602176634e-11, damping[1] / 1.602176634e-11))
    assert float(growth[1]) == pytest.approx(exact.spectral_radius, rel=1e-5)


def test_a_loop_settles_during_the_relaxation_if_its_delay_is_shorter() -> None:
    """A delay as long as the relaxation is refused; one a time step shorter passes this rule."""
    said = "is not shorter than schedule.relaxation_ps"
    for delay, is_good in ((0.999, True), (1.0, False), (1.001, False)):
        found = verdict(demon={"feedback": {"delay_ps": delay}}, schedule={"relaxation_ps": 1})
        assert (said not in found) == is_good, (delay, found)


def test_an_unstable_coupling_names_the_softest_trap_it_acts_along() -> None:
    """Of several coupled axes that of the weakest trap is unstable first: its sum of stiffnesses is in the message."""
    traps = {"x": 0.01, "y": 0.05, "z": 0.001}
    found = verdict(demon={"coupling_axes": "xy", "kappa_ratios": ["-1.2"]}, trap={"stiffness_eV_per_A2": traps})
    assert "κ + κ_C + κ_H = -0.01 eV/Å² must be positive" in found


def test_equal_temperatures_are_a_study() -> None:
    """One without a temperature difference is a check of the machine."""
    assert verdict(baths={"fluid_atoms": 25280, "temperature_cold_K": 110, "temperature_hot_K": 110}) == ""


@pytest.mark.parametrize(
    ("field", "divisor"),
    [
        ("schedule.equilibration_ps", "integration.timestep_fs"),
        ("schedule.relaxation_ps", "integration.timestep_fs"),
        ("schedule.sample_every_ps", "integration.timestep_fs"),
        ("schedule.trajectory_every_ps", "integration.timestep_fs"),
        ("drag.equilibration_ps", "integration.timestep_fs"),
        ("schedule.friction_ns", "schedule.segment_ps"),
        ("schedule.sweep_ns", "schedule.segment_ps"),
        ("drag.duration_ns", "schedule.segment_ps"),
        ("schedule.segment_ps", "schedule.sample_every_ps"),
        ("schedule.segment_ps", "schedule.trajectory_every_ps"),
    ],
)
def test_lengths_are_whole_multiples(field: str, divisor: str) -> None:
    """Of the step, of the sampling interval or of the segment: one and a half times, or less than once, is told by name."""
    usual = {"integration.timestep_fs": 1.0, "schedule.segment_ps": 100.0, "schedule.sample_every_ps": 0.1}
    usual |= {"schedule.trajectory_every_ps": 50.0}
    unit = usual[divisor] / 1000 if divisor.endswith("_fs") else usual[divisor]
    section, _, name = field.partition(".")
    for count, is_good in ((1, True), (2, True), (1.5, False), (2.01, False), (0.4, False)):
        length = count * unit * (0.001 if field.endswith("_ns") else 1.0)
        # Everything else follows along, so that the one rule alone may be broken.
        data: dict[str, Any] = {"schedule": {}, "drag": {}, "integration": {}}
        if field == "schedule.segment_ps":
            data["schedule"] |= {"friction_ns": length / 10, "sweep_ns": length / 10}
            data["drag"] |= {"duration_ns": length / 10}
            if "sample" in divisor:
                data["schedule"] |= {"trajectory_every_ps": length}
            else:
                data["schedule"] |= {"sample_every_ps": length}
        if field in ("schedule.sample_every_ps", "schedule.trajectory_every_ps"):
            data["schedule"] |= {"segment_ps": 1000 * length, "friction_ns": length, "sweep_ns": length}
            data["schedule"] |= {"sample_every_ps": length, "trajectory_every_ps": length}
            data["drag"] |= {"duration_ns": length}
        data[section][name] = length
        in_ps = length * (1000 if field.endswith("_ns") else 1)
        said = f"{field} ({in_ps:g} ps) must be a whole multiple of {divisor} ({unit:g} ps)"
        found = verdict(**data)
        assert (said not in found) == is_good, (count, found)


@pytest.mark.parametrize(("length_ns", "is_good"), [(2, True), (20, False)])
def test_lengths_are_whole_multiples_in_steps(length_ns: float, is_good: bool) -> None:
    """A step in few digits is a part of a step beside 2 ns, and steps beside 20 ns, where a run of segments would not end."""
    found = verdict(
        baths={"fluid_atoms": 25280},
        drag={"forces_nN": []},
        integration={"timestep_fs": 1.666667},
        schedule={"friction_ns": length_ns, "sweep_ns": 1},
    )
    said = (
        "integration.timestep_fs = 1.666667 makes 11999998 steps of schedule.friction_ns (20000 ps), but 60000 of "
        "schedule.segment_ps (100 ps), of which it is 200: write the step with more digits, or one that divides both"
    )
    assert (said in found) != is_good
    assert ("timestep" not in found) == is_good


@pytest.mark.parametrize(
    ("field", "low", "high"),
    [
        ("baths.edge_nm", 0.1, 1000),
        ("baths.fluid_atoms", 1, 1_000_000_000),
        ("nanoparticle.atoms", 1, 1_000_000),
        ("nanoparticle.radius_lattice", 0.1, 20),
        ("langevin.friction_cold_kg_per_s", 1e-18, 1e-6),
        ("trap.stiffness_eV_per_A2", 1e-9, 1e9),
        ("ranks", 1, 4096),
        ("schedule.sweep_replicas", 1, 10_000),
        ("schedule.friction_replicas", 1, 10_000),
        ("drag.replicas", 1, 10_000),
        ("seed", 0, None),
    ],
)
def test_each_field_has_its_range(field: str, low: float, high: float | None) -> None:
    """Both ends are in it; what is below the one or above the other is told as that field's value."""

    def said(value: float) -> bool:
        section, _, name = field.partition(".")
        return f"{field} = '{value}'" in verdict(**{section: {name: f"{value}"} if name else f"{value}"})

    step = 1 if isinstance(low, int) and isinstance(high, int | None) else 0
    assert not said(low)
    assert said(low - 1 if step else low * 0.99)
    if high is not None:
        assert not said(high)
        assert said(high + 1 if step else high * 1.01)


@pytest.mark.parametrize(
    ("atoms", "cure"),
    [
        (675, r"with origin_lattice: \[0\.0, 0\.0, 0\.0\]$"),
        (38, r"with origin_lattice: \[0\.5, 0\.5, 0\.5\]$"),
        (44, r"with origin_lattice: \[0\.25, 0\.25, 0\.25\]$"),
        (75, r"with origin_lattice: \[0\.0, 0\.0, 0\.25\]$"),
        (194, r"radius_lattice: [\d.]+$"),
        (185, "about this origin 178 or 186 are possible$"),
        (200_000, "change one to match the other$"),
    ],
)
def test_a_radius_is_proposed_for_a_number_of_atoms(atoms: int, cure: str) -> None:
    """Taken as it is written, the cure gives a study that can run, or says that there is none."""
    found = problems(nanoparticle={"atoms": atoms})[0]
    assert re.search(cure, found)
    assert (
        f"nanoparticle.atoms = {atoms}, but an fcc sphere of radius_lattice = 2.236 about this origin_lattice holds 186"
        in found
    )
    assert f"for {atoms} atoms, " in found
    cured: dict[str, Any] = {"atoms": atoms}
    if radius := re.search(r"radius_lattice: ([\d.]+)(?: with origin_lattice: \[(.*)\])?$", found):
        cured["radius_lattice"] = radius[1]
        if radius[2]:
            cured["origin_lattice"] = radius[2].split(", ")
        assert verdict(nanoparticle=cured) == ""
    else:
        assert re.search(r"no sphere contains|change one to match the other", found)
        if counts := re.search(r"about this origin (\d+) or (\d+) are possible", found):
            assert int(counts[1]) < atoms < int(counts[2])
            for count in set(counts.groups()) - {"186"}:
                again = problems(nanoparticle={"atoms": count})[0]
                (own,) = re.findall(r"radius_lattice: ([\d.]+)$", again)
                assert verdict(nanoparticle={"atoms": count, "radius_lattice": own}) == ""


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        (
            "friction_cold_kg_per_s",
            {"x": "8e-12"},
            "lacks axis y and z: add it, a particle has friction along each axis",
        ),
        ("friction_cold_kg_per_s", {"x": "1e-12", "xyz": "2e-12"}, "x and xyz both contain axis x: give it once"),
        (
            "friction_hot_kg_per_s",
            {"w": "1e-12", "xyz": "1e-12"},
            "w is not a set of axes: use x, y, z, xy, xz, yz or xyz",
        ),
        (
            "friction_hot_kg_per_s",
            {"x": "1e-12", "zy": "1e-12"},
            "zy is not a set of axes: use x, y, z, xy, xz, yz or xyz",
        ),
        (
            "friction_hot_kg_per_s",
            {},
            "contains no axis: write one number, or a mapping of axes such as {x: 8e-12, yz: 4e-12}",
        ),
        ("friction_hot_kg_per_s", ["1e-12"], "write one number, or a mapping of axes such as {x: 8e-12, yz: 4e-12}"),
        ("friction_hot_kg_per_s", {"x": "-1", "yz": "1e-12"}, "x: Input should be greater than or equal to"),
        ("friction_hot_kg_per_s", {"x": "1", "yz": "1e-12"}, "x: Input should be less than or equal to"),
        (
            "bodies_cold",
            "none",
            "write a list of bodies such as [{friction_kg_per_s: 2e-11, time_ps: 1}], or [] for none",
        ),
        (
            "bodies_hot",
            {"time_ps": "1"},
            "write a list of bodies such as [{friction_kg_per_s: 2e-11, time_ps: 1}], or [] for",
        ),
        ("bodies_hot.1.time_ps", "0", "Input should be greater than or equal to 0.0001"),
        ("bodies_hot.1.time_ps", "2e12", "Input should be less than or equal to 1000000000000"),
        (
            "maxwell_cold",
            "none",
            "write a list of modes such as [{friction_kg_per_s: 2e-11, time_ps: 1}], or [] for none",
        ),
        (
            "active_hot",
            "0.02",
            "write a list of active forces such as [{force_eV_per_A: 0.02, time_ps: 1}], or [] for none",
        ),
        ("maxwell_hot.1.time_ps", "0", "Input should be greater than or equal to 0.0001"),
        ("maxwell_hot.1.friction_kg_per_s", {"q": "1e-12"}, "q is not a set of axes: use x, y, z, xy, xz, yz or xyz"),
        ("bodies_hot.1.friction_kg_per_s", {"q": "1e-12"}, "q is not a set of axes: use x, y, z, xy, xz, yz or xyz"),
        ("bodies_hot.1.friction_kg_per_s", "0", "Input should be greater than or equal to"),
    ],
)
def test_wrong_friction_and_bodies_are_named(field: str, value: Any, said: str) -> None:
    """In one line: the field, its value, and what to write."""
    name, _, entry = field.partition(".1.")
    body = {"friction_kg_per_s": "1e-12", "time_ps": "1"}
    given = [body, body | {entry: value}] if entry else value
    (found,) = problems(langevin={name: given})
    assert found.startswith(f"langevin.{field} = {value!r}: {said}")


def test_bodies_need_friction_and_time_and_nothing_else() -> None:
    """Each is told on its own; a friction by axis may leave some out."""
    found = problems(
        langevin={
            "bodies_cold": [{"friction_kg_per_s": "1e-12"}, "shell"],
            "bodies_hot": [{"time_ps": "1", "mass": "1"}],
        }
    )
    assert found == [
        "langevin.bodies_cold.0.time_ps is missing: add it",
        "langevin.bodies_cold.1 = 'shell': a section is a mapping of fields, each on a separate line",
        "langevin.bodies_hot.0.friction_kg_per_s is missing: add it",
        "langevin.bodies_hot.0.mass is not a known field: remove it, or see config/README.md for the spelling",
    ]
    assert not verdict(langevin={"bodies_cold": [{"friction_kg_per_s": {"y": "1e-12"}, "time_ps": "1"}]})


def test_a_variant_changes_the_friction_of_an_axis() -> None:
    """Keys of a mapping are laid over the study's; a number replaces it, and null takes a key away."""
    langevin = {
        "friction_cold_kg_per_s": {"x": "8e-12", "yz": "4e-12"},
        "bodies_cold": [{"friction_kg_per_s": "1e-12", "time_ps": "1"}],
    }
    changes = {
        "walls": {"friction_cold_kg_per_s": {"x": "9e-12"}},
        "number": {"friction_cold_kg_per_s": "2e-12"},
        "three": {"friction_cold_kg_per_s": {"yz": None, "y": "1e-12", "z": "2e-12"}},
        "bare": {"bodies_cold": []},
    }
    data = GOOD | {"langevin": langevin, "variants": {name: {"langevin": change} for name, change in changes.items()}}
    study = check_study("example", data)
    found = {}
    for name in changes:
        laid = _overlay(GOOD | {"langevin": langevin}, study.variants[name])
        varied = check_study(f"example@{name}", laid)
        found[name] = [varied.friction_kg_per_s("cold", axis) for axis in "xyz"]
        assert bool(varied.bodies("cold")) == (name != "bare")
    assert found == {
        "walls": [9e-12, 4e-12, 4e-12],
        "number": [2e-12] * 3,
        "three": [8e-12, 1e-12, 2e-12],
        "bare": [8e-12, 4e-12, 4e-12],
    }


def test_stability_is_asked_along_each_coupled_axis() -> None:
    """Couplings of opposite signs feed a growing motion where sides differ; the axis is named, and one without demon is not."""
    sections: dict[str, Any] = {
        "demon": {"coupling_cold_eV_per_A2": "-1", "kappa_ratios": ["-1.02"], "coupling_axes": "xy"},
        "langevin": {
            "friction_cold_kg_per_s": {"xz": "1e-13", "y": "1e-11"},
            "friction_hot_kg_per_s": {"xz": "1e-13", "y": "1e-13"},
        },
    }
    found = verdict(engine="langevin", **sections)
    assert (
        "demon.kappa_ratios: -1.02 makes the coupling unstable along y: coupling_cold = -1 and coupling_hot = 1.02"
        in found
    )
    assert not verdict(engine="langevin", **sections | {"demon": sections["demon"] | {"coupling_axes": "x"}})


def test_friction_and_bodies_are_those_of_an_axis() -> None:
    """In a study, and in the exact model that it makes of it; the paper's pair where there is no body."""
    study = check_study(
        "example",
        {
            "baths": {"fluid_atoms": "25280"},
            "langevin": {
                "friction_cold_kg_per_s": {"x": "8e-12", "yz": "4e-12"},
                "bodies_hot": [{"friction_kg_per_s": {"xz": "2e-11"}, "time_ps": "3"}],
                "maxwell_hot": [{"friction_kg_per_s": {"z": "1e-11"}, "time_ps": "5"}],
                "active_hot": [{"force_eV_per_A": "0.02", "time_ps": "7"}],
            },
            "engine": "langevin",
        },
    )
    assert [study.friction_kg_per_s("cold", axis) for axis in "xyz"] == [8e-12, 4e-12, 4e-12]
    assert [study.bodies("hot", axis) for axis in "xyz"] == [[(2e-11, 3.0)], [], [(2e-11, 3.0)]]
    for side, modes, forces in (("cold", [], []), ("hot", [(1e-11, 5.0)], [(0.02, 7.0)])):
        assert [study.maxwell_modes(side, axis) for axis in "xyz"] == [[], [], modes]
        assert study.active_forces(side) == forces
    driven = study.pair(0.1, 0.2, "y")
    assert isinstance(driven, PairWithBodies)
    assert (driven.active_forces_cold, driven.active_forces_hot, driven.active_times_hot) == ((), (0.02,), (7.0,))
    along_x, along_y = (study.pair(0.1, 0.2, axis, active=False) for axis in "xy")
    assert isinstance(along_x, PairWithBodies)
    assert isinstance(along_y, LangevinPair)
    assert along_x.bodies(0) == []
    assert along_x.bodies(1) == [pytest.approx((2e-11 / 1.602176634e-11, 3.0))]
    assert (along_x.friction_cold, along_y.friction_cold) == pytest.approx(
        (8e-12 / 1.602176634e-11, 4e-12 / 1.602176634e-11)
    )


# --- what follows from the fields -------------------------------------------------------------------------------------


def test_derived_quantities_are_those_of_the_study() -> None:
    """Side by side, in LAMMPS's units."""
    study = check_study(
        "example",
        {
            "baths": {
                "edge_nm": 6.5,
                "accessible_density_per_nm3": 19,
                "temperature_cold_K": 90,
                "temperature_hot_K": 130,
            },
            "materials": {"fluid_metal": {"epsilon_eV": 0.05, "sigma_A": 3.2}, "cutoff_A": 8.0},
            "limits": {"liquid": False},
            "trap": {"stiffness_eV_per_A2": 0.02},
            "langevin": {"friction_cold_kg_per_s": 2e-12, "friction_hot_kg_per_s": 5e-12},
            "integration": {"timestep_fs": 4},
        },
    )
    radius = 2.236 * 3.61
    accessible = 65.0**2 * (65.0 - 3.2) - 4 / 3 * math.pi * (radius + 1.6) ** 3
    assert (study.edge_A, study.radius_A, study.skin_A("cold")) == pytest.approx((65.0, radius, 1.6))
    assert study.accessible_volume_A3("cold") == pytest.approx(accessible)
    assert study.moving_atoms == 2 * study.fluid_atoms("cold") + 2 * 186
    with pytest.raises(ValidationError, match="frozen"):
        study.seed = 1
    assert check_study("example", {"baths": {"edge_nm": 4.35, "fluid_atoms": 1200}}).edge_A == 43.5
    assert study.fluid_atoms("cold") == round(19e-3 * accessible)
    assert study.trap_centre_A("cold") == (32.5, 32.5, 32.5)
    assert study.trap_centre_A("hot") == (97.5, 32.5, 32.5)
    assert (study.temperature_K("cold"), study.temperature_K("hot")) == (90, 130)
    assert (study.friction_kg_per_s("cold"), study.friction_kg_per_s("hot")) == (2e-12, 5e-12)
    assert study.particle_mass_eV_ps2_per_A2 == pytest.approx(186 * 63.546 * 1.0364269e-4)
    assert (study.timestep_ps, study.steps(10.0), study.steps(0.1)) == (0.004, 2500, 25)
    assert load_study("paper").steps(8.03) == 8030, "8.03 ps × 1000 is a little less than 8030"
    pair = study.pair(0.07, 0.3)
    assert (pair.trap, pair.coupling_cold, pair.coupling_hot) == (0.02, 0.07, 0.3)
    assert (pair.temperature_cold, pair.temperature_hot) == (90, 130)
    assert pair.mass == study.particle_mass_eV_ps2_per_A2
    assert (pair.friction_cold, pair.friction_hot) == pytest.approx((2e-12 / 1.602176634e-11, 5e-12 / 1.602176634e-11))


def test_fluid_keeps_half_a_contact_from_metal() -> None:
    """Of the σ between them, as the study states it: with a wider one it reaches less, so a density means fewer atoms."""
    density = {"baths": {"accessible_density_per_nm3": 19.56}}
    usual, wide = (
        check_study(
            "example", density | ({"materials": {"fluid_metal": {"epsilon_eV": 0.03, "sigma_A": s}}} if s else {})
        )
        for s in (0, 3.8)
    )
    assert usual.skin_A("cold") == pytest.approx((3.405 + 2.338) / 4)
    assert wide.skin_A("cold") == 1.9
    assert wide.fluid_atoms("cold") < usual.fluid_atoms("cold")
    assert usual.excluded_volume_A3("cold") == pytest.approx(
        4 / 3 * math.pi * (usual.radius_A + usual.skin_A("cold")) ** 3
    )


@pytest.mark.parametrize(
    ("mass", "symbol"),
    [(39.948, "Ar"), ("39.948", "Ar"), (20.18, "Ne"), (131.3, "Xe"), (63.5, "Cu"), (40.3, "X"), (40.2, "Ar")],
)
def test_species_are_named_by_their_mass(mass: Any, symbol: str) -> None:
    """Unless the study names them; names are short, as in pictures and data files."""
    species = {"mass_u": mass, "epsilon_eV": 0.01, "sigma_A": 3.4}
    assert check_study("example", GOOD | {"materials": {"fluid": species}}).fluid("cold").symbol == symbol
    own = check_study("example", GOOD | {"materials": {"fluid": species | {"symbol": "Q1"}}})
    assert own.fluid("cold").symbol == "Q1"
    assert "materials.fluid.symbol = 'argon'" in verdict(materials={"fluid": species | {"symbol": "argon"}})


def test_the_schema_is_of_every_section() -> None:
    """Editors check study files by it: every section and field with its meaning, and none that is not known."""
    schema = json.loads(schema_text())
    assert set(schema["properties"]) == set(Study.model_fields) - {"name"}
    assert schema["additionalProperties"] is False
    assert schema.get("required", []) == []
    for section in schema["$defs"].values():
        assert section["additionalProperties"] is False
        assert all(field.get("description") or "$ref" in field for field in section["properties"].values())


@pytest.mark.parametrize(("own", "rubbing"), [(1.0, 5.0), (8.0, 8.0)])
def test_a_thermostat_that_rubs_is_slow_in_its_variant(own: float, rubbing: float, tmp_path: Path) -> None:
    """5 ps or longer, as it slows the fluid; other thermostats have the relaxation time of the study."""
    written(tmp_path, f"baths: {{fluid_atoms: 25280, thermostat_damping_ps: {own}}}\n")
    for name, damping in (("langevin", rubbing), ("csvr", own), ("nose-hoover", own)):
        found = load_study(f"mine@{name}", tmp_path).baths
        assert (found.thermostat, found.thermostat_damping_ps) == (name, damping)


@pytest.mark.parametrize("field", ["delay_ps", "update_every_ps"])
@pytest.mark.parametrize("steps", [3, 200])
def test_times_of_a_loop_are_whole_steps_however_many(steps: int, field: str) -> None:
    """Half a step beside them is told with both neighbours, as is a tenth; the rounding of a decimal number is not."""
    said = f"demon.feedback.{field} = "
    for beside in (0.0, 0.1, 0.5):
        time = (steps + beside) * 0.003
        found = verdict(
            demon={"feedback": {field: time}},
            integration={"timestep_fs": 3},
            schedule={"relaxation_ps": 600, "sample_every_ps": 0.3, "trajectory_every_ps": 30, "segment_ps": 300}
            | {"equilibration_ps": 300},
            drag={"forces_nN": []},
        )
        assert (said in found) == (beside > 0), found
        if beside:
            assert f"use {steps * 0.003:g} or {(steps + 1) * 0.003:g} ps" in found


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("baths: {fluid_atoms: 25280, edge_nm: 11,5}\n", ["baths.5 is not a known field"]),
        ("baths: {fluid_atoms: 25280}\nschedule: {swep_ns: }\n", ["schedule.swep_ns is not a known field"]),
        ("baths: {fluid_atoms: 25280}\nshedule:\n", ["shedule is not a known field"]),
        (
            "baths: {fluid_atoms: 25280}\nvariants: {a: {demon: {feedbck: null}}}\n",
            ["variants.a: demon.feedbck is not a known field"],
        ),
        (
            "baths: {fluid_atoms: 25280}\nmaterials: {fluid: {mass_u: 20, epsilon_eV: 0.01, sigma_A: 3, lattice_A: }}\n",
            ["materials.fluid.lattice_A is not a known field"],
        ),
        (
            "baths: {fluid_atoms: {cold: 25280, hot: 25280, warm: }}\n",
            ["baths.fluid_atoms.warm"],
        ),
        (
            "baths: {fluid_atoms: 25280}\ndemon: {controller: mine:Law, controller_options: {gain: }}\n",
            ["demon.controller_options.gain has no value: give one, or remove it"],
        ),
    ],
    ids=["decimal comma", "field", "section", "variant", "species", "bath", "option"],
)
def test_an_empty_entry_of_an_unknown_field_is_refused(text: str, told: list[str], tmp_path: Path) -> None:
    """A misspelled field without a value is no field that takes its default."""
    (tmp_path / "mine.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(StudyError) as caught:
        load_study("mine", tmp_path)
    for beginning in told:
        assert any(problem.startswith(beginning) for problem in caught.value.problems), caught.value.problems


def test_an_empty_known_field_takes_its_default() -> None:
    """In a section, in a species, of a whole section, and of one that a variant removes from the study."""
    blank: dict[str, Any] = {
        "baths": {"fluid_atoms": "25280", "edge_nm": None, "temperature_cold_K": None},
        "demon": None,
        "integration": {"timestep_fs": "2"},
        "variants": {"usual": {"integration": {"timestep_fs": None}, "seed": None}},
    }
    study = check_study("example", blank)
    plain = check_study("example", GOOD)
    assert (study.baths, study.demon) == (plain.baths, plain.demon)
    assert check_study("example@usual", _overlay(blank, study.variants["usual"])).integration == plain.integration


def test_a_study_does_not_name_itself() -> None:
    """Its name is that of its file, and a field that has no effect would mislead."""
    (told,) = problems(name="another")  # type: ignore[arg-type]
    assert told == "name = 'another': a study has the name of its file: remove the field"


@pytest.mark.parametrize("variant", ["A", "a b", "é", "-a", "Langevin"])
def test_the_name_of_a_variant_has_one_message(variant: str, tmp_path: Path) -> None:
    """With what it may consist of; all else of the study is still checked."""
    (tmp_path / "mine.yaml").write_text(
        f"baths: {{fluid_atoms: 25280}}\nsede: 3\nvariants: {{'{variant}': {{seed: 3}}}}\n", encoding="utf-8"
    )
    with pytest.raises(StudyError) as caught:
        load_study("mine", tmp_path)
    first, second = sorted(caught.value.problems)
    assert first.startswith("sede is not a known field")
    assert second.startswith(f"variants.{variant} is not a name of a variant: use ")


def test_a_variant_named_like_a_thermostat_has_it(tmp_path: Path) -> None:
    """`study@csvr` is the study with that thermostat, so no variant of this name may have another one."""
    path = tmp_path / "mine.yaml"
    path.write_text("baths: {fluid_atoms: 25280}\nvariants: {csvr: {seed: 5}}\n", encoding="utf-8")
    with pytest.raises(StudyError, match=r"variants\.csvr: mine@csvr is the study with that thermostat: rename"):
        load_study("mine", tmp_path)
    path.write_text(
        "baths: {fluid_atoms: 25280}\nvariants: {csvr: {baths: {thermostat: csvr, thermostat_damping_ps: 2}}}\n",
        encoding="utf-8",
    )
    baths = load_study("mine@csvr", tmp_path).baths
    assert (baths.thermostat, baths.thermostat_damping_ps) == ("csvr", 2.0)
