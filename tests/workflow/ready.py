"""Snakemake that is loaded already: each call is a fork of one process, in which no workflow has ever run.

Python needs two seconds to load Snakemake, and the tests call it hundreds of times. The call itself is Snakemake's own from its
command line to its exit; the shell, the scripts and the jobs that it starts are processes of their own, as ever.
"""

from __future__ import annotations

import atexit
import gc
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path


def main() -> None:
    """Wait for calls, one a line, and answer each with its exit status; a fork goes on as that call."""
    status = 1  # of an uncaught exception

    def end() -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)

    # The first registered is the last to run: only the taking down of thousands of modules is left out, half a second a call.
    atexit.register(end)
    import jinja2  # noqa: F401
    import nbformat  # noqa: F401
    import snakemake.cli
    import snakemake.storage  # noqa: F401

    snakemake.cli.get_argument_parser()  # finds and loads the plugins
    gc.collect()
    gc.freeze()  # a fork that looks through all that is loaded copies it
    gc.disable()
    for line in sys.stdin:
        call = json.loads(line)
        child = os.fork()
        if child == 0:
            break
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
    else:
        status = 0
        return
    for number, (name, flags) in enumerate(
        ((os.devnull, os.O_RDONLY), (call["stdout"], os.O_WRONLY), (call["stderr"], os.O_WRONLY))
    ):
        os.dup2(os.open(name, flags), number)
    os.chdir(call["folder"])
    os.environ.clear()
    os.environ.update(call["environment"])
    sys.path[0] = str(Path.cwd())  # as `python -m` has it
    sys.argv = ["snakemake", *call["arguments"]]
    try:
        snakemake.cli.main()
    except SystemExit as ended:
        status = int(ended.code or 0)
        raise


@cache
def _server() -> subprocess.Popen[str]:
    command = [sys.executable, __file__]
    server = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=_environment(), encoding="utf-8"
    )
    atexit.register(server.communicate)  # without a further line it ends
    return server


def _environment() -> dict[str, str]:
    """That of the tests, without the modules that they find by PYTHONPATH."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}


def call(arguments: Sequence[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run Snakemake in a folder. What depends on how Python starts, such as its locale, needs a process of its own instead."""
    server = _server()
    assert server.stdin is not None
    assert server.stdout is not None
    with tempfile.TemporaryDirectory() as place:
        said = [Path(place, name) for name in ("stdout", "stderr")]
        for file in said:
            file.touch()
        wanted = {"arguments": arguments, "folder": str(folder), "environment": _environment()}
        try:
            server.stdin.write(json.dumps(wanted | {"stdout": str(said[0]), "stderr": str(said[1])}) + "\n")
            server.stdin.flush()
            status = int(server.stdout.readline())
        except BaseException:  # a time limit, or the server is gone: the next call starts another
            server.kill()
            _server.cache_clear()
            raise
        output, errors = (file.read_text(encoding="utf-8", errors="replace") for file in said)
    return subprocess.CompletedProcess(["snakemake", *arguments], status, output, errors)


if __name__ == "__main__":
    main()
