"""Every number of the report's tables, checks and last screen is that of its quantity, side and unit, in its own column."""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analysis.compare.by_axis import COLUMNS
from analysis.compare.comparison import Agreement, Comparison
from analysis.data.parameters import Parameters
from analysis.friction.result import AxisFriction, Friction
from analysis.heat.point import HeatPoint
from analysis.heat.results import Interval
from analysis.mechanisms.sweep import NOTE, Finding, findings
from analysis.model import Oscillation, TrapMotion
from analysis.report.checks import study_checks
from analysis.report.explorer import ALL_AXES, explorer
from analysis.report.machine_page import machine_page
from analysis.report.machine_page import summary_text as machine_text
from analysis.report.page import report_page
from analysis.report.screen import closing_text
from analysis.report.verdict import verdict
from analysis.statistics.timeseries import Estimate
from analysis.units import FRICTION_SI
from tests.unit import synthetic
from tests.unit.pages import DESIGN, SIDE, STRUCTURE, Page, study
from tests.unit.synthetic import Truth
from tests.unit.test_results_in_files import friction_result

TRUTH = Truth(friction_cold=0.2, friction_hot=0.3)
FRICTION = Friction.same(AxisFriction((Estimate(0.2, 0.02), Estimate(0.3, 0.03))))
RATIOS = ("0.17", "4.80")


@pytest.fixture(scope="module")
def short() -> dict[str, Any]:
    """Arguments of ``report_page`` of a short study, whose numbers are replaced by made-up ones."""
    return study(60)


def made_up(point: HeatPoint, place: int) -> HeatPoint:
    """A point whose numbers tell where they come from: 100 for each point, 10 for each quantity, 1 for each side."""

    def numbered(quantity: int) -> tuple[Estimate, Estimate]:
        first = 100.0 * place + 10 * quantity
        return Estimate(first + 1, 0.11), Estimate(first + 2, 0.12)

    return replace(
        point,
        time=1.25 * place,
        rates={"heat": numbered(1), "thermostat": numbered(2), "work": numbered(3)},
        effective_temperature=numbered(4),
        power=Estimate(100.0 * place + 51, 0.13),
        entropy_production=Estimate(100.0 * place + 61, 0.14),
        mode="refrigerator" if point.kappa_ratio == "4.80" else "heater",
    )


def told(number: float, error: str) -> str:
    """As the page writes a number with two digits of its error."""
    return f"{number:.2f} ± {error}"


def test_every_column_of_the_tables_of_heat(short: dict[str, Any]) -> None:
    """Time, heats, power and entropy; each estimator of each side; temperature and the paper's heat beside each heat."""
    first, last = (made_up(point, place) for place, point in enumerate(short["comparison"].points, start=1))
    comparison = Comparison((first, last), FRICTION)
    ends = Interval(0.31, 0.29, 0.34)
    performances = [
        replace(
            each,
            cop={name: {"refrigeration": ends, "pumping": Interval(9.0, 8.0, 9.9)} for name in ("heat", "thermostat")},
            uncertainty={
                t: Interval(v, 0.9 * v, 1.2 * v) for t, v in (("cold", 300.0), ("hot", 500.0), ("total", 700.0))
            },
            over_bound={t: Interval(v, 0.9 * v, 1.2 * v) for t, v in (("cold", 30.0), ("hot", 50.0), ("total", 70.0))},
        )
        for each in short["performances"]
    ]
    page = report_page(**short | {"comparison": comparison, "performances": performances}, figures=[], design=DESIGN)
    rows = Page(page).rows
    heads = [row for row in rows if row and row[0] == "κH/κC"]
    assert heads[0] == ["κH/κC", "mode", "time, ns", "cold bath", "hot bath", "power", "entropy, kB/ns"]
    assert heads[-1] == ["κH/κC", *["headline", "work", "bare thermostat"] * 2]
    for place, (ratio, mode) in enumerate(zip(RATIOS, ("heater", "refrigerator"), strict=True), start=1):
        n = 100 * place
        assert [
            *(ratio, mode, f"{1.25 * place:.2f}", told(n + 11, "0.11"), told(n + 12, "0.12")),
            *(told(n + 51, "0.13"), told(n + 61, "0.14")),
        ] in rows
        cold, hot = ([told(n + q + j, f"0.1{j}") for q in (10, 30, 20)] for j in (1, 2))
        assert [ratio, *cold, *hot] in rows
        machine = replace(TRUTH, kappa_ratio=ratio)
        published = {"0.17": ("1.299", "−0.221"), "4.80": ("−0.289", "1.386")}[ratio]
        for j, (paper, error) in enumerate(zip(published, ("0.11", "0.12"), strict=True)):
            (row,) = (each for each in rows if each[:2] == [ratio, told(n + 11 + j, error)] and each[-2] == paper)
            assert row[-1] == told(n + 41 + j, error)
            white = 1e3 * synthetic.heat_rates(machine)[j]
            value, _, se = row[2].partition(" ± ")
            assert float(value.replace("−", "-")) == pytest.approx(
                white, abs=0.6 * 10.0 ** -len(value.partition(".")[2])
            )
            z = (n + 11 + j - white) / math.hypot(float(error), float(se))
            assert float(row[3].replace("−", "-")) == pytest.approx(z, rel=0.01)
    total = ["700 (630 to 840)", "70.0 (63.0 to 84.0)"]
    assert ["4.80", "0.310 (0.290 to 0.340)", "0.263", *total] in rows


