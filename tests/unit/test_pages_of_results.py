"""The pages of results have the numbers of the shipped runs and of the shipped benchmarks."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from analysis.compare.by_axis import work_by_axis
from analysis.compare.comparison import THEORIES, Comparison
from analysis.compare.finite_size import fit_size
from analysis.data.parameters import SIDES
from analysis.data.runs import load_runs
from analysis.friction.drag import drag_summary, load_drag_runs
from analysis.friction.response import responses
from analysis.friction.summary import friction_summary
from analysis.heat.point import by_ratio
from analysis.heat.rates import point_summary
from analysis.units import FRICTION_SI
from benchmarks.price import protocols

ROOT = Path(__file__).resolve().parents[2]
LONG_RUNS = ROOT / "docs/explanation/long-runs.md"
FRICTION = ROOT / "docs/explanation/friction.md"
PRICE = ROOT / "docs/explanation/price.md"
RESULTS = ROOT / "benchmarks/results"


def rows(page: Path, first_columns: str) -> list[list[str]]:
    """The cells of the table whose header begins so, row by row."""
    lines = page.read_text(encoding="utf-8").splitlines()
    (start,) = (number for number, line in enumerate(lines) if line.startswith(f"| {first_columns}"))
    found: list[list[str]] = []
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            return found
        found.append([cell.strip() for cell in line.strip("|").split("|")])
    raise AssertionError("the page ends within a table")


def numbers(cell: str) -> list[float]:
    """The numbers of a cell, with their signs."""
    return [float(text) for text in re.findall(r"[-+]?\d+\.?\d*", cell.replace("−", "-"))]


def digit(cell: str) -> float:
    """What one unit of the last digit of a cell is."""
    (decimals,) = {len(text.partition(".")[2]) for text in re.findall(r"\d+\.?\d*", cell)}
    return 10.0**-decimals


@cache
def compared(study: str) -> Comparison:
    """The heats of a shipped study beside theory of its friction."""
    folder = ROOT / "reference" / study
    equilibrium = load_runs(sorted(folder.glob("friction/*/run.json")))
    points = by_ratio(
        point_summary(load_runs(sorted(point.glob("*/run.json")))) for point in folder.glob("sweep/*") if point.is_dir()
    )
    return Comparison(tuple(points), friction_summary(equilibrium).friction, responses(equilibrium))


def agrees(cell: str, *values: float) -> bool:
    """Whether a cell has these numbers, to its last digit; another processor may round the other way."""
    return numbers(cell) == pytest.approx(list(values), abs=1.01 * digit(cell))


def check_heats(cells: list[str], comparison: Comparison, ratio: str) -> None:
    """Of a row `measured | linear response | z | white | z | dressed | z | bodies | z`, cold heats in eV/ns."""
    (found,) = (each for each in comparison.compared if each.point.kappa_ratio == ratio)
    measured, *theories = cells
    assert agrees(measured, found.point.heat[0].value, found.point.heat[0].se)
    for name, cell, z in zip(THEORIES, theories[::2], theories[1::2], strict=True):
        rates, deviation = found.rates(name), found.z(name)[0]
        assert rates is not None
        assert deviation is not None
        if cell == "0":
            assert abs(rates[0].value) < 1e-6
        else:
            assert agrees(cell, rates[0].value, *([rates[0].se] if "±" in cell else []))
        assert agrees(z, deviation)


@pytest.mark.long
@pytest.mark.parametrize(
    ("study", "heats", "agreement"),
    [
        ("reference", "κ<sub>H</sub>/κ<sub>C</sub> | cold bath", "nine points"),
        ("reference-paper", "11 nm, at κ<sub>H</sub>/κ<sub>C</sub> | cold bath", "the points at 11 nm"),
    ],
)
def test_table_of_heats_is_that_of_the_shipped_runs(study: str, heats: str, agreement: str) -> None:
    """All points, each beside four theories, and their χ²."""
    comparison = compared(study)
    table = rows(LONG_RUNS, heats)
    assert [row[0] for row in table] == [point.kappa_ratio for point in comparison.points]
    for ratio, *cells in table:
        check_heats(cells, comparison, ratio)
    theories = rows(LONG_RUNS, f"theory | χ² over {agreement}")
    for name, (_, chi_square, _) in zip(THEORIES, theories, strict=True):
        assert agrees(chi_square, comparison.agreement[name].chi_square), name


def test_table_of_two_white_frictions_is_what_its_program_prints() -> None:
    """Both minima of the fit to the nine cold heats, and their χ²."""
    (program,) = re.findall(r"```python\n(.*?)```", LONG_RUNS.read_text(encoding="utf-8"), re.DOTALL)
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, encoding="utf-8", check=True)
    printed = done.stdout.splitlines()
    for cells, line in zip(rows(LONG_RUNS, "fitted friction, cold"), printed, strict=True):
        for cell, found in zip(cells, line.split(), strict=True):
            assert agrees(cell, float(found))


@pytest.mark.long
def test_table_of_works_along_x_is_that_of_the_shipped_runs() -> None:
    """All points at the paper's size, along the axis of its machine, for both baths and two theories."""
    comparison = compared("reference-paper")
    table = {ratio: cells for ratio, *cells in rows(LONG_RUNS, "11 nm, along x | cold")}
    assert list(table) == [point.kappa_ratio for point in comparison.points]
    for ratio, cells in table.items():
        runs = load_runs(sorted((ROOT / f"reference/reference-paper/sweep/kH_{ratio}").glob("*/run.json")))
        found = work_by_axis(runs, comparison.friction, comparison.responses)
        by_axis: dict[Any, Any] = found.set_index("axis").loc["x"].to_dict()
        for side, (work, *theories) in zip(SIDES, (cells[:5], cells[5:]), strict=True):
            assert agrees(work, by_axis[f"work_{side}_eV_per_ns"], by_axis[f"work_{side}_se"])
            for name, rate, z in zip(("response", "theory"), theories[::2], theories[1::2], strict=True):
                exact = by_axis[f"{name}_{side}_eV_per_ns"]
                assert abs(exact) < 1e-6 if rate == "0" else agrees(rate, exact)
                assert agrees(z, by_axis[f"z_{name}_{side}"])


