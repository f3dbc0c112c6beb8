# Results of other parameters or other code are never used for a study. Each simulation has a small input file with its fingerprint:
# results/<study>/.identity/<its run folder>/wanted.txt. It is written here during planning with an old time stamp, which triggers
# nothing. If a run.json differs from it, it gets a newer time stamp than that, and Snakemake reruns the simulation. This does not
# need the parameter records of Snakemake, which are lost when results are copied and ignored by --rerun-triggers mtime.
import time

from simulation.folder.run_folder import matches
from simulation.storage.files import RUN, SERIES, read_json, replace

OLD = 946684800  # 1 January 2000
OTHER = "another run is in its place since"
# A `module` may have its results in another folder, its `prefix`; Snakemake prepends it to all paths returned here.
PLACED = inner("modifier.path_modifier.replace_prefix")


def identity_file(wildcards):
    """The input file with the fingerprint of a simulation, updated; nothing if it cannot be written."""
    wanted = experiment_of(wildcards)
    # Each in a separate folder: Snakemake lists a folder once and would not see files written later.
    name = f"results/{wanted.study.name}/.identity/{wanted.group}/replica_{wanted.replica}/wanted.txt"
    file = Path(PLACED(name))
    try:
        bring_up_to_date(file, wanted, Path(PLACED(f"results/{wanted.folder}")))
    except OSError:
        pass
    return [name] if file.is_file() else []


def bring_up_to_date(file, wanted, folder):
    """Write the fingerprint, and make the file newer than the content of the folder if and only if that differs."""
    says = f"fingerprint {wanted.fingerprint}\nduration {wanted.duration_ps!r} ps\n"
    held = file.read_text(encoding="utf-8", errors="replace") if file.is_file() else ""
    when = file.stat().st_mtime if held else 0.0
    written = [path.stat().st_mtime for name in (RUN, SERIES) if (path := folder / name).is_file()]
    content = read_json(folder / RUN)
    if not (folder / RUN).is_file() or (content is not None and matches(wanted, content)):
        text, when_wanted = says, OLD
        is_good = held == text and when == OLD
    else:
        # The time changes the text: Snakemake ignores a newer input with known content.
        when_wanted = max(time.time(), *written) + 0.01
        text = f"{says}{OTHER} {when_wanted!r}\n"
        is_good = held.startswith(f"{says}{OTHER} ") and when > max(written)
    if not is_good:
        file.parent.mkdir(parents=True, exist_ok=True)

        def write(part):
            part.write_text(text, encoding="utf-8")
            os.utime(part, (when_wanted, when_wanted))

        replace(file, write)


def start_of(wildcards):
    """The initial state of a run; none for the Langevin engine.

    Of a finished run the times of its start say nothing, since a copy of the results mixes them up: other baths are another run.
    Of any other they count: Snakemake does not look at a job whose inputs are all `ancient` when one of them is made anew.
    """
    wanted = experiment_of(wildcards)
    if wanted.start is None:
        return []
    content = read_json(Path(PLACED(f"results/{wanted.folder}"), RUN))
    names = [f"results/{wanted.start.folder}/{name}" for name in ("run.json", "end.restart")]
    return names if content is None or not matches(wanted, content) else [ancient(name) for name in names]
