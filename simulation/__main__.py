"""`python -m simulation …`: one step of the workflow by hand. Snakemake's rules call the same commands."""

from __future__ import annotations

import argparse
import errno
import sys
import time
from pathlib import Path

from simulation.archive import archive, unpack
from simulation.closure import ClosureError
from simulation.deck import render_standalone
from simulation.drag import DragRun
from simulation.engine import MAKE_ROOM, EngineError, Ranks, single_threaded
from simulation.fields import field_table
from simulation.lock import LockedError
from simulation.overview.outlook import make_plan
from simulation.overview.status import status_text
from simulation.plan import FRICTION, Run, points
from simulation.simulate import make_start, simulate
from simulation.simulate_drag import simulate_drag
from simulation.study import StudyError
from simulation.studyfile import load_study

RESULTS, WORKFLOW_LOGS = Path("results"), Path(".snakemake/log")  # as in the workflow, which runs where it lies


def main() -> int:
    """Parse the command line and do what it says; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m simulation", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("fields", help="print the table of all study fields, config/README.md")
    check = commands.add_parser("check", help="check a study file and print what it will run")
    check.add_argument("study")
    start = commands.add_parser("equilibrate", help="build both baths and equilibrate them")
    start.add_argument("study")
    start.add_argument("folder", type=Path)
    run = commands.add_parser("run", help="run one point, continuing what is there")
    run.add_argument("study")
    run.add_argument("point", help="friction, or kH_<ratio> such as kH_4.80")
    run.add_argument("replica", type=int)
    run.add_argument("folder", type=Path, help="run folder to write")
    run.add_argument("--start", type=Path, help="folder written by 'equilibrate'; needed by LAMMPS studies")
    drag = commands.add_parser("drag", help="pull a particle through a bath without walls, continuing what is there")
    drag.add_argument("study")
    drag.add_argument("side", help="the bath that it is like: cold or hot")
    drag.add_argument("force", help="one of the study's drag.forces_nN")
    drag.add_argument("replica", type=int)
    drag.add_argument("folder", type=Path, help="run folder to write")
    for command in (start, run, drag):
        command.add_argument(
            "--time-limit-min", type=float, help="stop in good order before this many minutes are over"
        )
    deck = commands.add_parser("deck", help="print one run as a deck for a plain 'lmp -in'")
    deck.add_argument("study")
    deck.add_argument("point")
    deck.add_argument("replica", type=int, nargs="?", default=1)
    keep = commands.add_parser("archive", help="copy a study's finished runs to a folder, small enough to publish")
    keep.add_argument("study")
    keep.add_argument("folder", type=Path)
    take = commands.add_parser(
        "unpack", help="copy an archived run to a study's results, if it is of the same parameters"
    )
    take.add_argument("study")
    take.add_argument("archived", type=Path)
    take.add_argument("folder", type=Path)
    plan = commands.add_parser("plan", help="tell what is left to do, what it costs, and how well it will measure")
    status = commands.add_parser("status", help="tell what is done, running, failed and waiting")
    for command in (plan, status):
        command.add_argument("study")
        command.add_argument("--targets", type=Path, nargs="*", default=[], help="files that the workflow makes")
    plan.add_argument("--cores", type=int, default=1, help="how many cores the study may use")
    plan.add_argument("--ranks", type=int, default=1, help="MPI ranks of this call, with which it measures the speed")
    arguments = parser.parse_args()

    if arguments.command == "fields":
        print(field_table(), end="")
        return 0
    single_threaded()
    ranks: Ranks | None = None
    try:
        study = load_study(arguments.study)
        match arguments.command:
            case "check":
                known = ", ".join([FRICTION, *points(study)])
                print(f"study {study.name}: {study.argon_atoms} argon atoms per bath, points {known}")
            case "deck":
                print(render_standalone(Run(study, arguments.point, arguments.replica)), end="")
            case "archive":
                for copy in archive(Path("results", study.name), arguments.folder):
                    print(copy)
            case "unpack":
                unpack(arguments.archived, arguments.folder, study)
            case "equilibrate":
                ranks = Ranks(study.ranks)
                make_start(study, arguments.folder, ranks, arguments.time_limit_min)
            case "run":
                ranks = Ranks(study.ranks)
                run_ = Run(study, arguments.point, arguments.replica)
                simulate(run_, arguments.start, arguments.folder, ranks, arguments.time_limit_min)
            case "drag":
                ranks = Ranks(study.ranks)
                pulled = DragRun(study, arguments.side, arguments.force, arguments.replica)
                simulate_drag(pulled, arguments.folder, ranks, arguments.time_limit_min)
            case "plan":
                ranks = Ranks(arguments.ranks)
                make_plan(study, RESULTS, ranks, arguments.cores, arguments.targets)
            case "status":
                print(status_text(study, RESULTS, arguments.targets, WORKFLOW_LOGS), end="")
    except (StudyError, EngineError, ClosureError, LockedError, OSError, ValueError) as failure:
        if ranks is not None and not ranks.is_root:
            time.sleep(1.0)  # the root mostly says the same, and its abort ends this rank before it says it again
        said = _explain(failure) if isinstance(failure, OSError) else failure
        print(f"nanofridge: {said}", file=sys.stderr, flush=True)
        if ranks is not None:
            ranks.abort()
        return 1
    return 0


def _explain(failure: OSError) -> str:
    """What the system refused, and what to do about it."""
    match failure.errno:
        case errno.ENOSPC | errno.EDQUOT | errno.EFBIG:
            cure = MAKE_ROOM
        case errno.EACCES | errno.EPERM | errno.EROFS:
            cure = "make it writable for you, or work in another folder"
        case errno.ENOLCK | errno.EOPNOTSUPP:
            cure = "this file system has no locks: put results on one that has"
        case _:
            return str(failure)
    return f"{failure.filename or 'a file'}: {failure.strerror}: {cure}"


if __name__ == "__main__":
    sys.exit(main())
