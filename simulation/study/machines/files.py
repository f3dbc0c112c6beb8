"""Study files of machines: read, checked at every value of the sweep, with all problems reported together."""

from __future__ import annotations

import inspect
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from analysis.mechanisms.sweep import SweepPoint
from simulation.study.fields import StudyError
from simulation.study.files import SHORT, field_problem, is_machine, plain_study, without_blanks
from simulation.study.machines.bosons import CascadedFields, NetworkFields, OptomechanicsFields
from simulation.study.machines.electrons import NDemonFields, ReservoirsFields
from simulation.study.machines.particles import ParticleNetworkFields
from simulation.study.machines.sections import MachineFields, Values
from simulation.study.machines.terminals import TerminalsFields

KINDS: Mapping[str, type[MachineFields]] = {
    "n-demon": NDemonFields,
    "terminals": TerminalsFields,
    "reservoirs": ReservoirsFields,
    "cascaded": CascadedFields,
    "network": NetworkFields,
    "optomechanics": OptomechanicsFields,
    "particle-network": ParticleNetworkFields,
}
"""Fields of a study, by its machine."""

MOST_POINTS = 20_000
"""Maximum number of machines in one study; each takes about a millisecond."""

_SAMPLES = 3  # maximum number of values of a sweep at which one problem is reported


@dataclass(frozen=True)
class MachineStudy:
    """A study of an exactly solved machine, checked.

    Attributes:
        name: name of the study.
        kind: name of the machine.
        sweep: the parameter on the axis.
        lines: the parameter with one line per value; None if there is one line.
        points: value of the second parameter (None without one), value of the first, and the fields of the machine there.
        own: the fields of the machine in the file; an omitted swept parameter has its first value.
    """

    name: str
    kind: str
    sweep: Values
    lines: Values | None
    points: tuple[tuple[float | None, float, MachineFields], ...]
    own: MachineFields

    @property
    def settings(self) -> str:
        """The complete study as YAML, with defaults."""
        content = self.own.model_dump(mode="json", exclude_none=True)
        return yaml.safe_dump(content, sort_keys=False, allow_unicode=True, default_flow_style=None, width=110)

    @property
    def parameters(self) -> tuple[str, ...]:
        """The swept parameter and, if any, that of the lines."""
        return (self.sweep.parameter,) if self.lines is None else (self.sweep.parameter, self.lines.parameter)

    @property
    def description(self) -> str:
        """One sentence on the machine."""
        return inspect.getdoc(type(self.own)) or ""

    @property
    def has_course(self) -> bool:
        """Whether the study has a time evolution."""
        return getattr(self.own, "evolution", None) is not None

    def sweep_points(self) -> Iterator[SweepPoint]:
        """Input of ``sweep_table``."""
        for line, value, fields in self.points:
            yield SweepPoint(value, line, fields.solve)


def load_machine_study(name: str, folder: Path | None = None) -> MachineStudy:
    """Read `<name>.yaml` of a study of a machine.

    Raises:
        StudyError: the file is missing, is not YAML, or does not describe a machine; all problems together.
    """
    data, twice = plain_study(name, folder)
    if "@" in name:
        raise StudyError(name, ["a study of a machine has no variants: remove the @ and what follows it"])
    if not is_machine(data):
        raise StudyError(name, ["machine is missing: this is a study of simulations"])
    return check_machine_study(name, data, twice)


def check_machine_study(name: str, data: dict[str, Any], known: list[str]) -> MachineStudy:
    """Convert plain data to a MachineStudy, or raise one StudyError with all problems, after those already `known`."""
    fields = KINDS.get(str(data["machine"]))
    if fields is None:
        shown = SHORT.repr(data["machine"])
        raise StudyError(name, [*known, f"machine = {shown}: give one of {', '.join(KINDS)}"])
    problems = list(known)
    sweep = _values(data, "sweep", fields, problems)
    lines = _values(data, "lines", fields, problems) if data.get("lines") is not None else None
    if sweep is not None and lines is not None and sweep.parameter == lines.parameter:
        problems.append(f"lines.parameter = {lines.parameter!r}: used by the sweep; give another one, or omit lines")
    points = _points(data, fields, sweep, lines, problems)
    own = None
    for values in (lines, sweep):
        if values is not None and not problems and not _has(data, values.parameter.split(".")):
            data = _with(data, values.parameter.split("."), values.numbers()[0])
    if not problems:
        own = _buildable(data, fields, problems)
    if own is None or sweep is None or problems:
        raise StudyError(name, list(dict.fromkeys(problems)))
    return MachineStudy(name, str(data["machine"]), sweep, lines, tuple(points), own)


