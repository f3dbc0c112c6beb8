"""`python -m simulation …`: one step of the workflow by hand. Snakemake's rules call the same commands."""

from __future__ import annotations

import argparse
import errno
import math
import os
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path

from simulation.control.controller import ControllerError
from simulation.engines.lammps import MAKE_ROOM
from simulation.engines.ranks import EngineError, Ranks
from simulation.engines.site import USUAL, Site, set_threads
from simulation.experiments import Experiment, baths, drag, experiment_at, experiments
from simulation.experiments.base import RejectedError
from simulation.folder.archive import archive, unpack
from simulation.folder.closure import ClosureError
from simulation.overview.design import make_design
from simulation.overview.doctor import report
from simulation.overview.live import watch
from simulation.overview.plan import make_plan
from simulation.overview.status import status_text
from simulation.perform import perform
from simulation.segments.stop import StopRequested
from simulation.storage.lock import LockedError
from simulation.study.fields import MOST_RANKS, StudyError
from simulation.study.files import NOTHING_SIMULATED, is_machine, load_study, plain_study
from simulation.study.section import SIDES
from simulation.study.table import field_table, schema_text

RESULTS = Path("results")  # as in the workflow, which runs in its own folder

PROBLEMS = (
    StudyError,
    ControllerError,
    EngineError,
    ClosureError,
    RejectedError,
    LockedError,
    OSError,
    ValueError,
)
"""Errors with a message for the user; any other is a bug and shows its traceback."""


LONGEST = 1e6
"""Longest time on the command line, in its unit: some days of seconds, or years of minutes."""


