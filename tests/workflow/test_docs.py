"""What README and docs show can be done: their blocks of code run, their commands are accepted, their files exist."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from analysis.model import BOLTZMANN, LangevinPair
from analysis.units import FRICTION_SI
from simulation.study.files import load_study
from tests.workflow import ready

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(ROOT.glob("docs/**/*.md")), ROOT / "reference/README.md"]

BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
# What a tutorial has its reader save: the name of a file, and the block that follows.
SAVED = re.compile(r"as\s+`([\w/]+\.(?:yaml|py))`[^`]*```(?:yaml|python)\n(.*?)^```", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`((?:snakemake|python -m simulation) [^`]+)`")
# Words in a command that stand for what the reader has: they are replaced by what this checkout has.
STANDING_FOR = {"NAME": "tiny", "N": "2", "STUDY": "tiny"}
# Commands that need a cluster are run by tests/cluster; those that run for long or change the checkout, elsewhere.
ELSEWHERE = ("slurm", "cluster-generic", "mysite", "--directory", "calibration", "--sdm", "SLURM")


def blocks(language: str) -> list[tuple[str, str]]:
    """All blocks of a language: page and content."""
    return [
        (str(page.relative_to(ROOT)), text)
        for page in PAGES
        for kind, text in BLOCK.findall(page.read_text(encoding="utf-8"))
        if kind == language
    ]


def commands() -> list[str]:
    """Commands of blocks and of running text, each once, that a workstation can try."""
    found: dict[str, None] = {}
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        lines = [line for kind, block in BLOCK.findall(text) if kind == "sh" for line in block.splitlines()]
        for command in [*(line.partition("#")[0].strip() for line in lines), *INLINE.findall(text)]:
            words = command.split()
            # A form, with places to fill in, is no command.
            is_form = re.search(r"[<>…|]|\b(?!STUDY)[A-Z]{4,}\b", command)
            if words[:1] == ["snakemake"] and not is_form and not any(word in command for word in ELSEWHERE):
                found[" ".join(STANDING_FOR.get(word, word) for word in words)] = None
    return list(found)


@pytest.mark.parametrize(("page", "text"), blocks("python"), ids=lambda value: value if value.endswith(".md") else "")
def test_python_blocks_run(page: str, text: str, tmp_path: Path) -> None:
    """A block of Python in a page runs as it stands, from the checkout."""
    done = subprocess.run(
        [sys.executable, "-c", text], cwd=ROOT, capture_output=True, encoding="utf-8", check=False, timeout=300
    )
    assert done.returncode == 0, f"{page}: {done.stderr}"


@pytest.mark.parametrize(("page", "text"), blocks("yaml"), ids=lambda value: value if value.endswith(".md") else "")
def test_yaml_blocks_are_yaml(page: str, text: str) -> None:
    """A block of YAML in a page can be read."""
    assert yaml.safe_load(text), page


@pytest.mark.parametrize("command", commands())
def test_commands_are_accepted(command: str, tmp_path: Path) -> None:
    """Snakemake understands a command as a page writes it, and finds its targets."""
    for page in PAGES:
        for name, content in SAVED.findall(page.read_text(encoding="utf-8")):
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_text(content, encoding="utf-8")
    words = shlex.split(command)[1:]
    if "--cores" not in words:
        words += ["--cores", "1"]
    done = ready.call(["-n", "-q", "--snakefile", str(ROOT / "Snakefile"), "--directory", str(tmp_path), *words], ROOT)
    assert done.returncode == 0, f"{command}: {done.stdout[-1000:]}{done.stderr[-2000:]}"


def test_there_are_commands() -> None:
    """The pages are read: the commands of README's table are among those tried."""
    assert "snakemake --cores 2 thermostats" in commands()
    assert len(commands()) > 15
    assert blocks("python")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    """Links to files of the project lead to files that are there."""
    text = re.sub(r"```.*?```|`[^`]*`|\$[^$]*\$", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", text):
        if "://" not in target:
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_mechanisms_tells_the_model_from_molecular_dynamics() -> None:
    """How cold the particle moves: the model's number is that of the published friction, and what was measured is another."""
    page = (ROOT / "docs/explanation/mechanisms.md").read_text(encoding="utf-8")
    told = re.search(
        r"as if at (\d+) K in the model with the published friction, at \$([\d.]+)\\pm([\d.]+)\$ K in molecular", page
    )
    assert told is not None
    model, measured, error = (float(number) for number in told.groups())
    friction = 3.5e-12 / FRICTION_SI
    pair = LangevinPair(
        mass=load_study("paper").particle_mass_eV_ps2_per_A2,
        friction_cold=friction,
        friction_hot=friction,
        trap=0.01,
        coupling_cold=0.1,
        coupling_hot=0.48,
        temperature_cold=100.0,
        temperature_hot=120.0,
    )
    assert round(pair.covariance()[2, 2] * pair.masses[0] / BOLTZMANN) == model
    assert measured - model > 5 * error
