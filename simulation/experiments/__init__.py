"""The kinds of simulation of a study, one file for each kind."""

from simulation.experiments import baths, drag, machine  # importing a kind registers it
from simulation.experiments.base import Experiment, experiment_at, experiments

__all__ = ["Experiment", "baths", "drag", "experiment_at", "experiments", "machine"]
