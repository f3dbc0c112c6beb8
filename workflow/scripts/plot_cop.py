"""Mean coefficients of performance over κ_H/κ_C.

inputs: performances (performance.json files); outputs: [0] .png (.svg, .csv beside).
"""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.figures.cop import cop
from analysis.figures.style import save

if TYPE_CHECKING:
    snakemake: Any

points = [json.loads(Path(file).read_text()) for file in snakemake.input.performances]
save(*cop(points), snakemake.output[0])