@pytest.mark.long
@pytest.mark.parametrize(
    ("study", "table", "row"),
    [
        ("bath-size@edge-5", "at 4.80 | cold bath", "5 nm"),
        ("reference", "at 4.80 | cold bath", "6.5 nm"),
        ("bath-size", "at 4.80 | cold bath", "6.5 nm, at 70 and 360 bar"),
        ("bath-size@edge-8", "at 4.80 | cold bath", "8 nm"),
        ("reference-paper", "at 4.80 | cold bath", "11 nm"),
        ("reference-periodic", "at 4.80 | measured", "cold bath"),
    ],
)
def test_tables_at_one_point_are_those_of_the_shipped_runs(study: str, table: str, row: str) -> None:
    """In baths of each size that has a theory, and without walls."""
    (cells,) = (cells for name, *cells in rows(LONG_RUNS, table) if name == row)
    check_heats(cells, compared(study), "4.80")


def test_table_of_drags_is_that_of_the_shipped_runs() -> None:
    """Friction of the dragged particle in each bath, and the line to unbounded fluid with its viscosity and χ²."""
    table = {name: cells for name, *cells in rows(FRICTION, "friction in |")}
    variants = {5: "@edge-5", 6.5: "", 8: "@edge-8", 11: "@edge-11"}
    for column, side in enumerate(("cold", "hot")):
        found = {}
        for edge, variant in variants.items():
            runs = sorted((ROOT / "reference" / f"bath-size{variant}" / "drag" / side).rglob("run.json"))
            (drag,) = drag_summary(load_drag_runs(runs))
            found[edge] = (drag.friction.value * FRICTION_SI, drag.friction.se * FRICTION_SI)
            assert agrees(table[f"{edge:g} nm"][column], *(1e12 * value for value in found[edge]))
        values, errors = zip(*found.values(), strict=True)
        line = fit_size(list(found), values, errors)
        for name, estimate, unit in (
            ("unbounded fluid, from the line", line.friction, 1e12),
            ("viscosity from the line, 10⁻⁴ Pa s", line.viscosity, 1e4),
        ):
            assert agrees(table[name][column], estimate.value * unit, estimate.se * unit)
        assert agrees(table["χ² of the line, for two degrees of freedom"][column], line.chi2)


def measured(benchmark: str) -> list[dict[str, Any]]:
    """The rows of a shipped benchmark."""
    found: dict[str, list[dict[str, Any]]] = json.loads((RESULTS / f"{benchmark}.json").read_text(encoding="utf-8"))
    return found["rows"]


def test_prices_are_those_of_the_shipped_benchmarks() -> None:
    """Of one heat and of a sweep: each number of both tables of the page, and what the other page repeats."""
    one, sweep = measured("price"), measured("sweep_price")
    assert [row["contestant"] for row in one] == list(protocols())
    for (_, step, axes, *cells, saved), row in zip(rows(PRICE, "| step/fs"), one, strict=True):
        assert (float(step), axes) == (row["timestep_fs"], row["axes"])
        assert all(map(agrees, cells, (row["ms_per_step"], row["needed_ns"], row["core_hours"])))
        assert agrees(saved, row["saved"]) if row["saved"] else saved == ""
    for (_, runs, *cells, error, chi_square, cost), row in zip(rows(PRICE, "| runs"), sweep, strict=True):
        assert int(runs) == row["runs"]
        assert all(map(agrees, cells, (row["time_ns"], row["ms_per_step"], row["core_hours"])))
        assert agrees(error, 100 * row["error"])
        assert agrees(chi_square.partition(" ")[0], row["chi_square"]) if row["chi_square"] else chi_square == ""
        assert agrees(cost, row["ratio"])
    told = (ROOT / "benchmarks/README.md").read_text(encoding="utf-8")
    (costs,) = re.findall(
        r"(\S+) core-hours with the published protocol, (\S+) with that\nof the demo, a factor of (\d+)", told
    )
    published = one[1]  # the first has a demon that is slow in this release of LAMMPS
    assert published["contestant"] == "as published"
    assert all(map(agrees, costs, (published["core_hours"], one[-1]["core_hours"], published["ratio"])))
    (factor,) = re.findall(r"\*\*(\d+) times less\*\*", PRICE.read_text(encoding="utf-8"))
    assert agrees(factor, published["ratio"])
