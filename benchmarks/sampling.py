"""Cost of the demon and of sampling, compared with LAMMPS that only integrates the motion."""

from __future__ import annotations

import pandas as pd

from benchmarks.paired import Contestant, contest, start
from benchmarks.systems import at_every_step, system


def sampling(size: str = "demo", steps: int = 1500, rounds: int = 5) -> pd.DataFrame:
    """Time per step relative to a run without demon and without samples.

    Samples at every step give the cost of one, in steps: their ratio minus 1. Those of positions come from a deck that has
    the computes of energy and stress as usual; the decks of the last two lack them.

    Returns:
        The columns of `contest`.
    """
    usual, dense = system(size), at_every_step(size)
    contestants = {
        "no demon, no samples": Contestant(usual, "none", without="series"),
        "demon": Contestant(usual, without="series"),
        "demon, samples each 0.1 ps": Contestant(usual),
        "samples at every step": Contestant(dense, "none"),
        "samples of positions": Contestant(dense, "none", without="columns"),
        "without stress/atom": Contestant(dense, "none", without="stress"),
        "without stress/atom and pe/atom": Contestant(dense, "none", without="stress and energy"),
    }
    return contest(contestants, start(usual, size), steps, rounds)
