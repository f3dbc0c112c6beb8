"""Settings of LAMMPS for a machine, not part of a study: accelerators, threads, GPUs, and the launcher of the MPI ranks."""

from __future__ import annotations

import os
import shlex
from dataclasses import asdict, dataclass
from typing import Any

ACCELERATORS = ("-k", "-kokkos", "-pk", "-package", "-sf", "-suffix")
"""Command-line switches of LAMMPS for accelerated styles; all others are set by the project."""

USUAL = "-sf opt"
"""Styles of package OPT if LAMMPS has them, otherwise plain ones."""


class SiteError(ValueError):
    """A machine setting cannot be used; the message names it and says what to write."""


@dataclass(frozen=True)
class Site:
    """How a simulation runs on a machine. Not part of a study: the measured quantities do not depend on it.

    Attributes:
        lammps: switches of LAMMPS for accelerators, as on its command line, such as ``-k on g 1 -sf kk``.
        threads: OpenMP threads of each MPI rank, for styles that use them.
        gpus: GPUs of the job; only recorded, the switches of LAMMPS select those it uses.
        launcher: program that started the ranks; only recorded.
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
        """The switches of LAMMPS, one word each."""
        try:
            return shlex.split(self.lammps)
        except ValueError as failure:
            raise SiteError(f"LAMMPS arguments {self.lammps!r}: {failure}: close the quotation") from None

    def content(self) -> dict[str, Any]:
        """Its entry in `run.json`."""
        content = asdict(self)
        return {"lammps_arguments": content.pop("lammps"), "threads_per_rank": content.pop("threads"), **content}


def set_threads(per_rank: int = 1) -> None:
    """Set the number of threads per rank, whatever launcher or workflow have set. Call before LAMMPS is loaded."""
    os.environ["OMP_NUM_THREADS"] = str(per_rank)
