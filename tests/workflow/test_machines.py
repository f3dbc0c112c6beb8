"""A study of a machine through Snakemake, as a user would run it: from its file to its report, and what a change reruns."""

from __future__ import annotations

import pandas as pd
import pytest

from tests.workflow.work import Work

RESERVOIRS = """
machine: reservoirs
levels: [21.1, 21.5]
reservoirs:
  first: {temperature: 0.6, chemical_potential: 20.8, size: 1000}
  second: {temperature: 1.0, chemical_potential: 16.0, size: 1000}
sweep: {parameter: levels.0, values: [20, 22, 24]}
evolution: {duration: 1.0e+9, points: 20}
"""


def test_a_machine_from_its_file_to_its_report(work: Work) -> None:
    """Its report brings table, text, figures and report; nothing is left then; another value makes all anew."""
    work.write("config/own.yaml", RESERVOIRS)
    # Named in full, its files need no choice of a study.
    result = work.snakemake("results/own/report.html", config="")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "Exception" not in result.stdout + result.stderr, "rules of simulations do not look at machines"
    folder = work.folder / "results/own"
    made = {str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file() and "logs" not in file.parts}
    figures = {f"figures/{name}.{kind}" for name in ("currents", "performance", "course") for kind in ("png", "svg")}
    assert made - {".lock"} == {"sweep.csv", "summary.txt", "report.html", "figures/course.csv", *figures}
    table = pd.read_csv(folder / "sweep.csv")
    assert table["levels.0"].tolist() == [20, 22, 24]
    assert table["cop"].notna().tolist() == [False, True, True]
    assert table["heat_first"].to_numpy() == pytest.approx(-table["cooling"].to_numpy())
    assert "cools from 22 to 24" in (folder / "summary.txt").read_text(encoding="utf-8")
    assert (folder / "report.html").read_text(encoding="utf-8").count("data:image/") == 3
    assert work.plan(config="study=own") == {}
    work.write("config/own.yaml", RESERVOIRS.replace("size: 1000}", "size: 2000}", 1))
    assert set(work.plan(config="study=own")) - {"all"} == {"solve_machine", "follow_machine", "report_machine"}


def test_a_wrong_machine_ends_the_workflow(work: Work) -> None:
    """Its mistakes are told before anything runs."""
    work.write("config/own.yaml", RESERVOIRS.replace("temperature: 0.6", "temperature: -0.6"))
    assert "reservoirs.first.temperature = '-0.6'" in work.refused(config="study=own")
