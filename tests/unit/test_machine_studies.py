"""Study files that name a machine: what they become, what is refused, and what the sweep of a machine shows."""

from __future__ import annotations

import json
import math
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pandas as pd
import pytest
import yaml
from scipy.constants import e, h, k

from analysis.mechanisms.bosons import LinearBosons
from analysis.mechanisms.cascaded import CascadedOscillators, closed_form_heat_flows
from analysis.mechanisms.fermi_reservoirs import FermiReservoirs, Reservoir
from analysis.mechanisms.figures import sweep
from analysis.mechanisms.figures.optomechanics import PUBLISHED
from analysis.mechanisms.ndemon import NDemon, cop_of_near_levels
from analysis.mechanisms.sweep import findings, sweep_table
from analysis.model import LangevinPair
from analysis.report.machine_page import _most_efficient, machine_page, short, summary_text
from simulation.__main__ import main
from simulation.study.fields import StudyError
from simulation.study.files import load_study, machine_names
from simulation.study.machines.files import KINDS, MachineStudy, load_machine_study
from simulation.study.machines.sections import Values
from simulation.study.places import SHIPPED
from tests.unit.pages import DESIGN

NDEMON = """
machine: n-demon
levels_hot: [1, 2]
levels_cold: [1.5, 1.25]
temperature_hot: 1
chemical_potential: 1
sweep: {parameter: temperature_cold, values: [0.2, 0.5, 0.9]}
"""
PAIR = """
machine: particle-network
baths: {cold: {temperature_K: 100}, hot: {temperature_K: 120}}
particles: {one: {bath: cold}, two: {bath: hot}}
pulls:
  - {pulled: one, towards: two, strength_eV_per_A2: 0.1}
  - {pulled: two, towards: one, strength_eV_per_A2: 0.1}
sweep: {parameter: pulls.1.strength_eV_per_A2, values: [0.17, 0.48]}
"""
CASCADE = """
machine: network
modes: {one: , two: }
hops: [{between: [one, two], strength: 0.5, phase: 1.5707963267948966}]
baths:
  first: {occupation: 3, rates: {one: 1}}
  second: {occupation: 0.2, rates: {two: 1}}
  common: {occupation: 0.5, rates: {one: 1, two: 1}}
sweep: {parameter: baths.first.occupation, values: [0.1, 3]}
"""


def study(folder: Path, text: str) -> MachineStudy:
    """A study of that text."""
    (folder / "mine.yaml").write_text(text, encoding="utf-8")
    return load_machine_study("mine", folder)


def problems(folder: Path, text: str) -> list[str]:
    """What is wrong with a study of that text."""
    with pytest.raises(StudyError) as caught:
        study(folder, text)
    assert all("\n" not in problem for problem in caught.value.problems)
    return caught.value.problems


@pytest.mark.parametrize("name", machine_names())
def test_shipped_studies_can_be_built_and_followed(name: str) -> None:
    """Every shipped study has a machine at each of its points, fits the schema for editors, and its file says what it is."""
    found = load_machine_study(name)
    assert len(found.points) == math.prod(len(v.numbers()) for v in (found.sweep, found.lines) if v is not None)
    text = (SHIPPED / f"{name}.yaml").read_text(encoding="utf-8")
    assert text.startswith("# ")
    schema = json.loads((SHIPPED / "machine-schema.json").read_text(encoding="utf-8"))
    jsonschema.validate(yaml.safe_load(text), schema)


def test_each_machine_has_a_shipped_study() -> None:
    """Whoever looks for an example of a machine finds one in config/."""
    assert {load_machine_study(name).kind for name in machine_names()} == set(KINDS)


