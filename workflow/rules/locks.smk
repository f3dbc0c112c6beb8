# Two Snakemakes that make the same files would delete each other's. The lock of Snakemake is off (profiles/default): it remains
# when Snakemake is killed, and every Snakemake that ends, even `status`, removes the locks of all others.
import atexit
import errno
from contextlib import ExitStack

from simulation.storage import lock

HELD = ExitStack()
atexit.register(HELD.close)  # else the interpreter takes files and modules down in any order, and complains


def place_of(file):
    """The folder locked for a file: that of a study or similar in results/, or results/ itself."""
    parts = Path(file).parts
    return Path(*parts[: 2 if parts[0] == "results" else 1]) if len(parts) > 1 else Path()


def hold_results():
    """Lock every folder that this call will write to, until its process ends."""
    for folder in sorted({place_of(file) for job in inner("dag.needrun_jobs")() for file in job.output}):
        try:
            HELD.enter_context(lock.held(folder / ".lock"))
            refused = "" if os.access(folder, os.W_OK) else os.strerror(errno.EACCES)
        except lock.LockedError as problem:
            raise WorkflowError(str(problem))
        except OSError as failure:
            refused = failure.strerror
        if refused:
            raise WorkflowError(
                f"{folder}: {refused}: make it writable for you, or work in another folder, by --directory FOLDER"
            )
