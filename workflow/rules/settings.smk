# What `--config`, a configuration file or a `module` may set: the study, the studies to compare, and the number of runs of a
# calibration.
from simulation.study.fields import Study
from simulation.study.files import FORMER_NAMES
from simulation.study.places import folders, study_files

SETTINGS = ("study", "studies", "runs")


def study_words():
    """Sections of a study file, and their fields."""
    words = set(Study.model_fields)
    for section in Study.model_fields.values():
        words |= set(getattr(section.annotation, "model_fields", ()))
    return words.union(*FORMER_NAMES.values())


def check_settings():
    """Reject configuration that would be ignored."""
    unknown = [str(key) for key in config if key not in SETTINGS]
    if not unknown:
        return
    cure = "remove it"
    if set(unknown) & study_words():
        cure = "fields of a study belong in its file, config/NAME.yaml; select it by --config study=NAME alone"
    elif alike := [key.lower() for key in unknown if key.lower() in SETTINGS]:
        cure = f"write {alike[0]}"
    raise WorkflowError(f"configuration {', '.join(unknown)}: not known (known: {', '.join(SETTINGS)}): {cure}")


def is_read_as(name, value):
    """Whether Snakemake reads a word on its command line as this number."""
    for number in (int, float):
        try:
            return str(number(name)) == str(value)
        except ValueError:
            pass
    return name == str(value)


def chosen_study():
    """The name of the chosen study. Snakemake converts a name that looks like a number."""
    value = config.get("study", "demo")
    if value is None or isinstance(value, str):
        return value or ""
    files = [file for folder in folders() for file in study_files(folder) if is_read_as(file.stem, value)]
    alike = dict.fromkeys(file.stem for file in files)
    if alike and list(alike) != [str(value)]:
        raise WorkflowError(
            f"Snakemake reads {' and '.join(alike)} as {value}, even in quotes: rename "
            f"{' and '.join(str(file) for file in files if file.stem != str(value))} so that the name is not a number, such as "
            f"study_{next(name for name in alike if name != str(value))}"
        )
    if not alike:
        try:
            return load_study(str(value)).name
        except StudyError as problems:
            raise WorkflowError(
                f"{problems}\n(Snakemake read the name of the study as {value}; names that are not numbers are not changed.)"
            )
    return str(value)


def chosen_studies():
    """The names of the studies to compare, as `a,b` or as a list."""
    value = config.get("studies", "")
    names = value if isinstance(value, list) else str(value).split(",")
    return [str(name).strip() for name in names if str(name).strip()]


def whole_number(key, default):
    """A setting that is a count."""
    text = str(config.get(key, default))
    if not (text.isascii() and text.isdigit() and int(text)):
        raise WorkflowError(f"--config {key}={text}: a whole number above zero is needed")
    return int(text)


check_settings()
CALIBRATION_RUNS = whole_number("runs", 400)  # of each point of each length