def test_large_deviations_are_marked_where_they_are(short: dict[str, Any]) -> None:
    """A z beyond 3 of either sign is red in the row and column of its theory and bath, and a smaller one is not."""
    heater, cooler = short["comparison"].points
    bare = Comparison((heater, cooler), FRICTION)
    for side, z, marked in ((0, 3.1, True), (1, -3.1, True), (0, -2.9, False), (1, 2.9, False)):
        heats = [list(each.rates("theory") or ()) for each in bare.compared]
        measured = [[Estimate(rate.value, 1e-4) for rate in pair] for pair in heats]
        theory = heats[1][side]
        measured[1][side] = Estimate(theory.value + z * math.hypot(1e-4, theory.se), 1e-4)
        points = tuple(
            replace(point, rates=point.rates | {"heat": (pair[0], pair[1])})
            for point, pair in zip((heater, cooler), measured, strict=True)
        )
        page = report_page(**short | {"comparison": Comparison(points, FRICTION)}, figures=[], design=DESIGN)
        tables = [page.partition(f'<caption class="{name}">')[2].partition("</table>")[0] for name in ("cold", "hot")]
        assert [table.count('class="bad"') for table in tables] == [int(marked and side == j) for j in range(2)]
        if marked:
            row = next(row for row in tables[side].split("<tr>") if 'class="bad"' in row)
            assert ">4.80<" in row
            assert f'class="bad">{z:+.1f}<'.replace("-", "−") in row


def test_every_row_of_the_table_of_parameters(short: dict[str, Any]) -> None:
    """Temperatures, masses, traps, springs, steps and, of atoms, numbers, edge and density: each in its unit."""
    unlike = {"mass": (1.225, 2.45), "traps": (0.01, 0.02, 0.02), "temperature": (90.0, 120.0), "timestep": 0.005}
    parameters = replace(short["comparison"].points[0].parameters, sample_interval=0.2, **unlike)
    points = [
        replace(point, parameters=replace(parameters, coupling=point.parameters.coupling))
        for point in short["comparison"].points
    ]
    system = {
        "fluid_atoms_per_bath": {"cold": 5064, "hot": 12345},
        "metal_atoms_per_particle": 187,
        "bath_edge_A": 65.0,
        "accessible_density_per_nm3": {"cold": 19.5602, "hot": 18.004},
    }
    materials = short["runs"][0]["settings"]["materials"]
    by_side = {"cold": materials["fluid"], "hot": materials["fluid"] | {"symbol": "Kr"}}
    runs = [
        run | {"system": system, "settings": run["settings"] | {"materials": materials | {"fluid": by_side}}}
        for run in short["runs"]
    ]
    comparison = Comparison(tuple(points), FRICTION)
    swings = TrapMotion((Oscillation(1.5, 100.0), Oscillation(0.5, 40.0)), (Oscillation(2.0, 7.0),))
    moving = [replace(each, parameters=replace(each.parameters, motion=swings)) for each in points]
    page = report_page(**short | {"comparison": Comparison(tuple(moving), FRICTION)}, figures=[], design=DESIGN)
    told_motion = "cold: 1.5 Å with a period of 100 ps and 0.5 Å with a period of 40 ps; hot: 2 Å with a period of 7 ps"
    assert ["Motion of the traps", told_motion] in Page(page).rows
    page = report_page(**short | {"runs": runs, "comparison": comparison}, figures=[], design=DESIGN)
    rows = [row for row in Page(page).rows if len(row) == 2]
    start = next(number for number, row in enumerate(rows) if row[0].startswith("Bath temperatures"))
    assert [row[1] for row in rows[start : start + 12]] == [
        "90 K, 120 K",
        "1.225 eV ps²/Å² (1.96·10⁻²³ kg) and 2.45 eV ps²/Å² (3.93·10⁻²³ kg)",
        "0.01 along x, 0.02 along y, 0.02 along z (eV/Å²)",
        "linear",
        "0.1 eV/Å²",
        "0.17, 4.80",
        "5 fs",
        "0.2 ps",
        "5\u202f064 and 12\u202f345",
        "187",
        "6.5 nm",
        "19.56 and 18.00 nm⁻³",
    ]
    assert rows[start + 8][0] == "Atoms of the fluid (Ar and Kr) in each bath"
    assert rows[start + 9][0] == "Atoms of the metal (Cu) in each particle"


