"""One figure per function, named as its file in results/mechanisms/; each returns the figure and its data."""

from analysis.mechanisms.figures.fermi_reservoirs import fermi_cooling, fermi_crossings, fermi_many, fermi_windows
from analysis.mechanisms.figures.ndemon import ndemon

__all__ = ["fermi_cooling", "fermi_crossings", "fermi_many", "fermi_windows", "ndemon"]
