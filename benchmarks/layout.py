"""How to spend two cores and which of LAMMPS's settings to use: choices behind the defaults."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pandas as pd

from benchmarks.paired import contest, run, start
from benchmarks.systems import system

SKINS_A = ("0.5", "0.65", "0.8", "1.0", "1.3", "2.0")


def settings(size: str = "demo", steps: int = 1500, rounds: int = 5) -> pd.DataFrame:
    """Neighbour skins and pair styles against the default (0.8 Å, `opt`)."""
    restart = start(system(size), size)
    studies = {"default": system(size)}
    studies |= {
        f"skin {skin} Å": system(size, integration={"neighbour_skin_A": skin}) for skin in SKINS_A if skin != "0.8"
    }
    studies["suffix none"] = system(size, integration={"suffix": "none"})
    return contest({name: (study, "python") for name, study in studies.items()}, restart, steps, rounds)


def two_cores(size: str = "demo", steps: int = 1500, rounds: int = 5) -> pd.DataFrame:
    """A sweep of many runs on two cores: two runs of one rank side by side, against one run of two ranks.

    Returns:
        `layout`, `steps_per_s` of all runs together (median), `ratio` to the first.
    """
    restart = start(system(size), size)
    rates: dict[str, list[float]] = {"2 runs of 1 rank": [], "1 run of 2 ranks": []}
    for number in range(rounds):
        for layout in list(rates)[:: -1 if number % 2 else 1]:
            ranks = 2 if layout.endswith("2 ranks") else 1
            study = system(size) | {"ranks": str(ranks)}
            count = 2 // ranks
            with ThreadPoolExecutor(count) as pool:
                loops = list(pool.map(lambda _, study=study: run(study, "python", restart, steps), range(count)))
            rates[layout].append(sum(loop.steps / loop.wall_s for loop in loops))
    table = pd.DataFrame(
        {"layout": list(rates), "steps_per_s": [float(pd.Series(rate).median()) for rate in rates.values()]}
    )
    table["ratio"] = table["steps_per_s"] / table["steps_per_s"].iloc[0]
    return table