def test_every_check_is_of_its_side_and_fails_beyond_its_limit(short: dict[str, Any]) -> None:
    """Equipartition and the metal's temperature within three standard errors; no leak, no cavity, no atom lost."""
    friction = short["friction"]
    parameters: Parameters = short["comparison"].points[0].parameters

    def checks(z: float, leaked: int, emptiest: float, cluster: int) -> list[dict[str, Any]]:
        particles = tuple(
            replace(
                each,
                position_variance=replace(
                    each.position_variance, measured=Estimate(each.position_variance.expected + 0.1 * (z + j), 0.1)
                ),
                temperature=replace(each.temperature, measured=Estimate(each.temperature.expected + 2 * (z + j), 2.0)),
            )
            for j, each in enumerate(friction.axes["xyz"].particles)
        )
        own = replace(friction, axes={"xyz": replace(friction.axes["xyz"], particles=particles)})
        sides = {
            name: replace(
                SIDE,
                walls=None if j else (0.0, 10.0),
                emptiest_cell=emptiest + 0.1 * j,
                largest_cluster=cluster,
                temperature=99.5 + 20 * j,
                pressure=401.0 + 100 * j,
                metal=replace(SIDE.metal, mean=Estimate(100.0 + 20 * j + 0.5 * (z + j), 0.5), expected=100.0 + 20 * j),
                self_diffusion=Estimate((1.25 + j) * 1e-9, 0.02e-9),
            )
            for j, name in enumerate(("cold", "hot"))
        }
        return study_checks(own, replace(STRUCTURE, leaked_atoms=leaked, sides=sides), parameters)

    good = checks(1.9, 0, 0.51, 186)
    assert [(each["found"], each["expected"], each["ok"]) for each in good] == [
        ("1.05 ± 0.10", "0.8617 (z +1.9)", True),
        ("103.8 ± 2.0", "100 (z +1.9)", True),
        ("1.32 ± 0.10", "1.034 (z +2.9)", True),
        ("125.8 ± 2.0", "120 (z +2.9)", True),
        ("0", "0", True),
        ("0.51", "above 0.5: no cavity", True),
        ("186", "186: intact", True),
        ("99.50", "100", None),
        ("401", "not the force on the walls", None),
        ("1.250 ± 0.020", "", None),
        ("100.95 ± 0.50", "100 (z +1.9)", True),
        ("0.3710 ± 0.0020", "", None),
        ("0.61", "above 0.5: no cavity", True),
        ("186", "186: intact", True),
        ("119.50", "120", None),
        ("501", "", None),
        ("2.250 ± 0.020", "", None),
        ("121.45 ± 0.50", "120 (z +2.9)", True),
        ("0.3710 ± 0.0020", "", None),
    ]
    what = [each["what"] for each in good]
    for number, (side, quantity) in {
        0: ("cold", "⟨X²⟩"),
        1: ("cold", "m⟨V²⟩"),
        2: ("hot", "⟨X²⟩"),
        5: ("cold", "Emptiest cell"),
        6: ("cold", "Connected atoms"),
        7: ("cold", "Mean temperature"),
        8: ("cold", "Mean effective pressure"),
        9: ("cold", "Self-diffusion"),
        10: ("cold", "Internal temperature"),
        11: ("cold", "Mass of the first layer"),
        12: ("hot", "Emptiest cell"),
        14: ("hot", "Mean temperature"),
        15: ("hot", "Mean pressure"),
        16: ("hot", "Self-diffusion"),
        18: ("hot", "Mass of the first layer"),
    }.items():
        assert what[number].startswith(quantity)
        assert side in what[number]
    # Beyond three standard errors to either side, and of the other limits beyond theirs.
    for z in (2.1, -4.1):
        bad = [each["ok"] for each in checks(z, 1, 0.39, 185)]
        hot_only = z > 0
        assert bad[:5] == [hot_only, hot_only, False, False, False]
        assert bad[5:7] == [False, False]
        assert bad[12:14] == [False, False]
        assert (bad[10], bad[17]) == (hot_only, False)


