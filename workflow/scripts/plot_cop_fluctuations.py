"""Fluctuating coefficients of performance and their tail.

inputs: performances (performance.json files), friction (friction.json); outputs: [0] .png (.svg, .csv beside).
"""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.figures.cop_fluctuations import cop_fluctuations
from analysis.figures.style import save
from analysis.theory import Friction

if TYPE_CHECKING:
    snakemake: Any

points = [json.loads(Path(file).read_text()) for file in snakemake.input.performances]
friction = Friction.from_json(json.loads(Path(snakemake.input.friction).read_text()))
save(*cop_fluctuations(points, friction), snakemake.output[0])