def _whole(least: int, most: float = math.inf) -> Callable[[str], int]:
    """Reader of a whole number from the command line."""
    limits = f"{least} or more" if math.isinf(most) else f"{least} to {most:g}"

    def read(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            number = least - 1
        if not least <= number <= most:
            raise argparse.ArgumentTypeError(f"{text!r}: write a whole number of {limits}")
        return number

    return read


def _time(text: str) -> float:
    """Read a time from the command line."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 < number <= LONGEST:
        raise argparse.ArgumentTypeError(f"{text!r}: write a number above 0, at most {LONGEST:g}")
    return number


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m simulation", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("fields", help="print the table of all study fields, config/README.md")
    schema = commands.add_parser("schema", help="print the JSON schema of study files, config/schema.json")
    schema.add_argument(
        "--machines", action="store_true", help="of those that name a machine, config/machine-schema.json"
    )
    check = commands.add_parser("check", help="check a study file and print what it will run")
    check.add_argument("study")
    start = commands.add_parser("equilibrate", help="build both baths and equilibrate them")
    start.add_argument("study")
    start.add_argument("folder", type=Path)
    start.add_argument("--replica", type=_whole(1), default=1, help="which start, where the study has several")
    run = commands.add_parser("run", help="run one point, or continue it")
    run.add_argument("study")
    run.add_argument("point", help="friction, kH_<ratio> such as kH_4.80, drag/<side>/F_<force>, or equilibrated")
    run.add_argument("replica", type=_whole(1))
    run.add_argument("folder", type=Path, help="run folder to write")
    run.add_argument("--start", type=Path, help="run folder of the baths to start from, written by 'equilibrate'")
    pull = commands.add_parser("drag", help="pull a particle through a bath without walls, or continue such a run")
    pull.add_argument("study")
    pull.add_argument("side", help="the corresponding bath: cold or hot")
    pull.add_argument("force", help="one of the study's drag.forces_nN")
    pull.add_argument("replica", type=_whole(1))
    pull.add_argument("folder", type=Path, help="run folder to write")
    for command in (start, run, pull):
        command.add_argument(
            "--time-limit-min",
            type=_time,
            help="stop cleanly before this number of minutes has passed (ignored by engine langevin, without segments)",
        )
    deck = commands.add_parser("deck", help="print one run as a deck for a plain 'lmp -in'")
    deck.add_argument("study")
    deck.add_argument("point")
    deck.add_argument("replica", type=_whole(1), nargs="?", default=1)
    keep = commands.add_parser(
        "archive", help="copy the finished runs of a study to a folder, reduced in size for publication"
    )
    keep.add_argument("study")
    keep.add_argument("folder", type=Path)
    take = commands.add_parser("unpack", help="copy an archived run with the same parameters to the results of a study")
    take.add_argument("study")
    take.add_argument("point")
    take.add_argument("replica", type=_whole(1))
    take.add_argument("archived", type=Path)
    take.add_argument("folder", type=Path)
    design = commands.add_parser(
        "design", help="find the couplings that are best for the goal of the study within its limits"
    )
    design.add_argument("study")
    plan = commands.add_parser("plan", help="show the remaining simulations, their cost and the expected error bars")
    status = commands.add_parser("status", help="show what is done, running, failed and waiting")
    for command in (plan, status):
        command.add_argument("study")
    status.add_argument("--targets", type=Path, nargs="*", default=[], help="files that the workflow makes")
    status.add_argument(
        "--watch",
        type=_time,
        nargs="?",
        const=10.0,
        metavar="SECONDS",
        help="write results/STUDY/status.html for a browser, every SECONDS (default: 10) until all simulations are done",
    )
    plan.add_argument("--cores", type=_whole(1), default=1, help="number of cores for the study")
    examine = commands.add_parser(
        "doctor", help="report the available LAMMPS, MPI and accelerators, and what a study needs and lacks"
    )
    examine.add_argument("study", nargs="?")
    for command in (plan, examine):
        command.add_argument("--ranks", type=_whole(1, MOST_RANKS), default=1, help="MPI ranks of this call")
    for command in (start, run, pull, plan, examine):
        command.add_argument("--lammps", default=USUAL, help=f"LAMMPS switches for accelerators (default: {USUAL})")
        command.add_argument("--threads", type=_whole(1, MOST_RANKS), default=1, help="OpenMP threads of each MPI rank")
        command.add_argument("--gpus", type=_whole(0), default=0, help="GPUs of this job, for the record")
        command.add_argument("--launcher", default="", help="what started the MPI ranks, for the record")
    return parser.parse_args()


def _site(arguments: argparse.Namespace) -> Site:
    if "lammps" not in arguments:
        return Site()
    return Site(arguments.lammps, arguments.threads, arguments.gpus, arguments.launcher)


def main() -> int:
    """Parse and execute the command line; returns the exit code."""
    for stream in (sys.stdout, sys.stderr):
        # A terminal that cannot show κ shows a replacement character; printing must not fail.
        getattr(stream, "reconfigure", lambda **_: None)(errors="backslashreplace")
    arguments = _arguments()
    ranks: Ranks | None = None
    try:
        site = _site(arguments)
        set_threads(site.threads)
        if arguments.command in ("fields", "schema"):
            print(_fields() if arguments.command == "fields" else _schema(arguments.machines), end="")
            return 0
        if arguments.study and is_machine(plain_study(arguments.study)[0]):
            _of_machine(arguments.command, arguments.study)
            return 0
        if arguments.command == "doctor":
            ranks = Ranks(arguments.ranks, site)
            return report(load_study(arguments.study) if arguments.study else None, ranks)
        study = load_study(arguments.study)
        experiment: Experiment | None = None
        match arguments.command:
            case "check":
                known = ", ".join(dict.fromkeys(run.point for run in experiments(study)))
                held = " and ".join(dict.fromkeys(str(study.fluid_atoms(side)) for side in SIDES))
                print(f"study {study.name}: {held} fluid atoms per bath, points {known}")
            case "deck":
                print(_deck(experiment_at(study, arguments.point, arguments.replica)), end="")
            case "archive":
                for copy in archive(study, RESULTS, arguments.folder):
                    print(copy)
            case "unpack":
                wanted = experiment_at(study, arguments.point, arguments.replica)
                unpack(wanted, arguments.archived, arguments.folder)
            case "equilibrate":
                experiment = baths.Baths(study, arguments.replica)
            case "run":
                experiment = experiment_at(study, arguments.point, arguments.replica)
            case "drag":
                experiment = drag.Drag(study, arguments.replica, arguments.side, arguments.force)
            case "design":
                print(make_design(study, RESULTS), end="")
            case "plan":
                ranks = Ranks(arguments.ranks, site)
                make_plan(study, RESULTS, ranks, arguments.cores)
            case "status" if arguments.watch is not None:
                watch(study, RESULTS, arguments.targets, max(arguments.watch, 1.0))
            case "status":
                print(status_text(study, RESULTS, arguments.targets), end="")
        if experiment is not None:
            ranks = Ranks(study.ranks, site)
            perform(experiment, arguments.folder, ranks, getattr(arguments, "start", None), arguments.time_limit_min)
    except StopRequested:
        raise  # cleanly, on all ranks at the same step
    except BaseException as failure:
        if not isinstance(failure, PROBLEMS) and ranks is None:
            raise
        if ranks is not None and not ranks.is_root:
            time.sleep(1.0)  # usually the root prints the same, and its abort ends this rank before it repeats that
        if isinstance(failure, PROBLEMS):
            said = _explain(failure) if isinstance(failure, OSError) else failure
            print(f"nanofridge: {said}", file=sys.stderr, flush=True)
        else:
            traceback.print_exc()
        if ranks is not None:
            ranks.abort()
        return 1
    return 0


def _fields() -> str:
    from simulation.study.machines.table import machine_table

    return field_table() + machine_table()


def _schema(of_machines: bool) -> str:
    from simulation.study.machines.table import machine_schema_text

    return machine_schema_text() if of_machines else schema_text()


def _of_machine(command: str, name: str) -> None:
    """Execute a command for a study of an exactly solved machine.

    Raises:
        StudyError: the study has errors, or the command concerns simulations.
    """
    from simulation.study.machines.files import load_machine_study

    study = load_machine_study(name)
    if command == "check":
        print(f"study {name}: machine {study.kind}, {len(study.points)} points over {' and '.join(study.parameters)}")
    elif command in ("plan", "status"):
        print(f"study {name}: machine {study.kind}, {NOTHING_SIMULATED.format(name=name)}")
    else:
        raise StudyError(name, [f"machine = {study.kind}: {NOTHING_SIMULATED.format(name=name)}"])


def _deck(experiment: Experiment) -> str:
    deck = experiment.standalone()
    if deck is None:
        raise ValueError(f"{experiment.label} has no separate deck: {_not_alone(experiment)}")
    return deck


def _not_alone(experiment: Experiment) -> str:
    """Why LAMMPS alone cannot run an experiment."""
    demon = experiment.study.demon
    if experiment.couplings is None:
        return "it is the start of other runs, whose decks contain it: print one of those, such as friction"
    if demon.controller != "linear":
        what = f"not {demon.controller!r} of this study"
    else:
        used = ["demon.feedback"] * (not demon.feedback.is_ideal) + ["demon.damping_…"] * any(demon.damping)
        what = f"and this study has {' and '.join(used)}"
    return f"LAMMPS alone supports only the linear demon without a feedback loop, {what}"


def _explain(failure: OSError) -> str:
    """Message on a failed system call, with a solution."""
    match failure.errno:
        case errno.ENOSPC | errno.EDQUOT | errno.EFBIG:
            cure = MAKE_ROOM
        case errno.EACCES | errno.EPERM | errno.EROFS:
            cure = "make it writable for you, or work in another folder"
        case _:
            return str(failure)
    return f"{failure.filename or 'a file'}: {os.strerror(failure.errno or 0)}: {cure}"


if __name__ == "__main__":
    sys.exit(main())
