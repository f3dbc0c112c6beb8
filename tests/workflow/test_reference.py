"""The shipped runs in the workflow: taken, not simulated, from any folder, and never for a study of other parameters."""

import shutil
from pathlib import Path

import pytest

from tests.workflow.checkout import MD_RULES, ROOT, Checkout, planned, snakemake

HEAT = "results/reference/sweep/kH_4.80/heat.json"
LOOPS, WITHOUT_WALLS, PAPER = "reference-feedback", "reference-periodic", "reference-paper"
SIZES = ("reference", "bath-size@edge-5", "bath-size", "bath-size@edge-8", "reference-paper")
SHIPPED = [file.relative_to(ROOT / "reference").parts[0] for file in (ROOT / "reference").rglob("run.json")]
"""The study of each shipped run."""


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    """A copy of the project with the shipped runs, whose folder has a name that Snakemake could take for a wildcard."""
    made = Checkout(tmp_path / "a {study} of ours", "reference")
    (made.folder / "reference").symlink_to(ROOT / "reference")
    return made


@pytest.mark.parametrize("how", ["in it", "by -s", "by --directory"])
def test_shipped_runs_are_taken_wherever_snakemake_works(how: str, checkout: Checkout, tmp_path: Path) -> None:
    """`snakemake reference` plans to unpack the shipped runs of all sizes, and no molecular dynamics, in any folder."""
    empty = tmp_path / "empty"
    empty.mkdir()
    snakefile = ("-s", str(checkout.folder / "Snakefile"))
    match how:
        case "in it":
            result = snakemake("-n", "reference", folder=checkout.folder)
        case "by -s":
            result = snakemake("-n", *snakefile, "reference", folder=empty)
        case _:
            result = snakemake("-n", *snakefile, "--directory", str(empty), "reference", folder=tmp_path)
    jobs = planned(result)
    assert jobs["unpack"] == sum(name in SIZES for name in SHIPPED) == 70
    analysis = {"measure", "fit_friction", "axes", "plot_response", "compare_sizes", "plot_sizes", "plot_sweep"}
    analysis |= {"plot_equilibrium", "plot_cumulative", "write_report"}
    assert analysis <= set(jobs)
    assert jobs["summary"] == len(SIZES), "of the study, and of each other size of the bath"
    assert not MD_RULES & set(jobs)


@pytest.mark.parametrize(
    ("study", "target", "runs", "analysis"),
    [
        (LOOPS, "feedback", 21, {"measure", "fit_friction", "compare_heats", "plot_loops"}),
        (WITHOUT_WALLS, "all", 5, {"measure", "fit_friction", "structure", "plot_setup", "write_report"}),
        (PAPER, "all", 10, {"measure", "fit_friction", "axes", "write_report"}),
    ],
)
def test_shipped_runs_of_other_studies_are_taken(
    study: str, target: str, runs: int, analysis: set[str], checkout: Checkout
) -> None:
    """All runs of the study and its variants, and no molecular dynamics."""
    shutil.copy(ROOT / f"config/{study}.yaml", checkout.folder / "config")
    jobs = planned(snakemake("-n", target, "--config", f"study={study}", folder=checkout.folder))
    assert jobs["unpack"] == sum(name.startswith(study) for name in SHIPPED) == runs
    assert analysis <= set(jobs)
    assert not MD_RULES & set(jobs)
    # What needs atoms is planned only for runs that are shipped with them.
    assert ("structure" in jobs) == ("plot_setup" in jobs) == ("structure" in analysis)


def test_shipped_drags_are_taken(checkout: Checkout) -> None:
    """In baths of four sizes, and nothing else is planned for the figure of the bath's size."""
    shutil.copy(ROOT / "config/bath-size.yaml", checkout.folder / "config")
    jobs = planned(snakemake("-n", "finite_size", "--config", "study=bath-size", folder=checkout.folder))
    drags = list((ROOT / "reference").glob("bath-size*/drag/*/*/*/run.json"))
    assert jobs == {"unpack": len(drags), "plot_finite_size": 1, "finite_size": 1}
    assert len(drags) == 24


def test_a_shipped_point_is_measured_and_a_changed_study_takes_nothing(checkout: Checkout) -> None:
    """Shipped runs are copied and measured; a study of other parameters under their name is refused by the field that differs.

    So it is with the copies that were taken before, and with Snakemake's own records lost.
    """
    result = checkout.snakemake(HEAT)
    assert result.returncode == 0, result.stdout + result.stderr
    assert (checkout.folder / HEAT).is_file()
    assert checkout.would_run(HEAT) == set()
    checkout.edit("config/reference.yaml", "edge_nm: 6.5", "edge_nm: 6.5\n  temperature_cold_K: 90")
    shutil.rmtree(checkout.folder / ".snakemake")
    result = checkout.snakemake(HEAT)
    assert result.returncode != 0
    told = "made with baths.temperature_cold_K = 100.0 (the study says 90.0): give the changed study a different name"
    assert told in result.stdout + result.stderr
    assert "Traceback" not in result.stdout + result.stderr
    assert not list((checkout.folder / "results/reference/sweep/kH_4.80").rglob("run.json"))
