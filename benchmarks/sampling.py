"""Cost of the demon and of sampling, compared with LAMMPS that only integrates the motion."""

from __future__ import annotations

import pandas as pd

from benchmarks.paired import Contestant, contest, start
from benchmarks.systems import system


def sampling(size: str = "demo", steps: int = 1500, rounds: int = 5) -> pd.DataFrame:
    """Time per step relative to a run without demon and without samples.

    Returns:
        The columns of `contest`.
    """
    usual, rarely = system(size), system(size, schedule={"sample_every_ps": "1.0"})
    contestants = {
        "no demon, no samples": Contestant(usual, "none", without="series"),
        "demon": Contestant(usual, without="series"),
        "samples each 1 ps": Contestant(rarely, "none"),
        "samples each 0.1 ps": Contestant(usual, "none"),
        "the same without pressure": Contestant(usual, "none", without="pressure"),
        "the same without energy and pressure": Contestant(usual, "none", without="energy and pressure"),
        "demon, samples each 0.1 ps": Contestant(usual),
    }
    return contest(contestants, start(usual, size), steps, rounds)
