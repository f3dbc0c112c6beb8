"""Style of all figures: readable in print and without colour vision; the same data give the same bytes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from numpy.typing import ArrayLike
from PIL import Image

# The palette of Okabe & Ito, distinguishable with every common form of colour blindness; markers differ as well.
COLD, HOT, NEUTRAL, ACCENT, PURPLE = "#0072B2", "#D55E00", "#595959", "#009E73", "#CC79A7"
SIDE_COLOUR = {"cold": COLD, "hot": HOT}
SIDE_MARKER = {"cold": "o", "hot": "s"}

_RC: Any = {
    "font.size": 9,
    "axes.labelsize": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
    "legend.fontsize": 8,
    "lines.linewidth": 1.4,
    "lines.markersize": 5,
    "errorbar.capsize": 2.5,
    "savefig.dpi": 200,
    # Salt for the names of SVG elements. The default is a random number, with which equal figures give different files.
    "svg.hashsalt": "nanofridge",
}


def new_figure(width: float = 6.4, height: float = 4.2) -> Figure:
    """An empty figure of the given size in inches, in this style."""
    matplotlib.rcParams.update(_RC)
    return Figure(figsize=(width, height), layout="constrained")


def log_limits(values: ArrayLike, margin: float, otherwise: tuple[float, float]) -> tuple[float, float]:
    """Limits of a logarithmic axis: the smallest and the largest positive finite value, with a margin.

    Set them before the scale of the axis, which otherwise looks for positive data itself.

    Args:
        values: any sign, any shape.
        margin: factor by which the limits lie beyond the values.
        otherwise: limits if no value is positive.
    """
    given = np.asarray(values, dtype=float)
    positive = given[np.isfinite(given) & (given > 0)]
    return (float(positive.min() / margin), float(positive.max() * margin)) if positive.size else otherwise


def save(figure: Figure, table: pd.DataFrame | None, path: str | Path) -> None:
    """Write a figure as SVG and PNG, and its data as CSV, in one folder.

    Args:
        figure: to write.
        table: its numbers, with units in the column names; ``None`` for a picture without numbers, which has no CSV.
        path: path of any of the three files; the suffix is replaced.
    """
    stem = Path(path)
    stem.parent.mkdir(parents=True, exist_ok=True)
    # Each canvas draws once. `figure.savefig` would draw twice, and computing the layout takes longer than drawing.
    FigureCanvasSVG(figure).print_svg(stem.with_suffix(".svg"), metadata={"Date": None})  # type: ignore[no-untyped-call]
    figure.set_layout_engine("none")
    _save_png(figure, stem.with_suffix(".png"))
    if table is not None:
        table.to_csv(stem.with_suffix(".csv"), index=False, float_format="%.8g")


def _save_png(figure: Figure, file: Path) -> None:
    """Write a PNG with a palette of 256 colours, which is a third as large; figures have few colours."""
    figure.dpi = _RC["savefig.dpi"]
    canvas = FigureCanvasAgg(figure)
    canvas.draw()  # type: ignore[no-untyped-call]
    drawn = np.asarray(canvas.buffer_rgba())  # type: ignore[no-untyped-call]
    image = Image.fromarray(drawn).convert("RGB")
    palette = image.quantize(256, dither=Image.Dither.NONE)
    palette.save(file, optimize=True, dpi=(figure.dpi, figure.dpi))
