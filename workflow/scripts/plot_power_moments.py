"""Mean and variance of the sampled power over κ_H/κ_C.

inputs: powers (power.json files), friction (friction.json); outputs: [0] .png (.svg, .csv beside).
"""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.figures.power_moments import power_moments
from analysis.figures.style import save
from analysis.theory import Friction

if TYPE_CHECKING:
    snakemake: Any

points = [json.loads(Path(file).read_text()) for file in snakemake.input.powers]
friction = Friction.from_json(json.loads(Path(snakemake.input.friction).read_text()))
save(*power_moments(points, friction), snakemake.output[0])
