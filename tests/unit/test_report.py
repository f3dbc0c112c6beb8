"""The report: one page that needs nothing else and says what the files of the study say."""

from __future__ import annotations

import base64
import math
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from analysis.compare.comparison import Comparison
from analysis.compare.information import compared_information
from analysis.heat.information import information_summary
from analysis.heat.point import HeatPoint
from analysis.heat.results import Interval
from analysis.model import Oscillation, TrapMotion
from analysis.report.explorer import ALL_AXES
from analysis.report.page import PAPER, paper_rates, report_page
from analysis.report.pictures import load_figures
from analysis.report.screen import closing_text
from analysis.report.verdict import verdict
from analysis.report.words import interval, measured, number, subscripts, z_score
from analysis.statistics.timeseries import Estimate
from analysis.units import FRICTION_SI, VELOCITY_SI
from tests.unit.pages import DESIGN, PIXEL, SIDE, STRUCTURE, Page, study
from tests.unit.synthetic import DRAG, Truth, synthetic_runs


@pytest.fixture(scope="module")
def long_study() -> dict[str, Any]:
    """A study long enough for error bars."""
    return study(2000)


@pytest.fixture
def figures(tmp_path: Path) -> list[Path]:
    """A figure with an entry in the captions file and one without, as PNG."""
    for name in ("heat_rates", "some_new_thing", "setup"):
        (tmp_path / f"{name}.png").write_bytes(PIXEL)
    (tmp_path / "heat_rates.csv").write_text("kappa_ratio\n4.80\n")
    return sorted(tmp_path.glob("*.png"))


def test_page_needs_nothing_else(long_study: dict[str, Any], figures: list[Path]) -> None:
    """Every reference is data or an anchor that exists, style imports nothing, and the same input gives the same page."""
    html = report_page(**long_study, figures=figures, design=DESIGN)
    page = Page(html)
    assert len(page.references) > 8
    for reference in page.references:
        assert reference.startswith("data:") or reference.removeprefix("#") in page.ids, reference[:80]
    # BokehJS names, and does not open, some addresses; the browser test sees that nothing is requested.
    own = re.sub(r'<script id="explorer-library">.*?</script>', "", html, flags=re.DOTALL)
    assert len(own) < len(html) - 1_000_000
    # Without JavaScript nothing shows the interactive figure, and the pictures stand there.
    assert re.search(r'<div id="explorer" hidden>.*<figure id="figure-heat_rates">', own, flags=re.DOTALL)
    assert not re.search(r"@import|url\(|https?://", own)
    assert html == report_page(**long_study, figures=figures, design=DESIGN)


def test_tables_say_what_the_files_say(long_study: dict[str, Any], figures: list[Path]) -> None:
    """Headline heat, mode, friction, closure and ranks on the page are those of the files."""
    html = report_page(**long_study, figures=figures, design=DESIGN)
    page = Page(html)
    cells = [cell for row in page.rows for cell in row]
    cop = next(p.refrigeration for p in long_study["performances"] if p.kappa_ratio == "4.80")
    for point in long_study["comparison"].points:
        for found in (*point.heat, point.entropy_production):
            assert measured(found.value, found.se) in cells
        performance = next(p.refrigeration for p in long_study["performances"] if p.kappa_ratio == point.kappa_ratio)
        assert (interval(performance) in cells) == (point.mode == "refrigerator")
        assert [point.kappa_ratio, point.mode] in [row[:2] for row in page.rows]
    # Of the only refrigerator: what it should be, κ_C/(κ_H - κ_C), stands beside its coefficient of performance.
    (refrigerator,) = (row for row in page.rows if row[0] == "4.80" and interval(cop) in row)
    assert refrigerator[2] == "0.263"
    hot = long_study["friction"].axes["xyz"].particles[1]
    assert (
        measured(
            1e12 * FRICTION_SI * hot.white["joint"].value,
            1e12 * FRICTION_SI * hot.white["joint"].se,
        )
        in cells
    )
    assert "1, 2" in cells
    # Six runs of 900 s and 2 ns, with up to two ranks: 3 core-hours, 12 ns.
    assert "6 runs, 12.00 ns, 3.0 core-hours" in html
    assert "0.3710 ± 0.0020" in cells
    assert number(hot.likelihood.bic_difference, 0) in cells
    assert sum(cell == "✓ yes" for cell in cells) == 6 + 5 + 4 + 2


