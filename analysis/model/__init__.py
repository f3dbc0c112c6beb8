"""Linear Langevin networks solved exactly: the paper's pair, dressed and with bodies of fluid, and their measurable quantities.

``closed_forms`` has the formulas of the paper, ``equilibrium`` the correlations of a single particle.

Units are LAMMPS *metal*: Å, ps, eV, K; mass in eV ps²/Å², friction in eV ps/Å².
"""

from analysis.model.bodies import PairWithBodies, active_spectrum
from analysis.model.colloid import colloid
from analysis.model.cop import RatioLaw, sampled_cop, window_cop
from analysis.model.currents import (
    Current,
    covariance_over,
    heat_current,
    mean_rates,
    noise_rates,
    work_current,
)
from analysis.model.delayed import DelayedNetwork
from analysis.model.design import Design, Limits, best_damping, best_design, pareto_front
from analysis.model.dressed import DressedPair
from analysis.model.feedback import ControlledNetwork, Feedback
from analysis.model.heat_cop import QuadraticRatioLaw, heat_cop
from analysis.model.heat_of_run import HeatOfRun, heats_of_runs
from analysis.model.information import (
    information_flow_from_rate,
    information_flow_from_samples,
    information_of_reading,
    mutual_information,
)
from analysis.model.lyapunov import solve_lyapunov
from analysis.model.margin import largest_stable_delay
from analysis.model.moved import AT_REST, MovedPair, Oscillation, TrapMotion, moved_heats
from analysis.model.network import LinearLangevin, Stability
from analysis.model.pair import LangevinPair
from analysis.model.power import QuadraticFormLaw
from analysis.model.refrigerator import FLOWS, Mode, Refrigerator
from analysis.model.response import RespondingPair
from analysis.model.sampled import SampledNetwork
from analysis.units import BOLTZMANN

__all__ = [
    "AT_REST",
    "BOLTZMANN",
    "FLOWS",
    "ControlledNetwork",
    "Current",
    "DelayedNetwork",
    "Design",
    "DressedPair",
    "Feedback",
    "HeatOfRun",
    "LangevinPair",
    "Limits",
    "LinearLangevin",
    "Mode",
    "MovedPair",
    "Oscillation",
    "PairWithBodies",
    "QuadraticFormLaw",
    "QuadraticRatioLaw",
    "RatioLaw",
    "Refrigerator",
    "RespondingPair",
    "SampledNetwork",
    "Stability",
    "TrapMotion",
    "active_spectrum",
    "best_damping",
    "best_design",
    "colloid",
    "covariance_over",
    "heat_cop",
    "heat_current",
    "heats_of_runs",
    "information_flow_from_rate",
    "information_flow_from_samples",
    "information_of_reading",
    "largest_stable_delay",
    "mean_rates",
    "moved_heats",
    "mutual_information",
    "noise_rates",
    "pareto_front",
    "sampled_cop",
    "solve_lyapunov",
    "window_cop",
    "work_current",
]
