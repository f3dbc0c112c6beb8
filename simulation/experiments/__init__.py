"""The kinds of simulation that a study has, one file a kind."""

from simulation.experiments import baths, drag, machine  # importing a kind makes it known
from simulation.experiments.base import Experiment, experiment_at, experiments

__all__ = ["Experiment", "baths", "drag", "experiment_at", "experiments", "machine"]
