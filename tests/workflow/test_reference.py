"""The shipped runs in the workflow: taken instead of simulated, and never for a study that asks for something else."""

from pathlib import Path

import pytest

from tests.workflow.checkout import ROOT, Checkout

HEAT = "results/reference/sweep/kH_4.80/heat.json"


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    """A copy of the project with the shipped runs."""
    made = Checkout(tmp_path / "checkout")
    (made.folder / "reference").symlink_to(ROOT / "reference")
    return made


def test_shipped_runs_are_taken_not_made(checkout: Checkout) -> None:
    """`snakemake reference` would run no molecular dynamics, and a point of it is measured from what is shipped."""
    rules = checkout.would_run("reference")
    assert {
        "unpack",
        "measure",
        "fit_friction",
        "axes",
        "respond",
        "compare_sizes",
        "plot_sweep",
        "write_report",
    } <= rules
    assert not {"equilibrate", "simulate", "pull"} & rules
    result = checkout.snakemake(HEAT)
    assert result.returncode == 0, result.stdout + result.stderr
    assert (checkout.folder / HEAT).is_file()


def test_a_changed_study_takes_nothing(checkout: Checkout) -> None:
    """Other baths under the same name end the workflow with the field that differs, and nothing is analysed."""
    checkout.edit("config/reference.yaml", "edge_nm: 6.5", "edge_nm: 7.0")
    result = checkout.snakemake(HEAT)
    assert result.returncode != 0
    assert (
        "made with baths.edge_nm = 6.5 (the study says 7.0): give the changed study a name"
        in result.stdout + result.stderr
    )
    assert not (checkout.folder / HEAT).exists()
