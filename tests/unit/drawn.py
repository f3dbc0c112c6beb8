"""What a panel shows, read from matplotlib: symbols with their errors, by the label of each series."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.container import ErrorbarContainer
from numpy.typing import NDArray


def symbols(axes: Axes, label: str = "") -> list[list[tuple[float, float, float]]]:
    """(x, y, half the length of the vertical bar) of all symbols of each series with this beginning of its label."""
    found = []
    for container in axes.containers:
        if not isinstance(container, ErrorbarContainer) or not str(container.get_label()).startswith(label):
            continue
        points, _, bars = container.lines
        assert points is not None
        ends = np.array(bars[0].get_segments())
        halves = (ends[:, 1, 1] - ends[:, 0, 1]) / 2
        found.append(list(zip(*np.asarray(points.get_data(), dtype=float), halves, strict=True)))
    return found


def line(axes: Axes, label: str) -> NDArray[np.float64]:
    """Points of the only line with this beginning of its label, (2, n)."""
    (found,) = (each for each in axes.lines if str(each.get_label()).startswith(label))
    return np.array(found.get_data(), dtype=float)