def test_information_is_beside_theory(long_study: dict[str, Any]) -> None:
    """The second law of each side and the flow with its theories are those of the comparison; without them no section."""
    assert 'id="information"' not in report_page(**long_study, figures=[], design=DESIGN)
    truth = Truth(friction_cold=0.2, friction_hot=0.3, sample_interval=0.5)
    flows = [
        information_summary(synthetic_runs(replace(truth, kappa_ratio=ratio), 200, 1, seed=54))
        for ratio in ("4.80", "0.17")
    ]
    information = compared_information(long_study["comparison"], flows)
    assert len(information) == 2
    page = report_page(**long_study, figures=[], design=DESIGN, information=information)
    assert "entropy pumping" not in page
    rows = Page(page).rows
    for each in information:
        sides = zip(each.entropy, each.information, each.second_law, strict=True)
        assert [each.point.kappa_ratio, *(measured(one.value, one.se) for side in sides for one in side)] in rows
        flow = measured(each.flow.value, each.flow.se)
        (row,) = (row for row in rows if row[:2] == [each.point.kappa_ratio, flow])
        assert "theory" in each.flows
        assert {measured(theory.value, theory.se) for theory in each.flows.values()} <= set(row)
    damped = replace(information[0].point.parameters, damping=(0.01, 0.0))
    changed = replace(information[0], point=replace(information[0].point, parameters=damped))
    assert "entropy pumping" in report_page(**long_study, figures=[], design=DESIGN, information=[changed])
    # The comparison has samples each 1 ps, too far apart at 4.80 alone.
    (coarse,) = (each.too_coarse for each in information if each.too_coarse)
    assert f"At κ<sub>H</sub>/κ<sub>C</sub> = 4.80, {coarse}." in page
    assert page.count("too far apart") == 1


def test_all_points_together_are_compared_with_each_theory(long_study: dict[str, Any]) -> None:
    """χ² on the page is that of the analysis; a rejected theory is marked, and without errors of the points there is no χ²."""
    comparison: Comparison = long_study["comparison"]
    html = report_page(**long_study, figures=[], design=DESIGN)
    table = html.partition("<caption>All cold heats together")[2].partition("</table>")[0]
    for found in comparison.agreement.values():
        assert f"<td>{number(found.chi_square, 1)}</td><td>{found.points}</td>" in table
    assert 'class="bad"' not in table

    def changed(shift: float, factor: float) -> Comparison:
        """The same study with other cold heats, and errors."""
        points = [
            replace(point, rates=point.rates | {"heat": (Estimate(cold.value + shift, factor * cold.se), hot)})
            for point in comparison.points
            for cold, hot in [point.heat]
        ]
        return replace(comparison, points=tuple(points))

    html = report_page(**long_study | {"comparison": changed(1.0, 1.0)}, figures=[], design=DESIGN)
    assert 'class="bad"' in html.partition("<caption>All cold heats together")[2].partition("</table>")[0]
    unknown = changed(0.0, math.nan)
    assert "All cold heats together" not in report_page(
        **long_study | {"comparison": unknown}, figures=[], design=DESIGN
    )


def test_first_screen_answers_with_the_numbers_of_the_comparison(long_study: dict[str, Any]) -> None:
    """Three sentences: how much is cooled and spent at the best point, and what the leading theory predicts there."""
    comparison: Comparison = long_study["comparison"]
    cools, costs, theory = verdict(comparison, long_study["performances"])
    best = comparison.compared[1]
    cold, _ = best.point.heat
    # Sampled too widely for linear response there.
    predicted, _ = best.rates("theory") or (Estimate(0.0), None)
    assert "at κ_H/κ_C = 4.80" in cools
    assert measured(-cold.value, cold.se) in cools
    assert measured(best.point.power.value, best.point.power.se) in costs
    assert theory.startswith("Theory and measurement agree: white friction")
    assert measured(predicted.value, predicted.se) in theory
    rates = best.point.rates | {
        "heat": (Estimate(cold.value - 9 * cold.se - 9 * predicted.se, cold.se), best.point.heat[1])
    }
    wrong = replace(comparison, points=(comparison.points[0], replace(best.point, rates=rates)))
    assert "differ" in verdict(wrong, long_study["performances"])[2]
    # Either is enough: a large deviation there, in a sweep that agrees, or a sweep that disagrees elsewhere.
    heater, cooler = comparison.points
    shifts = [(each.rates("theory") or (Estimate(0.0),))[0] for each in comparison.compared]

    def sentence(heater_z: float, cooler_z: float) -> str:
        """The last sentence, for cold heats that deviate from white friction by so many combined errors."""
        points = []
        for point, rate, z in zip((heater, cooler), shifts, (heater_z, cooler_z), strict=True):
            heat = Estimate(rate.value + z * math.hypot(point.heat[0].se, rate.se), point.heat[0].se)
            points.append(replace(point, rates=point.rates | {"heat": (heat, point.heat[1])}))
        return verdict(replace(comparison, points=tuple(points), responses=None), long_study["performances"])[2]

    assert sentence(0.0, 0.0).startswith("Theory and measurement agree")
    assert sentence(0.0, -3.1).startswith("Theory and measurement differ")
    assert sentence(-9.0, 0.0).startswith("Theory and measurement differ")


