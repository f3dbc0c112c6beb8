"""Several studies side by side: differences are those of their heats, and the page says what the comparison holds."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from analysis.compare.comparison import Comparison
from analysis.compare.studies import COLUMNS, studies_table, study_points
from analysis.figures.studies import heats_of_studies
from analysis.figures.style import save
from analysis.friction.summary import friction_summary
from analysis.heat.performance import performance_summary
from analysis.heat.rates import point_summary
from analysis.report.studies_page import studies_page
from analysis.report.verdict import Z_AGREES
from analysis.report.words import measured, z_score
from analysis.units import FRICTION_SI
from tests.unit.pages import DESIGN, Page
from tests.unit.synthetic import Truth, synthetic_runs

RATIOS = {"thin": ("0.17", "4.80"), "thick": ("4.80", "7.27")}


@pytest.fixture(scope="module")
def compared() -> dict[str, Any]:
    """Two studies of other friction that share one κ_H/κ_C, as arguments of ``studies_page`` but for figures and design."""
    found: dict[str, list[Any]] = {"runs": [], "comparisons": [], "performances": []}
    for number, (name, ratios) in enumerate(RATIOS.items()):
        friction = 0.2 + 0.4 * number
        truth = Truth(kappa_ratio=None, friction_cold=friction, friction_hot=friction)
        at_rest = friction_summary(synthetic_runs(truth, 1000.0, 1, seed=70 + number))
        sweep = [
            synthetic_runs(replace(truth, kappa_ratio=ratio), 1000.0, 1, seed=80 + 10 * number + i)
            for i, ratio in enumerate(ratios)
        ]
        found["runs"].append({"study": name, "settings": {"friction": friction, "baths": {"edge_nm": 6.5}}})
        found["comparisons"].append(Comparison(tuple(point_summary(runs) for runs in sweep), at_rest.friction))
        found["performances"].append([performance_summary(runs) for runs in sweep])
    return found


def test_differences_are_those_of_the_shared_point(compared: dict[str, Any]) -> None:
    """Only the point that both studies have is compared: its heats' difference, with the errors of both in squares."""
    thin, thick = compared["comparisons"]
    points = study_points(list(RATIOS), [thin, thick])
    assert [(each.study, each.compared.point.kappa_ratio) for each in points] == [
        ("thin", "0.17"),
        ("thin", "4.80"),
        ("thick", "4.80"),
        ("thick", "7.27"),
    ]
    table = studies_table(points)
    assert list(table.columns) == COLUMNS
    assert table["difference_hot_eV_per_ns"].notna().tolist() == [False, False, True, False]
    for j, side in enumerate(("cold", "hot")):
        own, other = thick.points[0].heat[j], thin.points[1].heat[j]
        row = table.iloc[2]
        assert row[f"difference_{side}_eV_per_ns"] == pytest.approx(own.value - other.value)
        assert row[f"difference_{side}_se"] == pytest.approx(math.hypot(own.se, other.se))
        assert row[f"z_difference_{side}"] == pytest.approx((own.value - other.value) / math.hypot(own.se, other.se))
    # The frictions differ by a factor of three: each study stands beside its own theory, and the heats apart.
    assert table[["z_theory_cold", "z_theory_hot"]].abs().to_numpy().max() < 4
    assert abs(table["z_difference_hot"].iloc[2]) > Z_AGREES


def test_page_shows_every_study_and_what_differs(compared: dict[str, Any], tmp_path: Path) -> None:
    """Heats, differences and changed fields are on the page, and large differences are marked."""
    save(*heats_of_studies(list(RATIOS), compared["comparisons"]), tmp_path / "heats_of_studies")
    page = studies_page(**compared, figures=[tmp_path / "heats_of_studies.png"], design=DESIGN)
    thin, thick = compared["comparisons"]
    for point in (*thin.points, *thick.points):
        assert measured(point.heat[0].value, point.heat[0].se) in page
    own, other = thick.points[0].heat[1], thin.points[1].heat[1]
    assert measured(own.value - other.value, math.hypot(own.se, other.se)) in page
    assert 'class="bad"' in page
    # Each study's heat, minus that of the first one, and theory at its own friction, of the bath of each table.
    rows = Page(page).rows
    for j, side in enumerate(("cold", "hot")):
        table = Page(page.partition(f">The {side} bath, eV/ns")[2].partition("</table>")[0]).rows
        assert table[0][:6] == ["κH/κC", "study", "measured", "minus thin", "z", "white friction"]
        for row, (name, each) in zip(
            table[1:],
            [("thin", thin.compared[0]), ("thin", thin.compared[1]), ("thick", thick.compared[0])],
            strict=False,
        ):
            rate = each.point.heat[j]
            theory = (each.rates("theory") or ())[j]
            assert row[:3] == [each.point.kappa_ratio, name, measured(rate.value, rate.se)]
            assert row[5] == measured(theory.value, theory.se)
            assert row[6] == z_score((rate.value - theory.value) / math.hypot(rate.se, theory.se))
            if name == "thin":
                assert row[3:5] == ["–", "–"]
            else:
                first = thin.points[1].heat[j]
                error = math.hypot(rate.se, first.se)
                assert row[3:5] == [
                    measured(rate.value - first.value, error),
                    z_score((rate.value - first.value) / error),
                ]
    for name, comparison in (("thin", thin), ("thick", thick)):
        white = comparison.friction.along["xyz"].white
        told = [measured(each.value, each.se, 1e12 * FRICTION_SI) for each in white]
        assert [name, "x, y, z", *told] in rows
    assert ["thick", "friction", "0.6000000000000001"] in rows
    assert "<code>friction</code>" in page
    assert "edge_nm" not in page
    assert "Heats of the studies" in page
