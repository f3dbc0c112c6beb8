"""What the scripts of rules leave in their logs, and what Snakemake shows of it: workflow/scripts/job.py."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from analysis.friction.response import Responses
from tests.workflow.checkout import ROOT

SCRIPTS = ROOT / "workflow/scripts"
NO_UTF8 = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
MESSAGE = "run.json: κ_C = 'x', must be a number; run the simulation again"

# What a script is given, and the part of it that all scripts share; the work itself is added.
FRAME = f"""
import ctypes, os, subprocess, sys, warnings
from types import SimpleNamespace

sys.path.append({str(SCRIPTS)!r})
from analysis.errors import AnalysisError
from job import job, read_json, write_json

snakemake = SimpleNamespace(log=["job.log"], output=["a.csv", "b.txt"], rule="summary")
with job(snakemake):
"""


@pytest.fixture(params=[{}, NO_UTF8], ids=["own locale", "no UTF-8"])
def environment(request: pytest.FixtureRequest) -> dict[str, str]:
    """That of a job, which finds the project's packages: in the locale of the tests, and in one that knows ASCII alone."""
    # Without a buffer, what Python prints would be in order by itself.
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    return {**inherited, "PYTHONPATH": str(ROOT), **request.param}


def run(work: str, folder: Path, environment: dict[str, str]) -> tuple[int, str, str]:
    """Exit status of a script with that work, its log, and what escaped the log."""
    (folder / "job.log").write_text("an earlier attempt\n", encoding="utf-8")
    script = folder / "script.py"
    script.write_text(FRAME + "".join(f"    {line}\n" for line in work.splitlines()), encoding="utf-8")
    done = subprocess.run([sys.executable, script], cwd=folder, env=environment, capture_output=True, check=False)
    return done.returncode, (folder / "job.log").read_text(encoding="utf-8"), (done.stdout + done.stderr).decode()


def test_success_leaves_one_line(tmp_path: Path, environment: dict[str, str]) -> None:
    """The log of a job that went well says what it wrote and nothing of earlier attempts."""
    status, log, escaped = run(
        "write_json({'κ': 1}, 'a.json')\nassert read_json('a.json') == {'κ': 1}", tmp_path, environment
    )
    assert status == 0
    assert log.startswith("summary: wrote a.csv, b.txt in ")
    assert log.endswith(" s\n")
    assert log.count("\n") == 1
    assert not escaped


def test_all_that_is_said_is_in_the_log_in_order(tmp_path: Path, environment: dict[str, str]) -> None:
    """Warnings, and what Python, a child process and a C library print, reach the log as UTF-8, the last line last."""
    work = """
print("from python κ")
subprocess.run(["echo", "from a child"], check=True)
ctypes.CDLL(None).write(2, b"from C\\n", 7)
warnings.warn("κ_H is large")
"""
    status, log, escaped = run(work, tmp_path, environment)
    assert status == 0
    assert not escaped
    told = ["from python κ", "from a child", "from C", "UserWarning: κ_H is large", "summary: wrote"]
    places = [log.index(text) for text in told]
    assert places == sorted(places)


def test_error_of_ours_is_its_message(tmp_path: Path, environment: dict[str, str]) -> None:
    """What is wrong with the input is told in our words alone: no traceback anywhere, and the job fails."""
    status, log, escaped = run(f"raise AnalysisError({MESSAGE!r})", tmp_path, environment)
    assert status == 1
    assert log == f"nanofridge: {MESSAGE}\n"
    assert not escaped


@pytest.mark.parametrize("work", ["raise ValueError('κ')", "{}['κ']", "int('κ')"])
def test_any_other_error_keeps_its_traceback(work: str, tmp_path: Path, environment: dict[str, str]) -> None:
    """A defect is told with the line that it happened in, and the job fails; being a ValueError does not make it ours."""
    status, log, escaped = run(work, tmp_path, environment)
    assert status == 1
    assert log.startswith("Traceback (most recent call last):\n")
    assert work in log
    assert "κ" in log.splitlines()[-1]
    assert "nanofridge:" not in log
    assert not escaped


def test_crash_in_a_library_leaves_a_traceback(tmp_path: Path, environment: dict[str, str]) -> None:
    """Even a segmentation fault says where it happened."""
    status, log, escaped = run("ctypes.string_at(0)", tmp_path, environment)
    assert status < 0
    assert "Segmentation fault" in log
    assert "script.py" in log
    assert not escaped


@pytest.mark.parametrize("as_module", [False, True], ids=["own workflow", "module of another"])
def test_snakemake_shows_the_message_alone(as_module: bool, tmp_path: Path) -> None:
    """Scripts of a rule find what they share, in another's workflow too, and a failed one's message is on the terminal."""
    rules = tmp_path / "project/workflow/rules"
    rules.mkdir(parents=True)
    (rules.parent / "scripts").symlink_to(SCRIPTS)
    # A script of the checkout as it is: it reads a file that lacks what it needs.
    (rules / "some.smk").write_text(
        "rule some:\n    input:\n        heats=[],\n        friction='friction.json',\n        response='response.npz',\n"
        "    output:\n        csv='summary.csv',\n        text='summary.txt',\n"
        "    log:\n        'summary.log',\n    script:\n        '../scripts/summary.py'\n",
        encoding="utf-8",
    )
    (tmp_path / "project/Snakefile").write_text("include: 'workflow/rules/some.smk'\n", encoding="utf-8")
    folder = tmp_path / ("other" if as_module else "project")
    if as_module:
        folder.mkdir()
        (folder / "Snakefile").write_text(
            "module theirs:\n    snakefile: '../project/Snakefile'\n\nuse rule * from theirs as theirs_*\n",
            encoding="utf-8",
        )
    (folder / "friction.json").write_text("{}\n", encoding="utf-8")
    Responses({}).save(folder / "response.npz")
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", "summary.csv", "--cores", "1", "--show-failed-logs"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    shown = done.stdout + done.stderr
    assert done.returncode != 0
    assert "\nnanofridge: friction.json: key " in shown
    assert "Traceback" not in shown


@pytest.mark.parametrize("script", sorted({*SCRIPTS.glob("*.py")} - {SCRIPTS / "job.py"}), ids=lambda path: path.stem)
def test_every_script_keeps_a_log(script: Path) -> None:
    """No script does its work outside ``with job(snakemake)``, where nothing of it would reach its log."""
    below = script.read_text(encoding="utf-8").partition("    snakemake: Any\n\n")[2]
    assert below.startswith("with job(snakemake):\n")
    assert all(line.startswith("    ") for line in below.splitlines()[1:] if line)
