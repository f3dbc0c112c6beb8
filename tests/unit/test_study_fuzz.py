"""Study files with anything in them: either a Study, or one StudyError; never a traceback of another kind."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simulation.study.fields import Study, StudyError
from simulation.study.files import check_study, load_study

FIELDS = {
    name: list(info.annotation.model_fields)
    for name, info in Study.model_fields.items()
    if isinstance(info.annotation, type) and hasattr(info.annotation, "model_fields")
}
WORDS = st.sampled_from(
    [
        "0",
        "-1",
        "1e400",
        "nan",
        "inf",
        "1e-300",
        "4.80",
        "2.5",
        "25280",
        "yes",
        "~",
        "",
        "xyz",
        "zx",
        "$(reboot)",
        "{{ x }}",
        "κ",
        "1_000",
        "null",
        None,
    ]
)
VALUES: st.SearchStrategy[Any] = st.recursive(
    WORDS | st.text(max_size=8) | st.floats().map(str) | st.integers().map(str),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=2),
    max_leaves=5,
)


@st.composite
def studies(draw: st.DrawFn) -> dict[str, Any]:
    """Data shaped like a study file, with real and invented keys and values of any kind."""
    data: dict[str, Any] = {"baths": {"fluid_atoms": "25280"}}
    for section in draw(
        st.lists(st.sampled_from([*FIELDS, "seed", "ranks", "engine", "variants", "beds"]), max_size=4, unique=True)
    ):
        names = FIELDS.get(section)
        if names is None or draw(st.integers(0, 5)) == 0:
            data[section] = draw(VALUES)
        else:
            data[section] = draw(
                st.dictionaries(st.sampled_from([*names, "argon", "argon_atoms", "colour"]), VALUES, max_size=4)
            )
    return data


# How long it takes to draw a study depends on what else the machine does, and is no property of ours.
@settings(suppress_health_check=[HealthCheck.too_slow])
@given(studies())
def test_any_data_is_a_study_or_a_study_error(data: dict[str, Any]) -> None:
    """No value, type or unknown key gets past the check with anything but a StudyError that lists at least one problem."""
    try:
        study = check_study("fuzz", data)
    except StudyError as failure:
        problems = failure.problems
    else:
        assert study.name == "fuzz"
        return
    assert problems
    assert all("\n" not in problem for problem in problems)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.text(max_size=60) | studies().map(lambda data: yaml.safe_dump(data, allow_unicode=True)))
def test_any_file_is_a_study_or_a_study_error(tmp_path_factory: Any, text: str) -> None:
    """The same for the text of a file, YAML or not."""
    folder: Path = tmp_path_factory.mktemp("fuzz")
    (folder / "fuzz.yaml").write_text(text, encoding="utf-8", errors="replace")
    try:
        load_study("fuzz", folder)
    except StudyError as failure:
        problems = failure.problems
    else:
        return
    assert problems