@pytest.mark.parametrize("kind", ["link", "folder", "hidden"])
def test_what_is_no_study_file_in_the_folder_harms_no_study(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A link without a target, as an editor leaves it beside a file, a folder, and a hidden file."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "config"
    folder.mkdir()
    match kind:
        case "link":
            (folder / "mine.yaml").symlink_to("someone@machine.123:456")
        case "folder":
            (folder / "mine.yaml").mkdir()
        case _:
            (folder / ".mine.yaml").write_text("machine: n-demon\n", encoding="utf-8")
    assert machine_names() == [name for name in machine_names() if "mine" not in name]
    assert load_study("demo").name == "demo"
    with pytest.raises(StudyError, match=r"there is no file mine\.yaml in .*found: .*demo") as caught:
        load_study("mine")
    assert "mine" not in caught.value.problems[0].partition("found:")[2]


def test_an_empty_entry_of_an_unknown_field_is_refused(tmp_path: Path) -> None:
    """An empty known field takes its default; a misspelled one is named even if it has no value."""
    assert study(tmp_path, NDEMON + "width:\nlines:\n").own.model_dump()["width"] == 1e-3
    (told,) = problems(tmp_path, NDEMON + "wdith:\n")
    assert told == "wdith is not a known field: remove it, or see config/README.md for the spelling"


def test_machines_are_found_by_their_field(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At the beginning of a line, also in a file that is not valid; one's own file of a name is the one that counts."""
    monkeypatch.chdir(tmp_path)
    shipped = machine_names()
    folder = tmp_path / "config"
    folder.mkdir()
    for name, text in (
        ("mine", "# a machine: of my own\nmachine : n-demon\n"),
        ("broken", "levels: [\nmachine: n-demon\n"),
        ("other", "# machine: n-demon\nmy_machine: 1\nbaths: {fluid_atoms: 25280}\n"),
        ("n-demon", "baths: {fluid_atoms: 25280}\n"),
    ):
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    assert machine_names() == sorted({*shipped, "mine", "broken"} - {"n-demon"})


def test_all_mistakes_are_reported_at_once(tmp_path: Path) -> None:
    """A wrong type, an unknown field, a missing one, a wrong sweep and wrong lines appear in one message, each by name."""
    text = NDEMON.replace("temperature_hot: 1", "temperature_hot: warm\ncolour: red").replace(
        "levels_hot: [1, 2]\n", ""
    )
    text = text.replace("temperature_cold, values: [0.2, 0.5, 0.9]", "temperature_cold, first: 1, points: 3")
    found = problems(tmp_path, text + "lines: {parameter: hue, values: [1]}\n")
    for part in (
        "temperature_hot = 'warm'",
        "colour is not a known field",
        "levels_hot is missing",
        "sweep = ",
        "'hue'",
    ):
        assert any(part in problem for problem in found), (part, found)
    assert any("last missing" in problem for problem in found)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            ("[0.2, 0.5, 0.9]", "[0.5, 2]"),
            "at temperature_cold = 2: temperature_cold = 2.0: must not exceed temperature_hot",
        ),
        (
            ("temperature_cold, values", "levels_cold.7, values"),
            "7 is not an index of its 2 entries, which count from 0",
        ),
        (("temperature_cold, values", "levels_hot.x.y, values"), "x is not an index of its 2 entries"),
        (("temperature_cold, values", "machine, values"), "give one of units, levels_hot"),
        (("machine: n-demon", "machine: perpetuum"), "machine = 'perpetuum': give one of n-demon"),
        (("[1.5, 1.25]", "[1.5, 1.5]"), "two levels are only 0 apart"),
        (("values: [0.2, 0.5, 0.9]", "first: -1, last: 1, points: 3, spacing: logarithmic"), "neither of them 0"),
        (("values: [0.2, 0.5, 0.9]", "values: []"), "sweep.values"),
        (("sweep:", "lines:"), "sweep is missing"),
    ],
)
def test_what_is_refused(tmp_path: Path, change: tuple[str, str], said: str) -> None:
    """Each mistake is refused with the field, its value, and what to do, and with nothing else."""
    assert any(said in problem for problem in problems(tmp_path, NDEMON.replace(*change)))


def test_names_that_nothing_has_are_refused(tmp_path: Path) -> None:
    """A pull, a hop or a bath's rate that names what is not there is told with its place."""
    assert (
        "pulls.0.pulled = three: is none of the particles one, two"
        in problems(tmp_path, PAIR.replace("pulled: one", "pulled: three"))[0]
    )
    wrong = problems(tmp_path, CASCADE.replace("[one, two]", "[one, zwei]").replace("{two: 1}", "{two: 1, four: 1}"))[0]
    assert "hops.0.between = zwei" in wrong
    assert "baths.second.rates = four" in wrong


