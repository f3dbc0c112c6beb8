"""One segment of an experiment in a fresh LAMMPS: deck, demon with its memory, and output."""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from simulation.control.callback import DemonCallback, failure_of
from simulation.control.controller import ControllerError
from simulation.control.demon import Demon, ParticleError
from simulation.control.moving_traps import MovingTraps
from simulation.engines.lammps import open_lammps, require_styles, tell
from simulation.engines.output import in_molecular_layout, read_filling, read_log, read_series
from simulation.engines.ranks import EngineError, Ranks
from simulation.experiments.base import Experiment, Piece
from simulation.storage.files import DEMON, LOG, RESTART, SERIES, SERIES_TEXT, TOPOLOGY
from simulation.study.fields import Study
from simulation.study.section import SIDES

LOCAL, ARRAY = 2, 2
"""Codes of LAMMPS for local data of a compute, and for an array."""

LOOK_EVERY_STEPS = 200
"""Interval of checks of a running LAMMPS for progress and signals: about a second."""


def run_piece(
    experiment: Experiment,
    piece: Piece,
    restart: str,
    folder: Path,
    ranks: Ranks,
    *,
    before: Path | None = None,
    on_look: Callable[[int], None] = lambda steps: None,
) -> dict[str, Any]:
    """Run one segment in a fresh LAMMPS; writes a restart file, the log, the series and the memory of the demon.

    Args:
        experiment: the experiment.
        piece: its segment to run.
        restart: initial state, relative to `folder`; empty for a build.
        folder: working directory of LAMMPS; empty.
        ranks: MPI ranks; all of them call.
        before: folder of the previous segment, with the memory of the demon; None if there is none.
        on_look: called on all ranks at regular steps, the same on each, with the steps done.

    Returns:
        The record of the segment: steps, cost, neighbours, version of LAMMPS.

    Raises:
        EngineError: LAMMPS or the controller failed.
        RejectedError: the stated density or pressure of a fluid was not reached.
    """
    study, started = experiment.study, time.monotonic()
    demon = demon_of(experiment, before, ranks) if piece.demon_acts else None  # relative to here, not to `folder`
    deck, decks = experiment.deck(piece, restart), experiment.stage_decks()  # here: LAMMPS works in another folder
    with files_of_decks(study, folder, ranks), open_lammps(folder, ranks) as lmp:
        require_styles(lmp, decks)
        tell(lmp, deck)
        if study.interactions.template and not restart:
            check_sides_apart(lmp, ranks)
        first_step = int(lmp.extract_global("ntimestep"))
        callback = attach(lmp, demon, experiment, piece, first_step, ranks) if demon is not None else None
        stride = experiment.sample_steps * max(round(LOOK_EVERY_STEPS / experiment.sample_steps), 1)
        for done in range(0, piece.steps, stride) if piece.steps else (0,):
            steps = min(stride, piece.steps - done)
            is_first, is_last = done == 0, done + steps == piece.steps
            # LAMMPS sets up once: a run in parts passes through the same states as one run. Without the true first step,
            # fix langevin would restart its energy counter in each part.
            command = (
                f"run {steps} pre {'yes' if is_first else 'no'} post {'yes' if is_last else 'no'} "
                f"start {first_step} stop {first_step + piece.steps}\n"
            )
            _run(lmp, command, callback)
            on_look(done + steps)
        last_step = int(lmp.extract_global("ntimestep"))
        tell(lmp, f"write_restart {RESTART}\nwrite_data {TOPOLOGY} nocoeff\n")
        version = int(lmp.version())
        types = np.array(lmp.gather_atoms("type", 0, 1)) if study.aim else None  # all ranks call
    if last_step != first_step + piece.steps:
        raise EngineError(
            f"{experiment.label}: LAMMPS stopped at step {last_step} instead of {first_step + piece.steps}; see {LOG}"
        )
    record = read_log(folder / LOG)
    filling = read_filling(folder / LOG)
    experiment.check_filling(filling)
    if record["dangerous_builds"]:
        raise EngineError(
            f"{experiment.label}: {record['dangerous_builds']} dangerous neighbour builds, so forces were missed: "
            f"raise integration.neighbour_skin_A (now {study.integration.neighbour_skin_A:g}) or shorten the time step"
        )
    if ranks.is_root:
        _keep(experiment, piece, folder, demon)
    return (
        record
        | {
            "first_step": first_step,
            "last_step": last_step,
            "wall_time_s": round(time.monotonic() - started, 3),
            "lammps_version": version,
            "frame_steps": study.steps(study.schedule.trajectory_every_ps),
            "ranks": ranks.wanted,
            "site": ranks.site.content(),
        }
        | ({"filling": filling} if filling else {})
        | ({} if types is None else {"atoms_by_type": np.bincount(types, minlength=7).tolist()})
    )


