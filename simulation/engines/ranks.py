"""The MPI ranks of a run, and the MPI library of the LAMMPS in this environment."""

from __future__ import annotations

import ctypes
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulation.engines.site import Site

INSTALL = "install envs/requirements.lock, as 'make env' does"
LAST_WORDS_S = 0.5
"""An abort also ends mpiexec, which needs a moment to forward the output of a rank."""


class EngineError(Exception):
    """LAMMPS could not start or could not finish; the message gives the reason and a solution."""


class Ranks:
    """The MPI ranks of this run, and the machine settings. With one rank MPI is not used."""

    def __init__(self, wanted: int, site: Site | None = None) -> None:
        load_mpi_library()
        self.wanted = wanted
        self.site = site or Site()
        self.comm: Any = None
        if wanted > 1:
            try:
                from mpi4py import MPI
            except (ImportError, RuntimeError) as failure:
                raise EngineError(
                    f"{wanted} MPI ranks need mpi4py and its MPI library ({failure}): {INSTALL}"
                ) from None

            self.comm = MPI.COMM_WORLD
            if self.comm.Get_size() != wanted:
                raise EngineError(
                    f"the study needs {wanted} MPI ranks, but this process sees {self.comm.Get_size()}: start it with "
                    f"'mpiexec -n {wanted}', using the mpiexec of the environment that contains lammps and mpi4py"
                )

    @property
    def is_root(self) -> bool:
        """Whether this rank writes files and messages, and calls the controller."""
        return self.comm is None or self.comm.Get_rank() == 0

    def wait(self) -> None:
        """Wait for all ranks."""
        if self.comm is not None:
            self.comm.Barrier()

    def sum(self, values: NDArray[np.float64]) -> None:
        """Sum an array over all ranks, in place."""
        if self.comm is not None:
            from mpi4py import MPI

            self.comm.Allreduce(MPI.IN_PLACE, values)

    def share(self, value: Any) -> Any:
        """The value of the root, on every rank."""
        return value if self.comm is None else self.comm.bcast(value)

    def abort(self) -> None:
        """End all ranks, so that none waits for a failed one."""
        if self.comm is not None:
            sys.stderr.flush()
            time.sleep(LAST_WORDS_S)
            self.comm.Abort(1)


def load_mpi_library() -> None:
    """Load the MPICH library with global symbols: the lammps module does not find it itself."""
    library = Path(sys.prefix) / "lib" / "libmpi.so.12"
    if library.is_file():  # a conda or system LAMMPS links its own MPI; if that is missing, opening LAMMPS fails
        ctypes.CDLL(str(library), mode=ctypes.RTLD_GLOBAL)
