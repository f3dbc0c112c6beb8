"""The Slurm profile: it knows every simulation, and nothing of any site."""

import re
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
PROFILE = yaml.safe_load((ROOT / "profiles/slurm/config.yaml").read_text(encoding="utf-8"))


def test_every_simulation_has_a_wall_time_that_grows() -> None:
    """A rule that runs molecular dynamics, however new, is named in the profile; without a wall time none could end in time."""
    text = "\n".join(file.read_text(encoding="utf-8") for file in (ROOT / "workflow/rules").glob("*.smk"))
    rules = re.split(r"^(?:rule|use rule .* as) (\w+)\b", text, flags=re.MULTILINE)
    simulations = {name for name, body in zip(rules[1::2], rules[2::2], strict=True) if "**SIMULATION" in body}
    assert {"equilibrate", "simulate"} <= simulations
    wall_times = {name: resources["runtime"] for name, resources in PROFILE["set-resources"].items()}
    assert set(wall_times) == simulations
    assert all("attempt" in runtime for runtime in wall_times.values())


def test_site_values_are_left_to_the_user() -> None:
    """Account, partition and the like differ from site to site and stand in no file of the project."""
    resources = [PROFILE["default-resources"], *PROFILE["set-resources"].values()]
    assert not {name for content in resources for name in content} & {
        "slurm_account",
        "slurm_partition",
        "qos",
        "constraint",
    }
