"""The controller: what it sees and answers, how its code is identified and tried, and its place in a running LAMMPS.

A controller of one's own needs what is named here.
"""

from simulation.control.controller import Controller, LinearController, Seen

__all__ = ["Controller", "LinearController", "Seen"]