def test_checks_name_their_axes_and_say_what_is_missing(short: dict[str, Any]) -> None:
    """Without a fit over all axes each set is checked; a shell is told in masses of its own particle; nothing is made up."""
    friction = friction_result()
    parameters = replace(short["comparison"].points[0].parameters, mass=(1.0, 4.0))
    unknown = replace(
        SIDE,
        emptiest_cell=None,
        metal=replace(SIDE.metal, mean=None),
        around=replace(SIDE.around, layer=None),
    )
    structure = replace(STRUCTURE, sides={"cold": unknown, "hot": unknown})
    for each in study_checks(friction, structure, parameters):
        assert each["what"].count("along") == 0
    shells = [friction.axes["xyz"].particles[j].dressed for j in range(2)]
    layers = [each for each in study_checks(friction, structure, parameters) if each["what"].startswith("Mass of")]
    for layer, shell, mass in zip(layers, shells, (1.0, 4.0), strict=True):
        assert shell is not None
        assert layer["found"] == "no distinct layer"
        (told_mass, error) = layer["expected"].removeprefix("dressed particle: M/m = ").split(" ± ")
        share = math.sqrt(shell.log_covariance[2, 2])
        assert float(told_mass) == pytest.approx(shell.values[2] / mass, rel=0.01)
        assert float(error) == pytest.approx(share * shell.values[2] / mass, rel=0.05)
    apart = replace(friction, axes={axes: friction.axes[axes] for axes in ("x", "yz")})
    found = study_checks(apart, structure, parameters)
    assert [each["what"] for each in found[:8]] == [
        f"{quantity} of the {side} particle along {axes}, {unit}"
        for axes in ("x", "y, z")
        for side in ("cold", "hot")
        for quantity, unit in (("⟨X²⟩", "Å²"), ("m⟨V²⟩/k_B", "K"))
    ]
    missing = {
        "Emptiest": ("bath too small", None),
        "Self-diffusion": ("unknown", None),
        "Internal": ("not measured", None),
        "Mass of the first layer": ("no distinct layer", None),
    }
    for start, expected in missing.items():
        rows = [each for each in found if each["what"].startswith(start)]
        assert [(each["found"], each["ok"]) for each in rows] == [expected] * 2
    assert [each["expected"] for each in found if each["what"].startswith("Mass of")] == ["", ""]


def test_last_screen_counts_the_checks(short: dict[str, Any]) -> None:
    """How many of those with a verdict passed, the drift of the energy and each note once."""
    known = {name: short[name] for name in ("comparison", "performances", "friction")}
    points = tuple(
        replace(point, note="too short", closure_drift=(Estimate(0.0), Estimate(-0.0123)))
        for point in known["comparison"].points
    )
    known["comparison"] = replace(known["comparison"], points=points)
    text = closing_text(**known, structure=replace(STRUCTURE, leaked_atoms=2))
    checks = study_checks(known["friction"], replace(STRUCTURE, leaked_atoms=2), points[0].parameters)
    judged = [each["ok"] for each in checks if each["ok"] is not None]
    assert f"Checks of equilibrium and atoms: {judged.count(True)} of {len(judged)} passed" in text
    assert "First law: largest drift of one side 0.0123 eV/ns" in text
    assert text.count("Note: too short\n") == 1


def test_sentences_of_a_study_that_does_not_cool(short: dict[str, Any]) -> None:
    """The lowest heat into the colder bath, whichever that is, its place, and what is spent there, and by what."""
    first, last = (replace(made_up(p, n), mode="heater") for n, p in enumerate(short["comparison"].points, start=1))
    comparison = Comparison((last, first), FRICTION)
    assert verdict(comparison, short["performances"])[:2] == [
        "No point of this study shows cooling at two standard errors.",
        "The lowest heat into the cold bath is 111.00 ± 0.11 eV/ns per coupled axis, at κ_H/κ_C = 0.17; there the controller "
        "spends 151.00 ± 0.13 eV/ns.",
    ]
    traps = (Estimate(90.0, 0.1), Estimate(1.0, 0.1))
    moved = Comparison(tuple(replace(p, trap_power=traps) for p in (last, first)), FRICTION)
    assert verdict(moved, short["performances"])[1].endswith(
        "there controller and moving traps together spend 151.00 ± 0.13 eV/ns."
    )
    exchanged = [replace(p, parameters=replace(p.parameters, temperature=(120.0, 100.0))) for p in (first, last)]
    sentence = verdict(Comparison(tuple(exchanged), FRICTION), short["performances"])[1]
    assert sentence.startswith("The lowest heat into the hot bath is 112.00 ± 0.12 eV/ns")


