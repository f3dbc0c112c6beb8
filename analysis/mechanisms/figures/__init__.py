"""Figures of the machines: one function per file in results/mechanisms/, of the same name, returns the figure and its data."""

from analysis.mechanisms.figures.cascaded import cascaded_counting, cascaded_surfaces
from analysis.mechanisms.figures.comparison import comparison
from analysis.mechanisms.figures.direction import heat_direction
from analysis.mechanisms.figures.fermi_reservoirs import fermi_cooling, fermi_crossings, fermi_many, fermi_windows
from analysis.mechanisms.figures.ndemon import ndemon
from analysis.mechanisms.figures.nonreciprocal import nonreciprocal_networks
from analysis.mechanisms.figures.optomechanics import optomechanics_bandwidth, optomechanics_heat_flows
from analysis.mechanisms.figures.schematics import cascaded_schematic, ndemon_schematic

__all__ = [
    "cascaded_counting",
    "cascaded_schematic",
    "cascaded_surfaces",
    "comparison",
    "fermi_cooling",
    "fermi_crossings",
    "fermi_many",
    "fermi_windows",
    "heat_direction",
    "ndemon",
    "ndemon_schematic",
    "nonreciprocal_networks",
    "optomechanics_bandwidth",
    "optomechanics_heat_flows",
]
