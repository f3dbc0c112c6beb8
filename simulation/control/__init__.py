"""The controller: its interface, identification and trial of its code, and its coupling to LAMMPS.

A custom controller needs the names listed here.
"""

from simulation.control.controller import Controller, LinearController, Seen

__all__ = ["Controller", "LinearController", "Seen"]