def test_interactive_figure_has_the_errors_of_each_side(short: dict[str, Any]) -> None:
    """Symbols and bands reach one standard error to both sides, and the power told is the sum of both heats."""
    points = [made_up(point, place) for place, point in enumerate(short["comparison"].points, start=1)]
    rows = [
        {"kappa_ratio": ratio, "axis": axis, "work_cold_eV_per_ns": 3.0 + n, "work_cold_se": 0.3}
        | {"work_hot_eV_per_ns": 5.0 + n, "work_hot_se": 0.5}
        for ratio in (*RATIOS, "-1")
        for n, axis in enumerate("xyz")
    ]
    found = explorer(Comparison(tuple(points), FRICTION), pd.DataFrame(rows), 3)
    assert found is not None
    chosen, along = found.content["axes"][ALL_AXES], found.content["axes"]["along x, y, z"]
    for j, (side, error) in enumerate((("cold", 0.11), ("hot", 0.12))):
        drawn = chosen["measured"][side]
        values = [111.0 + j, 211.0 + j]
        assert (drawn["ratio"], drawn["value"], drawn["name"]) == ([0.17, 4.8], values, list(RATIOS))
        assert drawn["low"] == pytest.approx([value - error for value in values])
        assert drawn["high"] == pytest.approx([value + error for value in values])
        works = along["measured"][side]
        level = (3.0, 5.0)[j]
        assert works["value"] == [level, level + 1, level + 2] * 2
        assert works["high"] == pytest.approx([value + level / 10 for value in works["value"]])
        assert works["low"] == pytest.approx([value - level / 10 for value in works["value"]])
        assert works["name"][:2] == ["0.17 along x", "0.17 along y"]
    theory = chosen["theories"]["theory"]
    for ratio in RATIOS:
        stop = found.content["ratios"].index(float(ratio))
        machine = replace(TRUTH, kappa_ratio=ratio)
        heats, slopes = 1e3 * synthetic.heat_rates(machine), synthetic.heat_slopes(machine)
        for j, side in enumerate(("cold", "hot")):
            value, low, high = (theory[side][name][stop] for name in ("value", "low", "high"))
            assert value == pytest.approx(heats[j], rel=1e-5)
            expected = 100 * math.hypot(*slopes[:, j])
            assert (high - value, value - low) == pytest.approx((expected, expected), rel=0.02)
        power, _, error_told = theory["told"]["power"][stop].partition(" ± ")
        half = 0.6 * 10.0 ** -len(power.partition(".")[2])
        assert float(power.replace("−", "-")) == pytest.approx(heats.sum(), abs=half)
        assert float(error_told) == pytest.approx(100 * math.hypot(*slopes.sum(axis=1)), rel=0.05, abs=half)
    # The slider begins where the colder bath gains least.
    assert found.content["start"] == found.content["ratios"].index(0.17)
    assert along["quantity"] == "work"
    assert found.content["stops"][found.content["start"]] == "0.17"


def test_interactive_figure_counts_every_coupled_axis_once(short: dict[str, Any]) -> None:
    """Between walls the mean over x, y and z has a third of x and two thirds of y and z; the choices are those of each set."""
    others = {"x": (0.2, 0.3), "yz": (0.4, 0.25)}
    along = {axes: AxisFriction((Estimate(cold, 0.1), Estimate(hot, 0.1))) for axes, (cold, hot) in others.items()}
    found = explorer(
        Comparison(short["comparison"].points, Friction(along, along["x"])), pd.DataFrame(columns=COLUMNS), 3
    )
    assert found is not None
    assert list(found.content["axes"]) == [ALL_AXES, "along x", "along y, z"]
    for ratio in RATIOS:
        stop = found.content["ratios"].index(float(ratio))
        machines = [
            replace(TRUTH, kappa_ratio=ratio, friction_cold=cold, friction_hot=hot) for cold, hot in others.values()
        ]
        heats = 1e3 * np.array([synthetic.heat_rates(machine) for machine in machines])
        errors = np.array([[100 / gamma for gamma in pair] for pair in others.values()])
        bands = errors[:, :, None] * np.array([synthetic.heat_slopes(machine) for machine in machines])
        shares = np.array([1, 2]) / 3
        expected = {ALL_AXES: (shares @ heats, shares[:, None, None] * bands)}
        expected |= {name: (heats[n], bands[n]) for n, name in enumerate(("along x", "along y, z"))}
        for name, (values, parts) in expected.items():
            theory = found.content["axes"][name]["theories"]["theory"]
            for j, side in enumerate(("cold", "hot")):
                value, low, high = (theory[side][each][stop] for each in ("value", "low", "high"))
                assert value == pytest.approx(values[j], rel=1e-5)
                half = math.hypot(*parts[..., j].ravel())
                assert (high - value, value - low) == pytest.approx((half, half), rel=0.02)