def test_baths_need_an_occupation_or_a_temperature_with_a_frequency(tmp_path: Path) -> None:
    """A bath with both, with neither, or with a temperature and no frequency is refused; all three in one message."""
    text = CASCADE.replace("occupation: 3,", "occupation: 3, temperature_mK: 10,").replace("occupation: 0.2, ", "")
    text = text.replace("occupation: 0.5,", "temperature_mK: 10,").replace("baths.first.occupation", "hops.0.strength")
    said = problems(tmp_path, text)[0]
    assert "either baths.first.occupation or baths.first.temperature_mK" in said
    assert "give baths.second.occupation or" in said
    assert "baths.common.temperature_mK = 10: needs frequency_GHz" in said


def test_temperatures_of_baths_are_those_of_their_quanta(tmp_path: Path) -> None:
    """A bath given by its temperature has the occupation that solves hf = k_BT ln(1 + 1/N)."""
    text = CASCADE.replace("occupation: 3,", "temperature_mK: 250,").replace("machine:", "frequency_GHz: 5\nmachine:")
    machine = study(tmp_path, text.replace("baths.first.occupation", "hops.0.strength")).own.build()
    assert isinstance(machine, LinearBosons)
    occupation = machine.bath_occupations[0]
    assert h * 5e9 == pytest.approx(k * 0.25 * math.log1p(1 / occupation), rel=1e-12, abs=0)


def test_a_network_file_is_the_cascade_that_it_describes(tmp_path: Path) -> None:
    """Two modes with a common bath and half of its rate as hopping are the published cascade, by its closed form."""
    table = sweep_table(study(tmp_path, CASCADE).sweep_points(), "baths.first.occupation")
    for _, row in table.iterrows():
        cascade = CascadedOscillators(
            loss_1=1,
            loss_2=1,
            channel_1=1,
            channel_2=1,
            occupation_1=row["baths.first.occupation"],
            occupation_2=0.2,
            occupation_3=0.5,
        )
        found = [row[f"heat_{bath}"] for bath in ("first", "second", "common")]
        assert found == pytest.approx(closed_form_heat_flows(cascade), rel=1e-10)
        assert row["from_second_to_first"] == pytest.approx(0, abs=1e-12)


def test_a_particle_network_of_two_is_the_nanodemon(tmp_path: Path) -> None:
    """Two particles of the paper give the closed heat rates of the nanodemon, in eV/ns."""
    table = sweep_table(study(tmp_path, PAIR).sweep_points(), "pulls.1.strength_eV_per_A2")
    for _, row in table.iterrows():
        ratio = row["pulls.1.strength_eV_per_A2"] / 0.1
        pair = LangevinPair(
            mass=1.2250,
            friction_cold=0.21845,
            friction_hot=0.21845,
            trap=0.01,
            coupling_cold=0.1,
            coupling_hot=0.1 * ratio,
            temperature_cold=100,
            temperature_hot=120,
        )
        assert [row["heat_cold"], row["heat_hot"]] == pytest.approx(1e3 * pair.heat_rates(), rel=1e-3)
    # The paper's numbers, 1/(r - 1) and -0.289 eV/ns.
    assert table["cop"].iloc[1] == pytest.approx(1 / 3.8, rel=1e-9)
    assert table["cooling"].iloc[1] == pytest.approx(0.289, abs=1e-3)


