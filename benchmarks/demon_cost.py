"""Cost of the demon: the same dynamics without it, with our Python callback, and with LAMMPS variables."""

from __future__ import annotations

import pandas as pd

from benchmarks.paired import Contestant, contest, start
from benchmarks.systems import system
from benchmarks.worker import KINDS

STEPS = {"tiny": 8000, "demo": 1500, "paper": 400}


def demon_cost(ranks: int, sizes: tuple[str, ...] = ("tiny", "demo", "paper"), rounds: int = 5) -> pd.DataFrame:
    """Time per step with each kind of demon, relative to none.

    Returns:
        `size`, then the columns of `contest`; `fixes_added` is the share of the demon in a step.
    """
    tables = []
    for size in sizes:
        study = system(size) | {"ranks": str(ranks)}
        contestants = {kind: Contestant(study, kind) for kind in KINDS}
        table = contest(contestants, start(system(size), size), STEPS[size], rounds)
        table.insert(0, "size", size)
        tables.append(table)
    return pd.concat(tables, ignore_index=True)
