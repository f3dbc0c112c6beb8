"""How numbers are written on a page, and the templates that write them."""

from __future__ import annotations

import math
import re
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from analysis.heat.results import Interval


@cache
def report_environment(design: str | Path) -> Environment:
    """Where templates are found, and the filters that they use; cached, so that a template is compiled once."""
    environment = Environment(
        loader=FileSystemLoader(design),
        undefined=StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    # Bokeh reads an object's definition before the references to it.
    environment.policies["json.dumps_kwargs"] = {"sort_keys": False}
    environment.filters |= {
        "measured": measured,
        "interval": interval,
        "number": number,
        "ranks": lambda run: ", ".join(map(str, ranks(run))),
        "subscripts": subscripts,
        "z": z_score,
    }
    return environment


def number(value: float | None, digits: int = 3) -> str:
    """A number with a true minus sign; a dash for none."""
    return "–" if value is None else f"{value:z.{digits}f}".replace("-", "−")


def measured(value: float | None, se: float | None, scale: float = 1.0) -> str:
    """A value ± its standard error, rounded to two digits of the error; an unknown error is a question mark."""
    if value is None:
        return "–"
    if se is None or not math.isfinite(se):
        return f"{number(scale * value)} ± ?"
    error = scale * se
    # Some rates are known exactly, such as zero at the Carnot point; three digits are enough for these.
    digits = min(max(1 - math.floor(math.log10(error)), 0), 4) if error > 5e-5 else 3
    return f"{number(scale * value, digits)} ± {number(error, digits)}"


def interval(found: Interval | None) -> str:
    """A value with the ends of its 95 % interval; an unknown end is a "?", and a dash stands for an unknown value."""
    if found is None or math.isnan(found.value):
        return "–"
    width = found.high - found.low
    if math.isnan(width):
        width = abs(found.value)
    digits = min(max(1 - math.floor(math.log10(width / 4)), 0), 4) if width > 0 else 3
    ends = ("?" if math.isnan(end) else number(end, digits) for end in (found.low, found.high))
    return f"{number(found.value, digits)} ({' to '.join(ends)})"


def z_score(value: float | None) -> str:
    """A deviation in standard errors, with its sign; a question mark if the error is unknown."""
    return "?" if value is None else f"{value:+z.1f}".replace("-", "−")


def subscripts(text: str) -> Markup:
    """Text with its κ_H, T_C, k_B set as symbols with subscripts, safe for use in HTML."""
    return Markup(re.sub(r"(\w)_([BCHjl])(?![A-Za-z])", r"\1<sub>\2</sub>", str(escape(text))))


def ranks(run: dict[str, Any]) -> list[int]:
    """MPI ranks of the segments of a run, which may differ; an exact run is one process."""
    ranks = run.get("ranks", 1)
    return ranks if isinstance(ranks, list) else [ranks]