def test_energies_in_meV_and_temperatures_in_K(tmp_path: Path) -> None:
    """With k_BT in meV the machine is the reduced one: the same COP, and flows in W that are meV²/h times its own."""
    kelvin = 1e-3 * e / k
    text = NDEMON.replace("temperature_hot: 1", f"units: meV\ntemperature_hot: {kelvin}")
    text = text.replace("[0.2, 0.5, 0.9]", str([0.5 * kelvin]))
    row = sweep_table(study(tmp_path, text).sweep_points(), "temperature_cold").iloc[0]
    reduced = sweep_table(study(tmp_path, NDEMON).sweep_points(), "temperature_cold").iloc[1]
    assert row["cop"] == pytest.approx(reduced["cop"], rel=1e-9)
    assert row["bound"] == pytest.approx(1.0, rel=1e-9)
    assert row["cooling"] == pytest.approx(reduced["cooling"] * (1e-3 * e) ** 2 / h, rel=1e-9, abs=0)
    assert row["entropy_production"] == pytest.approx(reduced["entropy_production"] * 1e-3 * e / h, rel=1e-9)
    assert row["temperature_hot"] == pytest.approx(kelvin, rel=1e-9)
    assert row["paid"] - row["cooling"] / row["bound"] == pytest.approx(
        k * kelvin * row["entropy_production"], rel=1e-9, abs=0
    )
    assert row["uncertainty_product"] == pytest.approx(reduced["uncertainty_product"], rel=1e-9)
    (said,) = problems(tmp_path, text.replace(str(0.5 * kelvin), "13000").replace(f"hot: {kelvin}", "hot: 12000"))
    assert said == "temperature_cold = 13000.0 K: must not exceed temperature_hot = 12000.0 K"


def test_the_sweep_has_the_machine_s_own_numbers(tmp_path: Path) -> None:
    """A row holds what the machine says of itself; where there is none it holds the reason, and findings leave it out."""
    found = study(tmp_path, NDEMON)
    table = sweep_table(found.sweep_points(), "temperature_cold")
    assert "lie outside 0 … 1" in table["note"].iloc[0]
    assert math.isnan(table["cop"].iloc[0])
    for row, temperature in ((table.iloc[1], 0.5), (table.iloc[2], 0.9)):
        demon = NDemon((1, 2), (1.5, 1.25), 1, temperature, 1)
        assert row["cop"] == pytest.approx(demon.cop(), rel=1e-12)
        assert row["heat_hot"] == pytest.approx(demon.power(), rel=1e-9)
        assert row["temperature_cold"] == temperature
    (finding,) = findings(table, "temperature_cold")
    assert (finding.solved, finding.points, finding.cools) == (2, 3, (0.5, 0.9))
    assert "cools from 0.5 to 0.9" in summary_text("mine", table, found.parameters)


def test_lines_are_a_second_parameter(tmp_path: Path) -> None:
    """Each value of the lines has all values of the sweep, and the machine has both: near levels follow the limit's formula."""
    text = NDEMON.replace("[1.5, 1.25]", "[1.5, 1.4999]") + "width: 1e-6\nlines: {parameter: drive, values: [1, 0.1]}\n"
    text = text.replace("values: [0.2, 0.5, 0.9]", "first: 0.5, last: 0.8, points: 4")
    found = study(tmp_path, text)
    table = sweep_table(found.sweep_points(), "temperature_cold", "drive") if found.lines else None
    assert table is not None
    assert len(table) == 8
    for _, row in table.iterrows():
        expected = cop_of_near_levels(1.0, row["temperature_cold"], row["drive"])
        assert row["cop"] == pytest.approx(expected, rel=1e-3)


def test_a_swept_parameter_may_be_left_out(tmp_path: Path) -> None:
    """The file's own machine has the first value of a parameter that it leaves out, and its own value of one that it has."""
    assert getattr(study(tmp_path, NDEMON).own, "temperature_cold") == 0.2  # noqa: B009
    assert getattr(study(tmp_path, NDEMON + "temperature_cold: 0.6\n").own, "temperature_cold") == 0.6  # noqa: B009


def test_the_page_shows_findings_and_missing_machines(tmp_path: Path) -> None:
    """The report names the best point, says where there is no solution and why, and holds its figures and parameters."""
    found = study(tmp_path, NDEMON)
    table = sweep_table(found.sweep_points(), *found.parameters)
    pictures = []
    for draw in (sweep.currents, sweep.performance):
        pictures.append(tmp_path / f"{draw.__name__}.svg")
        draw(table, *found.parameters).savefig(pictures[-1])
    page = machine_page(
        found.name, found.kind, found.description, table, found.parameters, found.settings, pictures, DESIGN
    )
    for text in ("cools most at temperature_cold", "Points without a solution", "lie outside 0 … 1", "levels_hot"):
        assert text in page, text
    assert "of the bound" in page
    assert page.count("data:image/svg+xml") == 2


