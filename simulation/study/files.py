"""Study files: find and read `<name>.yaml`, apply a variant, and report all problems together.

Files are searched for first in folder `config` of the working directory, then in that of the project.
"""

from __future__ import annotations

import re
import reprlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from simulation.study.axes import AXIS_SETS
from simulation.study.fields import RUBBING, RUBBING_DAMPING_PS, STUDY_NAME, THERMOSTATS, VARIANT, Study, StudyError
from simulation.study.places import SETTINGS, folders, study_files
from simulation.study.rules import broken_rules
from simulation.study.section import ALIKE, BY_SIDE, SIDES, TAGS, in_words

SHORT = reprlib.Repr()
"""Text of a wrong value, abbreviated if long."""
SHORT.maxstring = SHORT.maxother = 80

NOTHING_SIMULATED = "nothing is simulated for it; snakemake --cores 1 --config study={name} solves it"
"""Error message for a study of an exactly solved machine where simulations are needed."""

NAMING = "use letters, digits, _ and - for a study, and after @ lower-case letters, digits, '.', _ and - for a variant"

DEEPEST = 20
"""Maximum number of levels of a study file; five are used."""

FORMER_NAMES = {
    "materials": {"argon": "fluid", "copper": "metal", "argon_copper": "fluid_metal"},
    "baths": {"argon_atoms": "fluid_atoms"},
}
"""Former names of fields, by section; study files may still use them."""

GONE = {
    "integration.suffix": "it is a setting of the machine now and not of a study: remove it, and see docs/how-to/machines.md"
}
"""Removed fields, and their replacements."""


def load_study(name: str, folder: Path | None = None) -> Study:
    """Read `<name>.yaml`; `<name>@<variant>` is that study with the changes under this name in its section `variants`.

    The name of a thermostat is a variant of every study: `demo@csvr`. For a Langevin thermostat, which slows the fluid,
    this variant has a damping time of at least 5 ps. Scalars are read as text and converted by the Study, so `4.80` stays
    `4.80` in a path and `1e-3` is a number.

    Args:
        name: name of the study, with its variant if any.
        folder: folder to search; None for `folders()`.

    Raises:
        StudyError: the file is missing, is not YAML, or does not describe a valid study; all problems together,
            including those of its variants.
    """
    base, _, variant = name.partition("@")
    data, twice = plain_study(name, folder)
    if is_machine(data):
        raise StudyError(name, [f"machine = {data['machine']!r}: {NOTHING_SIMULATED.format(name=base)}"])
    study = _check_with_variants(base, data, twice)
    if not variant:
        return study
    changes: dict[str, Any] = {t: {"baths": {"thermostat": t}} for t in THERMOSTATS}
    changes[RUBBING]["baths"]["thermostat_damping_ps"] = max(study.baths.thermostat_damping_ps, RUBBING_DAMPING_PS)
    changes |= study.variants
    if variant not in changes:
        raise StudyError(name, [f"{variant} is not one of its variants ({', '.join(changes)}): add it to variants"])
    return check_study(name, _overlay({**data, "variants": {}}, changes[variant]))


