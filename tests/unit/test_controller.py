"""A user's own controller: what identifies its law, and how it is tried before anything runs."""

from __future__ import annotations

import importlib
import importlib.machinery
import json
import re
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from simulation.control import source, trial
from simulation.control.controller import ControllerError, LinearController, Seen, make_controller
from simulation.control.source import law_identity
from simulation.control.trial import controller_problem, problem_of
from simulation.engines.ranks import Ranks
from simulation.experiments import experiment_at
from simulation.segments.piece import demon_of
from simulation.storage.files import DEMON
from simulation.study.fields import StudyError
from simulation.study.files import check_study

Write = Callable[[str, str], Path]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Write]:
    """Write a file into the working directory, which is a new one; what is imported from there is forgotten afterwards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    before = set(sys.modules)

    def write(name: str, text: str) -> Path:
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(textwrap.dedent(text), encoding="utf-8")
        importlib.invalidate_caches()
        return file

    yield write
    for name in set(sys.modules) - before:
        del sys.modules[name]


def digest(name: str = "mine:Mine") -> str:
    """What identifies the law's source."""
    found: str = law_identity(name)["source"]
    return found


# --- what identifies a law --------------------------------------------------------------------------------------------


def test_laws_of_the_project_are_identified_by_their_version(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that moving code about reruns nothing, and raising the version reruns all."""
    assert law_identity("linear") == {"law": "linear", "version": LinearController.version}
    monkeypatch.setattr(LinearController, "version", 7)
    assert law_identity("linear") == {"law": "linear", "version": 7}


def test_an_edited_module_is_another_law(write: Write) -> None:
    """And so is another class of it; a file beside it that it does not import is not a part of it, nor are line ends."""
    write("mine.py", "class Mine:\n    factor = 1.0\n")
    first = digest()
    write("other.py", "class Mine: ...\n")
    assert digest() == first
    assert law_identity("mine:Mine") != law_identity("mine:Another")
    Path("mine.py").write_bytes(b"class Mine:\r\n    factor = 1.0\r\n\r\n")
    assert digest() == first
    write("mine.py", "class Mine:\n    factor = 0.0\n")
    assert digest() != first


@pytest.mark.parametrize(
    ("main", "helper"),
    [
        ("import helper\n", "helper.py"),
        ("from helper import gain\n", "helper.py"),
        ("class Mine:\n    def forces(self, seen):\n        import helper\n", "helper.py"),
        ("try:\n    import helper\nexcept ImportError:\n    helper = None\n", "helper.py"),
        ("import middle\n", "helper.py"),
        ("import middle\n", "config/helper.py"),
        ("import helper.deep.law\n", "helper/deep/law.py"),
        ("from helper import law\n", "helper/law.py"),
        ("import helper\n", "helper/__init__.py"),
    ],
    ids=[
        "import",
        "from",
        "lazily",
        "if it is there",
        "at second hand",
        "in config",
        "submodule",
        "module of a package",
        "package",
    ],
)
def test_what_a_module_imports_from_the_user_s_folders_is_a_part_of_it(main: str, helper: str, write: Write) -> None:
    """However and wherever it imports it, from its own folder or from those where controllers are looked for."""
    write("mine.py", main)
    write("middle.py", "def gain():\n    import helper\n")
    for folder in Path(helper).parents:
        if folder.name not in ("", "config"):
            write(str(folder / "__init__.py"), "")
    write(helper, "gain = 1.0\n")
    first = digest()
    write(helper, "gain = 2.0\n")
    assert digest() != first
    write(helper, "gain = 1.0\n")
    assert digest() == first


def test_a_package_is_identified_with_what_it_imports_of_itself(write: Write) -> None:
    """By relative imports too."""
    write("laws/__init__.py", "")
    write("laws/mine.py", "from .gains import gain\nfrom . import shapes\n")
    write("laws/gains.py", "gain = 1.0\n")
    write("laws/shapes.py", "")
    write("laws/unused.py", "")
    found = {digest("laws.mine:Mine")}
    for name in ("__init__", "mine", "gains", "shapes"):
        file = Path(f"laws/{name}.py")
        file.write_text(file.read_text(encoding="utf-8") + "more = 1\n", encoding="utf-8")
        found.add(digest("laws.mine:Mine"))
    assert len(found) == 5
    write("laws/unused.py", "more = 1\n")
    assert digest("laws.mine:Mine") in found


@pytest.mark.parametrize("place", ["environment", "user", "standard library"])
def test_of_installed_packages_only_its_own_counts(place: str, write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    """A controller may be installed; then the rest of the environment, which it imports, is not its law."""
    site = write("site/lawlib/__init__.py", "from lawlib import gains\nimport numerics\n").parents[1]
    gains = write("site/lawlib/gains.py", "gain = 1.0\n")
    numerics = write("site/numerics.py", "version = 1\n")
    monkeypatch.syspath_prepend(site)
    if place == "environment":
        monkeypatch.setattr("site.getsitepackages", lambda: [str(site)])
    elif place == "user":
        monkeypatch.setattr("site.getusersitepackages", lambda: str(site))
    else:
        monkeypatch.setattr("sysconfig.get_paths", lambda: {"stdlib": str(site)})
    first = digest("lawlib:Mine")
    numerics.write_text("version = 2\n", encoding="utf-8")
    assert digest("lawlib:Mine") == first
    gains.write_text("gain = 2.0\n", encoding="utf-8")
    assert digest("lawlib:Mine") != first


def test_standard_library_and_project_are_no_part_of_a_law(write: Write) -> None:
    """What a module imports of them has its own version; the same file elsewhere is the same law."""
    text = "import json\nimport numpy\nfrom analysis.model import LangevinPair\nimport simulation.control.controller\n"
    write("mine.py", text)
    first = digest()
    Path("mine.py").unlink()
    write("config/mine.py", text)
    assert digest() == first
    assert {file.name for file in source._sources("mine").values()} == {"mine.py"}


def test_the_working_directory_is_searched_before_its_folder_config(write: Write) -> None:
    """A module of the same name in config is not the law; and looking for it leaves the path of Python as it was."""
    write("mine.py", "class Mine: ...\n")
    first, path = digest(), [*sys.path]
    write("config/mine.py", "class Mine:\n    factor = 2.0\n")
    assert digest() == first
    assert sys.path == path
    # So is what a module of config imports.
    write("config/other.py", "import gains\n")
    write("gains.py", "gain = 1.0\n")
    write("config/gains.py", "gain = 2.0\n")
    second = digest("other:Mine")
    write("config/gains.py", "gain = 3.0\n")
    assert digest("other:Mine") == second
    write("gains.py", "gain = 3.0\n")
    assert digest("other:Mine") != second


def test_a_source_may_be_written_in_any_encoding(write: Write) -> None:
    """As Python reads it; and a helper may be compiled."""
    Path("mine.py").write_bytes("# coding: latin-1\nname = 'é'\nimport fast\n".encode("latin-1"))
    suffix = next(suffix for suffix in importlib.machinery.EXTENSION_SUFFIXES if "cpython" in suffix)
    Path(f"fast{suffix}").write_bytes(b"\x7fELF\xff\xfe one")
    first = digest()
    Path(f"fast{suffix}").write_bytes(b"\x7fELF\xff\xfe two")
    assert digest() != first


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "nowhere:Mine",
            r"module 'nowhere' is not found: put nowhere\.py into the working directory or its folder config",
        ),
        ("mine.deep:Mine", "module 'mine.deep' is not found"),
        ("simulation.control.controller:LinearController", "belongs to nanofridge: give your module another name"),
        ("workflow:Mine", "module 'workflow' belongs to nanofridge"),
        ("broken:Mine", "module 'broken': .*line 1"),
    ],
)
def test_a_module_that_cannot_be_read_is_named(name: str, message: str, write: Write) -> None:
    """With what to do about it, or where it is wrong."""
    write("mine.py", "")
    write("broken.py", "class Mine(:\n")
    with pytest.raises(ControllerError, match=message):
        law_identity(name)


# --- made by name -----------------------------------------------------------------------------------------------------

SCALED = """
from simulation.control.controller import LinearController


class Scaled(LinearController):
    def __init__(self, *, gain="1", coupling_cold_eV_per_A2, coupling_hot_eV_per_A2):
        self.gain = float(gain)
        self.couplings = (coupling_cold_eV_per_A2, coupling_hot_eV_per_A2)
        super().__init__(
            coupling_cold_eV_per_A2=float(gain) * coupling_cold_eV_per_A2,
            coupling_hot_eV_per_A2=float(gain) * coupling_hot_eV_per_A2,
        )


class Failing:
    def __init__(self, **_):
        raise SystemExit("no licence")


class Stopped:
    def __init__(self, **_):
        raise KeyboardInterrupt


class Half:
    def __init__(self, **_): ...
    def forces(self, seen): ...
    def state(self): ...


class OtherHalf:
    def __init__(self, **_): ...
    def forces(self, seen): ...
    def restore(self, state): ...


class Mute:
    def __init__(self, **_): ...
"""


def test_controllers_are_made_by_name(write: Write) -> None:
    """`linear` and module:Class work, with κ_C, κ_H and the study's texts; anything else says what is wrong."""
    write("scaled_laws.py", SCALED)
    seen = Seen(0, 0.0, np.array([[0.0] * 3, [1.0] * 3]), np.zeros((2, 3)))
    made: Any = make_controller("scaled_laws:Scaled", 0.1, 0.48, {"gain": "2"})
    assert made.couplings == (0.1, 0.48)
    assert np.allclose(made.forces(seen), [[0.2] * 3, [-0.96] * 3])
    assert np.allclose(make_controller("linear", 0.1, 0.48, {}).forces(seen), [[0.1] * 3, [-0.48] * 3])
    for name, options, message in (
        ("scaled_laws:Missing", {}, "AttributeError: .*Missing"),
        ("scaled_laws:Scaled", {"gian": "2"}, "TypeError: .*gian"),
        ("scaled_laws:Scaled", {"gain": "two"}, "ValueError: .*two"),
        ("scaled_laws:Failing", {}, "SystemExit: no licence"),
        ("scaled_laws:OtherHalf", {}, r"has only one of state\(\) and restore\(state\)"),
        ("scaled_laws:Half", {}, r"has only one of state\(\) and restore\(state\)"),
        ("scaled_laws:Mute", {}, r"has no method forces\(seen\)"),
        ("no_such_module:Best", {}, "No module named 'no_such_module'"),
    ):
        with pytest.raises(ControllerError, match=message):
            make_controller(name, 0.1, 0.48, options)
    with pytest.raises(KeyboardInterrupt):
        make_controller("scaled_laws:Stopped", 0.1, 0.48, {})


def test_a_run_s_demon_is_made_as_the_study_says(write: Write, tmp_path: Path) -> None:
    """With its class, its options and the couplings of its own point, its axes and time step, and room up to the walls."""
    write("scaled_laws.py", SCALED)
    chosen = check_study(
        "example",
        {
            "baths": {"edge_nm": 6.5, "accessible_density_per_nm3": 19.56},
            "demon": {"kappa_ratios": ["1.2", "4.80"], "coupling_axes": "xz"},
            "integration": {"timestep_fs": 4},
        },
    )
    own = {"controller": "scaled_laws:Scaled", "controller_options": {"gain": "3"}}
    chosen = chosen.model_copy(update={"demon": chosen.demon.model_copy(update=own)})
    run = experiment_at(chosen, "kH_4.80", 1)
    demon = demon_of(run, None, Ranks(1))
    made: Any = demon.controller
    assert (made.gain, made.couplings) == (3.0, (0.1, pytest.approx(0.48)))
    assert (demon.name, demon.axes, demon.timestep_ps) == ("scaled_laws:Scaled", "xz", 0.004)
    assert demon.max_displacement_A == pytest.approx(65 / 2 - 2.236 * 3.61)
    assert not demon.sees_velocity
    demon.move(7, np.ones((2, 3)), np.full((2, 3), 0.5))
    demon.save(tmp_path / DEMON)
    assert demon_of(run, tmp_path, Ranks(1)).step == 7
    identity = run.controller_identity() or {}
    assert identity["law"] == "scaled_laws:Scaled"
    assert identity["options"] == {"gain": "3"}
    assert "source" in identity


# --- tried ------------------------------------------------------------------------------------------------------------

HEAD = """
import random
import numpy as np
from simulation.control.controller import LinearController

GLOBAL = []


class Mine:
    def __init__(self, *, coupling_cold_eV_per_A2, coupling_hot_eV_per_A2, **options):
        self.cold, self.hot = coupling_cold_eV_per_A2, coupling_hot_eV_per_A2
        self.begin()

    def begin(self): ...

    def linear(self, seen):
        gap = seen.displacement_A[1] - seen.displacement_A[0]
        return np.array([self.cold * gap, -self.hot * gap])

"""


def problem(write: Write, body: str, couplings: Any = ((0.1, 0.48),), **options: str) -> str | None:
    """What a trial in this process finds wrong with a class of this body."""
    write("mine.py", HEAD + textwrap.indent(textwrap.dedent(body), "    "))
    return problem_of("mine:Mine", list(couplings), options, 0.9, 0.004)


GOOD = {
    "plain": "def forces(self, seen): return self.linear(seen)",
    "of velocities": "def forces(self, seen): return -0.1 * seen.velocity_A_per_ps",
    "of time": "def forces(self, seen): return np.full((2, 3), np.sin(seen.time_ps))",
    "not a number where it may not act": "def forces(self, seen): return np.full((2, 3), np.nan)",
    "remembers and tells": """
        def begin(self): self.past = np.zeros((2, 3))
        def forces(self, seen):
            force, self.past = -self.past, seen.displacement_A
            return force
        def state(self): return {"past": self.past}
        def restore(self, state): self.past = state["past"]
    """,
    "noise that is told": """
        def begin(self): self.random = np.random.Generator(np.random.PCG64(5))
        def forces(self, seen): return self.random.normal(size=(2, 3))
        def state(self):
            inner = self.random.bit_generator.state["state"]
            return {"words": np.array([str(inner["state"]), str(inner["inc"])])}
        def restore(self, state):
            told = self.random.bit_generator.state
            told["state"] = {"state": int(state["words"][0]), "inc": int(state["words"][1])}
            self.random.bit_generator.state = told
    """,
    "noise by the step": "def forces(self, seen): return np.random.default_rng(seen.step + 1000).normal(size=(2, 3))",
    "counts what does not matter": """
        def begin(self): self.calls = 0
        def forces(self, seen):
            self.calls += 1
            return self.linear(seen)
        def state(self): return {}
        def restore(self, state): ...
    """,
    "cannot be pickled": """
        def begin(self): self.law = lambda seen: self.linear(seen)
        def forces(self, seen): return self.law(seen)
    """,
}


@pytest.mark.parametrize("name", GOOD)
def test_a_good_controller_is_taken(name: str, write: Write) -> None:
    """With or without memory, noise and options."""
    assert problem(write, GOOD[name], gain="2") is None


def test_memory_in_a_parent_s_slots_or_attributes_is_found(write: Write) -> None:
    """Of a law that is derived from another one, and has nothing of its own to remember."""
    for slots, own in (
        ('__slots__ = ("cold", "hot", "calls")', "__slots__ = ()"),
        ('__slots__ = "calls"', "pass"),
        ("", "__slots__ = ()"),
    ):
        body = f"""
        {slots}
        def begin(self): self.calls = 0
        def forces(self, seen):
            self.calls += 1
            return self.linear(seen)
        """
        child = f"\nclass Child(Mine):\n    {own}\n"
        write("mine.py", HEAD + textwrap.indent(textwrap.dedent(body), "    ") + child)
        found = problem_of("mine:Child", [(0.1, 0.48)], {}, 0.9, 0.004)
        assert found is not None
        assert "has a memory (its attributes change" in found
        sys.modules.pop("mine")


BAD = {
    "counts": (
        """
        def begin(self): self.calls = 0
        def forces(self, seen):
            self.calls += 1
            return self.linear(seen)
        """,
        r"has a memory \(its attributes change while it runs\) but no state\(\): each segment of a run",
    ),
    "keeps a list": (
        """
        def begin(self): self.old = []
        def forces(self, seen):
            self.old.append(seen.displacement_A)
            return self.linear(seen)
        """,
        r"has a memory \(its attributes change",
    ),
    "remembers in a slot": (
        """
        __slots__ = ("cold", "hot", "calls")
        def begin(self): self.calls = 0
        def forces(self, seen):
            self.calls += 1
            return self.linear(seen)
        """,
        r"has a memory \(its attributes change",
    ),
    "remembers in its module": (
        """
        def forces(self, seen):
            GLOBAL.append(seen.step)
            return self.linear(seen) * len(GLOBAL)
        """,
        r"has a memory or draws random numbers, but has no state\(\)",
    ),
    "remembers in its class": (
        """
        count = 0
        def forces(self, seen):
            Mine.count += 1
            return self.linear(seen) * Mine.count
        """,
        r"has a memory or draws random numbers, but has no state\(\)",
    ),
    "remembers where it cannot be pickled": (
        """
        def begin(self):
            self.law, self.calls = lambda seen: self.linear(seen), 0
        def forces(self, seen):
            self.calls += 1
            return self.law(seen) * (self.calls < 250)
        """,
        r"has a memory or draws random numbers, but has no state\(\)",
    ),
    "global random numbers of NumPy": (
        "def forces(self, seen): return np.random.normal(size=(2, 3))",
        r"has a memory or draws random numbers, but has no state\(\)",
    ),
    "global random numbers of Python": (
        "def forces(self, seen): return random.random() * self.linear(seen)",
        r"has a memory or draws random numbers, but has no state\(\)",
    ),
    "its own random numbers": (
        """
        def begin(self): self.random = np.random.default_rng(3)
        def forces(self, seen): return self.random.normal(size=(2, 3))
        """,
        r"has a memory \(its attributes change",
    ),
    "forgets a part": (
        """
        def begin(self): self.past, self.before = np.zeros((2, 3)), np.zeros((2, 3))
        def forces(self, seen):
            self.before, self.past = self.past, seen.displacement_A
            return -self.before
        def state(self): return {"before": self.before}
        def restore(self, state): self.before = state["before"]
        """,
        r"exerts different forces after restore\(state\(\)\) than without interruption: state\(\) is incomplete",
    ),
    "random numbers in spite of a state": (
        """
        def forces(self, seen): return np.random.normal(size=(2, 3))
        def state(self): return {}
        def restore(self, state): ...
        """,
        r"state\(\) is incomplete",
    ),
    "a state that is no dict": (
        """
        def forces(self, seen): return self.linear(seen)
        def state(self): return [1]
        def restore(self, state): ...
        """,
        r"state\(\) must return a dict of arrays, not list",
    ),
    "a state of objects": (
        """
        def forces(self, seen): return self.linear(seen)
        def state(self): return {"generator": np.random.default_rng(1)}
        def restore(self, state): ...
        """,
        r"state\(\) holds 'generator' of type Generator: it must hold arrays of plain numbers, by name",
    ),
    "a state of unequal rows": (
        """
        def forces(self, seen): return self.linear(seen)
        def state(self): return {"past": [[1, 2], [3]]}
        def restore(self, state): ...
        """,
        r"state\(\) holds 'past' of type list",
    ),
    "a state without names": (
        """
        def forces(self, seen): return self.linear(seen)
        def state(self): return {1: [1, 2]}
        def restore(self, state): ...
        """,
        r"state\(\) holds 1 of type list",
    ),
    "a state that fails": (
        """
        def forces(self, seen): return self.linear(seen)
        def state(self): raise RuntimeError("not now")
        def restore(self, state): ...
        """,
        r"state\(\) failed: RuntimeError: not now",
    ),
    "a restore that fails": (
        """
        def forces(self, seen): return self.linear(seen)
        def state(self): return {"a": 1}
        def restore(self, state): state["b"]
        """,
        r"restore\(state\) failed with the result of state\(\): KeyError: 'b'",
    ),
    "a scalar": (
        "def forces(self, seen): return 0.0",
        r"must return two vectors of three real numbers \(2, 3\), not 0.0",
    ),
    "one vector": ("def forces(self, seen): return [1.0, 2.0, 3.0]", r"of shape \(3,\)"),
    "texts": ("def forces(self, seen): return [['1'] * 3] * 2", r"of shape \(2, 3\) and type <U1"),
    "complex numbers": ("def forces(self, seen): return self.linear(seen) + 0j", "type complex128"),
    "booleans": ("def forces(self, seen): return self.linear(seen) > 0", "type bool"),
    "nothing": ("def forces(self, seen): pass", "not None"),
    "work in place": (
        """
        def forces(self, seen):
            d = seen.displacement_A
            d *= 0.5
            return d
        """,
        r"failed in the trial: forces\(seen\) raised ValueError: .*read-only",
    ),
    "work in place on velocities": (
        """
        def forces(self, seen):
            seen.velocity_A_per_ps[:] = 0
            return self.linear(seen)
        """,
        "ValueError: .*read-only",
    ),
    "the signature of older versions": (
        "def forces(self, cold, hot, time_ps): return hot - cold, cold - hot",
        r"forces\(seen\) raised TypeError: .*missing 2 required positional arguments",
    ),
    "an end of the program": (
        "def forces(self, seen): raise SystemExit(3)",
        r"forces\(seen\) raised SystemExit: 3",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_what_would_show_after_hours_is_found_at_once(name: str, write: Write) -> None:
    """Memory that a restart would lose, answers that are no forces, and whatever fails."""
    body, message = BAD[name]
    found = problem(write, body)
    assert found is not None
    assert re.search(message, found), found


def test_a_controller_is_tried_on_a_path_of_thermal_size(write: Write) -> None:
    """Gone on, and begun anew in its middle: each step asked once, displacements as wide as told, velocities their rates."""
    assert problem(write, "def forces(self, seen):\n    GLOBAL.append(seen)\n    return self.linear(seen)") is None
    seen: list[Seen] = sys.modules["mine"].GLOBAL
    half = trial.STEPS // 2
    assert [each.step for each in seen] == [*range(-half, half), *range(half)]
    assert all(each.time_ps == pytest.approx(each.step * 0.004) for each in seen)
    whole = seen[: 2 * half]
    displacement = np.array([each.displacement_A for each in whole])
    velocity = np.array([each.velocity_A_per_ps for each in whole])
    assert np.allclose(np.sqrt((displacement**2).mean(axis=0)), 0.9, rtol=0.02)
    assert np.allclose(
        (displacement[2:] - displacement[:-2]) / 0.008, velocity[1:-1], atol=0.02 * np.abs(velocity).max()
    )
    assert not any(array.flags.writeable for each in seen for array in (each.displacement_A, each.velocity_A_per_ps))


def test_it_is_tried_with_the_couplings_of_every_point(write: Write) -> None:
    """Those of the study's own ratios, and with no other: what fails at one of them is found."""
    body = "def begin(self):\n    assert self.hot != 0.48, 'not at this one'\ndef forces(self, seen): return self.linear(seen)"
    assert problem(write, body, [(0.1, 0.12)]) is None
    del sys.modules["mine"]
    found = problem(write, body, [(0.1, 0.12), (0.1, 0.48)])
    assert found is not None
    assert "AssertionError: not at this one" in found


# --- tried in a process of its own ------------------------------------------------------------------------------------


def tried(body: str, write: Write, couplings: Any = ((0.1, 0.48),)) -> str | None:
    """What a trial in a process of its own finds."""
    write("mine.py", HEAD + textwrap.indent(textwrap.dedent(body), "    "))
    return controller_problem("mine:Mine", list(couplings), {}, 0.9, 0.004)


def test_a_controller_that_ends_python_is_found(write: Write) -> None:
    """Even where nothing can be caught; and what it prints is not taken for an outcome."""
    found = tried("def forces(self, seen):\n    import os\n    os._exit(3)", write)
    assert found is not None
    assert found.startswith("'mine:Mine' terminated Python (exit code 3, without a message)")
    found = tried(
        "def forces(self, seen):\n    import os\n    os.write(2, b'once\\nat last\\n')\n    os._exit(4)", write
    )
    assert found is not None
    assert found.startswith("'mine:Mine' terminated Python (exit code 4, at last)")
    write("mine.py", "import sys\nprint('nanofridge trial done', end='')\nsys.exit('no licence')\n")
    found = controller_problem("mine:Mine", [(0.1, 0.48)], {}, 0.9, 0.004)
    assert found == "controller 'mine:Mine' cannot be created: SystemExit: no licence"


def test_a_controller_that_never_answers_is_given_up(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a time that a slow one stays well below."""
    monkeypatch.setattr(trial, "PATIENCE_S", 1.5)
    started = time.monotonic()
    found = tried("def forces(self, seen):\n    while True: pass", write)
    assert found == "'mine:Mine' took more than 2 s for 400 steps: make it faster"
    assert time.monotonic() - started < 10


def test_a_study_s_controller_is_tried_with_its_own_ratios(write: Write) -> None:
    """One that needs κ_H ≠ 0 is good; edited to a bad one, it is refused under the study's field. It may lie in config."""
    data: dict[str, Any] = {
        "baths": {"fluid_atoms": 25280},
        "demon": {"kappa_ratios": ["4.80"], "controller": "mine:Mine"},
    }
    needs = "def begin(self): self.gain = 1 / self.hot\ndef forces(self, seen): return self.linear(seen)\n"
    write("config/mine.py", HEAD + textwrap.indent(needs, "    "))
    assert check_study("example", data).demon.controller == "mine:Mine"
    write("config/mine.py", HEAD + textwrap.indent("def forces(self, seen): return 1.0", "    "))
    with pytest.raises(
        StudyError, match=r"demon\.controller: forces\(seen\) must return two vectors of three real numbers"
    ):
        check_study("example", data)
    write("config/scaled_laws.py", SCALED)
    for gain, is_good in (("2", True), ("two", False)):
        data["demon"] |= {"controller": "scaled_laws:Scaled", "controller_options": {"gain": gain}}
        if is_good:
            assert check_study("example", data).demon.controller_options == {"gain": "2"}
        else:
            with pytest.raises(StudyError, match="ValueError: could not convert string to float: 'two'"):
                check_study("example", data)


def test_a_controller_of_one_s_own_may_do_without_couplings(write: Write) -> None:
    """Its forces may be of another kind; the linear one would exert none and is refused, with cold damping as the cure."""
    write("mine.py", HEAD + textwrap.indent("def forces(self, seen): return -0.01 * seen.displacement_A\n", "    "))
    data: dict[str, Any] = {
        "baths": {"fluid_atoms": 25280},
        "demon": {"coupling_cold_eV_per_A2": 0, "kappa_ratios": ["1"], "shown_ratios": ["1"]},
    }
    with pytest.raises(StudyError, match=r"gives no coupling.* or add cold damping"):
        check_study("example", data)
    data["demon"] |= {"controller": "mine:Mine"}
    assert check_study("example", data).coupling_hot_eV_per_A2("1") == 0


def test_a_study_s_controller_is_tried_as_it_will_run(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    """With every coupling, on displacements of a free particle along the softest axis of the traps, and with the time step."""
    write("mine.py", "")
    asked: list[Any] = []
    monkeypatch.setattr("simulation.study.rules.controller_problem", lambda *given: asked.append(given))
    data: dict[str, Any] = {
        "baths": {"fluid_atoms": 25280},
        "trap": {"stiffness_eV_per_A2": {"x": 0.04, "y": 0.01, "z": 0.02}},
        "demon": {"kappa_ratios": ["1.2", "4.80"], "controller": "mine:Mine", "controller_options": {"gain": "2"}},
        "integration": {"timestep_fs": 4},
    }
    check_study("example", data)
    width = (8.617333e-5 * 100 / 0.01) ** 0.5
    couplings = [(0.1, pytest.approx(0.12)), (0.1, pytest.approx(0.48))]
    assert asked == [("mine:Mine", couplings, {"gain": "2"}, pytest.approx(width, rel=1e-6), 0.004)]


def test_a_controller_on_the_user_s_own_path_is_tried_too(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other process searches the folders of PYTHONPATH, as this one does."""
    folder = write("elsewhere/mine.py", HEAD + "    def forces(self, seen): return self.linear(seen)\n").parent
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setenv("PYTHONPATH", str(folder))
    assert controller_problem("mine:Mine", [(0.1, 0.48)], {}, 0.9, 0.004) is None


def test_one_trial_serves_all_who_ask_for_the_same(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    """A study and its variants try a controller once; another source, option, coupling or folder is another trial."""
    write("mine.py", "")
    asked: list[str] = []

    def run(command: list[str], **_: Any) -> SimpleNamespace:
        asked.append(command[-1])
        return SimpleNamespace(stdout=f"chatter\n{trial.DONE}null\n", stderr="", returncode=0)

    monkeypatch.setattr("subprocess.run", run)
    for _ in range(2):
        assert controller_problem("mine:Mine", [(0.1, 0.5)], {}, 0.9, 0.004) is None
    assert [json.loads(task) for task in asked] == [["mine:Mine", [[0.1, 0.5]], {}, 0.9, 0.004]]
    controller_problem("mine:Mine", [(0.1, 0.6)], {}, 0.9, 0.004)
    controller_problem("mine:Mine", [(0.1, 0.5)], {"gain": "2"}, 0.9, 0.004)
    write("mine.py", "gain = 2\n")
    controller_problem("mine:Mine", [(0.1, 0.5)], {}, 0.9, 0.004)
    assert len(asked) == 4
    write("elsewhere/mine.py", "gain = 2\n")
    monkeypatch.chdir("elsewhere")
    controller_problem("mine:Mine", [(0.1, 0.5)], {}, 0.9, 0.004)
    assert len(asked) == 5