def test_without_a_difference_of_temperatures_there_is_no_bound(tmp_path: Path) -> None:
    """A demon between equally warm reservoirs has a COP, and neither text nor page compares it with a bound."""
    found = study(tmp_path, NDEMON.replace("[0.2, 0.5, 0.9]", "[1]"))
    table = sweep_table(found.sweep_points(), *found.parameters)
    assert table["bound"].tolist() == [math.inf]
    assert table["cop_over_bound"].isna().all()
    cop = NDemon((1, 2), (1.5, 1.25), 1, 1, 1).cop()
    text = summary_text("mine", table, found.parameters)
    assert text.endswith(f"; best COP {cop:.4g} at 1\n")
    assert "nan" not in text
    page = machine_page("mine", found.kind, "", table, found.parameters, found.settings, [], DESIGN)
    assert "of heat from its cold bath." in page
    assert "of the bound" not in page


@pytest.mark.parametrize(
    ("value", "text"), [(8.605e-05, "8.605·10⁻⁵"), (-1.5e12, "−1.5·10¹²"), (0.25342, "0.2534"), (math.nan, "–")]
)
def test_numbers_on_the_page_are_readable(value: float, text: str) -> None:
    """Four digits, powers of ten in place of an e, a true minus sign, and a dash for an unknown number."""
    assert short(value) == text


def test_the_course_of_reservoirs_starts_as_the_file_says() -> None:
    """A study with an evolution follows its machine from the given state; the first reservoir cools to the published 0.615."""
    course = load_machine_study("fermi-cooling").own.course()
    assert course is not None
    first = course.series["temperature"]["first"]
    assert first[0] == pytest.approx(0.6)
    assert np.nanmin(first) == pytest.approx(0.6 * 0.615, abs=0.002)
    assert set(course.table()["quantity"]) == set(course.series)