def test_interactive_figure_draws_its_numbers_under_their_names(short: dict[str, Any]) -> None:
    """A panel for each bath with its axes, lines, bands, symbols and the slider; two theories are seen at first."""
    found = explorer(Comparison(short["comparison"].points, FRICTION), pd.DataFrame(columns=COLUMNS), 3)
    assert found is not None
    chosen = found.content["axes"][ALL_AXES]
    text = json.dumps(found.content["item"])

    def everything(value: Any) -> list[dict[str, Any]]:
        """All objects of the figure."""
        if isinstance(value, dict):
            return [value, *(each for part in value.values() for each in everything(part))]
        return [each for part in value for each in everything(part)] if isinstance(value, list) else []

    objects = [each for each in everything(found.content["item"]) if "attributes" in each]
    named = {each["attributes"]["name"]: each["attributes"] for each in objects if each["attributes"].get("name")}
    labels = {each["attributes"].get("axis_label") for each in objects} - {None}
    assert labels == {"κH/κC", "heat into the bath (eV/ns per axis)"}
    titles = [each["attributes"]["text"] for each in objects if each["name"] == "Title"]
    assert titles == ["cold bath", "hot bath"]
    assert text.count("@told eV/ns") == 2 * (1 + len(chosen["theories"]))
    best = min(short["comparison"].points, key=lambda point: point.heat[0].value)
    for side in ("cold", "hot"):
        data = dict(named[f"measured_{side}"]["data"]["entries"])
        assert data["told"] == chosen["measured"][side]["told"]
        assert data["value"] == chosen["measured"][side]["value"]
        assert named[f"cursor_{side}"]["location"] == best.ratio
        for theory, told in chosen["theories"].items():
            data = dict(named[f"{theory}_{side}"]["data"]["entries"])
            for column in ("value", "low", "high"):
                drawn = [None if isinstance(each, dict) else each for each in data[column]]
                assert drawn == told[side][column]
            visible = theory in found.content["shown"]
            assert named[f"line_{theory}_{side}"].get("visible", True) == visible
            assert named[f"band_{theory}_{side}"].get("visible", True) == visible
    assert found.content["shown"] == list(found.content["theories"])[:2]
    # Each series is drawn from its own columns, and the hover texts name what they tell.
    fields = {
        kind: {
            tuple(attributes[each]["field"] for each in names)
            for one in objects
            if one["name"] == kind
            for attributes in [one["attributes"]]
            if isinstance(attributes.get(names[-1]), dict) and "field" in attributes[names[-1]]
        }
        for kind, names in {
            "Line": ("x", "y"),
            "VArea": ("x", "y1", "y2"),
            "Scatter": ("x", "y"),
            "Whisker": ("base", "lower", "upper"),
        }.items()
    }
    assert fields["Line"] == {("ratio", "value")}
    assert fields["VArea"] == {("ratio", "low", "high")}
    assert fields["Scatter"] == {("ratio", "value"), ("ratio", "low"), ("ratio", "high")}
    assert fields["Whisker"] == {("ratio", "low", "high")}
    hovers = [each["attributes"]["tooltips"] for each in objects if each["name"] == "HoverTool"]
    expected = [[[words, "@told eV/ns"], ["κH/κC", "@ratio"]] for words in found.content["theories"].values()]
    expected.append([["measured", "@told eV/ns"], ["κH/κC", "@name"]])
    assert json.loads(json.dumps(hovers)) == expected * 2


def test_text_and_page_of_a_machine_have_every_number_at_its_name() -> None:
    """Where each line cools, most and most efficiently, with powers, COPs and shares of the bound; lines that do not cool."""
    table = pd.DataFrame(
        {
            "strength": [1.0, 2.0, 3.0, 4.0, 1.0, 2.0, 1.0],
            "width": [5.0, 5.0, 5.0, 5.0, 6.0, 6.0, 7.0],
            "cooling": [-0.5, 0.25, 0.75, 0.5, -1.0, -2.0, np.nan],
            "cop": [np.nan, 1.5, 1.25, 0.125, np.nan, np.nan, np.nan],
            "cop_over_bound": [np.nan, 0.9, 0.8, 0.1, np.nan, np.nan, np.nan],
            "unit": ["eV/ns"] * 6 + [None],
            NOTE: [""] * 6 + ["no steady state"],
        }
    )
    one, none, unsolved = findings(table, "strength", "width")
    assert one == Finding(5.0, 4, 4, (2.0, 4.0), (3.0, 0.75, 0.8), (2.0, 1.5, 0.9))
    assert none == Finding(6.0, 2, 2, None, None, None)
    assert (unsolved.line, unsolved.solved, unsolved.points) == (7.0, 0, 1)
    assert machine_text("s", table, ("strength", "width")).splitlines() == [
        "study s, over strength",
        "width = 5: cools from 2 to 4; most at 3, 0.75 eV/ns, with 0.8 of the bound; best COP 1.5 at 2, 0.9 of the bound",
        "width = 6: 2 of 2 points have a solution, and none of them cools",
        "width = 7: 0 of 1 points have a solution, and none of them cools",
    ]
    html = machine_page("s", "kind", "It is a machine.", table, ("strength", "width"), "text", [], DESIGN)
    rows = Page(html).rows
    assert ["5", "2", "4", "3", "0.75", "0.8", "2", "1.5", "0.9"] in rows
    assert ["6", "does not cool"] in rows
    words = " ".join(re.sub(r"<[^>]+>", "", html).split())
    assert "cools most at strength = 3, width = 5: it draws 0.75 eV/ns of heat from its cold bath" in words
    assert "There its coefficient of performance is 0.8 of the bound" in words
    assert "points with a solution6 of 7" in words.replace("solution 6", "solution6")
    assert "width = 7, strength = 1: 1 point. At the first of them: no steady state" in words
    gone = table.assign(**{NOTE: ["early", "late", *[""] * 4, "no steady state"]})
    words = " ".join(
        re.sub(r"<[^>]+>", "", machine_page("s", "k", "d", gone, ("strength", "width"), "", [], DESIGN)).split()
    )
    assert "width = 5, strength from 1 to 2: 2 points. At the first of them: early" in words
    assert "points with a solution4 of 7" in words.replace("solution 4", "solution4")
    single = table.iloc[:4].drop(columns="width").assign(efficiency=[0.1, 0.4, 0.3, np.nan])
    html = machine_page("s", "kind", "It is a machine.", single, ("strength",), "text", [], DESIGN)
    words = " ".join(re.sub(r"<[^>]+>", "", html).split())
    assert "Its efficiency is highest at strength = 2: 0.4 of what the second law allows" in words
    assert machine_text("s", single, ("strength",)).splitlines()[1].startswith("cools from 2 to 4; most at 3")