def test_interactive_figure_shows_what_tables_say(long_study: dict[str, Any]) -> None:
    """At the measured κ_H/κ_C each theory has the value that the comparison solves by itself, and symbols are the heats."""
    comparison: Comparison = long_study["comparison"]
    content = long_study["interactive"].content
    assert set(content["theories"]) == set(comparison.known)
    chosen = content["axes"][ALL_AXES]
    for each in comparison.compared:
        stop = content["ratios"].index(each.point.ratio)
        for theory in each.forecasts:
            for side, rate in zip(("cold", "hot"), each.rates(theory) or (), strict=True):
                assert chosen["theories"][theory]["told"][side][stop] == measured(rate.value, rate.se)
                assert chosen["theories"][theory][side]["value"][stop] == pytest.approx(rate.value, rel=1e-5)
    assert chosen["measured"]["hot"]["told"] == [measured(p.heat[1].value, p.heat[1].se) for p in comparison.points]
    (along,) = (choice for name, choice in content["axes"].items() if name != ALL_AXES)
    assert [name.split()[0] for name in along["measured"]["cold"]["name"]].count("4.80") == 3


def test_cop_is_told_for_what_it_is(long_study: dict[str, Any]) -> None:
    """An identity in traps at rest, and none in moving ones; where the particles work on the controller there is no COP."""
    comparison: Comparison = long_study["comparison"]
    moves = TrapMotion((Oscillation(1.0, 40.0),), ())
    moved = [replace(each, parameters=replace(each.parameters, motion=moves)) for each in comparison.points]
    for points, is_one in ((comparison.points, True), (tuple(moved), False)):
        told = long_study | {"comparison": replace(comparison, points=points)}
        page = report_page(**told, figures=[], design=DESIGN)
        assert "heat drawn from the cold bath over the work spent" in page
        assert ("is an identity of the linear controller" in page) == is_one
        assert ('<th scope="col">exact</th>' in page) == is_one
    gains = tuple(replace(each, power=Estimate(-0.17, 0.01)) for each in comparison.points)
    costs = verdict(replace(comparison, points=gains), long_study["performances"])[1]
    told_work = (
        "The particles do 0.170 ± 0.010 eV/ns of work on the controller, so there is no coefficient of performance."
    )
    assert costs == told_work


def test_traps_that_move_share_the_power(long_study: dict[str, Any]) -> None:
    """Their work is part of the sum of both heats, so no sentence says that the controller spends it alone."""
    comparison: Comparison = long_study["comparison"]
    alone = verdict(comparison, long_study["performances"])[1]
    assert alone.startswith("The controller spends ")
    traps = (Estimate(0.1, 0.01), Estimate(0.2, 0.01))
    moved = replace(comparison, points=tuple(replace(each, trap_power=traps) for each in comparison.points))
    costs = verdict(moved, long_study["performances"])[1]
    assert costs == alone.replace("The controller spends", "Controller and moving traps together spend")
    gains = tuple(replace(each, power=Estimate(-0.17, 0.01)) for each in moved.points)
    costs = verdict(replace(moved, points=gains), long_study["performances"])[1]
    assert "of work on controller and moving traps together, so" in costs
    for told, is_shared in ((comparison, False), (moved, True)):
        page = report_page(**long_study | {"comparison": told}, figures=[], design=DESIGN)
        assert ("power spent by the controller and the moving traps together, the sum" in page) == is_shared


