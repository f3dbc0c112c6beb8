"""Structure and its checks. inputs: run (run.json of one LAMMPS run, with its trajectory); outputs: [0] structure.json."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.runs import load_run
from analysis.structure import structure

if TYPE_CHECKING:
    snakemake: Any

Path(snakemake.output[0]).write_text(json.dumps(structure(load_run(snakemake.input.run)), indent=1) + "\n")
