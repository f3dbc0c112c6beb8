"""Table of a study. inputs: heats (heat.json of all points), friction (friction.json); outputs: csv, text."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.summary import summary_table, summary_text

if TYPE_CHECKING:
    snakemake: Any

points = [json.loads(Path(file).read_text()) for file in snakemake.input.heats]
friction = json.loads(Path(snakemake.input.friction).read_text())
summary_table(points, friction).to_csv(snakemake.output.csv, index=False, float_format="%.6g")
Path(snakemake.output.text).write_text(summary_text(points, friction))
