"""`python -m benchmarks [NAME …]`: measure, and write numbers, tables and figures to benchmarks/results/."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pandas as pd

from benchmarks import demon_cost, layout, peers, price, releases, sampling, sweep_price, whole
from benchmarks.picture import draw
from simulation.engines.lammps import lammps_build
from simulation.engines.site import set_threads

RESULTS = Path(__file__).resolve().parent / "results"

BENCHMARKS: dict[str, Callable[[], pd.DataFrame]] = {
    "demon_cost": partial(demon_cost.demon_cost, ranks=1),
    "demon_cost_two_ranks": partial(demon_cost.demon_cost, ranks=2),
    "sampling": sampling.sampling,
    "releases": releases.releases,
    "settings": layout.settings,
    "two_cores": layout.two_cores,
    "grids": layout.grids,
    "threads": layout.threads,
    "peers": peers.peers,
    "price": price.price,
    "sweep_price": sweep_price.sweep_price,
    "efficiency": whole.efficiency,
    "analysis": whole.analysis,
}


def machine() -> dict[str, str | int | None]:
    """The machine of the measurement."""
    model = "unknown"
    for line in (
        Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines() if Path("/proc/cpuinfo").is_file() else ()
    ):
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
    return {
        "processor": model,
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "lammps": lammps_build(),
    }


def markdown(table: pd.DataFrame) -> str:
    """A readable table with four digits."""
    cells = table.map(lambda value: f"{value:.4g}" if isinstance(value, float) else str(value)).mask(table.isna(), "")
    lines = [list(table.columns), ["---"] * len(table.columns), *cells.to_numpy().tolist()]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def main() -> int:
    """Run the benchmarks named on the command line, by default all; returns the exit code.

    One that lacks something, such as shipped runs or another LAMMPS, says what; the others still run.
    """
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"any of {', '.join(BENCHMARKS)}; all by default")
    chosen = parser.parse_args().names or list(BENCHMARKS)
    if unknown := [name for name in chosen if name not in BENCHMARKS]:
        print(f"no benchmark {', '.join(unknown)}: choose from {', '.join(BENCHMARKS)}", file=sys.stderr)
        return 2
    set_threads()
    RESULTS.mkdir(exist_ok=True)
    exit_code = 0
    for name in chosen:
        print(f"{name}:", file=sys.stderr, flush=True)
        try:
            table = BENCHMARKS[name]()
        except FileNotFoundError as lacking:
            print(f"  not measured: {lacking}", file=sys.stderr)
            exit_code = 1
            continue
        print(table.to_string(index=False, float_format=lambda value: f"{value:.4g}"))
        draw(table, name, RESULTS / f"{name}.png")
        (RESULTS / f"{name}.md").write_text(markdown(table), encoding="utf-8")
        content = {"machine": machine(), "rows": json.loads(table.to_json(orient="records"))}
        (RESULTS / f"{name}.json").write_text(
            json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
        )
    return exit_code


if __name__ == "__main__":
    sys.exit(main())