def plain_study(name: str, folder: Path | None = None) -> tuple[Any, list[str]]:
    """The content of `<name>.yaml` from `read_plain`, and its duplicate keys; of `<name>@<variant>` without the variant.

    Raises:
        StudyError: the file does not exist or is not YAML.
    """
    if not re.fullmatch(STUDY_NAME, name):
        plain = Path(name.replace(".yaml", "")).name
        is_file = ".yaml" in name and re.fullmatch(STUDY_NAME, plain)
        raise StudyError(
            name,
            [
                "a study name consists of letters, digits, _ and -, optionally followed by @ and a variant: "
                + (f"write {plain}, without folder and .yaml" if is_file else "rename its file")
            ],
        )
    base = name.partition("@")[0]
    places = folders() if folder is None else [folder]
    if f"{base}.yaml" == SETTINGS:
        raise StudyError(name, [f"{SETTINGS} holds the settings of the workflow: give the study another name"])
    path = next((found for place in places if (found := place / f"{base}.yaml").is_file()), None)
    if path is None:
        known = ", ".join(sorted({file.stem for place in places for file in study_files(place)}))
        where = " or ".join(map(str, places))
        raise StudyError(name, [f"there is no file {base}.yaml in {where} (found: {known})"])
    try:
        data, twice = read_plain(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as failure:
        why = " ".join(str(failure).split())
        raise StudyError(name, [f"{path.name}: not a study file: {why}"]) from None
    return ({} if data is None else data), [f"{path.name}, {problem}" for problem in twice]


def is_machine(data: Any) -> bool:
    """Whether plain data are of a study of an exactly solved machine, without simulations."""
    return isinstance(data, dict) and "machine" in data


def machine_names() -> list[str]:
    """Names of all study files of machines, including files that are not valid YAML but seem to be of one."""
    found = {}
    for folder in reversed(folders()):
        for file in study_files(folder):
            text = file.read_text(encoding="utf-8", errors="replace")
            found[file.stem] = re.search(r"^machine\s*:", text, re.MULTILINE)
    return sorted(name for name, names_machine in found.items() if names_machine)


def check_study(name: str, data: Any) -> Study:
    """Convert plain data to a Study, or raise one StudyError with all problems.

    Rules on several fields are checked even if other fields are wrong; for this a wrong field takes its default.
    """
    if not isinstance(data, dict):
        raise StudyError(
            name, [f"the file must hold a mapping of sections such as 'baths:', not {type(data).__name__}"]
        )
    if not re.fullmatch(STUDY_NAME, name):
        raise StudyError(name, [f"{name!r} is not the name of a study or variant: {NAMING}"])
    variants = data.get("variants")
    data, problems = _in_present_names(data)
    data = without_blanks(data, [Study])
    if "name" in data:
        problems.append(f"name = {SHORT.repr(data['name'])}: a study has the name of its file: remove the field")
    if isinstance(variants, dict):  # as they are: an empty entry of a variant removes one of the study
        problems += [
            f"variants.{variant} is not a name of a variant: {NAMING}"
            for variant in variants
            if not re.fullmatch(VARIANT, variant)
        ]
        data["variants"] = {
            variant: {} if changes is None else changes
            for variant, changes in variants.items()
            if re.fullmatch(VARIANT, variant)
        }
    wrong: set[str] = set()
    data = {**data, "name": name}
    for _ in range(50):  # each pass removes the fields that it reports, so a few passes are enough
        try:
            study = Study.model_validate(data)
            break
        except ValidationError as failure:
            for error in failure.errors():
                if error["type"] == "default_factory_not_called":  # a field that it depends on is wrong and reported
                    continue
                problems.append(field_problem(error))
                wrong.add(".".join(str(part) for part in error["loc"][:2]))
                data = _without(data, error["loc"])
    else:
        raise StudyError(name, problems)
    # Of a section that is wrong as a whole, all fields are.
    problems += [
        message
        for fields, message in broken_rules(study)
        if not any(field in wrong or field.partition(".")[0] in wrong for field in fields)
    ]
    if problems:
        raise StudyError(name, list(dict.fromkeys(problems)))
    return study


def read_plain(text: str) -> tuple[Any, list[str]]:
    """The content of a YAML text as texts, lists, mappings and None, and one sentence for each duplicate key.

    YAML silently uses one of two equal keys, and with anchors a short file can expand to billions of values; both are
    refused.

    Raises:
        yaml.YAMLError: it is not YAML, has anchors, or is nested too deeply.
    """
    twice: list[str] = []

    def plain(node: yaml.Node) -> Any:
        if isinstance(node, yaml.ScalarNode):
            is_null = node.style is None and node.value in ("", "~", "null", "Null", "NULL")
            return None if is_null else node.value
        if isinstance(node, yaml.SequenceNode):
            return [plain(entry) for entry in node.value]
        mapping: dict[Any, Any] = {}
        lines: dict[Any, int] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise yaml.YAMLError(f"line {key.start_mark.line + 1}: a key must be a single word")
            line = key.start_mark.line + 1
            if key.value in lines:
                twice.append(f"line {line}: {key.value!r} was already given on line {lines[key.value]}: keep one")
            lines[key.value] = line
            mapping[key.value] = plain(value)
        return mapping

    depth = 0
    for event in yaml.parse(text, yaml.BaseLoader):
        line = 0 if event.start_mark is None else event.start_mark.line + 1
        if getattr(event, "anchor", None):
            raise yaml.YAMLError(
                f"line {line}: anchors (&) and aliases (*) are not supported: write the value explicitly"
            )
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:  # raised immediately: reading on may take half a minute
            raise yaml.YAMLError(f"line {line}: nested too deeply")
    root = yaml.compose(text, yaml.BaseLoader)
    return (None if root is None else plain(root)), twice


def _in_present_names(data: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Data under the current names of fields, and one sentence for each field given under both names."""
    problems = []
    data = dict(data)
    for section, renamed in FORMER_NAMES.items():
        inner = data.get(section)
        if not isinstance(inner, dict):
            continue
        problems += [
            f"{section}.{former} and {section}.{name} are the same field: keep one"
            for former, name in renamed.items()
            if former in inner and name in inner
        ]
        data[section] = {renamed.get(key, key): value for key, value in inner.items()}
    return data, problems


def without_blanks(data: Any, sections: Sequence[type[BaseModel]]) -> Any:
    """Data without empty entries of known fields, which take their defaults; an unknown field stays, and is refused.

    Args:
        data: of a section, or of what else a field has.
        sections: the section, or all that it may be; none for a mapping of baths or axes.
    """
    if not isinstance(data, dict):
        return data
    found = {}
    for key, value in data.items():
        fields = [section.model_fields[key] for section in sections if key in section.model_fields]
        if value is None and (fields or key in (*SIDES, *AXIS_SETS)):
            continue
        below = sections if key in SIDES else [inner for field in fields for inner in _sections_of(field.annotation)]
        found[key] = without_blanks(value, below)
    return found


def _sections_of(annotation: Any) -> list[type[BaseModel]]:
    """All sections that a field with this annotation may have."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [section for part in get_args(annotation) for section in _sections_of(part)]


def field_problem(error: ErrorDetails) -> str:
    """One sentence on a field refused by pydantic."""
    parts = [str(part) for part in error["loc"] if part not in TAGS]
    place = ".".join(text if text.isprintable() else repr(text) for text in parts)
    if place in GONE:
        return f"{place}: {GONE[place]}"
    if error["type"] == "extra_forbidden":
        return f"{place} is not a known field: remove it, or see config/README.md for the spelling"
    if error["type"] == "missing":
        return f"{place} is missing: add it"
    if error["input"] is None:
        return f"{place} has no value: give one, or remove it"
    if error["type"] == "tuple_type":
        return f"{place} = {SHORT.repr(error['input'])}: must be a list, in brackets or with a dash before each entry"
    if error["type"] in ("model_type", "dict_type"):
        return f"{place} = {SHORT.repr(error['input'])}: a section is a mapping of fields, each on a separate line"
    if ALIKE in error["loc"] and isinstance(error["input"], dict) and not error["type"].startswith("value"):
        return f"{place} = {SHORT.repr(error['input'])}: write one value for both baths, or {{cold: …, hot: …}}"
    if BY_SIDE in error["loc"] and parts[-1] == "[key]":
        field = place.removesuffix(f".{parts[-2]}.[key]")
        return f"{field}: {SHORT.repr(error['input'])} is not a bath: write one value for both baths, or {{cold: …, hot: …}}"
    return f"{place} = {SHORT.repr(error['input'])}: {in_words(error)}"


def _without(data: dict[str, Any], location: tuple[int | str, ...]) -> dict[str, Any]:
    """A copy of the data of a study without the field at `location`; deeper structures (list, species) are removed entirely."""
    section, *field = location
    inner = data.get(str(section))
    if field and isinstance(inner, dict):
        return {**data, str(section): {key: value for key, value in inner.items() if key != field[0]}}
    return {key: value for key, value in data.items() if key != section}


def _check_with_variants(name: str, data: Any, known: list[str]) -> Study:
    """`check_study` of the study and each variant, with problems under the name of the variant, after those `known`."""
    problems = known
    study: Study | None = None
    try:
        study = check_study(name, data)
    except StudyError as failure:
        problems = known + failure.problems
    variants = data.get("variants") if isinstance(data, dict) else None
    for variant, changes in variants.items() if isinstance(variants, dict) else ():
        if not (isinstance(changes, dict) and re.fullmatch(VARIANT, variant)):
            continue  # reported already, or empty
        if "variants" in changes:
            problems.append(f"variants.{variant}.variants: a variant cannot have variants: give each a separate name")
            continue
        try:
            changed = check_study(f"{name}@{variant}", _overlay({**data, "variants": {}}, changes))
            if variant in THERMOSTATS and changed.baths.thermostat != variant:
                problems.append(
                    f"variants.{variant}: {name}@{variant} is the study with that thermostat: rename the variant, or set its "
                    f"baths.thermostat = {variant}"
                )
        except StudyError as failure:
            # Problems of the study itself are reported once.
            problems += [f"variants.{variant}: {text}" for text in failure.problems if text not in problems]
    if study is None or problems:
        raise StudyError(name, problems)
    return study


def _overlay(data: Any, changes: Any) -> Any:
    """Plain data with some entries changed, at any depth; both may use former names of fields."""
    if not (isinstance(data, dict) and isinstance(changes, dict)):
        return changes
    data, changes = _in_present_names(data)[0], _in_present_names(changes)[0]
    removed = {key for key, value in changes.items() if value is None and data.get(key) is not None}
    kept = {key: value for key, value in data.items() if key not in removed}
    return kept | {key: _overlay(data.get(key), value) for key, value in changes.items() if key not in removed}