def test_dragged_particles_stand_beside_the_paper(long_study: dict[str, Any]) -> None:
    """A study that dragged shows friction, velocity and heating of each force; one that did not says so."""
    assert "This study has no drag runs" in report_page(**long_study, figures=[], design=DESIGN)
    drag = replace(
        DRAG,
        side="hot",
        bath_temperature=120.0,
        velocity=Estimate(43.8, 2.7) * (1 / VELOCITY_SI),
        friction=Estimate(6.85e-12, 0.43e-12) * (1 / FRICTION_SI),
        over_thermal=4.8,
        drift_z=-1.1,
        work=82.1,
        bath_excess=Estimate(-0.13, 0.13),
        particle_atoms=186,
        largest_piece=150,
    )
    dragged = long_study | {"friction": replace(long_study["friction"], drags=(drag,))}
    rows = Page(report_page(**dragged, figures=[], design=DESIGN)).rows
    assert ["dragged by 0.3 nN, no walls", "–", "6.85 ± 0.43", "2.8"] in rows
    assert ["0.3", "hot", "43.8 ± 2.7", "4.8", "−1.1", "82", "−0.13 ± 0.13", "–", "150 of 186"] in rows


def test_the_system_is_told_with_its_symbols(long_study: dict[str, Any]) -> None:
    """Atoms are counted as what the study calls them."""
    system = {
        "fluid_atoms_per_bath": 5064,
        "metal_atoms_per_particle": 186,
        "bath_edge_A": 65.0,
        "accessible_density_per_nm3": 19.5602,
    }
    runs = [run | {"system": system} for run in long_study["runs"]]
    rows = Page(report_page(**long_study | {"runs": runs}, figures=[], design=DESIGN)).rows
    assert ["Atoms of the fluid (Ar) in each bath", "5\u202f064"] in rows
    assert ["Atoms of the metal (Cu) in each particle", "186"] in rows


def test_failed_checks_are_seen(long_study: dict[str, Any], figures: list[Path]) -> None:
    """A leak, a broken particle, a cold one and an unclosed energy each turn one verdict to no."""
    runs = [dict(run) for run in long_study["runs"]]
    runs[0]["closure"] = runs[0]["closure"] | {"hot_drift_eV_per_ns": -0.06}
    cold = replace(SIDE.metal, mean=Estimate(98.25, 0.5))
    broken = replace(
        STRUCTURE, leaked_atoms=3, sides={"cold": SIDE, "hot": replace(SIDE, largest_cluster=185, metal=cold)}
    )
    html = report_page(**(long_study | {"runs": runs, "structure": broken}), figures=figures, design=DESIGN)
    assert html.count("✗ no") == 4


def test_last_screen_is_short_and_names_failed_checks(long_study: dict[str, Any]) -> None:
    """Sentences of the report, the heats of its table, and each check that failed, within the lines of a terminal."""
    known = {name: long_study[name] for name in ("comparison", "performances", "friction", "structure")}
    structure = replace(long_study["structure"], leaked_atoms=3)
    text = closing_text(**known | {"structure": structure})
    assert " ".join(verdict(known["comparison"], known["performances"])) in " ".join(text.split())
    for point in known["comparison"].points:
        assert f"{point.heat[0].value:.3f}" in text
    assert "failed: Atoms beyond a wall of their side, at most: 3, expected 0" in text
    assert "failed" not in closing_text(**known)
    assert len(text.splitlines()) < 30


def test_short_study_shows_unknown_errors(figures: list[Path]) -> None:
    """Without error bars the page says so, decides nothing, and repeats how long runs must be."""
    short = study(30, engine="langevin")
    html = report_page(**short, figures=figures[:1], design=DESIGN)
    assert "± ?" in html
    assert "No point of this study shows cooling" in html
    assert short["friction"].note in html
    assert "no atoms" in html
    assert "beyond a wall" not in html


def test_runs_shipped_without_atoms_have_a_page(long_study: dict[str, Any]) -> None:
    """It names the missing atoms, and does not call the study one of the exact model."""
    html = report_page(**long_study | {"structure": None}, figures=[], design=DESIGN)
    assert "as a sketch: the atoms of these runs are not shipped" in html
    assert "no atoms" not in html
    assert "beyond a wall" not in html
    assert "beyond a wall" in report_page(**long_study, figures=[], design=DESIGN)


def test_text_from_files_is_escaped(long_study: dict[str, Any]) -> None:
    """What a study file holds cannot become markup."""
    assert "</code><script>" not in report_page(**long_study, figures=[], design=DESIGN)


