"""What a site decides about LAMMPS and no study does: accelerators, threads, GPUs, and what starts the MPI ranks."""

from __future__ import annotations

import os
import shlex
from dataclasses import asdict, dataclass
from typing import Any

ACCELERATORS = ("-k", "-kokkos", "-pk", "-package", "-sf", "-suffix")
"""LAMMPS's command-line switches that choose accelerated styles and how they run; all others are the project's."""

USUAL = "-sf opt"
"""Styles of package OPT where LAMMPS has them, plain ones where it has not."""


class SiteError(ValueError):
    """A machine setting cannot be used; the message says which and what to write."""


@dataclass(frozen=True)
class Site:
    """How a simulation runs on a machine. No part of a study: what is measured is the same, whichever it is.

    Attributes:
        lammps: LAMMPS's switches for accelerators, as on its command line, such as ``-k on g 1 -sf kk``.
        threads: OpenMP threads of each MPI rank, for styles that have them.
        gpus: GPUs that the job was given; only recorded, LAMMPS's own switches say which it uses.
        launcher: what started the ranks; only recorded.
    """

    lammps: str = USUAL
    threads: int = 1
    gpus: int = 0
    launcher: str = ""

    def __post_init__(self) -> None:
        if self.threads < 1:
            raise SiteError(f"threads per rank = {self.threads}: write a whole number above zero")
        for place, word in enumerate(self.arguments):
            if (place == 0 or word.startswith("-")) and word not in ACCELERATORS:
                raise SiteError(
                    f"LAMMPS arguments {self.lammps!r}: {word} is none of {', '.join(ACCELERATORS)}: remove it, the other "
                    "LAMMPS switches are set by this project"
                )

    @property
    def arguments(self) -> list[str]:
        """LAMMPS's switches, one word each."""
        try:
            return shlex.split(self.lammps)
        except ValueError as failure:
            raise SiteError(f"LAMMPS arguments {self.lammps!r}: {failure}: close the quotation") from None

    def content(self) -> dict[str, Any]:
        """What `run.json` says of it."""
        content = asdict(self)
        return {"lammps_arguments": content.pop("lammps"), "threads_per_rank": content.pop("threads"), **content}


def set_threads(per_rank: int = 1) -> None:
    """Give LAMMPS so many threads in each rank, whatever a launcher or a workflow says. Call before LAMMPS is loaded."""
    os.environ["OMP_NUM_THREADS"] = str(per_rank)
