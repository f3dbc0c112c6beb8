"""What every script of a rule does around its work: its log, its errors, its JSON files."""

import faulthandler
import io
import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

OURS = ("analysis", "simulation")
"""Packages whose own kinds of error carry a message that tells people all they need."""


@contextmanager
def job(snakemake: Any) -> Iterator[None]:
    """Send all that a script says to the log of its rule, and end it with one line: what was written, or what is wrong.

    What is said is standard output and error, of C libraries and child processes too. They stay with the log until the
    process ends. An error of a class of ours is told without a traceback, any other with one; the exit status of both is 1.

    Args:
        snakemake: what Snakemake gives a script; its rule needs a ``log``.
    """
    # Appended to, because several processes may write at once; emptied, because an earlier attempt may have left its own.
    log = os.open(snakemake.log[0], os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o666)
    for descriptor, stream in ((1, sys.stdout), (2, sys.stderr)):
        if isinstance(stream, io.TextIOWrapper):
            # Messages hold Greek letters, which the encoding of some locales lacks.
            stream.reconfigure(encoding="utf-8", errors="backslashreplace", line_buffering=True)
        os.dup2(log, descriptor)
    os.close(log)
    faulthandler.enable()  # a crash inside a C library leaves a traceback as well
    start = time.perf_counter()
    try:
        yield
    except Exception as error:
        if type(error).__module__.partition(".")[0] not in OURS:
            raise
        print(f"nanofridge: {error}", file=sys.stderr)
        sys.exit(1)
    print(f"{snakemake.rule}: wrote {', '.join(snakemake.output)} in {time.perf_counter() - start:.1f} s")


def read_json(file: str) -> Any:
    """The content of a JSON file."""
    return json.loads(Path(file).read_text(encoding="utf-8"))


def write_json(content: Any, file: str) -> None:
    """Write a JSON file that people can read too; what it holds must be numbers that JSON has, or null."""
    Path(file).write_text(json.dumps(content, indent=1, allow_nan=False) + "\n", encoding="utf-8")