def _buildable(data: dict[str, Any], fields: type[MachineFields], problems: list[str]) -> MachineFields | None:
    """The fields of a machine that can be built; else its errors are added to the problems."""
    try:
        made = fields.model_validate(without_blanks(data, [fields]))
        made.build()
    except ValidationError as failure:
        problems += [field_problem(error) for error in failure.errors()]
    except ValueError as failure:
        problems.append(str(failure))
    else:
        return made
    return None


def _values(data: dict[str, Any], section: str, fields: type[MachineFields], problems: list[str]) -> Values | None:
    """A section of values, if valid; its errors are added to the problems."""
    given = data.get(section)
    if given is None:
        problems.append(f"{section} is missing: name a 'parameter' and its 'values'")
        return None
    try:
        values = Values.model_validate(given)
    except ValidationError as failure:
        problems += [field_problem({**error, "loc": (section, *error["loc"])}) for error in failure.errors()]
        return None
    top = values.parameter.partition(".")[0]
    if top not in fields.model_fields or top in ("machine", "sweep", "lines"):
        parameters = [name for name in fields.model_fields if name not in ("machine", "sweep", "lines")]
        problems.append(
            f"{section}.parameter = {values.parameter!r}: give one of {', '.join(parameters)}, or a part of one"
        )
        return None
    return values


def _points(
    data: dict[str, Any],
    fields: type[MachineFields],
    sweep: Values | None,
    lines: Values | None,
    problems: list[str],
) -> list[tuple[float | None, float, MachineFields]]:
    """The fields of the machine at all values; errors are added to the problems."""
    # Without a sweep the rest is still checked.
    values: list[float | None] = [None] if sweep is None else [*sweep.numbers()]
    of_lines: list[float | None] = [None] if lines is None else [*lines.numbers()]
    if len(values) * len(of_lines) > MOST_POINTS:
        problems.append(f"sweep and lines have {len(values) * len(of_lines)} points: give at most {MOST_POINTS}")
        return []
    points: list[tuple[float | None, float, MachineFields]] = []
    placeholder = {"parameter": "machine", "values": [0]}
    found: dict[str, list[str]] = {}
    for line in of_lines:
        for value in values:
            at = {**data, "sweep": data["sweep"] if sweep else placeholder, "lines": data["lines"] if lines else None}
            where = []
            said: list[str] = []
            for section, chosen, number in (("lines", lines, line), ("sweep", sweep, value)):
                if chosen is not None and number is not None:
                    where.append(f"{chosen.parameter} = {number:g}")
                    try:
                        at = _with(at, chosen.parameter.split("."), number)
                    except LookupError as missing:
                        said.append(f"{section}.parameter = {chosen.parameter!r}: {missing.args[0]}")
            if (made := _buildable(at, fields, said)) is not None:
                points.append((line, math.nan if value is None else value, made))
            for problem in said:
                found.setdefault(problem, []).append(" and ".join(where))
    count = len(values) * len(of_lines)
    some = [problem for problem, places in found.items() if len(places) < count]
    problems += [problem for problem, places in found.items() if len(places) == count]
    problems += [f"at {found[problem][0]}: {problem}" for problem in some[:_SAMPLES]]
    if len(some) > _SAMPLES:
        problems.append(f"and {len(some) - _SAMPLES} more of the kind at other values of the sweep: shorten it")
    return points


def _has(data: Any, path: list[str]) -> bool:
    """Whether plain data have an entry."""
    key, *rest = path
    if isinstance(data, dict):
        return data.get(key) is not None and (not rest or _has(data[key], rest))
    return (
        isinstance(data, list) and key.isdigit() and int(key) < len(data) and (not rest or _has(data[int(key)], rest))
    )


def _with(data: Any, path: list[str], value: float) -> Any:
    """A copy of plain data with one entry set.

    Raises:
        LookupError: if the entry does not exist; gives the reason.
    """
    key, *rest = path
    if isinstance(data, dict):
        if not rest:
            return {**data, key: value}
        if data.get(key) is None:
            raise LookupError(f"there is no {key} in the file")
        return {**data, key: _with(data[key], rest, value)}
    if isinstance(data, list):
        if not (key.isdigit() and int(key) < len(data)):
            raise LookupError(f"{key} is not an index of its {len(data)} entries, which count from 0")
        changed = _with(data[int(key)], rest, value) if rest else value
        return [changed if i == int(key) else entry for i, entry in enumerate(data)]
    raise LookupError(f"there is no {key} in what is a single value")