def test_white_friction_has_a_column_even_without_a_forecast(short: dict[str, Any]) -> None:
    """It is the paper's theory: where it has no steady state its column holds dashes beside those of the others."""
    comparison = Comparison(short["comparison"].points, FRICTION)
    only = tuple(replace(each, forecasts={"response": each.forecasts["theory"]}) for each in comparison.compared)
    vars(comparison)["compared"] = only
    assert comparison.known == ("response",)
    rows = Page(report_page(**short | {"comparison": comparison}, figures=[], design=DESIGN)).rows
    heads = [row for row in rows if row[:2] == ["κH/κC", "measured"]]
    assert [row[2:6] for row in heads] == [["linear response", "z", "white", "z"]] * 2
    for ratio in RATIOS:
        shown = [row for row in rows if row and row[0] == ratio and len(row) == len(heads[0])]
        assert [row[4:6] for row in shown] == [["–", "–"]] * 2


def test_every_friction_has_the_row_of_its_method_and_the_column_of_its_axes(short: dict[str, Any]) -> None:
    """In 10⁻¹² kg/s; beside them the difference of the axes, and the paper's value where it fitted that correlation."""
    friction = replace(friction_result(), drags=())
    rows = Page(report_page(**short | {"friction": friction}, figures=[], design=DESIGN)).rows
    (start,) = (n for n, row in enumerate(rows) if row[:1] == ["from"])
    assert rows[start - 1] == ["", "along x", "along y, z", "along x, y, z", "difference in standard errors", ""]
    assert rows[start] == ["from", *("cold", "hot") * 3, "x minus y, z", "paper"]
    methods = {
        "position": "position",
        "velocity": "velocity",
        "cross": "position and later velocity",
        "joint": "position and velocity together",
        "difference": f"displacements over {friction.spacing:g} ps",
        "spectrum": "spectrum of the position near zero",
    }
    for method, name in methods.items():
        (row,) = (each for each in rows[start:] if each[:1] == [name])
        cells = []
        for axes in ("x", "yz", "xyz"):
            for particle in friction.axes[axes].particles:
                each = particle.spectrum if method == "spectrum" else particle.white[method]
                value, se = (1e12 * FRICTION_SI * number for number in (each.value, each.se))
                cells.append((value, se))
        for text, (value, se) in zip(row[1:7], cells, strict=True):
            told, _, error = text.partition(" ± ")
            assert float(told) == pytest.approx(value, abs=0.6 * 10.0 ** -len(told.partition(".")[2])), name
            assert float(error) == pytest.approx(se, rel=0.05), name
        assert row[-1] == ("3.5" if method in ("position", "difference") else "–"), name
    # With three sets of axes there is a difference of every two.
    parts = {axes: friction.axes["x" if axes == "x" else "yz"] for axes in "xyz"}
    rows = Page(
        report_page(
            **short | {"friction": replace(friction, equivalent=tuple("xyz"), axes=parts)}, figures=[], design=DESIGN
        )
    ).rows
    (start,) = (n for n, row in enumerate(rows) if row[:1] == ["from"])
    assert rows[start][7:] == ["x minus y", "x minus z", "y minus z", "paper"]
    z = friction.apart()["x", "yz"]["joint"]
    (row,) = (each for each in rows[start:] if each[:1] == [methods["joint"]])
    assert row[7:] == [f"{z:+.1f}".replace("-", "−"), f"{z:+.1f}".replace("-", "−"), "+0.0", "–"]
    # Neither fit of slow motion has a value in the paper.
    for name in ("dressed, zero frequency", "bodies of fluid, zero frequency"):
        (row,) = (each for each in rows[start:] if each[:1] == [name])
        assert row[-1] == "–"


