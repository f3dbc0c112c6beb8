"""Entropy production and power over κ_H/κ_C. inputs: heats, friction (JSON files); outputs: [0] .png (.svg, .csv beside)."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.figures.fluxes import fluxes
from analysis.figures.style import save
from analysis.theory import Friction

if TYPE_CHECKING:
    snakemake: Any

points = [json.loads(Path(file).read_text()) for file in snakemake.input.heats]
friction = Friction.from_json(json.loads(Path(snakemake.input.friction).read_text()))
save(*fluxes(points, friction), snakemake.output[0])