def test_commands_say_that_nothing_is_simulated(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`check`, `plan` and `status` answer; `run`, `deck` and the like refuse, and so does reading it as a simulation."""

    def say(*words: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["simulation", *words])
        code = main()
        said = capsys.readouterr()
        return code, said.out + said.err

    code, said = say("check", "n-demon")
    assert code == 0
    assert "475 points over temperature_cold and levels_cold.1" in said
    for command in ("plan", "status"):
        code, said = say(command, "n-demon")
        assert (code, "nothing is simulated" in said) == (0, True)
    for further in (
        ("run", "n-demon", "friction", "1", "nowhere"),
        ("deck", "n-demon", "friction"),
        ("design", "n-demon"),
    ):
        code, said = say(*further)
        assert (code, "nothing is simulated" in said) == (1, True)
    for name in ("n-demon", "n-demon@csvr"):
        with pytest.raises(
            StudyError, match="nothing is simulated for it; snakemake --cores 1 --config study=n-demon solves"
        ):
            load_study(name)
    with pytest.raises(StudyError, match="this is a study of simulations"):
        load_machine_study("tiny")
    with pytest.raises(StudyError, match="has no variants"):
        load_machine_study("n-demon@csvr")


def test_a_demon_in_a_file_cools_by_the_share_that_it_says(tmp_path: Path) -> None:
    """The section demon finds occupations at each share of the largest cooling: power in proportion, COP falling."""
    text = (
        (SHIPPED / "best-demon.yaml")
        .read_text(encoding="utf-8")
        .replace("first: 0.005, last: 0.995, points: 100", "values: [0.2, 0.4]")
    )
    text = text[: text.index("lines:")]
    table = sweep_table(study(tmp_path, text).sweep_points(), "demon.share_of_largest_cooling")
    assert table["cooling"].iloc[1] == pytest.approx(2 * table["cooling"].iloc[0], rel=1e-6)
    assert 1 > table["cop"].iloc[0] > table["cop"].iloc[1] > 0
    assert table["efficiency"].to_numpy() == pytest.approx(table["cop_over_bound"].to_numpy(), rel=1e-6)
    wrong = problems(
        tmp_path, text.replace("demon: {share", "bemon: {share").replace("terminals.cold", "terminals.cold")
    )
    assert any("bemon is not a known field" in problem for problem in wrong)


def test_an_engine_in_a_file_works_up_to_the_reversible_temperature() -> None:
    """The shipped engine does work below T_c/T_h = 0.7, the ratio of its two levels, and reaches Carnot's efficiency there."""
    found = load_machine_study("quantum-heat-engine")
    table = sweep_table(found.sweep_points(), *found.parameters)
    works = table[table["work_done"] > 1e-12]
    assert table[table["work_done"] < -1e-12]["efficiency"].isna().all()
    assert works["terminals.cold.temperature"].max() == pytest.approx(0.69)
    carnot = 1 - works["terminals.cold.temperature"]
    assert (works["efficiency"] * carnot).to_numpy() == pytest.approx(0.3, rel=1e-9)


SITES = """
machine: reservoirs
sites: {left: 21.3, right: 21.3}
hops: [{between: [left, right], strength: 0.2}]
reservoirs:
  first: {temperature: 0.6, chemical_potential: 20.8, size: 1000, touches: {left: 1.4142135623730951}}
  second: {temperature: 1.0, chemical_potential: 16.0, size: 1000, touches: {right: 1.4142135623730951}}
sweep: {parameter: hops.0.strength, values: [0.1, 0.2]}
"""


def test_sites_in_a_file_are_the_levels_that_they_have(tmp_path: Path) -> None:
    """Two equal sites with hopping J are levels ±J apart, each touched by both reservoirs with half of a site's rate."""
    row = sweep_table(study(tmp_path, SITES).sweep_points(), "hops.0.strength").iloc[1]
    pair = tuple(Reservoir(t, mu, size=1000) for t, mu in ((0.6, 20.8), (1.0, 16.0)))
    expected = FermiReservoirs((21.1, 21.5), pair).bath_currents()
    assert [row["heat_first"], row["heat_second"]] == pytest.approx(expected.heat, rel=1e-9)
    said = problems(
        tmp_path, SITES.replace("touches: {right", "touches: {write").replace("[left, right]", "[left, left]")
    )[0]
    assert "reservoirs.second.touches = write: is none of the sites" in said
    assert "hops.0.between: names left twice" in said
    (said,) = problems(tmp_path, SITES.replace("sites: {left", "sites: {1st: 21.3, left"))
    assert "'1st': write a letter and up to 30 more letters, digits, _ or -" in said
    both = SITES.replace("sites: {", "levels: [21]\nsites: {")
    assert "levels and sites: give one of them" in problems(tmp_path, both)[0]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"first": -0.3, "last": 0.3, "points": 7}, [-0.3, -0.2, -0.1, 0, 0.1, 0.2, 0.3]),
        ({"first": 1e-20, "last": 1e-18, "points": 3, "spacing": "logarithmic"}, [1e-20, 1e-19, 1e-18]),
        ({"values": [3, 1, 2]}, [3, 1, 2]),
    ],
)
def test_values_are_the_numbers_that_one_would_write(given: dict[str, Any], expected: list[float]) -> None:
    """Ranges have no digits of rounding, 0 is 0, and small values stay; values given stay in their order."""
    assert Values(parameter="drive", **given).numbers() == expected


AMPLIFIER = """
machine: network
modes: {one: {frequency: 0.3}, two: }
pairs: [{between: [one, two], strength: 0.4, phase: 0.7}, {between: [two, two], strength: 0.1}]
baths:
  first: {occupation: 0.02, rates: {one: 1.2}}
  second: {occupation: 0.05, rates: {two: 0.9}}
sweep: {parameter: pairs.0.strength, values: [0.1, 0.4, 3]}
"""


