"""Settings that every test shares."""

import os

from hypothesis import settings

# Set before any test imports NumPy: threaded linear algebra would compete with LAMMPS for the cores.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# Fixed examples, so that a failure is there again on the next call. No deadline: a loaded machine is no defect.
settings.register_profile("nanofridge", derandomize=True, deadline=None)
settings.load_profile("nanofridge")
