"""Use of two cores and settings of LAMMPS: measurements behind the defaults."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pandas as pd

from benchmarks.paired import Contestant, contest, run, start
from benchmarks.systems import NO_SUFFIX, system

SKINS_A = ("0.5", "0.65", "0.8", "1.0", "1.3", "2.0")

# Commands behind the deck's, against its own `neigh_modify every 1 delay 0 check yes` and `atom_modify sort 1000 0.0`.
AFTER = {
    "looked at every 2 steps": "neigh_modify every 2 delay 0 check yes\n",
    "looked at every 10 steps, skin 1.0 Å": "neighbor 1.0 bin\nneigh_modify every 10 delay 0 check yes\n",
    "atoms never sorted": "atom_modify sort 0 0.0\n",
    "atoms sorted every 100 steps": "atom_modify sort 100 0.0\n",
}

GRIDS = {"2 x 1 x 1, a bath each": "2 1 1", "1 x 2 x 1": "1 2 1", "1 x 1 x 2": "1 1 2"}
"""Processor grids of two ranks; the first is the choice of LAMMPS for a box twice as long as wide."""


def settings(size: str = "demo", steps: int = 1500, rounds: int = 5) -> pd.DataFrame:
    """Neighbour skins, rebuild policies, sorting and pair styles, relative to the default."""
    restart = start(system(size), size)
    contestants = {"default (skin 0.8 Å, opt)": Contestant(system(size))}
    contestants |= {
        f"skin {skin} Å": Contestant(system(size, integration={"neighbour_skin_A": skin}))
        for skin in SKINS_A
        if skin != "0.8"
    }
    contestants |= {
        "suffix none": Contestant(system(size), before=NO_SUFFIX),
        "suffix omp": Contestant(system(size), before="package omp 1\nsuffix omp\n"),
    }
    contestants |= {name: Contestant(system(size), after=commands) for name, commands in AFTER.items()}
    return contest(contestants, restart, steps, rounds)


def grids(size: str = "demo", steps: int = 1500, rounds: int = 5) -> pd.DataFrame:
    """Partition of the box between two ranks."""
    study = system(size) | {"ranks": "2"}
    contestants = {name: Contestant(study, before=f"processors {grid}\n") for name, grid in GRIDS.items()}
    return contest(contestants, start(system(size), size), steps, rounds)


def two_cores(size: str = "demo", steps: int = 1500, rounds: int = 5) -> pd.DataFrame:
    """A sweep of many runs on two cores: two parallel runs of one rank, compared with one run of two ranks.

    Returns:
        `contestant`, `steps_per_s` of all runs together (median), `ratio` to the first.
    """
    restart = start(system(size), size)
    rates: dict[str, list[float]] = {"2 runs of 1 rank": [], "1 run of 2 ranks": []}
    for number in range(rounds):
        for layout in list(rates)[:: -1 if number % 2 else 1]:
            ranks = 2 if layout.endswith("2 ranks") else 1
            contestant = Contestant(system(size) | {"ranks": str(ranks)})
            count = 2 // ranks
            with ThreadPoolExecutor(count) as pool:
                loops = list(pool.map(lambda _, each=contestant: run(each, restart, steps), range(count)))
            rates[layout].append(sum(loop.steps / loop.wall_s for loop in loops))
    table = pd.DataFrame(
        {"contestant": list(rates), "steps_per_s": [float(pd.Series(rate).median()) for rate in rates.values()]}
    )
    table["ratio"] = table["steps_per_s"] / table["steps_per_s"].iloc[0]
    return table


def threads(size: str = "demo", steps: int = 1000, rounds: int = 5) -> pd.DataFrame:
    """One run on two cores: two ranks, or one rank with two OpenMP threads, beside one core with either pair style.

    Returns:
        `contestant`, `steps_per_s` (median, of wall time), `ratio` of the time of a step to the first's (median over rounds of
        the ratio within a round) and `ratio_low`, `ratio_high` (the extremes).
    """
    restart = start(system(size), size)
    two = system(size) | {"ranks": "2"}
    contestants = {
        "2 ranks, opt": Contestant(two),
        "2 ranks of 1 thread, omp": Contestant(two, lammps="-sf omp"),
        "1 rank of 2 threads, omp": Contestant(system(size), lammps="-sf omp", threads=2),
        "1 rank, opt": Contestant(system(size)),
        "1 rank of 1 thread, omp": Contestant(system(size), lammps="-sf omp"),
    }
    rates: dict[str, list[float]] = {name: [] for name in contestants}
    for number in range(rounds):
        for name in list(contestants)[:: -1 if number % 2 else 1]:
            loop = run(contestants[name], restart, steps)
            rates[name].append(loop.steps / loop.wall_s)
    table = pd.DataFrame(rates)
    ratios = 1 / table.div(table.iloc[:, 0], axis=0)
    return pd.DataFrame(
        {
            "contestant": list(contestants),
            "steps_per_s": table.median().to_list(),
            "ratio": ratios.median().to_list(),
            "ratio_low": ratios.min().to_list(),
            "ratio_high": ratios.max().to_list(),
        }
    )