def test_pairs_in_a_file_are_those_of_the_master_equation(tmp_path: Path) -> None:
    """Occupations with pair terms between and within modes are those of the density matrix; above threshold there is none."""
    import qutip

    table = sweep_table(study(tmp_path, AMPLIFIER).sweep_points(), "pairs.0.strength")
    row, (size, strength) = table.iloc[0], (8, 0.1)
    one, two = qutip.tensor(qutip.destroy(size), qutip.qeye(size)), qutip.tensor(qutip.qeye(size), qutip.destroy(size))
    created = strength * np.exp(0.7j) * one.dag() * two.dag() + 0.05 * two.dag() ** 2
    jumps = [
        np.sqrt(rate * weight) * operator
        for mode, rate, n in ((one, 1.2, 0.02), (two, 0.9, 0.05))
        for operator, weight in ((mode, n + 1), (mode.dag(), n))
    ]
    state = qutip.steadystate(0.3 * one.dag() * one + created + created.dag(), jumps)
    exact = [qutip.expect(mode.dag() * mode, state) for mode in (one, two)]
    assert [row["occupation_of_one"], row["occupation_of_two"]] == pytest.approx(exact, rel=2e-4)
    heats = [1.2 * (exact[0] - 0.02), 0.9 * (exact[1] - 0.05)]
    assert [row["heat_first"], row["heat_second"]] == pytest.approx(heats, rel=1e-3)
    assert row["work"] == pytest.approx(sum(heats), rel=1e-3)
    assert "pairs grow" in table["note"].iloc[2]
    wrong = problems(tmp_path, AMPLIFIER.replace("[two, two]", "[two, three]"))[0]
    assert "pairs.1.between = three: is none of the modes one, two" in wrong


TABLE = """
machine: terminals
terminals: {warm: {temperature: 1, chemical_potential: 0.2}, cool: {temperature: 0.4}}
channels:
  - {between: [warm, cool], lift: 0.1, transmission: [[-0.5, 0], [0.3, 0.8], [1.4, 0.2]]}
cold: cool
environment: warm
sweep: {parameter: terminals.cool.temperature, values: [0.4, 0.7]}
"""


def test_a_tabulated_transmission_is_integrated(tmp_path: Path) -> None:
    """Currents and noise are integrals by adaptive quadrature over the straight lines between the given points."""
    from scipy.integrate import quad

    def fermi(energy: float, temperature: float, potential: float) -> float:
        return 1 / (math.exp((energy - potential) / temperature) + 1)

    row = sweep_table(study(tmp_path, TABLE).sweep_points(), "terminals.cool.temperature").iloc[0]

    def integral(weight: int, *, noise: bool = False) -> float:
        total = 0.0
        for (low, first), (high, last) in (((-0.5, 0), (0.3, 0.8)), ((0.3, 0.8), (1.4, 0.2))):

            def at(x: float, a: float = low, b: float = high, u: float = first, v: float = last) -> float:
                through, f, g = u + (v - u) * (x - a) / (b - a), fermi(x, 1, 0.2), fermi(x + 0.1, 0.4, 0)
                one = through * (f * (1 - f) + g * (1 - g)) + through * (1 - through) * (f - g) ** 2
                return (x + 0.1) ** weight * (one if noise else through * (f - g))

            total += quad(at, low, high, epsabs=1e-13)[0]
        return total

    assert row["particles_cool"] == pytest.approx(integral(0), rel=1e-9)
    assert row["heat_cool"] == pytest.approx(integral(1), rel=1e-9)
    product = integral(2, noise=True) * row["entropy_production"] / integral(1) ** 2
    assert row["uncertainty_product"] == pytest.approx(product, rel=1e-8)
    wrong = problems(tmp_path, TABLE.replace("lift: 0.1,", "level: 1,").replace("[0.3, 0.8]", "[-0.6, 0.8]"))[0]
    assert "channels.0.level = 1.0: does not go with transmission" in wrong
    assert "channels.0.transmission: table energies" in wrong
    missing = TABLE.replace("transmission: [[-0.5, 0], [0.3, 0.8], [1.4, 0.2]]", "width: 1")
    assert "channels.0: has neither a level nor a transmission" in problems(tmp_path, missing)[0]


