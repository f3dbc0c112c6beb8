"""Linear Langevin networks solved exactly: the paper's pair, dressed and with bodies of fluid, and what one measures on them.

``closed_forms`` holds the paper's formulas, ``equilibrium`` the correlations of a single particle.

Units are LAMMPS *metal*: Å, ps, eV, K; mass in eV ps²/Å², friction in eV ps/Å².
"""

from analysis.model.bodies import PairWithBodies
from analysis.model.cop import RatioLaw, sampled_cop, window_cop
from analysis.model.currents import (
    Current,
    covariance_over,
    heat_current,
    mean_rates,
    noise_rates,
    work_current,
)
from analysis.model.dressed import DressedPair
from analysis.model.heat_cop import QuadraticRatioLaw, heat_cop
from analysis.model.lyapunov import solve_lyapunov
from analysis.model.network import BOLTZMANN, LinearLangevin, Stability
from analysis.model.pair import LangevinPair
from analysis.model.power import QuadraticFormLaw
from analysis.model.refrigerator import FLOWS, Mode, Refrigerator

__all__ = [
    "BOLTZMANN",
    "FLOWS",
    "Current",
    "DressedPair",
    "LangevinPair",
    "LinearLangevin",
    "Mode",
    "PairWithBodies",
    "QuadraticFormLaw",
    "QuadraticRatioLaw",
    "RatioLaw",
    "Refrigerator",
    "Stability",
    "covariance_over",
    "heat_cop",
    "heat_current",
    "mean_rates",
    "noise_rates",
    "sampled_cop",
    "solve_lyapunov",
    "window_cop",
    "work_current",
]
