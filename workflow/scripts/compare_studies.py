"""One page for several studies. inputs: runs (a run.json of each), frictions, responses, heats, performances, page.

params: counts (points of each); outputs: page, figure (.png, .svg, .csv).
"""

from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.compare.comparison import Comparison
from analysis.data.runs import read_metadata
from analysis.figures.studies import heats_of_studies
from analysis.figures.style import save
from analysis.heat.results import PerformancePoint
from analysis.report.studies_page import studies_page
from job import job, read_json

if TYPE_CHECKING:
    snakemake: Any

with job(snakemake):
    runs = [read_metadata(file) for file in snakemake.input.runs]
    heats, rest = iter(snakemake.input.heats), iter(snakemake.input.performances)
    counts = snakemake.params.counts
    files = zip(counts, snakemake.input.frictions, snakemake.input.responses, strict=True)
    comparisons = [Comparison.read(islice(heats, count), *at_rest) for count, *at_rest in files]
    performances = [[PerformancePoint.from_json(read_json(file)) for file in islice(rest, count)] for count in counts]
    picture = snakemake.output.figure[0]
    save(*heats_of_studies([run["study"] for run in runs], comparisons), picture)
    design = Path(snakemake.input.page).parent
    page = studies_page(runs, comparisons, performances, [picture], design)
    Path(snakemake.output.page).write_text(page, encoding="utf-8")
