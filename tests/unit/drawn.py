"""What a panel shows, read from matplotlib: symbols with their errors, by the label of each series."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.container import ErrorbarContainer
from numpy.typing import NDArray

Array = NDArray[np.float64]


def _series(axes: Axes, label: str) -> Iterator[tuple[Array, Array]]:
    """Places, (2, n), and ends of the first bars, (n, 2, 2), of each series of symbols with this beginning of its label."""
    for container in axes.containers:
        if isinstance(container, ErrorbarContainer) and str(container.get_label()).startswith(label):
            points, _, drawn = container.lines
            assert points is not None
            yield np.array(points.get_data(), dtype=float), np.reshape(drawn[0].get_segments(), (-1, 2, 2))


def symbols(axes: Axes, label: str = "") -> list[list[tuple[float, float, float]]]:
    """(x, y, half the length of the vertical bar) of all symbols of each series with this beginning of its label."""
    found = []
    for places, ends in _series(axes, label):
        halves = (ends[:, 1, 1] - ends[:, 0, 1]) / 2
        found.append(list(zip(*places, halves, strict=True)))
    return found


def line(axes: Axes, label: str) -> NDArray[np.float64]:
    """Points of the only line with this beginning of its label, (2, n)."""
    (found,) = (each for each in axes.lines if str(each.get_label()).startswith(label))
    return np.array(found.get_data(), dtype=float)


def unseen(panels: Iterable[Axes], label: str = "") -> list[tuple[str, tuple[float, float]]]:
    """Symbols with this beginning of their label that lie outside the limits of their panel, by its title."""
    found = []
    for axes in panels:
        (left, right), (low, high) = sorted(axes.get_xlim()), sorted(axes.get_ylim())
        for series in symbols(axes, label):
            outside = [(x, y) for x, y, _ in series if not (left <= x <= right and low <= y <= high)]
            found += [(axes.get_title(loc="left"), place) for place in outside]
    return found


def bars(axes: Axes, label: str = "", along: int = 1) -> list[list[tuple[float, float, float, float]]]:
    """(x, y, lower end, upper end of the bar) of all symbols of each series with this label; bars along y, or along x (0)."""
    found = []
    for places, both in _series(axes, label):
        ends = both[:, :, along]
        shown = places[:, np.isfinite(places).all(axis=0)]  # nothing is drawn of others
        found.append(list(zip(*shown, *ends[np.isfinite(ends).all(axis=1)].T, strict=True)))
    return found


def curves(axes: Axes, style: str = "-") -> list[NDArray[np.float64]]:
    """All lines of a style with more than two points, (2, n) each, in the order in which they are drawn."""
    lines = [each for each in axes.lines if each.get_linestyle() == style]
    return [np.array(each.get_data(), dtype=float) for each in lines if np.size(each.get_xdata()) > 2]


def bands(axes: Axes) -> list[NDArray[np.float64]]:
    """All bands between two lines: their abscissa, lower and upper edge, (3, n) each, in the order in which they are drawn."""
    found = []
    for each in axes.collections:
        if isinstance(each, PolyCollection) and len(each.get_paths()):
            x, y = np.asarray(each.get_paths()[0].vertices).T
            at = np.unique(x)
            found.append(np.array([(value, y[x == value].min(), y[x == value].max()) for value in at]).T)
    return found