@pytest.mark.parametrize(
    ("name", "crosses"),
    [("fermi-crossing-temperatures", "temperature"), ("fermi-crossing-potentials", "chemical potential")],
)
def test_shipped_reservoirs_change_one_order(name: str, crosses: str) -> None:
    """Over time either the temperatures or the chemical potentials of the two reservoirs change their order, not both."""
    course = load_machine_study(name).own.course()
    assert course is not None
    changed = set()
    for quantity in ("temperature", "chemical potential"):
        first, second = (course.series[quantity][reservoir] for reservoir in ("first", "second"))
        apart = np.abs(first - second) > 1e-6
        if len(set(np.sign(first - second)[apart])) > 1:
            changed.add(quantity)
    assert changed == {crosses}
    # Each level passes the frequency of equal occupation, which ends between the two.
    drive = course.series["(ω - μ)/T, first minus second"]
    mu = 18.8 if crosses == "temperature" else 18.4
    assert [each[0] for each in drive.values()] == pytest.approx(
        [(level - mu) / 0.8 - (level - 18) / 1.0 for level in (17.1, 17.5)]
    )
    late = course.time > 1e9
    assert max(abs(each[-1]) for each in drive.values()) < 1e-6
    assert drive["level 0"][late][0] * drive["level 1"][late][0] < 0


def test_five_shipped_reservoirs_end_above_all_initial_temperatures() -> None:
    """All five end at the one temperature that conserves particles and energy, by the expansion at their end, above 1."""
    course = load_machine_study("fermi-five").own.course()
    assert course is not None
    t, mu = (
        np.array([list(each) for each in course.series[name].values()])
        for name in ("temperature", "chemical potential")
    )
    assert t[:, -1] == pytest.approx(t[0, -1], rel=1e-5)
    assert t[0, -1] > 1
    # N = μ^(3/2)/(3/2) + π²T²/(12 √μ) and E = μ^(5/2)/(5/2) + π²T²√μ/4, written out.
    particles = mu**1.5 / 1.5 + math.pi**2 * t**2 / (12 * np.sqrt(mu))
    energy = mu**2.5 / 2.5 + math.pi**2 * t**2 * np.sqrt(mu) / 4
    for total in (particles.sum(0), energy.sum(0)):
        assert total == pytest.approx(total[0], rel=1e-8)


def test_shipped_heat_flows_are_those_of_the_published_circuit() -> None:
    """The effective model of the circuit, made from its device parameters, has the flows of the study over both baths."""
    study = load_machine_study("heat-flows")
    table = sweep_table(study.sweep_points(), *study.parameters)
    assert sorted(table["occupation_1"].unique()) == [0, 1, 2]
    for row in table.iloc[::7].to_dict("records"):
        device = replace(PUBLISHED, occupation_1=row["occupation_1"], occupation_2=row["occupation_2"])
        expected = np.array(device.effective().heat_flows()) / PUBLISHED.loss_1
        assert [row[f"heat_bath_{bath}"] for bath in (1, 2, 3)] == pytest.approx(expected, rel=1e-3, abs=1e-4)


def test_cold_bath_at_absolute_zero_has_no_bound_to_compare_with(tmp_path: Path) -> None:
    """A machine with an empty bath is solved: its heats are numbers, and its COP over a bound of 0 is not."""
    table = sweep_table(
        study(tmp_path, CASCADE.replace("occupation: 0.2", "occupation: 0")).sweep_points(), "baths.first.occupation"
    )
    assert np.isfinite(table[["heat_first", "heat_second", "heat_common"]].to_numpy()).all()
    assert (table["bound"] == 0).all()
    assert table["cop_over_bound"].isna().all()


def test_the_page_names_the_most_efficient_point() -> None:
    """It is the solved point of largest efficiency, with its parameters; a machine without a role has none."""
    table = pd.DataFrame(
        {"efficiency": [0.1, 0.7, np.nan, 0.3], "bias": [1.0, 2.0, 3.0, 4.0], "line": [5.0, 5.0, 6.0, 6.0]}
    )
    assert _most_efficient(table, ["bias", "line"]) == {"efficiency": 0.7, "bias": 2.0, "line": 5.0}
    assert _most_efficient(table.drop(columns="efficiency"), ["bias"]) is None