def test_last_sentence_says_why_there_is_no_comparison(short: dict[str, Any]) -> None:
    """A controller without a theory, a point without a steady state, and heats without errors: each is told as it is."""
    points = [replace(made_up(p, n), mode="heater") for n, p in enumerate(short["comparison"].points, start=1)]

    def last(changed: list[HeatPoint], friction: Friction = FRICTION) -> str:
        return verdict(Comparison(tuple(changed), friction), short["performances"])[2]

    own = [replace(p, parameters=replace(p.parameters, controller="mine:Law")) for p in points]
    told = "Controller mine:Law: theory covers only the linear controller, so these heats are not compared with one."
    assert last(own) == told
    still = [
        replace(p, parameters=replace(p.parameters, coupling=(-0.1, 0.02), traps=(0.01, 0.01, 0.01))) for p in points
    ]
    assert last(still) == "No theory has a steady state at κ_H/κ_C = 0.17."
    unsure = [replace(p, rates=p.rates | {"heat": (Estimate(1.0), Estimate(2.0))}) for p in points]
    heat = 1e3 * synthetic.heat_rates(replace(TRUTH, kappa_ratio="0.17"))[0]
    found = re.fullmatch(
        r"White friction, from this study's runs without controller, predicts (\S+) ± \S+ eV/ns of heat into the cold bath "
        r"there; without error bars nothing can be said about agreement\.",
        last(unsure),
    )
    assert found is not None
    assert float(found[1]) == pytest.approx(heat, abs=0.01)


@pytest.mark.parametrize("colder", [0, 1])
def test_theory_is_compared_at_the_colder_bath_whatever_its_name(short: dict[str, Any], colder: int) -> None:
    """The prediction, its bath and the deviation of the last sentence are those of the bath that is cooled."""
    side = ("cold", "hot")[colder]
    temperature = (100.0, 120.0) if colder == 0 else (120.0, 100.0)
    points = [replace(p, parameters=replace(p.parameters, temperature=temperature)) for p in short["comparison"].points]
    best = points[1 - colder]  # which cools where κ_H/κ_C is beyond T_H/T_C
    truth = replace(
        TRUTH, kappa_ratio=best.kappa_ratio, temperature_cold=temperature[0], temperature_hot=temperature[1]
    )
    heats, slopes = 1e3 * synthetic.heat_rates(truth), 100 * synthetic.heat_slopes(truth)
    errors = np.linalg.norm(slopes, axis=0)
    measured = [Estimate(heats[j] + z * math.hypot(errors[j], 0.01), 0.01) for j, z in enumerate((1.0, -2.0))]
    changed = replace(best, mode="refrigerator", rates=best.rates | {"heat": (measured[0], measured[1])})
    comparison = Comparison(tuple(changed if p is best else replace(p, mode="heater") for p in points), FRICTION)
    cools, _, sentence = verdict(comparison, short["performances"])
    assert f"the {side} bath loses " in cools
    value, error = re.findall(rf"predicts (\S+) ± (\S+) eV/ns of heat into the {side} bath there", sentence)[0]
    assert float(value.replace("−", "-")) == pytest.approx(
        heats[colder], abs=0.6 * 10.0 ** -len(value.partition(".")[2])
    )
    assert float(error) == pytest.approx(errors[colder], rel=0.05)
    assert f"measured minus predicted is {('+1.0', '−2.0')[colder]} standard errors" in sentence


@pytest.mark.parametrize(
    ("z", "chance", "agrees"),
    [(2.99, 0.0028, True), (-2.99, 0.5, True), (3.01, 0.5, False), (-3.01, 0.5, False), (0.0, 0.0026, False)],
)
def test_agreement_ends_at_three_standard_errors(short: dict[str, Any], z: float, chance: float, agrees: bool) -> None:
    """At the point of most cooling by the deviation there, and everywhere by the chance of three standard errors, 0.0027."""
    heater, cooler = short["comparison"].points
    ideal = Comparison((heater, cooler), FRICTION).compared[1].rates("theory")
    assert ideal is not None
    se = 1e-3
    cold = Estimate(ideal[0].value + z * math.hypot(se, ideal[0].se), se)
    point = replace(cooler, mode="refrigerator", rates=cooler.rates | {"heat": (cold, cooler.heat[1])})
    comparison = Comparison((heater, point), FRICTION)
    vars(comparison)["agreement"] = {"theory": Agreement(12.3, chance, 2)}
    sentence = verdict(comparison, short["performances"])[2]
    assert sentence.startswith(f"Theory and measurement {'agree' if agrees else 'differ'}: white friction")
    assert sentence.endswith(f"and for all 2 points χ² = 12.3 (p = {chance:.2g}).")
    deviation = f"measured minus predicted is {z:+.1f} standard errors".replace("-", "−")
    assert deviation in sentence
    vars(comparison)["agreement"] = {"theory": Agreement(12.3, chance, 1)}
    assert verdict(comparison, short["performances"])[2].endswith(f"{deviation}.")
