"""One page for a study of an exactly solved machine: findings of its sweep, figures, and parameters."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from pathlib import Path

import pandas as pd

from analysis.mechanisms.sweep import NOTE, Finding, findings
from analysis.report.pictures import load_figures
from analysis.report.words import report_environment


def machine_page(
    study: str,
    machine: str,
    description: str,
    table: pd.DataFrame,
    parameters: Sequence[str],
    settings: str,
    figures: Iterable[str | Path],
    design: str | Path,
) -> str:
    """The whole page as HTML.

    Args:
        study: its name.
        machine: the kind of machine.
        description: one sentence on it.
        table: of ``sweep_table``.
        parameters: the parameter along the axis and, if there are lines, that of the lines.
        settings: the whole study as text.
        figures: picture files (PNG; an SVG or CSV of the same name is included).
        design: folder of template, style and captions.
    """
    line = parameters[1] if len(parameters) > 1 else None
    found = findings(table, parameters[0], line)
    return (
        report_environment(design)
        .get_template("machine.html.j2")
        .render(
            study=study,
            machine=machine,
            description=description,
            style=(Path(design) / "style.css").read_text(encoding="utf-8"),
            parameter=parameters[0],
            line=line,
            unit=next(iter(table["unit"].dropna()), "") if "unit" in table else "",
            efficient=_most_efficient(table, parameters),
            best=max((f for f in found if f.most_cooling), key=_cooling, default=None),
            findings=found,
            solved=int((table[NOTE] == "").sum()),
            points=len(table),
            missing=_missing(table, parameters),
            pictures=load_figures(figures, Path(design) / "captions.yaml"),
            settings=settings,
            short=short,
        )
    )


def summary_text(study: str, table: pd.DataFrame, parameters: Sequence[str]) -> str:
    """The same findings as a few lines of plain text."""
    line = parameters[1] if len(parameters) > 1 else None
    unit = next(iter(table["unit"].dropna()), "") if "unit" in table else ""
    lines = [f"study {study}, over {parameters[0]}"]
    for found in findings(table, parameters[0], line):
        start = f"{line} = {found.line:g}: " if line is not None and found.line is not None else ""
        if found.cools is None or found.most_cooling is None or found.best_cop is None:
            lines.append(f"{start}{found.solved} of {found.points} points have a solution, and none of them cools")
            continue
        at, power, share = found.most_cooling
        best, cop, of_bound = found.best_cop
        # There is no bound where the cold bath is as warm as the environment.
        shares = [
            f", {word}{part:.3g} of the bound" if math.isfinite(part) else ""
            for word, part in (("with ", share), ("", of_bound))
        ]
        lines.append(
            f"{start}cools from {found.cools[0]:g} to {found.cools[1]:g}; most at {at:g}, {power:.4g} {unit}{shares[0]}; "
            f"best COP {cop:.4g} at {best:g}{shares[1]}"
        )
    return "\n".join(lines) + "\n"


_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def short(value: float) -> str:
    """A number to four digits with a true minus sign and powers of ten; a dash if it is not known."""
    if not math.isfinite(value):
        return "–"
    digits, _, power = f"{value:.4g}".replace("-", "−").partition("e")
    return f"{digits}·10{str(int(power.replace('−', '-'))).translate(_RAISED)}" if power else digits


def _most_efficient(table: pd.DataFrame, parameters: Sequence[str]) -> dict[str, float] | None:
    """Efficiency and parameters of the most efficient point of a machine that has a role; None without one."""
    if "efficiency" not in table or not table["efficiency"].notna().any():
        return None
    row = table.iloc[int(table["efficiency"].fillna(-math.inf).to_numpy().argmax())]
    return {name: float(row[name]) for name in ("efficiency", *parameters)}


def _cooling(found: Finding) -> float:
    return found.most_cooling[1] if found.most_cooling else -math.inf


def _missing(table: pd.DataFrame, parameters: Sequence[str]) -> list[tuple[str, str]]:
    """For each line with points without a solution: their values, and the reason at the first of them."""
    without = table[table[NOTE] != ""]
    groups = [("", without)] if len(parameters) == 1 else list(without.groupby(parameters[1], sort=False))
    rows = []
    for line, points in groups:
        if len(points):
            at = points[parameters[0]]
            start = f"{parameters[1]} = {line:g}, " if len(parameters) > 1 else ""
            where = (
                f"{parameters[0]} from {at.min():g} to {at.max():g}"
                if len(at) > 1
                else f"{parameters[0]} = {at.iloc[0]:g}"
            )
            count = "1 point" if len(points) == 1 else f"{len(points)} points"
            rows.append((f"{start}{where}: {count}", str(points[NOTE].iloc[0])))
    return rows