@contextlib.contextmanager
def files_of_decks(study: Study, folder: Path, ranks: Ranks) -> Iterator[None]:
    """Copies of the files read by a custom part of the study, in the working directory, removed at the end."""
    paths = study.interactions.paths()
    copies = [folder / name for name in paths]
    if ranks.is_root:
        for path, copy in zip(paths.values(), copies, strict=True):
            shutil.copyfile(path, copy)
    if paths:
        ranks.wait()
    try:
        yield
    finally:
        if ranks.is_root:
            for copy in copies:
                copy.unlink(missing_ok=True)


def check_sides_apart(lmp: Any, ranks: Ranks) -> None:
    """Refuse interactions between atoms of the two sides, which only the demon may couple.

    Raises:
        EngineError: pairs of atoms of different sides are within interaction range; names their types.
    """
    tell(lmp, "compute pairs all property/local ptype1 ptype2 cutoff type\nrun 0 post no\n")
    pairs = np.reshape(lmp.numpy.extract_compute("pairs", LOCAL, ARRAY), (-1, 2)).astype(
        int
    )  # a copy: the array of LAMMPS becomes invalid
    tell(lmp, "uncompute pairs\n")
    found = np.zeros((7, 7))
    np.add.at(found, tuple(np.sort(pairs, axis=1).T), 1.0)
    ranks.sum(found)
    if crossing := [f"{one}-{other}" for one, other in np.argwhere(found) if (one - other) % 2]:
        raise EngineError(
            f"the interactions of the study couple the two sides: atoms of types {', '.join(crossing)} interact; odd types "
            "belong to the cold side, even types to the hot side: give these pairs a range of zero, or 'none' in a hybrid style"
        )


def _keep(experiment: Experiment, piece: Piece, folder: Path, demon: Demon | None) -> None:
    """Convert the output of LAMMPS to the format of segments; on the root rank only."""
    if piece.is_sampled:
        names = [column.series_name for column in experiment.columns()]
        rows = piece.steps // experiment.sample_steps + 1
        series = read_series(folder / SERIES_TEXT, names, experiment.study.timestep_ps, rows)
        series.to_parquet(folder / SERIES, index=False)
        (folder / SERIES_TEXT).unlink()
    topology = folder / TOPOLOGY
    if piece.keeps_topology:
        topology.write_text(in_molecular_layout(topology.read_text(encoding="utf-8")), encoding="utf-8")
    else:
        topology.unlink()
    if demon is not None:
        try:
            demon.save(folder / DEMON)
        except ControllerError as failure:
            raise EngineError(f"{experiment.label}: {failure}") from None


def demon_of(experiment: Experiment, before: Path | None, ranks: Ranks) -> Demon:
    """The demon of a run, with its memory from the previous segment."""
    study = experiment.study
    name = study.demon.controller
    try:
        controller = experiment.controller() if ranks.is_root else None
        demon = Demon(
            name,
            controller,
            axes=study.demon.coupling_axes,
            timestep_ps=study.timestep_ps,
            max_displacement_A=study.edge_A / 2 - study.radius_A,
            moving_traps=MovingTraps(study.trap.motion, study.trap.stiffness, study.demon.coupling_axes)
            if study.trap.motion.moves
            else None,
        )
        demon.sees_velocity = ranks.share(demon.sees_velocity)
        if before is not None and (before / DEMON).is_file():
            demon.load(before / DEMON)
    except ControllerError as failure:
        raise EngineError(f"{experiment.label}: {failure}") from failure
    return demon


def attach(
    lmp: Any, demon: Demon, experiment: Experiment, piece: Piece, first_step: int, ranks: Ranks
) -> DemonCallback:
    """Connect the demon to LAMMPS, which has read a deck with fix `demon` and is at step `first_step`."""
    study = experiment.study
    return DemonCallback(
        lmp,
        demon,
        ranks,
        centres_A=np.array([study.trap_centre_A(side) for side in SIDES]),
        atoms=study.nanoparticle.atoms,
        mass=study.particle_mass_eV_ps2_per_A2,
        first_step=first_step - piece.start_step,
        sample_every=experiment.sample_steps,
    )


def _run(lmp: Any, command: str, callback: DemonCallback | None) -> None:
    """Run LAMMPS; a failure within the demon is raised as an EngineError."""
    complaint: EngineError | None = None
    try:
        tell(lmp, command)
    except EngineError as failure:
        complaint = failure
    cause = None if callback is None else failure_of(callback)
    if isinstance(cause, KeyboardInterrupt):
        raise cause
    if isinstance(cause, (ControllerError, ParticleError)):
        raise EngineError(str(cause)) from cause.__cause__
    if cause is not None:
        raise EngineError(f"the demon failed: {type(cause).__name__}: {cause}") from cause
    if complaint is not None:
        raise complaint
