"""Linear Langevin networks solved exactly: the paper's pair, the dressed pair, and what one measures on them.

Units are LAMMPS *metal*: Å, ps, eV, K; mass in eV ps²/Å², friction in eV ps/Å².
"""

from analysis.model.dressed import DressedPair
from analysis.model.network import BOLTZMANN, LinearLangevin, Stability, solve_lyapunov
from analysis.model.pair import LangevinPair, Refrigerator

__all__ = [
    "BOLTZMANN",
    "DressedPair",
    "LangevinPair",
    "LinearLangevin",
    "Refrigerator",
    "Stability",
    "solve_lyapunov",
]
