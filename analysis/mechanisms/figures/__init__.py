"""One figure per function, named as its file in results/mechanisms/; each returns the figure and its data."""

from analysis.mechanisms.figures.ndemon import ndemon

__all__ = ["ndemon"]