def test_figures_are_captioned_and_inline(figures: list[Path]) -> None:
    """Known figures come in the order of the captions, unknown ones last with a plain title; small SVGs are preferred."""
    figures[0].with_suffix(".svg").write_text("<svg/>")
    figures[1].with_suffix(".svg").write_text(" " * 500_000)
    known, unknown = (load_figures(figures, DESIGN / "captions.yaml")[i] for i in (1, 2))
    assert [known["name"], unknown["name"]] == ["heat_rates", "some_new_thing"]
    assert unknown["title"] == "Some new thing"
    assert known["source"] == "data:image/svg+xml;base64," + base64.b64encode(b"<svg/>").decode()
    assert base64.b64decode((known["data"] or "").split(",")[1]) == b"kappa_ratio\n4.80\n"
    assert unknown["data"] is None
    setup = load_figures(figures, DESIGN / "captions.yaml")[0]
    assert setup["source"] == "data:image/png;base64," + base64.b64encode(PIXEL).decode()


def test_every_image_has_an_alternative_text(long_study: dict[str, Any], figures: list[Path]) -> None:
    """Readers who cannot see a figure are told what it shows; only the empty frame for enlarging has none."""
    alt = Page(report_page(**long_study, figures=figures, design=DESIGN)).alt
    assert len(alt) == len(figures) + 1
    assert sum(not text for text in alt) == 1


@pytest.mark.parametrize(
    ("ratio", "cold", "hot"), [(0.17, 1.299, -0.221), (1.2, 0, 0), (4.80, -0.289, 1.386), (7.27, -0.249, 1.809)]
)
def test_paper_rates_at_its_named_points(ratio: float, cold: float, hot: float) -> None:
    """The published machine's exact heats, to the three digits in which they are known."""
    assert paper_rates(replace(PAPER, coupling=(0.1, 0.1 * ratio))) == pytest.approx((cold, hot), abs=6e-4)


def test_paper_rates_only_of_the_paper() -> None:
    """Another κ_H/κ_C, trap, temperature or bath is not compared with the publication."""
    named = replace(PAPER, coupling=(0.1, 0.48))
    assert paper_rates(replace(named, coupling=(0.1, 0.5))) is None
    assert paper_rates(replace(named, traps=(0.011, 0.01, 0.01))) is None
    assert paper_rates(replace(named, temperature=(100.0, 130.0))) is None
    assert paper_rates(replace(named, active=((), ((0.02, 10.0),)))) is None


def test_numbers_are_rounded_to_their_error() -> None:
    """Two digits of the error decide; unknown, zero and missing are told apart."""
    assert measured(-0.28143, 0.06648) == "−0.281 ± 0.066"
    assert measured(127.494, 8.32) == "127.5 ± 8.3"
    assert measured(1234.5, 123.0) == "1234 ± 123"
    assert measured(8.56e-12, 3.66e-12, 1e12) == "8.6 ± 3.7"
    assert measured(0.5, None) == "0.500 ± ?"
    assert measured(0.0, 1e-17) == "0.000 ± 0.000"
    assert measured(None, None) == number(None) == "–"
    assert number(-0.0001) == "0.000"
    assert [z_score(z) for z in (2.34, -2.34, None)] == ["+2.3", "−2.3", "?"]


def test_intervals_are_lopsided_or_unknown() -> None:
    """Both ends are shown, to the digits that their distance warrants."""
    assert interval(Interval(0.2594, 0.2378, 0.2918)) == "0.259 (0.238 to 0.292)"
    assert interval(Interval(1165.5, 790.0, math.nan)) == "1166 (790 to ?)"
    assert interval(Interval(math.nan, math.nan, math.nan)) == interval(None) == "–"


def test_subscripts_escape() -> None:
    """Symbols get subscripts, and markup in the text does not survive."""
    assert (
        subscripts("<b> κ_H/κ_C, k_B T, kH_4.80") == "&lt;b&gt; κ<sub>H</sub>/κ<sub>C</sub>, k<sub>B</sub> T, kH_4.80"
    )


def test_incomplete_run_is_named(long_study: dict[str, Any]) -> None:
    """A run.json of an older version is named with what it lacks; no run at all is said."""
    runs = [dict(run) for run in long_study["runs"]]
    del runs[2]["versions"]
    with pytest.raises(ValueError, match=r"kH_4\.80, replica 1: versions missing"):
        report_page(**(long_study | {"runs": runs}), figures=[], design=DESIGN)
    content = long_study["comparison"].points[1].to_json()
    del content["power_se"]
    with pytest.raises(ValueError, match=r"heat\.json of kH_4\.80: 'power_se' is missing"):
        HeatPoint.from_json(content)
    with pytest.raises(ValueError, match=r"at least one run\.json"):
        report_page(**(long_study | {"runs": []}), figures=[], design=DESIGN)
